/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who talks with whom in EAPOL frames that are sent to a group: on a cable either end may send to
 * 01:80:c2:00:00:03, which means whoever is at the other end (IEEE 802.1X-2020 section 11.1.1).
 *
 * A frame to one station says who its partner is; else a Response belongs to the last Request of
 * its identifier (RFC 3748 section 4.1). Bounded: the station that was silent longest is forgotten.
 */
#ifndef CERTTAP_STATIONS_H
#define CERTTAP_STATIONS_H

#include "parsers/eap.h"
#include "parsers/packet.h"

#define STATIONS_MAX 1024

struct stations;

/* NULL: out of memory. */
struct stations *stations_new(void);
void stations_free(struct stations *s);

/*
 * Learns from an EAP packet from `src` to *dst, and where that is a group, puts the station in its
 * place. False: it is not known which.
 */
MUST_CHECK bool stations_resolve(struct stations *s, const struct eap_packet *eap,
				 const struct ip_address *src, struct ip_address *dst);

#endif
