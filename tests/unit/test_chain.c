/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <errno.h>
#include <cmocka.h>
#include <openssl/sha.h>

#include "tests/unit/certs.h"
#include "tests/unit/tls_build.h"
#include "userspace/ledger/chain.h"

static struct bytes leaf, issuer, other;
static const struct chain_limits defaults = CHAIN_LIMITS_DEFAULT;
static uint64_t num_new;

static void on_new(void *context, const struct certificate *certificate)
{
	assert_non_null(certificate->x509);
	(*(uint64_t *)context)++;
}

static struct chain_table *table(const struct chain_limits *limits)
{
	struct chain_table *t = chain_table_new(limits, on_new, &num_new);

	num_new = 0;
	assert_non_null(t);
	return t;
}

static const struct chain *from(struct chain_table *t, struct bytes body, bool partial, int want)
{
	const struct chain *chain = NULL;
	uint8_t *copy = bytes_copy(body);

	assert_int_equal(chain_from_message(t, bytes_of(copy, body.len), partial, &chain), want);
	free(copy);
	return chain;
}

static void message(struct buffer *b, const struct bytes *ders, size_t num)
{
	buffer_clear(b);
	build_certificate_list(b, ders, num);
}

static void test_same_and_other(void **state)
{
	struct bytes two[] = { leaf, issuer }, turned[] = { issuer, leaf }, third[] = { other, issuer };
	struct chain_table *t = table(&defaults);
	const struct chain *first, *again, *reverse, *next;
	struct buffer b = { 0 };
	uint8_t sha256[32];

	(void)state;
	message(&b, two, 2);
	first = from(t, buffer_bytes(&b), false, 0);
	assert_int_equal(first->num, 2);
	assert_int_equal(first->total, 2);
	assert_false(first->partial);
	SHA256(leaf.data, leaf.len, sha256);
	assert_memory_equal(first->certificates[0]->sha256, sha256, 32);
	assert_int_equal(first->certificates[0]->der_len, leaf.len);
	assert_memory_equal(first->certificates[0]->der, leaf.data, leaf.len);
	assert_int_equal(first->certificates[0]->x509->parse, X509_PARSE_OK);
	again = from(t, buffer_bytes(&b), false, 0);
	assert_ptr_equal(again, first);
	assert_int_equal(chain_table_counters(t)->known, 1);
	message(&b, turned, 2);
	reverse = from(t, buffer_bytes(&b), false, 0);
	assert_ptr_not_equal(reverse, first);
	assert_ptr_equal(reverse->certificates[0], first->certificates[1]);
	message(&b, third, 2);
	next = from(t, buffer_bytes(&b), false, 0);
	assert_ptr_equal(next->certificates[1], first->certificates[1]);
	assert_int_equal(next->id, 3);
	assert_int_equal(chain_table_counters(t)->certificates, 3);
	assert_int_equal(num_new, 3);
	chain_release(first);
	chain_release(NULL);
	chain_table_free(t);
	buffer_free(&b);
}

static void test_empty_and_bad(void **state)
{
	struct chain_table *t = table(&defaults);

	(void)state;
	from(t, TEXT(""), false, -EBADMSG);
	from(t, TEXT("\0\0"), false, -EBADMSG);
	from(t, TEXT("\0\0\0"), false, -ENODATA);
	from(t, TEXT("\0\0\0more"), false, -ENODATA);
	from(t, TEXT("\0\0\5\0\0\5" "ab"), true, -ENODATA);        /* nothing whole in a cut message */
	assert_int_equal(chain_table_counters(t)->chains, 0);
	chain_table_free(t);
}

/* Lengths that contradict each other: the entry is kept, and marked. */
static void test_truncated_entry(void **state)
{
	struct chain_table *t = table(&defaults);
	const struct chain *chain = from(t, TEXT("\0\0\x0a\0\0\2ab\0\0\7cd"), false, 0);

	(void)state;
	assert_int_equal(chain->num, 2);
	assert_false(chain->certificates[0]->truncated);
	assert_true(chain->certificates[1]->truncated);
	assert_int_equal(chain->certificates[1]->der_len, 2);
	chain_table_free(t);
}

/* Every prefix of a message that was cut off: its whole entries, and no other. */
static void test_partial(void **state)
{
	struct bytes two[] = { leaf, issuer };
	struct chain_table *t = table(&defaults);
	const struct chain *chain;
	struct buffer b = { 0 };
	size_t len, want;

	(void)state;
	message(&b, two, 2);
	for (len = 3; len < b.len; len += 7) {
		want = len >= 3 + 3 + leaf.len;
		chain = from(t, bytes_of(b.data, len), true, want ? 0 : -ENODATA);
		if (!want)
			continue;
		assert_int_equal(chain->num, want);
		assert_true(chain->partial);
		assert_memory_equal(chain->certificates[0]->der, leaf.data, leaf.len);
	}
	/* Complete, it is another chain than the partial one. */
	assert_false(from(t, buffer_bytes(&b), false, 0)->partial);
	assert_int_equal(chain_table_counters(t)->chains, 2);
	chain_table_free(t);
	buffer_free(&b);
}

static const struct chain *build(struct chain_table *t, struct bytes body, size_t step)
{
	struct budget memory = { .max = 4u << 20 };
	struct chain_builder *b = chain_builder_new(t, &memory);
	const struct chain *chain = NULL;
	struct bytes piece;

	assert_non_null(b);
	while (body.len > 0) {
		assert_true(bytes_take(&body, step < body.len ? step : body.len, &piece));
		chain_builder_feed(b, piece);
	}
	assert_int_equal(chain_builder_finish(b, false, &chain), 0);
	chain_builder_free(b);
	assert_int_equal(memory.used, 0);
	return chain;
}

/* In parts of any length: the very chain that the whole message gives. */
static void test_builder(void **state)
{
	static const size_t steps[] = { 1, 2, 3, 5, 100, 333, 100000 };
	struct bytes lists[][3] = { { leaf, issuer, other }, { leaf, TEXT(""), TEXT("x") },
				    { TEXT(""), leaf, leaf } };
	struct chain_table *t = table(&defaults);
	const struct chain *whole;
	struct buffer b = { 0 };
	size_t i, k;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(lists); i++) {
		message(&b, lists[i], 3);
		/* The parts first, so that nothing is known by its bytes. */
		whole = build(t, buffer_bytes(&b), 7);
		assert_int_equal(whole->num, 3);
		for (k = 0; k < ARRAY_SIZE(steps); k++)
			assert_ptr_equal(build(t, buffer_bytes(&b), steps[k]), whole);
		assert_ptr_equal(from(t, buffer_bytes(&b), false, 0), whole);
	}
	/* Contradictions too: bytes behind the list, and an entry that the list cuts off. */
	whole = build(t, TEXT("\0\0\5\0\0\2ab\0\0\1z"), 2);
	assert_ptr_equal(from(t, TEXT("\0\0\5\0\0\2ab\0\0\1z"), false, 0), whole);
	whole = build(t, TEXT("\0\0\x0a\0\0\2ab\0\0\7cd"), 3);
	assert_ptr_equal(from(t, TEXT("\0\0\x0a\0\0\2ab\0\0\7cd"), false, 0), whole);
	chain_table_free(t);
	buffer_free(&b);
}

/* Longer than what is read: only hashed, and the row says so. */
static void test_builder_oversize(void **state)
{
	uint8_t *big = calloc(1, X509_FIELDS_MAX + 1);
	struct bytes ders[] = { bytes_of(big, X509_FIELDS_MAX + 1), leaf };
	struct chain_table *t = table(&defaults);
	const struct chain *chain;
	struct buffer b = { 0 };
	uint8_t sha256[32];

	(void)state;
	message(&b, ders, 2);
	chain = build(t, buffer_bytes(&b), 16384);
	assert_int_equal(chain->num, 2);
	assert_int_equal(chain->certificates[0]->x509->parse, X509_PARSE_OVERSIZE);
	assert_int_equal(chain->certificates[0]->der_len, X509_FIELDS_MAX + 1);
	assert_null(chain->certificates[0]->der);
	SHA256(big, X509_FIELDS_MAX + 1, sha256);
	assert_memory_equal(chain->certificates[0]->sha256, sha256, 32);
	assert_int_equal(chain->certificates[1]->x509->parse, X509_PARSE_OK);
	chain_table_free(t);
	buffer_free(&b);
	free(big);
}

static void test_builder_memory(void **state)
{
	struct bytes one[] = { leaf };
	struct chain_table *t = table(&defaults);
	struct budget memory = { .max = 10 };
	struct chain_builder *builder = chain_builder_new(t, &memory);
	const struct chain *chain = NULL;
	struct buffer b = { 0 };

	(void)state;
	message(&b, one, 1);
	if (builder) {
		chain_builder_feed(builder, buffer_bytes(&b));
		assert_int_equal(chain_builder_finish(builder, false, &chain), -ENOMEM);
	}
	assert_true(memory.peak <= 10 && memory.refused > 0);
	chain_builder_free(builder);
	assert_int_equal(memory.used, 0);
	chain_table_free(t);
	buffer_free(&b);
}

static void test_chain_length(void **state)
{
	struct chain_limits limits = defaults;
	struct bytes three[] = { leaf, issuer, other }, two[] = { leaf, issuer };
	struct chain_table *t;
	const struct chain *chain, *shorter;
	struct buffer b = { 0 };

	(void)state;
	limits.chain_len = 2;
	t = table(&limits);
	message(&b, three, 3);
	chain = from(t, buffer_bytes(&b), false, 0);
	assert_int_equal(chain->num, 2);
	assert_int_equal(chain->total, 3);
	assert_int_equal(chain_table_counters(t)->cut, 1);
	message(&b, two, 2);
	shorter = from(t, buffer_bytes(&b), false, 0);
	assert_ptr_not_equal(shorter, chain);
	chain_table_free(t);
	/* A limit beyond what there is room for counts as the most. */
	limits.chain_len = 100000;
	t = table(&limits);
	buffer_clear(&b);
	buffer_number(&b, 3, 3 * 1000);
	while (b.len < 3 + 3 * 1000)
		buffer_number(&b, 3, 0);
	chain = from(t, buffer_bytes(&b), false, 0);
	assert_int_equal(chain->num, TLS_CHAIN_MAX);
	assert_int_equal(chain->total, 1000);
	chain_table_free(t);
	buffer_free(&b);
}

/* Full tables keep nothing more, whatever comes: distinct certificates stay bounded. */
static void test_full(void **state)
{
	struct chain_limits limits = defaults;
	struct chain_table *t;
	const struct chain *chain;
	struct buffer b = { 0 };
	uint64_t before;
	uint32_t i;
	char der[16];

	(void)state;
	limits.chains = 3;
	t = table(&limits);
	for (i = 0; i < 2000; i++) {
		struct bytes one[] = { bytes_of(der, (size_t)snprintf(der, sizeof(der), "cert %u", i)) };

		message(&b, one, 1);
		chain = NULL;
		assert_int_equal(chain_from_message(t, buffer_bytes(&b), false, &chain), 0);
		assert_int_equal(chain->num, 1);
		assert_int_equal(chain->id, i < 3 ? i + 1 : 0);
		chain_release(chain);
	}
	assert_int_equal(chain_table_counters(t)->chains, 3);
	assert_int_equal(chain_table_counters(t)->over_limit, 1997);
	before = chain_table_counters(t)->certificates;
	assert_true(before <= 3);
	chain_table_free(t);
	/* The same for the bytes of all certificates. */
	limits = defaults;
	limits.bytes = 50000;
	t = table(&limits);
	for (i = 0; i < 2000; i++) {
		struct bytes one[] = { bytes_of(der, (size_t)snprintf(der, sizeof(der), "cert %u", i)) };

		message(&b, one, 1);
		assert_int_equal(chain_from_message(t, buffer_bytes(&b), false, &chain), 0);
		chain_release(chain);
	}
	assert_true(chain_table_counters(t)->certificates < 50);
	assert_true(chain_table_counters(t)->over_limit > 1900);
	chain_table_free(t);
	buffer_free(&b);
}

/* Messages are forgotten when their memory is used up; the chains stay the same. */
static void test_known_bounded(void **state)
{
	struct chain_limits limits = defaults;
	struct bytes two[] = { leaf, issuer }, third[] = { other, issuer };
	struct chain_table *t;
	const struct chain *a, *b;
	struct buffer x = { 0 }, y = { 0 };
	unsigned int i;

	(void)state;
	message(&x, two, 2);
	message(&y, third, 2);
	limits.known_bytes = x.len + 200;
	t = table(&limits);
	a = from(t, buffer_bytes(&x), false, 0);
	b = from(t, buffer_bytes(&y), false, 0);
	for (i = 0; i < 10; i++) {
		assert_ptr_equal(from(t, buffer_bytes(&x), false, 0), a);
		assert_ptr_equal(from(t, buffer_bytes(&y), false, 0), b);
	}
	assert_int_equal(chain_table_counters(t)->chains, 2);
	chain_table_free(t);
	limits.known_bytes = 1;
	t = table(&limits);
	a = from(t, buffer_bytes(&x), false, 0);
	assert_ptr_equal(from(t, buffer_bytes(&x), false, 0), a);
	assert_int_equal(chain_table_counters(t)->known, 0);
	chain_table_free(t);
	buffer_free(&x);
	buffer_free(&y);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_and_other),
		cmocka_unit_test(test_empty_and_bad),
		cmocka_unit_test(test_truncated_entry),
		cmocka_unit_test(test_partial),
		cmocka_unit_test(test_builder),
		cmocka_unit_test(test_builder_oversize),
		cmocka_unit_test(test_builder_memory),
		cmocka_unit_test(test_chain_length),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_known_bounded),
	};
	int failed;

	leaf = cert_make("pool.example", "Issuing CA", 0);
	issuer = cert_make("Issuing CA", "Issuing CA", 0);
	other = cert_make("pool.example", "Issuing CA", 0);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	cert_free(leaf);
	cert_free(issuer);
	cert_free(other);
	return failed;
}
