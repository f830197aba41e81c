/* SPDX-License-Identifier: Apache-2.0 */
/* Headers of tunnels that ride on UDP (and L2TPv3, which rides on IP as well). */
#include "parsers/tunnel_types.h"

#define VXLAN_INSTANCE 0x08
#define VXLAN_PROTOCOL 0x04          /* GPE: the fourth byte says what follows */
#define VXLAN_POLICY 0x80            /* the group policy extension fills bytes 1 to 3 */
#define GTP_EXTENSIONS_MAX 16
#define TZSP_TAGS_MAX 64
#define L2TP_CONTROL 0x8000
#define L2TP_LENGTH 0x4000
#define L2TP_SEQUENCE 0x0800
#define L2TP_OFFSET 0x0200
#define L2TP_RESERVED 0x34f0
#define CAPWAP_NATIVE 0x0100         /* bits of the header's first word */
#define CAPWAP_FRAGMENT 0x0080
#define CAPWAP_KEEPALIVE 0x0008
#define LINK_80211 105
#define ETHERTYPE_LLC 0x8870
#define WIFI_PROTECTED 0x40
#define WIFI_BOTH_DS 0x03
#define WIFI_QOS 0x80

/* The next-protocol numbers that VXLAN-GPE shares with NSH. */
static bool holds_next_protocol(const struct layer *l, uint8_t protocol, struct tunnel *out)
{
	switch (protocol) {
	case 1:
		return tunnel_holds_ip(l, 4, out);
	case 2:
		return tunnel_holds_ip(l, 6, out);
	case 3:
		return tunnel_holds_ethernet(l, out);
	case 4:
		return tunnel_holds_ethertype(l, 0x894f, out);
	case 5:
		return tunnel_holds_ethertype(l, 0x8847, out);
	default:
		return false;
	}
}

/* RFC 7348 section 5, with the group policy and generic protocol (GPE) extensions. */
bool tunnel_vxlan(struct layer *l, unsigned int any_port, struct tunnel *out)
{
	const uint8_t *p = layer_take(l, 8);

	if (!p || !(p[0] & VXLAN_INSTANCE) || p[7] != 0)
		return false;
	if (p[0] == VXLAN_INSTANCE)
		return p[1] == 0 && p[2] == 0 && p[3] == 0 && tunnel_holds_ethernet(l, out);
	if (any_port)
		return false;
	if (p[0] == (VXLAN_INSTANCE | VXLAN_POLICY))
		return (p[1] & ~0x48) == 0 && tunnel_holds_ethernet(l, out);
	return (p[0] & ~0x03) == (VXLAN_INSTANCE | VXLAN_PROTOCOL) && p[1] == 0 && p[2] == 0 &&
	       holds_next_protocol(l, p[3], out);
}

/* RFC 8926 section 3.4: version 0, options counted in words, EtherType. */
bool tunnel_geneve(struct layer *l, unsigned int param, struct tunnel *out)
{
	const uint8_t *p = layer_take(l, 8);

	(void)param;
	if (!p || p[0] & 0xc0 || p[1] & 0x3f || p[7] != 0)
		return false;
	return layer_take(l, (size_t)(p[0] & 0x3f) * 4) &&
	       tunnel_holds_ethertype(l, layer_u16(p + 2), out);
}

/* The chain of extension headers: length in words, body, type of the next. */
static bool skip_gtp_extensions(struct layer *l, uint8_t next)
{
	const uint8_t *p;

	for (unsigned int n = 0; next; n++) {
		if (n == GTP_EXTENSIONS_MAX || l->in.len == 0 || l->in.data[0] == 0)
			return false;
		p = layer_take(l, (size_t)l->in.data[0] * 4);
		if (!p)
			return false;
		next = p[p[0] * 4 - 1];
	}
	return true;
}

/* 3GPP TS 29.281 section 5: version 1, a G-PDU; IP inside, or Ethernet in 5G. */
bool tunnel_gtp(struct layer *l, unsigned int param, struct tunnel *out)
{
	const uint8_t *p = layer_take(l, 8);
	const uint8_t *optional;
	uint16_t len;

	(void)param;
	if (!p || (p[0] & 0xf8) != 0x30 || p[1] != 0xff)
		return false;
	len = layer_u16(p + 2);
	if (len > l->in.len + l->cut)
		return false;
	layer_resize(l, len);
	if (p[0] & 0x07) {
		optional = layer_take(l, 4);
		if (!optional || !skip_gtp_extensions(l, p[0] & 0x04 ? optional[3] : 0))
			return false;
	}
	return tunnel_holds_ip(l, 0, out) || tunnel_holds_ethernet(l, out);
}

/* RFC 2661 section 3.1: data messages, PPP inside. */
bool tunnel_l2tp(struct layer *l, unsigned int param, struct tunnel *out)
{
	const uint8_t *p = layer_take(l, 2);
	uint16_t flags;
	size_t len;

	(void)param;
	if (!p)
		return false;
	flags = layer_u16(p);
	if (flags & (L2TP_CONTROL | L2TP_RESERVED) || (flags & 0x0f) != 2)
		return false;
	len = 4u + (flags & L2TP_LENGTH ? 2 : 0) + (flags & L2TP_SEQUENCE ? 4 : 0);
	if (!layer_take(l, len))
		return false;
	if (flags & L2TP_OFFSET) {
		p = layer_take(l, 2);
		if (!p || !layer_take(l, layer_u16(p)))
			return false;
	}
	return tunnel_holds_ppp(l, out);
}

/*
 * RFC 3931 section 4.1.1. How long cookie and sublayer are was agreed on out of sight, so the
 * table has a row for each; RFC 4719: Ethernet inside.
 */
bool tunnel_l2tpv3(struct layer *l, unsigned int skip, struct tunnel *out)
{
	const uint8_t *session = layer_take(l, 4);

	return session && layer_u32(session) != 0 && layer_take(l, skip) &&
	       tunnel_holds_ethernet(l, out);
}

bool tunnel_l2tpv3_udp(struct layer *l, unsigned int skip, struct tunnel *out)
{
	const uint8_t *p = layer_take(l, 4);

	return p && layer_u32(p) == 0x00030000 && tunnel_l2tpv3(l, skip, out);
}

static bool is_teredo_address(const uint8_t *p)
{
	return layer_u32(p) == 0x20010000;
}

/* RFC 4380 section 5.1.1: authentication, then origin, each optional; then IPv6. */
bool tunnel_teredo(struct layer *l, unsigned int any_port, struct tunnel *out)
{
	const uint8_t *p = l->in.data;

	if (l->in.len >= 4 && layer_u16(p) == 0x0001) {
		if (!layer_take(l, 13u + p[2] + p[3]))
			return false;
		p = l->in.data;
	}
	if (l->in.len >= 2 && layer_u16(p) == 0x0000 && !layer_take(l, 8))
		return false;
	if (!tunnel_holds_ip(l, 6, out))
		return false;
	p = l->in.data;
	return !any_port || is_teredo_address(p + 8) || is_teredo_address(p + 24);
}

/* TaZmen Sniffer Protocol: version 1, type, protocol; tags up to the end tag. */
bool tunnel_tzsp(struct layer *l, unsigned int param, struct tunnel *out)
{
	static const struct { uint16_t protocol; int link; } links[] = {
		{ 1, 1 }, { 18, LINK_80211 }, { 119, 119 }, { 127, 163 },
	};
	const uint8_t *p = layer_take(l, 4), *tag = NULL;
	unsigned int num = 0;

	(void)param;
	if (!p || p[0] != 1 || p[1] > 1)
		return false;
	do {
		tag = layer_take(l, 1);
		if (!tag || num++ == TZSP_TAGS_MAX)
			return false;
		if (*tag > 1 && (l->in.len == 0 || !layer_take(l, 1u + l->in.data[0])))
			return false;
	} while (*tag != 1);
	for (size_t i = 0; i < ARRAY_SIZE(links); i++) {
		if (links[i].protocol != layer_u16(p + 2))
			continue;
		out->inner = TUNNEL_LINK;
		out->link = links[i].link;
		return out->link != 1 || tunnel_holds_ethernet(l, out);
	}
	return false;
}

/*
 * Most controllers send the two bytes of the 802.11 frame control swapped. Then the header is
 * taken off here, and LLC is given by the EtherType that says so.
 */
static bool open_swapped_80211(struct layer *l, struct tunnel *out)
{
	const uint8_t *p = l->in.data;
	size_t len = 24;

	if (l->in.len < 2 || (p[1] & 0x4f) != 0x08 || p[0] & WIFI_PROTECTED)
		return false;
	len += (p[0] & WIFI_BOTH_DS) == WIFI_BOTH_DS ? 6 : 0;
	len += p[1] & WIFI_QOS ? 2 : 0;
	out->inner = TUNNEL_ETHERTYPE;
	out->ethertype = ETHERTYPE_LLC;
	return layer_take(l, len);
}

/* RFC 5415 section 4.3: not under DTLS, not a fragment, not a keep-alive. */
bool tunnel_capwap(struct layer *l, unsigned int param, struct tunnel *out)
{
	const uint8_t *p = l->in.data;
	uint32_t word;
	size_t len;

	(void)param;
	if (l->in.len < 8 || p[0] != 0)
		return false;
	word = layer_u32(p);
	len = (size_t)(p[1] >> 3) * 4;
	if (len < 8 || word & (CAPWAP_FRAGMENT | CAPWAP_KEEPALIVE) || !layer_take(l, len))
		return false;
	if (!(word & CAPWAP_NATIVE))
		return tunnel_holds_ethernet(l, out);
	if (((word >> 9) & 0x1f) != 1)  /* the wireless binding: 1 is 802.11 */
		return false;
	out->inner = TUNNEL_LINK;
	out->link = LINK_80211;
	/* only data frames are of use */
	return (l->in.len && (l->in.data[0] & 0x0f) == 0x08) || open_swapped_80211(l, out);
}

/* RFC 9300 section 5.1; its key bits say that the packet is encrypted (RFC 8061). */
bool tunnel_lisp(struct layer *l, unsigned int param, struct tunnel *out)
{
	const uint8_t *p = layer_take(l, 8);

	(void)param;
	return p && (p[0] & 0x07) == 0 && tunnel_holds_ip(l, 0, out);
}

/* Generic UDP Encapsulation: version 0 names an IP protocol, version 1 is the packet itself. */
bool tunnel_gue(struct layer *l, unsigned int param, struct tunnel *out)
{
	const uint8_t *p = l->in.data;

	(void)param;
	if (l->in.len < 4)
		return false;
	if (p[0] >> 6 == 1)
		return tunnel_holds_ip(l, 0, out);
	if (p[0] & 0xe0 || !layer_take(l, 4 + (size_t)(p[0] & 0x1f) * 4))
		return false;
	switch (p[1]) {
	case 4:
		return tunnel_holds_ip(l, 4, out);
	case 41:
		return tunnel_holds_ip(l, 6, out);
	case 47:
		return tunnel_gre(l, 0, out);
	default:
		return false;
	}
}

/* RFC 7450 section 5.1.6: multicast data from a relay. */
bool tunnel_amt(struct layer *l, unsigned int param, struct tunnel *out)
{
	const uint8_t *p = layer_take(l, 2);

	(void)param;
	return p && layer_u16(p) == 0x0600 && tunnel_holds_ip(l, 0, out);
}
