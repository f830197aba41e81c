/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/probes/probes_coverage.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "userspace/probes/probes_parts.h"

#define FILES_KNOWN_MAX 4096
#define FILES_KNOWN_NS 60000000000ull   /* then they are forgotten: inodes' numbers are used again */

/* Two processes may have one pid, one after the other, and one process two programs. */
struct identity {
	uint64_t start;              /* field 22 of /proc/PID/stat, in ticks since the boot */
	dev_t device;
	ino_t inode;                 /* of its executable */
};

struct entry {
	pid_t pid;                   /* 0: free */
	struct identity identity;
	uint64_t looked_ns, checked_ns;  /* at its files; whether it is still the one */
	struct coverage_answer answer;
};

struct probes_coverage {
	struct probes_surveyor *surveyor;
	uint64_t files_since_ns;
	struct entry entries[COVERAGE_PROCESSES];   /* by pid: who comes later takes the place */
};

struct probes_coverage *probes_coverage_new(void)
{
	struct probes_coverage *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->surveyor = probes_surveyor_new(NULL, false);
	if (c->surveyor)
		return c;
	free(c);
	return NULL;
}

void probes_coverage_free(struct probes_coverage *c)
{
	if (c)
		probes_surveyor_free(c->surveyor);
	free(c);
}

/* The name in parentheses may hold anything; the fields that are counted stand behind the last one. */
static bool read_start(pid_t pid, uint64_t *out)
{
	char path[32], text[1024];
	const char *at;
	ssize_t len;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	len = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[len > 0 ? len : 0] = '\0';
	at = strrchr(text, ')');
	/* From the third field to the 22nd. */
	return at && sscanf(at + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d "
				    "%*d %" SCNu64, out) == 1;
}

static bool read_identity(pid_t pid, struct identity *out)
{
	char path[32];
	struct stat s;

	memset(out, 0, sizeof(*out));
	snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
	if (!read_start(pid, &out->start) || stat(path, &s) != 0)
		return false;
	out->device = s.st_dev;
	out->inode = s.st_ino;
	return true;
}

static int on_process(void *context, const struct probes_process *process)
{
	struct coverage_answer *answer = context;
	const struct probes_library *l = &process->libraries[0];

	if (process->covered)
		*answer = (struct coverage_answer){ COVERAGE_OPEN, l->library, l->symbol, NULL };
	return 0;
}

static struct coverage_answer unknown(void)
{
	return (struct coverage_answer){ .verdict = COVERAGE_UNKNOWN,
					 .reason = "it has ended, or may not be looked at" };
}

static struct coverage_answer look(struct probes_coverage *c, pid_t pid, uint64_t now_ns)
{
	struct coverage_answer answer = { .verdict = COVERAGE_CLOSED,
					  .reason = "it has no TLS library with a hook" };
	int err;

	if (now_ns - c->files_since_ns > FILES_KNOWN_NS ||
	    probes_surveyor_num_known(c->surveyor) > FILES_KNOWN_MAX) {
		probes_surveyor_forget(c->surveyor);
		c->files_since_ns = now_ns;
	}
	err = probes_surveyor_look(c->surveyor, pid, on_process, &answer);
	if (err && answer.verdict != COVERAGE_OPEN)
		answer = unknown();
	return answer;
}

static bool is_fresh(const struct entry *e, uint64_t now_ns)
{
	return e->answer.verdict == COVERAGE_OPEN || now_ns - e->looked_ns < COVERAGE_AGAIN_NS;
}

struct coverage_answer probes_coverage_of(struct probes_coverage *c, pid_t pid, uint64_t now_ns)
{
	struct entry *e = &c->entries[(unsigned int)pid % COVERAGE_PROCESSES];
	struct identity identity;

	if (e->pid == pid && now_ns - e->checked_ns < COVERAGE_TRUST_NS)
		return e->answer;
	if (pid <= 0 || !read_identity(pid, &identity))
		return unknown();
	if (e->pid != pid || memcmp(&e->identity, &identity, sizeof(identity)) != 0 || !is_fresh(e, now_ns))
		*e = (struct entry){ .pid = pid, .identity = identity, .looked_ns = now_ns,
				     .answer = look(c, pid, now_ns) };
	e->checked_ns = now_ns;
	return e->answer;
}
