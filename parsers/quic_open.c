/* SPDX-License-Identifier: Apache-2.0 */
/* Which keys a packet is tried with, and the packets that wait for theirs. */
#include "parsers/quic_parts.h"

#include <openssl/crypto.h>
#include <stdlib.h>

static struct bytes cid_bytes(const struct quic_cid *cid)
{
	return bytes_of(cid->data, cid->len);
}

static void read_opened(struct quic *q, struct budget *memory, unsigned int side,
			enum quic_epoch epoch, uint64_t number, struct bytes payload)
{
	struct quic_space *space = &q->ends[side].spaces[epoch];

	if (number >= space->expected)
		space->expected = number + 1;
	quic_read_frames(q, memory, side, epoch, payload);
}

/* Opens with these keys and reads the frames. */
static bool open_with(struct quic *q, struct budget *memory, unsigned int side,
		      enum quic_epoch epoch, const struct quic_keys *keys,
		      const struct quic_packet *packet)
{
	uint64_t expected = q->ends[side].spaces[epoch].expected, number;
	struct bytes payload;

	if (packet->cut ||
	    !quic_keys_open(q->crypto, keys, packet, expected, &number, &payload))
		return false;
	read_opened(q, memory, side, epoch, number, payload);
	return true;
}

static struct quic_initial *initial_of(struct quic *q, uint32_t version)
{
	for (size_t i = 0; i < ARRAY_SIZE(q->initial); i++) {
		if (q->initial[i].version == version)
			return &q->initial[i];
	}
	return NULL;
}

static enum quic_role role_of(const struct quic *q, unsigned int side)
{
	return q->client_side < 0 || (unsigned int)q->client_side == side ? QUIC_CLIENT :
									    QUIC_SERVER;
}

/* The server asked, in a Retry, for packets with this connection ID. */
static bool is_retried(const struct quic *q, const struct quic_packet *packet)
{
	return q->retry.len > 0 && bytes_equal(packet->dcid, cid_bytes(&q->retry));
}

bool quic_is_late(const struct quic *q, unsigned int side, const struct quic_packet *packet)
{
	return q->client_side == (int)side && q->before.len > 0 &&
	       bytes_equal(packet->dcid, cid_bytes(&q->before));
}

static void cid_keep(struct quic_cid *cid, struct bytes id)
{
	cid->len = (uint8_t)id.len;
	memcpy(cid->data, id.data, id.len);
}

/*
 * A client's packet opened with the keys of its own `dcid`: the connection's keys from here on.
 * After a Retry the client sends the same messages again; packet numbers go on.
 */
static void adopt_client(struct quic *q, unsigned int side, const struct quic_packet *packet,
			 const struct quic_initial *initial)
{
	q->client_side = (int)side;
	q->version = packet->version;
	q->before = q->dcid;
	cid_keep(&q->scid, packet->scid);
	cid_keep(&q->dcid, packet->dcid);
	q->retry.len = 0;
	q->initial[0] = *initial;
	q->initial[1] = (struct quic_initial){ 0 };
}

/* The server chose another version: its keys follow from the same connection ID (RFC 9368). */
static void adopt_version(struct quic *q, const struct quic_packet *packet,
			  const struct quic_initial *initial)
{
	q->version = packet->version;
	q->initial[q->initial[0].version != 0] = *initial;
}

/*
 * The connection ID that the packet's keys may follow from, if they are not those at hand. Each
 * wrong guess costs a derivation: a side has one, and one more for each Retry or Version
 * Negotiation.
 */
static bool may_guess(struct quic *q, unsigned int side, const struct quic_packet *packet,
		      struct bytes *dcid)
{
	bool known = initial_of(q, packet->version);

	if (packet->cut || q->ends[side].wrong_guesses > q->invitations)
		return false;
	if (role_of(q, side) == QUIC_SERVER) {
		*dcid = cid_bytes(&q->dcid);
		return !known;
	}
	*dcid = packet->dcid;
	if (q->client_side >= 0)
		return is_retried(q, packet) && packet->version == q->version;
	return packet->dcid.len >= QUIC_FIRST_CID_MIN || is_retried(q, packet);
}

bool quic_guess(struct quic *q, struct budget *memory, unsigned int side,
		const struct quic_packet *packet)
{
	enum quic_role role = role_of(q, side);
	enum quic_role other = role == QUIC_CLIENT ? QUIC_SERVER : QUIC_CLIENT;
	struct quic_initial initial = { .version = packet->version };
	struct bytes dcid, payload;
	uint64_t number;

	if (!may_guess(q, side, packet, &dcid))
		return false;
	if (!quic_keys_initial(q->crypto, packet->version, dcid, role, &initial.keys[role]) ||
	    !quic_keys_open(q->crypto, &initial.keys[role], packet, 0, &number, &payload)) {
		q->ends[side].wrong_guesses++;
		return false;
	}
	if (!quic_keys_initial(q->crypto, packet->version, dcid, other, &initial.keys[other]))
		return false;
	if (role == QUIC_CLIENT)
		adopt_client(q, side, packet, &initial);
	else
		adopt_version(q, packet, &initial);
	for (size_t i = 0; i < ARRAY_SIZE(q->ends); i++)
		q->ends[i].wrong_guesses = 0;
	q->answered |= role == QUIC_SERVER;
	read_opened(q, memory, side, QUIC_EPOCH_INITIAL, number, payload);
	return true;
}

bool quic_open_initial(struct quic *q, struct budget *memory, unsigned int side,
		       const struct quic_packet *packet)
{
	struct quic_initial *initial = initial_of(q, packet->version);
	enum quic_role role = role_of(q, side);

	if (!initial ||
	    !open_with(q, memory, side, QUIC_EPOCH_INITIAL, &initial->keys[role], packet))
		return false;
	q->answered |= role == QUIC_SERVER;
	return true;
}

static bool open_handshake(struct quic *q, struct budget *memory, unsigned int side,
			   const struct quic_packet *packet)
{
	struct quic_end *end = &q->ends[side];

	end->handshake_seen = true;
	if (end->secret_len > 0 && end->handshake.version != packet->version &&
	    !quic_keys_derive(q->crypto, packet->version, end->suite,
			      bytes_of(end->secret, end->secret_len), &end->handshake))
		return false;
	if (end->handshake.version != packet->version ||
	    !open_with(q, memory, side, QUIC_EPOCH_HANDSHAKE, &end->handshake, packet))
		return false;
	end->proven = true;
	OPENSSL_cleanse(end->secret, sizeof(end->secret));
	end->secret_len = 0;
	return true;
}

static bool hold(struct quic *q, struct budget *memory, unsigned int side, enum quic_epoch epoch,
		 const struct quic_packet *packet)
{
	struct quic_held *held, **at = &q->held;
	size_t len = sizeof(*held) + packet->whole.len;

	if (packet->cut || len > q->held_max - q->held_len || !budget_take(memory, len))
		return false;
	held = malloc(len);
	if (!held) {
		budget_give(memory, len);
		return false;
	}
	*held = (struct quic_held){
		.side = (uint8_t)side,
		.epoch = (uint8_t)epoch,
		.version = packet->version,
		.len = (uint32_t)packet->whole.len,
		.number_at = (uint32_t)packet->number_at,
	};
	memcpy(held->data, packet->whole.data, packet->whole.len);
	while (*at)
		at = &(*at)->next;
	*at = held;
	q->held_len += (uint32_t)len;
	return true;
}

static void held_free(struct quic *q, struct budget *memory, struct quic_held *held)
{
	size_t len = sizeof(*held) + held->len;

	q->held_len -= (uint32_t)len;
	budget_give(memory, len);
	free(held);
}

void quic_held_drop(struct quic *q, struct budget *memory, enum quic_epoch epoch)
{
	struct quic_held **at = &q->held, *held;

	while ((held = *at)) {
		if (epoch != QUIC_NUM_EPOCHS && held->epoch != epoch) {
			at = &held->next;
			continue;
		}
		*at = held->next;
		q->ends[held->side].spaces[held->epoch].unopened++;
		held_free(q, memory, held);
	}
}

bool quic_open_held(struct quic *q, struct budget *memory, unsigned int side,
		    enum quic_epoch epoch)
{
	struct quic_held **at = &q->held, *held;
	bool opened = false;

	while ((held = *at)) {
		struct quic_packet packet = {
			.version = held->version,
			.whole = bytes_of(held->data, held->len),
			.number_at = held->number_at,
		};

		if (held->side != side || held->epoch != epoch ||
		    !(epoch == QUIC_EPOCH_INITIAL ? quic_open_initial(q, memory, side, &packet) :
						    open_handshake(q, memory, side, &packet))) {
			at = &held->next;
			continue;
		}
		*at = held->next;
		held_free(q, memory, held);
		opened = true;
	}
	return opened;
}

/* Will keys for it perhaps come? */
static bool may_wait(const struct quic *q, unsigned int side, enum quic_epoch epoch)
{
	return epoch == QUIC_EPOCH_INITIAL ? q->client_side < 0 : !q->ends[side].proven;
}

/* With the client's first packet come the keys of what was captured before it. */
static bool begin(struct quic *q, struct budget *memory, unsigned int side,
		  const struct quic_packet *packet)
{
	if (!quic_guess(q, memory, side, packet))
		return false;
	quic_open_held(q, memory, 0, QUIC_EPOCH_INITIAL);
	quic_open_held(q, memory, 1, QUIC_EPOCH_INITIAL);
	quic_held_drop(q, memory, QUIC_EPOCH_INITIAL);
	return true;
}

static bool take_initial(struct quic *q, struct budget *memory, unsigned int side,
			 const struct quic_packet *packet)
{
	if (quic_open_initial(q, memory, side, packet) || quic_is_late(q, side, packet))
		return true;
	if (q->client_side < 0 || is_retried(q, packet))
		return begin(q, memory, side, packet);
	return quic_candidate_initial(q, memory, side, packet);
}

void quic_open(struct quic *q, struct budget *memory, unsigned int side,
	       const struct quic_packet *packet)
{
	enum quic_epoch epoch = packet->type == QUIC_INITIAL ? QUIC_EPOCH_INITIAL :
							       QUIC_EPOCH_HANDSHAKE;
	bool opened;

	if (epoch == QUIC_EPOCH_HANDSHAKE) {
		quic_candidate_answered(q, memory, side, packet);
		opened = open_handshake(q, memory, side, packet);
	} else {
		opened = take_initial(q, memory, side, packet);
	}
	if (!opened && (!may_wait(q, side, epoch) || !hold(q, memory, side, epoch, packet)))
		q->ends[side].spaces[epoch].unopened++;
}
