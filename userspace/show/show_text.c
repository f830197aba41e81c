/* SPDX-License-Identifier: Apache-2.0 */
/* What a table of `show` says in a cell. Texts of the store are made safe once more: the file may be anybody's. */
#include <inttypes.h>
#include <time.h>

#include "parsers/text.h"
#include "userspace/ledger/findings.h"
#include "userspace/output/output_text.h"
#include "userspace/show/show.h"

#define DAY_S 86400

static const char *safe(const char *in, char *text, size_t size)
{
	text_safe(bytes_of(in, strlen(in)), text, size);
	return text;
}

/* Their backslashes are doubled already. */
const char *show_text_again(const char *in, char *text, size_t size)
{
	struct bytes rest = bytes_of(in, strlen(in));
	struct text out;
	uint32_t c;

	text_start(&out, text, size);
	while (rest.len) {
		if (*rest.data == '\\') {
			text_put(&out, "\\");
			rest = bytes_of(rest.data + 1, rest.len - 1);
		} else if (text_take_char(&rest, &c)) {
			text_put_char(&out, c);
		} else {
			text_put_byte(&out, *rest.data);
			rest = bytes_of(rest.data + 1, rest.len - 1);
		}
	}
	return text;
}

void show_text_ago(int64_t now_s, uint64_t time_ns, char *text, size_t size)
{
	static const struct { int64_t below, unit; char letter; } units[] = {
		{ 100, 1, 's' }, { 100 * 60, 60, 'm' }, { 48 * 3600, 3600, 'h' }, { 100 * DAY_S, DAY_S, 'd' },
	};
	int64_t s = now_s - (int64_t)(time_ns / 1000000000u);
	char date[48];
	size_t i;

	text[0] = '\0';
	if (!time_ns)
		return;
	for (i = 0; i < ARRAY_SIZE(units); i++) {
		if (s < -1 || s >= units[i].below)
			continue;
		snprintf(text, size, "%" PRId64 "%c ago", (s < 0 ? 0 : s) / units[i].unit, units[i].letter);
		return;
	}
	text_time(time_ns, date, sizeof(date));
	snprintf(text, size, "%.10s", date);
}

void show_text_time(uint64_t time_ns, char *text, size_t size)
{
	char date[48];

	text_time(time_ns, date, sizeof(date));
	date[10] = ' ';
	snprintf(text, size, "%.19s", time_ns ? date : "");
}

void show_text_expiry(const struct store_certificate *c, int64_t now_s, char *text, size_t size)
{
	int64_t days;
	char date[48];

	if (!c || !c->not_after.known) {
		snprintf(text, size, "%s", c ? "?" : "");
		return;
	}
	text_time_s(c->not_after.unix_s, date, sizeof(date));
	days = (c->not_after.unix_s - now_s) / DAY_S;
	if (days > 999 || days < -999)
		snprintf(text, size, "%.10s %+" PRId64 "y", date, days / 365);
	else
		snprintf(text, size, "%.10s %+" PRId64 "d", date, days);
}

void show_text_certificate(const struct store_certificate *c, char *text, size_t size)
{
	if (c->subject_cn[0])
		show_text_again(c->subject_cn, text, size);
	else if (c->subject[0])
		show_text_again(c->subject, text, size);
	else
		snprintf(text, size, "(%s, %zu bytes)", x509_parse_name(c->parse), c->der_len);
}

void show_text_issuer(const struct store_certificate *c, char *text, size_t size)
{
	show_text_again(c->issuer_cn[0] ? c->issuer_cn : c->issuer, text, size);
}

void show_text_sighting(const struct store_sighting *s, char *text, size_t size)
{
	char issuer[200];

	if (s->leaf) {
		show_text_certificate(s->leaf, text, size);
	} else if (s->chain_kind == STORE_CHAIN_OF_ISSUER) {
		show_text_again(s->issuer, issuer, sizeof(issuer));
		snprintf(text, size, "(further ones of %s)", issuer);
	} else {
		snprintf(text, size, "(further chains)");
	}
}

void show_text_endpoint(const struct store_endpoint *e, char *text, size_t size)
{
	output_text_endpoint(&e->server, e->transport, text, size);
	if (e->transport != TRANSPORT_TCP && e->transport != TRANSPORT_EAPOL)
		snprintf(text + strlen(text), size - strlen(text), "/%s", transport_name(e->transport));
}

void show_text_name(const struct store_endpoint *e, char *text, size_t size)
{
	text[0] = '\0';
	if (e->name_kind == STORE_NAME_ASKED)
		text_safe(e->server_name, text, size);
	else if (e->name_kind == STORE_NAME_OTHERS)
		snprintf(text, size, "(other names)");
}

void show_text_owner(const struct store_owner *o, char *text, size_t size)
{
	char raw[400];

	if (o->container[0])
		snprintf(raw, sizeof(raw), "%.12s/%s", o->container, o->process);
	else
		snprintf(raw, sizeof(raw), "%s", o->unit[0] ? o->unit : o->process);
	safe(raw, text, size);
	if (text[0] && o->pid && strlen(text) + sizeof("[4294967295]") <= size)
		snprintf(text + strlen(text), size - strlen(text), "[%u]", o->pid);
}

void show_text_presenter(const struct store_sighting *t, char *text, size_t size)
{
	show_text_owner(&t->owner, text, size);
	if (text[0] && t->several_owners)
		snprintf(text + strlen(text), size - strlen(text), " and others");
}

void show_text_findings(unsigned int findings, char *text, size_t size)
{
	size_t len = 0;
	unsigned int i;

	text[0] = '\0';
	for (i = 0; i < NUM_FINDINGS && len < size; i++)
		if (findings & 1u << i)
			len += (size_t)snprintf(text + len, size - len, "%s%s", len ? " " : "",
						finding_name((enum finding)i));
}

void show_text_refusal(const struct store_refusal *r, char *text, size_t size)
{
	const char *name = r->alert.hidden ? "encrypted alert" : alert_name(r->alert.description);

	if (name)
		snprintf(text, size, "%s", name);
	else
		snprintf(text, size, "alert %u", r->alert.description);
}

/* --- notes --- */

static void note_verdict(char *notes, const char *when, enum verdict_trust trust)
{
	if (trust == VERDICT_TRUSTED)
		show_note(notes, "%strusted", when);
	else if (trust == VERDICT_UNTRUSTED)
		show_note(notes, "%sNOT trusted", when);
	else
		show_note(notes, "%sno verdict", when);
}

static void note_verdicts(const struct show *s, const struct store_sighting *t, char *notes)
{
	const struct verdict *v = show_verdicts_find(&s->verdicts, t);
	const struct verdict_note *n;
	unsigned int i, j;

	if (!v)
		return;
	if (v->then == v->now) {
		note_verdict(notes, "", v->now);
	} else {
		note_verdict(notes, "then ", v->then);
		note_verdict(notes, "now ", v->now);
	}
	for (i = 0; i < v->num_notes; i++) {
		n = &v->notes[i];
		for (j = 0; j < i && v->notes[j].what != n->what; j++)
			;
		if (j == i)      /* once, whichever certificates it is about */
			show_note(notes, "%s", verdict_finding_text(n->what));
	}
}

static void note_findings(unsigned int findings, char *notes)
{
	unsigned int i;

	/* Expired then says all that expired now says. */
	if (findings & 1u << FINDING_EXPIRED)
		findings &= ~(1u << FINDING_EXPIRED_NOW);
	for (i = 0; i < NUM_FINDINGS; i++)
		if (findings & 1u << i)
			show_note(notes, "%s", finding_name((enum finding)i));
}

void show_notes_sighting(const struct show *s, const struct store_sighting *t, char *notes)
{
	char text[SHOW_TEXT_MAX], certificate[SHOW_TEXT_MAX];

	if (t->role == ROLE_CLIENT)
		show_note(notes, "client's");
	show_text_presenter(t, text, sizeof(text));
	if (text[0] && t->role == ROLE_SERVER)
		show_note(notes, "by %s", text);
	show_text_name(t->endpoint, text, sizeof(text));
	show_text_sighting(t, certificate, sizeof(certificate));
	if (text[0] && strcmp(text, certificate) != 0)
		show_note(notes, "for %s", text);
	note_findings(t->findings, notes);
	if (t->refusals)
		show_note(notes, "refused %" PRIu64 " %s", t->refusals, t->refusals == 1 ? "time" : "times");
	if (t->witness != WITNESS_WIRE)
		show_note(notes, "known by %s", witness_name(t->witness));
	if (t->endpoint->silent && t->current)
		show_note(notes, "gone silent");
	note_verdicts(s, t, notes);
}

enum show_colour show_colour_sighting(const struct show *s, const struct store_sighting *t)
{
	const struct verdict *v = show_verdicts_find(&s->verdicts, t);

	if (t->findings & (1u << FINDING_EXPIRED | 1u << FINDING_EXPIRED_NOW) || (v && v->now == VERDICT_UNTRUSTED))
		return SHOW_RED;
	if (t->findings || t->refusals)
		return SHOW_YELLOW;
	return t->endpoint->silent ? SHOW_FAINT : SHOW_PLAIN;
}
