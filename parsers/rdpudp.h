/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RDP over UDP: TLS in the reliable mode, DTLS in the lossy one, behind headers of its own
 * (MS-RDPEUDP version 1 and 2; MS-RDPEUDP2, which is version 3, negotiated in the SYN datagrams).
 *
 * Packets carry a number that goes up by one with each; the caller puts them in order, and each
 * holds a piece of one TLS stream, or a DTLS datagram.
 */
#ifndef CERTTAP_RDPUDP_H
#define CERTTAP_RDPUDP_H

#include "parsers/bytes.h"

#define RDPUDP_VERSION_3 0x0101

struct rdpudp_syn {
	uint32_t initial;        /* the first packet of data has this number plus one */
	uint16_t version;        /* the highest offered or the one chosen; 1 where none is named */
	bool ack;                /* the server's answer */
	bool lossy;              /* DTLS inside */
};

struct rdpudp_packet {
	uint32_t number;         /* 16 bits in version 3 */
	bool has_first;          /* version 3 may put the first byte of data elsewhere: */
	uint8_t first;           /* this one comes before payload */
	struct bytes payload;
};

/* A SYN or SYN + ACK datagram (MS-RDPEUDP section 3.1.5.1.1): strict enough for any port. */
MUST_CHECK bool rdpudp_syn_parse(struct bytes datagram, struct rdpudp_syn *out);

/* A datagram with data of version 1 or 2 (section 3.1.5.1.3). False: it has none. */
MUST_CHECK bool rdpudp_data_parse(struct bytes datagram, struct rdpudp_packet *out);

/* The same for version 3 (MS-RDPEUDP2 section 2.2.1). */
MUST_CHECK bool rdpudp2_data_parse(struct bytes datagram, struct rdpudp_packet *out);

#endif
