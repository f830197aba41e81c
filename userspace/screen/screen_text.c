/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/screen/screen_text.h"

#include <stdio.h>
#include <wchar.h>

#include "parsers/text.h"

#define MARKS_MAX 2u             /* Thai and Vietnamese need two */
#define ESCAPED_COLUMNS 4u       /* \xHH */

/* Scripts that run from right to left (Unicode: Bidi_Class R and AL); sorted, ends included. */
static const struct {
	uint32_t first, last;
} leftward[] = {
	{ 0x0590, 0x08ff }, { 0xfb1d, 0xfdff }, { 0xfe70, 0xfeff }, { 0x10800, 0x10fff }, { 0x1e800, 0x1efff },
};

static bool runs_left(uint32_t c)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(leftward) && c >= leftward[i].first; i++)
		if (c <= leftward[i].last)
			return true;
	return false;
}

/* As text.h sees it; a backslash, which it doubles, was doubled already. */
static bool is_safe(uint32_t c)
{
	char out[24];
	struct text text;

	if (c == '\\')
		return true;
	text_start(&text, out, sizeof(out));
	text_put_char(&text, c);
	return out[0] != '\\';
}

/* The next thing to write: one character with its columns, or an escaped byte. */
struct glyph {
	const char *bytes;
	size_t len;
	unsigned int columns;
	bool escaped;            /* one byte, as \xHH */
};

/* `marks`: how many combining marks more may follow here. */
static struct glyph take_glyph(struct bytes *in, bool alone, unsigned int *marks)
{
	struct glyph g = { .bytes = (const char *)in->data, .len = 1, .columns = ESCAPED_COLUMNS, .escaped = true };
	struct bytes rest = *in;
	uint32_t c;
	int width;

	if (text_take_char(&rest, &c) && is_safe(c) && (alone || !runs_left(c))) {
		width = wcwidth((wchar_t)c);
		if (width > 0 || (width == 0 && *marks > 0)) {
			*marks = width > 0 ? MARKS_MAX : *marks - 1;
			g.len = (size_t)(rest.data - in->data);
			g.columns = (unsigned int)width;
			g.escaped = false;
			*in = rest;
			return g;
		}
	}
	*marks = 0;
	in->data++;
	in->len--;
	return g;
}

static bool put_glyph(struct cells *c, const struct glyph *g)
{
	size_t len = g->escaped ? ESCAPED_COLUMNS : g->len;

	if (c->len + len + 1 > c->size || c->at + g->columns > c->width)
		return false;
	if (g->escaped)
		snprintf(c->out + c->len, ESCAPED_COLUMNS + 1, "\\x%02X", (unsigned char)g->bytes[0]);
	else
		memcpy(c->out + c->len, g->bytes, len);
	c->len += len;
	c->at += g->columns;
	c->out[c->len] = '\0';
	return true;
}

void cells_start(struct cells *c, char *out, size_t size, unsigned int width)
{
	*c = (struct cells){ .out = out, .size = size,
			     .width = width < SCREEN_COLUMNS_MAX ? width : SCREEN_COLUMNS_MAX };
	out[0] = '\0';
}

unsigned int cells_measure(const struct cells *c, const char *text)
{
	struct bytes in = bytes_of(text, strlen(text));
	unsigned int columns = 0, marks = 0;

	while (in.len)
		columns += take_glyph(&in, c->alone, &marks).columns;
	return columns;
}

void cells_to(struct cells *c, unsigned int column)
{
	const struct glyph blank = { .bytes = " ", .len = 1, .columns = 1 };

	while (c->at < column && put_glyph(c, &blank))
		;
}

void cells_blank(struct cells *c)
{
	cells_to(c, c->at + 1);
}

/* Whole characters, up to the column `end`. Marks that follow the last one belong to it. */
static const char *put_until(struct cells *c, struct bytes in, unsigned int end)
{
	struct bytes before;
	unsigned int marks = 0;
	struct glyph g;

	while (in.len) {
		before = in;
		g = take_glyph(&in, c->alone, &marks);
		if (c->at + g.columns > end || !put_glyph(c, &g))
			return (const char *)before.data;
	}
	return (const char *)in.data;
}

const char *cells_fill(struct cells *c, const char *text)
{
	return put_until(c, bytes_of(text, strlen(text)), c->width);
}

/* Where a cell of so many columns ends. */
static unsigned int end_of(const struct cells *c, unsigned int columns)
{
	return c->at + columns < c->width ? c->at + columns : c->width;
}

void cells_put(struct cells *c, const char *text, unsigned int columns)
{
	cells_put_keeping(c, text, text + strlen(text), columns);
}

void cells_put_right(struct cells *c, const char *text, unsigned int columns)
{
	unsigned int needed = cells_measure(c, text);

	if (needed < columns) {
		cells_to(c, end_of(c, columns - needed));
		columns = needed;
	}
	cells_put(c, text, columns);
}

void cells_put_keeping(struct cells *c, const char *text, const char *tail, unsigned int columns)
{
	unsigned int end = end_of(c, columns), kept = cells_measure(c, tail);
	const struct glyph cut = { .bytes = "~", .len = 1, .columns = 1 };

	if (c->at >= end)
		return;
	if (c->at + cells_measure(c, text) <= end) {
		put_until(c, bytes_of(text, strlen(text)), end);
		cells_to(c, end);
		return;
	}
	if (c->at + kept + 1 > end)
		kept = 0;
	put_until(c, bytes_of(text, (size_t)(tail - text)), end - kept - 1);
	put_glyph(c, &cut);
	if (kept)
		put_until(c, bytes_of(tail, strlen(tail)), end);
	cells_to(c, end);
}
