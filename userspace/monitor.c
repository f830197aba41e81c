/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/monitor.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
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

/* Passes signals on until the worker is gone. */
static int supervise(pid_t worker, const sigset_t *set)
{
	siginfo_t info;
	int status;

	for (;;) {
		if (sigwaitinfo(set, &info) < 0) {
			if (errno == EINTR)
				continue;
			return EXIT_FAILED;
		}
		if (info.si_signo != SIGCHLD)
			kill(worker, info.si_signo);
		else if (waitpid(worker, &status, WNOHANG) == worker)
			return worker_result(status);
	}
}

int monitor_run(worker_fn *work, void *context)
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
	if (sandbox_monitor(why, sizeof(why)) != 0) {
		fprintf(stderr, "certtap: giving up privileges: %s\n", why);
		kill(worker, SIGKILL);
	}
	result = supervise(worker, &set);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return result;
}
