/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/write/capture_held.h"

#include <stdlib.h>

#include "parsers/budget.h"

/* Every look-up gives its own keyed hash; a failed insertion leaves hh.tbl NULL. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#define FIRST_CAPACITY 2048u

struct held {
	UT_hash_handle hh;           /* in the order of their first packets */
	struct flow_key key;
	uint64_t since_ns;
	uint64_t num_packets;
	uint8_t *blocks;
	uint32_t len, capacity;
	bool released;               /* it waits no more */
	bool sure;                   /* it is a handshake */
};

struct held_table {
	struct hash_key key;
	struct held_limits limits;
	held_release_fn *release;
	void *context;
	struct held *connections;
	struct budget memory;
	uint64_t over_limit;
};

struct held_table *held_table_new(const struct held_limits *limits, held_release_fn *release, void *context)
{
	struct held_table *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	*t = (struct held_table){
		.key = hash_key_random(), .limits = *limits, .release = release, .context = context,
		.memory.max = limits->all,
	};
	return t;
}

/* No packet of it is held any more, and none will be. */
static void let_go(struct held_table *t, struct held *held)
{
	if (held->len && held->sure)
		t->release(t->context, bytes_of(held->blocks, held->len), held->num_packets);
	budget_give(&t->memory, held->capacity);
	free(held->blocks);
	held->blocks = NULL;
	held->len = held->capacity = 0;
	held->num_packets = 0;
	held->released = true;
}

static void forget(struct held_table *t, struct held *held)
{
	let_go(t, held);
	HASH_DEL(t->connections, held);
	budget_give(&t->memory, sizeof(*held));
	free(held);
}

void held_table_free(struct held_table *t)
{
	struct held *held, *next;

	if (!t)
		return;
	HASH_ITER(hh, t->connections, held, next) {
		HASH_DEL(t->connections, held);
		free(held->blocks);
		free(held);
	}
	free(t);
}

/* Room for `len` bytes, at the cost of who has waited longest. False: that would be `held` itself. */
static bool make_room(struct held_table *t, const struct held *held, size_t len)
{
	struct held *oldest;

	while (!budget_take(&t->memory, len)) {
		oldest = t->connections;
		if (!oldest || oldest == held)
			return false;
		t->over_limit += oldest->sure && !oldest->released;
		forget(t, oldest);
	}
	return true;
}

static struct held *find(const struct held_table *t, const struct flow_key *key, unsigned int *hash)
{
	struct held *held;

	*hash = (unsigned int)hash_bytes(&t->key, key, sizeof(*key));
	HASH_FIND_BYHASHVALUE(hh, t->connections, key, sizeof(*key), *hash, held);
	return held;
}

/* NULL: no memory. */
static struct held *make(struct held_table *t, const struct flow_key *key, unsigned int hash, uint64_t now_ns)
{
	struct held *held;

	if (!make_room(t, NULL, sizeof(*held)))
		return NULL;
	held = calloc(1, sizeof(*held));
	if (!held)
		goto fail;
	held->key = *key;
	held->since_ns = now_ns;
	HASH_ADD_BYHASHVALUE(hh, t->connections, key, sizeof(held->key), hash, held);
	if (held->hh.tbl)
		return held;
fail:
	free(held);
	budget_give(&t->memory, sizeof(*held));
	return NULL;
}

/* False: no room, or no memory. */
static bool keep(struct held_table *t, struct held *held, struct bytes block)
{
	uint32_t capacity = held->capacity ? held->capacity : FIRST_CAPACITY;
	uint8_t *larger;

	if (block.len > t->limits.connection - held->len)
		return false;
	while (capacity < held->len + block.len)
		capacity *= 2;
	if (capacity > held->capacity) {
		if (!make_room(t, held, capacity - held->capacity))
			return false;
		larger = realloc(held->blocks, capacity);
		if (!larger) {
			budget_give(&t->memory, capacity - held->capacity);
			return false;
		}
		held->blocks = larger;
		held->capacity = capacity;
	}
	memcpy(held->blocks + held->len, block.data, block.len);
	held->len += (uint32_t)block.len;
	held->num_packets++;
	return true;
}

/* It need not, or cannot, wait: in front of it goes what is held. */
static void hand_on(struct held_table *t, struct held *held, struct bytes block, bool sure)
{
	if (held)
		let_go(t, held);
	if (sure)
		t->release(t->context, block, 1);
}

void held_add(struct held_table *t, const struct flow_key *key, uint64_t now_ns, struct bytes block, bool sure)
{
	bool waits = t->limits.for_secrets || !sure;
	unsigned int hash;
	struct held *held = find(t, key, &hash);

	if (!held && waits)
		held = make(t, key, hash, now_ns);
	if (held)
		sure = held->sure |= sure;
	waits = (t->limits.for_secrets || !sure) && !(held && held->released);
	if (waits && held && keep(t, held, block))
		return;
	t->over_limit += waits && sure;
	hand_on(t, held, block, sure);
}

void held_release(struct held_table *t, const struct flow_key *key)
{
	unsigned int hash;
	struct held *held = find(t, key, &hash);

	if (held)
		let_go(t, held);
}

void held_forget(struct held_table *t, const struct flow_key *key)
{
	unsigned int hash;
	struct held *held = find(t, key, &hash);

	if (held)
		forget(t, held);
}

void held_expire(struct held_table *t, uint64_t now_ns)
{
	/* The table keeps them in the order in which they came. */
	while (t->connections && now_ns - t->connections->since_ns > t->limits.ns)
		forget(t, t->connections);
}

void held_forget_all(struct held_table *t)
{
	while (t->connections)
		forget(t, t->connections);
}

uint64_t held_over_limit(const struct held_table *t)
{
	return t->over_limit;
}

size_t held_bytes(const struct held_table *t)
{
	return t->memory.used;
}
