/* SPDX-License-Identifier: Apache-2.0 */
/* Which hosts a certificate names, and which certificate may have issued which. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "parsers/x509.h"
#include "tests/unit/der_build.h"

#define DNS(s) (s), sizeof(s) - 1, 0x82
#define IP(s) (s), sizeof(s) - 1, 0x87
#define EMAIL(s) (s), sizeof(s) - 1, 0x81
#define URI(s) (s), sizeof(s) - 1, 0x86

static struct x509 got, other;

static const struct {
	const char *san;
	size_t len;
	uint8_t tag;
	const char *host;
	bool names;
} cases[] = {
	{ DNS("www.example.com"), "www.example.com", true },
	{ DNS("WWW.Example.COM"), "www.eXample.com", true },
	{ DNS("www.example.com"), "www.example.com.", true },
	{ DNS("www.example.com"), "www.example.com..", false },
	{ DNS("www.example.com."), "www.example.com", false },
	{ DNS("www.example.com"), "example.com", false },
	{ DNS("example.com"), "www.example.com", false },
	{ DNS("www.example.com"), "", false },
	{ DNS("www.example.com"), ".", false },
	{ DNS(""), "", false },
	{ DNS(""), "www.example.com", false },
	{ DNS("localhost"), "localhost", true },
	/* wildcards */
	{ DNS("*.example.com"), "www.example.com", true },
	{ DNS("*.EXAMPLE.com"), "www.example.COM.", true },
	{ DNS("*.example.com"), "example.com", false },
	{ DNS("*.example.com"), ".example.com", false },
	{ DNS("*.example.com"), "a.b.example.com", false },
	{ DNS("*.example.com"), "*.example.com", true },
	{ DNS("*.example.com"), "xn--bcher-kva.example.com", true },
	{ DNS("*"), "localhost", false },
	{ DNS("*."), "localhost.", false },
	{ DNS("*."), "a.", false },
	{ DNS("w*.example.com"), "www.example.com", false },
	{ DNS("*w.example.com"), "www.example.com", false },
	{ DNS("www.*.com"), "www.example.com", false },
	{ DNS("*.*.com"), "www.example.com", false },
	{ DNS("**.example.com"), "www.example.com", false },
	{ DNS("*.0.2.1"), "192.0.2.1", false },
	/* international names are compared as A-labels */
	{ DNS("xn--bcher-kva.example"), "XN--BCHER-KVA.example", true },
	{ DNS("b\xc3\xbc" "cher.example"), "xn--bcher-kva.example", false },
	{ DNS("xn--*.example"), "xn--bcher-kva.example", false },
	/* a NUL, a line end or a space is a byte like any other and never the end */
	{ DNS("www.example.com\0.evil.example"), "www.example.com", false },
	{ DNS("www.example.com\0"), "www.example.com", false },
	{ DNS("\0www.example.com"), "www.example.com", false },
	{ DNS("*.example.com\0"), "www.example.com", false },
	{ DNS("www.example.com\n"), "www.example.com", false },
	{ DNS(" www.example.com"), "www.example.com", false },
	{ DNS("a.example, DNS:www.example.com"), "www.example.com", false },
	/* addresses */
	{ IP("\xc0\0\2\1"), "192.0.2.1", true },
	{ IP("\xc0\0\2\1"), "192.0.2.2", false },
	{ IP("\xc0\0\2\1\0"), "192.0.2.1", false },
	{ IP("\xc0\0\2"), "192.0.2.1", false },
	{ IP(""), "192.0.2.1", false },
	{ IP("\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1"), "2001:DB8::1", true },
	{ IP("\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1"), "2001:db8::2", false },
	{ IP("\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\0\2\1"), "192.0.2.1", false },
	{ IP("\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\0\2\1"), "::ffff:192.0.2.1", true },
	{ DNS("192.0.2.1"), "192.0.2.1", false },
	{ IP("a.example"), "a.example", false },
	/* other kinds name no host */
	{ EMAIL("www.example.com"), "www.example.com", false },
	{ URI("www.example.com"), "www.example.com", false },
};

static void read_with(struct bytes cn, struct bytes extensions, struct x509 *out)
{
	struct build_cert parts = build_default();

	parts.subject = build_cn(DER_UTF8_STRING, cn);
	parts.extensions = extensions;
	x509_read(build_certificate(&parts), false, out);
}

static void test_san(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		build_reset();
		read_with(LITERAL("cn.example"),
			  build_san(build_tlv(cases[i].tag, bytes_of(cases[i].san, cases[i].len))),
			  &got);
		assert_int_equal(got.san_total, 1);
		if (x509_names(&got, cases[i].host) != cases[i].names)
			fail_msg("%zu: \"%s\" and %s", i, cases[i].san, cases[i].host);
	}
}

static void test_common_name(void **state)
{
	(void)state;
	build_reset();
	read_with(LITERAL("www.example.com"), NONE, &got);
	assert_true(x509_names(&got, "WWW.example.com."));
	assert_false(x509_names(&got, "example.com"));
	read_with(LITERAL("*.example.com"), NONE, &got);
	assert_true(x509_names(&got, "www.example.com"));
	read_with(LITERAL("www.example.com\0"), NONE, &got);
	assert_false(x509_names(&got, "www.example.com"));
	read_with(LITERAL("192.0.2.1"), NONE, &got);
	assert_false(x509_names(&got, "192.0.2.1"));
	read_with(NONE, NONE, &got);
	assert_false(x509_names(&got, ""));
	/* A SAN of another kind leaves the common name in force; a DNS or IP one does not. */
	read_with(LITERAL("cn.example"), build_san(build_tlv(0x81, LITERAL("a@b.example"))), &got);
	assert_true(x509_names(&got, "cn.example"));
	read_with(LITERAL("cn.example"), build_san(build_dns(LITERAL("a.example"))), &got);
	assert_false(x509_names(&got, "cn.example"));
	read_with(LITERAL("cn.example"), build_san(build_tlv(0x87, LITERAL("\xc0\0\2\1"))), &got);
	assert_false(x509_names(&got, "cn.example"));
}

/* Beyond what is kept, in a second extension, and where the only DNS name is not among the kept. */
static void test_beyond_kept(void **state)
{
	struct bytes mails, names;

	(void)state;
	build_reset();
	mails = build_repeat(build_tlv(0x81, LITERAL("a@b.example")), X509_SAN_MAX);
	names = build_join(2, mails, build_dns(LITERAL("late.example")));
	read_with(LITERAL("cn.example"), build_san(names), &got);
	assert_int_equal(got.san_count, X509_SAN_MAX);
	assert_int_equal(got.san_total, X509_SAN_MAX + 1);
	assert_true(x509_names(&got, "late.example"));
	assert_false(x509_names(&got, "cn.example"));
	assert_false(x509_names(&got, "mail.example"));
	names = build_join(2, build_san(mails), build_san(build_dns(LITERAL("second.example"))));
	read_with(LITERAL("cn.example"), names, &got);
	assert_int_equal(got.san_total, X509_SAN_MAX + 1);
	assert_true(x509_names(&got, "second.example"));
	assert_false(x509_names(&got, "cn.example"));
}

/* 253 bytes are a name, 254 are none, and a longer text is not read to its end. */
static void test_host_length(void **state)
{
	static char host[1 << 20];

	(void)state;
	build_reset();
	memset(host, 'a', sizeof(host) - 1);
	read_with(LITERAL("x"), build_san(build_dns(bytes_of(host, 253))), &got);
	host[253] = '\0';
	assert_true(x509_names(&got, host));
	host[253] = '.';
	host[254] = '\0';
	assert_true(x509_names(&got, host));
	host[253] = host[254] = 'a';
	assert_false(x509_names(&got, host));
	read_with(LITERAL("x"), build_san(build_dns(bytes_of(host, 300))), &got);
	host[300] = '\0';
	assert_false(x509_names(&got, host));
}

static struct bytes key_ids(struct bytes subject, struct bytes authority)
{
	struct bytes aki = build_tlv(DER_SEQUENCE, build_tlv(0x80, authority));

	return build_join(2, build_extension(LITERAL("\x55\x1d\x0e"),
					     build_tlv(DER_OCTET_STRING, subject)),
			  build_extension(LITERAL("\x55\x1d\x23"), aki));
}

static void test_issuers(void **state)
{
	struct build_cert ca = build_default(), leaf = build_default();

	(void)state;
	build_reset();
	ca.subject = ca.issuer = build_cn(DER_UTF8_STRING, LITERAL("ca.example"));
	x509_read(build_certificate(&ca), false, &got);
	assert_true(x509_self_issued(&got));
	x509_read(build_certificate(&leaf), false, &other);
	assert_false(x509_self_issued(&other));
	assert_true(x509_may_issue(&got, &other));
	assert_false(x509_may_issue(&other, &got));

	ca.extensions = key_ids(LITERAL("one"), LITERAL("one"));
	x509_read(build_certificate(&ca), false, &got);
	assert_true(x509_self_issued(&got));
	assert_true(x509_may_issue(&got, &other));      /* no id there: no conflict */
	leaf.extensions = key_ids(LITERAL("two"), LITERAL("one"));
	x509_read(build_certificate(&leaf), false, &other);
	assert_true(x509_may_issue(&got, &other));
	leaf.extensions = key_ids(LITERAL("two"), LITERAL("other"));
	x509_read(build_certificate(&leaf), false, &other);
	assert_false(x509_may_issue(&got, &other));
	/* cross-signed by its namesake */
	ca.extensions = key_ids(LITERAL("one"), LITERAL("zero"));
	x509_read(build_certificate(&ca), false, &got);
	assert_false(x509_self_issued(&got));

	x509_read(LITERAL("garbage"), false, &got);     /* no names at all are not equal names */
	assert_false(x509_self_issued(&got));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_san),
		cmocka_unit_test(test_common_name),
		cmocka_unit_test(test_beyond_kept),
		cmocka_unit_test(test_host_length),
		cmocka_unit_test(test_issuers),
	};

	return x509_init() ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
