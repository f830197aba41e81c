/* SPDX-License-Identifier: Apache-2.0 */
/* What changed, in order of time. */
#include "parsers/text.h"
#include "userspace/show/show_events.h"

static const struct show_column columns[] = {
	{ .title = "TIME", .min = 19 },
	{ .title = "EVENT", .min = 17, .share = 0 },
	{ .title = "SERVER", .min = 21, .share = 1, .max = 47, .keep = true },
	{ .title = "CERTIFICATE", .min = 20, .share = 1, .max = 60 },
};

/* Of one endpoint, which stands above. */
static const struct show_column columns_of_one[] = {
	{ .title = "TIME", .min = 19 },
	{ .title = "EVENT", .min = 17 },
	{ .title = "CERTIFICATE", .min = 36, .share = 1, .max = 60 },
};

static void note_before(const struct store_event *v, char *notes)
{
	char text[SHOW_TEXT_MAX], hex[13];

	if (!v->before || v->kind == EVENT_GONE_SILENT || v->kind == EVENT_EXPIRED_IN_USE)
		return;
	show_text_certificate(v->before, text, sizeof(text));
	text_hex(v->before->sha256, 6, false, hex);
	show_note(notes, v->kind == EVENT_ALTERNATING || v->kind == EVENT_DIFFERS_BY_NAME ||
			 v->kind == EVENT_DIFFERS_BY_CLIENT ? "and %s (%s)" : "before %s (%s)", text, hex);
}

static enum show_colour colour_of(enum store_event_kind kind)
{
	switch (kind) {
	case EVENT_ROLLED_BACK:
	case EVENT_EXPIRED_IN_USE:
	case EVENT_REFUSED:
		return SHOW_RED;
	case EVENT_ALTERNATING:
	case EVENT_CHANGED:
	case EVENT_DIFFERS_BY_CLIENT:
		return SHOW_YELLOW;
	case EVENT_GONE_SILENT:
		return SHOW_FAINT;
	default:
		return SHOW_PLAIN;
	}
}

void show_event_row(struct show_events *l, const struct store_event *v)
{
	char time[32], place[SHOW_TEXT_MAX], certificate[SHOW_TEXT_MAX] = "", text[SHOW_TEXT_MAX], hex[13];
	char notes[SHOW_NOTES_MAX] = "";
	const char *cells[] = { time, store_event_name(v->kind), l->of_one ? certificate : place, certificate };
	const struct store_certificate *c = v->after ? v->after : v->before;

	show_text_time(v->time_ns, time, sizeof(time));
	show_text_endpoint(v->endpoint, place, sizeof(place));
	if (c)
		show_text_certificate(c, certificate, sizeof(certificate));
	if (!l->of_one && l->table.width && strlen(place) > l->table.widths[2])
		show_note(notes, "at %s", place);
	if (v->role == ROLE_CLIENT)
		show_note(notes, "client's");
	show_text_owner(&v->owner, text, sizeof(text));
	if (text[0] && v->role == ROLE_SERVER)
		show_note(notes, "by %s", text);
	show_text_name(v->endpoint, text, sizeof(text));
	if (!l->of_one && text[0] && strcmp(text, certificate) != 0)
		show_note(notes, "for %s", text);
	text_safe(bytes_of(v->detail, strlen(v->detail)), text, sizeof(text));
	if (text[0])
		show_note(notes, "%s", text);
	if (c && v->kind != EVENT_FIRST_SEEN) {
		text_hex(c->sha256, 6, false, hex);
		show_note(notes, "sha256 %s", hex);
	}
	note_before(v, notes);
	show_table_row(&l->table, colour_of(v->kind), cells, notes);
}

void show_events_start(struct show_events *l, struct show *s, bool of_one, unsigned int indent)
{
	*l = (struct show_events){ .s = s, .of_one = of_one };
	if (of_one)
		show_table_start(&l->table, s->out, s->width, s->color, indent, columns_of_one,
				 ARRAY_SIZE(columns_of_one));
	else
		show_table_start(&l->table, s->out, s->width, s->color, indent, columns, ARRAY_SIZE(columns));
}

static void put_csv_certificate(struct csv *csv, const struct store_certificate *c)
{
	char text[X509_NAME_TEXT_MAX + 16];

	if (c) {
		csv_hex(csv, c->sha256, sizeof(c->sha256));
		csv_string(csv, show_text_again(c->subject, text, sizeof(text)));
	} else {
		csv_string(csv, "");
		csv_string(csv, "");
	}
}

static void put_csv(struct show *s, const struct store_event *v)
{
	struct csv csv = { .out = s->out };

	csv_time_ns(&csv, v->time_ns);
	csv_string(&csv, store_event_name(v->kind));
	show_csv_endpoint(&csv, v->endpoint, &v->owner);
	csv_string(&csv, role_name(v->role));
	put_csv_certificate(&csv, v->before);
	put_csv_certificate(&csv, v->after);
	csv_bytes(&csv, bytes_of(v->detail, strlen(v->detail)));
	csv_unsigned(&csv, v->endpoint->server.zone);
	csv_line_end(&csv);
}

static void put_csv_titles(struct show *s)
{
	static const char *const titles[] = {
		"time", "event", "address", "port", "transport", "server_name", "carrier", "process", "pid",
		"executable", "unit", "container", "role", "before_sha256", "before_subject", "after_sha256",
		"after_subject", "detail", "zone",
	};
	struct csv csv = { .out = s->out };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(titles); i++)
		csv_string(&csv, titles[i]);
	csv_line_end(&csv);
}

static bool on_event(void *context, const struct store_event *v)
{
	struct show_events *l = context;

	l->s->rows++;
	if (l->s->format == SHOW_JSON)
		show_json_event(l->s, v);
	else if (l->s->format == SHOW_CSV)
		put_csv(l->s, v);
	else
		show_event_row(l, v);
	return !ferror(l->s->out);
}

int show_events(struct show *s)
{
	struct store_filter f = show_filter(s);
	struct show_events l;

	show_events_start(&l, s, false, 0);
	if (s->format == SHOW_CSV)
		put_csv_titles(s);
	return store_each_event(s->store, &f, on_event, &l);
}
