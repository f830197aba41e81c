/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is at an end of a connection: the process, and what it belongs to.
 *
 * The kernel side tells who made a socket and who sent by it; the monitor, which may read /proc, gathers the facts and
 * hands them to the worker (process_feed.h), where each process is kept once (process_table.h). Texts are bytes as the
 * kernel gave them, cut to the field, always ended by '\0'; strangers choose them, the outputs make them safe.
 */
#ifndef CERTTAP_OWNER_H
#define CERTTAP_OWNER_H

#include <stdbool.h>
#include <stdint.h>

/* A process id alone may be used again: with the time of its start it is one process. */
struct process_key {
	uint32_t pid;                    /* of the thread group, as the host counts; 0: none */
	uint32_t pad;
	uint64_t start_ns;               /* CLOCK_BOOTTIME */
};

/* Facts of one process, as they were when it was first met. "" and 0: not known. */
struct process {
	struct process_key key;
	uint64_t started_ns;             /* since 1970 */
	uint64_t netns;                  /* inode of its network namespace */
	uint32_t ppid;
	uint32_t uid;                    /* effective, as the host counts */
	bool uid_known;
	char name[16];                   /* of the thread group's leader: comm */
	char executable[256];            /* as the process itself sees it, in its container */
	char command_line[256];          /* arguments with spaces between */
	char user[33];                   /* of the host's accounts; "" in a container */
	char service[128];               /* systemd unit: "nginx.service" */
	char user_service[128];          /* unit of a user's own manager */
	char container[65];              /* id */
	char runtime[16];                /* "docker", "containerd", "cri-o", "podman", "lxc" ... */
	char pod[37];                    /* Kubernetes pod uid */
};

#define OWNER_OTHERS_MAX 4

/* One end of one sighting. All NULL: nothing is known, or the end is not on this host. */
struct owner {
	const struct process *process;   /* who sent or, where that is not known, who made the socket */
	const struct process *maker;     /* who listens or connected: may be another (prefork, socket activation) */
	const struct process *others[OWNER_OTHERS_MAX]; /* who held the socket as well when it was found */
	uint8_t num_others;
	bool candidate;                  /* `process` is one of several that it may have been */
	bool sent;                       /* `process` was seen to send: it is not just the maker */
	uint64_t listens_since_ns;       /* since 1970: the listening socket; 0: not known, or not seen to begin */
};

#endif
