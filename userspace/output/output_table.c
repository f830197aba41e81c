/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A table for people: one line a row, that fits the terminal. What needs attention is said in words at the end of
 * the line, and in colour only in addition.
 */
#include <inttypes.h>
#include <stdarg.h>

#include "parsers/text.h"
#include "userspace/ledger/findings.h"
#include "userspace/output/output.h"
#include "userspace/output/output_owner.h"
#include "userspace/output/output_text.h"

#define NOTES_MAX 512
#define DAY_S 86400
#define INDENT 4

struct columns {
	int endpoint, certificate, issuer, expires, seen;
};

/* The fixed columns are narrow; what a wide terminal has left goes to the names. */
static struct columns columns_for(unsigned int width)
{
	struct columns c = { .endpoint = 21, .certificate = 20, .issuer = 13, .expires = 17, .seen = 5 };

	if (width == 0 || width >= 150) {
		c.endpoint = 26;
		c.certificate = 34;
		c.issuer = 26;
	} else if (width >= 110) {
		c.certificate = 26;
		c.issuer = 20;
	}
	return c;
}

/* Appends to notes, separated by commas; what does not fit is left out. */
static void __attribute__((format(printf, 2, 3))) note(char *notes, const char *format, ...)
{
	size_t len = strlen(notes);
	va_list args;

	if (len && len + 2 < NOTES_MAX)
		len += (size_t)snprintf(notes + len, NOTES_MAX - len, ", ");
	va_start(args, format);
	vsnprintf(notes + len, NOTES_MAX - len, format, args);
	va_end(args);
}

static void note_alert(char *notes, const struct alert_count *a)
{
	char text[160];

	output_text_alert(a, text, sizeof(text));
	note(notes, "%s", text);
	if (a->count > 1)
		note(notes, "%" PRIu64 " times", a->count);
}

static void note_broke_off(char *notes, const struct ledger_row *row)
{
	note(notes, "the client broke off after the server's flight");
	if (row->broke_off > 1)
		note(notes, "%" PRIu64 " times", row->broke_off);
}

static void note_all(char *notes, const struct output_event *e, int64_t now_s)
{
	const struct ledger_row *row = e->row;
	unsigned int found = findings_of(row, now_s), i;
	char owner[OUTPUT_OWNER_MAX];

	notes[0] = '\0';
	if (row->role == ROLE_CLIENT)
		note(notes, "client's");
	output_owner_row_text(row, owner, sizeof(owner));
	if (owner[0])
		note(notes, "by %s", owner);
	if (e->previous && e->previous->chain)
		note(notes, "was %s until now", e->previous->chain->certificates[0]->x509->subject_cn);
	/* Expired now says all that expired then says. */
	if (found & 1u << FINDING_EXPIRED && found & 1u << FINDING_EXPIRED_NOW)
		found &= ~(1u << FINDING_EXPIRED_NOW);
	for (i = 0; i < NUM_FINDINGS; i++)
		if (found & 1u << i)
			note(notes, "%s", finding_name(i));
	if (row->broke_off && !e->refusal)
		note_broke_off(notes, row);
	/* A refusal has a line of its own, and an orderly end would only hide what is to be seen. */
	for (i = 0; i < row->num_alerts; i++)
		if (e->refusal ? &row->alerts[i] == e->refusal :
				 !ledger_row_refused(row, &row->alerts[i].alert) &&
				 !alert_closes(&row->alerts[i].alert))
			note_alert(notes, &row->alerts[i]);
}

static void describe_expiry(const struct x509 *x, int64_t now_s, char *text, size_t size)
{
	int64_t days;
	char date[48];

	if (!x->not_after.known) {
		snprintf(text, size, "?");
		return;
	}
	text_time_s(x->not_after.unix_s, date, sizeof(date));
	days = (x->not_after.unix_s - now_s) / DAY_S;
	if (days > 9999 || days < -9999)
		snprintf(text, size, "%.10s", date);
	else
		snprintf(text, size, "%.10s %+" PRId64 "d", date, days);
}

/* Pads to, or cuts at, `width` characters of UTF-8. */
static void put_cell(FILE *out, const char *text, int width)
{
	const char *c;
	int chars = 0;

	for (c = text; *c; c++) {
		if ((*c & 0xc0) == 0x80)
			continue;
		if (chars == width - 1 && c[1]) {
			const char *rest = c + 1;

			while ((*rest & 0xc0) == 0x80)
				rest++;
			if (*rest)
				break;
		}
		chars++;
	}
	fwrite(text, 1, (size_t)(c - text), out);
	if (*c) {
		fputs("~", out);
		chars++;
	}
	fprintf(out, "%*s", width - chars + 1, "");
}

static int columns_width(const struct columns *c)
{
	return c->endpoint + c->certificate + c->issuer + c->expires + c->seen + 4;
}

/*
 * Behind the columns where there is room, else on lines of their own: nothing of what needs attention is cut off.
 */
static void put_notes(const struct output *o, const struct columns *c, const char *notes)
{
	int width = (int)o->options.width, used = columns_width(c), part_len;
	bool first = true;
	const char *part, *end;

	for (part = notes; *part; part = end) {
		end = strstr(part, ", ");
		end = end ? end + 2 : part + strlen(part);
		part_len = (int)(end - part);
		if (width && used + 2 + part_len > width && (!first || used > INDENT)) {
			fprintf(o->options.out, "\n%*s", INDENT, "");
			used = INDENT;
			first = true;
		}
		fprintf(o->options.out, "%s%.*s", first && used != INDENT ? "  " : "", part_len, part);
		used += part_len + (first ? 2 : 0);
		first = false;
	}
}

static const char *colour_of(const struct output *o, const struct output_event *e)
{
	unsigned int found = findings_of(e->row, output_now_s(o));

	if (!o->options.color)
		return "";
	if (found & (1u << FINDING_EXPIRED | 1u << FINDING_EXPIRED_NOW) || e->action == ACTION_REFUSED)
		return "\033[31m";
	if (found || e->action == ACTION_CHANGED)
		return "\033[33m";
	return e->row->reason == REASON_NONE ? "" : "\033[2m";
}

static void put_header(struct output *o)
{
	struct columns c = columns_for(o->options.width);
	FILE *out = o->options.out;

	put_cell(out, "SERVER", c.endpoint);
	put_cell(out, "CERTIFICATE", c.certificate);
	put_cell(out, "ISSUER", c.issuer);
	put_cell(out, "NOT AFTER", c.expires);
	fprintf(out, "%*s  NOTES\n", c.seen, "SEEN");
}

static void put_row(struct output *o, const struct output_event *e)
{
	struct columns c = columns_for(o->options.width);
	const struct ledger_row *row = e->row;
	const char *colour = colour_of(o, e);
	char text[256], notes[NOTES_MAX];
	FILE *out = o->options.out;
	const struct certificate *leaf;

	fputs(colour, out);
	/* Never cut: a port that is missing is the one that is asked for. */
	output_text_endpoint(&row->server, row->transport, text, sizeof(text));
	fprintf(out, "%-*s ", c.endpoint, text);
	if (row->chain && row->reason == REASON_NONE) {
		leaf = row->chain->certificates[0];
		put_cell(out, output_text_certificate(leaf, text, sizeof(text)), c.certificate);
		put_cell(out, leaf->x509->issuer_cn[0] ? leaf->x509->issuer_cn : leaf->x509->issuer, c.issuer);
		describe_expiry(leaf->x509, output_now_s(o), text, sizeof(text));
		put_cell(out, text, c.expires);
	} else {
		output_text_reason(row, text, sizeof(text));
		put_cell(out, text, c.certificate);
		put_cell(out, "", c.issuer);
		put_cell(out, "", c.expires);
	}
	fprintf(out, "%*" PRIu64, c.seen, row->sightings);
	note_all(notes, e, output_now_s(o));
	put_notes(o, &c, notes);
	fputs(colour[0] ? "\033[0m\n" : "\n", out);
}

const struct output_ops output_table = {
	.name = "table",
	.begin = put_header,
	.event = put_row,
};
