/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/pipeline/carriage.h"

#include <stdlib.h>

#include "userspace/handshake/handshake.h"
#include "userspace/handshake/handshake_keys.h"
#include "userspace/pipeline/channel.h"
#include "userspace/pipeline/datagram.h"
#include "userspace/pipeline/overlap.h"

/* One TLS connection inside: a flow that is in no table. */
struct conversation {
	struct conversation *next;
	uint32_t number;
	struct flow flow;
};

struct carriage {
	struct carrier *carrier;
	const struct carrier_ops *ops;
	struct conversation *conversations;   /* the newest first */
	unsigned int num;
	bool met;                             /* a handshake has begun inside */
};

enum parse carriage_begin(struct tracker *t, struct flow *flow, enum carrier_over over,
			  struct bytes head)
{
	const struct carrier_ops *ops;
	enum parse result = carrier_recognise(over, head, &ops);
	struct carriage *c;

	if (result != PARSE_OK)
		return result;
	c = calloc(1, sizeof(*c));
	if (c)
		c->carrier = carrier_new(ops, &t->memory);
	if (!c || !c->carrier) {
		free(c);
		t->counters.no_memory++;
		return PARSE_BAD;
	}
	c->ops = ops;
	flow->carriage = c;
	return PARSE_OK;
}

/* Ends a conversation as if its connection had ended. */
static void close_conversation(struct tracker *t, struct conversation *conversation,
			       const struct segment *segment)
{
	struct flow *flow = &conversation->flow;
	unsigned int i;

	if (flow->datagrams) {
		datagram_close(t, flow);
	} else if (flow->handshake) {
		channel_keys_arrived(t, flow, segment);
		if (flow->handshake)
			channel_close(t, flow);
	}
	for (i = 0; i < 2; i++)
		channel_rest(t, &flow->side[i], SIDE_DONE);
	free(conversation);
}

static void close_oldest(struct tracker *t, struct carriage *c, const struct segment *segment)
{
	struct conversation **at = &c->conversations;

	while (*at && (*at)->next)
		at = &(*at)->next;
	if (!*at)
		return;
	close_conversation(t, *at, segment);
	*at = NULL;
	c->num--;
}

static struct conversation *conversation_get(struct tracker *t, struct flow *outer, uint32_t number,
					     const struct segment *segment)
{
	struct carriage *c = outer->carriage;
	struct conversation *conversation;
	unsigned int i;

	for (conversation = c->conversations; conversation; conversation = conversation->next)
		if (conversation->number == number)
			return conversation;
	if (c->num == CARRIAGE_CONVERSATIONS_MAX)
		close_oldest(t, c, segment);
	conversation = calloc(1, sizeof(*conversation));
	if (!conversation) {
		t->counters.no_memory++;
		return NULL;
	}
	conversation->number = number;
	conversation->flow.key = outer->key;
	conversation->flow.carrier = carrier_name(c->ops);
	for (i = 0; i < 2; i++) {
		conversation->flow.side[i].syn_seen = outer->side[i].syn_seen;
		channel_begin(t, &conversation->flow.side[i], 0);
	}
	conversation->next = c->conversations;
	c->conversations = conversation;
	c->num++;
	return conversation;
}

/* The stream inside has no sequence numbers of its own: they count its bytes. */
static void take_stream(struct tracker *t, struct flow *flow, const struct carrier_piece *piece,
			const struct segment *segment)
{
	struct side *s = &flow->side[piece->side];

	s->data_seen = true;
	if (piece->missed) {
		channel_missed(t, flow, piece->side, s->stream.next - s->first_seq, piece->missed);
		s->stream.next += piece->missed;
	}
	s->stream.next += (uint32_t)piece->bytes.len;
	channel_bytes(t, flow, piece->side, piece->bytes, segment);
	channel_close_if_settled(t, flow);
}

static void take_piece(struct tracker *t, struct flow *outer, const struct carrier_piece *piece,
		       const struct segment *segment)
{
	struct conversation *conversation = conversation_get(t, outer, piece->conversation, segment);

	if (!conversation)
		return;
	conversation->flow.last_s = outer->last_s;
	if (piece->content == CARRIER_STREAM)
		take_stream(t, &conversation->flow, piece, segment);
	else if (piece->content == CARRIER_DATAGRAM)
		datagram_inside(t, &conversation->flow, piece->side, piece->bytes, segment);
	else if (conversation->flow.handshake)
		channel_close(t, &conversation->flow);
}

static void take_pieces(struct tracker *t, struct flow *flow, const struct segment *segment)
{
	uint64_t handshakes = t->counters.handshakes;
	struct carrier_piece piece;
	enum parse result;

	while ((result = carrier_next(flow->carriage->carrier, &t->memory, &piece)) == PARSE_OK)
		take_piece(t, flow, &piece, segment);
	flow->carriage->met |= t->counters.handshakes != handshakes;
	if (result == PARSE_BAD)
		carriage_close(t, flow);
}

void carriage_bytes(struct tracker *t, struct flow *flow, unsigned int side, struct bytes in,
		    const struct segment *segment)
{
	carrier_feed(flow->carriage->carrier, side, in);
	take_pieces(t, flow, segment);
}

void carriage_lost(struct tracker *t, struct flow *flow, unsigned int side)
{
	struct conversation *conversation;

	for (conversation = flow->carriage->conversations; conversation; conversation = conversation->next)
		if (conversation->flow.handshake)
			handshake_missed(t, conversation->flow.handshake, side, 0, 0);
}

void carriage_missed(struct tracker *t, struct flow *flow, unsigned int side, uint32_t len,
		     const struct segment *segment)
{
	if (carrier_lose(flow->carriage->carrier, &t->memory, side, len)) {
		take_pieces(t, flow, segment);
		return;
	}
	carriage_lost(t, flow, side);
	carriage_close(t, flow);
}

enum carriage_stage carriage_stage(const struct flow *flow)
{
	const struct conversation *conversation = flow->carriage->conversations;

	for (; conversation; conversation = conversation->next)
		if (conversation->flow.handshake)
			return CARRIAGE_DURING;
	return flow->carriage->met ? CARRIAGE_BEHIND : CARRIAGE_BEFORE;
}

bool carriage_waits(const struct flow *flow)
{
	const struct conversation *conversation = flow->carriage->conversations;

	for (; conversation; conversation = conversation->next)
		if (conversation->flow.handshake && handshake_keys_wanted(conversation->flow.handshake))
			return true;
	return false;
}

void carriage_close(struct tracker *t, struct flow *flow)
{
	struct segment segment = { .time_ns = (uint64_t)flow->last_s * 1000000000u };
	struct carriage *c = flow->carriage;

	if (!c)
		return;
	while (c->num) {
		/* In the order in which they began. */
		close_oldest(t, c, &segment);
	}
	carrier_free(c->carrier, &t->memory);
	free(c);
	flow->carriage = NULL;
}
