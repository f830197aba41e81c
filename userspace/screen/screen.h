/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `certtap live` on a terminal: the worker's part. It draws the ledger's rows, at most four times a second and at once
 * on a key, and never waits for the terminal: what it writes goes to memory first, and from there as far as the
 * terminal takes it. Nothing new is drawn before that is out.
 */
#ifndef CERTTAP_SCREEN_H
#define CERTTAP_SCREEN_H

#include <poll.h>

#include "userspace/ledger/ledger.h"
#include "userspace/screen/screen_guard.h"

struct screen;

#define SCREEN_FDS 2             /* that screen_poll() gives */

/* What the first line tells beside the ledger's own counters. */
struct screen_totals {
	uint64_t lost;           /* pieces of handshakes, or packets, that the source lost */
};

/*
 * Takes the terminal. Before the sandbox closes: it reads terminfo and the locale. Both are borrowed. Returns 0 or a
 * negative errno. From here SIGTSTP, SIGCONT and SIGWINCH are the screen's.
 */
int screen_open(struct screen_guard *guard, const struct ledger *ledger, bool color, struct screen **out);

/* Gives the terminal back, and prints on stderr what was said meanwhile. NULL is fine. */
void screen_close(struct screen *s);

/* What to wait for. */
void screen_poll(const struct screen *s, struct pollfd fds[SCREEN_FDS]);

/* Keys, the terminal's size, stopping and going on, drawing. False: the user, or the terminal, has left. */
bool screen_turn(struct screen *s, const struct screen_totals *totals);

#endif
