/* SPDX-License-Identifier: Apache-2.0 */
/*
 * New executable mappings of all processes, from the records that perf keeps for profilers: an event
 * per CPU that counts nothing and tells mmap(2) (PERF_RECORD_MMAP2 in perf_event_open(2)).
 */
#include <errno.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bpf/libbpf.h>

#include "userspace/probes/probes_parts.h"

#define RING_PAGES 16               /* a power of two: about 600 records before one is lost */

struct ring {
	int fd;
	struct perf_event_mmap_page *head;   /* and the data behind */
};

struct probes_watch {
	struct probes_watch_handler handler;
	int epoll;
	size_t page, data_size;
	unsigned int num_rings;
	struct ring *rings;
	uint8_t record[1 << 16];             /* one that wraps, put together; also aligned */
};

struct mmap2_record {
	struct perf_event_header header;
	uint32_t pid, tid;
	uint64_t addr, len, pgoff;
	uint32_t major, minor;
	uint64_t inode, generation;
	uint32_t prot, flags;
	char path[];
};

struct task_record {
	struct perf_event_header header;
	uint32_t pid, ppid, tid, ptid;
	uint64_t time;
};

struct lost_record {
	struct perf_event_header header;
	uint64_t id, lost;
};

static void on_mmap2(struct probes_watch *w, const struct mmap2_record *r, size_t size)
{
	struct probes_mapping m;

	if (size <= sizeof(*r) || !memchr(r->path, '\0', size - sizeof(*r)) || r->path[0] != '/' ||
	    r->path[1] == '/' || !r->inode)       /* "//anon" */
		return;
	m = (struct probes_mapping){
		.pid = (pid_t)r->pid,
		.start = r->addr,
		.end = r->addr + r->len,
		.major = r->major,
		.minor = r->minor,
		.inode = r->inode,
		.generation = r->generation,
		.path = r->path,
	};
	w->handler.mapped(w->handler.context, &m);
}

static void on_record(struct probes_watch *w, size_t size)
{
	const struct perf_event_header *header = (const void *)w->record;
	const struct task_record *task = (const void *)w->record;
	const struct lost_record *lost = (const void *)w->record;

	if (header->type == PERF_RECORD_MMAP2)
		on_mmap2(w, (const void *)w->record, size);
	else if (header->type == PERF_RECORD_FORK && size >= sizeof(*task) && w->handler.forked &&
		 task->pid != task->ppid)
		w->handler.forked(w->handler.context, (pid_t)task->ppid, (pid_t)task->pid);
	else if (header->type == PERF_RECORD_LOST && size >= sizeof(*lost))
		w->handler.lost(w->handler.context, lost->lost);
}

static void copy_out(const struct probes_watch *w, const struct ring *ring, uint64_t at, void *to,
		     size_t len)
{
	const uint8_t *data = (const uint8_t *)ring->head + w->page;
	size_t from = at & (w->data_size - 1), first = w->data_size - from;

	if (first > len)
		first = len;
	memcpy(to, data + from, first);
	memcpy((uint8_t *)to + first, data, len - first);
}

static void read_ring(struct probes_watch *w, struct ring *ring)
{
	uint64_t head = __atomic_load_n(&ring->head->data_head, __ATOMIC_ACQUIRE);
	uint64_t tail = ring->head->data_tail;
	struct perf_event_header header;

	while (head - tail >= sizeof(header)) {
		copy_out(w, ring, tail, &header, sizeof(header));
		if (header.size < sizeof(header) || header.size > head - tail)
			break;
		copy_out(w, ring, tail, w->record, header.size);
		tail += header.size;
		on_record(w, header.size);
	}
	__atomic_store_n(&ring->head->data_tail, tail, __ATOMIC_RELEASE);
}

static int open_dummy(int cpu, bool tasks)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_SW_DUMMY,
		.sample_type = PERF_SAMPLE_TID,
		.mmap = 1,                   /* executable ones; mmap_data would be the others */
		.mmap2 = 1,
		.task = tasks,
		.watermark = 1,
		.wakeup_watermark = 1,       /* at once */
		.exclude_kernel = 1,
	};
	int fd = (int)syscall(SYS_perf_event_open, &attr, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

static int add_cpu(struct probes_watch *w, int cpu)
{
	struct epoll_event event = { .events = EPOLLIN };
	struct ring *ring = &w->rings[w->num_rings];
	void *map;

	ring->fd = open_dummy(cpu, w->handler.forked != NULL);
	if (ring->fd < 0)
		return ring->fd == -ENODEV ? 0 : ring->fd;   /* a CPU that is off */
	map = mmap(NULL, w->page + w->data_size, PROT_READ | PROT_WRITE, MAP_SHARED, ring->fd, 0);
	if (map == MAP_FAILED || epoll_ctl(w->epoll, EPOLL_CTL_ADD, ring->fd, &event) != 0) {
		int err = -errno;

		if (map != MAP_FAILED)
			munmap(map, w->page + w->data_size);
		close(ring->fd);
		return err;
	}
	madvise(map, w->page + w->data_size, MADV_DONTFORK);
	ring->head = map;
	w->num_rings++;
	return 0;
}

int probes_watch_open(const struct probes_watch_handler *handler, struct probes_watch **out, char *why,
		      size_t why_size)
{
	struct probes_watch *w = calloc(1, sizeof(*w));
	int cpus = libbpf_num_possible_cpus(), err = cpus < 0 ? cpus : 0;

	if (w)
		w->rings = calloc(cpus > 0 ? (size_t)cpus : 1, sizeof(*w->rings));
	if (!w || !w->rings) {
		free(w);
		snprintf(why, why_size, "Out of memory.");
		return -ENOMEM;
	}
	w->handler = *handler;
	w->page = (size_t)sysconf(_SC_PAGESIZE);
	w->data_size = w->page * RING_PAGES;
	w->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (w->epoll < 0)
		err = -errno;
	for (int cpu = 0; cpu < cpus && !err; cpu++)
		err = add_cpu(w, cpu);
	if (err) {
		snprintf(why, why_size,
			 "New mappings of programs cannot be followed (perf_event_open): %s.\n"
			 "Run as root, or with CAP_PERFMON.", strerror(-err));
		probes_watch_free(w);
		return err;
	}
	*out = w;
	return 0;
}

void probes_watch_free(struct probes_watch *w)
{
	if (!w)
		return;
	for (unsigned int i = 0; i < w->num_rings; i++) {
		munmap(w->rings[i].head, w->page + w->data_size);
		close(w->rings[i].fd);
	}
	if (w->epoll >= 0)
		close(w->epoll);
	free(w->rings);
	free(w);
}

int probes_watch_fd(const struct probes_watch *w)
{
	return w->epoll;
}

void probes_watch_read(struct probes_watch *w)
{
	for (unsigned int i = 0; i < w->num_rings; i++)
		read_ring(w, &w->rings[i]);
}

void probes_watch_close_in_worker(struct probes_watch *w)
{
	for (unsigned int i = 0; i < w->num_rings; i++)
		close(w->rings[i].fd);
	close(w->epoll);
}
