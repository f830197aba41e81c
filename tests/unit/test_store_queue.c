/* SPDX-License-Identifier: Apache-2.0 */
/* The queue: order, sums, announcements, room; and the same rows from a capture whole and in pieces. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <errno.h>
#include <cmocka.h>

#include "tests/unit/store_build.h"
#include "userspace/store/store_queue.h"

#define CHAINS 4

static struct chain *chains[CHAINS];

static struct chain *chain_make(uint32_t id)
{
	const struct cert_spec spec = { .san = "DNS:pool.example", .serial = (long)id, .from_s = T0_S - 86400 * (50 - id) };
	struct bytes der = spec_make(&spec);
	struct certificate *c = calloc(1, sizeof(*c));
	struct chain *chain = calloc(1, sizeof(*chain) + sizeof(chain->certificates[0]));

	c->der = (uint8_t *)der.data;
	c->der_len = (uint32_t)der.len;
	SHA256(der.data, der.len, c->sha256);
	*chain = (struct chain){ .id = id, .num = 1, .total = 1 };
	chain->certificates[0] = c;
	return chain;
}

static void chain_end(struct chain *chain)
{
	OPENSSL_free(chain->certificates[0]->der);
	free((void *)chain->certificates[0]);
	free(chain);
}

struct queue_fixture {
	struct store_fixture f;
	struct store_queue *q;
	struct observer observer;
};

static void queue_start(struct queue_fixture *x, const struct store_queue_options *options)
{
	const struct observer nobody = { 0 };

	x->q = store_queue_new(&x->f.place, options);
	assert_non_null(x->q);
	x->observer = store_queue_observer(x->q, &nobody);
	assert_int_equal(store_queue_start(x->q), 0);
}

static void see_in(struct queue_fixture *x, uint64_t at_ns, uint16_t port, const struct chain *chain, uint8_t client,
		   uint32_t zone)
{
	static char name[] = "Pool.Example";
	struct sighting s = {
		.server = { { { [10] = 0xff, 0xff, 192, 0, 2, 1 } }, port },
		.client = { { { [10] = 0xff, 0xff, 198, 51, client, 7 } }, 40000 },
		.start_ns = at_ns, .end_ns = at_ns, .server_name = name, .server_name_len = 12,
		.chain[ROLE_SERVER] = chain, .reason = chain ? REASON_NONE : REASON_ENCRYPTED, .carrier = "plain",
	};
	const struct ledger_entry entry = { 0 };

	s.server.zone = s.client.zone = zone;
	x->observer.recorded(x->observer.context, &s, ROLE_SERVER, &entry);
}

static void see_by(struct queue_fixture *x, uint64_t at_ns, uint16_t port, const struct chain *chain, uint8_t client)
{
	see_in(x, at_ns, port, chain, client, 0);
}

static void see(struct queue_fixture *x, uint64_t at_ns, uint16_t port, const struct chain *chain)
{
	see_by(x, at_ns, port, chain, 100);
}

static const struct store_queue_options lossless = {
	.limits = STORE_LIMITS_DEFAULT, .records = 64, .bytes = 1 << 20, .lossless = true,
};

static void test_sums(void **state)
{
	struct store_queue_counters c;
	struct queue_fixture x;
	int i;

	(void)state;
	fixture_start(&x.f);
	queue_start(&x, &lossless);
	assert_int_equal(store_queue_open(x.q), 0);
	for (i = 0; i < 10000; i++)
		see(&x, T0 + (uint64_t)i * SECOND / 1000, (uint16_t)(443 + i % 3), chains[i % 3]);
	assert_int_equal(store_queue_finish(x.q), 0);
	store_queue_counters(x.q, &c);
	assert_int_equal(c.records, 10000);
	assert_int_equal(c.refused + c.failed, 0);
	assert_int_equal(c.stored + c.summed, 10000);
	assert_in_range(c.summed, 9000, 9999);
	assert_int_equal(ask(&x.f, "SELECT sum(count) FROM sightings"), 10000);
	assert_int_equal(ask(&x.f, "SELECT count(*) FROM sightings"), 3);
	assert_int_equal(ask(&x.f, "SELECT count(*) FROM endpoints WHERE name=CAST('pool.example' AS BLOB)"), 3);
	store_queue_free(x.q);
	fixture_end(&x.f);
}

/* One address in two network namespaces: neither summed nor news of each other. */
static void test_zones(void **state)
{
	struct queue_fixture x;
	int i;

	(void)state;
	fixture_start(&x.f);
	queue_start(&x, &lossless);
	assert_int_equal(store_queue_open(x.q), 0);
	for (i = 0; i < 10; i++) {
		see_in(&x, T0, 443, chains[0], 100, (uint32_t)i % 2 * 7);
		see_in(&x, T0, 444, chains[i % 2], 100, (uint32_t)i % 2 * 7);
	}
	assert_int_equal(store_queue_finish(x.q), 0);
	assert_int_equal(ask(&x.f, "SELECT count FROM sightings t JOIN endpoints e ON e.id=t.endpoint_id"
				   " WHERE port=443 AND zone=7"), 5);
	assert_int_equal(ask(&x.f, "SELECT count(*) FROM endpoints"), 4);
	assert_int_equal(ask(&x.f, "SELECT count(*) FROM sightings"), 4);
	assert_int_equal(ask(&x.f, "SELECT count(*) FROM events WHERE kind IN (1,2,3,4)"), 0);
	store_queue_free(x.q);
	fixture_end(&x.f);
}

/* A, B, A of one endpoint are not A twice and B, however they are queued. */
static void test_order(void **state)
{
	struct queue_fixture x;
	int i;

	(void)state;
	fixture_start(&x.f);
	queue_start(&x, &lossless);
	assert_int_equal(store_queue_open(x.q), 0);
	for (i = 0; i < 9; i++)
		see(&x, T0, 443, chains[i % 2]);
	assert_int_equal(store_queue_finish(x.q), 0);
	assert_int_equal(ask(&x.f, "SELECT count(*) FROM events WHERE kind=4"), 1);
	assert_int_equal(ask(&x.f, "SELECT count(*) FROM events"), 3);
	store_queue_free(x.q);
	fixture_end(&x.f);
}

/* Live: what has no room is refused and counted, and nobody waits. */
static void test_full(void **state)
{
	const struct store_queue_options small = { .limits = STORE_LIMITS_DEFAULT, .records = 16, .bytes = 1 << 20 };
	struct store_queue_counters c;
	struct queue_fixture x;
	int i;

	(void)state;
	fixture_start(&x.f);
	queue_start(&x, &small);
	for (i = 0; i < 100; i++)
		see(&x, T0, (uint16_t)(1 + i), chains[0]);
	store_queue_counters(x.q, &c);
	assert_int_equal(c.refused, 84);
	/* A mark of time is no sighting, and nothing is lost with it. */
	store_queue_time(x.q, T0 + HOUR);
	store_queue_counters(x.q, &c);
	assert_int_equal(c.refused, 84);
	assert_int_equal(c.records, 100);
	/* What can be summed needs no room. */
	see(&x, T0, 16, chains[0]);
	store_queue_counters(x.q, &c);
	assert_int_equal(c.summed, 1);
	assert_int_equal(store_queue_open(x.q), 0);
	assert_true(store_queue_finish(x.q) < 0);
	assert_int_equal(ask(&x.f, "SELECT count(*) FROM endpoints"), 16);
	assert_int_equal(ask(&x.f, "SELECT value FROM counters WHERE name='queue-refused'"), 84);
	store_queue_free(x.q);
	fixture_end(&x.f);
}

static void test_refused_alert(void **state)
{
	struct sighting s = {
		.server.port = 443, .start_ns = T0, .end_ns = T0 + 1, .chain[ROLE_SERVER] = chains[0],
		.alert = { .seen = true, .level = 2, .description = 45, .sender = ROLE_CLIENT },
	};
	struct queue_fixture x;

	(void)state;
	fixture_start(&x.f);
	queue_start(&x, &lossless);
	assert_int_equal(store_queue_open(x.q), 0);
	s.alert.seen = false;
	x.observer.recorded(x.observer.context, &s, ROLE_SERVER, &(struct ledger_entry){ 0 });
	s.alert.seen = true;
	x.observer.alerted(x.observer.context, &s, NULL);
	s.alert.description = 0;
	x.observer.alerted(x.observer.context, &s, NULL);
	s.alert.hidden = true;           /* encrypted: known by its length and place */
	x.observer.alerted(x.observer.context, &s, NULL);
	assert_int_equal(store_queue_finish(x.q), 0);
	assert_int_equal(ask(&x.f, "SELECT count(*) FROM refusals"), 2);
	assert_int_equal(ask(&x.f, "SELECT count(*) FROM refusals WHERE description=255"), 1);
	assert_int_equal(ask(&x.f, "SELECT refusals FROM sightings"), 2);
	store_queue_free(x.q);
	fixture_end(&x.f);
}

/* Another writer: an answer, at once. */
static void test_busy(void **state)
{
	struct queue_fixture x, y;

	(void)state;
	fixture_start(&x.f);
	queue_start(&x, &lossless);
	assert_int_equal(store_queue_open(x.q), 0);
	y.f = x.f;
	queue_start(&y, &lossless);
	assert_int_equal(store_queue_open(y.q), -EBUSY);
	see(&y, T0, 443, chains[0]);
	store_queue_free(y.q);
	store_queue_free(x.q);
	fixture_end(&x.f);
}

/* Never opened: nothing hangs. */
static void test_never_opened(void **state)
{
	struct queue_fixture x;

	(void)state;
	fixture_start(&x.f);
	queue_start(&x, &lossless);
	store_queue_free(x.q);
	fixture_end(&x.f);
}

#define DUMP_MAX (1 << 20)

/* Every table without row numbers: what stands for them instead are the certificates' hashes and the endpoints' keys. */
static char *dump(const struct store_fixture *f)
{
	static const char *const selects[] = {
		"SELECT hex(sha256), der_len, parse, subject, issuer, hex(serial), not_before, not_after, key, key_bits,"
		" hex(lineage), num_names FROM certificates ORDER BY 1",
		"SELECT n.name, n.kind, hex(c.sha256) FROM certificate_names n JOIN certificates c ON c.id=n.certificate_id"
		" ORDER BY 1, 2, 3",
		"SELECT p.transport, p.port, hex(c.sha256) FROM certificate_ports p JOIN certificates c"
		" ON c.id=p.certificate_id ORDER BY 1, 2, 3",
		"SELECT hex(h.hash), h.kind, h.num, h.total, h.findings, hex(c.sha256) FROM chains h"
		" LEFT JOIN certificates c ON c.id=h.leaf_id ORDER BY 1",
		"SELECT hex(address), port, transport, zone, names, differs FROM services ORDER BY 1, 2, 3, 4",
		"SELECT hex(e.address), e.port, e.transport, e.name_kind, e.name, e.carrier, e.first_ns, e.last_ns, e.sightings,"
		" e.steps, e.silent, hex(h.hash), e.watch_ns, e.returned_ns, e.flips FROM endpoints e"
		" LEFT JOIN chains h ON h.id=e.chain_id ORDER BY 1, 2, 3, 4, 5",
		"SELECT hex(e.address), e.port, e.name, s.role, hex(h.hash), s.witness, s.first_ns, s.last_ns, s.count,"
		" s.refusals, hex(s.client), s.client_port, s.findings FROM sightings s JOIN endpoints e ON e.id=s.endpoint_id"
		" JOIN chains h ON h.id=s.chain_id ORDER BY 1, 2, 3, 4, 5, 6",
		"SELECT hex(e.address), e.port, e.name, r.reason, r.first_ns, r.last_ns, r.count FROM reasons r"
		" JOIN endpoints e ON e.id=r.endpoint_id ORDER BY 1, 2, 3, 4",
		"SELECT hex(e.address), e.port, e.name, r.role, r.description, r.sender, r.first_ns, r.last_ns, r.count,"
		" hex(h.hash) FROM refusals r JOIN endpoints e ON e.id=r.endpoint_id LEFT JOIN chains h ON h.id=r.chain_id"
		" ORDER BY 1, 2, 3, 4, 5, 6",
		"SELECT v.kind, v.time_ns, hex(e.address), e.port, e.name, v.role, hex(b.hash), hex(a.hash), v.detail"
		" FROM events v JOIN endpoints e ON e.id=v.endpoint_id LEFT JOIN chains b ON b.id=v.before_id"
		" LEFT JOIN chains a ON a.id=v.after_id ORDER BY 2, 1, 3, 4, 5",
		"SELECT hex(e.address), e.port, e.name, min(hex(a.hash), hex(b.hash)), max(hex(a.hash), hex(b.hash)), p.last_ns,"
		" p.returns, p.turns_ns FROM pairs p JOIN endpoints e ON e.id=p.endpoint_id JOIN chains a ON a.id=p.low_id"
		" JOIN chains b ON b.id=p.high_id ORDER BY 1, 2, 3, 4, 5",
		"SELECT name, value FROM counters ORDER BY 1",
		"SELECT key, value FROM state ORDER BY 1",
	};
	char *out = calloc(1, DUMP_MAX), path[96];
	sqlite3_stmt *statement;
	size_t len = 0, i;
	sqlite3 *db;
	int column;

	snprintf(path, sizeof(path), "%s/x.db", f->folder);
	assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
	for (i = 0; i < ARRAY_SIZE(selects); i++) {
		if (sqlite3_prepare_v2(db, selects[i], -1, &statement, NULL) != SQLITE_OK)
			fail_msg("%s", sqlite3_errmsg(db));
		while (sqlite3_step(statement) == SQLITE_ROW && len < DUMP_MAX - 4096) {
			for (column = 0; column < sqlite3_column_count(statement); column++)
				len += (size_t)snprintf(out + len, DUMP_MAX - len, "%s|",
							(const char *)sqlite3_column_text(statement, column));
			out[len++] = '\n';
		}
		sqlite3_finalize(statement);
	}
	sqlite3_close(db);
	assert_true(len < DUMP_MAX - 4096);
	return out;
}

/* Two days of 600 sightings at a dozen endpoints, changes and pools among them. */
static void play(struct queue_fixture *x, int from, int until)
{
	uint32_t seed, chain;
	uint64_t at;
	int i;

	for (i = from; i < until; i++) {
		seed = (uint32_t)i * 2654435761u;
		chain = (uint32_t)i / 150 % CHAINS;
		if (i % 12 == 3)
			chain = seed >> 8 & 1;
		/* Many in one second, so that there is something to sum. */
		at = T0 + (uint64_t)(i / 8) * 2400 * SECOND + seed % 8;
		see_by(x, at, (uint16_t)(443 + i % 12), seed >> 16 & 7 ? chains[chain] : NULL, (uint8_t)(seed >> 4 & 3));
		see_by(x, at, (uint16_t)(443 + i % 12), seed >> 16 & 7 ? chains[chain] : NULL, (uint8_t)(seed >> 4 & 3));
	}
}

static char *play_in(int piece, uint32_t records)
{
	struct store_queue_options options = lossless;
	struct queue_fixture x;
	char *result;
	int i;

	options.records = records;
	fixture_start(&x.f);
	for (i = 0; i < 600; i += piece) {
		queue_start(&x, &options);
		assert_int_equal(store_queue_open(x.q), 0);
		play(&x, i, i + piece < 600 ? i + piece : 600);
		assert_int_equal(store_queue_finish(x.q), 0);
		store_queue_free(x.q);
	}
	result = dump(&x.f);
	fixture_end(&x.f);
	return result;
}

static void test_pieces(void **state)
{
	static const struct {
		int piece;
		uint32_t records;
	} ways[] = { { 600, 4 }, { 600, 33 }, { 100, 1000 }, { 7, 16 }, { 1, 4 } };
	char *whole = play_in(600, 4096), *pieces;
	size_t i;

	(void)state;
	assert_true(strlen(whole) > 10000);
	for (i = 0; i < ARRAY_SIZE(ways); i++) {
		pieces = play_in(ways[i].piece, ways[i].records);
		assert_string_equal(pieces, whole);
		free(pieces);
	}
	free(whole);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sums),
		cmocka_unit_test(test_zones),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_refused_alert),
		cmocka_unit_test(test_busy),
		cmocka_unit_test(test_never_opened),
		cmocka_unit_test(test_pieces),
	};
	uint32_t i;
	int result;

	if (!x509_init())
		return 1;
	for (i = 0; i < CHAINS; i++)
		chains[i] = chain_make(i + 1);
	result = cmocka_run_group_tests(tests, NULL, NULL);
	for (i = 0; i < CHAINS; i++)
		chain_end(chains[i]);
	return result;
}
