/* SPDX-License-Identifier: Apache-2.0 */
/* Rows, caps, age, and files that are somebody else's, newer, corrupt or in use. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <cmocka.h>

#include "tests/unit/store_build.h"
#include "userspace/ledger/findings.h"

static const struct store_filter all;
static const struct cert_spec pool = { .san = "DNS:pool.example,IP:192.0.2.1", .serial = 0x1234 };
static const struct cert_spec other = { .san = "DNS:*.other.test", .serial = 7, .issuer = "Else" };

static void start(struct store_fixture *f)
{
	fixture_start(f);
	fixture_open(f);
}

static bool count_sighting(void *context, const struct store_sighting *s)
{
	(void)s;
	++*(int *)context;
	return true;
}

static int sightings(struct store *s, const struct store_filter *f)
{
	int num = 0;

	assert_int_equal(store_each_sighting(s, f, count_sighting, &num), 0);
	return num;
}

static void test_sums(void **state)
{
	struct store_announcement *a = spec_announce(&pool);
	struct store_record r = record_of(T0, a);
	struct store_fixture f;

	(void)state;
	start(&f);
	assert_int_equal(put_one(f.s, &r), 0);
	r.first_ns = T0 - SECOND;
	r.last_ns = T0 + 5 * SECOND;
	r.count = 4;
	r.client.port = 5;
	assert_int_equal(put_one(f.s, &r), 0);
	assert_int_equal(ask(&f, "SELECT count FROM sightings"), 5);
	assert_int_equal(ask(&f, "SELECT first_ns FROM sightings"), T0 - SECOND);
	assert_int_equal(ask(&f, "SELECT last_ns FROM sightings"), T0 + 5 * SECOND);
	assert_int_equal(ask(&f, "SELECT client_port FROM sightings"), 5);
	assert_int_equal(ask(&f, "SELECT time_ns FROM events WHERE kind=0"), T0 - SECOND);
	r.witness = WITNESS_SECRET;
	assert_int_equal(put_one(f.s, &r), 0);
	r.role = ROLE_CLIENT;
	assert_int_equal(put_one(f.s, &r), 0);
	assert_int_equal(ask(&f, "SELECT count(*) FROM sightings"), 3);
	r.reason = REASON_LOST;
	r.role = ROLE_SERVER;
	r.announcement = NULL;
	assert_int_equal(put_one(f.s, &r), 0);
	assert_int_equal(put_one(f.s, &r), 0);
	assert_int_equal(ask(&f, "SELECT count FROM reasons WHERE reason=6"), 8);
	assert_int_equal(ask(&f, "SELECT count(*) FROM certificates"), 1);
	assert_int_equal(ask(&f, "SELECT length(der) FROM ders"), (int64_t)a->certificates[0].der_len);
	fixture_end(&f);
	free(a);
}

static bool look(void *context, const struct store_sighting *s)
{
	assert_int_equal(s->endpoint->server.port, 443);
	assert_int_equal(s->endpoint->server_name.len, 12);
	assert_string_equal(s->endpoint->carrier, "plain");
	assert_string_equal(s->endpoint->owner.unit, "pool.service");
	assert_string_equal(s->owner.unit, "pool.service");
	assert_int_equal(s->owner.pid, 77);
	assert_false(s->several_owners);
	assert_int_equal(s->endpoint->owner.pid, 77);
	assert_non_null(s->leaf);
	assert_string_equal(s->leaf->subject, "CN=x");
	assert_string_equal(s->leaf->issuer_cn, "Issuing");
	assert_int_equal(s->leaf->num_names, 2);
	assert_true(s->leaf->lineage_sure && s->current);
	assert_int_equal(s->sightings, 1);
	*(int64_t *)context = s->chain_id;
	return true;
}

static bool add_text(void *context, enum x509_san_kind kind, const char *text)
{
	strcat(context, kind == X509_SAN_IP ? "ip:" : "dns:");
	strcat(context, text);
	strcat(context, " ");
	return true;
}

static bool look_names(void *context, const struct store_certificate *c)
{
	char text[256] = "";

	assert_int_equal(store_each_name(context, c->id, add_text, text), 0);
	assert_string_equal(text, "dns:pool.example ip:192.0.2.1 ");
	assert_int_equal(c->der.len, c->der_len);
	assert_int_equal(c->first_ns, T0);
	return true;
}

static void test_reads(void **state)
{
	struct store_announcement *a = spec_announce(&pool);
	struct store_record_owner owner = { "pool", "/opt/pool/bin/pool", "pool.service", "abcdef" };
	struct store_record r = record_of(T0, a);
	struct store_fixture f;
	struct ledger_row row;
	struct chain *chain;
	int64_t chain_id = 0;

	(void)state;
	start(&f);
	r.owner = &owner;
	r.pid = 77;
	assert_int_equal(put_one(f.s, &r), 0);
	assert_int_equal(store_each_sighting(f.s, &all, look, &chain_id), 0);
	assert_int_equal(store_each_certificate(f.s, &all, look_names, f.s), 0);
	chain = store_chain(f.s, chain_id);
	assert_non_null(chain);
	assert_int_equal(chain->num, 1);
	assert_memory_equal(chain->certificates[0]->sha256, a->certificates[0].sha256, 32);
	assert_int_equal(chain->certificates[0]->x509->parse, X509_PARSE_OK);
	row = (struct ledger_row){ .chain = chain };
	assert_true(findings_of(&row, T0_S) & 1u << FINDING_CHAIN_INCOMPLETE);
	store_chain_free(chain);
	assert_null(store_chain(f.s, 999));
	fixture_end(&f);
	free(a);
}

struct filter_case {
	const char *name;
	struct store_filter filter;
	int sightings;
};

static void test_filters(void **state)
{
	struct store_announcement *a = spec_announce(&pool), *b = spec_announce(&other);
	struct store_record_owner owner = { "pool", "/opt/pool/bin/poold", "pool.service", "abcdef" };
	const uint8_t serial[] = { 0x12, 0x34 }, nobody[32] = { 0 };
	const struct ip_address address = { { [10] = 0xff, 0xff, 192, 0, 2, 1 } };
	const struct filter_case cases[] = {
		{ "all", { 0 }, 2 },
		{ "port", { .by_port = true, .port = 443 }, 1 },
		{ "another port", { .by_port = true, .port = 444 }, 0 },
		{ "address", { .address = &address }, 2 },
		{ "asked for", { .name = "pool.EXAMPLE" }, 1 },
		{ "a wildcard's", { .name = "x.other.test" }, 1 },
		{ "not a wildcard's", { .name = "x.y.other.test" }, 0 },
		{ "issuer", { .issuer = "else" }, 1 },
		{ "process", { .process = "pool" }, 1 },
		{ "executable", { .process = "poold" }, 1 },
		{ "unit", { .unit = "pool" }, 1 },
		{ "whole unit", { .unit = "pool.service" }, 1 },
		{ "container", { .container = "abc" }, 1 },
		{ "serial", { .serial = { serial, 2 } }, 1 },
		{ "sha256", { .sha256 = a->certificates[0].sha256 }, 1 },
		{ "another sha256", { .sha256 = nobody }, 0 },
		{ "days", { .by_days = true, .days_left = 100, .now_s = T0_S }, 2 },
		{ "fewer days", { .by_days = true, .days_left = 80, .now_s = T0_S }, 0 },
		{ "since", { .since_ns = T0 + 1 }, 1 },
		{ "finding", { .findings = 1u << FINDING_NAME_MISMATCH }, 1 },
		{ "finding by the clock", { .findings = 1u << FINDING_EXPIRED_NOW, .now_s = T0_S + 91 * 86400 }, 2 },
		{ "no finding", { .findings = 1u << FINDING_EXPIRED, .now_s = T0_S }, 0 },
		{ "current", { .current_only = true }, 2 },
		{ "two at once", { .name = "pool.example", .issuer = "else" }, 0 },
	};
	struct store_record r = record_of(T0, a);
	struct store_fixture f;
	size_t i;

	(void)state;
	start(&f);
	r.owner = &owner;
	assert_int_equal(put_one(f.s, &r), 0);
	r = record_of(T0 + HOUR, b);
	r.server.port = 5061;
	record_name(&r, "elsewhere.test");
	assert_int_equal(put_one(f.s, &r), 0);
	for (i = 0; i < ARRAY_SIZE(cases); i++)
		if (sightings(f.s, &cases[i].filter) != cases[i].sightings)
			fail_msg("%s: %d", cases[i].name, sightings(f.s, &cases[i].filter));
	fixture_end(&f);
	free(a);
	free(b);
}

/* Strangers choose names: beyond the cap they are summed and counted. */
static void test_names_cap(void **state)
{
	struct store_announcement *a = spec_announce(&pool);
	struct store_record r = record_of(T0, a);
	struct store_fixture f;
	char name[32];
	int i;

	(void)state;
	fixture_start(&f);
	f.limits.names = 3;
	fixture_open(&f);
	for (i = 0; i < 10; i++) {
		snprintf(name, sizeof(name), "n%d.example", i);
		record_name(&r, name);
		assert_int_equal(put_one(f.s, &r), 0);
	}
	record_name(&r, NULL);
	assert_int_equal(put_one(f.s, &r), 0);
	assert_int_equal(ask(&f, "SELECT count(*) FROM endpoints"), 5);
	assert_int_equal(ask(&f, "SELECT sightings FROM endpoints WHERE name_kind=2"), 7);
	assert_int_equal(store_counter(f.s, STORE_NAMES_SUMMED), 7);
	/* What is known goes on. */
	record_name(&r, "n1.example");
	assert_int_equal(put_one(f.s, &r), 0);
	assert_int_equal(ask(&f, "SELECT sightings FROM endpoints WHERE name='n1.example' OR name=CAST('n1.example' AS BLOB)"),
			 2);
	fixture_end(&f);
	free(a);
}

static void put_numbered(struct store_fixture *f, const char *issuer, int serial, uint16_t port)
{
	const struct cert_spec spec = { .issuer = issuer, .san = "DNS:pool.example", .serial = serial };
	struct store_announcement *a = spec_announce(&spec);
	struct store_record r = record_of(T0 + (uint64_t)serial * DAY, a);

	r.server.port = port;
	assert_int_equal(put_one(f->s, &r), 0);
	free(a);
}

static void test_certificate_caps(void **state)
{
	struct store_fixture f;
	int i;

	(void)state;
	fixture_start(&f);
	f.limits.issuer_certificates = 4;
	f.limits.endpoint_chains = 8;
	fixture_open(&f);
	for (i = 1; i <= 10; i++)
		put_numbered(&f, "Flood", i, 443);
	assert_int_equal(ask(&f, "SELECT count(*) FROM certificates"), 4);
	assert_int_equal(ask(&f, "SELECT count FROM sightings s JOIN chains c ON c.id=s.chain_id WHERE c.kind=1"), 6);
	assert_int_equal(ask(&f, "SELECT summed FROM issuers"), 6);
	assert_int_equal(store_counter(f.s, STORE_ISSUER_SUMMED), 6);
	/* Another issuer is not concerned; the endpoint's own cap comes next: 5 rows by now. */
	for (i = 11; i <= 14; i++)
		put_numbered(&f, "Other", i, 443);
	assert_int_equal(ask(&f, "SELECT count(*) FROM sightings"), 9);
	assert_int_equal(ask(&f, "SELECT count FROM sightings s JOIN chains c ON c.id=s.chain_id WHERE c.kind=2"), 1);
	assert_int_equal(store_counter(f.s, STORE_CHAINS_SUMMED), 1);
	fixture_end(&f);
}

static int64_t bytes_on_disk(const struct store_fixture *f)
{
	char path[96];
	struct stat st;
	int64_t sum = 0;

	snprintf(path, sizeof(path), "%s/x.db", f->folder);
	if (stat(path, &st) == 0)
		sum += st.st_size;
	snprintf(path, sizeof(path), "%s/x.db-wal", f->folder);
	if (stat(path, &st) == 0)
		sum += st.st_size;
	return sum;
}

static void test_size_cap(void **state)
{
	struct store_announcement *a = spec_announce(&pool);
	struct store_record r = record_of(T0, a);
	struct store_fixture f;
	int i;

	(void)state;
	fixture_start(&f);
	f.limits.bytes = 1 << 20;
	fixture_open(&f);
	for (i = 0; i < 20000; i++) {
		if (i % 100 == 0)
			assert_int_equal(store_begin(f.s), 0);
		r.server.port = (uint16_t)i;
		assert_int_equal(store_put(f.s, &r), 0);
		if (i % 100 == 99)
			assert_int_equal(store_commit(f.s), 0);
	}
	assert_in_range(ask(&f, "PRAGMA page_count"), 1, f.limits.bytes / 4096);
	assert_in_range(ask(&f, "SELECT count(*) FROM endpoints"), 500, 19000);
	assert_int_equal(ask(&f, "SELECT sum(count) FROM sightings") + (int64_t)store_counter(f.s, STORE_SIZE_REFUSED),
			 20000);
	/* Sums of what is there go on. */
	r.server.port = 0;
	assert_int_equal(put_one(f.s, &r), 0);
	assert_int_equal(ask(&f, "SELECT count FROM sightings LIMIT 1"), 2);
	assert_in_range(bytes_on_disk(&f), 1 << 19, (1 << 20) + (9 << 20));
	fixture_end(&f);
	free(a);
}

static void test_keep(void **state)
{
	struct store_announcement *a = spec_announce(&pool), *b = spec_announce(&other);
	struct store_record_owner owner = { "pool", "", "", "" };
	struct store_record r = record_of(T0, a);
	struct store_fixture f;

	(void)state;
	r.owner = &owner;
	fixture_start(&f);
	f.limits.keep_ns = 10 * DAY;
	fixture_open(&f);
	assert_int_equal(put_one(f.s, &r), 0);
	r = record_of(T0 + 9 * DAY, b);
	r.server.port = 5061;
	assert_int_equal(put_one(f.s, &r), 0);
	assert_int_equal(ask(&f, "SELECT count(*) FROM endpoints"), 2);
	r.first_ns = r.last_ns = T0 + 12 * DAY;
	assert_int_equal(put_one(f.s, &r), 0);
	assert_int_equal(ask(&f, "SELECT count(*) FROM endpoints"), 1);
	assert_int_equal(ask(&f, "SELECT count(*) FROM certificates"), 1);
	assert_int_equal(ask(&f, "SELECT count(*) FROM ders"), 1);
	assert_int_equal(ask(&f, "SELECT count(*) FROM chains"), 1);
	assert_int_equal(ask(&f, "SELECT count(*) FROM services"), 1);
	assert_int_equal(ask(&f, "SELECT count(*) FROM owners"), 0);
	assert_int_equal(ask(&f, "SELECT count(*) FROM events WHERE time_ns<1700000000000000000"), 0);
	assert_int_equal(store_counter(f.s, STORE_REMOVED), 1);
	/* It comes back as if it had never been. */
	r = record_of(T0 + 12 * DAY, a);
	assert_int_equal(put_one(f.s, &r), 0);
	assert_int_equal(ask(&f, "SELECT count(*) FROM certificates"), 2);
	fixture_end(&f);
	free(a);
	free(b);
}

/* Nothing of a batch that fails is kept, and the next one works. */
static void test_batch(void **state)
{
	struct store_announcement *a = spec_announce(&pool);
	struct store_record r = record_of(T0, a), bare = r;
	struct store_fixture f;

	(void)state;
	start(&f);
	r.chain_id = bare.chain_id = 5;
	bare.announcement = NULL;
	assert_int_equal(put_one(f.s, &bare), -ESTALE);
	assert_int_equal(store_begin(f.s), 0);
	assert_int_equal(store_put(f.s, &r), 0);
	assert_int_equal(store_put(f.s, &bare), 0);
	assert_int_equal(store_commit(f.s), 0);
	assert_int_equal(put_one(f.s, &bare), 0);
	assert_int_equal(ask(&f, "SELECT count FROM sightings"), 3);
	fixture_end(&f);
	free(a);
}

static int open_again(struct store_fixture *f, char note[512], char why[1200])
{
	note[0] = why[0] = '\0';
	return store_open(&f->place, &f->limits, &f->s, note, 512, why, 1200);
}

static void write_file(const struct store_fixture *f, const char *name, off_t at, const char *text)
{
	int fd = openat(f->place.dir_fd, name, O_WRONLY | O_CREAT, 0600);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, text, strlen(text), at), (ssize_t)strlen(text));
	close(fd);
}

static void change(const struct store_fixture *f, const char *sql)
{
	char path[96];
	sqlite3 *db;

	snprintf(path, sizeof(path), "%s/x.db", f->folder);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static void test_versions(void **state)
{
	char note[512], why[1200];
	struct store_fixture f;
	struct store *reader;

	(void)state;
	start(&f);
	assert_int_equal(ask(&f, "PRAGMA user_version") >= 1, 1);
	store_free(f.s);
	f.s = NULL;
	change(&f, "PRAGMA user_version=1000");
	assert_int_equal(open_again(&f, note, why), -EPROTO);
	assert_non_null(strstr(why, "newer"));
	assert_int_equal(store_open_reader(&f.place, &reader, why, sizeof(why)), -EPROTO);
	/* Left as it was. */
	assert_int_equal(ask(&f, "PRAGMA user_version"), 1000);
	fixture_end(&f);

	/* Version 0: an empty file is brought up to date; another program's is refused. */
	fixture_start(&f);
	write_file(&f, "x.db", 0, "");
	assert_int_equal(store_open_reader(&f.place, &reader, why, sizeof(why)), -ENODATA);
	fixture_open(&f);
	fixture_end(&f);
	fixture_start(&f);
	change(&f, "CREATE TABLE mine(x); INSERT INTO mine VALUES(1)");
	assert_int_equal(open_again(&f, note, why), -EPROTO);
	assert_non_null(strstr(why, "another program"));
	assert_int_equal(ask(&f, "SELECT x FROM mine"), 1);
	fixture_end(&f);
}

static void test_second_writer(void **state)
{
	char note[512], why[1200];
	struct store_fixture f;
	struct store *second = NULL;

	(void)state;
	start(&f);
	assert_int_equal(store_open(&f.place, &f.limits, &second, note, sizeof(note), why, sizeof(why)), -EBUSY);
	assert_non_null(strstr(why, "another certtap writes"));
	assert_null(second);
	store_free(f.s);
	assert_int_equal(open_again(&f, note, why), 0);
	fixture_end(&f);
}

static bool has_file(const struct store_fixture *f, const char *part)
{
	char command[160];

	snprintf(command, sizeof(command), "ls '%s' | grep -q '%s'", f->folder, part);
	return system(command) == 0;
}

static void test_corrupt(void **state)
{
	struct store_announcement *a = spec_announce(&pool);
	struct store_record r = record_of(T0, a);
	char note[512], why[1200];
	struct store_fixture f;
	struct store *reader;

	(void)state;
	start(&f);
	assert_int_equal(put_one(f.s, &r), 0);
	store_free(f.s);
	write_file(&f, "x.db", 100, "this is no page of a table, and what follows it is none either");
	assert_int_equal(open_again(&f, note, why), 0);
	assert_non_null(strstr(note, "set aside as x.db.corrupt-"));
	assert_true(has_file(&f, "^x.db.corrupt-"));
	assert_int_equal(put_one(f.s, &r), 0);
	fixture_end(&f);

	/* Found later, in the middle of the work. */
	start(&f);
	assert_int_equal(put_one(f.s, &r), 0);
	assert_int_equal(store_replace(f.s, note, sizeof(note)), 0);
	assert_true(has_file(&f, "^x.db.corrupt-"));
	assert_int_equal(put_one(f.s, &r), 0);
	assert_int_equal(ask(&f, "SELECT count FROM sightings"), 1);
	fixture_end(&f);

	/* Somebody's notes are not a store. */
	fixture_start(&f);
	snprintf(f.place.name, sizeof(f.place.name), "notes.txt");
	write_file(&f, "notes.txt", 0, "dear diary, this is longer than the head of a file of SQLite needs to be; so it is");
	assert_int_equal(open_again(&f, note, why), -EPROTO);
	assert_true(has_file(&f, "^notes.txt$"));
	assert_false(has_file(&f, "corrupt"));
	f.s = NULL;
	fixture_end(&f);

	/* Nor are they by their name; a file whose head a dying machine left as zeros is. */
	fixture_start(&f);
	write_file(&f, "x.db", 0, "dear diary, this is longer than the head of a file of SQLite needs to be; so it is");
	assert_int_equal(open_again(&f, note, why), -EPROTO);
	assert_non_null(strstr(why, "not a store of certtap"));
	assert_int_equal(store_open_reader(&f.place, &reader, why, sizeof(why)), -EBADMSG);
	assert_non_null(strstr(why, "not a store of certtap"));
	assert_false(has_file(&f, "corrupt"));
	f.s = NULL;
	fixture_end(&f);
	fixture_start(&f);
	write_file(&f, "x.db", 8192, "what was left of it");
	assert_int_equal(open_again(&f, note, why), 0);
	assert_true(has_file(&f, "^x.db.corrupt-"));
	fixture_end(&f);
	free(a);
}

/* Nobody waits for the other end of a pipe. */
static void test_pipe(void **state)
{
	char note[512], why[1200];
	struct store_fixture f;
	struct store *reader;

	(void)state;
	fixture_start(&f);
	assert_int_equal(mkfifoat(f.place.dir_fd, "x.db", 0600), 0);
	assert_int_equal(store_open_reader(&f.place, &reader, why, sizeof(why)), -EPROTO);
	assert_non_null(strstr(why, "not a file"));
	assert_int_equal(open_again(&f, note, why), -EPROTO);
	assert_false(has_file(&f, "corrupt"));
	f.s = NULL;
	fixture_end(&f);
}

/* Readers beside the writer; and where nothing may be written. */
static void test_readers(void **state)
{
	struct store_announcement *a = spec_announce(&pool);
	struct store_record r = record_of(T0, a);
	struct store *reader;
	struct store_fixture f;
	char why[1200];

	(void)state;
	start(&f);
	assert_int_equal(store_open_reader(&f.place, &reader, why, sizeof(why)), 0);
	assert_int_equal(sightings(reader, &all), 0);
	assert_int_equal(put_one(f.s, &r), 0);
	assert_int_equal(sightings(reader, &all), 1);
	assert_int_equal(store_snapshot_begin(reader), 0);
	assert_int_equal(sightings(reader, &all), 1);
	r.server.port = 444;
	assert_int_equal(put_one(f.s, &r), 0);
	assert_int_equal(sightings(reader, &all), 1);
	store_snapshot_end(reader);
	assert_int_equal(sightings(reader, &all), 2);
	assert_int_equal(store_latest_ns(reader), T0);
	store_free(reader);
	fixture_end(&f);
	free(a);
}

/* Root follows no link, and takes no folder that everybody may write to. */
static void test_place(void **state)
{
	struct store_fixture f;
	struct store_place place;
	char path[160], why[1200];
	struct stat st;

	(void)state;
	start(&f);
	snprintf(path, sizeof(path), "%s/new/y.db", f.folder);
	assert_int_equal(store_place_open(path, false, 0, 0, &place, why, sizeof(why)), -ENOENT);
	assert_int_equal(store_place_open(path, true, geteuid(), getegid(), &place, why, sizeof(why)), 0);
	assert_int_equal(fstat(place.dir_fd, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	assert_string_equal(place.name, "y.db");
	store_place_close(&place);
	snprintf(path, sizeof(path), "%s/", f.folder);
	assert_int_equal(store_place_open(path, false, 0, 0, &place, why, sizeof(why)), -EINVAL);
	snprintf(path, sizeof(path), "%s/new/..", f.folder);
	assert_int_equal(store_place_open(path, false, 0, 0, &place, why, sizeof(why)), -EINVAL);
	if (geteuid() == 0) {
		assert_int_equal(symlinkat("new", f.place.dir_fd, "link"), 0);
		snprintf(path, sizeof(path), "%s/link/y.db", f.folder);
		assert_true(store_place_open(path, false, 0, 0, &place, why, sizeof(why)) < 0);
		assert_non_null(strstr(why, "symbolic link"));
		snprintf(path, sizeof(path), "%s/new", f.folder);
		assert_int_equal(chmod(path, 0777), 0);
		snprintf(path, sizeof(path), "%s/new/y.db", f.folder);
		assert_int_equal(store_place_open(path, false, 0, 0, &place, why, sizeof(why)), -EPERM);
	}
	fixture_end(&f);
}

/* A link where the file should be is not followed by anybody. */
static void test_link_as_file(void **state)
{
	char note[512], why[1200];
	struct store_fixture f;
	struct stat st;

	(void)state;
	fixture_start(&f);
	write_file(&f, "target.db", 0, "");
	assert_int_equal(symlinkat("target.db", f.place.dir_fd, "x.db"), 0);
	assert_true(open_again(&f, note, why) < 0);
	f.s = NULL;
	assert_int_equal(unlinkat(f.place.dir_fd, "x.db", 0), 0);
	fixture_open(&f);
	store_free(f.s);
	assert_int_equal(symlinkat("target.db", f.place.dir_fd, "x.db-wal"), 0);
	assert_true(open_again(&f, note, why) < 0);
	f.s = NULL;
	assert_int_equal(fstatat(f.place.dir_fd, "target.db", &st, 0), 0);
	assert_int_equal(st.st_size, 0);
	fixture_end(&f);
}

static bool note_place(void *context, const struct store_sighting *s)
{
	char *text = context;

	sprintf(text + strlen(text), "%u%%%u=%u ", s->endpoint->server.port, s->endpoint->server.zone,
		s->leaf->serial.data[s->leaf->serial.len - 1]);
	return true;
}

/* The loopback of each network namespace is a place of its own: nothing changes from one to the other. */
static void test_zones(void **state)
{
	struct store_announcement *a = spec_announce(&pool), *b = spec_announce(&other);
	const struct store_filter one = { .by_zone = true, .zone = 7 };
	struct store_record r = record_of(T0, a);
	struct store_fixture f;
	char text[256] = "";

	(void)state;
	start(&f);
	assert_int_equal(put_one(f.s, &r), 0);
	r = record_of(T0 + HOUR, b);
	r.server.zone = 7;
	assert_int_equal(put_one(f.s, &r), 0);
	r = record_of(T0 + 2 * HOUR, a);
	assert_int_equal(put_one(f.s, &r), 0);
	assert_int_equal(ask(&f, "SELECT count(*) FROM services"), 2);
	assert_int_equal(ask(&f, "SELECT count(*) FROM events"), 2);
	assert_int_equal(ask(&f, "SELECT count(*) FROM events WHERE kind=0"), 2);
	assert_int_equal(store_each_sighting(f.s, &all, note_place, text), 0);
	assert_string_equal(text, "443%0=52 443%7=7 ");
	assert_int_equal(sightings(f.s, &one), 1);
	fixture_end(&f);
	free(a);
	free(b);
}

/* A process for each connection: rows of those that nothing names any more do not stay. */
static void test_owners_are_bounded(void **state)
{
	struct store_announcement *a = spec_announce(&pool);
	struct store_record_owner owner = { "pool", "/opt/pool/bin/pool", "pool.service", "" };
	struct store_record r = record_of(T0, a);
	struct store_fixture f;
	uint32_t i;

	(void)state;
	start(&f);
	r.owner = &owner;
	assert_int_equal(store_begin(f.s), 0);
	for (i = 1; i <= 70000; i++) {
		r.pid = i;
		assert_int_equal(store_put(f.s, &r), 0);
	}
	assert_int_equal(store_commit(f.s), 0);
	assert_in_range(ask(&f, "SELECT count(*) FROM owners"), 3, 6000);
	assert_int_equal(ask(&f, "SELECT o.pid FROM endpoints e JOIN owners o ON o.id=e.owner_id"), 70000);
	assert_int_equal(ask(&f, "SELECT o.pid FROM sightings t JOIN owners o ON o.id=t.owner_id"), 70000);
	assert_int_equal(ask(&f, "SELECT o.pid FROM events v JOIN owners o ON o.id=v.owner_id WHERE kind=0"), 1);
	fixture_end(&f);
	free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sums),
		cmocka_unit_test(test_reads),
		cmocka_unit_test(test_filters),
		cmocka_unit_test(test_names_cap),
		cmocka_unit_test(test_certificate_caps),
		cmocka_unit_test(test_size_cap),
		cmocka_unit_test(test_keep),
		cmocka_unit_test(test_batch),
		cmocka_unit_test(test_zones),
		cmocka_unit_test(test_owners_are_bounded),
		cmocka_unit_test(test_versions),
		cmocka_unit_test(test_second_writer),
		cmocka_unit_test(test_corrupt),
		cmocka_unit_test(test_pipe),
		cmocka_unit_test(test_readers),
		cmocka_unit_test(test_place),
		cmocka_unit_test(test_link_as_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
