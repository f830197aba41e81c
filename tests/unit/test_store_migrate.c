/* SPDX-License-Identifier: Apache-2.0 */
/* A file of an older certtap: brought up to date when it is written to, with all that was in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <stdio.h>
#include <cmocka.h>

#include "tests/unit/store_build.h"

/* As it was released; store_schema.c must lead from it. */
static const char version_1[] =
	"CREATE TABLE state(key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;"
	"CREATE TABLE counters(name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;"

	"CREATE TABLE issuers(id INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE, name TEXT NOT NULL,"
	" certificates INTEGER NOT NULL DEFAULT 0, summed INTEGER NOT NULL DEFAULT 0);"
	"CREATE TABLE certificates(id INTEGER PRIMARY KEY, sha256 BLOB NOT NULL, truncated INTEGER NOT NULL,"
	" der_len INTEGER NOT NULL, parse INTEGER NOT NULL, subject TEXT NOT NULL, subject_cn TEXT NOT NULL,"
	" issuer TEXT NOT NULL, issuer_cn TEXT NOT NULL, issuer_id INTEGER NOT NULL, serial BLOB NOT NULL,"
	" not_before INTEGER, not_after INTEGER, key INTEGER NOT NULL, key_bits INTEGER NOT NULL,"
	" signature TEXT NOT NULL, spki_sha256 BLOB NOT NULL, lineage BLOB NOT NULL, lineage_sure INTEGER NOT NULL,"
	" is_ca INTEGER NOT NULL, num_names INTEGER NOT NULL, UNIQUE(sha256, truncated));"
	"CREATE INDEX certificates_serial ON certificates(serial);"
	"CREATE INDEX certificates_spki ON certificates(spki_sha256);"
	"CREATE INDEX certificates_lineage ON certificates(lineage);"
	"CREATE INDEX certificates_not_after ON certificates(not_after);"
	"CREATE TABLE ders(certificate_id INTEGER PRIMARY KEY, der BLOB NOT NULL);"
	"CREATE TABLE certificate_names(name TEXT NOT NULL, certificate_id INTEGER NOT NULL, kind INTEGER NOT NULL,"
	" PRIMARY KEY(name, certificate_id, kind)) WITHOUT ROWID;"
	"CREATE INDEX certificate_names_certificate ON certificate_names(certificate_id);"
	"CREATE TABLE certificate_ports(certificate_id INTEGER NOT NULL, transport INTEGER NOT NULL,"
	" port INTEGER NOT NULL, PRIMARY KEY(certificate_id, transport, port)) WITHOUT ROWID;"

	"CREATE TABLE chains(id INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE, kind INTEGER NOT NULL,"
	" num INTEGER NOT NULL, total INTEGER NOT NULL, partial INTEGER NOT NULL, leaf_id INTEGER, issuer_id INTEGER,"
	" findings INTEGER NOT NULL);"
	"CREATE INDEX chains_leaf ON chains(leaf_id);"
	"CREATE TABLE chain_certificates(chain_id INTEGER NOT NULL, position INTEGER NOT NULL,"
	" certificate_id INTEGER NOT NULL, PRIMARY KEY(chain_id, position)) WITHOUT ROWID;"
	"CREATE INDEX chain_certificates_certificate ON chain_certificates(certificate_id);"

	"CREATE TABLE services(address BLOB NOT NULL, port INTEGER NOT NULL, transport INTEGER NOT NULL,"
	" names INTEGER NOT NULL DEFAULT 0, differs INTEGER NOT NULL DEFAULT 0,"
	" PRIMARY KEY(address, port, transport)) WITHOUT ROWID;"
	"CREATE TABLE endpoints(id INTEGER PRIMARY KEY, address BLOB NOT NULL, port INTEGER NOT NULL,"
	" transport INTEGER NOT NULL, name_kind INTEGER NOT NULL, name BLOB NOT NULL, carrier TEXT,"
	" pid INTEGER, started_ns INTEGER, process TEXT, executable TEXT, unit TEXT, container TEXT,"
	" first_ns INTEGER NOT NULL, last_ns INTEGER NOT NULL, sightings INTEGER NOT NULL, steps INTEGER NOT NULL,"
	" silent INTEGER NOT NULL DEFAULT 0,"
	/* What it presents now, and what store_events.c has to remember of it. */
	" chain_id INTEGER, told_id INTEGER, watch_ns INTEGER NOT NULL DEFAULT 0,"
	" returned_ns INTEGER NOT NULL DEFAULT 0, flips INTEGER NOT NULL DEFAULT 0,"
	" UNIQUE(address, port, transport, name_kind, name));"
	"CREATE INDEX endpoints_port ON endpoints(port);"
	"CREATE INDEX endpoints_name ON endpoints(name);"
	"CREATE INDEX endpoints_unit ON endpoints(unit);"
	"CREATE TABLE sightings(id INTEGER PRIMARY KEY, endpoint_id INTEGER NOT NULL, role INTEGER NOT NULL,"
	" chain_id INTEGER NOT NULL, witness INTEGER NOT NULL, first_ns INTEGER NOT NULL, last_ns INTEGER NOT NULL,"
	" count INTEGER NOT NULL, refusals INTEGER NOT NULL DEFAULT 0, client BLOB NOT NULL,"
	" client_port INTEGER NOT NULL, findings INTEGER NOT NULL, UNIQUE(endpoint_id, role, chain_id, witness));"
	"CREATE INDEX sightings_chain ON sightings(chain_id);"
	"CREATE TABLE reasons(endpoint_id INTEGER NOT NULL, reason INTEGER NOT NULL, first_ns INTEGER NOT NULL,"
	" last_ns INTEGER NOT NULL, count INTEGER NOT NULL, chain_id INTEGER,"
	" PRIMARY KEY(endpoint_id, reason)) WITHOUT ROWID;"
	"CREATE TABLE refusals(endpoint_id INTEGER NOT NULL, role INTEGER NOT NULL, chain_id INTEGER NOT NULL,"
	" level INTEGER NOT NULL, description INTEGER NOT NULL, sender INTEGER NOT NULL, first_ns INTEGER NOT NULL,"
	" last_ns INTEGER NOT NULL, count INTEGER NOT NULL, client BLOB NOT NULL, client_port INTEGER NOT NULL,"
	" PRIMARY KEY(endpoint_id, role, chain_id, level, description, sender)) WITHOUT ROWID;"

	"CREATE TABLE events(id INTEGER PRIMARY KEY, kind INTEGER NOT NULL, time_ns INTEGER NOT NULL,"
	" endpoint_id INTEGER NOT NULL, role INTEGER NOT NULL, before_id INTEGER, after_id INTEGER, detail TEXT);"
	"CREATE INDEX events_endpoint ON events(endpoint_id, kind);"
	"CREATE INDEX events_time ON events(time_ns);"
	/* While an endpoint presents two chains by turns: which client networks see which. */
	"CREATE TABLE networks(endpoint_id INTEGER NOT NULL, network BLOB NOT NULL, chain_id INTEGER NOT NULL,"
	" count INTEGER NOT NULL, PRIMARY KEY(endpoint_id, network)) WITHOUT ROWID;"
	"CREATE TABLE pairs(endpoint_id INTEGER NOT NULL, low_id INTEGER NOT NULL, high_id INTEGER NOT NULL,"
	" last_ns INTEGER NOT NULL, PRIMARY KEY(endpoint_id, low_id, high_id)) WITHOUT ROWID;";

/*
 * Three endpoints. 1: owned, presented chain 1, then 2, which was seen last, and refused. 2: not owned, a reason last.
 * 3: of the same owner as 1, with one chain.
 */
static const char rows[] =
	"INSERT INTO state VALUES('latest_ns', 1700009000000000000),('boundary_ns', 1700006400000000000);"
	"INSERT INTO counters VALUES('removed', 3);"
	"INSERT INTO issuers VALUES(1, x'01', 'CN=Issuing', 2, 0);"
	"INSERT INTO certificates VALUES(1, zeroblob(32), 0, 700, 0, 'CN=old', 'old', 'CN=Issuing', 'Issuing', 1, x'05',"
	" 1690000000, 1700100000, 1, 256, 'ecdsa', zeroblob(32), zeroblob(32), 1, 0, 1),"
	"(2, x'1111111111111111111111111111111111111111111111111111111111111111', 0, 700, 0, 'CN=new', 'new', 'CN=Issuing',"
	" 'Issuing', 1, x'06', 1699000000, 1709100000, 1, 256, 'ecdsa', zeroblob(32), zeroblob(32), 1, 0, 1);"
	"INSERT INTO certificate_names VALUES('pool.example', 1, 0),('pool.example', 2, 0);"
	"INSERT INTO certificate_ports VALUES(1, 0, 443),(2, 0, 443);"
	"INSERT INTO chains VALUES(1, x'01', 0, 1, 1, 0, 1, 1, 0),(2, x'02', 0, 1, 1, 0, 2, 1, 0);"
	"INSERT INTO chain_certificates VALUES(1, 0, 1),(2, 0, 2);"
	"INSERT INTO services VALUES(x'00000000000000000000ffffc0000201', 443, 0, 1, 1),"
	"(x'00000000000000000000ffffc0000202', 443, 0, 0, 0),(x'00000000000000000000ffffc0000203', 443, 1, 0, 0);"
	"INSERT INTO endpoints VALUES(1, x'00000000000000000000ffffc0000201', 443, 0, 1, CAST('pool.example' AS BLOB),"
	" 'plain', 812, 1699990000000000000, 'pool', '/opt/pool', 'pool.service', NULL, 1700000000000000000,"
	" 1700009000000000000, 9, 3, 0, 2, 2, 0, 0, 0),"
	"(2, x'00000000000000000000ffffc0000202', 443, 0, 0, x'', NULL, NULL, NULL, NULL, NULL, NULL, NULL,"
	" 1700000000000000000, 1700008000000000000, 4, 1, 1, 1, 1, 7, 8, 1),"
	"(3, x'00000000000000000000ffffc0000203', 443, 1, 0, x'', NULL, 812, 1699990000000000000, 'pool', '/opt/pool',"
	" 'pool.service', NULL, 1700000000000000000, 1700000000000000000, 1, 1, 0, 1, 1, 0, 0, 0);"
	"INSERT INTO sightings VALUES(1, 1, 0, 1, 0, 1700000000000000000, 1700001000000000000, 5, 2, zeroblob(16), 4000, 0),"
	"(2, 1, 0, 2, 0, 1700001500000000000, 1700009000000000000, 4, 0, zeroblob(16), 4001, 1),"
	"(3, 2, 0, 1, 0, 1700000000000000000, 1700001000000000000, 2, 0, zeroblob(16), 4002, 0),"
	"(4, 3, 0, 1, 0, 1700000000000000000, 1700000000000000000, 1, 0, zeroblob(16), 4003, 0);"
	"INSERT INTO reasons VALUES(2, 2, 1700002000000000000, 1700008000000000000, 2, NULL);"
	"INSERT INTO refusals VALUES(1, 0, 1, 2, 45, 1, 1700000000000000000, 1700001000000000000, 2, zeroblob(16), 4000);"
	"INSERT INTO events VALUES(1, 0, 1700000000000000000, 1, 0, NULL, 1, NULL),"
	"(2, 1, 1700001500000000000, 1, 0, 1, 2, NULL),(3, 0, 1700000000000000000, 2, 0, NULL, 1, NULL);"
	"INSERT INTO networks VALUES(2, x'18c63364', 1, 2);"
	"INSERT INTO pairs VALUES(1, 1, 2, 1700001700000000000);"
	"PRAGMA application_id=1667592820; PRAGMA user_version=1";

static void make_old(const struct store_fixture *f)
{
	char path[96];
	sqlite3 *db;

	snprintf(path, sizeof(path), "%s/x.db", f->folder);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, version_1, NULL, NULL, NULL), SQLITE_OK);
	if (sqlite3_exec(db, rows, NULL, NULL, NULL) != SQLITE_OK)
		fail_msg("%s", sqlite3_errmsg(db));
	sqlite3_close(db);
}

struct seen {
	unsigned int endpoints, sightings, reasons, refusals, events;
};

static bool on_endpoint(void *context, const struct store_endpoint *e)
{
	struct seen *seen = context;

	seen->endpoints++;
	assert_int_equal(e->id, seen->endpoints);
	assert_int_equal(e->server.zone, 0);
	assert_int_equal(e->server.port, 443);
	assert_int_equal(e->server.address.octets[15], e->id);
	assert_int_equal(e->transport, e->id == 3 ? TRANSPORT_UDP : TRANSPORT_TCP);
	assert_int_equal(e->owner.pid, e->id == 2 ? 0 : 812);
	assert_string_equal(e->owner.unit, e->id == 2 ? "" : "pool.service");
	assert_string_equal(e->carrier, e->id == 1 ? "plain" : "");
	assert_int_equal(e->chain_id, e->id == 1 ? 2 : 1);
	assert_int_equal(e->silent, e->id == 2);
	if (e->id == 1) {
		assert_int_equal(e->server_name.len, 12);
		assert_int_equal(e->first_ns, 1700000000000000000);
		assert_int_equal(e->last_ns, 1700009000000000000);
		assert_int_equal(e->sightings, 9);
		assert_int_equal(e->owner.started_ns, 1699990000000000000);
		assert_string_equal(e->owner.executable, "/opt/pool");
		assert_string_equal(e->owner.container, "");
	}
	return true;
}

/* The endpoint's owner is that of what was seen last there; of what was seen before nothing is known. */
static bool on_sighting(void *context, const struct store_sighting *t)
{
	static const struct {
		uint64_t count, refusals, last_ns, turns_ns;
		uint32_t pid;
	} wanted[] = {
		{ 5, 2, 1700001000000000000, 1700001700000000000, 0 },
		{ 4, 0, 1700009000000000000, 1700001700000000000, 812 },
		{ 2, 0, 1700001000000000000, 0, 0 },
		{ 1, 0, 1700000000000000000, 0, 812 },
	};
	struct seen *seen = context;

	assert_int_equal(t->id, seen->sightings + 1);
	assert_int_equal(t->sightings, wanted[seen->sightings].count);
	assert_int_equal(t->refusals, wanted[seen->sightings].refusals);
	assert_int_equal(t->last_ns, wanted[seen->sightings].last_ns);
	assert_int_equal(t->turns_ns, wanted[seen->sightings].turns_ns);
	assert_int_equal(t->owner.pid, wanted[seen->sightings].pid);
	assert_int_equal(t->last_client.port, 4000 + seen->sightings);
	assert_non_null(t->leaf);
	assert_false(t->several_owners);
	seen->sightings++;
	return true;
}

static bool on_reason(void *context, const struct store_reason *r)
{
	if (r->reason != REASON_NONE) {
		((struct seen *)context)->reasons++;
		assert_int_equal(r->endpoint->id, 2);
		assert_int_equal(r->count, 2);
	}
	return true;
}

static bool on_refusal(void *context, const struct store_refusal *r)
{
	((struct seen *)context)->refusals++;
	assert_int_equal(r->alert.description, 45);
	assert_int_equal(r->count, 2);
	assert_int_equal(r->owner.pid, 0);
	return true;
}

static bool on_event(void *context, const struct store_event *v)
{
	((struct seen *)context)->events++;
	assert_int_equal(v->owner.pid, 0);
	if (v->kind == EVENT_RENEWED) {
		assert_int_equal(v->before_chain_id, 1);
		assert_int_equal(v->after_chain_id, 2);
		assert_string_equal(v->after->subject_cn, "new");
	}
	return true;
}

static void test_all_is_there(void **state)
{
	const struct store_filter all = { 0 };
	struct seen seen = { 0 };
	struct store_fixture f;
	struct store *reader;
	char why[1200];

	(void)state;
	fixture_start(&f);
	make_old(&f);
	assert_int_equal(store_open_reader(&f.place, &reader, why, sizeof(why)), -EPROTO);
	assert_non_null(strstr(why, "older certtap"));
	fixture_open(&f);
	assert_int_equal(ask(&f, "PRAGMA user_version"), 2);
	assert_int_equal(store_each_endpoint(f.s, &all, on_endpoint, &seen), 0);
	assert_int_equal(store_each_sighting(f.s, &all, on_sighting, &seen), 0);
	assert_int_equal(store_each_reason(f.s, &all, on_reason, &seen), 0);
	assert_int_equal(store_each_refusal(f.s, 0, on_refusal, &seen), 0);
	assert_int_equal(store_each_event(f.s, &all, on_event, &seen), 0);
	assert_int_equal(seen.endpoints, 3);
	assert_int_equal(seen.sightings, 4);
	assert_int_equal(seen.reasons, 1);
	assert_int_equal(seen.refusals, 1);
	assert_int_equal(seen.events, 3);
	assert_int_equal(ask(&f, "SELECT count(*) FROM owners"), 1);
	assert_int_equal(ask(&f, "SELECT sum(names*2+differs) FROM services WHERE zone=0"), 3);
	assert_int_equal(ask(&f, "SELECT count(*) FROM services"), 3);
	/* What is not over yet goes on. */
	assert_int_equal(ask(&f, "SELECT watch_ns*100+returned_ns*10+flips FROM endpoints WHERE id=2"), 781);
	assert_int_equal(ask(&f, "SELECT told_id FROM endpoints WHERE id=1"), 2);
	assert_int_equal(ask(&f, "SELECT count(*) FROM networks"), 1);
	assert_int_equal(store_counter(f.s, STORE_REMOVED), 3);
	assert_int_equal(store_latest_ns(f.s), 1700009000000000000);
	fixture_end(&f);
}

/* A migrated file and a new one have the same tables, and what is written goes into them the same way. */
static void test_goes_on(void **state)
{
	static const char columns[] =
		"SELECT sum(m.type='table') * 1000 + count(*) FROM sqlite_schema m, pragma_table_info(m.name) p";
	struct store_record r = record_of(1700009100 * SECOND, NULL);
	struct store_fixture f, fresh;

	(void)state;
	fixture_start(&f);
	fixture_start(&fresh);
	make_old(&f);
	fixture_open(&f);
	fixture_open(&fresh);
	assert_int_equal(ask(&f, columns), ask(&fresh, columns));
	r.reason = REASON_RESUMED;
	assert_int_equal(put_one(f.s, &r), 0);
	assert_int_equal(ask(&f, "SELECT count(*) FROM endpoints"), 3);
	assert_int_equal(ask(&f, "SELECT sightings FROM endpoints WHERE id=1"), 10);
	r.server.zone = 7;
	assert_int_equal(put_one(f.s, &r), 0);
	assert_int_equal(ask(&f, "SELECT count(*) FROM endpoints"), 4);
	fixture_end(&f);
	fixture_end(&fresh);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_is_there),
		cmocka_unit_test(test_goes_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
