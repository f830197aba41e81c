/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One endpoint's line of `show --timeline`: which certificate was presented when, in so many cells. Pure.
 *
 * Known are the first and the last time that each chain was seen, and when it changed. Between the two it is taken to
 * have been there; where several may have been, the last change tells which.
 */
#ifndef CERTTAP_TIMELINE_H
#define CERTTAP_TIMELINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct timeline_axis {
	uint64_t from_ns, to_ns;         /* to_ns >= from_ns */
	unsigned int width;              /* cells; at least 1 */
};

/* A chain, from the first to the last time that it was seen. */
struct timeline_span {
	int64_t chain_id;
	unsigned int symbol;             /* of its leaf, counted from 0, see timeline_letter() */
	uint64_t first_ns, last_ns;
	bool expires;
	int64_t not_after_s;
};

struct timeline_change {
	uint64_t time_ns;
	int64_t after_chain_id;
	bool alternating;                /* two by turns, from here on */
};

enum timeline_fill {
	TIMELINE_GAP,                    /* not seen */
	TIMELINE_VALID,
	TIMELINE_EXPIRED,                /* after its end of validity */
	TIMELINE_SEVERAL,                /* by turns, or within one cell */
};

struct timeline_cell {
	enum timeline_fill fill;
	unsigned int symbol;
	bool begins;                     /* another certificate than in the cell before, or after a gap */
	bool expires;                    /* the end of validity falls into it */
};

/* The cell of a time, clamped to the axis; and the time at which a cell begins. */
unsigned int timeline_at(const struct timeline_axis *axis, uint64_t time_ns);
uint64_t timeline_time(const struct timeline_axis *axis, unsigned int cell);

/* Fills axis->width cells. Spans and changes in order of time. */
void timeline_fill(const struct timeline_axis *axis, const struct timeline_span *spans, size_t num_spans,
		   const struct timeline_change *changes, size_t num_changes, struct timeline_cell *out);

/* 'A' ... 'Z', 'a' ... 'z', then '#' for all further ones. */
char timeline_letter(unsigned int symbol);
/* What is drawn for a cell: one column, UTF-8 or ASCII. */
const char *timeline_glyph(const struct timeline_cell *cell, bool unicode, char buffer[2]);

#define TIMELINE_TICK_MAX 20

/* "2026-11-24" or "11-24 22:10" or "22:10:23": as fine as a cell is. Returns its length. */
size_t timeline_tick(const struct timeline_axis *axis, unsigned int cell, char out[TIMELINE_TICK_MAX]);

#endif
