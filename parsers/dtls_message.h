/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One handshake message of DTLS put together from fragments, for dtls.c.
 *
 * Payload is kept as it comes, end to end; `pieces` say where in the message each run of it
 * belongs. They are in order and never overlap: of bytes that came twice, the first stay.
 * Fragments that come in order make one piece.
 */
#ifndef CERTTAP_DTLS_MESSAGE_H
#define CERTTAP_DTLS_MESSAGE_H

#include "parsers/dtls.h"

struct dtls_piece {
	uint32_t offset, len;      /* in the message */
	uint32_t at;               /* in `bytes` */
};

struct dtls_message {
	struct dtls_message *next;
	uint8_t *bytes;
	struct dtls_piece *pieces;
	uint32_t bytes_len, bytes_capacity;
	uint32_t num_pieces, pieces_capacity;
	uint32_t total;
	uint16_t message_seq;
	uint8_t type;
};

/* For the message that `f` is of, still empty. NULL: no memory, or over the budget. */
struct dtls_message *dtls_message_new(struct budget *memory, const struct dtls_fragment *f);
void dtls_message_free(struct dtls_message *m, struct budget *memory);

/* Is `f` a fragment of this message? One of another type or length is not (CVE-2014-0195). */
bool dtls_message_takes(const struct dtls_message *m, const struct dtls_fragment *f);

/*
 * Adds the fragment's bytes; `*conflict` is set when others were there already. False: no memory,
 * over the budget or the number of pieces; what was added so far stays.
 */
MUST_CHECK bool dtls_message_add(struct dtls_message *m, struct budget *memory,
				 const struct dtls_fragment *f, bool *conflict);

static inline bool dtls_message_whole(const struct dtls_message *m)
{
	return m->bytes_len == m->total;
}

/* Puts `bytes` in the message's order. False: no memory; nothing has changed. */
MUST_CHECK bool dtls_message_sort(struct dtls_message *m, struct budget *memory);

#endif
