/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/process/process_facts.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define CONTAINER_ID_LEN 64

/* One part of the path. */
struct part {
	const char *text;
	size_t len;
};

static bool part_begins(const struct part *p, const char *with)
{
	size_t len = strlen(with);

	return p->len >= len && memcmp(p->text, with, len) == 0;
}

static bool part_ends(const struct part *p, const char *with)
{
	size_t len = strlen(with);

	return p->len > len && memcmp(p->text + p->len - len, with, len) == 0;
}

static void copy(char *to, size_t size, const char *text, size_t len)
{
	snprintf(to, size, "%.*s", (int)(len < size ? len : size - 1), text);
}

/* 64 hexadecimal digits, at the end of a part but for ".scope". */
static bool ends_in_id(const struct part *p, const char **id)
{
	size_t len = p->len;

	if (part_ends(p, ".scope"))
		len -= strlen(".scope");
	if (len < CONTAINER_ID_LEN)
		return false;
	*id = p->text + len - CONTAINER_ID_LEN;
	for (size_t i = 0; i < CONTAINER_ID_LEN; i++)
		if (!isxdigit((unsigned char)(*id)[i]))
			return false;
	return true;
}

/* How a runtime names the group of a container: what stands in front of the id, or the part above it. */
static const struct runtime {
	const char *before, *above, *name;
} runtimes[] = {
	{ "docker-", NULL, "docker" },
	{ "cri-containerd-", NULL, "containerd" },
	{ "nerdctl-", NULL, "containerd" },
	{ "crio-", NULL, "cri-o" },
	{ "libpod-", NULL, "podman" },
	{ "", "docker", "docker" },
	{ "", "containerd", "containerd" },
	{ "", "default", "containerd" },         /* its namespaces, with the driver cgroupfs */
	{ "", "k8s.io", "containerd" },
	{ "", "moby", "docker" },
	{ "", "libpod_parent", "podman" },
};

static bool take_container(const struct part *above, const struct part *p, struct process *out)
{
	size_t before, i;
	const char *id;

	if (!ends_in_id(p, &id))
		return false;
	before = (size_t)(id - p->text);
	/* The helper of a container, beside it: "crio-conmon-ID.scope". */
	if (before && memmem(p->text, before, "conmon", strlen("conmon")))
		return false;
	copy(out->container, sizeof(out->container), id, CONTAINER_ID_LEN);
	copy(out->runtime, sizeof(out->runtime), "", 0);
	for (i = 0; i < sizeof(runtimes) / sizeof(runtimes[0]); i++) {
		const struct runtime *r = &runtimes[i];

		if (strlen(r->before) != before || memcmp(p->text, r->before, before) != 0)
			continue;
		if (r->above && (above->len != strlen(r->above) || memcmp(above->text, r->above, above->len) != 0))
			continue;
		copy(out->runtime, sizeof(out->runtime), r->name, strlen(r->name));
		break;
	}
	/* "kubepods-pod....slice:cri-containerd:ID" */
	if (!out->runtime[0] && before && memmem(p->text, before, "cri-containerd", strlen("cri-containerd")))
		copy(out->runtime, sizeof(out->runtime), "containerd", strlen("containerd"));
	return true;
}

/* LXC names its containers by hand: "lxc.payload.NAME", "lxc/NAME"; so does systemd-nspawn: "machine-NAME.scope". */
static bool take_named(const struct part *above, const struct part *p, struct process *out)
{
	static const char payload[] = "lxc.payload.", machine[] = "machine-";

	if (part_begins(p, payload) && p->len > strlen(payload)) {
		copy(out->container, sizeof(out->container), p->text + strlen(payload), p->len - strlen(payload));
		copy(out->runtime, sizeof(out->runtime), "lxc", 3);
		return true;
	}
	if (above->len == 3 && memcmp(above->text, "lxc", 3) == 0) {
		copy(out->container, sizeof(out->container), p->text, p->len);
		copy(out->runtime, sizeof(out->runtime), "lxc", 3);
		return true;
	}
	if (part_begins(p, machine) && part_ends(p, ".scope")) {
		copy(out->container, sizeof(out->container), p->text + strlen(machine),
		     p->len - strlen(machine) - strlen(".scope"));
		copy(out->runtime, sizeof(out->runtime), "machine", strlen("machine"));
		return true;
	}
	return false;
}

/* "pod<uid>", "kubepods-burstable-pod<uid with _>.slice" */
static void take_pod(const struct part *p, struct process *out)
{
	const char *pod = NULL;
	size_t len, i;

	if (part_begins(p, "kubepods") && p->len < 128) {
		for (i = 0; i + 4 < p->len; i++)
			if (memcmp(p->text + i, "-pod", 4) == 0)
				pod = p->text + i + 4;
	} else if (part_begins(p, "pod")) {
		pod = p->text + 3;
	}
	if (!pod)
		return;
	len = (size_t)(p->text + p->len - pod);
	for (i = 0; i < len && (isxdigit((unsigned char)pod[i]) || pod[i] == '_' || pod[i] == '-'); i++)
		;
	/* A uid, or the hash that a static pod has. */
	if (i != 36 && i != 32)
		return;
	copy(out->pod, sizeof(out->pod), pod, i);
	for (i = 0; out->pod[i]; i++)
		if (out->pod[i] == '_')
			out->pod[i] = '-';
}

static void take_unit(const struct part *p, struct process *out)
{
	bool of_user = strncmp(out->service, "user@", 5) == 0;

	if (part_ends(p, ".service"))
		copy(of_user ? out->user_service : out->service,
		     of_user ? sizeof(out->user_service) : sizeof(out->service), p->text, p->len);
	/* Sessions and what was started by systemd-run; the scope of a container is told as the container. */
	else if (part_ends(p, ".scope") && !out->container[0] && !(of_user ? out->user_service : out->service)[0] &&
		 !part_begins(p, "init.scope"))
		copy(of_user ? out->user_service : out->service,
		     of_user ? sizeof(out->user_service) : sizeof(out->service), p->text, p->len);
}

void process_facts_cgroup(const char *path, struct process *out)
{
	struct part part, above = { "", 0 };

	while (*path) {
		path += strspn(path, "/");
		part = (struct part){ path, strcspn(path, "/") };
		path += part.len;
		if (part.len == 0)
			break;
		take_pod(&part, out);
		if (!take_container(&above, &part, out) && !take_named(&above, &part, out))
			take_unit(&part, out);
		above = part;
	}
}
