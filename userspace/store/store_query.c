/* SPDX-License-Identifier: Apache-2.0 */
/* Looking into the store: a SELECT made of a filter's conditions, and what its columns say. */
#include "userspace/store/store_read_parts.h"

#include <stdio.h>
#include <time.h>

/* --- a SELECT made of conditions, with what is bound to it --- */

void query_start(struct query *q, struct store *s, const char *select)
{
	*q = (struct query){ .s = s };
	q->len = (size_t)snprintf(q->sql, sizeof(q->sql), "%s WHERE 1", select);
}

void query_text(struct query *q, const char *sql)
{
	size_t len = strlen(sql);

	/* Too long is told by query_run(). */
	if (q->len + len >= sizeof(q->sql)) {
		q->len = sizeof(q->sql);
		return;
	}
	memcpy(q->sql + q->len, sql, len + 1);
	q->len += len;
}

/* In a condition `?` stands for the one value that comes with it, however often. */
static struct binding *bind(struct query *q, const char *condition)
{
	char number[16];
	const char *at;

	if (q->num == QUERY_BINDINGS_MAX) {
		q->len = sizeof(q->sql);
		return &q->bindings[0];
	}
	snprintf(number, sizeof(number), "?%d", q->num + 1);
	query_text(q, " AND ");
	for (at = condition; *at; at++)
		query_text(q, *at == '?' ? number : (const char[]){ *at, '\0' });
	return &q->bindings[q->num++];
}

void query_number(struct query *q, const char *condition, int64_t value)
{
	*bind(q, condition) = (struct binding){ .kind = SQLITE_INTEGER, .number = value };
}

void query_blob(struct query *q, const char *condition, const void *data, size_t len)
{
	*bind(q, condition) = (struct binding){ .kind = SQLITE_BLOB, .bytes = bytes_of(data, len) };
}

void query_string(struct query *q, const char *condition, const char *text)
{
	*bind(q, condition) = (struct binding){ .kind = SQLITE_TEXT, .bytes = bytes_of(text, strlen(text)) };
}

static int bind_value(sqlite3_stmt *statement, int at, const struct binding *b)
{
	switch (b->kind) {
	case SQLITE_INTEGER:
		return sqlite3_bind_int64(statement, at, b->number);
	case SQLITE_BLOB:
		return b->bytes.len ? sqlite3_bind_blob64(statement, at, b->bytes.data, b->bytes.len, SQLITE_STATIC) :
				      sqlite3_bind_zeroblob(statement, at, 0);
	default:
		return sqlite3_bind_text64(statement, at, (const char *)b->bytes.data, b->bytes.len, SQLITE_STATIC,
					   SQLITE_UTF8);
	}
}

/* The last condition's value once more. */
void query_last(struct query *q)
{
	char number[16];

	snprintf(number, sizeof(number), "?%d", q->num);
	query_text(q, number);
}

int query_run(struct query *q, query_row_fn *row, void *context)
{
	sqlite3_stmt *statement = NULL;
	int result = q->len < sizeof(q->sql) ? sqlite3_prepare_v2(q->s->db, q->sql, -1, &statement, NULL) :
					       SQLITE_TOOBIG;
	int i;

	for (i = 0; result == SQLITE_OK && i < q->num; i++)
		result = bind_value(statement, i + 1, &q->bindings[i]);
	if (result == SQLITE_OK)
		while ((result = sqlite3_step(statement)) == SQLITE_ROW && row(context, statement))
			;
	if (result != SQLITE_DONE && result != SQLITE_ROW)
		result = store_failed(q->s, result);
	else
		result = 0;
	sqlite3_finalize(statement);
	return result;
}

/* --- columns --- */

const char *row_text(sqlite3_stmt *row, int column)
{
	const char *text = (const char *)sqlite3_column_text(row, column);

	return text ? text : "";
}

struct bytes row_bytes(sqlite3_stmt *row, int column)
{
	const void *data = sqlite3_column_blob(row, column);

	return bytes_of(data, (size_t)sqlite3_column_bytes(row, column));
}

void row_fixed(sqlite3_stmt *row, int column, void *out, size_t len)
{
	struct bytes bytes = row_bytes(row, column);

	if (bytes.len == len)
		memcpy(out, bytes.data, len);
	else
		memset(out, 0, len);
}

static struct x509_time row_time(sqlite3_stmt *row, int column)
{
	return (struct x509_time){ sqlite3_column_type(row, column) != SQLITE_NULL,
				   sqlite3_column_int64(row, column) };
}

struct host_port row_host(sqlite3_stmt *row, int column)
{
	struct host_port host = { .port = (uint16_t)sqlite3_column_int(row, column + 1) };

	row_fixed(row, column, host.address.octets, sizeof(host.address.octets));
	return host;
}

unsigned int row_enum(sqlite3_stmt *row, int column, unsigned int num)
{
	unsigned int value = (unsigned int)sqlite3_column_int(row, column);

	return value < num ? value : 0;
}

void row_owner(sqlite3_stmt *row, int at, struct store_owner *out)
{
	*out = (struct store_owner){
		.pid = (uint32_t)sqlite3_column_int64(row, at),
		.started_ns = (uint64_t)sqlite3_column_int64(row, at + 1),
		.process = row_text(row, at + 2), .executable = row_text(row, at + 3), .unit = row_text(row, at + 4),
		.container = row_text(row, at + 5),
	};
}

void row_endpoint(sqlite3_stmt *row, int at, struct store_endpoint *out)
{
	*out = (struct store_endpoint){
		.id = sqlite3_column_int64(row, at),
		.server = row_host(row, at + 1),
		.transport = (enum transport)row_enum(row, at + 4, NUM_TRANSPORTS),
		.name_kind = (enum store_name_kind)row_enum(row, at + 5, STORE_NAME_OTHERS + 1),
		.server_name = row_bytes(row, at + 6),
		.carrier = row_text(row, at + 7),
		.first_ns = (uint64_t)sqlite3_column_int64(row, at + 8),
		.last_ns = (uint64_t)sqlite3_column_int64(row, at + 9),
		.sightings = (uint64_t)sqlite3_column_int64(row, at + 10),
		.chain_id = sqlite3_column_int64(row, at + 11),
		.silent = sqlite3_column_int(row, at + 12) != 0,
	};
	out->server.zone = (uint32_t)sqlite3_column_int64(row, at + 3);
	row_owner(row, at + 13, &out->owner);
}

void row_certificate(sqlite3_stmt *row, int at, struct store_certificate *out)
{
	*out = (struct store_certificate){
		.id = sqlite3_column_int64(row, at),
		.parse = (enum x509_parse)row_enum(row, at + 2, X509_PARSE_TRUNCATED + 1),
		.der_len = (size_t)sqlite3_column_int64(row, at + 3),
		.subject = row_text(row, at + 4), .subject_cn = row_text(row, at + 5),
		.issuer = row_text(row, at + 6), .issuer_cn = row_text(row, at + 7),
		.serial = row_bytes(row, at + 8),
		.not_before = row_time(row, at + 9), .not_after = row_time(row, at + 10),
		.key = x509_key_name((enum x509_key)row_enum(row, at + 11, X509_KEY_SM2 + 1)),
		.key_bits = (unsigned int)sqlite3_column_int64(row, at + 12),
		.signature_algorithm = row_text(row, at + 13),
		.lineage_sure = sqlite3_column_int(row, at + 16) != 0,
		.is_ca = sqlite3_column_int(row, at + 17) != 0,
		.num_names = (unsigned int)sqlite3_column_int64(row, at + 18),
	};
	row_fixed(row, at + 1, out->sha256, sizeof(out->sha256));
	row_fixed(row, at + 14, out->spki_sha256, sizeof(out->spki_sha256));
	row_fixed(row, at + 15, out->lineage, sizeof(out->lineage));
}

/* --- the filter's conditions --- */

int64_t filter_now_s(const struct store_filter *f)
{
	return f->now_s ? f->now_s : (int64_t)time(NULL);
}

void filter_endpoint(struct query *q, const struct store_filter *f)
{
	if (f->by_port)
		query_number(q, "e.port=?", f->port);
	if (f->by_transport)
		query_number(q, "e.transport=?", f->transport);
	if (f->address)
		query_blob(q, "e.address=?", f->address->octets, sizeof(f->address->octets));
	if (f->endpoint_id)
		query_number(q, "e.id=?", f->endpoint_id);
	if (f->by_zone)
		query_number(q, "e.zone=?", f->zone);
}

static bool by_owner(const struct store_filter *f)
{
	return f->process || f->unit || f->container;
}

/* The rows of `owners` that are meant. */
static void put_owners(struct query *q, const struct store_filter *f)
{
	query_text(q, "(SELECT w.id FROM owners w WHERE 1");
	if (f->process)
		query_string(q, "(w.process=? OR w.executable=? OR substr(w.executable,-length(?)-1)='/'||?)",
			     f->process);
	if (f->unit)
		query_string(q, "w.unit IN (?,?||'.service')", f->unit);
	if (f->container)
		query_string(q, "substr(w.container,1,length(?))=?", f->container);
	query_text(q, ")");
}

void filter_owner(struct query *q, const struct store_filter *f, const char *id)
{
	if (!by_owner(f))
		return;
	query_text(q, " AND ");
	query_text(q, id);
	query_text(q, " IN ");
	put_owners(q, f);
}

void filter_owners(struct query *q, const struct store_filter *f)
{
	if (!by_owner(f))
		return;
	query_text(q, " AND (e.owner_id IN ");
	put_owners(q, f);
	query_text(q, " OR e.id IN (SELECT n.endpoint_id FROM sightings n WHERE n.owner_id IN ");
	put_owners(q, f);
	query_text(q, "))");
}

/* Where several share a port, the one that is asked for need not be the last that was seen there. */
void filter_current(struct query *q, const struct store_filter *f)
{
	query_text(q, " AND t.role=0 AND (t.chain_id=e.chain_id");
	if (by_owner(f)) {
		query_text(q, " OR (t.endpoint_id,t.last_ns) IN (SELECT n.endpoint_id, max(n.last_ns) FROM sightings n"
			      " JOIN endpoints x ON x.id=n.endpoint_id WHERE n.role=0"
			      " AND coalesce(n.owner_id,x.owner_id) IN ");
		put_owners(q, f);
		query_text(q, " GROUP BY n.endpoint_id)");
	}
	query_text(q, ")");
}

void filter_certificate(struct query *q, const struct store_filter *f)
{
	if (f->sha256)
		query_blob(q, "c.sha256=?", f->sha256, 32);
	if (f->sha256_first && f->sha256_last) {
		query_blob(q, "c.sha256>=?", f->sha256_first, 32);
		query_blob(q, "c.sha256<=?", f->sha256_last, 32);
	}
	if (f->spki_sha256)
		query_blob(q, "c.spki_sha256=?", f->spki_sha256, 32);
	if (f->lineage)
		query_blob(q, "c.lineage=?", f->lineage, 32);
	if (f->serial.data)
		query_blob(q, "c.serial=?", f->serial.data, f->serial.len);
	if (f->issuer)
		query_string(q, "instr(lower(c.issuer),lower(?))", f->issuer);
	if (f->by_days)
		query_number(q, "c.not_after<=?", filter_now_s(f) + (int64_t)f->days_left * 86400);
}
