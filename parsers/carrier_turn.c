/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DTLS in STUN and TURN over TCP, and in the frames of RFC 4571 that ICE uses there. (Over UDP no
 * state is needed: turn.h.) All that one TCP connection relays is one conversation.
 */
#include "parsers/carrier_types.h"
#include "parsers/turn.h"

#define SURE_LEN 32            /* as turn_tcp_begins() has it */
#define STUN_HEADER_LEN 20
#define STUN_MAGIC "\x21\x12\xa4\x42"
#define STUN_MAGIC_AT 4
#define CHANNEL_HEADER_LEN 4
#define FRAME_HEADER_LEN 2     /* RFC 4571 section 2 */
#define FRAME_MAX 1500         /* of those that a stream may begin with */
#define PACKET_MIN 6           /* shorter than any header that may be inside */
#define DTLS_BEGINS "\x16\xfe"

struct turn_end {
	struct gather frame;   /* of which some is still to come */
	uint32_t frame_len;    /* 0: not known yet */
	uint32_t skip;         /* bytes still to come of a frame that was lost */
	bool lost;             /* say so with the next piece */
};

struct turn {
	struct turn_end end[2];
};

/*
 * Behind a ConnectionBind (RFC 6062 section 4.3) the connection is that of the peers themselves:
 * there TLS is not carried, but follows in plain.
 */
static bool is_connection_bind(struct bytes head)
{
	uint16_t type;

	return bytes_u16(&head, &type) && (type & ~0x0110) == 0x000b;
}

static bool may_be(struct bytes head, size_t at, const char *wanted, size_t len)
{
	if (head.len <= at)
		return true;
	head = bytes_of(head.data + at, head.len - at);
	return memcmp(head.data, wanted, head.len < len ? head.len : len) == 0;
}

/* All methods there are (RFC 8489 section 17.1) fit into the first byte's last bit. */
static bool may_be_stun(struct bytes head)
{
	return (head.len < 1 || head.data[0] <= 1) && (head.len < 4 || head.data[3] % 4 == 0) &&
	       may_be(head, STUN_MAGIC_AT, STUN_MAGIC, 4);
}

static bool may_begin(struct bytes head)
{
	struct bytes packet = head;
	uint16_t len = 0;

	if (may_be_stun(head))
		return true;
	if (head.data[0] > FRAME_MAX >> 8)
		return false;
	if (!bytes_u16(&packet, &len))
		return true;
	return len >= PACKET_MIN && len <= FRAME_MAX &&
	       (may_be_stun(packet) || may_be(packet, 0, DTLS_BEGINS, 2));
}

static enum parse recognise(struct bytes head)
{
	if (is_connection_bind(head))
		return PARSE_BAD;
	if (turn_tcp_begins(head))
		return PARSE_OK;
	return head.len < SURE_LEN && may_begin(head) ? PARSE_MORE : PARSE_BAD;
}

/* How long the frame is that begins so. Never less than what is needed to tell. */
static enum parse frame_len(struct bytes head, uint32_t *out)
{
	struct bytes in = head;
	uint16_t first, len;

	if (!bytes_u16(&in, &first) || !bytes_u16(&in, &len))
		return PARSE_MORE;
	if (first >> 12 == 4) {
		*out = CHANNEL_HEADER_LEN + ((len + 3u) & ~3u);
		return PARSE_OK;
	}
	if (head.len < STUN_MAGIC_AT + 4)
		return PARSE_MORE;
	if (memcmp(head.data + STUN_MAGIC_AT, STUN_MAGIC, 4) == 0)
		*out = STUN_HEADER_LEN + len;
	else if (first >= PACKET_MIN)
		*out = FRAME_HEADER_LEN + first;
	else
		return PARSE_BAD;
	return PARSE_OK;
}

/* The header byte by byte: what follows it may be the next frame's already. */
static enum parse find_frame_len(struct turn_end *end, struct budget *memory, struct bytes *in)
{
	struct bytes byte;
	enum parse result;

	for (;;) {
		result = frame_len(end->frame.len ? gather_bytes(&end->frame) : *in,
				   &end->frame_len);
		if (result != PARSE_MORE)
			return result;
		if (!bytes_take(in, 1, &byte))
			return PARSE_MORE;
		if (!gather_add(&end->frame, memory, byte))
			return PARSE_BAD;
	}
}

static enum parse next_frame(struct turn_end *end, struct budget *memory, struct bytes *in,
			     struct bytes *out)
{
	size_t len = end->skip < in->len ? end->skip : in->len;
	enum parse result;

	end->skip -= (uint32_t)len;
	if (!bytes_skip(in, len))
		return PARSE_MORE;
	if (end->frame.given)
		gather_fini(&end->frame, memory);
	if (!end->frame_len) {
		result = find_frame_len(end, memory, in);
		if (result != PARSE_OK)
			return result;
	}
	result = gather_take(&end->frame, memory, in, end->frame_len, out);
	if (result == PARSE_OK)
		end->frame_len = 0;
	return result;
}

static enum parse next(struct carrier *c, struct budget *memory, struct carrier_piece *out)
{
	struct turn_end *end = &((struct turn *)c->state)->end[c->side];
	struct bytes frame, inner = { 0 };
	enum parse result;

	do {
		result = next_frame(end, memory, &c->in, &frame);
		if (result != PARSE_OK)
			return result;
		if (turn_tcp_next(&frame, &inner) != PARSE_OK || frame.len)
			return PARSE_BAD;
	} while (inner.len == 0);
	out->content = CARRIER_DATAGRAM;
	out->bytes = inner;
	out->missed = end->lost;
	end->lost = false;
	return PARSE_OK;
}

/* A gap inside one frame costs that frame. */
static bool lose(struct carrier *c, struct budget *memory, unsigned int side, uint32_t len)
{
	struct turn_end *end = &((struct turn *)c->state)->end[side];
	uint32_t left = end->skip;

	if (end->frame_len)
		left = end->frame_len - end->frame.len;
	else if (end->frame.len && !end->frame.given)
		return false;
	if (len > left)
		return false;
	gather_fini(&end->frame, memory);
	end->frame_len = 0;
	end->skip = left - len;
	end->lost = true;
	return true;
}

static void fini(struct carrier *c, struct budget *memory)
{
	for (unsigned int side = 0; side < 2; side++)
		gather_fini(&((struct turn *)c->state)->end[side].frame, memory);
}

const struct carrier_ops carrier_turn = {
	.name = "turn",
	.over = CARRIER_OVER_TCP,
	.state_len = sizeof(struct turn),
	.recognise = recognise,
	.next = next,
	.lose = lose,
	.fini = fini,
};
