/* SPDX-License-Identifier: Apache-2.0 */
/* What is presented where, now: endpoints with their chain, and those that showed none with the reason. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "userspace/show/show.h"

static const struct show_column columns[] = {
	{ .title = "SERVER", .min = 21, .share = 1, .max = 30 },
	{ .title = "CERTIFICATE", .min = 18, .share = 3, .max = 50 },
	{ .title = "ISSUER", .min = 11, .share = 2, .max = 40 },
	{ .title = "NOT AFTER", .min = 16, .max = 17, .share = 1 },
	{ .title = "LAST SEEN", .min = 10 },
};

/* An endpoint that never showed a chain, by its last reason. The texts are gone when the row is. */
struct bare {
	int64_t endpoint_id;
	enum reason reason;
	uint64_t last_ns;
};

struct listing {
	struct show *s;
	struct show_table table;
	struct bare *bare;               /* one for each endpoint, in the order of the store */
	size_t num_bare, room, at;
	struct host_port last;           /* of the line before */
	bool failed;
};

static bool add_bare(void *context, const struct store_reason *r)
{
	struct listing *l = context;
	struct bare *last = l->num_bare ? &l->bare[l->num_bare - 1] : NULL, *grown;

	if (r->endpoint->chain_id)
		return true;
	if (last && last->endpoint_id == r->endpoint->id) {
		if (r->last_ns >= last->last_ns)
			*last = (struct bare){ r->endpoint->id, r->reason, r->last_ns };
		return true;
	}
	if (l->num_bare == l->room) {
		l->room = l->room ? 2 * l->room : 256;
		grown = realloc(l->bare, l->room * sizeof(*grown));
		if (!grown) {
			l->failed = true;
			return false;
		}
		l->bare = grown;
	}
	l->bare[l->num_bare++] = (struct bare){ r->endpoint->id, r->reason, r->last_ns };
	return true;
}

static void put_sighting(struct listing *l, const struct store_sighting *t)
{
	char endpoint[SHOW_TEXT_MAX], certificate[SHOW_TEXT_MAX], issuer[SHOW_TEXT_MAX] = "";
	char expiry[32], last[32], name[SHOW_TEXT_MAX];
	char notes[SHOW_NOTES_MAX] = "";
	const char *cells[] = { endpoint, certificate, issuer, expiry, last };
	struct show *s = l->s;

	show_text_endpoint(t->endpoint, endpoint, sizeof(endpoint));
	show_text_sighting(t, certificate, sizeof(certificate));
	if (t->leaf)
		show_text_issuer(t->leaf, issuer, sizeof(issuer));
	show_text_expiry(t->leaf, s->now_s, expiry, sizeof(expiry));
	show_text_ago(s->now_s, t->last_ns, last, sizeof(last));
	/* The same place once more: the name is what tells the two apart. */
	show_text_name(t->endpoint, name, sizeof(name));
	if (name[0] && strcmp(name, certificate) == 0 &&
	    memcmp(&l->last.address, &t->endpoint->server.address, sizeof(l->last.address)) == 0 &&
	    l->last.port == t->endpoint->server.port && l->last.zone == t->endpoint->server.zone)
		show_note(notes, "for %s", name);
	l->last = t->endpoint->server;
	if (!t->current)
		show_note(notes, "another one since then");
	show_notes_sighting(s, t, notes);
	show_table_row(&l->table, show_colour_sighting(s, t), cells, notes);
}

static bool on_sighting(void *context, const struct store_sighting *t)
{
	struct listing *l = context;

	l->s->rows++;
	if (l->s->format == SHOW_JSON)
		show_json_sighting(l->s, t);
	else if (l->s->format == SHOW_CSV)
		show_csv_sighting(l->s, t);
	else
		put_sighting(l, t);
	return !ferror(l->s->out);
}

static void put_reason(struct listing *l, const struct store_reason *r)
{
	char endpoint[SHOW_TEXT_MAX], reason[64], last[32], text[SHOW_TEXT_MAX], notes[SHOW_NOTES_MAX] = "";
	const char *cells[] = { endpoint, reason, "", "", last };

	show_text_endpoint(r->endpoint, endpoint, sizeof(endpoint));
	snprintf(reason, sizeof(reason), "(%s)", reason_name(r->reason));
	show_text_ago(l->s->now_s, r->last_ns, last, sizeof(last));
	show_text_owner(&r->endpoint->owner, text, sizeof(text));
	if (text[0])
		show_note(notes, "by %s", text);
	show_text_name(r->endpoint, text, sizeof(text));
	if (text[0])
		show_note(notes, "for %s", text);
	if (r->endpoint->silent)
		show_note(notes, "gone silent");
	show_table_row(&l->table, SHOW_FAINT, cells, notes);
}

static bool on_reason(void *context, const struct store_reason *r)
{
	struct listing *l = context;

	if (l->at == l->num_bare)
		return false;
	if (r->endpoint->id != l->bare[l->at].endpoint_id || r->reason != l->bare[l->at].reason)
		return true;
	l->at++;
	l->s->rows++;
	if (l->s->format == SHOW_JSON)
		show_json_reason(l->s, r);
	else if (l->s->format == SHOW_CSV)
		show_csv_reason(l->s, r);
	else
		put_reason(l, r);
	return !ferror(l->s->out);
}

static int list_bare(struct listing *l, struct store_filter f)
{
	int err;

	f.unseen_only = true;
	err = store_each_reason(l->s->store, &f, add_bare, l);
	if (err || l->failed)
		return err ? err : -ENOMEM;
	return l->num_bare ? store_each_reason(l->s->store, &f, on_reason, l) : 0;
}

int show_endpoints(struct show *s)
{
	struct store_filter f = show_filter(s);
	struct listing l = { .s = s };
	int err;

	f.current_only = true;
	show_table_start(&l.table, s->out, s->width, s->color, 0, columns, ARRAY_SIZE(columns));
	if (s->format == SHOW_CSV)
		show_csv_header(s);
	if ((err = show_judge(s, &f)) != 0)
		return err;
	err = store_each_sighting(s->store, &f, on_sighting, &l);
	/* Where a certificate is asked for, one that was not seen is no answer. */
	if (!err && !s->by_certificate)
		err = list_bare(&l, f);
	free(l.bare);
	return err;
}
