/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Tunnels, as mirror ports and routers put them around packets: IPIP, 6in4, 4in6, 6in6, GRE, NVGRE, ERSPAN, VXLAN,
 * GENEVE. The innermost packet is the one that counts. What is a tunnel, and how deep, is as parsers/tunnel.h has it
 * for captures: known by protocol or port *and* by its header, so a datagram on such a port stays one.
 *
 * Global functions, so that the verifier looks at each one alone (see walk.bpf.h); all that they pass on stands in
 * the packet: where the next header begins, where it must end, and what it is.
 */
#ifndef CERTTAP_TUNNEL_BPF_H
#define CERTTAP_TUNNEL_BPF_H

#include "bpf/packet.bpf.h"

#define PORT_VXLAN 4789
#define PORT_VXLAN_GPE 4790
#define PORT_VXLAN_OLD 8472          /* Linux, before the port was assigned */
#define PORT_GENEVE 6081

#define GRE_CHECKSUM 0x8000
#define GRE_KEY 0x2000
#define GRE_SEQUENCE 0x1000
#define ETHERTYPE_ERSPAN3 0x22eb
#define ETHERTYPE_BRIDGED 0x6558
#define ETHERTYPE_ERSPAN 0x88be
#define ERSPAN3_ETHERNET 0           /* its frame types */
#define ERSPAN3_IP 2

#define VXLAN_LEN 8
#define VXLAN_INSTANCE 0x08
#define VXLAN_PROTOCOL 0x04          /* GPE: the fourth byte says what follows */
#define VXLAN_POLICY 0x80            /* the group policy extension fills bytes 1 to 3 */
#define VXLAN_POLICY_BITS 0x48
#define GENEVE_LEN 8

enum opened { OPENED_NOTHING, OPENED_TUNNEL, OPENED_BAD };

static __always_inline _Bool may_be_tunnel(const struct packet *p, enum parsed parsed)
{
	__u16 port = p->head.dport;

	if (parsed == PARSED_OTHER)
		return 1;
	return parsed == PARSED_OK && p->head.l4 == IPPROTO_UDP &&
	       (port == PORT_VXLAN || port == PORT_VXLAN_GPE || port == PORT_VXLAN_OLD || port == PORT_GENEVE);
}

/* What is inside begins at `off`. */
static __always_inline enum opened enter(struct packet *p, __u32 off, __be16 type)
{
	if (off > p->end)
		return OPENED_BAD;
	p->payload_off = off;
	p->type = type;
	return OPENED_TUNNEL;
}

static __always_inline enum opened enter_ethernet(struct __sk_buff *skb, struct packet *p, __u32 off)
{
	__be16 type;

	if (bpf_skb_load_bytes(skb, off + 2 * ETH_ALEN, &type, sizeof(type)))
		return OPENED_BAD;
	return enter(p, off + ETH_HLEN, type);
}

/* IP of the version that its own first byte says. */
static __always_inline enum opened enter_ip(struct __sk_buff *skb, struct packet *p, __u32 off)
{
	__u8 first;

	if (bpf_skb_load_bytes(skb, off, &first, 1))
		return OPENED_BAD;
	return enter(p, off, first >> 4 == 6 ? bpf_htons(ETH_P_IPV6) : bpf_htons(ETH_P_IP));
}

static __always_inline enum opened enter_ethertype(struct __sk_buff *skb, struct packet *p, __u32 off, __be16 type)
{
	if (type == bpf_htons(ETHERTYPE_BRIDGED))
		return enter_ethernet(skb, p, off);
	return enter(p, off, type);
}

/* Type I has no header (and GRE no sequence number); type II has one of eight bytes, version 1. */
static __always_inline enum opened open_erspan(struct __sk_buff *skb, struct packet *p, __u32 off, _Bool has_sequence)
{
	__u8 version;

	if (!has_sequence)
		return enter_ethernet(skb, p, off);
	if (bpf_skb_load_bytes(skb, off, &version, 1) || version >> 4 != 1)
		return OPENED_BAD;
	return enter_ethernet(skb, p, off + 8);
}

/* Type III: twelve bytes, version 2; the last bit announces eight more. */
static __always_inline enum opened open_erspan3(struct __sk_buff *skb, struct packet *p, __u32 off)
{
	__u8 h[12], type;

	if (bpf_skb_load_bytes(skb, off, h, sizeof(h)) || h[0] >> 4 != 2)
		return OPENED_BAD;
	off += h[11] & 1 ? 20 : 12;
	type = h[10] >> 2 & 0x1f;
	if (type == ERSPAN3_ETHERNET)
		return enter_ethernet(skb, p, off);
	return type == ERSPAN3_IP ? enter_ip(skb, p, off) : OPENED_NOTHING;
}

/* RFC 2784 and 2890. Source routes (RFC 1701), version 1 (PPTP) and all reserved bits are refused. */
static __always_inline enum opened open_gre(struct __sk_buff *skb, struct packet *p)
{
	__u32 off = p->payload_off;
	__be16 h[2];
	__u16 flags;

	if (bpf_skb_load_bytes(skb, off, h, sizeof(h)))
		return OPENED_BAD;
	flags = bpf_ntohs(h[0]);
	if (flags & ~(GRE_CHECKSUM | GRE_KEY | GRE_SEQUENCE))
		return OPENED_BAD;
	off += sizeof(h) + (flags & GRE_CHECKSUM ? 4 : 0) + (flags & GRE_KEY ? 4 : 0) +
	       (flags & GRE_SEQUENCE ? 4 : 0);
	if (h[1] == bpf_htons(ETHERTYPE_ERSPAN))
		return open_erspan(skb, p, off, flags & GRE_SEQUENCE);
	if (h[1] == bpf_htons(ETHERTYPE_ERSPAN3))
		return open_erspan3(skb, p, off);
	return enter_ethertype(skb, p, off, h[1]);
}

/* RFC 7348 section 5, with the group policy and generic protocol (GPE) extensions. */
static __always_inline enum opened open_vxlan(struct __sk_buff *skb, struct packet *p)
{
	__u32 off = p->payload_off;
	__u8 h[VXLAN_LEN];

	if (bpf_skb_load_bytes(skb, off, h, sizeof(h)) || h[7])
		return OPENED_NOTHING;
	off += sizeof(h);
	if (h[0] == VXLAN_INSTANCE && !h[1] && !h[2] && !h[3])
		return enter_ethernet(skb, p, off);
	if (h[0] == (VXLAN_INSTANCE | VXLAN_POLICY) && !(h[1] & ~VXLAN_POLICY_BITS))
		return enter_ethernet(skb, p, off);
	if ((h[0] & ~0x03) != (VXLAN_INSTANCE | VXLAN_PROTOCOL) || h[1] || h[2])
		return OPENED_NOTHING;
	if (h[3] == 1)
		return enter(p, off, bpf_htons(ETH_P_IP));
	if (h[3] == 2)
		return enter(p, off, bpf_htons(ETH_P_IPV6));
	return h[3] == 3 ? enter_ethernet(skb, p, off) : OPENED_NOTHING;
}

/* RFC 8926 section 3.4: version 0, options counted in words, EtherType. */
static __always_inline enum opened open_geneve(struct __sk_buff *skb, struct packet *p)
{
	__be16 h[GENEVE_LEN / 2];
	__u32 options;

	if (bpf_skb_load_bytes(skb, p->payload_off, h, sizeof(h)) || h[0] & bpf_htons(0xc03f) ||
	    h[3] & bpf_htons(0x00ff))
		return OPENED_NOTHING;
	options = bpf_ntohs(h[0]) >> 8;
	return enter_ethertype(skb, p, p->payload_off + sizeof(h) + options * 4, h[1]);
}

/* The length is that of the IP header, as in take_udp(). */
static __always_inline enum opened open_udp(struct __sk_buff *skb, struct packet *p)
{
	p->end = p->payload_off + p->head.wire_len;
	return p->head.dport == PORT_GENEVE ? open_geneve(skb, p) : open_vxlan(skb, p);
}

/* Takes one tunnel's header off. Where there is no tunnel, a datagram stays as it was parsed. */
__noinline int open_tunnel(struct __sk_buff *skb, struct packet *p, int parsed)
{
	if (!p)
		return OPENED_NOTHING;
	if (parsed == PARSED_OK)
		return open_udp(skb, p);
	if (p->protocol == IPPROTO_GRE)
		return open_gre(skb, p);
	if (p->protocol == IPPROTO_IPIP)
		return enter(p, p->payload_off, bpf_htons(ETH_P_IP));
	if (p->protocol == IPPROTO_IPV6)
		return enter(p, p->payload_off, bpf_htons(ETH_P_IPV6));
	return OPENED_NOTHING;
}

/* The innermost packet of one that is perhaps a tunnel's, which was `parsed` without looking into it. */
__noinline int parse_inside(struct __sk_buff *skb, struct packet *p, int parsed)
{
	__u32 i;
	int opened;

	if (!p)
		return PARSED_NOTHING;
	for (i = 0; i <= EVENT_TUNNELS_MAX && may_be_tunnel(p, parsed); i++) {
		opened = open_tunnel(skb, p, parsed);
		if (opened == OPENED_BAD)
			return PARSED_BAD;
		if (opened != OPENED_TUNNEL)
			return parsed == PARSED_OK ? PARSED_OK : PARSED_NOTHING;
		if (i >= max_tunnels) {
			count(too_deep, 1);
			return PARSED_NOTHING;
		}
		parsed = parse_slow(skb, p);
	}
	return parsed;
}

#endif
