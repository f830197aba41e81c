/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts that the store is made of, along the data's path: store_place.c (folder, files), store_open.c, store_schema.c
 * (tables), store_statement.c (how a statement is run), store_write.c (a record into rows), store_certificate.c (chains
 * and certificates), store_events.c (what is news), store_boundary.c (what time alone decides), store_owner.c, store_read.c. Only
 * they include this.
 */
#ifndef CERTTAP_STORE_PARTS_H
#define CERTTAP_STORE_PARTS_H

#include <sqlite3.h>

#include "userspace/store/store.h"

#define STORE_NS_PER_S 1000000000u
#define STORE_STEPS 24           /* packet time is looked at this many times in limits.silent_ns */
#define STORE_STEADY_STEPS 3     /* an endpoint seen in so many of them is steady */

/* Every statement of the writing side, in store_statement.c. */
enum store_statement {
	SQL_BEGIN, SQL_COMMIT, SQL_ROLLBACK,
	SQL_SERVICE_FIND, SQL_SERVICE_ADD, SQL_SERVICE_NAMES, SQL_SERVICE_DIFFERS,
	SQL_ENDPOINT_FIND, SQL_ENDPOINT_ADD, SQL_ENDPOINT_SEEN, SQL_ENDPOINT_OWNER, SQL_ENDPOINT_PRESENTS,
	SQL_ENDPOINT_OTHER_NAME, SQL_ENDPOINT_WATCHED,
	SQL_OWNER_FIND, SQL_OWNER_ADD, SQL_OWNER_SWEEP, SQL_OWNER_COUNT,
	SQL_SIGHTING_ADD_TO, SQL_SIGHTING_FIND, SQL_SIGHTING_ADD, SQL_SIGHTING_OWNER, SQL_SIGHTING_REFUSED,
	SQL_SIGHTING_CHAINS,
	SQL_REASON_ADD_TO, SQL_REASON_ADD, SQL_REASON_CHAIN,
	SQL_REFUSAL_ADD_TO, SQL_REFUSAL_ADD,
	SQL_CHAIN_FIND, SQL_CHAIN_ADD, SQL_CHAIN_SET_LEAF, SQL_CHAIN_CERTIFICATE_ADD, SQL_CHAIN_LEAF,
	SQL_CERTIFICATE_FIND, SQL_CERTIFICATE_ADD, SQL_DER_ADD, SQL_NAME_ADD, SQL_DER_FIND,
	SQL_ISSUER_FIND, SQL_ISSUER_ADD, SQL_ISSUER_CERTIFICATES, SQL_ISSUER_SUMMED,
	SQL_PORT_OTHERS, SQL_PORT_ADD,
	SQL_EVENT_ADD, SQL_EVENT_FIRST,
	SQL_NETWORK_FIND, SQL_NETWORK_SET, SQL_NETWORK_STEADY, SQL_NETWORK_ROOM, SQL_NETWORK_CLEAR,
	SQL_PAIR_FIND, SQL_PAIR_SET, SQL_PAIR_FORGET,
	SQL_COUNT, SQL_STATE_FIND, SQL_STATE_SET, SQL_PAGES, SQL_FREE_PAGES,
	SQL_SILENT_EVENTS, SQL_SILENT_MARK,
	NUM_SQL,
};

/* What is known of a chain of the chain table: its row, and the copy that came with the running batch. */
struct store_known {
	int64_t row, leaf;       /* 0: none */
	const struct store_announcement *announcement;
	uint64_t batch;          /* that the copy came with */
};

struct store {
	sqlite3 *db;
	sqlite3_stmt *statements[NUM_SQL];
	const struct store_place *place;
	struct store_limits limits;
	int lock_fd;
	int failed;              /* why the running batch cannot be committed */
	char error[256];
	uint64_t batch;
	struct store_known *known;   /* by chain id */
	uint32_t num_known;
	uint64_t counted[NUM_STORE_COUNTERS];          /* in the running batch */
	uint64_t counted_before[NUM_STORE_COUNTERS];   /* in those that were committed */
	int64_t pages_max, pages_left, page_size;
	int64_t owners_new;      /* rows of owners made since those that nothing names were removed */
	int64_t latest_ns, boundary_ns;
	bool latest_changed;
	struct x509 *scratch;
};

/* --- store_statement.c --- */

/*
 * Runs a statement to its first row. `types` says what follows, one letter a parameter: 'i' int64_t, 'b' const void * and
 * size_t, 't' const char * (NULL: null), 'z' int64_t of which 0 is null, 'x'
 * const struct x509_time *. Returns 1 with a row, 0 without, or a negative errno and s->error.
 */
int store_run(struct store *s, enum store_statement which, const char *types, ...);
int64_t store_column(const struct store *s, enum store_statement which, int column);
struct bytes store_column_bytes(const struct store *s, enum store_statement which, int column);
void store_reset(struct store *s);
void store_finalize(struct store *s);
/* The errno of SQLite's last answer, kept in s->error too. */
int store_failed(struct store *s, int result);
int store_execute(struct store *s, const char *sql);
/* A time of a packet as a column holds it. */
int64_t store_time(uint64_t ns);

/* --- store_place.c: files below the folder alone --- */

/* Has SQLite open files relative to a place's folder. Once in a process; false: it refuses. */
bool store_files_init(void);
/* "/fd7/certtap.db": how SQLite is told the name. */
void store_files_name(const struct store_place *place, bool immutable, char *out, size_t size);
int store_files_lock(const struct store_place *place, int *out);
/* The file and what belongs to it get another name, which is written to `to`. */
int store_files_set_aside(const struct store_place *place, char *to, size_t size);
/* A pipe or a device is no store; one that is not there yet may become one. */
bool store_files_are_files(const struct store_place *place);
/* Does it look like ours, or is it somebody's file that must not be touched? */
bool store_files_are_ours(const struct store_place *place);
bool store_files_have_log(const struct store_place *place);

/* --- store_schema.c --- */

#define STORE_APPLICATION_ID 0x63657274   /* "cert" */
#define STORE_VERSION 2

/* Brings the tables to STORE_VERSION. -EPROTO: newer, or somebody else's. */
int store_schema_migrate(struct store *s);
/* For readers: is it ours and of this version? */
int store_schema_check(struct store *s);

/* --- store_certificate.c --- */

struct store_chain_row {
	int64_t id;              /* 0: none */
	enum store_chain_kind kind;
	int64_t leaf;            /* its first certificate; 0: STORE_CHAIN_OF_ISSUER, STORE_CHAIN_OTHERS */
};

/* The row of the record's chain; id 0 where there is none yet. -ESTALE: the chain was never announced. */
int store_chain_find(struct store *s, const struct store_record *r, struct store_chain_row *out);
/* Makes the row, or takes that of its issuer's further certificates; id 0: the size cap refuses it. */
int store_chain_add(struct store *s, const struct store_record *r, struct store_chain_row *out);
/* The one row that stands for further chains of an endpoint. */
int store_chain_others(struct store *s, struct store_chain_row *out);
/* Nothing that was cached is true any more. */
void store_forget(struct store *s);
/* The certificate's fields again, in s->scratch, until the next call. False: its DER was not kept. */
bool store_read_certificate(struct store *s, int64_t certificate);
/* At limits.bytes? Then no row may be added. */
bool store_full(struct store *s);

/* A chain of the store's own, to be given to store_chain_free(). */
struct chain *store_chain_new(uint32_t num, uint32_t total, bool partial);
/* Puts a certificate at its place. `der` is copied. */
bool store_chain_put(struct chain *chain, uint32_t at, struct bytes der, const uint8_t sha256[32], uint32_t der_len,
		     bool truncated);

/* --- store_owner.c --- */

/* The row of the process at the server's end; 0: not known, or the size cap refuses one. */
int store_owner_get(struct store *s, const struct store_record *r, int64_t *out);
/* Rows that nothing names any more are removed, when there may be many. */
int store_owners_sweep(struct store *s);
/* For store_open(): counts what may be swept. */
int store_owners_count(struct store *s);

/* --- store_events.c --- */

struct store_event_row {
	enum store_event_kind kind;
	int64_t time_ns, endpoint;
	enum role role;
	int64_t before, after;   /* chains; 0: none */
	int64_t owner;           /* at that time; 0: not known */
	const char *detail;      /* NULL: none */
};

int store_event_add(struct store *s, const struct store_event_row *event);

/* An endpoint's row as far as it decides something. */
struct store_endpoint_row {
	int64_t id;              /* 0: the size cap refused it */
	enum store_name_kind name_kind;
	bool is_new;
	int64_t first_ns, last_ns, steps;
	/* What a server presents there. */
	int64_t chain;           /* now; 0: none yet */
	int64_t told;            /* as the last event told */
	int64_t watch_ns;        /* until then a return to an earlier chain means a pool; 0: all is quiet */
	int64_t returned_ns;     /* the last return */
	int64_t returned_owner;  /* who presented it then; 0: not known */
	int64_t flips;           /* returns of which is not known yet what they mean */
	int64_t owner;           /* who presents there by this record; 0: not known */
};

/* After a sighting of `chain`, whose row was last seen at `before_ns` (-1: it is new), at the endpoint by a server. */
int store_events_presented(struct store *s, const struct store_record *r, struct store_endpoint_row *e,
			   const struct store_chain_row *chain, int64_t before_ns);
/* Did it run out in between? For either role. */
int store_events_validity(struct store *s, const struct store_record *r, const struct store_endpoint_row *e,
			  const struct store_chain_row *chain, int64_t before_ns);
/* The first refusal of its kind. */
int store_events_refused(struct store *s, const struct store_record *r, const struct store_endpoint_row *e,
			 int64_t chain);
/* What was left open at endpoints whose while was over before `boundary` is told; what is long over is forgotten. */
int store_events_settle(struct store *s, int64_t boundary);

/* --- store_boundary.c --- */

/* Packet time has come to `ns`: what time alone decides, at fixed boundaries. */
int store_boundary_pass(struct store *s, int64_t ns);
int64_t store_boundary_step(const struct store_limits *limits);

#endif
