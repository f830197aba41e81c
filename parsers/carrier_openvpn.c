/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OpenVPN: TLS in the messages of a control channel, over UDP, or over TCP with a length of 16 bits
 * before each packet. Each key id has a TLS connection and message numbers of its own. Where the
 * control channel is encrypted (--tls-crypt) nothing is recognised.
 */
#include "parsers/carrier_types.h"
#include "parsers/openvpn.h"

#define OPCODE_DATA_V1 6
#define OPCODE_DATA_V2 9

struct openvpn_end {
	struct gather gather;          /* TCP: a packet that came in pieces */
	struct order order[OPENVPN_KEYS];
	uint32_t session[2];
	uint32_t skip;                 /* TCP: bytes of a data packet still to come */
	uint16_t packet_len;           /* TCP: of the packet that follows; 0: its length follows */
	uint8_t begun;                 /* a bit for each key id */
	bool session_known;
	bool lost;                     /* a packet was lost: say so with the next piece */
	uint8_t popping;               /* 1 + the key whose held messages may be next; 0: none */
};

struct openvpn {
	struct openvpn_end end[2];
	uint32_t conversation[OPENVPN_KEYS]; /* 0: the key was not used */
	uint32_t num_conversations;
	uint32_t ended;                /* a conversation to be reported as ended, or 0 */
	uint8_t hmac_len;
	bool hmac_known;
	uint8_t current;               /* the key id that began last */
};

static enum parse recognise_udp(struct bytes head)
{
	unsigned int hmac_len;

	return openvpn_begins(head, &hmac_len) ? PARSE_OK : PARSE_BAD;
}

static enum parse recognise_tcp(struct bytes head)
{
	unsigned int hmac_len;
	struct bytes packet;
	uint16_t len;

	if (!bytes_u16(&head, &len))
		return head.data[0] == 0 ? PARSE_MORE : PARSE_BAD;
	if (head.len == 0)
		return len > 0 && len < CARRIER_HEAD_MAX - 2 ? PARSE_MORE : PARSE_BAD;
	/* Midstream there is no telling where a packet begins: only a reset counts. */
	if (head.data[0] >> 3 == OPENVPN_CONTROL || !openvpn_may_begin(head, len))
		return PARSE_BAD;
	if (!bytes_take(&head, len, &packet))
		return PARSE_MORE;
	return openvpn_begins(packet, &hmac_len) ? PARSE_OK : PARSE_BAD;
}

/* A key begins anew: its TLS connection is another one from now on, for both ends. */
static void key_restart(struct openvpn *s, struct budget *memory, uint8_t key)
{
	s->ended = s->conversation[key];
	s->conversation[key] = ++s->num_conversations;
	s->current = key;
	for (unsigned int side = 0; side < 2; side++) {
		order_fini(&s->end[side].order[key], memory);
		s->end[side].begun &= (uint8_t)~(1u << key);
	}
}

static void session_begin(struct openvpn_end *end, const struct openvpn_packet *p)
{
	memcpy(end->session, p->session, sizeof(end->session));
	end->session_known = true;
}

/* `number` is that of the message to be handed on next. */
static void end_begin(struct openvpn_end *end, struct budget *memory, uint8_t key, uint32_t number)
{
	order_begin(&end->order[key], memory, number);
	end->begun |= (uint8_t)(1u << key);
}

/*
 * A reset begins a key; the other end's answer to it belongs to the same; a repeated one changes
 * nothing.
 */
static void take_reset(struct openvpn *s, struct budget *memory, unsigned int side,
		       const struct openvpn_packet *p)
{
	struct openvpn_end *end = &s->end[side];
	bool same_session = end->session_known &&
			    memcmp(end->session, p->session, sizeof(p->session)) == 0;
	bool begun = end->begun >> p->key_id & 1;

	if (p->message != 0 || p->payload.len != 0)
		return;
	if (p->opcode == OPENVPN_SOFT_RESET) {
		if (!same_session || (begun && s->current == p->key_id))
			return;
	} else if (same_session && begun) {
		return;
	}
	if (begun || s->conversation[p->key_id] == 0 ||
	    (p->opcode == OPENVPN_SOFT_RESET && s->current != p->key_id))
		key_restart(s, memory, p->key_id);
	session_begin(end, p);
	end_begin(end, memory, p->key_id, 1);
}

/*
 * A message of a key whose reset was not seen: followed only from where TLS begins. (OpenVPN 2.6
 * encrypts the control channel from the second connection on, and its packets must not be misread.)
 */
static bool begin_midway(struct openvpn *s, struct budget *memory, unsigned int side,
			 const struct openvpn_packet *p, struct bytes packet)
{
	unsigned int hmac_len;

	if (!openvpn_begins(packet, &hmac_len) || hmac_len != s->hmac_len)
		return false;
	if (s->conversation[p->key_id] == 0)
		key_restart(s, memory, p->key_id);
	session_begin(&s->end[side], p);
	end_begin(&s->end[side], memory, p->key_id, p->message);
	return true;
}

/* True: the message is the next one. */
static bool take_control(struct openvpn *s, struct budget *memory, unsigned int side,
			 const struct openvpn_packet *p, struct bytes packet)
{
	struct openvpn_end *end = &s->end[side];
	enum order_add added;

	if (end->session_known && memcmp(end->session, p->session, sizeof(p->session)) != 0)
		return false;
	if (!(end->begun >> p->key_id & 1) && !begin_midway(s, memory, side, p, packet))
		return false;
	added = order_add(&end->order[p->key_id], memory, p->message, p->payload);
	if (added != ORDER_IGNORED)
		end->popping = p->key_id + 1;
	return added == ORDER_NOW && p->payload.len > 0;
}

static bool take_packet(struct carrier *c, struct budget *memory, struct bytes in,
			struct carrier_piece *out)
{
	struct openvpn *s = (struct openvpn *)c->state;
	struct openvpn_packet p;
	unsigned int hmac_len;

	if (!s->hmac_known) {
		if (!openvpn_begins(in, &hmac_len))
			return false;
		s->hmac_known = true;
		s->hmac_len = (uint8_t)hmac_len;
	}
	if (!openvpn_parse(in, s->hmac_len, &p))
		return false;
	if (openvpn_is_reset(p.opcode))
		take_reset(s, memory, c->side, &p);
	if (p.opcode != OPENVPN_CONTROL || !take_control(s, memory, c->side, &p, in))
		return false;
	out->bytes = p.payload;
	out->conversation = s->conversation[p.key_id];
	return true;
}

/* What was put back in order, if anything. */
static bool give_held(struct openvpn *s, struct budget *memory, struct carrier_piece *out)
{
	struct openvpn_end *end = &s->end[out->side];

	while (end->popping) {
		if (!order_pop(&end->order[end->popping - 1], memory, &out->bytes)) {
			end->popping = 0;
			break;
		}
		out->conversation = s->conversation[end->popping - 1];
		if (out->bytes.len > 0)
			return true;
	}
	return false;
}

static bool give_ended(struct openvpn *s, struct carrier_piece *out)
{
	if (!s->ended)
		return false;
	out->content = CARRIER_ENDED;
	out->conversation = s->ended;
	s->ended = 0;
	return true;
}

/* The piece is found; what is left is what went missing before it. */
static enum parse give(struct openvpn *s, struct carrier_piece *out)
{
	struct openvpn_end *end = &s->end[out->side];

	for (unsigned int key = 0; key < OPENVPN_KEYS; key++)
		if (s->conversation[key] == out->conversation)
			out->missed = order_missed(&end->order[key]);
	if (end->lost)
		out->missed++;
	end->lost = false;
	return PARSE_OK;
}

/* TCP: the next packet. Data packets, by far the most, are passed over without being gathered. */
static enum parse next_packet(struct openvpn_end *end, struct budget *memory, struct bytes *in,
			      struct bytes *packet)
{
	struct bytes header;
	enum parse result;
	uint8_t opcode;
	size_t len;

	for (;;) {
		len = end->skip < in->len ? end->skip : in->len;
		end->skip -= (uint32_t)len;
		if (!bytes_skip(in, len) || in->len == 0)
			return PARSE_MORE;
		if (end->packet_len) {
			opcode = end->gather.len ? 0 : in->data[0] >> 3;
			if (opcode == OPCODE_DATA_V1 || opcode == OPCODE_DATA_V2) {
				end->skip = end->packet_len;
				end->packet_len = 0;
				continue;
			}
			result = gather_take(&end->gather, memory, in, end->packet_len, packet);
			if (result == PARSE_OK)
				end->packet_len = 0;
			return result;
		}
		result = gather_take(&end->gather, memory, in, 2, &header);
		if (result != PARSE_OK)
			return result;
		if (!bytes_u16(&header, &end->packet_len) || end->packet_len == 0)
			return PARSE_BAD;
		gather_fini(&end->gather, memory);
	}
}

static enum parse next_tcp(struct carrier *c, struct budget *memory, struct carrier_piece *out)
{
	struct openvpn *s = (struct openvpn *)c->state;
	struct bytes packet;
	enum parse result;

	do {
		if (give_ended(s, out))
			return PARSE_OK;
		if (give_held(s, memory, out))
			return give(s, out);
		result = next_packet(&s->end[c->side], memory, &c->in, &packet);
		if (result != PARSE_OK)
			return result;
	} while (!take_packet(c, memory, packet, out));
	return give(s, out);
}

static enum parse next_udp(struct carrier *c, struct budget *memory, struct carrier_piece *out)
{
	struct openvpn *s = (struct openvpn *)c->state;
	struct bytes packet;

	do {
		if (give_ended(s, out))
			return PARSE_OK;
		if (give_held(s, memory, out))
			return give(s, out);
		if (!carrier_take_datagram(c, &packet))
			return PARSE_MORE;
	} while (!take_packet(c, memory, packet, out));
	return give(s, out);
}

/* A gap inside one packet costs that packet. */
static bool lose(struct carrier *c, struct budget *memory, unsigned int side, uint32_t len)
{
	struct openvpn_end *end = &((struct openvpn *)c->state)->end[side];
	uint32_t left = end->skip;

	if (end->packet_len) {
		left = end->packet_len - (end->gather.given ? 0 : end->gather.len);
		end->lost = true;
	}
	if (len > left)
		return false;
	gather_fini(&end->gather, memory);
	end->packet_len = 0;
	end->skip = left - len;
	return true;
}

static void fini(struct carrier *c, struct budget *memory)
{
	struct openvpn *s = (struct openvpn *)c->state;

	for (unsigned int side = 0; side < 2; side++) {
		gather_fini(&s->end[side].gather, memory);
		for (unsigned int key = 0; key < OPENVPN_KEYS; key++)
			order_fini(&s->end[side].order[key], memory);
	}
}

const struct carrier_ops carrier_openvpn_tcp = {
	.name = "openvpn",
	.over = CARRIER_OVER_TCP,
	.state_len = sizeof(struct openvpn),
	.recognise = recognise_tcp,
	.next = next_tcp,
	.lose = lose,
	.fini = fini,
};

const struct carrier_ops carrier_openvpn_udp = {
	.name = "openvpn",
	.over = CARRIER_OVER_UDP,
	.state_len = sizeof(struct openvpn),
	.recognise = recognise_udp,
	.next = next_udp,
	.fini = fini,
};
