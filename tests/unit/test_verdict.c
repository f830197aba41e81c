/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Verdicts on chains that are made here, in the child and beside it, and beside `openssl verify` as a user would run
 * it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/verdict_certs.h"
#include "userspace/sandbox/sandbox.h"
#include "userspace/sandbox/sandbox_layers.h"
#include "userspace/verdict/verdict_parts.h"

#define YEAR 31536000

enum {
	ROOT, OTHER_ROOT, INTER, LEAF,
	WILD, ADDRESS, IDN, COMMON_NAME,              /* names */
	OLD_LEAF, OLD_INTER, OLD_INTER_LEAF, FUTURE, OLD_ROOT, OLD_ROOT_LEAF,
	SELF, FORGED, NO_CA, NO_CA_LEAF, SHORT_PATH, SHORT_INTER, SHORT_LEAF,
	NARROW, NARROW_LEAF, CLIENT, UNKNOWN_CRITICAL, SHA1_LEAF, SMALL_RSA,
	EXPLICIT, HUGE_RSA, MANY_EXTENSIONS, ED25519, DIRECT, ALONE_ROOT, ALONE_LEAF,
	LARGE_RSA, LARGE_CA, LARGE_CA_LEAF,
	NUM_MADE,
};

#define SERVER .purpose = "serverAuth", .san = "DNS:pool.example"

/* By place of the issuer; -1: itself. */
static const struct { int issuer; struct recipe recipe; } recipes[NUM_MADE] = {
	[ROOT] = { -1, { .name = "Root", .basic = CA, .usage = CA_USAGE } },
	[OTHER_ROOT] = { -1, { .name = "Other Root", .basic = CA, .usage = CA_USAGE } },
	[INTER] = { ROOT, { .name = "Issuing", .basic = CA, .usage = CA_USAGE } },
	[LEAF] = { INTER, { .name = "pool.example", SERVER } },
	[WILD] = { INTER, { .name = "w", .san = "DNS:*.pool.example" } },
	[ADDRESS] = { INTER, { .name = "a", .san = "IP:192.0.2.21,IP:2001:db8::1" } },
	[IDN] = { INTER, { .name = "i", .san = "DNS:xn--bcher-kva.example" } },
	[COMMON_NAME] = { INTER, { .name = "pool.example" } },
	[OLD_LEAF] = { INTER, { .name = "pool.example", .not_after = THEN + YEAR, SERVER } },
	[OLD_INTER] = { ROOT, { .name = "Old Issuing", .not_after = THEN + YEAR, .basic = CA, .usage = CA_USAGE } },
	[OLD_INTER_LEAF] = { OLD_INTER, { .name = "pool.example", SERVER } },
	[FUTURE] = { INTER, { .name = "pool.example", .not_before = THEN + YEAR, SERVER } },
	[OLD_ROOT] = { -1, { .name = "Old Root", .not_after = THEN + YEAR, .basic = CA, .usage = CA_USAGE } },
	[OLD_ROOT_LEAF] = { OLD_ROOT, { .name = "pool.example", SERVER } },
	[SELF] = { -1, { .name = "pool.example", .san = "DNS:pool.example" } },
	[FORGED] = { INTER, { .name = "pool.example", .forged = true, SERVER } },
	[NO_CA] = { ROOT, { .name = "No CA", .basic = "critical,CA:FALSE" } },
	[NO_CA_LEAF] = { NO_CA, { .name = "pool.example", SERVER } },
	[SHORT_PATH] = { ROOT, { .name = "Short", .basic = "critical,CA:TRUE,pathlen:0", .usage = CA_USAGE } },
	[SHORT_INTER] = { SHORT_PATH, { .name = "Below Short", .basic = CA, .usage = CA_USAGE } },
	[SHORT_LEAF] = { SHORT_INTER, { .name = "pool.example", SERVER } },
	[NARROW] = { ROOT, { .name = "Narrow", .basic = CA, .usage = CA_USAGE,
			     .constraints = "critical,permitted;DNS:other.example" } },
	[NARROW_LEAF] = { NARROW, { .name = "x", .san = "DNS:pool.example" } },
	[CLIENT] = { INTER, { .name = "user", .purpose = "clientAuth" } },
	[UNKNOWN_CRITICAL] = { INTER, { .name = "pool.example", .extensions = 1, .critical = true, SERVER } },
	[SHA1_LEAF] = { INTER, { .name = "pool.example", SERVER } },
	[SMALL_RSA] = { INTER, { .name = "pool.example", SERVER } },
	[EXPLICIT] = { INTER, { .name = "pool.example", SERVER } },
	[HUGE_RSA] = { INTER, { .name = "pool.example", SERVER } },
	[MANY_EXTENSIONS] = { INTER, { .name = "pool.example", .extensions = 100, SERVER } },
	[ED25519] = { INTER, { .name = "pool.example", SERVER } },
	[DIRECT] = { ROOT, { .name = "pool.example", SERVER } },
	[ALONE_ROOT] = { -1, { .name = "Root", .basic = CA, .usage = CA_USAGE } },
	[ALONE_LEAF] = { ALONE_ROOT, { .name = "pool.example", SERVER } },
	[LARGE_RSA] = { INTER, { .name = "pool.example", SERVER } },
	[LARGE_CA] = { ROOT, { .name = "Large", .basic = CA, .usage = CA_USAGE } },
	[LARGE_CA_LEAF] = { LARGE_CA, { .name = "pool.example", .forged = true, SERVER } },
};

static struct made made[NUM_MADE];
static char ca_path[64];
static struct trust *trust;

#define END (-1)

struct test_case {
	const char *what;
	int chain[6];                    /* ends with END */
	const char *name;
	enum verdict_trust then, now;
	const char *notes;
};

#define T VERDICT_TRUSTED
#define U VERDICT_UNTRUSTED
#define X VERDICT_COULD_NOT_TELL

static const struct test_case cases[] = {
	{ "good", { LEAF, INTER, END }, "pool.example", T, T, "" },
	{ "good, no name asked for", { LEAF, INTER, END }, "", T, T, "" },
	{ "directly by the root", { DIRECT, END }, "pool.example", T, T, "" },
	{ "an Ed25519 key", { ED25519, INTER, END }, "pool.example", T, T, "" },
	{ "root included", { LEAF, INTER, ROOT, END }, "pool.example", T, T, "root-included@2" },
	{ "reversed", { ROOT, INTER, LEAF, END }, "", U, U,
	  "not-leaf-first@0 out-of-order@1 out-of-order@2 purpose@0" },
	{ "intermediates in the wrong order", { SHORT_LEAF, SHORT_PATH, SHORT_INTER, END }, "pool.example", U, U,
	  "out-of-order@0 out-of-order@2 path-length@1" },
	{ "missing intermediate", { LEAF, END }, "pool.example", U, U, "missing-intermediate@0" },
	{ "missing intermediate, root included", { LEAF, ROOT, END }, "pool.example", U, U,
	  "root-included@1 unrelated@1 missing-intermediate@0" },
	{ "missing link between", { SHORT_LEAF, SHORT_INTER, ROOT, END }, "pool.example", U, U,
	  "root-included@2 unrelated@2 missing-intermediate@1" },
	{ "an issuer that nobody trusts", { ALONE_LEAF, END }, "pool.example", U, U, "missing-intermediate@0" },
	{ "a root that nobody trusts", { ALONE_LEAF, ALONE_ROOT, END }, "pool.example", U, U,
	  "root-included@1 untrusted-root@1" },
	{ "duplicates", { LEAF, LEAF, INTER, INTER, END }, "pool.example", T, T, "duplicate@1 duplicate@3" },
	{ "one that is not needed", { LEAF, INTER, OTHER_ROOT, END }, "pool.example", T, T,
	  "root-included@2 unrelated@2" },
	{ "self-signed", { SELF, END }, "pool.example", U, U, "self-signed@0" },
	{ "expired", { OLD_LEAF, INTER, END }, "pool.example", T, U, "expired@0:now" },
	{ "expired intermediate", { OLD_INTER_LEAF, OLD_INTER, END }, "pool.example", T, U,
	  "expired-intermediate@1:now" },
	{ "expired root in the store", { OLD_ROOT_LEAF, END }, "pool.example", T, U, "expired-root@-1:now" },
	{ "not yet valid", { FUTURE, INTER, END }, "pool.example", U, T, "not-yet-valid@0:then" },
	{ "wrong name", { LEAF, INTER, END }, "other.example", U, U, "name-mismatch@0" },
	{ "name with a zero byte", { LEAF, INTER, END }, "pool.example%00", U, U, "name-mismatch@0" },
	{ "wildcard", { WILD, INTER, END }, "a.pool.example", T, T, "" },
	{ "wildcard, no label", { WILD, INTER, END }, "pool.example", U, U, "name-mismatch@0" },
	{ "wildcard, two labels", { WILD, INTER, END }, "a.b.pool.example", U, U, "name-mismatch@0" },
	{ "address", { ADDRESS, INTER, END }, "192.0.2.21", T, T, "" },
	{ "address, IPv6", { ADDRESS, INTER, END }, "2001:db8::1", T, T, "" },
	{ "wrong address", { ADDRESS, INTER, END }, "192.0.2.22", U, U, "name-mismatch@0" },
	{ "IDN", { IDN, INTER, END }, "xn--bcher-kva.example", T, T, "" },
	{ "IDN in UTF-8", { IDN, INTER, END }, "b\xc3\xbc" "cher.example", T, T, "" },
	{ "IDN, another", { IDN, INTER, END }, "b\xc3\xb6" "cher.example", U, U, "name-mismatch@0" },
	{ "name as the common name", { COMMON_NAME, INTER, END }, "pool.example", T, T, "name-in-cn-only@0" },
	{ "forged", { FORGED, INTER, END }, "pool.example", U, U, "bad-signature@0" },
	{ "issued by a leaf", { NO_CA_LEAF, NO_CA, END }, "pool.example", U, U, "not-a-ca@1" },
	{ "path too long", { SHORT_LEAF, SHORT_INTER, SHORT_PATH, END }, "pool.example", U, U, "path-length@2" },
	{ "name constraints", { NARROW_LEAF, NARROW, END }, "pool.example", U, U, "name-constraints@0" },
	{ "a client's certificate", { CLIENT, INTER, END }, "", U, U, "purpose@0" },
	{ "unknown critical extension", { UNKNOWN_CRITICAL, INTER, END }, "pool.example", U, U,
	  "critical-extension@0" },
	{ "SHA-1", { SHA1_LEAF, INTER, END }, "pool.example", T, T, "weak-signature@0" },
	{ "RSA of 1024 bits", { SMALL_RSA, INTER, END }, "pool.example", T, T, "weak-key@0" },
	{ "explicit curve", { EXPLICIT, INTER, END }, "pool.example", X, X, "unsuitable@0" },
	{ "RSA of 16,384 bits", { LARGE_RSA, INTER, END }, "pool.example", T, T, "" },
	{ "issued by RSA of 16,384 bits", { LARGE_CA_LEAF, LARGE_CA, END }, "pool.example", U, U, "bad-signature@0" },
	{ "RSA of 16,392 bits", { HUGE_RSA, INTER, END }, "pool.example", X, X, "unsuitable@0" },
	{ "100 extensions", { MANY_EXTENSIONS, INTER, END }, "pool.example", X, X, "unsuitable@0" },
	{ "unsuitable beside", { LEAF, INTER, HUGE_RSA, END }, "pool.example", T, T, "unrelated@2 unsuitable@2" },
	{ "unsuitable where one is missing", { LEAF, HUGE_RSA, END }, "pool.example", X, X,
	  "unrelated@1 unsuitable@1 missing-intermediate@0" },
};

/* --- the chains */

static void make_all(void)
{
	EVP_PKEY *keys[NUM_MADE] = {
		[SMALL_RSA] = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)1024),
		[EXPLICIT] = explicit_ec(), [HUGE_RSA] = rsa_of(16392), [LARGE_RSA] = rsa_of(16384),
		[LARGE_CA] = rsa_of(16384), [LARGE_CA_LEAF] = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048),
		[ED25519] = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"),
	};
	int i;

	for (i = 0; i < NUM_MADE; i++) {
		struct recipe r = recipes[i].recipe;

		r.issuer = recipes[i].issuer < 0 ? NULL : &made[recipes[i].issuer];
		r.key = keys[i];
		if (i == SHA1_LEAF)
			r.digest = EVP_sha1();
		made[i] = make(&r);
		EVP_PKEY_free(keys[i]);
	}
}

static void write_pem(const char *path, const int *which)
{
	FILE *out = fopen(path, "w");

	assert_non_null(out);
	for (; *which != END; which++)
		PEM_write_X509(out, made[*which].cert);
	fclose(out);
}

static int make_chains(void **state)
{
	const int roots[] = { ROOT, OLD_ROOT, END };
	char why[256];
	int fd;

	(void)state;
	make_all();
	strcpy(ca_path, "/tmp/certtap-verdict-XXXXXX");
	fd = mkstemp(ca_path);
	if (fd < 0)
		return -1;
	close(fd);
	write_pem(ca_path, roots);
	return x509_init() && trust_open(ca_path, &trust, why, sizeof(why)) == 0 ? 0 : -1;
}

static int free_chains(void **state)
{
	int i;

	(void)state;
	unlink(ca_path);
	trust_free(trust);
	for (i = 0; i < NUM_MADE; i++)
		made_free(&made[i]);
	return 0;
}

/* "expired@0:now root-included@2" */
static const char *notes_text(const struct verdict *v)
{
	static char text[4096];
	size_t at = 0;
	unsigned int i;

	text[0] = '\0';
	for (i = 0; i < v->num_notes; i++)
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%s@%d%s", i ? " " : "",
				       verdict_finding_name(v->notes[i].what), v->notes[i].certificate,
				       v->notes[i].when == VERDICT_THEN ? ":then" :
				       v->notes[i].when == VERDICT_NOW ? ":now" : "");
	return text;
}

static void expect_verdict(const char *what, const struct verdict *v, enum verdict_trust then,
			   enum verdict_trust now, const char *notes)
{
	if (v->then == then && v->now == now && strcmp(notes_text(v), notes) == 0)
		return;
	fail_msg("%s: then %s, now %s: '%s', not '%s'", what, verdict_trust_name(v->then),
		 verdict_trust_name(v->now), notes_text(v), notes);
}

/* A zero byte is written as %00. */
static struct bytes name_bytes(const char *name)
{
	size_t len = strlen(name);

	return len > 3 && strcmp(name + len - 3, "%00") == 0 ? bytes_of("pool.example", 13) : bytes_of(name, len);
}

static struct verdict_request request_of(const struct test_case *c, struct bytes ders[6])
{
	struct verdict_request r = { .ders = ders, .name = name_bytes(c->name), .then_s = THEN, .now_s = NOW };

	while (c->chain[r.num] != END) {
		ders[r.num] = made[c->chain[r.num]].der;
		r.num++;
	}
	return r;
}

/* --- tests */

static void test_here(void **state)
{
	struct bytes ders[6];
	struct verdict v;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct verdict_request r = request_of(&cases[i], ders);

		verdict_judge_here(trust, &r, &v);
		expect_verdict(cases[i].what, &v, cases[i].then, cases[i].now, cases[i].notes);
	}
}

/* The same in the child, in more than one batch. */
static void test_in_child(void **state)
{
	enum { ROUNDS = 12 };
	static struct bytes ders[ARRAY_SIZE(cases)][6];
	const size_t num = ROUNDS * ARRAY_SIZE(cases);
	struct verdict_request *r = calloc(num, sizeof(*r));
	struct verdict *v = calloc(num, sizeof(*v));
	struct timespec a, b;
	size_t i;

	(void)state;
	assert_true(r && v);
	for (i = 0; i < num; i++)
		r[i] = request_of(&cases[i % ARRAY_SIZE(cases)], ders[i % ARRAY_SIZE(cases)]);
	clock_gettime(CLOCK_MONOTONIC, &a);
	assert_int_equal(verdict_judge(trust, r, num, v), 0);
	clock_gettime(CLOCK_MONOTONIC, &b);
	print_message("# %zu verdicts in %.3f s\n", num,
		      (double)(b.tv_sec - a.tv_sec) + (double)(b.tv_nsec - a.tv_nsec) / 1e9);
	for (i = 0; i < num; i++)
		expect_verdict(cases[i % ARRAY_SIZE(cases)].what, &v[i], cases[i % ARRAY_SIZE(cases)].then,
			       cases[i % ARRAY_SIZE(cases)].now, cases[i % ARRAY_SIZE(cases)].notes);
	free(r);
	free(v);
}

static struct verdict judge(const struct bytes *ders, size_t num, bool partial)
{
	struct verdict_request r = { .ders = ders, .num = num, .partial = partial, .then_s = THEN, .now_s = NOW };
	struct verdict v;

	assert_int_equal(verdict_judge(trust, &r, 1, &v), 0);
	return v;
}

/* Nothing, garbage, cut, a chain without end. */
static void test_odd_chains(void **state)
{
	struct bytes many[200], leaf = made[LEAF].der, odd[2] = { bytes_of("\x30\x80garbage", 9), made[INTER].der };
	struct verdict v = judge(NULL, 0, false);
	size_t i;

	(void)state;
	expect_verdict("empty", &v, X, X, "incomplete@-1");
	v = judge(odd, 2, false);
	expect_verdict("garbage", &v, X, X, "unsuitable@0");
	odd[0] = bytes_of(leaf.data, leaf.len - 1);
	v = judge(odd, 2, false);
	expect_verdict("cut", &v, X, X, "unsuitable@0");
	v = judge(&leaf, 1, true);
	expect_verdict("partial", &v, X, X, "incomplete@-1 missing-intermediate@0");
	many[0] = leaf;
	for (i = 1; i < 128; i++)
		many[i] = made[INTER].der;
	v = judge(many, 128, false);
	assert_int_equal(v.now, T);
	assert_int_equal(v.num_notes, VERDICT_NOTES_MAX);
	assert_int_equal(v.notes_dropped, 126 - VERDICT_NOTES_MAX);
	for (; i < 200; i++)
		many[i] = made[ROOT].der;
	v = judge(many, 200, false);
	assert_int_equal(v.notes[0].what, VERDICT_INCOMPLETE);
	assert_int_equal(v.now, T);
}

/* 128 different certificates, each issued by the next: deeper than is followed, and with more than OpenSSL is given. */
static void test_deep(void **state)
{
	static struct made deep[128];
	struct bytes ders[128];
	struct verdict v;
	char name[16];
	int i;

	(void)state;
	for (i = 127; i >= 0; i--) {
		struct recipe r = { .name = name, .issuer = i == 127 ? &made[ROOT] : &deep[i + 1],
				    .basic = i ? CA : NULL };

		snprintf(name, sizeof(name), "Deep %d", i);
		deep[i] = make(&r);
		ders[i] = deep[i].der;
	}
	v = judge(ders, 128, false);
	assert_int_equal(v.now, U);
	v = judge(ders + 117, 11, false);
	expect_verdict("10 intermediates", &v, T, T, "");
	v = judge(ders + 116, 12, false);
	assert_int_equal(v.now, U);
	for (i = 0; i < 128; i++)
		made_free(&deep[i]);
}

/* Every byte of a leaf, broken: a verdict each time, and never trust in what was not signed so. */
static void test_broken_bytes(void **state)
{
	struct bytes good = made[LEAF].der;
	struct bytes (*ders)[2] = calloc(good.len, sizeof(*ders));
	struct verdict_request *r = calloc(good.len, sizeof(*r));
	struct verdict *v = calloc(good.len, sizeof(*v));
	uint8_t *copies = malloc(good.len * good.len);
	size_t i;

	(void)state;
	assert_true(ders && r && v && copies);
	for (i = 0; i < good.len; i++) {
		uint8_t *copy = copies + i * good.len;

		memcpy(copy, good.data, good.len);
		copy[i] ^= 0x81;
		ders[i][0] = bytes_of(copy, good.len);
		ders[i][1] = made[INTER].der;
		r[i] = (struct verdict_request){ .ders = ders[i], .num = 2, .then_s = THEN, .now_s = NOW };
	}
	assert_int_equal(verdict_judge(trust, r, good.len, v), 0);
	for (i = 0; i < good.len; i++)
		if (v[i].now == T)
			fail_msg("byte %zu broken, and trusted", i);
	free(ders);
	free(r);
	free(v);
	free(copies);
}

/* "DNS:aaaa.example,DNS:aaab.example ..." */
static char *many_names(const char *prefix, const char *suffix, int num)
{
	char *text = malloc((size_t)num * 64);
	size_t at = 0;
	int i;

	assert_non_null(text);
	for (i = 0; i < num; i++)
		at += (size_t)sprintf(text + at, "%s%s%x%s", i ? "," : "", prefix, 0x1000 + i, suffix);
	return text;
}

/* Names times constraints, as many as the bounds let through (CVE-2022-4203 and its kin): it ends, and soon. */
static void test_names_times_constraints(void **state)
{
	char *constraints = many_names("permitted;DNS:", ".e", 1000), *names = many_names("DNS:a.", ".f", 1000);
	struct made ca = make(&(struct recipe){ .name = "Constrained", .issuer = &made[ROOT], .basic = CA,
						.usage = CA_USAGE, .constraints = constraints });
	struct made leaf = make(&(struct recipe){ .name = "x", .issuer = &ca, .san = names });
	struct bytes ders[] = { leaf.der, ca.der };
	struct timespec a, b;
	struct verdict v;

	(void)state;
	assert_true(ca.der.len > 10000 && leaf.der.len > 10000);
	clock_gettime(CLOCK_MONOTONIC, &a);
	v = judge(ders, 2, false);
	clock_gettime(CLOCK_MONOTONIC, &b);
	print_message("# 1000 names, 1000 constraints: %.3f s, %s\n",
		      (double)(b.tv_sec - a.tv_sec) + (double)(b.tv_nsec - a.tv_nsec) / 1e9, notes_text(&v));
	assert_int_equal(v.now, U);
	assert_true(b.tv_sec - a.tv_sec < 20);
	made_free(&leaf);
	made_free(&ca);
	free(constraints);
	free(names);
}

/* Chains that kill whoever looks at them (here: memory that may not be read) are told so, and the others judged. */
static void test_deadly(void **state)
{
	enum { NUM = 60 };
	struct verdict_request r[NUM];
	struct verdict v[NUM];
	struct bytes good[] = { made[LEAF].der, made[INTER].der }, deadly;
	void *page;
	int i;

	(void)state;
	if (SANDBOX_SANITIZED) {
		print_message("a sanitizer reports what dies\n");
		skip();
	}
	page = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(page != MAP_FAILED);
	deadly = bytes_of(page, 4096);
	for (i = 0; i < NUM; i++) {
		bool bad = i == 1 || i >= 10;

		r[i] = (struct verdict_request){ .ders = bad ? &deadly : good, .num = bad ? 1 : 2, .then_s = THEN, .now_s = NOW };
	}
	assert_int_equal(verdict_judge(trust, r, NUM, v), 0);
	for (i = 0; i < NUM; i++)
		expect_verdict("deadly", &v[i], r[i].num == 1 ? X : T, r[i].num == 1 ? X : T,
			       r[i].num == 1 ? "gave-up@-1" : "");
	munmap(page, 4096);
}

static void test_roles_and_times(void **state)
{
	struct bytes ders[] = { made[CLIENT].der, made[INTER].der };
	struct verdict_request r = { .ders = ders, .num = 2, .role = ROLE_CLIENT, .then_s = VERDICT_NO_TIME,
				     .now_s = NOW, .name = bytes_of("pool.example", 12) };
	struct verdict v;

	(void)state;
	verdict_judge_here(trust, &r, &v);
	expect_verdict("a client", &v, X, T, "");
	/* Without a store the bytes still speak. */
	verdict_judge_here(NULL, &r, &v);
	expect_verdict("no store", &v, X, X, "no-store@-1");
	ders[0] = made[OLD_LEAF].der;
	r.role = ROLE_SERVER;
	r.then_s = THEN;
	verdict_judge_here(NULL, &r, &v);
	expect_verdict("no store, expired", &v, X, U, "expired@0:now no-store@-1");
}

static void test_host(void **state)
{
	static const struct { const char *in, *want; } names[] = {
		{ "pool.example", "pool.example" }, { "pool.example.", "pool.example." },
		{ "192.0.2.1", "192.0.2.1" }, { "::1", "::1" },
		{ "b\xc3\xbc" "cher.example", "xn--bcher-kva.example" },
		{ "m\xc3\xbcnchen.\xe4\xbe\x8b\xe3\x81\x88.\xe3\x83\x86\xe3\x82\xb9\xe3\x83\x88",
		  "xn--mnchen-3ya.xn--r8jz45g.xn--zckzah" },
		/* RFC 3492 section 7.1 (L) and (S) */
		{ "3\xe5\xb9\xb4" "B\xe7\xb5\x84\xe9\x87\x91\xe5\x85\xab\xe5\x85\x88\xe7\x94\x9f", "xn--3B-ww4c5e180e575a65lsy2b" },
		{ "", NULL }, { "\xff.example", NULL },
	};
	char host[VERDICT_HOST_SIZE], longer[600];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		bool ok = verdict_host(bytes_of(names[i].in, strlen(names[i].in)), host);

		assert_int_equal(ok, names[i].want != NULL);
		if (ok)
			assert_string_equal(host, names[i].want);
	}
	for (i = 0; i + 1 < sizeof(longer); i += 2)
		memcpy(longer + i, "\xc3\xbc", 2);
	assert_false(verdict_host(bytes_of(longer, sizeof(longer)), host));
	for (i = 0; i < sizeof(longer); i += 50)
		longer[i] = '.';
	assert_false(verdict_host(bytes_of(longer, sizeof(longer)), host));
	assert_false(verdict_host(bytes_of("a\0b", 3), host));
}

static void test_words(void **state)
{
	struct verdict_note n = { .what = VERDICT_UNSUITABLE };
	int i;

	(void)state;
	for (i = 0; i < NUM_VERDICT_FINDINGS; i++) {
		assert_true(strlen(verdict_finding_name((enum verdict_finding)i)) > 3);
		assert_true(strlen(verdict_finding_text((enum verdict_finding)i)) > 10);
	}
	for (i = FIT + 1; i < NUM_UNFIT; i++) {
		n.detail = i;
		assert_non_null(verdict_detail(&n));
	}
	n.detail = FIT;
	assert_null(verdict_detail(&n));
	n.detail = VERDICT_DETAIL_OPENSSL + 9999;
	assert_non_null(verdict_detail(&n));
}

static void test_stores(void **state)
{
	struct trust *t = NULL;
	char why[256] = "";

	(void)state;
	assert_int_equal(trust_num(trust), 2);
	assert_string_equal(trust_origin(trust), ca_path);
	assert_int_equal(trust_open("/nonexistent/ca.pem", &t, why, sizeof(why)), -ENOENT);
	assert_non_null(strstr(why, "/nonexistent/ca.pem: No such file"));
	assert_int_equal(trust_open("/dev/null", &t, why, sizeof(why)), -EBADMSG);
	assert_null(t);
	/* This host's, where it has one. */
	if (trust_open(NULL, &t, why, sizeof(why)) == 0) {
		print_message("# %zu roots from %s\n", trust_num(t), trust_origin(t));
		assert_true(trust_num(t) > 0);
		trust_free(t);
	}
	assert_int_equal(setenv("SSL_CERT_FILE", ca_path, 1) | setenv("SSL_CERT_DIR", "/nonexistent", 1), 0);
	assert_int_equal(trust_open(NULL, &t, why, sizeof(why)), 0);
	assert_int_equal(trust_num(t), 2);
	trust_free(t);
	unsetenv("SSL_CERT_FILE");
	unsetenv("SSL_CERT_DIR");
}

/* A process that is confined can make no child, and is told so. */
static void test_confined(void **state)
{
	struct sandbox_options options = SANDBOX_OPTIONS_DEFAULT;
	struct bytes ders[] = { made[LEAF].der, made[INTER].der };
	struct verdict_request r = { .ders = ders, .num = 2, .then_s = THEN, .now_s = NOW };
	struct verdict v;
	char why[256];
	int status = -1;
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		if (sandbox_enter(&options, why, sizeof(why)) != 0 ||
		    verdict_judge(trust, &r, 1, &v) >= 0 || v.now != X)
			_exit(1);
		verdict_judge_here(trust, &r, &v);
		_exit(v.now == T ? 0 : 2);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* --- beside openssl verify */

static bool openssl_says(const struct test_case *c, int64_t at_s)
{
	char leaf[80], others[80], command[1024];
	const int first[] = { c->chain[0], END };
	bool address = strspn(c->name, "0123456789.:abcdf") == strlen(c->name);
	int status;

	snprintf(leaf, sizeof(leaf), "%s.leaf", ca_path);
	snprintf(others, sizeof(others), "%s.others", ca_path);
	write_pem(leaf, first);
	write_pem(others, c->chain + 1);
	snprintf(command, sizeof(command),
		 "openssl verify -no-CApath -no-CAstore -CAfile %s %s %s -purpose sslserver -attime %lld %s %s %s "
		 ">/dev/null 2>&1", ca_path, c->chain[1] == END ? "" : "-untrusted", c->chain[1] == END ? "" : others,
		 (long long)at_s, !c->name[0] ? "" : address ? "-verify_ip" : "-verify_hostname", c->name, leaf);
	status = system(command);
	unlink(leaf);
	unlink(others);
	return status == 0;
}

/* Where we do not say that we cannot tell, and it cannot be asked otherwise: names in UTF-8, with zero bytes. */
static void test_beside_openssl(void **state)
{
	size_t i, compared = 0;

	(void)state;
	if (system("openssl version >/dev/null 2>&1") != 0) {
		print_message("there is no openssl program\n");
		skip();
	}
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct test_case *c = &cases[i];
		const char *p = c->name;

		while (*p > 0 && *p != '%')
			p++;
		if (c->now == X || *p)
			continue;
		if (openssl_says(c, THEN) != (c->then == T) || openssl_says(c, NOW) != (c->now == T))
			fail_msg("openssl verify does not agree: %s", c->what);
		compared++;
	}
	print_message("# %zu chains, twice\n", compared);
	assert_true(compared > 30);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_here),
		cmocka_unit_test(test_in_child),
		cmocka_unit_test(test_odd_chains),
		cmocka_unit_test(test_deep),
		cmocka_unit_test(test_broken_bytes),
		cmocka_unit_test(test_names_times_constraints),
		cmocka_unit_test(test_deadly),
		cmocka_unit_test(test_roles_and_times),
		cmocka_unit_test(test_host),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_stores),
		cmocka_unit_test(test_confined),
		cmocka_unit_test(test_beside_openssl),
	};

	return cmocka_run_group_tests(tests, make_chains, free_chains);
}
