/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/screen/screen_line.h"

#include <inttypes.h>
#include <stdio.h>

#include "userspace/output/output_owner.h"
#include "userspace/output/output_text.h"

#define DAY_S 86400
#define WIDE 110u                /* from here on "how known" has a column of its own */
#define SERVER_MIN 15u
#define SERVER_NARROW 21u        /* IPv4 and a port */
#define SERVER_WIDE 47u          /* IPv6 and a port */

static unsigned int between(unsigned int value, unsigned int least, unsigned int most)
{
	return value < least ? least : value > most ? most : value;
}

/* What the fixed columns leave is shared by the name, the owner and the notes. */
struct screen_columns screen_columns_for(unsigned int width, unsigned int longest)
{
	bool wide = width >= WIDE;
	struct screen_columns c = {
		.width = width, .days = 5, .seen = 5, .ago = 4, .known = wide ? 14 : 0,
		.server = between(longest, SERVER_MIN, width >= 150 ? SERVER_WIDE : wide ? 30 : SERVER_NARROW),
	};
	unsigned int used = c.server + c.days + c.seen + c.ago + c.known + (wide ? 7 : 6);
	unsigned int rest = width > used + 30 ? width - used : 30;

	c.certificate = between(rest * 2 / 5, 12, 44);
	c.owner = between(rest * 3 / 10, 9, 34);
	c.notes = rest - c.certificate - c.owner;
	return c;
}

void screen_ago(uint64_t then_ns, uint64_t now_ns, char *text, size_t size)
{
	static const struct { uint64_t s; char unit; } units[] = {
		{ 60, 's' }, { 3600, 'm' }, { 2 * DAY_S, 'h' }, { 1000ull * DAY_S, 'd' },
	};
	static const uint64_t each[] = { 1, 60, 3600, DAY_S };
	uint64_t age_s = now_ns > then_ns ? (now_ns - then_ns) / 1000000000u : 0;
	size_t i;

	for (i = 0; i + 1 < ARRAY_SIZE(units) && age_s >= units[i].s; i++)
		;
	if (age_s >= units[ARRAY_SIZE(units) - 1].s)
		snprintf(text, size, "-");      /* packets without a time */
	else
		snprintf(text, size, "%" PRIu64 "%c", age_s / each[i], units[i].unit);
}

void screen_days(int64_t then_s, uint64_t now_ns, char *text, size_t size)
{
	int64_t left_s = then_s - (int64_t)(now_ns / 1000000000u);

	snprintf(text, size, "%s%" PRId64, left_s < 0 ? "-" : "", (left_s < 0 ? -left_s : left_s) / DAY_S);
}

/* 12345, 123k, 12m */
static void count_text(uint64_t count, char *text, size_t size)
{
	if (count < 100000)
		snprintf(text, size, "%" PRIu64, count);
	else if (count < 10000000)
		snprintf(text, size, "%" PRIu64 "k", count / 1000);
	else
		snprintf(text, size, "%" PRIu64 "m", count / 1000000);
}

const char *screen_known(const struct screen_row *s)
{
	return s->row->reason == REASON_NONE ? witness_name(s->row->witness) : reason_name(s->row->reason);
}

unsigned int screen_words(const struct screen_row *s, const char *words[SCREEN_WORDS_MAX])
{
	unsigned int expired = 1u << FINDING_EXPIRED | 1u << FINDING_EXPIRED_NOW, num = 0, i;

	if (s->standing == STANDING_REPLACED)
		words[num++] = "replaced";
	if (s->findings & expired)
		words[num++] = "expired";
	if (s->standing == STANDING_STRAGGLER)
		words[num++] = "straggler";
	if (s->refused)
		words[num++] = "refused";
	for (i = 0; i < NUM_FINDINGS; i++)
		if (s->findings & ~(expired | 1u << FINDING_STRAGGLER) & 1u << i)
			words[num++] = finding_name((enum finding)i);
	if (s->row->role == ROLE_CLIENT)
		words[num++] = "client's";
	return num;
}

static const char *const labels[] = { "SERVER", "CERTIFICATE", "DAYS", "OWNER", "SEEN", "AGO", "KNOWN BY" };

void screen_line_header(const struct screen_columns *c, char *text)
{
	struct cells cells;

	cells_start(&cells, text, SCREEN_LINE_MAX, c->width);
	cells_put(&cells, labels[0], c->server);
	cells_blank(&cells);
	cells_put(&cells, labels[1], c->certificate);
	cells_blank(&cells);
	cells_put_right(&cells, labels[2], c->days);
	cells_blank(&cells);
	cells_put(&cells, labels[3], c->owner);
	cells_blank(&cells);
	cells_put_right(&cells, labels[4], c->seen);
	cells_blank(&cells);
	cells_put_right(&cells, labels[5], c->ago);
	cells_blank(&cells);
	if (c->known) {
		cells_put(&cells, labels[6], c->known);
		cells_blank(&cells);
	}
	cells_put(&cells, "NOTES", c->notes);
	cells_to(&cells, c->width);
}

static void put_server(struct cells *cells, const struct screen_columns *c, const struct ledger_row *row)
{
	char text[64], *port;

	output_text_endpoint(&row->server, row->transport, text, sizeof(text));
	port = strrchr(text, text[0] == '[' ? ']' : ':');
	/* A port that is missing is the one that is asked for. */
	cells_put_keeping(cells, text, port ? port : text + strlen(text), c->server);
	cells_blank(cells);
}

static void put_certificate(struct cells *cells, const struct screen_columns *c, const struct screen_row *s,
			    uint64_t now_ns)
{
	const struct ledger_row *row = s->row;
	const struct certificate *leaf = row->chain ? row->chain->certificates[0] : NULL;
	char text[X509_NAME_TEXT_MAX], days[24] = "";

	if (row->reason == REASON_NONE && leaf) {
		cells_put(cells, output_text_certificate(leaf, text, sizeof(text)), c->certificate);
		if (leaf->x509->not_after.known)
			screen_days(leaf->x509->not_after.unix_s, now_ns, days, sizeof(days));
		else
			snprintf(days, sizeof(days), "?");
	} else {
		output_text_reason(row, text, sizeof(text));
		cells_put(cells, text, c->certificate);
	}
	cells_blank(cells);
	/* Year 9999: never. */
	cells_put_right(cells, strlen(days) > c->days ? (days[0] == '-' ? "-9999" : "never") : days, c->days);
	cells_blank(cells);
}

static void put_owner(struct cells *cells, const struct screen_columns *c, const struct screen_row *s)
{
	char text[256] = "", *pid;

	if (s->owner)
		output_owner_text(s->owner, text, sizeof(text) - 1);
	if (s->owner_candidate)
		strcat(text, "?");
	pid = strrchr(text, '[');
	cells_put_keeping(cells, text, pid ? pid : text + strlen(text), c->owner);
	cells_blank(cells);
}

/* As many words as fit; how many more there are, the row in full says. */
static void put_words(struct cells *cells, const struct screen_columns *c, const struct screen_row *s)
{
	const char *words[SCREEN_WORDS_MAX];
	unsigned int num = screen_words(s, words), i, used = 0, more;
	char text[SCREEN_WORDS_MAX * 24] = "", number[16];

	if (num == 0 && !c->known) {
		cells_put(cells, screen_known(s), c->notes);
		return;
	}
	for (i = 0; i < num; i++) {
		more = i + 1 < num ? 3 : 0;
		if (i && used + 2 + strlen(words[i]) + more > c->notes)
			break;
		used += (unsigned int)snprintf(text + used, sizeof(text) - used, "%s%s", i ? ", " : "", words[i]);
	}
	number[0] = '\0';
	if (i < num)
		snprintf(number, sizeof(number), " +%u", num - i);
	strcat(text, number);
	cells_put_keeping(cells, text, text + strlen(text) - strlen(number), c->notes);
}

void screen_line(const struct screen_columns *c, const struct screen_row *s, uint64_t now_ns, char *text)
{
	struct cells cells;
	char number[24];

	cells_start(&cells, text, SCREEN_LINE_MAX, c->width);
	put_server(&cells, c, s->row);
	put_certificate(&cells, c, s, now_ns);
	put_owner(&cells, c, s);
	count_text(s->sightings, number, sizeof(number));
	cells_put_right(&cells, number, c->seen);
	cells_blank(&cells);
	screen_ago(s->last_ns, now_ns, number, sizeof(number));
	cells_put_right(&cells, number, c->ago);
	cells_blank(&cells);
	if (c->known) {
		cells_put(&cells, screen_known(s), c->known);
		cells_blank(&cells);
	}
	put_words(&cells, c, s);
	cells_to(&cells, c->width);
}
