/* SPDX-License-Identifier: Apache-2.0 */
/* Tunnels at interfaces, each kind, inside each other, and broken: bpf/tunnel.bpf.h. */
#include "tests/bpf/rig.h"
#include "tests/bpf/messages.h"

#define ETHERNET_LEN 14
#define ETHERTYPE_IPV4 0x0800
#define ETHERTYPE_IPV6 0x86dd

/* A packet grows from the inside: each header is put in front of what is there. */
struct made {
	uint8_t frame[RIG_FRAME_MAX];
	size_t at;                  /* where it begins now */
};

static const uint8_t *bytes_from(const struct made *m)
{
	return m->frame + m->at;
}

static size_t len_from(const struct made *m)
{
	return sizeof(m->frame) - m->at;
}

static void put_front(struct made *m, const void *bytes, size_t len)
{
	assert_true(len <= m->at);
	m->at -= len;
	memcpy(m->frame + m->at, bytes, len);
}

static void put_ethernet(struct made *m, uint16_t type)
{
	uint8_t h[ETHERNET_LEN] = { 2, [6] = 2, [11] = 1, (uint8_t)(type >> 8), (uint8_t)type };

	put_front(m, h, sizeof(h));
}

/* `host`: the last byte of both addresses is made of it, so that layers differ. */
static void put_ip(struct made *m, int version, uint8_t protocol, uint8_t host)
{
	uint8_t v4[20] = { 0x45, [6] = 0x40, [8] = 64, protocol, [12] = 10, [15] = host, [16] = 10, [19] = host + 1 };
	uint8_t v6[40] = { 0x60, [6] = protocol, 64, 0x20, 1, 0xd, 0xb8, [23] = host, 0x20, 1, 0xd, 0xb8,
			   [39] = host + 1 };

	rig_put16(v4 + 2, (uint16_t)(sizeof(v4) + len_from(m)));
	rig_put16(v6 + 4, (uint16_t)len_from(m));
	put_front(m, version == 4 ? v4 : v6, version == 4 ? sizeof(v4) : sizeof(v6));
}

static void put_udp(struct made *m, uint16_t port)
{
	uint8_t h[8] = { 0x9c, 0x40 };

	rig_put16(rig_put16(h + 2, port), (uint16_t)(sizeof(h) + len_from(m)));
	put_front(m, h, sizeof(h));
}

static struct message_stream hello(void)
{
	struct message_stream s = { .len = 0 };

	put_message(&s, 1, 180);
	return s;
}

/* A ClientHello from a fresh port, which it returns, over IP of this version. */
static uint16_t begin_hello(struct made *m, int version)
{
	struct message_stream s = hello();
	uint8_t tcp[20];
	uint16_t port = rig.next_port++;

	m->at = sizeof(m->frame);
	put_front(m, s.data, s.len);
	rig_tcp(tcp, port, 9808, 5000, 6000, TCP_ACK);
	put_front(m, tcp, sizeof(tcp));
	put_ip(m, version, IPPROTO_TCP, 1);
	return port;
}

static void run(const struct made *m)
{
	rig.num_events = 0;
	rig_run(bytes_from(m), len_from(m));
	rig_drain();
}

/* Exactly the hello came up, with the innermost addresses. */
static void expect_hello(uint16_t port, int version)
{
	static const uint8_t client4[16] = { [10] = 0xff, 0xff, 10, 0, 0, 1 };
	static const uint8_t client6[16] = { 0x20, 1, 0xd, 0xb8, [15] = 1 };
	struct message_stream s = hello();

	assert_int_equal(rig.num_events, 1);
	assert_int_equal(rig.events[0].head.kind, EVENT_DATA);
	assert_int_equal(rig.events[0].head.sport, port);
	assert_int_equal(rig.events[0].head.dport, 9808);
	assert_int_equal(rig.events[0].head.seq, 5000);
	assert_memory_equal(rig.events[0].head.saddr, version == 4 ? client4 : client6, 16);
	assert_int_equal(rig.events[0].head.wire_len, s.len);
	assert_int_equal(rig.events[0].head.cap_len, s.len);
	assert_memory_equal(rig.events[0].payload, s.data, s.len);
}

/* What stands between the inner packet and the outer IP header. */
struct kind {
	const char *name;
	uint8_t outer;              /* IP version */
	uint8_t inner;
	uint8_t protocol;
	uint16_t port;              /* UDP; 0: right on IP */
	uint16_t ethernet;          /* the inner Ethernet's type; 0: none */
	const char *head;
	size_t head_len;
};
#define HEAD(text) text, sizeof(text) - 1
#define GTP_PORT 2152
#define ZEROS4 "\0\0\0\0"
#define VLAN_IPV4 "\0\7\x08\0"

static const struct kind kinds[] = {
	{ "IPIP", 4, 4, 4, 0, 0, HEAD("") },
	{ "6in4", 4, 6, 41, 0, 0, HEAD("") },
	{ "4in6", 6, 4, 4, 0, 0, HEAD("") },
	{ "6in6", 6, 6, 41, 0, 0, HEAD("") },
	{ "6in6 behind an encapsulation limit", 6, 6, 60, 0, 0, HEAD("\x29\0\4\1\4\1\1\0") },
	{ "GRE", 4, 4, 47, 0, 0, HEAD("\0\0\x08\0") },
	{ "GRE over IPv6", 6, 4, 47, 0, 0, HEAD("\0\0\x08\0") },
	{ "GRE around IPv6", 4, 6, 47, 0, 0, HEAD("\0\0\x86\xdd") },
	{ "GRE, checksum", 4, 4, 47, 0, 0, HEAD("\x80\0\x08\0" ZEROS4) },
	{ "GRE, key", 4, 4, 47, 0, 0, HEAD("\x20\0\x08\0\0\0\0\7") },
	{ "GRE, sequence", 4, 4, 47, 0, 0, HEAD("\x10\0\x08\0\0\0\0\7") },
	{ "GRE, all three", 4, 6, 47, 0, 0, HEAD("\xb0\0\x86\xdd" ZEROS4 "\0\0\0\7\0\0\0\1") },
	{ "GRE, Ethernet", 4, 4, 47, 0, ETHERTYPE_IPV4, HEAD("\0\0\x65\x58") },
	{ "NVGRE", 4, 4, 47, 0, ETHERTYPE_IPV4, HEAD("\x20\0\x65\x58\0\x10\1\7") },
	{ "ERSPAN I", 4, 4, 47, 0, ETHERTYPE_IPV4, HEAD("\0\0\x88\xbe") },
	{ "ERSPAN II", 4, 6, 47, 0, ETHERTYPE_IPV6, HEAD("\x10\0\x88\xbe\0\0\0\5\x10\x64\0\x0a\0\0\0\3") },
	{ "ERSPAN III", 4, 4, 47, 0, ETHERTYPE_IPV4, HEAD("\x10\0\x22\xeb\0\0\0\6\x20\x64\0\x0a\1\2\3\4\0\0\0\0") },
	{ "ERSPAN III, platform", 4, 4, 47, 0, ETHERTYPE_IPV4,
	  HEAD("\x10\0\x22\xeb\0\0\0\6\x20\x64\0\x0a\1\2\3\4\0\0\0\1" ZEROS4 ZEROS4) },
	{ "ERSPAN III, IP", 4, 6, 47, 0, 0, HEAD("\x10\0\x22\xeb\0\0\0\6\x20\x64\0\x0a\1\2\3\4\0\0\x08\0") },
	{ "VXLAN", 4, 4, 17, 4789, ETHERTYPE_IPV4, HEAD("\x08\0\0\0\0\0\5\0") },
	{ "VXLAN over IPv6", 6, 6, 17, 4789, ETHERTYPE_IPV6, HEAD("\x08\0\0\0\0\0\5\0") },
	{ "VXLAN, the old port", 4, 4, 17, 8472, ETHERTYPE_IPV4, HEAD("\x08\0\0\0\0\0\5\0") },
	{ "VXLAN with a group policy", 4, 4, 17, 4789, ETHERTYPE_IPV4, HEAD("\x88\x48\0\5\0\0\5\0") },
	{ "VXLAN-GPE, IPv6", 4, 6, 17, 4790, 0, HEAD("\x0c\0\0\2\0\0\5\0") },
	{ "VXLAN-GPE, IPv4", 4, 4, 17, 4790, 0, HEAD("\x0c\0\0\1\0\0\5\0") },
	{ "VXLAN-GPE, Ethernet", 4, 4, 17, 4790, ETHERTYPE_IPV4, HEAD("\x0c\0\0\3\0\0\5\0") },
	{ "GENEVE", 4, 4, 17, 6081, ETHERTYPE_IPV4, HEAD("\0\0\x65\x58\0\0\5\0") },
	{ "GENEVE, IPv6 in it", 4, 6, 17, 6081, 0, HEAD("\0\0\x86\xdd\0\0\5\0") },
	{ "GENEVE, OAM, critical, an option", 6, 4, 17, 6081, ETHERTYPE_IPV4,
	  HEAD("\2\xc0\x65\x58\0\0\5\0\1\2\x80\1\xde\xad\xbe\xef") },
	{ "GTP-U", 4, 4, 17, GTP_PORT, 0, HEAD("\x30\xff\0\0\0\0\0\1") },
	{ "GTP-U, sequence number", 6, 6, 17, GTP_PORT, 0, HEAD("\x32\xff\0\0\0\0\0\1\0\7\0\x85") },
	{ "GTP-U, two extensions", 4, 6, 17, GTP_PORT, 0,
	  HEAD("\x34\xff\0\0\0\0\0\1\0\0\0\x85\1\x10\x09\xc0\2\0\0\0\0\0\0\0") },
	{ "GTP-U, Ethernet", 4, 4, 17, GTP_PORT, ETHERTYPE_IPV4, HEAD("\x30\xff\0\0\0\0\0\1") },
	{ "TZSP", 4, 4, 17, 37008, ETHERTYPE_IPV4, HEAD("\1\0\0\1\x0a\1\xc5\0\1") },
	{ "MPLS in IP", 4, 4, 137, 0, 0, HEAD("\0\1\1\x40") },
	{ "MPLS in GRE", 4, 6, 47, 0, 0, HEAD("\0\0\x88\x47\0\1\0\x40\0\2\1\x40") },
	{ "PPPoE in GRE", 4, 4, 47, 0, 0, HEAD("\0\0\x88\x64\x11\0\0\7\1\0\0\x21") },
};

static void put_kind(struct made *m, const struct kind *k, uint8_t host)
{
	if (k->ethernet)
		put_ethernet(m, k->ethernet);
	put_front(m, k->head, k->head_len);
	if (k->port == GTP_PORT)
		rig_put16(m->frame + m->at + 2, (uint16_t)(len_from(m) - 8));
	if (k->port)
		put_udp(m, k->port);
	put_ip(m, k->outer, k->protocol, host);
}

static void put_link(struct made *m, uint8_t version)
{
	put_ethernet(m, version == 4 ? ETHERTYPE_IPV4 : ETHERTYPE_IPV6);
}

static void test_kinds(void **state)
{
	struct made m;

	(void)state;
	rig_begin();
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		uint16_t port = begin_hello(&m, kinds[i].inner);

		print_message("%s\n", kinds[i].name);
		put_kind(&m, &kinds[i], 101);
		put_link(&m, kinds[i].outer);
		run(&m);
		expect_hello(port, kinds[i].inner);
	}
}

/* Ethernet inside, with tags of its own, and outside; an inner frame's padding is not its payload. */
static void test_tags_and_padding(void **state)
{
	struct made m;
	uint16_t port;

	(void)state;
	rig_begin();
	port = begin_hello(&m, 4);
	memmove(m.frame + m.at - 6, m.frame + m.at, len_from(&m));   /* six bytes behind the inner packet */
	m.at -= 6;
	put_front(&m, "\0\6\x81\0" VLAN_IPV4, 8);
	put_ethernet(&m, 0x88a8);
	put_front(&m, "\x08\0\0\0\0\0\5\0", 8);
	put_udp(&m, 4789);
	put_ip(&m, 4, IPPROTO_UDP, 101);
	put_front(&m, "\0\6\x91\0" VLAN_IPV4, 8);
	put_ethernet(&m, 0x8100);
	run(&m);
	expect_hello(port, 4);
}

/* What stands below IP, behind the link header. */
struct layer {
	const char *name;
	uint8_t inner;
	uint16_t type;
	uint16_t ethernet;          /* of the inner Ethernet; 0: none */
	const char *head;
	size_t head_len;
};

static const struct layer layers[] = {
	{ "MPLS", 4, 0x8847, 0, HEAD("\0\1\1\x40") },
	{ "MPLS, 16 labels", 6, 0x8848, 0,
	  HEAD(ZEROS4 ZEROS4 ZEROS4 ZEROS4 ZEROS4 ZEROS4 ZEROS4 ZEROS4 ZEROS4 ZEROS4 ZEROS4 ZEROS4 ZEROS4 ZEROS4 ZEROS4
	       "\0\1\1\x40") },
	{ "a pseudowire", 4, 0x8847, ETHERTYPE_IPV4, HEAD("\0\1\1\x40") },
	{ "a pseudowire with a control word", 4, 0x8847, ETHERTYPE_IPV4, HEAD("\0\1\1\x40" ZEROS4) },
	{ "a tag in a pseudowire", 4, 0x8847, 0x8100, HEAD("\0\1\1\x40" ZEROS4) },
	{ "PPPoE", 4, 0x8864, 0, HEAD("\x11\0\0\7\1\0\0\x21") },
	{ "PPPoE, IPv6, short protocol", 6, 0x8864, 0, HEAD("\x11\0\0\7\1\0\x57") },
	{ "PPPoE behind a tag", 4, 0x8100, 0, HEAD("\0\7\x88\x64\x11\0\0\7\1\0\0\x21") },
	{ "802.1ah", 4, 0x88e7, ETHERTYPE_IPV4, HEAD("\0\0\x12\x34") },
	{ "802.1ah behind its own tag", 6, 0x88a8, ETHERTYPE_IPV6, HEAD("\0\5\x88\xe7\0\0\x12\x34") },
	{ "802.1BR", 4, 0x893f, 0, HEAD("\0\0\0\0\0\0\x08\0") },
	{ "VN-tag", 4, 0x8926, 0, HEAD("\0\0\0\0\x08\0") },
};

static void put_layer(struct made *m, const struct layer *l)
{
	if (l->ethernet == 0x8100)
		put_front(m, VLAN_IPV4, 4);
	if (l->ethernet)
		put_ethernet(m, l->ethernet);
	put_front(m, l->head, l->head_len);
	put_ethernet(m, l->type);
}

/* Layers are no tunnels: four of those may stand behind each. Cut in the header, it is told. */
static void test_layers(void **state)
{
	struct made m;

	(void)state;
	rig_begin();
	for (size_t i = 0; i < ARRAY_SIZE(layers); i++) {
		uint16_t port = begin_hello(&m, layers[i].inner);

		put_layer(&m, &layers[i]);
		run(&m);
		expect_hello(port, layers[i].inner);
		for (size_t cut = ETHERNET_LEN; cut < len_from(&m); cut++) {
			uint64_t before = RIG_COUNTER(unparsable);

			rig.num_events = 0;
			rig_run(bytes_from(&m), cut);
			rig_drain();
			assert_int_equal(rig.num_events, 0);
			assert_int_equal(RIG_COUNTER(unparsable), before + 1);
		}
		port = begin_hello(&m, 4);
		for (size_t n = 0; n < 4; n++) {
			if (n == 3 && layers[i].inner == 6)
				put_kind(&m, &kinds[2], 107);
			else
				put_kind(&m, &kinds[0], (uint8_t)(101 + 2 * n));
		}
		put_layer(&m, &layers[i]);
		run(&m);
		expect_hello(port, 4);
	}
}

/* The outer IP header has options, so that the slow way is the first one. */
static void test_outer_options(void **state)
{
	struct made m;
	uint16_t port;

	(void)state;
	rig_begin();
	port = begin_hello(&m, 4);
	put_front(&m, "\0\0\x08\0", 4);
	put_front(&m, "\1\1\1\1", 4);
	put_ip(&m, 4, IPPROTO_GRE, 101);
	m.frame[m.at] = 0x46;
	put_link(&m, 4);
	run(&m);
	expect_hello(port, 4);
}

/* All kinds inside each other; what is deeper than allowed is counted. */
static void test_depth(void **state)
{
	struct made m;

	(void)state;
	rig_begin();
	for (size_t first = 0; first < ARRAY_SIZE(kinds); first++) {
		for (size_t depth = 1; depth <= 6; depth++) {
			uint64_t before = RIG_COUNTER(too_deep);
			uint16_t port = begin_hello(&m, 4);
			uint8_t version = 4;

			for (size_t at = first, made = 0; made < depth; at++) {
				const struct kind *k = &kinds[at % ARRAY_SIZE(kinds)];

				if (k->inner != version)
					continue;
				put_kind(&m, k, (uint8_t)(101 + 2 * made++));
				version = k->outer;
			}
			put_link(&m, version);
			run(&m);
			if (depth <= 4)
				expect_hello(port, 4);
			else
				assert_int_equal(rig.num_events, 0);
			assert_int_equal(RIG_COUNTER(too_deep), before + (depth > 4));
		}
	}
}

/* Cut at every byte: nothing comes up, and wherever a header is broken it is told. */
static void test_cut(void **state)
{
	struct made m;

	(void)state;
	rig_begin();
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		size_t outer = ETHERNET_LEN + (kinds[i].outer == 4 ? 20 : 40);

		begin_hello(&m, kinds[i].inner);
		put_kind(&m, &kinds[i], 101);
		put_link(&m, kinds[i].outer);
		for (size_t cut = outer; cut < len_from(&m); cut++) {
			uint64_t before = RIG_COUNTER(unparsable);

			rig.num_events = 0;
			rig_run(bytes_from(&m), cut);
			rig_drain();
			assert_int_equal(rig.num_events, 0);
			assert_int_equal(RIG_COUNTER(unparsable), before + 1);
		}
	}
}

/* The same, but the outer packet is whole and says so: what is inside does not fit. */
static void test_inner_too_long(void **state)
{
	static const struct { size_t kind, len; } cuts[] = {
		{ 0, 0 }, { 0, 19 }, { 0, 40 }, { 5, 0 }, { 5, 3 }, { 5, 20 }, { 10, 6 }, { 15, 11 }, { 15, 20 },
		{ 16, 19 }, { 17, 27 }, { 19, 15 }, { 19, 21 }, { 19, 40 }, { 28, 15 }, { 28, 50 },
	};
	struct made m, cut;
	uint64_t before;

	(void)state;
	rig_begin();
	for (size_t i = 0; i < ARRAY_SIZE(cuts); i++) {
		const struct kind *k = &kinds[cuts[i].kind];

		begin_hello(&m, k->inner);
		if (k->ethernet)
			put_ethernet(&m, k->ethernet);
		put_front(&m, k->head, k->head_len);
		cut.at = sizeof(cut.frame);
		put_front(&cut, bytes_from(&m), cuts[i].len);
		if (k->port)
			put_udp(&cut, k->port);
		put_ip(&cut, k->outer, k->protocol, 101);
		put_link(&cut, k->outer);
		before = RIG_COUNTER(unparsable);
		/* behind the packet stands what it lacks, as padding would */
		memcpy(m.frame, bytes_from(&cut), len_from(&cut));
		memset(m.frame + len_from(&cut), 0, 64);
		rig.num_events = 0;
		rig_run(m.frame, len_from(&cut) + 64);
		rig_drain();
		assert_int_equal(rig.num_events, 0);
		assert_int_equal(RIG_COUNTER(unparsable), before + 1);
	}
}

/* Headers that are not what they should be: for GRE that is told, for UDP it is a datagram like others. */
static void test_refused(void **state)
{
	static const struct kind refused[] = {
		{ "GRE with a source route", 4, 4, 47, 0, 0, HEAD("\x40\0\x08\0") },
		{ "PPTP", 4, 4, 47, 0, 0, HEAD("\x30\1\x88\x0b" ZEROS4 ZEROS4) },
		{ "ERSPAN II of version 0", 4, 4, 47, 0, ETHERTYPE_IPV4,
		  HEAD("\x10\0\x88\xbe\0\0\0\5\0\x64\0\x0a\0\0\0\3") },
		{ "IPv6 said, IPv4 there", 4, 4, 47, 0, 0, HEAD("\0\0\x86\xdd") },
		{ "IPv4 said, IPv6 there", 4, 6, 4, 0, 0, HEAD("") },
		{ "GTP-U, extensions without end", 4, 4, 17, GTP_PORT, 0,
		  HEAD("\x34\xff\0\0\0\0\0\1\0\0\0\x85\0\0\0\1") },
		{ "MPLS without a last label", 4, 4, 47, 0, 0,
		  HEAD("\0\0\x88\x47" ZEROS4 ZEROS4 ZEROS4 ZEROS4 ZEROS4 ZEROS4 ZEROS4 ZEROS4 ZEROS4 ZEROS4 ZEROS4 ZEROS4
		       ZEROS4 ZEROS4 ZEROS4 ZEROS4) },
		{ "too many tags", 4, 4, 47, 0, 0x8100,
		  HEAD("\0\0\x65\x58") },
	};
	static const struct kind datagrams[] = {
		{ "VXLAN without the flag", 4, 4, 17, 4789, ETHERTYPE_IPV4, HEAD("\0\0\0\0\0\0\5\0") },
		{ "VXLAN, reserved", 4, 4, 17, 4789, ETHERTYPE_IPV4, HEAD("\x08\0\0\0\0\0\5\1") },
		{ "GTP-U, control", 4, 4, 17, GTP_PORT, 0, HEAD("\x30\1\0\0\0\0\0\1") },
		{ "TZSP, 802.11", 4, 4, 17, 37008, 0, HEAD("\1\0\0\x12\1") },
		{ "GENEVE 1", 4, 4, 17, 6081, ETHERTYPE_IPV4, HEAD("\x40\0\x65\x58\0\0\5\0") },
		{ "another port", 4, 4, 17, 4788, ETHERTYPE_IPV4, HEAD("\x08\0\0\0\0\0\5\0") },
		{ "ESP", 4, 4, 50, 0, 0, HEAD("") },
		{ "ARP in GRE", 4, 4, 47, 0, 0x0806, HEAD("\0\0\x65\x58") },
	};
	struct made m;
	uint64_t before;

	(void)state;
	rig_begin();
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		begin_hello(&m, refused[i].inner);
		for (int tag = 0; tag < 8 && refused[i].ethernet == 0x8100; tag++)
			put_front(&m, "\0\7\x81\0", 4);
		put_kind(&m, &refused[i], 101);
		put_link(&m, refused[i].outer);
		before = RIG_COUNTER(unparsable);
		run(&m);
		assert_int_equal(rig.num_events, 0);
		assert_int_equal(RIG_COUNTER(unparsable), before + 1);
	}
	for (size_t i = 0; i < ARRAY_SIZE(datagrams); i++) {
		begin_hello(&m, datagrams[i].inner);
		put_kind(&m, &datagrams[i], 101);
		put_link(&m, datagrams[i].outer);
		before = RIG_COUNTER(unparsable);
		run(&m);
		assert_int_equal(rig.num_events, 0);
		assert_int_equal(RIG_COUNTER(unparsable), before);
	}
}

#define DATAGRAM_LEN 100

/* `num` datagrams of DTLS in one, as segmentation offload has them. */
static void put_datagrams(struct made *m, uint16_t port, size_t num)
{
	uint8_t data[DATAGRAM_LEN] = "\x16\xfe\xfd\x00\x00\x00\x00\x00\x00\x00\x00\x00\x50";

	m->at = sizeof(m->frame);
	for (; num > 0; num--) {
		data[DATAGRAM_LEN - 1] = (uint8_t)num;
		put_front(m, data, sizeof(data));
	}
	put_udp(m, port);
	put_ip(m, 4, IPPROTO_UDP, 1);
}

/* DTLS: in a tunnel, and on a tunnel's port without one, outside and inside. */
static void test_datagrams(void **state)
{
	static const uint16_t ports[] = { 4433, 4789, 8472, 4790, 6081, 37008, GTP_PORT };
	struct made m;

	(void)state;
	rig_begin();
	for (size_t i = 0; i < ARRAY_SIZE(ports); i++) {
		for (size_t depth = 0; depth <= 4; depth++) {
			put_datagrams(&m, ports[i], 1);
			for (size_t n = 0; n < depth; n++)
				put_kind(&m, &kinds[n % 2 ? 19 : 5], (uint8_t)(101 + 2 * n));
			put_link(&m, 4);
			run(&m);
			assert_int_equal(rig.num_events, 1);
			assert_int_equal(rig.events[0].head.kind, EVENT_DATAGRAM);
			assert_int_equal(rig.events[0].head.dport, ports[i]);
			assert_int_equal(rig.events[0].head.saddr[15], 1);
			assert_int_equal(rig.events[0].head.wire_len, DATAGRAM_LEN);
			assert_int_equal(rig.events[0].head.cap_len, DATAGRAM_LEN);
		}
	}
}

/* As run(), for a packet that the kernel would still cut into pieces of this size. */
static void run_gso(const struct made *m, uint32_t size)
{
	struct __sk_buff context = { .gso_size = size, .gso_segs = 3 };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = bytes_from(m), .data_size_in = (uint32_t)len_from(m),
		    .ctx_in = &context, .ctx_size_in = sizeof(context), .repeat = 1);

	rig.num_events = 0;
	assert_int_equal(bpf_prog_test_run_opts(bpf_program__fd(rig.skel->progs.certtap_tc_in), &opts), 0);
	rig_drain();
}

/* Segmentation offload: the size is that of the innermost datagrams; where it is that of the outer ones, no cut. */
static void test_datagrams_offloaded(void **state)
{
	struct made m;

	(void)state;
	rig_begin();
	for (size_t tunnels = 0; tunnels <= 2; tunnels++) {
		put_datagrams(&m, 4433, 3);
		for (size_t n = 0; n < tunnels; n++)
			put_kind(&m, &kinds[19], (uint8_t)(101 + 2 * n));
		put_link(&m, 4);
		run_gso(&m, DATAGRAM_LEN);
		assert_int_equal(rig.num_events, 3);
		for (size_t i = 0; i < 3; i++) {
			assert_int_equal(rig.events[i].head.cap_len, DATAGRAM_LEN);
			assert_int_equal(rig.events[i].payload[DATAGRAM_LEN - 1], i + 1);
		}
	}
	put_datagrams(&m, 4433, 1);
	put_ethernet(&m, ETHERTYPE_IPV4);
	put_front(&m, "\x08\0\0\0\0\0\5\0", 8);
	memmove(m.frame + m.at - len_from(&m), m.frame + m.at, len_from(&m));   /* the same again, behind it */
	m.at -= len_from(&m);
	put_udp(&m, 4789);
	put_ip(&m, 4, IPPROTO_UDP, 101);
	put_link(&m, 4);
	run_gso(&m, 8 + ETHERNET_LEN + 20 + 8 + DATAGRAM_LEN);
	assert_int_equal(rig.num_events, 1);
	assert_int_equal(rig.events[0].head.wire_len, DATAGRAM_LEN);
}

static void test_fragments(void **state)
{
	struct made m;
	uint64_t before;

	(void)state;
	rig_begin();
	before = RIG_COUNTER(fragments);
	begin_hello(&m, 4);
	m.frame[m.at + 6] = 0x20;       /* the inner one is a fragment */
	put_kind(&m, &kinds[5], 101);
	put_link(&m, 4);
	run(&m);
	assert_int_equal(rig.num_events, 0);
	begin_hello(&m, 4);
	put_kind(&m, &kinds[5], 101);
	m.frame[m.at + 6] = 0x20;       /* the outer one */
	put_link(&m, 4);
	run(&m);
	assert_int_equal(rig.num_events, 0);
	assert_int_equal(RIG_COUNTER(fragments), before + 2);
}

/* A socket's own packets have no tunnel around them: there it is not looked for. */
static void test_not_by_cgroup(void **state)
{
	struct made m;

	(void)state;
	rig_begin();
	begin_hello(&m, 4);
	put_kind(&m, &kinds[5], 101);
	put_link(&m, 4);
	assert_int_equal(rig_run_program(rig.skel->progs.certtap_cg_out, bytes_from(&m), len_from(&m)), 1);
	rig_drain();
	assert_int_equal(rig.num_events, 0);
}

/* Bytes changed at random: whatever comes up is within its bounds, which the rig looks at. */
static void test_hostile(void **state)
{
	struct made good, m;
	uint32_t random = 54321;

	(void)state;
	rig_begin();
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		begin_hello(&good, kinds[i].inner);
		put_kind(&good, &kinds[i], 101);
		put_link(&good, kinds[i].outer);
		for (int n = 0; n < 1000; n++) {
			m = good;
			for (int j = 0; j < 3; j++) {
				random = random * 1103515245 + 12345;
				m.frame[m.at + ETHERNET_LEN + (random >> 8) % 100] = (uint8_t)(random >> 24);
			}
			run(&m);
		}
	}
	assert_int_equal(RIG_COUNTER(pieces), RIG_COUNTER(pieces_delivered) + RIG_COUNTER(pieces_lost));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_tags_and_padding),
		cmocka_unit_test(test_layers),
		cmocka_unit_test(test_outer_options),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_inner_too_long),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_datagrams),
		cmocka_unit_test(test_datagrams_offloaded),
		cmocka_unit_test(test_fragments),
		cmocka_unit_test(test_not_by_cgroup),
		/* Last: it opens directions of any tuple. */
		cmocka_unit_test(test_hostile),
	};

	return cmocka_run_group_tests(tests, rig_setup, rig_teardown);
}
