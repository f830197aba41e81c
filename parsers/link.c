/* SPDX-License-Identifier: Apache-2.0 */
/* Link layers by number (tcpdump.org/linktypes.html): one row each in the table at the end. */
#include "parsers/layer.h"

#define PFLOG_HEADER_MIN 8
#define NFLOG_PAYLOAD 9              /* linux/netfilter/nfnetlink_log.h: NFULA_PAYLOAD */
#define NFLOG_ATTRIBUTES_MAX 64
#define JUNIPER_NO_L2 0x02
#define JUNIPER_EXTENDED 0x80

static enum packet_kind skip_then(size_t len, layer_parser *next, struct layer *l,
				  struct packet *out)
{
	return layer_take(l, len) ? next(l, out) : layer_short(l);
}

/* AF_INET is 2 everywhere; AF_INET6 is 10 on Linux, 23 Windows, 24, 28 and 30 on BSDs and macOS. */
static bool is_ip_family(uint32_t family)
{
	return family == 2 || family == 10 || family == 23 || family == 24 || family == 28 ||
	       family == 30;
}

/* The address family in the byte order of the machine that captured, then the packet. */
static enum packet_kind parse_null(struct layer *l, struct packet *out)
{
	const uint8_t *p = layer_take(l, 4);

	if (!p)
		return layer_short(l);
	if (!is_ip_family(layer_u32(p)) && !is_ip_family(layer_u32_le(p)))
		return PACKET_OTHER;
	return packet_ip(l, out);
}

static enum packet_kind parse_cooked(uint16_t arphrd, uint16_t protocol, struct layer *l,
				     struct packet *out)
{
	switch (arphrd) {
	case 801:
		return wifi_frame(l, out);
	case 803:
		return wifi_radiotap(l, out);
	case 824:               /* netlink: `protocol` is a netlink family */
		return PACKET_OTHER;
	}
	if (protocol == 0x0004)
		return ethertype_llc(l, out);
	return protocol < 0x0600 ? PACKET_OTHER : ethertype_parse(protocol, l, out);
}

static enum packet_kind parse_linux_v1(struct layer *l, struct packet *out)
{
	const uint8_t *p = layer_take(l, 16);

	if (!p)
		return layer_short(l);
	if (layer_u16(p + 4) == MAC_LEN)
		l->mac_src = p + 6;
	return parse_cooked(layer_u16(p + 2), layer_u16(p + 14), l, out);
}

static enum packet_kind parse_linux_v2(struct layer *l, struct packet *out)
{
	const uint8_t *p = layer_take(l, 20);

	if (!p)
		return layer_short(l);
	if (p[11] == MAC_LEN)
		l->mac_src = p + 12;
	return parse_cooked(layer_u16(p + 8), layer_u16(p), l, out);
}

static enum packet_kind parse_cisco_hdlc(struct layer *l, struct packet *out)
{
	const uint8_t *p = layer_take(l, 4);

	if (!p)
		return layer_short(l);
	return layer_u16(p + 2) < 0x0600 ? PACKET_OTHER : ethertype_parse(layer_u16(p + 2), l, out);
}

/* PPP, or the Cisco framing with which it shares serial lines (unicast 0f, broadcast 8f). */
static enum packet_kind parse_ppp_serial(struct layer *l, struct packet *out)
{
	if (l->in.len && (l->in.data[0] == 0x0f || l->in.data[0] == 0x8f))
		return parse_cisco_hdlc(l, out);
	return ethertype_ppp(l, out);
}

/* pppd: the address byte is replaced by the direction, the control byte stays. */
static enum packet_kind parse_pppd(struct layer *l, struct packet *out)
{
	const uint8_t *p = layer_take(l, 1);

	if (!p)
		return layer_short(l);
	if (l->in.len && l->in.data[0] == 0x03)
		return skip_then(1, ethertype_ppp, l, out);
	return ethertype_ppp(l, out);
}

static enum packet_kind parse_ppp_direction(struct layer *l, struct packet *out)
{
	return skip_then(1, ethertype_ppp, l, out);
}

/* The SNAP header behind NLPID 0x80: an EtherType, or a bridged Ethernet frame. */
static enum packet_kind parse_frame_relay_snap(struct layer *l, struct packet *out)
{
	const uint8_t *p = layer_take(l, 5);
	uint16_t type;

	if (!p)
		return layer_short(l);
	type = layer_u16(p + 3);
	switch (layer_u32(p) >> 8) {
	case 0x000000:
		return type < 0x0600 ? PACKET_OTHER : ethertype_parse(type, l, out);
	case 0x0080c2:
		return type == 1 || type == 7 ? ethertype_ethernet(l, out) : PACKET_OTHER;
	default:
		return PACKET_OTHER;
	}
}

/* Q.922: the low bit ends an address of 2 to 4 bytes. */
static const uint8_t *take_q922(struct layer *l, unsigned int *num)
{
	const uint8_t *p;

	for (*num = 0;;) {
		p = layer_take(l, 1);
		++*num;
		if (!p || *p & 1 || *num == 4)
			return p;
	}
}

/* RFC 2427, or the Cisco encapsulation: an EtherType right after the address. */
static enum packet_kind parse_frame_relay(struct layer *l, struct packet *out)
{
	unsigned int address_len;
	const uint8_t *p = take_q922(l, &address_len);
	uint8_t protocol;

	if (!p)
		return layer_short(l);
	if (address_len < 2 || !(*p & 1))
		return PACKET_MALFORMED;
	p = layer_take(l, 2);
	if (!p)
		return layer_short(l);
	if (p[0] != 0x03)
		return layer_u16(p) < 0x0600 ? PACKET_OTHER : ethertype_parse(layer_u16(p), l, out);
	protocol = p[1];
	if (protocol == 0x00) {         /* padding before the protocol identifier */
		p = layer_take(l, 1);
		if (!p)
			return layer_short(l);
		protocol = *p;
	}
	switch (protocol) {
	case 0x80:
		return parse_frame_relay_snap(l, out);
	case 0x8e:
	case 0xcc:
		return packet_ip(l, out);
	case 0xcf:
		return ethertype_ppp(l, out);
	default:
		return PACKET_OTHER;
	}
}

/* IEEE 802.5: a source address with the top bit set is followed by routing information. */
static enum packet_kind parse_token_ring(struct layer *l, struct packet *out)
{
	const uint8_t *p = layer_take(l, 14);
	size_t routing;

	if (!p)
		return layer_short(l);
	if ((p[1] & 0xc0) != 0x40)
		return PACKET_OTHER;
	if (p[8] & 0x80) {
		if (l->in.len == 0)
			return layer_short(l);
		routing = l->in.data[0] & 0x1f;
		if (routing < 2)
			return PACKET_MALFORMED;
		if (!layer_take(l, routing))
			return layer_short(l);
	}
	return ethertype_llc(l, out);
}

static enum packet_kind parse_fddi(struct layer *l, struct packet *out)
{
	const uint8_t *p = layer_take(l, 13);

	if (!p)
		return layer_short(l);
	return (p[0] & 0x70) == 0x50 ? ethertype_llc(l, out) : PACKET_OTHER;
}

/* The first byte is the header's length without the padding to four bytes. */
static enum packet_kind parse_pflog(struct layer *l, struct packet *out)
{
	size_t len;

	if (l->in.len < 2)
		return layer_short(l);
	len = ((size_t)l->in.data[0] + 3) & ~(size_t)3;
	if (len < PFLOG_HEADER_MIN)
		return PACKET_MALFORMED;
	if (!is_ip_family(l->in.data[1]))
		return PACKET_OTHER;
	return skip_then(len, packet_ip, l, out);
}

/* Attributes in the byte order of the machine; types are small, which tells the order. */
static enum packet_kind parse_nflog(struct layer *l, struct packet *out)
{
	const uint8_t *p = layer_take(l, 4);
	size_t len, type;

	if (!p)
		return layer_short(l);
	if (p[1] != 0)
		return PACKET_OTHER;
	for (unsigned int n = 0; n < NFLOG_ATTRIBUTES_MAX; n++) {
		p = layer_take(l, 4);
		if (!p)
			return layer_short(l);
		type = p[3] == 0 ? layer_u16_le(p + 2) : layer_u16(p + 2);
		len = p[3] == 0 ? layer_u16_le(p) : layer_u16(p);
		if (len < 4)
			return PACKET_MALFORMED;
		if (type == NFLOG_PAYLOAD)
			return packet_ip(l, out);
		if (!layer_take(l, ((len + 3) & ~(size_t)3) - 4))
			return layer_short(l);
	}
	return PACKET_OTHER;
}

/* Data-over-cable (DOCSIS MAC): frame control, parameter, length, extended header, checksum. */
static enum packet_kind parse_docsis(struct layer *l, struct packet *out)
{
	const uint8_t *p = layer_take(l, 4);

	if (!p)
		return layer_short(l);
	if (p[0] & 0xfe)        /* not a packet: MAC management, ATM, isolation ... */
		return PACKET_OTHER;
	return skip_then((p[0] & 1 ? p[1] : 0u) + 2u, ethertype_ethernet, l, out);
}

/* "MGC", flags, extensions; then the named layer, or an address family and IP. */
static enum packet_kind parse_juniper(layer_parser *next, struct layer *l, struct packet *out)
{
	const uint8_t *p = layer_take(l, 4), *len;

	if (!p)
		return layer_short(l);
	if (layer_u32(p) >> 8 != 0x4d4743)
		return PACKET_MALFORMED;
	if (p[3] & JUNIPER_EXTENDED) {
		len = layer_take(l, 2);
		if (!len || !layer_take(l, layer_u16(len)))
			return layer_short(l);
	}
	return p[3] & JUNIPER_NO_L2 ? skip_then(4, packet_ip, l, out) : next(l, out);
}

static enum packet_kind parse_juniper_ethernet(struct layer *l, struct packet *out)
{
	return parse_juniper(ethertype_ethernet, l, out);
}

static enum packet_kind parse_juniper_ppp(struct layer *l, struct packet *out)
{
	return parse_juniper(ethertype_ppp, l, out);
}

static enum packet_kind parse_juniper_frame_relay(struct layer *l, struct packet *out)
{
	return parse_juniper(parse_frame_relay, l, out);
}

static enum packet_kind parse_juniper_cisco_hdlc(struct layer *l, struct packet *out)
{
	return parse_juniper(parse_cisco_hdlc, l, out);
}

/* IP over IEEE 1394: two addresses of eight bytes, then an EtherType. */
static enum packet_kind parse_firewire(struct layer *l, struct packet *out)
{
	const uint8_t *p = layer_take(l, 18);

	return p ? ethertype_parse(layer_u16(p + 16), l, out) : layer_short(l);
}

/* IP over InfiniBand (RFC 4391): global route header, EtherType, two reserved bytes. */
static enum packet_kind parse_infiniband(struct layer *l, struct packet *out)
{
	const uint8_t *p = layer_take(l, 44);

	return p ? ethertype_parse(layer_u16(p + 40), l, out) : layer_short(l);
}

/* IP over Fibre Channel (RFC 2625): network header of 16 bytes, then LLC. */
static enum packet_kind parse_fibre_channel(struct layer *l, struct packet *out)
{
	return skip_then(16, ethertype_llc, l, out);
}

/* OpenBSD's IPsec interface: family, SPI, flags; then the decrypted packet. */
static enum packet_kind parse_enc(struct layer *l, struct packet *out)
{
	return skip_then(12, packet_ip, l, out);
}

/* Network analyser hardware: four bytes of status before the Ethernet frame. */
static enum packet_kind parse_netanalyzer(struct layer *l, struct packet *out)
{
	return skip_then(4, ethertype_ethernet, l, out);
}

static const struct link_type {
	int link;
	layer_parser *parse;
} link_types[] = {
	{ 1, ethertype_ethernet },  /* first: nearly all frames */
	{ 101, packet_ip },         /* raw IP, then what systems call it among themselves */
	{ 12, packet_ip },
	{ 14, packet_ip },
	{ 228, packet_ip },         /* IPv4 only, IPv6 only */
	{ 229, packet_ip },
	{ 0, parse_null },
	{ 108, parse_null },        /* OpenBSD's, always in network order */
	{ 113, parse_linux_v1 },
	{ 276, parse_linux_v2 },
	{ 6, parse_token_ring },
	{ 9, ethertype_ppp },
	{ 10, parse_fddi },
	{ 11, ethertype_llc },      /* ATM with LLC (RFC 2684) */
	{ 50, parse_ppp_serial },
	{ 51, ethertype_pppoe },
	{ 100, ethertype_llc },
	{ 104, parse_cisco_hdlc },
	{ 105, wifi_frame },
	{ 107, parse_frame_relay },
	{ 109, parse_enc },
	{ 117, parse_pflog },
	{ 119, wifi_prism },
	{ 122, parse_fibre_channel },
	{ 127, wifi_radiotap },
	{ 138, parse_firewire },
	{ 143, parse_docsis },
	{ 163, wifi_avs },
	{ 166, parse_pppd },
	{ 178, parse_juniper_ethernet },
	{ 179, parse_juniper_ppp },
	{ 180, parse_juniper_frame_relay },
	{ 181, parse_juniper_cisco_hdlc },
	{ 192, wifi_ppi },
	{ 204, parse_ppp_direction },
	{ 239, parse_nflog },
	{ 240, parse_netanalyzer },
	{ 242, parse_infiniband },
};

static const struct link_type *find_link(int link)
{
	for (size_t i = 0; i < ARRAY_SIZE(link_types); i++) {
		if (link_types[i].link == link)
			return &link_types[i];
	}
	return NULL;
}

bool packet_link_known(int link)
{
	return find_link(link) != NULL;
}

enum packet_kind link_parse(int link, struct layer *l, struct packet *out)
{
	const struct link_type *type = find_link(link);

	return type ? type->parse(l, out) : PACKET_UNKNOWN_LINK;
}

enum packet_kind packet_parse(int link, struct bytes frame, size_t wire_len, struct packet *out)
{
	struct layer l = layer_of(frame, wire_len);

	return link_parse(link, &l, out);
}
