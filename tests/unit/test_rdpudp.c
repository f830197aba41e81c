/* SPDX-License-Identifier: Apache-2.0 */
/* RDP over UDP: what opens it, and the data in each version's packets. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "parsers/rdpudp.h"
#include "tests/unit/frame.h"

#define SYN_LEN 1232
#define CORRELATION "00112233445566778899aabbccddeeff00000000000000000000000000000000 "

static const struct {
	const char *name;
	const char *hex;        /* filled up with zeros to SYN_LEN, or `len` */
	size_t len;
	bool good;
	uint16_t version;
	bool ack, lossy;
} syns[] = {
	{ "SYN", "ffffffff 0040 0001 0b127f15 04d0 04d0", 0, true, 1, false, false },
	{ "lossy", "ffffffff 0040 0201 0b127f15 04d0 046c", 0, true, 1, false, true },
	{ "answer", "0b127f15 0040 0005 0b127f15 04d0 04d0", 0, true, 1, true, false },
	{ "version 2",
	  "ffffffff 0040 1001 0b127f15 04d0 04d0 0001 0002", 0, true, 2, false, false },
	{ "version 3", "ffffffff 0040 1801 0b127f15 04d0 04d0 " CORRELATION "0001 0101", 0, true,
	  RDPUDP_VERSION_3, false, false },
	{ "version not valid",
	  "ffffffff 0040 1001 0b127f15 04d0 04d0 0000 0101", 0, true, 1, false, false },
	{ "first packet acknowledges",
	  "00000001 0040 0001 0b127f15 04d0 04d0", 0, false, 0, false, false },
	{ "no SYN", "ffffffff 0040 0000 0b127f15 04d0 04d0", 0, false, 0, false, false },
	{ "SYN with data", "ffffffff 0040 0009 0b127f15 04d0 04d0", 0, false, 0, false, false },
	{ "unknown flag", "ffffffff 0040 2001 0b127f15 04d0 04d0", 0, false, 0, false, false },
	{ "small MTU", "ffffffff 0040 0001 0b127f15 046b 04d0", 0, false, 0, false, false },
	{ "large MTU", "ffffffff 0040 0001 0b127f15 04d0 04d1", 0, false, 0, false, false },
	{ "not filled up", "ffffffff 0040 0001 0b127f15 04d0 04d0", 1131, false, 0, false, false },
};

static void test_syn(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(syns); i++) {
		struct frame_buffer b = { .len = 0 };
		struct rdpudp_syn syn;
		bool good;

		frame_add(&b, syns[i].hex);
		for (size_t len = 0; len < b.len; len++) {
			uint8_t *prefix = frame_copy(bytes_of(b.data, len));

			assert_false(rdpudp_syn_parse(bytes_of(prefix, len), &syn));
			free(prefix);
		}
		memset(b.data + b.len, 0, SYN_LEN - b.len);
		good = rdpudp_syn_parse(bytes_of(b.data, syns[i].len ? syns[i].len : SYN_LEN),
					&syn);
		if (good != syns[i].good)
			fail_msg("%s", syns[i].name);
		if (!good)
			continue;
		assert_int_equal(syn.initial, 0x0b127f15);
		assert_int_equal(syn.version, syns[i].version);
		assert_int_equal(syn.ack, syns[i].ack);
		assert_int_equal(syn.lossy, syns[i].lossy);
	}
}

struct data_case {
	const char *name;
	const char *hex;
	size_t payload_at;      /* 0: none */
	uint32_t number;
};

/* The fourth is the example of MS-RDPEUDP section 4.2.3. */
static const struct data_case version1[] = {
	{ "empty vector", "0f94ea0b 0400 000c 0000 0000 0b127f16 0b127f16 1603", 20, 0x0b127f16 },
	{ "vector of 1", "0f94ea0b 0400 000c 0001 001f 0b127f16 0b127f17 1603", 20, 0x0b127f17 },
	{ "vector of 3",
	  "0f94ea0b 0400 000c 0003 000000 000000 0b127f16 0b127f17 1603", 24, 0x0b127f17, },
	{ "ack of acks",
	  "d6cf0ab8 0400 010c 0001 0400 d6cf0ab8 ec471ae4 ec471ae4 17030300", 24, 0xec471ae4, },
	{ "no ack", "0f94ea0b 0400 0008 0b127f16 0b127f17 1603", 16, 0x0b127f17 },
	{ "acknowledges only", "0f94ea0b 0400 0004 0001 001f", 0, 0 },
	{ "error correction", "0f94ea0b 0400 001c 0001 001f 0b127f16 0b127f17 1603", 0, 0 },
	{ "SYN", "0f94ea0b 0400 000d 0001 001f 0b127f16 0b127f17 1603", 0, 0 },
	{ "vector too long", "0f94ea0b 0400 000c 0801 001f 0b127f16 0b127f17 1603", 0, 0 },
	{ "no data", "0f94ea0b 0400 000c 0000 0000 0b127f16 0b127f16", 0, 0 },
};

static void check(const struct data_case *c)
{
	struct frame_buffer b = { .len = 0 };
	struct rdpudp_packet packet;
	uint8_t *copy;

	frame_add(&b, c->hex);
	copy = frame_copy(frame_bytes(&b));
	if (rdpudp_data_parse(bytes_of(copy, b.len), &packet) != (c->payload_at > 0))
		fail_msg("%s", c->name);
	if (c->payload_at > 0) {
		assert_ptr_equal(packet.payload.data, copy + c->payload_at);
		assert_int_equal(packet.payload.len, b.len - c->payload_at);
		assert_int_equal(packet.number, c->number);
		assert_false(packet.has_first);
	}
	free(copy);
	for (size_t len = 0; len < c->payload_at; len++) {
		copy = frame_copy(bytes_of(b.data, len));
		if (rdpudp_data_parse(bytes_of(copy, len), &packet))
			fail_msg("%s: prefix of %zu", c->name, len);
		free(copy);
	}
}

static void test_version1(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(version1); i++)
		check(&version1[i]);
}

/* A packet of version 3, its headers and data in order, as it goes over the wire. */
static struct bytes to_wire(struct frame_buffer *b, const char *hex)
{
	uint8_t first;

	b->len = 0;
	frame_add(b, "e0");
	frame_add(b, hex);
	first = b->data[0];
	b->data[0] = b->data[7];
	b->data[7] = first;
	return frame_bytes(b);
}

/* Each set of optional parts; the data is 16 03 03. */
static void test_version3(void **state)
{
	static const struct {
		const char *hex;
		bool good;
	} packets[] = {
		{ "0450 3412 7856 160303", true },
		{ "0550 0100 112233 44 00 3412 7856 160303", true },
		{ "0550 0100 112233 44 23 aabbcc 3412 7856 160303", true },
		{ "4450 28 3412 7856 160303", true },
		{ "0451 08 6400 3412 7856 160303", true },
		{ "1450 0900 3412 7856 160303", true },
		{ "0c50 3412 0100 02 aabb 7856 160303", true },
		{ "0c50 3412 0100 82 112233 44 aabb 7856 160303", true },
		{ "5551 0100 112233 44 01 aa 28 08 6400 0900 3412 7856 160303", true },
		{ "0d50 0100 112233 44 00 3412 0100 00 7856 160303", false },
		{ "0050 3412 7856 160303", false },
		{ "0650 3412 7856 160303", false },
		{ "0c50 3412 0100 7f aabb 7856 160303", false },
	};

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(packets); i++) {
		struct rdpudp_packet packet = { 0 };
		struct frame_buffer b;
		struct bytes wire = to_wire(&b, packets[i].hex);
		size_t skip;

		if (rdpudp2_data_parse(wire, &packet) != packets[i].good)
			fail_msg("%s", packets[i].hex);
		if (!packets[i].good)
			continue;
		assert_int_equal(packet.number, 0x5678);
		skip = packet.has_first ? 1 : 0;
		assert_int_equal(packet.payload.len, 3 - skip);
		assert_memory_equal(packet.payload.data, "\x16\x03\x03" + skip, 3 - skip);
		assert_true(!packet.has_first || packet.first == 0x16);
		for (size_t len = 0; len < wire.len - 3; len++) {
			uint8_t *prefix = frame_copy(bytes_of(b.data, len));

			assert_false(rdpudp2_data_parse(bytes_of(prefix, len), &packet));
			free(prefix);
		}
	}
}

static void test_version3_prefix(void **state)
{
	static const struct {
		uint8_t prefix;
		bool good;
	} prefixes[] = {
		{ 0xe0, true }, { 0x00, true },  /* as in the specification's example */
		{ 0xf0, false },                 /* a dummy */
		{ 0xe1, false }, { 0xe2, false }, { 0x60, false },
	};
	struct rdpudp_packet packet;
	struct frame_buffer b;
	struct bytes wire = to_wire(&b, "0550 0100 112233 44 00 3412 7856 160303");

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(prefixes); i++) {
		b.data[7] = prefixes[i].prefix;
		assert_int_equal(rdpudp2_data_parse(wire, &packet), prefixes[i].good);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_syn),
		cmocka_unit_test(test_version1),
		cmocka_unit_test(test_version3),
		cmocka_unit_test(test_version3_prefix),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
