/* SPDX-License-Identifier: Apache-2.0 */
/* Every certificate that was presented, at any place in a chain, by its end of validity. */
#include "parsers/text.h"
#include "userspace/show/show.h"

static const struct show_column columns[] = {
	{ .title = "CERTIFICATE", .min = 24, .share = 3, .max = 60 },
	{ .title = "ISSUER", .min = 14, .share = 3, .max = 50 },
	{ .title = "NOT AFTER", .min = 16, .share = 1, .max = 17 },
	{ .title = "LAST SEEN", .min = 10 },
	{ .title = "SHA-256", .min = 12, .share = 3, .max = 24 },
};

struct listing {
	struct show *s;
	struct show_table table;
	bool by_place;
	struct show_set wanted;
};

static void put_row(struct listing *l, const struct store_certificate *c)
{
	char name[SHOW_TEXT_MAX], issuer[SHOW_TEXT_MAX], expiry[32], last[32], sha256[65], notes[SHOW_NOTES_MAX] = "";
	const char *cells[] = { name, issuer, expiry, last, sha256 };
	bool expired = c->not_after.known && c->not_after.unix_s < l->s->now_s;

	show_text_certificate(c, name, sizeof(name));
	show_text_issuer(c, issuer, sizeof(issuer));
	show_text_expiry(c, l->s->now_s, expiry, sizeof(expiry));
	show_text_ago(l->s->now_s, c->last_ns, last, sizeof(last));
	text_hex(c->sha256, sizeof(c->sha256), false, sha256);
	if (l->table.width)
		sha256[l->table.widths[4]] = '\0';      /* its beginning is enough for `show where` */
	if (c->is_ca)
		show_note(notes, "CA");
	if (expired)
		show_note(notes, "expired");
	show_table_row(&l->table, expired ? SHOW_RED : SHOW_PLAIN, cells, notes);
}

static void put_csv(struct show *s, const struct store_certificate *c)
{
	struct csv csv = { .out = s->out };

	show_csv_certificate(&csv, c, s->now_s);
	csv_string(&csv, c->is_ca ? "yes" : "no");
	csv_string(&csv, x509_parse_name(c->parse));
	csv_time_ns(&csv, c->first_ns);
	csv_time_ns(&csv, c->last_ns);
	csv_line_end(&csv);
}

static void put_csv_titles(struct show *s)
{
	static const char *const titles[] = {
		"subject_cn", "subject", "issuer", "serial", "not_before", "not_after", "days_left", "sha256",
		"spki_sha256", "key", "key_bits", "signature", "ca", "parse", "first_seen", "last_seen",
	};
	struct csv csv = { .out = s->out };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(titles); i++)
		csv_string(&csv, titles[i]);
	csv_line_end(&csv);
}

static bool on_certificate(void *context, const struct store_certificate *c)
{
	struct listing *l = context;

	if (l->by_place && !show_set_has(&l->wanted, c->id))
		return true;
	l->s->rows++;
	if (l->s->format == SHOW_JSON)
		show_json_certificate(l->s, c);
	else if (l->s->format == SHOW_CSV)
		put_csv(l->s, c);
	else
		put_row(l, c);
	return !ferror(l->s->out);
}

int show_certificates(struct show *s)
{
	struct store_filter f = show_filter(s), places;
	struct listing l = { .s = s };
	int err = 0;

	l.by_place = show_filter_places(s, &places);
	show_table_start(&l.table, s->out, s->width, s->color, 0, columns, ARRAY_SIZE(columns));
	if (s->format == SHOW_CSV)
		put_csv_titles(s);
	if (l.by_place)
		err = show_set_fill(&l.wanted, s->store, &places);
	if (err == 0)
		err = store_each_certificate(s->store, &f, on_certificate, &l);
	show_set_free(&l.wanted);
	return err;
}
