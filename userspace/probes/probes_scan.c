/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which files are mapped for execution, from /proc/PID/maps.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "userspace/probes/probes_parts.h"

#define MAPPINGS_MAX 65536          /* lines of one process; Linux allows 65,530 */

/* start-end perms offset major:minor inode path, as proc(5) has it. */
static bool parse_line(char *line, struct probes_mapping *out)
{
	char perms[5];
	int at = 0;

	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %*x %" SCNx32 ":%" SCNx32 " %" SCNu64 " %n",
		   &out->start, &out->end, perms, &out->major, &out->minor, &out->inode, &at) != 6 ||
	    !at || perms[2] != 'x' || !out->inode)
		return false;
	out->path = line + at;
	line[strcspn(line, "\n")] = '\0';
	return out->path[0] == '/';
}

int probes_scan_process(pid_t pid, probes_mapping_fn *fn, void *context)
{
	char path[32], *line = NULL;
	size_t size = 0;
	int err = 0;
	FILE *maps;

	snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	maps = fopen(path, "re");
	if (!maps)
		return -errno;
	for (unsigned int i = 0; !err && i < MAPPINGS_MAX; i++) {
		struct probes_mapping m = { .pid = pid };

		errno = 0;
		if (getline(&line, &size, maps) < 0) {
			err = -errno;
			break;
		}
		if (parse_line(line, &m))
			err = fn(context, &m);
	}
	free(line);
	fclose(maps);
	return err;
}

int probes_scan_pids(probes_pid_fn *fn, void *context)
{
	DIR *proc = opendir("/proc");
	const struct dirent *entry;
	int err = 0;

	if (!proc)
		return -errno;
	while (!err && (entry = readdir(proc)) != NULL)
		if (isdigit((unsigned char)entry->d_name[0]))
			err = fn(context, (pid_t)strtol(entry->d_name, NULL, 10));
	closedir(proc);
	return err;
}

/* Their stat() tells another device than their mappings do. */
static bool device_differs(int fd)
{
	struct statfs s;

	return fstatfs(fd, &s) == 0 &&
	       (s.f_type == OVERLAYFS_SUPER_MAGIC || s.f_type == BTRFS_SUPER_MAGIC);
}

static bool is_mapped_file(int fd, const struct probes_mapping *m)
{
	struct stat s;

	return fstat(fd, &s) == 0 && S_ISREG(s.st_mode) && s.st_ino == m->inode &&
	       ((major(s.st_dev) == m->major && minor(s.st_dev) == m->minor) || device_differs(fd));
}

/*
 * The path is that of the process's own root, and whoever owns that file system chooses what lies
 * there: no FIFO may hold us up, no device be touched. So it is opened as a place (O_PATH) and judged
 * before it is opened for reading.
 */
static int open_by_path(const struct probes_mapping *m)
{
	char path[PATH_MAX + 64], self[64];
	int place, fd;

	snprintf(path, sizeof(path), "/proc/%d/root%s", (int)m->pid, m->path);
	place = open(path, O_PATH | O_CLOEXEC);
	if (place < 0)
		return -errno;
	if (!is_mapped_file(place, m)) {
		close(place);
		return -ESTALE;
	}
	snprintf(self, sizeof(self), "/proc/self/fd/%d", place);
	fd = open(self, O_RDONLY | O_CLOEXEC);
	fd = fd < 0 ? -errno : fd;
	close(place);
	return fd;
}

/* Exactly what is mapped, even when deleted; asks for CAP_CHECKPOINT_RESTORE or CAP_SYS_ADMIN. */
static int open_by_mapping(const struct probes_mapping *m)
{
	char path[96];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/map_files/%" PRIx64 "-%" PRIx64, (int)m->pid, m->start,
		 m->end);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0 && !is_mapped_file(fd, m)) {
		close(fd);
		return -ESTALE;
	}
	return fd < 0 ? -errno : fd;
}

int probes_scan_open(const struct probes_mapping *m)
{
	int fd = open_by_path(m);

	return fd >= 0 ? fd : open_by_mapping(m);
}
