/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The monitor's part of the screen: it decides whether this terminal can have one, and gives the terminal back when
 * the worker, who draws, is gone without having done so.
 *
 * While the screen is on, what both processes say on a stderr that is this terminal goes through a pipe to the screen's
 * status line, and what the screen did not take is printed afterwards.
 */
#ifndef CERTTAP_SCREEN_GUARD_H
#define CERTTAP_SCREEN_GUARD_H

#include <stddef.h>
#include <stdbool.h>
#include <termios.h>

#define SCREEN_LEAVE_MAX 128

struct screen_guard {
	int tty;                 /* the terminal, for writing; what does not fit at once is refused */
	struct termios before;
	bool *on;                /* shared with the worker: the terminal is in its hands */
	char leave[SCREEN_LEAVE_MAX]; /* the sequence that leaves the alternate screen */
	int messages[2];         /* the pipe; -1: stderr is not this terminal */
	int real_stderr;
};

/*
 * Before the fork. 0: the caller ends it with screen_guard_close(). -ENOTSUP: not this terminal, `why` says why not;
 * another negative errno: something failed, likewise.
 */
int screen_guard_open(struct screen_guard *g, char *why, size_t why_size);

/* The worker is gone: the terminal is as before, stderr is stderr, and what the pipe holds is printed. */
void screen_guard_close(struct screen_guard *g);

/* Of both processes: `on` or off the screen. */
void screen_guard_redirect(const struct screen_guard *g, bool on);

#endif
