/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which endpoints still present a predecessor. Pure: facts in, findings out. One finding for each site (address, port,
 * transport), standard and severity, so that what is likely hides nothing that is certain:
 *
 *   critical   a predecessor was presented after the renewal, and nothing else took its place there
 *   warning    the same of one that is likely a predecessor: by its names, or as it is by turns with a key of another
 *              algorithm
 *   unknown    a predecessor (or a likely one) was presented there, and since the renewal no certificate was seen; or
 *              the name was asked for, and no certificate was ever seen
 *   ok         the endpoint has gone over
 *
 * Names asked for are judged apart, since a server may choose by them. Only what was not seen since counts as gone over
 * with the rest of its site: asked for by a name that the certificate is not for; or by none, where it showed the very
 * chain that it showed for names, and with every one of those has gone over.
 */
#ifndef CERTTAP_CHECK_STRAGGLERS_H
#define CERTTAP_CHECK_STRAGGLERS_H

#include "userspace/check/check_findings.h"
#include "userspace/check/check_standards.h"

void check_stragglers(const struct check_facts *facts, const struct check_standards *standards, int64_t now_s,
		      struct check_findings *out);

/* Valid for fewer than `warning` or `critical` more days (a negative one: is not asked), as it is presented now. */
void check_days(const struct check_facts *facts, int warning, int critical, int64_t now_s,
		struct check_findings *out);

/*
 * What nobody asked for, as it is presented now. Critical: it had run out when it was last seen; unknown: it has run out
 * since. One finding for each site and severity. Predecessors are left to check_stragglers().
 */
void check_expired(const struct check_facts *facts, int64_t now_s, struct check_findings *out);

/* What it is to its standard at this endpoint, where RSA and ECDSA may be a choice (check_facts.h). */
enum check_relation check_relation_at(const struct check_endpoint *e, const struct check_showing *s);

#endif
