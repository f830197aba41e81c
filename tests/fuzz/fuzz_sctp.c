/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Input: packets, each behind its length (16 bits), the highest bit the side. Chunks must lie
 * within their packet, and what is put together from them within bounds.
 */
#include "parsers/carrier.h"
#include "parsers/sctp.h"

#include <stdlib.h>

#define MEMORY_MAX (1u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
	if (!ok)
		abort();
}

static bool within(struct bytes inner, struct bytes outer)
{
	return inner.len == 0 || (inner.data >= outer.data &&
				  inner.data + inner.len <= outer.data + outer.len);
}

static void walk(struct bytes packet)
{
	struct sctp_packet p;
	struct sctp_chunk chunk;
	struct sctp_data data_chunk;
	size_t before;
	uint32_t tsn;

	if (!sctp_parse(packet, &p))
		return;
	for (before = p.chunks.len; sctp_chunk_next(&p.chunks, &chunk); before = p.chunks.len) {
		check(p.chunks.len < before && within(chunk.value, packet));
		if (sctp_data_parse(&chunk, &data_chunk))
			check(within(data_chunk.bytes, chunk.value));
		check(!sctp_initial_tsn(&chunk, &tsn) || !sctp_forward_tsn(&chunk, &tsn));
	}
}

static void feed(struct carrier *c, struct budget *memory, unsigned int side, struct bytes packet)
{
	struct carrier_piece p;

	carrier_feed(c, side, packet);
	while (carrier_next(c, memory, &p) == PARSE_OK)
		check(p.side == side && p.bytes.len > 0 && p.bytes.len <= 65536 + 1);
	check(memory->used <= MEMORY_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct budget memory = { .max = MEMORY_MAX };
	struct bytes in = bytes_of(data, size), packet;
	const struct carrier_ops *ops;
	struct carrier *c = NULL;
	uint16_t len;

	while (bytes_u16(&in, &len)) {
		if (!bytes_take(&in, (len & 0x7fffu) < in.len ? len & 0x7fffu : in.len, &packet))
			break;
		walk(packet);
		if (!c && carrier_recognise(CARRIER_OVER_SCTP, packet, &ops) == PARSE_OK)
			c = carrier_new(ops, &memory);
		if (c)
			feed(c, &memory, len >> 15, packet);
	}
	carrier_free(c, &memory);
	check(memory.used == 0);
	return 0;
}
