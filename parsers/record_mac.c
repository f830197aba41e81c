/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/core_names.h>
#include <openssl/crypto.h>

#include "parsers/record_parts.h"

static bool hmac_key(struct record_cipher *rc, enum suite_hash hash, const uint8_t *key)
{
	char name[16];
	OSSL_PARAM params[2] = { OSSL_PARAM_END, OSSL_PARAM_END };
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	bool ok;

	strncpy(name, suite_hash_name(hash), sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	params[0] = OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0);
	rc->hmac = mac ? EVP_MAC_CTX_new(mac) : NULL;
	ok = rc->hmac && EVP_MAC_init(rc->hmac, key, rc->mac_len, params) == 1;
	EVP_MAC_free(mac);
	return ok;
}

bool record_mac_key(struct record_cipher *rc, uint16_t version, enum suite_hash hash,
		    const uint8_t *key)
{
	rc->mac_len = (uint8_t)suite_hash_len(hash);
	if (version != SSL_3_0)
		return hmac_key(rc, hash, key);
	memcpy(rc->mac_key, key, rc->mac_len);
	rc->digest = EVP_MD_fetch(NULL, suite_hash_name(hash), NULL);
	return rc->digest != NULL;
}

/* RFC 5246 section 6.2.3.1 */
static bool hmac_of(struct record_cipher *rc, const uint8_t *head, size_t head_len,
		    struct bytes content, uint8_t *out)
{
	size_t len = 0;

	return EVP_MAC_init(rc->hmac, NULL, 0, NULL) == 1 &&
	       EVP_MAC_update(rc->hmac, head, head_len) == 1 &&
	       EVP_MAC_update(rc->hmac, content.data, content.len) == 1 &&
	       EVP_MAC_final(rc->hmac, out, &len, SUITE_HASH_LEN_MAX) == 1 && len == rc->mac_len;
}

static bool ssl3_digest(struct record_cipher *rc, EVP_MD_CTX *md, uint8_t pad,
			struct bytes head, struct bytes content, uint8_t *out)
{
	uint8_t pads[48];
	size_t pads_len = rc->mac_len == 16 ? 48 : 40;   /* MD5, SHA-1 */

	memset(pads, pad, sizeof(pads));
	return EVP_DigestInit_ex(md, rc->digest, NULL) == 1 &&
	       EVP_DigestUpdate(md, rc->mac_key, rc->mac_len) == 1 &&
	       EVP_DigestUpdate(md, pads, pads_len) == 1 &&
	       EVP_DigestUpdate(md, head.data, head.len) == 1 &&
	       EVP_DigestUpdate(md, content.data, content.len) == 1 &&
	       EVP_DigestFinal_ex(md, out, NULL) == 1;
}

/* RFC 6101 section 5.2.3.1 */
static bool ssl3_mac_of(struct record_cipher *rc, struct bytes head, struct bytes content,
			uint8_t *out)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	uint8_t inner[SUITE_HASH_LEN_MAX];
	bool ok = md && ssl3_digest(rc, md, 0x36, head, content, inner) &&
		  ssl3_digest(rc, md, 0x5c, bytes_of(inner, rc->mac_len), bytes_of(inner, 0), out);

	EVP_MD_CTX_free(md);
	return ok;
}

bool record_mac_right(struct record_cipher *rc, uint64_t sequence, const struct record_sealed *in,
		      struct bytes content, const uint8_t *mac)
{
	uint8_t head[13], right[SUITE_HASH_LEN_MAX];
	size_t at = 8;
	bool ok;

	record_put_u64(head, sequence);
	head[at++] = in->type;
	if (!rc->digest) {   /* SSL 3.0 leaves the version out */
		head[at++] = (uint8_t)(in->version >> 8);
		head[at++] = (uint8_t)in->version;
	}
	head[at++] = (uint8_t)(content.len >> 8);
	head[at++] = (uint8_t)content.len;
	if (rc->digest)
		ok = ssl3_mac_of(rc, bytes_of(head, at), content, right);
	else
		ok = hmac_of(rc, head, at, content, right);
	return ok && CRYPTO_memcmp(right, mac, rc->mac_len) == 0;
}
