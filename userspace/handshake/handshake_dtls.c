/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/handshake/handshake_dtls.h"

#include "parsers/tls_hello.h"
#include "userspace/handshake/handshake_keys.h"
#include "userspace/handshake/keys.h"

#define EPOCH_HANDSHAKE 2      /* RFC 9147 section 6.1 */

/* The header of a record in clear, of epoch 0. */
static void put_header(uint8_t *out, size_t len)
{
	const uint8_t header[DTLS_RECORD_HEADER_LEN] = {
		TLS_HANDSHAKE, DTLS_1_2 >> 8, DTLS_1_2 & 0xff, [11] = (uint8_t)(len >> 8), [12] = (uint8_t)len,
	};

	memcpy(out, header, sizeof(header));
}

bool handshake_dtls_open(struct tracker *t, struct handshake *h, unsigned int side,
			 struct bytes *datagram, uint8_t *buffer, struct bytes *clear)
{
	struct bytes rest = *datagram;
	struct dtls13_record record;
	struct record_cipher *cipher;
	uint64_t sequence;
	size_t len;
	uint8_t type;

	if (h->s.version != DTLS_1_3 || !h->keys || !dtls13_record_next(&rest, 0, &record) ||
	    record.epoch_bits != EPOCH_HANDSHAKE)
		return false;
	cipher = handshake_keys_dtls(t, h, side);
	if (!cipher || record_open_dtls13(cipher, &record, buffer + DTLS_RECORD_HEADER_LEN, RECORD_OPEN_MAX,
					  &len, &type, &sequence) != PARSE_OK)
		return false;
	*datagram = rest;
	put_header(buffer, type == TLS_HANDSHAKE ? len : 0);
	*clear = bytes_of(buffer, DTLS_RECORD_HEADER_LEN + (type == TLS_HANDSHAKE ? len : 0));
	return true;
}

bool handshake_dtls_hold(struct tracker *t, struct handshake *h, unsigned int side,
			 struct bytes *datagram)
{
	struct bytes rest = *datagram;
	struct dtls13_record record;
	uint8_t prefix[2];
	size_t len;

	if (h->over[side] || !dtls13_record_next(&rest, 0, &record) || record.epoch_bits != EPOCH_HANDSHAKE ||
	    !handshake_keys_wait(t, h, side, TLS_ITEM_ENCRYPTED))
		return false;
	/* More than 16 bits of length is more than is ever held. */
	len = datagram->len - rest.len;
	prefix[0] = (uint8_t)(len >> 8);
	prefix[1] = (uint8_t)len;
	if (!handshake_keys_hold(t, h, side, bytes_of(prefix, sizeof(prefix))) ||
	    !handshake_keys_hold(t, h, side, bytes_of(datagram->data, len)))
		return false;
	*datagram = rest;
	return true;
}

bool handshake_dtls_held_next(struct bytes *held, struct bytes *record)
{
	return bytes_vec16(held, record);
}
