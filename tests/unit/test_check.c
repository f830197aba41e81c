/* SPDX-License-Identifier: Apache-2.0 */
/* The judging of `check`: facts in, findings out; and a store in memory from records to findings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <stdio.h>
#include <cmocka.h>

#include <openssl/pem.h>

#include "tests/unit/store_build.h"
#include "userspace/check/check_asked.h"
#include "userspace/check/check_gate.h"
#include "userspace/check/check_stragglers.h"

#define ENDPOINTS_MAX 8
#define CERTIFICATES_MAX 8
#define SHOWINGS_MAX 32

/* Facts by hand. Certificates: "A1", "A2" are of lineage A, the second newer. */
struct world {
	struct check_facts facts;
	struct check_endpoint endpoints[ENDPOINTS_MAX];
	struct check_certificate certificates[CERTIFICATES_MAX], *pointers[CERTIFICATES_MAX];
	struct check_showing showings[SHOWINGS_MAX];
	size_t num_showings;
};

static void world_start(struct world *w)
{
	memset(w, 0, sizeof(*w));
	w->facts.endpoints = w->endpoints;
	w->facts.certificates = w->pointers;
}

static struct check_endpoint *at(struct world *w, uint16_t port, const char *name)
{
	struct check_endpoint *e = &w->endpoints[w->facts.num_endpoints++];

	*e = (struct check_endpoint){
		.id = (int64_t)w->facts.num_endpoints, .server = { { { [10] = 0xff, 0xff, 192, 0, 2, 21 } }, port },
		.name_kind = name ? STORE_NAME_ASKED : STORE_NAME_NONE, .name = name ? name : "", .carrier = "",
		.owner = { 812, T0 - DAY, "fabric", "/opt/fabric", "fabric.service", "" },
	};
	return e;
}

static const struct check_certificate *certificate(struct world *w, char lineage, int generation)
{
	struct check_certificate *c;
	size_t i;

	for (i = 0; i < w->facts.num_certificates; i++)
		if (w->certificates[i].lineage[0] == (uint8_t)lineage &&
		    w->certificates[i].sha256[1] == (uint8_t)generation)
			return &w->certificates[i];
	c = &w->certificates[w->facts.num_certificates];
	w->pointers[w->facts.num_certificates++] = c;
	*c = (struct check_certificate){
		.id = (int64_t)w->facts.num_certificates, .lineage_sure = true, .subject = "pool.example", .issuer = "CN=CA",
		.place = { { true, T0_S + generation * 3600 }, { true, T0_S + (90 + generation) * 86400 }, { 0 } },
		.first_ns = UINT64_MAX, .sha256 = { (uint8_t)lineage, (uint8_t)generation },
		.lineage = { (uint8_t)lineage },
	};
	return c;
}

/* From and until: minutes after T0. */
static struct check_showing *showed(struct world *w, struct check_endpoint *e, char lineage, int generation,
				    uint64_t from, uint64_t until)
{
	struct check_showing *s = &w->showings[w->num_showings++];
	struct check_certificate *c = (struct check_certificate *)certificate(w, lineage, generation);

	*s = (struct check_showing){ .next = e->showings, .certificate = c, .chain_id = c->id, .sightings = 1,
				     .first_ns = T0 + from * MINUTE, .last_ns = T0 + until * MINUTE };
	s->owner = e->owner;
	if (s->first_ns < c->first_ns)
		c->first_ns = s->first_ns;
	e->showings = s;
	return s;
}

static struct check_findings judged(struct world *w, uint64_t since_ns)
{
	struct check_findings out = { 0 };
	struct check_standards standards;

	assert_true(check_standards_lineages(&w->facts, since_ns, &standards));
	check_findings_count(&out, &w->facts);
	check_stragglers(&w->facts, &standards, T0_S + 86400, &out);
	check_findings_sort(&out);
	pieces_fini(&w->facts.pieces);
	assert_false(out.failed);
	return out;
}

/* The n-th finding is of this kind, and says so; the last one ends with it. */
static void expect_finding(const struct check_findings *f, size_t n, enum severity severity, const char *rule,
			   const char *part)
{
	assert_true(n < f->num);
	if (f->at[n].severity != severity || strcmp(f->at[n].rule, rule) || !strstr(f->at[n].message, part))
		fail_msg("finding %zu is %s, %s: %s", n, severity_name(f->at[n].severity), f->at[n].rule,
			 f->at[n].message);
}

static void test_straggler(void **state)
{
	struct check_findings f;
	struct world w;

	(void)state;
	world_start(&w);
	showed(&w, at(&w, 443, NULL), 'A', 1, 0, 5);
	showed(&w, &w.endpoints[0], 'A', 2, 10, 20);
	showed(&w, at(&w, 5061, NULL), 'A', 1, 0, 8);
	showed(&w, at(&w, 9808, NULL), 'A', 1, 0, 15)->refusals = 3;
	showed(&w, at(&w, 9999, NULL), 'B', 1, 0, 15);
	f = judged(&w, 0);
	assert_int_equal(f.num, 3);
	assert_int_equal(f.sites, 4);
	expect_finding(&f, 0, SEVERITY_CRITICAL, "straggler",
		       "still presents the replaced certificate: fabric, pid 812, fabric.service");
	expect_finding(&f, 0, SEVERITY_CRITICAL, "straggler", "not restarted since the renewal");
	expect_finding(&f, 0, SEVERITY_CRITICAL, "straggler", "refused 3 times");
	assert_string_equal(f.at[0].endpoint, "192.0.2.21:9808/tcp");
	expect_finding(&f, 1, SEVERITY_UNKNOWN, "not-seen-since", "was not seen since the renewal");
	assert_string_equal(f.at[1].endpoint, "192.0.2.21:5061/tcp");
	expect_finding(&f, 2, SEVERITY_OK, "straggler", "presents the newest certificate");
	assert_int_equal(f.stragglers, 1);
	assert_int_equal(f.not_seen, 1);
	assert_int_equal(f.renewed, 1);
	check_findings_fini(&f);
}

/* The renewal as the user tells it: what was seen before says nothing. */
static void test_since(void **state)
{
	struct check_findings f;
	struct world w;

	(void)state;
	world_start(&w);
	showed(&w, at(&w, 443, NULL), 'A', 2, 10, 20);
	showed(&w, at(&w, 9808, NULL), 'A', 1, 0, 15);
	f = judged(&w, T0 + 15 * MINUTE);
	expect_finding(&f, 0, SEVERITY_UNKNOWN, "not-seen-since", "presented the replaced certificate");
	check_findings_fini(&f);
	f = judged(&w, T0 + 14 * MINUTE);
	expect_finding(&f, 0, SEVERITY_CRITICAL, "straggler", "still presents");
	check_findings_fini(&f);
}

/* What became of an endpoint that presented A1 from 0 to 15 minutes, and something else then. */
static void test_afterwards(void **state)
{
	static const struct {
		const char *what;
		char lineage;
		int generation;
		uint64_t from, until;
		enum severity severity;
		const char *part;
	} cases[] = {
		{ "gone over at once", 'A', 2, 15, 16, SEVERITY_OK, "presents the newest" },
		{ "seen before, as a trial, and gone over long ago", 'A', 2, 3, 60, SEVERITY_OK, "presents the newest" },
		{ "mixed for longer than it was alone", 'A', 2, 3, 21, SEVERITY_CRITICAL, "by turns with its renewal" },
		{ "by turns", 'A', 2, 3, 20, SEVERITY_CRITICAL, "by turns with its renewal" },
		{ "rolled back", 'A', 2, 3, 4, SEVERITY_CRITICAL, "by turns with its renewal" },
		{ "another lineage", 'B', 1, 16, 17, SEVERITY_OK, "of another kind" },
		{ "another lineage, by turns", 'B', 1, 3, 17, SEVERITY_CRITICAL, "still presents" },
		{ "what the store summed", 0, 0, 16, 17, SEVERITY_UNKNOWN, "more others than the store keeps" },
	};
	struct check_showing *s;
	struct check_findings f;
	struct world w;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		world_start(&w);
		showed(&w, at(&w, 443, NULL), 'A', 2, 10, 100);
		showed(&w, at(&w, 9808, NULL), 'A', 1, 0, 15);
		s = showed(&w, &w.endpoints[1], cases[i].lineage ? cases[i].lineage : 'X', cases[i].generation,
			   cases[i].from, cases[i].until);
		if (!cases[i].lineage)
			s->certificate = NULL;
		f = judged(&w, 0);
		print_message("%s\n", cases[i].what);
		assert_int_equal(f.num, 2);
		assert_string_equal(f.at[cases[i].severity == SEVERITY_OK].endpoint, "192.0.2.21:9808/tcp");
		expect_finding(&f, cases[i].severity == SEVERITY_OK, cases[i].severity,
			       cases[i].severity == SEVERITY_UNKNOWN ? "not-seen-since" : "straggler", cases[i].part);
		check_findings_fini(&f);
	}
}

/* The same leaf with other certificates behind it: another chain. */
static void test_same_leaf(void **state)
{
	struct check_showing *incomplete, *whole;
	const struct check_showing *to;
	struct check_endpoint *e;
	struct world w;

	(void)state;
	world_start(&w);
	e = at(&w, 443, NULL);
	incomplete = showed(&w, e, 'A', 1, 0, 5);
	whole = showed(&w, e, 'A', 1, 6, 9);
	whole->chain_id = 77;
	assert_true(check_replaced(e, incomplete, &to));
	assert_ptr_equal(to, whole);
	assert_false(check_replaced(e, whole, NULL));
}

static void test_hidden(void **state)
{
	struct check_findings f = { 0 };
	static const char *names[] = { "*.pool.example" };
	struct check_standards standards;
	struct world w;

	(void)state;
	world_start(&w);
	showed(&w, at(&w, 443, NULL), 'A', 2, 10, 20);
	showed(&w, at(&w, 5061, NULL), 'A', 1, 0, 5);
	w.endpoints[1].unseen[REASON_ENCRYPTED] = (struct check_unseen){ T0 + 30 * MINUTE, 7 };
	at(&w, 9808, "www.pool.example")->unseen[REASON_ENCRYPTED] = (struct check_unseen){ T0 + 30 * MINUTE, 7 };
	at(&w, 9809, "a.www.pool.example")->unseen[REASON_ENCRYPTED] = (struct check_unseen){ T0 + 30 * MINUTE, 7 };
	assert_true(check_standards_lineages(&w.facts, 0, &standards));
	standards.at[0].names = names;
	standards.at[0].num_names = 1;
	check_findings_count(&f, &w.facts);
	check_stragglers(&w.facts, &standards, T0_S, &f);
	check_findings_sort(&f);
	assert_int_equal(f.num, 3);
	assert_int_equal(f.hidden, 2);
	expect_finding(&f, 0, SEVERITY_UNKNOWN, "not-seen-since", "showed none since then: encrypted");
	expect_finding(&f, 1, SEVERITY_UNKNOWN, "no-certificate",
		       "was asked for www.pool.example, and never showed a certificate: encrypted");
	check_findings_fini(&f);
	pieces_fini(&w.facts.pieces);
}

/* A server may choose by the name, so each name is judged; but not those that the certificate is not for. */
static void test_names(void **state)
{
	struct check_findings f;
	struct world w;

	(void)state;
	world_start(&w);
	showed(&w, at(&w, 443, "a.example"), 'A', 1, 0, 5);
	showed(&w, at(&w, 443, "b.example"), 'A', 2, 10, 20);
	showed(&w, at(&w, 443, "c.example"), 'A', 1, 0, 5);
	f = judged(&w, 0);
	assert_int_equal(f.num, 1);
	expect_finding(&f, 0, SEVERITY_UNKNOWN, "not-seen-since", "asked for a.example, c.example");
	check_findings_fini(&f);
	w.endpoints[0].showings->name_mismatch = w.endpoints[2].showings->name_mismatch = true;
	f = judged(&w, 0);
	assert_int_equal(f.num, 1);
	expect_finding(&f, 0, SEVERITY_OK, "straggler", "presents the newest");
	check_findings_fini(&f);
	/* Seen since the renewal it counts, whoever asked for what. */
	w.endpoints[0].showings->last_ns = T0 + 15 * MINUTE;
	f = judged(&w, 0);
	expect_finding(&f, 0, SEVERITY_CRITICAL, "straggler", "asked for a.example");
	check_findings_fini(&f);
}

/* What a scanner saw once without a name goes with the names that showed the same, when all of them have gone over. */
static void test_without_name(void **state)
{
	static const struct {
		const char *what;
		int named, other;        /* the certificate before: of a.example, of b.example; 0: not seen */
		bool other_renewed;
		enum severity severity;
		const char *part;
	} cases[] = {
		{ "a name that showed the same", 1, 0, false, SEVERITY_OK, "asked for no name it showed the same before" },
		{ "two", 1, 1, true, SEVERITY_OK, "asked for no name it showed the same before" },
		{ "one of two has not gone over", 1, 1, false, SEVERITY_UNKNOWN, "asked for no name, b.example" },
		{ "the other showed another", 1, 2, true, SEVERITY_OK, "asked for no name" },
		{ "no name showed the same", 2, 0, false, SEVERITY_UNKNOWN, "asked for no name" },
	};
	struct check_findings f;
	struct world w;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		world_start(&w);
		showed(&w, at(&w, 443, NULL), 'A', 1, 4, 4);
		showed(&w, at(&w, 443, "a.example"), 'A', cases[i].named, 0, 5);
		showed(&w, &w.endpoints[1], 'A', 3, 10, 20);
		if (cases[i].other)
			showed(&w, at(&w, 443, "b.example"), 'A', cases[i].other, 0, 5);
		if (cases[i].other_renewed)
			showed(&w, &w.endpoints[2], 'A', 3, 12, 20);
		print_message("%s\n", cases[i].what);
		f = judged(&w, 0);
		assert_int_equal(f.num, 1);
		expect_finding(&f, 0, cases[i].severity, cases[i].severity ? "not-seen-since" : "straggler", cases[i].part);
		check_findings_fini(&f);
		/* By a name that is not in it, it says no more. */
		showed(&w, at(&w, 443, "scanner.example"), 'A', 1, 4, 4)->name_mismatch = true;
		f = judged(&w, 0);
		assert_int_equal(f.num, 1);
		expect_finding(&f, 0, cases[i].severity, cases[i].severity ? "not-seen-since" : "straggler", cases[i].part);
		check_findings_fini(&f);
		/* Seen since, but hidden: it cannot be known. */
		w.endpoints[0].unseen[REASON_ENCRYPTED] = (struct check_unseen){ T0 + 30 * MINUTE, 1 };
		f = judged(&w, 0);
		expect_finding(&f, 0, SEVERITY_UNKNOWN, "not-seen-since", "asked for no name");
		check_findings_fini(&f);
		/* Seen since, and still the old one. */
		w.endpoints[0].showings->last_ns = T0 + 15 * MINUTE;
		f = judged(&w, 0);
		expect_finding(&f, 0, SEVERITY_CRITICAL, "straggler", "asked for no name");
		check_findings_fini(&f);
	}
}

/* --- named by the user */

static const struct cert_spec old_spec = { .subject = "pool.example", .san = "DNS:pool.example", .serial = 1,
					   .from_s = T0_S - 90 * 86400, .until_s = T0_S };
static const struct cert_spec new_spec = { .subject = "pool.example", .san = "DNS:pool.example", .serial = 2,
					   .from_s = T0_S - 86400, .until_s = T0_S + 90 * 86400 };
static const struct cert_spec wider_spec = { .subject = "pool.example", .serial = 3, .from_s = T0_S - 86400,
					     .san = "DNS:pool.example,DNS:www.pool.example" };

/* A store in memory of its own, with one batch of records. */
struct memory {
	struct store_place place;
	struct store *writer, *reader;
};

static void memory_start(struct memory *m)
{
	const struct store_limits limits = STORE_LIMITS_DEFAULT;
	char note[512], why[1200];

	assert_true(x509_init());
	assert_int_equal(store_place_open(STORE_MEMORY_PATH, true, 0, 0, &m->place, why, sizeof(why)), 0);
	assert_int_equal(store_open(&m->place, &limits, &m->writer, note, sizeof(note), why, sizeof(why)), 0);
	assert_int_equal(store_open_reader(&m->place, &m->reader, why, sizeof(why)), 0);
}

static void memory_end(struct memory *m)
{
	store_free(m->writer);
	store_free(m->reader);
}

/* Made once: a signature is another each time. */
static const struct store_announcement *made(const struct cert_spec *spec)
{
	static const struct cert_spec *specs[4];
	static struct store_announcement *all[4];
	size_t i = 0;

	while (specs[i] && specs[i] != spec)
		i++;
	if (!specs[i])
		all[i] = spec_announce(spec);
	specs[i] = spec;
	return all[i];
}

static void memory_put(struct memory *m, uint16_t port, uint64_t time_ns, const struct cert_spec *spec)
{
	struct store_record r = record_of(time_ns, spec ? made(spec) : NULL);

	r.server.port = port;
	if (!spec)
		r.reason = REASON_ENCRYPTED;
	if (put_one(m->writer, &r) != 0)
		fail_msg("%s", store_error(m->writer));
}

static void add_renewed(struct renewed *renewed, const struct cert_spec *spec, const char *file)
{
	const struct store_der *c = &made(spec)->certificates[0];

	assert_int_equal(renewed_add_bytes(renewed, file, bytes_of(c->der, c->der_len)), 0);
}

static struct check_findings answer(struct memory *m, struct check_question *q)
{
	static const struct store_filter all;
	struct check_findings f;

	q->filter = &all;
	q->now_s = T0_S + 3600;
	if (check_judge(m->reader, q, &f) != 0)
		fail_msg("%s", store_error(m->reader));
	return f;
}

static void test_renewed(void **state)
{
	struct renewed renewed = { 0 };
	struct check_question q = { .renewed = &renewed };
	struct check_findings f;
	struct memory m;

	(void)state;
	memory_start(&m);
	add_renewed(&renewed, &new_spec, "new.pem");
	f = answer(&m, &q);
	expect_finding(&f, 0, SEVERITY_UNKNOWN, "nothing-seen", "new.pem: neither this certificate (pool.example) nor");
	check_findings_fini(&f);
	/* Not seen anywhere: from the beginning of its validity on. */
	memory_put(&m, 443, T0 - 2 * DAY, &old_spec);
	memory_put(&m, 9808, T0, &old_spec);
	f = answer(&m, &q);
	assert_int_equal(f.num, 2);
	expect_finding(&f, 0, SEVERITY_CRITICAL, "straggler", "still presents");
	expect_finding(&f, 1, SEVERITY_UNKNOWN, "not-seen-since", "was not seen since");
	check_findings_fini(&f);
	/* Seen: from then on. */
	memory_put(&m, 443, T0 + MINUTE, &new_spec);
	f = answer(&m, &q);
	assert_int_equal(f.num, 2);
	expect_finding(&f, 0, SEVERITY_UNKNOWN, "not-seen-since", "was not seen since");
	assert_string_equal(f.at[0].endpoint, "192.0.2.1:9808/tcp");
	expect_finding(&f, 1, SEVERITY_OK, "straggler", "presents the renewed certificate");
	check_findings_fini(&f);
	/* Both are named, so both are right. */
	add_renewed(&renewed, &old_spec, "old.pem");
	f = answer(&m, &q);
	assert_int_equal(f.num, 2);
	expect_finding(&f, 0, SEVERITY_OK, "straggler", "presents");
	expect_finding(&f, 1, SEVERITY_OK, "straggler", "presents");
	check_findings_fini(&f);
	renewed_fini(&renewed);
	memory_end(&m);
}

/* Half of a pool is renewed, and there is a connection every 8 minutes; each witness of it has a row. */
static void test_by_turns(void **state)
{
	struct check_question q = { .renewed = NULL };
	struct store_record r;
	struct check_findings f;
	struct memory m;
	uint64_t minute;

	(void)state;
	memory_start(&m);
	for (minute = 0; minute <= 40; minute += 8) {
		r = record_of(T0 + minute * MINUTE, made(minute / 8 % 2 ? &new_spec : &old_spec));
		r.witness = minute % 3 ? WITNESS_WIRE : WITNESS_KEYLOG;
		assert_int_equal(put_one(m.writer, &r), 0);
	}
	f = answer(&m, &q);
	assert_int_equal(f.num, 1);
	expect_finding(&f, 0, SEVERITY_CRITICAL, "straggler", "by turns with its renewal");
	check_findings_fini(&f);
	/* Alone for three times the 24 minutes from the new one's first to the old one's last; and for more than a day. */
	for (minute = 5 * 60; minute <= 25 * 60; minute += 5 * 60)
		memory_put(&m, 443, T0 + minute * MINUTE, &new_spec);
	f = answer(&m, &q);
	assert_int_equal(f.num, 1);
	expect_finding(&f, 0, SEVERITY_OK, "straggler", "presents the newest");
	check_findings_fini(&f);
	memory_end(&m);
}

/* Where nothing is asked, what has run out is never well. */
static void test_expired(void **state)
{
	struct check_question q = { .renewed = NULL };
	struct check_findings f;
	struct memory m;

	(void)state;
	memory_start(&m);
	memory_put(&m, 443, T0 - DAY, &old_spec);
	f = answer(&m, &q);
	assert_int_equal(f.num, 1);
	expect_finding(&f, 0, SEVERITY_UNKNOWN, "expired", "has expired since it was last seen");
	check_findings_fini(&f);
	memory_put(&m, 443, T0 + MINUTE, &old_spec);
	f = answer(&m, &q);
	assert_int_equal(f.num, 1);
	expect_finding(&f, 0, SEVERITY_CRITICAL, "expired", "presents an expired certificate");
	check_findings_fini(&f);
	/* Its renewal is somewhere: then it is a straggler, once. */
	memory_put(&m, 444, T0, &new_spec);
	f = answer(&m, &q);
	assert_int_equal(f.num, 2);
	expect_finding(&f, 0, SEVERITY_CRITICAL, "straggler", "still presents");
	assert_int_equal(f.at[1].severity, SEVERITY_OK);
	check_findings_fini(&f);
	memory_put(&m, 443, T0 + 2 * MINUTE, &new_spec);
	f = answer(&m, &q);
	assert_int_equal(f.num, 2);
	assert_int_equal(f.at[0].severity, SEVERITY_OK);
	check_findings_fini(&f);
	memory_end(&m);
}

/* A name was added: another lineage, which is offered and not asserted. */
static void test_likely(void **state)
{
	struct renewed renewed = { 0 };
	struct check_question q = { .renewed = &renewed };
	struct check_findings f;
	struct memory m;

	(void)state;
	memory_start(&m);
	add_renewed(&renewed, &wider_spec, "wider.pem");
	memory_put(&m, 443, T0 - 2 * DAY, &old_spec);
	memory_put(&m, 9808, T0, &old_spec);
	memory_put(&m, 5061, T0, NULL);
	f = answer(&m, &q);
	assert_int_equal(f.num, 3);
	expect_finding(&f, 0, SEVERITY_WARNING, "likely-straggler", "what may be a predecessor");
	expect_finding(&f, 1, SEVERITY_UNKNOWN, "likely-straggler", "was not seen since");
	expect_finding(&f, 2, SEVERITY_UNKNOWN, "no-certificate", "was asked for pool.example");
	check_findings_fini(&f);
	renewed_fini(&renewed);
	memory_end(&m);
}

static void test_renewed_files(void **state)
{
	struct renewed renewed = { 0 };
	struct bytes der = spec_make(&new_spec);
	char why[4400];

	(void)state;
	assert_int_equal(renewed_add_bytes(&renewed, "x", bytes_of("", 0)), -EBADMSG);
	assert_int_equal(renewed_add_bytes(&renewed, "x", bytes_of("-----BEGIN CERTIFICATE-----\n", 28)), -EBADMSG);
	assert_int_equal(renewed_add_bytes(&renewed, "x", bytes_of(der.data, der.len / 2)), -EBADMSG);
	assert_int_equal(renewed_add_bytes(&renewed, "x", der), 0);
	assert_int_equal(renewed_add_bytes(&renewed, "again", der), 0);
	assert_int_equal(renewed.num, 1);
	assert_int_equal(renewed_add(&renewed, "/nonexistent/x.pem", why, sizeof(why)), -ENOENT);
	assert_int_equal(renewed_add(&renewed, "tests/unit", why, sizeof(why)), -EBADMSG);
	OPENSSL_free((void *)der.data);
	renewed_fini(&renewed);
}

static const struct cert_spec ca_spec = { .subject = "Issuing", .serial = 9, .constraints = "critical,CA:TRUE" };
/* A server's own, as openssl req -x509 makes it. */
static const struct cert_spec own_spec = { .subject = "own.example", .serial = 8, .san = "DNS:own.example",
					   .constraints = "critical,CA:TRUE" };

/* Adds a certificate to a text of PEM; NULL: a key, of which nothing is decoded. */
static void pem_put(FILE *out, const struct cert_spec *spec)
{
	const uint8_t *at;
	struct bytes der;
	X509 *x;

	if (!spec) {
		fputs("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", out);
		return;
	}
	der = spec_make(spec);
	at = der.data;
	x = d2i_X509(NULL, &at, (long)der.len);
	assert_int_equal(PEM_write_X509(out, x), 1);
	X509_free(x);
	OPENSSL_free((void *)der.data);
}

/* What is taken of a bundle that is named alone: by its serial. */
static void test_renewed_bundles(void **state)
{
	static const struct {
		const char *what;
		const struct cert_spec *blocks[5];
		size_t num;
		uint8_t serial;          /* 0: none */
	} cases[] = {
		{ "the leaf first", { &new_spec, &ca_spec, &old_spec }, 3, 2 },
		{ "a CA's first", { &ca_spec, &new_spec }, 2, 2 },
		{ "CAs around it", { &ca_spec, &ca_spec, &new_spec, &ca_spec }, 4, 2 },
		{ "which of two?", { &ca_spec, &new_spec, &old_spec }, 3, 9 },
		{ "a CA's alone", { &ca_spec }, 1, 9 },
		{ "a key before it", { NULL, &new_spec }, 2, 2 },
		{ "a key alone", { NULL }, 1, 0 },
		{ "a server's that says it is a CA's", { &own_spec, &new_spec }, 2, 8 },
	};
	size_t i, k, len;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct renewed renewed = { 0 };
		char *text = NULL;
		FILE *out = open_memstream(&text, &len);

		for (k = 0; k < cases[i].num; k++)
			pem_put(out, cases[i].blocks[k]);
		fclose(out);
		print_message("%s\n", cases[i].what);
		assert_int_equal(renewed_add_bytes(&renewed, "x.pem", bytes_of(text, len)),
				 cases[i].serial ? 0 : -EBADMSG);
		assert_int_equal(renewed.num, cases[i].serial != 0);
		if (cases[i].serial)
			assert_int_equal(renewed.certificates[0].x509->serial[0], cases[i].serial);
		renewed_fini(&renewed);
		free(text);
	}
}

/* As certbot leaves it: cert.pem, chain.pem, fullchain.pem, privkey.pem; and what else may lie about. */
static void test_renewed_folder(void **state)
{
	static const struct {
		const char *name, *said;
		const struct cert_spec *first, *second;
	} files[] = {
		{ "cert.pem", NULL, &new_spec, &ca_spec }, { "chain.pem", "its first certificate is a CA's", &ca_spec, &ca_spec },
		{ "fullchain.pem", NULL, &new_spec, &ca_spec }, { "privkey.pem", "it holds a private key", NULL, NULL },
		{ "combined.pem", "a private key comes first in it", NULL, &old_spec }, { "own.crt", NULL, &own_spec, &ca_spec },
	};
	char folder[] = "/tmp/certtap-test-XXXXXX", path[128], why[4400], *notes = NULL;
	struct renewed renewed = { 0 };
	size_t i, len;
	FILE *out;

	(void)state;
	assert_non_null(mkdtemp(folder));
	for (i = 0; i < ARRAY_SIZE(files); i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, files[i].name);
		out = fopen(path, "w");
		assert_non_null(out);
		pem_put(out, files[i].first);
		pem_put(out, files[i].second);
		fclose(out);
	}
	renewed.notes = open_memstream(&notes, &len);
	assert_int_equal(renewed_add(&renewed, folder, why, sizeof(why)), 0);
	fclose(renewed.notes);
	for (i = 0; i < ARRAY_SIZE(files); i++) {
		snprintf(path, sizeof(path), "%s/%s: skipped: %s\n", folder, files[i].name, files[i].said ? files[i].said : "");
		assert_int_equal(strstr(notes, path) != NULL, files[i].said != NULL);
		snprintf(path, sizeof(path), "%s/%s", folder, files[i].name);
		unlink(path);
	}
	rmdir(folder);
	assert_true(renewed.num >= 2);
	for (i = 0; i < renewed.num; i++)
		assert_true(renewed.certificates[i].x509->serial[0] == 2 || renewed.certificates[i].x509->serial[0] == 8);
	renewed_fini(&renewed);
	free(notes);
}

/* --- days, expectations, and all in one */

static void test_days(void **state)
{
	static const struct {
		int64_t now_s;
		enum severity severity;
		const char *part;
	} cases[] = {
		{ T0_S, SEVERITY_OK, "91 days left" },
		{ T0_S + 61 * 86400, SEVERITY_OK, "30 days left" },
		{ T0_S + 61 * 86400 + 1, SEVERITY_WARNING, "29 days left" },
		{ T0_S + 77 * 86400, SEVERITY_WARNING, "14 days left" },
		{ T0_S + 77 * 86400 + 1, SEVERITY_CRITICAL, "13 days left" },
		{ T0_S + 90 * 86400, SEVERITY_CRITICAL, "1 day left" },
		{ T0_S + 91 * 86400, SEVERITY_CRITICAL, "0 days left" },
		{ T0_S + 91 * 86400 + 1, SEVERITY_CRITICAL, "presents an expired certificate" },
	};
	struct world w;
	size_t i;

	(void)state;
	world_start(&w);
	showed(&w, at(&w, 443, NULL), 'A', 1, 0, 5);
	/* What was replaced does not count. */
	showed(&w, &w.endpoints[0], 'B', 0, 0, 0);
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct check_findings f = { 0 };

		check_days(&w.facts, 30, 14, cases[i].now_s, &f);
		assert_int_equal(f.num, 1);
		expect_finding(&f, 0, cases[i].severity, "days", cases[i].part);
		check_findings_fini(&f);
	}
}

static void test_days_option(void **state)
{
	int warning, critical;

	(void)state;
	assert_true(check_parse_days("30,14", &warning, &critical));
	assert_int_equal(warning, 30);
	assert_int_equal(critical, 14);
	assert_true(check_parse_days("7", &warning, &critical));
	assert_int_equal(critical, 7);
	assert_false(check_parse_days("14,30", &warning, &critical));
	assert_false(check_parse_days("", &warning, &critical));
	assert_false(check_parse_days("30,", &warning, &critical));
	assert_false(check_parse_days("30,14,7", &warning, &critical));
	assert_false(check_parse_days("-1", &warning, &critical));
	assert_false(check_parse_days("9999999", &warning, &critical));
}

/* Two processes at one port, one of which is renewed: each finding, and each rule, is of who presents that certificate. */
static void test_owners(void **state)
{
	static const char rules[] = "expect:\n  - where: {unit: old.service}\n    present: {min-days: 4000}\n";
	const struct check_question rest = { 0 };
	struct store_record_owner old_owner = { "pyold", "/old", "old.service", "" };
	struct store_record_owner new_owner = { "pynew", "/new", "new.service", "" };
	struct check_question q = { .expect = bytes_of(rules, strlen(rules)), .expect_name = "rules.yaml" };
	struct store_record old = record_of(T0, made(&old_spec)), new = record_of(T0 + MINUTE, made(&new_spec));
	struct check_findings f;
	struct memory m;
	int i;

	(void)state;
	memory_start(&m);
	old.owner = &old_owner;
	old.pid = 11;
	new.owner = &new_owner;
	new.pid = 22;
	new.started_ns = T0;
	for (i = 0; i < 2; i++) {
		assert_int_equal(put_one(m.writer, &old), 0);
		assert_int_equal(put_one(m.writer, &new), 0);
		old.first_ns = old.last_ns = T0 + 20 * MINUTE;
		new.first_ns = new.last_ns = T0 + 21 * MINUTE;
	}
	f = answer(&m, &q);
	assert_int_equal(f.num, 1);
	expect_finding(&f, 0, SEVERITY_CRITICAL, "min-days", "pyold, pid 11, old.service");
	check_findings_fini(&f);
	q = rest;
	f = answer(&m, &q);
	expect_finding(&f, 0, SEVERITY_CRITICAL, "straggler", ": pyold, pid 11, old.service; last");
	check_findings_fini(&f);
	/* A further process presents the same: it is said that there are several. */
	old.pid = 12;
	old.started_ns = T0;
	old.first_ns = old.last_ns = T0 + 22 * MINUTE;
	assert_int_equal(put_one(m.writer, &old), 0);
	f = answer(&m, &q);
	expect_finding(&f, 0, SEVERITY_CRITICAL, "straggler", "pyold, pid 12, old.service and others, running since");
	check_findings_fini(&f);
	memory_end(&m);
}

/* What was not seen since: who presented it then, and who is there now. */
static void test_restarted(void **state)
{
	struct check_endpoint *e;
	struct check_findings f;
	struct world w;

	(void)state;
	world_start(&w);
	showed(&w, at(&w, 443, NULL), 'A', 2, 60, 100);
	e = at(&w, 9808, NULL);
	showed(&w, e, 'A', 1, 0, 15);
	e->owner.pid = 900;
	e->owner.started_ns = T0 + 80 * MINUTE;
	e = at(&w, 9809, NULL);
	showed(&w, e, 'A', 1, 0, 15);
	e->owner = (struct store_owner){ 901, T0 + 80 * MINUTE, "other", "/opt/other", "other.service", "" };
	f = judged(&w, 0);
	expect_finding(&f, 0, SEVERITY_UNKNOWN, "not-seen-since", ": fabric, pid 812, fabric.service, restarted since it"
		       " was seen: fabric, pid 900, fabric.service, running since 2023-11-14T23:33:20Z; last");
	expect_finding(&f, 1, SEVERITY_UNKNOWN, "not-seen-since", ": fabric, pid 812, fabric.service, and since then other,"
		       " pid 901, other.service, running since");
	check_findings_fini(&f);
}

/* One address in two network namespaces: one is a straggler, the other is well. */
static void test_zones(void **state)
{
	const struct check_question rest = { 0 };
	struct check_question q = rest;
	struct store_record old = record_of(T0, made(&old_spec)), new = record_of(T0 + MINUTE, made(&new_spec));
	struct check_findings f;
	struct memory m;

	(void)state;
	memory_start(&m);
	old.server.zone = 7;
	new.server.zone = 9;
	assert_int_equal(put_one(m.writer, &old), 0);
	assert_int_equal(put_one(m.writer, &new), 0);
	old.first_ns = old.last_ns = T0 + 20 * MINUTE;
	assert_int_equal(put_one(m.writer, &old), 0);
	f = answer(&m, &q);
	assert_int_equal(f.sites, 2);
	assert_int_equal(f.num, 2);
	expect_finding(&f, 0, SEVERITY_CRITICAL, "straggler", "still presents the replaced");
	assert_string_equal(f.at[0].endpoint, "192.0.2.1%7:443/tcp");
	expect_finding(&f, 1, SEVERITY_OK, "straggler", "presents the newest");
	assert_string_equal(f.at[1].endpoint, "192.0.2.1%9:443/tcp");
	check_findings_fini(&f);
	memory_end(&m);
}

static void test_expect(void **state)
{
	static const char rules[] = "expect:\n  - where: {port: 443}\n    present: {min-days: 400}\n"
				    "  - where: {port: 9808}\n    present: {min-days: 1}\n"
				    "  - where: {port: 1}\n    present: {min-days: 1}\n";
	struct check_question q = { .expect = bytes_of(rules, strlen(rules)), .expect_name = "rules.yaml" };
	struct check_findings f;
	struct memory m;

	(void)state;
	memory_start(&m);
	memory_put(&m, 443, T0, &new_spec);
	memory_put(&m, 9808, T0, NULL);
	f = answer(&m, &q);
	assert_int_equal(f.num, 3);
	expect_finding(&f, 0, SEVERITY_CRITICAL, "min-days", "rules.yaml:3");
	assert_int_equal(f.at[0].line, 3);
	assert_string_equal(f.at[0].file, "rules.yaml");
	assert_int_equal(f.at[1].severity, SEVERITY_UNKNOWN);
	assert_string_equal(f.at[1].endpoint, "192.0.2.1:9808/tcp");
	expect_finding(&f, 2, SEVERITY_UNKNOWN, "unmatched", "rules.yaml:6");
	check_findings_fini(&f);
	memory_end(&m);
}

/* A gate opens when all is well; where nothing is known of the past, only after a straggler was seen. */
static void test_gate(void **state)
{
	struct check_gate known = { .quiet = true }, blind = { .quiet = true, .without_past = true };
	struct check_findings well = { .sites = 1, .renewed = 1 }, bad = { .sites = 1, .stragglers = 1 };
	struct check_findings nothing = { 0 };

	(void)state;
	check_findings_add(&well, SEVERITY_OK, "straggler", "192.0.2.1:443/tcp", "presents the renewed certificate");
	check_findings_add(&bad, SEVERITY_CRITICAL, "straggler", "192.0.2.1:443/tcp", "still presents");
	assert_true(check_gate_due(&known));
	assert_false(check_gate_look(&known, &nothing, check_gate_clock()));
	assert_false(check_gate_due(&known));
	assert_false(check_gate_look(&known, &bad, check_gate_clock()));
	assert_true(check_gate_look(&known, &well, check_gate_clock()));
	assert_false(check_gate_look(&blind, &well, check_gate_clock()));
	assert_false(check_gate_look(&blind, &bad, check_gate_clock()));
	assert_true(check_gate_look(&blind, &well, check_gate_clock()));
	assert_false(check_gate_time_over(&known));
	known.end_ns = 1;
	assert_true(check_gate_time_over(&known));
	check_findings_fini(&well);
	check_findings_fini(&bad);
}

static void test_nothing(void **state)
{
	struct status_value values[CHECK_VALUES_MAX];
	struct check_question q = { .renewed = NULL };
	struct status_report report;
	struct check_findings f;
	struct memory m;

	(void)state;
	memory_start(&m);
	f = answer(&m, &q);
	check_findings_report(&f, values, &report);
	assert_int_equal(status_overall(&report), SEVERITY_UNKNOWN);
	check_findings_fini(&f);
	/* Handshakes, but no certificate. */
	memory_put(&m, 443, T0, NULL);
	f = answer(&m, &q);
	expect_finding(&f, 0, SEVERITY_UNKNOWN, "no-certificate", "no endpoint showed a certificate");
	check_findings_fini(&f);
	memory_put(&m, 8443, T0, &new_spec);
	f = answer(&m, &q);
	check_findings_report(&f, values, &report);
	assert_int_equal(status_overall(&report), SEVERITY_OK);
	check_findings_fini(&f);
	memory_end(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_straggler), cmocka_unit_test(test_since), cmocka_unit_test(test_afterwards),
		cmocka_unit_test(test_hidden), cmocka_unit_test(test_names), cmocka_unit_test(test_renewed),
		cmocka_unit_test(test_likely), cmocka_unit_test(test_renewed_files), cmocka_unit_test(test_days),
		cmocka_unit_test(test_days_option), cmocka_unit_test(test_expect), cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_owners), cmocka_unit_test(test_restarted), cmocka_unit_test(test_zones),
		cmocka_unit_test(test_gate), cmocka_unit_test(test_same_leaf), cmocka_unit_test(test_by_turns),
		cmocka_unit_test(test_without_name), cmocka_unit_test(test_expired),
		cmocka_unit_test(test_renewed_bundles), cmocka_unit_test(test_renewed_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
