/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Endpoints that show several certificates by turns: pools renewed in part, restarts that roll, servers with RSA and
 * ECDSA. What is seen is written as it comes: minute and certificate, "0 r1 8 r2". The letter is the key: r RSA and e
 * ECDSA of one lineage, p ECDSA that may be meant as a predecessor of it; the number orders them, by three days.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <inttypes.h>
#include <stdio.h>
#include <cmocka.h>

#include "tests/unit/store_build.h"
#include "userspace/check/check_stragglers.h"

#define CERTIFICATES_MAX 16

struct world {
	struct check_facts facts;
	struct check_endpoint endpoints[2];      /* the one at hand, and another one */
	struct check_certificate certificates[CERTIFICATES_MAX], *pointers[CERTIFICATES_MAX];
	struct check_showing showings[2 * CERTIFICATES_MAX];
	size_t num_showings;
};

/* A number beyond 9: issued an hour after what it is ten more than. */
static struct check_certificate *certificate(struct world *w, char kind, int number)
{
	int64_t from = T0_S + number % 10 * 3 * 86400 + number / 10 * 3600;
	struct check_certificate *c;
	size_t i;

	for (i = 0; i < w->facts.num_certificates; i++)
		if (w->certificates[i].sha256[0] == (uint8_t)kind && w->certificates[i].sha256[1] == (uint8_t)number)
			return &w->certificates[i];
	c = &w->certificates[w->facts.num_certificates];
	w->pointers[w->facts.num_certificates++] = c;
	*c = (struct check_certificate){
		.id = (int64_t)w->facts.num_certificates, .lineage_sure = true, .subject = "pool.example",
		.issuer = "CN=CA", .key = kind == 'r' ? X509_KEY_RSA : X509_KEY_EC,
		.place = { { true, from }, { true, from + 90 * 86400 }, { 0 } },
		.first_ns = UINT64_MAX, .sha256 = { (uint8_t)kind, (uint8_t)number }, .lineage = { kind == 'p' },
	};
	return c;
}

static struct check_showing *showing(struct world *w, struct check_endpoint *e, struct check_certificate *c)
{
	struct check_showing *s;

	for (s = e->showings; s; s = s->next)
		if (s->certificate == c)
			return s;
	s = &w->showings[w->num_showings++];
	*s = (struct check_showing){ .next = e->showings, .certificate = c, .chain_id = c->id, .first_ns = UINT64_MAX,
				    .owner = { .process = "", .executable = "", .unit = "", .container = "" } };
	e->showings = s;
	return s;
}

static void see(struct world *w, struct check_endpoint *e, const char *what)
{
	struct check_certificate *c;
	struct check_showing *s;
	uint64_t minute, time_ns;
	int number, used;
	char kind;

	for (; what && sscanf(what, " %" SCNu64 " %c%d%n", &minute, &kind, &number, &used) == 3; what += used) {
		time_ns = T0 + minute * MINUTE;
		c = certificate(w, kind, number);
		s = showing(w, e, c);
		c->first_ns = time_ns < c->first_ns ? time_ns : c->first_ns;
		s->first_ns = time_ns < s->first_ns ? time_ns : s->first_ns;
		s->last_ns = time_ns;
		s->sightings++;
	}
}

static void world_start(struct world *w, const char *here, const char *elsewhere)
{
	size_t i;

	memset(w, 0, sizeof(*w));
	w->facts.endpoints = w->endpoints;
	w->facts.num_endpoints = 2;
	w->facts.certificates = w->pointers;
	for (i = 0; i < 2; i++)
		w->endpoints[i] = (struct check_endpoint){
			.id = (int64_t)i + 1, .server = { { { [10] = 0xff, 0xff, 192, 0, 2, 21 } }, (uint16_t)(443 + i) },
			.name = "", .carrier = "", .owner = { 0, 0, "", "", "", "" },
		};
	see(w, &w->endpoints[0], here);
	see(w, &w->endpoints[1], elsewhere);
}

/* As --renewed offers those that are likely predecessors. */
static void offer(struct world *w, const struct check_standards *standards)
{
	size_t i;

	for (i = 0; i < w->facts.num_certificates; i++)
		if (w->certificates[i].sha256[0] == 'p') {
			w->certificates[i].relation = RELATION_LIKELY;
			w->certificates[i].standard = &standards->at[0];
		}
}

/* `file`: as if the newest had been named there; NULL: by lineage. */
static struct check_findings judged(struct world *w, const char *file)
{
	struct check_findings out = { 0 };
	struct check_standards standards;

	assert_true(check_standards_lineages(&w->facts, 0, &standards));
	offer(w, &standards);
	standards.at[0].file = file;
	check_stragglers(&w->facts, &standards, T0_S + 86400, &out);
	check_findings_sort(&out);
	pieces_fini(&w->facts.pieces);
	assert_false(out.failed);
	return out;
}

/* What is said of the first endpoint: "critical r1, warning p1". */
static void say(const struct check_findings *f, char *out, size_t size)
{
	static const char first[] = "192.0.2.21:443/tcp";
	size_t len = 0, i, k;
	unsigned int at[2];

	out[0] = '\0';
	for (i = 0; i < f->num; i++) {
		if (!f->at[i].endpoint || strcmp(f->at[i].endpoint, first) != 0)
			continue;
		for (k = 0; k < f->at[i].num_facts && strcmp(f->at[i].facts[k].name, "sha256") != 0; k++)
			;
		assert_true(k < f->at[i].num_facts);
		assert_int_equal(sscanf(f->at[i].facts[k].value, "%2x%2x", &at[0], &at[1]), 2);
		len += (size_t)snprintf(out + len, size - len, "%s%s %c%u", len ? ", " : "",
					severity_name(f->at[i].severity), (char)at[0], at[1]);
	}
}

static const struct {
	const char *what, *here, *elsewhere, *expected;
} cases[] = {
	/* --- one algorithm */
	{ "gone over", "0 r1 8 r1 16 r2", NULL, "ok r1" },
	{ "a pool renewed in part, a connection every 8 minutes", "0 r1 8 r2 16 r1 24 r2 32 r1 40 r2", NULL,
	  "critical r1" },
	{ "the old one last", "0 r1 8 r2 16 r1", NULL, "critical r1" },
	{ "A B A B B: the old one may be next", "0 r1 8 r2 16 r1 24 r2 32 r2", NULL, "critical r1" },
	{ "as long alone as mixed says little", "0 r1 8 r2 16 r1 24 r2 32 r1 40 r2 48 r2 56 r2", NULL, "critical r1" },
	{ "three times as long", "0 r1 8 r2 16 r1 24 r2 32 r1 40 r2 60 r2 80 r2 100 r2 120 r2", NULL, "ok r1" },
	{ "three times as long, but the new one alone was seen once", "0 r1 8 r2 16 r1 90 r2", NULL, "critical r1" },
	{ "a restart that rolls, within 5 minutes", "0 r1 1 r1 2 r1 3 r1 4 r2 5 r1 6 r2 7 r1 8 r2 9 r2 10 r2 11 r2 12 r2",
	  NULL, "critical r1" },
	{ "the same, later", "0 r1 1 r1 2 r1 3 r1 4 r2 5 r1 6 r2 7 r1 8 r2 9 r2 11 r2 13 r2 15 r2 17 r2", NULL, "ok r1" },
	{ "a trial, rolled back, and gone over days later", "0 r1 10 r2 20 r1 5000 r1 5001 r2 5700 r2 6500 r2 20000 r2",
	  NULL, "ok r1" },
	{ "a trial, rolled back, and gone over just now", "0 r1 10 r2 20 r1 5000 r1 5001 r2 5010 r2", NULL,
	  "critical r1" },
	{ "one connection a day", "0 r1 1440 r2 2880 r1 4320 r2", NULL, "critical r1" },
	{ "another lineage, by turns", "0 r1 8 p1 16 r1 24 p1", "1 r2", "critical r1, warning p1" },
	/* --- RSA and ECDSA, by what the client offers */
	{ "a likely one last hides no certain one", "0 r1 1 p1 2 r1 3 p1 4 r1 5 p1", "3 r2", "critical r1, warning p1" },
	{ "a certain one last: the same", "0 p1 1 r1 2 p1 3 r1 4 p1 5 r1", "3 r2", "critical r1, warning p1" },
	{ "nobody asked for RSA of late", "0 p1 1 r1 2 p1 3 r1 4 p1 5 p1 900 p1 9000 p1", "2 r2",
	  "critical r1, warning p1" },
	{ "nor since the renewal", "0 p1 1 r1 2 p1 3 p1 900 p1 9000 p1", "4 r2", "warning p1, unknown r1" },
	{ "neither of them", "0 p1 1 r1 2 p1 3 r1 4 p1", "5 r2", "unknown r1" },
	{ "renewed with an ECDSA key, and another lineage beside it", "0 p1 1 r1 2 p1 3 r1 4 p1", "2 e2",
	  "critical r1, warning p1" },
	{ "RSA renewed here", "0 p1 1 r1 2 p1 3 r2 4 p1 5 r2", "4 r2", "warning p1" },
	{ "RSA, then ECDSA: renewed with another key", "0 r1 1 r1 2 e2 3 e2", NULL, "ok r1" },
	{ "a pair issued together", "0 r1 1 e11 2 r1 3 e11", NULL, "ok e11" },
	{ "an ECDSA one that is newer: may be a pair, may be a renewal", "0 r1 1 e2 2 r1 3 e2", NULL, "warning r1" },
	{ "a pair, both renewed", "0 r1 1 e11 2 r1 3 e11 4 r2 5 e12 6 r2 7 e12", NULL, "ok e11" },
	{ "a pair of which the other half was forgotten", "0 r1 1 e11 2 r1 3 e11 4 r2 5 e11 6 r2 7 e11", NULL,
	  "warning e11" },
	{ "a pair of which one half is renewed elsewhere", "0 r1 1 e11 2 r1 3 e11 4 r1 5 e11", "3 r2",
	  "critical r1, warning e11" },
	{ "and both", "0 r1 1 e11 2 r1 3 e11 4 r1 5 e11", "2 r2 2 e12", "critical e11" },
	{ "RSA half renewed by turns, ECDSA beside it", "0 r1 1 e11 2 r2 3 e11 4 r1 5 e11 6 r2", NULL,
	  "critical r1, warning e11" },
};

static void test_turns(void **state)
{
	struct check_findings f;
	char said[256];
	struct world w;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		world_start(&w, cases[i].here, cases[i].elsewhere);
		f = judged(&w, NULL);
		say(&f, said, sizeof(said));
		if (strcmp(said, cases[i].expected) != 0)
			fail_msg("%s: %s", cases[i].what, said);
		check_findings_fini(&f);
	}
}

/* Who names one of a pair alone is told of the other. */
static void test_named(void **state)
{
	struct check_findings f;
	char said[256];
	struct world w;

	(void)state;
	world_start(&w, "0 r1 1 e11 2 r1 3 e11", NULL);
	f = judged(&w, "e11.pem");
	say(&f, said, sizeof(said));
	assert_string_equal(said, "warning r1");
	check_findings_fini(&f);
}

/* While the store knows that it takes turns, it has not gone over to what it was mixed with; to others it may have. */
static void test_known_turns(void **state)
{
	const struct check_showing *to;
	struct check_endpoint *e;
	struct world w;

	(void)state;
	world_start(&w, "0 r1 1 r2 2 r1 3 r2 4 r1 5 r2 500 r2 501 r2", NULL);
	e = &w.endpoints[0];
	assert_true(check_replaced(e, showing(&w, e, certificate(&w, 'r', 1)), NULL));
	showing(&w, e, certificate(&w, 'r', 1))->takes_turns = true;
	assert_false(check_replaced(e, showing(&w, e, certificate(&w, 'r', 1)), NULL));
	see(&w, e, "502 r3");
	assert_true(check_replaced(e, showing(&w, e, certificate(&w, 'r', 1)), &to));
	assert_ptr_equal(to, showing(&w, e, certificate(&w, 'r', 3)));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_turns), cmocka_unit_test(test_named),
					     cmocka_unit_test(test_known_turns) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
