/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's part of socket ownership: loads it, finds the owners of sockets that are older than it, and tells the
 * worker about each process that the kernel announces. The monitor's; it reads no packet byte.
 */
#ifndef CERTTAP_OWNERS_H
#define CERTTAP_OWNERS_H

#include <stddef.h>
#include <stdint.h>

#include "bpf/owner_event.h"

struct owners;

/* What attach_open() needs, to have the packets' programs ask whose they are. */
struct owners_share {
	int sockets_fd;                  /* the map of owners */
	struct owner_offsets offsets;
};

/*
 * Loads, attaches and finds. The caller frees with owners_free(), which detaches. Needs CAP_BPF, CAP_PERFMON and the
 * kernel's BTF. On failure returns a negative errno with a line in `why`: rows have no owners then.
 */
int owners_open(struct owners **out, char *why, size_t why_size);
void owners_free(struct owners *o);

void owners_share(const struct owners *o, struct owners_share *out);

/* One pass over all descriptors of all processes: done at the opening, and once more when it begins to follow. */
int owners_look(struct owners *o);

/*
 * Follows the ring of announcements (attach_announcements_fd()). Sockets that came between the first look and
 * the programs are looked for once more. Returns 0 or a negative errno.
 */
int owners_follow(struct owners *o, int announcements_fd);

/* In the monitor, which has a child look at the processes: readable when there is something for owners_poll() to do. */
int owners_fd(const struct owners *o);
void owners_poll(void *owners);

/* In the worker: closes all but the end of the feed that is returned. */
int owners_close_in_worker(struct owners *o);

struct owners_counters {
	uint64_t sockets;                /* found at the start */
	uint64_t processes;              /* told about */
	uint64_t gone;                   /* of these, ended before they could be looked at */
	uint64_t unsent;                 /* the worker did not take it */
};

const struct owners_counters *owners_counters(const struct owners *o);

#endif
