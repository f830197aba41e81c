/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <cmocka.h>

#include "parsers/text.h"

#define CASE(in, out) { in, sizeof(in) - 1, out }

static const struct {
	const char *in;
	size_t len;
	const char *out;
} safe_cases[] = {
	CASE("", ""),
	CASE("www.example.com", "www.example.com"),
	CASE("a\0b", "a\\x00b"),
	CASE("\x1b[2J\n\r\t", "\\x1B[2J\\x0A\\x0D\\x09"),
	CASE("\x7f", "\\x7F"),
	CASE("back\\slash", "back\\\\slash"),
	CASE("\\x41", "\\\\x41"),
	CASE("\xc3\xa9 \xe2\x82\xac \xf0\x9f\x94\x92", "\xc3\xa9 \xe2\x82\xac \xf0\x9f\x94\x92"),
	CASE("\xc2\x85", "\\xC2\\x85"),                            /* NEL, C1 */
	CASE("\xc2\xa0", "\xc2\xa0"),                              /* U+00A0 is no control */
	CASE("\xe2\x80\xae", "\\xE2\\x80\\xAE"),                   /* U+202E */
	CASE("\xe2\x80\xa8\xe2\x80\xa9", "\\xE2\\x80\\xA8\\xE2\\x80\\xA9"),
	CASE("\xe2\x80\x8b\xe2\x80\x8f", "\\xE2\\x80\\x8B\\xE2\\x80\\x8F"),
	CASE("\xe2\x80\x8a\xe2\x80\x90", "\xe2\x80\x8a\xe2\x80\x90"), /* beside them */
	CASE("\xe2\x81\xa0\xe2\x81\xa9", "\\xE2\\x81\\xA0\\xE2\\x81\\xA9"),
	CASE("\xd8\x9c", "\\xD8\\x9C"),                            /* U+061C */
	CASE("\xef\xbb\xbf", "\\xEF\\xBB\\xBF"),                   /* U+FEFF */
	CASE("\xef\xbf\xbd", "\xef\xbf\xbd"),                      /* U+FFFD is a character */
	CASE("\xef\xbf\xbe\xef\xbf\xbf", "\\xEF\\xBF\\xBE\\xEF\\xBF\\xBF"),
	CASE("\xef\xb7\x90", "\\xEF\\xB7\\x90"),                   /* U+FDD0 */
	CASE("\xf4\x8f\xbf\xbf", "\\xF4\\x8F\\xBF\\xBF"),          /* U+10FFFF */
	CASE("\xf3\xa0\x81\x81", "\\xF3\\xA0\\x81\\x81"),          /* tag letter */
	CASE("\xf4\x90\x80\x80", "\\xF4\\x90\\x80\\x80"),          /* beyond U+10FFFF */
	CASE("\xc0\xaf", "\\xC0\\xAF"),                            /* overlong */
	CASE("\xe0\x80\xaf", "\\xE0\\x80\\xAF"),
	CASE("\xf0\x80\x80\xaf", "\\xF0\\x80\\x80\\xAF"),
	CASE("\xed\xa0\x80", "\\xED\\xA0\\x80"),                   /* surrogate */
	CASE("\x80\xbf\xff\xfe", "\\x80\\xBF\\xFF\\xFE"),
	CASE("\xe2\x82", "\\xE2\\x82"),                            /* ends inside a character */
	CASE("\xe2\x82z", "\\xE2\\x82z"),
	CASE("<img src=x onerror=y>", "<img src=x onerror=y>"),
};

static void test_safe(void **state)
{
	char out[128];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(safe_cases); i++) {
		size_t len = text_safe(bytes_of(safe_cases[i].in, safe_cases[i].len), out,
				       sizeof(out));

		assert_string_equal(out, safe_cases[i].out);
		assert_int_equal(len, strlen(safe_cases[i].out));
	}
}

/*
 * For each size: exactly as it is when it fits, else a beginning made of whole pieces, and "...".
 */
static void test_cut(void **state)
{
	static const char in[] = "ab\x01" "c\xe2\x82\xac" "d\xf0\x9f\x94\x92\\xy\xff";
	char full[128], out[128];
	size_t full_len = text_safe(bytes_of(in, sizeof(in) - 1), full, sizeof(full));

	(void)state;
	for (size_t size = 8; size <= sizeof(out); size++) {
		struct bytes rest;
		size_t len;
		uint32_t c;

		memset(out, '~', sizeof(out));
		len = text_safe(bytes_of(in, sizeof(in) - 1), out, size);
		assert_int_equal(out[len], '\0');
		assert_int_equal(strlen(out), len);
		if (size > full_len) {
			assert_string_equal(out, full);
			continue;
		}
		assert_true(len < size && len >= 3);
		assert_string_equal(out + len - 3, "...");
		assert_memory_equal(out, full, len - 3);
		for (rest = bytes_of(out, len); rest.len > 0;)
			assert_true(text_take_char(&rest, &c));
		assert_true(size == sizeof(out) || out[size] == '~');
	}
}

static void test_pieces(void **state)
{
	struct text text;
	char out[16];

	(void)state;
	text_start(&text, out, sizeof(out));
	assert_string_equal(out, "");
	text_put(&text, "123456789012345");
	assert_string_equal(out, "123456789012345");
	assert_false(text.cut);
	text_put(&text, "");
	assert_false(text.cut);
	text_put(&text, "x");
	assert_true(text.cut);
	assert_string_equal(out, "...");        /* the one piece does not fit beside the dots */
	text_put_char(&text, 'y');
	text_put_byte(&text, 0);
	assert_string_equal(out, "...");
}

static void test_address(void **state)
{
	static const uint8_t v4[16] = { [10] = 0xff, 0xff, 192, 0, 2, 1 };
	static const uint8_t v6[16] = { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 };
	static const uint8_t any[16] = { 0 };
	static const uint8_t mac[16] = { [8] = 'M', 'A', 0x02, 0x00, 0x5e, 0x10, 0x00, 0xff };
	static const uint8_t no_mac[16] = { [7] = 1, 'M', 'A', 0x02, 0x00, 0x5e, 0x10, 0x00, 0xff };
	uint8_t longest[16];
	char out[46];

	(void)state;
	text_address(v4, out, sizeof(out));
	assert_string_equal(out, "192.0.2.1");
	text_address(v6, out, sizeof(out));
	assert_string_equal(out, "2001:db8::1");
	text_address(any, out, sizeof(out));
	assert_string_equal(out, "::");
	text_address(mac, out, sizeof(out));
	assert_string_equal(out, "02:00:5e:10:00:ff");
	text_address(no_mac, out, sizeof(out));
	assert_string_equal(out, "::1:4d41:200:5e10:ff");
	memset(longest, 0xee, sizeof(longest));
	text_address(longest, out, sizeof(out));
	assert_string_equal(out, "eeee:eeee:eeee:eeee:eeee:eeee:eeee:eeee");
}

static void test_hex(void **state)
{
	static const uint8_t data[] = { 0x00, 0x9a, 0xff };
	char out[7];

	(void)state;
	text_hex(data, sizeof(data), false, out);
	assert_string_equal(out, "009aff");
	text_hex(data, sizeof(data), true, out);
	assert_string_equal(out, "009AFF");
	text_hex(data, 0, true, out);
	assert_string_equal(out, "");
}

static const struct {
	int64_t unix_s;
	const char *text;
} second_cases[] = {
	{ 0, "1970-01-01T00:00:00Z" },
	{ -1, "1969-12-31T23:59:59Z" },
	{ -86400, "1969-12-31T00:00:00Z" },
	{ 951782400, "2000-02-29T00:00:00Z" },
	{ 951868799, "2000-02-29T23:59:59Z" },
	{ 951868800, "2000-03-01T00:00:00Z" },
	{ 4107542400, "2100-03-01T00:00:00Z" },
	{ 4107542399, "2100-02-28T23:59:59Z" },
	{ -62167219200, "0000-01-01T00:00:00Z" },
	{ -62162035201, "0000-02-29T23:59:59Z" },
	{ -62167219201, "0000-01-01T00:00:00Z" },
	{ INT64_MIN, "0000-01-01T00:00:00Z" },
	{ 253402300799, "9999-12-31T23:59:59Z" },
	{ 253402300800, "9999-12-31T23:59:59Z" },
	{ INT64_MAX, "9999-12-31T23:59:59Z" },
};

static void test_time_s(void **state)
{
	char out[32], want[32];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(second_cases); i++) {
		text_time_s(second_cases[i].unix_s, out, sizeof(out));
		assert_string_equal(out, second_cases[i].text);
	}
	/* Against the C library, at odd steps through all years. */
	for (int64_t s = -62135596800; s < 253402300799; s += 86399 * 97) {
		time_t t = (time_t)s;
		struct tm tm;

		gmtime_r(&t, &tm);
		snprintf(want, sizeof(want), "%04d-%02d-%02dT%02d:%02d:%02dZ",
			 (tm.tm_year + 1900) % 10000, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
			 tm.tm_min, tm.tm_sec);
		text_time_s(s, out, sizeof(out));
		assert_string_equal(out, want);
	}
}

static void test_time(void **state)
{
	char out[32];

	(void)state;
	text_time(0, out, sizeof(out));
	assert_string_equal(out, "1970-01-01T00:00:00.000000Z");
	text_time(1795558223123456789, out, sizeof(out));
	assert_string_equal(out, "2026-11-24T22:10:23.123456Z");
	text_time(999, out, sizeof(out));
	assert_string_equal(out, "1970-01-01T00:00:00.000000Z");
	text_time(UINT64_MAX, out, sizeof(out));
	assert_string_equal(out, "2554-07-21T23:34:33.709551Z");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_safe),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_address),
		cmocka_unit_test(test_hex),
		cmocka_unit_test(test_time_s),
		cmocka_unit_test(test_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
