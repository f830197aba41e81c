/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows for the tests of outputs in other sensors' shapes: real certificates made by libcrypto, put
 * into a chain as the pipeline does, one sighting of it, and the lines that an output makes of the
 * row, parsed by jansson. Include cmocka.h before.
 */
#ifndef CERTTAP_TESTS_PEER_ROWS_H
#define CERTTAP_TESTS_PEER_ROWS_H

#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "parsers/text.h"
#include "parsers/tls_hello.h"
#include "tests/unit/buffer.h"
#include "userspace/ledger/ledger.h"
#include "userspace/output/output.h"

#define PEER_LINES_MAX 16
#define PEER_COMMAS ",,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,"
#define START_NS 1764022223123450000ull /* 2025-11-24T22:10:23.12345Z */
#define NOT_BEFORE 1577836800		/* 2020-01-01 */
#define NOT_AFTER 2208988800		/* 2040-01-01 */

struct peer_lines {
	json_t *lines[PEER_LINES_MAX];
	size_t num;
};

/* What the certificate is to say. `curve` NULL: an RSA key. */
struct peer_cert {
	const char *curve;
	const char *serial; /* hex */
	const char *organization, *common_name;
	unsigned int units;	       /* how many organizational units of 60 commas */
	const char *san, *constraints; /* in OpenSSL's configuration syntax; NULL: none */
	int64_t not_before;
};

static inline void peer_extension(X509 *cert, int nid, const char *value)
{
	X509_EXTENSION *extension = value ? X509V3_EXT_conf_nid(NULL, NULL, nid, value) : NULL;

	if (!value)
		return;
	assert_non_null(extension);
	assert_int_equal(X509_add_ext(cert, extension, -1), 1);
	X509_EXTENSION_free(extension);
}

static inline void peer_name_add(X509_NAME *name, const char *field, const char *value)
{
	assert_int_equal(X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8,
						    (const uint8_t *)value, -1, -1, 0),
			 1);
}

/* The DER, to be given to OPENSSL_free(). */
static inline struct bytes peer_cert_make(const struct peer_cert *c)
{
	EVP_PKEY *key = c->curve ? EVP_PKEY_Q_keygen(NULL, NULL, "EC", c->curve)
				 : EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048);
	X509_NAME *subject = X509_NAME_new(), *issuer = X509_NAME_new();
	X509 *cert = X509_new();
	uint8_t *der = NULL;
	BIGNUM *serial = NULL;
	int len;

	peer_name_add(subject, "C", "DE");
	peer_name_add(subject, "O", c->organization);
	for (unsigned int i = 0; i < c->units; i++)
		peer_name_add(subject, "OU", PEER_COMMAS);
	peer_name_add(subject, "CN", c->common_name);
	peer_name_add(issuer, "C", "DE");
	peer_name_add(issuer, "CN", "Issuing CA");
	assert_int_equal(X509_set_version(cert, 2), 1);
	assert_true(BN_hex2bn(&serial, c->serial) > 0);
	assert_non_null(BN_to_ASN1_INTEGER(serial, X509_get_serialNumber(cert)));
	X509_set_subject_name(cert, subject);
	X509_set_issuer_name(cert, issuer);
	ASN1_TIME_set(X509_getm_notBefore(cert), c->not_before);
	ASN1_TIME_set(X509_getm_notAfter(cert), NOT_AFTER);
	X509_set_pubkey(cert, key);
	peer_extension(cert, NID_subject_alt_name, c->san);
	peer_extension(cert, NID_basic_constraints, c->constraints);
	assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
	len = i2d_X509(cert, &der);
	assert_true(len > 0);
	BN_free(serial);
	X509_NAME_free(subject);
	X509_NAME_free(issuer);
	X509_free(cert);
	EVP_PKEY_free(key);
	return bytes_of(der, (size_t)len);
}

/* The chain of these certificates, in the table. */
static inline const struct chain *peer_chain(struct chain_table *t, const struct bytes *certs,
					     size_t num)
{
	struct buffer list = { 0 }, body = { 0 };
	const struct chain *chain;
	size_t i;

	for (i = 0; i < num; i++)
		buffer_vec(&list, 3, certs[i]);
	buffer_vec(&body, 3, buffer_bytes(&list));
	assert_int_equal(chain_from_message(t, buffer_bytes(&body), false, &chain), 0);
	buffer_free(&list);
	buffer_free(&body);
	return chain;
}

static inline struct host_port peer_host(uint8_t last, uint16_t port)
{
	return (struct host_port){
		.address = { { [10] = 0xff, [11] = 0xff, 10, 0, 0, last } },
		.port = port,
	};
}

/* A client at 10.0.0.1:51244 that asked 10.0.0.5:9808 for pool.example, at START_NS. */
static inline struct sighting peer_sighting(void)
{
	static char name[] = "pool.example";

	return (struct sighting){
		.server = peer_host(5, 9808),
		.client = peer_host(1, 51244),
		.transport = TRANSPORT_TCP,
		.start_ns = START_NS,
		.end_ns = START_NS + 5000000,
		.frame_number = 7,
		.version = TLS_1_2,
		.cipher = 0xc02f,
		.server_name = name,
		.server_name_len = sizeof(name) - 1,
		.alpn = "h2",
		.alpn_len = 2,
		.established = true,
		.has_hello = true,
	};
}

/* The events' lines; to be given to peer_lines_free(). */
static inline struct peer_lines peer_lines(const struct output_ops *ops,
					   const struct output_event *events, size_t num)
{
	struct peer_lines got = { 0 };
	struct output_options options = { 0 };
	struct output o;
	json_error_t error;
	char *text = NULL, *line, *rest;
	size_t len, i;

	options.out = open_memstream(&text, &len);
	assert_non_null(options.out);
	output_init(&o, ops, &options);
	for (i = 0; i < num; i++)
		assert_true(output_event(&o, &events[i]));
	assert_true(output_end(&o));
	fclose(options.out);
	for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		assert_true(got.num < PEER_LINES_MAX);
		got.lines[got.num] = json_loads(line, JSON_REJECT_DUPLICATES, &error);
		if (!got.lines[got.num])
			print_error("%s: %s\n", error.text, line);
		assert_non_null(got.lines[got.num++]);
	}
	free(text);
	return got;
}

static inline void peer_lines_free(struct peer_lines *l)
{
	while (l->num > 0)
		json_decref(l->lines[--l->num]);
}

/* Is the line, or the object under `key`, exactly this? Frees `want`. */
static inline void peer_expect(const json_t *got, json_t *want)
{
	char *text;

	assert_non_null(want);
	if (!json_equal(got, want)) {
		text = json_dumps(got, JSON_INDENT(1));
		print_error("got %s\n", text);
		free(text);
		text = json_dumps(want, JSON_INDENT(1));
		print_error("want %s\n", text);
		free(text);
		fail();
	}
	json_decref(want);
}

/* Hex of the digest of the DER. */
static inline const char *peer_hash(struct bytes der, const EVP_MD *md,
				    char out[2 * EVP_MAX_MD_SIZE + 1])
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned int len;

	assert_int_equal(EVP_Digest(der.data, der.len, digest, &len, md, NULL), 1);
	text_hex(digest, len, false, out);
	return out;
}

#endif
