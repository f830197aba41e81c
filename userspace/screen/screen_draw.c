/* SPDX-License-Identifier: Apache-2.0 */
#include <curses.h>
#include <inttypes.h>
#include <string.h>

#include "parsers/text.h"
#include "userspace/screen/screen_line.h"
#include "userspace/screen/screen_parts.h"

#define LINES_ABOVE 3u           /* totals, order, column names */
#define LINES_BELOW 2u           /* status, keys */

enum pair { PAIR_BAD = 1, PAIR_WARN, PAIR_DIM };

unsigned int screen_height(const struct screen *s)
{
	unsigned int lines = LINES > 0 ? (unsigned int)LINES : 0;

	(void)s;
	return lines > LINES_ABOVE + LINES_BELOW ? lines - LINES_ABOVE - LINES_BELOW : 1;
}

static unsigned int width(void)
{
	return COLS > 0 ? (unsigned int)COLS : 1;
}

/* `text` is safe UTF-8 that fits the line: every character was looked at in screen_text.c. */
static void put_line(unsigned int y, const char *text, attr_t attributes)
{
	wchar_t wide[SCREEN_LINE_MAX];
	struct bytes in = bytes_of(text, strlen(text));
	size_t num = 0;
	uint32_t c;

	if (y >= (unsigned int)LINES)
		return;
	while (in.len && text_take_char(&in, &c))
		wide[num++] = (wchar_t)c;
	attrset(attributes);
	mvaddnwstr((int)y, 0, wide, (int)num);
	attrset(A_NORMAL);
}

/* One text over the whole width. */
static void put_whole(unsigned int y, const char *text, attr_t attributes)
{
	char line[SCREEN_LINE_MAX];
	struct cells cells;

	cells_start(&cells, line, sizeof(line), width());
	cells_put(&cells, text, width());
	put_line(y, line, attributes);
}

static attr_t colour(const struct screen *s, enum pair pair, attr_t otherwise)
{
	return s->color ? (attr_t)COLOR_PAIR(pair) : otherwise;
}

static attr_t attributes_of(const struct screen *s, const struct screen_row *row)
{
	switch (row->attention) {
	case ATTENTION_EXPIRED:
	case ATTENTION_STRAGGLER:
	case ATTENTION_REFUSED:
		return colour(s, PAIR_BAD, A_BOLD);
	case ATTENTION_FINDING:
	case ATTENTION_DAYS:
		return colour(s, PAIR_WARN, A_NORMAL);
	case ATTENTION_UNKNOWN:
	case ATTENTION_REPLACED:
		return colour(s, PAIR_DIM, A_NORMAL);
	default:
		return A_NORMAL;
	}
}

/* The most important first: narrow terminals cut the end. */
static void draw_totals(const struct screen *s)
{
	const struct ledger_counters *c = &s->seen;
	char text[256], time[32];
	unsigned int longest;
	struct cells cells;
	char line[SCREEN_LINE_MAX];

	text_time(screen_rows_now_ns(s->rows), time, sizeof(time));
	snprintf(text, sizeof(text),
		 "certtap  %zu endpoints  %" PRIu64 " handshakes: %" PRIu64 " shown, %" PRIu64 " lost",
		 screen_rows_endpoints(s->rows, &longest), c->sightings, c->reasons[REASON_NONE],
		 c->reasons[REASON_LOST]);
	if (s->totals.lost)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), " (%" PRIu64 " pieces)", s->totals.lost);
	cells_start(&cells, line, sizeof(line), width());
	cells_put(&cells, text, width() > 18 ? width() - 18 : width());
	snprintf(text, sizeof(text), "%s %.8sZ", s->paused ? "PAUSED" : "", time + 11);
	cells_put_right(&cells, text, 18);
	cells_to(&cells, width());
	put_line(0, line, A_BOLD);
}

static void draw_order(const struct screen *s, const struct screen_window *w)
{
	char text[256];

	if (s->typing) {
		snprintf(text, sizeof(text), "show only: %s_", s->filter);
	} else if (s->filter[0]) {
		snprintf(text, sizeof(text), "by %s%s  %zu of %zu rows, only: %s", screen_sort_name(s->sort),
			 s->reverse ? ", reversed" : "", w->matching, w->total, s->filter);
	} else {
		snprintf(text, sizeof(text), "by %s%s  %zu rows", screen_sort_name(s->sort),
			 s->reverse ? ", reversed" : "", w->total);
	}
	put_whole(1, text, s->typing ? A_BOLD : A_NORMAL);
}

static void draw_table(struct screen *s)
{
	struct screen_columns columns;
	struct screen_window w;
	const struct screen_row *row;
	char line[SCREEN_LINE_MAX];
	unsigned int longest;
	size_t i;

	screen_rows_window(s->rows, screen_height(s), &w);
	screen_rows_endpoints(s->rows, &longest);
	columns = screen_columns_for(width(), longest);
	draw_order(s, &w);
	screen_line_header(&columns, line);
	put_line(2, line, A_REVERSE);
	for (i = 0; i < w.num; i++) {
		row = screen_rows_get(s->rows, w.shown[i]);
		screen_line(&columns, row, screen_rows_now_ns(s->rows), line);
		put_line(LINES_ABOVE + (unsigned int)i, line,
			 attributes_of(s, row) | (w.top + i == w.at ? A_REVERSE : 0));
	}
	if (!w.total)
		put_whole(LINES_ABOVE + 1, "  No handshake was seen yet.", A_NORMAL);
	else if (!w.matching)
		put_whole(LINES_ABOVE + 1, "  No row matches. Esc shows everything.", A_NORMAL);
}

static void fill_help(struct screen *s)
{
	static const char *const more[][2] = {
		{ "DAYS", "left of the certificate; negative: it ran out" },
		{ "OWNER", "unit, container or process, and process id; with ?, one of several" },
		{ "SEEN", "handshakes" },
		{ "AGO", "since the last one" },
		{ "KNOWN BY", "wire, keylog, secret; or why there is no certificate" },
		{ "straggler", "an older certificate than the newest of its kind seen elsewhere" },
		{ "replaced", "the endpoint has gone over to a newer one" },
	};
	const char *keys, *help;
	size_t i;

	for (i = 0; screen_key_help(i, &keys, &help); i++)
		screen_lines_put(&s->lines, width(), keys, help);
	screen_lines_put(&s->lines, width(), "", "");
	for (i = 0; i < ARRAY_SIZE(more); i++)
		screen_lines_put(&s->lines, width(), more[i][0], more[i][1]);
}

static void fill_messages(struct screen *s)
{
	const char *line;
	size_t i;

	for (i = 0; (line = screen_messages_get(&s->messages, i)); i++)
		screen_lines_put(&s->lines, width(), i ? "" : "messages", line);
	if (i == 0)
		screen_lines_put(&s->lines, width(), "messages", "none");
}

void screen_fill_page(struct screen *s)
{
	screen_lines_clear(&s->lines);
	if (s->page == PAGE_HELP)
		fill_help(s);
	else if (s->page == PAGE_MESSAGES)
		fill_messages(s);
	else if (s->page == PAGE_ROW)
		screen_detail(screen_rows_get(s->rows, s->opened), screen_rows_now_ns(s->rows), width(), &s->lines);
}

static void draw_page(struct screen *s)
{
	static const char *const titles[] = { "", "One row in full", "Help", "Messages" };
	size_t height = screen_height(s) + 1, i;
	char text[128];

	if (s->scroll + height > s->lines.num)
		s->scroll = s->lines.num > height ? s->lines.num - height : 0;
	snprintf(text, sizeof(text), "%s  lines %zu to %zu of %zu", titles[s->page], s->scroll + 1,
		 s->scroll + height < s->lines.num ? s->scroll + height : s->lines.num, s->lines.num);
	put_whole(1, text, A_REVERSE);
	for (i = 0; i < height && s->scroll + i < s->lines.num; i++)
		put_line(LINES_ABOVE - 1 + (unsigned int)i, s->lines.lines[s->scroll + i], A_NORMAL);
}

static void draw_status(const struct screen *s)
{
	const size_t kept = s->messages.num < MESSAGES_MAX ? (size_t)s->messages.num : MESSAGES_MAX;
	const char *line = kept ? screen_messages_get(&s->messages, kept - 1) : "";

	if (strncmp(line, "certtap: ", 9) == 0)
		line += 9;
	put_whole((unsigned int)LINES - 2, line, colour(s, PAIR_WARN, A_NORMAL));
}

void screen_draw(struct screen *s)
{
	const char *keys = "q quit  s sort  r reverse  / filter  p pause  Enter open  m messages  ? help";

	erase();
	draw_totals(s);
	if (s->page == PAGE_TABLE)
		draw_table(s);
	else
		draw_page(s);
	draw_status(s);
	if (s->typing)
		keys = "Enter keep  Esc as before  Ctrl-U empty";
	else if (s->page != PAGE_TABLE)
		keys = "Esc q back  Up Down PgUp PgDn scroll  p pause  ? help";
	put_whole((unsigned int)LINES - 1, keys, A_REVERSE);
}
