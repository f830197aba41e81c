/* SPDX-License-Identifier: Apache-2.0 */
/* What live.c (the monitor's part: opens and attaches) and live_worker.c (reads, and tells) share. */
#ifndef CERTTAP_LIVE_PARTS_H
#define CERTTAP_LIVE_PARTS_H

#include "userspace/attach/attach.h"
#include "userspace/attach/owners.h"
#include "userspace/handshake/keys.h"
#include "userspace/live/interfaces.h"
#include "userspace/live/live.h"
#include "userspace/output/pem.h"
#include "userspace/output/reporter.h"
#include "userspace/probes/probes.h"
#include "userspace/probes/unopened.h"
#include "userspace/process/process_table.h"
#include "userspace/screen/screen.h"
#include "userspace/source/source.h"
#include "userspace/store_setup.h"
#include "userspace/write/capture_writer.h"

#define EXIT_FAILED 1

struct live {
	struct options options;
	struct attach *attach;       /* NULL: libpcap */
	struct interfaces_watch *interfaces; /* NULL: none by name, or nobody watches them */
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
