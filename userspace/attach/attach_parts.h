/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What attach.c coordinates: the hooks, one kind a file. Private to attach*.c.
 */
#ifndef CERTTAP_ATTACH_PARTS_H
#define CERTTAP_ATTACH_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Kernel-visible names of our programs begin so: leftovers are known by it. */
#define ATTACH_PROGRAM_PREFIX "certtap_"

/*
 * The root of cgroup v2, as an open directory: found in /proc/self/mountinfo, else mounted
 * without a place in any mount namespace. Returns the descriptor or a negative errno with `why`.
 * `*whole` is false where only a part of the host's tree is visible (in a container).
 */
int attach_cgroup_root(bool *whole, char *why, size_t why_size);

/* Where an interface's packets are to be caught. */
struct attach_device {
	char name[16];
	int ifindex;
	bool loopback;      /* egress only: what goes in came out before */
	bool has_ethernet;  /* packets begin with an Ethernet header, else with IP */
};

/* Returns 0 or a negative errno with `why`. */
int attach_device_find(const char *name, struct attach_device *out, char *why, size_t why_size);

/* Our filters at one clsact qdisc. */
struct attach_clsact {
	int ifindex;
	bool qdisc_is_ours;
	uint32_t handle;
	uint32_t ingress_priority, egress_priority;   /* 0: not attached */
};

/* A link descriptor, or a negative errno. Before all other programs of the hook. */
int attach_tcx(int prog_fd, int ifindex, bool ingress);

/* in_fd is -1 where ingress is not wanted. Returns 0 or a negative errno; then nothing stays. */
int attach_clsact(int in_fd, int out_fd, int ifindex, struct attach_clsact *out);
/* Removes our filters; the qdisc only if we made it and nobody else uses it. */
void attach_clsact_detach(struct attach_clsact *c);

/*
 * A filter's handle tells, even after a crash, which process it belongs to and whether the qdisc was
 * made for it: bit 31 made, bits 22 to 30 from the process's start time, bits 0 to 21 its pid.
 */
uint32_t attach_handle_make(bool qdisc_is_ours);
bool attach_handle_made_qdisc(uint32_t handle);
/* Does the process that made this handle still run? */
bool attach_handle_alive(uint32_t handle);

/* One filter as found by a dump. */
struct attach_filter {
	uint32_t handle;
	uint32_t priority;
	bool ours;          /* a bpf filter, named with ATTACH_PROGRAM_PREFIX */
};

/*
 * The filters of one side of a clsact qdisc. Returns how many there are (of which `out` holds at most
 * `max`), or a negative errno; 0 where there is no such qdisc.
 */
int attach_filters_list(int ifindex, bool ingress, struct attach_filter *out, unsigned int max);

#endif
