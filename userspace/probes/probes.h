/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Probes in the TLS libraries of this host's processes, for handshake secrets: the monitor's part. It
 * never sees a secret; those go from the kernel to the worker's ring (source_secrets.h).
 *
 * A probe belongs to a file's inode, so it covers each process that maps the file, now and later, in any
 * namespace. So what is kept is the set of mapped files: one scan of /proc/PID/maps at the start, then
 * the kernel's records of new executable mappings, and a slow check that takes away what nobody
 * uses any more and finds what was missed. The first handshake on a file that nobody has mapped
 * before can come some milliseconds too early; nothing after it.
 *
 * Files are recognised by their content and parsed in a child without any power (probes_inspect.c).
 *
 * Needs CAP_BPF and CAP_PERFMON (before Linux 6.6 also CAP_SYS_ADMIN), and for processes of others
 * CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH, and CAP_CHECKPOINT_RESTORE for files that were deleted while
 * in use: also later, in probes_poll().
 *
 * Chosen processes (PROBES_PATTERNS): only what they map is probed, and of all that share it the kernel
 * side looks at them alone, by pid. A process is judged when it maps something executable, so at each
 * execve(2); its children are like it until then, from the fork on (without BTF: some milliseconds
 * later). A process that is moved to a matching cgroup without an execve(2) is found by the slow
 * check.
 */
#ifndef CERTTAP_PROBES_H
#define CERTTAP_PROBES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "bpf/secret_event.h"

enum probes_which { PROBES_OFF, PROBES_ALL, PROBES_PATTERNS };

struct probes_options {
	enum probes_which which;
	/*
	 * Shell patterns (fnmatch(3)). A process matches by its executable's path or the last part of
	 * it, by its cgroup's path or any one part of it: "/usr/sbin/nginx", "nginx", "nginx.service".
	 */
	const char *const *patterns;
	unsigned int num_patterns;
	bool client_secrets;     /* "c hs traffic" too */
	uint32_t ring_bytes;     /* a power of two; default 256 KiB */
	unsigned int check_seconds;  /* between two slow checks; default 60 */
	bool without_multi;      /* begin the ladder at single uprobes */
	bool without_sleep;      /* programs that cannot wait for a page */
	bool without_wipe;       /* what was read stays in the ring until later records lie over it */
	bool without_fork;       /* children are listed when user space hears of them */
};

#define PROBES_OPTIONS_DEFAULT { .which = PROBES_OFF, .ring_bytes = 256u << 10, \
				 .check_seconds = 60 }

struct probes;

/*
 * Loads, scans, attaches. `options` and its patterns must outlive `*out`. On success the caller frees
 * with probes_free(), which takes every probe away. On failure returns a negative errno, nothing stays
 * behind and `why` tells a person what is missing. Raises the limit of open files to what is allowed.
 */
int probes_open(const struct probes_options *options, struct probes **out, char *why,
		size_t why_size);
void probes_free(struct probes *p);

/* "" or one line: what works less well than it could, and why. */
const char *probes_note(const struct probes *p);

/* Readable when there is something for probes_poll() to do, which never blocks for long. */
int probes_fd(const struct probes *p);
void probes_poll(struct probes *p);

int probes_ring_fd(const struct probes *p);
/* Shared with the kernel; `*num` lines, to be summed. Stays valid in a child made by fork(). */
const struct secret_counters *probes_counters(const struct probes *p, unsigned int *num);

/* In a child made by fork(), as attach_close_in_worker(): keeps the ring's descriptor only. */
void probes_close_in_worker(struct probes *p);

struct probes_state {
	unsigned int files;      /* mapped executable, known */
	unsigned int probed;     /* of these, with probes; several may be one inode */
	unsigned int targets;    /* inodes with probes */
	uint64_t inspected;      /* files looked into since the start */
	uint64_t refused;        /* targets that the kernel would not probe */
	uint64_t unopened;       /* mapped files that could not be opened, or were others by then */
	uint64_t records_lost;   /* of the kernel's; each loss makes a full scan */
};

void probes_state(const struct probes *p, struct probes_state *out);

/* ---- for `certtap doctor`: who would be covered. Nothing is loaded or attached. ---- */

struct probes_library {
	const char *path;        /* as the process sees it */
	const char *library;     /* "OpenSSL 3", "GnuTLS" ... */
	const char *symbol;      /* the hook; NULL: known, but no hook in it */
	const char *reason;      /* then: why */
};

#define PROBES_LIBRARIES_MAX 16   /* of one process */

struct probes_process {
	pid_t pid;
	const char *name;
	const char *executable;
	const char *unlisted;    /* NULL, or why the patterns leave it out */
	unsigned int num_libraries;
	bool covered;            /* at least one has a hook */
	bool unreadable;         /* this process may not look at it: nothing else is known than its name */
	struct probes_library libraries[PROBES_LIBRARIES_MAX];
};

/* Everything in `process` lives until it returns. A value other than 0 stops the survey. */
typedef int probes_survey_fn(void *context, const struct probes_process *process);

/*
 * Each process that has TLS code which is recognised. `options` may be NULL: all processes. Returns 0,
 * what `fn` returned, or a negative errno.
 */
int probes_survey(const struct probes_options *options, probes_survey_fn *fn, void *context);

/* Does any process that runs now match this pattern? */
bool probes_pattern_matches(const char *pattern);

#endif
