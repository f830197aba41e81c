/* SPDX-License-Identifier: Apache-2.0 */
/* certtap check: is what is presented as it should be? For monitoring, gates and people; see status_line.h. */
#include <stdlib.h>
#include <unistd.h>

#include "userspace/check/check_run.h"
#include "userspace/command.h"
#include "userspace/live/live.h"

enum place { PLACE_STORE, PLACE_CAPTURES, PLACE_LIVE };

static bool refuse(const char *why)
{
	fprintf(stderr, "certtap: %s\n", why);
	return false;
}

static bool names_live(const struct options *o)
{
	return o->check.live || o->num_interfaces || o->attach || o->capture || o->secrets;
}

/* Files; else live, where that is named or a time to observe is; else a store. */
static enum place place_of(const struct options *o)
{
	if (o->num_arguments)
		return PLACE_CAPTURES;
	return names_live(o) || (o->duration_ns && !o->check.watch) ? PLACE_LIVE : PLACE_STORE;
}

static bool options_fit(const struct options *o, enum place place)
{
	if (place == PLACE_CAPTURES && (o->store || o->duration_ns || o->check.watch || names_live(o)))
		return refuse("a capture file is checked as it is: without --store, --for, --watch and live traffic");
	if (place == PLACE_LIVE && o->store)
		return refuse("--store is judged as it is, or with --watch; live traffic is observed without it");
	if (place == PLACE_LIVE && !o->duration_ns && !o->check.watch)
		return refuse("live traffic needs a time: --for 10m, or --watch");
	if (place == PLACE_STORE && o->num_keylogs)
		return refuse("--keylog is for capture files and live traffic");
	return place != PLACE_LIVE || live_options_fit(o);
}

static int run(struct check_run *r, enum place place)
{
	struct options *o = &r->options;

	if (check_asked_read(&r->asked, o) != 0)
		return EXIT_USAGE;
	r->watch = o->check.watch;
	r->gate = (struct check_gate){
		.without_past = place == PLACE_LIVE && !r->asked.question.expect.data,
		.quiet = o->quiet, .terminal = isatty(STDERR_FILENO),
		.end_ns = o->duration_ns ? check_gate_clock() + o->duration_ns : 0,
	};
	switch (place) {
	case PLACE_CAPTURES:
		return check_run_captures(r);
	case PLACE_LIVE:
		return check_run_live(r);
	default:
		return check_run_store(r);
	}
}

static void print_notes(void)
{
	fputs("\nWithout --renewed, --expect, --days and --verify: stragglers of every lineage, and what has expired (critical\n"
	      "where it was presented after its end, unknown where it ran out since it was last seen).\n"
	      "Exit code: 0 all is as it should be, 1 warning, 2 critical, 3 could not tell; 64 for a wrong command line.\n",
	      stdout);
}

int cmd_check(int argc, char **argv)
{
	struct check_run *r = calloc(1, sizeof(*r));
	enum place place;
	int result;

	if (!r) {
		fputs("certtap: out of memory\n", stderr);
		return SEVERITY_UNKNOWN;
	}
	result = options_parse(&r->options, FOR_CHECK, "check", argc, argv);
	if (result) {
		if (result > 0)
			print_notes();
		free(r);
		return options_exit(result);
	}
	place = place_of(&r->options);
	result = options_fit(&r->options, place) ? run(r, place) : EXIT_USAGE;
	check_asked_fini(&r->asked);
	free(r);
	return result;
}
