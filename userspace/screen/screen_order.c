/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/screen/screen_rows_parts.h"

#include <ctype.h>
#include <stdlib.h>

const char *screen_sort_name(enum screen_sort sort)
{
	static const char *const names[NUM_SORTS] = {
		[SORT_ATTENTION] = "attention", [SORT_SERVER] = "server", [SORT_NAME] = "name",
		[SORT_DAYS] = "days left", [SORT_OWNER] = "owner", [SORT_SEEN] = "sightings",
		[SORT_LAST] = "last seen",
	};

	return names[sort];
}

static const struct x509 *leaf_of(const struct ledger_row *row)
{
	return row->reason == REASON_NONE && row->chain ? row->chain->certificates[0]->x509 : NULL;
}

/* The first eight letters, so that most comparisons need no look at the rest. */
static uint64_t text_key(const char *text)
{
	uint64_t key = 0;
	unsigned int i;

	for (i = 0; i < 8; i++) {
		key = key << 8 | (uint8_t)tolower((unsigned char)*text);
		if (*text)
			text++;
	}
	return key ? key : UINT64_MAX;   /* what has no name comes last */
}

/* Into 58 bits, in order; what has no end comes last. */
static uint64_t days_key(int64_t not_after_s)
{
	const int64_t most = (int64_t)1 << 56;

	if (not_after_s < -most)
		not_after_s = -most;
	if (not_after_s > most)
		not_after_s = most;
	return (uint64_t)(not_after_s + most);
}

/* IPv4 before IPv6, each by address; the rest of the order is in compare(). */
static uint64_t server_key(const struct host_port *server)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	const uint8_t *o = server->address.octets;
	bool v4 = memcmp(o, mapped, sizeof(mapped)) == 0;
	uint64_t key = 0;
	unsigned int i;

	for (i = v4 ? 12 : 0; i < (v4 ? 16 : 8); i++)
		key = key << 8 | o[i];
	return v4 ? key << 16 | server->port : key >> 1 | 1ull << 63;
}

static const char *owner_name(const struct screen_row *s)
{
	if (!s->owner)
		return "";
	if (s->owner->user_service[0])
		return s->owner->user_service;
	return s->owner->service[0] ? s->owner->service : s->owner->name;
}

static const char *certificate_name(const struct screen_row *s)
{
	const struct x509 *leaf = leaf_of(s->row);

	if (!leaf)
		return "";
	return leaf->subject_cn[0] ? leaf->subject_cn : leaf->subject;
}

uint64_t screen_order_key(const struct screen_rows *r, const struct screen_row *s)
{
	switch (r->sort) {
	case SORT_SERVER:
		return server_key(&s->row->server);
	case SORT_NAME:
		return text_key(certificate_name(s));
	case SORT_DAYS:
		return days_key(s->not_after_s);
	case SORT_OWNER:
		return text_key(owner_name(s));
	case SORT_SEEN:
		return ~s->sightings;
	case SORT_LAST:
		return ~s->last_ns;
	default:
		return (uint64_t)s->attention << 60 | days_key(s->not_after_s);
	}
}

static int compare_rest(const struct screen_rows *r, const struct screen_row *a, const struct screen_row *b)
{
	switch (r->sort) {
	case SORT_SERVER:
		return memcmp(&a->row->server, &b->row->server, sizeof(a->row->server));
	case SORT_NAME:
		return strcasecmp(certificate_name(a), certificate_name(b));
	case SORT_OWNER:
		return strcasecmp(owner_name(a), owner_name(b));
	default:
		return 0;
	}
}

/* No two are equal: the older row comes first. */
static int compare(const struct screen_rows *r, uint32_t a, uint32_t b)
{
	const struct screen_row *left = &r->rows[a], *right = &r->rows[b];
	int order;

	if (left->key != right->key)
		order = left->key < right->key ? -1 : 1;
	else
		order = compare_rest(r, left, right);
	if (order == 0)
		return a < b ? -1 : a > b;
	return r->reverse ? -order : order;
}

static int compare_order(const void *a, const void *b, void *context)
{
	return compare(context, *(const uint32_t *)a, *(const uint32_t *)b);
}

static size_t random_below(struct screen_rows *r, size_t num)
{
	r->random ^= r->random << 13;
	r->random ^= r->random >> 17;
	r->random ^= r->random << 5;
	return r->random % num;
}

static void swap(uint32_t *a, uint32_t *b)
{
	uint32_t kept = *a;

	*a = *b;
	*b = kept;
}

/* Hoare's selection: afterwards order[0..nth) comes before order[nth..num). */
static void select_first(struct screen_rows *r, uint32_t *order, size_t num, size_t nth)
{
	size_t i, end;
	uint32_t pivot;

	while (num > 1 && nth > 0 && nth < num) {
		swap(&order[random_below(r, num)], &order[num - 1]);
		pivot = order[num - 1];
		for (i = end = 0; i < num - 1; i++)
			if (compare(r, order[i], pivot) < 0)
				swap(&order[i], &order[end++]);
		swap(&order[end], &order[num - 1]);
		if (nth <= end) {
			num = end;
		} else {
			order += end + 1;
			num -= end + 1;
			nth -= end + 1;
		}
	}
}

static void collect(struct screen_rows *r)
{
	size_t i;

	r->matching = 0;
	for (i = 0; i < r->num; i++)
		if (r->rows[i].matches)
			r->order[r->matching++] = (uint32_t)i;
}

/* Where the selected row is now; its place is kept where the row itself is filtered out. */
static void find_selected(struct screen_rows *r)
{
	size_t i, before = 0;

	if (r->by_place || r->selected >= r->num || !r->rows[r->selected].matches)
		return;
	for (i = 0; i < r->matching; i++)
		before += compare(r, r->order[i], r->selected) < 0;
	r->at = before;
}

static void select_by_place(struct screen_rows *r, const struct screen_window *w)
{
	if (w->num)
		r->selected = w->shown[w->at - w->top];
	r->by_place = r->at == 0;
}

void screen_rows_move(struct screen_rows *r, long by)
{
	size_t last;

	collect(r);
	find_selected(r);
	last = r->matching ? r->matching - 1 : 0;
	if (by < 0)
		r->at = r->at > (size_t)-by ? r->at - (size_t)-by : 0;
	else
		r->at = last - r->at > (size_t)by ? r->at + (size_t)by : last;
	r->by_place = true;
}

void screen_rows_window(struct screen_rows *r, size_t height, struct screen_window *out)
{
	struct screen_window w = { .total = r->num };

	collect(r);
	find_selected(r);
	if (r->at >= r->matching)
		r->at = r->matching ? r->matching - 1 : 0;
	if (r->at < r->top)
		r->top = r->at;
	if (height && r->at >= r->top + height)
		r->top = r->at - height + 1;
	if (r->top + height > r->matching)
		r->top = r->matching > height ? r->matching - height : 0;
	w.matching = r->matching;
	w.top = r->top;
	w.at = r->at;
	w.num = r->matching - r->top < height ? r->matching - r->top : height;
	w.shown = r->order + r->top;
	select_first(r, r->order, r->matching, r->top);
	select_first(r, r->order + r->top, r->matching - r->top, w.num);
	qsort_r(r->order + r->top, w.num, sizeof(*r->order), compare_order, r);
	select_by_place(r, &w);
	*out = w;
}
