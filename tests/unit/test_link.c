/* SPDX-License-Identifier: Apache-2.0 */
/* Every link layer and every tag leads to the same TCP packet; no prefix of a frame goes wrong. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/frame.h"

#define LLC_SNAP "aaaa03 000000 0800 "
#define DOT11 "0000 020000000001 020000000002 020000000003 1000 "
#define SLL(protocol) "0000 0001 0006 0200000000010000 " protocol
#define MPLS_BOTTOM "00064140 "

static const struct {
	const char *name;
	int link;
	const char *headers;
	int version;
} good[] = {
	{ "Ethernet", 1, FRAME_MACS "0800", 4 },
	{ "Ethernet, IPv6", 1, FRAME_MACS "86dd", 6 },
	{ "VLAN", 1, FRAME_MACS "8100 0064 0800", 4 },
	{ "QinQ", 1, FRAME_MACS "88a8 0064 8100 0065 86dd", 6 },
	{ "eight VLAN tags", 1, FRAME_MACS "9100 0001 9200 0001 8100 0001 8100 0001 8100 0001 "
	  "8100 0001 8100 0001 8100 0001 0800", 4 },
	{ "LLC and SNAP", 1, FRAME_MACS "0035 " LLC_SNAP, 4 },
	{ "LLC, IP's own access point", 1, FRAME_MACS "0030 060603", 4 },
	{ "VLAN, then LLC", 1, FRAME_MACS "8100 0064 0035 " LLC_SNAP, 4 },
	{ "LLC behind its EtherType", 1, FRAME_MACS "8870 " LLC_SNAP, 4 },
	{ "ISL", 1, "01000c0000 00 020000000002 0060 aaaa03 00000c 0000 0000 0000 "
	  FRAME_MACS "0800", 4 },
	{ "MPLS", 1, FRAME_MACS "8847 00064040 " MPLS_BOTTOM, 4 },
	{ "MPLS, IPv6", 1, FRAME_MACS "8848 " MPLS_BOTTOM, 6 },
	{ "MPLS, control word, Ethernet", 1, FRAME_MACS "8847 " MPLS_BOTTOM "00000000 "
	  FRAME_MACS "0800", 4 },
	{ "MPLS, Ethernet", 1, FRAME_MACS "8847 " MPLS_BOTTOM "a20000000001 020000000002 0800", 4 },
	{ "PPPoE", 1, FRAME_MACS "8864 1100 0001 002f 0021", 4 },
	{ "PPPoE, IPv6", 1, FRAME_MACS "8864 1100 0001 0043 0057", 6 },
	{ "MACsec, not encrypted", 1, FRAME_MACS "88e5 0000 00000001 0800", 4 },
	{ "MACsec with its channel", 1, FRAME_MACS "88e5 2000 00000001 0200000000010001 0800", 4 },
	{ "802.1ah", 1, FRAME_MACS "88e7 00001234 " FRAME_MACS "0800", 4 },
	{ "NSH", 1, FRAME_MACS "894f 0fc2 02 01 00000101", 4 },
	{ "NSH, Ethernet", 1, FRAME_MACS "894f 0fc2 02 03 00000101 " FRAME_MACS "86dd", 6 },
	{ "VN-Tag", 1, FRAME_MACS "8926 00000000 0800", 4 },
	{ "E-Tag", 1, FRAME_MACS "893f 000000000000 0800", 4 },
	{ "HSR", 1, FRAME_MACS "892f 0040 0001 0800", 4 },
	{ "Cisco metadata", 1, FRAME_MACS "8909 01 01 00010002 0800", 4 },
	{ "TRILL", 1, FRAME_MACS "22f3 003f 0001 0002 " FRAME_MACS "0800", 4 },
	{ "bridged", 1, FRAME_MACS "6558 " FRAME_MACS "0800", 4 },
	{ "raw IP", 101, "", 4 },
	{ "raw IP, IPv6", 101, "", 6 },
	{ "raw IP, 12", 12, "", 4 },
	{ "raw IP, 14", 14, "", 6 },
	{ "IPv4", 228, "", 4 },
	{ "IPv6", 229, "", 6 },
	{ "null, little-endian", 0, "02000000", 4 },
	{ "null, big-endian", 0, "00000002", 4 },
	{ "null, Linux", 0, "0a000000", 6 },
	{ "null, NetBSD", 0, "18000000", 6 },
	{ "null, FreeBSD", 0, "0000001c", 6 },
	{ "null, macOS", 0, "1e000000", 6 },
	{ "loop", 108, "00000002", 4 },
	{ "loop, IPv6", 108, "00000018", 6 },
	{ "Linux cooked", 113, SLL("0800"), 4 },
	{ "Linux cooked, VLAN", 113, SLL("8100 0064 86dd"), 6 },
	{ "Linux cooked, LLC", 113, SLL("0004") LLC_SNAP, 4 },
	{ "Linux cooked 2", 276, "0800 0000 00000002 0001 00 06 0200000000010000", 4 },
	{ "Linux cooked 2, IPv6", 276, "86dd 0000 00000002 0304 04 00 0000000000000000", 6 },
	{ "802.11", 105, "0801 " DOT11 LLC_SNAP, 4 },
	{ "802.11, QoS", 105, "8802 " DOT11 "0000 " LLC_SNAP, 4 },
	{ "802.11, four addresses", 105, "0803 " DOT11 "020000000004 " LLC_SNAP, 4 },
	{ "802.11, QoS, HT control", 105, "8881 " DOT11 "0000 00000000 " LLC_SNAP, 4 },
	{ "802.11, aggregate", 105, "8801 " DOT11 "8000 " FRAME_MACS "0035 " LLC_SNAP, 4 },
	{ "radiotap", 127, "0000 0800 00000000 0801 " DOT11 LLC_SNAP, 4 },
	{ "radiotap, padded", 127, "0000 1100 03000000 0000000000000000 20 8801 " DOT11
	  "0000 0000 " LLC_SNAP, 4 },
	{ "radiotap, more fields", 127, "0000 0d00 02000080 00000000 00 0801 " DOT11 LLC_SNAP, 4 },
	{ "PPI, 802.11", 192, "00 00 0800 69000000 0801 " DOT11 LLC_SNAP, 4 },
	{ "PPI, Ethernet", 192, "00 00 0c00 01000000 00000000 " FRAME_MACS "0800", 4 },
	{ "Prism", 119, "44000000 0c000000 00000000 0801 " DOT11 LLC_SNAP, 4 },
	{ "Prism, big-endian", 119, "00000044 0000000c 00000000 0801 " DOT11 LLC_SNAP, 4 },
	{ "Prism, AVS in it", 119, "80211001 0000000c 00000000 0801 " DOT11 LLC_SNAP, 4 },
	{ "AVS", 163, "80211002 0000000c 00000000 0801 " DOT11 LLC_SNAP, 4 },
	{ "PPP", 9, "ff03 0021", 4 },
	{ "PPP, all compressed", 9, "57", 6 },
	{ "PPP, MPLS", 9, "ff03 0281 " MPLS_BOTTOM, 4 },
	{ "PPP, HDLC", 50, "ff03 0021", 4 },
	{ "PPP, Cisco framing", 50, "0f00 0800", 4 },
	{ "PPPoE link", 51, "1100 0001 002f 0021", 4 },
	{ "pppd", 166, "00 03 0021", 4 },
	{ "PPP with direction", 204, "01 ff03 0057", 6 },
	{ "Cisco HDLC", 104, "0f00 86dd", 6 },
	{ "Frame Relay, IPv4", 107, "1841 03 cc", 4 },
	{ "Frame Relay, SNAP", 107, "1841 03 00 80 000000 0800", 4 },
	{ "Frame Relay, bridged", 107, "1841 03 00 80 0080c2 0007 " FRAME_MACS "0800", 4 },
	{ "Frame Relay, Cisco", 107, "1841 0800", 4 },
	{ "Frame Relay, long address", 107, "18404003 03 8e", 6 },
	{ "Token Ring", 6, "1040 " FRAME_MACS LLC_SNAP, 4 },
	{ "Token Ring, routed", 6, "1040 020000000001 820000000002 0630 0012 0020 " LLC_SNAP, 4 },
	{ "FDDI", 10, "50 " FRAME_MACS LLC_SNAP, 4 },
	{ "ATM", 100, LLC_SNAP, 4 },
	{ "PFLOG", 117, "3d020000 656d3000000000000000000000000000 "
	  "00000000000000000000000000000000 "
	  "00000000 00000000 00000000 00000000 00000000 00000000 00000000", 4 },
	{ "NFLOG", 239, "02000000 0800 0100 08000100 0500 0a00 41000000 0800 0600 00000001 "
	  "3100 0900", 4 },
	{ "NFLOG, big-endian", 239, "0a000000 0008 0001 86dd0100 0045 0009", 6 },
	{ "DOCSIS", 143, "00 00 003b 8e73 " FRAME_MACS "0800", 4 },
	{ "DOCSIS, extended", 143, "01 03 003e 020000 d048 " FRAME_MACS "0800", 4 },
	{ "Juniper", 178, "4d4743 80 0006 0101 0202 0303 " FRAME_MACS "0800", 4 },
	{ "Juniper, no link layer", 178, "4d4743 02 02000000", 4 },
	{ "Juniper, PPP", 179, "4d4743 00 ff03 0021", 4 },
	{ "Juniper, Frame Relay", 180, "4d4743 01 1841 03 cc", 4 },
	{ "Juniper, Cisco HDLC", 181, "4d4743 01 0f00 0800", 4 },
	{ "IEEE 1394", 138, "0200000000000001 0200000000000002 0800", 4 },
	{ "InfiniBand", 242, "0000000000000000000000000000000000000000 "
	  "0000000000000000000000000000000000000000 0800 0000", 4 },
	{ "Fibre Channel", 122, "1000020000000001 1000020000000002 " LLC_SNAP, 4 },
	{ "enc", 109, "02000000 00000001 00000000", 4 },
	{ "netANALYZER", 240, "00000000 " FRAME_MACS "0800", 4 },
};

/* An EAP packet of five bytes, from EAPOL's version on. */
#define EAPOL "02 00 0005 01 07 0005 01 "
#define EAPOL_LEN 9
#define LLC_EAPOL "aaaa03 000000 888e "

static const struct {
	const char *name;
	int link;
	const char *headers;
	uint8_t dst, src;       /* the last octets: of 02:00:00:00:00:0X, or 3 of 01:80:c2:00:00:03 */
	bool group;
} eapol[] = {
	{ "Ethernet", 1, FRAME_MACS "888e ", 1, 2, false },
	{ "Ethernet, to the group", 1, "0180c2000003 020000000002 888e ", 3, 2, true },
	{ "VLAN", 1, FRAME_MACS "8100 0000 888e ", 1, 2, false },
	{ "inner Ethernet", 1, FRAME_MACS "88e7 00001234 020000000004 020000000005 888e ", 4, 5, false },
	{ "802.11", 105, "0800 " DOT11 LLC_EAPOL, 1, 2, false },
	{ "802.11, to the network", 105, "0801 " DOT11 LLC_EAPOL, 3, 2, false },
	{ "802.11, from it", 105, "0802 " DOT11 LLC_EAPOL, 1, 3, false },
	{ "802.11, within it", 105, "0803 " DOT11 "020000000004 " LLC_EAPOL, 3, 4, false },
	{ "802.11, aggregate", 105, "8801 " DOT11 "8000 020000000006 020000000007 0011 " LLC_EAPOL, 6,
	  7, false },
	{ "Linux cooked", 113, SLL("888e"), 3, 1, true },
	{ "Linux cooked 2", 276, "888e 0000 00000002 0001 00 06 0200000000010000 ", 3, 1, true },
};

static const struct {
	const char *name;
	int link;
	const char *frame;
	enum packet_kind kind;
} other[] = {
	{ "EAPOL of version 4", 1, FRAME_MACS "888e 04 00 0000", PACKET_OTHER },
	{ "EAPOL of version 0", 1, FRAME_MACS "888e 00 00 0000", PACKET_OTHER },
	{ "EAPOL of an unknown type", 1, FRAME_MACS "888e 01 09 0000", PACKET_OTHER },
	{ "EAPOL longer than its frame", 1, FRAME_MACS "888e 01 00 0001", PACKET_MALFORMED },
	{ "EAPOL between nobody", 113, "0000 0001 0000 0000000000000000 888e " EAPOL, PACKET_OTHER },
	{ "EAPOL, 802.11, protected", 105, "0841 " DOT11 LLC_EAPOL EAPOL, PACKET_OTHER },
	{ "ARP", 1, FRAME_MACS "0806 0001 0800 0604", PACKET_OTHER },
	{ "PPPoE discovery", 1, FRAME_MACS "8863 1109 0000 0000", PACKET_OTHER },
	{ "PPPoE, wrong version", 1, FRAME_MACS "8864 2100 0001 002f 0021 " FRAME_TCP4,
	  PACKET_MALFORMED },
	{ "PPP, LCP", 9, "ff03 c021 0100", PACKET_OTHER },
	{ "spanning tree", 1, FRAME_MACS "0026 424203 0000", PACKET_OTHER },
	{ "MACsec, encrypted", 1, FRAME_MACS "88e5 0c00 00000001 0800 " FRAME_TCP4, PACKET_OTHER },
	{ "MPLS, associated channel", 1, FRAME_MACS "8847 " MPLS_BOTTOM "10000021", PACKET_OTHER },
	{ "Ethernet ends in its header", 1, FRAME_MACS "08", PACKET_MALFORMED },
	{ "VLAN ends in its tag", 1, FRAME_MACS "8100 00", PACKET_MALFORMED },
	{ "IP of version 5", 101, "5500", PACKET_MALFORMED },
	{ "nothing", 101, "", PACKET_MALFORMED },
	{ "null, AppleTalk", 0, "10000000 " FRAME_TCP4, PACKET_OTHER },
	{ "Linux cooked, netlink", 113, "0004 0338 0000 0000000000000000 0800 " FRAME_TCP4,
	  PACKET_OTHER },
	{ "802.11, protected", 105, "0841 " DOT11 LLC_SNAP FRAME_TCP4, PACKET_OTHER },
	{ "802.11, beacon", 105, "8000 " DOT11 LLC_SNAP FRAME_TCP4, PACKET_OTHER },
	{ "802.11, no data", 105, "4801 " DOT11 LLC_SNAP FRAME_TCP4, PACKET_OTHER },
	{ "802.11, later fragment", 105, "0801 0000 020000000001 020000000002 020000000003 1100 "
	  LLC_SNAP FRAME_TCP4, PACKET_OTHER },
	{ "radiotap, damaged", 127, "0000 0900 02000000 40 0801 " DOT11 LLC_SNAP FRAME_TCP4,
	  PACKET_OTHER },
	{ "radiotap, length too small", 127, "0000 0700 00000000 0801", PACKET_MALFORMED },
	{ "radiotap, fields without end", 127, "0000 1000 00000080 00000080 00000080 0801 " DOT11
	  LLC_SNAP FRAME_TCP4, PACKET_TCP },
	{ "PPI in PPI in PPI", 192, "00 00 0800 c0000000 00 00 0800 c0000000 00 00 0800 ffff0000",
	  PACKET_UNKNOWN_LINK },
	{ "Frame Relay, endless address", 107, "00000000 00000000 03cc", PACKET_MALFORMED },
	{ "Token Ring, route of length 0", 6, "1040 020000000001 820000000002 0000 " LLC_SNAP
	  FRAME_TCP4, PACKET_MALFORMED },
	{ "NFLOG, attribute of length 0", 239, "02000000 0000 0100", PACKET_MALFORMED },
	{ "NSH, length 0", 1, FRAME_MACS "894f 0fc0 01 01 00000101 " FRAME_TCP4, PACKET_MALFORMED },
	{ "Bluetooth", 201, "00", PACKET_UNKNOWN_LINK },
};

static void test_good(void **state)
{
	struct packet packet;
	enum packet_kind kind;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		struct frame_buffer frame = { .len = 0 };

		frame_add(&frame, good[i].headers);
		frame_add(&frame, good[i].version == 4 ? FRAME_TCP4 : FRAME_TCP6);
		frame_add(&frame, "00000000");          /* padding, a checksum */
		assert_true(packet_link_known(good[i].link));
		kind = packet_parse(good[i].link, frame_bytes(&frame), frame.len, &packet);
		if (kind != PACKET_TCP)
			fail_msg("%s", good[i].name);
		frame_assert_hello(&packet, good[i].version);
	}
}

static void assert_station(const struct ip_address *address, uint8_t last, bool group)
{
	const uint8_t station[6] = { 2, [5] = last }, pae[6] = { 0x01, 0x80, 0xc2, [5] = last };
	struct ip_address want = ip_address_of_mac(group ? pae : station);

	assert_true(ip_address_is_mac(address));
	assert_memory_equal(address->octets, want.octets, sizeof(want.octets));
}

static void test_eapol(void **state)
{
	struct packet packet;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(eapol); i++) {
		struct frame_buffer frame = { .len = 0 };
		size_t whole;

		frame_add(&frame, eapol[i].headers);
		frame_add(&frame, EAPOL);
		whole = frame.len;
		frame_add(&frame, "00000000");          /* padding */
		if (packet_parse(eapol[i].link, frame_bytes(&frame), frame.len, &packet) != PACKET_EAPOL)
			fail_msg("%s", eapol[i].name);
		assert_station(&packet.dst, eapol[i].dst, eapol[i].group);
		assert_station(&packet.src, eapol[i].src, false);
		assert_int_equal(packet.payload.len, EAPOL_LEN);
		assert_ptr_equal(packet.payload.data, frame.data + whole - EAPOL_LEN);
		assert_int_equal(packet.payload_cut, 0);
		for (size_t n = 0; n < whole; n++) {
			uint8_t *copy = frame_copy(bytes_of(frame.data, n));
			enum packet_kind kind = packet_parse(eapol[i].link, bytes_of(copy, n), frame.len,
							     &packet);

			if (kind != (n < whole - EAPOL_LEN + 4 ? PACKET_CUT : PACKET_EAPOL))
				fail_msg("%s: %d with %zu bytes", eapol[i].name, kind, n);
			if (kind == PACKET_EAPOL)
				assert_int_equal(packet.payload.len + packet.payload_cut, EAPOL_LEN);
			free(copy);
		}
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
		kind = packet_parse(other[i].link, frame_bytes(&frame), frame.len, &packet);
		if (kind != other[i].kind)
			fail_msg("%s: %d", other[i].name, kind);
	}
	assert_false(packet_link_known(201));
	assert_false(packet_link_known(-1));
}

/* A capture that cut the frame off: CUT up to the end of TCP's header, then a shorter payload. */
static void check_prefixes(const char *name, int link, struct bytes frame)
{
	size_t headers = frame.len - FRAME_PAYLOAD_LEN;
	struct packet packet;
	enum packet_kind kind;
	uint8_t *copy;

	for (size_t n = 0; n < frame.len; n++) {
		copy = frame_copy(bytes_of(frame.data, n));
		kind = packet_parse(link, bytes_of(copy, n), frame.len, &packet);
		if (kind != (n < headers ? PACKET_CUT : PACKET_TCP))
			fail_msg("%s: %d with %zu bytes", name, kind, n);
		if (kind == PACKET_TCP) {
			assert_int_equal(packet.payload.len, n - headers);
			assert_int_equal(packet.payload_cut, frame.len - n);
		}
		/* The same bytes as a whole frame: no packet either. */
		kind = packet_parse(link, bytes_of(copy, n), n, &packet);
		if (n < headers && kind <= PACKET_FRAGMENT)
			fail_msg("%s: %d with only %zu bytes", name, kind, n);
		free(copy);
	}
}

static void test_prefixes(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		struct frame_buffer frame = { .len = 0 };

		frame_add(&frame, good[i].headers);
		frame_add(&frame, good[i].version == 4 ? FRAME_TCP4 : FRAME_TCP6);
		check_prefixes(good[i].name, good[i].link, frame_bytes(&frame));
	}
}

/* Headers may be stacked only so far, and the two readings of MPLS must not multiply. */
static void test_nesting_ends(void **state)
{
	struct frame_buffer tags = { .len = 0 }, stacks = { .len = 0 }, ppi = { .len = 0 };
	struct packet packet;

	(void)state;
	frame_add(&tags, FRAME_MACS);
	frame_add(&stacks, FRAME_MACS);
	for (int i = 0; i < 100; i++) {
		frame_add(&tags, "8100 0001");
		frame_add(&stacks, "8847 00000100 00000000 000000000001 0000");
		frame_add(&ppi, "00 00 0800 c0000000");
	}
	frame_add(&tags, "0800 " FRAME_TCP4);
	assert_int_equal(packet_parse(1, frame_bytes(&tags), tags.len, &packet), PACKET_MALFORMED);
	assert_int_equal(packet_parse(1, frame_bytes(&stacks), stacks.len, &packet),
			 PACKET_MALFORMED);
	assert_int_equal(packet_parse(192, frame_bytes(&ppi), ppi.len, &packet), PACKET_MALFORMED);
}

static void test_ethertype(void **state)
{
	struct frame_buffer frame = { .len = 0 };
	struct packet packet;

	(void)state;
	frame_add(&frame, "0064 0800 " FRAME_TCP4);
	assert_int_equal(packet_parse_ethertype(0x8100, frame_bytes(&frame), frame.len, &packet),
			 PACKET_TCP);
	frame_assert_hello(&packet, 4);
	/* Without a link layer nobody is named. */
	assert_int_equal(packet_parse_ethertype(0x888e, frame_bytes(&frame), frame.len, &packet),
			 PACKET_OTHER);
	assert_int_equal(packet_parse_ethertype(0x1234, frame_bytes(&frame), frame.len, &packet),
			 PACKET_OTHER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_eapol),
		cmocka_unit_test(test_other),
		cmocka_unit_test(test_prefixes),
		cmocka_unit_test(test_nesting_ends),
		cmocka_unit_test(test_ethertype),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
