/* SPDX-License-Identifier: Apache-2.0 */
/* The findings of a check as they come up, with their texts, for status_line.h. */
#ifndef CERTTAP_CHECK_FINDINGS_H
#define CERTTAP_CHECK_FINDINGS_H

#include "userspace/check/check_facts.h"
#include "userspace/check/status_line.h"

struct check_findings {
	struct pieces pieces;
	struct status_finding *at;
	size_t num, capacity;
	bool failed;             /* one is missing: no memory */
	/* What the performance data tells beside the severities. */
	uint64_t sites;          /* endpoints looked at: address, port, transport */
	uint64_t hidden;         /* of them, that showed no certificate */
	uint64_t stragglers, not_seen, renewed;
	uint64_t not_stored;     /* sightings that the store had no room for, since it was made */
	bool days_known;
	int64_t days_left;       /* the least of all */
};

/* Texts are copied. What it returns stays until the next one; never NULL. */
struct status_finding *check_findings_add(struct check_findings *f, enum severity severity, const char *rule,
					  const char *endpoint, const char *message);
/* "" is left out. */
void check_findings_fact(struct check_findings *f, struct status_finding *finding, const char *name,
			 const char *value);
void check_findings_time(struct check_findings *f, struct status_finding *finding, const char *name,
			 uint64_t time_ns);
/* Which process presents it. */
void check_findings_owner(struct check_findings *f, struct status_finding *finding, const struct store_owner *owner);
/* Where several presented it, the last one is given, and a fact says that it was not alone. */
void check_findings_presenter(struct check_findings *f, struct status_finding *finding, const struct store_owner *owner,
			      bool several);
/* Its hash, subject and end. */
void check_findings_certificate(struct check_findings *f, struct status_finding *finding,
				const struct check_certificate *c);
/* "fabric, pid 812, fabric.service"; false: nothing is known, and the text is "". */
bool check_owner_text(const struct store_owner *owner, char *out, size_t size);
/* With " and others" where several did. */
bool check_presenter_text(const struct store_owner *owner, bool several, char *out, size_t size);
/* "2026-11-22T10:00:00Z"; size >= 32. */
void check_time_text(uint64_t time_ns, char *out, size_t size);

/* Counts sites. */
void check_findings_count(struct check_findings *f, const struct check_facts *facts);
/* The loudest first, else as they came. */
void check_findings_sort(struct check_findings *f);
/* As a report, with values[] for the performance data; borrowed. */
#define CHECK_VALUES_MAX 8
void check_findings_report(const struct check_findings *f, struct status_value values[CHECK_VALUES_MAX],
			   struct status_report *out);
void check_findings_fini(struct check_findings *f);

#endif
