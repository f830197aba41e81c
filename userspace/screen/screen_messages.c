/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <unistd.h>

#include "userspace/screen/screen_parts.h"

static bool take(struct screen_messages *m, char c)
{
	if (c != '\n') {
		if (m->part_len + 1 < sizeof(m->part))
			m->part[m->part_len++] = c;
		return false;
	}
	m->part[m->part_len] = '\0';
	memcpy(m->lines[m->num++ % MESSAGES_MAX], m->part, m->part_len + 1);
	m->part_len = 0;
	return true;
}

bool screen_messages_read(struct screen_messages *m, int fd)
{
	char text[1024];
	bool news = false;
	ssize_t n, i;

	if (fd < 0)
		return false;
	while ((n = read(fd, text, sizeof(text))) > 0)
		for (i = 0; i < n; i++)
			news |= take(m, text[i]);
	return news;
}

const char *screen_messages_get(const struct screen_messages *m, size_t i)
{
	uint64_t first = m->num > MESSAGES_MAX ? m->num - MESSAGES_MAX : 0;

	return first + i < m->num ? m->lines[(first + i) % MESSAGES_MAX] : NULL;
}

void screen_messages_print(const struct screen_messages *m, FILE *out)
{
	const char *line;
	size_t i;

	for (i = 0; (line = screen_messages_get(m, i)); i++)
		fprintf(out, "%s\n", line);
	if (m->part_len)
		fprintf(out, "%.*s", (int)m->part_len, m->part);
}
