/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/live/interfaces.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "parsers/text.h"

struct watched {
	const char *name;            /* borrowed */
	unsigned int index;
	bool gone;
	unsigned int again;          /* of another one that has the name now, and was told of; 0: none */
};

struct interfaces_watch {
	struct watched watched[INTERFACES_MAX];
	unsigned int num;
	int fd;                      /* of rtnetlink */
	bool over;
};

int interfaces_check(struct options *options)
{
	unsigned int index[INTERFACES_MAX], num = 0, i, k;
	char shown[64];

	for (i = 0; i < options->num_interfaces; i++) {
		const char *name = options->interfaces[i];

		index[num] = if_nametoindex(name);
		if (!index[num] && strcmp(name, "any") == 0) {
			fputs("certtap: -i any: without -i this host is observed, with --capture pcap alone every interface\n",
			      stderr);
			return -EINVAL;
		}
		if (!index[num]) {
			fprintf(stderr, "certtap: there is no interface '%s'\n", text_name(name, shown, sizeof(shown)));
			return -ENODEV;
		}
		for (k = 0; k < num && index[k] != index[num]; k++)
			;
		if (k == num)
			options->interfaces[num++] = name;
	}
	options->num_interfaces = num;
	return 0;
}

static int open_netlink(void)
{
	const struct sockaddr_nl links = { .nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE), err;

	if (fd < 0)
		return -errno;
	if (bind(fd, (const struct sockaddr *)&links, sizeof(links)) == 0)
		return fd;
	err = -errno;
	close(fd);
	return err;
}

int interfaces_watch(const struct options *options, struct interfaces_watch **out)
{
	struct interfaces_watch *w = calloc(1, sizeof(*w));
	unsigned int i;

	if (!w)
		return -ENOMEM;
	w->fd = open_netlink();
	if (w->fd < 0) {
		int err = w->fd;

		fprintf(stderr, "certtap: interfaces that disappear are not noticed: %s\n", strerror(-err));
		free(w);
		return err;
	}
	w->num = options->num_interfaces;
	for (i = 0; i < w->num; i++)
		w->watched[i] = (struct watched){ options->interfaces[i], if_nametoindex(options->interfaces[i]), false, 0 };
	*out = w;
	return 0;
}

void interfaces_free(struct interfaces_watch *w)
{
	if (!w)
		return;
	interfaces_close_in_worker(w);
	free(w);
}

void interfaces_close_in_worker(struct interfaces_watch *w)
{
	if (w->fd >= 0)
		close(w->fd);
	w->fd = -1;
}

int interfaces_fd(const struct interfaces_watch *w)
{
	return w->fd;
}

const bool *interfaces_over(const struct interfaces_watch *w)
{
	return &w->over;
}

static void look_at(struct watched *one)
{
	char name[IF_NAMESIZE], shown[64];
	unsigned int again;

	text_name(one->name, shown, sizeof(shown));
	if (!one->gone && !if_indextoname(one->index, name) && (errno == ENXIO || errno == ENODEV)) {
		one->gone = true;
		fprintf(stderr, "certtap: %s: the interface disappeared\n", shown);
	}
	again = one->gone ? if_nametoindex(one->name) : 0;
	if (again && again != one->again)
		fprintf(stderr, "certtap: %s: there is an interface of this name again; it is not observed\n", shown);
	one->again = again;
}

void interfaces_ready(void *watch)
{
	struct interfaces_watch *w = watch;
	unsigned int i, left = 0;
	char message[8192];

	/* What changed is not asked of the messages, of which some may be lost, but of the kernel. */
	while (recv(w->fd, message, sizeof(message), 0) > 0 || errno == ENOBUFS || errno == EINTR)
		;
	for (i = 0; i < w->num; i++) {
		look_at(&w->watched[i]);
		left += !w->watched[i].gone;
	}
	w->over = left == 0;
}
