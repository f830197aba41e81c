/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RDP over UDP, on any port: recognised by the SYN datagrams that open a connection, which also say
 * in which version its packets are written, and whether TLS (reliable) or DTLS (lossy) is inside.
 */
#include "parsers/carrier_types.h"
#include "parsers/rdpudp.h"

#define JOINED_MAX 2048        /* more than a datagram may hold: rdpudp.h */
#define TLS_HANDSHAKE 22

struct rdpudp_end {
	struct order order;
	uint32_t initial;      /* of its SYN */
	bool syn_seen;
	bool begun;            /* the number of the next packet is known */
	bool popping;
};

struct rdpudp {
	struct rdpudp_end end[2];
	uint32_t conversation;
	uint32_t ended;        /* 1 + a conversation to be reported as ended, or 0 */
	uint16_t version;      /* offered, or, with `chosen`, agreed on */
	bool chosen, lossy;
	bool given;            /* there was a piece of this conversation */
	uint8_t joined[JOINED_MAX];
};

static enum parse recognise(struct bytes head)
{
	struct rdpudp_syn syn;

	return rdpudp_syn_parse(head, &syn) ? PARSE_OK : PARSE_BAD;
}

/* The same ports are used for another connection. */
static void restart(struct rdpudp *s, struct budget *memory)
{
	for (unsigned int side = 0; side < 2; side++) {
		order_fini(&s->end[side].order, memory);
		s->end[side] = (struct rdpudp_end){ 0 };
	}
	s->chosen = false;
	if (s->given)
		s->ended = ++s->conversation;
	s->given = false;
}

static void take_syn(struct rdpudp *s, struct budget *memory, unsigned int side,
		     const struct rdpudp_syn *syn)
{
	struct rdpudp_end *end = &s->end[side];

	if (end->syn_seen && end->initial == syn->initial)
		return;                 /* sent again */
	if (end->syn_seen || end->begun)
		restart(s, memory);
	end->syn_seen = true;
	end->initial = syn->initial;
	s->lossy = syn->lossy;
	if (syn->ack || !s->chosen)
		s->version = syn->version;
	s->chosen |= syn->ack;
}

/*
 * Where the server's answer was not seen, an older version may have been chosen than the one that
 * was offered: packets that bear the number that is due in it say so.
 */
static bool is_older(struct rdpudp *s, const struct rdpudp_end *end, struct bytes in)
{
	struct rdpudp_packet packet;

	if (s->chosen || !end->syn_seen || !rdpudp_data_parse(in, &packet) ||
	    packet.number - (end->initial + 1) > ORDER_FAR)
		return false;
	s->version = 2;
	s->chosen = true;
	return true;
}

static bool is_version_3(const struct rdpudp *s)
{
	return s->version >= RDPUDP_VERSION_3;
}

/* The data of a packet, in one piece. */
static bool parse_data(struct rdpudp *s, const struct rdpudp_end *end, struct bytes in,
		       struct rdpudp_packet *out)
{
	if (!is_version_3(s) || is_older(s, end, in))
		return rdpudp_data_parse(in, out);
	if (!rdpudp2_data_parse(in, out))
		return false;
	if (!out->has_first)
		return true;
	if (out->payload.len >= sizeof(s->joined))
		return false;
	s->joined[0] = out->first;
	if (out->payload.len)
		memcpy(s->joined + 1, out->payload.data, out->payload.len);
	out->payload = bytes_of(s->joined, out->payload.len + 1);
	return true;
}

/*
 * The first packet's number is told in the SYN, but in version 3 it is not: there, as without a
 * SYN, a direction is followed from where TLS begins.
 */
static bool end_begin(const struct rdpudp *s, struct rdpudp_end *end, struct budget *memory,
		      const struct rdpudp_packet *packet)
{
	if (end->begun)
		return true;
	if (end->syn_seen && !is_version_3(s))
		order_begin(&end->order, memory, end->initial + 1);
	else if (packet->payload.len >= 2 && packet->payload.data[0] == TLS_HANDSHAKE &&
		 packet->payload.data[1] == 3)
		order_begin(&end->order, memory, packet->number);
	else
		return false;
	end->begun = true;
	return true;
}

/* Version 3 tells 16 bits of the number: it is the one that is nearest to what is expected. */
static uint32_t whole_number(const struct rdpudp *s, const struct rdpudp_end *end, uint32_t number)
{
	if (!is_version_3(s))
		return number;
	return end->order.next + (uint32_t)(int16_t)(uint16_t)(number - end->order.next);
}

/* True: *out is a piece. */
static bool take_data(struct rdpudp *s, struct budget *memory, struct bytes in,
		      struct carrier_piece *out)
{
	struct rdpudp_end *end = &s->end[out->side];
	struct rdpudp_packet packet;

	if (!parse_data(s, end, in, &packet))
		return false;
	out->bytes = packet.payload;
	if (s->lossy) {
		out->content = CARRIER_DATAGRAM;
		return true;
	}
	if (!end_begin(s, end, memory, &packet))
		return false;
	switch (order_add(&end->order, memory, whole_number(s, end, packet.number),
			  packet.payload)) {
	case ORDER_NOW:
		end->popping = true;
		return true;
	case ORDER_KEPT:
		end->popping = true;
		break;
	case ORDER_IGNORED:
		break;
	}
	return false;
}

static bool give_ended(struct rdpudp *s, struct carrier_piece *out)
{
	if (!s->ended)
		return false;
	out->content = CARRIER_ENDED;
	out->conversation = s->ended - 1;
	s->ended = 0;
	return true;
}

static bool give_held(struct rdpudp_end *end, struct budget *memory, struct carrier_piece *out)
{
	if (end->popping)
		end->popping = order_pop(&end->order, memory, &out->bytes);
	return end->popping;
}

static enum parse next(struct carrier *c, struct budget *memory, struct carrier_piece *out)
{
	struct rdpudp *s = (struct rdpudp *)c->state;
	struct rdpudp_end *end = &s->end[c->side];
	struct rdpudp_syn syn;
	struct bytes datagram;

	for (;;) {
		if (give_ended(s, out))
			return PARSE_OK;
		if (give_held(end, memory, out))
			break;
		if (!carrier_take_datagram(c, &datagram))
			return PARSE_MORE;
		if (rdpudp_syn_parse(datagram, &syn))
			take_syn(s, memory, c->side, &syn);
		else if (take_data(s, memory, datagram, out))
			break;
	}
	s->given = true;
	out->conversation = s->conversation;
	out->missed = order_missed(&end->order);
	return PARSE_OK;
}

static void fini(struct carrier *c, struct budget *memory)
{
	struct rdpudp *s = (struct rdpudp *)c->state;

	for (unsigned int side = 0; side < 2; side++)
		order_fini(&s->end[side].order, memory);
}

const struct carrier_ops carrier_rdpudp = {
	.name = "rdp-udp",
	.over = CARRIER_OVER_UDP,
	.state_len = sizeof(struct rdpudp),
	.recognise = recognise,
	.next = next,
	.fini = fini,
};
