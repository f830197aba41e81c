/* SPDX-License-Identifier: Apache-2.0 */
/* Datagrams that contradict each other or themselves, claim too much, or are too many. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "tests/unit/dtls_case.h"

static void test_first_byte_wins(void **state)
{
	struct test *t = *state;
	uint8_t other[BODY_LEN];

	for (unsigned int i = 0; i < BODY_LEN; i++)
		other[i] = (uint8_t)~t->message[i];
	feed_part(t, 100, 50);
	feed_part(t, 200, 100);
	assert_false(t->reader.conflict);
	feed_fragment(t, TLS_CERTIFICATE, 2, bytes_of(other, BODY_LEN), 90, 120);
	assert_true(t->reader.conflict);
	feed_part(t, 0, BODY_LEN);
	assert_log(t, "11/2:300 ");
	memcpy(t->message + 90, other + 90, 10);
	memcpy(t->message + 150, other + 150, 50);
	assert_memory_equal(t->body.data, t->message, BODY_LEN);
}

static void test_disagreement(void **state)
{
	struct test *t = *state;
	uint8_t longer[1000] = { 0 };

	feed_part(t, 0, 100);
	feed_fragment(t, TLS_CERTIFICATE, 2, bytes_of(longer, sizeof(longer)), 100, 800);
	assert_true(t->reader.conflict);
	feed_fragment(t, TLS_SERVER_KEY_EXCHANGE, 2, message_of(t), 0, 100);
	assert_int_equal(t->reader.num_open, 3);
	assert_log(t, "");
	feed_part(t, 100, 200);
	assert_log(t, "11/2:300 ");
	assert_memory_equal(t->body.data, t->message, BODY_LEN);
	feed_fragment(t, TLS_SERVER_KEY_EXCHANGE, 2, message_of(t), 100, 200);
	assert_log(t, "12/2:300 ");
	assert_int_equal(t->reader.dropped, 0);
}

static void test_contradictions(void **state)
{
	static const struct dtls_fragment bad[] = {
		{ .type = 11, .total = 10, .offset = 0, .len = 11 },
		{ .type = 11, .total = 10, .offset = 11, .len = 0 },
		{ .type = 11, .total = 10, .offset = 5, .len = 6 },
		{ .type = 11, .total = 0xffffff, .offset = 0xffffff, .len = 0xffffff },
		{ .type = 11, .total = 0xffffff, .offset = 0, .len = 0xffffff },
		{ .type = 11, .total = 100, .offset = 0, .len = 100 },     /* beyond the record */
		{ .type = 99, .total = 0, .offset = 0, .len = 0 },
	};
	struct test *t = *state;

	for (unsigned int i = 0; i < ARRAY_SIZE(bad); i++) {
		struct buffer fragment = { 0 }, datagram = { 0 };

		build_fragment_header(&fragment, bad[i]);
		if (bad[i].len > 0)
			buffer_add(&fragment, "12345678901", 11);
		build_handshake_record(&datagram, &fragment);
		/* What follows in the same datagram is read all the same. */
		build_message_record(&datagram, TLS_CERTIFICATE, 2, message_of(t));
		feed_buffer(t, &datagram);
		assert_log(t, "B 11/2:300 ");
		assert_non_null(t->reader.why);
		dtls_reader_restart(&t->reader, &t->memory);
		buffer_free(&fragment);
	}
	assert_int_equal(t->memory.peak, 0);
}

static void test_empty_fragments(void **state)
{
	struct test *t = *state;
	struct buffer datagram = { 0 };

	for (uint32_t at = 0; at <= BODY_LEN; at++)
		feed_part(t, at, 0);
	build_dtls_record(&datagram, (struct record_build){ .type = TLS_HANDSHAKE }, bytes_of(NULL,
											      0));
	feed_buffer(t, &datagram);
	assert_log(t, "");
	assert_int_equal(t->memory.peak, 0);
}

static void test_claimed_length(void **state)
{
	struct test *t = *state;
	uint8_t *large = calloc(1, TLS_MESSAGE_MAX);

	assert_non_null(large);
	for (uint16_t seq = 0; seq < DTLS_OPEN_MAX; seq++)
		feed_fragment(t, TLS_CERTIFICATE, seq, bytes_of(large, TLS_MESSAGE_MAX),
			      TLS_MESSAGE_MAX - 1, 1);
	assert_int_equal(t->reader.num_open, DTLS_OPEN_MAX);
	assert_in_range(t->memory.used, 1, DTLS_OPEN_MAX * 128);
	free(large);
	/* Nor does what grows ahead grow beyond the message. */
	dtls_reader_restart(&t->reader, &t->memory);
	feed_part(t, 0, 200);
	feed_part(t, 200, BODY_LEN - 201);
	assert_in_range(t->memory.used, BODY_LEN, BODY_LEN + 96);
}

static void test_open_limit(void **state)
{
	struct test *t = *state;

	feed_part(t, 0, 100);
	for (uint16_t seq = 100; seq < 100 + DTLS_OPEN_MAX - 1; seq++)
		feed_fragment(t, TLS_CERTIFICATE_STATUS, seq, message_of(t), 0, 1);
	assert_int_equal(t->reader.dropped, 0);
	for (uint16_t seq = 200; seq < 1200; seq++)
		feed_fragment(t, TLS_CERTIFICATE_STATUS, seq, message_of(t), 0, 1);
	assert_int_equal(t->reader.num_open, DTLS_OPEN_MAX);
	assert_int_equal(t->reader.dropped, 1000);
	assert_in_range(t->memory.peak, 1, DTLS_OPEN_MAX * 256);
	/* What comes now is gathered still. */
	feed_part(t, 0, 200);
	feed_part(t, 200, 100);
	assert_certificate(t);
}

static void test_pieces_limit(void **state)
{
	struct test *t = *state;
	uint8_t body[3 * DTLS_PIECES_MAX] = { 0 };
	struct bytes message = bytes_of(body, sizeof(body));

	for (uint32_t i = 0; i < DTLS_PIECES_MAX; i++)
		feed_fragment(t, TLS_CERTIFICATE, 2, message, 2 * i, 1);
	assert_log(t, "");
	feed_fragment(t, TLS_CERTIFICATE, 2, message, 2 * DTLS_PIECES_MAX, 1);
	assert_log(t, "B ");
	assert_int_equal(t->reader.dropped, 1);
	assert_int_equal(t->memory.used, 0);
	assert_in_range(t->memory.peak, 1, DTLS_PIECES_MAX * 24);
}

static void test_message_limit(void **state)
{
	struct test *t = *state;
	uint8_t body[1001] = { 0 };

	dtls_reader_init(&t->reader, 1000);
	feed_fragment(t, TLS_CERTIFICATE, 2, bytes_of(body, 1001), 500, 100);
	assert_log(t, "S11:1001 ");
	feed_fragment(t, TLS_CERTIFICATE, 2, bytes_of(body, 1001), 0, 1001);
	assert_log(t, "");
	feed_fragment(t, TLS_CERTIFICATE, 3, bytes_of(body, 1000), 0, 500);
	feed_fragment(t, TLS_CERTIFICATE, 3, bytes_of(body, 1000), 500, 500);
	assert_log(t, "11/3:1000 ");
}

static void test_memory_limit(void **state)
{
	struct test *t = *state;
	unsigned int refused = 0, given = 0;

	for (size_t max = 0; max < 2048; max++) {
		t->memory.max = max;
		feed_part(t, 200, 100);
		feed_part(t, 0, 100);
		feed_part(t, 100, 100);
		if (strchr(t->log, 'B'))
			refused++;
		else if (strcmp(t->log, "11/2:300 ") == 0)
			given++;
		else
			fail_msg("with %zu: %s", max, t->log);
		t->log[0] = '\0';
		dtls_reader_restart(&t->reader, &t->memory);
		feed_part(t, 0, BODY_LEN);
		assert_certificate(t);
		assert_int_equal(t->memory.used, 0);
	}
	assert_in_range(refused, 300, 1000);
	assert_int_equal(given, 2048 - refused);
}

static void test_damage(void **state)
{
	struct test *t = *state;
	struct buffer datagram = { 0 }, two = { 0 };
	uint64_t random = 3;

	build_message_record(&datagram, TLS_SERVER_HELLO, 1, bytes_of(t->message, 70));
	build_fragment(&two, TLS_CERTIFICATE, 2, message_of(t), 0, 150);
	build_fragment(&two, TLS_CERTIFICATE, 2, message_of(t), 100, 200);
	build_handshake_record(&datagram, &two);
	for (unsigned int i = 0; i < 20000; i++) {
		uint8_t *copy = bytes_copy(buffer_bytes(&datagram));

		for (unsigned int flips = random_below(&random, 4); flips > 0; flips--)
			copy[random_below(&random, (uint32_t)datagram.len)] ^=
				(uint8_t)(1u << random_below(&random, 8));
		feed(t, bytes_of(copy, datagram.len));
		t->log[0] = '\0';
		free(copy);
	}
	assert_in_range(t->reader.num_open, 0, DTLS_OPEN_MAX);
	assert_in_range(t->memory.peak, 1, 32768);
	buffer_free(&datagram);
	buffer_free(&two);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_first_byte_wins),
		TEST(test_disagreement),
		TEST(test_contradictions),
		TEST(test_empty_fragments),
		TEST(test_claimed_length),
		TEST(test_open_limit),
		TEST(test_pieces_limit),
		TEST(test_message_limit),
		TEST(test_memory_limit),
		TEST(test_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
