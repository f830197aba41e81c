/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/ledger/findings.h"

#include "userspace/ledger/stragglers.h"

const char *finding_name(enum finding finding)
{
	static const char *const names[NUM_FINDINGS] = {
		[FINDING_EXPIRED] = "expired",
		[FINDING_EXPIRED_NOW] = "expired-now",
		[FINDING_NOT_YET_VALID] = "not-yet-valid",
		[FINDING_NAME_MISMATCH] = "name-mismatch",
		[FINDING_SELF_SIGNED] = "self-signed",
		[FINDING_WEAK_KEY] = "weak-key",
		[FINDING_WEAK_SIGNATURE] = "weak-signature",
		[FINDING_CHAIN_ORDER] = "chain-order",
		[FINDING_CHAIN_INCOMPLETE] = "chain-incomplete",
		[FINDING_STRAGGLER] = "straggler",
	};

	return names[finding];
}

static bool readable(const struct x509 *x)
{
	return x->parse == X509_PARSE_OK || x->parse == X509_PARSE_LENIENT;
}

/* Packets without a time (pcapng's simple blocks) say nothing about then. */
static unsigned int validity(const struct ledger_row *row, const struct x509 *leaf, int64_t now_s)
{
	unsigned int found = 0;

	if (leaf->not_after.known) {
		if (row->last_ns && leaf->not_after.unix_s < (int64_t)(row->last_ns / 1000000000u))
			found |= 1u << FINDING_EXPIRED;
		if (leaf->not_after.unix_s < now_s)
			found |= 1u << FINDING_EXPIRED_NOW;
	}
	if (row->first_ns && leaf->not_before.known && leaf->not_before.unix_s > (int64_t)(row->first_ns / 1000000000u))
		found |= 1u << FINDING_NOT_YET_VALID;
	return found;
}

static bool name_mismatch(const struct ledger_row *row, const struct x509 *leaf)
{
	const struct server_name *name;
	char host[SERVER_NAME_MAX + 1];

	if (row->role != ROLE_SERVER)
		return false;
	for (name = row->names; name; name = name->next) {
		/* A name with a zero byte is no name: nothing matches it. */
		if (name->len > SERVER_NAME_MAX || memchr(name->bytes, 0, name->len))
			return true;
		memcpy(host, name->bytes, name->len);
		host[name->len] = '\0';
		if (!x509_names(leaf, host))
			return true;
	}
	return false;
}

/* Is the issuer of certificate `i` somewhere in the chain? */
static bool issuer_present(const struct chain *chain, uint32_t i)
{
	uint32_t j;

	for (j = 0; j < chain->num; j++)
		if (j != i && readable(chain->certificates[j]->x509) &&
		    x509_may_issue(chain->certificates[j]->x509, chain->certificates[i]->x509))
			return true;
	return false;
}

static unsigned int links(const struct chain *chain)
{
	unsigned int found = 0;
	const struct x509 *x;
	uint32_t i;

	for (i = 0; i < chain->num; i++) {
		x = chain->certificates[i]->x509;
		if (!readable(x) || x509_self_issued(x))
			continue;
		if (i + 1 < chain->num && readable(chain->certificates[i + 1]->x509) &&
		    x509_may_issue(chain->certificates[i + 1]->x509, x))
			continue;
		if (issuer_present(chain, i))
			found |= 1u << FINDING_CHAIN_ORDER;
		else if (chain->num == 1 || i + 1 < chain->num)
			found |= 1u << FINDING_CHAIN_INCOMPLETE;
	}
	return found;
}

static unsigned int strength(const struct chain *chain)
{
	unsigned int found = 0;
	const struct x509 *x;
	uint32_t i;

	for (i = 0; i < chain->num; i++) {
		x = chain->certificates[i]->x509;
		if (!readable(x))
			continue;
		if (x509_key_weak(x))
			found |= 1u << FINDING_WEAK_KEY;
		/* Nobody relies on the signature of a certificate on itself. */
		if (x->signature_weak && !x509_self_issued(x))
			found |= 1u << FINDING_WEAK_SIGNATURE;
	}
	return found;
}

unsigned int findings_of(const struct ledger_row *row, int64_t now_s)
{
	const struct x509 *leaf;
	unsigned int found;

	if (!row->chain || row->reason != REASON_NONE)
		return 0;
	leaf = row->chain->certificates[0]->x509;
	found = strength(row->chain);
	if (!row->chain->partial && row->chain->total == row->chain->num)
		found |= links(row->chain);
	if (!readable(leaf))
		return found;
	found |= validity(row, leaf, now_s);
	if (name_mismatch(row, leaf))
		found |= 1u << FINDING_NAME_MISMATCH;
	if (x509_self_issued(leaf))
		found |= 1u << FINDING_SELF_SIGNED;
	if (stragglers_standing(row->place, NULL) == STANDING_STRAGGLER)
		found |= 1u << FINDING_STRAGGLER;
	return found;
}
