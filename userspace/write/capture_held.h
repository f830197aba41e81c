/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packets that wait, by connection: for the secret that opens them, or for a sign that they belong to a handshake at
 * all. Whole blocks of a capture file, handed on in their order. Bounded for each connection and in all; what is over a
 * bound goes on without its secret, and what is in doubt is dropped.
 */
#ifndef CERTTAP_CAPTURE_HELD_H
#define CERTTAP_CAPTURE_HELD_H

#include "userspace/flow/flow.h"

struct held_limits {
	uint32_t connection;       /* bytes of one connection */
	size_t all;                /* bytes in all, the table's own included */
	uint64_t ns;               /* time from a connection's first packet on */
	bool for_secrets;          /* else only what is in doubt waits */
};

/* What waits no more: the blocks of `num_packets` packets of one connection, borrowed. */
typedef void held_release_fn(void *context, struct bytes blocks, uint64_t num_packets);

struct held_table;

/* NULL: out of memory. */
struct held_table *held_table_new(const struct held_limits *limits, held_release_fn *release, void *context);
/* What is still held is dropped. */
void held_table_free(struct held_table *t);

/*
 * A connection's next block: kept, or handed on at once where it waits no more, or there is no room for it. `sure`: it
 * belongs to a handshake, and so does what is held of this connection.
 */
void held_add(struct held_table *t, const struct flow_key *key, uint64_t now_ns, struct bytes block, bool sure);

/* Hands on what is held of it; what follows waits no more. */
void held_release(struct held_table *t, const struct flow_key *key);
/* The same, and the table forgets it: what follows is another handshake. What is in doubt is dropped. */
void held_forget(struct held_table *t, const struct flow_key *key);
/* Forgets who has waited for too long. */
void held_expire(struct held_table *t, uint64_t now_ns);
void held_forget_all(struct held_table *t);

/* Connections that did not wait to the end, for want of room. */
uint64_t held_over_limit(const struct held_table *t);
/* Bytes in use, the table's own included. */
size_t held_bytes(const struct held_table *t);

#endif
