/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CompressedCertificate (RFC 8879): from its body to the body of the Certificate message inside.
 *
 * The length that the sender claims never allocates: the output grows with what comes out, is
 * charged to the budget, and stops at the smaller of the claim and the limit; so does the work.
 * What the decompressors need for themselves is bounded and charged while they run.
 */
#ifndef CERTTAP_TLS_COMPRESSED_H
#define CERTTAP_TLS_COMPRESSED_H

#include "parsers/budget.h"
#include "parsers/bytes.h"

#define TLS_UNCOMPRESSED_MAX (1u << 20)   /* default of `limit` */

enum tls_compressed {
	TLS_COMPRESSED_OK,
	TLS_COMPRESSED_OVERSIZE,    /* more than `limit`: `out` holds the first `limit` bytes */
	TLS_COMPRESSED_MALFORMED,   /* not a CompressedCertificate, or not the algorithm's format */
	TLS_COMPRESSED_LENGTH,      /* gives another length than it claims */
	TLS_COMPRESSED_UNKNOWN,     /* an algorithm that is not in the registry */
	TLS_COMPRESSED_NO_MEMORY,   /* over the memory budget */
};

const char *tls_compressed_name(enum tls_compressed result);

enum tls_compression {              /* RFC 8879 section 7.3 */
	TLS_COMPRESSION_ZLIB = 1,
	TLS_COMPRESSION_BROTLI = 2,
	TLS_COMPRESSION_ZSTD = 3,
};

struct tls_uncompressed {
	uint8_t *data;
	size_t len, capacity;       /* `capacity` is charged to the budget */
	uint16_t algorithm;         /* as sent, whatever the result */
	uint32_t claimed;           /* uncompressed_length */
};

/*
 * On OK and OVERSIZE the caller frees `out` with tls_uncompressed_free(); otherwise it holds no
 * data. `out->algorithm` and `out->claimed` are set once the header could be read.
 */
enum tls_compressed tls_compressed_read(struct bytes body, uint32_t limit, struct budget *memory,
					struct tls_uncompressed *out);

/* Empty ones are allowed. */
void tls_uncompressed_free(struct tls_uncompressed *out, struct budget *memory);

#endif
