/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between the pipeline and the output: which of what happens becomes a line, and what is said at the end.
 */
#ifndef CERTTAP_REPORTER_H
#define CERTTAP_REPORTER_H

#include "userspace/output/output.h"
#include "userspace/pipeline/pipeline.h"

enum report_mode {
	REPORT_SUMMED,    /* read: all rows at the end */
	REPORT_EVERY,     /* each sighting, when nothing more can be learned of it */
	REPORT_NEWS,      /* live: what is new or has changed, and refusals, at once */
};

struct unopened;

struct reporter {
	struct output output;
	struct unopened *unopened;     /* is told of sightings that stayed encrypted; NULL: nobody is */
	enum report_mode mode;
	uint64_t lines, max_lines;     /* max 0: no limit */
	bool silent;                   /* a screen shows the ledger: lines are counted, and not written */
};

/* What to give pipeline_new(). */
struct observer reporter_observer(struct reporter *r);

/* --count was reached, or writing failed: stop. */
bool reporter_done(const struct reporter *r);

/* The summed rows, in REPORT_SUMMED. Returns false when writing failed. */
bool reporter_finish(struct reporter *r, const struct ledger *ledger);

/* Lines for people on stderr: what was seen, and everything that a limit refused. */
void reporter_summary(const struct pipeline *p, FILE *out);

#endif
