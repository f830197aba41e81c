/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handshakes over real TCP connections on loopback, at a given rate: server and client threads exchange the
 * canned bytes of canned.h. To be run in a network namespace of its own, whose loopback is up.
 *
 *     replay RATE SECONDS
 *
 * Client threads take turns on one clock; when they cannot keep up, the rate that was reached is what counts.
 * Prints one line: handshakes completed, seconds, handshakes that failed.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tools/bench/canned.h"

#define NUM_CHAINS 100u
#define NUM_THREADS 8u              /* of each kind */
#define PORT 9443
#define BACKLOG 4096
#define TIMEOUT_S 2

struct replay {
	int listener;
	uint64_t begun_ns, end_ns, gap_ns;
	atomic_uint_fast64_t next, done, failed;
	struct canned canned[NUM_CHAINS];
};

static uint64_t clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void sleep_until(uint64_t at_ns)
{
	struct timespec at = { (time_t)(at_ns / 1000000000u), (long)(at_ns % 1000000000u) };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) == EINTR)
		;
}

static bool say(int fd, struct bytes part)
{
	return send(fd, part.data, part.len, MSG_NOSIGNAL) == (ssize_t)part.len;
}

static bool hear(int fd, size_t len)
{
	uint8_t buffer[CANNED_MAX];
	size_t have = 0;
	ssize_t n;

	while (have < len) {
		n = recv(fd, buffer, len - have, 0);
		if (n <= 0)
			return false;
		have += (size_t)n;
	}
	return true;
}

static void set_timeout(int fd)
{
	struct timeval limit = { .tv_sec = TIMEOUT_S };

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
}

/* Takes turns from CANNED_CLIENT_HELLO on; `first` is 0 for the client, who speaks first. */
static bool converse(int fd, const struct canned *c, unsigned int first)
{
	unsigned int i;

	for (i = 0; i < CANNED_PARTS; i++)
		if (!(i % 2 == first ? say(fd, c->part[i]) : hear(fd, c->part[i].len)))
			return false;
	return true;
}

/* The address that was called says which chain is meant. */
static void *serve(void *context)
{
	struct replay *r = context;
	struct sockaddr_in called;
	socklen_t len;
	int fd;

	for (;;) {
		fd = accept(r->listener, NULL, NULL);
		if (fd < 0)
			return NULL;
		set_timeout(fd);
		len = sizeof(called);
		if (getsockname(fd, (struct sockaddr *)&called, &len) == 0)
			converse(fd, &r->canned[(ntohl(called.sin_addr.s_addr) - INADDR_LOOPBACK) % NUM_CHAINS], 1);
		close(fd);
	}
}

static bool call(const struct replay *r, unsigned int chain)
{
	struct sockaddr_in server = {
		.sin_family = AF_INET, .sin_port = htons(PORT), .sin_addr.s_addr = htonl(INADDR_LOOPBACK + chain),
	};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool good;

	if (fd < 0)
		return false;
	set_timeout(fd);
	good = connect(fd, (struct sockaddr *)&server, sizeof(server)) == 0 &&
	       converse(fd, &r->canned[chain], 0);
	close(fd);
	return good;
}

static void *keep_calling(void *context)
{
	struct replay *r = context;
	uint64_t nth, at;

	for (;;) {
		nth = atomic_fetch_add(&r->next, 1);
		at = r->begun_ns + nth * r->gap_ns;
		if (at >= r->end_ns || clock_ns() >= r->end_ns)
			return NULL;
		sleep_until(at);
		atomic_fetch_add(call(r, (unsigned int)(nth % NUM_CHAINS)) ? &r->done : &r->failed, 1);
	}
}

static int listen_here(void)
{
	struct sockaddr_in any = { .sin_family = AF_INET, .sin_port = htons(PORT) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), yes = 1;

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	if (bind(fd, (struct sockaddr *)&any, sizeof(any)) == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	close(fd);
	return -1;
}

static void run(struct replay *r, unsigned int seconds)
{
	pthread_t servers[NUM_THREADS], clients[NUM_THREADS];
	unsigned int i;

	for (i = 0; i < NUM_THREADS; i++)
		canned_need(pthread_create(&servers[i], NULL, serve, r) == 0, "pthread_create");
	r->begun_ns = clock_ns();
	r->end_ns = r->begun_ns + seconds * 1000000000ull;
	for (i = 0; i < NUM_THREADS; i++)
		canned_need(pthread_create(&clients[i], NULL, keep_calling, r) == 0, "pthread_create");
	for (i = 0; i < NUM_THREADS; i++)
		pthread_join(clients[i], NULL);
	printf("%llu %.3f %llu\n", (unsigned long long)r->done, (double)(clock_ns() - r->begun_ns) / 1e9,
	       (unsigned long long)r->failed);
	shutdown(r->listener, SHUT_RDWR);
	for (i = 0; i < NUM_THREADS; i++)
		pthread_join(servers[i], NULL);
}

int main(int argc, char **argv)
{
	unsigned long rate = argc == 3 ? strtoul(argv[1], NULL, 10) : 0;
	unsigned long seconds = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;
	static struct replay r;
	unsigned int i;

	if (rate == 0 || rate > 1000000 || seconds == 0 || seconds > 60) {
		fputs("usage: replay RATE SECONDS\n", stderr);
		return 2;
	}
	for (i = 0; i < NUM_CHAINS; i++)
		canned_make(&r.canned[i], i);
	r.gap_ns = 1000000000u / rate;
	r.listener = listen_here();
	if (r.listener < 0) {
		perror("replay: listen");
		return 1;
	}
	run(&r, (unsigned int)seconds);
	close(r.listener);
	return 0;
}
