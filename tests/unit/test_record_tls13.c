/* SPDX-License-Identifier: Apache-2.0 */
/* Records of TLS 1.3, and its drafts: published ones, and ones sealed here. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "parsers/record_protection.h"
#include "tests/unit/record_hex.h"
#include "tests/unit/record_seal.h"

static struct hkdf *hkdf;
static uint8_t out[RECORD_OPEN_MAX];
static size_t out_len;
static uint8_t out_type;
static const char *why;

static int setup(void **state)
{
	(void)state;
	hkdf = hkdf_new();
	return hkdf ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	hkdf_free(hkdf);
	return 0;
}

static enum parse open_record(struct record_cipher *rc, struct bytes body)
{
	return record_open(rc, 23, 0x0303, body, out, sizeof(out), &out_len, &out_type);
}

/* RFC 8448 section 3: the client's Finished, and its alert (the second record under that secret).
 */
static void opens_rfc8448(void **state)
{
	struct unhexed handshake =
		unhex("b3eddb126e067f35a780b3abf45e2d8f3b1a950738f52e9600746a0e27a55a21");
	struct unhexed finished = unhex("75ec4dc238cce60b298044a71e219c56cc77b0517fe9b93c7a4bfc44d8"
					"7f38f80338ac98fc46deb384bd1caeacab6867d726c40546");
	struct unhexed application =
		unhex("9e40646ce79a7f9dc05af8889bce6552875afa0b06df0087f792ebb7c17504a5");
	struct unhexed alert = unhex("c9872760655666b74d7ff1153efd6db6d0b0e3");
	struct record_cipher *rc = record_cipher_tls13(hkdf, 0x1301, 0, unhexed_bytes(&handshake),
						       &why);

	(void)state;
	assert_non_null(rc);
	assert_int_equal(open_record(rc, unhexed_bytes(&finished)), PARSE_OK);
	assert_int_equal(out_type, 22);
	assert_int_equal(out_len, 36);
	assert_memory_equal(out, "\x14\0\0\x20", 4);
	record_cipher_free(rc);

	rc = record_cipher_tls13(hkdf, 0x1301, 0, unhexed_bytes(&application), &why);
	assert_non_null(rc);
	assert_int_equal(open_record(rc, unhexed_bytes(&alert)), PARSE_BAD);
	assert_int_equal(record_open_ahead(rc, 1, 23, 0x0303, unhexed_bytes(&alert), out,
					   sizeof(out), &out_len, &out_type),
			 PARSE_OK);
	assert_int_equal(out_type, 21);
	assert_int_equal(out_len, 2);
	assert_memory_equal(out, "\1\0", 2);
	assert_int_equal(record_cipher_sequence(rc), 2);
	record_cipher_free(rc);
}

static size_t seal_tls(const struct seal_suite *s, unsigned int draft, 
		       uint64_t sequence, struct bytes text, uint8_t *body)
{
	size_t len = text.len + s->tag_len;
	uint8_t header[5] = { 23, 3, 3, (uint8_t)(len >> 8), (uint8_t)len };

	return seal(hkdf, s, draft && draft < 20 ? "TLS 1.3, " : "tls13 ", sequence,
		    bytes_of(header, draft && draft < 25 ? 0 : sizeof(header)), text, body);
}

static struct record_cipher *cipher_for(const struct seal_suite *s, unsigned int draft)
{
	struct record_cipher *rc = record_cipher_tls13(
		hkdf, s->suite, draft, seal_secret(s), &why);

	if (!rc)
		fail_msg("%04x: %s", s->suite, why);
	return rc;
}

static void opens_every_suite_and_draft(void **state)
{
	static const unsigned int drafts[] = { 0, 18, 19, 20, 21, 22, 23, 24, 25, 26, 28 };
	uint8_t body[64 + SEAL_TAG_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(seal_suites); i++) {
		for (size_t d = 0; d < ARRAY_SIZE(drafts); d++) {
			struct record_cipher *rc = cipher_for(&seal_suites[i], drafts[d]);
			struct bytes text = bytes_of("the message\x16\0\0\0", 15);

			for (uint64_t n = 0; n < 3; n++) {
				size_t len = seal_tls(&seal_suites[i], drafts[d], n, text, body);

				assert_int_equal(open_record(rc, bytes_of(body, len)), PARSE_OK);
				assert_int_equal(out_len, 11);
				assert_int_equal(out_type, 22);
				assert_memory_equal(out, text.data, out_len);
			}
			record_cipher_free(rc);
		}
	}
}

static void refuses_what_was_changed(void **state)
{
	uint8_t body[64 + SEAL_TAG_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(seal_suites); i++) {
		struct record_cipher *rc = cipher_for(&seal_suites[i], 0);
		size_t len = seal_tls(&seal_suites[i], 0, 0, bytes_of("text\x17", 5), body);

		for (size_t at = 0; at < len; at++) {
			body[at] ^= 1;
			assert_int_equal(open_record(rc, bytes_of(body, len)), PARSE_BAD);
			body[at] ^= 1;
			assert_int_equal(open_record(rc, bytes_of(body, at)), PARSE_BAD);
		}
		assert_int_equal(record_open(rc, 22, 0x0303, bytes_of(body, len), out, sizeof(out),
					     &out_len, &out_type), PARSE_BAD);
		assert_int_equal(record_open(rc, 23, 0x0301, bytes_of(body, len), out, sizeof(out),
					     &out_len, &out_type), PARSE_BAD);
		assert_int_equal(record_open(rc, 23, 0x0303, bytes_of(body, len), out, len - 1,
					     &out_len, &out_type), PARSE_BAD);
		assert_int_equal(record_cipher_sequence(rc), 0);
		assert_int_equal(open_record(rc, bytes_of(body, len)), PARSE_OK);
		record_cipher_free(rc);
	}
}

/* Authentic, but without a type; and with a type alone, which is an empty record. */
static void strips_padding(void **state)
{
	static const uint8_t zeros[16];
	uint8_t body[64 + SEAL_TAG_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(seal_suites); i++) {
		struct record_cipher *rc = cipher_for(&seal_suites[i], 0);
		size_t len = seal_tls(&seal_suites[i], 0, 0, bytes_of(zeros, 16), body);

		assert_int_equal(open_record(rc, bytes_of(body, len)), PARSE_BAD);
		len = seal_tls(&seal_suites[i], 0, 0, bytes_of(zeros, 0), body);
		assert_int_equal(open_record(rc, bytes_of(body, len)), PARSE_BAD);
		assert_int_equal(record_cipher_sequence(rc), 0);
		len = seal_tls(&seal_suites[i], 0, 0, bytes_of("\x17\0\0", 3), body);
		assert_int_equal(open_record(rc, bytes_of(body, len)), PARSE_OK);
		assert_int_equal(out_len, 0);
		assert_int_equal(out_type, 23);
		record_cipher_free(rc);
	}
}

/* Authentic, but longer than any record may be. */
static void bounds_the_body(void **state)
{
	static uint8_t text[RECORD_OPEN_MAX + 1], body[RECORD_OPEN_MAX + 1 + SEAL_TAG_MAX],
		large[sizeof(body)];

	(void)state;
	memset(text, 0x17, sizeof(text));
	for (size_t i = 0; i < ARRAY_SIZE(seal_suites); i++) {
		struct record_cipher *rc = cipher_for(&seal_suites[i], 0);
		size_t fits = RECORD_OPEN_MAX - seal_suites[i].tag_len, len;

		len = seal_tls(&seal_suites[i], 0, 0, bytes_of(text, fits + 1), body);
		assert_int_equal(record_open(rc, 23, 0x0303, bytes_of(body, len), large,
					     sizeof(large), &out_len, &out_type),
				 PARSE_BAD);
		len = seal_tls(&seal_suites[i], 0, 0, bytes_of(text, fits), body);
		assert_int_equal(open_record(rc, bytes_of(body, len)), PARSE_OK);
		assert_int_equal(out_len, fits - 1);
		record_cipher_free(rc);
	}
}

/* What could not be authenticated is not left in the caller's memory. */
static void leaves_nothing_of_a_forgery(void **state)
{
	static const uint8_t zeros[5];
	uint8_t body[64 + SEAL_TAG_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(seal_suites); i++) {
		struct record_cipher *rc = cipher_for(&seal_suites[i], 0);
		size_t len = seal_tls(&seal_suites[i], 0, 0, bytes_of("text\x17", 5), body);

		body[len - 1] ^= 1;
		memset(out, 0x5a, sizeof(out));
		assert_int_equal(open_record(rc, bytes_of(body, len)), PARSE_BAD);
		assert_memory_equal(out, zeros, sizeof(zeros));
		record_cipher_free(rc);
	}
}

static void finds_the_sequence_after_a_loss(void **state)
{
	struct record_cipher *rc = cipher_for(&seal_suites[0], 0);
	uint8_t body[64 + SEAL_TAG_MAX];
	size_t len = seal_tls(&seal_suites[0], 0, 40, bytes_of("text\x16", 5), body);

	(void)state;
	assert_int_equal(record_open_ahead(rc, 39, 23, 0x0303, bytes_of(body, len), out,
					   sizeof(out), &out_len, &out_type),
			 PARSE_BAD);
	assert_int_equal(record_open_ahead(rc, 40, 23, 0x0303, bytes_of(body, len), out,
					   sizeof(out), &out_len, &out_type),
			 PARSE_OK);
	assert_int_equal(record_cipher_sequence(rc), 41);
	len = seal_tls(&seal_suites[0], 0, 41 + RECORD_AHEAD_MAX + 1, bytes_of("text\x16", 5),
		       body);
	assert_int_equal(record_open_ahead(rc, UINT32_MAX, 23, 0x0303, bytes_of(body, len), out,
					   sizeof(out), &out_len, &out_type), PARSE_BAD);
	assert_true(record_cipher_set_sequence(rc, 41 + RECORD_AHEAD_MAX + 1));
	assert_int_equal(open_record(rc, bytes_of(body, len)), PARSE_OK);
	record_cipher_free(rc);
}

static const uint8_t secret[48] = "of any content";

static void refuses_impossible_keys(void **state)
{
	static const struct {
		uint16_t suite;
		unsigned int draft;
		size_t secret_len;
	} cases[] = {
		{ 0x1301, 0, 31 }, { 0x1301, 0, 48 }, { 0x1302, 0, 32 },  { 0x1306, 0, 32 },
		{ 0xc02f, 0, 32 }, { 0x1301, 0, 0 },  { 0x1301, 17, 32 }, { 0x1301, 29, 32 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		why = NULL;
		assert_null(record_cipher_tls13(hkdf, cases[i].suite, cases[i].draft,
						bytes_of(secret, cases[i].secret_len), &why));
		assert_non_null(why);
	}
}

/* RFC 8998: OpenSSL has SM4 in these modes since 3.1. */
static void sm4_opens_or_says_why(void **state)
{
	EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, "SM4-GCM", NULL);
	struct record_cipher *rc = record_cipher_tls13(hkdf, 0x00c6, 0, bytes_of(secret, 32),
						       &why);
	static const uint8_t zeros[40];

	(void)state;
	assert_true((rc != NULL) == (cipher != NULL));
	if (rc)
		assert_int_equal(open_record(rc, bytes_of(zeros, sizeof(zeros))), PARSE_BAD);
	else
		assert_string_equal(why, "OpenSSL's default provider lacks the cipher");
	record_cipher_free(rc);
	EVP_CIPHER_free(cipher);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(opens_rfc8448),
		cmocka_unit_test(opens_every_suite_and_draft),
		cmocka_unit_test(refuses_what_was_changed),
		cmocka_unit_test(strips_padding),
		cmocka_unit_test(bounds_the_body),
		cmocka_unit_test(leaves_nothing_of_a_forgery),
		cmocka_unit_test(finds_the_sequence_after_a_loss),
		cmocka_unit_test(refuses_impossible_keys),
		cmocka_unit_test(sm4_opens_or_says_why),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
