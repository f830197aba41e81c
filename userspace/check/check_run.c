/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/check/check_run.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "userspace/handshake/keys.h"
#include "userspace/live/live.h"
#include "userspace/live/monitor.h"
#include "userspace/sandbox/sandbox.h"
#include "userspace/source/source.h"

#define PACKETS_PER_TURN 8192u
#define POLL_MS 100
#define JUDGED 100               /* the child's exit code is this and the severity; any other is no answer */
#define MEMORY_BYTES (256u << 20)    /* of the store in memory */

static volatile sig_atomic_t stop_asked;

static void on_stop(int signal)
{
	(void)signal;
	stop_asked = 1;
}

/* A gate that is stopped says how far it came. */
static void handle_signals(void)
{
	struct sigaction stop = { .sa_handler = on_stop };

	sigaction(SIGINT, &stop, NULL);
	sigaction(SIGTERM, &stop, NULL);
}

__attribute__((format(printf, 2, 3)))
static void could_not_tell(struct check_run *r, const char *format, ...)
{
	va_list arguments;

	if (r->num_problems == ARRAY_SIZE(r->problems))
		return;
	va_start(arguments, format);
	vsnprintf(r->problems[r->num_problems++], sizeof(r->problems[0]), format, arguments);
	va_end(arguments);
}

static void judge(struct check_run *r)
{
	int err;

	check_findings_fini(&r->findings);
	r->findings = (struct check_findings){ 0 };
	r->asked.question.now_s = (int64_t)time(NULL);
	err = check_judge(r->store, &r->asked.question, &r->findings);
	r->judged = err == 0;
	if (err)
		could_not_tell(r, "the store: %s", err == -ENOMEM ? strerror(ENOMEM) : store_error(r->store));
}

/* What the store in memory had no room for may have been a straggler. */
static void count_refused(struct check_run *r)
{
	static const enum store_counter counters[] = { STORE_SIZE_REFUSED, STORE_QUEUE_REFUSED };
	uint64_t refused;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(counters); i++) {
		refused = store_counter(r->store, counters[i]);
		if (refused)
			could_not_tell(r, "%" PRIu64 " %s", refused, store_counter_text(counters[i]));
	}
}

/* Returns the severity. */
static enum severity write_report(struct check_run *r)
{
	struct status_value values[CHECK_VALUES_MAX];
	struct status_report report;
	unsigned int i;

	for (i = 0; i < r->num_problems; i++)
		check_findings_add(&r->findings, SEVERITY_UNKNOWN, "could-not-tell", NULL, r->problems[i]);
	check_findings_sort(&r->findings);
	check_findings_report(&r->findings, values, &report);
	if (!status_write(&report, r->asked.format, stdout)) {
		fputs("certtap: writing the output failed\n", stderr);
		return SEVERITY_UNKNOWN;
	}
	/* A finding that there was no memory for may have been the worst. */
	return severity_worst(status_overall(&report), r->findings.failed ? SEVERITY_UNKNOWN : SEVERITY_OK);
}

static int tell(struct check_run *r)
{
	enum severity severity;

	check_gate_end(&r->gate);
	severity = write_report(r);
	check_findings_fini(&r->findings);
	store_free(r->store);
	return JUDGED + (int)severity;
}

/* In the process that the user started: the child's answer, or that there is none. */
static int take_answer(struct check_run *r, int result)
{
	if (result >= JUDGED && result < JUDGED + NUM_SEVERITIES)
		return result - JUDGED;
	could_not_tell(r, "the check ended before it could tell");
	return (int)write_report(r);
}

static bool give_up_powers(struct check_run *r, const struct sandbox_options *sandbox)
{
	char why[256];

	if (sandbox_enter(sandbox, why, sizeof(why)) == 0)
		return true;
	could_not_tell(r, "giving up privileges: %s", why);
	return false;
}

/* --- a store */

static void watch_store(struct check_run *r)
{
	uint64_t begun;
	bool open = false;

	handle_signals();
	while (!open) {
		if (check_gate_due(&r->gate)) {
			begun = check_gate_clock();
			judge(r);
			open = !r->judged || check_gate_look(&r->gate, &r->findings, begun);
		}
		if (open || stop_asked || check_gate_time_over(&r->gate))
			break;
		poll(NULL, 0, POLL_MS);
	}
	/* Something may have been stored since the last look. */
	if (!open)
		judge(r);
}

static int work_on_store(void *context)
{
	struct check_run *r = context;
	struct sandbox_options sandbox = SANDBOX_OPTIONS_DEFAULT;
	const char *path = r->options.store ? r->options.store : STORE_DEFAULT_PATH;
	struct store_place place = { .dir_fd = -1 };
	char why[1500];

	if (store_place_open(path, false, 0, 0, &place, why, sizeof(why)) != 0 ||
	    store_open_reader(&place, &r->store, why, sizeof(why)) != 0) {
		could_not_tell(r, "%.500s", why);
		return tell(r);
	}
	sandbox.store_dir_fd = place.dir_fd;
	if (!give_up_powers(r, &sandbox))
		return tell(r);
	if (r->watch)
		watch_store(r);
	else
		judge(r);
	return tell(r);
}

int check_run_store(struct check_run *r)
{
	return take_answer(r, monitor_run(work_on_store, r, NULL, 0, NULL));
}

/* --- capture files */

struct reading {
	struct check_run *run;
	struct source **sources;         /* NULL: could not be opened */
	struct pipeline *pipeline;
	struct keys *keys;
};

static int open_sources(struct reading *r)
{
	struct options *o = &r->run->options;
	struct rlimit files;
	char why[512];
	int i;

	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	r->sources = calloc((size_t)o->num_arguments, sizeof(*r->sources));
	if (!r->sources)
		return -ENOMEM;
	for (i = 0; i < o->num_arguments; i++)
		if (source_file_open(o->arguments[i], &r->sources[i], why, sizeof(why)) != 0)
			could_not_tell(r->run, "%s", why);
	return 0;
}

/* The same path as for `read --store`, into a store in memory. */
static int open_pipeline(struct reading *r)
{
	struct options *o = &r->run->options;
	struct sandbox_options sandbox = SANDBOX_OPTIONS_DEFAULT;
	struct observer observer = { 0 };
	char why[256];
	int err;

	if ((err = open_sources(r)) != 0 || (err = options_keys(o, false, &r->keys)) != 0 ||
	    (err = store_setup_prepare(&r->run->setup, o, false, -1, &observer)) != 0)
		return err;
	r->pipeline = pipeline_new(&o->limits, &observer, NULL, NULL);
	if (!r->pipeline)
		return -ENOMEM;
	pipeline_use_keys(r->pipeline, r->keys);
	store_setup_sandbox(&r->run->setup, &sandbox);
	if (!give_up_powers(r->run, &sandbox))
		return -EPERM;
	err = store_setup_open(&r->run->setup);
	if (err == 0)
		err = store_open_reader(&r->run->setup.place, &r->run->store, why, sizeof(why));
	return err;
}

static void read_sources(struct reading *r)
{
	int i, result;

	for (i = 0; i < r->run->options.num_arguments; i++) {
		if (!r->sources[i])
			continue;
		do {
			result = source_read(r->sources[i], r->pipeline, PACKETS_PER_TURN);
		} while (result > 0);
		if (result < 0)
			could_not_tell(r->run, "%s", r->sources[i]->error);
	}
	pipeline_finish(r->pipeline);
	if (!store_setup_flush(&r->run->setup))
		could_not_tell(r->run, "not everything could be kept in memory");
}

static int work_on_captures(void *context)
{
	struct check_run *run = context;
	struct reading r = { .run = run };
	int err = open_pipeline(&r), i;

	if (err) {
		could_not_tell(run, "%s", strerror(-err));
	} else {
		read_sources(&r);
		judge(run);
		count_refused(run);
	}
	for (i = 0; r.sources && i < run->options.num_arguments; i++)
		source_free(r.sources[i]);
	free(r.sources);
	store_setup_finish(&run->setup);
	pipeline_free(r.pipeline);
	keys_free(r.keys);
	return tell(run);
}

static void use_memory(struct options *o)
{
	o->store = STORE_MEMORY_PATH;
	o->store_limits.bytes = MEMORY_BYTES;
}

int check_run_captures(struct check_run *r)
{
	use_memory(&r->options);
	return take_answer(r, monitor_run(work_on_captures, r, NULL, 0, NULL));
}

/* --- live */

static int begin_live(void *context)
{
	static const struct store_place place = { .dir_fd = -1, .path = STORE_MEMORY_PATH };
	struct check_run *r = context;
	char why[256];
	int err = store_open_reader(&place, &r->store, why, sizeof(why));

	if (err)
		fprintf(stderr, "certtap: %s\n", why);
	return err;
}

static bool turn_live(void *context)
{
	struct check_run *r = context;
	uint64_t begun = check_gate_clock();

	if (!r->watch || !check_gate_due(&r->gate))
		return true;
	judge(r);
	/* What is being written just now is looked at the next time. */
	if (!r->judged)
		r->num_problems = 0;
	return !r->judged || !check_gate_look(&r->gate, &r->findings, begun);
}

static int end_live(void *context, uint64_t lost, bool broken)
{
	struct check_run *r = context;

	judge(r);
	if (broken)
		could_not_tell(r, "observing broke off");
	if (lost)
		could_not_tell(r, "%" PRIu64 " pieces of handshakes were lost", lost);
	count_refused(r);
	return tell(r);
}

int check_run_live(struct check_run *r)
{
	const struct live_follower follower = { begin_live, turn_live, end_live, r };

	use_memory(&r->options);
	return take_answer(r, live_run(&r->options, &follower));
}
