/* SPDX-License-Identifier: Apache-2.0 */
/* Frames and messages as nobody sends them in good faith: every limit, and what it costs. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/hex.h"
#include "tests/unit/quic_pair.h"

static const struct frames_case {
	const char *name, *hex;
	int crypto_len;          /* of the first CRYPTO frame; -1: none is found */
} frames_cases[] = {
	{ "nothing", "", -1 },
	{ "padding only", "00000000", -1 },
	{ "padding, ping, crypto", "00000100060002abcd", 2 },
	{ "empty crypto", "060000", 0 },
	{ "type in two bytes", "4006000111", 1 },
	{ "ack, crypto", "0205000000" "06000155", 1 },
	{ "ack with two ranges", "02090002" "01" "0001" "0001" "06000155", 1 },
	{ "ack with ecn", "0305000000" "010203" "06000155", 1 },
	{ "ack of 2^62-1 ranges", "0205" "00" "ffffffffffffffff" "00" "06000155", -1 },
	{ "ack cut off", "0205", -1 },
	{ "close, crypto", "1c0a06" "03414243" "06000155", 1 },
	{ "close with a reason beyond the end", "1c0a06" "7fff4142", -1 },
	{ "crypto beyond the end", "060003abcd", -1 },
	{ "crypto of 2^62-1", "0600ffffffffffffffffabcd", -1 },
	{ "crypto at 2^62-1", "06ffffffffffffffff01ab", 1 },
	{ "crypto without length", "0600", -1 },
	{ "varint cut off", "c0", -1 },
	{ "stream", "0801020304" "06000155", -1 },
	{ "type 2^62-1", "ffffffffffffffff", -1 },
};

static void test_frames(void **state)
{
	struct quic_crypto_frame frame;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(frames_cases); i++) {
		const struct frames_case *c = &frames_cases[i];
		size_t len = strlen(c->hex) / 2;
		uint8_t *data = malloc(len ? len : 1);
		struct bytes payload;
		bool found;

		assert_non_null(data);
		hex_read(c->hex, data, len);
		payload = bytes_of(data, len);
		found = quic_frame_crypto(&payload, &frame);
		if ((found ? (int)frame.data.len : -1) != c->crypto_len)
			fail_msg("%s", c->name);
		/* Every prefix ends somewhere, and reads nothing beyond. */
		for (size_t cut = 0; cut < len; cut++) {
			uint8_t *copy = bytes_copy(bytes_of(data, cut));

			payload = bytes_of(copy, cut);
			while (quic_frame_crypto(&payload, &frame))
				assert_true(frame.data.len <= cut);
			free(copy);
		}
		free(data);
	}
}

static void test_offsets(void **state)
{
	static const uint64_t offsets[] = {
		(1ull << 62) - 1, 1ull << 32, (1ull << 32) + 10, 1u << 31, (1u << 29) + 1,
	};
	struct pair p;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(offsets); i++) {
		struct buffer frames = { 0 };

		pair_init(&p, TLS_MESSAGE_MAX, QUIC_HELD_MAX);
		build_crypto(&frames, offsets[i], bytes_of("\1\0\0\1a", 5));
		pair_send(&p, CLIENT, QUIC_INITIAL, buffer_bytes(&frames));
		buffer_free(&frames);
		assert_int_equal(quic_client_side(p.q), CLIENT);
		assert_true(quic_missing(p.q, CLIENT));
		assert_int_equal(p.q->ends[CLIENT].spaces[0].stream.num_ranges, 0);
		pair_hello(&p, CLIENT, 60);          /* goes on all the same */
		assert_string_equal(p.log, "0:1:60 ");
		pair_fini(&p);
	}
}

/* A byte here and there: the ranges are bounded, and so is the memory. */
static void test_gaps_of_one_byte(void **state)
{
	struct buffer stream = { 0 };
	size_t before;
	struct pair p;

	(void)state;
	pair_init(&p, TLS_MESSAGE_MAX, QUIC_HELD_MAX);
	build_counting(&stream, TLS_CLIENT_HELLO, 4000, 1);
	before = p.memory.used;
	for (size_t at = 1; at < stream.len; at += 200) {
		struct buffer frames = { 0 };

		for (size_t i = at; i < at + 200 && i < stream.len; i += 2)
			build_crypto(&frames, i, bytes_of(stream.data + i, 1));
		pair_send(&p, CLIENT, QUIC_INITIAL, buffer_bytes(&frames));
		buffer_free(&frames);
	}
	assert_int_equal(p.q->ends[CLIENT].spaces[0].stream.num_ranges, 256);
	assert_true(p.memory.used - before < 64u << 10);
	assert_true(quic_missing(p.q, CLIENT));
	assert_string_equal(p.log, "");
	buffer_free(&stream);
	pair_fini(&p);
}

/* What does not fit into the ranges must not take along the bytes in front that were next. */
static void test_next_bytes_survive_a_full_stream(void **state)
{
	struct buffer stream = { 0 };
	struct pair p;

	(void)state;
	pair_init(&p, TLS_MESSAGE_MAX, QUIC_HELD_MAX);
	build_counting(&stream, TLS_CLIENT_HELLO, 60, 1);
	build_counting(&stream, TLS_CLIENT_HELLO, 2000, 1);
	for (size_t at = 80; at < 80 + 2 * 256; at += 2)
		pair_crypto(&p, CLIENT, QUIC_INITIAL, &stream, at, at + 1);
	assert_int_equal(p.q->ends[CLIENT].spaces[0].stream.num_ranges, 256);
	pair_crypto(&p, CLIENT, QUIC_INITIAL, &stream, 0, stream.len);
	assert_true(quic_missing(p.q, CLIENT));
	assert_string_equal(p.log, "0:1:60 ");
	buffer_free(&stream);
	pair_fini(&p);
}

/* The length field says 16 MiB: what is taken follows the bytes that came. */
static void test_length_never_allocates(void **state)
{
	struct buffer frames = { 0 };
	size_t before;
	struct pair p;

	(void)state;
	pair_init(&p, 0xffffff, QUIC_HELD_MAX);
	before = p.memory.used;
	build_crypto(&frames, 0, bytes_of("\1\xff\xff\xff" "abc", 7));
	pair_send(&p, CLIENT, QUIC_INITIAL, buffer_bytes(&frames));
	assert_true(p.memory.used - before < 1024);
	assert_true(quic_unfinished(p.q, CLIENT));
	buffer_free(&frames);
	pair_fini(&p);
}

/* Over message_max: a Certificate comes in parts, another message is passed over and named once. */
static void test_oversize(void **state)
{
	struct buffer stream = { 0 };
	struct pair p;

	(void)state;
	pair_init(&p, 1000, QUIC_HELD_MAX);
	pair_hello(&p, CLIENT, 1000);
	pair_hello(&p, SERVER, 1001);
	assert_true(quic_secret(p.q, &p.memory, SERVER, 0x1301, pair_secret(&p, SERVER)));
	build_flight(&stream, 5000);
	for (size_t at = 0; at < stream.len; at += 700)
		pair_crypto(&p, SERVER, QUIC_HANDSHAKE, &stream, at,
			    stream.len - at < 700 ? stream.len : at + 700);
	assert_string_equal(p.log, "0:1:1000 1:s2:1001 1:8:20 1:p11:5000 1:15:100 1:20:32 ");
	assert_false(quic_missing(p.q, SERVER));
	buffer_free(&stream);
	pair_fini(&p);
}

/* With any budget: no crash, nothing kept, and what was refused is said. */
static void test_budget(void **state)
{
	struct buffer stream = { 0 };
	unsigned int whole = 0;
	struct pair p;

	(void)state;
	build_flight(&stream, 3000);
	for (size_t max = 0; max < 20000; max += 150) {
		pair_init(&p, TLS_MESSAGE_MAX, QUIC_HELD_MAX);
		p.memory.max = p.memory.used + max;
		pair_hello(&p, CLIENT, 300);
		pair_hello(&p, SERVER, 90);
		for (size_t at = 0; at < stream.len; at += 1000)
			pair_crypto(&p, SERVER, QUIC_HANDSHAKE, &stream, at,
				    stream.len - at < 1000 ? stream.len : at + 1000);
		(void)quic_secret(p.q, &p.memory, SERVER, 0x1301, pair_secret(&p, SERVER));
		pair_drain(&p);
		if (strstr(p.log, "1:20:32"))
			whole++;
		else
			assert_true(p.memory.refused > 0);
		pair_fini(&p);
	}
	assert_true(whole > 10 && whole < 130);
	buffer_free(&stream);
}

/* A reader that does not call quic_next(): the queue ends somewhere. */
static void test_queue_is_bounded(void **state)
{
	struct buffer empty = { 0 };
	struct pair p;

	(void)state;
	pair_init(&p, 1000, QUIC_HELD_MAX);
	pair_hello(&p, CLIENT, 60);
	for (int i = 0; i < 250; i++)
		build_counting(&empty, TLS_HELLO_REQUEST, 0, 0);
	for (size_t i = 0; i < 100; i++) {
		struct buffer datagram = { 0 }, frames = { 0 };

		build_crypto(&frames, 64 + i * empty.len, buffer_bytes(&empty));
		pair_seal(&p, &datagram, CLIENT, QUIC_INITIAL, buffer_bytes(&frames));
		quic_datagram(p.q, &p.memory, CLIENT, buffer_bytes(&datagram));
		buffer_free(&frames);
		buffer_free(&datagram);
	}
	assert_true(p.memory.used < 512u << 10);
	assert_true(quic_missing(p.q, CLIENT));
	buffer_free(&empty);
	pair_fini(&p);
}

/* A packet that looks right and opens with no key costs one derivation for a direction. */
static void test_wrong_guesses_are_cheap(void **state)
{
	uint64_t random = 7;
	struct pair p;

	(void)state;
	pair_init(&p, TLS_MESSAGE_MAX, QUIC_HELD_MAX);
	for (unsigned int i = 0; i < 2000; i++) {
		uint8_t head[] = { 0xc3, 0, 0, 0, 1, 8, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0x44, 0x9e };
		uint8_t data[1200];

		random_fill(&random, data, sizeof(data));
		head[7] = (uint8_t)i;
		memcpy(data, head, sizeof(head));
		assert_true(quic_begins(bytes_of(data, sizeof(data))));
		quic_datagram(p.q, &p.memory, i & 1, bytes_of(data, sizeof(data)));
	}
	pair_drain(&p);
	assert_string_equal(p.log, "");
	assert_int_equal(p.q->ends[0].wrong_guesses, 1);
	assert_int_equal(p.q->ends[1].wrong_guesses, 1);
	assert_true(p.q->held_len <= QUIC_HELD_MAX);
	assert_int_equal(quic_client_side(p.q), -1);
	assert_true(quic_missing(p.q, 0));
	pair_fini(&p);
}

/* Retry and Version Negotiation without end invite no more guesses than a few. */
static void test_invitations_are_bounded(void **state)
{
	uint8_t retry[] = { 0xf0, 0, 0, 0, 1, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8, 't' };
	uint8_t data[200] = { 0xc3, 0, 0, 0, 1, 8, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0x40, 0xb0 };
	struct pair p;

	(void)state;
	pair_init(&p, TLS_MESSAGE_MAX, 0);
	pair_hello(&p, CLIENT, 60);
	for (unsigned int i = 0; i < 100; i++) {
		retry[7] = data[6] = (uint8_t)i;
		quic_datagram(p.q, &p.memory, SERVER, bytes_of(retry, sizeof(retry)));
		quic_datagram(p.q, &p.memory, CLIENT, bytes_of(data, sizeof(data)));
	}
	assert_int_equal(p.q->ends[CLIENT].wrong_guesses, 4);
	assert_int_equal(quic_restarts(p.q), 0);
	pair_fini(&p);
}

/* Many tiny packets in one datagram: only the first ones are looked at. */
static void test_many_packets(void **state)
{
	struct buffer datagram = { 0 }, stream = { 0 };
	struct pair p;

	(void)state;
	pair_init(&p, TLS_MESSAGE_MAX, QUIC_HELD_MAX);
	build_counting(&stream, TLS_CLIENT_HELLO, 36, 1);
	for (size_t i = 0; i < stream.len; i++) {
		struct buffer frames = { 0 };

		build_crypto(&frames, i, bytes_of(stream.data + i, 1));
		pair_seal(&p, &datagram, CLIENT, QUIC_INITIAL, buffer_bytes(&frames));
		buffer_free(&frames);
	}
	pair_datagram(&p, CLIENT, &datagram);
	assert_int_equal(p.q->ends[CLIENT].spaces[0].stream.next, 16);
	assert_string_equal(p.log, "");
	buffer_free(&stream);
	pair_fini(&p);
}

/* A datagram that the capture cut off at any length says that something is missing. */
static void test_cut(void **state)
{
	struct buffer datagram = { 0 }, frames = { 0 }, stream = { 0 };
	struct pair p;

	(void)state;
	pair_init(&p, TLS_MESSAGE_MAX, QUIC_HELD_MAX);
	build_counting(&stream, TLS_CLIENT_HELLO, 100, 1);
	build_crypto(&frames, 0, buffer_bytes(&stream));
	pair_seal(&p, &datagram, CLIENT, QUIC_INITIAL, buffer_bytes(&frames));
	for (size_t len = 0; len < datagram.len; len++) {
		uint8_t *copy = bytes_copy(bytes_of(datagram.data, len));

		quic_datagram(p.q, &p.memory, CLIENT, bytes_of(copy, len));
		/* 18 bytes of header come before the packet number. */
		assert_true(quic_begins(bytes_of(copy, len)) == (len >= 18));
		assert_true(quic_missing(p.q, CLIENT) == (len >= 18));
		free(copy);
	}
	assert_int_equal(p.q->ends[CLIENT].wrong_guesses, 0);
	pair_datagram(&p, CLIENT, &datagram);
	assert_string_equal(p.log, "0:1:100 ");
	buffer_free(&frames);
	buffer_free(&stream);
	pair_fini(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_frames),
		cmocka_unit_test(test_offsets),
		cmocka_unit_test(test_gaps_of_one_byte),
		cmocka_unit_test(test_next_bytes_survive_a_full_stream),
		cmocka_unit_test(test_length_never_allocates),
		cmocka_unit_test(test_oversize),
		cmocka_unit_test(test_budget),
		cmocka_unit_test(test_queue_is_bounded),
		cmocka_unit_test(test_wrong_guesses_are_cheap),
		cmocka_unit_test(test_invitations_are_bounded),
		cmocka_unit_test(test_many_packets),
		cmocka_unit_test(test_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
