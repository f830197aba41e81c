/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/handshake_sslv2.h"

#include <stdlib.h>

#include "parsers/sslv2.h"

#define ANSWER_MAX (32u << 10)      /* a record is shorter */

struct sslv2_answer {
	uint32_t len;
	uint8_t bytes[ANSWER_MAX];
};

static bool gather(struct tracker *t, struct handshake *h, struct bytes in)
{
	struct sslv2_answer *a = h->sslv2;

	if (!a) {
		if (!budget_take(&t->memory, sizeof(*a)))
			return false;
		a = h->sslv2 = malloc(sizeof(*a));
		if (!a) {
			budget_give(&t->memory, sizeof(*a));
			return false;
		}
		a->len = 0;
	}
	if (in.len > ANSWER_MAX - a->len)
		return false;
	memcpy(a->bytes + a->len, in.data, in.len);
	a->len += (uint32_t)in.len;
	return true;
}

void handshake_sslv2_free(struct tracker *t, struct handshake *h)
{
	if (!h->sslv2)
		return;
	budget_give(&t->memory, sizeof(*h->sslv2));
	free(h->sslv2);
	h->sslv2 = NULL;
}

bool handshake_sslv2_bytes(struct tracker *t, struct flow *flow, unsigned int side, struct bytes in,
			   const struct segment *segment)
{
	struct handshake *h = flow->handshake;
	struct sslv2_server_hello hello;
	struct bytes answer;
	enum parse result;

	h->s.end_ns = segment->time_ns;
	if (!gather(t, h, in)) {
		h->oversize[side] = true;
		return false;
	}
	answer = bytes_of(h->sslv2->bytes, h->sslv2->len);
	result = sslv2_server_hello_parse(&answer, &hello);
	if (result == PARSE_MORE)
		return true;
	if (result == PARSE_BAD)
		handshake_malformed(t, h, side, "SSL 2.0 SERVER-HELLO cannot be read");
	else
		handshake_sslv2_answer(t, flow, side, hello.session_id_hit, hello.certificate, segment);
	handshake_sslv2_free(t, h);
	return false;
}
