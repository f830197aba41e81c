/* SPDX-License-Identifier: Apache-2.0 */
/* How long what is presented is still valid. */
#include <inttypes.h>

#include "parsers/text.h"
#include "userspace/check/check_stragglers.h"

#define DAY_S 86400
#define NS_PER_S 1000000000u

/* The shortest of a site. */
struct shortest {
	const struct check_endpoint *e;
	const struct check_showing *s;   /* NULL: no certificate with an end was seen */
	enum reason reason;
	uint64_t unseen;
};

static void look_at(struct shortest *shortest, const struct check_endpoint *e)
{
	const struct check_showing *s;
	enum reason most;
	uint64_t unseen = check_unseen_since(e, 0, &most);

	if (unseen > shortest->unseen) {
		shortest->unseen = unseen;
		shortest->reason = most;
	}
	for (s = e->showings; s; s = s->next) {
		if (!s->certificate || !s->certificate->place.not_after.known || check_replaced(e, s, NULL))
			continue;
		if (!shortest->s ||
		    s->certificate->place.not_after.unix_s < shortest->s->certificate->place.not_after.unix_s) {
			shortest->e = e;
			shortest->s = s;
		}
	}
}

static int64_t days_between(int64_t from_s, int64_t to_s)
{
	int64_t left = to_s - from_s;

	return left >= 0 ? left / DAY_S : -((DAY_S - 1 - left) / DAY_S);
}

static void tell_hidden(const struct shortest *shortest, const struct check_endpoint *e, struct check_findings *out)
{
	char endpoint[80], message[160];

	check_endpoint_text(e, endpoint, sizeof(endpoint));
	snprintf(message, sizeof(message), "no certificate with an end of validity was seen%s%s",
		 shortest->unseen ? ": " : "", shortest->unseen ? reason_name(shortest->reason) : "");
	check_findings_owner(out, check_findings_add(out, SEVERITY_UNKNOWN, "no-certificate", endpoint, message),
			     &e->owner);
}

static void tell_left(const struct shortest *shortest, int64_t left, enum severity severity,
		      struct check_findings *out)
{
	const struct check_certificate *c = shortest->s->certificate;
	char endpoint[80], message[768], who[256], until[40], number[24];
	bool known = check_presenter_text(&shortest->s->owner, shortest->s->several_owners, who,
					  sizeof(who));
	struct status_finding *finding;

	check_endpoint_text(shortest->e, endpoint, sizeof(endpoint));
	text_time_s(c->place.not_after.unix_s, until, sizeof(until));
	if (left < 0)
		snprintf(message, sizeof(message), "presents an expired certificate: %.300s, expired %s%s%s", c->subject,
			 until, known ? "; " : "", who);
	else
		snprintf(message, sizeof(message), "%" PRId64 " day%s left: %.300s, valid until %s%s%s", left,
			 left == 1 ? "" : "s", c->subject, until, known ? "; " : "", who);
	finding = check_findings_add(out, severity, "days", endpoint, message);
	snprintf(number, sizeof(number), "%" PRId64, left);
	check_findings_fact(out, finding, "days_left", number);
	check_findings_certificate(out, finding, c);
	check_findings_time(out, finding, "last_seen", shortest->s->last_ns);
	check_findings_presenter(out, finding, &shortest->s->owner, shortest->s->several_owners);
}

void check_days(const struct check_facts *facts, int warning, int critical, int64_t now_s,
		struct check_findings *out)
{
	enum severity severity;
	int64_t left;
	size_t i, from = 0;

	for (; from < facts->num_endpoints; from = i) {
		struct shortest shortest = { 0 };

		for (i = from; i < facts->num_endpoints &&
			       check_same_site(&facts->endpoints[from], &facts->endpoints[i]); i++)
			look_at(&shortest, &facts->endpoints[i]);
		if (!shortest.s) {
			tell_hidden(&shortest, &facts->endpoints[from], out);
			continue;
		}
		left = days_between(now_s, shortest.s->certificate->place.not_after.unix_s);
		severity = left < 0 || left < critical ? SEVERITY_CRITICAL :
			   left < warning ? SEVERITY_WARNING : SEVERITY_OK;
		tell_left(&shortest, left, severity, out);
		if (!out->days_known || left < out->days_left)
			out->days_left = left;
		out->days_known = true;
	}
}

/* --- expired, where nothing was asked */

/* The latest of a site that had run out when it was seen, and that has since. */
struct expired {
	const struct check_endpoint *e[2];
	const struct check_showing *s[2];
};

enum { RAN_OUT_BEFORE, RAN_OUT_SINCE };

static void find_expired(struct expired *found, const struct check_endpoint *e, int64_t now_s)
{
	const struct check_showing *s;

	for (s = e->showings; s; s = s->next) {
		const struct x509_time *end = s->certificate ? &s->certificate->place.not_after : NULL;
		int64_t last_s = (int64_t)(s->last_ns / NS_PER_S);
		int when = end && last_s > end->unix_s ? RAN_OUT_BEFORE : RAN_OUT_SINCE;

		if (!end || !end->known || (when == RAN_OUT_SINCE && now_s <= end->unix_s) ||
		    (found->s[when] && found->s[when]->last_ns >= s->last_ns))
			continue;
		if (check_replaced(e, s, NULL) || check_relation_at(e, s) == RELATION_PREDECESSOR)
			continue;
		found->e[when] = e;
		found->s[when] = s;
	}
}

static void tell_expired(const struct check_endpoint *e, const struct check_showing *s, int when,
			 struct check_findings *out)
{
	const struct check_certificate *c = s->certificate;
	char endpoint[80], message[1024], who[256], until[40], last[40];
	struct status_finding *finding;
	struct text text;

	check_endpoint_text(e, endpoint, sizeof(endpoint));
	text_time_s(c->place.not_after.unix_s, until, sizeof(until));
	check_time_text(s->last_ns, last, sizeof(last));
	text_start(&text, message, sizeof(message));
	text_put(&text, when == RAN_OUT_BEFORE ? "presents an expired certificate" :
						 "its certificate has expired since it was last seen");
	if (check_owner_text(&e->owner, who, sizeof(who))) {
		text_put(&text, ": ");
		text_put(&text, who);
	}
	text_put(&text, "; last ");
	text_put(&text, last);
	text_put(&text, "; ");
	text_put(&text, c->subject);
	text_put(&text, ", expired ");
	text_put(&text, until);
	if (e->name[0]) {
		text_put(&text, "; asked for ");
		text_put(&text, e->name);
	}
	finding = check_findings_add(out, when == RAN_OUT_BEFORE ? SEVERITY_CRITICAL : SEVERITY_UNKNOWN, "expired",
				     endpoint, message);
	check_findings_certificate(out, finding, c);
	check_findings_time(out, finding, "last_seen", s->last_ns);
	check_findings_owner(out, finding, &e->owner);
}

void check_expired(const struct check_facts *facts, int64_t now_s, struct check_findings *out)
{
	size_t i, from = 0;
	int when;

	for (; from < facts->num_endpoints; from = i) {
		struct expired found = { 0 };

		for (i = from; i < facts->num_endpoints &&
			       check_same_site(&facts->endpoints[from], &facts->endpoints[i]); i++)
			find_expired(&found, &facts->endpoints[i], now_s);
		for (when = RAN_OUT_BEFORE; when <= RAN_OUT_SINCE; when++)
			if (found.s[when])
				tell_expired(found.e[when], found.s[when], when, out);
	}
}
