/* SPDX-License-Identifier: Apache-2.0 */
/* What owners.c (the kernel's part) and owners_tell.c (the process that looks at others) share. */
#ifndef CERTTAP_OWNERS_PARTS_H
#define CERTTAP_OWNERS_PARTS_H

#include <stdbool.h>
#include <sys/types.h>

#include "userspace/attach/owners.h"

struct owner_bpf;
struct ring_buffer;

/* In memory that the monitor and its teller both map. */
struct owners_shared {
	uint64_t busy_since_ns;          /* the teller looks at a process since then; 0: it waits */
	uint32_t busy_with;              /* its id */
	struct owners_counters counters;
};

struct owners {
	struct owner_bpf *skel;
	int create_link;                 /* of the program at sock_create; -1: none */
	struct owner_offsets offsets;
	int announcements_fd;            /* borrowed; -1: none yet */
	int feed[2];                     /* as process_feed_open() has it; -1 where closed */
	struct socket_holder *holders;   /* by cookie, then process */
	size_t num_holders, max_holders;
	struct owners_shared *shared;
	pid_t teller;                    /* 0: none runs */
	unsigned int tellers;            /* that were begun */
	int timer;                       /* when the teller is looked after */
	bool no_command_lines;           /* somebody does not let his be read */
};

/* In the monitor: sees that the teller runs, and does not hang. */
void owners_tend(struct owners *o);
void owners_tell_end(struct owners *o);

#endif
