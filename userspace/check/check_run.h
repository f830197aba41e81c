/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the facts come from: a store, capture files, or live traffic. Each ends in one store that is judged. The work
 * is done in a confined child, so that whatever a certificate may do to it, the answer is never taken for a good one.
 */
#ifndef CERTTAP_CHECK_RUN_H
#define CERTTAP_CHECK_RUN_H

#include "userspace/check/check_asked.h"
#include "userspace/check/check_gate.h"
#include "userspace/store_setup.h"

struct check_run {
	struct options options;
	struct check_asked asked;
	struct check_gate gate;
	bool watch;
	struct store_setup setup;        /* captures */
	struct store *store;
	struct check_findings findings;  /* of the last judging */
	bool judged;
	char problems[4][512];           /* why something could not be told */
	unsigned int num_problems;
};

/* Each returns the exit code. */
int check_run_store(struct check_run *r);
int check_run_captures(struct check_run *r);
int check_run_live(struct check_run *r);

#endif
