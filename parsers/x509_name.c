/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Distinguished names as text (RFC 4514): the last RDN first, attributes of one RDN joined with
 * "+". Controls and bad bytes follow text.h's \xHH, which no RFC 4514 escape can be mistaken for.
 */
#include "parsers/text.h"
#include "parsers/x509_oid.h"
#include "parsers/x509_parts.h"

/* RDNs put into the text. Real names have at most a dozen; those farther from the leaf are cut. */
#define RDN_MAX 64

struct attribute {
	struct bytes type;
	struct der_element value;
};

static bool take_attribute(struct der *rdn, struct attribute *out)
{
	struct der rest = *rdn;
	struct der_element pair, type;

	if (!der_next(&rest, &pair) || !der_expect(&pair.inside, DER_OID, &type) ||
	    !der_next(&pair.inside, &out->value))
		return false;
	out->type = type.value;
	*rdn = rest;
	return true;
}

/* A character of BMPString (with the surrogates it should not have) or UniversalString. */
static bool take_wide(struct bytes *in, unsigned int width, uint32_t *c)
{
	struct bytes rest = *in;
	uint16_t high, low;

	if (width == 4) {
		if (!bytes_u32(&rest, c) || *c > 0x10ffff || (*c >= 0xd800 && *c <= 0xdfff))
			return false;
	} else {
		if (!bytes_u16(&rest, &high))
			return false;
		*c = high;
		if (high >= 0xd800 && high <= 0xdfff) {
			if (high >= 0xdc00 || !bytes_u16(&rest, &low) || low >> 10 != 0x37)
				return false;
			*c = 0x10000 + ((uint32_t)(high & 0x3ff) << 10 | (low & 0x3ff));
		}
	}
	*in = rest;
	return true;
}

/* Takes one character, or one unit that is none as `bad` bytes. */
static uint32_t take_char(uint8_t tag, struct bytes *in, struct bytes *bad)
{
	unsigned int width = tag == DER_BMP_STRING ? 2 : tag == DER_UNIVERSAL_STRING ? 4 : 1;
	uint32_t c = in->data[0];

	*bad = bytes_of(in->data, 0);
	if (tag == DER_T61_STRING) {    /* in practice Latin-1 */
		in->data++;
		in->len--;
	} else if (!(width == 1 ? text_take_char(in, &c) : take_wide(in, width, &c))) {
		bad->len = in->len < width ? in->len : width;
		in->data += bad->len;
		in->len -= bad->len;
	}
	return c;
}

static bool is_string(uint8_t tag)
{
	switch (tag) {
	case DER_UTF8_STRING:
	case DER_NUMERIC_STRING:
	case DER_PRINTABLE_STRING:
	case DER_T61_STRING:
	case DER_IA5_STRING:
	case DER_VISIBLE_STRING:
	case DER_GENERAL_STRING:
	case DER_UNIVERSAL_STRING:
	case DER_BMP_STRING:
		return true;
	}
	return false;
}

/* RFC 4514 section 2.4: what must stand behind a backslash. */
static bool must_escape(uint32_t c, bool first, bool last)
{
	if (c == ' ')
		return first || last;
	if (c == '#')
		return first;
	return c == '"' || c == '+' || c == ',' || c == ';' || c == '<' || c == '>';
}

/* `escape`: as a value in a distinguished name. */
static void put_string(struct text *text, const struct der_element *string, bool escape)
{
	struct bytes in = string->value, bad;

	for (bool first = true; in.len > 0 && !text->cut; first = false) {
		uint32_t c = take_char(string->tag, &in, &bad);
		char pair[3] = { '\\', (char)c, '\0' };

		for (size_t i = 0; i < bad.len; i++)
			text_put_byte(text, bad.data[i]);
		if (bad.len > 0)
			continue;
		if (escape && must_escape(c, first, in.len == 0))
			text_put(text, pair);
		else
			text_put_char(text, c);
	}
}

/* RFC 4514 section 2.4: "#" and the hex of the whole encoding. */
static void put_hex(struct text *text, struct bytes in)
{
	char hex[3];

	text_put(text, "#");
	for (; in.len > 0 && !text->cut; in.data++, in.len--) {
		text_hex(in.data, 1, true, hex);
		text_put(text, hex);
	}
}

static void put_attribute(struct text *text, const struct attribute *attribute)
{
	const char *name = x509_oid_attribute(attribute->type);
	char dotted[128];

	if (!name)
		x509_oid_text(attribute->type, dotted, sizeof(dotted));
	text_put(text, name ? name : dotted);
	text_put(text, "=");
	if (name && is_string(attribute->value.tag))
		put_string(text, &attribute->value, true);
	else
		put_hex(text, attribute->value.raw);
}

static void put_rdn(struct text *text, struct der_element *rdn)
{
	struct attribute attribute;
	bool first = true;

	while (!text->cut && take_attribute(&rdn->inside, &attribute)) {
		if (!first)
			text_put(text, "+");
		put_attribute(text, &attribute);
		first = false;
	}
	if (first || rdn->inside.rest.len > 0) {        /* empty, or not only attributes */
		text_put(text, first ? "" : "+");
		put_hex(text, rdn->inside.rest);
	}
}

/* Remembers the most specific common name: the last of them in the order of encoding. */
static void note_common_name(const struct der_element *rdn, struct der_element *common_name)
{
	static const uint8_t cn[] = { 0x55, 0x04, 0x03 };
	struct der inside = rdn->inside;
	struct attribute attribute;

	while (take_attribute(&inside, &attribute))
		if (bytes_equal(attribute.type, bytes_of(cn, sizeof(cn))) &&
		    is_string(attribute.value.tag))
			*common_name = attribute.value;
}

void x509_name_read(const struct der_element *name, char *text, size_t text_size,
		    char *common_name, size_t common_name_size)
{
	struct der list = name->inside;
	struct der_element last[RDN_MAX], rdn, cn = { 0 };
	struct text out;
	size_t count = 0, shown;

	while (der_next(&list, &rdn)) {
		last[count++ % RDN_MAX] = rdn;
		note_common_name(&rdn, &cn);
	}
	text_start(&out, text, text_size);
	if (list.rest.len > 0)
		put_hex(&out, list.rest);       /* where the Name stops being one */
	shown = count < RDN_MAX ? count : RDN_MAX;
	for (size_t i = 1; i <= shown && !out.cut; i++) {
		if (out.len > 0)
			text_put(&out, ",");
		put_rdn(&out, &last[(count - i) % RDN_MAX]);
	}
	if (count > shown)
		text_put(&out, ",...");
	text_start(&out, common_name, common_name_size);
	put_string(&out, &cn, false);
}
