/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A case of the sandbox tests runs in a child, since there is no way back. The child says what it
 * found by its exit status; a system call that kills shows as SIGSYS. After cmocka.h.
 */
#ifndef CERTTAP_SANDBOX_CHILD_H
#define CERTTAP_SANDBOX_CHILD_H

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "userspace/sandbox/sandbox.h"
#include "userspace/sandbox/sandbox_layers.h"

enum { FINE, WRONG = 1, NOT_ENTERED = 2 };

struct child {
	struct sandbox_options options;
	uid_t uid;                       /* to be before the sandbox; 0 as the test itself */
	int (*act)(const struct child *c);
	int fd;                          /* something opened before */
	bool changes;                    /* may_change_uid() */
};

#define CHILD(...) &(struct child){ .options = SANDBOX_OPTIONS_DEFAULT, __VA_ARGS__ }

static inline int become(uid_t uid)
{
	return uid == 0 ? 0 : setresuid(uid, uid, uid);
}

/* Root in a user namespace, or without the capability, has nobody else to be. */
static inline bool may_change_uid(void)
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0)
		_exit(setresuid(12345, 12345, 12345) == 0 && geteuid() == 12345 ? FINE : WRONG);
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return geteuid() == 0 && status == FINE;
}

/* The wait status of a child that entered the sandbox and then did act(). */
static inline int run(const struct child *c)
{
	char why[256] = "";
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		if (become(c->uid) != 0 || sandbox_enter(&c->options, why, sizeof(why)) != 0) {
			fprintf(stderr, "# not entered: %s\n", why);
			_exit(NOT_ENTERED);
		}
		_exit(c->act(c));
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static inline void assert_exits(int status, int code)
{
	if (WIFSIGNALED(status))
		fail_msg("killed by signal %d", WTERMSIG(status));
	assert_int_equal(WEXITSTATUS(status), code);
}

static inline void assert_killed(int status)
{
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGSYS);
}

#endif
