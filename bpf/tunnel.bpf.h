/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Tunnels and layers, as mirror ports and routers put them around packets: IPIP, 6in4, 4in6, 6in6, GRE, NVGRE, ERSPAN,
 * VXLAN, GENEVE, GTP-U, TZSP; MPLS, PPPoE, 802.1ah. The innermost packet is the one that counts. What is a tunnel, and
 * how deep, is as parsers/tunnel.h has it for captures: known by protocol or port *and* by its header, so a datagram on
 * such a port stays one.
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
#define PORT_GTP 2152                /* answers come from it, too */
#define PORT_TZSP 37008
#define IP_PROTOCOL_MPLS 137

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
#define GTP_EXTENSIONS_MAX 8
#define TZSP_TAGS_MAX 16
#define MPLS_LABELS_MAX 16
#define ETHERTYPE_PBB 0x88e7         /* IEEE 802.1ah */
#define PPP_IPV4 0x0021
#define PPP_IPV6 0x0057
#define HEADERS_MAX (2 * EVENT_TUNNELS_MAX + 4)   /* tunnels and what lies below IP in them */

enum opened { OPENED_NOTHING, OPENED_INNER, OPENED_BAD };

static __always_inline _Bool may_be_tunnel(const struct packet *p, enum parsed parsed)
{
	__u16 port = p->head.dport;

	if (parsed == PARSED_OTHER || parsed == PARSED_LAYER)
		return 1;
	return parsed == PARSED_OK && p->head.l4 == IPPROTO_UDP &&
	       (port == PORT_VXLAN || port == PORT_VXLAN_GPE || port == PORT_VXLAN_OLD || port == PORT_GENEVE ||
		port == PORT_TZSP || port == PORT_GTP || p->head.sport == PORT_GTP);
}

/* What is inside begins at `off`. */
static __always_inline enum opened enter(struct packet *p, __u32 off, __be16 type)
{
	if (off > p->end)
		return OPENED_BAD;
	p->payload_off = off;
	p->type = type;
	return OPENED_INNER;
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

/* IP if the first byte can be that of one, else Ethernet. */
static __always_inline enum opened enter_either(struct __sk_buff *skb, struct packet *p, __u32 off)
{
	__u8 first;

	if (bpf_skb_load_bytes(skb, off, &first, 1))
		return OPENED_BAD;
	return first >> 4 == 4 || first >> 4 == 6 ? enter_ip(skb, p, off) : enter_ethernet(skb, p, off);
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

/* 3GPP TS 29.281 section 5: version 1, a G-PDU; IP inside, or Ethernet in 5G. */
__noinline int open_gtp(struct __sk_buff *skb, struct packet *p)
{
	__u32 off, i;
	__u8 h[8], next = 0, words;

	if (!p)
		return OPENED_NOTHING;
	off = p->payload_off;
	if (bpf_skb_load_bytes(skb, off, h, sizeof(h)) || (h[0] & 0xf8) != 0x30 || h[1] != 0xff ||
	    off + sizeof(h) + (h[2] << 8 | h[3]) > p->end)
		return OPENED_NOTHING;
	off += sizeof(h);
	if (h[0] & 0x07) {              /* sequence number, N-PDU, extensions: all or none of them are there */
		if (bpf_skb_load_bytes(skb, off + 3, &next, 1))
			return OPENED_BAD;
		if (!(h[0] & 0x04))
			next = 0;
		off += 4;
	}
	for (i = 0; i < GTP_EXTENSIONS_MAX && next; i++) {
		if (bpf_skb_load_bytes(skb, off, &words, 1) || !words)
			return OPENED_BAD;
		off += words * 4;
		if (bpf_skb_load_bytes(skb, off - 1, &next, 1))
			return OPENED_BAD;
	}
	return next ? OPENED_BAD : enter_either(skb, p, off);
}

/* TaZmen Sniffer Protocol: version 1, type, protocol; tags up to the end tag. Ethernet inside. */
__noinline int open_tzsp(struct __sk_buff *skb, struct packet *p)
{
	__u32 off, i;
	__u8 h[4], tag[2] = { 0 };

	if (!p)
		return OPENED_NOTHING;
	off = p->payload_off;
	if (bpf_skb_load_bytes(skb, off, h, sizeof(h)) || h[0] != 1 || h[1] > 1 || h[2] || h[3] != 1)
		return OPENED_NOTHING;
	off += sizeof(h);
	for (i = 0; i < TZSP_TAGS_MAX; i++) {
		if (bpf_skb_load_bytes(skb, off, tag, sizeof(tag)))
			return OPENED_BAD;
		if (tag[0] == 1)
			return enter_ethernet(skb, p, off + 1);
		off += tag[0] ? 2 + tag[1] : 1;
	}
	return OPENED_BAD;
}

/* The length is that of the IP header, as in take_udp(). */
static __always_inline enum opened open_udp(struct __sk_buff *skb, struct packet *p)
{
	p->end = p->payload_off + p->head.wire_len;
	switch (p->head.dport) {
	case PORT_VXLAN:
	case PORT_VXLAN_GPE:
	case PORT_VXLAN_OLD:
		return open_vxlan(skb, p);
	case PORT_GENEVE:
		return open_geneve(skb, p);
	case PORT_TZSP:
		return open_tzsp(skb, p);
	default:
		return open_gtp(skb, p);
	}
}

/* Where the frame ends before it says so: yes, and whoever goes on there finds that it cannot be read. */
static __always_inline _Bool leads_to_ip(struct __sk_buff *skb, __u32 ethernet_off)
{
	__be16 type;

	if (bpf_skb_load_bytes(skb, ethernet_off + 2 * ETH_ALEN, &type, sizeof(type)))
		return 1;
	return type == bpf_htons(ETH_P_IP) || type == bpf_htons(ETH_P_IPV6) || tag_len(type);
}

/*
 * A label stack, which does not say what it carries. IP is told by its first nibble; an Ethernet pseudowire begins
 * with a control word (RFC 4385: first nibble 0) or with an address, which may begin so as well.
 */
__noinline int open_mpls(struct __sk_buff *skb, struct packet *p)
{
	__u8 label[4] = { 0 }, first;
	__u32 off, i;

	if (!p)
		return OPENED_NOTHING;
	off = p->payload_off;
	for (i = 0; i < MPLS_LABELS_MAX && !(label[2] & 1); i++) {
		if (bpf_skb_load_bytes(skb, off, label, sizeof(label)))
			return OPENED_BAD;
		off += sizeof(label);
	}
	if (!(label[2] & 1) || bpf_skb_load_bytes(skb, off, &first, 1))
		return OPENED_BAD;
	first >>= 4;
	if (first == 1)                 /* an associated channel: RFC 5586 */
		return OPENED_NOTHING;
	if (first == 4 || first == 6)
		return enter_ip(skb, p, off);
	return enter_ethernet(skb, p, first == 0 && leads_to_ip(skb, off + 4) ? off + 4 : off);
}

/* RFC 2516: version 1, type 1, a session's data; then PPP, whose protocol may be one byte. */
static __always_inline enum opened open_pppoe(struct __sk_buff *skb, struct packet *p)
{
	__u32 off = p->payload_off;
	__u16 protocol;
	__u8 h[8];

	if (bpf_skb_load_bytes(skb, off, h, sizeof(h)) || h[0] != 0x11)
		return OPENED_BAD;
	if (h[1])
		return OPENED_NOTHING;
	protocol = h[6] & 1 ? h[6] : h[6] << 8 | h[7];
	off += h[6] & 1 ? 7 : 8;
	if (protocol == PPP_IPV4)
		return enter(p, off, bpf_htons(ETH_P_IP));
	return protocol == PPP_IPV6 ? enter(p, off, bpf_htons(ETH_P_IPV6)) : OPENED_NOTHING;
}

/* What stands below IP, and is no tag. */
static __always_inline enum opened open_layer(struct __sk_buff *skb, struct packet *p)
{
	switch (bpf_ntohs(p->type)) {
	case ETH_P_MPLS_UC:
	case ETH_P_MPLS_MC:
		return open_mpls(skb, p);
	case ETH_P_PPP_SES:
		return open_pppoe(skb, p);
	case ETHERTYPE_PBB:
		return enter_ethernet(skb, p, p->payload_off + 4);
	default:
		return OPENED_NOTHING;
	}
}

/* Takes one tunnel's header off. Where there is no tunnel, a datagram stays as it was parsed. */
__noinline int open_tunnel(struct __sk_buff *skb, struct packet *p, int parsed)
{
	if (!p)
		return OPENED_NOTHING;
	if (parsed == PARSED_OK)
		return open_udp(skb, p);
	if (parsed == PARSED_LAYER)
		return open_layer(skb, p);
	if (p->protocol == IPPROTO_GRE)
		return open_gre(skb, p);
	if (p->protocol == IPPROTO_IPIP)
		return enter(p, p->payload_off, bpf_htons(ETH_P_IP));
	if (p->protocol == IPPROTO_IPV6)
		return enter(p, p->payload_off, bpf_htons(ETH_P_IPV6));
	if (p->protocol == IP_PROTOCOL_MPLS)
		return open_mpls(skb, p);
	return OPENED_NOTHING;
}

/* Takes one header off, if it is there, and parses what is behind. Sets p->goes_on if that is perhaps a tunnel, too. */
__noinline int parse_next(struct __sk_buff *skb, struct packet *p, int parsed)
{
	int opened;

	if (!p)
		return PARSED_NOTHING;
	p->goes_on = 0;
	opened = open_tunnel(skb, p, parsed);
	if (opened == OPENED_BAD)
		return PARSED_BAD;
	if (opened != OPENED_INNER)
		return parsed == PARSED_OK ? PARSED_OK : PARSED_NOTHING;
	if (parsed != PARSED_LAYER && p->tunnels++ >= max_tunnels) {
		count(too_deep, 1);
		return PARSED_NOTHING;
	}
	parsed = parse_slow(skb, p);
	p->goes_on = may_be_tunnel(p, parsed);
	return parsed;
}

/* The innermost packet of one that is perhaps a tunnel's, which was `parsed` without looking into it. */
__noinline int parse_inside(struct __sk_buff *skb, struct packet *p, int parsed)
{
	__u32 i;

	if (!p)
		return PARSED_NOTHING;
	for (i = 0; i < HEADERS_MAX; i++) {
		parsed = parse_next(skb, p, parsed);
		if (!p->goes_on)
			return parsed;
	}
	return PARSED_BAD;
}

#endif
