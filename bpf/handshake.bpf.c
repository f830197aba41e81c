// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What goes up to user space: the TLS handshakes of every port, as long as they are in clear.
 *
 * One body, behind six hooks. It never changes a packet and never holds one back: cgroup programs
 * return 1, tc programs TC_ACT_UNSPEC, so that the next program sees the packet too.
 *
 * <linux/bpf.h> alone, no kernel types: loads on kernels without BTF. Needs CAP_BPF,
 * CAP_NET_ADMIN and CAP_PERFMON: without the last one the verifier follows mispredicted branches
 * too, and a bounded loop has no end for it.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>

#include "bpf/event.h"
#include "bpf/flow.bpf.h"
#include "bpf/hello.bpf.h"
#include "bpf/maps.bpf.h"
#include "bpf/packet.bpf.h"
#include "bpf/tunnel.bpf.h"

#define CGROUP_PASS 1
#define LOOPBACK_IFINDEX 1     /* in every network namespace */
#define DATAGRAMS_MAX 8        /* looked at in one packet with segmentation offload */

static __always_inline void note_beginning(const struct packet *p)
{
	__u32 bucket = bucket_of(&p->head) & (BUCKETS - 1);

	if (p->tcp_flags & TCP_BIT_ACK)
		bucket_answerer[bucket] = p->head.seq;
	else
		bucket_opener[bucket] = p->head.seq;
}

/* Is this the first thing that is said, by the SYNs that were seen? */
static __always_inline _Bool is_first(const struct packet *p)
{
	__u32 bucket = p->bucket & (BUCKETS - 1), opener = bucket_opener[bucket], answerer = bucket_answerer[bucket];

	if (!(p->tcp_flags & TCP_BIT_ACK))
		return p->tcp_flags & TCP_BIT_SYN;
	return (p->head.seq == opener && p->head.ack == answerer) ||
	       (p->head.seq == answerer && p->head.ack == opener);
}

/*
 * Was anything said on this connection before this segment? The socket's own counters tell, which both hooks find as
 * they were before it. A SYN counts as one byte acknowledged. Where there is no socket, as for what only passes by, the
 * SYNs tell; true where they were not seen: nobody knows then.
 */
static __always_inline _Bool is_late(struct __sk_buff *skb, const struct packet *p)
{
	struct bpf_sock *sk = skb->sk;
	struct bpf_tcp_sock *tcp = sk ? bpf_tcp_sock(sk) : NULL;

	return tcp ? tcp->bytes_acked > 1 || tcp->bytes_received : !is_first(p);
}

/* A TCP segment with payload, FIN or RST whose bucket is not empty, or that begins a handshake. */
__noinline int on_segment(struct __sk_buff *skb, struct packet *p)
{
	struct flow_key key;
	struct flow *f;

	if (!p)
		return 0;
	identify(skb, &p->head);
	if (has_netns_cookie)
		p->head.netns_cookie = bpf_get_netns_cookie(skb);
	key_of(p, &key);
	if (p->hello) {
		p->late = is_late(skb, p);
		on_hello(p, &key);
	}
	f = bpf_map_lookup_elem(&flows, &key);
	if (!f)
		bucket_missed(p->bucket);
	else if (f->live)
		advance(skb, p, f);
	if (p->tcp_flags & TCP_BIT_RST)
		on_reset(p, &key);
	else if (f && f->lost && !f->live)
		tell_other_loss(p, &key);
	return 0;
}

static __always_inline void look_at_segment(struct __sk_buff *skb, struct packet *p)
{
	if (p->tcp_flags & TCP_BIT_SYN)
		note_beginning(p);
	if (!p->head.wire_len && !(p->tcp_flags & (TCP_BIT_FIN | TCP_BIT_RST)))
		return;
	count(packets, 1);
	p->bucket = bucket_of(&p->head);
	p->hello = p->head.wire_len ? judge_hello(skb, p) : HELLO_NONE;
	if (p->hello || bucket_live[p->bucket & (BUCKETS - 1)])
		on_segment(skb, p);
}

/* One datagram: up it goes if it begins with a DTLS handshake or a QUIC Initial, or carries one. */
__noinline int on_datagram(struct __sk_buff *skb, struct packet *p, __u32 off, __u32 len)
{
	enum datagram datagram;

	if (!p)
		return 0;
	datagram = judge_datagram(skb, p->payload_off + off, len);
	if (datagram >= DATAGRAM_RESET)
		p->bucket = bucket_of(&p->head);
	if (datagram == DATAGRAM_NONE ||
	    (datagram == DATAGRAM_CONTROL && !bucket_live[p->bucket & (BUCKETS - 1)]))
		return 0;
	identify(skb, &p->head);
	if (has_netns_cookie)
		p->head.netns_cookie = bpf_get_netns_cookie(skb);
	if (datagram == DATAGRAM_RESET)
		on_datagram_reset(p);
	if (datagram == DATAGRAM_CONTROL && !is_open_for(p, len))
		return 0;
	p->head.kind = EVENT_DATAGRAM;
	p->head.flags = 0;
	p->head.wire_len = len;
	if (len > EVENT_PAYLOAD_MAX) {
		len = EVENT_PAYLOAD_MAX;
		p->head.flags = EVENT_CUT;
	}
	emit_piece(skb, p, off, len);
	return 0;
}

/* One packet may hold many datagrams of equal size (segmentation offload). */
__noinline int on_datagrams(struct __sk_buff *skb, struct packet *p, __u32 total, __u32 each)
{
	__u32 off = 0, i;

	for (i = 0; i < DATAGRAMS_MAX; i++) {
		if (off >= total)
			break;
		on_datagram(skb, p, off, total - off < each ? total - off : each);
		off += each;
	}
	return 0;
}

static __always_inline void look_at_datagrams(struct __sk_buff *skb, struct packet *p)
{
	__u32 total = p->head.wire_len, each = skb->gso_size;

	if (!want_datagrams || !total)
		return;
	count(packets, 1);
	if (each && each < total)
		on_datagrams(skb, p, total, each);
	else
		on_datagram(skb, p, 0, total);
}

static __always_inline void look(struct __sk_buff *skb, __u8 hook, __u32 l3)
{
	_Bool at_interface = hook == EVENT_HOOK_TC_INGRESS || hook == EVENT_HOOK_TC_EGRESS;
	enum parsed parsed;
	struct packet p;

	__builtin_memset(&p, 0, sizeof(p));
	p.head.hook = hook;
	parsed = parse(skb, &p, l3);
	if (at_interface && may_be_tunnel(&p, parsed))
		parsed = parse_inside(skb, &p, parsed);
	if (parsed == PARSED_BAD)
		count(unparsable, 1);
	if (parsed != PARSED_OK)
		return;
	if (p.head.l4 == IPPROTO_TCP)
		look_at_segment(skb, &p);
	else
		look_at_datagrams(skb, &p);
}

/* The names are what an administrator sees in bpftool, and how our own leftovers are known. */
SEC("cgroup_skb/ingress")
int certtap_cg_in(struct __sk_buff *skb)
{
	/* What comes in by loopback went out by it: the egress program has seen it. */
	if (skb->ifindex != LOOPBACK_IFINDEX)
		look(skb, EVENT_HOOK_CGROUP_INGRESS, 0);
	return CGROUP_PASS;
}

SEC("cgroup_skb/egress")
int certtap_cg_out(struct __sk_buff *skb)
{
	look(skb, EVENT_HOOK_CGROUP_EGRESS, 0);
	return CGROUP_PASS;
}

SEC("tc")
int certtap_tc_in(struct __sk_buff *skb)
{
	look(skb, EVENT_HOOK_TC_INGRESS, ETH_HLEN);
	return TC_ACT_UNSPEC;
}

SEC("tc")
int certtap_tc_out(struct __sk_buff *skb)
{
	look(skb, EVENT_HOOK_TC_EGRESS, ETH_HLEN);
	return TC_ACT_UNSPEC;
}

/* Interfaces without a link header: tun, IP tunnels, ppp. */
SEC("tc")
int certtap_l3_in(struct __sk_buff *skb)
{
	look(skb, EVENT_HOOK_TC_INGRESS, 0);
	return TC_ACT_UNSPEC;
}

SEC("tc")
int certtap_l3_out(struct __sk_buff *skb)
{
	look(skb, EVENT_HOOK_TC_EGRESS, 0);
	return TC_ACT_UNSPEC;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
