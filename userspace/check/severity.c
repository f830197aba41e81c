/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/check/severity.h"

static const struct {
	const char *name;
	unsigned int rank;
} severities[NUM_SEVERITIES] = {
	[SEVERITY_OK] = { "ok", 0 },
	[SEVERITY_UNKNOWN] = { "unknown", 1 },
	[SEVERITY_WARNING] = { "warning", 2 },
	[SEVERITY_CRITICAL] = { "critical", 3 },
};

const char *severity_name(enum severity severity)
{
	return severities[severity].name;
}

bool severity_find(const char *name, enum severity *out)
{
	size_t i;

	for (i = 0; i < NUM_SEVERITIES; i++) {
		if (strcmp(name, severities[i].name) != 0)
			continue;
		*out = (enum severity)i;
		return true;
	}
	return false;
}

enum severity severity_worst(enum severity a, enum severity b)
{
	return severities[b].rank > severities[a].rank ? b : a;
}
