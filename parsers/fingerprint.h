/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fingerprints of TLS peers, from one ClientHello or ServerHello: JA3 and JA3S (decimal values,
 * MD5), and JA4 (sorted hex values, SHA-256). Values reserved by GREASE (RFC 8701) count nowhere.
 *
 *   JA3   version,suites,extensions,groups,point formats      github.com/salesforce/ja3
 *   JA3S  version,suite,extensions
 *   JA4   t13d1516h2_8daaf6152771_e5627efa2ab1                github.com/FoxIO-LLC/ja4
 *
 * Of an extension that is there twice the first counts; a list that breaks off counts as far as it
 * goes.
 */
#ifndef CERTTAP_FINGERPRINT_H
#define CERTTAP_FINGERPRINT_H

#include "parsers/tls_hello.h"

#define JA3_SIZE 33 /* 32 hex digits and a zero */
#define JA4_SIZE 37

/* What carries the handshake: the first character of a JA4. */
enum ja4_transport { JA4_TCP = 't', JA4_QUIC = 'q', JA4_DTLS = 'd' };

/* The parts of a hello that fingerprints are made of; all of them borrow from the body. */
struct hello_shape {
	uint16_t version;	    /* legacy_version, as sent */
	unsigned int suite_len;	    /* bytes of one suite: 2, or 3 in SSL 2.0 format */
	struct bytes cipher_suites; /* a server's: the one chosen */
	struct bytes extensions;    /* the Extension elements, one after the other */
	struct bytes groups;	    /* NamedGroup pairs; empty: none, or not the client's */
	struct bytes point_formats;
	struct bytes signature_algorithms; /* SignatureScheme pairs */
	struct bytes versions;		   /* supported_versions: pairs */
	struct bytes alpn;		   /* ProtocolName elements */
};

/* A ClientHello's body. False: it ends before its extensions could begin. */
MUST_CHECK bool hello_shape_client(struct bytes body, enum ja4_transport transport,
				   struct hello_shape *out);
MUST_CHECK bool hello_shape_server(struct bytes body, struct hello_shape *out);
/* From tls_sslv2_hello_parse(): only those suites count that TLS knows. */
void hello_shape_sslv2(const struct tls_client_hello *hello, struct hello_shape *out);

/*
 * The digests, looked up once, and room to write in: one for each thread. NULL: no memory, or no
 * SHA-256. Nothing is allocated afterwards.
 */
struct fingerprinter;
struct fingerprinter *fingerprinter_new(void);
void fingerprinter_free(struct fingerprinter *f);

/* The string under the hash. Valid until the next call with `f`. */
const char *ja3_client_string(struct fingerprinter *f, const struct hello_shape *shape);
const char *ja3_server_string(struct fingerprinter *f, const struct hello_shape *shape);

/* `out` is "" where OpenSSL has no MD5 (some FIPS configurations). */
void ja3_client(struct fingerprinter *f, const struct hello_shape *shape, char out[JA3_SIZE]);
void ja3_server(struct fingerprinter *f, const struct hello_shape *shape, char out[JA3_SIZE]);

void ja4_client(struct fingerprinter *f, const struct hello_shape *shape,
		enum ja4_transport transport, char out[JA4_SIZE]);

#endif
