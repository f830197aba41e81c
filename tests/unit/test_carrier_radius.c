/* SPDX-License-Identifier: Apache-2.0 */
/* EAP in RADIUS: conversations that share a pair of ports are told apart. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/carrier_run.h"
#include "tests/unit/eap_build.h"

#define REQUEST 1
#define ACCEPT 2
#define CHALLENGE 11

static void add_attribute(struct buffer *b, uint8_t type, struct bytes value)
{
	buffer_number(b, 1, type);
	buffer_number(b, 1, (uint32_t)value.len + 2);
	buffer_add_bytes(b, value);
}

/* EAP in pieces of at most 253 bytes, or of `piece`. */
static void add_eap(struct buffer *b, struct bytes eap, size_t piece)
{
	struct bytes part = { 0 };

	while (eap.len > 0) {
		assert_true(bytes_take(&eap, eap.len < piece ? eap.len : piece, &part));
		add_attribute(b, 79, part);
	}
}

static void build(struct buffer *out, uint8_t code, uint8_t identifier, uint8_t authenticator,
		  const char *state, const struct buffer *eap)
{
	static const uint8_t zeros[16];
	struct buffer b = { 0 };

	add_attribute(&b, 1, bytes_of("user", 4));
	add_eap(&b, buffer_bytes(eap), 253);
	if (*state)
		add_attribute(&b, 24, bytes_of(state, strlen(state)));
	add_attribute(&b, 80, bytes_of(zeros, 16));
	buffer_number(out, 1, code);
	buffer_number(out, 1, identifier);
	buffer_number(out, 2, (uint32_t)b.len + 20);
	for (int i = 0; i < 16; i++)
		buffer_number(out, 1, authenticator);
	buffer_add_bytes(out, buffer_bytes(&b));
	buffer_free(&b);
}

static const struct carrier_ops *radius(void)
{
	const struct carrier_ops *ops;
	struct buffer eap = { 0 }, b = { 0 };

	eap_build(&eap, EAP_RESPONSE, 1, EAP_TYPE_IDENTITY, 'u', 0, "ser");
	build(&b, REQUEST, 1, 1, "", &eap);
	assert_int_equal(carrier_recognise(CARRIER_OVER_UDP, buffer_bytes(&b), &ops), PARSE_OK);
	assert_string_equal(carrier_name(ops), "radius-eap");
	for (size_t len = 1; len < b.len; len++)
		assert_int_equal(carrier_recognise(CARRIER_OVER_UDP, bytes_of(b.data, len), &ops),
				 PARSE_BAD);
	buffer_free(&eap);
	buffer_free(&b);
	return ops;
}

/* One packet; the authenticators of Requests differ as their identifiers and states do. */
static void say(struct carrier_run *r, uint8_t code, uint8_t identifier, const char *state,
		uint8_t eap_id, uint8_t flags, const char *tls)
{
	struct buffer eap = { 0 }, b = { 0 };

	eap_build(&eap, code == REQUEST ? EAP_RESPONSE : EAP_REQUEST, eap_id, EAP_TYPE_TLS, flags,
		  (uint32_t)strlen(tls), tls);
	build(&b, code, identifier, (uint8_t)(identifier + 40 * (*state & 7)), state, &eap);
	carrier_run_feed(r, code != REQUEST, buffer_bytes(&b));
	buffer_free(&eap);
	buffer_free(&b);
}

static void expect(struct carrier_run *r, unsigned int side, uint32_t conversation,
		   const char *wanted)
{
	carrier_run_expect(r, side, conversation, bytes_of(wanted, strlen(wanted)));
}

/* Two devices at once; the identifiers of RADIUS and of EAP are the same for both. */
static void test_two_conversations(void **state)
{
	struct carrier_run r;
	struct buffer eap = { 0 }, b = { 0 };

	(void)state;
	carrier_run_begin(&r, radius());
	for (uint8_t device = 0; device < 2; device++) {
		eap_build(&eap, EAP_RESPONSE, 1, EAP_TYPE_IDENTITY, 'u', 0, "ser");
		build(&b, REQUEST, device, 100 + device, "", &eap);
		carrier_run_feed(&r, 0, buffer_bytes(&b));
		buffer_clear(&b);
		buffer_clear(&eap);
		say(&r, CHALLENGE, device, device ? "b1" : "a1", 2, EAP_FLAG_START, "");
	}
	for (int repeated = 0; repeated < 2; repeated++) {
		say(&r, REQUEST, 10, "a1", 2, 0, "hello A");
		say(&r, REQUEST, 11, "b1", 2, 0, "hello B");
		say(&r, CHALLENGE, 11, "b2", 3, 0, "chain B");
		say(&r, CHALLENGE, 10, "a2", 3, EAP_FLAG_MORE | EAP_FLAG_LENGTH, "cha");
	}
	say(&r, REQUEST, 12, "a2", 3, 0, "");
	say(&r, CHALLENGE, 12, "a3", 4, 0, "in A");
	expect(&r, 0, 1, "hello A");
	expect(&r, 0, 2, "hello B");
	expect(&r, 1, 1, "chain A");
	expect(&r, 1, 2, "chain B");
	eap_build_end(&eap, EAP_SUCCESS, 4);
	build(&b, ACCEPT, 12, 1, "", &eap);
	carrier_run_feed(&r, 1, buffer_bytes(&b));
	assert_int_equal(r.num_ended, 1);
	assert_int_equal(r.last_ended, 1);
	carrier_run_end(&r);
	buffer_free(&eap);
	buffer_free(&b);
}

/*
 * However many begin and never end, only so many are followed; the oldest make room, and that is
 * told.
 */
static void test_bounded(void **state)
{
	char name[] = "A0";
	struct carrier_run r;

	(void)state;
	carrier_run_begin(&r, radius());
	for (int i = 0; i < 1000; i++) {
		name[0] = (char)('A' + i / 64);
		name[1] = (char)('0' + i % 64);
		say(&r, REQUEST, (uint8_t)i, name, 2, 0, "x");
	}
	assert_int_equal(r.num_ended, 1000 - 64);
	assert_int_equal(r.last_ended, 1000 - 64);
	carrier_run_end(&r);
}

/*
 * A Request that is sent again, before there is a State to know it by, begins no second
 * conversation.
 */
static void test_repeated_request(void **state)
{
	struct carrier_run r;

	(void)state;
	carrier_run_begin(&r, radius());
	for (int i = 0; i < 3; i++)
		say(&r, REQUEST, 1, "", 1, 0, "hello");
	expect(&r, 0, 1, "hello");
	assert_int_equal(r.num_pieces, 1);
	carrier_run_end(&r);
}

/* The server goes on to another method in the same conversation. */
static void test_second_method(void **state)
{
	struct carrier_run r;
	struct buffer eap = { 0 }, b = { 0 };

	(void)state;
	carrier_run_begin(&r, radius());
	say(&r, REQUEST, 1, "s1", 1, 0, "one");
	eap_build(&eap, EAP_REQUEST, 2, EAP_TYPE_PEAP, EAP_FLAG_START, 0, "");
	build(&b, CHALLENGE, 1, 9, "s2", &eap);
	carrier_run_feed(&r, 1, buffer_bytes(&b));
	assert_int_equal(r.last_ended, 1);
	buffer_clear(&eap);
	buffer_clear(&b);
	eap_build(&eap, EAP_RESPONSE, 2, EAP_TYPE_PEAP, 0, 0, "two");
	build(&b, REQUEST, 2, 10, "s2", &eap);
	carrier_run_feed(&r, 0, buffer_bytes(&b));
	expect(&r, 0, 1, "one");
	expect(&r, 0, 2, "two");
	carrier_run_end(&r);
	buffer_free(&eap);
	buffer_free(&b);
}

/* EAP cut into many attributes, each of one byte. */
static void test_pieces(void **state)
{
	struct carrier_run r;
	struct buffer eap = { 0 }, b = { 0 }, attributes = { 0 };
	static const uint8_t zeros[16];

	(void)state;
	carrier_run_begin(&r, radius());
	eap_build(&eap, EAP_RESPONSE, 2, EAP_TYPE_TLS, 0, 0, "a longer hello");
	add_eap(&attributes, buffer_bytes(&eap), 1);
	add_attribute(&attributes, 80, bytes_of(zeros, 16));
	buffer_number(&b, 2, REQUEST << 8 | 3);
	buffer_number(&b, 2, (uint32_t)attributes.len + 20);
	buffer_add(&b, zeros, 16);
	buffer_add_bytes(&b, buffer_bytes(&attributes));
	carrier_run_feed(&r, 0, buffer_bytes(&b));
	expect(&r, 0, 1, "a longer hello");
	carrier_run_end(&r);
	buffer_free(&eap);
	buffer_free(&b);
	buffer_free(&attributes);
}

/*
 * Any one byte changed: still parsed safely; without authenticator, or with lengths that do not
 * fit, refused.
 */
static void test_hostile(void **state)
{
	const struct carrier_ops *ops;
	struct buffer eap = { 0 }, b = { 0 };
	struct carrier_run r;

	(void)state;
	carrier_run_begin(&r, radius());
	eap_build(&eap, EAP_RESPONSE, 2, EAP_TYPE_TLS, 0, 0, "hello");
	build(&b, REQUEST, 3, 4, "state", &eap);
	for (size_t at = 0; at < b.len; at++)
		for (unsigned int value = 0; value < 256; value += 5) {
			uint8_t before = b.data[at];

			b.data[at] = (uint8_t)value;
			carrier_run_feed(&r, 0, buffer_bytes(&b));
			b.data[at] = before;
		}
	assert_false(r.over);
	carrier_run_end(&r);
	b.data[b.len - 18] = 81;        /* no Message-Authenticator any more */
	assert_int_equal(carrier_recognise(CARRIER_OVER_UDP, buffer_bytes(&b), &ops), PARSE_BAD);
	b.data[b.len - 18] = 80;
	b.data[0] = CHALLENGE;          /* with a Response inside */
	assert_int_equal(carrier_recognise(CARRIER_OVER_UDP, buffer_bytes(&b), &ops), PARSE_BAD);
	buffer_free(&eap);
	buffer_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_two_conversations), cmocka_unit_test(test_bounded),
		cmocka_unit_test(test_repeated_request),
		cmocka_unit_test(test_second_method),     cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_hostile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
