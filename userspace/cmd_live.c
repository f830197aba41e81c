/* SPDX-License-Identifier: Apache-2.0 */
/* certtap live: observes now. This file picks the rung of the ladder and runs the worker's loop. */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "userspace/attach.h"
#include "userspace/capture_writer.h"
#include "userspace/command.h"
#include "userspace/handshake_keys.h"
#include "userspace/keys.h"
#include "userspace/live.h"
#include "userspace/monitor.h"
#include "userspace/options.h"
#include "userspace/owners.h"
#include "userspace/pem.h"
#include "userspace/probes.h"
#include "userspace/process_table.h"
#include "userspace/reporter.h"
#include "userspace/sandbox.h"
#include "userspace/screen.h"
#include "userspace/source.h"
#include "userspace/source_secrets.h"
#include "userspace/store_setup.h"
#include "userspace/unopened.h"

#define EVENTS_PER_TURN 4096u
#define TURN_MS 20               /* the kernel side does not wake us for every event */
#define EXIT_FAILED 1

struct live {
	struct options options;
	struct attach *attach;       /* NULL: libpcap */
	struct owners *owners;       /* NULL: nobody tells whose sockets they are */
	struct process_table *processes; /* likewise; the worker's */
	struct probes *probes;       /* NULL: no secrets are caught */
	struct probes_options probes_options;
	struct unopened *unopened;   /* what they would open; NULL: they are there, or there are no owners */
	struct source *sources[INTERFACES_MAX + 1];
	unsigned int num_sources;
	struct pem_writer pem;
	struct store_setup store;
	struct capture_writer *writer;   /* NULL: no packets are kept */
	struct reporter reporter;
	struct screen_guard guard;   /* where `on_screen`: a table that refreshes in place, not lines */
	bool on_screen;
	struct screen *screen;       /* the worker's, while it observes; NULL: none */
	struct pipeline *pipeline;
	struct keys *keys;           /* NULL: none were named */
	const struct live_follower *follower;        /* NULL: none */
	uint64_t end_ns;             /* monotonic; 0: no end */
};

static volatile sig_atomic_t stop_asked, counters_asked;

static void on_stop(int signal)
{
	(void)signal;
	stop_asked = 1;
}

static void on_counters(int signal)
{
	(void)signal;
	counters_asked = 1;
}

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* "this host (cgroup)", "eth0 (tcx), eth1 (clsact)" */
static void print_where(const struct live *l, FILE *out)
{
	unsigned int i;

	if (l->attach && !l->options.num_interfaces) {
		fprintf(out, "this host (%s)", attach_rung_name(attach_rung(l->attach, 0)));
		return;
	}
	if (!l->options.num_interfaces)
		fputs("all interfaces of this network namespace (pcap)", out);
	for (i = 0; i < l->options.num_interfaces; i++)
		fprintf(out, "%s%s (%s)", i ? ", " : "", l->options.interfaces[i],
			l->attach ? attach_rung_name(attach_rung(l->attach, i)) : "pcap");
}

/* Of packets, not of secrets. */
static void sum_counters(const struct live *l, struct source_counters *out)
{
	struct source_counters sum = { 0 }, one;
	unsigned int i;

	for (i = l->probes ? 1 : 0; i < l->num_sources; i++) {
		l->sources[i]->ops->counters(l->sources[i], &one);
		sum.seen += one.seen;
		sum.delivered += one.delivered;
		sum.lost += one.lost;
	}
	*out = sum;
}

static void print_counters(const struct live *l)
{
	struct source_counters sum;
	unsigned int i;

	sum_counters(l, &sum);
	fprintf(stderr, "certtap: %s: seen %" PRIu64 " = delivered %" PRIu64 " + lost %" PRIu64 "\n",
		l->attach ? "pieces of handshakes" : "packets", sum.seen, sum.delivered, sum.lost);
	for (i = 0; i < l->num_sources; i++)
		if (l->sources[i]->ops->print_details)
			l->sources[i]->ops->print_details(l->sources[i], stderr);
	reporter_summary(l->pipeline, stderr);
	if (!l->probes)
		unopened_print(l->unopened, ledger_counters(pipeline_ledger(l->pipeline))->reasons[REASON_ENCRYPTED],
			       stderr);
	if (l->writer)
		capture_writer_print(l->writer, stderr);
	if (l->store.queue)
		store_queue_print(l->store.queue, stderr);
}

/* Reads what is there. Returns false when a source broke off. */
static bool turn(struct live *l)
{
	unsigned int i;
	int result;

	for (i = 0; i < l->num_sources; i++) {
		do {
			result = source_read(l->sources[i], l->pipeline, EVENTS_PER_TURN);
		} while (result > 0 && !stop_asked && !reporter_done(&l->reporter));
		if (result < 0) {
			fprintf(stderr, "certtap: %s\n", l->sources[i]->error);
			return false;
		}
	}
	return true;
}

static void wait_turn(const struct live *l)
{
	struct pollfd fds[INTERFACES_MAX + 1 + SCREEN_FDS];
	unsigned int i, num = l->num_sources;

	for (i = 0; i < l->num_sources; i++)
		fds[i] = (struct pollfd){ .fd = source_fd(l->sources[i]), .events = POLLIN };
	if (l->screen) {
		screen_poll(l->screen, fds + num);
		num += SCREEN_FDS;
	}
	/* A signal ends the wait early; so does a source with something to read, or a key. */
	if (poll(fds, num, TURN_MS) < 0 && errno != EINTR)
		stop_asked = 1;
}

static bool time_over(const struct live *l)
{
	return l->end_ns && clock_ns(CLOCK_MONOTONIC) >= l->end_ns;
}

static void turn_screen(struct live *l)
{
	struct screen_totals totals = { 0 };
	struct source_counters sum;

	if (!l->screen)
		return;
	sum_counters(l, &sum);
	totals.lost = sum.lost;
	if (!screen_turn(l->screen, &totals))
		stop_asked = 1;
}

static bool follower_goes_on(const struct live *l)
{
	return !l->follower || l->follower->turn(l->follower->context);
}

/* Its word is the result; counters are told only where something was lost. */
static int end_follower(struct live *l, bool good)
{
	struct source_counters sum;

	sum_counters(l, &sum);
	if (!l->options.quiet && sum.lost)
		print_counters(l);
	return l->follower->end(l->follower->context, sum.lost, !good);
}

static int observe(struct live *l)
{
	bool good = true;

	while (good && !stop_asked && !reporter_done(&l->reporter) && !time_over(l) && follower_goes_on(l)) {
		wait_turn(l);
		good = turn(l);
		if (l->unopened)
			unopened_flush(l->unopened);
		pipeline_tick(l->pipeline, clock_ns(CLOCK_REALTIME), clock_ns(CLOCK_MONOTONIC));
		if (l->store.queue)
			store_queue_time(l->store.queue, clock_ns(CLOCK_REALTIME));
		if (counters_asked) {
			counters_asked = 0;
			print_counters(l);
		}
		turn_screen(l);
	}
	screen_close(l->screen);
	/* What is in the ring by now was seen: it counts. */
	if (good && !reporter_done(&l->reporter))
		good = turn(l);
	pipeline_finish(l->pipeline);
	if (l->writer && !capture_writer_finish(l->writer))
		good = false;
	store_setup_flush(&l->store);
	if (l->follower)
		return end_follower(l, good);
	if (!reporter_finish(&l->reporter, pipeline_ledger(l->pipeline))) {
		fputs("certtap: writing the output failed\n", stderr);
		good = false;
	}
	if (!l->options.quiet)
		print_counters(l);
	return good ? 0 : EXIT_FAILED;
}

static void handle_signals(void)
{
	struct sigaction stop = { .sa_handler = on_stop }, counters = { .sa_handler = on_counters };

	sigaction(SIGINT, &stop, NULL);
	sigaction(SIGTERM, &stop, NULL);
	sigaction(SIGUSR1, &counters, NULL);
	/* A file that may not grow any more is told by write(). */
	signal(SIGXFSZ, SIG_IGN);
}

static int open_ring(struct live *l, char *why, size_t why_size)
{
	const struct event_counters *counters;
	unsigned int num;
	int err;

	if (l->owners)
		l->processes = process_table_new(&(struct process_table_limits)PROCESS_TABLE_LIMITS_DEFAULT,
						 owners_close_in_worker(l->owners));
	counters = attach_counters(l->attach, &num);
	err = source_ring_open(attach_ring_fd(l->attach), counters, num, l->processes, &l->sources[l->num_sources],
			       why, why_size);
	if (err)
		return err;
	l->num_sources++;
	attach_close_in_worker(l->attach);
	return 0;
}

static int open_pcap(struct live *l, char *why, size_t why_size)
{
	unsigned int i, num = l->options.num_interfaces ? l->options.num_interfaces : 1;
	int err;

	for (i = 0; i < num; i++) {
		err = source_pcap_open(l->options.num_interfaces ? l->options.interfaces[i] : "any",
				       &l->sources[l->num_sources], why, why_size);
		if (err)
			return err;
		l->num_sources++;
	}
	return 0;
}

/* The ring of secrets is read first in each turn: what they open may be there already. */
static int open_secrets(struct live *l, char *why, size_t why_size)
{
	const struct secret_counters *counters;
	unsigned int num;
	int err;

	if (!l->probes)
		return 0;
	counters = probes_counters(l->probes, &num);
	err = source_secrets_open(probes_ring_fd(l->probes), counters, num, &l->sources[0], why, why_size);
	if (err)
		return err;
	l->num_sources = 1;
	probes_close_in_worker(l->probes);
	return pipeline_expect_secrets(l->pipeline, l->options.secrets_client) ? 0 : -ENOMEM;
}

static int open_screen(struct live *l)
{
	int err = screen_open(&l->guard, pipeline_ledger(l->pipeline), l->reporter.output.options.color, &l->screen);

	if (err)
		fprintf(stderr, "certtap: no screen: %s; see --lines\n", strerror(-err));
	return err;
}

/*
 * In the worker: everything that touches strangers' bytes. Its sources are opened here, so that the monitor never has
 * a packet in its memory.
 */
static int work(void *context)
{
	struct live *l = context;
	struct sandbox_options sandbox = SANDBOX_OPTIONS_DEFAULT;
	char why[512];
	int err;

	handle_signals();
	err = open_secrets(l, why, sizeof(why));
	if (l->unopened)
		unopened_close_in_worker(l->unopened);
	if (err == 0)
		err = l->attach ? open_ring(l, why, sizeof(why)) : open_pcap(l, why, sizeof(why));
	if (err) {
		fprintf(stderr, "certtap: %s\ncerttap: see 'certtap doctor'\n", why);
		return EXIT_FAILED;
	}
	sandbox.write_dir_fd = l->pem.dir_fd;
	sandbox.packet_socket = !l->attach;
	store_setup_sandbox(&l->store, &sandbox);
	sandbox.screen = l->on_screen;
	if (l->on_screen)
		err = open_screen(l);
	if (err)
		return EXIT_FAILED;
	err = sandbox_enter(&sandbox, why, sizeof(why));
	if (err) {
		fprintf(stderr, "certtap: giving up privileges: %s\n", why);
		return EXIT_FAILED;
	}
	if (store_setup_open(&l->store) != 0)
		return EXIT_FAILED;
	if (l->follower && l->follower->begin(l->follower->context) != 0)
		return EXIT_FAILED;
	if (!l->options.quiet) {
		fputs("certtap: observing ", stderr);
		print_where(l, stderr);
		fputs(", every port\n", stderr);
	}
	if (l->options.duration_ns)
		l->end_ns = clock_ns(CLOCK_MONOTONIC) + l->options.duration_ns;
	return observe(l);
}

/* Rows without owners are better than none. */
static void give_up_owners(struct live *l, const char *why)
{
	fprintf(stderr, "certtap: processes are not told: %s\n", why);
	owners_free(l->owners);
	l->owners = NULL;
}

/* Attaches, with owners where the kernel can tell them. */
static int open_owners(struct live *l, struct attach_options *options, char *why, size_t why_size)
{
	struct owners_share share;
	int err;

	if (!l->options.no_owners && owners_open(&l->owners, why, why_size) != 0)
		give_up_owners(l, why);
	if (l->owners) {
		owners_share(l->owners, &share);
		options->owners = &share;
		err = attach_open(options, &l->attach, why, why_size);
		if (!err)
			err = owners_follow(l->owners, attach_announcements_fd(l->attach));
		if (!err)
			return 0;
		attach_free(l->attach);
		l->attach = NULL;
		give_up_owners(l, why);
		options->owners = NULL;
	}
	return attach_open(options, &l->attach, why, why_size);
}

static int open_kernel_side(struct live *l, char *why, size_t why_size)
{
	const struct options *o = &l->options;
	struct attach_options options = ATTACH_OPTIONS_DEFAULT;
	int err;

	options.interfaces = o->interfaces;
	options.num_interfaces = o->num_interfaces;
	options.ring_bytes = (uint32_t)o->ring_bytes;
	/* With keys the protected flight opens, and with a client's, its certificate after it. */
	if (o->num_keylogs || o->secrets)
		options.server_protected = KEYS_HELD_MAX;
	if (o->num_keylogs || o->secrets_client)
		options.client_protected = KEYS_HELD_MAX;
	options.without_tcx = o->attach && strcmp(o->attach, "clsact") == 0;
	attach_clean_leftovers();
	err = open_owners(l, &options, why, why_size);
	if (err)
		return err;
	if (attach_note(l->attach)[0])
		fprintf(stderr, "certtap: %s\n", attach_note(l->attach));
	return 0;
}

/* The ladder: eBPF, then libpcap; what was asked for by name is not replaced by something else. */
static int climb_down(struct live *l)
{
	char why[512] = "";
	int err;

	if (l->options.capture)
		return 0;
	err = open_kernel_side(l, why, sizeof(why));
	if (err == 0)
		return 0;
	attach_free(l->attach);
	l->attach = NULL;
	if (l->options.attach) {
		fprintf(stderr, "certtap: %s: %s\n", l->options.attach, why);
		return err;
	}
	fprintf(stderr, "certtap: no eBPF, taking libpcap instead: %s\n", why);
	return 0;
}

static int open_probes(struct live *l)
{
	struct probes_options *o = &l->probes_options;
	char why[512] = "";
	int err;

	if (!l->options.secrets)
		return 0;
	*o = (struct probes_options)PROBES_OPTIONS_DEFAULT;
	o->which = l->options.num_secret_patterns ? PROBES_PATTERNS : PROBES_ALL;
	o->patterns = l->options.secret_patterns;
	o->num_patterns = l->options.num_secret_patterns;
	o->client_secrets = l->options.secrets_client;
	err = probes_open(o, &l->probes, why, sizeof(why));
	if (err)
		fprintf(stderr, "certtap: --secrets: %s\n", why);
	else if (probes_note(l->probes)[0])
		fprintf(stderr, "certtap: --secrets: %s\n", probes_note(l->probes));
	return err;
}

static void poll_probes(void *context)
{
	probes_poll(context);
}

static int open_writer(struct live *l)
{
	struct capture_writer_options options = CAPTURE_WRITER_OPTIONS_DEFAULT;
	char why[512];
	int err;

	if (!l->options.write)
		return 0;
	options.secrets = l->options.write_secrets;
	options.client_secrets = l->options.secrets_client;
	err = capture_writer_open(l->options.write, &options, &l->writer, why, sizeof(why));
	if (err)
		fprintf(stderr, "certtap: %s\n", why);
	pipeline_write(l->pipeline, l->writer);
	return err;
}

static int prepare(struct live *l)
{
	struct observer observer;
	int err;

	l->pem.dir_fd = -1;
	if (l->options.pem_dir) {
		err = pem_open(&l->pem, l->options.pem_dir);
		if (err) {
			fprintf(stderr, "certtap: %s: %s\n", l->options.pem_dir, strerror(-err));
			return err;
		}
	}
	options_output(&l->options, true, &l->reporter.output);
	l->reporter.mode = l->options.every ? REPORT_EVERY : REPORT_NEWS;
	l->reporter.max_lines = l->options.count;
	observer = reporter_observer(&l->reporter);
	err = store_setup_prepare(&l->store, &l->options, true, l->pem.dir_fd, &observer);
	if (err)
		return err;
	l->pipeline = pipeline_new(&l->options.limits, &observer, l->options.pem_dir ? pem_write : NULL,
				   &l->pem);
	if (!l->pipeline) {
		fputs("certtap: out of memory\n", stderr);
		return -ENOMEM;
	}
	err = options_keys(&l->options, &l->keys);
	if (err)
		return err;
	pipeline_use_keys(l->pipeline, l->keys);
	err = open_writer(l);
	if (err)
		return err;
	err = climb_down(l);
	if (err == 0)
		err = open_probes(l);
	/* Without it the summary says less. */
	if (err == 0 && l->owners && !l->probes && unopened_open(&l->unopened) == 0)
		l->reporter.unopened = l->unopened;
	return err;
}

static void finish(struct live *l)
{
	unsigned int i;

	for (i = 0; i < l->num_sources; i++)
		source_free(l->sources[i]);
	probes_free(l->probes);
	unopened_free(l->unopened);
	owners_free(l->owners);
	attach_free(l->attach);
	pipeline_free(l->pipeline);
	capture_writer_free(l->writer);
	keys_free(l->keys);
	pem_close(&l->pem);
	store_setup_finish(&l->store);
}

bool live_options_fit(const struct options *o)
{
	const char *needs_interface = o->attach && strcmp(o->attach, "cgroup") != 0 ? o->attach : NULL;

	if (o->num_arguments) {
		fprintf(stderr, "certtap: live takes no file; 'certtap read %s' reads one\n", o->arguments[0]);
		return false;
	}
	if (needs_interface && !o->num_interfaces) {
		fprintf(stderr, "certtap: --attach %s needs an interface (-i)\n", needs_interface);
		return false;
	}
	if (o->attach && !needs_interface && o->num_interfaces) {
		fputs("certtap: --attach cgroup sees the whole host; leave -i away\n", stderr);
		return false;
	}
	if (o->secrets_client && !o->secrets) {
		fputs("certtap: --secrets-client goes with --secrets\n", stderr);
		return false;
	}
	if (o->write_secrets && !(o->write && (o->secrets || o->num_keylogs))) {
		fputs("certtap: --write-secrets goes with --write and with --secrets or --keylog\n", stderr);
		return false;
	}
	if (o->attach && o->capture) {
		fputs("certtap: --attach and --capture exclude each other\n", stderr);
		return false;
	}
	if (o->ring_bytes > 1u << 30 || (o->ring_bytes & (o->ring_bytes - 1)) || o->ring_bytes < 4096) {
		fputs("certtap: --ring takes a power of two from 4k to 1g\n", stderr);
		return false;
	}
	return true;
}

/* What the monitor has to do. Returns how many. */
static unsigned int choose_watches(const struct live *l, struct monitor_watch watches[MONITOR_WATCHES_MAX])
{
	unsigned int num = 0;

	if (l->probes)
		watches[num++] = (struct monitor_watch){ probes_fd(l->probes), poll_probes, l->probes,
							 SANDBOX_OPENS };
	if (l->owners)
		watches[num++] = (struct monitor_watch){ owners_fd(l->owners), owners_poll, l->owners,
							 SANDBOX_LOOKS };
	if (l->unopened)
		watches[num++] = (struct monitor_watch){ unopened_fd(l->unopened), unopened_ready, l->unopened,
							 SANDBOX_LOOKS };
	return num;
}

/* On a terminal that can have one, a table that refreshes in place; otherwise lines. */
static int choose_screen(struct live *l)
{
	char why[256];
	int err;

	if (l->follower) {
		l->reporter.silent = true;
		return 0;
	}
	if (!options_want_screen(&l->options))
		return 0;
	err = screen_guard_open(&l->guard, why, sizeof(why));
	l->on_screen = l->reporter.silent = err == 0;
	if (err)
		fprintf(stderr, "certtap: lines, no table that refreshes in place: %s\n", why);
	return err == -ENOTSUP ? 0 : err;
}

int live_run(const struct options *options, const struct live_follower *follower)
{
	struct live l = { .options = *options, .follower = follower };
	struct monitor_watch watches[MONITOR_WATCHES_MAX];
	int err = choose_screen(&l);

	if (err == 0)
		err = prepare(&l);
	if (err == 0)
		err = monitor_run(work, &l, watches, choose_watches(&l, watches),
				  l.on_screen ? &l.guard : NULL);
	else
		err = EXIT_FAILED;
	if (l.on_screen)
		screen_guard_close(&l.guard);
	finish(&l);
	return err;
}

int cmd_live(int argc, char **argv)
{
	struct options options;
	int err = options_parse(&options, FOR_LIVE, "live", argc, argv);

	if (err)
		return err > 0 ? 0 : EXIT_USAGE;
	return live_options_fit(&options) ? live_run(&options, NULL) : EXIT_USAGE;
}
