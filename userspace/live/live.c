/* SPDX-License-Identifier: Apache-2.0 */
/* Picks the rung of the ladder, attaches, and has the worker observe. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "parsers/text.h"
#include "userspace/handshake/handshake_keys.h"
#include "userspace/live/live_parts.h"
#include "userspace/live/monitor.h"

bool live_options_fit(const struct options *o)
{
	const char *needs_interface = o->attach && strcmp(o->attach, "cgroup") != 0 ? o->attach : NULL;
	char shown[256];

	if (o->num_arguments) {
		fprintf(stderr, "certtap: live takes no file; 'certtap read %s' reads one\n",
			text_name(o->arguments[0], shown, sizeof(shown)));
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
	options.max_tunnels = o->limits.tunnels;
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
	err = interfaces_check(&l->options);
	if (err)
		return err;
	err = open_kernel_side(l, why, sizeof(why));
	if (err == 0) {
		/* Without it an interface that goes is not noticed; all else works. */
		if (l->options.num_interfaces)
			interfaces_watch(&l->options, &l->interfaces);
		return 0;
	}
	attach_free(l->attach);
	l->attach = NULL;
	if (l->options.attach) {
		fprintf(stderr, "certtap: %s: %s\n", l->options.attach, why);
		return err;
	}
	fprintf(stderr, "certtap: no eBPF, taking libpcap instead: %s\n", why);
	return 0;
}

/* A typing error, or a program that is still to be started. */
static void check_patterns(const struct probes_options *o)
{
	char shown[128];
	unsigned int i;

	for (i = 0; o->which == PROBES_PATTERNS && i < o->num_patterns; i++)
		if (!probes_pattern_matches(o->patterns[i]))
			fprintf(stderr, "certtap: --secrets=%s: no process that runs now matches it\n",
				text_name(o->patterns[i], shown, sizeof(shown)));
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
	if (!err)
		check_patterns(o);
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
	char why[256];
	int err;

	l->pem.dir_fd = -1;
	if (l->options.pem_dir) {
		err = pem_open(&l->pem, l->options.pem_dir);
		if (err) {
			fprintf(stderr, "certtap: %s: %s\n", text_name(l->options.pem_dir, why, sizeof(why)),
				strerror(-err));
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
	err = options_keys(&l->options, true, &l->keys);
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
	interfaces_free(l->interfaces);
	owners_free(l->owners);
	attach_free(l->attach);
	pipeline_free(l->pipeline);
	capture_writer_free(l->writer);
	keys_free(l->keys);
	pem_close(&l->pem);
	store_setup_finish(&l->store);
}

/* What the monitor has to do. Returns how many. */
static unsigned int choose_watches(const struct live *l, struct monitor_watch watches[MONITOR_WATCHES_MAX])
{
	unsigned int num = 0;

	if (l->probes)
		watches[num++] = (struct monitor_watch){ probes_fd(l->probes), poll_probes, l->probes,
							 SANDBOX_OPENS, NULL };
	if (l->owners)
		watches[num++] = (struct monitor_watch){ owners_fd(l->owners), owners_poll, l->owners,
							 SANDBOX_LOOKS, NULL };
	if (l->unopened)
		watches[num++] = (struct monitor_watch){ unopened_fd(l->unopened), unopened_ready, l->unopened,
							 SANDBOX_LOOKS, NULL };
	if (l->interfaces)
		watches[num++] = (struct monitor_watch){ interfaces_fd(l->interfaces), interfaces_ready, l->interfaces,
							 SANDBOX_STAYS, interfaces_over(l->interfaces) };
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
		err = monitor_run(live_work, &l, watches, choose_watches(&l, watches),
				  l.on_screen ? &l.guard : NULL);
	else
		err = EXIT_FAILED;
	if (l.on_screen)
		screen_guard_close(&l.guard);
	finish(&l);
	return err;
}
