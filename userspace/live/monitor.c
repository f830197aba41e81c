/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/live/monitor.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "userspace/sandbox/sandbox.h"

#define EXIT_FAILED 1

/* With a screen also SIGTSTP: the worker gives the terminal back before anybody stops. */
static void block_signals(sigset_t *set, sigset_t *before, bool screen)
{
	sigemptyset(set);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGUSR1);
	sigaddset(set, SIGCHLD);
	if (screen)
		sigaddset(set, SIGTSTP);
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

/* The shell takes the terminal when all of us have stopped, and wakes us when the user comes back. */
static void stop_too(pid_t worker)
{
	raise(SIGSTOP);
	kill(worker, SIGCONT);
}

/* One signal. True: the worker is gone, and *result is its exit code. */
static bool take_signal(int signals, pid_t worker, struct screen_guard *screen, int *result)
{
	struct signalfd_siginfo info;
	int status;

	if (read(signals, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return false;
	if (info.ssi_signo != SIGCHLD) {
		kill(worker, (int)info.ssi_signo);
		return false;
	}
	if (waitpid(worker, &status, WNOHANG | (screen ? WUNTRACED : 0)) != worker)
		return false;
	if (WIFSTOPPED(status)) {
		stop_too(worker);
		return false;
	}
	if (screen)
		screen_guard_close(screen);
	*result = worker_result(status);
	return true;
}

/* False, once: nothing is left to be observed. */
static bool take_watches(const struct pollfd *fds, const struct monitor_watch *watches, unsigned int num)
{
	bool over = false;
	unsigned int i;

	for (i = 0; i < num; i++) {
		if (!fds[i].revents)
			continue;
		watches[i].ready(watches[i].context);
		over |= watches[i].over && *watches[i].over;
	}
	return !over;
}

/* Passes signals on until the worker is gone. */
static int supervise(pid_t worker, const sigset_t *set, const struct monitor_watch *watches, unsigned int num_watches,
		     struct screen_guard *screen)
{
	struct pollfd fds[1 + MONITOR_WATCHES_MAX] = {
		{ .fd = signalfd(-1, set, SFD_CLOEXEC | SFD_NONBLOCK), .events = POLLIN },
	};
	int result = EXIT_FAILED;
	bool over = false;
	unsigned int i;

	for (i = 0; i < num_watches; i++)
		fds[1 + i] = (struct pollfd){ .fd = watches[i].fd, .events = POLLIN };
	while (fds[0].fd >= 0) {
		if (poll(fds, 1 + num_watches, -1) < 0) {
			if (errno != EINTR)
				break;
			continue;
		}
		if (!take_watches(fds + 1, watches, num_watches) && !over) {
			over = true;
			kill(worker, SIGTERM);
		}
		if (fds[0].revents && take_signal(fds[0].fd, worker, screen, &result))
			break;
	}
	close(fds[0].fd);
	return over && result == 0 ? EXIT_FAILED : result;
}

static enum sandbox_reach furthest(const struct monitor_watch *watches, unsigned int num)
{
	enum sandbox_reach reach = SANDBOX_STAYS;

	while (num--)
		if (watches[num].reach > reach)
			reach = watches[num].reach;
	return reach;
}

int monitor_run(worker_fn *work, void *context, const struct monitor_watch *watches, unsigned int num_watches,
		struct screen_guard *screen)
{
	pid_t monitor = getpid(), worker;
	sigset_t set, before;
	char why[256];
	int result;

	block_signals(&set, &before, screen != NULL);
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
	/* Processes may live shortly: who is to look at them must be quick. Without the power to, it is as quick as others. */
	setpriority(PRIO_PROCESS, 0, -10);
	if (sandbox_monitor(furthest(watches, num_watches), why, sizeof(why)) != 0) {
		fprintf(stderr, "certtap: giving up privileges: %s\n", why);
		kill(worker, SIGKILL);
	}
	result = supervise(worker, &set, watches, num_watches, screen);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return result;
}
