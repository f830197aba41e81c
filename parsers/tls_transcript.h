/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The transcript of a TLS 1.3 handshake up to the ServerHello (RFC 8446 section 4.4.1): its hash is what a handshake
 * traffic secret is derived with, and so joins a secret to the bytes on the wire.
 */
#ifndef CERTTAP_TLS_TRANSCRIPT_H
#define CERTTAP_TLS_TRANSCRIPT_H

#include "parsers/budget.h"
#include "parsers/bytes.h"

#define TLS_TRANSCRIPT_MAX (32u << 10)   /* bytes kept: hellos with post-quantum key shares have 2 KiB */
#define TLS_TRANSCRIPT_HASH_MAX 48

struct tls_transcript {
	uint8_t *data;             /* ClientHello [HelloRetryRequest ClientHello], with their headers */
	uint32_t len, capacity;
	uint32_t first_len;        /* of the first ClientHello, once a HelloRetryRequest followed */
	bool broken;               /* over the limit, or out of memory: there will be no hash */
};

/* Zeroed is empty. */
void tls_transcript_fini(struct tls_transcript *t, struct budget *memory);

/* Adds a message: its type, and its body without the header of four bytes. */
void tls_transcript_add(struct tls_transcript *t, struct budget *memory, uint8_t type, struct bytes body);

/* What was added last is a HelloRetryRequest: the first ClientHello counts by its hash alone from now on. */
void tls_transcript_retried(struct tls_transcript *t);

/*
 * The hash over all that was added, by the suite's hash: SHA-384 for 0x1302, else SHA-256. Returns its length, 0 when
 * there is none.
 */
size_t tls_transcript_hash(const struct tls_transcript *t, uint16_t suite,
			   uint8_t out[TLS_TRANSCRIPT_HASH_MAX]);

#endif
