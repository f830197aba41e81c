/* SPDX-License-Identifier: Apache-2.0 */
/* EAP methods that carry TLS: fragments joined, repeated packets dropped, losses noticed. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/eap_build.h"

struct talk {
	struct eap_tls eap;
	struct buffer got[2];
	uint32_t missed[2];
	unsigned int begun, ended;
};

static enum eap_tls_said feed(struct talk *t, struct buffer *b)
{
	uint8_t *copy = bytes_copy(buffer_bytes(b));
	struct eap_tls_piece piece = { .end = 7 };
	enum eap_tls_said said = EAP_TLS_NOTHING;
	struct eap_packet packet;

	assert_true(eap_parse(bytes_of(copy, b->len), &packet));
	said = eap_tls_feed(&t->eap, &packet, &piece);
	if (said == EAP_TLS_BYTES) {
		assert_int_equal(piece.end, packet.code == EAP_REQUEST);
		buffer_add_bytes(&t->got[piece.end], piece.tls);
		t->missed[piece.end] += piece.missed;
	}
	t->begun += said == EAP_TLS_BEGINS;
	t->ended += said == EAP_TLS_ENDS;
	free(copy);
	buffer_clear(b);
	return said;
}

static void say(struct talk *t, uint8_t code, uint8_t identifier, uint8_t type, uint8_t flags,
		uint32_t total, const char *data)
{
	struct buffer b = { 0 };

	eap_build(&b, code, identifier, type, flags, total, data);
	feed(t, &b);
	buffer_free(&b);
}

static void say_end(struct talk *t, uint8_t code)
{
	struct buffer b = { 0 };

	eap_build_end(&b, code, 9);
	assert_int_equal(feed(t, &b), EAP_TLS_ENDS);
	buffer_free(&b);
}

static void expect(struct talk *t, unsigned int end, const char *wanted)
{
	assert_int_equal(t->got[end].len, strlen(wanted));
	if (*wanted)
		assert_memory_equal(t->got[end].data, wanted, strlen(wanted));
}

static void finish(struct talk *t)
{
	buffer_free(&t->got[0]);
	buffer_free(&t->got[1]);
}

/* Every packet twice; the length in the first fragment only, or in each. */
static void test_conversation(void **state)
{
	static const uint8_t types[] = { 13, 21, 25, 43, 55 };
	static const char *const names[] = { "eap-tls", "eap-ttls", "peap", "eap-fast", "teap" };

	(void)state;
	for (size_t i = 0; i < 2 * ARRAY_SIZE(types); i++) {
		uint8_t type = types[i / 2], again = i % 2 ? EAP_FLAG_LENGTH : 0;
		struct talk t = { 0 };

		assert_string_equal(eap_tls_name(&t.eap), "eap");
		for (int n = 0; n < 2; n++)
			say(&t, EAP_REQUEST, 1, EAP_TYPE_IDENTITY, 0, 0, "who");
		for (int n = 0; n < 2; n++)
			say(&t, EAP_REQUEST, 2, type, EAP_FLAG_START | 1, 0, "authority");
		for (int n = 0; n < 2; n++)
			say(&t, EAP_RESPONSE, 2, type, EAP_FLAG_LENGTH, 5, "hello");
		for (int n = 0; n < 2; n++)
			say(&t, EAP_REQUEST, 3, type, EAP_FLAG_LENGTH | EAP_FLAG_MORE, 9, "abc");
		for (int n = 0; n < 2; n++)
			say(&t, EAP_RESPONSE, 3, type, 0, 0, "");
		for (int n = 0; n < 2; n++)
			say(&t, EAP_REQUEST, 4, type, EAP_FLAG_MORE | again, 9, "def");
		say(&t, EAP_RESPONSE, 4, type, 0, 0, "");
		say(&t, EAP_REQUEST, 5, type, again, 9, "ghi");
		say(&t, EAP_RESPONSE, 5, type, EAP_FLAG_MORE, 0, "more");
		say(&t, EAP_REQUEST, 6, type, 0, 0, "");
		say(&t, EAP_RESPONSE, 6, type, 0, 0, "over");
		assert_string_equal(eap_tls_name(&t.eap), names[i / 2]);
		say_end(&t, EAP_SUCCESS);
		expect(&t, 0, "hellomoreover");
		expect(&t, 1, "abcdefghi");
		assert_int_equal(t.missed[0] + t.missed[1], 0);
		assert_int_equal(t.begun, 1);
		assert_int_equal(t.ended, 1);
		finish(&t);
	}
}

static void test_lost_fragment(void **state)
{
	struct talk t = { 0 };

	(void)state;
	say(&t, EAP_REQUEST, 254, EAP_TYPE_TLS, EAP_FLAG_START, 0, "");
	say(&t, EAP_REQUEST, 255, EAP_TYPE_TLS, EAP_FLAG_LENGTH | EAP_FLAG_MORE, 9, "abc");
	say(&t, EAP_REQUEST, 1, EAP_TYPE_TLS, 0, 0, "ghi");
	expect(&t, 1, "abcghi");
	assert_int_equal(t.missed[1], 1);
	/* The first fragment of a message, and numbers that jump between messages, miss nothing. */
	say(&t, EAP_REQUEST, 77, EAP_TYPE_TLS, EAP_FLAG_LENGTH, 3, "jkl");
	assert_int_equal(t.missed[1], 1);
	/* The numbers do not tell, but the length does. */
	say(&t, EAP_REQUEST, 78, EAP_TYPE_TLS, EAP_FLAG_LENGTH | EAP_FLAG_MORE, 30, "m");
	say(&t, EAP_REQUEST, 178, EAP_TYPE_TLS, 0, 0, "n");
	assert_int_equal(t.missed[1], 2);
	finish(&t);
}

/* The server offers one method, the peer wants another; later the peer comes again. */
static void test_begins_anew(void **state)
{
	struct talk t = { 0 };

	(void)state;
	say(&t, EAP_REQUEST, 1, EAP_TYPE_PEAP, EAP_FLAG_START, 0, "");
	say(&t, EAP_RESPONSE, 1, 3, EAP_TYPE_TLS, 0, "");
	say(&t, EAP_REQUEST, 2, EAP_TYPE_TLS, EAP_FLAG_START, 0, "");
	say(&t, EAP_RESPONSE, 2, EAP_TYPE_TLS, 0, 0, "one");
	say_end(&t, EAP_FAILURE);
	say(&t, EAP_REQUEST, 2, EAP_TYPE_TLS, EAP_FLAG_START, 0, "");
	say(&t, EAP_RESPONSE, 2, EAP_TYPE_TLS, 0, 0, "two");
	expect(&t, 0, "onetwo");
	assert_int_equal(t.begun, 3);
	finish(&t);
}

/* TEAP has TLVs of its own behind the TLS data; a length beyond the packet is refused. */
static void test_outer_tlvs(void **state)
{
	struct talk t = { 0 };

	(void)state;
	say(&t, EAP_RESPONSE, 1, EAP_TYPE_TEAP, EAP_FLAG_OUTER, 0, "\1\1\1\1too short");
	expect(&t, 0, "");
	finish(&t);
}

static void test_packets(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		bool good;
	} cases[] = {
		{ "\1\7\0\6\x0d\x20", 6, true },  { "\1\7\0\5\1", 5, true },
		{ "\3\7\0\4", 4, true },          { "\4\7\0\4", 4, true },
		{ "\3\7\0\5x", 5, false },        { "\1\7\0\4", 4, false },
		{ "\1\7\0\7\x0d\x20", 6, false }, { "\1\7\0\5\x0d\x20", 6, false },
		{ "\5\7\0\5x", 5, false },        { "\1\7\0", 3, false },
	};
	struct eap_packet packet;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(eap_parse(bytes_of(cases[i].bytes, cases[i].len), &packet),
				 cases[i].good);
}

/* Padding of short Ethernet frames is left out; keys, starts and logoffs hold no EAP. */
static void test_eapol(void **state)
{
	struct bytes eap;

	(void)state;
	assert_true(eap_eapol(bytes_of("\1\0\0\5\2\1\0\5\1padding", 16), &eap));
	assert_int_equal(eap.len, 5);
	assert_true(eap_eapol(bytes_of("\3\0\0\4\3\1\0\4", 8), &eap));
	assert_false(eap_eapol(bytes_of("\0\0\0\4\3\1\0\4", 8), &eap));
	assert_false(eap_eapol(bytes_of("\4\0\0\4\3\1\0\4", 8), &eap));
	assert_false(eap_eapol(bytes_of("\2\3\0\4\3\1\0\4", 8), &eap));
	assert_false(eap_eapol(bytes_of("\2\0\0\5\3\1\0\4", 8), &eap));
	assert_false(eap_eapol(bytes_of("\2\0\0\3\3\1\0", 7), &eap));
}

/* Whatever comes: pieces lie within the packet, and lengths stay within bounds. */
static void test_noise(void **state)
{
	struct eap_tls eap = { 0 };
	struct eap_tls_piece piece;
	struct eap_packet packet;
	uint8_t noise[40];
	uint64_t seed = 3;

	(void)state;
	for (int i = 0; i < 100000; i++) {
		size_t len = 4 + random_below(&seed, sizeof(noise) - 4);

		random_fill(&seed, noise, sizeof(noise));
		noise[0] = (uint8_t)(1 + noise[0] % 2);
		noise[2] = 0;
		noise[3] = (uint8_t)len;
		noise[4] = i % 2 ? EAP_TYPE_TLS : EAP_TYPE_TEAP;
		if (!eap_parse(bytes_of(noise, len), &packet) ||
		    eap_tls_feed(&eap, &packet, &piece) != EAP_TLS_BYTES)
			continue;
		assert_true(piece.tls.len > 0 && piece.tls.data >= noise + 6 &&
			    piece.tls.data + piece.tls.len <= noise + len);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_conversation), cmocka_unit_test(test_lost_fragment),
		cmocka_unit_test(test_begins_anew),  cmocka_unit_test(test_outer_tlvs),
		cmocka_unit_test(test_packets),      cmocka_unit_test(test_eapol),
		cmocka_unit_test(test_noise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
