/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/screen/screen_detail.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "parsers/text.h"
#include "userspace/output/output_owner.h"
#include "userspace/output/output_text.h"
#include "userspace/screen/screen_line.h"

#define VALUE_MAX 2048

struct detail {
	struct screen_lines *lines;
	unsigned int width;
	uint64_t now_ns;
	const struct screen_row *shown;
	const struct ledger_row *row;
};

static void __attribute__((format(printf, 3, 4))) put(struct detail *d, const char *label, const char *format, ...)
{
	char value[VALUE_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(value, sizeof(value), format, args);
	va_end(args);
	screen_lines_put(d->lines, d->width, label, value);
}

/* Bytes that strangers chose; nothing where there are none. */
static void put_bytes(struct detail *d, const char *label, struct bytes in)
{
	char value[VALUE_MAX];

	if (!in.len)
		return;
	text_safe(in, value, sizeof(value));
	screen_lines_put(d->lines, d->width, label, value);
}

static void put_text(struct detail *d, const char *label, const char *text)
{
	put_bytes(d, label, bytes_of(text, strlen(text)));
}

static void put_hex(struct detail *d, const char *label, const uint8_t *data, size_t len)
{
	char hex[2 * X509_SERIAL_MAX + 1];

	text_hex(data, len, false, hex);
	put(d, label, "%s", hex);
}

static void title(struct detail *d, const char *text)
{
	put(d, "", "%s", "");
	screen_lines_put(d->lines, d->width, text, "");
}

static void put_time(struct detail *d, const char *label, uint64_t at_ns)
{
	char text[32], ago[24];

	if (!at_ns)
		return;
	text_time(at_ns, text, sizeof(text));
	screen_ago(at_ns, d->now_ns, ago, sizeof(ago));
	put(d, label, "%.19sZ, %s ago", text, ago);
}

/* --- what was seen */

static void put_words(struct detail *d)
{
	const char *words[SCREEN_WORDS_MAX];
	unsigned int num = screen_words(d->shown, words), i;

	for (i = 0; i < num; i++)
		put(d, i ? "" : "notes", "%s", words[i]);
}

/* What the straggler is to be replaced by, and whether its process is older than that. */
static void put_standing(struct detail *d)
{
	const struct process *owner = d->shown->owner;
	const struct ledger_row *newest = NULL;
	char endpoint[64], since[32];

	if (stragglers_standing(d->row->place, &newest) != STANDING_STRAGGLER || !newest)
		return;
	output_text_endpoint(&newest->server, newest->transport, endpoint, sizeof(endpoint));
	text_time(newest->first_ns, since, sizeof(since));
	put(d, "renewed", "on %s since %.19sZ or longer", endpoint, since);
	if (owner && owner->started_ns && newest->chain->certificates[0]->x509->not_before.known &&
	    (int64_t)(owner->started_ns / 1000000000u) < newest->chain->certificates[0]->x509->not_before.unix_s)
		put(d, "", "the process began before the renewed certificate's first day: not restarted since");
}

static void put_known(struct detail *d)
{
	const struct ledger_row *row = d->row;

	if (row->reason == REASON_NONE)
		put(d, "known by", "%s", witness_name(row->witness));
	else
		put(d, "no certificate", "%s%s%s", reason_name(row->reason), row->detail ? ": " : "",
		    row->detail ? row->detail : "");
	if (row->reason == REASON_LOST || row->reason == REASON_TRUNCATED)
		put(d, "", "bytes %" PRIu64 " to %" PRIu64 " of the stream", row->lost_from, row->lost_to);
	if (row->roles_guessed)
		put(d, "", "which end is the server is a guess: no hello was seen");
}

static void put_handshake(struct detail *d)
{
	const struct ledger_row *row = d->row;
	const char *name;
	unsigned int i;

	put(d, "carried by", "%s, %s%s%s", transport_name(row->transport), protocol_name(row->protocol),
	    row->carrier ? ", " : "", row->carrier ? row->carrier : "");
	for (i = 0; i < row->versions.num; i++)
		put(d, i ? "" : "version", "%s %s", tls_protocol_name(row->versions.values[i]),
		    tls_version_name(row->versions.values[i]));
	for (i = 0; i < row->ciphers.num; i++) {
		name = cipher_suite_name(row->ciphers.values[i]);
		put(d, i ? "" : "cipher", "%s (0x%04x)", name ? name : "unknown", row->ciphers.values[i]);
	}
	for (i = 0; i < row->num_alpn; i++)
		put_bytes(d, i ? "" : "protocol", bytes_of(row->alpn[i], strnlen(row->alpn[i], PROTOCOL_NAME_MAX)));
}

static void put_names(struct detail *d)
{
	const struct ledger_row *row = d->row;
	const struct server_name *name;

	for (name = row->names; name; name = name->next)
		put_bytes(d, name == row->names ? "asked for" : "", bytes_of(name->bytes, name->len));
	if (row->names_more)
		put(d, "", "and other names, %u times", row->names_more);
	if (row->without_name)
		put(d, row->names ? "" : "asked for", "no name, %u times", row->without_name);
	if (row->has_ech)
		put(d, "", "behind an encrypted ClientHello");
}

static void put_clients(struct detail *d)
{
	const struct ledger_row *row = d->row;
	char text[64];
	unsigned int i;

	for (i = 0; i < row->num_clients; i++) {
		text_address(row->clients[i].address.octets, text, sizeof(text));
		put(d, i ? "" : "clients", "%s", text);
	}
	if (row->clients_more)
		put(d, "", "and others, %u times", row->clients_more);
	output_text_endpoint(&row->last_client, row->transport, text, sizeof(text));
	put(d, "last client", "%s", text);
}

static void put_alerts(struct detail *d)
{
	const struct ledger_row *row = d->row;
	const struct alert_count *a;
	char text[160], sender[160];
	unsigned int i;

	for (i = 0; i < row->num_alerts; i++) {
		a = &row->alerts[i];
		output_text_alert(a, text, sizeof(text));
		sender[0] = '\0';
		if (a->sender)
			output_owner_text(a->sender, sender, sizeof(sender));
		put(d, ledger_row_refused(row, &a->alert) ? "refused" : "alert", "%s%s%s, %" PRIu64 " times", text,
		    a->sender ? ", by " : "", sender, a->count);
	}
}

static void put_broke_off(struct detail *d)
{
	if (d->row->broke_off)
		put(d, "broke off", "the client, after the server's flight, %" PRIu64 " times", d->row->broke_off);
}

static void put_sightings(struct detail *d)
{
	const struct ledger_row *row = d->row;
	char endpoint[64];

	output_text_endpoint(&row->server, row->transport, endpoint, sizeof(endpoint));
	put(d, "server", "%s", endpoint);
	put(d, "presented by", "the %s", role_name(row->role));
	put_words(d);
	put_standing(d);
	put_known(d);
	if (ledger_row_is_established(row) < 0)
		put(d, "sightings", "%" PRIu64, row->sightings);
	else
		put(d, "sightings", "%" PRIu64 ", of them %" PRIu64 " went on to encryption", row->sightings,
		    row->established);
	put_time(d, "first seen", row->first_ns);
	put_time(d, "last seen", row->last_ns);
	put_alerts(d);
	put_broke_off(d);
	put_names(d);
	put_handshake(d);
	put_clients(d);
	put_text(d, "JA3", row->ja3);
	put_text(d, "JA3S", row->ja3s);
	put_text(d, "JA4", row->ja4);
}

/* --- who */

static void put_process(struct detail *d, const struct process *p)
{
	char text[160];

	output_owner_text(p, text, sizeof(text));
	put(d, "owner", "%s", text);
	put(d, "process id", "%u, of %u", p->key.pid, p->ppid);
	put_text(d, "name", p->name);
	put_text(d, "executable", p->executable);
	put_text(d, "command line", p->command_line);
	put_text(d, "unit", p->service);
	put_text(d, "user's unit", p->user_service);
	put_text(d, "container", p->container);
	put_text(d, "runtime", p->runtime);
	put_text(d, "pod", p->pod);
	if (p->uid_known)
		put(d, "user id", "%u", p->uid);
	put_text(d, "user", p->user);
	put_time(d, "started", p->started_ns);
}

static void put_more_of_owner(struct detail *d, const struct owner *o)
{
	char text[160];
	unsigned int i;

	if (o->candidate)
		put(d, "", "one of several that it may have been");
	for (i = 0; i < o->num_others; i++) {
		output_owner_text(o->others[i], text, sizeof(text));
		put(d, i ? "" : "or else", "%s", text);
	}
	put_time(d, "listens since", o->listens_since_ns);
	if (o->maker && o->maker != o->process) {
		output_owner_text(o->maker, text, sizeof(text));
		put(d, "socket made by", "%s", text);
	}
}

static void put_end(struct detail *d, enum role role)
{
	const struct owner *o = d->row->owners ? &d->row->owners->end[role] : NULL;

	title(d, role == ROLE_SERVER ? "THE SERVER" : "THE CLIENT");
	if (!o || !o->process) {
		put(d, "owner", "not known, or not on this host");
		return;
	}
	put_process(d, o->process);
	put_more_of_owner(d, o);
}

static void put_presenters(struct detail *d)
{
	const struct row_owners *o = d->row->owners;
	char text[160];
	unsigned int i;

	if (!o || o->num_presenters < 2)
		return;
	title(d, "ALL THAT PRESENT IT");
	for (i = 0; i < o->num_presenters; i++) {
		output_owner_text(o->presenters[i], text, sizeof(text));
		put(d, "", "%s", text);
	}
	if (o->presenters_more)
		put(d, "", "and others, %u times", o->presenters_more);
}

/* --- what */

static void put_validity(struct detail *d, const char *label, const struct x509_time *at)
{
	char text[32], days[24];

	if (!at->known)
		return;
	text_time_s(at->unix_s, text, sizeof(text));
	screen_days(at->unix_s, d->now_ns, days, sizeof(days));
	if (days[0] == '-')
		put(d, label, "%s, %s days ago", text, days + 1);
	else
		put(d, label, "%s, in %s days", text, days);
}

static void put_san(struct detail *d, const char *label, const struct x509_san *san)
{
	char text[64];

	if (san->kind != X509_SAN_IP || (san->value.len != 4 && san->value.len != 16)) {
		put_bytes(d, label, san->value);
		return;
	}
	inet_ntop(san->value.len == 4 ? AF_INET : AF_INET6, san->value.data, text, sizeof(text));
	put(d, label, "%s", text);
}

static void put_key(struct detail *d, const struct x509 *x)
{
	if (x->key != X509_KEY_UNKNOWN)
		put(d, "key", "%s%s%s, %u bits", x509_key_name(x->key), x->curve[0] ? " " : "", x->curve, x->key_bits);
	put_text(d, "signature", x->signature_algorithm);
	put_hex(d, "key SHA-256", x->spki_sha256, sizeof(x->spki_sha256));
}

static void put_certificate(struct detail *d, const struct certificate *c)
{
	const struct x509 *x = c->x509;
	unsigned int i;

	if (x->parse != X509_PARSE_OK)
		put(d, "parsed", "%s: %s", x509_parse_name(x->parse), x->refused_why);
	/* Texts of x509.h are safe already. */
	put(d, "subject", "%s", x->subject);
	put(d, "issuer", "%s", x->issuer);
	put_validity(d, "not before", &x->not_before);
	put_validity(d, "not after", &x->not_after);
	for (i = 0; i < x->san_count; i++)
		put_san(d, i ? "" : "names", &x->san[i]);
	if (x->san_total > x->san_count)
		put(d, "", "and %u more", x->san_total - x->san_count);
	if (x->serial_len)
		put_hex(d, "serial", x->serial, x->serial_len < X509_SERIAL_MAX ? x->serial_len : X509_SERIAL_MAX);
	if (x->spki_der.len)
		put_key(d, x);
	put_hex(d, "SHA-256", c->sha256, sizeof(c->sha256));
	put_hex(d, "SHA-1", x->sha1, sizeof(x->sha1));
}

static void put_chain(struct detail *d)
{
	const struct chain *chain = d->row->chain;
	char text[64];
	uint32_t i;

	if (!chain)
		return;
	for (i = 0; i < chain->num; i++) {
		title(d, "CERTIFICATE");
		snprintf(text, sizeof(text), "%u of %u, as presented%s", i + 1, chain->total,
			 chain->partial ? "; the message is not complete" : "");
		put(d, "", "%s", text);
		put_certificate(d, chain->certificates[i]);
	}
}

void screen_detail(const struct screen_row *s, uint64_t now_ns, unsigned int width, struct screen_lines *out)
{
	struct detail d = { .lines = out, .width = width, .now_ns = now_ns, .shown = s, .row = s->row };

	put_sightings(&d);
	put_end(&d, d.row->role);
	put_end(&d, d.row->role == ROLE_SERVER ? ROLE_CLIENT : ROLE_SERVER);
	put_presenters(&d);
	put_chain(&d);
}
