/* SPDX-License-Identifier: Apache-2.0 */
/* The vectors of the specification's baseline, in both directions, and the cases its text names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <arpa/inet.h>
#include <cmocka.h>

#include "parsers/community_id.h"

static struct ip_address address(const char *text)
{
	struct ip_address a = { .octets = { [10] = 0xff, [11] = 0xff } };

	if (inet_pton(AF_INET, text, a.octets + 12) != 1)
		assert_int_equal(inet_pton(AF_INET6, text, a.octets), 1);
	return a;
}

static const struct {
	uint8_t protocol;
	const char *src, *dst;
	uint16_t sport, dport;
	const char *id;
} cases[] = {
	{ IPPROTO_TCP, "128.232.110.120", "66.35.250.204", 34855, 80,
	  "1:LQU9qZlK+B5F3KDmev6m5PMibrg=" },
	{ IPPROTO_TCP, "2001:470:e5bf:dead:4957:2174:e82c:4887", "2607:f8b0:400c:c03::1a", 63943,
	  25, "1:/qFaeAR+gFe1KYjMzVDsMv+wgU4=" },
	{ IPPROTO_UDP, "192.168.1.52", "8.8.8.8", 54585, 53, "1:d/FP5EW3wiY1vCndhwleRRKHowQ=" },
	{ IPPROTO_SCTP, "192.168.170.8", "192.168.170.56", 7, 7, "1:MP2EtRCAUIZvTw6MxJHLV7N7JDs=" },
};

static void test_vectors(void **state)
{
	char id[COMMUNITY_ID_SIZE], back[COMMUNITY_ID_SIZE];
	struct ip_address src, dst;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		src = address(cases[i].src);
		dst = address(cases[i].dst);
		assert_true(community_id(cases[i].protocol, &src, cases[i].sport, &dst,
					 cases[i].dport, id));
		assert_string_equal(id, cases[i].id);
		assert_true(community_id(cases[i].protocol, &dst, cases[i].dport, &src,
					 cases[i].sport, back));
		assert_string_equal(back, cases[i].id);
	}
}

/* A host that talks to itself: the ports decide. */
static void test_same_address(void **state)
{
	char id[COMMUNITY_ID_SIZE], back[COMMUNITY_ID_SIZE], other[COMMUNITY_ID_SIZE];
	struct ip_address lo = address("127.0.0.1"), lo6 = address("::1");

	(void)state;
	assert_true(community_id(IPPROTO_TCP, &lo, 51244, &lo, 9808, id));
	assert_true(community_id(IPPROTO_TCP, &lo, 9808, &lo, 51244, back));
	assert_string_equal(id, back);
	assert_true(community_id(IPPROTO_TCP, &lo6, 9808, &lo6, 51244, other));
	assert_string_not_equal(id, other);
	assert_true(community_id(IPPROTO_UDP, &lo, 9808, &lo, 51244, other));
	assert_string_not_equal(id, other);
}

static void test_two_families(void **state)
{
	struct ip_address v4 = address("127.0.0.1"), v6 = address("::1");
	char id[COMMUNITY_ID_SIZE] = "not empty";

	(void)state;
	assert_false(community_id(IPPROTO_TCP, &v4, 1, &v6, 2, id));
	assert_string_equal(id, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_same_address),
		cmocka_unit_test(test_two_families),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
