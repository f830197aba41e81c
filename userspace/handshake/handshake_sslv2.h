/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hellos in SSL 2.0's format, which has no TLS records: a client's, behind which any version may follow, and a
 * server's with one certificate.
 */
#ifndef CERTTAP_HANDSHAKE_SSLV2_H
#define CERTTAP_HANDSHAKE_SSLV2_H

#include "userspace/handshake/handshake.h"

/*
 * The next bytes of the hello that the side is sending (h->in_sslv2). PARSE_OK: it was read, `in` is what follows it.
 * PARSE_BAD: it cannot be read, and the handshake knows why.
 */
enum parse handshake_sslv2_bytes(struct tracker *t, struct flow *flow, unsigned int side,
				 struct bytes *in, const struct segment *segment);

void handshake_sslv2_free(struct tracker *t, struct handshake *h);

#endif
