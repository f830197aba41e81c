/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <jansson.h>
#include <stdlib.h>

#include "userspace/check/status_line.h"

static const struct status_fact facts[] = {
	{ "process", "fabric" }, { "last_seen", "2026-11-24T22:10:23Z" },
};

static const struct status_finding findings[] = {
	{ SEVERITY_UNKNOWN, "192.0.2.21:5061/tcp", "renewed", "not seen since the renewal", NULL, 0, NULL, 0 },
	{ SEVERITY_CRITICAL, "192.0.2.21:9808/tcp", "straggler", "still presents the old certificate",
	  "expect.yaml", 12, facts, 2 },
	{ SEVERITY_OK, "192.0.2.21:443/tcp", "renewed", "presents the new certificate", NULL, 0, NULL, 0 },
	{ SEVERITY_WARNING, "192.0.2.21:25/tcp", "min-days", "20 days left", NULL, 0, NULL, 0 },
};

static const struct status_value values[] = { { "days_left", -2, "", "30:", "14:" } };

static const struct status_report report = { 4, findings, 4, values, 1 };

/* Everything that a name can hold to break out of a line, an attribute or a command. */
static const char hostile[] = "a\n::error::x\r##[error]y|z=1 %0A<b attr=\"'\">&]]>\x1b[2J\xff\xe2\x80\xae,:\xef\xbf\xbf \\x41";

static const struct status_fact hostile_facts[] = { { "name", hostile } };

static const struct status_finding hostile_findings[] = {
	{ SEVERITY_CRITICAL, hostile, hostile, hostile, hostile, 7, hostile_facts, 1 },
};

static const struct status_report hostile_report = { 1, hostile_findings, 1, NULL, 0 };

/* The caller frees it. */
static char *written(const struct status_report *r, const char *format)
{
	char *text;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	assert_true(status_write(r, status_format_find(format), out));
	fclose(out);
	return text;
}

static void expect_text(const struct status_report *r, const char *format, const char *want)
{
	char *text = written(r, format);

	assert_string_equal(text, want);
	free(text);
}

static void test_worst(void **state)
{
	/* In this order, each worse than the one before. */
	static const enum severity order[] = {
		SEVERITY_OK, SEVERITY_UNKNOWN, SEVERITY_WARNING, SEVERITY_CRITICAL,
	};
	enum severity found;
	size_t i, j;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(order); i++)
		for (j = 0; j < ARRAY_SIZE(order); j++)
			assert_int_equal(severity_worst(order[i], order[j]), order[i > j ? i : j]);
	for (i = 0; i < NUM_SEVERITIES; i++) {
		assert_true(severity_find(severity_name((enum severity)i), &found));
		assert_int_equal(found, i);
	}
	assert_false(severity_find("fatal", &found));
}

static void test_overall(void **state)
{
	const struct status_report nothing = { 0 }, well = { 3, &findings[2], 1, NULL, 0 };
	const struct status_report unknown = { 3, findings, 1, NULL, 0 };

	(void)state;
	assert_int_equal(status_overall(&report), 2);
	assert_int_equal(status_overall(&nothing), 3);
	assert_int_equal(status_overall(&well), 0);
	assert_int_equal(status_overall(&unknown), 3);
}

static void test_nagios(void **state)
{
	const struct status_report nothing = { 0 }, well = { 1, NULL, 0, NULL, 0 };

	(void)state;
	expect_text(&report, NULL,
		    "CERTTAP CRITICAL: 1 critical, 1 warning, 1 unknown, of 4 endpoints; "
		    "192.0.2.21:9808/tcp: still presents the old certificate"
		    " | endpoints=4;;;0 critical=1;;;0 warning=1;;;0 unknown=1;;;0 days_left=-2;30:;14:\n"
		    "[UNKNOWN] 192.0.2.21:5061/tcp: not seen since the renewal\n"
		    "[CRITICAL] 192.0.2.21:9808/tcp: still presents the old certificate\n"
		    "[WARNING] 192.0.2.21:25/tcp: 20 days left\n");
	expect_text(&well, "nagios", "CERTTAP OK: all is well at 1 endpoint"
		    " | endpoints=1;;;0 critical=0;;;0 warning=0;;;0 unknown=0;;;0\n");
	expect_text(&nothing, "nagios", "CERTTAP UNKNOWN: could not tell: no endpoint was seen"
		    " | endpoints=0;;;0 critical=0;;;0 warning=0;;;0 unknown=0;;;0\n");
}

static void test_json(void **state)
{
	char *text = written(&report, "json");
	json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, NULL), *f;

	(void)state;
	assert_non_null(root);
	assert_string_equal(json_string_value(json_object_get(root, "status")), "critical");
	assert_int_equal(json_integer_value(json_object_get(root, "exit_code")), 2);
	assert_int_equal(json_array_size(json_object_get(root, "findings")), 4);
	f = json_array_get(json_object_get(root, "findings"), 1);
	assert_int_equal(json_integer_value(json_object_get(f, "line")), 12);
	assert_string_equal(json_string_value(json_object_get(json_object_get(f, "facts"), "process")), "fabric");
	json_decref(root);
	free(text);
}

static void test_junit(void **state)
{
	(void)state;
	expect_text(&report, "junit",
		    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		    "<testsuites name=\"certtap\" tests=\"5\" failures=\"2\" errors=\"1\">\n"
		    "  <testsuite name=\"certtap check\" tests=\"5\" failures=\"2\" errors=\"1\">\n"
		    "    <testcase classname=\"certtap.check\" name=\"coverage\"/>\n"
		    "    <testcase classname=\"certtap.check\" name=\"192.0.2.21:5061/tcp\">\n"
		    "      <error type=\"renewed\" message=\"not seen since the renewal\">severity: unknown\n"
		    "</error>\n    </testcase>\n"
		    "    <testcase classname=\"certtap.check\" name=\"192.0.2.21:9808/tcp\" file=\"expect.yaml\" line=\"12\">\n"
		    "      <failure type=\"straggler\" message=\"still presents the old certificate\">severity: critical\n"
		    "process: fabric\nlast_seen: 2026-11-24T22:10:23Z\n</failure>\n    </testcase>\n"
		    "    <testcase classname=\"certtap.check\" name=\"192.0.2.21:443/tcp\"/>\n"
		    "    <testcase classname=\"certtap.check\" name=\"192.0.2.21:25/tcp\">\n"
		    "      <failure type=\"min-days\" message=\"20 days left\">severity: warning\n"
		    "</failure>\n    </testcase>\n"
		    "  </testsuite>\n</testsuites>\n");
}

static void test_github(void **state)
{
	(void)state;
	expect_text(&report, "github",
		    "::warning title=certtap unknown%3A renewed::192.0.2.21:5061/tcp: not seen since the renewal\n"
		    "::error title=certtap critical%3A straggler,file=expect.yaml,line=12::"
		    "192.0.2.21:9808/tcp: still presents the old certificate\n"
		    "::warning title=certtap warning%3A min-days::192.0.2.21:25/tcp: 20 days left\n"
		    "certtap: critical: 1 critical, 1 warning, 1 unknown, of 4 endpoints\n");
}

static size_t occurrences(const char *text, const char *what)
{
	size_t n = 0;

	for (; (text = strstr(text, what)); text++)
		n++;
	return n;
}

/* Printable, UTF-8, and in as many lines as it has without strangers. */
static void expect_lines(const char *text, size_t lines)
{
	const char *c;

	assert_int_equal(occurrences(text, "\n"), lines);
	for (c = text; *c; c++)
		assert_true((unsigned char)*c >= 0x20 || *c == '\n');
	assert_null(strchr(text, '\xff'));
	assert_null(strstr(text, "\xe2\x80\xae"));
	assert_null(strstr(text, "\xef\xbf\xbf"));
}

static void test_hostile(void **state)
{
	char *text = written(&hostile_report, "nagios");
	json_t *root;

	(void)state;
	expect_lines(text, 2);
	assert_int_equal(occurrences(text, "|"), 1);
	assert_null(strstr(strchr(text, '|'), "z=1 |"));
	free(text);

	text = written(&hostile_report, "github");
	expect_lines(text, 2);
	assert_int_equal(occurrences(text, "\n::"), 0);
	assert_int_equal(occurrences(text, "##["), 0);
	assert_int_equal(occurrences(text, "%0A"), 0);
	assert_int_equal(strncmp(text, "::error title=certtap critical%3A a\\x0A%3A%3Aerror", 48), 0);
	free(text);

	text = written(&hostile_report, "junit");
	expect_lines(text, 11);
	assert_int_equal(occurrences(text, "<b"), 0);
	assert_int_equal(occurrences(text, "]]>"), 0);
	assert_int_equal(occurrences(text, "attr=\""), 0);
	free(text);

	text = written(&hostile_report, "json");
	expect_lines(text, 1);
	root = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(root);
	json_decref(root);
	free(text);
}

/* A text of any length keeps to its limit. */
static void test_long(void **state)
{
	const size_t len = 100000;
	char *name = malloc(len + 1), *text;
	struct status_finding f = { .severity = SEVERITY_WARNING };
	const struct status_report r = { 1, &f, 1, NULL, 0 };
	static const char *const names[] = { "nagios", "json", "junit", "github" };
	size_t i;

	(void)state;
	assert_non_null(name);
	memset(name, '"', len);
	name[len] = '\0';
	f.endpoint = f.message = f.file = name;
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		text = written(&r, names[i]);
		assert_true(strlen(text) < 32768);
		assert_non_null(strstr(text, "..."));
		assert_non_null(strstr(status_format_names(), names[i]));
		free(text);
	}
	free(name);
	assert_null(status_format_find("xml"));
}

static void test_no_room(void **state)
{
	FILE *full = fopen("/dev/full", "w");

	(void)state;
	if (!full)
		skip();
	assert_false(status_write(&report, status_format_find(NULL), full));
	fclose(full);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_worst),
		cmocka_unit_test(test_overall),
		cmocka_unit_test(test_nagios),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_junit),
		cmocka_unit_test(test_github),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_long),
		cmocka_unit_test(test_no_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
