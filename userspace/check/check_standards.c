/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/check/check_standards.h"

#include <stdlib.h>
#include <strings.h>

#include "parsers/text.h"

#define NS_PER_S 1000000000u
#define DAY_S 86400

static uint64_t begin_of_validity(const struct check_standard *s)
{
	return s->place.not_before.known && s->place.not_before.unix_s > 0 ?
		       (uint64_t)s->place.not_before.unix_s * NS_PER_S : 0;
}

static bool newer(const struct lineage_place *a, const struct lineage_place *b)
{
	return lineage_compare(a, b) == LINEAGE_NEWER;
}

/* DNS names, and the common name where there are none. */
static bool take_names(struct check_facts *facts, const struct x509 *x, struct check_standard *s)
{
	char text[1024];
	unsigned int i;

	s->names = pieces_take(&facts->pieces, (x->san_count + 1) * sizeof(*s->names));
	if (!s->names)
		return false;
	for (i = 0; i < x->san_count; i++) {
		if (x->san[i].kind != X509_SAN_DNS)
			continue;
		text_safe(x->san[i].value, text, sizeof(text));
		s->names[s->num_names++] = pieces_text(&facts->pieces, text);
	}
	if (x->san_total == 0 && x->subject_cn[0])
		s->names[s->num_names++] = x->subject_cn;
	return true;
}

static bool take_renewed(struct check_facts *facts, const struct renewed_certificate *r,
			 struct check_standard *s)
{
	struct lineage lineage;

	lineage_of(r->x509, &lineage);
	*s = (struct check_standard){
		.lineage_sure = lineage.sure, .is_ca = r->x509->is_ca, .key = r->x509->key,
		.place = lineage_place_of(r->x509),
		.subject = r->x509->subject_cn[0] ? r->x509->subject_cn : r->x509->subject,
		.issuer = r->x509->issuer, .file = r->file, .x509 = r->x509,
	};
	memcpy(s->sha256, r->x509->sha256, sizeof(s->sha256));
	memcpy(s->lineage, lineage.key, sizeof(s->lineage));
	return take_names(facts, r->x509, s);
}

static bool same_lineage(const struct check_standard *s, const uint8_t lineage[32], bool sure)
{
	return s->lineage_sure && sure && memcmp(s->lineage, lineage, sizeof(s->lineage)) == 0;
}

/* One with a key of the same algorithm says more than a newer one. */
static bool says_more(const struct check_standard *a, const struct check_standard *b, enum x509_key key)
{
	if ((a->key == key) != (b->key == key))
		return a->key == key;
	return newer(&a->place, &b->place);
}

/* Named itself, then by its lineage against the newest of those named. */
static void relate(const struct check_standards *standards, struct check_certificate *c)
{
	const struct check_standard *s, *best = NULL;
	size_t i;

	for (i = 0; i < standards->num; i++) {
		s = &standards->at[i];
		if (memcmp(s->sha256, c->sha256, sizeof(s->sha256)) == 0) {
			c->relation = RELATION_CURRENT;
			c->standard = s;
			return;
		}
		if (same_lineage(s, c->lineage, c->lineage_sure) && (!best || says_more(s, best, c->key)))
			best = s;
	}
	if (!best)
		return;
	c->standard = best;
	c->relation = newer(&best->place, &c->place) ? RELATION_PREDECESSOR : RELATION_CURRENT;
}

/* Where it was renewed once more, that counts too. */
static void first_seen(const struct check_facts *facts, struct check_standard *s)
{
	const struct check_certificate *c;
	size_t i;

	for (i = 0; i < facts->num_certificates; i++) {
		c = facts->certificates[i];
		if (c->standard != s || c->relation != RELATION_CURRENT || (s->seen && c->first_ns >= s->since_ns))
			continue;
		s->since_ns = c->first_ns;
		s->seen = true;
	}
}

static void offer_newest(struct check_standard *s, enum x509_key key, const struct lineage_place *place)
{
	if (!s->newest[key] || newer(place, s->newest[key]))
		s->newest[key] = place;
}

/* The newest of each key algorithm, of those seen and those named. */
static void find_newest(const struct check_facts *facts, const struct check_standards *standards)
{
	size_t i, k;

	for (i = 0; i < facts->num_certificates; i++) {
		const struct check_certificate *c = facts->certificates[i];

		if (c->standard)
			offer_newest(&standards->at[c->standard - standards->at], c->key, &c->place);
	}
	for (i = 0; i < standards->num; i++)
		for (k = 0; standards->at[i].file && k < standards->num; k++)
			if (same_lineage(&standards->at[i], standards->at[k].lineage, standards->at[k].lineage_sure))
				offer_newest(&standards->at[i], standards->at[k].key, &standards->at[k].place);
}

bool check_standards_renewed(struct check_facts *facts, const struct renewed *renewed, uint64_t since_ns,
			     struct check_standards *out)
{
	struct check_standards standards = { .num = renewed->num };
	struct check_standard *s;
	size_t i, k;

	standards.at = pieces_take(&facts->pieces, (renewed->num ? renewed->num : 1) * sizeof(*standards.at));
	if (!standards.at)
		return false;
	for (i = 0; i < renewed->num; i++)
		if (!take_renewed(facts, &renewed->certificates[i], &standards.at[i]))
			return false;
	for (k = 0; k < facts->num_certificates; k++)
		relate(&standards, facts->certificates[k]);
	for (i = 0; i < standards.num; i++) {
		s = &standards.at[i];
		first_seen(facts, s);
		if (since_ns || !s->seen)
			s->since_ns = since_ns ? since_ns : begin_of_validity(s);
	}
	find_newest(facts, &standards);
	*out = standards;
	return true;
}

static int by_lineage(const void *left, const void *right)
{
	const struct check_certificate *a = *(struct check_certificate *const *)left;
	const struct check_certificate *b = *(struct check_certificate *const *)right;
	int order = memcmp(a->lineage, b->lineage, sizeof(a->lineage));

	return order ? order : memcmp(a->sha256, b->sha256, sizeof(a->sha256));
}

static const struct check_certificate *newest_of(struct check_certificate *const *group, size_t num)
{
	const struct check_certificate *newest = group[0];
	size_t i;

	for (i = 1; i < num; i++)
		if (newer(&group[i]->place, &newest->place))
			newest = group[i];
	return newest;
}

static void hold_against(struct check_certificate **group, size_t num, const struct check_certificate *newest,
			 uint64_t since_ns, struct check_standard *s)
{
	size_t i;

	*s = (struct check_standard){
		.lineage_sure = true, .is_ca = newest->is_ca, .key = newest->key, .place = newest->place,
		.subject = newest->subject, .issuer = newest->issuer, .certificate_id = newest->id, .seen = true,
		.since_ns = since_ns ? since_ns : newest->first_ns,
	};
	memcpy(s->sha256, newest->sha256, sizeof(s->sha256));
	memcpy(s->lineage, newest->lineage, sizeof(s->lineage));
	for (i = 0; i < num; i++) {
		group[i]->standard = s;
		group[i]->relation = newer(&newest->place, &group[i]->place) ? RELATION_PREDECESSOR :
									       RELATION_CURRENT;
	}
}

/* From `from`: how many are of one lineage. */
static size_t group_len(struct check_certificate *const *all, size_t from, size_t num)
{
	size_t to = from + 1;

	while (to < num && memcmp(all[to]->lineage, all[from]->lineage, sizeof(all[from]->lineage)) == 0)
		to++;
	return to - from;
}

bool check_standards_lineages(struct check_facts *facts, uint64_t since_ns, struct check_standards *out)
{
	struct check_certificate **all = facts->certificates;
	struct check_standards standards = { 0 };
	size_t num = facts->num_certificates, i, len;

	standards.at = pieces_take(&facts->pieces, (num ? num : 1) * sizeof(*standards.at));
	if (!standards.at)
		return false;
	if (num)
		qsort(all, num, sizeof(struct check_certificate *), by_lineage);
	for (i = 0; i < num; i += len) {
		len = group_len(all, i, num);
		if (len > 1 && all[i]->lineage_sure)
			hold_against(all + i, len, newest_of(all + i, len), since_ns, &standards.at[standards.num++]);
	}
	find_newest(facts, &standards);
	*out = standards;
	return true;
}

bool check_standards_may_offer(const struct check_standards *standards, const struct check_certificate *c)
{
	size_t i;

	for (i = 0; c->relation == RELATION_NONE && i < standards->num; i++)
		if (standards->at[i].x509 && standards->at[i].is_ca == c->is_ca &&
		    newer(&standards->at[i].place, &c->place) && strcmp(standards->at[i].issuer, c->issuer) == 0)
			return true;
	return false;
}

void check_standards_offer(const struct check_standards *standards, struct check_certificate *c,
			   const struct x509 *x)
{
	size_t i;

	for (i = 0; c->relation == RELATION_NONE && i < standards->num; i++) {
		const struct check_standard *s = &standards->at[i];

		if (!s->x509 || !newer(&s->place, &c->place) || !lineage_likely(x, s->x509))
			continue;
		c->relation = RELATION_LIKELY;
		c->standard = s;
	}
}

bool check_standard_has_newer(const struct check_certificate *c)
{
	return c->standard && c->standard->newest[c->key] && newer(c->standard->newest[c->key], &c->place);
}

bool check_standard_issued_with(const struct check_certificate *c)
{
	const struct x509_time *a = &c->place.not_before, *b = &c->standard->place.not_before;

	return a->known && b->known && a->unix_s - b->unix_s <= DAY_S && b->unix_s - a->unix_s <= DAY_S;
}

/* A wildcard stands for one label. */
static bool name_covers(const char *name, const char *host)
{
	const char *dot = strchr(host, '.');

	if (strcasecmp(name, host) == 0)
		return true;
	return name[0] == '*' && name[1] == '.' && dot && dot != host && strcasecmp(name + 1, dot) == 0;
}

bool check_standard_names(const struct check_standard *s, const char *host)
{
	size_t i;

	for (i = 0; host[0] && i < s->num_names; i++)
		if (name_covers(s->names[i], host))
			return true;
	return false;
}
