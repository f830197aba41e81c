/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the endpoints are held against: the certificates that --renewed names, or without them the newest of each
 * lineage of which more than one certificate was seen.
 *
 * A renewal happened when --since says so, else when its certificate (or a newer one of its lineage) was first
 * presented anywhere, else when its validity began. What was presented before and not looked at since cannot be known.
 */
#ifndef CERTTAP_CHECK_STANDARDS_H
#define CERTTAP_CHECK_STANDARDS_H

#include "userspace/check/check_facts.h"
#include "userspace/check/check_renewed.h"

struct check_standard {
	uint8_t sha256[32], lineage[32];
	bool lineage_sure, is_ca;
	enum x509_key key;
	struct lineage_place place;
	const char *subject, *issuer;
	const char *file;                /* where the user named it; NULL: by lineage */
	const struct x509 *x509;         /* likewise */
	int64_t certificate_id;          /* 0: not in the store */
	bool seen;                       /* it, or a newer one of its lineage, was presented anywhere */
	uint64_t since_ns;               /* when the renewal happened */
	/* Of its lineage, seen or named: the newest of each key algorithm; NULL: none. */
	const struct lineage_place *newest[X509_KEY_SM2 + 1];
	const char **names;              /* of hosts that it is for; a wildcard as it is */
	size_t num_names;
};

struct check_standards {
	struct check_standard *at;
	size_t num;
};

/*
 * Both fill `out` and tell each certificate of the facts its relation. `since_ns`: --since, or 0. False: no memory.
 * What is in `out` lives as long as the facts (and `renewed`).
 */
MUST_CHECK bool check_standards_renewed(struct check_facts *facts, const struct renewed *renewed,
					uint64_t since_ns, struct check_standards *out);
MUST_CHECK bool check_standards_lineages(struct check_facts *facts, uint64_t since_ns,
					 struct check_standards *out);

/* Is it worth reading this certificate again and giving it to check_standards_offer()? */
bool check_standards_may_offer(const struct check_standards *standards, const struct check_certificate *c);
/* RELATION_LIKELY, where it is likely a predecessor of a named one. */
void check_standards_offer(const struct check_standards *standards, struct check_certificate *c,
			   const struct x509 *x);

/* Is a newer one of its lineage with a key of the same algorithm known, seen or named? */
bool check_standard_has_newer(const struct check_certificate *c);
/* Did their validity begin at one time, within a day? */
bool check_standard_issued_with(const struct check_certificate *c);

/* Is the host name one that the certificate is for? */
bool check_standard_names(const struct check_standard *standard, const char *host);

#endif
