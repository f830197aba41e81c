/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loads the kernel side and coordinates its attachments. The one file that knows the skeleton.
 */
#include <errno.h>
#include <linux/capability.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "bpf/event.h"
#include "bpf/owner_event.h"      /* before the skeleton, which uses it */
#include "bpf/handshake.skel.h"
#include "userspace/attach/attach.h"
#include "userspace/attach/attach_parts.h"
#include "userspace/attach/owners.h"

#define DEBUG_VARIABLE "CERTTAP_LIBBPF_DEBUG"   /* set: libbpf speaks for itself, on stderr */
#define PACE_NS 5000000   /* between two interfaces: an attachment holds the lock of all of them */

/* One interface, or, with ifindex 0, this host. */
struct place {
	enum attach_rung rung;
	struct attach_device device;
	int links[2];                    /* ingress and egress, -1 where there is none */
	struct attach_clsact clsact;
};

struct attach {
	struct handshake_bpf *skel;
	struct place *places;
	unsigned int num_places;
	void *shared;                    /* .bss, read only */
	size_t shared_size;
	const struct event_counters *counters;
	char note[256];
};

const char *attach_rung_name(enum attach_rung rung)
{
	static const char *const names[ATTACH_NUM_RUNGS] = { "cgroup", "tcx", "clsact" };

	return rung < ATTACH_NUM_RUNGS ? names[rung] : "?";
}

/* libbpf's callback has no argument of its own; loads are serialised by this lock. */
static pthread_mutex_t load_lock = PTHREAD_MUTEX_INITIALIZER;
static char verdict[160];

/* Keeps the last line of a verifier's log before its statistics: that is the complaint. */
static void keep_verdict(const char *text)
{
	const char *end = strstr(text, "\nprocessed "), *begin;

	if (!end)
		return;
	for (begin = end; begin > text && begin[-1] != '\n'; begin--)
		;
	snprintf(verdict, sizeof(verdict), "%.*s", (int)(end - begin), begin);
}

static int __attribute__((format(printf, 2, 0)))
on_libbpf_message(enum libbpf_print_level level, const char *format, va_list args)
{
	char *text = NULL;

	if (secure_getenv(DEBUG_VARIABLE))
		return vfprintf(stderr, format, args);
	if (level != LIBBPF_WARN || vasprintf(&text, format, args) < 0)
		return 0;
	keep_verdict(text);
	free(text);
	return 0;
}

/* Without CAP_PERFMON the kernel fails late, with an error that tells nothing. */
static bool have_perfmon(void)
{
	enum { CAPABILITY_PERFMON = 38 };
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { 0 };

	if (syscall(SYS_capget, &header, data))
		return true;
	return data[CAPABILITY_PERFMON / 32].effective & 1U << CAPABILITY_PERFMON % 32;
}

static void explain_load(int err, char *why, size_t why_size)
{
	if (err == -EPERM || err == -EACCES || !have_perfmon())
		snprintf(why, why_size,
			 "The kernel refuses to load the BPF programs: %s.\n"
			 "Run as root, or with CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN.",
			 strerror(-err));
	else if (err == -ENOSYS || err == -EINVAL)
		snprintf(why, why_size,
			 "This kernel cannot load the BPF programs (%s)%s%s.\n"
			 "certtap needs Linux 5.15 or newer, or a capture by libpcap.",
			 strerror(-err), *verdict ? ": " : "", verdict);
	else
		snprintf(why, why_size, "The BPF programs could not be loaded: %s%s%s.",
			 strerror(-err), *verdict ? ": " : "", verdict);
}

/* Only what will be attached is loaded: each program costs the verifier's time. */
static void choose_programs(struct handshake_bpf *skel, bool cgroup, bool ethernet, bool ip)
{
	bpf_program__set_autoload(skel->progs.certtap_cg_in, cgroup);
	bpf_program__set_autoload(skel->progs.certtap_cg_out, cgroup);
	bpf_program__set_autoload(skel->progs.certtap_tc_in, ethernet);
	bpf_program__set_autoload(skel->progs.certtap_tc_out, ethernet);
	bpf_program__set_autoload(skel->progs.certtap_l3_in, ip);
	bpf_program__set_autoload(skel->progs.certtap_l3_out, ip);
}

static void configure(struct handshake_bpf *skel, const struct attach_options *o, bool cgroup)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	skel->rodata->hash_seed = (uint32_t)now.tv_nsec ^ (uint32_t)now.tv_sec ^ (uint32_t)getpid();
	skel->rodata->server_budget = o->server_budget;
	skel->rodata->client_budget = o->client_budget;
	skel->rodata->server_protected = o->server_protected;
	skel->rodata->client_protected = o->client_protected;
	skel->rodata->ring_wake = o->ring_bytes / 2;
	skel->rodata->max_tunnels = o->max_tunnels < EVENT_TUNNELS_MAX ? o->max_tunnels : EVENT_TUNNELS_MAX;
	/*
	 * Only by cgroup, where one program sees all namespaces. At an interface the cookie is that of the
	 * packet's socket, which behind a veth is the other end's: the two directions would not meet.
	 */
	skel->rodata->has_netns_cookie =
		cgroup && libbpf_probe_bpf_helper(BPF_PROG_TYPE_CGROUP_SKB,
						  BPF_FUNC_get_netns_cookie, NULL) == 1;
	bpf_map__set_max_entries(skel->maps.events, o->ring_bytes);
	bpf_map__set_max_entries(skel->maps.flows, o->max_flows);
}

static int share_owners(struct handshake_bpf *skel, const struct owners_share *owners)
{
	if (!owners)
		return 0;
	skel->rodata->has_owners = true;
	memcpy((void *)&skel->rodata->offsets, &owners->offsets, sizeof(owners->offsets));
	return bpf_map__reuse_fd(skel->maps.socket_owners, owners->sockets_fd);
}

/* What user space reads of the kernel's memory it can only read, also in a child. */
static int map_counters(struct attach *a)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t size = (sizeof(*a->skel->bss) + page - 1) / page * page;
	void *shared = mmap(NULL, size, PROT_READ, MAP_SHARED, bpf_map__fd(a->skel->maps.bss), 0);

	if (shared == MAP_FAILED)
		return -errno;
	a->shared = shared;
	a->shared_size = size;
	a->counters = (const void *)((const char *)shared +
				     offsetof(__typeof__(*a->skel->bss), counters));
	madvise(a->skel->bss, size, MADV_DONTFORK);
	return 0;
}

static int load(struct attach *a, const struct attach_options *o, char *why, size_t why_size)
{
	bool cgroup = o->num_interfaces == 0, ethernet = false, ip = false;
	int err;

	for (unsigned int i = 0; i < a->num_places && !cgroup; i++) {
		ethernet |= a->places[i].device.has_ethernet;
		ip |= !a->places[i].device.has_ethernet;
	}
	pthread_mutex_lock(&load_lock);
	*verdict = '\0';
	libbpf_set_print(on_libbpf_message);
	a->skel = handshake_bpf__open();
	err = a->skel ? 0 : -errno;
	if (!err) {
		choose_programs(a->skel, cgroup, ethernet, ip);
		configure(a->skel, o, cgroup);
		err = share_owners(a->skel, o->owners);
		if (!err)
			err = handshake_bpf__load(a->skel);
	}
	if (err)
		explain_load(err, why, why_size);
	pthread_mutex_unlock(&load_lock);
	if (!err && (err = map_counters(a)) != 0)
		snprintf(why, why_size, "The kernel's counters cannot be mapped: %s.", strerror(-err));
	return err;
}

static int attach_host(struct attach *a, struct place *p, char *why, size_t why_size)
{
	static const enum bpf_attach_type types[2] = { BPF_CGROUP_INET_INGRESS,
						       BPF_CGROUP_INET_EGRESS };
	int fds[2] = { bpf_program__fd(a->skel->progs.certtap_cg_in),
		       bpf_program__fd(a->skel->progs.certtap_cg_out) };
	bool whole = true;
	int root = attach_cgroup_root(&whole, why, why_size), err = 0;

	if (root < 0)
		return root;
	for (int i = 0; i < 2 && !err; i++) {
		p->links[i] = bpf_link_create(fds[i], root, types[i], NULL);
		if (p->links[i] < 0)
			err = -errno;
	}
	close(root);
	if (err)
		snprintf(why, why_size,
			 "The programs cannot be attached to the root of cgroup v2: %s.\n"
			 "Run as root, or with CAP_NET_ADMIN; another program may hold the place for itself.",
			 strerror(-err));
	else if (!whole)
		snprintf(a->note, sizeof(a->note),
			 "cgroup v2 shows a part of this host only (a container?): sockets outside are not seen");
	return err;
}

static int attach_tcx_both(struct place *p, int in_fd, int out_fd)
{
	p->rung = ATTACH_TCX;
	p->links[1] = attach_tcx(out_fd, p->device.ifindex, false);
	if (p->links[1] < 0)
		return p->links[1];
	if (in_fd < 0)
		return 0;
	p->links[0] = attach_tcx(in_fd, p->device.ifindex, true);
	return p->links[0] < 0 ? p->links[0] : 0;
}

static void close_links(struct place *p)
{
	for (int i = 0; i < 2; i++) {
		if (p->links[i] >= 0)
			close(p->links[i]);
		p->links[i] = -1;
	}
}

static int attach_interface(struct attach *a, struct place *p, bool try_tcx, char *why,
			    size_t why_size)
{
	bool ethernet = p->device.has_ethernet;
	int in_fd = bpf_program__fd(ethernet ? a->skel->progs.certtap_tc_in :
					       a->skel->progs.certtap_l3_in);
	int out_fd = bpf_program__fd(ethernet ? a->skel->progs.certtap_tc_out :
						a->skel->progs.certtap_l3_out);
	int err = -EOPNOTSUPP;

	if (p->device.loopback)
		in_fd = -1;
	if (try_tcx) {
		err = attach_tcx_both(p, in_fd, out_fd);
		if (!err)
			return 0;
		close_links(p);
		snprintf(a->note, sizeof(a->note), "%s: no TCX (%s), a clsact filter instead",
			 p->device.name, strerror(-err));
	}
	p->rung = ATTACH_CLSACT;
	err = attach_clsact(in_fd, out_fd, p->device.ifindex, &p->clsact);
	if (err)
		snprintf(why, why_size,
			 "%s: neither TCX nor a clsact filter can be attached: %s.\n"
			 "Run as root, or with CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN.", p->device.name, strerror(-err));
	return err;
}

static int find_places(struct attach *a, const struct attach_options *o, char *why, size_t why_size)
{
	unsigned int num = o->num_interfaces ? o->num_interfaces : 1;
	int err = 0;

	a->places = calloc(num, sizeof(*a->places));
	if (!a->places) {
		snprintf(why, why_size, "Out of memory.");
		return -ENOMEM;
	}
	a->num_places = num;
	for (unsigned int i = 0; i < num; i++)
		a->places[i].links[0] = a->places[i].links[1] = -1;
	for (unsigned int i = 0; i < o->num_interfaces && !err; i++)
		err = attach_device_find(o->interfaces[i], &a->places[i].device, why, why_size);
	return err;
}

static int attach_places(struct attach *a, const struct attach_options *o, char *why,
			 size_t why_size)
{
	const struct timespec pace = { .tv_nsec = PACE_NS };
	int err = 0;

	if (o->num_interfaces == 0)
		return attach_host(a, &a->places[0], why, why_size);
	for (unsigned int i = 0; i < a->num_places && !err; i++) {
		if (i)
			nanosleep(&pace, NULL);
		err = attach_interface(a, &a->places[i], !o->without_tcx, why, why_size);
	}
	return err;
}

int attach_open(const struct attach_options *options, struct attach **out, char *why,
		size_t why_size)
{
	struct attach *a = calloc(1, sizeof(*a));
	int err;

	if (!a) {
		snprintf(why, why_size, "Out of memory.");
		return -ENOMEM;
	}
	err = find_places(a, options, why, why_size);
	if (!err)
		err = load(a, options, why, why_size);
	if (!err)
		err = attach_places(a, options, why, why_size);
	if (err) {
		attach_free(a);
		return err;
	}
	*out = a;
	return 0;
}

void attach_free(struct attach *a)
{
	if (!a)
		return;
	for (unsigned int i = 0; i < a->num_places; i++) {
		close_links(&a->places[i]);
		if (a->places[i].clsact.ifindex)
			attach_clsact_detach(&a->places[i].clsact);
	}
	if (a->shared)
		munmap(a->shared, a->shared_size);
	handshake_bpf__destroy(a->skel);
	free(a->places);
	free(a);
}

void attach_close_in_worker(struct attach *a)
{
	struct bpf_program *program;
	struct bpf_map *map;

	for (unsigned int i = 0; i < a->num_places; i++)
		close_links(&a->places[i]);
	bpf_object__for_each_program(program, a->skel->obj)
		if (bpf_program__fd(program) >= 0)
			close(bpf_program__fd(program));
	bpf_object__for_each_map(map, a->skel->obj)
		if (bpf_map__fd(map) >= 0 && bpf_map__fd(map) != attach_ring_fd(a))
			close(bpf_map__fd(map));
}

const char *attach_note(const struct attach *a)
{
	return a->note;
}

enum attach_rung attach_rung(const struct attach *a, unsigned int i)
{
	return i < a->num_places ? a->places[i].rung : ATTACH_NUM_RUNGS;
}

int attach_ring_fd(const struct attach *a)
{
	return bpf_map__fd(a->skel->maps.events);
}

int attach_announcements_fd(const struct attach *a)
{
	return bpf_map__fd(a->skel->maps.announcements);
}

const struct event_counters *attach_counters(const struct attach *a, unsigned int *num)
{
	int cpus = libbpf_num_possible_cpus();

	*num = cpus > 0 && cpus < EVENT_CPUS_MAX ? (unsigned int)cpus : EVENT_CPUS_MAX;
	return a->counters;
}

int attach_try(enum attach_rung rung, char *why, size_t why_size)
{
	static const char *const loopback[] = { "lo" };
	struct attach_options options = ATTACH_OPTIONS_DEFAULT;
	struct attach *a;
	int err;

	options.ring_bytes = 64 << 10;
	options.max_flows = 1024;
	if (rung != ATTACH_CGROUP) {
		options.interfaces = loopback;
		options.num_interfaces = 1;
	}
	options.without_tcx = rung == ATTACH_CLSACT;
	err = attach_open(&options, &a, why, why_size);
	if (err)
		return err;
	if (a->places[0].rung != rung) {
		snprintf(why, why_size, "%s.\nTCX needs Linux 6.6.", a->note);
		err = -EOPNOTSUPP;
	}
	attach_free(a);
	return err;
}
