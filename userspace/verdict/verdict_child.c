/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Verdicts in a child. It is forked when the chains are in memory, so that nothing need be sent to it, and
 * answers in memory that both share. It has no descriptor but standard error and the one whose closing tells
 * that it ended.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "userspace/sandbox/sandbox.h"
#include "userspace/sandbox/sandbox_layers.h"
#include "userspace/verdict/verdict_parts.h"

#define BATCH 256u                       /* verdicts on the board */
#define MEMORY_MAX (256u << 20)          /* beside what this process had */
#define CPU_LIMIT_S 3                    /* SIGXCPU; a child ends by itself between two chains after CPU_FRESH_NS */
#define CPU_FRESH_NS 1000000000
#define WALL_MS 30000                    /* without progress: on a host that is very busy */
#define DEATHS_MAX 32                    /* of children in one call; then the rest has no verdict */

struct board {
	uint32_t entered;                /* the sandbox is closed */
	uint32_t done;                   /* verdicts that are whole */
	struct verdict verdicts[BATCH];
};

struct batch {
	const struct trust *trust;
	const struct verdict_request *requests;
	uint32_t num;
	struct board *board;
};

/* --- the child */

static void set_limit(int resource, rlim_t soft, rlim_t hard)
{
	struct rlimit limit = { soft, hard };

	setrlimit(resource, &limit);
}

/* A sanitizer maps terabytes. */
static void limit_memory(void)
{
	unsigned long pages = 0;
	FILE *statm = fopen("/proc/self/statm", "r");
	rlim_t most;

	if (!statm)
		return;
	if (fscanf(statm, "%lu", &pages) == 1 && !SANDBOX_SANITIZED) {
		most = (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE) + MEMORY_MAX;
		set_limit(RLIMIT_AS, most, most);
	}
	fclose(statm);
}

/* Standard error stays, for a sanitizer's report. */
static int keep_only(int fd)
{
	if (fd != 3 && dup2(fd, 3) < 0)
		return -errno;
	close(STDIN_FILENO);
	close(STDOUT_FILENO);
	return close_range(4, ~0u, 0) == 0 ? 0 : -errno;
}

static bool confine(int fd)
{
	struct sandbox_options options = SANDBOX_OPTIONS_DEFAULT;
	char why[256];
	int i;

	/* What this process does when it is told or when it dies is not the child's to do; a sanitizer's is. */
	for (i = 1; i < NSIG && !SANDBOX_SANITIZED; i++)
		signal(i, SIG_DFL);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0 || keep_only(fd) != 0)
		return false;
	set_limit(RLIMIT_CPU, CPU_LIMIT_S, CPU_LIMIT_S + 1);
	limit_memory();
	return sandbox_enter(&options, why, sizeof(why)) == 0;
}

static bool tired(void)
{
	struct timespec used = { 0, 0 };

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
	return used.tv_sec * 1000000000ll + used.tv_nsec > CPU_FRESH_NS;
}

static void work(const struct batch *b, int fd)
{
	struct board *board = b->board;
	uint32_t first = board->done, i;

	if (!confine(fd))
		return;
	__atomic_store_n(&board->entered, 1, __ATOMIC_RELEASE);
	for (i = first; i < b->num && (i == first || !tired()); i++) {
		verdict_judge_here(b->trust, &b->requests[i], &board->verdicts[i]);
		__atomic_store_n(&board->done, i + 1, __ATOMIC_RELEASE);
	}
}

/* --- the parent */

/* Does a verdict hold what one of ours could? A child that was taken over may have written it. */
static bool sane(const struct verdict *v)
{
	unsigned int i;

	if ((unsigned int)v->then > VERDICT_UNTRUSTED || (unsigned int)v->now > VERDICT_UNTRUSTED ||
	    v->num_notes > VERDICT_NOTES_MAX)
		return false;
	for (i = 0; i < v->num_notes; i++) {
		const struct verdict_note *n = &v->notes[i];

		if ((unsigned int)n->what >= NUM_VERDICT_FINDINGS || n->certificate < -1 ||
		    n->certificate >= VERDICT_CHAIN_MAX || n->when > (VERDICT_THEN | VERDICT_NOW) || n->detail < 0)
			return false;
	}
	return true;
}

static void give_up(struct verdict *v)
{
	*v = (struct verdict){
		.then = VERDICT_COULD_NOT_TELL, .now = VERDICT_COULD_NOT_TELL, .num_notes = 1,
		.notes = { { VERDICT_GAVE_UP, -1, VERDICT_THEN | VERDICT_NOW, FIT } },
	};
}

static uint32_t progress(const struct board *board)
{
	return __atomic_load_n(&board->done, __ATOMIC_ACQUIRE);
}

/* Until it ended; one that makes no progress is ended. */
static void wait_for(const struct board *board, pid_t child, int fd)
{
	struct pollfd end = { .fd = fd, .events = POLLIN };
	uint32_t before = progress(board);
	int n;

	while ((n = poll(&end, 1, WALL_MS)) <= 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0 && progress(board) != before) {
			before = progress(board);
			continue;
		}
		kill(child, SIGKILL);
		break;
	}
	while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
		;
}

/* One child, which gets as far as it gets. */
static int run_child(const struct batch *b)
{
	int fds[2], err;
	pid_t child;

	if (pipe2(fds, O_CLOEXEC) != 0)
		return -errno;
	b->board->entered = 0;
	child = fork();
	err = -errno;
	if (child == 0) {
		close(fds[0]);
		work(b, fds[1]);
		_exit(0);
	}
	close(fds[1]);
	if (child > 0)
		wait_for(b->board, child, fds[0]);
	close(fds[0]);
	if (child < 0)
		return err;
	return __atomic_load_n(&b->board->entered, __ATOMIC_ACQUIRE) ? 0 : -EPERM;
}

/* All of a batch, with as many children as it takes. A child of one chain that leaves without it died of it. */
static int judge_batch(const struct batch *b, unsigned int *deaths)
{
	uint32_t before;
	int err = 0;

	while (!err && (before = progress(b->board)) < b->num) {
		if (*deaths == DEATHS_MAX) {
			give_up(&b->board->verdicts[before]);
			b->board->done = before + 1;
			continue;
		}
		err = run_child(b);
		if (!err && progress(b->board) <= before) {
			++*deaths;
			give_up(&b->board->verdicts[before]);
			b->board->done = before + 1;
		}
	}
	return err;
}

static void take(const struct batch *b, struct verdict *out)
{
	uint32_t i;

	for (i = 0; i < b->num; i++) {
		out[i] = b->board->verdicts[i];
		if (!sane(&out[i]))
			give_up(&out[i]);
	}
}

int verdict_judge(const struct trust *trust, const struct verdict_request *requests, size_t num,
		  struct verdict *out)
{
	struct batch b = { .trust = trust };
	unsigned int deaths = 0;
	int err = 0;
	size_t at;

	for (at = 0; at < num; at++)
		give_up(&out[at]);
	if (!x509_init())
		return -ENOMEM;
	b.board = mmap(NULL, sizeof(*b.board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (b.board == MAP_FAILED)
		return -ENOMEM;
	for (at = 0; !err && at < num; at += b.num) {
		memset(b.board, 0, sizeof(*b.board));
		b.requests = requests + at;
		b.num = num - at < BATCH ? (uint32_t)(num - at) : BATCH;
		err = judge_batch(&b, &deaths);
		if (!err)
			take(&b, out + at);
	}
	munmap(b.board, sizeof(*b.board));
	return err;
}
