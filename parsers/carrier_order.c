/* SPDX-License-Identifier: Apache-2.0 */
#include "parsers/carrier_types.h"

#include <stdlib.h>

static void item_free(struct order_item *item, struct budget *memory)
{
	if (!item)
		return;
	budget_give(memory, sizeof(*item) + item->len);
	free(item);
}

static struct order_item *item_new(struct budget *memory, uint32_t number, struct bytes in)
{
	struct order_item *item;

	if (in.len > ORDER_HELD_MAX || !budget_take(memory, sizeof(*item) + in.len))
		return NULL;
	item = malloc(sizeof(*item) + in.len);
	if (!item) {
		budget_give(memory, sizeof(*item) + in.len);
		return NULL;
	}
	item->number = number;
	item->len = (uint32_t)in.len;
	if (in.len)
		memcpy(item->data, in.data, in.len);
	return item;
}

static struct order_item *take_first(struct order *o)
{
	struct order_item *item = o->items;

	o->items = item->next;
	o->held -= item->len;
	o->num--;
	return item;
}

void order_begin(struct order *o, struct budget *memory, uint32_t number)
{
	order_fini(o, memory);
	o->next = number;
}

void order_fini(struct order *o, struct budget *memory)
{
	while (o->items)
		item_free(take_first(o), memory);
	item_free(o->given, memory);
	*o = (struct order){ 0 };
}

enum order_add order_add(struct order *o, struct budget *memory, uint32_t number, struct bytes in)
{
	uint32_t ahead = number - o->next;
	struct order_item **at = &o->items, *item;

	if (ahead == 0) {
		o->next++;
		return ORDER_NOW;
	}
	if (ahead > ORDER_FAR)
		return ORDER_IGNORED;
	while (*at && (*at)->number - o->next < ahead)
		at = &(*at)->next;
	if (*at && (*at)->number == number)
		return ORDER_IGNORED;
	item = item_new(memory, number, in);
	if (!item)
		return ORDER_IGNORED;
	item->next = *at;
	*at = item;
	o->held += item->len;
	o->num++;
	if (o->num > ORDER_ITEMS_MAX || o->held > ORDER_HELD_MAX) {
		o->missed += o->items->number - o->next;
		o->next = o->items->number;
	}
	return ORDER_KEPT;
}

bool order_pop(struct order *o, struct budget *memory, struct bytes *out)
{
	item_free(o->given, memory);
	o->given = NULL;
	if (!o->items || o->items->number != o->next)
		return false;
	o->given = take_first(o);
	o->next++;
	*out = bytes_of(o->given->data, o->given->len);
	return true;
}

void order_skip(struct order *o, struct budget *memory, uint32_t number)
{
	uint32_t ahead = number - o->next;

	if (ahead > UINT32_MAX / 2)
		return;
	while (o->items && o->items->number - o->next < ahead)
		item_free(take_first(o), memory);
	o->missed += ahead;
	o->next = number;
}

uint32_t order_missed(struct order *o)
{
	uint32_t missed = o->missed;

	o->missed = 0;
	return missed;
}
