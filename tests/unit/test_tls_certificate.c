/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "parsers/tls_certificate.h"
#include "tests/unit/tls_build.h"

/* What the list holds, written down: each entry's length, '!' where it is cut off. */
static void describe(struct bytes body, char *text, size_t size)
{
	struct tls_certificate_entry entry;
	struct bytes list;
	size_t at = 0, total = 0;

	text[0] = '\0';
	if (!tls_certificate_list(body, &list)) {
		snprintf(text, size, "none");
		return;
	}
	while (tls_certificate_next(&list, &entry)) {
		assert_true(entry.der.data >= body.data && entry.der.data + entry.der.len <= body.data + body.len);
		at += (size_t)snprintf(text + at, size - at, "%zu%s ", entry.der.len, entry.truncated ? "!" : "");
		total += entry.der.len;
	}
	assert_true(total <= body.len);
}

static const struct { struct bytes body; const char *want; } lists[] = {
	{ TEXT_INIT(""), "none" },
	{ TEXT_INIT("\0\0"), "none" },
	{ TEXT_INIT("\0\0\0"), "" },
	{ TEXT_INIT("\0\0\0trailing"), "" },
	{ TEXT_INIT("\0\0\5\0\0\2ab"), "2 " },
	{ TEXT_INIT("\0\0\5\0\0\2abcd"), "2 " },                   /* bytes after the list */
	{ TEXT_INIT("\0\0\x09\0\0\2ab\0\0\1c"), "2 1 " },
	{ TEXT_INIT("\0\0\6\0\0\0\0\0\0"), "0 0 " },
	{ TEXT_INIT("\0\0\7\0\0\2ab\0\0"), "2 2! " },              /* two stray bytes */
	{ TEXT_INIT("\0\0\6\0\0\2ab\7"), "2 1! " },                /* a stray one */
	{ TEXT_INIT("\0\0\5\0\0\3ab"), "2! " },                    /* longer than the list */
	{ TEXT_INIT("\xff\xff\xff\0\0\2ab\xff\xff\xff" "c"), "2 1! " },
	{ TEXT_INIT("\0\1\0\0\0\2ab"), "2 " },                     /* a list longer than the message */
};

static void test_lists(void **state)
{
	char text[256];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(lists); i++) {
		uint8_t *copy = bytes_copy(lists[i].body);

		describe(bytes_of(copy, lists[i].body.len), text, sizeof(text));
		assert_string_equal(text, lists[i].want);
		free(copy);
	}
}

/* Every prefix of a good list: whole entries first, at most one that is cut off at the end. */
static void test_prefixes(void **state)
{
	static const struct bytes ders[] = { TEXT_INIT("first"), TEXT_INIT("2nd"), TEXT_INIT("") };
	struct buffer b = { 0 };
	char text[256];
	size_t len;

	(void)state;
	build_certificate_list(&b, ders, ARRAY_SIZE(ders));
	for (len = 3; len <= b.len; len++) {
		uint8_t *copy = bytes_copy(bytes_of(b.data, len));

		describe(bytes_of(copy, len), text, sizeof(text));
		if (strchr(text, '!'))
			assert_string_equal(strchr(text, '!'), "! ");
		assert_int_equal(strncmp(text, "5 ", 2) == 0, len >= 11);
		assert_int_equal(strncmp(text, "5 3 ", 4) == 0, len >= 17);
		free(copy);
	}
	assert_string_equal(text, "5 3 0 ");
	buffer_free(&b);
}

/* Walks `body` in pieces of `step` bytes; the certificates' bytes are put together again. */
static void walk(struct bytes body, size_t step, struct buffer *out)
{
	struct tls_certificate_walk w = { 0 };
	struct tls_certificate_part part;
	struct buffer current = { 0 };
	struct bytes piece;
	bool open = false;

	buffer_clear(out);
	while (body.len > 0) {
		assert_true(bytes_take(&body, step < body.len ? step : body.len, &piece));
		while (tls_certificate_walk(&w, &piece, &part)) {
			assert_int_equal(part.begins, !open);
			if (part.begins)
				buffer_clear(&current);
			buffer_add_bytes(&current, part.part);
			open = !part.ends;
			if (!part.ends)
				continue;
			assert_int_equal(part.length, current.len);
			buffer_vec(out, 3, buffer_bytes(&current));
		}
		assert_int_equal(piece.len, 0);
	}
	buffer_free(&current);
}

static void test_walk(void **state)
{
	struct buffer b = { 0 }, out = { 0 };
	uint8_t big[300] = { 0 };
	struct bytes ders[] = { bytes_of(big, 300), TEXT("2nd"), TEXT(""), TEXT("x"), bytes_of(big, 255) };
	size_t step;

	(void)state;
	memset(big, 0x30, sizeof(big));
	build_certificate_list(&b, ders, ARRAY_SIZE(ders));
	for (step = 1; step <= b.len; step++) {
		walk(buffer_bytes(&b), step, &out);
		assert_int_equal(out.len, b.len - 3);
		assert_memory_equal(out.data, b.data + 3, out.len);
	}
	buffer_free(&b);
	buffer_free(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_prefixes),
		cmocka_unit_test(test_walk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
