/* SPDX-License-Identifier: Apache-2.0 */
/* Real certificates, made by libcrypto when the test begins. */
#ifndef CERTTAP_TESTS_CERTS_H
#define CERTTAP_TESTS_CERTS_H

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "tests/unit/buffer.h"

/* Issued by `issuer` for `name`, valid from 2020 to 2040, with a SAN; the caller frees the bytes' data. */
static inline struct bytes cert_make(const char *name, const char *issuer, unsigned int padding)
{
	static EVP_PKEY *key;
	static long serial;
	X509 *cert = X509_new();
	X509_NAME *subject = X509_NAME_new(), *by = X509_NAME_new();
	uint8_t *der = NULL, *zeros;
	ASN1_OCTET_STRING *comment = ASN1_OCTET_STRING_new();
	X509_EXTENSION *ext;
	char san[300];
	int len;

	if (!key)
		key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	zeros = calloc(1, padding + 1);
	snprintf(san, sizeof(san), "DNS:%s", name);
	X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const uint8_t *)name, -1, -1, 0);
	X509_NAME_add_entry_by_txt(by, "CN", MBSTRING_UTF8, (const uint8_t *)issuer, -1, -1, 0);
	X509_set_version(cert, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), ++serial);
	X509_set_subject_name(cert, subject);
	X509_set_issuer_name(cert, by);
	ASN1_TIME_set(X509_getm_notBefore(cert), 1577836800);
	ASN1_TIME_set(X509_getm_notAfter(cert), 2208988800);
	X509_set_pubkey(cert, key);
	ext = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, san);
	X509_add_ext(cert, ext, -1);
	X509_EXTENSION_free(ext);
	if (padding) {
		ASN1_OCTET_STRING_set(comment, zeros, (int)padding);
		ext = X509_EXTENSION_create_by_NID(NULL, NID_netscape_comment, 0, comment);
		X509_add_ext(cert, ext, -1);
		X509_EXTENSION_free(ext);
	}
	if (!X509_sign(cert, key, EVP_sha256()))
		abort();
	len = i2d_X509(cert, &der);
	if (len <= 0)
		abort();
	ASN1_OCTET_STRING_free(comment);
	X509_NAME_free(subject);
	X509_NAME_free(by);
	X509_free(cert);
	free(zeros);
	return bytes_of(der, (size_t)len);
}

static inline void cert_free(struct bytes der)
{
	OPENSSL_free((void *)der.data);
}

#endif
