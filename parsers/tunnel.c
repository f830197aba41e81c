/* SPDX-License-Identifier: Apache-2.0 */
#include "parsers/tunnel_types.h"

#include <netinet/in.h>

#define LINK_ETHERNET 1
#define LINK_PPP 9
#define VLAN_TAGS_MAX 8
#define MPLS_LABELS_MAX 16
#define IP_PROTOCOL_ETHERIP 97
#define IP_PROTOCOL_L2TPV3 115
#define IP_PROTOCOL_MPLS 137
#define IP_PROTOCOL_ETHERNET 143     /* RFC 8986 section 10.1 */

static bool is_ipv4(const struct layer *l)
{
	const uint8_t *p = l->in.data;
	size_t header, total;

	if (l->in.len < 20 || p[0] >> 4 != 4)
		return false;
	header = (size_t)(p[0] & 15) * 4;
	total = layer_u16(p + 2);
	return header >= 20 && total >= header && total <= l->in.len + l->cut;
}

static bool is_ipv6(const struct layer *l)
{
	const uint8_t *p = l->in.data;

	return l->in.len >= 40 && p[0] >> 4 == 6 &&
	       (size_t)layer_u16(p + 4) + 40 <= l->in.len + l->cut;
}

bool tunnel_holds_ip(const struct layer *l, unsigned int version, struct tunnel *out)
{
	out->inner = TUNNEL_IP;
	return (version != 6 && is_ipv4(l)) || (version != 4 && is_ipv6(l));
}

/* A label stack that ends, before IP or what may be an Ethernet pseudowire (see RFC 4928). */
static bool is_mpls(struct layer l)
{
	const uint8_t *label;
	unsigned int nibble;

	for (unsigned int num = 0; num < MPLS_LABELS_MAX; num++) {
		label = layer_take(&l, 4);
		if (!label)
			return false;
		if (!(label[2] & 1))
			continue;
		nibble = l.in.len ? l.in.data[0] >> 4 : 1;
		return is_ipv4(&l) || is_ipv6(&l) || nibble == 0;
	}
	return false;
}

bool tunnel_holds_ethertype(const struct layer *l, uint16_t type, struct tunnel *out)
{
	switch (type) {
	case 0x0800:
		return tunnel_holds_ip(l, 4, out);
	case 0x86dd:
		return tunnel_holds_ip(l, 6, out);
	case 0x6558:
		return tunnel_holds_ethernet(l, out);
	}
	out->inner = TUNNEL_ETHERTYPE;
	out->ethertype = type;
	switch (type) {
	case 0x8847:
	case 0x8848:
		return is_mpls(*l);
	case 0x8100:
	case 0x8864:
	case 0x880b:
	case 0x88a8:
	case 0x894f:
		return true;
	default:
		return false;
	}
}

bool tunnel_holds_ethernet(const struct layer *l, struct tunnel *out)
{
	struct layer rest = *l;
	const uint8_t *p = layer_take(&rest, 14);
	struct tunnel ignored;
	uint16_t type;

	out->inner = TUNNEL_LINK;
	out->link = LINK_ETHERNET;
	if (!p)
		return false;
	type = layer_u16(p + 12);
	for (unsigned int n = 0; n < VLAN_TAGS_MAX && (type == 0x8100 || type == 0x88a8); n++) {
		p = layer_take(&rest, 4);
		if (!p)
			return false;
		type = layer_u16(p + 2);
	}
	return type != 0x6558 && tunnel_holds_ethertype(&rest, type, &ignored);
}

bool tunnel_holds_ppp(const struct layer *l, struct tunnel *out)
{
	struct layer rest = *l;
	struct tunnel ignored;
	const uint8_t *p;

	out->inner = TUNNEL_LINK;
	out->link = LINK_PPP;
	if (rest.in.len >= 2 && layer_u16(rest.in.data) == 0xff03 && !layer_take(&rest, 2))
		return false;
	if (rest.in.len >= 1 && rest.in.data[0] == 0x00 && !layer_take(&rest, 1))
		return false;
	p = layer_take(&rest, 1);
	if (!p || (*p != 0x21 && *p != 0x57))
		return false;
	return tunnel_holds_ip(&rest, *p == 0x21 ? 4 : 6, &ignored);
}

static bool open_ip(struct layer *l, unsigned int version, struct tunnel *out)
{
	return tunnel_holds_ip(l, version, out);
}

static bool open_ethernet(struct layer *l, unsigned int param, struct tunnel *out)
{
	(void)param;
	return tunnel_holds_ethernet(l, out);
}

static bool open_ethertype(struct layer *l, unsigned int type, struct tunnel *out)
{
	return tunnel_holds_ethertype(l, (uint16_t)type, out);
}

/* RFC 3378: version 3, twelve reserved bits, Ethernet. */
static bool open_etherip(struct layer *l, unsigned int param, struct tunnel *out)
{
	const uint8_t *p = layer_take(l, 2);

	(void)param;
	return p && layer_u16(p) == 0x3000 && tunnel_holds_ethernet(l, out);
}

struct tunnel_type {
	const char *name;
	uint16_t number;             /* IP protocol or UDP port; 0: any port */
	bool either_port;            /* known by its source port, too: answers come from it */
	unsigned int param;
	tunnel_opener *open;
};

static const struct tunnel_type ip_types[] = {
	{ "ipip", IPPROTO_IPIP, false, 4, open_ip },
	{ "6in4", IPPROTO_IPV6, false, 6, open_ip },
	{ "gre", IPPROTO_GRE, false, 0, tunnel_gre },
	{ "etherip", IP_PROTOCOL_ETHERIP, false, 0, open_etherip },
	{ "mpls", IP_PROTOCOL_MPLS, false, 0x8847, open_ethertype },
	{ "srv6", IP_PROTOCOL_ETHERNET, false, 0, open_ethernet },
	{ "l2tpv3", IP_PROTOCOL_L2TPV3, false, 0, tunnel_l2tpv3 },
	{ "l2tpv3", IP_PROTOCOL_L2TPV3, false, 4, tunnel_l2tpv3 },
	{ "l2tpv3", IP_PROTOCOL_L2TPV3, false, 8, tunnel_l2tpv3 },
	{ "l2tpv3", IP_PROTOCOL_L2TPV3, false, 12, tunnel_l2tpv3 },
};

static const struct tunnel_type udp_types[] = {
	{ "vxlan", 4789, false, 0, tunnel_vxlan },
	{ "vxlan", 8472, false, 0, tunnel_vxlan },      /* Linux, before the port was assigned */
	{ "vxlan", 4790, false, 0, tunnel_vxlan },      /* GPE */
	{ "geneve", 6081, false, 0, tunnel_geneve },
	{ "gtp", 2152, true, 0, tunnel_gtp },
	{ "l2tp", 1701, true, 0, tunnel_l2tp },
	{ "l2tpv3", 1701, true, 0, tunnel_l2tpv3_udp },
	{ "l2tpv3", 1701, true, 4, tunnel_l2tpv3_udp },
	{ "l2tpv3", 1701, true, 8, tunnel_l2tpv3_udp },
	{ "l2tpv3", 1701, true, 12, tunnel_l2tpv3_udp },
	{ "teredo", 3544, true, 0, tunnel_teredo },
	{ "tzsp", 37008, false, 0, tunnel_tzsp },
	{ "capwap", 5247, true, 0, tunnel_capwap },
	{ "lisp", 4341, false, 0, tunnel_lisp },
	{ "gre", 4754, false, 0, tunnel_gre },          /* RFC 8086 */
	{ "mpls", 6635, false, 0x8847, open_ethertype }, /* RFC 7510 */
	{ "gue", 6080, false, 0, tunnel_gue },
	{ "fou", 5555, false, 0, open_ip },             /* no assigned port: that of the manuals */
	{ "amt", 2268, true, 0, tunnel_amt },
	{ "teredo", 0, true, 1, tunnel_teredo },        /* between peers: on any port */
	{ "vxlan", 0, true, 1, tunnel_vxlan },
};

static bool is_type(const struct tunnel_type *type, const struct packet *packet, bool udp)
{
	if (!udp)
		return type->number == packet->ip_protocol;
	return type->number == 0 || type->number == packet->dport ||
	       (type->either_port && type->number == packet->sport);
}

bool tunnel_open(const struct packet *packet, unsigned int nth, struct tunnel *out)
{
	bool udp = packet->ip_protocol == IPPROTO_UDP;
	const struct tunnel_type *types = udp ? udp_types : ip_types;
	size_t num = udp ? ARRAY_SIZE(udp_types) : ARRAY_SIZE(ip_types);
	size_t wire_len = packet->payload.len + packet->payload_cut;
	struct tunnel found;
	struct layer l;

	for (size_t i = 0; i < num; i++) {
		if (!is_type(&types[i], packet, udp))
			continue;
		l = layer_of(packet->payload, wire_len);
		found = (struct tunnel){ .name = types[i].name };
		if (!types[i].open(&l, types[i].param, &found) || nth-- > 0)
			continue;
		found.frame = l.in;
		found.wire_len = l.in.len + l.cut;
		*out = found;
		return true;
	}
	return false;
}
