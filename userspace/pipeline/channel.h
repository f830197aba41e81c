/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One direction's bytes in order, whatever carried them: finds where TLS begins, by content, and reads it.
 *
 * After SEARCH_BYTES without TLS a direction is passed over; from then on only the heads of segments are looked
 * at (conversation.h), so that bulk traffic costs nothing and late STARTTLS is still found.
 */
#ifndef CERTTAP_CHANNEL_H
#define CERTTAP_CHANNEL_H

#include "parsers/tls_find.h"
#include "userspace/flow/tracker.h"

/* The direction begins at `seq`, with nothing known and nothing held. */
void channel_begin(struct tracker *t, struct side *s, uint32_t seq);

/* Nothing but the heads of segments is looked at from now on: SIDE_DONE or SIDE_PASSED. */
void channel_rest(struct tracker *t, struct side *s, enum side_state state);

/* Forgets the few bytes that might have begun TLS: those before them were lost. */
void channel_forget_tail(struct side *s);

/* Are bytes of this direction wanted in order? */
static inline bool channel_open(const struct side *s)
{
	return s->state == SIDE_SEARCHING || s->state == SIDE_READING;
}

/*
 * The next bytes in order; s->stream.next is behind them already. `segment` tells the time. Returns true when a
 * ClientHello began in them: the other direction's answer is expected.
 */
bool channel_bytes(struct tracker *t, struct flow *flow, unsigned int side, struct bytes in,
		   const struct segment *segment);

/* Bytes are missing from here on, `len` of them: reading goes on behind where the records tell how. */
void channel_missed(struct tracker *t, struct flow *flow, unsigned int side, uint32_t from,
		    uint32_t len);

/* Reads what is held for secrets, if new ones have come. */
void channel_keys_arrived(struct tracker *t, struct flow *flow, const struct segment *segment);

/* Ends the handshake: what is open is recorded, both sides rest. */
void channel_close(struct tracker *t, struct flow *flow);

/* When both sides have shown all they show in clear: closes the handshake. */
void channel_close_if_settled(struct tracker *t, struct flow *flow);

#endif
