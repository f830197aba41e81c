/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds where TLS begins in a stream, by content alone: on any port, after any preamble.
 *
 * A ClientHello, ServerHello or Certificate is known by its record header, message header and first
 * fields together (some 70 to 100 bits that must fit); records may be as small as one byte. The SSL 2.0
 * format of a ClientHello (RFC 5246 appendix E.2) and a lone alert are weaker and count only at the head of
 * a segment.
 */
#ifndef CERTTAP_TLS_FIND_H
#define CERTTAP_TLS_FIND_H

#include "parsers/bytes.h"

enum tls_found {
	TLS_FOUND_CLIENT_HELLO,
	TLS_FOUND_SERVER_HELLO,
	TLS_FOUND_CERTIFICATE,
	TLS_FOUND_OTHER_HANDSHAKE, /* a later message of a handshake, at a head only */
	TLS_FOUND_SSLV2_HELLO,     /* a ClientHello in SSL 2.0 format; not framed by records */
	TLS_FOUND_SSLV2_ANSWER,    /* SSL 2.0's SERVER-HELLO: only where an answer is expected */
	TLS_FOUND_ALERT,           /* at a head only */
	TLS_FOUND_ENCRYPTED,       /* two records of application data in a row, at a head only: midstream */
};

/* Does TLS begin exactly here? PARSE_MORE: so far it does, but more bytes are needed to say. */
enum parse tls_begins(struct bytes in, enum tls_found *what);

/*
 * The same, with what only the head of a segment may show: the weaker signs. PARSE_MORE
 * with TLS_FOUND_SSLV2_HELLO: so far it is one, which counts at a stream's beginning alone; for the other weak ones
 * PARSE_MORE is never returned.
 */
enum parse tls_head(struct bytes in, enum tls_found *what);

/* Is this the header of some handshake or alert record? Weak: only where TLS is expected. */
enum parse tls_record_begins(struct bytes in);

/*
 * Looks for a beginning anywhere in `in`. PARSE_OK: at offset *at. PARSE_MORE: none yet, but one may
 * begin at *at, so keep the bytes from there on. PARSE_BAD: none.
 */
enum parse tls_find(struct bytes in, size_t *at, enum tls_found *what);

#endif
