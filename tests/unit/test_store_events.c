/* SPDX-License-Identifier: Apache-2.0 */
/* What is news: each case is a row of sightings and the events that must come of it, whatever the batches. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "tests/unit/store_build.h"

/* The chains of the cases, by letter: A, B, C are of one lineage, in this order; D is another; W covers A's name. */
static const struct cert_spec specs[] = {
	['A' - 'A'] = { .san = "DNS:pool.example", .serial = 1 },
	['B' - 'A'] = { .san = "DNS:pool.example", .serial = 2, .from_s = T0_S - 3600 },
	['C' - 'A'] = { .san = "DNS:pool.example", .serial = 3, .from_s = T0_S },
	['D' - 'A'] = { .san = "DNS:other.test", .serial = 4 },
	['E' - 'A'] = { .san = "DNS:pool.example", .serial = 5, .until_s = T0_S + 7200 },
	['W' - 'A'] = { .san = "DNS:*.example", .serial = 6 },
};
static struct store_announcement *chains[ARRAY_SIZE(specs)];

struct step {
	uint64_t at;             /* seconds after T0 */
	char chain;              /* 0: a reason */
	uint8_t client;          /* the third byte of its address; 0: 100 */
	const char *name;        /* NULL: pool.example; "": none */
	uint16_t port;           /* 0: 443 */
	uint8_t alert;           /* a refusal by the client; 0: a sighting */
	bool by_client_role;     /* the chain is the client's */
};

struct event_case {
	const char *name;
	const char *events;      /* in the order of their times, "first-seen renewed" */
	struct step steps[24];
};

#define MIN 60u
#define H 3600u

#define S(at_s, letter, ...) { .at = (at_s), .chain = (letter), __VA_ARGS__ }
#define BY(at_s, letter, network) S(at_s, letter, .client = (network))

static const struct event_case cases[] = {
	{ "nothing but the first", "first-seen", { S(0, 'A'), S(1, 'A'), S(H, 'A') } },
	{ "a reason first", "first-seen", { S(0, 0), S(1, 'A') } },
	{ "renewed", "first-seen renewed", { S(0, 'A'), S(H, 'B'), S(2 * H, 'B') } },
	{ "renewed twice", "first-seen renewed renewed", { S(0, 'A'), S(H, 'B'), S(2 * H, 'C') } },
	{ "rolled back", "first-seen renewed rolled-back", { S(0, 'A'), S(H, 'B'), S(3 * H, 'A'), S(4 * H, 'A') } },
	{ "changed", "first-seen changed", { S(0, 'A'), S(H, 'D') } },
	{ "changed, likely the same", "first-seen changed(likely the same under other names or usages)",
	  { S(0, 'A'), S(H, 'W') } },
	{ "a pool, one client", "first-seen renewed alternating",
	  { S(0, 'A'), S(1, 'B'), S(2, 'A'), S(3, 'B'), S(4, 'A'), S(H, 'B'), S(2 * H, 'A'), S(5 * H, 'B') } },
	{ "a pool, clients from everywhere", "first-seen renewed alternating",
	  { BY(0, 'A', 1), BY(1, 'B', 2), BY(2, 'A', 3), BY(3, 'B', 4), BY(4, 'A', 5), BY(5, 'B', 6), BY(6, 'A', 7) } },
	{ "a pool of three", "first-seen renewed renewed alternating alternating alternating",
	  { S(0, 'A'), S(1, 'B'), S(2, 'C'), S(3, 'A'), S(4, 'B'), S(5, 'C'), S(6, 'A'), S(7, 'B'), S(8, 'C') } },
	{ "a pool, renewed whole, and rolled back a week later", "first-seen renewed alternating rolled-back",
	  { S(0, 'A'), S(1, 'B'), S(2, 'A'), S(3, 'B'), S(168 * H, 'B'), S(169 * H, 'A') } },
	{ "by client network", "first-seen renewed differs-by-client",
	  { BY(0, 'A', 1), BY(1, 'B', 2), BY(2, 'A', 1), BY(3, 'B', 2), BY(4, 'A', 1), BY(5, 'B', 2), BY(6, 'A', 1),
	    BY(7, 'B', 2), BY(8, 'A', 1) } },
	{ "a quick rollback, by another client", "first-seen renewed rolled-back",
	  { BY(0, 'A', 1), BY(MIN, 'B', 1), BY(2 * MIN, 'A', 3), BY(H, 'A', 3), BY(H + 1, 'A', 4) } },
	{ "back and forth, and then it stays", "first-seen renewed",
	  { BY(0, 'A', 1), BY(MIN, 'B', 1), BY(2 * MIN, 'A', 3), BY(3 * MIN, 'B', 5), BY(H, 'B', 3) } },
	{ "by name", "first-seen first-seen differs-by-name(pool.example before, other.test after)",
	  { S(0, 'A'), S(1, 'D', .name = "other.test"), S(2, 'A'), S(3, 'D', .name = "other.test") } },
	{ "the same for every name", "first-seen first-seen", { S(0, 'A'), S(1, 'A', .name = "") } },
	{ "another port", "first-seen first-seen new-port(known from 443/tcp)",
	  { S(0, 'A'), S(1, 'A', .port = 9808), S(2, 'A', .port = 9808), S(3, 'A') } },
	{ "expired in use", "first-seen expired-in-use", { S(0, 'E'), S(H, 'E'), S(3 * H, 'E'), S(4 * H, 'E') } },
	{ "expired before it was seen", "first-seen", { S(3 * H, 'E'), S(4 * H, 'E') } },
	{ "refused", "first-seen refused(certificate_expired by the client 198.51.100.7)",
	  { S(0, 'A'), S(1, 'A', .alert = 45), S(2, 'A'), S(3, 'A', .alert = 45) } },
	{ "refused in two ways", "first-seen refused(certificate_expired by the client 198.51.100.7)"
	  " refused(unknown_ca by the client 198.51.100.7)",
	  { S(0, 'A'), S(1, 'A', .alert = 45), S(3, 'A', .alert = 48) } },
	{ "gone silent", "first-seen first-seen gone-silent",
	  { S(0, 'A'), S(2 * H, 'A'), S(4 * H, 'A'), S(4 * H, 'D', .name = "other.test", .port = 5061),
	    S(30 * H, 'D', .name = "other.test", .port = 5061), S(60 * H, 'D', .name = "other.test", .port = 5061) } },
	{ "never steady", "first-seen first-seen",
	  { S(0, 'A'), S(1, 'A'), S(2, 'A'), S(4 * H, 'D', .name = "other.test", .port = 5061),
	    S(60 * H, 'D', .name = "other.test", .port = 5061) } },
	{ "silent twice", "first-seen gone-silent first-seen gone-silent",
	  { S(0, 'A'), S(2 * H, 'A'), S(4 * H, 'A'), S(50 * H, 'D', .name = "other.test", .port = 5061), S(51 * H, 'A'),
	    S(100 * H, 'D', .name = "other.test", .port = 5061) } },
	{ "half renewed, one connection now and then", "first-seen renewed rolled-back alternating",
	  { S(0, 'A'), S(8 * MIN, 'B'), S(16 * MIN, 'A'), S(24 * MIN, 'B'), S(32 * MIN, 'A'), S(40 * MIN, 'B'),
	    S(20 * H, 'A'), S(30 * H, 'B'), S(50 * H, 'A') } },
	{ "by turns, steady for a day, and renewed", "first-seen renewed rolled-back alternating renewed",
	  { S(0, 'A'), S(H, 'B'), S(2 * H, 'A'), S(3 * H, 'B'), S(4 * H, 'A'), S(20 * H, 'A'), S(31 * H, 'B') } },
	{ "two rollbacks, days between", "first-seen renewed rolled-back renewed rolled-back",
	  { S(0, 'A'), S(H, 'B'), S(2 * H, 'A'), S(20 * H, 'A'), S(40 * H, 'A'), S(50 * H, 'B'), S(70 * H, 'B'),
	    S(90 * H, 'B'), S(100 * H, 'A') } },
	{ "a quick rollback, seen by one client, that stays", "first-seen renewed rolled-back",
	  { S(0, 'A'), S(5 * MIN, 'B'), S(400, 'A'), S(500, 'A'), S(H, 'A'), S(2 * H, 'A') } },
	{ "a quick rollback, then nothing more there", "first-seen renewed rolled-back first-seen",
	  { S(0, 'A'), S(5 * MIN, 'B'), S(400, 'A'), S(3 * H, 'D', .name = "other.test", .port = 5061) } },
	{ "clients' chains are no changes", "first-seen",
	  { S(0, 'A'), S(0, 'D', .by_client_role = true), S(1, 'A'), S(1, 'W', .by_client_role = true) } },
};

static struct store_record record_for(const struct step *step)
{
	struct store_record r = record_of(T0 + step->at * SECOND, step->chain ? chains[step->chain - 'A'] : NULL);

	if (!step->chain)
		r.reason = REASON_RESUMED;
	if (step->client)
		r.client.address.octets[14] = step->client;
	if (step->name)
		record_name(&r, step->name[0] ? step->name : NULL);
	if (step->port)
		r.server.port = step->port;
	if (step->by_client_role)
		r.role = ROLE_CLIENT;
	if (step->alert) {
		r.kind = STORE_REFUSAL;
		r.alert = (struct alert){ .seen = true, .level = 2, .description = step->alert, .sender = ROLE_CLIENT };
	}
	return r;
}

static bool add_event(void *context, const struct store_event *e)
{
	char *out = context;
	size_t len = strlen(out);

	len += (size_t)snprintf(out + len, 2048 - len, "%s%s", len ? " " : "", store_event_name(e->kind));
	if (e->detail[0])
		snprintf(out + len, 2048 - len, "(%s)", e->detail);
	if (e->kind == EVENT_RENEWED || e->kind == EVENT_ROLLED_BACK)
		assert_true(e->before && e->after);
	return true;
}

static void play(const struct event_case *c, bool one_batch, char events[2048])
{
	const struct store_filter all = { 0 };
	struct store_fixture f;
	struct store_record r;
	size_t i;

	fixture_start(&f);
	fixture_open(&f);
	if (one_batch)
		assert_int_equal(store_begin(f.s), 0);
	for (i = 0; i < ARRAY_SIZE(c->steps) && (i == 0 || c->steps[i].at || c->steps[i].chain); i++) {
		r = record_for(&c->steps[i]);
		if (one_batch)
			assert_int_equal(store_put(f.s, &r), 0);
		else
			assert_int_equal(put_one(f.s, &r), 0);
	}
	if (one_batch)
		assert_int_equal(store_commit(f.s), 0);
	events[0] = '\0';
	assert_int_equal(store_each_event(f.s, &all, add_event, events), 0);
	fixture_end(&f);
}

static void test_cases(void **state)
{
	char events[2048];
	size_t i;
	int one_batch;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		for (one_batch = 0; one_batch < 2; one_batch++) {
			play(&cases[i], one_batch, events);
			if (strcmp(events, cases[i].events) != 0)
				fail_msg("%s, %s: %s", cases[i].name, one_batch ? "one batch" : "a batch each", events);
		}
	}
}

struct told {
	uint64_t time_ns;
	uint8_t before[32], after[32];
};

static bool note_event(void *context, const struct store_event *e)
{
	struct told *told = context;

	told[e->kind].time_ns = e->time_ns;
	if (e->before)
		memcpy(told[e->kind].before, e->before->sha256, 32);
	if (e->after)
		memcpy(told[e->kind].after, e->after->sha256, 32);
	return true;
}

/* What was there before and after, and when. */
static void test_before_and_after(void **state)
{
	const struct step steps[] = { S(0, 'A'), S(H, 'E'), S(2 * H, 'E'), S(3 * H, 'E'), S(40 * H, 'D', .port = 1) };
	const uint8_t *a = chains[0]->certificates[0].sha256, *e = chains['E' - 'A']->certificates[0].sha256;
	struct told told[NUM_EVENT_KINDS] = { 0 };
	const struct store_filter all = { .port = 443, .by_port = true };
	struct store_fixture f;
	struct store_record r;
	size_t i;

	(void)state;
	fixture_start(&f);
	fixture_open(&f);
	for (i = 0; i < ARRAY_SIZE(steps); i++) {
		r = record_for(&steps[i]);
		assert_int_equal(put_one(f.s, &r), 0);
	}
	assert_int_equal(store_each_event(f.s, &all, note_event, told), 0);
	assert_int_equal(told[EVENT_FIRST_SEEN].time_ns, T0);
	assert_memory_equal(told[EVENT_FIRST_SEEN].after, a, 32);
	assert_int_equal(told[EVENT_ROLLED_BACK].time_ns, T0 + HOUR);
	assert_memory_equal(told[EVENT_ROLLED_BACK].before, a, 32);
	assert_memory_equal(told[EVENT_ROLLED_BACK].after, e, 32);
	assert_int_equal(told[EVENT_EXPIRED_IN_USE].time_ns, (T0_S + 7200) * SECOND);
	/* At the first full hour (limits.silent_ns / 24) after it was silent for a day. */
	assert_int_equal(told[EVENT_GONE_SILENT].time_ns % HOUR, 0);
	assert_in_range(told[EVENT_GONE_SILENT].time_ns - (T0 + 3 * HOUR + DAY), 1, HOUR);
	assert_memory_equal(told[EVENT_GONE_SILENT].before, e, 32);
	fixture_end(&f);
}

struct owned {
	uint32_t pid[NUM_EVENT_KINDS];
	uint32_t sighting_pid[8], endpoint_pid;
	bool several[8];
	unsigned int sightings;
};

static bool note_event_owner(void *context, const struct store_event *v)
{
	((struct owned *)context)->pid[v->kind] = v->owner.pid;
	return true;
}

static bool note_owner(void *context, const struct store_sighting *t)
{
	struct owned *owned = context;

	owned->sightings++;
	owned->sighting_pid[t->leaf->serial.data[0]] = t->owner.pid;
	owned->several[t->leaf->serial.data[0]] = t->several_owners;
	owned->endpoint_pid = t->endpoint->owner.pid;
	return true;
}

static void put_by(struct store_fixture *f, struct step step, uint32_t pid, uint64_t started_s, bool unsure)
{
	struct store_record_owner owner = { "pool", "/opt/pool/poold", "pool.service", "" };
	struct store_record r = record_for(&step);

	snprintf(owner.process, sizeof(owner.process), "pool%u", pid);
	r.owner = &owner;
	r.pid = pid;
	r.started_ns = T0 + started_s * SECOND;
	r.owner_unsure = unsure;
	assert_int_equal(put_one(f->s, &r), 0);
}

static struct owned owners_of(struct store_fixture *f, const char *process, bool current)
{
	const struct store_filter filter = { .process = process, .current_only = current };
	struct owned owned = { .sightings = 0 };

	assert_int_equal(store_each_sighting(f->s, &filter, note_owner, &owned), 0);
	assert_int_equal(store_each_event(f->s, &filter, note_event_owner, &owned), 0);
	return owned;
}

/* Two processes take the connections of one port, one of them renewed: each chain has its own, and each event. */
static void test_owners(void **state)
{
	struct store_fixture f;
	struct owned owned;

	(void)state;
	fixture_start(&f);
	fixture_open(&f);
	put_by(&f, (struct step)S(10, 'A'), 11, 0, false);
	put_by(&f, (struct step)S(H, 'B'), 22, H - 5, false);
	put_by(&f, (struct step)S(2 * H, 'A'), 11, 0, false);
	put_by(&f, (struct step)S(2 * H + 1, 'A', .alert = 45), 11, 0, false);
	put_by(&f, (struct step)S(3 * H, 'B'), 22, H - 5, false);
	owned = owners_of(&f, NULL, false);
	assert_int_equal(owned.sightings, 2);
	assert_int_equal(owned.sighting_pid[1], 11);
	assert_int_equal(owned.sighting_pid[2], 22);
	assert_false(owned.several[1] || owned.several[2]);
	assert_int_equal(owned.endpoint_pid, 22);
	assert_int_equal(owned.pid[EVENT_FIRST_SEEN], 11);
	assert_int_equal(owned.pid[EVENT_RENEWED], 22);
	assert_int_equal(owned.pid[EVENT_ROLLED_BACK], 11);
	assert_int_equal(owned.pid[EVENT_REFUSED], 11);
	assert_int_equal(owned.pid[EVENT_ALTERNATING], 22);
	assert_int_equal(ask(&f, "SELECT o.pid FROM refusals r JOIN owners o ON o.id=r.owner_id"), 11);
	/* Either is found, also the one that was not the last there. */
	owned = owners_of(&f, "pool11", false);
	assert_int_equal(owned.sightings, 1);
	assert_int_equal(owned.sighting_pid[1], 11);
	assert_int_equal(owned.pid[EVENT_ROLLED_BACK], 11);
	assert_int_equal(owned.pid[EVENT_RENEWED], 0);
	owned = owners_of(&f, "pool22", false);
	assert_int_equal(owned.sightings, 1);
	assert_int_equal(owned.sighting_pid[2], 22);
	/* What each of them presents: the one was not the last, and is there all the same. */
	assert_int_equal(owners_of(&f, NULL, true).sightings, 1);
	owned = owners_of(&f, "pool11", true);
	assert_int_equal(owned.sightings, 1);
	assert_int_equal(owned.sighting_pid[1], 11);
	assert_int_equal(owners_of(&f, "pool22", true).sighting_pid[2], 22);
	put_by(&f, (struct step)S(5 * H, 'C'), 11, 0, false);
	owned = owners_of(&f, "pool11", true);
	assert_int_equal(owned.sightings, 1);
	assert_int_equal(owned.sighting_pid[3], 11);
	assert_int_equal(owners_of(&f, "pool33", false).sightings, 0);
	fixture_end(&f);
}

/* One chain, several processes: a further one that ran already is told, one that took the place of another is not. */
static void test_several_owners(void **state)
{
	struct store_fixture f;
	struct owned owned;

	(void)state;
	fixture_start(&f);
	fixture_open(&f);
	put_by(&f, (struct step)S(10, 'A'), 11, 0, false);
	put_by(&f, (struct step)S(100, 'A'), 22, 50, false);
	owned = owners_of(&f, NULL, false);
	assert_int_equal(owned.sighting_pid[1], 22);
	assert_false(owned.several[1]);
	put_by(&f, (struct step)S(200, 'A'), 33, 60, false);
	put_by(&f, (struct step)S(201, 'A'), 33, 60, false);
	owned = owners_of(&f, NULL, false);
	assert_int_equal(owned.sighting_pid[1], 33);
	assert_true(owned.several[1]);
	put_by(&f, (struct step)S(300, 'A'), 44, 250, false);
	assert_false(owners_of(&f, NULL, false).several[1]);
	put_by(&f, (struct step)S(301, 'A'), 44, 250, true);
	owned = owners_of(&f, NULL, false);
	assert_int_equal(owned.sighting_pid[1], 44);
	assert_true(owned.several[1]);
	fixture_end(&f);
}

/* A rollback that is told when the while is over has who it was then; one that ran out, nobody who came later. */
static void test_owners_at_the_time(void **state)
{
	struct store_fixture f;
	struct owned owned;

	(void)state;
	fixture_start(&f);
	fixture_open(&f);
	put_by(&f, (struct step)S(10, 'A'), 11, 0, false);
	put_by(&f, (struct step)S(5 * MIN, 'B'), 22, 100, false);
	put_by(&f, (struct step)S(400, 'A'), 33, 350, false);
	put_by(&f, (struct step)S(H, 'A'), 44, 3000, false);
	put_by(&f, (struct step)S(H, 'E', .port = 5061), 55, 0, false);
	put_by(&f, (struct step)S(3 * H, 'E', .port = 5061), 66, 2 * H + 1800, false);
	owned = owners_of(&f, NULL, false);
	assert_int_equal(owned.pid[EVENT_ROLLED_BACK], 33);
	assert_int_equal(owned.pid[EVENT_EXPIRED_IN_USE], 0);
	fixture_end(&f);
}

static bool note_turns(void *context, const struct store_sighting *t)
{
	((uint64_t *)context)[t->leaf->serial.data[0]] = t->turns_ns;
	return true;
}

/* A sighting knows when its chain last took turns. */
static void test_turns(void **state)
{
	const struct step steps[] = { S(0, 'A'), S(1, 'B'), S(2, 'A'), S(3, 'B'), S(5, 'A'), S(3 * H, 'C') };
	const struct store_filter all = { 0 };
	uint64_t turns[8] = { 0 };
	struct store_fixture f;
	struct store_record r;
	size_t i;

	(void)state;
	fixture_start(&f);
	fixture_open(&f);
	for (i = 0; i < ARRAY_SIZE(steps); i++) {
		r = record_for(&steps[i]);
		assert_int_equal(put_one(f.s, &r), 0);
	}
	assert_int_equal(store_each_sighting(f.s, &all, note_turns, turns), 0);
	assert_int_equal(turns[1], T0 + 5 * SECOND);
	assert_int_equal(turns[2], T0 + 5 * SECOND);
	assert_int_equal(turns[3], 0);
	fixture_end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_before_and_after),
		cmocka_unit_test(test_owners),
		cmocka_unit_test(test_several_owners),
		cmocka_unit_test(test_owners_at_the_time),
		cmocka_unit_test(test_turns),
	};
	size_t i;
	int result;

	for (i = 0; i < ARRAY_SIZE(specs); i++)
		chains[i] = specs[i].san ? spec_announce(&specs[i]) : NULL;
	result = cmocka_run_group_tests(tests, NULL, NULL);
	for (i = 0; i < ARRAY_SIZE(specs); i++)
		free(chains[i]);
	return result;
}
