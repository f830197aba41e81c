/* SPDX-License-Identifier: Apache-2.0 */
/* SCTP packets taken apart, and TLS and DTLS put together from their chunks. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "parsers/sctp.h"
#include "tests/unit/carrier_run.h"

#define BEGINS 2
#define ENDS 1
#define WHOLE (BEGINS | ENDS)
#define DTLS 0x10000           /* the conversation's number */
#define ANOTHER 0x20000        /* the numbers of another association begin here */

#define TLS1 "\x16\x03\x01\x01\x10" "client hello"
#define TLS2 " and the rest of it"
#define DTLS1 "\x16\xfe\xff\x01\x01" "datagram"
#define DTLS2 " in pieces"

static void add_header(struct buffer *b)
{
	buffer_number(b, 2, 5000);
	buffer_number(b, 2, 3868);
	buffer_number(b, 4, 0x12345678);
	buffer_number(b, 4, 0);
}

static void add_chunk(struct buffer *b, uint8_t type, uint8_t flags, struct bytes value)
{
	buffer_number(b, 1, type);
	buffer_number(b, 1, flags);
	buffer_number(b, 2, (uint32_t)value.len + 4);
	buffer_add_bytes(b, value);
	buffer_number(b, -value.len & 3, 0);
}

static void add_data(struct buffer *b, uint8_t flags, uint32_t tsn, uint16_t stream,
		     const char *text)
{
	struct buffer value = { 0 };

	buffer_number(&value, 4, tsn);
	buffer_number(&value, 2, stream);
	buffer_number(&value, 2, 0);
	buffer_number(&value, 4, 46);
	buffer_add(&value, text, strlen(text));
	add_chunk(b, SCTP_DATA, flags, buffer_bytes(&value));
	buffer_free(&value);
}

static void add_init(struct buffer *b, uint8_t type, uint32_t tsn)
{
	struct buffer value = { 0 };

	buffer_number(&value, 4, 1);
	buffer_number(&value, 4, 65536);
	buffer_number(&value, 4, 0x000a000a);
	buffer_number(&value, 4, tsn);
	add_chunk(b, type, 0, buffer_bytes(&value));
	buffer_free(&value);
}

static void begin(struct carrier_run *r)
{
	const struct carrier_ops *ops;
	struct buffer b = { 0 };

	add_header(&b);
	assert_int_equal(carrier_recognise(CARRIER_OVER_SCTP, buffer_bytes(&b), &ops), PARSE_BAD);
	add_init(&b, SCTP_INIT, 100);
	assert_int_equal(carrier_recognise(CARRIER_OVER_SCTP, buffer_bytes(&b), &ops), PARSE_OK);
	assert_string_equal(carrier_name(ops), "sctp");
	carrier_run_begin(r, ops);
	carrier_run_feed(r, 0, buffer_bytes(&b));
	buffer_free(&b);
}

static void say(struct carrier_run *r, unsigned int side, uint8_t flags, uint32_t tsn,
		uint16_t stream, const char *text)
{
	struct buffer b = { 0 };

	add_header(&b);
	add_data(&b, flags, tsn, stream, text);
	carrier_run_feed(r, side, buffer_bytes(&b));
	buffer_free(&b);
}

static void expect(struct carrier_run *r, unsigned int side, uint32_t conversation,
		   const char *wanted)
{
	carrier_run_expect(r, side, conversation, bytes_of(wanted, strlen(wanted)));
}

/* TLS on two streams at once, something else on a third; chunks repeated and out of order. */
static void test_tls(void **state)
{
	struct carrier_run r;

	(void)state;
	begin(&r);
	say(&r, 0, ENDS, 103, 1, TLS2);
	say(&r, 0, WHOLE, 102, 2, "not TLS at all");
	say(&r, 0, BEGINS, 101, 1, TLS1);
	say(&r, 0, ENDS, 103, 1, TLS2);
	assert_int_equal(r.num_pieces, 0);
	say(&r, 0, WHOLE, 100, 3, TLS1);
	say(&r, 0, WHOLE, 100, 3, TLS1);
	say(&r, 0, WHOLE, 104, 3, TLS2);
	say(&r, 1, WHOLE, 0xffffffff, 1, TLS1);
	say(&r, 1, WHOLE, 0, 1, TLS2);
	expect(&r, 0, 1, TLS1 TLS2);
	expect(&r, 0, 3, TLS1 TLS2);
	expect(&r, 0, 2, "");
	expect(&r, 1, 1, TLS1 TLS2);
	assert_int_equal(r.num_datagrams, 0);
	assert_int_equal(r.missed[0] + r.missed[1], 0);
	carrier_run_end(&r);
}

/* Several chunks in a packet; messages in pieces, interleaved with those of another stream. */
static void test_dtls(void **state)
{
	struct carrier_run r;
	struct buffer b = { 0 };

	(void)state;
	begin(&r);
	add_header(&b);
	add_data(&b, WHOLE, 100, 0, DTLS1);
	add_data(&b, BEGINS, 101, 0, DTLS1);
	add_data(&b, BEGINS, 102, 1, DTLS1);
	add_data(&b, 0, 103, 0, DTLS2);
	add_data(&b, ENDS, 104, 1, DTLS2);
	add_data(&b, ENDS, 105, 0, DTLS2);
	carrier_run_feed(&r, 0, buffer_bytes(&b));
	assert_int_equal(r.num_datagrams, 3);
	expect(&r, 0, DTLS, DTLS1 DTLS1 DTLS2 DTLS1 DTLS2 DTLS2);
	/* An end without a beginning is no datagram. */
	say(&r, 0, ENDS, 106, 0, DTLS2);
	assert_int_equal(r.num_datagrams, 3);
	carrier_run_end(&r);
	buffer_free(&b);
}

/* What the sender gives up, and what never comes, is not waited for. */
static void test_gaps(void **state)
{
	struct carrier_run r;
	struct buffer b = { 0 };

	(void)state;
	begin(&r);
	say(&r, 0, WHOLE, 100, 1, TLS1);
	say(&r, 0, WHOLE, 103, 1, TLS2);
	add_header(&b);
	buffer_number(&b, 4, (uint32_t)SCTP_FORWARD_TSN << 24 | 8);
	buffer_number(&b, 4, 102);
	carrier_run_feed(&r, 0, buffer_bytes(&b));
	expect(&r, 0, 1, TLS1 TLS2);
	assert_int_equal(r.missed[0], 2);
	for (uint32_t tsn = 110; tsn < 300; tsn++)
		say(&r, 0, WHOLE, tsn, 1, "x");
	assert_int_equal(r.missed[0], 8);
	assert_true(r.memory.peak < 64 * 1024);
	carrier_run_end(&r);
	buffer_free(&b);
}

/* A repeated INIT changes nothing; another one begins another association. */
static void test_restart(void **state)
{
	struct carrier_run r;
	struct buffer b = { 0 };

	(void)state;
	begin(&r);
	say(&r, 0, WHOLE, 100, 1, TLS1);
	add_header(&b);
	add_init(&b, SCTP_INIT, 100);
	carrier_run_feed(&r, 0, buffer_bytes(&b));
	say(&r, 0, WHOLE, 101, 1, TLS2);
	expect(&r, 0, 1, TLS1 TLS2);
	buffer_clear(&b);
	add_header(&b);
	add_init(&b, SCTP_INIT, 7);
	carrier_run_feed(&r, 0, buffer_bytes(&b));
	say(&r, 0, WHOLE, 7, 4, TLS1);
	/* Another conversation, that is, which the test keeps in the same place as stream 4's. */
	expect(&r, 0, 4, TLS1);
	expect(&r, 0, 1, TLS1 TLS2);
	assert_int_equal(r.last_conversation, ANOTHER + 4);
	carrier_run_end(&r);
	buffer_free(&b);
}

/* Messages and streams without end stay within bounds. */
static void test_bounded(void **state)
{
	static char text[1001];
	struct carrier_run r;

	(void)state;
	begin(&r);
	memset(text, 'x', 1000);
	say(&r, 0, BEGINS, 100, 0, DTLS1);
	for (uint32_t tsn = 101; tsn < 1101; tsn++)
		say(&r, 0, 0, tsn, 0, text);
	assert_true(r.memory.peak < 256 * 1024);
	assert_int_equal(r.num_datagrams, 0);
	for (uint32_t i = 0; i < 1000; i++)
		say(&r, 0, WHOLE, 1101 + i, (uint16_t)i, TLS1);
	/* Stream 0 among them, whose messages are taken for datagrams by now. */
	assert_int_equal(r.num_pieces, 32);
	carrier_run_end(&r);
}

static void test_chunks(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		unsigned int num;
		bool cut;
	} cases[] = {
		{ "\0\3\0\4", 4, 1, false },        { "\0\3\0\3", 4, 0, false },
		{ "\0\3\0\5x", 5, 1, false },       { "\0\3\0\5x\0\0\0\0\3\0\4", 12, 2, false },
		{ "\0\3\0\x09xyz", 7, 1, true },    { "\0\3\0", 3, 0, false },
		{ "\0\3\xff\xffxy", 6, 1, true },   { "\0\3\0\0", 4, 0, false },
	};
	struct sctp_chunk chunk;
	struct sctp_data data;
	uint32_t tsn;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint8_t *copy = bytes_copy(bytes_of(cases[i].bytes, cases[i].len));
		struct bytes rest = bytes_of(copy, cases[i].len);
		unsigned int num = 0;

		chunk.cut = false;
		while (sctp_chunk_next(&rest, &chunk)) {
			num++;
			assert_false(sctp_data_parse(&chunk, &data));
			assert_false(sctp_initial_tsn(&chunk, &tsn) ||
				     sctp_forward_tsn(&chunk, &tsn));
		}
		assert_int_equal(num, cases[i].num);
		assert_int_equal(chunk.cut, cases[i].cut);
		free(copy);
	}
}

/* I-DATA has four bytes more. A chunk that the capture cut off is not taken for whole. */
static void test_other_chunks(void **state)
{
	struct sctp_chunk chunk = { .type = SCTP_I_DATA, .flags = BEGINS };
	struct sctp_data data;
	struct carrier_run r;
	struct buffer b = { 0 };

	(void)state;
	chunk.value = bytes_of("\0\0\0\7\0\3\0\0\0\0\0\1\0\0\0\0text", 20);
	assert_true(sctp_data_parse(&chunk, &data));
	assert_int_equal(data.tsn, 7);
	assert_int_equal(data.stream, 3);
	assert_true(data.begins && !data.ends);
	assert_memory_equal(data.bytes.data, "text", 4);
	begin(&r);
	add_header(&b);
	add_data(&b, WHOLE, 100, 1, TLS1);
	carrier_run_feed(&r, 0, bytes_of(b.data, b.len - 8));
	carrier_run_feed(&r, 0, bytes_of(b.data, 11));
	assert_int_equal(r.num_pieces, 0);
	carrier_run_end(&r);
	buffer_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tls),     cmocka_unit_test(test_dtls),
		cmocka_unit_test(test_gaps),    cmocka_unit_test(test_restart),
		cmocka_unit_test(test_bounded), cmocka_unit_test(test_chunks),
		cmocka_unit_test(test_other_chunks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
