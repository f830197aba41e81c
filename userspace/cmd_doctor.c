/* SPDX-License-Identifier: Apache-2.0 */
/* certtap doctor: tries each way to observe this host, for real, and says why one does not work. */
#include <stdio.h>

#include "userspace/attach.h"
#include "userspace/command.h"
#include "userspace/options.h"
#include "userspace/source.h"

#define WHY_SIZE 512

struct check {
	const char *name, *what;
	int (*run)(char *why, size_t why_size);
};

static int try_cgroup(char *why, size_t why_size)
{
	return attach_try(ATTACH_CGROUP, why, why_size);
}

static int try_tcx(char *why, size_t why_size)
{
	return attach_try(ATTACH_TCX, why, why_size);
}

static int try_clsact(char *why, size_t why_size)
{
	return attach_try(ATTACH_CLSACT, why, why_size);
}

static int try_pcap(char *why, size_t why_size)
{
	struct source *source;
	int err = source_pcap_open("any", &source, why, why_size);

	if (err == 0)
		source_free(source);
	return err;
}

static const struct check checks[] = {
	{ "cgroup", "this host, every namespace, by eBPF (the default)", try_cgroup },
	{ "tcx", "an interface by eBPF (-i), Linux 6.6 and later", try_tcx },
	{ "clsact", "an interface by eBPF (-i), older kernels", try_clsact },
	{ "pcap", "an interface by libpcap (--capture pcap)", try_pcap },
};

int cmd_doctor(int argc, char **argv)
{
	struct options options;
	int err = options_parse(&options, FOR_DOCTOR, "doctor", argc, argv);
	unsigned int working = 0;
	char why[WHY_SIZE];
	size_t i;

	if (err)
		return err > 0 ? 0 : EXIT_USAGE;
	for (i = 0; i < ARRAY_SIZE(checks); i++) {
		why[0] = '\0';
		err = checks[i].run(why, sizeof(why));
		working += err == 0;
		printf("%-8s %-6s %s\n", checks[i].name, err ? "no" : "works", checks[i].what);
		if (err)
			printf("%-15s because: %s\n", "", why);
	}
	if (!working)
		puts("\nNothing works here: certtap can only read captures.");
	return working ? 0 : 1;
}
