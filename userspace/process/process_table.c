/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/process/process_table.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <uthash.h>

#include "userspace/process/process_feed.h"

#define WAIT_MS 50               /* for the facts of a process that was just named */
#define PATIENCE_NS 1000000000   /* after a wait in vain, nobody waits for so long */

struct known_process {
	struct process process;
	struct known_process *older;     /* facts it replaced: rows may point to them */
	UT_hash_handle hh;
};

struct known_socket {
	uint64_t cookie;
	struct feed_holders holders;
	UT_hash_handle hh;
};

struct process_table {
	struct process_table_limits limits;
	struct known_process *processes;
	struct known_socket *sockets;
	int feed;
	uint64_t impatient_until_ns;
	struct process_table_counters counters;
};

struct process_table *process_table_new(const struct process_table_limits *limits, int feed)
{
	struct process_table *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->limits = *limits;
	t->feed = feed;
	return t;
}

void process_table_free(struct process_table *t)
{
	struct known_process *entry, *next, *older;
	struct known_socket *socket, *next_socket;

	if (!t)
		return;
	HASH_ITER(hh, t->processes, entry, next) {
		HASH_DEL(t->processes, entry);
		for (; entry; entry = older) {
			older = entry->older;
			free(entry);
		}
	}
	HASH_ITER(hh, t->sockets, socket, next_socket) {
		HASH_DEL(t->sockets, socket);
		free(socket);
	}
	free(t);
}

static struct known_process *find(const struct process_table *t, const struct process_key *key)
{
	struct known_process *entry;

	HASH_FIND(hh, t->processes, key, sizeof(*key), entry);
	return entry;
}

const struct process *process_table_find(const struct process_table *t, const struct process_key *key)
{
	const struct known_process *entry = find(t, key);

	return entry ? &entry->process : NULL;
}

const struct process *process_table_add(struct process_table *t, const struct process *process)
{
	struct known_process *before = find(t, &process->key), *entry;

	if (before && memcmp(&before->process, process, sizeof(*process)) == 0)
		return &before->process;
	if (t->counters.processes >= t->limits.processes || !(entry = calloc(1, sizeof(*entry)))) {
		t->counters.refused++;
		return before ? &before->process : NULL;
	}
	t->counters.processes++;
	entry->process = *process;
	entry->older = before;
	if (before)
		HASH_DEL(t->processes, before);
	HASH_ADD(hh, t->processes, process.key, sizeof(entry->process.key), entry);
	return &entry->process;
}

static void add_holders(struct process_table *t, const struct feed_holders *holders)
{
	struct known_socket *entry;

	HASH_FIND(hh, t->sockets, &holders->cookie, sizeof(holders->cookie), entry);
	if (!entry) {
		if (HASH_COUNT(t->sockets) >= t->limits.processes || !(entry = calloc(1, sizeof(*entry)))) {
			t->counters.refused++;
			return;
		}
		entry->cookie = holders->cookie;
		HASH_ADD(hh, t->sockets, cookie, sizeof(entry->cookie), entry);
	}
	entry->holders = *holders;
}

/* One message; false: none within the time. */
static bool take_message(struct process_table *t, int wait_ms)
{
	struct feed_message message;
	int result;

	if (t->feed < 0)
		return false;
	result = process_feed_receive(t->feed, &message, wait_ms);
	if (result < 0)
		t->feed = -1;
	if (result <= 0)
		return false;
	if (message.kind == FEED_PROCESS)
		process_table_add(t, &message.process);
	else if (message.kind == FEED_HOLDERS)
		add_holders(t, &message.holders);
	return true;
}

void process_table_poll(struct process_table *t)
{
	while (take_message(t, 0))
		;
}

static uint64_t monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* The kernel names a process before the packet it sends: its facts are here, or on their way. */
static const struct process *await(struct process_table *t, const struct process_key *key)
{
	const struct process *process = process_table_find(t, key);
	uint64_t now;

	if (process || t->counters.refused)
		return process;
	process_table_poll(t);
	process = process_table_find(t, key);
	now = monotonic_ns();
	if (process || now < t->impatient_until_ns)
		return process;
	while (!process && monotonic_ns() - now < WAIT_MS * 1000000u && take_message(t, WAIT_MS))
		process = process_table_find(t, key);
	if (!process)
		t->impatient_until_ns = monotonic_ns() + PATIENCE_NS;
	return process;
}

/* Known by its id alone, when there is no more. */
static const struct process *process_of(struct process_table *t, uint32_t pid, uint64_t start_ns)
{
	struct process bare = { .key = { .pid = pid, .start_ns = start_ns } };
	const struct process *process;

	if (pid == 0)
		return NULL;
	process = await(t, &bare.key);
	if (process)
		return process;
	t->counters.late++;
	return process_table_add(t, &bare);
}

/* A socket that nobody was seen to make: whoever held it may be the owner. */
static void take_holders(struct process_table *t, const struct event_owner *named, struct owner *out)
{
	const struct process *process;
	struct known_socket *socket;
	uint32_t i;

	HASH_FIND(hh, t->sockets, &named->cookie, sizeof(named->cookie), socket);
	if (!socket)
		return;
	for (i = 0; i < socket->holders.num && out->num_others < OWNER_OTHERS_MAX; i++) {
		process = process_table_find(t, &socket->holders.holders[i]);
		if (process && process != out->process && process != out->maker)
			out->others[out->num_others++] = process;
	}
}

bool process_table_owner(struct process_table *t, const struct event_owner *named, int64_t wall_offset_ns,
			 struct owner *out)
{
	*out = (struct owner){ 0 };
	out->maker = process_of(t, named->maker_pid, named->maker_start_ns);
	out->process = process_of(t, named->sender_pid, named->sender_start_ns);
	if (named->listen_ns)
		out->listens_since_ns = named->listen_ns + (uint64_t)wall_offset_ns;
	if (!out->process && !out->maker)
		return false;
	if (named->found)
		take_holders(t, named, out);
	out->sent = out->process != NULL;
	if (!out->process) {
		out->process = out->maker;
		out->candidate = out->num_others > 0;
	}
	return true;
}

const struct process_table_counters *process_table_counters(const struct process_table *t)
{
	return &t->counters;
}
