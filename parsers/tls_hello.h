/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ClientHello and ServerHello (RFC 8446 section 4.1, RFC 5246 section 7.4.1, RFC 6101 appendix E for the
 * SSL 2.0 format). Pure; what is found borrows from the body.
 */
#ifndef CERTTAP_TLS_HELLO_H
#define CERTTAP_TLS_HELLO_H

#include "parsers/bytes.h"

#define TLS_1_2 0x0303
#define TLS_1_3 0x0304
#define SSL_2_0 0x0002
#define DTLS_1_0 0xfeff
#define DTLS_1_2 0xfefd
#define DTLS_1_3 0xfefc
#define DTLS_OPENSSL_OLD 0x0100         /* OpenSSL before 0.9.8f, and Cisco AnyConnect */

enum tls_extension {
	TLS_EXT_SERVER_NAME = 0,
	TLS_EXT_STATUS_REQUEST = 5,
	TLS_EXT_CERTIFICATE_TYPE = 9,           /* RFC 6091 */
	TLS_EXT_ALPN = 16,
	TLS_EXT_SCT = 18,                       /* RFC 6962 section 3.3.1 */
	TLS_EXT_CLIENT_CERTIFICATE_TYPE = 19,
	TLS_EXT_SERVER_CERTIFICATE_TYPE = 20,
	TLS_EXT_ENCRYPT_THEN_MAC = 22,
	TLS_EXT_SESSION_TICKET = 35,
	TLS_EXT_PRE_SHARED_KEY = 41,
	TLS_EXT_SUPPORTED_VERSIONS = 43,
	TLS_EXT_KEY_SHARE = 51,
	TLS_EXT_NEXT_PROTOCOL = 13172,
	TLS_EXT_ENCRYPTED_CLIENT_HELLO = 0xfe0d,
	TLS_EXT_ENCRYPTED_SERVER_NAME = 0xffce,
};

/* RFC 7250 section 3; OpenPGP's number is RFC 6091's. */
enum tls_certificate_type {
	TLS_CERTIFICATE_X509 = 0,
	TLS_CERTIFICATE_OPENPGP = 1,
	TLS_CERTIFICATE_RAW_PUBLIC_KEY = 2,
};

struct tls_client_hello {
	uint16_t version;               /* legacy_version */
	uint16_t version_max;           /* the highest offered, supported_versions included */
	struct bytes random;            /* 32 bytes; SSL 2.0 format: the challenge, 16 to 32 */
	struct bytes session_id;
	struct bytes cookie;            /* DTLS only */
	struct bytes cipher_suites;     /* pairs; SSL 2.0 format: triples */
	struct bytes server_name;       /* the host_name asked for; empty: none */
	struct bytes alpn;              /* ProtocolNameList without its length */
	struct bytes session_ticket;    /* RFC 5077; empty: none or asked for */
	uint32_t external_psks;         /* bit n: the PSK offered as number n is no ticket's, as far as can be told */
	bool offers_psk;
	bool has_ech;
	bool sslv2_format;
	bool extensions_malformed;      /* what could be read before is kept */
};

struct tls_server_hello {
	uint16_t version;               /* the one in force, from supported_versions where it is given */
	uint16_t cipher_suite;
	struct bytes random;
	struct bytes session_id;
	struct bytes alpn;              /* the one protocol chosen, or empty */
	uint8_t certificate_type;       /* enum tls_certificate_type: what the server shows */
	uint16_t psk_number;            /* with psk_chosen: which of those that the client offered */
	uint16_t draft;                 /* of TLS 1.3: 18 to 28; 0: RFC 8446, or another version */
	bool encrypt_then_mac;          /* RFC 7366 */
	bool has_sct;
	bool psk_chosen;
	bool ticket_promised;           /* an empty session_ticket extension */
	bool is_hello_retry;            /* RFC 8446 section 4.1.3 */
	bool extensions_malformed;
};

/* What TLS 1.3 moved from the ServerHello behind the keys (RFC 8446 section 4.3.1). */
struct tls_encrypted_extensions {
	struct bytes alpn;
	uint8_t certificate_type;
};

MUST_CHECK bool tls_encrypted_extensions_parse(struct bytes body, struct tls_encrypted_extensions *out);

MUST_CHECK bool tls_client_hello_parse(struct bytes body, struct tls_client_hello *out);
/* For DTLS as well, whose ServerHello is the same. */
MUST_CHECK bool tls_server_hello_parse(struct bytes body, struct tls_server_hello *out);

/*
 * The ClientHello of DTLS: a cookie follows the session id (RFC 6347 section 4.2.1). Versions stay
 * DTLS's, which count downwards.
 */
MUST_CHECK bool dtls_client_hello_parse(struct bytes body, struct tls_client_hello *out);

/* The version of TLS that a version of DTLS is built on, to compare them; TLS's as they are. */
uint16_t dtls_version_as_tls(uint16_t version);

/*
 * A ClientHello in SSL 2.0 format, from its two length bytes on. PARSE_OK: taken from `in`.
 */
enum parse tls_sslv2_hello_parse(struct bytes *in, struct tls_client_hello *out);

/* A protocol version's draft or final number, as one of SSL 3.0 to TLS 1.3 (drafts count as 1.3). */
uint16_t tls_version_final(uint16_t version);

/* GREASE, RFC 8701. */
static inline bool tls_is_grease(uint16_t value)
{
	return (value & 0x0f0f) == 0x0a0a && value >> 8 == (value & 0xff);
}

#endif
