/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a client would have thought of a chain as it was presented: then, at the packet's time, and now.
 *
 * On demand only, never while capturing. The order, duplicates, names and dates are judged from the bytes by
 * our own readers (parsers/x509.h); whether the chain leads to a root of the trust store, with every signature,
 * is OpenSSL's to say. Its verification is code that hostile certificates have hurt more than once, so
 *  - what it is given is vetted first (verdict_vet.c): whole certificates that were read without a doubt, up to
 *    64 KiB, with a key of a known kind, a named curve, at most 16,384 bits, and a bounded number of extensions
 *    and of certificates; what does not pass is a finding, not an input;
 *  - it runs in a child, confined as the worker is (sandbox.h: no file, no socket, another uid), with limits of
 *    memory and of processor time. The child works through a batch; when one chain kills it, that chain is told
 *    as VERDICT_GAVE_UP and a new child goes on with the next. The worst that a certificate can do is to have no
 *    verdict;
 *  - at most 10 intermediates deep, no policies, no CRL, no OCSP, and nothing is fetched: the sandbox could not.
 *
 * The trust store is the one of today, also for `then`: what was trusted in the past is not known here.
 */
#ifndef CERTTAP_VERDICT_H
#define CERTTAP_VERDICT_H

#include "parsers/x509.h"
#include "userspace/ledger/sighting.h"
#include "userspace/verdict/trust.h"

#define VERDICT_CHAIN_MAX 128            /* certificates looked at of one chain */
#define VERDICT_NOTES_MAX 48             /* findings kept of one chain */
#define VERDICT_NO_TIME INT64_MIN        /* a packet without a time */

enum verdict_trust {
	VERDICT_COULD_NOT_TELL,
	VERDICT_TRUSTED,                 /* by the chain, the time, the purpose and, where one was asked, the name */
	VERDICT_UNTRUSTED,
};

enum verdict_finding {
	VERDICT_NOT_LEAF_FIRST,          /* the first certificate issued another one of the chain */
	VERDICT_OUT_OF_ORDER,            /* its issuer is in the chain, but not next */
	VERDICT_UNRELATED,               /* no certificate of the chain needs it */
	VERDICT_DUPLICATE,               /* the same bytes came before */
	VERDICT_ROOT_INCLUDED,           /* a self-signed root was sent along, which clients have or do not believe */
	VERDICT_MISSING_INTERMEDIATE,    /* the leaf's issuer, or a link between, was neither sent nor is it trusted */
	VERDICT_UNKNOWN_ISSUER,          /* the chain ends at an issuer that the trust store does not have */
	VERDICT_UNTRUSTED_ROOT,          /* the chain ends at a root that was sent and that the trust store does not have */
	VERDICT_SELF_SIGNED,             /* the leaf is its own issuer, and the trust store does not have it */
	VERDICT_EXPIRED,                 /* the leaf */
	VERDICT_EXPIRED_INTERMEDIATE,    /* another one that was sent */
	VERDICT_EXPIRED_ROOT,            /* the root in the trust store */
	VERDICT_NOT_YET_VALID,           /* any of those that were sent */
	VERDICT_NAME_MISMATCH,           /* the name asked for is not in the leaf */
	VERDICT_NAME_IN_CN_ONLY,         /* it is, but only as the common name, which current clients do not read */
	VERDICT_BAD_SIGNATURE,
	VERDICT_NOT_A_CA,                /* an issuer that may not issue */
	VERDICT_PATH_LENGTH,             /* more intermediates than an issuer allows, or than are followed */
	VERDICT_NAME_CONSTRAINTS,        /* an issuer may not issue for these names */
	VERDICT_PURPOSE,                 /* not a certificate for a server, or for a client */
	VERDICT_CRITICAL_EXTENSION,      /* one that OpenSSL does not know */
	VERDICT_WEAK_KEY,                /* below today's floor (x509_key_weak) */
	VERDICT_WEAK_SIGNATURE,          /* MD5, SHA-1, on one that is not its own issuer */
	VERDICT_UNSUITABLE,              /* not given to OpenSSL; verdict_detail() says why */
	VERDICT_INCOMPLETE,              /* the message was not seen whole, or has more than VERDICT_CHAIN_MAX certificates */
	VERDICT_REFUSED,                 /* another objection of OpenSSL's; verdict_detail() says which */
	VERDICT_NO_STORE,                /* no trust store to judge by */
	VERDICT_GAVE_UP,                 /* the verification took too long or too much, or died */
	NUM_VERDICT_FINDINGS,
};

#define VERDICT_THEN 1u
#define VERDICT_NOW 2u

/* One finding about one certificate. */
struct verdict_note {
	enum verdict_finding what;
	int certificate;                 /* its place in the chain, from 0; -1: none that was sent */
	unsigned int when;               /* VERDICT_THEN | VERDICT_NOW */
	int detail;                      /* for verdict_detail() */
};

/* Holds no pointer: it comes from another process as it is. */
struct verdict {
	enum verdict_trust then, now;
	unsigned int num_notes;
	unsigned int notes_dropped;      /* found no room */
	struct verdict_note notes[VERDICT_NOTES_MAX];
};

struct verdict_request {
	const struct bytes *ders;        /* as presented, the first one first; alive until the call returns */
	size_t num;
	bool partial;                    /* the message was not seen whole */
	enum role role;
	struct bytes name;               /* asked for, as sent; empty: none. A letter beyond ASCII is taken as IDN */
	int64_t then_s, now_s;           /* unix time; VERDICT_NO_TIME */
};

/* "expired-intermediate" ...; and what it means, in a few words. */
const char *verdict_finding_name(enum verdict_finding finding);
const char *verdict_finding_text(enum verdict_finding finding);
/* Static text beside the finding, or NULL. */
const char *verdict_detail(const struct verdict_note *note);
/* "trusted", "untrusted", "could not tell" */
const char *verdict_trust_name(enum verdict_trust trust);

/*
 * Judges them all, in children; out[] has a verdict for each. `trust` may be NULL: then everything is judged but the
 * trust. Returns 0, or a negative errno when not even one could be judged (-EPERM: this process may make no child,
 * since it is confined itself: ask before sandbox_enter()).
 */
int verdict_judge(const struct trust *trust, const struct verdict_request *requests, size_t num,
		  struct verdict *out);

/* One, in this very process, for one that is confined already. x509_init() must have been called. */
void verdict_judge_here(const struct trust *trust, const struct verdict_request *request,
			struct verdict *out);

#endif
