/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A cap on memory that strangers can make us hold. Taken before bytes are kept, given back when they
 * are freed; what does not fit is refused and counted, and the caller reports it (reason `oversize`).
 */
#ifndef CERTTAP_BUDGET_H
#define CERTTAP_BUDGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct budget {
	size_t used, max;    /* bytes */
	size_t peak;
	uint64_t refused;    /* times */
};

static inline bool budget_take(struct budget *b, size_t len)
{
	if (len > b->max - b->used) {
		b->refused++;
		return false;
	}
	b->used += len;
	if (b->used > b->peak)
		b->peak = b->used;
	return true;
}

static inline void budget_give(struct budget *b, size_t len)
{
	b->used -= len;
}

#endif
