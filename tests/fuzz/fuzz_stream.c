/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Input: one byte for the limits, then segments of four bytes: offset (16 bits), length, flags. Each place of the
 * stream has its byte; flags: 1 lies about it, 2 gives up what is missing.
 */
#include "parsers/stream.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t truth(uint32_t at)
{
	return (uint8_t)(at * 31 + (at >> 8));
}

/* No byte may be one that nobody sent; lies are the truth's complement. */
static void check_now(struct stream *s, uint32_t base, struct bytes now)
{
	uint32_t at = s->next - base - (uint32_t)now.len;
	unsigned int wrong;
	size_t i;

	/* As sent, or as the other reading has it: every bit turned. */
	for (i = 0; i < now.len; i++) {
		wrong = now.data[i] ^ truth(at + (uint32_t)i);
		if (wrong != 0 && wrong != 0xff)
			abort();
	}
}

static void check_ranges(const struct stream *s, const struct stream_limits *limits)
{
	const struct stream_range *range;
	uint32_t end = s->next, held = 0, num = 0;

	for (range = s->ranges; range; range = range->next) {
		if (range->len == 0 || range->len > range->capacity || seq_before(range->seq, end))
			abort();
		end = range->seq + range->len;
		held += range->len;
		num++;
	}
	if (held != s->held || num != s->num_ranges || held > limits->held || num > limits->ranges)
		abort();
}

static void drain(struct stream *s, struct budget *memory, uint32_t base)
{
	struct stream_range *range;
	struct bytes now;

	while ((range = stream_pop(s, &now))) {
		check_now(s, base, now);
		stream_range_free(range, memory);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in = bytes_of(data, size), now;
	struct stream_limits limits = { .held = 1u << 20, .ranges = 256 };
	struct budget memory = { .max = 1u << 20 };
	uint32_t base = 0xffff8000u, i;
	uint8_t limit, len, flags, payload[255];
	struct stream s;
	uint16_t at;

	if (!bytes_u8(&in, &limit))
		return 0;
	if (limit & 1)
		limits = (struct stream_limits){ .held = 600, .ranges = 5 };
	if (limit & 2)
		memory.max = 2000;
	stream_init(&s, base);
	while (bytes_u16(&in, &at) && bytes_u8(&in, &len) && bytes_u8(&in, &flags)) {
		for (i = 0; i < len; i++)
			payload[i] = flags & 1 ? (uint8_t)~truth(at + i) : truth(at + i);
		stream_add(&s, &limits, &memory, base + at, bytes_of(payload, len), &now);
		check_now(&s, base, now);
		drain(&s, &memory, base);
		if (flags & 2) {
			stream_skip(&s, &memory, s.next + stream_gap(&s));
			drain(&s, &memory, base);
		}
		check_ranges(&s, &limits);
		if (memory.used > memory.max)
			abort();
	}
	stream_fini(&s, &memory);
	if (memory.used)
		abort();
	return 0;
}
