/* SPDX-License-Identifier: Apache-2.0 */
/* TLS 1.3's and DTLS 1.3's protection made with OpenSSL alone, for tests to open. After cmocka.h. */
#ifndef CERTTAP_TESTS_RECORD_SEAL_H
#define CERTTAP_TESTS_RECORD_SEAL_H

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "parsers/hkdf.h"

#define SEAL_TAG_MAX 16

struct seal_suite {
	uint16_t suite;
	const char *cipher;
	enum hkdf_hash hash;
	size_t key_len, tag_len;
};

static const struct seal_suite seal_suites[] = {
	{ 0x1301, "AES-128-GCM", HKDF_SHA256, 16, 16 },
	{ 0x1302, "AES-256-GCM", HKDF_SHA384, 32, 16 },
	{ 0x1303, "ChaCha20-Poly1305", HKDF_SHA256, 32, 16 },
	{ 0x1304, "AES-128-CCM", HKDF_SHA256, 16, 16 },
	{ 0x1305, "AES-128-CCM", HKDF_SHA256, 16, 8 },
};

/* One traffic secret for all; each suite takes as much of it as its hash gives. */
static inline struct bytes seal_secret(const struct seal_suite *s)
{
	return bytes_of("forty-eight bytes that are a traffic secret here", hkdf_hash_len(s->hash));
}

static inline void seal_expand(struct hkdf *h, const struct seal_suite *s, const char *prefix,
			       const char *label, uint8_t *key, size_t len)
{
	uint8_t info[40];
	int label_len = snprintf((char *)info + 3, sizeof(info) - 3, "%s%s", prefix, label);

	info[0] = 0;
	info[1] = (uint8_t)len;
	info[2] = (uint8_t)label_len;
	info[3 + label_len] = 0;
	assert_true(hkdf_expand(h, s->hash, seal_secret(s),
				bytes_of(info, 4 + (size_t)label_len), key, len));
}

/* Seals `text` as record `sequence`; returns the body's length. */
static inline size_t seal(struct hkdf *h, const struct seal_suite *s, const char *prefix,
			  uint64_t sequence, struct bytes aad, struct bytes text, uint8_t *body)
{
	EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, s->cipher, NULL);
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	uint8_t key[32], iv[12];
	int len = 0;

	assert_non_null(cipher);
	seal_expand(h, s, prefix, "key", key, s->key_len);
	seal_expand(h, s, prefix, "iv", iv, sizeof(iv));
	for (int i = 0; i < 8; i++)
		iv[4 + i] ^= (uint8_t)(sequence >> 8 * (7 - i));
	assert_int_equal(EVP_EncryptInit_ex(c, cipher, NULL, NULL, NULL), 1);
	assert_int_equal(EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_IVLEN, 12, NULL), 1);
	if (strstr(s->cipher, "CCM"))
		assert_int_equal(
			EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_TAG, (int)s->tag_len, NULL), 1);
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

/* A whole DTLS 1.3 record; `form` is the first byte's C, S and L. Returns its length. */
static inline size_t seal_dtls(struct hkdf *h, const struct seal_suite *s, uint8_t form, size_t id_len,
			       uint64_t sequence, struct bytes text, uint8_t *datagram)
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
	seal(h, s, "dtls13", sequence, bytes_of(datagram, header_len), text,
	     datagram + header_len);
	seal_expand(h, s, "dtls13", "sn", key, s->key_len);
	memset(mask, 0, sizeof(mask));
	if (strstr(name, "ChaCha")) {
		assert_int_equal(EVP_EncryptInit_ex(c, cipher, NULL, key, datagram + header_len),
				 1);
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

#endif
