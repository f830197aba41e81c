/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/check/check_stragglers.h"

#include <inttypes.h>
#include <stdlib.h>

#include "parsers/text.h"

#define MESSAGE_MAX 1024
#define NAMES_SHOWN 4

enum state {
	STATE_RENEWED,           /* it presents what it should */
	STATE_GONE_OVER,         /* to a certificate of another lineage */
	STATE_PRESENTS,
	STATE_BY_TURNS,          /* with its renewal */
	STATE_LIKELY,
	STATE_NOT_SEEN,
	STATE_LIKELY_NOT_SEEN,
	STATE_SUMMED,            /* what it presents now was too much for the store's limits */
	STATE_HIDDEN,            /* never a certificate, and the name is one of the standard's */
};

/* How an endpoint stands to a standard. */
struct stand {
	const struct check_endpoint *e;
	const struct check_showing *s;   /* what it is about; NULL: STATE_HIDDEN */
	const struct check_standard *standard;
	enum state state;
	bool folded;             /* it counts as the rest of its site */
	bool told;
};

/* A showing as it is held against its standard. */
struct look {
	const struct check_showing *s;
	enum check_relation relation;
	enum state state;
};

/* Those of one site. */
struct site {
	const struct check_endpoint *endpoints;
	size_t num_endpoints;
	struct stand *stands;
	size_t num, capacity;
	struct look *looks;      /* of the endpoint at hand */
	size_t num_looks, looks_capacity;
	bool failed;
};

static enum severity severity_of(enum state state)
{
	switch (state) {
	case STATE_RENEWED:
	case STATE_GONE_OVER:
		return SEVERITY_OK;
	case STATE_PRESENTS:
	case STATE_BY_TURNS:
		return SEVERITY_CRITICAL;
	case STATE_LIKELY:
		return SEVERITY_WARNING;
	default:
		return SEVERITY_UNKNOWN;
	}
}

static const struct check_standard *standard_of(const struct check_showing *s)
{
	return s->certificate ? s->certificate->standard : NULL;
}

static bool same_lineage(const struct check_certificate *a, const struct check_certificate *b)
{
	return a->lineage_sure && b->lineage_sure && memcmp(a->lineage, b->lineage, sizeof(a->lineage)) == 0;
}

/*
 * Mixed with one of its lineage whose key is of another algorithm? Then what the client offers may choose. (Where usages
 * differ, RSA and ECDSA have lineages of their own, and each is renewed in its own.)
 */
static bool is_chosen(const struct check_endpoint *e, const struct check_showing *s)
{
	const struct check_showing *t;

	for (t = e->showings; t; t = t->next)
		if (check_other_key(s, t) && same_lineage(s->certificate, t->certificate) && check_mixed(s, t))
			return true;
	return false;
}

/*
 * At this endpoint. Where RSA and ECDSA are mixed, each is held against its own algorithm alone, if a newer one of it is
 * known. If none is, the two may have been issued together, as a pair; or one of the pair may have been forgotten, or a
 * pool goes over to another algorithm: then it is offered as likely, as it is where the user named the other one alone.
 */
enum check_relation check_relation_at(const struct check_endpoint *e, const struct check_showing *s)
{
	enum check_relation relation = s->certificate ? s->certificate->relation : RELATION_NONE;

	if (relation != RELATION_PREDECESSOR || check_standard_has_newer(s->certificate) || !is_chosen(e, s))
		return relation;
	return !standard_of(s)->file && check_standard_issued_with(s->certificate) ? RELATION_CURRENT : RELATION_LIKELY;
}

/* --- how one endpoint stands */

static void add_stand(struct site *site, const struct check_endpoint *e, const struct check_showing *s,
		      const struct check_standard *standard, enum state state)
{
	size_t larger = site->capacity ? 2 * site->capacity : 16;
	struct stand *grown;

	if (site->num == site->capacity) {
		grown = realloc(site->stands, larger * sizeof(*grown));
		site->failed |= !grown;
		if (!grown)
			return;
		site->stands = grown;
		site->capacity = larger;
	}
	site->stands[site->num++] = (struct stand){ .e = e, .s = s, .standard = standard, .state = state };
}

static bool add_look(struct site *site, const struct look *look)
{
	size_t larger = site->looks_capacity ? 2 * site->looks_capacity : 16;
	struct look *grown;

	if (site->num_looks == site->looks_capacity) {
		grown = realloc(site->looks, larger * sizeof(*grown));
		site->failed |= !grown;
		if (!grown)
			return false;
		site->looks = grown;
		site->looks_capacity = larger;
	}
	site->looks[site->num_looks++] = *look;
	return true;
}

/* Was what is right shown there, too, after this one began? */
static bool by_turns(const struct check_endpoint *e, const struct check_showing *s)
{
	const struct check_showing *t;

	for (t = e->showings; t; t = t->next)
		if (standard_of(t) == standard_of(s) && t->last_ns > s->first_ns &&
		    check_relation_at(e, t) == RELATION_CURRENT)
			return true;
	return false;
}

/* Was right, and then another that is, which speaks for itself. */
static bool is_superseded(const struct check_endpoint *e, const struct check_showing *s)
{
	const struct check_showing *to;

	return check_relation_at(e, s) == RELATION_CURRENT && check_replaced(e, s, &to) &&
	       check_relation_at(e, to) == RELATION_CURRENT;
}

static enum state state_of(const struct check_endpoint *e, const struct check_showing *s, enum check_relation relation)
{
	const struct check_showing *to;

	if (check_replaced(e, s, &to)) {
		if (!to->certificate && relation != RELATION_CURRENT)
			return STATE_SUMMED;
		return check_relation_at(e, to) == RELATION_CURRENT ? STATE_RENEWED : STATE_GONE_OVER;
	}
	if (relation == RELATION_CURRENT)
		return STATE_RENEWED;
	if (s->last_ns <= standard_of(s)->since_ns)
		return relation == RELATION_LIKELY ? STATE_LIKELY_NOT_SEEN : STATE_NOT_SEEN;
	if (relation == RELATION_LIKELY)
		return STATE_LIKELY;
	return by_turns(e, s) ? STATE_BY_TURNS : STATE_PRESENTS;
}

/* Of two that are as bad: what is certain, then what is likely, then what was always right; else the later one. */
static bool says_more(const struct look *a, const struct look *b)
{
	static const int order[] = { [RELATION_PREDECESSOR] = 2, [RELATION_LIKELY] = 1, [RELATION_CURRENT] = 0 };

	if (a->relation != b->relation)
		return order[a->relation] > order[b->relation];
	return a->s->last_ns > b->s->last_ns || (a->s->last_ns == b->s->last_ns && a < b);
}

/*
 * Need `b` not be told beside `a`? What is worse speaks for the rest of its kind (certain or likely, and the key's
 * algorithm), and for what is well; but what is certain and what is likely, or RSA and ECDSA, are told apart.
 */
static bool hides(const struct look *a, const struct look *b)
{
	enum severity of_a = severity_of(a->state), of_b = severity_of(b->state);

	if (a == b || standard_of(a->s) != standard_of(b->s))
		return false;
	if (of_a == of_b)
		return says_more(a, b);
	if (severity_worst(of_a, of_b) != of_a)
		return false;
	return of_b == SEVERITY_OK ||
	       (a->relation == b->relation && a->s->certificate->key == b->s->certificate->key);
}

static bool is_told(const struct site *site, const struct look *look)
{
	size_t i;

	for (i = 0; i < site->num_looks; i++)
		if (hides(&site->looks[i], look))
			return false;
	return true;
}

static void stand_of_hidden(struct site *site, const struct check_endpoint *e,
			    const struct check_standards *standards)
{
	size_t i;

	if (e->name_kind != STORE_NAME_ASKED)
		return;
	for (i = 0; i < standards->num; i++)
		if (check_standard_names(&standards->at[i], e->name)) {
			add_stand(site, e, NULL, &standards->at[i], STATE_HIDDEN);
			return;
		}
}

static void stands_of(struct site *site, const struct check_endpoint *e, const struct check_standards *standards)
{
	const struct check_showing *s;
	struct look look;
	size_t i;

	if (!e->showings)
		stand_of_hidden(site, e, standards);
	site->num_looks = 0;
	for (s = e->showings; s; s = s->next) {
		if (!standard_of(s) || is_superseded(e, s))
			continue;
		look = (struct look){ .s = s, .relation = check_relation_at(e, s) };
		look.state = state_of(e, s, look.relation);
		if (!add_look(site, &look))
			return;
	}
	for (i = 0; i < site->num_looks; i++)
		if (is_told(site, &site->looks[i]))
			add_stand(site, e, site->looks[i].s, standard_of(site->looks[i].s), site->looks[i].state);
}

/* --- the site as a whole */

static bool has_renewed(const struct site *site, const struct check_standard *standard)
{
	size_t i;

	for (i = 0; i < site->num; i++)
		if (site->stands[i].standard == standard && site->stands[i].state == STATE_RENEWED)
			return true;
	return false;
}

/* By a name that it is not for, it is what the site shows everybody. */
static bool is_for_everybody(const struct site *site, const struct stand *stand)
{
	return (stand->s->name_mismatch || stand->e->name_kind == STORE_NAME_OTHERS) &&
	       has_renewed(site, stand->standard);
}

static const struct check_showing *showing_of(const struct check_endpoint *e, int64_t chain_id)
{
	const struct check_showing *s;

	for (s = e->showings; s && s->chain_id != chain_id; s = s->next)
		;
	return s;
}

/*
 * Asked for no name, it showed the very chain that it showed for names that are in it, and all of those have gone over:
 * then it was not another one that stands in where no name is asked for. What was seen without a name since, but hidden,
 * says nothing.
 */
static bool is_without_name(const struct site *site, const struct stand *stand)
{
	const struct check_showing *s, *to;
	const struct check_endpoint *e;
	enum reason most;
	bool any = false;

	if (stand->e->name_kind != STORE_NAME_NONE || check_unseen_since(stand->e, stand->s->last_ns, &most))
		return false;
	for (e = site->endpoints; e < site->endpoints + site->num_endpoints; e++) {
		s = e == stand->e ? NULL : showing_of(e, stand->s->chain_id);
		if (!s || ((s->name_mismatch || e->name_kind == STORE_NAME_OTHERS) &&
			   s->last_ns <= stand->standard->since_ns))
			continue;
		if (!check_replaced(e, s, &to) || check_relation_at(e, to) != RELATION_CURRENT)
			return false;
		any = true;
	}
	return any;
}

static bool goes_with_site(const struct site *site, const struct stand *stand)
{
	return severity_of(stand->state) == SEVERITY_UNKNOWN && stand->s &&
	       (is_for_everybody(site, stand) || is_without_name(site, stand));
}

static bool all_well(const struct site *site, const struct check_standard *standard)
{
	size_t i;

	for (i = 0; i < site->num; i++)
		if (site->stands[i].standard == standard && !site->stands[i].folded &&
		    severity_of(site->stands[i].state) != SEVERITY_OK)
			return false;
	return true;
}

/* --- words */

static void put_time(struct text *text, uint64_t time_ns)
{
	char time[40];

	check_time_text(time_ns, time, sizeof(time));
	text_put(text, time);
}

/* The same program or service, by another process. */
static bool same_service(const struct store_owner *a, const struct store_owner *b)
{
	if (a->unit[0] || b->unit[0] || a->container[0] || b->container[0])
		return strcmp(a->unit, b->unit) == 0 && strcmp(a->container, b->container) == 0;
	return strcmp(a->process, b->process) == 0 && strcmp(a->executable, b->executable) == 0;
}

/* Who presented it; and who is there now, where that one began only afterwards. */
static void put_owner(struct text *text, const struct stand *stand)
{
	const struct x509_time *renewed = &stand->standard->place.not_before;
	const struct store_owner *owner = &stand->s->owner, *last = &stand->e->owner;
	char who[256];

	/* In captures nobody is known. */
	if (!check_presenter_text(owner, stand->s->several_owners, who, sizeof(who)))
		return;
	text_put(text, ": ");
	text_put(text, who);
	if (last->started_ns > stand->s->last_ns && check_owner_text(last, who, sizeof(who))) {
		text_put(text, same_service(owner, last) ? ", restarted since it was seen: " : ", and since then ");
		text_put(text, who);
		owner = last;
	}
	if (!owner->started_ns)
		return;
	text_put(text, ", running since ");
	put_time(text, owner->started_ns);
	if (owner == &stand->s->owner && renewed->known && renewed->unix_s > (int64_t)(owner->started_ns / 1000000000u))
		text_put(text, ", not restarted since the renewal");
}

static void put_last(struct text *text, const struct check_showing *s)
{
	char number[48];

	text_put(text, "; last ");
	put_time(text, s->last_ns);
	if (!s->refusals)
		return;
	snprintf(number, sizeof(number), ", refused %" PRIu64 " time%s", s->refusals, s->refusals == 1 ? "" : "s");
	text_put(text, number);
}

static void put_certificate(struct text *text, const struct check_certificate *c, int64_t now_s)
{
	char word[65];

	text_put(text, "; ");
	text_put(text, c->subject);
	if (c->place.not_after.known) {
		text_put(text, c->place.not_after.unix_s < now_s ? ", expired " : ", valid until ");
		text_time_s(c->place.not_after.unix_s, word, sizeof(word));
		text_put(text, word);
	}
	text_hex(c->sha256, 8, false, word);
	text_put(text, ", sha256 ");
	text_put(text, word);
}

/* Was it not seen at all, or without a certificate? */
static void put_unseen(struct text *text, const struct stand *stand)
{
	enum reason most;

	if (!check_unseen_since(stand->e, stand->s->last_ns, &most)) {
		text_put(text, ", and was not seen since the renewal");
		return;
	}
	text_put(text, ", and showed none since then: ");
	text_put(text, reason_name(most));
}

static void put_hidden(struct text *text, const struct stand *stand)
{
	enum reason most;

	text_put(text, "was asked for ");
	text_put(text, stand->e->name);
	text_put(text, ", and never showed a certificate");
	if (!check_unseen_since(stand->e, 0, &most))
		return;
	text_put(text, ": ");
	text_put(text, reason_name(most));
}

/* Which of the names asked for there, where not all of them stand the same. */
static void put_names(struct text *text, const struct site *site, const struct stand *lead)
{
	enum severity severity = severity_of(lead->state);
	char number[32];
	size_t num = 0, i;

	for (i = 0; i < site->num; i++)
		num += !site->stands[i].folded && site->stands[i].standard == lead->standard &&
		       severity_of(site->stands[i].state) == severity;
	if (num >= site->num_endpoints)
		return;
	text_put(text, "; asked for ");
	for (i = 0, num = 0; i < site->num; i++) {
		const struct stand *s = &site->stands[i];

		if (s->folded || s->standard != lead->standard || severity_of(s->state) != severity ||
		    num++ >= NAMES_SHOWN)
			continue;
		text_put(text, num > 1 ? ", " : "");
		text_put(text, s->e->name_kind == STORE_NAME_NONE ? "no name" :
			       s->e->name_kind == STORE_NAME_OTHERS ? "other names" : s->e->name);
	}
	snprintf(number, sizeof(number), " and %zu more", num - NAMES_SHOWN);
	text_put(text, num > NAMES_SHOWN ? number : "");
}

static void put_likely(struct text *text, const struct stand *stand)
{
	text_put(text, stand->s->certificate->relation == RELATION_LIKELY ? " (same issuer, a name in common)" :
		       " (for the same, but by turns with a key of another algorithm: the client may choose)");
}

static void put_state(struct text *text, const struct stand *stand)
{
	switch (stand->state) {
	case STATE_RENEWED:
		text_put(text, stand->standard->file ? "presents the renewed certificate" : "presents the newest certificate");
		break;
	case STATE_GONE_OVER:
		text_put(text, "presents a certificate of another kind by now");
		break;
	case STATE_PRESENTS:
		text_put(text, "still presents the replaced certificate");
		break;
	case STATE_BY_TURNS:
		text_put(text, "presents the replaced certificate by turns with its renewal");
		break;
	case STATE_LIKELY:
		text_put(text, "presents what may be a predecessor");
		put_likely(text, stand);
		break;
	case STATE_NOT_SEEN:
		text_put(text, "presented the replaced certificate");
		put_unseen(text, stand);
		break;
	case STATE_LIKELY_NOT_SEEN:
		text_put(text, "presented what may be a predecessor");
		put_likely(text, stand);
		put_unseen(text, stand);
		break;
	case STATE_SUMMED:
		text_put(text, "presented the replaced certificate, and since then more others than the store keeps");
		break;
	case STATE_HIDDEN:
		put_hidden(text, stand);
		break;
	}
}

/* What was not seen without a name since, and is taken to have gone over with the rest. */
static void put_folded(struct text *text, const struct site *site, const struct stand *lead)
{
	size_t i;

	for (i = 0; i < site->num; i++) {
		const struct stand *s = &site->stands[i];

		if (!s->folded || s->standard != lead->standard || s->e->name_kind != STORE_NAME_NONE)
			continue;
		text_put(text, "; asked for no name it showed the same before, and was not seen since ");
		put_time(text, s->s->last_ns);
		return;
	}
}

static void compose(struct text *text, const struct site *site, const struct stand *stand, int64_t now_s)
{
	put_state(text, stand);
	if (severity_of(stand->state) == SEVERITY_OK) {
		put_folded(text, site, stand);
		return;
	}
	if (stand->s) {
		put_owner(text, stand);
		put_last(text, stand->s);
		put_certificate(text, stand->s->certificate, now_s);
	}
	put_names(text, site, stand);
}

static const char *rule_of(const struct stand *stand)
{
	switch (stand->state) {
	case STATE_LIKELY:
	case STATE_LIKELY_NOT_SEEN:
		return "likely-straggler";
	case STATE_NOT_SEEN:
	case STATE_SUMMED:
		return "not-seen-since";
	case STATE_HIDDEN:
		return "no-certificate";
	default:
		return "straggler";
	}
}

static void put_facts(struct check_findings *out, struct status_finding *finding, const struct stand *stand)
{
	char hash[65];

	if (stand->s) {
		check_findings_certificate(out, finding, stand->s->certificate);
		check_findings_time(out, finding, "first_seen", stand->s->first_ns);
		check_findings_time(out, finding, "last_seen", stand->s->last_ns);
	}
	if (stand->s)
		check_findings_presenter(out, finding, &stand->s->owner, stand->s->several_owners);
	else
		check_findings_owner(out, finding, &stand->e->owner);
	text_hex(stand->standard->sha256, sizeof(stand->standard->sha256), false, hash);
	check_findings_fact(out, finding, "renewed_sha256", hash);
	check_findings_time(out, finding, "renewed_at", stand->standard->since_ns);
	check_findings_fact(out, finding, "renewed_file", stand->standard->file);
}

static void tell(const struct site *site, const struct stand *stand, int64_t now_s, struct check_findings *out)
{
	char endpoint[80], message[MESSAGE_MAX];
	struct text text;

	check_endpoint_text(stand->e, endpoint, sizeof(endpoint));
	text_start(&text, message, sizeof(message));
	compose(&text, site, stand, now_s);
	put_facts(out, check_findings_add(out, severity_of(stand->state), rule_of(stand), endpoint, message), stand);
	switch (severity_of(stand->state)) {
	case SEVERITY_CRITICAL:
		out->stragglers++;
		break;
	case SEVERITY_UNKNOWN:
		out->not_seen++;
		break;
	case SEVERITY_OK:
		out->renewed++;
		break;
	default:
		break;
	}
}

static void tell_site(struct site *site, int64_t now_s, struct check_findings *out)
{
	size_t i, k;

	for (i = 0; i < site->num; i++)
		site->stands[i].folded = goes_with_site(site, &site->stands[i]);
	for (i = 0; i < site->num; i++) {
		const struct stand *lead = &site->stands[i];

		if (lead->told || lead->folded || (severity_of(lead->state) == SEVERITY_OK && !all_well(site, lead->standard)))
			continue;
		tell(site, lead, now_s, out);
		for (k = i; k < site->num; k++)
			if (site->stands[k].standard == lead->standard &&
			    severity_of(site->stands[k].state) == severity_of(lead->state))
				site->stands[k].told = true;
	}
}

/* --- standards that nobody showed, new or old */

static void tell_unconcerned(const struct check_standards *standards, const bool *concerned,
			     struct check_findings *out)
{
	struct status_finding *finding;
	char message[MESSAGE_MAX];
	size_t i;

	for (i = 0; i < standards->num; i++) {
		if (concerned[i] || !standards->at[i].file)
			continue;
		snprintf(message, sizeof(message), "%s: neither this certificate (%s) nor a predecessor of it was seen",
			 standards->at[i].file, standards->at[i].subject);
		finding = check_findings_add(out, SEVERITY_UNKNOWN, "nothing-seen", NULL, message);
		check_findings_fact(out, finding, "renewed_file", standards->at[i].file);
		out->not_seen++;
	}
}

/* A newer one that is named too speaks for its lineage. */
static void concern(const struct check_standards *standards, const struct check_standard *standard, bool *concerned)
{
	size_t i;

	concerned[standard - standards->at] = true;
	for (i = 0; standard->lineage_sure && i < standards->num; i++)
		if (standards->at[i].lineage_sure &&
		    memcmp(standards->at[i].lineage, standard->lineage, sizeof(standard->lineage)) == 0)
			concerned[i] = true;
}

void check_stragglers(const struct check_facts *facts, const struct check_standards *standards, int64_t now_s,
		      struct check_findings *out)
{
	bool *concerned = calloc(standards->num ? standards->num : 1, sizeof(*concerned));
	struct site site = { 0 };
	size_t i = 0, k;

	out->failed |= !concerned;
	while (concerned && i < facts->num_endpoints) {
		site.endpoints = &facts->endpoints[i];
		site.num = 0;
		for (k = i; k < facts->num_endpoints && check_same_site(site.endpoints, &facts->endpoints[k]); k++)
			stands_of(&site, &facts->endpoints[k], standards);
		site.num_endpoints = k - i;
		tell_site(&site, now_s, out);
		for (k = 0; k < site.num; k++)
			if (!concerned[site.stands[k].standard - standards->at])
				concern(standards, site.stands[k].standard, concerned);
		i += site.num_endpoints;
	}
	if (concerned)
		tell_unconcerned(standards, concerned, out);
	out->failed |= site.failed;
	free(site.stands);
	free(site.looks);
	free(concerned);
}
