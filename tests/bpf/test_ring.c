/* SPDX-License-Identifier: Apache-2.0 */
/* The ring source: what it makes of records, honest or not, and of a real ring. */
#include "tests/bpf/messages.h"
#include "tests/bpf/rig.h"
#include "userspace/pipeline/pipeline.h"
#include "userspace/source/source.h"
#include "userspace/source/source_ring.h"

static struct segment last;
static unsigned int num_segments;

/* The pipeline of this test: keeps the last segment. */
void pipeline_segment(struct pipeline *p, const struct segment *s)
{
	assert_ptr_equal(p, &last);
	last = *s;
	num_segments++;
}

struct record {
	struct event head;
	uint8_t payload[64];
};

static struct record good(void)
{
	struct record r = { .head = {
		.hdr_len = sizeof(struct event), .version = EVENT_VERSION, .kind = EVENT_DATA,
		.flags = EVENT_START_KNOWN | EVENT_ACK, .l4 = IPPROTO_TCP, .cap_len = 10,
		.wire_len = 20, .seq = 1010, .start_seq = 1000, .ack = 77, .time_ns = 5,
		.netns_cookie = 0x100000003, .saddr = { [10] = 0xff, 0xff, 10, 0, 0, 1 },
		.daddr = { [10] = 0xff, 0xff, 10, 0, 0, 2 }, .sport = 9808, .dport = 40000 } };

	memset(r.payload, 'p', sizeof(r.payload));
	return r;
}

/* Each namespace has a loopback of its own. */
static void test_zone(void **state)
{
	static const struct { uint8_t address[16]; uint32_t zone; } cases[] = {
		{ { [10] = 0xff, 0xff, 127, 0, 0, 1 }, 2 },
		{ { [10] = 0xff, 0xff, 127, 9, 9, 9 }, 2 },
		{ { [15] = 1 }, 2 },
		{ { [10] = 0xff, 0xff, 128, 0, 0, 1 }, 0 },
		{ { [0] = 0x20, [15] = 1 }, 0 },
	};
	struct record r = good();
	struct segment s;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		memcpy(r.head.saddr, cases[i].address, sizeof(r.head.saddr));
		assert_true(source_ring_convert(&r, sizeof(r), 1000, &s));
		assert_int_equal(s.src.zone, cases[i].zone);
	}
}

static void test_data(void **state)
{
	struct record r = good();
	struct segment s;

	(void)state;
	assert_true(source_ring_convert(&r, sizeof(r), 1000, &s));
	assert_int_equal(s.src.port, 9808);
	assert_int_equal(s.src.address.octets[15], 1);
	assert_int_equal(s.dst.port, 40000);
	assert_int_equal(s.dst.address.octets[15], 2);
	assert_int_equal(s.transport, TRANSPORT_TCP);
	/* Seen at both ends, in two namespaces, it must be one connection. */
	assert_int_equal(s.src.zone, 0);
	assert_int_equal(s.flags, TCP_ACK);
	assert_true(s.start_known && !s.lost && !s.final);
	assert_int_equal(s.seq, 1010);
	assert_int_equal(s.start_seq, 1000);
	assert_int_equal(s.ack, 77);
	assert_int_equal(s.payload.len, 10);
	assert_ptr_equal(s.payload.data, r.payload);
	assert_int_equal(s.payload_cut, 0);
	assert_int_equal(s.time_ns, 1005);
}

static void test_ends(void **state)
{
	static const struct {
		uint8_t reason, flags, tcp_flags;
		bool lost, final;
	} cases[] = {
		{ EVENT_REASON_RECORD, 0, 0, false, true },
		{ EVENT_REASON_BUDGET, 0, 0, false, true },
		{ EVENT_REASON_FIN, EVENT_FIN, TCP_FIN, false, true },
		{ EVENT_REASON_RST, EVENT_RST, TCP_RST, false, true },
		{ EVENT_REASON_NONE, 0, 0, false, true },
		{ EVENT_REASON_LOST, 0, 0, true, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct record r = good();
		struct segment s;

		r.head.kind = EVENT_END;
		r.head.cap_len = 0;
		r.head.reason = cases[i].reason;
		r.head.flags = cases[i].flags;
		assert_true(source_ring_convert(&r, sizeof(r), 0, &s));
		assert_int_equal(s.flags, cases[i].tcp_flags);
		assert_int_equal(s.lost, cases[i].lost);
		assert_int_equal(s.final, cases[i].final);
		assert_int_equal(s.payload.len, 0);
		assert_false(s.start_known);
	}
}

static void test_datagram(void **state)
{
	struct record r = good();
	struct segment s;

	(void)state;
	r.head.kind = EVENT_DATAGRAM;
	r.head.l4 = IPPROTO_UDP;
	r.head.flags = EVENT_CUT;
	assert_true(source_ring_convert(&r, sizeof(r), 0, &s));
	assert_int_equal(s.transport, TRANSPORT_UDP);
	assert_int_equal(s.payload.len, 10);
	assert_int_equal(s.payload_cut, 10);
}

#define REFUSED(change) do {                                                                   \
		struct record r = good();                                                      \
		struct segment s;                                                              \
		size_t size = sizeof(r);                                                       \
		change;                                                                        \
		assert_false(source_ring_convert(&r, size, 0, &s));                            \
	} while (0)

static void test_refused(void **state)
{
	(void)state;
	for (size_t len = 0; len < sizeof(struct event) + 10; len++)
		REFUSED(size = len);
	REFUSED(r.head.version = EVENT_VERSION + 1);
	REFUSED(r.head.hdr_len = sizeof(struct event) - 1);
	REFUSED(r.head.hdr_len = sizeof(r) + 1);
	REFUSED(r.head.hdr_len = 0xffff);
	REFUSED(r.head.hdr_len = sizeof(r) - 9);
	REFUSED(r.head.cap_len = 65);
	REFUSED(r.head.cap_len = 0);
	REFUSED(r.head.cap_len = EVENT_PAYLOAD_MAX + 1);
	REFUSED(r.head.cap_len = 0xffffffff);
	REFUSED(r.head.kind = 0);
	REFUSED(r.head.kind = 4);
	REFUSED(r.head.kind = EVENT_END);               /* with a payload */
	REFUSED(r.head.kind = EVENT_DATAGRAM);          /* over TCP */
	REFUSED(r.head.l4 = IPPROTO_UDP);
	REFUSED(r.head.l4 = 0);
}

/* A longer header is skipped, of a kernel side that says more than we know. */
static void test_longer_header(void **state)
{
	struct record r = good();
	struct segment s;

	(void)state;
	r.head.hdr_len = sizeof(struct event) + 8;
	r.payload[8] = 'q';
	assert_true(source_ring_convert(&r, sizeof(r), 0, &s));
	assert_int_equal(s.payload.data[0], 'q');
}

static void test_real_ring(void **state)
{
	struct rig_conn c;
	struct message_stream s = { .len = 0 };
	struct source *source = NULL;
	struct source_counters before, after;
	char why[256];

	(void)state;
	rig_begin();
	assert_int_equal(source_ring_open(bpf_map__fd(rig.skel->maps.events),
					  rig.skel->bss->counters, EVENT_CPUS_MAX, NULL, &source, why,
					  sizeof(why)), 0);
	assert_true(source_fd(source) >= 0);
	source->ops->counters(source, &before);
	put_flight(&s, 2000);
	for (int i = 0; i < 10; i++) {
		c = rig_conn_new();
		rig_segment(&c, false, 0, s.data, s.len, TCP_ACK);
	}
	/* A budget is kept, and what is left comes with the next calls. */
	assert_int_equal(source_read(source, (struct pipeline *)&last, 4), 1);
	assert_int_equal(num_segments, 4);
	assert_int_equal(source_read(source, (struct pipeline *)&last, 100), 0);
	assert_int_equal(num_segments, 10);
	assert_int_equal(last.src.port, 9808);
	assert_int_equal(last.dst.port, c.client_port);
	assert_int_equal(last.payload.len, s.len);
	assert_true(last.time_ns > 1600000000ULL * 1000000000);
	source->ops->counters(source, &after);
	assert_int_equal(after.seen - before.seen, 10);
	assert_int_equal(after.delivered - before.delivered, 10);
	assert_int_equal(after.lost, before.lost);
	source_free(source);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_data),
		cmocka_unit_test(test_zone),
		cmocka_unit_test(test_ends),
		cmocka_unit_test(test_datagram),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_longer_header),
		cmocka_unit_test(test_real_ring),
	};

	return cmocka_run_group_tests(tests, rig_setup, rig_teardown);
}
