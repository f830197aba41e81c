/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/handshake_parts.h"

#include <errno.h>

#include "parsers/tls_compressed.h"
#include "parsers/tls_hello.h"
#include "userspace/handshake_keys.h"

/* A chain that the table does not keep lives as long as this handshake. False: too many of them. */
static bool own_chain(struct tracker *t, struct handshake *h, const struct chain *chain)
{
	struct handshake_rare *rare;

	if (chain->id)
		return true;
	rare = handshake_rare_make(t, h);
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
	if (item->known)
		chain = chain_known(t->chains, item->known);
	else if (item->opened && handshake_is_tls13(h->s.version))
		err = chain_from_message13(t->chains, item->body, false, &chain);
	else
		err = chain_from_message(t->chains, item->body, false, &chain);
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
