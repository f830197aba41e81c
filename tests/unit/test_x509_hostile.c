/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The structure of certificates written against parsers: encodings, extensions, lengths. Each gives
 * a row of fields, in bounded time.
 */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>
#include <cmocka.h>

#include "parsers/x509.h"
#include "tests/unit/x509_case.h"

#define OID_CN LITERAL("\x55\x04\x03")

/* BER where DER is asked for: OpenSSL accepts these, so a client may. */
static void test_encodings(void **state)
{
	struct build_cert parts = parts_reset();
	struct bytes oid = LITERAL("\6\3\x55\x1d\x11"), tbs, piece, wrapped;

	(void)state;
	parts.extensions = build_san(build_dns(LITERAL("a.example")));
	tbs = build_long(DER_SEQUENCE, build_tbs(&parts));
	x509_read(build_long(DER_SEQUENCE, build_join(3, tbs, parts.algorithm, parts.signature)),
		  false, &got);
	assert_int_equal(got.parse, X509_PARSE_OK);
	assert_int_equal(got.san_total, 1);
	tbs = build_indefinite(DER_SEQUENCE, build_tbs(&parts));
	x509_read(build_indefinite(DER_SEQUENCE, build_join(3, tbs, parts.algorithm,
							    parts.signature)), false, &got);
	assert_int_equal(got.parse, X509_PARSE_OK);
	assert_string_equal(got.subject, "CN=a.example");
	assert_int_equal(got.san_total, 1);

	/* lists without the constructed bit */
	piece = build_tlv(0x10, build_dns(LITERAL("b.example")));
	parts.extensions = NONE;
	parts.optional = build_tlv(0xa3, build_tlv(0x10, build_extension(LITERAL("\x55\x1d\x11"),
									 piece)));
	assert_true(read_parts(&parts, X509_PARSE_OK, ""));
	assert_true(x509_names(&got, "b.example"));

	parts.trailing = LITERAL("garbage");
	assert_true(read_parts(&parts, X509_PARSE_LENIENT, "bytes after the certificate"));
	parts.trailing = NONE;

	/* The SAN in an OCTET STRING of one piece is found; of two, its loss is said. */
	piece = build_tlv(DER_SEQUENCE, build_dns(LITERAL("b.example")));
	wrapped = build_tlv(0x24, build_tlv(DER_OCTET_STRING, piece));
	parts.extensions = build_tlv(DER_SEQUENCE, build_join(2, oid, wrapped));
	assert_true(read_parts(&parts, X509_PARSE_OK, ""));
	assert_true(x509_names(&got, "b.example"));
	wrapped = build_join(2, build_tlv(DER_OCTET_STRING, bytes_of(piece.data, 4)),
			     build_tlv(DER_OCTET_STRING, bytes_of(piece.data + 4, piece.len - 4)));
	wrapped = build_tlv(0x24, wrapped);
	parts.extensions = build_tlv(DER_SEQUENCE, build_join(2, oid, wrapped));
	assert_true(read_parts(&parts, X509_PARSE_LENIENT,
			       "the extensions cannot be read to their end"));
}

static void test_nesting(void **state)
{
	struct build_cert parts = parts_reset();
	struct bytes deep = build_join(2, build_repeat(LITERAL("\x30\x80"), 20000),
				       build_repeat(LITERAL("\0\0"), 20000));

	(void)state;
	parts.subject = build_tlv(DER_SEQUENCE, build_tlv(DER_SET, deep));
	assert_true(read_parts(&parts, X509_PARSE_LENIENT, "too long for OpenSSL to be asked"));
	assert_string_equal(got.issuer, "CN=ca.example");
	assert_int_equal(got.key, X509_KEY_ED25519);
	assert_true(got.not_after.known);
	x509_read(deep, false, &got);
	assert_int_equal(got.parse, X509_PARSE_REFUSED);
	assert_string_equal(got.refused_why, "no serial number");
}

static void test_sans(void **state)
{
	struct build_cert parts = parts_reset();
	struct bytes san = build_san(build_join(3, build_dns(NONE), build_tlv(0x87, NONE),
						build_tlv(0x87, LITERAL("12345"))));

	(void)state;
	parts.extensions = san;
	assert_true(read_parts(&parts, X509_PARSE_OK, ""));
	assert_int_equal(got.san_total, 3);
	assert_int_equal(got.san[0].value.len, 0);
	assert_int_equal(got.san[2].value.len, 5);
	parts.extensions = build_join(2, san, san);     /* twice: both count */
	assert_true(read_parts(&parts, X509_PARSE_OK, ""));
	assert_int_equal(got.san_total, 6);
	/* CVE-2023-0286, -2020-1971, -2024-6119: x400Address, ediPartyName, otherName are opaque */
	parts.extensions = build_san(LITERAL("\xa3\x02\x05\x00\xa5\x02\x05\x00\xa0\x02\x05\x00"));
	assert_true(read_parts(&parts, X509_PARSE_OK, ""));
	assert_int_equal(got.san_total, 3);
	assert_int_equal(got.san[0].kind, X509_SAN_OTHER);
	/* CVE-2021-44532: one name stays one name */
	parts.extensions = build_san(build_dns(LITERAL("a.example, DNS:b.example\0\n")));
	assert_true(read_parts(&parts, X509_PARSE_OK, ""));
	assert_int_equal(got.san_total, 1);
	assert_int_equal(got.san[0].value.len, 26);
	parts.extensions = build_extension(LITERAL("\x55\x1d\x11"),
					   LITERAL("\x30\x05\x82\x01" "a\x82"));
	assert_true(read_parts(&parts, X509_PARSE_LENIENT, "subjectAltName cannot be read"));
	parts.extensions = build_san(LITERAL("\x82\x01" "a\x82\x05" "b"));
	assert_true(read_parts(&parts, X509_PARSE_LENIENT, "subjectAltName cannot be read"));
	assert_int_equal(got.san_total, 1);             /* what came before the fault */
}

static void test_extensions(void **state)
{
	struct bytes oid = LITERAL("\x55\x1d\x13");     /* basicConstraints */
	struct build_cert parts = parts_reset();

	(void)state;
	parts.extensions = build_extension(oid, LITERAL("\x30\x06\1\1\xff\2\1\3"));
	assert_true(read_parts(&parts, X509_PARSE_OK, ""));
	assert_true(got.is_ca && got.path_len == 3);
	parts.extensions = build_extension(oid, LITERAL("\x30\x06\1\1\1\2\1\xff"));
	assert_true(read_parts(&parts, X509_PARSE_OK, ""));
	assert_true(got.is_ca && got.path_len == -1);
	parts.extensions = build_extension(oid, build_tlv(DER_SEQUENCE, build_tlv(DER_INTEGER,
							  build_fill(0x7f, 64))));
	assert_true(read_parts(&parts, X509_PARSE_OK, ""));
	assert_true(!got.is_ca && got.path_len == INT_MAX);
	parts.extensions = build_extension(oid, LITERAL("\5\0"));
	assert_true(read_parts(&parts, X509_PARSE_LENIENT, "basicConstraints cannot be read"));
	parts.extensions = build_join(2, build_extension(oid, LITERAL("\x30\x00")),
				      LITERAL("\x30\x03\6\1"));
	assert_true(read_parts(&parts, X509_PARSE_LENIENT,
			       "the extensions cannot be read to their end"));
	parts.extensions = build_extension(LITERAL("\x2b\x06\x01\x04\x01\xd6\x79\x02\x04\x02"),
					   LITERAL("\4\0"));
	assert_true(read_parts(&parts, X509_PARSE_OK, ""));
	assert_true(got.has_sct);
	parts.extensions = NONE;
	parts.optional = LITERAL("\xa3\x02\x05\x00");
	assert_true(read_parts(&parts, X509_PARSE_LENIENT, "the extensions are not a list"));
}

static void test_structures(void **state)
{
	struct build_cert parts = parts_reset();
	struct bytes der = build_certificate(&parts);

	(void)state;
	x509_read(NONE, false, &got);
	assert_int_equal(got.parse, X509_PARSE_REFUSED);
	assert_string_equal(got.refused_why, "not a SEQUENCE");
	x509_read(LITERAL("GET / HTTP/1.0\r\n\r\n"), false, &got);
	assert_string_equal(got.refused_why, "not a SEQUENCE");
	x509_read(LITERAL("\x30\2\5\0"), false, &got);
	assert_string_equal(got.refused_why, "TBSCertificate is not a SEQUENCE");
	x509_read(bytes_of(der.data, der.len - 1), false, &got);       /* one byte short */
	assert_int_equal(got.parse, X509_PARSE_LENIENT);
	assert_string_equal(got.refused_why, "ends early");
	assert_string_equal(got.subject, "CN=a.example");
	parts.validity = NONE;
	assert_true(read_parts(&parts, X509_PARSE_REFUSED, "no public key"));
	assert_string_equal(got.issuer, "");            /* hash and length only */
	assert_int_equal(got.issuer_der.len, 0);
	assert_int_equal(got.path_len, -1);
	parts.serial = NONE;
	assert_true(read_parts(&parts, X509_PARSE_REFUSED, "no serial number"));
}

static void test_oversize(void **state)
{
	static const uint8_t hash[32] = { 1, 2, 3 };
	struct build_cert parts = parts_reset();
	struct bytes der;

	(void)state;
	parts.trailing = build_fill(0, X509_FIELDS_MAX);
	der = build_certificate(&parts);
	x509_read(der, false, &got);
	assert_int_equal(got.parse, X509_PARSE_OVERSIZE);
	assert_int_equal(got.der_len, der.len);
	assert_int_not_equal(got.sha256[0] | got.sha256[1] | got.sha256[2], 0);
	x509_read(der, true, &got);
	assert_int_equal(got.parse, X509_PARSE_TRUNCATED);
	x509_read(bytes_of(der.data, X509_FIELDS_MAX), false, &got);
	assert_int_equal(got.parse, X509_PARSE_LENIENT);
	x509_oversize(hash, 5u << 20, &got);
	assert_int_equal(got.parse, X509_PARSE_OVERSIZE);
	assert_int_equal(got.der_len, 5u << 20);
	assert_memory_equal(got.sha256, hash, sizeof(hash));
}

static double read_seconds(const struct build_cert *parts)
{
	struct bytes der = build_certificate(parts);
	struct timespec from, to;

	assert_true(der.len <= X509_FIELDS_MAX);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
	x509_read(der, false, &got);
	assert_false(x509_names(&got, "no.such.example"));
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
	assert_int_not_equal(got.parse, X509_PARSE_REFUSED);
	return (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9;
}

/* The costliest megabytes we can think of. The limit is generous: sanitizers, a busy machine. */
static void test_cost(void **state)
{
	struct build_cert parts = parts_reset();
	struct bytes rdn = build_rdn(OID_CN, 0x0c, LITERAL("a"));
	struct bytes nest = build_join(2, build_repeat(LITERAL("\x30\x80"), 240000),
				       build_repeat(LITERAL("\0\0"), 240000));

	(void)state;
	parts.extensions = build_san(build_repeat(build_dns(NONE), 500000));
	assert_true(read_seconds(&parts) < 2);
	assert_int_equal(got.san_total, 500000);
	parts.extensions = build_san(build_repeat(build_dns(LITERAL("*.a")), 200000));
	assert_true(read_seconds(&parts) < 2);
	parts.extensions = build_repeat(build_extension(LITERAL("\x2a\3"), NONE), 120000);
	assert_true(read_seconds(&parts) < 2);
	parts = build_default();
	parts.subject = build_indefinite(DER_SEQUENCE, build_repeat(rdn, 70000));
	assert_true(read_seconds(&parts) < 2);
	parts = build_default();
	parts.subject = build_tlv(DER_SEQUENCE, build_tlv(DER_SET, nest));
	assert_true(read_seconds(&parts) < 2);
	parts = build_default();
	parts.subject = build_cn(0x1e, build_fill(0xd8, 1000000));
	assert_true(read_seconds(&parts) < 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_encodings),
		cmocka_unit_test(test_nesting),
		cmocka_unit_test(test_sans),
		cmocka_unit_test(test_extensions),
		cmocka_unit_test(test_structures),
		cmocka_unit_test(test_oversize),
		cmocka_unit_test(test_cost),
	};

	return x509_init() ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
