/* SPDX-License-Identifier: Apache-2.0 */
#include "parsers/openvpn.h"

#define ACKS_MAX 8              /* OpenVPN's RELIABLE_ACK_SIZE */
#define PACKET_ID_MAX 0xffffu   /* of the first packets */
#define SESSION_LEN 8
#define RESET_LEN_MIN 14        /* opcode, session, no acknowledgement, message number */

/* None; MD5 and MD4, SHA-1, SHA-224, SHA-256, SHA-384, SHA-512. */
static const uint8_t hmac_lens[] = { 0, 16, 20, 28, 32, 48, 64 };

bool openvpn_is_reset(uint8_t opcode)
{
	return opcode == OPENVPN_HARD_RESET_CLIENT_V1 || opcode == OPENVPN_HARD_RESET_SERVER_V1 ||
	       opcode == OPENVPN_HARD_RESET_CLIENT_V2 || opcode == OPENVPN_HARD_RESET_SERVER_V2 ||
	       opcode == OPENVPN_SOFT_RESET;
}

static bool is_control(uint8_t opcode)
{
	return openvpn_is_reset(opcode) || opcode == OPENVPN_CONTROL || opcode == OPENVPN_ACK;
}

/* The HMAC, then what it protects against replay: a packet number and the time. */
static bool parse_hmac(struct bytes *in, unsigned int hmac_len, uint32_t *packet_id)
{
	uint32_t time;

	if (hmac_len == 0)
		return true;
	return bytes_skip(in, hmac_len) && bytes_u32(in, packet_id) && *packet_id != 0 &&
	       bytes_u32(in, &time) && time != 0;
}

/* The numbers acknowledged, and the session of the peer whose they are. */
static bool parse_acks(struct bytes *in, uint8_t *num)
{
	return bytes_u8(in, num) && *num <= ACKS_MAX &&
	       (*num == 0 || bytes_skip(in, 4u * *num + SESSION_LEN));
}

static bool parse_packet(struct bytes in, unsigned int hmac_len, struct openvpn_packet *out,
			 uint32_t *packet_id)
{
	struct openvpn_packet p = { 0 };
	uint8_t first, num_acks;

	if (!bytes_u8(&in, &first))
		return false;
	p.opcode = first >> 3;
	p.key_id = first & (OPENVPN_KEYS - 1);
	if (!is_control(p.opcode) || !bytes_u32(&in, &p.session[0]) ||
	    !bytes_u32(&in, &p.session[1]) || (p.session[0] | p.session[1]) == 0 ||
	    !parse_hmac(&in, hmac_len, packet_id) || !parse_acks(&in, &num_acks))
		return false;
	if (p.opcode == OPENVPN_ACK) {
		if (num_acks == 0 || in.len != 0)
			return false;
	} else if (!bytes_u32(&in, &p.message)) {
		return false;
	}
	p.payload = in;
	*out = p;
	return true;
}

bool openvpn_parse(struct bytes in, unsigned int hmac_len, struct openvpn_packet *out)
{
	uint32_t packet_id;

	return parse_packet(in, hmac_len, out, &packet_id);
}

/* A handshake record of SSL 3.0 to TLS 1.3. */
static bool begins_tls(struct bytes in)
{
	uint8_t type, minor;
	uint16_t len;

	if (!bytes_u8(&in, &type) || type != 0x16 || in.len < 4 || in.data[0] != 3)
		return false;
	minor = in.data[1];
	return bytes_skip(&in, 2) && bytes_u16(&in, &len) && minor <= 4 && len >= 4 &&
	       len <= 16384 + 2048;
}

bool openvpn_begins(struct bytes in, unsigned int *hmac_len)
{
	uint32_t packet_id;
	struct openvpn_packet p;

	if (!openvpn_may_begin(in, in.len))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(hmac_lens); i++) {
		packet_id = 1;
		if (!parse_packet(in, hmac_lens[i], &p, &packet_id) || packet_id > PACKET_ID_MAX)
			continue;
		if (openvpn_is_reset(p.opcode) ? p.message != 0 || p.payload.len != 0 :
						 !begins_tls(p.payload))
			continue;
		*hmac_len = hmac_lens[i];
		return true;
	}
	return false;
}

bool openvpn_may_begin(struct bytes in, size_t len)
{
	uint8_t opcode, key_id;

	if (in.len == 0)
		return false;
	opcode = in.data[0] >> 3;
	key_id = in.data[0] & (OPENVPN_KEYS - 1);
	if (opcode == OPENVPN_CONTROL)
		return len > RESET_LEN_MIN + 5;
	/* A hard reset is always that of key 0, and never has a payload. */
	return openvpn_is_reset(opcode) && opcode != OPENVPN_SOFT_RESET && key_id == 0 &&
	       len >= RESET_LEN_MIN &&
	       len <= RESET_LEN_MIN + 64 + 8 + 4 * ACKS_MAX + SESSION_LEN;
}
