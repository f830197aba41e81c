/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/crypto.h>
#include <openssl/err.h>

#include "parsers/record_parts.h"
#include "parsers/tls_prf.h"

#define EXPLICIT_NONCE_LEN 8
#define TLS_1_1 0x0302
#define TLS_1_2 0x0303
#define DTLS_1_0 0xfeff
#define DTLS_1_2 0xfefd
#define TLCP_1_1 0x0101

static bool version_known(uint16_t version)
{
	return (version >= SSL_3_0 && version <= TLS_1_2) || version == DTLS_1_0 ||
	       version == DTLS_1_2 || version == TLCP_1_1;
}

/* NULL, or why these keys cannot be. */
static const char *keys_wrong(const struct record_tls12_keys *keys, struct suite_params *params)
{
	bool old =
		keys->version != TLS_1_2 && keys->version != DTLS_1_2 && keys->version != TLCP_1_1;

	if (!version_known(keys->version))
		return "not a version from SSL 3.0 to TLS 1.2";
	if (!cipher_suite_params(keys->suite, params) || cipher_suite_is_tls13(keys->suite))
		return "not a cipher suite that is known up to TLS 1.2";
	if (old && suite_cipher_params(params->cipher)->tag_len > 0)
		return "the cipher suite needs TLS 1.2";
	if (keys->version == SSL_3_0 && params->mac > SUITE_SHA1)
		return "the cipher suite needs TLS 1.0";
	if (keys->master_secret.len != RECORD_MASTER_SECRET_LEN ||
	    keys->client_random.len != RECORD_RANDOM_LEN ||
	    keys->server_random.len != RECORD_RANDOM_LEN)
		return "the master secret or a random has the wrong length";
	return NULL;
}

/* The key block (RFC 5246 section 6.3) is three pairs, the client's first: MAC keys, keys, IVs. */
static bool take_keys(struct record_cipher *rc, const struct record_tls12_keys *keys,
		      const struct suite_params *params)
{
	size_t key_len = rc->params->key_len;
	size_t mac_len = rc->params->tag_len > 0 ? 0 : suite_hash_len(params->mac);
	size_t iv_len = rc->params->tag_len > 0 ? rc->params->fixed_iv_len : rc->params->block_len;
	uint8_t block[TLS_KEY_BLOCK_MAX];
	const uint8_t *mac_key = block + (keys->is_server ? mac_len : 0);
	const uint8_t *key = block + 2 * mac_len + (keys->is_server ? key_len : 0);
	const uint8_t *iv = block + 2 * (mac_len + key_len) + (keys->is_server ? iv_len : 0);
	bool ok =
		tls_key_block(keys->version, params->prf, keys->master_secret, keys->client_random,
			      keys->server_random, block, 2 * (mac_len + key_len + iv_len));

	if (ok && mac_len > 0)
		ok = record_mac_key(rc, keys->version, params->mac, mac_key);
	ok = ok && record_cipher_key(rc, key);
	if (ok)
		memcpy(rc->iv, iv, iv_len);
	OPENSSL_cleanse(block, sizeof(block));
	return ok;
}

struct record_cipher *record_cipher_tls12(const struct record_tls12_keys *keys, const char **why)
{
	struct suite_params params;
	struct record_cipher *rc;
	bool cbc;

	*why = keys_wrong(keys, &params);
	if (*why)
		return NULL;
	rc = record_cipher_new(params.cipher, why);
	if (!rc)
		return NULL;
	cbc = rc->params->mode == SUITE_MODE_CBC;
	rc->chained = cbc && (keys->version == SSL_3_0 || keys->version == TLS_1_0);
	rc->encrypt_then_mac = cbc && keys->encrypt_then_mac && keys->version != SSL_3_0;
	if (take_keys(rc, keys, &params))
		return rc;
	*why = "OpenSSL could not derive the keys";
	ERR_clear_error();
	record_cipher_free(rc);
	return NULL;
}

/* RFC 5288, RFC 6655 (part of the nonce lies in front of the body), RFC 7905 (it does not). */
static bool aead_open(struct record_cipher *rc, uint64_t sequence, const struct record_sealed *in,
		      struct record_text *out)
{
	struct bytes body = in->body, explicit_nonce;
	uint8_t nonce[NONCE_LEN], aad[13];
	size_t fixed = rc->params->fixed_iv_len;

	record_nonce(rc, sequence, nonce);
	if (fixed < NONCE_LEN) {
		if (!bytes_take(&body, EXPLICIT_NONCE_LEN, &explicit_nonce))
			return false;
		memcpy(nonce, rc->iv, fixed);
		memcpy(nonce + fixed, explicit_nonce.data, EXPLICIT_NONCE_LEN);
	}
	if (body.len < rc->params->tag_len)
		return false;
	out->len = body.len - rc->params->tag_len;
	record_put_u64(aad, sequence);
	aad[8] = in->type;
	aad[9] = (uint8_t)(in->version >> 8);
	aad[10] = (uint8_t)in->version;
	aad[11] = (uint8_t)(out->len >> 8);
	aad[12] = (uint8_t)out->len;
	return record_aead_open(rc, nonce, bytes_of(aad, sizeof(aad)), body, out->data);
}

/* What was in clear or is now: content, then its MAC. Takes the MAC off the end of `out`. */
static bool mac_strip(struct record_cipher *rc, uint64_t sequence, const struct record_sealed *in,
		      struct record_text *out)
{
	if (out->len < rc->mac_len)
		return false;
	out->len -= rc->mac_len;
	return record_mac_right(rc, sequence, in, bytes_of(out->data, out->len),
				out->data + out->len);
}

static bool stream_open(struct record_cipher *rc, uint64_t sequence,
			const struct record_sealed *in, struct record_text *out)
{
	struct rc4 rc4 = rc->rc4;   /* a copy: a record that is not authentic takes nothing */

	out->len = in->body.len;
	if (rc->params->mode == SUITE_MODE_STREAM)
		rc4_apply(&rc4, in->body, out->data);
	else if (in->body.len > 0)
		memcpy(out->data, in->body.data, in->body.len);
	if (!mac_strip(rc, sequence, in, out))
		return false;
	rc->rc4 = rc4;
	return true;
}

/* RFC 5246 section 6.2.3.2: each byte of padding tells its length. In SSL 3.0 the last does. */
static bool padding_strip(const struct record_cipher *rc, struct record_text *out)
{
	size_t padding = out->data[out->len - 1];

	if (padding + 1 > out->len || (rc->digest && padding >= rc->params->block_len))
		return false;
	out->len -= padding + 1;
	for (size_t i = 0; i < padding && !rc->digest; i++) {
		if (out->data[out->len + i] != padding)
			return false;
	}
	return true;
}

static bool cbc_decrypt(struct record_cipher *rc, const uint8_t *iv, struct bytes text,
			struct record_text *out)
{
	int len = 0;

	if (text.len == 0 || text.len % rc->params->block_len != 0)
		return false;
	if (EVP_DecryptInit_ex(rc->cipher, NULL, NULL, NULL, iv) != 1 ||
	    EVP_DecryptUpdate(rc->cipher, out->data, &len, text.data, (int)text.len) != 1 ||
	    (size_t)len != text.len)
		return false;
	out->len = text.len;
	return padding_strip(rc, out);
}

static bool cbc_open(struct record_cipher *rc, uint64_t sequence, const struct record_sealed *in,
		     struct record_text *out)
{
	size_t block_len = rc->params->block_len;
	struct bytes text = in->body, iv = bytes_of(rc->iv, block_len);

	if (rc->encrypt_then_mac) {
		if (text.len < rc->mac_len)
			return false;
		text.len -= rc->mac_len;
		if (!record_mac_right(rc, sequence, in, text, text.data + text.len))
			return false;
	}
	if (!rc->chained && !bytes_take(&text, block_len, &iv))
		return false;
	if (!cbc_decrypt(rc, iv.data, text, out))
		return false;
	if (!rc->encrypt_then_mac && !mac_strip(rc, sequence, in, out))
		return false;
	if (rc->chained)
		memcpy(rc->iv, text.data + text.len - block_len, block_len);
	return true;
}

bool record_tls12_open(struct record_cipher *rc, uint64_t sequence, const struct record_sealed *in,
		       struct record_text *out)
{
	bool ok;

	if (rc->params->tag_len > 0)
		ok = aead_open(rc, sequence, in, out);
	else if (rc->params->mode == SUITE_MODE_CBC)
		ok = cbc_open(rc, sequence, in, out);
	else
		ok = stream_open(rc, sequence, in, out);
	out->type = in->type;
	if (!ok && in->body.len > 0)
		OPENSSL_cleanse(out->data, in->body.len);
	return ok;
}
