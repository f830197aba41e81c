/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was spoken on a connection before TLS began: the carrier of plain TLS, such as SMTP before
 * STARTTLS.
 *
 * A name for the reader, nothing more: TLS is found by its own content, on any port, whatever this
 * says. Carriers that wrap TLS in a framing of their own are in carrier.h.
 */
#ifndef CERTTAP_STARTTLS_H
#define CERTTAP_STARTTLS_H

#include "parsers/bytes.h"

/* In every connection, so it is small. Begins as zeros. */
struct starttls_hint {
	uint8_t protocol;
	uint8_t strength;
};

enum starttls_speaker { STARTTLS_SPEAKER_UNKNOWN, STARTTLS_OPENER, STARTTLS_ANSWERER };

/*
 * The next bytes that one end said in clear, none of them TLS. Only the first bytes of a chunk (and
 * of a few lines in it) are looked at; a weak sign ("220 " may be SMTP or FTP) gives way to a
 * stronger one ("AUTH TLS"). A command cut in two may be missed. Bytes that go with no protocol are
 * remembered as such.
 */
void starttls_look(struct starttls_hint *hint, enum starttls_speaker speaker, struct bytes text);

/* Something was said that nobody could look at. What is known already stays. */
void starttls_unheard(struct starttls_hint *hint);

/*
 * "smtp", "lmtp", "imap", "pop3", "ftp", "ldap", "xmpp", "irc", "nntp", "sieve", "postgresql",
 * "mysql", "rdp", "http-connect", "http-upgrade", "socks4", "socks5", ...; "plain" when nothing was
 * said before TLS; "unknown" when something was, and it is not known what. Static text.
 */
const char *starttls_name(const struct starttls_hint *hint);

#endif
