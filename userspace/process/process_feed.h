/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the monitor, which may look at processes, to the worker, which may not: one way, a packet socket of messages
 * of one fixed shape. The worker asks for nothing.
 */
#ifndef CERTTAP_PROCESS_FEED_H
#define CERTTAP_PROCESS_FEED_H

#include <stddef.h>

#include "userspace/process/owner.h"

#define FEED_HOLDERS_MAX 8

enum feed_kind { FEED_PROCESS = 1, FEED_HOLDERS };

/* Processes that hold one socket, of which none was seen to make it. */
struct feed_holders {
	uint64_t cookie;
	uint32_t num;            /* of `holders`; */
	uint32_t total;          /* there may be more */
	struct process_key holders[FEED_HOLDERS_MAX];
};

struct feed_message {
	uint32_t kind;           /* enum feed_kind */
	uint32_t pad;
	union {
		struct process process;
		struct feed_holders holders;
	};
};

/* [0] is the worker's end, [1] the monitor's. Returns 0 or a negative errno. */
int process_feed_open(int fds[2]);

/* Waits a little when the worker is slow. False: it did not take it, or is gone. */
bool process_feed_send(int fd, const struct feed_message *message);

/* 1: a message; 0: none within `wait_ms`; negative errno: the monitor is gone. */
int process_feed_receive(int fd, struct feed_message *out, int wait_ms);

#endif
