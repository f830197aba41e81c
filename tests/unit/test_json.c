/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "userspace/output/json.h"

static char *text;
static size_t text_len;
static struct json j;

static void begin(void)
{
	j = (struct json){ .out = open_memstream(&text, &text_len) };
	assert_non_null(j.out);
}

static void expect(const char *want)
{
	assert_int_equal(fclose(j.out), 0);
	assert_string_equal(text, want);
	free(text);
}

static void test_structure(void **state)
{
	(void)state;
	begin();
	json_object(&j, NULL);
	json_unsigned(&j, "a", UINT64_MAX);
	json_signed(&j, "b", INT64_MIN);
	json_array(&j, "c");
	json_array_end(&j);
	json_array(&j, "d");
	json_bool(&j, NULL, true);
	json_object(&j, NULL);
	json_object_end(&j);
	json_string(&j, NULL, "x");
	json_array_end(&j);
	json_object(&j, "e");
	json_bool(&j, "f", false);
	json_object_end(&j);
	json_string(&j, "g", "");
	json_object_end(&j);
	assert_true(json_line_end(&j));
	json_object(&j, NULL);
	json_object_end(&j);
	assert_true(json_line_end(&j));
	expect("{\"a\":18446744073709551615,\"b\":-9223372036854775808,\"c\":[],\"d\":[true,{},\"x\"],"
	       "\"e\":{\"f\":false},\"g\":\"\"}\n{}\n");
}

static const struct { const char *in; size_t len; const char *want; } texts[] = {
	{ "plain", 5, "\"plain\"" },
	{ "\"\\", 2, "\"\\\"\\\\\\\\\"" },              /* a backslash is doubled by text_safe() first */
	{ "a\0b", 3, "\"a\\\\x00b\"" },
	{ "\x1b[31m\n", 6, "\"\\\\x1B[31m\\\\x0A\"" },
	{ "</script>&", 10, "\"\\u003c/script\\u003e\\u0026\"" },
	{ "\xc3\xa4", 2, "\"\xc3\xa4\"" },
	{ "\xff\xfe", 2, "\"\\\\xFF\\\\xFE\"" },
	{ "\xe2\x80\xae", 3, "\"\\\\xE2\\\\x80\\\\xAE\"" },
};

static void test_texts(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(texts); i++) {
		begin();
		json_bytes(&j, NULL, bytes_of(texts[i].in, texts[i].len));
		expect(texts[i].want);
	}
	/* Trusted text: only what JSON itself asks for. */
	begin();
	json_string(&j, "k\"", "\x01 \x1f \" \\ / \x7f");
	expect("\"k\\\"\":\"\\u0001 \\u001f \\\" \\\\ / \x7f\"");
}

/* However long a stranger's text is, a value stays bounded and valid. */
static void test_long_text(void **state)
{
	size_t len = 1u << 20;
	char *in = malloc(len);

	(void)state;
	assert_non_null(in);
	memset(in, 0xff, len);
	begin();
	json_bytes(&j, NULL, bytes_of(in, len));
	fclose(j.out);
	assert_true(text_len > 1000 && text_len < 16384);
	assert_int_equal(text[0], '"');
	assert_string_equal(text + text_len - 4, "...\"");
	free(text);
	free(in);
}

static void test_hex_and_times(void **state)
{
	static const uint8_t data[100] = { 0xab, 0x01 };

	(void)state;
	begin();
	json_object(&j, NULL);
	json_hex(&j, "l", data, 2, false);
	json_hex(&j, "u", data, 2, true);
	json_hex(&j, "n", data, 0, true);
	json_time_ns(&j, "t", 1795558223123456789);
	json_time_s(&j, "s", -1);
	json_object_end(&j);
	expect("{\"l\":\"ab01\",\"u\":\"AB01\",\"n\":\"\",\"t\":\"2026-11-24T22:10:23.123456Z\","
	       "\"s\":\"1969-12-31T23:59:59Z\"}");
	begin();
	json_hex(&j, NULL, data, sizeof(data), false);
	fclose(j.out);
	assert_int_equal(text_len, 2 + 128);    /* cut at 64 bytes */
	free(text);
}

/* A full disk is said. */
static void test_failure(void **state)
{
	(void)state;
	j = (struct json){ .out = fopen("/dev/full", "w") };
	if (!j.out)
		skip();
	setvbuf(j.out, NULL, _IONBF, 0);
	json_object(&j, NULL);
	json_object_end(&j);
	assert_false(json_line_end(&j));
	fclose(j.out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_structure),
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_long_text),
		cmocka_unit_test(test_hex_and_times),
		cmocka_unit_test(test_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
