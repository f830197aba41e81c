/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Events into the ring. The payload is copied straight from the packet to reserved ring memory: a
 * buffer per CPU would be torn, since cgroup programs interrupt each other.
 */
#ifndef CERTTAP_EMIT_BPF_H
#define CERTTAP_EMIT_BPF_H

#include "bpf/owner.bpf.h"
#include "bpf/packet.bpf.h"

/* bpf_ringbuf_reserve() wants constants: a small piece, one MTU, the most. */
#define PIECE_SMALL 256
#define PIECE_MTU 1464

/* What is the same for all events of one packet, asked for only once something goes up. */
static __always_inline void identify(struct __sk_buff *skb, struct event *head)
{
	head->hdr_len = sizeof(*head);
	head->version = EVENT_VERSION;
	head->ifindex = skb->ifindex;
	head->time_ns = bpf_ktime_get_ns();
	head->sk_cookie = bpf_get_socket_cookie(skb);
	head->cgroup_id = bpf_skb_cgroup_id(skb);
	take_owner(skb, head, head->hook == EVENT_HOOK_CGROUP_EGRESS || head->hook == EVENT_HOOK_TC_EGRESS);
}

/* The reader comes by on its own timer; waking it for each event would cost as much again. */
static __always_inline __u64 wakeup(void)
{
	if (bpf_ringbuf_query(&events, BPF_RB_AVAIL_DATA) > ring_wake)
		return BPF_RB_FORCE_WAKEUP;
	return BPF_RB_NO_WAKEUP;
}

/* `room` is a constant. Returns 0, or -1 and the piece is lost. */
static __always_inline int emit_sized(struct __sk_buff *skb, const struct packet *p, __u32 off,
				      __u32 len, __u32 room)
{
	struct event *e = bpf_ringbuf_reserve(&events, sizeof(*e) + room, 0);

	if (!e)
		return -1;
	__builtin_memcpy(e, &p->head, sizeof(*e));
	e->seq = p->head.seq + off;
	e->cap_len = len;
	if (len < 1)
		len = 1;
	if (len > room)
		len = room;
	if (bpf_skb_load_bytes(skb, p->payload_off + off, e + 1, len)) {
		bpf_ringbuf_discard(e, BPF_RB_NO_WAKEUP);
		count(load_failed, 1);
		return -1;
	}
	bpf_ringbuf_submit(e, wakeup());
	return 0;
}

/* Payload bytes [off, off + len), 1 to EVENT_PAYLOAD_MAX of them. Returns 0 or -1. */
__noinline int emit_piece(struct __sk_buff *skb, struct packet *p, __u32 off, __u32 len)
{
	int err;

	if (!p || !len || len > EVENT_PAYLOAD_MAX)
		return -1;
	count(pieces, 1);
	if (len <= PIECE_SMALL)
		err = emit_sized(skb, p, off, len, PIECE_SMALL);
	else if (len <= PIECE_MTU)
		err = emit_sized(skb, p, off, len, PIECE_MTU);
	else
		err = emit_sized(skb, p, off, len, EVENT_PAYLOAD_MAX);
	if (err) {
		count(pieces_lost, 1);
		count(bytes_lost, len);
		return -1;
	}
	count(pieces_delivered, 1);
	count(bytes_delivered, len);
	return 0;
}

/* The EVENT_END that `p` describes. Returns 0 or -1. */
static __always_inline int emit_end(const struct packet *p, __u32 seq, enum event_reason reason,
				    __u8 flags)
{
	struct event *e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);

	if (!e) {
		count(ends_lost, 1);
		return -1;
	}
	__builtin_memcpy(e, &p->head, sizeof(*e));
	e->kind = EVENT_END;
	e->reason = reason;
	e->seq = seq;
	e->flags |= flags;
	bpf_ringbuf_submit(e, wakeup());
	return 0;
}

#endif
