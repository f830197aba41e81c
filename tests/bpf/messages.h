/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handshakes for the tests of the kernel side: right in what it looks at, filler elsewhere.
 */
#ifndef CERTTAP_TEST_MESSAGES_H
#define CERTTAP_TEST_MESSAGES_H

#include <stdint.h>
#include <string.h>

struct message_stream {
	uint8_t data[16384];
	size_t len;
};

static inline void put_bytes(struct message_stream *s, const void *data, size_t len)
{
	memcpy(s->data + s->len, data, len);
	s->len += len;
}

/* One record; the body is filler that differs from place to place. */
static inline void put_record(struct message_stream *s, uint8_t type, size_t len)
{
	uint8_t header[] = { type, 3, 3, (uint8_t)(len >> 8), (uint8_t)len };

	put_bytes(s, header, sizeof(header));
	for (size_t i = 0; i < len; i++)
		s->data[s->len++] = (uint8_t)(0x80 + i % 97);
}

/* One handshake message in a record of its own; `len` is the message's body. */
static inline void put_message(struct message_stream *s, uint8_t type, size_t len)
{
	size_t at = s->len + 5;
	uint8_t header[] = { type, 0, (uint8_t)(len >> 8), (uint8_t)len };

	put_record(s, 22, 4 + len);
	memcpy(s->data + at, header, 4);
	if (type == 1 || type == 2)
		memcpy(s->data + at + 4, "\x03\x03", 2);
	if (type == 11) {
		uint8_t list[] = { 0, (uint8_t)((len - 3) >> 8), (uint8_t)(len - 3) };

		memcpy(s->data + at + 4, list, 3);
	}
}

static inline void put_cipher_spec(struct message_stream *s)
{
	put_bytes(s, "\x14\x03\x03\x00\x01\x01", 6);
}

/* Server's first flight of TLS 1.2: ServerHello, Certificate, ServerHelloDone. */
static inline void put_flight(struct message_stream *s, size_t certificate_len)
{
	put_message(s, 2, 70);
	put_message(s, 11, certificate_len);
	put_message(s, 14, 0);
}

#endif
