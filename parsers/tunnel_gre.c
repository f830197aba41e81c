/* SPDX-License-Identifier: Apache-2.0 */
/* Generic Routing Encapsulation and what rides on it: NVGRE, ERSPAN, PPTP, WCCP. */
#include "parsers/tunnel_types.h"

#define GRE_CHECKSUM 0x8000
#define GRE_KEY 0x2000
#define GRE_SEQUENCE 0x1000
#define GRE_ACK 0x0080               /* version 1 */
#define GRE_VERSION 0x0007
#define ETHERTYPE_ERSPAN3 0x22eb
#define ETHERTYPE_PPP 0x880b
#define ETHERTYPE_WCCP 0x883e
#define ETHERTYPE_ERSPAN 0x88be
#define LINK_PPP 9

/* Type I has no header (and GRE no sequence number); type II has one of eight bytes. */
static bool open_erspan(struct layer *l, bool has_sequence, struct tunnel *out)
{
	const uint8_t *p;

	out->name = "erspan";
	if (has_sequence) {
		p = layer_take(l, 8);
		if (!p || p[0] >> 4 != 1)
			return false;
	}
	return tunnel_holds_ethernet(l, out);
}

/* Type III: twelve bytes; the last bit announces eight more. Frame type 0 is Ethernet, 2 is IP. */
static bool open_erspan3(struct layer *l, struct tunnel *out)
{
	const uint8_t *p = layer_take(l, 12);

	out->name = "erspan";
	if (!p || p[0] >> 4 != 2 || (p[11] & 1 && !layer_take(l, 8)))
		return false;
	switch ((p[10] >> 2) & 0x1f) {
	case 0:
		return tunnel_holds_ethernet(l, out);
	case 2:
		return tunnel_holds_ip(l, 0, out);
	default:
		return false;
	}
}

/* Web cache redirection: version 2 has four bytes before the packet, version 1 none. */
static bool open_wccp(struct layer *l, struct tunnel *out)
{
	out->name = "wccp";
	return tunnel_holds_ip(l, 4, out) || (layer_take(l, 4) && tunnel_holds_ip(l, 4, out));
}

/* RFC 2637 section 4.1: the key is length and call; only packets with a number carry PPP. */
static bool open_pptp(uint16_t flags, struct layer *l, struct tunnel *out)
{
	const uint8_t *p = layer_take(l, 8);
	uint16_t len;

	out->name = "pptp";
	if (!p || (flags & ~GRE_ACK) != (GRE_KEY | GRE_SEQUENCE | 1))
		return false;
	len = layer_u16(p);
	if ((flags & GRE_ACK && !layer_take(l, 4)) || len > l->in.len + l->cut)
		return false;
	layer_resize(l, len);
	out->inner = TUNNEL_LINK;
	out->link = LINK_PPP;
	return true;
}

/* RFC 2784 and 2890. Source routes (RFC 1701) and all reserved bits are refused. */
bool tunnel_gre(struct layer *l, unsigned int param, struct tunnel *out)
{
	const uint8_t *p = layer_take(l, 4);
	uint16_t flags, type;
	size_t len = 0;

	(void)param;
	if (!p)
		return false;
	flags = layer_u16(p);
	type = layer_u16(p + 2);
	if (type == ETHERTYPE_PPP && (flags & GRE_VERSION) == 1)
		return open_pptp(flags, l, out);
	if (flags & ~(GRE_CHECKSUM | GRE_KEY | GRE_SEQUENCE))
		return false;
	len += flags & GRE_CHECKSUM ? 4 : 0;
	len += flags & GRE_KEY ? 4 : 0;
	len += flags & GRE_SEQUENCE ? 4 : 0;
	if (!layer_take(l, len))
		return false;
	switch (type) {
	case ETHERTYPE_ERSPAN:
		return open_erspan(l, flags & GRE_SEQUENCE, out);
	case ETHERTYPE_ERSPAN3:
		return open_erspan3(l, out);
	case ETHERTYPE_WCCP:
		return open_wccp(l, out);
	default:
		return tunnel_holds_ethertype(l, type, out);
	}
}
