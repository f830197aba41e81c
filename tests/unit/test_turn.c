/* SPDX-License-Identifier: Apache-2.0 */
/* DTLS inside TURN, STUN and CAPWAP, in datagrams and in TCP streams. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "parsers/capwap.h"
#include "parsers/turn.h"
#include "tests/unit/frame.h"

#define TRANSACTION "2112a442 000102030405060708090a0b "
#define PEER "0012 0008 0001 cc70 2b12a4d1 "
/* 25 bytes: a record with a ServerHelloDone */
#define DTLS "16fefd 0000 000000000004 000c 0e 000000 0004 000000 000000 "
#define DTLS_LEN 25
#define BINDING "0101 000c " TRANSACTION "0020 0008 0001 cc70 2b12a4d1 "

static const struct {
	const char *name;
	const char *hex;
	bool wrapped;
} datagrams[] = {
	{ "ChannelData", "4000 0019 " DTLS, true },
	{ "ChannelData, padded", "4fff 0019 " DTLS "000000", true },
	{ "Data indication", "0017 002c " TRANSACTION PEER "0013 0019 " DTLS "000000", true },
	{ "Send indication", "0016 0020 " TRANSACTION "0013 0019 " DTLS "000000", true },
	{ "DTLS in a Binding request", "0001 0020 " TRANSACTION "c070 0019 " DTLS "000000", true },
	{ "channel out of range", "5000 0019 " DTLS, false },
	{ "ChannelData with more behind", "4000 0019 " DTLS "00000000", false },
	{ "ChannelData cut", "4000 001a " DTLS, false },
	{ "empty ChannelData", "4000 0000", false },
	{ "no DATA", "0017 000c " TRANSACTION PEER, false },
	{ "empty DATA", "0017 0010 " TRANSACTION PEER "0013 0000", false },
	{ "Binding response", BINDING, false },
	{ "DATA in a Binding request", "0001 0020 " TRANSACTION "0013 0019 " DTLS "000000", false },
	{ "without the cookie",
	  "0016 0020 2112a443 000102030405060708090a0b 0013 0019 " DTLS "000000",
	  false },
	{ "attribute beyond the message",
	  "0016 0020 " TRANSACTION "0013 001d " DTLS "000000", false },
	{ "length not in fours", "0016 0022 " TRANSACTION "0013 0019 " DTLS "0000000000", false },
	{ "more behind it", "0016 0020 " TRANSACTION "0013 0019 " DTLS "00000000", false },
};

static void test_datagrams(void **state)
{
	struct bytes inner;

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(datagrams); i++) {
		struct frame_buffer b = { .len = 0 };
		uint8_t *copy;

		frame_add(&b, datagrams[i].hex);
		copy = frame_copy(frame_bytes(&b));
		if (turn_unwrap(bytes_of(copy, b.len), &inner) != datagrams[i].wrapped)
			fail_msg("%s", datagrams[i].name);
		if (datagrams[i].wrapped) {
			assert_int_equal(inner.len, DTLS_LEN);
			assert_int_equal(inner.data[0], 0x16);
			assert_int_equal(inner.data[13], 0x0e);
		}
		free(copy);
		for (size_t len = 0; datagrams[i].wrapped && len + 3 < b.len; len++) {
			uint8_t *prefix = frame_copy(bytes_of(b.data, len));

			assert_false(turn_unwrap(bytes_of(prefix, len), &inner));
			free(prefix);
		}
	}
}

/* One stream with everything, and what each frame of it carries. */
static const struct {
	const char *hex;
	size_t inner_len;
} frames[] = {
	{ BINDING, 0 },
	{ "0017 002c " TRANSACTION PEER "0013 0019 " DTLS "000000", DTLS_LEN },
	{ "4000 0019 " DTLS "000000", DTLS_LEN },
	{ "4001 0000", 0 },
	{ "0019 " DTLS, DTLS_LEN },                      /* RFC 4571 */
	{ "0020 " BINDING, 0 },
	{ "0034 0016 0020 " TRANSACTION "0013 0019 " DTLS "000000", DTLS_LEN },
	{ "000c 8060 0001 00000001 00000001", 12 },      /* RTP */
};

static void test_stream(void **state)
{
	struct frame_buffer b = { .len = 0 };
	size_t ends[ARRAY_SIZE(frames)];

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(frames); i++) {
		frame_add(&b, frames[i].hex);
		ends[i] = b.len;
	}
	for (size_t len = 0; len <= b.len; len++) {
		uint8_t *copy = frame_copy(bytes_of(b.data, len));
		struct bytes in = bytes_of(copy, len), inner;
		unsigned int i = 0;

		for (; turn_tcp_next(&in, &inner) == PARSE_OK; i++) {
			assert_int_equal(inner.len, frames[i].inner_len);
			assert_int_equal(len - in.len, ends[i]);
		}
		/* All frames that are whole, and then more is wanted: no part is ever wrong. */
		assert_int_equal(turn_tcp_next(&in, &inner), PARSE_MORE);
		assert_true(i == ARRAY_SIZE(frames) ? len == b.len : len < ends[i]);
		assert_true(i == 0 || len >= ends[i - 1]);
		free(copy);
	}
}

static void test_stream_bad(void **state)
{
	static const char *const bad[] = {
		"0000 000c 8060 0001",           /* an empty frame */
		"0006 500000000000",             /* nothing that ICE sends */
		"0006 160301000101",             /* TLS, not DTLS */
		"0014 0001 0000 2112a443 000102030405060708090a0b",    /* STUN without cookie */
	};

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(bad); i++) {
		struct frame_buffer b = { .len = 0 };
		struct bytes in, inner;

		frame_add(&b, bad[i]);
		in = frame_bytes(&b);
		assert_int_equal(turn_tcp_next(&in, &inner), PARSE_BAD);
		assert_int_equal(in.len, b.len);
	}
}

static void test_stream_begins(void **state)
{
	static const struct {
		const char *hex;
		bool begins;
	} heads[] = {
		{ BINDING, true },
		{ "0101 000c 2112a442", true },
		{ "0020 " BINDING, true },
		{ "0020 0101 000c 2112a442", true },
		{ "0019 " DTLS, true },
		{ "0018 " DTLS, false },
		{ "0101 000c 2112", false },
		{ "4000 0019 " DTLS "000000", false },
		{ "16030100300100002c0303000102030405060708090a0b0c0d0e0f", false },
		{ "474554202f20485454502f312e310d0a486f73743a206578616d706c650d0a0d0a", false },
		{ "", false },
	};

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(heads); i++) {
		struct frame_buffer b = { .len = 0 };

		frame_add(&b, heads[i].hex);
		if (turn_tcp_begins(frame_bytes(&b)) != heads[i].begins)
			fail_msg("%s", heads[i].hex);
	}
}

static void test_capwap(void **state)
{
	static const struct {
		const char *hex;
		bool wrapped;
	} capwap[] = {
		{ "01000000 " DTLS, true },
		{ "01000000 16feff 0000 000000000004 0200 0b 000400 0004 000000 0001f4", true },
		{ "00000000 " DTLS, false },        /* the header of what is in clear */
		{ "11000000 " DTLS, false },        /* version 1 */
		{ "01000001 " DTLS, false },
		{ "01000000 " "17030300", false },
		{ "01000000", false },
		{ DTLS, false },
		{ "", false },
	};

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(capwap); i++) {
		struct frame_buffer b = { .len = 0 };
		struct bytes inner;

		frame_add(&b, capwap[i].hex);
		if (capwap_dtls_unwrap(frame_bytes(&b), &inner) != capwap[i].wrapped)
			fail_msg("%s", capwap[i].hex);
		if (capwap[i].wrapped)
			assert_ptr_equal(inner.data, b.data + 4);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_datagrams),  cmocka_unit_test(test_stream),
		cmocka_unit_test(test_stream_bad), cmocka_unit_test(test_stream_begins),
		cmocka_unit_test(test_capwap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
