/* SPDX-License-Identifier: Apache-2.0 */
/* Whose handshakes --secrets would open, asked of real processes: as the monitor, and through the pipe as the worker. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "userspace/probes/probes_coverage.h"
#include "userspace/probes/unopened.h"

#define NS_PER_S 1000000000ull

static struct probes_coverage *coverage;
static pid_t children[8];
static unsigned int num_children;
static uint64_t now_ns = 100 * NS_PER_S;

static int setup(void **state)
{
	(void)state;
	num_children = 0;
	coverage = probes_coverage_new();
	return coverage ? 0 : -1;
}

static int teardown(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < num_children; i++) {
		kill(children[i], SIGKILL);
		waitpid(children[i], NULL, 0);
	}
	probes_coverage_free(coverage);
	return 0;
}

/* What a child says and hears. */
struct child {
	pid_t pid;
	int in, out;
};

/* `script` for Python, or NULL: a copy of this program, which has libcrypto mapped, until it is told to be `cat`. */
static struct child start(const char *script)
{
	int in[2], out[2];
	struct child c;
	char byte;

	assert_int_equal(pipe(in), 0);
	assert_int_equal(pipe(out), 0);
	c = (struct child){ fork(), in[1], out[0] };
	assert_true(c.pid >= 0);
	if (c.pid) {
		close(in[0]);
		close(out[1]);
		children[num_children++] = c.pid;
		return c;
	}
	dup2(in[0], 0);
	dup2(out[1], 1);
	if (script)
		execlp("python3", "python3", "-u", "-c", script, (char *)NULL);
	else if (write(1, "x", 1) == 1 && read(0, &byte, 1) == 1)
		execlp("cat", "cat", (char *)NULL);
	_exit(127);
}

static void hear(const struct child *c)
{
	char byte;

	assert_int_equal(read(c->out, &byte, 1), 1);
}

static void tell(const struct child *c)
{
	assert_int_equal(write(c->in, "\n", 1), 1);
}

static void assert_answer(pid_t pid, enum coverage_verdict verdict)
{
	struct coverage_answer a = probes_coverage_of(coverage, pid, now_ns);

	assert_int_equal(a.verdict, verdict);
	assert_true(!a.reason == (verdict == COVERAGE_OPEN));
	assert_true(!a.library == (verdict != COVERAGE_OPEN));
}

/* Is the libcrypto of this test one that is shared, and covered? */
static void skip_without_openssl3(void)
{
	if (OpenSSL_version_num() < 0x30000000) {
		print_message("OpenSSL here is older than 3.0\n");
		skip();
	}
}

static void test_covered(void **state)
{
	struct child c = start(NULL);
	struct coverage_answer a;

	(void)state;
	skip_without_openssl3();
	hear(&c);
	a = probes_coverage_of(coverage, c.pid, now_ns);
	assert_int_equal(a.verdict, COVERAGE_OPEN);
	assert_string_equal(a.library, "OpenSSL 3");
	assert_string_equal(a.symbol, "EVP_KDF_derive");
}

/* The same process, another program: the old answer holds for COVERAGE_TRUST_NS, not longer. */
static void test_executes_another(void **state)
{
	struct child c = start(NULL);

	(void)state;
	skip_without_openssl3();
	hear(&c);
	assert_answer(c.pid, COVERAGE_OPEN);
	tell(&c);
	/* cat: it answers when it is there. */
	tell(&c);
	hear(&c);
	now_ns += COVERAGE_TRUST_NS - 1;
	assert_answer(c.pid, COVERAGE_OPEN);
	now_ns++;
	assert_answer(c.pid, COVERAGE_CLOSED);
}

/* A library that is loaded later is found later. */
static void test_loads_later(void **state)
{
	struct child c = start("print('x', end=''); input(); import ssl; print('x', end=''); input()");

	(void)state;
	skip_without_openssl3();
	hear(&c);
	assert_answer(c.pid, COVERAGE_CLOSED);
	tell(&c);
	hear(&c);
	now_ns += COVERAGE_AGAIN_NS - 1;
	assert_answer(c.pid, COVERAGE_CLOSED);
	now_ns++;
	/* Whether it has been looked at is asked once a COVERAGE_TRUST_NS. */
	now_ns += COVERAGE_TRUST_NS;
	assert_answer(c.pid, COVERAGE_OPEN);
}

static void test_gone(void **state)
{
	struct child c = start(NULL);

	(void)state;
	hear(&c);
	kill(c.pid, SIGKILL);
	assert_int_equal(waitpid(c.pid, NULL, 0), c.pid);
	num_children--;
	assert_answer(c.pid, COVERAGE_UNKNOWN);
	assert_answer(0, COVERAGE_UNKNOWN);
	assert_answer(-1, COVERAGE_UNKNOWN);
	/* It does not stay so for the next process of that number. */
	c = start(NULL);
	hear(&c);
	assert_answer(c.pid, OpenSSL_version_num() < 0x30000000 ? COVERAGE_CLOSED : COVERAGE_OPEN);
}

/* More processes than places: who comes later takes the place, and both are answered right. */
static void test_one_place_for_two(void **state)
{
	struct child open = start(NULL), closed = start("print('x', end=''); input()");
	unsigned int i;

	(void)state;
	skip_without_openssl3();
	hear(&open);
	hear(&closed);
	for (i = 0; i < 3; i++) {
		assert_answer(open.pid, COVERAGE_OPEN);
		assert_answer(closed.pid, COVERAGE_CLOSED);
		assert_answer(open.pid + COVERAGE_PROCESSES * 8192, COVERAGE_UNKNOWN);
	}
}

/* ---- through the pipe ---- */

struct said {
	pid_t server, client;
	unsigned int times;
};

/* Asks as the worker, in a child, and answers as the monitor; what the worker prints in the end. */
static void ask(const struct said *said, unsigned int num, uint64_t encrypted, char text[256])
{
	struct unopened *u;
	int words[2], status;
	unsigned int i, j;
	ssize_t len;
	pid_t pid;

	assert_int_equal(unopened_open(&u), 0);
	assert_int_equal(pipe(words), 0);
	pid = fork();
	if (pid == 0) {
		FILE *out = fdopen(words[1], "w");

		unopened_close_in_worker(u);
		for (i = 0; i < num; i++)
			for (j = 0; j < said[i].times; j++)
				unopened_sighting(u, said[i].server, said[i].client);
		unopened_print(u, encrypted, out);
		fclose(out);
		_exit(0);
	}
	close(words[1]);
	while (waitpid(pid, &status, WNOHANG) == 0) {
		struct pollfd p = { .fd = unopened_fd(u), .events = POLLIN };

		if (poll(&p, 1, 5) == 1)
			unopened_ready(u);
	}
	len = read(words[0], text, 255);
	text[len > 0 ? len : 0] = '\0';
	close(words[0]);
	unopened_free(u);
}

static void test_counts(void **state)
{
	struct child open = start(NULL), closed = start("print('x', end=''); input()"), gone = start(NULL);
	struct said said[] = {
		{ open.pid, 0, 3 }, { 0, open.pid, 2 }, { closed.pid, open.pid, 1 }, { closed.pid, 0, 70 },
		{ gone.pid, 0, 4 }, { gone.pid, open.pid, 1 }, { 0, 0, 5 },
	};
	char text[256];

	(void)state;
	skip_without_openssl3();
	hear(&open);
	hear(&closed);
	hear(&gone);
	kill(gone.pid, SIGKILL);
	assert_int_equal(waitpid(gone.pid, NULL, 0), gone.pid);
	num_children--;
	ask(said, 7, 86, text);
	assert_string_equal(text, "certtap: 86 sightings stayed encrypted; --secrets would have opened 7 of them, "
				  "and of 9 no process could be looked at\n");
	ask(said, 1, 3, text);
	assert_string_equal(text, "certtap: 3 sightings stayed encrypted; --secrets would have opened 3 of them\n");
}

static void test_nobody_to_ask(void **state)
{
	char text[256];

	(void)state;
	ask(NULL, 0, 1, text);
	assert_string_equal(text, "certtap: 1 sighting stayed encrypted; --secrets opens those of the processes that "
				  "'certtap doctor' calls covered\n");
	ask(NULL, 0, 0, text);
	assert_string_equal(text, "");
}

/* A monitor that does not follow holds nobody up: what finds no room is not known. */
static void test_monitor_sleeps(void **state)
{
	struct unopened *u;
	char text[256] = "";
	FILE *out = fmemopen(text, sizeof(text), "w");
	unsigned int i;

	(void)state;
	assert_int_equal(unopened_open(&u), 0);
	for (i = 0; i < 100000; i++)
		unopened_sighting(u, getpid(), 0);
	unopened_print(u, 100000, out);
	fclose(out);
	assert_non_null(strstr(text, "100000 sightings stayed encrypted"));
	unopened_free(u);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_covered, setup, teardown),
		cmocka_unit_test_setup_teardown(test_executes_another, setup, teardown),
		cmocka_unit_test_setup_teardown(test_loads_later, setup, teardown),
		cmocka_unit_test_setup_teardown(test_gone, setup, teardown),
		cmocka_unit_test_setup_teardown(test_one_place_for_two, setup, teardown),
		cmocka_unit_test_setup_teardown(test_counts, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nobody_to_ask, setup, teardown),
		cmocka_unit_test_setup_teardown(test_monitor_sleeps, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
