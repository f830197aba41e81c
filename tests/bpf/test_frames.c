/* SPDX-License-Identifier: Apache-2.0 */
/* Every way a packet can look, honest or not: bpf/packet.bpf.h, and datagrams. */
#include "tests/bpf/rig.h"
#include "tests/bpf/messages.h"

#define ETHERNET_LEN 14

static struct message_stream hello(void)
{
	struct message_stream s = { .len = 0 };

	put_message(&s, 1, 180);
	return s;
}

static void expect_one(uint16_t port, const struct message_stream *s)
{
	rig_drain();
	assert_int_equal(rig.num_events, 1);
	assert_int_equal(rig.events[0].head.sport, port);
	assert_int_equal(rig.events[0].head.dport, 9808);
	assert_int_equal(rig.events[0].head.cap_len, s->len);
	assert_memory_equal(rig.events[0].payload, s->data, s->len);
}

/* A ClientHello over IPv4 from a fresh port; returns the frame's length. */
static size_t frame4(uint8_t *frame, uint16_t port)
{
	struct message_stream s = hello();
	uint8_t *p = rig_ipv4(frame, true, IPPROTO_TCP, 20 + s.len);

	p = rig_tcp(p, port, 9808, 5000, 6000, TCP_ACK);
	return (size_t)(rig_put(p, s.data, s.len) - frame);
}

/* Makes room for `len` bytes at `at`. */
static size_t insert(uint8_t *frame, size_t frame_len, size_t at, const void *data, size_t len)
{
	memmove(frame + at + len, frame + at, frame_len - at);
	memcpy(frame + at, data, len);
	return frame_len + len;
}

static void test_vlan_tags(void **state)
{
	uint8_t frame[RIG_FRAME_MAX];
	static const char tag_types[][5] = {
		"\x81\x00\x00\x07", "\x91\x00\x00\x07", "\x88\xa8\x00\x07", "\x92\x00\x00\x07", "\x93\x00\x00\x07",
	};
	struct message_stream s = hello();
	uint64_t before;

	(void)state;
	rig_begin();
	before = RIG_COUNTER(unparsable);
	for (size_t tags = 0; tags <= 9; tags++) {
		uint16_t port = rig.next_port++;
		size_t len = frame4(frame, port);

		for (size_t i = 0; i < tags; i++)
			len = insert(frame, len, 12, tag_types[i % ARRAY_SIZE(tag_types)], 4);
		rig.num_events = 0;
		rig_run(frame, len);
		rig_drain();
		if (tags <= 8)
			expect_one(port, &s);
		else
			assert_int_equal(rig.num_events, 0);
	}
	assert_int_equal(RIG_COUNTER(unparsable), before + 1);  /* too many are told */
}

static void test_ip_options(void **state)
{
	uint8_t frame[RIG_FRAME_MAX];
	struct message_stream s = hello();

	(void)state;
	rig_begin();
	for (size_t words = 1; words <= 10; words++) {
		uint8_t options[40];
		uint16_t port = rig.next_port++;
		size_t len = frame4(frame, port);

		memset(options, 1, sizeof(options));
		len = insert(frame, len, ETHERNET_LEN + 20, options, words * 4);
		frame[ETHERNET_LEN] = (uint8_t)(0x45 + words);
		rig_put16(frame + ETHERNET_LEN + 2, (uint16_t)(len - ETHERNET_LEN));
		rig.num_events = 0;
		rig_run(frame, len);
		expect_one(port, &s);
	}
}

static void test_tcp_options(void **state)
{
	uint8_t frame[RIG_FRAME_MAX], options[40];
	struct message_stream s = hello();
	uint16_t port;
	size_t len;

	(void)state;
	rig_begin();
	port = rig.next_port++;
	len = frame4(frame, port);
	memset(options, 1, sizeof(options));
	len = insert(frame, len, ETHERNET_LEN + 40, options, sizeof(options));
	frame[ETHERNET_LEN + 32] = 0xf0;
	rig_put16(frame + ETHERNET_LEN + 2, (uint16_t)(len - ETHERNET_LEN));
	rig_run(frame, len);
	expect_one(port, &s);
}

/* Short frames are padded by Ethernet: the IP length counts, not the frame's. */
static void test_padding(void **state)
{
	uint8_t frame[RIG_FRAME_MAX] = { 0 };
	struct message_stream s = hello();
	uint16_t port;
	size_t len;

	(void)state;
	rig_begin();
	port = rig.next_port++;
	len = frame4(frame, port);
	rig_run(frame, len + 46);
	expect_one(port, &s);
}

static size_t frame6(uint8_t *frame, uint16_t port, const uint8_t *extensions,
		     size_t extensions_len, uint8_t next)
{
	static const uint8_t addresses[32] = { 0x20, 1, 0xd, 0xb8, [15] = 1, 0x20, 1, 0xd, 0xb8,
					       [31] = 2 };
	struct message_stream s = hello();
	uint8_t *p = frame;

	memset(p, 0, 12);
	p = rig_put32(rig_put16(p + 12, 0x86dd), 0x60000000);
	p = rig_put16(p, (uint16_t)(extensions_len + 20 + s.len));
	p = rig_put(p, (uint8_t[]){ next, 64 }, 2);
	p = rig_put(p, addresses, sizeof(addresses));
	p = rig_put(p, extensions, extensions_len);
	p = rig_tcp(p, port, 9808, 5000, 6000, TCP_ACK);
	return (size_t)(rig_put(p, s.data, s.len) - frame);
}

static void test_ipv6(void **state)
{
	/* Hop by hop, destination options, routing, authentication: then TCP. */
	static const uint8_t extensions[] = { 60, 0, 1, 4, 0, 0, 0, 0, 43, 1, [16] = 0, [24] = 51, 0,
					      [32] = 6, 4, [55] = 0 };
	uint8_t frame[RIG_FRAME_MAX];
	struct message_stream s = hello();
	uint16_t port;

	(void)state;
	rig_begin();
	port = rig.next_port++;
	rig_run(frame, frame6(frame, port, NULL, 0, 6));
	expect_one(port, &s);
	assert_int_equal(rig.events[0].head.saddr[0], 0x20);
	assert_int_equal(rig.events[0].head.daddr[15], 2);

	rig.num_events = 0;
	port = rig.next_port++;
	rig_run(frame, frame6(frame, port, extensions, sizeof(extensions), 0));
	expect_one(port, &s);
}

/* Fragments that are whole (RFC 6946), mobility and shim headers; more than the limit is told. */
static void test_many_extensions(void **state)
{
	uint8_t frame[RIG_FRAME_MAX], extensions[17 * 8] = { 0 };
	static const uint8_t types[] = { 44, 135, 139, 140, 60 };
	struct message_stream s = hello();
	uint64_t before;
	uint16_t port;

	(void)state;
	rig_begin();
	for (size_t num = 1; num <= 17; num++) {
		for (size_t i = 0; i < num; i++)
			extensions[i * 8] = i + 1 < num ? types[(i + 1) % ARRAY_SIZE(types)] : 6;
		before = RIG_COUNTER(unparsable);
		rig.num_events = 0;
		port = rig.next_port++;
		rig_run(frame, frame6(frame, port, extensions, num * 8, types[0]));
		rig_drain();
		if (num <= 16)
			expect_one(port, &s);
		else
			assert_int_equal(rig.num_events, 0);
		assert_int_equal(RIG_COUNTER(unparsable), before + (num > 16));
	}
}

/* IPsec's authentication header hides nothing. */
static void test_authenticated4(void **state)
{
	static const uint8_t header[24] = { 6, 4 };
	uint8_t frame[RIG_FRAME_MAX];
	struct message_stream s = hello();
	uint16_t port;
	size_t len;

	(void)state;
	rig_begin();
	port = rig.next_port++;
	len = frame4(frame, port);
	len = insert(frame, len, ETHERNET_LEN + 20, header, sizeof(header));
	frame[ETHERNET_LEN + 9] = 51;
	rig_put16(frame + ETHERNET_LEN + 2, (uint16_t)(len - ETHERNET_LEN));
	rig_run(frame, len);
	expect_one(port, &s);
}

static void test_fragments(void **state)
{
	static const uint8_t fragment[] = { 6, 0, 0, 1, 0, 0, 0, 1 };
	uint8_t frame[RIG_FRAME_MAX];
	uint64_t before;
	size_t len;

	(void)state;
	rig_begin();
	before = RIG_COUNTER(fragments);
	len = frame4(frame, rig.next_port++);
	rig_put16(frame + ETHERNET_LEN + 6, 0x2000);
	rig_run(frame, len);
	rig_run(frame, frame6(frame, rig.next_port++, fragment, sizeof(fragment), 44));
	rig_drain();
	assert_int_equal(rig.num_events, 0);
	assert_int_equal(RIG_COUNTER(fragments), before + 2);
}

/* Lengths that lie, each alone. */
static void test_lying_lengths(void **state)
{
	static const struct { size_t at; uint8_t value; } lies[] = {
		{ ETHERNET_LEN, 0x44 }, { ETHERNET_LEN, 0x4f }, { ETHERNET_LEN + 2, 0xff },
		{ ETHERNET_LEN + 32, 0x40 }, { ETHERNET_LEN + 32, 0x00 },
	};
	uint8_t frame[RIG_FRAME_MAX];
	uint64_t before;

	(void)state;
	rig_begin();
	for (size_t i = 0; i < ARRAY_SIZE(lies); i++) {
		size_t len = frame4(frame, rig.next_port++);

		before = RIG_COUNTER(unparsable);
		frame[lies[i].at] = lies[i].value;
		rig_run(frame, len);
		rig_drain();
		assert_int_equal(rig.num_events, 0);
		/* With IHL 15 the "TCP header" lies within the hello: wrong, but whole. */
		if (lies[i].value != 0x4f)
			assert_int_equal(RIG_COUNTER(unparsable), before + 1);
	}
}

/* Every prefix, and many frames with bytes changed: whatever comes up is within its bounds. */
static void test_hostile_frames(void **state)
{
	uint8_t good[RIG_FRAME_MAX], frame[RIG_FRAME_MAX];
	uint32_t random = 12345;

	(void)state;
	rig_begin();
	for (int version = 4; version <= 6; version += 2) {
		size_t len = version == 4 ? frame4(good, rig.next_port++) :
					    frame6(good, rig.next_port++, NULL, 0, 6);

		/* A test run wants the IP header whole. */
		for (size_t cut = ETHERNET_LEN + (version == 4 ? 20 : 40); cut < len; cut++)
			rig_run(good, cut);
		for (int i = 0; i < 3000; i++) {
			memcpy(frame, good, len);
			for (int j = 0; j < 3; j++) {
				random = random * 1103515245 + 12345;
				frame[ETHERNET_LEN + (random >> 8) % (len - ETHERNET_LEN)] =
					(uint8_t)(random >> 24);
			}
			rig_run(frame, len);
			rig_drain();
			rig.num_events = 0;
		}
	}
	assert_int_equal(RIG_COUNTER(pieces),
			 RIG_COUNTER(pieces_delivered) + RIG_COUNTER(pieces_lost));
}

static void send_datagram(const void *data, size_t len)
{
	uint8_t frame[RIG_FRAME_MAX], *p = rig_ipv4(frame, true, IPPROTO_UDP, 8 + len);

	p = rig_put16(rig_put16(p, rig.next_port), 4433);
	p = rig_put(rig_put16(p, (uint16_t)(8 + len)), "\0", 2);
	rig_run(frame, (size_t)(rig_put(p, data, len) - frame));
	rig_drain();
}

static void test_datagrams(void **state)
{
	static const struct { const char *head; bool wanted; } cases[] = {
		{ "\x16\xfe\xff\x00\x00\x00\x00\x00\x00\x00\x00\x00\x80", true },   /* DTLS 1.0 */
		{ "\x16\xfe\xfd\x00\x00\x00\x00\x00\x00\x00\x00\x00\x80", true },   /* DTLS 1.2 */
		{ "\x15\xfe\xfd\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02", true },   /* its alert */
		{ "\x16\xfe\xfd\x00\x01\x00\x00\x00\x00\x00\x00\x00\x80", false },  /* encrypted */
		{ "\x17\xfe\xfd\x00\x00\x00\x00\x00\x00\x00\x00\x00\x80", false },
		{ "\x16\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x80", false },
		{ "\xc3\x00\x00\x00\x01\x08\x00\x00\x00\x00\x00\x00\x00", true },   /* QUIC 1 */
		{ "\xe3\x00\x00\x00\x01\x08\x00\x00\x00\x00\x00\x00\x00", true },   /* its Handshake */
		{ "\xd3\x00\x00\x00\x01\x08\x00\x00\x00\x00\x00\x00\x00", false },  /* its 0-RTT */
		{ "\xd0\x6b\x33\x43\xcf\x08\x00\x00\x00\x00\x00\x00\x00", true },   /* QUIC 2 */
		{ "\xe0\x6b\x33\x43\xcf\x08\x00\x00\x00\x00\x00\x00\x00", false },  /* its 0-RTT */
		{ "\xcf\xff\x00\x00\x1d\x08\x00\x00\x00\x00\x00\x00\x00", true },   /* draft 29 */
		{ "\x43\x00\x00\x00\x01\x08\x00\x00\x00\x00\x00\x00\x00", false },
	};
	uint8_t data[1200] = { 0 };

	(void)state;
	rig_begin();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		memcpy(data, cases[i].head, 13);
		rig.num_events = 0;
		send_datagram(data, sizeof(data));
		assert_int_equal(rig.num_events, cases[i].wanted);
		if (!cases[i].wanted)
			continue;
		assert_int_equal(rig.events[0].head.kind, EVENT_DATAGRAM);
		assert_int_equal(rig.events[0].head.l4, IPPROTO_UDP);
		assert_int_equal(rig.events[0].head.cap_len, sizeof(data));
		assert_int_equal(rig.events[0].head.wire_len, sizeof(data));
		assert_int_equal(rig.events[0].head.dport, 4433);
		assert_memory_equal(rig.events[0].payload, data, sizeof(data));
	}
	rig.num_events = 0;
	send_datagram(cases[0].head, 13);       /* a header, and nothing after it */
	send_datagram(cases[0].head, 0);
	assert_int_equal(rig.num_events, 0);
}

/* All programs let every packet pass, and the egress side of cgroups sees the same. */
static void test_verdicts(void **state)
{
	uint8_t frame[RIG_FRAME_MAX];
	struct message_stream s = hello();
	uint16_t port;
	size_t len;

	(void)state;
	rig_begin();
	port = rig.next_port++;
	len = frame4(frame, port);
	assert_int_equal(rig_run_program(rig.skel->progs.certtap_cg_out, frame, len), 1);
	expect_one(port, &s);
	assert_int_equal(rig.events[0].head.hook, EVENT_HOOK_CGROUP_EGRESS);
	assert_int_equal(rig_run_program(rig.skel->progs.certtap_cg_in, frame, len), 1);
	assert_int_equal(rig_run_program(rig.skel->progs.certtap_tc_out, frame, len), (uint32_t)-1);
	assert_int_equal(rig_run_program(rig.skel->progs.certtap_l3_in, frame, len), (uint32_t)-1);
	assert_int_equal(rig_run_program(rig.skel->progs.certtap_l3_out, frame, len), (uint32_t)-1);
	rig_drain();
	assert_int_equal(rig.num_events, 1);    /* the same packet again is no news */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vlan_tags),
		cmocka_unit_test(test_ip_options),
		cmocka_unit_test(test_tcp_options),
		cmocka_unit_test(test_padding),
		cmocka_unit_test(test_ipv6),
		cmocka_unit_test(test_many_extensions),
		cmocka_unit_test(test_authenticated4),
		cmocka_unit_test(test_fragments),
		cmocka_unit_test(test_lying_lengths),
		cmocka_unit_test(test_datagrams),
		cmocka_unit_test(test_verdicts),
		/* Last: it opens directions of any tuple. */
		cmocka_unit_test(test_hostile_frames),
	};

	return cmocka_run_group_tests(tests, rig_setup, rig_teardown);
}
