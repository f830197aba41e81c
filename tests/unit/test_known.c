/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "parsers/known.h"

#define TOTAL 5000u
#define KEPT_MAX 24000u
#define PARTING 3000u             /* where the two messages part */

struct fixture {
	struct budget memory;
	struct known known;
	uint8_t a[TOTAL], b[TOTAL];
};

static const char a_value[] = "a", b_value[] = "b";

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	uint32_t i;

	if (!f || !known_init(&f->known, (struct hash_key){ 1, 2 }, KEPT_MAX))
		return -1;
	f->memory.max = 1u << 20;
	for (i = 0; i < TOTAL; i++) {
		f->a[i] = (uint8_t)(i * 7 + i / 251);
		f->b[i] = (uint8_t)(f->a[i] + (i >= PARTING));
	}
	*state = f;
	return 0;
}

/* Nothing may be left in the budget when all was released. */
static int teardown(void **state)
{
	struct fixture *f = *state;
	size_t left = f->memory.used;

	known_fini(&f->known);
	free(f);
	return left ? -1 : 0;
}

static struct known_entry *join(struct fixture *f, const uint8_t *message, uint32_t len)
{
	struct bytes begin = bytes_of(message, len);
	struct known_entry *entry = known_join(&f->known, &f->memory, TOTAL, begin);

	assert_non_null(entry);
	assert_int_equal(known_feed(entry, 0, begin), KNOWN_SAME);
	return entry;
}

static enum known_feed feed(struct known_entry *entry, const uint8_t *message, uint32_t from, uint32_t to)
{
	return known_feed(entry, from, bytes_of(message + from, to - from));
}

static void test_whoever_is_ahead(void **state)
{
	struct fixture *f = *state;
	struct known_entry *one = join(f, f->a, 1300), *two;
	size_t alone = f->memory.used;

	two = join(f, f->a, 1000);
	assert_ptr_equal(one, two);
	assert_int_equal(f->memory.used, alone);
	/* The second goes past the first, which then catches up in other pieces. */
	assert_int_equal(feed(two, f->a, 1000, TOTAL), KNOWN_SAME);
	assert_int_equal(feed(one, f->a, 1300, 1301), KNOWN_SAME);
	assert_int_equal(feed(one, f->a, 1301, TOTAL), KNOWN_SAME);
	known_release(one);
	assert_memory_equal(two->body, f->a, TOTAL);
	known_release(two);
	assert_int_equal(f->memory.used, 0);
	assert_null(known_find(&f->known, TOTAL, bytes_of(f->a, TOTAL)));
}

static void test_parting(void **state)
{
	struct fixture *f = *state;
	struct known_entry *one = join(f, f->a, TOTAL), *two = join(f, f->b, PARTING), *three;

	assert_ptr_equal(one, two);
	assert_int_equal(feed(two, f->b, PARTING, TOTAL), KNOWN_DIFFERENT);
	assert_memory_equal(one->body, f->a, TOTAL);
	three = join(f, f->b, PARTING + 1);
	assert_ptr_not_equal(three, one);
	known_release(one);
	known_release(two);
	known_release(three);
}

static void test_value_keeps(void **state)
{
	struct fixture *f = *state;
	struct known_entry *one = join(f, f->a, TOTAL), *again;

	known_add(&f->known, bytes_of(f->a, TOTAL), a_value);
	assert_int_equal(f->memory.used, 0);
	assert_ptr_equal(one->value, a_value);
	known_release(one);
	again = join(f, f->a, KNOWN_PREFIX);
	assert_ptr_equal(again, one);
	/* A second value changes nothing; one for a message that is not whole is another entry's. */
	known_add(&f->known, bytes_of(f->a, TOTAL), b_value);
	assert_ptr_equal(again->value, a_value);
	known_release(again);
	known_add(&f->known, bytes_of(f->b, TOTAL), b_value);
	again = known_find(&f->known, TOTAL, bytes_of(f->b, TOTAL));
	assert_non_null(again);
	assert_ptr_equal(again->value, b_value);
	known_release(again);
}

/* Forgetting spares what is on its way and what somebody reads. */
static void test_bounded(void **state)
{
	struct fixture *f = *state;
	struct known_entry *growing = join(f, f->b, PARTING + 2), *read = join(f, f->a, TOTAL);
	uint8_t other[TOTAL];
	unsigned int i;

	known_add(&f->known, bytes_of(f->a, TOTAL), a_value);
	memcpy(other, f->b, sizeof(other));
	for (i = 0; i < 50; i++) {
		other[PARTING + 1] = (uint8_t)(f->b[PARTING + 1] + 1 + i);
		known_add(&f->known, bytes_of(other, TOTAL), b_value);
		assert_true(f->known.held <= KEPT_MAX);
	}
	assert_memory_equal(read->body, f->a, TOTAL);
	assert_int_equal(feed(growing, f->b, PARTING + 2, TOTAL), KNOWN_SAME);
	assert_null(growing->value);
	known_release(read);
	known_release(growing);
}

/* A whole message completes the one that somebody is in the middle of. */
static void test_completed_by_another(void **state)
{
	struct fixture *f = *state;
	struct known_entry *growing = join(f, f->a, 1000);

	known_add(&f->known, bytes_of(f->a, TOTAL), a_value);
	assert_ptr_equal(growing->value, a_value);
	assert_int_equal(f->memory.used, 0);
	assert_int_equal(feed(growing, f->a, 1000, TOTAL), KNOWN_SAME);
	known_release(growing);
}

static void test_budget(void **state)
{
	struct fixture *f = *state;
	struct bytes begin = bytes_of(f->a, 100);
	struct known_entry *entry = known_join(&f->known, &f->memory, 1u << 24, begin);

	/* A large length takes nothing; the bytes do. */
	assert_non_null(entry);
	assert_int_equal(known_feed(entry, 0, begin), KNOWN_SAME);
	assert_true(f->memory.used < 4096);
	f->memory.max = f->memory.used;
	assert_null(known_join(&f->known, &f->memory, TOTAL, begin));
	assert_int_equal(known_feed(entry, 100, bytes_of(f->a + 100, TOTAL - 100)), KNOWN_NO_MEMORY);
	/* What is there is still compared. */
	assert_int_equal(known_feed(entry, 0, begin), KNOWN_SAME);
	known_release(entry);
	assert_int_equal(f->memory.used, 0);
	assert_int_equal(f->memory.refused, 2);
}

static void test_impossible_parts(void **state)
{
	struct fixture *f = *state;
	struct known_entry *entry = join(f, f->a, 100);

	assert_int_equal(feed(entry, f->a, 101, 200), KNOWN_DIFFERENT);     /* a gap */
	assert_int_equal(known_feed(entry, 50, bytes_of(f->a + 50, TOTAL - 49)), KNOWN_DIFFERENT);
	assert_int_equal(feed(entry, f->a, 100, 100), KNOWN_SAME);
	known_release(entry);
	known_release(NULL);
}

/* Of messages that begin alike only so many are shared: the look-up stays short. */
static void test_same_prefix(void **state)
{
	struct fixture *f = *state;
	struct known_entry *all[40];
	unsigned int i, num = 0;

	for (i = 0; i < ARRAY_SIZE(all); i++) {
		f->a[100] = (uint8_t)i;
		all[i] = known_join(&f->known, &f->memory, TOTAL, bytes_of(f->a, 500));
		if (all[i])
			assert_int_equal(known_feed(all[i], 0, bytes_of(f->a, 500)), KNOWN_SAME);
		num += all[i] != NULL;
	}
	assert_int_equal(num, 8);
	assert_int_equal(f->memory.refused, 0);
	for (i = 0; i < ARRAY_SIZE(all); i++)
		known_release(all[i]);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_whoever_is_ahead, setup, teardown),
		cmocka_unit_test_setup_teardown(test_parting, setup, teardown),
		cmocka_unit_test_setup_teardown(test_value_keeps, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bounded, setup, teardown),
		cmocka_unit_test_setup_teardown(test_completed_by_another, setup, teardown),
		cmocka_unit_test_setup_teardown(test_budget, setup, teardown),
		cmocka_unit_test_setup_teardown(test_impossible_parts, setup, teardown),
		cmocka_unit_test_setup_teardown(test_same_prefix, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
