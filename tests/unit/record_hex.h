/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes of any length from hex digits, for tests of records. After cmocka.h. */
#ifndef CERTTAP_TESTS_RECORD_HEX_H
#define CERTTAP_TESTS_RECORD_HEX_H

#include "parsers/bytes.h"
#include "tests/unit/hex.h"

struct unhexed {
	uint8_t data[2048];
	size_t len;
};

static inline struct unhexed unhex(const char *hex)
{
	struct unhexed out = { .len = strlen(hex) / 2 };

	assert_true(out.len <= sizeof(out.data));
	hex_read(hex, out.data, out.len);
	return out;
}

static inline struct bytes unhexed_bytes(const struct unhexed *u)
{
	return bytes_of(u->data, u->len);
}

#endif
