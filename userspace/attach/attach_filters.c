/* SPDX-License-Identifier: Apache-2.0 */
/* The filters of a clsact qdisc: what is ours is known by its name, and which process it belongs to by its handle. */
#include <errno.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "userspace/attach/attach_parts.h"

#define HANDLE_PID_BITS 22          /* PID_MAX_LIMIT of 64-bit kernels */
#define HANDLE_START_BITS 9
#define HANDLE_MADE_QDISC (1U << 31)

/* Field 22 of /proc/PID/stat, in clock ticks since boot; 0 where there is no such process. */
static unsigned long long start_time(unsigned int pid)
{
	char path[32], line[1024], *rest;
	unsigned long long ticks = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%u/stat", pid);
	f = fopen(path, "re");
	if (!f)
		return 0;
	/* The second field is a name in brackets, which may itself hold brackets and spaces. */
	if (fgets(line, sizeof(line), f) && (rest = strrchr(line, ')')) &&
	    sscanf(rest + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d "
		   "%*d %*d %llu", &ticks) != 1)
		ticks = 0;
	fclose(f);
	return ticks;
}

static uint32_t owner_bits(unsigned int pid)
{
	uint32_t start = (uint32_t)(start_time(pid) % ((1U << HANDLE_START_BITS) - 1)) + 1;

	return start << HANDLE_PID_BITS | (pid & ((1U << HANDLE_PID_BITS) - 1));
}

uint32_t attach_handle_make(bool qdisc_is_ours)
{
	return owner_bits((unsigned int)getpid()) | (qdisc_is_ours ? HANDLE_MADE_QDISC : 0);
}

bool attach_handle_made_qdisc(uint32_t handle)
{
	return handle & HANDLE_MADE_QDISC;
}

bool attach_handle_alive(uint32_t handle)
{
	unsigned int pid = handle & ((1U << HANDLE_PID_BITS) - 1);

	return pid && start_time(pid) && owner_bits(pid) == (handle & ~HANDLE_MADE_QDISC);
}

static bool is_our_filter(struct tcmsg *message, int len)
{
	struct rtattr *a = TCA_RTA(message), *options = NULL;
	bool is_bpf = false;

	for (; RTA_OK(a, len); a = RTA_NEXT(a, len)) {
		if (a->rta_type == TCA_KIND)
			is_bpf = RTA_PAYLOAD(a) >= 4 && memcmp(RTA_DATA(a), "bpf", 4) == 0;
		else if (a->rta_type == TCA_OPTIONS)
			options = a;
	}
	if (!is_bpf || !options)
		return false;
	len = (int)RTA_PAYLOAD(options);
	for (a = RTA_DATA(options); RTA_OK(a, len); a = RTA_NEXT(a, len))
		if (a->rta_type == TCA_BPF_NAME && RTA_PAYLOAD(a) >= strlen(ATTACH_PROGRAM_PREFIX) &&
		    memcmp(RTA_DATA(a), ATTACH_PROGRAM_PREFIX, strlen(ATTACH_PROGRAM_PREFIX)) == 0)
			return true;
	return false;
}

struct dump {
	struct attach_filter *out;
	unsigned int max;
	int num;
	bool done;
	int err;
};

/* One datagram of the kernel's answer. */
static void take_answer(struct dump *d, struct nlmsghdr *h, ssize_t len)
{
	for (; NLMSG_OK(h, len); h = NLMSG_NEXT(h, len)) {
		struct tcmsg *message = NLMSG_DATA(h);

		if (h->nlmsg_type == NLMSG_DONE)
			d->done = true;
		if (h->nlmsg_type == NLMSG_ERROR) {
			d->err = ((struct nlmsgerr *)NLMSG_DATA(h))->error;
			d->done = true;
		}
		/* A priority without filters is listed too, with handle 0. */
		if (h->nlmsg_type != RTM_NEWTFILTER || !message->tcm_handle)
			continue;
		if ((unsigned int)d->num < d->max)
			d->out[d->num] = (struct attach_filter){
				.handle = message->tcm_handle,
				.priority = TC_H_MAJ(message->tcm_info) >> 16,
				.ours = is_our_filter(message, (int)TCA_PAYLOAD(h)),
			};
		d->num++;
	}
}

static int send_dump_request(int fd, int ifindex, bool ingress)
{
	struct {
		struct nlmsghdr header;
		struct tcmsg message;
	} request = {
		.header = { .nlmsg_len = sizeof(request), .nlmsg_type = RTM_GETTFILTER,
			    .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
		.message = { .tcm_family = AF_UNSPEC, .tcm_ifindex = ifindex,
			     .tcm_parent = TC_H_MAKE(TC_H_CLSACT,
						     ingress ? TC_H_MIN_INGRESS : TC_H_MIN_EGRESS) },
	};

	return send(fd, &request, sizeof(request), 0) < 0 ? -errno : 0;
}

int attach_filters_list(int ifindex, bool ingress, struct attach_filter *out, unsigned int max)
{
	struct dump d = { .out = out, .max = max };
	struct timeval patience = { .tv_sec = 2 };
	_Alignas(struct nlmsghdr) char answer[32768];
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	d.err = send_dump_request(fd, ifindex, ingress);
	while (!d.err && !d.done) {
		ssize_t len = recv(fd, answer, sizeof(answer), 0);

		if (len <= 0)
			d.err = len < 0 ? -errno : -EIO;
		else
			take_answer(&d, (struct nlmsghdr *)answer, len);
	}
	close(fd);
	return d.err ? d.err : d.num;
}
