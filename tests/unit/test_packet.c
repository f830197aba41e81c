/* SPDX-License-Identifier: Apache-2.0 */
/* IP, its options and extension headers, fragments, TCP and UDP. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <netinet/in.h>

#include "tests/unit/frame.h"

#define V6(len, next) "60000000 " len " " next " 40 " FRAME_ADDRESSES6
#define PAD6 "0104 00000000 "          /* fills an options header up to eight bytes */
#define VIA6 "20010db80000000000000000000000ff "
#define END6 "20010db8000000000000000000000002 "

static const struct {
	const char *name;
	const char *frame;
	int version;
} good[] = {
	{ "IPv4", FRAME_TCP4, 4 },
	{ "IPv4, padding behind", FRAME_TCP4 "000000000000", 4 },
	{ "IPv4, options", "4700 0035 0001 4000 4006 0000 0a000001 0a000002 9404 0000 0101 0100 "
	  FRAME_TCP, 4 },
	{ "IPv4, total length 0", "4500 0000 0001 4000 4006 0000 0a000001 0a000002 " FRAME_TCP, 4 },
	{ "IPv4, authentication header", "4500 0045 0001 4000 4033 0000 0a000001 0a000002 "
	  "0604 0000 00000001 00000001 000102030405060708090a0b " FRAME_TCP, 4 },
	{ "IPv6", FRAME_TCP6, 6 },
	{ "IPv6, padding behind", FRAME_TCP6 "0000", 6 },
	{ "IPv6, hop-by-hop", V6("0021", "00") "0600 " PAD6 FRAME_TCP, 6 },
	{ "IPv6, destination options", V6("0021", "3c") "0600 " PAD6 FRAME_TCP, 6 },
	{ "IPv6, mobility", V6("0021", "87") "0600 00 00 0000 0000 " FRAME_TCP, 6 },
	{ "IPv6, authentication header", V6("0031", "33") "0604 0000 00000001 00000001 "
	  "000102030405060708090a0b " FRAME_TCP, 6 },
	{ "IPv6, atomic fragment", V6("0021", "2c") "0600 0000 00000007 " FRAME_TCP, 6 },
	{ "IPv6, three headers", V6("0031", "00") "3c00 " PAD6 "2c00 " PAD6 "0600 0006 00000007 "
	  FRAME_TCP, 6 },
	{ "IPv6, route that has been run", V6("0031", "2b") "0602 00 00 00000000 " VIA6
	  FRAME_TCP, 6 },
	{ "IPv6, jumbo payload", V6("0000", "00") "0600 c204 00010000 " FRAME_TCP, 6 },
	{ "IPv6, payload length 0", V6("0000", "06") FRAME_TCP, 6 },
	{ "IPv6, type 0 route", "60000000 0041 2b 40 20010db8000000000000000000000001 " VIA6
	  "0604 00 01 00000000 " VIA6 END6 FRAME_TCP, 6 },
	{ "IPv6, segment routing", "60000000 0041 2b 40 20010db8000000000000000000000001 " VIA6
	  "0604 04 01 01000000 " END6 VIA6 FRAME_TCP, 6 },
	{ "IPv6, home address", "60000000 0031 3c 40 " VIA6 "20010db8000000000000000000000002 "
	  "0602 0102 0000 c910 20010db8000000000000000000000001 " FRAME_TCP, 6 },
};

static const struct {
	const char *name;
	const char *frame;
	enum packet_kind kind;
} other[] = {
	{ "IPv4, header of four words",
	  "4400 002d 0001 4000 4006 0000 0a000001 0a000002 " FRAME_TCP,
	  PACKET_MALFORMED },
	{ "IPv4, total length within the header", "4500 0013 0001 4000 4006 0000 0a000001 0a000002 "
	  FRAME_TCP, PACKET_MALFORMED },
	{ "IPv4, options beyond the total length",
	  "4f00 002d 0001 4000 4006 0000 0a000001 0a000002 "
	  FRAME_TCP, PACKET_MALFORMED },
	{ "IPv4, ICMP", "4500 001c 0001 0000 4001 0000 0a000001 0a000002 0800 0000 0000 0000",
	  PACKET_IP_OTHER },
	{ "IPv4, protocol 0 is no option header", "4500 0024 0001 0000 4000 0000 0a000001 0a000002 "
	  "0600 " PAD6 "0000 0000 0000 0000", PACKET_IP_OTHER },
	{ "TCP, offset 4", FRAME_IPV4 "03e8 01bb 01020304 05060708 4018 ffff 0000 0000 68656c6c6f",
	  PACKET_MALFORMED },
	{ "TCP, offset beyond its end",
	  FRAME_IPV4 "03e8 01bb 01020304 05060708 f018 ffff 0000 0000 68656c6c6f",
	  PACKET_MALFORMED },
	{ "TCP, no room", "4500 0027 0001 4000 4006 0000 0a000001 0a000002 03e8 01bb 01020304 "
	  "05060708 5018 ffff 0000 00", PACKET_MALFORMED },
	{ "UDP, length 7", "4500 001c 0001 4000 4011 0000 0a000001 0a000002 03e8 0035 0007 0000",
	  PACKET_MALFORMED },
	{ "UDP, longer than IP", "4500 001c 0001 4000 4011 0000 0a000001 0a000002 03e8 0035 0009 "
	  "0000", PACKET_MALFORMED },
	{ "IPv6, nothing follows", V6("0000", "3b"), PACKET_IP_OTHER },
	{ "IPv6, ICMP", V6("0004", "3a") "8000 0000", PACKET_IP_OTHER },
	{ "IPv6, option header ends early", V6("0001", "00") "06", PACKET_MALFORMED },
	{ "IPv6, option header beyond the end", V6("0008", "00") "0601 " PAD6, PACKET_MALFORMED },
	{ "IPv6, fragment header ends early", V6("0007", "2c") "0600 0001 000000",
	  PACKET_MALFORMED },
	{ "IPv6, 18 headers", V6("0090", "3c")
	  "3c00 " PAD6 "3c00 " PAD6 "3c00 " PAD6 "3c00 " PAD6 "3c00 " PAD6 "3c00 " PAD6
	  "3c00 " PAD6 "3c00 " PAD6 "3c00 " PAD6 "3c00 " PAD6 "3c00 " PAD6 "3c00 " PAD6
	  "3c00 " PAD6 "3c00 " PAD6 "3c00 " PAD6 "3c00 " PAD6 "3c00 " PAD6 "3c00 " PAD6,
	  PACKET_MALFORMED },
};

static enum packet_kind parse(const struct frame_buffer *frame, size_t wire_len,
			      struct packet *packet)
{
	return packet_parse_ip(frame_bytes(frame), wire_len, packet);
}

static void test_good(void **state)
{
	struct packet packet;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		struct frame_buffer frame = { .len = 0 };

		frame_add(&frame, good[i].frame);
		if (parse(&frame, frame.len, &packet) != PACKET_TCP)
			fail_msg("%s", good[i].name);
		frame_assert_hello(&packet, good[i].version);
		assert_int_equal(packet.ip_protocol, IPPROTO_TCP);
	}
}

static void test_other(void **state)
{
	struct packet packet;
	enum packet_kind kind;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(other); i++) {
		struct frame_buffer frame = { .len = 0 };

		frame_add(&frame, other[i].frame);
		kind = parse(&frame, frame.len, &packet);
		if (kind != other[i].kind)
			fail_msg("%s: %d", other[i].name, kind);
	}
}

static void assert_within(struct bytes inner, const uint8_t *data, size_t len)
{
	assert_true(inner.data >= data && inner.data + inner.len <= data + len);
}

/* Every prefix as a cut frame and as a whole one; the payload never leaves what was captured. */
static void test_prefixes(void **state)
{
	struct packet packet;
	enum packet_kind kind;
	uint8_t *copy;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		struct frame_buffer frame = { .len = 0 };

		frame_add(&frame, good[i].frame);
		for (size_t n = 0; n < 2 * frame.len; n++) {
			copy = frame_copy(bytes_of(frame.data, n / 2));
			kind = packet_parse_ip(bytes_of(copy, n / 2),
					       n & 1 ? frame.len : n / 2, &packet);
			if (n & 1 && kind != PACKET_TCP && kind != PACKET_CUT)
				fail_msg("%s: %d with %zu bytes", good[i].name, kind, n / 2);
			if (kind <= PACKET_FRAGMENT)
				assert_within(packet.payload, copy, n / 2);
			free(copy);
		}
	}
}

/* The snap length took TCP's options: the segment's place and length are still known. */
static void test_cut_in_options(void **state)
{
	struct frame_buffer frame = { .len = 0 };
	struct packet packet;

	(void)state;
	frame_add(&frame, "4500 0060 0001 4000 4006 0000 0a000001 0a000002 "
			  "03e8 01bb 01020304 05060708 8018 ffff 0000 0000 0101 080a");
	assert_int_equal(parse(&frame, 96, &packet), PACKET_TCP);
	assert_int_equal(packet.payload.len, 0);
	assert_int_equal(packet.payload_cut, 96 - 20 - 32);
	assert_int_equal(packet.seq, 0x01020304);
}

/* The IP header says more than the frame's own length does: the rest was not captured. */
static void test_payload_cut_by_ip_length(void **state)
{
	struct frame_buffer frame = { .len = 0 };
	struct packet packet;

	(void)state;
	frame_add(&frame, "4500 012d 0001 4000 4006 0000 0a000001 0a000002 " FRAME_TCP);
	assert_int_equal(parse(&frame, frame.len, &packet), PACKET_TCP);
	assert_int_equal(packet.payload.len, FRAME_PAYLOAD_LEN);
	assert_int_equal(packet.payload_cut, 0x100);
	assert_int_equal(parse(&frame, 2, &packet), PACKET_TCP);  /* less than captured: ignored */
	assert_int_equal(packet.payload_cut, 0x100);
}

/* Offloaded segments of more than 64 KiB: the frame's length counts, and no sum wraps. */
static void test_huge(void **state)
{
	struct frame_buffer v4 = { .len = 0 }, v6 = { .len = 0 };
	struct packet packet;

	(void)state;
	frame_add(&v4, "4500 0000 0001 4000 4006 0000 0a000001 0a000002 " FRAME_TCP);
	assert_int_equal(parse(&v4, 200000, &packet), PACKET_TCP);
	assert_int_equal(packet.payload_cut, 200000 - 40 - FRAME_PAYLOAD_LEN);
	assert_int_equal(parse(&v4, SIZE_MAX, &packet), PACKET_TCP);
	assert_int_equal(packet.payload_cut, UINT32_MAX);

	frame_add(&v6, V6("0000", "00") "0600 c204 00011170 " FRAME_TCP);
	assert_int_equal(parse(&v6, 200000, &packet), PACKET_TCP);
	assert_int_equal(packet.payload_cut, 70000 - 8 - 20 - FRAME_PAYLOAD_LEN);
}

static void test_udp(void **state)
{
	static const char *const headers[] = {
		"03e8 0035 000b 0000 616263",           /* its own length */
		"03e8 0035 000b 0000 616263 0000",      /* less than IP's: the rest is not data */
		"03e8 0035 0000 0000 616263",           /* 0: all there is */
	};
	struct packet packet;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(headers); i++) {
		struct frame_buffer frame = { .len = 0 };

		frame_add(&frame, "4500 0000 0001 4000 4011 0000 0a000001 0a000002");
		frame_add(&frame, headers[i]);
		assert_int_equal(parse(&frame, frame.len, &packet), PACKET_UDP);
		assert_int_equal(packet.sport, 1000);
		assert_int_equal(packet.dport, 53);
		assert_int_equal(packet.seq | packet.ack | packet.tcp_flags, 0);
		assert_int_equal(packet.payload.len, 3);
		assert_memory_equal(packet.payload.data, "abc", 3);
	}
}

static void test_fragments(void **state)
{
	struct frame_buffer first = { .len = 0 }, last = { .len = 0 }, v6 = { .len = 0 };
	struct packet packet;

	(void)state;
	frame_add(&first, "4500 001c 1234 2000 4011 0000 0a000001 0a000002 0001020304050607");
	assert_int_equal(parse(&first, first.len, &packet), PACKET_FRAGMENT);
	assert_int_equal(packet.fragment.id, 0x1234);
	assert_int_equal(packet.fragment.offset, 0);
	assert_true(packet.fragment.more);
	assert_int_equal(packet.ip_protocol, IPPROTO_UDP);
	assert_int_equal(packet.payload.len, 8);

	frame_add(&last, "4500 0016 1234 1fff 4011 0000 0a000001 0a000002 0001");
	assert_int_equal(parse(&last, last.len, &packet), PACKET_FRAGMENT);
	assert_int_equal(packet.fragment.offset, 65528);
	assert_false(packet.fragment.more);
	assert_int_equal(packet.payload.len, 2);

	frame_add(&v6, V6("0010", "2c") "3c00 0009 89abcdef 0001020304050607");
	assert_int_equal(parse(&v6, v6.len, &packet), PACKET_FRAGMENT);
	assert_int_equal(packet.fragment.id, 0x89abcdef);
	assert_int_equal(packet.fragment.offset, 8);
	assert_true(packet.fragment.more);
	assert_int_equal(packet.ip_protocol, IPPROTO_DSTOPTS);
	assert_int_equal(packet.payload.len, 8);
}

/* What defrag.h joined may begin with further extension headers, but not with a fragment. */
static void test_transport(void **state)
{
	struct packet packet = { .ip_version = 6, .ip_protocol = IPPROTO_DSTOPTS,
				 .src = frame_address(6, 1), .dst = frame_address(6, 2) };
	struct frame_buffer whole = { .len = 0 }, nested = { .len = 0 };

	(void)state;
	frame_add(&whole, "0600 " PAD6 FRAME_TCP);
	assert_int_equal(packet_parse_transport(frame_bytes(&whole), whole.len, &packet),
			 PACKET_TCP);
	frame_assert_hello(&packet, 6);

	packet.ip_protocol = IPPROTO_FRAGMENT;
	frame_add(&nested, "0600 0001 00000001 " FRAME_TCP);
	assert_int_equal(packet_parse_transport(frame_bytes(&nested), nested.len, &packet),
			 PACKET_MALFORMED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_other),
		cmocka_unit_test(test_prefixes),
		cmocka_unit_test(test_cut_in_options),
		cmocka_unit_test(test_payload_cut_by_ip_length),
		cmocka_unit_test(test_huge),
		cmocka_unit_test(test_udp),
		cmocka_unit_test(test_fragments),
		cmocka_unit_test(test_transport),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
