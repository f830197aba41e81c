/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two processes: the monitor keeps the capabilities, and what it has attached, and reads no packet byte; the
 * worker, its child, reads them all and has given up every power (sandbox.h).
 */
#ifndef CERTTAP_MONITOR_H
#define CERTTAP_MONITOR_H

#include <stdbool.h>

#include "userspace/screen/screen_guard.h"

#include "userspace/sandbox/sandbox.h"

/*
 * The worker's main function, run in the child. It returns the exit code. When the monitor dies, the worker is
 * sent SIGTERM.
 */
typedef int worker_fn(void *context);

/* What the monitor does beside waiting: `ready` is called whenever `fd` is readable. */
#define MONITOR_WATCHES_MAX 4

struct monitor_watch {
	int fd;
	void (*ready)(void *context);
	void *context;
	enum sandbox_reach reach;    /* what it takes */
	const bool *over;            /* set by `ready`: nothing is left to be observed; NULL: never */
};

/*
 * Runs `work` in a child and waits for it. SIGINT, SIGTERM and SIGUSR1 that reach the monitor are passed on.
 * With `screen` (or NULL) the worker draws on this terminal: the monitor then stops and goes on with it (Ctrl-Z), and closes
 * `screen` when it is gone.
 * Where a watch says that all is over, the worker is sent SIGTERM, and the result is 1 at least.
 * At most MONITOR_WATCHES_MAX watches; the monitor keeps the power that they need. Returns the worker's exit code, or 1 after a line on stderr when it was killed or could not be made.
 */
int monitor_run(worker_fn *work, void *context, const struct monitor_watch *watches, unsigned int num_watches,
		struct screen_guard *screen);

#endif
