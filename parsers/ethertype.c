/* SPDX-License-Identifier: Apache-2.0 */
/* What is named by an EtherType, an LLC access point or a PPP protocol number. */
#include "parsers/layer.h"

#define ETHERNET_HEADER 14
#define ETHERTYPE_MIN 0x0600         /* below: a length, and LLC follows (IEEE 802.3) */
#define MPLS_LABELS_MAX 16
#define EAPOL_HEADER 4
#define EAPOL_VERSION_MAX 3
#define EAPOL_TYPE_MAX 8             /* IEEE 802.1X-2020 table 11-3 */
#define MPLS_COST 6                  /* layers of the budget: each stack may be read in two ways */

enum ethertype {
	ETHERTYPE_IPV4 = 0x0800,
	ETHERTYPE_TRILL = 0x22f3,
	ETHERTYPE_BRIDGED = 0x6558,
	ETHERTYPE_VLAN = 0x8100,
	ETHERTYPE_IPV6 = 0x86dd,
	ETHERTYPE_PPP = 0x880b,
	ETHERTYPE_MPLS = 0x8847,
	ETHERTYPE_MPLS_MULTICAST = 0x8848,
	ETHERTYPE_PPPOE = 0x8864,
	ETHERTYPE_LLC = 0x8870,      /* for frames too long for a length field */
	ETHERTYPE_EAPOL = 0x888e,
	ETHERTYPE_QINQ = 0x88a8,
	ETHERTYPE_MACSEC = 0x88e5,
	ETHERTYPE_PBB = 0x88e7,      /* IEEE 802.1ah */
	ETHERTYPE_CISCO_METADATA = 0x8909,
	ETHERTYPE_VNTAG = 0x8926,
	ETHERTYPE_HSR = 0x892f,
	ETHERTYPE_ETAG = 0x893f,     /* IEEE 802.1BR */
	ETHERTYPE_NSH = 0x894f,
	ETHERTYPE_QINQ_OLD1 = 0x9100,
	ETHERTYPE_QINQ_OLD2 = 0x9200,
	ETHERTYPE_QINQ_OLD3 = 0x9300,
};

/* A tag ends in the EtherType of what follows: skips the tag, returns that type, or fails. */
static bool take_tag(struct layer *l, size_t len, uint16_t *type)
{
	const uint8_t *p = layer_take(l, len);

	if (!p)
		return false;
	*type = layer_u16(p + len - 2);
	return true;
}

/* IEEE 802.1AE: readable only where neither the E nor the C bit says that the data was changed. */
static enum packet_kind parse_macsec(struct layer *l, struct packet *out)
{
	uint16_t type;

	if (l->in.len < 1)
		return layer_short(l);
	if (l->in.data[0] & 0x0c)
		return PACKET_OTHER;
	if (!take_tag(l, l->in.data[0] & 0x20 ? 16 : 8, &type))
		return layer_short(l);
	return ethertype_parse(type, l, out);
}

/* Cisco's security group tag: version 1, number of options of four bytes, then the EtherType. */
static enum packet_kind parse_cisco_metadata(struct layer *l, struct packet *out)
{
	const uint8_t *p = layer_take(l, 2);
	uint16_t type;

	if (!p)
		return layer_short(l);
	if (p[0] != 1)
		return PACKET_OTHER;
	if (!take_tag(l, (size_t)p[1] * 4 + 2, &type))
		return layer_short(l);
	return ethertype_parse(type, l, out);
}

/* RFC 8300 section 2.2. */
static enum packet_kind parse_nsh(struct layer *l, struct packet *out)
{
	uint8_t next;
	size_t len;

	if (l->in.len < 4)
		return layer_short(l);
	len = (size_t)(l->in.data[1] & 0x3f) * 4;
	next = l->in.data[3];
	if (len < 8)
		return PACKET_MALFORMED;
	if (!layer_take(l, len))
		return layer_short(l);
	switch (next) {
	case 1:
	case 2:
		return packet_ip(l, out);
	case 3:
		return ethertype_ethernet(l, out);
	case 4:
		return ethertype_parse(ETHERTYPE_NSH, l, out);
	case 5:
		return ethertype_parse(ETHERTYPE_MPLS, l, out);
	default:
		return PACKET_OTHER;
	}
}

/* RFC 6325 section 3: a fixed header, options counted in words, then Ethernet. */
static enum packet_kind parse_trill(struct layer *l, struct packet *out)
{
	const uint8_t *p = layer_take(l, 6);

	if (!p || !layer_take(l, (size_t)((layer_u16(p) >> 6) & 0x1f) * 4))
		return layer_short(l);
	return ethertype_ethernet(l, out);
}

/* Skips `len` bytes, then tries Ethernet. */
static enum packet_kind try_ethernet(const struct layer *l, size_t len, struct packet *out)
{
	struct layer inner = *l;

	if (!layer_take(&inner, len))
		return layer_short(&inner);
	return ethertype_ethernet(&inner, out);
}

/*
 * The label stack does not say what it carries. IP is told by its first nibble; an Ethernet
 * pseudowire begins with a control word (RFC 4385: first nibble 0) or with an address.
 */
static enum packet_kind parse_mpls(struct layer *l, struct packet *out)
{
	enum packet_kind kind = PACKET_MALFORMED;
	const uint8_t *label;
	struct layer inner;
	unsigned int nibble, num = 0;

	do {
		label = layer_take(l, 4);
		if (!label)
			return layer_short(l);
		if (++num > MPLS_LABELS_MAX)
			return PACKET_MALFORMED;
	} while (!(label[2] & 1));
	if (l->in.len == 0)
		return layer_short(l);
	nibble = l->in.data[0] >> 4;
	l->budget = l->budget > MPLS_COST ? l->budget - MPLS_COST : 0;
	inner = *l;
	if (nibble == 4 || nibble == 6)
		kind = packet_ip(&inner, out);
	else if (nibble == 0)
		kind = try_ethernet(l, 4, out);
	else if (nibble == 1)           /* an associated channel: RFC 5586 */
		return PACKET_OTHER;
	if (layer_is_packet(kind) || kind == PACKET_CUT)
		return kind;
	return try_ethernet(l, 0, out);
}

/* An EtherType whose header leads to another EtherType: how long it is; 0 for all others. */
static size_t tag_len(uint16_t type)
{
	switch (type) {
	case ETHERTYPE_VLAN:
	case ETHERTYPE_QINQ:
	case ETHERTYPE_QINQ_OLD1:
	case ETHERTYPE_QINQ_OLD2:
	case ETHERTYPE_QINQ_OLD3:
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

/* IEEE 802.1X-2020 section 11.3: version, type, length, body. */
static enum packet_kind parse_eapol(struct layer *l, struct packet *out)
{
	static const uint8_t pae_group[MAC_LEN] = { 0x01, 0x80, 0xc2, [5] = 0x03 };
	const uint8_t *p = l->in.data;
	size_t len;

	if (l->in.len < EAPOL_HEADER)
		return layer_short(l);
	len = EAPOL_HEADER + (size_t)layer_u16(p + 2);
	if (!l->mac_src || p[0] == 0 || p[0] > EAPOL_VERSION_MAX || p[1] > EAPOL_TYPE_MAX)
		return PACKET_OTHER;
	if (len > l->in.len + l->cut)
		return PACKET_MALFORMED;
	layer_resize(l, len);
	*out = (struct packet){
		.src = ip_address_of_mac(l->mac_src),
		.dst = ip_address_of_mac(l->mac_dst ? l->mac_dst : pae_group),
		.payload = l->in, .payload_cut = (uint32_t)l->cut,
	};
	return PACKET_EAPOL;
}

static enum packet_kind parse_carrier(uint16_t type, struct layer *l, struct packet *out)
{
	switch (type) {
	case ETHERTYPE_MPLS:
	case ETHERTYPE_MPLS_MULTICAST:
		return parse_mpls(l, out);
	case ETHERTYPE_PPPOE:
		return ethertype_pppoe(l, out);
	case ETHERTYPE_PPP:
		return ethertype_ppp(l, out);
	case ETHERTYPE_LLC:
		return ethertype_llc(l, out);
	case ETHERTYPE_MACSEC:
		return parse_macsec(l, out);
	case ETHERTYPE_CISCO_METADATA:
		return parse_cisco_metadata(l, out);
	case ETHERTYPE_PBB:
		return layer_take(l, 4) ? ethertype_ethernet(l, out) : layer_short(l);
	case ETHERTYPE_NSH:
		return parse_nsh(l, out);
	case ETHERTYPE_TRILL:
		return parse_trill(l, out);
	case ETHERTYPE_BRIDGED:
		return ethertype_ethernet(l, out);
	case ETHERTYPE_EAPOL:
		return parse_eapol(l, out);
	default:
		return PACKET_OTHER;
	}
}

enum packet_kind ethertype_parse(uint16_t type, struct layer *l, struct packet *out)
{
	size_t len;

	for (;;) {
		if (type == ETHERTYPE_IPV4 || type == ETHERTYPE_IPV6)
			return packet_ip(l, out);
		if (l->budget == 0)
			return PACKET_MALFORMED;
		l->budget--;
		if (type < ETHERTYPE_MIN)
			return ethertype_llc(l, out);
		len = tag_len(type);
		if (len == 0)
			return parse_carrier(type, l, out);
		if (!take_tag(l, len, &type))
			return layer_short(l);
	}
}

/* Cisco ISL stands in a frame to a fixed group address, 26 bytes before the real frame. */
static bool is_isl(const uint8_t *p)
{
	return (p[0] == 0x01 || p[0] == 0x03) && p[1] == 0x00 && p[2] == 0x0c && p[3] == 0x00 &&
	       p[4] == 0x00;
}

enum packet_kind ethertype_ethernet(struct layer *l, struct packet *out)
{
	const uint8_t *p = l->in.data;
	uint16_t type;

	if (l->in.len < ETHERNET_HEADER)
		return layer_short(l);
	type = layer_u16(p + 12);
	if (type < ETHERTYPE_MIN && is_isl(p) && l->budget) {
		l->budget--;
		return layer_take(l, 26) ? ethertype_ethernet(l, out) : layer_short(l);
	}
	l->mac_dst = p;
	l->mac_src = p + MAC_LEN;
	l->in.data += ETHERNET_HEADER;
	l->in.len -= ETHERNET_HEADER;
	return ethertype_parse(type, l, out);
}

/* IEEE 802.2: two access points and a control byte (unnumbered information); SNAP: RFC 1042. */
enum packet_kind ethertype_llc(struct layer *l, struct packet *out)
{
	const uint8_t *p = layer_take(l, 3);
	uint32_t oui;

	if (!p)
		return layer_short(l);
	if (p[2] != 0x03)
		return PACKET_OTHER;
	if (p[0] == 0x06 && p[1] == 0x06)
		return packet_ip(l, out);
	if (p[0] != 0xaa || p[1] != 0xaa)
		return PACKET_OTHER;
	p = layer_take(l, 5);
	if (!p)
		return layer_short(l);
	oui = layer_u32(p) >> 8;
	/* 00-00-f8: EtherTypes bridged over 802.11 (IEEE 802.1H) */
	if ((oui != 0 && oui != 0xf8) || layer_u16(p + 3) < ETHERTYPE_MIN)
		return PACKET_OTHER;
	return ethertype_parse(layer_u16(p + 3), l, out);
}

/* RFC 1661 section 2, RFC 1662 section 3.1; both compressions of section 3.2 are understood. */
enum packet_kind ethertype_ppp(struct layer *l, struct packet *out)
{
	const uint8_t *p;
	uint16_t protocol;

	if (l->in.len >= 1 && l->in.data[0] == 0xff) {  /* never a protocol: address and control */
		p = layer_take(l, 2);
		if (!p)
			return layer_short(l);
		if (p[1] != 0x03)
			return PACKET_OTHER;
	}
	if (l->in.len >= 1 && l->in.data[0] & 1) {
		p = layer_take(l, 1);
		protocol = p[0];
	} else {
		p = layer_take(l, 2);
		if (!p)
			return layer_short(l);
		protocol = layer_u16(p);
	}
	switch (protocol) {
	case 0x0021:
	case 0x0057:
		return packet_ip(l, out);
	case 0x0281:
		return ethertype_parse(ETHERTYPE_MPLS, l, out);
	case 0x0283:
		return ethertype_parse(ETHERTYPE_MPLS_MULTICAST, l, out);
	default:
		return PACKET_OTHER;
	}
}

/* RFC 2516 section 4: version and type 1, code 0 for a session, then PPP. */
enum packet_kind ethertype_pppoe(struct layer *l, struct packet *out)
{
	const uint8_t *p = layer_take(l, 6);

	if (!p)
		return layer_short(l);
	if (p[0] != 0x11)
		return PACKET_MALFORMED;
	if (p[1] != 0)
		return PACKET_OTHER;
	return ethertype_ppp(l, out);
}

enum packet_kind packet_parse_ethertype(uint16_t ethertype, struct bytes frame, size_t wire_len,
					struct packet *out)
{
	struct layer l = layer_of(frame, wire_len);

	return ethertype_parse(ethertype, &l, out);
}
