/* SPDX-License-Identifier: Apache-2.0 */
/* What a limit refuses stands in the summary, each in its words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/flights.h"
#include "tests/unit/tap.h"
#include "userspace/handshake/handshake_keys.h"
#include "userspace/handshake/keys.h"
#include "userspace/output/reporter.h"

static struct flights f;
static struct tap t;
static struct keys *keys;

/* The summary, with everything recorded; the caller frees it. */
static char *summary(void)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	assert_int_equal(tap_finish(&t), 0);
	reporter_summary(t.pipeline, out);
	fclose(out);
	tap_close(&t);
	return text;
}

static void assert_says(const char *want)
{
	char *text = summary();

	if (!strstr(text, want))
		fail_msg("\"%s\" is not in: %s", want, text);
	free(text);
}

static void with_keys(const char *text)
{
	keys = keys_new(2);
	assert_non_null(keys);
	keys_add_text(keys, bytes_of((const uint8_t *)text, strlen(text)));
	tap_open(&t);
	pipeline_use_keys(t.pipeline, keys);
}

static void test_nothing(void **state)
{
	char *text;

	(void)state;
	tap_open(&t);
	text = summary();
	assert_null(strstr(text, "limits and oddities"));
	free(text);
}

static void test_connections(void **state)
{
	struct pipeline_limits limits = PIPELINE_LIMITS_DEFAULT;
	unsigned int i;

	(void)state;
	limits.tracker.flows = 4;
	tap_open_limits(&t, &limits);
	for (i = 0; i < 7; i++) {
		t.host[CLIENT].port++;
		t.at[CLIENT] = 0;
		tap_send(&t, CLIENT, buffer_bytes(&f.hello), 1460);
	}
	assert_says("3 connections over the limit");
}

static void test_key_log(void **state)
{
	(void)state;
	with_keys("this is no key log\n");
	assert_says("1 lines of key logs not understood");
	keys_free(keys);
}

/*
 * Only the client's direction, and more of it than is held for a ServerHello: it is given up and counted, never read
 * from its middle; the reason stays what it is without a key log.
 */
static void test_held_for_nothing(void **state)
{
	struct buffer more = { 0 };
	char *text;

	(void)state;
	with_keys("");
	while (more.len < KEYS_HELD_MAX + 4096)
		build_application_data(&more, 1400);
	tap_segment(&t, CLIENT, -1, TCP_SYN, bytes_of(NULL, 0));
	tap_send(&t, CLIENT, buffer_bytes(&f.hello), 1460);
	t.at[SERVER] = (uint32_t)f.server.len;
	tap_send(&t, CLIENT, buffer_bytes(&f.client), 1460);
	tap_send(&t, CLIENT, buffer_bytes(&more), 1000);
	text = summary();
	assert_string_equal(t.log, "server:lost; ");
	assert_non_null(strstr(text, "1 directions with more bytes than are held for a secret"));
	free(text);
	buffer_free(&more);
	keys_free(keys);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_connections),
		cmocka_unit_test(test_key_log),
		cmocka_unit_test(test_held_for_nothing),
	};
	int failed;

	flights_make(&f);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	flights_free(&f);
	return failed;
}
