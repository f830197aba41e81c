/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/pipeline/datagram.h"

#include <stdlib.h>

#include "parsers/capwap.h"
#include "parsers/dtls.h"
#include "parsers/quic.h"
#include "parsers/turn.h"
#include "userspace/handshake/handshake.h"
#include "userspace/handshake/handshake_dtls.h"
#include "userspace/handshake/handshake_keys.h"
#include "userspace/handshake/keys.h"
#include "userspace/pipeline/carriage.h"

#define QUIC_HELD_WITHOUT_KEYS 4096u

/* What a flow of datagrams carries. */
struct datagrams {
	struct quic *quic;                /* QUIC ... */
	uint32_t quic_restarts;
	bool quic_closed;                 /* its handshake was told whole: what comes of it later is no other */
	struct dtls_reader *dtls[2];      /* ... or DTLS, by side */
	uint32_t dtls_handshakes;
	bool dtls_closed;                 /* a handshake was told whole: what comes again of it is no other */
};

/* What one datagram is; the inner one where something is around it. */
struct recognised {
	bool quic, dtls;
	bool begins;                      /* may begin a flow; else it only goes on with one */
	const char *carrier;
	struct bytes inner;
};

static bool recognise_dtls(struct bytes in, const char *carrier, struct recognised *r)
{
	if (in.len < DTLS_RECORD_HEADER_LEN || !dtls_continues(in))
		return false;
	*r = (struct recognised){ .dtls = true, .begins = dtls_begins(in), .carrier = carrier, .inner = in };
	return true;
}

/* A long header's version. RFC 9287 may clear the bit that else tells more, but not at a connection's beginning. */
static bool quic_version_met(struct bytes in)
{
	uint32_t version;

	if (!bytes_skip(&in, 1) || !bytes_u32(&in, &version))
		return false;
	return version == QUIC_V1 || version == QUIC_V2 || version >> 8 == QUIC_DRAFT_29 >> 8;
}

static bool recognise(struct bytes in, struct recognised *r)
{
	struct bytes inner;

	if (in.len < DTLS_RECORD_HEADER_LEN)
		return false;
	if (recognise_dtls(in, NULL, r))
		return true;
	if (in.data[0] & 0x80 && quic_version_met(in)) {
		*r = (struct recognised){ .quic = true, .begins = quic_begins(in), .inner = in };
		return true;
	}
	if (turn_unwrap(in, &inner))
		return recognise_dtls(inner, "turn", r);
	if (capwap_dtls_unwrap(in, &inner))
		return recognise_dtls(inner, "capwap", r);
	return false;
}

static bool make_state(struct tracker *t, struct flow *flow, const struct recognised *r)
{
	struct datagrams *d = calloc(1, sizeof(*d));
	unsigned int i;

	if (!d)
		return false;
	flow->datagrams = d;
	if (r->carrier)
		flow->carrier = r->carrier;
	if (r->quic) {
		d->quic = quic_new(t->quic, &t->memory, t->limits.message,
				   t->keys || t->caught ? QUIC_HELD_MAX : QUIC_HELD_WITHOUT_KEYS);
		return d->quic != NULL;
	}
	for (i = 0; i < 2; i++) {
		d->dtls[i] = malloc(sizeof(*d->dtls[i]));
		if (!d->dtls[i])
			return false;
		dtls_reader_init(d->dtls[i], t->limits.message);
	}
	return true;
}

static bool handshake_ensure(struct tracker *t, struct flow *flow, const struct segment *segment,
			     enum tls_protocol protocol)
{
	if (flow->handshake)
		return true;
	flow->handshake = handshake_new(t, flow, segment);
	if (!flow->handshake)
		return false;
	flow->handshake->s.protocol = protocol;
	flow->handshake->s.carrier = flow->carrier ? flow->carrier : "plain";
	flow->handshake->quic = flow->datagrams->quic;
	return true;
}

/* Nothing more will be learned: no key can come, or both sides are over. */
static void close_if_over(struct tracker *t, struct flow *flow)
{
	struct handshake *h = flow->handshake;

	if (!h || !handshake_settled(h))
		return;
	flow->datagrams->dtls_closed = flow->datagrams->quic_closed = true;
	handshake_close(t, flow);
}

/* Datagrams come twice, and late: only a hello begins a handshake where one was. */
static bool begins_none(const struct flow *flow, const struct tls_item *item)
{
	bool hello = item->kind == TLS_ITEM_MESSAGE &&
		     (item->type == TLS_CLIENT_HELLO || item->type == TLS_SERVER_HELLO);

	return item->kind == TLS_ITEM_ENCRYPTED || (flow->datagrams->dtls_closed && !hello);
}

static void take_dtls(struct tracker *t, struct flow *flow, unsigned int side, struct bytes in,
		      bool opened, const struct segment *segment)
{
	struct dtls_reader *r = flow->datagrams->dtls[side];
	struct tls_item item;
	enum parse result;

	while ((result = dtls_reader_next(r, &t->memory, &in, &item)) != PARSE_MORE) {
		if (result == PARSE_BAD)
			continue;
		/* The same ends begin anew: another random in a hello. */
		if (r->handshakes != flow->datagrams->dtls_handshakes) {
			flow->datagrams->dtls_handshakes = r->handshakes;
			dtls_reader_restart(flow->datagrams->dtls[!side], &t->memory);
			if (flow->handshake)
				handshake_close(t, flow);
		}
		if (!flow->handshake && begins_none(flow, &item))
			continue;
		if (!handshake_ensure(t, flow, segment, PROTOCOL_DTLS)) {
			dtls_reader_leave(r);
			return;
		}
		item.opened = opened;
		handshake_item(t, flow, side, &item, segment);
	}
}

static void take_quic(struct tracker *t, struct flow *flow, unsigned int side, struct bytes in,
		      const struct segment *segment)
{
	struct quic *q = flow->datagrams->quic;
	struct tls_item item;
	unsigned int from;

	if (in.len)
		quic_datagram(q, &t->memory, side, in);
	while (quic_next(q, &t->memory, &from, &item)) {
		if (quic_restarts(q) != flow->datagrams->quic_restarts) {
			flow->datagrams->quic_restarts = quic_restarts(q);
			flow->datagrams->quic_closed = false;
			if (flow->handshake)
				handshake_close(t, flow);
		}
		if (flow->datagrams->quic_closed)
			continue;
		if (!handshake_ensure(t, flow, segment, PROTOCOL_QUIC))
			return;
		item.opened = item.type != TLS_CLIENT_HELLO && item.type != TLS_SERVER_HELLO;
		handshake_item(t, flow, from, &item, segment);
	}
	if (flow->handshake && handshake_keys_quic_arrived(t, flow->handshake))
		take_quic(t, flow, side, bytes_of(NULL, 0), segment);
}

/* The record at the front alone; where none begins there, all that is left. */
static struct bytes take_record(struct bytes *in)
{
	struct bytes rest = *in, one;
	struct dtls_record record;

	if (!dtls_record_next(&rest, &record))
		rest = bytes_of(in->data + in->len, 0);
	one = bytes_of(in->data, in->len - rest.len);
	*in = rest;
	return one;
}

/* The next record: what can be opened of DTLS 1.3 is read like records in clear, what may be opened later is held. */
static void take_dtls_record(struct tracker *t, struct flow *flow, unsigned int side, struct bytes *in,
			     const struct segment *segment)
{
	uint8_t buffer[DTLS_OPENED_MAX];
	struct bytes clear;

	if (flow->handshake && handshake_dtls_open(t, flow->handshake, side, in, buffer, &clear))
		take_dtls(t, flow, side, clear, true, segment);
	else if (!flow->handshake || !handshake_dtls_hold(t, flow->handshake, side, in))
		take_dtls(t, flow, side, take_record(in), false, segment);
}

/* Reads what a side held, if the ServerHello and the key are there. */
static void take_dtls_held(struct tracker *t, struct flow *flow, unsigned int side,
			   const struct segment *segment)
{
	struct bytes held, record;
	uint8_t *data;

	if (!flow->handshake || !handshake_keys_arrived(t, flow->handshake, side, &data, &held))
		return;
	while (handshake_dtls_held_next(&held, &record))
		while (record.len)
			take_dtls_record(t, flow, side, &record, segment);
	free(data);
}

static void take_dtls_datagram(struct tracker *t, struct flow *flow, unsigned int side,
			       struct bytes in, const struct segment *segment)
{
	for (;;) {
		take_dtls_held(t, flow, side, segment);
		take_dtls_held(t, flow, !side, segment);
		if (!in.len)
			return;
		take_dtls_record(t, flow, side, &in, segment);
	}
}

/* Gives what was recognised to the flow's reader, made if there is none. */
static void take_recognised(struct tracker *t, struct flow *flow, unsigned int side,
			    const struct recognised *r, const struct segment *segment)
{
	if (!flow->datagrams && (!r->begins || !make_state(t, flow, r))) {
		t->counters.no_memory += r->begins;
		return;
	}
	if (segment->payload_cut)
		flow->side[side].cut = true;
	flow->side[side].data_seen = true;
	if (flow->datagrams->quic && r->quic)
		take_quic(t, flow, side, r->inner, segment);
	else if (flow->datagrams->dtls[1] && r->dtls)
		take_dtls_datagram(t, flow, side, r->inner, segment);
	close_if_over(t, flow);
}

void datagram_inside(struct tracker *t, struct flow *flow, unsigned int side, struct bytes in,
		     const struct segment *segment)
{
	struct recognised r;

	if (recognise(in, &r))
		take_recognised(t, flow, side, &r, segment);
}

/* Does a carrier begin with this datagram? */
static bool begin_carrier(struct tracker *t, const struct segment *segment)
{
	static const enum carrier_over overs[NUM_TRANSPORTS] = {
		[TRANSPORT_UDP] = CARRIER_OVER_UDP,
		[TRANSPORT_SCTP] = CARRIER_OVER_SCTP,
		[TRANSPORT_EAPOL] = CARRIER_OVER_EAPOL,
	};
	enum carrier_over over = overs[segment->transport];
	const struct carrier_ops *ops;
	struct flow *flow;
	unsigned int side;

	if (!segment->payload.len || carrier_recognise(over, segment->payload, &ops) != PARSE_OK)
		return false;
	flow = flow_table_get(t->flows, segment, &side);
	if (!flow || flow->datagrams || flow->carriage ||
	    carriage_begin(t, flow, over, segment->payload) != PARSE_OK)
		return false;
	flow->last_s = (uint32_t)(segment->time_ns / 1000000000u);
	t->datagram_carriers = true;
	carriage_bytes(t, flow, side, segment->payload, segment);
	return true;
}

/*
 * A flow is made only for what begins one of ours. Only where carriers were met are all other datagrams looked
 * up: their packets do not show what they are.
 */
void datagram_segment(struct tracker *t, const struct segment *segment)
{
	struct recognised r = { 0 };
	bool recognised = segment->transport == TRANSPORT_UDP && recognise(segment->payload, &r);
	struct flow *flow = NULL;
	unsigned int side;

	if (r.begins)
		flow = flow_table_get(t->flows, segment, &side);
	else if (recognised || t->datagram_carriers)
		flow = flow_table_find(t->flows, segment, &side);
	if (!flow) {
		begin_carrier(t, segment);
		return;
	}
	flow->last_s = (uint32_t)(segment->time_ns / 1000000000u);
	if (segment->owner)
		flow_own(flow, segment->owner_is_src ? side : !side, segment->owner);
	if (flow->carriage)
		carriage_bytes(t, flow, side, segment->payload, segment);
	else if (recognised)
		take_recognised(t, flow, side, &r, segment);
}

void datagram_keys_arrived(struct tracker *t, struct flow *flow)
{
	struct segment segment = { .time_ns = flow->handshake ? flow->handshake->s.end_ns : 0 };

	if (flow->handshake && flow->datagrams->quic && handshake_keys_quic_arrived(t, flow->handshake))
		take_quic(t, flow, 0, bytes_of(NULL, 0), &segment);
	else if (flow->datagrams->dtls[1])
		take_dtls_datagram(t, flow, 0, bytes_of(NULL, 0), &segment);
	close_if_over(t, flow);
}

/* What the server's side did not show whole. */
static void note_missing(struct tracker *t, struct flow *flow)
{
	struct handshake *h = flow->handshake;
	struct datagrams *d = flow->datagrams;
	uint32_t have, total, from, to;
	unsigned int side;
	uint8_t type;

	for (side = 0; side < 2; side++) {
		if (d->quic && quic_missing(d->quic, side))
			handshake_missed(t, h, side, 0, 0);
		if (d->dtls[side] && dtls_reader_gap(d->dtls[side]))
			handshake_missed(t, h, side, 0, 0);
		if (!d->dtls[side] || !dtls_reader_unfinished(d->dtls[side], &type, &have, &total))
			continue;
		if (type == TLS_CERTIFICATE)
			handshake_keep_partial(t, h, side, dtls_reader_gathered(d->dtls[side], &t->memory));
		if (dtls_reader_missing(d->dtls[side], 0, &from, &to))
			handshake_missed(t, h, side, from, to);
	}
}

void datagram_close(struct tracker *t, struct flow *flow)
{
	struct datagrams *d = flow->datagrams;
	struct segment segment = { .time_ns = (uint64_t)flow->last_s * 1000000000u };
	unsigned int i;

	if (!d)
		return;
	if (flow->handshake) {
		segment.time_ns = flow->handshake->s.end_ns;
		if (d->quic)
			take_quic(t, flow, 0, bytes_of(NULL, 0), &segment);
		else if (d->dtls[1])
			take_dtls_datagram(t, flow, 0, bytes_of(NULL, 0), &segment);
	}
	if (flow->handshake) {
		note_missing(t, flow);
		handshake_close(t, flow);
	}
	if (d->quic)
		quic_free(d->quic, &t->memory);
	for (i = 0; i < 2; i++) {
		if (d->dtls[i]) {
			dtls_reader_fini(d->dtls[i], &t->memory);
			t->counters.dtls_given_up += d->dtls[i]->dropped;
		}
		free(d->dtls[i]);
	}
	free(d);
	flow->datagrams = NULL;
}
