/* SPDX-License-Identifier: Apache-2.0 */
/* A client that ends the connection right behind the server's flight, and what is not to be taken for it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/flights.h"
#include "tests/unit/tap.h"

static struct flights f;
static struct tap t;

static int make(void **state)
{
	(void)state;
	flights_make(&f);
	return 0;
}

static int unmake(void **state)
{
	(void)state;
	flights_free(&f);
	return 0;
}

static void begin(bool tls13)
{
	tap_open(&t);
	tap_syn(&t);
	tap_send(&t, CLIENT, buffer_bytes(tls13 ? &f.hello13 : &f.hello), 1460);
	tap_send(&t, SERVER, buffer_bytes(tls13 ? &f.server13 : &f.server), 1460);
}

static void close_side(enum tap_side side, uint8_t flags, int64_t beyond)
{
	tap_segment(&t, side, t.at[side] + beyond, flags, bytes_of(NULL, 0));
}

static void expect(uint64_t broke_off)
{
	assert_int_equal(t.row->broke_off, broke_off);
	assert_int_equal(strstr(t.log, "broke off; ") != NULL, broke_off);
	tap_finish(&t);
	assert_int_equal(t.row->broke_off, broke_off);
	assert_int_equal(t.last.broke_off, broke_off);
	tap_close(&t);
}

static void test_broke_off(void **state)
{
	static const uint8_t flags[] = { TCP_FIN | TCP_ACK, TCP_RST, TCP_RST | TCP_ACK };
	unsigned int tls13;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		for (tls13 = 0; tls13 < 2; tls13++) {
			begin(tls13);
			close_side(CLIENT, flags[i], 0);
			/* Once, whatever else comes. */
			close_side(CLIENT, TCP_RST, 0);
			close_side(SERVER, TCP_FIN | TCP_ACK, 0);
			expect(1);
		}
	}
}

/* TLS 1.3's ChangeCipherSpec says nothing, up to TLS 1.2 it says that the client goes on. */
static void test_cipher_spec(void **state)
{
	struct buffer spec = { 0 };
	unsigned int tls13;

	(void)state;
	build_change_cipher_spec(&spec);
	for (tls13 = 0; tls13 < 2; tls13++) {
		begin(tls13);
		tap_send(&t, CLIENT, buffer_bytes(&spec), 1460);
		close_side(CLIENT, TCP_FIN | TCP_ACK, 0);
		expect(tls13);
	}
	buffer_free(&spec);
}

static void test_goes_on(void **state)
{
	struct buffer finished = { 0 };
	size_t len;

	(void)state;
	build_application_data(&finished, 53);
	for (len = 1; len <= finished.len; len++) {
		begin(true);
		tap_send(&t, CLIENT, bytes_of(finished.data, len), 1460);
		close_side(CLIENT, TCP_FIN | TCP_ACK, 0);
		expect(0);
	}
	for (len = 1; len <= f.client.len; len++) {
		begin(false);
		tap_send(&t, CLIENT, bytes_of(f.client.data, len), 1460);
		close_side(CLIENT, TCP_FIN | TCP_ACK, 0);
		expect(0);
	}
	buffer_free(&finished);
}

/* Who says why, who was late, who lost something. */
static void test_another_end(void **state)
{
	struct buffer alert = { 0 };
	unsigned int tls13, side;

	(void)state;
	build_alert(&alert, 2, 45);
	for (tls13 = 0; tls13 < 2; tls13++) {
		begin(tls13);                   /* the server closes first */
		close_side(SERVER, TCP_FIN | TCP_ACK, 0);
		close_side(CLIENT, TCP_FIN | TCP_ACK, 0);
		expect(0);
		begin(tls13);                   /* something before the end was not captured */
		close_side(CLIENT, TCP_FIN | TCP_ACK, 80);
		expect(0);
		begin(tls13);                   /* something in the middle was not */
		tap_segment(&t, CLIENT, t.at[CLIENT] + 100, TCP_ACK, TEXT("bytes"));
		close_side(CLIENT, TCP_FIN | TCP_ACK, 0);
		expect(0);
		/* What a server of TLS 1.3 says behind its flight is encrypted. */
		for (side = 0; side < 2; side++) {
			if (tls13 && side == SERVER)
				continue;
			begin(tls13);
			tap_send(&t, (enum tap_side)side, buffer_bytes(&alert), 1460);
			close_side(CLIENT, TCP_FIN | TCP_ACK, 0);
			expect(0);
		}
	}
	buffer_free(&alert);
}

/* The client does not wait for the flight, or it does not come whole. */
static void test_no_flight(void **state)
{
	(void)state;
	tap_open(&t);
	tap_syn(&t);
	tap_send(&t, CLIENT, buffer_bytes(&f.hello), 1460);
	close_side(CLIENT, TCP_FIN | TCP_ACK, 0);
	tap_send(&t, SERVER, buffer_bytes(&f.server), 1460);
	expect(0);

	tap_open(&t);
	tap_syn(&t);
	tap_send(&t, CLIENT, buffer_bytes(&f.hello), 1460);
	tap_send(&t, SERVER, bytes_of(f.server.data, f.certificate_end), 1460);
	close_side(CLIENT, TCP_FIN | TCP_ACK, 0);
	expect(0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_broke_off),
		cmocka_unit_test(test_cipher_spec),
		cmocka_unit_test(test_goes_on),
		cmocka_unit_test(test_another_end),
		cmocka_unit_test(test_no_flight),
	};

	return cmocka_run_group_tests(tests, make, unmake);
}
