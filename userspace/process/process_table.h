/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The worker's processes: each once, with its facts, for as long as the worker runs; and what the kernel said of a
 * packet's owner made into those.
 */
#ifndef CERTTAP_PROCESS_TABLE_H
#define CERTTAP_PROCESS_TABLE_H

#include "bpf/event.h"
#include "userspace/process/owner.h"

struct process_table_limits {
	uint32_t processes;              /* default 16,384 */
};

#define PROCESS_TABLE_LIMITS_DEFAULT { .processes = 16384 }

struct process_table_counters {
	uint64_t processes;
	uint64_t refused;                /* over the limit: their rows have no owner */
	uint64_t late;                   /* facts that had not come in time: the row has the process id alone */
};

struct process_table;

/* `feed` is the worker's end of process_feed.h, borrowed; -1: none. NULL: no memory. */
struct process_table *process_table_new(const struct process_table_limits *limits, int feed);
void process_table_free(struct process_table *t);

/* Takes in what the monitor has sent by now. */
void process_table_poll(struct process_table *t);

/*
 * The owner that the kernel names. Facts that are still on their way are waited for, some milliseconds at most. False: the
 * kernel named none.
 */
bool process_table_owner(struct process_table *t, const struct event_owner *named, int64_t wall_offset_ns,
			 struct owner *out);

/* By its key; NULL: not known. What it points to stays until process_table_free(). */
const struct process *process_table_find(const struct process_table *t, const struct process_key *key);
/* Keeps a copy; another with the same key replaces it for those who look later. */
const struct process *process_table_add(struct process_table *t, const struct process *process);

const struct process_table_counters *process_table_counters(const struct process_table *t);

#endif
