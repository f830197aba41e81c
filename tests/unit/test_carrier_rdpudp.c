/* SPDX-License-Identifier: Apache-2.0 */
/* RDP over UDP: the stream or the datagrams inside, however the packets come. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "parsers/rdpudp.h"
#include "tests/unit/carrier_run.h"

#define SYN_LEN 1232
#define CLIENT_INITIAL 0xfffffffeu   /* the numbers wrap */
#define SERVER_INITIAL 500u
#define FLAG_SYN 0x0001
#define FLAG_ACK 0x0004
#define FLAG_LOSSY 0x0200
#define FLAG_SYNEX 0x1000
#define HELLO "\x16\x03\x01"

static void build_syn(struct buffer *b, uint16_t flags, uint32_t initial, uint16_t version)
{
	static const uint8_t zeros[SYN_LEN];

	buffer_clear(b);
	buffer_number(b, 4, flags & FLAG_ACK ? CLIENT_INITIAL : UINT32_MAX);
	buffer_number(b, 2, 64);
	buffer_number(b, 2, (uint32_t)(flags | FLAG_SYN | FLAG_SYNEX));
	buffer_number(b, 4, initial);
	buffer_number(b, 4, 1232u << 16 | 1232);
	buffer_number(b, 4, 1u << 16 | version);
	buffer_add(b, zeros, SYN_LEN - b->len);
}

static void begin(struct carrier_run *r, uint16_t flags, uint16_t version)
{
	const struct carrier_ops *ops;
	struct buffer b = { 0 };

	build_syn(&b, flags, flags & FLAG_ACK ? SERVER_INITIAL : CLIENT_INITIAL, version);
	assert_int_equal(carrier_recognise(CARRIER_OVER_UDP, buffer_bytes(&b), &ops), PARSE_OK);
	assert_string_equal(carrier_name(ops), "rdp-udp");
	carrier_run_begin(r, ops);
	carrier_run_feed(r, flags & FLAG_ACK ? 1 : 0, buffer_bytes(&b));
	buffer_free(&b);
}

static void answer(struct carrier_run *r, uint16_t flags, uint16_t version)
{
	struct buffer b = { 0 };

	build_syn(&b, flags | FLAG_ACK, SERVER_INITIAL, version);
	carrier_run_feed(r, 1, buffer_bytes(&b));
	buffer_free(&b);
}

/* Versions 1 and 2. */
static void say(struct carrier_run *r, unsigned int side, uint32_t number, const char *text)
{
	struct buffer b = { 0 };

	buffer_number(&b, 4, 7);
	buffer_number(&b, 4, 64u << 16 | 0x0008);
	buffer_number(&b, 4, number);
	buffer_number(&b, 4, number);
	buffer_add(&b, text, strlen(text));
	carrier_run_feed(r, side, buffer_bytes(&b));
	buffer_free(&b);
}

/* Version 3, with nothing optional: the first byte of data lies where the prefix should be. */
static void say3(struct carrier_run *r, unsigned int side, uint16_t number, const char *text)
{
	const uint8_t header[] = { 0xe0, 0x04, 0x50, 1, 0, (uint8_t)number, (uint8_t)(number >> 8) };
	struct buffer b = { 0 };

	buffer_add(&b, header, sizeof(header));
	buffer_add(&b, text, strlen(text));
	b.data[0] = b.data[7];
	b.data[7] = 0xe0;
	carrier_run_feed(r, side, buffer_bytes(&b));
	buffer_free(&b);
}

static void expect(const struct carrier_run *r, unsigned int side, uint32_t conversation,
		   const char *wanted)
{
	carrier_run_expect(r, side, conversation, bytes_of(wanted, strlen(wanted)));
}

/* Out of order, repeated, and over the end of the numbers. */
static void test_reliable(void **state)
{
	struct carrier_run r;

	(void)state;
	begin(&r, 0, 2);
	answer(&r, 0, 2);
	say(&r, 0, 1, "three");
	say(&r, 0, 0xffffffffu, "one ");
	say(&r, 0, 0xffffffffu, "one ");
	say(&r, 0, 0, "two ");
	say(&r, 0, 1, "three");
	say(&r, 1, SERVER_INITIAL + 2, "b");
	say(&r, 1, SERVER_INITIAL + 1, "a");
	say(&r, 1, SERVER_INITIAL + 5000, "too far");
	expect(&r, 0, 0, "one two three");
	expect(&r, 1, 0, "ab");
	assert_int_equal(r.num_datagrams + r.missed[0] + r.missed[1], 0);
	carrier_run_end(&r);
}

/* What is never sent again is given up, and told. */
static void test_lost(void **state)
{
	struct carrier_run r;

	(void)state;
	begin(&r, 0, 1);
	for (uint32_t i = 2; i < 80; i++)
		say(&r, 0, CLIENT_INITIAL + 1 + i, "x");
	assert_int_equal(r.missed[0], 2);
	assert_int_equal(r.got[0][0].len, 78);
	carrier_run_end(&r);
}

static void test_lossy(void **state)
{
	struct carrier_run r;

	(void)state;
	begin(&r, FLAG_LOSSY, 2);
	answer(&r, FLAG_LOSSY, 2);
	say(&r, 0, 9, "second");
	say(&r, 0, 3, "first");
	expect(&r, 0, 0, "secondfirst");
	assert_int_equal(r.num_datagrams, 2);
	carrier_run_end(&r);
}

/* Numbers of 16 bits wrap; nothing counts before TLS begins. */
static void test_version3(void **state)
{
	struct carrier_run r;

	(void)state;
	begin(&r, 0, RDPUDP_VERSION_3);
	answer(&r, 0, RDPUDP_VERSION_3);
	say3(&r, 0, 0xfffd, "early");
	say3(&r, 0, 0xfffe, HELLO);
	say3(&r, 0, 0, " C");
	say3(&r, 0, 0xffff, " B");
	say3(&r, 0, 0xffff, " B");
	say3(&r, 1, 7, HELLO);
	expect(&r, 0, 0, HELLO " B C");
	expect(&r, 1, 0, HELLO);
	carrier_run_end(&r);
}

/* The server chooses less than was offered: said in its answer, or seen in the packets. */
static void test_version_chosen(void **state)
{
	struct carrier_run r;

	(void)state;
	for (int answered = 0; answered < 2; answered++) {
		begin(&r, 0, RDPUDP_VERSION_3);
		if (answered)
			answer(&r, 0, 2);
		say(&r, 0, CLIENT_INITIAL + 2, "there");
		say(&r, 0, CLIENT_INITIAL + 1, "hello ");
		expect(&r, 0, 0, "hello there");
		carrier_run_end(&r);
	}
}

/* Only the answer was captured: the client is followed from where TLS begins. */
static void test_answer_alone(void **state)
{
	struct carrier_run r;

	(void)state;
	begin(&r, FLAG_ACK, 2);
	say(&r, 0, 41, "something");
	say(&r, 0, 42, HELLO);
	say(&r, 1, SERVER_INITIAL + 1, "chain");
	expect(&r, 0, 0, HELLO);
	expect(&r, 1, 0, "chain");
	carrier_run_end(&r);
}

static void test_next_connection(void **state)
{
	struct carrier_run r;
	struct buffer b = { 0 };

	(void)state;
	begin(&r, 0, 2);
	answer(&r, 0, 2);
	answer(&r, 0, 2);
	say(&r, 0, CLIENT_INITIAL + 1, "first");
	build_syn(&b, 0, 9000, 2);
	carrier_run_feed(&r, 0, buffer_bytes(&b));
	carrier_run_feed(&r, 0, buffer_bytes(&b));
	assert_int_equal(r.num_ended, 1);
	assert_int_equal(r.last_ended, 0);
	say(&r, 0, CLIENT_INITIAL + 2, "stale");
	say(&r, 0, 9001, "second");
	expect(&r, 0, 0, "first");
	expect(&r, 0, 1, "second");
	carrier_run_end(&r);
	buffer_free(&b);
}

/* Numbers that are all too early fill no more than the bounds allow, with memory or without. */
static void test_bounded(void **state)
{
	static char text[1200];
	struct carrier_run r;

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	for (int poor = 0; poor < 2; poor++) {
		begin(&r, 0, 2);
		if (poor)
			r.memory.max = r.memory.used + 3000;
		for (uint32_t i = 0; i < 4000; i += 2)
			say(&r, 0, CLIENT_INITIAL + 2 + i, text);
		assert_false(r.over);
		assert_true(r.memory.used < 160u * 1024);
		carrier_run_end(&r);
	}
}

/* Any one byte changed, of a SYN and of packets in both forms. */
static void test_hostile(void **state)
{
	struct carrier_run r;
	struct buffer b = { 0 };

	(void)state;
	for (uint16_t version = 1; version <= RDPUDP_VERSION_3; version += RDPUDP_VERSION_3 - 1) {
		begin(&r, 0, version);
		for (size_t at = 0; at < 24; at++)
			for (unsigned int value = 0; value < 256; value++) {
				build_syn(&b, FLAG_ACK, SERVER_INITIAL, version);
				b.data[at] = (uint8_t)value;
				carrier_run_feed(&r, value & 1, buffer_bytes(&b));
				carrier_run_feed(&r, 0, bytes_of(b.data, at + 8));
			}
		assert_false(r.over);
		carrier_run_end(&r);
	}
	buffer_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reliable),       cmocka_unit_test(test_lost),
		cmocka_unit_test(test_lossy),          cmocka_unit_test(test_version3),
		cmocka_unit_test(test_version_chosen), cmocka_unit_test(test_answer_alone),
		cmocka_unit_test(test_next_connection), cmocka_unit_test(test_bounded),
		cmocka_unit_test(test_hostile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
