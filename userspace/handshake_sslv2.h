/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SSL 2.0's answer, which has no TLS records: one SERVER-HELLO with one certificate.
 */
#ifndef CERTTAP_HANDSHAKE_SSLV2_H
#define CERTTAP_HANDSHAKE_SSLV2_H

#include "userspace/handshake.h"

/* The next bytes of the answer. False: it is over, read or not. */
bool handshake_sslv2_bytes(struct tracker *t, struct flow *flow, unsigned int side, struct bytes in,
			   const struct segment *segment);

void handshake_sslv2_free(struct tracker *t, struct handshake *h);

#endif
