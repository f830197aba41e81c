/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blocks of a pcapng file (draft-ietf-opsawg-pcapng), little-endian, times in nanoseconds: the inverse of pcapng.h,
 * for the few kinds that are written. Pure: each call fills memory of the caller's.
 *
 * Every call returns the block's length, a multiple of four, or 0 when it is larger than `room`; then what lies
 * in `out` has no meaning.
 */
#ifndef CERTTAP_PCAPNG_WRITE_H
#define CERTTAP_PCAPNG_WRITE_H

#include "parsers/keylog.h"

enum pcapng_block_type {
	PCAPNG_BLOCK_SECTION = 0x0a0d0d0a,
	PCAPNG_BLOCK_INTERFACE = 1,
	PCAPNG_BLOCK_PACKET = 6,
	PCAPNG_BLOCK_SECRETS = 10,
};

/* The block at `block`: its type, and its length in bytes. */
enum pcapng_block_type pcapng_written_type(const uint8_t *block);
uint32_t pcapng_written_len(const uint8_t *block);

/* Section 4.1. `application` (a short text) is said to have written the file. */
size_t pcapng_write_section(uint8_t *out, size_t room, const char *application);

/* Section 4.2: no snap length, nanoseconds. The first of a section has number 0. */
size_t pcapng_write_interface(uint8_t *out, size_t room, uint16_t link, const char *description);

struct pcapng_write_packet {
	uint32_t interface;
	uint64_t time_ns;
	struct bytes head, data;     /* one packet in two parts; either may be empty */
	uint32_t wire_len;
	const char *comment;         /* NULL: none */
};

/* Section 4.3. */
size_t pcapng_write_packet(uint8_t *out, size_t room, const struct pcapng_write_packet *packet);

/*
 * Section 4.7: a secrets block of type "TLSK" with one line of a key log (RFC 9850). No copy of the secret stays but
 * that in `out`, which the caller wipes. `secret` is of at most KEYLOG_SECRET_MAX bytes.
 */
size_t pcapng_write_secret(uint8_t *out, size_t room, enum keylog_label label,
			   const uint8_t client_random[KEYLOG_RANDOM_LEN], struct bytes secret);

#endif
