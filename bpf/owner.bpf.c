// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Whose socket: written into the socket's own storage where somebody makes it listen or connect, which is always
 * that process's own call. Sockets that are accepted inherit it, whoever accepts them. Sockets older than this
 * program are found in one pass over all descriptors.
 *
 * Reads the kernel by CO-RE: needs BTF, CAP_BPF and CAP_PERFMON.
 */
#include "bpf/owner_maps.bpf.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

#define AF_INET 2
#define AF_INET6 10
#define SOCK_DGRAM 2
#define STATE_SYN_SENT 2
#define STATE_LISTEN 10

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct task_struct {
	struct task_struct *group_leader;
	__s32 tgid;
	__u64 start_boottime;
	char comm[PROCESS_NAME_LEN];
};
struct sock_common {
	unsigned short skc_family;
};
struct sock {
	struct sock_common __sk_common;
};
struct socket {
	struct sock *sk;
};
struct file;
struct seq_file;
struct bpf_iter_meta {
	struct seq_file *seq;
	__u64 session_id;
	__u64 seq_num;
};
struct bpf_iter__task_file {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
	__u32 fd;
	struct file *file;
};
#pragma clang attribute pop

static __always_inline void identify(struct process_id *id, struct task_struct *task)
{
	struct task_struct *leader = task->group_leader;

	id->pid = leader->tgid;
	id->pad = 0;
	id->start_ns = leader->start_boottime;
}

static __always_inline void name_of(char name[PROCESS_NAME_LEN], struct task_struct *task)
{
	bpf_probe_read_kernel(name, PROCESS_NAME_LEN, &task->group_leader->comm);
}

/* The process that runs makes this socket. */
static __always_inline void own(struct socket_owner *o, __u64 cookie, _Bool listens)
{
	struct task_struct *task = bpf_get_current_task_btf();

	identify(&o->maker, task);
	name_of(o->name, task);
	o->listen_ns = listens ? bpf_ktime_get_ns() : 0;
	o->cookie = cookie;
	o->found = 0;
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(certtap_state, struct sock *sk, int before, int now)
{
	struct socket_owner *o;

	if (now != STATE_LISTEN && now != STATE_SYN_SENT)
		return 0;
	o = bpf_sk_storage_get(&socket_owners, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	if (o)
		own(o, bpf_get_socket_cookie(sk), now == STATE_LISTEN);
	return 0;
}

/* UDP has no such states: who makes the socket owns it. */
SEC("cgroup/sock_create")
int certtap_create(struct bpf_sock *sk)
{
	struct socket_owner *o;

	if (sk->type != SOCK_DGRAM)
		return 1;
	o = bpf_sk_storage_get(&socket_owners, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	if (o)
		own(o, bpf_get_socket_cookie(sk), 0);
	return 1;
}

/* Tells who holds which socket, and owns those that nobody was seen to make. */
SEC("iter/task_file")
int certtap_holders(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	struct socket_holder holder;
	struct socket_owner *o;
	struct socket *socket;
	struct sock *sk;

	if (!task || !file)
		return 0;
	socket = bpf_sock_from_file(file);
	if (!socket)
		return 0;
	sk = socket->sk;
	if (!sk || (sk->__sk_common.skc_family != AF_INET && sk->__sk_common.skc_family != AF_INET6))
		return 0;
	holder.cookie = bpf_get_socket_cookie(sk);
	identify(&holder.process, task);
	bpf_seq_write(ctx->meta->seq, &holder, sizeof(holder));
	if (bpf_sk_storage_get(&socket_owners, sk, 0, 0))
		return 0;
	o = bpf_sk_storage_get(&socket_owners, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	if (!o)
		return 0;
	o->maker = holder.process;
	name_of(o->name, task);
	o->cookie = holder.cookie;
	o->found = 1;
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
