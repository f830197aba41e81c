/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Strangers' files are parsed in a child that has nothing to lose: no capability, no descriptor but the
 * files and one pipe, a few seconds of CPU. It may be killed by a file that is cut short while it is
 * mapped (SIGBUS), or by a bug; then that one file is given up and the others go on.
 */
#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "userspace/probes/probes_parts.h"

#define PATIENCE_MS 5000            /* for one answer */
#define CPU_SECONDS 10
#define FILE_MAX (4ULL << 30)

struct answer {
	uint32_t index;
	struct probes_finding finding;
};

static void look(int fd, bool thorough, struct probes_finding *out)
{
	struct stat s;
	void *map;

	memset(out, 0, sizeof(*out));
	if (fstat(fd, &s) != 0 || !S_ISREG(s.st_mode) || s.st_size <= 0 ||
	    (uint64_t)s.st_size > FILE_MAX)
		return;
	map = mmap(NULL, (size_t)s.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (map == MAP_FAILED)
		return;
	probes_look(bytes_of(map, (size_t)s.st_size), thorough, out);
	munmap(map, (size_t)s.st_size);
}

static void give_up_power(void)
{
	static const int faults[] = { SIGBUS, SIGSEGV, SIGFPE, SIGILL, SIGTERM, SIGINT, SIGXCPU };
	struct rlimit cpu = { CPU_SECONDS, CPU_SECONDS }, none = { 0, 0 };

	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
		signal(faults[i], SIG_DFL);
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	setrlimit(RLIMIT_CPU, &cpu);
	setrlimit(RLIMIT_CORE, &none);
	setrlimit(RLIMIT_FSIZE, &none);
	capng_clear(CAPNG_SELECT_CAPS | CAPNG_SELECT_AMBIENT);
	if (capng_apply(CAPNG_SELECT_CAPS | CAPNG_SELECT_AMBIENT) != 0)
		_exit(1);
}

static void __attribute__((noreturn))
work(const struct probes_candidate *list, unsigned int num, bool thorough, int out)
{
	struct answer answer;

	give_up_power();
	for (unsigned int i = 0; i < num; i++) {
		memset(&answer, 0, sizeof(answer));
		answer.index = i;
		look(list[i].fd, thorough, &answer.finding);
		/* Less than PIPE_BUF: whole or not at all. */
		if (write(out, &answer, sizeof(answer)) != (ssize_t)sizeof(answer))
			_exit(1);
	}
	_exit(0);
}

_Static_assert(sizeof(struct answer) <= 4096, "one write to the pipe");

/* A child made by mistake of a file may say anything: its numbers are checked again. */
static bool answer_fits(const struct answer *a, unsigned int expected)
{
	if (a->index != expected || a->finding.num_places > PROBES_PLACES_MAX ||
	    a->finding.no_hook >= PROBES_NUM_NO_HOOKS ||
	    a->finding.build_id_len > sizeof(a->finding.build_id))
		return false;
	for (unsigned int i = 0; i < a->finding.num_places; i++)
		if (a->finding.places[i].program >= PROBES_NUM_PROGRAMS ||
		    a->finding.places[i].hook >= SECRET_NUM_HOOKS)
			return false;
	return true;
}

static bool read_answer(int fd, unsigned int expected, struct probes_candidate *to)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	struct answer answer;
	int n;

	do
		n = poll(&p, 1, PATIENCE_MS);
	while (n < 0 && errno == EINTR);
	if (n != 1 || read(fd, &answer, sizeof(answer)) != (ssize_t)sizeof(answer) ||
	    !answer_fits(&answer, expected))
		return false;
	to->finding = answer.finding;
	to->done = true;
	return true;
}

/* Returns how many were answered, in order. */
static unsigned int inspect_some(struct probes_candidate *list, unsigned int num, bool thorough)
{
	unsigned int done = 0;
	int pipe_fds[2];
	pid_t child;

	if (pipe2(pipe_fds, O_CLOEXEC) != 0)
		return 0;
	child = fork();
	if (child == 0)
		work(list, num, thorough, pipe_fds[1]);
	close(pipe_fds[1]);
	while (child > 0 && done < num && read_answer(pipe_fds[0], done, &list[done]))
		done++;
	close(pipe_fds[0]);
	if (child > 0) {
		kill(child, SIGKILL);
		while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
			;
	}
	return done;
}

void probes_inspect(struct probes_candidate *list, unsigned int num, bool thorough)
{
	while (num) {
		unsigned int done = inspect_some(list, num, thorough);

		/* The first one without an answer is the one that ended it. */
		done += done < num;
		list += done;
		num -= done;
	}
}
