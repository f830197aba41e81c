/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the kernel side tells user space: the one header that both include. Fixed-width fields in
 * the host's byte order, no pointers, no maps.
 *
 * One event is a piece of one TCP segment's payload, or a UDP datagram. Pieces carry their own
 * sequence number, so user space can put them in order whatever hook, CPU or order they came by.
 *
 * The space in the ring has a few fixed sizes, so a record may be longer than hdr_len + cap_len;
 * what lies beyond is not part of the event.
 */
#ifndef CERTTAP_EVENT_H
#define CERTTAP_EVENT_H

#include <linux/types.h>

#define EVENT_VERSION 1
#define EVENT_PAYLOAD_MAX 4096   /* bytes of payload in one event; larger segments make several */

enum event_kind {
	EVENT_DATA = 1,      /* payload follows: stream bytes [seq, seq + cap_len) */
	EVENT_END = 2,       /* forwarding of this direction stopped at `seq`; `reason` says why */
	EVENT_DATAGRAM = 3,  /* payload follows: the head of a UDP datagram */
};

enum event_reason {
	EVENT_REASON_NONE,    /* the other direction was reset */
	EVENT_REASON_RECORD,  /* a record that is not a handshake: the handshake in clear is over */
	EVENT_REASON_BUDGET,  /* forwarded as much as a direction may send */
	EVENT_REASON_FIN,
	EVENT_REASON_RST,
	EVENT_REASON_LOST,    /* a reserve failed: bytes of this flow did not fit in the ring */
};

enum event_flag {
	EVENT_START_KNOWN = 1,   /* start_seq is where this direction's handshake begins */
	EVENT_FIN = 2,           /* on EVENT_END: the sender closed, `seq` is the place of its FIN */
	EVENT_RST = 4,           /* on EVENT_END: the sender reset the connection */
	EVENT_CUT = 8,           /* the datagram was longer than what follows */
	EVENT_ACK = 16,          /* `ack` is set */
	EVENT_LATE = 32,         /* something was said on this connection before start_seq, or nobody knows */
};

/* Who is at the end whose socket the hook saw: the sender on egress, the receiver on ingress. All 0: not known. */
struct event_owner {
	__u32 maker_pid;     /* of the process that listens or connects */
	__u32 sender_pid;    /* egress: of the process whose call sent this; 0: nobody's call did */
	__u64 maker_start_ns; /* CLOCK_BOOTTIME: when that process began */
	__u64 sender_start_ns;
	__u64 listen_ns;     /* CLOCK_MONOTONIC: since when the socket listens; 0: not seen to begin, or does not */
	__u64 cookie;        /* of the socket that listens or connects */
	__u32 found;         /* the maker is a process that held the socket when it was looked for */
	__u32 pad;
};

struct event {
	__u16 hdr_len;       /* sizeof(struct event): readers skip what they do not know */
	__u8 version;
	__u8 kind;           /* enum event_kind */
	__u8 hook;           /* enum event_hook */
	__u8 flags;          /* enum event_flag */
	__u8 l4;             /* IPPROTO_TCP or IPPROTO_UDP */
	__u8 reason;         /* enum event_reason */
	__u32 cap_len;       /* bytes of payload after this header */
	__u32 wire_len;      /* payload of the whole segment or datagram that this is a piece of */
	__u32 seq;           /* of the first byte of payload */
	__u32 start_seq;     /* see EVENT_START_KNOWN */
	__u32 ack;           /* see EVENT_ACK */
	__u32 ifindex;
	__u64 time_ns;       /* CLOCK_MONOTONIC */
	__u64 flow_id;       /* differs when the same tuple is used again */
	__u64 sk_cookie;     /* bpf_get_socket_cookie(), 0 where there is no socket */
	__u64 netns_cookie;  /* 0 at interfaces, and where the kernel does not tell */
	__u64 cgroup_id;     /* 0 where there is none */
	struct event_owner owner;
	__u8 saddr[16];      /* IPv4 as ::ffff:a.b.c.d */
	__u8 daddr[16];
	__u16 sport;         /* host byte order */
	__u16 dport;
	__u32 pad;
};

_Static_assert(sizeof(struct event) == 160, "the kernel side and user space must agree");

enum event_hook {
	EVENT_HOOK_CGROUP_INGRESS = 1,
	EVENT_HOOK_CGROUP_EGRESS = 2,
	EVENT_HOOK_TC_INGRESS = 3,
	EVENT_HOOK_TC_EGRESS = 4,
};

/*
 * Counters, in memory that user space maps (`.bss`): one line a CPU, so that no two CPUs write to one
 * cache line. seen = delivered + the lost_* of the same unit, always:
 *   flow directions:  opened = ended + live + evicted
 *   pieces:           pieces = pieces_delivered + pieces_lost
 */
struct event_counters {
	__u64 packets;             /* TCP segments and UDP datagrams with payload, looked at */
	__u64 unparsable;          /* a header that could not be read */
	__u64 fragments;           /* IP fragments, passed over */
	__u64 hellos;              /* ClientHellos and ServerHellos recognised */
	__u64 flows_opened;        /* flow directions */
	__u64 flows_failed;        /* the flow table refused */
	__u64 flows_ended;
	__u64 flows_lost;          /* directions that lost at least one piece */
	__u64 pieces;              /* to be sent up */
	__u64 pieces_delivered;
	__u64 pieces_lost;         /* the ring was full */
	__u64 bytes_delivered;
	__u64 bytes_lost;
	__u64 ends_lost;           /* EVENT_END that did not fit (advisory only) */
	__u64 budget_cut;          /* directions that reached their budget */
	__u64 load_failed;         /* bpf_skb_load_bytes refused a piece */
	__u64 too_deep;            /* packets in more tunnels than are opened, passed over */
	__u64 flows_untold;        /* of flows_lost: user space was not told, until now or for ever */
} __attribute__((aligned(128)));

#define EVENT_TUNNELS_MAX 8       /* inside each other: the most that can be asked for */
#define EVENT_CPUS_MAX 512         /* a power of two; further CPUs share lines, by atomic adds */

#endif
