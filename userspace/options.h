/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line. One table says what each option is called, which subcommands take it, what it
 * fills and how it is explained; parsing and help both read it.
 */
#ifndef CERTTAP_OPTIONS_H
#define CERTTAP_OPTIONS_H

#include <stdio.h>

#include "userspace/attach/attach.h"
#include "userspace/output/output.h"
#include "userspace/pipeline/pipeline.h"
#include "userspace/store/store.h"

#define EXIT_USAGE 64            /* EX_USAGE of sysexits.h: never to be taken for a verdict */
#define INTERFACES_MAX 64
#define KEYLOGS_MAX 32
#define PATTERNS_MAX 64

enum color { COLOR_AUTO, COLOR_NEVER, COLOR_ALWAYS };

/* What `show` is asked for, as typed: cmd_show.c takes it apart. NULL: not asked for. */
struct show_options {
	const char *port, *name, *issuer, *process, *unit, *container, *address, *days_left, *finding, *since;
	const char *ca_file;
	bool csv, cyclonedx, timeline, verify;
};

#define RENEWED_PATHS_MAX 256

/* What `check` is asked for beside those filters, as typed: cmd_check.c takes it apart. */
struct check_options {
	const char *renewed[RENEWED_PATHS_MAX];      /* files and folders */
	unsigned int num_renewed;
	const char *expect, *days, *since, *seen_since, *format;
	bool json, live, watch;
};

struct options {
	char **arguments;                /* what is no option: files */
	int num_arguments;
	const char *format;              /* of the output: "table", "json" */
	const char *pem_dir;
	const char *interfaces[INTERFACES_MAX];
	unsigned int num_interfaces;
	bool no_owners;                  /* processes at the ends are not asked for */
	bool secrets, secrets_client;    /* probes in TLS libraries */
	const char *secret_patterns[PATTERNS_MAX];   /* none: all processes */
	bool secrets_all;        /* of everybody, whatever patterns were given too */
	unsigned int num_secret_patterns;
	const char *write;               /* the file that packets are written to, or NULL */
	bool write_secrets;
	const char *store;               /* the file, or NULL: none, or the default one */
	bool no_store;
	struct store_limits store_limits;
	const char *keylogs[KEYLOGS_MAX];
	unsigned int num_keylogs;
	const char *attach;              /* "cgroup", "tcx", "clsact" or NULL: the ladder */
	const char *capture;             /* "pcap" or NULL */
	bool format_chosen;              /* it was named: lines also on a terminal */
	bool every, quiet, lines;
	enum color color;
	uint64_t duration_ns;            /* 0: no end */
	uint64_t count;                  /* rows until the end; 0: no end */
	uint64_t ring_bytes;
	struct show_options show;
	struct check_options check;
	struct pipeline_limits limits;
};

enum command_bit { FOR_LIVE = 1, FOR_READ = 2, FOR_DOCTOR = 4, FOR_SHOW = 8, FOR_CHECK = 16 };

/*
 * Returns 0; 1 when help was asked for and printed; -EINVAL after a line on stderr. `options` starts from the
 * defaults.
 */
int options_parse(struct options *options, enum command_bit command, const char *name, int argc,
		  char **argv);
/* The exit code of a command whose options_parse() returned `parsed`, not 0. Help that could not be written is a failure. */
int options_exit(int parsed);

/* What the subcommand takes, for `certtap NAME --help`. */
void options_print(enum command_bit command, FILE *out);

/*
 * The key logs, opened, `follow` as keys_add_file() has it; *out is NULL when none were named. On failure a line was printed. The caller frees with
 * keys_free(), after the pipeline.
 */
struct keys;
int options_keys(const struct options *options, bool follow, struct keys **out);

/* A table that refreshes in place, rather than lines: on a terminal, and nothing else was asked for. */
bool options_want_screen(const struct options *options);

/* Output for these options on stdout: width and colour of the terminal, NO_COLOR. */
void options_output(const struct options *options, bool flush, struct output *out);

#endif
