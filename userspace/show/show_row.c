/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of the store in JSON, with the names that output_json.c has for them, and in CSV. */
#include <stdlib.h>

#include "parsers/text.h"
#include "userspace/ledger/findings.h"
#include "userspace/output/output.h"
#include "userspace/output/output_json.h"
#include "userspace/output/output_owner.h"
#include "userspace/show/show.h"

#define DAY_S 86400

const struct chain *show_chain(struct show *s, int64_t chain_id)
{
	struct show_chain_slot *slot;

	if (!s->chains)
		s->chains = calloc(SHOW_CHAINS, sizeof(*s->chains));
	if (!s->chains || !chain_id)
		return NULL;
	slot = &s->chains[(uint64_t)chain_id % SHOW_CHAINS];
	if (slot->id != chain_id) {
		store_chain_free(slot->chain);
		slot->chain = store_chain(s->store, chain_id);
		slot->id = chain_id;
	}
	return slot->chain;
}

/* --- JSON --- */

static void put_owner(struct json *j, const struct store_owner *o, enum role role)
{
	struct process p = { .key.pid = o->pid, .started_ns = o->started_ns };
	struct row_owners owners = { .end[ROLE_SERVER].process = &p };
	struct ledger_row row = { .role = ROLE_SERVER, .owners = &owners };

	if (role != ROLE_SERVER || (!o->pid && !o->process[0] && !o->unit[0] && !o->container[0]))
		return;
	snprintf(p.name, sizeof(p.name), "%s", o->process);
	snprintf(p.executable, sizeof(p.executable), "%s", o->executable);
	snprintf(p.service, sizeof(p.service), "%s", o->unit);
	snprintf(p.container, sizeof(p.container), "%s", o->container);
	output_owner_put(j, &row);
}

static void begin(struct json *j, const char *action, uint64_t first_ns, uint64_t last_ns)
{
	json_object(j, NULL);
	json_time_ns(j, "@timestamp", last_ns);
	json_object(j, "event");
	json_string(j, "action", action);
	json_time_ns(j, "start", first_ns);
	json_time_ns(j, "end", last_ns);
	json_object_end(j);
}

static void put_place(struct json *j, const struct store_endpoint *e, const struct host_port *client)
{
	json_object(j, "network");
	json_string(j, "transport", transport_name(e->transport));
	json_object_end(j);
	output_json_put_host(j, "server", &e->server);
	if (client)
		output_json_put_host(j, "client", client);
}

static void put_tls(struct json *j, const struct store_endpoint *e, enum role role, const struct chain *chain)
{
	bool name = e->name_kind == STORE_NAME_ASKED;

	if (!name && !chain)
		return;
	json_object(j, "tls");
	if (name || (chain && role == ROLE_CLIENT)) {
		json_object(j, "client");
		if (name)
			json_bytes(j, "server_name", e->server_name);
		if (chain && role == ROLE_CLIENT)
			output_json_put_presented(j, chain);
		json_object_end(j);
	}
	if (chain && role == ROLE_SERVER) {
		json_object(j, "server");
		output_json_put_presented(j, chain);
		json_object_end(j);
	}
	json_object_end(j);
}

static void put_findings(struct json *j, unsigned int findings)
{
	unsigned int i;

	json_array(j, "findings");
	for (i = 0; i < NUM_FINDINGS; i++)
		if (findings & 1u << i)
			json_string(j, NULL, finding_name((enum finding)i));
	json_array_end(j);
}

static void put_verdict_note(struct json *j, const struct verdict_note *n)
{
	json_object(j, NULL);
	json_string(j, "name", verdict_finding_name(n->what));
	if (n->certificate >= 0)
		json_unsigned(j, "certificate", (uint64_t)n->certificate);
	json_bool(j, "then", n->when & VERDICT_THEN);
	json_bool(j, "now", n->when & VERDICT_NOW);
	if (verdict_detail(n))
		json_string(j, "detail", verdict_detail(n));
	json_object_end(j);
}

static void put_verdict(struct json *j, const struct verdict *v)
{
	unsigned int i;

	if (!v)
		return;
	json_object(j, "verdict");
	json_string(j, "then", verdict_trust_name(v->then));
	json_string(j, "now", verdict_trust_name(v->now));
	json_array(j, "findings");
	for (i = 0; i < v->num_notes; i++)
		put_verdict_note(j, &v->notes[i]);
	json_array_end(j);
	if (v->notes_dropped)
		json_unsigned(j, "findings_more", v->notes_dropped);
	json_object_end(j);
}

/* As output_json.c has it. */
static void put_zone(struct json *j, const struct store_endpoint *e)
{
	if (e->server.zone)
		json_unsigned(j, "zone", e->server.zone);
}

static void put_carrier(struct json *j, const struct store_endpoint *e)
{
	if (e->carrier[0])
		json_bytes(j, "carrier", bytes_of(e->carrier, strlen(e->carrier)));
}

static void put_summed(struct json *j, const struct store_sighting *t)
{
	if (t->chain_kind == STORE_CHAIN_PRESENTED)
		return;
	json_string(j, "summed", t->chain_kind == STORE_CHAIN_OF_ISSUER ? "issuer" : "endpoint");
	if (t->issuer[0])
		json_bytes(j, "summed_issuer", bytes_of(t->issuer, strlen(t->issuer)));
}

void show_json_sighting(struct show *s, const struct store_sighting *t)
{
	struct json writer = { .out = s->out }, *j = &writer;
	const struct chain *chain = show_chain(s, t->chain_id);

	begin(j, action_name(ACTION_PRESENTED), t->first_ns, t->last_ns);
	put_place(j, t->endpoint, &t->last_client);
	put_owner(j, &t->owner, t->role);
	put_tls(j, t->endpoint, t->role, chain);
	json_object(j, "certtap");
	json_string(j, "role", role_name(t->role));
	json_string(j, "witness", witness_name(t->witness));
	put_zone(j, t->endpoint);
	put_carrier(j, t->endpoint);
	if (t->several_owners)
		json_bool(j, "several_owners", true);
	json_unsigned(j, "sightings", t->sightings);
	json_unsigned(j, "refusals", t->refusals);
	if (t->role == ROLE_SERVER)
		json_bool(j, "current", t->current);
	json_bool(j, "silent", t->endpoint->silent);
	if (chain)
		output_json_put_chain(j, chain);
	put_summed(j, t);
	put_findings(j, t->findings);
	put_verdict(j, show_verdicts_find(&s->verdicts, t));
	json_object_end(j);
	json_object_end(j);
	json_line_end(j);
}

void show_json_certificate(struct show *s, const struct store_certificate *c)
{
	static struct x509 x;            /* 8 KB, for the one row that is written */
	struct json writer = { .out = s->out }, *j = &writer;
	struct certificate full = { .der_len = (uint32_t)c->der_len, .x509 = &x };

	memcpy(full.sha256, c->sha256, sizeof(full.sha256));
	if (c->der.len)
		x509_read(c->der, c->parse == X509_PARSE_TRUNCATED, &x);
	else
		x509_oversize(c->sha256, c->der_len, &x);
	begin(j, "certificate", c->first_ns, c->last_ns);
	json_object(j, "certtap");
	json_object(j, "certificate");
	output_json_put_certificate(j, &full);
	json_bool(j, "ca", c->is_ca);
	json_hex(j, "lineage", c->lineage, sizeof(c->lineage), false);
	if (x.parse == X509_PARSE_OK || x.parse == X509_PARSE_LENIENT)
		output_json_put_x509(j, &x);
	json_object_end(j);
	json_object_end(j);
	json_object_end(j);
	json_line_end(j);
}

void show_json_reason(struct show *s, const struct store_reason *r)
{
	struct json writer = { .out = s->out }, *j = &writer;

	begin(j, action_name(ACTION_NOT_SEEN), r->first_ns, r->last_ns);
	put_place(j, r->endpoint, NULL);
	put_owner(j, &r->endpoint->owner, ROLE_SERVER);
	put_tls(j, r->endpoint, ROLE_SERVER, NULL);
	json_object(j, "certtap");
	json_string(j, "role", role_name(ROLE_SERVER));
	put_zone(j, r->endpoint);
	put_carrier(j, r->endpoint);
	json_unsigned(j, "sightings", r->count);
	json_string(j, "reason", reason_name(r->reason));
	json_bool(j, "silent", r->endpoint->silent);
	json_object_end(j);
	json_object_end(j);
	json_line_end(j);
}

void show_json_refusal(struct show *s, const struct store_endpoint *e, const struct store_refusal *r)
{
	struct json writer = { .out = s->out }, *j = &writer;
	const struct chain *chain = show_chain(s, r->chain_id);

	begin(j, action_name(ACTION_REFUSED), r->first_ns, r->last_ns);
	put_place(j, e, &r->last_client);
	put_owner(j, &r->owner, r->role);
	put_tls(j, e, r->role, chain);
	json_object(j, "certtap");
	json_string(j, "role", role_name(r->role));
	put_zone(j, e);
	if (chain)
		output_json_put_chain(j, chain);
	json_object(j, "refused");
	output_json_put_alert(j, &r->alert);
	output_json_put_host(j, "client", &r->last_client);
	json_unsigned(j, "count", r->count);
	json_object_end(j);
	json_object_end(j);
	json_object_end(j);
	json_line_end(j);
}

void show_json_event(struct show *s, const struct store_event *v)
{
	struct json writer = { .out = s->out }, *j = &writer;
	const struct chain *after = show_chain(s, v->after_chain_id), *before;

	begin(j, store_event_name(v->kind), v->time_ns, v->time_ns);
	put_place(j, v->endpoint, NULL);
	put_owner(j, &v->owner, v->role);
	put_tls(j, v->endpoint, v->role, after);
	json_object(j, "certtap");
	json_string(j, "role", role_name(v->role));
	put_zone(j, v->endpoint);
	put_carrier(j, v->endpoint);
	if (v->detail[0])
		json_bytes(j, "detail", bytes_of(v->detail, strlen(v->detail)));
	if (after)
		output_json_put_chain(j, after);
	before = show_chain(s, v->before_chain_id);      /* may take the place of `after` */
	if (before) {
		json_object(j, "previous");
		output_json_put_chain(j, before);
		json_object_end(j);
	}
	json_object_end(j);
	json_object_end(j);
	json_line_end(j);
}

/* --- CSV --- */

void show_csv_header(struct show *s)
{
	static const char *const titles[] = {
		"address", "port", "transport", "server_name", "carrier", "process", "pid", "executable", "unit",
		"container", "role", "witness", "current", "silent", "reason", "subject_cn", "subject", "issuer",
		"serial", "not_before", "not_after", "days_left", "sha256", "spki_sha256", "key", "key_bits",
		"signature", "chain_length", "first_seen", "last_seen", "sightings", "refusals", "last_client",
		"findings", "verdict_then", "verdict_now", "verdict_findings",
		"zone", "several_owners",
	};
	struct csv csv = { .out = s->out };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(titles); i++)
		csv_string(&csv, titles[i]);
	csv_line_end(&csv);
}

static void csv_safe(struct csv *csv, const char *text)
{
	csv_bytes(csv, bytes_of(text, strlen(text)));
}

void show_csv_endpoint(struct csv *csv, const struct store_endpoint *e, const struct store_owner *owner)
{
	char text[48];

	text_address(e->server.address.octets, text, sizeof(text));
	csv_string(csv, text);
	csv_unsigned(csv, e->server.port);
	csv_string(csv, transport_name(e->transport));
	if (e->name_kind == STORE_NAME_OTHERS)
		csv_string(csv, "(other names)");
	else
		csv_bytes(csv, e->name_kind == STORE_NAME_ASKED ? e->server_name : bytes_of("", 0));
	csv_safe(csv, e->carrier);
	csv_safe(csv, owner->process);
	if (owner->pid)
		csv_unsigned(csv, owner->pid);
	else
		csv_string(csv, "");
	csv_safe(csv, owner->executable);
	csv_safe(csv, owner->unit);
	csv_safe(csv, owner->container);
}

static void empty(struct csv *csv, unsigned int num)
{
	while (num--)
		csv_string(csv, "");
}

static void csv_time(struct csv *csv, struct x509_time time)
{
	if (time.known)
		csv_time_s(csv, time.unix_s);
	else
		csv_string(csv, "");
}

void show_csv_certificate(struct csv *csv, const struct store_certificate *c, int64_t now_s)
{
	char text[X509_NAME_TEXT_MAX + 16];

	if (!c) {
		empty(csv, 12);
		return;
	}
	csv_string(csv, show_text_again(c->subject_cn, text, sizeof(text)));
	csv_string(csv, show_text_again(c->subject, text, sizeof(text)));
	csv_string(csv, show_text_again(c->issuer, text, sizeof(text)));
	csv_hex(csv, c->serial.data, c->serial.len);
	csv_time(csv, c->not_before);
	csv_time(csv, c->not_after);
	if (c->not_after.known)
		csv_signed(csv, (c->not_after.unix_s - now_s) / DAY_S);
	else
		csv_string(csv, "");
	csv_hex(csv, c->sha256, sizeof(c->sha256));
	csv_hex(csv, c->spki_sha256, sizeof(c->spki_sha256));
	csv_string(csv, c->key);
	csv_unsigned(csv, c->key_bits);
	csv_string(csv, show_text_again(c->signature_algorithm, text, sizeof(text)));
}

static void csv_verdict(struct csv *csv, const struct verdict *v)
{
	char text[1024] = "";
	size_t len = 0;
	unsigned int i;

	if (!v) {
		empty(csv, 3);
		return;
	}
	csv_string(csv, verdict_trust_name(v->then));
	csv_string(csv, verdict_trust_name(v->now));
	for (i = 0; i < v->num_notes && len + 40 < sizeof(text); i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s", i ? " " : "",
					verdict_finding_name(v->notes[i].what));
	csv_string(csv, text);
}

void show_csv_sighting(struct show *s, const struct store_sighting *t)
{
	struct csv csv = { .out = s->out };
	char text[256];

	show_csv_endpoint(&csv, t->endpoint, &t->owner);
	csv_string(&csv, role_name(t->role));
	csv_string(&csv, witness_name(t->witness));
	csv_string(&csv, t->current ? "yes" : "no");
	csv_string(&csv, t->endpoint->silent ? "yes" : "no");
	csv_string(&csv, t->chain_kind == STORE_CHAIN_PRESENTED ? "" : "summed");
	show_csv_certificate(&csv, t->leaf, s->now_s);
	csv_unsigned(&csv, t->chain_len);
	csv_time_ns(&csv, t->first_ns);
	csv_time_ns(&csv, t->last_ns);
	csv_unsigned(&csv, t->sightings);
	csv_unsigned(&csv, t->refusals);
	text_address(t->last_client.address.octets, text, sizeof(text));
	csv_string(&csv, text);
	show_text_findings(t->findings, text, sizeof(text));
	csv_string(&csv, text);
	csv_verdict(&csv, show_verdicts_find(&s->verdicts, t));
	csv_unsigned(&csv, t->endpoint->server.zone);
	csv_string(&csv, t->several_owners ? "yes" : "no");
	csv_line_end(&csv);
}

void show_csv_reason(struct show *s, const struct store_reason *r)
{
	struct csv csv = { .out = s->out };

	show_csv_endpoint(&csv, r->endpoint, &r->endpoint->owner);
	csv_string(&csv, role_name(ROLE_SERVER));
	empty(&csv, 2);
	csv_string(&csv, r->endpoint->silent ? "yes" : "no");
	csv_string(&csv, reason_name(r->reason));
	empty(&csv, 13);
	csv_time_ns(&csv, r->first_ns);
	csv_time_ns(&csv, r->last_ns);
	csv_unsigned(&csv, r->count);
	empty(&csv, 6);
	csv_unsigned(&csv, r->endpoint->server.zone);
	empty(&csv, 1);
	csv_line_end(&csv);
}
