/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/ledger/stragglers.h"

#include <stdlib.h>

#include "userspace/hash.h"
#include "userspace/ledger/lineage.h"

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

/* Processes that end take some connections to their end: so long they may present what was replaced beside them. */
#define HANDOVER_NS 300000000000ull

/* All that stands for the same thing. */
struct line {
	UT_hash_handle hh;
	uint8_t key[32];
	const struct certificate *newest;
	const struct ledger_row *newest_row;   /* the first that showed it */
	bool several;                    /* more than one certificate was seen */
};

/* The same at one endpoint. */
struct site_key {
	struct host_port server;
	uint16_t transport;
	struct line *line;
};

struct site {
	UT_hash_handle hh;
	struct site_key key;
	const struct ledger_row *newest; /* of its rows */
};

struct straggler_place {
	struct straggler_place *next;
	const struct ledger_row *row;
	struct line *line;
	struct site *site;
};

struct stragglers {
	struct hash_key key;
	struct line *lines;
	struct site *sites;
	struct straggler_place *places;
};

struct stragglers *stragglers_new(void)
{
	struct stragglers *s = calloc(1, sizeof(*s));

	if (s)
		s->key = hash_key_random();
	return s;
}

void stragglers_free(struct stragglers *s)
{
	struct straggler_place *place;
	struct line *line, *next_line;
	struct site *site, *next_site;

	if (!s)
		return;
	while ((place = s->places)) {
		s->places = place->next;
		free(place);
	}
	HASH_ITER(hh, s->sites, site, next_site) {
		HASH_DEL(s->sites, site);
		free(site);
	}
	HASH_ITER(hh, s->lines, line, next_line) {
		HASH_DEL(s->lines, line);
		free(line);
	}
	free(s);
}

static const struct certificate *leaf_of(const struct ledger_row *row)
{
	return row->chain->certificates[0];
}

static bool newer(const struct certificate *a, const struct certificate *b)
{
	struct lineage_place left = lineage_place_of(a->x509), right = lineage_place_of(b->x509);

	return lineage_compare(&left, &right) == LINEAGE_NEWER;
}

static struct line *line_of(struct stragglers *s, const struct ledger_row *row)
{
	struct lineage lineage;
	struct line *line;
	unsigned int hash;

	lineage_of(leaf_of(row)->x509, &lineage);
	hash = (unsigned int)hash_bytes(&s->key, lineage.key, sizeof(lineage.key));
	HASH_FIND_BYHASHVALUE(hh, s->lines, lineage.key, sizeof(lineage.key), hash, line);
	if (line)
		return line;
	line = calloc(1, sizeof(*line));
	if (!line)
		return NULL;
	memcpy(line->key, lineage.key, sizeof(line->key));
	line->newest = leaf_of(row);
	line->newest_row = row;
	HASH_ADD_BYHASHVALUE(hh, s->lines, key, sizeof(line->key), hash, line);
	if (line->hh.tbl)
		return line;
	free(line);
	return NULL;
}

static struct site *site_of(struct stragglers *s, const struct ledger_row *row, struct line *line)
{
	struct site_key key;
	struct site *site;
	unsigned int hash;

	memset(&key, 0, sizeof(key));
	key.server = row->server;
	key.transport = (uint16_t)row->transport;
	key.line = line;
	hash = (unsigned int)hash_bytes(&s->key, &key, sizeof(key));
	HASH_FIND_BYHASHVALUE(hh, s->sites, &key, sizeof(key), hash, site);
	if (site)
		return site;
	site = calloc(1, sizeof(*site));
	if (!site)
		return NULL;
	site->key = key;
	site->newest = row;
	HASH_ADD_BYHASHVALUE(hh, s->sites, key, sizeof(key), hash, site);
	if (site->hh.tbl)
		return site;
	free(site);
	return NULL;
}

struct straggler_place *stragglers_add(struct stragglers *s, const struct ledger_row *row)
{
	struct straggler_place *place;

	if (row->role != ROLE_SERVER || row->reason != REASON_NONE || !row->chain || !row->chain->num ||
	    !leaf_of(row)->der)
		return NULL;
	place = calloc(1, sizeof(*place));
	if (!place)
		return NULL;
	place->row = row;
	place->line = line_of(s, row);
	place->site = place->line ? site_of(s, row, place->line) : NULL;
	if (!place->site) {
		free(place);
		return NULL;
	}
	place->line->several |= place->line->newest != leaf_of(row);
	if (newer(leaf_of(row), place->line->newest)) {
		place->line->newest = leaf_of(row);
		place->line->newest_row = row;
	}
	if (newer(leaf_of(row), leaf_of(place->site->newest)))
		place->site->newest = row;
	place->next = s->places;
	s->places = place;
	return place;
}

enum standing stragglers_standing(const struct straggler_place *place, const struct ledger_row **newest)
{
	const struct ledger_row *row, *here;

	if (!place || !place->line->several)
		return STANDING_NEWEST;
	row = place->row;
	here = place->site->newest;
	if (newest)
		*newest = place->line->newest_row;
	if (newer(leaf_of(here), leaf_of(row)) &&
	    (row->last_ns <= here->first_ns || row->last_ns + HANDOVER_NS < here->last_ns))
		return STANDING_REPLACED;
	if (newer(place->line->newest, leaf_of(row)) && row->last_ns > place->line->newest_row->first_ns)
		return STANDING_STRAGGLER;
	return STANDING_NEWEST;
}
