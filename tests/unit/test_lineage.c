/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "tests/unit/store_build.h"

static const struct cert_spec plain = { .san = "DNS:a.example,DNS:b.example" };

struct read {
	struct bytes der;
	struct x509 x509;
	struct lineage lineage;
};

static struct read read_spec(const struct cert_spec *spec)
{
	struct read r = { .der = spec_make(spec) };

	x509_read(r.der, false, &r.x509);
	lineage_of(&r.x509, &r.lineage);
	return r;
}

static void read_fini(struct read *r)
{
	OPENSSL_free((void *)r->der.data);
}

struct key_case {
	const char *name;
	struct cert_spec a, b;
	bool same;
};

static const struct key_case key_cases[] = {
	{ "a renewal", { .san = "DNS:a.example", .serial = 1 },
	  { .san = "DNS:a.example", .serial = 2, .issuer = "Other", .until_s = T0_S + 200 * 86400 }, true },
	{ "order", { .san = "DNS:a.example,DNS:b.example" }, { .san = "DNS:b.example,DNS:a.example" }, true },
	{ "case", { .san = "DNS:A.Example" }, { .san = "DNS:a.eXample" }, true },
	{ "a dot at the end", { .san = "DNS:a.example." }, { .san = "DNS:a.example" }, true },
	{ "twice", { .san = "DNS:a.example,DNS:a.example" }, { .san = "DNS:a.example" }, true },
	{ "the subject beside names", { .subject = "one", .san = "DNS:a.example" },
	  { .subject = "two", .san = "DNS:a.example" }, true },
	{ "clientAuth beside serverAuth", { .san = "DNS:a.example", .purposes = "serverAuth,clientAuth" },
	  { .san = "DNS:a.example", .purposes = "serverAuth" }, true },
	{ "a further name", { .san = "DNS:a.example" }, { .san = "DNS:a.example,DNS:b.example" }, false },
	{ "another name", { .san = "DNS:a.example" }, { .san = "DNS:b.example" }, false },
	{ "another kind", { .san = "DNS:a.example" }, { .san = "URI:a.example" }, false },
	{ "an address", { .san = "IP:192.0.2.1" }, { .san = "IP:192.0.2.2" }, false },
	{ "subjects without names", { .subject = "one" }, { .subject = "two" }, false },
	{ "the same subject", { .subject = "one" }, { .subject = "one", .serial = 9 }, true },
	{ "names and none", { .subject = "a.example" }, { .subject = "a.example", .san = "DNS:a.example" }, false },
	{ "key usage", { .san = "DNS:a.example", .usage = "digitalSignature" },
	  { .san = "DNS:a.example", .usage = "digitalSignature,keyEncipherment" }, false },
	{ "purpose", { .san = "DNS:a.example", .purposes = "clientAuth" },
	  { .san = "DNS:a.example", .purposes = "serverAuth" }, false },
	{ "a CA", { .subject = "one", .constraints = "CA:TRUE" }, { .subject = "one", .constraints = "CA:FALSE" },
	  false },
};

static void test_keys(void **state)
{
	struct read a, b;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(key_cases); i++) {
		a = read_spec(&key_cases[i].a);
		b = read_spec(&key_cases[i].b);
		if ((memcmp(a.lineage.key, b.lineage.key, 32) == 0) != key_cases[i].same)
			fail_msg("%s", key_cases[i].name);
		assert_true(a.lineage.sure && b.lineage.sure);
		read_fini(&a);
		read_fini(&b);
	}
}

/* Names beyond those that are kept count too. */
static void test_many_names(void **state)
{
	size_t len = 0, size = 400 * 24, i;
	char *names[3];
	struct cert_spec spec = { 0 };
	struct read r[3];
	unsigned int n, last;

	(void)state;
	for (n = 0; n < 3; n++) {
		names[n] = malloc(size);
		for (len = 0, i = 0; i < 300; i++) {
			/* The second has the order turned, the third another last name. */
			last = (unsigned int)(n == 1 ? 299 - i : i);
			len += (size_t)snprintf(names[n] + len, size - len, "%sDNS:n%u.example", i ? "," : "",
						n == 2 && i == 299 ? 999 : last);
		}
		spec.san = names[n];
		r[n] = read_spec(&spec);
		assert_int_equal(r[n].x509.san_total, 300);
		assert_int_equal(r[n].x509.san_count, X509_SAN_MAX);
		assert_true(r[n].lineage.sure);
	}
	assert_memory_equal(r[0].lineage.key, r[1].lineage.key, 32);
	assert_memory_not_equal(r[0].lineage.key, r[2].lineage.key, 32);
	for (n = 0; n < 3; n++) {
		read_fini(&r[n]);
		free(names[n]);
	}
}

/* What cannot be read stands for itself alone. */
static void test_not_sure(void **state)
{
	static const uint8_t garbage[] = { 1, 2, 3 };
	const struct cert_spec nameless = { .subject = "" };
	struct read r = read_spec(&plain);
	struct lineage lineage;
	struct x509 x509;

	(void)state;
	x509_read(bytes_of(garbage, sizeof(garbage)), false, &x509);
	lineage_of(&x509, &lineage);
	assert_false(lineage.sure);
	assert_memory_equal(lineage.key, x509.sha256, 32);
	x509_read(bytes_of(r.der.data, r.der.len - 5), true, &x509);
	lineage_of(&x509, &lineage);
	assert_false(lineage.sure);
	read_fini(&r);
	r = read_spec(&nameless);
	assert_false(r.lineage.sure);
	read_fini(&r);
}

static void test_order(void **state)
{
	const struct cert_spec specs[] = {
		{ .from_s = T0_S, .until_s = T0_S + 100, .serial = 5 },
		{ .from_s = T0_S + 1, .until_s = T0_S + 50, .serial = 1 },
		{ .from_s = T0_S + 1, .until_s = T0_S + 60, .serial = 1 },
		{ .from_s = T0_S + 1, .until_s = T0_S + 60, .serial = 2 },
		{ .from_s = T0_S + 1, .until_s = T0_S + 60, .serial = 300 },
	};
	struct lineage_place unknown = { 0 }, a, b;
	struct read r[ARRAY_SIZE(specs)];
	size_t i, j;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(specs); i++)
		r[i] = read_spec(&specs[i]);
	for (i = 0; i < ARRAY_SIZE(specs); i++) {
		for (j = 0; j < ARRAY_SIZE(specs); j++) {
			a = lineage_place_of(&r[i].x509);
			b = lineage_place_of(&r[j].x509);
			assert_int_equal(lineage_compare(&a, &b), i < j ? LINEAGE_OLDER :
								   i > j ? LINEAGE_NEWER : LINEAGE_SAME);
		}
	}
	assert_int_equal(lineage_compare(&unknown, &unknown), LINEAGE_SAME);
	for (i = 0; i < ARRAY_SIZE(specs); i++)
		read_fini(&r[i]);
}

struct likely_case {
	const char *name;
	struct cert_spec a, b;
	bool likely;
};

static const struct likely_case likely_cases[] = {
	{ "a name was added", { .san = "DNS:a.example" }, { .san = "DNS:a.example,DNS:b.example" }, true },
	{ "a wildcard instead", { .san = "DNS:a.example.org" }, { .san = "DNS:*.example.org" }, true },
	{ "a wildcard of another level", { .san = "DNS:a.b.example.org" }, { .san = "DNS:*.example.org" }, false },
	{ "other usages", { .san = "DNS:a.example", .usage = "digitalSignature" },
	  { .san = "DNS:a.example", .usage = "digitalSignature,keyEncipherment" }, true },
	{ "another issuer", { .san = "DNS:a.example" }, { .san = "DNS:a.example,DNS:b.example", .issuer = "Other" },
	  false },
	{ "the same lineage", { .san = "DNS:a.example" }, { .san = "DNS:a.example", .serial = 2 }, false },
	{ "nothing in common", { .san = "DNS:a.example" }, { .san = "DNS:b.example" }, false },
	{ "a common name that became a SAN", { .subject = "a.example" }, { .san = "DNS:a.example" }, true },
	{ "a CA", { .san = "DNS:a.example" }, { .san = "DNS:a.example,DNS:b.example", .constraints = "CA:TRUE" }, false },
};

static void test_likely(void **state)
{
	struct read a, b;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(likely_cases); i++) {
		a = read_spec(&likely_cases[i].a);
		b = read_spec(&likely_cases[i].b);
		if (lineage_likely(&a.x509, &b.x509) != likely_cases[i].likely ||
		    lineage_likely(&b.x509, &a.x509) != likely_cases[i].likely)
			fail_msg("%s", likely_cases[i].name);
		read_fini(&a);
		read_fini(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_many_names),
		cmocka_unit_test(test_not_sure),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_likely),
	};

	if (!x509_init())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
