/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pcapng file format (draft-ietf-opsawg-pcapng), block by block.
 *
 * libpcap gives up on files whose interfaces have different link types and passes over decryption
 * secrets, so certtap walks the blocks itself. Pure: the caller reads the file and hands over one
 * whole block at a time.
 */
#ifndef CERTTAP_PCAPNG_H
#define CERTTAP_PCAPNG_H

#include "parsers/bytes.h"

#define PCAPNG_BLOCK_MAX (64u << 20)     /* larger blocks are refused as PARSE_BAD */
#define PCAPNG_INTERFACES_MAX 4096       /* per section; further ones: packets are BAD */
#define PCAPNG_HEADER_LEN 12             /* bytes needed to know a block's length */

enum pcapng_item {
	PCAPNG_NOTHING,  /* a block that says nothing to us: name resolution, statistics, custom */
	PCAPNG_SECTION,  /* a new section: interfaces start from none */
	PCAPNG_PACKET,   /* `frame` is set */
	PCAPNG_SECRETS,  /* `secrets` is set */
};

struct pcapng_frame {
	int link;
	uint32_t interface;
	uint64_t time_ns;        /* since 1970; 0 where the block has no time (simple packet) */
	struct bytes data;
	uint32_t wire_len;
};

struct pcapng_secrets {
	uint32_t type;           /* 0x544c534b: an NSS key log */
	struct bytes data;
};

struct pcapng;                   /* byte order and the interfaces of the current section */

struct pcapng *pcapng_new(void); /* NULL when out of memory */
void pcapng_free(struct pcapng *p);

/* Does the file begin as pcapng does? */
bool pcapng_recognise(struct bytes head);

/*
 * The total length in bytes of the block that begins with `head` (at least PCAPNG_HEADER_LEN
 * bytes, or PARSE_MORE). PARSE_BAD: not a block, or longer than PCAPNG_BLOCK_MAX.
 */
enum parse pcapng_block_len(const struct pcapng *p, struct bytes head, uint32_t *len);

/*
 * Parses one whole block. `*what` says which of `frame` and `secrets` was filled; they borrow
 * from `block`. On failure `*why` is a static text for the user, `*what`, `frame` and `secrets` are
 * as they were, and later blocks may still be given (one block's end does not depend on its body).
 */
MUST_CHECK bool pcapng_block(struct pcapng *p, struct bytes block, enum pcapng_item *what,
			     struct pcapng_frame *frame, struct pcapng_secrets *secrets,
			     const char **why);

#endif
