// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * --secrets=PATTERN: until it executes something else a child is what its parent is. So it is
 * listed at the fork, before it runs; user space, which judges it again when it has executed
 * something, would hear of it too late for a server that makes a process for each connection. An
 * entry ends with its process, whose number may be used again.
 *
 * Looks at the numbers of processes, and at nothing else of them. A child of a process that is not
 * listed is not listed. Needs BTF, CAP_BPF and CAP_PERFMON; where it cannot be attached, children
 * are listed when user space hears of them.
 */
#include "bpf/listed.bpf.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
typedef struct {
	int counter;
} atomic_t;
struct signal_struct {
	atomic_t live;           /* threads of the process that have not ended */
};
struct task_struct {
	__s32 tgid;
	struct signal_struct *signal;
};
#pragma clang attribute pop

/* The child does not run yet. */
SEC("tp_btf/sched_process_fork")
int BPF_PROG(certtap_fork, struct task_struct *parent, struct task_struct *child)
{
	__u32 from = parent->tgid, to = child->tgid;
	__u8 one = 1;

	if (from == to)
		return 0;       /* a thread */
	if (bpf_map_lookup_elem(&listed, &from))
		bpf_map_update_elem(&listed, &to, &one, BPF_ANY);
	else
		bpf_map_delete_elem(&listed, &to);
	return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(certtap_exit, struct task_struct *task)
{
	__u32 tgid = task->tgid;

	if (!task->signal->live.counter)
		bpf_map_delete_elem(&listed, &tgid);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
