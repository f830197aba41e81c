/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes written as hex digits, as RFCs print them. After cmocka.h. */
#ifndef CERTTAP_TESTS_HEX_H
#define CERTTAP_TESTS_HEX_H

#include <stdio.h>
#include <string.h>

/* Exactly `len` bytes. */
static inline void hex_read(const char *hex, uint8_t *out, size_t len)
{
	unsigned int octet;

	assert_int_equal(strlen(hex), 2 * len);
	for (size_t i = 0; i < len; i++) {
		assert_int_equal(sscanf(hex + 2 * i, "%2x", &octet), 1);
		out[i] = (uint8_t)octet;
	}
}

static inline void assert_hex(const uint8_t *data, size_t len, const char *hex)
{
	uint8_t expected[2048];

	assert_true(len <= sizeof(expected));
	hex_read(hex, expected, len);
	assert_memory_equal(data, expected, len);
}

#endif
