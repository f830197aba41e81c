/* SPDX-License-Identifier: Apache-2.0 */
/* Where a TCP connection's first bytes are too few to tell whether they begin a carrier. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/flights.h"
#include "tests/unit/tap.h"

#define PRELOGIN "\x12\x01\x00\x1a\x00\x00\x01\x00\x00\x00\x0b\x00\x06\x01\x00\x11\x00\x01\xff" \
		 "\x0f\x00\x00\x00\x00\x00\x01"
#define LITERAL(s) bytes_of(s, sizeof(s) - 1)

static struct flights f;
static struct tap t;
static struct buffer tds[2];

static void expect(const char *want, const char *carrier)
{
	size_t held = tap_finish(&t);

	assert_string_equal(t.log, want);
	if (carrier)
		assert_string_equal(t.last.carrier, carrier);
	assert_int_equal(held, 0);
	tap_close(&t);
}

static void add_tds(struct buffer *b, struct bytes tls)
{
	struct bytes part = { 0 };

	while (tls.len > 0) {
		assert_true(bytes_take(&tls, tls.len < 4000 ? tls.len : 4000, &part));
		buffer_number(b, 2, 0x1201);
		buffer_number(b, 2, (uint32_t)part.len + 8);
		buffer_number(b, 4, 0);
		buffer_add_bytes(b, part);
	}
}

static int make(void **state)
{
	(void)state;
	flights_make(&f);
	buffer_add_bytes(&tds[CLIENT], LITERAL(PRELOGIN));
	add_tds(&tds[CLIENT], buffer_bytes(&f.hello));
	buffer_add_bytes(&tds[SERVER], LITERAL(PRELOGIN));
	tds[SERVER].data[0] = 4;
	add_tds(&tds[SERVER], buffer_bytes(&f.server));
	return 0;
}

static int unmake(void **state)
{
	(void)state;
	flights_free(&f);
	buffer_free(&tds[0]);
	buffer_free(&tds[1]);
	return 0;
}

/* A carrier's beginning in segments of any size, with and without a SYN. */
static void test_tiny(void **state)
{
	(void)state;
	for (size_t most = 1; most < 40; most++) {
		tap_open(&t);
		tap_syn(&t);
		tap_send(&t, CLIENT, buffer_bytes(&tds[CLIENT]), most);
		tap_send(&t, SERVER, buffer_bytes(&tds[SERVER]), most);
		expect("server:chain 2; ", "tds");
	}
}

/* What was held turns out to be nothing: TLS behind it, or in its midst, is found as before. */
static void test_plain_after_all(void **state)
{
	static const struct {
		struct bytes said;
	} before[] = {
#define SAID(s) { { (const uint8_t *)s, sizeof(s) - 1 } }
		SAID("\x12"), SAID("\x12\x01\x00\x1a\x00"), SAID("AUTH "), SAID("JXTA"), SAID("\x00"),
		SAID("\x00\x03\x00\x00\x21\x12\xa4"), SAID("\x00\x00\x00\x08"),
	};
	struct buffer b = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(before); i++)
		for (size_t most = 1; most < 400; most = most * 2 + 1) {
			buffer_clear(&b);
			buffer_add_bytes(&b, before[i].said);
			buffer_add_bytes(&b, buffer_bytes(&f.hello));
			tap_open(&t);
			tap_syn(&t);
			tap_send(&t, CLIENT, buffer_bytes(&b), most);
			tap_send(&t, SERVER, buffer_bytes(&f.server), most);
			tap_send(&t, CLIENT, buffer_bytes(&f.client), most);
			expect("server:chain 2; ", NULL);
		}
	buffer_free(&b);
}

/* The other side answers: what is held is plain, and said before the answer. */
static void test_answered(void **state)
{
	(void)state;
	tap_open(&t);
	tap_syn(&t);
	tap_send(&t, SERVER, LITERAL("220 ready\r\n"), 1460);
	tap_send(&t, CLIENT, LITERAL("AUTH "), 2);
	tap_send(&t, CLIENT, LITERAL("TLS\r\n"), 1460);
	tap_send(&t, SERVER, LITERAL("234 go\r\n"), 1460);
	tap_send(&t, CLIENT, buffer_bytes(&f.hello), 1460);
	tap_send(&t, SERVER, buffer_bytes(&f.server), 1460);
	expect("server:chain 2; ", "ftp");
	tap_open(&t);
	tap_syn(&t);
	tap_send(&t, CLIENT, LITERAL("\x12"), 1);
	tap_send(&t, SERVER, LITERAL("?"), 1);
	tap_send(&t, CLIENT, LITERAL(PRELOGIN + 1), 1460);
	tap_send(&t, CLIENT, buffer_bytes(&f.hello), 1460);
	tap_send(&t, SERVER, buffer_bytes(&f.server), 1460);
	expect("server:chain 2; ", "unknown");
}

/* What is held when the connection ends, or when the bytes behind it are lost, is not kept. */
static void test_ends(void **state)
{
	(void)state;
	tap_open(&t);
	tap_syn(&t);
	tap_send(&t, CLIENT, LITERAL("JX"), 1);
	assert_int_equal(tap_finish(&t), 0);
	assert_string_equal(t.log, "");
	tap_close(&t);
	tap_open(&t);
	tap_syn(&t);
	tap_send(&t, CLIENT, LITERAL("JXTA"), 1);
	t.at[CLIENT] += 20;
	tap_send(&t, CLIENT, buffer_bytes(&f.hello), 1460);
	tap_send(&t, SERVER, buffer_bytes(&f.server), 1460);
	tap_fin(&t);
	expect("server:chain 2; ", "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tiny),
		cmocka_unit_test(test_plain_after_all),
		cmocka_unit_test(test_answered),
		cmocka_unit_test(test_ends),
	};

	return cmocka_run_group_tests(tests, make, unmake);
}
