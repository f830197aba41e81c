/* SPDX-License-Identifier: Apache-2.0 */
#include "parsers/pcapfile.h"

#define MAGIC_MICROSECONDS 0xa1b2c3d4u
#define MAGIC_NANOSECONDS 0xa1b23c4du
#define VERSION_MAJOR 2
#define VERSION_MINOR 4
#define LINK_MASK 0x03ffffffu        /* above: the length of the frame check sequence */

static uint32_t field(const struct pcapfile *f, const uint8_t *p)
{
	uint32_t value;

	memcpy(&value, p, sizeof(value));
	return f->swapped ? __builtin_bswap32(value) : value;
}

static uint16_t field16(const struct pcapfile *f, const uint8_t *p)
{
	uint16_t value;

	memcpy(&value, p, sizeof(value));
	return f->swapped ? __builtin_bswap16(value) : value;
}

static bool recognise(const uint8_t *p, struct pcapfile *f)
{
	unsigned int order;
	uint32_t magic;

	for (order = 0; order < 2; order++) {
		f->swapped = order;
		magic = field(f, p);
		f->nanoseconds = magic == MAGIC_NANOSECONDS;
		if (magic == MAGIC_MICROSECONDS || magic == MAGIC_NANOSECONDS)
			return true;
	}
	return false;
}

bool pcapfile_header(struct bytes head, struct pcapfile *out)
{
	const uint8_t *p = head.data;
	struct pcapfile f = { 0 };

	if (head.len < PCAPFILE_HEADER_LEN || !recognise(p, &f))
		return false;
	if (field16(&f, p + 4) != VERSION_MAJOR || field16(&f, p + 6) != VERSION_MINOR)
		return false;
	f.snaplen = field(&f, p + 16);
	/* libpcap takes these for "as long as there may be", too. */
	if (f.snaplen == 0 || f.snaplen > PCAPFILE_PACKET_MAX)
		f.snaplen = PCAPFILE_PACKET_MAX;
	f.link = (int)(field(&f, p + 20) & LINK_MASK);
	*out = f;
	return true;
}

enum parse pcapfile_next(const struct pcapfile *f, struct bytes *in, struct pcapfile_packet *out,
			 size_t *need)
{
	const uint8_t *p = in->data;
	uint32_t len, wire_len;

	*need = PCAPFILE_RECORD_LEN;
	if (in->len < PCAPFILE_RECORD_LEN)
		return PARSE_MORE;
	len = field(f, p + 8);
	if (len > PCAPFILE_PACKET_MAX)
		return PARSE_BAD;
	*need = PCAPFILE_RECORD_LEN + (size_t)len;
	if (in->len < *need)
		return PARSE_MORE;
	wire_len = field(f, p + 12);
	out->time_ns = field(f, p) * (uint64_t)1000000000u +
		       field(f, p + 4) * (uint64_t)(f->nanoseconds ? 1 : 1000);
	out->data = bytes_of(p + PCAPFILE_RECORD_LEN, len < f->snaplen ? len : f->snaplen);
	out->wire_len = wire_len > out->data.len ? wire_len : (uint32_t)out->data.len;
	in->data += *need;
	in->len -= *need;
	return PARSE_OK;
}
