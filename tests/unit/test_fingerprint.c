/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The published vectors: JA3's README (two clients), Suricata's tests (a JA3S), JA4.md (its example,
 * and each of its rules), and what GREASE, SSL 2.0 format, DTLS and hostile hellos make of them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "parsers/fingerprint.h"
#include "tests/unit/buffer.h"

#define PAIRS(...) \
	(const uint16_t[]){ __VA_ARGS__ }, ARRAY_SIZE(((const uint16_t[]){ __VA_ARGS__ }))

static struct fingerprinter *f;

struct hello {
	uint16_t version;
	struct bytes cookie; /* DTLS, where data is set */
	struct buffer suites, extensions;
	bool no_extensions;
};

static void add_pairs(struct buffer *b, const uint16_t *values, size_t num)
{
	size_t i;

	for (i = 0; i < num; i++)
		buffer_number(b, 2, values[i]);
}

/* An extension that holds a list of pairs behind a length of `octets` bytes. */
static void add_list(struct hello *h, uint16_t type, unsigned int octets, const uint16_t *values,
		     size_t num)
{
	struct buffer list = { 0 }, body = { 0 };

	add_pairs(&list, values, num);
	buffer_vec(&body, octets, buffer_bytes(&list));
	buffer_number(&h->extensions, 2, type);
	buffer_vec(&h->extensions, 2, buffer_bytes(&body));
	buffer_free(&list);
	buffer_free(&body);
}

static void add_empty(struct hello *h, const uint16_t *types, size_t num)
{
	size_t i;

	for (i = 0; i < num; i++)
		buffer_number(&h->extensions, 4, (uint32_t)types[i] << 16);
}

static void add_alpn(struct hello *h, struct bytes first)
{
	struct buffer list = { 0 }, body = { 0 };

	buffer_vec(&list, 1, first);
	buffer_vec(&list, 1, bytes_of("http/1.1", 8));
	buffer_vec(&body, 2, buffer_bytes(&list));
	buffer_number(&h->extensions, 2, TLS_EXT_ALPN);
	buffer_vec(&h->extensions, 2, buffer_bytes(&body));
	buffer_free(&list);
	buffer_free(&body);
}

static void add_point_formats(struct hello *h)
{
	static const uint8_t uncompressed[] = { 0, 11, 0, 2, 1, 0 };

	buffer_add(&h->extensions, uncompressed, sizeof(uncompressed));
}

static struct buffer client_body(const struct hello *h)
{
	static const uint8_t random[32];
	struct buffer b = { 0 };

	buffer_number(&b, 2, h->version);
	buffer_add(&b, random, sizeof(random));
	buffer_vec(&b, 1, bytes_of("sid", 3));
	if (h->cookie.data)
		buffer_vec(&b, 1, h->cookie);
	buffer_vec(&b, 2, buffer_bytes(&h->suites));
	buffer_vec(&b, 1, bytes_of("", 1));
	if (!h->no_extensions)
		buffer_vec(&b, 2, buffer_bytes(&h->extensions));
	return b;
}

static void hello_free(struct hello *h)
{
	buffer_free(&h->suites);
	buffer_free(&h->extensions);
}

/* Frees the hello; `ja3` NULL: not looked at. */
static void check_client(struct hello *h, enum ja4_transport transport, const char *ja3_string,
			 const char *ja4)
{
	struct buffer b = client_body(h);
	struct hello_shape shape;
	char got[JA4_SIZE];

	assert_true(hello_shape_client(buffer_bytes(&b), transport, &shape));
	if (ja3_string)
		assert_string_equal(ja3_client_string(f, &shape), ja3_string);
	if (ja4) {
		ja4_client(f, &shape, transport, got);
		assert_string_equal(got, ja4);
	}
	buffer_free(&b);
	hello_free(h);
}

static void check_ja3(struct hello *h, const char *string, const char *hash)
{
	struct buffer b = client_body(h);
	struct hello_shape shape;
	char got[JA3_SIZE];

	assert_true(hello_shape_client(buffer_bytes(&b), JA4_TCP, &shape));
	ja3_client(f, &shape, got);
	assert_string_equal(got, hash);
	buffer_free(&b);
	check_client(h, JA4_TCP, string, NULL);
}

static void test_ja3_vectors(void **state)
{
	struct hello h = { .version = 0x0301 };

	(void)state;
	add_pairs(&h.suites, PAIRS(47, 53, 5, 10, 49161, 49162, 49171, 49172, 50, 56, 19, 4));
	add_empty(&h, PAIRS(0));
	add_list(&h, 10, 2, PAIRS(23, 24, 25));
	add_point_formats(&h);
	check_ja3(&h, "769,47-53-5-10-49161-49162-49171-49172-50-56-19-4,0-10-11,23-24-25,0",
		  "ada70206e40642a3e4461f35503241d5");
	h = (struct hello){ .version = 0x0301, .no_extensions = true };
	add_pairs(&h.suites, PAIRS(4, 5, 10, 9, 100, 98, 3, 6, 19, 18, 99));
	check_ja3(&h, "769,4-5-10-9-100-98-3-6-19-18-99,,,", "de350869b8c85de67a350c8d186f11e6");
}

static struct buffer server_body(uint16_t version, uint16_t suite, const uint16_t *types,
				 size_t num)
{
	static const uint8_t random[32];
	struct buffer b = { 0 }, extensions = { 0 };
	size_t i;

	buffer_number(&b, 2, version);
	buffer_add(&b, random, sizeof(random));
	if (version >> 8 != 0x7f && version != TLS_1_3)
		buffer_vec(&b, 1, bytes_of("sid", 3));
	buffer_number(&b, 2, suite);
	if (version >> 8 != 0x7f && version != TLS_1_3)
		buffer_number(&b, 1, 0);
	for (i = 0; i < num; i++)
		buffer_number(&extensions, 4, (uint32_t)types[i] << 16);
	buffer_vec(&b, 2, buffer_bytes(&extensions));
	buffer_free(&extensions);
	return b;
}

static void test_ja3s(void **state)
{
	struct buffer b = server_body(0x0303, 49199, PAIRS(65281, 0, 11, 16, 23));
	struct hello_shape shape;
	char got[JA3_SIZE];
	uint8_t *copy;
	size_t len;

	(void)state;
	assert_true(hello_shape_server(buffer_bytes(&b), &shape));
	assert_string_equal(ja3_server_string(f, &shape), "771,49199,65281-0-11-16-23");
	ja3_server(f, &shape, got);
	assert_string_equal(got, "5d79edf64e03689ff559a54e9d9487bc");
	/* Every prefix: no byte beyond it is read. */
	for (len = 0; len < b.len; len++) {
		copy = malloc(len ? len : 1);
		assert_non_null(copy);
		memcpy(copy, b.data, len);
		assert_int_equal(hello_shape_server(bytes_of(copy, len), &shape), len >= 41);
		if (len >= 41)
			ja3_server(f, &shape, got);
		free(copy);
	}
	buffer_free(&b);
	b = server_body(0x7f12, 0x1301, PAIRS(40));
	assert_true(hello_shape_server(buffer_bytes(&b), &shape));
	assert_string_equal(ja3_server_string(f, &shape), "32530,4865,40");
	buffer_free(&b);
	b = server_body(0x0304, 0xc02b, PAIRS(40));
	assert_true(hello_shape_server(buffer_bytes(&b), &shape));
	assert_string_equal(ja3_server_string(f, &shape), "772,49195,40");
	buffer_free(&b);
	b = server_body(0x0303, 0xc02f, NULL, 0);
	assert_true(hello_shape_server(buffer_bytes(&b), &shape));
	assert_string_equal(ja3_server_string(f, &shape), "771,49199,");
	buffer_free(&b);
}

/* The example of JA4.md, with GREASE wherever a browser puts it. */
static struct hello example(bool algorithms)
{
	struct hello h = { .version = 0x0303 };

	add_pairs(&h.suites, PAIRS(0x2a2a, 0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030,
				   0xcca9, 0xcca8, 0xc013, 0xc014, 0x009c, 0x009d, 0x002f, 0x0035));
	add_empty(&h, PAIRS(0xfafa, 0x001b, 0x0000, 0x0033));
	add_alpn(&h, bytes_of("h2", 2));
	add_empty(&h, PAIRS(0x4469, 0x0017, 0x002d));
	if (algorithms)
		add_list(&h, 13, 2,
			 PAIRS(0x5a5a, 0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806,
			       0x0601));
	else
		add_empty(&h, PAIRS(13));
	add_empty(&h, PAIRS(0x0005, 0x0023, 0x0012));
	add_list(&h, TLS_EXT_SUPPORTED_VERSIONS, 1, PAIRS(0xbaba, TLS_1_3, TLS_1_2));
	add_empty(&h, PAIRS(0xff01, 0x000b, 0x000a, 0x0015, 0x3a3a));
	return h;
}

static void test_ja4_vectors(void **state)
{
	struct hello h = example(true);

	(void)state;
	check_client(&h, JA4_TCP, NULL, "t13d1516h2_8daaf6152771_e5627efa2ab1");
	h = example(true);
	check_client(&h, JA4_QUIC, NULL, "q13d1516h2_8daaf6152771_e5627efa2ab1");
	h = example(false);
	check_client(&h, JA4_TCP, NULL, "t13d1516h2_8daaf6152771_6d807ffa2a79");
	h = example(true);
	check_client(
		&h, JA4_TCP,
		"771,4865-4866-4867-49195-49199-49196-49200-52393-52392-49171-49172-156-157-47-53,"
		"27-0-51-16-17513-23-45-13-5-35-18-43-65281-11-10-21,,",
		NULL);
}

static void test_ja4_empty(void **state)
{
	struct hello h = { .version = 0x0301, .no_extensions = true };

	(void)state;
	check_client(&h, JA4_TCP, "769,,,,", "t10i000000_000000000000_000000000000");
	/* What is told in the first part alone leaves the last one without a hash. */
	h = (struct hello){ .version = 0x0303 };
	add_empty(&h, PAIRS(TLS_EXT_SERVER_NAME));
	add_alpn(&h, bytes_of("h2", 2));
	check_client(&h, JA4_TCP, NULL, "t12d0002h2_000000000000_000000000000");
	h = (struct hello){ .version = 0x0303 };
	add_empty(&h, PAIRS(0x0a0a, 0xfafa));
	add_pairs(&h.suites, PAIRS(0x1a1a));
	check_client(&h, JA4_TCP, "771,,,,", "t12i000000_000000000000_000000000000");
}

static void test_ja4_alpn(void **state)
{
	static const struct {
		const char *name;
		size_t len;
		const char *want;
	} cases[] = {
		{ "h2", 2, "h2" },
		{ "http/1.1", 8, "h1" },
		{ "h", 1, "hh" },
		{ "", 0, "00" },
		{ "\xab", 1, "ab" },
		{ "\xab\xcd", 2, "ad" },
		{ "0\xab", 2, "3b" },
		{ "01\xab\xcd", 4, "3d" },
		{ "0\xab\xcd"
		  "1",
		  4, "01" },
		{ "_a", 2, "51" },
		{ "a\0", 2, "60" },
		{ "\n", 1, "0a" },
		{ "\0", 1, "00" },
		{ "\x1a\x1a", 2, "h1" }, /* GREASE: the next one, http/1.1 */
	};
	struct hello h;
	char want[JA4_SIZE];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		h = (struct hello){ .version = 0x0303 };
		add_alpn(&h, bytes_of(cases[i].name, cases[i].len));
		snprintf(want, sizeof(want), "t12i0001%s_000000000000_000000000000", cases[i].want);
		check_client(&h, JA4_TCP, NULL, want);
	}
}

static void test_ja4_versions(void **state)
{
	static const struct {
		enum ja4_transport transport;
		uint16_t legacy, offered[3];
		const char *want;
	} cases[] = {
		{ JA4_TCP, 0x0300, { 0 }, "ts3" },
		{ JA4_TCP, 0x0301, { 0 }, "t10" },
		{ JA4_TCP, 0x0302, { 0 }, "t11" },
		{ JA4_TCP, 0x0303, { 0 }, "t12" },
		{ JA4_TCP, 0x0002, { 0 }, "ts2" },
		{ JA4_TCP, 0x1234, { 0 }, "t00" },
		{ JA4_TCP, 0x0303, { 0x0301, 0x0304, 0x0303 }, "t13" },
		{ JA4_TCP, 0x0303, { 0xfafa, 0x0303, 0x0302 }, "t12" },
		{ JA4_TCP, 0x0303, { 0x7f1c, 0x0303, 0x0302 }, "t00" },
		{ JA4_TCP, 0x0303, { 0x2a2a, 0x3a3a, 0x4a4a }, "t12" },
		{ JA4_DTLS, 0xfeff, { 0 }, "dd1" },
		{ JA4_DTLS, 0xfefd, { 0 }, "dd2" },
		{ JA4_DTLS, 0xfefd, { 0xfeff, 0xfefc, 0xfefd }, "dd3" },
		{ JA4_QUIC, 0x0303, { 0x0304, 0x0304, 0x0304 }, "q13" },
	};
	struct hello h;
	char want[JA4_SIZE];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		h = (struct hello){ .version = cases[i].legacy };
		if (cases[i].transport == JA4_DTLS)
			h.cookie = bytes_of("a cookie", 8);
		if (cases[i].offered[0])
			add_list(&h, TLS_EXT_SUPPORTED_VERSIONS, 1, cases[i].offered, 3);
		/* SHA-256 of "002b" begins so. */
		snprintf(want, sizeof(want), "%si000%d00_000000000000_%s", cases[i].want,
			 cases[i].offered[0] != 0,
			 cases[i].offered[0] ? "b9a491fefe05" : "000000000000");
		check_client(&h, cases[i].transport, NULL, want);
	}
}

/* Counts end at 99, hashes go over all: the order does not matter, and no list is too long. */
static void test_ja4_many(void **state)
{
	char forward[JA4_SIZE], backward[JA4_SIZE];
	struct hello up = { .version = 0x0303 }, down = { .version = 0x0303 };
	struct buffer a, b;
	struct hello_shape shape;
	unsigned int i;

	(void)state;
	for (i = 0; i < 32767; i++) {
		buffer_number(&up.suites, 2, (uint16_t)(i * 7));
		buffer_number(&down.suites, 2, (uint16_t)((32766 - i) * 7));
	}
	for (i = 0; i < 16383; i++) {
		add_empty(&up, PAIRS((uint16_t)(i + 100)));
		add_empty(&down, PAIRS((uint16_t)(16382 - i + 100)));
	}
	a = client_body(&up);
	b = client_body(&down);
	assert_true(hello_shape_client(buffer_bytes(&a), JA4_TCP, &shape));
	ja4_client(f, &shape, JA4_TCP, forward);
	assert_true(strlen(ja3_client_string(f, &shape)) > 200000);
	assert_true(hello_shape_client(buffer_bytes(&b), JA4_TCP, &shape));
	ja4_client(f, &shape, JA4_TCP, backward);
	assert_string_equal(forward, backward);
	assert_memory_equal(forward, "t12i999900_", 11);
	buffer_free(&a);
	buffer_free(&b);
	hello_free(&up);
	hello_free(&down);
}

/* The longest texts there can be. */
static void test_longest(void **state)
{
	struct hello h = { .version = 0xffff };
	uint8_t formats[256];
	struct hello_shape shape;
	struct buffer b;
	char got[JA4_SIZE];
	unsigned int i;

	(void)state;
	memset(formats, 0xff, sizeof(formats));
	for (i = 0; i < 32767; i++)
		buffer_number(&h.suites, 2, 0xffff);
	buffer_number(&h.extensions, 4, 11u << 16 | 256);
	buffer_add(&h.extensions, formats, 256);
	buffer_number(&h.extensions, 4, 10u << 16 | 0xfef6);
	buffer_number(&h.extensions, 2, 0xffff);
	while (h.extensions.len < 65534)
		buffer_number(&h.extensions, 2, 0xffff);
	b = client_body(&h);
	assert_true(hello_shape_client(buffer_bytes(&b), JA4_TCP, &shape));
	assert_int_equal(shape.point_formats.len, 255);
	assert_int_equal(strlen(ja3_client_string(f, &shape)), 5 + 1 + 6 * 32767 - 1 + 1 + 5 + 1 +
								       6 * (shape.groups.len / 2) -
								       1 + 1 + 4 * 255 - 1);
	ja4_client(f, &shape, JA4_TCP, got);
	assert_memory_equal(got, "t00i990200_", 11);
	buffer_free(&b);
	hello_free(&h);
}

static void test_sslv2(void **state)
{
	static const uint8_t hello[] = {
		0x80, 0x28, 0x01, 0x03, 0x01, 0x00, 0x0f, 0x00, 0x00, 0x00, 0x10, 0x00, 0x00, 0x39,
		0x01, 0x00, 0x80, 0x00, 0x00, 0x35, 0x07, 0x00, 0xc0, 0x00, 0x2a, 0x2a, 1,    2,
		3,    4,    5,	  6,	7,    8,    9,	  10,	11,   12,   13,	  14,	15,   16,
	};
	struct bytes in = bytes_of(hello, sizeof(hello));
	struct tls_client_hello parsed;
	struct hello_shape shape;
	char got[JA4_SIZE];

	(void)state;
	assert_int_equal(tls_sslv2_hello_parse(&in, &parsed), PARSE_OK);
	hello_shape_sslv2(&parsed, &shape);
	assert_string_equal(ja3_client_string(f, &shape), "769,57-53,,,");
	ja4_client(f, &shape, JA4_TCP, got);
	assert_memory_equal(got, "t10i020000_", 11);
	assert_string_equal(got + 24, "000000000000");
}

/* Every prefix: no byte beyond it is read, and what there is counts. */
static void test_prefixes(void **state)
{
	struct hello h = example(true);
	struct buffer b = client_body(&h);
	size_t fixed = 2 + 32 + 4 + 2 + h.suites.len + 2, len;
	struct hello_shape shape;
	char got[JA4_SIZE];
	uint8_t *copy;

	(void)state;
	for (len = 0; len < b.len; len++) {
		copy = malloc(len ? len : 1);
		assert_non_null(copy);
		memcpy(copy, b.data, len);
		assert_int_equal(hello_shape_client(bytes_of(copy, len), JA4_TCP, &shape),
				 len >= fixed);
		if (len >= fixed) {
			ja4_client(f, &shape, JA4_TCP, got);
			assert_memory_equal(got + 11, "8daaf6152771", 12);
			ja3_client(f, &shape, got);
			assert_int_equal(strlen(got), JA3_SIZE - 1);
		}
		free(copy);
	}
	buffer_free(&b);
	hello_free(&h);
}

/* Lists that claim more than there is, and extensions that are there twice. */
static void test_hostile_lists(void **state)
{
	static const uint8_t extensions[] = {
		0, 10, 0,    4,	   0xff, 0xff, 0, 23, /* claims 65535 bytes of groups */
		0, 10, 0,    4,	   0,	 2,    0, 24, /* a second one */
		0, 11, 0,    1,	   9,		      /* claims 9 formats, has none */
		0, 13, 0,    1,	   0,		      /* ends inside its length */
		0, 16, 0,    3,	   0,	 1,    9,     /* a protocol of 9 bytes that is not there */
		0, 43, 0,    2,	   3,	 3,	      /* half a version */
		0, 12, 0xff, 0xff,		      /* runs past the end: does not count */
	};
	struct hello h = { .version = 0x0303 };

	(void)state;
	buffer_add(&h.extensions, extensions, sizeof(extensions));
	buffer_number(&h.suites, 3, 0x002f00); /* one and a half */
	check_client(&h, JA4_TCP, "771,47,10-10-11-13-16-43,23,", NULL);
	h = (struct hello){ .version = 0x0303 };
	buffer_add(&h.extensions, extensions, sizeof(extensions));
	/* SHA-256 of "000a,000a,000b,000d,002b". */
	check_client(&h, JA4_TCP, NULL, "t12i000600_000000000000_2bce42d94ac6");
}

static int setup(void **state)
{
	(void)state;
	f = fingerprinter_new();
	return f ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	fingerprinter_free(f);
	fingerprinter_free(NULL);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ja3_vectors),   cmocka_unit_test(test_ja3s),
		cmocka_unit_test(test_ja4_vectors),   cmocka_unit_test(test_ja4_empty),
		cmocka_unit_test(test_ja4_alpn),      cmocka_unit_test(test_ja4_versions),
		cmocka_unit_test(test_ja4_many),      cmocka_unit_test(test_longest),
		cmocka_unit_test(test_sslv2),	      cmocka_unit_test(test_prefixes),
		cmocka_unit_test(test_hostile_lists),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
