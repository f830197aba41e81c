/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What probes.c coordinates. Private to probes*.c.
 */
#ifndef CERTTAP_PROBES_PARTS_H
#define CERTTAP_PROBES_PARTS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "bpf/secret_event.h"
#include "parsers/bytes.h"
#include "userspace/probes/probes.h"

/* ---- probes_table.c: what is looked for in a file ---- */

/* The programs of bpf/secrets.bpf.c. */
enum probes_program {
	PROBES_OPENSSL3, PROBES_OPENSSL1_CTRL, PROBES_OPENSSL1_DERIVE, PROBES_GNUTLS,
	PROBES_NSS_UPDATE, PROBES_NSS_FINISH, PROBES_NSS_DESTROY, PROBES_GO, PROBES_WOLFSSL,
	PROBES_MBEDTLS, PROBES_BORINGSSL, PROBES_LIBRESSL, PROBES_RING_FILL, PROBES_RING_FILLED,
	PROBES_NUM_PROGRAMS,
};

#define PROBES_PLACES_MAX 12

/* One probe in a file. */
struct probes_place {
	uint64_t file_offset;
	uint64_t cookie;         /* see bpf/secret_event.h */
	uint8_t program;         /* enum probes_program */
	uint8_t hook;            /* enum secret_hook */
	uint8_t emulated;
};

/* What a file is, found by its content. */
struct probes_finding {
	uint8_t num_places;
	uint8_t no_hook;         /* enum probes_no_hook, where there are no places */
	uint8_t build_id_len;
	uint8_t build_id[32];    /* its beginning */
	struct probes_place places[PROBES_PLACES_MAX];
};

/* TLS code that is recognised but has no hook. */
enum probes_no_hook {
	PROBES_NOT_TLS, PROBES_SOME_TLS, PROBES_OPENSSL_STRIPPED, PROBES_BORINGSSL_STRIPPED,
	PROBES_AWS_LC_STRIPPED, PROBES_RUSTLS, PROBES_GO_GARBLED, PROBES_JAVA, PROBES_NUM_NO_HOOKS,
};

/* "OpenSSL 3" */
const char *probes_hook_library(enum secret_hook hook);
/* "EVP_KDF_derive" */
const char *probes_hook_symbol(enum secret_hook hook);
const char *probes_no_hook_library(enum probes_no_hook what);
const char *probes_no_hook_reason(enum probes_no_hook what);

/*
 * Looks into a file. With `thorough` also for TLS code without a hook, which reads all of it. Pure: to be
 * called where it does no harm if the file is cut short meanwhile (SIGBUS).
 */
void probes_look(struct bytes file, bool thorough, struct probes_finding *out);

/* ---- probes_inspect.c: the same, in a child ---- */

#define PROBES_BATCH 64

struct probes_candidate {
	int fd;                  /* the file, open for reading */
	bool done;               /* set when `finding` holds */
	struct probes_finding finding;
};

/* Fills `finding` of each; a file that kills or holds up the child is left without `done`. */
void probes_inspect(struct probes_candidate *list, unsigned int num, bool thorough);

/* ---- probes_scan.c: who maps what ---- */

/* An executable mapping of a file. */
struct probes_mapping {
	pid_t pid;
	uint64_t start, end;
	uint32_t major, minor;   /* of the device as the kernel tells it: stat() may differ */
	uint64_t inode;
	uint64_t generation;     /* 0: not told */
	const char *path;        /* as the process sees it; lives until the call returns */
};

typedef int probes_mapping_fn(void *context, const struct probes_mapping *m);

/* The mappings of one process; 0, a negative errno, or what `fn` returned. */
int probes_scan_process(pid_t pid, probes_mapping_fn *fn, void *context);

/* Calls `fn` for each process. A value other than 0 ends it and is returned. */
typedef int probes_pid_fn(void *context, pid_t pid);
int probes_scan_pids(probes_pid_fn *fn, void *context);

/*
 * Opens exactly the mapped file, even where its path now leads to another one. Returns a descriptor or a
 * negative errno.
 */
int probes_scan_open(const struct probes_mapping *m);

/* ---- probes_match.c: which processes ---- */

/* Does the process match one of the patterns? Without patterns every process does. */
bool probes_match(const struct probes_options *options, pid_t pid);

/* ---- probes_survey.c: what one process maps; knows a file that it has looked into again ---- */

struct probes_surveyor;

/* NULL: out of memory. `options` as in probes_survey(), must outlive it; `thorough` as in probes_look(). */
struct probes_surveyor *probes_surveyor_new(const struct probes_options *options, bool thorough);
void probes_surveyor_free(struct probes_surveyor *s);
/*
 * Calls `fn` if the process has TLS code that is recognised. Returns 0, what `fn` returned, or a negative
 * errno: -ESRCH or -ENOENT where there is no such process (any more), -EACCES where it may not be looked at.
 */
int probes_surveyor_look(struct probes_surveyor *s, pid_t pid, probes_survey_fn *fn, void *context);
/* Files are known by their inode's number, and such numbers are used again. */
size_t probes_surveyor_num_known(const struct probes_surveyor *s);
void probes_surveyor_forget(struct probes_surveyor *s);

/* ---- probes_load.c: the kernel side; the one file that knows the skeleton ---- */

struct probes_kernel;

int probes_load(const struct probes_options *options, struct probes_kernel **out, char *why,
		size_t why_size);
void probes_unload(struct probes_kernel *k);
void probes_unload_in_worker(struct probes_kernel *k);
int probes_kernel_program(const struct probes_kernel *k, enum probes_program program);
int probes_kernel_ring(const struct probes_kernel *k);
/* Writes zeros over the next of SECRET_WIPE_PIECES pieces of the ring. False: not now, the reader is behind. */
bool probes_kernel_wipe(const struct probes_kernel *k);
int probes_kernel_listed(const struct probes_kernel *k);   /* map: tgid -> 1 byte */
bool probes_kernel_multi(const struct probes_kernel *k);
const struct secret_counters *probes_kernel_counters(const struct probes_kernel *k, unsigned int *num);

/* ---- probes_wipe.c: nothing stays in the ring ---- */

#define PROBES_WIPE_EVERY_MS 500

struct probes_wipe {
	uint64_t written;        /* records, when it was looked last */
	unsigned int left;       /* pieces until all that was there is gone */
};

/* To be called every PROBES_WIPE_EVERY_MS: a secret is gone from the ring within SECRET_WIPE_PIECES + 1 calls. */
void probes_wipe_turn(struct probes_wipe *w, const struct probes_kernel *k);

/* ---- probes_fork.c: children of listed processes, listed by the kernel itself ---- */

struct listed_bpf;

/* `listed`: the map of probes_kernel_listed(). Where this kernel cannot do it, `*out` stays. */
void probes_fork_open(int listed, struct listed_bpf **out);
void probes_fork_free(struct listed_bpf *skel);
void probes_fork_close_in_worker(struct listed_bpf *skel);

/* ---- probes_attach.c ---- */

/* Has the kernel uprobe_multi (6.6)? 0 or a negative errno. `program` was loaded for it. */
int probes_multi_works(int program);
#define PROBES_ATTACH_TYPE_MULTI 48   /* BPF_TRACE_UPROBE_MULTI, which older headers lack */

struct probes_link {
	int link;
	int event;               /* -1 with uprobe_multi */
};

/* Returns 0 or a negative errno. `file` need not stay open. */
int probes_attach(int program, bool multi, int file, const struct probes_place *place,
		  struct probes_link *out);
void probes_detach(struct probes_link *link);

/* ---- probes_watch.c: the kernel's records of new mappings ---- */

struct probes_watch;

struct probes_watch_handler {
	void (*mapped)(void *context, const struct probes_mapping *m);
	void (*forked)(void *context, pid_t parent, pid_t child);   /* NULL: not asked for */
	void (*lost)(void *context, uint64_t records);
	void *context;
};

int probes_watch_open(const struct probes_watch_handler *handler, struct probes_watch **out, char *why,
		      size_t why_size);
void probes_watch_free(struct probes_watch *w);
int probes_watch_fd(const struct probes_watch *w);
void probes_watch_read(struct probes_watch *w);
/* In a child made by fork(), where the rings are not mapped: closes the descriptors. */
void probes_watch_close_in_worker(struct probes_watch *w);

/* ---- probes_files.c: the files that are known ---- */

struct probes_file {
	struct probes_file *next;
	uint32_t major, minor;
	uint64_t inode, generation;
	uint64_t size;
	int64_t changed_ns;
	uint64_t round;          /* of the slow check, when it was last in use */
	struct probes_target *target;   /* NULL: nothing to probe in it */
};

/* An inode with probes. */
struct probes_target {
	struct probes_target *next;
	uint64_t inode, size;    /* as stat() tells: equal on overlays of one file */
	int64_t changed_ns;
	dev_t device;
	bool overlay;
	uint8_t build_id_len;
	uint8_t build_id[32];
	unsigned int num_files;  /* that lead to it */
	unsigned int num_links;
	struct probes_link links[PROBES_PLACES_MAX];
};

#define PROBES_FILE_BUCKETS 4096
#define PROBES_FILES_MAX 262144

struct probes_files {
	struct probes_file *buckets[PROBES_FILE_BUCKETS];
	struct probes_target *targets;
	unsigned int num_files, num_targets, num_probed;
};

struct probes_file *probes_files_find(struct probes_files *f, const struct probes_mapping *m);
/* NULL: out of memory, or PROBES_FILES_MAX are known. */
struct probes_file *probes_files_add(struct probes_files *f, const struct probes_mapping *m);
void probes_files_remove(struct probes_files *f, struct probes_file *file);
/* Removes what was not in use in `round`. */
void probes_files_expire(struct probes_files *f, uint64_t round);
/* The target that is the same inode as the open file `fd`, or NULL. */
struct stat;
struct probes_target *probes_files_same(struct probes_files *f, int fd, const struct stat *s,
					const struct probes_finding *finding);
/* NULL: out of memory. Not attached yet. */
struct probes_target *probes_files_target(struct probes_files *f, int fd, const struct stat *s,
					  const struct probes_finding *finding);
/* `target` may be NULL. A target that no file leads to any more is detached and freed. */
void probes_files_link(struct probes_files *f, struct probes_file *file, struct probes_target *target);
void probes_files_fini(struct probes_files *f);

#endif
