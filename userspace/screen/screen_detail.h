/* SPDX-License-Identifier: Apache-2.0 */
/* One row in full, as lines that fit the terminal: long values go on in the next line, nothing is cut. */
#ifndef CERTTAP_SCREEN_DETAIL_H
#define CERTTAP_SCREEN_DETAIL_H

#include "userspace/screen/screen_rows.h"

struct screen_lines {
	char **lines;            /* safe UTF-8 */
	size_t num, capacity;
};

/* Appends the row; out of memory, what there is of it. */
void screen_detail(const struct screen_row *s, uint64_t now_ns, unsigned int width, struct screen_lines *out);

/* "label   value", with the value's rest below it. An empty label goes on with the one before. */
void screen_lines_put(struct screen_lines *l, unsigned int width, const char *label, const char *value);
void screen_lines_clear(struct screen_lines *l);

#endif
