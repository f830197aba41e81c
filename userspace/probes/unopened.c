/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/probes/unopened.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "userspace/probes/probes_coverage.h"

#define QUESTIONS_MAX 64     /* in one write, which is whole or not at all */
#define PATIENCE_MS 500

struct question {
	pid_t server, client;
};

_Static_assert(QUESTIONS_MAX * sizeof(struct question) <= PIPE_BUF, "one write to the pipe");

/* Written by the monitor alone. */
struct verdicts {
	uint64_t answered;
	uint64_t opened;         /* of these: one end at least is covered */
	uint64_t unknown;        /* no end is, and of one at least nothing could be learned */
};

struct unopened {
	struct verdicts *verdicts;   /* shared */
	int pipe[2];
	/* The monitor's. */
	struct probes_coverage *coverage;
	/* The worker's. */
	struct question questions[QUESTIONS_MAX];
	unsigned int num_questions;
	uint64_t asked;
};

int unopened_open(struct unopened **out)
{
	struct unopened *u = calloc(1, sizeof(*u));
	int err;

	if (!u)
		return -ENOMEM;
	u->pipe[0] = u->pipe[1] = -1;
	u->verdicts = mmap(NULL, sizeof(*u->verdicts), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
			   0);
	err = u->verdicts == MAP_FAILED ? -errno : 0;
	if (!err && pipe2(u->pipe, O_CLOEXEC | O_NONBLOCK) != 0)
		err = -errno;
	if (!err && !(u->coverage = probes_coverage_new()))
		err = -ENOMEM;
	if (err) {
		unopened_free(u);
		return err;
	}
	*out = u;
	return 0;
}

void unopened_free(struct unopened *u)
{
	unsigned int i;

	if (!u)
		return;
	for (i = 0; i < 2; i++)
		if (u->pipe[i] >= 0)
			close(u->pipe[i]);
	if (u->verdicts != MAP_FAILED)
		munmap(u->verdicts, sizeof(*u->verdicts));
	probes_coverage_free(u->coverage);
	free(u);
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* ---- the monitor ---- */

int unopened_fd(const struct unopened *u)
{
	return u->pipe[0];
}

static enum coverage_verdict verdict_of(struct unopened *u, pid_t pid)
{
	return pid ? probes_coverage_of(u->coverage, pid, now_ns()).verdict : COVERAGE_CLOSED;
}

static void answer(struct unopened *u, const struct question *q)
{
	struct verdicts *v = u->verdicts;
	enum coverage_verdict server = verdict_of(u, q->server), client = COVERAGE_CLOSED;

	if (server != COVERAGE_OPEN)
		client = verdict_of(u, q->client);
	if (server == COVERAGE_OPEN || client == COVERAGE_OPEN)
		v->opened++;
	else if (server == COVERAGE_UNKNOWN || client == COVERAGE_UNKNOWN)
		v->unknown++;
	/* The worker reads the others when it sees this one. */
	__atomic_store_n(&v->answered, v->answered + 1, __ATOMIC_RELEASE);
}

void unopened_ready(void *unopened)
{
	struct question questions[QUESTIONS_MAX];
	struct unopened *u = unopened;
	ssize_t len = read(u->pipe[0], questions, sizeof(questions)), i;

	for (i = 0; i < len / (ssize_t)sizeof(questions[0]); i++)
		answer(u, &questions[i]);
}

/* ---- the worker ---- */

void unopened_close_in_worker(struct unopened *u)
{
	close(u->pipe[0]);
	u->pipe[0] = -1;
	probes_coverage_free(u->coverage);
	u->coverage = NULL;
}

void unopened_sighting(struct unopened *u, pid_t server, pid_t client)
{
	if (!server && !client)
		return;
	if (u->num_questions == QUESTIONS_MAX)
		unopened_flush(u);
	u->questions[u->num_questions++] = (struct question){ server, client };
}

void unopened_flush(struct unopened *u)
{
	size_t size = u->num_questions * sizeof(u->questions[0]);

	if (size && write(u->pipe[1], u->questions, size) == (ssize_t)size)
		u->asked += u->num_questions;
	u->num_questions = 0;
}

static uint64_t wait_for_answers(const struct unopened *u)
{
	const struct timespec millisecond = { 0, 1000000 };
	uint64_t answered;
	unsigned int i;

	for (i = 0; i < PATIENCE_MS; i++) {
		answered = __atomic_load_n(&u->verdicts->answered, __ATOMIC_ACQUIRE);
		if (answered >= u->asked)
			break;
		nanosleep(&millisecond, NULL);
	}
	return answered;
}

void unopened_print(struct unopened *u, uint64_t encrypted, FILE *out)
{
	uint64_t answered = 0, unknown;

	if (!encrypted)
		return;
	if (u) {
		unopened_flush(u);
		answered = wait_for_answers(u);
	}
	fprintf(out, "certtap: %" PRIu64 " sighting%s stayed encrypted; ", encrypted, encrypted == 1 ? "" : "s");
	if (!answered) {
		fputs("--secrets opens those of the processes that 'certtap doctor' calls covered\n", out);
		return;
	}
	unknown = u->verdicts->unknown + (encrypted > answered ? encrypted - answered : 0);
	fprintf(out, "--secrets would have opened %" PRIu64 " of them", u->verdicts->opened);
	if (unknown)
		fprintf(out, ", and of %" PRIu64 " no process could be looked at", unknown);
	fputc('\n', out);
}
