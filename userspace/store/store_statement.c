/* SPDX-License-Identifier: Apache-2.0 */
/* The statements of the writing side, prepared once, and how one is run. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "userspace/store/store_parts.h"

static const char *const sql[NUM_SQL] = {
	[SQL_BEGIN] = "BEGIN IMMEDIATE",
	[SQL_COMMIT] = "COMMIT",
	[SQL_ROLLBACK] = "ROLLBACK",

	[SQL_SERVICE_FIND] =
		"SELECT names, differs FROM services WHERE address=?1 AND zone=?2 AND port=?3 AND transport=?4",
	[SQL_SERVICE_ADD] = "INSERT INTO services(address, zone, port, transport) VALUES(?1,?2,?3,?4)",
	[SQL_SERVICE_NAMES] =
		"UPDATE services SET names=names+1 WHERE address=?1 AND zone=?2 AND port=?3 AND transport=?4",
	[SQL_SERVICE_DIFFERS] =
		"UPDATE services SET differs=1 WHERE address=?1 AND zone=?2 AND port=?3 AND transport=?4",

	[SQL_ENDPOINT_FIND] =
		"SELECT id, first_ns, last_ns, steps, chain_id, told_id, watch_ns, returned_ns, returned_owner_id, flips"
		" FROM endpoints WHERE address=?1 AND zone=?2 AND port=?3 AND transport=?4 AND name_kind=?5 AND name=?6",
	[SQL_ENDPOINT_ADD] =
		"INSERT INTO endpoints(address, zone, port, transport, name_kind, name, first_ns, last_ns, sightings, steps)"
		" VALUES(?1,?2,?3,?4,?5,?6,?7,?8,0,0)",
	[SQL_ENDPOINT_SEEN] =
		"UPDATE endpoints SET first_ns=min(first_ns,?2), last_ns=max(last_ns,?3), sightings=sightings+?4,"
		" steps=steps+?5, carrier=coalesce(?6,carrier), silent=0 WHERE id=?1",
	[SQL_ENDPOINT_OWNER] = "UPDATE endpoints SET owner_id=?2 WHERE id=?1",
	[SQL_ENDPOINT_PRESENTS] =
		"UPDATE endpoints SET chain_id=?2, told_id=?3, watch_ns=?4, returned_ns=?5, returned_owner_id=?6, flips=?7"
		" WHERE id=?1",
	/* Another name of the same service that shows another leaf; the first by name, whatever the order of rows. */
	[SQL_ENDPOINT_OTHER_NAME] =
		"SELECT e.chain_id, e.name_kind, e.name FROM endpoints e JOIN chains c ON c.id=e.chain_id"
		" WHERE e.address=?1 AND e.zone=?2 AND e.port=?3 AND e.transport=?4 AND e.id<>?5 AND e.name_kind<>2"
		" AND c.leaf_id<>?6 ORDER BY e.name_kind, e.name LIMIT 1",
	[SQL_ENDPOINT_WATCHED] =
		"SELECT id, chain_id, told_id, returned_ns, returned_owner_id, flips FROM endpoints"
		" WHERE flips>0 AND watch_ns<?1 ORDER BY watch_ns, id LIMIT 1",

	[SQL_OWNER_FIND] =
		"SELECT id FROM owners WHERE pid=?1 AND started_ns=?2 AND process=?3 AND executable=?4 AND unit=?5"
		" AND container=?6",
	[SQL_OWNER_ADD] =
		"INSERT INTO owners(pid, started_ns, process, executable, unit, container) VALUES(?1,?2,?3,?4,?5,?6)",
	[SQL_OWNER_SWEEP] =
		"DELETE FROM owners WHERE id NOT IN (SELECT owner_id FROM endpoints WHERE owner_id IS NOT NULL"
		" UNION SELECT returned_owner_id FROM endpoints WHERE returned_owner_id IS NOT NULL"
		" UNION SELECT owner_id FROM sightings WHERE owner_id IS NOT NULL"
		" UNION SELECT owner_id FROM refusals WHERE owner_id IS NOT NULL"
		" UNION SELECT owner_id FROM events WHERE owner_id IS NOT NULL)",
	[SQL_OWNER_COUNT] = "SELECT count(*) FROM owners",

	[SQL_SIGHTING_FIND] =
		"SELECT id, first_ns, last_ns, owner_id, several FROM sightings"
		" WHERE endpoint_id=?1 AND role=?2 AND chain_id=?3 AND witness=?4",
	[SQL_SIGHTING_ADD_TO] =
		"UPDATE sightings SET first_ns=min(first_ns,?2), last_ns=max(last_ns,?3), count=count+?4, client=?5,"
		" client_port=?6 WHERE id=?1",
	[SQL_SIGHTING_ADD] =
		"INSERT INTO sightings(endpoint_id, role, chain_id, witness, first_ns, last_ns, count, client,"
		" client_port, findings, owner_id, several) VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12)",
	[SQL_SIGHTING_OWNER] = "UPDATE sightings SET owner_id=?2, several=?3 WHERE id=?1",
	[SQL_SIGHTING_REFUSED] =
		"UPDATE sightings SET refusals=refusals+?5"
		" WHERE endpoint_id=?1 AND role=?2 AND chain_id=?3 AND witness=?4",
	[SQL_SIGHTING_CHAINS] = "SELECT count(*) FROM sightings WHERE endpoint_id=?1 AND role=?2",

	[SQL_REASON_ADD_TO] =
		"UPDATE reasons SET first_ns=min(first_ns,?3), last_ns=max(last_ns,?4), count=count+?5"
		" WHERE endpoint_id=?1 AND reason=?2",
	[SQL_REASON_ADD] =
		"INSERT INTO reasons(endpoint_id, reason, first_ns, last_ns, count) VALUES(?1,?2,?3,?4,?5)",
	[SQL_REASON_CHAIN] = "UPDATE reasons SET chain_id=?3 WHERE endpoint_id=?1 AND reason=?2",

	[SQL_REFUSAL_ADD_TO] =
		"UPDATE refusals SET first_ns=min(first_ns,?7), last_ns=max(last_ns,?8), count=count+?9, client=?10,"
		" client_port=?11, owner_id=coalesce(?12,owner_id) WHERE endpoint_id=?1 AND role=?2 AND chain_id=?3"
		" AND level=?4 AND description=?5 AND sender=?6",
	[SQL_REFUSAL_ADD] =
		"INSERT INTO refusals(endpoint_id, role, chain_id, level, description, sender, first_ns, last_ns, count,"
		" client, client_port, owner_id) VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12)",

	[SQL_CHAIN_FIND] = "SELECT id, kind, leaf_id FROM chains WHERE hash=?1",
	[SQL_CHAIN_ADD] =
		"INSERT INTO chains(hash, kind, num, total, partial, leaf_id, issuer_id, findings)"
		" VALUES(?1,?2,?3,?4,?5,?6,?7,?8)",
	[SQL_CHAIN_SET_LEAF] = "UPDATE chains SET leaf_id=?2 WHERE id=?1",
	[SQL_CHAIN_CERTIFICATE_ADD] =
		"INSERT INTO chain_certificates(chain_id, position, certificate_id) VALUES(?1,?2,?3)",
	[SQL_CHAIN_LEAF] =
		"SELECT c.lineage, c.lineage_sure, c.not_before, c.not_after, c.serial, c.id, c.subject_cn"
		" FROM chains h JOIN certificates c ON c.id=h.leaf_id WHERE h.id=?1",

	[SQL_CERTIFICATE_FIND] = "SELECT id FROM certificates WHERE sha256=?1 AND truncated=?2",
	[SQL_CERTIFICATE_ADD] =
		"INSERT INTO certificates(sha256, truncated, der_len, parse, subject, subject_cn, issuer, issuer_cn,"
		" issuer_id, serial, not_before, not_after, key, key_bits, signature, spki_sha256, lineage, lineage_sure,"
		" is_ca, num_names) VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18,?19,?20)",
	[SQL_DER_ADD] = "INSERT INTO ders(certificate_id, der) VALUES(?1,?2)",
	[SQL_DER_FIND] =
		"SELECT d.der, c.truncated FROM ders d JOIN certificates c ON c.id=d.certificate_id"
		" WHERE d.certificate_id=?1",
	[SQL_NAME_ADD] = "INSERT OR IGNORE INTO certificate_names(name, certificate_id, kind) VALUES(?1,?2,?3)",
	[SQL_ISSUER_FIND] = "SELECT id, certificates FROM issuers WHERE hash=?1",
	[SQL_ISSUER_ADD] = "INSERT INTO issuers(hash, name) VALUES(?1,?2)",
	[SQL_ISSUER_CERTIFICATES] = "UPDATE issuers SET certificates=certificates+1 WHERE id=?1",
	[SQL_ISSUER_SUMMED] = "UPDATE issuers SET summed=summed+?2 WHERE id=?1",
	/* The ports it is known from, but not this one; nothing where this one is among them. */
	[SQL_PORT_OTHERS] =
		"SELECT group_concat(place, ', ') FROM (SELECT port || '/' || CASE transport WHEN 0 THEN 'tcp'"
		" WHEN 1 THEN 'udp' WHEN 2 THEN 'sctp' ELSE 'eapol' END AS place FROM certificate_ports"
		" WHERE certificate_id=?1 ORDER BY transport, port LIMIT 8)"
		" WHERE NOT EXISTS(SELECT 1 FROM certificate_ports"
		" WHERE certificate_id=?1 AND transport=?2 AND port=?3)",
	[SQL_PORT_ADD] = "INSERT OR IGNORE INTO certificate_ports(certificate_id, transport, port) VALUES(?1,?2,?3)",

	[SQL_EVENT_ADD] =
		"INSERT INTO events(kind, time_ns, endpoint_id, role, before_id, after_id, detail, owner_id)"
		" VALUES(?1,?2,?3,?4,?5,?6,?7,?8)",
	/* The endpoint's beginning may be told later than what came after it. */
	[SQL_EVENT_FIRST] =
		"UPDATE events SET time_ns=min(time_ns,?2), after_id=coalesce(after_id,?3), owner_id=coalesce(owner_id,?4)"
		" WHERE endpoint_id=?1 AND kind=0",

	[SQL_NETWORK_FIND] = "SELECT chain_id, count FROM networks WHERE endpoint_id=?1 AND network=?2",
	[SQL_NETWORK_SET] = "REPLACE INTO networks(endpoint_id, network, chain_id, count) VALUES(?1,?2,?3,?4)",
	[SQL_NETWORK_STEADY] =
		"SELECT count(*) FROM (SELECT 1 FROM networks WHERE endpoint_id=?1 AND chain_id IN (?2,?3) AND count>=2"
		" GROUP BY chain_id)",
	[SQL_NETWORK_ROOM] = "SELECT count(*) FROM networks WHERE endpoint_id=?1",
	[SQL_NETWORK_CLEAR] = "DELETE FROM networks WHERE endpoint_id=?1",
	[SQL_PAIR_FIND] = "SELECT last_ns, returns, turns_ns FROM pairs WHERE endpoint_id=?1 AND low_id=?2 AND high_id=?3",
	[SQL_PAIR_SET] =
		"REPLACE INTO pairs(endpoint_id, low_id, high_id, last_ns, returns, turns_ns) VALUES(?1,?2,?3,?4,?5,?6)",
	[SQL_PAIR_FORGET] = "DELETE FROM pairs WHERE turns_ns=0 AND last_ns<?1",

	[SQL_COUNT] =
		"INSERT INTO counters(name, value) VALUES(?1,?2) ON CONFLICT(name) DO UPDATE SET value=value+?2",
	[SQL_STATE_FIND] = "SELECT value FROM state WHERE key=?1",
	[SQL_STATE_SET] = "REPLACE INTO state(key, value) VALUES(?1,?2)",
	[SQL_PAGES] = "PRAGMA page_count",
	[SQL_FREE_PAGES] = "PRAGMA freelist_count",

	/* ?1 boundary, ?2 how long is silent, ?3 step: told at the first boundary at which it was true. */
	[SQL_SILENT_EVENTS] =
		"INSERT INTO events(kind, time_ns, endpoint_id, role, before_id, owner_id)"
		" SELECT 9, ((last_ns+?2)/?3+1)*?3, id, 0, chain_id, owner_id FROM endpoints"
		" WHERE silent=0 AND steps>=?4 AND last_ns<?1-?2 ORDER BY id",
	[SQL_SILENT_MARK] = "UPDATE endpoints SET silent=1 WHERE silent=0 AND steps>=?4 AND last_ns<?1-?2",
};

int store_failed(struct store *s, int result)
{
	snprintf(s->error, sizeof(s->error), "%s", s->db ? sqlite3_errmsg(s->db) : sqlite3_errstr(result));
	switch (result & 0xff) {
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_READONLY:
		return -EROFS;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return -EBADMSG;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_PERM:
	case SQLITE_AUTH:
		return -EACCES;
	case SQLITE_CANTOPEN:
		return -ENOENT;
	default:
		return -EIO;
	}
}

int64_t store_time(uint64_t ns)
{
	return ns > INT64_MAX ? INT64_MAX : (int64_t)ns;
}

static int bind_one(sqlite3_stmt *statement, int at, char type, va_list *values)
{
	const struct x509_time *time;
	const void *data;
	const char *text;
	int64_t number;
	size_t len;

	switch (type) {
	case 'b':
		data = va_arg(*values, const void *);
		len = va_arg(*values, size_t);
		return len ? sqlite3_bind_blob64(statement, at, data, len, SQLITE_STATIC) :
			     sqlite3_bind_zeroblob(statement, at, 0);
	case 't':
		text = va_arg(*values, const char *);
		return text ? sqlite3_bind_text(statement, at, text, -1, SQLITE_STATIC) :
			      sqlite3_bind_null(statement, at);
	case 'x':
		time = va_arg(*values, const struct x509_time *);
		return time->known ? sqlite3_bind_int64(statement, at, time->unix_s) :
				     sqlite3_bind_null(statement, at);
	default:
		number = va_arg(*values, int64_t);
		return type == 'z' && number == 0 ? sqlite3_bind_null(statement, at) :
						    sqlite3_bind_int64(statement, at, number);
	}
}

static int prepare(struct store *s, enum store_statement which)
{
	if (s->statements[which]) {
		sqlite3_reset(s->statements[which]);
		return SQLITE_OK;
	}
	return sqlite3_prepare_v3(s->db, sql[which], -1, SQLITE_PREPARE_PERSISTENT, &s->statements[which], NULL);
}

int store_run(struct store *s, enum store_statement which, const char *types, ...)
{
	va_list values;
	int result, at = 1;

	result = prepare(s, which);
	va_start(values, types);
	for (; result == SQLITE_OK && *types; types++)
		result = bind_one(s->statements[which], at++, *types, &values);
	va_end(values);
	if (result == SQLITE_OK)
		result = sqlite3_step(s->statements[which]);
	if (result == SQLITE_ROW)
		return 1;
	if (result == SQLITE_DONE) {
		sqlite3_reset(s->statements[which]);
		return 0;
	}
	result = store_failed(s, result);
	if (s->statements[which])
		sqlite3_reset(s->statements[which]);
	return result;
}

int64_t store_column(const struct store *s, enum store_statement which, int column)
{
	return sqlite3_column_int64(s->statements[which], column);
}

struct bytes store_column_bytes(const struct store *s, enum store_statement which, int column)
{
	const void *data = sqlite3_column_blob(s->statements[which], column);

	return bytes_of(data, (size_t)sqlite3_column_bytes(s->statements[which], column));
}

/* A statement that is not at its end would keep the log from being taken over. */
void store_reset(struct store *s)
{
	unsigned int i;

	for (i = 0; i < NUM_SQL; i++)
		if (s->statements[i])
			sqlite3_reset(s->statements[i]);
}

void store_finalize(struct store *s)
{
	unsigned int i;

	for (i = 0; i < NUM_SQL; i++) {
		sqlite3_finalize(s->statements[i]);
		s->statements[i] = NULL;
	}
}

int store_execute(struct store *s, const char *text)
{
	int result = sqlite3_exec(s->db, text, NULL, NULL, NULL);

	return result == SQLITE_OK ? 0 : store_failed(s, result);
}
