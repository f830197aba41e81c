/* SPDX-License-Identifier: Apache-2.0 */
/* --store for a command that sees traffic: from the options to a queue that the pipeline's observer fills. */
#ifndef CERTTAP_STORE_SETUP_H
#define CERTTAP_STORE_SETUP_H

#include "userspace/options.h"
#include "userspace/sandbox/sandbox.h"
#include "userspace/store/store_queue.h"

struct store_setup {
	struct store_place place;
	struct store_queue *queue;   /* NULL: nothing is kept */
	bool by_default;             /* nobody named it */
};

/*
 * Opens the folder and puts the queue in front of *observer. Nothing is done where no store was asked for; `live` as
 * root has one by default, and goes on without where that is not possible. `pem_dir_fd` (or -1) must have the same owner
 * when root gives its power up. Returns 0, or a negative errno after a line on stderr. store_setup_finish() in any case.
 */
int store_setup_prepare(struct store_setup *setup, const struct options *options, bool live, int pem_dir_fd,
			struct observer *observer);
/* What the sandbox has to leave open, and where it makes the writer. */
void store_setup_sandbox(struct store_setup *setup, struct sandbox_options *sandbox);
/* After sandbox_enter(). Returns 0, or a negative errno after a line on stderr. */
int store_setup_open(struct store_setup *setup);
/* No more records. False: something was not stored. */
bool store_setup_flush(struct store_setup *setup);
void store_setup_finish(struct store_setup *setup);

#endif
