/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one certificate says (RFC 5280), read leniently from its bytes.
 *
 * Hash first, parse second: every blob has a SHA-256, also one that no library accepts. The fields
 * come from our own bounded DER walker (der.h), because OpenSSL's d2i_X509 refuses the whole
 * certificate for one odd byte in a name; its opinion is kept as `parse`. x509.c is the one file
 * of the capture path that includes OpenSSL's X.509, and these functions are never called there:
 * X509_check_*, X509_verify*, X509_print, X509_cmp, BN_bn2dec, EC_GROUP_new_from_ecparameters.
 * (userspace/verdict/trust.c verifies, on demand, what was vetted, in a process of its own.)
 */
#ifndef CERTTAP_X509_H
#define CERTTAP_X509_H

#include "parsers/bytes.h"

#define X509_FULL_PARSE_MAX (64u << 10)   /* OpenSSL sees certificates up to here */
#define X509_FIELDS_MAX (1u << 20)        /* our walker reads fields up to here; beyond: oversize */
#define X509_SAN_MAX 256                  /* kept; san_total counts them all */
#define X509_NAME_TEXT_MAX 1024           /* bytes of a distinguished name's text, cut with "..." */
#define X509_SERIAL_MAX 64                /* bytes kept of the serial; serial_len is the real one */

enum x509_parse {
	X509_PARSE_OK,        /* OpenSSL accepts it, and so do we */
	/*
	 * The walker read it, but OpenSSL refuses it or was not asked (too long, explicit EC
	 * parameters), bytes follow it, or an extension is broken.
	 */
	X509_PARSE_LENIENT,
	X509_PARSE_REFUSED,   /* not a certificate's structure: hash and length only */
	X509_PARSE_OVERSIZE,  /* longer than X509_FIELDS_MAX: hash and length only */
	X509_PARSE_TRUNCATED, /* the message ends inside it: hash and fields of what is there */
};

const char *x509_parse_name(enum x509_parse parse);

enum x509_key {
	X509_KEY_UNKNOWN,
	X509_KEY_RSA,
	X509_KEY_RSA_PSS,
	X509_KEY_DSA,
	X509_KEY_DH,
	X509_KEY_EC,
	X509_KEY_ED25519,
	X509_KEY_ED448,
	X509_KEY_ML_DSA,      /* key_bits: 44, 65 or 87 */
	X509_KEY_GOST,
	X509_KEY_SM2,
};

/* ECS x509.public_key_algorithm: "RSA", "EC" ...; "" for an unknown one. */
const char *x509_key_name(enum x509_key key);

enum x509_san_kind { X509_SAN_DNS, X509_SAN_IP, X509_SAN_EMAIL, X509_SAN_URI, X509_SAN_OTHER };

struct x509_san {
	enum x509_san_kind kind;
	struct bytes value;   /* raw bytes as in the certificate; IP: 4 or 16 bytes (or wrong);
	                         OTHER: the contents of that GeneralName */
};

/* A time of the certificate. Known only if it could be understood. */
struct x509_time {
	bool known;
	int64_t unix_s;       /* seconds since 1970, may be negative */
};

/*
 * Owns nothing: every `struct bytes` points into the DER that was given to x509_read(), except
 * the texts, which are NUL-terminated arrays here (UTF-8, already safe for a terminal: control
 * characters, bidirectional marks and bad bytes are written as \xHH).
 */
struct x509 {
	enum x509_parse parse;
	char refused_why[64];         /* LENIENT, REFUSED, TRUNCATED: OpenSSL's or our reason */
	uint8_t sha256[32];
	uint8_t sha1[20];
	uint8_t spki_sha256[32];      /* of SubjectPublicKeyInfo; zero where it is not found */
	size_t der_len;

	unsigned int version;         /* 1, 2, 3 (the encoded number + 1); 0 unknown */
	uint8_t serial[X509_SERIAL_MAX];    /* without zeros in front; zero is one byte */
	size_t serial_len;            /* the real length, X509_SERIAL_MAX bytes are kept; 0 none */
	bool serial_negative;         /* `serial` is two's complement */
	char subject[X509_NAME_TEXT_MAX];   /* RFC 4514, most specific first: CN=a,O=b,C=c */
	char issuer[X509_NAME_TEXT_MAX];
	char subject_cn[256];         /* the most specific common name, or "" */
	char issuer_cn[256];
	struct bytes subject_der, issuer_der;   /* the Name as encoded, for comparing */
	struct bytes spki_der;                  /* SubjectPublicKeyInfo as encoded */
	struct x509_time not_before, not_after;

	enum x509_key key;
	unsigned int key_bits;        /* RSA modulus, DSA p, EC field; 0 unknown */
	char curve[32];               /* EC: "secp256r1" ...; dotted OID when unknown; "explicit" */
	uint64_t rsa_exponent;        /* 0 unknown or larger than 64 bits */
	char signature_algorithm[64]; /* "sha256WithRSAEncryption" ...; dotted OID when unknown */
	bool signature_weak;          /* MD2, MD4, MD5, SHA-1 */

	unsigned int san_count;       /* kept in san[] */
	unsigned int san_total;
	struct bytes extensions;      /* the Extension elements, one after the other */
	bool is_ca;                   /* basicConstraints */
	int path_len;                 /* -1: none (or negative); INT_MAX: that or more */
	struct bytes subject_key_id, authority_key_id;   /* keyIdentifier bytes, may be empty */
	bool has_sct;                 /* signed certificate timestamps, RFC 6962 */

	/* Last, so that a copy can end after the san_count entries in use. */
	struct x509_san san[X509_SAN_MAX];
};

/*
 * Once in a process, before it gives up files and system calls: has OpenSSL load what x509_read()
 * needs, without its configuration file. False: it has no SHA-256 and is of no use.
 */
MUST_CHECK bool x509_init(void);

/*
 * Reads `der`: one certificate entry exactly as sent. Never fails: `out->parse` says how far it
 * got. `truncated`: the message ended inside this entry. Clears the thread's OpenSSL error queue.
 */
void x509_read(struct bytes der, bool truncated, struct x509 *out);

/* Only the hash and length, for entries longer than X509_FIELDS_MAX hashed while they passed. */
void x509_oversize(const uint8_t sha256[32], size_t der_len, struct x509 *out);

/*
 * Does the certificate name `host`? (RFC 6125 / RFC 9525: SAN first; the common name only where
 * there is no SAN of a DNS or IP kind, and for DNS names only; a wildcard only as the whole
 * leftmost label, for exactly one label.) `host` is a DNS name (A-labels, a dot at its end is
 * ignored) or an IP address in text. Names beyond X509_SAN_MAX are looked at too: the DER must
 * still be there.
 */
bool x509_names(const struct x509 *cert, const char *host);

/* issuer == subject (and the key ids agree, where both are there). */
bool x509_self_issued(const struct x509 *cert);

/* Can `issuer` have issued `cert`: names equal, key ids not in conflict. */
bool x509_may_issue(const struct x509 *issuer, const struct x509 *cert);

/*
 * Below today's floor: RSA, DSA, DH under 2048 bits, EC under 224, exponent 1. Unknown is not
 * weak.
 */
bool x509_key_weak(const struct x509 *cert);

#endif
