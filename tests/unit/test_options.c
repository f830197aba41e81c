/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "userspace/options.h"

#define ARGS_MAX 128

static struct options o;

/* Parses a command line of words; what is said on stderr and stdout goes nowhere. */
static int parse(enum command_bit command, const char *line)
{
	static char words[1024];
	char *argv[ARGS_MAX] = { (char *)"certtap" }, *rest, *word;
	int argc = 1, saved[2] = { dup(1), dup(2) }, null = open("/dev/null", O_WRONLY), result;

	snprintf(words, sizeof(words), "%s", line);
	for (word = strtok_r(words, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
		argv[argc++] = word;
	fflush(stdout);
	dup2(null, 1);
	dup2(null, 2);
	result = options_parse(&o, command, "test", argc, argv);
	fflush(stdout);
	dup2(saved[0], 1);
	dup2(saved[1], 2);
	close(saved[0]);
	close(saved[1]);
	close(null);
	return result;
}

static void test_defaults(void **state)
{
	(void)state;
	assert_int_equal(parse(FOR_READ, ""), 0);
	assert_string_equal(o.format, "table");
	assert_int_equal(o.num_arguments, 0);
	assert_int_equal(o.limits.tracker.flows, 1u << 20);
	assert_int_equal(o.limits.tracker.memory, 64u << 20);
	assert_int_equal(o.limits.tracker.message, 1u << 20);
	assert_int_equal(o.limits.tracker.chain.chain_len, 128);
	assert_int_equal(o.limits.tunnels, 4);
	assert_int_equal(o.ring_bytes, 16u << 20);
	assert_false(o.every || o.quiet);
}

static void test_values(void **state)
{
	(void)state;
	assert_int_equal(parse(FOR_READ, "-j --every -q --color never --pem out --max-flows 2k --max-held=3m "
					 "--max-ranges 65535 --max-memory 4g --max-chain 128 a.pcap --max-rows 7 -"), 0);
	assert_string_equal(o.format, "json");
	assert_true(o.every && o.quiet);
	assert_int_equal(o.color, COLOR_NEVER);
	assert_string_equal(o.pem_dir, "out");
	assert_int_equal(o.limits.tracker.flows, 2048);
	assert_int_equal(o.limits.tracker.stream.held, 3u << 20);
	assert_int_equal(o.limits.tracker.stream.ranges, 65535);
	assert_true(o.limits.tracker.memory == 4ull << 30);
	assert_int_equal(o.limits.tracker.ledger.rows, 7);
	assert_int_equal(o.num_arguments, 2);
	assert_string_equal(o.arguments[0], "a.pcap");
	assert_string_equal(o.arguments[1], "-");
	assert_int_equal(parse(FOR_LIVE, "-i eth0 -i lo -c 5 --duration 1.5m --ring 1m --attach tcx --capture pcap"), 0);
	assert_int_equal(o.num_interfaces, 2);
	assert_string_equal(o.interfaces[1], "lo");
	assert_int_equal(o.count, 5);
	assert_true(o.duration_ns == 90000000000ull);
	assert_string_equal(o.attach, "tcx");
}

static const struct { const char *text; uint64_t ns; } durations[] = {
	{ "10", 10000000000 }, { "10s", 10000000000 }, { "500ms", 500000000 }, { "2h", 7200000000000 },
	{ "1d", 86400000000000 }, { ".5s", 500000000 },
};

static void test_durations(void **state)
{
	char line[64];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(durations); i++) {
		snprintf(line, sizeof(line), "--duration %s", durations[i].text);
		assert_int_equal(parse(FOR_LIVE, line), 0);
		assert_true(o.duration_ns == durations[i].ns);
	}
}

static void test_secrets(void **state)
{
	static const struct { const char *line; unsigned int patterns; } cases[] = {
		{ "--secrets", 0 }, { "--secrets=all", 0 }, { "--secrets=a --secrets=b", 2 },
		{ "--secrets=all --secrets=a", 0 }, { "--secrets=a --secrets", 0 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(parse(FOR_LIVE, cases[i].line), 0);
		assert_true(o.secrets);
		assert_int_equal(o.num_secret_patterns, cases[i].patterns);
	}
}

static const struct { enum command_bit command; const char *line; } refused[] = {
	{ FOR_READ, "--no-such-option" }, { FOR_READ, "-Z" }, { FOR_READ, "--max-flows" },
	{ FOR_READ, "--max-flows 0" }, { FOR_READ, "--max-flows -1" }, { FOR_READ, "--max-flows 1x" },
	{ FOR_READ, "--max-flows 1kk" }, { FOR_READ, "--max-flows 4294967296" },
	{ FOR_READ, "--max-flows 4g" }, { FOR_READ, "--max-flows 99999999999999999999" },
	{ FOR_READ, "--max-flows k" }, { FOR_READ, "--max-flows 0x10" }, { FOR_READ, "--max-ranges 65536" },
	{ FOR_READ, "--max-ranges 64k" }, { FOR_READ, "--max-memory 9223372036854775808" },
	{ FOR_READ, "--max-chain 129" }, { FOR_READ, "--color sometimes" },
	{ FOR_READ, "--interface eth0" }, { FOR_READ, "--duration 5" },       /* of another command */
	{ FOR_DOCTOR, "--json-lines" },
	{ FOR_LIVE, "--attach xdp" }, { FOR_LIVE, "--capture raw" }, { FOR_LIVE, "--duration 0" },
	{ FOR_LIVE, "--duration -5s" }, { FOR_LIVE, "--duration 5w" }, { FOR_LIVE, "--duration inf" },
	{ FOR_LIVE, "--duration 1e30" }, { FOR_LIVE, "--count 0" },
	{ FOR_LIVE, "--secrets=" }, { FOR_DOCTOR, "--secrets=" },
};

static void test_refused(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(refused); i++)
		if (parse(refused[i].command, refused[i].line) != -EINVAL)
			fail_msg("'%s' was taken", refused[i].line);
}

/* One value takes no other; the same again, flags and what is repeatable are fine. */
static void test_given_twice(void **state)
{
	static const struct { enum command_bit command; const char *line; int result; } cases[] = {
		{ FOR_CHECK, "--expect a.yaml --expect b.yaml", -EINVAL }, { FOR_CHECK, "--expect a.yaml --expect a.yaml", 0 },
		{ FOR_CHECK, "--days 30,14 --verify --days 7", -EINVAL }, { FOR_CHECK, "--since 2h --since 3h", -EINVAL },
		{ FOR_CHECK, "--renewed a.pem --renewed b.pem", 0 }, { FOR_CHECK, "--watch --watch", 0 },
		{ FOR_CHECK, "--port 443 --port=444", -EINVAL }, { FOR_CHECK, "--format json --format junit", -EINVAL },
		{ FOR_SHOW, "--port 443 --port 443/udp", -EINVAL }, { FOR_SHOW, "--port 443 --address ::1", 0 },
		{ FOR_READ, "--color never --color always", -EINVAL }, { FOR_READ, "--max-flows 1k --max-flows 2k", -EINVAL },
		{ FOR_READ, "--keylog a --keylog b", 0 }, { FOR_READ, "--format zeek --format eve", -EINVAL },
		{ FOR_READ, "--json --format zeek -j", 0 }, { FOR_LIVE, "--store a --store b", -EINVAL },
		{ FOR_LIVE, "-i lo -i eth0 --secrets=a --secrets=b --secrets", 0 }, { FOR_LIVE, "-c 5 --count 6", -EINVAL },
		{ FOR_LIVE, "--duration 5s --duration 6s", -EINVAL },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++)
		if (parse(cases[i].command, cases[i].line) != cases[i].result)
			fail_msg("'%s'", cases[i].line);
}

static void test_too_many_interfaces(void **state)
{
	char line[1024] = "";
	size_t len = 0;
	int i;

	(void)state;
	/* One that is named twice is one. */
	for (i = 0; i < INTERFACES_MAX + 1; i++)
		strcat(line, "-ia ");
	assert_int_equal(parse(FOR_LIVE, line), 0);
	assert_int_equal(o.num_interfaces, 1);
	for (i = 0; i < INTERFACES_MAX + 1; i++)
		len += (size_t)snprintf(line + len, sizeof(line) - len, "-ia%d ", i);
	assert_int_equal(parse(FOR_LIVE, line), -EINVAL);
}

/* Help names every option of the command, and none of another. */
static void test_help(void **state)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	(void)state;
	assert_int_equal(parse(FOR_READ, "--help"), 1);
	assert_int_equal(parse(FOR_READ, "-h"), 1);
	assert_non_null(out);
	options_print(FOR_READ, out);
	fclose(out);
	assert_non_null(strstr(text, "-j, --json"));
	assert_non_null(strstr(text, "--max-flows N"));
	assert_null(strstr(text, "--interface"));
	assert_non_null(strstr(text, "takes one, unless it is repeatable"));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_durations),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_secrets),
		cmocka_unit_test(test_given_twice),
		cmocka_unit_test(test_too_many_interfaces),
		cmocka_unit_test(test_help),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
