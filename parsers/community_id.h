/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Community ID version 1, seed 0 (github.com/corelight/community-id-spec): one name for a flow in
 * the records of every sensor, the same in both directions.
 */
#ifndef CERTTAP_COMMUNITY_ID_H
#define CERTTAP_COMMUNITY_ID_H

#include "parsers/packet.h"

#define COMMUNITY_ID_SIZE 31 /* "1:", 28 characters of base64 and a zero */

/*
 * `protocol` is IPPROTO_TCP, IPPROTO_UDP or IPPROTO_SCTP; ports in host byte order. The two ends
 * are two of one family; of an IPv4 and an IPv6 address there is no ID: false, as where OpenSSL has
 * no SHA-1, and `out` is "".
 */
bool community_id(uint8_t protocol, const struct ip_address *src, uint16_t sport,
		  const struct ip_address *dst, uint16_t dport, char out[COMMUNITY_ID_SIZE]);

#endif
