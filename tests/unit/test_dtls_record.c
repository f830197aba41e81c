/* SPDX-License-Identifier: Apache-2.0 */
/* What begins DTLS and what does not, records of every kind, and its ClientHello. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "parsers/tls_hello.h"
#include "tests/unit/dtls_build.h"
#include "tests/unit/frame.h"

/* A record header with two bytes of length to come, and a fragment's header. */
#define RECORD "16 fefd 0000 000000000000 "
#define HELLO_BODY "fefd 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f "

static const struct {
	const char *name;
	const char *hex;
	bool begins, continues;
} cases[] = {
	{ "ClientHello", RECORD "003b 01 00002f 0000 000000 00002f" HELLO_BODY, true, true },
	{ "of DTLS 1.0",
	  "16 feff 0000 000000000000 003b 01 00002f 0000 000000 00002f feff", true, true },
	{ "of OpenSSL 0.9.8",
	  "16 0100 0000 000000000000 003b 01 00002f 0000 000000 00002f 0100", true,
	  true },
	{ "any sequence number",
	  "16 fefd 0000 ffffffffffff 003b 01 00002f 0000 000000 00002f fefd", true,
	  true },
	{ "HelloVerifyRequest",
	  RECORD "0017 03 00000b 0000 000000 00000b feff 08 0102030405060708", true,
	  true },
	{ "HelloVerifyRequest without a cookie",
	  RECORD "000f 03 000003 0000 000000 000003 feff 00", true,
	  true },
	{ "first fragment of a Certificate",
	  RECORD "0018 0b 000400 0002 000000 00000c 0003fd 0003fa 3082",
	  true, true },
	{ "later fragment", RECORD "0020 0b 000400 0002 000100 000014 aabb", true, true },
	{ "no certificate", RECORD "000f 0b 000003 0002 000000 000003 000000", true, true },
	{ "ServerHelloDone", RECORD "000c 0e 000000 0004 000000 000000", true, true },
	{ "cut by the snap length", RECORD "0200 0b 000400 0002 000000 0001f4", true, true },
	{ "fragment beyond its message",
	  RECORD "0020 0b 000400 0002 0003ff 000002 aabb", false, true },
	{ "fragment beyond its record",
	  RECORD "000e 0b 000400 0002 000000 000003 0003fd", false, true },
	{ "list of another length",
	  RECORD "0012 0b 000400 0002 000000 000006 0003fc 0003f9", false, true },
	{ "certificate beyond the list",
	  RECORD "0012 0b 000400 0002 000000 000006 0003fd 0003fb", false,
	  true },
	{ "hello of another version",
	  RECORD "000e 01 00002f 0000 000000 000002 0303", false, true },
	{ "hello too short", RECORD "000e 01 000020 0000 000000 000002 fefd", false, true },
	{ "ServerHelloDone with a body",
	  RECORD "000d 0e 000001 0004 000000 000001 00", false, true },
	{ "empty fragment", RECORD "000c 0b 000400 0002 000100 000000", false, true },
	{ "Finished, never in clear",
	  RECORD "0018 14 00000c 0005 000000 00000c 000000000000000000000000",
	  false, true },
	{ "unknown message", RECORD "000d 63 000001 0004 000000 000001 00", false, true },
	{ "message of 16 MiB", RECORD "000d 0b ffffff 0004 000000 000001 00", false, true },
	{ "epoch 1",
	  "16 fefd 0001 000000000000 003b 01 00002f 0000 000000 00002f fefd", false, true },
	{ "record too long", RECORD "4801 01 00002f 0000 000000 00002f fefd", false, false },
	{ "header only", RECORD "003b", false, true },
	{ "half a header", RECORD, false, false },
	{ "nothing", "", false, false },
	{ "alert", "15 fefd 0000 000000000003 0002 0228", false, true },
	{ "ChangeCipherSpec", "14 fefd 0000 000000000003 0001 01", false, true },
	{ "application data", "17 fefd 0001 000000000003 0001 01", false, true },
	{ "connection id", "19 fefd 0001 000000000003 0102 0001 01", false, true },
	{ "connection id in epoch 0", "19 fefd 0000 000000000003 0102 0001 01", false, false },
	{ "unified header", "2e 0001 0010 00112233445566778899aabbccddeeff", false, true },
	{ "too short to be sealed", "2e 0001 000f 00112233445566778899aabbccddee", false, false },
	{ "unified to the end", "22 01 00112233445566778899aabbccddeeff", false, true },
	{ "with a connection id", "32 01 00112233445566778899aabbccddeeff", false, true },
	{ "TLS", "1603010030 01 00002c 0303 0001020304050607", false, false },
	{ "STUN", "0001 0008 2112a442 000102030405060708090a0b 0006000400000000", false, false },
	{ "DNS",
	  "16fe 0100 0001 0000 0000 0000 03 777777 07 6578616d706c65 00 0001 0001", false, false },
	{ "RTP", "8060 0001 00000001 00000001 0102030405060708", false, false },
	{ "QUIC", "c0 00000001 08 0102030405060708 00 00 4004 01020304", false, false },
	/* This one looks like a unified header: dtls_continues() is for flows of DTLS only. */
	{ "OpenVPN", "38 0102030405060708 00 00000000 0102030405060708", false, true },
};

static void test_cases(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
		struct frame_buffer b = { .len = 0 };
		struct bytes in;
		uint8_t *copy;

		frame_add(&b, cases[i].hex);
		copy = frame_copy(frame_bytes(&b));
		in = bytes_of(copy, b.len);
		if (dtls_begins(in) != cases[i].begins)
			fail_msg("begins: %s", cases[i].name);
		if (dtls_continues(in) != cases[i].continues)
			fail_msg("continues: %s", cases[i].name);
		/* Less of it never reads beyond its end, and without both headers is nothing. */
		for (size_t len = 0; len < b.len; len++) {
			uint8_t *prefix = frame_copy(bytes_of(b.data, len));

			assert_false(dtls_begins(bytes_of(prefix, len)) && len < 25);
			free(prefix);
		}
		free(copy);
	}
}

/* Random datagrams, also behind a good record header, never begin DTLS by chance. */
static void test_chance(void **state)
{
	struct frame_buffer header = { .len = 0 };
	uint64_t random = 11;
	unsigned int begun = 0;
	uint8_t data[64];

	(void)state;
	frame_add(&header, RECORD "0033");
	for (unsigned int i = 0; i < 200000; i++) {
		random_fill(&random, data, sizeof(data));
		data[0] = TLS_HANDSHAKE;
		assert_false(dtls_begins(bytes_of(data, sizeof(data))));
		memcpy(data, header.data, header.len);
		begun += dtls_begins(bytes_of(data, sizeof(data)));
	}
	assert_int_equal(begun, 0);
}

static void test_record_fields(void **state)
{
	struct frame_buffer b = { .len = 0 };
	struct dtls_record record;
	struct bytes in;

	(void)state;
	frame_add(&b, "17 fefd 0102 030405060708 0003 aabbcc"
		      "2d 0099 0010 00112233445566778899aabbccddeeff"
		      "15 feff 0000 000000000009 0004 0228");
	in = frame_bytes(&b);
	assert_true(dtls_record_next(&in, &record));
	assert_int_equal(record.type, TLS_APPLICATION_DATA);
	assert_int_equal(record.version, DTLS_1_2);
	assert_int_equal(record.epoch, 0x0102);
	assert_true(record.sequence == 0x030405060708);
	assert_true(record.encrypted);
	assert_int_equal(record.body.len, 3);
	assert_true(dtls_record_next(&in, &record));
	assert_int_equal(record.epoch, 1);
	assert_int_equal(record.body.len, 16);
	assert_true(dtls_record_next(&in, &record));
	assert_int_equal(record.sequence, 9);
	assert_false(record.encrypted);
	assert_int_equal(record.cut, 2);
	assert_int_equal(record.body.len, 2);
	assert_int_equal(in.len, 0);
	assert_false(dtls_record_next(&in, &record));
}

static void parse_hello(const char *hex, struct tls_client_hello *hello, struct frame_buffer *b)
{
	b->len = 0;
	frame_add(b, hex);
	assert_true(dtls_client_hello_parse(frame_bytes(b), hello));
}

static void test_client_hello(void **state)
{
	struct tls_client_hello hello;
	struct frame_buffer b;

	(void)state;
	parse_hello(HELLO_BODY "02 aabb 03 ccddee 0004 c02b c02f 01 00", &hello, &b);
	assert_int_equal(hello.version, DTLS_1_2);
	assert_int_equal(hello.version_max, DTLS_1_2);
	assert_int_equal(hello.session_id.len, 2);
	assert_int_equal(hello.cookie.len, 3);
	assert_memory_equal(hello.cookie.data, "\xcc\xdd\xee", 3);
	assert_int_equal(hello.cipher_suites.len, 4);
	assert_false(hello.extensions_malformed);
	for (size_t len = 0; len < b.len; len++) {
		uint8_t *prefix = frame_copy(bytes_of(b.data, len));

		assert_false(dtls_client_hello_parse(bytes_of(prefix, len), &hello));
		free(prefix);
	}
	/* supported_versions: GREASE, TLS 1.3 (not of DTLS), DTLS 1.2 and 1.3; then a name. */
	parse_hello(HELLO_BODY "00 00 0002 1301 01 00 001f 002b 0009 08 0a0a 0304 fefd fefc"
			       "0000 000e 000c 00 0009 6c6f63616c686f7374", &hello, &b);
	assert_int_equal(hello.version_max, DTLS_1_3);
	assert_int_equal(hello.cookie.len, 0);
	assert_int_equal(hello.server_name.len, 9);
	/* TLS's own parser would take the cookie for the cipher suites. */
	parse_hello(HELLO_BODY "00 14 000102030405060708090a0b0c0d0e0f10111213 0002 c02b 01 00",
		    &hello,
		    &b);
	assert_int_equal(hello.cookie.len, 20);
	assert_false(tls_client_hello_parse(frame_bytes(&b), &hello));
}

static void test_server_hello(void **state)
{
	struct frame_buffer b = { .len = 0 };
	struct tls_server_hello hello;

	(void)state;
	frame_add(&b, HELLO_BODY "00 1301 00 0006 002b 0002 fefc");
	assert_true(tls_server_hello_parse(frame_bytes(&b), &hello));
	assert_int_equal(hello.version, DTLS_1_3);
	assert_int_equal(hello.cipher_suite, 0x1301);
	/* A number of TLS counts in TLS only. */
	b.data[b.len - 2] = 0x03;
	b.data[b.len - 1] = 0x04;
	assert_true(tls_server_hello_parse(frame_bytes(&b), &hello));
	assert_int_equal(hello.version, DTLS_1_2);
}

static void test_versions(void **state)
{
	(void)state;
	assert_int_equal(dtls_version_as_tls(DTLS_1_0), 0x0302);
	assert_int_equal(dtls_version_as_tls(DTLS_OPENSSL_OLD), 0x0302);
	assert_int_equal(dtls_version_as_tls(DTLS_1_2), TLS_1_2);
	assert_int_equal(dtls_version_as_tls(DTLS_1_3), TLS_1_3);
	assert_int_equal(dtls_version_as_tls(0x0301), 0x0301);
	assert_false(dtls_version_plausible(0xfefe));
	assert_false(dtls_version_plausible(0x0303));
	assert_false(dtls_version_plausible(0x0101));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_chance),
		cmocka_unit_test(test_record_fields),
		cmocka_unit_test(test_client_hello),
		cmocka_unit_test(test_server_hello),
		cmocka_unit_test(test_versions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
