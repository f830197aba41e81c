/* SPDX-License-Identifier: Apache-2.0 */
/* Feeds a carrier as its user does, and joins what it gives for each side and conversation. */
#ifndef CERTTAP_TESTS_CARRIER_RUN_H
#define CERTTAP_TESTS_CARRIER_RUN_H

#include "parsers/carrier.h"
#include "tests/unit/buffer.h"

#define CARRIER_RUN_CONVERSATIONS 16

/* One end said this: the bytes that follow in a stream, or a packet. */
struct carrier_said {
	unsigned int side;
	struct bytes bytes;
};

struct carrier_run {
	struct budget memory;
	const struct carrier_ops *ops;
	struct carrier *carrier;
	struct buffer got[2][CARRIER_RUN_CONVERSATIONS];  /* by conversation, modulo */
	uint32_t missed[2];
	uint32_t num_pieces, num_datagrams, num_ended;
	uint32_t last_ended, last_conversation;
	bool over;             /* the carrier said that it is */
};

static inline void carrier_run_begin(struct carrier_run *r, const struct carrier_ops *ops)
{
	*r = (struct carrier_run){ .memory = { .max = 1u << 20 }, .ops = ops };
	r->carrier = carrier_new(ops, &r->memory);
	assert_non_null(r->carrier);
}

/* The copy is of exact length, and gone when the next is fed. */
static inline void carrier_run_feed(struct carrier_run *r, unsigned int side, struct bytes in)
{
	uint8_t *copy = bytes_copy(in);
	struct carrier_piece p;
	enum parse result;

	carrier_feed(r->carrier, side, bytes_of(copy, in.len));
	while (!r->over && (result = carrier_next(r->carrier, &r->memory, &p)) != PARSE_MORE) {
		r->over = result == PARSE_BAD;
		if (r->over)
			break;
		assert_int_equal(p.side, side);
		r->num_pieces++;
		r->last_conversation = p.conversation;
		r->missed[side] += p.missed;
		r->num_datagrams += p.content == CARRIER_DATAGRAM;
		if (p.content == CARRIER_ENDED) {
			r->num_ended++;
			r->last_ended = p.conversation;
			continue;
		}
		assert_true(p.bytes.len > 0);
		buffer_add_bytes(&r->got[side][p.conversation % CARRIER_RUN_CONVERSATIONS],
				 p.bytes);
	}
	free(copy);
}

/* Nothing may be held once the carrier is gone. */
static inline void carrier_run_end(struct carrier_run *r)
{
	carrier_free(r->carrier, &r->memory);
	assert_int_equal(r->memory.used, 0);
	for (unsigned int side = 0; side < 2; side++)
		for (unsigned int i = 0; i < CARRIER_RUN_CONVERSATIONS; i++)
			buffer_free(&r->got[side][i]);
}

static inline void carrier_run_expect(const struct carrier_run *r, unsigned int side,
				      uint32_t conversation, struct bytes wanted)
{
	const struct buffer *got = &r->got[side][conversation % CARRIER_RUN_CONVERSATIONS];

	assert_int_equal(got->len, wanted.len);
	if (wanted.len)
		assert_memory_equal(got->data, wanted.data, wanted.len);
}

/*
 * The same talk over TCP with every chunk cut into pieces of `cut` bytes: the same must come out.
 */
static inline void carrier_run_cut(struct carrier_run *r, const struct carrier_said *said,
				   size_t num, size_t cut)
{
	struct bytes rest, part;

	for (size_t i = 0; i < num; i++) {
		rest = said[i].bytes;
		while (rest.len > 0) {
			assert_true(bytes_take(&rest, rest.len < cut ? rest.len : cut, &part));
			carrier_run_feed(r, said[i].side, part);
		}
	}
}

#endif
