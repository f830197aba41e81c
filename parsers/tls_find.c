/* SPDX-License-Identifier: Apache-2.0 */
#include "parsers/tls_find.h"

#include "parsers/tls_hello.h"
#include "parsers/tls_record.h"

#define BEGINNING_LEN 11       /* the handshake bytes that are looked at */
#define BEGINNING_RECORDS 11   /* and over how many records they may be spread */

/* The first handshake bytes behind one or more record headers. */
struct beginning {
	uint8_t bytes[BEGINNING_LEN];
	size_t len;
};

static enum parse gather_beginning(struct bytes in, struct beginning *b)
{
	unsigned int records;
	struct bytes body;
	uint16_t version, first_version = 0, len;
	uint8_t type;

	b->len = 0;
	for (records = 0; records < BEGINNING_RECORDS && b->len < BEGINNING_LEN; records++) {
		if (!bytes_u8(&in, &type))
			return PARSE_MORE;
		if (type != TLS_HANDSHAKE)
			return PARSE_BAD;
		if (!bytes_u16(&in, &version))
			return in.len && in.data[0] != 3 && in.data[0] != 1 ? PARSE_BAD : PARSE_MORE;
		if (!tls_version_plausible(version) || (records && version != first_version))
			return PARSE_BAD;
		first_version = version;
		if (!bytes_u16(&in, &len))
			return PARSE_MORE;
		if (len == 0 || len > TLS_BODY_MAX)
			return PARSE_BAD;
		body = bytes_of(in.data, len < in.len ? len : in.len);
		if (body.len > BEGINNING_LEN - b->len)
			body.len = BEGINNING_LEN - b->len;
		memcpy(b->bytes + b->len, body.data, body.len);
		b->len += body.len;
		if (!bytes_skip(&in, len))
			return b->len == BEGINNING_LEN ? PARSE_OK : PARSE_MORE;
	}
	return PARSE_OK;
}

/* client_version or server_version: RFC 5246 section 7.4.1; 0x7fxx are drafts of TLS 1.3. */
static enum parse hello_begins(struct bytes message, uint32_t len)
{
	uint16_t version;

	/* The least: version, random, session id; then suites or one suite, compression. */
	if (len < 2 + 32 + 1 + 3 || len > 1u << 20)
		return PARSE_BAD;
	if (message.len == 1)
		return message.data[0] == 3 || message.data[0] == 0x7f || message.data[0] == 1 ?
			       PARSE_MORE : PARSE_BAD;
	if (!bytes_u16(&message, &version))
		return PARSE_MORE;
	return tls_version_plausible(version) || version >> 8 == 0x7f ? PARSE_OK : PARSE_BAD;
}

/* RFC 5246 section 7.4.2: the list's length, then the first certificate's, then its SEQUENCE. */
static enum parse certificate_begins(struct bytes message, uint32_t len)
{
	uint32_t list, first;

	if (!bytes_u24(&message, &list))
		return PARSE_MORE;
	if (list + 3 != len)
		return PARSE_BAD;
	if (list == 0)
		return PARSE_OK;
	if (!bytes_u24(&message, &first))
		return PARSE_MORE;
	if (first < 2 || first + 3 > list)
		return PARSE_BAD;
	if (message.len == 0)
		return PARSE_MORE;
	return message.data[0] == 0x30 ? PARSE_OK : PARSE_BAD;
}

/* What the gathered bytes say alone. */
static enum parse message_begins(struct bytes message, enum tls_found *what)
{
	uint32_t len;
	uint8_t type;

	if (!bytes_u8(&message, &type))
		return PARSE_MORE;
	if (type != TLS_CLIENT_HELLO && type != TLS_SERVER_HELLO && type != TLS_CERTIFICATE)
		return PARSE_BAD;
	/* A hello of a mebibyte is none: known from the length's first byte. */
	if (type != TLS_CERTIFICATE && message.len && message.data[0] > 0x0f)
		return PARSE_BAD;
	if (!bytes_u24(&message, &len))
		return PARSE_MORE;
	*what = type == TLS_CLIENT_HELLO ? TLS_FOUND_CLIENT_HELLO :
		type == TLS_SERVER_HELLO ? TLS_FOUND_SERVER_HELLO : TLS_FOUND_CERTIFICATE;
	return type == TLS_CERTIFICATE ? certificate_begins(message, len) : hello_begins(message, len);
}

enum parse tls_begins(struct bytes in, enum tls_found *what)
{
	struct beginning b;
	enum parse gathered = gather_beginning(in, &b);
	enum parse result = message_begins(bytes_of(b.bytes, b.len), what);

	/* Sure with what is there: what follows, in further records, has no say. */
	if (result != PARSE_MORE)
		return result;
	return gathered == PARSE_MORE ? PARSE_MORE : PARSE_BAD;
}

/* RFC 5246 appendix E.2; RFC 6101 appendix E. */
static enum parse sslv2_hello_begins(struct bytes in)
{
	uint16_t length, version, specs, session_id, challenge;
	uint8_t type;

	if (in.len > 0 && !(in.data[0] & 0x80))
		return PARSE_BAD;
	if (!bytes_u16(&in, &length) || !bytes_u8(&in, &type))
		return PARSE_MORE;
	if (type != 1)
		return PARSE_BAD;
	if (!bytes_u16(&in, &version))
		return PARSE_MORE;
	if (version >> 8 != 3 && version != SSL_2_0)
		return PARSE_BAD;
	if (!bytes_u16(&in, &specs) || !bytes_u16(&in, &session_id) || !bytes_u16(&in, &challenge))
		return PARSE_MORE;
	return specs >= 3 && specs % 3 == 0 && (session_id == 0 || session_id == 16 || session_id == 32) &&
	       challenge >= 16 && challenge <= 32 &&
	       (length & 0x7fff) == 9u + specs + session_id + challenge ? PARSE_OK : PARSE_BAD;
}

/* A record of type `type` at the front: takes its header and, as far as it is there, its body. */
static bool record_at(struct bytes *in, uint8_t type, uint16_t *len)
{
	uint16_t version;
	uint8_t t;

	if (!bytes_u8(in, &t) || t != type || !bytes_u16(in, &version) ||
	    !tls_version_plausible(version) || !bytes_u16(in, len) || *len == 0 || *len > TLS_BODY_MAX)
		return false;
	return true;
}

static bool alert_begins(struct bytes in)
{
	uint8_t level;
	uint16_t len;

	return record_at(&in, TLS_ALERT, &len) && len == 2 && bytes_u8(&in, &level) &&
	       (level == 1 || level == 2) && in.len == 1;
}

/* Two records in a row: one header alone may be chance. */
static bool encrypted_begins(struct bytes in)
{
	uint16_t len;

	if (!record_at(&in, TLS_APPLICATION_DATA, &len) || !bytes_skip(&in, len))
		return false;
	return record_at(&in, TLS_APPLICATION_DATA, &len);
}

/* A ServerKeyExchange, ClientKeyExchange ... that fills its record exactly, or is followed by one more. */
static bool other_handshake_begins(struct bytes in)
{
	struct bytes body;
	uint16_t len;
	uint32_t message;
	uint8_t type;

	if (!record_at(&in, TLS_HANDSHAKE, &len) || len < 4)
		return false;
	body = in;
	if (!bytes_u8(&body, &type) || !bytes_u24(&body, &message))
		return false;
	if (type != TLS_SERVER_KEY_EXCHANGE && type != TLS_CLIENT_KEY_EXCHANGE &&
	    type != TLS_CERTIFICATE_REQUEST && type != TLS_NEW_SESSION_TICKET &&
	    type != TLS_CERTIFICATE_STATUS && type != TLS_CERTIFICATE_VERIFY)
		return false;
	return message + 4 == len;
}

enum parse tls_record_begins(struct bytes in)
{
	uint8_t type;
	uint16_t version, len;

	if (!bytes_u8(&in, &type))
		return PARSE_MORE;
	if (type != TLS_HANDSHAKE && type != TLS_ALERT)
		return PARSE_BAD;
	if (!bytes_u16(&in, &version))
		return in.len == 0 || in.data[0] == 3 || in.data[0] == 1 ? PARSE_MORE : PARSE_BAD;
	if (!tls_version_plausible(version))
		return PARSE_BAD;
	if (!bytes_u16(&in, &len))
		return PARSE_MORE;
	return len <= TLS_BODY_MAX ? PARSE_OK : PARSE_BAD;
}

enum parse tls_head(struct bytes in, enum tls_found *what)
{
	enum parse result;

	if (in.len == 0)
		return PARSE_BAD;
	if (in.data[0] == TLS_HANDSHAKE) {
		result = tls_begins(in, what);
		if (result != PARSE_BAD || !other_handshake_begins(in))
			return result;
		*what = TLS_FOUND_OTHER_HANDSHAKE;
		return PARSE_OK;
	}
	*what = TLS_FOUND_SSLV2_HELLO;
	result = sslv2_hello_begins(in);
	if (result != PARSE_BAD)
		return result;
	*what = TLS_FOUND_ALERT;
	if (in.data[0] == TLS_ALERT && alert_begins(in))
		return PARSE_OK;
	*what = TLS_FOUND_ENCRYPTED;
	if (in.data[0] == TLS_APPLICATION_DATA && encrypted_begins(in))
		return PARSE_OK;
	return PARSE_BAD;
}

enum parse tls_find(struct bytes in, size_t *at, enum tls_found *what)
{
	struct bytes rest = in;
	const uint8_t *hit;
	enum parse result;

	while (rest.len > 0) {
		hit = memchr(rest.data, TLS_HANDSHAKE, rest.len);
		if (!hit)
			return PARSE_BAD;
		rest = bytes_of(hit, rest.len - (size_t)(hit - rest.data));
		result = tls_begins(rest, what);
		if (result != PARSE_BAD) {
			*at = in.len - rest.len;
			return result;
		}
		rest.data++;
		rest.len--;
	}
	return PARSE_BAD;
}
