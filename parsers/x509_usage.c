/* SPDX-License-Identifier: Apache-2.0 */
#include "parsers/x509_usage.h"

#include "parsers/x509_parts.h"

static const uint8_t oid_key_usage[] = { 0x55, 0x1d, 0x0f };
static const uint8_t oid_extended_key_usage[] = { 0x55, 0x1d, 0x25 };
/* id-kp (RFC 5280 section 4.2.1.12), then 1: serverAuth, 2: clientAuth. */
static const uint8_t oid_purpose[] = { 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03 };

void x509_san_walk_start(struct x509_san_walk *walk, const struct x509 *cert)
{
	*walk = (struct x509_san_walk){ .budget = DER_ELEMENTS_MAX };
	walk->extensions = der_walk(cert->extensions, &walk->budget);
}

bool x509_san_walk_next(struct x509_san_walk *walk, struct x509_san *out)
{
	struct x509_extension extension;

	for (;;) {
		if (walk->open && x509_san_next(&walk->names, out))
			return true;
		walk->broken |= walk->open && walk->names.rest.len > 0;
		walk->open = false;
		if (!x509_extension_next(&walk->extensions, &extension))
			break;
		if (!x509_extension_is_san(&extension))
			continue;
		walk->open = x509_san_open(&extension, &walk->names);
		walk->broken |= !walk->open;
	}
	walk->broken |= walk->extensions.rest.len > 0;
	return false;
}

/* A BIT STRING of named bits: the first octet says how many of the last one's are not used. */
static void read_key_usage(struct der value, struct x509_usage *out)
{
	struct der_element bits;

	if (!der_expect(&value, DER_BIT_STRING, &bits) || bits.value.len < 2)
		return;
	out->has_key_usage = true;
	out->key_usage = (uint16_t)(bits.value.data[1] << 8);
	if (bits.value.len > 2)
		out->key_usage |= bits.value.data[2];
}

static enum x509_purpose purpose_of(struct bytes oid)
{
	if (oid.len != sizeof(oid_purpose) + 1 || memcmp(oid.data, oid_purpose, sizeof(oid_purpose)) != 0)
		return X509_PURPOSE_OTHER;
	switch (oid.data[sizeof(oid_purpose)]) {
	case 1:
		return X509_PURPOSE_SERVER;
	case 2:
		return X509_PURPOSE_CLIENT;
	default:
		return X509_PURPOSE_OTHER;
	}
}

static void read_purposes(struct der value, struct x509_usage *out)
{
	struct der_element list, oid;

	if (!der_expect_list(&value, DER_SEQUENCE, &list))
		return;
	out->has_purposes = true;
	while (der_next(&list.inside, &oid))
		out->purposes |= purpose_of(oid.value);
}

void x509_usage_read(const struct x509 *cert, struct x509_usage *out)
{
	unsigned int budget = DER_ELEMENTS_MAX;
	struct der extensions = der_walk(cert->extensions, &budget);
	struct x509_extension extension;

	*out = (struct x509_usage){ 0 };
	while (x509_extension_next(&extensions, &extension)) {
		if (bytes_equal(extension.oid, bytes_of(oid_key_usage, sizeof(oid_key_usage))))
			read_key_usage(extension.value, out);
		else if (bytes_equal(extension.oid,
				     bytes_of(oid_extended_key_usage, sizeof(oid_extended_key_usage))))
			read_purposes(extension.value, out);
	}
}
