/* SPDX-License-Identifier: Apache-2.0 */
/*
 * EAP in RADIUS (RFC 3579), on any port. One pair of ports carries many conversations at once. A
 * Challenge answers the Request of the same identifier (RFC 2865 section 3), and the next Request
 * repeats the Challenge's State attribute (section 5.24): so the packets of a conversation follow
 * each other.
 */
#include "parsers/carrier_types.h"
#include "parsers/eap.h"

#define ACCESS_REQUEST 1
#define ACCESS_ACCEPT 2
#define ACCESS_REJECT 3
#define ACCESS_CHALLENGE 11
#define PACKET_MIN 20
#define PACKET_MAX 4096
#define AUTHENTICATOR_LEN 16
#define ATTRIBUTE_STATE 24
#define ATTRIBUTE_EAP_MESSAGE 79
#define ATTRIBUTE_MESSAGE_AUTHENTICATOR 80
#define CONVERSATIONS_MAX 64

struct radius_packet {
	uint8_t code, identifier;
	struct bytes authenticator, state, attributes;
	uint32_t eap_len;
};

struct conversation {
	struct eap_tls eap;
	uint64_t state;                 /* a hash of the last State attribute; 0: none */
	uint32_t number;                /* 0: the slot is free */
	uint32_t used;                  /* the count of packets when it was last used */
	uint8_t authenticator[AUTHENTICATOR_LEN]; /* of the last Request */
	uint8_t identifier;             /* of the last Request */
};

struct radius {
	struct conversation conversations[CONVERSATIONS_MAX];
	uint32_t num_conversations, num_packets;
	uint32_t ended;                 /* a conversation to be reported as ended, or 0 */
	uint8_t eap[PACKET_MAX];
};

static bool next_attribute(struct bytes *in, uint8_t *type, struct bytes *value)
{
	uint8_t len;

	return bytes_u8(in, type) && bytes_u8(in, &len) && len >= 2 && *type != 0 &&
	       bytes_take(in, len - 2u, value);
}

/*
 * All attributes must fit exactly; one must hold EAP, one must authenticate it (RFC 3579 section
 * 3.2).
 */
static bool parse_attributes(struct radius_packet *p)
{
	struct bytes rest = p->attributes, value;
	bool authenticated = false;
	uint8_t type;

	while (rest.len > 0) {
		if (!next_attribute(&rest, &type, &value))
			return false;
		if (type == ATTRIBUTE_STATE)
			p->state = value;
		else if (type == ATTRIBUTE_EAP_MESSAGE)
			p->eap_len += (uint32_t)value.len;
		else if (type == ATTRIBUTE_MESSAGE_AUTHENTICATOR)
			authenticated = value.len == 16;
	}
	return authenticated && p->eap_len > 0;
}

static bool parse_packet(struct bytes in, struct radius_packet *out)
{
	struct radius_packet p = { 0 };
	size_t total = in.len;
	uint16_t len;

	if (!bytes_u8(&in, &p.code) ||
	    (p.code != ACCESS_REQUEST && p.code != ACCESS_ACCEPT && p.code != ACCESS_REJECT &&
	     p.code != ACCESS_CHALLENGE))
		return false;
	if (!bytes_u8(&in, &p.identifier) || !bytes_u16(&in, &len) || len != total ||
	    len < PACKET_MIN || len > PACKET_MAX ||
	    !bytes_take(&in, AUTHENTICATOR_LEN, &p.authenticator))
		return false;
	p.attributes = in;
	if (!parse_attributes(&p))
		return false;
	*out = p;
	return true;
}

/* EAP in its pieces of at most 253 bytes, joined. `buffer` holds as much as a packet. */
static bool join_eap(const struct radius_packet *p, uint8_t *buffer, struct eap_packet *out)
{
	struct bytes rest = p->attributes, value;
	size_t len = 0;
	uint8_t type;

	while (rest.len > 0 && next_attribute(&rest, &type, &value)) {
		if (type != ATTRIBUTE_EAP_MESSAGE || value.len == 0)
			continue;
		memcpy(buffer + len, value.data, value.len);
		len += value.len;
	}
	return eap_parse(bytes_of(buffer, len), out);
}

/* Do code and EAP agree? A peer's Response goes to the server, all else comes from there. */
static bool agree(const struct radius_packet *p, const struct eap_packet *eap)
{
	switch (p->code) {
	case ACCESS_REQUEST:
		return eap->code == EAP_RESPONSE;
	case ACCESS_CHALLENGE:
		return eap->code == EAP_REQUEST;
	default:
		return eap->code == EAP_SUCCESS || eap->code == EAP_FAILURE;
	}
}

static enum parse recognise(struct bytes head)
{
	uint8_t buffer[PACKET_MAX];
	struct radius_packet p;
	struct eap_packet eap;

	return parse_packet(head, &p) && join_eap(&p, buffer, &eap) && agree(&p, &eap) ?
		       PARSE_OK : PARSE_BAD;
}

/*
 * FNV-1a. An attacker who makes two States collide mixes up no conversations but those on his own
 * ports.
 */
static uint64_t state_hash(struct bytes in)
{
	uint64_t hash = 0xcbf29ce484222325u;

	if (in.len == 0)
		return 0;
	for (size_t i = 0; i < in.len; i++)
		hash = (hash ^ in.data[i]) * 0x100000001b3u;
	return hash ? hash : 1;
}

static struct conversation *begin(struct radius *s)
{
	struct conversation *c = &s->conversations[0], *at;

	for (at = s->conversations; at < s->conversations + CONVERSATIONS_MAX; at++)
		if (at->number == 0 || (c->number != 0 && at->used < c->used))
			c = at;
	s->ended = c->number;
	*c = (struct conversation){ .number = ++s->num_conversations };
	return c;
}

static bool is_repeated(const struct conversation *c, const struct radius_packet *p)
{
	return c->identifier == p->identifier &&
	       memcmp(c->authenticator, p->authenticator.data, AUTHENTICATOR_LEN) == 0;
}

/*
 * The conversation a Request belongs to, a new one if need be; NULL: the Request was seen before.
 */
static struct conversation *find_for_request(struct radius *s, const struct radius_packet *p)
{
	struct conversation *c, *found = NULL;
	uint64_t hash = state_hash(p->state);

	for (c = s->conversations; c < s->conversations + CONVERSATIONS_MAX; c++) {
		if (c->number == 0)
			continue;
		if (is_repeated(c, p))
			return NULL;
		if (hash && c->state == hash)
			found = c;
	}
	if (!found)
		found = begin(s);
	found->identifier = p->identifier;
	memcpy(found->authenticator, p->authenticator.data, AUTHENTICATOR_LEN);
	return found;
}

/* The conversation that an answer belongs to: that of the latest Request with its identifier. */
static struct conversation *find_for_answer(struct radius *s, const struct radius_packet *p)
{
	struct conversation *c, *found = NULL;

	for (c = s->conversations; c < s->conversations + CONVERSATIONS_MAX; c++)
		if (c->number && c->identifier == p->identifier &&
		    (!found || c->used > found->used))
			found = c;
	if (found && p->code == ACCESS_CHALLENGE)
		found->state = state_hash(p->state);
	return found;
}

/* What the packet's EAP means for its conversation. True: *out is a piece. */
static bool take_eap(struct radius *s, struct conversation *c, const struct eap_packet *eap,
		     struct carrier_piece *out)
{
	bool offered_before = c->eap.method != 0;
	struct eap_tls_piece piece;

	out->conversation = c->number;
	switch (eap_tls_feed(&c->eap, eap, &piece)) {
	case EAP_TLS_BYTES:
		out->bytes = piece.tls;
		out->missed = piece.missed;
		return true;
	case EAP_TLS_ENDS:
		out->content = CARRIER_ENDED;
		*c = (struct conversation){ 0 };
		return true;
	case EAP_TLS_BEGINS:
		if (!offered_before)
			break;
		/* A second method after a first one: another TLS connection. */
		s->ended = c->number;
		c->number = ++s->num_conversations;
		break;
	case EAP_TLS_NOTHING:
		break;
	}
	return false;
}

static bool take_packet(struct radius *s, struct bytes in, struct carrier_piece *out)
{
	struct conversation *c;
	struct radius_packet p;
	struct eap_packet eap;

	if (!parse_packet(in, &p) || !join_eap(&p, s->eap, &eap) || !agree(&p, &eap))
		return false;
	c = p.code == ACCESS_REQUEST ? find_for_request(s, &p) : find_for_answer(s, &p);
	if (!c)
		return false;
	c->used = ++s->num_packets;
	return take_eap(s, c, &eap, out);
}

static enum parse next(struct carrier *c, struct budget *memory, struct carrier_piece *out)
{
	struct radius *s = (struct radius *)c->state;
	struct bytes packet;

	(void)memory;
	if (!s->ended && carrier_take_datagram(c, &packet) && take_packet(s, packet, out))
		return PARSE_OK;
	if (!s->ended)
		return PARSE_MORE;
	out->content = CARRIER_ENDED;
	out->conversation = s->ended;
	s->ended = 0;
	return PARSE_OK;
}

const struct carrier_ops carrier_radius = {
	.name = "radius-eap",
	.over = CARRIER_OVER_UDP,
	.state_len = sizeof(struct radius),
	.recognise = recognise,
	.next = next,
};
