/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/monitor.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "userspace/sandbox.h"

#define EXIT_FAILED 1

static void block_signals(sigset_t *set, sigset_t *before)
{
	sigemptyset(set);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGUSR1);
	sigaddset(set, SIGCHLD);
	sigprocmask(SIG_BLOCK, set, before);
}

static int start_worker(worker_fn *work, void *context, pid_t monitor, const sigset_t *mask)
{
	/* The monitor may have died before this took effect. */
	if (prctl(PR_SET_PDEATHSIG, SIGTERM) != 0 || getppid() != monitor)
		return EXIT_FAILED;
	sigprocmask(SIG_SETMASK, mask, NULL);
	return work(context);
}

static int worker_result(int status)
{
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	fprintf(stderr, "certtap: the worker was killed by signal %d (%s)\n", WTERMSIG(status),
		strsignal(WTERMSIG(status)));
	return EXIT_FAILED;
}

/* One signal. True: the worker is gone, and *result is its exit code. */
static bool take_signal(int signals, pid_t worker, int *result)
{
	struct signalfd_siginfo info;
	int status;

	if (read(signals, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return false;
	if (info.ssi_signo != SIGCHLD) {
		kill(worker, (int)info.ssi_signo);
		return false;
	}
	if (waitpid(worker, &status, WNOHANG) != worker)
		return false;
	*result = worker_result(status);
	return true;
}

/* Passes signals on until the worker is gone. */
static int supervise(pid_t worker, const sigset_t *set, const struct monitor_watch *watch)
{
	struct pollfd fds[2] = {
		{ .fd = signalfd(-1, set, SFD_CLOEXEC | SFD_NONBLOCK), .events = POLLIN },
		{ .fd = watch ? watch->fd : -1, .events = POLLIN },
	};
	int result = EXIT_FAILED;

	while (fds[0].fd >= 0) {
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			break;
		if (fds[1].revents)
			watch->ready(watch->context);
		if (fds[0].revents && take_signal(fds[0].fd, worker, &result))
			break;
	}
	close(fds[0].fd);
	return result;
}

int monitor_run(worker_fn *work, void *context, const struct monitor_watch *watch)
{
	pid_t monitor = getpid(), worker;
	sigset_t set, before;
	char why[256];
	int result;

	block_signals(&set, &before);
	fflush(NULL);
	worker = fork();
	if (worker < 0) {
		fprintf(stderr, "certtap: no process for the worker: %s\n", strerror(errno));
		return EXIT_FAILED;
	}
	if (worker == 0) {
		result = start_worker(work, context, monitor, &before);
		fflush(NULL);
		_exit(result);
	}
	if (sandbox_monitor(watch != NULL, why, sizeof(why)) != 0) {
		fprintf(stderr, "certtap: giving up privileges: %s\n", why);
		kill(worker, SIGKILL);
	}
	result = supervise(worker, &set, watch);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return result;
}
