/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Whose packet: the owner of its socket, and who sends by it, at the moment a handshake goes up.
 *
 * The sender is the process that runs, but only when it holds the socket's lock: then this is its own call, or what
 * its call left to be done at its end. In a softirq the lock is not held, and whoever runs has nothing to do with it.
 * The kernel's fields are read at offsets that user space took from BTF, so that this loads without BTF too.
 */
#ifndef CERTTAP_OWNER_BPF_H
#define CERTTAP_OWNER_BPF_H

#include <linux/in.h>

#include "bpf/event.h"
#include "bpf/owner_maps.bpf.h"

const volatile _Bool has_owners;
const volatile struct owner_offsets offsets;

/* Who was told of already: by process, and by socket where its maker was only found. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, struct process_id);
	__type(value, __u64);        /* the first letters of its name: exec() changes it */
} announced SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 256 << 10);
} announcements SEC(".maps");

#define ANNOUNCED_SOCKET 0xffffffff  /* in process_id.pad: start_ns is a cookie */

/* Where the ring has no room, the next handshake tries again. */
static __always_inline void announce(const struct process_id *id, const char name[PROCESS_NAME_LEN], __u64 cookie,
				     const struct process_id *key, __u64 value)
{
	struct announcement *a = bpf_ringbuf_reserve(&announcements, sizeof(*a), 0);

	if (!a)
		return;
	a->process = *id;
	a->found_cookie = cookie;
	__builtin_memcpy(a->name, name, PROCESS_NAME_LEN);
	bpf_ringbuf_submit(a, BPF_RB_FORCE_WAKEUP);
	bpf_map_update_elem(&announced, key, &value, BPF_ANY);
}

/* `renamed`: the name is the one of this moment, and a new one is news. */
static __always_inline void announce_process(const struct process_id *id, const char name[PROCESS_NAME_LEN],
					     _Bool renamed)
{
	__u64 begin = *(const __u64 *)name, *known = bpf_map_lookup_elem(&announced, id);

	if (known && (!renamed || *known == begin))
		return;
	announce(id, name, 0, id, begin);
}

static __always_inline void announce_found(const struct socket_owner *o)
{
	struct process_id key = { .pad = ANNOUNCED_SOCKET, .start_ns = o->cookie };

	if (bpf_map_lookup_elem(&announced, &key))
		return;
	announce(&o->maker, o->name, o->cookie, &key, 1);
}

/* The process that runs; false where the kernel does not let itself be read. */
static __always_inline _Bool running_process(struct process_id *id, char name[PROCESS_NAME_LEN])
{
	__u64 task = bpf_get_current_task(), leader;

	id->pad = 0;
	return !bpf_probe_read_kernel(&leader, sizeof(leader), (void *)(task + offsets.task_leader)) &&
	       !bpf_probe_read_kernel(&id->pid, sizeof(id->pid), (void *)(leader + offsets.task_tgid)) &&
	       !bpf_probe_read_kernel(&id->start_ns, sizeof(id->start_ns), (void *)(leader + offsets.task_start)) &&
	       !bpf_probe_read_kernel(name, PROCESS_NAME_LEN, (void *)(leader + offsets.task_name)) && id->pid;
}

static __always_inline _Bool is_held_by_caller(struct bpf_sock *sk)
{
	struct tcp_sock *tcp;
	__u32 owned = 0;

	/* UDP is sent by who calls, if by anyone. */
	if (sk->protocol == IPPROTO_UDP)
		return 1;
	tcp = bpf_skc_to_tcp_sock(sk);
	return tcp && !bpf_probe_read_kernel(&owned, sizeof(owned), (void *)tcp + offsets.sock_owned) && owned == 1;
}

static __always_inline void take_maker(struct bpf_sock *sk, struct event_owner *out)
{
	struct socket_owner *o = bpf_sk_storage_get(&socket_owners, sk, 0, 0);

	if (!o)
		return;
	out->maker_pid = o->maker.pid;
	out->maker_start_ns = o->maker.start_ns;
	out->listen_ns = o->listen_ns;
	out->cookie = o->cookie;
	out->found = o->found;
	announce_process(&o->maker, o->name, 0);
	if (o->found)
		announce_found(o);
}

/* Of the end whose socket this hook sees: the sender's on its way out, the receiver's on its way in. */
__noinline int take_owner(struct __sk_buff *skb, struct event *head, int egress)
{
	struct process_id id = { 0 };
	char name[PROCESS_NAME_LEN] __attribute__((aligned(8))) = { 0 };
	struct bpf_sock *sk;

	if (!head || !has_owners)
		return 0;
	sk = skb->sk;
	if (!sk)
		return 0;
	sk = bpf_sk_fullsock(sk);
	if (!sk)
		return 0;
	take_maker(sk, &head->owner);
	if (!egress || !is_held_by_caller(sk) || !running_process(&id, name))
		return 0;
	head->owner.sender_pid = id.pid;
	head->owner.sender_start_ns = id.start_ns;
	announce_process(&id, name, 1);
	return 0;
}

#endif
