/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "parsers/text.h"
#include "userspace/screen/screen_detail.h"
#include "userspace/screen/screen_text.h"

#define LABEL_COLUMNS 14u
#define LINES_MAX 10000u

static bool add(struct screen_lines *l, const char *line)
{
	size_t capacity = l->capacity ? 2 * l->capacity : 64;
	char **lines;

	if (l->num == LINES_MAX)
		return false;
	if (l->num == l->capacity) {
		lines = realloc(l->lines, capacity * sizeof(*lines));
		if (!lines)
			return false;
		l->lines = lines;
		l->capacity = capacity;
	}
	l->lines[l->num] = strdup(line);
	if (!l->lines[l->num])
		return false;
	l->num++;
	return true;
}

/* Lines break anywhere: a blank is no safer place in strangers' text than another. */
void screen_lines_put(struct screen_lines *l, unsigned int width, const char *label, const char *value)
{
	char line[SCREEN_LINE_MAX];
	const char *rest = value, *before;
	struct cells cells;

	do {
		before = rest;
		cells_start(&cells, line, sizeof(line), width);
		cells_put(&cells, rest == value ? label : "", width > 2 * LABEL_COLUMNS ? LABEL_COLUMNS : 2);
		cells_blank(&cells);
		cells.alone = true;
		rest = cells_fill(&cells, rest);
	} while (add(l, line) && *rest && rest != before);
}

void screen_lines_clear(struct screen_lines *l)
{
	size_t i;

	for (i = 0; i < l->num; i++)
		free(l->lines[i]);
	free(l->lines);
	*l = (struct screen_lines){ 0 };
}
