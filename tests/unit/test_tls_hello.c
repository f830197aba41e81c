/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "tests/unit/tls_build.h"

static void assert_text(struct bytes got, const char *want)
{
	assert_int_equal(got.len, strlen(want));
	if (got.len)
		assert_memory_equal(got.data, want, got.len);
}

static void test_client_hello(void **state)
{
	struct buffer b = { 0 };
	struct tls_client_hello hello;

	(void)state;
	build_client_hello(&b, &(struct hello_build){
		.version = TLS_1_2, .supported = TLS_1_3, .name = "a.example", .ticket = true,
		.psk = true, .session_id = TEXT("0123456789abcdef0123456789abcdef") });
	assert_true(tls_client_hello_parse(buffer_bytes(&b), &hello));
	assert_int_equal(hello.version, TLS_1_2);
	assert_int_equal(hello.version_max, TLS_1_3);
	assert_int_equal(hello.random.len, 32);
	assert_int_equal(hello.session_id.len, 32);
	assert_int_equal(hello.cipher_suites.len, 4);
	assert_text(hello.server_name, "a.example");
	assert_text(hello.session_ticket, "ticket");
	assert_true(hello.offers_psk);
	assert_false(hello.has_ech || hello.sslv2_format || hello.extensions_malformed);
	buffer_free(&b);
}

static void test_external_psks(void **state)
{
	const struct {
		struct bytes body;
		uint32_t external;
	} cases[] = {
		{ { 0 }, 0 },                                   /* what is there otherwise: no list */
		{ TEXT("\0\x09\0\x03one\0\0\0\0"), 1 },
		{ TEXT("\0\x09\0\x03one\0\0\0\1"), 0 },
		{ TEXT("\0\x12\0\x03one\1\0\0\0\0\x03two\0\0\0\0"), 2 },
		{ TEXT("\0\x09\0\x04one\0\0\0\0"), 0 },     /* an identity that takes the age along */
		{ TEXT("\0\x0b\0\x03one\0\0\0\0\xff\xff"), 1 },
	};
	struct tls_client_hello hello;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct buffer b = { 0 };

		build_client_hello(&b, &(struct hello_build){
			.supported = TLS_1_3, .psk = true, .psk_offered = cases[i].body });
		assert_true(tls_client_hello_parse(buffer_bytes(&b), &hello));
		assert_true(hello.offers_psk);
		assert_int_equal(hello.external_psks, cases[i].external);
		buffer_free(&b);
	}
}

/* More than can be told apart: none beyond. */
static void test_many_psks(void **state)
{
	struct buffer list = { 0 }, body = { 0 }, b = { 0 };
	struct tls_client_hello hello;

	(void)state;
	for (unsigned int i = 0; i < 1000; i++)
		buffer_add(&list, "\0\1i\0\0\0\0", 7);
	buffer_vec(&body, 2, buffer_bytes(&list));
	build_client_hello(&b, &(struct hello_build){
		.supported = TLS_1_3, .psk = true, .psk_offered = buffer_bytes(&body) });
	assert_true(tls_client_hello_parse(buffer_bytes(&b), &hello));
	assert_int_equal(hello.external_psks, 0xffffffff);
	buffer_free(&list);
	buffer_free(&body);
	buffer_free(&b);
}

/*
 * Every prefix: no byte beyond it is read; up to the extensions it is refused, except where it ends exactly
 * before them; from there on what can be read is kept, and the cut is marked.
 */
static void test_client_prefixes(void **state)
{
	struct buffer b = { 0 };
	struct tls_client_hello hello;
	size_t len, fixed = 2 + 32 + 1 + 2 + 4 + 2;
	bool read;

	(void)state;
	build_client_hello(&b, &(struct hello_build){ .name = "a.example", .ticket = true });
	for (len = 0; len < b.len; len++) {
		uint8_t *copy = bytes_copy(bytes_of(b.data, len));

		read = tls_client_hello_parse(bytes_of(copy, len), &hello);
		assert_int_equal(read, len >= fixed);
		if (read)
			assert_int_equal(hello.extensions_malformed, len > fixed);
		free(copy);
	}
	buffer_free(&b);
}

static void test_server_prefixes(void **state)
{
	struct buffer b = { 0 };
	struct tls_server_hello hello;
	size_t len, fixed = 2 + 32 + 1 + 2 + 1;
	bool read;

	(void)state;
	build_server_hello(&b, &(struct hello_build){ .ticket = true });
	for (len = 0; len < b.len; len++) {
		uint8_t *copy = bytes_copy(bytes_of(b.data, len));

		read = tls_server_hello_parse(bytes_of(copy, len), &hello);
		assert_int_equal(read, len >= fixed);
		if (read)
			assert_int_equal(hello.extensions_malformed, len > fixed);
		free(copy);
	}
	buffer_free(&b);
}

static const struct {
	const char *name;
	struct hello_build build;
	uint16_t version;
	bool psk, ticket, retry;
	uint8_t certificate_type;
} servers[] = {
	{ "TLS 1.2", { .version = 0x0303 }, 0x0303, false, false, false, 0 },
	{ "SSL 3.0", { .version = 0x0300, .no_extensions = true }, 0x0300, false, false, false, 0 },
	{ "TLCP", { .version = 0x0101, .cipher = 0xe013 }, 0x0101, false, false, false, 0 },
	{ "TLS 1.3", { .supported = 0x0304 }, 0x0304, false, false, false, 0 },
	{ "TLS 1.3 draft", { .supported = 0x7f1c }, 0x0304, false, false, false, 0 },
	{ "an unknown version changes nothing", { .supported = 0x1234 }, 0x0303, false, false, false, 0 },
	{ "TLS 1.3 with a PSK", { .supported = 0x0304, .psk = true }, 0x0304, true, false, false, 0 },
	{ "HelloRetryRequest", { .supported = 0x0304, .retry = true }, 0x0304, false, false, true, 0 },
	{ "ticket promised", { .ticket = true }, 0x0303, false, true, false, 0 },
	{ "raw public key", { .certificate_type = 2 }, 0x0303, false, false, false, 2 },
};

static void test_server_hello(void **state)
{
	struct buffer b = { 0 };
	struct tls_server_hello hello;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(servers); i++) {
		print_message("# %s\n", servers[i].name);
		buffer_clear(&b);
		build_server_hello(&b, &servers[i].build);
		assert_true(tls_server_hello_parse(buffer_bytes(&b), &hello));
		assert_int_equal(hello.version, servers[i].version);
		assert_int_equal(hello.psk_chosen, servers[i].psk);
		assert_int_equal(hello.ticket_promised, servers[i].ticket);
		assert_int_equal(hello.is_hello_retry, servers[i].retry);
		assert_int_equal(hello.certificate_type, servers[i].certificate_type);
		assert_false(hello.extensions_malformed);
	}
	buffer_free(&b);
}

/* One extension in a ClientHello. */
static void with_extension(struct buffer *b, uint16_t type, struct bytes body)
{
	struct buffer ext = { 0 };

	buffer_clear(b);
	build_client_hello(b, &(struct hello_build){ .no_extensions = true });
	build_extension16(&ext, type, body);
	buffer_vec(b, 2, buffer_bytes(&ext));
	buffer_free(&ext);
}

static const struct {
	const char *name;
	struct bytes body, server_name;
	bool malformed;
} names[] = {
	{ "acknowledgement", TEXT_INIT(""), TEXT_INIT(""), false },
	{ "one name", TEXT_INIT("\0\x06\0\0\x03" "a.b"), TEXT_INIT("a.b"), false },
	{ "another kind first", TEXT_INIT("\0\x0a\1\0\1z\0\0\x03" "a.b"), TEXT_INIT("a.b"), false },
	{ "the first of two", TEXT_INIT("\0\x0c\0\0\x03" "a.b\0\0\3c.d"), TEXT_INIT("a.b"), false },
	{ "only another kind", TEXT_INIT("\0\4\1\0\1z"), TEXT_INIT(""), false },
	{ "a list that is longer than it is", TEXT_INIT("\0\x20\0\0\x03" "a.b"), TEXT_INIT(""), true },
	{ "a name that is longer than its list", TEXT_INIT("\0\6\0\0\x0a" "a.b"), TEXT_INIT(""), true },
	{ "zero inside", TEXT_INIT("\0\6\0\0\3a\0b"), TEXT_INIT("a\0b"), false },
};

static void test_names(void **state)
{
	struct buffer b = { 0 };
	struct tls_client_hello hello;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		print_message("# %s\n", names[i].name);
		with_extension(&b, TLS_EXT_SERVER_NAME, names[i].body);
		assert_true(tls_client_hello_parse(buffer_bytes(&b), &hello));
		assert_true(bytes_equal(hello.server_name, names[i].server_name));
		assert_int_equal(hello.extensions_malformed, names[i].malformed);
	}
	buffer_free(&b);
}

static const struct { struct bytes body; uint16_t max; } versions[] = {
	{ TEXT_INIT("\4\3\4\3\3"), 0x0304 },
	{ TEXT_INIT("\4\x1a\x1a\3\3"), 0x0303 },              /* GREASE does not count */
	{ TEXT_INIT("\4\x7f\x12\3\3"), 0x0304 },              /* a draft does */
	{ TEXT_INIT("\2\xff\xff"), 0x0303 },
	{ TEXT_INIT("\x40\3\4"), 0x0303 },                    /* longer than it is: not read */
	{ TEXT_INIT(""), 0x0303 },
};

static void test_versions(void **state)
{
	struct buffer b = { 0 };
	struct tls_client_hello hello;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(versions); i++) {
		with_extension(&b, TLS_EXT_SUPPORTED_VERSIONS, versions[i].body);
		assert_true(tls_client_hello_parse(buffer_bytes(&b), &hello));
		assert_int_equal(hello.version_max, versions[i].max);
	}
	with_extension(&b, TLS_EXT_ENCRYPTED_CLIENT_HELLO, TEXT("zz"));
	assert_true(tls_client_hello_parse(buffer_bytes(&b), &hello));
	assert_true(hello.has_ech);
	buffer_free(&b);
}

static const char sslv2[] = "\x80\x21\x01\x03\x01\x00\x06\x00\x02\x00\x10\x00\x00\x2f\x01\x00\x80"
			    "id0123456789abcdef";

static void test_sslv2(void **state)
{
	size_t len;

	(void)state;
	for (len = 0; len < sizeof(sslv2); len++) {
		uint8_t *copy = bytes_copy(bytes_of(sslv2, len));
		struct bytes in = bytes_of(copy, len);
		struct tls_client_hello hello = { 0 };
		enum parse result = tls_sslv2_hello_parse(&in, &hello);

		assert_int_equal(result, len < sizeof(sslv2) - 1 ? PARSE_MORE : PARSE_OK);
		if (result == PARSE_OK) {
			assert_int_equal(in.len, 0);
			assert_true(hello.sslv2_format);
			assert_int_equal(hello.version_max, 0x0301);
			assert_int_equal(hello.cipher_suites.len, 6);
			assert_text(hello.session_id, "id");
			assert_text(hello.random, "0123456789abcdef");
		} else {
			assert_ptr_equal(in.data, copy);
		}
		free(copy);
	}
}

static const struct bytes sslv2_bad[] = {
	TEXT_INIT("\x00\x04zzzz"),                                       /* three-byte header */
	TEXT_INIT("\x80\x04\x04zzz"),                                    /* no ClientHello */
	TEXT_INIT("\x80\x09\x01\x03\x01\xff\xff\xff\xff\xff\xff"),       /* lengths beyond the body */
	TEXT_INIT("\x80\x09\x01\x03\x01\x00\x00\x00\x00\x00\x01"),
	TEXT_INIT("\x80\x00"),
};

static void test_sslv2_bad(void **state)
{
	struct tls_client_hello hello;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(sslv2_bad); i++) {
		uint8_t *copy = bytes_copy(sslv2_bad[i]);
		struct bytes in = bytes_of(copy, sslv2_bad[i].len);

		assert_int_equal(tls_sslv2_hello_parse(&in, &hello), PARSE_BAD);
		free(copy);
	}
}

/* A session id of 33 bytes, and lengths that reach beyond the end. */
static void test_bad(void **state)
{
	uint8_t body[2 + 32 + 1 + 33 + 20] = { 3, 3 };
	struct tls_client_hello client;
	struct tls_server_hello server;

	(void)state;
	body[34] = 33;
	assert_false(tls_client_hello_parse(bytes_of(body, sizeof(body)), &client));
	assert_false(tls_server_hello_parse(bytes_of(body, sizeof(body)), &server));
	body[34] = 255;
	assert_false(tls_client_hello_parse(bytes_of(body, sizeof(body)), &client));
	assert_false(tls_server_hello_parse(bytes_of(body, sizeof(body)), &server));
	body[34] = 0;
	body[35] = 0xff;
	assert_false(tls_client_hello_parse(bytes_of(body, sizeof(body)), &client));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_external_psks),
		cmocka_unit_test(test_many_psks),
		cmocka_unit_test(test_client_hello),
		cmocka_unit_test(test_client_prefixes),
		cmocka_unit_test(test_server_prefixes),
		cmocka_unit_test(test_server_hello),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_versions),
		cmocka_unit_test(test_sslv2),
		cmocka_unit_test(test_sslv2_bad),
		cmocka_unit_test(test_bad),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
