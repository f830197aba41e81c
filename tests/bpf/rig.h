/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Drives the kernel side without a network: crafted frames through BPF_PROG_TEST_RUN, and what comes
 * up in the ring is kept in a list. Static functions, for the tests of this folder.
 */
#ifndef CERTTAP_TEST_RIG_H
#define CERTTAP_TEST_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "bpf/event.h"
#include "bpf/owner_event.h"
#include "bpf/handshake.skel.h"
#include "parsers/packet.h"

#define RIG_RING_BYTES (128u << 10)
#define RIG_SERVER_BUDGET 8192u
#define RIG_CLIENT_BUDGET 4096u
#define RIG_EVENTS_MAX 4096
#define RIG_FRAME_MAX 3000          /* test runs take no more than a page, less the kernel's part */

struct rig_event {
	struct event head;
	uint8_t payload[EVENT_PAYLOAD_MAX];
};

static struct rig {
	struct handshake_bpf *skel;
	struct ring_buffer *ring;
	struct rig_event *events;
	unsigned int num_events;
	uint16_t next_port;
	char skip[256];
} rig;

/* One connection of a test; each has a port of its own, so that tests do not meet. */
struct rig_conn {
	uint16_t client_port;
	uint32_t client_seq, server_seq;
};

static inline int rig_silent(enum libbpf_print_level level, const char *format, va_list args)
{
	(void)level;
	(void)format;
	(void)args;
	return 0;
}

static inline int rig_on_record(void *context, void *record, size_t size)
{
	const struct event *e = record;
	struct rig_event *to;

	(void)context;
	assert_true(rig.num_events < RIG_EVENTS_MAX);
	assert_true(size >= sizeof(*e) && e->hdr_len == sizeof(*e) && e->version == EVENT_VERSION);
	assert_true(e->cap_len <= EVENT_PAYLOAD_MAX && e->cap_len <= size - sizeof(*e));
	to = &rig.events[rig.num_events++];
	to->head = *e;
	memcpy(to->payload, (const uint8_t *)record + sizeof(*e), e->cap_len);
	return 0;
}

static inline int rig_setup(void **state)
{
	int err;

	(void)state;
	libbpf_set_print(rig_silent);
	rig.events = calloc(RIG_EVENTS_MAX, sizeof(*rig.events));
	rig.skel = handshake_bpf__open();
	if (!rig.events || !rig.skel)
		return -1;
	rig.next_port = 20000;
	rig.skel->rodata->server_budget = RIG_SERVER_BUDGET;
	rig.skel->rodata->client_budget = RIG_CLIENT_BUDGET;
	rig.skel->rodata->ring_wake = RIG_RING_BYTES / 2;
	bpf_map__set_max_entries(rig.skel->maps.events, RIG_RING_BYTES);
	err = handshake_bpf__load(rig.skel);
	if (err)
		snprintf(rig.skip, sizeof(rig.skip), "the programs cannot be loaded here: %s",
			 strerror(-err));
	else
		rig.ring = ring_buffer__new(bpf_map__fd(rig.skel->maps.events), rig_on_record, NULL,
					    NULL);
	return err == -EPERM || err == -EACCES || rig.ring ? 0 : -1;
}

static inline int rig_teardown(void **state)
{
	(void)state;
	ring_buffer__free(rig.ring);
	handshake_bpf__destroy(rig.skel);
	free(rig.events);
	return 0;
}

/* First in every test: skips where the kernel refuses, and starts with an empty list. */
static inline void rig_begin(void)
{
	if (*rig.skip) {
		print_message("%s\n", rig.skip);
		skip();
	}
	ring_buffer__consume(rig.ring);
	rig.num_events = 0;
}

static inline void rig_drain(void)
{
	assert_true(ring_buffer__consume(rig.ring) >= 0);
}

static inline uint64_t rig_counter(size_t offset)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < EVENT_CPUS_MAX; i++)
		sum += *(const uint64_t *)((const char *)&rig.skel->bss->counters[i] + offset);
	return sum;
}
#define RIG_COUNTER(field) rig_counter(offsetof(struct event_counters, field))

/* Runs one frame through one program; returns the program's verdict. */
static inline uint32_t rig_run_program(struct bpf_program *program, const void *frame, size_t len)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = (uint32_t)len,
		    .repeat = 1);

	assert_int_equal(bpf_prog_test_run_opts(bpf_program__fd(program), &opts), 0);
	return opts.retval;
}

static inline void rig_run(const void *frame, size_t len)
{
	assert_int_equal(rig_run_program(rig.skel->progs.certtap_tc_in, frame, len), (uint32_t)-1);
}

static inline uint8_t *rig_put(uint8_t *p, const void *data, size_t len)
{
	if (len)
		memcpy(p, data, len);
	return p + len;
}

static inline uint8_t *rig_put16(uint8_t *p, uint16_t v)
{
	return rig_put(p, (uint8_t[]){ (uint8_t)(v >> 8), (uint8_t)v }, 2);
}

static inline uint8_t *rig_put32(uint8_t *p, uint32_t v)
{
	return rig_put16(rig_put16(p, (uint16_t)(v >> 16)), (uint16_t)v);
}

/* Ethernet and IPv4, 10.0.0.1 being the client and 10.0.0.2 the server; `left` is what follows. */
static inline uint8_t *rig_ipv4(uint8_t *p, bool from_client, uint8_t protocol, size_t left)
{
	static const uint8_t addresses[] = { 10, 0, 0, 1, 10, 0, 0, 2, 10, 0, 0, 1 };

	memset(p, 0, 12);
	p = rig_put16(p + 12, 0x0800);
	p = rig_put16(rig_put(p, "\x45", 2), (uint16_t)(20 + left));
	p = rig_put32(p, 0x00014000);
	p = rig_put(p, (uint8_t[]){ 64, protocol, 0, 0 }, 4);
	return rig_put(p, addresses + (from_client ? 0 : 4), 8);
}

static inline uint8_t *rig_tcp(uint8_t *p, uint16_t sport, uint16_t dport, uint32_t seq,
			       uint32_t ack, uint8_t flags)
{
	p = rig_put32(rig_put32(rig_put16(rig_put16(p, sport), dport), seq), ack);
	p = rig_put(p, (uint8_t[]){ 0x50, flags }, 2);
	return rig_put(p, "\xff\xff\0\0\0\0", 6);
}

static inline struct rig_conn rig_conn_new(void)
{
	return (struct rig_conn){ .client_port = rig.next_port++, .client_seq = 1000,
				  .server_seq = 0xfffffc00 /* wraps within the flight */ };
}

/* A segment at an offset of its direction's stream. */
static inline void rig_segment(const struct rig_conn *c, bool from_client, uint32_t offset,
			       const void *payload, size_t len, uint8_t flags)
{
	uint8_t frame[RIG_FRAME_MAX], *p;
	uint32_t seq = (from_client ? c->client_seq : c->server_seq) + offset;
	uint32_t ack = from_client ? c->server_seq : c->client_seq;

	assert_true(len <= RIG_FRAME_MAX - 54);
	p = rig_ipv4(frame, from_client, IPPROTO_TCP, 20 + len);
	p = rig_tcp(p, from_client ? c->client_port : 9808, from_client ? 9808 : c->client_port, seq,
		    ack, flags);
	p = rig_put(p, payload, len);
	rig_run(frame, (size_t)(p - frame));
}

/* A stream in segments of `mss` bytes, in order. */
static inline void rig_stream(const struct rig_conn *c, bool from_client, const void *data,
			      size_t len, size_t mss)
{
	for (size_t at = 0; at < len; at += mss) {
		rig_segment(c, from_client, (uint32_t)at, (const uint8_t *)data + at,
			    len - at < mss ? len - at : mss, TCP_ACK);
		rig_drain();
	}
}

/*
 * What came up of one direction, put together; `missing` bytes are left as 0xee. Returns the number
 * of bytes up to the last one that came.
 */
static inline size_t rig_received(const struct rig_conn *c, bool from_client, uint8_t *out,
				  size_t size)
{
	uint32_t start = from_client ? c->client_seq : c->server_seq;
	size_t end = 0;

	rig_drain();
	memset(out, 0xee, size);
	for (unsigned int i = 0; i < rig.num_events; i++) {
		const struct rig_event *e = &rig.events[i];
		size_t at = e->head.seq - start;

		if (e->head.kind != EVENT_DATA ||
		    (from_client ? e->head.sport : e->head.dport) != c->client_port)
			continue;
		assert_true(at + e->head.cap_len <= size);
		memcpy(out + at, e->payload, e->head.cap_len);
		if (at + e->head.cap_len > end)
			end = at + e->head.cap_len;
	}
	return end;
}

/* The end that was told for a direction, or NULL. */
static inline const struct event *rig_end(const struct rig_conn *c, bool from_client)
{
	const struct event *found = NULL;

	rig_drain();
	for (unsigned int i = 0; i < rig.num_events; i++) {
		const struct event *e = &rig.events[i].head;

		if (e->kind == EVENT_END && (from_client ? e->sport : e->dport) == c->client_port) {
			assert_null(found);     /* a direction ends once */
			found = e;
		}
	}
	return found;
}

static inline void rig_expect_end(const struct rig_conn *c, bool from_client,
				  enum event_reason reason, uint32_t offset)
{
	const struct event *e = rig_end(c, from_client);

	assert_non_null(e);
	assert_int_equal(e->reason, reason);
	assert_int_equal(e->seq - (from_client ? c->client_seq : c->server_seq), offset);
}

#endif
