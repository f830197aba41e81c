/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a captured frame to what a transport protocol carries: link layer, VLAN, IP, TCP and UDP.
 *
 * Pure: no state, no allocation. Tunnels are taken off by tunnel.h, fragments joined by
 * defrag.h; both give bytes that come back here through packet_parse_ip() or packet_parse().
 * Checksums are never verified: on the host that sends, they are not filled in yet.
 */
#ifndef CERTTAP_PACKET_H
#define CERTTAP_PACKET_H

#include "parsers/bytes.h"

/*
 * An address is 16 bytes, IPv4 as ::ffff:a.b.c.d (RFC 4291 section 2.5.5.2). Where a station has
 * no other, its MAC address stands for it: eight zeros, "MA", the six octets. As an IPv6 address
 * that would lie in ::/8, of which nothing else is used (section 2.4 reserves it).
 */
struct ip_address {
	uint8_t octets[16];
};

#define MAC_LEN 6
#define MAC_AT 10

static inline bool ip_address_is_mac(const struct ip_address *address)
{
	static const uint8_t prefix[MAC_AT] = { [8] = 'M', [9] = 'A' };

	return memcmp(address->octets, prefix, sizeof(prefix)) == 0;
}

static inline struct ip_address ip_address_of_mac(const uint8_t mac[MAC_LEN])
{
	struct ip_address address = { .octets = { [8] = 'M', [9] = 'A' } };

	memcpy(address.octets + MAC_AT, mac, MAC_LEN);
	return address;
}

enum tcp_flag {
	TCP_FIN = 0x01,
	TCP_SYN = 0x02,
	TCP_RST = 0x04,
	TCP_ACK = 0x10,
};

enum packet_kind {
	PACKET_TCP,        /* all fields are set */
	PACKET_UDP,        /* seq, ack and tcp_flags are 0 */
	PACKET_IP_OTHER,   /* another IP protocol: payload is the IP payload, ports are 0 */
	PACKET_FRAGMENT,   /* an IP fragment: `fragment` is set, payload is the fragment's data */
	PACKET_EAPOL,      /* IEEE 802.1X: payload from the version on; see below */
	PACKET_OTHER,      /* neither (ARP, 802.11 management ...): a frame with nothing for us */
	PACKET_CUT,        /* the capture cut the frame off inside a header that was needed */
	PACKET_MALFORMED,  /* a header contradicts itself */
	PACKET_UNKNOWN_LINK, /* a link type this parser does not know */
};

struct packet_fragment {
	uint32_t id;
	uint32_t offset;    /* in bytes, from the start of the fragmentable part */
	bool more;          /* further fragments follow */
};

struct packet {
	struct ip_address src, dst;  /* the ends': IPv6 routing and home address headers count */
	uint16_t sport, dport;
	uint8_t ip_version;     /* 4 or 6 */
	uint8_t ip_protocol;    /* that of the payload: IPPROTO_TCP ... also for fragments */
	uint8_t tcp_flags;
	uint32_t seq, ack;
	struct bytes payload;   /* as captured */
	uint32_t payload_cut;   /* bytes of the payload that the capture left out (snap length) */
	struct packet_fragment fragment;
};

/*
 * PACKET_EAPOL: src and dst are the stations' MAC addresses, dst often a group's. Where the link
 * layer does not tell the receiver (Linux cooked), dst is 01:80:c2:00:00:03, which stands for
 * whoever is at the link's other end. All other fields are 0.
 */

/* Does this parser know the link type? `link` is a LINKTYPE_/DLT_ number. */
bool packet_link_known(int link);

/*
 * Parses one frame. `frame` holds what was captured; `wire_len` is the frame's length on the
 * wire (>= frame.len). On PACKET_TCP .. PACKET_EAPOL `out` is filled; otherwise its contents
 * are undefined. payload borrows from `frame`. A frame that ends too early is PACKET_CUT if more of
 * it went over the wire, else PACKET_MALFORMED. TCP options that were cut off are not missed. Of an
 * 802.11 aggregate only the first frame is parsed.
 */
enum packet_kind packet_parse(int link, struct bytes frame, size_t wire_len, struct packet *out);

/* The same for bytes that begin with an IPv4 or IPv6 header. */
enum packet_kind packet_parse_ip(struct bytes frame, size_t wire_len, struct packet *out);

/* The same for an Ethernet payload of the given EtherType (VLAN tags, PPPoE and MPLS included). */
enum packet_kind packet_parse_ethertype(uint16_t ethertype, struct bytes frame, size_t wire_len,
					struct packet *out);

/*
 * The transport header of an IP payload that was joined from fragments: fills ports, seq, ack,
 * flags and payload; src, dst, ip_version and ip_protocol must be set already. Takes further IPv6
 * extension headers off, too; never gives PACKET_FRAGMENT.
 */
enum packet_kind packet_parse_transport(struct bytes ip_payload, size_t wire_len,
					struct packet *inout);

#endif
