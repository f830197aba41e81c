/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between starttls.c (protocols of lines) and starttls_binary.c (protocols of lengths and numbers).
 */
#ifndef CERTTAP_STARTTLS_BINARY_H
#define CERTTAP_STARTTLS_BINARY_H

#include "parsers/bytes.h"

enum starttls_protocol {
	PROTOCOL_NONE,
	PROTOCOL_UNKNOWN,
	PROTOCOL_ADB,
	PROTOCOL_AMQP,
	PROTOCOL_FTP,
	PROTOCOL_HTTP_CONNECT,
	PROTOCOL_HTTP_UPGRADE,
	PROTOCOL_IMAP,
	PROTOCOL_IRC,
	PROTOCOL_LDAP,
	PROTOCOL_LMTP,
	PROTOCOL_MYSQL,
	PROTOCOL_NATS,
	PROTOCOL_NBD,
	PROTOCOL_NNTP,
	PROTOCOL_NOMACHINE,
	PROTOCOL_PCEP,
	PROTOCOL_POP3,
	PROTOCOL_POSTGRESQL,
	PROTOCOL_PROXY,
	PROTOCOL_RDP,
	PROTOCOL_SIEVE,
	PROTOCOL_SMTP,
	PROTOCOL_SOCKS4,
	PROTOCOL_SOCKS5,
	PROTOCOL_TCPCL,
	PROTOCOL_TELNET,
	PROTOCOL_VNC,
	PROTOCOL_XMPP,
};

/*
 * The protocol whose message `in` begins with, and how sure that is (1 to 4); PROTOCOL_NONE: none.
 */
enum starttls_protocol starttls_binary(struct bytes in, uint8_t *strength);

#endif
