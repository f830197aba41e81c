/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * --secrets=PATTERN: which processes may be looked at.
 */
#ifndef CERTTAP_LISTED_BPF_H
#define CERTTAP_LISTED_BPF_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

/*
 * Processes (tgid) that may be looked at. User space enters them, listed.bpf.c their children. Its memory
 * is there from the start, some 5 MB: at a fork none may be had. Where all processes are, it has one place.
 */
#define LISTED_MAX 65536
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, LISTED_MAX);
	__type(key, __u32);
	__type(value, __u8);
} listed SEC(".maps");

#endif
