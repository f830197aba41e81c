/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates and chains for verdicts, made by libcrypto with real signatures. After cmocka.h. */
#ifndef CERTTAP_TESTS_VERDICT_CERTS_H
#define CERTTAP_TESTS_VERDICT_CERTS_H

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

#include "parsers/bytes.h"

#define NOT_BEFORE 1577836800            /* 2020-01-01 */
#define NOT_AFTER 2208988800             /* 2040-01-01 */
#define THEN 1600000000                  /* 2020-09-13 */
#define NOW 1790000000                   /* 2026-09-21 */

struct made {
	X509 *cert;
	EVP_PKEY *key;
	struct bytes der;
};

struct recipe {
	const char *name;                /* the common name */
	const struct made *issuer;       /* NULL: itself */
	EVP_PKEY *key;                   /* NULL: a new one, P-256 */
	int64_t not_before, not_after;   /* 0: 2020, 2040 */
	const char *basic, *usage, *purpose, *san, *constraints;   /* as openssl.cnf has them; NULL: none */
	const EVP_MD *digest;            /* NULL: SHA-256 */
	int extensions;                  /* unknown ones beside */
	bool critical;                   /* the unknown ones are */
	bool forged;                     /* signed by its own key in the issuer's name */
};

#define CA "critical,CA:TRUE"
#define CA_USAGE "critical,keyCertSign,cRLSign"

static inline void add_extension(X509 *cert, X509V3_CTX *ctx, int nid, const char *value)
{
	X509_EXTENSION *ext;

	if (!value)
		return;
	ext = X509V3_EXT_conf_nid(NULL, ctx, nid, value);
	assert_non_null(ext);
	assert_int_equal(X509_add_ext(cert, ext, -1), 1);
	X509_EXTENSION_free(ext);
}

/* Private OIDs, 1.2.3.N, that no library knows. */
static inline void add_unknown(X509 *cert, int count, bool critical)
{
	ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
	X509_EXTENSION *ext;
	ASN1_OBJECT *oid;
	char text[32];
	int i;

	ASN1_OCTET_STRING_set(value, (const uint8_t *)"\x05", 2);
	for (i = 0; i < count; i++) {
		snprintf(text, sizeof(text), "1.2.3.%d", i);
		oid = OBJ_txt2obj(text, 1);
		ext = X509_EXTENSION_create_by_OBJ(NULL, oid, critical, value);
		assert_int_equal(X509_add_ext(cert, ext, -1), 1);
		X509_EXTENSION_free(ext);
		ASN1_OBJECT_free(oid);
	}
	ASN1_OCTET_STRING_free(value);
}

static inline X509_NAME *name_of(const char *text)
{
	X509_NAME *name = X509_NAME_new();

	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const uint8_t *)text, -1, -1, 0);
	return name;
}

static inline void make_extensions(X509 *cert, const struct recipe *r)
{
	X509V3_CTX ctx;

	X509V3_set_ctx_nodb(&ctx);
	X509V3_set_ctx(&ctx, r->issuer ? r->issuer->cert : cert, cert, NULL, NULL, 0);
	add_extension(cert, &ctx, NID_basic_constraints, r->basic);
	add_extension(cert, &ctx, NID_key_usage, r->usage);
	add_extension(cert, &ctx, NID_ext_key_usage, r->purpose);
	add_extension(cert, &ctx, NID_subject_alt_name, r->san);
	add_extension(cert, &ctx, NID_name_constraints, r->constraints);
	add_extension(cert, &ctx, NID_subject_key_identifier, "hash");
	add_extension(cert, &ctx, NID_authority_key_identifier, r->issuer ? "keyid" : NULL);
	add_unknown(cert, r->extensions, r->critical);
}

/* Free with made_free(). */
static inline struct made make(const struct recipe *r)
{
	static long serial;
	struct made m = { .cert = X509_new(), .key = r->key };
	X509_NAME *subject = name_of(r->name);
	EVP_PKEY *signer;
	uint8_t *der = NULL;
	int len;

	if (m.key)
		EVP_PKEY_up_ref(m.key);
	else
		m.key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	signer = r->issuer && !r->forged ? r->issuer->key : m.key;
	X509_set_version(m.cert, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(m.cert), ++serial);
	X509_set_subject_name(m.cert, subject);
	X509_set_issuer_name(m.cert, r->issuer ? X509_get_subject_name(r->issuer->cert) : subject);
	ASN1_TIME_set(X509_getm_notBefore(m.cert), r->not_before ? r->not_before : NOT_BEFORE);
	ASN1_TIME_set(X509_getm_notAfter(m.cert), r->not_after ? r->not_after : NOT_AFTER);
	assert_int_equal(X509_set_pubkey(m.cert, m.key), 1);
	make_extensions(m.cert, r);
	assert_true(X509_sign(m.cert, signer, EVP_PKEY_is_a(signer, "ED25519") ? NULL :
			      r->digest ? r->digest : EVP_sha256()) > 0);
	len = i2d_X509(m.cert, &der);
	assert_true(len > 0);
	m.der = bytes_of(der, (size_t)len);
	X509_NAME_free(subject);
	return m;
}

static inline void made_free(struct made *m)
{
	X509_free(m->cert);
	EVP_PKEY_free(m->key);
	OPENSSL_free((void *)m->der.data);
}

/* An RSA public key of any size, odd and not to be signed with: its modulus is no product of two primes. */
static inline EVP_PKEY *rsa_of(int bits)
{
	OSSL_PARAM params[3], *at = params;
	BIGNUM *n = BN_new();
	uint8_t *number = malloc((size_t)(bits + 7) / 8), e = 3;
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	EVP_PKEY *key = NULL;
	int len;

	BN_rand(n, bits, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ODD);
	len = BN_bn2nativepad(n, number, (bits + 7) / 8);
	*at++ = OSSL_PARAM_construct_BN("n", number, (size_t)len);
	*at++ = OSSL_PARAM_construct_BN("e", &e, 1);
	*at = OSSL_PARAM_construct_end();
	EVP_PKEY_fromdata_init(ctx);
	assert_int_equal(EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params), 1);
	EVP_PKEY_CTX_free(ctx);
	BN_free(n);
	free(number);
	return key;
}

/* P-256 with its numbers instead of its name. */
static inline EVP_PKEY *explicit_ec(void)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	EVP_PKEY *key = NULL;
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string("group", (char[]){ "P-256" }, 0),
		OSSL_PARAM_construct_utf8_string("encoding", (char[]){ "explicit" }, 0),
		OSSL_PARAM_construct_end(),
	};

	EVP_PKEY_keygen_init(ctx);
	EVP_PKEY_CTX_set_params(ctx, params);
	assert_int_equal(EVP_PKEY_generate(ctx, &key), 1);
	EVP_PKEY_CTX_free(ctx);
	return key;
}

#endif
