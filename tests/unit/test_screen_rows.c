/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <locale.h>
#include <time.h>
#include <wchar.h>

#include "parsers/text.h"
#include "tests/unit/certs.h"
#include "tests/unit/tls_build.h"
#include "userspace/screen/screen_detail.h"
#include "userspace/screen/screen_line.h"

#define NOW_NS 1700000000000000000ull   /* inside the certificates' validity, 2020 to 2040 */
#define SECOND_NS 1000000000ull
#define MANY 100000u

static struct chain_table *chains;
static struct ledger *ledger;
static struct screen_rows *rows;
static uint64_t now_ns;

static int begin(void **state)
{
	const struct ledger_limits limits = LEDGER_LIMITS_DEFAULT;

	(void)state;
	ledger = ledger_new(&limits);
	rows = screen_rows_new(ledger);
	now_ns = NOW_NS;
	return !ledger || !rows;
}

static int end(void **state)
{
	(void)state;
	screen_rows_free(rows);
	ledger_free(ledger);
	return 0;
}

/* A chain of a new certificate under this name: each is newer than those before. */
static const struct chain *chain_of(const char *name)
{
	struct bytes ders[] = { cert_make(name, "Issuing CA", 0), cert_make("Issuing CA", "Root", 0),
				cert_make("Root", "Root", 0) };
	const struct chain *chain;
	struct buffer b = { 0 };
	size_t i;

	build_certificate_list(&b, ders, ARRAY_SIZE(ders));
	assert_int_equal(chain_from_message(chains, buffer_bytes(&b), false, &chain), 0);
	buffer_free(&b);
	for (i = 0; i < ARRAY_SIZE(ders); i++)
		cert_free(ders[i]);
	return chain;
}

static struct sighting sighting_at(uint16_t port, const struct chain *chain)
{
	struct sighting s = { .transport = TRANSPORT_TCP, .start_ns = now_ns, .end_ns = now_ns, .version = 0x0303,
			      .chain[ROLE_SERVER] = chain, .reason = chain ? REASON_NONE : REASON_ENCRYPTED };

	s.server.address.octets[10] = s.server.address.octets[11] = 0xff;
	s.server.address.octets[12] = 192;
	s.server.address.octets[15] = 2;
	s.server.port = port;
	s.client = s.server;
	return s;
}

static struct ledger_row *see(uint16_t port, const struct chain *chain)
{
	struct sighting s = sighting_at(port, chain);

	now_ns += SECOND_NS;
	return ledger_record(ledger, &s, ROLE_SERVER).row;
}

static void refuse(struct ledger_row *row, uint16_t port, const struct chain *chain)
{
	struct sighting s = sighting_at(port, chain);

	s.alert = (struct alert){ .seen = true, .level = 2, .description = 45, .sender = ROLE_CLIENT };
	ledger_row_alert(row, &s);
}

/* The ports shown, in order: "9808 443 " */
static const char *ports(size_t height)
{
	static char text[512];
	struct screen_window w;
	size_t i, len = 0;

	assert_true(screen_rows_update(rows, now_ns));
	screen_rows_window(rows, height, &w);
	text[0] = '\0';
	for (i = 0; i < w.num; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%u ",
					screen_rows_get(rows, w.shown[i])->row->server.port);
	return text;
}

static uint16_t selected(size_t height)
{
	struct screen_window w;

	screen_rows_window(rows, height, &w);
	assert_true(w.num > 0);
	return screen_rows_get(rows, w.shown[w.at - w.top])->row->server.port;
}

static void test_attention(void **state)
{
	const struct chain *old = chain_of("pool.example"), *new = chain_of("pool.example");
	const struct chain *other = chain_of("other.example");

	(void)state;
	see(1, other);
	see(2, NULL);
	refuse(see(3, other), 3, other);
	see(443, new);
	see(9808, old);
	assert_string_equal(ports(10), "9808 3 2 1 443 ");
	/* The service is restarted with the new one; the old row is history. */
	see(9808, new);
	assert_string_equal(ports(10), "3 2 1 443 9808 9808 ");
	/* In 2040 nothing is fine. */
	now_ns = 2300000000u * SECOND_NS;
	assert_string_equal(ports(3), "1 3 443 ");
}

/* Old and new behind one address: it stays a straggler for as long as it is seen. */
static void test_alternating(void **state)
{
	const struct chain *old = chain_of("pool.example"), *new = chain_of("pool.example");
	const struct screen_row *s;
	struct screen_window w;
	unsigned int i;

	(void)state;
	for (i = 0; i < 10; i++) {
		see(443, old);
		see(443, new);
	}
	screen_rows_update(rows, now_ns);
	screen_rows_window(rows, 10, &w);
	s = screen_rows_get(rows, w.shown[0]);
	assert_int_equal(s->standing, STANDING_STRAGGLER);
	assert_ptr_equal(s->row->chain, old);
	now_ns += 600 * SECOND_NS;
	see(443, new);
	screen_rows_update(rows, now_ns);
	assert_int_equal(s->standing, STANDING_REPLACED);
}

static void test_sorts(void **state)
{
	const struct chain *a = chain_of("a.example"), *b = chain_of("B.example"), *c = chain_of("c.example");

	(void)state;
	see(300, b);
	see(200, a);
	see(100, c);
	see(100, c);
	see(400, NULL);
	screen_rows_sort(rows, SORT_SERVER, false);
	assert_string_equal(ports(10), "100 200 300 400 ");
	screen_rows_sort(rows, SORT_SERVER, true);
	assert_string_equal(ports(10), "400 300 200 100 ");
	screen_rows_sort(rows, SORT_NAME, false);
	assert_string_equal(ports(10), "200 300 100 400 ");
	screen_rows_sort(rows, SORT_SEEN, false);
	assert_string_equal(ports(10), "100 300 200 400 ");
	screen_rows_sort(rows, SORT_LAST, false);
	assert_string_equal(ports(10), "400 100 200 300 ");
	screen_rows_sort(rows, SORT_DAYS, false);
	assert_string_equal(ports(10), "300 200 100 400 ");
}

static void test_filters(void **state)
{
	static const struct { const char *text, *want; } cases[] = {
		{ "", "443 4430 9808 " }, { "443", "443 " }, { ":443", "443 " }, { "POOL", "443 4430 " },
		{ "192.0.0.2:4", "443 4430 " }, { "encrypted", "9808 " }, { "wire", "443 4430 " },
		{ "asked.exa", "443 " }, { "name-mis", "443 " }, { "nothing like it", "" }, { "443x", "" },
	};
	struct sighting s;
	size_t i;

	(void)state;
	s = sighting_at(443, chain_of("pool.example"));
	s.has_hello = true;
	s.server_name = (char *)"asked.example";
	s.server_name_len = 13;
	ledger_record(ledger, &s, ROLE_SERVER);
	see(4430, s.chain[ROLE_SERVER]);
	see(9808, NULL);
	screen_rows_sort(rows, SORT_SERVER, false);
	screen_rows_update(rows, now_ns);
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		print_message("# %s\n", cases[i].text);
		screen_rows_filter(rows, cases[i].text);
		assert_string_equal(ports(10), cases[i].want);
	}
}

/* The selected row is followed when the order changes; the first place is not left. */
static void test_selected(void **state)
{
	const struct chain *chain = chain_of("pool.example");
	uint16_t port;

	(void)state;
	for (port = 10; port < 30; port++)
		see(port, chain);
	screen_rows_sort(rows, SORT_SERVER, false);
	assert_string_equal(ports(3), "10 11 12 ");
	assert_int_equal(selected(3), 10);
	see(5, chain);
	assert_string_equal(ports(3), "5 10 11 ");
	assert_int_equal(selected(3), 5);
	screen_rows_move(rows, 4);
	assert_string_equal(ports(3), "11 12 13 ");
	assert_int_equal(selected(3), 13);
	see(6, chain);
	assert_string_equal(ports(3), "11 12 13 ");
	assert_int_equal(selected(3), 13);
	screen_rows_move(rows, 1000);
	assert_string_equal(ports(3), "27 28 29 ");
	assert_int_equal(selected(3), 29);
	screen_rows_move(rows, -1000);
	assert_string_equal(ports(3), "5 6 10 ");
	screen_rows_filter(rows, "nothing");
	assert_string_equal(ports(3), "");
	screen_rows_move(rows, 1);
	screen_rows_filter(rows, "");
	assert_string_equal(ports(2), "5 6 ");
}

/* --- lines */

/* Nothing that steers a terminal, and exactly so many columns. */
static void assert_line(const char *line, unsigned int columns)
{
	struct bytes in = bytes_of(line, strlen(line));
	unsigned int width = 0, marks = 0;
	char safe[SCREEN_LINE_MAX];
	uint32_t c;

	print_message("# |%s|\n", line);
	while (in.len) {
		assert_true(text_take_char(&in, &c));
		assert_true(wcwidth((wchar_t)c) >= 0);
		width += (unsigned int)wcwidth((wchar_t)c);
		marks = wcwidth((wchar_t)c) ? 0 : marks + 1;
		assert_true(marks <= 2);
		assert_false(c >= 0x590 && c <= 0x8ff);
	}
	assert_int_equal(width, columns);
	/* text.h has nothing to change but backslashes. */
	text_safe(bytes_of(line, strlen(line)), safe, sizeof(safe));
	if (!strchr(line, '\\'))
		assert_string_equal(safe, line);
}

static void test_hostile(void **state)
{
	static const char *const names[] = {
		"evil\033[31m\033]0;owned\a", "\xe2\x80\xae" "gnp.exe", "a\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81" "b",
		"\xcc\x81" "begins with a mark", "\xd7\x90\xd7\x91\xd7\x92 5", "zero\xe2\x80\x8bwidth",
		"\xe8\xa8\xbc\xe6\x98\x8e\xe6\x9b\xb8\xe8\xa8\xbc\xe6\x98\x8e\xe6\x9b\xb8\xe8\xa8\xbc\xe6\x98\x8e\xe6\x9b\xb8",
		"back\\slash", "\x9b" "31mC1", "not \xff UTF-8 \xc3", "\xf3\xa0\x81\x81tag",
	};
	static const unsigned int widths[] = { 80, 200, 60, 20, 1, 81, 82, 83, 132, 500 };
	struct process process = { .key.pid = 4242 };
	struct owner owner = { .process = &process };
	struct screen_columns columns;
	struct screen_lines page = { 0 };
	struct screen_window w;
	char line[SCREEN_LINE_MAX];
	struct sighting s;
	size_t i, j;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(process.name, sizeof(process.name), "%s", names[i]);
		snprintf(process.command_line, sizeof(process.command_line), "%s", names[i]);
		s = sighting_at((uint16_t)(i + 1), chain_of(names[i]));
		s.owner[ROLE_SERVER] = &owner;
		s.server_name = (char *)names[i];
		s.server_name_len = (uint16_t)strlen(names[i]);
		s.has_hello = true;
		assert_non_null(ledger_record(ledger, &s, ROLE_SERVER).row);
		screen_rows_update(rows, now_ns);
		screen_rows_filter(rows, "");
		screen_rows_sort(rows, SORT_SERVER, true);
		screen_rows_move(rows, -1000);
		screen_rows_window(rows, 1, &w);
		for (j = 0; j < ARRAY_SIZE(widths); j++) {
			columns = screen_columns_for(widths[j], 15);
			screen_line(&columns, screen_rows_get(rows, w.shown[0]), now_ns, line);
			assert_line(line, widths[j]);
		}
		screen_detail(screen_rows_get(rows, w.shown[0]), now_ns, 80, &page);
		for (j = 0; j < page.num; j++) {
			assert_null(strchr(page.lines[j], '\033'));
			assert_null(strstr(page.lines[j], "\xe2\x80\xae"));
			assert_true(mbstowcs(NULL, page.lines[j], 0) <= 80);
		}
		screen_lines_clear(&page);
	}
}

static void test_line(void **state)
{
	const struct chain *chain = chain_of("a-rather-long-name-of-a-host.pool.example");
	struct process process = { .key.pid = 812, .service = "fabric.service", .name = "fabric" };
	struct owner owner = { .process = &process };
	struct screen_columns columns = screen_columns_for(80, 15);
	struct sighting s = sighting_at(9808, chain);
	struct screen_window w;
	char line[SCREEN_LINE_MAX];

	(void)state;
	s.owner[ROLE_SERVER] = &owner;
	ledger_record(ledger, &s, ROLE_SERVER);
	screen_rows_update(rows, now_ns);
	screen_rows_window(rows, 1, &w);
	screen_line_header(&columns, line);
	assert_line(line, 80);
	screen_line(&columns, screen_rows_get(rows, w.shown[0]), now_ns + 9 * SECOND_NS, line);
	assert_line(line, 80);
	assert_non_null(strstr(line, "192.0.0.2:9808"));
	assert_non_null(strstr(line, "~[812]"));
	assert_non_null(strstr(line, " 9s "));
	columns = screen_columns_for(200, 15);
	screen_line(&columns, screen_rows_get(rows, w.shown[0]), now_ns, line);
	assert_line(line, 200);
	assert_non_null(strstr(line, "a-rather-long-name-of-a-host.pool.example"));
	assert_non_null(strstr(line, "fabric.service[812]"));
	assert_non_null(strstr(line, " wire "));
}

/* A long IPv6 address is cut, its port never. */
static void test_port_stays(void **state)
{
	const struct screen_columns columns = screen_columns_for(80, 47);
	struct sighting s = sighting_at(54321, NULL);
	struct screen_window w;
	char line[SCREEN_LINE_MAX];

	(void)state;
	memset(s.server.address.octets, 0x2a, 16);
	ledger_record(ledger, &s, ROLE_SERVER);
	screen_rows_update(rows, now_ns);
	screen_rows_window(rows, 1, &w);
	screen_line(&columns, screen_rows_get(rows, w.shown[0]), now_ns, line);
	assert_line(line, 80);
	assert_non_null(strstr(line, "~]:54321 "));
}

static void test_days_and_ages(void **state)
{
	static const struct { int64_t left_s; const char *want; } days[] = {
		{ 86400, "1" }, { 86399, "0" }, { 0, "0" }, { -1, "-0" }, { -86400, "-1" }, { -2 * 86400 - 1, "-2" },
	};
	static const struct { uint64_t age_s; const char *want; } ages[] = {
		{ 0, "0s" }, { 59, "59s" }, { 60, "1m" }, { 3599, "59m" }, { 3600, "1h" }, { 172799, "47h" },
		{ 172800, "2d" }, { 999 * 86400ull, "999d" }, { 1700000000, "-" },
	};
	char text[24];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(days); i++) {
		screen_days((int64_t)(NOW_NS / SECOND_NS) + days[i].left_s, NOW_NS, text, sizeof(text));
		assert_string_equal(text, days[i].want);
	}
	for (i = 0; i < ARRAY_SIZE(ages); i++) {
		screen_ago(NOW_NS - ages[i].age_s * SECOND_NS, NOW_NS, text, sizeof(text));
		assert_string_equal(text, ages[i].want);
	}
}

/* --- many */

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* The window is what a full sort would have there, wherever it is; and it stays cheap. */
static void test_many(void **state)
{
	const struct chain *some[64];
	struct screen_window w;
	struct sighting s;
	uint64_t before = 0;
	double start;
	uint32_t i, turns;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(some); i++) {
		char name[32];

		snprintf(name, sizeof(name), "host-%u.example", i);
		some[i] = chain_of(name);
	}
	for (i = 0; i < MANY; i++) {
		s = sighting_at((uint16_t)(i * 40503u), some[i % ARRAY_SIZE(some)]);
		s.server.address.octets[13] = (uint8_t)(i >> 16);
		s.server.address.octets[14] = (uint8_t)(i >> 8);
		s.end_ns += (uint64_t)(i * 2654435761u) * 1000;
		assert_non_null(ledger_record(ledger, &s, ROLE_SERVER).row);
	}
	start = seconds();
	for (turns = 0, w.total = 0; w.total < MANY; turns++) {
		screen_rows_update(rows, now_ns);
		screen_rows_window(rows, 45, &w);
	}
	print_message("# %u rows taken in: %.1f ms in each of %u turns\n", MANY, 1e3 * (seconds() - start) / turns, turns);
	assert_true(turns > 1);
	start = seconds();
	for (i = 0; i < 10; i++) {
		now_ns += SECOND_NS / 4;
		screen_rows_update(rows, now_ns);
		screen_rows_window(rows, 45, &w);
	}
	print_message("# drawn again: %.2f ms each\n", 1e2 * (seconds() - start));
	screen_rows_sort(rows, SORT_NAME, false);
	start = seconds();
	screen_rows_window(rows, 45, &w);
	print_message("# by name: %.2f ms\n", 1e3 * (seconds() - start));
	screen_rows_sort(rows, SORT_LAST, false);
	for (i = 0; i < MANY; i += 9973) {
		screen_rows_move(rows, 9973);
		screen_rows_window(rows, 45, &w);
		assert_int_equal(w.matching, MANY);
		assert_int_equal(w.num, 45);
		assert_true(screen_rows_get(rows, w.shown[0])->key >= before);
		before = screen_rows_get(rows, w.shown[44])->key;
	}
	assert_int_equal(w.at, MANY - 1);
}

int main(void)
{
	const struct chain_limits limits = CHAIN_LIMITS_DEFAULT;
#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(test_attention), TEST(test_alternating), TEST(test_sorts), TEST(test_filters),
		TEST(test_selected), TEST(test_hostile), TEST(test_line), TEST(test_port_stays),
		TEST(test_days_and_ages), TEST(test_many),
	};
#undef TEST
	int failed;

	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		return 1;
	chains = chain_table_new(&limits, NULL, NULL);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	chain_table_free(chains);
	return failed;
}
