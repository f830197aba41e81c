/* SPDX-License-Identifier: Apache-2.0 */
#include "parsers/stream.h"

#include <stdlib.h>

#define RANGE_MERGE_MAX 4096u    /* neighbours are joined up to here, so that tiny segments cost little */
#define RANGE_CAPACITY_MIN 64u
#define WINDOW_MAX (1u << 30)    /* RFC 7323 section 2.3: no window is larger */

void stream_init(struct stream *s, uint32_t seq)
{
	*s = (struct stream){ .next = seq };
}

void stream_range_free(struct stream_range *range, struct budget *memory)
{
	budget_give(memory, sizeof(*range) + range->capacity);
	free(range);
}

static struct stream_range *unlink_first(struct stream *s)
{
	struct stream_range *first = s->ranges;

	s->ranges = first->next;
	s->held -= first->len;
	s->num_ranges--;
	return first;
}

void stream_fini(struct stream *s, struct budget *memory)
{
	while (s->ranges)
		stream_range_free(unlink_first(s), memory);
}

static struct stream_range *range_new(struct budget *memory, uint32_t seq, struct bytes data)
{
	uint32_t capacity = data.len < RANGE_CAPACITY_MIN ? RANGE_CAPACITY_MIN : (uint32_t)data.len;
	struct stream_range *range;

	if (!budget_take(memory, sizeof(*range) + capacity))
		return NULL;
	range = malloc(sizeof(*range) + capacity);
	if (!range) {
		budget_give(memory, sizeof(*range) + capacity);
		return NULL;
	}
	*range = (struct stream_range){ .seq = seq, .len = (uint32_t)data.len, .capacity = capacity };
	memcpy(range->data, data.data, data.len);
	return range;
}

/* Joins `range` with the one after it when they touch and stay small. Failing is harmless. */
static void merge_with_next(struct stream *s, struct budget *memory, struct stream_range **at)
{
	struct stream_range *range = *at, *after = range->next, *larger;
	uint32_t len = range->len + (after ? after->len : 0), capacity;

	if (!after || range->seq + range->len != after->seq || len > RANGE_MERGE_MAX)
		return;
	if (len > range->capacity) {
		capacity = len * 2 < RANGE_MERGE_MAX ? len * 2 : RANGE_MERGE_MAX;
		if (!budget_take(memory, capacity - range->capacity))
			return;
		larger = realloc(range, sizeof(*range) + capacity);
		if (!larger) {
			budget_give(memory, capacity - range->capacity);
			return;
		}
		larger->capacity = capacity;
		*at = range = larger;
	}
	memcpy(range->data + range->len, after->data, after->len);
	range->len = len;
	range->next = after->next;
	s->num_ranges--;
	stream_range_free(after, memory);
}

/* Puts bytes that touch no range between *at and what follows it. */
static bool insert_range(struct stream *s, const struct stream_limits *limits,
			 struct budget *memory, struct stream_range **before,
			 struct stream_range **at, uint32_t seq, struct bytes data)
{
	struct stream_range *range;

	if (data.len > limits->held - s->held || s->num_ranges >= limits->ranges)
		return false;
	range = range_new(memory, seq, data);
	if (!range)
		return false;
	range->next = *at;
	*at = range;
	s->held += range->len;
	s->num_ranges++;
	merge_with_next(s, memory, at);
	if (before)
		merge_with_next(s, memory, before);
	return true;
}

/* The part of `data` that lies on `range` was there first: compares it. */
static void compare_overlap(struct stream *s, const struct stream_range *range, uint32_t seq,
			    struct bytes data)
{
	uint32_t offset = seq - range->seq;
	size_t len = range->len - offset;

	if (len > data.len)
		len = data.len;
	if (memcmp(range->data + offset, data.data, len) != 0)
		s->conflict = true;
}

/* Keeps of [seq, seq + data.len) what no range has yet. Everything lies beyond `next`. */
static enum stream_add fill_gaps(struct stream *s, const struct stream_limits *limits,
				 struct budget *memory, uint32_t seq, struct bytes data)
{
	struct stream_range **before = NULL, **at = &s->ranges;
	struct bytes piece;
	size_t len;

	while (data.len > 0) {
		/* Ranges that end at or before `seq` are passed over. */
		while (*at && !seq_before(seq, (*at)->seq + (*at)->len)) {
			before = at;
			at = &(*at)->next;
		}
		if (*at && !seq_before(seq, (*at)->seq)) {
			compare_overlap(s, *at, seq, data);
			len = (*at)->seq + (*at)->len - seq;
			if (len >= data.len)
				break;
		} else {
			len = data.len;
			if (*at && (*at)->seq - seq < len)
				len = (*at)->seq - seq;
			piece = bytes_of(data.data, len);
			if (!insert_range(s, limits, memory, before, at, seq, piece))
				return STREAM_FULL;
			/* Merging may have moved what the cursors point at. */
			before = NULL;
			at = &s->ranges;
		}
		data.data += len;
		data.len -= len;
		seq += (uint32_t)len;
	}
	return STREAM_OK;
}

enum stream_add stream_add(struct stream *s, const struct stream_limits *limits,
			   struct budget *memory, uint32_t seq, struct bytes payload,
			   struct bytes *now)
{
	size_t len;

	*now = bytes_of(payload.data, 0);
	if (seq - s->next > WINDOW_MAX && s->next - seq > WINDOW_MAX)
		return STREAM_OUTSIDE;
	if (seq_before(seq, s->next)) {
		len = s->next - seq;
		if (len >= payload.len)
			return STREAM_OK;   /* all of it came before */
		payload.data += len;
		payload.len -= len;
		seq = s->next;
	}
	if (seq == s->next) {
		len = payload.len;
		if (s->ranges && s->ranges->seq - seq < len)
			len = s->ranges->seq - seq;
		*now = bytes_of(payload.data, len);
		s->next += (uint32_t)len;
		payload.data += len;
		payload.len -= len;
		seq += (uint32_t)len;
	}
	if (payload.len == 0)
		return STREAM_OK;
	return fill_gaps(s, limits, memory, seq, payload);
}

struct stream_range *stream_pop(struct stream *s, struct bytes *now)
{
	struct stream_range *range = s->ranges;

	if (!range || range->seq != s->next)
		return NULL;
	unlink_first(s);
	s->next += range->len;
	*now = bytes_of(range->data, range->len);
	return range;
}

uint32_t stream_gap(const struct stream *s)
{
	return s->ranges ? s->ranges->seq - s->next : 0;
}

void stream_skip(struct stream *s, struct budget *memory, uint32_t seq)
{
	struct stream_range *first;
	uint32_t cut;

	s->next = seq;
	while ((first = s->ranges) && seq_before(first->seq, seq)) {
		cut = seq - first->seq;
		if (cut < first->len) {
			memmove(first->data, first->data + cut, first->len - cut);
			first->len -= cut;
			first->seq = seq;
			s->held -= cut;
			return;
		}
		stream_range_free(unlink_first(s), memory);
	}
}
