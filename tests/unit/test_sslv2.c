/* SPDX-License-Identifier: Apache-2.0 */
/* SSL 2.0: records of both headers, both hellos, errors; each field wrong, every prefix. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "parsers/sslv2.h"
#include "tests/unit/frame.h"

#define CONNECTION_ID "000102030405060708090a0b0c0d0e0f"
#define SPECS "010080 0700c0"

static const char server_hello[] =
	"8025 04 00 01 0002 0004 0006 0010 30021234" SPECS CONNECTION_ID;

struct server_case {
	const char *name;
	const char *hex;
	enum parse expected;
};

static const struct server_case server_cases[] = {
	{ "good", server_hello, PARSE_OK },
	{ "with padding",
	  "0028 03 04 00 01 0002 0004 0006 0010 30021234" SPECS CONNECTION_ID "000000",
	  PARSE_OK },
	{ "resumed", "801b 04 01 00 0002 0000 0000 0010" CONNECTION_ID, PARSE_OK },
	{ "no spec in common",
	  "801f 04 00 01 0002 0004 0000 0010 30021234" CONNECTION_ID, PARSE_OK },
	{ "security escape",
	  "4028 03 04 00 01 0002 0004 0006 0010 30021234" SPECS CONNECTION_ID "000000",
	  PARSE_BAD },
	{ "padding only", "0003 03 000000", PARSE_BAD },
	{ "empty", "8000", PARSE_BAD },
	{ "another message",
	  "8025 05 00 01 0002 0004 0006 0010 30021234" SPECS CONNECTION_ID, PARSE_BAD },
	{ "hit of 2", "8025 04 02 01 0002 0004 0006 0010 30021234" SPECS CONNECTION_ID, PARSE_BAD },
	{ "type of 2",
	  "8025 04 00 02 0002 0004 0006 0010 30021234" SPECS CONNECTION_ID, PARSE_BAD },
	{ "SSL 3.0", "8025 04 00 01 0300 0004 0006 0010 30021234" SPECS CONNECTION_ID, PARSE_BAD },
	{ "lengths too large",
	  "8025 04 00 01 0002 0005 0006 0010 30021234" SPECS CONNECTION_ID, PARSE_BAD },
	{ "lengths too small",
	  "8026 04 00 01 0002 0004 0006 0010 30021234" SPECS CONNECTION_ID "00",
	  PARSE_BAD },
	{ "lengths at their most", "8025 04 00 01 0002 ffff ffff ffff 30021234" SPECS CONNECTION_ID,
	  PARSE_BAD },
	{ "specs not in triples", "8025 04 00 01 0002 0005 0005 0010 30021234" SPECS CONNECTION_ID,
	  PARSE_BAD },
	{ "not a SEQUENCE",
	  "8025 04 00 01 0002 0004 0006 0010 31021234" SPECS CONNECTION_ID, PARSE_BAD },
	{ "no certificate", "8021 04 00 01 0002 0000 0006 0010" SPECS CONNECTION_ID, PARSE_BAD },
	{ "resumed with a certificate",
	  "8025 04 01 01 0002 0004 0006 0010 30021234" SPECS CONNECTION_ID,
	  PARSE_BAD },
	{ "short connection id", "8024 04 00 01 0002 0004 0006 000f 30021234" SPECS
	  "000102030405060708090a0b0c0d0e", PARSE_BAD },
	{ "a record of TLS", "1603010025 020000210301" CONNECTION_ID CONNECTION_ID, PARSE_BAD },
	{ "text", "474554202f20485454502f312e310d0a486f73743a206578616d706c650d0a0d0a", PARSE_BAD },
};

static enum parse parse_copy(struct bytes in, size_t *taken, struct sslv2_server_hello *hello)
{
	uint8_t *copy = frame_copy(in);
	struct bytes rest = bytes_of(copy, in.len);
	enum parse result = sslv2_server_hello_parse(&rest, hello);

	*taken = in.len - rest.len;
	free(copy);
	return result;
}

static void test_server_cases(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(server_cases); i++) {
		const struct server_case *c = &server_cases[i];
		struct frame_buffer b = { .len = 0 };
		struct sslv2_server_hello hello;
		enum parse result = PARSE_MORE;
		size_t taken;

		frame_add(&b, c->hex);
		/* Of a good one every prefix asks for more; a bad one is known for good. */
		for (size_t len = 0; len < b.len; len++) {
			enum parse before = result;

			result = parse_copy(bytes_of(b.data, len), &taken, &hello);
			if (c->expected == PARSE_OK && result != PARSE_MORE)
				fail_msg("%s: prefix of %zu", c->name, len);
			if (before == PARSE_BAD && result != PARSE_BAD)
				fail_msg("%s: good again at %zu", c->name, len);
			if (c->expected == PARSE_BAD && len >= SSLV2_BEGINNING_LEN &&
			    result != PARSE_BAD)
				fail_msg("%s: not known at %zu", c->name, len);
			assert_int_equal(taken, 0);
		}
		if (parse_copy(frame_bytes(&b), &taken, &hello) != c->expected)
			fail_msg("%s", c->name);
		assert_int_equal(taken, c->expected == PARSE_OK ? b.len : 0);
	}
}

static void test_server_hello(void **state)
{
	struct frame_buffer b = { .len = 0 };
	struct sslv2_server_hello hello;
	struct bytes in;

	(void)state;
	frame_add(&b, server_hello);
	frame_add(&b, "aabb");
	in = frame_bytes(&b);
	assert_int_equal(sslv2_server_hello_begins(in), PARSE_OK);
	assert_int_equal(sslv2_server_hello_parse(&in, &hello), PARSE_OK);
	assert_int_equal(in.len, 2);
	assert_false(hello.session_id_hit);
	assert_int_equal(hello.certificate_type, 1);
	assert_int_equal(hello.certificate.len, 4);
	assert_memory_equal(hello.certificate.data, "\x30\x02\x12\x34", 4);
	assert_int_equal(hello.cipher_specs.len, 6);
	assert_int_equal(hello.connection_id.len, 16);
	assert_int_equal(hello.connection_id.data[15], 15);

	b.len = 0;
	frame_add(&b, server_cases[2].hex);
	in = frame_bytes(&b);
	assert_int_equal(sslv2_server_hello_parse(&in, &hello), PARSE_OK);
	assert_true(hello.session_id_hit);
	assert_int_equal(hello.certificate.len, 0);
}

/* Its beginning is known from a few bytes, and says nothing of what has not come. */
static void test_beginning(void **state)
{
	struct frame_buffer b = { .len = 0 };

	(void)state;
	frame_add(&b, server_cases[1].hex);
	for (size_t len = 0; len <= b.len; len++) {
		enum parse expected = len < SSLV2_BEGINNING_LEN ? PARSE_MORE : PARSE_OK;

		assert_int_equal(sslv2_server_hello_begins(bytes_of(b.data, len)), expected);
	}
}

static void test_records(void **state)
{
	struct frame_buffer b = { .len = 0 };
	struct bytes in, data;

	(void)state;
	frame_add(&b, "8003 aabbcc 0005 02 ddeeff0000 7fff 00");
	in = frame_bytes(&b);
	assert_int_equal(sslv2_record_next(&in, &data), PARSE_OK);
	assert_int_equal(data.len, 3);
	assert_int_equal(data.data[0], 0xaa);
	assert_int_equal(sslv2_record_next(&in, &data), PARSE_OK);
	assert_int_equal(data.len, 3);
	assert_int_equal(data.data[2], 0xff);
	assert_int_equal(sslv2_record_next(&in, &data), PARSE_BAD);
	assert_int_equal(in.len, 3);
}

static const struct server_case client_cases[] = {
	{ "good", "801f 01 0002 0006 0000 0010" SPECS CONNECTION_ID, PARSE_OK },
	{ "with a session",
	  "802f 01 0002 0006 0010 0010" SPECS CONNECTION_ID CONNECTION_ID, PARSE_OK },
	{ "long challenge",
	  "802f 01 0002 0006 0000 0020" SPECS CONNECTION_ID CONNECTION_ID, PARSE_OK },
	{ "offers TLS", "801f 01 0301 0006 0000 0010" SPECS CONNECTION_ID, PARSE_BAD },
	{ "no specs", "8019 01 0002 0000 0000 0010" CONNECTION_ID, PARSE_BAD },
	{ "odd specs", "801e 01 0002 0005 0000 0010 0100800700" CONNECTION_ID, PARSE_BAD },
	{ "session of 3", "8022 01 0002 0006 0003 0010" SPECS "aabbcc" CONNECTION_ID, PARSE_BAD },
	{ "short challenge", "8017 01 0002 0006 0000 0008" SPECS "0001020304050607", PARSE_BAD },
	{ "a byte too many", "8020 01 0002 0006 0000 0010" SPECS CONNECTION_ID "00", PARSE_BAD },
	{ "lengths at their most", "801f 01 0002 fffc ffff ffff" SPECS CONNECTION_ID, PARSE_BAD },
	{ "another message", "801f 02 0002 0006 0000 0010" SPECS CONNECTION_ID, PARSE_BAD },
};

static void test_client_hello(void **state)
{
	struct tls_client_hello hello;

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(client_cases); i++) {
		const struct server_case *c = &client_cases[i];
		struct frame_buffer b = { .len = 0 };
		struct bytes in;

		frame_add(&b, c->hex);
		for (size_t len = 0; len < b.len; len++) {
			uint8_t *copy = frame_copy(bytes_of(b.data, len));

			in = bytes_of(copy, len);
			if (c->expected == PARSE_OK)
				assert_int_equal(sslv2_client_hello_parse(&in, &hello), PARSE_MORE);
			else
				assert_int_not_equal(sslv2_client_hello_parse(&in, &hello),
						     PARSE_OK);
			free(copy);
		}
		in = frame_bytes(&b);
		if (sslv2_client_hello_parse(&in, &hello) != c->expected)
			fail_msg("%s", c->name);
		if (c->expected != PARSE_OK)
			continue;
		assert_int_equal(in.len, 0);
		assert_true(hello.sslv2_format);
		assert_int_equal(hello.version, SSL_2_0);
		assert_int_equal(hello.version_max, SSL_2_0);
		assert_int_equal(hello.cipher_suites.len, 6);
	}
}

static void test_error(void **state)
{
	static const struct {
		const char *hex;
		enum parse expected;
		uint16_t error;
	} errors[] = {
		{ "8003 00 0001", PARSE_OK, SSLV2_NO_CIPHER },
		{ "8003 00 0006", PARSE_OK, SSLV2_UNSUPPORTED_CERTIFICATE_TYPE },
		{ "0005 02 00 0004 0000", PARSE_OK, SSLV2_BAD_CERTIFICATE },
		{ "8003 00 0003", PARSE_BAD, 0 },
		{ "8003 01 0001", PARSE_BAD, 0 },
		{ "8004 00 000100", PARSE_BAD, 0 },
		{ "8003 00 00", PARSE_MORE, 0 },
		{ "80", PARSE_MORE, 0 },
	};

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(errors); i++) {
		struct frame_buffer b = { .len = 0 };
		struct bytes in;
		uint16_t error = 0;

		frame_add(&b, errors[i].hex);
		in = frame_bytes(&b);
		assert_int_equal(sslv2_error_parse(&in, &error), errors[i].expected);
		assert_int_equal(error, errors[i].error);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_server_cases), cmocka_unit_test(test_server_hello),
		cmocka_unit_test(test_beginning),    cmocka_unit_test(test_client_hello),
		cmocka_unit_test(test_error),        cmocka_unit_test(test_records),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
