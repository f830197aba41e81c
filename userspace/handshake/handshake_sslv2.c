/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/handshake/handshake_sslv2.h"

#include <stdlib.h>

#include "parsers/sslv2.h"
#include "parsers/tls_hello.h"
#include "userspace/handshake/handshake_parts.h"

#define MESSAGE_MAX (32u << 10)      /* a record is shorter */

struct sslv2_pieces {
	uint32_t len;
	uint8_t bytes[MESSAGE_MAX];
};

static struct sslv2_pieces *message_new(struct tracker *t)
{
	struct sslv2_pieces *m = budget_take(&t->memory, sizeof(*m)) ? malloc(sizeof(*m)) : NULL;

	if (m)
		m->len = 0;
	return m;
}

static void message_free(struct tracker *t, struct handshake *h, unsigned int side)
{
	if (!h->rare || !h->rare->sslv2[side])
		return;
	budget_give(&t->memory, sizeof(*h->rare->sslv2[side]));
	free(h->rare->sslv2[side]);
	h->rare->sslv2[side] = NULL;
}

void handshake_sslv2_free(struct tracker *t, struct handshake *h)
{
	message_free(t, h, 0);
	message_free(t, h, 1);
}

/* What came before of the message and `in`, joined. False: there is no room. */
static bool gather(struct tracker *t, struct handshake *h, unsigned int side, struct bytes in,
		   struct bytes *joined)
{
	struct handshake_rare *rare = handshake_rare_make(t, h);
	struct sslv2_pieces *m;

	if (rare && !rare->sslv2[side])
		rare->sslv2[side] = message_new(t);
	m = rare ? rare->sslv2[side] : NULL;
	if (!m || in.len > MESSAGE_MAX - m->len)
		return false;
	memcpy(m->bytes + m->len, in.data, in.len);
	m->len += (uint32_t)in.len;
	*joined = bytes_of(m->bytes, m->len);
	return true;
}

static enum parse take_hello(struct tracker *t, struct flow *flow, unsigned int side,
			     struct bytes *in, const struct segment *segment)
{
	struct tls_client_hello hello;
	enum parse result = tls_sslv2_hello_parse(in, &hello);

	if (result == PARSE_OK)
		handshake_client_hello(t, flow, side, &hello, segment);
	else if (result == PARSE_BAD)
		handshake_malformed(t, flow->handshake, side, "SSL 2.0 ClientHello cannot be read");
	return result;
}

static enum parse take_answer(struct tracker *t, struct flow *flow, unsigned int side,
			      struct bytes *in, const struct segment *segment)
{
	struct sslv2_server_hello hello;
	enum parse result = sslv2_server_hello_parse(in, &hello);

	if (result == PARSE_OK)
		handshake_sslv2_answer(t, flow, side, hello.session_id_hit, hello.certificate, segment);
	else if (result == PARSE_BAD)
		handshake_malformed(t, flow->handshake, side, "SSL 2.0 SERVER-HELLO cannot be read");
	return result;
}

enum parse handshake_sslv2_bytes(struct tracker *t, struct flow *flow, unsigned int side,
				 struct bytes *in, const struct segment *segment)
{
	struct handshake *h = flow->handshake;
	bool answer = h->in_sslv2[side] == SSLV2_ANSWER;
	struct bytes message = *in;
	enum parse result;

	h->s.end_ns = segment->time_ns;
	/* Nearly always it is whole at once. */
	if (handshake_rare_of(h)->sslv2[side] && !gather(t, h, side, *in, &message))
		goto over;
	result = answer ? take_answer(t, flow, side, &message, segment) :
			  take_hello(t, flow, side, &message, segment);
	if (result == PARSE_MORE) {
		if (handshake_rare_of(h)->sslv2[side] || gather(t, h, side, *in, &message))
			return PARSE_MORE;
		goto over;
	}
	/* What is left of the message's bytes is the end of these. */
	*in = bytes_of(in->data + in->len - message.len, message.len);
	h->in_sslv2[side] = SSLV2_NONE;
	message_free(t, h, side);
	return result;
over:
	h->oversize[side] = true;
	message_free(t, h, side);
	return PARSE_BAD;
}
