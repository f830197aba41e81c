/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificate and TBSCertificate, RFC 5280 section 4.1, field after field. Tags are asked for only
 * where a field could be taken for another: OpenSSL's d2i_X509 loses the whole certificate over
 * one tag.
 */
#include "parsers/x509_parts.h"

/* [0] { INTEGER }; v1 certificates leave it out. */
static unsigned int read_version(struct der_element *field)
{
	struct der_element number;
	struct bytes magnitude;
	unsigned int version = 0;

	if (!der_expect(&field->inside, DER_INTEGER, &number) || number.value.len == 0 ||
	    number.value.data[0] & 0x80)
		return 0;
	magnitude = der_magnitude(number.value);
	if (magnitude.len > 3)
		return 0;
	for (size_t i = 0; i < magnitude.len; i++)
		version = version << 8 | magnitude.data[i];
	return version + 1;
}

static void read_serial(struct bytes integer, struct x509 *out)
{
	struct bytes magnitude = der_magnitude(integer);
	size_t kept;

	if (magnitude.len == 0 && integer.len > 0)
		magnitude = bytes_of(integer.data, 1);  /* zero */
	out->serial_negative = integer.len > 0 && integer.data[0] & 0x80;
	out->serial_len = magnitude.len;
	kept = magnitude.len < X509_SERIAL_MAX ? magnitude.len : X509_SERIAL_MAX;
	if (kept > 0)
		memcpy(out->serial, magnitude.data, kept);
}

static void read_validity(struct der inside, struct x509 *out)
{
	struct der_element time;

	if (der_next(&inside, &time))
		x509_time_read(&time, &out->not_before);
	if (der_next(&inside, &time))
		x509_time_read(&time, &out->not_after);
}

/* Behind the key: [1] and [2] unique identifiers, [3] extensions. */
static void read_optional(struct der rest, struct x509 *out, struct x509_walk *walk)
{
	struct der_element field, list;

	while (der_next(&rest, &field)) {
		if (field.tag != (DER_CONTEXT | DER_CONSTRUCTED | 3))
			continue;
		if (!der_expect_list(&field.inside, DER_SEQUENCE, &list)) {
			walk->note = "the extensions are not a list";
			return;
		}
		out->extensions = list.value;
		walk->note = x509_extensions_read(list.inside, out);
		return;
	}
	if (rest.rest.len > 0)
		walk->note = "the fields after the key cannot be read";
}

static bool next_constructed(struct der *in, struct der_element *out)
{
	return in->rest.len > 0 && in->rest.data[0] & DER_CONSTRUCTED && der_next(in, out);
}

/* A Name: a SEQUENCE OF, or something constructed in its place. */
static bool next_name(struct der *in, struct der_element *out)
{
	return der_expect_list(in, DER_SEQUENCE, out) || next_constructed(in, out);
}

static const char *read_tbs(struct der tbs, struct x509 *out, struct x509_walk *walk)
{
	struct der_element field;

	out->version = 1;
	if (der_expect(&tbs, DER_CONTEXT | DER_CONSTRUCTED | 0, &field))
		out->version = read_version(&field);
	if (!der_expect(&tbs, DER_INTEGER, &field))
		return "no serial number";
	read_serial(field.value, out);
	if (!next_constructed(&tbs, &field))
		return "no signature algorithm";
	x509_signature_read(&field, out);
	if (!next_name(&tbs, &field))
		return "no issuer";
	out->issuer_der = field.raw;
	x509_name_read(&field, out->issuer, sizeof(out->issuer), out->issuer_cn,
		       sizeof(out->issuer_cn));
	if (!next_constructed(&tbs, &field))
		return "no validity";
	read_validity(field.inside, out);
	if (!next_name(&tbs, &field))
		return "no subject";
	out->subject_der = field.raw;
	x509_name_read(&field, out->subject, sizeof(out->subject), out->subject_cn,
		       sizeof(out->subject_cn));
	if (!next_constructed(&tbs, &field))
		return "no public key";
	out->spki_der = field.raw;
	walk->unfit = x509_key_read(&field, out);
	read_optional(tbs, out, walk);
	return NULL;
}

void x509_fields_read(struct bytes der, struct x509 *out, struct x509_walk *walk)
{
	unsigned int budget = DER_ELEMENTS_MAX;
	struct der in = der_walk(der, &budget);
	struct der_element certificate, tbs, algorithm;
	bool cut = false;

	*walk = (struct x509_walk){ 0 };
	if (!der_next_cut(&in, &certificate, &cut) || certificate.tag != DER_SEQUENCE) {
		walk->refused = "not a SEQUENCE";
		return;
	}
	if (!der_next_cut(&certificate.inside, &tbs, &cut) || tbs.tag != DER_SEQUENCE) {
		walk->refused = "TBSCertificate is not a SEQUENCE";
		return;
	}
	walk->refused = read_tbs(tbs.inside, out, walk);
	if (next_constructed(&certificate.inside, &algorithm))
		x509_signature_read(&algorithm, out);   /* the one that counts; they may differ */
	if (!walk->note && cut)
		walk->note = "ends early";
	else if (!walk->note && in.rest.len > 0)
		walk->note = "bytes after the certificate";
	if (!walk->refused && budget == 0)
		walk->note = "too many elements";
}
