/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the probes of --secrets cost a program: OpenSSL as client and as server, a thread each on one CPU, a connection
 * over loopback and a full TLS 1.3 handshake each time, without probes and with them in turns. CPU time of both ends,
 * user and kernel; what the reader of the ring takes is left out, since that is certtap's.
 *
 *     bench_secrets [ROUNDS]
 *
 * To be run in a network namespace of its own, whose loopback is up. Exit 1: not every secret was caught, or there are
 * no probes here.
 */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <bpf/libbpf.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "userspace/probes/probes.h"
#include "userspace/source/counter_lines.h"

#define ROUNDS 25
#define ROUNDS_MAX 99
#define BATCHES 10               /* of each round; between them the ring is emptied */
#define BATCH 50                 /* handshakes */

struct bench {
	SSL_CTX *server, *client;
	int listener;
	struct sockaddr_in at;
	struct probes *probes;
	struct ring_buffer *ring;
	uint64_t caught;
	uint64_t hits;               /* of the batch with the fewest: probes are hit by others too */
	double with[ROUNDS_MAX], without[ROUNDS_MAX];   /* CPU seconds a handshake */
};

static void __attribute__((noreturn)) die(const char *what)
{
	fprintf(stderr, "bench_secrets: %s\n", what);
	ERR_print_errors_fp(stderr);
	exit(1);
}

static void make_certificate(SSL_CTX *ctx)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x = X509_new();

	if (!key || !x)
		die("no key");
	ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	X509_gmtime_adj(X509_getm_notBefore(x), 0);
	X509_gmtime_adj(X509_getm_notAfter(x), 86400);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
				   (const unsigned char *)"bench.test", -1, -1, 0);
	X509_set_issuer_name(x, X509_get_subject_name(x));
	if (!X509_set_pubkey(x, key) || !X509_sign(x, key, EVP_sha256()) ||
	    SSL_CTX_use_certificate(ctx, x) != 1 || SSL_CTX_use_PrivateKey(ctx, key) != 1)
		die("no certificate");
	X509_free(x);
	EVP_PKEY_free(key);
}

static SSL_CTX *make_context(const SSL_METHOD *method)
{
	SSL_CTX *ctx = SSL_CTX_new(method);

	if (!ctx || !SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION))
		die("no context");
	return ctx;
}

/* Any port of the loopback. */
static void listen_somewhere(struct bench *b)
{
	socklen_t len = sizeof(b->at);

	b->at = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	b->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (b->listener < 0 || bind(b->listener, (struct sockaddr *)&b->at, sizeof(b->at)) != 0 ||
	    listen(b->listener, 16) != 0 || getsockname(b->listener, (struct sockaddr *)&b->at, &len) != 0)
		die("no port to listen at");
}

/* Without delay: tickets and data are small writes one after the other. */
static SSL *make_end(SSL_CTX *ctx, int fd)
{
	SSL *ssl = fd >= 0 ? SSL_new(ctx) : NULL;
	const int on = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (!ssl || SSL_set_fd(ssl, fd) != 1)
		die("no connection");
	return ssl;
}

/* Says one byte after the handshake, and waits for the client's end. */
static void *serve(void *context)
{
	const struct bench *b = context;
	char byte = 'x';

	for (;;) {
		int fd = accept(b->listener, NULL, NULL);
		SSL *ssl = make_end(b->server, fd);

		if (SSL_accept(ssl) != 1 || SSL_write(ssl, &byte, 1) != 1)
			die("no handshake, as server");
		(void)!read(fd, &byte, 1);
		SSL_free(ssl);
		close(fd);
	}
	return NULL;
}

/* Ends with a reset: so many ports must not wait for late segments. */
static void shake_hands(const struct bench *b)
{
	const struct linger none = { .l_onoff = 1 };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	SSL *ssl = make_end(b->client, fd);
	char byte;

	if (connect(fd, (const struct sockaddr *)&b->at, sizeof(b->at)) != 0 || SSL_connect(ssl) != 1 ||
	    SSL_read(ssl, &byte, 1) != 1)
		die("no handshake, as client");
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
	SSL_free(ssl);
	close(fd);
}

static void start_server(struct bench *b)
{
	cpu_set_t one;
	pthread_t server;

	CPU_ZERO(&one);
	CPU_SET((size_t)sched_getcpu(), &one);
	sched_setaffinity(0, sizeof(one), &one);
	if (pthread_create(&server, NULL, serve, b) != 0)
		die("no thread");
	pthread_detach(server);
}

static double cpu_seconds(void)
{
	struct rusage used;

	getrusage(RUSAGE_SELF, &used);
	return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
	       (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

static int on_record(void *context, void *record, size_t size)
{
	struct bench *b = context;

	(void)record;
	(void)size;
	b->caught++;
	return 0;
}

static uint64_t count_hits(const struct bench *b)
{
	struct secret_counters sum = { 0 };
	unsigned int num;
	const struct secret_counters *lines = probes_counters(b->probes, &num);

	counter_lines_sum(&sum, lines, num, sizeof(sum));
	return sum.hits;
}

static void open_probes(struct bench *b)
{
	static struct probes_options options = PROBES_OPTIONS_DEFAULT;
	char why[512];

	options.which = PROBES_ALL;
	if (probes_open(&options, &b->probes, why, sizeof(why)) != 0)
		die(why);
	b->ring = ring_buffer__new(probes_ring_fd(b->probes), on_record, b, NULL);
	if (!b->ring)
		die("no ring");
}

static void close_probes(struct bench *b)
{
	ring_buffer__free(b->ring);
	probes_free(b->probes);
	b->ring = NULL;
	b->probes = NULL;
}

static void run_batch(struct bench *b, double *cpu)
{
	uint64_t before = b->probes ? count_hits(b) : 0, hits;
	double begun = cpu_seconds();

	for (unsigned int i = 0; i < BATCH; i++)
		shake_hands(b);
	*cpu += cpu_seconds() - begun;
	if (!b->probes)
		return;
	hits = count_hits(b) - before;
	if (!b->hits || hits < b->hits)
		b->hits = hits;
	if (ring_buffer__consume(b->ring) < 0)
		die("the ring cannot be read");
}

/* CPU seconds a handshake. */
static double run_round(struct bench *b)
{
	double cpu = 0;

	shake_hands(b);             /* pages and caches */
	for (unsigned int i = 0; i < BATCHES; i++)
		run_batch(b, &cpu);
	return cpu / (BATCHES * BATCH);
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *list, unsigned int num)
{
	qsort(list, num, sizeof(*list), compare);
	return num % 2 ? list[num / 2] : (list[num / 2 - 1] + list[num / 2]) / 2;
}

static void run(struct bench *b, unsigned int rounds)
{
	for (unsigned int i = 0; i < rounds; i++) {
		/* Each goes first in every other round. */
		if (i % 2)
			b->without[i] = run_round(b);
		open_probes(b);
		b->with[i] = run_round(b);
		close_probes(b);
		if (i % 2 == 0)
			b->without[i] = run_round(b);
	}
}

int main(int argc, char **argv)
{
	static struct bench b;
	unsigned int rounds = argc > 1 ? (unsigned int)atoi(argv[1]) : ROUNDS;
	uint64_t wanted;
	double with, without, hits;

	if (!rounds || rounds > ROUNDS_MAX)
		die("usage: bench_secrets [ROUNDS]");
	b.server = make_context(TLS_server_method());
	b.client = make_context(TLS_client_method());
	make_certificate(b.server);
	listen_somewhere(&b);
	start_server(&b);
	run(&b, rounds);
	wanted = 2ull * rounds * (BATCHES * BATCH + 1);
	with = median(b.with, rounds);
	without = median(b.without, rounds);
	hits = (double)b.hits / BATCH;
	printf("  %-16s %8.0f handshakes/s of CPU %8.1f us each\n", "without probes", 1 / without, without * 1e6);
	printf("  %-16s %8.0f handshakes/s of CPU %8.1f us each\n", "with probes", 1 / with, with * 1e6);
	printf("  medians of %u rounds in turns; %+.1f %% (to be at most 6); %.0f hits a handshake, %.2f us each\n",
	       rounds, (with / without - 1) * 100, hits, (with - without) * 1e6 / hits);
	printf("%s - secrets: %llu caught of %llu\n", b.caught >= wanted ? "ok" : "not ok",
	       (unsigned long long)b.caught, (unsigned long long)wanted);
	return b.caught >= wanted ? 0 : 1;
}
