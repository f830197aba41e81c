/* SPDX-License-Identifier: Apache-2.0 */
/* certtap read FILE...: capture files, one after another, through one pipeline. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "parsers/text.h"
#include "userspace/command.h"
#include "userspace/handshake/keys.h"
#include "userspace/options.h"
#include "userspace/output/pem.h"
#include "userspace/output/reporter.h"
#include "userspace/sandbox/sandbox.h"
#include "userspace/source/input.h"
#include "userspace/source/source.h"
#include "userspace/store_setup.h"

#define PACKETS_PER_TURN 8192u
#define PROGRESS_EVERY_NS 200000000u

#define EXIT_FAILED 1            /* no store to write to */
#define EXIT_BROKEN 2            /* a file could not be read to its end */
#define EXIT_INTERRUPTED 130     /* likewise, by SIGINT or SIGTERM */
#define LAST_WORDS_NS 2000000000u /* a pipe that goes on after the signal is not read for longer */

static volatile sig_atomic_t stop_asked;

struct reading {
	struct options options;
	struct source **sources;     /* NULL: could not be opened */
	int num_sources;
	struct pem_writer pem;
	struct reporter reporter;
	struct pipeline *pipeline;
	struct keys *keys;           /* NULL: none were named */
	struct store_setup store;
	uint64_t begun_ns, shown_ns; /* for the progress line */
	uint64_t stopped_ns;         /* when it was asked to stop; 0: it was not */
	bool progress;
	bool broken;
	bool no_store;               /* it was asked for, and cannot be had */
};

/* The next one kills. */
static void on_stop(int signal)
{
	(void)signal;
	stop_asked = 1;
	input_interrupt();
}

static void handle_signals(void)
{
	struct sigaction stop = { .sa_handler = on_stop, .sa_flags = (int)SA_RESETHAND };

	sigaction(SIGINT, &stop, NULL);
	sigaction(SIGTERM, &stop, NULL);
}

static void complain(struct reading *r, const char *what)
{
	fprintf(stderr, "certtap: %s\n", what);
	r->broken = true;
}

/* Every file is opened while this process still may. */
static int open_sources(struct reading *r)
{
	struct rlimit files;
	char why[512];
	int i;

	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	r->num_sources = r->options.num_arguments;
	r->sources = calloc((size_t)r->num_sources, sizeof(*r->sources));
	if (!r->sources)
		return -ENOMEM;
	for (i = 0; i < r->num_sources; i++)
		if (source_file_open(r->options.arguments[i], &r->sources[i], why, sizeof(why)) != 0)
			complain(r, why);
	return 0;
}

static int prepare(struct reading *r)
{
	struct sandbox_options sandbox = SANDBOX_OPTIONS_DEFAULT;
	struct observer observer;
	char why[256];
	int err;

	handle_signals();
	r->pem.dir_fd = -1;
	if (r->options.pem_dir) {
		err = pem_open(&r->pem, r->options.pem_dir);
		if (err) {
			fprintf(stderr, "certtap: %s: %s\n", text_name(r->options.pem_dir, why, sizeof(why)),
				strerror(-err));
			return err;
		}
	}
	if (open_sources(r) != 0)
		return -ENOMEM;
	options_output(&r->options, r->options.every, &r->reporter.output);
	r->reporter.mode = r->options.every ? REPORT_EVERY : REPORT_SUMMED;
	observer = reporter_observer(&r->reporter);
	err = store_setup_prepare(&r->store, &r->options, false, r->pem.dir_fd, &observer);
	r->no_store = err != 0;
	if (err)
		return err;
	r->pipeline = pipeline_new(&r->options.limits, &observer, r->options.pem_dir ? pem_write : NULL,
				   &r->pem);
	if (!r->pipeline) {
		fputs("certtap: out of memory\n", stderr);
		return -ENOMEM;
	}
	err = options_keys(&r->options, false, &r->keys);
	if (err)
		return err;
	pipeline_use_keys(r->pipeline, r->keys);
	sandbox.write_dir_fd = r->pem.dir_fd;
	store_setup_sandbox(&r->store, &sandbox);
	err = sandbox_enter(&sandbox, why, sizeof(why));
	if (err)
		fprintf(stderr, "certtap: giving up privileges: %s\n", why);
	if (err == 0) {
		err = store_setup_open(&r->store);
		r->no_store = err != 0;
	}
	return err;
}

static uint64_t clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void show_progress(struct reading *r, const struct source *source, int index)
{
	const struct pipeline_counters *c = pipeline_counters(r->pipeline);
	const struct tracker *t = pipeline_tracker(r->pipeline);
	struct source_counters file;
	uint64_t now = clock_ns();
	double part, left;

	if (!r->progress || now - r->shown_ns < PROGRESS_EVERY_NS)
		return;
	r->shown_ns = now;
	source->ops->counters(source, &file);
	fprintf(stderr, "\r%d/%d  %" PRIu64 " MB  %" PRIu64 " packets  %" PRIu64 " handshakes  %" PRIu64
		" certificates", index + 1, r->num_sources, c->bytes >> 20, c->frames,
		t->counters.handshakes, chain_table_counters(t->chains)->certificates);
	if (file.bytes_total && file.bytes_done) {
		part = (double)file.bytes_done / (double)file.bytes_total;
		left = (double)(now - r->begun_ns) / 1e9 * (1 / part - 1);
		fprintf(stderr, "  %3.0f %%  %.0f s left", part * 100, left);
	}
	fputs("\033[K", stderr);
}

static void clear_progress(const struct reading *r)
{
	if (r->progress && r->shown_ns)
		fputs("\r\033[K", stderr);
}

/* Asked to stop: a file ends at once, a pipe when its writer, who may have been asked too, has ended. */
static bool must_stop(struct reading *r, const struct source *source)
{
	struct source_counters file;

	if (!stop_asked)
		return false;
	if (!r->stopped_ns)
		r->stopped_ns = clock_ns();
	source->ops->counters(source, &file);
	return file.bytes_total || clock_ns() - r->stopped_ns > LAST_WORDS_NS;
}

static void read_source(struct reading *r, struct source *source, int index)
{
	int result;

	r->begun_ns = clock_ns();
	while ((result = source_read(source, r->pipeline, PACKETS_PER_TURN)) > 0) {
		show_progress(r, source, index);
		if (reporter_done(&r->reporter) || must_stop(r, source))
			break;
	}
	clear_progress(r);
	/* Where it breaks off, it was broken off. */
	if (result < 0 && !stop_asked)
		complain(r, source->error);
}

static void run(struct reading *r)
{
	int i;

	r->progress = isatty(STDERR_FILENO) && !r->options.quiet;
	for (i = 0; i < r->num_sources && !reporter_done(&r->reporter); i++) {
		if (!r->sources[i])
			continue;
		if (!must_stop(r, r->sources[i]))
			read_source(r, r->sources[i], i);
		source_free(r->sources[i]);
		r->sources[i] = NULL;
	}
	if (stop_asked && !r->options.quiet)
		fputs("certtap: interrupted: this is what was read until then\n", stderr);
	pipeline_finish(r->pipeline);
	if (!reporter_finish(&r->reporter, pipeline_ledger(r->pipeline)))
		complain(r, "writing the output failed");
	if (!store_setup_flush(&r->store))
		complain(r, "not everything could be stored");
	if (!r->options.quiet)
		reporter_summary(r->pipeline, stderr);
	if (r->store.queue && !r->options.quiet)
		store_queue_print(r->store.queue, stderr);
	if (!pem_report(&r->pem, stderr))
		r->broken = true;
}

static void finish(struct reading *r)
{
	int i;

	for (i = 0; r->sources && i < r->num_sources; i++)
		source_free(r->sources[i]);
	free(r->sources);
	store_setup_finish(&r->store);
	pipeline_free(r->pipeline);
	keys_free(r->keys);
	pem_close(&r->pem);
}

int cmd_read(int argc, char **argv)
{
	struct reading r = { 0 };
	int err = options_parse(&r.options, FOR_READ, "read", argc, argv);

	if (err)
		return options_exit(err);
	if (r.options.num_arguments == 0) {
		fputs("certtap: read needs a capture file, or - for standard input\n", stderr);
		return EXIT_USAGE;
	}
	err = prepare(&r);
	if (err == 0)
		run(&r);
	finish(&r);
	if (r.no_store)
		return EXIT_FAILED;
	if (err || r.broken)
		return EXIT_BROKEN;
	return stop_asked ? EXIT_INTERRUPTED : 0;
}
