/* SPDX-License-Identifier: Apache-2.0 */
/* When the observer is told of a new chain: with what stands beside it, and at once when nothing more comes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/flights.h"
#include "tests/unit/tap.h"
#include "userspace/handshake/handshake_news.h"

#define CHAIN "server:chain 2; "
/* One authority: a name of one attribute, CN=Client. */
#define REQUEST "\1\1\0\2\4\1\0\x15\0\x13\x30\x11\x31\x0f\x30\x0d\6\3\x55\4\3\x0c\6" "Client"

static struct flights f;
static struct tap t;
static struct buffer beside;            /* CertificateStatus, ServerKeyExchange, CertificateRequest */
static struct buffer done;              /* ServerHelloDone */
static struct buffer fatal;             /* the alert certificate_expired */

static int make(void **state)
{
	(void)state;
	flights_make(&f);
	build_handshake(&beside, TLS_CERTIFICATE_STATUS, TEXT("\1\0\0\3abc"));
	build_handshake(&beside, TLS_SERVER_KEY_EXCHANGE, TEXT("exchange"));
	build_handshake(&beside, TLS_CERTIFICATE_REQUEST, TEXT(REQUEST));
	build_handshake(&done, TLS_SERVER_HELLO_DONE, TEXT(""));
	build_alert(&fatal, 2, 45);
	return 0;
}

static int unmake(void **state)
{
	(void)state;
	flights_free(&f);
	buffer_free(&beside);
	buffer_free(&done);
	buffer_free(&fatal);
	return 0;
}

static void assert_log(const char *want)
{
	assert_string_equal(t.log, want);
}

static void end(const char *want)
{
	assert_int_equal(tap_finish(&t), 0);
	assert_log(want);
	tap_close(&t);
}

/* Both hellos and the Certificate: nothing is told yet. */
static void begin(void)
{
	tap_open(&t);
	tap_syn(&t);
	tap_send(&t, CLIENT, buffer_bytes(&f.hello), 1460);
	tap_send(&t, SERVER, bytes_of(f.server.data, f.certificate_end), 1460);
	assert_log("");
}

static void test_with_what_stands_beside(void **state)
{
	(void)state;
	begin();
	tap_send(&t, SERVER, buffer_bytes(&beside), 7);
	assert_log("");
	tap_send(&t, SERVER, buffer_bytes(&done), 1460);
	assert_log(CHAIN);
	assert_true(t.last.stapled && t.last.client_asked);
	assert_true(t.row->stapled && t.row->client_asked);
	assert_non_null(t.row->authorities);
	assert_string_equal(t.row->authorities->names[0], "CN=Client");
	end(CHAIN);
}

/* The next time it is no news: there is nothing to wait for. */
static void test_seen_before(void **state)
{
	(void)state;
	begin();
	tap_send(&t, SERVER, buffer_bytes(&done), 1460);
	t.host[CLIENT].port++;
	t.at[CLIENT] = t.at[SERVER] = 0;
	tap_syn(&t);
	tap_send(&t, CLIENT, buffer_bytes(&f.hello), 1460);
	tap_send(&t, SERVER, bytes_of(f.server.data, f.certificate_end), 1460);
	assert_log(CHAIN CHAIN);
	assert_int_equal(t.row->sightings, 2);
	end(CHAIN CHAIN);
}

static void send_alert(enum tap_side side)
{
	tap_send(&t, side, buffer_bytes(&fatal), 1460);
}

static void test_alerts(void **state)
{
	(void)state;
	begin();
	send_alert(CLIENT);
	assert_log(CHAIN "alert 45 by client; ");
	end(CHAIN "alert 45 by client; ");
	begin();
	tap_send(&t, SERVER, buffer_bytes(&beside), 1460);
	send_alert(SERVER);
	assert_log(CHAIN "alert 45 by server; ");
	assert_true(t.row->stapled && t.row->client_asked);
	end(CHAIN "alert 45 by server; ");
}

static void test_ends(void **state)
{
	static const uint8_t flags[] = { TCP_FIN | TCP_ACK, TCP_RST, TCP_RST | TCP_ACK };
	unsigned int side;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		for (side = 0; side < 2; side++) {
			begin();
			tap_segment(&t, (enum tap_side)side, t.at[side], flags[i], bytes_of(NULL, 0));
			assert_log(CHAIN);
			end(CHAIN);
		}
	}
}

/* The client goes on: what was between was lost, or is not sent by this server. */
static void test_client_goes_on(void **state)
{
	(void)state;
	begin();
	tap_send(&t, CLIENT, buffer_bytes(&f.client), 1460);
	assert_log(CHAIN);
	end(CHAIN);
}

static void test_not_tls_any_more(void **state)
{
	(void)state;
	begin();
	tap_send(&t, SERVER, TEXT("these bytes are no record"), 1460);
	assert_log(CHAIN);
	end(CHAIN);
}

/* Neither end nor message: by the clock, or at the latest when the capture ends. */
static void test_silence(void **state)
{
	(void)state;
	begin();
	pipeline_tick(t.pipeline, t.time_ns, 5 * NEWS_WAIT_NS);
	assert_log(CHAIN);
	end(CHAIN);

	tap_open(&t);
	pipeline_tick(t.pipeline, t.time_ns, 5 * NEWS_WAIT_NS);
	tap_send(&t, CLIENT, buffer_bytes(&f.hello), 1460);
	tap_send(&t, SERVER, bytes_of(f.server.data, f.certificate_end), 1460);
	pipeline_tick(t.pipeline, t.time_ns, 6 * NEWS_WAIT_NS - 1);
	assert_log("");
	tap_send(&t, SERVER, buffer_bytes(&beside), 1460);
	pipeline_tick(t.pipeline, t.time_ns, 6 * NEWS_WAIT_NS);
	assert_log(CHAIN);
	assert_true(t.row->stapled);
	end(CHAIN);

	begin();
	end(CHAIN);
}

/* Several wait at once, and are told in any order. */
static void test_several(void **state)
{
	static const unsigned int order[] = { 1, 3, 0, 2 };
	const uint16_t port = 9808;
	unsigned int i;

	(void)state;
	tap_open(&t);
	for (i = 0; i < 4; i++) {
		t.host[SERVER].port = (uint16_t)(port + i);
		t.at[CLIENT] = t.at[SERVER] = 0;
		tap_send(&t, CLIENT, buffer_bytes(&f.hello), 1460);
		tap_send(&t, SERVER, bytes_of(f.server.data, f.certificate_end), 1460);
	}
	assert_log("");
	for (i = 0; i < 3; i++) {
		t.host[SERVER].port = (uint16_t)(port + order[i]);
		t.at[SERVER] = (uint32_t)f.certificate_end;
		tap_send(&t, SERVER, buffer_bytes(&done), 1460);
		assert_int_equal(t.last.server.port, port + order[i]);
	}
	assert_log(CHAIN CHAIN CHAIN);
	pipeline_tick(t.pipeline, t.time_ns, NEWS_WAIT_NS);
	assert_int_equal(t.last.server.port, port + order[3]);
	end(CHAIN CHAIN CHAIN CHAIN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_with_what_stands_beside),
		cmocka_unit_test(test_seen_before),
		cmocka_unit_test(test_alerts),
		cmocka_unit_test(test_ends),
		cmocka_unit_test(test_client_goes_on),
		cmocka_unit_test(test_not_tls_any_more),
		cmocka_unit_test(test_silence),
		cmocka_unit_test(test_several),
	};

	return cmocka_run_group_tests(tests, make, unmake);
}
