/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The filter of system calls: a list of what the worker needs, a list of what only an attacker asks
 * for, which kills, and EPERM for all the rest. It is allowed to read, write, wait and compute; it
 * cannot make a socket, so it cannot open a connection.
 */
#include "userspace/sandbox/sandbox_layers.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <seccomp.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

/* Allowed with any argument. */
static const int allowed[] = {
	/* descriptors that are open already */
	SCMP_SYS(read), SCMP_SYS(readv), SCMP_SYS(pread64), SCMP_SYS(preadv),
	SCMP_SYS(write), SCMP_SYS(writev),
	SCMP_SYS(lseek), SCMP_SYS(_llseek), SCMP_SYS(close),
	SCMP_SYS(fstat), SCMP_SYS(fstat64), SCMP_SYS(newfstatat), SCMP_SYS(fstatat64),
	SCMP_SYS(statx),
	/* memory; mmap and mprotect are among the conditional ones */
	SCMP_SYS(brk), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise),
	SCMP_SYS(mlock), SCMP_SYS(mlock2), SCMP_SYS(munlock),
	/* waiting, time */
	SCMP_SYS(futex), SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(select), SCMP_SYS(pselect6),
	SCMP_SYS(epoll_create1), SCMP_SYS(epoll_ctl), SCMP_SYS(epoll_wait), SCMP_SYS(epoll_pwait),
	SCMP_SYS(epoll_pwait2), SCMP_SYS(eventfd2),
	SCMP_SYS(timerfd_create), SCMP_SYS(timerfd_settime), SCMP_SYS(timerfd_gettime),
	SCMP_SYS(clock_gettime), SCMP_SYS(clock_getres), SCMP_SYS(clock_nanosleep),
	SCMP_SYS(nanosleep), SCMP_SYS(gettimeofday), SCMP_SYS(time), SCMP_SYS(sched_yield),
	SCMP_SYS(restart_syscall),
	/* signals to itself */
	SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn),
	SCMP_SYS(rt_sigpending), SCMP_SYS(rt_sigsuspend), SCMP_SYS(rt_sigtimedwait),
	SCMP_SYS(sigaltstack),
	/* what libraries like to know */
	SCMP_SYS(getrandom), SCMP_SYS(getpid), SCMP_SYS(getppid), SCMP_SYS(gettid),
	SCMP_SYS(getuid), SCMP_SYS(geteuid), SCMP_SYS(getgid), SCMP_SYS(getegid),
	SCMP_SYS(getrlimit), SCMP_SYS(getrusage), SCMP_SYS(sysinfo), SCMP_SYS(uname),
	SCMP_SYS(sched_getaffinity), SCMP_SYS(getcpu), SCMP_SYS(rseq),
	/* the end */
	SCMP_SYS(exit), SCMP_SYS(exit_group),
};

/* Nothing that this program or a library of it ever asks for after sandbox_enter(). */
static const int deadly[] = {
	SCMP_SYS(socket), SCMP_SYS(socketpair), SCMP_SYS(connect), SCMP_SYS(bind),
	SCMP_SYS(listen), SCMP_SYS(accept), SCMP_SYS(accept4),
	SCMP_SYS(sendto), SCMP_SYS(sendmsg), SCMP_SYS(sendmmsg),
	SCMP_SYS(bpf), SCMP_SYS(perf_event_open), SCMP_SYS(userfaultfd),
	SCMP_SYS(process_vm_readv), SCMP_SYS(process_vm_writev), SCMP_SYS(process_madvise),
	SCMP_SYS(pidfd_open), SCMP_SYS(pidfd_getfd), SCMP_SYS(pidfd_send_signal), SCMP_SYS(kcmp),
	SCMP_SYS(execve), SCMP_SYS(execveat), SCMP_SYS(fork), SCMP_SYS(vfork),
	SCMP_SYS(io_uring_setup), SCMP_SYS(io_uring_enter), SCMP_SYS(io_uring_register),
	SCMP_SYS(setuid), SCMP_SYS(setgid), SCMP_SYS(setreuid), SCMP_SYS(setregid),
	SCMP_SYS(setresuid), SCMP_SYS(setresgid), SCMP_SYS(setgroups), SCMP_SYS(setfsuid),
	SCMP_SYS(setfsgid), SCMP_SYS(capset),
	SCMP_SYS(mount), SCMP_SYS(umount2), SCMP_SYS(pivot_root), SCMP_SYS(chroot),
	SCMP_SYS(move_mount), SCMP_SYS(open_tree), SCMP_SYS(fsopen), SCMP_SYS(fsmount),
	SCMP_SYS(setns), SCMP_SYS(unshare), SCMP_SYS(open_by_handle_at),
	SCMP_SYS(init_module), SCMP_SYS(finit_module), SCMP_SYS(delete_module),
	SCMP_SYS(kexec_load), SCMP_SYS(kexec_file_load), SCMP_SYS(reboot),
	SCMP_SYS(swapon), SCMP_SYS(swapoff), SCMP_SYS(acct), SCMP_SYS(quotactl),
	SCMP_SYS(settimeofday), SCMP_SYS(clock_settime), SCMP_SYS(adjtimex),
	SCMP_SYS(clock_adjtime), SCMP_SYS(sethostname), SCMP_SYS(setdomainname),
	SCMP_SYS(keyctl), SCMP_SYS(add_key), SCMP_SYS(request_key),
	SCMP_SYS(iopl), SCMP_SYS(ioperm), SCMP_SYS(modify_ldt), SCMP_SYS(personality),
	SCMP_SYS(syslog), SCMP_SYS(seccomp),
};

/* The leak check of AddressSanitizer, and what its reports are made from. */
static const int sanitizer[] = {
	SCMP_SYS(clone), SCMP_SYS(ptrace), SCMP_SYS(wait4), SCMP_SYS(prctl), SCMP_SYS(tgkill),
	SCMP_SYS(getdents), SCMP_SYS(getdents64), SCMP_SYS(readlink), SCMP_SYS(readlinkat),
	SCMP_SYS(pipe2),
};

#define LENGTH(list) (sizeof(list) / sizeof((list)[0]))

static int add_list(scmp_filter_ctx ctx, uint32_t action, const int *list, size_t num)
{
	int err = 0;

	for (size_t i = 0; i < num && err == 0; i++)
		err = seccomp_rule_add(ctx, action, list[i], 0);
	return err;
}

/* The kernel reads an int from the lower half of a register, whatever is in the upper one. */
#define INT_MASK 0xffffffffu
#define POINTER_MASK UINT64_MAX

static struct scmp_arg_cmp masked(unsigned int argument, uint64_t mask, uint64_t value)
{
	return (struct scmp_arg_cmp){ argument, SCMP_CMP_MASKED_EQ, mask, value };
}

/* Allows the call where `argument` (counted from 0), masked, is `value`. */
static int allow_if(scmp_filter_ctx ctx, int call, unsigned int argument, uint64_t mask,
		    uint64_t value)
{
	struct scmp_arg_cmp condition = masked(argument, mask, value);

	return seccomp_rule_add_array(ctx, SCMP_ACT_ALLOW, call, 1, &condition);
}

/* Memory is never both filled and run: no mapping of it may be made executable. */
static int add_memory_rules(scmp_filter_ctx ctx)
{
	static const int calls[] = { SCMP_SYS(mmap), SCMP_SYS(mmap2), SCMP_SYS(mprotect) };
	int err = 0;

	for (size_t i = 0; i < LENGTH(calls) && err == 0; i++)
		err = allow_if(ctx, calls[i], 2, PROT_EXEC, 0);
	return err;
}

static int add_descriptor_rules(scmp_filter_ctx ctx)
{
	static const int commands[] = { F_GETFD, F_SETFD, F_GETFL, F_SETFL };
	static const unsigned int requests[] = { TIOCGWINSZ, TCGETS };
	int err = 0;

	for (size_t i = 0; i < LENGTH(commands) && err == 0; i++)
		err = allow_if(ctx, SCMP_SYS(fcntl), 1, INT_MASK, (unsigned)commands[i]);
	for (size_t i = 0; i < LENGTH(commands) && err == 0; i++)
		err = allow_if(ctx, SCMP_SYS(fcntl64), 1, INT_MASK, (unsigned)commands[i]);
	for (size_t i = 0; i < LENGTH(requests) && err == 0; i++)
		err = allow_if(ctx, SCMP_SYS(ioctl), 1, INT_MASK, requests[i]);
	return err;
}

/* abort() signals its own thread; limits may be read, not set. */
static int add_own_process_rules(scmp_filter_ctx ctx)
{
	pid_t pid = getpid();
	int err;

	if ((err = allow_if(ctx, SCMP_SYS(kill), 0, INT_MASK, (unsigned)pid)) != 0)
		return err;
	if (!SANDBOX_SANITIZED &&
	    (err = allow_if(ctx, SCMP_SYS(tgkill), 0, INT_MASK, (unsigned)pid)) != 0)
		return err;
	return allow_if(ctx, SCMP_SYS(prlimit64), 2, POINTER_MASK, 0);
}

/* Only relative to the one directory: a path that begins at the root is Landlock's and chroot's. */
static int add_directory_rules(scmp_filter_ctx ctx, int dir_fd)
{
	static const int at_dir[] = { SCMP_SYS(openat), SCMP_SYS(unlinkat) };
	static const int renames[] = { SCMP_SYS(renameat), SCMP_SYS(renameat2) };
	static const int plain[] = { SCMP_SYS(fsync), SCMP_SYS(fdatasync), SCMP_SYS(fchmod),
				     SCMP_SYS(ftruncate), SCMP_SYS(umask) };
	unsigned int dir = (unsigned int)dir_fd;
	int err = add_list(ctx, SCMP_ACT_ALLOW, plain, LENGTH(plain));

	for (size_t i = 0; i < LENGTH(at_dir) && err == 0; i++)
		err = allow_if(ctx, at_dir[i], 0, INT_MASK, dir);
	for (size_t i = 0; i < LENGTH(renames) && err == 0; i++)
		err = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, renames[i], 2,
				       masked(0, INT_MASK, dir), masked(2, INT_MASK, dir));
	return err;
}

/* SQLite beside that: locks, writes at an offset, the log that it shares by mapping it (mmap is allowed). */
static int add_store_rules(scmp_filter_ctx ctx, int dir_fd)
{
	static const int plain[] = { SCMP_SYS(pwrite64), SCMP_SYS(flock), SCMP_SYS(fchown) };
	static const int commands[] = { F_GETLK, F_SETLK, F_SETLKW, F_DUPFD_CLOEXEC };
	static const int at_dir[] = { SCMP_SYS(faccessat), SCMP_SYS(faccessat2) };
	int err = add_list(ctx, SCMP_ACT_ALLOW, plain, LENGTH(plain));

	for (size_t i = 0; i < LENGTH(commands) && err == 0; i++)
		err = allow_if(ctx, SCMP_SYS(fcntl), 1, INT_MASK, (unsigned)commands[i]);
	for (size_t i = 0; i < LENGTH(at_dir) && err == 0; i++)
		err = allow_if(ctx, at_dir[i], 0, INT_MASK, (unsigned int)dir_fd);
	return err ? err : add_directory_rules(ctx, dir_fd);
}

/*
 * libpcap at run time: statistics and pending errors by getsockopt, packets by recvmsg where it
 * has no ring, and a look at the interface when it went down. Nothing is set and nothing is sent.
 */
static int add_packet_socket_rules(scmp_filter_ctx ctx)
{
	static const int calls[] = { SCMP_SYS(getsockopt), SCMP_SYS(recvfrom), SCMP_SYS(recvmsg) };
	int err = add_list(ctx, SCMP_ACT_ALLOW, calls, LENGTH(calls));

	return err ? err : allow_if(ctx, SCMP_SYS(ioctl), 1, INT_MASK, SIOCGIFFLAGS);
}

/* The terminal's own settings, at once; and standard error back to what it was. Keys, size and drawing need no more. */
static int add_screen_rules(scmp_filter_ctx ctx)
{
	int err = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 2, masked(0, INT_MASK, STDIN_FILENO),
				   masked(1, INT_MASK, TCSETS));

	if (err != 0 || (err = allow_if(ctx, SCMP_SYS(dup2), 1, INT_MASK, STDERR_FILENO)) != 0)
		return err;
	return allow_if(ctx, SCMP_SYS(dup3), 1, INT_MASK, STDERR_FILENO);
}

static int add_sanitizer_rules(scmp_filter_ctx ctx)
{
	const unsigned int writes = O_ACCMODE | O_CREAT | O_TRUNC;
	int err = add_list(ctx, SCMP_ACT_ALLOW, sanitizer, LENGTH(sanitizer));

	if (err != 0 || (err = allow_if(ctx, SCMP_SYS(open), 1, writes, 0)) != 0)
		return err;
	return allow_if(ctx, SCMP_SYS(openat), 2, writes, 0);
}

static int fill(scmp_filter_ctx ctx, const struct sandbox_options *options)
{
	int err;

	if ((err = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS)) != 0 ||
	    (err = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_TSYNC, 1)) != 0 ||
	    (err = add_list(ctx, SCMP_ACT_ALLOW, allowed, LENGTH(allowed))) != 0 ||
	    (err = add_memory_rules(ctx)) != 0 || (err = add_descriptor_rules(ctx)) != 0 ||
	    (err = add_own_process_rules(ctx)) != 0)
		return err;
	if (options->write_dir_fd >= 0 &&
	    (err = add_directory_rules(ctx, options->write_dir_fd)) != 0)
		return err;
	if (options->store_dir_fd >= 0 && (err = add_store_rules(ctx, options->store_dir_fd)) != 0)
		return err;
	if (options->screen && (err = add_screen_rules(ctx)) != 0)
		return err;
	if (options->packet_socket && (err = add_packet_socket_rules(ctx)) != 0)
		return err;
	if (SANDBOX_SANITIZED)
		return add_sanitizer_rules(ctx);
	if ((err = seccomp_rule_add(ctx, SCMP_ACT_KILL_PROCESS, SCMP_SYS(ptrace), 0)) != 0)
		return err;
	return 0;
}

int sandbox_seccomp(const struct sandbox_options *options)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int err;

	if (!ctx)
		return -ENOMEM;
	if ((err = fill(ctx, options)) == 0 &&
	    (err = add_list(ctx, SCMP_ACT_KILL_PROCESS, deadly, LENGTH(deadly))) == 0)
		err = seccomp_load(ctx);
	seccomp_release(ctx);
	return err;
}
