/* SPDX-License-Identifier: Apache-2.0 */
/* certtap doctor: tries each way to observe this host, for real, and says why one does not work. */
#include <stdio.h>
#include <string.h>

#include "parsers/text.h"
#include "userspace/attach/attach.h"
#include "userspace/attach/owners.h"
#include "userspace/command.h"
#include "userspace/options.h"
#include "userspace/probes/probes.h"
#include "userspace/source/source.h"

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

static int try_owners(char *why, size_t why_size)
{
	struct owners *owners;
	int err = owners_open(&owners, why, why_size);

	if (err == 0)
		owners_free(owners);
	return err;
}

/* Nothing that observes by itself. */
static const struct check extras[] = {
	{ "owners", "the processes at both ends (live by eBPF)", try_owners },
};

static const struct check checks[] = {
	{ "cgroup", "this host, every namespace, by eBPF (the default)", try_cgroup },
	{ "tcx", "an interface by eBPF (-i), Linux 6.6 and later", try_tcx },
	{ "clsact", "an interface by eBPF (-i), older kernels", try_clsact },
	{ "pcap", "an interface by libpcap (--capture pcap)", try_pcap },
};

#define UNREADABLE_SHOWN 16

struct survey {
	unsigned int covered, others, left_out, unreadable;
	char unreadable_names[1024];     /* of the first ones */
};

static void note_unreadable(struct survey *survey, const struct probes_process *process)
{
	size_t len = strlen(survey->unreadable_names);
	char name[64];

	if (survey->unreadable++ < UNREADABLE_SHOWN)
		snprintf(survey->unreadable_names + len, sizeof(survey->unreadable_names) - len, "%s%s[%d]",
			 len ? ", " : "", text_name(process->name, name, sizeof(name)), (int)process->pid);
}

/* Names of programs and libraries are strangers' text. */
static int print_process(void *context, const struct probes_process *process)
{
	struct survey *survey = context;
	char name[64], path[256];
	unsigned int i;

	if (process->unreadable) {
		note_unreadable(survey, process);
		return 0;
	}
	*(process->unlisted ? &survey->left_out : process->covered ? &survey->covered : &survey->others) += 1;
	printf("  %-8d %-18s %s\n", (int)process->pid, text_name(process->name, name, sizeof(name)),
	       process->unlisted ? process->unlisted : process->covered ? "covered" : "not covered");
	for (i = 0; i < process->num_libraries; i++) {
		const struct probes_library *l = &process->libraries[i];

		printf("  %-8s   %s, %s: %s\n", "", l->library, text_name(l->path, path, sizeof(path)),
		       l->symbol ? l->symbol : l->reason);
	}
	return 0;
}

static void print_survey(const struct survey *survey)
{
	printf("  %u covered, %u not", survey->covered, survey->others);
	if (survey->left_out)
		printf(", %u left out by the patterns", survey->left_out);
	if (survey->unreadable)
		printf(", %u that may not be looked at", survey->unreadable);
	putchar('\n');
	if (survey->unreadable)
		printf("  may not be looked at: %s", survey->unreadable_names);
	if (survey->unreadable > UNREADABLE_SHOWN)
		printf(", and %u more", survey->unreadable - UNREADABLE_SHOWN);
	if (survey->unreadable)
		putchar('\n');
}

/* Whose handshakes of TLS 1.3 --secrets would open. */
static void survey_processes(const struct options *options)
{
	struct probes_options probes = PROBES_OPTIONS_DEFAULT;
	struct survey survey = { 0 };
	int err;

	probes.which = options->num_secret_patterns ? PROBES_PATTERNS : PROBES_ALL;
	probes.patterns = options->secret_patterns;
	probes.num_patterns = options->num_secret_patterns;
	puts("\nTLS 1.3 (live --secrets), processes with a TLS library:");
	err = probes_survey(&probes, print_process, &survey);
	if (err)
		printf("  could not be told: %s\n", strerror(-err));
	print_survey(&survey);
}

/* Returns whether it works. */
static bool run(const struct check *check)
{
	char why[WHY_SIZE] = "";
	int err = check->run(why, sizeof(why));

	printf("%-8s %-6s %s\n", check->name, err ? "no" : "works", check->what);
	if (err)
		printf("%-15s because: %s\n", "", why);
	return err == 0;
}

int cmd_doctor(int argc, char **argv)
{
	struct options options;
	int err = options_parse(&options, FOR_DOCTOR, "doctor", argc, argv);
	unsigned int working = 0;
	size_t i;

	if (err)
		return options_exit(err);
	for (i = 0; i < ARRAY_SIZE(checks); i++)
		working += run(&checks[i]);
	for (i = 0; i < ARRAY_SIZE(extras); i++)
		run(&extras[i]);
	survey_processes(&options);
	if (!working)
		puts("\nNothing works here: certtap can only read captures.");
	return working ? 0 : 1;
}
