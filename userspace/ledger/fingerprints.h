/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JA3, JA3S and JA4, each computed once for each distinct hello and then shared: most handshakes look like one
 * that was seen before.
 */
#ifndef CERTTAP_FINGERPRINTS_H
#define CERTTAP_FINGERPRINTS_H

#include "parsers/fingerprint.h"

struct fingerprint {
	uint64_t hash;               /* of what it is made from */
	uint32_t refs;
	char ja3[JA3_SIZE];          /* of a ServerHello: JA3S */
	char ja4[JA4_SIZE];          /* of a ServerHello: "" */
};

struct fingerprints;

/* NULL: out of memory. Make it before the sandbox closes: it looks up digests. */
struct fingerprints *fingerprints_new(void);
void fingerprints_free(struct fingerprints *f);

/* NULL: no memory. Given back with fingerprint_release(). */
struct fingerprint *fingerprints_client(struct fingerprints *f, const struct hello_shape *shape,
					enum ja4_transport transport);
struct fingerprint *fingerprints_server(struct fingerprints *f, const struct hello_shape *shape);
void fingerprint_release(struct fingerprint *fingerprint);

#endif
