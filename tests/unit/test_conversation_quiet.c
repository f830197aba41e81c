/* SPDX-License-Identifier: Apache-2.0 */
/* A connection that is reset, or that goes quiet: when it is over, and when it is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/flights.h"
#include "tests/unit/tap.h"
#include "userspace/handshake/keys.h"

#define SECOND 1000000000ull
#define FAR (1 << 30)            /* as some stacks' resets are off, and no window is so large */

static struct flights f;
static struct tap t;

/* The end of every test: what was told, and nothing is held. */
static void expect(const char *want)
{
	size_t held = tap_finish(&t);

	assert_string_equal(t.log, want);
	assert_int_equal(held, 0);
	tap_close(&t);
}

static void reset(enum tap_side side, int64_t offset, uint8_t more)
{
	tap_segment(&t, side, offset, TCP_RST | more, bytes_of(NULL, 0));
}

static void quiet(unsigned int seconds)
{
	t.time_ns += seconds * SECOND;
	pipeline_tick(t.pipeline, t.time_ns, 0);
}

static uint32_t flows(void)
{
	return flow_table_counters(pipeline_tracker(t.pipeline)->flows)->live;
}

static void send_rest(void)
{
	tap_send(&t, SERVER, buffer_bytes(&f.server), 1460);
	tap_send(&t, CLIENT, buffer_bytes(&f.client), 1460);
	tap_send(&t, SERVER, buffer_bytes(&f.finish), 1460);
}

/* TIME_WAIT: the SYN is met by an acknowledgement of another connection, and that by a RST; then it comes again. */
static void test_reset_before_retried_syn(void **state)
{
	unsigned int near;

	(void)state;
	for (near = 0; near < 2; near++) {
		tap_open(&t);
		tap_segment(&t, CLIENT, -1, TCP_SYN, bytes_of(NULL, 0));
		reset(CLIENT, near ? 0 : FAR, 0);
		quiet(1);
		tap_syn(&t);
		tap_send(&t, CLIENT, buffer_bytes(&f.hello), 1460);
		quiet(5);
		send_rest();
		assert_string_equal(t.name, "pool.example");
		expect("server:chain 2; ");
	}
}

/* Out of every window: the receiver ignores it. */
static void test_reset_outside(void **state)
{
	static const int64_t offsets[] = { FAR, -FAR, 2 << 20, -(2 << 20), 1u << 31 };
	size_t i;

	(void)state;
	for (i = 0; i < 2 * ARRAY_SIZE(offsets); i++) {
		tap_open(&t);
		tap_syn(&t);
		tap_send(&t, CLIENT, buffer_bytes(&f.hello), 1460);
		reset(i % 2 ? SERVER : CLIENT, offsets[i / 2], 0);
		quiet(5);
		assert_string_equal(t.log, "");
		send_rest();
		expect("server:chain 2; ");
	}
}

/* Where the sender stands, or nearly: the connection is over. */
static void test_reset_counts(void **state)
{
	static const int64_t offsets[] = { 0, 1, 600, -1, 1000000, -1000000 };
	size_t i;

	(void)state;
	for (i = 0; i < 2 * ARRAY_SIZE(offsets); i++) {
		tap_open(&t);
		tap_syn(&t);
		tap_send(&t, CLIENT, buffer_bytes(&f.hello), 1460);
		reset(i % 2 ? SERVER : CLIENT, offsets[i / 2], 0);
		quiet(5);
		assert_int_equal(flows(), 0);
		expect("server:unfinished; ");
	}
}

/* What is sent later says that it was nothing: captured too early, or forged. */
static void test_reset_taken_back(void **state)
{
	(void)state;
	tap_open(&t);
	tap_syn(&t);
	reset(CLIENT, 0, 0);
	tap_send(&t, CLIENT, buffer_bytes(&f.hello), 1460);
	quiet(5);
	send_rest();
	expect("server:chain 2; ");
}

/* A SYN that is refused has no number to be judged by, only what it acknowledges. */
static void test_refused(void **state)
{
	(void)state;
	tap_open(&t);
	tap_segment(&t, CLIENT, -1, TCP_SYN, bytes_of(NULL, 0));
	reset(SERVER, -(int64_t)t.isn[SERVER] - 1, TCP_ACK);
	assert_int_equal(flows(), 1);
	quiet(5);
	assert_int_equal(flows(), 0);
	expect("");

	tap_open(&t);
	tap_segment(&t, CLIENT, -1, TCP_SYN, bytes_of(NULL, 0));
	t.at[CLIENT] = FAR;
	reset(SERVER, -(int64_t)t.isn[SERVER] - 1, TCP_ACK);
	quiet(5);
	assert_int_equal(flows(), 1);
	expect("");
}

/* Only one that counts ends the flight that the news of a chain wait for. */
static void test_reset_and_news(void **state)
{
	(void)state;
	tap_open(&t);
	tap_syn(&t);
	tap_send(&t, CLIENT, buffer_bytes(&f.hello), 1460);
	tap_send(&t, SERVER, bytes_of(f.server.data, f.certificate_end), 1460);
	reset(CLIENT, FAR, 0);
	assert_string_equal(t.log, "");
	reset(CLIENT, t.at[CLIENT], 0);
	assert_string_equal(t.log, "server:chain 2; ");
	expect("server:chain 2; ");
}

/* Keys may come, and none does: the wait ends, and the connection goes on as one whose handshake is known. */
static void test_wait_ends(void **state)
{
	struct keys *keys = keys_new(10);
	struct buffer data = { 0 };

	(void)state;
	assert_non_null(keys);
	build_application_data(&data, 100);
	build_application_data(&data, 100);
	tap_open(&t);
	pipeline_use_keys(t.pipeline, keys);
	tap_syn(&t);
	tap_send(&t, CLIENT, buffer_bytes(&f.hello13), 1460);
	tap_send(&t, SERVER, buffer_bytes(&f.server13), 1460);
	tap_send(&t, CLIENT, buffer_bytes(&data), 1460);
	quiet(9);
	assert_string_equal(t.log, "");
	quiet(3);
	assert_string_equal(t.log, "server:encrypted; ");
	assert_int_equal(pipeline_tracker(t.pipeline)->memory.used, 0);
	assert_int_equal(flows(), 1);
	tap_send(&t, CLIENT, buffer_bytes(&data), 1460);
	tap_send(&t, SERVER, buffer_bytes(&data), 1460);
	tap_fin(&t);
	quiet(3);
	assert_int_equal(flows(), 0);
	expect("server:encrypted; ");
	buffer_free(&data);
	keys_free(keys);
}

static void send_waiting(uint16_t port)
{
	t.host[CLIENT].port = port;
	t.at[CLIENT] = t.at[SERVER] = 0;
	tap_syn(&t);
	tap_send(&t, CLIENT, buffer_bytes(&f.hello13), 1460);
	tap_send(&t, SERVER, buffer_bytes(&f.server13), 1460);
	tap_fin(&t);
}

/* A file may bring its secrets last: the wait has no end but the memory's. */
static void test_wait_for_end(void **state)
{
	struct pipeline_limits limits = PIPELINE_LIMITS_DEFAULT;
	struct keys *keys = keys_new(10);
	uint16_t port = 40000;

	(void)state;
	assert_non_null(keys);
	limits.tracker.memory = 64 << 10;
	tap_open_limits(&t, &limits);
	pipeline_use_keys(t.pipeline, keys);
	pipeline_secrets_at_end(t.pipeline);
	send_waiting(port);
	quiet(1000);
	assert_string_equal(t.log, "");
	while (pipeline_tracker(t.pipeline)->memory.used <= limits.tracker.memory / 2)
		send_waiting(++port);
	assert_string_equal(t.log, "");
	/* Only the first one has waited for long enough. */
	quiet(3);
	assert_string_equal(t.log, "server:encrypted; ");
	while (pipeline_tracker(t.pipeline)->memory.used <= limits.tracker.memory / 2)
		send_waiting(++port);
	quiet(11);
	assert_true(t.closed > 1 && t.closed < port - 40000u);
	assert_true(pipeline_tracker(t.pipeline)->memory.used <= limits.tracker.memory / 2);
	tap_finish(&t);
	assert_int_equal(t.closed, port - 40000 + 1);
	tap_close(&t);
	keys_free(keys);
}

/* Bytes are missing where keys may come and none does: behind the ServerHello they would have been encrypted. */
static void test_wait_with_gap(void **state)
{
	struct bytes flight = buffer_bytes(&f.server13);
	struct keys *keys = keys_new(10);
	size_t from;

	(void)state;
	assert_non_null(keys);
	for (from = 20; from < flight.len; from += flight.len - 220) {
		tap_open(&t);
		pipeline_use_keys(t.pipeline, keys);
		tap_syn(&t);
		tap_send(&t, CLIENT, buffer_bytes(&f.hello13), 1460);
		tap_segment(&t, SERVER, 0, TCP_ACK, bytes_of(flight.data, from));
		tap_segment(&t, SERVER, (int64_t)from + 100, TCP_ACK,
			    bytes_of(flight.data + from + 100, flight.len - from - 100));
		tap_fin(&t);
		expect(from == 20 ? "server:lost; " : "server:encrypted; ");
	}
	keys_free(keys);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reset_before_retried_syn),
		cmocka_unit_test(test_reset_outside),
		cmocka_unit_test(test_reset_counts),
		cmocka_unit_test(test_reset_taken_back),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_reset_and_news),
		cmocka_unit_test(test_wait_ends),
		cmocka_unit_test(test_wait_for_end),
		cmocka_unit_test(test_wait_with_gap),
	};
	int failed;

	flights_make(&f);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	flights_free(&f);
	return failed;
}
