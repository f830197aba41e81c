/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/pipeline/overlap.h"

#include <stdlib.h>

#include "userspace/handshake/handshake.h"

#define KEPT_MIN 8192u
#define OVERLAP_SHARE 8      /* of the memory limit: above it no more is kept for comparison */

struct patch {
	struct patch *next;
	uint32_t seq, len;
	uint8_t bytes[];
};

struct overlap {
	uint32_t start;          /* sequence number of data[0] */
	uint32_t len, capacity;
	uint8_t *data;
	struct patch *patches, **last;
	uint32_t patch_bytes;
};

static struct overlap *ensure(struct side *s, uint32_t seq)
{
	if (s->overlap)
		return s->overlap;
	s->overlap = calloc(1, sizeof(*s->overlap));
	if (s->overlap) {
		s->overlap->start = seq;
		s->overlap->last = &s->overlap->patches;
	}
	return s->overlap;
}

/* Handshakes come and go by the thousand: a few buffers of the usual size are handed from one to the next. */
static void spare_give(struct tracker *t, struct overlap *o)
{
	if (o->capacity == KEPT_MIN && t->num_spare < ARRAY_SIZE(t->spare))
		t->spare[t->num_spare++] = o->data;
	else
		free(o->data);
}

static bool spare_take(struct tracker *t, struct overlap *o)
{
	if (o->capacity || !t->num_spare || t->memory.used > t->memory.max / OVERLAP_SHARE ||
	    !budget_take(&t->memory, KEPT_MIN))
		return false;
	o->data = t->spare[--t->num_spare];
	o->capacity = KEPT_MIN;
	return true;
}

static bool reserve(struct tracker *t, struct overlap *o, uint32_t need)
{
	uint32_t capacity = o->capacity ? o->capacity : KEPT_MIN;
	uint8_t *larger;

	if (need <= o->capacity || (need <= KEPT_MIN && spare_take(t, o)))
		return true;
	while (capacity < need)
		capacity *= 2;
	if (t->memory.used > t->memory.max / OVERLAP_SHARE || !budget_take(&t->memory, capacity - o->capacity))
		return false;
	larger = realloc(o->data, capacity);
	if (!larger) {
		budget_give(&t->memory, capacity - o->capacity);
		return false;
	}
	o->data = larger;
	o->capacity = capacity;
	return true;
}

void overlap_keep(struct tracker *t, struct side *s, uint32_t seq, struct bytes in)
{
	struct overlap *o = s->overlap;

	if (!o && t->memory.used <= t->memory.max / OVERLAP_SHARE)
		o = ensure(s, seq);
	/* Behind a hole, or beyond the limit, nothing is kept any more. */
	if (!o || seq != o->start + o->len || in.len > OVERLAP_KEPT_MAX - o->len ||
	    !reserve(t, o, o->len + (uint32_t)in.len)) {
		t->counters.not_compared++;
		return;
	}
	memcpy(o->data + o->len, in.data, in.len);
	o->len += (uint32_t)in.len;
}

void overlap_differs(struct tracker *t, struct side *s, uint32_t seq, struct bytes payload)
{
	struct overlap *o = ensure(s, seq);
	struct patch *patch;
	size_t cost = sizeof(*patch) + payload.len;

	if (!o || payload.len > OVERLAP_PATCHES_MAX - o->patch_bytes || !budget_take(&t->memory, cost)) {
		t->counters.not_compared++;
		return;
	}
	patch = malloc(cost);
	if (!patch) {
		budget_give(&t->memory, cost);
		return;
	}
	*patch = (struct patch){ .seq = seq, .len = (uint32_t)payload.len };
	memcpy(patch->bytes, payload.data, payload.len);
	*o->last = patch;
	o->last = &patch->next;
	o->patch_bytes += (uint32_t)payload.len;
}

/* The part of [seq, seq + len) that lies on what is kept: as offsets into both. False: none. */
static bool intersect(const struct overlap *o, uint32_t seq, size_t len, uint32_t *kept_at,
		      uint32_t *at, uint32_t *common)
{
	int32_t delta = (int32_t)(seq - o->start);

	*kept_at = delta > 0 ? (uint32_t)delta : 0;
	*at = delta < 0 ? (uint32_t)-delta : 0;
	if (*kept_at >= o->len || *at >= len)
		return false;
	*common = o->len - *kept_at;
	if (*common > len - *at)
		*common = (uint32_t)(len - *at);
	return true;
}

void overlap_compare(struct tracker *t, struct side *s, uint32_t seq, struct bytes payload)
{
	uint32_t kept_at, at, common;

	/* RFC 9293 section 3.8.4: a keepalive may carry one byte of anything. */
	if (payload.len == 1 && seq + 1 == s->stream.next)
		return;
	if (!s->overlap || !intersect(s->overlap, seq, payload.len, &kept_at, &at, &common) ||
	    memcmp(s->overlap->data + kept_at, payload.data + at, common) == 0)
		return;
	s->stream.conflict = true;
	overlap_differs(t, s, seq + at, bytes_of(payload.data + at, common));
}

static void apply_patches(struct overlap *o)
{
	uint32_t kept_at, at, common;
	const struct patch *patch;

	for (patch = o->patches; patch; patch = patch->next)
		if (intersect(o, patch->seq, patch->len, &kept_at, &at, &common))
			memcpy(o->data + kept_at, patch->bytes + at, common);
}

/* Reads the direction once more, for its Certificate alone. */
static void read_again(struct tracker *t, struct flow *flow, unsigned int side)
{
	struct overlap *o = flow->side[side].overlap;
	struct bytes in = bytes_of(o->data, o->len);
	struct tls_reader reader;
	struct tls_item item;

	tls_reader_init(&reader, t->limits.message);
	while (tls_reader_next(&reader, &t->memory, &in, &item) == PARSE_OK &&
	       item.kind != TLS_ITEM_ENCRYPTED)
		if (item.kind == TLS_ITEM_MESSAGE && item.type == TLS_CERTIFICATE)
			handshake_other_reading(t, flow, side, item.body);
	tls_reader_fini(&reader, &t->memory);
}

void overlap_resolve(struct tracker *t, struct flow *flow)
{
	struct overlap *o;
	unsigned int i;

	for (i = 0; i < 2; i++) {
		o = flow->side[i].overlap;
		if (!o || !o->patches || !o->len)
			continue;
		apply_patches(o);
		read_again(t, flow, i);
	}
}

void overlap_fini(struct tracker *t)
{
	while (t->num_spare)
		free(t->spare[--t->num_spare]);
}

void overlap_free(struct tracker *t, struct side *s)
{
	struct overlap *o = s->overlap;
	struct patch *patch;

	if (!o)
		return;
	while ((patch = o->patches)) {
		o->patches = patch->next;
		budget_give(&t->memory, sizeof(*patch) + patch->len);
		free(patch);
	}
	budget_give(&t->memory, o->capacity);
	spare_give(t, o);
	free(o);
	s->overlap = NULL;
}
