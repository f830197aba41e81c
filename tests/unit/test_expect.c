/* SPDX-License-Identifier: Apache-2.0 */
/* Expectations: what is read, what is refused on which line, and what matches. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/unit/certs.h"
#include "userspace/check/expect.h"

#define NOW 1790000000
#define DAY 86400
#define HEX_0 "0000000000000000000000000000000000000000000000000000000000000000"
#define HEX_1 "0101010101010101010101010101010101010101010101010101010101010101"
#define BASE64_1 "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="

static char why[512];

static int parse(const char *text, struct expect **out)
{
	return expect_parse(bytes_of(text, strlen(text)), "e.yaml", out, why, sizeof(why));
}

/* --- what is refused */

static void test_errors(void **state)
{
	static const struct { const char *text, *want; } cases[] = {
		{ "", "e.yaml:1: the file is empty" },
		{ "# nothing\n", "e.yaml:1: the file is empty" },
		{ "expect: []\n", "e.yaml:1: neither `expect` nor `deny` has a rule" },
		{ "- a\n", "e.yaml:1: the file must be a mapping, `key: value`" },
		{ "expect:\n  - where: {port: 443}\n    present:\n      fingerprnt: x\n",
		  "e.yaml:4: unknown key \"fingerprnt\" (did you mean \"fingerprint\"?)" },
		{ "expects: []\n", "e.yaml:1: unknown key \"expects\" (did you mean \"expect\"?)" },
		{ "colour: blue\n", "e.yaml:1: unknown key \"colour\" in the file" },
		{ "expect:\n- where: {prt: 1}\n", "e.yaml:2: unknown key \"prt\" (did you mean \"port\"?)" },
		{ "\"expect\\0\": []\n", "e.yaml:1: unknown key \"expect\\x00\" (did you mean \"expect\"?)" },
		{ "expect:\n  - where: {port: 1}\nexpect:\n  - where: {port: 2}\n",
		  "e.yaml:3: duplicate key \"expect\", it is on line 1 too" },
		{ "expect:\n  - where:\n      port: 1\n      port: 2\n",
		  "e.yaml:4: duplicate key \"port\", it is on line 3 too" },
		{ "expect:\n  where: {port: 1}\n", "e.yaml:2: a rule of `expect` must be a list of rules, each behind a `-`" },
		{ "expect:\n  - port\n", "e.yaml:2: a rule of `expect` must be a mapping, `key: value`" },
		{ "expect:\n  - severity: warning\n", "e.yaml:2: a rule needs `where` or `present`" },
		{ "deny:\n  - reason: x\n", "e.yaml:2: a rule needs `where` or `present`" },
		{ "deny:\n  - where: {}\n", "e.yaml:2: a rule needs `where` or `present`" },
		{ "undeclared: fatal\n", "e.yaml:1: \"fatal\" is not critical, warning or ok" },
		{ "undeclared: unknown\n", "e.yaml:1: \"unknown\" is not critical, warning or ok" },
		{ "expect:\n- where: {port: 65536}\n", "e.yaml:2: \"65536\" is not a port (443) or a range (8000-8099)" },
		{ "expect:\n- where: {port: http}\n", "e.yaml:2: \"http\" is not a port (443) or a range (8000-8099)" },
		{ "expect:\n- where: {port: 99-1}\n", "e.yaml:2: \"99-1\" is not a range: its end is below its beginning" },
		{ "expect:\n- where: {port: -1}\n", "e.yaml:2: \"-1\" is not a port (443) or a range (8000-8099)" },
		{ "expect:\n- where: {port: []}\n", "e.yaml:2: the list is empty" },
		{ "expect:\n- where: {port: }\n", "e.yaml:2: a value is missing" },
		{ "expect:\n- where: {port: {a: b}}\n", "e.yaml:2: a text or a number is wanted here" },
		{ "expect:\n- where: {port: [443, [444]]}\n", "e.yaml:2: a text or a number is wanted here" },
		{ "expect:\n- where: {address: 10.0.0.0/33}\n",
		  "e.yaml:2: \"10.0.0.0/33\" is not an address (10.0.0.5) or a network (10.0.0.0/8)" },
		{ "expect:\n- where: {address: pool.example}\n",
		  "e.yaml:2: \"pool.example\" is not an address (10.0.0.5) or a network (10.0.0.0/8)" },
		{ "expect:\n- present: {fingerprint: abcd}\n",
		  "e.yaml:2: \"abcd\" is not a SHA-256: 64 hex digits, or 44 characters of base64" },
		{ "expect:\n- present: {fingerprint: " HEX_0 "0}\n",
		  "e.yaml:2: \"" HEX_0 "0\" is not a SHA-256: 64 hex digits, or 44 characters of base64" },
		{ "expect:\n- present: {min-days: soon}\n", "e.yaml:2: \"soon\" is not a number of days" },
		{ "expect:\n- present: {min-days: 99999999999999999999}\n",
		  "e.yaml:2: \"99999999999999999999\" is not a number of days" },
		{ "expect:\n- present: {key: rsa2048}\n",
		  "e.yaml:2: \"rsa2048\" is not a key: rsa 2048, ec 256, ed25519, ed448, ml-dsa, dsa, sm2, gost" },
		{ "expect:\n- present: {key: rsa many}\n",
		  "e.yaml:2: \"rsa many\" is not a kind of key and its least number of bits: rsa 2048" },
		{ "expect:\n- present: {not-signed-with: sha-1}\n",
		  "e.yaml:2: \"sha-1\" is not a hash: md2, md4, md5, sha1, sha224, sha256, sha384, sha512" },
		{ "expect:\n- present: {signed-with: sha1}\n",
		  "e.yaml:2: unknown key \"signed-with\" in `present`" },
		{ "deny:\n- present: {min-days: 3}\n", "e.yaml:2: min-days and key belong in `expect`, not in `deny`" },
		{ "expect:\n- where: {port: 1}\n  severity: ok\n", "e.yaml:3: \"ok\" is not critical or warning" },
		{ "expect:\n- where: {name: \"a\\eb\"}\n", "e.yaml:2: a control character in a text" },
		{ "a: &x 1\n", "e.yaml:1: anchors and aliases (& and *) are not allowed; quote a text that begins with one" },
		{ "expect:\n- where: {name: *.example}\n",
		  "e.yaml:2: anchors and aliases (& and *) are not allowed; quote a text that begins with one" },
		{ "a: !!int 1\n", "e.yaml:1: tags (!) are not allowed; quote a text that begins with one" },
		{ "expect: [[[[[[[[[[\n", "e.yaml:1: nested too deeply" },
		{ "- - - - - - - - - - - a\n", "e.yaml:1: nested too deeply" },
		{ "expect:\n- where: {port: 1}\n---\nexpect: []\n", "e.yaml:4: a second document begins (---)" },
		{ "expect:\n\t- a\n", "e.yaml:2: while scanning for the next token, "
		  "found character that cannot start any token" },
		{ "expect: [\n", "e.yaml:2: while parsing a flow node, did not find expected node content" },
		{ "a: \xff\n", "e.yaml:1: invalid leading UTF-8 octet" },
		{ "? [a, b]\n: c\n", "e.yaml:1: a key of the file must be a word" },
	};
	struct expect *e = NULL;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(parse(cases[i].text, &e), -EINVAL);
		if (strcmp(why, cases[i].want) != 0)
			fail_msg("case %zu: '%s', not '%s'", i, why, cases[i].want);
		assert_null(e);
	}
}

/* Ten levels of ten aliases are 10^10 nodes; a file of nothing but brackets; one that is too long. */
static void test_bombs(void **state)
{
	char *text = malloc(EXPECT_FILE_MAX + 2), path[] = "/tmp/certtap-expect-XXXXXX";
	struct expect *e = NULL;
	size_t at = 0, i;
	FILE *file;
	int fd;

	(void)state;
	assert_non_null(text);
	at += (size_t)sprintf(text, "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n");
	for (i = 1; i < 10; i++)
		at += (size_t)sprintf(text + at, "a%zu: &a%zu [*a%zu,*a%zu,*a%zu,*a%zu]\n", i, i, i - 1, i - 1, i - 1, i - 1);
	assert_int_equal(parse(text, &e), -EINVAL);
	memset(text, '[', EXPECT_FILE_MAX);
	text[EXPECT_FILE_MAX] = '\0';
	assert_int_equal(parse(text, &e), -EINVAL);
	assert_string_equal(why, "e.yaml:1: nested too deeply");
	for (at = 0; at + 2 < EXPECT_FILE_MAX; at += 2)
		memcpy(text + at, "a,", 2);
	text[0] = '[';
	assert_int_equal(parse(text, &e), -EINVAL);
	assert_string_equal(why, "e.yaml:1: too long");

	fd = mkstemp(path);
	assert_true(fd >= 0);
	file = fdopen(fd, "w");
	memset(text, '#', EXPECT_FILE_MAX + 1);
	assert_int_equal(fwrite(text, 1, EXPECT_FILE_MAX + 1, file), EXPECT_FILE_MAX + 1);
	fclose(file);
	assert_int_equal(expect_read(path, &e, why, sizeof(why)), -EFBIG);
	unlink(path);
	assert_int_equal(expect_read(path, &e, why, sizeof(why)), -ENOENT);
	assert_non_null(strstr(why, ": No such file or directory"));
	assert_null(e);
	free(text);
}

/* Every beginning of a good file is read or refused, and nothing else. */
static void test_prefixes(void **state)
{
	static const char good[] =
		"undeclared: ok\nexpect:\n- where: {port: [1, 2-3], address: \"::1\", name: \"*.a\"}\n"
		"  present: {fingerprint: [" HEX_0 ", sha256:" HEX_1 "], spki: sha256//" BASE64_1 ", key: [rsa 2048, ec],\n"
		"    issuer: x, names: [a, b], min-days: 3, not-signed-with: [sha1]}\n  reason: r\ndeny:\n- where: {unit: u}\n";
	struct expect *e = NULL;
	size_t len;

	(void)state;
	for (len = 0; len <= strlen(good); len++) {
		char *copy = malloc(len ? len : 1);

		assert_non_null(copy);
		memcpy(copy, good, len);
		if (expect_parse(bytes_of(copy, len), "e.yaml", &e, why, sizeof(why)) == 0)
			expect_free(e);
		else
			assert_true(strncmp(why, "e.yaml:", 7) == 0);
		free(copy);
	}
	assert_string_equal(why, "");
}

static void test_example(void **state)
{
	struct expect *e = NULL;

	(void)state;
	if (expect_read("tools/packaging/expect.example.yaml", &e, why, sizeof(why)) != 0)
		fail_msg("%s", why);
	assert_int_equal(expect_num_rules(e), 11);
	expect_free(e);
}

/* --- what matches */

static const uint8_t zeros[32], ones[32] = { 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
					     1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1 };

static const struct bytes names[] = { { (const uint8_t *)"pool.example", 12 }, { (const uint8_t *)"*.pool.example", 14 },
				      { (const uint8_t *)"192.0.2.21", 10 } };

static const struct expect_certificate chain[] = {
	{ .sha256 = zeros, .spki_sha256 = ones, .issuer = "CN=Issuing CA,O=Example", .issuer_cn = "Issuing CA",
	  .names = names, .num_names = 3, .not_after_known = true, .not_after_s = NOW + 20 * DAY + 5,
	  .key = X509_KEY_RSA, .key_bits = 2048, .signature_algorithm = "sha256WithRSAEncryption" },
	{ .sha256 = ones, .spki_sha256 = zeros, .issuer = "CN=Root,O=Example", .issuer_cn = "Root",
	  .not_after_known = true, .not_after_s = NOW + 999 * DAY, .key = X509_KEY_EC, .key_bits = 384,
	  .signature_algorithm = "ecdsa-with-SHA1", .signature_weak = true },
	{ .sha256 = ones, .spki_sha256 = ones, .issuer = "CN=Root,O=Example", .issuer_cn = "Root",
	  .key = X509_KEY_RSA, .key_bits = 4096, .signature_algorithm = "md5WithRSAEncryption", .self_issued = true },
};

static const uint8_t address[16] = { [10] = 0xff, 0xff, 192, 0, 2, 21 };

static const struct expect_endpoint endpoint = {
	.address = address, .port = 9808, .transport = "tcp", .server_name = "pool.example",
	.unit = "fabric.service", .process = "fabric", .carrier = "plain", .chain = chain, .num = 3, .now_s = NOW,
};

struct told {
	char text[4096];
};

static void remember(void *context, const struct expect_violation *v)
{
	struct told *t = context;
	size_t at = strlen(t->text);

	assert_string_equal(v->file, "e.yaml");
	snprintf(t->text + at, sizeof(t->text) - at, "%s %s:%u %s; ", severity_name(v->severity), v->rule, v->line,
		 v->text);
}

static void expect_told(const char *text, const struct expect_endpoint *p, const char *want)
{
	struct told told = { "" };
	struct expect *e = NULL;

	if (parse(text, &e) != 0)
		fail_msg("%s", why);
	expect_judge(e, p, remember, &told);
	expect_unmatched(e, remember, &told);
	if (strcmp(told.text, want) != 0)
		fail_msg("%s\n'%s', not\n'%s'", text, told.text, want);
	expect_free(e);
}

#define UNMATCHED "unknown unmatched:2 this rule was for no endpoint that was seen; "

static void test_where(void **state)
{
	static const struct { const char *where; bool fits; } cases[] = {
		{ "{port: 9808}", true }, { "{port: 443}", false }, { "{port: [443, 9000-9999]}", true },
		{ "{port: 9809-9999}", false },
		{ "{address: 192.0.2.21}", true }, { "{address: 192.0.2.22}", false },
		{ "{address: 192.0.2.16/29}", true }, { "{address: 192.0.2.24/29}", false },
		{ "{address: 0.0.0.0/0}", true }, { "{address: \"::/0\"}", true }, { "{address: \"::1\"}", false },
		{ "{address: \"::ffff:192.0.2.21\"}", true },
		{ "{name: pool.example}", true }, { "{name: POOL.example}", true }, { "{name: \"*.example\"}", true },
		{ "{name: \"p??l.*\"}", true }, { "{name: other.example}", false }, { "{name: \"*a*a*a*\"}", false },
		{ "{transport: tcp}", true }, { "{transport: udp}", false },
		{ "{unit: fabric.service}", true }, { "{unit: \"fabric*\"}", true }, { "{unit: nginx.service}", false },
		{ "{process: [nginx, fabric]}", true }, { "{container: \"*\"}", false }, { "{carrier: plain}", true },
		{ "{port: 9808, unit: nginx.service}", false }, { "{port: 9808, unit: fabric.service}", true },
	};
	char text[256];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		snprintf(text, sizeof(text), "expect:\n- where: %s\n", cases[i].where);
		expect_told(text, &endpoint, cases[i].fits ? "" : UNMATCHED);
	}
}

static void test_names_asked(void **state)
{
	struct expect_endpoint p = endpoint;

	(void)state;
	p.server_name = NULL;            /* then the names in the certificate */
	expect_told("expect:\n- where: {name: pool.example}\n", &p, "");
	expect_told("expect:\n- where: {name: 192.0.2.21}\n", &p, "");
	expect_told("expect:\n- where: {name: other.example}\n", &p, UNMATCHED);
	p.num = 0;
	expect_told("expect:\n- where: {name: pool.example}\n", &p, UNMATCHED);
}

static void test_present(void **state)
{
	static const struct { const char *present, *want; } cases[] = {
		{ "{fingerprint: " HEX_0 "}", "" },
		{ "{fingerprint: [" HEX_1 ", sha256:" HEX_0 "]}", "" },
		{ "{fingerprint: " HEX_1 "}", "critical fingerprint:2 presents another certificate, sha256 " HEX_0 "; " },
		{ "{spki: " HEX_1 "}", "" }, { "{spki: " BASE64_1 "}", "" }, { "{spki: sha256//" BASE64_1 "}", "" },
		{ "{spki: " HEX_0 "}", "critical spki:2 presents a certificate with another key; " },
		{ "{issuer: Issuing CA}", "" }, { "{issuer: \"CN=Issuing CA,O=Example\"}", "" },
		{ "{issuer: \"*O=Example*\"}", "" },
		{ "{issuer: Other CA}", "critical issuer:2 presents a certificate issued by CN=Issuing CA,O=Example; " },
		{ "{names: [pool.example, a.pool.example, 192.0.2.21, \"*.pool.example\"]}", "" },
		{ "{names: [pool.example, a.b.pool.example]}",
		  "critical names:2 presents a certificate without the name a.b.pool.example; " },
		{ "{min-days: 20}", "" },
		{ "{min-days: 21}", "critical min-days:2 20 days left, at least 21 are wanted; " },
		{ "{key: [rsa 2048, ec 384]}", "" }, { "{key: [rsa, ec]}", "" },
		{ "{key: [rsa 3072, ec 256]}",
		  "critical key:2 certificate 1 of the chain has a key of RSA 2048, which is not allowed; " },
		{ "{key: rsa}", "critical key:2 certificate 2 of the chain has a key of EC 384, which is not allowed; " },
		{ "{not-signed-with: md5}", "" },
		{ "{not-signed-with: [md5, sha1]}",
		  "critical not-signed-with:2 certificate 2 of the chain is signed with sha1; " },
	};
	char text[512];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		snprintf(text, sizeof(text), "expect:\n- present: %s\n", cases[i].present);
		expect_told(text, &endpoint, cases[i].want);
	}
	expect_told("expect:\n- where: {port: 9808}\n  severity: warning\n  reason: \"ask \\u202eus\"\n  present:\n    min-days: 30\n",
		    &endpoint, "warning min-days:6 20 days left, at least 30 are wanted (ask \\xE2\\x80\\xAEus); ");
}

static void test_not_seen(void **state)
{
	struct expect_endpoint p = endpoint;
	struct expect_certificate odd = { .sha256 = ones, .issuer = "", .issuer_cn = "", .signature_algorithm = "rsassaPss",
					  .signature_weak = true };

	(void)state;
	p.num = 0;
	p.reason = "encrypted";
	expect_told("expect:\n- where: {port: 9808}\n  present: {min-days: 1}\n", &p,
		    "unknown present:2 its certificate was not seen: encrypted; ");
	expect_told("expect:\n- where: {port: 9808}\n", &p, "");
	expect_told("deny:\n- where: {port: 9808}\n", &p, "");
	/* A certificate of which little could be read. */
	p.chain = &odd;
	p.num = 1;
	expect_told("expect:\n- present: {min-days: 1, spki: " HEX_0 ", key: rsa, names: x, not-signed-with: sha1}\n", &p,
		    "critical spki:2 presents a certificate with another key; "
		    "critical names:2 presents a certificate without the name x; "
		    "unknown min-days:2 its end of validity cannot be read; "
		    "critical key:2 certificate 1 of the chain has a key of an unknown kind, 0, which is not allowed; "
		    "critical not-signed-with:2 certificate 1 of the chain is signed with sha1; ");
	odd.not_after_known = true;
	odd.not_after_s = NOW - 2 * DAY;
	expect_told("expect:\n- present: {min-days: 0}\n", &p,
		    "critical min-days:2 presents a certificate that has expired, 2 days ago; ");
}

#define DENIED "critical deny:2 presents what must not be presented; "

static void test_deny(void **state)
{
	static const struct { const char *rule; const char *want; } cases[] = {
		{ "present: {fingerprint: " HEX_0 "}", DENIED },
		{ "present: {fingerprint: " HEX_1 "}", DENIED },        /* of any in the chain */
		{ "present: {spki: " HEX_1 "}", DENIED }, { "present: {issuer: Root}", DENIED },
		{ "present: {issuer: Issuing}", "" }, { "present: {issuer: \"*Test*\"}", "" },
		{ "present: {names: [pool.example]}", DENIED }, { "present: {names: [other.example]}", "" },
		{ "present: {signed-with: sha1}", DENIED },
		{ "present: {signed-with: md5}", "" },                  /* a root of itself */
		{ "present: {issuer: Root, signed-with: md5}", "" },
		{ "present: {issuer: Root, signed-with: sha1}", DENIED },
		{ "{where: {port: 443}, present: {issuer: Root}}", "" },
		{ "{where: {port: 9808}, reason: closed, severity: warning}",
		  "warning deny:2 presents a certificate where none may be (closed); " },
	};
	char text[512];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		snprintf(text, sizeof(text), "deny:\n- %s\n", cases[i].rule);
		expect_told(text, &endpoint, cases[i].want);
	}
}

static void test_undeclared(void **state)
{
	(void)state;
	expect_told("undeclared: critical\nexpect:\n- where: {port: 9808}\n", &endpoint, "");
	expect_told("undeclared: warning\nexpect:\n- present: {issuer: Issuing CA}\n", &endpoint,
		    "warning undeclared:1 nobody declared this endpoint; ");
	expect_told("undeclared: ok\nexpect:\n- present: {issuer: Issuing CA}\n", &endpoint, "");
	expect_told("undeclared: critical\nexpect:\n- where: {port: 1}\n", &endpoint,
		    "critical undeclared:1 nobody declared this endpoint; "
		    "unknown unmatched:3 this rule was for no endpoint that was seen; ");
	/* To forbid is not to declare. */
	expect_told("undeclared: warning\ndeny:\n- where: {port: 9808}\n  present: {issuer: x}\n", &endpoint,
		    "warning undeclared:1 nobody declared this endpoint; ");
}

/* Facts from certificates as they are. */
static void test_chain_facts(void **state)
{
	struct bytes der = cert_make("pool.example", "Issuing CA", 0), junk = bytes_of("junk", 4);
	struct x509 *certs = calloc(2, sizeof(*certs));
	const struct x509 *list[] = { &certs[0], &certs[1] };
	struct expect_certificate *facts;
	struct expect_endpoint p = endpoint;

	(void)state;
	assert_true(certs && x509_init());
	x509_read(der, false, &certs[0]);
	x509_read(junk, false, &certs[1]);
	certs[0].san[certs[0].san_count++] = (struct x509_san){ X509_SAN_IP, bytes_of(address + 12, 4) };
	certs[0].san[certs[0].san_count++] = (struct x509_san){ X509_SAN_IP, bytes_of(zeros, 16) };
	certs[0].san[certs[0].san_count++] = (struct x509_san){ X509_SAN_IP, bytes_of(zeros, 17) };
	facts = expect_chain(list, 2);
	assert_non_null(facts);
	assert_int_equal(facts[0].num_names, 3);
	assert_int_equal(facts[1].num_names, 0);
	assert_null(facts[1].spki_sha256);
	p.chain = facts;
	p.num = 1;
	expect_told("expect:\n- present: {names: [pool.example, 192.0.2.21, \"::\"], issuer: Issuing CA, key: ec 256, min-days: 1}\n",
		    &p, "");
	assert_null(expect_chain(list, 0));
	free(facts);
	free(certs);
	cert_free(der);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_bombs),
		cmocka_unit_test(test_prefixes),
		cmocka_unit_test(test_example),
		cmocka_unit_test(test_where),
		cmocka_unit_test(test_names_asked),
		cmocka_unit_test(test_present),
		cmocka_unit_test(test_not_seen),
		cmocka_unit_test(test_deny),
		cmocka_unit_test(test_undeclared),
		cmocka_unit_test(test_chain_facts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
