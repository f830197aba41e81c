/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Among the rows of one run: which endpoint still presents an older certificate of a lineage after a newer one was
 * seen anywhere.
 */
#ifndef CERTTAP_STRAGGLERS_H
#define CERTTAP_STRAGGLERS_H

#include "userspace/ledger/ledger.h"

struct stragglers;

/* What is remembered of a row; it stays until stragglers_free(). */
struct straggler_place;

/* NULL: no memory. */
struct stragglers *stragglers_new(void);
void stragglers_free(struct stragglers *s);

/*
 * A server's row with a chain, when it is new; its lineage is worked out here. NULL: it has none, or there is no
 * memory.
 */
struct straggler_place *stragglers_add(struct stragglers *s, const struct ledger_row *row);

enum standing {
	STANDING_NEWEST,         /* nothing newer of its lineage was seen, or it was not seen since */
	STANDING_STRAGGLER,
	STANDING_REPLACED,       /* the endpoint itself has gone over to a newer one */
};

/* As it is now. NULL is fine. With STANDING_STRAGGLER and _REPLACED *newest is the first row that showed the newest. */
enum standing stragglers_standing(const struct straggler_place *place, const struct ledger_row **newest);

#endif
