/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What owner.bpf.c writes and handshake.bpf.c reads; user space gives both the same maps.
 */
#ifndef CERTTAP_OWNER_MAPS_BPF_H
#define CERTTAP_OWNER_MAPS_BPF_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "bpf/owner_event.h"

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC | BPF_F_CLONE);
	__type(key, int);
	__type(value, struct socket_owner);
} socket_owners SEC(".maps");

#endif
