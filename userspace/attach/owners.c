/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/attach/owners.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "bpf/owner.skel.h"
#include "userspace/attach/attach_parts.h"
#include "userspace/attach/owners_parts.h"
#include "userspace/process/process_feed.h"

#define HOLDERS_PER_READ 512
#define TEND_S 2

/* ---- where the kernel keeps what is asked for ---- */

static const struct btf_type *skip_typedefs(const struct btf *btf, __u32 id)
{
	const struct btf_type *type = btf__type_by_id(btf, id);

	while (type && (btf_is_typedef(type) || btf_is_mod(type)))
		type = btf__type_by_id(btf, type->type);
	return type;
}

/* The place of a member in bytes, or -1. Members of nameless structs and unions count as the outer one's. */
static int member_offset(const struct btf *btf, const struct btf_type *type, const char *name,
			 const struct btf_type **member_type)
{
	const struct btf_member *member;
	const char *member_name;
	int inner;

	if (!type || !btf_is_composite(type))
		return -1;
	member = btf_members(type);
	for (__u16 i = 0; i < btf_vlen(type); i++, member++) {
		member_name = btf__name_by_offset(btf, member->name_off);
		if (member_name && strcmp(member_name, name) == 0) {
			*member_type = skip_typedefs(btf, member->type);
			return (int)(btf_member_bit_offset(type, i) / 8);
		}
		if (member_name && *member_name)
			continue;
		inner = member_offset(btf, skip_typedefs(btf, member->type), name, member_type);
		if (inner >= 0)
			return inner + (int)(btf_member_bit_offset(type, i) / 8);
	}
	return -1;
}

/* "task_struct", "comm" or, one deeper, "sock", "sk_lock", "owned". */
static bool find_offset(const struct btf *btf, const char *of, const char *member, const char *deeper, __u32 *out)
{
	__s32 id = btf__find_by_name_kind(btf, of, BTF_KIND_STRUCT);
	const struct btf_type *type;
	int offset, more = 0;

	if (id < 0)
		return false;
	offset = member_offset(btf, btf__type_by_id(btf, (__u32)id), member, &type);
	if (offset >= 0 && deeper)
		more = member_offset(btf, type, deeper, &type);
	*out = (__u32)(offset + more);
	return offset >= 0 && more >= 0;
}

static int find_offsets(struct owner_offsets *out, char *why, size_t why_size)
{
	struct btf *btf = btf__load_vmlinux_btf();
	bool found;

	if (!btf) {
		snprintf(why, why_size, "the kernel has no BTF (/sys/kernel/btf/vmlinux): %s", strerror(errno));
		return -ENOENT;
	}
	found = find_offset(btf, "sock", "sk_lock", "owned", &out->sock_owned) &&
		find_offset(btf, "task_struct", "group_leader", NULL, &out->task_leader) &&
		find_offset(btf, "task_struct", "tgid", NULL, &out->task_tgid) &&
		find_offset(btf, "task_struct", "start_boottime", NULL, &out->task_start) &&
		find_offset(btf, "task_struct", "comm", NULL, &out->task_name);
	btf__free(btf);
	if (found)
		return 0;
	snprintf(why, why_size, "this kernel keeps its sockets and tasks in another way");
	return -ENOENT;
}

/* ---- sockets that are older than the programs ---- */

static int compare_holders(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct socket_holder));
}

static bool keep_holders(struct owners *o, const struct socket_holder *some, size_t num)
{
	size_t max = o->max_holders ? o->max_holders : HOLDERS_PER_READ;
	struct socket_holder *larger;

	while (o->num_holders + num > max)
		max *= 2;
	if (max != o->max_holders) {
		larger = realloc(o->holders, max * sizeof(*larger));
		if (!larger)
			return false;
		o->holders = larger;
		o->max_holders = max;
	}
	memcpy(o->holders + o->num_holders, some, num * sizeof(*some));
	o->num_holders += num;
	return true;
}

/* Whole records are read: the kernel gives each line of an iterator at once. */
static int read_holders(struct owners *o, int fd)
{
	struct socket_holder some[HOLDERS_PER_READ];
	ssize_t n;

	while ((n = read(fd, some, sizeof(some))) != 0) {
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n < 0)
			return -errno;
		if (!keep_holders(o, some, (size_t)n / sizeof(some[0])))
			return -ENOMEM;
	}
	qsort(o->holders, o->num_holders, sizeof(*o->holders), compare_holders);
	o->shared->counters.sockets = o->num_holders;
	return 0;
}

int owners_look(struct owners *o)
{
	int link = bpf_link_create(bpf_program__fd(o->skel->progs.certtap_holders), 0, BPF_TRACE_ITER, NULL);
	int iterator, err;

	if (link < 0)
		return -errno;
	iterator = bpf_iter_create(link);
	err = iterator < 0 ? -errno : 0;
	o->num_holders = 0;
	if (!err)
		err = read_holders(o, iterator);
	if (iterator >= 0)
		close(iterator);
	close(link);
	return err;
}

/* ---- opening ---- */

static int silent(enum libbpf_print_level level, const char *format, va_list args)
{
	(void)level;
	(void)format;
	(void)args;
	return 0;
}

static int load(struct owners *o, char *why, size_t why_size)
{
	libbpf_print_fn_t before = libbpf_set_print(silent);
	int err = 0;

	o->skel = owner_bpf__open_and_load();
	if (!o->skel)
		err = -errno;
	else
		o->skel->links.certtap_state = bpf_program__attach(o->skel->progs.certtap_state);
	if (!err && !o->skel->links.certtap_state)
		err = -errno;
	libbpf_set_print(before);
	if (err)
		snprintf(why, why_size, "the kernel refuses: %s", strerror(-err));
	return err;
}

/* Without it the owners of UDP sockets are those that hold them at the start. */
static void attach_create(struct owners *o)
{
	char why[256];
	bool whole;
	int root = attach_cgroup_root(&whole, why, sizeof(why));

	if (root < 0)
		return;
	o->create_link = bpf_link_create(bpf_program__fd(o->skel->progs.certtap_create), root,
					 BPF_CGROUP_INET_SOCK_CREATE, NULL);
	close(root);
}

int owners_open(struct owners **out, char *why, size_t why_size)
{
	struct owners *o = calloc(1, sizeof(*o));
	int err;

	if (!o) {
		snprintf(why, why_size, "out of memory");
		return -ENOMEM;
	}
	o->create_link = o->feed[0] = o->feed[1] = o->announcements_fd = o->timer = -1;
	o->shared = mmap(NULL, sizeof(*o->shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (o->shared == MAP_FAILED) {
		free(o);
		snprintf(why, why_size, "out of memory");
		return -ENOMEM;
	}
	err = find_offsets(&o->offsets, why, why_size);
	if (!err)
		err = load(o, why, why_size);
	if (!err) {
		attach_create(o);
		err = owners_look(o);
		if (!err)
			err = process_feed_open(o->feed);
		if (err)
			snprintf(why, why_size, "looking for sockets: %s", strerror(-err));
	}
	if (err) {
		owners_free(o);
		return err;
	}
	*out = o;
	return 0;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void owners_free(struct owners *o)
{
	if (!o)
		return;
	owners_tell_end(o);
	munmap(o->shared, sizeof(*o->shared));
	close_fd(&o->timer);
	close_fd(&o->create_link);
	close_fd(&o->feed[0]);
	close_fd(&o->feed[1]);
	owner_bpf__destroy(o->skel);
	free(o->holders);
	free(o);
}

void owners_share(const struct owners *o, struct owners_share *out)
{
	out->sockets_fd = bpf_map__fd(o->skel->maps.socket_owners);
	out->offsets = o->offsets;
}

int owners_follow(struct owners *o, int announcements_fd)
{
	const struct itimerspec times = { .it_value.tv_nsec = 1, .it_interval.tv_sec = TEND_S };

	o->announcements_fd = announcements_fd;
	o->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (o->timer < 0 || timerfd_settime(o->timer, 0, &times, NULL) != 0)
		return -errno;
	return owners_look(o);
}

int owners_fd(const struct owners *o)
{
	return o->timer;
}

void owners_poll(void *owners)
{
	struct owners *o = owners;
	uint64_t times;

	if (read(o->timer, &times, sizeof(times)) == (ssize_t)sizeof(times))
		owners_tend(o);
}

int owners_close_in_worker(struct owners *o)
{
	int feed = o->feed[0];

	o->feed[0] = -1;
	close_fd(&o->timer);
	close_fd(&o->create_link);
	close_fd(&o->feed[1]);
	munmap(o->shared, sizeof(*o->shared));
	close(bpf_map__fd(o->skel->maps.socket_owners));
	close(bpf_program__fd(o->skel->progs.certtap_state));
	close(bpf_program__fd(o->skel->progs.certtap_create));
	close(bpf_program__fd(o->skel->progs.certtap_holders));
	close(bpf_link__fd(o->skel->links.certtap_state));
	return feed;
}

const struct owners_counters *owners_counters(const struct owners *o)
{
	return &o->shared->counters;
}
