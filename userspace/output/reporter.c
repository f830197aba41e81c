/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/output/reporter.h"

#include <inttypes.h>
#include <stdlib.h>

#include "parsers/defrag.h"
#include "userspace/handshake/keys.h"
#include "userspace/probes/unopened.h"
#include "userspace/process/owner.h"

#define COVERAGE_PORTS_MAX 16    /* told on stderr */

bool reporter_done(const struct reporter *r)
{
	return r->output.failed || (r->max_lines && r->lines >= r->max_lines);
}

static void emit(struct reporter *r, const struct output_event *e)
{
	if (reporter_done(r))
		return;
	r->lines++;
	if (!r->silent)
		output_event(&r->output, e);
}

/* The refusals of a row, each a row of its own. */
static void emit_refusals(struct reporter *r, const struct ledger_row *row)
{
	struct output_event e = { .action = ACTION_REFUSED, .row = row };
	unsigned int i;

	for (i = 0; i < row->num_alerts && !r->output.ops->alert_in_row; i++) {
		e.refusal = &row->alerts[i];
		if (ledger_row_refused(row, &e.refusal->alert))
			emit(r, &e);
	}
}

/* The first refusal of each kind by each client is news; later ones are counted. */
static void emit_new_refusal(struct reporter *r, const struct sighting *s, const struct ledger_row *row)
{
	struct output_event e = { .action = ACTION_REFUSED, .row = row };

	if (r->mode != REPORT_NEWS || !row || !ledger_row_refused(row, &s->alert))
		return;
	e.refusal = ledger_row_find_alert(row, s);
	if (e.refusal && e.refusal->count == 1)
		emit(r, &e);
}

/* A line of one sighting alone. */
static void emit_single(struct reporter *r, const struct sighting *s, enum role role)
{
	struct ledger_row row;
	struct output_event e = { .row = &row };

	ledger_row_single(&row, s, role);
	e.action = action_of(&row);
	emit(r, &e);
	emit_refusals(r, &row);
	ledger_row_fini(&row);
}

static pid_t pid_of(const struct owner *o)
{
	const struct process *p = o && o->process ? o->process : o ? o->maker : NULL;

	return p ? (pid_t)p->key.pid : 0;
}

static void on_recorded(void *context, const struct sighting *s, enum role role,
			const struct ledger_entry *entry)
{
	struct reporter *r = context;
	struct output_event e = { .row = entry->row, .previous = entry->previous };

	if (r->unopened && s->reason == REASON_ENCRYPTED && role == ROLE_SERVER)
		unopened_sighting(r->unopened, pid_of(s->owner[ROLE_SERVER]), pid_of(s->owner[ROLE_CLIENT]));
	if (r->mode == REPORT_EVERY)
		return;
	/* The ledger is full: what is not summed is told as it comes, so that nothing is lost. */
	if (!entry->row) {
		emit_single(r, s, role);
		return;
	}
	e.action = entry->previous ? ACTION_CHANGED : action_of(entry->row);
	if (r->mode == REPORT_NEWS && (entry->is_new || entry->previous || entry->fell_behind))
		emit(r, &e);
	/* The chain may come to light after the alert. */
	emit_new_refusal(r, s, entry->row);
}

static void on_alerted(void *context, const struct sighting *s, const struct ledger_row *row)
{
	emit_new_refusal(context, s, row);
}

/* The first one of a row is news. */
static void on_broke_off(void *context, const struct sighting *s, const struct ledger_row *row)
{
	struct output_event e = { .action = ACTION_BROKE_OFF, .row = row };
	struct reporter *r = context;

	(void)s;
	if (r->mode == REPORT_NEWS && row->broke_off == 1 && !r->output.ops->alert_in_row)
		emit(r, &e);
}

static void on_closed(void *context, const struct sighting *s)
{
	struct reporter *r = context;

	if (r->mode != REPORT_EVERY)
		return;
	if (s->chain[ROLE_SERVER] || s->reason != REASON_NONE)
		emit_single(r, s, ROLE_SERVER);
	if (s->chain[ROLE_CLIENT])
		emit_single(r, s, ROLE_CLIENT);
}

struct observer reporter_observer(struct reporter *r)
{
	return (struct observer){
		.context = r, .recorded = on_recorded, .alerted = on_alerted,
		.broke_off = on_broke_off, .closed = on_closed,
	};
}

bool reporter_finish(struct reporter *r, const struct ledger *ledger)
{
	const struct ledger_row **rows;
	const struct port_coverage *coverage;
	struct output_event e;
	uint32_t at = 0;
	size_t num, i;

	if (r->silent)
		return true;
	if (r->mode == REPORT_SUMMED) {
		rows = ledger_rows(ledger, &num);
		if (!rows)
			return false;
		for (i = 0; i < num; i++) {
			e = (struct output_event){ .action = action_of(rows[i]), .row = rows[i] };
			emit(r, &e);
			emit_refusals(r, rows[i]);
		}
		free(rows);
	}
	while (!reporter_done(r) && (coverage = ledger_next_coverage(ledger, &at)))
		output_coverage(&r->output, coverage);
	return output_end(&r->output);
}

/* One figure of the summary, only where there is something to say. */
static void figure(FILE *out, const char **separator, uint64_t value, const char *what)
{
	if (!value)
		return;
	fprintf(out, "%s%" PRIu64 " %s", *separator, value, what);
	*separator = ", ";
}

static void print_reasons(const struct ledger_counters *c, FILE *out)
{
	const char *separator = "certtap: without a certificate: ";
	unsigned int i;
	bool any = false;

	for (i = REASON_NONE + 1; i < NUM_REASONS; i++) {
		figure(out, &separator, c->reasons[i], reason_name((enum reason)i));
		any |= c->reasons[i] > 0;
	}
	if (any)
		fputc('\n', out);
}

/* "9808/tcp 3 of 212" */
static void print_coverage(const struct ledger *l, FILE *out)
{
	const char *separator = "certtap: shown by port: ";
	const struct port_coverage *c;
	unsigned int ports = 0;
	uint32_t at = 0;

	while ((c = ledger_next_coverage(l, &at))) {
		if (++ports > COVERAGE_PORTS_MAX)
			continue;
		fprintf(out, "%s%u/%s %" PRIu64 " of %" PRIu64, separator, c->port,
			transport_name(c->transport), c->reasons[REASON_NONE], c->sightings);
		separator = ", ";
	}
	if (ports > COVERAGE_PORTS_MAX)
		fprintf(out, ", and %u more ports (--json lists them)", ports - COVERAGE_PORTS_MAX);
	if (ports)
		fputc('\n', out);
}

/* What was refused, given up or odd: a limit never refuses silently. */
static void print_refused(const struct pipeline *p, FILE *out)
{
	const char *separator = "certtap: limits and oddities: ", *start = separator;
	const struct pipeline_counters *c = pipeline_counters(p);
	const struct tracker *t = pipeline_tracker(p);
	const struct tracker_counters *tracked = &t->counters;
	const struct chain_counters *chains = chain_table_counters(t->chains);
	const struct defrag_stats *fragments = pipeline_fragment_counters(p);
	const struct keys_counters *keys = t->keys ? keys_counters(t->keys) : &(struct keys_counters){ 0 };
	const struct {
		uint64_t value;
		const char *what;
	} figures[] = {
		{ c->cut, "frames cut off inside a header" },
		{ c->malformed, "frames with a malformed header" },
		{ c->unknown_link, "frames of an unknown link type" },
		{ c->too_deep, "packets with too many tunnels" },
		{ fragments->evicted, "fragmented datagrams over the limit" },
		{ fragments->oversize, "fragmented datagrams over 65,535 bytes" },
		{ fragments->timed_out, "fragmented datagrams that stayed incomplete" },
		{ fragments->overlaps, "fragments with conflicting overlaps" },
		{ fragments->cut + fragments->malformed, "fragments passed over" },
		{ pipeline_flow_counters(p)->evicted, "connections over the limit" },
		{ tracked->stream_full, "segments over a stream's limit" },
		{ t->memory.refused, "times over the memory limit" },
		{ tracked->outside, "segments outside their window" },
		{ tracked->conflicts, "streams with conflicting overlaps" },
		{ tracked->not_compared, "segments not compared with others at their place" },
		{ tracked->dtls_given_up, "DTLS messages given up unfinished" },
		{ tracked->not_held, "directions with more bytes than are held for a secret" },
		{ tracked->chains_passed, "certificate messages over a handshake's limit" },
		{ chains->over_limit, "chains over the limit" },
		{ chains->cut, "certificates over a chain's limit" },
		{ ledger_counters(t->ledger)->unsummed, "sightings not summed" },
		{ keys->not_understood, "lines of key logs not understood" },
		{ keys->refused, "secrets over the limit" },
		{ tracked->lost_whole, "connections whose handshake was lost whole" },
		{ keys->endless, "key logs without an end, given up" },
		{ keys->cut_off, "times a key log was cut off and read again" },
		{ tracked->no_memory, "failed allocations" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(figures); i++)
		figure(out, &separator, figures[i].value, figures[i].what);
	if (separator != start)
		fputc('\n', out);
}

void reporter_summary(const struct pipeline *p, FILE *out)
{
	const struct tracker *t = pipeline_tracker(p);
	const struct ledger_counters *l = ledger_counters(t->ledger);
	const struct chain_counters *chains = chain_table_counters(t->chains);

	fprintf(out,
		"certtap: %" PRIu64 " handshakes, %" PRIu64 " showed a certificate; %" PRIu64
		" distinct certificates in %" PRIu64 " chains\n",
		l->sightings, l->reasons[REASON_NONE], chains->certificates, chains->chains);
	print_reasons(l, out);
	print_coverage(t->ledger, out);
	print_refused(p, out);
}
