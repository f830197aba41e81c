/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS inside another protocol's framing: takes the framing off (parsers/carrier.h) and reads each TLS connection inside like
 * one of its own, between the same ends.
 */
#ifndef CERTTAP_CARRIAGE_H
#define CERTTAP_CARRIAGE_H

#include "parsers/carrier.h"
#include "userspace/flow/tracker.h"

/* TLS connections inside one carrier that are followed at once; of more, the oldest is closed. */
#define CARRIAGE_CONVERSATIONS_MAX 64

/*
 * Does `head`, the first bytes of a direction or a datagram, begin a carrier? On PARSE_OK flow->carriage is made; nothing
 * was fed yet.
 */
enum parse carriage_begin(struct tracker *t, struct flow *flow, enum carrier_over over,
			  struct bytes head);

/* What end `side` sent: the next bytes in order, or a datagram. flow->carriage may be gone afterwards. */
void carriage_bytes(struct tracker *t, struct flow *flow, unsigned int side, struct bytes in,
		    const struct segment *segment);

/* The next `len` bytes of a side are lost. */
void carriage_missed(struct tracker *t, struct flow *flow, unsigned int side, uint32_t len,
		     const struct segment *segment);

/* Bytes or packets of a side are lost, nobody knows how many or where. */
void carriage_lost(struct tracker *t, struct flow *flow, unsigned int side);

/* How far the TLS inside has come. */
enum carriage_stage {
	CARRIAGE_BEFORE,         /* no handshake yet */
	CARRIAGE_DURING,         /* a handshake is open */
	CARRIAGE_BEHIND,         /* all that there were are over */
};

/* Of a flow with a carriage. */
enum carriage_stage carriage_stage(const struct flow *flow);

/* Does anything inside wait for a secret? */
bool carriage_waits(const struct flow *flow);

/* Records what is open inside, frees flow->carriage. */
void carriage_close(struct tracker *t, struct flow *flow);

#endif
