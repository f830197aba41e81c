/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the pass over all descriptors at the start costs: with the processes that are there, and with many more, which
 * hold pipes and a few sockets each.
 *
 *     bench_owners [PROCESSES [DESCRIPTORS]]      more, and in all; default 500 and 100,000
 *
 * Exit 1: the sockets were not all found. Needs root.
 */
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "userspace/attach/owners.h"

#define PROCESSES 500u
#define DESCRIPTORS 100000u
#define SOCKETS_EACH 4u
#define ROUNDS 7

struct cost {
	double cpu, wall;        /* seconds, the least of the rounds */
	uint64_t sockets;
};

static double cpu_seconds(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static double wall_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void __attribute__((noreturn)) die(const char *what)
{
	fprintf(stderr, "bench_owners: %s\n", what);
	exit(1);
}

/* One more pass, each time. */
static struct cost measure(struct owners *o)
{
	struct cost least = { 1e9, 1e9, 0 };

	for (int i = 0; i < ROUNDS; i++) {
		double cpu = cpu_seconds(), wall = wall_seconds();

		if (owners_look(o) != 0)
			die("no pass");
		cpu = cpu_seconds() - cpu;
		wall = wall_seconds() - wall;
		least.cpu = cpu < least.cpu ? cpu : least.cpu;
		least.wall = wall < least.wall ? wall : least.wall;
	}
	least.sockets = owners_counters(o)->sockets;
	return least;
}

static void hold(unsigned int descriptors, int ready)
{
	struct rlimit limit = { descriptors + 64, descriptors + 64 };
	unsigned int i;
	int ends[2];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setrlimit(RLIMIT_NOFILE, &limit);
	for (i = 0; i < SOCKETS_EACH; i++)
		if (socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) < 0)
			_exit(1);
	for (; i < descriptors; i += 2)
		if (pipe(ends) != 0)
			_exit(1);
	if (write(ready, "x", 1) != 1)
		_exit(1);
	pause();
	_exit(0);
}

static void start(pid_t *children, unsigned int processes, unsigned int descriptors)
{
	int ready[2];
	char byte;

	if (pipe(ready) != 0)
		die("no pipe");
	for (unsigned int i = 0; i < processes; i++) {
		children[i] = fork();
		if (children[i] < 0)
			die("no process");
		if (children[i] == 0)
			hold(descriptors / processes, ready[1]);
	}
	for (unsigned int i = 0; i < processes; i++)
		if (read(ready[0], &byte, 1) != 1)
			die("a process did not come up");
}

static void print(const char *what, const struct cost *c)
{
	printf("  %-44s %8.2f ms CPU %8.2f ms wall %8llu sockets\n", what, c->cpu * 1e3, c->wall * 1e3,
	       (unsigned long long)c->sockets);
}

int main(int argc, char **argv)
{
	unsigned int processes = argc > 1 ? (unsigned int)atoi(argv[1]) : PROCESSES;
	unsigned int descriptors = argc > 2 ? (unsigned int)atoi(argv[2]) : DESCRIPTORS;
	pid_t *children = calloc(processes ? processes : 1, sizeof(*children));
	struct owners *owners;
	struct cost before, after;
	char why[256], what[80];

	if (!children || processes == 0)
		die("how many?");
	if (owners_open(&owners, why, sizeof(why)) != 0)
		die(why);
	before = measure(owners);
	start(children, processes, descriptors);
	after = measure(owners);
	for (unsigned int i = 0; i < processes; i++) {
		kill(children[i], SIGKILL);
		waitpid(children[i], NULL, 0);
	}
	owners_free(owners);
	print("the processes that are here", &before);
	snprintf(what, sizeof(what), "and %u more with %u descriptors", processes, descriptors);
	print(what, &after);
	free(children);
	return after.sockets - before.sockets == (uint64_t)processes * SOCKETS_EACH ? 0 : 1;
}
