/* SPDX-License-Identifier: Apache-2.0 */
/*
 * IEEE 802.11 data frames, and the reports that radios put before them. Only what went over the
 * air in clear can be read; of an aggregate (A-MSDU) the first frame is.
 */
#include "parsers/layer.h"

#define FRAME_PROTECTED 0x40
#define FRAME_TO_DS 0x01
#define FRAME_FROM_DS 0x02
#define FRAME_ORDER 0x80             /* with QoS: a further control field */
#define SUBTYPE_NO_DATA 0x40
#define ADDRESS_1 4
#define ADDRESS_2 10
#define ADDRESS_3 16
#define ADDRESS_4 24                 /* only where both bits are set */
#define SUBTYPE_QOS 0x80
#define QOS_AGGREGATE 0x80
#define RADIOTAP_TSFT 0x01
#define RADIOTAP_FLAGS 0x02
#define RADIOTAP_MORE 0x80000000u
#define FLAG_DATA_PAD 0x20
#define FLAG_BAD_FCS 0x40

/* Which of the addresses are the ends' (IEEE 802.11-2020 table 9-30). */
static void set_macs(struct layer *l, const uint8_t *header)
{
	bool to = header[1] & FRAME_TO_DS, from = header[1] & FRAME_FROM_DS;

	l->mac_dst = header + (to ? ADDRESS_3 : ADDRESS_1);
	l->mac_src = header + (!from ? ADDRESS_2 : to ? ADDRESS_4 : ADDRESS_3);
}

/* IEEE 802.11-2020 section 9.3.2.1. `padded`: the driver aligned the body to four bytes. */
static enum packet_kind parse_data(struct layer *l, bool padded, struct packet *out)
{
	const uint8_t *p = l->in.data;
	size_t header = 24;
	bool aggregate = false;

	if (l->in.len < 2)
		return layer_short(l);
	/* type 2 is data; version 0 */
	if ((p[0] & 0x0f) != 0x08 || p[0] & SUBTYPE_NO_DATA || p[1] & FRAME_PROTECTED)
		return PACKET_OTHER;
	if ((p[1] & FRAME_TO_DS) && (p[1] & FRAME_FROM_DS))
		header += 6;
	if (p[0] & SUBTYPE_QOS) {
		if (l->in.len < header + 2)
			return layer_short(l);
		aggregate = p[header] & QOS_AGGREGATE;
		header += p[1] & FRAME_ORDER ? 6 : 2;
	}
	if (padded)
		header = (header + 3) & ~(size_t)3;
	if (!layer_take(l, header))
		return layer_short(l);
	if (p[22] & 0x0f)               /* a later fragment of a frame */
		return PACKET_OTHER;
	set_macs(l, p);
	if (aggregate) {
		p = layer_take(l, 14);
		if (!p)
			return layer_short(l);
		l->mac_dst = p;
		l->mac_src = p + MAC_LEN;
	}
	return ethertype_llc(l, out);
}

enum packet_kind wifi_frame(struct layer *l, struct packet *out)
{
	return parse_data(l, false, out);
}

/* The flags field of a radiotap header (radiotap.org): bit 1, after the 64-bit time of bit 0. */
static uint8_t radiotap_flags(struct bytes header)
{
	uint32_t present = layer_u32_le(header.data + 4), word = present;
	size_t at = 8;

	for (; word & RADIOTAP_MORE; at += 4) {
		if (at + 4 > header.len)
			return 0;
		word = layer_u32_le(header.data + at);
	}
	if (present & RADIOTAP_TSFT)
		at = ((at + 7) & ~(size_t)7) + 8;
	return present & RADIOTAP_FLAGS && at < header.len ? header.data[at] : 0;
}

enum packet_kind wifi_radiotap(struct layer *l, struct packet *out)
{
	const uint8_t *p = l->in.data;
	uint8_t flags;
	size_t len;

	if (l->in.len < 8)
		return layer_short(l);
	len = layer_u16_le(p + 2);
	if (p[0] != 0 || len < 8)
		return PACKET_MALFORMED;
	if (!layer_take(l, len))
		return layer_short(l);
	flags = radiotap_flags(bytes_of(p, len));
	if (flags & FLAG_BAD_FCS)       /* damaged on the air: no receiver took it */
		return PACKET_OTHER;
	return parse_data(l, flags & FLAG_DATA_PAD, out);
}

/* Per-Packet Information: version, flags, length, link type, all little-endian. */
enum packet_kind wifi_ppi(struct layer *l, struct packet *out)
{
	const uint8_t *p = l->in.data;
	size_t len;

	if (l->in.len < 8)
		return layer_short(l);
	len = layer_u16_le(p + 2);
	if (p[0] != 0 || len < 8 || l->budget == 0)
		return PACKET_MALFORMED;
	l->budget--;
	if (!layer_take(l, len))
		return layer_short(l);
	return link_parse((int)(layer_u32_le(p + 4) & INT32_MAX), l, out);
}

static bool is_avs(const uint8_t *p)
{
	return layer_u32(p) >> 12 == 0x80211;
}

enum packet_kind wifi_avs(struct layer *l, struct packet *out)
{
	size_t len;

	if (l->in.len < 8)
		return layer_short(l);
	len = layer_u32(l->in.data + 4);
	if (!is_avs(l->in.data) || len < 8)
		return PACKET_MALFORMED;
	return layer_take(l, len) ? wifi_frame(l, out) : layer_short(l);
}

/* Message code and length, in the byte order of the machine; some drivers send AVS instead. */
enum packet_kind wifi_prism(struct layer *l, struct packet *out)
{
	size_t len;

	if (l->in.len < 8)
		return layer_short(l);
	if (is_avs(l->in.data))
		return wifi_avs(l, out);
	len = layer_u32_le(l->in.data + 4);
	if (len > UINT16_MAX)
		len = layer_u32(l->in.data + 4);
	if (len < 8 || len > UINT16_MAX)
		return PACKET_MALFORMED;
	return layer_take(l, len) ? wifi_frame(l, out) : layer_short(l);
}
