/* SPDX-License-Identifier: Apache-2.0 */
/* A hundred writers killed at random moments under load: what was acknowledged is there, and the file is whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <cmocka.h>

#include "tests/unit/store_build.h"

#define KILLS 100
#define CHAINS 16

static struct store_announcement *chains[CHAINS];

/* Writes batches until it is killed; *acknowledged counts the sightings that were committed. */
static void write_for_ever(struct store_fixture *f, volatile uint64_t *acknowledged)
{
	struct store_record r;
	uint64_t n = *acknowledged;
	int i;

	fixture_open(f);
	for (;;) {
		if (store_begin(f->s) != 0)
			_exit(2);
		for (i = 0; i < 200; i++, n++) {
			r = record_of(T0 + n * SECOND, chains[n % CHAINS]);
			r.server.port = (uint16_t)(n * 7919);
			if (store_put(f->s, &r) != 0)
				_exit(3);
		}
		if (store_commit(f->s) != 0)
			_exit(4);
		*acknowledged = n;
	}
}

static void kill_one(struct store_fixture *f, volatile uint64_t *acknowledged, unsigned int nth)
{
	struct timespec wait = { .tv_nsec = (long)(nth * 7919 % 97) * 1000000 + 2000000 };
	pid_t child = fork();
	int status;

	assert_true(child >= 0);
	if (child == 0)
		write_for_ever(f, acknowledged);
	nanosleep(&wait, NULL);
	kill(child, SIGKILL);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
}

static void test_kills(void **state)
{
	volatile uint64_t *acknowledged = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct store_fixture f;
	unsigned int i;
	int64_t stored;

	(void)state;
	fixture_start(&f);
	fixture_open(&f);
	store_free(f.s);
	f.s = NULL;
	for (i = 0; i < KILLS; i++) {
		kill_one(&f, acknowledged, i);
		stored = ask(&f, "SELECT coalesce(sum(count),0) FROM sightings");
		/* A batch may have been committed and not told any more. */
		assert_in_range(stored, *acknowledged, *acknowledged + 200);
		*acknowledged = (uint64_t)stored;
	}
	print_message("%d kills, %llu sightings\n", KILLS, (unsigned long long)*acknowledged);
	assert_true(*acknowledged > KILLS);
	assert_int_equal(ask(&f, "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check='ok'"), 1);
	assert_int_equal(ask(&f, "SELECT count(*) FROM sightings WHERE endpoint_id NOT IN (SELECT id FROM endpoints)"), 0);
	assert_int_equal(ask(&f, "SELECT count(*) FROM certificates"), CHAINS);
	fixture_end(&f);
	munmap((void *)acknowledged, 4096);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kills),
	};
	int result, i;

	for (i = 0; i < CHAINS; i++)
		chains[i] = spec_announce(&(struct cert_spec){ .san = "DNS:pool.example", .serial = i + 1 });
	result = cmocka_run_group_tests(tests, NULL, NULL);
	for (i = 0; i < CHAINS; i++)
		free(chains[i]);
	return result;
}
