/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/handshake.h"

#include <errno.h>
#include <stdlib.h>

#include "parsers/tls_compressed.h"
#include "parsers/tls_hello.h"
#include "userspace/fingerprints.h"
#include "userspace/handshake_keys.h"
#include "userspace/handshake_sslv2.h"

void handshake_reader_init(struct tracker *t, struct handshake *h, unsigned int side)
{
	tls_reader_init(&h->reader[side], t->limits.message);
	h->reader[side].known = chain_table_known(t->chains);
}

struct handshake *handshake_new(struct tracker *t, const struct flow *flow,
				const struct segment *segment)
{
	struct handshake *h = calloc(1, sizeof(*h));

	if (!h) {
		t->counters.no_memory++;
		return NULL;
	}
	handshake_reader_init(t, h, 0);
	handshake_reader_init(t, h, 1);
	h->client_side = h->alert_side = h->opener_side = SIDE_UNKNOWN;
	h->s.transport = (enum transport)flow->key.transport;
	h->s.start_ns = h->s.end_ns = segment->time_ns;
	h->s.frame_number = segment->frame_number;
	t->counters.handshakes++;
	return h;
}

static const struct handshake_rare *rare_of(const struct handshake *h)
{
	static const struct handshake_rare nothing;

	return h->rare ? h->rare : &nothing;
}

/* NULL: no memory. */
static struct handshake_rare *rare_make(struct tracker *t, struct handshake *h)
{
	if (!h->rare)
		h->rare = calloc(1, sizeof(*h->rare));
	t->counters.no_memory += !h->rare;
	return h->rare;
}

static bool is_tls13(uint16_t version)
{
	return dtls_version_as_tls(version) == TLS_1_3;
}

static void set_detail(struct handshake *h, enum reason reason, const char *detail)
{
	h->s.reason = reason;
	h->s.detail = detail;
}

/* Writes the chain of `role`, or the reason, to the ledger; once. */
static void record(struct tracker *t, struct handshake *h, enum role role)
{
	struct ledger_entry entry;

	if (h->recorded[role])
		return;
	h->recorded[role] = true;
	entry = ledger_record(t->ledger, &h->s, role);
	h->row[role] = entry.row;
	if (entry.row && h->s.alert.seen)
		ledger_row_alert(entry.row, &h->s);
	if (entry.row && h->s.established)
		ledger_row_established(entry.row);
	if (t->observer.recorded)
		t->observer.recorded(t->observer.context, &h->s, role, &entry);
}

static void record_reason(struct tracker *t, struct handshake *h, enum reason reason,
			  const char *detail)
{
	if (h->recorded[ROLE_SERVER] || h->client_side == SIDE_UNKNOWN)
		return;
	set_detail(h, reason, detail);
	record(t, h, ROLE_SERVER);
}

static enum role side_role(const struct handshake *h, unsigned int side)
{
	return side == h->client_side ? ROLE_CLIENT : ROLE_SERVER;
}

static void present(struct tracker *t, struct handshake *h, enum role role,
		    const struct chain *chain)
{
	if (h->recorded[role] && h->s.chain[role] == chain)
		return;
	/* Another chain in the same handshake, or a reason taken too early: a row of its own. */
	h->recorded[role] = false;
	h->s.chain[role] = chain;
	if (role == ROLE_SERVER)
		set_detail(h, REASON_NONE, NULL);
	record(t, h, role);
}

/* Who is the client is known from now on. */
static void know_client(struct tracker *t, struct flow *flow, unsigned int client_side)
{
	struct handshake *h = flow->handshake;
	unsigned int side;

	if (h->client_side != SIDE_UNKNOWN)
		return;
	h->client_side = (uint8_t)client_side;
	h->s.client = flow->key.end[client_side];
	h->s.server = flow->key.end[!client_side];
	if (h->alert_side != SIDE_UNKNOWN)
		h->s.alert.sender = side_role(h, h->alert_side);
	for (side = 0; side < 2; side++)
		if (rare_of(h)->pending[side])
			present(t, h, side_role(h, side), rare_of(h)->pending[side]);
}

/* Neither hello was seen: who opened the connection, else the lower port is the server's. */
static void guess_client(struct tracker *t, struct flow *flow)
{
	struct handshake *h = flow->handshake;
	unsigned int client;

	if (h->client_side != SIDE_UNKNOWN)
		return;
	h->s.roles_guessed = true;
	if (h->opener_side != SIDE_UNKNOWN)
		client = h->opener_side;
	else if (rare_of(h)->pending[0] && !rare_of(h)->pending[1])
		client = 1;
	else if (rare_of(h)->pending[1] && !rare_of(h)->pending[0])
		client = 0;
	else
		client = flow->key.end[0].port > flow->key.end[1].port ? 0 : 1;
	know_client(t, flow, client);
}

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
	handshake_keys_client_hello(t, h, hello);
	know_client(t, flow, side);
}

static void handshake_restart(struct tracker *t, struct handshake *h, const struct segment *segment);

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

static void client_hello(struct tracker *t, struct flow *flow, unsigned int side,
			 struct bytes body, const struct segment *segment)
{
	struct tls_client_hello hello;

	know_client(t, flow, side);
	if (flow->handshake->reader[side].opener)
		handshake_restart(t, flow->handshake, segment);
	if (flow->handshake->s.protocol == PROTOCOL_DTLS ? !dtls_client_hello_parse(body, &hello) :
							  !tls_client_hello_parse(body, &hello)) {
		handshake_malformed(t, flow->handshake, side, "ClientHello cannot be read");
		return;
	}
	client_print(t, flow->handshake, body);
	handshake_client_hello(t, flow, side, &hello, segment);
}

static void keep_alpn(struct handshake *h, struct bytes name)
{
	h->s.alpn_len = (uint16_t)(name.len < PROTOCOL_NAME_MAX ? name.len : PROTOCOL_NAME_MAX);
	memset(h->s.alpn, 0, sizeof(h->s.alpn));
	if (h->s.alpn_len)
		memcpy(h->s.alpn, name.data, h->s.alpn_len);
}

static void server_hello(struct tracker *t, struct flow *flow, unsigned int side, struct bytes body)
{
	struct handshake *h = flow->handshake;
	struct tls_server_hello hello;
	bool waits;

	know_client(t, flow, !side);
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
	h->raw_public_key = hello.certificate_type == 2;
	if (hello.alpn.len)
		keep_alpn(h, hello.alpn);
	waits = !hello.is_hello_retry && handshake_keys_server_hello(t, h, side, &hello);
	if (!is_tls13(hello.version) || hello.is_hello_retry) {
		if (h->session_id && session_id_hash(hello.session_id) == h->session_id)
			h->s.resumed = !is_tls13(hello.version);
		return;
	}
	h->s.resumed = hello.psk_chosen;
	if (!waits)
		record_reason(t, h, hello.psk_chosen ? REASON_RESUMED : REASON_ENCRYPTED, NULL);
}

/* A chain that the table does not keep lives as long as this handshake. False: too many of them. */
static bool own_chain(struct tracker *t, struct handshake *h, const struct chain *chain)
{
	struct handshake_rare *rare;

	if (chain->id)
		return true;
	rare = rare_make(t, h);
	if (!rare || rare->num_loose == HANDSHAKE_CHAINS_MAX) {
		chain_release(chain);
		return false;
	}
	rare->num_loose++;
	((struct chain *)chain)->next_loose = rare->loose;
	rare->loose = (struct chain *)chain;
	return true;
}

static void take_chain(struct tracker *t, struct handshake *h, unsigned int side, int err,
		       const struct chain *chain)
{
	if (err == 0 && !own_chain(t, h, chain))
		return;
	if (err == -ENODATA) {
		/* A client may have none (RFC 5246 section 7.4.6); a server may not. */
		if (h->client_side != side)
			handshake_malformed(t, h, side, "empty Certificate message");
	} else if (err == -EBADMSG) {
		handshake_malformed(t, h, side, "Certificate message cannot be read");
	} else if (err) {
		t->counters.no_memory++;
		h->oversize[side] = true;
	} else if (h->client_side == SIDE_UNKNOWN) {
		if (rare_make(t, h))
			h->rare->pending[side] = chain;
	} else {
		present(t, h, side_role(h, side), chain);
	}
}

static void certificate(struct tracker *t, struct handshake *h, unsigned int side,
			const struct tls_item *item, const struct segment *segment)
{
	const struct chain *chain = NULL;
	int err = 0;

	if (h->raw_public_key && side != h->client_side) {
		record_reason(t, h, REASON_RAW_PUBLIC_KEY, NULL);
		return;
	}
	if (side != h->client_side)
		h->s.frame_number = segment->frame_number;
	if (item->opened)
		h->s.witness[side_role(h, side)] = WITNESS_KEYLOG;
	if (item->known)
		chain = chain_known(t->chains, item->known);
	else if (item->opened && is_tls13(h->s.version))
		err = chain_from_message13(t->chains, item->body, false, &chain);
	else
		err = chain_from_message(t->chains, item->body, false, &chain);
	take_chain(t, h, side, err, chain);
}

/* RFC 8879: the Certificate message is inside. */
static void compressed_certificate(struct tracker *t, struct handshake *h, unsigned int side,
				   const struct tls_item *item, const struct segment *segment)
{
	struct tls_item inner = *item;
	struct tls_uncompressed plain;
	enum tls_compressed result;

	result = tls_compressed_read(item->body, t->limits.message, &t->memory, &plain);
	if (result != TLS_COMPRESSED_OK && result != TLS_COMPRESSED_OVERSIZE) {
		handshake_malformed(t, h, side, tls_compressed_name(result));
		return;
	}
	if (result == TLS_COMPRESSED_OVERSIZE)
		h->oversize[side] = true;
	inner.body = bytes_of(plain.data, plain.len);
	certificate(t, h, side, &inner, segment);
	tls_uncompressed_free(&plain, &t->memory);
}

/* A Certificate over the message limit: its certificates are hashed while they pass. */
static void certificate_part(struct tracker *t, struct handshake *h, unsigned int side,
			     const struct tls_item *item)
{
	struct handshake_rare *rare = rare_make(t, h);
	const struct chain *chain = NULL;
	int err;

	if (rare && item->offset == 0) {
		chain_builder_free(rare->builder[side]);
		rare->builder[side] = chain_builder_new(t->chains, &t->memory);
	}
	if (!rare || !rare->builder[side]) {
		h->oversize[side] = true;
		return;
	}
	chain_builder_feed(rare->builder[side], item->body);
	if (item->offset + item->body.len < item->total)
		return;
	err = chain_builder_finish(rare->builder[side], false, &chain);
	chain_builder_free(rare->builder[side]);
	rare->builder[side] = NULL;
	take_chain(t, h, side, err, chain);
}

/* Suites that need no certificate, by the words of their names. */
static enum reason suite_reason(uint16_t cipher, const char **detail)
{
	const char *name = cipher_suite_name(cipher);

	*detail = NULL;
	if (!name)
		return REASON_NONE;
	if (strstr(name, "_anon_"))
		return REASON_ANONYMOUS;
	if (strstr(name, "SRP_SHA_WITH")) {
		*detail = "SRP";
		return REASON_PSK;
	}
	if (strstr(name, "_KRB5_")) {
		*detail = "Kerberos";
		return REASON_PSK;
	}
	return strstr(name, "PSK") ? REASON_PSK : REASON_NONE;
}

/* The server has gone on without a Certificate. */
static void server_passed_certificate(struct tracker *t, struct handshake *h, unsigned int side,
				      bool cipher_spec)
{
	const char *detail;
	enum reason reason;

	if (h->recorded[ROLE_SERVER] || h->missed[side] || rare_of(h)->malformed[side] ||
	    h->oversize[side] ||
	    !(h->messages[side] & 1u << TLS_SERVER_HELLO) || h->hello_retry)
		return;
	reason = suite_reason(h->s.cipher, &detail);
	if (cipher_spec && !(h->messages[side] & 1u << TLS_SERVER_HELLO_DONE)) {
		h->s.resumed = true;
		record_reason(t, h, REASON_RESUMED, NULL);
	} else if (reason != REASON_NONE) {
		record_reason(t, h, reason, detail);
	} else {
		record_reason(t, h, REASON_MALFORMED, "a server's flight without a Certificate");
	}
}

static void cipher_spec(struct tracker *t, struct handshake *h, unsigned int side)
{
	h->cipher_spec[side] = true;
	handshake_keys_cipher_spec(t, h, side);
	if (h->client_side != side && h->client_side != SIDE_UNKNOWN)
		server_passed_certificate(t, h, side, true);
	if (h->cipher_spec[0] && h->cipher_spec[1] && h->s.version && !is_tls13(h->s.version) &&
	    !h->s.established && !(h->s.alert.seen && h->s.alert.level == 2)) {
		h->s.established = true;
		if (h->row[ROLE_SERVER])
			ledger_row_established(h->row[ROLE_SERVER]);
		if (h->row[ROLE_CLIENT])
			ledger_row_established(h->row[ROLE_CLIENT]);
	}
}

static void alert(struct tracker *t, struct handshake *h, unsigned int side,
		  const struct tls_item *item)
{
	/* The first one tells most, but a fatal one more than a warning. */
	if (h->s.alert.seen && (h->s.alert.level == 2 || item->alert_level != 2))
		return;
	h->s.alert = (struct alert){
		.seen = true, .level = item->alert_level, .description = item->alert_description,
		.sender = side_role(h, side),
	};
	h->alert_side = (uint8_t)side;
	if (!h->recorded[ROLE_SERVER])
		return;
	if (h->row[ROLE_SERVER])
		ledger_row_alert(h->row[ROLE_SERVER], &h->s);
	if (h->row[ROLE_CLIENT])
		ledger_row_alert(h->row[ROLE_CLIENT], &h->s);
	if (t->observer.alerted)
		t->observer.alerted(t->observer.context, &h->s, h->row[ROLE_SERVER]);
}

static void message(struct tracker *t, struct flow *flow, unsigned int side,
		    const struct tls_item *item, const struct segment *segment)
{
	struct handshake *h = flow->handshake;

	switch (item->type) {
	case TLS_CLIENT_HELLO:
		client_hello(t, flow, side, item->body, segment);
		break;
	case TLS_SERVER_HELLO:
		server_hello(t, flow, side, item->body);
		break;
	case TLS_CERTIFICATE:
		if (!h->s.version)
			h->s.version = item->record_version;
		certificate(t, h, side, item, segment);
		break;
	case TLS_COMPRESSED_CERTIFICATE:
		compressed_certificate(t, h, side, item, segment);
		break;
	case TLS_FINISHED:
		handshake_keys_finished(t, h, side);
		break;
	case TLS_SERVER_KEY_EXCHANGE:
	case TLS_CERTIFICATE_REQUEST:
	case TLS_CERTIFICATE_STATUS:
		know_client(t, flow, !side);
		break;
	case TLS_SERVER_HELLO_DONE:
		know_client(t, flow, !side);
		server_passed_certificate(t, h, side, false);
		break;
	case TLS_CLIENT_KEY_EXCHANGE:
	case TLS_CERTIFICATE_VERIFY:
		know_client(t, flow, side);
		break;
	default:
		break;
	}
	if (item->type < 32)
		h->messages[side] |= 1u << item->type;
}

enum handshake_next handshake_item(struct tracker *t, struct flow *flow, unsigned int side,
				   const struct tls_item *item, const struct segment *segment)
{
	struct handshake *h = flow->handshake;

	h->s.end_ns = segment->time_ns;
	switch (item->kind) {
	case TLS_ITEM_MESSAGE:
		message(t, flow, side, item, segment);
		return HANDSHAKE_GO_ON;
	case TLS_ITEM_PART:
		certificate_part(t, h, side, item);
		return HANDSHAKE_GO_ON;
	case TLS_ITEM_SKIPPED:
		return HANDSHAKE_GO_ON;
	case TLS_ITEM_ALERT:
		alert(t, h, side, item);
		return HANDSHAKE_GO_ON;
	case TLS_ITEM_CIPHER_SPEC:
		cipher_spec(t, h, side);
		return HANDSHAKE_GO_ON;
	case TLS_ITEM_ENCRYPTED:
		h->encrypted[side] = h->over[side] = true;
		return HANDSHAKE_SIDE_OVER;
	}
	return HANDSHAKE_SIDE_OVER;
}

/* What was gathered of a Certificate message when it broke off: its whole entries. */
static const struct chain *gathered_chain(struct tracker *t, struct handshake *h, unsigned int side)
{
	const struct chain *chain = NULL;
	uint32_t have, total;
	uint8_t type;

	if (rare_of(h)->builder[side]) {
		if (chain_builder_finish(h->rare->builder[side], true, &chain) == 0 && own_chain(t, h, chain))
			return chain;
	} else if (tls_reader_unfinished(&h->reader[side], &type, &have, &total) &&
		   type == TLS_CERTIFICATE) {
		if (chain_from_message(t->chains, tls_reader_gathered(&h->reader[side]), true, &chain) == 0 &&
		    own_chain(t, h, chain))
			return chain;
	}
	return NULL;
}

void handshake_keep_partial(struct tracker *t, struct handshake *h, unsigned int side,
			    struct bytes body)
{
	const struct chain *chain;

	if (rare_make(t, h) && !h->rare->partial[side] &&
	    chain_from_message(t->chains, body, true, &chain) == 0 && own_chain(t, h, chain))
		h->rare->partial[side] = chain;
}

void handshake_other_reading(struct tracker *t, struct flow *flow, unsigned int side,
			     struct bytes body)
{
	struct handshake *h = flow->handshake;
	struct sighting other = h->s;
	struct ledger_entry entry;
	const struct chain *chain;

	if (chain_from_message(t->chains, body, false, &chain) != 0 || !own_chain(t, h, chain) ||
	    side == h->client_side || chain == h->s.chain[ROLE_SERVER])
		return;
	other.chain[ROLE_SERVER] = chain;
	other.reason = REASON_AMBIGUOUS;
	other.detail = "segments overlap with different bytes";
	entry = ledger_record(t->ledger, &other, ROLE_SERVER);
	if (t->observer.recorded)
		t->observer.recorded(t->observer.context, &other, ROLE_SERVER, &entry);
	if (t->observer.closed)
		t->observer.closed(t->observer.context, &other);
}

void handshake_sslv2_answer(struct tracker *t, struct flow *flow, unsigned int side, bool resumed,
			    struct bytes certificate, const struct segment *segment)
{
	struct handshake *h = flow->handshake;
	const struct chain *chain = NULL;
	int err;

	know_client(t, flow, !side);
	h->s.version = SSL_2_0;
	h->s.frame_number = segment->frame_number;
	h->messages[side] |= 1u << TLS_SERVER_HELLO;
	if (resumed) {
		h->s.resumed = true;
		record_reason(t, h, REASON_RESUMED, NULL);
		return;
	}
	err = chain_from_certificate(t->chains, certificate, &chain);
	take_chain(t, h, side, err, chain);
}

void handshake_missed(struct tracker *t, struct handshake *h, unsigned int side, uint64_t from,
		      uint64_t to)
{
	/* Of a Certificate that is broken off the whole entries stay; the leaf is nearly always one. */
	struct handshake_rare *rare = rare_make(t, h);

	if (rare && !rare->partial[side])
		rare->partial[side] = gathered_chain(t, h, side);
	if (rare) {
		chain_builder_free(rare->builder[side]);
		rare->builder[side] = NULL;
	}
	if (rare && !h->missed[side]) {
		rare->lost_from[side] = from;
		rare->lost_to[side] = to;
	}
	h->missed[side] = true;
}

void handshake_malformed(struct tracker *t, struct handshake *h, unsigned int side, const char *why)
{
	if (rare_make(t, h) && !h->rare->malformed[side])
		h->rare->malformed[side] = why;
}

void handshake_midstream(struct tracker *t, struct flow *flow, unsigned int side)
{
	(void)side;
	guess_client(t, flow);
	flow->handshake->over[0] = flow->handshake->over[1] = true;
	record_reason(t, flow->handshake, REASON_MIDSTREAM, NULL);
}

bool handshake_settled(const struct handshake *h)
{
	return h->recorded[ROLE_SERVER] && h->over[0] && h->over[1];
}

void handshake_side_over(struct handshake *h, unsigned int side)
{
	h->over[side] = true;
}

static enum reason open_reason(struct handshake *h, const struct flow *flow, const char **detail)
{
	unsigned int server = !h->client_side;
	bool opened = h->keys && h->keys->used[server];
	bool hello = (h->messages[0] | h->messages[1]) & (1u << TLS_CLIENT_HELLO | 1u << TLS_SERVER_HELLO);

	*detail = NULL;
	if (h->missed[server]) {
		h->s.lost_from = rare_of(h)->lost_from[server];
		h->s.lost_to = rare_of(h)->lost_to[server];
		return flow->side[server].cut ? REASON_TRUNCATED : REASON_LOST;
	}
	if (is_tls13(h->s.version) && !opened && h->messages[server] & 1u << TLS_SERVER_HELLO)
		return h->s.resumed ? REASON_RESUMED : REASON_ENCRYPTED;
	if (is_tls13(h->s.version) && h->s.resumed)
		return REASON_RESUMED;
	*detail = rare_of(h)->malformed[server];
	if (h->oversize[server])
		return REASON_OVERSIZE;
	if (*detail)
		return strcmp(*detail, "over the memory limit") == 0 ? REASON_OVERSIZE : REASON_MALFORMED;
	if (!hello && !h->s.alert.seen)
		return REASON_MIDSTREAM;
	if (!flow->side[server].data_seen && (h->cipher_spec[!server] || h->encrypted[!server])) {
		*detail = "only the client's direction was seen";
		return REASON_LOST;
	}
	*detail = rare_of(h)->malformed[!server];
	if (*detail)
		return REASON_MALFORMED;
	return REASON_UNFINISHED;
}

/* What was said of the old handshake; chains stay until the end. */
static void rare_restart(struct handshake *h)
{
	if (!h->rare)
		return;
	memset(h->rare->partial, 0, sizeof(h->rare->partial));
	memset(h->rare->malformed, 0, sizeof(h->rare->malformed));
}

/*
 * A new handshake inside the protection of the old one (renegotiation): the old sighting ends, the readers and their
 * keys go on.
 */
static void handshake_restart(struct tracker *t, struct handshake *h, const struct segment *segment)
{
	record_reason(t, h, h->missed[!h->client_side] ? REASON_LOST : REASON_UNFINISHED, NULL);
	if (t->observer.closed)
		t->observer.closed(t->observer.context, &h->s);
	h->s = (struct sighting){
		.server = h->s.server, .client = h->s.client, .transport = h->s.transport,
		.start_ns = segment->time_ns, .end_ns = segment->time_ns,
		.frame_number = segment->frame_number, .carrier = h->s.carrier,
		.server_name = h->s.server_name, .server_name_len = h->s.server_name_len,
		.server_name_cut = h->s.server_name_cut, .protocol = h->s.protocol,
		.client_print = h->s.client_print, .server_print = h->s.server_print,
	};
	memset(h->row, 0, sizeof(h->row));
	memset(h->recorded, 0, sizeof(h->recorded));
	memset(h->messages, 0, sizeof(h->messages));
	memset(h->cipher_spec, 0, sizeof(h->cipher_spec));
	rare_restart(h);
	memset(h->missed, 0, sizeof(h->missed));
	memset(h->oversize, 0, sizeof(h->oversize));
	h->hello_retry = h->raw_public_key = false;
	h->session_id = 0;
}

static void rare_free(struct handshake *h)
{
	struct handshake_rare *rare = h->rare;
	struct chain *chain;

	if (!rare)
		return;
	while ((chain = rare->loose)) {
		rare->loose = chain->next_loose;
		chain_release(chain);
	}
	chain_builder_free(rare->builder[0]);
	chain_builder_free(rare->builder[1]);
	free(rare);
}

void handshake_close(struct tracker *t, struct flow *flow)
{
	struct handshake *h = flow->handshake;
	const char *detail;
	enum reason reason;
	unsigned int server;

	guess_client(t, flow);
	server = !h->client_side;
	if (!h->recorded[ROLE_SERVER]) {
		reason = open_reason(h, flow, &detail);
		h->s.chain[ROLE_SERVER] = rare_of(h)->partial[server] ? rare_of(h)->partial[server] :
								       gathered_chain(t, h, server);
		record_reason(t, h, reason, detail);
	}
	if (t->observer.closed)
		t->observer.closed(t->observer.context, &h->s);
	tls_reader_fini(&h->reader[0], &t->memory);
	tls_reader_fini(&h->reader[1], &t->memory);
	handshake_keys_free(t, h);
	handshake_sslv2_free(t, h);
	rare_free(h);
	fingerprint_release(h->s.client_print);
	fingerprint_release(h->s.server_print);
	free(h->s.server_name);
	free(h);
	flow->handshake = NULL;
}
