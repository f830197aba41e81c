/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening the records of DTLS 1.3, where somebody gave the keys. What is opened is given as a record in clear, so that
 * one reader (dtls.h) puts all fragments together. What comes before its ServerHello or its key is held, as
 * handshake_keys.h has it.
 */
#ifndef CERTTAP_HANDSHAKE_DTLS_H
#define CERTTAP_HANDSHAKE_DTLS_H

#include "parsers/dtls.h"
#include "parsers/record_protection.h"
#include "userspace/handshake/handshake.h"

#define DTLS_OPENED_MAX (RECORD_OPEN_MAX + DTLS_RECORD_HEADER_LEN)

/*
 * Takes the protected record at the front of `datagram` and opens it into `buffer` (DTLS_OPENED_MAX bytes); `clear` is
 * then a datagram of one handshake record in clear. False: it is in clear already, or there is no key for it, or it holds
 * no handshake; nothing was taken.
 */
bool handshake_dtls_open(struct tracker *t, struct handshake *h, unsigned int side,
			 struct bytes *datagram, uint8_t *buffer, struct bytes *clear);

/*
 * Holds the protected record at the front of `datagram`, if what opens it may still come. False: it does not wait, and
 * nothing was taken.
 */
bool handshake_dtls_hold(struct tracker *t, struct handshake *h, unsigned int side,
			 struct bytes *datagram);

/* Takes the next record from what was held, as handshake_keys_arrived() gave it. False: no more. */
bool handshake_dtls_held_next(struct bytes *held, struct bytes *record);

#endif
