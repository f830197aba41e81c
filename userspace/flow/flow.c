/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/flow/flow.h"

#include <stdlib.h>
#include <string.h>

#define SLAB_FLOWS 1024u
#define BUCKETS_MIN 4096u
#define EVICT_SAMPLE 32u      /* flows looked at to find one to evict */
#define RECENT 1024u          /* a power of two */

/* Where a flow was found last. The tag is no secret and may collide: the flow's own key decides. */
struct recent {
	uint32_t tag;
	uint32_t index;          /* + 1; 0: none */
};

/* What is looked at to find a flow, close together: the flows themselves lie far apart. */
struct link {
	uint32_t hash;
	uint32_t next;           /* in the bucket, or on the free list; index + 1 */
};

struct slab {
	struct link links[SLAB_FLOWS];
	struct flow flows[SLAB_FLOWS];
};

struct flow_table {
	struct recent recent[RECENT];
	struct hash_key key;
	uint32_t *buckets;       /* index + 1 of the first flow, 0: none */
	uint32_t num_buckets;    /* a power of two */
	struct slab **slabs;
	uint32_t num_slabs, max_slabs;
	uint32_t used;           /* flows ever handed out from the slabs */
	uint32_t free_head;      /* index + 1, linked by `next` */
	uint32_t max_flows;
	uint32_t hand;           /* where the next eviction looks */
	flow_drop_fn *drop;
	void *context;
	struct flow_counters counters;
};

struct flow_table *flow_table_new(uint32_t max_flows, flow_drop_fn *drop, void *context)
{
	struct flow_table *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	*t = (struct flow_table){
		.key = hash_key_random(), .num_buckets = BUCKETS_MIN, .drop = drop,
		.context = context, .max_flows = max_flows ? max_flows : 1,
	};
	t->max_slabs = t->max_flows / SLAB_FLOWS + 1;
	t->buckets = calloc(t->num_buckets, sizeof(*t->buckets));
	t->slabs = calloc(t->max_slabs, sizeof(*t->slabs));
	if (!t->buckets || !t->slabs) {
		flow_table_free(t);
		return NULL;
	}
	return t;
}

static struct flow *flow_at(const struct flow_table *t, uint32_t index)
{
	return &t->slabs[index / SLAB_FLOWS]->flows[index % SLAB_FLOWS];
}

static struct link *link_at(const struct flow_table *t, uint32_t index)
{
	return &t->slabs[index / SLAB_FLOWS]->links[index % SLAB_FLOWS];
}

/* A flow that is on the free list has self == 0. */
static bool flow_live(const struct flow *flow)
{
	return flow->self != 0;
}

void flow_table_free(struct flow_table *t)
{
	uint32_t i;

	if (!t)
		return;
	for (i = 0; i < t->used; i++)
		if (flow_live(flow_at(t, i))) {
			t->drop(t->context, flow_at(t, i));
			free(flow_at(t, i)->owners);
		}
	for (i = 0; i < t->num_slabs; i++)
		free(t->slabs[i]);
	free(t->slabs);
	free(t->buckets);
	free(t);
}

/* Doubles the buckets; when there is no memory for it, chains simply stay longer. */
static void grow_buckets(struct flow_table *t)
{
	uint32_t num = t->num_buckets * 2, i;
	uint32_t *buckets = calloc(num, sizeof(*buckets));
	struct link *link;

	if (!buckets)
		return;
	for (i = 0; i < t->used; i++) {
		if (!flow_live(flow_at(t, i)))
			continue;
		link = link_at(t, i);
		link->next = buckets[link->hash & (num - 1)];
		buckets[link->hash & (num - 1)] = i + 1;
	}
	free(t->buckets);
	t->buckets = buckets;
	t->num_buckets = num;
}

void flow_table_drop(struct flow_table *t, struct flow *flow)
{
	uint32_t self = flow->self;
	struct link *link = link_at(t, self - 1);
	uint32_t *place = &t->buckets[link->hash & (t->num_buckets - 1)];

	t->drop(t->context, flow);
	free(flow->owners);
	while (*place != self)
		place = &link_at(t, *place - 1)->next;
	*place = link->next;
	flow->self = 0;
	link->next = t->free_head;
	t->free_head = self;
	t->counters.live--;
	t->counters.dropped++;
}

static void evict_one(struct flow_table *t)
{
	struct flow *oldest = NULL, *flow;
	unsigned int i;

	for (i = 0; i < EVICT_SAMPLE; i++) {
		flow = flow_at(t, t->hand);
		t->hand = (t->hand + 1) % t->used;
		if (flow_live(flow) && (!oldest || flow->last_s < oldest->last_s))
			oldest = flow;
	}
	if (!oldest)
		return;
	t->counters.evicted++;
	flow_table_drop(t, oldest);
}

/* An unused place: a freed one, else a fresh one. */
static struct flow *take_place(struct flow_table *t, uint32_t *self)
{
	if (t->counters.live >= t->max_flows)
		evict_one(t);
	if (t->free_head) {
		*self = t->free_head;
		t->free_head = link_at(t, *self - 1)->next;
		return flow_at(t, *self - 1);
	}
	if (t->used == t->num_slabs * SLAB_FLOWS) {
		if (t->num_slabs == t->max_slabs)
			return NULL;
		t->slabs[t->num_slabs] = malloc(sizeof(struct slab));
		if (!t->slabs[t->num_slabs])
			return NULL;
		t->num_slabs++;
	}
	*self = ++t->used;
	return flow_at(t, *self - 1);
}

static struct flow *make_flow(struct flow_table *t, const struct flow_key *key, uint32_t hash)
{
	uint32_t self, *bucket;
	struct flow *flow;

	if (t->counters.live >= t->num_buckets / 2)
		grow_buckets(t);
	flow = take_place(t, &self);
	if (!flow)
		return NULL;
	bucket = &t->buckets[hash & (t->num_buckets - 1)];
	*flow = (struct flow){ .key = *key, .self = self };
	*link_at(t, self - 1) = (struct link){ .hash = hash, .next = *bucket };
	*bucket = self;
	t->counters.made++;
	if (++t->counters.live > t->counters.peak)
		t->counters.peak = t->counters.live;
	return flow;
}

int flow_opener(const struct flow *flow)
{
	const struct side *side = flow->side;

	if (side[0].syn_seen == side[1].syn_seen || side[0].start_told || side[1].start_told)
		return -1;
	return side[1].syn_seen;
}

void flow_own(struct flow *flow, unsigned int side, const struct owner *owner)
{
	struct owner *known;

	if (!flow->owners)
		flow->owners = calloc(2, sizeof(*flow->owners));
	if (!flow->owners)
		return;
	known = &flow->owners[side];
	/* A packet that no call sent names the maker alone. */
	if (owner->process && (owner->sent || !known->sent))
		*known = *owner;
}

void flow_disown(struct flow *flow)
{
	if (flow->owners)
		flow->owners[0].sent = flow->owners[1].sent = false;
}

/* Which end is the smaller: any order will do, as long as both directions agree. */
static bool source_first(const struct segment *s)
{
	int order = memcmp(&s->src.address, &s->dst.address, sizeof(s->src.address));

	return order < 0 || (order == 0 && s->src.port <= s->dst.port);
}

static unsigned int make_key(const struct segment *segment, struct flow_key *key)
{
	bool first = source_first(segment);

	/* No padding bytes: the key is hashed and compared as memory. */
	_Static_assert(sizeof(*key) == 2 * sizeof(struct host_port) + 4, "padding in flow_key");
	key->end[0] = first ? segment->src : segment->dst;
	key->end[1] = first ? segment->dst : segment->src;
	key->transport = segment->transport;
	return first ? 0 : 1;
}

static struct flow *find_flow(const struct flow_table *t, const struct flow_key *key, uint32_t hash)
{
	const struct link *link;
	uint32_t at;

	for (at = t->buckets[hash & (t->num_buckets - 1)]; at; at = link->next) {
		link = link_at(t, at - 1);
		if (link->hash == hash && memcmp(&flow_at(t, at - 1)->key, key, sizeof(*key)) == 0)
			return flow_at(t, at - 1);
	}
	return NULL;
}

static uint32_t word_at(const void *data)
{
	uint32_t word;

	memcpy(&word, data, sizeof(word));
	return word;
}

/*
 * Packets come in bursts: most belong to a flow that was just found, and need no keyed hash. Who chooses tuples that
 * share a tag makes the others take the longer way, which everything took before.
 */
static uint32_t tag_of(const struct flow_key *key)
{
	uint32_t ports = (uint32_t)key->end[0].port << 16 | key->end[1].port;

	return (word_at(&key->end[0].address.octets[12]) * 31 + word_at(&key->end[1].address.octets[12]) + ports) *
	       2654435761u;
}

static struct flow *find_recent(const struct flow_table *t, const struct flow_key *key, uint32_t tag)
{
	const struct recent *recent = &t->recent[tag / (UINT32_MAX / RECENT + 1)];
	struct flow *flow;

	if (recent->tag != tag || !recent->index)
		return NULL;
	flow = flow_at(t, recent->index - 1);
	return flow_live(flow) && memcmp(&flow->key, key, sizeof(*key)) == 0 ? flow : NULL;
}

static void remember(struct flow_table *t, const struct flow *flow, uint32_t tag)
{
	t->recent[tag / (UINT32_MAX / RECENT + 1)] = (struct recent){ .tag = tag, .index = flow->self };
}

/* NULL: not found, and not to be made, or no memory. */
static struct flow *look_up(struct flow_table *t, const struct flow_key *key, bool make)
{
	uint32_t tag = tag_of(key), hash;
	struct flow *flow = find_recent(t, key, tag);

	if (flow)
		return flow;
	hash = (uint32_t)hash_bytes(&t->key, key, sizeof(*key));
	flow = find_flow(t, key, hash);
	if (!flow && make)
		flow = make_flow(t, key, hash);
	if (flow)
		remember(t, flow, tag);
	return flow;
}

struct flow *flow_table_find(struct flow_table *t, const struct segment *segment, unsigned int *side)
{
	struct flow_key key;

	*side = make_key(segment, &key);
	return look_up(t, &key, false);
}

struct flow *flow_table_get(struct flow_table *t, const struct segment *segment, unsigned int *side)
{
	struct flow_key key;

	*side = make_key(segment, &key);
	return look_up(t, &key, true);
}

void flow_table_each(struct flow_table *t, flow_visit_fn *visit, void *context)
{
	uint32_t i;

	for (i = 0; i < t->used; i++)
		if (flow_live(flow_at(t, i)))
			visit(context, flow_at(t, i));
}

void flow_table_sweep(struct flow_table *t, uint32_t now_s, flow_idle_fn *idle)
{
	struct flow *flow;
	uint32_t i;

	for (i = 0; i < t->used; i++) {
		flow = flow_at(t, i);
		/* Captures of several interfaces may step back in time a little. */
		if (flow_live(flow) && now_s > flow->last_s && idle(t->context, flow, now_s - flow->last_s))
			flow_table_drop(t, flow);
	}
}

const struct flow_counters *flow_table_counters(const struct flow_table *t)
{
	return &t->counters;
}
