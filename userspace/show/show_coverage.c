/* SPDX-License-Identifier: Apache-2.0 */
/* How much of what went on at each port could be seen, and why not the rest: silence must not look like health. */
#include <inttypes.h>

#include "userspace/output/output.h"
#include "userspace/show/show.h"

static const struct show_column columns[] = {
	{ .title = "PORT", .min = 10 },
	{ .title = "HANDSHAKES", .min = 10, .right = true },
	{ .title = "SHOWN", .min = 10, .right = true },
	{ .title = "%", .min = 5, .right = true },
};

struct listing {
	struct show *s;
	struct show_table table;
	struct output json;
};

static void put_row(struct listing *l, const struct port_coverage *c)
{
	char port[32], handshakes[24], shown[24], percent[16], notes[SHOW_NOTES_MAX] = "";
	const char *cells[] = { port, handshakes, shown, percent };
	unsigned int i;

	if (c->transport == TRANSPORT_EAPOL)
		snprintf(port, sizeof(port), "%s", transport_name(c->transport));
	else
		snprintf(port, sizeof(port), "%u/%s", c->port, transport_name(c->transport));
	snprintf(handshakes, sizeof(handshakes), "%" PRIu64, c->sightings);
	snprintf(shown, sizeof(shown), "%" PRIu64, c->reasons[REASON_NONE]);
	snprintf(percent, sizeof(percent), "%.0f", 100.0 * (double)c->reasons[REASON_NONE] / (double)c->sightings);
	for (i = REASON_NONE + 1; i < NUM_REASONS; i++)
		if (c->reasons[i])
			show_note(notes, "%" PRIu64 " %s", c->reasons[i], reason_name((enum reason)i));
	show_table_row(&l->table, c->reasons[REASON_NONE] ? SHOW_PLAIN : SHOW_YELLOW, cells, notes);
}

static void put_csv(struct show *s, const struct port_coverage *c)
{
	struct csv csv = { .out = s->out };
	unsigned int i;

	csv_unsigned(&csv, c->port);
	csv_string(&csv, transport_name(c->transport));
	csv_unsigned(&csv, c->sightings);
	for (i = REASON_NONE; i < NUM_REASONS; i++)
		csv_unsigned(&csv, c->reasons[i]);
	csv_line_end(&csv);
}

static void put_csv_titles(struct show *s)
{
	static const char *const titles[] = { "port", "transport", "sightings", "shown" };
	struct csv csv = { .out = s->out };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(titles); i++)
		csv_string(&csv, titles[i]);
	for (i = REASON_NONE + 1; i < NUM_REASONS; i++)
		csv_string(&csv, reason_name((enum reason)i));
	csv_line_end(&csv);
}

static bool on_port(void *context, const struct port_coverage *c)
{
	struct listing *l = context;

	l->s->rows++;
	if (l->s->format == SHOW_JSON)
		output_coverage(&l->json, c);
	else if (l->s->format == SHOW_CSV)
		put_csv(l->s, c);
	else
		put_row(l, c);
	return !ferror(l->s->out);
}

int show_coverage(struct show *s)
{
	const struct output_options options = { .out = s->out };
	struct store_filter f = show_filter(s);
	struct listing l = { .s = s };

	output_init(&l.json, &output_json, &options);
	show_table_start(&l.table, s->out, s->width, s->color, 0, columns, ARRAY_SIZE(columns));
	if (s->format == SHOW_CSV)
		put_csv_titles(s);
	return store_coverage(s->store, &f, on_port, &l);
}
