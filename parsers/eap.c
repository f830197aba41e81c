/* SPDX-License-Identifier: Apache-2.0 */
#include "parsers/eap.h"

#define HEADER_LEN 4
#define EAPOL_PACKET 0          /* IEEE 802.1X-2020 table 11-3: an EAP packet inside */
#define EAPOL_VERSION_MAX 3
#define TLS_MESSAGE_MAX (1u << 20)
#define IDENTIFIERS_MISSED_MAX 4

#define FLAG_LENGTH 0x80
#define FLAG_MORE 0x40
#define FLAG_START 0x20
#define FLAG_OUTER 0x10         /* RFC 7170 section 4.1: length of TLVs behind the TLS data */

static const struct method {
	uint8_t type;
	const char *name;
} methods[] = {
	{ 13, "eap-tls" }, { 21, "eap-ttls" }, { 25, "peap" }, { 43, "eap-fast" }, { 55, "teap" },
};

#define TYPE_TEAP 55

bool eap_eapol(struct bytes in, struct bytes *eap)
{
	uint8_t version, type;

	return bytes_u8(&in, &version) && version >= 1 && version <= EAPOL_VERSION_MAX &&
	       bytes_u8(&in, &type) && type == EAPOL_PACKET && bytes_vec16(&in, eap) &&
	       eap->len >= HEADER_LEN;
}

bool eap_parse(struct bytes in, struct eap_packet *out)
{
	struct eap_packet p = { 0 };
	size_t total = in.len;
	uint16_t len;

	if (!bytes_u8(&in, &p.code) || !bytes_u8(&in, &p.identifier) || !bytes_u16(&in, &len) ||
	    len != total || len > EAP_LEN_MAX)
		return false;
	if (p.code == EAP_REQUEST || p.code == EAP_RESPONSE) {
		if (!bytes_u8(&in, &p.type))
			return false;
	} else if ((p.code != EAP_SUCCESS && p.code != EAP_FAILURE) || in.len != 0) {
		return false;
	}
	p.data = in;
	*out = p;
	return true;
}

static const struct method *find_method(uint8_t type)
{
	for (size_t i = 0; i < ARRAY_SIZE(methods); i++)
		if (methods[i].type == type)
			return &methods[i];
	return NULL;
}

const char *eap_tls_name(const struct eap_tls *e)
{
	const struct method *m = find_method(e->method);

	return m ? m->name : "eap";
}

struct fragment {
	uint8_t flags;
	uint32_t total;         /* 0: not told */
	struct bytes tls;
};

/* RFC 5216 section 3.1; the others differ only in the bits that number their version. */
static bool parse_fragment(const struct eap_packet *p, struct fragment *out)
{
	struct fragment f = { 0 };
	struct bytes in = p->data;
	uint32_t outer = 0;

	if (!bytes_u8(&in, &f.flags))
		return false;
	if (f.flags & FLAG_LENGTH && (!bytes_u32(&in, &f.total) || f.total > TLS_MESSAGE_MAX))
		return false;
	if (p->type == TYPE_TEAP && f.flags & FLAG_OUTER &&
	    (!bytes_u32(&in, &outer) || outer > in.len))
		return false;
	f.tls = bytes_of(in.data, in.len - outer);
	*out = f;
	return true;
}

/*
 * Requests are numbered one after the other by all servers that are known, and a response bears its
 * request's number; so a small jump within a message means that fragments were lost.
 */
static uint32_t missed_before(const struct eap_tls_end *end, uint8_t identifier)
{
	uint8_t step = (uint8_t)(identifier - end->identifier);

	return end->more && step > 1 && step <= IDENTIFIERS_MISSED_MAX ? step - 1u : 0;
}

static enum eap_tls_said take_fragment(struct eap_tls_end *end, const struct fragment *f,
				       uint32_t missed, struct eap_tls_piece *out)
{
	if (f->tls.len == 0)
		return EAP_TLS_NOTHING;         /* an acknowledgement */
	if (!end->more) {
		end->got = 0;
		end->total = f->total;
	}
	end->got += (uint32_t)f->tls.len;
	end->more = f->flags & FLAG_MORE;
	if (!end->more && end->got < end->total && missed == 0)
		missed = 1;
	out->tls = f->tls;
	out->missed = missed;
	return EAP_TLS_BYTES;
}

/* The server begins a method anew: whatever went before is over. */
static enum eap_tls_said begin(struct eap_tls *e, const struct eap_packet *p)
{
	*e = (struct eap_tls){ .method = p->type };
	e->end[1].seen = true;
	e->end[1].identifier = p->identifier;
	return EAP_TLS_BEGINS;
}

enum eap_tls_said eap_tls_feed(struct eap_tls *e, const struct eap_packet *p,
			       struct eap_tls_piece *out)
{
	struct eap_tls_end *end = &e->end[p->code == EAP_REQUEST];
	struct fragment f;
	uint32_t missed;

	if (p->code == EAP_SUCCESS || p->code == EAP_FAILURE) {
		*e = (struct eap_tls){ .method = e->method };
		return EAP_TLS_ENDS;
	}
	if (!find_method(p->type) || !parse_fragment(p, &f))
		return EAP_TLS_NOTHING;
	/* RFC 3748 section 4.1: what bears the number of the one before is that one again. */
	if (end->seen && end->identifier == p->identifier && e->method == p->type)
		return EAP_TLS_NOTHING;
	if (f.flags & FLAG_START && p->code == EAP_REQUEST)
		return begin(e, p);
	missed = missed_before(end, p->identifier);
	e->method = p->type;
	end->seen = true;
	end->identifier = p->identifier;
	out->end = p->code == EAP_REQUEST;
	return take_fragment(end, &f, missed, out);
}
