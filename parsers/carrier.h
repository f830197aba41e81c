/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Protocols that wrap TLS in a framing of their own, which must be taken off before TLS can be read: TDS, EAP in
 * EAPOL and RADIUS, OpenVPN, RDP ... Each is one row of the table in carrier.c.
 *
 * A carrier is fed what a connection's end sent, in order (TCP) or datagram by datagram (UDP), and gives
 * what was inside: bytes of a TLS record stream, or whole datagrams (DTLS inside TURN or CAPWAP). Pure:
 * state sits in `struct carrier`, memory is charged to the budget.
 */
#ifndef CERTTAP_CARRIER_H
#define CERTTAP_CARRIER_H

#include "parsers/budget.h"
#include "parsers/bytes.h"

enum carrier_over { CARRIER_OVER_TCP, CARRIER_OVER_UDP };

/* What carrier_next() gives. */
enum carrier_content {
	CARRIER_STREAM,    /* the next bytes of a TLS record stream */
	CARRIER_DATAGRAM,  /* one whole datagram: DTLS */
};

struct carrier;
struct carrier_ops;

/*
 * Does a connection that begins so belong to a carrier? `head` is the first bytes of one direction (TCP), or a
 * datagram (UDP). PARSE_OK: *ops says which; PARSE_MORE: may be, more bytes are needed (TCP only);
 * PARSE_BAD: no. Strict: what is taken for a carrier is not looked through for plain TLS any more.
 */
enum parse carrier_recognise(enum carrier_over over, struct bytes head, const struct carrier_ops **ops);

/* "tds", "openvpn", "radius" ... */
const char *carrier_name(const struct carrier_ops *ops);

/* NULL: out of memory, or over the budget. */
struct carrier *carrier_new(const struct carrier_ops *ops, struct budget *memory);
void carrier_free(struct carrier *c, struct budget *memory);

/*
 * What end `side` (0 or 1) sent: the next bytes in order, or a datagram. `in` must stay valid until carrier_next()
 * has returned false. False: this is not the carrier's framing after all (or not any more).
 */
MUST_CHECK bool carrier_feed(struct carrier *c, struct budget *memory, unsigned int side,
			     struct bytes in);

/*
 * The next piece of what is inside. `*side` says who sent it: usually who was fed, but some carriers
 * hold pieces back until they are in order. `*missed`: so many bytes or packets were given up before this piece.
 */
MUST_CHECK bool carrier_next(struct carrier *c, struct budget *memory, unsigned int *side,
			     enum carrier_content *content, struct bytes *out, uint32_t *missed);

#endif
