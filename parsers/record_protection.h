/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opens protected records with keys that somebody gave: a key log, or a secret caught in a library.
 *
 * A `struct record_cipher` opens what one side sent under one set of keys, record by record, and
 * never believes bytes whose tag or MAC is wrong. Pure but for OpenSSL, which is asked for each
 * algorithm in its default provider: what it lacks gives NULL and a reason. RFC 8446 section 5,
 * RFC 5246 section 6, RFC 4346, RFC 2246, RFC 6101 (SSL 3.0), RFC 7366, RFC 6347, RFC 9147.
 */
#ifndef CERTTAP_RECORD_PROTECTION_H
#define CERTTAP_RECORD_PROTECTION_H

#include "parsers/bytes.h"
#include "parsers/hkdf.h"

#define RECORD_MASTER_SECRET_LEN 48
#define RECORD_RANDOM_LEN 32
#define RECORD_OPEN_MAX (16384 + 2048)   /* longer bodies are PARSE_BAD; room enough for `out` */
#define RECORD_AHEAD_MAX 64              /* sequence numbers tried by record_open_ahead() */

struct record_cipher;

/*
 * TLS 1.3, from a traffic secret (the HKDF keys "key" and "iv"). `draft`: 0 is RFC 8446, 18 to 28
 * that draft's differences (before 20 other labels, before 25 no additional data). NULL: `*why` is
 * a static text. `h` is used during the call only. The caller frees with record_cipher_free().
 */
struct record_cipher *record_cipher_tls13(struct hkdf *h, uint16_t suite, unsigned int draft,
					  struct bytes secret, const char **why);

/* The same for DTLS 1.3, with the key that hides sequence numbers: see record_open_dtls13(). */
struct record_cipher *record_cipher_dtls13(struct hkdf *h, uint16_t suite, struct bytes secret,
					   const char **why);

struct record_tls12_keys {
	uint16_t suite;
	uint16_t version;             /* 0x0300 to 0x0303, 0xfeff, 0xfefd (DTLS), 0x0101 (TLCP) */
	struct bytes master_secret;   /* 48 bytes */
	struct bytes client_random;   /* 32 bytes */
	struct bytes server_random;   /* 32 bytes */
	bool is_server;               /* the records that the server sends */
	bool encrypt_then_mac;        /* RFC 7366 was negotiated; matters for CBC suites only */
};

/* SSL 3.0 to TLS 1.2, DTLS 1.0 and 1.2: the records behind ChangeCipherSpec. NULL: `*why`. */
struct record_cipher *record_cipher_tls12(const struct record_tls12_keys *keys, const char **why);

/* Wipes the keys. NULL is allowed. */
void record_cipher_free(struct record_cipher *rc);

/*
 * Opens the next record in order. `type` and `version` are those of its header, `body` what follows
 * it. PARSE_OK: `out` holds `*out_len` bytes, `*inner_type` says what they are (TLS 1.3 hides it;
 * otherwise it is `type`), and the sequence number has moved on. PARSE_BAD: tag, MAC, padding or
 * length is wrong, or `out_size` is less than the body: the sequence number is as it was, and
 * `out` holds nothing of use. Never PARSE_MORE. `out` must not overlap `body`. Work is bounded by
 * the body's length.
 */
enum parse record_open(struct record_cipher *rc, uint8_t type, uint16_t version, struct bytes body,
		       uint8_t *out, size_t out_size, size_t *out_len, uint8_t *inner_type);

/*
 * The same after a loss: tries the next sequence number and up to `ahead` further ones (at most
 * RECORD_AHEAD_MAX). The one that opens it becomes the last one.
 */
enum parse record_open_ahead(struct record_cipher *rc, unsigned int ahead, uint8_t type,
			     uint16_t version, struct bytes body, uint8_t *out, size_t out_size,
			     size_t *out_len, uint8_t *inner_type);

uint64_t record_cipher_sequence(const struct record_cipher *rc);

/*
 * False, and nothing changes: a record depends on the bytes of those before it (RC4, CBC up to TLS
 * 1.0), so no other number would help.
 */
MUST_CHECK bool record_cipher_set_sequence(struct record_cipher *rc, uint64_t sequence);

/*
 * DTLS 1.0 and 1.2: `epoch` and `sequence` (48 bits) come from the record's header, so records open
 * in any order.
 */
enum parse record_open_dtls12(struct record_cipher *rc, uint8_t type, uint16_t version,
			      uint16_t epoch, uint64_t sequence, struct bytes body, uint8_t *out,
			      size_t out_size, size_t *out_len);

/* A DTLS 1.3 record with a unified header (RFC 9147 section 4), its number still hidden. */
struct dtls13_record {
	uint8_t epoch_bits;       /* the low two bits of the epoch */
	uint8_t sequence_len;     /* 1 or 2 */
	struct bytes connection_id;
	struct bytes header;      /* everything before the body */
	struct bytes body;
};

/*
 * Takes one record from a datagram. `connection_id_len` was negotiated (0: none); it counts only
 * where the header says that there is one. False: not such a record, or cut off.
 */
MUST_CHECK bool dtls13_record_next(struct bytes *datagram, size_t connection_id_len,
				   struct dtls13_record *out);

/*
 * Opens a DTLS 1.3 record of this cipher's epoch, in any order; the number is taken as the one
 * nearest to what is due after the highest opened so far. `*sequence` receives it.
 */
enum parse record_open_dtls13(struct record_cipher *rc, const struct dtls13_record *record,
			      uint8_t *out, size_t out_size, size_t *out_len, uint8_t *inner_type,
			      uint64_t *sequence);

#endif
