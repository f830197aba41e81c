/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which packets `--write` keeps: those of handshakes, and nothing behind them. Whether a segment is one
 * of them shows in what was known of its connection before it was read, and what is known after.
 *
 * What the kernel side sent up was chosen by it, so only what lies behind the handshake is left out. Of
 * frames count those of a connection in which TLS is being read; those before are in doubt where they
 * may be its beginning, or that of another framing around it.
 */
#ifndef CERTTAP_CAPTURE_CHOICE_H
#define CERTTAP_CAPTURE_CHOICE_H

#include "userspace/flow/tracker.h"

struct capture_before {
	uint64_t handshakes;       /* begun so far */
	bool in_handshake;         /* its connection was in one */
	bool carried;              /* inside another framing */
	bool side_over;            /* its side had shown all it shows of one */
};

/* Both with a writer only. `frame`: what the segment was found in, NULL: it was taken apart elsewhere. */
struct capture_before capture_before(const struct tracker *t, const struct segment *segment);
void capture_after(struct tracker *t, const struct capture_before *before, const struct segment *segment,
		   const struct frame *frame);

/* A secret has come for this connection, and what waited for it was read. */
void capture_keys_arrived(struct tracker *t, struct flow *flow);
/* The connection is dropped, or its handshake was ended by the clock. */
void capture_ended(struct tracker *t, const struct flow *flow);

#endif
