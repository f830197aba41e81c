/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes a store to look into:
 *
 *     store_make FILE [ENDPOINTS [SIGHTINGS [RENEWALS]]]      default 10,000, 1,000,000 and 1
 *
 * A thousand hosts, each with a certificate that was renewed RENEWALS times; at ENDPOINTS endpoints, each in a process
 * and a unit of its own, and SIGHTINGS sightings of them over 90 days. One endpoint in a hundred still presents the
 * last but one, one in a hundred showed nothing but encrypted handshakes. FILE.pem gets what host 0 should present.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <openssl/pem.h>
#include <openssl/sha.h>

#include "tools/bench/canned.h"
#include "userspace/store/store.h"

#define HOSTS 1000u
#define DAY_S 86400
#define NS_PER_S 1000000000ull
#define BATCH 2000u              /* records between commits */

struct making {
	struct store *store;
	struct store_announcement **chains;      /* [host * generations + generation] */
	unsigned int endpoints, generations;
	uint64_t sightings, begin_s;             /* of the 90 days */
	unsigned int in_batch;
	EVP_PKEY *key;
};

static X509 *make_certificate(struct making *m, unsigned int host, unsigned int generation)
{
	int64_t from_s = (int64_t)m->begin_s - 60 * DAY_S + generation * (90 * DAY_S / (int64_t)m->generations);
	char name[48], san[128];
	X509 *x = X509_new();

	snprintf(name, sizeof(name), "host%u.example", host);
	snprintf(san, sizeof(san), "DNS:%s,DNS:www.%s", name, name);
	X509_set_version(x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x), (long)(host * m->generations + generation + 1));
	certificate_name(X509_get_subject_name(x), name);
	certificate_name(X509_get_issuer_name(x), "Bench Issuing CA");
	ASN1_TIME_set(X509_getm_notBefore(x), from_s);
	ASN1_TIME_set(X509_getm_notAfter(x), from_s + 180 * DAY_S);
	X509_set_pubkey(x, m->key);
	certificate_extension(x, NID_subject_alt_name, san);
	certificate_extension(x, NID_ext_key_usage, "serverAuth");
	canned_need(X509_sign(x, m->key, EVP_sha256()) > 0, "signing");
	return x;
}

static struct store_announcement *announce(X509 *x)
{
	uint8_t *der = NULL, *at;
	int len = i2d_X509(x, &der);
	struct store_announcement *a;

	canned_need(len > 0, "encoding");
	a = malloc(sizeof(*a) + sizeof(a->certificates[0]) + (size_t)len);
	canned_need(a != NULL, "memory");
	at = (uint8_t *)&a->certificates[1];
	*a = (struct store_announcement){ .num = 1, .total = 1 };
	a->certificates[0] = (struct store_der){ .der_len = (uint32_t)len, .der = at };
	memcpy(at, der, (size_t)len);
	SHA256(der, (size_t)len, a->certificates[0].sha256);
	OPENSSL_free(der);
	return a;
}

static void write_pem(X509 *x, const char *store)
{
	char path[1024];
	FILE *out;

	snprintf(path, sizeof(path), "%s.pem", store);
	out = fopen(path, "w");
	canned_need(out && PEM_write_X509(out, x) == 1 && fclose(out) == 0, path);
}

static void make_certificates(struct making *m, const char *path)
{
	unsigned int host, generation;
	X509 *x;

	m->key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	m->chains = calloc((size_t)HOSTS * m->generations, sizeof(*m->chains));
	canned_need(m->key && m->chains, "memory");
	for (host = 0; host < HOSTS; host++)
		for (generation = 0; generation < m->generations; generation++) {
			x = make_certificate(m, host, generation);
			m->chains[host * m->generations + generation] = announce(x);
			if (host == 0 && generation + 1 == m->generations)
				write_pem(x, path);
			X509_free(x);
		}
}

static void put(struct making *m, const struct store_record *r)
{
	if (m->in_batch == 0)
		canned_need(store_begin(m->store) == 0, store_error(m->store));
	canned_need(store_put(m->store, r) == 0, store_error(m->store));
	if (++m->in_batch < BATCH)
		return;
	canned_need(store_commit(m->store) == 0, store_error(m->store));
	m->in_batch = 0;
}

/* What an endpoint presented while this generation was the newest. */
static void put_endpoint(struct making *m, unsigned int endpoint, unsigned int generation)
{
	unsigned int host = endpoint % HOSTS, shown = generation;
	uint64_t span_s = 90ull * DAY_S / m->generations, from_s = m->begin_s + generation * span_s;
	struct store_record_owner owner = { .process = "service", .executable = "/usr/sbin/service" };
	struct store_record r = {
		.server = { { { [10] = 0xff, 0xff, 10, (uint8_t)(endpoint >> 16), (uint8_t)(endpoint >> 8),
				(uint8_t)endpoint } }, (uint16_t)(443 + endpoint % 50) },
		.client = { { { [10] = 0xff, 0xff, 192, 0, 2, (uint8_t)endpoint } }, 40000 },
		.carrier = "plain", .pid = 1000 + endpoint, .started_ns = m->begin_s * NS_PER_S, .owner = &owner,
		.count = m->sightings / m->endpoints / m->generations, .name_asked = true,
	};

	snprintf(owner.unit, sizeof(owner.unit), "service%u.service", endpoint);
	r.name_len = (uint8_t)snprintf(r.name, sizeof(r.name), "host%u.example", host);
	r.first_ns = (from_s + endpoint) * NS_PER_S;
	r.last_ns = (from_s + span_s - 60 - endpoint % 3600) * NS_PER_S;
	/* Of ten endpoints of every tenth host. */
	if (host % 10 == 0 && endpoint / HOSTS % 10 == 9)
		r.reason = REASON_ENCRYPTED;
	else if (host % 10 == 0 && endpoint / HOSTS % 10 == 5 && generation + 1 == m->generations)
		shown--;
	if (r.reason == REASON_NONE)
		r.announcement = m->chains[host * m->generations + shown];
	put(m, &r);
}

static void fill(struct making *m)
{
	unsigned int generation, endpoint;

	for (generation = 0; generation < m->generations; generation++)
		for (endpoint = 0; endpoint < m->endpoints; endpoint++)
			put_endpoint(m, endpoint, generation);
	if (m->in_batch)
		canned_need(store_commit(m->store) == 0, store_error(m->store));
}

int main(int argc, char **argv)
{
	struct store_limits limits = STORE_LIMITS_DEFAULT;
	struct making m = { .endpoints = 10000, .sightings = 1000000, .generations = 2 };
	struct store_place place;
	char note[512], why[1200];
	size_t i;

	if (argc > 2)
		m.endpoints = (unsigned int)strtoul(argv[2], NULL, 10);
	if (argc > 3)
		m.sightings = strtoull(argv[3], NULL, 10);
	if (argc > 4)
		m.generations = 1 + (unsigned int)strtoul(argv[4], NULL, 10);
	if (argc < 2 || !m.endpoints || m.generations < 2 || !x509_init()) {
		fputs("usage: store_make FILE [ENDPOINTS [SIGHTINGS [RENEWALS]]]\n", stderr);
		return 2;
	}
	m.begin_s = (uint64_t)time(NULL) - 90 * DAY_S;
	limits.issuer_certificates = UINT32_MAX;
	unlink(argv[1]);
	canned_need(store_place_open(argv[1], true, geteuid(), getegid(), &place, why, sizeof(why)) == 0, why);
	canned_need(store_open(&place, &limits, &m.store, note, sizeof(note), why, sizeof(why)) == 0, why);
	make_certificates(&m, argv[1]);
	fill(&m);
	store_free(m.store);
	store_place_close(&place);
	for (i = 0; i < (size_t)HOSTS * m.generations; i++)
		free(m.chains[i]);
	free(m.chains);
	EVP_PKEY_free(m.key);
	return 0;
}
