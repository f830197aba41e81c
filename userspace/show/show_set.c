/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "userspace/show/show.h"

static bool add(struct show_set *set, int64_t id)
{
	size_t room;
	int64_t *grown;

	/* Rows of one endpoint, and chains under one issuer, come one after the other. */
	if (set->num && set->ids[set->num - 1] == id)
		return true;
	if (set->num == set->room) {
		room = set->room ? 2 * set->room : 256;
		grown = realloc(set->ids, room * sizeof(*grown));
		if (!grown) {
			set->failed = true;
			return false;
		}
		set->ids = grown;
		set->room = room;
	}
	set->ids[set->num++] = id;
	return true;
}

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

static void sort(struct show_set *set)
{
	size_t i, num = 0;

	if (!set->num)
		return;
	qsort(set->ids, set->num, sizeof(*set->ids), compare);
	for (i = 0; i < set->num; i++)
		if (num == 0 || set->ids[num - 1] != set->ids[i])
			set->ids[num++] = set->ids[i];
	set->num = num;
}

static bool on_sighting(void *context, const struct store_sighting *t)
{
	return add(context, t->chain_id);
}

static bool on_certificate(void *context, const struct store_certificate *c)
{
	return add(context, c->id);
}

int show_set_fill(struct show_set *set, struct store *store, const struct store_filter *f)
{
	struct show_set chains = { 0 };
	size_t i;
	int err = store_each_sighting(store, f, on_sighting, &chains);

	sort(&chains);
	for (i = 0; err == 0 && i < chains.num && !set->failed; i++) {
		struct store_filter of_chain = { .chain_id = chains.ids[i], .now_s = f->now_s };

		err = store_each_certificate(store, &of_chain, on_certificate, set);
	}
	sort(set);
	if (err == 0 && (chains.failed || set->failed))
		err = -ENOMEM;
	show_set_free(&chains);
	return err;
}

bool show_set_has(const struct show_set *set, int64_t certificate_id)
{
	return set->num && bsearch(&certificate_id, set->ids, set->num, sizeof(*set->ids), compare);
}

void show_set_free(struct show_set *set)
{
	free(set->ids);
	*set = (struct show_set){ 0 };
}
