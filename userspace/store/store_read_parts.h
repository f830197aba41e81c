/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reading side's own: a SELECT put together from conditions, and rows into structures. Only store_query.c and
 * store_read.c include this.
 */
#ifndef CERTTAP_STORE_READ_PARTS_H
#define CERTTAP_STORE_READ_PARTS_H

#include "userspace/store/store_parts.h"

#define QUERY_BINDINGS_MAX 32

#define OWNER_COLUMNS_OF(o) \
	o ".pid, " o ".started_ns, " o ".process, " o ".executable, " o ".unit, " o ".container"

/* What a row's columns are, in the order that row_endpoint() and row_certificate() read. */
#define ENDPOINT_COLUMNS \
	"e.id, e.address, e.port, e.zone, e.transport, e.name_kind, e.name, e.carrier, e.first_ns, e.last_ns," \
	" e.sightings, e.chain_id, e.silent, " OWNER_COLUMNS_OF("eo")
#define ENDPOINT_ORDER "e.address, e.zone, e.port, e.transport, e.name_kind, e.name"
#define ENDPOINT_OWNER " LEFT JOIN owners eo ON eo.id=e.owner_id"
#define CERTIFICATE_COLUMNS_OF(c) \
	c ".id, " c ".sha256, " c ".parse, " c ".der_len, " c ".subject, " c ".subject_cn, " c ".issuer, " c ".issuer_cn, " \
	c ".serial, " c ".not_before, " c ".not_after, " c ".key, " c ".key_bits, " c ".signature, " c ".spki_sha256, " \
	c ".lineage, " c ".lineage_sure, " c ".is_ca, " c ".num_names"
#define CERTIFICATE_COLUMNS CERTIFICATE_COLUMNS_OF("c")

enum {
	OWNER_END = 6,
	ENDPOINT_END = 13 + OWNER_END,
	CERTIFICATE_END = 19,
	SIGHTING_AT = ENDPOINT_END,
	SIGHTING_OWNER_AT = SIGHTING_AT + 17,
	LEAF_AT = SIGHTING_OWNER_AT + OWNER_END,
	EVENT_OWNER_AT = ENDPOINT_END + 7,
	EVENT_END = EVENT_OWNER_AT + OWNER_END,
};

/* A name asked for, or that a certificate has: itself, or the wildcard that stands for it. */
#define NAME_ASKED "(e.name_kind=1 AND e.name=CAST(lower(?) AS BLOB))"
#define NAME_IN "(SELECT certificate_id FROM certificate_names" \
		" WHERE name IN (lower(?),'*'||substr(lower(?),instr(?,'.'))))"

struct binding {
	int kind;                /* SQLITE_INTEGER, SQLITE_BLOB, SQLITE_TEXT */
	int64_t number;
	struct bytes bytes;
};

struct query {
	struct store *s;
	char sql[4096];
	size_t len;              /* the size of sql[]: it was too short */
	struct binding bindings[QUERY_BINDINGS_MAX];
	int num;
};

typedef bool query_row_fn(void *context, sqlite3_stmt *row);

void query_start(struct query *q, struct store *s, const char *select);
void query_text(struct query *q, const char *sql);
/* Adds " AND condition", in which every `?` stands for the value; it must outlive query_run(). */
void query_number(struct query *q, const char *condition, int64_t value);
void query_blob(struct query *q, const char *condition, const void *data, size_t len);
void query_string(struct query *q, const char *condition, const char *text);
/* The last condition's value once more. */
void query_last(struct query *q);
int query_run(struct query *q, query_row_fn *row, void *context);

const char *row_text(sqlite3_stmt *row, int column);
struct bytes row_bytes(sqlite3_stmt *row, int column);
void row_fixed(sqlite3_stmt *row, int column, void *out, size_t len);
struct host_port row_host(sqlite3_stmt *row, int column);
/* A number of ours; a file that somebody else wrote must not lead beyond a table of names. */
unsigned int row_enum(sqlite3_stmt *row, int column, unsigned int num);
void row_owner(sqlite3_stmt *row, int at, struct store_owner *out);
void row_endpoint(sqlite3_stmt *row, int at, struct store_endpoint *out);
void row_certificate(sqlite3_stmt *row, int at, struct store_certificate *out);

/* Conditions on `e`, an endpoint; on the owner whose row is `id`; on `e`'s and on those of its sightings; on `c`. */
void filter_endpoint(struct query *q, const struct store_filter *f);
void filter_owner(struct query *q, const struct store_filter *f, const char *id);
void filter_owners(struct query *q, const struct store_filter *f);
/* On a sighting `t` of `e`: what is presented there now. */
void filter_current(struct query *q, const struct store_filter *f);
void filter_certificate(struct query *q, const struct store_filter *f);
int64_t filter_now_s(const struct store_filter *f);

#endif
