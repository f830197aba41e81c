/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One direction of a TCP connection put back in order (RFC 9293 section 3.4).
 *
 * In the common case a segment is the next one and its bytes are handed on in place, never copied.
 * Only what comes too early is kept, in ranges that do not overlap; of bytes that came twice the first
 * stay, and `conflict` says that a later copy differed. Sequence numbers wrap.
 */
#ifndef CERTTAP_STREAM_H
#define CERTTAP_STREAM_H

#include "parsers/budget.h"
#include "parsers/bytes.h"

struct stream_range {
	struct stream_range *next;
	uint32_t seq;
	uint32_t len, capacity;
	uint8_t data[];
};

struct stream {
	struct stream_range *ranges;   /* in order, all beyond `next` */
	uint32_t next;                 /* sequence number of the next byte to hand on */
	uint32_t held;                 /* bytes in ranges */
	uint16_t num_ranges;
	bool conflict;
};

struct stream_limits {
	uint32_t held;                 /* bytes per direction; default 1 MiB */
	uint16_t ranges;               /* default 256 */
};

enum stream_add {
	STREAM_OK,       /* `now` holds bytes to hand on, may be empty */
	STREAM_FULL,     /* did not fit (a limit, or no memory): this segment was not kept */
	STREAM_OUTSIDE,  /* not within 1 GiB of `next`: of another connection, or an attack */
};

/* a is before b, modulo 2^32 */
static inline bool seq_before(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) < 0;
}

/* Starts at `seq`, holding nothing. */
void stream_init(struct stream *s, uint32_t seq);
void stream_fini(struct stream *s, struct budget *memory);

/*
 * Adds a segment's payload. `now` receives the part that is next in order (borrowed from `payload`), and
 * `next` has moved past it. Afterwards call stream_pop() until it returns NULL.
 */
enum stream_add stream_add(struct stream *s, const struct stream_limits *limits,
			   struct budget *memory, uint32_t seq, struct bytes payload,
			   struct bytes *now);

/*
 * The range that has become next in order, or NULL. Its bytes are in `now`; the caller frees the range
 * with stream_range_free() when done with them.
 */
struct stream_range *stream_pop(struct stream *s, struct bytes *now);
void stream_range_free(struct stream_range *range, struct budget *memory);

/* The bytes missing before the first range that is held; 0 when nothing is held. */
uint32_t stream_gap(const struct stream *s);

/* Gives up the bytes before `seq`, and what is held of them. */
void stream_skip(struct stream *s, struct budget *memory, uint32_t seq);

#endif
