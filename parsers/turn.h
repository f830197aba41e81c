/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DTLS inside TURN and STUN (RFC 8656, RFC 8489), in datagrams and in TCP streams. The caller looks
 * whether what was inside is DTLS: it may as well be media.
 */
#ifndef CERTTAP_TURN_H
#define CERTTAP_TURN_H

#include "parsers/bytes.h"

/*
 * What a whole UDP datagram carries inside: ChannelData (RFC 8656 section 12.4), a Send or Data
 * indication (section 11), or a Binding message with a DTLS record aboard (attribute 0xc070, as
 * libwebrtc has it). False: it is none of these, or carries nothing.
 */
MUST_CHECK bool turn_unwrap(struct bytes datagram, struct bytes *inner);

/*
 * Does a TCP stream begin with STUN, or with STUN or DTLS in the frames of RFC 4571? False also
 * when too few bytes are there to be sure: the caller asks again with more. (32 are enough.)
 */
bool turn_tcp_begins(struct bytes in);

/*
 * Takes the next frame from a TCP stream that began so: a STUN message, ChannelData with its
 * padding (RFC 8656 section 12.5), or a packet behind a length of two bytes (RFC 4571 section 2,
 * as ICE uses it). `inner` is what it carries, empty if nothing. PARSE_BAD: not such a stream (any
 * more).
 */
enum parse turn_tcp_next(struct bytes *in, struct bytes *inner);

#endif
