/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looks at the processes that the kernel announces, and tells the worker about them: a child of the monitor's, the
 * teller. Reading a command line waits for the lock on that process's memory, which others may hold for long; so the
 * monitor looks after the teller, ends one that hangs, and has command lines read no more.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <bpf/libbpf.h>

#include "userspace/attach/owners_parts.h"
#include "userspace/process/process_facts.h"
#include "userspace/process/process_feed.h"

#define TELLERS_MAX 100u         /* that may die before nobody is told any more */
#define HANGS_NS 2000000000u

static uint64_t monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* ---- the teller ---- */

static void busy(struct owners *o, uint32_t pid)
{
	__atomic_store_n(&o->shared->busy_with, pid, __ATOMIC_RELAXED);
	__atomic_store_n(&o->shared->busy_since_ns, pid ? monotonic_ns() : 0, __ATOMIC_RELEASE);
}

static void tell(struct owners *o, const struct feed_message *message)
{
	if (!process_feed_send(o->feed[1], message))
		o->shared->counters.unsent++;
}

static void tell_process(struct owners *o, const struct process_id *id, const char *name)
{
	struct feed_message message = { .kind = FEED_PROCESS };
	struct process *p = &message.process;

	p->key.pid = id->pid;
	p->key.start_ns = id->start_ns;
	if (name)
		snprintf(p->name, sizeof(p->name), "%.*s", PROCESS_NAME_LEN - 1, name);
	o->shared->counters.processes++;
	busy(o, id->pid);
	if (!process_facts(p, !o->no_command_lines))
		o->shared->counters.gone++;
	busy(o, 0);
	tell(o, &message);
}

static size_t first_holder(const struct owners *o, uint64_t cookie)
{
	size_t low = 0, high = o->num_holders, middle;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (memcmp(&o->holders[middle].cookie, &cookie, sizeof(cookie)) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* All who held it, and that they did. */
static void tell_holders(struct owners *o, uint64_t cookie)
{
	struct feed_message message = { .kind = FEED_HOLDERS };
	struct feed_holders *h = &message.holders;
	size_t i;

	h->cookie = cookie;
	for (i = first_holder(o, cookie); i < o->num_holders && o->holders[i].cookie == cookie; i++) {
		if (i > 0 && memcmp(&o->holders[i], &o->holders[i - 1], sizeof(o->holders[i])) == 0)
			continue;    /* by two descriptors */
		h->total++;
		if (h->num == FEED_HOLDERS_MAX)
			continue;
		h->holders[h->num].pid = o->holders[i].process.pid;
		h->holders[h->num++].start_ns = o->holders[i].process.start_ns;
		tell_process(o, &o->holders[i].process, NULL);
	}
	if (h->total > 1)
		tell(o, &message);
}

static int on_announcement(void *context, void *record, size_t size)
{
	struct owners *o = context;
	struct announcement a;

	if (size < sizeof(a))
		return 0;
	memcpy(&a, record, sizeof(a));
	if (a.found_cookie)
		tell_holders(o, a.found_cookie);
	else
		tell_process(o, &a.process, a.name);
	return 0;
}

/* Keeps the feed and the ring, and none of what the monitor has attached. */
static void close_others(const struct owners *o)
{
	int low = o->feed[1] < o->announcements_fd ? o->feed[1] : o->announcements_fd;
	int high = o->feed[1] < o->announcements_fd ? o->announcements_fd : o->feed[1];

	syscall(SYS_close_range, STDERR_FILENO + 1, low - 1, 0);
	syscall(SYS_close_range, low + 1, high - 1, 0);
	syscall(SYS_close_range, high + 1, ~0u, 0);
}

static void __attribute__((noreturn)) tell_all(struct owners *o, pid_t monitor)
{
	struct ring_buffer *ring;

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != monitor)
		_exit(1);
	/* The monitor's signals are its own; it ends this one by SIGKILL. */
	close_others(o);
	ring = ring_buffer__new(o->announcements_fd, on_announcement, o, NULL);
	while (ring && ring_buffer__poll(ring, -1) >= 0)
		;
	_exit(1);
}

/* ---- the monitor ---- */

static void begin_teller(struct owners *o)
{
	pid_t monitor = getpid();

	if (o->teller || o->tellers == TELLERS_MAX)
		return;
	o->tellers++;
	o->shared->busy_since_ns = 0;
	o->teller = fork();
	if (o->teller == 0)
		tell_all(o, monitor);
	if (o->teller < 0)
		o->teller = 0;
}

static void end_hanging(struct owners *o)
{
	uint64_t since = __atomic_load_n(&o->shared->busy_since_ns, __ATOMIC_ACQUIRE);

	if (!since || monotonic_ns() - since < HANGS_NS)
		return;
	if (!o->no_command_lines)
		fprintf(stderr, "certtap: process %u does not let itself be looked at: command lines are not read any more\n",
			o->shared->busy_with);
	o->no_command_lines = true;
	kill(o->teller, SIGKILL);
}

void owners_tend(struct owners *o)
{
	if (o->feed[0] >= 0) {           /* the worker has its own by now */
		close(o->feed[0]);
		o->feed[0] = -1;
	}
	if (o->teller)
		end_hanging(o);
	if (o->teller && waitpid(o->teller, NULL, WNOHANG) != 0)
		o->teller = 0;
	begin_teller(o);
}

void owners_tell_end(struct owners *o)
{
	if (!o->teller)
		return;
	kill(o->teller, SIGKILL);
	waitpid(o->teller, NULL, 0);
	o->teller = 0;
}
