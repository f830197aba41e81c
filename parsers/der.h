/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Walking DER (X.690) that strangers wrote, without copying.
 *
 * The encodings that libraries accept although DER forbids them are accepted here too: lengths
 * that are not minimal and indefinite lengths. A cursor goes over elements side by side; each
 * element gives a cursor over what it holds. All cursors of one walk share a budget of elements,
 * and none goes deeper than DER_DEPTH_MAX, so that a walk takes bounded time and no stack that
 * grows.
 */
#ifndef CERTTAP_DER_H
#define CERTTAP_DER_H

#include "parsers/bytes.h"

#define DER_DEPTH_MAX 16

/*
 * Elements looked at in one walk. The smallest element has two bytes: this is each element of the
 * largest certificate (1 MiB), twice, so that only the nesting of indefinite lengths can use it
 * up.
 */
#define DER_ELEMENTS_MAX (1u << 20)

/* Identifier octets, X.690 section 8.1.2: class, constructed bit (0x20), number. */
enum der_tag {
	DER_BOOLEAN = 0x01,
	DER_INTEGER = 0x02,
	DER_BIT_STRING = 0x03,
	DER_OCTET_STRING = 0x04,
	DER_NULL = 0x05,
	DER_OID = 0x06,
	DER_UTF8_STRING = 0x0c,
	DER_NUMERIC_STRING = 0x12,
	DER_PRINTABLE_STRING = 0x13,
	DER_T61_STRING = 0x14,
	DER_IA5_STRING = 0x16,
	DER_UTC_TIME = 0x17,
	DER_GENERALIZED_TIME = 0x18,
	DER_VISIBLE_STRING = 0x1a,
	DER_GENERAL_STRING = 0x1b,
	DER_UNIVERSAL_STRING = 0x1c,
	DER_BMP_STRING = 0x1e,
	DER_SEQUENCE = 0x30,
	DER_SET = 0x31,
	DER_CONTEXT = 0x80,      /* | number, | DER_CONSTRUCTED */
	DER_CONSTRUCTED = 0x20,
};

struct der {
	struct bytes rest;
	unsigned int *budget;
	unsigned int depth;
};

struct der_element {
	uint8_t tag;          /* the first identifier octet; numbers over 30 all read as 31 */
	struct bytes raw;     /* the whole element, an indefinite length's end included */
	struct bytes value;
	struct der inside;    /* over `value`; also for strings that hold DER */
};

/*
 * A cursor over `in`. The caller keeps `budget` (begin with DER_ELEMENTS_MAX) as long as the walk.
 */
struct der der_walk(struct bytes in, unsigned int *budget);

/*
 * Takes the next element, or returns false and leaves both arguments alone: at the end, where the
 * bytes are no element or end inside it, or where depth or budget are used up.
 */
MUST_CHECK bool der_next(struct der *in, struct der_element *out);

/* The same, only if the tag is this one. */
MUST_CHECK bool der_expect(struct der *in, uint8_t tag, struct der_element *out);

/*
 * The same for a SEQUENCE OF or SET OF, also without the constructed bit: OpenSSL does not ask for
 * it there.
 */
MUST_CHECK bool der_expect_list(struct der *in, uint8_t tag, struct der_element *out);

/* Like der_next, but an element that runs past the end is given as far as it goes, and *cut set. */
MUST_CHECK bool der_next_cut(struct der *in, struct der_element *out, bool *cut);

/* An INTEGER's bytes without the zeros in front; empty for zero. The sign is not looked at. */
struct bytes der_magnitude(struct bytes integer);

/* How many bits those take. */
unsigned int der_bits(struct bytes integer);

#endif
