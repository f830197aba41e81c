/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the screen share: screen.c (the terminal), screen_draw.c, screen_keys.c, screen_messages.c. */
#ifndef CERTTAP_SCREEN_PARTS_H
#define CERTTAP_SCREEN_PARTS_H

#include <stdio.h>

#include "userspace/screen/screen.h"
#include "userspace/screen/screen_detail.h"
#include "userspace/screen/screen_rows.h"

#define MESSAGES_MAX 200         /* lines kept */
#define MESSAGE_MAX 512

/* What was said on stderr: a ring, the newest last. */
struct screen_messages {
	char lines[MESSAGES_MAX][MESSAGE_MAX];
	uint64_t num;            /* ever */
	char part[MESSAGE_MAX];  /* of a line that has not ended */
	size_t part_len;
};

/* Takes in what the pipe holds. True: there was a new line. */
bool screen_messages_read(struct screen_messages *m, int fd);
/* From 0, the oldest that is kept; NULL: no more. */
const char *screen_messages_get(const struct screen_messages *m, size_t i);
void screen_messages_print(const struct screen_messages *m, FILE *out);

enum screen_page { PAGE_TABLE, PAGE_ROW, PAGE_HELP, PAGE_MESSAGES };

struct screen {
	struct screen_guard *guard;
	const struct ledger *ledger;
	struct screen_rows *rows;
	struct screen_messages messages;
	struct screen_totals totals;
	struct ledger_counters seen;     /* as of the last update */

	FILE *out;                       /* what curses writes: memory */
	size_t out_len, out_sent;
	uint64_t drawn_ns, cost_ns;      /* monotonic */
	bool color, quit;
	bool changed;                    /* by a key: draw at once */
	bool news;                       /* a message: draw soon */

	enum screen_page page;
	struct screen_lines lines;       /* of a page that is not the table */
	size_t scroll;
	bool paused;
	enum screen_sort sort;
	bool reverse;
	bool typing;                     /* the filter */
	char filter[SCREEN_FILTER_MAX], filter_before[SCREEN_FILTER_MAX];
	uint32_t opened;                 /* the row that PAGE_ROW shows */
};

/* Lines of the page between the first two or three and the last two. */
unsigned int screen_height(const struct screen *s);
/* Fills `lines` for the page that is shown. */
void screen_fill_page(struct screen *s);
/* Into curses' memory; nothing is written. */
void screen_draw(struct screen *s);

void screen_key(struct screen *s, int key);
/* For the help: the names and what they do; false at the end. */
bool screen_key_help(size_t i, const char **keys, const char **help);

#endif
