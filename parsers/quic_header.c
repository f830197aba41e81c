/* SPDX-License-Identifier: Apache-2.0 */
#include "parsers/quic_parts.h"

#define LONG_HEADER 0x80
#define FORM_BITS 0xc0               /* that, and the fixed bit */
#define NUMBER_MAX 4                 /* bytes of the longest packet number */
#define LENGTH_MIN (NUMBER_MAX + QUIC_TAG_LEN)   /* RFC 9001 section 5.4.2: a sample at least */
#define VERSION_NEGOTIATION 0u

#define LABELS_V1 .key = "quic key", .iv = "quic iv", .hp = "quic hp"
#define SALT_V1 { 0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d, 0x17, \
		  0x9a, 0xe6, 0xa4, 0xc8, 0x0c, 0xad, 0xcc, 0xbb, 0x7f, 0x0a }

static const struct quic_version versions[] = {
	{ QUIC_V1, QUIC_V1, SALT_V1, LABELS_V1 },
	{ QUIC_V2, QUIC_V2,                                     /* RFC 9369 section 3.3 */
	  { 0x0d, 0xed, 0xe3, 0xde, 0xf7, 0x00, 0xa6, 0xdb, 0x81, 0x93,
	    0x81, 0xbe, 0x6e, 0x26, 0x9d, 0xcb, 0xf9, 0xbd, 0x2e, 0xd9 },
	  .key = "quicv2 key", .iv = "quicv2 iv", .hp = "quicv2 hp", .type_shift = 1 },
	{ QUIC_V2_DRAFT, QUIC_V2_DRAFT,                         /* draft-ietf-quic-v2 */
	  { 0xa7, 0x07, 0xc2, 0x03, 0xa5, 0x9b, 0x47, 0x18, 0x4a, 0x1d,
	    0x62, 0xca, 0x57, 0x04, 0x06, 0xea, 0x7a, 0xe3, 0xe5, 0xd3 },
	  .key = "quicv2 key", .iv = "quicv2 iv", .hp = "quicv2 hp", .type_shift = 1 },
	{ 0xff000017, 0xff00001c,                               /* drafts 23 to 28 */
	  { 0xc3, 0xee, 0xf7, 0x12, 0xc7, 0x2e, 0xbb, 0x5a, 0x11, 0xa7,
	    0xd2, 0x43, 0x2b, 0xb4, 0x63, 0x65, 0xbe, 0xf9, 0xf5, 0x02 }, LABELS_V1 },
	{ QUIC_DRAFT_29, 0xff000020,                            /* drafts 29 to 32 */
	  { 0xaf, 0xbf, 0xec, 0x28, 0x99, 0x93, 0xd2, 0x4c, 0x9e, 0x97,
	    0x86, 0xf1, 0x9c, 0x61, 0x11, 0xe0, 0x43, 0x90, 0xa8, 0x99 }, LABELS_V1 },
	{ 0xff000021, 0xff000022, SALT_V1, LABELS_V1 },         /* drafts 33 and 34 */
};

const struct quic_version *quic_version_find(uint32_t version)
{
	for (size_t i = 0; i < ARRAY_SIZE(versions); i++) {
		if (version >= versions[i].first && version <= versions[i].last)
			return &versions[i];
	}
	return NULL;
}

bool quic_varint(struct bytes *in, uint64_t *out)
{
	struct bytes rest = *in, taken;
	uint64_t value;

	if (rest.len < 1 || !bytes_take(&rest, (size_t)1 << (rest.data[0] >> 6), &taken))
		return false;
	value = taken.data[0] & 0x3f;
	for (size_t i = 1; i < taken.len; i++)
		value = value << 8 | taken.data[i];
	*in = rest;
	*out = value;
	return true;
}

static bool connection_id(struct bytes *in, struct bytes *out)
{
	return bytes_vec8(in, out) && out->len <= QUIC_CID_MAX;
}

/* Length, and the packet number and payload that it counts. */
static bool packet_body(struct bytes *rest, const uint8_t *start, struct quic_packet *p)
{
	uint64_t length;

	if (!quic_varint(rest, &length) || length < LENGTH_MIN || length > QUIC_DATAGRAM_MAX)
		return false;
	p->number_at = (size_t)(rest->data - start);
	p->cut = length > rest->len;
	if (p->cut)
		length = rest->len;
	p->whole = bytes_of(start, p->number_at + (size_t)length);
	return bytes_skip(rest, (size_t)length);
}

bool quic_packet_next(struct bytes *in, struct quic_packet *out)
{
	const struct quic_version *version;
	struct quic_packet p = { .whole = *in };
	struct bytes rest = *in, token;
	uint64_t token_len;
	uint8_t first;

	if (!bytes_u8(&rest, &first) || !(first & LONG_HEADER) || !bytes_u32(&rest, &p.version))
		return false;
	if (!connection_id(&rest, &p.dcid) || !connection_id(&rest, &p.scid))
		return false;
	version = quic_version_find(p.version);
	if (p.version == VERSION_NEGOTIATION)
		p.type = QUIC_VERSION_NEGOTIATION;
	else if (version)
		p.type = (enum quic_type)(((first >> 4 & 3) - version->type_shift) & 3);
	else
		return false;
	if (p.type == QUIC_INITIAL &&
	    (!quic_varint(&rest, &token_len) || token_len > rest.len ||
	     !bytes_take(&rest, (size_t)token_len, &token)))
		return false;
	if (p.type >= QUIC_RETRY)
		rest.len = 0;
	else if (!packet_body(&rest, in->data, &p))
		return false;
	*in = rest;
	*out = p;
	return true;
}

bool quic_begins(struct bytes datagram)
{
	struct quic_packet packet;

	/* RFC 9287's bit is agreed on inside: the first packets of a connection have it set. */
	return datagram.len > 0 && (datagram.data[0] & FORM_BITS) == FORM_BITS &&
	       quic_packet_next(&datagram, &packet) && packet.number_at > 0;
}
