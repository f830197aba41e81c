/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One TCP connection: finds where TLS begins in each direction, by content, and reads it.
 *
 * A direction begins at its SYN; without one, at the peer's acknowledgement of it; without that, at the first
 * segment that looks like TLS, or after HOLD_BYTES of something else. A ClientHello anywhere
 * makes the other direction begin anew exactly at its acknowledgement number, so that a server's
 * flight is read in order even when its first segment comes last.
 */
#ifndef CERTTAP_CONVERSATION_H
#define CERTTAP_CONVERSATION_H

#include "userspace/flow/tracker.h"

/* A segment of this flow, sent by end `side`. */
void conversation_segment(struct tracker *t, struct flow *flow, unsigned int side,
			  const struct segment *segment);

/* The flow is going away: reads what is held behind gaps, records what is open, frees what it holds. */
void conversation_close(struct tracker *t, struct flow *flow);

/* A secret has come that this flow waits for. */
void conversation_keys_arrived(struct tracker *t, struct flow *flow);

/*
 * For flow_table_sweep(): has this flow been silent for long enough to be dropped? Ends a handshake that has waited for
 * its secret for long enough; the flow then stays as one that is done, for its connection may go on.
 */
bool conversation_idle(struct tracker *t, struct flow *flow, uint32_t idle_s);

#endif
