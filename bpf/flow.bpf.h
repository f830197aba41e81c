/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The life of one direction: opened by a hello, forwarded by sequence window, ended once.
 *
 * Segments count by their place in the window [start, end), not by the order they come in. An ended
 * direction stays in the table, so that the same packet at the next hook does not open it again.
 */
#ifndef CERTTAP_FLOW_BPF_H
#define CERTTAP_FLOW_BPF_H

#include "bpf/emit.bpf.h"
#include "bpf/walk.bpf.h"

#define NS_PER_S 1000000000ULL
#define PIECES_MAX 80              /* per segment: 320 KB, more than the default budget */
#define PREAMBLE_MAX 1024          /* what a server may still say before its records */
#define SSL2_MAX (16 << 10)        /* an SSLv2 server's hello, with its certificate */
#define HOLE_PATIENCE_NS (10 * NS_PER_S)

/* Addresses and ports stand in one piece in both structs. */
#define TUPLE_LEN (16 + 16 + 2 + 2)
_Static_assert(__builtin_offsetof(struct event, dport) + 2 -
	       __builtin_offsetof(struct event, saddr) == TUPLE_LEN, "copied at once");
_Static_assert(__builtin_offsetof(struct flow_key, dport) + 2 -
	       __builtin_offsetof(struct flow_key, saddr) == TUPLE_LEN, "copied at once");

/* The same for both directions. */
static __always_inline __u32 bucket_of(const struct event *head)
{
	const __u32 *s = (const __u32 *)head->saddr, *d = (const __u32 *)head->daddr;
	__u32 hash = hash_seed;

	hash ^= s[0] ^ d[0] ^ s[1] ^ d[1] ^ s[2] ^ d[2];
	hash = (hash ^ s[3] ^ d[3]) * 0x9e3779b1;
	hash ^= (__u32)(head->sport ^ head->dport) << 16 | (__u16)(head->sport + head->dport);
	hash = (hash ^ hash >> 15) * 0x85ebca6b;
	return hash >> 16 & (BUCKETS - 1);
}

static __always_inline void key_of(struct packet *p, struct flow_key *key)
{
	key->netns = p->head.netns_cookie;
	__builtin_memcpy(key->saddr, p->head.saddr, TUPLE_LEN);
	key->l4 = p->head.l4;
}

static __always_inline void reverse_key(struct packet *p, struct flow_key *key)
{
	key->netns = p->head.netns_cookie;
	__builtin_memcpy(key->saddr, p->head.daddr, 16);
	__builtin_memcpy(key->daddr, p->head.saddr, 16);
	key->sport = p->head.dport;
	key->dport = p->head.sport;
	key->l4 = p->head.l4;
}

/* No direction of this tuple, but the bucket says there is one: a collision, or a stale count. */
static __always_inline void bucket_missed(__u32 bucket)
{
	bucket &= BUCKETS - 1;
	if ((__u32)(bpf_ktime_get_ns() / NS_PER_S) - bucket_opened_s[bucket] > BUCKET_STALE_S)
		bucket_live[bucket] = 0;
}

static __always_inline void bucket_opened(__u32 bucket, __u64 now_ns)
{
	bucket &= BUCKETS - 1;
	bucket_opened_s[bucket] = now_ns / NS_PER_S;
	__sync_fetch_and_add(&bucket_live[bucket], 1);
}

/* Takes a direction out of the accounts, once. A count that is old already is left to go stale. */
static __always_inline void retire(struct flow *f, __u32 bucket)
{
	if (!__sync_lock_test_and_set(&f->live, 0))
		return;
	count(flows_ended, 1);
	if (bpf_ktime_get_ns() - f->opened_ns < BUCKET_STALE_S * NS_PER_S)
		__sync_fetch_and_add(&bucket_live[bucket & (BUCKETS - 1)], -1);
}

/* Does `seq` belong to this handshake, rather than to a later one of the same tuple? */
static __always_inline _Bool covers(const struct flow *f, __u32 seq)
{
	__u32 len = f->live ? f->end - f->start : f->next - f->start;

	return seq - f->start < (len ? len : 1);
}

/* TLS begins at `seq`, where up to now something else was said: the walk need not guess any longer. */
static __always_inline void begin_records(struct flow *f, __u32 seq)
{
	if (!f->live || f->records || seq - f->start > f->raw_len)
		return;
	f->record = seq;
	f->header_len = 0;
}

/* Enters a direction; one that is there already for these bytes stays, and learns where TLS begins. */
__noinline int open_flow(struct flow_key *key, struct flow *wanted, __u32 bucket)
{
	struct flow *f;

	if (!key || !wanted)
		return -1;
	f = bpf_map_lookup_elem(&flows, key);
	if (f && covers(f, wanted->start)) {
		begin_records(f, wanted->record);
		return 0;
	}
	if (f) {
		retire(f, bucket);
		bpf_map_delete_elem(&flows, key);
	}
	bucket_opened(bucket, wanted->opened_ns);
	if (!bpf_map_update_elem(&flows, key, wanted, BPF_NOEXIST)) {
		count(flows_opened, 1);
		return 0;
	}
	__sync_fetch_and_add(&bucket_live[bucket & (BUCKETS - 1)], -1);
	/* Another CPU may have entered it in the meantime. */
	if (bpf_map_lookup_elem(&flows, key))
		return 0;
	count(flows_failed, 1);
	return -1;
}

/* What a direction may send up, from `start` on. */
static __always_inline void init_flow(struct flow *f, const struct packet *p, __u32 start, _Bool is_server)
{
	__builtin_memset(f, 0, sizeof(*f));
	f->id = p->head.time_ns ^ (__u64)p->bucket << 48;
	f->opened_ns = p->head.time_ns;
	f->live = 1;
	f->start = start;
	f->next = start;
	f->record = start;
	f->end = start + (is_server ? server_budget : client_budget);
	f->protected_len = is_server ? server_protected : client_protected;
	f->reason = EVENT_REASON_BUDGET;
	f->start_known = 1;
	f->late = p->late;
	if (p->hello >= HELLO_TDS) {
		f->framing = p->hello - HELLO_TDS + FRAMING_TDS;
		f->records = 1;         /* it begins at once */
	}
}

/* The direction of a ClientHello, or of a request for one. */
static __always_inline void open_asking(struct packet *p, struct flow_key *key, struct flow *f)
{
	init_flow(f, p, p->head.seq, 0);
	if (p->hello == HELLO_CLIENT)
		f->record += p->hello_off;
	else if (f->framing)
		f->raw_len = 0;
	else if (p->hello == HELLO_ASKED || p->hello == HELLO_SAID)
		f->raw_len = p->head.wire_len;  /* the hello comes next, or nothing of interest */
	else                                    /* the SSLv2 header is not a record header */
		f->record += p->head.wire_len;
	open_flow(key, f, p->bucket);
}

/* The other direction, whose first byte the ACK number tells. */
static __always_inline void open_answering(struct packet *p, struct flow *f)
{
	struct flow_key reverse;

	if (!(p->tcp_flags & TCP_BIT_ACK))
		return;
	init_flow(f, p, p->head.ack, 1);
	if (!f->framing)
		f->raw_len = p->hello == HELLO_CLIENT_SSL2 ? SSL2_MAX : PREAMBLE_MAX;
	reverse_key(p, &reverse);
	open_flow(&reverse, f, p->bucket);
}

/* Opens what the payload's first bytes ask for. */
__noinline int on_hello(struct packet *p, struct flow_key *key)
{
	struct flow f;

	if (!p || !key)
		return 0;
	if (p->hello >= HELLO_CLIENT && p->hello <= HELLO_SERVER)
		count(hellos, 1);
	if (p->hello == HELLO_SERVER || p->hello == HELLO_CERTIFICATE || p->hello == HELLO_TINY) {
		init_flow(&f, p, p->head.seq, 1);
		f.start_known = p->hello != HELLO_CERTIFICATE;
		open_flow(key, &f, p->bucket);
		return 0;
	}
	if (p->hello != HELLO_ANSWERED)
		open_asking(p, key, &f);
	if (p->hello != HELLO_SAID)
		open_answering(p, &f);
	return 0;
}

/*
 * OpenVPN over UDP: both directions are open for so many bytes of control packets, which are known by nothing but who
 * sends them. Another reset opens them anew.
 */
#define CONTROL_MAX (64 << 10)

__noinline int open_datagrams(struct packet *p, struct flow_key *key)
{
	struct flow wanted, *f;

	if (!p || !key)
		return 0;
	f = bpf_map_lookup_elem(&flows, key);
	if (f && f->live) {
		f->next = f->start;
		return 0;
	}
	if (f)
		bpf_map_delete_elem(&flows, key);
	init_flow(&wanted, p, 0, 0);
	wanted.end = CONTROL_MAX;
	return open_flow(key, &wanted, p->bucket);
}

__noinline int on_datagram_reset(struct packet *p)
{
	struct flow_key key;

	if (!p)
		return 0;
	key_of(p, &key);
	open_datagrams(p, &key);
	reverse_key(p, &key);
	return open_datagrams(p, &key);
}

/* May a control packet of `len` bytes go up? */
__noinline int is_open_for(struct packet *p, __u32 len)
{
	struct flow_key key;
	struct flow *f;

	if (!p)
		return 0;
	key_of(p, &key);
	f = bpf_map_lookup_elem(&flows, &key);
	if (!f)
		bucket_missed(p->bucket);
	if (!f || !f->live)
		return 0;
	if (len <= f->end - f->next) {
		f->next += len;
		return 1;
	}
	count(budget_cut, 1);
	retire(f, p->bucket);
	return 0;
}

/*
 * Tells user space and lets go. A loss must be told: where the ring has no room for that, later, and until then it is
 * counted. A direction of which not one piece went up may never have another packet, and nobody would know of it.
 */
static __always_inline void end_flow(struct packet *p, struct flow *f, enum event_reason reason,
				     __u8 flags)
{
	if (f->lost)
		reason = EVENT_REASON_LOST;
	if (emit_end(p, f->next, reason, flags) && reason == EVENT_REASON_LOST) {
		if (!__sync_lock_test_and_set(&f->untold, 1))
			count(flows_untold, 1);
		return;
	}
	if (__sync_lock_test_and_set(&f->untold, 0))
		count(flows_untold, -1);
	if (reason == EVENT_REASON_BUDGET)
		count(budget_cut, 1);
	retire(f, p->bucket);
}

/* Payload bytes [from, to) in pieces. Returns 0, or -1 as soon as one is lost. */
__noinline int emit_range(struct __sk_buff *skb, struct packet *p, __u32 from, __u32 to)
{
	__u32 i, len;

	for (i = 0; i < PIECES_MAX && from < to; i++) {
		len = to - from;
		if (len > EVENT_PAYLOAD_MAX)
			len = EVENT_PAYLOAD_MAX;
		if (emit_piece(skb, p, from, len))
			return -1;
		from += len;
	}
	return from < to ? -1 : 0;
}

/* Notes that the stream's bytes [from, to) went up. */
static __always_inline void note_forwarded(struct flow *f, __u32 from, __u32 to)
{
	_Bool have_range = f->ahead_start != f->ahead_end;

	if ((__s32)(from - f->next) <= 0) {
		f->next = to;
		if (have_range && (__s32)(f->next - f->ahead_start) >= 0) {
			if ((__s32)(f->ahead_end - f->next) > 0)
				f->next = f->ahead_end;
			f->ahead_start = f->ahead_end;
		}
	} else if (!have_range) {
		f->ahead_start = from;
		f->ahead_end = to;
	} else if ((__s32)(from - f->ahead_end) <= 0 && (__s32)(to - f->ahead_start) >= 0) {
		if ((__s32)(from - f->ahead_start) < 0)
			f->ahead_start = from;
		if ((__s32)(to - f->ahead_end) > 0)
			f->ahead_end = to;
	}
}

/* The part of this segment that lies in the window and was not forwarded yet. */
static __always_inline int forward(struct __sk_buff *skb, struct packet *p, struct flow *f)
{
	__s32 done = f->next - p->head.seq, room = f->end - p->head.seq;
	__s32 from = done > 0 ? done : 0, to = p->head.wire_len;

	if (to > room)
		to = room;
	if (from >= to)
		return 0;
	if (emit_range(skb, p, from, to)) {
		count(flows_lost, 1);
		f->lost = 1;
		return -1;
	}
	note_forwarded(f, p->head.seq + from, p->head.seq + to);
	return 0;
}

/* A segment of a direction that is live. */
__noinline int advance(struct __sk_buff *skb, struct packet *p, struct flow *f)
{
	__u32 segment_end;

	if (!p || !f)
		return 0;
	p->head.kind = EVENT_DATA;
	p->head.flow_id = f->id;
	p->head.start_seq = f->start;
	p->head.flags = (f->start_known ? EVENT_START_KNOWN : 0) | (f->late ? EVENT_LATE : 0) |
			(p->tcp_flags & TCP_BIT_ACK ? EVENT_ACK : 0);
	if (f->lost) {
		end_flow(p, f, EVENT_REASON_LOST, 0);
		return 0;
	}
	segment_end = p->head.seq + p->head.wire_len;
	if ((__s32)(segment_end - f->start) < 0)
		return 0;
	if ((__s32)(p->head.seq - f->end) > 0) {
		/* What is missing before the end will not come any more. */
		if (p->head.time_ns - f->opened_ns > HOLE_PATIENCE_NS)
			end_flow(p, f, f->reason, 0);
		return 0;
	}
	if (p->head.wire_len)
		walk(skb, p, f);
	if (p->tcp_flags & TCP_BIT_FIN)
		set_end(f, segment_end, EVENT_REASON_FIN);
	if (forward(skb, p, f))
		end_flow(p, f, EVENT_REASON_LOST, 0);
	else if ((__s32)(f->next - f->end) >= 0)
		end_flow(p, f, f->reason, f->reason == EVENT_REASON_FIN ? EVENT_FIN : 0);
	return 0;
}

static __always_inline void reverse_head(struct event *head)
{
	__u8 address[16];
	__u16 port = head->sport;

	__builtin_memcpy(address, head->saddr, 16);
	__builtin_memcpy(head->saddr, head->daddr, 16);
	__builtin_memcpy(head->daddr, address, 16);
	head->sport = head->dport;
	head->dport = port;
	__builtin_memset(&head->owner, 0, sizeof(head->owner));
}

/* There was room for the word that this direction lost something: the other one's may be due as well. */
__noinline int tell_other_loss(struct packet *p, struct flow_key *key)
{
	struct flow *f;

	if (!p || !key)
		return 0;
	reverse_key(p, key);
	f = bpf_map_lookup_elem(&flows, key);
	if (!f || !f->live || !f->lost)
		return 0;
	p->head.flow_id = f->id;
	p->head.start_seq = f->start;
	p->head.flags = (f->start_known ? EVENT_START_KNOWN : 0) | (f->late ? EVENT_LATE : 0);
	reverse_head(&p->head);
	end_flow(p, f, EVENT_REASON_LOST, 0);
	return 0;
}

/* A reset ends both directions. Strangers can forge one, so its place must be near the window. */
__noinline int on_reset(struct packet *p, struct flow_key *key)
{
	struct flow *f;

	if (!p || !key)
		return 0;
	f = bpf_map_lookup_elem(&flows, key);
	if (f && (p->head.seq - f->start) > f->end - f->start)
		f = NULL;
	if (!f)
		return 0;
	p->head.flow_id = f->id;
	p->head.start_seq = f->start;
	p->head.flags = f->start_known ? EVENT_START_KNOWN : 0;
	if (f->live)
		end_flow(p, f, EVENT_REASON_RST, EVENT_RST);
	reverse_key(p, key);
	f = bpf_map_lookup_elem(&flows, key);
	if (!f || !f->live)
		return 0;
	p->head.flow_id = f->id;
	p->head.start_seq = f->start;
	p->head.flags = f->start_known ? EVENT_START_KNOWN : 0;
	reverse_head(&p->head);
	end_flow(p, f, EVENT_REASON_NONE, 0);
	return 0;
}

#endif
