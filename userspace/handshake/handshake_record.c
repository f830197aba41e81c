/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/handshake/handshake_parts.h"

#include <stdlib.h>

#include "parsers/tls_hello.h"
#include "userspace/handshake/handshake_keys.h"
#include "userspace/handshake/handshake_news.h"

const struct handshake_rare *handshake_rare_of(const struct handshake *h)
{
	static const struct handshake_rare nothing;

	return h->rare ? h->rare : &nothing;
}

/* NULL: no memory. */
struct handshake_rare *handshake_rare_make(struct tracker *t, struct handshake *h)
{
	if (!h->rare)
		h->rare = calloc(1, sizeof(*h->rare));
	t->counters.no_memory += !h->rare;
	return h->rare;
}

bool handshake_is_tls13(uint16_t version)
{
	return dtls_version_as_tls(version) == TLS_1_3;
}

static void set_detail(struct handshake *h, enum reason reason, const char *detail)
{
	h->s.reason = reason;
	h->s.detail = detail;
}

/* Writes the chain of `role`, or the reason, to the ledger; once. */
void handshake_record(struct tracker *t, struct handshake *h, enum role role)
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
	if (entry.row && h->s.broke_off)
		ledger_row_broke_off(entry.row);
	handshake_news(t, h, role, &entry);
}

void handshake_record_reason(struct tracker *t, struct handshake *h, enum reason reason,
			  const char *detail)
{
	if (h->recorded[ROLE_SERVER] || h->client_side == SIDE_UNKNOWN)
		return;
	set_detail(h, reason, detail);
	handshake_record(t, h, ROLE_SERVER);
}

enum role handshake_side_role(const struct handshake *h, unsigned int side)
{
	return side == h->client_side ? ROLE_CLIENT : ROLE_SERVER;
}

void handshake_present(struct tracker *t, struct handshake *h, enum role role,
		    const struct chain *chain)
{
	if (h->recorded[role] && h->s.chain[role] == chain)
		return;
	/* Another chain in the same handshake, or a reason taken too early: a row of its own. */
	handshake_news_tell(t, h);
	h->recorded[role] = false;
	h->s.chain[role] = chain;
	if (role == ROLE_SERVER)
		set_detail(h, REASON_NONE, NULL);
	handshake_record(t, h, role);
}

/* Who is the client is known from now on. */
void handshake_know_client(struct tracker *t, struct flow *flow, unsigned int client_side)
{
	struct handshake *h = flow->handshake;
	unsigned int side;

	if (h->client_side != SIDE_UNKNOWN)
		return;
	h->client_side = (uint8_t)client_side;
	h->s.client = flow->key.end[client_side];
	h->s.server = flow->key.end[!client_side];
	if (flow->owners) {
		h->s.owner[ROLE_CLIENT] = &flow->owners[client_side];
		h->s.owner[ROLE_SERVER] = &flow->owners[!client_side];
	}
	if (h->alert_side != SIDE_UNKNOWN)
		h->s.alert.sender = handshake_side_role(h, h->alert_side);
	for (side = 0; side < 2; side++)
		if (handshake_rare_of(h)->pending[side])
			handshake_present(t, h, handshake_side_role(h, side), handshake_rare_of(h)->pending[side]);
}

/* Neither hello was seen: who opened the connection, else the lower port is the server's. */
void handshake_guess_client(struct tracker *t, struct flow *flow)
{
	struct handshake *h = flow->handshake;
	unsigned int client;

	if (h->client_side != SIDE_UNKNOWN)
		return;
	h->s.roles_guessed = true;
	if (h->opener_side != SIDE_UNKNOWN)
		client = h->opener_side;
	else if (handshake_rare_of(h)->pending[0] && !handshake_rare_of(h)->pending[1])
		client = 1;
	else if (handshake_rare_of(h)->pending[1] && !handshake_rare_of(h)->pending[0])
		client = 0;
	else
		client = flow->key.end[0].port > flow->key.end[1].port ? 0 : 1;
	handshake_know_client(t, flow, client);
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

/* Why the server went on without a Certificate; REASON_NONE: it did not. */
static enum reason passed_reason(const struct handshake *h, unsigned int side, const char **detail)
{
	enum reason reason;
	bool done = h->messages[side] & 1u << TLS_SERVER_HELLO_DONE;

	*detail = NULL;
	/* TLS 1.3's ChangeCipherSpec says nothing. */
	if (handshake_is_tls13(h->s.version) || h->missed[side] || handshake_rare_of(h)->malformed[side] ||
	    h->oversize[side] || !(h->messages[side] & 1u << TLS_SERVER_HELLO) || h->hello_retry ||
	    (!done && !h->cipher_spec[side]))
		return REASON_NONE;
	if (!done)
		return REASON_RESUMED;
	reason = suite_reason(h->s.cipher, detail);
	if (reason == REASON_NONE) {
		*detail = "a server's flight without a Certificate";
		reason = REASON_MALFORMED;
	}
	return reason;
}

/* The server has gone on without a Certificate. In DTLS it may still come, late: that is for the end to say. */
void handshake_passed_certificate(struct tracker *t, struct handshake *h, unsigned int side)
{
	const char *detail;
	enum reason reason;

	if (h->recorded[ROLE_SERVER] || h->s.protocol == PROTOCOL_DTLS)
		return;
	reason = passed_reason(h, side, &detail);
	if (reason == REASON_NONE)
		return;
	h->s.resumed |= reason == REASON_RESUMED;
	handshake_record_reason(t, h, reason, detail);
}

/*
 * Were the server's records opened? A secret that opened none of those that came is not theirs; where none came, it
 * may be.
 */
static bool server_opened(const struct handshake *h, unsigned int server)
{
	const struct handshake_keys *k = h->keys;

	return k && k->used[server] && (k->opened[server] || (!h->encrypted[server] && !h->quic));
}

enum reason handshake_open_reason(struct handshake *h, const struct flow *flow, const char **detail)
{
	unsigned int server = !h->client_side;
	bool hidden = handshake_is_tls13(h->s.version) && h->messages[server] & 1u << TLS_SERVER_HELLO &&
		      !server_opened(h, server);
	enum reason passed;
	bool hello = (h->messages[0] | h->messages[1]) & (1u << TLS_CLIENT_HELLO | 1u << TLS_SERVER_HELLO);

	*detail = NULL;
	/* Behind the ServerHello all is encrypted: without a key what is missing would have shown nothing. */
	if (h->missed[server] && (!hidden || h->hello_retry || (h->keys && h->keys->used[server]))) {
		h->s.lost_from = handshake_rare_of(h)->lost_from[server];
		h->s.lost_to = handshake_rare_of(h)->lost_to[server];
		return flow->side[server].cut ? REASON_TRUNCATED : REASON_LOST;
	}
	if (hidden)
		return h->psk != REASON_NONE ? h->psk : REASON_ENCRYPTED;
	if (handshake_is_tls13(h->s.version) && h->psk != REASON_NONE)
		return h->psk;
	passed = passed_reason(h, server, detail);
	if (passed != REASON_NONE) {
		h->s.resumed |= passed == REASON_RESUMED;
		return passed;
	}
	*detail = handshake_rare_of(h)->malformed[server];
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
	*detail = handshake_rare_of(h)->malformed[!server];
	if (*detail)
		return REASON_MALFORMED;
	return REASON_UNFINISHED;
}
