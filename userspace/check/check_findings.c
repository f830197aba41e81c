/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/check/check_findings.h"

#include <inttypes.h>
#include <stdlib.h>

#include "parsers/text.h"

#define FACTS_MAX 20
#define NS_PER_S 1000000000u

static struct status_finding *no_room(struct check_findings *f)
{
	static struct status_finding nowhere;

	f->failed = true;
	nowhere = (struct status_finding){ .severity = SEVERITY_UNKNOWN };
	return &nowhere;
}

struct status_finding *check_findings_add(struct check_findings *f, enum severity severity, const char *rule,
					  const char *endpoint, const char *message)
{
	size_t larger = f->capacity ? 2 * f->capacity : 64;
	struct status_finding *grown, *finding;

	if (f->num == f->capacity) {
		grown = realloc(f->at, larger * sizeof(*grown));
		if (!grown)
			return no_room(f);
		f->at = grown;
		f->capacity = larger;
	}
	finding = &f->at[f->num++];
	*finding = (struct status_finding){
		.severity = severity, .rule = pieces_text(&f->pieces, rule),
		.endpoint = endpoint ? pieces_text(&f->pieces, endpoint) : NULL,
		.message = pieces_text(&f->pieces, message),
	};
	return finding;
}

void check_findings_fact(struct check_findings *f, struct status_finding *finding, const char *name,
			 const char *value)
{
	struct status_fact *facts = (struct status_fact *)finding->facts;

	if (!value || !value[0] || finding->num_facts == FACTS_MAX)
		return;
	if (!facts)
		finding->facts = facts = pieces_take(&f->pieces, FACTS_MAX * sizeof(*facts));
	if (!facts)
		return;
	facts[finding->num_facts++] = (struct status_fact){ name, pieces_text(&f->pieces, value) };
}

void check_time_text(uint64_t time_ns, char *out, size_t size)
{
	text_time_s((int64_t)(time_ns / NS_PER_S), out, size);
}

void check_findings_time(struct check_findings *f, struct status_finding *finding, const char *name,
			 uint64_t time_ns)
{
	char text[40];

	if (!time_ns)
		return;
	check_time_text(time_ns, text, sizeof(text));
	check_findings_fact(f, finding, name, text);
}

void check_findings_owner(struct check_findings *f, struct status_finding *finding, const struct store_owner *owner)
{
	char pid[16] = "";

	if (owner->pid)
		snprintf(pid, sizeof(pid), "%" PRIu32, owner->pid);
	check_findings_fact(f, finding, "process", owner->process);
	check_findings_fact(f, finding, "pid", pid);
	check_findings_fact(f, finding, "executable", owner->executable);
	check_findings_fact(f, finding, "unit", owner->unit);
	check_findings_fact(f, finding, "container", owner->container);
	check_findings_time(f, finding, "process_started", owner->started_ns);
}

void check_findings_presenter(struct check_findings *f, struct status_finding *finding, const struct store_owner *owner,
			      bool several)
{
	check_findings_owner(f, finding, owner);
	check_findings_fact(f, finding, "several_owners", several ? "yes" : "");
}

void check_findings_certificate(struct check_findings *f, struct status_finding *finding,
				const struct check_certificate *c)
{
	char text[65];

	if (!c)
		return;
	text_hex(c->sha256, sizeof(c->sha256), false, text);
	check_findings_fact(f, finding, "sha256", text);
	check_findings_fact(f, finding, "subject", c->subject);
	check_findings_fact(f, finding, "issuer", c->issuer);
	if (!c->place.not_after.known)
		return;
	text_time_s(c->place.not_after.unix_s, text, sizeof(text));
	check_findings_fact(f, finding, "not_after", text);
}

bool check_owner_text(const struct store_owner *owner, char *out, size_t size)
{
	char number[32];
	struct text text;

	text_start(&text, out, size);
	if (!owner->process[0] && !owner->unit[0] && !owner->container[0] && !owner->pid) {
		return false;
	}
	text_put(&text, owner->process[0] ? owner->process : "a process");
	if (owner->pid) {
		snprintf(number, sizeof(number), ", pid %" PRIu32, owner->pid);
		text_put(&text, number);
	}
	if (owner->unit[0]) {
		text_put(&text, ", ");
		text_put(&text, owner->unit);
	}
	if (owner->container[0]) {
		snprintf(number, sizeof(number), ", container %.12s", owner->container);
		text_put(&text, number);
	}
	return true;
}

bool check_presenter_text(const struct store_owner *owner, bool several, char *out, size_t size)
{
	bool known = check_owner_text(owner, out, size);
	size_t len = strlen(out);

	if (known && several)
		snprintf(out + len, size - len, " and others");
	return known;
}

void check_findings_count(struct check_findings *f, const struct check_facts *facts)
{
	bool shown = false;
	size_t i;

	for (i = 0; i < facts->num_endpoints; i++) {
		shown |= facts->endpoints[i].showings != NULL;
		if (i + 1 < facts->num_endpoints &&
		    check_same_site(&facts->endpoints[i], &facts->endpoints[i + 1]))
			continue;
		f->sites++;
		f->hidden += !shown;
		shown = false;
	}
}

void check_findings_sort(struct check_findings *f)
{
	static const enum severity order[] = { SEVERITY_CRITICAL, SEVERITY_WARNING, SEVERITY_UNKNOWN, SEVERITY_OK };
	struct status_finding *sorted = malloc((f->num ? f->num : 1) * sizeof(*sorted));
	size_t num = 0, i, k;

	if (!sorted)
		return;
	for (k = 0; k < ARRAY_SIZE(order); k++)
		for (i = 0; i < f->num; i++)
			if (f->at[i].severity == order[k])
				sorted[num++] = f->at[i];
	free(f->at);
	f->at = sorted;
	f->capacity = f->num ? f->num : 1;
}

void check_findings_report(const struct check_findings *f, struct status_value values[CHECK_VALUES_MAX],
			   struct status_report *out)
{
	size_t num = 0;

	values[num++] = (struct status_value){ "stragglers", (int64_t)f->stragglers, "", NULL, "0" };
	values[num++] = (struct status_value){ "not_seen", (int64_t)f->not_seen, "", NULL, NULL };
	values[num++] = (struct status_value){ "renewed", (int64_t)f->renewed, "", NULL, NULL };
	values[num++] = (struct status_value){ "without_certificate", (int64_t)f->hidden, "", NULL, NULL };
	values[num++] = (struct status_value){ "not_stored", (int64_t)f->not_stored, "c", NULL, NULL };
	if (f->days_known)
		values[num++] = (struct status_value){ "days_left", f->days_left, "", NULL, NULL };
	*out = (struct status_report){ .endpoints = f->sites, .findings = f->at, .num_findings = f->num,
				       .values = values, .num_values = num };
}

void check_findings_fini(struct check_findings *f)
{
	free(f->at);
	pieces_fini(&f->pieces);
}
