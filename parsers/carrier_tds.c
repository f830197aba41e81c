/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TDS, SQL Server's protocol (MS-TDS sections 2.2.3.1 and 2.2.6.5): after one PRELOGIN each way the
 * TLS handshake travels in PRELOGIN packets, and what follows it in bare records. (TDS 8 begins
 * with TLS; no carrier.)
 */
#include "parsers/carrier_types.h"

#define TYPE_RESPONSE 0x04
#define TYPE_PRELOGIN 0x12
#define STATUS_END 0x01
#define HEADER_LEN 8
#define PACKET_MAX 32767
#define OPTION_LEN 5
#define OPTIONS_MAX 16
#define OPTION_VERSION 0x00    /* must be the first */
#define VERSION_LEN 6

struct tds_end {
	struct gather gather;          /* a header that came in pieces */
	uint16_t left;                 /* bytes of the packet's body still to come */
	bool skipping;                 /* the packet at hand is not TLS */
	bool undecided;                /* its first byte will say whether it is */
	bool begun;                    /* TLS has begun */
	bool bare;                     /* no framing any more */
	uint32_t missed;
};

struct tds {
	struct tds_end end[2];
};

struct tds_header {
	uint8_t type, status, packet_id, window;
	uint16_t len, process_id;
};

static bool parse_header(struct bytes *in, struct tds_header *out)
{
	return bytes_u8(in, &out->type) && bytes_u8(in, &out->status) && bytes_u16(in, &out->len) &&
	       bytes_u16(in, &out->process_id) && bytes_u8(in, &out->packet_id) &&
	       bytes_u8(in, &out->window);
}

/* A PRELOGIN, or the answer to one: its first option is the version, right behind the options. */
static enum parse recognise(struct bytes head)
{
	struct tds_header h;
	uint16_t offset, len;
	uint8_t option;

	if (head.data[0] != TYPE_PRELOGIN && head.data[0] != TYPE_RESPONSE)
		return PARSE_BAD;
	if (!parse_header(&head, &h))
		return PARSE_MORE;
	if (h.status > STATUS_END || h.window != 0 || h.packet_id > 1 ||
	    h.len < HEADER_LEN + OPTION_LEN + 1 + VERSION_LEN || h.len > PACKET_MAX)
		return PARSE_BAD;
	if (!bytes_u8(&head, &option))
		return PARSE_MORE;
	if (option != OPTION_VERSION)
		return PARSE_BAD;
	if (!bytes_u16(&head, &offset) || !bytes_u16(&head, &len))
		return PARSE_MORE;
	return len == VERSION_LEN && offset % OPTION_LEN == 1 && offset > OPTION_LEN &&
		       offset <= OPTION_LEN * OPTIONS_MAX + 1 ? PARSE_OK : PARSE_BAD;
}

/* False: neither TDS with TLS in it, nor TLS. */
static bool begin_packet(struct tds_end *end, struct bytes header)
{
	struct tds_header h;

	if (!parse_header(&header, &h) || h.status > STATUS_END || h.len < HEADER_LEN ||
	    h.len > PACKET_MAX)
		return false;
	if (h.type != TYPE_PRELOGIN && (h.type != TYPE_RESPONSE || end->begun))
		return false;
	end->left = h.len - HEADER_LEN;
	end->undecided = !end->begun;
	end->skipping = false;
	return true;
}

/* A record's type where a packet's should be: the handshake is over, TLS goes on without TDS. */
static bool is_bare(const struct tds_end *end, const struct bytes *in)
{
	return end->begun && end->gather.len == 0 && in->data[0] >= 0x14 && in->data[0] <= 0x17;
}

/* The next part of a packet's body that is TLS. */
static enum parse take_body(struct tds_end *end, struct bytes *in, struct bytes *out)
{
	if (end->undecided) {
		end->undecided = false;
		end->skipping = in->data[0] == OPTION_VERSION;
		if (!end->skipping && (in->data[0] < 0x14 || in->data[0] > 0x17))
			return PARSE_BAD;
		end->begun = !end->skipping;
	}
	if (!bytes_take(in, end->left < in->len ? end->left : in->len, out))
		return PARSE_BAD;
	end->left -= (uint16_t)out->len;
	return PARSE_OK;
}

static enum parse next_part(struct tds_end *end, struct budget *memory, struct bytes *in,
			    struct bytes *out)
{
	struct bytes header;
	enum parse result;

	while (in->len > 0) {
		if (end->bare || (end->left == 0 && is_bare(end, in))) {
			end->bare = true;
			return bytes_take(in, in->len, out) ? PARSE_OK : PARSE_BAD;
		}
		if (end->left == 0) {
			result = gather_take(&end->gather, memory, in, HEADER_LEN, &header);
			if (result != PARSE_OK)
				return result;
			if (!begin_packet(end, header))
				return PARSE_BAD;
			gather_fini(&end->gather, memory);
			continue;
		}
		result = take_body(end, in, out);
		if (result != PARSE_OK || !end->skipping)
			return result;
	}
	return PARSE_MORE;
}

static enum parse next(struct carrier *c, struct budget *memory, struct carrier_piece *out)
{
	struct tds_end *end = &((struct tds *)c->state)->end[c->side];
	enum parse result = next_part(end, memory, &c->in, &out->bytes);

	if (result == PARSE_OK) {
		out->missed = end->missed;
		end->missed = 0;
	}
	return result;
}

static bool lose(struct carrier *c, struct budget *memory, unsigned int side, uint32_t len)
{
	struct tds_end *end = &((struct tds *)c->state)->end[side];

	(void)memory;
	if (!end->bare && len > end->left)
		return false;
	if (!end->bare)
		end->left -= (uint16_t)len;
	if (end->undecided)
		end->skipping = true;
	end->undecided = false;
	if (!end->skipping)
		end->missed += len;
	return true;
}

static void fini(struct carrier *c, struct budget *memory)
{
	struct tds *s = (struct tds *)c->state;

	gather_fini(&s->end[0].gather, memory);
	gather_fini(&s->end[1].gather, memory);
}

const struct carrier_ops carrier_tds = {
	.name = "tds",
	.over = CARRIER_OVER_TCP,
	.state_len = sizeof(struct tds),
	.recognise = recognise,
	.next = next,
	.lose = lose,
	.fini = fini,
};
