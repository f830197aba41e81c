/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/output/output_peer.h"

#include <netinet/in.h>
#include <openssl/evp.h>

#include "parsers/text.h"
#include "userspace/output/json.h"

static uint64_t load64(const uint8_t *at)
{
	uint64_t value = 0;
	unsigned int i;

	for (i = 0; i < 8; i++)
		value = value << 8 | at[i];
	return value;
}

/* `num` letters and digits from a number; 62^10 is less than 2^64. */
static void put_base62(char *at, uint64_t value, unsigned int num)
{
	static const char digits[] =
		"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

	for (; num > 0; num--, value /= 62)
		*at++ = digits[value % 62];
}

void peer_flow_of(const struct ledger_row *row, struct peer_flow *out)
{
	static const uint8_t protocols[NUM_TRANSPORTS] = { IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP };
	uint8_t protocol = protocols[row->transport];
	const struct host_port *client = &row->last_client, *server = &row->server;
	uint8_t digest[EVP_MAX_MD_SIZE] = { 0 };
	char peers[2][48], key[COMMUNITY_ID_SIZE + 128];
	int len;

	*out = (struct peer_flow){ 0 };
	/* It names flows over IP: EAPOL has none. */
	if (row->transport != TRANSPORT_EAPOL)
		community_id(protocol, &client->address, client->port, &server->address,
			     server->port, out->community_id);
	text_address(client->address.octets, peers[0], sizeof(peers[0]));
	text_address(server->address.octets, peers[1], sizeof(peers[1]));
	len = snprintf(key, sizeof(key), "%s %s %s %llu", out->community_id, peers[0], peers[1],
		       (unsigned long long)row->first_ns);
	EVP_Digest(key, (size_t)len, digest, NULL, EVP_sha256(), NULL);
	out->uid[0] = 'C';
	put_base62(out->uid + 1, load64(digest), 10);
	put_base62(out->uid + 11, load64(digest + 8), 7);
	out->number = load64(digest + 16) >> 13;
}

uint16_t peer_version(const struct ledger_row *row)
{
	return row->versions.num ? row->versions.values[row->versions.num - 1] : 0;
}

uint16_t peer_cipher(const struct ledger_row *row)
{
	return row->ciphers.num ? row->ciphers.values[row->ciphers.num - 1] : 0;
}

const struct server_name *peer_server_name(const struct ledger_row *row)
{
	const struct server_name *name = row->names;

	while (name && name->next)
		name = name->next;
	return name;
}

struct bytes peer_alpn(const struct ledger_row *row)
{
	const char *last = row->num_alpn ? row->alpn[row->num_alpn - 1] : "";

	return bytes_of(last, strnlen(last, PROTOCOL_NAME_MAX));
}

/* Peers have no name for an alert that nobody can read. */
const struct alert *peer_alert(const struct output_event *e)
{
	const struct ledger_row *row = e->row;
	const struct alert *alert = NULL;

	if (e->refusal)
		alert = &e->refusal->alert;
	else if (row->num_alerts)
		alert = &row->alerts[row->num_alerts - 1].alert;
	return alert && !alert->hidden ? alert : NULL;
}

const char *peer_ja3(const struct ledger_row *row)
{
	return row->ja3;
}

const char *peer_ja3s(const struct ledger_row *row)
{
	return row->ja3s;
}

const char *peer_ja4(const struct ledger_row *row)
{
	return row->ja4;
}

bool peer_readable(const struct x509 *x)
{
	return x->parse == X509_PARSE_OK || x->parse == X509_PARSE_LENIENT;
}

void peer_put_san(struct json *j, const struct x509_san *san)
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

void peer_put_certtap(struct json *j, const struct output_event *e)
{
	const struct ledger_row *row = e->row;

	json_object(j, "certtap");
	json_string(j, "action", action_name(e->action));
	json_string(j, "role", role_name(row->role));
	if (row->reason != REASON_NONE)
		json_string(j, "reason", reason_name(row->reason));
	json_unsigned(j, "sightings", row->sightings);
	json_object_end(j);
}
