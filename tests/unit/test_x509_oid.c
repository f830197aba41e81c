/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of object identifiers, against those of OpenSSL. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <openssl/ec.h>
#include <openssl/objects.h>

#include "parsers/x509_oid.h"

#define LITERAL(s) bytes_of((s), sizeof(s) - 1)

static struct bytes oid_of(int nid)
{
	const ASN1_OBJECT *object = OBJ_nid2obj(nid);

	return object ? bytes_of(OBJ_get0_data(object), OBJ_length(object)) : bytes_of(NULL, 0);
}

/* Three curves have other names in OpenSSL. */
static bool same_curve(const char *ours, const char *theirs)
{
	static const char *const others[][2] = {
		{ "secp192r1", "prime192v1" },
		{ "secp256r1", "prime256v1" },
		{ "sm2p256v1", "SM2" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		if (strcmp(ours, others[i][0]) == 0)
			return strcmp(theirs, others[i][1]) == 0;
	return strcmp(ours, theirs) == 0;
}

static unsigned int compare_curves(void)
{
	EC_builtin_curve curves[128];
	size_t count = EC_get_builtin_curves(curves, ARRAY_SIZE(curves));
	unsigned int compared = 0;

	assert_true(count > 0 && count <= ARRAY_SIZE(curves));
	for (size_t i = 0; i < count; i++) {
		const struct x509_curve_oid *known = x509_oid_curve(oid_of(curves[i].nid));
		EC_GROUP *group;

		if (!known)
			continue;
		group = EC_GROUP_new_by_curve_name(curves[i].nid);
		assert_int_equal(known->bits, EC_GROUP_get_degree(group));
		if (!same_curve(known->name, OBJ_nid2sn(curves[i].nid)))
			fail_msg("%s is %s", known->name, OBJ_nid2sn(curves[i].nid));
		EC_GROUP_free(group);
		compared++;
	}
	return compared;
}

/* Every identifier that OpenSSL knows and our tables too has the same name in both. */
static void test_tables(void **state)
{
	unsigned int signatures = 0, attributes = 0;

	(void)state;
	for (int nid = 1; nid < 2000; nid++) {
		struct bytes oid = oid_of(nid);
		const struct x509_signature_oid *signature = x509_oid_signature(oid);
		const char *attribute = x509_oid_attribute(oid);

		if (oid.len > 0 && signature && strncmp(signature->name, "GOST", 4) != 0) {
			assert_string_equal(signature->name, OBJ_nid2ln(nid));
			signatures++;
		}
		if (oid.len > 0 && attribute && nid != NID_streetAddress) {
			if (strcmp(attribute, OBJ_nid2sn(nid)) != 0)
				assert_string_equal(attribute, OBJ_nid2ln(nid));
			attributes++;
		}
	}
	assert_true(signatures >= 35);
	assert_true(attributes >= 25);
	assert_true(compare_curves() >= 40);
}

static void test_oid_text(void **state)
{
	char out[64];

	(void)state;
	x509_oid_text(LITERAL("\x55\x04\x03"), out, sizeof(out));
	assert_string_equal(out, "2.5.4.3");
	x509_oid_text(LITERAL("\x88\x37\x03"), out, sizeof(out));
	assert_string_equal(out, "2.999.3");
	x509_oid_text(LITERAL("\x2a\x81\xff\xff\xff\xff\xff\xff\xff\xff\x7f"), out, sizeof(out));
	assert_string_equal(out, "1.2.18446744073709551615");
	x509_oid_text(LITERAL("\x2a\x82\x80\x80\x80\x80\x80\x80\x80\x80\x00"), out, sizeof(out));
	assert_string_equal(out, "#2A82808080808080808000");
	x509_oid_text(LITERAL("\x2a\x86"), out, sizeof(out));
	assert_string_equal(out, "#2A86");
	x509_oid_text(LITERAL(""), out, sizeof(out));
	assert_string_equal(out, "#");
	x509_oid_text(LITERAL("\x2a\1\1\1\1\1\1"), out, 12);
	assert_string_equal(out, "1.2.1.1...");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tables),
		cmocka_unit_test(test_oid_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
