/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts that record_protection.h is made of. Only parsers/record_*.c include this.
 */
#ifndef CERTTAP_RECORD_PARTS_H
#define CERTTAP_RECORD_PARTS_H

#include <openssl/evp.h>

#include "parsers/cipher_suite_params.h"
#include "parsers/rc4.h"
#include "parsers/record_protection.h"

#define NONCE_LEN 12
#define BLOCK_LEN_MAX 16
#define SSL_3_0 0x0300
#define TLS_1_0 0x0301

struct record_cipher {
	const struct suite_cipher_params *params;
	EVP_CIPHER_CTX *cipher;      /* keyed; NULL for RC4 and NULL suites */
	EVP_CIPHER_CTX *mask;        /* DTLS 1.3: what hides sequence numbers, keyed */
	EVP_MAC_CTX *hmac;           /* TLS 1.0 to 1.2 with a MAC: keyed */
	EVP_MD *digest;              /* SSL 3.0 has a MAC of its own */
	struct rc4 rc4;
	uint64_t sequence;           /* of the next record */
	uint8_t mac_key[SUITE_HASH_LEN_MAX];   /* SSL 3.0 only */
	uint8_t iv[BLOCK_LEN_MAX];   /* AEAD: fixed part of the nonce; CBC: the next record's IV */
	uint8_t mac_len;
	bool is_tls13, no_aad;
	bool chained;                /* CBC with the last block of the record before as IV */
	bool encrypt_then_mac;
};

struct record_sealed {
	uint8_t type;
	uint16_t version;
	struct bytes body;
};

struct record_text {
	uint8_t *data;
	size_t size, len;
	uint8_t type;
};

/* record_protection.c: without keys. NULL: out of memory, or OpenSSL lacks a part (`*why`). */
struct record_cipher *record_cipher_new(enum suite_cipher cipher, const char **why);

/* Gives the cipher its key of params->key_len bytes. */
MUST_CHECK bool record_cipher_key(struct record_cipher *rc, const uint8_t *key);

void record_put_u64(uint8_t out[8], uint64_t value);

/*
 * record_aead.c: `sealed` ends in the tag; `out` receives the rest, in clear. False: not authentic,
 * and `out` is wiped. `sealed` is at least tag_len long.
 */
MUST_CHECK bool record_aead_open(struct record_cipher *rc, const uint8_t nonce[NONCE_LEN],
				 struct bytes aad, struct bytes sealed, uint8_t *out);

/* iv XOR sequence (RFC 8446 section 5.3, RFC 7905) */
void record_nonce(const struct record_cipher *rc, uint64_t sequence, uint8_t nonce[NONCE_LEN]);

/* record_tls13.c */
MUST_CHECK bool record_tls13_open(struct record_cipher *rc, uint64_t sequence,
				  const struct record_sealed *in, struct record_text *out);
/* ... with additional data of the caller's */
MUST_CHECK bool record_tls13_open_with(struct record_cipher *rc, uint64_t sequence,
				       struct bytes aad, struct bytes body,
				       struct record_text *out);

/* record_tls13.c: the keys, with labels that begin as `prefix` says. NULL: `*why`. */
struct record_cipher *record_cipher_from_secret(struct hkdf *h, uint16_t suite,
						const char *prefix, struct bytes secret,
						const char **why);
MUST_CHECK bool record_expand(struct hkdf *h, enum suite_hash hash, const char *prefix,
			      const char *label, struct bytes secret, uint8_t *out, size_t len);

/* record_tls12.c, up to TLS 1.2 */
MUST_CHECK bool record_tls12_open(struct record_cipher *rc, uint64_t sequence,
				  const struct record_sealed *in, struct record_text *out);

/* record_mac.c: is `mac` (mac_len bytes) that of this content? */
MUST_CHECK bool record_mac_key(struct record_cipher *rc, uint16_t version, enum suite_hash hash,
			       const uint8_t *key);
MUST_CHECK bool record_mac_right(struct record_cipher *rc, uint64_t sequence,
				 const struct record_sealed *in, struct bytes content,
				 const uint8_t *mac);

#endif
