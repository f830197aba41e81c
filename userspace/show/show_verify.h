/* SPDX-License-Identifier: Apache-2.0 */
/* Verdicts beside the rows of `show`: each distinct (chain, name, role) is judged once. */
#ifndef CERTTAP_SHOW_VERIFY_H
#define CERTTAP_SHOW_VERIFY_H

#include "userspace/show/show_companion.h"
#include "userspace/store/store.h"

/* All zero is empty. */
struct show_verdicts {
	struct show_judged *judged;      /* sorted, once show_verdicts_judge() was called */
	size_t num, room;
};

/* To be called for every sighting that will be asked about. False: no memory. */
bool show_verdicts_add(struct show_verdicts *v, const struct store_sighting *t);
/* Has them judged that were added since: as of the last time that they were seen, and now. 0 or a negative errno. */
int show_verdicts_judge(struct show_verdicts *v, struct show_companion *c, struct store *store, int64_t now_s);
/* NULL: it was not judged. */
const struct verdict *show_verdicts_find(const struct show_verdicts *v, const struct store_sighting *t);
void show_verdicts_free(struct show_verdicts *v);

#endif
