/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/show/show_table.h"

#include <stdarg.h>
#include <string.h>

#include "userspace/screen/screen_text.h"

#define NOTES_INDENT 4
#define PIPE_WIDTH 160           /* as if: columns where nobody said how wide */

void show_table_start(struct show_table *t, FILE *out, unsigned int width, bool color, unsigned int indent,
		      const struct show_column *columns, unsigned int num)
{
	unsigned int wide = width ? width : PIPE_WIDTH, used = indent + num - 1, shares = 0, left, i;

	*t = (struct show_table){ .out = out, .width = width < SCREEN_COLUMNS_MAX ? width : SCREEN_COLUMNS_MAX,
				  .color = color, .indent = indent, .num = num, .columns = columns };
	for (i = 0; i < num; i++) {
		used += columns[i].min;
		shares += columns[i].share;
	}
	/* Half of it: the notes want room too. */
	left = wide > used ? (wide - used) / 2 : 0;
	for (i = 0; i < num; i++) {
		t->widths[i] = columns[i].min + (shares ? left * columns[i].share / shares : 0);
		if (columns[i].max && t->widths[i] > columns[i].max)
			t->widths[i] = columns[i].max;
	}
}

static const char *code_of(const struct show_table *t, enum show_colour colour)
{
	static const char *const codes[] = { "", "\033[2m", "\033[33m", "\033[31m", "\033[1m" };

	return t->color ? codes[colour] : "";
}

/* Not to a terminal: padded, never cut. `last`: nothing comes behind it. */
static void put_whole(const struct show_table *t, const char *const cells[], bool last)
{
	unsigned int i;

	fprintf(t->out, "%*s", (int)t->indent, "");
	for (i = 0; i < t->num; i++)
		fprintf(t->out, t->columns[i].right ? "%s%*s" : "%s%-*s", i ? " " : "",
			i + 1 == t->num && last && !t->columns[i].right ? 0 : (int)t->widths[i], cells[i]);
}

/* Never cut: the first cell says what the line is about. */
static void put_first(const struct show_table *t, struct cells *c, const char *text)
{
	char line[SCREEN_LINE_MAX];
	struct cells whole;

	if (cells_measure(c, text) <= t->widths[0]) {
		cells_put(c, text, t->widths[0]);
		return;
	}
	while (*text) {
		cells_start(&whole, line, sizeof(line), t->width);
		cells_to(&whole, t->indent);
		text = cells_fill(&whole, text);
		fprintf(t->out, "%s\n", line);
		if (!line[t->indent])
			break;
	}
	cells_to(c, t->indent + t->widths[0]);
}

static const char *tail_of(const struct show_column *column, const char *text)
{
	const char *colon = column->keep ? strrchr(text, ':') : NULL;

	return colon ? colon : text + strlen(text);
}

static unsigned int put_cut(const struct show_table *t, const char *const cells[], bool last)
{
	char line[SCREEN_LINE_MAX];
	struct cells c;
	unsigned int i;

	cells_start(&c, line, sizeof(line), t->width);
	cells_to(&c, t->indent);
	put_first(t, &c, cells[0]);
	for (i = 1; i < t->num; i++) {
		cells_blank(&c);
		if (t->columns[i].right)
			cells_put_right(&c, cells[i], t->widths[i]);
		else
			cells_put_keeping(&c, cells[i], tail_of(&t->columns[i], cells[i]), t->widths[i]);
	}
	while (last && c.len && line[c.len - 1] == ' ')
		line[--c.len] = '\0';
	fputs(line, t->out);
	return c.at;
}

/* One note on lines of its own, as many as it takes. */
static void put_long(const struct show_table *t, const char *note, unsigned int *at)
{
	char line[SCREEN_LINE_MAX];
	struct cells c;

	while (*note) {
		cells_start(&c, line, sizeof(line), t->width);
		cells_to(&c, t->indent + NOTES_INDENT);
		note = cells_fill(&c, note);
		if (!line[t->indent + NOTES_INDENT])
			break;
		fputs(line, t->out);
		*at = c.at;
		if (*note)
			fputc('\n', t->out);
	}
}

static void put_notes(const struct show_table *t, const char *notes, unsigned int at)
{
	char note[SHOW_NOTES_MAX], line[SCREEN_LINE_MAX];
	const char *end;
	struct cells c;
	bool first = true;

	cells_start(&c, line, sizeof(line), t->width);
	for (; *notes; notes = end) {
		end = strstr(notes, ", ");
		end = end ? end + 2 : notes + strlen(notes);
		snprintf(note, sizeof(note), "%.*s", (int)(end - notes), notes);
		if (at + (first ? 2 : 0) + cells_measure(&c, note) > t->width) {
			fputc('\n', t->out);
			put_long(t, note, &at);
		} else {
			cells_start(&c, line, sizeof(line), t->width - at);
			cells_to(&c, first ? 2 : 0);
			cells_fill(&c, note);
			fputs(line, t->out);
			at += c.at;
		}
		first = false;
	}
}

static void put_line(const struct show_table *t, const char *const cells[], const char *notes)
{
	unsigned int at;

	if (t->width) {
		at = put_cut(t, cells, !*notes);
		put_notes(t, notes, at);
	} else {
		put_whole(t, cells, !*notes);
		fprintf(t->out, "%s%s", *notes ? "  " : "", notes);
	}
}

static void put_titles(const struct show_table *t)
{
	const char *cells[SHOW_COLUMNS_MAX];
	unsigned int i;

	for (i = 0; i < t->num; i++)
		cells[i] = t->columns[i].title;
	fputs(code_of(t, SHOW_BOLD), t->out);
	put_line(t, cells, "");
	fputs(t->color ? "\033[0m\n" : "\n", t->out);
}

void show_table_row(struct show_table *t, enum show_colour colour, const char *const cells[], const char *notes)
{
	const char *code = code_of(t, colour);

	if (!t->begun)
		put_titles(t);
	t->begun = true;
	fputs(code, t->out);
	put_line(t, cells, notes);
	fputs(*code ? "\033[0m\n" : "\n", t->out);
}

void show_note(char *notes, const char *format, ...)
{
	size_t len = strlen(notes);
	va_list args;

	if (len && len + 3 < SHOW_NOTES_MAX)
		len += (size_t)snprintf(notes + len, SHOW_NOTES_MAX - len, ", ");
	va_start(args, format);
	vsnprintf(notes + len, SHOW_NOTES_MAX - len, format, args);
	va_end(args);
}
