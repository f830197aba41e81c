/* SPDX-License-Identifier: Apache-2.0 */
#include "parsers/quic_parts.h"

/* RFC 9000 section 12.4: those that Initial and Handshake packets may hold. */
enum frame_type {
	FRAME_PADDING = 0x00,
	FRAME_PING = 0x01,
	FRAME_ACK = 0x02,
	FRAME_ACK_ECN = 0x03,
	FRAME_CRYPTO = 0x06,
	FRAME_CONNECTION_CLOSE = 0x1c,
};

static bool skip_varints(struct bytes *in, uint64_t count)
{
	uint64_t ignored;

	/* Each takes a byte at least, so that a count that is too high ends with the bytes. */
	while (count-- > 0) {
		if (!quic_varint(in, &ignored))
			return false;
	}
	return true;
}

/* RFC 9000 section 19.3: largest, delay, count, first range; gaps and ranges; three ECN counts. */
static bool skip_ack(struct bytes *in, bool ecn)
{
	uint64_t count;

	return skip_varints(in, 2) && quic_varint(in, &count) && skip_varints(in, 1) &&
	       skip_varints(in, count * 2) && (!ecn || skip_varints(in, 3));
}

/* RFC 9000 section 19.19: error, frame type, and a reason. */
static bool skip_close(struct bytes *in)
{
	uint64_t len;

	return skip_varints(in, 2) && quic_varint(in, &len) && len <= in->len &&
	       bytes_skip(in, (size_t)len);
}

static bool read_crypto(struct bytes *in, struct quic_crypto_frame *out)
{
	uint64_t len;

	return quic_varint(in, &out->offset) && quic_varint(in, &len) && len <= in->len &&
	       bytes_take(in, (size_t)len, &out->data);
}

bool quic_frame_crypto(struct bytes *payload, struct quic_crypto_frame *out)
{
	struct quic_crypto_frame frame;
	bool good = true;
	uint64_t type;

	while (good && quic_varint(payload, &type)) {
		switch (type) {
		case FRAME_PADDING:
		case FRAME_PING:
			break;
		case FRAME_ACK:
		case FRAME_ACK_ECN:
			good = skip_ack(payload, type == FRAME_ACK_ECN);
			break;
		case FRAME_CONNECTION_CLOSE:
			good = skip_close(payload);
			break;
		case FRAME_CRYPTO:
			if (!read_crypto(payload, &frame))
				return false;
			*out = frame;
			return true;
		default:
			return false;
		}
	}
	return false;
}
