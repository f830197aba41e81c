/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/conversation.h"

#include <stdlib.h>

#include "parsers/tls_find.h"
#include "parsers/tls_hello.h"
#include "userspace/handshake.h"

#define SEARCH_BYTES 65536u      /* looked through from a direction's beginning; then heads of segments only */
#define HOLD_BYTES 16384u        /* held while it is not known where a direction begins */
#define HOLD_RANGES 8
#define TAIL_MAX 80              /* bytes that may still turn out to begin TLS */
#define SYN_WINDOW 65536u        /* data this close behind a SYN belongs to it */
#define REPEAT_WINDOW (1u << 20) /* a hello further back than this is no retransmission */

#define IDLE_CLOSING_S 2         /* after FIN from both, or RST */
#define IDLE_MISSED_S 5          /* bytes of a handshake are known to be missing */
#define IDLE_READING_S 60
#define IDLE_OTHER_S 300

static void side_bytes(struct tracker *t, struct flow *flow, unsigned int side, struct bytes in,
		       const struct segment *segment);
static void side_drain(struct tracker *t, struct flow *flow, unsigned int side,
		       const struct segment *segment);

static bool reads_in_order(const struct side *s)
{
	return s->state == SIDE_SEARCHING || s->state == SIDE_READING;
}

static void drop_tail(struct side *s)
{
	free(s->tail);
	s->tail = NULL;
	s->tail_len = 0;
}

/* The direction begins at `seq`, with nothing known. */
static void side_begin(struct tracker *t, struct side *s, uint32_t seq)
{
	stream_fini(&s->stream, &t->memory);
	stream_init(&s->stream, seq);
	drop_tail(s);
	s->first_seq = seq;
	s->searched = 0;
	s->state = SIDE_SEARCHING;
}

/* Nothing but the heads of segments is looked at from now on. */
static void side_rest(struct tracker *t, struct side *s, enum side_state state)
{
	uint32_t next = s->stream.next;

	stream_fini(&s->stream, &t->memory);
	stream_init(&s->stream, next);
	drop_tail(s);
	s->state = (uint8_t)state;
}

static void close_if_settled(struct tracker *t, struct flow *flow)
{
	if (!flow->handshake || !handshake_settled(flow->handshake))
		return;
	handshake_close(t, flow);
	side_rest(t, &flow->side[0], SIDE_DONE);
	side_rest(t, &flow->side[1], SIDE_DONE);
}

static bool handshake_ensure(struct tracker *t, struct flow *flow, const struct segment *segment)
{
	unsigned int i;

	if (flow->handshake)
		return true;
	flow->handshake = handshake_new(t, flow, segment);
	if (!flow->handshake)
		return false;
	for (i = 0; i < 2; i++)
		if (flow->side[i].syn_seen && !flow->side[!i].syn_seen)
			flow->handshake->opener_side = (uint8_t)i;
	return true;
}

/* A ClientHello was found on `side`: the answer begins at its acknowledgement number. */
static void expect_answer(struct tracker *t, struct flow *flow, unsigned int side,
			  const struct segment *segment)
{
	struct side *peer = &flow->side[!side];

	if (!(segment->flags & TCP_ACK) || peer->state == SIDE_READING)
		return;
	/* What is held may be the answer, come too early: keep it. */
	if (peer->state == SIDE_HOLDING || peer->state == SIDE_SEARCHING) {
		if (!seq_before(segment->ack, peer->stream.next)) {
			stream_skip(&peer->stream, &t->memory, segment->ack);
			drop_tail(peer);
		} else if (peer->state == SIDE_SEARCHING && peer->stream.next != segment->ack) {
			return;
		}
		peer->first_seq = segment->ack;
		peer->searched = 0;
		peer->state = SIDE_SEARCHING;
		side_drain(t, flow, !side, segment);
		return;
	}
	/* Already past it: the answer came before the question, and was looked at by its head. */
	if (peer->state != SIDE_NEW && seq_before(segment->ack, peer->stream.next))
		return;
	side_begin(t, peer, segment->ack);
}

static void read_tls(struct tracker *t, struct flow *flow, unsigned int side, struct bytes in,
		     const struct segment *segment)
{
	struct handshake *h = flow->handshake;
	struct tls_item item;
	enum parse result;

	while ((result = tls_reader_next(&h->reader[side], &t->memory, &in, &item)) == PARSE_OK) {
		if (handshake_item(t, flow, side, &item, segment) == HANDSHAKE_SIDE_OVER) {
			side_rest(t, &flow->side[side], SIDE_DONE);
			return;
		}
	}
	if (result == PARSE_BAD) {
		handshake_malformed(h, side, h->reader[side].why);
		side_rest(t, &flow->side[side], SIDE_DONE);
	}
}

/* The SSL 2.0 format has no records: one message, then records follow. Returns false: not whole yet. */
static bool read_sslv2_hello(struct tracker *t, struct flow *flow, unsigned int side,
			     struct bytes *in, const struct segment *segment)
{
	struct tls_client_hello hello;

	if (tls_sslv2_hello_parse(in, &hello) != PARSE_OK)
		return false;
	handshake_client_hello(t, flow, side, &hello, segment);
	return true;
}

/* TLS begins at the front of `in`. */
static void begin_tls(struct tracker *t, struct flow *flow, unsigned int side,
		      enum tls_found found, struct bytes in, const struct segment *segment)
{
	struct side *s = &flow->side[side];

	if (!handshake_ensure(t, flow, segment))
		return;
	s->state = SIDE_READING;
	/* in.data lies at the end of what has passed in order. */
	s->first_seq = s->stream.next - (uint32_t)in.len;
	if (found == TLS_FOUND_SSLV2_HELLO && !read_sslv2_hello(t, flow, side, &in, segment)) {
		handshake_malformed(flow->handshake, side, "SSL 2.0 ClientHello cannot be read");
		side_rest(t, s, SIDE_DONE);
		return;
	}
	read_tls(t, flow, side, in, segment);
	/* Only then: an answer that came too early is read after its question. */
	if (found == TLS_FOUND_CLIENT_HELLO || found == TLS_FOUND_SSLV2_HELLO)
		expect_answer(t, flow, side, segment);
}

/* What a head may show counts only where it fits what is known of the connection. */
static bool head_counts(const struct flow *flow, const struct side *s, enum tls_found found)
{
	switch (found) {
	case TLS_FOUND_ALERT:
		return flow->handshake != NULL;
	case TLS_FOUND_ENCRYPTED:
		return !flow->handshake && !s->syn_seen && s->searched == 0;
	case TLS_FOUND_OTHER_HANDSHAKE:
		return flow->handshake || s->searched == 0;
	default:
		return true;
	}
}

static void keep_tail(struct side *s, struct bytes in)
{
	if (in.len > TAIL_MAX)
		return;
	if (!s->tail)
		s->tail = malloc(TAIL_MAX);
	if (!s->tail)
		return;
	memmove(s->tail, in.data, in.len);
	s->tail_len = (uint8_t)in.len;
}

static void begin_found(struct tracker *t, struct flow *flow, unsigned int side,
			enum tls_found found, struct bytes in, const struct segment *segment)
{
	if (found == TLS_FOUND_ENCRYPTED) {
		if (!handshake_ensure(t, flow, segment))
			return;
		handshake_midstream(t, flow, side);
		close_if_settled(t, flow);
		return;
	}
	begin_tls(t, flow, side, found, in, segment);
}

/* Looks for TLS in bytes that are next in order and have no remembered tail before them. */
static void search(struct tracker *t, struct flow *flow, unsigned int side, struct bytes in,
		   const struct segment *segment)
{
	struct side *s = &flow->side[side];
	enum tls_found found;
	enum parse result;
	size_t at = 0;

	result = tls_head(in, &found);
	if (result == PARSE_OK && head_counts(flow, s, found)) {
		begin_found(t, flow, side, found, in, segment);
		return;
	}
	result = tls_find(in, &at, &found);
	s->searched += (uint32_t)in.len;
	if (result == PARSE_OK)
		begin_tls(t, flow, side, found, bytes_of(in.data + at, in.len - at), segment);
	else if (result == PARSE_MORE)
		keep_tail(s, bytes_of(in.data + at, in.len - at));
	else if (s->searched > SEARCH_BYTES)
		side_rest(t, s, SIDE_PASSED);
}

/*
 * The bytes kept before `in` may begin TLS together with it: looks at both joined, and then hands `in` on.
 */
static void search_joined(struct tracker *t, struct flow *flow, unsigned int side, struct bytes in,
			  const struct segment *segment)
{
	struct side *s = &flow->side[side];
	uint8_t joined[2 * TAIL_MAX];
	size_t tail_len = s->tail_len, len = in.len < TAIL_MAX ? in.len : TAIL_MAX, at = 0;
	enum tls_found found;
	enum parse result;
	struct bytes rest;

	memcpy(joined, s->tail, tail_len);
	memcpy(joined + tail_len, in.data, len);
	drop_tail(s);
	result = tls_find(bytes_of(joined, tail_len + len), &at, &found);
	if (result == PARSE_BAD || at >= tail_len) {
		search(t, flow, side, in, segment);
		return;
	}
	if (result == PARSE_MORE) {
		/* All of `in` is inside, for a beginning is never longer than a tail. */
		keep_tail(s, bytes_of(joined + at, tail_len + len - at));
		if (!s->tail_len)
			search(t, flow, side, in, segment);
		return;
	}
	rest = bytes_of(joined + at, tail_len - at);
	if (!handshake_ensure(t, flow, segment))
		return;
	s->state = SIDE_READING;
	s->first_seq = s->stream.next - (uint32_t)(in.len + rest.len);
	read_tls(t, flow, side, rest, segment);
	side_bytes(t, flow, side, in, segment);
	if (found == TLS_FOUND_CLIENT_HELLO)
		expect_answer(t, flow, side, segment);
}

/* Bytes that are next in order. */
static void side_bytes(struct tracker *t, struct flow *flow, unsigned int side, struct bytes in,
		       const struct segment *segment)
{
	struct side *s = &flow->side[side];

	if (in.len == 0)
		return;
	if (s->state == SIDE_READING && flow->handshake)
		read_tls(t, flow, side, in, segment);
	else if (s->state == SIDE_SEARCHING && s->tail_len)
		search_joined(t, flow, side, in, segment);
	else if (s->state == SIDE_SEARCHING)
		search(t, flow, side, in, segment);
}

/* Hands on what has become next in order. */
static void side_drain(struct tracker *t, struct flow *flow, unsigned int side,
		       const struct segment *segment)
{
	struct side *s = &flow->side[side];
	struct stream_range *range;
	struct bytes now;

	while (reads_in_order(s) && (range = stream_pop(&s->stream, &now))) {
		side_bytes(t, flow, side, now, segment);
		stream_range_free(range, &t->memory);
	}
}

/*
 * The bytes before what is held will not come. While reading TLS that is a loss: reading goes on behind it where the
 * records still tell how, else the next beginning is looked for.
 */
static void side_give_up_gap(struct tracker *t, struct flow *flow, unsigned int side,
			     const struct segment *segment)
{
	struct side *s = &flow->side[side];
	uint32_t gap = stream_gap(&s->stream), from = s->stream.next - s->first_seq;

	if (!gap)
		return;
	stream_skip(&s->stream, &t->memory, s->stream.next + gap);
	drop_tail(s);
	if (flow->handshake && s->state == SIDE_READING) {
		s->missed = true;
		handshake_missed(flow->handshake, side, from, (uint64_t)from + gap);
		if (!tls_reader_lose(&flow->handshake->reader[side], &t->memory, gap)) {
			tls_reader_fini(&flow->handshake->reader[side], &t->memory);
			tls_reader_init(&flow->handshake->reader[side], t->limits.message);
			s->state = SIDE_SEARCHING;
		}
	} else if (flow->handshake && s->state == SIDE_SEARCHING) {
		s->missed = true;
		handshake_missed(flow->handshake, side, from, (uint64_t)from + gap);
	}
	side_drain(t, flow, side, segment);
}

/* Reads all that is held, gaps or not. */
static void side_flush(struct tracker *t, struct flow *flow, unsigned int side,
		       const struct segment *segment)
{
	struct side *s = &flow->side[side];

	if (s->state == SIDE_HOLDING) {
		s->state = SIDE_SEARCHING;
		s->stream.next += stream_gap(&s->stream);
		s->first_seq = s->stream.next;
		side_drain(t, flow, side, segment);
	}
	while (reads_in_order(s) && stream_gap(&s->stream))
		side_give_up_gap(t, flow, side, segment);
}

/* A hello at the head of a segment that lies beyond a gap in text we do not need: begin there. */
static bool hello_beyond_gap(const struct side *s, const struct segment *segment, uint32_t seq)
{
	enum tls_found found;

	return s->state == SIDE_SEARCHING && seq_before(s->stream.next, seq) &&
	       tls_begins(segment->payload, &found) == PARSE_OK &&
	       (found == TLS_FOUND_CLIENT_HELLO || found == TLS_FOUND_SERVER_HELLO);
}

static void side_add(struct tracker *t, struct flow *flow, unsigned int side, uint32_t seq,
		     const struct segment *segment)
{
	struct side *s = &flow->side[side];
	struct bytes now;
	enum stream_add added;

	if (hello_beyond_gap(s, segment, seq)) {
		stream_skip(&s->stream, &t->memory, seq);
		drop_tail(s);
		s->first_seq = seq;
	}
	added = stream_add(&s->stream, &t->limits.stream, &t->memory, seq, segment->payload, &now);
	side_bytes(t, flow, side, now, segment);
	side_drain(t, flow, side, segment);
	if (added == STREAM_OUTSIDE)
		t->counters.outside++;
	if (added != STREAM_FULL)
		return;
	t->counters.stream_full++;
	/* No room to wait any longer for what is missing. This segment's own bytes have their turn behind it. */
	side_give_up_gap(t, flow, side, segment);
	if (reads_in_order(s) &&
	    stream_add(&s->stream, &t->limits.stream, &t->memory, seq, segment->payload, &now) == STREAM_OK) {
		side_bytes(t, flow, side, now, segment);
		side_drain(t, flow, side, segment);
	}
}

/* The first data of a direction whose beginning is not known. */
static void side_first_data(struct tracker *t, struct flow *flow, unsigned int side, uint32_t seq,
			    const struct segment *segment)
{
	struct side *s = &flow->side[side];
	enum tls_found found;

	if (segment->start_known) {
		side_begin(t, s, segment->start_seq);
		s->syn_seen = true;
		s->isn = segment->start_seq - 1;
	} else if (tls_head(segment->payload, &found) != PARSE_BAD) {
		side_begin(t, s, seq);
	} else {
		side_begin(t, s, seq - HOLD_BYTES);
		s->state = SIDE_HOLDING;
	}
}

static void side_hold(struct tracker *t, struct flow *flow, unsigned int side, uint32_t seq,
		      const struct segment *segment)
{
	struct side *s = &flow->side[side];
	enum tls_found found;
	struct bytes now;

	if (tls_head(segment->payload, &found) == PARSE_OK) {
		stream_skip(&s->stream, &t->memory, seq);
		s->first_seq = seq;
		s->state = SIDE_SEARCHING;
		side_add(t, flow, side, seq, segment);
		return;
	}
	/* `now` stays empty as long as nothing reaches back HOLD_BYTES. */
	if (stream_add(&s->stream, &t->limits.stream, &t->memory, seq, segment->payload, &now) != STREAM_OK ||
	    now.len || s->stream.held >= HOLD_BYTES || s->stream.num_ranges >= HOLD_RANGES)
		side_flush(t, flow, side, segment);
}

/* Only heads are looked at here; retransmissions of an old hello must not count. */
static void side_glance(struct tracker *t, struct flow *flow, unsigned int side, uint32_t seq,
			const struct segment *segment)
{
	struct side *s = &flow->side[side];
	uint32_t end = seq + (uint32_t)segment->payload.len;
	enum tls_found found;

	if (segment->payload.data[0] == TLS_HANDSHAKE &&
	    (!seq_before(seq, s->stream.next) || s->stream.next - seq > REPEAT_WINDOW) &&
	    tls_begins(segment->payload, &found) != PARSE_BAD) {
		if (flow->handshake && found == TLS_FOUND_CLIENT_HELLO)
			handshake_close(t, flow);
		side_begin(t, s, seq);
		side_add(t, flow, side, seq, segment);
		return;
	}
	if (seq_before(s->stream.next, end) || s->stream.next - end > REPEAT_WINDOW)
		s->stream.next = end;
}

/* The flow is used again by a new connection. */
static void flow_reset(struct tracker *t, struct flow *flow)
{
	struct side *s;
	unsigned int i;

	conversation_close(t, flow);
	for (i = 0; i < 2; i++) {
		s = &flow->side[i];
		*s = (struct side){ .syn_seen = s->syn_pending, .isn = s->isn };
		if (s->syn_seen)
			side_begin(t, s, s->isn + 1);
	}
}

/*
 * A SYN with a number of its own may begin a new connection on the same addresses, or be a forgery: it
 * counts when data follows it.
 */
static void take_syn(struct tracker *t, struct side *s, uint32_t seq)
{
	bool fresh = s->state == SIDE_NEW || (s->state == SIDE_SEARCHING && s->searched == 0 &&
					      !s->stream.ranges && !s->tail_len);

	if (s->syn_seen && s->isn == seq)
		return;
	s->isn = seq;
	if (fresh) {
		side_begin(t, s, seq + 1);
		s->syn_seen = true;
	} else {
		s->syn_pending = true;
	}
}

static bool belongs_to_pending_syn(const struct side *s, uint32_t seq)
{
	return s->syn_pending && seq - (s->isn + 1) < SYN_WINDOW && seq != s->stream.next;
}

/* The addresses are used again, though no SYN says so. */
static bool begins_anew(const struct side *s, uint32_t seq, const struct segment *segment)
{
	enum tls_found found;

	if (s->state == SIDE_NEW)
		return false;
	if (segment->start_known)
		return s->syn_seen && s->isn + 1 != segment->start_seq;
	return reads_in_order(s) && seq - s->stream.next > REPEAT_WINDOW &&
	       s->stream.next - seq > REPEAT_WINDOW &&
	       tls_begins(segment->payload, &found) == PARSE_OK && found == TLS_FOUND_CLIENT_HELLO;
}

static void take_payload(struct tracker *t, struct flow *flow, unsigned int side, uint32_t seq,
			 const struct segment *segment)
{
	struct side *s = &flow->side[side];

	t->counters.segments++;
	if (belongs_to_pending_syn(s, seq) || begins_anew(s, seq, segment))
		flow_reset(t, flow);
	if (s->state == SIDE_NEW)
		side_first_data(t, flow, side, seq, segment);
	if (s->state == SIDE_HOLDING)
		side_hold(t, flow, side, seq, segment);
	else if (reads_in_order(s))
		side_add(t, flow, side, seq, segment);
	else
		side_glance(t, flow, side, seq, segment);
	/* The peer has received everything up to here: where it begins, if nothing else says so. */
	if (flow->side[!side].state == SIDE_NEW && segment->flags & TCP_ACK && !segment->start_known)
		side_begin(t, &flow->side[!side], segment->ack);
}

void conversation_segment(struct tracker *t, struct flow *flow, unsigned int side,
			  const struct segment *segment)
{
	struct side *s = &flow->side[side];
	uint32_t seq = segment->seq;

	flow->last_s = (uint32_t)(segment->time_ns / 1000000000u);
	if (segment->flags & TCP_SYN) {
		take_syn(t, s, seq);
		seq++;
	}
	if (segment->payload_cut)
		s->cut = true;
	if (segment->payload.len)
		take_payload(t, flow, side, seq, segment);
	if (segment->flags & TCP_FIN) {
		s->fin_seen = true;
		s->fin_seq = seq + (uint32_t)segment->payload.len + segment->payload_cut;
	}
	if (segment->flags & TCP_RST)
		s->rst_seen = true;
	if (segment->lost && flow->handshake) {
		side_flush(t, flow, side, segment);
		if (flow->handshake && s->state != SIDE_DONE) {
			s->missed = true;
			handshake_missed(flow->handshake, side, s->stream.next - s->first_seq,
					 s->stream.next - s->first_seq);
		}
	}
	if (segment->final && flow->handshake)
		side_flush(t, flow, side, segment);
	close_if_settled(t, flow);
}

void conversation_close(struct tracker *t, struct flow *flow)
{
	/* What is read now has no packet of its own: it counts for the time that was last seen. */
	struct segment segment = { .time_ns = (uint64_t)flow->last_s * 1000000000u };
	unsigned int i;

	if (flow->handshake)
		segment.time_ns = flow->handshake->s.end_ns;
	for (i = 0; i < 2; i++)
		side_flush(t, flow, i, &segment);
	if (flow->handshake)
		handshake_close(t, flow);
	for (i = 0; i < 2; i++) {
		t->counters.conflicts += flow->side[i].stream.conflict;
		stream_fini(&flow->side[i].stream, &t->memory);
		drop_tail(&flow->side[i]);
	}
}

bool conversation_idle(const struct flow *flow, uint32_t idle_s)
{
	bool closing = (flow->side[0].fin_seen && flow->side[1].fin_seen) || flow->side[0].rst_seen ||
		       flow->side[1].rst_seen;

	if (closing)
		return idle_s > IDLE_CLOSING_S;
	if (flow->handshake && (flow->side[0].missed || flow->side[1].missed))
		return idle_s > IDLE_MISSED_S;
	return idle_s > (flow->handshake ? IDLE_READING_S : IDLE_OTHER_S);
}
