/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One handshake: from its messages to a sighting in the ledger.
 *
 * A chain is recorded as soon as its Certificate message is complete, whatever comes after; who observes is told of it
 * with what belongs to it (handshake_news.h). A reason is
 * recorded when it is certain: TLS 1.3 at the ServerHello, resumption at the server's ChangeCipherSpec, and what
 * was lost or left unfinished when the connection ends or goes quiet.
 */
#ifndef CERTTAP_HANDSHAKE_H
#define CERTTAP_HANDSHAKE_H

#include "userspace/flow/tracker.h"

enum { SIDE_UNKNOWN = 2 };

/* Loose chains of one handshake; further Certificate messages are passed over. */
#define HANDSHAKE_CHAINS_MAX 8

struct handshake_keys;
struct handshake_untold;
struct quic;
struct sslv2_pieces;

enum sslv2_expected { SSLV2_NONE, SSLV2_HELLO, SSLV2_ANSWER };

/* What most handshakes never need; made when it is. There may be a million handshakes at once. */
struct handshake_rare {
	struct chain_builder *builder[2];    /* a Certificate message over the limit, in parts; by side */
	const struct chain *pending[2];      /* a chain whose role is not known yet */
	const struct chain *partial[2];      /* the whole entries of a Certificate message that broke off */
	struct chain *loose;                 /* chains to be released with it */
	struct handshake_untold *untold;     /* NULL: the observer knows all that was recorded */
	struct sslv2_pieces *sslv2[2];      /* a hello of SSL 2.0 that has not come whole; by side */
	uint64_t lost_from[2], lost_to[2];   /* the first range missed of each side */
	const char *malformed[2];            /* why reading a side ended early, or NULL */
	uint8_t num_loose;
};

struct handshake {
	struct sighting s;
	struct handshake_rare *rare;         /* NULL: nothing of that */
	struct quic *quic;                   /* QUIC: the connection it belongs to, borrowed */
	struct handshake_keys *keys;         /* NULL: nothing will be opened, see handshake_keys.h */
	struct tls_reader reader[2];         /* by side of the flow, as are the next */
	uint64_t session_id;                 /* a hash of the client's, 0: none */
	uint32_t messages[2];                /* bit n: message type n was seen */
	struct ledger_row *row[2];           /* by role */
	bool recorded[2];                    /* by role */
	bool cipher_spec[2], encrypted[2], missed[2], oversize[2];
	uint8_t in_sslv2[2];                 /* enum sslv2_expected: what this side is sending */
	bool over[2];                        /* nothing more comes in clear from this side */
	uint8_t client_side;                 /* 0, 1 or SIDE_UNKNOWN */
	uint8_t alert_side;
	uint8_t opener_side;                 /* who sent the SYN, or SIDE_UNKNOWN */
	uint32_t external_psks;              /* bit n: the client's PSK number n is no ticket's */
	enum reason psk;                     /* TLS 1.3, where a PSK was chosen: what it makes of the handshake */
	bool hello_retry;
	uint8_t certificate_type;            /* of the server, enum tls_certificate_type */
};

/* NULL: no memory. Freed by handshake_close(). */
struct handshake *handshake_new(struct tracker *t, const struct flow *flow,
				const struct segment *segment);

/* A fresh reader for a side: at first, and behind a loss. */
void handshake_reader_init(struct tracker *t, struct handshake *h, unsigned int side);

/* What comes next for the side whose item was handled. */
enum handshake_next { HANDSHAKE_GO_ON, HANDSHAKE_SIDE_OVER };

/* A message, alert or change of ciphers, as tls_reader_next() gave it. */
enum handshake_next handshake_item(struct tracker *t, struct flow *flow, unsigned int side,
				   const struct tls_item *item, const struct segment *segment);

/* A ClientHello in SSL 2.0 format, which has no records. */
struct tls_client_hello;
void handshake_client_hello(struct tracker *t, struct flow *flow, unsigned int side,
			    const struct tls_client_hello *hello, const struct segment *segment);

/* Bytes [from, to) of this side's stream are missing. Call before the reader forgets what it gathered. */
void handshake_missed(struct tracker *t, struct handshake *h, unsigned int side, uint64_t from,
		      uint64_t to);

/* What an SSL 2.0 server answered: one certificate, or that the session is resumed. */
void handshake_sslv2_answer(struct tracker *t, struct flow *flow, unsigned int side, bool resumed,
			    struct bytes certificate, const struct segment *segment);

/* A Certificate message of another reading of the same bytes: where its chain differs, it is a row, `ambiguous`. */
void handshake_other_reading(struct tracker *t, struct flow *flow, unsigned int side,
			     struct bytes body);

/* What is there of a Certificate message that is not whole: its whole entries count. */
void handshake_keep_partial(struct tracker *t, struct handshake *h, unsigned int side,
			    struct bytes body);

/* Reading this side ended early: the bytes are not TLS any more. `why` is a static text. */
void handshake_malformed(struct tracker *t, struct handshake *h, unsigned int side, const char *why);

/* The capture began inside an encrypted connection. */
void handshake_midstream(struct tracker *t, struct flow *flow, unsigned int side);

/* The source gives no more of this side. */
void handshake_side_over(struct tracker *t, struct handshake *h, unsigned int side);

/*
 * This side has closed or reset the connection; what it sent ends before `seq`. A client that does so right behind the
 * server's flight did not want to go on.
 */
void handshake_side_closed(struct tracker *t, struct flow *flow, unsigned int side, uint32_t seq);

/* Both sides have shown all they show in clear, and it is recorded. */
bool handshake_settled(const struct handshake *h);

/* Records what is still open, tells the observer, and frees flow->handshake. */
void handshake_close(struct tracker *t, struct flow *flow);

#endif
