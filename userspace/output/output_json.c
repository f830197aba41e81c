/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON lines with the names of the Elastic Common Schema (tls.*, x509.*, server.*, client.*), and
 * certtap.* for what ECS has no name for. Hashes of leaves are upper-case hex as ECS asks, those
 * in certtap.chain lower-case as everybody else writes them.
 */
#include "parsers/text.h"
#include "userspace/ledger/findings.h"
#include "userspace/output/json.h"
#include "userspace/output/output.h"
#include "userspace/output/output_json.h"
#include "userspace/output/output_owner.h"
#include "userspace/output/output_peer.h"
#include "userspace/ledger/stragglers.h"

/* As ECS has it (RFC 7042 section 2.1): "02-00-5E-10-00-01". */
static void put_mac(struct json *j, const struct ip_address *address)
{
	const uint8_t *mac = address->octets + MAC_AT;
	char text[3 * MAC_LEN];

	snprintf(text, sizeof(text), "%02X-%02X-%02X-%02X-%02X-%02X", mac[0], mac[1], mac[2], mac[3],
		 mac[4], mac[5]);
	json_string(j, "mac", text);
}

void output_json_put_host(struct json *j, const char *key, const struct host_port *host)
{
	char text[48];

	json_object(j, key);
	if (ip_address_is_mac(&host->address) && !host->port) {
		put_mac(j, &host->address);
	} else {
		text_address(host->address.octets, text, sizeof(text));
		json_string(j, "ip", text);
		json_unsigned(j, "port", host->port);
	}
	json_object_end(j);
}

static void put_san(struct json *j, const struct x509_san *san)
{
	uint8_t mapped[16] = { [10] = 0xff, [11] = 0xff };
	char text[48];

	if (san->kind == X509_SAN_IP && (san->value.len == 4 || san->value.len == 16)) {
		memcpy(mapped + 16 - san->value.len, san->value.data, san->value.len);
		text_address(mapped, text, sizeof(text));
		json_string(j, NULL, text);
	} else {
		json_bytes(j, NULL, san->value);
	}
}

static void put_name(struct json *j, const char *key, const char *dn, const char *common_name)
{
	json_object(j, key);
	json_string(j, "distinguished_name", dn);
	if (common_name[0]) {
		json_array(j, "common_name");
		json_string(j, NULL, common_name);
		json_array_end(j);
	}
	json_object_end(j);
}

void output_json_put_x509(struct json *j, const struct x509 *x)
{
	unsigned int i;
	char version[16];

	json_object(j, "x509");
	if (x->version) {
		snprintf(version, sizeof(version), "%u", x->version);
		json_string(j, "version_number", version);
	}
	json_hex(j, "serial_number", x->serial,
		 x->serial_len < X509_SERIAL_MAX ? x->serial_len : X509_SERIAL_MAX, true);
	put_name(j, "subject", x->subject, x->subject_cn);
	put_name(j, "issuer", x->issuer, x->issuer_cn);
	if (x->not_before.known)
		json_time_s(j, "not_before", x->not_before.unix_s);
	if (x->not_after.known)
		json_time_s(j, "not_after", x->not_after.unix_s);
	if (x->san_count) {
		json_array(j, "alternative_names");
		for (i = 0; i < x->san_count; i++)
			put_san(j, &x->san[i]);
		json_array_end(j);
	}
	json_string(j, "public_key_algorithm", x509_key_name(x->key));
	if (x->key_bits)
		json_unsigned(j, "public_key_size", x->key_bits);
	if (x->rsa_exponent)
		json_unsigned(j, "public_key_exponent", x->rsa_exponent);
	if (x->curve[0])
		json_string(j, "public_key_curve", x->curve);
	json_string(j, "signature_algorithm", x->signature_algorithm);
	json_object_end(j);
}

/* tls.server or tls.client: what this side presented. */
void output_json_put_presented(struct json *j, const struct chain *chain)
{
	const struct certificate *leaf = chain->certificates[0];
	const struct x509 *x = leaf->x509;

	json_object(j, "hash");
	json_hex(j, "sha256", leaf->sha256, sizeof(leaf->sha256), true);
	if (x->parse != X509_PARSE_OVERSIZE)
		json_hex(j, "sha1", x->sha1, sizeof(x->sha1), true);
	json_object_end(j);
	if (x->parse != X509_PARSE_OK && x->parse != X509_PARSE_LENIENT)
		return;
	json_string(j, "subject", x->subject);
	json_string(j, "issuer", x->issuer);
	if (x->not_before.known)
		json_time_s(j, "not_before", x->not_before.unix_s);
	if (x->not_after.known)
		json_time_s(j, "not_after", x->not_after.unix_s);
	output_json_put_x509(j, x);
}

static void put_versions(struct json *j, const struct ledger_row *row)
{
	uint16_t version = row->versions.num ? row->versions.values[row->versions.num - 1] : 0;
	uint16_t cipher = row->ciphers.num ? row->ciphers.values[row->ciphers.num - 1] : 0;
	int established = ledger_row_is_established(row);
	char number[16];

	if (version) {
		json_string(j, "version", tls_version_name(version));
		json_string(j, "version_protocol", tls_protocol_name(version));
	}
	if (cipher) {
		snprintf(number, sizeof(number), "0x%04X", cipher);
		json_string(j, "cipher", cipher_suite_name(cipher) ? cipher_suite_name(cipher) : number);
	}
	if (row->num_alpn)
		json_bytes(j, "next_protocol", bytes_of(row->alpn[row->num_alpn - 1],
							strnlen(row->alpn[row->num_alpn - 1],
								PROTOCOL_NAME_MAX)));
	json_bool(j, "resumed", row->reason == REASON_RESUMED);
	if (established >= 0)
		json_bool(j, "established", established);
}

static void put_tls(struct json *j, const struct ledger_row *row)
{
	const struct server_name *last = row->names;
	bool client_chain = row->role == ROLE_CLIENT && row->chain;
	bool server_chain = row->role == ROLE_SERVER && row->chain && row->reason == REASON_NONE;

	while (last && last->next)
		last = last->next;
	json_object(j, "tls");
	put_versions(j, row);
	if (last || client_chain || row->ja3[0]) {
		json_object(j, "client");
		if (row->ja3[0])
			json_string(j, "ja3", row->ja3);
		if (last)
			json_bytes(j, "server_name", bytes_of(last->bytes, last->len));
		if (client_chain)
			output_json_put_presented(j, row->chain);
		json_object_end(j);
	}
	if (server_chain || row->ja3s[0]) {
		json_object(j, "server");
		if (row->ja3s[0])
			json_string(j, "ja3s", row->ja3s);
		if (server_chain)
			output_json_put_presented(j, row->chain);
		json_object_end(j);
	}
	json_object_end(j);
}

void output_json_put_certificate(struct json *j, const struct certificate *c)
{
	const struct x509 *x = c->x509;

	json_hex(j, "sha256", c->sha256, sizeof(c->sha256), false);
	json_unsigned(j, "size", c->der_len);
	json_string(j, "parse", x509_parse_name(x->parse));
	if (x->refused_why[0])
		json_string(j, "parse_reason", x->refused_why);
	if (x->parse == X509_PARSE_OK || x->parse == X509_PARSE_LENIENT) {
		json_string(j, "subject", x->subject);
		json_string(j, "issuer", x->issuer);
		json_hex(j, "serial", x->serial,
			 x->serial_len < X509_SERIAL_MAX ? x->serial_len : X509_SERIAL_MAX, true);
		if (x->not_before.known)
			json_time_s(j, "not_before", x->not_before.unix_s);
		if (x->not_after.known)
			json_time_s(j, "not_after", x->not_after.unix_s);
		json_hex(j, "spki_sha256", x->spki_sha256, sizeof(x->spki_sha256), false);
		if (x->san_total > x->san_count)
			json_unsigned(j, "alternative_names_more", x->san_total - x->san_count);
		if (x->has_sct)
			json_bool(j, "sct", true);
	}
}

void output_json_put_chain(struct json *j, const struct chain *chain)
{
	uint32_t i;

	json_array(j, "chain");
	for (i = 0; i < chain->num; i++) {
		json_object(j, NULL);
		output_json_put_certificate(j, chain->certificates[i]);
		json_object_end(j);
	}
	json_array_end(j);
	if (chain->partial)
		json_bool(j, "chain_partial", true);
	if (chain->total > chain->num)
		json_unsigned(j, "chain_more", chain->total - chain->num);
}

void output_json_put_alert(struct json *j, const struct alert *alert)
{
	const char *name = alert_name(alert->description);

	json_string(j, "sender", role_name(alert->sender));
	json_string(j, "level", alert->level == ALERT_FATAL ? "fatal" : "warning");
	if (alert->hidden) {
		json_bool(j, "encrypted", true);
		return;
	}
	json_unsigned(j, "code", alert->description);
	if (name)
		json_string(j, "description", name);
}

static void put_alerts(struct json *j, const struct ledger_row *row)
{
	unsigned int i;

	if (!row->num_alerts)
		return;
	json_array(j, "alerts");
	for (i = 0; i < row->num_alerts; i++) {
		json_object(j, NULL);
		output_json_put_alert(j, &row->alerts[i].alert);
		json_unsigned(j, "count", row->alerts[i].count);
		output_json_put_host(j, "client", &row->alerts[i].client);
		if (row->alerts[i].sender)
			output_owner_put_process(j, "by", row->alerts[i].sender);
		json_object_end(j);
	}
	json_array_end(j);
	if (row->alerts_more)
		json_unsigned(j, "alerts_more", row->alerts_more);
}

/* Who refused, a process of this host if it is one, and how often. */
static void put_refusal(struct json *j, const struct alert_count *a)
{
	json_object(j, "refused");
	output_json_put_alert(j, &a->alert);
	output_json_put_host(j, "client", &a->client);
	json_unsigned(j, "count", a->count);
	if (a->sender)
		output_owner_put_process(j, "by", a->sender);
	json_object_end(j);
}

static void put_sets(struct json *j, const struct ledger_row *row)
{
	const struct server_name *name;
	unsigned int i;
	char number[16];

	json_array(j, "versions");
	for (i = 0; i < row->versions.num; i++)
		json_string(j, NULL, tls_version_name(row->versions.values[i]));
	json_array_end(j);
	json_array(j, "ciphers");
	for (i = 0; i < row->ciphers.num; i++) {
		snprintf(number, sizeof(number), "0x%04X", row->ciphers.values[i]);
		json_string(j, NULL, cipher_suite_name(row->ciphers.values[i]) ?
					     cipher_suite_name(row->ciphers.values[i]) : number);
	}
	json_array_end(j);
	json_array(j, "server_names");
	for (name = row->names; name; name = name->next)
		json_bytes(j, NULL, bytes_of(name->bytes, name->len));
	json_array_end(j);
	if (row->names_more)
		json_unsigned(j, "server_names_more", row->names_more);
	json_array(j, "clients");
	for (i = 0; i < row->num_clients; i++)
		output_json_put_host(j, NULL, &row->clients[i]);
	json_array_end(j);
	if (row->clients_more)
		json_unsigned(j, "clients_more", row->clients_more);
}

static void put_reason(struct json *j, const struct ledger_row *row)
{
	json_string(j, "reason", reason_name(row->reason));
	if (row->detail)
		json_string(j, "reason_detail", row->detail);
	if (row->reason != REASON_LOST && row->reason != REASON_TRUNCATED)
		return;
	json_object(j, "missing");
	json_unsigned(j, "from", row->lost_from);
	json_unsigned(j, "to", row->lost_to);
	json_object_end(j);
}

/* Of a straggler: what it should have been replaced by, where that was seen, and since when. */
static void put_renewed(struct json *j, const struct ledger_row *row)
{
	const struct owner *owner = row->owners ? &row->owners->end[row->role] : NULL;
	const struct certificate *leaf;
	const struct ledger_row *newest;

	if (stragglers_standing(row->place, &newest) != STANDING_STRAGGLER)
		return;
	leaf = newest->chain->certificates[0];
	json_object(j, "renewed");
	json_hex(j, "sha256", leaf->sha256, sizeof(leaf->sha256), false);
	json_time_s(j, "not_before", leaf->x509->not_before.unix_s);
	json_time_ns(j, "first_seen", newest->first_ns);
	output_json_put_host(j, "server", &newest->server);
	if (owner && owner->process && owner->process->started_ns)
		json_bool(j, "restarted_since", owner->process->started_ns > newest->first_ns);
	json_object_end(j);
}

static void put_findings(struct json *j, const struct ledger_row *row, int64_t now_s)
{
	unsigned int found = findings_of(row, now_s), i;

	json_array(j, "findings");
	for (i = 0; i < NUM_FINDINGS; i++)
		if (found & 1u << i)
			json_string(j, NULL, finding_name(i));
	json_array_end(j);
}

/* What stands beside the certificate; told only where it is there. */
static void put_beside(struct json *j, const struct ledger_row *row)
{
	const struct authorities *a = row->authorities;
	unsigned int i;

	if (row->stapled)
		json_bool(j, "ocsp_stapled", true);
	if (row->has_sct)
		json_bool(j, "sct_delivered", true);
	if (row->client_asked)
		json_bool(j, "client_certificate_requested", true);
	if (!a)
		return;
	json_array(j, "certificate_authorities");
	for (i = 0; i < a->num; i++)
		json_string(j, NULL, a->names[i]);
	json_array_end(j);
	if (a->total > a->num)
		json_unsigned(j, "certificate_authorities_more", a->total - a->num);
}

static void put_certtap(struct json *j, const struct output_event *e, int64_t now_s)
{
	const struct ledger_row *row = e->row;

	json_object(j, "certtap");
	json_string(j, "role", role_name(row->role));
	if (row->chain && row->reason == REASON_NONE)
		json_string(j, "witness", witness_name(row->witness));
	if (row->carrier)
		json_string(j, "carrier", row->carrier);
	/* The loopback of another network namespace. */
	if (row->server.zone)
		json_unsigned(j, "zone", row->server.zone);
	if (row->ja4[0])
		json_string(j, "ja4", row->ja4);
	/* A refusal counts itself: whoever sums sightings must not count the row twice. */
	if (!e->refusal) {
		json_unsigned(j, "sightings", row->sightings);
		if (ledger_row_is_established(row) >= 0)
			json_unsigned(j, "sightings_established", row->established);
		if (row->broke_off)
			json_unsigned(j, "sightings_broken_off", row->broke_off);
	}
	if (row->reason != REASON_NONE)
		put_reason(j, row);
	if (row->chain)
		output_json_put_chain(j, row->chain);
	if (e->previous && e->previous->chain) {
		json_object(j, "previous");
		output_json_put_chain(j, e->previous->chain);
		json_object_end(j);
	}
	if (e->refusal)
		put_refusal(j, e->refusal);
	put_alerts(j, row);
	output_owner_put_more(j, row);
	put_sets(j, row);
	if (row->roles_guessed)
		json_bool(j, "roles_guessed", true);
	if (row->broke_off && !e->refusal)
		json_bool(j, "client_broke_off", true);
	if (row->has_ech)
		json_bool(j, "encrypted_client_hello", true);
	put_beside(j, row);
	put_renewed(j, row);
	if (row->first_frame)
		json_unsigned(j, "frame", row->first_frame);
	put_findings(j, row, now_s);
	json_object_end(j);
}

static void put_community_id(struct json *j, const struct ledger_row *row)
{
	struct peer_flow flow;

	peer_flow_of(row, &flow);
	if (flow.community_id[0])
		json_string(j, "community_id", flow.community_id);
}

static void put_event(struct output *o, const struct output_event *e)
{
	const struct ledger_row *row = e->row;
	struct json writer = { .out = o->options.out }, *j = &writer;

	json_object(j, NULL);
	json_time_ns(j, "@timestamp", row->last_ns);
	json_object(j, "event");
	json_string(j, "action", action_name(e->action));
	json_time_ns(j, "start", row->first_ns);
	json_time_ns(j, "end", row->last_ns);
	json_object_end(j);
	json_object(j, "network");
	json_string(j, "transport", transport_name(row->transport));
	json_string(j, "protocol", protocol_name(row->protocol));
	if (row->transport != TRANSPORT_EAPOL)  /* it names flows over IP */
		put_community_id(j, row);
	json_object_end(j);
	output_json_put_host(j, "server", &row->server);
	output_json_put_host(j, "client", &row->last_client);
	output_owner_put(j, row);
	put_tls(j, row);
	put_certtap(j, e, output_now_s(o));
	json_object_end(j);
	if (!json_line_end(j))
		o->failed = true;
}

/* One object for each port: how much of what went on there could be seen. */
static void put_coverage(struct output *o, const struct port_coverage *c)
{
	struct json writer = { .out = o->options.out }, *j = &writer;
	unsigned int i;

	json_object(j, NULL);
	json_object(j, "event");
	json_string(j, "action", "coverage");
	json_object_end(j);
	json_object(j, "network");
	json_string(j, "transport", transport_name(c->transport));
	json_object_end(j);
	if (c->transport != TRANSPORT_EAPOL) {
		json_object(j, "server");
		json_unsigned(j, "port", c->port);
		json_object_end(j);
	}
	json_object(j, "certtap");
	json_object(j, "coverage");
	json_unsigned(j, "sightings", c->sightings);
	json_unsigned(j, "chains", c->reasons[REASON_NONE]);
	json_object(j, "reasons");
	for (i = REASON_NONE + 1; i < NUM_REASONS; i++)
		if (c->reasons[i])
			json_unsigned(j, reason_name((enum reason)i), c->reasons[i]);
	json_object_end(j);
	json_object_end(j);
	json_object_end(j);
	json_object_end(j);
	json_line_end(j);
}

const struct output_ops output_json = {
	.name = "json",
	.event = put_event,
	.coverage = put_coverage,
};
