/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/screen/screen_guard.h"

#include <curses.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <term.h>
#include <unistd.h>

#define DRAIN_MS 500

static bool has(const char *capability)
{
	const char *text = tigetstr(capability);

	return text && text != (const char *)-1;
}

/* Attributes off, cursor shown, keypad off, and the screen that was there before. */
static void remember_leaving(struct screen_guard *g)
{
	static const char *const capabilities[] = { "sgr0", "cnorm", "rmkx", "rmcup" };
	size_t i, len = 0;

	for (i = 0; i < sizeof(capabilities) / sizeof(capabilities[0]); i++) {
		if (!has(capabilities[i]))
			continue;
		len += (size_t)snprintf(g->leave + len, sizeof(g->leave) - len, "%s", tigetstr(capabilities[i]));
		if (len >= sizeof(g->leave))
			len = sizeof(g->leave) - 1;
	}
}

static int know_terminal(struct screen_guard *g, char *why, size_t why_size)
{
	const char *name = getenv("TERM");
	int err;

	if (!name || !name[0] || setupterm(NULL, STDOUT_FILENO, &err) != OK) {
		snprintf(why, why_size, "the terminal's kind (TERM=%.40s) is not known here", name ? name : "");
		return -ENOTSUP;
	}
	if (has("cup") && has("clear")) {
		remember_leaving(g);
		del_curterm(cur_term);
		return 0;
	}
	snprintf(why, why_size, "a terminal of this kind (TERM=%.40s) cannot move its cursor", name);
	return -ENOTSUP;
}

static bool same_file(int a, int b)
{
	struct stat left, right;

	return fstat(a, &left) == 0 && fstat(b, &right) == 0 && left.st_dev == right.st_dev &&
	       left.st_ino == right.st_ino;
}

/* Its own open file: that it does not wait must not reach those who share ours. */
static int open_tty(void)
{
	int fd = open("/proc/self/fd/1", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	return fd >= 0 ? fd : fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
}

static int fail(struct screen_guard *g, const char *what, char *why, size_t why_size)
{
	int err = -errno;

	snprintf(why, why_size, "%s: %s", what, strerror(-err));
	screen_guard_close(g);
	return err;
}

int screen_guard_open(struct screen_guard *g, char *why, size_t why_size)
{
	int err;

	*g = (struct screen_guard){ .tty = -1, .messages = { -1, -1 }, .real_stderr = -1 };
	err = know_terminal(g, why, why_size);
	if (err)
		return err;
	if (tcgetattr(STDIN_FILENO, &g->before) != 0)
		return fail(g, "the terminal's settings", why, why_size);
	g->on = mmap(NULL, sizeof(*g->on), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (g->on == MAP_FAILED) {
		g->on = NULL;
		return fail(g, "memory", why, why_size);
	}
	g->tty = open_tty();
	if (g->tty < 0)
		return fail(g, "the terminal", why, why_size);
	if (!same_file(STDOUT_FILENO, STDERR_FILENO))
		return 0;
	g->real_stderr = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	if (g->real_stderr < 0 || pipe2(g->messages, O_CLOEXEC | O_NONBLOCK) != 0)
		return fail(g, "a pipe", why, why_size);
	screen_guard_redirect(g, true);
	return 0;
}

void screen_guard_redirect(const struct screen_guard *g, bool on)
{
	if (g->real_stderr < 0 || g->messages[1] < 0)
		return;
	fflush(stderr);
	if (dup2(on ? g->messages[1] : g->real_stderr, STDERR_FILENO) < 0)
		return;          /* then stderr stays where it is */
}

/* A terminal that takes nothing must not keep us here. */
static void write_leaving(const struct screen_guard *g)
{
	struct pollfd fd = { .fd = g->tty, .events = POLLOUT };
	size_t at = 0, len = strlen(g->leave);
	ssize_t n;

	while (at < len && poll(&fd, 1, DRAIN_MS) > 0) {
		n = write(g->tty, g->leave + at, len - at);
		if (n < 0 && errno != EINTR && errno != EAGAIN)
			return;
		at += n > 0 ? (size_t)n : 0;
	}
}

static void print_messages(const struct screen_guard *g)
{
	char text[1024];
	ssize_t n;

	while ((n = read(g->messages[0], text, sizeof(text))) > 0)
		if (write(STDERR_FILENO, text, (size_t)n) != n)
			return;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void screen_guard_close(struct screen_guard *g)
{
	if (g->on && *g->on) {
		*g->on = false;
		write_leaving(g);
		tcsetattr(STDIN_FILENO, TCSANOW, &g->before);
	}
	screen_guard_redirect(g, false);
	if (g->messages[0] >= 0)
		print_messages(g);
	close_fd(&g->messages[0]);
	close_fd(&g->messages[1]);
	close_fd(&g->real_stderr);
	close_fd(&g->tty);
	if (g->on)
		munmap(g->on, sizeof(*g->on));
	g->on = NULL;
}
