/* SPDX-License-Identifier: Apache-2.0 */
/* What needs the presented chains themselves: expectations (expect.h), and verdicts (verdict.h). */
#ifndef CERTTAP_CHECK_RULES_H
#define CERTTAP_CHECK_RULES_H

#include "userspace/check/check_findings.h"
#include "userspace/check/expect.h"
#include "userspace/verdict/trust.h"

struct check_chains;

/* Chains of this store, each read once. NULL: no memory. */
struct check_chains *check_chains_new(struct store *s);
void check_chains_free(struct check_chains *c);

/*
 * Every rule against what each endpoint presents now, or against the reason why it shows nothing; then the rules that
 * were for nobody. `e` remembers which, so it is for one call.
 */
void check_expect(const struct check_facts *facts, struct check_chains *chains, struct expect *e, int64_t now_s,
		  struct check_findings *out);

/*
 * Would a client trust it now? Critical: no; warning: yes, but something is weak or out of order; unknown: could not
 * tell, or no chain was seen. Each (chain, name) is verified once, in this process, which is to be confined. x509_init() must
 * have been called. `trust` NULL: there is none, and it cannot be told.
 */
void check_verify(const struct check_facts *facts, struct check_chains *chains, const struct trust *trust,
		  int64_t now_s, struct check_findings *out);

#endif
