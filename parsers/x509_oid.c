/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Object identifiers by their encoded bytes. Names of signature algorithms and attributes are
 * OpenSSL's where it has one, those of curves are SECG's (SEC 2) and RFC 5639's.
 */
#include <stdio.h>

#include "parsers/text.h"
#include "parsers/x509_oid.h"

#define OID(octets) { (const uint8_t *)(octets), sizeof(octets) - 1 }

static const struct x509_signature_oid signatures[] = {
	{ OID("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x02"), "md2WithRSAEncryption", true },
	{ OID("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x03"), "md4WithRSAEncryption", true },
	{ OID("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x04"), "md5WithRSAEncryption", true },
	{ OID("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x05"), "sha1WithRSAEncryption", true },
	{ OID("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a"), "rsassaPss", false },
	{ OID("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b"), "sha256WithRSAEncryption", false },
	{ OID("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0c"), "sha384WithRSAEncryption", false },
	{ OID("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0d"), "sha512WithRSAEncryption", false },
	{ OID("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0e"), "sha224WithRSAEncryption", false },
	{ OID("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0f"), "sha512-224WithRSAEncryption", false },
	{ OID("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x10"), "sha512-256WithRSAEncryption", false },
	{ OID("\x2b\x0e\x03\x02\x03"), "md5WithRSA", true },
	{ OID("\x2b\x0e\x03\x02\x0d"), "dsaWithSHA", true },
	{ OID("\x2b\x0e\x03\x02\x1b"), "dsaWithSHA1-old", true },
	{ OID("\x2b\x0e\x03\x02\x1d"), "sha1WithRSA", true },
	{ OID("\x2b\x24\x03\x03\x01\x02"), "ripemd160WithRSA", false },
	{ OID("\x2a\x86\x48\xce\x38\x04\x03"), "dsaWithSHA1", true },
	{ OID("\x60\x86\x48\x01\x65\x03\x04\x03\x01"), "dsa_with_SHA224", false },
	{ OID("\x60\x86\x48\x01\x65\x03\x04\x03\x02"), "dsa_with_SHA256", false },
	{ OID("\x60\x86\x48\x01\x65\x03\x04\x03\x03"), "dsa_with_SHA384", false },
	{ OID("\x60\x86\x48\x01\x65\x03\x04\x03\x04"), "dsa_with_SHA512", false },
	{ OID("\x60\x86\x48\x01\x65\x03\x04\x03\x05"), "dsa_with_SHA3-224", false },
	{ OID("\x60\x86\x48\x01\x65\x03\x04\x03\x06"), "dsa_with_SHA3-256", false },
	{ OID("\x60\x86\x48\x01\x65\x03\x04\x03\x07"), "dsa_with_SHA3-384", false },
	{ OID("\x60\x86\x48\x01\x65\x03\x04\x03\x08"), "dsa_with_SHA3-512", false },
	{ OID("\x2a\x86\x48\xce\x3d\x04\x01"), "ecdsa-with-SHA1", true },
	{ OID("\x2a\x86\x48\xce\x3d\x04\x03\x01"), "ecdsa-with-SHA224", false },
	{ OID("\x2a\x86\x48\xce\x3d\x04\x03\x02"), "ecdsa-with-SHA256", false },
	{ OID("\x2a\x86\x48\xce\x3d\x04\x03\x03"), "ecdsa-with-SHA384", false },
	{ OID("\x2a\x86\x48\xce\x3d\x04\x03\x04"), "ecdsa-with-SHA512", false },
	{ OID("\x60\x86\x48\x01\x65\x03\x04\x03\x09"), "ecdsa_with_SHA3-224", false },
	{ OID("\x60\x86\x48\x01\x65\x03\x04\x03\x0a"), "ecdsa_with_SHA3-256", false },
	{ OID("\x60\x86\x48\x01\x65\x03\x04\x03\x0b"), "ecdsa_with_SHA3-384", false },
	{ OID("\x60\x86\x48\x01\x65\x03\x04\x03\x0c"), "ecdsa_with_SHA3-512", false },
	{ OID("\x60\x86\x48\x01\x65\x03\x04\x03\x0d"), "RSA-SHA3-224", false },
	{ OID("\x60\x86\x48\x01\x65\x03\x04\x03\x0e"), "RSA-SHA3-256", false },
	{ OID("\x60\x86\x48\x01\x65\x03\x04\x03\x0f"), "RSA-SHA3-384", false },
	{ OID("\x60\x86\x48\x01\x65\x03\x04\x03\x10"), "RSA-SHA3-512", false },
	{ OID("\x60\x86\x48\x01\x65\x03\x04\x03\x11"), "ML-DSA-44", false },
	{ OID("\x60\x86\x48\x01\x65\x03\x04\x03\x12"), "ML-DSA-65", false },
	{ OID("\x60\x86\x48\x01\x65\x03\x04\x03\x13"), "ML-DSA-87", false },
	{ OID("\x60\x86\x48\x01\x65\x03\x04\x03\x14"), "SLH-DSA-SHA2-128s", false },
	{ OID("\x60\x86\x48\x01\x65\x03\x04\x03\x15"), "SLH-DSA-SHA2-128f", false },
	{ OID("\x60\x86\x48\x01\x65\x03\x04\x03\x16"), "SLH-DSA-SHA2-192s", false },
	{ OID("\x60\x86\x48\x01\x65\x03\x04\x03\x17"), "SLH-DSA-SHA2-192f", false },
	{ OID("\x60\x86\x48\x01\x65\x03\x04\x03\x18"), "SLH-DSA-SHA2-256s", false },
	{ OID("\x60\x86\x48\x01\x65\x03\x04\x03\x19"), "SLH-DSA-SHA2-256f", false },
	{ OID("\x60\x86\x48\x01\x65\x03\x04\x03\x1a"), "SLH-DSA-SHAKE-128s", false },
	{ OID("\x60\x86\x48\x01\x65\x03\x04\x03\x1b"), "SLH-DSA-SHAKE-128f", false },
	{ OID("\x60\x86\x48\x01\x65\x03\x04\x03\x1c"), "SLH-DSA-SHAKE-192s", false },
	{ OID("\x60\x86\x48\x01\x65\x03\x04\x03\x1d"), "SLH-DSA-SHAKE-192f", false },
	{ OID("\x60\x86\x48\x01\x65\x03\x04\x03\x1e"), "SLH-DSA-SHAKE-256s", false },
	{ OID("\x60\x86\x48\x01\x65\x03\x04\x03\x1f"), "SLH-DSA-SHAKE-256f", false },
	{ OID("\x2b\x65\x70"), "ED25519", false },
	{ OID("\x2b\x65\x71"), "ED448", false },
	{ OID("\x2a\x81\x1c\xcf\x55\x01\x83\x75"), "SM2-with-SM3", false },
	{ OID("\x2a\x85\x03\x02\x02\x03"), "GOST R 34.10-2001", false },
	{ OID("\x2a\x85\x03\x07\x01\x01\x03\x02"), "GOST R 34.10-2012 (256 bit)", false },
	{ OID("\x2a\x85\x03\x07\x01\x01\x03\x03"), "GOST R 34.10-2012 (512 bit)", false },
};

static const struct bytes weak_hashes[] = {    /* MD2, MD4, MD5, SHA-1 */
	OID("\x2a\x86\x48\x86\xf7\x0d\x02\x02"),
	OID("\x2a\x86\x48\x86\xf7\x0d\x02\x04"),
	OID("\x2a\x86\x48\x86\xf7\x0d\x02\x05"),
	OID("\x2b\x0e\x03\x02\x1a"),
};

static const struct x509_curve_oid curves[] = {
	{ OID("\x2b\x81\x04\x00\x06"), "secp112r1", 112 },
	{ OID("\x2b\x81\x04\x00\x07"), "secp112r2", 112 },
	{ OID("\x2b\x81\x04\x00\x1c"), "secp128r1", 128 },
	{ OID("\x2b\x81\x04\x00\x1d"), "secp128r2", 128 },
	{ OID("\x2b\x81\x04\x00\x09"), "secp160k1", 160 },
	{ OID("\x2b\x81\x04\x00\x08"), "secp160r1", 160 },
	{ OID("\x2b\x81\x04\x00\x1e"), "secp160r2", 160 },
	{ OID("\x2b\x81\x04\x00\x1f"), "secp192k1", 192 },
	{ OID("\x2a\x86\x48\xce\x3d\x03\x01\x01"), "secp192r1", 192 },
	{ OID("\x2b\x81\x04\x00\x20"), "secp224k1", 224 },
	{ OID("\x2b\x81\x04\x00\x21"), "secp224r1", 224 },
	{ OID("\x2b\x81\x04\x00\x0a"), "secp256k1", 256 },
	{ OID("\x2a\x86\x48\xce\x3d\x03\x01\x07"), "secp256r1", 256 },
	{ OID("\x2b\x81\x04\x00\x22"), "secp384r1", 384 },
	{ OID("\x2b\x81\x04\x00\x23"), "secp521r1", 521 },
	{ OID("\x2b\x81\x04\x00\x04"), "sect113r1", 113 },
	{ OID("\x2b\x81\x04\x00\x05"), "sect113r2", 113 },
	{ OID("\x2b\x81\x04\x00\x16"), "sect131r1", 131 },
	{ OID("\x2b\x81\x04\x00\x17"), "sect131r2", 131 },
	{ OID("\x2b\x81\x04\x00\x01"), "sect163k1", 163 },
	{ OID("\x2b\x81\x04\x00\x02"), "sect163r1", 163 },
	{ OID("\x2b\x81\x04\x00\x0f"), "sect163r2", 163 },
	{ OID("\x2b\x81\x04\x00\x18"), "sect193r1", 193 },
	{ OID("\x2b\x81\x04\x00\x19"), "sect193r2", 193 },
	{ OID("\x2b\x81\x04\x00\x1a"), "sect233k1", 233 },
	{ OID("\x2b\x81\x04\x00\x1b"), "sect233r1", 233 },
	{ OID("\x2b\x81\x04\x00\x03"), "sect239k1", 239 },
	{ OID("\x2b\x81\x04\x00\x10"), "sect283k1", 283 },
	{ OID("\x2b\x81\x04\x00\x11"), "sect283r1", 283 },
	{ OID("\x2b\x81\x04\x00\x24"), "sect409k1", 409 },
	{ OID("\x2b\x81\x04\x00\x25"), "sect409r1", 409 },
	{ OID("\x2b\x81\x04\x00\x26"), "sect571k1", 571 },
	{ OID("\x2b\x81\x04\x00\x27"), "sect571r1", 571 },
	{ OID("\x2b\x24\x03\x03\x02\x08\x01\x01\x01"), "brainpoolP160r1", 160 },
	{ OID("\x2b\x24\x03\x03\x02\x08\x01\x01\x02"), "brainpoolP160t1", 160 },
	{ OID("\x2b\x24\x03\x03\x02\x08\x01\x01\x03"), "brainpoolP192r1", 192 },
	{ OID("\x2b\x24\x03\x03\x02\x08\x01\x01\x04"), "brainpoolP192t1", 192 },
	{ OID("\x2b\x24\x03\x03\x02\x08\x01\x01\x05"), "brainpoolP224r1", 224 },
	{ OID("\x2b\x24\x03\x03\x02\x08\x01\x01\x06"), "brainpoolP224t1", 224 },
	{ OID("\x2b\x24\x03\x03\x02\x08\x01\x01\x07"), "brainpoolP256r1", 256 },
	{ OID("\x2b\x24\x03\x03\x02\x08\x01\x01\x08"), "brainpoolP256t1", 256 },
	{ OID("\x2b\x24\x03\x03\x02\x08\x01\x01\x09"), "brainpoolP320r1", 320 },
	{ OID("\x2b\x24\x03\x03\x02\x08\x01\x01\x0a"), "brainpoolP320t1", 320 },
	{ OID("\x2b\x24\x03\x03\x02\x08\x01\x01\x0b"), "brainpoolP384r1", 384 },
	{ OID("\x2b\x24\x03\x03\x02\x08\x01\x01\x0c"), "brainpoolP384t1", 384 },
	{ OID("\x2b\x24\x03\x03\x02\x08\x01\x01\x0d"), "brainpoolP512r1", 512 },
	{ OID("\x2b\x24\x03\x03\x02\x08\x01\x01\x0e"), "brainpoolP512t1", 512 },
	{ OID("\x2a\x81\x1c\xcf\x55\x01\x82\x2d"), "sm2p256v1", 256 },
};

/* The number is the key's size where the algorithm alone tells it. */
static const struct x509_key_oid keys[] = {
	{ OID("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01"), X509_KEY_RSA, 0 },
	{ OID("\x55\x08\x01\x01"), X509_KEY_RSA, 0 },
	{ OID("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x07"), X509_KEY_RSA, 0 },
	{ OID("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a"), X509_KEY_RSA_PSS, 0 },
	{ OID("\x2a\x86\x48\xce\x38\x04\x01"), X509_KEY_DSA, 0 },
	{ OID("\x2b\x0e\x03\x02\x0c"), X509_KEY_DSA, 0 },
	{ OID("\x2a\x86\x48\x86\xf7\x0d\x01\x03\x01"), X509_KEY_DH, 0 },
	{ OID("\x2a\x86\x48\xce\x3e\x02\x01"), X509_KEY_DH, 0 },
	{ OID("\x2a\x86\x48\xce\x3d\x02\x01"), X509_KEY_EC, 0 },
	{ OID("\x2b\x81\x04\x01\x0c"), X509_KEY_EC, 0 },
	{ OID("\x2b\x81\x04\x01\x0d"), X509_KEY_EC, 0 },
	{ OID("\x2a\x81\x1c\xcf\x55\x01\x82\x2d"), X509_KEY_SM2, 256 },
	{ OID("\x2b\x65\x70"), X509_KEY_ED25519, 256 },
	{ OID("\x2b\x65\x71"), X509_KEY_ED448, 456 },
	{ OID("\x60\x86\x48\x01\x65\x03\x04\x03\x11"), X509_KEY_ML_DSA, 44 },
	{ OID("\x60\x86\x48\x01\x65\x03\x04\x03\x12"), X509_KEY_ML_DSA, 65 },
	{ OID("\x60\x86\x48\x01\x65\x03\x04\x03\x13"), X509_KEY_ML_DSA, 87 },
	{ OID("\x2a\x85\x03\x02\x02\x14"), X509_KEY_GOST, 1024 },
	{ OID("\x2a\x85\x03\x02\x02\x13"), X509_KEY_GOST, 256 },
	{ OID("\x2a\x85\x03\x07\x01\x01\x01\x01"), X509_KEY_GOST, 256 },
	{ OID("\x2a\x85\x03\x07\x01\x01\x01\x02"), X509_KEY_GOST, 512 },
};

static const struct {
	struct bytes oid;
	const char *name;
} attributes[] = {
	{ OID("\x55\x04\x03"), "CN" },
	{ OID("\x55\x04\x04"), "SN" },
	{ OID("\x55\x04\x05"), "serialNumber" },
	{ OID("\x55\x04\x06"), "C" },
	{ OID("\x55\x04\x07"), "L" },
	{ OID("\x55\x04\x08"), "ST" },
	{ OID("\x55\x04\x09"), "STREET" },
	{ OID("\x55\x04\x0a"), "O" },
	{ OID("\x55\x04\x0b"), "OU" },
	{ OID("\x55\x04\x0c"), "title" },
	{ OID("\x55\x04\x0d"), "description" },
	{ OID("\x55\x04\x0f"), "businessCategory" },
	{ OID("\x55\x04\x10"), "postalAddress" },
	{ OID("\x55\x04\x11"), "postalCode" },
	{ OID("\x55\x04\x14"), "telephoneNumber" },
	{ OID("\x55\x04\x29"), "name" },
	{ OID("\x55\x04\x2a"), "GN" },
	{ OID("\x55\x04\x2b"), "initials" },
	{ OID("\x55\x04\x2c"), "generationQualifier" },
	{ OID("\x55\x04\x2e"), "dnQualifier" },
	{ OID("\x55\x04\x41"), "pseudonym" },
	{ OID("\x55\x04\x61"), "organizationIdentifier" },
	{ OID("\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x01"), "UID" },
	{ OID("\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x19"), "DC" },
	{ OID("\x2a\x86\x48\x86\xf7\x0d\x01\x09\x01"), "emailAddress" },
	{ OID("\x2a\x86\x48\x86\xf7\x0d\x01\x09\x02"), "unstructuredName" },
	{ OID("\x2b\x06\x01\x04\x01\x82\x37\x3c\x02\x01\x01"), "jurisdictionL" },
	{ OID("\x2b\x06\x01\x04\x01\x82\x37\x3c\x02\x01\x02"), "jurisdictionST" },
	{ OID("\x2b\x06\x01\x04\x01\x82\x37\x3c\x02\x01\x03"), "jurisdictionC" },
};

const struct x509_signature_oid *x509_oid_signature(struct bytes oid)
{
	for (size_t i = 0; i < ARRAY_SIZE(signatures); i++)
		if (bytes_equal(signatures[i].oid, oid))
			return &signatures[i];
	return NULL;
}

bool x509_oid_weak_hash(struct bytes oid)
{
	for (size_t i = 0; i < ARRAY_SIZE(weak_hashes); i++)
		if (bytes_equal(weak_hashes[i], oid))
			return true;
	return false;
}

const struct x509_curve_oid *x509_oid_curve(struct bytes oid)
{
	for (size_t i = 0; i < ARRAY_SIZE(curves); i++)
		if (bytes_equal(curves[i].oid, oid))
			return &curves[i];
	return NULL;
}

const struct x509_key_oid *x509_oid_key(struct bytes oid)
{
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (bytes_equal(keys[i].oid, oid))
			return &keys[i];
	return NULL;
}

const char *x509_oid_attribute(struct bytes oid)
{
	for (size_t i = 0; i < ARRAY_SIZE(attributes); i++)
		if (bytes_equal(attributes[i].oid, oid))
			return attributes[i].name;
	return NULL;
}

/* One base-128 number of an object identifier, if 64 bits hold it. */
static bool take_arc(struct bytes *oid, uint64_t *arc)
{
	struct bytes rest = *oid;
	uint64_t value = 0;
	uint8_t octet;

	do {
		if (!bytes_u8(&rest, &octet) || value >> 57 != 0)
			return false;
		value = value << 7 | (octet & 0x7f);
	} while (octet & 0x80);
	*oid = rest;
	*arc = value;
	return true;
}

/* X.690 section 8.19.4: the first number stands for the first two arcs. */
static void put_arc(struct text *text, uint64_t arc, bool first)
{
	uint64_t top = arc < 80 ? arc / 40 : 2;
	char piece[48];

	if (first)
		snprintf(piece, sizeof(piece), "%u.%llu", (unsigned int)top,
			 (unsigned long long)(arc - 40 * top));
	else
		snprintf(piece, sizeof(piece), ".%llu", (unsigned long long)arc);
	text_put(text, piece);
}

void x509_oid_text(struct bytes oid, char *out, size_t size)
{
	struct bytes rest = oid;
	struct text text;
	uint64_t arc;

	text_start(&text, out, size);
	for (bool first = true; rest.len > 0 && !text.cut; first = false) {
		if (!take_arc(&rest, &arc))
			break;
		put_arc(&text, arc, first);
	}
	if (oid.len > 0 && (rest.len == 0 || text.cut))
		return;
	text_start(&text, out, size);
	text_put(&text, "#");
	for (rest = oid; rest.len > 0 && !text.cut; rest.data++, rest.len--) {
		char hex[3];

		text_hex(rest.data, 1, true, hex);
		text_put(&text, hex);
	}
}
