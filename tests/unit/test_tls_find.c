/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "parsers/tls_find.h"
#include "tests/unit/tls_build.h"

#define BEGINNING_MAX 66        /* eleven records of one byte each */

/* The front of a stream in records of `size` bytes that begins with this message. */
static void make(struct buffer *b, enum tls_found what, size_t size)
{
	static const uint8_t der[] = { 0x30, 0x03, 0x02, 0x01, 0x05 };
	struct bytes ders[] = { bytes_of(der, sizeof(der)) };
	struct buffer body = { 0 }, message = { 0 };

	buffer_clear(b);
	if (what == TLS_FOUND_CLIENT_HELLO) {
		build_client_hello(&body, &(struct hello_build){ .name = "a.example" });
		build_message(&message, TLS_CLIENT_HELLO, buffer_bytes(&body));
	} else if (what == TLS_FOUND_SERVER_HELLO) {
		build_server_hello(&body, &(struct hello_build){ 0 });
		build_message(&message, TLS_SERVER_HELLO, buffer_bytes(&body));
	} else {
		build_certificate_list(&body, ders, 1);
		build_message(&message, TLS_CERTIFICATE, buffer_bytes(&body));
	}
	build_records(b, TLS_HANDSHAKE, TLS_1_2, buffer_bytes(&message), size);
	buffer_free(&body);
	buffer_free(&message);
}

/* Every prefix: more is needed, until it is sure; then it stays sure. */
static void check_prefixes(struct bytes in, enum tls_found want)
{
	enum tls_found what = TLS_FOUND_ALERT;
	enum parse before = PARSE_MORE, result;
	size_t len;

	for (len = 0; len <= in.len; len++) {
		uint8_t *copy = bytes_copy(bytes_of(in.data, len));

		result = tls_begins(bytes_of(copy, len), &what);
		assert_true(result == PARSE_OK || (result == PARSE_MORE && before == PARSE_MORE));
		if (result == PARSE_OK)
			assert_int_equal(what, want);
		assert_true(result == PARSE_OK || len < BEGINNING_MAX);
		before = result;
		free(copy);
	}
	assert_int_equal(before, PARSE_OK);
}

static void test_prefixes(void **state)
{
	static const size_t sizes[] = { 1, 2, 3, 5, 10, 11, 100, 16384 };
	struct buffer b = { 0 };
	size_t i, kind;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		for (kind = TLS_FOUND_CLIENT_HELLO; kind <= TLS_FOUND_CERTIFICATE; kind++) {
			make(&b, (enum tls_found)kind, sizes[i]);
			check_prefixes(buffer_bytes(&b), (enum tls_found)kind);
		}
	}
	buffer_free(&b);
}

/*
 * Behind any preamble, at every cut: the first part says where to keep bytes from, and with these the second
 * part gives the beginning.
 */
static void check_preamble(struct bytes preamble, size_t size)
{
	struct buffer hello = { 0 }, all = { 0 };
	enum tls_found what;
	size_t cut, at;

	make(&hello, TLS_FOUND_CLIENT_HELLO, size);
	buffer_add_bytes(&all, preamble);
	buffer_add_bytes(&all, buffer_bytes(&hello));
	assert_int_equal(tls_find(buffer_bytes(&all), &at, &what), PARSE_OK);
	assert_int_equal(at, preamble.len);
	for (cut = 0; cut < all.len; cut++) {
		uint8_t *copy = bytes_copy(bytes_of(all.data, cut));
		enum parse result = tls_find(bytes_of(copy, cut), &at, &what);

		if (result == PARSE_OK)
			assert_int_equal(at, preamble.len);
		else if (cut > preamble.len)
			assert_int_equal(result, PARSE_MORE);
		if (result == PARSE_MORE) {
			assert_true(at < cut && at <= preamble.len && cut - at < BEGINNING_MAX);
			assert_int_equal(tls_find(bytes_of(all.data + at, all.len - at), &at, &what), PARSE_OK);
		}
		free(copy);
	}
	buffer_free(&hello);
	buffer_free(&all);
}

static void test_preambles(void **state)
{
	static const struct bytes preambles[] = {
		TEXT_INIT(""), TEXT_INIT("220 ready\r\n"), TEXT_INIT("\x16"), TEXT_INIT("\x16\x03"),
		TEXT_INIT("\x16\x03\x03"), TEXT_INIT("\x16\x03\x01\x00\x01\x01"),
		TEXT_INIT("\x16\x16\x03\x03\x16"), TEXT_INIT("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x02"),
		TEXT_INIT("CONNECT a.example:443 HTTP/1.1\r\n\r\n"),
		TEXT_INIT("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"),
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(preambles); i++) {
		check_preamble(preambles[i], 16384);
		check_preamble(preambles[i], 1);
		check_preamble(preambles[i], 4);
	}
}

static const struct {
	const char *name;
	struct bytes in;
	enum parse result;
	enum tls_found what;
} heads[] = {
	{ "nothing", { NULL, 0 }, PARSE_BAD, 0 },
	{ "alert", TEXT_INIT("\x15\x03\x03\x00\x02\x02\x28"), PARSE_OK, TLS_FOUND_ALERT },
	{ "alert and more", TEXT_INIT("\x15\x03\x03\x00\x02\x02\x28\x00"), PARSE_BAD, 0 },
	{ "alert of level 3", TEXT_INIT("\x15\x03\x03\x00\x02\x03\x28"), PARSE_BAD, 0 },
	{ "encrypted alert", TEXT_INIT("\x15\x03\x03\x00\x1azz"), PARSE_BAD, 0 },
	{ "one record of data", TEXT_INIT("\x17\x03\x03\x00\x02zz"), PARSE_BAD, 0 },
	{ "two records of data", TEXT_INIT("\x17\x03\x03\x00\x02zz\x17\x03\x03\x00\x09"), PARSE_OK,
	  TLS_FOUND_ENCRYPTED },
	{ "ClientKeyExchange", TEXT_INIT("\x16\x03\x03\x00\x06\x10\x00\x00\x02zz"), PARSE_OK,
	  TLS_FOUND_OTHER_HANDSHAKE },
	{ "that does not fill its record", TEXT_INIT("\x16\x03\x03\x00\x07\x10\x00\x00\x02zzz"),
	  PARSE_BAD, 0 },
	{ "SSL 2.0 hello", TEXT_INIT("\x80\x1c\x01\x03\x01\x00\x03\x00\x00\x00\x10\x00\x00\x2f"
				     "zzzzzzzzzzzzzzzz"), PARSE_OK, TLS_FOUND_SSLV2_HELLO },
	{ "with a length that does not add up",
	  TEXT_INIT("\x80\x1d\x01\x03\x01\x00\x03\x00\x00\x00\x10\x00\x00\x2f"), PARSE_BAD, 0 },
	{ "hello of 37 bytes is too short", TEXT_INIT("\x16\x03\x01\x00\x29\x01\x00\x00\x25\x03\x03"),
	  PARSE_BAD, 0 },
	{ "hello of 38", TEXT_INIT("\x16\x03\x01\x00\x2a\x01\x00\x00\x26\x03\x03"), PARSE_OK,
	  TLS_FOUND_CLIENT_HELLO },
	{ "hello of over 1 MiB", TEXT_INIT("\x16\x03\x01\x40\x00\x01\x10\x00\x01\x03\x03"), PARSE_BAD, 0 },
	{ "empty Certificate", TEXT_INIT("\x16\x03\x01\x00\x07\x0b\x00\x00\x03\x00\x00\x00"), PARSE_OK,
	  TLS_FOUND_CERTIFICATE },
	{ "Certificate with a list of another length",
	  TEXT_INIT("\x16\x03\x01\x01\x04\x0b\x00\x01\x00\x00\x00\xfe\x00\x00\xfa\x30"), PARSE_BAD, 0 },
	{ "record too long", TEXT_INIT("\x16\x03\x01\x48\x01\x01\x00\x00\x26\x03\x03"), PARSE_BAD, 0 },
	{ "version 4.0", TEXT_INIT("\x16\x04\x00\x01\x00\x01\x00\x00\x26\x03\x03"), PARSE_BAD, 0 },
};

static void test_heads(void **state)
{
	enum tls_found what;
	enum parse result;
	size_t i, len;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(heads); i++) {
		uint8_t *copy = bytes_copy(heads[i].in);

		result = tls_head(bytes_of(copy, heads[i].in.len), &what);
		if (result != heads[i].result)
			fail_msg("%s: %d", heads[i].name, result);
		if (result == PARSE_OK)
			assert_int_equal(what, heads[i].what);
		/* Prefixes of what is good: never sure of something else. */
		for (len = 0; result == PARSE_OK && len < heads[i].in.len; len++)
			if (tls_head(bytes_of(copy, len), &what) == PARSE_OK)
				assert_int_equal(what, heads[i].what);
		free(copy);
	}
}

/* Nothing is found in megabytes of noise, nor in the text of other protocols. */
static void test_no_false_positives(void **state)
{
	static const struct bytes texts[] = {
		TEXT_INIT("GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"),
		TEXT_INIT("SSH-2.0-OpenSSH_9.2\r\n\0\0\x04\x3c\x0a\x14\x16\x03\x01"),
		TEXT_INIT("EHLO a.example\r\n"), TEXT_INIT("\x16\x03\x01 is how TLS begins"),
	};
	uint64_t seed = 0x1234567;
	uint8_t *noise = malloc(1u << 20);
	enum tls_found what;
	unsigned int round;
	size_t at, i;

	(void)state;
	assert_non_null(noise);
	for (round = 0; round < 16; round++) {
		random_fill(&seed, noise, 1u << 20);
		if (tls_find(bytes_of(noise, 1u << 20), &at, &what) != PARSE_BAD)
			assert_true((1u << 20) - at < BEGINNING_MAX);
		for (i = 0; i + 64 < 1u << 20; i += 97)
			assert_int_not_equal(tls_head(bytes_of(noise + i, 64), &what), PARSE_OK);
	}
	free(noise);
	for (i = 0; i < ARRAY_SIZE(texts); i++) {
		assert_int_not_equal(tls_head(texts[i], &what), PARSE_OK);
		assert_int_not_equal(tls_find(texts[i], &at, &what), PARSE_OK);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_prefixes),
		cmocka_unit_test(test_preambles),
		cmocka_unit_test(test_heads),
		cmocka_unit_test(test_no_false_positives),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
