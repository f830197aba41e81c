/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Settings, counters and tables of the kernel side. Included once, by handshake.bpf.c.
 */
#ifndef CERTTAP_MAPS_BPF_H
#define CERTTAP_MAPS_BPF_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "bpf/event.h"

/* Settings, written between open and load. */
const volatile __u32 server_budget = 256 << 10;   /* bytes forwarded per direction */
const volatile __u32 client_budget = 64 << 10;
const volatile __u32 server_protected;            /* and so much of TLS 1.3's protected flight: with keys it opens */
const volatile __u32 client_protected;
const volatile __u32 ring_wake = 8 << 20;         /* unread bytes at which the reader is woken */
const volatile __u32 hash_seed;                   /* strangers choose the tuples, not their bucket */
const volatile _Bool has_netns_cookie;            /* bpf_get_netns_cookie() may be called here */
const volatile _Bool want_datagrams = 1;          /* DTLS and QUIC */
const volatile __u32 max_tunnels = 4;             /* inside each other; at interfaces */

struct event_counters counters[EVENT_CPUS_MAX];

/* Atomic, since cgroup programs interrupt each other on one CPU. */
#define count(field, n)                                                                        \
	__sync_fetch_and_add(                                                                  \
		&counters[bpf_get_smp_processor_id() & (EVENT_CPUS_MAX - 1)].field, (n))

/*
 * The filter in front of the flow table: how many live directions fall into a bucket. Nearly every
 * packet finds 0 here and is done, without a look-up. A direction that the LRU drops before it ends
 * leaves its count behind; bucket_missed() takes such counts away when nothing was opened for a while.
 */
#define BUCKETS (1 << 16)
#define BUCKET_STALE_S 300

__u32 bucket_live[BUCKETS];
__u32 bucket_opened_s[BUCKETS];    /* when the youngest direction there was opened */

/*
 * Where the youngest connection of a bucket began: the first sequence number of each end, by its SYN. Another one may
 * have taken the place; then its numbers differ, and the beginning was not seen.
 */
__u32 bucket_opener[BUCKETS];
__u32 bucket_answerer[BUCKETS];

/* One direction of a connection. */
struct flow_key {
	__u64 netns;       /* two containers may use equal loopback tuples */
	__u8 saddr[16];
	__u8 daddr[16];
	__u16 sport;
	__u16 dport;
	__u32 l4;          /* IPPROTO_TCP, or IPPROTO_UDP: see open_datagrams() */
};

struct flow {
	__u64 id;
	__u64 opened_ns;
	__u64 header;      /* bytes of the next record header, shifted in from the right */
	__u32 header_len;
	__u32 live;        /* swapped atomically, so that a direction ends once */
	__u32 start;       /* sequence number of the first byte wanted */
	__u32 next;        /* up to here everything was forwarded, without a hole */
	__u32 end;         /* forward nothing from here on */
	__u32 ahead_start; /* one range beyond a hole that was forwarded too, if not empty */
	__u32 ahead_end;
	__u32 record;      /* sequence number of the next record header */
	__u32 protected_len; /* bytes of protected records wanted behind those in clear */
	__u32 raw_len;     /* so much after `start` may be something else than records */
	__u8 reason;       /* enum event_reason: what put `end` where it is */
	__u8 start_known;
	__u8 cipher_spec;  /* the last record was a ChangeCipherSpec */
	__u8 lost;         /* a piece was lost, and user space has not been told yet */
	__u8 late;         /* something may have been said on this connection before `start` */
	__u8 records;      /* a record header was seen */
	__u8 framing;      /* enum framing: what is followed instead of records */
	__u8 line;         /* FTP: enum line */
	__u32 untold;      /* lost, and the word of it did not fit into the ring either; swapped atomically */
	__u32 pad;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, struct flow_key);
	__type(value, struct flow);
} flows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 16 << 20);
} events SEC(".maps");

#endif
