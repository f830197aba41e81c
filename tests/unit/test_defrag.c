/* SPDX-License-Identifier: Apache-2.0 */
/* Fragments in every order, with overlaps, beyond the limits, too late. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <netinet/in.h>

#include "parsers/defrag.h"
#include "tests/unit/frame.h"

#define SECOND 1000000000ull

/* A fragment of datagram `id`; its bytes follow from their place, beginning at `base`. */
struct fragment {
	uint32_t id, offset, len;
	bool more;
	char base;
};

static bool add_as(struct defrag *d, int version, uint8_t protocol, struct fragment f,
		   uint64_t time_ns, struct bytes *joined, struct packet *packet)
{
	uint8_t *data = malloc(f.len ? f.len : 1);
	bool whole;

	assert_non_null(data);
	for (uint32_t i = 0; i < f.len; i++)
		data[i] = (uint8_t)(f.base + (f.offset + i) % 23);
	*packet = (struct packet){
		.src = frame_address(version, 1),
		.dst = frame_address(version, 2),
		.ip_version = (uint8_t)version,
		.ip_protocol = protocol,
		.payload = bytes_of(data, f.len),
		.fragment = { .id = f.id, .offset = f.offset, .more = f.more },
	};
	whole = defrag_add(d, packet, time_ns, joined);
	free(data);             /* nothing may be borrowed from it */
	return whole;
}

static bool add(struct defrag *d, struct fragment f, struct bytes *joined)
{
	struct packet packet;

	return add_as(d, 4, IPPROTO_UDP, f, SECOND, joined, &packet);
}

static void assert_letters(struct bytes joined, size_t len, char base)
{
	assert_int_equal(joined.len, len);
	for (size_t i = 0; i < len; i++)
		assert_int_equal(joined.data[i], (uint8_t)(base + i % 23));
}

static int setup(void **state)
{
	*state = defrag_new(DEFRAG_MAX_FRAGMENTS);
	return *state ? 0 : -1;
}

static int teardown(void **state)
{
	defrag_free(*state);
	return 0;
}

/* All orders of four fragments. */
static void test_orders(void **state)
{
	static const struct fragment parts[] = {
		{ 1, 0, 16, true, 'a' }, { 1, 16, 8, true, 'a' }, { 1, 24, 24, true, 'a' },
		{ 1, 48, 3, false, 'a' },
	};
	struct defrag *d = *state;
	struct bytes joined;
	unsigned int orders = 0;

	for (unsigned int n = 0; n < 256; n++) {
		unsigned int order[4] = { n & 3, n >> 2 & 3, n >> 4 & 3, n >> 6 & 3 };

		if ((1u << order[0] | 1u << order[1] | 1u << order[2] | 1u << order[3]) != 15)
			continue;
		for (int i = 0; i < 3; i++)
			assert_false(add(d, parts[order[i]], &joined));
		assert_true(add(d, parts[order[3]], &joined));
		assert_letters(joined, 51, 'a');
		orders++;
	}
	assert_int_equal(orders, 24);
	assert_int_equal(defrag_stats(d)->joined, 24);
	assert_int_equal(defrag_stats(d)->fragments, 96);
	assert_int_equal(defrag_stats(d)->overlaps, 0);
}

static void test_duplicates(void **state)
{
	struct bytes joined;

	assert_false(add(*state, (struct fragment){ 1, 8, 8, true, 'a' }, &joined));
	assert_false(add(*state, (struct fragment){ 1, 8, 8, true, 'a' }, &joined));
	assert_false(add(*state, (struct fragment){ 1, 16, 8, false, 'a' }, &joined));
	assert_false(add(*state, (struct fragment){ 1, 16, 8, false, 'a' }, &joined));
	assert_true(add(*state, (struct fragment){ 1, 0, 8, true, 'a' }, &joined));
	assert_letters(joined, 24, 'a');
	assert_int_equal(defrag_stats(*state)->overlaps, 0);
}

/* The byte that came first stays, whatever the overlap looks like. */
static void test_overlaps(void **state)
{
	struct bytes joined;

	assert_false(add(*state, (struct fragment){ 1, 16, 16, true, 'a' }, &joined));
	assert_false(add(*state, (struct fragment){ 1, 40, 8, true, 'a' }, &joined));
	/* before, within, behind, and over all: each with other bytes */
	assert_false(add(*state, (struct fragment){ 1, 8, 16, true, 'A' }, &joined));
	assert_int_equal(defrag_stats(*state)->overlaps, 1);
	assert_false(add(*state, (struct fragment){ 1, 16, 8, true, 'B' }, &joined));
	assert_int_equal(defrag_stats(*state)->overlaps, 2);
	assert_false(add(*state, (struct fragment){ 1, 24, 16, true, 'C' }, &joined));
	assert_int_equal(defrag_stats(*state)->overlaps, 3);
	assert_true(add(*state, (struct fragment){ 1, 0, 56, false, 'D' }, &joined));
	assert_int_equal(defrag_stats(*state)->overlaps, 4);
	assert_int_equal(joined.len, 56);
	for (size_t i = 0; i < joined.len; i++) {
		static const char owner[] = "DAaaCaD";         /* of each eight bytes */

		assert_int_equal(joined.data[i], (uint8_t)(owner[i / 8] + i % 23));
	}
}

/* The second fragment ends inside the first: lengths must not become negative. */
static void test_teardrop(void **state)
{
	struct bytes joined;

	assert_false(add(*state, (struct fragment){ 242, 0, 40, true, 'a' }, &joined));
	assert_false(add(*state, (struct fragment){ 242, 24, 4, false, 'a' }, &joined));
	assert_int_equal(defrag_stats(*state)->malformed, 1);
	assert_true(add(*state, (struct fragment){ 242, 40, 8, false, 'a' }, &joined));
	assert_letters(joined, 48, 'a');
}

/* Two ends: the first one known is kept, and nothing beyond it. */
static void test_conflicting_ends(void **state)
{
	struct bytes joined;

	assert_false(add(*state, (struct fragment){ 1, 16, 8, false, 'a' }, &joined));
	assert_false(add(*state, (struct fragment){ 1, 16, 16, false, 'a' }, &joined));
	assert_false(add(*state, (struct fragment){ 1, 24, 8, true, 'a' }, &joined));
	assert_false(add(*state, (struct fragment){ 1, 0, 8, false, 'a' }, &joined));
	assert_int_equal(defrag_stats(*state)->malformed, 3);
	assert_true(add(*state, (struct fragment){ 1, 0, 16, true, 'a' }, &joined));
	assert_letters(joined, 24, 'a');
}

/* The ping of death: the tail passes 65,535. */
static void test_oversize(void **state)
{
	struct bytes joined;

	assert_false(add(*state, (struct fragment){ 1, 0, 65528, true, 'a' }, &joined));
	assert_false(add(*state, (struct fragment){ 1, 65528, 8, false, 'a' }, &joined));
	assert_int_equal(defrag_stats(*state)->oversize, 1);
	/* with it went the datagram: its end alone makes nothing whole */
	assert_false(add(*state, (struct fragment){ 1, 65528, 7, false, 'a' }, &joined));
	assert_true(add(*state, (struct fragment){ 1, 0, 65528, true, 'a' }, &joined));
	assert_letters(joined, 65535, 'a');
	assert_false(add(*state, (struct fragment){ 2, UINT32_MAX - 7, 8, true, 'a' }, &joined));
	assert_false(add(*state, (struct fragment){ 2, 0, 70000, true, 'a' }, &joined));
	assert_int_equal(defrag_stats(*state)->oversize, 3);
}

/* No data, odd lengths, fragments that the capture cut: passed over and counted. */
static void test_passed_over(void **state)
{
	struct packet packet = { .ip_version = 4, .payload = { (const uint8_t *)"12345678", 8 },
				 .payload_cut = 1, .fragment.more = true };
	struct bytes joined;

	assert_false(add(*state, (struct fragment){ 1, 0, 0, true, 'a' }, &joined));
	assert_false(add(*state, (struct fragment){ 1, 8, 0, false, 'a' }, &joined));
	assert_false(add(*state, (struct fragment){ 1, 0, 7, true, 'a' }, &joined));
	assert_int_equal(defrag_stats(*state)->malformed, 3);
	assert_false(defrag_add(*state, &packet, SECOND, &joined));
	assert_int_equal(defrag_stats(*state)->cut, 1);
	/* IPv4 hosts drop the remainder of an odd fragment; IPv6 hosts all of it */
	assert_false(add(*state, (struct fragment){ 1, 0, 11, true, 'a' }, &joined));
	assert_true(add(*state, (struct fragment){ 1, 8, 2, false, 'a' }, &joined));
	assert_letters(joined, 10, 'a');
	assert_false(add_as(*state, 6, IPPROTO_UDP, (struct fragment){ 1, 0, 11, true, 'a' }, 0,
			    &joined, &packet));
	assert_int_equal(defrag_stats(*state)->malformed, 4);
}

/* Datagrams are kept apart by id, by protocol (IPv4) and by version. */
static void test_keys(void **state)
{
	const struct fragment first = { 1, 0, 8, true, 'a' }, last = { 1, 8, 8, false, 'a' };
	struct bytes joined;
	struct packet packet;

	assert_false(add(*state, first, &joined));
	assert_false(add(*state, (struct fragment){ 2, 8, 8, false, 'a' }, &joined));
	assert_false(add_as(*state, 4, IPPROTO_TCP, last, SECOND, &joined, &packet));
	assert_false(add_as(*state, 6, IPPROTO_UDP, last, SECOND, &joined, &packet));
	assert_true(add(*state, last, &joined));
}

/* RFC 8200: later fragments may name any protocol; the first one's counts. */
static void test_ipv6_protocol(void **state)
{
	struct bytes joined;
	struct packet packet;

	assert_false(add_as(*state, 6, IPPROTO_UDP, (struct fragment){ 7, 8, 8, false, 'a' },
			    SECOND, &joined, &packet));
	assert_true(add_as(*state, 6, IPPROTO_TCP, (struct fragment){ 7, 0, 8, true, 'a' }, SECOND,
			   &joined, &packet));
	assert_int_equal(packet.ip_protocol, IPPROTO_TCP);
	assert_false(add_as(*state, 6, IPPROTO_TCP, (struct fragment){ 8, 0, 8, true, 'a' }, SECOND,
			    &joined, &packet));
	assert_true(add_as(*state, 6, IPPROTO_UDP, (struct fragment){ 8, 8, 8, false, 'a' }, SECOND,
			   &joined, &packet));
	assert_int_equal(packet.ip_protocol, IPPROTO_TCP);
}

/* A tunnel in fragments with fragments in it: the second join reads from the first one's result. */
static void test_fragments_in_joined(void **state)
{
	struct packet packet = { .ip_version = 4, .fragment = { .id = 9, .offset = 8 } };
	struct bytes joined;

	packet.src = frame_address(4, 1);
	packet.dst = frame_address(4, 2);
	packet.ip_protocol = IPPROTO_UDP;
	assert_false(add(*state, (struct fragment){ 9, 0, 8, true, 'z' }, &joined));
	assert_false(add(*state, (struct fragment){ 1, 0, 8, true, 'a' }, &joined));
	assert_true(add(*state, (struct fragment){ 1, 8, 8, false, 'a' }, &joined));
	packet.payload = bytes_of(joined.data, 4);      /* where other bytes will go */
	assert_true(defrag_add(*state, &packet, SECOND, &joined));
	assert_int_equal(joined.len, 12);
	assert_memory_equal(joined.data, "z{|}~\x7f\x80\x81" "abcd", 12);
}

static void test_timeout(void **state)
{
	const struct fragment first = { 1, 0, 8, true, 'a' }, last = { 1, 8, 8, false, 'a' };
	struct bytes joined;
	struct packet packet;

	assert_false(add_as(*state, 4, 17, first, SECOND, &joined, &packet));
	assert_true(add_as(*state, 4, 17, last, SECOND + DEFRAG_TIMEOUT_NS, &joined, &packet));
	assert_false(add_as(*state, 4, 17, first, SECOND, &joined, &packet));
	assert_false(add_as(*state, 4, 17, last, SECOND + DEFRAG_TIMEOUT_NS + 1, &joined,
			    &packet));
	assert_int_equal(defrag_stats(*state)->timed_out, 1);
	/* a clock that steps back makes nothing old */
	assert_true(add_as(*state, 4, 17, first, 0, &joined, &packet));
}

static void test_eviction(void **state)
{
	struct defrag *d = defrag_new(3);
	struct bytes joined;

	(void)state;
	assert_non_null(d);
	for (uint32_t id = 1; id <= 4; id++)
		assert_false(add(d, (struct fragment){ id, 0, 8, true, 'a' }, &joined));
	assert_int_equal(defrag_stats(d)->evicted, 1);
	assert_true(add(d, (struct fragment){ 2, 8, 8, false, 'a' }, &joined));
	assert_true(add(d, (struct fragment){ 4, 8, 8, false, 'a' }, &joined));
	assert_false(add(d, (struct fragment){ 1, 8, 8, false, 'a' }, &joined));
	assert_true(add(d, (struct fragment){ 3, 8, 8, false, 'a' }, &joined));
	defrag_free(d);
}

/* Large fragments are bounded by their bytes, long before their number. */
static void test_bytes_are_bounded(void **state)
{
	struct defrag *d = *state;
	struct bytes joined;
	uint32_t held = DEFRAG_MAX_FRAGMENTS * DEFRAG_PIECE_MEAN / 65528;

	for (uint32_t id = 0; id < 2 * held; id++)
		assert_false(add(d, (struct fragment){ id, 0, 65528, true, 'a' }, &joined));
	assert_int_equal(defrag_stats(d)->evicted, held);
	assert_false(add(d, (struct fragment){ 0, 65528, 7, false, 'a' }, &joined));
	assert_true(add(d, (struct fragment){ 2 * held - 1, 65528, 7, false, 'a' }, &joined));
	assert_letters(joined, 65535, 'a');
}

/* A datagram in crumbs, out of order: it is given up, the others are not. */
static void test_pieces_are_bounded(void **state)
{
	struct defrag *d = *state;
	struct bytes joined;

	assert_false(add(d, (struct fragment){ 1, 0, 8, true, 'a' }, &joined));
	for (uint32_t n = 0; n <= DEFRAG_MAX_PIECES; n++)
		assert_false(add(d, (struct fragment){ 2, 60000 - n * 16, 8, true, 'a' }, &joined));
	assert_int_equal(defrag_stats(d)->evicted, 1);
	assert_true(add(d, (struct fragment){ 1, 8, 8, false, 'a' }, &joined));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(orders),
		TEST(duplicates),
		TEST(overlaps),
		TEST(teardrop),
		TEST(conflicting_ends),
		TEST(oversize),
		TEST(passed_over),
		TEST(keys),
		TEST(ipv6_protocol),
		TEST(fragments_in_joined),
		TEST(timeout),
		TEST(eviction),
		TEST(bytes_are_bounded),
		TEST(pieces_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
