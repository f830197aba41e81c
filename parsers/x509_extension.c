/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Extensions: RFC 5280 section 4.2. One that is there twice counts twice where it is a list (SAN),
 * else the first is taken: OpenSSL shows none at all then, which hides names.
 */
#include <limits.h>

#include "parsers/x509_parts.h"

enum {
	NAME_EMAIL = 1,    /* GeneralName's numbers, section 4.2.1.6 */
	NAME_DNS = 2,
	NAME_URI = 6,
	NAME_IP = 7,
};

static const uint8_t oid_subject_key_id[] = { 0x55, 0x1d, 0x0e };
static const uint8_t oid_subject_alt_name[] = { 0x55, 0x1d, 0x11 };
static const uint8_t oid_basic_constraints[] = { 0x55, 0x1d, 0x13 };
static const uint8_t oid_authority_key_id[] = { 0x55, 0x1d, 0x23 };
static const uint8_t oid_sct_list[] = {     /* RFC 6962 section 3.3 */
	0x2b, 0x06, 0x01, 0x04, 0x01, 0xd6, 0x79, 0x02, 0x04, 0x02
};

/*
 * What an OCTET STRING holds. BER may cut one into pieces (X.690 section 8.7.3); one piece is
 * looked into, several are not joined.
 */
static bool octets_open(struct der_element *string, struct der *out)
{
	struct der_element piece;

	while (string->tag == (DER_OCTET_STRING | DER_CONSTRUCTED)) {
		if (!der_next(&string->inside, &piece) || string->inside.rest.len > 0)
			return false;
		*string = piece;
	}
	if (string->tag != DER_OCTET_STRING)
		return false;
	*out = string->inside;
	return true;
}

bool x509_extension_next(struct der *list, struct x509_extension *out)
{
	struct der rest = *list;
	struct der_element extension, oid, critical, value;

	if (!der_next(&rest, &extension) || !der_expect(&extension.inside, DER_OID, &oid))
		return false;
	if (!der_expect(&extension.inside, DER_BOOLEAN, &critical))
		critical = (struct der_element){ 0 };   /* it has a default */
	if (!der_next(&extension.inside, &value) || !octets_open(&value, &out->value))
		return false;
	out->oid = oid.value;
	*list = rest;
	return true;
}

static bool is(const struct x509_extension *extension, const uint8_t *oid, size_t len)
{
	return bytes_equal(extension->oid, bytes_of(oid, len));
}

bool x509_extension_is_san(const struct x509_extension *extension)
{
	return is(extension, oid_subject_alt_name, sizeof(oid_subject_alt_name));
}

bool x509_san_open(const struct x509_extension *extension, struct der *names)
{
	struct der value = extension->value;
	struct der_element sequence;

	if (!der_expect_list(&value, DER_SEQUENCE, &sequence))
		return false;
	*names = sequence.inside;
	return true;
}

bool x509_san_next(struct der *names, struct x509_san *out)
{
	struct der_element name;

	if (!der_next(names, &name))
		return false;
	out->value = name.value;
	switch (name.tag) {
	case DER_CONTEXT | NAME_EMAIL:
		out->kind = X509_SAN_EMAIL;
		break;
	case DER_CONTEXT | NAME_DNS:
		out->kind = X509_SAN_DNS;
		break;
	case DER_CONTEXT | NAME_URI:
		out->kind = X509_SAN_URI;
		break;
	case DER_CONTEXT | NAME_IP:
		out->kind = X509_SAN_IP;
		break;
	default:
		out->kind = X509_SAN_OTHER;
	}
	return true;
}

static bool read_san(const struct x509_extension *extension, struct x509 *out)
{
	struct x509_san name;
	struct der names;

	if (!x509_san_open(extension, &names))
		return false;
	while (x509_san_next(&names, &name)) {
		out->san_total++;
		if (out->san_count < X509_SAN_MAX)
			out->san[out->san_count++] = name;
	}
	return names.rest.len == 0;
}

static int path_length(struct bytes integer)
{
	struct bytes magnitude = der_magnitude(integer);
	unsigned int value = 0;

	if (integer.len == 0 || integer.data[0] & 0x80)
		return -1;
	if (magnitude.len > 4 || (magnitude.len == 4 && magnitude.data[0] & 0x80))
		return INT_MAX;
	for (size_t i = 0; i < magnitude.len; i++)
		value = value << 8 | magnitude.data[i];
	return (int)value;
}

/* Section 4.2.1.9: SEQUENCE { cA BOOLEAN DEFAULT FALSE, pathLenConstraint INTEGER OPTIONAL } */
static bool read_basic_constraints(struct der value, struct x509 *out)
{
	struct der_element sequence, field;

	if (!der_expect(&value, DER_SEQUENCE, &sequence))
		return false;
	if (der_expect(&sequence.inside, DER_BOOLEAN, &field))
		out->is_ca |= field.value.len == 1 && field.value.data[0] != 0;
	if (out->path_len < 0 && der_expect(&sequence.inside, DER_INTEGER, &field))
		out->path_len = path_length(field.value);
	return true;
}

static bool read_subject_key_id(struct der value, struct x509 *out)
{
	struct der_element id;

	if (!der_expect(&value, DER_OCTET_STRING, &id))
		return false;
	if (out->subject_key_id.len == 0)
		out->subject_key_id = id.value;
	return true;
}

/* Section 4.2.1.1: the keyIdentifier is [0] and optional. */
static bool read_authority_key_id(struct der value, struct x509 *out)
{
	struct der_element sequence, id;

	if (!der_expect(&value, DER_SEQUENCE, &sequence))
		return false;
	if (der_expect(&sequence.inside, DER_CONTEXT | 0, &id) && out->authority_key_id.len == 0)
		out->authority_key_id = id.value;
	return true;
}

static const char *read_one(const struct x509_extension *extension, struct x509 *out)
{
	if (x509_extension_is_san(extension))
		return read_san(extension, out) ? NULL : "subjectAltName cannot be read";
	if (is(extension, oid_basic_constraints, sizeof(oid_basic_constraints)))
		return read_basic_constraints(extension->value, out) ?
		       NULL : "basicConstraints cannot be read";
	if (is(extension, oid_subject_key_id, sizeof(oid_subject_key_id)))
		return read_subject_key_id(extension->value, out) ?
		       NULL : "subjectKeyIdentifier cannot be read";
	if (is(extension, oid_authority_key_id, sizeof(oid_authority_key_id)))
		return read_authority_key_id(extension->value, out) ?
		       NULL : "authorityKeyIdentifier cannot be read";
	if (is(extension, oid_sct_list, sizeof(oid_sct_list)))
		out->has_sct = true;
	return NULL;
}

const char *x509_extensions_read(struct der list, struct x509 *out)
{
	struct x509_extension extension;
	const char *trouble = NULL, *why;

	while (x509_extension_next(&list, &extension)) {
		why = read_one(&extension, out);
		if (!trouble)
			trouble = why;
	}
	if (!trouble && list.rest.len > 0)
		trouble = "the extensions cannot be read to their end";
	return trouble;
}
