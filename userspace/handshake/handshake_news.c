/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/handshake/handshake_news.h"

#include <stdlib.h>

#include "parsers/tls_hello.h"
#include "userspace/handshake/handshake_parts.h"

/* A row that the observer does not know yet; in the tracker's list, the oldest first. */
struct handshake_untold {
	struct handshake_untold *next, *previous;
	struct handshake *handshake;
	struct ledger_entry entry;
	uint64_t since_ns;              /* by the clock of the turns */
};

static void tell(struct tracker *t, const struct handshake *h, enum role role,
		 const struct ledger_entry *entry)
{
	if (t->observer.recorded)
		t->observer.recorded(t->observer.context, &h->s, role, entry);
}

/* May something still come that belongs to the server's chain? */
static bool flight_goes_on(const struct handshake *h)
{
	const uint32_t behind = 1u << TLS_CLIENT_KEY_EXCHANGE | 1u << TLS_CERTIFICATE_VERIFY;

	return h->s.chain[ROLE_SERVER] && h->s.version != SSL_2_0 && !handshake_is_tls13(h->s.version) &&
	       !(h->s.alert.seen && h->s.alert.level == 2) && !h->missed[!h->client_side] && !h->over[!h->client_side] &&
	       !h->cipher_spec[0] && !h->cipher_spec[1] && !(h->messages[h->client_side] & behind) &&
	       !(h->messages[!h->client_side] & 1u << TLS_SERVER_HELLO_DONE);
}

static bool hold(struct tracker *t, struct handshake *h, const struct ledger_entry *entry)
{
	struct handshake_rare *rare = handshake_rare_make(t, h);
	struct handshake_untold *untold = rare ? malloc(sizeof(*untold)) : NULL;

	if (!untold)
		return false;
	*untold = (struct handshake_untold){
		.previous = t->untold_last, .handshake = h, .entry = *entry, .since_ns = t->turn_ns,
	};
	if (t->untold_last)
		t->untold_last->next = untold;
	else
		t->untold = untold;
	t->untold_last = rare->untold = untold;
	return true;
}

void handshake_news(struct tracker *t, struct handshake *h, enum role role,
		    const struct ledger_entry *entry)
{
	bool news = entry->is_new || entry->previous || entry->fell_behind || !entry->row;

	handshake_news_tell(t, h);
	if (role != ROLE_SERVER || h->s.reason != REASON_NONE || !news || !flight_goes_on(h) ||
	    !hold(t, h, entry))
		tell(t, h, role, entry);
}

bool handshake_news_complete(const struct handshake *h, unsigned int side, const struct tls_item *item)
{
	bool message = item->kind == TLS_ITEM_MESSAGE || item->kind == TLS_ITEM_PART ||
		       item->kind == TLS_ITEM_SKIPPED;

	if (!message)
		return true;
	/* Of the client's messages a hello alone may have been sent before. */
	if (side == h->client_side)
		return item->type != TLS_CLIENT_HELLO;
	switch (item->type) {
	case TLS_SERVER_HELLO:          /* DTLS, and what was captured out of order */
	case TLS_HELLO_VERIFY_REQUEST:
	case TLS_SUPPLEMENTAL_DATA:
	case TLS_CERTIFICATE:
	case TLS_CERTIFICATE_STATUS:
	case TLS_SERVER_KEY_EXCHANGE:
	case TLS_CERTIFICATE_REQUEST:
		return false;
	default:
		return true;
	}
}

void handshake_news_tell(struct tracker *t, struct handshake *h)
{
	struct handshake_untold *untold = handshake_rare_of(h)->untold;

	if (!untold)
		return;
	h->rare->untold = NULL;
	if (untold->previous)
		untold->previous->next = untold->next;
	else
		t->untold = untold->next;
	if (untold->next)
		untold->next->previous = untold->previous;
	else
		t->untold_last = untold->previous;
	tell(t, h, ROLE_SERVER, &untold->entry);
	free(untold);
}

void handshake_news_turn(struct tracker *t, uint64_t monotonic_ns)
{
	t->turn_ns = monotonic_ns;
	while (t->untold && monotonic_ns - t->untold->since_ns >= NEWS_WAIT_NS)
		handshake_news_tell(t, t->untold->handshake);
}
