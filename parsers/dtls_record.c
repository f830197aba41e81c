/* SPDX-License-Identifier: Apache-2.0 */
#include "parsers/dtls.h"

#define MESSAGE_PLAUSIBLE_MAX (1u << 20)
#define SEALED_MIN 16     /* RFC 9147 section 4.2.3: the least that is encrypted */

/* RFC 9147 section 4: 001CSLEE. Sequence numbers and lengths are there as the bits say. */
static bool unified_record(struct bytes *datagram, struct dtls_record *out)
{
	struct bytes rest = *datagram;
	struct dtls_record r = { .encrypted = true };
	uint16_t len;
	uint8_t flags;
	bool has_id, long_sequence, has_length;

	if (!bytes_u8(&rest, &flags) || flags >> 5 != 1)
		return false;
	has_id = flags & 0x10;
	long_sequence = flags & 0x08;
	has_length = flags & 0x04;
	r.epoch = flags & 0x03;
	if (has_id || !has_length) {
		if (rest.len < (long_sequence ? 2u : 1u) + SEALED_MIN ||
		    !bytes_take(&rest, rest.len, &r.body))
			return false;
	} else {
		if (!bytes_skip(&rest, long_sequence ? 2 : 1) || !bytes_u16(&rest, &len) ||
		    len < SEALED_MIN || len > TLS_BODY_MAX)
			return false;
		r.cut = (uint16_t)(len > rest.len ? len - rest.len : 0);
		if (!bytes_take(&rest, (size_t)(len - r.cut), &r.body))
			return false;
	}
	*datagram = rest;
	*out = r;
	return true;
}

bool dtls_record_next(struct bytes *datagram, struct dtls_record *out)
{
	struct bytes rest = *datagram;
	struct dtls_record r = { 0 };
	uint32_t sequence;
	uint16_t sequence_high, len;

	if (rest.len > 0 && rest.data[0] >> 5 == 1)
		return unified_record(datagram, out);
	if (!bytes_u8(&rest, &r.type) || r.type < TLS_CHANGE_CIPHER_SPEC || r.type > DTLS_ACK ||
	    !bytes_u16(&rest, &r.version) || !dtls_version_plausible(r.version) ||
	    !bytes_u16(&rest, &r.epoch) || !bytes_u16(&rest, &sequence_high) ||
	    !bytes_u32(&rest, &sequence))
		return false;
	r.sequence = (uint64_t)sequence_high << 32 | sequence;
	r.encrypted = r.epoch > 0 || r.type == DTLS_CONNECTION_ID;
	if (r.type == DTLS_CONNECTION_ID) {
		if (r.epoch == 0 || !bytes_take(&rest, rest.len, &r.body))
			return false;
	} else {
		if (!bytes_u16(&rest, &len) || len > TLS_BODY_MAX)
			return false;
		r.cut = (uint16_t)(len > rest.len ? len - rest.len : 0);
		if (!bytes_take(&rest, (size_t)(len - r.cut), &r.body))
			return false;
	}
	*datagram = rest;
	*out = r;
	return true;
}

bool dtls_fragment_next(struct bytes *body, bool cut, struct dtls_fragment *out)
{
	struct bytes rest = *body;
	struct dtls_fragment f;
	size_t len;

	if (!bytes_u8(&rest, &f.type) || !bytes_u24(&rest, &f.total) ||
	    !bytes_u16(&rest, &f.message_seq) || !bytes_u24(&rest, &f.offset) ||
	    !bytes_u24(&rest, &f.len) || f.offset > f.total || f.len > f.total - f.offset)
		return false;
	len = cut && f.len > rest.len ? rest.len : f.len;
	if (!bytes_take(&rest, len, &f.data))
		return false;
	*body = rest;
	*out = f;
	return true;
}

/* client_version, server_version: RFC 6347 section 4.3.2. */
static bool hello_plausible(const struct dtls_fragment *f)
{
	/* The least: version, random, session id; then suites or one suite, compression. */
	size_t least = f->type == TLS_HELLO_VERIFY_REQUEST ? 3 : 2 + 32 + 1 + 3;
	struct bytes data = f->data;
	uint16_t version;

	if (f->total < least)
		return false;
	if (f->offset > 0 || data.len < 2)
		return true;
	return bytes_u16(&data, &version) && dtls_version_plausible(version);
}

/* RFC 5246 section 7.4.2: the list's length, then the first certificate's. */
static bool certificate_plausible(const struct dtls_fragment *f)
{
	struct bytes data = f->data;
	uint32_t list, first;

	if (f->total < 3)
		return false;
	if (f->offset > 0 || !bytes_u24(&data, &list))
		return true;
	if (list + 3 != f->total)
		return false;
	return list == 0 || !bytes_u24(&data, &first) || (first >= 2 && first + 3 <= list);
}

/* What goes in clear, RFC 6347 section 4.3.2, and RFC 5077, 4680 and 6066. */
static bool fragment_plausible(const struct dtls_fragment *f)
{
	if (f->total > MESSAGE_PLAUSIBLE_MAX || (f->len == 0 && f->total > 0))
		return false;
	switch (f->type) {
	case TLS_HELLO_REQUEST:
	case TLS_SERVER_HELLO_DONE:
		return f->total == 0;
	case TLS_CLIENT_HELLO:
	case TLS_SERVER_HELLO:
	case TLS_HELLO_VERIFY_REQUEST:
		return hello_plausible(f);
	case TLS_CERTIFICATE:
		return certificate_plausible(f);
	case TLS_NEW_SESSION_TICKET:
	case TLS_SERVER_KEY_EXCHANGE:
	case TLS_CERTIFICATE_REQUEST:
	case TLS_CERTIFICATE_VERIFY:
	case TLS_CLIENT_KEY_EXCHANGE:
	case TLS_CERTIFICATE_URL:
	case TLS_CERTIFICATE_STATUS:
	case TLS_SUPPLEMENTAL_DATA:
		return f->total > 0;
	default:
		return false;
	}
}

bool dtls_begins(struct bytes datagram)
{
	struct dtls_record record;
	struct dtls_fragment fragment;

	return dtls_record_next(&datagram, &record) && record.type == TLS_HANDSHAKE &&
	       !record.encrypted && dtls_fragment_next(&record.body, record.cut > 0, &fragment) &&
	       fragment_plausible(&fragment);
}

bool dtls_continues(struct bytes datagram)
{
	struct dtls_record record;

	return dtls_record_next(&datagram, &record);
}
