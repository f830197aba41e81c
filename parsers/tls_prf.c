/* SPDX-License-Identifier: Apache-2.0 */
#include "parsers/tls_prf.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#define LABEL "key expansion"
#define RANDOM_LEN 32
#define SEED_LEN (sizeof(LABEL) - 1 + 2 * RANDOM_LEN)
#define SSL3_SECRET_MAX 64
#define SSL_3_0 0x0300
#define TLS_1_0 0x0301
#define TLS_1_1 0x0302
#define DTLS_1_0 0xfeff

static bool hmac(enum suite_hash hash, struct bytes key, struct bytes data, uint8_t *out)
{
	size_t len = 0;

	return EVP_Q_mac(NULL, "HMAC", NULL, suite_hash_name(hash), NULL, key.data, key.len,
			 data.data, data.len, out, SUITE_HASH_LEN_MAX, &len) != NULL &&
	       len == suite_hash_len(hash);
}

/* P_hash (RFC 5246 section 5), laid over `out` by XOR, so that two of them make TLS 1.0's PRF. */
static bool p_hash(enum suite_hash hash, struct bytes secret, struct bytes seed, uint8_t *out,
		   size_t len)
{
	uint8_t input[SUITE_HASH_LEN_MAX + SEED_LEN], block[SUITE_HASH_LEN_MAX];
	size_t hash_len = suite_hash_len(hash), done = 0;
	bool ok = hmac(hash, secret, seed, block);   /* A(1) */

	while (ok && done < len) {
		memcpy(input, block, hash_len);
		memcpy(input + hash_len, seed.data, seed.len);
		ok = hmac(hash, secret, bytes_of(input, hash_len + seed.len), block);
		for (size_t i = 0; ok && i < hash_len && done < len; i++)
			out[done++] ^= block[i];
		ok = ok && hmac(hash, secret, bytes_of(input, hash_len), block);   /* A(n + 1) */
	}
	OPENSSL_cleanse(input, sizeof(input));
	OPENSSL_cleanse(block, sizeof(block));
	return ok;
}

/* RFC 2246 section 5: one half of the secret for each hash, with a byte in common if it is odd. */
static bool prf_md5_sha1(struct bytes secret, struct bytes seed, uint8_t *out, size_t len)
{
	size_t half = (secret.len + 1) / 2;

	return p_hash(SUITE_MD5, bytes_of(secret.data, half), seed, out, len) &&
	       p_hash(SUITE_SHA1, bytes_of(secret.data + secret.len - half, half), seed, out, len);
}

static bool digest(enum suite_hash hash, const uint8_t *data, size_t data_len, uint8_t *out)
{
	size_t len = 0;

	return EVP_Q_digest(NULL, suite_hash_name(hash), NULL, data, data_len, out, &len) == 1 &&
	       len == suite_hash_len(hash);
}

/* RFC 6101 section 6.2.2: MD5(secret + SHA('A' + secret + randoms)), 'BB', 'CCC' ... */
static bool ssl3_key_block(struct bytes secret, const uint8_t *randoms, uint8_t *out, size_t len)
{
	uint8_t input[TLS_KEY_BLOCK_MAX / 16 + SSL3_SECRET_MAX + 2 * RANDOM_LEN];
	uint8_t outer[SSL3_SECRET_MAX + SUITE_HASH_LEN_MAX], block[SUITE_HASH_LEN_MAX];
	size_t md5_len = suite_hash_len(SUITE_MD5), sha1_len = suite_hash_len(SUITE_SHA1);
	bool ok = true;

	for (size_t i = 0; ok && i * md5_len < len; i++) {
		memset(input, (int)('A' + i), i + 1);
		memcpy(input + i + 1, secret.data, secret.len);
		memcpy(input + i + 1 + secret.len, randoms, 2 * RANDOM_LEN);
		memcpy(outer, secret.data, secret.len);
		ok = digest(SUITE_SHA1, input, i + 1 + secret.len + 2 * RANDOM_LEN,
			    outer + secret.len) &&
		     digest(SUITE_MD5, outer, secret.len + sha1_len, block);
		for (size_t k = 0; ok && k < md5_len && i * md5_len + k < len; k++)
			out[i * md5_len + k] = block[k];
	}
	OPENSSL_cleanse(input, sizeof(input));
	OPENSSL_cleanse(outer, sizeof(outer));
	OPENSSL_cleanse(block, sizeof(block));
	return ok;
}

bool tls_key_block(uint16_t version, enum suite_hash prf, struct bytes master_secret,
		   struct bytes client_random, struct bytes server_random, uint8_t *out, size_t len)
{
	uint8_t seed[SEED_LEN] = LABEL;
	uint8_t *randoms = seed + sizeof(LABEL) - 1;
	bool ok;

	if (len > TLS_KEY_BLOCK_MAX || client_random.len != RANDOM_LEN ||
	    server_random.len != RANDOM_LEN || master_secret.len > SSL3_SECRET_MAX)
		return false;
	memcpy(randoms, server_random.data, RANDOM_LEN);
	memcpy(randoms + RANDOM_LEN, client_random.data, RANDOM_LEN);
	memset(out, 0, len);
	if (version == SSL_3_0)
		ok = ssl3_key_block(master_secret, randoms, out, len);
	else if (version == TLS_1_0 || version == TLS_1_1 || version == DTLS_1_0)
		ok = prf_md5_sha1(master_secret, bytes_of(seed, sizeof(seed)), out, len);
	else
		ok = p_hash(prf, master_secret, bytes_of(seed, sizeof(seed)), out, len);
	if (!ok)
		OPENSSL_cleanse(out, len);
	return ok;
}
