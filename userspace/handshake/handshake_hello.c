/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/handshake/handshake_parts.h"

#include <stdlib.h>

#include "parsers/tls_hello.h"
#include "userspace/handshake/handshake_keys.h"
#include "userspace/ledger/fingerprints.h"

/* Only compared with what the same two peers send: no key is needed. */
static uint64_t session_id_hash(struct bytes id)
{
	static const struct hash_key no_key;

	return id.len ? siphash(&no_key, id.data, id.len) | 1 : 0;
}

static void keep_server_name(struct handshake *h, struct bytes name)
{
	size_t len = name.len < SERVER_NAME_MAX ? name.len : SERVER_NAME_MAX;

	if (!name.len || h->s.server_name)
		return;
	h->s.server_name = malloc(len);
	if (!h->s.server_name)
		return;
	memcpy(h->s.server_name, name.data, len);
	h->s.server_name_len = (uint16_t)len;
	h->s.server_name_cut = len < name.len;
}

static enum ja4_transport transport_of(const struct handshake *h)
{
	return h->s.protocol == PROTOCOL_DTLS ? JA4_DTLS : h->s.protocol == PROTOCOL_QUIC ? JA4_QUIC : JA4_TCP;
}

static void client_print(struct tracker *t, struct handshake *h, struct bytes body)
{
	struct hello_shape shape;

	fingerprint_release(h->s.client_print);
	h->s.client_print = NULL;
	if (hello_shape_client(body, transport_of(h), &shape))
		h->s.client_print = fingerprints_client(t->fingerprints, &shape, transport_of(h));
}

static void server_print(struct tracker *t, struct handshake *h, struct bytes body)
{
	struct hello_shape shape;

	fingerprint_release(h->s.server_print);
	h->s.server_print = NULL;
	if (hello_shape_server(body, &shape))
		h->s.server_print = fingerprints_server(t->fingerprints, &shape);
}

void handshake_client_hello(struct tracker *t, struct flow *flow, unsigned int side,
			    const struct tls_client_hello *hello, const struct segment *segment)
{
	struct handshake *h = flow->handshake;
	struct hello_shape shape;

	h->s.end_ns = segment->time_ns;
	h->messages[side] |= 1u << TLS_CLIENT_HELLO;
	if (hello->sslv2_format) {
		hello_shape_sslv2(hello, &shape);
		h->s.client_print = fingerprints_client(t->fingerprints, &shape, JA4_TCP);
	}
	h->s.has_hello = true;
	h->s.has_ech |= hello->has_ech;
	keep_server_name(h, hello->server_name);
	if (hello->extensions_malformed)
		handshake_malformed(t, h, side, "ClientHello's extensions cannot be read");
	/* The answer was read first: its row does not know yet what was asked. */
	if (h->row[ROLE_SERVER])
		ledger_row_asked(h->row[ROLE_SERVER], &h->s);
	h->session_id = session_id_hash(hello->session_id);
	h->external_psks = hello->external_psks;
	handshake_keys_client_hello(t, h, hello);
	handshake_know_client(t, flow, side);
}

void handshake_read_client_hello(struct tracker *t, struct flow *flow, unsigned int side,
			 const struct tls_item *item, const struct segment *segment)
{
	struct bytes body = item->body;
	struct tls_client_hello hello;

	handshake_know_client(t, flow, side);
	if (item->opened)
		handshake_restart(t, flow->handshake, segment);
	if (flow->handshake->s.protocol == PROTOCOL_DTLS ? !dtls_client_hello_parse(body, &hello) :
							  !tls_client_hello_parse(body, &hello)) {
		handshake_malformed(t, flow->handshake, side, "ClientHello cannot be read");
		return;
	}
	client_print(t, flow->handshake, body);
	handshake_keys_transcript(t, flow->handshake, TLS_CLIENT_HELLO, body);
	handshake_client_hello(t, flow, side, &hello, segment);
}

static void keep_alpn(struct handshake *h, struct bytes name)
{
	h->s.alpn_len = (uint16_t)(name.len < PROTOCOL_NAME_MAX ? name.len : PROTOCOL_NAME_MAX);
	memset(h->s.alpn, 0, sizeof(h->s.alpn));
	if (h->s.alpn_len)
		memcpy(h->s.alpn, name.data, h->s.alpn_len);
}

/* A session that goes on, or a key that both sides were given; where the ClientHello is missing, the commoner one. */
static enum reason psk_reason(const struct handshake *h, const struct tls_server_hello *hello)
{
	if (!hello->psk_chosen)
		return REASON_NONE;
	return hello->psk_number < 32 && h->external_psks >> hello->psk_number & 1 ? REASON_PSK : REASON_RESUMED;
}

void handshake_read_server_hello(struct tracker *t, struct flow *flow, unsigned int side, struct bytes body)
{
	struct handshake *h = flow->handshake;
	struct tls_server_hello hello;
	bool waits;

	handshake_know_client(t, flow, !side);
	if (!tls_server_hello_parse(body, &hello)) {
		handshake_malformed(t, h, side, "ServerHello cannot be read");
		return;
	}
	h->s.has_hello |= h->messages[!side] & 1u << TLS_CLIENT_HELLO;
	h->s.version = hello.version;
	h->s.cipher = hello.cipher_suite;
	h->hello_retry = hello.is_hello_retry;
	if (!hello.is_hello_retry)
		server_print(t, h, body);
	h->certificate_type = hello.certificate_type;
	h->s.has_sct |= hello.has_sct;
	if (hello.alpn.len)
		keep_alpn(h, hello.alpn);
	/* The client's certificate was read first. */
	if (h->row[ROLE_CLIENT])
		ledger_row_answered(h->row[ROLE_CLIENT], &h->s);
	handshake_keys_transcript(t, h, TLS_SERVER_HELLO, body);
	waits = handshake_keys_server_hello(t, flow, side, &hello);
	if (!handshake_is_tls13(hello.version) || hello.is_hello_retry) {
		if (h->session_id && session_id_hash(hello.session_id) == h->session_id)
			h->s.resumed = !handshake_is_tls13(hello.version);
		return;
	}
	h->psk = psk_reason(h, &hello);
	h->s.resumed = h->psk == REASON_RESUMED;
	/* A ClientHello that was captured late still brings the random that its secrets are known by. */
	waits |= (t->keys || t->caught) && !(h->messages[!side] & 1u << TLS_CLIENT_HELLO);
	if (!waits)
		handshake_record_reason(t, h, h->psk != REASON_NONE ? h->psk : REASON_ENCRYPTED, NULL);
}

void handshake_read_encrypted_extensions(struct handshake *h, struct bytes body)
{
	struct tls_encrypted_extensions extensions;

	if (!tls_encrypted_extensions_parse(body, &extensions))
		return;
	if (extensions.alpn.len)
		keep_alpn(h, extensions.alpn);
	h->certificate_type = extensions.certificate_type;
}
