/* SPDX-License-Identifier: Apache-2.0 */
/* Connections that want to mislead: forged segments, limits that are nearly full, broken Certificates. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/flights.h"
#include "tests/unit/tap.h"

static struct flights f;
static struct tap t;

static void expect(const char *want)
{
	size_t held = tap_finish(&t);

	assert_string_equal(t.log, want);
	assert_int_equal(held, 0);
	tap_close(&t);
}

static void rest(void)
{
	tap_send(&t, SERVER, buffer_bytes(&f.server), 1460);
	tap_send(&t, CLIENT, buffer_bytes(&f.client), 1460);
	tap_send(&t, SERVER, buffer_bytes(&f.finish), 1460);
}

/*
 * A client's side that was over inside a record, then another ClientHello that begins in a tiny segment: it is
 * read from its own beginning, not as the rest of that record.
 */
static void test_second_in_tiny_segments(void **state)
{
	size_t first;

	(void)state;
	for (first = 1; first <= 60; first++) {
		tap_open(&t);
		tap_syn(&t);
		tap_send(&t, CLIENT, buffer_bytes(&f.hello), 1460);
		tap_send(&t, SERVER, buffer_bytes(&f.server), 1460);
		tap_send(&t, CLIENT, buffer_bytes(&f.client), 1460);
		tap_send(&t, CLIENT, bytes_of(f.hello13.data, first), 1460);
		tap_send(&t, CLIENT, bytes_of(f.hello13.data + first, f.hello13.len - first), 1460);
		tap_send(&t, SERVER, buffer_bytes(&f.server13), 1460);
		expect("server:chain 2; server:encrypted; ");
	}
}

/* A hello that nobody answers, some way ahead of the true one. */
static void test_forged_hello_ahead(void **state)
{
	static const uint32_t steps[] = { 1, 600, 5000, 500000, 5000000, 0x3fffffff };
	size_t i, k;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(steps); i++) {
		for (k = 0; k < ARRAY_SIZE(steps); k++) {
			tap_open(&t);
			tap_syn(&t);
			t.at[SERVER] = steps[k];
			tap_segment(&t, CLIENT, steps[i], TCP_ACK, buffer_bytes(&f.hello13));
			t.at[SERVER] = 0;
			tap_send(&t, CLIENT, buffer_bytes(&f.hello), 1460);
			rest();
			tap_fin(&t);
			assert_int_equal(tap_finish(&t), 0);
			assert_non_null(strstr(t.log, "server:chain 2; "));
			tap_close(&t);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_second_in_tiny_segments),
		cmocka_unit_test(test_forged_hello_ahead),
	};
	int failed;

	flights_make(&f);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	flights_free(&f);
	return failed;
}
