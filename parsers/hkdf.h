/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HKDF (RFC 5869) over HMAC (RFC 2104), and TLS 1.3's HKDF-Expand-Label (RFC 8446 section 7.1).
 *
 * The digests are fetched once, by hkdf_new(): make one for the process, before it gives up files
 * and system calls, and pass it along; not for two threads at once. Secrets leave no copy behind:
 * neither on the stack nor in the `struct hkdf`.
 */
#ifndef CERTTAP_HKDF_H
#define CERTTAP_HKDF_H

#include "parsers/bytes.h"

enum hkdf_hash { HKDF_SHA256, HKDF_SHA384 };

#define HKDF_NUM_HASHES 2
#define HKDF_HASH_LEN_MAX 48

struct hkdf;

/* NULL: out of memory, or OpenSSL lacks the digests. The caller frees with hkdf_free(). */
struct hkdf *hkdf_new(void);
void hkdf_free(struct hkdf *h);

/* 32 or 48 bytes */
size_t hkdf_hash_len(enum hkdf_hash hash);

/* HMAC-Hash(salt, secret): `out` receives hkdf_hash_len() bytes. An empty salt counts as zeros. */
MUST_CHECK bool hkdf_extract(struct hkdf *h, enum hkdf_hash hash, struct bytes salt,
			     struct bytes secret, uint8_t *out);

/* False, and nothing in `out`, when `len` is over 255 digests or OpenSSL fails. */
MUST_CHECK bool hkdf_expand(struct hkdf *h, enum hkdf_hash hash, struct bytes secret,
			    struct bytes info, uint8_t *out, size_t len);

/*
 * `label` goes without its "tls13 ", and has at most 249 bytes; `context` is the hash of a
 * transcript, or empty, at most 255 bytes.
 */
MUST_CHECK bool hkdf_expand_label(struct hkdf *h, enum hkdf_hash hash, struct bytes secret,
				  const char *label, struct bytes context, uint8_t *out,
				  size_t len);

/* HMAC-Hash(key, data), as TLS 1.3's Finished has it; `out` receives hkdf_hash_len() bytes. */
MUST_CHECK bool hkdf_hmac(struct hkdf *h, enum hkdf_hash hash, struct bytes key, struct bytes data,
			  uint8_t *out);

#endif
