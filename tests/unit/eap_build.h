/* SPDX-License-Identifier: Apache-2.0 */
/* EAP packets for tests. */
#ifndef CERTTAP_TESTS_EAP_BUILD_H
#define CERTTAP_TESTS_EAP_BUILD_H

#include "parsers/eap.h"
#include "tests/unit/buffer.h"

#define EAP_TYPE_IDENTITY 1
#define EAP_TYPE_TLS 13
#define EAP_TYPE_PEAP 25
#define EAP_TYPE_TEAP 55
#define EAP_FLAG_LENGTH 0x80
#define EAP_FLAG_MORE 0x40
#define EAP_FLAG_START 0x20
#define EAP_FLAG_OUTER 0x10

/* A request or response with flags; `total` is there if the flags say so. */
static inline void eap_build(struct buffer *b, uint8_t code, uint8_t identifier, uint8_t type,
			     uint8_t flags, uint32_t total, const char *data)
{
	uint32_t len = 6 + (flags & EAP_FLAG_LENGTH ? 4 : 0) + (uint32_t)strlen(data);

	buffer_number(b, 1, code);
	buffer_number(b, 1, identifier);
	buffer_number(b, 2, len);
	buffer_number(b, 1, type);
	buffer_number(b, 1, flags);
	if (flags & EAP_FLAG_LENGTH)
		buffer_number(b, 4, total);
	buffer_add(b, data, strlen(data));
}

/* Success or failure. */
static inline void eap_build_end(struct buffer *b, uint8_t code, uint8_t identifier)
{
	buffer_number(b, 1, code);
	buffer_number(b, 1, identifier);
	buffer_number(b, 2, 4);
}

#endif
