/* SPDX-License-Identifier: Apache-2.0 */
/* A line of `show --timeline`, drawn and compared as a text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "userspace/show/timeline.h"

#define S 1000000000ull
#define T0 1700000000ull         /* 2023-11-14T22:13:20Z */
#define AT(s) ((T0 + (s)) * S)

/* A second for each cell. */
static const struct timeline_axis axis = { AT(0), AT(20), 20 };

static const char *draw(const struct timeline_axis *a, const struct timeline_span *spans, size_t num,
			const struct timeline_change *changes, size_t num_changes)
{
	static char line[256];
	struct timeline_cell cells[64];
	char buffer[2];
	unsigned int i;

	timeline_fill(a, spans, num, changes, num_changes, cells);
	line[0] = '\0';
	for (i = 0; i < a->width; i++)
		strcat(line, timeline_glyph(&cells[i], false, buffer));
	return line;
}

static struct timeline_span span(int64_t chain, unsigned int first, unsigned int last)
{
	return (struct timeline_span){ chain, (unsigned int)chain, AT(first), AT(last), false, 0 };
}

static void test_lines(void **state)
{
	struct timeline_span one[] = { span(0, 0, 20) };
	struct timeline_span moment[] = { span(0, 5, 5) };
	struct timeline_span gap[] = { span(0, 2, 4), span(0, 10, 12), span(1, 15, 15) };
	struct timeline_span renewed[] = { span(0, 0, 9), span(1, 10, 20) };

	(void)state;
	assert_string_equal(draw(&axis, one, 1, NULL, 0), "A===================");
	assert_string_equal(draw(&axis, moment, 1, NULL, 0), ".....A..............");
	assert_string_equal(draw(&axis, gap, 3, NULL, 0), "..A==.....A==..B....");
	assert_string_equal(draw(&axis, renewed, 2, NULL, 0), "A=========B=========");
	assert_string_equal(draw(&axis, NULL, 0, NULL, 0), "....................");
}

/* Back to the old one, and by turns: the changes tell which. */
static void test_changes(void **state)
{
	struct timeline_span spans[] = { span(0, 0, 15), span(1, 5, 20) };
	static const struct timeline_change back[] = {
		{ AT(0), 0, false }, { AT(5), 1, false }, { AT(10), 0, false }, { AT(15), 1, false },
	};
	static const struct timeline_change turns[] = { { AT(0), 0, false }, { AT(8), 1, true } };
	static const struct timeline_change settled[] = { { AT(5), 1, true }, { AT(12), 1, false } };

	(void)state;
	assert_string_equal(draw(&axis, spans, 2, NULL, 0), "A====B%%%%%%%%%%====");
	assert_string_equal(draw(&axis, spans, 2, back, 4), "A====B====A====B====");
	assert_string_equal(draw(&axis, spans, 2, turns, 2), "A=======B%%%%%%%====");
	assert_string_equal(draw(&axis, spans, 2, settled, 2), "A====B%%%%%%========");
}

static void test_expiry(void **state)
{
	struct timeline_span s = span(2, 0, 20);

	(void)state;
	s.expires = true;
	s.not_after_s = (int64_t)T0 + 10;
	assert_string_equal(draw(&axis, &s, 1, NULL, 0), "C=========!xxxxxxxxx");
	s.not_after_s = 0;               /* long before */
	assert_string_equal(draw(&axis, &s, 1, NULL, 0), "Cxxxxxxxxxxxxxxxxxxx");
	s.not_after_s = -5;
	assert_string_equal(draw(&axis, &s, 1, NULL, 0), "Cxxxxxxxxxxxxxxxxxxx");
	s.not_after_s = INT64_MAX / 2;
	assert_string_equal(draw(&axis, &s, 1, NULL, 0), "C===================");
	s.last_ns = AT(5);               /* replaced in time */
	s.not_after_s = (int64_t)T0 + 10;
	assert_string_equal(draw(&axis, &s, 1, NULL, 0), "C=====..............");
}

static void test_edges(void **state)
{
	static const struct timeline_axis none = { AT(0), AT(0), 3 }, narrow = { AT(0), AT(20), 1 };
	static const struct timeline_axis whole = { 0, UINT64_MAX, 40 };
	struct timeline_span spans[] = { span(0, 0, 9), span(1, 10, 20) };
	char buffer[2];
	unsigned int i;

	(void)state;
	assert_string_equal(draw(&none, spans, 1, NULL, 0), "A..");
	assert_string_equal(draw(&narrow, spans, 2, NULL, 0), "B");
	assert_int_equal(strlen(draw(&whole, spans, 2, NULL, 0)), 40);
	for (i = 0; i < 40; i++)
		assert_int_equal(timeline_at(&whole, timeline_time(&whole, i) + 1), i);
	assert_int_equal(timeline_at(&axis, 0), 0);
	assert_int_equal(timeline_at(&axis, UINT64_MAX), 19);
	assert_int_equal(timeline_letter(0), 'A');
	assert_int_equal(timeline_letter(51), 'z');
	assert_int_equal(timeline_letter(52), '#');
	assert_int_equal(timeline_letter(UINT32_MAX), '#');
	assert_string_equal(timeline_glyph(&(struct timeline_cell){ .fill = TIMELINE_VALID }, true, buffer), "\u2588");
}

static void test_ticks(void **state)
{
	static const struct timeline_axis days = { AT(0), AT(86400 * 40), 20 }, hours = { AT(0), AT(86400), 20 };
	char text[TIMELINE_TICK_MAX];

	(void)state;
	timeline_tick(&days, 0, text);
	assert_string_equal(text, "2023-11-14");
	timeline_tick(&hours, 0, text);
	assert_string_equal(text, "11-14 22:13");
	timeline_tick(&axis, 1, text);
	assert_string_equal(text, "14 22:13:21");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_changes),
		cmocka_unit_test(test_expiry),
		cmocka_unit_test(test_edges),
		cmocka_unit_test(test_ticks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
