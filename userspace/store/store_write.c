/* SPDX-License-Identifier: Apache-2.0 */
/* A record into rows: its endpoint, then what was seen there. */
#include <errno.h>

#include "userspace/ledger/findings.h"
#include "userspace/store/store_parts.h"

/* The key of an endpoint: four columns of its service, and the name. */
#define SERVICE(r) (r)->server.address.octets, sizeof((r)->server.address.octets), (int64_t)(r)->server.zone, \
		   (int64_t)(r)->server.port, (int64_t)(r)->transport

/* --- the endpoint --- */

static int find_endpoint(struct store *s, const struct store_record *r, enum store_name_kind kind,
			 struct store_endpoint_row *out)
{
	size_t len = kind == STORE_NAME_ASKED ? r->name_len : 0;
	int found = store_run(s, SQL_ENDPOINT_FIND, "biiiib", SERVICE(r), (int64_t)kind, r->name, len);
	int column = 0;

	*out = (struct store_endpoint_row){ .name_kind = kind };
	if (found != 1)
		return found;
	out->id = store_column(s, SQL_ENDPOINT_FIND, column++);
	out->first_ns = store_column(s, SQL_ENDPOINT_FIND, column++);
	out->last_ns = store_column(s, SQL_ENDPOINT_FIND, column++);
	out->steps = store_column(s, SQL_ENDPOINT_FIND, column++);
	out->chain = store_column(s, SQL_ENDPOINT_FIND, column++);
	out->told = store_column(s, SQL_ENDPOINT_FIND, column++);
	out->watch_ns = store_column(s, SQL_ENDPOINT_FIND, column++);
	out->returned_ns = store_column(s, SQL_ENDPOINT_FIND, column++);
	out->returned_owner = store_column(s, SQL_ENDPOINT_FIND, column++);
	out->flips = store_column(s, SQL_ENDPOINT_FIND, column++);
	return 1;
}

/* Strangers choose names: beyond the cap a further one is not kept. Sets *room; makes the service's row. */
static int room_for_name(struct store *s, const struct store_record *r, bool *room)
{
	int found = store_run(s, SQL_SERVICE_FIND, "biii", SERVICE(r));

	*room = found != 1 || store_column(s, SQL_SERVICE_FIND, 0) < s->limits.names;
	if (found != 0)
		return found < 0 ? found : 0;
	return store_full(s) ? 0 : store_run(s, SQL_SERVICE_ADD, "biii", SERVICE(r));
}

static int add_endpoint(struct store *s, const struct store_record *r, enum store_name_kind kind,
			int64_t owner, struct store_endpoint_row *out)
{
	size_t len = kind == STORE_NAME_ASKED ? r->name_len : 0;
	struct store_event_row event = {
		.kind = EVENT_FIRST_SEEN, .time_ns = store_time(r->first_ns), .owner = owner,
	};
	int err;

	*out = (struct store_endpoint_row){ .name_kind = kind, .is_new = true };
	if (store_full(s))
		return 0;
	err = store_run(s, SQL_ENDPOINT_ADD, "biiiibii", SERVICE(r), (int64_t)kind, r->name, len,
			store_time(r->first_ns), store_time(r->last_ns));
	if (err)
		return err;
	out->id = event.endpoint = sqlite3_last_insert_rowid(s->db);
	out->first_ns = store_time(r->first_ns);
	out->last_ns = store_time(r->last_ns);
	if (kind == STORE_NAME_ASKED)
		err = store_run(s, SQL_SERVICE_NAMES, "biii", SERVICE(r));
	return err ? err : store_event_add(s, &event);
}

static int get_endpoint(struct store *s, const struct store_record *r, int64_t owner,
			struct store_endpoint_row *out)
{
	enum store_name_kind kind = r->name_asked ? STORE_NAME_ASKED : STORE_NAME_NONE;
	int found = find_endpoint(s, r, kind, out);
	bool room = true;

	if (found == 0)
		found = room_for_name(s, r, &room);
	else
		return found < 0 ? found : 0;
	if (found == 0 && kind == STORE_NAME_ASKED && !room) {
		kind = STORE_NAME_OTHERS;
		store_count(s, STORE_NAMES_SUMMED, r->count);
		found = find_endpoint(s, r, kind, out);
		if (found == 1)
			return 0;
	}
	return found < 0 ? found : add_endpoint(s, r, kind, owner, out);
}

static int see_endpoint(struct store *s, const struct store_record *r, const struct store_endpoint_row *e)
{
	int64_t step = store_boundary_step(&s->limits), last = store_time(r->last_ns);
	int64_t further = e->is_new || last / step > e->last_ns / step;
	int err;

	err = store_run(s, SQL_ENDPOINT_SEEN, "iiiiit", e->id, store_time(r->first_ns), last, store_time(r->count),
			further, r->carrier);
	if (err == 0 && e->owner)
		err = store_run(s, SQL_ENDPOINT_OWNER, "ii", e->id, e->owner);
	return err;
}

/* --- chains --- */

static int find_sighting(struct store *s, const struct store_record *r, int64_t endpoint, int64_t chain)
{
	return store_run(s, SQL_SIGHTING_FIND, "iiii", endpoint, (int64_t)r->role, chain, (int64_t)r->witness);
}

/* A name that was asked for and that the leaf does not have. */
static unsigned int name_findings(struct store *s, const struct store_record *r, const struct store_endpoint_row *e,
				  const struct store_chain_row *chain)
{
	char host[SERVER_NAME_MAX + 1];

	if (r->role != ROLE_SERVER || e->name_kind != STORE_NAME_ASKED || !store_read_certificate(s, chain->leaf) ||
	    (s->scratch->parse != X509_PARSE_OK && s->scratch->parse != X509_PARSE_LENIENT))
		return 0;
	memcpy(host, r->name, r->name_len);
	host[r->name_len] = '\0';
	if (memchr(r->name, 0, r->name_len) || !x509_names(s->scratch, host))
		return 1u << FINDING_NAME_MISMATCH;
	return 0;
}

static int add_sighting(struct store *s, const struct store_record *r, const struct store_endpoint_row *e,
			const struct store_chain_row *chain)
{
	return store_run(s, SQL_SIGHTING_ADD, "iiiiiiibiizi", e->id, (int64_t)r->role, chain->id, (int64_t)r->witness,
			 store_time(r->first_ns), store_time(r->last_ns), store_time(r->count),
			 r->client.address.octets, sizeof(r->client.address.octets), (int64_t)r->client.port,
			 (int64_t)name_findings(s, r, e, chain), r->role == ROLE_SERVER ? e->owner : (int64_t)0,
			 (int64_t)(r->role == ROLE_SERVER && r->owner_unsure));
}

/*
 * Whose the row that find_sighting() found is by now. One that began after the chain was last seen there has taken the
 * place of who presented it before; one that ran already is a further one.
 */
static int see_owner(struct store *s, const struct store_record *r, const struct store_endpoint_row *e)
{
	int64_t id = store_column(s, SQL_SIGHTING_FIND, 0), last_ns = store_column(s, SQL_SIGHTING_FIND, 2);
	int64_t owner = store_column(s, SQL_SIGHTING_FIND, 3), before = store_column(s, SQL_SIGHTING_FIND, 4);
	int64_t several = r->owner_unsure;

	if (r->role != ROLE_SERVER || !r->owner)
		return 0;
	if (!e->owner || (owner && owner != e->owner && store_time(r->started_ns) <= last_ns))
		several = 1;
	else if (owner == e->owner)
		several |= before;
	if (several == before && (owner == e->owner || !e->owner))
		return 0;
	return store_run(s, SQL_SIGHTING_OWNER, "izi", id, e->owner ? e->owner : owner, several);
}

/* Adds to the row that find_sighting() found. */
static int add_to_sighting(struct store *s, const struct store_record *r, const struct store_endpoint_row *e)
{
	int64_t id = store_column(s, SQL_SIGHTING_FIND, 0);
	int err = see_owner(s, r, e);

	return err ? err : store_run(s, SQL_SIGHTING_ADD_TO, "iiiibi", id, store_time(r->first_ns),
				     store_time(r->last_ns), store_time(r->count), r->client.address.octets,
				     sizeof(r->client.address.octets), (int64_t)r->client.port);
}

/* Which row stands for a chain that this endpoint has not shown yet: its own, or one that sums; id 0: none may be made. */
static int choose_chain(struct store *s, const struct store_record *r, const struct store_endpoint_row *e,
			struct store_chain_row *chain)
{
	int found = store_run(s, SQL_SIGHTING_CHAINS, "ii", e->id, (int64_t)r->role);

	if (found < 0)
		return found;
	if (found == 1 && store_column(s, SQL_SIGHTING_CHAINS, 0) >= s->limits.endpoint_chains) {
		store_count(s, STORE_CHAINS_SUMMED, r->count);
		return store_chain_others(s, chain);
	}
	return chain->id ? 0 : store_chain_add(s, r, chain);
}

/* Sums the sighting up. *before_ns: when its row was last seen, -1 where it is new. chain->id 0: refused. */
static int sum_sighting(struct store *s, const struct store_record *r, const struct store_endpoint_row *e,
			struct store_chain_row *chain, int64_t *before_ns)
{
	int found, err = store_chain_find(s, r, chain);

	*before_ns = -1;
	if (err)
		return err;
	found = chain->id ? find_sighting(s, r, e->id, chain->id) : 0;
	if (found == 0) {
		err = choose_chain(s, r, e, chain);
		if (err || !chain->id)
			return err;
		found = chain->kind != STORE_CHAIN_PRESENTED ? find_sighting(s, r, e->id, chain->id) : 0;
	}
	if (found < 0)
		return found;
	if (found == 1) {
		*before_ns = store_column(s, SQL_SIGHTING_FIND, 2);
		return add_to_sighting(s, r, e);
	}
	if (store_full(s)) {
		chain->id = 0;
		return 0;
	}
	return add_sighting(s, r, e, chain);
}

static int put_chain(struct store *s, const struct store_record *r, struct store_endpoint_row *e)
{
	struct store_chain_row chain = { 0 };
	int64_t before_ns;
	int err = sum_sighting(s, r, e, &chain, &before_ns);

	if (err)
		return err;
	if (!chain.id) {
		store_count(s, STORE_SIZE_REFUSED, r->count);
		return 0;
	}
	if (chain.kind != STORE_CHAIN_PRESENTED)
		return 0;
	err = store_events_validity(s, r, e, &chain, before_ns);
	if (err == 0 && r->role == ROLE_SERVER)
		err = store_events_presented(s, r, e, &chain, before_ns);
	return err;
}

/* --- reasons and refusals --- */

static int put_reason(struct store *s, const struct store_record *r, int64_t endpoint)
{
	struct store_chain_row chain = { 0 };
	int err;

	err = store_run(s, SQL_REASON_ADD_TO, "iiiii", endpoint, (int64_t)r->reason, store_time(r->first_ns),
			store_time(r->last_ns), store_time(r->count));
	if (err == 0 && sqlite3_changes(s->db) == 0)
		err = store_run(s, SQL_REASON_ADD, "iiiii", endpoint, (int64_t)r->reason, store_time(r->first_ns),
				store_time(r->last_ns), store_time(r->count));
	/* Part of a chain was seen: which one is worth keeping, but no reason to refuse the rest. */
	if (err || (!r->chain_id && !r->announcement))
		return err;
	err = store_chain_find(s, r, &chain);
	if (err == 0 && !chain.id)
		err = store_chain_add(s, r, &chain);
	return err || !chain.id ? err : store_run(s, SQL_REASON_CHAIN, "iii", endpoint, (int64_t)r->reason, chain.id);
}

static int put_refusal(struct store *s, const struct store_record *r, const struct store_endpoint_row *e)
{
	struct store_chain_row chain = { 0 };
	enum store_statement which = SQL_REFUSAL_ADD_TO;
	int err = 0, tries;

	if (r->chain_id || r->announcement)
		err = store_chain_find(s, r, &chain);
	for (tries = 0; err == 0 && tries < 2; tries++) {
		err = store_run(s, which, "iiiiiiiiibiz", e->id, (int64_t)r->role, chain.id, (int64_t)r->alert.level,
				(int64_t)r->alert.description, (int64_t)r->alert.sender, store_time(r->first_ns),
				store_time(r->last_ns), store_time(r->count), r->client.address.octets,
				sizeof(r->client.address.octets), (int64_t)r->client.port,
				r->role == ROLE_SERVER ? e->owner : (int64_t)0);
		if (err || which == SQL_REFUSAL_ADD || sqlite3_changes(s->db) > 0)
			break;
		if (store_full(s)) {
			store_count(s, STORE_SIZE_REFUSED, r->count);
			return 0;
		}
		which = SQL_REFUSAL_ADD;
	}
	if (err == 0 && which == SQL_REFUSAL_ADD)
		err = store_events_refused(s, r, e, chain.id);
	if (err == 0 && chain.id)
		err = store_run(s, SQL_SIGHTING_REFUSED, "iiiii", e->id, (int64_t)r->role, chain.id,
				(int64_t)r->witness, store_time(r->count));
	return err;
}

/* --- all of it --- */

static bool shows_chain(const struct store_record *r)
{
	return (r->chain_id || r->announcement) && (r->role == ROLE_CLIENT || r->reason == REASON_NONE);
}

static int put_seen(struct store *s, const struct store_record *r)
{
	struct store_endpoint_row e;
	int64_t owner;
	int err = store_owner_get(s, r, &owner);

	if (err == 0)
		err = get_endpoint(s, r, owner, &e);

	if (err)
		return err;
	if (!e.id) {
		store_count(s, STORE_SIZE_REFUSED, r->count);
		return 0;
	}
	e.owner = owner;
	if (r->kind == STORE_REFUSAL)
		return put_refusal(s, r, &e);
	/* A client's chain comes beside the sighting of the server's: it counts once. */
	if (r->role == ROLE_SERVER)
		err = see_endpoint(s, r, &e);
	if (err == 0 && !e.is_new && store_time(r->first_ns) < e.first_ns)
		err = store_run(s, SQL_EVENT_FIRST, "iizz", e.id, store_time(r->first_ns), (int64_t)0, owner);
	if (err)
		return err;
	return shows_chain(r) ? put_chain(s, r, &e) : put_reason(s, r, e.id);
}

int store_put(struct store *s, const struct store_record *record)
{
	int err;

	if (s->failed)
		return s->failed;
	err = store_boundary_pass(s, store_time(record->last_ns));
	if (err == 0)
		err = store_owners_sweep(s);
	if (err == 0 && record->kind != STORE_TIME)
		err = put_seen(s, record);
	if (err && err != -ESTALE)
		s->failed = err;
	return err;
}
