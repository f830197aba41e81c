/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "parsers/pcapfile.h"

#define PACKET_LEN 60

/* A file of one packet, in the byte order that is asked for. */
struct image {
	uint8_t bytes[PCAPFILE_HEADER_LEN + PCAPFILE_RECORD_LEN + PACKET_LEN];
	bool swapped;
};

static void put(struct image *i, size_t at, uint32_t value)
{
	if (i->swapped)
		value = __builtin_bswap32(value);
	memcpy(i->bytes + at, &value, sizeof(value));
}

static void put_version(struct image *i, uint16_t major, uint16_t minor)
{
	major = i->swapped ? __builtin_bswap16(major) : major;
	minor = i->swapped ? __builtin_bswap16(minor) : minor;
	memcpy(i->bytes + 4, &major, sizeof(major));
	memcpy(i->bytes + 6, &minor, sizeof(minor));
}

static struct image image_of(uint32_t magic, bool swapped)
{
	struct image i = { .swapped = swapped };

	put(&i, 0, magic);
	put_version(&i, 2, 4);
	put(&i, 16, 65535);
	put(&i, 20, 1);
	put(&i, 24, 1700000000);
	put(&i, 28, 123456);
	put(&i, 32, PACKET_LEN);
	put(&i, 36, 1514);
	memset(i.bytes + 40, 0xab, PACKET_LEN);
	return i;
}

static enum parse next_of(const struct image *i, size_t len, struct pcapfile_packet *packet,
			  size_t *need)
{
	struct bytes in = bytes_of(i->bytes + PCAPFILE_HEADER_LEN, len);
	struct pcapfile f;

	assert_true(pcapfile_header(bytes_of(i->bytes, PCAPFILE_HEADER_LEN), &f));
	return pcapfile_next(&f, &in, packet, need);
}

static void test_orders_and_units(void **state)
{
	static const struct { uint32_t magic; bool swapped; uint64_t fraction; } cases[] = {
		{ 0xa1b2c3d4, false, 123456000 }, { 0xa1b2c3d4, true, 123456000 },
		{ 0xa1b23c4d, false, 123456 }, { 0xa1b23c4d, true, 123456 },
	};
	struct pcapfile_packet packet;
	struct image image;
	size_t i, need;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		image = image_of(cases[i].magic, cases[i].swapped);
		assert_int_equal(next_of(&image, sizeof(image.bytes) - PCAPFILE_HEADER_LEN, &packet, &need),
				 PARSE_OK);
		assert_true(packet.time_ns == 1700000000u * UINT64_C(1000000000) + cases[i].fraction);
		assert_int_equal(packet.data.len, PACKET_LEN);
		assert_int_equal(packet.data.data[PACKET_LEN - 1], 0xab);
		assert_int_equal(packet.wire_len, 1514);
	}
}

static void test_left_to_libpcap(void **state)
{
	static const uint32_t magics[] = { 0xa1b2cd34, 0xa1b2c3d5, 0x0a0d0d0a, 0, 0xd4c3b2a0 };
	struct image image = image_of(0xa1b2c3d4, false);
	struct pcapfile f;
	size_t i;

	(void)state;
	for (i = 0; i < PCAPFILE_HEADER_LEN; i++)
		assert_false(pcapfile_header(bytes_of(image.bytes, i), &f));
	put_version(&image, 2, 3);     /* its lengths may be swapped */
	assert_false(pcapfile_header(bytes_of(image.bytes, sizeof(image.bytes)), &f));
	put_version(&image, 3, 4);
	assert_false(pcapfile_header(bytes_of(image.bytes, sizeof(image.bytes)), &f));
	for (i = 0; i < ARRAY_SIZE(magics); i++) {
		image = image_of(magics[i], false);
		assert_false(pcapfile_header(bytes_of(image.bytes, sizeof(image.bytes)), &f));
	}
}

static void test_header_fields(void **state)
{
	struct image image = image_of(0xa1b2c3d4, true);
	struct pcapfile f;

	(void)state;
	put(&image, 16, 0);
	put(&image, 20, 0xf4000071);   /* above the link type: a frame check sequence */
	assert_true(pcapfile_header(bytes_of(image.bytes, sizeof(image.bytes)), &f));
	assert_int_equal(f.snaplen, PCAPFILE_PACKET_MAX);
	assert_int_equal(f.link, 113);
	put(&image, 16, 0xffffffff);
	assert_true(pcapfile_header(bytes_of(image.bytes, sizeof(image.bytes)), &f));
	assert_int_equal(f.snaplen, PCAPFILE_PACKET_MAX);
}

static void test_prefixes_want_more(void **state)
{
	struct image image = image_of(0xa1b2c3d4, false);
	size_t whole = PCAPFILE_RECORD_LEN + PACKET_LEN, len, need;
	struct pcapfile_packet packet;

	(void)state;
	for (len = 0; len < whole; len++) {
		assert_int_equal(next_of(&image, len, &packet, &need), PARSE_MORE);
		assert_int_equal(need, len < PCAPFILE_RECORD_LEN ? PCAPFILE_RECORD_LEN : whole);
	}
}

static void test_lengths(void **state)
{
	struct image image = image_of(0xa1b2c3d4, false);
	size_t all = sizeof(image.bytes) - PCAPFILE_HEADER_LEN, need;
	struct pcapfile_packet packet;

	(void)state;
	put(&image, 32, PCAPFILE_PACKET_MAX);
	assert_int_equal(next_of(&image, all, &packet, &need), PARSE_MORE);
	put(&image, 32, PCAPFILE_PACKET_MAX + 1);
	assert_int_equal(next_of(&image, all, &packet, &need), PARSE_BAD);
	put(&image, 32, 0xffffffff);
	assert_int_equal(next_of(&image, all, &packet, &need), PARSE_BAD);
	put(&image, 32, 0);
	assert_int_equal(next_of(&image, all, &packet, &need), PARSE_OK);
	assert_int_equal(packet.data.len, 0);
	/* Never shorter on the wire than captured. */
	put(&image, 32, PACKET_LEN);
	put(&image, 36, 10);
	assert_int_equal(next_of(&image, all, &packet, &need), PARSE_OK);
	assert_int_equal(packet.wire_len, PACKET_LEN);
	/* Longer than the file's own limit: cut to it, and the rest is passed over. */
	put(&image, 16, 20);
	assert_int_equal(next_of(&image, all, &packet, &need), PARSE_OK);
	assert_int_equal(packet.data.len, 20);
	assert_int_equal(need, PCAPFILE_RECORD_LEN + PACKET_LEN);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_orders_and_units), cmocka_unit_test(test_left_to_libpcap),
		cmocka_unit_test(test_header_fields), cmocka_unit_test(test_prefixes_want_more),
		cmocka_unit_test(test_lengths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
