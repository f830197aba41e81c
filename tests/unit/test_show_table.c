/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of `show`: within the width, whatever strangers called themselves; nothing that matters is cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "userspace/show/show_table.h"

static const struct show_column columns[] = {
	{ .title = "SERVER", .min = 10, .share = 1, .max = 14 },
	{ .title = "NAME", .min = 8, .share = 1 },
	{ .title = "AT", .min = 8, .keep = true },
	{ .title = "SEEN", .min = 5, .right = true },
};

static char *row(unsigned int width, bool color, const char *const cells[], const char *notes)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	struct show_table t;

	show_table_start(&t, out, width, color, 0, columns, 4);
	show_table_row(&t, SHOW_RED, cells, notes);
	fclose(out);
	return text;
}

static void check(unsigned int width, bool color, const char *const cells[], const char *notes, const char *expected)
{
	char *text = row(width, color, cells, notes);

	assert_string_equal(text, expected);
	free(text);
}

static void test_rows(void **state)
{
	static const char *const plain[] = { "192.0.2.1", "pool", "x:1", "7" };
	static const char *const wide[] = { "[2001:db8::1]:443", "pool.example", "[2001:db8::1]:443", "123456" };

	(void)state;
	check(40, false, plain, "",
	      "SERVER      NAME      AT        SEEN\n"
	      "192.0.2.1   pool      x:1          7\n");
	check(40, false, plain, "a",
	      "SERVER      NAME      AT        SEEN\n"
	      "192.0.2.1   pool      x:1          7  a\n");
	check(40, false, plain, "expired, refused",
	      "SERVER      NAME      AT        SEEN\n"
	      "192.0.2.1   pool      x:1          7\n"
	      "    expired, refused\n");
	check(40, false, wide, "",
	      "SERVER      NAME      AT        SEEN\n"
	      "[2001:db8::1]:443\n"
	      "            pool.exa~ [20~:443 1234~\n");
	check(0, false, wide, "not cut",
	      "SERVER         NAME                                    AT        SEEN\n"
	      "[2001:db8::1]:443 pool.example                            [2001:db8::1]:443 123456  not cut\n");
	check(40, true, plain, "",
	      "\033[1mSERVER      NAME      AT        SEEN\033[0m\n"
	      "\033[31m192.0.2.1   pool      x:1          7\033[0m\n");
}

/* Notes of any length and any bytes: no line is longer than the terminal, and no control gets through. */
static void test_hostile(void **state)
{
	static const char *const cells[] = { "\x1b[2J\a\r\n", "\xe2\x80\xae" "abc", "a\tb", "\x80\xff" };
	char notes[SHOW_NOTES_MAX] = "", *text, *line, *next;
	unsigned int width;
	size_t i;

	(void)state;
	show_note(notes, "%0600d", 1);
	show_note(notes, "%s", "\x1b]0;title\a");
	for (i = 0; i < 400; i++)
		show_note(notes, "%s", "n\xc3\xa4me");
	assert_true(strlen(notes) < sizeof(notes));
	for (width = 40; width <= 500; width += 23) {
		text = row(width, false, cells, notes);
		for (line = text; *line; line = next + 1) {
			next = strchr(line, '\n');
			assert_non_null(next);
			assert_true((size_t)(next - line) <= width);
			for (i = 0; line + i < next; i++)
				assert_true((uint8_t)line[i] >= ' ' && (uint8_t)line[i] < 0x7f);
		}
		free(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_hostile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
