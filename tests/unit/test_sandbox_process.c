/* SPDX-License-Identifier: Apache-2.0 */
/* The sandbox as the kernel tells it: ids, capabilities, limits, the directory, the parent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "tests/unit/sandbox_child.h"

/* --- what the kernel says of it --- */

/* The value of one line of /proc/self/status, from the descriptor opened before. */
static bool status_is(const char *status, const char *name, const char *value)
{
	const char *line = strstr(status, name);
	size_t len = strcspn(line ? line : "", "\n");

	if (!line || len < strlen(name) + strlen(value) ||
	    strncmp(line + len - strlen(value), value, strlen(value)) != 0) {
		fprintf(stderr, "# %.*s, expected ...%s\n", (int)len, line ? line : name, value);
		return false;
	}
	return true;
}

static int look_at_status(const struct child *c)
{
	static const char *const expected[][2] = {
		{ "CapInh:", "\t0000000000000000" }, { "CapPrm:", "\t0000000000000000" },
		{ "CapEff:", "\t0000000000000000" }, { "CapBnd:", "\t0000000000000000" },
		{ "CapAmb:", "\t0000000000000000" }, { "NoNewPrivs:", "\t1" },
		{ "Seccomp:", "\t2" },
	};
	bool root = c->uid == 0 && c->changes, fine = true;
	char text[8192];
	ssize_t len = pread(c->fd, text, sizeof(text) - 1, 0);

	if (len <= 0)
		return WRONG;
	text[len] = '\0';
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++)
		if (root || strcmp(expected[i][0], "CapBnd:") != 0)   /* only root may empty it */
			fine &= status_is(text, expected[i][0], expected[i][1]);
	if (root && c->options.write_dir_fd < 0)
		fine &= status_is(text, "Uid:", "\t65534\t65534\t65534\t65534") &&
			status_is(text, "Groups:", "\t ");
	return fine ? FINE : WRONG;
}

/* It is the child that opens its own /proc/self/status, before the sandbox. */
static int run_status(uid_t uid, int write_dir_fd)
{
	struct child c = { .options = { .write_dir_fd = write_dir_fd, .store_dir_fd = -1 }, .uid = uid,
			   .changes = may_change_uid() };
	char why[256];
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		if (become(uid) != 0)
			_exit(NOT_ENTERED);
		c.fd = open("/proc/self/status", O_RDONLY);
		if (sandbox_enter(&c.options, why, sizeof(why)) != 0)
			_exit(NOT_ENTERED);
		_exit(look_at_status(&c));
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void root_is_nobody(void **state)
{
	(void)state;
	if (!may_change_uid())
		skip();
	assert_exits(run_status(0, -1), FINE);
}

static void others_lose_the_rest(void **state)
{
	(void)state;
	assert_exits(run_status(may_change_uid() ? 12345 : geteuid(), -1), FINE);
}

static int stay(const struct child *c)
{
	char byte = 'r';

	if (write(c->fd, &byte, 1) != 1)
		return WRONG;
	for (;;)
		pause();
}

/* What a process that may not be dumped has in /proc belongs to root, not to its uid. */
static void is_not_dumpable(void **state)
{
	uid_t uid = may_change_uid() ? 12345 : geteuid();
	char path[64], why[256], byte;
	struct stat st;
	int ends[2];
	pid_t pid;

	(void)state;
	if (SANDBOX_SANITIZED || uid == 0)
		skip();
	assert_int_equal(pipe(ends), 0);
	pid = fork();
	if (pid == 0) {
		struct child c = { .options = SANDBOX_OPTIONS_DEFAULT, .fd = ends[1] };

		if (setresuid(uid, uid, uid) != 0 || sandbox_enter(&c.options, why, sizeof(why)) != 0)
			_exit(NOT_ENTERED);
		_exit(stay(&c));
	}
	close(ends[1]);
	assert_int_equal(read(ends[0], &byte, 1), 1);
	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	assert_int_equal(stat(path, &st), 0);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	close(ends[0]);
	assert_int_not_equal(st.st_uid, uid);
}

static int look_at_limits(const struct child *c)
{
	struct rlimit core, files, processes;

	if (getrlimit(RLIMIT_CORE, &core) != 0 || getrlimit(RLIMIT_NOFILE, &files) != 0 ||
	    getrlimit(RLIMIT_NPROC, &processes) != 0)
		return WRONG;
	if (!SANDBOX_SANITIZED && processes.rlim_max != 0)
		return WRONG;
	return core.rlim_max == 0 && files.rlim_max <= (rlim_t)c->fd + 16 ? FINE : WRONG;
}

static void limits_are_low(void **state)
{
	int highest = fcntl(STDERR_FILENO, F_DUPFD, 500);

	(void)state;
	assert_true(highest >= 500);
	assert_exits(run(CHILD(.act = look_at_limits, .fd = highest)), FINE);
	close(highest);
}

/* --- the monitor --- */

/* CAP_KILL 5, CAP_NET_ADMIN 12, CAP_PERFMON 38, CAP_BPF 39: no others, and of these what it had. */
#define MONITOR_CAPABILITIES (1ull << 5 | 1ull << 12 | 1ull << 38 | 1ull << 39)

static unsigned long long capabilities(const char *name)
{
	char line[128];
	unsigned long long value = ~0ull;
	FILE *status = fopen("/proc/self/status", "r");

	while (status && fgets(line, sizeof(line), status))
		if (strncmp(line, name, strlen(name)) == 0)
			value = strtoull(line + strlen(name), NULL, 16);
	if (status)
		fclose(status);
	return value;
}

static int be_the_monitor(pid_t other)
{
	unsigned long long had = capabilities("CapEff:") & MONITOR_CAPABILITIES;
	char why[256];

	if (sandbox_monitor(SANDBOX_STAYS, why, sizeof(why)) != 0)
		return NOT_ENTERED;
	if (capabilities("CapEff:") != had || capabilities("CapPrm:") != had ||
	    capabilities("CapInh:") != 0 || capabilities("CapAmb:") != 0)
		return WRONG;
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1 ||
	    prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != SANDBOX_SANITIZED)
		return WRONG;
	return kill(other, SIGKILL) == 0 ? FINE : WRONG;
}

/* It must still be able to end the worker, which has become somebody else. */
static void the_monitor_keeps_what_it_needs(void **state)
{
	uid_t uid = may_change_uid() ? 12345 : geteuid();
	pid_t other = fork(), pid;
	int status = -1;

	(void)state;
	if (other == 0) {
		alarm(10);
		for (;;)
			if (become(uid) == 0)
				pause();
	}
	assert_true(other > 0);
	pid = fork();
	if (pid == 0)
		_exit(be_the_monitor(other));
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_exits(status, FINE);
	assert_int_equal(waitpid(other, &status, 0), other);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGKILL);
}

/* --- a directory to write to --- */

static int write_below(const struct child *c)
{
	int dir = c->options.write_dir_fd;
	int fd = openat(dir, "new.tmp", O_WRONLY | O_CREAT | O_EXCL, 0600);

	if (fd < 0 || write(fd, "x", 1) != 1 || fchmod(fd, 0644) != 0 || fsync(fd) != 0)
		return WRONG;
	close(fd);
	if (renameat(dir, "new.tmp", dir, "new.pem") != 0)
		return WRONG;
	fd = openat(dir, "new.pem", O_RDONLY);
	return fd >= 0 && unlinkat(dir, "new.pem", 0) == 0 ? FINE : WRONG;
}

static int write_outside(const struct child *c)
{
	int dir = c->options.write_dir_fd;

	/*
	 * The test's own folder, beside the one allowed: root without capabilities still owns it. Where
	 * the directory has become the root, ".." leads back into it; the caller looks where it went.
	 */
	openat(dir, "../outside", O_WRONLY | O_CREAT, 0600);
	if (openat(dir, "/tmp/certtap-sandbox-outside", O_WRONLY | O_CREAT, 0600) >= 0)
		return WRONG;
	if (renameat(AT_FDCWD, "a", dir, "b") == 0 || openat(AT_FDCWD, "x", O_WRONLY | O_CREAT, 0) >= 0)
		return WRONG;
	if (!SANDBOX_SANITIZED && openat(dir, "/etc/passwd", O_RDONLY) >= 0)
		return WRONG;
	return mkdirat(dir, "d", 0700) < 0 && symlinkat("/", dir, "s") < 0 ? FINE : WRONG;
}

static void in_directory(uid_t uid, int (*act)(const struct child *c))
{
	char top[] = "/tmp/certtap-sandbox-XXXXXX", path[64], outside[64];
	struct child c = { .options = SANDBOX_OPTIONS_DEFAULT, .uid = uid, .act = act };
	struct stat st;
	int status;

	assert_non_null(mkdtemp(top));
	snprintf(path, sizeof(path), "%s/pem", top);
	snprintf(outside, sizeof(outside), "%s/outside", top);
	assert_int_equal(mkdir(path, 0700), 0);
	if (uid != 0)
		assert_int_equal(chown(path, uid, uid) | chown(top, uid, uid), 0);
	c.options.write_dir_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(c.options.write_dir_fd >= 0);
	status = run(&c);
	unlinkat(c.options.write_dir_fd, "outside", 0);
	close(c.options.write_dir_fd);
	assert_int_equal(stat(outside, &st), -1);
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(rmdir(top), 0);
	assert_exits(status, FINE);
}

static void writes_below_the_directory(void **state)
{
	(void)state;
	in_directory(0, write_below);
	if (may_change_uid())
		in_directory(12345, write_below);
}

static void writes_nowhere_else(void **state)
{
	(void)state;
	in_directory(0, write_outside);
	if (may_change_uid())
		in_directory(12345, write_outside);
}

static void a_file_is_no_directory(void **state)
{
	struct sandbox_options options = { .write_dir_fd = open("/proc/self/exe", O_RDONLY), .store_dir_fd = -1 };
	char why[256] = "";

	(void)state;
	assert_int_equal(sandbox_enter(&options, why, sizeof(why)), -ENOTDIR);
	assert_non_null(strstr(why, "directory"));
	close(options.write_dir_fd);
}

/* --- the parent --- */

/* A child in the sandbox whose parent goes away must end too: its end of the pipe closes. */
static void ends_with_its_parent(void **state)
{
	char why[256], byte;
	int ends[2];
	pid_t parent;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	parent = fork();
	if (parent == 0) {
		struct child c = { .options = SANDBOX_OPTIONS_DEFAULT, .fd = ends[1] };

		if (fork() == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
			if (sandbox_enter(&c.options, why, sizeof(why)) != 0)
				_exit(NOT_ENTERED);
			_exit(stay(&c));
		}
		close(ends[1]);
		_exit(read(ends[0], &byte, 1) == 1 ? FINE : WRONG);   /* leaves the child alone */
	}
	close(ends[1]);
	assert_int_equal(waitpid(parent, NULL, 0), parent);
	alarm(10);
	assert_int_equal(read(ends[0], &byte, 1), 0);
	alarm(0);
	close(ends[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(root_is_nobody),
		cmocka_unit_test(others_lose_the_rest),
		cmocka_unit_test(is_not_dumpable),
		cmocka_unit_test(limits_are_low),
		cmocka_unit_test(the_monitor_keeps_what_it_needs),
		cmocka_unit_test(writes_below_the_directory),
		cmocka_unit_test(writes_nowhere_else),
		cmocka_unit_test(a_file_is_no_directory),
		cmocka_unit_test(ends_with_its_parent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
