/* SPDX-License-Identifier: Apache-2.0 */
/* Messages out of datagrams: whole, in fragments of every kind and order, again, and anew. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "tests/unit/dtls_case.h"

static void test_whole(void **state)
{
	struct test *t = *state;
	struct buffer two = { 0 }, datagram = { 0 };
	struct bytes hello = bytes_of(t->message, 70), in;
	struct tls_item item;

	build_message_record(&datagram, TLS_SERVER_HELLO, 1, hello);
	build_fragment(&two, TLS_CERTIFICATE, 2, message_of(t), 0, BODY_LEN);
	build_fragment(&two, TLS_SERVER_HELLO_DONE, 3, bytes_of(t->message, 0), 0, 0);
	build_handshake_record(&datagram, &two);
	feed(t, buffer_bytes(&datagram));
	assert_log(t, "2/1:70 11/2:300 14/3:0 ");
	assert_int_equal(t->memory.peak, 0);

	/* In place: nothing is copied. */
	dtls_reader_restart(&t->reader, &t->memory);
	in = buffer_bytes(&datagram);
	assert_int_equal(dtls_reader_next(&t->reader, &t->memory, &in, &item), PARSE_OK);
	assert_ptr_equal(item.body.data, datagram.data + 13 + 12);
	assert_int_equal(item.record_version, BUILD_DTLS);
	dtls_reader_leave(&t->reader);
	buffer_free(&two);
	buffer_free(&datagram);
}

static void test_orders(void **state)
{
	static const uint32_t edges[] = { 0, 1, 100, 101, 250, BODY_LEN };
	struct test *t = *state;
	unsigned int orders = 0;

	for (unsigned int code = 0; code < 5 * 5 * 5 * 5 * 5; code++) {
		unsigned int seen = 0, order[5];

		for (unsigned int i = 0, rest = code; i < 5; i++, rest /= 5) {
			order[i] = rest % 5;
			seen |= 1u << order[i];
		}
		if (seen != 31)
			continue;
		orders++;
		for (unsigned int i = 0; i < 5; i++) {
			assert_log(t, "");
			feed_part(t, edges[order[i]], edges[order[i] + 1] - edges[order[i]]);
		}
		assert_certificate(t);
	}
	assert_int_equal(orders, 120);
	assert_false(t->reader.conflict);
	assert_int_equal(t->reader.dropped, 0);
}

static void test_sizes(void **state)
{
	struct test *t = *state;

	for (uint32_t size = 1; size < BODY_LEN; size++) {
		struct buffer fragments = { 0 }, datagram = { 0 };
		uint32_t last = (BODY_LEN - 1) / size * size, at;

		for (at = 0; at < BODY_LEN; at += size)
			feed_part(t, at, at == last ? BODY_LEN - last : size);
		assert_certificate(t);
		for (at = last + size; at > 0; at -= size)
			feed_part(t, at - size, at - size == last ? BODY_LEN - last : size);
		assert_certificate(t);
		for (at = 0; at < BODY_LEN; at += size)
			build_fragment(&fragments, TLS_CERTIFICATE, 2, message_of(t), at,
				       at == last ? BODY_LEN - last : size);
		build_handshake_record(&datagram, &fragments);
		feed_buffer(t, &datagram);
		assert_certificate(t);
		buffer_free(&fragments);
	}
}

static void test_overlaps(void **state)
{
	struct test *t = *state;
	uint64_t random = 7;

	for (unsigned int round = 0; round < 300; round++) {
		for (unsigned int i = 0; i < 400 && t->log[0] == '\0'; i++) {
			uint32_t offset = random_below(&random, BODY_LEN);

			feed_part(t, offset, random_below(&random, BODY_LEN - offset + 1));
		}
		feed_part(t, 0, BODY_LEN);      /* the rest, if any is missing */
		assert_certificate(t);
	}
	assert_false(t->reader.conflict);
}

static void test_retransmission(void **state)
{
	struct test *t = *state;

	feed_part(t, 0, BODY_LEN);
	assert_log(t, "11/2:300 ");
	feed_part(t, 0, BODY_LEN);
	feed_part(t, 0, 100);
	feed_part(t, 100, 200);
	assert_log(t, "");
	assert_null(t->reader.open);
	/* A fragment that comes late, of a message that was given. */
	feed_part(t, 7, 1);
	assert_null(t->reader.open);
	assert_int_equal(t->memory.peak, 0);
	assert_false(t->reader.conflict);
}

static void test_unfinished(void **state)
{
	struct test *t = *state;
	uint32_t have, total, from, to;
	struct bytes gathered;
	uint8_t type;

	assert_false(dtls_reader_unfinished(&t->reader, &type, &have, &total));
	assert_false(dtls_reader_missing(&t->reader, 0, &from, &to));
	assert_int_equal(dtls_reader_gathered(&t->reader, &t->memory).len, 0);
	feed_fragment(t, TLS_SERVER_KEY_EXCHANGE, 3, message_of(t), 10, 20);
	assert_true(dtls_reader_unfinished(&t->reader, &type, &have, &total));
	assert_int_equal(type, TLS_SERVER_KEY_EXCHANGE);
	assert_int_equal(dtls_reader_gathered(&t->reader, &t->memory).len, 0);
	assert_true(dtls_reader_missing(&t->reader, 0, &from, &to));
	assert_int_equal(from, 0);
	assert_int_equal(to, 10);

	/* A Certificate comes first; its beginning came in the wrong order. */
	feed_part(t, 200, 50);
	feed_part(t, 60, 40);
	feed_part(t, 0, 60);
	assert_true(dtls_reader_unfinished(&t->reader, &type, &have, &total));
	assert_int_equal(type, TLS_CERTIFICATE);
	assert_int_equal(have, 150);
	assert_int_equal(total, BODY_LEN);
	gathered = dtls_reader_gathered(&t->reader, &t->memory);
	assert_int_equal(gathered.len, 100);
	assert_memory_equal(gathered.data, t->message, 100);
	assert_true(dtls_reader_missing(&t->reader, 0, &from, &to));
	assert_int_equal(from, 100);
	assert_int_equal(to, 200);
	assert_true(dtls_reader_missing(&t->reader, 1, &from, &to));
	assert_int_equal(from, 250);
	assert_int_equal(to, BODY_LEN);
	assert_false(dtls_reader_missing(&t->reader, 2, &from, &to));
	feed_part(t, 90, 210);
	assert_certificate(t);
}

static void test_every_prefix(void **state)
{
	struct test *t = *state;
	struct buffer datagram = { 0 };
	struct bytes whole;
	uint32_t have, total;
	uint8_t type;

	build_message_record(&datagram, TLS_CERTIFICATE, 2, message_of(t));
	whole = buffer_bytes(&datagram);
	for (size_t len = 0; len < whole.len; len++) {
		feed(t, bytes_of(whole.data, len));
		assert_log(t, len == 0 || len >= 13 ? "" : "B ");
		assert_int_equal(dtls_reader_unfinished(&t->reader, &type, &have, &total),
				 len > 25);
		if (len > 25)
			assert_int_equal(have, len - 25);
		dtls_reader_restart(&t->reader, &t->memory);
	}
	/* And the rest may come in the retransmission. */
	feed(t, bytes_of(whole.data, 200));
	feed(t, whole);
	assert_certificate(t);
	assert_false(t->reader.conflict);
	buffer_free(&datagram);
}

static void feed_hello(struct test *t, uint8_t type, uint16_t seq, uint8_t random)
{
	uint8_t body[60];

	memset(body, random, sizeof(body));
	feed_fragment(t, type, seq, bytes_of(body, sizeof(body)), 0, sizeof(body));
}

static void test_new_handshake(void **state)
{
	struct test *t = *state;

	feed_hello(t, TLS_CLIENT_HELLO, 0, 1);
	feed_hello(t, TLS_CLIENT_HELLO, 1, 1);      /* with the cookie */
	feed_part(t, 0, BODY_LEN);
	feed_hello(t, TLS_CLIENT_HELLO, 0, 1);
	assert_log(t, "1/0:60 1/1:60 11/2:300 ");
	feed_fragment(t, TLS_CERTIFICATE_VERIFY, 4, message_of(t), 0, 10);
	feed_hello(t, TLS_CLIENT_HELLO, 0, 2);
	assert_int_equal(t->reader.handshakes, 1);
	assert_int_equal(t->reader.dropped, 1);
	feed_hello(t, TLS_CLIENT_HELLO, 1, 2);
	feed_part(t, 0, BODY_LEN);
	assert_log(t, "1/0:60 1/1:60 11/2:300 ");
	assert_int_equal(t->reader.handshakes, 1);
	/* A server that sent a HelloVerifyRequest before has its hello under message_seq 1. */
	dtls_reader_restart(&t->reader, &t->memory);
	feed_hello(t, TLS_SERVER_HELLO, 1, 5);
	feed_part(t, 0, BODY_LEN);
	feed_hello(t, TLS_SERVER_HELLO, 1, 6);
	feed_part(t, 0, BODY_LEN);
	assert_log(t, "2/1:60 11/2:300 2/1:60 11/2:300 ");
	assert_int_equal(t->reader.handshakes, 2);
}

static void test_hello_retry(void **state)
{
	struct test *t = *state;

	for (unsigned int i = 0; i < 3; i++) {
		feed_hello(t, TLS_SERVER_HELLO, 0, 0xcf);
		feed_hello(t, TLS_SERVER_HELLO, 1, 3);
	}
	assert_log(t, "2/0:60 2/1:60 ");
	assert_int_equal(t->reader.handshakes, 0);
	/* Some servers have HelloVerifyRequest and ServerHello under the same message_seq. */
	dtls_reader_restart(&t->reader, &t->memory);
	feed_hello(t, TLS_HELLO_VERIFY_REQUEST, 0, 9);
	feed_hello(t, TLS_SERVER_HELLO, 0, 4);
	assert_log(t, "3/0:60 2/0:60 ");
	assert_int_equal(t->reader.handshakes, 0);
}

static void test_other_records(void **state)
{
	static const struct {
		struct record_build record;
		const char *body;
		size_t len;
		const char *log;
	} cases[] = {
		{ { .type = TLS_ALERT }, "\2\50", 2, "A2:40 " },
		{ { .type = TLS_ALERT }, "\1\0", 2, "A1:0 " },
		{ { .type = TLS_ALERT }, "\3\50", 2, "E21 " },
		{ { .type = TLS_ALERT }, "\2\50\0", 3, "E21 " },
		{ { .type = TLS_ALERT, .epoch = 1 }, "\2\50", 2, "E21 " },
		{ { .type = TLS_CHANGE_CIPHER_SPEC }, "\1", 1, "C " },
		{ { .type = TLS_CHANGE_CIPHER_SPEC }, "\1\0\5", 3, "B " },
		{ { .type = TLS_CHANGE_CIPHER_SPEC, .version = 0x0100 }, "\1\0\5", 3, "C " },
		{ { .type = TLS_CHANGE_CIPHER_SPEC }, "", 0, "B " },
		{ { .type = TLS_HANDSHAKE, .epoch = 1 }, "\13\0\0\1\0\2\0\0\0\0\0\1x", 13, "E22 " },
		{ { .type = TLS_APPLICATION_DATA, .epoch = 1 }, "x", 1, "E23 " },
		{ { .type = TLS_APPLICATION_DATA }, "x", 1, "E23 " },
		{ { .type = TLS_HEARTBEAT }, "x", 1, "" },
		{ { .type = DTLS_ACK }, "\0\0", 2, "" },
		{ { .type = DTLS_ACK, .epoch = 2 }, "\0\0", 2, "E26 " },
		{ { .type = 27 }, "x", 1, "B " },
		{ { .type = TLS_HANDSHAKE, .version = 0x0303 }, "x", 1, "B " },
	};
	struct test *t = *state;

	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
		struct buffer datagram = { 0 };

		build_dtls_record(&datagram, cases[i].record,
				  bytes_of(cases[i].body, cases[i].len));
		feed_buffer(t, &datagram);
		assert_log(t, cases[i].log);
	}
}

static void test_unified(void **state)
{
	struct test *t = *state;
	struct buffer datagram = { 0 };
	uint8_t sealed[20] = { 0 };

	build_message_record(&datagram, TLS_SERVER_HELLO, 0, bytes_of(t->message, 60));
	buffer_number(&datagram, 1, 0x2e);      /* a long sequence number, a length, epoch 2 */
	buffer_number(&datagram, 2, 0x1234);
	buffer_vec(&datagram, 2, bytes_of(sealed, sizeof(sealed)));
	buffer_number(&datagram, 1, 0x2a);      /* the same without the length: to the end */
	buffer_number(&datagram, 2, 0x1235);
	buffer_add(&datagram, sealed, sizeof(sealed));
	feed_buffer(t, &datagram);
	assert_log(t, "2/0:60 E0 E0 ");
}

static void test_message_header(void **state)
{
	struct tls_item item = { .type = TLS_CERTIFICATE, .total = 0x010203 };
	uint8_t header[DTLS_MESSAGE_HEADER_LEN];

	(void)state;
	dtls_message_header(&item, 0x0405, header);
	assert_memory_equal(header, "\13\1\2\3\4\5\0\0\0\1\2\3", sizeof(header));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_whole),
		TEST(test_orders),
		TEST(test_sizes),
		TEST(test_overlaps),
		TEST(test_retransmission),
		TEST(test_unfinished),
		TEST(test_every_prefix),
		TEST(test_new_handshake),
		TEST(test_hello_retry),
		TEST(test_other_records),
		TEST(test_unified),
		TEST(test_message_header),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
