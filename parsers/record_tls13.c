/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/crypto.h>
#include <openssl/err.h>

#include "parsers/record_parts.h"

#define DRAFT_FIRST 18
#define DRAFT_LAST 28
#define DRAFT_TLS13_LABELS 20   /* draft-ietf-tls-tls13-20: "tls13 " for "TLS 1.3, " */
#define DRAFT_AAD 25            /* draft-ietf-tls-tls13-25: the header is authenticated */

/* HKDF-Expand's first block (RFC 5869 section 2.3); hkdf.h knows the hashes of RFC 8446 only. */
static bool expand_sm3(struct bytes secret, struct bytes info, uint8_t *out, size_t len)
{
	uint8_t block[SUITE_HASH_LEN_MAX], input[64];
	size_t block_len = 0;
	bool ok = info.len < sizeof(input) && len <= suite_hash_len(SUITE_SM3);

	if (!ok)
		return false;
	memcpy(input, info.data, info.len);
	input[info.len] = 1;
	ok = EVP_Q_mac(NULL, "HMAC", NULL, suite_hash_name(SUITE_SM3), NULL, secret.data,
		       secret.len, input, info.len + 1, block, sizeof(block), &block_len) != NULL &&
	     len <= block_len;
	if (ok)
		memcpy(out, block, len);
	OPENSSL_cleanse(block, sizeof(block));
	return ok;
}

/* HKDF-Expand-Label (RFC 8446 section 7.1) with an empty context and a prefix of one's choice. */
bool record_expand(struct hkdf *h, enum suite_hash hash, const char *prefix, const char *label,
		   struct bytes secret, uint8_t *out, size_t len)
{
	size_t prefix_len = strlen(prefix), label_len = strlen(label);
	uint8_t info[32] = { (uint8_t)(len >> 8), (uint8_t)len, (uint8_t)(prefix_len + label_len) };
	size_t info_len = 3 + prefix_len + label_len + 1;   /* the last: no context */

	if (info_len > sizeof(info))
		return false;
	memcpy(info + 3, prefix, prefix_len);
	memcpy(info + 3 + prefix_len, label, label_len);
	if (hash == SUITE_SM3)
		return expand_sm3(secret, bytes_of(info, info_len), out, len);
	return hkdf_expand(h, hash == SUITE_SHA384 ? HKDF_SHA384 : HKDF_SHA256, secret,
			   bytes_of(info, info_len), out, len);
}

static bool derive_keys(struct record_cipher *rc, struct hkdf *h, enum suite_hash hash,
			const char *prefix, struct bytes secret)
{
	uint8_t key[SUITE_KEY_LEN_MAX];
	bool ok = record_expand(h, hash, prefix, "key", secret, key, rc->params->key_len) &&
		  record_expand(h, hash, prefix, "iv", secret, rc->iv, NONCE_LEN) &&
		  record_cipher_key(rc, key);

	OPENSSL_cleanse(key, sizeof(key));
	return ok;
}

struct record_cipher *record_cipher_from_secret(struct hkdf *h, uint16_t suite, const char *prefix,
						struct bytes secret, const char **why)
{
	struct record_cipher *rc;
	struct suite_params params;

	if (!cipher_suite_is_tls13(suite) || !cipher_suite_params(suite, &params)) {
		*why = "not a cipher suite of TLS 1.3";
		return NULL;
	}
	if (secret.len != suite_hash_len(params.prf)) {
		*why = "the secret's length is not that of the suite's hash";
		return NULL;
	}
	rc = record_cipher_new(params.cipher, why);
	if (!rc)
		return NULL;
	rc->is_tls13 = true;
	if (derive_keys(rc, h, params.prf, prefix, secret))
		return rc;
	*why = "OpenSSL could not derive the keys";
	ERR_clear_error();
	record_cipher_free(rc);
	return NULL;
}

struct record_cipher *record_cipher_tls13(struct hkdf *h, uint16_t suite, unsigned int draft,
					  struct bytes secret, const char **why)
{
	bool old_labels = draft != 0 && draft < DRAFT_TLS13_LABELS;
	struct record_cipher *rc;

	if (draft != 0 && (draft < DRAFT_FIRST || draft > DRAFT_LAST)) {
		*why = "not a draft of TLS 1.3 that is known";
		return NULL;
	}
	rc = record_cipher_from_secret(h, suite, old_labels ? "TLS 1.3, " : "tls13 ", secret, why);
	if (rc)
		rc->no_aad = draft != 0 && draft < DRAFT_AAD;
	return rc;
}

/* TLSInnerPlaintext (RFC 8446 section 5.2): content, its type, zeros. */
bool record_tls13_open_with(struct record_cipher *rc, uint64_t sequence, struct bytes aad,
			    struct bytes body, struct record_text *out)
{
	uint8_t nonce[NONCE_LEN];
	size_t len;

	if (body.len < rc->params->tag_len)
		return false;
	record_nonce(rc, sequence, nonce);
	if (!record_aead_open(rc, nonce, aad, body, out->data))
		return false;
	len = body.len - rc->params->tag_len;
	while (len > 0 && out->data[len - 1] == 0)
		len--;
	if (len == 0)
		return false;   /* it must have a type */
	out->type = out->data[len - 1];
	out->len = len - 1;
	return true;
}

bool record_tls13_open(struct record_cipher *rc, uint64_t sequence, const struct record_sealed *in,
		       struct record_text *out)
{
	uint8_t header[5] = { in->type, (uint8_t)(in->version >> 8), (uint8_t)in->version,
			      (uint8_t)(in->body.len >> 8), (uint8_t)in->body.len };

	return record_tls13_open_with(
		rc, sequence, bytes_of(header, rc->no_aad ? 0 : sizeof(header)), in->body, out);
}
