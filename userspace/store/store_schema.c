/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables, and how older files come to them. user_version is the version; one row of `steps` leads from one to the
 * next. A step that was released is never changed.
 */
#include <errno.h>
#include <stdio.h>

#include "userspace/store/store_parts.h"

/*
 * Times: nanoseconds since 1970; a certificate's: seconds. Enumerations by number, as in the headers. addresses: 16
 * bytes. DER has a table of its own: rows that are looked through stay small.
 */
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
 * The loopback of each network namespace is a place of its own: keys have a zone. Owners have rows of their own, and
 * sightings, refusals and events say whose they were. What version 1 knew is the last owner of each endpoint: that of
 * the one row that was seen last there.
 */
static const char version_2[] =
	"CREATE TABLE owners(id INTEGER PRIMARY KEY, pid INTEGER NOT NULL, started_ns INTEGER NOT NULL,"
	" process TEXT NOT NULL, executable TEXT NOT NULL, unit TEXT NOT NULL, container TEXT NOT NULL,"
	" UNIQUE(pid, started_ns, process, executable, unit, container));"
	"CREATE INDEX owners_unit ON owners(unit);"
	"INSERT OR IGNORE INTO owners(pid, started_ns, process, executable, unit, container)"
	" SELECT coalesce(pid,0), coalesce(started_ns,0), coalesce(process,''), coalesce(executable,''),"
	" coalesce(unit,''), coalesce(container,'') FROM endpoints WHERE coalesce(pid,process,unit,container) IS NOT NULL"
	" ORDER BY id;"

	"ALTER TABLE services RENAME TO services_1;"
	"CREATE TABLE services(address BLOB NOT NULL, zone INTEGER NOT NULL DEFAULT 0, port INTEGER NOT NULL,"
	" transport INTEGER NOT NULL, names INTEGER NOT NULL DEFAULT 0, differs INTEGER NOT NULL DEFAULT 0,"
	" PRIMARY KEY(address, zone, port, transport)) WITHOUT ROWID;"
	"INSERT INTO services(address, port, transport, names, differs)"
	" SELECT address, port, transport, names, differs FROM services_1;"
	"DROP TABLE services_1;"

	"DROP INDEX endpoints_port;"
	"DROP INDEX endpoints_name;"
	"DROP INDEX endpoints_unit;"
	"ALTER TABLE endpoints RENAME TO endpoints_1;"
	"CREATE TABLE endpoints(id INTEGER PRIMARY KEY, address BLOB NOT NULL, zone INTEGER NOT NULL DEFAULT 0,"
	" port INTEGER NOT NULL, transport INTEGER NOT NULL, name_kind INTEGER NOT NULL, name BLOB NOT NULL,"
	" carrier TEXT, owner_id INTEGER, first_ns INTEGER NOT NULL, last_ns INTEGER NOT NULL,"
	" sightings INTEGER NOT NULL, steps INTEGER NOT NULL, silent INTEGER NOT NULL DEFAULT 0,"
	" chain_id INTEGER, told_id INTEGER, watch_ns INTEGER NOT NULL DEFAULT 0,"
	" returned_ns INTEGER NOT NULL DEFAULT 0, returned_owner_id INTEGER, flips INTEGER NOT NULL DEFAULT 0,"
	" UNIQUE(address, zone, port, transport, name_kind, name));"
	"INSERT INTO endpoints(id, address, port, transport, name_kind, name, carrier, owner_id, first_ns, last_ns,"
	" sightings, steps, silent, chain_id, told_id, watch_ns, returned_ns, flips)"
	" SELECT e.id, e.address, e.port, e.transport, e.name_kind, e.name, e.carrier, o.id, e.first_ns, e.last_ns,"
	" e.sightings, e.steps, e.silent, e.chain_id, e.told_id, e.watch_ns, e.returned_ns, e.flips FROM endpoints_1 e"
	" LEFT JOIN owners o ON o.pid=coalesce(e.pid,0) AND o.started_ns=coalesce(e.started_ns,0)"
	" AND o.process=coalesce(e.process,'') AND o.executable=coalesce(e.executable,'')"
	" AND o.unit=coalesce(e.unit,'') AND o.container=coalesce(e.container,'') ORDER BY e.id;"
	"DROP TABLE endpoints_1;"
	"CREATE INDEX endpoints_port ON endpoints(port);"
	"CREATE INDEX endpoints_name ON endpoints(name);"
	"CREATE INDEX endpoints_watched ON endpoints(watch_ns) WHERE flips>0;"

	/* The last that presented it there. several: others did too, at the same time. */
	"ALTER TABLE sightings ADD COLUMN owner_id INTEGER;"
	"ALTER TABLE sightings ADD COLUMN several INTEGER NOT NULL DEFAULT 0;"
	"UPDATE sightings SET owner_id=(SELECT owner_id FROM endpoints e WHERE e.id=endpoint_id)"
	" WHERE role=0 AND last_ns=(SELECT last_ns FROM endpoints e WHERE e.id=endpoint_id)"
	" AND NOT EXISTS(SELECT 1 FROM sightings x WHERE x.endpoint_id=sightings.endpoint_id AND x.role=0"
	" AND x.id<>sightings.id AND x.last_ns=sightings.last_ns)"
	" AND NOT EXISTS(SELECT 1 FROM reasons r WHERE r.endpoint_id=sightings.endpoint_id"
	" AND r.last_ns=sightings.last_ns);"
	"ALTER TABLE refusals ADD COLUMN owner_id INTEGER;"
	"ALTER TABLE events ADD COLUMN owner_id INTEGER;"

	/* last_ns: of the last return from one to the other; turns_ns: last known to take turns, 0: never. */
	"ALTER TABLE pairs ADD COLUMN returns INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE pairs ADD COLUMN turns_ns INTEGER NOT NULL DEFAULT 0;"
	"UPDATE pairs SET returns=2, turns_ns=last_ns;";

/* steps[n] leads from version n to n + 1. */
static const char *const steps[STORE_VERSION] = {
	version_1,
	version_2,
};

static int pragma_value(struct store *s, const char *sql, int64_t *out)
{
	sqlite3_stmt *statement;
	int result = sqlite3_prepare_v2(s->db, sql, -1, &statement, NULL);

	if (result == SQLITE_OK)
		result = sqlite3_step(statement);
	if (result == SQLITE_ROW)
		*out = sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	return result == SQLITE_ROW ? 0 : store_failed(s, result);
}

/* An empty file is nobody's yet. */
static int whose(struct store *s, int64_t *version)
{
	int64_t application = 0, tables = 0;
	int err;

	if ((err = pragma_value(s, "PRAGMA application_id", &application)) != 0 ||
	    (err = pragma_value(s, "PRAGMA user_version", version)) != 0 ||
	    (err = pragma_value(s, "SELECT count(*) FROM sqlite_schema", &tables)) != 0)
		return err;
	if (application != STORE_APPLICATION_ID && (tables > 0 || application != 0)) {
		snprintf(s->error, sizeof(s->error), "it is an SQLite file of another program");
		return -EPROTO;
	}
	if (*version > STORE_VERSION) {
		snprintf(s->error, sizeof(s->error), "made by a newer certtap (version %lld, this one knows %d)",
			 (long long)*version, STORE_VERSION);
		return -EPROTO;
	}
	return 0;
}

static int take_step(struct store *s, int64_t from)
{
	char mark[96];
	int err;

	snprintf(mark, sizeof(mark), "PRAGMA application_id=%d; PRAGMA user_version=%lld", STORE_APPLICATION_ID,
		 (long long)from + 1);
	if ((err = store_execute(s, "BEGIN IMMEDIATE")) != 0)
		return err;
	if ((err = store_execute(s, steps[from])) == 0 && (err = store_execute(s, mark)) == 0)
		err = store_execute(s, "COMMIT");
	if (err && !sqlite3_get_autocommit(s->db))
		sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
	return err;
}

int store_schema_migrate(struct store *s)
{
	int64_t version = 0;
	int err = whose(s, &version);

	for (; err == 0 && version < STORE_VERSION; version++)
		err = take_step(s, version);
	return err;
}

int store_schema_check(struct store *s)
{
	int64_t version = 0;
	int err = whose(s, &version);

	if (err == 0 && version < STORE_VERSION) {
		snprintf(s->error, sizeof(s->error), version ? "of an older certtap: write to it once to bring it up to date" :
							      "empty");
		err = version ? -EPROTO : -ENODATA;
	}
	return err;
}
