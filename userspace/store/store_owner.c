/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows of processes. A server that forks for each connection makes one each time, and the next one takes its place in
 * what names it: those that nothing names any more are removed now and then.
 */
#include "userspace/store/store_parts.h"

#define OWNERS_BETWEEN_SWEEPS 65536      /* some megabytes; a sweep looks through all sightings */

static int add(struct store *s, const struct store_record *r, int64_t *out)
{
	const struct store_record_owner *o = r->owner;
	int err;

	if (store_full(s))
		return 0;
	err = store_run(s, SQL_OWNER_ADD, "iitttt", (int64_t)r->pid, store_time(r->started_ns), o->process,
			o->executable, o->unit, o->container);
	if (err)
		return err;
	*out = sqlite3_last_insert_rowid(s->db);
	s->owners_new++;
	return 0;
}

int store_owner_get(struct store *s, const struct store_record *r, int64_t *out)
{
	const struct store_record_owner *o = r->owner;
	int found;

	*out = 0;
	if (!o)
		return 0;
	found = store_run(s, SQL_OWNER_FIND, "iitttt", (int64_t)r->pid, store_time(r->started_ns), o->process,
			  o->executable, o->unit, o->container);
	if (found == 1)
		*out = store_column(s, SQL_OWNER_FIND, 0);
	return found == 0 ? add(s, r, out) : found < 0 ? found : 0;
}

int store_owners_sweep(struct store *s)
{
	if (s->owners_new < OWNERS_BETWEEN_SWEEPS)
		return 0;
	s->owners_new = 0;
	return store_run(s, SQL_OWNER_SWEEP, "");
}

int store_owners_count(struct store *s)
{
	int found = store_run(s, SQL_OWNER_COUNT, "");

	if (found == 1)
		s->owners_new = store_column(s, SQL_OWNER_COUNT, 0);
	store_reset(s);
	return found < 0 ? found : 0;
}
