/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Up to TLS 1.2 some facts follow the certificate they belong to: the stapled OCSP response, and whom the server asks
 * for a certificate of the client. The ledger has the row at once; the observer is told of a new one when the server's
 * flight has gone by, when the handshake breaks off, or after NEWS_WAIT_NS, whichever comes first.
 */
#ifndef CERTTAP_HANDSHAKE_NEWS_H
#define CERTTAP_HANDSHAKE_NEWS_H

#include "userspace/handshake/handshake.h"

#define NEWS_WAIT_NS 1000000000ull  /* a flight takes one way: longer, and something of it was lost */

/* The observer is told of what was recorded: now, or soon. */
void handshake_news(struct tracker *t, struct handshake *h, enum role role,
		    const struct ledger_entry *entry);

/* Does this item say that the server's flight has gone by? */
bool handshake_news_complete(const struct handshake *h, unsigned int side, const struct tls_item *item);

/* What waits is told now. Cheap where nothing does. */
void handshake_news_tell(struct tracker *t, struct handshake *h);

/* Time passes (live): what has waited for long enough is told. */
void handshake_news_turn(struct tracker *t, uint64_t monotonic_ns);

#endif
