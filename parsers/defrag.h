/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Joins IPv4 and IPv6 fragments (RFC 791 section 3.2, RFC 8200 section 4.5).
 *
 * State lives in a `struct defrag`, bounded: `max_fragments` pieces held in all (default 4,096) and
 * DEFRAG_PIECE_MEAN bytes for each of them in the mean; the oldest datagram goes first and is
 * counted. A datagram whose end lies beyond 65,535 bytes is refused and counted. Of overlapping
 * fragments the first received byte wins, and `overlaps` counts the fragments that disagree.
 */
#ifndef CERTTAP_DEFRAG_H
#define CERTTAP_DEFRAG_H

#include "parsers/packet.h"

#define DEFRAG_MAX_FRAGMENTS 4096
#define DEFRAG_PIECE_MEAN 2048
#define DEFRAG_MAX_PIECES 512        /* of one datagram; more do not occur outside of attacks */
#define DEFRAG_MAX_DATAGRAM 65535
#define DEFRAG_TIMEOUT_NS (30ull * 1000 * 1000 * 1000)

struct defrag;

struct defrag_stats {
	uint64_t fragments;   /* given to defrag_add() */
	uint64_t joined;      /* datagrams that became whole; timed_out .. oversize did not: */
	uint64_t timed_out;
	uint64_t evicted;     /* for want of room */
	uint64_t oversize;
	uint64_t overlaps;    /* fragments with other bytes than those held for the same place */
	uint64_t cut;         /* fragments passed over: not captured whole */
	uint64_t malformed;   /* fragments passed over: no data, odd length, beyond the end */
};

/* Returns NULL when out of memory; the caller frees with defrag_free(). */
struct defrag *defrag_new(unsigned int max_fragments);
void defrag_free(struct defrag *d);

/*
 * Adds a PACKET_FRAGMENT packet. Returns true when it completes its datagram: then `*ip_payload`
 * borrows the joined bytes, valid until the next call; `packet`'s addresses and ip_protocol stand
 * for the whole (for IPv6 the protocol is the first fragment's). Give both to
 * packet_parse_transport(), then, unless it found TCP, the packet to tunnel_open(). A fragment in
 * a joined datagram may be given at once: `packet` may borrow from the previous result.
 */
bool defrag_add(struct defrag *d, struct packet *packet, uint64_t time_ns,
		struct bytes *ip_payload);

const struct defrag_stats *defrag_stats(const struct defrag *d);

#endif
