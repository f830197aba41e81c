/* SPDX-License-Identifier: Apache-2.0 */
/* One endpoint: every chain that it presented, what was not seen and why, who refused, what changed. */
#include <inttypes.h>

#include "parsers/text.h"
#include "userspace/show/show_events.h"

#define INDENT 2

static const struct show_column chain_columns[] = {
	{ .title = "CERTIFICATE", .min = 14, .share = 2, .max = 50 },
	{ .title = "NOT AFTER", .min = 16, .share = 1, .max = 17 },
	{ .title = "FIRST SEEN", .min = 19 },
	{ .title = "LAST SEEN", .min = 19 },
	{ .title = "SEEN", .min = 6, .right = true },
};

static const struct show_column reason_columns[] = {
	{ .title = "NO CERTIFICATE", .min = 31 },
	{ .title = "FIRST SEEN", .min = 19 },
	{ .title = "LAST SEEN", .min = 19 },
	{ .title = "SEEN", .min = 6, .right = true },
};

static const struct show_column refusal_columns[] = {
	{ .title = "REFUSED WITH", .min = 31 },
	{ .title = "FIRST SEEN", .min = 19 },
	{ .title = "LAST SEEN", .min = 19 },
	{ .title = "SEEN", .min = 6, .right = true },
};

struct history {
	struct show *s;
	const struct store_endpoint *endpoint;
	struct store_filter filter;
	struct show_table chains, reasons, refusals;
	struct show_events events;
	int err;
};

/* --- one of each --- */

static void note_chain(struct show *s, const struct store_sighting *t, char *notes)
{
	const struct chain *chain = show_chain(s, t->chain_id);
	char text[SHOW_TEXT_MAX], hex[2 * X509_SERIAL_MAX + 1];
	uint32_t i;

	if (!t->leaf)
		return;
	text_hex(t->leaf->sha256, sizeof(t->leaf->sha256), false, hex);
	show_note(notes, "sha256 %s", hex);
	if (t->leaf->serial.len && t->leaf->serial.len <= X509_SERIAL_MAX) {
		text_hex(t->leaf->serial.data, t->leaf->serial.len, false, hex);
		show_note(notes, "serial %s", hex);
	}
	if (t->leaf->issuer[0])
		show_note(notes, "issuer %s", show_text_again(t->leaf->issuer, text, sizeof(text)));
	for (i = 1; chain && i < chain->num && i < 6; i++) {
		const struct x509 *x = chain->certificates[i]->x509;

		snprintf(text, sizeof(text), "%.250s", x->subject_cn[0] ? x->subject_cn : x->subject);
		text_hex(chain->certificates[i]->sha256, 6, false, hex);
		show_note(notes, "then %s (%s)", text[0] ? text : x509_parse_name(x->parse), hex);
	}
	if (t->chain_len > 6)
		show_note(notes, "and %u more", t->chain_len - 6);
}

static bool on_sighting(void *context, const struct store_sighting *t)
{
	struct history *h = context;
	char certificate[SHOW_TEXT_MAX], expiry[32], first[32], last[32], seen[24], notes[SHOW_NOTES_MAX] = "";
	const char *cells[] = { certificate, expiry, first, last, seen };
	struct show *s = h->s;

	s->rows++;
	if (s->format == SHOW_JSON) {
		show_json_sighting(s, t);
	} else if (s->format == SHOW_CSV) {
		show_csv_sighting(s, t);
	} else {
		show_text_sighting(t, certificate, sizeof(certificate));
		show_text_expiry(t->leaf, s->now_s, expiry, sizeof(expiry));
		show_text_time(t->first_ns, first, sizeof(first));
		show_text_time(t->last_ns, last, sizeof(last));
		snprintf(seen, sizeof(seen), "%" PRIu64, t->sightings);
		if (t->current)
			show_note(notes, "presented now");
		show_notes_sighting(s, t, notes);
		note_chain(s, t, notes);
		show_table_row(&h->chains, show_colour_sighting(s, t), cells, notes);
	}
	return !ferror(s->out);
}

static bool on_reason(void *context, const struct store_reason *r)
{
	struct history *h = context;
	char first[32], last[32], seen[24];
	const char *cells[] = { reason_name(r->reason), first, last, seen };

	h->s->rows++;
	if (h->s->format == SHOW_JSON) {
		show_json_reason(h->s, r);
	} else if (h->s->format == SHOW_CSV) {
		show_csv_reason(h->s, r);
	} else {
		show_text_time(r->first_ns, first, sizeof(first));
		show_text_time(r->last_ns, last, sizeof(last));
		snprintf(seen, sizeof(seen), "%" PRIu64, r->count);
		show_table_row(&h->reasons, SHOW_PLAIN, cells, "");
	}
	return !ferror(h->s->out);
}

static bool on_refusal(void *context, const struct store_refusal *r)
{
	struct history *h = context;
	char alert[64], first[32], last[32], seen[24], client[48], hex[13], owner[SHOW_TEXT_MAX];
	char notes[SHOW_NOTES_MAX] = "";
	const char *cells[] = { alert, first, last, seen };
	const struct chain *chain;

	if (h->filter.since_ns && r->last_ns < h->filter.since_ns)
		return true;
	h->s->rows++;
	if (h->s->format == SHOW_JSON) {
		show_json_refusal(h->s, h->endpoint, r);
	} else if (h->s->format == SHOW_TABLE) {
		show_text_refusal(r, alert, sizeof(alert));
		show_text_time(r->first_ns, first, sizeof(first));
		show_text_time(r->last_ns, last, sizeof(last));
		snprintf(seen, sizeof(seen), "%" PRIu64, r->count);
		text_address(r->last_client.address.octets, client, sizeof(client));
		show_note(notes, "by the %s", role_name(r->alert.sender));
		if (r->alert.sender == ROLE_CLIENT)
			snprintf(notes + strlen(notes), sizeof(notes) - strlen(notes), " %s", client);
		if (r->role == ROLE_SERVER && (r->owner.pid || r->owner.process[0])) {
			show_text_owner(&r->owner, owner, sizeof(owner));
			show_note(notes, "at %s", owner);
		}
		chain = show_chain(h->s, r->chain_id);
		if (chain) {
			text_hex(chain->certificates[0]->sha256, 6, false, hex);
			show_note(notes, "of sha256 %s", hex);
		}
		show_table_row(&h->refusals, SHOW_RED, cells, notes);
	}
	return !ferror(h->s->out);
}

static bool on_event(void *context, const struct store_event *v)
{
	struct history *h = context;

	h->s->rows++;
	if (h->s->format == SHOW_JSON)
		show_json_event(h->s, v);
	else if (h->s->format == SHOW_TABLE)
		show_event_row(&h->events, v);
	return !ferror(h->s->out);
}

/* --- the endpoint --- */

static void put_heading(struct history *h)
{
	const struct store_endpoint *e = h->endpoint;
	char place[SHOW_TEXT_MAX], text[SHOW_TEXT_MAX], first[32], last[32], seen[32], notes[SHOW_NOTES_MAX] = "";
	static const struct show_column column = { .title = "", .min = 1 };
	const char *cells[] = { place };
	struct show_table table;

	show_text_endpoint(e, place, sizeof(place));
	show_text_name(e, text, sizeof(text));
	if (text[0])
		show_note(notes, "asked for as %s", text);
	show_text_owner(&e->owner, text, sizeof(text));
	if (text[0])
		show_note(notes, "by %s", text);
	if (e->carrier[0]) {
		text_safe(bytes_of(e->carrier, strlen(e->carrier)), text, sizeof(text));
		show_note(notes, "carrier %s", text);
	}
	show_text_time(e->first_ns, first, sizeof(first));
	show_text_time(e->last_ns, last, sizeof(last));
	show_text_ago(h->s->now_s, e->last_ns, seen, sizeof(seen));
	show_note(notes, "%" PRIu64 " %s", e->sightings, e->sightings == 1 ? "handshake" : "handshakes");
	if (first[0])
		show_note(notes, "first %s", first);
	if (last[0])
		show_note(notes, "last %s", last);
	if (strstr(seen, "ago"))
		show_note(notes, "%s", seen);
	if (e->silent)
		show_note(notes, "gone silent");
	show_table_start(&table, h->s->out, h->s->width, h->s->color, 0, &column, 1);
	table.begun = true;
	table.widths[0] = (unsigned int)strlen(place);
	if (table.width && table.widths[0] > table.width)
		table.widths[0] = 1;
	if (h->s->rows)
		fputc('\n', h->s->out);
	show_table_row(&table, SHOW_BOLD, cells, notes);
}

static void start_tables(struct history *h)
{
	struct show *s = h->s;

	show_table_start(&h->chains, s->out, s->width, s->color, INDENT, chain_columns, ARRAY_SIZE(chain_columns));
	show_table_start(&h->reasons, s->out, s->width, s->color, INDENT, reason_columns, ARRAY_SIZE(reason_columns));
	show_table_start(&h->refusals, s->out, s->width, s->color, INDENT, refusal_columns,
			 ARRAY_SIZE(refusal_columns));
	show_events_start(&h->events, s, true, INDENT);
}

static bool on_endpoint(void *context, const struct store_endpoint *e)
{
	struct history *h = context;
	struct store *store = h->s->store;

	h->endpoint = e;
	h->filter.endpoint_id = e->id;
	start_tables(h);
	if (h->s->format == SHOW_TABLE)
		put_heading(h);
	if ((h->err = store_each_sighting(store, &h->filter, on_sighting, h)) == 0 && !h->s->by_certificate &&
	    (h->err = store_each_reason(store, &h->filter, on_reason, h)) == 0 &&
	    (h->err = store_each_refusal(store, e->id, on_refusal, h)) == 0)
		h->err = store_each_event(store, &h->filter, on_event, h);
	return h->err == 0 && !ferror(h->s->out);
}

int show_history(struct show *s)
{
	struct store_filter f = show_filter(s), places = f;
	struct history h = { .s = s, .filter = f };
	int err = show_judge(s, &f);

	h.filter.unseen_only = true;
	/* What the endpoint presents now is no condition for what it did once. */
	places.issuer = NULL;
	places.by_days = false;
	places.findings = 0;
	if (s->format == SHOW_CSV)
		show_csv_header(s);
	if (err == 0)
		err = store_each_endpoint(s->store, &places, on_endpoint, &h);
	return err ? err : h.err;
}
