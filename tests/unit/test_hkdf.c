/* SPDX-License-Identifier: Apache-2.0 */
/* The vectors of RFC 5869 appendix A and RFC 9001 appendix A.1; SHA-384 against OpenSSL's own. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include "parsers/hkdf.h"
#include "tests/unit/hex.h"

static struct hkdf *hkdf;

static int setup(void **state)
{
	(void)state;
	hkdf = hkdf_new();
	return hkdf ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	hkdf_free(hkdf);
	return 0;
}

static void counts_up(uint8_t *out, uint8_t first, size_t len)
{
	for (size_t i = 0; i < len; i++)
		out[i] = (uint8_t)(first + i);
}

static void test_rfc5869(void **state)
{
	uint8_t secret[80], salt[80], info[80], prk[32], out[82];

	(void)state;
	/* A.1 */
	memset(secret, 0x0b, 22);
	counts_up(salt, 0x00, 13);
	counts_up(info, 0xf0, 10);
	assert_true(hkdf_extract(hkdf, HKDF_SHA256, bytes_of(salt, 13), bytes_of(secret, 22), prk));
	assert_hex(prk, 32, "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5");
	assert_true(hkdf_expand(hkdf, HKDF_SHA256, bytes_of(prk, 32), bytes_of(info, 10), out, 42));
	assert_hex(out, 42, "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf"
			    "34007208d5b887185865");
	/* A.2: everything longer than a block */
	counts_up(secret, 0x00, 80);
	counts_up(salt, 0x60, 80);
	counts_up(info, 0xb0, 80);
	assert_true(hkdf_extract(hkdf, HKDF_SHA256, bytes_of(salt, 80), bytes_of(secret, 80), prk));
	assert_hex(prk, 32, "06a6b88c5853361a06104c9ceb35b45cef760014904671014a193f40c15fc244");
	assert_true(hkdf_expand(hkdf, HKDF_SHA256, bytes_of(prk, 32), bytes_of(info, 80), out, 82));
	assert_hex(out, 82, "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c"
			    "59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71"
			    "cc30c58179ec3e87c14c01d5c1f3434f1d87");
	/* A.3: no salt, no info */
	memset(secret, 0x0b, 22);
	assert_true(hkdf_extract(hkdf, HKDF_SHA256, bytes_of(NULL, 0), bytes_of(secret, 22), prk));
	assert_hex(prk, 32, "19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04");
	assert_true(hkdf_expand(hkdf, HKDF_SHA256, bytes_of(prk, 32), bytes_of(NULL, 0), out, 42));
	assert_hex(out, 42, "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d"
			    "9d201395faa4b61a96c8");
}

static void test_expand_label(void **state)
{
	uint8_t secret[32], out[32];
	struct bytes none = bytes_of(NULL, 0);

	(void)state;
	hex_read("7db5df06e7a69e432496adedb00851923595221596ae2ae9fb8115c1e9ed0a44", secret, 32);
	assert_true(hkdf_expand_label(hkdf, HKDF_SHA256, bytes_of(secret, 32), "client in", none,
				      out, 32));
	assert_hex(out, 32, "c00cf151ca5be075ed0ebfb5c80323c42d6b7db67881289af4008f1f6c357aea");
}

static void openssl_hkdf(int mode, struct bytes key, const char *name, struct bytes value,
			 uint8_t *out, size_t len)
{
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
	EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode),
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)"SHA384", 0),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)(uintptr_t)key.data,
						  key.len),
		OSSL_PARAM_construct_octet_string(name, (void *)(uintptr_t)value.data, value.len),
		OSSL_PARAM_construct_end(),
	};

	assert_non_null(ctx);
	assert_int_equal(EVP_KDF_derive(ctx, out, len, params), 1);
	EVP_KDF_CTX_free(ctx);
	EVP_KDF_free(kdf);
}

static void test_sha384(void **state)
{
	uint8_t key[200], other[200], ours[100], theirs[100];

	(void)state;
	counts_up(key, 7, sizeof(key));
	counts_up(other, 90, sizeof(other));
	/* Around the block (128) and the digest (48). */
	for (size_t len = 1; len <= sizeof(key); len += 9) {
		struct bytes k = bytes_of(key, len), o = bytes_of(other, sizeof(other) - len + 1);

		openssl_hkdf(EVP_KDF_HKDF_MODE_EXTRACT_ONLY, o, OSSL_KDF_PARAM_SALT, k, theirs, 48);
		assert_true(hkdf_extract(hkdf, HKDF_SHA384, k, o, ours));
		assert_memory_equal(ours, theirs, 48);
		openssl_hkdf(EVP_KDF_HKDF_MODE_EXPAND_ONLY, k, OSSL_KDF_PARAM_INFO, o, theirs, 100);
		assert_true(hkdf_expand(hkdf, HKDF_SHA384, k, o, ours, 100));
		assert_memory_equal(ours, theirs, 100);
	}
	assert_int_equal(hkdf_hash_len(HKDF_SHA256), 32);
	assert_int_equal(hkdf_hash_len(HKDF_SHA384), 48);
}

static void test_limits(void **state)
{
	static uint8_t out[255 * 48 + 1];
	struct bytes secret = bytes_of("0123456789abcdef", 16), context = bytes_of(out, 0);
	char label[251];

	(void)state;
	assert_true(hkdf_expand(hkdf, HKDF_SHA256, secret, secret, out, 255 * 32));
	assert_false(hkdf_expand(hkdf, HKDF_SHA256, secret, secret, out, 255 * 32 + 1));
	assert_true(hkdf_expand(hkdf, HKDF_SHA384, secret, secret, out, 255 * 48));
	assert_false(hkdf_expand(hkdf, HKDF_SHA384, secret, secret, out, 255 * 48 + 1));

	memset(label, 'a', sizeof(label));
	label[250] = '\0';
	assert_false(hkdf_expand_label(hkdf, HKDF_SHA256, secret, label, secret, out, 32));
	label[249] = '\0';
	context.len = 255;
	assert_true(hkdf_expand_label(hkdf, HKDF_SHA256, secret, label, context, out, 32));
	context.len = 256;
	assert_false(hkdf_expand_label(hkdf, HKDF_SHA256, secret, label, context, out, 32));
}

/* RFC 4231 test cases 1 and 6: a short key, and one longer than a block. */
static void test_hmac(void **state)
{
	static const char text[] = "Test Using Larger Than Block-Size Key - Hash Key First";
	uint8_t key[131], out[48];

	(void)state;
	memset(key, 0x0b, 20);
	assert_true(hkdf_hmac(hkdf, HKDF_SHA256, bytes_of(key, 20), bytes_of("Hi There", 8), out));
	assert_hex(out, 32, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
	memset(key, 0xaa, 131);
	assert_true(hkdf_hmac(hkdf, HKDF_SHA384, bytes_of(key, 131),
			      bytes_of(text, sizeof(text) - 1), out));
	assert_hex(out, 48, "4ece084485813e9088d2c63a041bc5b44f9ef1012a2b588f3cd11f05033ac4c6"
			    "0c2ef6ab4030fe8296248df163f44952");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rfc5869),
		cmocka_unit_test(test_expand_label),
		cmocka_unit_test(test_sha384),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_hmac),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
