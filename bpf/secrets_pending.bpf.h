/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * From "this thread is about to derive a wanted secret" to its bytes in the ring.
 *
 * A probe stands at the beginning of a function, where the result is not there yet. So it notes the
 * place where the result will be, and a later probe on the same thread reads it: only at the moment
 * when the library uses exactly this place as the key of a following derivation. So the bytes are the
 * secret and nothing else; a place that is written to again, or not used soon, is forgotten unread.
 * (rustls moves its secrets about before it uses them. There the place is read at the very return of
 * the function that has filled it, told by the stack pointer; the next derivation forgets it.)
 */
#ifndef CERTTAP_SECRETS_PENDING_BPF_H
#define CERTTAP_SECRETS_PENDING_BPF_H

#include "bpf/listed.bpf.h"
#include "bpf/secrets_args.bpf.h"

#define HASH_LEN_SHORT 32
#define HASH_LEN_LONG 48
#define PATIENCE_NS 2000000000ULL   /* wolfSSL, the slowest, is done within a few derivations */
#define PATIENCE_CALLS 16
#define CLIENT_BIT (1ULL << 63)     /* of a thread's id: no tgid is that large */

/* Settings, written between open and load. */
const volatile _Bool want_client;    /* "c hs traffic" too */
const volatile _Bool only_listed;    /* processes in `listed`, else all */
const volatile __u32 ring_wake = 128 << 10;   /* unread bytes at which the reader is woken */
const volatile __u32 wipe_len = (64 << 10) - SECRET_WIPE_HEADER;   /* a quarter of the ring, with its header */

struct secret_counters counters[SECRET_CPUS_MAX] __attribute__((aligned(128)));

#define count(field)                                                                           \
	__sync_fetch_and_add(                                                                  \
		&counters[bpf_get_smp_processor_id() & (SECRET_CPUS_MAX - 1)].field, 1)

struct pending {
	__u64 thread;      /* its key again: the LRU may have given the place to another thread */
	__u64 out;         /* where the secret will be; 0: not known yet */
	__u64 context;     /* the library's object where two probes work together */
	__u64 time_ns;
	__u8 label;        /* enum secret_label */
	__u8 hook;
	__u8 len;          /* of the secret and of the hash */
	__u8 calls_left;
	__u32 pad;
	__u8 join_key[SECRET_LEN_MAX];
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, __u64);
	__type(value, struct pending);
} pending SEC(".maps");

/*
 * Small, since a secret stays in it until it is overwritten: user space may only read a ring's pages.
 */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 256 << 10);
} secrets SEC(".maps");

/*
 * The filter in front of that table: how many derivations of the threads that fall into a bucket are
 * pending. Nearly every call finds 0. What the LRU drops leaves its count behind: that costs a look-up.
 */
#define BUCKETS 4096

__u32 bucket_pending[BUCKETS];

static __always_inline __u32 *bucket_of_thread(void)
{
	return &bucket_pending[(__u32)bpf_get_current_pid_tgid() & (BUCKETS - 1)];
}

static __always_inline _Bool is_hash_len(__u64 len)
{
	return len == HASH_LEN_SHORT || len == HASH_LEN_LONG;
}

/* The verifier wants to see the length as a number. */
static __always_inline long read_hash(__u8 to[SECRET_LEN_MAX], __u32 len, __u64 from)
{
	if (len == HASH_LEN_LONG)
		return read_user(to, HASH_LEN_LONG, from);
	return read_user(to, HASH_LEN_SHORT, from);
}

static __always_inline __u64 thread_of(__u8 label)
{
	return bpf_get_current_pid_tgid() | (label == SECRET_CLIENT_HANDSHAKE ? CLIENT_BIT : 0);
}

static __always_inline struct pending *pending_of(__u8 label)
{
	__u64 thread;

	if ((label == SECRET_CLIENT_HANDSHAKE && !want_client) || !*bucket_of_thread())
		return NULL;
	thread = thread_of(label);
	return bpf_map_lookup_elem(&pending, &thread);
}

static __always_inline void forget(__u8 label)
{
	__u64 thread = thread_of(label);

	if (!bpf_map_delete_elem(&pending, &thread))
		__sync_fetch_and_add(bucket_of_thread(), -1);
}

/* False: the map refused. */
static __always_inline _Bool enter(const struct pending *p)
{
	if (!bpf_map_update_elem(&pending, &p->thread, p, BPF_NOEXIST)) {
		__sync_fetch_and_add(bucket_of_thread(), 1);
		return 1;
	}
	return !bpf_map_update_elem(&pending, &p->thread, p, BPF_EXIST);
}

static __always_inline _Bool is_listed(void)
{
	__u32 tgid = bpf_get_current_pid_tgid() >> 32;

	return !only_listed || bpf_map_lookup_elem(&listed, &tgid);
}

/* The reader comes by on its own timer; to wake it for each one would cost more than all the rest. */
static __always_inline __u64 wakeup(void)
{
	if (bpf_ringbuf_query(&secrets, BPF_RB_AVAIL_DATA) > ring_wake)
		return BPF_RB_FORCE_WAKEUP;
	return BPF_RB_NO_WAKEUP;
}

/*
 * What was read goes up. It is read before there is a record for it: the read may wait for a page for as long as
 * the process likes, and the reader cannot pass a record that is being filled.
 */
static __always_inline void send(const struct secret_event *read)
{
	struct secret_event *e = bpf_ringbuf_reserve(&secrets, sizeof(*e), 0);

	if (!e) {
		count(lost);
		return;
	}
	__builtin_memcpy(e, read, sizeof(*e));
	e->version = SECRET_VERSION;
	e->tgid = bpf_get_current_pid_tgid() >> 32;
	e->time_ns = bpf_ktime_get_ns();
	bpf_ringbuf_submit(e, wakeup());
	count(caught);
}

/* The one place where a noted secret is read; the caller has checked `out`. */
static __always_inline void take(const struct pending *p, __u64 out, __u8 label, __u8 len)
{
	struct secret_event e = { .label = label, .hook = p->hook, .join = SECRET_JOIN_TRANSCRIPT, .join_len = len,
				  .secret_len = len };

	__builtin_memcpy(e.join_key, p->join_key, sizeof(e.join_key));
	if (read_hash(e.secret, len, out))
		count(unreadable);
	else
		send(&e);
}

/* Notes a derivation that the caller has recognised and whose hash it has put into `p`. */
static __always_inline void remember(struct pending *p, __u8 label, __u8 hook, __u32 len)
{
	count(wanted);
	if (!is_listed()) {
		count(unlisted);
		return;
	}
	p->thread = thread_of(label);
	p->time_ns = bpf_ktime_get_ns();
	p->label = label;
	p->hook = hook;
	p->len = len;
	p->calls_left = PATIENCE_CALLS;
	p->pad = 0;
	if (!enter(p))
		count(lost);
}

/*
 * The thread calls again: `used` says that it now uses the noted place as a key, [out, out + out_len)
 * is what it will write to.
 */
static __noinline void settle(struct pending *p, _Bool used, __u64 out, __u64 out_len)
{
	__u64 thread = p->thread, at = p->out;
	__u8 label = p->label, len = p->len, calls_left = p->calls_left;
	_Bool fresh = bpf_ktime_get_ns() - p->time_ns < PATIENCE_NS;

	if (thread != thread_of(label))
		return;
	if (used && at && fresh) {
		take(p, at, label, len);
	} else if (!used && fresh && calls_left > 1 && (out + out_len <= at || at + len <= out)) {
		p->calls_left = calls_left - 1;
		return;
	} else {
		count(unused);
	}
	forget(label);
}

static __always_inline void settle_key_of(__u8 label, __u64 key, __u64 out, __u64 out_len)
{
	struct pending *p = pending_of(label);

	if (p)
		settle(p, key && key == p->out, out, out_len);
}

/* The same for functions that tell the place of their key. */
static __always_inline void settle_key(__u64 key, __u64 out, __u64 out_len)
{
	settle_key_of(SECRET_SERVER_HANDSHAKE, key, out, out_len);
	settle_key_of(SECRET_CLIENT_HANDSHAKE, key, out, out_len);
}

#endif
