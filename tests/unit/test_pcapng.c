/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks of every kind in both byte orders, and what is wrong with those that are refused. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "parsers/pcapng.h"

enum block_type {
	SECTION = 0x0a0d0d0a, INTERFACE = 1, PACKET_OLD = 2, PACKET_SIMPLE = 3, NAMES = 4,
	PACKET = 6, SECRETS = 10, CUSTOM = 0xbad,
};

struct writer {
	bool big_endian;
	size_t len;
	uint8_t data[4096];
};

static void put(struct writer *w, uint64_t value, unsigned int size)
{
	for (unsigned int i = 0; i < size; i++) {
		unsigned int shift = 8 * (w->big_endian ? size - 1 - i : i);

		w->data[w->len++] = (uint8_t)(value >> shift);
	}
}

static void put_text(struct writer *w, const char *text)
{
	memcpy(w->data + w->len, text, strlen(text));
	w->len += strlen(text);
	while (w->len % 4)
		w->data[w->len++] = 0;
}

static void begin(struct writer *w, uint32_t type)
{
	w->len = 0;
	put(w, type, 4);
	put(w, 0, 4);
}

/* Fills the length in, in front and behind. */
static struct bytes end(struct writer *w)
{
	size_t len = w->len + 4;

	w->len = 4;
	put(w, len, 4);
	w->len = len - 4;
	put(w, len, 4);
	return bytes_of(w->data, len);
}

static struct bytes section(struct writer *w, uint16_t major)
{
	begin(w, SECTION);
	put(w, 0x1a2b3c4d, 4);
	put(w, major, 2);
	put(w, 0, 2);
	put(w, UINT64_MAX, 8);
	return end(w);
}

static struct bytes interface(struct writer *w, uint16_t link, uint32_t snap_len)
{
	begin(w, INTERFACE);
	put(w, link, 2);
	put(w, 0, 2);
	put(w, snap_len, 4);
	return end(w);
}

static struct bytes interface_option(struct writer *w, uint16_t code, uint64_t value,
				     unsigned int size)
{
	begin(w, INTERFACE);
	put(w, 1, 2);
	put(w, 0, 2);
	put(w, 0, 4);
	put(w, 2, 2);           /* if_name first, with padding */
	put(w, 3, 2);
	put_text(w, "lo0");
	put(w, code, 2);
	put(w, size, 2);
	put(w, value, size);
	while (w->len % 4)
		put(w, 0, 1);
	put(w, 0, 4);
	return end(w);
}

static struct bytes packet(struct writer *w, uint32_t number, uint64_t ticks)
{
	begin(w, PACKET);
	put(w, number, 4);
	put(w, ticks >> 32, 4);
	put(w, ticks & UINT32_MAX, 4);
	put(w, 5, 4);
	put(w, 60, 4);
	put_text(w, "hello");
	return end(w);
}

struct result {
	bool ok;
	enum pcapng_item what;
	struct pcapng_frame frame;
	struct pcapng_secrets secrets;
	const char *why;
};

static struct result give(struct pcapng *p, struct bytes block)
{
	struct result r = { .what = PCAPNG_NOTHING };
	uint32_t len = 0;

	if (pcapng_block_len(p, block, &len) == PARSE_OK)
		assert_int_equal(len, block.len);
	r.ok = pcapng_block(p, block, &r.what, &r.frame, &r.secrets, &r.why);
	assert_true(r.ok || r.why);
	return r;
}

static void assert_item(struct result r, enum pcapng_item what)
{
	if (!r.ok)
		fail_msg("%s", r.why);
	assert_int_equal(r.what, what);
}

static void assert_refused(struct result r, const char *word)
{
	assert_false(r.ok);
	if (!strstr(r.why, word))
		fail_msg("'%s' does not say '%s'", r.why, word);
}

static struct pcapng *opened(struct writer *w)
{
	struct pcapng *p = pcapng_new();

	assert_non_null(p);
	assert_item(give(p, section(w, 1)), PCAPNG_SECTION);
	return p;
}

static void check_packets(struct pcapng *p, bool big_endian)
{
	struct writer w = { .big_endian = big_endian };
	struct result r;

	assert_true(pcapng_recognise(section(&w, 1)));
	assert_item(give(p, section(&w, 1)), PCAPNG_SECTION);
	assert_item(give(p, interface(&w, 1, 0)), PCAPNG_NOTHING);
	assert_item(give(p, interface(&w, 113, 4)), PCAPNG_NOTHING);

	r = give(p, packet(&w, 1, 1700000000123456));
	assert_item(r, PCAPNG_PACKET);
	assert_int_equal(r.frame.link, 113);
	assert_int_equal(r.frame.interface, 1);
	assert_true(r.frame.time_ns == 1700000000123456000);
	assert_int_equal(r.frame.wire_len, 60);
	assert_true(bytes_equal(r.frame.data, bytes_of("hello", 5)));

	begin(&w, PACKET_OLD);
	put(&w, 1, 2);
	put(&w, 7, 2);
	put(&w, 0, 4);
	put(&w, 1000000, 4);
	put(&w, 5, 4);
	put(&w, 4, 4);          /* less than was captured: cannot be */
	put_text(&w, "hello");
	r = give(p, end(&w));
	assert_item(r, PCAPNG_PACKET);
	assert_int_equal(r.frame.link, 113);
	assert_true(r.frame.time_ns == 1000000000);
	assert_int_equal(r.frame.wire_len, 5);
}

static void check_other_blocks(struct pcapng *p, bool big_endian)
{
	struct writer w = { .big_endian = big_endian };
	struct result r;

	begin(&w, SECRETS);
	put(&w, 0x544c534b, 4);
	put(&w, 6, 4);
	put_text(&w, "CLIENT");
	r = give(p, end(&w));
	assert_item(r, PCAPNG_SECRETS);
	assert_int_equal(r.secrets.type, 0x544c534b);
	assert_true(bytes_equal(r.secrets.data, bytes_of("CLIENT", 6)));

	begin(&w, CUSTOM);
	put_text(&w, "whatever");
	assert_item(give(p, end(&w)), PCAPNG_NOTHING);
	begin(&w, NAMES);
	assert_item(give(p, end(&w)), PCAPNG_NOTHING);
}

static void test_both_orders(void **state)
{
	struct pcapng *p = pcapng_new();

	(void)state;
	assert_non_null(p);
	for (int i = 0; i < 3; i++) {   /* sections in one file: interfaces count anew in each */
		check_packets(p, i % 2);
		check_other_blocks(p, i % 2);
	}
	pcapng_free(p);
	pcapng_free(NULL);
}

static void test_simple_packet(void **state)
{
	struct writer w = { .len = 0 };
	struct pcapng *p = opened(&w);
	struct result r;

	(void)state;
	assert_item(give(p, interface(&w, 1, 6)), PCAPNG_NOTHING);
	begin(&w, PACKET_SIMPLE);
	put(&w, 1000, 4);       /* on the wire; six of them were captured */
	put_text(&w, "simple");
	r = give(p, end(&w));
	assert_item(r, PCAPNG_PACKET);
	assert_int_equal(r.frame.data.len, 6);
	assert_int_equal(r.frame.wire_len, 1000);
	assert_true(r.frame.time_ns == 0);
	begin(&w, PACKET_SIMPLE);
	put(&w, 3, 4);
	put_text(&w, "abc");
	assert_int_equal(give(p, end(&w)).frame.data.len, 3);
	begin(&w, PACKET_SIMPLE);
	put(&w, 5, 4);
	put_text(&w, "abc");
	assert_refused(give(p, end(&w)), "longer than its block");
	assert_item(give(p, section(&w, 1)), PCAPNG_SECTION);
	begin(&w, PACKET_SIMPLE);
	put(&w, 3, 4);
	put_text(&w, "abc");
	assert_refused(give(p, end(&w)), "interface that was not described");
	pcapng_free(p);
}

static void test_times(void **state)
{
	static const struct {
		uint16_t code;
		uint64_t value;
		unsigned int size;
		uint64_t ticks, time_ns;
	} cases[] = {
		{ 9, 9, 1, 1234567890123456789, 1234567890123456789 },
		{ 9, 3, 1, 5001, 5001000000 },
		{ 9, 0, 1, 7, 7000000000 },
		{ 9, 12, 1, 1999, 1 },
		{ 9, 19, 1, UINT64_MAX, 1844674407 },
		{ 9, 0x81, 1, 3, 1500000000 },
		{ 9, 0x80 | 63, 1, UINT64_MAX, 1999999999 },
		{ 9, 0, 1, UINT64_MAX, UINT64_MAX }, /* beyond 64 bits: the most there is */
		{ 14, 10, 8, 1, 10000001000 },
		{ 14, (uint64_t)-1, 8, 3000000, 2000000000 },
		{ 14, (uint64_t)-10, 8, 3000000, 0 },           /* before 1970 */
		{ 14, INT64_MAX, 8, 0, UINT64_MAX },
		{ 14, (uint64_t)INT64_MIN, 8, UINT64_MAX, 0 },
	};

	(void)state;
	for (int big_endian = 0; big_endian < 2; big_endian++) {
		for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
			struct writer w = { .big_endian = big_endian };
			struct pcapng *p = opened(&w);
			struct result r;

			r = give(p, interface_option(&w, cases[i].code, cases[i].value,
						     cases[i].size));
			assert_item(r, PCAPNG_NOTHING);
			r = give(p, packet(&w, 0, cases[i].ticks));
			assert_item(r, PCAPNG_PACKET);
			if (r.frame.time_ns != cases[i].time_ns)
				fail_msg("case %zu: %llu", i, (unsigned long long)r.frame.time_ns);
			pcapng_free(p);
		}
	}
}

static void test_bad_options(void **state)
{
	struct writer w = { .len = 0 };
	struct pcapng *p = opened(&w);

	(void)state;
	assert_refused(give(p, interface_option(&w, 9, 20, 1)), "resolution");
	assert_refused(give(p, interface_option(&w, 9, 0x80 | 64, 1)), "resolution");
	assert_refused(give(p, interface_option(&w, 9, 6, 2)), "resolution");
	assert_refused(give(p, interface_option(&w, 14, 0, 4)), "offset");
	begin(&w, INTERFACE);
	put(&w, 1, 4);
	put(&w, 0, 4);
	put(&w, 2, 2);
	put(&w, 0xffff, 2);     /* an option of 65,535 bytes in a block of four */
	put(&w, 0, 4);
	assert_refused(give(p, end(&w)), "longer than its interface");
	pcapng_free(p);
}

static void test_bad_blocks(void **state)
{
	struct writer w = { .len = 0 };
	struct pcapng *p = opened(&w);
	struct bytes block;
	struct result r;

	(void)state;
	assert_refused(give(p, packet(&w, 0, 0)), "not described");
	assert_item(give(p, interface(&w, 1, 0)), PCAPNG_NOTHING);
	block = packet(&w, 0, 0);
	w.data[block.len - 1] ^= 1;
	assert_refused(give(p, block), "lengths");
	block = packet(&w, 0, 0);
	w.data[20] = 9;         /* captured: nine, padded to twelve, of eight */
	assert_refused(give(p, block), "longer than its block");
	w.data[20] = w.data[21] = w.data[22] = w.data[23] = 0xff;
	assert_refused(give(p, block), "longer than its block");
	block = packet(&w, 0, 0);
	block.len -= 4;
	r.ok = pcapng_block(p, block, &r.what, &r.frame, &r.secrets, &r.why);
	assert_false(r.ok);
	begin(&w, PACKET);
	put(&w, 0, 4);
	assert_refused(give(p, end(&w)), "too short");
	begin(&w, INTERFACE);
	assert_refused(give(p, end(&w)), "too short");
	begin(&w, SECRETS);
	put(&w, 1, 4);
	put(&w, 5, 4);
	put_text(&w, "abc");
	assert_refused(give(p, end(&w)), "secrets are longer");
	assert_refused(give(p, section(&w, 2)), "version");
	pcapng_free(p);
}

static void test_block_len(void **state)
{
	struct writer w = { .len = 0 };
	struct pcapng *p = pcapng_new();
	struct bytes head;
	uint32_t len = 1;

	(void)state;
	assert_non_null(p);
	head = packet(&w, 0, 0);
	assert_int_equal(pcapng_block_len(p, head, &len), PARSE_BAD);   /* before any section */
	head = section(&w, 1);
	for (size_t n = 0; n < PCAPNG_HEADER_LEN; n++)
		assert_int_equal(pcapng_block_len(p, bytes_of(head.data, n), &len), PARSE_MORE);
	assert_int_equal(len, 1);
	assert_int_equal(pcapng_block_len(p, bytes_of(head.data, PCAPNG_HEADER_LEN), &len),
			 PARSE_OK);
	assert_int_equal(len, head.len);
	w.data[8] ^= 1;
	assert_int_equal(pcapng_block_len(p, head, &len), PARSE_BAD);   /* no byte order */
	assert_false(pcapng_recognise(head));
	assert_false(pcapng_recognise(bytes_of("\x0a\x0d\x0d\x0a", 4)));
	pcapng_free(p);
	p = opened(&w);
	static const uint32_t bad[] = { 0, 8, 13, 14, PCAPNG_BLOCK_MAX + 4, UINT32_MAX - 3 };
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		begin(&w, CUSTOM);
		w.len = 4;
		put(&w, bad[i], 4);
		head = bytes_of(w.data, PCAPNG_HEADER_LEN);
		assert_int_equal(pcapng_block_len(p, head, &len), PARSE_BAD);
	}
	pcapng_free(p);
}

static void test_interfaces_are_bounded(void **state)
{
	struct writer w = { .len = 0 };
	struct pcapng *p = opened(&w);

	(void)state;
	for (uint32_t i = 0; i < PCAPNG_INTERFACES_MAX + 2; i++)
		assert_item(give(p, interface(&w, (uint16_t)i, 0)), PCAPNG_NOTHING);
	assert_int_equal(give(p, packet(&w, PCAPNG_INTERFACES_MAX - 1, 0)).frame.link,
			 PCAPNG_INTERFACES_MAX - 1);
	assert_refused(give(p, packet(&w, PCAPNG_INTERFACES_MAX, 0)), "more interfaces");
	assert_refused(give(p, packet(&w, PCAPNG_INTERFACES_MAX + 2, 0)), "not described");
	pcapng_free(p);
}

/* Whatever is cut off a block's body, with its lengths made right: refused or parsed, no more. */
static void test_shortened(void **state)
{
	struct writer w = { .len = 0 };
	struct pcapng *p = opened(&w);
	uint8_t *copy;

	(void)state;
	assert_item(give(p, interface(&w, 1, 0)), PCAPNG_NOTHING);
	for (uint32_t type = 0; type < 12; type++) {
		for (uint32_t len = 0; len <= 32; len += 4) {
			begin(&w, type);
			for (uint32_t i = 0; i < len; i++)
				put(&w, i * type % 3, 1);
			struct bytes block = end(&w);
			copy = malloc(block.len);
			assert_non_null(copy);
			memcpy(copy, block.data, block.len);
			give(p, bytes_of(copy, block.len));
			free(copy);
		}
	}
	pcapng_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_both_orders),
		cmocka_unit_test(test_simple_packet),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_bad_options),
		cmocka_unit_test(test_bad_blocks),
		cmocka_unit_test(test_block_len),
		cmocka_unit_test(test_interfaces_are_bounded),
		cmocka_unit_test(test_shortened),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
