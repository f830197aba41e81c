/* SPDX-License-Identifier: Apache-2.0 */
/* Every kind of handshake and every reason, and the limits. */
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

/* A client that asks and a server that answers with these bytes. */
static void exchange(struct bytes hello, struct bytes answer, size_t most)
{
	tap_syn(&t);
	tap_send(&t, CLIENT, hello, most);
	tap_send(&t, SERVER, answer, most);
}

static void test_tls13(void **state)
{
	static const size_t sizes[] = { 1460, 1 };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		tap_open(&t);
		exchange(buffer_bytes(&f.hello13), buffer_bytes(&f.server13), sizes[i]);
		assert_string_equal(t.log, "server:encrypted; ");
		assert_int_equal(t.last.version, TLS_1_3);
		expect("server:encrypted; ");
	}
}

/* A client that will not go on: in the place of its Finished a record as short as an alert. */
static void test_tls13_refused(void **state)
{
	static const struct { size_t len; bool refused; } cases[] = {
		{ 2 + 1 + 16, true }, { 2 + 1 + 16 + 1, false }, { 4 + 32 + 1 + 16, false }, { 11, false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct buffer end = { 0 };

		build_change_cipher_spec(&end);
		build_application_data(&end, cases[i].len);
		tap_open(&t);
		exchange(buffer_bytes(&f.hello13), buffer_bytes(&f.server13), 1460);
		tap_send(&t, CLIENT, buffer_bytes(&end), 1460);
		assert_int_equal(t.row->num_alerts, cases[i].refused ? 1 : 0);
		if (cases[i].refused) {
			assert_true(t.row->alerts[0].alert.hidden);
			assert_true(ledger_row_refused(t.row, &t.row->alerts[0].alert));
		}
		expect(cases[i].refused ? "server:encrypted; alert 0 by client; " : "server:encrypted; ");
		buffer_free(&end);
	}
}

static void test_tls13_psk(void **state)
{
	struct buffer answer = { 0 };

	(void)state;
	flights_hello(&answer, TLS_SERVER_HELLO, &(struct hello_build){ .supported = TLS_1_3, .psk = true });
	build_application_data(&answer, 80);
	tap_open(&t);
	exchange(buffer_bytes(&f.hello13), buffer_bytes(&answer), 1460);
	expect("server:resumed; ");
	buffer_free(&answer);
}

/* A key that both sides were given, and a ticket's, by their ages; without the ClientHello nobody can tell. */
static void test_tls13_external_psk(void **state)
{
	static const struct {
		uint16_t chosen;
		bool hello;
		const char *log;
	} cases[] = {
		{ 0, true, "server:resumed; " },
		{ 1, true, "server:psk; " },
		{ 2, true, "server:resumed; " },          /* none was offered with that number */
		{ 40000, true, "server:resumed; " },
		{ 1, false, "server:resumed; " },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct buffer hello = { 0 }, answer = { 0 };

		flights_hello(&hello, TLS_CLIENT_HELLO, &(struct hello_build){
			.supported = TLS_1_3, .psk = true,
			.psk_offered = TEXT("\0\x12\0\x03one\1\0\0\0\0\x03two\0\0\0\0") });
		flights_hello(&answer, TLS_SERVER_HELLO, &(struct hello_build){
			.supported = TLS_1_3, .psk = true, .psk_number = cases[i].chosen });
		build_application_data(&answer, 80);
		tap_open(&t);
		exchange(cases[i].hello ? buffer_bytes(&hello) : bytes_of(NULL, 0), buffer_bytes(&answer), 1460);
		expect(cases[i].log);
		buffer_free(&hello);
		buffer_free(&answer);
	}
}

/* HelloRetryRequest: two hellos of each side with dummies between, and one sighting. */
static void test_hello_retry(void **state)
{
	struct buffer retry = { 0 }, again = { 0 };

	(void)state;
	flights_hello(&retry, TLS_SERVER_HELLO, &(struct hello_build){ .supported = TLS_1_3, .retry = true });
	build_change_cipher_spec(&retry);
	build_change_cipher_spec(&again);
	buffer_add_bytes(&again, buffer_bytes(&f.hello13));
	tap_open(&t);
	exchange(buffer_bytes(&f.hello13), buffer_bytes(&retry), 1460);
	assert_string_equal(t.log, "");
	tap_send(&t, CLIENT, buffer_bytes(&again), 1460);
	tap_send(&t, SERVER, buffer_bytes(&f.server13), 1460);
	expect("server:encrypted; ");
	buffer_free(&retry);
	buffer_free(&again);
}

static void test_resumed(void **state)
{
	const struct hello_build hello = { .session_id = TEXT("session-0123456789") };
	struct buffer ask = { 0 }, answer = { 0 };

	(void)state;
	flights_hello(&ask, TLS_CLIENT_HELLO, &hello);
	flights_hello(&answer, TLS_SERVER_HELLO, &hello);
	buffer_add_bytes(&answer, buffer_bytes(&f.finish));
	tap_open(&t);
	exchange(buffer_bytes(&ask), buffer_bytes(&answer), 1460);
	tap_send(&t, CLIENT, buffer_bytes(&f.finish), 1460);
	assert_true(t.last.resumed && t.last.established);
	expect("server:resumed; ");
	buffer_free(&ask);
	buffer_free(&answer);
}

/* Suites without a certificate: the flight goes from ServerHello to ServerHelloDone. */
static void test_no_certificate(void **state)
{
	static const struct { uint16_t cipher; const char *want; } cases[] = {
		{ 0x0034, "server:anonymous; " },     /* TLS_DH_anon_WITH_AES_128_CBC_SHA */
		{ 0x008c, "server:psk; " },           /* TLS_PSK_WITH_AES_128_CBC_SHA */
		{ 0xc01d, "server:psk; " },           /* TLS_SRP_SHA_WITH_AES_128_CBC_SHA */
		{ 0xc02f, "server:malformed; " },     /* one that needs a certificate */
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct buffer answer = { 0 };

		flights_hello(&answer, TLS_SERVER_HELLO, &(struct hello_build){ .cipher = cases[i].cipher });
		build_handshake(&answer, TLS_SERVER_KEY_EXCHANGE, TEXT("key"));
		build_handshake(&answer, TLS_SERVER_HELLO_DONE, TEXT(""));
		tap_open(&t);
		exchange(buffer_bytes(&f.hello), buffer_bytes(&answer), 1460);
		expect(cases[i].want);
		buffer_free(&answer);
	}
}

static void test_raw_public_key(void **state)
{
	struct buffer answer = { 0 };

	(void)state;
	flights_hello(&answer, TLS_SERVER_HELLO, &(struct hello_build){ .certificate_type = 2 });
	build_handshake(&answer, TLS_CERTIFICATE, TEXT("\0\0\x04\x30\x02\x05\0"));
	tap_open(&t);
	exchange(buffer_bytes(&f.hello), buffer_bytes(&answer), 1460);
	expect("server:raw-public-key; ");
	buffer_free(&answer);
}

/* The client presents a chain too. */
static void test_client_certificate(void **state)
{
	struct buffer flight = { 0 };

	(void)state;
	flights_certificate(&flight, f.ders, 1);
	buffer_add_bytes(&flight, buffer_bytes(&f.client));
	tap_open(&t);
	exchange(buffer_bytes(&f.hello), buffer_bytes(&f.server), 1460);
	tap_send(&t, CLIENT, buffer_bytes(&flight), 1460);
	tap_send(&t, SERVER, buffer_bytes(&f.finish), 1460);
	expect("server:chain 2; client:chain 1; ");
	/* It may have none. */
	buffer_clear(&flight);
	build_handshake(&flight, TLS_CERTIFICATE, TEXT("\0\0\0"));
	buffer_add_bytes(&flight, buffer_bytes(&f.client));
	tap_open(&t);
	exchange(buffer_bytes(&f.hello), buffer_bytes(&f.server), 1460);
	tap_send(&t, CLIENT, buffer_bytes(&flight), 1460);
	tap_send(&t, SERVER, buffer_bytes(&f.finish), 1460);
	expect("server:chain 2; ");
	buffer_free(&flight);
}

static void test_alerts(void **state)
{
	struct buffer refusal = { 0 }, failure = { 0 };

	(void)state;
	build_alert(&refusal, 2, 45);
	build_alert(&failure, 2, 40);
	/* The client refuses the chain. */
	tap_open(&t);
	exchange(buffer_bytes(&f.hello), buffer_bytes(&f.server), 1460);
	tap_send(&t, CLIENT, buffer_bytes(&refusal), 1460);
	tap_fin(&t);
	expect("server:chain 2; alert 45 by client; ");
	/* The server has no answer but an alert. */
	tap_open(&t);
	exchange(buffer_bytes(&f.hello), buffer_bytes(&failure), 1460);
	tap_fin(&t);
	tap_finish(&t);
	assert_string_equal(t.log, "server:unfinished; ");
	assert_true(t.last.alert.seen);
	assert_int_equal(t.last.alert.description, 40);
	assert_int_equal(t.last.alert.sender, ROLE_SERVER);
	tap_close(&t);
	/* An alert alone is no sighting. */
	tap_open(&t);
	tap_send(&t, SERVER, buffer_bytes(&failure), 1460);
	expect("");
	buffer_free(&refusal);
	buffer_free(&failure);
}

static void test_malformed(void **state)
{
	struct buffer answer = { 0 };

	(void)state;
	/* After the ServerHello come bytes that are not TLS. */
	flights_hello(&answer, TLS_SERVER_HELLO, &(struct hello_build){ 0 });
	buffer_add_bytes(&answer, TEXT("this is no record at all"));
	tap_open(&t);
	exchange(buffer_bytes(&f.hello), buffer_bytes(&answer), 1460);
	tap_fin(&t);
	expect("server:malformed; ");
	/* An empty Certificate from a server. */
	buffer_clear(&answer);
	flights_hello(&answer, TLS_SERVER_HELLO, &(struct hello_build){ 0 });
	build_handshake(&answer, TLS_CERTIFICATE, TEXT("\0\0\0"));
	build_handshake(&answer, TLS_SERVER_HELLO_DONE, TEXT(""));
	tap_open(&t);
	exchange(buffer_bytes(&f.hello), buffer_bytes(&answer), 1460);
	tap_fin(&t);
	expect("server:malformed; ");
	buffer_free(&answer);
}

static void test_midstream(void **state)
{
	struct buffer data = { 0 };

	(void)state;
	build_application_data(&data, 300);
	build_application_data(&data, 300);
	tap_open(&t);
	tap_send(&t, SERVER, buffer_bytes(&data), 1460);
	tap_send(&t, CLIENT, buffer_bytes(&data), 1460);
	tap_send(&t, SERVER, buffer_bytes(&data), 1460);
	expect("server:midstream; ");
	/* With a SYN it cannot be the middle: it is something else that looks like it. */
	tap_open(&t);
	exchange(buffer_bytes(&data), buffer_bytes(&data), 1460);
	expect("");
	buffer_free(&data);
}

/* A Certificate over the message limit: the chain is known all the same. */
static void test_over_message_limit(void **state)
{
	struct pipeline_limits limits = PIPELINE_LIMITS_DEFAULT;
	size_t most;

	(void)state;
	limits.tracker.message = 300;
	for (most = 1; most < 2000; most = most * 3 + 1) {
		tap_open_limits(&t, &limits);
		exchange(buffer_bytes(&f.hello), buffer_bytes(&f.server), most);
		tap_send(&t, CLIENT, buffer_bytes(&f.client), most);
		tap_send(&t, SERVER, buffer_bytes(&f.finish), most);
		expect("server:chain 2; ");
	}
}

/* No memory to gather a message in pieces: said, not passed over in silence. */
static void test_memory_limit(void **state)
{
	struct pipeline_limits limits = PIPELINE_LIMITS_DEFAULT;
	uint64_t peak;

	(void)state;
	limits.tracker.memory = 100;
	tap_open_limits(&t, &limits);
	exchange(buffer_bytes(&f.hello), buffer_bytes(&f.server), 100);
	peak = pipeline_tracker(t.pipeline)->memory.peak;
	assert_true(peak <= 100);
	assert_true(pipeline_tracker(t.pipeline)->memory.refused > 0);
	expect("server:oversize; ");
}

/* Thousands of connections in a table of eight: each is closed with a reason, nothing is held. */
static void test_few_flows(void **state)
{
	struct pipeline_limits limits = PIPELINE_LIMITS_DEFAULT;
	const struct ledger_counters *counters;
	unsigned int i;

	(void)state;
	limits.tracker.flows = 8;
	tap_open_limits(&t, &limits);
	for (i = 0; i < 5000; i++) {
		t.host[CLIENT].port = (uint16_t)(1024 + i);
		t.at[CLIENT] = t.at[SERVER] = 0;
		tap_segment(&t, CLIENT, 0, TCP_ACK, buffer_bytes(&f.hello));
		/* Held behind a gap: memory that an eviction must give back. */
		tap_segment(&t, SERVER, 500, TCP_ACK, bytes_of(f.server.data + 500, f.server.len - 500));
		t.log[0] = '\0';
	}
	assert_int_equal(flow_table_counters(pipeline_tracker(t.pipeline)->flows)->live, 8);
	assert_int_equal(tap_finish(&t), 0);
	counters = ledger_counters(pipeline_ledger(t.pipeline));
	assert_int_equal(counters->sightings, 5000);
	assert_int_equal(t.closed, 5000);
	tap_close(&t);
}

/* A connection that goes quiet is closed by the clock of the packets, and by a tick. */
static void test_idle(void **state)
{
	(void)state;
	tap_open(&t);
	tap_syn(&t);
	tap_send(&t, CLIENT, buffer_bytes(&f.hello), 1460);
	pipeline_tick(t.pipeline, t.time_ns + 30 * 1000000000ull, 0);
	assert_string_equal(t.log, "");
	pipeline_tick(t.pipeline, t.time_ns + 90 * 1000000000ull, 0);
	assert_string_equal(t.log, "server:unfinished; ");
	expect("server:unfinished; ");
}

/* Frames: the same connection through the link layer. */
static void test_frames(void **state)
{
	uint8_t frame[14 + 20 + 20 + 600] = {
		[12] = 8, [14] = 0x45, [23] = 6, [26] = 10, [29] = 1, [30] = 10, [33] = 2,
		[34] = 0x9c, [35] = 0x40, [36] = 0x26, [37] = 0x50, [46] = 0x50, [47] = 0x10,
	};
	struct frame in = { .link = 1, .time_ns = 1700000000000000000u, .number = 1 };
	size_t len = 54 + f.hello.len;

	(void)state;
	assert_true(len <= sizeof(frame));
	memcpy(frame + 54, f.hello.data, f.hello.len);
	frame[16] = (uint8_t)((len - 14) >> 8);
	frame[17] = (uint8_t)(len - 14);
	in.data = bytes_of(frame, len);
	in.wire_len = (uint32_t)len;
	tap_open(&t);
	pipeline_frame(t.pipeline, &in);
	in.link = 9999;
	pipeline_frame(t.pipeline, &in);
	assert_int_equal(pipeline_counters(t.pipeline)->frames, 2);
	assert_int_equal(pipeline_counters(t.pipeline)->tcp, 1);
	assert_int_equal(pipeline_counters(t.pipeline)->unknown_link, 1);
	tap_finish(&t);
	assert_string_equal(t.log, "server:unfinished; ");
	assert_int_equal(t.last.server.port, 9808);
	assert_int_equal(t.last.client.port, 40000);
	tap_close(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tls13),
		cmocka_unit_test(test_tls13_refused),
		cmocka_unit_test(test_tls13_psk),
		cmocka_unit_test(test_tls13_external_psk),
		cmocka_unit_test(test_hello_retry),
		cmocka_unit_test(test_resumed),
		cmocka_unit_test(test_no_certificate),
		cmocka_unit_test(test_raw_public_key),
		cmocka_unit_test(test_client_certificate),
		cmocka_unit_test(test_alerts),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_midstream),
		cmocka_unit_test(test_over_message_limit),
		cmocka_unit_test(test_memory_limit),
		cmocka_unit_test(test_few_flows),
		cmocka_unit_test(test_idle),
		cmocka_unit_test(test_frames),
	};
	int failed;

	flights_make(&f);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	flights_free(&f);
	return failed;
}
