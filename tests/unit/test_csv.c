/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>

#include "userspace/output/csv.h"

static struct csv csv;
static char *text;
static size_t len;

static void begin(void)
{
	csv = (struct csv){ .out = open_memstream(&text, &len) };
	assert_non_null(csv.out);
}

static void expect_line(const char *want)
{
	assert_true(csv_line_end(&csv));
	fclose(csv.out);
	assert_string_equal(text, want);
	free(text);
}

static void test_fields(void **state)
{
	static const struct { const char *in, *want; } cases[] = {
		{ "", "\r\n" },
		{ "pool.example", "pool.example\r\n" },
		{ "CN=a,O=b", "\"CN=a,O=b\"\r\n" },
		{ "say \"hi\"", "\"say \"\"hi\"\"\"\r\n" },
		{ "a\nb", "\"a\nb\"\r\n" },
		{ " edge", "\" edge\"\r\n" },
		{ "a;b", "\"a;b\"\r\n" },
		/* Formulas. */
		{ "=1+1", "'=1+1\r\n" },
		{ "+1", "'+1\r\n" },
		{ "-1", "'-1\r\n" },
		{ "@SUM(A1)", "'@SUM(A1)\r\n" },
		{ "\t=1", "\"'\t=1\"\r\n" },
		{ "\r=1", "\"'\r=1\"\r\n" },
		{ "\n=1", "\"'\n=1\"\r\n" },
		{ "=HYPERLINK(\"http://x\",\"y\")", "\"'=HYPERLINK(\"\"http://x\"\",\"\"y\"\")\"\r\n" },
		{ "\xef\xbc\x9d" "1+1", "'\xef\xbc\x9d" "1+1\r\n" },
		{ "\xef\xbc\xa0x", "'\xef\xbc\xa0x\r\n" },
		{ "a=1", "a=1\r\n" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		print_message("# field %zu\n", i);
		begin();
		csv_string(&csv, cases[i].in);
		expect_line(cases[i].want);
	}
}

static void test_record(void **state)
{
	static const uint8_t hash[] = { 0xab, 0x01 };
	const struct bytes names[] = {
		bytes_of("a.example", 9), bytes_of("b c", 3), bytes_of("\xff,\"", 3),
	};

	(void)state;
	begin();
	csv_bytes(&csv, bytes_of("=\x1b[2J", 5));
	csv_unsigned(&csv, 9808);
	csv_signed(&csv, -2);                   /* a number of ours: no apostrophe */
	csv_hex(&csv, hash, sizeof(hash));
	csv_time_s(&csv, 0);
	csv_time_ns(&csv, 1000000000u);
	csv_list(&csv, names, ARRAY_SIZE(names));
	csv_list(&csv, names, 0);
	expect_line("'=\\x1B[2J,9808,-2,ab01,1970-01-01T00:00:00Z,1970-01-01T00:00:01.000000Z,"
		    "\"a.example b\\x20c \\xFF,\"\"\",\r\n");
}

/* A text of any bytes is one field again, for a reader that follows RFC 4180. */
static void test_round_trip(void **state)
{
	char in[4] = "", back[64];
	unsigned int a, b;

	(void)state;
	for (a = 1; a < 128; a++) {
		for (b = 1; b < 128; b++) {
			const char *c;
			size_t n = 0;

			in[0] = (char)a;
			in[1] = (char)b;
			begin();
			csv_string(&csv, in);
			assert_true(csv_line_end(&csv));
			fclose(csv.out);
			if (text[0] == '"') {
				for (c = text + 1; c[0] != '"' || c[1] == '"'; c++) {
					c += c[0] == '"';
					back[n++] = *c;
				}
				assert_string_equal(c, "\"\r\n");
			} else {
				assert_null(strpbrk(in, ",\r\n"));
				n = len - 2;
				memcpy(back, text, n);
			}
			back[n] = '\0';
			assert_null(strchr("=+-@\t\r\n", back[0]));
			if (strchr("=+-@\t\r\n", in[0]))
				assert_true(back[0] == '\'' && strcmp(back + 1, in) == 0);
			else if (!strchr(in, '"') || text[0] == '"')
				assert_string_equal(back, in);
			free(text);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_record),
		cmocka_unit_test(test_round_trip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
