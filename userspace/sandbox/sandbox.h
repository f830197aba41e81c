/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Gives up power before the first stranger's byte is parsed.
 *
 * After sandbox_enter() the process is uid/gid nobody (when it was root and may change its uid),
 * has no capability in any set, no supplementary group, no-new-privileges, is not dumpable, may
 * not make a socket, connect, use bpf(), ptrace, execve or open files, and holds only the
 * descriptors it had (a few more may be made: timers). A refused system call kills with SIGSYS
 * where it can only be an attack, else fails with EPERM. It is for a process with one thread; `before_filter` may make
 * more, which then have all of this too.
 */
#ifndef CERTTAP_SANDBOX_H
#define CERTTAP_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sandbox_options {
	/*
	 * A directory, already open, below which files may be made and renamed (--pem), or -1: by
	 * openat(), renameat() and unlinkat() with this very descriptor and a relative path. Landlock
	 * (where the kernel has it) and, for root, a change of root directory confine writing to it.
	 * When root owns the directory the uid stays root without any capability; otherwise the
	 * uid becomes the directory's owner. A process that was not root keeps its uid.
	 */
	int write_dir_fd;
	/*
	 * The store's folder, already open, or -1: its files are opened, locked, renamed and removed relative to this
	 * descriptor. Otherwise as write_dir_fd; where both are given they must have one owner.
	 */
	int store_dir_fd;
	/* libpcap live keeps a packet socket open and asks for its statistics: getsockopt, recvfrom. */
	bool packet_socket;
	/* The process draws on the terminal that is its standard input: it may set that, and stderr may move. */
	bool screen;
	/*
	 * Called when all but the filter of system calls and the limit on threads stands; NULL: not. A negative errno
	 * ends sandbox_enter() with it. Threads that it makes must wait until sandbox_enter() has returned.
	 */
	int (*before_filter)(void *context);
	void *context;
};

#define SANDBOX_OPTIONS_DEFAULT { .write_dir_fd = -1, .store_dir_fd = -1 }

/* Who the process will be when it was root and has no directory to write to: nobody. Otherwise who it is. */
void sandbox_nobody(uint32_t *uid, uint32_t *gid);

/*
 * Returns 0, or a negative errno with `why` filled: then the caller must stop. Makes OpenSSL
 * ready first (OPENSSL_init_crypto without a configuration file), since later it could not read
 * its files.
 *
 * The parent-death signal, which a change of uid would clear, is kept; -ESRCH when the parent died
 * in the meantime. Root without CAP_SETUID or CAP_SETGID, or in a user namespace that has no other
 * uid, stays what it is and loses everything else. The caller's working directory may change.
 */
int sandbox_enter(const struct sandbox_options *options, char *why, size_t why_size);

/*
 * For the monitor, which reads no packet, once it has attached and made its worker: keeps only
 * what it needs to hold and take down its attachments and to end a worker of another uid
 * (CAP_NET_ADMIN, CAP_BPF, CAP_PERFMON, CAP_KILL, of those it has), no-new-privileges, not
 * dumpable. With SANDBOX_LOOKS also CAP_SYS_PTRACE, to read in /proc which program a process runs; with SANDBOX_OPENS
 * CAP_DAC_READ_SEARCH and CAP_CHECKPOINT_RESTORE too, to open what other processes map later. Returns as sandbox_enter().
 */
enum sandbox_reach { SANDBOX_STAYS, SANDBOX_LOOKS, SANDBOX_OPENS };
int sandbox_monitor(enum sandbox_reach reach, char *why, size_t why_size);

#endif
