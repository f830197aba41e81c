/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/handshake/handshake_parts.h"

#include <stdlib.h>

#include "parsers/tls_hello.h"
#include "userspace/handshake/handshake_keys.h"
#include "userspace/handshake/handshake_news.h"
#include "userspace/handshake/handshake_sslv2.h"
#include "userspace/ledger/fingerprints.h"

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

static void establish(struct handshake *h)
{
	if (h->s.established || (h->s.alert.seen && h->s.alert.level == ALERT_FATAL))
		return;
	h->s.established = true;
	if (h->row[ROLE_SERVER])
		ledger_row_established(h->row[ROLE_SERVER]);
	if (h->row[ROLE_CLIENT])
		ledger_row_established(h->row[ROLE_CLIENT]);
}

static void cipher_spec(struct tracker *t, struct handshake *h, unsigned int side)
{
	h->cipher_spec[side] = true;
	handshake_keys_cipher_spec(t, h, side);
	if (h->client_side != side && h->client_side != SIDE_UNKNOWN)
		handshake_passed_certificate(t, h, side);
	if (h->cipher_spec[0] && h->cipher_spec[1] && h->s.version && !handshake_is_tls13(h->s.version))
		establish(h);
}

static void take_alert(struct tracker *t, struct handshake *h, unsigned int side, struct alert alert)
{
	alert.sender = handshake_side_role(h, side);
	h->s.alert = alert;
	h->alert_side = (uint8_t)side;
	if (!h->recorded[ROLE_SERVER])
		return;
	if (h->row[ROLE_SERVER])
		ledger_row_alert(h->row[ROLE_SERVER], &h->s);
	if (h->row[ROLE_CLIENT])
		ledger_row_alert(h->row[ROLE_CLIENT], &h->s);
	if (t->observer.alerted)
		t->observer.alerted(t->observer.context, &h->s, h->row[alert_refused_role(&h->s.alert)]);
}

static void alert(struct tracker *t, struct handshake *h, unsigned int side,
		  const struct tls_item *item)
{
	handshake_news_tell(t, h);
	/* The first one tells most, but a fatal one more than a warning. */
	if (h->s.alert.seen && (h->s.alert.level == 2 || item->alert_level != 2))
		return;
	take_alert(t, h, side, (struct alert){
		.seen = true, .level = item->alert_level, .description = item->alert_description,
	});
}

/*
 * TLS 1.3: a client that will not go on says so in the place of its Finished, encrypted. No Finished, nor anything else
 * that a client may send there, is as short as an alert (RFC 8446 section 5.2: two bytes, the type, the tag).
 */
static void hidden_alert(struct tracker *t, struct handshake *h, unsigned int side, const struct tls_item *item)
{
	enum { ALERT_LEN = 2 + 1 + 16, ALERT_LEN_CCM_8 = 2 + 1 + 8, CCM_8 = 0x1305 };

	if (!handshake_is_tls13(h->s.version) || side != h->client_side || item->type != TLS_APPLICATION_DATA ||
	    item->total != (h->s.cipher == CCM_8 ? ALERT_LEN_CCM_8 : ALERT_LEN) || h->encrypted[side] ||
	    !(h->messages[!side] & 1u << TLS_SERVER_HELLO) || h->messages[side] & 1u << TLS_FINISHED ||
	    h->s.alert.seen)
		return;
	take_alert(t, h, side, (struct alert){ .seen = true, .hidden = true, .level = ALERT_FATAL });
}

/* QUIC shows no record behind a side's last message that would tell that it is the last. */
static void quic_finished(struct tracker *t, struct handshake *h, unsigned int side)
{
	h->over[side] = true;
	if (side != h->client_side && !handshake_keys_may_come(t, h, h->client_side))
		h->over[h->client_side] = true;
}

static void message(struct tracker *t, struct flow *flow, unsigned int side,
		    const struct tls_item *item, const struct segment *segment)
{
	struct handshake *h = flow->handshake;

	switch (item->type) {
	case TLS_CLIENT_HELLO:
		handshake_read_client_hello(t, flow, side, item, segment);
		break;
	case TLS_SERVER_HELLO:
		handshake_read_server_hello(t, flow, side, item->body);
		break;
	case TLS_ENCRYPTED_EXTENSIONS:
		handshake_read_encrypted_extensions(h, item->body);
		break;
	case TLS_CERTIFICATE:
		if (!h->s.version)
			h->s.version = item->record_version;
		handshake_read_certificate(t, h, side, item, segment);
		break;
	case TLS_COMPRESSED_CERTIFICATE:
		handshake_read_compressed(t, h, side, item, segment);
		break;
	case TLS_FINISHED:
		/* In TLS 1.3 the client's is the last one: it has accepted the server's, and who it is. */
		if (handshake_is_tls13(h->s.version) && side == h->client_side)
			establish(h);
		handshake_keys_finished(t, h, side);
		if (h->quic)
			quic_finished(t, h, side);
		break;
	case TLS_SERVER_KEY_EXCHANGE:
		handshake_know_client(t, flow, !side);
		break;
	case TLS_CERTIFICATE_REQUEST:
		handshake_know_client(t, flow, !side);
		handshake_read_request(t, h, side, item->body);
		break;
	case TLS_CERTIFICATE_STATUS:
		handshake_know_client(t, flow, !side);
		handshake_read_status(h, side);
		break;
	case TLS_SERVER_HELLO_DONE:
		handshake_know_client(t, flow, !side);
		h->messages[side] |= 1u << TLS_SERVER_HELLO_DONE;
		handshake_passed_certificate(t, h, side);
		break;
	case TLS_CLIENT_KEY_EXCHANGE:
	case TLS_CERTIFICATE_VERIFY:
		handshake_know_client(t, flow, side);
		break;
	default:
		break;
	}
	if (item->type < 32)
		h->messages[side] |= 1u << item->type;
}

static enum handshake_next take_item(struct tracker *t, struct flow *flow, unsigned int side,
				     const struct tls_item *item, const struct segment *segment)
{
	struct handshake *h = flow->handshake;

	switch (item->kind) {
	case TLS_ITEM_MESSAGE:
		message(t, flow, side, item, segment);
		return HANDSHAKE_GO_ON;
	case TLS_ITEM_PART:
		handshake_read_part(t, h, side, item);
		return HANDSHAKE_GO_ON;
	case TLS_ITEM_SKIPPED:
		h->oversize[side] |= item->type == TLS_CERTIFICATE || item->type == TLS_COMPRESSED_CERTIFICATE;
		return HANDSHAKE_GO_ON;
	case TLS_ITEM_ALERT:
		alert(t, h, side, item);
		return HANDSHAKE_GO_ON;
	case TLS_ITEM_CIPHER_SPEC:
		cipher_spec(t, h, side);
		return HANDSHAKE_GO_ON;
	case TLS_ITEM_ENCRYPTED:
		hidden_alert(t, h, side, item);
		h->encrypted[side] = h->over[side] = true;
		return HANDSHAKE_SIDE_OVER;
	}
	return HANDSHAKE_SIDE_OVER;
}

enum handshake_next handshake_item(struct tracker *t, struct flow *flow, unsigned int side,
				   const struct tls_item *item, const struct segment *segment)
{
	struct handshake *h = flow->handshake;
	enum handshake_next next;

	h->s.end_ns = segment->time_ns;
	if (item->opened && h->keys)
		h->keys->opened[side] = true;
	next = take_item(t, flow, side, item, segment);
	if (handshake_rare_of(h)->untold && handshake_news_complete(h, side, item))
		handshake_news_tell(t, h);
	return next;
}

void handshake_missed(struct tracker *t, struct handshake *h, unsigned int side, uint64_t from,
		      uint64_t to)
{
	/* Of a Certificate that is broken off the whole entries stay; the leaf is nearly always one. */
	struct handshake_rare *rare = handshake_rare_make(t, h);

	if (rare && !rare->partial[side])
		rare->partial[side] = handshake_gathered_chain(t, h, side);
	if (rare) {
		chain_builder_free(rare->builder[side]);
		rare->builder[side] = NULL;
	}
	if (rare && !h->missed[side]) {
		rare->lost_from[side] = from;
		rare->lost_to[side] = to;
	}
	h->missed[side] = true;
	handshake_news_tell(t, h);
}

void handshake_malformed(struct tracker *t, struct handshake *h, unsigned int side, const char *why)
{
	if (handshake_rare_make(t, h) && !h->rare->malformed[side])
		h->rare->malformed[side] = why;
	handshake_news_tell(t, h);
}

void handshake_midstream(struct tracker *t, struct flow *flow, unsigned int side)
{
	(void)side;
	handshake_guess_client(t, flow);
	flow->handshake->over[0] = flow->handshake->over[1] = true;
	handshake_record_reason(t, flow->handshake, REASON_MIDSTREAM, NULL);
}

bool handshake_settled(const struct handshake *h)
{
	return h->recorded[ROLE_SERVER] && h->over[0] && h->over[1] && !handshake_keys_holding(h);
}

void handshake_side_over(struct tracker *t, struct handshake *h, unsigned int side)
{
	h->over[side] = true;
	handshake_news_tell(t, h);
}

static bool held_any(const struct handshake *h, unsigned int side)
{
	return h->keys && h->keys->held_len[side];
}

/* A hello, and before `seq` nothing behind it but a ChangeCipherSpec that says nothing; all of it was seen. */
static bool only_hello_sent(const struct flow *flow, unsigned int side, uint32_t seq)
{
	const struct handshake *h = flow->handshake;
	const struct tls_reader *r = &h->reader[side];
	const struct side *s = &flow->side[side];

	return h->messages[side] == 1u << TLS_CLIENT_HELLO && !h->encrypted[side] && !held_any(h, side) &&
	       (!h->cipher_spec[side] || handshake_is_tls13(h->s.version)) && !r->record_left && !r->record_header_len &&
	       !h->missed[side] && !handshake_rare_of(h)->malformed[side] && !s->missed && !s->cut &&
	       !s->stream.conflict && !s->stream.ranges && s->stream.next == seq;
}

/* Up to TLS 1.2 its end shows; behind a ServerHello of TLS 1.3, that something protected came. */
static bool flight_seen(const struct handshake *h, unsigned int side)
{
	if (!handshake_is_tls13(h->s.version))
		return h->messages[side] & 1u << TLS_SERVER_HELLO_DONE;
	return h->messages[side] & 1u << TLS_SERVER_HELLO && !h->hello_retry &&
	       (h->encrypted[side] || h->over[side] || held_any(h, side) ||
		h->messages[side] & 1u << TLS_ENCRYPTED_EXTENSIONS);
}

void handshake_side_closed(struct tracker *t, struct flow *flow, unsigned int side, uint32_t seq)
{
	struct handshake *h = flow->handshake;

	handshake_news_tell(t, h);
	/* Not where the other side ended it, or somebody said why. */
	if (side != h->client_side || h->s.broke_off || h->s.alert.seen || flow->carriage || h->missed[!side] ||
	    flow->side[!side].fin_seen || flow->side[!side].rst_seen || !flight_seen(h, !side) ||
	    !only_hello_sent(flow, side, seq))
		return;
	h->s.broke_off = true;
	if (!h->row[ROLE_SERVER])
		return;
	ledger_row_broke_off(h->row[ROLE_SERVER]);
	if (t->observer.broke_off)
		t->observer.broke_off(t->observer.context, &h->s, h->row[ROLE_SERVER]);
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
void handshake_restart(struct tracker *t, struct handshake *h, const struct segment *segment)
{
	handshake_record_reason(t, h, h->missed[!h->client_side] ? REASON_LOST : REASON_UNFINISHED, NULL);
	handshake_news_tell(t, h);
	if (t->observer.closed)
		t->observer.closed(t->observer.context, &h->s);
	handshake_authorities_free(t, h);
	h->s = (struct sighting){
		.server = h->s.server, .client = h->s.client, .transport = h->s.transport,
		.owner = { h->s.owner[0], h->s.owner[1] },
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
	h->hello_retry = false;
	h->external_psks = 0;
	h->psk = REASON_NONE;
	h->certificate_type = TLS_CERTIFICATE_X509;
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

	handshake_guess_client(t, flow);
	server = !h->client_side;
	if (!h->recorded[ROLE_SERVER]) {
		reason = handshake_open_reason(h, flow, &detail);
		h->s.chain[ROLE_SERVER] = handshake_rare_of(h)->partial[server] ? handshake_rare_of(h)->partial[server] :
								       handshake_gathered_chain(t, h, server);
		handshake_record_reason(t, h, reason, detail);
	}
	handshake_news_tell(t, h);
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
	handshake_authorities_free(t, h);
	free(h);
	flow->handshake = NULL;
	flow_disown(flow);
}
