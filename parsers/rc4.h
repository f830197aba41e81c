/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The RC4 stream cipher, as RFC 6229 tests it: for reading old captures. OpenSSL 3 has it only in a
 * provider that is often not installed; this is no place to get a cipher for new protocols.
 */
#ifndef CERTTAP_RC4_H
#define CERTTAP_RC4_H

#include "parsers/bytes.h"

struct rc4 {
	uint8_t state[256];
	uint8_t i, j;
};

/* `key` has 1 to 256 bytes. */
void rc4_init(struct rc4 *rc4, struct bytes key);

/* The next in.len bytes of the stream over `in`; `out` may be in.data. */
void rc4_apply(struct rc4 *rc4, struct bytes in, uint8_t *out);

#endif
