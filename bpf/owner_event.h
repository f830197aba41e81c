/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the kernel side tells the monitor about sockets and processes; shared with user space as event.h is.
 */
#ifndef CERTTAP_OWNER_EVENT_H
#define CERTTAP_OWNER_EVENT_H

#include <linux/types.h>

#define PROCESS_NAME_LEN 16      /* TASK_COMM_LEN */

/* A process id may be used again; with the time its process began it is one process. */
struct process_id {
	__u32 pid;           /* of the thread group, in the initial pid namespace; 0: none */
	__u32 pad;
	__u64 start_ns;      /* CLOCK_BOOTTIME, of the group's leader */
};

/*
 * In the storage of a socket: who made it what it is. Sockets that are accepted inherit the listening one's.
 */
struct socket_owner {
	struct process_id maker;     /* called listen() or connect(); UDP: socket() */
	__u64 listen_ns;             /* CLOCK_MONOTONIC; 0: it does not listen, or began before we looked */
	__u64 cookie;                /* of the socket it was written for */
	__u32 found;                 /* the maker was not seen: this process held it when we looked */
	__u32 pad;
	char name[PROCESS_NAME_LEN];
};

/* A process at an end of a handshake, told once. Its facts are in /proc as long as it lives. */
struct announcement {
	struct process_id process;
	__u64 found_cookie;          /* not 0: others may hold this socket as well */
	char name[PROCESS_NAME_LEN];
};

/* One line of the pass over all descriptors: this process holds that socket. */
struct socket_holder {
	__u64 cookie;
	struct process_id process;
};

/* Where the kernel keeps what handshake.bpf.c reads, by BTF; all 0: not known. Bytes from the struct's begin. */
struct owner_offsets {
	__u32 sock_owned;            /* struct sock: sk_lock.owned */
	__u32 task_leader;           /* struct task_struct: group_leader, tgid, start_boottime, comm */
	__u32 task_tgid;
	__u32 task_start;
	__u32 task_name;
};

#endif
