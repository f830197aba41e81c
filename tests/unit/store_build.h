/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates of a chosen identity and validity, records of them, and a store in a folder that goes with the test. */
#ifndef CERTTAP_TESTS_STORE_BUILD_H
#define CERTTAP_TESTS_STORE_BUILD_H

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <sqlite3.h>

#include "userspace/store/store.h"

#define SECOND 1000000000ull
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define T0 (1700000000ull * SECOND)      /* 2023-11-14; a whole number of days it is not */
#define T0_S 1700000000

struct cert_spec {
	const char *subject;     /* common name; NULL: "x" */
	const char *issuer;      /* NULL: "Issuing" */
	const char *san;         /* "DNS:a.example,DNS:b.example"; NULL: none */
	const char *usage;       /* "digitalSignature"; NULL: none */
	const char *purposes;    /* "serverAuth,clientAuth"; NULL: none */
	const char *constraints; /* "critical,CA:TRUE"; NULL: none */
	long serial;
	int64_t from_s, until_s;
};

static inline void spec_extension(X509 *cert, int nid, const char *value)
{
	X509_EXTENSION *ext;

	if (!value)
		return;
	ext = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
	if (!ext)
		abort();
	X509_add_ext(cert, ext, -1);
	X509_EXTENSION_free(ext);
}

/* The caller frees the bytes' data with OPENSSL_free(). */
static inline struct bytes spec_make(const struct cert_spec *spec)
{
	static EVP_PKEY *key;
	X509 *cert = X509_new();
	X509_NAME *subject = X509_NAME_new(), *issuer = X509_NAME_new();
	const char *name = spec->subject ? spec->subject : "x", *by = spec->issuer ? spec->issuer : "Issuing";
	uint8_t *der = NULL;
	int len;

	if (!key)
		key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	if (*name)
		X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const uint8_t *)name, -1, -1, 0);
	X509_NAME_add_entry_by_txt(issuer, "CN", MBSTRING_UTF8, (const uint8_t *)by, -1, -1, 0);
	X509_set_version(cert, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), spec->serial ? spec->serial : 1);
	X509_set_subject_name(cert, subject);
	X509_set_issuer_name(cert, issuer);
	ASN1_TIME_set(X509_getm_notBefore(cert), spec->from_s ? spec->from_s : T0_S - 86400);
	ASN1_TIME_set(X509_getm_notAfter(cert), spec->until_s ? spec->until_s : T0_S + 90 * 86400);
	X509_set_pubkey(cert, key);
	spec_extension(cert, NID_subject_alt_name, spec->san);
	spec_extension(cert, NID_key_usage, spec->usage);
	spec_extension(cert, NID_ext_key_usage, spec->purposes);
	spec_extension(cert, NID_basic_constraints, spec->constraints);
	if (!X509_sign(cert, key, EVP_sha256()))
		abort();
	len = i2d_X509(cert, &der);
	if (len <= 0)
		abort();
	X509_NAME_free(subject);
	X509_NAME_free(issuer);
	X509_free(cert);
	return bytes_of(der, (size_t)len);
}

/* A chain of that certificate alone, as it comes with a record; the caller frees it. */
static inline struct store_announcement *spec_announce(const struct cert_spec *spec)
{
	struct bytes der = spec_make(spec);
	struct store_announcement *a = malloc(sizeof(*a) + sizeof(a->certificates[0]) + der.len);
	uint8_t *at = (uint8_t *)&a->certificates[1];

	*a = (struct store_announcement){ .num = 1, .total = 1 };
	a->certificates[0] = (struct store_der){ .der_len = (uint32_t)der.len, .der = at };
	memcpy(at, der.data, der.len);
	SHA256(der.data, der.len, a->certificates[0].sha256);
	OPENSSL_free((void *)der.data);
	return a;
}

struct store_fixture {
	char folder[64];
	struct store_place place;
	struct store_limits limits;
	struct store *s;
};

static inline void fixture_open(struct store_fixture *f)
{
	char note[512], why[1200] = "";

	if (store_open(&f->place, &f->limits, &f->s, note, sizeof(note), why, sizeof(why)) != 0) {
		print_message("%s\n", why);
		abort();
	}
}

static inline void fixture_start(struct store_fixture *f)
{
	char path[96], why[1200];

	*f = (struct store_fixture){ .limits = STORE_LIMITS_DEFAULT };
	strcpy(f->folder, "/tmp/certtap-test-XXXXXX");
	if (!mkdtemp(f->folder) || !x509_init())
		abort();
	snprintf(path, sizeof(path), "%s/x.db", f->folder);
	if (store_place_open(path, false, 0, 0, &f->place, why, sizeof(why)) != 0)
		abort();
}

static inline void fixture_end(struct store_fixture *f)
{
	char command[128];

	store_free(f->s);
	store_place_close(&f->place);
	snprintf(command, sizeof(command), "rm -rf '%s'", f->folder);
	if (system(command) != 0)
		abort();
}

/* A sighting of `a` at 192.0.2.1, port 443, by 198.51.100.7, asked for as pool.example. */
static inline struct store_record record_of(uint64_t at_ns, const struct store_announcement *a)
{
	struct store_record r = {
		.first_ns = at_ns, .last_ns = at_ns, .count = 1, .name_asked = true, .name_len = 12,
		.announcement = (struct store_announcement *)a, .carrier = "plain",
		.server = { { { [10] = 0xff, 0xff, 192, 0, 2, 1 } }, 443 },
		.client = { { { [10] = 0xff, 0xff, 198, 51, 100, 7 } }, 40000 },
	};

	memcpy(r.name, "pool.example", 12);
	return r;
}

static inline void record_name(struct store_record *r, const char *name)
{
	r->name_asked = name != NULL;
	r->name_len = name ? (uint8_t)strlen(name) : 0;
	if (name)
		memcpy(r->name, name, r->name_len);
}

/* One batch of one record. */
static inline int put_one(struct store *s, const struct store_record *r)
{
	int err = store_begin(s), put;

	put = err ? err : store_put(s, r);
	err = store_commit(s);
	return put ? put : err;
}

/* One number of the file, by a connection of its own. */
static inline int64_t ask(const struct store_fixture *f, const char *sql)
{
	char path[96];
	sqlite3_stmt *statement;
	sqlite3 *db;
	int64_t value = -1;

	snprintf(path, sizeof(path), "%s/x.db", f->folder);
	if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK ||
	    sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK)
		abort();
	if (sqlite3_step(statement) == SQLITE_ROW)
		value = sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	sqlite3_close(db);
	return value;
}

#endif
