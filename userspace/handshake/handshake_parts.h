/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of one handshake share; for handshake*.c alone.
 *
 *     handshake.c         its life, and which message goes where
 *     handshake_hello.c   the two hellos
 *     handshake_chain.c   certificates
 *     handshake_record.c  who is who, and what is written to the ledger
 *     handshake_news.c    when the observer is told
 */
#ifndef CERTTAP_HANDSHAKE_PARTS_H
#define CERTTAP_HANDSHAKE_PARTS_H

#include "userspace/handshake/handshake.h"

/* handshake_record.c */

const struct handshake_rare *handshake_rare_of(const struct handshake *h);

/* NULL: no memory. */
struct handshake_rare *handshake_rare_make(struct tracker *t, struct handshake *h);

bool handshake_is_tls13(uint16_t version);

/* Writes the chain of `role`, or the reason, to the ledger; once. */
void handshake_record(struct tracker *t, struct handshake *h, enum role role);

void handshake_record_reason(struct tracker *t, struct handshake *h, enum reason reason,
			  const char *detail);

enum role handshake_side_role(const struct handshake *h, unsigned int side);

void handshake_present(struct tracker *t, struct handshake *h, enum role role,
		    const struct chain *chain);

/* Who is the client is known from now on. */
void handshake_know_client(struct tracker *t, struct flow *flow, unsigned int client_side);

/* Neither hello was seen: who opened the connection, else the lower port is the server's. */
void handshake_guess_client(struct tracker *t, struct flow *flow);

/* The server has gone on without a Certificate. */
void handshake_passed_certificate(struct tracker *t, struct handshake *h, unsigned int side);

enum reason handshake_open_reason(struct handshake *h, const struct flow *flow, const char **detail);

/* handshake_hello.c */

void handshake_read_client_hello(struct tracker *t, struct flow *flow, unsigned int side,
			 const struct tls_item *item, const struct segment *segment);

void handshake_read_server_hello(struct tracker *t, struct flow *flow, unsigned int side, struct bytes body);

void handshake_read_encrypted_extensions(struct handshake *h, struct bytes body);

/* handshake_chain.c */

void handshake_read_certificate(struct tracker *t, struct handshake *h, unsigned int side,
			const struct tls_item *item, const struct segment *segment);

/* RFC 8879: the Certificate message is inside. */
void handshake_read_compressed(struct tracker *t, struct handshake *h, unsigned int side,
				   const struct tls_item *item, const struct segment *segment);

/* A Certificate over the message limit: its certificates are hashed while they pass. */
void handshake_read_part(struct tracker *t, struct handshake *h, unsigned int side,
			     const struct tls_item *item);

/* An OCSP response, or which client certificates are wanted. */
void handshake_read_status(struct handshake *h, unsigned int side);
void handshake_read_request(struct tracker *t, struct handshake *h, unsigned int side, struct bytes body);

void handshake_authorities_free(struct tracker *t, struct handshake *h);

/* What was gathered of a Certificate message when it broke off: its whole entries. */
const struct chain *handshake_gathered_chain(struct tracker *t, struct handshake *h, unsigned int side);

/* handshake.c */

/*
 * A new handshake inside the protection of the old one (renegotiation): the old sighting ends, the readers and their
 * keys go on.
 */
void handshake_restart(struct tracker *t, struct handshake *h, const struct segment *segment);

#endif
