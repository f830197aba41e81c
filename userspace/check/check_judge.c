/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/check/check_judge.h"

#include <errno.h>
#include <stdlib.h>

#include "userspace/check/check_rules.h"
#include "userspace/check/check_stragglers.h"

/* --- certificates that are likely predecessors: read again, since their names decide */

struct offering {
	struct check_facts *facts;
	const struct check_standards *standards;
	struct x509 *scratch;
	struct check_certificate **by_id;
};

static int by_id(const void *left, const void *right)
{
	const struct check_certificate *a = *(struct check_certificate *const *)left;
	const struct check_certificate *b = *(struct check_certificate *const *)right;

	return a->id < b->id ? -1 : a->id > b->id;
}

static bool on_certificate(void *context, const struct store_certificate *c)
{
	struct offering *o = context;
	struct check_certificate key = { .id = c->id }, *at = &key, **found;

	found = bsearch(&at, o->by_id, o->facts->num_certificates, sizeof(struct check_certificate *), by_id);
	if (!found || !c->der.len || !check_standards_may_offer(o->standards, *found))
		return true;
	x509_read(c->der, false, o->scratch);
	check_standards_offer(o->standards, *found, o->scratch);
	return true;
}

static bool any_to_offer(const struct offering *o, const char **issuer)
{
	bool any = false, one = true;
	size_t i;

	*issuer = NULL;
	for (i = 0; i < o->facts->num_certificates; i++) {
		if (!check_standards_may_offer(o->standards, o->facts->certificates[i]))
			continue;
		any = true;
		one &= !*issuer || strcmp(*issuer, o->facts->certificates[i]->issuer) == 0;
		*issuer = o->facts->certificates[i]->issuer;
	}
	if (!one)
		*issuer = NULL;
	return any;
}

static int offer(struct store *s, struct check_facts *facts, const struct check_standards *standards, int64_t now_s)
{
	struct offering o = { .facts = facts, .standards = standards, .by_id = facts->certificates };
	struct store_filter filter = { .now_s = now_s };
	int err;

	if (!any_to_offer(&o, &filter.issuer))
		return 0;
	o.scratch = malloc(sizeof(*o.scratch));
	if (!o.scratch)
		return -ENOMEM;
	qsort(o.by_id, facts->num_certificates, sizeof(struct check_certificate *), by_id);
	err = store_each_certificate(s, &filter, on_certificate, &o);
	free(o.scratch);
	return err;
}

/* --- the hosts that a lineage is for, from the store */

struct naming {
	struct pieces *pieces;
	struct check_standard *standard;
	size_t room;
};

static bool count_name(void *context, enum x509_san_kind kind, const char *name)
{
	struct naming *n = context;

	(void)name;
	n->room += kind == X509_SAN_DNS;
	return true;
}

static bool take_name(void *context, enum x509_san_kind kind, const char *name)
{
	struct naming *n = context;
	struct check_standard *s = n->standard;

	if (kind == X509_SAN_DNS && s->num_names < n->room)
		s->names[s->num_names++] = pieces_text(n->pieces, name);
	return true;
}

static int name_one(struct store *store, struct pieces *pieces, struct check_standard *s)
{
	struct naming n = { .pieces = pieces, .standard = s };
	int err = store_each_name(store, s->certificate_id, count_name, &n);

	s->names = err ? NULL : pieces_take(pieces, (n.room + 1) * sizeof(*s->names));
	if (!s->names)
		return err ? err : -ENOMEM;
	return store_each_name(store, s->certificate_id, take_name, &n);
}

static bool any_hidden(const struct check_facts *facts)
{
	size_t i;

	for (i = 0; i < facts->num_endpoints; i++)
		if (!facts->endpoints[i].showings && facts->endpoints[i].name_kind == STORE_NAME_ASKED)
			return true;
	return false;
}

static int name_lineages(struct store *s, struct check_facts *facts, struct check_standards *standards)
{
	size_t i;
	int err = 0;

	if (!any_hidden(facts))
		return 0;
	for (i = 0; err == 0 && i < standards->num; i++)
		err = name_one(s, &facts->pieces, &standards->at[i]);
	return err;
}

/* --- each question */

static int judge_renewed(struct store *s, const struct check_question *q, struct check_facts *facts,
			 struct check_findings *out)
{
	struct check_standards standards;
	int err;

	if (!check_standards_renewed(facts, q->renewed, q->since_ns, &standards))
		return -ENOMEM;
	err = offer(s, facts, &standards, q->now_s);
	if (err == 0)
		check_stragglers(facts, &standards, q->now_s, out);
	return err;
}

static int judge_lineages(struct store *s, const struct check_question *q, struct check_facts *facts,
			  struct check_findings *out)
{
	struct check_standards standards;
	int err;

	if (!check_standards_lineages(facts, q->since_ns, &standards))
		return -ENOMEM;
	err = name_lineages(s, facts, &standards);
	if (err)
		return err;
	check_stragglers(facts, &standards, q->now_s, out);
	check_expired(facts, q->now_s, out);
	if (out->sites && out->hidden == out->sites)
		check_findings_add(out, SEVERITY_UNKNOWN, "no-certificate", NULL, "no endpoint showed a certificate");
	return 0;
}

static int judge_expect(const struct check_question *q, const struct check_facts *facts,
			struct check_chains *chains, struct check_findings *out)
{
	struct expect *expect;
	char why[512];
	int err = expect_parse(q->expect, q->expect_name, &expect, why, sizeof(why));

	if (err)
		return err;
	check_expect(facts, chains, expect, q->now_s, out);
	expect_free(expect);
	return 0;
}

static int judge_chains(struct store *s, const struct check_question *q, const struct check_facts *facts,
			struct check_findings *out)
{
	struct check_chains *chains = check_chains_new(s);
	int err = chains ? 0 : -ENOMEM;

	if (err == 0 && q->expect.data)
		err = judge_expect(q, facts, chains, out);
	if (err == 0 && q->verify)
		check_verify(facts, chains, q->trust, q->now_s, out);
	check_chains_free(chains);
	return err;
}

static int answer(struct store *s, const struct check_question *q, struct check_facts *facts,
		  struct check_findings *out)
{
	bool something = q->renewed || q->expect.data || q->days || q->verify;
	int err = 0;

	check_findings_count(out, facts);
	out->not_stored = store_counter(s, STORE_SIZE_REFUSED) + store_counter(s, STORE_QUEUE_REFUSED);
	if (q->renewed)
		err = judge_renewed(s, q, facts, out);
	else if (!something)
		err = judge_lineages(s, q, facts, out);
	if (err == 0 && q->days)
		check_days(facts, q->days_warning, q->days_critical, q->now_s, out);
	if (err == 0 && (q->expect.data || q->verify))
		err = judge_chains(s, q, facts, out);
	return err;
}

int check_judge(struct store *s, const struct check_question *q, struct check_findings *out)
{
	struct check_findings findings = { 0 };
	struct check_facts *facts;
	int err = check_facts_read(s, q->filter, &facts);

	if (err)
		return err;
	err = answer(s, q, facts, &findings);
	check_facts_free(facts);
	if (err == 0 && (findings.failed || findings.pieces.failed))
		err = -ENOMEM;
	if (err) {
		check_findings_fini(&findings);
		return err;
	}
	check_findings_sort(&findings);
	*out = findings;
	return 0;
}
