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

/* SYNs of other numbers between the true one and its data hide nothing, and change nothing. */
static void test_forged_syn(void **state)
{
	static const int32_t steps[] = { 5000, -5000, 70000, 2000000, -2000000, 0x7fffffff };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(steps); i++) {
		tap_open(&t);
		tap_syn(&t);
		t.isn[CLIENT] += (uint32_t)steps[i];
		tap_segment(&t, CLIENT, -1, TCP_SYN, bytes_of(NULL, 0));
		t.isn[CLIENT] -= (uint32_t)steps[i];
		tap_send(&t, CLIENT, buffer_bytes(&f.hello), 1460);
		rest();
		assert_string_equal(t.name, "pool.example");
		assert_true(t.last.established);
		expect("server:chain 2; ");
	}
}

/* FIN and RST of nobody do not end what goes on. */
static void test_forged_end(void **state)
{
	(void)state;
	tap_open(&t);
	tap_syn(&t);
	tap_segment(&t, CLIENT, 77777, TCP_RST, bytes_of(NULL, 0));
	tap_segment(&t, SERVER, 0, TCP_FIN | TCP_ACK, bytes_of(NULL, 0));
	tap_segment(&t, CLIENT, 0, TCP_FIN | TCP_ACK, bytes_of(NULL, 0));
	tap_send(&t, CLIENT, buffer_bytes(&f.hello), 1460);
	rest();
	expect("server:chain 2; ");
}

/* Only what the client sent was captured. */
static void test_client_half(void **state)
{
	(void)state;
	tap_open(&t);
	tap_segment(&t, CLIENT, -1, TCP_SYN, bytes_of(NULL, 0));
	tap_send(&t, CLIENT, buffer_bytes(&f.hello), 1460);
	t.at[SERVER] = (uint32_t)f.server.len;
	tap_send(&t, CLIENT, buffer_bytes(&f.client), 1460);
	tap_segment(&t, CLIENT, t.at[CLIENT], TCP_FIN | TCP_ACK, bytes_of(NULL, 0));
	expect("server:lost; ");
}

/* Early data before the second hello: one handshake, not two. */
static void test_early_data_and_retry(void **state)
{
	struct buffer retry = { 0 }, hello = { 0 };

	(void)state;
	flights_hello(&retry, TLS_SERVER_HELLO, &(struct hello_build){ .supported = TLS_1_3, .retry = true });
	buffer_add_bytes(&hello, buffer_bytes(&f.hello13));
	build_change_cipher_spec(&hello);
	build_application_data(&hello, 200);
	tap_open(&t);
	tap_syn(&t);
	tap_send(&t, CLIENT, buffer_bytes(&hello), 1460);
	tap_send(&t, SERVER, buffer_bytes(&retry), 1460);
	tap_send(&t, CLIENT, buffer_bytes(&f.hello13), 1460);
	tap_send(&t, SERVER, buffer_bytes(&f.server13), 1460);
	expect("server:encrypted; ");
	buffer_free(&retry);
	buffer_free(&hello);
}

/* A loss inside the Certificate, behind the leaf: the leaf was seen, and is kept beside the reason. */
static void test_lost_behind_leaf(void **state)
{
	size_t leaf = f.certificate_at + 5 + 4 + 3 + 3 + f.ders[0].len;

	(void)state;
	tap_open(&t);
	tap_syn(&t);
	tap_send(&t, CLIENT, buffer_bytes(&f.hello), 1460);
	tap_segment(&t, SERVER, 0, TCP_ACK, bytes_of(f.server.data, leaf + 10));
	tap_segment(&t, SERVER, (int64_t)leaf + 60, TCP_ACK,
		    bytes_of(f.server.data + leaf + 60, f.server.len - leaf - 60));
	t.at[SERVER] = (uint32_t)f.server.len;
	tap_send(&t, CLIENT, buffer_bytes(&f.client), 1460);
	tap_send(&t, SERVER, buffer_bytes(&f.finish), 1460);
	tap_fin(&t);
	expect("server:lost with a part; ");
}

/* With a limit that a segment only partly fits, no byte that was in order may vanish. */
static void test_partly_full(void **state)
{
	struct pipeline_limits limits = PIPELINE_LIMITS_DEFAULT;
	size_t cert = f.certificate_at;

	(void)state;
	limits.tracker.stream = (struct stream_limits){ .held = 120, .ranges = 8 };
	tap_open_limits(&t, &limits);
	tap_syn(&t);
	tap_send(&t, CLIENT, buffer_bytes(&f.hello), 1460);
	/* Held: 60 bytes beyond byte 1, and 20 further on; then a segment over all of it. */
	tap_segment(&t, SERVER, (int64_t)cert + 60, TCP_ACK, bytes_of(f.server.data + cert + 60, 40));
	tap_segment(&t, SERVER, (int64_t)cert + 400, TCP_ACK, bytes_of(f.server.data + cert + 400, 40));
	tap_segment(&t, SERVER, (int64_t)cert, TCP_ACK, bytes_of(f.server.data + cert, f.server.len - cert));
	t.at[SERVER] = (uint32_t)f.server.len;
	tap_send(&t, CLIENT, buffer_bytes(&f.client), 1460);
	tap_send(&t, SERVER, buffer_bytes(&f.finish), 1460);
	tap_fin(&t);
	expect("server:chain 2; ");
}

/* A Certificate over the limit that is lost in its middle, then another one: the second alone is a chain. */
static void test_second_after_loss(void **state)
{
	struct pipeline_limits limits = PIPELINE_LIMITS_DEFAULT;
	struct bytes other[] = { f.ders[1] };
	struct buffer second = { 0 };

	(void)state;
	limits.tracker.message = 100;
	flights_certificate(&second, other, 1);
	tap_open_limits(&t, &limits);
	tap_syn(&t);
	tap_send(&t, CLIENT, buffer_bytes(&f.hello), 1460);
	tap_send(&t, SERVER, bytes_of(f.server.data, f.certificate_at + 200), 150);
	t.at[SERVER] += 5000;
	tap_send(&t, SERVER, buffer_bytes(&second), 150);
	t.at[SERVER] += 5000;
	tap_fin(&t);
	tap_finish(&t);
	assert_string_equal(t.log, "server:chain 1; ");
	assert_memory_equal(t.last.chain[ROLE_SERVER]->certificates[0]->der, f.ders[1].data, 100);
	tap_close(&t);
	buffer_free(&second);
}

/* A row recorded after both sides went over to encryption counts as established too. */
static void test_established_late(void **state)
{
	const struct ledger_row **rows;
	size_t num;

	(void)state;
	tap_open(&t);
	tap_syn(&t);
	tap_send(&t, CLIENT, buffer_bytes(&f.hello), 1460);
	tap_segment(&t, SERVER, 0, TCP_ACK, bytes_of(f.server.data, f.certificate_at));
	t.at[SERVER] = (uint32_t)f.server.len;
	tap_segment(&t, SERVER, (int64_t)f.certificate_end, TCP_ACK,
		    bytes_of(f.server.data + f.certificate_end, f.server.len - f.certificate_end));
	tap_send(&t, CLIENT, buffer_bytes(&f.client), 1460);
	tap_send(&t, SERVER, buffer_bytes(&f.finish), 1460);
	tap_fin(&t);
	tap_finish(&t);
	assert_string_equal(t.log, "server:lost; ");
	if (t.last.established) {
		rows = ledger_rows(pipeline_ledger(t.pipeline), &num);
		assert_int_equal(num, 1);
		assert_int_equal(rows[0]->established, 1);
		free(rows);
	}
	tap_close(&t);
}

/* Time stamps that jump back and forth must not cost a look at every flow for each packet. */
static void test_jumping_clock(void **state)
{
	uint64_t start = 1700000000000000000u;
	unsigned int i;

	(void)state;
	tap_open(&t);
	for (i = 0; i < 200000; i++) {
		t.host[CLIENT].port = (uint16_t)i;
		t.host[CLIENT].address.octets[14] = (uint8_t)(i >> 16);
		t.time_ns = start + (i & 1 ? 0 : 100000000000ull);
		tap_segment(&t, CLIENT, 0, TCP_ACK, TEXT("x"));
	}
	expect("");
}

static void test_tiny_glance(void **state)
{
	size_t len;

	(void)state;
	for (len = 1; len < 12; len++) {
		tap_open(&t);
		tap_syn(&t);
		tap_send(&t, CLIENT, buffer_bytes(&f.hello), 1460);
		rest();
		/* A second handshake in the same connection, begun in a tiny segment. */
		tap_send(&t, CLIENT, bytes_of(f.hello.data, len), 1460);
		tap_send(&t, CLIENT, bytes_of(f.hello.data + len, f.hello.len - len), 1460);
		rest();
		expect("server:chain 2; server:chain 2; ");
	}
}

/*
 * Certificate messages are compared in flight with those that are known. One that differs in a single byte, wherever
 * that lies and however it is cut, is another chain, with its own bytes.
 */
static void test_nearly_known(void **state)
{
	size_t body = f.certificate_at + 5 + 4, at, step;
	const struct chain *chain;
	struct buffer server = { 0 };

	(void)state;
	for (at = 6; at < 6 + f.ders[0].len; at += 13) {
		for (step = 1; step < 2000; step = step * 7 + 3) {
			tap_open(&t);
			tap_syn(&t);
			tap_send(&t, CLIENT, buffer_bytes(&f.hello), 1460);
			rest();
			t.isn[CLIENT] += 5000000;
			t.at[CLIENT] = t.at[SERVER] = 0;
			buffer_clear(&server);
			buffer_add_bytes(&server, buffer_bytes(&f.server));
			server.data[body + at] ^= 1;
			tap_syn(&t);
			tap_send(&t, CLIENT, buffer_bytes(&f.hello), 1460);
			tap_send(&t, SERVER, buffer_bytes(&server), step);
			chain = t.last.chain[ROLE_SERVER];
			assert_non_null(chain);
			assert_int_equal(chain->id, 2);
			assert_memory_equal(chain->certificates[0]->der, server.data + body + 6, f.ders[0].len);
			assert_memory_equal(chain->certificates[1]->der, f.ders[1].data, f.ders[1].len);
			expect("server:chain 2; server:chain 2; ");
		}
	}
	buffer_free(&server);
}

/* A known message that breaks off: its whole entries are kept like those of one that is not known. */
static void test_known_breaks_off(void **state)
{
	size_t leaf = f.certificate_at + 5 + 4 + 3 + 3 + f.ders[0].len;

	(void)state;
	tap_open(&t);
	tap_syn(&t);
	tap_send(&t, CLIENT, buffer_bytes(&f.hello), 1460);
	rest();
	t.isn[CLIENT] += 5000000;
	t.at[CLIENT] = t.at[SERVER] = 0;
	tap_syn(&t);
	tap_send(&t, CLIENT, buffer_bytes(&f.hello), 1460);
	tap_send(&t, SERVER, bytes_of(f.server.data, leaf + 10), 100);
	tap_fin(&t);
	expect("server:chain 2; server:unfinished with a part; ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forged_syn),
		cmocka_unit_test(test_forged_end),
		cmocka_unit_test(test_client_half),
		cmocka_unit_test(test_early_data_and_retry),
		cmocka_unit_test(test_lost_behind_leaf),
		cmocka_unit_test(test_partly_full),
		cmocka_unit_test(test_second_after_loss),
		cmocka_unit_test(test_established_late),
		cmocka_unit_test(test_tiny_glance),
		cmocka_unit_test(test_nearly_known),
		cmocka_unit_test(test_known_breaks_off),
		cmocka_unit_test(test_jumping_clock),
	};
	int failed;

	flights_make(&f);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	flights_free(&f);
	return failed;
}
