/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is news, from what is stored and one record. Decisions use whole seconds of packet time and the queue sums up
 * records of one second only, so that where batches begin and end changes nothing.
 *
 * An endpoint that shows another chain than before has changed, unless it showed that chain a short while ago: then it
 * is one of several machines behind an address (alternating), or it depends on who asks (differs by client), or a quick
 * rollback. Which of them shows within a few more sightings, or when the while is over. One return may be a rollback;
 * a second one between the same two chains within a day makes them a pair, however long they stay in between.
 */
#include <stdio.h>
#include <stdlib.h>

#include "parsers/text.h"
#include "userspace/store/store_parts.h"

#define NETWORKS_MAX 32               /* of clients, told apart at one endpoint while it is watched */
#define FLIPS_MAX 3                   /* returns after which it is a pool */
#define PAIR_RETURNS 2                /* between two chains after which they take turns */
#define PAIR_FORGOTTEN_NS (24 * 3600 * (int64_t)STORE_NS_PER_S)

_Static_assert(EVENT_FIRST_SEEN == 0 && EVENT_GONE_SILENT == 9, "store_statement.c has these numbers");

const char *store_event_name(enum store_event_kind kind)
{
	static const char *const names[NUM_EVENT_KINDS] = {
		[EVENT_FIRST_SEEN] = "first-seen",
		[EVENT_RENEWED] = "renewed",
		[EVENT_ROLLED_BACK] = "rolled-back",
		[EVENT_CHANGED] = "changed",
		[EVENT_ALTERNATING] = "alternating",
		[EVENT_DIFFERS_BY_NAME] = "differs-by-name",
		[EVENT_DIFFERS_BY_CLIENT] = "differs-by-client",
		[EVENT_EXPIRED_IN_USE] = "expired-in-use",
		[EVENT_REFUSED] = "refused",
		[EVENT_GONE_SILENT] = "gone-silent",
		[EVENT_NEW_PORT] = "new-port",
	};

	return names[kind];
}

int store_event_add(struct store *s, const struct store_event_row *event)
{
	return store_run(s, SQL_EVENT_ADD, "iiiizztz", (int64_t)event->kind, event->time_ns, event->endpoint,
			 (int64_t)event->role, event->before, event->after, event->detail, event->owner);
}

/* --- what one chain is to another --- */

struct leaf {
	int64_t id;
	uint8_t lineage[32], serial[X509_SERIAL_MAX];
	bool sure;
	struct lineage_place place;
};

static struct x509_time column_time(const struct store *s, enum store_statement which, int column)
{
	if (sqlite3_column_type(s->statements[which], column) == SQLITE_NULL)
		return (struct x509_time){ .known = false };
	return (struct x509_time){ true, store_column(s, which, column) };
}

static bool leaf_get(struct store *s, int64_t chain, struct leaf *out)
{
	struct bytes lineage, serial;

	*out = (struct leaf){ 0 };
	if (store_run(s, SQL_CHAIN_LEAF, "i", chain) != 1)
		return false;
	lineage = store_column_bytes(s, SQL_CHAIN_LEAF, 0);
	serial = store_column_bytes(s, SQL_CHAIN_LEAF, 4);
	if (lineage.len != sizeof(out->lineage) || serial.len > sizeof(out->serial))
		return false;
	memcpy(out->lineage, lineage.data, lineage.len);
	if (serial.len)
		memcpy(out->serial, serial.data, serial.len);
	out->sure = store_column(s, SQL_CHAIN_LEAF, 1) != 0;
	out->place.not_before = column_time(s, SQL_CHAIN_LEAF, 2);
	out->place.not_after = column_time(s, SQL_CHAIN_LEAF, 3);
	out->place.serial = bytes_of(out->serial, serial.len);
	out->id = store_column(s, SQL_CHAIN_LEAF, 5);
	return true;
}

static bool likely(struct store *s, int64_t before, int64_t after)
{
	struct x509 *first = malloc(sizeof(*first));
	uint8_t *der = NULL;
	struct bytes bytes;
	bool result = false;

	if (first && store_run(s, SQL_DER_FIND, "i", before) == 1) {
		bytes = store_column_bytes(s, SQL_DER_FIND, 0);
		der = malloc(bytes.len ? bytes.len : 1);
		if (der && bytes.len)
			memcpy(der, bytes.data, bytes.len);
		if (der)
			x509_read(bytes_of(der, bytes.len), false, first);
	}
	if (der && store_read_certificate(s, after))
		result = lineage_likely(first, s->scratch);
	free(der);
	free(first);
	return result;
}

/* Tells how `after` followed `before` at the endpoint, by whom. */
static int tell_change(struct store *s, int64_t endpoint, int64_t time_ns, int64_t before, int64_t after,
		       int64_t owner)
{
	struct store_event_row event = {
		.kind = EVENT_CHANGED, .time_ns = time_ns, .endpoint = endpoint, .before = before, .after = after,
		.owner = owner,
	};
	struct leaf old, new;
	enum lineage_order order;

	if (leaf_get(s, before, &old) && leaf_get(s, after, &new)) {
		order = lineage_compare(&new.place, &old.place);
		if (old.id == new.id)
			event.detail = "the same certificate, other ones behind it";
		else if (old.sure && new.sure && memcmp(old.lineage, new.lineage, sizeof(old.lineage)) == 0)
			event.kind = order == LINEAGE_NEWER ? EVENT_RENEWED :
				     order == LINEAGE_OLDER ? EVENT_ROLLED_BACK : EVENT_CHANGED;
		else if (likely(s, old.id, new.id))
			event.detail = "likely the same under other names or usages";
	}
	return store_event_add(s, &event);
}

/* --- client networks --- */

struct network {
	uint8_t octets[9];       /* length, then /24 of IPv4 or /64 of IPv6 */
	size_t len;
};

static struct network network_of(const struct ip_address *a)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	bool v4 = memcmp(a->octets, mapped, sizeof(mapped)) == 0;
	struct network n = { .len = v4 ? 4 : 9 };

	n.octets[0] = v4 ? 24 : 64;
	memcpy(n.octets + 1, a->octets + (v4 ? 12 : 0), n.len - 1);
	return n;
}

/* The client's network has seen `chain`. *both: it has seen another one while the endpoint is watched. */
static int network_seen(struct store *s, const struct store_record *r, int64_t endpoint, int64_t chain, bool *both)
{
	struct network n = network_of(&r->client.address);
	int found = store_run(s, SQL_NETWORK_FIND, "ib", endpoint, n.octets, n.len);
	int64_t count = store_time(r->count);

	*both = false;
	if (found < 0)
		return found;
	if (found == 1) {
		*both = store_column(s, SQL_NETWORK_FIND, 0) != chain;
		if (!*both)
			count += store_column(s, SQL_NETWORK_FIND, 1);
	} else if (store_run(s, SQL_NETWORK_ROOM, "i", endpoint) == 1 &&
		   store_column(s, SQL_NETWORK_ROOM, 0) >= NETWORKS_MAX) {
		return 0;
	}
	return store_run(s, SQL_NETWORK_SET, "ibii", endpoint, n.octets, n.len, chain, count);
}

/* --- presented --- */

static int64_t whole_seconds(int64_t ns)
{
	return ns / STORE_NS_PER_S * STORE_NS_PER_S;
}

static int save(struct store *s, const struct store_endpoint_row *e)
{
	return store_run(s, SQL_ENDPOINT_PRESENTS, "izziizi", e->id, e->chain, e->told, e->watch_ns, e->returned_ns,
			 e->returned_owner, e->flips);
}

/* The while is over: what the last return left open is told. */
static int settle(struct store *s, struct store_endpoint_row *e)
{
	int err = 0;

	if (e->flips && e->told != e->chain)
		err = tell_change(s, e->id, e->returned_ns, e->told, e->chain, e->returned_owner);
	e->told = e->chain;
	e->watch_ns = e->flips = 0;
	return err ? err : store_run(s, SQL_NETWORK_CLEAR, "i", e->id);
}

static int same_chain(struct store *s, const struct store_record *r, struct store_endpoint_row *e, int64_t now)
{
	bool both;
	int err;

	if (!e->watch_ns)
		return 0;
	if (now <= e->watch_ns)
		return network_seen(s, r, e->id, e->chain, &both);
	err = settle(s, e);
	return err ? err : save(s, e);
}

/* Two chains of an endpoint between which it went back and forth. */
struct pair {
	int64_t low, high;
	int64_t last_ns, returns;        /* within a day of each other */
	int64_t turns_ns;                /* last known to take turns; 0: never */
};

static bool pair_takes_turns(const struct pair *p, int64_t now)
{
	return p->turns_ns && now - p->turns_ns <= PAIR_FORGOTTEN_NS;
}

static int pair_get(struct store *s, int64_t endpoint, int64_t a, int64_t b, int64_t now, struct pair *out)
{
	int found;

	*out = (struct pair){ .low = a < b ? a : b, .high = a < b ? b : a };
	found = store_run(s, SQL_PAIR_FIND, "iii", endpoint, out->low, out->high);
	if (found != 1)
		return found;
	out->last_ns = store_column(s, SQL_PAIR_FIND, 0);
	out->returns = store_column(s, SQL_PAIR_FIND, 1);
	out->turns_ns = store_column(s, SQL_PAIR_FIND, 2);
	if (now - out->last_ns > PAIR_FORGOTTEN_NS)
		out->returns = 0;
	return 0;
}

static int pair_set(struct store *s, int64_t endpoint, const struct pair *p)
{
	/* What takes turns is kept; what may come to that is not, where there is no room. */
	if (!p->turns_ns && store_full(s))
		return 0;
	return store_run(s, SQL_PAIR_SET, "iiiiii", endpoint, p->low, p->high, p->last_ns, p->returns, p->turns_ns);
}

static int tell_pair(struct store *s, struct store_endpoint_row *e, enum store_event_kind kind, int64_t before,
		     struct pair *pair, int64_t time_ns)
{
	struct store_event_row event = {
		.kind = kind, .time_ns = time_ns, .endpoint = e->id, .before = before, .after = e->chain,
		.owner = e->owner,
	};
	int err = store_event_add(s, &event);

	pair->turns_ns = pair->last_ns;
	e->told = e->chain;
	e->flips = 0;
	return err ? err : pair_set(s, e->id, pair);
}

/* Back to a chain that was shown a short while ago. */
static int returned(struct store *s, const struct store_record *r, struct store_endpoint_row *e, int64_t before,
		    struct pair *pair)
{
	bool both;
	int err = network_seen(s, r, e->id, e->chain, &both);
	int64_t steady = 0;

	if (err)
		return err;
	e->flips++;
	e->returned_ns = store_time(r->first_ns);
	e->returned_owner = e->owner;
	e->watch_ns = pair->last_ns + (int64_t)s->limits.alternating_ns;
	err = store_run(s, SQL_NETWORK_STEADY, "iii", e->id, before, e->chain);
	if (err < 0)
		return err;
	steady = store_column(s, SQL_NETWORK_STEADY, 0);
	if ((both && pair->returns >= PAIR_RETURNS) || (e->flips >= FLIPS_MAX && steady < 2))
		return tell_pair(s, e, EVENT_ALTERNATING, before, pair, e->returned_ns);
	if (steady == 2)
		return tell_pair(s, e, EVENT_DIFFERS_BY_CLIENT, before, pair, e->returned_ns);
	return 0;
}

/* To a chain that was not shown lately. */
static int changed(struct store *s, const struct store_record *r, struct store_endpoint_row *e, int64_t before,
		   int64_t now, struct pair *pair)
{
	bool both;
	int err = 0;

	if (e->flips && e->told != before)
		err = tell_change(s, e->id, e->returned_ns, e->told, before, e->returned_owner);
	if (err == 0 && pair->returns >= PAIR_RETURNS)
		err = tell_pair(s, e, EVENT_ALTERNATING, before, pair, store_time(r->first_ns));
	else if (err == 0)
		err = tell_change(s, e->id, store_time(r->first_ns), before, e->chain, e->owner);
	if (err == 0)
		err = store_run(s, SQL_NETWORK_CLEAR, "i", e->id);
	e->told = e->chain;
	e->flips = 0;
	e->watch_ns = now + (int64_t)s->limits.alternating_ns;
	return err ? err : network_seen(s, r, e->id, e->chain, &both);
}

static int other_chain(struct store *s, const struct store_record *r, struct store_endpoint_row *e, int64_t before_ns,
		       int64_t chain)
{
	int64_t now = whole_seconds(store_time(r->first_ns)), before = e->chain;
	bool still, lately = before_ns >= 0 && now - whole_seconds(before_ns) <= (int64_t)s->limits.alternating_ns;
	struct pair pair;
	int err = pair_get(s, e->id, before, chain, now, &pair);

	still = pair_takes_turns(&pair, now);
	e->chain = chain;
	if (err == 0 && (before_ns >= 0 || still)) {
		pair.returns += pair.returns < PAIR_RETURNS;
		pair.last_ns = now;
		pair.turns_ns = still ? now : pair.turns_ns;
		err = pair_set(s, e->id, &pair);
	}
	if (err == 0 && still)
		e->told = chain;
	else if (err == 0)
		err = lately ? returned(s, r, e, before, &pair) : changed(s, r, e, before, now, &pair);
	return err ? err : save(s, e);
}

/* A further one whose while was over; false in *more: there is none. */
static int settle_next(struct store *s, int64_t boundary, bool *more)
{
	struct store_endpoint_row e = { 0 };
	int found = store_run(s, SQL_ENDPOINT_WATCHED, "i", boundary);

	*more = found == 1;
	if (found != 1)
		return found;
	e.id = store_column(s, SQL_ENDPOINT_WATCHED, 0);
	e.chain = store_column(s, SQL_ENDPOINT_WATCHED, 1);
	e.told = store_column(s, SQL_ENDPOINT_WATCHED, 2);
	e.returned_ns = store_column(s, SQL_ENDPOINT_WATCHED, 3);
	e.returned_owner = store_column(s, SQL_ENDPOINT_WATCHED, 4);
	e.flips = store_column(s, SQL_ENDPOINT_WATCHED, 5);
	found = settle(s, &e);
	return found ? found : save(s, &e);
}

int store_events_settle(struct store *s, int64_t boundary)
{
	bool more = true;
	int err = 0;

	while (err == 0 && more)
		err = settle_next(s, boundary, &more);
	return err ? err : store_run(s, SQL_PAIR_FORGET, "i", boundary - PAIR_FORGOTTEN_NS);
}

/* --- elsewhere --- */

static int tell_new_port(struct store *s, const struct store_record *r, const struct store_endpoint_row *e,
			 const struct store_chain_row *chain)
{
	struct store_event_row event = {
		.kind = EVENT_NEW_PORT, .time_ns = store_time(r->first_ns), .endpoint = e->id, .after = chain->id,
		.owner = e->owner,
	};
	char detail[256];
	struct bytes ports;
	int found = store_run(s, SQL_PORT_OTHERS, "iii", chain->leaf, (int64_t)r->transport, (int64_t)r->server.port);

	if (found == 1) {
		ports = store_column_bytes(s, SQL_PORT_OTHERS, 0);
		if (ports.len) {
			snprintf(detail, sizeof(detail), "known from %.*s", (int)ports.len, (const char *)ports.data);
			event.detail = detail;
			found = store_event_add(s, &event);
		}
	}
	if (found < 0)
		return found;
	return store_run(s, SQL_PORT_ADD, "iii", chain->leaf, (int64_t)r->transport, (int64_t)r->server.port);
}

static void put_name(struct text *text, enum store_name_kind kind, struct bytes name)
{
	char safe[300];

	if (kind == STORE_NAME_NONE) {
		text_put(text, "no name");
		return;
	}
	text_safe(name, safe, sizeof(safe));
	text_put(text, safe);
}

/* Once for each service: the first two names that are shown different leaves. */
static int tell_by_name(struct store *s, const struct store_record *r, const struct store_endpoint_row *e,
			const struct store_chain_row *chain)
{
	struct store_event_row event = {
		.kind = EVENT_DIFFERS_BY_NAME, .time_ns = store_time(r->first_ns), .endpoint = e->id,
		.after = chain->id, .owner = e->owner,
	};
	char detail[640];
	struct text text;
	int found;

	found = store_run(s, SQL_SERVICE_FIND, "biii", r->server.address.octets, sizeof(r->server.address.octets),
			  (int64_t)r->server.zone, (int64_t)r->server.port, (int64_t)r->transport);
	if (found != 1 || store_column(s, SQL_SERVICE_FIND, 1))
		return found < 0 ? found : 0;
	found = store_run(s, SQL_ENDPOINT_OTHER_NAME, "biiiii", r->server.address.octets,
			  sizeof(r->server.address.octets), (int64_t)r->server.zone, (int64_t)r->server.port,
			  (int64_t)r->transport, e->id, chain->leaf);
	if (found != 1)
		return found;
	event.before = store_column(s, SQL_ENDPOINT_OTHER_NAME, 0);
	text_start(&text, detail, sizeof(detail));
	put_name(&text, (enum store_name_kind)store_column(s, SQL_ENDPOINT_OTHER_NAME, 1),
		 store_column_bytes(s, SQL_ENDPOINT_OTHER_NAME, 2));
	text_put(&text, " before, ");
	put_name(&text, e->name_kind, bytes_of(r->name, r->name_len));
	text_put(&text, " after");
	event.detail = detail;
	found = store_event_add(s, &event);
	if (found)
		return found;
	return store_run(s, SQL_SERVICE_DIFFERS, "biii", r->server.address.octets, sizeof(r->server.address.octets),
			 (int64_t)r->server.zone, (int64_t)r->server.port, (int64_t)r->transport);
}

static int first_chain(struct store *s, const struct store_record *r, struct store_endpoint_row *e, int64_t chain)
{
	int err = store_run(s, SQL_EVENT_FIRST, "iizz", e->id, store_time(r->first_ns), chain, e->owner);

	e->chain = e->told = chain;
	return err ? err : save(s, e);
}

int store_events_presented(struct store *s, const struct store_record *r, struct store_endpoint_row *e,
			   const struct store_chain_row *chain, int64_t before_ns)
{
	int err;

	/* Many names in one row: what it shows says nothing about any of them. */
	if (e->name_kind == STORE_NAME_OTHERS)
		return 0;
	if (e->chain == chain->id)
		return same_chain(s, r, e, whole_seconds(store_time(r->first_ns)));
	err = tell_new_port(s, r, e, chain);
	if (err == 0)
		err = tell_by_name(s, r, e, chain);
	if (err)
		return err;
	return e->chain ? other_chain(s, r, e, before_ns, chain->id) : first_chain(s, r, e, chain->id);
}

/* --- validity and refusals --- */

int store_events_validity(struct store *s, const struct store_record *r, const struct store_endpoint_row *e,
			  const struct store_chain_row *chain, int64_t before_ns)
{
	struct store_event_row event = {
		.kind = EVENT_EXPIRED_IN_USE, .endpoint = e->id, .role = r->role, .after = chain->id,
	};
	int64_t from_s = (before_ns < 0 ? store_time(r->first_ns) : before_ns) / STORE_NS_PER_S;
	int64_t until_s = store_time(r->last_ns) / STORE_NS_PER_S;
	struct x509_time end;

	if (from_s >= until_s || store_run(s, SQL_CHAIN_LEAF, "i", chain->id) != 1)
		return 0;
	end = column_time(s, SQL_CHAIN_LEAF, 3);
	if (!end.known || end.unix_s < from_s || end.unix_s >= until_s)
		return 0;
	event.time_ns = end.unix_s * (int64_t)STORE_NS_PER_S;
	/* It was between two sightings: who presents it now may not have run then. */
	if (r->role == ROLE_SERVER && store_time(r->started_ns) <= event.time_ns)
		event.owner = e->owner;
	return store_event_add(s, &event);
}

int store_events_refused(struct store *s, const struct store_record *r, const struct store_endpoint_row *e,
			 int64_t chain)
{
	struct store_event_row event = {
		.kind = EVENT_REFUSED, .time_ns = store_time(r->first_ns), .endpoint = e->id, .role = r->role,
		.after = chain, .owner = r->role == ROLE_SERVER ? e->owner : 0,
	};
	const char *name = r->alert.hidden ? "encrypted alert" : alert_name(r->alert.description);
	char detail[160], address[64];

	text_address(r->client.address.octets, address, sizeof(address));
	if (r->alert.sender == ROLE_CLIENT)
		snprintf(detail, sizeof(detail), "%s by the client %s", name ? name : "alert", address);
	else
		snprintf(detail, sizeof(detail), "%s by the server, to the client %s", name ? name : "alert", address);
	event.detail = detail;
	return store_event_add(s, &event);
}
