/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Input: link type (two bytes), bytes that the capture cut off (one byte), the frame. Whatever
 * comes out must lie within the frame.
 */
#include "parsers/packet.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(struct bytes frame, enum packet_kind kind, const struct packet *packet)
{
	if (kind > PACKET_EAPOL || packet->payload.len == 0)
		return;
	if (packet->payload.data < frame.data ||
	    packet->payload.data + packet->payload.len > frame.data + frame.len)
		abort();
	if (kind == PACKET_EAPOL) {
		if (!ip_address_is_mac(&packet->src) || !ip_address_is_mac(&packet->dst))
			abort();
		return;
	}
	if (packet->ip_version != 4 && packet->ip_version != 6)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes frame = bytes_of(data, size);
	struct packet packet;
	enum packet_kind kind;
	uint16_t link;
	uint8_t cut;

	if (!bytes_u16(&frame, &link) || !bytes_u8(&frame, &cut))
		return 0;
	kind = packet_parse(link, frame, frame.len + cut, &packet);
	if ((kind == PACKET_UNKNOWN_LINK) == packet_link_known(link) && link != 192)
		abort();        /* PPI (192) may lead to a link type that is not known */
	check(frame, kind, &packet);
	if (kind == PACKET_FRAGMENT) {
		struct bytes payload = packet.payload;

		kind = packet_parse_transport(payload, payload.len, &packet);
		if (kind == PACKET_FRAGMENT)
			abort();
		check(payload, kind, &packet);
	}
	check(frame, packet_parse_ethertype(link, frame, frame.len + cut, &packet), &packet);
	return 0;
}
