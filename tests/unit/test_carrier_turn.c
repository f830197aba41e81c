/* SPDX-License-Identifier: Apache-2.0 */
/* DTLS in STUN, TURN and RFC 4571 frames over TCP: the same datagrams, however it is cut. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/carrier_run.h"

#define MAGIC 0x2112a442u
#define BINDING 0x0001
#define ALLOCATE 0x0003
#define CONNECTION_BIND 0x000b
#define SEND_INDICATION 0x0016
#define ATTRIBUTE_DATA 0x0013
#define LITERAL(s) bytes_of(s, sizeof(s) - 1)
/* A ClientHello's record, as far as it is looked at here; and a record that follows. */
#define HELLO LITERAL("\x16\xfe\xff\0\0\0\0\0\0\0\0\0\x0e\x01\0\0\x02\0\0\0\0\0\0\0\x02\xfe\xfd")
#define RECORD LITERAL("\x16\xfe\xfd\0\0\0\0\0\0\0\1\0\1x")

static void add_stun(struct buffer *b, uint16_t type, struct bytes data)
{
	static const uint8_t zeros[12];
	uint32_t padded = ((uint32_t)data.len + 3) & ~3u;

	buffer_number(b, 2, type);
	buffer_number(b, 2, data.len ? padded + 4 : 0);
	buffer_number(b, 4, MAGIC);
	buffer_add(b, zeros, sizeof(zeros));
	if (!data.len)
		return;
	buffer_number(b, 2, ATTRIBUTE_DATA);
	buffer_vec(b, 2, data);
	buffer_add(b, zeros, padded - data.len);
}

static void add_channel(struct buffer *b, struct bytes data)
{
	static const uint8_t zeros[3];

	buffer_number(b, 2, 0x4001);
	buffer_vec(b, 2, data);
	buffer_add(b, zeros, (4 - data.len % 4) % 4);
}

/* Data that comes out again is appended to `wanted`. */
static void build_turn(struct buffer *b, struct buffer *wanted)
{
	add_stun(b, ALLOCATE, bytes_of(NULL, 0));
	add_stun(b, SEND_INDICATION, HELLO);
	add_channel(b, RECORD);
	add_channel(b, bytes_of(NULL, 0));
	add_channel(b, bytes_of("abcde", 5));
	add_stun(b, BINDING, bytes_of(NULL, 0));
	buffer_add_bytes(wanted, HELLO);
	buffer_add_bytes(wanted, RECORD);
	buffer_add(wanted, "abcde", 5);
}

static void build_framed(struct buffer *b, struct buffer *wanted)
{
	struct buffer stun = { 0 };

	add_stun(&stun, BINDING, bytes_of(NULL, 0));
	buffer_vec(b, 2, buffer_bytes(&stun));
	buffer_vec(b, 2, HELLO);
	buffer_vec(b, 2, LITERAL("\x80rtp-packet"));
	buffer_vec(b, 2, RECORD);
	buffer_add_bytes(wanted, HELLO);
	buffer_add_bytes(wanted, LITERAL("\x80rtp-packet"));
	buffer_add_bytes(wanted, RECORD);
	buffer_free(&stun);
}

static struct talk {
	void (*build)(struct buffer *b, struct buffer *wanted);
	uint32_t num_datagrams;
	struct buffer said, wanted;
} talks[] = {
	{ .build = build_turn, .num_datagrams = 3 },
	{ .build = build_framed, .num_datagrams = 3 },
};

static int build_talks(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(talks); i++)
		talks[i].build(&talks[i].said, &talks[i].wanted);
	return 0;
}

static int free_talks(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(talks); i++) {
		buffer_free(&talks[i].said);
		buffer_free(&talks[i].wanted);
	}
	return 0;
}

static void begin(struct carrier_run *r, const struct talk *t)
{
	const struct carrier_ops *ops;

	assert_int_equal(carrier_recognise(CARRIER_OVER_TCP, buffer_bytes(&t->said), &ops), PARSE_OK);
	assert_string_equal(carrier_name(ops), "turn");
	carrier_run_begin(r, ops);
}

/* Too short a beginning asks for more, until it is enough. */
static void test_prefixes(void **state)
{
	const struct carrier_ops *ops;
	enum parse result, before;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(talks); i++) {
		before = PARSE_MORE;
		for (size_t len = 1; len < talks[i].said.len; len++) {
			uint8_t *copy = bytes_copy(bytes_of(talks[i].said.data, len));

			result = carrier_recognise(CARRIER_OVER_TCP, bytes_of(copy, len), &ops);
			free(copy);
			assert_true(result == before || (before == PARSE_MORE && result == PARSE_OK));
			assert_true(result == PARSE_OK || len < 32);
			before = result;
		}
	}
}

static void test_not_recognised(void **state)
{
	static const struct {
		struct bytes head;
	} others[] = {
#define OTHER(s) { { (const uint8_t *)s, sizeof(s) - 1 } }
		OTHER("\x00\x01\x00\x01"), OTHER("\x00\x01\x00\x00\x21\x12\xa4\x43"),
		OTHER("\x00\x03\x16\x03"), OTHER("\x07"), OTHER("\x00\x20\x16\x03"), OTHER("\x00\x05\x00\x01"),
		OTHER("\x00\x00\x00\x08\x04\xd2\x16\x2f"), OTHER("\x16\x03\x01"), OTHER("GET"),
	};
	struct buffer b = { 0 };
	const struct carrier_ops *ops;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		if (carrier_recognise(CARRIER_OVER_TCP, others[i].head, &ops) != PARSE_BAD)
			fail_msg("%zu", i);
	/* What follows is the peers' own, TLS in plain perhaps. */
	add_stun(&b, CONNECTION_BIND, bytes_of(NULL, 0));
	assert_int_equal(carrier_recognise(CARRIER_OVER_TCP, buffer_bytes(&b), &ops), PARSE_BAD);
	b.data[0] = 1;
	assert_int_equal(carrier_recognise(CARRIER_OVER_TCP, buffer_bytes(&b), &ops), PARSE_BAD);
	buffer_free(&b);
}

static void test_cuts(void **state)
{
	static const size_t cuts[] = { 1, 2, 3, 5, 7, 8, 9, 21, 64, 4096 };
	struct carrier_run r;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(talks); i++)
		for (size_t cut = 0; cut < ARRAY_SIZE(cuts); cut++) {
			struct carrier_said said[2] = { { 0, buffer_bytes(&talks[i].said) },
							{ 1, buffer_bytes(&talks[i].said) } };

			begin(&r, &talks[i]);
			carrier_run_cut(&r, said, 2, cuts[cut]);
			assert_false(r.over);
			carrier_run_expect(&r, 0, 0, buffer_bytes(&talks[i].wanted));
			carrier_run_expect(&r, 1, 0, buffer_bytes(&talks[i].wanted));
			assert_int_equal(r.num_datagrams, 2 * talks[i].num_datagrams);
			assert_int_equal(r.num_pieces, r.num_datagrams);
			carrier_run_end(&r);
		}
}

/* Every place where the stream may break off, and memory that runs out there. */
static void test_given_up(void **state)
{
	struct carrier_run r;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(talks); i++)
		for (size_t len = 0; len < talks[i].said.len; len++) {
			struct carrier_said said = { 0, bytes_of(talks[i].said.data, len) };

			begin(&r, &talks[i]);
			if (len % 2)
				r.memory.max = r.memory.used;
			carrier_run_cut(&r, &said, 1, 3);
			assert_true(len % 2 || !r.over);
			carrier_run_end(&r);
		}
}

/* Inside a frame a gap costs that frame; beyond it, or in a header, it is the end. */
static void test_loses(void **state)
{
	struct carrier_run r;
	struct buffer b = { 0 };

	(void)state;
	add_channel(&b, HELLO);         /* 4 + 27 + 1 bytes */
	add_channel(&b, RECORD);
	for (size_t at = 4; at < 32; at++)
		for (size_t lost = 1; lost <= 32 - at; lost++) {
			begin(&r, &talks[0]);
			carrier_run_feed(&r, 1, bytes_of(b.data, at));
			assert_true(carrier_lose(r.carrier, &r.memory, 1, (uint32_t)lost));
			carrier_run_feed(&r, 1, bytes_of(b.data + at + lost, b.len - at - lost));
			carrier_run_expect(&r, 1, 0, RECORD);
			assert_int_equal(r.missed[1], 1);
			carrier_run_end(&r);
		}
	for (size_t at = 0; at < 32; at++) {
		begin(&r, &talks[0]);
		carrier_run_feed(&r, 1, bytes_of(b.data, at));
		assert_false(carrier_lose(r.carrier, &r.memory, 1, at < 4 ? 1 : 33 - (uint32_t)at));
		carrier_run_end(&r);
	}
	buffer_free(&b);
}

static void test_refuses(void **state)
{
	static const struct {
		struct bytes head;
	} bad[] = {
		OTHER("\x00\x05\x80\x01\x02\x03\x04\x05\x06"), OTHER("\x00\x06GET /HTTP"),
		OTHER("\x00\x00\x00\x00\x00\x00\x00\x00\x00"),
	};
	struct carrier_run r;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		begin(&r, &talks[0]);
		carrier_run_feed(&r, 1, bad[i].head);
		assert_true(r.over);
		assert_int_equal(r.num_pieces, 0);
		carrier_run_end(&r);
	}
}

/* A length allocates nothing: only what comes is held. */
static void test_length_alone(void **state)
{
	struct carrier_run r;
	size_t before;

	(void)state;
	begin(&r, &talks[0]);
	before = r.memory.used;
	carrier_run_feed(&r, 1, LITERAL("\x40\x00\xff\xff" "12345678"));
	assert_false(r.over);
	assert_true(r.memory.used - before <= 64);
	carrier_run_end(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_prefixes), cmocka_unit_test(test_not_recognised),
		cmocka_unit_test(test_cuts),     cmocka_unit_test(test_given_up),
		cmocka_unit_test(test_loses),    cmocka_unit_test(test_refuses),
		cmocka_unit_test(test_length_alone),
	};

	return cmocka_run_group_tests(tests, build_talks, free_talks);
}
