/* SPDX-License-Identifier: Apache-2.0 */
/* Connections: versions, suites, orders, Retry, version negotiation, secrets early and late. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/quic_pair.h"

static void send_flight(struct pair *p, unsigned int side, size_t certificate_len, size_t most)
{
	struct buffer stream = { 0 };

	build_flight(&stream, certificate_len);
	for (size_t at = 0; at < stream.len; at += most)
		pair_crypto(p, side, QUIC_HANDSHAKE, &stream, at,
			    stream.len - at < most ? stream.len : at + most);
	buffer_free(&stream);
}

static void whole_connection(uint32_t version, uint16_t suite)
{
	struct pair p;

	pair_init(&p, TLS_MESSAGE_MAX, QUIC_HELD_MAX);
	pair_use(&p, version, suite);
	pair_hello(&p, CLIENT, 300);
	assert_int_equal(quic_client_side(p.q), CLIENT);
	assert_int_equal(quic_version(p.q), version);
	pair_hello(&p, SERVER, 90);
	assert_true(quic_secret(p.q, &p.memory, SERVER, suite, pair_secret(&p, SERVER)));
	assert_true(quic_secret(p.q, &p.memory, CLIENT, suite, pair_secret(&p, CLIENT)));
	send_flight(&p, SERVER, 3000, 1000);
	send_flight(&p, CLIENT, 700, 2000);
	assert_string_equal(p.log, "0:1:300 1:2:90 1:8:20 1:11:3000 1:15:100 1:20:32 "
				   "0:8:20 0:11:700 0:15:100 0:20:32 ");
	for (unsigned int side = 0; side < 2; side++) {
		assert_false(quic_encrypted(p.q, side));
		assert_false(quic_missing(p.q, side));
		assert_false(quic_unfinished(p.q, side));
		assert_false(quic_conflict(p.q, side));
	}
	pair_fini(&p);
}

static void test_versions_and_suites(void **state)
{
	static const uint32_t versions[] = {
		QUIC_V1, QUIC_V2, QUIC_V2_DRAFT, 0xff00001b, QUIC_DRAFT_29, 0xff000020, 0xff000021,
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(versions); i++) {
		for (uint16_t suite = 0x1301; suite <= 0x1304; suite++)
			whole_connection(versions[i], suite);
	}
}

/* The sides are only names: the other one is the client. */
static void test_client_is_found(void **state)
{
	struct buffer datagram = { 0 }, frames = { 0 };
	struct pair p;

	(void)state;
	pair_init(&p, TLS_MESSAGE_MAX, QUIC_HELD_MAX);
	assert_int_equal(quic_client_side(p.q), -1);
	assert_int_equal(quic_version(p.q), 0);
	build_crypto(&frames, 0, bytes_of("\1\0\0\2ab", 6));
	pair_seal(&p, &datagram, CLIENT, QUIC_INITIAL, buffer_bytes(&frames));
	pair_datagram(&p, 1, &datagram);
	assert_int_equal(quic_client_side(p.q), 1);
	assert_string_equal(p.log, "1:1:2 ");
	buffer_free(&frames);
	pair_fini(&p);
}

static void test_secret_after_the_flight(void **state)
{
	uint8_t wrong[32] = { 9 };
	struct pair p;

	(void)state;
	pair_init(&p, TLS_MESSAGE_MAX, QUIC_HELD_MAX);
	pair_hello(&p, CLIENT, 300);
	pair_hello(&p, SERVER, 90);
	assert_false(quic_encrypted(p.q, SERVER));
	send_flight(&p, SERVER, 3000, 1000);
	assert_true(quic_encrypted(p.q, SERVER));
	assert_false(quic_encrypted(p.q, CLIENT));
	assert_false(quic_missing(p.q, SERVER));
	assert_true(quic_holds(p.q, SERVER));
	assert_false(quic_holds(p.q, CLIENT));
	assert_false(quic_secret(p.q, &p.memory, SERVER, 0x1301, bytes_of(wrong, 32)));
	assert_false(quic_secret(p.q, &p.memory, SERVER, 0x1301, bytes_of(wrong, 31)));
	assert_false(quic_secret(p.q, &p.memory, SERVER, 0x1302, pair_secret(&p, SERVER)));
	assert_false(quic_secret(p.q, &p.memory, SERVER, 0xc02f, pair_secret(&p, SERVER)));
	assert_true(quic_encrypted(p.q, SERVER));
	assert_true(quic_secret(p.q, &p.memory, SERVER, 0x1301, pair_secret(&p, SERVER)));
	assert_false(quic_encrypted(p.q, SERVER));
	assert_false(quic_holds(p.q, SERVER));
	for (size_t i = 0; i < QUIC_SECRET_MAX; i++)
		assert_int_equal(p.q->ends[SERVER].secret[i], 0);    /* no longer needed */
	pair_drain(&p);
	assert_string_equal(p.log, "0:1:300 1:2:90 1:8:20 1:11:3000 1:15:100 1:20:32 ");
	pair_fini(&p);
}

/* Handed over before the packets, a wrong secret does not stand in the right one's way. */
static void test_wrong_secret_first(void **state)
{
	uint8_t wrong[32] = { 9 };
	struct pair p;

	(void)state;
	pair_init(&p, TLS_MESSAGE_MAX, QUIC_HELD_MAX);
	pair_hello(&p, CLIENT, 300);
	assert_true(quic_secret(p.q, &p.memory, SERVER, 0x1301, bytes_of(wrong, 32)));
	send_flight(&p, SERVER, 500, 1000);
	assert_true(quic_encrypted(p.q, SERVER));
	assert_true(quic_secret(p.q, &p.memory, SERVER, 0x1301, pair_secret(&p, SERVER)));
	pair_drain(&p);
	assert_string_equal(p.log, "0:1:300 1:8:20 1:11:500 1:15:100 1:20:32 ");
	pair_fini(&p);
}

static void test_held_packets_are_bounded(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p, TLS_MESSAGE_MAX, 3000);
	pair_hello(&p, CLIENT, 300);
	send_flight(&p, SERVER, 3000, 1000);
	assert_true(p.q->held_len > 2000 && p.q->held_len <= 3000);
	assert_true(quic_secret(p.q, &p.memory, SERVER, 0x1301, pair_secret(&p, SERVER)));
	assert_int_equal(p.q->held_len, 0);
	pair_drain(&p);
	assert_string_equal(p.log, "0:1:300 1:8:20 ");
	assert_true(quic_missing(p.q, SERVER));
	assert_true(quic_unfinished(p.q, SERVER));
	pair_fini(&p);

	pair_init(&p, TLS_MESSAGE_MAX, QUIC_HELD_MAX);
	pair_hello(&p, CLIENT, 300);
	send_flight(&p, SERVER, 3000, 1000);
	quic_drop_held(p.q, &p.memory);
	assert_int_equal(p.q->held_len, 0);
	assert_true(quic_encrypted(p.q, SERVER));
	assert_true(quic_secret(p.q, &p.memory, SERVER, 0x1301, pair_secret(&p, SERVER)));
	assert_true(quic_encrypted(p.q, SERVER));
	pair_fini(&p);
}

/* Initial, Handshake and a short header in one datagram, padding behind them. */
static void test_coalesced(void **state)
{
	struct buffer datagram = { 0 }, frames = { 0 }, stream = { 0 };
	struct pair p;

	(void)state;
	pair_init(&p, TLS_MESSAGE_MAX, QUIC_HELD_MAX);
	pair_hello(&p, CLIENT, 300);
	assert_true(quic_secret(p.q, &p.memory, SERVER, 0x1301, pair_secret(&p, SERVER)));
	build_ack(&frames);
	build_counting(&stream, TLS_SERVER_HELLO, 90, 1);
	build_crypto(&frames, 0, buffer_bytes(&stream));
	pair_seal(&p, &datagram, SERVER, QUIC_INITIAL, buffer_bytes(&frames));
	buffer_clear(&frames);
	buffer_clear(&stream);
	build_flight(&stream, 400);
	build_crypto(&frames, 0, buffer_bytes(&stream));
	pair_seal(&p, &datagram, SERVER, QUIC_HANDSHAKE, buffer_bytes(&frames));
	buffer_add(&datagram, "\x40short header", 13);
	pair_datagram(&p, SERVER, &datagram);
	assert_string_equal(p.log, "0:1:300 1:2:90 1:8:20 1:11:400 1:15:100 1:20:32 ");
	assert_false(quic_missing(p.q, SERVER));
	buffer_free(&frames);
	buffer_free(&stream);
	pair_fini(&p);
}

static void send_pieces(const struct buffer *stream, size_t most, bool backwards)
{
	size_t num = (stream->len + most - 1) / most;
	struct pair p;

	pair_init(&p, TLS_MESSAGE_MAX, QUIC_HELD_MAX);
	for (size_t i = 0; i < num; i++) {
		size_t from = (backwards ? num - 1 - i : i) * most;
		size_t to = from + most < stream->len ? from + most : stream->len;

		assert_string_equal(p.log, "");
		pair_crypto(&p, CLIENT, QUIC_INITIAL, stream, from, to);
		pair_crypto(&p, CLIENT, QUIC_INITIAL, stream, from, to);
	}
	assert_string_equal(p.log, "0:1:60 ");
	assert_false(quic_missing(p.q, CLIENT));
	assert_false(quic_unfinished(p.q, CLIENT));
	pair_fini(&p);
}

/* A ClientHello in pieces of many lengths, forwards and backwards, each piece twice. */
static void test_pieces_in_any_order(void **state)
{
	struct buffer stream = { 0 };

	(void)state;
	build_counting(&stream, TLS_CLIENT_HELLO, 60, 1);
	for (size_t most = 1; most <= stream.len; most += 3) {
		send_pieces(&stream, most, false);
		send_pieces(&stream, most, true);
	}
	buffer_free(&stream);
}

/* Packet numbers come shortened to 16 bits: each is told from the one before. */
static void test_packet_numbers_go_on(void **state)
{
	struct buffer stream = { 0 };
	struct pair p;

	(void)state;
	build_counting(&stream, TLS_CLIENT_HELLO, 36, 1);
	pair_init(&p, TLS_MESSAGE_MAX, QUIC_HELD_MAX);
	for (size_t i = 0; i < stream.len; i += 10) {
		p.number[CLIENT] += 30000;
		pair_crypto(&p, CLIENT, QUIC_INITIAL, &stream, i, i + 10);
	}
	assert_string_equal(p.log, "0:1:36 ");
	buffer_free(&stream);
	pair_fini(&p);
}

static void test_gap(void **state)
{
	struct buffer stream = { 0 };
	struct pair p;

	(void)state;
	build_counting(&stream, TLS_CLIENT_HELLO, 60, 1);
	pair_init(&p, TLS_MESSAGE_MAX, QUIC_HELD_MAX);
	pair_crypto(&p, CLIENT, QUIC_INITIAL, &stream, 0, 20);
	assert_false(quic_missing(p.q, CLIENT));
	assert_true(quic_unfinished(p.q, CLIENT));
	pair_crypto(&p, CLIENT, QUIC_INITIAL, &stream, 21, 64);
	assert_true(quic_missing(p.q, CLIENT));
	stream.data[30] ^= 1;
	pair_crypto(&p, CLIENT, QUIC_INITIAL, &stream, 25, 35);
	assert_true(quic_conflict(p.q, CLIENT));
	pair_crypto(&p, CLIENT, QUIC_INITIAL, &stream, 20, 21);
	assert_false(quic_missing(p.q, CLIENT));
	assert_string_equal(p.log, "0:1:60 ");
	buffer_free(&stream);
	pair_fini(&p);
}

/* Captured in the wrong order: the server's answer waits for the client's packet. */
static void test_server_first(void **state)
{
	struct buffer hello = { 0 }, frames = { 0 }, stream = { 0 };
	struct pair p;

	(void)state;
	pair_init(&p, TLS_MESSAGE_MAX, 4096);
	build_counting(&stream, TLS_CLIENT_HELLO, 60, 1);
	build_crypto(&frames, 0, buffer_bytes(&stream));
	pair_seal(&p, &hello, CLIENT, QUIC_INITIAL, buffer_bytes(&frames));
	pair_hello(&p, SERVER, 90);
	assert_string_equal(p.log, "");
	assert_true(quic_missing(p.q, SERVER));
	/* Its connection ID is too short for a client's first one: not worth a derivation. */
	assert_int_equal(p.q->ends[SERVER].wrong_guesses, 0);
	pair_datagram(&p, CLIENT, &hello);
	assert_string_equal(p.log, "0:1:60 1:2:90 ");
	assert_false(quic_missing(p.q, SERVER));
	buffer_free(&frames);
	buffer_free(&stream);
	pair_fini(&p);
}

static void send_retry(struct pair *p, struct bytes scid)
{
	struct buffer datagram = { 0 };

	buffer_number(&datagram, 1, p->version == QUIC_V2 ? 0xc0 : 0xf0);
	buffer_number(&datagram, 4, p->version);
	buffer_vec(&datagram, 1, bytes_of(NULL, 0));
	buffer_vec(&datagram, 1, scid);
	buffer_add(&datagram, "token and a tag of 16 bytes", 27);
	pair_datagram(p, SERVER, &datagram);
}

/* Half of the ClientHello before the Retry, the other half after it: new keys, the same stream. */
static void test_retry(void **state)
{
	static const uint32_t versions[] = { QUIC_V1, QUIC_V2 };
	struct buffer stream = { 0 };
	struct pair p;

	(void)state;
	build_counting(&stream, TLS_CLIENT_HELLO, 60, 1);
	for (size_t i = 0; i < ARRAY_SIZE(versions); i++) {
		pair_init(&p, TLS_MESSAGE_MAX, QUIC_HELD_MAX);
		pair_use(&p, versions[i], 0x1301);
		pair_crypto(&p, CLIENT, QUIC_INITIAL, &stream, 0, 30);
		/* Shorter than a first connection ID may be. */
		send_retry(&p, bytes_of("cid", 3));
		pair_keys(&p, bytes_of("cid", 3), p.version);
		pair_crypto(&p, CLIENT, QUIC_INITIAL, &stream, 30, 64);
		pair_hello(&p, SERVER, 90);
		assert_string_equal(p.log, "0:1:60 1:2:90 ");
		assert_int_equal(quic_restarts(p.q), 0);
		assert_false(quic_missing(p.q, CLIENT));
		pair_fini(&p);
	}
	buffer_free(&stream);
}

/* The server's connection ID in the client's later packets does not change the keys. */
static void test_new_connection_id(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p, TLS_MESSAGE_MAX, QUIC_HELD_MAX);
	pair_hello(&p, CLIENT, 60);
	pair_hello(&p, SERVER, 90);
	p.dcid = OTHER_CID;
	pair_send(&p, CLIENT, QUIC_INITIAL, bytes_of("\2\0\0\0\0", 5));
	assert_int_equal(quic_restarts(p.q), 0);
	assert_false(quic_missing(p.q, CLIENT));
	pair_fini(&p);
}

/* RFC 9368: the server answers in version 2, with keys of the same connection ID. */
static void test_compatible_version(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p, TLS_MESSAGE_MAX, QUIC_HELD_MAX);
	pair_hello(&p, CLIENT, 60);
	pair_keys(&p, FIRST_CID, QUIC_V2);
	pair_hello(&p, SERVER, 90);
	assert_int_equal(quic_version(p.q), QUIC_V2);
	send_flight(&p, SERVER, 400, 1000);
	assert_true(quic_secret(p.q, &p.memory, SERVER, 0x1301, pair_secret(&p, SERVER)));
	p.dcid = OTHER_CID;
	pair_send(&p, CLIENT, QUIC_INITIAL, bytes_of("\2\0\0\0\0", 5));
	pair_keys(&p, FIRST_CID, QUIC_V1);
	pair_send(&p, CLIENT, QUIC_INITIAL, bytes_of("\1", 1));
	assert_string_equal(p.log, "0:1:60 1:2:90 1:8:20 1:11:400 1:15:100 1:20:32 ");
	assert_false(quic_missing(p.q, CLIENT));
	assert_int_equal(quic_restarts(p.q), 0);
	assert_int_equal(quic_version(p.q), QUIC_V2);
	pair_fini(&p);
}

/* Version Negotiation: the client comes back with another version and begins anew. */
static void test_version_negotiation(void **state)
{
	struct buffer datagram = { 0 };
	struct pair p;

	(void)state;
	pair_init(&p, TLS_MESSAGE_MAX, QUIC_HELD_MAX);
	pair_use(&p, QUIC_V2, 0x1301);
	pair_hello(&p, CLIENT, 60);
	buffer_add(&datagram, "\x80\0\0\0\0\0\x06server\0\0\0\1", 17);
	pair_datagram(&p, SERVER, &datagram);
	pair_keys(&p, FIRST_CID, QUIC_V1);
	pair_hello(&p, CLIENT, 70);
	pair_hello(&p, SERVER, 90);
	assert_string_equal(p.log, "0:1:60 0:1:70 1:2:90 ");
	assert_int_equal(quic_version(p.q), QUIC_V1);
	assert_int_equal(quic_restarts(p.q), 1);
	pair_fini(&p);
}

/* The same ports, used for the next connection. */
static void test_restart(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p, TLS_MESSAGE_MAX, QUIC_HELD_MAX);
	for (uint32_t i = 0; i < 3; i++) {
		uint8_t cid[8] = { (uint8_t)i };

		pair_keys(&p, bytes_of(cid, 8), QUIC_V1);
		p.number[CLIENT] = p.number[SERVER] = 0;
		p.log[0] = '\0';
		pair_hello(&p, CLIENT, 60);
		pair_hello(&p, SERVER, 90);
		assert_int_equal(quic_restarts(p.q), i);
		send_flight(&p, SERVER, 400, 1000);
		assert_true(quic_encrypted(p.q, SERVER));
		assert_true(quic_secret(p.q, &p.memory, SERVER, 0x1301, pair_secret(&p, SERVER)));
		pair_drain(&p);
		assert_string_equal(p.log, "0:1:60 1:2:90 1:8:20 1:11:400 1:15:100 1:20:32 ");
	}
	pair_fini(&p);
}

/* The client's first packet comes once more, when the Retry and the answer to the second are there. */
static void test_late_copy_after_retry(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p, TLS_MESSAGE_MAX, QUIC_HELD_MAX);
	pair_hello(&p, CLIENT, 60);
	send_retry(&p, OTHER_CID);
	pair_keys(&p, OTHER_CID, QUIC_V1);
	pair_hello(&p, CLIENT, 60);
	for (unsigned int i = 0; i < 2; i++) {
		pair_keys(&p, FIRST_CID, QUIC_V1);
		pair_hello(&p, CLIENT, 60);
		pair_keys(&p, OTHER_CID, QUIC_V1);
		if (i == 0)
			pair_hello(&p, SERVER, 90);
	}
	send_flight(&p, SERVER, 400, 1000);
	assert_true(quic_secret(p.q, &p.memory, SERVER, 0x1301, pair_secret(&p, SERVER)));
	pair_drain(&p);
	assert_string_equal(p.log, "0:1:60 1:2:90 1:8:20 1:11:400 1:15:100 1:20:32 ");
	assert_int_equal(quic_restarts(p.q), 0);
	assert_false(quic_missing(p.q, CLIENT));
	pair_fini(&p);
}

/* A ClientHello of another connection, number `i`, from `side`. */
static void send_foreign(struct pair *p, unsigned int side, uint8_t i)
{
	struct pair foreign = { .crypto = p->crypto, .suite = 0x1301 };
	struct buffer datagram = { 0 }, frames = { 0 }, stream = { 0 };
	uint8_t cid[9] = { 0xf0, i };

	pair_keys(&foreign, bytes_of(cid, sizeof(cid)), QUIC_V1);
	build_counting(&stream, TLS_CLIENT_HELLO, 40, 5);
	build_crypto(&frames, 0, buffer_bytes(&stream));
	pair_seal(&foreign, &datagram, CLIENT, QUIC_INITIAL, buffer_bytes(&frames));
	pair_datagram(p, side, &datagram);
	buffer_free(&frames);
	buffer_free(&stream);
}

/* Anybody can make an Initial: before, between and after ours it changes nothing. */
static void test_foreign_initial(void **state)
{
	size_t used;
	struct pair p;

	(void)state;
	pair_init(&p, TLS_MESSAGE_MAX, QUIC_HELD_MAX);
	pair_hello(&p, CLIENT, 60);
	for (uint8_t i = 0; i < 4; i++)
		send_foreign(&p, CLIENT, i);
	used = p.memory.used;
	for (uint8_t i = 4; i < 200; i++)
		send_foreign(&p, CLIENT, i);
	assert_int_equal(p.memory.used, used);
	pair_hello(&p, SERVER, 90);
	send_foreign(&p, CLIENT, 200);
	send_flight(&p, SERVER, 400, 1000);
	send_foreign(&p, CLIENT, 201);
	assert_true(quic_secret(p.q, &p.memory, SERVER, 0x1301, pair_secret(&p, SERVER)));
	pair_drain(&p);
	assert_string_equal(p.log, "0:1:60 1:2:90 1:8:20 1:11:400 1:15:100 1:20:32 ");
	assert_int_equal(quic_restarts(p.q), 0);
	assert_false(quic_missing(p.q, CLIENT));
	assert_false(quic_missing(p.q, SERVER));
	pair_fini(&p);
}

/* One that came first gives way to ours when the server answers. */
static void test_foreign_before_reuse(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p, TLS_MESSAGE_MAX, QUIC_HELD_MAX);
	send_foreign(&p, CLIENT, 1);
	assert_string_equal(p.log, "0:1:40 ");
	pair_hello(&p, CLIENT, 60);
	send_foreign(&p, CLIENT, 2);
	assert_string_equal(p.log, "0:1:40 ");
	assert_int_equal(quic_restarts(p.q), 0);
	pair_hello(&p, SERVER, 90);
	assert_string_equal(p.log, "0:1:40 0:1:60 1:2:90 ");
	assert_int_equal(quic_restarts(p.q), 1);
	pair_fini(&p);
}

static void test_foreign_in_the_servers_name(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p, TLS_MESSAGE_MAX, QUIC_HELD_MAX);
	send_foreign(&p, SERVER, 1);
	assert_int_equal(quic_client_side(p.q), SERVER);
	pair_hello(&p, CLIENT, 60);
	pair_hello(&p, SERVER, 90);
	assert_int_equal(quic_client_side(p.q), CLIENT);
	assert_string_equal(p.log, "1:1:40 0:1:60 1:2:90 ");
	pair_fini(&p);
}

/* The ports are used again, and this time the server asks for a second Initial. */
static void test_reuse_with_retry(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p, TLS_MESSAGE_MAX, QUIC_HELD_MAX);
	pair_hello(&p, CLIENT, 60);
	pair_hello(&p, SERVER, 90);
	pair_keys(&p, OTHER_CID, QUIC_V2);
	p.number[CLIENT] = p.number[SERVER] = 0;
	pair_hello(&p, CLIENT, 70);
	send_retry(&p, bytes_of("cid", 3));
	pair_keys(&p, bytes_of("cid", 3), QUIC_V2);
	pair_hello(&p, CLIENT, 70);
	assert_string_equal(p.log, "0:1:60 1:2:90 ");
	pair_hello(&p, SERVER, 100);
	assert_string_equal(p.log, "0:1:60 1:2:90 0:1:70 1:2:100 ");
	assert_int_equal(quic_restarts(p.q), 1);
	assert_false(quic_missing(p.q, CLIENT));
	pair_fini(&p);
}

/* The server's Initial was not captured: its Handshake packets bear the ID that the client chose. */
static void test_candidate_answered_by_its_id(void **state)
{
	struct buffer datagram = { 0 }, frames = { 0 }, stream = { 0 };
	struct seal s = { .type = QUIC_INITIAL, .version = QUIC_V1, .dcid = OTHER_CID, .scid = FIRST_CID };
	struct pair p;

	(void)state;
	pair_init(&p, TLS_MESSAGE_MAX, QUIC_HELD_MAX);
	pair_hello(&p, CLIENT, 60);
	pair_hello(&p, SERVER, 90);
	pair_keys(&p, OTHER_CID, QUIC_V1);
	build_counting(&stream, TLS_CLIENT_HELLO, 70, 3);
	build_crypto(&frames, 0, buffer_bytes(&stream));
	seal_packet(&datagram, &p.initial[CLIENT], &s, buffer_bytes(&frames));
	pair_datagram(&p, CLIENT, &datagram);
	assert_int_equal(quic_restarts(p.q), 0);
	buffer_clear(&frames);
	build_ack(&frames);
	s = (struct seal){ .type = QUIC_HANDSHAKE, .version = QUIC_V1, .dcid = FIRST_CID,
			   .suite = p.suite };
	seal_packet(&datagram, &p.handshake[SERVER], &s, buffer_bytes(&frames));
	pair_datagram(&p, SERVER, &datagram);
	assert_int_equal(quic_restarts(p.q), 1);
	assert_string_equal(p.log, "0:1:60 1:2:90 0:1:70 ");
	assert_true(quic_encrypted(p.q, SERVER));
	buffer_free(&frames);
	buffer_free(&stream);
	pair_fini(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_late_copy_after_retry),
		cmocka_unit_test(test_foreign_initial),
		cmocka_unit_test(test_foreign_before_reuse),
		cmocka_unit_test(test_foreign_in_the_servers_name),
		cmocka_unit_test(test_reuse_with_retry),
		cmocka_unit_test(test_candidate_answered_by_its_id),
		cmocka_unit_test(test_versions_and_suites),
		cmocka_unit_test(test_client_is_found),
		cmocka_unit_test(test_secret_after_the_flight),
		cmocka_unit_test(test_wrong_secret_first),
		cmocka_unit_test(test_held_packets_are_bounded),
		cmocka_unit_test(test_coalesced),
		cmocka_unit_test(test_pieces_in_any_order),
		cmocka_unit_test(test_packet_numbers_go_on),
		cmocka_unit_test(test_gap),
		cmocka_unit_test(test_server_first),
		cmocka_unit_test(test_retry),
		cmocka_unit_test(test_new_connection_id),
		cmocka_unit_test(test_compatible_version),
		cmocka_unit_test(test_version_negotiation),
		cmocka_unit_test(test_restart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
