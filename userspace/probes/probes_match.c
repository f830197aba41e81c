/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which processes --secrets=PATTERN means.
 */
#include <fnmatch.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "userspace/probes/probes_parts.h"

static bool match_any(const struct probes_options *o, const char *text)
{
	for (unsigned int i = 0; i < o->num_patterns; i++)
		if (fnmatch(o->patterns[i], text, 0) == 0)
			return true;
	return false;
}

static bool match_executable(const struct probes_options *o, pid_t pid)
{
	static const char deleted[] = " (deleted)";
	char path[PATH_MAX], link[32];
	size_t tail = sizeof(deleted) - 1;
	ssize_t len;

	snprintf(link, sizeof(link), "/proc/%d/exe", (int)pid);
	len = readlink(link, path, sizeof(path) - 1);
	if (len <= 0)
		return false;
	path[len] = '\0';
	if ((size_t)len > tail && strcmp(path + len - tail, deleted) == 0)
		path[len - (ssize_t)tail] = '\0';
	return match_any(o, path) || (strrchr(path, '/') && match_any(o, strrchr(path, '/') + 1));
}

/* "0::/system.slice/nginx.service": the path, and each part of it. */
static bool match_cgroup_line(const struct probes_options *o, char *line)
{
	char *path = strchr(line, ':'), *part, *rest;

	path = path ? strchr(path + 1, ':') : NULL;
	if (!path++)
		return false;
	path[strcspn(path, "\n")] = '\0';
	if (match_any(o, path))
		return true;
	for (part = strtok_r(path, "/", &rest); part; part = strtok_r(NULL, "/", &rest))
		if (match_any(o, part))
			return true;
	return false;
}

static bool match_cgroup(const struct probes_options *o, pid_t pid)
{
	char path[32], line[PATH_MAX + 64];
	bool found = false;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/cgroup", (int)pid);
	f = fopen(path, "re");
	while (f && !found && fgets(line, sizeof(line), f))
		found = match_cgroup_line(o, line);
	if (f)
		fclose(f);
	return found;
}

bool probes_match(const struct probes_options *options, pid_t pid)
{
	if (!options || options->which != PROBES_PATTERNS)
		return true;
	return match_executable(options, pid) || match_cgroup(options, pid);
}

static int match_pid(void *options, pid_t pid)
{
	return probes_match(options, pid);
}

bool probes_pattern_matches(const char *pattern)
{
	struct probes_options one = { .which = PROBES_PATTERNS, .patterns = &pattern, .num_patterns = 1 };

	/* Where nobody can tell, nothing is said. */
	return probes_scan_pids(match_pid, &one) != 0;
}
