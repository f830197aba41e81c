/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CertificateRequest: which certification authorities a server wants its clients' certificates to be from (RFC 5246
 * section 7.4.4; TLS 1.3: RFC 8446 sections 4.3.2 and 4.2.4). Pure; what is found borrows from the body.
 */
#ifndef CERTTAP_TLS_REQUEST_H
#define CERTTAP_TLS_REQUEST_H

#include "parsers/bytes.h"

/*
 * The authorities' list of a message of this version of TLS (not DTLS's number), empty if it asks for none in particular.
 * False: the lengths contradict each other.
 */
MUST_CHECK bool tls_certificate_request_parse(struct bytes body, uint16_t version, struct bytes *authorities);

/* The next authority of the list, as RFC 4514 text of at most `size` bytes, made safe; false at its end. */
MUST_CHECK bool tls_authority_next(struct bytes *authorities, char *text, size_t size);

#endif
