/* SPDX-License-Identifier: Apache-2.0 */
/* EAP in EAPOL frames: whose a packet is, and, through the pipeline, between which stations. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/carrier_run.h"
#include "tests/unit/eap_build.h"
#include "tests/unit/flights.h"
#include "tests/unit/tap.h"
#include "userspace/pipeline/stations.h"

static void wrap(struct buffer *out, const struct buffer *eap)
{
	buffer_clear(out);
	buffer_number(out, 2, 0x0200);
	buffer_vec(out, 2, buffer_bytes(eap));
	buffer_number(out, 4, 0);       /* padding */
}

static void build(struct buffer *out, uint8_t code, uint8_t identifier, uint8_t flags,
		  const char *tls)
{
	struct buffer eap = { 0 };

	if (code == EAP_SUCCESS || code == EAP_FAILURE)
		eap_build_end(&eap, code, identifier);
	else
		eap_build(&eap, code, identifier, EAP_TYPE_TLS, flags, (uint32_t)strlen(tls), tls);
	wrap(out, &eap);
	buffer_free(&eap);
}

static void say(struct carrier_run *r, unsigned int side, uint8_t code, uint8_t identifier,
		uint8_t flags, const char *tls)
{
	struct buffer b = { 0 };

	build(&b, code, identifier, flags, tls);
	carrier_run_feed(r, side, buffer_bytes(&b));
	buffer_free(&b);
}

static void begin(struct carrier_run *r)
{
	const struct carrier_ops *ops;
	struct buffer b = { 0 };

	build(&b, EAP_REQUEST, 1, EAP_FLAG_START, "");
	assert_int_equal(carrier_recognise(CARRIER_OVER_EAPOL, buffer_bytes(&b), &ops), PARSE_OK);
	assert_string_equal(carrier_name(ops), "eap");
	for (size_t len = 1; len < b.len - 4; len++)
		assert_int_equal(carrier_recognise(CARRIER_OVER_EAPOL, bytes_of(b.data, len), &ops),
				 PARSE_BAD);
	carrier_run_begin(r, ops);
	buffer_free(&b);
}

static void expect(struct carrier_run *r, unsigned int side, uint32_t conversation,
		   const char *wanted)
{
	carrier_run_expect(r, side, conversation, bytes_of(wanted, strlen(wanted)));
}

/* Fragments, acknowledgements, packets that are sent again; then a second time. */
static void test_conversations(void **state)
{
	struct carrier_run r;

	(void)state;
	begin(&r);
	for (uint32_t i = 0; i < 2; i++) {
		say(&r, 1, EAP_REQUEST, 1, EAP_FLAG_START, "");
		say(&r, 0, EAP_RESPONSE, 1, 0, "hello");
		say(&r, 0, EAP_RESPONSE, 1, 0, "hello");
		say(&r, 1, EAP_REQUEST, 2, EAP_FLAG_LENGTH | EAP_FLAG_MORE, "cha");
		say(&r, 0, EAP_RESPONSE, 2, 0, "");
		say(&r, 1, EAP_REQUEST, 3, 0, "in");
		say(&r, 1, EAP_REQUEST, 3, 0, "in");
		expect(&r, 0, 2 * i, "hello");
		expect(&r, 1, 2 * i, "chain");
		say(&r, 1, i ? EAP_FAILURE : EAP_SUCCESS, 3, 0, "");
		say(&r, 1, EAP_FAILURE, 3, 0, "");
		assert_int_equal(r.num_ended, i + 1);
		assert_int_equal(r.last_ended, 2 * i);
	}
	carrier_run_end(&r);
}

/* Each end authenticates the other: what both are as peer and as server is kept apart. */
static void test_both_ways(void **state)
{
	struct carrier_run r;

	(void)state;
	begin(&r);
	say(&r, 1, EAP_REQUEST, 1, EAP_FLAG_START, "");
	say(&r, 0, EAP_REQUEST, 1, EAP_FLAG_START, "");
	say(&r, 0, EAP_RESPONSE, 1, 0, "a asks");
	say(&r, 1, EAP_RESPONSE, 1, 0, "b asks");
	say(&r, 0, EAP_REQUEST, 2, 0, "a answers");
	say(&r, 1, EAP_REQUEST, 2, 0, "b answers");
	expect(&r, 0, 0, "a asks");
	expect(&r, 1, 0, "b answers");
	expect(&r, 1, 1, "b asks");
	expect(&r, 0, 1, "a answers");
	say(&r, 0, EAP_SUCCESS, 2, 0, "");
	assert_int_equal(r.last_ended, 1);
	assert_int_equal(r.num_ended, 1);
	carrier_run_end(&r);
}

/* The server begins anew before it was over. */
static void test_begins_anew(void **state)
{
	struct carrier_run r;

	(void)state;
	begin(&r);
	say(&r, 0, EAP_RESPONSE, 1, 0, "one");
	say(&r, 1, EAP_REQUEST, 9, EAP_FLAG_START, "");
	assert_int_equal(r.num_ended, 1);
	say(&r, 1, EAP_REQUEST, 10, EAP_FLAG_START, "");
	assert_int_equal(r.num_ended, 1);
	say(&r, 0, EAP_RESPONSE, 10, 0, "two");
	expect(&r, 0, 0, "one");
	expect(&r, 0, 2, "two");
	carrier_run_end(&r);
}

static void test_not_recognised(void **state)
{
	const struct carrier_ops *ops;
	struct buffer b = { 0 }, eap = { 0 };

	(void)state;
	build(&b, EAP_SUCCESS, 1, 0, "");
	assert_int_equal(carrier_recognise(CARRIER_OVER_EAPOL, buffer_bytes(&b), &ops), PARSE_BAD);
	eap_build(&eap, EAP_RESPONSE, 1, EAP_TYPE_IDENTITY, 'u', 0, "ser");
	wrap(&b, &eap);
	assert_int_equal(carrier_recognise(CARRIER_OVER_EAPOL, buffer_bytes(&b), &ops), PARSE_BAD);
	build(&b, EAP_REQUEST, 1, EAP_FLAG_START, "");
	assert_int_equal(carrier_recognise(CARRIER_OVER_UDP, buffer_bytes(&b), &ops), PARSE_BAD);
	b.data[1] = 3;                  /* a key */
	assert_int_equal(carrier_recognise(CARRIER_OVER_EAPOL, buffer_bytes(&b), &ops), PARSE_BAD);
	buffer_free(&b);
	buffer_free(&eap);
}

static void test_hostile(void **state)
{
	struct carrier_run r;
	struct buffer b = { 0 };

	(void)state;
	begin(&r);
	build(&b, EAP_REQUEST, 1, EAP_FLAG_LENGTH, "hello");
	for (size_t at = 0; at < b.len; at++)
		for (unsigned int value = 0; value < 256; value++) {
			uint8_t before = b.data[at];

			b.data[at] = (uint8_t)value;
			carrier_run_feed(&r, value & 1, buffer_bytes(&b));
			b.data[at] = before;
		}
	assert_false(r.over);
	carrier_run_end(&r);
	buffer_free(&b);
}

/* ---- through the pipeline ---- */

static const uint8_t station[6] = { 0x02, 0, 0, 0, 0, 0x01 }, port[6] = { 0x02, 0, 0, 0, 0, 0x02 };
static const uint8_t pae[6] = { 0x01, 0x80, 0xc2, 0, 0, 0x03 };
static struct flights f;
static struct tap t;

static void send_eap(const uint8_t *src, const uint8_t *dst, const struct buffer *eap)
{
	struct buffer b = { 0 }, eapol = { 0 };
	struct frame frame = { .link = 1, .time_ns = t.time_ns += 1000000, .number = ++t.frame };

	wrap(&eapol, eap);
	buffer_add(&b, dst, 6);
	buffer_add(&b, src, 6);
	buffer_number(&b, 2, EAPOL_ETHERTYPE);
	buffer_add_bytes(&b, buffer_bytes(&eapol));
	frame.data = buffer_bytes(&b);
	frame.wire_len = (uint32_t)b.len;
	pipeline_frame(t.pipeline, &frame);
	buffer_free(&b);
	buffer_free(&eapol);
}

/* One packet of EAP-TLS with any bytes in it. */
static void send_tls(const uint8_t *src, const uint8_t *dst, uint8_t code, uint8_t identifier,
		     uint8_t flags, struct bytes tls)
{
	struct buffer eap = { 0 };

	buffer_number(&eap, 1, code);
	buffer_number(&eap, 1, identifier);
	buffer_number(&eap, 2, 6 + (uint32_t)tls.len);
	buffer_number(&eap, 1, EAP_TYPE_TLS);
	buffer_number(&eap, 1, flags);
	buffer_add_bytes(&eap, tls);
	send_eap(src, dst, &eap);
	buffer_free(&eap);
}

static void authenticate(const uint8_t *to_port, const uint8_t *to_station)
{
	struct bytes rest = buffer_bytes(&f.server), part;
	struct buffer identity = { 0 };
	uint8_t id = 3;

	eap_build(&identity, EAP_REQUEST, 1, EAP_TYPE_IDENTITY, 'w', 0, "ho");
	send_eap(port, to_station, &identity);
	identity.data[0] = EAP_RESPONSE;
	send_eap(station, to_port, &identity);
	send_tls(port, to_station, EAP_REQUEST, 2, EAP_FLAG_START, bytes_of(NULL, 0));
	send_tls(station, to_port, EAP_RESPONSE, 2, 0, buffer_bytes(&f.hello));
	while (rest.len > 0) {
		assert_true(bytes_take(&rest, rest.len < 500 ? rest.len : 500, &part));
		send_tls(port, to_station, EAP_REQUEST, id, rest.len ? EAP_FLAG_MORE : 0, part);
		send_tls(station, to_port, EAP_RESPONSE, id++, 0, bytes_of(NULL, 0));
	}
	buffer_free(&identity);
}

static void assert_told(void)
{
	struct ip_address client = ip_address_of_mac(station), server = ip_address_of_mac(port);

	tap_finish(&t);
	assert_string_equal(t.log, "server:chain 2; ");
	assert_memory_equal(&t.last.client.address, &client, sizeof(client));
	assert_memory_equal(&t.last.server.address, &server, sizeof(server));
	assert_int_equal(t.last.transport, TRANSPORT_EAPOL);
	assert_string_equal(t.last.carrier, "eap");
	tap_close(&t);
}

/* Each end may write to the other, or to whoever is there. */
static void test_stations(void **state)
{
	(void)state;
	for (int groups = 0; groups < 4; groups++) {
		tap_open(&t);
		authenticate(groups & 1 ? pae : port, groups & 2 ? pae : station);
		assert_told();
	}
}

static bool resolves(struct stations *s, uint8_t code, uint8_t identifier, const uint8_t *src,
		     const uint8_t *dst, const uint8_t *wanted)
{
	struct eap_packet eap = { .code = code, .identifier = identifier };
	struct ip_address from = ip_address_of_mac(src), to = ip_address_of_mac(dst);
	struct ip_address want = ip_address_of_mac(wanted);

	return stations_resolve(s, &eap, &from, &to) && memcmp(&to, &want, sizeof(to)) == 0;
}

/* A station that is moved to another port answers there. */
static void test_station_moves(void **state)
{
	static const uint8_t other[6] = { 0x02, 0, 0, 0, 0, 0x03 };
	struct stations *s = stations_new();

	(void)state;
	assert_non_null(s);
	assert_false(resolves(s, EAP_RESPONSE, 7, station, pae, port));
	assert_false(resolves(s, EAP_REQUEST, 7, port, pae, station));
	assert_true(resolves(s, EAP_RESPONSE, 7, station, pae, port));
	assert_true(resolves(s, EAP_REQUEST, 8, port, pae, station));
	assert_true(resolves(s, EAP_SUCCESS, 8, port, pae, station));
	assert_false(resolves(s, EAP_REQUEST, 50, other, pae, station));
	assert_true(resolves(s, EAP_RESPONSE, 50, station, pae, other));
	assert_true(resolves(s, EAP_REQUEST, 51, other, pae, station));
	stations_free(s);
}

/* However many there are, the memory is the same, and those that are heard are not forgotten. */
static void test_stations_bounded(void **state)
{
	uint8_t stranger[6] = { 0x0a };
	struct stations *s = stations_new();

	(void)state;
	assert_non_null(s);
	assert_true(resolves(s, EAP_REQUEST, 1, port, station, station));
	for (unsigned int i = 0; i < 3 * STATIONS_MAX; i++) {
		stranger[4] = (uint8_t)(i >> 8);
		stranger[5] = (uint8_t)i;
		assert_false(resolves(s, EAP_REQUEST, 2, stranger, pae, station));
		if (i % 100 == 0)
			assert_true(resolves(s, EAP_RESPONSE, 1, station, pae, port));
	}
	for (unsigned int i = 0; i < STATIONS_MAX; i++) {
		stranger[4] = (uint8_t)(i >> 8);
		stranger[5] = (uint8_t)i;
		stranger[3] = 1;
		assert_false(resolves(s, EAP_REQUEST, 3, stranger, pae, station));
	}
	assert_false(resolves(s, EAP_RESPONSE, 1, station, pae, port));
	stations_free(s);
}

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_conversations),  cmocka_unit_test(test_both_ways),
		cmocka_unit_test(test_begins_anew),    cmocka_unit_test(test_not_recognised),
		cmocka_unit_test(test_hostile),        cmocka_unit_test(test_stations),
		cmocka_unit_test(test_station_moves),  cmocka_unit_test(test_stations_bounded),
	};

	return cmocka_run_group_tests(tests, make, unmake);
}
