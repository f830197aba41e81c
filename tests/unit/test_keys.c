/* SPDX-License-Identifier: Apache-2.0 */
/* Secrets that were given: found by whom they are for, offered to whom they may be for, and none refused silently. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "userspace/handshake/keys.h"

static struct keys *keys;

static int setup(void **state)
{
	(void)state;
	keys = keys_new(6);
	return keys ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	keys_free(keys);
	return 0;
}

static void add(const char *label, unsigned int who, unsigned int secret)
{
	char line[256];
	int len = snprintf(line, sizeof(line), "%s %064x %064x\n", label, who, secret);

	keys_add_text(keys, bytes_of((const uint8_t *)line, (size_t)len));
}

static void random_of(uint8_t random[KEYLOG_RANDOM_LEN], unsigned int who)
{
	memset(random, 0, KEYLOG_RANDOM_LEN);
	random[KEYLOG_RANDOM_LEN - 1] = (uint8_t)who;
}

static void claim(unsigned int who)
{
	uint8_t random[KEYLOG_RANDOM_LEN];

	random_of(random, who);
	keys_claim(keys, random, KEYLOG_SERVER_HANDSHAKE_TRAFFIC_SECRET);
}

/* "3 1 ": who is offered, in order. */
static void assert_offered(uint64_t since, unsigned int max, const char *want)
{
	const uint8_t *randoms[8];
	char got[64] = "";
	unsigned int num = keys_unclaimed(keys, KEYLOG_SERVER_HANDSHAKE_TRAFFIC_SECRET, since, randoms, max), i;

	assert_true(num <= max);
	for (i = 0; i < num; i++)
		snprintf(got + strlen(got), sizeof(got) - strlen(got), "%u ", randoms[i][KEYLOG_RANDOM_LEN - 1]);
	assert_string_equal(got, want);
}

static void test_unclaimed(void **state)
{
	uint64_t since;

	(void)state;
	assert_offered(0, 8, "");
	add("SERVER_HANDSHAKE_TRAFFIC_SECRET", 1, 11);
	add("CLIENT_HANDSHAKE_TRAFFIC_SECRET", 1, 12);
	add("SERVER_HANDSHAKE_TRAFFIC_SECRET", 2, 21);
	add("SERVER_HANDSHAKE_TRAFFIC_SECRET", 3, 31);
	assert_offered(0, 8, "3 2 1 ");
	assert_offered(0, 2, "3 2 ");
	claim(2);
	assert_offered(0, 8, "3 1 ");
	claim(9);
	/* Who has tried them all is offered only what came since. */
	since = keys_generation(keys);
	assert_offered(since, 8, "");
	add("SERVER_HANDSHAKE_TRAFFIC_SECRET", 4, 41);
	assert_offered(since, 8, "4 ");
	assert_offered(0, 8, "4 3 1 ");
}

static void test_found(void **state)
{
	uint8_t random[KEYLOG_RANDOM_LEN];
	struct bytes secret;

	(void)state;
	add("SERVER_HANDSHAKE_TRAFFIC_SECRET", 1, 11);
	random_of(random, 1);
	assert_true(keys_find(keys, random, KEYLOG_SERVER_HANDSHAKE_TRAFFIC_SECRET, &secret));
	assert_int_equal(secret.len, 32);
	assert_int_equal(secret.data[31], 11);
	assert_false(keys_find(keys, random, KEYLOG_CLIENT_HANDSHAKE_TRAFFIC_SECRET, &secret));
	/* A later one replaces it, also where there is no more room. */
	while (keys_counters(keys)->secrets < 6)
		add("SERVER_HANDSHAKE_TRAFFIC_SECRET", 100 + (unsigned int)keys_counters(keys)->secrets, 1);
	add("SERVER_HANDSHAKE_TRAFFIC_SECRET", 1, 12);
	assert_true(keys_find(keys, random, KEYLOG_SERVER_HANDSHAKE_TRAFFIC_SECRET, &secret));
	assert_int_equal(secret.data[31], 12);
	assert_int_equal(keys_counters(keys)->refused, 0);
}

static void test_refused(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < 9; i++)
		add("SERVER_HANDSHAKE_TRAFFIC_SECRET", i, i);
	assert_int_equal(keys_counters(keys)->secrets, 6);
	assert_int_equal(keys_counters(keys)->refused, 3);
	add("NOBODY_KNOWS_THIS", 1, 1);
	assert_int_equal(keys_counters(keys)->not_understood, 1);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_unclaimed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_found, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
