/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening what a handshake protects, where somebody gave the keys: TLS 1.3's flight, client certificates
 * after it, and handshakes renegotiated inside TLS 1.2.
 *
 * A secret may come later than the flight it opens (a growing key log, a secrets block at a file's end): up to
 * KEYS_HELD_MAX bytes of each side are held for it. Exists only where keys may come at all.
 */
#ifndef CERTTAP_HANDSHAKE_KEYS_H
#define CERTTAP_HANDSHAKE_KEYS_H

#include "parsers/tls_transcript.h"
#include "userspace/handshake/handshake.h"

#define KEYS_HELD_MAX (32u << 10)

struct tls_client_hello;
struct tls_server_hello;

struct handshake_keys {
	uint8_t client_random[32], server_random[32];
	uint16_t draft;                  /* of TLS 1.3; 0: RFC 8446 */
	bool has_client_random, encrypt_then_mac;
	bool used[2];                    /* a secret is used for this side's records */
	bool opened[2];                  /* and it has opened one: it is the right one */
	bool retried[2];                 /* what it held for a ServerHello was read at the HelloRetryRequest */
	bool holding[2];                 /* its protected bytes wait for a secret */
	bool written[2];                 /* its handshake secret is in the file that is written */
	uint64_t generation;             /* of the keys when they were last looked at */
	uint64_t inner_tried;            /* of the key logs, when secrets of others were tried last */
	struct record_cipher *dtls[2];
	struct tls_transcript transcript; /* until the ServerHello, where probes may catch a secret */
	uint8_t transcript_hash[48];
	uint8_t transcript_hash_len;     /* 0: none */
	struct flow *waits;              /* registered as waiting under the hash and the client random */
	struct caught_trial *trial;      /* registered as waiting for any secret; NULL: not */
	uint64_t caught_tried;           /* how many secrets had been caught when some were tried last */
	uint32_t num_tried;
	enum witness witness[2];         /* by side: where the secret came from */
	uint8_t *held[2];
	uint32_t held_len[2], held_capacity[2];
};

/* After each hello. */
void handshake_keys_client_hello(struct tracker *t, struct handshake *h,
				 const struct tls_client_hello *hello);
/* Each hello's whole body, before the two calls about it. */
void handshake_keys_transcript(struct tracker *t, struct handshake *h, uint8_t type, struct bytes body);
/* For TLS 1.3. True: a secret is there or may still come, so nothing is to be said yet of why there is no chain. */
bool handshake_keys_server_hello(struct tracker *t, struct flow *flow, unsigned int side,
				 const struct tls_server_hello *hello);
/* Up to TLS 1.2: the side's next records are protected. */
void handshake_keys_cipher_spec(struct tracker *t, struct handshake *h, unsigned int side);
/* TLS 1.3: the side's Finished has passed; other keys, or none, open what follows. */
void handshake_keys_finished(struct tracker *t, struct handshake *h, unsigned int side);

/* Does anything of a stream, or of DTLS, wait for a secret? */
static inline bool handshake_keys_holding(const struct handshake *h)
{
	return h->keys && (h->keys->holding[0] || h->keys->holding[1]);
}

/* The same, but of QUIC too, whose packets wait in its connection. */
bool handshake_keys_wanted(const struct handshake *h);

/*
 * Behind this item are records that cannot be opened yet, for want of a secret or of a hello that the capture brings
 * later: are they to be waited for?
 */
bool handshake_keys_wait(struct tracker *t, struct handshake *h, unsigned int side,
			 enum tls_item_kind kind);
/* Holds bytes of a side that waits. False: no more room, the waiting is over. */
bool handshake_keys_hold(struct tracker *t, struct handshake *h, unsigned int side, struct bytes in);
/*
 * Has come what a side waits for? Then its bytes are moved to `*held` (the caller frees `*data`), and the
 * reader can go on with them.
 */
bool handshake_keys_arrived(struct tracker *t, struct handshake *h, unsigned int side,
			    uint8_t **data, struct bytes *held);

/* Can there be a secret that opens this side's handshake? A client's is not always caught. */
bool handshake_keys_may_come(const struct tracker *t, const struct handshake *h, unsigned int side);
/* Has any secret come since this was asked last? */
bool handshake_keys_changed(struct tracker *t, struct handshake *h);
/* QUIC: has a secret come that opens what its connection holds? Then there are messages to read. */
bool handshake_keys_quic_arrived(struct tracker *t, struct handshake *h);
/* DTLS 1.3: the cipher of a side's handshake records; NULL: no key for it. */
struct record_cipher *handshake_keys_dtls(struct tracker *t, struct handshake *h, unsigned int side);

/*
 * With a writer that wants secrets: gives it the handshake secrets that have opened something, each once. True: there is
 * none left to wait for, so the packets may follow.
 */
bool handshake_keys_write(struct tracker *t, struct handshake *h);

void handshake_keys_free(struct tracker *t, struct handshake *h);

#endif
