/* SPDX-License-Identifier: Apache-2.0 */
/* One chain: what its own bytes tell, then OpenSSL's word about each of the two times, then both together. */
#include "userspace/verdict/verdict.h"

#include <stdlib.h>
#include <strings.h>

#include "userspace/verdict/verdict_parts.h"

/* A chain being judged. Places are those in the message. */
struct judging {
	const struct verdict_request *request;
	struct x509 *certs;              /* num of them */
	size_t num;
	bool duplicate[VERDICT_CHAIN_MAX];
	bool needed[VERDICT_CHAIN_MAX];  /* the leaf, and who issued one that is needed */
	bool unsure;                     /* something was not seen, or not shown to OpenSSL */
	struct verdict *out;
};

static const struct {
	const char *name, *text;
} findings[NUM_VERDICT_FINDINGS] = {
	[VERDICT_NOT_LEAF_FIRST] = { "not-leaf-first", "the first certificate is not the leaf" },
	[VERDICT_OUT_OF_ORDER] = { "out-of-order", "its issuer is in the chain, but not next" },
	[VERDICT_UNRELATED] = { "unrelated", "no certificate of the chain needs it" },
	[VERDICT_DUPLICATE] = { "duplicate", "it was sent before" },
	[VERDICT_ROOT_INCLUDED] = { "root-included", "a root is sent along, which no client needs" },
	[VERDICT_MISSING_INTERMEDIATE] = { "missing-intermediate", "its issuer is neither sent nor trusted" },
	[VERDICT_UNKNOWN_ISSUER] = { "unknown-issuer", "the chain ends at an issuer that the trust store does not have" },
	[VERDICT_UNTRUSTED_ROOT] = { "untrusted-root", "the chain ends at a root that the trust store does not have" },
	[VERDICT_SELF_SIGNED] = { "self-signed", "it is its own issuer" },
	[VERDICT_EXPIRED] = { "expired", "it has expired" },
	[VERDICT_EXPIRED_INTERMEDIATE] = { "expired-intermediate", "a certificate sent along has expired" },
	[VERDICT_EXPIRED_ROOT] = { "expired-root", "the root in the trust store has expired" },
	[VERDICT_NOT_YET_VALID] = { "not-yet-valid", "it is not yet valid" },
	[VERDICT_NAME_MISMATCH] = { "name-mismatch", "it does not have the name that was asked for" },
	[VERDICT_NAME_IN_CN_ONLY] = { "name-in-cn-only",
				      "it has the name as its common name only, which current clients do not read" },
	[VERDICT_BAD_SIGNATURE] = { "bad-signature", "its signature is wrong" },
	[VERDICT_NOT_A_CA] = { "not-a-ca", "it issued a certificate and may not" },
	[VERDICT_PATH_LENGTH] = { "path-length", "there are more certificates below it than may be" },
	[VERDICT_NAME_CONSTRAINTS] = { "name-constraints", "an issuer may not issue for these names" },
	[VERDICT_PURPOSE] = { "purpose", "it is not for this side of a TLS connection" },
	[VERDICT_CRITICAL_EXTENSION] = { "critical-extension", "it has a critical extension that is not known" },
	[VERDICT_WEAK_KEY] = { "weak-key", "its key is weak" },
	[VERDICT_WEAK_SIGNATURE] = { "weak-signature", "it is signed with a weak hash" },
	[VERDICT_UNSUITABLE] = { "unsuitable", "it was not given to the verification" },
	[VERDICT_INCOMPLETE] = { "incomplete", "the chain was not seen whole" },
	[VERDICT_REFUSED] = { "refused", "OpenSSL refuses it" },
	[VERDICT_NO_STORE] = { "no-store", "there is no trust store to judge by" },
	[VERDICT_GAVE_UP] = { "gave-up", "the verification took too long or too much, and was ended" },
};

const char *verdict_finding_name(enum verdict_finding finding)
{
	return findings[finding].name;
}

const char *verdict_finding_text(enum verdict_finding finding)
{
	return findings[finding].text;
}

const char *verdict_trust_name(enum verdict_trust trust)
{
	static const char *const names[] = {
		[VERDICT_COULD_NOT_TELL] = "could not tell",
		[VERDICT_TRUSTED] = "trusted",
		[VERDICT_UNTRUSTED] = "untrusted",
	};

	return names[trust];
}

const char *verdict_detail(const struct verdict_note *note)
{
	if (note->detail >= VERDICT_DETAIL_OPENSSL)
		return trust_error_text(note->detail - VERDICT_DETAIL_OPENSSL);
	return note->detail > FIT && note->detail < NUM_UNFIT ? unfit_text((enum unfit)note->detail) : NULL;
}

/* Findings that both the bytes and OpenSSL tell are told once. */
static void note_detail(struct judging *j, enum verdict_finding what, int place, unsigned int when, int detail)
{
	struct verdict *v = j->out;
	unsigned int i;

	for (i = 0; i < v->num_notes; i++) {
		if (v->notes[i].what != what || v->notes[i].certificate != place || v->notes[i].detail != detail)
			continue;
		v->notes[i].when |= when;
		return;
	}
	if (v->num_notes == VERDICT_NOTES_MAX) {
		v->notes_dropped++;
		return;
	}
	v->notes[v->num_notes++] = (struct verdict_note){ what, place, when, detail };
}

static void note(struct judging *j, enum verdict_finding what, size_t place)
{
	note_detail(j, what, (int)place, VERDICT_THEN | VERDICT_NOW, FIT);
}

static bool noted(const struct judging *j, enum verdict_finding what, int place, unsigned int when)
{
	unsigned int i;

	for (i = 0; i < j->out->num_notes; i++)
		if (j->out->notes[i].what == what && j->out->notes[i].certificate == place &&
		    j->out->notes[i].when & when)
			return true;
	return false;
}

static bool readable(const struct x509 *x)
{
	return x->parse == X509_PARSE_OK || x->parse == X509_PARSE_LENIENT;
}

/*
 * The names agree byte for byte; or, where they differ in the type of a string or in case, which issuers take lightly,
 * as text, and the key ids agree.
 */
static bool issued(const struct x509 *issuer, const struct x509 *cert)
{
	if (!readable(issuer) || !readable(cert))
		return false;
	if (x509_may_issue(issuer, cert))
		return true;
	return issuer->subject_key_id.len > 0 && bytes_equal(issuer->subject_key_id, cert->authority_key_id) &&
	       strcasecmp(issuer->subject, cert->issuer) == 0;
}

/* --- from the bytes */

static void find_duplicates(struct judging *j)
{
	size_t i, k;

	for (i = 1; i < j->num; i++) {
		for (k = 0; k < i && !j->duplicate[i]; k++)
			j->duplicate[i] = memcmp(j->certs[i].sha256, j->certs[k].sha256, 32) == 0;
		if (j->duplicate[i])
			note(j, VERDICT_DUPLICATE, i);
	}
}

/* Marks who is needed for the leaf, in as many rounds as the chain is deep. */
static void find_needed(struct judging *j)
{
	bool more = true;
	size_t i, k;

	j->needed[0] = true;
	while (more) {
		more = false;
		for (i = 0; i < j->num; i++) {
			for (k = 0; k < j->num && j->needed[i]; k++) {
				if (j->needed[k] || j->duplicate[k] || !issued(&j->certs[k], &j->certs[i]))
					continue;
				j->needed[k] = more = true;
			}
		}
	}
}

static bool issuer_elsewhere(const struct judging *j, size_t i)
{
	size_t k;

	for (k = 0; k < j->num; k++)
		if (k != i && issued(&j->certs[k], &j->certs[i]))
			return true;
	return false;
}

/* Duplicates do not come between. */
static bool issuer_next(const struct judging *j, size_t i)
{
	size_t k = i + 1;

	while (k < j->num && j->duplicate[k])
		k++;
	return k < j->num && issued(&j->certs[k], &j->certs[i]);
}

static bool issued_another(const struct judging *j, size_t issuer)
{
	size_t i;

	for (i = 0; i < j->num; i++)
		if (i != issuer && !j->duplicate[i] && !x509_self_issued(&j->certs[i]) &&
		    issued(&j->certs[issuer], &j->certs[i]))
			return true;
	return false;
}

static void judge_order(struct judging *j)
{
	bool reversed = issued_another(j, 0);
	size_t i;

	if (reversed)
		note(j, VERDICT_NOT_LEAF_FIRST, 0);
	for (i = 0; i < j->num; i++) {
		const struct x509 *x = &j->certs[i];

		if (j->duplicate[i] || !readable(x))
			continue;
		if (i > 0 && x509_self_issued(x))
			note(j, VERDICT_ROOT_INCLUDED, i);
		else if ((j->needed[i] || reversed) && !x509_self_issued(x) && !issuer_next(j, i) &&
			 issuer_elsewhere(j, i))
			note(j, VERDICT_OUT_OF_ORDER, i);
		if (!j->needed[i] && !reversed && readable(&j->certs[0]))
			note(j, VERDICT_UNRELATED, i);
	}
}

static void judge_dates(struct judging *j, int64_t at_s, unsigned int when)
{
	const struct x509 *x;
	size_t i;

	if (at_s == VERDICT_NO_TIME)
		return;
	for (i = 0; i < j->num; i++) {
		x = &j->certs[i];
		if (j->duplicate[i])
			continue;
		if (x->not_after.known && x->not_after.unix_s < at_s)
			note_detail(j, i ? VERDICT_EXPIRED_INTERMEDIATE : VERDICT_EXPIRED, (int)i, when, FIT);
		if (x->not_before.known && x->not_before.unix_s > at_s)
			note_detail(j, VERDICT_NOT_YET_VALID, (int)i, when, FIT);
	}
}

static void judge_strength(struct judging *j)
{
	size_t i;

	for (i = 0; i < j->num; i++) {
		if (j->duplicate[i] || !readable(&j->certs[i]))
			continue;
		if (x509_key_weak(&j->certs[i]))
			note(j, VERDICT_WEAK_KEY, i);
		/* Nobody relies on the signature of a certificate on itself. */
		if (j->certs[i].signature_weak && !x509_self_issued(&j->certs[i]))
			note(j, VERDICT_WEAK_SIGNATURE, i);
	}
}

static bool has_san_identity(const struct x509 *leaf)
{
	unsigned int i;

	for (i = 0; i < leaf->san_count; i++)
		if (leaf->san[i].kind == X509_SAN_DNS || leaf->san[i].kind == X509_SAN_IP)
			return true;
	return leaf->san_total > leaf->san_count;
}

/* A client's certificate need not name the server. */
static void judge_name(struct judging *j)
{
	const struct verdict_request *r = j->request;
	char host[VERDICT_HOST_SIZE];

	if (r->role != ROLE_SERVER || r->name.len == 0 || !readable(&j->certs[0]))
		return;
	if (!verdict_host(r->name, host) || !x509_names(&j->certs[0], host))
		note(j, VERDICT_NAME_MISMATCH, 0);
	else if (!has_san_identity(&j->certs[0]))
		note(j, VERDICT_NAME_IN_CN_ONLY, 0);
}

/* --- OpenSSL's word */

static void offer(struct judging *j, struct trust_question *q, size_t i, size_t *bytes)
{
	enum unfit unfit = verdict_vet(&j->certs[i]);

	if (unfit == FIT && (q->num == VERDICT_CANDIDATES_MAX ||
			     *bytes + j->request->ders[i].len > VERDICT_CANDIDATE_BYTES))
		unfit = UNFIT_TOO_MANY;
	if (unfit != FIT) {
		note_detail(j, VERDICT_UNSUITABLE, (int)i, VERDICT_THEN | VERDICT_NOW, (int)unfit);
		j->unsure = true;
		return;
	}
	q->ders[q->num] = j->request->ders[i];
	q->places[q->num++] = (int)i;
	*bytes += j->request->ders[i].len;
}

/* The leaf first, then whom it needs, then the others: OpenSSL compares names less strictly than we do. */
static void gather(struct judging *j, struct trust_question *q)
{
	size_t bytes = 0, i;

	offer(j, q, 0, &bytes);
	for (i = 1; i < j->num; i++)
		if (j->needed[i] && !j->duplicate[i])
			offer(j, q, i, &bytes);
	for (i = 1; i < j->num; i++)
		if (!j->needed[i] && !j->duplicate[i])
			offer(j, q, i, &bytes);
}

/* Others follow that the chain does not reach: then it is a link that is missing, not the root. */
static bool has_gap(const struct judging *j)
{
	size_t i;

	for (i = 0; i < j->num; i++)
		if (!j->needed[i])
			return true;
	return false;
}

/* Each objection as a finding. Returns what it makes of the trust. */
static enum verdict_trust weigh(struct judging *j, const struct trust_answer *a, unsigned int when)
{
	bool only_missing = true;
	enum verdict_finding what;
	int detail;
	size_t i;

	for (i = 0; i < a->num; i++) {
		what = trust_finding(&a->objections[i]);
		if (what == VERDICT_UNKNOWN_ISSUER && has_gap(j))
			what = VERDICT_MISSING_INTERMEDIATE;
		if (what != VERDICT_MISSING_INTERMEDIATE && what != VERDICT_UNKNOWN_ISSUER)
			only_missing = false;
		if (what == VERDICT_GAVE_UP)
			j->unsure = only_missing = true;
		/* Of one that may not issue, OpenSSL adds that it may not issue for this purpose. */
		if (what == VERDICT_PURPOSE && noted(j, VERDICT_NOT_A_CA, a->objections[i].place, when))
			continue;
		detail = what == VERDICT_REFUSED ? VERDICT_DETAIL_OPENSSL + a->objections[i].error : FIT;
		note_detail(j, what, a->objections[i].place, when, detail);
	}
	if (a->num == 0)
		return VERDICT_TRUSTED;
	return only_missing && j->unsure ? VERDICT_COULD_NOT_TELL : VERDICT_UNTRUSTED;
}

static enum verdict_trust ask(struct judging *j, struct trust_question *q, int64_t at_s, unsigned int when)
{
	struct trust_answer answer;

	if (at_s == VERDICT_NO_TIME || q->num == 0 || q->places[0] != 0)
		return VERDICT_COULD_NOT_TELL;
	q->at_s = at_s;
	trust_ask(q, &answer);
	if (!answer.judged) {
		note_detail(j, VERDICT_GAVE_UP, -1, when, FIT);
		return VERDICT_COULD_NOT_TELL;
	}
	return weigh(j, &answer, when);
}

/* What every client refuses, whatever it trusts. */
static enum verdict_trust with_bytes(const struct judging *j, enum verdict_trust trust, unsigned int when)
{
	static const enum verdict_finding fatal[] = {
		VERDICT_NOT_LEAF_FIRST, VERDICT_EXPIRED, VERDICT_NOT_YET_VALID, VERDICT_NAME_MISMATCH,
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(fatal); i++)
		if (noted(j, fatal[i], 0, when))
			return VERDICT_UNTRUSTED;
	return trust;
}

static void judge_trust(struct judging *j, const struct trust *trust)
{
	struct trust_question q = { .trust = trust, .role = j->request->role };

	if (!trust) {
		note_detail(j, VERDICT_NO_STORE, -1, VERDICT_THEN | VERDICT_NOW, FIT);
	} else {
		gather(j, &q);
		j->out->then = ask(j, &q, j->request->then_s, VERDICT_THEN);
		j->out->now = ask(j, &q, j->request->now_s, VERDICT_NOW);
	}
	j->out->then = with_bytes(j, j->out->then, VERDICT_THEN);
	j->out->now = with_bytes(j, j->out->now, VERDICT_NOW);
}

static void judge(struct judging *j, const struct trust *trust)
{
	size_t i;

	for (i = 0; i < j->num; i++)
		x509_read(j->request->ders[i], false, &j->certs[i]);
	find_duplicates(j);
	find_needed(j);
	judge_order(j);
	judge_dates(j, j->request->then_s, VERDICT_THEN);
	judge_dates(j, j->request->now_s, VERDICT_NOW);
	judge_name(j);
	judge_strength(j);
	judge_trust(j, trust);
}

void verdict_judge_here(const struct trust *trust, const struct verdict_request *request, struct verdict *out)
{
	struct judging j = { .request = request, .out = out };

	*out = (struct verdict){ .then = VERDICT_COULD_NOT_TELL };
	j.num = request->num < VERDICT_CHAIN_MAX ? request->num : VERDICT_CHAIN_MAX;
	if (request->partial || request->num > j.num || j.num == 0) {
		note_detail(&j, VERDICT_INCOMPLETE, -1, VERDICT_THEN | VERDICT_NOW, FIT);
		j.unsure = true;
	}
	if (j.num == 0)
		return;
	j.certs = calloc(j.num, sizeof(*j.certs));
	if (j.certs)
		judge(&j, trust);
	else
		note_detail(&j, VERDICT_GAVE_UP, -1, VERDICT_THEN | VERDICT_NOW, FIT);
	free(j.certs);
}
