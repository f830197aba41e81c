/* SPDX-License-Identifier: Apache-2.0 */
/* Records of SSL 3.0 to TLS 1.2 and DTLS: true ones open, changed ones do not. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <openssl/evp.h>

#include "parsers/cipher_suite_params.h"
#include "parsers/rc4.h"
#include "parsers/record_protection.h"
#include "parsers/tls_prf.h"
#include "tests/unit/record_hex.h"
#include "tests/unit/record_samples.h"

#define FINISHED 20
#define AES_128_CBC_SHA 0x002f
#define TLS_1_1 0x0302

struct record {
	uint8_t type;
	uint16_t version, epoch;
	uint64_t sequence;
	struct bytes body;
};

static uint8_t out[RECORD_OPEN_MAX];
static size_t out_len;
static uint8_t out_type;

static bool record_next(struct bytes *in, bool dtls, struct record *r)
{
	uint16_t high = 0;
	uint32_t low = 0;

	if (in->len == 0)
		return false;
	assert_true(bytes_u8(in, &r->type) && bytes_u16(in, &r->version));
	if (dtls) {
		assert_true(bytes_u16(in, &r->epoch) && bytes_u16(in, &high) &&
			    bytes_u32(in, &low));
		r->sequence = (uint64_t)high << 32 | low;
	}
	assert_true(bytes_vec16(in, &r->body));
	return true;
}

static struct record_cipher *cipher_for(const struct record_sample *s, bool is_server)
{
	struct unhexed master = unhex(s->master_secret), client = unhex(s->client_random);
	struct unhexed server = unhex(s->server_random);
	struct record_tls12_keys keys = {
		.suite = s->suite,
		.version = s->version,
		.master_secret = unhexed_bytes(&master),
		.client_random = unhexed_bytes(&client),
		.server_random = unhexed_bytes(&server),
		.is_server = is_server,
		.encrypt_then_mac = s->encrypt_then_mac,
	};
	const char *why;
	struct record_cipher *rc = record_cipher_tls12(&keys, &why);

	if (!rc)
		fail_msg("%s: %s", s->name, why);
	return rc;
}

static enum parse open_record(struct record_cipher *rc, const struct record *r)
{
	return record_open(rc, r->type, r->version, r->body, out, sizeof(out), &out_len, &out_type);
}

static void opens_what_clients_sent(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(tls_samples); i++) {
		const struct record_sample *s = &tls_samples[i];
		struct record_cipher *rc = cipher_for(s, false);
		struct unhexed wire = unhex(s->records);
		struct bytes in = unhexed_bytes(&wire);
		char text[200] = "";
		struct record r;

		for (uint64_t n = 0; record_next(&in, false, &r); n++) {
			assert_int_equal(record_cipher_sequence(rc), n);
			if (open_record(rc, &r) != PARSE_OK)
				fail_msg("%s: record %u", s->name, (unsigned int)n);
			assert_int_equal(out_type, r.type);
			if (n == 0)
				assert_int_equal(out[0], FINISHED);
			else
				strncat(text, (char *)out, out_len);
		}
		assert_string_equal(text, s->text);
		record_cipher_free(rc);
	}
}

/* Each byte of the body in turn, then the header: nothing opens, and nothing is forgotten. */
static void refuses_what_was_changed(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(tls_samples); i++) {
		const struct record_sample *s = &tls_samples[i];
		struct record_cipher *rc = cipher_for(s, false);
		struct unhexed wire = unhex(s->records);
		struct bytes in = unhexed_bytes(&wire);
		struct record r, changed;

		assert_true(record_next(&in, false, &r));
		for (size_t at = 5; at < 5 + r.body.len; at++) {
			wire.data[at] ^= 0x10;
			if (open_record(rc, &r) != PARSE_BAD)
				fail_msg("%s: byte %zu", s->name, at);
			wire.data[at] ^= 0x10;
		}
		changed = r;
		changed.type ^= 1;
		assert_int_equal(open_record(rc, &changed), PARSE_BAD);
		changed = r;
		changed.version ^= 1;
		if (s->version != 0x0300)   /* its MAC does not cover the version */
			assert_int_equal(open_record(rc, &changed), PARSE_BAD);
		assert_int_equal(record_cipher_sequence(rc), 0);
		assert_int_equal(open_record(rc, &r), PARSE_OK);
		assert_int_equal(open_record(rc, &r), PARSE_BAD);   /* the same once more */
		record_cipher_free(rc);
	}
}

static void refuses_every_prefix(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(tls_samples); i++) {
		const struct record_sample *s = &tls_samples[i];
		struct record_cipher *rc = cipher_for(s, false), *other = cipher_for(s, true);
		struct unhexed wire = unhex(s->records);
		struct bytes in = unhexed_bytes(&wire);
		struct record r, cut;

		assert_true(record_next(&in, false, &r));
		for (cut = r, cut.body.len = 0; cut.body.len < r.body.len; cut.body.len++)
			assert_int_equal(open_record(rc, &cut), PARSE_BAD);
		assert_int_equal(record_open(rc, r.type, r.version, r.body, out, r.body.len - 1,
					     &out_len, &out_type),
				 PARSE_BAD);
		assert_int_equal(open_record(other, &r), PARSE_BAD);
		assert_int_equal(open_record(rc, &r), PARSE_OK);
		record_cipher_free(rc);
		record_cipher_free(other);
	}
}

static void goes_on_after_a_loss(void **state)
{
	unsigned int chained = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(tls_samples); i++) {
		struct record_cipher *rc = cipher_for(&tls_samples[i], false);
		struct unhexed wire = unhex(tls_samples[i].records);
		struct bytes in = unhexed_bytes(&wire);
		struct record first, second;

		assert_true(record_next(&in, false, &first) && record_next(&in, false, &second));
		assert_int_equal(open_record(rc, &second), PARSE_BAD);
		if (!record_cipher_set_sequence(rc, 0)) {
			chained++;
			record_cipher_free(rc);
			continue;
		}
		assert_int_equal(record_open_ahead(rc, 1000, second.type, second.version,
						   second.body, out, sizeof(out), &out_len,
						   &out_type),
				 PARSE_OK);
		assert_int_equal(record_cipher_sequence(rc), 2);
		assert_true(record_cipher_set_sequence(rc, 0));
		assert_int_equal(open_record(rc, &first), PARSE_OK);
		assert_true(record_cipher_set_sequence(rc, UINT64_MAX));
		assert_int_equal(open_record(rc, &first), PARSE_BAD);
		record_cipher_free(rc);
	}
	assert_in_range(chained, 1, ARRAY_SIZE(tls_samples) - 1);
}

static void opens_dtls_in_any_order(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(dtls_samples); i++) {
		const struct record_sample *s = &dtls_samples[i];
		struct record_cipher *rc = cipher_for(s, false);
		struct unhexed wire = unhex(s->records);
		struct bytes in = unhexed_bytes(&wire);
		struct record r[2];

		assert_true(record_next(&in, true, &r[0]) && record_next(&in, true, &r[1]));
		for (int k = 1; k >= 0; k--) {
			assert_int_equal(record_open_dtls12(rc, r[k].type, r[k].version, r[k].epoch,
							    r[k].sequence + 1, r[k].body, out,
							    sizeof(out), &out_len),
					 PARSE_BAD);
			assert_int_equal(record_open_dtls12(rc, r[k].type, r[k].version, r[k].epoch,
							    r[k].sequence | 1ull << 48, r[k].body,
							    out, sizeof(out), &out_len),
					 PARSE_BAD);
			assert_int_equal(record_open_dtls12(rc, r[k].type, r[k].version, r[k].epoch,
							    r[k].sequence, r[k].body, out,
							    sizeof(out), &out_len),
					 PARSE_OK);
			if (k == 1)
				assert_memory_equal(out, s->text, strlen(s->text));
		}
		assert_int_equal(out[0], FINISHED);
		record_cipher_free(rc);
	}
}

/* A CBC record of TLS 1.1 made here: `text` is what is encrypted, MAC and padding included. */
static struct bytes seal_cbc(const struct record_sample *s, const uint8_t *text, size_t len)
{
	static uint8_t body[RECORD_OPEN_MAX];
	struct unhexed master = unhex(s->master_secret), client = unhex(s->client_random);
	struct unhexed server = unhex(s->server_random);
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	uint8_t keys[2 * (20 + 16 + 16)];
	int done;

	assert_true(tls_key_block(TLS_1_1, SUITE_SHA256, unhexed_bytes(&master),
				  unhexed_bytes(&client), unhexed_bytes(&server), keys,
				  sizeof(keys)));
	memset(body, 7, 16);   /* the IV */
	assert_int_equal(EVP_EncryptInit_ex(c, EVP_aes_128_cbc(), NULL, keys + 40, body), 1);
	assert_int_equal(EVP_CIPHER_CTX_set_padding(c, 0), 1);
	assert_int_equal(EVP_EncryptUpdate(c, body + 16, &done, text, (int)len), 1);
	EVP_CIPHER_CTX_free(c);
	return bytes_of(body, 16 + len);
}

static void hmac_sha1(const struct record_sample *s, struct bytes content, uint8_t *mac)
{
	struct unhexed master = unhex(s->master_secret), client = unhex(s->client_random);
	struct unhexed server = unhex(s->server_random);
	uint8_t keys[20], input[13 + 64] = { [8] = 23, [9] = 3, [10] = 2 };
	size_t len;

	assert_true(tls_key_block(TLS_1_1, SUITE_SHA256, unhexed_bytes(&master),
				  unhexed_bytes(&client), unhexed_bytes(&server), keys,
				  sizeof(keys)));
	input[12] = (uint8_t)content.len;
	memcpy(input + 13, content.data, content.len);
	assert_non_null(EVP_Q_mac(NULL, "HMAC", NULL, "SHA1", NULL, keys, sizeof(keys), input,
				  13 + content.len, mac, 20, &len));
}

static const struct record_sample *cbc_sample(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(tls_samples); i++) {
		if (tls_samples[i].version == TLS_1_1 && tls_samples[i].suite == AES_128_CBC_SHA)
			return &tls_samples[i];
	}
	fail_msg("no sample of TLS 1.1");
	return NULL;
}

static void judges_padding(void **state)
{
	static const struct {
		size_t text_len;      /* then the MAC, then padding up to 64 bytes in all */
		uint8_t padding, odd_at, odd;
		enum parse expect;
	} cases[] = {
		{ 5, 38, 0, 0, PARSE_OK },      /* 5 + 20 + 38 + 1 */
		{ 43, 0, 0, 0, PARSE_OK },
		{ 0, 43, 0, 0, PARSE_OK },      /* an empty fragment */
		{ 5, 38, 30, 1, PARSE_BAD },    /* one byte of padding is another */
		{ 5, 38, 63, 37, PARSE_BAD },   /* shorter than the MAC needs it */
		{ 5, 38, 63, 63, PARSE_BAD },   /* all of it is padding */
		{ 5, 38, 63, 255, PARSE_BAD },  /* more than all of it */
		{ 5, 38, 63, 44, PARSE_BAD },   /* leaves less than a MAC */
	};
	const struct record_sample *s = cbc_sample();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct record_cipher *rc = cipher_for(s, false);
		uint8_t text[64] = "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopq";
		struct record r = { .type = 23, .version = TLS_1_1 };

		hmac_sha1(s, bytes_of(text, cases[i].text_len), text + cases[i].text_len);
		memset(text + cases[i].text_len + 20, cases[i].padding,
		       64 - cases[i].text_len - 20);
		if (cases[i].odd_at)
			text[cases[i].odd_at] = cases[i].odd;
		r.body = seal_cbc(s, text, sizeof(text));
		assert_int_equal(open_record(rc, &r), cases[i].expect);
		if (cases[i].expect == PARSE_OK) {
			assert_int_equal(out_len, cases[i].text_len);
			assert_memory_equal(out, text, out_len);
		}
		record_cipher_free(rc);
	}
}

static void padding_reaches_over_all(void **state)
{
	const struct record_sample *s = cbc_sample();
	struct record_cipher *rc = cipher_for(s, false);
	uint8_t text[256];
	struct record r = { .type = 23, .version = TLS_1_1 };

	(void)state;
	memset(text, 255, sizeof(text));   /* good padding, and nothing in front of it */
	r.body = seal_cbc(s, text, sizeof(text));
	assert_int_equal(open_record(rc, &r), PARSE_BAD);
	r.body = seal_cbc(s, text, 0);
	assert_int_equal(open_record(rc, &r), PARSE_BAD);
	record_cipher_free(rc);
}

static void bounds_the_body(void **state)
{
	static const uint8_t body[RECORD_OPEN_MAX + 1];
	static uint8_t large[RECORD_OPEN_MAX + 1];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(tls_samples); i++) {
		struct record_cipher *rc = cipher_for(&tls_samples[i], false);

		assert_int_equal(record_open(rc, 23, 0x0303, bytes_of(body, sizeof(body)), large,
					     sizeof(large), &out_len, &out_type),
				 PARSE_BAD);
		assert_int_equal(record_open(rc, 23, 0x0303, bytes_of(body, RECORD_OPEN_MAX), large,
					     sizeof(large), &out_len, &out_type),
				 PARSE_BAD);
		record_cipher_free(rc);
	}
	record_cipher_free(NULL);
}

/* Every suite there is, with every version: a cipher that refuses zeros, or a reason. */
static void every_suite_gives_a_cipher_or_a_reason(void **state)
{
	static const uint16_t versions[] = { 0x0101, 0x0300, 0x0301, 0x0302, 0x0303, 0x0304, 0xfeff,
					     0xfefd };
	static const uint8_t zeros[48];
	struct record_tls12_keys keys = {
		.master_secret = bytes_of(zeros, 48),
		.client_random = bytes_of(zeros, 32),
		.server_random = bytes_of(zeros, 32),
	};
	unsigned int made = 0;
	const char *why;

	(void)state;
	for (unsigned int i = 0; i < 65536 * ARRAY_SIZE(versions); i++) {
		struct record_cipher *rc;
		struct record r = { .type = 22, .version = 0x0303, .body = bytes_of(zeros, 48) };

		keys.suite = (uint16_t)(i & 0xffff);
		keys.version = versions[i >> 16];
		why = NULL;
		rc = record_cipher_tls12(&keys, &why);
		assert_true((rc != NULL) == (why == NULL || strcmp(why, "out of memory") == 0));
		if (rc)
			assert_int_equal(open_record(rc, &r), PARSE_BAD);
		made += rc != NULL;
		record_cipher_free(rc);
	}
	assert_true(made > 800);
}

static void refuses_impossible_keys(void **state)
{
	static const struct {
		uint16_t suite, version;
		size_t master_len, client_len, server_len;
		const char *why;
	} cases[] = {
		{ 0x0003, 0x0301, 48, 32, 32, "not a cipher suite that is known up to TLS 1.2" },
		{ 0x1301, 0x0303, 48, 32, 32, "not a cipher suite that is known up to TLS 1.2" },
		{ 0xc02f, 0x0302, 48, 32, 32, "the cipher suite needs TLS 1.2" },
		{ 0xc02f, 0xfeff, 48, 32, 32, "the cipher suite needs TLS 1.2" },
		{ 0x003c, 0x0300, 48, 32, 32, "the cipher suite needs TLS 1.0" },
		{ 0x002f, 0x0304, 48, 32, 32, "not a version from SSL 3.0 to TLS 1.2" },
		{ 0x002f, 0x0303, 47, 32, 32,
		  "the master secret or a random has the wrong length" },
		{ 0x002f, 0x0303, 48, 31, 32,
		  "the master secret or a random has the wrong length" },
		{ 0x002f, 0x0303, 48, 32, 0, "the master secret or a random has the wrong length" },
	};
	static const uint8_t zeros[48];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct record_tls12_keys keys = {
			.suite = cases[i].suite,
			.version = cases[i].version,
			.master_secret = bytes_of(zeros, cases[i].master_len),
			.client_random = bytes_of(zeros, cases[i].client_len),
			.server_random = bytes_of(zeros, cases[i].server_len),
		};
		const char *why = NULL;

		assert_null(record_cipher_tls12(&keys, &why));
		assert_string_equal(why, cases[i].why);
	}
}

/* RFC 6229 section 2: the stream at offset 0, and at 240 (across the table's end). */
static void rc4_is_rc4(void **state)
{
	struct unhexed key = unhex("0102030405"), first = unhex("b2396305f03dc027ccc3524a0a1118a8");
	struct unhexed later = unhex("28cb1132c96ce286421dcaadb8b69eae");
	uint8_t stream[256] = { 0 };
	struct rc4 rc4;

	(void)state;
	rc4_init(&rc4, unhexed_bytes(&key));
	rc4_apply(&rc4, bytes_of(stream, 7), stream);
	rc4_apply(&rc4, bytes_of(stream + 7, sizeof(stream) - 7), stream + 7);
	assert_memory_equal(stream, first.data, first.len);
	assert_memory_equal(stream + 240, later.data, later.len);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(opens_what_clients_sent),
		cmocka_unit_test(refuses_what_was_changed),
		cmocka_unit_test(refuses_every_prefix),
		cmocka_unit_test(goes_on_after_a_loss),
		cmocka_unit_test(opens_dtls_in_any_order),
		cmocka_unit_test(judges_padding),
		cmocka_unit_test(padding_reaches_over_all),
		cmocka_unit_test(bounds_the_body),
		cmocka_unit_test(every_suite_gives_a_cipher_or_a_reason),
		cmocka_unit_test(refuses_impossible_keys),
		cmocka_unit_test(rc4_is_rc4),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
