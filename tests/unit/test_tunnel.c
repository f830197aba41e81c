/* SPDX-License-Identifier: Apache-2.0 */
/* Every tunnel leads to the packet inside; ordinary datagrams are no tunnels. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <netinet/in.h>

#include "parsers/tunnel.h"
#include "tests/unit/frame.h"

#define ETHERNET FRAME_MACS "0800 "
#define TEREDO6 "60000000 0019 06 40 20010000000000000000000000000001 " \
	"20010db8000000000000000000000002 " FRAME_TCP
#define PAIR(a, b) ((uint32_t)(a) << 16 | (b))   /* source and destination port */

static const struct {
	const char *name;
	uint8_t protocol;
	uint32_t ports;
	const char *headers;
	int version;
} good[] = {
	{ "ipip", 4, 0, "", 4 },
	{ "6in4", 41, 0, "", 6 },
	{ "gre", 47, 0, "0000 0800", 4 },
	{ "gre", 47, 0, "b000 86dd 00000000 00000001 00000002", 6 },
	{ "gre", 47, 0, "2000 6558 00123400 " ETHERNET, 4 },
	{ "gre", 47, 0, "0000 8847 00064140", 4 },
	{ "gre", 47, 0, "0000 8100 0064 0800", 4 },
	{ "erspan", 47, 0, "0000 88be " ETHERNET, 4 },
	{ "erspan", 47, 0, "1000 88be 00000001 10640001 00000000 " ETHERNET, 4 },
	{ "erspan", 47, 0, "1000 22eb 00000001 20640001 00000000 00000000 " ETHERNET, 4 },
	{ "erspan", 47, 0, "1000 22eb 00000001 20640001 00000000 00008001 0000000000000000 "
	  ETHERNET, 4 },
	{ "erspan", 47, 0, "1000 22eb 00000001 20640001 00000000 00000800", 4 },
	{ "wccp", 47, 0, "0000 883e", 4 },
	{ "wccp", 47, 0, "0000 883e 00000000", 4 },
	{ "pptp", 47, 0, "3001 880b 0031 0001 00000001 ff03 0021", 4 },
	{ "pptp", 47, 0, "3081 880b 002e 0001 00000001 00000001 21", 4 },
	{ "etherip", 97, 0, "3000 " ETHERNET, 4 },
	{ "mpls", 137, 0, "00064140", 4 },
	{ "srv6", 143, 0, ETHERNET, 4 },
	{ "l2tpv3", 115, 0, "00000001 " ETHERNET, 4 },
	{ "l2tpv3", 115, 0, "00000001 0123456789abcdef 00000000 " ETHERNET, 4 },
	{ "vxlan", 17, PAIR(50000, 4789), "08000000 00123400 " ETHERNET, 4 },
	{ "vxlan", 17, PAIR(50000, 4789), "88000064 00123400 " ETHERNET, 4 },
	{ "vxlan", 17, PAIR(50000, 8472), "08000000 00123400 " FRAME_MACS "8100 0064 86dd", 6 },
	{ "vxlan", 17, PAIR(50000, 4790), "0c000001 00123400", 4 },
	{ "vxlan", 17, PAIR(50000, 4790), "0c000003 00123400 " ETHERNET, 4 },
	{ "vxlan", 17, PAIR(50000, 4790), "0c000004 00123400 0fc20201 00000101", 4 },
	{ "vxlan", 17, PAIR(50000, 4790), "0c000005 00123400 00064140", 4 },
	{ "vxlan", 17, PAIR(50000, 51234), "08000000 00123400 " ETHERNET, 4 },
	{ "geneve", 17, PAIR(50000, 6081), "0000 6558 00123400 " ETHERNET, 4 },
	{ "geneve", 17, PAIR(50000, 6081), "0240 0800 00123400 0102800100000000", 4 },
	{ "gtp", 17, PAIR(2152, 2152), "30ff 002d 00000001", 4 },
	{ "gtp", 17, PAIR(2152, 40000), "32ff 0031 00000001 00010000", 4 },
	{ "gtp", 17, PAIR(2152, 2152), "34ff 0039 00000001 00000085 01 0000 40 01 0000 00", 4 },
	{ "gtp", 17, PAIR(2152, 2152), "30ff 003b 00000001 " ETHERNET, 4 },
	{ "l2tp", 17, PAIR(1701, 1701), "0002 0001 0002 ff03 0021", 4 },
	{ "l2tp", 17, PAIR(1701, 1701), "4802 0051 0001 0002 0000 0001 ff03 0057", 6 },
	{ "l2tp", 17, PAIR(1701, 1701), "0202 0001 0002 0003 000000 21", 4 },
	{ "l2tpv3", 17, PAIR(1701, 1701), "00030000 00000001 " ETHERNET, 4 },
	{ "l2tpv3", 17, PAIR(1701, 1701), "00030000 00000001 01234567 " ETHERNET, 4 },
	{ "teredo", 17, PAIR(50000, 3544), "", 6 },
	{ "teredo", 17, PAIR(3544, 50000), "0001 0000 0102030405060708 00 0000 1234 0a000001", 6 },
	{ "tzsp", 17, PAIR(50000, 37008), "0100 0001 00 0a01c3 01 " ETHERNET, 4 },
	{ "tzsp", 17, PAIR(50000, 37008), "0101 0012 01 0801 0000 020000000001 020000000002 "
	  "020000000003 1000 aaaa03 000000 0800", 4 },
	{ "capwap", 17, PAIR(5247, 50000), "0010 0200 00000000 " ETHERNET, 4 },
	{ "capwap", 17, PAIR(50000, 5247), "0020 0300 00000000 0000000000000000 0801 0000 "
	  "020000000001 020000000002 020000000003 1000 aaaa03 000000 0800", 4 },
	{ "capwap", 17, PAIR(50000, 5247), "0010 0300 00000000 0188 0000 "
	  "020000000001 020000000002 020000000003 1000 0000 aaaa03 000000 0800", 4 },
	{ "capwap", 17, PAIR(50000, 5247), "0010 0300 00000000 0308 0000 "
	  "020000000001 020000000002 020000000003 1000 020000000004 aaaa03 000000 86dd", 6 },
	{ "lisp", 17, PAIR(50000, 4341), "80001234 00000001", 6 },
	{ "gre", 17, PAIR(50000, 4754), "0000 0800", 4 },
	{ "mpls", 17, PAIR(50000, 6635), "00064040 00064140", 6 },
	{ "gue", 17, PAIR(50000, 6080), "", 4 },
	{ "gue", 17, PAIR(50000, 6080), "0104 0000 00000000", 4 },
	{ "gue", 17, PAIR(50000, 6080), "0029 0000", 6 },
	{ "gue", 17, PAIR(50000, 6080), "002f 0000 0000 0800", 4 },
	{ "fou", 17, PAIR(50000, 5555), "", 4 },
	{ "amt", 17, PAIR(2268, 50000), "0600", 4 },
};

/* Each is whole but for one thing. */
static const struct {
	const char *why;
	uint8_t protocol;
	uint32_t ports;
	const char *payload;
} bad[] = {
	{ "ICMP is no tunnel", 1, 0, FRAME_TCP4 },
	{ "the wrong version in IPIP", 4, 0, FRAME_TCP6 },
	{ "the wrong version in 6in4", 41, 0, FRAME_TCP4 },
	{ "IP longer than its tunnel", 4, 0, "4500 002e 0001 4000 4006 0000 0a000001 0a000002 "
	  FRAME_TCP },
	{ "IP header of four words", 4, 0, "4400 002d 0001 4000 4006 0000 0a000001 0a000002 "
	  FRAME_TCP },
	{ "GRE with routes", 47, 0, "4000 0800 0000 0000 00000000 " FRAME_TCP4 },
	{ "GRE with reserved bits", 47, 0, "0008 0800 " FRAME_TCP4 },
	{ "GRE of version 2", 47, 0, "0002 0800 " FRAME_TCP4 },
	{ "GRE, keep-alive", 47, 0, "0000 0000" },
	{ "GRE, unknown protocol", 47, 0, "0000 1234 " FRAME_TCP4 },
	{ "ERSPAN of version 3", 47, 0, "1000 88be 00000001 30640001 00000000 " ETHERNET
	  FRAME_TCP4 },
	{ "PPTP without data", 47, 0, "2081 880b 0000 0001 00000001" },
	{ "PPTP, length beyond the end", 47, 0, "3001 880b 0100 0001 00000001 ff03 0021 "
	  FRAME_TCP4 },
	{ "EtherIP, reserved bits", 97, 0, "3001 " ETHERNET FRAME_TCP4 },
	{ "MPLS without an end", 137, 0, "00064040 00064040 00064040 00064040 00064040 00064040 "
	  "00064040 00064040 00064040 00064040 00064040 00064040 00064040 00064040 00064040 "
	  "00064040 00064140 " FRAME_TCP4 },
	{ "L2TPv3, control session", 115, 0, "00000000 " ETHERNET FRAME_TCP4 },
	{ "VXLAN without an instance", 17, 4789, "00000000 00123400 " ETHERNET FRAME_TCP4 },
	{ "VXLAN, reserved bits", 17, 4789, "08000001 00123400 " ETHERNET FRAME_TCP4 },
	{ "VXLAN, last byte", 17, 4789, "08000000 00123401 " ETHERNET FRAME_TCP4 },
	{ "VXLAN, unknown EtherType", 17, 4789, "08000000 00123400 " FRAME_MACS "1234 "
	  FRAME_TCP4 },
	{ "VXLAN from its port only", 17, PAIR(4789, 50000), "88000064 00123400 " ETHERNET
	  FRAME_TCP4 },
	{ "GPE, unknown protocol", 17, 4790, "0c000009 00123400 " FRAME_TCP4 },
	{ "GENEVE of version 1", 17, 6081, "4000 0800 00123400 " FRAME_TCP4 },
	{ "GENEVE, options beyond the end", 17, 6081, "3f00 0800 00123400 " FRAME_TCP4 },
	{ "GTP, echo", 17, 2152, "3201 0004 00000000 00010000" },
	{ "GTP, length beyond the end", 17, 2152, "30ff 002e 00000001 " FRAME_TCP4 },
	{ "GTP, extension of length 0", 17, 2152, "34ff 0035 00000001 00000085 00000000 "
	  FRAME_TCP4 },
	{ "GTP, endless extensions", 17, 2152, "34ff 0044 00000001 00000085 "
	  "01000085 01000085 01000085 01000085 01000085 01000085 01000085 01000085 "
	  "01000085 01000085 01000085 01000085 01000085 01000085 01000085 01000085 " FRAME_TCP4 },
	{ "L2TP, control", 17, 1701, "c802 0039 0001 0002 0000 0001 ff03 0021 " FRAME_TCP4 },
	{ "L2TP, offset beyond the end", 17, 1701, "0202 0001 0002 ffff ff03 0021 " FRAME_TCP4 },
	{ "L2TP, LCP", 17, 1701, "0002 0001 0002 ff03 c021 0101 0004" },
	{ "Teredo, bubble of IPv4", 17, 3544, FRAME_TCP4 },
	{ "Teredo, authentication beyond the end", 17, 3544, "0001 ffff 0102030405060708 00 "
	  FRAME_TCP6 },
	{ "IPv6 on any port", 17, 50000, FRAME_TCP6 },
	{ "TZSP, keep-alive", 17, 37008, "0104 0001 01 " ETHERNET FRAME_TCP4 },
	{ "TZSP without an end tag", 17, 37008, "0100 0001 0000000000" },
	{ "TZSP, tag beyond the end", 17, 37008, "0100 0001 0aff 01" },
	{ "CAPWAP, encrypted", 17, 5247, "0100 0000 " ETHERNET FRAME_TCP4 },
	{ "CAPWAP, fragment", 17, 5247, "0010 0280 00000000 " ETHERNET FRAME_TCP4 },
	{ "CAPWAP, beacon", 17, 5247, "0010 0300 00000000 8000 0000 020000000001" },
	{ "CAPWAP, protected, swapped", 17, 5247, "0010 0300 00000000 4108 0000 020000000001 "
	  "020000000002 020000000003 1000 aaaa03 000000 0800 " FRAME_TCP4 },
	{ "LISP, encrypted", 17, 4341, "81001234 00000001 " FRAME_TCP4 },
	{ "GUE, control", 17, 6080, "2004 0000 " FRAME_TCP4 },
	{ "DNS on a tunnel's port", 17, 4789, "1234 0100 0001 0000 0000 0000 03777777 "
	  "076578616d706c65 03636f6d 00 0001 0001" },
	{ "DNS on a tunnel's port", 17, PAIR(2152, 53), "1234 0100 0001 0000 0000 0000 03777777 "
	  "076578616d706c65 03636f6d 00 0001 0001" },
	{ "DTLS on a tunnel's port", 17, 5555, "16fefd 0000 000000000000 0004 01020304" },
	{ "nothing", 17, 4789, "" },
};

static struct packet carrier(uint8_t protocol, uint32_t ports, struct bytes payload, size_t cut)
{
	return (struct packet){
		.ip_version = 4,
		.ip_protocol = protocol,
		.sport = (uint16_t)(ports >> 16),
		.dport = (uint16_t)ports,
		.payload = payload,
		.payload_cut = (uint32_t)cut,
	};
}

static enum packet_kind parse_inner(const struct tunnel *tunnel, struct packet *out)
{
	switch (tunnel->inner) {
	case TUNNEL_IP:
		return packet_parse_ip(tunnel->frame, tunnel->wire_len, out);
	case TUNNEL_LINK:
		return packet_parse(tunnel->link, tunnel->frame, tunnel->wire_len, out);
	case TUNNEL_ETHERTYPE:
		return packet_parse_ethertype(tunnel->ethertype, tunnel->frame, tunnel->wire_len,
					      out);
	default:
		return PACKET_OTHER;
	}
}

static void build(struct frame_buffer *frame, size_t i)
{
	frame_add(frame, good[i].headers);
	frame_add(frame, good[i].version == 4 ? FRAME_TCP4 : FRAME_TCP6);
}

static void test_good(void **state)
{
	struct packet outer, inner;
	struct tunnel tunnel;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		struct frame_buffer frame = { .len = 0 };

		build(&frame, i);
		outer = carrier(good[i].protocol, good[i].ports, frame_bytes(&frame), 0);
		if (!tunnel_open(&outer, 0, &tunnel))
			fail_msg("%s, row %zu: not opened", good[i].name, i);
		assert_string_equal(tunnel.name, good[i].name);
		if (parse_inner(&tunnel, &inner) != PACKET_TCP)
			fail_msg("%s, row %zu: not parsed", good[i].name, i);
		frame_assert_hello(&inner, good[i].version);
	}
}

static void test_bad(void **state)
{
	struct packet outer;
	struct tunnel tunnel;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct frame_buffer frame = { .len = 0 };

		frame_add(&frame, bad[i].payload);
		outer = carrier(bad[i].protocol, bad[i].ports, frame_bytes(&frame), 0);
		if (tunnel_open(&outer, 0, &tunnel))
			fail_msg("%s: opened as %s", bad[i].why, tunnel.name);
	}
}

/* Cut by the snap length: all that is opened lies within the capture and knows what is missing. */
static void test_prefixes(void **state)
{
	struct packet outer, inner;
	struct tunnel tunnel;
	uint8_t *copy;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		struct frame_buffer frame = { .len = 0 };

		build(&frame, i);
		for (size_t n = 0; n <= frame.len; n++) {
			copy = frame_copy(bytes_of(frame.data, n));
			outer = carrier(good[i].protocol, good[i].ports, bytes_of(copy, n),
					frame.len - n);
			for (unsigned int nth = 0; tunnel_open(&outer, nth, &tunnel); nth++) {
				assert_true(nth < 8);
				assert_true(tunnel.frame.data >= copy &&
					    tunnel.frame.data + tunnel.frame.len <= copy + n);
				assert_int_equal(tunnel.wire_len, tunnel.frame.len + frame.len - n);
				if (parse_inner(&tunnel, &inner) == PACKET_TCP)
					assert_int_equal(inner.payload.len + inner.payload_cut,
							 FRAME_PAYLOAD_LEN);
			}
			free(copy);
		}
	}
}

/* Between Teredo peers no port tells, but an address does. */
static void test_teredo_peers(void **state)
{
	struct frame_buffer frame = { .len = 0 };
	struct packet outer;
	struct tunnel tunnel;

	(void)state;
	frame_add(&frame, TEREDO6);
	outer = carrier(IPPROTO_UDP, PAIR(50000, 51000), frame_bytes(&frame), 0);
	assert_true(tunnel_open(&outer, 0, &tunnel));
	assert_string_equal(tunnel.name, "teredo");
	assert_int_equal(tunnel.inner, TUNNEL_IP);
}

/* Several rows may fit: callers ask for one after the other, and that ends. */
static void test_candidates(void **state)
{
	struct frame_buffer frame = { .len = 0 };
	struct packet outer, inner;
	struct tunnel tunnel;

	(void)state;
	frame_add(&frame, "00000001 00000002 0200000000010200000000020800 " FRAME_TCP4);
	outer = carrier(115, 0, frame_bytes(&frame), 0);
	assert_true(tunnel_open(&outer, 0, &tunnel));
	assert_int_equal(parse_inner(&tunnel, &inner), PACKET_TCP);
	assert_false(tunnel_open(&outer, 1, &tunnel));
	/* on VXLAN's own port the row for any port opens it, too: a second candidate */
	frame.len = 0;
	frame_add(&frame, "08000000 00123400 " ETHERNET FRAME_TCP4);
	outer = carrier(IPPROTO_UDP, 4789, frame_bytes(&frame), 0);
	assert_true(tunnel_open(&outer, 1, &tunnel));
	assert_false(tunnel_open(&outer, 2, &tunnel));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_prefixes),
		cmocka_unit_test(test_teredo_peers),
		cmocka_unit_test(test_candidates),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
