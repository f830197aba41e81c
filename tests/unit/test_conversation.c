/* SPDX-License-Identifier: Apache-2.0 */
/* One connection, whole or not: what of it becomes a sighting, and with which reason. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/flights.h"
#include "tests/unit/tap.h"
#include "userspace/ledger/fingerprints.h"

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

static void send_all(size_t most)
{
	tap_send(&t, CLIENT, buffer_bytes(&f.hello), most);
	tap_send(&t, SERVER, buffer_bytes(&f.server), most);
	tap_send(&t, CLIENT, buffer_bytes(&f.client), most);
	tap_send(&t, SERVER, buffer_bytes(&f.finish), most);
}

static void test_whole(void **state)
{
	static const size_t sizes[] = { 65535, 1460, 536, 100, 7, 2, 1 };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		tap_open(&t);
		tap_syn(&t);
		send_all(sizes[i]);
		/* Settled before the connection ends. */
		assert_int_equal(t.closed, 1);
		assert_true(t.last.established);
		assert_false(t.last.roles_guessed);
		assert_int_equal(t.last.version, 0x0303);
		assert_int_equal(t.last.cipher, 0xc02f);
		assert_int_equal(t.last.server.port, 9808);
		assert_string_equal(t.name, "pool.example");
		expect("server:chain 2; ");
	}
}

static void test_no_syn(void **state)
{
	size_t most;

	(void)state;
	for (most = 1; most <= 2000; most = most * 3 + 1) {
		tap_open(&t);
		send_all(most);
		expect("server:chain 2; ");
	}
}

/* Only what the server sent was captured. */
static void test_server_half(void **state)
{
	(void)state;
	tap_open(&t);
	tap_send(&t, SERVER, buffer_bytes(&f.server), 536);
	tap_send(&t, SERVER, buffer_bytes(&f.finish), 536);
	tap_finish(&t);
	assert_string_equal(t.log, "server:chain 2; ");
	assert_int_equal(t.last.server.port, 9808);
	assert_false(t.last.has_hello);
	tap_close(&t);
}

/* Only the server's half from its first data on, which is an alert with the ServerHello behind it. */
static void test_server_half_held(void **state)
{
	struct buffer flight = { 0 }, ticket = { 0 };
	unsigned int hole;

	(void)state;
	build_alert(&flight, 1, 112);
	buffer_add_bytes(&flight, buffer_bytes(&f.server));
	build_handshake(&ticket, TLS_NEW_SESSION_TICKET, bytes_of(f.hello.data, 100));
	for (hole = 0; hole < 2; hole++) {
		tap_open(&t);
		tap_send(&t, SERVER, buffer_bytes(&flight), 536);
		t.at[SERVER] += hole;
		tap_send(&t, SERVER, buffer_bytes(&ticket), 536);
		tap_send(&t, SERVER, buffer_bytes(&f.finish), 536);
		expect("server:chain 2; ");
	}
	buffer_free(&flight);
	buffer_free(&ticket);
}

/* Text is held, and is no TLS: the head behind it is the beginning, weak as it may be. */
static void test_held_in_vain(void **state)
{
	struct buffer data = { 0 };

	(void)state;
	build_application_data(&data, 100);
	build_application_data(&data, 100);
	tap_open(&t);
	tap_send(&t, SERVER, TEXT("the rest of a record"), 7);
	tap_send(&t, SERVER, buffer_bytes(&data), 1460);
	expect("server:midstream; ");
	tap_open(&t);
	tap_send(&t, SERVER, TEXT("220 go ahead\r\n"), 7);
	tap_send(&t, SERVER, buffer_bytes(&f.server), 1460);
	tap_send(&t, SERVER, buffer_bytes(&f.finish), 1460);
	expect("server:chain 2; ");
	buffer_free(&data);
}

/* No SYN, and what the client sends last was captured first: its acknowledgement is behind the server's flight. */
static void test_client_flight_first(void **state)
{
	static const uint8_t orders[][4] = { { 0, 1, 2, 3 }, { 1, 0, 2, 3 }, { 3, 2, 1, 0 } };
	size_t i, k, part = f.server.len / 4 + 1, at, len;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(orders); i++) {
		tap_open(&t);
		t.at[CLIENT] = (uint32_t)f.hello.len;
		t.at[SERVER] = (uint32_t)f.server.len;
		tap_send(&t, CLIENT, buffer_bytes(&f.client), 1460);
		for (k = 0; k < 4; k++) {
			at = orders[i][k] * part;
			len = f.server.len - at < part ? f.server.len - at : part;
			tap_segment(&t, SERVER, (int64_t)at, TCP_ACK, bytes_of(f.server.data + at, len));
		}
		tap_send(&t, SERVER, buffer_bytes(&f.finish), 1460);
		expect("server:chain 2; ");
	}
}

/* The server's segments in each order, without a SYN: begun by the client's acknowledgement. */
static void test_reordered(void **state)
{
	static const uint8_t orders[][4] = { { 1, 0, 2, 3 }, { 3, 2, 1, 0 }, { 2, 3, 0, 1 }, { 0, 2, 1, 3 } };
	size_t i, k, part = f.server.len / 4 + 1, at, len;
	unsigned int syn;

	(void)state;
	for (syn = 0; syn < 2; syn++) {
		for (i = 0; i < ARRAY_SIZE(orders); i++) {
			tap_open(&t);
			if (syn)
				tap_syn(&t);
			tap_send(&t, CLIENT, buffer_bytes(&f.hello), 1460);
			for (k = 0; k < 4; k++) {
				at = orders[i][k] * part;
				len = f.server.len - at < part ? f.server.len - at : part;
				tap_segment(&t, SERVER, (int64_t)at, TCP_ACK, bytes_of(f.server.data + at, len));
			}
			t.at[SERVER] = (uint32_t)f.server.len;
			tap_send(&t, CLIENT, buffer_bytes(&f.client), 1460);
			tap_send(&t, SERVER, buffer_bytes(&f.finish), 1460);
			assert_true(t.last.established);
			expect("server:chain 2; ");
		}
	}
}

/* The server's answer was captured before the question: with the SYN, and where only its acknowledgements tell. */
static void test_answer_first(void **state)
{
	unsigned int syn;

	(void)state;
	for (syn = 0; syn < 2; syn++) {
		tap_open(&t);
		if (syn)
			tap_syn(&t);
		t.at[CLIENT] = (uint32_t)f.hello.len;
		tap_send(&t, SERVER, buffer_bytes(&f.server), 1460);
		t.at[CLIENT] = 0;
		tap_segment(&t, CLIENT, 0, TCP_ACK, buffer_bytes(&f.hello));
		t.at[CLIENT] = (uint32_t)f.hello.len;
		tap_send(&t, CLIENT, buffer_bytes(&f.client), 1460);
		tap_send(&t, SERVER, buffer_bytes(&f.finish), 1460);
		assert_true(t.last.has_hello);
		assert_non_null(t.last.client_print);
		assert_string_equal(t.row->ja3, t.last.client_print->ja3);
		assert_string_equal(t.row->ja4, t.last.client_print->ja4);
		expect("server:chain 2; ");
	}
}

/* Sends the server's flight without [from, to); everything after it comes. */
static void without(size_t from, size_t to)
{
	tap_open(&t);
	tap_syn(&t);
	tap_send(&t, CLIENT, buffer_bytes(&f.hello), 1460);
	tap_segment(&t, SERVER, 0, TCP_ACK, bytes_of(f.server.data, from));
	tap_segment(&t, SERVER, (int64_t)to, TCP_ACK, bytes_of(f.server.data + to, f.server.len - to));
	t.at[SERVER] = (uint32_t)f.server.len;
	tap_send(&t, CLIENT, buffer_bytes(&f.client), 1460);
	tap_send(&t, SERVER, buffer_bytes(&f.finish), 1460);
	tap_fin(&t);
}

/* The ServerHello is lost, but the Certificate's record behind it is whole. */
static void test_lost_first(void **state)
{
	(void)state;
	without(0, f.certificate_at);
	expect("server:chain 2; ");
	without(40, f.certificate_at);
	expect("server:chain 2; ");
	without(40, f.certificate_at + 1);
	tap_finish(&t);
	assert_string_equal(t.log, "server:lost; ");
	assert_int_equal(t.last.lost_from, 40);
	assert_int_equal(t.last.lost_to, f.certificate_at + 1);
	tap_close(&t);
}

static void test_lost_behind(void **state)
{
	(void)state;
	/* The chain was whole before the loss. */
	without(f.certificate_end, f.certificate_end + 100);
	expect("server:chain 2; ");
}

/* The connection breaks off inside the Certificate: what is whole of it is kept beside the reason. */
static void test_breaks_off(void **state)
{
	size_t leaf = f.certificate_at + 5 + 4 + 3 + 3 + f.ders[0].len;

	(void)state;
	tap_open(&t);
	tap_syn(&t);
	tap_send(&t, CLIENT, buffer_bytes(&f.hello), 1460);
	tap_send(&t, SERVER, bytes_of(f.server.data, leaf - 1), 1460);
	tap_fin(&t);
	expect("server:unfinished; ");
	tap_open(&t);
	tap_syn(&t);
	tap_send(&t, CLIENT, buffer_bytes(&f.hello), 1460);
	tap_send(&t, SERVER, bytes_of(f.server.data, leaf + 10), 1460);
	tap_fin(&t);
	expect("server:unfinished with a part; ");
}

static void test_never_answered(void **state)
{
	(void)state;
	tap_open(&t);
	tap_syn(&t);
	tap_send(&t, CLIENT, buffer_bytes(&f.hello), 1460);
	tap_fin(&t);
	expect("server:unfinished; ");
	/* A SYN and nothing else is no sighting. */
	tap_open(&t);
	tap_syn(&t);
	tap_fin(&t);
	expect("");
}

/* Retransmissions, whole and shifted, before and after the end of the handshake. */
static void test_retransmitted(void **state)
{
	unsigned int i;

	(void)state;
	tap_open(&t);
	tap_syn(&t);
	for (i = 0; i < 3; i++)
		tap_segment(&t, CLIENT, 0, TCP_ACK, buffer_bytes(&f.hello));
	t.at[CLIENT] = (uint32_t)f.hello.len;
	for (i = 0; i < 3; i++)
		tap_segment(&t, SERVER, 0, TCP_ACK, bytes_of(f.server.data, 100 + 50 * i));
	tap_segment(&t, SERVER, 50, TCP_ACK, bytes_of(f.server.data + 50, f.server.len - 50));
	t.at[SERVER] = (uint32_t)f.server.len;
	tap_send(&t, CLIENT, buffer_bytes(&f.client), 1460);
	tap_send(&t, SERVER, buffer_bytes(&f.finish), 1460);
	tap_segment(&t, CLIENT, 0, TCP_ACK, buffer_bytes(&f.hello));
	tap_segment(&t, SERVER, 0, TCP_ACK, buffer_bytes(&f.server));
	expect("server:chain 2; ");
}

/* The same addresses again: with a SYN, and without one far away. */
static void test_reused(void **state)
{
	(void)state;
	tap_open(&t);
	tap_syn(&t);
	send_all(1460);
	t.isn[CLIENT] += 5000000;
	t.isn[SERVER] += 9000000;
	t.at[CLIENT] = t.at[SERVER] = 0;
	tap_syn(&t);
	send_all(1460);
	t.isn[CLIENT] -= 50000000;
	t.isn[SERVER] -= 90000000;
	t.at[CLIENT] = t.at[SERVER] = 0;
	send_all(1460);
	assert_int_equal(t.closed, 3);
	expect("server:chain 2; server:chain 2; server:chain 2; ");
}

/* The first connection did not get far. */
static void test_reused_early(void **state)
{
	(void)state;
	tap_open(&t);
	tap_syn(&t);
	tap_send(&t, CLIENT, buffer_bytes(&f.hello), 1460);
	t.isn[CLIENT] += 5000000;
	t.isn[SERVER] += 9000000;
	t.at[CLIENT] = t.at[SERVER] = 0;
	tap_syn(&t);
	send_all(1460);
	expect("server:unfinished; server:chain 2; ");
	/* The SYN was given up and sent anew. */
	tap_open(&t);
	tap_segment(&t, CLIENT, -1, TCP_SYN, bytes_of(NULL, 0));
	t.isn[CLIENT] += 70000;
	tap_syn(&t);
	send_all(1460);
	expect("server:chain 2; ");
}

/* TLS behind a preamble, in segments of its own and glued to it; both sides speak before. */
static void test_starttls(void **state)
{
	static const size_t sizes[] = { 1460, 60, 13, 1 };
	struct buffer client = { 0 };
	size_t i;

	(void)state;
	buffer_add_bytes(&client, TEXT("EHLO a.example\r\nSTARTTLS\r\n"));
	buffer_add_bytes(&client, buffer_bytes(&f.hello));
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		tap_open(&t);
		tap_syn(&t);
		tap_send(&t, SERVER, TEXT("220 mx.example ESMTP\r\n250 STARTTLS\r\n220 go ahead\r\n"), sizes[i]);
		tap_send(&t, CLIENT, buffer_bytes(&client), sizes[i]);
		tap_send(&t, SERVER, buffer_bytes(&f.server), sizes[i]);
		tap_send(&t, CLIENT, buffer_bytes(&f.client), sizes[i]);
		tap_send(&t, SERVER, buffer_bytes(&f.finish), sizes[i]);
		assert_string_equal(t.name, "pool.example");
		expect("server:chain 2; ");
	}
	buffer_free(&client);
}

/* Text, and noise, are no sighting. */
static void test_not_tls(void **state)
{
	uint8_t noise[3000];
	uint64_t seed = 99;

	(void)state;
	tap_open(&t);
	tap_syn(&t);
	tap_send(&t, CLIENT, TEXT("GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"), 10);
	random_fill(&seed, noise, sizeof(noise));
	tap_send(&t, SERVER, bytes_of(noise, sizeof(noise)), 100);
	tap_fin(&t);
	expect("");
}

/* The source's word that it lost bytes of a direction. */
static void lose(enum tap_side side)
{
	const struct segment s = {
		.src = t.host[side], .dst = t.host[!side], .seq = t.isn[side] + 1 + t.at[side],
		.start_seq = t.isn[side] + 1, .start_known = true, .lost = true, .time_ns = t.time_ns,
	};

	pipeline_segment(t.pipeline, &s);
}

/* All of a handshake is lost: there is nothing to tell, but it is counted, once. */
static void test_lost_whole(void **state)
{
	(void)state;
	tap_open(&t);
	lose(CLIENT);
	lose(SERVER);
	tap_finish(&t);
	assert_string_equal(t.log, "");
	assert_int_equal(pipeline_tracker(t.pipeline)->counters.lost_whole, 1);
	tap_close(&t);
}

/* What the server sent is lost, and what the client sent comes up behind the word of it. */
static void test_lost_before(void **state)
{
	(void)state;
	tap_open(&t);
	lose(SERVER);
	tap_send(&t, CLIENT, buffer_bytes(&f.hello), 1460);
	tap_finish(&t);
	assert_string_equal(t.log, "server:lost; ");
	assert_int_equal(pipeline_tracker(t.pipeline)->counters.lost_whole, 0);
	tap_close(&t);
}

/* From a source that tells where a direction's handshake begins: `start`, counted as `offset` is. */
static void told(enum tap_side side, uint32_t start, uint32_t offset, struct bytes payload)
{
	uint8_t *copy = bytes_copy(payload);
	const struct segment s = {
		.src = t.host[side], .dst = t.host[!side], .seq = t.isn[side] + 1 + offset,
		.start_seq = t.isn[side] + 1 + start, .start_known = true, .payload = bytes_of(copy, payload.len),
		.time_ns = t.time_ns,
	};

	pipeline_segment(t.pipeline, &s);
	free(copy);
}

/* A direction that was opened too early is opened again further on: no other connection. */
static void test_begins_further(void **state)
{
	static const uint32_t starts[] = { 14, 31, 2000 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(starts); i++) {
		tap_open(&t);
		told(SERVER, 0, 0, TEXT("250 STARTTLS\r\n"));
		told(CLIENT, 0, 0, TEXT("STARTTLS\r\n"));
		told(CLIENT, 0, 10, buffer_bytes(&f.hello));
		told(SERVER, starts[i], starts[i], buffer_bytes(&f.server));
		expect("server:chain 2; ");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_no_syn),
		cmocka_unit_test(test_server_half),
		cmocka_unit_test(test_server_half_held),
		cmocka_unit_test(test_held_in_vain),
		cmocka_unit_test(test_client_flight_first),
		cmocka_unit_test(test_reordered),
		cmocka_unit_test(test_answer_first),
		cmocka_unit_test(test_lost_first),
		cmocka_unit_test(test_lost_behind),
		cmocka_unit_test(test_lost_whole),
		cmocka_unit_test(test_lost_before),
		cmocka_unit_test(test_begins_further),
		cmocka_unit_test(test_breaks_off),
		cmocka_unit_test(test_never_answered),
		cmocka_unit_test(test_retransmitted),
		cmocka_unit_test(test_reused),
		cmocka_unit_test(test_reused_early),
		cmocka_unit_test(test_starttls),
		cmocka_unit_test(test_not_tls),
	};
	int failed;

	flights_make(&f);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	flights_free(&f);
	return failed;
}
