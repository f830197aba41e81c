/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS over SCTP (RFC 3436: a TLS connection for each pair of streams of the same number) and DTLS
 * over SCTP (RFC 6083: one for all streams, a record a message). Which of them a stream holds, its
 * first bytes say. Chunks are put in order by their transmission number over all streams of a
 * direction.
 */
#include "parsers/carrier_types.h"
#include "parsers/sctp.h"

#define STREAMS_MAX 32         /* that are looked at, for each direction */
#define MESSAGE_MAX (64u * 1024)
#define DTLS_CONVERSATION 0x10000u  /* stream numbers are 16 bits */
#define ASSOCIATION 0x20000u        /* from the conversations of one to those of the next */

enum stream_holds { HOLDS_UNKNOWN, HOLDS_TLS, HOLDS_DTLS, HOLDS_OTHER };

struct sctp_stream {
	struct gather message;         /* DTLS: of a message in several chunks */
	uint16_t number;
	bool used;
	bool in_message;               /* DTLS: its beginning was seen */
	uint8_t holds;
};

struct sctp_end {
	struct order order;            /* of whole chunks, from the header on */
	struct sctp_stream streams[STREAMS_MAX];
	uint32_t initial;              /* the TSN that it began with */
	uint32_t missed;
	bool begun;
	bool popping;
};

struct sctp {
	struct sctp_end end[2];
	uint32_t base;                 /* added to the number of each conversation */
};

static enum parse recognise(struct bytes head)
{
	struct sctp_packet p;
	struct sctp_chunk chunk;

	if (!sctp_parse(head, &p))
		return PARSE_BAD;
	while (p.chunks.len > 0)
		if (!sctp_chunk_next(&p.chunks, &chunk))
			return PARSE_BAD;
	return p.chunks.data != head.data + 12 ? PARSE_OK : PARSE_BAD;
}

static struct sctp_stream *stream_get(struct sctp_end *end, uint16_t number)
{
	for (size_t i = 0; i < STREAMS_MAX; i++) {
		struct sctp_stream *s = &end->streams[i];

		if (s->used && s->number == number)
			return s;
		if (!s->used) {
			s->used = true;
			s->number = number;
			return s;
		}
	}
	return NULL;
}

/* A record's header (RFC 8446 section 5.1, RFC 6347 section 4.1). */
static uint8_t what_it_holds(struct bytes in)
{
	uint8_t type, major, minor;

	if (!bytes_u8(&in, &type) || type < 20 || type > 26 || !bytes_u8(&in, &major) ||
	    !bytes_u8(&in, &minor))
		return HOLDS_OTHER;
	if (major == 3 && minor <= 4)
		return HOLDS_TLS;
	return major == 0xfe && minor >= 0xfc ? HOLDS_DTLS : HOLDS_OTHER;
}

static void forget_messages(struct sctp_end *end, struct budget *memory)
{
	for (size_t i = 0; i < STREAMS_MAX; i++) {
		gather_fini(&end->streams[i].message, memory);
		end->streams[i].in_message = false;
	}
}

/* A DTLS record, whole in its chunk or joined. False: not whole, or none. */
static bool join_message(struct sctp_stream *s, struct budget *memory, const struct sctp_data *d,
			 struct bytes *out)
{
	if (s->message.given || d->begins)
		gather_fini(&s->message, memory);
	if (d->begins)
		s->in_message = true;
	if (!s->in_message)
		return false;
	s->in_message = !d->ends;
	*out = d->bytes;
	if (d->begins && d->ends)
		return true;
	if (d->bytes.len > MESSAGE_MAX - s->message.len ||
	    !gather_add(&s->message, memory, d->bytes)) {
		gather_fini(&s->message, memory);
		s->in_message = false;
		return false;
	}
	s->message.given = d->ends;
	*out = gather_bytes(&s->message);
	return d->ends;
}

/* A chunk that is next in order. True: *out is a piece. */
static bool take_data(struct sctp_end *end, struct budget *memory, const struct sctp_data *d,
		      struct carrier_piece *out)
{
	struct sctp_stream *s = d->bytes.len ? stream_get(end, d->stream) : NULL;
	uint32_t missed = order_missed(&end->order);

	end->missed += missed;
	if (missed)
		forget_messages(end, memory);
	if (!s)
		return false;
	if (s->holds == HOLDS_UNKNOWN || (s->holds == HOLDS_OTHER && d->begins))
		s->holds = what_it_holds(d->bytes);
	if (s->holds == HOLDS_OTHER)
		return false;
	out->bytes = d->bytes;
	out->conversation = s->number;
	if (s->holds == HOLDS_DTLS) {
		if (!join_message(s, memory, d, &out->bytes))
			return false;
		out->content = CARRIER_DATAGRAM;
		out->conversation = DTLS_CONVERSATION;
	}
	out->missed = end->missed;
	end->missed = 0;
	return true;
}

static void end_begin(struct sctp_end *end, struct budget *memory, uint32_t tsn)
{
	forget_messages(end, memory);
	for (size_t i = 0; i < STREAMS_MAX; i++)
		end->streams[i] = (struct sctp_stream){ 0 };
	order_begin(&end->order, memory, tsn);
	end->initial = tsn;
	end->begun = true;
	end->popping = false;
}

/* Takes a DATA chunk off `whole`, which begins with its header. True: *out is a piece. */
static bool take_chunk(struct sctp_end *end, struct budget *memory, struct bytes whole,
		       const struct sctp_chunk *chunk, struct carrier_piece *out)
{
	struct sctp_data d;

	if (!sctp_data_parse(chunk, &d) || chunk->cut)
		return false;
	if (!end->begun)
		end_begin(end, memory, d.tsn);
	switch (order_add(&end->order, memory, d.tsn, whole)) {
	case ORDER_NOW:
		end->popping = true;
		return take_data(end, memory, &d, out);
	case ORDER_KEPT:
		end->popping = true;
		break;
	case ORDER_IGNORED:
		break;
	}
	return false;
}

static void take_control(struct sctp *s, struct sctp_end *end, struct budget *memory,
			 const struct sctp_chunk *chunk)
{
	uint32_t tsn;

	if (sctp_initial_tsn(chunk, &tsn)) {
		/* A repeated INIT must not undo what is known already. */
		if (end->begun && end->initial == tsn)
			return;
		if (end->begun && chunk->type == SCTP_INIT)
			s->base += ASSOCIATION;
		end_begin(end, memory, tsn);
	} else if (sctp_forward_tsn(chunk, &tsn) && end->begun) {
		if (tsn - end->order.next < ORDER_FAR)
			order_skip(&end->order, memory, tsn + 1);
		end->popping = true;
	}
}

static bool give_held(struct sctp_end *end, struct budget *memory, struct carrier_piece *out)
{
	struct sctp_chunk chunk;
	struct sctp_data d;
	struct bytes whole;

	while (end->popping) {
		end->popping = order_pop(&end->order, memory, &whole);
		if (end->popping && sctp_chunk_next(&whole, &chunk) &&
		    sctp_data_parse(&chunk, &d) && take_data(end, memory, &d, out))
			return true;
	}
	return false;
}

static enum parse next(struct carrier *c, struct budget *memory, struct carrier_piece *out)
{
	struct sctp *s = (struct sctp *)c->state;
	struct sctp_end *end = &s->end[c->side];
	struct sctp_packet packet;
	struct sctp_chunk chunk;
	struct bytes whole;

	if (c->fresh)
		c->in = sctp_parse(c->in, &packet) ? packet.chunks : bytes_of(NULL, 0);
	c->fresh = false;
	for (;;) {
		if (give_held(end, memory, out))
			break;
		whole = c->in;
		if (!sctp_chunk_next(&c->in, &chunk))
			return PARSE_MORE;
		whole.len -= c->in.len;
		take_control(s, end, memory, &chunk);
		if (take_chunk(end, memory, whole, &chunk, out))
			break;
	}
	out->conversation += s->base;
	return PARSE_OK;
}

static void fini(struct carrier *c, struct budget *memory)
{
	struct sctp *s = (struct sctp *)c->state;

	for (unsigned int side = 0; side < 2; side++) {
		forget_messages(&s->end[side], memory);
		order_fini(&s->end[side].order, memory);
	}
}

const struct carrier_ops carrier_sctp = {
	.name = "sctp",
	.over = CARRIER_OVER_SCTP,
	.state_len = sizeof(struct sctp),
	.recognise = recognise,
	.next = next,
	.fini = fini,
};
