/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/ledger/ledger.h"

#include <stddef.h>
#include <stdlib.h>

#include "parsers/tls_hello.h"
#include "userspace/hash.h"
#include "userspace/ledger/fingerprints.h"
#include "userspace/ledger/stragglers.h"

/* Every look-up gives its own keyed hash; a failed insertion leaves hh.tbl NULL. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

struct row_key {
	struct host_port server;
	uint16_t transport;
	uint16_t role;
	uint16_t reason;
	uint32_t chain;
};

struct row_entry {
	UT_hash_handle hh;
	struct row_key key;
	struct ledger_row row;
};

/* What an endpoint presented last, for each name asked for. */
struct endpoint_key {
	struct host_port server;
	uint16_t transport;
	uint16_t role;
	uint64_t name_hash;
};

struct endpoint_entry {
	UT_hash_handle hh;
	struct endpoint_key key;
	const struct ledger_row *current;
};

#define COVERAGE_PLACES ((uint32_t)NUM_TRANSPORTS << 16)
#define COVERAGE_PAGE 256u
#define COVERAGE_PAGES (COVERAGE_PLACES / COVERAGE_PAGE)

struct coverage_page {
	struct port_coverage *place[COVERAGE_PAGE];
};

struct ledger {
	struct hash_key key;
	struct ledger_limits limits;
	struct row_entry *rows;
	struct endpoint_entry *endpoints;
	struct stragglers *stragglers;
	/* By transport and port, a page of ports at a time; NULL where nothing was seen. */
	struct coverage_page *coverage[COVERAGE_PAGES];
	struct ledger_counters counters;
};

struct ledger *ledger_new(const struct ledger_limits *limits)
{
	struct ledger *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	*l = (struct ledger){ .key = hash_key_random(), .limits = *limits };
	l->stragglers = stragglers_new();
	if (!l->stragglers) {
		free(l);
		return NULL;
	}
	return l;
}

void ledger_row_fini(struct ledger_row *row)
{
	struct server_name *name;

	while ((name = row->names)) {
		row->names = name->next;
		free(name);
	}
	free(row->authorities);
	row->authorities = NULL;
	free(row->owners);
	row->owners = NULL;
}

static void coverage_free(struct ledger *l)
{
	uint32_t page, i;

	for (page = 0; page < COVERAGE_PAGES; page++) {
		for (i = 0; l->coverage[page] && i < COVERAGE_PAGE; i++)
			free(l->coverage[page]->place[i]);
		free(l->coverage[page]);
	}
}

void ledger_free(struct ledger *l)
{
	struct endpoint_entry *endpoint, *tmp2;
	struct row_entry *entry, *tmp;

	if (!l)
		return;
	coverage_free(l);
	stragglers_free(l->stragglers);
	HASH_ITER(hh, l->endpoints, endpoint, tmp2) {
		HASH_DEL(l->endpoints, endpoint);
		free(endpoint);
	}
	HASH_ITER(hh, l->rows, entry, tmp) {
		HASH_DEL(l->rows, entry);
		ledger_row_fini(&entry->row);
		free(entry);
	}
	free(l);
}

static void number_set_add(struct number_set *set, uint16_t value)
{
	unsigned int i;

	if (value == 0)
		return;
	for (i = 0; i < set->num; i++)
		if (set->values[i] == value)
			return;
	if (set->num < LEDGER_VALUES_MAX)
		set->values[set->num++] = value;
	else
		set->more++;
}

static void add_client(struct ledger_row *row, const struct host_port *client)
{
	unsigned int i;

	row->last_client = *client;
	for (i = 0; i < row->num_clients; i++) {
		if (memcmp(&row->clients[i].address, &client->address, sizeof(client->address)) == 0) {
			row->clients[i].port = client->port;
			return;
		}
	}
	if (row->num_clients < LEDGER_VALUES_MAX)
		row->clients[row->num_clients++] = *client;
	else
		row->clients_more++;
}

static void add_name(struct ledger_row *row, const struct sighting *s)
{
	struct server_name **at, *name;

	if (!s->server_name) {
		row->without_name++;
		return;
	}
	for (at = &row->names; *at; at = &(*at)->next)
		if ((*at)->len == s->server_name_len &&
		    memcmp((*at)->bytes, s->server_name, s->server_name_len) == 0)
			return;
	name = row->num_names < LEDGER_NAMES_MAX ? malloc(sizeof(*name) + s->server_name_len) : NULL;
	if (!name) {
		row->names_more++;
		return;
	}
	*name = (struct server_name){ .len = s->server_name_len, .cut = s->server_name_cut };
	memcpy(name->bytes, s->server_name, s->server_name_len);
	*at = name;
	row->num_names++;
}

static void add_alpn(struct ledger_row *row, const struct sighting *s)
{
	unsigned int i;

	if (!s->alpn_len)
		return;
	for (i = 0; i < row->num_alpn; i++)
		if (memcmp(row->alpn[i], s->alpn, sizeof(s->alpn)) == 0)
			return;
	if (row->num_alpn < LEDGER_VALUES_MAX)
		memcpy(row->alpn[row->num_alpn++], s->alpn, sizeof(s->alpn));
}

static void row_begin(struct ledger_row *row, const struct sighting *s, enum role role)
{
	*row = (struct ledger_row){
		.server = s->server, .transport = s->transport, .role = role,
		.reason = role == ROLE_SERVER ? s->reason : REASON_NONE, .chain = s->chain[role],
		.first_ns = s->start_ns, .first_frame = s->frame_number,
	};
}

static void add_presenter(struct row_owners *o, const struct process *process)
{
	unsigned int i;

	for (i = 0; i < o->num_presenters; i++)
		if (o->presenters[i] == process)
			return;
	if (o->num_presenters < LEDGER_VALUES_MAX)
		o->presenters[o->num_presenters++] = process;
	else
		o->presenters_more++;
}

static void add_owners(struct ledger_row *row, const struct sighting *s)
{
	unsigned int role;

	for (role = 0; role < 2; role++) {
		if (!s->owner[role] || !s->owner[role]->process)
			continue;
		if (!row->owners)
			row->owners = calloc(1, sizeof(*row->owners));
		if (!row->owners)
			return;
		row->owners->end[role] = *s->owner[role];
		if (role == row->role)
			add_presenter(row->owners, s->owner[role]->process);
	}
}

static void add_asked(struct ledger_row *row, const struct sighting *s)
{
	if (s->client_print) {
		memcpy(row->ja3, s->client_print->ja3, sizeof(row->ja3));
		memcpy(row->ja4, s->client_print->ja4, sizeof(row->ja4));
	}
	if (s->has_hello)
		add_name(row, s);
	row->has_ech |= s->has_ech;
}

static void add_answered(struct ledger_row *row, const struct sighting *s)
{
	if (s->server_print)
		memcpy(row->ja3s, s->server_print->ja3, sizeof(row->ja3s));
	number_set_add(&row->versions, s->version);
	number_set_add(&row->ciphers, s->cipher);
	add_alpn(row, s);
}

/* TLS 1.3 hides where the handshake ends; only who opens the client's Finished knows (`established`). */
static bool perhaps_established(const struct sighting *s)
{
	return dtls_version_as_tls(s->version) == TLS_1_3 || s->reason == REASON_MIDSTREAM;
}

static void row_add(struct ledger_row *row, const struct sighting *s)
{
	add_owners(row, s);
	row->witness = s->witness[row->role];
	row->protocol = s->protocol;
	if (s->carrier)
		row->carrier = s->carrier;
	row->sightings++;
	row->perhaps_established += perhaps_established(s);
	if (s->start_ns < row->first_ns)
		row->first_ns = s->start_ns;
	if (s->end_ns > row->last_ns)
		row->last_ns = s->end_ns;
	add_client(row, &s->client);
	add_asked(row, s);
	add_answered(row, s);
	row->lost_from = s->lost_from;
	row->lost_to = s->lost_to;
	row->detail = s->detail;
	row->roles_guessed |= s->roles_guessed;
	ledger_row_beside(row, s);
}

void ledger_row_single(struct ledger_row *row, const struct sighting *s, enum role role)
{
	row_begin(row, s, role);
	row_add(row, s);
	row->established = s->established;
	if (s->broke_off)
		ledger_row_broke_off(row);
	if (s->alert.seen)
		ledger_row_alert(row, s);
}

/* The row of this sighting, made if there is none and there is room. */
static struct row_entry *row_get(struct ledger *l, const struct sighting *s, enum role role,
				 bool *is_new)
{
	struct row_entry *entry;
	struct row_key key;
	unsigned int hash;

	memset(&key, 0, sizeof(key));
	key.server = s->server;
	key.transport = (uint16_t)s->transport;
	key.role = (uint16_t)role;
	key.reason = role == ROLE_SERVER ? (uint16_t)s->reason : REASON_NONE;
	key.chain = key.reason == REASON_NONE && s->chain[role] ? s->chain[role]->id : 0;
	hash = (unsigned int)hash_bytes(&l->key, &key, sizeof(key));
	entry = NULL;
	if (key.reason != REASON_NONE || key.chain)
		HASH_FIND_BYHASHVALUE(hh, l->rows, &key, sizeof(key), hash, entry);
	*is_new = !entry;
	if (entry)
		return entry;
	/* A loose chain will be gone: no row may stand for it, nor point to it. */
	if (l->counters.rows >= l->limits.rows || (key.reason == REASON_NONE && !key.chain))
		return NULL;
	entry = calloc(1, sizeof(*entry));
	if (!entry)
		return NULL;
	entry->key = key;
	row_begin(&entry->row, s, role);
	if (entry->row.chain && !entry->row.chain->id)
		entry->row.chain = NULL;
	HASH_ADD_BYHASHVALUE(hh, l->rows, key, sizeof(key), hash, entry);
	if (!entry->hh.tbl) {
		free(entry);
		return NULL;
	}
	l->counters.rows++;
	return entry;
}

/* Remembers what the endpoint presents now; returns what it presented before, if that was another chain. */
static const struct ledger_row *endpoint_present(struct ledger *l, const struct sighting *s,
						 const struct ledger_row *row)
{
	const struct ledger_row *previous;
	struct endpoint_entry *entry;
	struct endpoint_key key;
	unsigned int hash;

	memset(&key, 0, sizeof(key));
	key.server = s->server;
	key.transport = (uint16_t)s->transport;
	key.role = (uint16_t)row->role;
	if (s->server_name)
		key.name_hash = hash_bytes(&l->key, s->server_name, s->server_name_len);
	hash = (unsigned int)hash_bytes(&l->key, &key, sizeof(key));
	HASH_FIND_BYHASHVALUE(hh, l->endpoints, &key, sizeof(key), hash, entry);
	if (entry) {
		previous = entry->current != row ? entry->current : NULL;
		entry->current = row;
		return previous;
	}
	/* As many endpoints as rows; beyond, changes are no longer told apart from firsts. */
	if (HASH_COUNT(l->endpoints) >= l->limits.rows)
		return NULL;
	entry = calloc(1, sizeof(*entry));
	if (!entry)
		return NULL;
	entry->key = key;
	entry->current = row;
	HASH_ADD_BYHASHVALUE(hh, l->endpoints, key, sizeof(key), hash, entry);
	if (!entry->hh.tbl)
		free(entry);
	return NULL;
}

/* NULL: no memory. */
static struct port_coverage *coverage_of(struct ledger *l, enum transport transport, uint16_t port)
{
	uint32_t at = (uint32_t)transport << 16 | port;
	struct coverage_page **page = &l->coverage[at / COVERAGE_PAGE];
	struct port_coverage **place;

	if (!*page && !(*page = calloc(1, sizeof(**page))))
		return NULL;
	place = &(*page)->place[at % COVERAGE_PAGE];
	if (!*place && (*place = calloc(1, sizeof(**place))) != NULL)
		**place = (struct port_coverage){ .transport = transport, .port = port };
	return *place;
}

static void cover(struct ledger *l, const struct sighting *s)
{
	struct port_coverage *c = coverage_of(l, s->transport, s->server.port);

	if (!c)
		return;
	c->sightings++;
	c->reasons[s->reason]++;
}

const struct port_coverage *ledger_next_coverage(const struct ledger *l, uint32_t *at)
{
	const struct coverage_page *page;

	while (*at < COVERAGE_PLACES) {
		page = l->coverage[*at / COVERAGE_PAGE];
		if (!page)
			*at += COVERAGE_PAGE - *at % COVERAGE_PAGE;
		else if (page->place[(*at)++ % COVERAGE_PAGE])
			return page->place[(*at - 1) % COVERAGE_PAGE];
	}
	return NULL;
}

/* A new certificate of its lineage may have come up elsewhere since it was last seen. */
static bool falls_behind(struct ledger *l, struct ledger_row *row, bool is_new)
{
	bool before = row->straggler;

	if (is_new)
		row->place = stragglers_add(l->stragglers, row);
	row->straggler = stragglers_standing(row->place, NULL) == STANDING_STRAGGLER;
	return row->straggler && !before;
}

struct ledger_entry ledger_record(struct ledger *l, const struct sighting *s, enum role role)
{
	struct ledger_entry result = { .time_ns = s->end_ns };
	struct row_entry *entry;

	if (role == ROLE_SERVER) {
		l->counters.sightings++;
		l->counters.reasons[s->reason]++;
		cover(l, s);
	}
	if (s->chain[role] && (role == ROLE_CLIENT || s->reason == REASON_NONE))
		l->counters.chains++;
	entry = row_get(l, s, role, &result.is_new);
	if (!entry) {
		l->counters.unsummed++;
		return result;
	}
	result.row = &entry->row;
	row_add(result.row, s);
	if (result.row->reason == REASON_NONE && role == ROLE_SERVER) {
		result.previous = endpoint_present(l, s, result.row);
		result.fell_behind = falls_behind(l, result.row, result.is_new);
	}
	return result;
}

/* As a program is known to people, whichever of its processes it was. */
static bool process_is_alike(const struct process *a, const struct process *b)
{
	if (!a || !b)
		return a == b;
	return strcmp(a->name, b->name) == 0 && strcmp(a->service, b->service) == 0 &&
	       strcmp(a->container, b->container) == 0;
}

static const struct process *alert_sender(const struct sighting *s)
{
	const struct owner *owner = s->owner[s->alert.sender];

	return owner ? owner->process : NULL;
}

static bool alert_is_same(const struct alert_count *a, const struct sighting *s)
{
	return a->alert.description == s->alert.description && a->alert.level == s->alert.level &&
	       a->alert.sender == s->alert.sender && a->alert.hidden == s->alert.hidden &&
	       memcmp(&a->client.address, &s->client.address, sizeof(a->client.address)) == 0 &&
	       process_is_alike(a->sender, alert_sender(s));
}

const struct alert_count *ledger_row_find_alert(const struct ledger_row *row, const struct sighting *s)
{
	unsigned int i;

	for (i = 0; i < row->num_alerts; i++)
		if (alert_is_same(&row->alerts[i], s))
			return &row->alerts[i];
	return NULL;
}

bool ledger_row_refused(const struct ledger_row *row, const struct alert *alert)
{
	return alert_is_refusal(alert) && alert_refused_role(alert) == row->role &&
	       (row->reason == REASON_NONE || row->reason == REASON_ENCRYPTED);
}

/* Room for another alert; NULL: none. An orderly end, which each client may have sent, gives way to what is none. */
static struct alert_count *alert_room(struct ledger_row *row, const struct alert *alert)
{
	unsigned int i;

	if (row->num_alerts < LEDGER_VALUES_MAX)
		return &row->alerts[row->num_alerts++];
	for (i = 0; i < row->num_alerts && !alert_closes(alert); i++) {
		if (!alert_closes(&row->alerts[i].alert))
			continue;
		row->alerts_more += (uint32_t)row->alerts[i].count;
		row->alerts[i].count = 0;
		return &row->alerts[i];
	}
	return NULL;
}

void ledger_row_alert(struct ledger_row *row, const struct sighting *s)
{
	struct alert_count *a = (struct alert_count *)ledger_row_find_alert(row, s);

	if (!a)
		a = alert_room(row, &s->alert);
	if (!a) {
		row->alerts_more++;
		return;
	}
	a->alert = s->alert;
	a->client = s->client;
	a->sender = alert_sender(s);
	a->count++;
}

void ledger_row_established(struct ledger_row *row)
{
	row->established++;
}

int ledger_row_is_established(const struct ledger_row *row)
{
	uint64_t ended = 0;
	unsigned int i;

	if (row->established)
		return 1;
	/* A fatal alert that shows came instead. */
	for (i = 0; i < row->num_alerts; i++)
		if (row->alerts[i].alert.level == ALERT_FATAL)
			ended += row->alerts[i].count;
	return row->perhaps_established > ended ? -1 : 0;
}

void ledger_row_broke_off(struct ledger_row *row)
{
	if (row->role == ROLE_SERVER && (row->reason == REASON_NONE || row->reason == REASON_ENCRYPTED))
		row->broke_off++;
}

void ledger_row_asked(struct ledger_row *row, const struct sighting *s)
{
	add_asked(row, s);
}

void ledger_row_answered(struct ledger_row *row, const struct sighting *s)
{
	add_answered(row, s);
}

void ledger_row_beside(struct ledger_row *row, const struct sighting *s)
{
	row->stapled |= s->stapled;
	row->has_sct |= s->has_sct;
	row->client_asked |= s->client_asked;
	if (!s->authorities)
		return;
	if (!row->authorities)
		row->authorities = malloc(sizeof(*row->authorities));
	if (row->authorities)
		*row->authorities = *s->authorities;
}

static int compare_rows(const void *left, const void *right)
{
	const struct ledger_row *a = *(const struct ledger_row *const *)left;
	const struct ledger_row *b = *(const struct ledger_row *const *)right;

	if (a->first_ns != b->first_ns)
		return a->first_ns < b->first_ns ? -1 : 1;
	if (memcmp(&a->server, &b->server, sizeof(a->server)) != 0)
		return memcmp(&a->server, &b->server, sizeof(a->server));
	if (a->role != b->role)
		return a->role == ROLE_SERVER ? -1 : 1;
	if (a->reason != b->reason)
		return a->reason < b->reason ? -1 : 1;
	if (a->chain && b->chain && a->chain != b->chain)
		return a->chain->id < b->chain->id ? -1 : 1;
	return 0;
}

const struct ledger_row **ledger_rows(const struct ledger *l, size_t *num)
{
	const struct row_entry *entry;
	const struct ledger_row **rows = calloc(l->counters.rows + 1, sizeof(*rows));
	size_t i = 0;

	*num = 0;
	if (!rows)
		return NULL;
	for (entry = l->rows; entry; entry = entry->hh.next)
		rows[i++] = &entry->row;
	qsort(rows, i, sizeof(*rows), compare_rows);
	*num = i;
	return rows;
}

const struct ledger_row *ledger_next_row(const struct ledger *l, const struct ledger_row *row)
{
	const struct row_entry *entry = l->rows;

	if (row)
		entry = ((const struct row_entry *)((const char *)row - offsetof(struct row_entry, row)))->hh.next;
	return entry ? &entry->row : NULL;
}

const struct ledger_counters *ledger_counters(const struct ledger *l)
{
	return &l->counters;
}
