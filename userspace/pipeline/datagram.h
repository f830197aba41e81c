/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS in datagrams: DTLS and QUIC, found by content on any port, also inside TURN, STUN and CAPWAP.
 */
#ifndef CERTTAP_DATAGRAM_H
#define CERTTAP_DATAGRAM_H

#include "userspace/flow/tracker.h"

/* A UDP datagram, as a segment. Cheap where it is none of ours: nothing is looked up. */
void datagram_segment(struct tracker *t, const struct segment *segment);

/* A datagram that lay inside another framing; the flow is of no table. */
void datagram_inside(struct tracker *t, struct flow *flow, unsigned int side, struct bytes in,
		     const struct segment *segment);

/* A secret has come that this flow waits for. */
void datagram_keys_arrived(struct tracker *t, struct flow *flow);

/* The flow is going away: records what is open, frees what it holds. */
void datagram_close(struct tracker *t, struct flow *flow);

#endif
