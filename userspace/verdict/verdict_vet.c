/* SPDX-License-Identifier: Apache-2.0 */
/* What OpenSSL's verification may see: an allow-list, by fields that our own reader took from the bytes. */
#include "parsers/der.h"
#include "userspace/verdict/verdict_parts.h"

#define RSA_BITS_MAX 16384u              /* OPENSSL_RSA_MAX_MODULUS_BITS: it would not use a larger one */
#define DSA_BITS_MAX 3072u               /* FIPS 186-4 knows no larger one */
#define EXTENSIONS_MAX 64u

/*
 * Those that the verification itself takes apart, with what one can cost: a copy of the issuer's name for each
 * relative distribution point (CVE-2026-35189), names times constraints (CVE-2022-4203), sets of addresses
 * (CVE-2017-3735).
 */
static const struct {
	uint8_t oid[8];
	size_t oid_len;
	size_t max;
} limited[] = {
	{ { 0x55, 0x1d, 0x1f }, 3, 4096 },       /* cRLDistributionPoints */
	{ { 0x55, 0x1d, 0x2e }, 3, 4096 },       /* freshestCRL */
	{ { 0x55, 0x1d, 0x1c }, 3, 4096 },       /* issuingDistributionPoint */
	{ { 0x55, 0x1d, 0x1e }, 3, 16384 },      /* nameConstraints */
	{ { 0x55, 0x1d, 0x20 }, 3, 8192 },       /* certificatePolicies */
	{ { 0x55, 0x1d, 0x21 }, 3, 8192 },       /* policyMappings */
	{ { 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x01, 0x07 }, 8, 8192 },   /* ipAddrBlocks */
	{ { 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x01, 0x08 }, 8, 8192 },   /* autonomousSysIds */
};

const char *unfit_text(enum unfit unfit)
{
	static const char *const texts[NUM_UNFIT] = {
		[UNFIT_UNREAD] = "it is too long, or no certificate that can be read without a doubt",
		[UNFIT_KEY_KIND] = "its key is of an unknown kind or curve",
		[UNFIT_KEY_SIZE] = "its key is too large",
		[UNFIT_EXTENSIONS] = "it has too many extensions",
		[UNFIT_EXTENSION_SIZE] = "one of its extensions is too large",
		[UNFIT_TOO_MANY] = "there are too many certificates",
	};

	return texts[unfit];
}

static enum unfit vet_key(const struct x509 *cert)
{
	switch (cert->key) {
	case X509_KEY_RSA:
	case X509_KEY_RSA_PSS:
		/* An exponent of more than 64 bits reads as 0: it makes a signature slow to check. */
		return cert->key_bits > 0 && cert->key_bits <= RSA_BITS_MAX && cert->rsa_exponent != 0 ?
		       FIT : UNFIT_KEY_SIZE;
	case X509_KEY_DSA:
		return cert->key_bits > 0 && cert->key_bits <= DSA_BITS_MAX ? FIT : UNFIT_KEY_SIZE;
	case X509_KEY_EC:
	case X509_KEY_SM2:
		/* No size: a curve that we do not know by its name. */
		return cert->key_bits > 0 ? FIT : UNFIT_KEY_KIND;
	case X509_KEY_ED25519:
	case X509_KEY_ED448:
	case X509_KEY_ML_DSA:
		return FIT;
	default:
		return UNFIT_KEY_KIND;
	}
}

static bool too_large(struct bytes oid, size_t len)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(limited); i++)
		if (bytes_equal(oid, bytes_of(limited[i].oid, limited[i].oid_len)))
			return len > limited[i].max;
	return false;
}

static enum unfit vet_extensions(struct bytes extensions)
{
	unsigned int budget = DER_ELEMENTS_MAX, count = 0;
	struct der list = der_walk(extensions, &budget);
	struct der_element extension, oid;

	while (der_next(&list, &extension)) {
		if (++count > EXTENSIONS_MAX)
			return UNFIT_EXTENSIONS;
		if (!der_expect(&extension.inside, DER_OID, &oid))
			return UNFIT_UNREAD;
		if (too_large(oid.value, extension.raw.len))
			return UNFIT_EXTENSION_SIZE;
	}
	return list.rest.len == 0 ? FIT : UNFIT_UNREAD;
}

enum unfit verdict_vet(const struct x509 *cert)
{
	enum unfit unfit;

	/* OK: whole, not longer than X509_FULL_PARSE_MAX, no explicit curve, and OpenSSL's parser agrees. */
	if (cert->parse != X509_PARSE_OK)
		return UNFIT_UNREAD;
	unfit = vet_key(cert);
	return unfit != FIT ? unfit : vet_extensions(cert->extensions);
}
