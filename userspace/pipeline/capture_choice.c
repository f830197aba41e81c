/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/pipeline/capture_choice.h"

#include "parsers/quic.h"
#include "parsers/tls_hello.h"
#include "userspace/handshake/handshake.h"
#include "userspace/handshake/handshake_keys.h"
#include "userspace/pipeline/carriage.h"
#include "userspace/write/capture_writer.h"

#define DTLS_EPOCH_AT 3
#define DTLS13_HANDSHAKE_EPOCH 2

/* What comes on this side from now on is no handshake any more, though a key may open it. */
static bool side_finished(const struct handshake *h, unsigned int side)
{
	if (!h->s.version)
		return false;
	if (dtls_version_as_tls(h->s.version) == TLS_1_3)
		return h->messages[side] & 1u << TLS_FINISHED;
	return h->cipher_spec[side] || h->reader[side].opener;
}

static bool in_handshake(const struct flow *flow)
{
	return flow->handshake || (flow->carriage && carriage_stage(flow) == CARRIAGE_DURING);
}

struct capture_before capture_before(const struct tracker *t, const struct segment *segment)
{
	struct capture_before before = { .handshakes = t->counters.handshakes };
	unsigned int side;
	const struct flow *flow = flow_table_find(t->flows, segment, &side);

	if (!flow)
		return before;
	before.in_handshake = in_handshake(flow);
	before.carried = flow->carriage != NULL;
	before.side_over = flow->side[side].state == SIDE_DONE || flow->side[side].state == SIDE_PASSED ||
			   (flow->handshake && side_finished(flow->handshake, side));
	return before;
}

/* Only the state of what is inside tells. */
static enum capture_choice choose_carried(const struct flow *flow, const struct capture_before *before, bool begun)
{
	if (begun || before->in_handshake || in_handshake(flow))
		return CAPTURE_TAKE;
	return flow->carriage && carriage_stage(flow) == CARRIAGE_BEFORE ? CAPTURE_DOUBT : CAPTURE_LEAVE;
}

/* Bytes that may begin something, but are too few to tell, or whose place is not known yet. */
static bool may_begin(const struct side *s)
{
	return s->state == SIDE_HOLDING || (s->state == SIDE_SEARCHING && s->tail_len);
}

static enum capture_choice choose_stream(const struct flow *flow, unsigned int side,
					 const struct capture_before *before, const struct segment *segment,
					 bool is_frame)
{
	if (flow->handshake && !before->in_handshake)
		return CAPTURE_TAKE;
	/* Also not its FIN: bytes between that are not kept would look lost. */
	if (before->side_over)
		return CAPTURE_LEAVE;
	if (!segment->payload.len)
		return before->in_handshake && segment->flags & (TCP_FIN | TCP_RST) ? CAPTURE_TAKE : CAPTURE_LEAVE;
	if (before->in_handshake || !is_frame)
		return CAPTURE_TAKE;
	return may_begin(&flow->side[side]) ? CAPTURE_DOUBT : CAPTURE_LEAVE;
}

/* A long header, but not that of 0-RTT, which is application data (RFC 9000 section 17.2, RFC 9369 section 3.2). */
static bool quic_handshake(struct bytes in)
{
	uint32_t version;
	uint8_t first;

	if (!bytes_u8(&in, &first) || !bytes_u32(&in, &version))
		return false;
	return first & 0x80 && (first >> 4 & 3) != (version == QUIC_V2 || version == QUIC_V2_DRAFT ? 2 : 1);
}

/* A record of the handshake: in clear, or while it lasts. Of DTLS 1.3's short headers only those of its epoch. */
static bool dtls_handshake(struct bytes in, bool in_handshake)
{
	if (in.len > DTLS_EPOCH_AT + 1 && in.data[0] >= TLS_CHANGE_CIPHER_SPEC && in.data[0] <= TLS_HANDSHAKE)
		return in_handshake || (in.data[DTLS_EPOCH_AT] == 0 && in.data[DTLS_EPOCH_AT + 1] == 0);
	return in_handshake && in.len && in.data[0] >> 5 == 1 && (in.data[0] & 3) == DTLS13_HANDSHAKE_EPOCH;
}

static enum capture_choice choose_datagram(const struct flow *flow, const struct capture_before *before,
					   const struct segment *segment)
{
	bool in = before->in_handshake || flow->handshake, chosen = in;

	/* Within TURN or CAPWAP a datagram does not show what it is. */
	if (flow->datagrams && !flow->carrier)
		chosen = quic_handshake(segment->payload) || dtls_handshake(segment->payload, in);
	return chosen ? CAPTURE_TAKE : CAPTURE_LEAVE;
}

static void give_secrets(struct tracker *t, struct flow *flow)
{
	if (capture_writer_wants_secrets(t->writer) && flow->handshake && handshake_keys_write(t, flow->handshake))
		capture_writer_release(t->writer, &flow->key);
}

void capture_after(struct tracker *t, const struct capture_before *before, const struct segment *segment,
		   const struct frame *frame)
{
	bool begun = t->counters.handshakes != before->handshakes;
	struct capture_before now = *before;
	unsigned int side;
	struct flow *flow = flow_table_find(t->flows, segment, &side);
	enum capture_choice choice;

	if (!flow)
		return;
	/* Another handshake in the same connection: what is said of the old one does not count. */
	if (begun)
		now.in_handshake = now.side_over = false;
	if (flow->carriage || before->carried)
		choice = choose_carried(flow, &now, begun);
	else if (segment->transport == TRANSPORT_TCP)
		choice = choose_stream(flow, side, &now, segment, frame != NULL);
	else
		choice = choose_datagram(flow, &now, segment);
	if (choice != CAPTURE_LEAVE && frame)
		capture_writer_frame(t->writer, &flow->key, frame, choice);
	else if (choice != CAPTURE_LEAVE)
		capture_writer_segment(t->writer, &flow->key, segment, choice);
	/* Behind that: only now is it certain that what was in doubt belongs to a handshake, and may follow its secret. */
	give_secrets(t, flow);
	if (!in_handshake(flow) && (choice == CAPTURE_TAKE || before->in_handshake))
		capture_writer_settle(t->writer, &flow->key);
}

void capture_keys_arrived(struct tracker *t, struct flow *flow)
{
	give_secrets(t, flow);
	if (!in_handshake(flow))
		capture_writer_settle(t->writer, &flow->key);
}

void capture_ended(struct tracker *t, const struct flow *flow)
{
	capture_writer_settle(t->writer, &flow->key);
}
