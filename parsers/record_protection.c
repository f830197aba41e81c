/* SPDX-License-Identifier: Apache-2.0 */
#include "parsers/record_protection.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <stdlib.h>

#include "parsers/record_parts.h"

#define DES_KEY_LEN 8

void record_put_u64(uint8_t out[8], uint64_t value)
{
	for (int i = 7; i >= 0; i--, value >>= 8)
		out[i] = (uint8_t)value;
}

/* Chooses the algorithm and the lengths of nonce and tag, which must be known before the key. */
static bool cipher_choose(struct record_cipher *rc)
{
	EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, rc->params->name, NULL);
	bool ok = cipher && EVP_DecryptInit_ex(rc->cipher, cipher, NULL, NULL, NULL) == 1;

	EVP_CIPHER_free(cipher);   /* the context holds its own reference */
	if (ok && rc->params->tag_len > 0)
		ok = EVP_CIPHER_CTX_ctrl(rc->cipher, EVP_CTRL_AEAD_SET_IVLEN, NONCE_LEN, NULL) == 1;
	if (ok && rc->params->mode == SUITE_MODE_CCM)
		ok = EVP_CIPHER_CTX_ctrl(rc->cipher, EVP_CTRL_AEAD_SET_TAG, rc->params->tag_len,
					 NULL) == 1;
	if (ok && rc->params->mode == SUITE_MODE_CBC)
		ok = EVP_CIPHER_CTX_set_padding(rc->cipher, 0) == 1;
	return ok;
}

struct record_cipher *record_cipher_new(enum suite_cipher cipher, const char **why)
{
	struct record_cipher *rc = calloc(1, sizeof(*rc));

	*why = "out of memory";
	if (!rc)
		return NULL;
	rc->params = suite_cipher_params(cipher);
	if (!rc->params->name)
		return rc;
	rc->cipher = EVP_CIPHER_CTX_new();
	if (!rc->cipher)
		goto fail;
	if (!cipher_choose(rc)) {
		*why = "OpenSSL's default provider lacks the cipher";
		goto fail;
	}
	return rc;
fail:
	ERR_clear_error();
	record_cipher_free(rc);
	return NULL;
}

bool record_cipher_key(struct record_cipher *rc, const uint8_t *key)
{
	uint8_t thrice[3 * DES_KEY_LEN];
	bool ok;

	if (rc->params->mode == SUITE_MODE_STREAM)
		rc4_init(&rc->rc4, bytes_of(key, rc->params->key_len));
	if (!rc->cipher)
		return true;
	if (rc->params->key_len != DES_KEY_LEN)
		return EVP_DecryptInit_ex(rc->cipher, NULL, NULL, key, NULL) == 1;
	for (size_t i = 0; i < 3; i++)
		memcpy(thrice + i * DES_KEY_LEN, key, DES_KEY_LEN);
	ok = EVP_DecryptInit_ex(rc->cipher, NULL, NULL, thrice, NULL) == 1;
	OPENSSL_cleanse(thrice, sizeof(thrice));
	return ok;
}

void record_cipher_free(struct record_cipher *rc)
{
	if (!rc)
		return;
	EVP_CIPHER_CTX_free(rc->cipher);   /* OpenSSL wipes its own */
	EVP_CIPHER_CTX_free(rc->mask);
	EVP_MAC_CTX_free(rc->hmac);
	EVP_MD_free(rc->digest);
	OPENSSL_cleanse(rc, sizeof(*rc));
	free(rc);
}

static enum parse open_at(struct record_cipher *rc, uint64_t sequence,
			  const struct record_sealed *in, struct record_text *out)
{
	bool ok = in->body.len <= RECORD_OPEN_MAX && in->body.len <= out->size;

	if (ok && rc->is_tls13)
		ok = record_tls13_open(rc, sequence, in, out);
	else if (ok)
		ok = record_tls12_open(rc, sequence, in, out);
	if (!ok)
		ERR_clear_error();
	return ok ? PARSE_OK : PARSE_BAD;
}

enum parse record_open_ahead(struct record_cipher *rc, unsigned int ahead, uint8_t type,
			     uint16_t version, struct bytes body, uint8_t *out, size_t out_size,
			     size_t *out_len, uint8_t *inner_type)
{
	const struct record_sealed in = { type, version, body };
	struct record_text text = { .data = out, .size = out_size };

	if (ahead > RECORD_AHEAD_MAX)
		ahead = RECORD_AHEAD_MAX;
	for (unsigned int i = 0; i <= ahead; i++) {
		/* A sequence number never wraps (RFC 8446 section 5.3, RFC 5246 section 6.1). */
		if (rc->sequence > UINT64_MAX - 1 - i)
			return PARSE_BAD;
		if (open_at(rc, rc->sequence + i, &in, &text) != PARSE_OK)
			continue;
		rc->sequence += i + 1;
		*out_len = text.len;
		*inner_type = text.type;
		return PARSE_OK;
	}
	return PARSE_BAD;
}

enum parse record_open(struct record_cipher *rc, uint8_t type, uint16_t version, struct bytes body,
		       uint8_t *out, size_t out_size, size_t *out_len, uint8_t *inner_type)
{
	return record_open_ahead(rc, 0, type, version, body, out, out_size, out_len, inner_type);
}

uint64_t record_cipher_sequence(const struct record_cipher *rc)
{
	return rc->sequence;
}

bool record_cipher_set_sequence(struct record_cipher *rc, uint64_t sequence)
{
	if (rc->params->mode == SUITE_MODE_STREAM || rc->chained)
		return false;
	rc->sequence = sequence;
	return true;
}

enum parse record_open_dtls12(struct record_cipher *rc, uint8_t type, uint16_t version,
			      uint16_t epoch, uint64_t sequence, struct bytes body, uint8_t *out,
			      size_t out_size, size_t *out_len)
{
	const struct record_sealed in = { type, version, body };
	struct record_text text = { .data = out, .size = out_size };

	if (sequence >> 48 != 0 || rc->is_tls13 || rc->chained ||
	    rc->params->mode == SUITE_MODE_STREAM)
		return PARSE_BAD;
	if (open_at(rc, (uint64_t)epoch << 48 | sequence, &in, &text) != PARSE_OK)
		return PARSE_BAD;
	*out_len = text.len;
	return PARSE_OK;
}
