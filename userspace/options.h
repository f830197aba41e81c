/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line. One table says what each option is called, which subcommands take it, what it
 * fills and how it is explained; parsing and help both read it.
 */
#ifndef CERTTAP_OPTIONS_H
#define CERTTAP_OPTIONS_H

#include <stdio.h>

#include "userspace/attach.h"
#include "userspace/output.h"
#include "userspace/pipeline.h"

#define EXIT_USAGE 64            /* EX_USAGE of sysexits.h: never to be taken for a verdict */
#define INTERFACES_MAX 64
#define KEYLOGS_MAX 32
#define PATTERNS_MAX 64

enum color { COLOR_AUTO, COLOR_NEVER, COLOR_ALWAYS };

struct options {
	char **arguments;                /* what is no option: files */
	int num_arguments;
	const char *format;              /* of the output: "table", "json" */
	const char *pem_dir;
	const char *interfaces[INTERFACES_MAX];
	unsigned int num_interfaces;
	bool secrets, secrets_client;    /* probes in TLS libraries */
	const char *secret_patterns[PATTERNS_MAX];   /* none: all processes */
	unsigned int num_secret_patterns;
	const char *write;               /* the file that packets are written to, or NULL */
	bool write_secrets;
	const char *keylogs[KEYLOGS_MAX];
	unsigned int num_keylogs;
	const char *attach;              /* "cgroup", "tcx", "clsact" or NULL: the ladder */
	const char *capture;             /* "pcap" or NULL */
	bool every, quiet;
	enum color color;
	uint64_t duration_ns;            /* 0: no end */
	uint64_t count;                  /* rows until the end; 0: no end */
	uint64_t ring_bytes;
	struct pipeline_limits limits;
};

enum command_bit { FOR_LIVE = 1, FOR_READ = 2, FOR_DOCTOR = 4 };

/*
 * Returns 0; 1 when help was asked for and printed; -EINVAL after a line on stderr. `options` starts from the
 * defaults.
 */
int options_parse(struct options *options, enum command_bit command, const char *name, int argc,
		  char **argv);

/* What the subcommand takes, for `certtap NAME --help`. */
void options_print(enum command_bit command, FILE *out);

/*
 * The key logs, opened; *out is NULL when none were named. On failure a line was printed. The caller frees with
 * keys_free(), after the pipeline.
 */
struct keys;
int options_keys(const struct options *options, struct keys **out);

/* Output for these options on stdout: width and colour of the terminal, NO_COLOR. */
void options_output(const struct options *options, bool flush, struct output *out);

#endif
