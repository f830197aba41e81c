/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel side's loader and its attachments: the monitor's part. It never reads a packet byte.
 *
 * A ladder, tried by doing and never by kernel version:
 *   this host:     cgroup_skb ingress + egress on the root of cgroup v2
 *   an interface:  TCX, else clsact (egress only on loopback)
 * Nothing is pinned: when this process ends, however it ends, the kernel lets go of all of it; only a
 * clsact filter stays, which the next start cleans (attach_clean_leftovers()).
 *
 * attach.c loads and coordinates; attach_cgroup.c and attach_tc.c are its hooks, attach_leftovers.c cleans up.
 * CERTTAP_LIBBPF_DEBUG in the environment lets libbpf print its own messages.
 */
#ifndef CERTTAP_ATTACH_H
#define CERTTAP_ATTACH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/event.h"

struct owners_share;

enum attach_rung { ATTACH_CGROUP, ATTACH_TCX, ATTACH_CLSACT, ATTACH_NUM_RUNGS };

/* "cgroup", "tcx", "clsact" */
const char *attach_rung_name(enum attach_rung rung);

struct attach_options {
	const char *const *interfaces;   /* none: this host, by cgroup */
	unsigned int num_interfaces;
	uint32_t ring_bytes;             /* a power of two; default 16 MiB */
	uint32_t server_budget;          /* bytes forwarded per direction; default 256 KiB */
	uint32_t client_budget;          /* default 64 KiB */
	uint32_t server_protected;       /* of TLS 1.3's protected flight; 0, the default, without keys */
	uint32_t client_protected;
	uint32_t max_flows;              /* entries of the kernel's flow table; default 65,536 */
	uint32_t max_tunnels;            /* interfaces: inside each other, up to EVENT_TUNNELS_MAX; default 4 */
	bool without_tcx;                /* interfaces: begin the ladder at clsact */
	const struct owners_share *owners; /* whose sockets; NULL: events tell no owner */
};

#define ATTACH_OPTIONS_DEFAULT { .ring_bytes = 16u << 20, .server_budget = 256u << 10, \
				 .client_budget = 64u << 10, .max_flows = 65536, .max_tunnels = 4 }

struct attach;

/*
 * Loads and attaches. On success the caller frees with attach_free(), which detaches everything.
 * On failure returns a negative errno, nothing stays behind, and `why` holds what is missing and how to
 * get it, in one or two lines for a person. When a rung was passed over for a lower one,
 * attach_note() says so.
 */
int attach_open(const struct attach_options *options, struct attach **out, char *why,
		size_t why_size);
void attach_free(struct attach *a);

/* "" or one line: which rung was missing and why. */
const char *attach_note(const struct attach *a);
/* The rung in use for interface `i` (or for this host, i = 0). */
enum attach_rung attach_rung(const struct attach *a, unsigned int i);

int attach_ring_fd(const struct attach *a);
/* With owners: the ring in which processes are announced, for the monitor. */
int attach_announcements_fd(const struct attach *a);
/* Shared with the kernel; `*num` lines, to be summed. Stays valid in a child made by fork(). */
const struct event_counters *attach_counters(const struct attach *a, unsigned int *num);

/*
 * In a child made by fork(), which must not hold what is attached: closes every descriptor but the ring's. Only
 * _exit() may end that child; `a` is of no use to it any more, but for names.
 */
void attach_close_in_worker(struct attach *a);

/* Removes clsact filters of ours that a killed certtap left behind; returns how many. */
int attach_clean_leftovers(void);

/*
 * For `certtap doctor`: tries one rung for real and takes it down again. Returns 0 if it works, else
 * a negative errno with the reason and remedy in `why`.
 */
int attach_try(enum attach_rung rung, char *why, size_t why_size);

#endif
