/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every source gives the pipeline, whatever it read it from: a frame that is still to be taken
 * apart (captures, libpcap), or a segment that the kernel side has already taken apart.
 */
#ifndef CERTTAP_SEGMENT_H
#define CERTTAP_SEGMENT_H

#include "parsers/bytes.h"
#include "parsers/packet.h"
#include "userspace/process/owner.h"

/*
 * One side of a connection. Compared and hashed as memory, so no byte of it is padding. Every network namespace has a
 * loopback of its own: there `zone` tells it, as a scope does for link-local addresses. 0 is the namespace of certtap
 * itself, and everywhere else.
 */
struct host_port {
	struct ip_address address;
	uint16_t port;               /* host byte order */
	uint16_t unused;             /* 0 */
	uint32_t zone;
};

_Static_assert(sizeof(struct host_port) == sizeof(struct ip_address) + 8, "padding in host_port");

enum __attribute__((packed)) transport {
	TRANSPORT_TCP,
	TRANSPORT_UDP,
	TRANSPORT_SCTP,
	TRANSPORT_EAPOL,             /* between MAC addresses, the ports are 0 */
};

#define NUM_TRANSPORTS 4

/* "tcp", "udp", "sctp", "eapol" */
const char *transport_name(enum transport transport);

/*
 * A piece of one direction's byte stream, or one datagram. `payload` is borrowed for the call.
 * TCP sequence numbers are the wire's; `seq` is that of the first payload byte, or of the SYN itself where
 * flags has TCP_SYN (its data then begins at seq + 1).
 */
struct segment {
	struct host_port src, dst;
	enum transport transport;
	uint8_t flags;               /* enum tcp_flag */
	bool start_known;            /* start_seq is the first byte of this direction's handshake */
	bool late;                   /* something may have been said on this connection before start_seq, and not given */
	bool lost;                   /* the source knows that later bytes of this direction are lost */
	bool final;                  /* the source sends no more of this direction: parse what there is */
	uint32_t seq, ack, start_seq;
	struct bytes payload;
	uint32_t payload_cut;        /* payload bytes after these that the capture left out */
	uint64_t time_ns;            /* since 1970 */
	uint64_t frame_number;       /* captures: counted from 1; otherwise 0 */
	const struct owner *owner;   /* live: of the end whose socket was seen; NULL: nobody can know */
	bool owner_is_src;
};

struct frame {
	int link;                    /* LINKTYPE_ number */
	uint64_t time_ns;
	uint64_t number;             /* from 1, within its file */
	struct bytes data;
	uint32_t wire_len;
};

#endif
