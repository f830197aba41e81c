/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the two ends of a TLS 1.2 handshake say, made once and then sent as often as wanted: the benchmark's
 * captures and its live traffic say the same. Certificates are real ones of libcrypto, three to a chain and
 * about 3.5 KB; what is random or encrypted on the wire is random here.
 */
#ifndef CERTTAP_BENCH_CANNED_H
#define CERTTAP_BENCH_CANNED_H

#include <stdio.h>
#include <stdlib.h>

#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include "parsers/bytes.h"
#include "parsers/tls_record.h"

#define CANNED_MAX 16384
#define CLIENT_HELLO_LEN 512       /* with the record's header 517, as browsers pad it */

/* In the order they are sent; the client begins, and then they take turns. */
enum canned_part {
	CANNED_CLIENT_HELLO,
	CANNED_SERVER_FLIGHT,      /* ServerHello to ServerHelloDone */
	CANNED_CLIENT_FINISH,
	CANNED_SERVER_FINISH,
	CANNED_CLIENT_DATA,        /* one record of application data each */
	CANNED_SERVER_DATA,
	CANNED_PARTS,
};

struct canned {
	struct bytes part[CANNED_PARTS];
	size_t used;
	uint8_t memory[CANNED_MAX];
};

/* The same numbers in every run (splitmix64, Steele and others 2014). */
static inline uint64_t random_next(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static inline void canned_need(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "bench: %s failed\n", what);
	exit(1);
}

static inline void canned_put(struct canned *c, const void *data, size_t len)
{
	canned_need(len <= CANNED_MAX - c->used, "room for a handshake");
	memcpy(c->memory + c->used, data, len);
	c->used += len;
}

static inline void canned_number(struct canned *c, uint32_t value, unsigned int width)
{
	uint8_t octets[4] = { (uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8),
			      (uint8_t)value };

	canned_put(c, octets + 4 - width, width);
}

static inline void canned_random(struct canned *c, uint64_t *state, size_t len)
{
	uint64_t word;

	for (; len; len -= len < 8 ? len : 8) {
		word = random_next(state);
		canned_put(c, &word, len < 8 ? len : 8);
	}
}

/* A length field of `width` bytes, filled in by canned_close() when what it counts is there. */
static inline size_t canned_open(struct canned *c, unsigned int width)
{
	canned_number(c, 0, width);
	return c->used;
}

static inline void canned_close(struct canned *c, size_t body, unsigned int width)
{
	size_t end = c->used, len = end - body;

	c->used = body - width;
	canned_number(c, (uint32_t)len, width);
	c->used = end;
}

/* A record of one type with `len` bytes that nobody can read. */
static inline void canned_opaque(struct canned *c, uint64_t *state, uint8_t type, uint16_t len)
{
	canned_number(c, type, 1);
	canned_number(c, 0x0303, 2);
	canned_number(c, len, 2);
	canned_random(c, state, len);
}

static inline void canned_extension(struct canned *c, uint16_t type, const char *data, size_t len)
{
	canned_number(c, type, 2);
	canned_number(c, (uint32_t)len, 2);
	canned_put(c, data, len);
}

static inline void canned_client_hello(struct canned *c, uint64_t *state, const char *name)
{
	static const char suites[] = "\xc0\x2b\xc0\x2f\xc0\x2c\xc0\x30\xcc\xa9\xcc\xa8";
	static const char padding[CLIENT_HELLO_LEN];
	size_t record, message, extensions, start;
	uint16_t name_len = (uint16_t)strlen(name);

	canned_put(c, "\x16\x03\x01", 3);
	record = start = canned_open(c, 2);
	canned_number(c, TLS_CLIENT_HELLO, 1);
	message = canned_open(c, 3);
	canned_number(c, 0x0303, 2);
	canned_random(c, state, 32);
	canned_number(c, 0, 1);
	canned_number(c, sizeof(suites) - 1, 2);
	canned_put(c, suites, sizeof(suites) - 1);
	canned_put(c, "\x01\x00", 2);
	extensions = canned_open(c, 2);
	canned_number(c, 0, 2);                    /* server_name (RFC 6066 section 3) */
	canned_number(c, name_len + 5u, 2);
	canned_number(c, name_len + 3u, 2);
	canned_number(c, 0, 1);
	canned_number(c, name_len, 2);
	canned_put(c, name, name_len);
	canned_extension(c, 10, "\x00\x04\x00\x1d\x00\x17", 6);
	canned_extension(c, 11, "\x01\x00", 2);
	canned_extension(c, 13, "\x00\x08\x04\x03\x08\x04\x04\x01\x05\x03", 10);
	canned_extension(c, 23, "", 0);
	canned_extension(c, 21, padding, CLIENT_HELLO_LEN - 4 - (c->used - start));
	canned_close(c, extensions, 2);
	canned_close(c, message, 3);
	canned_close(c, record, 2);
}

static inline void certificate_extension(X509 *x, int nid, const char *value)
{
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

	canned_need(e && X509_add_ext(x, e, -1), "a certificate's extension");
	X509_EXTENSION_free(e);
}

static inline void certificate_name(X509_NAME *name, const char *common_name)
{
	canned_need(X509_NAME_add_entry_by_txt(name, "O", MBSTRING_UTF8,
					       (const unsigned char *)"Benchmark", -1, -1, 0) &&
		    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
					       (const unsigned char *)common_name, -1, -1, 0),
		    "a certificate's name");
}

/* level 0: the leaf, with many names, as shared hosting has them; above: CAs. */
static inline void certificate_fill(X509 *x, unsigned int nth, unsigned int level)
{
	char text[2048];
	int at, i;

	if (level > 0) {
		certificate_extension(x, NID_basic_constraints, "critical,CA:TRUE");
		snprintf(text, sizeof(text), "%0720u", nth);
		certificate_extension(x, NID_netscape_comment, text);
		return;
	}
	certificate_extension(x, NID_ext_key_usage, "serverAuth");
	at = snprintf(text, sizeof(text), "DNS:host%u.bench.example", nth);
	for (i = 0; i < 30; i++)
		at += snprintf(text + at, sizeof(text) - (size_t)at, ",DNS:name%02d.host%u.bench.example", i, nth);
	certificate_extension(x, NID_subject_alt_name, text);
}

static inline void canned_certificate(struct canned *c, unsigned int nth, unsigned int level,
				      EVP_PKEY *key, EVP_PKEY *issuer_key)
{
	static const char *const kind[] = { "host", "Issuing CA ", "Root CA ", "Root CA " };
	X509 *x = X509_new();
	unsigned char *der = NULL;
	char name[64];
	int len;

	canned_need(x != NULL, "X509_new");
	X509_set_version(x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x), (long)(nth * 4 + level + 1));
	ASN1_TIME_set_string(X509_getm_notBefore(x), "20260101000000Z");
	ASN1_TIME_set_string(X509_getm_notAfter(x), "20360101000000Z");
	snprintf(name, sizeof(name), "%s%u%s", kind[level], nth, level ? "" : ".bench.example");
	certificate_name(X509_get_subject_name(x), name);
	snprintf(name, sizeof(name), "%s%u", kind[level + 1], nth);
	certificate_name(X509_get_issuer_name(x), name);
	X509_set_pubkey(x, key);
	certificate_fill(x, nth, level);
	canned_need(X509_sign(x, issuer_key, EVP_sha256()) > 0, "X509_sign");
	len = i2d_X509(x, &der);
	canned_need(len > 0, "i2d_X509");
	canned_number(c, (uint32_t)len, 3);
	canned_put(c, der, (size_t)len);
	OPENSSL_free(der);
	X509_free(x);
}

static inline void canned_chain(struct canned *c, unsigned int nth)
{
	EVP_PKEY *keys[3];
	size_t message, list;
	unsigned int i;

	for (i = 0; i < 3; i++) {
		keys[i] = EVP_EC_gen("P-256");
		canned_need(keys[i] != NULL, "EVP_EC_gen");
	}
	canned_number(c, TLS_CERTIFICATE, 1);
	message = canned_open(c, 3);
	list = canned_open(c, 3);
	for (i = 0; i < 3; i++)
		canned_certificate(c, nth, i, keys[i], keys[i < 2 ? i + 1 : 2]);
	canned_close(c, list, 3);
	canned_close(c, message, 3);
	for (i = 0; i < 3; i++)
		EVP_PKEY_free(keys[i]);
}

/* Each message in a record of its own, as OpenSSL sends them. */
static inline void canned_flight(struct canned *c, uint64_t *state, unsigned int nth)
{
	size_t record, message, extensions;

	canned_put(c, "\x16\x03\x03", 3);
	record = canned_open(c, 2);
	canned_number(c, TLS_SERVER_HELLO, 1);
	message = canned_open(c, 3);
	canned_number(c, 0x0303, 2);
	canned_random(c, state, 32);
	canned_number(c, 0, 1);                    /* no session to resume */
	canned_number(c, 0xc02b, 2);
	canned_number(c, 0, 1);
	extensions = canned_open(c, 2);
	canned_extension(c, 0xff01, "", 1);
	canned_extension(c, 11, "\x01\x00", 2);
	canned_extension(c, 23, "", 0);
	canned_close(c, extensions, 2);
	canned_close(c, message, 3);
	canned_close(c, record, 2);
	canned_put(c, "\x16\x03\x03", 3);
	record = canned_open(c, 2);
	canned_chain(c, nth);
	canned_close(c, record, 2);
	canned_put(c, "\x16\x03\x03\x00\x93\x0c\x00\x00\x8f\x03\x00\x17\x41\x04", 14);
	canned_random(c, state, 64);
	canned_put(c, "\x04\x03\x00\x46", 4);
	canned_random(c, state, 70);
	canned_put(c, "\x16\x03\x03\x00\x04\x0e\x00\x00\x00", 9);
}

static inline void canned_end_part(struct canned *c, enum canned_part part, size_t *start)
{
	c->part[part] = bytes_of(c->memory + *start, c->used - *start);
	*start = c->used;
}

/* The handshake of endpoint `nth`, which has a chain and a name of its own. */
static inline void canned_make(struct canned *c, unsigned int nth)
{
	uint64_t state = nth;
	size_t start = 0;
	char name[64];

	c->used = 0;
	snprintf(name, sizeof(name), "host%u.bench.example", nth);
	canned_client_hello(c, &state, name);
	canned_end_part(c, CANNED_CLIENT_HELLO, &start);
	canned_flight(c, &state, nth);
	canned_end_part(c, CANNED_SERVER_FLIGHT, &start);
	canned_put(c, "\x16\x03\x03\x00\x46\x10\x00\x00\x42\x41\x04", 11);
	canned_random(c, &state, 64);
	canned_put(c, "\x14\x03\x03\x00\x01\x01", 6);
	canned_opaque(c, &state, TLS_HANDSHAKE, 40);
	canned_end_part(c, CANNED_CLIENT_FINISH, &start);
	canned_put(c, "\x14\x03\x03\x00\x01\x01", 6);
	canned_opaque(c, &state, TLS_HANDSHAKE, 40);
	canned_end_part(c, CANNED_SERVER_FINISH, &start);
	canned_opaque(c, &state, TLS_APPLICATION_DATA, 120);
	canned_end_part(c, CANNED_CLIENT_DATA, &start);
	canned_opaque(c, &state, TLS_APPLICATION_DATA, 200);
	canned_end_part(c, CANNED_SERVER_DATA, &start);
}

#endif
