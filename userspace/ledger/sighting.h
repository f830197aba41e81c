/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One handshake seen at an endpoint, whole or not: the words of the ledger and of every output.
 */
#ifndef CERTTAP_SIGHTING_H
#define CERTTAP_SIGHTING_H

#include "userspace/ledger/chain.h"
#include "userspace/segment.h"

#define SERVER_NAME_MAX 255   /* RFC 1035 section 2.3.4; longer ones are cut and marked */
#define PROTOCOL_NAME_MAX 16  /* of an ALPN identifier */

/* Packed: there may be a million sightings at once. */
enum __attribute__((packed)) role { ROLE_SERVER, ROLE_CLIENT };

/* How a chain is known. */
enum __attribute__((packed)) witness { WITNESS_WIRE, WITNESS_KEYLOG, WITNESS_SECRET, WITNESS_LIBRARY };

/* How TLS was carried. */
enum __attribute__((packed)) tls_protocol { PROTOCOL_TLS, PROTOCOL_DTLS, PROTOCOL_QUIC };

/* "tls", "dtls", "quic" */
const char *protocol_name(enum tls_protocol protocol);

/* Why a sighting has no chain. */
enum __attribute__((packed)) reason {
	REASON_NONE,            /* it has one, or nothing is known yet */
	REASON_ENCRYPTED,       /* TLS 1.3 with no key */
	REASON_RESUMED,
	REASON_PSK,
	REASON_ANONYMOUS,
	REASON_RAW_PUBLIC_KEY,
	REASON_LOST,            /* bytes missed */
	REASON_TRUNCATED,       /* snap length */
	REASON_MIDSTREAM,       /* the capture began too late */
	REASON_OVERSIZE,        /* a limit */
	REASON_MALFORMED,
	REASON_UNFINISHED,      /* the peers stopped */
	REASON_AMBIGUOUS,       /* overlapping segments with different bytes */
	NUM_REASONS,
};

const char *reason_name(enum reason reason);
const char *role_name(enum role role);
const char *witness_name(enum witness witness);
/* RFC 8446 appendix B.2: "certificate_expired" ..., or NULL. */
const char *alert_name(uint8_t description);
/* "1.2"; "3.0" for SSL 3.0, which is told by protocol_name() "ssl". "" when 0. */
const char *tls_version_name(uint16_t version);
const char *tls_protocol_name(uint16_t version);
/* The IANA name of a cipher suite, or NULL. */
const char *cipher_suite_name(uint16_t suite);

struct fingerprint;

struct alert {
	bool seen;
	uint8_t level, description;
	enum role sender;
	bool hidden;             /* encrypted: that it is one is known by its length and place alone */
};

#define ALERT_FATAL 2

/* Alerts that speak of a certificate (RFC 8446 section 6.2): bad_certificate, certificate_expired, unknown_ca ... */
bool alert_speaks_of_certificate(uint8_t description);
/* Does it refuse the certificate of the other end: fatal, and of a certificate, or encrypted, where nothing else fits? */
bool alert_is_refusal(const struct alert *alert);
/* Whose certificate it refuses. */
enum role alert_refused_role(const struct alert *alert);
/* The orderly end of a connection, close_notify or user_canceled (RFC 8446 section 6.1): nothing was wrong. */
bool alert_closes(const struct alert *alert);

/* The certification authorities that a CertificateRequest named. */
#define AUTHORITIES_MAX 8
#define AUTHORITY_TEXT_MAX 256

struct authorities {
	uint32_t total;                  /* asked for; kept are the first AUTHORITIES_MAX */
	uint8_t num;
	char names[AUTHORITIES_MAX][AUTHORITY_TEXT_MAX];
};

struct sighting {
	struct host_port server, client;
	enum transport transport;
	enum tls_protocol protocol;
	enum reason reason;
	enum witness witness[2];         /* of the chain, by role */
	struct alert alert;              /* the first one in clear, or told by its length */
	bool has_hello;                  /* a hello was seen, so the fields below stand for something */
	uint64_t start_ns, end_ns;       /* the first and the last packet that told something */
	uint64_t frame_number;           /* of the packet that completed the server's chain, or of the first */
	uint16_t version, cipher;        /* 0: not seen */
	uint16_t server_name_len;
	uint16_t alpn_len;
	bool server_name_cut;
	bool roles_guessed;              /* neither hello was seen: by ports, or by who opened the connection */
	bool established;                /* both sides went over to encryption; of TLS 1.3 only keys tell */
	bool resumed;
	bool has_ech;
	bool stapled;                    /* the server sent an OCSP response with its certificate (RFC 6066) */
	bool has_sct;                    /* certificate timestamps beside the certificate (RFC 6962) */
	bool client_asked;               /* for a certificate */
	bool broke_off;                  /* the client closed or reset the connection right behind the server's flight */
	const char *detail;              /* a static text beside the reason, or NULL */
	uint64_t lost_from, lost_to;     /* REASON_LOST, REASON_TRUNCATED: bytes of the stream, from its start */
	const struct chain *chain[2];    /* by role; NULL: none */
	const struct owner *owner[2];    /* by role: who is at the ends; NULL: nobody can know */
	struct fingerprint *client_print, *server_print;  /* JA3 and JA4; JA3S; NULL: none */
	const char *carrier;             /* "plain", "smtp" ..., static; NULL: not known */
	char *server_name;               /* bytes as sent, not text; NULL: none */
	struct authorities *authorities; /* asked for; NULL: none in particular */
	char alpn[PROTOCOL_NAME_MAX];    /* chosen, bytes as sent */
};

#endif
