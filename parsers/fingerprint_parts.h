/* SPDX-License-Identifier: Apache-2.0 */
/* What fingerprint.c, ja3.c and ja4.c share. */
#ifndef CERTTAP_FINGERPRINT_PARTS_H
#define CERTTAP_FINGERPRINT_PARTS_H

#include <openssl/evp.h>

#include "parsers/fingerprint.h"

/* Pairs in the longest list: its length has 16 bits. */
#define FINGERPRINT_VALUES_MAX (UINT16_MAX / 2)

/*
 * The longest text. A suite is 2 bytes in the hello and at most 6 characters ("65535-") in the
 * text; what is written for an extension and of what it holds is at most 3 characters for each of
 * its bytes, too, but for the point formats: 4 for each of 255.
 */
#define FINGERPRINT_TEXT_MAX (2 * 3 * (UINT16_MAX + 1) + 4 * UINT8_MAX + 64)

struct fingerprinter {
	EVP_MD *md5, *sha256; /* md5: NULL where there is none */
	EVP_MD_CTX *ctx;
	uint16_t values[FINGERPRINT_VALUES_MAX], sorted[FINGERPRINT_VALUES_MAX];
	size_t text_len;
	char text[FINGERPRINT_TEXT_MAX];
};

/*
 * Takes the next value of a list of suites, or of pairs (len 2), passing over GREASE and, in
 * SSL 2.0 format, over suites of SSL 2.0 alone. False at the end.
 */
MUST_CHECK bool fingerprint_next(struct bytes *list, unsigned int len, uint16_t *value);

/* The type of the next extension, passing over GREASE. */
MUST_CHECK bool fingerprint_next_extension(struct bytes *extensions, uint16_t *type);

/* The digest of f->text: its first hex digits, lower case; out holds `digits` + 1. */
MUST_CHECK bool fingerprint_digest(struct fingerprinter *f, const EVP_MD *md, unsigned int digits,
				   char *out);

#endif
