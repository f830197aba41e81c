/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * From a packet to addresses, ports, sequence numbers and the place of the payload.
 *
 * Nearly all packets have an IP header without options as their first bytes and that in the linear
 * part: parse_fast() reads those in place. The rest goes through parse_slow(), which copies. Tunnels
 * are opened by bpf/tunnel.bpf.h, and only at interfaces: a socket's own packets have none around them.
 * Never bpf_skb_pull_data(): it changes the packet. Checksums are never looked at: on local
 * traffic they are not filled in.
 */
#ifndef CERTTAP_PACKET_BPF_H
#define CERTTAP_PACKET_BPF_H

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "bpf/event.h"
#include "bpf/maps.bpf.h"

#define TCP_FLAG_BYTE 13    /* offset of the flags in the TCP header */
#define TCP_BIT_FIN 0x01
#define TCP_BIT_SYN 0x02
#define TCP_BIT_RST 0x04
#define TCP_BIT_ACK 0x10

#define TAGS_MAX 8
#define ETHERTYPE_QINQ_OLD 0x9100    /* and 0x9200, 0x9300: outer tags, from before 802.1ad */
#define ETHERTYPE_VNTAG 0x8926
#define ETHERTYPE_HSR 0x892f
#define ETHERTYPE_ETAG 0x893f        /* IEEE 802.1BR */
#define EXTENSIONS_MAX 16            /* IPv6 extension headers, and AH, in one packet */
#define IP_FRAGMENT_BITS 0x3fff      /* "more fragments" and the offset */
#define IP6_FRAGMENT_BITS 0xfff9     /* the same in a fragment header */
#define IP_PROTOCOL_SHIM6 140        /* RFC 5533 */
#define IP_PROTOCOL_HIP 139          /* RFC 7401 */

enum parsed {
	PARSED_OK,
	PARSED_SLOW,
	PARSED_OTHER,    /* neither TCP nor UDP: perhaps a tunnel */
	PARSED_LAYER,    /* not even IP: perhaps it comes later */
	PARSED_NOTHING,
	PARSED_BAD,
};

/* A TCP segment or UDP datagram. `head` is the beginning of the events that come of it. */
struct packet {
	struct event head;       /* wire_len is the payload's length */
	__u32 payload_off;       /* unless it is PARSED_OK: where its next header begins */
	__u32 end;               /* nothing of it lies beyond; not set where PARSED_OK */
	__u32 bucket;
	__u32 hello_off;         /* where in the payload the ClientHello begins */
	__be16 type;             /* before it is parsed, and PARSED_LAYER: the EtherType of the next header */
	__u8 protocol;           /* PARSED_OTHER: the next header, as IP says it */
	__u8 tcp_flags;
	__u8 hello;              /* enum hello */
	_Bool late;              /* something was said on this connection before */
	_Bool goes_on;           /* what was parsed last is perhaps a tunnel */
	__u8 tunnels;            /* that were opened */
};

static __always_inline void take_address4(__u8 to[16], __u32 from)
{
	__u32 *words = (__u32 *)to;

	words[0] = 0;
	words[1] = 0;
	words[2] = bpf_htonl(0xffff);
	words[3] = from;
}

static __always_inline void take_address6(__u8 to[16], const struct in6_addr *from)
{
	__u32 *words = (__u32 *)to;

	words[0] = from->in6_u.u6_addr32[0];
	words[1] = from->in6_u.u6_addr32[1];
	words[2] = from->in6_u.u6_addr32[2];
	words[3] = from->in6_u.u6_addr32[3];
}

/* `left`: bytes of the IP payload, by the IP header. */
static __always_inline enum parsed take_tcp(struct packet *p, const struct tcphdr *tcp, __u32 off,
					    __u32 left)
{
	__u32 len = tcp->doff * 4;

	if (len < sizeof(*tcp) || len > left)
		return PARSED_BAD;
	p->tcp_flags = ((const __u8 *)tcp)[TCP_FLAG_BYTE];
	p->head.l4 = IPPROTO_TCP;
	p->head.sport = bpf_ntohs(tcp->source);
	p->head.dport = bpf_ntohs(tcp->dest);
	p->head.seq = bpf_ntohl(tcp->seq);
	if (p->tcp_flags & TCP_BIT_SYN)
		p->head.seq++;          /* data sent with a SYN begins after it */
	p->head.ack = bpf_ntohl(tcp->ack_seq);
	p->payload_off = off + len;
	p->head.wire_len = left - len;
	return PARSED_OK;
}

/* The length is that of the IP header: with segmentation offload the UDP header's is no guide. */
static __always_inline enum parsed take_udp(struct packet *p, const struct udphdr *udp, __u32 off,
					    __u32 left)
{
	if (left < sizeof(*udp))
		return PARSED_BAD;
	p->head.l4 = IPPROTO_UDP;
	p->head.sport = bpf_ntohs(udp->source);
	p->head.dport = bpf_ntohs(udp->dest);
	p->payload_off = off + sizeof(*udp);
	p->head.wire_len = left - sizeof(*udp);
	return PARSED_OK;
}

static __always_inline enum parsed take_other(struct packet *p, __u32 off, __u32 left, __u8 protocol)
{
	p->payload_off = off;
	p->end = off + left;
	p->protocol = protocol;
	return PARSED_OTHER;
}

static __always_inline enum parsed take_transport(struct __sk_buff *skb, struct packet *p,
						  __u32 off, __u32 left, __u8 protocol)
{
	union {
		struct tcphdr tcp;
		struct udphdr udp;
	} h;

	if (off + left > p->end)
		return PARSED_BAD;
	if (protocol != IPPROTO_TCP && protocol != IPPROTO_UDP)
		return take_other(p, off, left, protocol);
	if (protocol == IPPROTO_TCP && !bpf_skb_load_bytes(skb, off, &h.tcp, sizeof(h.tcp)))
		return take_tcp(p, &h.tcp, off, left);
	if (protocol == IPPROTO_UDP && !bpf_skb_load_bytes(skb, off, &h.udp, sizeof(h.udp)))
		return take_udp(p, &h.udp, off, left);
	return PARSED_BAD;
}

/* A header between that of IP and the transport's: how long it is, by its second byte; 0: it is none. */
static __always_inline __u32 extension_len(__u8 type, __u8 len, _Bool is_ipv6)
{
	if (type == IPPROTO_AH)
		return (len + 2) * 4;
	if (!is_ipv6)
		return 0;
	switch (type) {
	case IPPROTO_FRAGMENT:
		return 8;
	case IPPROTO_HOPOPTS:
	case IPPROTO_ROUTING:
	case IPPROTO_DSTOPTS:
	case IPPROTO_MH:
	case IP_PROTOCOL_HIP:
	case IP_PROTOCOL_SHIM6:
		return (len + 1) * 8;
	default:
		return 0;
	}
}

/* An atomic fragment (RFC 6946) is none at all: it is whole. */
static __always_inline _Bool is_fragment(struct __sk_buff *skb, __u32 off)
{
	__be16 bits;

	return !bpf_skb_load_bytes(skb, off + 2, &bits, sizeof(bits)) && bits & bpf_htons(IP6_FRAGMENT_BITS);
}

/* From behind the IP header, at `off`, to `end`. */
static __always_inline enum parsed parse_upper(struct __sk_buff *skb, struct packet *p, __u32 off, __u32 end,
					       __u8 next, _Bool is_ipv6)
{
	__u8 ext[2];
	__u32 i;

	for (i = 0; i < EXTENSIONS_MAX && extension_len(next, 0, is_ipv6); i++) {
		if (bpf_skb_load_bytes(skb, off, ext, sizeof(ext)))
			return PARSED_BAD;
		if (next == IPPROTO_FRAGMENT && is_fragment(skb, off)) {
			count(fragments, 1);
			return PARSED_NOTHING;
		}
		off += extension_len(next, ext[1], is_ipv6);
		next = ext[0];
	}
	if (off > end || extension_len(next, 0, is_ipv6))
		return PARSED_BAD;
	return take_transport(skb, p, off, end - off, next);
}

static __always_inline enum parsed parse_slow4(struct __sk_buff *skb, struct packet *p, __u32 off)
{
	struct iphdr ip;
	__u32 total, len;

	if (bpf_skb_load_bytes(skb, off, &ip, sizeof(ip)))
		return PARSED_BAD;
	len = ip.ihl * 4;
	total = bpf_ntohs(ip.tot_len);
	if (!total)                     /* more than 64 KB in one packet (BIG TCP) */
		total = p->end - off;
	if (ip.version != 4 || len < sizeof(ip) || total < len)
		return PARSED_BAD;
	if (ip.frag_off & bpf_htons(IP_FRAGMENT_BITS)) {
		count(fragments, 1);
		return PARSED_NOTHING;
	}
	take_address4(p->head.saddr, ip.saddr);
	take_address4(p->head.daddr, ip.daddr);
	return parse_upper(skb, p, off + len, off + total, ip.protocol, 0);
}

static __always_inline enum parsed parse_slow6(struct __sk_buff *skb, struct packet *p, __u32 off)
{
	struct ipv6hdr ip;
	__u32 end;

	if (bpf_skb_load_bytes(skb, off, &ip, sizeof(ip)) || ip.version != 6)
		return PARSED_BAD;
	take_address6(p->head.saddr, &ip.saddr);
	take_address6(p->head.daddr, &ip.daddr);
	off += sizeof(ip);
	end = ip.payload_len ? off + bpf_ntohs(ip.payload_len) : p->end;
	return parse_upper(skb, p, off, end, ip.nexthdr, 1);
}

/* A header that ends in the EtherType of the next one: how long it is; 0 for all others. */
static __always_inline __u32 tag_len(__be16 type)
{
	switch (bpf_ntohs(type)) {
	case ETH_P_8021Q:
	case ETH_P_8021AD:
	case ETHERTYPE_QINQ_OLD:
	case ETHERTYPE_QINQ_OLD + 0x100:
	case ETHERTYPE_QINQ_OLD + 0x200:
		return 4;
	case ETHERTYPE_VNTAG:
	case ETHERTYPE_HSR:
		return 6;
	case ETHERTYPE_ETAG:
		return 8;
	default:
		return 0;
	}
}

/*
 * Any header that parse_fast() does not read: options, extensions, VLAN tags, paged headers, and what lies in a
 * tunnel. Begins at p->payload_off with p->type, and stays within p->end.
 */
__noinline int parse_slow(struct __sk_buff *skb, struct packet *p)
{
	__be16 type;
	__u32 off, len, i;

	if (!p)
		return PARSED_NOTHING;
	off = p->payload_off;
	type = p->type;
	/* The outer tag is usually in the skb's own fields; an inner one stands in the bytes. */
	for (i = 0; i < TAGS_MAX; i++) {
		len = tag_len(type);
		if (!len)
			break;
		off += len;
		if (bpf_skb_load_bytes(skb, off - sizeof(type), &type, sizeof(type)))
			return PARSED_BAD;
	}
	if (off > p->end || tag_len(type))
		return PARSED_BAD;
	if (type == bpf_htons(ETH_P_IP))
		return parse_slow4(skb, p, off);
	if (type == bpf_htons(ETH_P_IPV6))
		return parse_slow6(skb, p, off);
	p->payload_off = off;
	p->type = type;
	return PARSED_LAYER;
}

static __always_inline enum parsed parse_fast4(struct __sk_buff *skb, struct packet *p, __u32 l3)
{
	void *data = (void *)(long)skb->data, *data_end = (void *)(long)skb->data_end;
	struct iphdr *ip = data + l3;
	struct tcphdr *tcp = data + l3 + sizeof(*ip);
	struct udphdr *udp = data + l3 + sizeof(*ip);
	__u32 total;

	if ((void *)(ip + 1) > data_end || ip->version != 4 || ip->ihl != 5)
		return PARSED_SLOW;
	total = bpf_ntohs(ip->tot_len);
	if (total < sizeof(*ip) || l3 + total > skb->len ||
	    (ip->frag_off & bpf_htons(IP_FRAGMENT_BITS)))
		return PARSED_SLOW;
	take_address4(p->head.saddr, ip->saddr);
	take_address4(p->head.daddr, ip->daddr);
	if (ip->protocol == IPPROTO_TCP && (void *)(tcp + 1) <= data_end)
		return take_tcp(p, tcp, l3 + sizeof(*ip), total - sizeof(*ip));
	if (ip->protocol == IPPROTO_UDP && (void *)(udp + 1) <= data_end)
		return take_udp(p, udp, l3 + sizeof(*ip), total - sizeof(*ip));
	if (ip->protocol != IPPROTO_TCP && ip->protocol != IPPROTO_UDP && ip->protocol != IPPROTO_AH)
		return take_other(p, l3 + sizeof(*ip), total - sizeof(*ip), ip->protocol);
	return PARSED_SLOW;
}

static __always_inline enum parsed parse_fast6(struct __sk_buff *skb, struct packet *p, __u32 l3)
{
	void *data = (void *)(long)skb->data, *data_end = (void *)(long)skb->data_end;
	struct ipv6hdr *ip = data + l3;
	struct tcphdr *tcp = data + l3 + sizeof(*ip);
	struct udphdr *udp = data + l3 + sizeof(*ip);
	__u32 left;

	if ((void *)(ip + 1) > data_end || ip->version != 6)
		return PARSED_SLOW;
	left = bpf_ntohs(ip->payload_len);
	if (!left || l3 + sizeof(*ip) + left > skb->len)
		return PARSED_SLOW;
	take_address6(p->head.saddr, &ip->saddr);
	take_address6(p->head.daddr, &ip->daddr);
	if (ip->nexthdr == IPPROTO_TCP && (void *)(tcp + 1) <= data_end)
		return take_tcp(p, tcp, l3 + sizeof(*ip), left);
	if (ip->nexthdr == IPPROTO_UDP && (void *)(udp + 1) <= data_end)
		return take_udp(p, udp, l3 + sizeof(*ip), left);
	return PARSED_SLOW;
}

/* `l3`: where the link header ends: 0, or behind an Ethernet header. */
static __always_inline enum parsed parse(struct __sk_buff *skb, struct packet *p, __u32 l3)
{
	enum parsed parsed = PARSED_SLOW;

	if (skb->protocol == bpf_htons(ETH_P_IP))
		parsed = parse_fast4(skb, p, l3);
	else if (skb->protocol == bpf_htons(ETH_P_IPV6))
		parsed = parse_fast6(skb, p, l3);
	else if (!l3)
		return PARSED_NOTHING;
	if (parsed != PARSED_SLOW)
		return parsed;
	p->payload_off = l3;
	p->end = skb->len;
	p->type = skb->protocol;
	return parse_slow(skb, p);
}

#endif
