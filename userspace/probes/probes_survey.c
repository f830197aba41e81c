/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which processes would be covered, by which library and hook, and which would not and why: all of them
 * for `certtap doctor`, one at a time for probes_coverage.c. Looks at the same files in the same way as
 * probes.c, but loads nothing.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "userspace/probes/probes_parts.h"

#define FILES_MAX 512        /* executable files of one process that are looked at */

/* A file that was looked into; most are mapped by many processes. */
struct known {
	uint32_t major, minor;
	uint64_t inode;
	struct probes_finding finding;
};

struct probes_surveyor {
	const struct probes_options *options;
	bool thorough;
	struct known *known;
	size_t num_known, room;
	/* The process at hand: its files, by their place in `known`, and their paths. */
	size_t files[FILES_MAX];
	char *paths[FILES_MAX];
	unsigned int num_files;
	/* Of these, the ones to be looked into. */
	struct probes_candidate queue[PROBES_BATCH];
	size_t queued[PROBES_BATCH];
	unsigned int num_queued;
};

static size_t find(const struct probes_surveyor *s, const struct probes_mapping *m)
{
	size_t i = 0;

	while (i < s->num_known && (s->known[i].inode != m->inode || s->known[i].major != m->major ||
				    s->known[i].minor != m->minor))
		i++;
	return i;
}

static void look_into_queue(struct probes_surveyor *s)
{
	probes_inspect(s->queue, s->num_queued, s->thorough);
	for (unsigned int i = 0; i < s->num_queued; i++) {
		if (s->queue[i].done)
			s->known[s->queued[i]].finding = s->queue[i].finding;
		close(s->queue[i].fd);
	}
	s->num_queued = 0;
}

static int add_known(struct probes_surveyor *s, const struct probes_mapping *m)
{
	int fd = probes_scan_open(m);

	if (s->num_known == s->room) {
		size_t room = s->room ? 2 * s->room : 256;
		struct known *more = realloc(s->known, room * sizeof(*more));

		if (!more) {
			if (fd >= 0)
				close(fd);
			return -ENOMEM;
		}
		s->known = more;
		s->room = room;
	}
	s->known[s->num_known] = (struct known){ m->major, m->minor, m->inode, { 0 } };
	if (fd >= 0) {
		s->queue[s->num_queued] = (struct probes_candidate){ .fd = fd };
		s->queued[s->num_queued++] = s->num_known;
	}
	s->num_known++;
	if (s->num_queued == PROBES_BATCH)
		look_into_queue(s);
	return 0;
}

static int on_mapping(void *context, const struct probes_mapping *m)
{
	struct probes_surveyor *s = context;
	size_t at = find(s, m);
	int err;

	for (unsigned int i = 0; i < s->num_files; i++)
		if (s->files[i] == at)
			return 0;
	if (s->num_files == FILES_MAX)
		return 0;
	if (at == s->num_known && (err = add_known(s, m)) != 0)
		return err;
	s->paths[s->num_files] = strdup(m->path);
	if (!s->paths[s->num_files])
		return -ENOMEM;
	s->files[s->num_files++] = at;
	return 0;
}

static void add_library(struct probes_process *p, const char *path, const char *library,
			const char *symbol, const char *reason)
{
	if (p->num_libraries < PROBES_LIBRARIES_MAX)
		p->libraries[p->num_libraries++] =
			(struct probes_library){ path, library, symbol, reason };
}

/* First what is covered, then what is not; unknown TLS code counts where nothing else is. */
static void judge_files(const struct probes_surveyor *s, struct probes_process *p)
{
	for (unsigned int i = 0; i < s->num_files; i++) {
		const struct probes_finding *f = &s->known[s->files[i]].finding;

		for (unsigned int j = 0; j < f->num_places; j++)
			if (!j || f->places[j].hook != f->places[j - 1].hook)
				add_library(p, s->paths[i], probes_hook_library(f->places[j].hook),
					    probes_hook_symbol(f->places[j].hook), NULL);
	}
	p->covered = p->num_libraries > 0;
	for (unsigned int i = 0; i < s->num_files; i++) {
		enum probes_no_hook what = s->known[s->files[i]].finding.no_hook;

		if (what != PROBES_NOT_TLS && (what != PROBES_SOME_TLS || !p->covered))
			add_library(p, s->paths[i], probes_no_hook_library(what), NULL,
				    probes_no_hook_reason(what));
	}
}

static void read_name(pid_t pid, char *out, size_t size)
{
	char path[32];
	FILE *f;

	*out = '\0';
	snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	f = fopen(path, "re");
	if (!f)
		return;
	if (fgets(out, (int)size, f))
		out[strcspn(out, "\n")] = '\0';
	fclose(f);
}

static void read_executable(pid_t pid, char *out, size_t size)
{
	char path[32];
	ssize_t len;

	snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
	len = readlink(path, out, size - 1);
	out[len > 0 ? len : 0] = '\0';
}

static int report(struct probes_surveyor *s, pid_t pid, probes_survey_fn *fn, void *context)
{
	char name[64], executable[PATH_MAX];
	struct probes_process p = { .pid = pid, .name = name, .executable = executable };

	judge_files(s, &p);
	if (!p.num_libraries)
		return 0;
	read_name(pid, name, sizeof(name));
	read_executable(pid, executable, sizeof(executable));
	if (!probes_match(s->options, pid))
		p.unlisted = "no pattern matches it";
	return fn(context, &p);
}

int probes_surveyor_look(struct probes_surveyor *s, pid_t pid, probes_survey_fn *fn, void *context)
{
	int scanned = probes_scan_process(pid, on_mapping, s), err = scanned;

	look_into_queue(s);
	/* A process that ends meanwhile has told something by then. */
	if (scanned != -ENOMEM)
		err = report(s, pid, fn, context);
	for (unsigned int i = 0; i < s->num_files; i++)
		free(s->paths[i]);
	s->num_files = 0;
	return err ? err : scanned;
}

struct probes_surveyor *probes_surveyor_new(const struct probes_options *options, bool thorough)
{
	struct probes_surveyor *s = calloc(1, sizeof(*s));

	if (s) {
		s->options = options;
		s->thorough = thorough;
	}
	return s;
}

size_t probes_surveyor_num_known(const struct probes_surveyor *s)
{
	return s->num_known;
}

void probes_surveyor_forget(struct probes_surveyor *s)
{
	s->num_known = 0;
}

void probes_surveyor_free(struct probes_surveyor *s)
{
	if (s)
		free(s->known);
	free(s);
}

/* ---- all processes ---- */

struct survey {
	struct probes_surveyor *surveyor;
	probes_survey_fn *fn;
	void *context;
	int said;                    /* what fn returned last */
};

static int relay(void *context, const struct probes_process *process)
{
	struct survey *s = context;

	return s->said = s->fn(s->context, process);
}

/* The table of what is recognised is in this program too. */
static bool is_this_program(pid_t pid)
{
	struct stat ours, theirs;
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
	return stat(path, &theirs) == 0 && stat("/proc/self/exe", &ours) == 0 &&
	       ours.st_dev == theirs.st_dev && ours.st_ino == theirs.st_ino;
}

/* Threads of the kernel have no command line, and no TLS library. */
static bool is_program(pid_t pid)
{
	char path[32];
	bool program;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
	f = fopen(path, "re");
	program = f && fgetc(f) != EOF;
	if (f)
		fclose(f);
	return program;
}

static int report_unreadable(struct survey *s, pid_t pid)
{
	char name[64];
	struct probes_process p = { .pid = pid, .name = name, .executable = "", .unreadable = true };

	if (!is_program(pid))
		return 0;
	read_name(pid, name, sizeof(name));
	return s->fn(s->context, &p);
}

static int survey_process(void *context, pid_t pid)
{
	struct survey *s = context;
	int err;

	if (is_this_program(pid))
		return 0;
	err = probes_surveyor_look(s->surveyor, pid, relay, s);
	if (s->said)
		return s->said;
	if (err == -EACCES || err == -EPERM)
		return report_unreadable(s, pid);
	/* A process that has ended, or may not be read, says nothing of the others. */
	return err == -ENOMEM ? err : 0;
}

int probes_survey(const struct probes_options *options, probes_survey_fn *fn, void *context)
{
	struct survey s = { probes_surveyor_new(options, true), fn, context, 0 };
	int err = s.surveyor ? 0 : -ENOMEM;

	if (!err)
		err = probes_scan_pids(survey_process, &s);
	probes_surveyor_free(s.surveyor);
	return err;
}
