/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/check/check_facts.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "parsers/text.h"
#include "userspace/hash.h"
#include "userspace/ledger/findings.h"

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

/* By the store's number of a row. */
struct place {
	UT_hash_handle hh;
	int64_t id;
	void *what;
};

struct reading {
	struct check_facts *facts;
	struct place *endpoints, *certificates;
	struct check_endpoint *last;     /* rows of one endpoint come together */
	struct store_owner owner;        /* the last one that was kept */
	bool owner_known;
	size_t capacity, certificates_capacity;
	uint64_t latest_ns;              /* in the store */
	bool failed;
};

static void *place_find(struct place *places, int64_t id)
{
	struct place *place;

	HASH_FIND(hh, places, &id, sizeof(id), place);
	return place ? place->what : NULL;
}

static bool place_add(struct reading *r, struct place **places, int64_t id, void *what)
{
	struct place *place = pieces_take(&r->facts->pieces, sizeof(*place));

	if (!place)
		return false;
	place->id = id;
	place->what = what;
	HASH_ADD(hh, *places, id, sizeof(place->id), place);
	return place->hh.tbl != NULL;
}

/* Room for one more. */
static bool grow(void **items, size_t num, size_t *capacity, size_t size)
{
	size_t larger = *capacity ? 2 * *capacity : 256;
	void *grown;

	if (num < *capacity)
		return true;
	grown = realloc(*items, larger * size);
	if (!grown)
		return false;
	*items = grown;
	*capacity = larger;
	return true;
}

static const char *keep(struct reading *r, const char *text)
{
	return pieces_text(&r->facts->pieces, text);
}

static bool same_owner(const struct store_owner *a, const struct store_owner *b)
{
	return a->pid == b->pid && a->started_ns == b->started_ns && strcmp(a->process, b->process) == 0 &&
	       strcmp(a->executable, b->executable) == 0 && strcmp(a->unit, b->unit) == 0 &&
	       strcmp(a->container, b->container) == 0;
}

/* Rows that come together mostly have one owner: its texts are kept once. */
static struct store_owner keep_owner(struct reading *r, const struct store_owner *o)
{
	if (!r->owner_known || !same_owner(&r->owner, o))
		r->owner = (struct store_owner){ o->pid, o->started_ns, keep(r, o->process), keep(r, o->executable),
						 keep(r, o->unit), keep(r, o->container) };
	r->owner_known = true;
	return r->owner;
}

static bool on_endpoint(void *context, const struct store_endpoint *e)
{
	struct reading *r = context;
	struct check_facts *facts = r->facts;
	char name[4 * SERVER_NAME_MAX + 8] = "";
	void *items = facts->endpoints;

	r->failed = !grow(&items, facts->num_endpoints, &r->capacity, sizeof(*facts->endpoints));
	facts->endpoints = items;
	if (r->failed)
		return false;
	if (e->name_kind == STORE_NAME_ASKED)
		text_safe(e->server_name, name, sizeof(name));
	facts->endpoints[facts->num_endpoints++] = (struct check_endpoint){
		.id = e->id, .server = e->server, .transport = e->transport, .name_kind = e->name_kind,
		.name = keep(r, name), .carrier = keep(r, e->carrier), .first_ns = e->first_ns,
		.last_ns = e->last_ns,
		.owner = keep_owner(r, &e->owner),
	};
	return true;
}

static struct bytes keep_bytes(struct reading *r, struct bytes in)
{
	uint8_t *copy = in.len ? pieces_take(&r->facts->pieces, in.len) : NULL;

	if (!copy)
		return bytes_of(NULL, 0);
	memcpy(copy, in.data, in.len);
	return bytes_of(copy, in.len);
}

static enum x509_key key_of(const char *name)
{
	enum x509_key key;

	for (key = X509_KEY_SM2; key > X509_KEY_UNKNOWN; key--)
		if (strcmp(x509_key_name(key), name) == 0)
			break;
	return key;
}

static struct check_certificate *take_certificate(struct reading *r, const struct store_certificate *c)
{
	struct check_certificate *kept = place_find(r->certificates, c->id);
	struct check_facts *facts = r->facts;
	void *items = facts->certificates;

	if (kept)
		return kept;
	if (!grow(&items, facts->num_certificates, &r->certificates_capacity, sizeof(struct check_certificate *)))
		return NULL;
	facts->certificates = items;
	kept = pieces_take(&facts->pieces, sizeof(*kept));
	if (!kept || !place_add(r, &r->certificates, c->id, kept))
		return NULL;
	*kept = (struct check_certificate){
		.id = c->id, .lineage_sure = c->lineage_sure, .is_ca = c->is_ca, .key = key_of(c->key),
		.place = { c->not_before, c->not_after, keep_bytes(r, c->serial) },
		.subject = keep(r, c->subject_cn[0] ? c->subject_cn : c->subject), .issuer = keep(r, c->issuer),
		.first_ns = UINT64_MAX,
	};
	memcpy(kept->sha256, c->sha256, sizeof(kept->sha256));
	memcpy(kept->lineage, c->lineage, sizeof(kept->lineage));
	facts->certificates[facts->num_certificates++] = kept;
	return kept;
}

static struct check_endpoint *endpoint_of(struct reading *r, int64_t id)
{
	if (!r->last || r->last->id != id)
		r->last = place_find(r->endpoints, id);
	return r->last;
}

/* The chain's, which is new where it was not there: all zero but for its number. */
static struct check_showing *showing_of(struct reading *r, struct check_endpoint *e, int64_t chain_id)
{
	struct check_showing *s;

	for (s = e->showings; s; s = s->next)
		if (s->chain_id == chain_id)
			return s;
	s = pieces_take(&r->facts->pieces, sizeof(*s));
	if (!s)
		return NULL;
	*s = (struct check_showing){ .next = e->showings, .chain_id = chain_id, .first_ns = UINT64_MAX };
	e->showings = s;
	return s;
}

/* Each witness has a row of its own. */
static void sum_up(struct check_showing *showing, const struct store_sighting *s, uint64_t latest_ns)
{
	if (s->first_ns < showing->first_ns)
		showing->first_ns = s->first_ns;
	if (s->last_ns >= showing->last_ns) {
		showing->last_ns = s->last_ns;
		showing->last_client = s->last_client;
	}
	showing->sightings += s->sightings;
	showing->refusals += s->refusals;
	showing->current |= s->current;
	showing->several_owners |= s->several_owners;
	showing->name_mismatch |= s->findings & 1u << FINDING_NAME_MISMATCH;
	showing->takes_turns |= s->turns_ns &&
				(latest_ns <= s->turns_ns || latest_ns - s->turns_ns <= CHECK_TURNS_NS);
}

static bool on_sighting(void *context, const struct store_sighting *s)
{
	struct reading *r = context;
	struct check_certificate *certificate = NULL;
	struct check_showing *showing;
	struct check_endpoint *e;

	if (s->role != ROLE_SERVER)
		return true;
	if (s->leaf) {
		certificate = take_certificate(r, s->leaf);
		r->failed = !certificate;
		if (r->failed)
			return false;
		if (s->first_ns < certificate->first_ns)
			certificate->first_ns = s->first_ns;
		if (s->last_ns > certificate->last_ns)
			certificate->last_ns = s->last_ns;
	}
	e = endpoint_of(r, s->endpoint->id);
	if (!e)
		return true;
	showing = showing_of(r, e, s->chain_id);
	r->failed = !showing;
	if (r->failed)
		return false;
	showing->certificate = certificate;
	if (s->last_ns >= showing->last_ns)
		showing->owner = keep_owner(r, &s->owner);
	sum_up(showing, s, r->latest_ns);
	return true;
}

static bool on_reason(void *context, const struct store_reason *reason)
{
	struct check_endpoint *e = endpoint_of(context, reason->endpoint->id);

	if (e && reason->reason != REASON_NONE)
		e->unseen[reason->reason] = (struct check_unseen){ reason->last_ns, reason->count };
	return true;
}

/* After all of them: until then the array may move. */
static bool index_endpoints(struct reading *r)
{
	size_t i;

	for (i = 0; i < r->facts->num_endpoints; i++)
		if (!place_add(r, &r->endpoints, r->facts->endpoints[i].id, &r->facts->endpoints[i]))
			return false;
	return true;
}

static int read_all(struct reading *r, struct store *s, const struct store_filter *f)
{
	const struct store_filter all = { .now_s = f->now_s };
	int err = store_each_endpoint(s, f, on_endpoint, r);

	if (err == 0 && !r->failed)
		r->failed = !index_endpoints(r);
	r->latest_ns = store_latest_ns(s);
	/* What is newest anywhere does not depend on what is asked about. */
	if (err == 0 && !r->failed)
		err = store_each_sighting(s, &all, on_sighting, r);
	r->last = NULL;
	if (err == 0 && !r->failed)
		err = store_each_reason(s, &all, on_reason, r);
	if (err == 0 && (r->failed || r->facts->pieces.failed))
		err = -ENOMEM;
	return err;
}

int check_facts_read(struct store *s, const struct store_filter *f, struct check_facts **out)
{
	struct reading r = { .facts = calloc(1, sizeof(*r.facts)) };
	int err = r.facts ? store_snapshot_begin(s) : -ENOMEM;

	if (err == 0) {
		err = read_all(&r, s, f);
		store_snapshot_end(s);
	}
	HASH_CLEAR(hh, r.endpoints);
	HASH_CLEAR(hh, r.certificates);
	if (err) {
		check_facts_free(r.facts);
		return err;
	}
	*out = r.facts;
	return 0;
}

void check_facts_free(struct check_facts *facts)
{
	if (!facts)
		return;
	pieces_fini(&facts->pieces);
	free(facts->endpoints);
	free(facts->certificates);
	free(facts);
}

bool check_same_site(const struct check_endpoint *a, const struct check_endpoint *b)
{
	return a->server.port == b->server.port && a->server.zone == b->server.zone && a->transport == b->transport &&
	       memcmp(&a->server.address, &b->server.address, sizeof(a->server.address)) == 0;
}

bool check_mixed(const struct check_showing *a, const struct check_showing *b)
{
	return a->first_ns < b->last_ns && b->first_ns < a->last_ns;
}

bool check_other_key(const struct check_showing *a, const struct check_showing *b)
{
	return a->certificate && b->certificate && a->certificate->key != b->certificate->key &&
	       a->certificate->key != X509_KEY_UNKNOWN && b->certificate->key != X509_KEY_UNKNOWN;
}

/* Between two showings, on the whole. */
static uint64_t usual_pause(const struct check_showing *s)
{
	return s->sightings > 1 ? (s->last_ns - s->first_ns) / (s->sightings - 1) : 0;
}

/* `s` is later than `old`, with which it was mixed: was it alone since for long enough? */
static bool is_steady(const struct check_showing *old, const struct check_showing *s)
{
	uint64_t alone = s->last_ns - old->last_ns;
	uint64_t mixed = old->last_ns - (old->first_ns > s->first_ns ? old->first_ns : s->first_ns);

	return !old->takes_turns && alone > CHECK_HANDOVER_NS &&
	       (alone > CHECK_TURNS_NS || alone / CHECK_STEADY > mixed) && alone / CHECK_STEADY > usual_pause(old) &&
	       alone / CHECK_STEADY > usual_pause(s);
}

/* Does the client's offer decide between `old` and what has a key like that of `s`? */
static bool is_choice(const struct check_endpoint *e, const struct check_showing *old, const struct check_showing *s)
{
	const struct check_showing *t;

	for (t = check_other_key(old, s) ? e->showings : NULL; t; t = t->next)
		if (t->certificate && t->certificate->key == s->certificate->key && check_mixed(old, t))
			return true;
	return false;
}

bool check_replaced(const struct check_endpoint *e, const struct check_showing *old,
		    const struct check_showing **to)
{
	const struct check_showing *s, *latest = NULL;

	for (s = e->showings; s; s = s->next) {
		if (s->chain_id == old->chain_id || s->last_ns <= old->last_ns ||
		    (latest && s->last_ns <= latest->last_ns))
			continue;
		if ((old->last_ns <= s->first_ns || is_steady(old, s)) && !is_choice(e, old, s))
			latest = s;
	}
	if (to)
		*to = latest;
	return latest != NULL;
}

uint64_t check_unseen_since(const struct check_endpoint *e, uint64_t since_ns, enum reason *most)
{
	uint64_t sum = 0, largest = 0;
	unsigned int i;

	for (i = 0; i < NUM_REASONS; i++) {
		if (!e->unseen[i].count || e->unseen[i].last_ns <= since_ns)
			continue;
		sum += e->unseen[i].count;
		if (e->unseen[i].count > largest) {
			largest = e->unseen[i].count;
			*most = (enum reason)i;
		}
	}
	return sum;
}

void check_endpoint_text(const struct check_endpoint *e, char *out, size_t size)
{
	char address[48], zone[16] = "";
	bool bracket;

	text_address(e->server.address.octets, address, sizeof(address));
	bracket = strchr(address, ':') && e->transport != TRANSPORT_EAPOL;
	if (e->server.zone)
		snprintf(zone, sizeof(zone), "%%%" PRIu32, e->server.zone);
	snprintf(out, size, "%s%s%s%s:%u/%s", bracket ? "[" : "", address, zone, bracket ? "]" : "", e->server.port,
		 transport_name(e->transport));
}
