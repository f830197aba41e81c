/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the master secret to the keys of records, SSL 3.0 to TLS 1.2 (RFC 6101 section 6.2.2, RFC
 * 2246 and RFC 5246 sections 5 and 6.3).
 */
#ifndef CERTTAP_TLS_PRF_H
#define CERTTAP_TLS_PRF_H

#include "parsers/cipher_suite_params.h"

#define TLS_KEY_BLOCK_MAX 192    /* two MAC keys of 48, two keys of 32, two IVs of 16 bytes */

/*
 * The key block: `len` <= TLS_KEY_BLOCK_MAX bytes. `version` is that of the record layer: 0x0300 to
 * 0x0303, 0xfeff, 0xfefd or 0x0101. `prf` counts for TLS 1.2, DTLS 1.2 and TLCP. The randoms are 32
 * bytes each. False: OpenSSL lacks a hash, or a length is wrong; `out` is then wiped.
 */
MUST_CHECK bool tls_key_block(uint16_t version, enum suite_hash prf, struct bytes master_secret,
			      struct bytes client_random, struct bytes server_random, uint8_t *out,
			      size_t len);

#endif
