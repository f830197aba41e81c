/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What time alone decides: who has gone silent, and what is too old to be kept. Judged at fixed boundaries of packet
 * time, some minutes after each, when what belongs before it has come in: sightings of handshakes that stay open are
 * recorded late.
 */
#include <time.h>

#include "userspace/store/store_parts.h"

#define LATE_NS (600 * (int64_t)STORE_NS_PER_S)
#define FUTURE_S (24 * 3600)     /* packets from later than this are not believed to tell the time */

int64_t store_boundary_step(const struct store_limits *limits)
{
	int64_t step = store_time(limits->silent_ns) / STORE_STEPS / STORE_NS_PER_S * STORE_NS_PER_S;

	return step > STORE_NS_PER_S ? step : STORE_NS_PER_S;
}

static int go_silent(struct store *s, int64_t boundary, int64_t step)
{
	int64_t silent = store_time(s->limits.silent_ns), steady = STORE_STEADY_STEPS;
	int err = store_run(s, SQL_SILENT_EVENTS, "iiii", boundary, silent, step, steady);

	return err ? err : store_run(s, SQL_SILENT_MARK, "iiii", boundary, silent, step, steady);
}

/* In an order in which nothing that is still referred to is gone. ?1: the time before which all is removed. */
static const char *const removals[] = {
	"DELETE FROM sightings WHERE last_ns<?1",
	"DELETE FROM reasons WHERE last_ns<?1",
	"DELETE FROM refusals WHERE last_ns<?1",
	"DELETE FROM events WHERE time_ns<?1",
	"DELETE FROM endpoints WHERE last_ns<?1 AND id NOT IN (SELECT endpoint_id FROM sightings)",
	"DELETE FROM sightings WHERE endpoint_id NOT IN (SELECT id FROM endpoints)",
	"DELETE FROM reasons WHERE endpoint_id NOT IN (SELECT id FROM endpoints)",
	"DELETE FROM refusals WHERE endpoint_id NOT IN (SELECT id FROM endpoints)",
	"DELETE FROM events WHERE endpoint_id NOT IN (SELECT id FROM endpoints)",
	"DELETE FROM networks WHERE endpoint_id NOT IN (SELECT id FROM endpoints)",
	"DELETE FROM pairs WHERE last_ns<?1 OR endpoint_id NOT IN (SELECT id FROM endpoints)",
	"DELETE FROM services WHERE NOT EXISTS(SELECT 1 FROM endpoints e WHERE e.address=services.address"
	" AND e.zone=services.zone AND e.port=services.port AND e.transport=services.transport)",
	"UPDATE services SET names=(SELECT count(*) FROM endpoints e WHERE e.address=services.address"
	" AND e.zone=services.zone AND e.port=services.port AND e.transport=services.transport AND e.name_kind=1)",
	"DELETE FROM chains WHERE id NOT IN (SELECT chain_id FROM sightings) AND id NOT IN (SELECT chain_id FROM endpoints"
	" WHERE chain_id IS NOT NULL) AND id NOT IN (SELECT chain_id FROM reasons WHERE chain_id IS NOT NULL)"
	" AND id NOT IN (SELECT chain_id FROM refusals)"
	" AND id NOT IN (SELECT before_id FROM events WHERE before_id IS NOT NULL)"
	" AND id NOT IN (SELECT after_id FROM events WHERE after_id IS NOT NULL)",
	"DELETE FROM chain_certificates WHERE chain_id NOT IN (SELECT id FROM chains)",
	"DELETE FROM certificates WHERE id NOT IN (SELECT certificate_id FROM chain_certificates)",
	"DELETE FROM ders WHERE certificate_id NOT IN (SELECT id FROM certificates)",
	"DELETE FROM certificate_names WHERE certificate_id NOT IN (SELECT id FROM certificates)",
	"DELETE FROM certificate_ports WHERE certificate_id NOT IN (SELECT id FROM certificates)",
	"UPDATE issuers SET certificates=(SELECT count(*) FROM certificates c WHERE c.issuer_id=issuers.id)",
	"DELETE FROM issuers WHERE certificates=0 AND id NOT IN (SELECT issuer_id FROM chains WHERE issuer_id IS NOT NULL)",
};

static int remove_old(struct store *s, const char *sql, int64_t before)
{
	sqlite3_stmt *statement = NULL;
	int result = sqlite3_prepare_v2(s->db, sql, -1, &statement, NULL);

	if (result == SQLITE_OK && sqlite3_bind_parameter_count(statement) > 0)
		result = sqlite3_bind_int64(statement, 1, before);
	if (result == SQLITE_OK)
		result = sqlite3_step(statement);
	if (result != SQLITE_DONE)
		result = store_failed(s, result);
	else
		result = 0;
	sqlite3_finalize(statement);
	return result;
}

static int forget_old(struct store *s, int64_t before)
{
	size_t i;
	int err = 0;

	for (i = 0; err == 0 && i < ARRAY_SIZE(removals); i++) {
		err = remove_old(s, removals[i], before);
		if (err == 0 && i < 2)
			store_count(s, STORE_REMOVED, (uint64_t)sqlite3_changes(s->db));
	}
	store_forget(s);
	return err ? err : store_run(s, SQL_OWNER_SWEEP, "");
}

int store_boundary_pass(struct store *s, int64_t ns)
{
	int64_t step = store_boundary_step(&s->limits), boundary;
	int err;

	ns = ns / STORE_NS_PER_S * STORE_NS_PER_S;
	if (ns <= s->latest_ns || ns / STORE_NS_PER_S > (int64_t)time(NULL) + FUTURE_S)
		return 0;
	s->latest_ns = ns;
	s->latest_changed = true;
	boundary = (ns - LATE_NS) / step * step;
	if (boundary <= s->boundary_ns)
		return 0;
	s->boundary_ns = boundary;
	err = store_events_settle(s, boundary);
	if (err == 0)
		err = go_silent(s, boundary, step);
	if (err == 0 && s->limits.keep_ns && boundary > store_time(s->limits.keep_ns))
		err = forget_old(s, boundary - store_time(s->limits.keep_ns));
	return err;
}
