/* SPDX-License-Identifier: Apache-2.0 */
/* What screen_rows.c (what a row is worth) and screen_order.c (which come first) share. */
#ifndef CERTTAP_SCREEN_ROWS_PARTS_H
#define CERTTAP_SCREEN_ROWS_PARTS_H

#include "userspace/hash.h"
#include "userspace/screen/screen_rows.h"

struct endpoint;

struct screen_rows {
	const struct ledger *ledger;
	const struct ledger_row *newest; /* the last one taken in */
	struct screen_row *rows;
	uint32_t *order;                 /* those that match; in order where a window was asked for */
	size_t num, capacity, matching;
	struct hash_key hash_key;
	struct endpoint *endpoints;
	unsigned int longest;
	enum screen_sort sort;
	bool reverse;
	char filter[SCREEN_FILTER_MAX];
	uint64_t now_ns;
	size_t looked_at;                /* where the search for changed rows goes on */
	bool behind;
	uint32_t selected;               /* of rows[] */
	size_t at, top;
	bool by_place;                   /* `at` says what is selected, not `selected` */
	uint32_t random;                 /* of the pivots: strangers choose the keys */
};

/* What the row is sorted by; where two are equal, more is looked at. */
uint64_t screen_order_key(const struct screen_rows *r, const struct screen_row *s);

#endif
