/* SPDX-License-Identifier: Apache-2.0 */
/* TLS 1.3's Certificate message: entries with extensions, cut and contradicting lengths. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "parsers/tls_certificate.h"

#define OCSP 0, 5, 0, 7, 1, 0, 0, 3, 'o', 'k', '!'    /* 11 bytes */
#define SCT 0, 18, 0, 2, 0, 0                         /* 6 bytes */

/* A context of two bytes; entries: "leaf" with OCSP and SCT, "ca" with nothing, an empty one. */
static const uint8_t whole[] = {
	2, 'c', 'x', 0, 0, 38,
	0, 0, 4, 'l', 'e', 'a', 'f', 0, 17, OCSP, SCT,
	0, 0, 2, 'c', 'a', 0, 0,
	0, 0, 0, 0, 0,
};

static void gives_entries_and_extensions(void **state)
{
	struct tls13_certificate_entry e;
	struct bytes context, list;

	(void)state;
	assert_true(tls13_certificate_list(bytes_of(whole, sizeof(whole)), &context, &list));
	assert_int_equal(context.len, 2);
	assert_memory_equal(context.data, "cx", 2);
	assert_true(tls13_certificate_next(&list, &e));
	assert_int_equal(e.der.len, 4);
	assert_memory_equal(e.der.data, "leaf", 4);
	assert_int_equal(e.extensions.len, 17);
	assert_true(e.has_ocsp && e.has_sct && !e.truncated && !e.extensions_malformed);
	assert_int_equal(e.ocsp.len, 3);
	assert_memory_equal(e.ocsp.data, "ok!", 3);
	assert_true(tls13_certificate_next(&list, &e));
	assert_memory_equal(e.der.data, "ca", 2);
	assert_true(!e.has_ocsp && !e.has_sct && !e.truncated && !e.extensions_malformed);
	assert_true(tls13_certificate_next(&list, &e));
	assert_int_equal(e.der.len, 0);
	assert_false(e.truncated || e.extensions_malformed);
	assert_false(tls13_certificate_next(&list, &e));
}

/* What is there of a message that was cut off; memory of just its size shows any read beyond. */
static void gives_what_is_there_of_every_prefix(void **state)
{
	(void)state;
	for (size_t len = 0; len < sizeof(whole); len++) {
		uint8_t *copy = malloc(len ? len : 1);
		struct tls13_certificate_entry e;
		struct bytes context, list;
		unsigned int entries = 0, marked = 0;

		assert_non_null(copy);
		memcpy(copy, whole, len);
		assert_int_equal(tls13_certificate_list(bytes_of(copy, len), &context, &list),
				 len >= 6);
		while (len >= 6 && tls13_certificate_next(&list, &e)) {
			assert_true(e.der.data + e.der.len <= copy + len);
			assert_true(e.extensions.data + e.extensions.len <= copy + len);
			assert_int_equal(marked, 0);   /* only the last one can be cut */
			marked += e.truncated || e.extensions_malformed;
			entries++;
		}
		/* Cut between entries nothing shows it here; anywhere else the last one is marked.
		 */
		if (len > 6)
			assert_int_equal(marked, len != 6 + 26 && len != 6 + 33);
		assert_in_range(entries, 0, 3);
		free(copy);
	}
}

static void judges_extensions(void **state)
{
	static const struct {
		uint8_t extensions[16];
		uint8_t len;
		bool has_ocsp, has_sct, malformed;
	} cases[] = {
		{ { SCT }, 6, false, true, false },
		{ { OCSP }, 11, true, false, false },
		{ { 0, 18, 0, 0, 0, 18, 0, 0 }, 8, false, true, false },
		{ { 0x12, 0x34, 0, 1, 'x' }, 5, false, false, false },
		{ { 0 }, 1, false, false, true },
		{ { 0, 18, 0, 3, 0, 0 }, 6, false, false, true },      /* longer than the rest */
		{ { 0, 5, 0, 0 }, 4, false, false, true },	       /* no status inside */
		{ { 0, 5, 0, 4, 2, 0, 0, 0 }, 8, false, false, true }, /* another type of status */
		{ { 0, 5, 0, 5, 1, 0, 0, 2, 'x' }, 9, false, false, true },
		{ { 0, 5, 0, 0, SCT }, 10, false, true, true }, /* the next one still counts */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint8_t body[4 + 3 + 1 + 2 + 16] = { 0, 0, 0, (uint8_t)(6 + cases[i].len),
						     0, 0, 1, 'c', 0, cases[i].len };
		struct tls13_certificate_entry e;
		struct bytes context, list;

		memcpy(body + 10, cases[i].extensions, cases[i].len);
		assert_true(tls13_certificate_list(bytes_of(body, 10u + cases[i].len), &context,
						   &list));
		assert_true(tls13_certificate_next(&list, &e));
		assert_int_equal(e.has_ocsp, cases[i].has_ocsp);
		assert_int_equal(e.has_sct, cases[i].has_sct);
		assert_int_equal(e.extensions_malformed, cases[i].malformed);
		assert_int_equal(e.der.len, 1);
		assert_false(tls13_certificate_next(&list, &e));
	}
}

static void forgives_the_lengths_of_the_list(void **state)
{
	uint8_t body[sizeof(whole)];
	struct tls13_certificate_entry e;
	struct bytes context, list;
	unsigned int entries = 0;

	(void)state;
	memcpy(body, whole, sizeof(whole));
	body[3] = 0xff;   /* 16 MiB are claimed */
	assert_true(tls13_certificate_list(bytes_of(body, sizeof(body)), &context, &list));
	while (tls13_certificate_next(&list, &e))
		entries++;
	assert_int_equal(entries, 3);
	body[3] = 0;
	body[5] = 10;     /* ends inside the first entry's extensions */
	assert_true(tls13_certificate_list(bytes_of(body, sizeof(body)), &context, &list));
	assert_true(tls13_certificate_next(&list, &e));
	assert_memory_equal(e.der.data, "leaf", 4);
	assert_true(e.extensions_malformed && !e.truncated);
	assert_int_equal(e.extensions.len, 1);
	assert_false(tls13_certificate_next(&list, &e));
	body[0] = 0xff;   /* a context longer than the message */
	assert_false(tls13_certificate_list(bytes_of(body, sizeof(body)), &context, &list));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_entries_and_extensions),
		cmocka_unit_test(gives_what_is_there_of_every_prefix),
		cmocka_unit_test(judges_extensions),
		cmocka_unit_test(forgives_the_lengths_of_the_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
