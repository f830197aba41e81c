/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The result of a check, for people, monitoring and continuous integration: `--format nagios|json|junit|github`.
 *
 *   nagios   one status line with performance data, then one line for each finding that is not ok (Monitoring Plugins
 *            Development Guidelines, "Plugin Output for Nagios"): CERTTAP CRITICAL: ... | endpoints=4;;;0 ...
 *   json     one object
 *   junit    one test case for each finding; critical and warning are failures, unknown is an error
 *   github   workflow commands ::error and ::warning (also for unknown), with the rule's file and line; the summary
 *
 * Every text may come from strangers: each format escapes for itself, and control characters never get out.
 */
#ifndef CERTTAP_STATUS_LINE_H
#define CERTTAP_STATUS_LINE_H

#include <stdio.h>

#include "userspace/check/severity.h"

struct status_fact {
	const char *name;        /* ours: lower case, underscores */
	const char *value;
};

struct status_finding {
	enum severity severity;
	const char *endpoint;    /* "192.0.2.21:9808/tcp"; NULL: of none in particular */
	const char *rule;        /* short and ours: "straggler", "min-days" ...; NULL: none */
	const char *message;     /* one sentence without the endpoint */
	const char *file;        /* the rule's place, or NULL */
	unsigned int line;       /* from 1; 0: none */
	const struct status_fact *facts;
	size_t num_facts;
};

/* One value of the performance data. Label and unit are ours; warn, crit are ranges as text, or NULL. */
struct status_value {
	const char *label;
	int64_t value;
	const char *unit;        /* "", "s", "c" ... */
	const char *warn, *crit;
};

struct status_report {
	uint64_t endpoints;      /* looked at */
	const struct status_finding *findings;
	size_t num_findings;
	const struct status_value *values;     /* beside the counts, which are made here */
	size_t num_values;
};

struct status_format;

/* By name; NULL: there is none. Without a name (NULL): nagios. */
const struct status_format *status_format_find(const char *name);

/* "nagios, json, junit, github" */
const char *status_format_names(void);

/* The exit code, 0 to 3: the worst of the findings (severity.h); 3 when no endpoint was looked at. */
enum severity status_overall(const struct status_report *report);

/* Writes all of it; false when writing failed. The exit code is status_overall(). */
bool status_write(const struct status_report *report, const struct status_format *format, FILE *out);

#endif
