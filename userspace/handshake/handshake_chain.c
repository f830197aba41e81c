/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/handshake/handshake_parts.h"

#include <errno.h>
#include <stdlib.h>

#include "parsers/tls_certificate.h"
#include "parsers/tls_compressed.h"
#include "parsers/tls_hello.h"
#include "parsers/tls_request.h"
#include "userspace/handshake/handshake_keys.h"

/* What a server sends beside its certificate, told at once where the row is there. */
static void told_beside(struct handshake *h, unsigned int side)
{
	if (side != h->client_side && h->row[ROLE_SERVER])
		ledger_row_beside(h->row[ROLE_SERVER], &h->s);
}

void handshake_read_status(struct handshake *h, unsigned int side)
{
	h->s.stapled = true;
	told_beside(h, side);
}

static struct authorities *authorities_new(struct tracker *t)
{
	struct authorities *a = NULL;

	if (budget_take(&t->memory, sizeof(*a))) {
		a = calloc(1, sizeof(*a));
		if (!a)
			budget_give(&t->memory, sizeof(*a));
	}
	t->counters.no_memory += !a;
	return a;
}

void handshake_read_request(struct tracker *t, struct handshake *h, unsigned int side, struct bytes body)
{
	char text[AUTHORITY_TEXT_MAX];
	struct authorities *a;
	struct bytes list;

	h->s.client_asked = true;
	if (tls_certificate_request_parse(body, dtls_version_as_tls(h->s.version), &list) && list.len &&
	    !h->s.authorities) {
		a = h->s.authorities = authorities_new(t);
		for (; a && tls_authority_next(&list, text, sizeof(text)); a->total++)
			if (a->num < AUTHORITIES_MAX)
				memcpy(a->names[a->num++], text, sizeof(text));
	}
	told_beside(h, side);
}

void handshake_authorities_free(struct tracker *t, struct handshake *h)
{
	if (!h->s.authorities)
		return;
	budget_give(&t->memory, sizeof(*h->s.authorities));
	free(h->s.authorities);
	h->s.authorities = NULL;
}

/* TLS 1.3 has them in the Certificate message's entries, the leaf's first. */
static void read_entry_extensions(struct handshake *h, struct bytes body)
{
	struct tls13_certificate_entry entry;
	struct bytes context, list;

	if (!tls13_certificate_list(body, &context, &list) || !tls13_certificate_next(&list, &entry))
		return;
	h->s.stapled |= entry.has_ocsp;
	h->s.has_sct |= entry.has_sct;
}

/* A chain that the table does not keep lives as long as this handshake. False: too many of them. */
static bool own_chain(struct tracker *t, struct handshake *h, const struct chain *chain)
{
	struct handshake_rare *rare;

	if (chain->id)
		return true;
	rare = handshake_rare_make(t, h);
	if (!rare || rare->num_loose == HANDSHAKE_CHAINS_MAX) {
		t->counters.chains_passed++;
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
		if (handshake_rare_make(t, h))
			h->rare->pending[side] = chain;
	} else {
		handshake_present(t, h, handshake_side_role(h, side), chain);
	}
}

void handshake_read_certificate(struct tracker *t, struct handshake *h, unsigned int side,
			const struct tls_item *item, const struct segment *segment)
{
	const struct chain *chain = NULL;
	int err = 0;

	if (h->certificate_type != TLS_CERTIFICATE_X509 && side != h->client_side) {
		handshake_record_reason(t, h, REASON_RAW_PUBLIC_KEY,
					h->certificate_type == TLS_CERTIFICATE_OPENPGP ? "an OpenPGP key" : NULL);
		return;
	}
	if (side != h->client_side)
		h->s.frame_number = segment->frame_number;
	if (item->opened)
		h->s.witness[handshake_side_role(h, side)] = h->keys ? h->keys->witness[side] : WITNESS_KEYLOG;
	if (item->known) {
		chain = chain_known(t->chains, item->known);
	} else if (item->opened && handshake_is_tls13(h->s.version)) {
		if (side != h->client_side)
			read_entry_extensions(h, item->body);
		err = chain_from_message13(t->chains, item->body, false, &chain);
	} else {
		err = chain_from_message(t->chains, item->body, false, &chain);
	}
	take_chain(t, h, side, err, chain);
}

/* RFC 8879: the Certificate message is inside. */
void handshake_read_compressed(struct tracker *t, struct handshake *h, unsigned int side,
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
	handshake_read_certificate(t, h, side, &inner, segment);
	tls_uncompressed_free(&plain, &t->memory);
}

/* A Certificate over the message limit: its certificates are hashed while they pass. */
void handshake_read_part(struct tracker *t, struct handshake *h, unsigned int side,
			     const struct tls_item *item)
{
	struct handshake_rare *rare = handshake_rare_make(t, h);
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

/* What was gathered of a Certificate message when it broke off: its whole entries. */
const struct chain *handshake_gathered_chain(struct tracker *t, struct handshake *h, unsigned int side)
{
	const struct chain *chain = NULL;
	uint32_t have, total;
	uint8_t type;

	if (handshake_rare_of(h)->builder[side]) {
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

	if (handshake_rare_make(t, h) && !h->rare->partial[side] &&
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

	handshake_know_client(t, flow, !side);
	h->s.version = SSL_2_0;
	h->s.frame_number = segment->frame_number;
	h->messages[side] |= 1u << TLS_SERVER_HELLO;
	if (resumed) {
		h->s.resumed = true;
		handshake_record_reason(t, h, REASON_RESUMED, NULL);
		return;
	}
	err = chain_from_certificate(t->chains, certificate, &chain);
	take_chain(t, h, side, err, chain);
}
