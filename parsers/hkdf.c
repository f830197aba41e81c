/* SPDX-License-Identifier: Apache-2.0 */
#include "parsers/hkdf.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>

#define BLOCK_LEN_MAX 128     /* of SHA-384 */
#define LABEL_PREFIX "tls13 "
#define VEC8_MAX 255

struct hkdf {
	EVP_MD *digest[HKDF_NUM_HASHES];
	EVP_MD_CTX *context;
};

static const struct {
	const char *name;
	size_t len, block_len;
} hashes[HKDF_NUM_HASHES] = {
	[HKDF_SHA256] = { "SHA256", 32, 64 },
	[HKDF_SHA384] = { "SHA384", 48, 128 },
};

struct hkdf *hkdf_new(void)
{
	struct hkdf *h = calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	h->context = EVP_MD_CTX_new();
	if (!h->context)
		goto fail;
	for (size_t i = 0; i < HKDF_NUM_HASHES; i++) {
		h->digest[i] = EVP_MD_fetch(NULL, hashes[i].name, NULL);
		if (!h->digest[i])
			goto fail;
	}
	return h;
fail:
	hkdf_free(h);
	return NULL;
}

void hkdf_free(struct hkdf *h)
{
	if (!h)
		return;
	for (size_t i = 0; i < HKDF_NUM_HASHES; i++)
		EVP_MD_free(h->digest[i]);
	EVP_MD_CTX_free(h->context);
	free(h);
}

size_t hkdf_hash_len(enum hkdf_hash hash)
{
	return hashes[hash].len;
}

static bool digest_parts(struct hkdf *h, enum hkdf_hash hash, const struct bytes *parts,
			 size_t num_parts, uint8_t *out)
{
	if (EVP_DigestInit_ex(h->context, h->digest[hash], NULL) != 1)
		return false;
	for (size_t i = 0; i < num_parts; i++) {
		if (EVP_DigestUpdate(h->context, parts[i].data, parts[i].len) != 1)
			return false;
	}
	return EVP_DigestFinal_ex(h->context, out, NULL) == 1;   /* wipes the context's state */
}

/* RFC 2104: H(key ^ opad, H(key ^ ipad, parts)). At most three parts. */
static bool hmac_parts(struct hkdf *h, enum hkdf_hash hash, struct bytes key,
		       const struct bytes *parts, size_t num_parts, uint8_t *out)
{
	uint8_t pad[BLOCK_LEN_MAX] = { 0 }, inner[HKDF_HASH_LEN_MAX];
	size_t block_len = hashes[hash].block_len;
	struct bytes input[4] = { { pad, block_len } };
	bool ok = true;

	if (key.len > block_len)
		ok = digest_parts(h, hash, &key, 1, pad);
	else if (key.len > 0)
		memcpy(pad, key.data, key.len);
	for (size_t i = 0; i < block_len; i++)
		pad[i] ^= 0x36;
	for (size_t i = 0; i < num_parts; i++)
		input[i + 1] = parts[i];
	ok = ok && digest_parts(h, hash, input, num_parts + 1, inner);

	for (size_t i = 0; i < block_len; i++)
		pad[i] ^= 0x36 ^ 0x5c;
	input[1] = bytes_of(inner, hashes[hash].len);
	ok = ok && digest_parts(h, hash, input, 2, out);
	OPENSSL_cleanse(pad, sizeof(pad));
	OPENSSL_cleanse(inner, sizeof(inner));
	return ok;
}

bool hkdf_hmac(struct hkdf *h, enum hkdf_hash hash, struct bytes key, struct bytes data,
	       uint8_t *out)
{
	uint8_t mac[HKDF_HASH_LEN_MAX];
	bool ok = hmac_parts(h, hash, key, &data, 1, mac);

	if (ok)
		memcpy(out, mac, hashes[hash].len);
	OPENSSL_cleanse(mac, sizeof(mac));
	return ok;
}

/*
 * RFC 5869 section 2.2. HMAC fills up its key with zeros, so an empty salt needs no special care.
 */
bool hkdf_extract(struct hkdf *h, enum hkdf_hash hash, struct bytes salt, struct bytes secret,
		  uint8_t *out)
{
	return hkdf_hmac(h, hash, salt, secret, out);
}

/* RFC 5869 section 2.3: T(n) = HMAC(secret, T(n - 1) | info | n). */
bool hkdf_expand(struct hkdf *h, enum hkdf_hash hash, struct bytes secret, struct bytes info,
		 uint8_t *out, size_t len)
{
	uint8_t block[HKDF_HASH_LEN_MAX], counter = 0;
	size_t hash_len = hashes[hash].len, done = 0, take;
	bool ok = len <= 255 * hash_len;

	while (ok && done < len) {
		struct bytes parts[3] = { { block, counter > 0 ? hash_len : 0 }, info,
					  { &counter, 1 } };

		counter++;
		ok = hmac_parts(h, hash, secret, parts, 3, block);
		take = len - done < hash_len ? len - done : hash_len;
		if (ok)
			memcpy(out + done, block, take);
		done += take;
	}
	if (!ok && done > 0)
		OPENSSL_cleanse(out, done < len ? done : len);
	OPENSSL_cleanse(block, sizeof(block));
	return ok;
}

/* struct HkdfLabel: the length wanted, the label with its prefix, the context. */
bool hkdf_expand_label(struct hkdf *h, enum hkdf_hash hash, struct bytes secret, const char *label,
		       struct bytes context, uint8_t *out, size_t len)
{
	uint8_t info[2 + 1 + VEC8_MAX + 1 + VEC8_MAX];
	size_t prefix_len = strlen(LABEL_PREFIX), label_len = strlen(label), at = 0;

	if (label_len > VEC8_MAX - prefix_len || context.len > VEC8_MAX)
		return false;
	info[at++] = (uint8_t)(len >> 8);
	info[at++] = (uint8_t)len;
	info[at++] = (uint8_t)(prefix_len + label_len);
	memcpy(info + at, LABEL_PREFIX, prefix_len);
	at += prefix_len;
	memcpy(info + at, label, label_len);
	at += label_len;
	info[at++] = (uint8_t)context.len;
	if (context.len > 0)
		memcpy(info + at, context.data, context.len);
	at += context.len;
	return hkdf_expand(h, hash, secret, bytes_of(info, at), out, len);
}
