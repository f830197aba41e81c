/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tables of `show`. On a terminal they fit its width: cells are cut with "~", the first one never, and what needs
 * attention comes behind the columns or, where there is no room, on lines of its own, whole. Elsewhere nothing is cut.
 */
#ifndef CERTTAP_SHOW_TABLE_H
#define CERTTAP_SHOW_TABLE_H

#include <stdbool.h>
#include <stdio.h>

#define SHOW_COLUMNS_MAX 8
#define SHOW_NOTES_MAX 2048

struct show_column {
	const char *title;
	unsigned int min;        /* at 80 columns, or fewer */
	unsigned int share;      /* of what a wider terminal has left; the sum of all is whatever it is */
	unsigned int max;        /* 0: as many */
	bool right, keep;        /* keep: where it is cut, what follows the last ':' stays */
};

struct show_table {
	FILE *out;
	unsigned int width;      /* of the terminal; 0: not one */
	bool color;
	unsigned int indent;     /* of every line */
	unsigned int num;
	const struct show_column *columns;
	unsigned int widths[SHOW_COLUMNS_MAX];
	bool begun;              /* the titles stand there */
};

enum show_colour { SHOW_PLAIN, SHOW_FAINT, SHOW_YELLOW, SHOW_RED, SHOW_BOLD };

void show_table_start(struct show_table *t, FILE *out, unsigned int width, bool color, unsigned int indent,
		      const struct show_column *columns, unsigned int num);
/* One safe text for each column; notes separated by ", ", or "". The first row brings the titles. */
void show_table_row(struct show_table *t, enum show_colour colour, const char *const cells[], const char *notes);

/* Appends to notes of SHOW_NOTES_MAX bytes, with ", " between; what does not fit is cut. */
void show_note(char *notes, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
