/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds the root of cgroup v2. Hosts with cgroup v1 have it mounted elsewhere, or not at all.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "userspace/attach/attach_parts.h"

/* mountinfo writes space, tab, newline and backslash as \ooo (proc(5)). */
static void unescape(char *text)
{
	char *to = text;

	for (const char *from = text; *from; to++) {
		if (from[0] == '\\' && from[1] >= '0' && from[1] <= '3' && from[2] >= '0' &&
		    from[2] <= '7' && from[3] >= '0' && from[3] <= '7') {
			*to = (char)((from[1] - '0') << 6 | (from[2] - '0') << 3 | (from[3] - '0'));
			from += 4;
		} else {
			*to = *from++;
		}
	}
	*to = '\0';
}

/* One line: "id parent dev root mountpoint options optional... - type source options". */
static char *mountpoint_of(char *line)
{
	char *dash = strstr(line, " - cgroup2 "), *save = NULL, *field = NULL, *root = NULL;

	if (!dash)
		return NULL;
	*dash = '\0';
	for (int i = 0; i < 5; i++) {
		field = strtok_r(i ? NULL : line, " ", &save);
		if (!field)
			return NULL;
		if (i == 3)
			root = field;
	}
	if (strcmp(root, "/") != 0)     /* a part of the tree, bound to some place */
		return NULL;
	unescape(field);
	return field;
}

/* A directory, or a negative errno; -ENOENT where none is mounted. */
static int open_mounted(void)
{
	FILE *f = fopen("/proc/self/mountinfo", "re");
	char *line = NULL, *point;
	size_t size = 0;
	int fd = -ENOENT;

	if (!f)
		return -errno;
	while (fd < 0 && getline(&line, &size, f) > 0) {
		point = mountpoint_of(line);
		if (!point)
			continue;
		fd = open(point, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0)
			fd = -errno;
	}
	free(line);
	fclose(f);
	return fd;
}

/*
 * A mount that hangs nowhere: no path leads to it, no mount namespace shows it, and it goes away with
 * the descriptor (fsmount(2), kernel 5.2; the C library has names for it from 2.36 on).
 */
static int open_detached(void)
{
	enum { FS_OPEN_CLOEXEC = 1, FS_CREATE = 6, FS_MOUNT_CLOEXEC = 1 };
	int context, mount_fd, fd = -1;

	context = (int)syscall(SYS_fsopen, "cgroup2", FS_OPEN_CLOEXEC);
	if (context < 0)
		return -errno;
	mount_fd = syscall(SYS_fsconfig, context, FS_CREATE, NULL, NULL, 0) == 0 ?
			   (int)syscall(SYS_fsmount, context, FS_MOUNT_CLOEXEC, 0) : -1;
	if (mount_fd >= 0)
		fd = openat(mount_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		fd = -errno;
	if (mount_fd >= 0)
		close(mount_fd);
	close(context);
	return fd;
}

int attach_cgroup_root(bool *whole, char *why, size_t why_size)
{
	int fd = open_mounted(), err = fd;

	if (fd < 0) {
		fd = open_detached();
		if (fd < 0) {
			snprintf(why, why_size,
				 "cgroup v2 is not reachable (mounted: %s; mounting it: %s).\n"
				 "Mount it (mount -t cgroup2 none /mnt) or name interfaces with -i.",
				 strerror(-err), strerror(-fd));
			return fd;
		}
	}
	/* Only the root of the hierarchy has no cgroup.events; a container's root has one. */
	*whole = faccessat(fd, "cgroup.events", F_OK, 0) != 0;
	return fd;
}
