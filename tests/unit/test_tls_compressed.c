/* SPDX-License-Identifier: Apache-2.0 */
/* CompressedCertificate: what comes out, and what a stranger cannot make us hold. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

#include "parsers/tls_compressed.h"
#include "tests/unit/record_hex.h"

#define TEXT_LEN 3000
#define LENGTH_MAX 0xffffffu
#define BUDGET (64u << 20)

/* Brotli's encoder is a library that nothing else here needs: these two were made with it. */
#define BROTLI_TEXT \
	"1fb70bf865d8b8b16e201240c08049000270a57398602588e42ab8408020c48d431e9a269a205500" \
	"750658ec8a60b0c8721a20878d20e8d160c348048c20a6b8240f3ce58920cb88a09a1d748420d4f2" \
	"586dd7818e20f040896b94d997e078d860a99f979ea070f3238b84fa8ee0905ebe4115f596a03353" \
	"38f127d184a0e0d62f6df5599ce0669219b7955197604564b69923a999604905d3d1470a9460663d" \
	"76c076d991e00a89b7d0205f95e04db757107b64802087279f5660688160cd04fdf06b4799204e25" \
	"51fce22b8de09ee6eeab4c7c91e00f6bd8b38eb681a0cb27cfedfefc82e0933edd34967f83e0fcd3" \
	"89baeabf82e091e30d2fcb2e8f52bf5fedbb8dea03"
/* LENGTH_MAX zeros */
#define BROTLI_BOMB \
	"9ffefffff82700e2b14000f7fe1f"

struct compressed {
	uint8_t data[64 << 10];
	size_t len;
};

static uint8_t text[TEXT_LEN];
static struct compressed good[4], bomb[4];

static void zlib_compress(const uint8_t *data, size_t len, struct compressed *out)
{
	unsigned long out_len = sizeof(out->data);

	assert_int_equal(compress2(out->data, &out_len, data, len, 9), Z_OK);
	out->len = out_len;
}

static void zstd_compress(const uint8_t *data, size_t len, struct compressed *out)
{
	out->len = ZSTD_compress(out->data, sizeof(out->data), data, len, 3);
	assert_false(ZSTD_isError(out->len));
}

static void brotli_copy(const char *hex, struct compressed *out)
{
	struct unhexed data = unhex(hex);

	memcpy(out->data, data.data, data.len);
	out->len = data.len;
}

static int setup(void **state)
{
	uint8_t *zeros = calloc(1, LENGTH_MAX);

	(void)state;
	if (!zeros)
		return -1;
	for (size_t i = 0; i < TEXT_LEN; i++)
		text[i] = (uint8_t)("certificate"[i % 11] ^ (uint8_t)(i / 97));
	zlib_compress(text, TEXT_LEN, &good[TLS_COMPRESSION_ZLIB]);
	zstd_compress(text, TEXT_LEN, &good[TLS_COMPRESSION_ZSTD]);
	brotli_copy(BROTLI_TEXT, &good[TLS_COMPRESSION_BROTLI]);
	zlib_compress(zeros, LENGTH_MAX, &bomb[TLS_COMPRESSION_ZLIB]);
	zstd_compress(zeros, LENGTH_MAX, &bomb[TLS_COMPRESSION_ZSTD]);
	brotli_copy(BROTLI_BOMB, &bomb[TLS_COMPRESSION_BROTLI]);
	free(zeros);
	return 0;
}

/* A message body in memory of just its size; the caller frees it. */
static struct bytes body_of(uint16_t algorithm, uint32_t claimed, const uint8_t *data, size_t len)
{
	uint8_t *body = malloc(8 + len);

	assert_non_null(body);
	body[0] = (uint8_t)(algorithm >> 8);
	body[1] = (uint8_t)algorithm;
	for (size_t i = 0; i < 3; i++) {
		body[2 + i] = (uint8_t)(claimed >> 8 * (2 - i));
		body[5 + i] = (uint8_t)(len >> 8 * (2 - i));
	}
	if (len)
		memcpy(body + 8, data, len);
	return bytes_of(body, 8 + len);
}

/* Reads and checks that everything is given back. `peak` may be NULL. */
static enum tls_compressed read_all(uint16_t algorithm, uint32_t claimed, uint32_t limit,
				    const struct compressed *in, size_t len, size_t *peak)
{
	struct bytes body = body_of(algorithm, claimed, in->data, len);
	struct budget memory = { .max = BUDGET };
	struct tls_uncompressed out;
	enum tls_compressed result = tls_compressed_read(body, limit, &memory, &out);

	assert_int_equal(out.algorithm, algorithm);
	assert_int_equal(out.claimed, claimed);
	assert_int_equal(memory.used, out.capacity);
	if (result == TLS_COMPRESSED_OK || result == TLS_COMPRESSED_OVERSIZE) {
		assert_in_range(out.len, 0, claimed < limit ? claimed : limit);
		if (in == &good[algorithm])
			assert_memory_equal(out.data, text, out.len);
		assert_int_equal(out.len, result == TLS_COMPRESSED_OK ? claimed : limit);
	} else {
		assert_null(out.data);
		assert_int_equal(out.len + out.capacity, 0);
	}
	tls_uncompressed_free(&out, &memory);
	assert_int_equal(memory.used, 0);
	if (peak)
		*peak = memory.peak;
	free((void *)(uintptr_t)body.data);
	return result;
}

static void gives_what_was_compressed(void **state)
{
	(void)state;
	for (uint16_t a = 1; a <= 3; a++) {
		const struct compressed *in = &good[a];

		assert_int_equal(read_all(a, TEXT_LEN, TLS_UNCOMPRESSED_MAX, in, in->len, NULL),
				 TLS_COMPRESSED_OK);
		assert_int_equal(read_all(a, TEXT_LEN, TEXT_LEN, in, in->len, NULL),
				 TLS_COMPRESSED_OK);
	}
}

static void holds_the_claim_against_it(void **state)
{
	static const struct {
		uint32_t claimed, limit;
		enum tls_compressed expect;
	} cases[] = {
		{ TEXT_LEN - 1, TLS_UNCOMPRESSED_MAX, TLS_COMPRESSED_LENGTH },
		{ TEXT_LEN + 1, TLS_UNCOMPRESSED_MAX, TLS_COMPRESSED_LENGTH },
		{ 0, TLS_UNCOMPRESSED_MAX, TLS_COMPRESSED_LENGTH },
		{ LENGTH_MAX, TLS_UNCOMPRESSED_MAX, TLS_COMPRESSED_LENGTH },
		{ LENGTH_MAX, TEXT_LEN, TLS_COMPRESSED_LENGTH },
		{ TEXT_LEN, TEXT_LEN - 1, TLS_COMPRESSED_OVERSIZE },
		{ TEXT_LEN, 1, TLS_COMPRESSED_OVERSIZE },
		{ TEXT_LEN, 0, TLS_COMPRESSED_OVERSIZE },
		{ 10, 5, TLS_COMPRESSED_OVERSIZE },
		{ 10, 10, TLS_COMPRESSED_LENGTH },
	};

	(void)state;
	for (uint16_t a = 1; a <= 3; a++) {
		for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
			assert_int_equal(read_all(a, cases[i].claimed, cases[i].limit, &good[a],
						  good[a].len, NULL),
					 cases[i].expect);
	}
}

static void refuses_every_prefix(void **state)
{
	(void)state;
	for (uint16_t a = 1; a <= 3; a++) {
		struct bytes body = body_of(a, TEXT_LEN, good[a].data, good[a].len);
		struct budget memory = { .max = BUDGET };
		struct tls_uncompressed out;

		for (size_t len = 0; len < good[a].len; len++)
			assert_int_equal(
				read_all(a, TEXT_LEN, TLS_UNCOMPRESSED_MAX, &good[a], len, NULL),
				TLS_COMPRESSED_MALFORMED);
		for (size_t len = 0; len < body.len; len++)
			assert_int_equal(tls_compressed_read(bytes_of(body.data, len),
							     TLS_UNCOMPRESSED_MAX, &memory, &out),
					 TLS_COMPRESSED_MALFORMED);
		assert_int_equal(memory.used, 0);
		assert_int_equal(memory.peak, 0);
		free((void *)(uintptr_t)body.data);
	}
}

static void refuses_what_follows(void **state)
{
	(void)state;
	for (uint16_t a = 1; a <= 3; a++) {
		struct compressed more = good[a];
		struct bytes body = body_of(a, TEXT_LEN, good[a].data, good[a].len);
		struct budget memory = { .max = BUDGET };
		struct tls_uncompressed out;

		more.data[more.len++] = 0;
		assert_int_equal(read_all(a, TEXT_LEN, TLS_UNCOMPRESSED_MAX, &more, more.len, NULL),
				 TLS_COMPRESSED_MALFORMED);
		((uint8_t *)(uintptr_t)body.data)[7]--;   /* a byte behind the vector */
		assert_int_equal(tls_compressed_read(body, TLS_UNCOMPRESSED_MAX, &memory, &out),
				 TLS_COMPRESSED_MALFORMED);
		free((void *)(uintptr_t)body.data);
	}
}

static void survives_every_changed_byte(void **state)
{
	(void)state;
	for (uint16_t a = 1; a <= 3; a++) {
		for (size_t at = 0; at < good[a].len; at++) {
			struct compressed changed = good[a];

			changed.data[at] ^= 0xff;
			read_all(a, TEXT_LEN, TLS_UNCOMPRESSED_MAX, &changed, changed.len, NULL);
		}
	}
}

static void stops_at_the_limit_of_a_bomb(void **state)
{
	/* What each decompressor may need for itself: window and tables. */
	static const size_t own[] = { 0, 64u << 10, 17u << 20, 9u << 20 };
	size_t peak;

	(void)state;
	for (uint16_t a = 1; a <= 3; a++) {
		const struct compressed *in = &bomb[a];

		assert_int_equal(read_all(a, LENGTH_MAX, TLS_UNCOMPRESSED_MAX, in, in->len, &peak),
				 TLS_COMPRESSED_OVERSIZE);
		assert_in_range(peak, TLS_UNCOMPRESSED_MAX, TLS_UNCOMPRESSED_MAX + 1 + own[a]);
		assert_int_equal(read_all(a, 100, TLS_UNCOMPRESSED_MAX, in, in->len, &peak),
				 TLS_COMPRESSED_LENGTH);
		assert_in_range(peak, 0, 101 + own[a]);
	}
}

/* A claim of 16 MiB over a few bytes takes what these need. */
static void a_claim_allocates_nothing(void **state)
{
	struct compressed small;
	size_t peak;

	(void)state;
	zlib_compress((const uint8_t *)"abc", 3, &small);
	assert_int_equal(
		read_all(TLS_COMPRESSION_ZLIB, LENGTH_MAX, LENGTH_MAX, &small, small.len, &peak),
		TLS_COMPRESSED_LENGTH);
	assert_in_range(peak, 0, (64u << 10) + 4096);
}

static void keeps_to_the_budget(void **state)
{
	unsigned int refused = 0;

	(void)state;
	for (uint16_t a = 1; a <= 3; a++) {
		struct bytes body = body_of(a, TEXT_LEN, good[a].data, good[a].len);

		for (size_t max = 0; max < 20u << 20; max = max * 3 / 2 + 1000) {
			struct budget memory = { .max = max };
			struct tls_uncompressed out;
			enum tls_compressed result =
				tls_compressed_read(body, TLS_UNCOMPRESSED_MAX, &memory, &out);

			assert_true(result == TLS_COMPRESSED_OK ||
				    result == TLS_COMPRESSED_NO_MEMORY);
			assert_true((memory.refused > 0) == (result == TLS_COMPRESSED_NO_MEMORY));
			assert_true(memory.peak <= max);
			refused += result == TLS_COMPRESSED_NO_MEMORY;
			tls_uncompressed_free(&out, &memory);
			assert_int_equal(memory.used, 0);
		}
		free((void *)(uintptr_t)body.data);
	}
	assert_in_range(refused, 3, 60);
}

static void refuses_other_algorithms(void **state)
{
	static const uint16_t others[] = { 0, 4, 16384, 65535 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		assert_int_equal(read_all(others[i], TEXT_LEN, TLS_UNCOMPRESSED_MAX, &good[1],
					  good[1].len, NULL),
				 TLS_COMPRESSED_UNKNOWN);
	for (int i = TLS_COMPRESSED_OK; i <= TLS_COMPRESSED_NO_MEMORY; i++)
		assert_true(strlen(tls_compressed_name((enum tls_compressed)i)) > 0);
}

/* A frame of two bytes that asks for a window of 2^log bytes (RFC 8878 section 3.1.1.1.2). */
static enum tls_compressed read_window(uint8_t log)
{
	struct compressed frame = {
		.data = { 0x28, 0xb5, 0x2f, 0xfd, 0x00, (uint8_t)((log - 10) << 3), 0x11, 0, 0, 'h',
			  'i' },
		.len = 11,
	};

	return read_all(TLS_COMPRESSION_ZSTD, 2, TLS_UNCOMPRESSED_MAX, &frame, frame.len, NULL);
}

static void bounds_the_window_of_zstd(void **state)
{
	(void)state;
	assert_int_equal(read_window(10), TLS_COMPRESSED_OK);
	assert_int_equal(read_window(23), TLS_COMPRESSED_OK);
	assert_int_equal(read_window(24), TLS_COMPRESSED_MALFORMED);
	assert_int_equal(read_window(31), TLS_COMPRESSED_MALFORMED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_what_was_compressed),
		cmocka_unit_test(holds_the_claim_against_it),
		cmocka_unit_test(refuses_every_prefix),
		cmocka_unit_test(refuses_what_follows),
		cmocka_unit_test(survives_every_changed_byte),
		cmocka_unit_test(stops_at_the_limit_of_a_bomb),
		cmocka_unit_test(a_claim_allocates_nothing),
		cmocka_unit_test(keeps_to_the_budget),
		cmocka_unit_test(refuses_other_algorithms),
		cmocka_unit_test(bounds_the_window_of_zstd),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
