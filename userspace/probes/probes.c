/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Coordinates: which processes, which of their files, which probes; kept up to date.
 */
#include "userspace/probes/probes.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "userspace/probes/probes_parts.h"

#define NS_PER_S 1000000000LL
#define FIRST_PID_NAMESPACE 0xEFFFFFFCU   /* PROC_PID_INIT_INO of linux/proc_ns.h */

/* A file to be looked into. */
struct newcomer {
	struct probes_file *file;
	int fd;
	struct stat stat;
};

struct probes {
	const struct probes_options *options;
	struct probes_kernel *kernel;
	struct listed_bpf *fork;     /* NULL: not asked for, or it cannot be attached */
	struct probes_watch *watch;
	struct probes_files files;
	struct newcomer queue[PROBES_BATCH];
	unsigned int num_queued;
	uint64_t round;              /* of the slow check */
	bool check_due;
	struct probes_wipe wipe;
	int timer, wipe_timer, epoll;
	uint64_t inspected, refused, unopened, records_lost;
	char note[256];
};

/* ---- processes ---- */

/* Enters the process where it matches, takes it out where it does not (any more). */
static bool list_process(struct probes *p, pid_t pid)
{
	uint32_t key = (uint32_t)pid;
	uint8_t one = 1;

	if (p->options->which != PROBES_PATTERNS)
		return true;
	if (probes_match(p->options, pid)) {
		bpf_map_update_elem(probes_kernel_listed(p->kernel), &key, &one, BPF_ANY);
		return true;
	}
	bpf_map_delete_elem(probes_kernel_listed(p->kernel), &key);
	return false;
}

static bool is_listed(const struct probes *p, pid_t pid)
{
	uint32_t key = (uint32_t)pid;
	uint8_t one;

	return bpf_map_lookup_elem(probes_kernel_listed(p->kernel), &key, &one) == 0;
}

/*
 * Until it executes something else a child is what its parent is, and the kernel side lists it as
 * such. Where that cannot be (no BTF), or the parent was not judged yet, it is done here. Records of
 * different CPUs come in any order: what the child has executed since may be known already, so /proc
 * decides where the two differ.
 */
static void on_forked(void *context, pid_t parent, pid_t child)
{
	struct probes *p = context;

	if (is_listed(p, parent) != is_listed(p, child))
		list_process(p, child);
}

static void unlist_the_dead(struct probes *p)
{
	int map = probes_kernel_listed(p->kernel);
	uint32_t pid = 0, next;
	char path[32];
	int more = bpf_map_get_next_key(map, NULL, &pid);

	while (more == 0) {
		more = bpf_map_get_next_key(map, &pid, &next);
		snprintf(path, sizeof(path), "/proc/%u", pid);
		if (access(path, F_OK) != 0)
			bpf_map_delete_elem(map, &pid);
		pid = next;
	}
}

/* ---- files ---- */

static int64_t changed_ns(const struct stat *s)
{
	return s->st_ctim.tv_sec * NS_PER_S + s->st_ctim.tv_nsec;
}

static void attach_target(struct probes *p, const struct newcomer *n,
			  const struct probes_finding *finding)
{
	struct probes_target *t = probes_files_target(&p->files, n->fd, &n->stat, finding);
	int err = t ? 0 : -ENOMEM;

	for (unsigned int i = 0; !err && i < finding->num_places; i++) {
		const struct probes_place *place = &finding->places[i];

		err = probes_attach(probes_kernel_program(p->kernel, place->program),
				    probes_kernel_multi(p->kernel), n->fd, place,
				    &t->links[t->num_links]);
		t->num_links += !err;
	}
	if (t)
		probes_files_link(&p->files, n->file, t);
	if (!err)
		return;
	/* Half of a hook is none: what is attached goes with the target. */
	probes_files_link(&p->files, n->file, NULL);
	p->refused++;
	if (!*p->note)
		snprintf(p->note, sizeof(p->note), "a %s could not be probed: %s",
			 probes_hook_library(finding->places[0].hook), strerror(-err));
}

static void settle_newcomer(struct probes *p, const struct newcomer *n,
			    const struct probes_candidate *c)
{
	struct probes_target *same;

	p->inspected++;
	if (!c->done || !c->finding.num_places)
		return;
	same = probes_files_same(&p->files, n->fd, &n->stat, &c->finding);
	if (same)
		probes_files_link(&p->files, n->file, same);
	else
		attach_target(p, n, &c->finding);
}

static void flush_queue(struct probes *p)
{
	struct probes_candidate list[PROBES_BATCH];
	unsigned int num = p->num_queued;

	p->num_queued = 0;
	memset(list, 0, sizeof(list));
	for (unsigned int i = 0; i < num; i++)
		list[i].fd = p->queue[i].fd;
	probes_inspect(list, num, false);
	for (unsigned int i = 0; i < num; i++) {
		settle_newcomer(p, &p->queue[i], &list[i]);
		close(p->queue[i].fd);
	}
}

/*
 * Numbers of inodes are used again. The kernel's generation tells; where there is none, the file's size
 * and time do, if its path still leads to it.
 */
static bool is_same(struct probes_file *file, const struct probes_mapping *m)
{
	char path[PATH_MAX + 64];
	struct stat s;

	if (m->generation && file->generation)
		return m->generation == file->generation;
	snprintf(path, sizeof(path), "/proc/%d/root%s", (int)m->pid, m->path);
	if (stat(path, &s) == 0 && s.st_ino == m->inode &&
	    ((uint64_t)s.st_size != file->size || changed_ns(&s) != file->changed_ns))
		return false;
	if (m->generation)
		file->generation = m->generation;
	return true;
}

static bool is_queued(const struct probes *p, const struct probes_file *file)
{
	for (unsigned int i = 0; i < p->num_queued; i++)
		if (p->queue[i].file == file)
			return true;
	return false;
}

static void queue_file(struct probes *p, const struct probes_mapping *m)
{
	struct newcomer *n = &p->queue[p->num_queued];

	n->fd = probes_scan_open(m);
	if (n->fd < 0 || fstat(n->fd, &n->stat) != 0 || !(n->file = probes_files_add(&p->files, m))) {
		p->unopened++;
		if (n->fd >= 0)
			close(n->fd);
		return;
	}
	n->file->size = (uint64_t)n->stat.st_size;
	n->file->changed_ns = changed_ns(&n->stat);
	n->file->round = p->round;
	if (++p->num_queued == PROBES_BATCH)
		flush_queue(p);
}

static void take_mapping(struct probes *p, const struct probes_mapping *m, bool scanning)
{
	struct probes_file *file = probes_files_find(&p->files, m);

	/* A scan meets a file once for each of its users: once is enough. */
	if (scanning && file && file->round == p->round)
		return;
	if (file && (is_queued(p, file) || is_same(file, m))) {
		file->round = p->round;
		return;
	}
	if (file)
		probes_files_remove(&p->files, file);
	queue_file(p, m);
}

static void on_mapped(void *context, const struct probes_mapping *m)
{
	struct probes *p = context;

	if (list_process(p, m->pid))
		take_mapping(p, m, false);
}

static int on_scanned(void *context, const struct probes_mapping *m)
{
	take_mapping(context, m, true);
	return 0;
}

static int scan_process(void *context, pid_t pid)
{
	struct probes *p = context;

	if (list_process(p, pid))
		probes_scan_process(pid, on_scanned, p);
	return 0;
}

/* All processes: what is missing is added, what nobody uses is removed. */
static void check(struct probes *p)
{
	p->round++;
	p->check_due = false;
	if (p->options->which == PROBES_PATTERNS)
		unlist_the_dead(p);
	if (probes_scan_pids(scan_process, p) != 0)
		return;
	flush_queue(p);
	probes_files_expire(&p->files, p->round);
}

static void on_lost(void *context, uint64_t records)
{
	struct probes *p = context;

	p->records_lost += records;
	p->check_due = true;
}

/* ---- the whole ---- */

/* Returns 0 or a negative errno. */
static int start_timer(int epoll, struct timespec every, int *timer)
{
	struct itimerspec when = { every, every };
	struct epoll_event event = { .events = EPOLLIN };

	*timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (*timer < 0 || timerfd_settime(*timer, 0, &when, NULL) != 0 ||
	    epoll_ctl(epoll, EPOLL_CTL_ADD, *timer, &event) != 0)
		return -errno;
	return 0;
}

static int start_timers(struct probes *p)
{
	time_t check_s = p->options->check_seconds ? p->options->check_seconds : 60;
	struct epoll_event event = { .events = EPOLLIN };
	int err;

	p->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (p->epoll < 0 || epoll_ctl(p->epoll, EPOLL_CTL_ADD, probes_watch_fd(p->watch), &event) != 0)
		return -errno;
	err = start_timer(p->epoll, (struct timespec){ check_s, 0 }, &p->timer);
	if (err)
		return err;
	return start_timer(p->epoll, (struct timespec){ 0, PROBES_WIPE_EVERY_MS * 1000000L }, &p->wipe_timer);
}

static bool expired(int timer)
{
	uint64_t expirations;

	return read(timer, &expirations, sizeof(expirations)) == (ssize_t)sizeof(expirations);
}

/* Each probe is a descriptor or two. */
static void raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

/* The kernel side counts processes from the first namespace. */
static int check_options(const struct probes_options *o, char *why, size_t why_size)
{
	struct stat s;

	if (o->which == PROBES_OFF) {
		snprintf(why, why_size, "Probes are not asked for.");
		return -EINVAL;
	}
	if (o->which == PROBES_PATTERNS &&
	    (stat("/proc/self/ns/pid", &s) != 0 || s.st_ino != FIRST_PID_NAMESPACE)) {
		snprintf(why, why_size,
			 "Processes can only be chosen in the host's pid namespace.\n"
			 "Start the container with the host's pids, or probe all of them.");
		return -EOPNOTSUPP;
	}
	return 0;
}

static int open_parts(struct probes *p, char *why, size_t why_size)
{
	struct probes_watch_handler handler = {
		.mapped = on_mapped, .lost = on_lost, .context = p,
		.forked = p->options->which == PROBES_PATTERNS ? on_forked : NULL,
	};
	int err = check_options(p->options, why, why_size);

	if (err || (err = probes_load(p->options, &p->kernel, why, why_size)) != 0 ||
	    (err = probes_watch_open(&handler, &p->watch, why, why_size)) != 0)
		return err;
	/* Before the first process is listed: no child of one is missed. */
	if (p->options->which == PROBES_PATTERNS && !p->options->without_fork)
		probes_fork_open(probes_kernel_listed(p->kernel), &p->fork);
	err = start_timers(p);
	if (err)
		snprintf(why, why_size, "No timer for the probes: %s.", strerror(-err));
	return err;
}

int probes_open(const struct probes_options *options, struct probes **out, char *why,
		size_t why_size)
{
	struct probes *p = calloc(1, sizeof(*p));
	int err;

	if (!p) {
		snprintf(why, why_size, "Out of memory.");
		return -ENOMEM;
	}
	p->options = options;
	p->timer = p->wipe_timer = p->epoll = -1;
	raise_descriptor_limit();
	err = open_parts(p, why, why_size);
	if (err) {
		probes_free(p);
		return err;
	}
	if (!probes_kernel_multi(p->kernel))
		snprintf(p->note, sizeof(p->note),
			 "no uprobe_multi here (Linux 6.6): single uprobes instead");
	check(p);
	if (!p->files.num_targets && p->refused) {
		snprintf(why, why_size,
			 "No probe can be attached: %s.\n"
			 "Run as root, or with CAP_BPF and CAP_PERFMON (before Linux 6.6 also "
			 "CAP_SYS_ADMIN).",
			 p->note);
		probes_free(p);
		return -EPERM;
	}
	if (!*p->note && options->which == PROBES_PATTERNS && !p->fork)
		snprintf(p->note, sizeof(p->note),
			 "children of the chosen processes are known some milliseconds late: "
			 "no BTF here");
	*out = p;
	return 0;
}

void probes_free(struct probes *p)
{
	if (!p)
		return;
	probes_files_fini(&p->files);
	probes_watch_free(p->watch);
	probes_fork_free(p->fork);
	probes_unload(p->kernel);
	if (p->timer >= 0)
		close(p->timer);
	if (p->wipe_timer >= 0)
		close(p->wipe_timer);
	if (p->epoll >= 0)
		close(p->epoll);
	free(p);
}

const char *probes_note(const struct probes *p)
{
	return p->note;
}

int probes_fd(const struct probes *p)
{
	return p->epoll;
}

void probes_poll(struct probes *p)
{
	probes_watch_read(p->watch);
	flush_queue(p);
	if (expired(p->wipe_timer) && !p->options->without_wipe)
		probes_wipe_turn(&p->wipe, p->kernel);
	if (expired(p->timer))
		p->check_due = true;
	if (p->check_due)
		check(p);
}

int probes_ring_fd(const struct probes *p)
{
	return probes_kernel_ring(p->kernel);
}

const struct secret_counters *probes_counters(const struct probes *p, unsigned int *num)
{
	return probes_kernel_counters(p->kernel, num);
}

void probes_close_in_worker(struct probes *p)
{
	for (struct probes_target *t = p->files.targets; t; t = t->next)
		for (unsigned int i = 0; i < t->num_links; i++)
			probes_detach(&t->links[i]);
	probes_watch_close_in_worker(p->watch);
	probes_fork_close_in_worker(p->fork);
	probes_unload_in_worker(p->kernel);
	close(p->timer);
	close(p->wipe_timer);
	close(p->epoll);
}

void probes_state(const struct probes *p, struct probes_state *out)
{
	*out = (struct probes_state){
		.files = p->files.num_files,
		.probed = p->files.num_probed,
		.targets = p->files.num_targets,
		.inspected = p->inspected,
		.refused = p->refused,
		.unopened = p->unopened,
		.records_lost = p->records_lost,
	};
}
