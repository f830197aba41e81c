/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "parsers/tls_hello.h"
#include "parsers/tls_request.h"

/* CN=Staff CA and CN=Guests, as a list of two with its length. */
#define NAMES \
	"\x00\x29" \
	"\x00\x15\x30\x13\x31\x11\x30\x0f\x06\x03\x55\x04\x03\x0c\x08" "Staff CA" \
	"\x00\x10\x30\x0e\x31\x0c\x30\x0a\x06\x03\x55\x04\x03\x0c\x03" "Ops"

static struct bytes of(const char *text, size_t size)
{
	return bytes_of((const uint8_t *)text, size);
}
#define BODY(text) of(text, sizeof(text) - 1)

static void assert_names(struct bytes list)
{
	char text[64];

	assert_true(tls_authority_next(&list, text, sizeof(text)));
	assert_string_equal(text, "CN=Staff CA");
	assert_true(tls_authority_next(&list, text, sizeof(text)));
	assert_string_equal(text, "CN=Ops");
	assert_false(tls_authority_next(&list, text, sizeof(text)));
}

static void test_each_version(void **state)
{
	struct bytes list;

	(void)state;
	assert_true(tls_certificate_request_parse(BODY("\x02\x01\x40" NAMES), 0x0302, &list));
	assert_names(list);
	assert_true(tls_certificate_request_parse(BODY("\x02\x01\x40\x00\x02\x04\x01" NAMES), TLS_1_2, &list));
	assert_names(list);
	assert_true(tls_certificate_request_parse(BODY("\x00\x00\x2f\x00\x2f\x00\x2b" NAMES), TLS_1_3, &list));
	assert_names(list);
}

static void test_none_in_particular(void **state)
{
	struct bytes list;

	(void)state;
	assert_true(tls_certificate_request_parse(BODY("\x01\x01\x00\x00\x00\x00"), TLS_1_2, &list));
	assert_int_equal(list.len, 0);
	assert_true(tls_certificate_request_parse(BODY("\x00\x00\x00"), TLS_1_3, &list));
	assert_int_equal(list.len, 0);
}

/* Every shorter body is refused, or gives fewer names; nothing is read beyond it. */
static void test_cut(void **state)
{
	static const char whole[] = "\x02\x01\x40\x00\x02\x04\x01" NAMES;
	struct bytes list;
	size_t len;

	(void)state;
	for (len = 0; len < sizeof(whole) - 1; len++)
		assert_false(tls_certificate_request_parse(of(whole, len), TLS_1_2, &list));
}

static void test_not_a_name(void **state)
{
	struct bytes list = BODY("\x00\x02\xff\xff\x00\x09" "x");
	char text[64];

	(void)state;
	assert_true(tls_authority_next(&list, text, sizeof(text)));
	assert_string_equal(text, "(not a name)");
	assert_false(tls_authority_next(&list, text, sizeof(text)));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_version),
		cmocka_unit_test(test_none_in_particular),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_not_a_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
