/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DTLS 1.0 and 1.2 (RFC 6347), what DTLS 1.3 shows in clear (RFC 9147), and OpenSSL's version from
 * before RFC 4347: from one direction's datagrams to handshake messages, given as the items of
 * tls_record.h.
 *
 * Records need no state. A message that lies whole in one record is given in place; fragments are
 * gathered in any order, in memory that grows with the bytes received, never by what a length field
 * claims. A message is given as soon as it is complete, so that a certificate never waits for a
 * hello that was lost; one that is sent again is not given again.
 */
#ifndef CERTTAP_DTLS_H
#define CERTTAP_DTLS_H

#include "parsers/tls_record.h"

#define DTLS_RECORD_HEADER_LEN 13    /* RFC 6347 section 4.1 */
#define DTLS_MESSAGE_HEADER_LEN 12   /* RFC 6347 section 4.2.2 */
#define DTLS_OPEN_MAX 16             /* messages of one direction gathered at once */
#define DTLS_PIECES_MAX 1024         /* runs of bytes of one message, between what is missing */
#define DTLS_GIVEN_MAX 32            /* messages remembered as given */
#define DTLS_RANDOM_LEN 34           /* version and random: what tells one hello from another */

/* DTLS 1.0, 1.2 and 1.3 count downwards; 0x0100 is OpenSSL before 0.9.8f, and Cisco AnyConnect. */
static inline bool dtls_version_plausible(uint16_t version)
{
	return version == 0xfeff || version == 0xfefd || version == 0xfefc || version == 0x0100;
}

/* Content types beside those of enum tls_content_type. */
enum dtls_content_type {
	DTLS_CONNECTION_ID = 25,     /* RFC 9146 section 4 */
	DTLS_ACK = 26,               /* RFC 9147 section 7 */
};

struct dtls_record {
	uint8_t type;               /* enum tls_content_type; 0 with a DTLS 1.3 unified header */
	uint16_t version;           /* 0 likewise */
	uint16_t epoch;             /* the two low bits likewise */
	uint64_t sequence;          /* 48 bits; 0 likewise: it is encrypted */
	bool encrypted;             /* by its epoch, its unified header, or a connection id */
	uint16_t cut;               /* bytes of the body that lie beyond the datagram */
	struct bytes body;          /* what is there */
};

/*
 * Takes one record from the front of a datagram. False: none begins there, nothing is taken.
 * Behind a connection id, whose length only the peers know, the rest of the datagram is the
 * record's body.
 */
MUST_CHECK bool dtls_record_next(struct bytes *datagram, struct dtls_record *out);

struct dtls_fragment {
	uint8_t type;               /* enum tls_handshake_type */
	uint16_t message_seq;
	uint32_t total;             /* length of the whole message */
	uint32_t offset, len;       /* the part of it that this fragment has */
	struct bytes data;          /* `len` bytes, or what is there of them */
};

/*
 * Takes one fragment from the front of a handshake record's body; `cut`: the datagram ended before
 * the record did, so that its last fragment may be incomplete. False: the lengths contradict each
 * other, or no fragment's header is there; nothing is taken.
 */
MUST_CHECK bool dtls_fragment_next(struct bytes *body, bool cut, struct dtls_fragment *out);

/*
 * Does the datagram begin with a handshake message in clear, or a fragment of one? Some 100 bits
 * must fit: good enough to find DTLS on any port, and whichever fragment comes first.
 */
bool dtls_begins(struct bytes datagram);

/* Does it begin with any record of DTLS? For flows that are known to carry it. */
bool dtls_continues(struct bytes datagram);

struct dtls_message;

struct dtls_given {
	uint32_t total;
	uint16_t message_seq;
	uint8_t type;
};

struct dtls_reader {
	struct dtls_message *open;    /* being gathered, the oldest first */
	struct dtls_message *release; /* given out by the last call: free it now */
	uint32_t message_max;
	uint16_t message_seq;         /* of the message given last */
	uint16_t record_left;         /* bytes of the record's body at the front of the datagram */
	uint16_t record_version;
	bool record_cut;
	/* Fragments disagreed: of the same bytes the first are kept, what is of another type or
	 * length under the same message_seq is gathered apart. */
	bool conflict;
	uint8_t num_open, num_given;
	uint8_t given_at;             /* where the next is remembered */
	uint8_t randoms;              /* bit n: random[n] is set */
	uint8_t random[2][DTLS_RANDOM_LEN]; /* of the hellos with message_seq 0 and 1 */
	struct dtls_given given[DTLS_GIVEN_MAX];
	uint32_t handshakes;          /* begun anew under the same ports */
	uint32_t dropped;             /* messages given up unfinished: a limit, or begun anew */
	const char *why;              /* after PARSE_BAD: a static text */
};

void dtls_reader_init(struct dtls_reader *r, uint32_t message_max);
void dtls_reader_fini(struct dtls_reader *r, struct budget *memory);

/*
 * Takes from `datagram` up to the next item. PARSE_OK: `out` is an item. PARSE_BAD: something was
 * passed over, `r->why` says what; what follows may be good. PARSE_MORE: the datagram is used up.
 * Call until PARSE_MORE: each call before takes at least one byte. Whoever stops earlier calls
 * dtls_reader_leave().
 *
 * TLS_ITEM_MESSAGE has the body without its 12 bytes of header; those are dtls_message_header()'s.
 * TLS_ITEM_SKIPPED comes once for a message over message_max. There is no TLS_ITEM_PART.
 */
enum parse dtls_reader_next(struct dtls_reader *r, struct budget *memory, struct bytes *datagram,
			    struct tls_item *out);

/* The rest of the datagram is not wanted. */
void dtls_reader_leave(struct dtls_reader *r);

/*
 * Forgets what was given and gathered. The reader does so itself when a hello comes with another
 * random under a message_seq that is taken (`handshakes` counts it); the caller then does it for
 * the other side.
 */
void dtls_reader_restart(struct dtls_reader *r, struct budget *memory);

/*
 * The header of an unfragmented message, as DTLS 1.0 and 1.2 hash it into their transcript (RFC
 * 6347 section 4.2.6). DTLS 1.3 hashes the first four bytes only (RFC 9147 section 5.2).
 */
void dtls_message_header(const struct tls_item *item, uint16_t message_seq,
			 uint8_t out[DTLS_MESSAGE_HEADER_LEN]);

/*
 * Is a message begun and not finished? Of several the oldest Certificate, else the oldest. Of its
 * `total` bytes `have` have come.
 */
bool dtls_reader_unfinished(const struct dtls_reader *r, uint8_t *type, uint32_t *have,
			    uint32_t *total);

/*
 * That message's bytes from its beginning to the first that is missing; valid until the next call.
 */
struct bytes dtls_reader_gathered(struct dtls_reader *r, struct budget *memory);

/* The missing range [*from, *to) of that message, counted from 0; false: there are not so many. */
bool dtls_reader_missing(const struct dtls_reader *r, unsigned int index, uint32_t *from,
			 uint32_t *to);

/* Of the messages between the first and the last that were given, has one not even begun? */
bool dtls_reader_gap(const struct dtls_reader *r);

#endif
