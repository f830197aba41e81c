/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/pipeline/conversation.h"

#include <stdlib.h>

#include "userspace/flow/preamble.h"
#include "userspace/handshake/handshake.h"
#include "userspace/handshake/handshake_keys.h"
#include "userspace/handshake/handshake_news.h"
#include "userspace/pipeline/carriage.h"
#include "userspace/pipeline/channel.h"
#include "userspace/pipeline/overlap.h"

#define HOLD_BYTES 16384u        /* held while it is not known where a direction begins */
#define HOLD_RANGES 8
#define SYN_WINDOW 65536u        /* data this close behind a SYN belongs to it */
#define REPEAT_WINDOW (1u << 20) /* a hello further back than this is no retransmission */
#define END_MISSING_MAX (1u << 20) /* a FIN further ahead than this says nothing */
#define RESET_WINDOW (1u << 20)  /* a RST further from where its sender stands is not this connection's */

#define IDLE_CLOSING_S 2         /* after FIN from both, or RST */
#define IDLE_HOLDING_S 10        /* a flight waits for its secret, unless the file's end may bring it */
#define IDLE_MISSED_S 5          /* bytes of a handshake are known to be missing */
#define IDLE_READING_S 60
#define IDLE_OTHER_S 300

static void side_drain(struct tracker *t, struct flow *flow, unsigned int side,
		       const struct segment *segment);
static void hand_on_head(struct tracker *t, struct flow *flow, unsigned int side,
			 const struct segment *segment);

/*
 * A ClientHello was found on `side`: the answer begins at its acknowledgement number. Only where it is not known
 * where the peer stands: a forged hello must not make us pass over the true answer.
 */
static void expect_answer(struct tracker *t, struct flow *flow, unsigned int side,
			  const struct segment *segment)
{
	struct side *peer = &flow->side[!side];

	if (!(segment->flags & TCP_ACK) || peer->state == SIDE_READING ||
	    memcmp(&segment->src, &flow->key.end[side], sizeof(segment->src)) != 0)
		return;
	/* What is held may be the answer, come too early: keep it. */
	if (peer->state == SIDE_HOLDING) {
		stream_skip(&peer->stream, &t->memory, segment->ack);
	} else if (peer->state == SIDE_SEARCHING) {
		if (peer->stream.next != segment->ack)
			return;
	} else if (peer->state == SIDE_NEW || !seq_before(segment->ack, peer->stream.next)) {
		channel_begin(t, peer, segment->ack);
	} else {
		/* Past it already: the answer came before the question, and was looked at by its head. */
		return;
	}
	hand_on_head(t, flow, !side, segment);
	if (peer->state == SIDE_READING)
		return;
	channel_forget_tail(peer);
	peer->first_seq = segment->ack;
	peer->searched = 0;
	peer->start_guessed = false;
	peer->state = SIDE_SEARCHING;
	side_drain(t, flow, !side, segment);
}

/* From where TLS begins. */
static void keep_for_comparison(struct tracker *t, struct side *s, uint32_t seq, struct bytes in)
{
	uint32_t before = s->overlap ? 0 : s->first_seq - seq;

	if (before < in.len)
		overlap_keep(t, s, seq + before, bytes_of(in.data + before, in.len - before));
}

/* No carrier's: looked through for plain TLS. */
static void plain_bytes(struct tracker *t, struct flow *flow, unsigned int side, struct bytes in,
			const struct segment *segment)
{
	struct side *s = &flow->side[side];
	uint32_t seq = s->stream.next - (uint32_t)in.len;
	bool asked = channel_bytes(t, flow, side, in, segment);

	if (flow->handshake && in.len && (s->state == SIDE_READING || s->overlap))
		keep_for_comparison(t, s, seq, in);
	if (asked)
		expect_answer(t, flow, side, segment);
}

/* The memory is the caller's from now on. NULL: none is held. */
static uint8_t *take_head(struct side *s, struct bytes *out)
{
	uint8_t *head = s->head_held && s->tail_len ? s->tail : NULL;

	s->head_held = false;
	if (!head)
		return NULL;
	*out = bytes_of(head, s->tail_len);
	s->tail = NULL;
	s->tail_len = 0;
	return head;
}

/* The first bytes of a side that were held will not turn out to be a carrier's: they are plain. */
static void hand_on_head(struct tracker *t, struct flow *flow, unsigned int side,
			 const struct segment *segment)
{
	struct bytes head;
	uint8_t *memory = take_head(&flow->side[side], &head);

	if (memory)
		plain_bytes(t, flow, side, head, segment);
	free(memory);
}

/* More of them are needed to tell. False: no memory. */
static bool hold_head(struct side *s, struct bytes in)
{
	if (!s->head_held) {
		channel_forget_tail(s);
		s->tail = malloc(CARRIER_HEAD_MAX);
	}
	if (!s->tail)
		return false;
	memcpy(s->tail + s->tail_len, in.data, in.len);
	s->tail_len += (uint8_t)in.len;
	s->head_held = true;
	return true;
}

/* Bytes that follow those held: true, if they settle that it is a carrier, or leave it open. */
static bool head_goes_on(struct tracker *t, struct flow *flow, unsigned int side, struct bytes in,
			 const struct segment *segment)
{
	struct side *s = &flow->side[side];
	size_t held = s->tail_len, room = CARRIER_HEAD_MAX - held;
	struct bytes head, rest = in, part;
	enum parse result;
	uint8_t *memory;

	if (!bytes_take(&rest, in.len < room ? in.len : room, &part) || !hold_head(s, part))
		return false;
	result = carriage_begin(t, flow, CARRIER_OVER_TCP, bytes_of(s->tail, s->tail_len));
	if (result == PARSE_MORE)
		return true;
	if (result == PARSE_BAD) {
		s->tail_len = (uint8_t)held;
		s->stream.next -= (uint32_t)in.len;     /* to the end of what was held */
		hand_on_head(t, flow, side, segment);
		s->stream.next += (uint32_t)in.len;
		return false;
	}
	memory = take_head(s, &head);
	carriage_bytes(t, flow, side, head, segment);
	free(memory);
	if (flow->carriage && rest.len)
		carriage_bytes(t, flow, side, rest, segment);
	return true;
}

/*
 * Is there another framing around TLS? It shows in the first bytes of either side; from then on all is the
 * carrier's. While they are too few to tell, they are held; at the latest until the other side answers.
 */
static bool carried(struct tracker *t, struct flow *flow, unsigned int side, struct bytes in,
		    const struct segment *segment)
{
	struct side *s = &flow->side[side];
	enum parse result;

	if (!in.len)
		return false;
	if (flow->carriage) {
		carriage_bytes(t, flow, side, in, segment);
		return true;
	}
	hand_on_head(t, flow, !side, segment);
	if (s->head_held && s->tail_len)
		return head_goes_on(t, flow, side, in, segment);
	s->head_held = false;
	if (s->searched || s->tail_len || s->state != SIDE_SEARCHING || flow->handshake)
		return false;
	result = carriage_begin(t, flow, CARRIER_OVER_TCP, in);
	if (result == PARSE_OK)
		carriage_bytes(t, flow, side, in, segment);
	return result == PARSE_OK || (result == PARSE_MORE && hold_head(s, in));
}

/* Bytes that are next in order. */
static void side_bytes(struct tracker *t, struct flow *flow, unsigned int side, struct bytes in,
		       const struct segment *segment)
{
	if (!carried(t, flow, side, in, segment))
		plain_bytes(t, flow, side, in, segment);
}

/* Hands on what has become next in order. */
static void side_drain(struct tracker *t, struct flow *flow, unsigned int side,
		       const struct segment *segment)
{
	struct side *s = &flow->side[side];
	struct stream_range *range;
	struct bytes now;

	while (channel_open(s) && (range = stream_pop(&s->stream, &now))) {
		side_bytes(t, flow, side, now, segment);
		stream_range_free(range, &t->memory);
	}
}

/*
 * The bytes before `seq` will not come. While reading TLS that is a loss: reading goes on behind it where the
 * records still tell how, else the next beginning is looked for.
 */
static void side_give_up(struct tracker *t, struct flow *flow, unsigned int side, uint32_t seq,
			 const struct segment *segment)
{
	struct side *s = &flow->side[side];
	uint32_t gap = seq - s->stream.next, from = s->stream.next - s->first_seq;

	hand_on_head(t, flow, side, segment);
	stream_skip(&s->stream, &t->memory, seq);
	if (flow->carriage)
		carriage_missed(t, flow, side, gap, segment);
	channel_missed(t, flow, side, from, gap);
	side_drain(t, flow, side, segment);
}

/* Does the FIN say that more was sent than has come? */
static bool ends_missing(const struct flow *flow, unsigned int side)
{
	const struct side *s = &flow->side[side];
	uint32_t missing = s->fin_seq - s->stream.next;

	if (!s->fin_seen || missing == 0 || missing > END_MISSING_MAX)
		return false;
	return flow->carriage || (channel_open(s) && flow->handshake && !flow->handshake->over[side]);
}

/* What is held while it was not known where the side begins: it begins with the first of it. */
static void side_begin_held(struct tracker *t, struct flow *flow, unsigned int side,
			    const struct segment *segment)
{
	struct side *s = &flow->side[side];

	s->state = SIDE_SEARCHING;
	s->stream.next += stream_gap(&s->stream);
	s->first_seq = s->stream.next;
	side_drain(t, flow, side, segment);
}

/* Reads all that is held, gaps or not. */
static void side_flush(struct tracker *t, struct flow *flow, unsigned int side,
		       const struct segment *segment)
{
	struct side *s = &flow->side[side];

	if (s->state == SIDE_HOLDING)
		side_begin_held(t, flow, side, segment);
	while (channel_open(s) && stream_gap(&s->stream))
		side_give_up(t, flow, side, s->stream.ranges->seq, segment);
	hand_on_head(t, flow, side, segment);
	if (ends_missing(flow, side))
		side_give_up(t, flow, side, s->fin_seq, segment);
}

/*
 * A hello at the head of a segment that lies beyond a gap: begin there, but only where the beginning was a guess. Else
 * it waits for what is missing; a forged one must not hide the true one.
 */
static bool hello_beyond_gap(const struct side *s, const struct segment *segment, uint32_t seq)
{
	enum tls_found found;

	return s->state == SIDE_SEARCHING && !s->syn_seen && seq_before(s->stream.next, seq) &&
	       tls_begins(segment->payload, &found) == PARSE_OK &&
	       (found == TLS_FOUND_CLIENT_HELLO || found == TLS_FOUND_SERVER_HELLO);
}

/*
 * No room to wait any longer for what is missing: gaps are given up until this segment's own bytes have had their
 * turn. What is given up is never what the segment brings.
 */
static void make_room(struct tracker *t, struct flow *flow, unsigned int side, uint32_t seq,
		      const struct segment *segment)
{
	struct side *s = &flow->side[side];
	uint32_t end = seq + (uint32_t)segment->payload.len, until;
	enum stream_add added = STREAM_FULL;
	struct bytes now;

	while (channel_open(s) && added == STREAM_FULL &&
	       (stream_gap(&s->stream) ||
		(!seq_before(s->stream.next, seq) && seq_before(s->stream.next, end)))) {
		if (seq_before(s->stream.next, seq) || !seq_before(s->stream.next, end)) {
			until = s->stream.ranges->seq;
			if (seq_before(s->stream.next, seq) && seq_before(seq, until))
				until = seq;
			side_give_up(t, flow, side, until, segment);
			if (!channel_open(s))
				return;
		}
		added = stream_add(&s->stream, &t->limits.stream, &t->memory, seq, segment->payload, &now);
		side_bytes(t, flow, side, now, segment);
		side_drain(t, flow, side, segment);
	}
	/* Not even alone: the rest of it is lost by a limit. */
	if (added == STREAM_FULL && channel_open(s) && seq_before(s->stream.next, end))
		channel_missed(t, flow, side, s->stream.next - s->first_seq, end - s->stream.next);
}

static void side_add(struct tracker *t, struct flow *flow, unsigned int side, uint32_t seq,
		     const struct segment *segment)
{
	struct side *s = &flow->side[side];
	enum stream_add added;
	struct bytes now;
	bool conflict;

	if (hello_beyond_gap(s, segment, seq)) {
		stream_skip(&s->stream, &t->memory, seq);
		channel_forget_tail(s);
		s->first_seq = seq;
	}
	if (s->overlap && seq_before(seq, s->stream.next))
		overlap_compare(t, s, seq, segment->payload);
	conflict = s->stream.conflict;
	added = stream_add(&s->stream, &t->limits.stream, &t->memory, seq, segment->payload, &now);
	if (s->stream.conflict && !conflict)
		overlap_differs(t, s, seq, segment->payload);
	side_bytes(t, flow, side, now, segment);
	side_drain(t, flow, side, segment);
	if (added == STREAM_OUTSIDE)
		t->counters.outside++;
	if (added != STREAM_FULL)
		return;
	t->counters.stream_full++;
	make_room(t, flow, side, seq, segment);
}

/* The first data of a direction whose beginning is not known. */
static void side_first_data(struct tracker *t, struct flow *flow, unsigned int side, uint32_t seq,
			    const struct segment *segment)
{
	struct side *s = &flow->side[side];
	enum tls_found found = TLS_FOUND_CLIENT_HELLO;
	enum parse head = tls_head(segment->payload, &found);

	if (segment->start_known) {
		channel_begin(t, s, segment->start_seq);
		if (segment->late)
			starttls_unheard(&flow->hint);
		s->syn_seen = s->start_told = true;
		s->isn = segment->start_seq - 1;
	} else if (head == PARSE_OK || (head == PARSE_MORE && found != TLS_FOUND_SSLV2_HELLO)) {
		channel_begin(t, s, seq);
	} else {
		channel_begin(t, s, seq - HOLD_BYTES);
		s->state = SIDE_HOLDING;
	}
}

/* Only heads are looked at here; retransmissions of an old hello must not count. */
static void side_glance(struct tracker *t, struct flow *flow, unsigned int side, uint32_t seq,
			const struct segment *segment)
{
	struct side *s = &flow->side[side];
	uint32_t end = seq + (uint32_t)segment->payload.len;
	enum tls_found found;

	if (s->overlap)
		overlap_compare(t, s, seq, segment->payload);
	if (segment->payload.data[0] == TLS_HANDSHAKE &&
	    (!seq_before(seq, s->stream.next) || s->stream.next - seq > REPEAT_WINDOW) &&
	    tls_begins(segment->payload, &found) != PARSE_BAD) {
		channel_begin(t, s, seq);
		side_add(t, flow, side, seq, segment);
		return;
	}
	if (seq_before(s->stream.next, end) || s->stream.next - end > REPEAT_WINDOW)
		s->stream.next = end;
}

/*
 * A segment whose head looks like TLS: what is held of the time before it is read first, gaps or not, for a beginning
 * may lie inside that. Where there is none, the head is the side's beginning.
 */
static void side_head(struct tracker *t, struct flow *flow, unsigned int side, uint32_t seq,
		      const struct segment *segment)
{
	struct side *s = &flow->side[side];
	const struct stream_range *first = s->stream.ranges;

	if (first && seq_before(first->seq, seq))
		side_begin_held(t, flow, side, segment);
	while (channel_open(s) && seq_before(s->stream.next, seq)) {
		first = s->stream.ranges;
		side_give_up(t, flow, side, first && seq_before(first->seq, seq) ? first->seq : seq, segment);
	}
	if (!channel_open(s) && s->state != SIDE_HOLDING) {
		side_glance(t, flow, side, seq, segment);
		return;
	}
	if (s->state != SIDE_READING && !flow->carriage) {
		if (s->stream.next != seq)
			channel_forget_tail(s);
		stream_skip(&s->stream, &t->memory, seq);
		s->first_seq = seq;
		s->searched = 0;
		s->state = SIDE_SEARCHING;
	}
	side_add(t, flow, side, seq, segment);
}

static void side_hold(struct tracker *t, struct flow *flow, unsigned int side, uint32_t seq,
		      const struct segment *segment)
{
	struct side *s = &flow->side[side];
	enum tls_found found;
	struct bytes now;

	if (seq - s->stream.next > REPEAT_WINDOW) {
		channel_begin(t, s, seq);
		side_add(t, flow, side, seq, segment);
		return;
	}
	if (tls_head(segment->payload, &found) == PARSE_OK) {
		side_head(t, flow, side, seq, segment);
		return;
	}
	/* `now` stays empty as long as nothing reaches back HOLD_BYTES. */
	if (stream_add(&s->stream, &t->limits.stream, &t->memory, seq, segment->payload, &now) != STREAM_OK ||
	    now.len || s->stream.held >= HOLD_BYTES || s->stream.num_ranges >= HOLD_RANGES)
		side_flush(t, flow, side, segment);
}

/* The flow is used again by a new connection. */
static void flow_reset(struct tracker *t, struct flow *flow)
{
	struct side *s;
	unsigned int i;

	conversation_close(t, flow);
	flow->hint = (struct starttls_hint){ 0 };
	for (i = 0; i < 2; i++) {
		s = &flow->side[i];
		*s = (struct side){ .syn_seen = s->syn_pending, .isn = s->pending_isn };
		if (s->syn_seen)
			channel_begin(t, s, s->isn + 1);
	}
}

/*
 * A SYN with a number of its own may begin a new connection on the same addresses, or be a forgery: it
 * counts when data follows it.
 */
static void take_syn(struct tracker *t, struct side *s, uint32_t seq)
{
	bool fresh = !s->syn_seen && !s->data_seen;

	if (s->syn_seen && s->isn == seq)
		return;
	if (fresh) {
		channel_begin(t, s, seq + 1);
		s->isn = seq;
		s->syn_seen = true;
	} else {
		s->pending_isn = seq;
		s->syn_pending = true;
	}
}

static bool belongs_to_pending_syn(const struct side *s, uint32_t seq)
{
	return s->syn_pending && seq - (s->pending_isn + 1) < SYN_WINDOW && seq != s->stream.next;
}

/*
 * The source had opened this direction for words that were no request after all, and opens it again at the handshake:
 * the same connection, and what lies between was left out.
 */
static bool begins_further(const struct flow *flow, unsigned int side, const struct segment *segment)
{
	const struct side *s = &flow->side[side];

	return segment->start_known && s->start_told && s->state == SIDE_SEARCHING && !flow->carriage &&
	       s->isn + 1 != segment->start_seq && segment->start_seq - s->stream.next <= REPEAT_WINDOW;
}

static void begin_further(struct tracker *t, struct side *s, const struct segment *segment)
{
	stream_skip(&s->stream, &t->memory, segment->start_seq);
	channel_forget_tail(s);
	s->first_seq = segment->start_seq;
	s->searched = 0;
	s->isn = segment->start_seq - 1;
}

/* The addresses are used again, though no SYN says so. */
static bool begins_anew(const struct side *s, uint32_t seq, const struct segment *segment)
{
	enum tls_found found;

	if (s->state == SIDE_NEW)
		return false;
	if (segment->start_known)
		return s->syn_seen && s->isn + 1 != segment->start_seq;
	return channel_open(s) && seq - s->stream.next > REPEAT_WINDOW &&
	       s->stream.next - seq > REPEAT_WINDOW &&
	       tls_begins(segment->payload, &found) == PARSE_OK && found == TLS_FOUND_CLIENT_HELLO;
}

/* The peer's acknowledgement told where this side goes on, but what it acknowledged was captured later. */
static bool before_start(const struct side *s, uint32_t seq)
{
	return s->start_guessed && s->state == SIDE_SEARCHING && seq_before(seq, s->stream.next) &&
	       s->stream.next - seq <= REPEAT_WINDOW;
}

static void take_payload(struct tracker *t, struct flow *flow, unsigned int side, uint32_t seq,
			 const struct segment *segment)
{
	struct side *s = &flow->side[side], *peer = &flow->side[!side];

	t->counters.segments++;
	if (begins_further(flow, side, segment))
		begin_further(t, s, segment);
	if (belongs_to_pending_syn(s, seq) || begins_anew(s, seq, segment))
		flow_reset(t, flow);
	if (before_start(s, seq))
		s->state = SIDE_NEW;
	s->start_guessed = s->rst_seen = false;
	s->data_seen = true;
	if (s->state == SIDE_NEW)
		side_first_data(t, flow, side, seq, segment);
	if (s->state == SIDE_HOLDING)
		side_hold(t, flow, side, seq, segment);
	else if (channel_open(s))
		side_add(t, flow, side, seq, segment);
	else
		side_glance(t, flow, side, seq, segment);
	/* The peer has received everything up to here: where it begins, if nothing else says so. */
	if (peer->state == SIDE_NEW && segment->flags & TCP_ACK && !segment->start_known) {
		channel_begin(t, peer, segment->ack);
		peer->start_guessed = true;
	}
}

/* The source sends no more of this direction: what there is, is all. */
static void side_end(struct tracker *t, struct flow *flow, unsigned int side,
		     const struct segment *segment)
{
	side_flush(t, flow, side, segment);
	if (!flow->handshake)
		return;
	handshake_side_over(t, flow->handshake, side);
	/* What waits for a secret may still be opened. */
	if (flow->handshake->over[0] && flow->handshake->over[1] && !handshake_keys_holding(flow->handshake))
		channel_close(t, flow);
}

static bool reset_near(uint32_t number, const struct side *s)
{
	return number - s->stream.next + RESET_WINDOW <= 2 * RESET_WINDOW;
}

/*
 * A RST counts by its number, and in answer to a SYN, where its sender has sent nothing yet, by what it acknowledges
 * (RFC 9293 section 3.10.7). Endpoints want the exact one (RFC 5961); we may have missed segments, know no window, and
 * who cuts connections on the way guesses a little. What a stranger's number says nothing of goes on.
 */
static bool reset_counts(const struct flow *flow, unsigned int side, const struct segment *segment)
{
	const struct side *s = &flow->side[side], *peer = &flow->side[!side];

	if (s->state != SIDE_NEW)
		return reset_near(segment->seq, s);
	return !(segment->flags & TCP_ACK) || peer->state == SIDE_NEW || reset_near(segment->ack, peer);
}

/*
 * What the source lost, a handshake misses: the one under way, or else the next one, since the other direction may have
 * come up. If none comes, it is counted when the connection is forgotten.
 */
static void side_losses(struct tracker *t, struct flow *flow)
{
	unsigned int i;

	for (i = 0; i < 2 && flow->handshake; i++) {
		struct side *s = &flow->side[i];

		if (s->loss_due && s->state != SIDE_DONE) {
			s->missed = true;
			handshake_missed(t, flow->handshake, i, s->stream.next - s->first_seq,
					 s->stream.next - s->first_seq);
		}
		s->loss_due = false;
	}
}

void conversation_segment(struct tracker *t, struct flow *flow, unsigned int side,
			  const struct segment *segment)
{
	struct side *s = &flow->side[side];
	bool reset = segment->flags & TCP_RST && reset_counts(flow, side, segment);
	uint32_t seq = segment->seq;

	flow->last_s = (uint32_t)(segment->time_ns / 1000000000u);
	if (segment->flags & TCP_SYN) {
		s->rst_seen = false;
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
	if (reset)
		s->rst_seen = true;
	if (segment->lost) {
		side_flush(t, flow, side, segment);
		s->loss_due = flow->handshake || s->state <= SIDE_SEARCHING;
		if (flow->carriage) {
			carriage_lost(t, flow, side);
			s->loss_due = false;
		}
	}
	side_losses(t, flow);
	if ((segment->flags & TCP_FIN || reset) && flow->handshake)
		handshake_side_closed(t, flow, side, seq + (uint32_t)segment->payload.len + segment->payload_cut);
	if (segment->final && flow->handshake)
		side_end(t, flow, side, segment);
	channel_close_if_settled(t, flow);
}

void conversation_keys_arrived(struct tracker *t, struct flow *flow)
{
	struct segment segment = { .time_ns = flow->handshake ? flow->handshake->s.end_ns : 0 };

	channel_keys_arrived(t, flow, &segment);
	channel_close_if_settled(t, flow);
}

/* Reads what is held, gaps or not, and records what is open. */
static void finish_reading(struct tracker *t, struct flow *flow)
{
	/* What is read now has no packet of its own: it counts for the time that was last seen. */
	struct segment segment = { .time_ns = (uint64_t)flow->last_s * 1000000000u };
	unsigned int i;

	if (flow->handshake)
		segment.time_ns = flow->handshake->s.end_ns;
	for (i = 0; i < 2; i++)
		side_flush(t, flow, i, &segment);
	side_losses(t, flow);
	t->counters.lost_whole += flow->side[0].loss_due || flow->side[1].loss_due;
	flow->side[0].loss_due = flow->side[1].loss_due = false;
	carriage_close(t, flow);
	channel_keys_arrived(t, flow, &segment);
	if (flow->handshake)
		channel_close(t, flow);
}

void conversation_close(struct tracker *t, struct flow *flow)
{
	unsigned int i;

	finish_reading(t, flow);
	for (i = 0; i < 2; i++) {
		overlap_free(t, &flow->side[i]);
		t->counters.conflicts += flow->side[i].stream.conflict;
		stream_fini(&flow->side[i].stream, &t->memory);
		channel_forget_tail(&flow->side[i]);
		preamble_free(&flow->side[i]);
	}
}

/* Waits for a secret that the file's end may bring; no longer where what waits takes the memory of others. */
static bool waits_for_end(const struct tracker *t, const struct flow *flow)
{
	if (!t->secrets_at_end || t->memory.used > t->memory.max / 2)
		return false;
	return flow->handshake ? handshake_keys_wanted(flow->handshake) : flow->carriage && carriage_waits(flow);
}

bool conversation_idle(struct tracker *t, struct flow *flow, uint32_t idle_s)
{
	bool closing = (flow->side[0].fin_seen && flow->side[1].fin_seen) || flow->side[0].rst_seen ||
		       flow->side[1].rst_seen;

	if (waits_for_end(t, flow))
		return false;
	if (flow->handshake && handshake_keys_holding(flow->handshake)) {
		if (idle_s <= IDLE_HOLDING_S)
			return false;
		/* Of datagrams only a hello begins anything. */
		if (flow->datagrams)
			return true;
		/* Gone, the flow would be taken for one that is met in its midst as soon as it goes on. */
		finish_reading(t, flow);
	}
	if (closing)
		return idle_s > IDLE_CLOSING_S;
	if (flow->handshake && (flow->side[0].missed || flow->side[1].missed))
		return idle_s > IDLE_MISSED_S;
	return idle_s > (flow->handshake ? IDLE_READING_S : IDLE_OTHER_S);
}
