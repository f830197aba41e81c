/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Headers for a payload that has none any more: the inverse of packet.h, for what a source has taken apart. Lengths
 * and checksums are right; what nobody knows any more (TTL, window, options) has a usual value.
 */
#ifndef CERTTAP_PACKET_BUILD_H
#define CERTTAP_PACKET_BUILD_H

#include "parsers/packet.h"

#define PACKET_HEADERS_MAX 60            /* IPv6 and TCP */
#define PACKET_BUILD_PAYLOAD_MAX 65000   /* of one TCP packet; larger segments are to be split */

/*
 * An IPv4 header, where both addresses are IPv4, else an IPv6 header; then a TCP or UDP header, by
 * packet->ip_protocol. Of `packet` count also the addresses, ports, tcp_flags, seq, ack, payload and
 * payload_cut. With bytes cut off there is no checksum to be had: it is 0. Returns their length, or 0 where
 * there is no such packet: another protocol, an address that is none, or payload and cut together too long.
 */
size_t packet_build_headers(const struct packet *packet, uint8_t out[PACKET_HEADERS_MAX]);

#endif
