/* SPDX-License-Identifier: Apache-2.0 */
/* Good certificates, made here by libcrypto: our walk must say what OpenSSL says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include <openssl/asn1.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "parsers/x509.h"

#define NOT_AFTER 2208988800        /* 2040-01-01 */

static struct x509 got;

static EVP_PKEY *make_key(const char *type, const char *option, const char *value)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	EVP_PKEY *key = NULL;

	assert_non_null(ctx);
	assert_int_equal(EVP_PKEY_keygen_init(ctx), 1);
	if (option)
		assert_int_equal(EVP_PKEY_CTX_ctrl_str(ctx, option, value), 1);
	assert_int_equal(EVP_PKEY_keygen(ctx, &key), 1);
	EVP_PKEY_CTX_free(ctx);
	return key;
}

/* The parameters take seconds to make; 1024 bits are enough to be read. */
static EVP_PKEY *make_dsa_key(void)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "DSA", NULL);
	EVP_PKEY *parameters = NULL, *key = NULL;

	assert_int_equal(EVP_PKEY_paramgen_init(ctx), 1);
	assert_int_equal(EVP_PKEY_CTX_ctrl_str(ctx, "dsa_paramgen_bits", "1024"), 1);
	assert_int_equal(EVP_PKEY_paramgen(ctx, &parameters), 1);
	EVP_PKEY_CTX_free(ctx);
	ctx = EVP_PKEY_CTX_new_from_pkey(NULL, parameters, NULL);
	assert_int_equal(EVP_PKEY_keygen_init(ctx), 1);
	assert_int_equal(EVP_PKEY_keygen(ctx, &key), 1);
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(parameters);
	return key;
}

static void add_extension(X509 *cert, int nid, const char *value)
{
	X509_EXTENSION *ext;
	X509V3_CTX ctx;

	X509V3_set_ctx(&ctx, cert, cert, NULL, NULL, 0);
	ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	assert_non_null(ext);
	assert_int_equal(X509_add_ext(cert, ext, -1), 1);
	X509_EXTENSION_free(ext);
}

static void add_name(X509_NAME *name, const char *field, const char *value)
{
	assert_int_equal(X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8,
						    (const unsigned char *)value, -1, -1, 0), 1);
}

/* Everything but the extensions and the signature. */
static X509 *make_cert(EVP_PKEY *key, long version)
{
	X509 *cert = X509_new();
	X509_NAME *name = X509_NAME_new();

	add_name(name, "C", "DE");
	add_name(name, "O", "A, B + \"C\"; <D> \\ #");
	add_name(name, "OU", " leading and trailing ");
	add_name(name, "OU", "#hash");
	add_name(name, "CN", "www.example.com");
	assert_int_equal(X509_set_version(cert, version), 1);
	assert_int_equal(ASN1_INTEGER_set_uint64(X509_get_serialNumber(cert), 0xfedcba9876543210),
			 1);
	assert_int_equal(X509_set_subject_name(cert, name), 1);
	assert_int_equal(X509_set_issuer_name(cert, name), 1);
	X509_NAME_free(name);
	assert_non_null(ASN1_TIME_set(X509_getm_notBefore(cert), -86400));
	assert_non_null(ASN1_TIME_set(X509_getm_notAfter(cert), NOT_AFTER));
	assert_int_equal(X509_set_pubkey(cert, key), 1);
	return cert;
}

static struct bytes sign(X509 *cert, EVP_PKEY *key, const EVP_MD *md, bool pss)
{
	static uint8_t *der;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *key_ctx;
	int len;

	assert_int_equal(EVP_DigestSignInit(ctx, &key_ctx, md, NULL, key), 1);
	if (pss)
		assert_true(EVP_PKEY_CTX_set_rsa_padding(key_ctx, RSA_PKCS1_PSS_PADDING) > 0);
	assert_true(X509_sign_ctx(cert, ctx) > 0);
	EVP_MD_CTX_free(ctx);
	OPENSSL_free(der);
	der = NULL;
	len = i2d_X509(cert, &der);
	assert_true(len > 0);
	return bytes_of(der, (size_t)len);
}

static void compare_name(X509_NAME *name, const char *text, struct bytes der)
{
	BIO *bio = BIO_new(BIO_s_mem());
	const unsigned char *want;
	size_t want_len;
	char *printed;
	long len;

	X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253);
	len = BIO_get_mem_data(bio, &printed);
	assert_int_equal(strlen(text), len);
	assert_memory_equal(text, printed, len);
	BIO_free(bio);
	assert_int_equal(X509_NAME_get0_der(name, &want, &want_len), 1);
	assert_true(bytes_equal(der, bytes_of(want, want_len)));
}

static int64_t seconds_of(const ASN1_TIME *time)
{
	ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
	int days, seconds;

	assert_int_equal(ASN1_TIME_diff(&days, &seconds, epoch, time), 1);
	ASN1_TIME_free(epoch);
	return (int64_t)days * 86400 + seconds;
}

static void compare_key_id(const ASN1_OCTET_STRING *want, struct bytes id)
{
	assert_int_equal(id.len, want ? ASN1_STRING_length(want) : 0);
	if (want)
		assert_memory_equal(id.data, ASN1_STRING_get0_data(want), id.len);
}

/* What OpenSSL reads from `der`, field by field, against what x509_read() left in `got`. */
static void compare(struct bytes der)
{
	const uint8_t *at = der.data;
	X509 *cert = d2i_X509(NULL, &at, (long)der.len);
	uint8_t hash[SHA256_DIGEST_LENGTH], *spki = NULL;
	BIGNUM *serial;
	int len;

	assert_non_null(cert);
	x509_read(der, false, &got);
	assert_int_equal(got.parse, X509_PARSE_OK);
	assert_string_equal(got.refused_why, "");
	assert_int_equal(got.der_len, der.len);
	assert_memory_equal(got.sha256, SHA256(der.data, der.len, hash), sizeof(hash));
	assert_memory_equal(got.sha1, SHA1(der.data, der.len, hash), SHA_DIGEST_LENGTH);
	len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &spki);
	assert_memory_equal(got.spki_sha256, SHA256(spki, (size_t)len, hash), sizeof(hash));
	OPENSSL_free(spki);
	assert_int_equal(got.version, X509_get_version(cert) + 1);
	serial = ASN1_INTEGER_to_BN(X509_get0_serialNumber(cert), NULL);
	assert_int_equal(BN_bn2bin(serial, hash), got.serial_len);
	assert_memory_equal(hash, got.serial, got.serial_len);
	BN_free(serial);
	compare_name(X509_get_subject_name(cert), got.subject, got.subject_der);
	compare_name(X509_get_issuer_name(cert), got.issuer, got.issuer_der);
	assert_true(got.not_before.known && got.not_after.known);
	assert_int_equal(got.not_before.unix_s, seconds_of(X509_get0_notBefore(cert)));
	assert_int_equal(got.not_after.unix_s, seconds_of(X509_get0_notAfter(cert)));
	assert_string_equal(got.signature_algorithm, OBJ_nid2ln(X509_get_signature_nid(cert)));
	if (got.key != X509_KEY_EC)     /* there OpenSSL counts the order's bits */
		assert_int_equal(got.key_bits, EVP_PKEY_get_bits(X509_get0_pubkey(cert)));
	assert_int_equal(got.is_ca, !!(X509_get_extension_flags(cert) & EXFLAG_CA) &&
				    got.version == 3);
	assert_int_equal(got.path_len, X509_get_pathlen(cert));
	compare_key_id(X509_get0_subject_key_id(cert), got.subject_key_id);
	compare_key_id(X509_get0_authority_key_id(cert), got.authority_key_id);
	X509_free(cert);
}

static void make_and_compare(EVP_PKEY *key, const EVP_MD *md, bool pss)
{
	X509 *cert = make_cert(key, 2);

	add_extension(cert, NID_basic_constraints, "critical,CA:TRUE,pathlen:3");
	add_extension(cert, NID_subject_key_identifier, "hash");
	add_extension(cert, NID_authority_key_identifier, "keyid:always");
	compare(sign(cert, key, md, pss));
	assert_true(x509_self_issued(&got));
	assert_string_equal(got.subject_cn, "www.example.com");
	X509_free(cert);
	EVP_PKEY_free(key);
}

static void test_rsa(void **state)
{
	static const struct {
		const char *option, *value;
		unsigned int bits, exponent;
		bool weak;
	} cases[] = {
		{ "rsa_keygen_bits", "1024", 1024, 65537, true },
		{ "rsa_keygen_bits", "2056", 2056, 65537, false },
		{ "rsa_keygen_pubexp", "3", 2048, 3, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		EVP_PKEY *key = make_key("RSA", cases[i].option, cases[i].value);

		make_and_compare(key, i == 0 ? EVP_sha1() : EVP_sha256(), false);
		assert_int_equal(got.key, X509_KEY_RSA);
		assert_int_equal(got.key_bits, cases[i].bits);
		assert_int_equal(got.rsa_exponent, cases[i].exponent);
		assert_int_equal(x509_key_weak(&got), cases[i].weak);
		assert_int_equal(got.signature_weak, i == 0);
	}
}

static void test_rsa_pss(void **state)
{
	(void)state;
	make_and_compare(make_key("RSA-PSS", "rsa_keygen_bits", "1024"), EVP_sha256(), true);
	assert_int_equal(got.key, X509_KEY_RSA_PSS);
	assert_false(got.signature_weak);
	make_and_compare(make_key("RSA", "rsa_keygen_bits", "1024"), EVP_sha1(), true);
	assert_int_equal(got.key, X509_KEY_RSA);
	assert_string_equal(got.signature_algorithm, "rsassaPss");
	assert_true(got.signature_weak);
}

static void test_dsa(void **state)
{
	(void)state;
	make_and_compare(make_dsa_key(), EVP_sha256(), false);
	assert_int_equal(got.key, X509_KEY_DSA);
	assert_true(x509_key_weak(&got));
}

/* Each curve that this OpenSSL has and that has a name of its own for us. */
static void test_curves(void **state)
{
	static const char *const curves[] = {
		"secp192r1", "secp224r1", "secp256r1", "secp384r1", "secp521r1", "secp256k1",
		"sect283k1", "sect571r1", "brainpoolP256r1", "brainpoolP384r1", "brainpoolP512t1",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(curves); i++) {
		const char *name = strcmp(curves[i], "secp192r1") == 0 ? "prime192v1" :
				   strcmp(curves[i], "secp256r1") == 0 ? "prime256v1" : curves[i];

		make_and_compare(make_key("EC", "ec_paramgen_curve", name),
				 i % 2 ? EVP_sha1() : EVP_sha384(), false);
		assert_int_equal(got.key, X509_KEY_EC);
		assert_string_equal(got.curve, curves[i]);
		assert_int_equal(got.signature_weak, i % 2);
		assert_int_equal(x509_key_weak(&got), i == 0);
	}
}

static void test_edwards(void **state)
{
	(void)state;
	make_and_compare(make_key("ED25519", NULL, NULL), NULL, false);
	assert_int_equal(got.key, X509_KEY_ED25519);
	make_and_compare(make_key("ED448", NULL, NULL), NULL, false);
	assert_int_equal(got.key, X509_KEY_ED448);
}

static void test_v1(void **state)
{
	EVP_PKEY *key = make_key("ED25519", NULL, NULL);
	X509 *cert = make_cert(key, 0);

	(void)state;
	compare(sign(cert, key, NULL, false));
	assert_int_equal(got.version, 1);
	assert_int_equal(got.san_total, 0);
	X509_free(cert);
	EVP_PKEY_free(key);
}

static void test_explicit_curve(void **state)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	EVP_PKEY *key = NULL;
	X509 *cert;

	(void)state;
	assert_int_equal(EVP_PKEY_keygen_init(ctx), 1);
	assert_int_equal(EVP_PKEY_CTX_ctrl_str(ctx, "ec_paramgen_curve", "P-256"), 1);
	assert_int_equal(EVP_PKEY_CTX_ctrl_str(ctx, "ec_param_enc", "explicit"), 1);
	assert_int_equal(EVP_PKEY_keygen(ctx, &key), 1);
	EVP_PKEY_CTX_free(ctx);
	cert = make_cert(key, 2);
	x509_read(sign(cert, key, EVP_sha256(), false), false, &got);
	assert_int_equal(got.parse, X509_PARSE_LENIENT);
	assert_string_equal(got.refused_why, "explicit EC parameters");
	assert_string_equal(got.curve, "explicit");
	assert_int_equal(got.key, X509_KEY_EC);
	assert_string_equal(got.subject_cn, "www.example.com");
	X509_free(cert);
	EVP_PKEY_free(key);
}

static void test_sans(void **state)
{
	static const struct {
		enum x509_san_kind kind;
		struct bytes value;
	} want[] = {
		{ X509_SAN_DNS, { (const uint8_t *)"*.example.com", 13 } },
		{ X509_SAN_DNS, { (const uint8_t *)"xn--bcher-kva.example", 21 } },
		{ X509_SAN_IP, { (const uint8_t *)"\xc0\0\2\1", 4 } },
		{ X509_SAN_IP, { (const uint8_t *)"\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1", 16 } },
		{ X509_SAN_EMAIL, { (const uint8_t *)"a@b.example", 11 } },
		{ X509_SAN_URI, { (const uint8_t *)"spiffe://d/w", 12 } },
		{ X509_SAN_OTHER, { (const uint8_t *)"\x2a\x03\x04", 3 } },
	};
	EVP_PKEY *key = make_key("ED25519", NULL, NULL);
	X509 *cert = make_cert(key, 2);

	(void)state;
	add_extension(cert, NID_subject_alt_name, "DNS:*.example.com,DNS:xn--bcher-kva.example,"
		      "IP:192.0.2.1,IP:2001:db8::1,email:a@b.example,URI:spiffe://d/w,RID:1.2.3.4");
	compare(sign(cert, key, NULL, false));
	assert_int_equal(got.san_total, ARRAY_SIZE(want));
	assert_int_equal(got.san_count, ARRAY_SIZE(want));
	for (size_t i = 0; i < ARRAY_SIZE(want); i++) {
		assert_int_equal(got.san[i].kind, want[i].kind);
		assert_true(bytes_equal(got.san[i].value, want[i].value));
	}
	X509_free(cert);
	EVP_PKEY_free(key);
}

static void test_many_sans(void **state)
{
	EVP_PKEY *key = make_key("ED25519", NULL, NULL);
	X509 *cert = make_cert(key, 2);
	static char list[1000 * 24];
	size_t len = 0;

	(void)state;
	for (int i = 0; i < 1000; i++)
		len += (size_t)snprintf(list + len, sizeof(list) - len, "%sDNS:n%d.example",
					i ? "," : "", i);
	add_extension(cert, NID_subject_alt_name, list);
	compare(sign(cert, key, NULL, false));
	assert_int_equal(got.san_total, 1000);
	assert_int_equal(got.san_count, X509_SAN_MAX);
	assert_true(x509_names(&got, "n0.example"));
	assert_true(x509_names(&got, "n999.example"));
	assert_false(x509_names(&got, "n1000.example"));
	X509_free(cert);
	EVP_PKEY_free(key);
}

/* Never OK and never a crash for less than the whole; no field that the whole does not have. */
static void test_prefixes(void **state)
{
	EVP_PKEY *key = make_key("ED25519", NULL, NULL);
	X509 *cert = make_cert(key, 2);
	static struct x509 whole;
	struct bytes der;

	(void)state;
	add_extension(cert, NID_subject_alt_name, "DNS:a.example,IP:192.0.2.1");
	der = sign(cert, key, NULL, false);
	x509_read(der, false, &whole);
	for (size_t len = 0; len < der.len; len++) {
		uint8_t *copy = malloc(len + !len);     /* exactly as long, for the sanitizer */

		memcpy(copy, der.data, len);
		x509_read(bytes_of(copy, len), true, &got);
		assert_int_equal(got.parse, X509_PARSE_TRUNCATED);
		assert_true(got.subject_cn[0] == '\0' ||
			    strcmp(got.subject_cn, whole.subject_cn) == 0);
		assert_true(got.san_total <= whole.san_total);
		x509_read(bytes_of(copy, len), false, &got);
		assert_true(got.parse == X509_PARSE_REFUSED || got.parse == X509_PARSE_LENIENT);
		assert_true(got.refused_why[0] != '\0');
		free(copy);
	}
	x509_read(bytes_of(der.data, der.len - 70), true, &got);       /* inside the signature */
	assert_string_equal(got.subject, whole.subject);
	assert_int_equal(got.san_total, 2);
	X509_free(cert);
	EVP_PKEY_free(key);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rsa),
		cmocka_unit_test(test_rsa_pss),
		cmocka_unit_test(test_dsa),
		cmocka_unit_test(test_curves),
		cmocka_unit_test(test_edwards),
		cmocka_unit_test(test_v1),
		cmocka_unit_test(test_explicit_curve),
		cmocka_unit_test(test_sans),
		cmocka_unit_test(test_many_sans),
		cmocka_unit_test(test_prefixes),
	};

	return x509_init() ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
