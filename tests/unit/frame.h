/* SPDX-License-Identifier: Apache-2.0 */
/* Frames for tests, written as hexadecimal digits, and the packet that they all end in. */
#ifndef CERTTAP_TESTS_FRAME_H
#define CERTTAP_TESTS_FRAME_H

#include "parsers/packet.h"

#include <ctype.h>
#include <stdlib.h>

/* 10.0.0.1:1000 -> 10.0.0.2:443, or the same ports of 2001:db8::1 and ::2; "hello" inside. */
#define FRAME_TCP "03e8 01bb 01020304 05060708 5018 ffff 0000 0000 68656c6c6f"
#define FRAME_IPV4 "4500 002d 0001 4000 4006 0000 0a000001 0a000002 "
#define FRAME_ADDRESSES6 "20010db8000000000000000000000001 20010db8000000000000000000000002 "
#define FRAME_IPV6 "60000000 0019 06 40 " FRAME_ADDRESSES6
#define FRAME_TCP4 FRAME_IPV4 FRAME_TCP
#define FRAME_TCP6 FRAME_IPV6 FRAME_TCP
#define FRAME_MACS "020000000001 020000000002 "
#define FRAME_PAYLOAD_LEN 5

struct frame_buffer {
	uint8_t data[4096];
	size_t len;
};

static inline void frame_add(struct frame_buffer *to, const char *hex)
{
	char digits[3] = "";

	for (; *hex; hex++) {
		if (isspace((unsigned char)*hex))
			continue;
		digits[0] = hex[0];
		digits[1] = *++hex;
		assert_true(isxdigit((unsigned char)digits[0]));
		assert_true(isxdigit((unsigned char)digits[1]));
		assert_true(to->len < sizeof(to->data));
		to->data[to->len++] = (uint8_t)strtoul(digits, NULL, 16);
	}
}

static inline struct bytes frame_bytes(const struct frame_buffer *of)
{
	return bytes_of(of->data, of->len);
}

/* A copy of exactly that length on the heap, so that a sanitizer sees every step beyond it. */
static inline uint8_t *frame_copy(struct bytes of)
{
	uint8_t *copy = malloc(of.len ? of.len : 1);

	assert_non_null(copy);
	if (of.len)
		memcpy(copy, of.data, of.len);
	return copy;
}

static inline struct ip_address frame_address(int version, uint8_t last)
{
	static const uint8_t v4[16] = { [10] = 0xff, 0xff, 10 };
	static const uint8_t v6[16] = { 0x20, 0x01, 0x0d, 0xb8 };
	struct ip_address address;

	memcpy(address.octets, version == 4 ? v4 : v6, sizeof(v4));
	address.octets[15] = last;
	return address;
}

/* Is this the packet above, whole? */
static inline void frame_assert_hello(const struct packet *packet, int version)
{
	struct ip_address src = frame_address(version, 1), dst = frame_address(version, 2);

	assert_int_equal(packet->ip_version, version);
	assert_memory_equal(packet->src.octets, src.octets, 16);
	assert_memory_equal(packet->dst.octets, dst.octets, 16);
	assert_int_equal(packet->sport, 1000);
	assert_int_equal(packet->dport, 443);
	assert_int_equal(packet->seq, 0x01020304);
	assert_int_equal(packet->ack, 0x05060708);
	assert_int_equal(packet->tcp_flags & (TCP_ACK | TCP_SYN | TCP_FIN | TCP_RST), TCP_ACK);
	assert_int_equal(packet->payload.len, FRAME_PAYLOAD_LEN);
	assert_memory_equal(packet->payload.data, "hello", FRAME_PAYLOAD_LEN);
	assert_int_equal(packet->payload_cut, 0);
}

#endif
