/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Without --secrets: how many of the sightings that stayed encrypted would it have opened? The worker knows the
 * sightings and the processes at their ends, and may not look at a process; the monitor may, and reads no packet. So
 * the worker asks by pid, through a pipe, and the monitor counts its verdicts in memory that both map.
 *
 * The worker never waits for an answer while it observes: where the monitor does not follow, questions are left out
 * and counted as not known.
 */
#ifndef CERTTAP_UNOPENED_H
#define CERTTAP_UNOPENED_H

#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

struct unopened;

/* Before the fork. Returns 0, and the caller frees with unopened_free() in both processes, or a negative errno. */
int unopened_open(struct unopened **out);
void unopened_free(struct unopened *u);

/* ---- the monitor: as struct monitor_watch wants it ---- */

int unopened_fd(const struct unopened *u);
/* Answers what was asked; `unopened` is a struct unopened. Reads /proc: see probes_coverage.h for what that takes. */
void unopened_ready(void *unopened);

/* ---- the worker ---- */

/* Keeps only the end that asks. */
void unopened_close_in_worker(struct unopened *u);
/* A sighting stayed encrypted; the processes at its ends, 0 where an end is not of this host or not known. */
void unopened_sighting(struct unopened *u, pid_t server, pid_t client);
/* At the end of each turn: asks. */
void unopened_flush(struct unopened *u);

/*
 * "12 sightings stayed encrypted; --secrets would have opened 9 of them", where there were any. Waits a moment for what
 * is still being answered. `u` may be NULL: nobody could be asked.
 */
void unopened_print(struct unopened *u, uint64_t encrypted, FILE *out);

#endif
