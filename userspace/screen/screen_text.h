/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text in a terminal's columns: the one way by which strangers' text reaches the screen, whatever was done to it.
 *
 * Shown as they are: printable characters of the locale (LC_CTYPE), and up to two combining marks on each. Everything
 * else is written byte by byte as \xHH: controls, invisible characters, marks beyond those, what the locale has no
 * character for, and, in a line of several cells, letters that run from right to left: a terminal that knows of them
 * would move the neighbours.
 */
#ifndef CERTTAP_SCREEN_TEXT_H
#define CERTTAP_SCREEN_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#define SCREEN_COLUMNS_MAX 500
#define SCREEN_LINE_MAX 4096     /* bytes of one line, and the end */

struct cells {
	char *out;               /* UTF-8, always ended by '\0' */
	size_t size, len;
	unsigned int at, width;  /* columns used, and there are */
	bool alone;              /* one value on its line: letters may run from right to left */
};

void cells_start(struct cells *c, char *out, size_t size, unsigned int width);

/* Columns that `text` takes. */
unsigned int cells_measure(const struct cells *c, const char *text);

/* `text` in exactly `columns` (or what is left of the line): cut with "~", or filled up with blanks. */
void cells_put(struct cells *c, const char *text, unsigned int columns);
/* The same, to the right. */
void cells_put_right(struct cells *c, const char *text, unsigned int columns);
/* The same; where it must be cut, the part from `tail` on (in `text`) is kept: a port, a process id. */
void cells_put_keeping(struct cells *c, const char *text, const char *tail, unsigned int columns);
/* As much of `text` as fits the line, without "~"; returns where it stopped: at a character's begin, or the end. */
const char *cells_fill(struct cells *c, const char *text);
/* A blank between cells, or up to this column. */
void cells_blank(struct cells *c);
void cells_to(struct cells *c, unsigned int column);

#endif
