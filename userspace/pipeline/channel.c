/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/pipeline/channel.h"

#include <stdlib.h>

#include "parsers/sslv2.h"
#include "userspace/flow/preamble.h"
#include "userspace/handshake/handshake.h"
#include "userspace/handshake/handshake_keys.h"
#include "userspace/handshake/handshake_sslv2.h"
#include "userspace/pipeline/overlap.h"

#define SEARCH_BYTES 65536u      /* looked through from a direction's beginning */
#define PREAMBLE_BYTES 1024u     /* looked at for the name of what is spoken */
#define TAIL_MAX 80              /* bytes that may still turn out to begin TLS */

void channel_forget_tail(struct side *s)
{
	free(s->tail);
	s->tail = NULL;
	s->tail_len = 0;
}

void channel_begin(struct tracker *t, struct side *s, uint32_t seq)
{
	stream_fini(&s->stream, &t->memory);
	stream_init(&s->stream, seq);
	channel_forget_tail(s);
	preamble_free(s);
	s->first_seq = seq;
	s->searched = 0;
	s->state = SIDE_SEARCHING;
	s->start_guessed = false;
}

void channel_rest(struct tracker *t, struct side *s, enum side_state state)
{
	uint32_t next = s->stream.next;

	stream_fini(&s->stream, &t->memory);
	stream_init(&s->stream, next);
	channel_forget_tail(s);
	preamble_free(s);
	s->state = (uint8_t)state;
}

void channel_close_if_settled(struct tracker *t, struct flow *flow)
{
	if (!flow->handshake || !handshake_settled(flow->handshake))
		return;
	channel_close(t, flow);
}

void channel_close(struct tracker *t, struct flow *flow)
{
	unsigned int i;

	overlap_resolve(t, flow);
	handshake_close(t, flow);
	for (i = 0; i < 2; i++) {
		overlap_free(t, &flow->side[i]);
		channel_rest(t, &flow->side[i], SIDE_DONE);
	}
}

static bool handshake_ensure(struct tracker *t, struct flow *flow, const struct segment *segment)
{
	int opener = flow_opener(flow);

	if (flow->handshake)
		return true;
	flow->handshake = handshake_new(t, flow, segment);
	if (!flow->handshake)
		return false;
	preamble_ends(flow);
	flow->handshake->s.carrier = flow->carrier ? flow->carrier : starttls_name(&flow->hint);
	if (opener >= 0)
		flow->handshake->opener_side = (uint8_t)opener;
	return true;
}

static void read_tls(struct tracker *t, struct flow *flow, unsigned int side, struct bytes in,
		     const struct segment *segment);

/* Reads what was held for a secret or a hello, if it has come. */
static void read_held(struct tracker *t, struct flow *flow, unsigned int side,
		      const struct segment *segment)
{
	struct bytes held;
	uint8_t *data;

	if (!handshake_keys_arrived(t, flow->handshake, side, &data, &held))
		return;
	read_tls(t, flow, side, held, segment);
	free(data);
}

/* Does the rest of these bytes wait? Held, they are looked at once: what they wait for may be there. */
static bool hold(struct tracker *t, struct flow *flow, unsigned int side, struct bytes in,
		 enum tls_item_kind kind, const struct segment *segment)
{
	if ((kind != TLS_ITEM_ENCRYPTED && kind != TLS_ITEM_CIPHER_SPEC) ||
	    !handshake_keys_wait(t, flow->handshake, side, kind) ||
	    !handshake_keys_hold(t, flow->handshake, side, in))
		return false;
	read_held(t, flow, side, segment);
	return true;
}

static void read_tls(struct tracker *t, struct flow *flow, unsigned int side, struct bytes in,
		     const struct segment *segment)
{
	struct handshake *h = flow->handshake;
	struct tls_item item;
	enum parse result;

	if (h->in_sslv2[side] != SSLV2_NONE) {
		bool answer = h->in_sslv2[side] == SSLV2_ANSWER;

		result = handshake_sslv2_bytes(t, flow, side, &in, segment);
		/* Behind the client's hello come records, if the server so chooses; behind the server's, nothing in clear. */
		if (result == PARSE_BAD || (result == PARSE_OK && answer))
			channel_rest(t, &flow->side[side], SIDE_DONE);
		if (result != PARSE_OK || answer || !in.len)
			return;
	}
	while ((result = tls_reader_next(&h->reader[side], &t->memory, &in, &item)) == PARSE_OK) {
		if (item.kind == TLS_ITEM_ENCRYPTED && hold(t, flow, side, in, item.kind, segment))
			return;
		if (handshake_item(t, flow, side, &item, segment) == HANDSHAKE_SIDE_OVER) {
			channel_rest(t, &flow->side[side], SIDE_DONE);
			return;
		}
		if (item.kind == TLS_ITEM_CIPHER_SPEC && hold(t, flow, side, in, item.kind, segment))
			return;
		if (item.kind == TLS_ITEM_MESSAGE && (item.type == TLS_SERVER_HELLO || item.type == TLS_CLIENT_HELLO))
			read_held(t, flow, !side, segment);
	}
	if (result == PARSE_BAD) {
		handshake_malformed(t, h, side, h->reader[side].why);
		channel_rest(t, &flow->side[side], SIDE_DONE);
	}
}

static bool is_hello(enum tls_found found)
{
	return found == TLS_FOUND_CLIENT_HELLO || found == TLS_FOUND_SSLV2_HELLO;
}

/*
 * A reader for what begins on this side. Another ClientHello is a new handshake in the same connection, unless it is
 * the second one after a HelloRetryRequest.
 */
static bool begin_reading(struct tracker *t, struct flow *flow, unsigned int side,
			  enum tls_found found, const struct segment *segment)
{
	struct side *peer = &flow->side[!side];
	struct handshake *h = flow->handshake;

	if (h && is_hello(found) && h->messages[side] & 1u << TLS_CLIENT_HELLO && (!h->hello_retry || h->recorded[ROLE_SERVER])) {
		overlap_resolve(t, flow);
		overlap_free(t, &flow->side[0]);
		overlap_free(t, &flow->side[1]);
		handshake_close(t, flow);
		if (peer->state == SIDE_READING)
			peer->state = SIDE_SEARCHING;
	}
	if (!handshake_ensure(t, flow, segment))
		return false;
	h = flow->handshake;
	tls_reader_fini(&h->reader[side], &t->memory);
	handshake_reader_init(t, h, side);
	h->in_sslv2[side] = found == TLS_FOUND_SSLV2_ANSWER ? SSLV2_ANSWER :
			    found == TLS_FOUND_SSLV2_HELLO  ? SSLV2_HELLO : SSLV2_NONE;
	flow->side[side].state = SIDE_READING;
	return true;
}

/* TLS begins at the front of `in`. Here and below, true: with a ClientHello. */
static bool begin_tls(struct tracker *t, struct flow *flow, unsigned int side,
		      enum tls_found found, struct bytes in, const struct segment *segment)
{
	struct side *s = &flow->side[side];

	if (!begin_reading(t, flow, side, found, segment))
		return false;
	/* in.data lies at the end of what has passed in order. */
	s->first_seq = s->stream.next - (uint32_t)in.len;
	read_tls(t, flow, side, in, segment);
	return is_hello(found);
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

/* The first bytes of the answer to a ClientHello: if they make a record, the reader says what is wrong with it. */
static bool answer_expected(const struct flow *flow, unsigned int side)
{
	const struct handshake *h = flow->handshake;

	return h && h->client_side == !side && h->messages[side] == 0 && flow->side[side].searched == 0 &&
	       !h->missed[side];
}

static enum parse answer_begins(const struct flow *flow, unsigned int side, struct bytes in,
				enum tls_found *found)
{
	enum parse result;

	/* At a stream's beginning a whole one of SSL 2.0 needs no hello before it. */
	*found = TLS_FOUND_SSLV2_ANSWER;
	if (!flow->handshake && flow->side[side].searched == 0)
		return sslv2_server_hello_begins(in) == PARSE_OK ? PARSE_OK : PARSE_BAD;
	if (!answer_expected(flow, side))
		return PARSE_BAD;
	*found = TLS_FOUND_OTHER_HANDSHAKE;
	result = tls_record_begins(in);
	if (result != PARSE_BAD)
		return result;
	*found = TLS_FOUND_SSLV2_ANSWER;
	return sslv2_server_hello_begins(in);
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

/* SSL 2.0's format has nothing to be searched for by: it counts at a stream's very beginning alone. */
static enum parse sslv2_head(struct bytes in, enum tls_found *found)
{
	enum parse result;

	if (!(in.data[0] & 0x80))
		return PARSE_BAD;
	result = tls_head(in, found);
	return result != PARSE_BAD && *found == TLS_FOUND_SSLV2_HELLO ? result : PARSE_BAD;
}

static bool begin_found(struct tracker *t, struct flow *flow, unsigned int side,
			enum tls_found found, struct bytes in, const struct segment *segment)
{
	if (found == TLS_FOUND_ENCRYPTED) {
		if (!handshake_ensure(t, flow, segment))
			return false;
		handshake_midstream(t, flow, side);
		channel_close_if_settled(t, flow);
		return false;
	}
	return begin_tls(t, flow, side, found, in, segment);
}

/* Looks for TLS in bytes that are next in order and have no remembered tail before them. */
static bool search(struct tracker *t, struct flow *flow, unsigned int side, struct bytes in,
		   const struct segment *segment)
{
	struct side *s = &flow->side[side];
	enum tls_found found;
	enum parse result;
	struct bytes said;
	size_t at = 0;

	result = answer_begins(flow, side, in, &found);
	if (result == PARSE_OK)
		return begin_tls(t, flow, side, found, in, segment);
	if (result == PARSE_MORE) {
		keep_tail(s, in);
		return false;
	}
	result = tls_head(in, &found);
	if (result == PARSE_OK && head_counts(flow, s, found))
		return begin_found(t, flow, side, found, in, segment);
	if (s->searched == 0 && sslv2_head(in, &found) == PARSE_MORE) {
		keep_tail(s, in);
		return false;
	}
	result = tls_find(in, &at, &found);
	s->searched += (uint32_t)in.len;
	/* What comes before, or all of it, is no TLS. */
	said = bytes_of(in.data, result == PARSE_BAD ? in.len : at);
	if (said.len && s->searched - in.len < PREAMBLE_BYTES)
		preamble_said(flow, side, said);
	if (result == PARSE_OK)
		return begin_tls(t, flow, side, found, bytes_of(in.data + at, in.len - at), segment);
	if (result == PARSE_MORE)
		keep_tail(s, bytes_of(in.data + at, in.len - at));
	else if (s->searched > SEARCH_BYTES)
		channel_rest(t, s, SIDE_PASSED);
	return false;
}

/*
 * The bytes kept before `in` may begin TLS together with it: looks at both joined, and then hands `in` on.
 */
static bool search_joined(struct tracker *t, struct flow *flow, unsigned int side, struct bytes in,
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
	channel_forget_tail(s);
	result = answer_begins(flow, side, bytes_of(joined, tail_len + len), &found);
	if (result == PARSE_BAD && s->searched == 0)
		result = sslv2_head(bytes_of(joined, tail_len + len), &found);
	if (result == PARSE_BAD)
		result = tls_find(bytes_of(joined, tail_len + len), &at, &found);
	if (result == PARSE_BAD || at >= tail_len) {
		preamble_said(flow, side, bytes_of(joined, tail_len));
		return search(t, flow, side, in, segment);
	}
	if (result == PARSE_MORE) {
		/* All of `in` is inside, for a beginning is never longer than a tail. */
		keep_tail(s, bytes_of(joined + at, tail_len + len - at));
		return s->tail_len ? false : search(t, flow, side, in, segment);
	}
	rest = bytes_of(joined + at, tail_len - at);
	if (!begin_reading(t, flow, side, found, segment))
		return false;
	s->first_seq = s->stream.next - (uint32_t)(in.len + rest.len);
	read_tls(t, flow, side, rest, segment);
	channel_bytes(t, flow, side, in, segment);
	return is_hello(found);
}

/* What does not fit any more is given up, and with it what was held: nothing can be read behind it. */
static void hold_more(struct tracker *t, struct flow *flow, unsigned int side, struct bytes in,
		      const struct segment *segment)
{
	struct tls_item over = { .kind = TLS_ITEM_ENCRYPTED };

	if (handshake_keys_hold(t, flow->handshake, side, in)) {
		read_held(t, flow, side, segment);
		return;
	}
	handshake_item(t, flow, side, &over, segment);
	channel_rest(t, &flow->side[side], SIDE_DONE);
}

static void read_or_hold(struct tracker *t, struct flow *flow, unsigned int side, struct bytes in,
			 const struct segment *segment)
{
	struct handshake *h = flow->handshake;

	if (h->keys && h->keys->holding[side]) {
		channel_keys_arrived(t, flow, segment);
		if (h->keys->holding[side]) {
			hold_more(t, flow, side, in, segment);
			return;
		}
		if (flow->side[side].state != SIDE_READING)
			return;
	}
	read_tls(t, flow, side, in, segment);
}

void channel_keys_arrived(struct tracker *t, struct flow *flow, const struct segment *segment)
{
	struct handshake *h = flow->handshake;

	if (!h || !handshake_keys_changed(t, h))
		return;
	read_held(t, flow, !h->client_side, segment);
	read_held(t, flow, h->client_side, segment);
}

bool channel_bytes(struct tracker *t, struct flow *flow, unsigned int side, struct bytes in,
		   const struct segment *segment)
{
	struct side *s = &flow->side[side];

	if (in.len == 0)
		return false;
	if (s->state == SIDE_READING && flow->handshake)
		read_or_hold(t, flow, side, in, segment);
	else if (s->state == SIDE_SEARCHING && s->tail_len)
		return search_joined(t, flow, side, in, segment);
	else if (s->state == SIDE_SEARCHING)
		return search(t, flow, side, in, segment);
	return false;
}

void channel_missed(struct tracker *t, struct flow *flow, unsigned int side, uint32_t from,
		    uint32_t len)
{
	struct side *s = &flow->side[side];
	struct handshake *h = flow->handshake;

	channel_forget_tail(s);
	if (!h || !channel_open(s))
		return;
	s->missed = true;
	handshake_missed(t, h, side, from, (uint64_t)from + len);
	if (s->state == SIDE_READING && !tls_reader_lose(&h->reader[side], &t->memory, len)) {
		tls_reader_fini(&h->reader[side], &t->memory);
		handshake_reader_init(t, h, side);
		s->state = SIDE_SEARCHING;
	}
}
