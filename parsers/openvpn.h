/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One packet of OpenVPN's control channel (the wire format as OpenVPN's own documentation of its
 * protocol has it): opcode and key id, session id, with --tls-auth an HMAC, packet id and time,
 * then acknowledgements, and the message. Nothing on the wire says whether there is an HMAC, or how
 * long it is.
 */
#ifndef CERTTAP_OPENVPN_H
#define CERTTAP_OPENVPN_H

#include "parsers/bytes.h"

#define OPENVPN_KEYS 8          /* key ids are three bits */

enum openvpn_opcode {
	OPENVPN_HARD_RESET_CLIENT_V1 = 1,
	OPENVPN_HARD_RESET_SERVER_V1 = 2,
	OPENVPN_SOFT_RESET = 3,
	OPENVPN_CONTROL = 4,
	OPENVPN_ACK = 5,
	OPENVPN_HARD_RESET_CLIENT_V2 = 7,
	OPENVPN_HARD_RESET_SERVER_V2 = 8,
};

struct openvpn_packet {
	uint8_t opcode, key_id;
	uint32_t session[2];
	uint32_t message;        /* its number; not with OPENVPN_ACK */
	struct bytes payload;    /* of OPENVPN_CONTROL: bytes of the TLS stream */
};

bool openvpn_is_reset(uint8_t opcode);

/* `hmac_len`: 0 without --tls-auth. False: not a control packet, or not with such an HMAC. */
MUST_CHECK bool openvpn_parse(struct bytes in, unsigned int hmac_len, struct openvpn_packet *out);

/*
 * Is this how a session begins: a reset, or a message that begins a TLS handshake record? Then
 * *hmac_len is what makes the packet so.
 */
MUST_CHECK bool openvpn_begins(struct bytes in, unsigned int *hmac_len);

/* May a packet of `len` bytes that begins so be one of those? False: no. */
bool openvpn_may_begin(struct bytes in, size_t len);

#endif
