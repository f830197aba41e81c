/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the store is: its folder, opened once, and SQLite's file calls turned to names in that folder. So the sandbox
 * can tell these calls from others by the descriptor, and whoever owns a folder above cannot lead us elsewhere later.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "userspace/store/store_parts.h"

static const char *const companions[] = { "", "-wal", "-shm", "-journal" };

/* --- the folder --- */

static int fail(int err, const char *path, const char *what, char *why, size_t why_size)
{
	snprintf(why, why_size, "%s: %s: %s", path, what, strerror(-err));
	return err;
}

/* Root trusts no link: who owns a folder on the way could point it anywhere. */
static int open_below(int dir_fd, const char *name)
{
	int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC | (geteuid() == 0 ? O_NOFOLLOW : 0);
	int fd = openat(dir_fd, name, flags);

	return fd < 0 ? -errno : fd;
}

static int make_below(int dir_fd, const char *name, uint32_t uid, uint32_t gid)
{
	int fd;

	if (mkdirat(dir_fd, name, 0700) != 0)
		return -errno;
	fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return -errno;
	/* Where this process may not give it away it stays our own. */
	if (geteuid() == 0 && fchown(fd, uid, gid) != 0 && errno != EPERM && errno != EINVAL) {
		close(fd);
		return -errno;
	}
	return fd;
}

static int explain_folder(int err, const char *path, const char *name, char *why, size_t why_size)
{
	if (err == -ELOOP || err == -ENOTDIR)
		snprintf(why, why_size, "%s: '%s' is a symbolic link, or no folder; as root none is followed", path, name);
	else
		fail(err, path, name, why, why_size);
	return err;
}

/* Folder by folder; `rest` is cut into its parts, the last of which stays in *last. */
static int walk(const char *path, char *rest, bool make, uint32_t uid, uint32_t gid, const char **last, char *why,
		size_t why_size)
{
	int dir_fd = open(*rest == '/' ? "/" : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), next;
	char *at = NULL, *part = strtok_r(rest, "/", &at), *following;

	if (dir_fd < 0)
		return fail(-errno, path, "folder", why, why_size);
	for (; part && (following = strtok_r(NULL, "/", &at)); part = following) {
		next = open_below(dir_fd, part);
		/* Only the last folder is made, the one that the file is to be in. */
		if (next == -ENOENT && make && !*at)
			next = make_below(dir_fd, part, uid, gid);
		close(dir_fd);
		if (next < 0)
			return explain_folder(next, path, part, why, why_size);
		dir_fd = next;
	}
	*last = part;
	return dir_fd;
}

static int check_folder(int dir_fd, const char *path, char *why, size_t why_size)
{
	struct stat st;

	if (fstat(dir_fd, &st) != 0)
		return fail(-errno, path, "folder", why, why_size);
	if (geteuid() == 0 && st.st_mode & S_IWOTH) {
		snprintf(why, why_size, "%s: everybody may write to this folder; as root name another one", path);
		return -EPERM;
	}
	return 0;
}

int store_place_open(const char *path, bool make, uint32_t uid, uint32_t gid, struct store_place *out, char *why,
		     size_t why_size)
{
	struct store_place place = { .dir_fd = -1 };
	const char *last = NULL;
	char *rest;
	int fd, err;

	if (!store_files_init())
		return fail(-ENOTSUP, path, "SQLite", why, why_size);
	if (strcmp(path, STORE_MEMORY_PATH) == 0) {
		*out = (struct store_place){ .dir_fd = -1, .path = STORE_MEMORY_PATH };
		return 0;
	}
	if (strlen(path) >= sizeof(place.path))
		return fail(-ENAMETOOLONG, path, "path", why, why_size);
	snprintf(place.path, sizeof(place.path), "%s", path);
	rest = strdup(path);
	if (!rest)
		return fail(-ENOMEM, path, "path", why, why_size);
	fd = walk(path, rest, make, uid, gid, &last, why, why_size);
	if (fd >= 0 && (!last || strcmp(last, ".") == 0 || strcmp(last, "..") == 0 ||
			path[strlen(path) - 1] == '/' || strlen(last) >= sizeof(place.name) - 64)) {
		close(fd);
		fd = fail(-EINVAL, path, "no name for a file", why, why_size);
	}
	if (fd >= 0)
		snprintf(place.name, sizeof(place.name), "%s", last);
	free(rest);
	if (fd < 0)
		return fd;
	err = check_folder(fd, path, why, why_size);
	if (err) {
		close(fd);
		return err;
	}
	place.dir_fd = fd;
	*out = place;
	return 0;
}

void store_place_close(struct store_place *place)
{
	if (place->dir_fd >= 0)
		close(place->dir_fd);
	place->dir_fd = -1;
}

/* --- SQLite's calls --- */

#define PREFIX "/fd"

/* "/fd7/name": 7 and "name". False: a path of another kind. */
static bool split(const char *path, int *dir_fd, const char **name)
{
	char *end;
	long fd;

	if (strncmp(path, PREFIX, sizeof(PREFIX) - 1) != 0)
		return false;
	fd = strtol(path + sizeof(PREFIX) - 1, &end, 10);
	if (fd < 0 || fd > INT32_MAX || end == path + sizeof(PREFIX) - 1 || (*end && *end != '/'))
		return false;
	*dir_fd = (int)fd;
	*name = *end ? end + 1 : ".";
	return true;
}

static int call_open(const char *path, int flags, int mode)
{
	const char *name;
	struct stat st;
	int dir_fd, fd;

	if (!split(path, &dir_fd, &name))
		return open(path, flags, mode);
	/* SQLite would let everybody read. Where it opens a folder, to sync it, it says so. */
	fd = openat(dir_fd, name, flags | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, mode & 0640);
	if (fd < 0 || (fstat(fd, &st) == 0 && (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode))))
		return fd;
	close(fd);
	errno = EINVAL;
	return -1;
}

static int call_access(const char *path, int mode)
{
	const char *name;
	int dir_fd;

	return split(path, &dir_fd, &name) ? faccessat(dir_fd, name, mode, 0) : access(path, mode);
}

static int call_stat(const char *path, struct stat *out)
{
	const char *name;
	int dir_fd;

	return split(path, &dir_fd, &name) ? fstatat(dir_fd, name, out, AT_SYMLINK_NOFOLLOW) : stat(path, out);
}

static int call_lstat(const char *path, struct stat *out)
{
	const char *name;
	int dir_fd;

	return split(path, &dir_fd, &name) ? fstatat(dir_fd, name, out, AT_SYMLINK_NOFOLLOW) : lstat(path, out);
}

static int call_unlink(const char *path)
{
	const char *name;
	int dir_fd;

	return split(path, &dir_fd, &name) ? unlinkat(dir_fd, name, 0) : unlink(path);
}

/* To be synchronised after a file was made or removed: the folder is open already. */
static int call_open_directory(const char *path, int *out)
{
	const char *name;
	int dir_fd;

	*out = split(path, &dir_fd, &name) ? fcntl(dir_fd, F_DUPFD_CLOEXEC, 3) : -1;
	return *out < 0 ? SQLITE_CANTOPEN : SQLITE_OK;
}

static bool files_ready;

static void files_init(void)
{
	static const struct {
		const char *name;
		sqlite3_syscall_ptr call;
	} calls[] = {
		{ "open", (sqlite3_syscall_ptr)call_open },
		{ "access", (sqlite3_syscall_ptr)call_access },
		{ "stat", (sqlite3_syscall_ptr)call_stat },
		{ "lstat", (sqlite3_syscall_ptr)call_lstat },
		{ "unlink", (sqlite3_syscall_ptr)call_unlink },
		{ "openDirectory", (sqlite3_syscall_ptr)call_open_directory },
	};
	sqlite3_vfs *vfs;
	uint8_t seed;
	size_t i;

	/* Memory is counted under a lock otherwise; nobody asks for the figure. */
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	/* It reads /dev/urandom at the first use of its random numbers. */
	sqlite3_randomness(sizeof(seed), &seed);
	vfs = sqlite3_vfs_find("unix");
	files_ready = vfs && vfs->iVersion >= 3;
	for (i = 0; files_ready && i < ARRAY_SIZE(calls); i++)
		files_ready = vfs->xSetSystemCall(vfs, calls[i].name, calls[i].call) == SQLITE_OK;
}

bool store_files_init(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, files_init);
	return files_ready;
}

void store_files_name(const struct store_place *place, bool immutable, char *out, size_t size)
{
	static const char hex[] = "0123456789abcdef";
	int len = snprintf(out, size, "file:" PREFIX "%d/", place->dir_fd);
	const char *at;

	if (place->dir_fd < 0) {
		snprintf(out, size, "file:/certtap?vfs=memdb");
		return;
	}
	for (at = place->name; *at && (size_t)len + 16 < size; at++) {
		if (strchr("?#%", *at)) {
			out[len++] = '%';
			out[len++] = hex[(uint8_t)*at >> 4];
			out[len++] = hex[(uint8_t)*at & 15];
		} else {
			out[len++] = *at;
		}
	}
	snprintf(out + len, size - (size_t)len, "%s", immutable ? "?immutable=1" : "");
}

/* --- the file and its companions --- */

int store_files_lock(const struct store_place *place, int *out)
{
	char name[256];
	int fd, err;

	if (place->dir_fd < 0) {
		*out = -1;
		return 0;
	}
	snprintf(name, sizeof(name), "%s.lock", place->name);
	fd = openat(place->dir_fd, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		err = errno == EWOULDBLOCK ? -EBUSY : -errno;
		close(fd);
		return err;
	}
	*out = fd;
	return 0;
}

int store_files_set_aside(const struct store_place *place, char *to, size_t size)
{
	char from_name[256], to_name[256], stamp[32];
	struct tm utc;
	time_t now = time(NULL);
	size_t i;

	gmtime_r(&now, &utc);
	strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%SZ", &utc);
	snprintf(to, size, "%s.corrupt-%s", place->name, stamp);
	for (i = 0; i < ARRAY_SIZE(companions); i++) {
		snprintf(from_name, sizeof(from_name), "%s%s", place->name, companions[i]);
		snprintf(to_name, sizeof(to_name), "%s%s", to, companions[i]);
		if (faccessat(place->dir_fd, to_name, F_OK, 0) == 0)
			return -EEXIST;
		if (renameat(place->dir_fd, from_name, place->dir_fd, to_name) != 0 && (errno != ENOENT || i == 0))
			return -errno;
	}
	return 0;
}

bool store_files_are_files(const struct store_place *place)
{
	struct stat st;

	return place->dir_fd < 0 || fstatat(place->dir_fd, place->name, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
	       S_ISREG(st.st_mode) || S_ISLNK(st.st_mode);
}

bool store_files_are_ours(const struct store_place *place)
{
	static const char magic[] = "SQLite format 3", nothing[sizeof(magic)];
	char head[sizeof(magic)] = "";
	int fd = openat(place->dir_fd, place->name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	bool ours = false;

	if (fd < 0)
		return false;
	if (pread(fd, head, sizeof(head), 0) == (ssize_t)sizeof(head))
		/* A machine that dies may leave zeros; text is somebody's, whatever its name is. */
		ours = memcmp(head, magic, sizeof(magic)) == 0 || memcmp(head, nothing, sizeof(nothing)) == 0;
	close(fd);
	return ours;
}

bool store_files_have_log(const struct store_place *place)
{
	char name[256];
	struct stat st;

	snprintf(name, sizeof(name), "%s-wal", place->name);
	return fstatat(place->dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_size > 0;
}
