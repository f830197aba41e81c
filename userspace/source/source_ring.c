/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ring that the kernel side fills. Reading it is memory only, no bpf(2): it works in the sandbox.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <bpf/libbpf.h>

#include "bpf/event.h"
#include "userspace/source/counter_lines.h"
#include "userspace/pipeline/pipeline.h"
#include "userspace/process/process_table.h"
#include "userspace/source/ring_batch.h"
#include "userspace/source/source_ring.h"

#define NS_PER_S 1000000000LL
#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71          /* which older headers lack */
#endif

struct source_ring {
	struct source source;
	struct ring_batch batch;
	const struct event_counters *counters;
	unsigned int num_counters;
	struct process_table *processes;  /* NULL: owners are not known */
	uint32_t own_zone;          /* of this network namespace; 0: not known */
	uint64_t rejected;          /* records that did not fit: never, or the ring is not ours */
	int64_t wall_offset_ns;
};

static int64_t clock_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec * NS_PER_S + t.tv_nsec;
}

static void take_kind(const struct event *e, struct segment *out)
{
	out->start_known = e->flags & EVENT_START_KNOWN;
	out->late = e->flags & EVENT_LATE;
	out->flags = (e->flags & EVENT_FIN ? TCP_FIN : 0) | (e->flags & EVENT_RST ? TCP_RST : 0) |
		     (e->flags & EVENT_ACK ? TCP_ACK : 0);
	if (e->kind == EVENT_END) {
		out->lost = e->reason == EVENT_REASON_LOST;
		out->final = !out->lost;
	}
	if (e->kind == EVENT_DATAGRAM && e->wire_len > e->cap_len)
		out->payload_cut = e->wire_len - e->cap_len;
}

static bool kind_fits(const struct event *e)
{
	if (e->kind == EVENT_DATAGRAM)
		return e->l4 == IPPROTO_UDP && e->cap_len > 0;
	if (e->l4 != IPPROTO_TCP)
		return false;
	return e->kind == EVENT_DATA ? e->cap_len > 0 : e->kind == EVENT_END && e->cap_len == 0;
}

static bool is_loopback(const __u8 address[16])
{
	static const __u8 v4[13] = { [10] = 0xff, [11] = 0xff, [12] = 127 };
	static const __u8 v6[16] = { [15] = 1 };

	return memcmp(address, v4, sizeof(v4)) == 0 || memcmp(address, v6, sizeof(v6)) == 0;
}

static uint32_t zone_of_cookie(uint64_t cookie)
{
	return (uint32_t)(cookie ^ cookie >> 32);
}

/* What the kernel calls this network namespace (Linux 5.14). */
static uint32_t own_zone(void)
{
	uint64_t cookie = 0;
	socklen_t len = sizeof(cookie);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return 0;
	if (getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &len) != 0)
		cookie = 0;
	close(fd);
	return zone_of_cookie(cookie);
}

/*
 * Every network namespace has a 127.0.0.1 of its own, so there the namespace belongs to the key. Between other
 * addresses one connection is seen whole at both ends, in two namespaces: there it must not count twice.
 */
static uint32_t zone_of(const struct event *e)
{
	if (!is_loopback(e->saddr) && !is_loopback(e->daddr))
		return 0;
	return zone_of_cookie(e->netns_cookie);
}

bool source_ring_convert(const void *record, size_t size, int64_t wall_offset_ns,
			 struct segment *out)
{
	struct event e;

	if (size < sizeof(e))
		return false;
	memcpy(&e, record, sizeof(e));   /* a copy: shared memory is read once */
	if (e.version != EVENT_VERSION || e.hdr_len < sizeof(e) || e.hdr_len > size ||
	    e.cap_len > EVENT_PAYLOAD_MAX || e.cap_len > size - e.hdr_len || !kind_fits(&e))
		return false;
	*out = (struct segment){
		.src.port = e.sport,
		.dst.port = e.dport,
		.transport = e.l4 == IPPROTO_UDP ? TRANSPORT_UDP : TRANSPORT_TCP,
		.seq = e.seq,
		.ack = e.ack,
		.start_seq = e.start_seq,
		.payload = bytes_of((const uint8_t *)record + e.hdr_len, e.cap_len),
		.time_ns = e.time_ns + (uint64_t)wall_offset_ns,
	};
	memcpy(out->src.address.octets, e.saddr, sizeof(e.saddr));
	memcpy(out->dst.address.octets, e.daddr, sizeof(e.daddr));
	out->src.zone = out->dst.zone = zone_of(&e);
	take_kind(&e, out);
	return true;
}

static void take_owner(struct source_ring *r, const struct event *e, struct owner *owner, struct segment *out)
{
	struct event_owner named;

	memcpy(&named, &e->owner, sizeof(named));
	process_table_owner(r->processes, &named, r->wall_offset_ns, owner);
	out->owner = owner;
	out->owner_is_src = e->hook == EVENT_HOOK_CGROUP_EGRESS || e->hook == EVENT_HOOK_TC_EGRESS;
}

static int on_record(void *context, void *record, size_t size)
{
	struct source_ring *r = context;
	struct owner owner;
	struct segment s;

	if (source_ring_convert(record, size, r->wall_offset_ns, &s)) {
		if (s.src.zone == r->own_zone)
			s.src.zone = s.dst.zone = 0;
		if (r->processes)
			take_owner(r, record, &owner, &s);
		pipeline_segment(r->batch.pipeline, &s);
	} else {
		r->rejected++;
	}
	return ring_batch_taken(&r->batch);
}

static int ring_read(struct source *source, struct pipeline *p, unsigned int budget)
{
	struct source_ring *r = (struct source_ring *)source;

	if (r->processes)
		process_table_poll(r->processes);
	r->wall_offset_ns = clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_MONOTONIC);
	return ring_batch_read(&r->batch, source, p, budget, "the kernel's ring");
}

static int ring_fd(const struct source *source)
{
	return ring_buffer__epoll_fd(((const struct source_ring *)source)->batch.ring);
}

static struct event_counters sum_counters(const struct source_ring *r)
{
	struct event_counters sum = { 0 };

	counter_lines_sum(&sum, r->counters, r->num_counters, sizeof(sum));
	return sum;
}

/* A piece under way in the kernel is in neither sum yet; it is seen once it is settled. */
static void ring_counters(const struct source *source, struct source_counters *out)
{
	const struct source_ring *r = (const struct source_ring *)source;
	struct event_counters sum = sum_counters(r);

	*out = (struct source_counters){
		.seen = sum.pieces_delivered + sum.pieces_lost,
		.delivered = sum.pieces_delivered - r->rejected,
		.lost = sum.pieces_lost + r->rejected,
	};
}

static void ring_print_details(const struct source *source, void *stdio_file)
{
	const struct source_ring *r = (const struct source_ring *)source;
	struct event_counters c = sum_counters(r);

	fprintf(stdio_file,
		"certtap: kernel: %llu packets with payload, %llu hellos, %llu directions opened, %llu with loss "
		"(of %llu no word came up), %llu cut by budget, %llu refused by the flow table, %llu fragments, "
		"%llu in too many tunnels, %llu unparsable\n",
		(unsigned long long)c.packets, (unsigned long long)c.hellos,
		(unsigned long long)c.flows_opened, (unsigned long long)c.flows_lost, (unsigned long long)c.flows_untold,
		(unsigned long long)c.budget_cut, (unsigned long long)c.flows_failed,
		(unsigned long long)c.fragments, (unsigned long long)c.too_deep,
		(unsigned long long)c.unparsable);
}

static void ring_free(struct source *source)
{
	struct source_ring *r = (struct source_ring *)source;

	if (r)
		ring_buffer__free(r->batch.ring);
	free(r);
}

int source_ring_open(int ring_map_fd, const struct event_counters *counters,
		     unsigned int num_counters, struct process_table *processes, struct source **out, char *why,
		     size_t why_size)
{
	static const struct source_ops ops = {
		.name = "ring",
		.read = ring_read,
		.fd = ring_fd,
		.counters = ring_counters,
		.print_details = ring_print_details,
		.free = ring_free,
	};
	struct source_ring *r = calloc(1, sizeof(*r));
	int err;

	if (!r) {
		snprintf(why, why_size, "Out of memory.");
		return -ENOMEM;
	}
	r->source.ops = &ops;
	r->counters = counters;
	r->processes = processes;
	r->num_counters = num_counters;
	r->own_zone = own_zone();
	r->batch.ring = ring_buffer__new(ring_map_fd, on_record, r, NULL);
	if (!r->batch.ring) {
		err = -errno;
		snprintf(why, why_size, "The kernel's ring cannot be opened: %s.", strerror(-err));
		free(r);
		return err;
	}
	*out = &r->source;
	return 0;
}
