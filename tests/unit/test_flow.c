/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/buffer.h"
#include "userspace/flow/flow.h"

struct dropped {
	uint64_t num;
	uint16_t last_port;
};

static void drop(void *context, struct flow *flow)
{
	struct dropped *d = context;

	d->num++;
	d->last_port = flow->key.end[0].port;
}

/* Connection `n` of a client to one server. */
static struct segment segment_of(uint32_t n, bool from_server)
{
	struct segment s = { .transport = TRANSPORT_TCP };
	struct host_port client = { .port = (uint16_t)n }, server = { .port = 9808 };

	client.address.octets[12] = 10;
	client.address.octets[14] = (uint8_t)(n >> 16);
	server.address.octets[12] = 10;
	server.address.octets[15] = 2;
	s.src = from_server ? server : client;
	s.dst = from_server ? client : server;
	return s;
}

static struct flow *get(struct flow_table *t, uint32_t n, bool from_server, unsigned int *side)
{
	struct segment s = segment_of(n, from_server);

	return flow_table_get(t, &s, side);
}

/* Both directions find the same flow, and the sides differ; zones and transports are kept apart. */
static void test_directions(void **state)
{
	struct dropped d = { 0 };
	struct flow_table *t = flow_table_new(100, drop, &d);
	struct segment s = segment_of(7, false);
	unsigned int up, down, again;
	struct flow *flow = get(t, 7, false, &up);

	(void)state;
	assert_non_null(flow);
	assert_ptr_equal(get(t, 7, true, &down), flow);
	assert_int_not_equal(up, down);
	assert_ptr_equal(get(t, 7, false, &again), flow);
	assert_int_equal(again, up);
	assert_memory_equal(&flow->key.end[up], &s.src, sizeof(s.src));
	s.src.zone = s.dst.zone = 1;
	assert_ptr_not_equal(flow_table_get(t, &s, &up), flow);
	s.src.zone = s.dst.zone = 0;
	s.transport = TRANSPORT_UDP;
	assert_ptr_not_equal(flow_table_get(t, &s, &up), flow);
	assert_int_equal(flow_table_counters(t)->live, 3);
	flow_table_free(t);
	assert_int_equal(d.num, 3);
}

/* A connection of an endpoint with itself: both ports the same, one flow. */
static void test_itself(void **state)
{
	struct dropped d = { 0 };
	struct flow_table *t = flow_table_new(100, drop, &d);
	struct segment s = segment_of(7, false);
	unsigned int side;
	struct flow *flow;

	(void)state;
	s.dst = s.src;
	flow = flow_table_get(t, &s, &side);
	assert_non_null(flow);
	assert_ptr_equal(flow_table_get(t, &s, &side), flow);
	flow_table_free(t);
}

/* Flows keep their place while the table grows. */
static void test_growth(void **state)
{
	enum { NUM = 50000 };
	struct dropped d = { 0 };
	struct flow_table *t = flow_table_new(NUM, drop, &d);
	struct flow **flows = calloc(NUM, sizeof(*flows));
	unsigned int side;
	uint32_t n;

	(void)state;
	assert_non_null(flows);
	for (n = 0; n < NUM; n++) {
		flows[n] = get(t, n, false, &side);
		assert_non_null(flows[n]);
	}
	for (n = 0; n < NUM; n++)
		assert_ptr_equal(get(t, n, true, &side), flows[n]);
	assert_int_equal(d.num, 0);
	/* Every other one goes; the rest is still found, and the places are used again. */
	for (n = 0; n < NUM; n += 2)
		flow_table_drop(t, flows[n]);
	assert_int_equal(d.num, NUM / 2);
	for (n = 1; n < NUM; n += 2)
		assert_ptr_equal(get(t, n, false, &side), flows[n]);
	for (n = 0; n < NUM; n += 2)
		assert_non_null(get(t, n + 100000, false, &side));
	assert_int_equal(flow_table_counters(t)->live, NUM);
	assert_int_equal(flow_table_counters(t)->peak, NUM);
	assert_int_equal(flow_table_counters(t)->evicted, 0);
	flow_table_free(t);
	assert_int_equal(d.num, NUM / 2 + NUM);
	free(flows);
}

/* A million connections in a table of a thousand: it stays that small, and each is dropped once. */
static void test_eviction(void **state)
{
	enum { MAX = 1000, NUM = 1000000 };
	struct dropped d = { 0 };
	struct flow_table *t = flow_table_new(MAX, drop, &d);
	unsigned int side;
	struct flow *flow;
	uint32_t n;

	(void)state;
	for (n = 0; n < NUM; n++) {
		flow = get(t, n, false, &side);
		assert_non_null(flow);
		flow->last_s = n;
	}
	assert_int_equal(flow_table_counters(t)->live, MAX);
	assert_int_equal(flow_table_counters(t)->peak, MAX);
	assert_int_equal(flow_table_counters(t)->evicted, NUM - MAX);
	flow_table_free(t);
	assert_int_equal(d.num, NUM);
}

/* What was quiet longest goes first: with as many flows as are looked at, exactly that one. */
static void test_evicts_oldest(void **state)
{
	enum { MAX = 32 };
	struct dropped d = { 0 };
	struct flow_table *t = flow_table_new(MAX, drop, &d);
	unsigned int side;
	uint32_t n;

	(void)state;
	for (n = 0; n < MAX; n++)
		get(t, n, false, &side)->last_s = n == 17 ? 1 : 100 + n;
	assert_non_null(get(t, 1000, false, &side));
	assert_int_equal(d.num, 1);
	assert_int_equal(flow_table_counters(t)->evicted, 1);
	assert_int_equal(get(t, 0, false, &side)->last_s, 100);
	assert_int_equal(get(t, 17, false, &side)->last_s, 0);     /* made anew */
	flow_table_free(t);
}

static bool idle_over_10(void *context, struct flow *flow, uint32_t idle_s)
{
	(void)context;
	(void)flow;
	return idle_s > 10;
}

static void test_sweep(void **state)
{
	struct dropped d = { 0 };
	struct flow_table *t = flow_table_new(1000, drop, &d);
	unsigned int side;
	uint32_t n;

	(void)state;
	for (n = 0; n < 100; n++)
		get(t, n, false, &side)->last_s = 1000 + n;
	flow_table_sweep(t, 999, idle_over_10);        /* the clock went back a little */
	assert_int_equal(d.num, 0);
	flow_table_sweep(t, 1060, idle_over_10);
	assert_int_equal(d.num, 50);
	flow_table_sweep(t, 1060, idle_over_10);
	assert_int_equal(d.num, 50);
	flow_table_sweep(t, UINT32_MAX, idle_over_10);
	assert_int_equal(d.num, 100);
	assert_int_equal(flow_table_counters(t)->live, 0);
	flow_table_free(t);
	assert_int_equal(d.num, 100);
}

/* Limits of none and of as many as there can be. */
static void test_limits(void **state)
{
	static const uint32_t limits[] = { 0, 1, 1023, 1024, 1025, UINT32_MAX };
	unsigned int side;
	size_t i;
	uint32_t n;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(limits); i++) {
		struct dropped d = { 0 };
		struct flow_table *t = flow_table_new(limits[i], drop, &d);

		assert_non_null(t);
		for (n = 0; n < 3000; n++)
			assert_non_null(get(t, n, false, &side));
		assert_true(flow_table_counters(t)->live <= (limits[i] ? limits[i] : 1));
		flow_table_free(t);
		assert_int_equal(d.num, 3000);
	}
	flow_table_free(NULL);
}

/* Who sends is better known than who made the socket; but not beyond the handshake it was seen in. */
static void test_owners(void **state)
{
	const struct process before = { .name = "before" }, after = { .name = "after" };
	const struct owner sent = { .process = &before, .maker = &before, .sent = true },
			   made = { .process = &after, .maker = &after }, nobody = { 0 };
	struct dropped d = { 0 };
	struct flow_table *t = flow_table_new(100, drop, &d);
	unsigned int side;
	struct flow *flow = get(t, 7, false, &side);

	(void)state;
	flow_disown(flow);
	flow_own(flow, side, &nobody);
	assert_null(flow->owners[side].process);
	flow_own(flow, side, &sent);
	flow_own(flow, side, &made);
	flow_own(flow, side, &nobody);
	assert_ptr_equal(flow->owners[side].process, &before);
	flow_disown(flow);
	flow_own(flow, side, &made);
	assert_ptr_equal(flow->owners[side].process, &after);
	assert_null(flow->owners[!side].process);
	flow_table_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_directions),
		cmocka_unit_test(test_itself),
		cmocka_unit_test(test_growth),
		cmocka_unit_test(test_eviction),
		cmocka_unit_test(test_evicts_oldest),
		cmocka_unit_test(test_sweep),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_owners),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
