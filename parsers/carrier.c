/* SPDX-License-Identifier: Apache-2.0 */
#include "parsers/carrier_types.h"

#include <stdlib.h>

static const struct carrier_ops *const carriers[] = {
	&carrier_openvpn_tcp, &carrier_openvpn_udp, &carrier_tds, &carrier_radius,
	&carrier_ftp, &carrier_jxta, &carrier_sctp, &carrier_rdpudp, &carrier_turn, &carrier_eapol,
};

enum parse carrier_recognise(enum carrier_over over, struct bytes head,
			     const struct carrier_ops **ops)
{
	enum parse result = PARSE_BAD, one;

	if (head.len == 0)
		return PARSE_BAD;
	for (size_t i = 0; i < ARRAY_SIZE(carriers); i++) {
		if (carriers[i]->over != over)
			continue;
		one = carriers[i]->recognise(head);
		if (one == PARSE_OK) {
			*ops = carriers[i];
			return PARSE_OK;
		}
		if (one == PARSE_MORE && over == CARRIER_OVER_TCP && head.len < CARRIER_HEAD_MAX)
			result = PARSE_MORE;
	}
	return result;
}

const char *carrier_name(const struct carrier_ops *ops)
{
	return ops->name;
}

struct carrier *carrier_new(const struct carrier_ops *ops, struct budget *memory)
{
	size_t len = sizeof(struct carrier) + ops->state_len;
	struct carrier *c;

	if (!budget_take(memory, len))
		return NULL;
	c = calloc(1, len);
	if (!c) {
		budget_give(memory, len);
		return NULL;
	}
	c->ops = ops;
	return c;
}

void carrier_free(struct carrier *c, struct budget *memory)
{
	if (!c)
		return;
	if (c->ops->fini)
		c->ops->fini(c, memory);
	budget_give(memory, sizeof(*c) + c->ops->state_len);
	free(c);
}

void carrier_feed(struct carrier *c, unsigned int side, struct bytes in)
{
	c->side = side & 1;
	c->in = in;
	c->fresh = true;
}

enum parse carrier_next(struct carrier *c, struct budget *memory, struct carrier_piece *out)
{
	struct carrier_piece piece = { .side = c->side };
	enum parse result = c->ops->next(c, memory, &piece);

	if (result == PARSE_OK)
		*out = piece;
	return result;
}

bool carrier_lose(struct carrier *c, struct budget *memory, unsigned int side, uint32_t len)
{
	return c->ops->lose && c->ops->lose(c, memory, side & 1, len);
}
