/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "userspace/ledger/ledger.h"

static const struct ledger_limits defaults = LEDGER_LIMITS_DEFAULT;
static char name[SERVER_NAME_MAX];

/* Chains are only compared here, by address and number. */
static struct chain chains[2] = { { .id = 1, .total = 1 }, { .id = 2, .total = 1 } };

static struct sighting sighting_of(uint16_t port, enum reason reason, const struct chain *chain)
{
	struct sighting s = {
		.transport = TRANSPORT_TCP, .start_ns = 5000, .end_ns = 6000, .version = 0x0303,
		.cipher = 0xc02f, .has_hello = true, .reason = reason, .chain[ROLE_SERVER] = chain,
	};

	s.server.port = port;
	s.client.port = 40000;
	return s;
}

static void ask(struct sighting *s, const char *server_name)
{
	snprintf(name, sizeof(name), "%s", server_name);
	s->server_name = name;
	s->server_name_len = (uint16_t)strlen(name);
}

static void test_sums(void **state)
{
	struct ledger *l = ledger_new(&defaults);
	struct sighting s = sighting_of(443, REASON_NONE, &chains[0]);
	struct ledger_entry first, again;

	(void)state;
	first = ledger_record(l, &s, ROLE_SERVER);
	assert_true(first.is_new);
	assert_null(first.previous);
	s.start_ns = 1000;
	s.end_ns = 9000;
	s.version = 0x0301;
	s.client.port = 50000;
	again = ledger_record(l, &s, ROLE_SERVER);
	assert_ptr_equal(again.row, first.row);
	assert_false(again.is_new);
	assert_int_equal(first.row->sightings, 2);
	assert_int_equal(first.row->first_ns, 1000);
	assert_int_equal(first.row->last_ns, 9000);
	assert_int_equal(first.row->versions.num, 2);
	assert_int_equal(first.row->ciphers.num, 1);
	assert_int_equal(first.row->num_clients, 1);
	assert_int_equal(first.row->clients[0].port, 50000);
	assert_int_equal(first.row->without_name, 2);
	assert_int_equal(ledger_counters(l)->sightings, 2);
	assert_int_equal(ledger_counters(l)->chains, 2);
	assert_int_equal(ledger_counters(l)->rows, 1);
	ledger_free(l);
}

/* Another port, role, reason or chain is another row. */
static void test_keys(void **state)
{
	struct ledger *l = ledger_new(&defaults);
	struct sighting s = sighting_of(443, REASON_NONE, &chains[0]);
	const struct ledger_row **rows;
	size_t num;

	(void)state;
	s.chain[ROLE_CLIENT] = &chains[1];
	ledger_record(l, &s, ROLE_SERVER);
	ledger_record(l, &s, ROLE_CLIENT);
	s = sighting_of(444, REASON_NONE, &chains[0]);
	ledger_record(l, &s, ROLE_SERVER);
	s = sighting_of(443, REASON_LOST, NULL);
	ledger_record(l, &s, ROLE_SERVER);
	s = sighting_of(443, REASON_ENCRYPTED, NULL);
	ledger_record(l, &s, ROLE_SERVER);
	ledger_record(l, &s, ROLE_SERVER);
	s = sighting_of(443, REASON_NONE, &chains[1]);
	s.transport = TRANSPORT_UDP;
	ledger_record(l, &s, ROLE_SERVER);
	rows = ledger_rows(l, &num);
	assert_int_equal(num, 6);
	assert_int_equal(ledger_counters(l)->reasons[REASON_ENCRYPTED], 2);
	assert_int_equal(ledger_counters(l)->reasons[REASON_LOST], 1);
	assert_int_equal(ledger_counters(l)->reasons[REASON_NONE], 3);
	free(rows);
	ledger_free(l);
}

/* What an endpoint presented before, for the same name; another name is another certificate by right. */
static void test_changes(void **state)
{
	struct ledger *l = ledger_new(&defaults);
	struct sighting s = sighting_of(443, REASON_NONE, &chains[0]);
	struct ledger_entry a, b;

	(void)state;
	ask(&s, "a.example");
	a = ledger_record(l, &s, ROLE_SERVER);
	ask(&s, "b.example");
	s.chain[ROLE_SERVER] = &chains[1];
	b = ledger_record(l, &s, ROLE_SERVER);
	assert_null(b.previous);
	ask(&s, "a.example");
	b = ledger_record(l, &s, ROLE_SERVER);
	assert_ptr_equal(b.previous, a.row);
	b = ledger_record(l, &s, ROLE_SERVER);
	assert_null(b.previous);
	/* A reason in between changes nothing. */
	s.reason = REASON_RESUMED;
	s.chain[ROLE_SERVER] = NULL;
	assert_null(ledger_record(l, &s, ROLE_SERVER).previous);
	s.reason = REASON_NONE;
	s.chain[ROLE_SERVER] = &chains[0];
	b = ledger_record(l, &s, ROLE_SERVER);
	assert_non_null(b.previous);
	assert_ptr_equal(b.previous->chain, &chains[1]);
	ledger_free(l);
}

static void test_full(void **state)
{
	const struct ledger_limits two = { .rows = 2 };
	struct ledger *l = ledger_new(&two);
	struct sighting s;
	struct ledger_entry entry;
	uint16_t port;

	(void)state;
	for (port = 1; port <= 100; port++) {
		s = sighting_of(port, REASON_NONE, &chains[0]);
		entry = ledger_record(l, &s, ROLE_SERVER);
		assert_int_equal(entry.row != NULL, port <= 2);
	}
	assert_int_equal(ledger_counters(l)->rows, 2);
	assert_int_equal(ledger_counters(l)->unsummed, 98);
	assert_int_equal(ledger_counters(l)->sightings, 100);
	/* What has a row still counts. */
	s = sighting_of(1, REASON_NONE, &chains[0]);
	assert_int_equal(ledger_record(l, &s, ROLE_SERVER).row->sightings, 2);
	ledger_free(l);
}

/* Names, clients, versions, protocols and alerts of strangers are kept up to a number, and counted beyond. */
static void test_bounded_sets(void **state)
{
	struct ledger *l = ledger_new(&defaults);
	struct sighting s = sighting_of(443, REASON_NONE, &chains[0]);
	const struct server_name *n;
	struct ledger_row *row = NULL;
	unsigned int i, names = 0;
	char text[32];

	(void)state;
	for (i = 0; i < 1000; i++) {
		snprintf(text, sizeof(text), "%u.example", i);
		ask(&s, text);
		s.version = (uint16_t)(0x0300 + i);
		s.cipher = (uint16_t)(i + 1);
		s.client.address.octets[14] = (uint8_t)(i >> 8);
		s.client.address.octets[15] = (uint8_t)i;
		snprintf(s.alpn, sizeof(s.alpn), "p%u", i);
		s.alpn_len = (uint16_t)strlen(s.alpn);
		row = ledger_record(l, &s, ROLE_SERVER).row;
		s.alert = (struct alert){ .seen = true, .level = 2, .description = (uint8_t)i };
		ledger_row_alert(row, &s);
	}
	for (n = row->names; n; n = n->next)
		names++;
	assert_int_equal(names, LEDGER_NAMES_MAX);
	assert_int_equal(row->names_more, 1000 - LEDGER_NAMES_MAX);
	assert_int_equal(row->num_clients, LEDGER_VALUES_MAX);
	assert_int_equal(row->clients_more, 1000 - LEDGER_VALUES_MAX);
	assert_int_equal(row->versions.num, LEDGER_VALUES_MAX);
	assert_int_equal(row->versions.more, 1000 - LEDGER_VALUES_MAX);
	assert_int_equal(row->num_alpn, LEDGER_VALUES_MAX);
	assert_int_equal(row->num_alerts, LEDGER_VALUES_MAX);
	assert_true(row->alerts_more > 0);
	ledger_free(l);
}

static void test_alerts(void **state)
{
	struct ledger *l = ledger_new(&defaults);
	struct sighting s = sighting_of(443, REASON_NONE, &chains[0]);
	struct ledger_row *row = ledger_record(l, &s, ROLE_SERVER).row;

	(void)state;
	s.alert = (struct alert){ .seen = true, .level = 2, .description = 45, .sender = ROLE_CLIENT };
	ledger_row_alert(row, &s);
	ledger_row_alert(row, &s);
	s.alert.sender = ROLE_SERVER;
	ledger_row_alert(row, &s);
	assert_int_equal(row->num_alerts, 2);
	assert_int_equal(row->alerts[0].count, 2);
	assert_int_equal(row->alerts[1].count, 1);
	ledger_row_established(row);
	assert_int_equal(row->established, 1);
	ledger_free(l);
}

/* Who refuses a certificate is the other end, and says so; what fails otherwise is no refusal. */
static void test_refused(void **state)
{
	static const struct {
		enum role row;
		enum reason reason;
		struct alert alert;
		bool refused;
	} cases[] = {
		{ ROLE_SERVER, REASON_NONE, { .level = 2, .description = 45, .sender = ROLE_CLIENT }, true },
		{ ROLE_SERVER, REASON_NONE, { .level = 2, .description = 48, .sender = ROLE_SERVER }, false },
		{ ROLE_CLIENT, REASON_NONE, { .level = 2, .description = 48, .sender = ROLE_SERVER }, true },
		{ ROLE_CLIENT, REASON_NONE, { .level = 2, .description = 48, .sender = ROLE_CLIENT }, false },
		{ ROLE_SERVER, REASON_NONE, { .level = 2, .description = 40, .sender = ROLE_CLIENT }, false },
		{ ROLE_SERVER, REASON_NONE, { .level = 2, .description = 50, .sender = ROLE_SERVER }, false },
		{ ROLE_SERVER, REASON_NONE, { .level = 1, .description = 45, .sender = ROLE_CLIENT }, false },
		{ ROLE_SERVER, REASON_NONE, { .level = 2, .hidden = true, .sender = ROLE_CLIENT }, true },
		{ ROLE_SERVER, REASON_ENCRYPTED, { .level = 2, .hidden = true, .sender = ROLE_CLIENT }, true },
		{ ROLE_SERVER, REASON_ENCRYPTED, { .level = 2, .description = 116, .sender = ROLE_SERVER }, false },
		{ ROLE_SERVER, REASON_UNFINISHED, { .level = 2, .description = 45, .sender = ROLE_CLIENT }, false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct ledger_row row = { .role = cases[i].row, .reason = cases[i].reason };
		struct alert alert = cases[i].alert;

		alert.seen = true;
		if (ledger_row_refused(&row, &alert) != cases[i].refused)
			fail_msg("case %zu", i);
	}
}

/* Many clients close their connections in order: a refusal among them still has its place. */
static void test_alerts_that_close(void **state)
{
	struct ledger *l = ledger_new(&defaults);
	struct sighting s = sighting_of(443, REASON_NONE, &chains[0]);
	struct ledger_row *row = ledger_record(l, &s, ROLE_SERVER).row;
	unsigned int i;

	(void)state;
	s.alert = (struct alert){ .seen = true, .level = 1, .description = 0, .sender = ROLE_CLIENT };
	for (i = 0; i < 20; i++) {
		s.client.address.octets[15] = (uint8_t)i;
		ledger_row_alert(row, &s);
		ledger_row_alert(row, &s);
	}
	assert_int_equal(row->num_alerts, LEDGER_VALUES_MAX);
	assert_int_equal(row->alerts_more, 2 * (20 - LEDGER_VALUES_MAX));
	s.alert.level = 2;
	s.alert.description = 45;
	for (i = 0; i < 20; i++) {
		s.client.address.octets[15] = (uint8_t)i;
		ledger_row_alert(row, &s);
	}
	assert_int_equal(row->num_alerts, LEDGER_VALUES_MAX);
	assert_int_equal(row->alerts_more, 2 * 20 + 20 - LEDGER_VALUES_MAX);
	for (i = 0; i < LEDGER_VALUES_MAX; i++) {
		assert_int_equal(row->alerts[i].alert.description, 45);
		assert_int_equal(row->alerts[i].count, 1);
	}
	ledger_free(l);
}

/* Whether a handshake of TLS 1.3 came to its end shows to who opens it, or where an alert came instead. */
static void test_established(void **state)
{
	struct ledger *l = ledger_new(&defaults);
	struct sighting s = sighting_of(443, REASON_ENCRYPTED, NULL);
	struct ledger_row *row = ledger_record(l, &s, ROLE_SERVER).row;

	(void)state;
	assert_int_equal(ledger_row_is_established(row), 0);
	s.version = 0x0304;
	assert_ptr_equal(ledger_record(l, &s, ROLE_SERVER).row, row);
	assert_int_equal(ledger_row_is_established(row), -1);
	s.alert = (struct alert){ .seen = true, .level = 1 };
	ledger_row_alert(row, &s);
	assert_int_equal(ledger_row_is_established(row), -1);
	s.alert = (struct alert){ .seen = true, .level = 2, .hidden = true };
	ledger_row_alert(row, &s);
	assert_int_equal(ledger_row_is_established(row), 0);
	ledger_record(l, &s, ROLE_SERVER);
	assert_int_equal(ledger_row_is_established(row), -1);
	ledger_row_established(row);
	assert_int_equal(ledger_row_is_established(row), 1);
	s = sighting_of(444, REASON_MIDSTREAM, NULL);
	s.version = 0;
	assert_int_equal(ledger_row_is_established(ledger_record(l, &s, ROLE_SERVER).row), -1);
	s = sighting_of(445, REASON_ENCRYPTED, NULL);
	s.version = 0xfefc;
	assert_int_equal(ledger_row_is_established(ledger_record(l, &s, ROLE_SERVER).row), -1);
	ledger_free(l);
}

static void test_order(void **state)
{
	struct ledger *l = ledger_new(&defaults);
	const struct ledger_row **rows;
	struct sighting s;
	uint16_t port;
	size_t num, i;

	(void)state;
	rows = ledger_rows(l, &num);
	assert_int_equal(num, 0);
	free(rows);
	for (port = 1; port <= 200; port++) {
		s = sighting_of(port, REASON_NONE, &chains[0]);
		s.start_ns = 1000u + port * 37 % 10;
		ledger_record(l, &s, ROLE_SERVER);
	}
	rows = ledger_rows(l, &num);
	assert_int_equal(num, 200);
	for (i = 1; i < num; i++) {
		assert_true(rows[i - 1]->first_ns <= rows[i]->first_ns);
		if (rows[i - 1]->first_ns == rows[i]->first_ns)
			assert_true(memcmp(&rows[i - 1]->server, &rows[i]->server, sizeof(rows[i]->server)) < 0);
	}
	free(rows);
	ledger_free(l);
	ledger_free(NULL);
}

static void test_single(void **state)
{
	struct sighting s = sighting_of(443, REASON_LOST, NULL);
	struct ledger_row row;

	(void)state;
	ask(&s, "a.example");
	s.lost_from = 10;
	s.lost_to = 20;
	s.alert = (struct alert){ .seen = true, .level = 2, .description = 40 };
	ledger_row_single(&row, &s, ROLE_SERVER);
	assert_int_equal(row.sightings, 1);
	assert_int_equal(row.reason, REASON_LOST);
	assert_int_equal(row.lost_to, 20);
	assert_int_equal(row.num_alerts, 1);
	assert_int_equal(row.names->len, 9);
	ledger_row_fini(&row);
}

/* What became of the sightings of each port. */
static void test_coverage(void **state)
{
	struct ledger *l = ledger_new(&defaults);
	struct sighting s = sighting_of(9808, REASON_NONE, &chains[0]);
	const struct port_coverage *c;
	uint32_t at = 0;

	(void)state;
	assert_null(ledger_next_coverage(l, &at));
	ledger_record(l, &s, ROLE_SERVER);
	ledger_record(l, &s, ROLE_SERVER);
	s = sighting_of(9808, REASON_LOST, NULL);
	ledger_record(l, &s, ROLE_SERVER);
	s = sighting_of(443, REASON_ENCRYPTED, NULL);
	ledger_record(l, &s, ROLE_SERVER);
	at = 0;
	c = ledger_next_coverage(l, &at);
	assert_non_null(c);
	assert_int_equal(c->port, 443);
	assert_int_equal(c->reasons[REASON_ENCRYPTED], 1);
	c = ledger_next_coverage(l, &at);
	assert_non_null(c);
	assert_int_equal(c->port, 9808);
	assert_int_equal(c->sightings, 3);
	assert_int_equal(c->reasons[REASON_NONE], 2);
	assert_int_equal(c->reasons[REASON_LOST], 1);
	assert_null(ledger_next_coverage(l, &at));
	ledger_free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sums),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_changes),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_bounded_sets),
		cmocka_unit_test(test_alerts),
		cmocka_unit_test(test_alerts_that_close),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_established),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_single),
		cmocka_unit_test(test_coverage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
