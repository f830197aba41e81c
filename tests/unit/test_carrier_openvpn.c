/* SPDX-License-Identifier: Apache-2.0 */
/* OpenVPN's control channel over UDP and TCP, with and without --tls-auth. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/carrier_run.h"

#define CLIENT_V2 7
#define SERVER_V2 8
#define SOFT_RESET 3
#define CONTROL 4
#define ACK 5
#define DATA 6
#define NO_ACK -1


static const unsigned int hmac_lens[] = { 0, 16, 20, 28, 32, 48, 64 };

struct vpn {
	unsigned int hmac_len;
	bool tcp;
	uint32_t packet_id;
	char session[2];       /* of client and server: a letter, eight times */
	struct carrier_run run;
};

/* Acknowledges message `ack` unless that is NO_ACK. ACK packets have no number. */
static void build(struct vpn *v, struct buffer *out, unsigned int side, uint8_t opcode,
		  uint8_t key, int ack, uint32_t number, const char *payload)
{
	struct buffer b = { 0 };

	buffer_number(&b, 1, (uint32_t)opcode << 3 | key);
	for (int i = 0; i < 8; i++)
		buffer_number(&b, 1, (uint8_t)v->session[side]);
	if (v->hmac_len) {
		for (unsigned int i = 0; i < v->hmac_len; i++)
			buffer_number(&b, 1, 0xa0 + i);
		buffer_number(&b, 4, ++v->packet_id);
		buffer_number(&b, 4, 0x65000000);
	}
	buffer_number(&b, 1, ack != NO_ACK);
	if (ack != NO_ACK) {
		buffer_number(&b, 4, (uint32_t)ack);
		for (int i = 0; i < 8; i++)
			buffer_number(&b, 1, (uint8_t)v->session[!side]);
	}
	if (opcode != ACK)
		buffer_number(&b, 4, number);
	buffer_add(&b, payload, strlen(payload));
	if (v->tcp)
		buffer_number(out, 2, (uint32_t)b.len);
	buffer_add_bytes(out, buffer_bytes(&b));
	buffer_free(&b);
}

static void say(struct vpn *v, unsigned int side, uint8_t opcode, uint8_t key, int ack,
		uint32_t number, const char *payload)
{
	struct buffer b = { 0 };

	build(v, &b, side, opcode, key, ack, number, payload);
	carrier_run_feed(&v->run, side, buffer_bytes(&b));
	buffer_free(&b);
}

/* Recognised by the reset of either end. */
static void begin(struct vpn *v, unsigned int hmac_len, bool tcp)
{
	enum carrier_over over = tcp ? CARRIER_OVER_TCP : CARRIER_OVER_UDP;
	const struct carrier_ops *ops;
	struct buffer b = { 0 };

	*v = (struct vpn){ .hmac_len = hmac_len, .tcp = tcp, .session = "CS" };
	build(v, &b, 1, SERVER_V2, 0, 0, 0, "");
	assert_int_equal(carrier_recognise(over, buffer_bytes(&b), &ops), PARSE_OK);
	buffer_clear(&b);
	build(v, &b, 0, CLIENT_V2, 0, NO_ACK, 0, "");
	assert_int_equal(carrier_recognise(over, buffer_bytes(&b), &ops), PARSE_OK);
	for (size_t len = 1; len < b.len; len++)
		assert_int_equal(carrier_recognise(over, bytes_of(b.data, len), &ops),
				 tcp ? PARSE_MORE : PARSE_BAD);
	assert_string_equal(carrier_name(ops), "openvpn");
	carrier_run_begin(&v->run, ops);
	carrier_run_feed(&v->run, 0, buffer_bytes(&b));
	say(v, 1, SERVER_V2, 0, 0, 0, "");
	buffer_free(&b);
}

static void expect(struct vpn *v, unsigned int side, uint32_t conversation, const char *wanted)
{
	carrier_run_expect(&v->run, side, conversation, bytes_of(wanted, strlen(wanted)));
}

/* There is no conversation 0. */
static void end(struct vpn *v)
{
	expect(v, 0, 0, "");
	expect(v, 1, 0, "");
	carrier_run_end(&v->run);
}

/* strlen() ends at the zeros of a record's header, so these have none. */
#define H1 "\x16\x03\x01\x01\x20" "client hello"
#define H2 ", more or less"
#define F1 "\x16\x03\x03\x01\x40" "server hello"
#define F2 ", certificate"
#define F3 ", done"

static void test_every_hmac(void **state)
{
	struct vpn v;

	(void)state;
	for (size_t i = 0; i < 2 * ARRAY_SIZE(hmac_lens); i++) {
		begin(&v, hmac_lens[i / 2], i % 2);
		say(&v, 0, ACK, 0, 0, 0, "");
		say(&v, 0, CONTROL, 0, NO_ACK, 1, H1);
		say(&v, 1, ACK, 0, 1, 0, "");
		say(&v, 0, CONTROL, 0, NO_ACK, 2, H2);
		say(&v, 1, CONTROL, 0, 1, 1, F1);
		say(&v, 1, CONTROL, 0, NO_ACK, 2, F2);
		assert_false(v.run.over);
		expect(&v, 0, 1, H1 H2);
		expect(&v, 1, 1, F1 F2);
		assert_int_equal(v.run.missed[0] + v.run.missed[1] + v.run.num_ended, 0);
		end(&v);
	}
}

static void test_order(void **state)
{
	struct vpn v;

	(void)state;
	begin(&v, 20, false);
	say(&v, 1, CONTROL, 0, 1, 3, F3);
	say(&v, 1, CONTROL, 0, 1, 2, F2);
	say(&v, 1, CONTROL, 0, 1, 3, F3);
	expect(&v, 1, 1, "");
	say(&v, 1, CONTROL, 0, 1, 1, F1);
	expect(&v, 1, 1, F1 F2 F3);
	say(&v, 1, CONTROL, 0, 1, 1, F1);
	say(&v, 1, CONTROL, 0, 1, 2, F2);
	say(&v, 1, SERVER_V2, 0, 0, 0, "");
	say(&v, 1, CONTROL, 0, 1, 5000000, F2);
	expect(&v, 1, 1, F1 F2 F3);
	assert_int_equal(v.run.missed[1], 0);
	end(&v);
}

/*
 * One message never comes: what is behind is held, within bounds, then the gap is given up and
 * counted.
 */
static void test_gap(void **state)
{
	struct vpn v;

	(void)state;
	begin(&v, 0, false);
	say(&v, 1, CONTROL, 0, 1, 1, "a");
	for (uint32_t number = 4; number < 4 + 200; number++)
		say(&v, 1, CONTROL, 0, 1, number, "x");
	assert_int_equal(v.run.missed[1], 2);
	assert_int_equal(v.run.got[1][1].len, 201);
	end(&v);
	begin(&v, 0, false);
	for (uint32_t number = 4000; number > 100; number--)
		say(&v, 1, CONTROL, 0, 1, number, "x");
	assert_true(v.run.memory.peak < 16384);
	end(&v);
	/* What was there already never counts as far ahead. */
	begin(&v, 0, false);
	for (uint32_t i = 0; i < 400; i++)
		say(&v, 1, CONTROL, 0, 1, 1 + i % 200, "x");
	assert_int_equal(v.run.got[1][1].len, 200);
	assert_int_equal(v.run.missed[1], 0);
	end(&v);
}

/* A new key id is a new TLS connection; after seven of them the numbers come again. */
static void test_renegotiation(void **state)
{
	struct vpn v;
	uint8_t key;

	(void)state;
	begin(&v, 32, true);
	say(&v, 0, CONTROL, 0, NO_ACK, 1, H1);
	for (int i = 0; i < 10; i++) {
		key = (uint8_t)(1 + i % 7);
		say(&v, 0, SOFT_RESET, key, NO_ACK, 0, "");
		say(&v, 0, SOFT_RESET, key, NO_ACK, 0, "");
		say(&v, 1, SOFT_RESET, key, 0, 0, "");
		say(&v, 0, CONTROL, key, NO_ACK, 1, i % 2 ? H1 : H2);
		say(&v, 1, CONTROL, key, 1, 1, F1);
		assert_int_equal(v.run.num_ended, i < 7 ? 0 : i - 6);
	}
	/* Conversation 1 had key 0; that of key 3 was the fourth, and is replaced last. */
	assert_int_equal(v.run.last_ended, 4);
	expect(&v, 0, 2, H2);
	expect(&v, 0, 3, H1);
	expect(&v, 0, 11, H1);
	expect(&v, 1, 5, F1);
	end(&v);
}

/* The client starts again, with a new session. */
static void test_restart(void **state)
{
	struct vpn v;

	(void)state;
	begin(&v, 0, false);
	say(&v, 0, CONTROL, 0, NO_ACK, 1, H1);
	v.session[0] = 'D';
	say(&v, 0, CONTROL, 0, NO_ACK, 2, "not of this session");
	say(&v, 0, CLIENT_V2, 0, NO_ACK, 0, "");
	say(&v, 0, CLIENT_V2, 0, NO_ACK, 0, "");
	v.session[1] = 'T';
	say(&v, 1, SERVER_V2, 0, 0, 0, "");
	say(&v, 0, CONTROL, 0, NO_ACK, 1, H2);
	say(&v, 1, CONTROL, 0, NO_ACK, 1, F1);
	assert_int_equal(v.run.num_ended, 1);
	assert_int_equal(v.run.last_ended, 1);
	expect(&v, 0, 1, H1);
	expect(&v, 0, 2, H2);
	expect(&v, 1, 2, F1);
	end(&v);
}

/* TCP cut anywhere, with data packets between that merely look like something. */
static void test_cuts(void **state)
{
	static const size_t cuts[] = { 1, 2, 3, 7, 30, 1000 };
	struct buffer said[2] = { { 0 }, { 0 } };
	struct vpn v;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cuts); i++) {
		begin(&v, 64, true);
		buffer_clear(&said[0]);
		buffer_clear(&said[1]);
		build(&v, &said[0], 0, CONTROL, 0, NO_ACK, 1, H1);
		buffer_add(&said[0], "\x00\x06\x30" "\x16\x03\x01\x00\x01", 8);
		buffer_add(&said[0], "\x00\x01\x48", 3);
		build(&v, &said[0], 0, CONTROL, 0, NO_ACK, 2, H2);
		build(&v, &said[1], 1, CONTROL, 0, NO_ACK, 2, F2);
		build(&v, &said[1], 1, CONTROL, 0, 2, 1, F1);
		carrier_run_cut(&v.run, (struct carrier_said[]){ { 0, buffer_bytes(&said[0]) },
								 { 1, buffer_bytes(&said[1]) } },
				2, cuts[i]);
		expect(&v, 0, 1, H1 H2);
		expect(&v, 1, 1, F1 F2);
		end(&v);
	}
	buffer_free(&said[0]);
	buffer_free(&said[1]);
}

/* Data packets, however long, are not kept. */
static void test_data_packets(void **state)
{
	static uint8_t data[60002] = { 60000 >> 8, 60000 & 0xff, DATA << 3 };
	struct carrier_said said = { 0, { data, sizeof(data) } };
	struct vpn v;

	(void)state;
	begin(&v, 0, true);
	carrier_run_cut(&v.run, &said, 1, 1000);
	assert_true(v.run.memory.peak < 4096);
	say(&v, 0, CONTROL, 0, NO_ACK, 1, H1);
	expect(&v, 0, 1, H1);
	end(&v);
}

/* The first packets have small numbers. */
static void test_packet_number(void **state)
{
	struct vpn v = { .session = "CS", .hmac_len = 20, .packet_id = 0x10000 };
	const struct carrier_ops *ops;
	struct buffer b = { 0 };

	(void)state;
	build(&v, &b, 0, CLIENT_V2, 0, NO_ACK, 0, "");
	assert_int_equal(carrier_recognise(CARRIER_OVER_UDP, buffer_bytes(&b), &ops), PARSE_BAD);
	buffer_free(&b);
}

/* Bytes lost inside a packet cost the packet; a lost length is the end, and so is one of zero. */
static void test_lost_bytes(void **state)
{
	struct buffer b = { 0 };
	struct vpn v;

	(void)state;
	begin(&v, 0, true);
	build(&v, &b, 0, CONTROL, 0, NO_ACK, 1, H1);
	carrier_run_feed(&v.run, 0, bytes_of(b.data, 10));
	assert_true(carrier_lose(v.run.carrier, &v.run.memory, 0, 8));
	carrier_run_feed(&v.run, 0, bytes_of(b.data + 18, b.len - 18));
	say(&v, 0, CONTROL, 0, NO_ACK, 1, H2);
	expect(&v, 0, 1, H2);
	assert_int_equal(v.run.missed[0], 1);
	assert_false(carrier_lose(v.run.carrier, &v.run.memory, 0, 1));
	carrier_run_feed(&v.run, 0, bytes_of("\0\0", 2));
	assert_true(v.run.over);
	end(&v);
	buffer_free(&b);
}

/*
 * --tls-crypt: the number and time come first, all else is encrypted. The lengths are those of
 * --tls-auth.
 */
static void test_tls_crypt_is_not_recognised(void **state)
{
	const struct carrier_ops *ops;
	uint8_t packet[54] = { CLIENT_V2 << 3, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 1, 0x65, 0, 0, 0 };
	uint64_t seed = 99;
	unsigned int taken = 0;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		random_fill(&seed, packet + 17, sizeof(packet) - 17);
		taken += carrier_recognise(CARRIER_OVER_UDP, bytes_of(packet, sizeof(packet)),
					   &ops) == PARSE_OK;
	}
	assert_int_equal(taken, 0);
}

/* UDP from the middle: a message that begins TLS is enough. Random datagrams are not. */
static void test_midstream(void **state)
{
	struct vpn v = { .session = "CS", .hmac_len = 20 };
	const struct carrier_ops *ops;
	struct buffer b = { 0 };
	struct bytes datagram;
	uint64_t seed = 7;
	uint8_t noise[64];

	(void)state;
	build(&v, &b, 1, CONTROL, 2, 1, 9, F1);
	assert_int_equal(carrier_recognise(CARRIER_OVER_UDP, buffer_bytes(&b), &ops), PARSE_OK);
	carrier_run_begin(&v.run, ops);
	carrier_run_feed(&v.run, 1, buffer_bytes(&b));
	say(&v, 1, CONTROL, 2, 1, 10, F2);
	say(&v, 0, CONTROL, 2, 1, 3, H2);
	say(&v, 0, CONTROL, 2, 1, 4, H1);
	say(&v, 0, CONTROL, 2, 1, 5, H2);
	expect(&v, 1, 1, F1 F2);
	expect(&v, 0, 1, H1 H2);
	for (int i = 0; i < 20000; i++) {
		random_fill(&seed, noise, sizeof(noise));
		noise[0] = i % 2 ? noise[0] : (uint8_t)(i % 3 ? 0x38 : 0x20);
		datagram = bytes_of(noise, random_below(&seed, sizeof(noise)));
		assert_int_equal(carrier_recognise(CARRIER_OVER_UDP, datagram, &ops), PARSE_BAD);
		carrier_run_feed(&v.run, 0, datagram);
	}
	expect(&v, 0, 1, H1 H2);
	end(&v);
	buffer_free(&b);
}

/* OpenVPN 2.6 encrypts all after the first connection: number, time, HMAC, then nothing to read. */
static void test_encrypted_renegotiation(void **state)
{
	uint8_t packet[200] = { CONTROL << 3 | 1, 'C', 'C', 'C', 'C', 'C', 'C', 'C', 'C' };
	uint64_t seed = 11;
	struct vpn v;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(hmac_lens); i++) {
		begin(&v, hmac_lens[i], false);
		say(&v, 0, CONTROL, 0, NO_ACK, 1, H1);
		for (uint8_t number = 1; number < 200; number++) {
			random_fill(&seed, packet + 13, sizeof(packet) - 13);
			packet[0] = (uint8_t)((number % 2 ? CONTROL : SOFT_RESET) << 3 | 1);
			packet[12] = number;
			packet[13] = 0x65;
			carrier_run_feed(&v.run, 0, bytes_of(packet, number % 2 ? 200 : 62));
		}
		assert_int_equal(v.run.num_pieces, 1);
		end(&v);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_hmac),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_gap),
		cmocka_unit_test(test_renegotiation),
		cmocka_unit_test(test_restart),
		cmocka_unit_test(test_cuts),
		cmocka_unit_test(test_data_packets),
		cmocka_unit_test(test_packet_number),
		cmocka_unit_test(test_lost_bytes),
		cmocka_unit_test(test_tls_crypt_is_not_recognised),
		cmocka_unit_test(test_midstream),
		cmocka_unit_test(test_encrypted_renegotiation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
