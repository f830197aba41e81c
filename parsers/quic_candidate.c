/* SPDX-License-Identifier: Apache-2.0 */
/* Which of the connections that were begun between two ends is the one in force. */
#include "parsers/quic_parts.h"

#define CANDIDATES_MAX 4u

static bool is_id(const struct quic_cid *cid, struct bytes id)
{
	return bytes_equal(bytes_of(cid->data, cid->len), id);
}

static void unlink_candidate(struct quic *q, const struct quic *c)
{
	struct quic **at = &q->candidates;

	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
}

/* The server answered `c`: it takes the place of the connection at hand. */
static void promote(struct quic *q, struct budget *memory, struct quic *c)
{
	unlink_candidate(q, c);
	quic_held_drop(q, memory, QUIC_NUM_EPOCHS);
	for (size_t i = 0; i < ARRAY_SIZE(q->ends); i++) {
		quic_end_reset(&q->ends[i], memory);
		q->ends[i] = c->ends[i];
		c->ends[i] = (struct quic_end){ 0 };
		q->initial[i] = c->initial[i];
	}
	q->version = c->version;
	q->client_side = c->client_side;
	q->scid = c->scid;
	q->dcid = c->dcid;
	q->before = c->before;
	q->retry = c->retry;
	q->invitations = c->invitations;
	q->answered = true;
	q->restarts++;
	quic_queue_join(&q->queue, &c->queue, memory);
	quic_free(c, memory);
}

/* Drops the oldest when there are too many. */
static void bound(struct quic *q, struct budget *memory)
{
	struct quic **at = &q->candidates, *oldest;

	for (unsigned int i = 0; *at && i < CANDIDATES_MAX; i++)
		at = &(*at)->next;
	oldest = *at;
	*at = NULL;
	quic_free(oldest, memory);
}

/*
 * Does another connection begin with the packet? A wrong guess counts as ours. Who was the server
 * may prove to be the client, while it has not answered as one.
 */
static bool begin(struct quic *q, struct budget *memory, unsigned int side,
		  const struct quic_packet *packet)
{
	bool ours = packet->version == q->version && is_id(&q->dcid, packet->dcid);
	struct quic *c;

	if (ours || packet->cut || packet->dcid.len < QUIC_FIRST_CID_MIN ||
	    q->ends[side].wrong_guesses > q->invitations ||
	    (q->answered && q->client_side != (int)side))
		return false;
	c = quic_new(q->crypto, memory, q->message_max, 0);
	if (!c)
		return false;
	if (!quic_guess(c, memory, side, packet)) {
		q->ends[side].wrong_guesses++;
		quic_free(c, memory);
		return false;
	}
	c->next = q->candidates;
	q->candidates = c;
	bound(q, memory);
	return true;
}

/* A server may answer in another version, which costs a guess: first those whose keys are there. */
static bool answers_one(struct quic *q, struct budget *memory, unsigned int side,
			const struct quic_packet *packet)
{
	struct quic *c = q->candidates;

	while (c && (c->client_side == (int)side || !quic_open_initial(c, memory, side, packet)))
		c = c->next;
	if (!c && !quic_guess(q, memory, side, packet)) {
		c = q->candidates;
		while (c && (c->client_side == (int)side || !quic_guess(c, memory, side, packet)))
			c = c->next;
		if (!c)
			return false;
	}
	if (c)
		promote(q, memory, c);
	return true;
}

/* The client goes on with one of these, also after a Retry. */
static bool continues_one(struct quic *q, struct budget *memory, unsigned int side,
			  const struct quic_packet *packet)
{
	struct quic *c = q->candidates;

	while (c && (c->client_side != (int)side ||
		     !(quic_open_initial(c, memory, side, packet) ||
		       quic_is_late(c, side, packet) || quic_guess(c, memory, side, packet))))
		c = c->next;
	return c != NULL;
}

bool quic_candidate_initial(struct quic *q, struct budget *memory, unsigned int side,
			    const struct quic_packet *packet)
{
	return continues_one(q, memory, side, packet) || answers_one(q, memory, side, packet) ||
	       begin(q, memory, side, packet);
}

/* The candidate that the server means by the client's connection ID; NULL: that tells nothing. */
static struct quic *meant(struct quic *q, unsigned int side, const struct quic_packet *packet)
{
	struct quic *c = q->candidates;

	if (packet->dcid.len == 0 || is_id(&q->scid, packet->dcid))
		return NULL;
	while (c && (c->client_side == (int)side || !is_id(&c->scid, packet->dcid)))
		c = c->next;
	return c;
}

void quic_candidate_answered(struct quic *q, struct budget *memory, unsigned int side,
			     const struct quic_packet *packet)
{
	struct quic *c = meant(q, side, packet);

	if (c)
		promote(q, memory, c);
}

struct quic *quic_candidate_invited(struct quic *q, unsigned int side,
				    const struct quic_packet *packet)
{
	struct quic *c = meant(q, side, packet);

	if (c)
		return c;
	/* Without IDs: a client that was answered takes no Retry any more, RFC 9000 section 17.2.5. */
	return q->answered && q->candidates ? q->candidates : q;
}

void quic_candidates_free(struct quic *q, struct budget *memory)
{
	struct quic *c;

	while ((c = q->candidates)) {
		q->candidates = c->next;
		quic_free(c, memory);
	}
}
