/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/buffer.h"

static const uint8_t input[] = { 0x00, 0x00, 0x03, 0xaa, 0xbb, 0xcc };

/* Each reader over every prefix: takes exactly its bytes, or leaves both arguments alone. */
static void test_numbers(void **state)
{
	size_t len;

	(void)state;
	for (len = 0; len <= sizeof(input); len++) {
		uint8_t *copy = bytes_copy(bytes_of(input, len));
		struct bytes in;
		uint8_t u8 = 0x77;
		uint16_t u16 = 0x7777;
		uint32_t u24 = 0x77777777, u32 = 0x77777777;

		in = bytes_of(copy, len);
		assert_int_equal(bytes_u8(&in, &u8), len >= 1);
		assert_int_equal(in.len, len >= 1 ? len - 1 : len);
		assert_int_equal(u8, len >= 1 ? 0 : 0x77);
		in = bytes_of(copy, len);
		assert_int_equal(bytes_u16(&in, &u16), len >= 2);
		assert_int_equal(in.len, len >= 2 ? len - 2 : len);
		assert_int_equal(u16, len >= 2 ? 0 : 0x7777);
		in = bytes_of(copy, len);
		assert_int_equal(bytes_u24(&in, &u24), len >= 3);
		assert_int_equal(in.len, len >= 3 ? len - 3 : len);
		assert_int_equal(u24, len >= 3 ? 3 : 0x77777777);
		in = bytes_of(copy, len);
		assert_int_equal(bytes_u32(&in, &u32), len >= 4);
		assert_int_equal(in.len, len >= 4 ? len - 4 : len);
		assert_int_equal(u32, len >= 4 ? 0x3aa : 0x77777777);
		free(copy);
	}
}

static void test_order(void **state)
{
	static const uint8_t data[] = { 0xf1, 0xf2, 0xf3, 0xf4 };
	struct bytes in = bytes_of(data, 4);
	uint16_t u16;
	uint32_t u24, u32;

	(void)state;
	assert_true(bytes_u16(&in, &u16));
	assert_int_equal(u16, 0xf1f2);
	in = bytes_of(data, 4);
	assert_true(bytes_u24(&in, &u24));
	assert_int_equal(u24, 0xf1f2f3);
	in = bytes_of(data, 4);
	assert_true(bytes_u32(&in, &u32));
	assert_int_equal(u32, 0xf1f2f3f4);
}

static void check_vec(bool (*take)(struct bytes *, struct bytes *), size_t octets)
{
	const uint8_t *start = input + 3 - octets;
	size_t len;

	for (len = 0; len <= octets + 3; len++) {
		uint8_t *copy = bytes_copy(bytes_of(start, len));
		struct bytes in = bytes_of(copy, len), out = { input, 99 };

		assert_int_equal(take(&in, &out), len == octets + 3);
		if (len == octets + 3) {
			assert_int_equal(in.len, 0);
			assert_int_equal(out.len, 3);
			assert_ptr_equal(out.data, copy + octets);
		} else {
			assert_ptr_equal(in.data, copy);
			assert_int_equal(in.len, len);
			assert_ptr_equal(out.data, input);
			assert_int_equal(out.len, 99);
		}
		free(copy);
	}
}

static void test_vectors(void **state)
{
	(void)state;
	check_vec(bytes_vec8, 1);
	check_vec(bytes_vec16, 2);
	check_vec(bytes_vec24, 3);
}

static void test_take(void **state)
{
	struct bytes in = bytes_of(input, sizeof(input)), out;

	(void)state;
	assert_false(bytes_take(&in, SIZE_MAX, &out));
	assert_false(bytes_skip(&in, sizeof(input) + 1));
	assert_true(bytes_take(&in, 0, &out));
	assert_int_equal(out.len, 0);
	assert_true(bytes_skip(&in, 2));
	assert_true(bytes_take(&in, 4, &out));
	assert_ptr_equal(out.data, input + 2);
	assert_int_equal(in.len, 0);
}

static void test_equal(void **state)
{
	(void)state;
	assert_true(bytes_equal(bytes_of(NULL, 0), bytes_of(input, 0)));
	assert_true(bytes_equal(bytes_of(input, 2), bytes_of("\0\0", 2)));
	assert_false(bytes_equal(bytes_of(input, 2), bytes_of(input, 3)));
	assert_false(bytes_equal(bytes_of(input, 3), bytes_of("\0\0\4", 3)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_take),
		cmocka_unit_test(test_equal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
