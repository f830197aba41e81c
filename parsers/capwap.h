/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DTLS inside CAPWAP, between wireless access points and their controller (RFC 5415 section 4.2).
 */
#ifndef CERTTAP_CAPWAP_H
#define CERTTAP_CAPWAP_H

#include "parsers/bytes.h"

/*
 * The DTLS records behind a CAPWAP DTLS header: preamble of version 0 and type 1, three reserved
 * bytes. False: it is no such header, or no DTLS record follows.
 */
MUST_CHECK bool capwap_dtls_unwrap(struct bytes datagram, struct bytes *inner);

#endif
