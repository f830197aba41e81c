/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/der_build.h"

#define CASE(name, in, ok, value) { name, in, sizeof(in) - 1, ok, value, sizeof(value) - 1 }

/* One element: what it holds, or that it is none. */
static const struct {
	const char *name;
	const char *in;
	size_t len;
	bool ok;
	const char *value;
	size_t value_len;
} cases[] = {
	CASE("nothing", "", false, ""),
	CASE("tag only", "\x30", false, ""),
	CASE("empty", "\x30\x00", true, ""),
	CASE("short length", "\x04\x02" "ab", true, "ab"),
	CASE("bytes after it", "\x04\x02" "abc", true, "ab"),
	CASE("value ends early", "\x04\x03" "ab", false, ""),
	CASE("81 length", "\x04\x81\x02" "ab", true, "ab"),
	CASE("zeros in a length", "\x04\x89\0\0\0\0\0\0\0\0\x02" "ab", true, "ab"),
	CASE("length cut off", "\x04\x82\x02", false, ""),
	CASE("length beyond 64 bits", "\x04\x89\x01\0\0\0\0\0\0\0\x02" "ab", false, ""),
	CASE("length of all ones", "\x04\x88\xff\xff\xff\xff\xff\xff\xff\xff" "ab", false, ""),
	CASE("reserved length", "\x04\xff" "ab", false, ""),
	CASE("indefinite", "\x30\x80\x02\x01\x05\0\0", true, "\x02\x01\x05"),
	CASE("indefinite, empty", "\x30\x80\0\0", true, ""),
	CASE("indefinite, no end", "\x30\x80\x02\x01\x05", false, ""),
	CASE("indefinite, half an end", "\x30\x80\x02\x01\x05\0", false, ""),
	CASE("indefinite, primitive", "\x04\x80\x02\x01\x05\0\0", false, ""),
	CASE("indefinite in indefinite", "\x30\x80\x31\x80\x05\0\0\0\0\0", true,
	     "\x31\x80\x05\0\0\0"),
	CASE("zeros inside are no end", "\x30\x80\x04\x02\0\0\0\0", true, "\x04\x02\0\0"),
	CASE("high tag number", "\xbf\x87\x68\x01" "a", true, "a"),
	CASE("tag number of 35 bits", "\xbf\xff\xff\xff\xff\x7f\x00", true, ""),
	CASE("tag number too long", "\xbf\xff\xff\xff\xff\xff\x7f\x00", false, ""),
	CASE("tag number cut off", "\xbf\xff", false, ""),
};

static void test_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		unsigned int budget = DER_ELEMENTS_MAX;
		struct der in = der_walk(bytes_of(cases[i].in, cases[i].len), &budget);
		struct der before = in;
		struct der_element out = { .tag = 0xee }, untouched = out;
		bool ok = der_next(&in, &out);

		if (ok != cases[i].ok)
			fail_msg("%s: %d", cases[i].name, ok);
		if (!ok) {
			assert_memory_equal(&in, &before, sizeof(in));
			assert_memory_equal(&out, &untouched, sizeof(out));
			continue;
		}
		if (!bytes_equal(out.value, bytes_of(cases[i].value, cases[i].value_len)))
			fail_msg("%s: value of %zu bytes", cases[i].name, out.value.len);
		assert_int_equal(out.raw.len + in.rest.len, cases[i].len);
		assert_ptr_equal(out.raw.data, cases[i].in);
	}
}

/* No prefix of an element is one, and der_next_cut() gives what is there. */
static void test_prefixes(void **state)
{
	static const char in[] = "\x30\x80\xbf\x87\x68\x81\x02hi\x31\x80\x05\0\0\0\0\0";

	(void)state;
	for (size_t len = 0; len < sizeof(in) - 1; len++) {
		unsigned int budget = DER_ELEMENTS_MAX;
		struct der at = der_walk(bytes_of(in, len), &budget);
		struct der_element out;
		bool cut = false;

		assert_false(der_next(&at, &out));
		assert_int_equal(at.rest.len, len);
		assert_int_equal(der_next_cut(&at, &out, &cut), len >= 2);
		assert_int_equal(cut, len >= 2);
		if (cut)
			assert_int_equal(out.value.len, len - 2);
	}
}

static void test_expect(void **state)
{
	unsigned int budget = DER_ELEMENTS_MAX;
	struct der in = der_walk(LITERAL("\x02\x01\x05\x05\x00"), &budget);
	struct der_element out;

	(void)state;
	assert_false(der_expect(&in, DER_NULL, &out));
	assert_true(der_expect(&in, DER_INTEGER, &out));
	assert_true(der_expect(&in, DER_NULL, &out));
	assert_false(der_expect(&in, DER_NULL, &out));
}

static void test_depth(void **state)
{
	unsigned int budget = DER_ELEMENTS_MAX;
	struct bytes in = NONE;
	struct der at;
	struct der_element out;

	(void)state;
	build_reset();
	for (int i = 0; i < 40; i++)
		in = build_tlv(DER_SEQUENCE, in);
	at = der_walk(in, &budget);
	for (int i = 0; i < DER_DEPTH_MAX; i++) {
		assert_true(der_next(&at, &out));
		at = out.inside;
	}
	assert_false(der_next(&at, &out));
}

/* A megabyte of indefinite lengths in each other takes no stack, and the budget stops the rest. */
static void test_nested_indefinite(void **state)
{
	struct bytes open = build_repeat(LITERAL("\x30\x80"), 300000);
	struct bytes close = build_repeat(LITERAL("\0\0"), 300000);
	struct bytes in = build_join(2, open, close);
	unsigned int budget = DER_ELEMENTS_MAX;
	struct der at = der_walk(in, &budget);
	struct der_element out;
	int levels = 0;

	(void)state;
	assert_true(der_next(&at, &out));
	assert_int_equal(out.value.len, in.len - 4);
	for (at = out.inside; der_next(&at, &out); at = out.inside)
		levels++;
	assert_int_equal(levels, 0);    /* 600,000 elements once, not twice */
	assert_int_equal(budget, 0);
}

static void test_budget(void **state)
{
	unsigned int budget = 3;
	struct der at;
	struct der_element out;

	(void)state;
	build_reset();
	at = der_walk(build_repeat(LITERAL("\x05\x00"), 10), &budget);
	assert_true(der_next(&at, &out));
	assert_true(der_next(&at, &out));
	assert_true(der_next(&at, &out));
	assert_false(der_next(&at, &out));
	assert_int_equal(budget, 0);
}

static void test_integers(void **state)
{
	(void)state;
	assert_int_equal(der_bits(NONE), 0);
	assert_int_equal(der_bits(LITERAL("\0")), 0);
	assert_int_equal(der_bits(LITERAL("\x01")), 1);
	assert_int_equal(der_bits(LITERAL("\0\xff")), 8);
	assert_int_equal(der_bits(LITERAL("\x01\0")), 9);
	assert_int_equal(der_magnitude(LITERAL("\0\0\x07\0")).len, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_prefixes),
		cmocka_unit_test(test_expect),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_nested_indefinite),
		cmocka_unit_test(test_budget),
		cmocka_unit_test(test_integers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
