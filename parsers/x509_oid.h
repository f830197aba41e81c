/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the object identifiers in certificates stand for. Lookups take the contents of an OBJECT
 * IDENTIFIER, exactly as encoded, and return NULL for one that is not in the tables.
 */
#ifndef CERTTAP_X509_OID_H
#define CERTTAP_X509_OID_H

#include "parsers/bytes.h"
#include "parsers/x509.h"

struct x509_signature_oid {
	struct bytes oid;
	const char *name;
	bool weak;         /* signs an MD2, MD4, MD5 or SHA-1 hash */
};

struct x509_curve_oid {
	struct bytes oid;
	const char *name;
	unsigned int bits; /* of the field */
};

struct x509_key_oid {
	struct bytes oid;
	enum x509_key key;
	unsigned int bits; /* as in struct x509; 0 where the key itself must be read */
};

const struct x509_signature_oid *x509_oid_signature(struct bytes oid);
const struct x509_curve_oid *x509_oid_curve(struct bytes oid);
const struct x509_key_oid *x509_oid_key(struct bytes oid);
bool x509_oid_weak_hash(struct bytes oid);

/* The short name of a name's attribute: "CN" ... or NULL. */
const char *x509_oid_attribute(struct bytes oid);

/*
 * Dotted decimal, or "#" and hex where a number does not fit 64 bits or is unfinished. Takes time
 * by what `out` holds, not by what the identifier says. size >= 8; cut with "...".
 */
void x509_oid_text(struct bytes oid, char *out, size_t size);

#endif
