/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/check/check_rules.h"

#include <stdlib.h>

#include "parsers/text.h"
#include "userspace/hash.h"
#include "userspace/verdict/verdict.h"

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#define MESSAGE_MAX 768
#define NOTES_TOLD 3
#define NS_PER_S 1000000000u

struct known_chain {
	UT_hash_handle hh;
	int64_t id;
	struct chain *chain;             /* NULL: it cannot be had */
	struct expect_certificate *as_expected;
};

/* What was said about a chain asked for by a name. */
struct known_verdict {
	UT_hash_handle hh;
	struct verdict verdict;
	size_t key_len;
	char key[8 + 4 * SERVER_NAME_MAX + 8];
};

struct check_chains {
	struct store *store;
	struct known_chain *chains;
	struct known_verdict *verdicts;
};

struct check_chains *check_chains_new(struct store *s)
{
	struct check_chains *c = calloc(1, sizeof(*c));

	if (c)
		c->store = s;
	return c;
}

void check_chains_free(struct check_chains *c)
{
	struct known_verdict *verdict, *next_verdict;
	struct known_chain *known, *next;

	if (!c)
		return;
	HASH_ITER(hh, c->chains, known, next) {
		HASH_DEL(c->chains, known);
		free(known->as_expected);
		store_chain_free(known->chain);
		free(known);
	}
	HASH_ITER(hh, c->verdicts, verdict, next_verdict) {
		HASH_DEL(c->verdicts, verdict);
		free(verdict);
	}
	free(c);
}

static struct known_chain *chain_of(struct check_chains *c, int64_t id)
{
	struct known_chain *known;

	HASH_FIND(hh, c->chains, &id, sizeof(id), known);
	if (known)
		return known;
	known = calloc(1, sizeof(*known));
	if (!known)
		return NULL;
	known->id = id;
	known->chain = store_chain(c->store, id);
	HASH_ADD(hh, c->chains, id, sizeof(known->id), known);
	if (known->hh.tbl)
		return known;
	store_chain_free(known->chain);
	free(known);
	return NULL;
}

static const struct expect_certificate *as_expected(struct known_chain *known)
{
	const struct x509 *certs[VERDICT_CHAIN_MAX];
	size_t num = 0;

	if (known->as_expected || !known->chain)
		return known->as_expected;
	while (num < known->chain->num && num < ARRAY_SIZE(certs)) {
		certs[num] = known->chain->certificates[num]->x509;
		num++;
	}
	known->as_expected = expect_chain(certs, num);
	return known->as_expected;
}

/* What an endpoint presents now: what has not been replaced by something later, each chain once. */
static bool is_told(const struct check_endpoint *e, const struct check_showing *s)
{
	const struct check_showing *t;

	if (check_replaced(e, s, NULL))
		return true;
	for (t = e->showings; t != s; t = t->next)
		if (t->chain_id == s->chain_id)
			return true;
	return false;
}

/* The same was said of this site already, for another name. */
static bool was_said(const struct check_findings *out, size_t from, const char *message, unsigned int line)
{
	for (; from < out->num; from++)
		if (out->at[from].line == line && strcmp(out->at[from].message, message) == 0)
			return true;
	return false;
}

/* --- expectations */

struct telling {
	struct check_findings *out;
	const struct check_endpoint *e;          /* NULL: a rule that was for nobody */
	const struct check_showing *s;           /* NULL: no certificate was seen */
	size_t site_from;                        /* the site's first finding */
};

/* Who presents it, or who was seen there last where no certificate was. */
static const struct store_owner *owner_of(const struct telling *t)
{
	return t->s ? &t->s->owner : &t->e->owner;
}

/* With who it is, and the rule's place: not every format has a field for it. */
static void describe(const struct telling *t, const struct expect_violation *v, char *out, size_t size)
{
	char place[32], who[256];
	struct text text;

	text_start(&text, out, size);
	text_put(&text, v->text);
	if (t->e && check_presenter_text(owner_of(t), t->s && t->s->several_owners, who, sizeof(who))) {
		text_put(&text, "; ");
		text_put(&text, who);
	}
	if (!v->file || !v->line)
		return;
	snprintf(place, sizeof(place), ":%u", v->line);
	text_put(&text, "; ");
	text_put(&text, v->file);
	text_put(&text, place);
}

static void on_violation(void *context, const struct expect_violation *v)
{
	struct telling *t = context;
	struct status_finding *finding;
	char endpoint[80], message[MESSAGE_MAX];

	describe(t, v, message, sizeof(message));
	if (v->severity == SEVERITY_OK || was_said(t->out, t->site_from, message, v->line))
		return;
	if (t->e)
		check_endpoint_text(t->e, endpoint, sizeof(endpoint));
	finding = check_findings_add(t->out, v->severity, v->rule, t->e ? endpoint : NULL, message);
	finding->file = v->file ? pieces_text(&t->out->pieces, v->file) : NULL;
	finding->line = v->line;
	if (!t->e)
		return;
	check_findings_certificate(t->out, finding, t->s ? t->s->certificate : NULL);
	check_findings_time(t->out, finding, "last_seen", t->s ? t->s->last_ns : t->e->last_ns);
	check_findings_presenter(t->out, finding, owner_of(t), t->s && t->s->several_owners);
}

static const char *or_null(const char *text)
{
	return text[0] ? text : NULL;
}

static struct expect_endpoint as_endpoint(const struct check_endpoint *e, const struct store_owner *owner, int64_t now_s)
{
	return (struct expect_endpoint){
		.address = e->server.address.octets, .port = e->server.port,
		.transport = transport_name(e->transport), .server_name = or_null(e->name),
		.unit = or_null(owner->unit), .process = or_null(owner->process),
		.container = or_null(owner->container), .carrier = or_null(e->carrier), .now_s = now_s,
	};
}

static void expect_endpoint(struct telling *t, struct check_chains *chains, struct expect *e, int64_t now_s)
{
	struct expect_endpoint endpoint;
	enum reason most = REASON_NONE;
	const struct check_showing *s;
	struct known_chain *known;

	for (s = t->e->showings; s; s = s->next) {
		if (is_told(t->e, s))
			continue;
		known = chain_of(chains, s->chain_id);
		t->s = s;
		endpoint = as_endpoint(t->e, owner_of(t), now_s);
		endpoint.chain = known ? as_expected(known) : NULL;
		endpoint.num = endpoint.chain ? known->chain->num : 0;
		endpoint.reason = endpoint.chain ? NULL : "not kept";
		expect_judge(e, &endpoint, on_violation, t);
	}
	if (t->e->showings)
		return;
	t->s = NULL;
	endpoint = as_endpoint(t->e, owner_of(t), now_s);
	check_unseen_since(t->e, 0, &most);
	endpoint.reason = most == REASON_NONE ? NULL : reason_name(most);
	expect_judge(e, &endpoint, on_violation, t);
}

void check_expect(const struct check_facts *facts, struct check_chains *chains, struct expect *e, int64_t now_s,
		  struct check_findings *out)
{
	struct telling t = { .out = out, .site_from = out->num };
	size_t i;

	for (i = 0; i < facts->num_endpoints; i++) {
		if (i > 0 && !check_same_site(&facts->endpoints[i], &facts->endpoints[i - 1]))
			t.site_from = out->num;
		t.e = &facts->endpoints[i];
		expect_endpoint(&t, chains, e, now_s);
	}
	t = (struct telling){ .out = out, .site_from = out->num };
	expect_unmatched(e, on_violation, &t);
}

/* --- verdicts */

static void judge(const struct chain *chain, const struct trust *trust, const struct check_endpoint *e,
		  const struct check_showing *s, int64_t now_s, struct verdict *out)
{
	struct bytes ders[VERDICT_CHAIN_MAX];
	struct verdict_request request = {
		.ders = ders, .partial = chain->partial || chain->total > chain->num, .role = ROLE_SERVER,
		.name = bytes_of(e->name, strlen(e->name)), .then_s = (int64_t)(s->last_ns / NS_PER_S), .now_s = now_s,
	};

	for (; request.num < chain->num && request.num < ARRAY_SIZE(ders); request.num++) {
		const struct certificate *c = chain->certificates[request.num];

		ders[request.num] = bytes_of(c->der, c->der ? c->der_len : 0);
		request.partial |= !c->der || c->truncated;
	}
	verdict_judge_here(trust, &request, out);
}

/* NULL: no chain, or no memory. */
static const struct verdict *verdict_of(struct check_chains *c, const struct trust *trust,
					const struct check_endpoint *e, const struct check_showing *s, int64_t now_s)
{
	struct known_chain *known = chain_of(c, s->chain_id);
	struct known_verdict *v, *found;
	size_t name_len = strlen(e->name);

	if (!known || !known->chain)
		return NULL;
	v = calloc(1, sizeof(*v));
	if (!v || name_len > sizeof(v->key) - 8) {
		free(v);
		return NULL;
	}
	memcpy(v->key, &s->chain_id, 8);
	memcpy(v->key + 8, e->name, name_len);
	v->key_len = 8 + name_len;
	HASH_FIND(hh, c->verdicts, v->key, v->key_len, found);
	if (found) {
		free(v);
		return &found->verdict;
	}
	judge(known->chain, trust, e, s, now_s, &v->verdict);
	HASH_ADD(hh, c->verdicts, key, v->key_len, v);
	if (v->hh.tbl)
		return &v->verdict;
	free(v);
	return NULL;
}

/* Worth a warning although the chain is trusted. */
static bool is_worth(enum verdict_finding finding)
{
	switch (finding) {
	case VERDICT_NOT_LEAF_FIRST:
	case VERDICT_OUT_OF_ORDER:
	case VERDICT_EXPIRED_INTERMEDIATE:
	case VERDICT_NAME_IN_CN_ONLY:
	case VERDICT_WEAK_KEY:
	case VERDICT_WEAK_SIGNATURE:
		return true;
	default:
		return false;
	}
}

static enum severity severity_of(const struct verdict *v)
{
	unsigned int i;

	if (v->now == VERDICT_UNTRUSTED)
		return SEVERITY_CRITICAL;
	for (i = 0; i < v->num_notes; i++)
		if (v->notes[i].when & VERDICT_NOW && is_worth(v->notes[i].what))
			return SEVERITY_WARNING;
	return v->now == VERDICT_TRUSTED ? SEVERITY_OK : SEVERITY_UNKNOWN;
}

static void put_notes(struct text *text, const struct verdict *v)
{
	unsigned int told = 0, i;
	char number[32];
	const char *detail;

	for (i = 0; i < v->num_notes && told < NOTES_TOLD; i++) {
		if (!(v->notes[i].when & VERDICT_NOW))
			continue;
		text_put(text, told++ ? "; " : ": ");
		if (v->notes[i].certificate > 0) {
			snprintf(number, sizeof(number), "certificate %d: ", v->notes[i].certificate + 1);
			text_put(text, number);
		}
		text_put(text, verdict_finding_text(v->notes[i].what));
		detail = verdict_detail(&v->notes[i]);
		if (detail) {
			text_put(text, " (");
			text_put(text, detail);
			text_put(text, ")");
		}
	}
}

static void tell_verdict(struct telling *t, const struct verdict *v)
{
	enum severity severity = v ? severity_of(v) : SEVERITY_UNKNOWN;
	char endpoint[80], message[MESSAGE_MAX];
	struct status_finding *finding;
	struct text text;

	text_start(&text, message, sizeof(message));
	text_put(&text, v && v->now != VERDICT_COULD_NOT_TELL ? verdict_trust_name(v->now) :
								 "whether it is trusted could not be told");
	if (v)
		put_notes(&text, v);
	else
		text_put(&text, ": its chain was not kept");
	if (t->e->name[0]) {
		text_put(&text, "; asked for ");
		text_put(&text, t->e->name);
	}
	if (was_said(t->out, t->site_from, message, 0))
		return;
	check_endpoint_text(t->e, endpoint, sizeof(endpoint));
	finding = check_findings_add(t->out, severity, "trust", endpoint, message);
	check_findings_certificate(t->out, finding, t->s->certificate);
	check_findings_time(t->out, finding, "last_seen", t->s->last_ns);
	check_findings_presenter(t->out, finding, &t->s->owner, t->s->several_owners);
}

static void tell_nothing(const struct telling *t)
{
	char endpoint[80], message[128];
	enum reason most = REASON_NONE;

	check_unseen_since(t->e, 0, &most);
	snprintf(message, sizeof(message), "no certificate was seen%s%s", most == REASON_NONE ? "" : ": ",
		 most == REASON_NONE ? "" : reason_name(most));
	if (was_said(t->out, t->site_from, message, 0))
		return;
	check_endpoint_text(t->e, endpoint, sizeof(endpoint));
	check_findings_owner(t->out, check_findings_add(t->out, SEVERITY_UNKNOWN, "no-certificate", endpoint, message),
			     &t->e->owner);
}

void check_verify(const struct check_facts *facts, struct check_chains *chains, const struct trust *trust,
		  int64_t now_s, struct check_findings *out)
{
	struct telling t = { .out = out, .site_from = out->num };
	size_t i;

	for (i = 0; i < facts->num_endpoints; i++) {
		if (i > 0 && !check_same_site(&facts->endpoints[i], &facts->endpoints[i - 1]))
			t.site_from = out->num;
		t.e = &facts->endpoints[i];
		if (!t.e->showings)
			tell_nothing(&t);
		for (t.s = t.e->showings; t.s; t.s = t.s->next)
			if (!is_told(t.e, t.s))
				tell_verdict(&t, verdict_of(chains, trust, t.e, t.s, now_s));
	}
}
