/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Input: any number of fragments, each as control (bit 0: more follow, bit 1: IPv6, bits 2 to 3:
 * seconds passed, times eleven, bit 4: cut), id, protocol (one byte each), offset (two bytes, in
 * eights), length (one byte) and data. Joined datagrams must be whole, and the counts must agree.
 */
#include "parsers/defrag.h"

#include <stdlib.h>

#define MAX_FRAGMENTS 8
#define SECOND 1000000000ull

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool next_fragment(struct bytes *in, struct packet *packet, uint64_t *time_ns)
{
	uint8_t control, id, protocol;
	uint16_t offset;
	struct bytes body;

	if (!bytes_u8(in, &control) || !bytes_u8(in, &id) || !bytes_u8(in, &protocol) ||
	    !bytes_u16(in, &offset) || !bytes_vec8(in, &body))
		return false;
	*time_ns += (uint64_t)(control >> 2 & 3) * 11 * SECOND;
	*packet = (struct packet){
		.ip_version = control & 2 ? 6 : 4,
		.ip_protocol = protocol,
		.payload = body,
		.payload_cut = control >> 4 & 1,
		.fragment = { .id = id, .offset = (offset & 0x1fffu) * 8, .more = control & 1 },
	};
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct defrag *d = defrag_new(MAX_FRAGMENTS);
	struct bytes rest = bytes_of(data, size), joined;
	uint64_t time_ns = 0, num_joined = 0, num_given = 0;
	struct packet packet;
	uint8_t sum = 0;

	if (!d)
		return 0;
	for (; next_fragment(&rest, &packet, &time_ns); num_given++) {
		if (!defrag_add(d, &packet, time_ns, &joined))
			continue;
		num_joined++;
		if (joined.len == 0 || joined.len > DEFRAG_MAX_DATAGRAM)
			abort();
		for (size_t i = 0; i < joined.len; i++)
			sum ^= joined.data[i];
		if (packet_parse_transport(joined, joined.len, &packet) == PACKET_FRAGMENT)
			abort();
	}
	if (defrag_stats(d)->fragments != num_given || defrag_stats(d)->joined != num_joined)
		abort();
	defrag_free(d);
	return sum == 0 && size == SIZE_MAX;    /* the sum keeps the reads above from vanishing */
}
