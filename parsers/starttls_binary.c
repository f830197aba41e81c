/* SPDX-License-Identifier: Apache-2.0 */
#include "parsers/starttls_binary.h"

#define POSTGRESQL_SSL_REQUEST 80877103u

static bool starts(struct bytes in, const char *with, size_t len)
{
	return in.len >= len && memcmp(in.data, with, len) == 0;
}

/* SSLRequest (PostgreSQL, "Message Formats"), or its one-byte answer. */
static uint8_t is_postgresql(struct bytes in)
{
	uint32_t len, code;

	if (in.len == 1 && (in.data[0] == 'S' || in.data[0] == 'N'))
		return 1;
	return bytes_u32(&in, &len) && bytes_u32(&in, &code) && len == 8 &&
		       code == POSTGRESQL_SSL_REQUEST ? 4 : 0;
}

/* The server's greeting (protocol version 10), or the client's SSLRequest of 32 bytes. */
static uint8_t is_mysql(struct bytes in)
{
	uint32_t len;

	if (in.len < 6)
		return 0;
	len = (uint32_t)in.data[2] << 16 | (uint32_t)in.data[1] << 8 | in.data[0];
	if (in.data[3] == 0 && in.data[4] == 10 && len >= 30 && len <= 512 && in.data[5] >= '0' &&
	    in.data[5] <= '9')
		return 3;
	/* Capability CLIENT_SSL; the number is 1, or 2 where a proxy has spoken. */
	return len == 32 && (in.data[3] == 1 || in.data[3] == 2) && in.data[5] & 0x08 ? 3 : 0;
}

/* TPKT (RFC 1006), then a connection request or confirmation of X.224. */
static uint8_t is_rdp(struct bytes in)
{
	uint8_t version, reserved, left, code;
	uint16_t len;

	return bytes_u8(&in, &version) && version == 3 && bytes_u8(&in, &reserved) &&
	       reserved == 0 && bytes_u16(&in, &len) && bytes_u8(&in, &left) && left + 5 == len &&
	       bytes_u8(&in, &code) && (code == 0xe0 || code == 0xd0) ? 3 : 0;
}

/* A length of BER. */
static bool ber_length(struct bytes *in, uint32_t *len)
{
	uint8_t first, byte;

	if (!bytes_u8(in, &first) || first > 0x84 || first == 0x80)
		return false;
	*len = first;
	if (first < 0x80)
		return true;
	for (*len = 0; first > 0x80; first--) {
		if (!bytes_u8(in, &byte))
			return false;
		*len = *len << 8 | byte;
	}
	return true;
}

/* LDAPMessage (RFC 4511 section 4.1.1): number, then an operation: bind, search, extended. */
static uint8_t is_ldap(struct bytes in)
{
	static const uint8_t operations[] = { 0x60, 0x61, 0x63, 0x64, 0x65, 0x77, 0x78 };
	uint8_t tag, operation;
	uint32_t len, number_len;

	if (!bytes_u8(&in, &tag) || tag != 0x30 || !ber_length(&in, &len) || len < 5 ||
	    !bytes_u8(&in, &tag) || tag != 0x02 || !ber_length(&in, &number_len) ||
	    number_len < 1 || number_len > 4 || !bytes_skip(&in, number_len) ||
	    !bytes_u8(&in, &operation))
		return 0;
	return memchr(operations, operation, sizeof(operations)) ? operation >= 0x77 ? 4 : 3 : 0;
}

/* CONNECT or BIND, port, address, a user that ends with a zero; or the answer, of 8 bytes. */
static uint8_t is_socks4(struct bytes in)
{
	uint8_t version, command;
	uint16_t port;

	if (in.len == 8 && in.data[0] == 0 && in.data[1] >= 0x5a && in.data[1] <= 0x5d)
		return 2;
	return bytes_u8(&in, &version) && version == 4 && bytes_u8(&in, &command) &&
	       (command == 1 || command == 2) && bytes_u16(&in, &port) && port != 0 &&
	       in.len >= 5 && in.len < 512 && in.data[in.len - 1] == 0 ? 3 : 0;
}

/* RFC 1928: as many methods as announced, or a request. */
static uint8_t is_socks5(struct bytes in)
{
	uint8_t version, num;

	if (!bytes_u8(&in, &version) || version != 5 || !bytes_u8(&in, &num))
		return 0;
	if (num > 0 && in.len == num && (in.data[0] <= 3 || in.data[0] >= 0x80))
		return 3;
	return num <= 3 && in.len >= 7 && in.data[0] == 0 &&
		       (in.data[1] == 1 || in.data[1] == 3 || in.data[1] == 4) ? 2 : 0;
}

/* IAC and a negotiation (RFC 854). */
static uint8_t is_telnet(struct bytes in)
{
	return in.len >= 3 && in.data[0] == 0xff && in.data[1] >= 0xfa && in.data[1] <= 0xfe ?
		       2 : 0;
}

/* The header of version 2; TLS or another protocol's greeting follows. */
static uint8_t is_proxy(struct bytes in)
{
	static const char magic[] = "\r\n\r\n\0\r\nQUIT\n";

	return starts(in, magic, sizeof(magic) - 1) ? 1 : 0;
}

/* A_STLS or A_CNXN, then the version: Android's adb. */
static uint8_t is_adb(struct bytes in)
{
	return starts(in, "STLS\0\0\0\1", 8) || starts(in, "CNXN\1\0\0\1", 8) ||
		       starts(in, "CNXN\0\0\0\1", 8) ? 3 : 0;
}

/* StartTLS (RFC 8253 section 3.3): version 1, type 13, length 4. */
static uint8_t is_pcep(struct bytes in)
{
	return starts(in, "\x20\x0d\0\4", 4) ? 3 : 0;
}

enum starttls_protocol starttls_binary(struct bytes in, uint8_t *strength)
{
	static const struct {
		enum starttls_protocol protocol;
		uint8_t (*is)(struct bytes in);
	} kinds[] = {
		{ PROTOCOL_POSTGRESQL, is_postgresql }, { PROTOCOL_MYSQL, is_mysql },
		{ PROTOCOL_RDP, is_rdp }, { PROTOCOL_LDAP, is_ldap },
		{ PROTOCOL_SOCKS4, is_socks4 }, { PROTOCOL_SOCKS5, is_socks5 },
		{ PROTOCOL_TELNET, is_telnet }, { PROTOCOL_PROXY, is_proxy },
		{ PROTOCOL_ADB, is_adb }, { PROTOCOL_PCEP, is_pcep },
	};

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		*strength = kinds[i].is(in);
		if (*strength)
			return kinds[i].protocol;
	}
	return PROTOCOL_NONE;
}
