/* SPDX-License-Identifier: Apache-2.0 */
/* One row of the screen's table in a terminal's columns. */
#ifndef CERTTAP_SCREEN_LINE_H
#define CERTTAP_SCREEN_LINE_H

#include "userspace/screen/screen_rows.h"
#include "userspace/screen/screen_text.h"

#define SCREEN_WORDS_MAX (NUM_FINDINGS + 4)

struct screen_columns {
	unsigned int width, server, certificate, days, owner, seen, ago, known, notes;   /* known 0: among the notes */
};

/* `longest`: of the endpoints' texts. */
struct screen_columns screen_columns_for(unsigned int width, unsigned int longest);

/* `text` holds SCREEN_LINE_MAX. */
void screen_line_header(const struct screen_columns *c, char *text);
void screen_line(const struct screen_columns *c, const struct screen_row *s, uint64_t now_ns, char *text);

/* What is to be said of a row, the most important first: "expired", "refused", ... Returns how many. */
unsigned int screen_words(const struct screen_row *s, const char *words[SCREEN_WORDS_MAX]);
/* "wire", "secret", or the reason. */
const char *screen_known(const struct screen_row *s);

/* "9s", "12m", "3h", "2d" */
void screen_ago(uint64_t then_ns, uint64_t now_ns, char *text, size_t size);
/* Whole days until then, "-0" in the first day after it. */
void screen_days(int64_t then_s, uint64_t now_ns, char *text, size_t size);

#endif
