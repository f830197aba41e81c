/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/show/timeline.h"

#include <stdio.h>
#include <time.h>

#define NS_PER_S 1000000000ull
#define DAY_S 86400u

unsigned int timeline_at(const struct timeline_axis *axis, uint64_t time_ns)
{
	uint64_t span = axis->to_ns - axis->from_ns;
	double part;

	if (time_ns <= axis->from_ns || span == 0)
		return 0;
	if (time_ns >= axis->to_ns)
		return axis->width - 1;
	part = (double)(time_ns - axis->from_ns) / (double)span * axis->width;
	return part < axis->width ? (unsigned int)part : axis->width - 1;
}

uint64_t timeline_time(const struct timeline_axis *axis, unsigned int cell)
{
	double part = (double)(axis->to_ns - axis->from_ns) * cell / axis->width;

	return axis->from_ns + (uint64_t)part;
}

/* What is presented when a cell begins, as the changes before it tell. NULL: they do not. */
static const struct timeline_change *last_change(const struct timeline_axis *axis, unsigned int cell,
						 const struct timeline_change *changes, size_t num, bool *within)
{
	const struct timeline_change *last = NULL;
	unsigned int at;
	size_t i;

	*within = false;
	for (i = 0; i < num; i++) {
		at = timeline_at(axis, changes[i].time_ns);
		if (at > cell)
			break;
		*within = *within || at == cell;
		last = &changes[i];
	}
	return last;
}

/* The end of validity is the last second that still is. */
static bool expired_at(const struct timeline_span *span, uint64_t time_ns)
{
	return span->expires && span->not_after_s < (int64_t)(time_ns / NS_PER_S);
}

static void put(const struct timeline_axis *axis, const struct timeline_span *span, unsigned int cell, bool several,
		struct timeline_cell *out)
{
	uint64_t ends_ns = span->not_after_s > 0 ? (uint64_t)span->not_after_s * NS_PER_S : 0;

	out->symbol = span->symbol;
	out->fill = several ? TIMELINE_SEVERAL :
		    expired_at(span, timeline_time(axis, cell)) ? TIMELINE_EXPIRED : TIMELINE_VALID;
	out->expires = span->expires && ends_ns > axis->from_ns && ends_ns < axis->to_ns &&
		       timeline_at(axis, ends_ns) == cell;
}

static void fill_cell(const struct timeline_axis *axis, unsigned int cell, const struct timeline_span *spans,
		      size_t num_spans, const struct timeline_change *changes, size_t num_changes,
		      struct timeline_cell *out)
{
	const struct timeline_span *found = NULL, *told = NULL;
	const struct timeline_change *change;
	bool several = false, within;
	size_t i;

	*out = (struct timeline_cell){ 0 };
	change = last_change(axis, cell, changes, num_changes, &within);
	for (i = 0; i < num_spans; i++) {
		if (timeline_at(axis, spans[i].first_ns) > cell || timeline_at(axis, spans[i].last_ns) < cell)
			continue;
		several = several || (found && found->symbol != spans[i].symbol);
		found = &spans[i];
		if (change && change->after_chain_id == spans[i].chain_id)
			told = &spans[i];
	}
	if (!found)
		return;
	if (told && !change->alternating)
		several = false;
	put(axis, told ? told : found, cell, several, out);
}

void timeline_fill(const struct timeline_axis *axis, const struct timeline_span *spans, size_t num_spans,
		   const struct timeline_change *changes, size_t num_changes, struct timeline_cell *out)
{
	unsigned int i;

	for (i = 0; i < axis->width; i++) {
		fill_cell(axis, i, spans, num_spans, changes, num_changes, &out[i]);
		out[i].begins = out[i].fill != TIMELINE_GAP &&
				(i == 0 || out[i - 1].fill == TIMELINE_GAP || out[i - 1].symbol != out[i].symbol);
	}
}

char timeline_letter(unsigned int symbol)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

	return symbol < sizeof(letters) - 1 ? letters[symbol] : '#';
}

const char *timeline_glyph(const struct timeline_cell *cell, bool unicode, char buffer[2])
{
	static const char *const glyphs[2][TIMELINE_SEVERAL + 1] = {
		{ ".", "=", "x", "%" },
		{ "\u00b7", "\u2588", "\u2591", "\u259a" },
	};

	if (cell->begins) {
		buffer[0] = timeline_letter(cell->symbol);
		buffer[1] = '\0';
		return buffer;
	}
	if (cell->expires)
		return "!";
	return glyphs[unicode][cell->fill];
}

size_t timeline_tick(const struct timeline_axis *axis, unsigned int cell, char out[TIMELINE_TICK_MAX])
{
	uint64_t cell_s = (axis->to_ns - axis->from_ns) / axis->width / NS_PER_S;
	time_t s = (time_t)(timeline_time(axis, cell) / NS_PER_S);
	struct tm utc;

	if (!gmtime_r(&s, &utc))
		return (size_t)snprintf(out, TIMELINE_TICK_MAX, "?");
	return strftime(out, TIMELINE_TICK_MAX, cell_s >= DAY_S / 2 ? "%Y-%m-%d" : cell_s >= 60 ? "%m-%d %H:%M" :
			"%d %H:%M:%S", &utc);
}
