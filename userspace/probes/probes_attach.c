/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One probe at one file offset: uprobe_multi, else a uprobe by perf_event_open(2). Both by raw system
 * calls, since libbpf before 1.3 lacks the former, and by name neither works on versioned symbols.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "userspace/probes/probes_parts.h"

/* union bpf_attr for BPF_LINK_CREATE as Linux 6.6 has it, for headers that do not. */
struct link_create_multi {
	uint32_t prog_fd, target_fd, attach_type, flags;
	uint64_t path, offsets, ref_ctr_offsets, cookies;
	uint32_t count, multi_flags, pid, pad;
};

static int create_multi(int program, const char *path, const uint64_t *offset, const uint64_t *cookie)
{
	struct link_create_multi attr = {
		.prog_fd = (uint32_t)program,
		.attach_type = PROBES_ATTACH_TYPE_MULTI,
		.path = (uint64_t)(uintptr_t)path,
		.offsets = (uint64_t)(uintptr_t)offset,
		.cookies = (uint64_t)(uintptr_t)cookie,
		.count = 1,
	};
	int fd = (int)syscall(SYS_bpf, BPF_LINK_CREATE, &attr, sizeof(attr));

	return fd < 0 ? -errno : fd;
}

/* A directory is refused as one, once the rest of the call is understood. */
int probes_multi_works(int program)
{
	uint64_t offset = 0, cookie = 0;
	int fd = create_multi(program, "/", &offset, &cookie);

	if (fd >= 0)
		close(fd);
	return fd >= 0 || fd == -EBADF ? 0 : fd;
}

/* Dynamic PMUs have their number there. */
static int uprobe_type(void)
{
	FILE *f = fopen("/sys/bus/event_source/devices/uprobe/type", "re");
	int type = -ENOENT;

	if (!f)
		return -errno;
	if (fscanf(f, "%d", &type) != 1)
		type = -EINVAL;
	fclose(f);
	return type;
}

static int open_event(const char *path, uint64_t offset)
{
	struct perf_event_attr attr = { .size = sizeof(attr) };
	int type = uprobe_type(), fd;

	if (type < 0)
		return type;
	attr.type = (uint32_t)type;
	attr.uprobe_path = (uint64_t)(uintptr_t)path;
	attr.probe_offset = offset;
	fd = (int)syscall(SYS_perf_event_open, &attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int attach_single(int program, const char *path, const struct probes_place *place,
			 struct probes_link *out)
{
	DECLARE_LIBBPF_OPTS(bpf_link_create_opts, opts, .perf_event.bpf_cookie = place->cookie);
	int event = open_event(path, place->file_offset), err;

	if (event < 0)
		return event;
	out->link = bpf_link_create(program, event, BPF_PERF_EVENT, &opts);
	err = out->link < 0 ? -errno : 0;
	if (!err && ioctl(event, PERF_EVENT_IOC_ENABLE, 0) != 0)
		err = -errno;
	out->event = event;
	if (err)
		probes_detach(out);
	return err;
}

int probes_attach(int program, bool multi, int file, const struct probes_place *place,
		  struct probes_link *out)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	out->link = out->event = -1;
	if (!multi)
		return attach_single(program, path, place, out);
	out->link = create_multi(program, path, &place->file_offset, &place->cookie);
	return out->link < 0 ? out->link : 0;
}

void probes_detach(struct probes_link *link)
{
	if (link->link >= 0)
		close(link->link);
	if (link->event >= 0)
		close(link->event);
	link->link = link->event = -1;
}
