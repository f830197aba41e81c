/* SPDX-License-Identifier: Apache-2.0 */
/* Records of TLS 1.3, its drafts, and DTLS 1.3: published ones, and ones sealed here. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <openssl/evp.h>
#include <stdlib.h>

#include "parsers/record_protection.h"
#include "tests/unit/record_hex.h"

#define TAG_MAX 16

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

/* RFC 8448 section 3: the client's Finished, and its alert (the second record under that secret). */
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
	assert_int_equal(record_open_ahead(rc, 1, 23, 0x0303, unhexed_bytes(&alert), out, sizeof(out),
					   &out_len, &out_type),
			 PARSE_OK);
	assert_int_equal(out_type, 21);
	assert_int_equal(out_len, 2);
	assert_memory_equal(out, "\1\0", 2);
	assert_int_equal(record_cipher_sequence(rc), 2);
	record_cipher_free(rc);
}

struct suite_case {
	uint16_t suite;
	const char *cipher;
	enum hkdf_hash hash;
	size_t key_len, tag_len;
};

static const struct suite_case suites[] = {
	{ 0x1301, "AES-128-GCM", HKDF_SHA256, 16, 16 },
	{ 0x1302, "AES-256-GCM", HKDF_SHA384, 32, 16 },
	{ 0x1303, "ChaCha20-Poly1305", HKDF_SHA256, 32, 16 },
	{ 0x1304, "AES-128-CCM", HKDF_SHA256, 16, 16 },
	{ 0x1305, "AES-128-CCM", HKDF_SHA256, 16, 8 },
};

static void expand(const struct suite_case *s, const char *prefix, const char *label,
		   const uint8_t *secret, uint8_t *key, size_t len)
{
	uint8_t info[40];
	int label_len = snprintf((char *)info + 3, sizeof(info) - 3, "%s%s", prefix, label);

	info[0] = 0;
	info[1] = (uint8_t)len;
	info[2] = (uint8_t)label_len;
	info[3 + label_len] = 0;
	assert_true(hkdf_expand(hkdf, s->hash, bytes_of(secret, hkdf_hash_len(s->hash)),
				bytes_of(info, 4 + (size_t)label_len), key, len));
}

/* Seals `text` as record `sequence`; returns the body's length. */
static size_t seal(const struct suite_case *s, const char *prefix, const uint8_t *secret,
		   uint64_t sequence, struct bytes aad, struct bytes text, uint8_t *body)
{
	EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, s->cipher, NULL);
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	uint8_t key[32], iv[12];
	int len = 0;

	assert_non_null(cipher);
	expand(s, prefix, "key", secret, key, s->key_len);
	expand(s, prefix, "iv", secret, iv, sizeof(iv));
	for (int i = 0; i < 8; i++)
		iv[4 + i] ^= (uint8_t)(sequence >> 8 * (7 - i));
	assert_int_equal(EVP_EncryptInit_ex(c, cipher, NULL, NULL, NULL), 1);
	assert_int_equal(EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_IVLEN, 12, NULL), 1);
	if (strstr(s->cipher, "CCM"))
		assert_int_equal(EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_TAG, (int)s->tag_len, NULL),
				 1);
	assert_int_equal(EVP_EncryptInit_ex(c, NULL, NULL, key, iv), 1);
	if (strstr(s->cipher, "CCM"))
		assert_int_equal(EVP_EncryptUpdate(c, NULL, &len, NULL, (int)text.len), 1);
	if (aad.len)
		assert_int_equal(EVP_EncryptUpdate(c, NULL, &len, aad.data, (int)aad.len), 1);
	assert_int_equal(EVP_EncryptUpdate(c, body, &len, text.data, (int)text.len), 1);
	assert_int_equal(EVP_EncryptFinal_ex(c, body + len, &len), 1);
	assert_int_equal(EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, (int)s->tag_len,
					     body + text.len), 1);
	EVP_CIPHER_CTX_free(c);
	EVP_CIPHER_free(cipher);
	return text.len + s->tag_len;
}

static size_t seal_tls(const struct suite_case *s, unsigned int draft, const uint8_t *secret,
		       uint64_t sequence, struct bytes text, uint8_t *body)
{
	size_t len = text.len + s->tag_len;
	uint8_t header[5] = { 23, 3, 3, (uint8_t)(len >> 8), (uint8_t)len };

	return seal(s, draft && draft < 20 ? "TLS 1.3, " : "tls13 ", secret, sequence,
		    bytes_of(header, draft && draft < 25 ? 0 : sizeof(header)), text, body);
}

static struct record_cipher *cipher_for(const struct suite_case *s, unsigned int draft,
					const uint8_t *secret)
{
	struct record_cipher *rc = record_cipher_tls13(
		hkdf, s->suite, draft, bytes_of(secret, hkdf_hash_len(s->hash)), &why);

	if (!rc)
		fail_msg("%04x: %s", s->suite, why);
	return rc;
}

static const uint8_t secret[48] = "forty-eight bytes that are a traffic secret here";

static void opens_every_suite_and_draft(void **state)
{
	static const unsigned int drafts[] = { 0, 18, 19, 20, 21, 22, 23, 24, 25, 26, 28 };
	uint8_t body[64 + TAG_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(suites); i++) {
		for (size_t d = 0; d < ARRAY_SIZE(drafts); d++) {
			struct record_cipher *rc = cipher_for(&suites[i], drafts[d], secret);
			struct bytes text = bytes_of("the message\x16\0\0\0", 15);

			for (uint64_t n = 0; n < 3; n++) {
				size_t len = seal_tls(&suites[i], drafts[d], secret, n, text, body);

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
	uint8_t body[64 + TAG_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(suites); i++) {
		struct record_cipher *rc = cipher_for(&suites[i], 0, secret);
		size_t len = seal_tls(&suites[i], 0, secret, 0, bytes_of("text\x17", 5), body);

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
	uint8_t body[64 + TAG_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(suites); i++) {
		struct record_cipher *rc = cipher_for(&suites[i], 0, secret);
		size_t len = seal_tls(&suites[i], 0, secret, 0, bytes_of(zeros, 16), body);

		assert_int_equal(open_record(rc, bytes_of(body, len)), PARSE_BAD);
		len = seal_tls(&suites[i], 0, secret, 0, bytes_of(zeros, 0), body);
		assert_int_equal(open_record(rc, bytes_of(body, len)), PARSE_BAD);
		assert_int_equal(record_cipher_sequence(rc), 0);
		len = seal_tls(&suites[i], 0, secret, 0, bytes_of("\x17\0\0", 3), body);
		assert_int_equal(open_record(rc, bytes_of(body, len)), PARSE_OK);
		assert_int_equal(out_len, 0);
		assert_int_equal(out_type, 23);
		record_cipher_free(rc);
	}
}

/* Authentic, but longer than any record may be. */
static void bounds_the_body(void **state)
{
	static uint8_t text[RECORD_OPEN_MAX + 1], body[RECORD_OPEN_MAX + 1 + TAG_MAX], large[sizeof(body)];

	(void)state;
	memset(text, 0x17, sizeof(text));
	for (size_t i = 0; i < ARRAY_SIZE(suites); i++) {
		struct record_cipher *rc = cipher_for(&suites[i], 0, secret);
		size_t fits = RECORD_OPEN_MAX - suites[i].tag_len, len;

		len = seal_tls(&suites[i], 0, secret, 0, bytes_of(text, fits + 1), body);
		assert_int_equal(record_open(rc, 23, 0x0303, bytes_of(body, len), large, sizeof(large),
					     &out_len, &out_type), PARSE_BAD);
		len = seal_tls(&suites[i], 0, secret, 0, bytes_of(text, fits), body);
		assert_int_equal(open_record(rc, bytes_of(body, len)), PARSE_OK);
		assert_int_equal(out_len, fits - 1);
		record_cipher_free(rc);
	}
}

/* What could not be authenticated is not left in the caller's memory. */
static void leaves_nothing_of_a_forgery(void **state)
{
	static const uint8_t zeros[5];
	uint8_t body[64 + TAG_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(suites); i++) {
		struct record_cipher *rc = cipher_for(&suites[i], 0, secret);
		size_t len = seal_tls(&suites[i], 0, secret, 0, bytes_of("text\x17", 5), body);

		body[len - 1] ^= 1;
		memset(out, 0x5a, sizeof(out));
		assert_int_equal(open_record(rc, bytes_of(body, len)), PARSE_BAD);
		assert_memory_equal(out, zeros, sizeof(zeros));
		record_cipher_free(rc);
	}
}

static void finds_the_sequence_after_a_loss(void **state)
{
	struct record_cipher *rc = cipher_for(&suites[0], 0, secret);
	uint8_t body[64 + TAG_MAX];
	size_t len = seal_tls(&suites[0], 0, secret, 40, bytes_of("text\x16", 5), body);

	(void)state;
	assert_int_equal(record_open_ahead(rc, 39, 23, 0x0303, bytes_of(body, len), out, sizeof(out),
					   &out_len, &out_type), PARSE_BAD);
	assert_int_equal(record_open_ahead(rc, 40, 23, 0x0303, bytes_of(body, len), out, sizeof(out),
					   &out_len, &out_type), PARSE_OK);
	assert_int_equal(record_cipher_sequence(rc), 41);
	len = seal_tls(&suites[0], 0, secret, 41 + RECORD_AHEAD_MAX + 1, bytes_of("text\x16", 5), body);
	assert_int_equal(record_open_ahead(rc, UINT32_MAX, 23, 0x0303, bytes_of(body, len), out,
					   sizeof(out), &out_len, &out_type), PARSE_BAD);
	assert_true(record_cipher_set_sequence(rc, 41 + RECORD_AHEAD_MAX + 1));
	assert_int_equal(open_record(rc, bytes_of(body, len)), PARSE_OK);
	record_cipher_free(rc);
}

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
	struct record_cipher *rc = record_cipher_tls13(hkdf, 0x00c6, 0, bytes_of(secret, 32), &why);
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

static enum parse open_datagram(struct record_cipher *rc, const uint8_t *datagram, size_t len,
				size_t id_len, uint64_t *sequence)
{
	struct bytes in = bytes_of(datagram, len);
	struct dtls13_record record;

	assert_true(dtls13_record_next(&in, id_len, &record));
	assert_int_equal(in.len, 0);
	return record_open_dtls13(rc, &record, out, sizeof(out), &out_len, &out_type, sequence);
}

/* "The illustrated DTLS 1.3 connection": the server's EncryptedExtensions, the client's Finished. */
static void opens_published_dtls13(void **state)
{
	struct unhexed server =
		unhex("8ad7990b9d249bcbaa0805d8d3f3ad2259e75f3a42c5d84db3ea3c6ee57b3d38");
	struct unhexed client =
		unhex("33e472fb8d821b0193314626bebee307ccbd1aeb3d3a17ba468888ffc5246da1");
	struct unhexed extensions = unhex("2e79fa002fee9dcff3f8679a4859fe68377fb34ada85df879c673e501d7"
					  "a4e8f1950e0fcf67fe442e7d7d2b8a3d5fa59574ffd00");
	struct unhexed finished = unhex("2ec248003d8a2cd52d5000f8786afb47cdf0b8f2b81342b00c43dce64b1d"
					"0194d2e201f681750978528bbe26af79612401c007a2c5f75f7cffb7465b"
					"c01d23d8511f");
	struct record_cipher *rc = record_cipher_dtls13(hkdf, 0x1301, unhexed_bytes(&server), &why);
	uint64_t sequence = 99;

	(void)state;
	assert_non_null(rc);
	assert_int_equal(open_datagram(rc, finished.data, finished.len, 0, &sequence), PARSE_BAD);
	assert_int_equal(sequence, 99);
	assert_int_equal(open_datagram(rc, extensions.data, extensions.len, 0, &sequence), PARSE_OK);
	assert_int_equal(sequence, 0);
	assert_int_equal(out_type, 22);
	assert_int_equal(out[0], 8);
	record_cipher_free(rc);
	rc = record_cipher_dtls13(hkdf, 0x1301, unhexed_bytes(&client), &why);
	assert_non_null(rc);
	assert_int_equal(open_datagram(rc, finished.data, finished.len, 0, &sequence), PARSE_OK);
	assert_int_equal(out[0], 20);
	record_cipher_free(rc);
}

/* A whole DTLS 1.3 record; `form` is the first byte's C, S and L. Returns its length. */
static size_t seal_dtls(const struct suite_case *s, uint8_t form, size_t id_len, uint64_t sequence,
			struct bytes text, uint8_t *datagram)
{
	size_t seq_len = form & 0x08 ? 2 : 1, at = 1 + (form & 0x10 ? id_len : 0), len;
	size_t header_len = at + seq_len + (form & 0x04 ? 2 : 0);
	uint8_t key[32], mask[16];
	const char *name = strstr(s->cipher, "ChaCha") ? "ChaCha20" :
			   s->key_len == 32	       ? "AES-256-ECB" :
							 "AES-128-ECB";
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, name, NULL);
	int done;

	memset(datagram, 0xcd, header_len);
	datagram[0] = 0x22 | form;
	for (size_t i = 0; i < seq_len; i++)
		datagram[at + i] = (uint8_t)(sequence >> 8 * (seq_len - 1 - i));
	len = text.len + s->tag_len;
	if (form & 0x04) {
		datagram[header_len - 2] = (uint8_t)(len >> 8);
		datagram[header_len - 1] = (uint8_t)len;
	}
	seal(s, "dtls13", secret, sequence, bytes_of(datagram, header_len), text,
	     datagram + header_len);
	expand(s, "dtls13", "sn", secret, key, s->key_len);
	memset(mask, 0, sizeof(mask));
	if (strstr(name, "ChaCha")) {
		assert_int_equal(EVP_EncryptInit_ex(c, cipher, NULL, key, datagram + header_len), 1);
		assert_int_equal(EVP_EncryptUpdate(c, mask, &done, mask, 16), 1);
	} else {
		assert_int_equal(EVP_EncryptInit_ex(c, cipher, NULL, key, NULL), 1);
		assert_int_equal(EVP_EncryptUpdate(c, mask, &done, datagram + header_len, 16), 1);
	}
	for (size_t i = 0; i < seq_len; i++)
		datagram[at + i] ^= mask[i];
	EVP_CIPHER_CTX_free(c);
	EVP_CIPHER_free(cipher);
	return header_len + len;
}

static void opens_dtls13_in_any_form(void **state)
{
	/* Forward, back, across the ends of 8 bits: each within half of what 8 bits tell. */
	static const uint64_t numbers[] = { 0, 1, 100, 3, 200, 255, 256, 250, 300, 400, 390, 513 };
	struct bytes text = bytes_of("0123456789abcdef\x16", 17);
	uint8_t datagram[300];
	uint64_t due;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(suites); i++) {
		for (uint8_t form = 0; form < 0x20; form += 4) {
			struct record_cipher *rc = record_cipher_dtls13(
				hkdf, suites[i].suite, bytes_of(secret, hkdf_hash_len(suites[i].hash)),
				&why);

			assert_non_null(rc);
			due = 0;
			for (size_t k = 0; k < ARRAY_SIZE(numbers); k++) {
				uint64_t sequence = 0;
				size_t len = seal_dtls(&suites[i], form, 7, numbers[k], text, datagram);

				assert_int_equal(open_datagram(rc, datagram, len, 7, &sequence),
						 PARSE_OK);
				assert_int_equal(sequence, numbers[k]);
				assert_int_equal(out_len, 16);
				due = numbers[k] >= due ? numbers[k] + 1 : due;
				assert_int_equal(record_cipher_sequence(rc), due);
				datagram[len - 1] ^= 1;
				assert_int_equal(open_datagram(rc, datagram, len, 7, &sequence),
						 PARSE_BAD);
			}
			assert_int_equal(due, 514);
			record_cipher_free(rc);
		}
	}
}

static void parses_hostile_dtls13(void **state)
{
	uint8_t datagram[300];
	size_t len = seal_dtls(&suites[0], 0x1c, 255, 5, bytes_of("text\x16", 5), datagram);
	struct record_cipher *rc = record_cipher_dtls13(hkdf, 0x1301, bytes_of(secret, 32), &why);
	struct record_cipher *tls = cipher_for(&suites[0], 0, secret);
	struct dtls13_record record;
	uint8_t *short_body;
	uint64_t sequence;
	struct bytes in;

	(void)state;
	for (size_t cut = 0; cut < len; cut++) {
		in = bytes_of(datagram, cut);
		assert_false(dtls13_record_next(&in, 255, &record));
		assert_int_equal(in.len, cut);
	}
	in = bytes_of(datagram, len);
	assert_false(dtls13_record_next(&in, 0, &record));     /* a connection id, but none agreed */
	assert_false(dtls13_record_next(&in, 256, &record));
	assert_true(dtls13_record_next(&in, 255, &record));
	assert_int_equal(record.connection_id.len, 255);
	assert_int_equal(record_open_dtls13(rc, &record, out, sizeof(out), &out_len, &out_type,
					    &sequence), PARSE_OK);
	assert_int_equal(record_open_dtls13(tls, &record, out, sizeof(out), &out_len, &out_type,
					    &sequence), PARSE_BAD);
	assert_int_equal(record_open_dtls13(rc, &record, out, 3, &out_len, &out_type, &sequence),
			 PARSE_BAD);
	short_body = calloc(1, 5 + 15);   /* the mask needs 16 bytes of it */
	assert_non_null(short_body);
	memcpy(short_body, "\x2e\0\0\0\x0f", 5);
	assert_int_equal(open_datagram(rc, short_body, 5 + 15, 0, &sequence), PARSE_BAD);
	free(short_body);
	for (unsigned int first = 0; first < 256; first++) {
		datagram[0] = (uint8_t)first;
		in = bytes_of(datagram, len);
		if (first >> 5 != 1)
			assert_false(dtls13_record_next(&in, 255, &record));
	}
	record_cipher_free(rc);
	record_cipher_free(tls);
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
		cmocka_unit_test(opens_published_dtls13),
		cmocka_unit_test(opens_dtls13_in_any_form),
		cmocka_unit_test(parses_hostile_dtls13),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
