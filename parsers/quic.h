/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS handshake messages out of QUIC: versions 1 (RFC 9000, RFC 9001) and 2 (RFC 9369), and the
 * drafts 23 to 34 of the one and those of the other.
 *
 * The keys of Initial packets follow from a connection ID that is in clear, so a passive reader
 * opens them: ClientHello and ServerHello. Handshake packets (EncryptedExtensions, Certificate
 * ...) take a handshake traffic secret. Short headers, 0-RTT and everything after the handshake
 * are passed over.
 *
 *	datagram -> packets    quic_header.c   long headers, coalesced packets
 *	packet   -> frames     quic_keys.c     header and packet protection
 *	frames   -> stream     quic_frames.c   CRYPTO frames
 *	stream   -> messages   quic_message.c
 *
 * quic_open.c decides which keys a packet is tried with, and quic_candidate.c which of the
 * connections that were begun between two ends is the one in force. Nothing here knows addresses: the
 * caller keeps one `struct quic` for each pair of ends.
 */
#ifndef CERTTAP_QUIC_H
#define CERTTAP_QUIC_H

#include "parsers/budget.h"
#include "parsers/bytes.h"
#include "parsers/tls_record.h"

#define QUIC_V1 0x00000001u
#define QUIC_V2 0x6b3343cfu
#define QUIC_V2_DRAFT 0x709a50c4u      /* as Debian 12's ngtcp2 has it */
#define QUIC_DRAFT_29 0xff00001du

#define QUIC_HELD_MAX (32u << 10)      /* default of held_max */

/*
 * What all connections share: the ciphers and digests, fetched once, and a buffer of one datagram.
 * Make one for the process, before it gives up files and system calls; not for two threads at
 * once.
 */
struct quic_crypto;

/* NULL: out of memory, or OpenSSL lacks AES-128-GCM or SHA-256. */
struct quic_crypto *quic_crypto_new(void);
void quic_crypto_free(struct quic_crypto *c);

/*
 * Does a connection begin or go on with this datagram? A long header of a known version whose
 * lengths are possible, so that no other protocol's datagram is mistaken. It may be cut off by the
 * capture. Cheap: nothing is opened.
 */
bool quic_begins(struct bytes datagram);

struct quic;

/*
 * `crypto` must outlive it. A Certificate message over `message_max` bytes is given in parts, as
 * tls_record.h has it. Up to `held_max` bytes of packets that cannot be opened yet are kept. Where
 * no secrets will come, 4 KiB do: for a server's first packet that was captured before the
 * client's. NULL: out of memory, or over the budget.
 */
struct quic *quic_new(struct quic_crypto *crypto, struct budget *memory, uint32_t message_max,
		      uint32_t held_max);
void quic_free(struct quic *q, struct budget *memory);

/* A datagram of the pair. `side`: 0 or 1, the end that sent it. */
void quic_datagram(struct quic *q, struct budget *memory, unsigned int side,
		   struct bytes datagram);

/*
 * The next message: TLS_ITEM_MESSAGE (type, body, total), TLS_ITEM_PART or TLS_ITEM_SKIPPED; the
 * body is borrowed until the next call. In order for each side, Initial before Handshake as they
 * became readable. False: none for now. Call it until then after each datagram and secret: what
 * waits is bounded.
 */
bool quic_next(struct quic *q, struct budget *memory, unsigned int *side, struct tls_item *out);

/*
 * A side's handshake traffic secret, by RFC 8446 section 7.1, for a suite 0x1301 to 0x1304. Opens
 * its Handshake packets, those kept too. False: not a suite's secret, or packets were kept and it
 * opens none of them; then it is dropped.
 */
bool quic_secret(struct quic *q, struct budget *memory, unsigned int side, uint16_t cipher_suite,
		 struct bytes secret);

/* Are Handshake packets of this side kept, which prove a secret at once? */
bool quic_holds(const struct quic *q, unsigned int side);

/* Gives up the packets kept for a secret: the time for it has passed. */
void quic_drop_held(struct quic *q, struct budget *memory);

/* The side whose Initial packets open with the client's keys; -1: not known yet. */
int quic_client_side(const struct quic *q);

/*
 * The version in force (a server may change it, RFC 9368), or that of the first packet; 0: none
 * yet.
 */
uint32_t quic_version(const struct quic *q);

/* A Handshake packet of this side was seen, and none of them could be opened. */
bool quic_encrypted(const struct quic *q, unsigned int side);

/*
 * Something that this side sent and that could be read did not all reach us: bytes are missing
 * between CRYPTO frames, a packet was cut off or did not open, or a limit was met.
 */
bool quic_missing(const struct quic *q, unsigned int side);

/* A message of this side is begun and not complete. */
bool quic_unfinished(const struct quic *q, unsigned int side);

/* CRYPTO frames of this side gave different bytes for the same place. */
bool quic_conflict(const struct quic *q, unsigned int side);

/*
 * How often the client began anew between the same ends, and the server answered it: another first
 * connection ID without a Retry (a port used again), or another version. Messages given from then
 * on are of the new connection. What the server does not answer is no connection, and gives none.
 */
uint32_t quic_restarts(const struct quic *q);

#endif
