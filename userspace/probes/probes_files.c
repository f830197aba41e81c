/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files that processes map, and the inodes among them that carry probes. Several files may be one
 * inode: an overlay shows the file below it under a device number of its own, and a probe on either
 * reaches both.
 */
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>

#include "userspace/probes/probes_parts.h"

#define NS_PER_S 1000000000LL

static struct probes_file **bucket_of(struct probes_files *f, uint64_t inode)
{
	return &f->buckets[(inode * 0x9e3779b97f4a7c15ULL) >> 32 & (PROBES_FILE_BUCKETS - 1)];
}

struct probes_file *probes_files_find(struct probes_files *f, const struct probes_mapping *m)
{
	struct probes_file *file = *bucket_of(f, m->inode);

	while (file && (file->inode != m->inode || file->major != m->major || file->minor != m->minor))
		file = file->next;
	return file;
}

struct probes_file *probes_files_add(struct probes_files *f, const struct probes_mapping *m)
{
	struct probes_file **bucket = bucket_of(f, m->inode), *file;

	if (f->num_files >= PROBES_FILES_MAX)
		return NULL;
	file = calloc(1, sizeof(*file));
	if (!file)
		return NULL;
	file->major = m->major;
	file->minor = m->minor;
	file->inode = m->inode;
	file->generation = m->generation;
	file->next = *bucket;
	*bucket = file;
	f->num_files++;
	return file;
}

static void free_target(struct probes_files *f, struct probes_target *target)
{
	struct probes_target **at = &f->targets;

	while (*at && *at != target)
		at = &(*at)->next;
	if (*at)
		*at = target->next;
	for (unsigned int i = 0; i < target->num_links; i++)
		probes_detach(&target->links[i]);
	free(target);
	f->num_targets--;
}

void probes_files_link(struct probes_files *f, struct probes_file *file, struct probes_target *target)
{
	struct probes_target *before = file->target;

	file->target = target;
	if (target) {
		target->num_files++;
		f->num_probed++;
	}
	if (before) {
		f->num_probed--;
		if (!--before->num_files)
			free_target(f, before);
	}
}

void probes_files_remove(struct probes_files *f, struct probes_file *file)
{
	struct probes_file **at = bucket_of(f, file->inode);

	while (*at != file)
		at = &(*at)->next;
	*at = file->next;
	probes_files_link(f, file, NULL);
	free(file);
	f->num_files--;
}

void probes_files_expire(struct probes_files *f, uint64_t round)
{
	for (unsigned int i = 0; i < PROBES_FILE_BUCKETS; i++) {
		struct probes_file *file = f->buckets[i], *next;

		for (; file; file = next) {
			next = file->next;
			if (file->round != round)
				probes_files_remove(f, file);
		}
	}
}

static bool is_overlay(int fd)
{
	struct statfs s;

	return fstatfs(fd, &s) == 0 && s.f_type == OVERLAYFS_SUPER_MAGIC;
}

static int64_t changed_ns(const struct stat *s)
{
	return s->st_ctim.tv_sec * NS_PER_S + s->st_ctim.tv_nsec;
}

/*
 * Copies of one disk image hold equal files with equal numbers; so where no overlay is in play, the
 * device has to be equal too.
 */
struct probes_target *probes_files_same(struct probes_files *f, int fd, const struct stat *s,
					const struct probes_finding *finding)
{
	bool overlay = is_overlay(fd);

	for (struct probes_target *t = f->targets; t; t = t->next)
		if (t->inode == s->st_ino && t->size == (uint64_t)s->st_size &&
		    t->changed_ns == changed_ns(s) && t->build_id_len == finding->build_id_len &&
		    memcmp(t->build_id, finding->build_id, t->build_id_len) == 0 &&
		    (t->device == s->st_dev || t->overlay || overlay))
			return t;
	return NULL;
}

struct probes_target *probes_files_target(struct probes_files *f, int fd, const struct stat *s,
					  const struct probes_finding *finding)
{
	struct probes_target *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->inode = s->st_ino;
	t->size = (uint64_t)s->st_size;
	t->changed_ns = changed_ns(s);
	t->device = s->st_dev;
	t->overlay = is_overlay(fd);
	t->build_id_len = finding->build_id_len;
	memcpy(t->build_id, finding->build_id, sizeof(t->build_id));
	t->next = f->targets;
	f->targets = t;
	f->num_targets++;
	return t;
}

void probes_files_fini(struct probes_files *f)
{
	for (unsigned int i = 0; i < PROBES_FILE_BUCKETS; i++)
		while (f->buckets[i])
			probes_files_remove(f, f->buckets[i]);
	while (f->targets)
		free_target(f, f->targets);
}
