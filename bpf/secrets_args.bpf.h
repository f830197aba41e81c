/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A probed function's arguments, and the memory of its process. <linux/ptrace.h> alone, no kernel
 * types: what a uprobe sees is the user's registers.
 */
#ifndef CERTTAP_SECRETS_ARGS_BPF_H
#define CERTTAP_SECRETS_ARGS_BPF_H

#include <linux/bpf.h>
#include <linux/ptrace.h>
#include <bpf/bpf_helpers.h>

#include "bpf/secret_event.h"

/* Settings, written between open and load. */
const volatile _Bool may_sleep;      /* the programs are sleepable: pages not in RAM are fetched */

static __always_inline long read_user(void *to, __u32 len, __u64 from)
{
	long err = bpf_probe_read_user(to, len, (const void *)from);

	if (err && may_sleep)
		err = bpf_copy_from_user(to, len, (const void *)from);
	return err;
}

static __always_inline __u64 read_word(__u64 from)
{
	__u64 word = 0;

	return read_user(&word, sizeof(word), from) ? 0 : word;
}

static __always_inline __u32 stack_adjust(void *ctx)
{
	return bpf_get_attach_cookie(ctx) & SECRET_COOKIE_STACK;
}

static __always_inline __u8 hook_of(void *ctx)
{
	return bpf_get_attach_cookie(ctx) >> SECRET_COOKIE_HOOK_SHIFT & 0xff;
}

#if defined(__TARGET_ARCH_x86)

/* System V psABI of x86-64, section 3.2.3. `n` is a constant, from 1. */
static __always_inline __u64 argument(void *ctx, int n)
{
	const struct pt_regs *r = ctx;

	switch (n) {
	case 1: return r->rdi;
	case 2: return r->rsi;
	case 3: return r->rdx;
	case 4: return r->rcx;
	case 5: return r->r8;
	case 6: return r->r9;
	}
	/* Above the return address. */
	return read_word(r->rsp + stack_adjust(ctx) + 8 * (n - 6));
}

/* The stack pointer of who calls the probed function; of the function itself, behind a call. */
static __always_inline __u64 caller_stack(void *ctx)
{
	const struct pt_regs *r = ctx;

	return r->rsp + stack_adjust(ctx) + 8;
}

static __always_inline __u64 own_stack(void *ctx)
{
	const struct pt_regs *r = ctx;

	return r->rsp + stack_adjust(ctx);
}

/* Go's ABIInternal, go.dev/s/regabi: integer words in this order. */
static __always_inline __u64 go_argument(void *ctx, int n)
{
	const struct pt_regs *r = ctx;

	switch (n) {
	case 1: return r->rax;
	case 2: return r->rbx;
	case 3: return r->rcx;
	case 4: return r->rdi;
	case 5: return r->rsi;
	case 6: return r->r8;
	case 7: return r->r9;
	case 8: return r->r10;
	}
	return 0;
}

static __always_inline __u64 go_stack_argument(void *ctx, int n)
{
	const struct pt_regs *r = ctx;

	return read_word(r->rsp + stack_adjust(ctx) + 8 * n);
}

#elif defined(__TARGET_ARCH_arm64)

/* AAPCS64 section 6.8.2: eight registers, then the stack. */
static __always_inline __u64 argument(void *ctx, int n)
{
	const struct user_pt_regs *r = ctx;

	if (n <= 8)
		return r->regs[n - 1];
	return read_word(r->sp + stack_adjust(ctx) + 8 * (n - 9));
}

/* The return address is in a register. */
static __always_inline __u64 own_stack(void *ctx)
{
	const struct user_pt_regs *r = ctx;

	return r->sp + stack_adjust(ctx);
}

static __always_inline __u64 caller_stack(void *ctx)
{
	return own_stack(ctx);
}

static __always_inline __u64 go_argument(void *ctx, int n)
{
	const struct user_pt_regs *r = ctx;

	return r->regs[n - 1];
}

/* Above the word that Go keeps for the return address. */
static __always_inline __u64 go_stack_argument(void *ctx, int n)
{
	const struct user_pt_regs *r = ctx;

	return read_word(r->sp + stack_adjust(ctx) + 8 * n);
}

#else
#error "no calling convention known for this architecture"
#endif

#endif
