/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stranger's certificate, whole and cut. Beside the promises of x509.h: whatever OpenSSL takes
 * for a certificate has a row of fields here, with the same times and as many names.
 */
#include <openssl/err.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <time.h>

#include "parsers/text.h"
#include "parsers/x509.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(what)        \
	do {               \
		if (!(what)) \
			abort(); \
	} while (0)

static void check_text(const char *text, size_t size)
{
	struct bytes rest = bytes_of(text, strnlen(text, size));
	uint32_t c;

	CHECK(rest.len < size);
	while (rest.len > 0)
		CHECK(text_take_char(&rest, &c) && c >= 0x20 && (c < 0x7f || c > 0x9f));
}

static void check_inside(struct bytes der, struct bytes part)
{
	CHECK(part.len == 0 ||
	      (part.data >= der.data && part.len <= (size_t)(der.data + der.len - part.data)));
}

static void check_row(struct bytes der, const struct x509 *cert)
{
	CHECK(cert->der_len == der.len && cert->san_count <= X509_SAN_MAX);
	CHECK(cert->san_count <= cert->san_total && cert->san_total <= der.len / 2);
	check_text(cert->subject, sizeof(cert->subject));
	check_text(cert->issuer, sizeof(cert->issuer));
	check_text(cert->subject_cn, sizeof(cert->subject_cn));
	check_text(cert->issuer_cn, sizeof(cert->issuer_cn));
	check_text(cert->curve, sizeof(cert->curve));
	check_text(cert->signature_algorithm, sizeof(cert->signature_algorithm));
	check_text(cert->refused_why, sizeof(cert->refused_why));
	check_inside(der, cert->subject_der);
	check_inside(der, cert->issuer_der);
	check_inside(der, cert->spki_der);
	check_inside(der, cert->extensions);
	check_inside(der, cert->subject_key_id);
	check_inside(der, cert->authority_key_id);
	for (unsigned int i = 0; i < cert->san_count; i++)
		check_inside(der, cert->san[i].value);
	CHECK(cert->parse == X509_PARSE_OK || cert->parse == X509_PARSE_TRUNCATED ||
	      cert->refused_why[0] != '\0');
	CHECK(cert->parse != X509_PARSE_REFUSED || cert->subject_der.len == 0);
	CHECK(x509_parse_name(cert->parse)[0] && x509_key_name(cert->key));
}

/* Names that the certificate has match, where they are plain; these calls must hold with any. */
static void check_names(const struct x509 *cert)
{
	char host[256];

	for (unsigned int i = 0; i < cert->san_count && i < 4; i++) {
		struct bytes name = cert->san[i].value;

		if (name.len == 0 || name.len > 253)
			continue;
		memcpy(host, name.data, name.len);
		host[name.len] = '\0';
		if (cert->san[i].kind == X509_SAN_DNS && !memchr(host, 0, name.len) &&
		    !strpbrk(host, ":") && host[name.len - 1] > '9')
			CHECK(x509_names(cert, host));
		else
			(void)x509_names(cert, host);
	}
	(void)x509_names(cert, "www.example.com");
	(void)x509_names(cert, "192.0.2.1");
	(void)x509_self_issued(cert);
	(void)x509_key_weak(cert);
}

static void check_time(const ASN1_TIME *theirs, const struct x509_time *ours)
{
	struct tm tm;

	if (ours->known && ASN1_TIME_to_tm(theirs, &tm))
		CHECK(timegm(&tm) == ours->unix_s);
}

/* Where there is one subjectAltName, and they can read it. */
static void check_sans(const X509 *theirs, const struct x509 *cert)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(theirs, NID_subject_alt_name, NULL, NULL);

	CHECK(!names || (unsigned int)sk_GENERAL_NAME_num(names) == cert->san_total);
	GENERAL_NAMES_free(names);
}

static void check_against_openssl(struct bytes der, const struct x509 *cert)
{
	const uint8_t *at = der.data;
	X509 *theirs = d2i_X509(NULL, &at, (long)der.len);

	ERR_clear_error();
	if (!theirs)
		return;
	CHECK(cert->parse != X509_PARSE_REFUSED);
	/* A row that says OK hides nothing. */
	if (cert->parse == X509_PARSE_OK) {
		CHECK((X509_get_ext_count(theirs) > 0) == (cert->extensions.len > 0));
		check_sans(theirs, cert);
	}
	check_time(X509_get0_notBefore(theirs), &cert->not_before);
	check_time(X509_get0_notAfter(theirs), &cert->not_after);
	ERR_clear_error();
	X509_free(theirs);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct x509 cert;
	struct bytes der = bytes_of(data, size);

	x509_read(der, false, &cert);
	check_row(der, &cert);
	check_names(&cert);
	if (size <= X509_FULL_PARSE_MAX && strcmp(cert.curve, "explicit") != 0)
		check_against_openssl(der, &cert);
	x509_read(der, true, &cert);
	CHECK(cert.parse == X509_PARSE_TRUNCATED);
	check_row(der, &cert);
	check_names(&cert);
	return 0;
}
