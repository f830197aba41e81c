/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of QUIC, in the order in which a datagram goes through them. Only parsers/quic*.c and
 * their tests include this.
 */
#ifndef CERTTAP_QUIC_PARTS_H
#define CERTTAP_QUIC_PARTS_H

#include "parsers/quic.h"
#include "parsers/stream.h"

#define QUIC_CID_MAX 20              /* RFC 9000 section 17.2 */
#define QUIC_FIRST_CID_MIN 8         /* a client's first choice, RFC 9000 section 7.2 */
#define QUIC_TAG_LEN 16              /* of every AEAD that QUIC uses */
#define QUIC_SECRET_MAX 48
#define QUIC_DATAGRAM_MAX 65535

enum quic_role { QUIC_CLIENT, QUIC_SERVER };
enum quic_epoch { QUIC_EPOCH_INITIAL, QUIC_EPOCH_HANDSHAKE, QUIC_NUM_EPOCHS };

/* quic_header.c: RFC 9000 section 17.2 */

struct quic_version {
	uint32_t first, last;        /* version numbers with the same rules */
	uint8_t salt[20];            /* RFC 9001 section 5.2 */
	const char *key, *iv, *hp;   /* labels, RFC 9001 section 5.1 */
	uint8_t type_shift;          /* RFC 9369 section 3.2 numbers the packet types anew */
};

const struct quic_version *quic_version_find(uint32_t version);

enum quic_type { QUIC_INITIAL, QUIC_ZERO_RTT, QUIC_HANDSHAKE, QUIC_RETRY,
		 QUIC_VERSION_NEGOTIATION };

struct quic_packet {
	enum quic_type type;
	uint32_t version;
	struct bytes dcid, scid;
	struct bytes whole;          /* from the first byte to the end that Length gives */
	size_t number_at;            /* where in it the packet number begins; 0: it has none */
	bool cut;                    /* Length reaches beyond the datagram's end */
};

/* A variable-length integer, RFC 9000 section 16. */
MUST_CHECK bool quic_varint(struct bytes *in, uint64_t *out);

/*
 * Takes the next of the packets in a datagram (section 12.2). False: the rest is none that has a
 * long header of a known version; nothing was taken. Retry and Version Negotiation take all that
 * is left.
 */
MUST_CHECK bool quic_packet_next(struct bytes *in, struct quic_packet *out);

/* quic_keys.c: RFC 9001 section 5 */

struct quic_keys {
	uint32_t version;            /* that they were derived for */
	uint8_t suite;               /* a row in the table of suites */
	bool secret;                 /* anybody can derive the others */
	uint8_t key[32], iv[12], hp[32];
};

/* The keys that follow from the client's first Destination Connection ID. */
MUST_CHECK bool quic_keys_initial(struct quic_crypto *c, uint32_t version, struct bytes dcid,
				  enum quic_role role, struct quic_keys *out);

/*
 * The length of a TLS 1.3 suite's secrets; 0 for a suite that QUIC does not use, or OpenSSL does
 * not have.
 */
size_t quic_secret_len(const struct quic_crypto *c, uint16_t cipher_suite);

MUST_CHECK bool quic_keys_derive(struct quic_crypto *c, uint32_t version, uint16_t cipher_suite,
				 struct bytes secret, struct quic_keys *out);

/*
 * Opens a packet. `expected`: the number after the largest one seen in its space. `payload` lies
 * in `c`, until the next packet is opened.
 */
MUST_CHECK bool quic_keys_open(struct quic_crypto *c, const struct quic_keys *keys,
			       const struct quic_packet *packet, uint64_t expected,
			       uint64_t *number, struct bytes *payload);

/* quic_frames.c: RFC 9000 section 19 */

struct quic_crypto_frame {
	uint64_t offset;
	struct bytes data;
};

/*
 * Takes frames up to and with the next CRYPTO frame. False: there is none, or a frame that must
 * not be there.
 */
MUST_CHECK bool quic_frame_crypto(struct bytes *payload, struct quic_crypto_frame *out);

/* quic_message.c: a CRYPTO stream's bytes in order -> messages */

struct quic_message {
	struct quic_message *next;
	uint32_t len, capacity;      /* of data */
	uint8_t side;
	struct tls_item item;        /* its body is set when it is given out */
	uint8_t data[];
};

struct quic_queue {
	struct quic_message *first, *last;
	struct quic_message *given;  /* lent to the caller */
	uint32_t len;                /* bytes, with the structs */
	uint32_t len_max;
};

struct quic_reader {
	struct quic_message *partial;
	uint32_t have, total;        /* bytes of the message's body */
	uint8_t header[TLS_MESSAGE_HEADER_LEN];
	uint8_t header_len;          /* all of it: a message is begun */
	bool broken;                 /* a limit was met: nothing more comes of this stream */
};

/* Reads on with `in`; messages that become complete go to `queue`. */
void quic_reader_feed(struct quic_reader *r, struct budget *memory, uint32_t message_max,
		      unsigned int side, struct bytes in, struct quic_queue *queue);
void quic_reader_fini(struct quic_reader *r, struct budget *memory);

MUST_CHECK bool quic_queue_next(struct quic_queue *queue, struct budget *memory,
				unsigned int *side, struct tls_item *out);
/* Puts what waits in `from` behind what waits in `to`; where both are too much, the older goes. */
void quic_queue_join(struct quic_queue *to, struct quic_queue *from, struct budget *memory);
void quic_queue_fini(struct quic_queue *queue, struct budget *memory);

/* quic_open.c, quic.c: the connection */

struct quic_cid {
	uint8_t len;
	uint8_t data[QUIC_CID_MAX];
};

/* One side's packets of one epoch. */
struct quic_space {
	struct stream stream;
	struct quic_reader reader;
	uint64_t expected;           /* the largest packet number opened, and one */
	uint32_t unopened;           /* packets seen and neither opened nor held */
	bool refused;                /* a CRYPTO frame went over a limit */
};

struct quic_end {
	struct quic_space spaces[QUIC_NUM_EPOCHS];
	struct quic_keys handshake;  /* valid for handshake.version, if not 0 */
	uint8_t secret[QUIC_SECRET_MAX];
	uint8_t secret_len;          /* 0: none, or `proven` and no longer needed */
	uint16_t suite;
	bool proven;                 /* the handshake keys opened a packet */
	bool handshake_seen;
	uint8_t wrong_guesses;
};

struct quic_initial {
	uint32_t version;            /* 0: not in use */
	struct quic_keys keys[2];    /* by enum quic_role */
};

struct quic_held {
	struct quic_held *next;
	uint8_t side, epoch;
	uint32_t version, len;
	uint32_t number_at;
	uint8_t data[];
};

struct quic {
	struct quic_crypto *crypto;
	uint32_t message_max, held_max;
	uint32_t version;
	int client_side;
	struct quic_cid scid;                /* the client's */
	struct quic_cid dcid;                /* that the Initial keys follow from */
	struct quic_cid before;              /* the one before a Retry: late copies bear it */
	struct quic_cid retry;               /* chosen by the server in a Retry */
	uint8_t invitations;                 /* Retry, Version Negotiation seen: up to a cap */
	struct quic_initial initial[2];      /* the first version's and the negotiated one's */
	struct quic_end ends[2];             /* by side */
	struct quic_held *held;              /* oldest first */
	uint32_t held_len;
	struct quic_queue queue;
	uint32_t restarts;
	bool answered;                       /* the server sent an Initial that opened */
	struct quic *candidates;             /* newest first; they have none themselves */
	struct quic *next;
};

/* Finds the keys of an Initial or Handshake packet, opens it and reads its frames, or holds it. */
void quic_open(struct quic *q, struct budget *memory, unsigned int side,
	       const struct quic_packet *packet);

/* One connection's Initial packet: with the keys at hand, */
MUST_CHECK bool quic_open_initial(struct quic *q, struct budget *memory, unsigned int side,
				  const struct quic_packet *packet);
/* and with those that follow from a connection ID that may be its first one. */
MUST_CHECK bool quic_guess(struct quic *q, struct budget *memory, unsigned int side,
			   const struct quic_packet *packet);

/* A client's first packet, come again after the Retry that it was answered with. */
bool quic_is_late(const struct quic *q, unsigned int side, const struct quic_packet *packet);

/* Tries the packets held of this side and epoch; true if one of them opened. */
bool quic_open_held(struct quic *q, struct budget *memory, unsigned int side,
		    enum quic_epoch epoch);

/* Drops what is held, of one epoch or (QUIC_NUM_EPOCHS) of all. */
void quic_held_drop(struct quic *q, struct budget *memory, enum quic_epoch epoch);

/*
 * quic_candidate.c: connections that the client, or somebody in its name, began between the same
 * ends. Anybody can make an Initial, for its keys follow from what it says itself: the connection
 * at hand is left for another one only when the server answers that.
 */

/* Does an Initial that is not of the connection at hand belong to one of these, or begin one? */
MUST_CHECK bool quic_candidate_initial(struct quic *q, struct budget *memory, unsigned int side,
				       const struct quic_packet *packet);

/* Does the server's Handshake packet bear the ID of one of these, and not ours? It is ours then. */
void quic_candidate_answered(struct quic *q, struct budget *memory, unsigned int side,
			     const struct quic_packet *packet);

/* Whom a Retry or Version Negotiation is for. */
struct quic *quic_candidate_invited(struct quic *q, unsigned int side,
				    const struct quic_packet *packet);

void quic_candidates_free(struct quic *q, struct budget *memory);

/* Reads an opened packet's frames. */
void quic_read_frames(struct quic *q, struct budget *memory, unsigned int side,
		      enum quic_epoch epoch, struct bytes payload);

/* Frees and forgets what one side sent. */
void quic_end_reset(struct quic_end *end, struct budget *memory);

#endif
