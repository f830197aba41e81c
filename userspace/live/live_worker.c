/* SPDX-License-Identifier: Apache-2.0 */
/* The worker of a live observation: opens its sources, gives up its powers, and goes round until it is over. */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "parsers/text.h"
#include "userspace/live/live_parts.h"
#include "userspace/sandbox/sandbox.h"
#include "userspace/source/source_secrets.h"

#define EXIT_READER_GONE 141     /* as of one that SIGPIPE ended, which would leave out the counters */
#define EVENTS_PER_TURN 4096u
#define TURN_MS 20               /* the kernel side does not wake us for every event */

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
	char shown[64];
	unsigned int i;

	if (l->attach && !l->options.num_interfaces) {
		fprintf(out, "this host (%s)", attach_rung_name(attach_rung(l->attach, 0)));
		return;
	}
	if (!l->options.num_interfaces)
		fputs("all interfaces of this network namespace (pcap)", out);
	for (i = 0; i < l->options.num_interfaces; i++)
		fprintf(out, "%s%s (%s)", i ? ", " : "", text_name(l->options.interfaces[i], shown, sizeof(shown)),
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

/* Whose facts a row may lack, and why. */
static void print_processes(const struct live *l)
{
	const struct process_table_counters *c = process_table_counters(l->processes);

	if (c->refused || c->late)
		fprintf(stderr, "certtap: processes: %" PRIu64 " known, %" PRIu64 " over the limit, %" PRIu64
			" known by their id alone\n", c->processes, c->refused, c->late);
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
	if (l->processes)
		print_processes(l);
	if (!l->probes)
		unopened_print(l->unopened, ledger_counters(pipeline_ledger(l->pipeline))->reasons[REASON_ENCRYPTED],
			       stderr);
	if (l->writer)
		capture_writer_print(l->writer, stderr);
	if (l->store.queue)
		store_queue_print(l->store.queue, stderr);
}

/* Who reads the output has had enough: head, a pager that was left. */
static bool reader_gone(void)
{
	struct pollfd out = { .fd = STDOUT_FILENO };

	return poll(&out, 1, 0) > 0 && out.revents & (POLLERR | POLLHUP);
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

/* What is printed last. Returns the exit code. */
static int tell_end(struct live *l, bool good)
{
	bool written = reporter_finish(&l->reporter, pipeline_ledger(l->pipeline)), gone = !written && reader_gone();

	if (!written && !gone)
		fputs("certtap: writing the output failed\n", stderr);
	if (!l->options.quiet)
		print_counters(l);
	if (!pem_report(&l->pem, stderr) || (!written && !gone) || !good)
		return EXIT_FAILED;
	return gone ? EXIT_READER_GONE : 0;
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
	return tell_end(l, good);
}

static void handle_signals(void)
{
	struct sigaction stop = { .sa_handler = on_stop }, counters = { .sa_handler = on_counters };

	sigaction(SIGINT, &stop, NULL);
	sigaction(SIGTERM, &stop, NULL);
	sigaction(SIGUSR1, &counters, NULL);
	/* A file that may not grow any more is told by write(). */
	signal(SIGXFSZ, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
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
int live_work(void *context)
{
	struct live *l = context;
	struct sandbox_options sandbox = SANDBOX_OPTIONS_DEFAULT;
	char why[512];
	int err;

	handle_signals();
	err = open_secrets(l, why, sizeof(why));
	if (l->interfaces)
		interfaces_close_in_worker(l->interfaces);
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
