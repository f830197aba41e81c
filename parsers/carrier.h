/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Protocols that wrap TLS in a framing of their own, which must be taken off before TLS can be
 * read: TDS, EAP in RADIUS and EAPOL, OpenVPN, FTP security tokens, JXTA, SCTP, RDP over UDP, TURN
 * over TCP. Each is one file and one row of the table in carrier.c.
 *
 * A carrier is fed what a connection's ends sent, in order (TCP) or packet by packet (all others),
 * and gives what was inside: bytes of a TLS record stream, or whole datagrams of DTLS. Pure: state
 * sits in `struct carrier`, what it keeps of strangers' bytes is charged to the budget.
 *
 *	if (carrier_recognise(CARRIER_OVER_TCP, head, &ops) == PARSE_OK)
 *		c = carrier_new(ops, memory);
 *	carrier_feed(c, side, head);                 then all that follows, of both ends
 *	while ((result = carrier_next(c, memory, &piece)) == PARSE_OK)
 *		...
 */
#ifndef CERTTAP_CARRIER_H
#define CERTTAP_CARRIER_H

#include "parsers/budget.h"
#include "parsers/bytes.h"

enum carrier_over { CARRIER_OVER_TCP, CARRIER_OVER_UDP, CARRIER_OVER_SCTP, CARRIER_OVER_EAPOL };

/* What a piece is. */
enum carrier_content {
	CARRIER_STREAM,    /* the next bytes of a TLS record stream */
	CARRIER_DATAGRAM,  /* one whole datagram: DTLS */
	CARRIER_ENDED,     /* no bytes: nothing more will come of this conversation */
};

struct carrier_piece {
	enum carrier_content content;
	unsigned int side;       /* who sent it: the side that was fed */
	uint32_t conversation;   /* which TLS connection of several; the same for both sides */
	struct bytes bytes;      /* borrowed until the next call */
	uint32_t missed;         /* bytes or packets of this side that were lost just before */
};

struct carrier;
struct carrier_ops;

/*
 * Does a connection that begins so belong to a carrier? `head` is the first bytes of one direction
 * (TCP), a datagram (UDP), an SCTP packet or an EAPOL frame from its version on. PARSE_OK: *ops
 * says which; PARSE_MORE: may be, more bytes are needed (TCP only, never more than
 * CARRIER_HEAD_MAX); PARSE_BAD: no. Strict: what is taken for a carrier is not looked through for
 * plain TLS any more. Either side's head may be the first that is recognised: what the other side
 * sent before that need not be fed.
 */
#define CARRIER_HEAD_MAX 160
enum parse carrier_recognise(enum carrier_over over, struct bytes head,
			     const struct carrier_ops **ops);

/* "tds", "openvpn", "radius-eap" ... */
const char *carrier_name(const struct carrier_ops *ops);

/* NULL: out of memory, or over the budget. The caller frees. */
struct carrier *carrier_new(const struct carrier_ops *ops, struct budget *memory);
void carrier_free(struct carrier *c, struct budget *memory);

/*
 * What end `side` (0 or 1) sent: the next bytes in order, or a datagram, an SCTP packet from its
 * ports on, or an EAPOL frame. `in` must stay valid until carrier_next() has returned something
 * other than PARSE_OK.
 */
void carrier_feed(struct carrier *c, unsigned int side, struct bytes in);

/*
 * The next piece of what is inside. PARSE_MORE: what was fed is used up. PARSE_BAD: the stream does
 * not keep to the carrier's framing (or not any more: the peers went on without TLS), or is over
 * the budget; free the carrier.
 */
enum parse carrier_next(struct carrier *c, struct budget *memory, struct carrier_piece *out);

/*
 * TCP only: the next `len` bytes of a side were lost. True: the carrier goes on behind them, and
 * the next piece says how many it missed. False: it cannot tell where its next frame begins; free
 * it.
 */
MUST_CHECK bool carrier_lose(struct carrier *c, struct budget *memory, unsigned int side,
			     uint32_t len);

#endif
