/* SPDX-License-Identifier: Apache-2.0 */
/* What carries DTLS: the first byte chooses TURN, a TURN stream, CAPWAP or RDP over UDP. */
#include <stdlib.h>

#include "parsers/capwap.h"
#include "parsers/rdpudp.h"
#include "parsers/turn.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(what)        \
	do {               \
		if (!(what)) \
			abort(); \
	} while (0)

static void check_inside(struct bytes outer, struct bytes inner)
{
	CHECK(inner.len == 0 ||
	      (inner.data >= outer.data && inner.data + inner.len <= outer.data + outer.len));
}

static void check_stream(struct bytes in)
{
	struct bytes whole = in, inner, before;

	turn_tcp_begins(in);
	for (;;) {
		before = in;
		if (turn_tcp_next(&in, &inner) != PARSE_OK)
			break;
		CHECK(in.len < before.len);
		check_inside(whole, inner);
	}
	CHECK(in.len == before.len);
}

static void check_rdpudp(struct bytes in)
{
	struct rdpudp_packet packet;
	struct rdpudp_syn syn;

	if (rdpudp_syn_parse(in, &syn))
		CHECK(!rdpudp_data_parse(in, &packet));
	if (rdpudp_data_parse(in, &packet)) {
		check_inside(in, packet.payload);
		CHECK(packet.payload.len > 0);
	}
	if (rdpudp2_data_parse(in, &packet)) {
		check_inside(in, packet.payload);
		CHECK(packet.payload.len > 0 || packet.has_first);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in = bytes_of(data, size), inner;
	uint8_t which;

	if (!bytes_u8(&in, &which))
		return 0;
	switch (which & 3) {
	case 0:
		if (turn_unwrap(in, &inner)) {
			check_inside(in, inner);
			CHECK(inner.len > 0);
		}
		break;
	case 1:
		check_stream(in);
		break;
	case 2:
		if (capwap_dtls_unwrap(in, &inner))
			CHECK(inner.data == in.data + 4 && inner.len == in.len - 4);
		break;
	default:
		check_rdpudp(in);
		break;
	}
	return 0;
}
