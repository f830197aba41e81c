/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What secrets.bpf.c tells user space, in a ring of its own: one record is one handshake secret of one
 * end of one connection. Fixed-width fields in the host's byte order, no pointers, no maps.
 */
#ifndef CERTTAP_SECRET_EVENT_H
#define CERTTAP_SECRET_EVENT_H

#include <linux/types.h>

#define SECRET_VERSION 1
#define SECRET_LEN_MAX 48           /* SHA-384; TLS 1.3 has no longer hash */

enum secret_label {
	SECRET_SERVER_HANDSHAKE = 1,    /* "s hs traffic" (RFC 8446 section 7.1) */
	SECRET_CLIENT_HANDSHAKE = 2,    /* "c hs traffic": only when asked for */
};

/* What tells which connection it belongs to. */
enum secret_join {
	SECRET_JOIN_TRANSCRIPT = 1,     /* Hash(ClientHello..ServerHello), as long as the secret */
	SECRET_JOIN_CLIENT_RANDOM = 2,  /* 32 bytes of the ClientHello */
};

/* Which hook caught it; userspace/probes/probes_table.c says what they are. */
enum secret_hook {
	SECRET_HOOK_NONE,
	SECRET_HOOK_OPENSSL3,
	SECRET_HOOK_OPENSSL1,
	SECRET_HOOK_GNUTLS,
	SECRET_HOOK_NSS,
	SECRET_HOOK_GO,
	SECRET_HOOK_WOLFSSL,
	SECRET_HOOK_MBEDTLS,
	SECRET_HOOK_BORINGSSL,
	SECRET_HOOK_LIBRESSL,
	SECRET_HOOK_RUSTLS,
	SECRET_NUM_HOOKS,
};

struct secret_event {
	__u8 version;
	__u8 label;          /* enum secret_label */
	__u8 join;           /* enum secret_join */
	__u8 hook;           /* enum secret_hook */
	__u8 join_len;       /* 32 or 48 */
	__u8 secret_len;     /* 32 or 48: the length of the suite's hash */
	__u8 pad[2];
	__u32 tgid;          /* in the first pid namespace */
	__u32 pad2;
	__u64 time_ns;       /* CLOCK_MONOTONIC */
	__u8 join_key[SECRET_LEN_MAX];
	__u8 secret[SECRET_LEN_MAX];
};

_Static_assert(sizeof(struct secret_event) == 120, "the kernel side and user space must agree");

/*
 * Counters, in memory that user space maps: a line a CPU, to be summed.
 * wanted = caught + lost + unreadable + unused + unlisted, and the few that are under way or that the
 * table of pending derivations has dropped.
 */
struct secret_counters {
	__u64 hits;          /* a probe was reached */
	__u64 wanted;        /* derivations with a label that is asked for */
	__u64 caught;        /* in the ring */
	__u64 lost;          /* the ring was full */
	__u64 unreadable;    /* the process's memory could not be read: not in RAM at that moment */
	__u64 unused;        /* the library did not go on with it, so it was not read */
	__u64 unlisted;      /* of a process that is not to be probed */
	__u64 pad;
};

/*
 * The ring is emptied in so many pieces: what was read stays in its memory until something lies over it, and only the
 * kernel can write there. A piece has the kernel's header of a record in front.
 */
#define SECRET_WIPE_PIECES 4
#define SECRET_WIPE_HEADER 8

#define SECRET_CPUS_MAX 512        /* a power of two; further CPUs share lines, by atomic adds */

/*
 * The cookie of a probe says how its arguments lie: bits 0 to 15 how far the stack pointer is below its
 * place at the function's start, bits 16 to 23 enum secret_hook, bit 24 Go's stack ABI.
 */
#define SECRET_COOKIE_STACK 0xffffULL
#define SECRET_COOKIE_HOOK_SHIFT 16
#define SECRET_COOKIE_GO_STACK (1ULL << 24)

#endif
