/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Takes one layer of tunnelling off a packet: IPIP, 6in4, GRE, ERSPAN, NVGRE, VXLAN, GENEVE,
 * GTP-U, L2TP, Teredo, TZSP ... One row in a table each. Pure; recognised by protocol number or
 * well-known port *and* by content, so that an ordinary datagram is never mistaken for a tunnel:
 * where IP or Ethernet is to follow, there must be an IP header that fits into the packet.
 */
#ifndef CERTTAP_TUNNEL_H
#define CERTTAP_TUNNEL_H

#include "parsers/packet.h"

/* Where the tunnel's content goes next. */
enum tunnel_inner {
	TUNNEL_NONE,      /* not a tunnel */
	TUNNEL_IP,        /* packet_parse_ip() */
	TUNNEL_LINK,      /* packet_parse(link) */
	TUNNEL_ETHERTYPE, /* packet_parse_ethertype(ethertype) */
};

struct tunnel {
	enum tunnel_inner inner;
	const char *name;      /* static: "vxlan", "gre" ... */
	int link;              /* for TUNNEL_LINK */
	uint16_t ethertype;    /* for TUNNEL_ETHERTYPE */
	struct bytes frame;    /* borrows from the packet's payload */
	size_t wire_len;       /* frame.len + what the capture cut off */
};

/*
 * Looks at a PACKET_UDP or PACKET_IP_OTHER packet. Returns true and fills `out` if its payload is
 * a tunnel's; `nth` counts from 0 the candidates tried for the same packet: call again with
 * nth + 1 while it returns true and the inner frame did not parse. (The candidates are few: the
 * table has a fixed number of rows.)
 */
bool tunnel_open(const struct packet *packet, unsigned int nth, struct tunnel *out);

#endif
