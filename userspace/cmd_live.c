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
#include "userspace/monitor.h"
#include "userspace/options.h"
#include "userspace/pem.h"
#include "userspace/probes.h"
#include "userspace/reporter.h"
#include "userspace/sandbox.h"
#include "userspace/source.h"
#include "userspace/source_secrets.h"

#define EVENTS_PER_TURN 4096u
#define TURN_MS 20               /* the kernel side does not wake us for every event */
#define EXIT_FAILED 1

struct live {
	struct options options;
	struct attach *attach;       /* NULL: libpcap */
	struct probes *probes;       /* NULL: no secrets are caught */
	struct probes_options probes_options;
	struct source *sources[INTERFACES_MAX + 1];
	unsigned int num_sources;
	struct pem_writer pem;
	struct capture_writer *writer;   /* NULL: no packets are kept */
	struct reporter reporter;
	struct pipeline *pipeline;
	struct keys *keys;           /* NULL: none were named */
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

static void print_counters(const struct live *l)
{
	struct source_counters sum = { 0 }, one;
	unsigned int i;

	for (i = l->probes ? 1 : 0; i < l->num_sources; i++) {
		l->sources[i]->ops->counters(l->sources[i], &one);
		sum.seen += one.seen;
		sum.delivered += one.delivered;
		sum.lost += one.lost;
	}
	fprintf(stderr, "certtap: %s: seen %" PRIu64 " = delivered %" PRIu64 " + lost %" PRIu64 "\n",
		l->attach ? "pieces of handshakes" : "packets", sum.seen, sum.delivered, sum.lost);
	for (i = 0; i < l->num_sources; i++)
		if (l->sources[i]->ops->print_details)
			l->sources[i]->ops->print_details(l->sources[i], stderr);
	reporter_summary(l->pipeline, stderr);
	if (l->writer)
		capture_writer_print(l->writer, stderr);
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
	struct pollfd fds[INTERFACES_MAX + 1];
	unsigned int i;

	for (i = 0; i < l->num_sources; i++)
		fds[i] = (struct pollfd){ .fd = source_fd(l->sources[i]), .events = POLLIN };
	/* A signal ends the wait early; so does a source with something to read. */
	if (poll(fds, l->num_sources, TURN_MS) < 0 && errno != EINTR)
		stop_asked = 1;
}

static bool time_over(const struct live *l)
{
	return l->end_ns && clock_ns(CLOCK_MONOTONIC) >= l->end_ns;
}

static int observe(struct live *l)
{
	bool good = true;

	while (good && !stop_asked && !reporter_done(&l->reporter) && !time_over(l)) {
		wait_turn(l);
		good = turn(l);
		pipeline_tick(l->pipeline, clock_ns(CLOCK_REALTIME), clock_ns(CLOCK_MONOTONIC));
		if (counters_asked) {
			counters_asked = 0;
			print_counters(l);
		}
	}
	/* What is in the ring by now was seen: it counts. */
	if (good && !reporter_done(&l->reporter))
		good = turn(l);
	pipeline_finish(l->pipeline);
	if (l->writer && !capture_writer_finish(l->writer))
		good = false;
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

	counters = attach_counters(l->attach, &num);
	err = source_ring_open(attach_ring_fd(l->attach), counters, num, &l->sources[l->num_sources], why, why_size);
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
	return pipeline_expect_secrets(l->pipeline) ? 0 : -ENOMEM;
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
	if (err == 0)
		err = l->attach ? open_ring(l, why, sizeof(why)) : open_pcap(l, why, sizeof(why));
	if (err) {
		fprintf(stderr, "certtap: %s\ncerttap: see 'certtap doctor'\n", why);
		return EXIT_FAILED;
	}
	sandbox.write_dir_fd = l->pem.dir_fd;
	sandbox.packet_socket = !l->attach;
	err = sandbox_enter(&sandbox, why, sizeof(why));
	if (err) {
		fprintf(stderr, "certtap: giving up privileges: %s\n", why);
		return EXIT_FAILED;
	}
	if (!l->options.quiet) {
		fputs("certtap: observing ", stderr);
		print_where(l, stderr);
		fputs(", every port\n", stderr);
	}
	if (l->options.duration_ns)
		l->end_ns = clock_ns(CLOCK_MONOTONIC) + l->options.duration_ns;
	return observe(l);
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
	err = attach_open(&options, &l->attach, why, why_size);
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
	return err ? err : open_probes(l);
}

static void finish(struct live *l)
{
	unsigned int i;

	for (i = 0; i < l->num_sources; i++)
		source_free(l->sources[i]);
	probes_free(l->probes);
	attach_free(l->attach);
	pipeline_free(l->pipeline);
	capture_writer_free(l->writer);
	keys_free(l->keys);
	pem_close(&l->pem);
}

static bool options_fit(const struct options *o)
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

int cmd_live(int argc, char **argv)
{
	struct live l = { 0 };
	struct monitor_watch watch;
	int err = options_parse(&l.options, FOR_LIVE, "live", argc, argv);

	if (err)
		return err > 0 ? 0 : EXIT_USAGE;
	if (!options_fit(&l.options))
		return EXIT_USAGE;
	err = prepare(&l);
	watch = (struct monitor_watch){ -1, poll_probes, l.probes };
	if (l.probes)
		watch.fd = probes_fd(l.probes);
	if (err == 0)
		err = monitor_run(work, &l, l.probes ? &watch : NULL);
	else
		err = EXIT_FAILED;
	finish(&l);
	return err;
}
