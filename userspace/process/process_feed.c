/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/process/process_feed.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define QUEUE_BYTES (8 << 20)    /* some thousand messages, while the worker is busy */
#define SEND_MS 100

int process_feed_open(int fds[2])
{
	const struct timeval patience = { .tv_usec = SEND_MS * 1000 };
	const int bytes = QUEUE_BYTES;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) != 0)
		return -errno;
	/* More than the system's limit where we may; what is refused here stays at the default. */
	if (setsockopt(fds[1], SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes)) != 0)
		setsockopt(fds[1], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
	if (setsockopt(fds[1], SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) == 0)
		return 0;
	close(fds[0]);
	close(fds[1]);
	return -errno;
}

bool process_feed_send(int fd, const struct feed_message *message)
{
	return send(fd, message, sizeof(*message), MSG_NOSIGNAL) == (ssize_t)sizeof(*message);
}

static void end_texts(struct process *p)
{
	p->name[sizeof(p->name) - 1] = '\0';
	p->executable[sizeof(p->executable) - 1] = '\0';
	p->command_line[sizeof(p->command_line) - 1] = '\0';
	p->user[sizeof(p->user) - 1] = '\0';
	p->service[sizeof(p->service) - 1] = '\0';
	p->user_service[sizeof(p->user_service) - 1] = '\0';
	p->container[sizeof(p->container) - 1] = '\0';
	p->runtime[sizeof(p->runtime) - 1] = '\0';
	p->pod[sizeof(p->pod) - 1] = '\0';
}

int process_feed_receive(int fd, struct feed_message *out, int wait_ms)
{
	struct pollfd ready = { .fd = fd, .events = POLLIN };
	ssize_t n;

	/* read(), not recv(): the worker may make no socket's call. */
	if (poll(&ready, 1, wait_ms) <= 0 || !ready.revents)
		return 0;
	n = read(fd, out, sizeof(*out));
	if (n == 0)
		return -EPIPE;
	if (n < 0)
		return errno == EINTR || errno == EAGAIN ? 0 : -errno;
	if (n != (ssize_t)sizeof(*out))
		return 0;
	if (out->kind == FEED_PROCESS)
		end_texts(&out->process);
	else if (out->holders.num > FEED_HOLDERS_MAX)
		out->holders.num = FEED_HOLDERS_MAX;
	return 1;
}
