/* SPDX-License-Identifier: Apache-2.0 */
/* Looking: endpoints, sightings, certificates, reasons, events, each by one SELECT. */
#include "userspace/store/store_read_parts.h"

#include <stdio.h>
#include <stdlib.h>

#include "userspace/ledger/findings.h"

/* --- endpoints --- */

struct call {
	union {
		store_endpoint_fn *endpoint;
		store_sighting_fn *sighting;
		store_certificate_fn *certificate;
		store_reason_fn *reason;
		store_refusal_fn *refusal;
		store_event_fn *event;
		store_text_fn *text;
		store_coverage_fn *coverage;
	};
	void *context;
	int64_t now_s;
	unsigned int findings;
	struct port_coverage sum;
};

static bool on_endpoint(void *context, sqlite3_stmt *row)
{
	struct call *call = context;
	struct store_endpoint e;

	row_endpoint(row, 0, &e);
	return call->endpoint(call->context, &e);
}

int store_each_endpoint(struct store *s, const struct store_filter *f, store_endpoint_fn *fn, void *context)
{
	struct call call = { .endpoint = fn, .context = context };
	struct query q;

	query_start(&q, s, "SELECT " ENDPOINT_COLUMNS " FROM endpoints e" ENDPOINT_OWNER
			   " LEFT JOIN chains h ON h.id=e.chain_id"
			   " LEFT JOIN certificates c ON c.id=h.leaf_id");
	filter_endpoint(&q, f);
	filter_owners(&q, f);
	filter_certificate(&q, f);
	if (f->name)
		query_string(&q, "(" NAME_ASKED " OR c.id IN " NAME_IN ")", f->name);
	if (f->chain_id)
		query_number(&q, "e.chain_id=?", f->chain_id);
	if (f->since_ns)
		query_number(&q, "e.last_ns>=?", store_time(f->since_ns));
	query_text(&q, " ORDER BY " ENDPOINT_ORDER);
	return query_run(&q, on_endpoint, &call);
}

/* --- sightings --- */

/* The bits that the store keeps, and those of the two clocks. */
static unsigned int findings_now(sqlite3_stmt *row, const struct store_sighting *s, int64_t now_s)
{
	unsigned int found = (unsigned int)sqlite3_column_int(row, SIGHTING_AT + 13) |
			     (unsigned int)sqlite3_column_int(row, SIGHTING_AT + 14);
	const struct store_certificate *leaf = s->leaf;

	if (!leaf || (leaf->parse != X509_PARSE_OK && leaf->parse != X509_PARSE_LENIENT))
		return found;
	if (leaf->not_after.known) {
		if (s->last_ns && leaf->not_after.unix_s < (int64_t)(s->last_ns / STORE_NS_PER_S))
			found |= 1u << FINDING_EXPIRED;
		if (leaf->not_after.unix_s < now_s)
			found |= 1u << FINDING_EXPIRED_NOW;
	}
	if (s->first_ns && leaf->not_before.known &&
	    leaf->not_before.unix_s > (int64_t)(s->first_ns / STORE_NS_PER_S))
		found |= 1u << FINDING_NOT_YET_VALID;
	return found;
}

static bool on_sighting(void *context, sqlite3_stmt *row)
{
	struct call *call = context;
	struct store_certificate leaf;
	struct store_endpoint e;
	struct store_sighting s;

	row_endpoint(row, 0, &e);
	s = (struct store_sighting){
		.id = sqlite3_column_int64(row, SIGHTING_AT), .endpoint = &e,
		.role = (enum role)row_enum(row, SIGHTING_AT + 1, 2),
		.witness = (enum witness)row_enum(row, SIGHTING_AT + 2, WITNESS_LIBRARY + 1),
		.chain_id = sqlite3_column_int64(row, SIGHTING_AT + 3),
		.chain_kind = (enum store_chain_kind)row_enum(row, SIGHTING_AT + 4, STORE_CHAIN_OTHERS + 1),
		.issuer = row_text(row, SIGHTING_AT + 5),
		.chain_len = (unsigned int)sqlite3_column_int64(row, SIGHTING_AT + 6),
		.first_ns = (uint64_t)sqlite3_column_int64(row, SIGHTING_AT + 7),
		.last_ns = (uint64_t)sqlite3_column_int64(row, SIGHTING_AT + 8),
		.sightings = (uint64_t)sqlite3_column_int64(row, SIGHTING_AT + 9),
		.refusals = (uint64_t)sqlite3_column_int64(row, SIGHTING_AT + 10),
		.last_client = row_host(row, SIGHTING_AT + 11),
		.turns_ns = (uint64_t)sqlite3_column_int64(row, SIGHTING_AT + 15),
		.several_owners = sqlite3_column_int(row, SIGHTING_AT + 16) != 0,
	};
	row_owner(row, SIGHTING_OWNER_AT, &s.owner);
	s.current = s.role == ROLE_SERVER && e.chain_id == s.chain_id;
	if (sqlite3_column_type(row, LEAF_AT) != SQLITE_NULL) {
		row_certificate(row, LEAF_AT, &leaf);
		s.leaf = &leaf;
	}
	s.findings = findings_now(row, &s, call->now_s);
	if (call->findings && !(s.findings & call->findings))
		return true;
	return call->sighting(call->context, &s);
}

/* Pairs are few: an endpoint has none, or some that stand together. */
#define SIGHTING_TURNS \
	"(SELECT max(p.turns_ns) FROM pairs p WHERE p.endpoint_id=t.endpoint_id AND t.role=0" \
	" AND t.chain_id IN (p.low_id,p.high_id))"

/* Each half by an index, which an OR over both tables could not have. */
#define SIGHTINGS_NAMED \
	"(SELECT n.id FROM endpoints e JOIN sightings n ON n.endpoint_id=e.id WHERE " NAME_ASKED \
	" UNION SELECT n.id FROM chains m JOIN sightings n ON n.chain_id=m.id WHERE m.leaf_id IN " NAME_IN ")"

/*
 * SQLite knows nothing of how often a value comes: from the certificate, where one is named; else in the order that is
 * asked for, so that nothing need be sorted.
 */
static const char *sightings_from(const struct store_filter *f)
{
	if (f->certificate_id || f->chain_id)
		return " FROM sightings t INDEXED BY sightings_chain JOIN endpoints e ON e.id=t.endpoint_id";
	if (f->name || f->sha256 || f->sha256_first || f->spki_sha256 || f->lineage || f->serial.data || f->by_days)
		return " FROM sightings t JOIN endpoints e ON e.id=t.endpoint_id";
	return " FROM endpoints e CROSS JOIN sightings t ON t.endpoint_id=e.id";
}

int store_each_sighting(struct store *s, const struct store_filter *f, store_sighting_fn *fn, void *context)
{
	struct call call = { .sighting = fn, .context = context, .now_s = filter_now_s(f), .findings = f->findings };
	char select[2048];
	struct query q;

	snprintf(select, sizeof(select), "SELECT " ENDPOINT_COLUMNS ", t.id, t.role, t.witness, t.chain_id, h.kind, i.name,"
		 " h.num, t.first_ns, t.last_ns, t.count, t.refusals, t.client, t.client_port, t.findings, h.findings, "
		 SIGHTING_TURNS ", t.several, " OWNER_COLUMNS_OF("o") ", " CERTIFICATE_COLUMNS "%s" ENDPOINT_OWNER
		 " LEFT JOIN owners o ON o.id=t.owner_id JOIN chains h ON h.id=t.chain_id"
		 " LEFT JOIN certificates c ON c.id=h.leaf_id"
		 " LEFT JOIN issuers i ON i.id=h.issuer_id", sightings_from(f));
	query_start(&q, s, select);
	filter_endpoint(&q, f);
	filter_owner(&q, f, "coalesce(t.owner_id,e.owner_id)");
	filter_certificate(&q, f);
	if (f->name)
		query_string(&q, "t.id IN " SIGHTINGS_NAMED, f->name);
	if (f->chain_id)
		query_number(&q, "t.chain_id=?", f->chain_id);
	if (f->certificate_id)
		query_number(&q, "t.chain_id IN (SELECT chain_id FROM chain_certificates WHERE certificate_id=?)",
			     f->certificate_id);
	if (f->since_ns)
		query_number(&q, "t.last_ns>=?", store_time(f->since_ns));
	if (f->current_only)
		filter_current(&q, f);
	query_text(&q, " ORDER BY " ENDPOINT_ORDER ", t.first_ns, t.id");
	return query_run(&q, on_sighting, &call);
}

/* --- certificates --- */

static bool on_certificate(void *context, sqlite3_stmt *row)
{
	struct call *call = context;
	struct store_certificate c;

	row_certificate(row, 0, &c);
	c.der = row_bytes(row, CERTIFICATE_END);
	c.first_ns = (uint64_t)sqlite3_column_int64(row, CERTIFICATE_END + 1);
	c.last_ns = (uint64_t)sqlite3_column_int64(row, CERTIFICATE_END + 2);
	return call->certificate(call->context, &c);
}

#define SHOWN(what) "(SELECT " what " FROM chain_certificates k JOIN sightings t ON t.chain_id=k.chain_id" \
		    " WHERE k.certificate_id=c.id)"

int store_each_certificate(struct store *s, const struct store_filter *f, store_certificate_fn *fn, void *context)
{
	struct call call = { .certificate = fn, .context = context };
	struct query q;

	query_start(&q, s, "SELECT " CERTIFICATE_COLUMNS ", d.der, " SHOWN("min(t.first_ns)") ", "
			   SHOWN("max(t.last_ns)") " FROM certificates c LEFT JOIN ders d ON d.certificate_id=c.id");
	filter_certificate(&q, f);
	if (f->name)
		query_string(&q, "c.id IN " NAME_IN, f->name);
	if (f->certificate_id)
		query_number(&q, "c.id=?", f->certificate_id);
	if (f->since_ns)
		query_number(&q, SHOWN("max(t.last_ns)") ">=?", store_time(f->since_ns));
	if (f->chain_id) {
		query_number(&q, "c.id IN (SELECT certificate_id FROM chain_certificates WHERE chain_id=?)",
			     f->chain_id);
		query_text(&q, " ORDER BY (SELECT min(position) FROM chain_certificates k WHERE k.certificate_id=c.id"
			       " AND k.chain_id=");
		query_last(&q);
		query_text(&q, ")");
	} else {
		query_text(&q, " ORDER BY c.not_after, c.sha256");
	}
	return query_run(&q, on_certificate, &call);
}

static bool on_name(void *context, sqlite3_stmt *row)
{
	struct call *call = context;

	return call->text(call->context, (enum x509_san_kind)row_enum(row, 1, X509_SAN_OTHER + 1), row_text(row, 0));
}

int store_each_name(struct store *s, int64_t certificate_id, store_text_fn *fn, void *context)
{
	struct call call = { .text = fn, .context = context };
	struct query q;

	query_start(&q, s, "SELECT name, kind FROM certificate_names");
	query_number(&q, "certificate_id=?", certificate_id);
	query_text(&q, " ORDER BY kind, name");
	return query_run(&q, on_name, &call);
}

/* --- reasons, refusals --- */

/* The reasons, and the sightings with a chain as REASON_NONE. */
#define COVERED " FROM endpoints e JOIN (SELECT endpoint_id, reason, first_ns, last_ns, count, chain_id FROM reasons" \
		" UNION ALL SELECT endpoint_id, 0, min(first_ns), max(last_ns), sum(count), NULL FROM sightings" \
		" WHERE role=0 GROUP BY endpoint_id) r ON r.endpoint_id=e.id"

#define COVERED_COLUMNS "SELECT " ENDPOINT_COLUMNS ", r.reason, r.first_ns, r.last_ns, r.count, r.chain_id"

static void filter_covered(struct query *q, const struct store_filter *f)
{
	filter_endpoint(q, f);
	filter_owners(q, f);
	if (f->name)
		query_string(q, NAME_ASKED, f->name);
	if (f->since_ns)
		query_number(q, "r.last_ns>=?", store_time(f->since_ns));
}

static bool on_reason(void *context, sqlite3_stmt *row)
{
	struct call *call = context;
	struct store_endpoint e;
	struct store_reason r;

	row_endpoint(row, 0, &e);
	r = (struct store_reason){
		.endpoint = &e, .reason = (enum reason)row_enum(row, ENDPOINT_END, NUM_REASONS),
		.first_ns = (uint64_t)sqlite3_column_int64(row, ENDPOINT_END + 1),
		.last_ns = (uint64_t)sqlite3_column_int64(row, ENDPOINT_END + 2),
		.count = (uint64_t)sqlite3_column_int64(row, ENDPOINT_END + 3),
		.chain_id = sqlite3_column_int64(row, ENDPOINT_END + 4),
	};
	return call->reason(call->context, &r);
}

int store_each_reason(struct store *s, const struct store_filter *f, store_reason_fn *fn, void *context)
{
	struct call call = { .reason = fn, .context = context };
	struct query q;

	if (f->unseen_only)
		query_start(&q, s, COVERED_COLUMNS
			    " FROM endpoints e CROSS JOIN reasons r ON r.endpoint_id=e.id" ENDPOINT_OWNER);
	else
		query_start(&q, s, COVERED_COLUMNS COVERED ENDPOINT_OWNER);
	filter_covered(&q, f);
	query_text(&q, " ORDER BY " ENDPOINT_ORDER ", r.reason");
	return query_run(&q, on_reason, &call);
}

static bool on_coverage(void *context, sqlite3_stmt *row)
{
	enum transport transport = (enum transport)row_enum(row, 0, NUM_TRANSPORTS);
	uint16_t port = (uint16_t)sqlite3_column_int(row, 1);
	uint64_t count = (uint64_t)sqlite3_column_int64(row, 3);
	struct call *call = context;
	bool more = true;

	if (call->sum.sightings && (call->sum.port != port || call->sum.transport != transport)) {
		more = call->coverage(call->context, &call->sum);
		call->sum = (struct port_coverage){ .sightings = 0 };
	}
	call->sum.port = port;
	call->sum.transport = transport;
	call->sum.sightings += count;
	call->sum.reasons[row_enum(row, 2, NUM_REASONS)] += count;
	return more;
}

int store_coverage(struct store *s, const struct store_filter *f, store_coverage_fn *fn, void *context)
{
	struct call call = { .coverage = fn, .context = context };
	struct query q;
	int err;

	query_start(&q, s, "SELECT e.transport, e.port, r.reason, sum(r.count)" COVERED);
	filter_covered(&q, f);
	query_text(&q, " GROUP BY e.transport, e.port, r.reason ORDER BY e.transport, e.port, r.reason");
	err = query_run(&q, on_coverage, &call);
	if (err == 0 && call.sum.sightings)
		fn(context, &call.sum);
	return err;
}

static bool on_refusal(void *context, sqlite3_stmt *row)
{
	struct call *call = context;
	struct store_refusal r = {
		.endpoint_id = sqlite3_column_int64(row, 0), .role = (enum role)row_enum(row, 1, 2),
		.chain_id = sqlite3_column_int64(row, 2),
		.alert = { true, (uint8_t)sqlite3_column_int(row, 3), (uint8_t)sqlite3_column_int(row, 4),
			   (enum role)row_enum(row, 5, 2), sqlite3_column_int(row, 4) == STORE_ALERT_HIDDEN },
		.first_ns = (uint64_t)sqlite3_column_int64(row, 6),
		.last_ns = (uint64_t)sqlite3_column_int64(row, 7),
		.count = (uint64_t)sqlite3_column_int64(row, 8), .last_client = row_host(row, 9),
	};

	row_owner(row, 11, &r.owner);
	return call->refusal(call->context, &r);
}

int store_each_refusal(struct store *s, int64_t endpoint_id, store_refusal_fn *fn, void *context)
{
	struct call call = { .refusal = fn, .context = context };
	struct query q;

	query_start(&q, s, "SELECT r.endpoint_id, r.role, r.chain_id, r.level, r.description, r.sender, r.first_ns,"
			   " r.last_ns, r.count, r.client, r.client_port, " OWNER_COLUMNS_OF("o")
			   " FROM refusals r LEFT JOIN owners o ON o.id=r.owner_id");
	if (endpoint_id)
		query_number(&q, "r.endpoint_id=?", endpoint_id);
	query_text(&q, " ORDER BY r.endpoint_id, r.first_ns, r.role, r.description");
	return query_run(&q, on_refusal, &call);
}

/* --- events --- */

static bool on_event(void *context, sqlite3_stmt *row)
{
	struct store_certificate before, after;
	struct call *call = context;
	struct store_endpoint e;
	struct store_event v;

	row_endpoint(row, 0, &e);
	v = (struct store_event){
		.id = sqlite3_column_int64(row, ENDPOINT_END),
		.kind = (enum store_event_kind)row_enum(row, ENDPOINT_END + 1, NUM_EVENT_KINDS),
		.time_ns = (uint64_t)sqlite3_column_int64(row, ENDPOINT_END + 2), .endpoint = &e,
		.role = (enum role)row_enum(row, ENDPOINT_END + 3, 2),
		.before_chain_id = sqlite3_column_int64(row, ENDPOINT_END + 4),
		.after_chain_id = sqlite3_column_int64(row, ENDPOINT_END + 5),
		.detail = row_text(row, ENDPOINT_END + 6),
	};
	row_owner(row, EVENT_OWNER_AT, &v.owner);
	if (sqlite3_column_type(row, EVENT_END) != SQLITE_NULL) {
		row_certificate(row, EVENT_END, &before);
		v.before = &before;
	}
	if (sqlite3_column_type(row, EVENT_END + CERTIFICATE_END) != SQLITE_NULL) {
		row_certificate(row, EVENT_END + CERTIFICATE_END, &after);
		v.after = &after;
	}
	return call->event(call->context, &v);
}

int store_each_event(struct store *s, const struct store_filter *f, store_event_fn *fn, void *context)
{
	struct call call = { .event = fn, .context = context };
	struct query q;

	/* `c` is what an event is about: what came after, or what was there when it went silent. */
	query_start(&q, s, "SELECT " ENDPOINT_COLUMNS ", v.id, v.kind, v.time_ns, v.role, v.before_id, v.after_id, v.detail, "
			   OWNER_COLUMNS_OF("o") ", " CERTIFICATE_COLUMNS_OF("b") ", " CERTIFICATE_COLUMNS_OF("a")
			   " FROM events v JOIN endpoints e ON e.id=v.endpoint_id" ENDPOINT_OWNER
			   " LEFT JOIN owners o ON o.id=v.owner_id"
			   " LEFT JOIN chains hb ON hb.id=v.before_id LEFT JOIN certificates b ON b.id=hb.leaf_id"
			   " LEFT JOIN chains ha ON ha.id=v.after_id LEFT JOIN certificates a ON a.id=ha.leaf_id"
			   " LEFT JOIN certificates c ON c.id=coalesce(ha.leaf_id,hb.leaf_id)");
	filter_endpoint(&q, f);
	filter_owner(&q, f, "coalesce(v.owner_id,e.owner_id)");
	filter_certificate(&q, f);
	if (f->name)
		query_string(&q, "(" NAME_ASKED " OR a.id IN " NAME_IN " OR b.id IN " NAME_IN ")", f->name);
	if (f->chain_id)
		query_number(&q, "? IN (v.before_id,v.after_id)", f->chain_id);
	if (f->since_ns)
		query_number(&q, "v.time_ns>=?", store_time(f->since_ns));
	query_text(&q, " ORDER BY v.time_ns, " ENDPOINT_ORDER ", v.kind, v.id");
	return query_run(&q, on_event, &call);
}

/* --- as the pipeline had it --- */

static bool on_chain(void *context, sqlite3_stmt *row)
{
	*(struct chain **)context = store_chain_new((uint32_t)sqlite3_column_int(row, 0),
						    (uint32_t)sqlite3_column_int(row, 1),
						    sqlite3_column_int(row, 2) != 0);
	return true;
}

struct filling {
	struct chain *chain;
	uint32_t num;
	bool failed;
};

static bool on_chain_certificate(void *context, sqlite3_stmt *row)
{
	struct filling *f = context;
	struct bytes der = row_bytes(row, 4);
	uint8_t sha256[32];

	row_fixed(row, 1, sha256, sizeof(sha256));
	f->failed = f->num == f->chain->num || (uint32_t)sqlite3_column_int(row, 0) != f->num ||
		    !store_chain_put(f->chain, f->num, der, sha256, (uint32_t)sqlite3_column_int64(row, 2),
				     sqlite3_column_int(row, 3) != 0);
	f->num += !f->failed;
	return !f->failed;
}

struct chain *store_chain(struct store *s, int64_t chain_id)
{
	struct filling f = { 0 };
	struct query q;

	query_start(&q, s, "SELECT num, total, partial FROM chains");
	query_number(&q, "id=?", chain_id);
	/* Longer than TLS allows is a file that is not ours. */
	query_text(&q, " AND kind=0 AND num BETWEEN 1 AND 128");
	if (query_run(&q, on_chain, &f.chain) != 0 || !f.chain)
		return NULL;
	query_start(&q, s, "SELECT k.position, c.sha256, c.der_len, c.truncated, d.der FROM chain_certificates k"
			   " JOIN certificates c ON c.id=k.certificate_id LEFT JOIN ders d ON d.certificate_id=c.id");
	query_number(&q, "k.chain_id=?", chain_id);
	query_text(&q, " ORDER BY k.position");
	if (query_run(&q, on_chain_certificate, &f) == 0 && !f.failed && f.num == f.chain->num) {
		f.chain->id = chain_id > 0 && chain_id <= UINT32_MAX ? (uint32_t)chain_id : 1;
		return f.chain;
	}
	store_chain_free(f.chain);
	return NULL;
}

/* The store's carriers are words of ours; the outputs take them as static. */
static void put_endpoint(const struct store_endpoint *e, struct ledger_row *out)
{
	struct server_name *name;

	out->server = e->server;
	out->transport = e->transport;
	out->carrier = e->carrier[0] ? e->carrier : NULL;
	if (e->name_kind != STORE_NAME_ASKED)
		return;
	name = malloc(sizeof(*name) + e->server_name.len);
	if (!name)
		return;
	*name = (struct server_name){ .len = (uint16_t)e->server_name.len };
	if (e->server_name.len)
		memcpy(name->bytes, e->server_name.data, e->server_name.len);
	out->names = name;
	out->num_names = 1;
}

void store_ledger_row(const struct store_sighting *s, const struct chain *chain, struct ledger_row *out)
{
	*out = (struct ledger_row){
		.role = s->role, .chain = chain, .sightings = s->sightings, .first_ns = s->first_ns,
		.last_ns = s->last_ns, .last_client = s->last_client, .clients = { s->last_client },
		.num_clients = 1, .witness = s->witness,
		.perhaps_established = s->sightings,    /* not stored */
	};
	put_endpoint(s->endpoint, out);
}

void store_ledger_reason(const struct store_reason *r, struct ledger_row *out)
{
	*out = (struct ledger_row){
		.role = ROLE_SERVER, .reason = r->reason, .sightings = r->count, .first_ns = r->first_ns,
		.last_ns = r->last_ns, .perhaps_established = r->count,
	};
	put_endpoint(r->endpoint, out);
}

/* --- the whole --- */

int store_snapshot_begin(struct store *s)
{
	return store_execute(s, "BEGIN");
}

void store_snapshot_end(struct store *s)
{
	store_reset(s);
	if (!sqlite3_get_autocommit(s->db))
		store_execute(s, "COMMIT");
}

static bool on_number(void *context, sqlite3_stmt *row)
{
	*(int64_t *)context = sqlite3_column_int64(row, 0);
	return false;
}

static uint64_t number_of(struct store *s, const char *select, const char *condition, const char *text)
{
	struct query q;
	int64_t value = 0;

	query_start(&q, s, select);
	query_string(&q, condition, text);
	if (query_run(&q, on_number, &value) != 0)
		return 0;
	return (uint64_t)value;
}

uint64_t store_counter(struct store *s, enum store_counter counter)
{
	return number_of(s, "SELECT value FROM counters", "name=?", store_counter_name(counter));
}

uint64_t store_latest_ns(struct store *s)
{
	return number_of(s, "SELECT value FROM state", "key=?", "latest_ns");
}
