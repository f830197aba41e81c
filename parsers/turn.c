/* SPDX-License-Identifier: Apache-2.0 */
#include "parsers/turn.h"

#include "parsers/dtls.h"

#define STUN_HEADER_LEN 20
#define STUN_MAGIC 0x2112a442u

enum stun_type {
	STUN_BINDING_REQUEST = 0x0001,
	STUN_SEND_INDICATION = 0x0016,
	STUN_DATA_INDICATION = 0x0017,
	STUN_BINDING_SUCCESS = 0x0101,
};

enum stun_attribute {
	STUN_DATA = 0x0013,
	STUN_DTLS = 0xc070,
};

struct stun_message {
	uint16_t type;
	struct bytes attributes;
};

static bool is_channel(struct bytes in)
{
	return in.len > 0 && in.data[0] >> 4 == 4;
}

static size_t padded(size_t len)
{
	return (len + 3) & ~(size_t)3;
}

/* RFC 8489 section 5. PARSE_BAD only when the bytes there are rule it out. */
static enum parse stun_next(struct bytes *in, struct stun_message *out)
{
	struct bytes rest = *in;
	struct stun_message m;
	uint32_t magic;
	uint16_t len;

	if (in->len > 0 && in->data[0] > 0x3f)
		return PARSE_BAD;
	if (!bytes_u16(&rest, &m.type) || !bytes_u16(&rest, &len))
		return PARSE_MORE;
	if (len % 4 != 0)
		return PARSE_BAD;
	if (!bytes_u32(&rest, &magic))
		return PARSE_MORE;
	if (magic != STUN_MAGIC)
		return PARSE_BAD;
	if (!bytes_skip(&rest, STUN_HEADER_LEN - 8) || !bytes_take(&rest, len, &m.attributes))
		return PARSE_MORE;
	*in = rest;
	*out = m;
	return PARSE_OK;
}

static bool stun_inner(struct stun_message m, struct bytes *inner)
{
	bool indication = m.type == STUN_SEND_INDICATION || m.type == STUN_DATA_INDICATION;
	bool binding = m.type == STUN_BINDING_REQUEST || m.type == STUN_BINDING_SUCCESS;
	uint16_t wanted = indication ? STUN_DATA : STUN_DTLS, type, len;
	struct bytes value;

	if (!indication && !binding)
		return false;
	while (bytes_u16(&m.attributes, &type) && bytes_u16(&m.attributes, &len) &&
	       bytes_take(&m.attributes, len, &value) &&
	       bytes_skip(&m.attributes, padded(len) - len)) {
		if (type == wanted && len > 0) {
			*inner = value;
			return true;
		}
	}
	return false;
}

bool turn_unwrap(struct bytes datagram, struct bytes *inner)
{
	struct stun_message message;
	struct bytes data;
	uint16_t channel;

	if (is_channel(datagram)) {
		/* Over UDP padding may be left out. */
		if (!bytes_u16(&datagram, &channel) || !bytes_vec16(&datagram, &data) ||
		    data.len == 0 || datagram.len > 3)
			return false;
		*inner = data;
		return true;
	}
	return stun_next(&datagram, &message) == PARSE_OK && datagram.len == 0 &&
	       stun_inner(message, inner);
}

static bool stun_begins(struct bytes in)
{
	struct stun_message message;

	return in.len >= 8 && stun_next(&in, &message) != PARSE_BAD;
}

bool turn_tcp_begins(struct bytes in)
{
	uint16_t len;

	if (stun_begins(in))
		return true;
	if (!bytes_u16(&in, &len))
		return false;
	if (in.len > len)
		in.len = len;
	return (len >= STUN_HEADER_LEN && stun_begins(in)) ||
	       (len >= DTLS_RECORD_HEADER_LEN && dtls_begins(in));
}

static enum parse channel_next(struct bytes *in, struct bytes *inner)
{
	struct bytes rest = *in, data;
	uint16_t channel;

	if (!bytes_u16(&rest, &channel) || !bytes_vec16(&rest, &data) ||
	    !bytes_skip(&rest, padded(data.len) - data.len))
		return PARSE_MORE;
	*in = rest;
	*inner = data;
	return PARSE_OK;
}

/* What RFC 7983 lets share a flow: STUN, DTLS, TURN channels and RTP; a TURN channel not on TCP. */
static bool packet_plausible(struct bytes packet)
{
	uint8_t first = packet.data[0];

	if (first <= 3)
		return stun_begins(packet);
	if (first >= 20 && first <= 63)
		return dtls_continues(packet);
	return first >= 128 && first <= 191;
}

/* RFC 4571 section 2. */
static enum parse packet_next(struct bytes *in, struct bytes *inner)
{
	struct bytes rest = *in, packet;
	struct stun_message message;

	if (!bytes_vec16(&rest, &packet))
		return PARSE_MORE;
	if (packet.len == 0 || !packet_plausible(packet))
		return PARSE_BAD;
	*in = rest;
	*inner = packet;
	if (packet.data[0] <= 3)
		*inner = stun_next(&packet, &message) == PARSE_OK && stun_inner(message, inner) ?
				 *inner : bytes_of(NULL, 0);
	return PARSE_OK;
}

enum parse turn_tcp_next(struct bytes *in, struct bytes *inner)
{
	struct stun_message message;
	enum parse result;

	/*
	 * A frame of RFC 4571 this long would be of 16 KiB and more: longer than any packet it is
	 * for.
	 */
	if (is_channel(*in))
		return channel_next(in, inner);
	result = stun_next(in, &message);
	if (result == PARSE_BAD)
		return packet_next(in, inner);
	if (result == PARSE_OK && !stun_inner(message, inner))
		*inner = bytes_of(NULL, 0);
	return result;
}
