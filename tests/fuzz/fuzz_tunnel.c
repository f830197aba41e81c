/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Input: IP protocol (one byte), source and destination port (two each), bytes that the capture
 * cut off (one), the payload. Opens what it can, four deep, and all of it must lie within.
 */
#include "parsers/tunnel.h"

#include <stdlib.h>

#define DEPTH_MAX 4
#define CANDIDATES_MAX 32

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool lies_within(struct bytes inner, struct bytes outer)
{
	return inner.len == 0 || (inner.data >= outer.data &&
				  inner.data + inner.len <= outer.data + outer.len);
}

static enum packet_kind parse_inner(const struct tunnel *tunnel, struct packet *out)
{
	switch (tunnel->inner) {
	case TUNNEL_IP:
		return packet_parse_ip(tunnel->frame, tunnel->wire_len, out);
	case TUNNEL_LINK:
		return packet_parse(tunnel->link, tunnel->frame, tunnel->wire_len, out);
	case TUNNEL_ETHERTYPE:
		return packet_parse_ethertype(tunnel->ethertype, tunnel->frame, tunnel->wire_len,
					      out);
	default:
		abort();        /* opened, but to nowhere */
	}
}

/* The first candidate that parses replaces *packet. */
static bool descend(struct packet *packet)
{
	struct tunnel tunnel;
	struct packet inner;
	enum packet_kind kind;

	for (unsigned int nth = 0; tunnel_open(packet, nth, &tunnel); nth++) {
		if (nth == CANDIDATES_MAX || !tunnel.name || tunnel.wire_len < tunnel.frame.len ||
		    !lies_within(tunnel.frame, packet->payload))
			abort();
		kind = parse_inner(&tunnel, &inner);
		if (kind > PACKET_FRAGMENT)
			continue;
		if (!lies_within(inner.payload, packet->payload))
			abort();
		*packet = inner;
		return kind == PACKET_UDP || kind == PACKET_IP_OTHER;
	}
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct packet packet = { .ip_version = 4 };
	struct bytes rest = bytes_of(data, size);
	uint8_t cut;

	if (!bytes_u8(&rest, &packet.ip_protocol) || !bytes_u16(&rest, &packet.sport) ||
	    !bytes_u16(&rest, &packet.dport) || !bytes_u8(&rest, &cut))
		return 0;
	packet.payload = rest;
	packet.payload_cut = cut;
	for (int depth = 0; depth < DEPTH_MAX && descend(&packet); depth++)
		;
	return 0;
}
