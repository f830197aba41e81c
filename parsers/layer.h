/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between the files that take a frame apart: packet.c (IP and transport), ethertype.c (what an
 * Ethernet payload, LLC or PPP carries), wifi.c (802.11) and link.c (all other link layers).
 * Everybody else includes packet.h.
 */
#ifndef CERTTAP_LAYER_H
#define CERTTAP_LAYER_H

#include "parsers/packet.h"

/* Headers below IP that one frame may stack: VLAN tags, MPLS, inner Ethernets, PPI ... */
#define LAYER_BUDGET 24

/* What is left of a frame once the outer headers are off. */
struct layer {
	struct bytes in;
	size_t cut;           /* bytes that came after `in` on the wire and were not captured */
	unsigned int budget;  /* headers below IP that may still be opened */
	const uint8_t *mac_src, *mac_dst;  /* of the innermost link layer; NULL: not told */
};

static inline struct layer layer_of(struct bytes frame, size_t wire_len)
{
	return (struct layer){
		.in = frame,
		.cut = wire_len > frame.len ? wire_len - frame.len : 0,
		.budget = LAYER_BUDGET,
	};
}

static inline uint16_t layer_u16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t layer_u32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline uint16_t layer_u16_le(const uint8_t *p)
{
	return (uint16_t)(p[1] << 8 | p[0]);
}

static inline uint32_t layer_u32_le(const uint8_t *p)
{
	return (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}

/* The layer ends inside a header: was it the capture, or was the frame never longer? */
static inline enum packet_kind layer_short(const struct layer *l)
{
	return l->cut ? PACKET_CUT : PACKET_MALFORMED;
}

/* Takes the header of `len` bytes off; NULL, and nothing taken, if it is not all there. */
static inline const uint8_t *layer_take(struct layer *l, size_t len)
{
	const uint8_t *header = l->in.data;

	return bytes_skip(&l->in, len) ? header : NULL;
}

/* An inner length field says that `len` bytes are left, captured or not; the rest is padding. */
static inline void layer_resize(struct layer *l, size_t len)
{
	if (l->in.len > len)
		l->in.len = len;
	l->cut = len - l->in.len;
}

/* Was something found that goes on to flows, fragments or tunnels? */
static inline bool layer_is_packet(enum packet_kind kind)
{
	return kind <= PACKET_EAPOL;
}

/* One parser of a layer: consumes *l, fills *out as packet_parse() does. */
typedef enum packet_kind layer_parser(struct layer *l, struct packet *out);

layer_parser packet_ip;               /* IPv4 or IPv6, by the first nibble */
layer_parser ethertype_ethernet;      /* addresses, then type or length */
layer_parser ethertype_llc;           /* IEEE 802.2, SNAP */
layer_parser ethertype_ppp;           /* with or without address, control, full protocol field */
layer_parser ethertype_pppoe;         /* a session's frame, from its version on */
layer_parser wifi_frame;              /* 802.11 */
layer_parser wifi_radiotap, wifi_ppi, wifi_prism, wifi_avs; /* a radio's report, then 802.11 */

enum packet_kind ethertype_parse(uint16_t type, struct layer *l, struct packet *out);

/* The link layer `link`; PPI nests any of them. */
enum packet_kind link_parse(int link, struct layer *l, struct packet *out);

#endif
