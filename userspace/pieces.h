/* SPDX-License-Identifier: Apache-2.0 */
/* Small things that are freed together. */
#ifndef CERTTAP_PIECES_H
#define CERTTAP_PIECES_H

#include "parsers/bytes.h"

struct piece;

/* Starts all zero. */
struct pieces {
	struct piece *newest;
	bool failed;             /* there was no memory: some answer was NULL */
};

/* Zeroed, aligned for anything; NULL: no memory. Stays until pieces_fini(). */
void *pieces_take(struct pieces *p, size_t size);
/* A copy; "" where there is no memory, never NULL. */
const char *pieces_text(struct pieces *p, const char *text);
void pieces_fini(struct pieces *p);

#endif
