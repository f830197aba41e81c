/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which rows of the ledger the screen shows, and in which order. It knows no terminal.
 *
 * Of each row it keeps what sorts it, as of the last screen_rows_update(): so a paused screen stands still while the
 * ledger goes on. Only rows that changed are judged again, and only what is shown is put into order.
 */
#ifndef CERTTAP_SCREEN_ROWS_H
#define CERTTAP_SCREEN_ROWS_H

#include "userspace/ledger/findings.h"
#include "userspace/ledger/stragglers.h"

#define SCREEN_FILTER_MAX 64

/* What needs attention comes first. */
enum attention {
	ATTENTION_EXPIRED,       /* and still in use */
	ATTENTION_STRAGGLER,
	ATTENTION_REFUSED,       /* by a fatal alert */
	ATTENTION_FINDING,
	ATTENTION_DAYS,          /* few are left */
	ATTENTION_UNKNOWN,       /* no certificate was seen, for the reason that the row has */
	ATTENTION_FINE,
	ATTENTION_REPLACED,      /* the endpoint has gone over to a newer one */
};

#define ATTENTION_DAYS_LEFT 30

enum screen_sort {
	SORT_ATTENTION, SORT_SERVER, SORT_NAME, SORT_DAYS, SORT_OWNER, SORT_SEEN, SORT_LAST,
	NUM_SORTS,
};

/* "attention", "server" ... */
const char *screen_sort_name(enum screen_sort sort);

struct screen_row {
	const struct ledger_row *row;
	const struct process *owner;     /* NULL: not known */
	uint64_t sightings, last_ns;
	uint64_t changes;                /* changes when the row does */
	uint64_t key;                    /* for the sort: the smaller comes first */
	int64_t not_after_s;             /* INT64_MAX: not known, or no certificate */
	unsigned int findings;           /* as in findings.h */
	uint8_t attention;               /* enum attention */
	uint8_t standing;                /* enum standing */
	bool refused, matches;
	bool owner_candidate;            /* one of several */
};

struct screen_window {
	size_t total, matching;          /* rows there are, and that the filter lets through */
	size_t top, at, num;             /* the first shown, the selected one (both of `matching`), and how many are shown */
	const uint32_t *shown;           /* for screen_rows_get(), in order */
};

struct screen_rows;

/* NULL: no memory. The ledger is borrowed. */
struct screen_rows *screen_rows_new(const struct ledger *l);
void screen_rows_free(struct screen_rows *r);

/*
 * Takes in what happened: some ten milliseconds' worth, the rest at the next update. False: no memory for new rows;
 * they are taken in later.
 */
bool screen_rows_update(struct screen_rows *r, uint64_t now_ns);
/* The last update left something for the next one. */
bool screen_rows_behind(const struct screen_rows *r);
/* The time of the last update. */
uint64_t screen_rows_now_ns(const struct screen_rows *r);

void screen_rows_sort(struct screen_rows *r, enum screen_sort sort, bool reverse);
/* A port ("9808", ":9808"), or a part of a name, address, owner, reason or finding in any case. "": everything. */
void screen_rows_filter(struct screen_rows *r, const char *text);

/* The selected row: it stays selected where the order changes, but the very first place is kept as a place. */
void screen_rows_move(struct screen_rows *r, long by);

/* Puts `height` rows around the selected one into order. */
void screen_rows_window(struct screen_rows *r, size_t height, struct screen_window *out);
const struct screen_row *screen_rows_get(const struct screen_rows *r, uint32_t which);

/* Endpoints with a row, and the longest one's text in columns. */
size_t screen_rows_endpoints(const struct screen_rows *r, unsigned int *longest);

#endif
