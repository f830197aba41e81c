/* SPDX-License-Identifier: Apache-2.0 */
/*
 * EAP in EAPOL frames (IEEE 802.1X), between two stations. Recognised by the first packet of a
 * method that carries TLS. Either end may be the peer (a device may authenticate the network's in
 * turn), so there are up to two conversations at once; the direction of a packet says whose it is.
 */
#include "parsers/carrier_types.h"
#include "parsers/eap.h"

struct conversation {
	struct eap_tls eap;
	uint32_t num_before;    /* ended ones */
	bool given;             /* there was a piece of this one */
};

struct eapol {
	struct conversation of_peer[2];  /* by the side that sends the Responses */
};

static bool parse_frame(struct bytes frame, struct eap_packet *out)
{
	struct bytes eap;

	return eap_eapol(frame, &eap) && eap_parse(eap, out);
}

static enum parse recognise(struct bytes head)
{
	struct eap_tls eap = { 0 };
	struct eap_packet packet;
	struct eap_tls_piece piece;

	if (!parse_frame(head, &packet))
		return PARSE_BAD;
	switch (eap_tls_feed(&eap, &packet, &piece)) {
	case EAP_TLS_BEGINS:
	case EAP_TLS_BYTES:
		return PARSE_OK;
	case EAP_TLS_NOTHING:
	case EAP_TLS_ENDS:
		break;
	}
	return PARSE_BAD;
}

/* True: *out tells of an end. */
static bool end_conversation(struct conversation *c, struct carrier_piece *out)
{
	bool given = c->given;

	c->num_before += given;
	c->given = false;
	out->content = CARRIER_ENDED;
	return given;
}

static enum parse next(struct carrier *c, struct budget *memory, struct carrier_piece *out)
{
	struct eapol *s = (struct eapol *)c->state;
	struct conversation *conversation;
	struct eap_tls_piece piece;
	struct eap_packet packet;
	unsigned int peer;
	struct bytes frame;

	(void)memory;
	if (!carrier_take_datagram(c, &frame) || !parse_frame(frame, &packet))
		return PARSE_MORE;
	peer = packet.code == EAP_RESPONSE ? c->side : !c->side;
	conversation = &s->of_peer[peer];
	out->conversation = 2 * conversation->num_before + peer;
	switch (eap_tls_feed(&conversation->eap, &packet, &piece)) {
	case EAP_TLS_BYTES:
		conversation->given = true;
		out->bytes = piece.tls;
		out->missed = piece.missed;
		return PARSE_OK;
	case EAP_TLS_BEGINS:
	case EAP_TLS_ENDS:
		return end_conversation(conversation, out) ? PARSE_OK : PARSE_MORE;
	case EAP_TLS_NOTHING:
		break;
	}
	return PARSE_MORE;
}

const struct carrier_ops carrier_eapol = {
	.name = "eap",
	.over = CARRIER_OVER_EAPOL,
	.state_len = sizeof(struct eapol),
	.recognise = recognise,
	.next = next,
};
