/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programs at an interface: TCX where the kernel has it (6.6), else filters at a clsact qdisc.
 *
 * Both stand before all others of their hook: a program that says "OK" hides the packet from those
 * after it. Ours say "next", so they hide nothing.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "userspace/attach/attach_parts.h"

/* Numbers of the kernel's interface that older headers lack (linux/bpf.h of 6.6). */
#define ATTACH_TYPE_TCX_INGRESS 46
#define ATTACH_TYPE_TCX_EGRESS 47
#define ATTACH_FLAG_BEFORE (1U << 3)

/* The first place, or, where a filter of another kind has it, one of our own. */
static const uint32_t priorities[] = { 1, 0xce77 };

int attach_device_find(const char *name, struct attach_device *out, char *why, size_t why_size)
{
	struct ifreq request = { 0 };
	int fd, err = 0;

	*out = (struct attach_device){ .ifindex = (int)if_nametoindex(name) };
	if (!out->ifindex || strlen(name) >= sizeof(out->name)) {
		snprintf(why, why_size, "There is no interface \"%.15s\".", name);
		return -ENODEV;
	}
	memcpy(out->name, name, strlen(name));
	memcpy(request.ifr_name, out->name, sizeof(out->name));
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || ioctl(fd, SIOCGIFHWADDR, &request) < 0)
		err = -errno;
	out->has_ethernet = request.ifr_hwaddr.sa_family == ARPHRD_ETHER ||
			    request.ifr_hwaddr.sa_family == ARPHRD_LOOPBACK;
	out->loopback = request.ifr_hwaddr.sa_family == ARPHRD_LOOPBACK;
	if (fd >= 0)
		close(fd);
	if (err)
		snprintf(why, why_size, "%s: its kind cannot be read: %s.", name, strerror(-err));
	return err;
}

int attach_tcx(int prog_fd, int ifindex, bool ingress)
{
	DECLARE_LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = ATTACH_FLAG_BEFORE);
	int type = ingress ? ATTACH_TYPE_TCX_INGRESS : ATTACH_TYPE_TCX_EGRESS;

	return bpf_link_create(prog_fd, ifindex, (enum bpf_attach_type)type, &opts);
}

static int add_filter(int prog_fd, int ifindex, bool ingress, uint32_t handle, uint32_t *priority)
{
	DECLARE_LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex,
			    .attach_point = ingress ? BPF_TC_INGRESS : BPF_TC_EGRESS);
	int err = -EINVAL;

	for (size_t i = 0; i < sizeof(priorities) / sizeof(priorities[0]); i++) {
		DECLARE_LIBBPF_OPTS(bpf_tc_opts, opts, .prog_fd = prog_fd, .handle = handle,
				    .priority = priorities[i]);

		err = bpf_tc_attach(&hook, &opts);
		if (!err) {
			*priority = priorities[i];
			return 0;
		}
	}
	return err;
}

static void remove_filter(int ifindex, bool ingress, uint32_t handle, uint32_t priority)
{
	DECLARE_LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex,
			    .attach_point = ingress ? BPF_TC_INGRESS : BPF_TC_EGRESS);
	DECLARE_LIBBPF_OPTS(bpf_tc_opts, opts, .handle = handle, .priority = priority);

	if (priority)
		bpf_tc_detach(&hook, &opts);
}

int attach_clsact(int in_fd, int out_fd, int ifindex, struct attach_clsact *out)
{
	DECLARE_LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex,
			    .attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS);
	int err = bpf_tc_hook_create(&hook);

	*out = (struct attach_clsact){ .ifindex = ifindex, .qdisc_is_ours = err == 0 };
	if (err && err != -EEXIST)
		return err;
	out->handle = attach_handle_make(out->qdisc_is_ours);
	err = add_filter(out_fd, ifindex, false, out->handle, &out->egress_priority);
	if (!err && in_fd >= 0)
		err = add_filter(in_fd, ifindex, true, out->handle, &out->ingress_priority);
	if (err)
		attach_clsact_detach(out);
	return err;
}

void attach_clsact_detach(struct attach_clsact *c)
{
	DECLARE_LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = c->ifindex,
			    .attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS);

	remove_filter(c->ifindex, true, c->handle, c->ingress_priority);
	remove_filter(c->ifindex, false, c->handle, c->egress_priority);
	c->ingress_priority = c->egress_priority = 0;
	if (c->qdisc_is_ours && attach_filters_list(c->ifindex, true, NULL, 0) == 0 &&
	    attach_filters_list(c->ifindex, false, NULL, 0) == 0)
		bpf_tc_hook_destroy(&hook);
	c->qdisc_is_ours = false;
}
