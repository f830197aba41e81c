/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes put together for tests, and numbers that only look random: every run is the same. */
#ifndef CERTTAP_TESTS_BUFFER_H
#define CERTTAP_TESTS_BUFFER_H

#include <stdlib.h>

#include "parsers/bytes.h"

struct buffer {
	uint8_t *data;
	size_t len, capacity;
};

static inline void buffer_add(struct buffer *b, const void *data, size_t len)
{
	while (b->capacity - b->len < len) {
		b->capacity = b->capacity ? 2 * b->capacity : 256;
		b->data = realloc(b->data, b->capacity);
		if (!b->data)
			abort();
	}
	if (len)
		memcpy(b->data + b->len, data, len);
	b->len += len;
}

static inline void buffer_add_bytes(struct buffer *b, struct bytes in)
{
	buffer_add(b, in.data, in.len);
}

/* A number of `octets` bytes, big-endian. */
static inline void buffer_number(struct buffer *b, unsigned int octets, uint32_t value)
{
	uint8_t byte;

	while (octets-- > 0) {
		byte = (uint8_t)(value >> 8 * octets);
		buffer_add(b, &byte, 1);
	}
}

/* A length of `octets` bytes, then the body. */
static inline void buffer_vec(struct buffer *b, unsigned int octets, struct bytes body)
{
	buffer_number(b, octets, (uint32_t)body.len);
	buffer_add_bytes(b, body);
}

static inline struct bytes buffer_bytes(const struct buffer *b)
{
	return bytes_of(b->data, b->len);
}

static inline void buffer_free(struct buffer *b)
{
	free(b->data);
	*b = (struct buffer){ 0 };
}

static inline void buffer_clear(struct buffer *b)
{
	b->len = 0;
}

/* On the heap and of exactly this length, so that a sanitizer sees every byte read beyond it. */
static inline uint8_t *bytes_copy(struct bytes of)
{
	uint8_t *copy = malloc(of.len ? of.len : 1);

	if (!copy)
		abort();
	if (of.len)
		memcpy(copy, of.data, of.len);
	return copy;
}

/* xorshift64 (Marsaglia, 2003) */
static inline uint64_t random_next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static inline uint32_t random_below(uint64_t *state, uint32_t limit)
{
	return (uint32_t)(random_next(state) >> 16) % limit;
}

static inline void random_fill(uint64_t *state, uint8_t *data, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		data[i] = (uint8_t)(random_next(state) >> 24);
}

#endif
