/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a cipher suite protects records with (IANA "TLS Cipher Suites" up to 2025, and TLCP's).
 * Left out: export suites, GOST, Camellia in GCM, Salsa20 and the ChaCha20 drafts, which this
 * program cannot open.
 */
#ifndef CERTTAP_CIPHER_SUITE_PARAMS_H
#define CERTTAP_CIPHER_SUITE_PARAMS_H

#include "parsers/bytes.h"

enum suite_cipher {
	SUITE_CIPHER_NULL,
	SUITE_RC4_128,
	SUITE_DES_CBC,
	SUITE_3DES_EDE_CBC,
	SUITE_IDEA_CBC,
	SUITE_SEED_CBC,
	SUITE_AES_128_CBC,
	SUITE_AES_256_CBC,
	SUITE_CAMELLIA_128_CBC,
	SUITE_CAMELLIA_256_CBC,
	SUITE_ARIA_128_CBC,
	SUITE_ARIA_256_CBC,
	SUITE_SM4_CBC,
	SUITE_AES_128_GCM,
	SUITE_AES_256_GCM,
	SUITE_ARIA_128_GCM,
	SUITE_ARIA_256_GCM,
	SUITE_SM4_GCM,
	SUITE_AES_128_CCM,
	SUITE_AES_256_CCM,
	SUITE_AES_128_CCM_8,
	SUITE_AES_256_CCM_8,
	SUITE_SM4_CCM,
	SUITE_CHACHA20_POLY1305,
	SUITE_NUM_CIPHERS,
};

enum suite_hash {
	SUITE_MD5,
	SUITE_SHA1,
	SUITE_SHA256,
	SUITE_SHA384,
	SUITE_SM3,
	SUITE_NUM_HASHES,
};

enum suite_mode {
	SUITE_MODE_NULL,      /* no encryption, a MAC alone */
	SUITE_MODE_STREAM,    /* RC4 */
	SUITE_MODE_CBC,
	SUITE_MODE_GCM,
	SUITE_MODE_CCM,
	SUITE_MODE_POLY1305,
};

struct suite_cipher_params {
	const char *name;     /* OpenSSL's; NULL: it needs none */
	enum suite_mode mode;
	uint8_t key_len;
	uint8_t block_len;    /* CBC: of a block, and so of the IV */
	uint8_t fixed_iv_len; /* AEAD up to TLS 1.2: the nonce's part that comes from the keys */
	uint8_t tag_len;      /* AEAD */
};

struct suite_params {
	enum suite_cipher cipher;
	enum suite_hash mac;  /* of the records; an AEAD suite has none */
	enum suite_hash prf;  /* of TLS 1.2's PRF and TLS 1.3's HKDF */
};

/* False: unknown, or left out (see above). */
MUST_CHECK bool cipher_suite_params(uint16_t suite, struct suite_params *out);

/* Is it one of those that TLS 1.3 has (RFC 8446 appendix B.4, RFC 8998)? */
bool cipher_suite_is_tls13(uint16_t suite);

const struct suite_cipher_params *suite_cipher_params(enum suite_cipher cipher);

/* OpenSSL's name of a hash, and the length of what it gives. */
const char *suite_hash_name(enum suite_hash hash);
size_t suite_hash_len(enum suite_hash hash);

#define SUITE_KEY_LEN_MAX 32
#define SUITE_HASH_LEN_MAX 48

#endif
