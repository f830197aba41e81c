/* SPDX-License-Identifier: Apache-2.0 */
/* What live.c (the monitor's part: opens and attaches) and live_worker.c (reads, and tells) share. */
#ifndef CERTTAP_LIVE_PARTS_H
#define CERTTAP_LIVE_PARTS_H

#include "userspace/attach.h"
#include "userspace/capture_writer.h"
#include "userspace/keys.h"
#include "userspace/live.h"
#include "userspace/owners.h"
#include "userspace/pem.h"
#include "userspace/probes.h"
#include "userspace/process_table.h"
#include "userspace/reporter.h"
#include "userspace/screen.h"
#include "userspace/source.h"
#include "userspace/store_setup.h"
#include "userspace/unopened.h"

#define EXIT_FAILED 1

struct live {
	struct options options;
	struct attach *attach;       /* NULL: libpcap */
	struct owners *owners;       /* NULL: nobody tells whose sockets they are */
	struct process_table *processes; /* likewise; the worker's */
	struct probes *probes;       /* NULL: no secrets are caught */
	struct probes_options probes_options;
	struct unopened *unopened;   /* what they would open; NULL: they are there, or there are no owners */
	struct source *sources[INTERFACES_MAX + 1];
	unsigned int num_sources;
	struct pem_writer pem;
	struct store_setup store;
	struct capture_writer *writer;   /* NULL: no packets are kept */
	struct reporter reporter;
	struct screen_guard guard;   /* where `on_screen`: a table that refreshes in place, not lines */
	bool on_screen;
	struct screen *screen;       /* the worker's, while it observes; NULL: none */
	struct pipeline *pipeline;
	struct keys *keys;           /* NULL: none were named */
	const struct live_follower *follower;        /* NULL: none */
	uint64_t end_ns;             /* monotonic; 0: no end */
};

/* The worker's main function; `context` is a struct live. */
int live_work(void *context);

#endif
