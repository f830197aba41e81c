/* SPDX-License-Identifier: Apache-2.0 */
/* One certificate: hash, our walk, OpenSSL's opinion. */
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/provider.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <stdio.h>

#include "parsers/x509_parts.h"

static const char *const parse_names[] = {
	[X509_PARSE_OK] = "ok",
	[X509_PARSE_LENIENT] = "lenient",
	[X509_PARSE_REFUSED] = "refused",
	[X509_PARSE_OVERSIZE] = "oversize",
	[X509_PARSE_TRUNCATED] = "truncated",
};

static const char *const key_names[] = {
	[X509_KEY_UNKNOWN] = "",
	[X509_KEY_RSA] = "RSA",
	[X509_KEY_RSA_PSS] = "RSA-PSS",
	[X509_KEY_DSA] = "DSA",
	[X509_KEY_DH] = "DH",
	[X509_KEY_EC] = "EC",
	[X509_KEY_ED25519] = "Ed25519",
	[X509_KEY_ED448] = "Ed448",
	[X509_KEY_ML_DSA] = "ML-DSA",
	[X509_KEY_GOST] = "GOST",
	[X509_KEY_SM2] = "SM2",
};

const char *x509_parse_name(enum x509_parse parse)
{
	return parse_names[parse];
}

const char *x509_key_name(enum x509_key key)
{
	return key_names[key];
}

static void give_reason(struct x509 *out, enum x509_parse parse, const char *why)
{
	out->parse = parse;
	snprintf(out->refused_why, sizeof(out->refused_why), "%s", why ? why : "");
}

static bool hash(struct bytes der, struct x509 *out)
{
	static const uint8_t nothing[1];
	const uint8_t *data = der.len > 0 ? der.data : nothing;

	return SHA256(data, der.len, out->sha256) && SHA1(data, der.len, out->sha1);
}

/*
 * A library context with no algorithms: d2i_X509() would else decode every public key, which is of no use here, takes
 * nine tenths of its time, and runs a lot of code on strangers' bytes (explicit EC parameters ...).
 * NULL before x509_init(): all algorithms.
 */
static OSSL_LIB_CTX *without_keys;

static void ask_openssl(struct bytes der, struct x509 *out)
{
	const uint8_t *at = der.data;
	X509 *cert;

	ERR_clear_error();
	cert = X509_new_ex(without_keys, NULL);
	if (!cert || !d2i_X509(&cert, &at, (long)der.len)) {
		/* The oldest error is the cause; those after it say what it broke. */
		const char *why = ERR_reason_error_string(ERR_peek_error());

		give_reason(out, X509_PARSE_LENIENT, why ? why : "refused by OpenSSL");
	}
	X509_free(cert);        /* NULL after a refusal */
	ERR_clear_error();      /* also after success: it tries to decode the key */
}

/* Not a certificate's structure: what the walk found in it means nothing. */
static void keep_hashes(struct x509 *out)
{
	struct x509 bare = { .der_len = out->der_len, .path_len = -1 };

	memcpy(bare.sha256, out->sha256, sizeof(bare.sha256));
	memcpy(bare.sha1, out->sha1, sizeof(bare.sha1));
	*out = bare;
}

static void judge(struct bytes der, const struct x509_walk *walk, struct x509 *out)
{
	if (walk->refused) {
		keep_hashes(out);
		give_reason(out, X509_PARSE_REFUSED, walk->refused);
	} else if (walk->note) {
		give_reason(out, X509_PARSE_LENIENT, walk->note);
	} else if (walk->unfit) {
		give_reason(out, X509_PARSE_LENIENT, walk->unfit);
	} else if (der.len > X509_FULL_PARSE_MAX) {
		give_reason(out, X509_PARSE_LENIENT, "too long for OpenSSL to be asked");
	} else {
		ask_openssl(der, out);
	}
}

void x509_read(struct bytes der, bool truncated, struct x509 *out)
{
	struct x509_walk walk;

	memset(out, 0, sizeof(*out));
	out->der_len = der.len;
	out->path_len = -1;
	if (!hash(der, out)) {
		give_reason(out, X509_PARSE_REFUSED, "OpenSSL has no SHA-256 or SHA-1");
		return;
	}
	if (der.len > X509_FIELDS_MAX) {
		out->parse = truncated ? X509_PARSE_TRUNCATED : X509_PARSE_OVERSIZE;
		return;
	}
	x509_fields_read(der, out, &walk);
	if (out->spki_der.len > 0)
		SHA256(out->spki_der.data, out->spki_der.len, out->spki_sha256);
	if (truncated)
		give_reason(out, X509_PARSE_TRUNCATED, walk.refused ? walk.refused : walk.note);
	else
		judge(der, &walk, out);
}

void x509_oversize(const uint8_t sha256[32], size_t der_len, struct x509 *out)
{
	memset(out, 0, sizeof(*out));
	out->parse = X509_PARSE_OVERSIZE;
	out->der_len = der_len;
	out->path_len = -1;
	memcpy(out->sha256, sha256, sizeof(out->sha256));
}

bool x509_init(void)
{
	static const uint8_t empty[] = { 0x30, 0x00 };
	struct x509 out = { .parse = X509_PARSE_OK };

	if (!OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_LOAD_CRYPTO_STRINGS,
				 NULL))
		return false;
	if (!without_keys) {
		without_keys = OSSL_LIB_CTX_new();
		if (!without_keys || !OSSL_PROVIDER_load(without_keys, "null"))
			return false;
	}
	/* One refusal and one hash have it load its tables, its texts and its provider. */
	ask_openssl(bytes_of(empty, sizeof(empty)), &out);
	return out.parse == X509_PARSE_LENIENT && hash(bytes_of(empty, sizeof(empty)), &out);
}

static bool key_ids_conflict(struct bytes a, struct bytes b)
{
	return a.len > 0 && b.len > 0 && !bytes_equal(a, b);
}

bool x509_self_issued(const struct x509 *cert)
{
	return x509_may_issue(cert, cert);
}

bool x509_may_issue(const struct x509 *issuer, const struct x509 *cert)
{
	return issuer->subject_der.len > 0 && bytes_equal(issuer->subject_der, cert->issuer_der) &&
	       !key_ids_conflict(issuer->subject_key_id, cert->authority_key_id);
}

bool x509_key_weak(const struct x509 *cert)
{
	switch (cert->key) {
	case X509_KEY_RSA:
	case X509_KEY_RSA_PSS:
		return (cert->key_bits > 0 && cert->key_bits < 2048) || cert->rsa_exponent == 1;
	case X509_KEY_DSA:
	case X509_KEY_DH:
		return cert->key_bits > 0 && cert->key_bits < 2048;
	case X509_KEY_EC:
		return cert->key_bits > 0 && cert->key_bits < 224;
	default:
		return false;
	}
}
