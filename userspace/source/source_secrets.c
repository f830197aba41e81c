/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handshake secrets out of the kernel's ring. Reading it is memory only: it works in the sandbox.
 *
 * What was read stays in the ring until something lies over it: the kernel maps the pages of a ring read-only for user
 * space. So the monitor has the kernel write over it (userspace/probes/probes_wipe.c).
 */
#include "userspace/source/source_secrets.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <bpf/libbpf.h>

#include "userspace/pipeline/pipeline.h"
#include "userspace/source/counter_lines.h"
#include "userspace/source/ring_batch.h"

#define CLIENT_RANDOM_LEN 32

struct source_secrets {
	struct source source;
	struct ring_batch batch;
	const struct secret_counters *counters;
	unsigned int num_counters;
	uint64_t rejected;
	struct caught_secret secret;    /* the one copy, in locked memory, wiped each time */
};

_Static_assert(sizeof(((struct caught_secret *)0)->id) == SECRET_LEN_MAX &&
	       sizeof(((struct caught_secret *)0)->secret) == SECRET_LEN_MAX, "copied whole");

static bool is_hash_len(unsigned int len)
{
	return len == 32 || len == 48;
}

bool source_secrets_convert(const void *record, size_t size, struct caught_secret *out)
{
	const struct secret_event *e = record;

	if (size < sizeof(*e) || e->version != SECRET_VERSION || !is_hash_len(e->secret_len))
		return false;
	if (e->label != SECRET_SERVER_HANDSHAKE && e->label != SECRET_CLIENT_HANDSHAKE)
		return false;
	if (e->join == SECRET_JOIN_TRANSCRIPT ? e->join_len != e->secret_len :
	    e->join != SECRET_JOIN_CLIENT_RANDOM || e->join_len != CLIENT_RANDOM_LEN)
		return false;
	out->label = e->label == SECRET_CLIENT_HANDSHAKE ? CAUGHT_CLIENT_HANDSHAKE :
							   CAUGHT_SERVER_HANDSHAKE;
	out->join = e->join == SECRET_JOIN_TRANSCRIPT ? CAUGHT_BY_TRANSCRIPT :
							CAUGHT_BY_CLIENT_RANDOM;
	out->id_len = e->join_len;
	out->secret_len = e->secret_len;
	out->pid = e->tgid;
	out->time_ns = e->time_ns;
	memcpy(out->id, e->join_key, sizeof(out->id));
	memcpy(out->secret, e->secret, sizeof(out->secret));
	return true;
}

static int on_record(void *context, void *record, size_t size)
{
	struct source_secrets *r = context;

	if (source_secrets_convert(record, size, &r->secret))
		pipeline_secret(r->batch.pipeline, &r->secret);
	else
		r->rejected++;
	explicit_bzero(&r->secret, sizeof(r->secret));
	return ring_batch_taken(&r->batch);
}

static int secrets_read(struct source *source, struct pipeline *p, unsigned int budget)
{
	struct source_secrets *r = (struct source_secrets *)source;

	return ring_batch_read(&r->batch, source, p, budget, "the ring of secrets");
}

static int secrets_fd(const struct source *source)
{
	return ring_buffer__epoll_fd(((const struct source_secrets *)source)->batch.ring);
}

static struct secret_counters sum_counters(const struct source_secrets *r)
{
	struct secret_counters sum = { 0 };

	counter_lines_sum(&sum, r->counters, r->num_counters, sizeof(sum));
	return sum;
}

static void secrets_counters(const struct source *source, struct source_counters *out)
{
	const struct source_secrets *r = (const struct source_secrets *)source;
	struct secret_counters sum = sum_counters(r);

	*out = (struct source_counters){
		.seen = sum.caught + sum.lost + sum.unreadable,
		.delivered = sum.caught - r->rejected,
		.lost = sum.lost + sum.unreadable + r->rejected,
	};
}

static void secrets_print_details(const struct source *source, void *stdio_file)
{
	struct secret_counters c = sum_counters((const struct source_secrets *)source);

	fprintf(stdio_file,
		"certtap: probes: %llu hits, %llu handshake secrets derived, %llu caught, %llu lost, "
		"%llu unreadable, %llu not used, %llu of other processes\n",
		(unsigned long long)c.hits, (unsigned long long)c.wanted,
		(unsigned long long)c.caught, (unsigned long long)c.lost,
		(unsigned long long)c.unreadable, (unsigned long long)c.unused,
		(unsigned long long)c.unlisted);
}

static void secrets_free(struct source *source)
{
	struct source_secrets *r = (struct source_secrets *)source;

	if (!r)
		return;
	ring_buffer__free(r->batch.ring);
	munlock(&r->secret, sizeof(r->secret));
	free(r);
}

int source_secrets_open(int ring_fd, const struct secret_counters *counters, unsigned int num_counters,
			struct source **out, char *why, size_t why_size)
{
	static const struct source_ops ops = {
		.name = "secrets",
		.read = secrets_read,
		.fd = secrets_fd,
		.counters = secrets_counters,
		.print_details = secrets_print_details,
		.free = secrets_free,
	};
	struct source_secrets *r = calloc(1, sizeof(*r));
	int err;

	if (!r) {
		snprintf(why, why_size, "Out of memory.");
		return -ENOMEM;
	}
	r->source.ops = &ops;
	r->counters = counters;
	r->num_counters = num_counters;
	r->batch.ring = ring_buffer__new(ring_fd, on_record, r, NULL);
	err = r->batch.ring ? 0 : -errno;
	if (!err && mlock(&r->secret, sizeof(r->secret)) != 0)
		err = -errno;
	if (err) {
		snprintf(why, why_size, "The ring of secrets cannot be opened in locked memory: %s.",
			 strerror(-err));
		secrets_free(&r->source);
		return err;
	}
	*out = &r->source;
	return 0;
}
