/* SPDX-License-Identifier: Apache-2.0 */
/* Every key, in one table: what it is called, what it does, how it is explained. */
#include <curses.h>
#include <limits.h>
#include <string.h>

#include "userspace/screen/screen_parts.h"

#define CONTROL(c) ((c) & 0x1f)
#define ESCAPE 27

static void move_by(struct screen *s, long by)
{
	if (s->page == PAGE_TABLE) {
		screen_rows_move(s->rows, by);
		return;
	}
	if (by < 0)
		s->scroll = s->scroll > (size_t)-by ? s->scroll - (size_t)-by : 0;
	else
		s->scroll += (size_t)by;        /* drawing keeps it within the page */
}

static long page_of(const struct screen *s)
{
	return screen_height(s) > 1 ? (long)screen_height(s) - 1 : 1;
}

static void up(struct screen *s) { move_by(s, -1); }
static void down(struct screen *s) { move_by(s, 1); }
static void page_up(struct screen *s) { move_by(s, -page_of(s)); }
static void page_down(struct screen *s) { move_by(s, page_of(s)); }
static void first(struct screen *s) { move_by(s, -(long)INT_MAX); }
static void last(struct screen *s) { move_by(s, INT_MAX); }

static void show(struct screen *s, enum screen_page page)
{
	s->page = s->page == page ? PAGE_TABLE : page;
	s->scroll = 0;
	screen_fill_page(s);
}

static void open_row(struct screen *s)
{
	struct screen_window w;

	if (s->page != PAGE_TABLE)
		return;
	screen_rows_window(s->rows, screen_height(s), &w);
	if (!w.num)
		return;
	s->opened = w.shown[w.at - w.top];
	show(s, PAGE_ROW);
}

static void sort_by(struct screen *s, enum screen_sort sort, bool reverse)
{
	s->sort = sort;
	s->reverse = reverse;
	screen_rows_sort(s->rows, sort, reverse);
}

static void next_sort(struct screen *s) { sort_by(s, (s->sort + 1) % NUM_SORTS, false); }
static void reverse_sort(struct screen *s) { sort_by(s, s->sort, !s->reverse); }

static void type_filter(struct screen *s)
{
	s->page = PAGE_TABLE;
	s->typing = true;
	strcpy(s->filter_before, s->filter);
}

static void toggle_pause(struct screen *s) { s->paused = !s->paused; }
static void show_messages(struct screen *s) { show(s, PAGE_MESSAGES); }
static void show_help(struct screen *s) { show(s, PAGE_HELP); }
static void draw_anew(struct screen *s) { (void)s; clearok(curscr, TRUE); }

/* Out of a page, else out of the filter. */
static void back(struct screen *s)
{
	if (s->page != PAGE_TABLE) {
		show(s, PAGE_TABLE);
		return;
	}
	s->filter[0] = '\0';
	screen_rows_filter(s->rows, "");
}

static void quit(struct screen *s)
{
	if (s->page != PAGE_TABLE)
		show(s, PAGE_TABLE);
	else
		s->quit = true;
}

static const struct {
	int keys[4];
	const char *names, *help;
	void (*act)(struct screen *s);
} table[] = {
	{ { KEY_UP, 'k' }, "Up k", "the row before", up },
	{ { KEY_DOWN, 'j' }, "Down j", "the row after", down },
	{ { KEY_PPAGE, CONTROL('B') }, "PgUp", "a page back", page_up },
	{ { KEY_NPAGE, CONTROL('F'), ' ' }, "PgDn Space", "a page on", page_down },
	{ { KEY_HOME, 'g' }, "Home g", "the first row; it stays the first when the order changes", first },
	{ { KEY_END, 'G' }, "End G", "the last row", last },
	{ { '\n', '\r', KEY_ENTER, KEY_RIGHT }, "Enter", "open the row in full: chain, processes, clients, alerts", open_row },
	{ { 's' }, "s", "sort by the next column; first by what needs attention", next_sort },
	{ { 'r' }, "r", "reverse the order", reverse_sort },
	{ { '/', 'f' }, "/ f", "show only a port, or what has this text in a name, address, owner or note", type_filter },
	{ { 'p' }, "p", "pause: the table stands still, observing goes on", toggle_pause },
	{ { 'm' }, "m", "messages: what would be said on the terminal otherwise", show_messages },
	{ { '?', 'h', KEY_F(1) }, "? h", "this help", show_help },
	{ { ESCAPE, KEY_LEFT, KEY_BACKSPACE, 127 }, "Esc", "back to the table; there: show everything", back },
	{ { CONTROL('L') }, "Ctrl-L", "draw everything anew", draw_anew },
	{ { 'q' }, "q", "back to the table; there: quit", quit },
};

bool screen_key_help(size_t i, const char **keys, const char **help)
{
	if (i >= ARRAY_SIZE(table))
		return false;
	*keys = table[i].names;
	*help = table[i].help;
	return true;
}

/* A whole character of UTF-8 is taken away. */
static void rub_out(char *text)
{
	size_t len = strlen(text);

	while (len && ((unsigned char)text[len - 1] & 0xc0) == 0x80)
		len--;
	text[len ? len - 1 : 0] = '\0';
}

static void type(struct screen *s, int key)
{
	size_t len = strlen(s->filter);

	if (key == ESCAPE)
		strcpy(s->filter, s->filter_before);
	else if (key == KEY_BACKSPACE || key == 127 || key == CONTROL('H'))
		rub_out(s->filter);
	else if (key == CONTROL('U'))
		s->filter[0] = '\0';
	else if (key >= ' ' && key < 256 && len + 1 < sizeof(s->filter))
		s->filter[len] = (char)key, s->filter[len + 1] = '\0';
	if (key == ESCAPE || key == '\n' || key == '\r' || key == KEY_ENTER)
		s->typing = false;
	screen_rows_filter(s->rows, s->filter);
}

void screen_key(struct screen *s, int key)
{
	size_t i, j;

	if (s->typing) {
		type(s, key);
		return;
	}
	for (i = 0; i < ARRAY_SIZE(table); i++)
		for (j = 0; j < ARRAY_SIZE(table[i].keys); j++)
			if (table[i].keys[j] && table[i].keys[j] == key) {
				table[i].act(s);
				return;
			}
}
