/* SPDX-License-Identifier: Apache-2.0 */
#include "parsers/quic_parts.h"

#include <openssl/crypto.h>
#include <stdlib.h>

#define COALESCED_MAX 16        /* packets looked at in one datagram; real ones have up to five */
#define CRYPTO_STREAM_MAX (1u << 29)   /* bytes; RFC 9000 allows 2^62, stream.h counts to 2^30 */
#define MESSAGE_LEN_MAX 0xffffffu      /* what a message header can say */
#define QUEUE_SLACK (256u << 10)
#define INVITATIONS_MAX 3

static const struct stream_limits limits = { .held = 1u << 20, .ranges = 256 };

struct quic *quic_new(struct quic_crypto *crypto, struct budget *memory, uint32_t message_max,
		      uint32_t held_max)
{
	struct quic *q;

	if (!budget_take(memory, sizeof(*q)))
		return NULL;
	q = calloc(1, sizeof(*q));
	if (!q) {
		budget_give(memory, sizeof(*q));
		return NULL;
	}
	q->crypto = crypto;
	q->message_max = message_max < MESSAGE_LEN_MAX ? message_max : MESSAGE_LEN_MAX;
	q->held_max = held_max;
	q->queue.len_max = q->message_max + QUEUE_SLACK;
	q->client_side = -1;
	return q;
}

void quic_end_reset(struct quic_end *end, struct budget *memory)
{
	for (size_t i = 0; i < QUIC_NUM_EPOCHS; i++) {
		stream_fini(&end->spaces[i].stream, memory);
		quic_reader_fini(&end->spaces[i].reader, memory);
	}
	OPENSSL_cleanse(end, sizeof(*end));
}

void quic_free(struct quic *q, struct budget *memory)
{
	if (!q)
		return;
	quic_candidates_free(q, memory);
	quic_held_drop(q, memory, QUIC_NUM_EPOCHS);
	quic_queue_fini(&q->queue, memory);
	for (size_t i = 0; i < ARRAY_SIZE(q->ends); i++)
		quic_end_reset(&q->ends[i], memory);
	budget_give(memory, sizeof(*q));
	free(q);
}

/* The server asks the client to begin again: with its answer come other keys. */
static void read_invitation(struct quic *q, unsigned int side, const struct quic_packet *packet)
{
	if (q->client_side == (int)side || q->invitations >= INVITATIONS_MAX)
		return;
	q->invitations++;
	if (packet->type == QUIC_RETRY) {
		q->retry.len = (uint8_t)packet->scid.len;
		memcpy(q->retry.data, packet->scid.data, packet->scid.len);
	}
}

void quic_datagram(struct quic *q, struct budget *memory, unsigned int side,
		   struct bytes datagram)
{
	struct quic_packet packet;

	for (unsigned int i = 0; i < COALESCED_MAX && quic_packet_next(&datagram, &packet); i++) {
		if (q->version == 0)
			q->version = packet.version;
		switch (packet.type) {
		case QUIC_INITIAL:
		case QUIC_HANDSHAKE:
			quic_open(q, memory, side & 1, &packet);
			break;
		case QUIC_RETRY:
		case QUIC_VERSION_NEGOTIATION:
			read_invitation(quic_candidate_invited(q, side & 1, &packet), side & 1,
					&packet);
			break;
		case QUIC_ZERO_RTT:
			break;
		}
	}
}

static void read_crypto(struct quic *q, struct budget *memory, unsigned int side,
			struct quic_space *space, const struct quic_crypto_frame *frame)
{
	struct stream_range *range;
	struct bytes now;

	if (frame->offset > CRYPTO_STREAM_MAX) {
		space->refused = true;
		return;
	}
	/* When a part of it does not fit, what was next in order is here all the same. */
	if (stream_add(&space->stream, &limits, memory, (uint32_t)frame->offset, frame->data,
		       &now) != STREAM_OK)
		space->refused = true;
	quic_reader_feed(&space->reader, memory, q->message_max, side, now, &q->queue);
	while ((range = stream_pop(&space->stream, &now))) {
		quic_reader_feed(&space->reader, memory, q->message_max, side, now, &q->queue);
		stream_range_free(range, memory);
	}
}

void quic_read_frames(struct quic *q, struct budget *memory, unsigned int side,
		      enum quic_epoch epoch, struct bytes payload)
{
	struct quic_space *space = &q->ends[side].spaces[epoch];
	struct quic_crypto_frame frame;

	while (!space->reader.broken && quic_frame_crypto(&payload, &frame))
		read_crypto(q, memory, side, space, &frame);
	if (space->reader.broken)
		stream_fini(&space->stream, memory);
}

bool quic_next(struct quic *q, struct budget *memory, unsigned int *side, struct tls_item *out)
{
	return quic_queue_next(&q->queue, memory, side, out);
}

static bool holds(const struct quic *q, unsigned int side, enum quic_epoch epoch)
{
	const struct quic_held *h;

	for (h = q->held; h; h = h->next)
		if (h->side == (side & 1) && h->epoch == epoch)
			return true;
	return false;
}

bool quic_holds(const struct quic *q, unsigned int side)
{
	return holds(q, side, QUIC_EPOCH_HANDSHAKE);
}

bool quic_secret(struct quic *q, struct budget *memory, unsigned int side, uint16_t cipher_suite,
		 struct bytes secret)
{
	struct quic_end *end = &q->ends[side & 1];

	if (end->proven)
		return true;
	if (secret.len == 0 || secret.len != quic_secret_len(q->crypto, cipher_suite))
		return false;
	memcpy(end->secret, secret.data, secret.len);
	end->secret_len = (uint8_t)secret.len;
	end->suite = cipher_suite;
	end->handshake.version = 0;
	if (quic_open_held(q, memory, side & 1, QUIC_EPOCH_HANDSHAKE) || !quic_holds(q, side))
		return true;
	OPENSSL_cleanse(end->secret, sizeof(end->secret));
	OPENSSL_cleanse(&end->handshake, sizeof(end->handshake));
	end->secret_len = 0;
	return false;
}

void quic_drop_held(struct quic *q, struct budget *memory)
{
	quic_held_drop(q, memory, QUIC_NUM_EPOCHS);
}

int quic_client_side(const struct quic *q)
{
	return q->client_side;
}

uint32_t quic_version(const struct quic *q)
{
	return q->version;
}

bool quic_encrypted(const struct quic *q, unsigned int side)
{
	const struct quic_end *end = &q->ends[side & 1];

	return end->handshake_seen && !end->proven;
}

static bool space_missing(const struct quic_space *space)
{
	return space->unopened > 0 || space->refused || space->reader.broken ||
	       stream_gap(&space->stream) > 0;
}

bool quic_missing(const struct quic *q, unsigned int side)
{
	const struct quic_end *end = &q->ends[side & 1];

	return holds(q, side, QUIC_EPOCH_INITIAL) ||
	       space_missing(&end->spaces[QUIC_EPOCH_INITIAL]) ||
	       (end->proven && space_missing(&end->spaces[QUIC_EPOCH_HANDSHAKE]));
}

bool quic_unfinished(const struct quic *q, unsigned int side)
{
	const struct quic_end *end = &q->ends[side & 1];

	for (size_t i = 0; i < QUIC_NUM_EPOCHS; i++) {
		if (end->spaces[i].reader.header_len > 0)
			return true;
	}
	return false;
}

bool quic_conflict(const struct quic *q, unsigned int side)
{
	const struct quic_end *end = &q->ends[side & 1];

	return end->spaces[QUIC_EPOCH_INITIAL].stream.conflict ||
	       end->spaces[QUIC_EPOCH_HANDSHAKE].stream.conflict;
}

uint32_t quic_restarts(const struct quic *q)
{
	return q->restarts;
}
