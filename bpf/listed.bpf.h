/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * --secrets=PATTERN: which processes may be looked at.
 */
#ifndef CERTTAP_LISTED_BPF_H
#define CERTTAP_LISTED_BPF_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

/* Processes (tgid) that may be looked at. User space enters them, listed.bpf.c their children. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u32);
	__type(value, __u8);
} listed SEC(".maps");

#endif
