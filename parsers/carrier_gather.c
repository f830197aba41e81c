/* SPDX-License-Identifier: Apache-2.0 */
#include "parsers/carrier_types.h"

#include <stdlib.h>

#define CAPACITY_MIN 64u

static bool reserve(struct gather *g, struct budget *memory, size_t len)
{
	uint32_t capacity = g->capacity ? g->capacity : CAPACITY_MIN;
	uint8_t *data;

	if (len > UINT32_MAX / 4 - g->len)
		return false;
	while (capacity - g->len < len)
		capacity *= 2;
	if (capacity == g->capacity)
		return true;
	if (!budget_take(memory, capacity - g->capacity))
		return false;
	data = realloc(g->data, capacity);
	if (!data) {
		budget_give(memory, capacity - g->capacity);
		return false;
	}
	g->data = data;
	g->capacity = capacity;
	return true;
}

bool gather_add(struct gather *g, struct budget *memory, struct bytes in)
{
	if (in.len == 0)
		return true;
	if (!reserve(g, memory, in.len))
		return false;
	memcpy(g->data + g->len, in.data, in.len);
	g->len += (uint32_t)in.len;
	return true;
}

struct bytes gather_bytes(const struct gather *g)
{
	return bytes_of(g->data, g->len);
}

void gather_fini(struct gather *g, struct budget *memory)
{
	budget_give(memory, g->capacity);
	free(g->data);
	*g = (struct gather){ 0 };
}

enum parse gather_take(struct gather *g, struct budget *memory, struct bytes *in, uint32_t want,
		       struct bytes *out)
{
	struct bytes part;
	size_t len;

	if (g->given)
		gather_fini(g, memory);
	if (g->len == 0 && bytes_take(in, want, out))
		return PARSE_OK;
	len = want - g->len;
	if (len > in->len)
		len = in->len;
	if (!bytes_take(in, len, &part) || !gather_add(g, memory, part))
		return PARSE_BAD;
	if (g->len < want)
		return PARSE_MORE;
	g->given = true;
	*out = gather_bytes(g);
	return PARSE_OK;
}
