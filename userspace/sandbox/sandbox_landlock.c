/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Landlock by its raw system calls: libc has no wrappers, and the kernel's header on the oldest
 * distribution we build on (ABI 2) lacks what later kernels added. Numbers from
 * include/uapi/linux/landlock.h and asm-generic/unistd.h, which are the same on every architecture.
 */
#include "userspace/sandbox/sandbox_layers.h"

#include <errno.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SYS_LANDLOCK_CREATE_RULESET 444
#define SYS_LANDLOCK_ADD_RULE 445
#define SYS_LANDLOCK_RESTRICT_SELF 446

#define CREATE_RULESET_VERSION 1u
#define RULE_PATH_BENEATH 1

enum fs_right {
	FS_WRITE_FILE = 1 << 1,
	FS_READ_FILE = 1 << 2,
	FS_READ_DIR = 1 << 3,
	FS_REMOVE_FILE = 1 << 5,
	FS_MAKE_REG = 1 << 8,
	FS_TRUNCATE = 1 << 14,
};

/* What each ABI (index: its number) can forbid, all of it; later ABIs only add. */
static const struct {
	uint64_t fs, net, scoped;
} abis[] = {
	[1] = { 0x1fff, 0, 0 },
	[2] = { 0x3fff, 0, 0 },     /* rename between directories */
	[3] = { 0x7fff, 0, 0 },     /* truncate */
	[4] = { 0x7fff, 3, 0 },     /* TCP bind and connect */
	[5] = { 0xffff, 3, 0 },     /* ioctl on devices */
	[6] = { 0xffff, 3, 3 },     /* abstract sockets, signals */
};

#define ABI_NEWEST 6

/* As of ABI 6; an older kernel takes a shorter one, or a longer one whose rest is zero. */
struct ruleset_attr {
	uint64_t handled_access_fs;
	uint64_t handled_access_net;
	uint64_t scoped;
};

struct path_beneath_attr {
	uint64_t allowed_access;
	int32_t parent_fd;
} __attribute__((packed));

/* 0 where the kernel has no Landlock, was built without or started without it. */
static int abi_version(void)
{
	long abi = syscall(SYS_LANDLOCK_CREATE_RULESET, NULL, 0, CREATE_RULESET_VERSION);

	if (abi < 1)
		return 0;
	return abi > ABI_NEWEST ? ABI_NEWEST : (int)abi;
}

static int allow_directory(int ruleset, int dir_fd, uint64_t handled)
{
	struct path_beneath_attr rule = {
		.allowed_access = handled & (FS_WRITE_FILE | FS_READ_FILE | FS_REMOVE_FILE |
					     FS_MAKE_REG | FS_TRUNCATE),
		.parent_fd = dir_fd,
	};

	if (syscall(SYS_LANDLOCK_ADD_RULE, ruleset, RULE_PATH_BENEATH, &rule, 0) != 0)
		return -errno;
	return 0;
}

int sandbox_landlock(const struct sandbox_options *options)
{
	int abi = abi_version();
	struct ruleset_attr attr = {
		.handled_access_fs = abis[abi].fs,
		.handled_access_net = abis[abi].net,
		.scoped = abis[abi].scoped,
	};
	int ruleset, err = 0;

	if (abi == 0)
		return 0;
	if (SANDBOX_SANITIZED)
		attr.handled_access_fs &= ~(uint64_t)(FS_READ_FILE | FS_READ_DIR);
	ruleset = (int)syscall(SYS_LANDLOCK_CREATE_RULESET, &attr, sizeof(attr), 0);
	if (ruleset < 0)
		return -errno;
	if (options->write_dir_fd >= 0)
		err = allow_directory(ruleset, options->write_dir_fd, attr.handled_access_fs);
	if (err == 0 && options->store_dir_fd >= 0)
		err = allow_directory(ruleset, options->store_dir_fd, attr.handled_access_fs);
	if (err == 0 && syscall(SYS_LANDLOCK_RESTRICT_SELF, ruleset, 0) != 0)
		err = -errno;
	close(ruleset);
	return err;
}
