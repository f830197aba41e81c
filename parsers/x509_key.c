/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys and signature algorithms from their bytes, without any arithmetic on them.
 * SubjectPublicKeyInfo: RFC 5280 section 4.1.2.7; its contents: RFC 3279 section 2.3, RFC 5480,
 * RFC 8410, RFC 9881.
 */
#include <stdio.h>

#include "parsers/text.h"
#include "parsers/x509_oid.h"
#include "parsers/x509_parts.h"

/* RFC 3279 section 2.3.1: SEQUENCE { modulus, publicExponent } in the BIT STRING. */
static void read_rsa(struct der key, struct x509 *out)
{
	struct der_element sequence, modulus, exponent;
	struct bytes e;

	if (!der_expect(&key, DER_SEQUENCE, &sequence) ||
	    !der_expect(&sequence.inside, DER_INTEGER, &modulus))
		return;
	out->key_bits = der_bits(modulus.value);
	if (!der_expect(&sequence.inside, DER_INTEGER, &exponent))
		return;
	e = der_magnitude(exponent.value);
	if (e.len <= sizeof(out->rsa_exponent))
		for (size_t i = 0; i < e.len; i++)
			out->rsa_exponent = out->rsa_exponent << 8 | e.data[i];
}

/* RFC 3279 sections 2.3.2 and 2.3.3: the parameters begin with the prime p. */
static void read_prime(struct der_element *parameters, struct x509 *out)
{
	struct der_element p;

	if (parameters->tag == DER_SEQUENCE && der_expect(&parameters->inside, DER_INTEGER, &p))
		out->key_bits = der_bits(p.value);
}

/*
 * RFC 5480 section 2.1.1: a named curve and nothing else. OpenSSL would compute with the numbers of
 * any other form while it parses (CVE-2022-0778, CVE-2024-9143).
 */
static const char *read_curve(const struct der_element *parameters, struct x509 *out)
{
	const struct x509_curve_oid *curve;

	if (parameters->tag == DER_SEQUENCE) {
		snprintf(out->curve, sizeof(out->curve), "explicit");
		return "explicit EC parameters";
	}
	if (parameters->tag != DER_OID)
		return "EC parameters are not a named curve";
	curve = x509_oid_curve(parameters->value);
	if (!curve) {
		x509_oid_text(parameters->value, out->curve, sizeof(out->curve));
		return NULL;
	}
	snprintf(out->curve, sizeof(out->curve), "%s", curve->name);
	out->key_bits = curve->bits;
	if (strcmp(curve->name, "sm2p256v1") == 0)
		out->key = X509_KEY_SM2;
	return NULL;
}

/* `parameters` has tag 0 where there are none; `key` goes over the BIT STRING's contents. */
static const char *read_by_algorithm(struct der_element *parameters, struct der key,
				     struct x509 *out)
{
	switch (out->key) {
	case X509_KEY_RSA:
	case X509_KEY_RSA_PSS:
		read_rsa(key, out);
		return NULL;
	case X509_KEY_DSA:
	case X509_KEY_DH:
		read_prime(parameters, out);
		return NULL;
	case X509_KEY_EC:
	case X509_KEY_SM2:
		return read_curve(parameters, out);
	default:
		return NULL;
	}
}

const char *x509_key_read(const struct der_element *spki, struct x509 *out)
{
	struct der inside = spki->inside;
	struct der_element algorithm, oid, parameters = { 0 }, bits;
	const struct x509_key_oid *known;
	struct der key;

	if (!der_next(&inside, &algorithm) || !der_expect(&algorithm.inside, DER_OID, &oid))
		return "the key's algorithm cannot be read";
	if (algorithm.inside.rest.len > 0 && !der_next(&algorithm.inside, &parameters))
		return "the key's parameters cannot be read";
	if (!der_expect(&inside, DER_BIT_STRING, &bits))
		bits = (struct der_element){ .inside = inside };
	key = bits.inside;
	if (key.rest.len > 0 && !bytes_skip(&key.rest, 1))      /* the count of unused bits */
		return NULL;
	known = x509_oid_key(oid.value);
	if (!known)
		return NULL;
	out->key = known->key;
	out->key_bits = known->bits;
	return read_by_algorithm(&parameters, key, out);
}

/* RFC 4055 section 3.1: the hash is SHA-1 unless [0] names another. */
static bool pss_weak(struct der parameters)
{
	struct der_element sequence, field, hash, oid;

	if (!der_expect(&parameters, DER_SEQUENCE, &sequence) ||
	    !der_expect(&sequence.inside, DER_CONTEXT | DER_CONSTRUCTED | 0, &field))
		return true;
	return der_expect(&field.inside, DER_SEQUENCE, &hash) &&
	       der_expect(&hash.inside, DER_OID, &oid) && x509_oid_weak_hash(oid.value);
}

void x509_signature_read(const struct der_element *algorithm, struct x509 *out)
{
	static const uint8_t pss[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a };
	struct der inside = algorithm->inside;
	const struct x509_signature_oid *known;
	struct der_element oid;

	if (!der_expect(&inside, DER_OID, &oid))
		return;
	known = x509_oid_signature(oid.value);
	if (known)
		snprintf(out->signature_algorithm, sizeof(out->signature_algorithm), "%s",
			 known->name);
	else
		x509_oid_text(oid.value, out->signature_algorithm,
			      sizeof(out->signature_algorithm));
	out->signature_weak = known && known->weak;
	if (bytes_equal(oid.value, bytes_of(pss, sizeof(pss))))
		out->signature_weak = pss_weak(inside);
}
