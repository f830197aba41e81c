/* SPDX-License-Identifier: Apache-2.0 */
/* Secrets that were given: found by whom they are for, offered to whom they may be for, and none refused silently. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "userspace/handshake/keys.h"

static struct keys *keys;

static int setup(void **state)
{
	(void)state;
	keys = keys_new(6);
	return keys ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	keys_free(keys);
	return 0;
}

static void add(const char *label, unsigned int who, unsigned int secret)
{
	char line[256];
	int len = snprintf(line, sizeof(line), "%s %064x %064x\n", label, who, secret);

	keys_add_text(keys, bytes_of((const uint8_t *)line, (size_t)len));
}

static void random_of(uint8_t random[KEYLOG_RANDOM_LEN], unsigned int who)
{
	memset(random, 0, KEYLOG_RANDOM_LEN);
	random[KEYLOG_RANDOM_LEN - 1] = (uint8_t)who;
}

static void claim(unsigned int who)
{
	uint8_t random[KEYLOG_RANDOM_LEN];

	random_of(random, who);
	keys_claim(keys, random, KEYLOG_SERVER_HANDSHAKE_TRAFFIC_SECRET);
}

/* "3 1 ": who is offered, in order. */
static void assert_offered(uint64_t since, unsigned int max, const char *want)
{
	const uint8_t *randoms[8];
	char got[64] = "";
	unsigned int num = keys_unclaimed(keys, KEYLOG_SERVER_HANDSHAKE_TRAFFIC_SECRET, since, randoms, max), i;

	assert_true(num <= max);
	for (i = 0; i < num; i++)
		snprintf(got + strlen(got), sizeof(got) - strlen(got), "%u ", randoms[i][KEYLOG_RANDOM_LEN - 1]);
	assert_string_equal(got, want);
}

static void test_unclaimed(void **state)
{
	uint64_t since;

	(void)state;
	assert_offered(0, 8, "");
	add("SERVER_HANDSHAKE_TRAFFIC_SECRET", 1, 11);
	add("CLIENT_HANDSHAKE_TRAFFIC_SECRET", 1, 12);
	add("SERVER_HANDSHAKE_TRAFFIC_SECRET", 2, 21);
	add("SERVER_HANDSHAKE_TRAFFIC_SECRET", 3, 31);
	assert_offered(0, 8, "3 2 1 ");
	assert_offered(0, 2, "3 2 ");
	claim(2);
	assert_offered(0, 8, "3 1 ");
	claim(9);
	/* Who has tried them all is offered only what came since. */
	since = keys_generation(keys);
	assert_offered(since, 8, "");
	add("SERVER_HANDSHAKE_TRAFFIC_SECRET", 4, 41);
	assert_offered(since, 8, "4 ");
	assert_offered(0, 8, "4 3 1 ");
}

static void test_found(void **state)
{
	uint8_t random[KEYLOG_RANDOM_LEN];
	struct bytes secret;

	(void)state;
	add("SERVER_HANDSHAKE_TRAFFIC_SECRET", 1, 11);
	random_of(random, 1);
	assert_true(keys_find(keys, random, KEYLOG_SERVER_HANDSHAKE_TRAFFIC_SECRET, &secret));
	assert_int_equal(secret.len, 32);
	assert_int_equal(secret.data[31], 11);
	assert_false(keys_find(keys, random, KEYLOG_CLIENT_HANDSHAKE_TRAFFIC_SECRET, &secret));
	/* A later one replaces it, also where there is no more room. */
	while (keys_counters(keys)->secrets < 6)
		add("SERVER_HANDSHAKE_TRAFFIC_SECRET", 100 + (unsigned int)keys_counters(keys)->secrets, 1);
	add("SERVER_HANDSHAKE_TRAFFIC_SECRET", 1, 12);
	assert_true(keys_find(keys, random, KEYLOG_SERVER_HANDSHAKE_TRAFFIC_SECRET, &secret));
	assert_int_equal(secret.data[31], 12);
	assert_int_equal(keys_counters(keys)->refused, 0);
}

static void test_refused(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < 9; i++)
		add("SERVER_HANDSHAKE_TRAFFIC_SECRET", i, i);
	assert_int_equal(keys_counters(keys)->secrets, 6);
	assert_int_equal(keys_counters(keys)->refused, 3);
	add("NOBODY_KNOWS_THIS", 1, 1);
	assert_int_equal(keys_counters(keys)->not_understood, 1);
}

#define LINE "SERVER_HANDSHAKE_TRAFFIC_SECRET %064x %064x\n"

static bool has(unsigned int who)
{
	uint8_t random[KEYLOG_RANDOM_LEN];
	struct bytes secret;

	random_of(random, who);
	return keys_find(keys, random, KEYLOG_SERVER_HANDSHAKE_TRAFFIC_SECRET, &secret);
}

static char folder[64], path[96];

static int setup_folder(void **state)
{
	snprintf(folder, sizeof(folder), "/tmp/test_keys.XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/keys", folder);
	return setup(state);
}

static int teardown_folder(void **state)
{
	unlink(path);
	rmdir(folder);
	return teardown(state);
}

static void test_not_a_file(void **state)
{
	(void)state;
	assert_int_equal(keys_add_file(keys, folder, false), -EISDIR);
	assert_int_equal(keys_add_file(keys, folder, true), -EISDIR);
	assert_int_equal(keys_add_file(keys, path, false), -ENOENT);
}

/* Whoever writes to the pipe takes his time, and stops in the middle of a line. */
static void test_pipe_to_its_end(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	assert_int_equal(mkfifo(path, 0600), 0);
	pid = fork();
	if (pid == 0) {
		int fd = open(path, O_WRONLY);

		for (unsigned int i = 1; i <= 3; i++) {
			usleep(10000);
			dprintf(fd, "SERVER_HANDSHAKE_TRAFFIC_");
			usleep(10000);
			dprintf(fd, "SECRET %064x %064x\n", i, i);
		}
		_exit(fd < 0);
	}
	assert_int_equal(keys_add_file(keys, path, false), 0);
	keys_poll(keys);
	assert_true(has(1) && has(2) && has(3));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	keys_poll(keys);        /* waits for nobody */
	assert_int_equal(keys_counters(keys)->not_understood, 0);
}

/* One that is followed is never waited for, and whoever writes may come and go. */
static void test_pipe_followed(void **state)
{
	(void)state;
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(keys_add_file(keys, path, true), 0);
	keys_poll(keys);
	for (unsigned int i = 1; i <= 2; i++) {
		int fd = open(path, O_WRONLY);

		assert_true(fd >= 0);
		keys_poll(keys);
		dprintf(fd, LINE, i, i);
		keys_poll(keys);
		assert_true(has(i));
		close(fd);
		keys_poll(keys);
	}
}

static void test_without_end(void **state)
{
	(void)state;
	assert_int_equal(keys_add_file(keys, "/dev/zero", false), 0);
	assert_int_equal(keys_add_file(keys, "/dev/zero", true), 0);
	keys_poll(keys);
	keys_poll(keys);
	assert_int_equal(keys_counters(keys)->endless, 2);
}

/* Cut off in place while it is followed: what is written from then on is read, and it is told. */
static void test_cut_off(void **state)
{
	FILE *f = fopen(path, "w");

	(void)state;
	assert_non_null(f);
	fprintf(f, LINE LINE "SERVER_HANDSHAKE", 1, 1, 2, 2);
	fflush(f);
	assert_int_equal(keys_add_file(keys, path, true), 0);
	keys_poll(keys);
	keys_poll(keys);
	assert_int_equal(keys_counters(keys)->cut_off, 0);
	assert_int_equal(ftruncate(fileno(f), 0), 0);
	rewind(f);
	fprintf(f, LINE, 3, 3);
	fclose(f);
	keys_poll(keys);
	keys_poll(keys);
	assert_true(has(1) && has(2) && has(3));
	assert_int_equal(keys_counters(keys)->cut_off, 1);
	assert_int_equal(keys_counters(keys)->not_understood, 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_unclaimed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_found, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_not_a_file, setup_folder, teardown_folder),
		cmocka_unit_test_setup_teardown(test_pipe_to_its_end, setup_folder, teardown_folder),
		cmocka_unit_test_setup_teardown(test_pipe_followed, setup_folder, teardown_folder),
		cmocka_unit_test_setup_teardown(test_without_end, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cut_off, setup_folder, teardown_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
