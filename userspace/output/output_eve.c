/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON lines in the shape of Suricata's EVE events of type "tls", with its extended and custom
 * fields: SHA-1 and serials with colons, names in the order of their encoding, times without a
 * zone. A client's chain is in "client".
 */
#include <stdlib.h>

#include <openssl/evp.h>

#include "parsers/text.h"
#include "parsers/tls_hello.h"
#include "userspace/output/json.h"
#include "userspace/output/output_peer.h"

static void put_timestamp(struct json *j, const char *key, uint64_t unix_ns)
{
	char text[48];
	size_t len;

	text_time(unix_ns, text, sizeof(text));
	len = strlen(text) - 1; /* its Z */
	snprintf(text + len, sizeof(text) - len, "+0000");
	json_string(j, key, text);
}

static void put_validity(struct json *j, const char *key, const struct x509_time *time)
{
	char text[48];

	if (!time->known)
		return;
	text_time_s(time->unix_s, text, sizeof(text));
	text[strlen(text) - 1] = '\0'; /* its Z */
	json_string(j, key, text);
}

static void put_colons(struct json *j, const char *key, const uint8_t *data, size_t len, bool upper)
{
	char text[3 * (X509_SERIAL_MAX + 1) + 1];
	size_t i;

	text[0] = '\0';
	for (i = 0; i < len && i <= X509_SERIAL_MAX; i++) {
		text_hex(data + i, 1, upper, text + 3 * i);
		text[3 * i + 2] = i + 1 < len ? ':' : '\0';
		text[3 * i + 3] = '\0';
	}
	json_string(j, key, text);
}

/* All bytes of the INTEGER, with the zero that a positive number with a set first bit needs. */
static void put_serial(struct json *j, const struct x509 *x)
{
	size_t len = x->serial_len < X509_SERIAL_MAX ? x->serial_len : X509_SERIAL_MAX;
	uint8_t serial[1 + X509_SERIAL_MAX] = { 0 };
	bool zero = len > 0 && !x->serial_negative && x->serial[0] & 0x80;

	memcpy(serial + zero, x->serial, len);
	put_colons(j, "serial", serial, len + zero, true);
}

/* The end of the RDN that begins at `at`: the next comma that is none of its value's. */
static const char *rdn_end(const char *at)
{
	for (; *at && *at != ','; at++)
		if (*at == '\\' && at[1])
			at++;
	return at;
}

/*
 * One RDN without the escapes of RFC 4514, which Suricata does not write; those of text.h ("\\" and
 * \xHH) stay. Escapes only go away, so that `out` takes it where it took the text. Returns the end.
 */
static char *put_rdn(char *out, const char *at, const char *end)
{
	for (; at < end; at++) {
		if (*at == '\\' && at + 1 < end) {
			if (at[1] == '\\' || at[1] == 'x')
				*out++ = *at;
			at++;
		}
		*out++ = *at;
	}
	return out;
}

/* The name's RDNs in the other order: as encoded, the least specific first. */
static void put_name(struct json *j, const char *key, const char *rfc4514)
{
	char text[2 * X509_NAME_TEXT_MAX], *begin = text + sizeof(text) - 1;
	const char *at = rfc4514, *end;
	char rdn[X509_NAME_TEXT_MAX];
	size_t len;

	*begin = '\0';
	while (*at) {
		end = rdn_end(at);
		len = (size_t)(put_rdn(rdn, at, end) - rdn);
		if (*begin) {
			begin -= 2;
			memcpy(begin, ", ", 2);
		}
		begin -= len;
		memcpy(begin, rdn, len);
		at = *end ? end + 1 : end;
	}
	json_string(j, key, begin);
}

static void put_base64(struct output *o, struct json *j, const char *key,
		       const struct certificate *c)
{
	char *text = malloc(4 * ((size_t)c->der_len / 3 + 1) + 1);

	if (!text) {
		o->failed = true;
		return;
	}
	EVP_EncodeBlock((unsigned char *)text, c->der, (int)c->der_len);
	json_string(j, key, text);
	free(text);
}

static bool has_der(const struct certificate *c)
{
	return c->der && c->der_len > 0 && !c->truncated;
}

static void put_chain(struct output *o, struct json *j, const struct chain *chain)
{
	uint32_t i;

	if (has_der(chain->certificates[0]))
		put_base64(o, j, "certificate", chain->certificates[0]);
	json_array(j, "chain");
	for (i = 0; i < chain->num; i++)
		if (has_der(chain->certificates[i]))
			put_base64(o, j, NULL, chain->certificates[i]);
	json_array_end(j);
}

static void put_presented(struct output *o, struct json *j, const struct chain *chain)
{
	const struct x509 *x = chain->certificates[0]->x509;
	unsigned int i;

	if (peer_readable(x)) {
		put_name(j, "subject", x->subject);
		put_name(j, "issuerdn", x->issuer);
		if (x->san_count) {
			json_array(j, "subjectaltname");
			for (i = 0; i < x->san_count; i++)
				if (x->san[i].kind != X509_SAN_OTHER)
					peer_put_san(j, &x->san[i]);
			json_array_end(j);
		}
		put_serial(j, x);
	}
	if (x->parse != X509_PARSE_OVERSIZE)
		put_colons(j, "fingerprint", x->sha1, sizeof(x->sha1), false);
	if (peer_readable(x)) {
		put_validity(j, "notbefore", &x->not_before);
		put_validity(j, "notafter", &x->not_after);
	}
	put_chain(o, j, chain);
}

static void put_version(struct json *j, uint16_t version)
{
	static const struct {
		uint16_t number;
		const char *name;
	} names[] = {
		{ 0, "UNDETERMINED" },	{ SSL_2_0, "SSLv2" },	{ 0x0300, "SSLv3" },
		{ 0x0301, "TLSv1" },	{ 0x0302, "TLS 1.1" },	{ TLS_1_2, "TLS 1.2" },
		{ TLS_1_3, "TLS 1.3" }, { 0xfeff, "DTLS 1.0" }, { 0xfefd, "DTLS 1.2" },
		{ 0xfefc, "DTLS 1.3" },
	};
	char number[16];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names) && names[i].number != version; i++)
		;
	snprintf(number, sizeof(number), "0x%04x", version);
	json_string(j, "version", i < ARRAY_SIZE(names) ? names[i].name : number);
}

static void put_hash_object(struct json *j, const char *key, const char *hash)
{
	if (!hash[0])
		return;
	json_object(j, key);
	json_string(j, "hash", hash);
	json_object_end(j);
}

static void put_hellos(struct json *j, const struct ledger_row *row)
{
	const struct server_name *name = peer_server_name(row);
	struct bytes alpn = peer_alpn(row);

	if (name)
		json_bytes(j, "sni", bytes_of(name->bytes, name->len));
	put_version(j, peer_version(row));
	if (row->reason == REASON_RESUMED)
		json_bool(j, "session_resumed", true);
	put_hash_object(j, "ja3", peer_ja3(row));
	put_hash_object(j, "ja3s", peer_ja3s(row));
	if (peer_ja4(row)[0])
		json_string(j, "ja4", peer_ja4(row));
	if (alpn.len) {
		json_array(j, "server_alpns");
		json_bytes(j, NULL, alpn);
		json_array_end(j);
	}
}

static void put_tls(struct output *o, struct json *j, const struct ledger_row *row)
{
	json_object(j, "tls");
	if (row->chain && row->role == ROLE_SERVER)
		put_presented(o, j, row->chain);
	put_hellos(j, row);
	if (row->chain && row->role == ROLE_CLIENT) {
		json_object(j, "client");
		put_presented(o, j, row->chain);
		json_object_end(j);
	}
	json_object_end(j);
}

static void put_end(struct json *j, const char *key_ip, const char *key_port,
		    const struct host_port *host)
{
	char text[48];

	text_address(host->address.octets, text, sizeof(text));
	json_string(j, key_ip, text);
	json_unsigned(j, key_port, host->port);
}

static void put_event(struct output *o, const struct output_event *e)
{
	static const char *const protos[NUM_TRANSPORTS] = { "TCP", "UDP", "SCTP", "EAPOL" };
	const struct ledger_row *row = e->row;
	struct json writer = { .out = o->options.out }, *j = &writer;
	struct peer_flow flow;

	peer_flow_of(row, &flow);
	json_object(j, NULL);
	put_timestamp(j, "timestamp", e->action == ACTION_REFUSED ? row->last_ns : row->first_ns);
	json_unsigned(j, "flow_id", flow.number);
	if (row->first_frame)
		json_unsigned(j, "pcap_cnt", row->first_frame);
	json_string(j, "event_type", "tls");
	put_end(j, "src_ip", "src_port", &row->last_client);
	put_end(j, "dest_ip", "dest_port", &row->server);
	json_string(j, "proto", protos[row->transport]);
	if (flow.community_id[0])
		json_string(j, "community_id", flow.community_id);
	put_tls(o, j, row);
	peer_put_certtap(j, e);
	json_object_end(j);
	if (!json_line_end(j))
		o->failed = true;
}

const struct output_ops output_eve = {
	.name = "eve",
	.alert_in_row = true,
	.event = put_event,
};
