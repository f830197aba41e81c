/* SPDX-License-Identifier: Apache-2.0 */
/* Where is it still presented? Of one certificate, or of all that carry a name. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "parsers/text.h"
#include "userspace/show/show.h"

#define CANDIDATES_MAX 64

static const struct show_column columns[] = {
	{ .title = "SERVER", .min = 21, .share = 1, .max = 30 },
	{ .title = "STILL", .min = 5 },
	{ .title = "CERTIFICATE", .min = 18, .share = 2, .max = 50 },
	{ .title = "FIRST SEEN", .min = 16, .share = 1, .max = 19 },
	{ .title = "LAST SEEN", .min = 10 },
	{ .title = "SEEN", .min = 5, .right = true },
};

struct candidate {
	int64_t id;
	uint8_t sha256[32];
	char text[200];
};

struct search {
	struct show *s;
	struct show_table table;
	struct candidate candidates[CANDIDATES_MAX];
	size_t num, more;
	const struct candidate *wanted;  /* the one whose sightings come; NULL: by name */
	uint64_t still, gone;            /* rows: presented now, not any more */
};

/* --- which certificates are meant --- */

static bool add_candidate(void *context, const struct store_certificate *c)
{
	struct search *w = context;
	struct candidate *new;
	char name[SHOW_TEXT_MAX], expiry[32];
	size_t i;

	for (i = 0; i < w->num; i++)
		if (w->candidates[i].id == c->id)
			return true;
	if (w->num == CANDIDATES_MAX) {
		w->more++;
		return true;
	}
	new = &w->candidates[w->num++];
	new->id = c->id;
	memcpy(new->sha256, c->sha256, sizeof(new->sha256));
	show_text_certificate(c, name, sizeof(name));
	show_text_expiry(c, w->s->now_s, expiry, sizeof(expiry));
	snprintf(new->text, sizeof(new->text), "%.120s, until %s", name, expiry);
	return true;
}

/* Another one than the first: an entry that was cut off may have the same hash. */
static bool ambiguous(const struct search *w)
{
	size_t i;

	for (i = 1; i < w->num; i++)
		if (memcmp(w->candidates[i].sha256, w->candidates[0].sha256, 32) != 0)
			return true;
	return false;
}

static int refuse_ambiguous(const struct search *w)
{
	char hex[65];
	size_t i;

	fprintf(stderr, "certtap: '%s' is the beginning of several certificates:\n", w->s->what);
	for (i = 0; i < w->num; i++) {
		text_hex(w->candidates[i].sha256, 32, false, hex);
		fprintf(stderr, "    %s  %s\n", hex, w->candidates[i].text);
	}
	if (w->more)
		fprintf(stderr, "    and %zu more\n", w->more);
	return -EINVAL;
}

static int find_by_hex(struct search *w)
{
	const struct show_hex *hex = &w->s->hex;
	struct store_filter f = { .sha256_first = hex->first, .sha256_last = hex->last };
	int err = 0;

	if (hex->num_digits >= SHOW_PREFIX_MIN)
		err = store_each_certificate(w->s->store, &f, add_candidate, w);
	if (err)
		return err;
	if (ambiguous(w))
		return refuse_ambiguous(w);
	f = (struct store_filter){ .serial = bytes_of(hex->serial, hex->serial_len) };
	return store_each_certificate(w->s->store, &f, add_candidate, w);
}

static int find(struct search *w)
{
	struct store_filter f = { .sha256 = w->s->file_sha256 };

	if (w->s->is_file)
		return store_each_certificate(w->s->store, &f, add_candidate, w);
	return w->s->is_hex ? find_by_hex(w) : 0;
}

/* --- where they are --- */

static bool note_leaf(void *context, const struct store_certificate *c)
{
	char text[SHOW_TEXT_MAX], hex[13];

	show_text_certificate(c, text, sizeof(text));
	text_hex(c->sha256, 6, false, hex);
	show_note(context, "now %s (%s)", text, hex);
	return false;
}

static void put_row(struct search *w, const struct store_sighting *t)
{
	char place[SHOW_TEXT_MAX], certificate[SHOW_TEXT_MAX], first[32], last[32], seen[24];
	char notes[SHOW_NOTES_MAX] = "";
	const char *cells[] = { place, t->role == ROLE_CLIENT ? "" : t->current ? "yes" : "no", certificate, first,
				last, seen };
	struct store_filter now = { .chain_id = t->endpoint->chain_id };
	struct show *s = w->s;

	show_text_endpoint(t->endpoint, place, sizeof(place));
	show_text_sighting(t, certificate, sizeof(certificate));
	show_text_time(t->first_ns, first, sizeof(first));
	show_text_ago(s->now_s, t->last_ns, last, sizeof(last));
	snprintf(seen, sizeof(seen), "%" PRIu64, t->sightings);
	if (w->table.width && w->table.widths[3] < 19)
		first[16] = '\0';
	if (w->wanted && t->leaf && memcmp(t->leaf->sha256, w->wanted->sha256, 32) != 0)
		show_note(notes, "in its chain");
	if (t->role == ROLE_SERVER && !t->current && now.chain_id)
		(void)store_each_certificate(s->store, &now, note_leaf, notes);
	show_notes_sighting(s, t, notes);
	show_table_row(&w->table, !t->current && t->role == ROLE_SERVER ? SHOW_FAINT : show_colour_sighting(s, t),
		       cells, notes);
}

static bool on_sighting(void *context, const struct store_sighting *t)
{
	struct search *w = context;

	w->s->rows++;
	if (t->role == ROLE_SERVER)
		++*(t->current ? &w->still : &w->gone);
	if (w->s->format == SHOW_JSON)
		show_json_sighting(w->s, t);
	else if (w->s->format == SHOW_CSV)
		show_csv_sighting(w->s, t);
	else
		put_row(w, t);
	return !ferror(w->s->out);
}

/* Once for each certificate that is meant, or once by name. `judge`: only has them judged. */
static int each(struct search *w, bool judge)
{
	struct store_filter f = show_filter(w->s);
	size_t i;
	int err = 0;

	if (!w->num)
		f.name = w->s->what;
	for (i = 0; err == 0 && (i < w->num || i == 0); i++) {
		w->wanted = w->num ? &w->candidates[i] : NULL;
		f.certificate_id = w->wanted ? w->wanted->id : 0;
		err = judge ? show_judge(w->s, &f) : store_each_sighting(w->s->store, &f, on_sighting, w);
	}
	return err;
}

int show_where(struct show *s)
{
	struct search *w = calloc(1, sizeof(*w));
	int err;

	if (!w)
		return -ENOMEM;
	w->s = s;
	show_table_start(&w->table, s->out, s->width, s->color, 0, columns, ARRAY_SIZE(columns));
	err = find(w);
	if (err == 0 && s->format == SHOW_CSV)
		show_csv_header(s);
	if (err == 0 && (w->num || !s->is_file)) {
		err = s->options->show.verify ? each(w, true) : 0;
		if (err == 0)
			err = each(w, false);
	}
	if (err == 0 && w->s->rows && s->format == SHOW_TABLE && !s->options->quiet) {
		fflush(s->out);
		fprintf(stderr, "certtap: still presented at %" PRIu64 ", not any more at %" PRIu64 "\n", w->still, w->gone);
	}
	free(w);
	return err;
}
