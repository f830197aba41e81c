/* SPDX-License-Identifier: Apache-2.0 */
#include "parsers/sctp.h"

#define CHUNK_HEADER_LEN 4
#define FLAG_ENDS 0x01
#define FLAG_BEGINS 0x02

bool sctp_parse(struct bytes in, struct sctp_packet *out)
{
	struct sctp_packet p;
	uint32_t checksum;

	if (!bytes_u16(&in, &p.sport) || !bytes_u16(&in, &p.dport) || p.sport == 0 ||
	    p.dport == 0 || !bytes_u32(&in, &p.tag) || !bytes_u32(&in, &checksum))
		return false;
	p.chunks = in;
	*out = p;
	return true;
}

bool sctp_chunk_next(struct bytes *chunks, struct sctp_chunk *out)
{
	struct bytes rest = *chunks;
	struct sctp_chunk c = { 0 };
	uint16_t len;
	size_t padding;

	if (!bytes_u8(&rest, &c.type) || !bytes_u8(&rest, &c.flags) || !bytes_u16(&rest, &len) ||
	    len < CHUNK_HEADER_LEN)
		return false;
	len -= CHUNK_HEADER_LEN;
	c.cut = len > rest.len;
	if (!bytes_take(&rest, c.cut ? rest.len : len, &c.value))
		return false;
	padding = -len & 3u;
	if (!bytes_skip(&rest, padding < rest.len ? padding : rest.len))
		return false;
	*chunks = rest;
	*out = c;
	return true;
}

bool sctp_data_parse(const struct sctp_chunk *chunk, struct sctp_data *out)
{
	struct bytes in = chunk->value;
	struct sctp_data d = { 0 };
	size_t rest_len;

	if (chunk->type != SCTP_DATA && chunk->type != SCTP_I_DATA)
		return false;
	/*
	 * DATA: stream sequence number, protocol; I-DATA: reserved, message number, protocol or
	 * fragment number.
	 */
	rest_len = chunk->type == SCTP_DATA ? 2 + 4 : 2 + 4 + 4;
	if (!bytes_u32(&in, &d.tsn) || !bytes_u16(&in, &d.stream) || !bytes_skip(&in, rest_len))
		return false;
	d.begins = chunk->flags & FLAG_BEGINS;
	d.ends = chunk->flags & FLAG_ENDS;
	d.bytes = in;
	*out = d;
	return true;
}

bool sctp_initial_tsn(const struct sctp_chunk *chunk, uint32_t *tsn)
{
	struct bytes in = chunk->value;

	/* Before it: tag, window, numbers of streams. */
	return (chunk->type == SCTP_INIT || chunk->type == SCTP_INIT_ACK) &&
	       bytes_skip(&in, 4 + 4 + 2 + 2) && bytes_u32(&in, tsn);
}

bool sctp_forward_tsn(const struct sctp_chunk *chunk, uint32_t *tsn)
{
	struct bytes in = chunk->value;

	return (chunk->type == SCTP_FORWARD_TSN || chunk->type == SCTP_I_FORWARD_TSN) &&
	       bytes_u32(&in, tsn);
}
