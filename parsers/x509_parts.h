/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts that x509_read() is made of, in the order in which a certificate goes through them.
 * Only parsers/x509*.c and their tests include this.
 */
#ifndef CERTTAP_X509_PARTS_H
#define CERTTAP_X509_PARTS_H

#include "parsers/der.h"
#include "parsers/x509.h"

/* x509_fields.c: Certificate and TBSCertificate (RFC 5280 section 4.1). */

struct x509_walk {
	const char *refused;    /* why the structure is not a certificate's, or NULL */
	const char *note;       /* what could not be read although the structure is, or NULL */
	const char *unfit;      /* why OpenSSL must not see it, or NULL */
};

/*
 * Fills the fields of `out`. Where `refused` is set, the fields in front of the fault are filled.
 */
void x509_fields_read(struct bytes der, struct x509 *out, struct x509_walk *walk);

/*
 * x509_time.c: a UTCTime or GeneralizedTime (RFC 5280 section 4.1.2.5, and the offsets it
 * forbids).
 */
void x509_time_read(const struct der_element *time, struct x509_time *out);

/* x509_name.c: a Name as RFC 4514 text. `name` is the whole element; its tag is not looked at. */
void x509_name_read(const struct der_element *name, char *text, size_t text_size,
		    char *common_name, size_t common_name_size);

/*
 * x509_key.c: a SubjectPublicKeyInfo's algorithm, size and curve. Returns NULL, or why OpenSSL
 * must not see this key.
 */
const char *x509_key_read(const struct der_element *spki, struct x509 *out);

/* An AlgorithmIdentifier of a signature: its name, and whether its hash is weak. */
void x509_signature_read(const struct der_element *algorithm, struct x509 *out);

/* x509_extension.c: RFC 5280 section 4.2. */

struct x509_extension {
	struct bytes oid;
	struct der value;       /* over what the OCTET STRING holds */
};

/* Takes the next well-formed extension; false at the end and where the next is not. */
MUST_CHECK bool x509_extension_next(struct der *list, struct x509_extension *out);

/* Is it a subjectAltName? Then `names` goes over its GeneralNames. */
bool x509_extension_is_san(const struct x509_extension *extension);
MUST_CHECK bool x509_san_open(const struct x509_extension *extension, struct der *names);
MUST_CHECK bool x509_san_next(struct der *names, struct x509_san *out);

/* Reads them all into `out`. Returns NULL, or what could not be read. */
const char *x509_extensions_read(struct der list, struct x509 *out);

#endif
