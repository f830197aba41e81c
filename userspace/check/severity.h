/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How bad a result is, as monitoring plugins have it: the value is the exit code.
 *
 * The worst of several is critical, then warning, then unknown, then ok. Known trouble is louder than what could
 * not be told, and what could not be told is never ok. (The Monitoring Plugins Development Guidelines give the
 * codes and leave the order open; this is the one that the plugins themselves use, max_state() in their library.)
 */
#ifndef CERTTAP_SEVERITY_H
#define CERTTAP_SEVERITY_H

#include "parsers/bytes.h"

enum severity {
	SEVERITY_OK = 0,
	SEVERITY_WARNING = 1,
	SEVERITY_CRITICAL = 2,
	SEVERITY_UNKNOWN = 3,
	NUM_SEVERITIES,
};

/* "ok", "warning", "critical", "unknown" */
const char *severity_name(enum severity severity);

/* By that name; false: it is none. */
MUST_CHECK bool severity_find(const char *name, enum severity *out);

enum severity severity_worst(enum severity a, enum severity b);

#endif
