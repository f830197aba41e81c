/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is wrong with a presented chain, from its own bytes, the names asked for, and two clocks: the
 * packet's and now. No trust store is asked and nothing is verified here.
 */
#ifndef CERTTAP_FINDINGS_H
#define CERTTAP_FINDINGS_H

#include "userspace/ledger/ledger.h"

enum finding {
	FINDING_EXPIRED,           /* at the time of the last packet that showed it */
	FINDING_EXPIRED_NOW,
	FINDING_NOT_YET_VALID,     /* at the time of the first packet */
	FINDING_NAME_MISMATCH,     /* a client asked for a name that is not in the leaf */
	FINDING_SELF_SIGNED,       /* the leaf is its own issuer */
	FINDING_WEAK_KEY,          /* of any certificate in the chain */
	FINDING_WEAK_SIGNATURE,    /* of any that is not its own issuer */
	FINDING_CHAIN_ORDER,       /* an issuer is in the chain, but not next */
	FINDING_CHAIN_INCOMPLETE,  /* a leaf alone that another one issued, or a link between is missing */
	FINDING_STRAGGLER,         /* a newer certificate of its lineage was seen elsewhere before */
	NUM_FINDINGS,
};

/* "expired", "expired-now" ... */
const char *finding_name(enum finding finding);

/* A bit set of 1 << enum finding. */
unsigned int findings_of(const struct ledger_row *row, int64_t now_s);

#endif
