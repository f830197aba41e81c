/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a certificate is for, from its extensions, whose DER must still be there: every name, also those beyond
 * X509_SAN_MAX, and its key usages.
 */
#ifndef CERTTAP_X509_USAGE_H
#define CERTTAP_X509_USAGE_H

#include "parsers/der.h"
#include "parsers/x509.h"

/* Goes over all alternative names, of each such extension. */
struct x509_san_walk {
	unsigned int budget;
	struct der extensions, names;
	bool open;
	bool broken;     /* at the end: something could not be read, so names may be missing */
};

void x509_san_walk_start(struct x509_san_walk *walk, const struct x509 *cert);
MUST_CHECK bool x509_san_walk_next(struct x509_san_walk *walk, struct x509_san *out);

/* Of extended key usages. */
enum x509_purpose {
	X509_PURPOSE_SERVER = 1,
	X509_PURPOSE_CLIENT = 2,
	X509_PURPOSE_OTHER = 4,  /* any other one */
};

struct x509_usage {
	bool has_key_usage, has_purposes;
	uint16_t key_usage;      /* RFC 5280 section 4.2.1.3: digitalSignature is the highest bit */
	unsigned int purposes;   /* bits of enum x509_purpose; section 4.2.1.12 */
};

void x509_usage_read(const struct x509 *cert, struct x509_usage *out);

#endif
