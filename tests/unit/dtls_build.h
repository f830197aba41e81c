/* SPDX-License-Identifier: Apache-2.0 */
/* DTLS records and handshake fragments written by hand. */
#ifndef CERTTAP_TESTS_DTLS_BUILD_H
#define CERTTAP_TESTS_DTLS_BUILD_H

#include "parsers/dtls.h"
#include "tests/unit/buffer.h"

#define BUILD_DTLS 0xfefd

struct record_build {
	uint8_t type;
	uint16_t version;       /* 0: DTLS 1.2 */
	uint16_t epoch;
	uint64_t sequence;
};

static inline void build_dtls_record(struct buffer *b, struct record_build r, struct bytes body)
{
	buffer_number(b, 1, r.type);
	buffer_number(b, 2, r.version ? r.version : BUILD_DTLS);
	buffer_number(b, 2, r.epoch);
	buffer_number(b, 2, (uint32_t)(r.sequence >> 32));
	buffer_number(b, 4, (uint32_t)r.sequence);
	buffer_vec(b, 2, body);
}

/* The header's fields as they are given, also when they contradict each other. */
static inline void build_fragment_header(struct buffer *b, struct dtls_fragment f)
{
	buffer_number(b, 1, f.type);
	buffer_number(b, 3, f.total);
	buffer_number(b, 2, f.message_seq);
	buffer_number(b, 3, f.offset);
	buffer_number(b, 3, f.len);
}

static inline void build_fragment(struct buffer *b, uint8_t type, uint16_t message_seq,
				  struct bytes body, uint32_t offset, uint32_t len)
{
	build_fragment_header(b, (struct dtls_fragment){ .type = type, .message_seq = message_seq,
							 .total = (uint32_t)body.len,
							 .offset = offset, .len = len });
	buffer_add(b, body.data + offset, len);
}

static inline void build_handshake_record(struct buffer *b, const struct buffer *fragments)
{
	build_dtls_record(b, (struct record_build){ .type = TLS_HANDSHAKE },
			  buffer_bytes(fragments));
}

/* One record with one fragment: bytes [offset, offset + len) of the message. */
static inline void build_fragment_record(struct buffer *b, uint8_t type, uint16_t message_seq,
					 struct bytes body, uint32_t offset, uint32_t len)
{
	struct buffer fragment = { 0 };

	build_fragment(&fragment, type, message_seq, body, offset, len);
	build_handshake_record(b, &fragment);
	buffer_free(&fragment);
}

static inline void build_message_record(struct buffer *b, uint8_t type, uint16_t message_seq,
					struct bytes body)
{
	build_fragment_record(b, type, message_seq, body, 0, (uint32_t)body.len);
}

#endif
