/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A flood of distinct certificates, as a stranger could send it, through the queue into a store:
 *
 *     bench_store FOLDER [CERTIFICATES [STORE_MAX_MB]]      default 1,000,000 and 256
 *
 * Once as fast as the packet path hands them over (what has no room is refused, nobody waits), once lossless. And the
 * look-ups on 10,000 endpoints with 1,000,000 sightings. Exit 1 when the packet path was held up, memory grew or the
 * file is over its cap.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <openssl/sha.h>

#include "tools/bench/canned.h"
#include "userspace/store/store_queue.h"

#define ENDPOINTS 10000u
#define SIGHTINGS 1000000u
#define T0 1700000000000000000ull
#define HELD_UP_S 0.25           /* longer than a turn of the loop that drains the ring may wait */

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double memory_mib(void)
{
	char line[128];
	double kib = 0;
	FILE *f = fopen("/proc/self/status", "r");

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "VmRSS: %lf", &kib) == 1)
			break;
	if (f)
		fclose(f);
	return kib / 1024;
}

/* One certificate whose serial, and so whose hash, is another each time; the chain table would call it loose. */
struct flood {
	struct canned canned;
	uint8_t *der;
	size_t len, serial_at;
	struct certificate certificate;
	struct chain *chain;
};

static void flood_start(struct flood *f)
{
	static const uint8_t integer[] = { 0x02, 0x10 };
	X509 *x = X509_new();
	EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	uint8_t serial[16] = { 0x55, 0xaa };
	BIGNUM *number = BN_bin2bn(serial, sizeof(serial), NULL);
	int len;

	X509_set_version(x, 2);
	BN_to_ASN1_INTEGER(number, X509_get_serialNumber(x));
	certificate_name(X509_get_subject_name(x), "pool.example");
	certificate_name(X509_get_issuer_name(x), "Flood CA");
	ASN1_TIME_set(X509_getm_notBefore(x), 1690000000);
	ASN1_TIME_set(X509_getm_notAfter(x), 1790000000);
	X509_set_pubkey(x, key);
	certificate_extension(x, NID_subject_alt_name, "DNS:pool.example,DNS:www.pool.example");
	canned_need(X509_sign(x, key, EVP_sha256()) > 0, "signing");
	len = i2d_X509(x, &f->der);
	canned_need(len > 0, "encoding");
	f->len = (size_t)len;
	for (f->serial_at = 0; f->serial_at + 20 < f->len; f->serial_at++)
		if (memcmp(f->der + f->serial_at, integer, 2) == 0 && f->der[f->serial_at + 2] == 0x55)
			break;
	f->serial_at += 4;
	f->chain = calloc(1, sizeof(*f->chain) + sizeof(f->chain->certificates[0]));
	*f->chain = (struct chain){ .num = 1, .total = 1 };
	f->chain->certificates[0] = &f->certificate;
	f->certificate = (struct certificate){ .der = f->der, .der_len = (uint32_t)f->len };
	X509_free(x);
	EVP_PKEY_free(key);
	BN_free(number);
}

static void flood_next(struct flood *f, uint64_t n)
{
	memcpy(f->der + f->serial_at, &n, sizeof(n));
	SHA256(f->der, f->len, f->certificate.sha256);
}

static struct sighting sighting_at(uint64_t n, uint32_t endpoint)
{
	return (struct sighting){
		.server = { { { [10] = 0xff, 0xff, 10, (uint8_t)(endpoint >> 16), (uint8_t)(endpoint >> 8),
				(uint8_t)endpoint } }, 443 },
		.client = { { { [10] = 0xff, 0xff, 192, 0, 2, (uint8_t)n } }, 40000 },
		.start_ns = T0 + n * 1000000, .end_ns = T0 + n * 1000000, .carrier = "plain",
	};
}

struct bench {
	struct store_place place;
	struct store_queue_options options;
	struct store_queue *queue;
	struct observer observer;
	int bad;
};

static void check(struct bench *b, bool good, const char *what)
{
	printf("%s - %s\n", good ? "ok" : "not ok", what);
	b->bad += !good;
}

static void begin(struct bench *b, const char *folder, const char *name)
{
	const struct observer nobody = { 0 };
	char path[512], why[1200];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	unlink(path);
	if (store_place_open(path, true, geteuid(), getegid(), &b->place, why, sizeof(why)) != 0) {
		fprintf(stderr, "%s\n", why);
		exit(1);
	}
	b->queue = store_queue_new(&b->place, &b->options);
	canned_need(b->queue && store_queue_start(b->queue) == 0 && store_queue_open(b->queue) == 0, "the store");
	b->observer = store_queue_observer(b->queue, &nobody);
}

static double size_mib(const struct bench *b)
{
	struct stat st;

	return fstatat(b->place.dir_fd, b->place.name, &st, 0) == 0 ? (double)st.st_size / (1 << 20) : 0;
}

static void end(struct bench *b)
{
	store_queue_free(b->queue);
	store_place_close(&b->place);
}

static void flood(struct bench *b, const char *folder, struct flood *f, uint64_t amount, bool lossless)
{
	const struct ledger_entry entry = { 0 };
	double start, before, after, longest = 0, early = 0, late;
	struct store_queue_counters c;
	struct sighting s;
	uint64_t n;

	b->options.lossless = lossless;
	begin(b, folder, "flood.db");
	start = now_s();
	for (n = 0; n < amount; n++) {
		flood_next(f, n);
		s = sighting_at(n, (uint32_t)(n / 100));
		s.chain[ROLE_SERVER] = f->chain;
		before = now_s();
		b->observer.recorded(b->observer.context, &s, ROLE_SERVER, &entry);
		after = now_s();
		if (after - before > longest)
			longest = after - before;
		if (n == amount / 10)
			early = memory_mib();
	}
	after = now_s();
	late = memory_mib();
	store_queue_finish(b->queue);
	store_queue_counters(b->queue, &c);
	printf("%s: %llu certificates in %.1f s, %.0f a second; longest call %.1f ms; %llu records stored, %llu refused "
	       "and counted; written after %.1f s; memory %.0f MiB after a tenth, %.0f at the end; file %.0f MiB\n",
	       lossless ? "lossless" : "as fast as they come", (unsigned long long)amount, after - start,
	       (double)amount / (after - start), longest * 1e3, (unsigned long long)c.stored,
	       (unsigned long long)(c.refused + c.failed), now_s() - start, early, late, size_mib(b));
	store_queue_print(b->queue, stdout);
	if (!lossless)
		check(b, longest < HELD_UP_S, "the packet path was never held up");
	check(b, late < early + 64, "memory stayed flat");
	check(b, size_mib(b) <= (double)b->options.limits.bytes / (1 << 20), "the file is within its cap");
	check(b, !lossless || c.refused + c.failed == 0, "what is refused is refused on purpose");
	end(b);
}

/* --- look-ups --- */

static bool count(void *context, const struct store_sighting *s)
{
	(void)s;
	++*(uint64_t *)context;
	return true;
}

static void look(struct bench *b, struct store *s, const struct store_filter *filter, const char *what, double limit)
{
	double start = now_s(), took;
	uint64_t num = 0;
	char text[160];

	canned_need(store_each_sighting(s, filter, count, &num) == 0, what);
	took = now_s() - start;
	snprintf(text, sizeof(text), "%s: %llu rows in %.1f ms", what, (unsigned long long)num, took * 1e3);
	check(b, took < limit && num > 0, text);
}

static void look_ups(struct bench *b, const char *folder, struct flood *f)
{
	const struct ledger_entry entry = { 0 };
	struct store_filter by_port = { .by_port = true, .port = 443 }, by_hash = { 0 }, by_name = { .name = "pool.example" },
			    current = { .current_only = true, .now_s = 1795000000 }, by_address = { 0 };
	struct sighting s;
	struct store *reader;
	char why[1200];
	uint64_t n;
	double start;

	b->options.lossless = true;
	b->options.limits.bytes = 1u << 30;
	begin(b, folder, "endpoints.db");
	start = now_s();
	/* A thousand certificates on ten thousand endpoints. */
	for (n = 0; n < SIGHTINGS; n++) {
		uint32_t endpoint = (uint32_t)(n % ENDPOINTS);

		flood_next(f, endpoint % 1000 + n / (SIGHTINGS / 2) * 1000);
		s = sighting_at(n, endpoint);
		s.server.port = (uint16_t)(443 + endpoint % 50);
		s.chain[ROLE_SERVER] = f->chain;
		f->chain->id = (uint32_t)(endpoint % 1000 + n / (SIGHTINGS / 2) * 1000 + 1);
		b->observer.recorded(b->observer.context, &s, ROLE_SERVER, &entry);
	}
	f->chain->id = 0;
	store_queue_finish(b->queue);
	printf("%u sightings at %u endpoints written in %.1f s, file %.0f MiB\n", SIGHTINGS, ENDPOINTS, now_s() - start,
	       size_mib(b));
	canned_need(store_open_reader(&b->place, &reader, why, sizeof(why)) == 0, why);
	s = sighting_at(0, 77);
	by_address.address = &s.server.address;
	by_hash.sha256 = f->certificate.sha256;
	look(b, reader, &by_hash, "where is this certificate", 0.1);
	look(b, reader, &by_port, "by port", 0.1);
	look(b, reader, &by_address, "by address", 0.1);
	look(b, reader, &by_name, "by a name that all have", 1);
	look(b, reader, &current, "what every endpoint presents now", 1);
	store_free(reader);
	end(b);
}

int main(int argc, char **argv)
{
	struct bench b = { .options = STORE_QUEUE_OPTIONS_DEFAULT };
	uint64_t amount = argc > 2 ? strtoull(argv[2], NULL, 10) : 1000000;
	struct flood f = { 0 };

	if (argc < 2 || !x509_init()) {
		fputs("usage: bench_store FOLDER [CERTIFICATES [STORE_MAX_MB]]\n", stderr);
		return 2;
	}
	flood_start(&f);
	b.options.limits.bytes = (argc > 3 ? strtoull(argv[3], NULL, 10) : 256) << 20;
	/* A stranger may use another issuer for each: that cap is tested elsewhere and would hide this one. */
	b.options.limits.issuer_certificates = UINT32_MAX;
	flood(&b, argv[1], &f, amount, false);
	flood(&b, argv[1], &f, amount, true);
	look_ups(&b, argv[1], &f);
	return b.bad ? 1 : 0;
}
