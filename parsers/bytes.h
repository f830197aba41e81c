/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading untrusted bytes: one type that is both view and cursor.
 *
 * A `struct bytes` borrows memory and never owns it. Each reader takes from the front and
 * returns true, or returns false and leaves both arguments alone. Integers are big-endian
 * (network order) unless the name says otherwise.
 */
#ifndef CERTTAP_BYTES_H
#define CERTTAP_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define MUST_CHECK __attribute__((warn_unused_result))
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

struct bytes {
	const uint8_t *data;
	size_t len;
};

/*
 * At the edge of a stream there are three answers; inside a complete body, a bool is enough.
 * PARSE_MORE: the input is a good beginning, but ends too early; nothing was taken.
 * PARSE_BAD: no continuation can make this input good.
 */
enum parse { PARSE_OK, PARSE_MORE, PARSE_BAD };

static inline struct bytes bytes_of(const void *data, size_t len)
{
	return (struct bytes){ .data = data, .len = len };
}

static inline MUST_CHECK bool bytes_take(struct bytes *in, size_t len, struct bytes *out)
{
	if (in->len < len)
		return false;
	*out = (struct bytes){ in->data, len };
	in->data += len;
	in->len -= len;
	return true;
}

static inline MUST_CHECK bool bytes_skip(struct bytes *in, size_t len)
{
	struct bytes ignored;

	return bytes_take(in, len, &ignored);
}

static inline MUST_CHECK bool bytes_u8(struct bytes *in, uint8_t *out)
{
	if (in->len < 1)
		return false;
	*out = in->data[0];
	in->data += 1;
	in->len -= 1;
	return true;
}

static inline MUST_CHECK bool bytes_u16(struct bytes *in, uint16_t *out)
{
	if (in->len < 2)
		return false;
	*out = (uint16_t)(in->data[0] << 8 | in->data[1]);
	in->data += 2;
	in->len -= 2;
	return true;
}

static inline MUST_CHECK bool bytes_u24(struct bytes *in, uint32_t *out)
{
	if (in->len < 3)
		return false;
	*out = (uint32_t)in->data[0] << 16 | (uint32_t)in->data[1] << 8 | in->data[2];
	in->data += 3;
	in->len -= 3;
	return true;
}

static inline MUST_CHECK bool bytes_u32(struct bytes *in, uint32_t *out)
{
	if (in->len < 4)
		return false;
	*out = (uint32_t)in->data[0] << 24 | (uint32_t)in->data[1] << 16 |
	       (uint32_t)in->data[2] << 8 | in->data[3];
	in->data += 4;
	in->len -= 4;
	return true;
}

/* A length of 8, 16 or 24 bits, then that many bytes of body. */
static inline MUST_CHECK bool bytes_vec8(struct bytes *in, struct bytes *out)
{
	struct bytes rest = *in;
	uint8_t len;

	if (!bytes_u8(&rest, &len) || !bytes_take(&rest, len, out))
		return false;
	*in = rest;
	return true;
}

static inline MUST_CHECK bool bytes_vec16(struct bytes *in, struct bytes *out)
{
	struct bytes rest = *in;
	uint16_t len;

	if (!bytes_u16(&rest, &len) || !bytes_take(&rest, len, out))
		return false;
	*in = rest;
	return true;
}

static inline MUST_CHECK bool bytes_vec24(struct bytes *in, struct bytes *out)
{
	struct bytes rest = *in;
	uint32_t len;

	if (!bytes_u24(&rest, &len) || !bytes_take(&rest, len, out))
		return false;
	*in = rest;
	return true;
}

static inline bool bytes_equal(struct bytes a, struct bytes b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

#endif
