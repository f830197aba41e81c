/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/process/process_facts.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S 1000000000u
#define STAT_START 22            /* proc(5): fields of /proc/PID/stat, counted from 1 */
#define STAT_PARENT 4
#define PROGRAM_TRIES 3

/* Reads a small file below `dir`; the text is ended. Returns its length, or -1. */
static ssize_t read_file(int dir, const char *name, char *text, size_t size)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	size_t len = 0;
	ssize_t n = 0;

	if (fd < 0)
		return -1;
	while (len + 1 < size && (n = read(fd, text + len, size - 1 - len)) > 0)
		len += (size_t)n;
	close(fd);
	text[len] = '\0';
	return n < 0 ? -1 : (ssize_t)len;
}

/* The name stands in parentheses and may hold anything, so fields are counted from the last one. */
static const char *stat_field(const char *text, int number)
{
	const char *at = strrchr(text, ')');

	for (int i = 2; at && i < number; i++)
		at = strchr(at + 1, ' ');
	return at ? at + 1 : NULL;
}

static uint64_t stat_number(const char *text, int number)
{
	const char *field = stat_field(text, number);

	return field ? strtoull(field, NULL, 10) : 0;
}

/* /proc counts in ticks of a hundredth of a second, as a rule. */
static bool is_same_process(const char *text, uint64_t start_ns)
{
	uint64_t tick = NS_PER_S / (uint64_t)sysconf(_SC_CLK_TCK);

	return start_ns == 0 || stat_number(text, STAT_START) == start_ns / tick;
}

static uint64_t wall_time(uint64_t boottime_ns)
{
	struct timespec wall, boot;

	clock_gettime(CLOCK_REALTIME, &wall);
	clock_gettime(CLOCK_BOOTTIME, &boot);
	return (uint64_t)wall.tv_sec * NS_PER_S + (uint64_t)wall.tv_nsec + boottime_ns -
	       ((uint64_t)boot.tv_sec * NS_PER_S + (uint64_t)boot.tv_nsec);
}

/* Arguments are ended by '\0' each. */
static void take_command_line(int dir, struct process *out)
{
	ssize_t len = read_file(dir, "cmdline", out->command_line, sizeof(out->command_line));

	while (len > 0 && out->command_line[len - 1] == '\0')
		len--;
	for (ssize_t i = 0; i < len; i++)
		if (out->command_line[i] == '\0')
			out->command_line[i] = ' ';
}

/* One that came with the packet is for those who are gone. */
static void take_name(int dir, struct process *out)
{
	char text[64];

	if (read_file(dir, "comm", text, sizeof(text)) <= 0)
		return;
	text[strcspn(text, "\n")] = '\0';
	snprintf(out->name, sizeof(out->name), "%.15s", text);
}

static void take_executable(int dir, char *out, size_t size)
{
	ssize_t len = readlinkat(dir, "exe", out, size - 1);

	out[len > 0 ? len : 0] = '\0';
}

/* Name and executable are those of one program: exec() may come between. */
static void take_program(int dir, struct process *out)
{
	char after[sizeof(out->executable)];
	unsigned int tries = 0;

	do {
		take_executable(dir, out->executable, sizeof(out->executable));
		take_name(dir, out);
		take_executable(dir, after, sizeof(after));
	} while (strcmp(after, out->executable) != 0 && ++tries < PROGRAM_TRIES);
}

/*
 * A line is "ID:CONTROLLERS:PATH", that of cgroup v2 "0::PATH", the last one. On hosts with v1 the trees may differ:
 * the first that says something counts, that of v2 and systemd's own before the rest.
 */
static void take_cgroup(int dir, struct process *out)
{
	static const char *const firsts[] = { "0::", ":name=systemd:", NULL };
	char text[8192], line[4096];
	const char *at, *path;
	unsigned int i;

	if (read_file(dir, "cgroup", text, sizeof(text)) <= 0)
		return;
	for (i = 0; i < 3; i++)
		for (at = text; *at && !out->service[0] && !out->container[0]; at += strcspn(at, "\n"), at += *at == '\n') {
			snprintf(line, sizeof(line), "%.*s", (int)strcspn(at, "\n"), at);
			path = strchr(line, ':');
			path = path ? strchr(path + 1, ':') : NULL;
			if (path && (!firsts[i] || strstr(line, firsts[i])))
				process_facts_cgroup(path + 1, out);
		}
}

static uint64_t namespace_of(int dir, const char *name)
{
	struct stat st;

	return fstatat(dir, name, &st, 0) == 0 ? (uint64_t)st.st_ino : 0;
}

/* "Uid:", real, effective ... in the namespace of who reads. */
static bool take_uid(int dir, struct process *out)
{
	char text[4096];
	const char *line;

	if (read_file(dir, "status", text, sizeof(text)) <= 0)
		return false;
	line = strstr(text, "\nUid:\t");
	line = line ? strchr(line + strlen("\nUid:\t"), '\t') : NULL;
	if (!line)
		return false;
	out->uid = (uint32_t)strtoul(line + 1, NULL, 10);
	out->uid_known = true;
	return true;
}

/* By /etc/passwd alone: other account services may ask the network. */
static void take_user(int dir, struct process *out)
{
	struct passwd *entry;
	FILE *accounts;

	if (!take_uid(dir, out))
		return;
	if (namespace_of(dir, "ns/mnt") != namespace_of(AT_FDCWD, "/proc/self/ns/mnt"))
		return;
	accounts = fopen("/etc/passwd", "re");
	if (!accounts)
		return;
	while ((entry = fgetpwent(accounts)))
		if (entry->pw_uid == out->uid) {
			snprintf(out->user, sizeof(out->user), "%s", entry->pw_name);
			break;
		}
	fclose(accounts);
}

bool process_facts(struct process *out, bool command_line)
{
	char path[32], text[1024];
	bool same;
	int dir;

	out->started_ns = out->key.start_ns ? wall_time(out->key.start_ns) : 0;
	snprintf(path, sizeof(path), "/proc/%u", out->key.pid);
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return false;
	same = read_file(dir, "stat", text, sizeof(text)) > 0 && is_same_process(text, out->key.start_ns);
	if (same) {
		take_program(dir, out);
		out->ppid = (uint32_t)stat_number(text, STAT_PARENT);
		out->netns = namespace_of(dir, "ns/net");
		take_cgroup(dir, out);
		take_user(dir, out);
		if (command_line)
			take_command_line(dir, out);
	}
	close(dir);
	return same;
}
