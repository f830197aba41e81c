/* SPDX-License-Identifier: Apache-2.0 */
#include "parsers/rdpudp.h"

/* MS-RDPEUDP section 2.2.2.1 */
enum rdpudp_flag {
	RDPUDP_SYN = 0x0001,
	RDPUDP_FIN = 0x0002,
	RDPUDP_ACK = 0x0004,
	RDPUDP_DATA = 0x0008,
	RDPUDP_FEC = 0x0010,
	RDPUDP_ACK_OF_ACKS = 0x0100,
	RDPUDP_SYN_LOSSY = 0x0200,
	RDPUDP_CORRELATION_ID = 0x0800,
	RDPUDP_SYNEX = 0x1000,
	RDPUDP_UNKNOWN = 0xe000,
};

#define MTU_MIN 1132                /* section 2.2.2.5 */
#define MTU_MAX 1232
#define CORRELATION_LEN 32          /* section 2.2.2.8: the id and 16 reserved bytes */
#define ACK_VECTOR_MAX 2048         /* section 2.2.2.7 */

/* MS-RDPEUDP2 section 2.2.1.1; a packet's optional parts come in this order, with DATA in two. */
enum rdpudp2_flag {
	RDPUDP2_ACK = 0x001,
	RDPUDP2_DATA = 0x004,
	RDPUDP2_ACK_VECTOR = 0x008,
	RDPUDP2_ACK_OF_ACKS = 0x010,
	RDPUDP2_OVERHEAD_SIZE = 0x040,
	RDPUDP2_DELAY_ACK_INFO = 0x100,
	RDPUDP2_UNKNOWN = 0xea2,
};

/*
 * Section 2.2.1.3, from the least bit on: one reserved, four of type (8: a dummy), three of
 * length.
 */
#define RDPUDP2_PREFIX_LONG 0xe0     /* data, 7 bytes or more; 0 in the specification's example */
#define PREFIX_AT 7
#define HEADERS2_MAX 192             /* more than all the optional parts at their longest */

static bool header_next(struct bytes *in, uint32_t *source_ack, uint16_t *flags)
{
	uint16_t window;

	return bytes_u32(in, source_ack) && bytes_u16(in, &window) && bytes_u16(in, flags) &&
	       !(*flags & RDPUDP_UNKNOWN);
}

static bool mtu_good(uint16_t mtu)
{
	return mtu >= MTU_MIN && mtu <= MTU_MAX;
}

bool rdpudp_syn_parse(struct bytes datagram, struct rdpudp_syn *out)
{
	struct rdpudp_syn syn = { .version = 1 };
	uint16_t flags, mtu_up, mtu_down, synex, version;
	size_t len = datagram.len;
	uint32_t source_ack;

	if (!header_next(&datagram, &source_ack, &flags) || !(flags & RDPUDP_SYN) ||
	    flags & (RDPUDP_FIN | RDPUDP_DATA | RDPUDP_FEC) ||
	    !bytes_u32(&datagram, &syn.initial) ||
	    !bytes_u16(&datagram, &mtu_up) || !bytes_u16(&datagram, &mtu_down))
		return false;
	syn.ack = flags & RDPUDP_ACK;
	syn.lossy = flags & RDPUDP_SYN_LOSSY;
	/* The datagram is filled up, to show that one of this size gets through. */
	if (!mtu_good(mtu_up) || !mtu_good(mtu_down) || len < MTU_MIN ||
	    (!syn.ack && source_ack != UINT32_MAX))
		return false;
	if (flags & RDPUDP_CORRELATION_ID && !bytes_skip(&datagram, CORRELATION_LEN))
		return false;
	if (flags & RDPUDP_SYNEX) {
		if (!bytes_u16(&datagram, &synex) || !bytes_u16(&datagram, &version))
			return false;
		if (synex & 1)
			syn.version = version;
	}
	*out = syn;
	return true;
}

/* Sections 2.2.2.7 and 2.2.2.6. */
static bool acks_skip(struct bytes *in, uint16_t flags)
{
	uint16_t len;

	if (flags & RDPUDP_ACK) {
		if (!bytes_u16(in, &len) || len > ACK_VECTOR_MAX ||
		    !bytes_skip(in, ((2u + len + 3u) & ~3u) - 2u))
			return false;
	}
	return !(flags & RDPUDP_ACK_OF_ACKS) || bytes_skip(in, 4);
}

bool rdpudp_data_parse(struct bytes datagram, struct rdpudp_packet *out)
{
	struct rdpudp_packet packet = { 0 };
	uint32_t source_ack, coded;
	uint16_t flags;

	/* What is both DATA and FEC corrects errors: it holds other packets mixed together. */
	if (!header_next(&datagram, &source_ack, &flags) || !(flags & RDPUDP_DATA) ||
	    flags & (RDPUDP_SYN | RDPUDP_FEC) || !acks_skip(&datagram, flags) ||
	    !bytes_u32(&datagram, &coded) || !bytes_u32(&datagram, &packet.number) ||
	    datagram.len == 0)
		return false;
	packet.payload = datagram;
	*out = packet;
	return true;
}

/* Section 2.2.1.2.1: number, time, gap, then how many delayed ones follow. */
static bool ack2_skip(struct bytes *in)
{
	uint8_t delayed;

	return bytes_skip(in, 6) && bytes_u8(in, &delayed) && bytes_skip(in, delayed & 0x0f);
}

/* Section 2.2.1.2.6: number, size; time and gap if the size's high bit says so. */
static bool ack_vector2_skip(struct bytes *in)
{
	uint8_t size;

	return bytes_skip(in, 2) && bytes_u8(in, &size) && bytes_skip(in, size & 0x80 ? 4 : 0) &&
	       bytes_skip(in, size & 0x7f);
}

static bool little_u16(struct bytes *in, uint16_t *out)
{
	uint16_t big;

	if (!bytes_u16(in, &big))
		return false;
	*out = (uint16_t)(big << 8 | big >> 8);
	return true;
}

/* From the header's flags to the first byte of data. */
static bool headers2_skip(struct bytes *in, uint16_t *number)
{
	uint16_t header;

	if (!little_u16(in, &header) || !(header & RDPUDP2_DATA) || header & RDPUDP2_UNKNOWN ||
	    (header & RDPUDP2_ACK && header & RDPUDP2_ACK_VECTOR))
		return false;
	return (!(header & RDPUDP2_ACK) || ack2_skip(in)) &&
	       (!(header & RDPUDP2_OVERHEAD_SIZE) || bytes_skip(in, 1)) &&
	       (!(header & RDPUDP2_DELAY_ACK_INFO) || bytes_skip(in, 3)) &&
	       (!(header & RDPUDP2_ACK_OF_ACKS) || bytes_skip(in, 2)) && bytes_skip(in, 2) &&
	       (!(header & RDPUDP2_ACK_VECTOR) || ack_vector2_skip(in)) && little_u16(in, number);
}

/*
 * Section 3.1.1.1.5: the prefix byte and the eighth byte of the datagram have changed places. The
 * headers are put back in a copy; of the data only its first byte can be out of place, when
 * nothing optional comes before it.
 */
bool rdpudp2_data_parse(struct bytes datagram, struct rdpudp_packet *out)
{
	uint8_t front[HEADERS2_MAX];
	struct rdpudp_packet packet = { 0 };
	struct bytes in;
	uint16_t number;
	size_t len = datagram.len - 1, at;

	if (datagram.len <= PREFIX_AT ||
	    (datagram.data[PREFIX_AT] != 0 && datagram.data[PREFIX_AT] != RDPUDP2_PREFIX_LONG))
		return false;
	if (len > sizeof(front))
		len = sizeof(front);
	memcpy(front, datagram.data + 1, len);
	front[PREFIX_AT - 1] = datagram.data[0];
	in = bytes_of(front, len);
	if (!headers2_skip(&in, &number) || in.len == 0)
		return false;
	packet.number = number;
	at = len - in.len + 1;
	packet.has_first = at == PREFIX_AT;
	packet.first = datagram.data[0];
	if (packet.has_first)
		at++;
	packet.payload = bytes_of(datagram.data + at, datagram.len - at);
	*out = packet;
	return true;
}
