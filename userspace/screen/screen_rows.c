/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/screen/screen_rows_parts.h"

#include <stdio.h>
#include <stdlib.h>

#include "userspace/output/output_text.h"
#include "userspace/screen/screen_filter.h"

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#define DAY_S 86400
#define NEW_MAX 4096u            /* rows taken in by one update, */
#define CHANGED_MAX 8192u        /* and judged anew: packets wait meanwhile */
#define OF_FINDING(f) (1u << FINDING_##f)
#define EXPIRED (OF_FINDING(EXPIRED) | OF_FINDING(EXPIRED_NOW))

struct endpoint_key {
	struct host_port server;
	uint16_t transport;
};

struct endpoint {
	UT_hash_handle hh;
	struct endpoint_key key;
};

struct screen_rows *screen_rows_new(const struct ledger *l)
{
	struct screen_rows *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	*r = (struct screen_rows){ .ledger = l, .hash_key = hash_key_random(), .by_place = true };
	r->random = (uint32_t)hash_bytes(&r->hash_key, "pivot", 5) | 1;
	return r;
}

void screen_rows_free(struct screen_rows *r)
{
	struct endpoint *endpoint, *next;

	if (!r)
		return;
	HASH_ITER(hh, r->endpoints, endpoint, next) {
		HASH_DEL(r->endpoints, endpoint);
		free(endpoint);
	}
	free(r->rows);
	free(r->order);
	free(r);
}

/* --- what a row is worth */

static const struct x509 *leaf_of(const struct ledger_row *row)
{
	return row->reason == REASON_NONE && row->chain ? row->chain->certificates[0]->x509 : NULL;
}

static enum attention attention_of(const struct screen_row *s, int64_t now_s)
{
	if (s->standing == STANDING_REPLACED)
		return ATTENTION_REPLACED;
	if (s->findings & EXPIRED)
		return ATTENTION_EXPIRED;
	if (s->standing == STANDING_STRAGGLER)
		return ATTENTION_STRAGGLER;
	if (s->refused)
		return ATTENTION_REFUSED;
	if (s->findings)
		return ATTENTION_FINDING;
	if (s->row->reason != REASON_NONE)
		return ATTENTION_UNKNOWN;
	if (s->not_after_s < now_s + (int64_t)ATTENTION_DAYS_LEFT * DAY_S)
		return ATTENTION_DAYS;
	return ATTENTION_FINE;
}

/* Time alone makes a certificate expire, and other rows make it a straggler. */
static void judge(struct screen_rows *r, struct screen_row *s)
{
	int64_t now_s = (int64_t)(r->now_ns / 1000000000u);
	uint8_t before = s->attention;

	s->findings &= ~OF_FINDING(EXPIRED_NOW);
	if (s->not_after_s < now_s)
		s->findings |= OF_FINDING(EXPIRED_NOW);
	s->standing = (uint8_t)stragglers_standing(s->row->place, NULL);
	s->attention = (uint8_t)attention_of(s, now_s);
	s->key = screen_order_key(r, s);
	if (s->attention != before && r->filter[0])
		s->matches = screen_filter_matches(r->filter, s);
}

/* A cheap sum of all that may change in a row. */
static uint64_t changes_of(const struct ledger_row *row)
{
	uint64_t sum = row->sightings + row->established + row->broke_off + row->num_names + row->alerts_more;
	unsigned int i;

	for (i = 0; i < row->num_alerts; i++)
		sum += row->alerts[i].count;
	return sum;
}

static void look_at_alerts(struct screen_row *s)
{
	const struct ledger_row *row = s->row;
	unsigned int i;

	for (i = 0; i < row->num_alerts && !s->refused; i++)
		s->refused = ledger_row_refused(row, &row->alerts[i].alert);
}

static void look(struct screen_rows *r, struct screen_row *s, uint64_t changes)
{
	const struct ledger_row *row = s->row;

	s->changes = changes;
	s->sightings = row->sightings;
	s->last_ns = row->last_ns;
	s->findings = findings_of(row, (int64_t)(r->now_ns / 1000000000u));
	if (row->owners) {
		s->owner = row->owners->end[row->role].process;
		s->owner_candidate = row->owners->end[row->role].candidate;
	}
	look_at_alerts(s);
	s->matches = !r->filter[0] || screen_filter_matches(r->filter, s);
}

/* --- rows that come, and change */

static void count_endpoint(struct screen_rows *r, const struct ledger_row *row)
{
	struct endpoint_key key;
	struct endpoint *endpoint;
	unsigned int hash;
	char text[64];

	memset(&key, 0, sizeof(key));
	key.server = row->server;
	key.transport = (uint16_t)row->transport;
	hash = (unsigned int)hash_bytes(&r->hash_key, &key, sizeof(key));
	HASH_FIND_BYHASHVALUE(hh, r->endpoints, &key, sizeof(key), hash, endpoint);
	if (endpoint || !(endpoint = calloc(1, sizeof(*endpoint))))
		return;
	endpoint->key = key;
	HASH_ADD_BYHASHVALUE(hh, r->endpoints, key, sizeof(key), hash, endpoint);
	if (!endpoint->hh.tbl)
		free(endpoint);
	output_text_endpoint(&row->server, row->transport, text, sizeof(text));
	if (strlen(text) > r->longest)
		r->longest = (unsigned int)strlen(text);
}

static bool make_room(struct screen_rows *r)
{
	size_t capacity = r->capacity ? 2 * r->capacity : 1024;
	struct screen_row *rows;
	uint32_t *order;

	if (r->num < r->capacity)
		return true;
	rows = realloc(r->rows, capacity * sizeof(*rows));
	if (!rows)
		return false;
	r->rows = rows;
	order = realloc(r->order, capacity * sizeof(*order));
	if (!order)
		return false;
	r->order = order;
	r->capacity = capacity;
	return true;
}

static bool take_in(struct screen_rows *r)
{
	const struct ledger_row *row = r->newest;
	const struct x509 *leaf;
	unsigned int num = 0;

	while (num++ < NEW_MAX && (row = ledger_next_row(r->ledger, row))) {
		if (!make_room(r))
			return false;
		leaf = leaf_of(row);
		r->rows[r->num++] = (struct screen_row){
			.row = row,
			.not_after_s = leaf && leaf->not_after.known ? leaf->not_after.unix_s : INT64_MAX,
		};
		r->newest = row;
		count_endpoint(r, row);
	}
	return true;
}

/* Goes on where the last time's budget ended, so that every row has its turn. */
static void look_at_changed(struct screen_rows *r)
{
	unsigned int budget = CHANGED_MAX;
	uint64_t changes;
	size_t i;

	for (i = 0; i < r->num && budget > 0; i++) {
		if (r->looked_at >= r->num)
			r->looked_at = 0;
		changes = changes_of(r->rows[r->looked_at].row);
		if (changes != r->rows[r->looked_at].changes) {
			look(r, &r->rows[r->looked_at], changes);
			budget--;
		}
		r->looked_at++;
	}
	r->behind = budget == 0 || r->num < ledger_counters(r->ledger)->rows;
}

bool screen_rows_behind(const struct screen_rows *r)
{
	return r->behind;
}

bool screen_rows_update(struct screen_rows *r, uint64_t now_ns)
{
	bool good = take_in(r);
	size_t i;

	r->now_ns = now_ns;
	look_at_changed(r);
	for (i = 0; i < r->num; i++)
		judge(r, &r->rows[i]);
	return good;
}

uint64_t screen_rows_now_ns(const struct screen_rows *r)
{
	return r->now_ns;
}

void screen_rows_sort(struct screen_rows *r, enum screen_sort sort, bool reverse)
{
	size_t i;

	r->sort = sort;
	r->reverse = reverse;
	for (i = 0; i < r->num; i++)
		r->rows[i].key = screen_order_key(r, &r->rows[i]);
}

void screen_rows_filter(struct screen_rows *r, const char *text)
{
	size_t i;

	snprintf(r->filter, sizeof(r->filter), "%s", text);
	for (i = 0; i < r->num; i++)
		r->rows[i].matches = !r->filter[0] || screen_filter_matches(r->filter, &r->rows[i]);
}

size_t screen_rows_endpoints(const struct screen_rows *r, unsigned int *longest)
{
	*longest = r->longest;
	return HASH_COUNT(r->endpoints);
}

const struct screen_row *screen_rows_get(const struct screen_rows *r, uint32_t which)
{
	return &r->rows[which];
}
