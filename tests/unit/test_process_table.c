/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <unistd.h>

#include "userspace/process/process_feed.h"
#include "userspace/process/process_table.h"

static const struct process_table_limits limits = PROCESS_TABLE_LIMITS_DEFAULT;

static struct feed_message process_message(uint32_t pid, const char *name)
{
	struct feed_message m = { .kind = FEED_PROCESS };

	m.process.key.pid = pid;
	m.process.key.start_ns = pid * 10u;
	snprintf(m.process.name, sizeof(m.process.name), "%s", name);
	return m;
}

static void send_message(int fd, const struct feed_message *m)
{
	assert_true(process_feed_send(fd, m));
}

struct fixture {
	int feed[2];
	struct process_table *table;
};

static void begin(struct fixture *f)
{
	assert_int_equal(process_feed_open(f->feed), 0);
	f->table = process_table_new(&limits, f->feed[0]);
	assert_non_null(f->table);
}

static void end(struct fixture *f)
{
	process_table_free(f->table);
	close(f->feed[0]);
	close(f->feed[1]);
}

/* Facts that are on their way are taken in when their process is named. */
static void test_named(void **state)
{
	const struct event_owner named = { .maker_pid = 7, .maker_start_ns = 70, .sender_pid = 8, .sender_start_ns = 80,
					   .listen_ns = 5 };
	struct feed_message master = process_message(7, "master"), worker = process_message(8, "worker");
	struct fixture f;
	struct owner o;

	(void)state;
	begin(&f);
	send_message(f.feed[1], &master);
	send_message(f.feed[1], &worker);
	assert_true(process_table_owner(f.table, &named, 1000, &o));
	assert_string_equal(o.process->name, "worker");
	assert_string_equal(o.maker->name, "master");
	assert_true(o.sent);
	assert_false(o.candidate);
	assert_int_equal(o.listens_since_ns, 1005);
	end(&f);
}

/* Nobody sent, so the maker it is; others who held the socket may be it as well. */
static void test_candidates(void **state)
{
	const struct event_owner named = { .maker_pid = 7, .maker_start_ns = 70, .cookie = 99, .found = 1 };
	struct feed_message one = process_message(7, "one"), two = process_message(8, "two"),
			    holders = { .kind = FEED_HOLDERS };
	struct fixture f;
	struct owner o;

	(void)state;
	holders.holders = (struct feed_holders){ .cookie = 99, .num = 2, .total = 2,
						 .holders = { { .pid = 7, .start_ns = 70 }, { .pid = 8, .start_ns = 80 } } };
	begin(&f);
	send_message(f.feed[1], &one);
	send_message(f.feed[1], &two);
	send_message(f.feed[1], &holders);
	process_table_poll(f.table);
	assert_true(process_table_owner(f.table, &named, 0, &o));
	assert_string_equal(o.process->name, "one");
	assert_true(o.candidate);
	assert_int_equal(o.num_others, 1);
	assert_string_equal(o.others[0]->name, "two");
	end(&f);
}

/* Facts that do not come are not waited for again and again; the process is known by its id. */
static void test_late(void **state)
{
	const struct event_owner named = { .sender_pid = 9, .sender_start_ns = 90 };
	struct fixture f;
	struct owner o;

	(void)state;
	begin(&f);
	assert_true(process_table_owner(f.table, &named, 0, &o));
	assert_int_equal(o.process->key.pid, 9);
	assert_string_equal(o.process->name, "");
	assert_int_equal(process_table_counters(f.table)->late, 1);
	end(&f);
}

static void test_nobody(void **state)
{
	const struct event_owner named = { 0 };
	struct process_table *t = process_table_new(&limits, -1);
	struct owner o;

	(void)state;
	assert_false(process_table_owner(t, &named, 0, &o));
	assert_null(o.process);
	process_table_free(t);
}

/* Rows keep what they point to, also when a process has become another program. */
static void test_exec(void **state)
{
	struct process before = { .key = { .pid = 7, .start_ns = 70 }, .name = "sh" }, after = before;
	struct process_table *t = process_table_new(&limits, -1);
	const struct process *kept;

	(void)state;
	kept = process_table_add(t, &before);
	assert_ptr_equal(process_table_add(t, &before), kept);
	strcpy(after.name, "server");
	assert_ptr_not_equal(process_table_add(t, &after), kept);
	assert_string_equal(kept->name, "sh");
	assert_string_equal(process_table_find(t, &before.key)->name, "server");
	process_table_free(t);
}

static void test_limit(void **state)
{
	const struct process_table_limits two = { .processes = 2 };
	struct process_table *t = process_table_new(&two, -1);
	struct process p = { 0 };

	(void)state;
	for (p.key.pid = 1; p.key.pid <= 5; p.key.pid++)
		process_table_add(t, &p);
	assert_int_equal(process_table_counters(t)->processes, 2);
	assert_int_equal(process_table_counters(t)->refused, 3);
	process_table_free(t);
}

/* Whoever sends is not trusted with lengths or ends. */
static void test_hostile(void **state)
{
	struct feed_message m;
	struct fixture f;

	(void)state;
	begin(&f);
	memset(&m, 0xff, sizeof(m));
	m.kind = FEED_HOLDERS;
	send_message(f.feed[1], &m);
	m.kind = FEED_PROCESS;
	send_message(f.feed[1], &m);
	m.kind = 77;
	send_message(f.feed[1], &m);
	assert_int_equal(write(f.feed[1], "short", 5), 5);
	process_table_poll(f.table);
	assert_int_equal(process_table_counters(f.table)->processes, 1);
	assert_int_equal(strlen(process_table_find(f.table, &m.process.key)->name),
			 sizeof(m.process.name) - 1);
	end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_named), cmocka_unit_test(test_candidates), cmocka_unit_test(test_late),
		cmocka_unit_test(test_nobody), cmocka_unit_test(test_exec), cmocka_unit_test(test_limit),
		cmocka_unit_test(test_hostile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
