/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates that stand for the same thing: the same set of alternative names (or the same subject where there are
 * none), the same key usages, and both a CA's or both not. A renewal is the next of its lineage; its key, issuer and
 * serial may be others.
 */
#ifndef CERTTAP_LINEAGE_H
#define CERTTAP_LINEAGE_H

#include "parsers/x509.h"

struct lineage {
	uint8_t key[32];
	bool sure;       /* false: the certificate could not be read to its end, the key is of its hash alone */
};

/*
 * The lineage of a certificate whose DER is still there. Order, case and repetition of DNS names do not matter, nor a
 * dot at their end; names beyond X509_SAN_MAX count too.
 */
void lineage_of(const struct x509 *cert, struct lineage *out);

enum lineage_order {
	LINEAGE_OLDER = -1,
	LINEAGE_SAME = 0,    /* nothing tells them apart in time, or a time is not known */
	LINEAGE_NEWER = 1,
};

/* What orders two of a lineage: by beginning, then end of validity, then serial. */
struct lineage_place {
	struct x509_time not_before, not_after;
	struct bytes serial; /* without zeros in front */
};

struct lineage_place lineage_place_of(const struct x509 *cert);
/* Is `a` older or newer than `b`? */
enum lineage_order lineage_compare(const struct lineage_place *a, const struct lineage_place *b);

/*
 * May `b` be meant to replace `a` although the lineage is another one: issued under the same issuer name, both a
 * CA's or not, and a DNS name of one is a name of the other (a wildcard covers what it stands for)? Offered, never
 * asserted: by names, where usages differ (RSA and EC), or where names were added or taken away.
 */
bool lineage_likely(const struct x509 *a, const struct x509 *b);

#endif
