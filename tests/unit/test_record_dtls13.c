/* SPDX-License-Identifier: Apache-2.0 */
/* Records of DTLS 1.3: published ones, and ones sealed here, in every form of the header. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "parsers/record_protection.h"
#include "tests/unit/record_hex.h"
#include "tests/unit/record_seal.h"

static struct hkdf *hkdf;
static uint8_t out[RECORD_OPEN_MAX];
static size_t out_len;
static uint8_t out_type;
static const char *why;

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

static enum parse open_datagram(struct record_cipher *rc, const uint8_t *datagram, size_t len,
				size_t id_len, uint64_t *sequence)
{
	struct bytes in = bytes_of(datagram, len);
	struct dtls13_record record;

	assert_true(dtls13_record_next(&in, id_len, &record));
	assert_int_equal(in.len, 0);
	return record_open_dtls13(rc, &record, out, sizeof(out), &out_len, &out_type, sequence);
}

/* "The illustrated DTLS 1.3 connection": the server's EncryptedExtensions, the client's Finished.
 */
static void opens_published_dtls13(void **state)
{
	struct unhexed server =
		unhex("8ad7990b9d249bcbaa0805d8d3f3ad2259e75f3a42c5d84db3ea3c6ee57b3d38");
	struct unhexed client =
		unhex("33e472fb8d821b0193314626bebee307ccbd1aeb3d3a17ba468888ffc5246da1");
	struct unhexed extensions =
		unhex("2e79fa002fee9dcff3f8679a4859fe68377fb34ada85df879c673e501d7"
		      "a4e8f1950e0fcf67fe442e7d7d2b8a3d5fa59574ffd00");
	struct unhexed finished =
		unhex("2ec248003d8a2cd52d5000f8786afb47cdf0b8f2b81342b00c43dce64b1d"
		      "0194d2e201f681750978528bbe26af79612401c007a2c5f75f7cffb7465b"
		      "c01d23d8511f");
	struct record_cipher *rc = record_cipher_dtls13(hkdf, 0x1301, unhexed_bytes(&server), &why);
	uint64_t sequence = 99;

	(void)state;
	assert_non_null(rc);
	assert_int_equal(open_datagram(rc, finished.data, finished.len, 0, &sequence), PARSE_BAD);
	assert_int_equal(sequence, 99);
	assert_int_equal(open_datagram(rc, extensions.data, extensions.len, 0, &sequence),
			 PARSE_OK);
	assert_int_equal(sequence, 0);
	assert_int_equal(out_type, 22);
	assert_int_equal(out[0], 8);
	record_cipher_free(rc);
	rc = record_cipher_dtls13(hkdf, 0x1301, unhexed_bytes(&client), &why);
	assert_non_null(rc);
	assert_int_equal(open_datagram(rc, finished.data, finished.len, 0, &sequence), PARSE_OK);
	assert_int_equal(out[0], 20);
	record_cipher_free(rc);
}

static void opens_dtls13_in_any_form(void **state)
{
	/* Forward, back, across the ends of 8 bits: each within half of what 8 bits tell. */
	static const uint64_t numbers[] = { 0, 1, 100, 3, 200, 255, 256, 250, 300, 400, 390, 513 };
	struct bytes text = bytes_of("0123456789abcdef\x16", 17);
	uint8_t datagram[300];
	uint64_t due;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(seal_suites); i++) {
		for (uint8_t form = 0; form < 0x20; form += 4) {
			struct record_cipher *rc = record_cipher_dtls13(
				hkdf, seal_suites[i].suite, seal_secret(&seal_suites[i]),
				&why);

			assert_non_null(rc);
			due = 0;
			for (size_t k = 0; k < ARRAY_SIZE(numbers); k++) {
				uint64_t sequence = 0;
				size_t len = seal_dtls(hkdf, &seal_suites[i], form, 7, numbers[k], text,
						       datagram);

				assert_int_equal(open_datagram(rc, datagram, len, 7, &sequence),
						 PARSE_OK);
				assert_int_equal(sequence, numbers[k]);
				assert_int_equal(out_len, 16);
				due = numbers[k] >= due ? numbers[k] + 1 : due;
				assert_int_equal(record_cipher_sequence(rc), due);
				datagram[len - 1] ^= 1;
				assert_int_equal(open_datagram(rc, datagram, len, 7, &sequence),
						 PARSE_BAD);
			}
			assert_int_equal(due, 514);
			record_cipher_free(rc);
		}
	}
}

static void parses_hostile_dtls13(void **state)
{
	uint8_t datagram[300];
	size_t len = seal_dtls(hkdf, &seal_suites[0], 0x1c, 255, 5, bytes_of("text\x16", 5), datagram);
	struct record_cipher *rc =
		record_cipher_dtls13(hkdf, 0x1301, seal_secret(&seal_suites[0]), &why);
	struct record_cipher *tls =
		record_cipher_tls13(hkdf, 0x1301, 0, seal_secret(&seal_suites[0]), &why);
	struct dtls13_record record;
	uint64_t sequence;
	struct bytes in;

	(void)state;
	for (size_t cut = 0; cut < len; cut++) {
		in = bytes_of(datagram, cut);
		assert_false(dtls13_record_next(&in, 255, &record));
		assert_int_equal(in.len, cut);
	}
	in = bytes_of(datagram, len);
	assert_false(dtls13_record_next(&in, 0, &record)); /* a connection id, but none agreed */
	assert_false(dtls13_record_next(&in, 256, &record));
	assert_true(dtls13_record_next(&in, 255, &record));
	assert_int_equal(record.connection_id.len, 255);
	assert_int_equal(record_open_dtls13(rc, &record, out, sizeof(out), &out_len, &out_type,
					    &sequence), PARSE_OK);
	assert_int_equal(record_open_dtls13(tls, &record, out, sizeof(out), &out_len, &out_type,
					    &sequence), PARSE_BAD);
	assert_int_equal(record_open_dtls13(rc, &record, out, 3, &out_len, &out_type, &sequence),
			 PARSE_BAD);
	for (unsigned int first = 0; first < 256; first++) {
		datagram[0] = (uint8_t)first;
		in = bytes_of(datagram, len);
		if (first >> 5 != 1)
			assert_false(dtls13_record_next(&in, 255, &record));
	}
	record_cipher_free(rc);
	record_cipher_free(tls);
}

/* RFC 9147 section 4.2.3: of less than 16 bytes there is no mask. Authentic but for that. */
static void needs_bytes_for_the_mask(void **state)
{
	const struct seal_suite *s = &seal_suites[4]; /* CCM_8: a body can be as short as 9 bytes */
	struct record_cipher *rc = record_cipher_dtls13(hkdf, s->suite, seal_secret(s), &why);
	uint8_t datagram[64] = { 0 };
	uint64_t sequence;
	size_t len = seal_dtls(hkdf, s, 0x0c, 0, 0, bytes_of("123456\x16", 7), datagram);

	(void)state;
	assert_non_null(rc);
	assert_int_equal(open_datagram(rc, datagram, len, 0, &sequence), PARSE_BAD);
	len = seal_dtls(hkdf, s, 0x0c, 0, 0, bytes_of("1234567\x16", 8), datagram);
	assert_int_equal(open_datagram(rc, datagram, len, 0, &sequence), PARSE_OK);
	record_cipher_free(rc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(opens_published_dtls13),
		cmocka_unit_test(opens_dtls13_in_any_form),
		cmocka_unit_test(parses_hostile_dtls13),
		cmocka_unit_test(needs_bytes_for_the_mask),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
