/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Certificate message up to TLS 1.2 (RFC 5246 section 7.4.2), whole or in parts as it passes, and that of
 * TLS 1.3 (RFC 8446 section 4.4.2), which is read whole.
 */
#ifndef CERTTAP_TLS_CERTIFICATE_H
#define CERTTAP_TLS_CERTIFICATE_H

#include "parsers/bytes.h"

#define TLS_CHAIN_MAX 128      /* default cap on certificates of one chain that are kept */

struct tls_certificate_entry {
	struct bytes der;
	bool truncated;        /* the message or the list ends inside this entry */
};

/*
 * The list inside a message body. Lengths that contradict each other are not fatal: what is there is given, and the
 * last entry is marked. False: too short to hold a list at all.
 */
MUST_CHECK bool tls_certificate_list(struct bytes body, struct bytes *list);

/* The next entry of the list; false at its end. */
MUST_CHECK bool tls_certificate_next(struct bytes *list, struct tls_certificate_entry *entry);

struct tls13_certificate_entry {
	struct bytes der;      /* raw public keys (RFC 7250): a SubjectPublicKeyInfo */
	struct bytes extensions;       /* the Extension elements; what is there of them */
	struct bytes ocsp;     /* status_request: an OCSPResponse, or empty */
	bool has_ocsp;         /* RFC 8446 section 4.4.2.1 */
	bool has_sct;          /* signed_certificate_timestamp, RFC 6962 section 3.3.1 */
	bool truncated;        /* the message or the list ends inside the certificate */
	bool extensions_malformed;     /* cut off, or lengths that contradict each other */
};

/*
 * The same for TLS 1.3: `context` is empty but in answer to a request after the handshake. As
 * lenient as above with the list's length.
 */
MUST_CHECK bool tls13_certificate_list(struct bytes body, struct bytes *context,
				       struct bytes *list);

/* The next entry of the list; false at its end. */
MUST_CHECK bool tls13_certificate_next(struct bytes *list, struct tls13_certificate_entry *entry);

/*
 * For messages over the limit: cuts a body that arrives in parts into certificates without keeping
 * them. The caller hashes `part`; `ends` says that the certificate is complete.
 */
struct tls_certificate_walk {
	uint32_t list_left;    /* bytes of the list still to come */
	uint32_t left;         /* bytes of the current certificate still to come */
	uint32_t length;       /* its length, as far as the list reaches */
	uint8_t header[3];
	uint8_t header_len;
	bool list_begun;       /* the list's own length has passed */
	bool in_certificate;
	bool truncated;        /* the list ends inside the current certificate */
};

struct tls_certificate_part {
	struct bytes part;
	uint32_t length;       /* of the whole certificate */
	bool begins, ends;
	bool truncated;        /* it would have been longer, but the list ends */
};

/* Takes from `in` the next piece of a certificate; false: `in` is used up. */
MUST_CHECK bool tls_certificate_walk(struct tls_certificate_walk *w, struct bytes *in,
				     struct tls_certificate_part *out);

#endif
