/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fields of certificates, each with the values that no authority would issue: known attacks on
 * parsers, and oddities that some libraries accept. What stands beside the odd field is read.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "parsers/x509.h"
#include "tests/unit/x509_case.h"

#define OID_CN LITERAL("\x55\x04\x03")
#define OID_RSA LITERAL("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01")
#define OID_PSS LITERAL("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a")

/*
 * Subjects with one common name: its type and bytes, what is shown, and what OpenSSL thinks of it.
 */
static const struct {
	uint8_t tag;
	struct bytes value;
	const char *subject, *cn;
	enum x509_parse parse;
} name_cases[] = {
#define NAME(tag, in, subject, cn, parse) \
	{ tag, { (const uint8_t *)(in), sizeof(in) - 1 }, subject, cn, parse }
	NAME(0x0c, "a.example", "CN=a.example", "a.example", X509_PARSE_OK),
	NAME(0x0c, "", "CN=", "", X509_PARSE_OK),
	NAME(0x0c, "a\xff" "b", "CN=a\\xFFb", "a\\xFFb", X509_PARSE_LENIENT),
	NAME(0x0c, "\xc0\xaf", "CN=\\xC0\\xAF", "\\xC0\\xAF", X509_PARSE_LENIENT),
	NAME(0x0c, "\xed\xa0\x80", "CN=\\xED\\xA0\\x80", "\\xED\\xA0\\x80", X509_PARSE_LENIENT),
	NAME(0x0c, "\xe2\x80\xae", "CN=\\xE2\\x80\\xAE", "\\xE2\\x80\\xAE", X509_PARSE_OK),
	NAME(0x0c, "a\0b", "CN=a\\x00b", "a\\x00b", X509_PARSE_OK),
	NAME(0x13, "\x1b[2J\n", "CN=\\x1B[2J\\x0A", "\\x1B[2J\\x0A", X509_PARSE_OK),
	NAME(0x0c, " #a,b=\\ ", "CN=\\ #a\\,b=\\\\\\ ", " #a,b=\\\\ ", X509_PARSE_OK),
	NAME(0x0c, "#", "CN=\\#", "#", X509_PARSE_OK),
	NAME(0x0c, " ", "CN=\\ ", " ", X509_PARSE_OK),
	NAME(0x1e, "\0a\0b", "CN=ab", "ab", X509_PARSE_OK),
	NAME(0x1e, "\x20\xac", "CN=\xe2\x82\xac", "\xe2\x82\xac", X509_PARSE_OK),
	NAME(0x1e, "\0a\0", "CN=a\\x00", "a\\x00", X509_PARSE_LENIENT),
	NAME(0x1e, "\xd8\0\0a", "CN=\\xD8\\x00a", "\\xD8\\x00a", X509_PARSE_LENIENT),
	NAME(0x1e, "\xdc\0", "CN=\\xDC\\x00", "\\xDC\\x00", X509_PARSE_LENIENT),
	NAME(0x1e, "\xdc\0\xdd\0", "CN=\\xDC\\x00\\xDD\\x00", "\\xDC\\x00\\xDD\\x00",
	     X509_PARSE_LENIENT),
	NAME(0x1e, "\xd8\0\xd8\0", "CN=\\xD8\\x00\\xD8\\x00", "\\xD8\\x00\\xD8\\x00",
	     X509_PARSE_LENIENT),
	NAME(0x1e, "\xd8\x3d\xdd\x12", "CN=\xf0\x9f\x94\x92", "\xf0\x9f\x94\x92",
	     X509_PARSE_LENIENT),
	NAME(0x1c, "\0\0\0a\0\1\xf5\x12", "CN=a\xf0\x9f\x94\x92", "a\xf0\x9f\x94\x92",
	     X509_PARSE_OK),
	NAME(0x1c, "\0\x11\0\0", "CN=\\x00\\x11\\x00\\x00", "\\x00\\x11\\x00\\x00",
	     X509_PARSE_LENIENT),
	NAME(0x1c, "\0\0\0", "CN=\\x00\\x00\\x00", "\\x00\\x00\\x00", X509_PARSE_LENIENT),
	NAME(0x14, "caf\xe9", "CN=caf\xc3\xa9", "caf\xc3\xa9", X509_PARSE_OK),
	NAME(0x14, "\x85", "CN=\\xC2\\x85", "\\xC2\\x85", X509_PARSE_OK),
	NAME(0x16, "caf\xe9", "CN=caf\\xE9", "caf\\xE9", X509_PARSE_OK),
	NAME(0x02, "\5", "CN=#020105", "", X509_PARSE_LENIENT),
	NAME(0x30, "\5\0", "CN=#30020500", "", X509_PARSE_OK),
	NAME(0x2c, "\x0c\1a", "CN=#2C030C0161", "", X509_PARSE_OK),
};

static void test_names(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(name_cases); i++) {
		struct build_cert parts = parts_reset();

		parts.subject = build_cn(name_cases[i].tag, name_cases[i].value);
		if (!read_parts(&parts, name_cases[i].parse, NULL))
			fail_msg("name %zu", i);
		assert_string_equal(got.subject, name_cases[i].subject);
		assert_string_equal(got.subject_cn, name_cases[i].cn);
		assert_string_equal(got.issuer_cn, "ca.example");
	}
}

static void test_name_structures(void **state)
{
	struct build_cert parts = parts_reset();
	struct bytes pair = build_tlv(DER_SEQUENCE, build_join(2, build_tlv(DER_OID, OID_CN),
							       build_tlv(0x0c, LITERAL("a"))));
	struct bytes rdn = build_tlv(DER_SET, pair);

	(void)state;
	parts.subject = build_tlv(DER_SEQUENCE, NONE);
	assert_true(read_parts(&parts, X509_PARSE_OK, ""));
	assert_string_equal(got.subject, "");
	parts.subject = build_tlv(0x10, rdn);           /* a list without the constructed bit */
	parts.issuer = build_tlv(0x10, build_tlv(0x11, pair));
	assert_true(read_parts(&parts, X509_PARSE_OK, ""));
	assert_string_equal(got.subject, "CN=a");
	assert_string_equal(got.issuer, "CN=a");
	parts.subject = build_tlv(DER_SET, rdn);        /* SET instead of SEQUENCE */
	assert_true(read_parts(&parts, X509_PARSE_LENIENT, "wrong tag"));
	assert_string_equal(got.subject, "CN=a");
	parts.subject = build_tlv(DER_SEQUENCE, build_tlv(DER_SET, build_join(2, pair, pair)));
	assert_true(read_parts(&parts, X509_PARSE_OK, ""));
	assert_string_equal(got.subject, "CN=a+CN=a");
	parts.subject = build_tlv(DER_SEQUENCE, build_join(2, rdn, LITERAL("\x31\x02\xff\xff")));
	assert_true(read_parts(&parts, X509_PARSE_LENIENT, NULL));
	assert_string_equal(got.subject, "#FFFF,CN=a");
	assert_string_equal(got.subject_cn, "a");
	parts.subject = build_tlv(DER_SEQUENCE, build_join(2, rdn, LITERAL("\x31\x05\xff")));
	assert_true(read_parts(&parts, X509_PARSE_LENIENT, NULL));
	assert_string_equal(got.subject, "#3105FF,CN=a");
	parts.subject = build_tlv(DER_SEQUENCE, build_rdn(LITERAL("\x2a\x03\x04"), 0x0c,
							  LITERAL("v")));
	assert_true(read_parts(&parts, X509_PARSE_OK, ""));
	assert_string_equal(got.subject, "1.2.3.4=#0C0176");
}

static void test_name_lengths(void **state)
{
	struct build_cert parts = parts_reset();
	struct bytes rdn = build_rdn(OID_CN, 0x0c, LITERAL("a"));

	(void)state;
	parts.subject = build_cn(0x0c, build_fill('x', 50000));
	assert_true(read_parts(&parts, X509_PARSE_OK, ""));
	assert_int_equal(strlen(got.subject), X509_NAME_TEXT_MAX - 1);
	assert_string_equal(got.subject + X509_NAME_TEXT_MAX - 5, "x...");
	assert_string_equal(got.subject_cn + sizeof(got.subject_cn) - 5, "x...");
	parts.subject = build_tlv(DER_SEQUENCE, build_repeat(rdn, 3000));
	assert_true(read_parts(&parts, X509_PARSE_OK, ""));
	assert_string_equal(got.subject + strlen(got.subject) - 8, "CN=a,...");
	assert_string_equal(got.issuer, "CN=ca.example");
}

static const struct {
	uint8_t tag;
	const char *text;
	bool known;
	int64_t unix_s;
} time_cases[] = {
	{ DER_UTC_TIME, "700101000000Z", true, 0 },
	{ DER_UTC_TIME, "691231235959Z", true, -1 },
	{ DER_UTC_TIME, "500101000000Z", true, -631152000 },
	{ DER_UTC_TIME, "491231235959Z", true, 2524607999 },
	{ DER_UTC_TIME, "7001010000Z", true, 0 },
	{ DER_UTC_TIME, "700101010000+0100", true, 0 },
	{ DER_UTC_TIME, "691231230000-0100", true, 0 },
	{ DER_UTC_TIME, "700101000000+1400", true, -50400 },
	{ DER_UTC_TIME, "700101000000", false, 0 },
	{ DER_UTC_TIME, "700101000000Zx", false, 0 },
	{ DER_UTC_TIME, "700101000000.5Z", false, 0 },
	{ DER_UTC_TIME, "", false, 0 },
	{ DER_UTC_TIME, "7001", false, 0 },
	{ DER_UTC_TIME, "70-101000000Z", false, 0 },
	{ DER_UTC_TIME, "709901000000Z", false, 0 },
	{ DER_UTC_TIME, "700001000000Z", false, 0 },
	{ DER_UTC_TIME, "700100000000Z", false, 0 },
	{ DER_UTC_TIME, "700230000000Z", false, 0 },
	{ DER_UTC_TIME, "700101240000Z", false, 0 },
	{ DER_UTC_TIME, "700101006000Z", false, 0 },
	{ DER_UTC_TIME, "700101000061Z", false, 0 },
	{ DER_UTC_TIME, "700101000000+2400", false, 0 },
	{ DER_UTC_TIME, "700101000000+01", false, 0 },
	{ DER_GENERALIZED_TIME, "19700101000000Z", true, 0 },
	{ DER_GENERALIZED_TIME, "20000229000000Z", true, 951782400 },
	{ DER_GENERALIZED_TIME, "19000229000000Z", false, 0 },
	{ DER_GENERALIZED_TIME, "00000101000000Z", true, -62167219200 },
	{ DER_GENERALIZED_TIME, "99991231235959Z", true, 253402300799 },
	{ DER_GENERALIZED_TIME, "19700101000000.1234567890123456Z", true, 0 },
	{ DER_GENERALIZED_TIME, "19700101000000,5Z", true, 0 },
	{ DER_GENERALIZED_TIME, "19700101000000.Z", true, 0 },
	{ DER_GENERALIZED_TIME, "19700101000000", false, 0 },
	{ DER_INTEGER, "700101000000Z", false, 0 },
};

static void test_times(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(time_cases); i++) {
		struct bytes text = bytes_of(time_cases[i].text, strlen(time_cases[i].text));
		struct build_cert parts = parts_reset();

		parts.validity = build_validity(time_cases[i].tag, text, text);
		x509_read(build_certificate(&parts), false, &got);
		if (got.not_before.known != time_cases[i].known ||
		    got.not_before.unix_s != time_cases[i].unix_s)
			fail_msg("%s: %lld", time_cases[i].text,
				 (long long)got.not_before.unix_s);
		assert_int_equal(got.not_after.known, time_cases[i].known);
		assert_string_equal(got.subject, "CN=a.example");
	}
}

static void test_serials(void **state)
{
	static const struct {
		const char *in;
		size_t len, serial_len;
		bool negative;
	} cases[] = {
		{ "\0", 1, 1, false }, { "", 0, 0, false }, { "\xff", 1, 1, true },
		{ "\0\xff", 2, 1, false }, { "\0\0\0\0\x05", 5, 1, false },
		{ "\x80\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 21, 21, true },
	};
	struct build_cert parts;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		parts = parts_reset();
		parts.serial = build_tlv(DER_INTEGER, bytes_of(cases[i].in, cases[i].len));
		x509_read(build_certificate(&parts), false, &got);
		assert_int_equal(got.serial_len, cases[i].serial_len);
		assert_int_equal(got.serial_negative, cases[i].negative);
		assert_string_equal(got.subject, "CN=a.example");
	}
	parts = parts_reset();
	parts.serial = build_tlv(DER_INTEGER, build_fill(0x77, 100000));
	assert_true(read_parts(&parts, X509_PARSE_LENIENT, "too long for OpenSSL to be asked"));
	assert_int_equal(got.serial_len, 100000);
	assert_int_equal(got.serial[X509_SERIAL_MAX - 1], 0x77);
	parts.serial = build_tlv(DER_INTEGER, build_fill(0x77, 60000));
	assert_true(read_parts(&parts, X509_PARSE_OK, ""));
}

static void test_versions(void **state)
{
	static const struct {
		const char *in;
		size_t len;
		unsigned int version;
	} cases[] = {
		{ "", 0, 1 }, { "\xa0\3\2\1\0", 5, 1 }, { "\xa0\3\2\1\1", 5, 2 },
		{ "\xa0\3\2\1\3", 5, 4 }, { "\xa0\4\2\2\1\0", 6, 257 },
		{ "\xa0\7\2\5\xff\xff\xff\xff\xff", 9, 0 }, { "\xa0\6\2\4\x7f\xff\xff\xff", 8, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct build_cert parts = parts_reset();

		parts.version = bytes_of(cases[i].in, cases[i].len);
		parts.extensions = build_san(build_dns(LITERAL("a.example")));
		x509_read(build_certificate(&parts), false, &got);
		assert_int_equal(got.version, cases[i].version);
		assert_int_equal(got.san_total, 1);     /* in v1 too */
	}
}

static const struct {
	const char *oid, *parameters;
	size_t parameters_len;
	enum x509_key key;
	unsigned int bits;
	const char *curve, *why;        /* why OpenSSL is not asked */
} key_cases[] = {
#define KEY(oid, parameters, key, bits, curve, why) \
	{ oid, parameters, sizeof(parameters) - 1, key, bits, curve, why }
#define EC_OID "\x2a\x86\x48\xce\x3d\x02\x01"
	KEY(EC_OID, "\6\x08\x2a\x86\x48\xce\x3d\3\1\7", X509_KEY_EC, 256, "secp256r1", NULL),
	KEY(EC_OID, "\6\x08\x2a\x81\x1c\xcf\x55\1\x82\x2d", X509_KEY_SM2, 256, "sm2p256v1", NULL),
	KEY(EC_OID, "\6\3\x2a\3\4", X509_KEY_EC, 0, "1.2.3.4", NULL),
	KEY(EC_OID, "\x30\3\2\1\1", X509_KEY_EC, 0, "explicit", "explicit EC parameters"),
	KEY(EC_OID, "\x30\x80\2\1\1\0\0", X509_KEY_EC, 0, "explicit", "explicit EC parameters"),
	KEY(EC_OID, "\5\0", X509_KEY_EC, 0, "", "EC parameters are not a named curve"),
	KEY(EC_OID, "", X509_KEY_EC, 0, "", "EC parameters are not a named curve"),
	KEY(EC_OID, "\x30\5\2", X509_KEY_UNKNOWN, 0, "", "the key's parameters cannot be read"),
	KEY("\x2a\x81\x1c\xcf\x55\1\x82\x2d", "\x30\3\2\1\1", X509_KEY_SM2, 256, "explicit",
	    "explicit EC parameters"),
	KEY("\x2b\x81\x04\x01\x0c", "\x30\3\2\1\1", X509_KEY_EC, 0, "explicit",
	    "explicit EC parameters"),
	KEY("\x60\x86\x48\1\x65\3\4\3\x11", "", X509_KEY_ML_DSA, 44, "", NULL),
	KEY("\x60\x86\x48\1\x65\3\4\3\x12", "", X509_KEY_ML_DSA, 65, "", NULL),
	KEY("\x60\x86\x48\1\x65\3\4\3\x13", "", X509_KEY_ML_DSA, 87, "", NULL),
	KEY("\x2a\x85\3\7\1\1\1\1", "\x30\0", X509_KEY_GOST, 256, "", NULL),
	KEY("\x2a\x85\3\7\1\1\1\2", "\x30\0", X509_KEY_GOST, 512, "", NULL),
	KEY("\x2a\x86\x48\x86\xf7\x0d\1\3\1", "\x30\6\2\4\0\xff\xff\xff", X509_KEY_DH, 24, "",
	    NULL),
	KEY("\x2a\x86\x48\xce\x38\4\1", "\5\0", X509_KEY_DSA, 0, "", NULL),
	KEY("\x2a\3\4", "\5\0", X509_KEY_UNKNOWN, 0, "", NULL),
};

static void test_keys(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(key_cases); i++) {
		struct build_cert parts = parts_reset();
		struct bytes parameters = bytes_of(key_cases[i].parameters,
						   key_cases[i].parameters_len);

		parts.spki = build_spki(bytes_of(key_cases[i].oid, strlen(key_cases[i].oid)),
					parameters, LITERAL("\x04garbage"));
		x509_read(build_certificate(&parts), false, &got);
		if (got.key != key_cases[i].key || got.key_bits != key_cases[i].bits ||
		    strcmp(got.curve, key_cases[i].curve) != 0)
			fail_msg("key %zu: %s %u %s", i, x509_key_name(got.key), got.key_bits,
				 got.curve);
		assert_string_equal(got.refused_why, key_cases[i].why ? key_cases[i].why : "");
		assert_string_equal(got.subject, "CN=a.example");
	}
}

static void test_rsa_keys(void **state)
{
	struct build_cert parts = parts_reset();
	struct bytes modulus = build_tlv(DER_INTEGER, build_fill(0xff, 256));

	(void)state;
	parts.spki = build_spki(OID_RSA, LITERAL("\5\0"),
				build_tlv(DER_SEQUENCE, build_join(2, modulus, LITERAL("\2\1\1"))));
	assert_true(read_parts(&parts, X509_PARSE_OK, NULL));
	assert_int_equal(got.key_bits, 2048);
	assert_int_equal(got.rsa_exponent, 1);
	assert_true(x509_key_weak(&got));
	parts.spki = build_spki(OID_RSA, LITERAL("\5\0"),
				build_tlv(DER_SEQUENCE, build_join(2, modulus, modulus)));
	assert_true(read_parts(&parts, X509_PARSE_OK, NULL));
	assert_int_equal(got.rsa_exponent, 0);
	assert_false(x509_key_weak(&got));
	modulus = build_tlv(DER_INTEGER, build_fill(0x7f, 500000));
	parts.spki = build_spki(OID_RSA, NONE, build_tlv(DER_SEQUENCE, modulus));
	assert_true(read_parts(&parts, X509_PARSE_LENIENT, "too long for OpenSSL to be asked"));
	assert_int_equal(got.key_bits, 3999999);
	parts.spki = build_spki(OID_RSA, NONE, NONE);
	assert_true(read_parts(&parts, X509_PARSE_OK, NULL));
	assert_int_equal(got.key_bits, 0);
	assert_false(x509_key_weak(&got));
	parts.spki = LITERAL("\x30\0");
	assert_true(read_parts(&parts, X509_PARSE_LENIENT, "the key's algorithm cannot be read"));
}

/* CVE-2015-3194: PSS without what it needs; a hash inside the parameters; a giant identifier. */
static void test_signatures(void **state)
{
	struct build_cert parts = parts_reset();
	struct bytes pss = build_tlv(DER_OID, OID_PSS);
	struct bytes sha256 = LITERAL("\x30\x0f\xa0\x0d\x30\x0b\6\x09\x60\x86\x48\1\x65\3\4\2\1");
	struct bytes sha1 = LITERAL("\x30\x0b\xa0\x09\x30\x07\6\5\x2b\x0e\3\2\x1a");
	struct bytes giant = build_join(2, build_fill(0xff, 30000), LITERAL("\x7f"));

	(void)state;
	parts.algorithm = build_tlv(DER_SEQUENCE, pss);
	assert_true(read_parts(&parts, X509_PARSE_OK, ""));
	assert_string_equal(got.signature_algorithm, "rsassaPss");
	assert_true(got.signature_weak);
	parts.algorithm = build_tlv(DER_SEQUENCE, build_join(2, pss, sha1));
	assert_true(read_parts(&parts, X509_PARSE_OK, ""));
	assert_true(got.signature_weak);
	parts.algorithm = build_tlv(DER_SEQUENCE, build_join(2, pss, sha256));
	assert_true(read_parts(&parts, X509_PARSE_OK, ""));
	assert_false(got.signature_weak);
	parts.algorithm = build_tlv(DER_SEQUENCE, LITERAL("\6\7\x2a\x86\x48\xce\x3d\4\1"));
	assert_true(read_parts(&parts, X509_PARSE_OK, ""));
	assert_string_equal(got.signature_algorithm, "ecdsa-with-SHA1");
	assert_true(got.signature_weak);
	parts.algorithm = build_tlv(DER_SEQUENCE, build_tlv(DER_OID, giant));   /* CVE-2023-2650 */
	x509_read(build_certificate(&parts), false, &got);
	assert_memory_equal(got.signature_algorithm, "#FFFF", 5);
	assert_string_equal(got.signature_algorithm + strlen(got.signature_algorithm) - 5, "FF...");
	assert_string_equal(got.subject, "CN=a.example");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_name_structures),
		cmocka_unit_test(test_name_lengths),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_serials),
		cmocka_unit_test(test_versions),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_rsa_keys),
		cmocka_unit_test(test_signatures),
	};

	return x509_init() ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
