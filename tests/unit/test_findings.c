/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/certs.h"
#include "tests/unit/tls_build.h"
#include "userspace/ledger/findings.h"

#define BIT(f) (1u << FINDING_##f)
#define DAY_NS 86400000000000ull
#define NOW_S 1700000000        /* inside the certificates' validity, 2020 to 2040 */

static struct bytes leaf, issuer, root, stranger;
static struct chain_table *table;

static struct ledger_row row_of(const struct bytes *ders, size_t num)
{
	struct ledger_row row = { .role = ROLE_SERVER, .first_ns = NOW_S * 1000000000ull,
				  .last_ns = NOW_S * 1000000000ull };
	struct buffer b = { 0 };

	build_certificate_list(&b, ders, num);
	assert_int_equal(chain_from_message(table, buffer_bytes(&b), false, &row.chain), 0);
	buffer_free(&b);
	return row;
}

static void test_chains(void **state)
{
	const struct { struct bytes ders[3]; size_t num; unsigned int want; } cases[] = {
		{ { leaf, issuer, root }, 3, 0 },
		{ { leaf, issuer }, 2, 0 },
		{ { leaf }, 1, BIT(CHAIN_INCOMPLETE) },
		{ { leaf, root }, 2, BIT(CHAIN_INCOMPLETE) },
		{ { leaf, root, issuer }, 3, BIT(CHAIN_ORDER) },
		{ { leaf, stranger, issuer }, 3, BIT(CHAIN_ORDER) },
		{ { stranger }, 1, BIT(SELF_SIGNED) },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct ledger_row row = row_of(cases[i].ders, cases[i].num);

		print_message("# chain %zu\n", i);
		assert_int_equal(findings_of(&row, NOW_S), cases[i].want);
	}
}

static void test_validity(void **state)
{
	const int64_t end = 2208988800, start = 1577836800;     /* as cert_make() has them */
	struct bytes ders[] = { leaf, issuer };
	struct ledger_row row = row_of(ders, 2);

	(void)state;
	assert_int_equal(findings_of(&row, end), 0);
	assert_int_equal(findings_of(&row, end + 1), BIT(EXPIRED_NOW));
	row.last_ns = (uint64_t)end * 1000000000u;
	assert_int_equal(findings_of(&row, NOW_S), 0);
	row.last_ns += 1000000000u;
	assert_int_equal(findings_of(&row, NOW_S), BIT(EXPIRED));
	assert_int_equal(findings_of(&row, end + 1), BIT(EXPIRED) | BIT(EXPIRED_NOW));
	row.last_ns = (uint64_t)NOW_S * 1000000000u;
	row.first_ns = (uint64_t)start * 1000000000u;
	assert_int_equal(findings_of(&row, NOW_S), 0);
	row.first_ns -= 1;
	assert_int_equal(findings_of(&row, NOW_S), BIT(NOT_YET_VALID));
}

static struct server_name *name_of(struct bytes name)
{
	struct server_name *n = calloc(1, sizeof(*n) + name.len);

	assert_non_null(n);
	n->len = (uint16_t)name.len;
	memcpy(n->bytes, name.data, name.len);
	return n;
}

static void test_names(void **state)
{
	static const struct { struct bytes name; bool mismatch; } cases[] = {
		{ TEXT_INIT("pool.example"), false }, { TEXT_INIT("POOL.example"), false },
		{ TEXT_INIT("other.example"), true }, { TEXT_INIT("a.pool.example"), true },
		{ TEXT_INIT("pool.example\0.evil.example"), true }, { TEXT_INIT("pool.example\0"), true },
	};
	struct bytes ders[] = { leaf, issuer };
	struct ledger_row row = row_of(ders, 2);
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		row.names = name_of(cases[i].name);
		row.role = ROLE_SERVER;
		assert_int_equal(findings_of(&row, NOW_S), cases[i].mismatch ? BIT(NAME_MISMATCH) : 0);
		/* A client's certificate need not name the server. */
		row.role = ROLE_CLIENT;
		assert_int_equal(findings_of(&row, NOW_S), 0);
		free(row.names);
	}
	/* As long as may be, and one of several. */
	row.role = ROLE_SERVER;
	row.names = name_of(TEXT("pool.example"));
	row.names->next = calloc(1, sizeof(struct server_name) + SERVER_NAME_MAX);
	assert_non_null(row.names->next);
	row.names->next->len = SERVER_NAME_MAX;
	memset(row.names->next->bytes, 'a', SERVER_NAME_MAX);
	assert_int_equal(findings_of(&row, NOW_S), BIT(NAME_MISMATCH));
	free(row.names->next);
	free(row.names);
}

/* Without a chain, or with one that cannot be read, nothing is made up. */
static void test_nothing(void **state)
{
	struct bytes junk[] = { TEXT("junk"), TEXT("") };
	struct ledger_row row = row_of(junk, 2);

	(void)state;
	assert_int_equal(findings_of(&row, NOW_S), 0);
	row.reason = REASON_LOST;
	assert_int_equal(findings_of(&row, NOW_S), 0);
	row = (struct ledger_row){ .reason = REASON_ENCRYPTED };
	assert_int_equal(findings_of(&row, NOW_S), 0);
}

static void test_finding_names(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < NUM_FINDINGS; i++)
		assert_true(strlen(finding_name((enum finding)i)) > 3);
	assert_string_equal(finding_name(FINDING_EXPIRED_NOW), "expired-now");
}

int main(void)
{
	const struct chain_limits limits = CHAIN_LIMITS_DEFAULT;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_chains),
		cmocka_unit_test(test_validity),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_finding_names),
	};
	int failed;

	leaf = cert_make("pool.example", "Issuing CA", 0);
	issuer = cert_make("Issuing CA", "Root CA", 0);
	root = cert_make("Root CA", "Root CA", 0);
	stranger = cert_make("Another", "Another", 0);
	table = chain_table_new(&limits, NULL, NULL);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	chain_table_free(table);
	cert_free(leaf);
	cert_free(issuer);
	cert_free(root);
	cert_free(stranger);
	return failed;
}
