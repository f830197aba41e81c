/* SPDX-License-Identifier: Apache-2.0 */
/* Against a simple model: an array that remembers which bytes came first. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "parsers/stream.h"
#include "tests/unit/buffer.h"

#define SPAN 20000u             /* bytes of the modelled stream */

static const struct stream_limits wide = { .held = 1u << 20, .ranges = 256 };

struct model {
	uint8_t first[SPAN];    /* of each place, the byte that came first */
	bool have[SPAN];
	uint32_t next;          /* handed on up to here */
	bool conflict;          /* a byte that was held came again, and differed */
};

static void model_add(struct model *m, uint32_t at, struct bytes data)
{
	uint32_t i, place;

	for (i = 0; i < data.len; i++) {
		place = at + i;
		if (place < m->next)
			continue;
		if (m->have[place])
			m->conflict |= m->first[place] != data.data[i];
		else
			m->first[place] = data.data[i];
		m->have[place] = true;
	}
}

/* What the stream hands on must be what the model has at its front. */
static void model_take(struct model *m, struct bytes now)
{
	uint32_t i;

	for (i = 0; i < now.len; i++) {
		assert_true(m->next < SPAN && m->have[m->next]);
		assert_int_equal(now.data[i], m->first[m->next]);
		m->next++;
	}
}

static void drain(struct stream *s, struct budget *memory, struct model *m)
{
	struct stream_range *range;
	struct bytes now;

	while ((range = stream_pop(s, &now))) {
		assert_true(now.len > 0);
		model_take(m, now);
		stream_range_free(range, memory);
	}
}

/* The ranges lie in order, apart from each other, and the sums are right. */
static void check_ranges(const struct stream *s, const struct stream_limits *limits)
{
	const struct stream_range *range;
	uint32_t end = s->next, held = 0, num = 0;

	for (range = s->ranges; range; range = range->next) {
		assert_true(range->len > 0 && range->len <= range->capacity);
		assert_false(seq_before(range->seq, end));
		end = range->seq + range->len;
		held += range->len;
		num++;
	}
	assert_int_equal(held, s->held);
	assert_int_equal(num, s->num_ranges);
	assert_true(held <= limits->held && num <= limits->ranges);
}

static void give(struct stream *s, struct budget *memory, struct model *m, uint32_t base, uint32_t at,
		 struct bytes data)
{
	uint8_t *copy = bytes_copy(data);
	struct bytes now;

	assert_int_equal(stream_add(s, &wide, memory, base + at, bytes_of(copy, data.len), &now), STREAM_OK);
	model_add(m, at, data);
	model_take(m, now);
	drain(s, memory, m);
	free(copy);
	check_ranges(s, &wide);
	assert_true(m->next == SPAN || !m->have[m->next]);
	assert_int_equal(s->next, base + m->next);
	assert_int_equal(s->conflict, m->conflict);
}

/* Random segments that overlap, some with other bytes, until the stream is whole. */
static void run_random(uint64_t seed, uint32_t base, bool honest)
{
	struct budget memory = { .max = 64u << 20 };
	struct model *m = calloc(1, sizeof(*m));
	uint8_t *truth = malloc(SPAN), *lie = malloc(SPAN);
	struct stream s;
	uint32_t at, len, tries;

	assert_true(m && truth && lie);
	random_fill(&seed, truth, SPAN);
	random_fill(&seed, lie, SPAN);
	stream_init(&s, base);
	for (tries = 0; tries < 300; tries++) {
		at = random_below(&seed, SPAN);
		len = 1 + random_below(&seed, random_below(&seed, 4) ? 40 : 3000);
		if (len > SPAN - at)
			len = SPAN - at;
		give(&s, &memory, m, base, at,
		     bytes_of((honest || random_below(&seed, 4) ? truth : lie) + at, len));
	}
	/* What is still missing comes in order. */
	for (at = m->next; at < SPAN; at += len) {
		len = SPAN - at < 1460 ? SPAN - at : 1460;
		give(&s, &memory, m, base, at, bytes_of(truth + at, len));
	}
	assert_int_equal(m->next, SPAN);
	if (honest)
		assert_false(s.conflict);
	stream_fini(&s, &memory);
	assert_int_equal(memory.used, 0);
	free(truth);
	free(lie);
	free(m);
}

static void test_model(void **state)
{
	uint64_t seed;

	(void)state;
	for (seed = 1; seed <= 60; seed++) {
		run_random(seed * 977, (uint32_t)seed * 0x01234567u, seed & 1);
		run_random(seed * 991, 0u - (uint32_t)(seed * 300), seed & 1);    /* wraps inside */
		run_random(seed * 997, 0x80000000u - (uint32_t)(seed * 300), seed & 1);
	}
}

/* In order nothing is copied and nothing is kept. */
static void test_in_order(void **state)
{
	struct budget memory = { .max = 0 };
	uint8_t data[100] = { 0 };
	struct stream s;
	struct bytes now;
	uint32_t i;

	(void)state;
	stream_init(&s, 0xffffffd0u);
	for (i = 0; i < 10; i++) {
		assert_int_equal(stream_add(&s, &wide, &memory, 0xffffffd0u + i * 100,
					    bytes_of(data, 100), &now), STREAM_OK);
		assert_ptr_equal(now.data, data);
		assert_int_equal(now.len, 100);
		/* Once more, and an old one: nothing. */
		assert_int_equal(stream_add(&s, &wide, &memory, 0xffffffd0u + i * 100,
					    bytes_of(data, 100), &now), STREAM_OK);
		assert_int_equal(now.len, 0);
	}
	assert_int_equal(stream_gap(&s), 0);
	assert_int_equal(memory.refused, 0);
	/* Half old, half new. */
	assert_int_equal(stream_add(&s, &wide, &memory, 0xffffffd0u + 950, bytes_of(data, 100), &now),
			 STREAM_OK);
	assert_ptr_equal(now.data, data + 50);
	assert_int_equal(now.len, 50);
}

/* One byte each, backwards: neighbours are joined, so that it costs neither ranges nor much memory. */
static void test_tiny_backwards(void **state)
{
	const struct stream_limits few = { .held = 1u << 20, .ranges = 8 };
	struct budget memory = { .max = 1u << 20 };
	struct model *m = calloc(1, sizeof(*m));
	struct stream s;
	struct bytes now;
	uint8_t byte;
	uint32_t i;

	(void)state;
	stream_init(&s, 1000);
	for (i = SPAN - 1; i > 0; i--) {
		byte = (uint8_t)(i * 7);
		assert_int_equal(stream_add(&s, &few, &memory, 1000 + i, bytes_of(&byte, 1), &now), STREAM_OK);
		model_add(m, i, bytes_of(&byte, 1));
	}
	check_ranges(&s, &few);
	assert_true(memory.used < 2 * SPAN);
	assert_int_equal(stream_gap(&s), 1);
	byte = 0;
	assert_int_equal(stream_add(&s, &few, &memory, 1000, bytes_of(&byte, 1), &now), STREAM_OK);
	model_add(m, 0, bytes_of(&byte, 1));
	model_take(m, now);
	drain(&s, &memory, m);
	assert_int_equal(m->next, SPAN);
	assert_int_equal(memory.used, 0);
	assert_int_equal(s.num_ranges, 0);
	free(m);
}

static void test_limits(void **state)
{
	const struct stream_limits narrow = { .held = 300, .ranges = 3 };
	struct budget memory = { .max = 1u << 20 }, none = { .max = 10 };
	uint8_t data[400] = { 0 };
	struct stream s;
	struct bytes now;

	(void)state;
	stream_init(&s, 0);
	assert_int_equal(stream_add(&s, &narrow, &none, 10, bytes_of(data, 1), &now), STREAM_FULL);
	assert_int_equal(none.refused, 1);
	assert_int_equal(none.used, 0);
	assert_int_equal(stream_add(&s, &narrow, &memory, 10, bytes_of(data, 301), &now), STREAM_FULL);
	assert_int_equal(stream_add(&s, &narrow, &memory, 10, bytes_of(data, 298), &now), STREAM_OK);
	assert_int_equal(stream_add(&s, &narrow, &memory, 400, bytes_of(data, 1), &now), STREAM_OK);
	assert_int_equal(stream_add(&s, &narrow, &memory, 500, bytes_of(data, 1), &now), STREAM_OK);
	assert_int_equal(stream_add(&s, &narrow, &memory, 600, bytes_of(data, 1), &now), STREAM_FULL);
	check_ranges(&s, &narrow);
	/* What is next in order needs no room. */
	assert_int_equal(stream_add(&s, &narrow, &memory, 0, bytes_of(data, 10), &now), STREAM_OK);
	assert_int_equal(now.len, 10);
	stream_fini(&s, &memory);
	assert_int_equal(memory.used, 0);
}

static void test_outside(void **state)
{
	static const struct { uint32_t seq; enum stream_add want; } cases[] = {
		{ 5000 + (1u << 30), STREAM_OK }, { 5001 + (1u << 30), STREAM_OUTSIDE },
		{ 5000 + (1u << 31), STREAM_OUTSIDE }, { 4999 - (1u << 30), STREAM_OUTSIDE },
		{ 5000 - (1u << 30), STREAM_OK }, { 4999, STREAM_OK },
	};
	struct budget memory = { .max = 1u << 20 };
	uint8_t byte = 0;
	struct stream s;
	struct bytes now;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		stream_init(&s, 5000);
		assert_int_equal(stream_add(&s, &wide, &memory, cases[i].seq, bytes_of(&byte, 1), &now),
				 cases[i].want);
		assert_int_equal(now.len, 0);
		assert_int_equal(s.next, 5000);
		stream_fini(&s, &memory);
	}
	assert_int_equal(memory.used, 0);
}

/* Gives up bytes: before, inside, exactly at the end of, and beyond what is held. */
static void test_skip(void **state)
{
	static const struct { uint32_t to, gap, held, num; } cases[] = {
		{ 5, 5, 30, 2 }, { 10, 0, 30, 2 }, { 15, 0, 25, 2 }, { 29, 0, 11, 2 }, { 30, 10, 10, 1 },
		{ 35, 5, 10, 1 }, { 45, 0, 5, 1 }, { 50, 0, 0, 0 }, { 1000, 0, 0, 0 },
	};
	struct budget memory = { .max = 1u << 20 };
	uint8_t data[20];
	struct stream_range *range;
	struct stream s;
	struct bytes now;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)i;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		stream_init(&s, 0);
		assert_int_equal(stream_add(&s, &wide, &memory, 10, bytes_of(data, 20), &now), STREAM_OK);
		assert_int_equal(stream_add(&s, &wide, &memory, 40, bytes_of(data, 10), &now), STREAM_OK);
		stream_skip(&s, &memory, cases[i].to);
		assert_int_equal(s.next, cases[i].to);
		assert_int_equal(stream_gap(&s), cases[i].gap);
		assert_int_equal(s.held, cases[i].held);
		assert_int_equal(s.num_ranges, cases[i].num);
		check_ranges(&s, &wide);
		range = stream_pop(&s, &now);
		assert_int_equal(range != NULL, cases[i].held > 0 && cases[i].gap == 0);
		if (range) {
			assert_int_equal(now.data[0], cases[i].to < 30 ? cases[i].to - 10 : cases[i].to - 40);
			stream_range_free(range, &memory);
		}
		stream_fini(&s, &memory);
		assert_int_equal(memory.used, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_model),
		cmocka_unit_test(test_in_order),
		cmocka_unit_test(test_tiny_backwards),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_outside),
		cmocka_unit_test(test_skip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
