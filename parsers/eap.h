/* SPDX-License-Identifier: Apache-2.0 */
/*
 * EAP (RFC 3748) and the methods that carry TLS: EAP-TLS (RFC 5216), EAP-TTLS (RFC 5281), PEAP,
 * EAP-FAST (RFC 4851), TEAP (RFC 7170). TLS is cut into fragments, one a packet, each acknowledged
 * by an empty one.
 *
 * The peer (the device that wants into the network) is the TLS client, and sends Responses; the
 * server sends Requests. So the packet itself says whose it is. The same packets travel in EAPOL
 * frames (IEEE 802.1X, EtherType 0x888e), where a conversation belongs to a pair of MAC addresses,
 * and in RADIUS (carrier_radius.c).
 */
#ifndef CERTTAP_EAP_H
#define CERTTAP_EAP_H

#include "parsers/bytes.h"

#define EAPOL_ETHERTYPE 0x888e
#define EAP_LEN_MAX 4096        /* of a packet: more does not fit into RADIUS, nor into a frame */

enum eap_code { EAP_REQUEST = 1, EAP_RESPONSE = 2, EAP_SUCCESS = 3, EAP_FAILURE = 4 };

struct eap_packet {
	uint8_t code, identifier;
	uint8_t type;           /* of requests and responses */
	struct bytes data;      /* behind the type */
};

/*
 * An EAPOL frame from its version on: the EAP packet in it. False: it has none. Padding is left
 * out.
 */
MUST_CHECK bool eap_eapol(struct bytes eapol, struct bytes *eap);

/* One whole EAP packet; its length must be that of `in`. */
MUST_CHECK bool eap_parse(struct bytes in, struct eap_packet *out);

/* One conversation between a peer and a server. Begins as zeros; holds nothing. */
struct eap_tls {
	struct eap_tls_end {
		uint32_t total, got;    /* of the TLS message at hand; total 0: none, or not told */
		uint8_t identifier;     /* of the last packet */
		bool seen, more;        /* more fragments of the message follow */
	} end[2];                       /* 0 the peer, 1 the server */
	uint8_t method;                 /* the EAP type; 0: none yet */
};

enum eap_tls_said {
	EAP_TLS_NOTHING,        /* no TLS in it, or a packet that was repeated */
	EAP_TLS_BEGINS,         /* the server offers TLS: a new TLS connection begins */
	EAP_TLS_BYTES,          /* `tls` holds the next bytes of `end`'s record stream */
	EAP_TLS_ENDS,           /* EAP is over: success or failure */
};

struct eap_tls_piece {
	struct bytes tls;
	unsigned int end;       /* 0 the peer, 1 the server */
	uint32_t missed;        /* packets lost before these bytes */
};

/* The next packet of a conversation. On EAP_TLS_BYTES *out is set. */
enum eap_tls_said eap_tls_feed(struct eap_tls *e, const struct eap_packet *packet,
			       struct eap_tls_piece *out);

/* "eap-tls", "eap-ttls", "peap", "eap-fast", "teap"; "eap" before TLS was offered */
const char *eap_tls_name(const struct eap_tls *e);

#endif
