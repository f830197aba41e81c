/* SPDX-License-Identifier: Apache-2.0 */
/* A line for each endpoint: which certificate it presented when. Below, which letter is which certificate. */
#include <errno.h>
#include <stdlib.h>

#include "parsers/text.h"
#include "userspace/screen/screen_text.h"
#include "userspace/show/show.h"
#include "userspace/show/timeline.h"

#define WIDTH_DEFAULT 80
#define LABEL_MIN 21
#define LABEL_MAX 44
#define SPANS_MAX 512            /* of one endpoint; store_limits keep fewer */

struct change {
	int64_t endpoint_id;
	struct timeline_change change;
};

struct symbol {
	int64_t certificate_id;
	uint8_t sha256[32];
	char text[160];
	char until[32];
	bool expired;
};

struct drawing {
	struct show *s;
	struct timeline_axis axis;
	unsigned int label;              /* columns */
	struct change *changes;          /* by endpoint, then time */
	size_t num_changes, room;
	struct timeline_span spans[SPANS_MAX];
	size_t num_spans;
	struct timeline_cell *cells;
	struct symbol *symbols;
	size_t num_symbols, room_symbols;
	int64_t endpoint_id;
	char place[SHOW_TEXT_MAX];
	char name[SHOW_TEXT_MAX];
	char last[SHOW_TEXT_MAX];        /* the place of the line before */
	bool failed;
};

/* Room for one more; false: no memory. */
static bool grow(void **array, size_t num, size_t *room, size_t size)
{
	size_t more = *room ? 2 * *room : 64;
	void *grown;

	if (num < *room)
		return true;
	grown = realloc(*array, more * size);
	if (!grown)
		return false;
	*array = grown;
	*room = more;
	return true;
}

/* --- what is known before the first line --- */

static bool on_range(void *context, const struct store_sighting *t)
{
	struct timeline_axis *axis = context;

	if (t->role != ROLE_SERVER || !t->first_ns)      /* 0: a capture without times */
		return true;
	if (!axis->from_ns || t->first_ns < axis->from_ns)
		axis->from_ns = t->first_ns;
	if (t->last_ns > axis->to_ns)
		axis->to_ns = t->last_ns;
	return true;
}

static bool on_event(void *context, const struct store_event *v)
{
	struct drawing *d = context;

	if (v->role != ROLE_SERVER || !v->after_chain_id ||
	    (v->kind != EVENT_FIRST_SEEN && v->kind != EVENT_RENEWED && v->kind != EVENT_ROLLED_BACK &&
	     v->kind != EVENT_CHANGED && v->kind != EVENT_ALTERNATING))
		return true;
	if (!grow((void **)&d->changes, d->num_changes, &d->room, sizeof(*d->changes))) {
		d->failed = true;
		return false;
	}
	d->changes[d->num_changes++] = (struct change){
		v->endpoint->id, { v->time_ns, v->after_chain_id, v->kind == EVENT_ALTERNATING },
	};
	return true;
}

static int by_endpoint(const void *a, const void *b)
{
	const struct change *x = a, *y = b;

	if (x->endpoint_id != y->endpoint_id)
		return x->endpoint_id < y->endpoint_id ? -1 : 1;
	return x->change.time_ns < y->change.time_ns ? -1 : x->change.time_ns > y->change.time_ns;
}

/* The first of this endpoint's. */
static size_t changes_of(const struct drawing *d, int64_t endpoint_id)
{
	size_t low = 0, high = d->num_changes, middle;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (d->changes[middle].endpoint_id < endpoint_id)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* --- lines --- */

static unsigned int symbol_of(struct drawing *d, const struct store_certificate *c)
{
	struct symbol *new;
	size_t i;

	/* Those that have a letter are few; the others share one sign. */
	for (i = 0; i < d->num_symbols; i++)
		if (d->symbols[i].certificate_id == c->id)
			return (unsigned int)i;
	if (timeline_letter((unsigned int)d->num_symbols) == '#')
		return (unsigned int)d->num_symbols;
	if (!grow((void **)&d->symbols, d->num_symbols, &d->room_symbols, sizeof(*d->symbols))) {
		d->failed = true;
		return 0;
	}
	new = &d->symbols[d->num_symbols];
	*new = (struct symbol){ .certificate_id = c->id,
				.expired = c->not_after.known && c->not_after.unix_s < d->s->now_s };
	memcpy(new->sha256, c->sha256, sizeof(new->sha256));
	show_text_certificate(c, new->text, sizeof(new->text));
	show_text_expiry(c, d->s->now_s, new->until, sizeof(new->until));
	return (unsigned int)d->num_symbols++;
}

/* The place; the name where it fits, or where the place is that of the line before. */
static void put_label(struct drawing *d)
{
	char line[SCREEN_LINE_MAX], text[2 * SHOW_TEXT_MAX + 8];
	const char *tail = strrchr(d->place, ':');
	struct cells c;

	cells_start(&c, line, sizeof(line), d->label);
	snprintf(text, sizeof(text), "%s%s%s", d->place, d->name[0] ? " " : "", d->name);
	if (d->name[0] && strcmp(d->place, d->last) == 0) {
		snprintf(text, sizeof(text), "  for %s", d->name);
		cells_put(&c, text, d->label);
	} else if (cells_measure(&c, text) <= d->label) {
		cells_put(&c, text, d->label);
	} else {
		cells_put_keeping(&c, d->place, tail ? tail : d->place + strlen(d->place), d->label);
	}
	snprintf(d->last, sizeof(d->last), "%s", d->place);
	fprintf(d->s->out, "%s ", line);
}

static const char *colour_of(const struct timeline_cell *cell)
{
	static const char *const letters[] = { "\033[36m", "\033[32m", "\033[33m", "\033[35m", "\033[34m" };

	if (cell->fill == TIMELINE_GAP)
		return "\033[2m";
	if (cell->fill == TIMELINE_EXPIRED || cell->expires)
		return "\033[31m";
	return letters[cell->symbol % (sizeof(letters) / sizeof(letters[0]))];
}

static void put_cells(const struct drawing *d)
{
	const char *last = "", *colour;
	char buffer[2];
	unsigned int i;

	for (i = 0; i < d->axis.width; i++) {
		colour = d->s->color ? colour_of(&d->cells[i]) : "";
		if (strcmp(colour, last) != 0)
			fprintf(d->s->out, "\033[0m%s", colour);
		last = colour;
		fputs(timeline_glyph(&d->cells[i], d->s->unicode, buffer), d->s->out);
	}
	fputs(*last ? "\033[0m\n" : "\n", d->s->out);
}

/* The endpoint whose spans were gathered. */
static void put_line(struct drawing *d)
{
	struct timeline_change changes[SPANS_MAX];
	size_t at = changes_of(d, d->endpoint_id), num = 0;

	if (!d->num_spans)
		return;
	for (; at < d->num_changes && d->changes[at].endpoint_id == d->endpoint_id && num < SPANS_MAX; at++)
		changes[num++] = d->changes[at].change;
	timeline_fill(&d->axis, d->spans, d->num_spans, changes, num, d->cells);
	put_label(d);
	put_cells(d);
	d->num_spans = 0;
	d->s->rows++;
}

static bool on_sighting(void *context, const struct store_sighting *t)
{
	struct drawing *d = context;

	if (t->role != ROLE_SERVER || !t->leaf || !t->first_ns)
		return true;
	if (d->endpoint_id != t->endpoint->id)
		put_line(d);
	d->endpoint_id = t->endpoint->id;
	show_text_endpoint(t->endpoint, d->place, sizeof(d->place));
	show_text_name(t->endpoint, d->name, sizeof(d->name));
	if (d->num_spans < SPANS_MAX)
		d->spans[d->num_spans++] = (struct timeline_span){
			.chain_id = t->chain_id, .symbol = symbol_of(d, t->leaf), .first_ns = t->first_ns,
			.last_ns = t->last_ns, .expires = t->leaf->not_after.known,
			.not_after_s = t->leaf->not_after.unix_s,
		};
	return !d->failed && !ferror(d->s->out);
}

/* --- around them --- */

/* A tick where its text begins; the last one ends at the right. */
static void put_axis(const struct drawing *d)
{
	char line[SCREEN_COLUMNS_MAX + 1], tick[TIMELINE_TICK_MAX];
	unsigned int step, at;
	size_t len = timeline_tick(&d->axis, 0, tick);

	memset(line, ' ', sizeof(line));
	step = (unsigned int)len + 8;
	for (at = 0; at + 2 + 2 * len < d->axis.width; at += step) {
		len = timeline_tick(&d->axis, at, tick);
		line[at] = '|';
		memcpy(line + at + 1, tick, len);
	}
	len = timeline_tick(&d->axis, d->axis.width, tick);
	if (len < d->axis.width) {
		memcpy(line + d->axis.width - len - 1, tick, len);
		line[d->axis.width - 1] = '|';
	}
	fprintf(d->s->out, "%*s%.*s\n", (int)d->label + 1, "", (int)d->axis.width, line);
}

static void put_legend(const struct drawing *d)
{
	static const struct timeline_cell cells[] = {
		{ .fill = TIMELINE_VALID }, { .fill = TIMELINE_EXPIRED }, { .fill = TIMELINE_SEVERAL },
		{ .fill = TIMELINE_GAP }, { .fill = TIMELINE_VALID, .expires = true },
	};
	static const char *const words[] = { "presented", "expired", "by turns", "not seen", "runs out" };
	unsigned int width = d->label + 1 + d->axis.width;
	char line[SCREEN_LINE_MAX], text[240], hex[13], buffer[2];
	struct cells c;
	size_t i;

	fputc('\n', d->s->out);
	for (i = 0; i < ARRAY_SIZE(cells); i++)
		fprintf(d->s->out, "%s%s %s", i ? "   " : "", timeline_glyph(&cells[i], d->s->unicode, buffer), words[i]);
	fputs("\n\n", d->s->out);
	for (i = 0; i < d->num_symbols; i++) {
		const struct symbol *symbol = &d->symbols[i];

		text_hex(symbol->sha256, 6, false, hex);
		cells_start(&c, line, sizeof(line), width);
		snprintf(text, sizeof(text), "%c %s  %-16s  %s", timeline_letter((unsigned int)i), hex, symbol->until,
			 symbol->text);
		cells_fill(&c, text);
		fprintf(d->s->out, "%s%s%s\n", d->s->color && symbol->expired ? "\033[31m" : "", line,
			d->s->color && symbol->expired ? "\033[0m" : "");
	}
	if (timeline_letter((unsigned int)d->num_symbols) == '#')
		fputs("# further certificates\n", d->s->out);
}

static void choose_widths(struct drawing *d)
{
	const char *columns = getenv("COLUMNS");
	unsigned int width = d->s->width;

	if (!width && columns)
		width = (unsigned int)strtoul(columns, NULL, 10);
	if (width < 40)
		width = width ? 40 : WIDTH_DEFAULT;
	if (width > SCREEN_COLUMNS_MAX - 1)
		width = SCREEN_COLUMNS_MAX - 1;
	d->label = width / 4 > LABEL_MAX ? LABEL_MAX : width / 4 < LABEL_MIN ? LABEL_MIN : width / 4;
	d->axis.width = width - d->label - 1;
}

static int draw(struct drawing *d, const struct store_filter *f)
{
	struct store *store = d->s->store;
	struct store_filter events = { .by_port = f->by_port, .port = f->port, .by_transport = f->by_transport,
				       .transport = f->transport, .address = f->address, .process = f->process,
				       .unit = f->unit, .container = f->container };
	int err;

	if ((err = store_each_sighting(store, f, on_range, &d->axis)) != 0 || !d->axis.from_ns)
		return err;
	if (f->since_ns > d->axis.from_ns && f->since_ns < d->axis.to_ns)
		d->axis.from_ns = f->since_ns;
	if ((err = store_each_event(store, &events, on_event, d)) != 0)
		return err;
	if (d->num_changes)
		qsort(d->changes, d->num_changes, sizeof(*d->changes), by_endpoint);
	put_axis(d);
	err = store_each_sighting(store, f, on_sighting, d);
	put_line(d);
	put_legend(d);
	return err;
}

int show_timeline(struct show *s)
{
	struct store_filter f = show_filter(s);
	struct drawing *d = calloc(1, sizeof(*d));
	int err = -ENOMEM;

	if (!d)
		return err;
	d->s = s;
	choose_widths(d);
	d->cells = calloc(d->axis.width, sizeof(*d->cells));
	if (d->cells)
		err = draw(d, &f);
	if (err == 0 && d->failed)
		err = -ENOMEM;
	free(d->cells);
	free(d->changes);
	free(d->symbols);
	free(d);
	return err;
}
