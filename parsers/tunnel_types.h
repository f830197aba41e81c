/* SPDX-License-Identifier: Apache-2.0 */
/* Between tunnel.c (the tables, the checks) and the files that know the tunnels' headers. */
#ifndef CERTTAP_TUNNEL_TYPES_H
#define CERTTAP_TUNNEL_TYPES_H

#include "parsers/layer.h"
#include "parsers/tunnel.h"

/*
 * Takes the tunnel's header off *l and says in out->inner (link, ethertype) what follows. False:
 * not such a tunnel; *l and *out are then undefined. `param` comes from the row in the table.
 */
typedef bool tunnel_opener(struct layer *l, unsigned int param, struct tunnel *out);

tunnel_opener tunnel_gre;

tunnel_opener tunnel_vxlan;      /* param 1: a port that is not VXLAN's own: stricter */
tunnel_opener tunnel_geneve, tunnel_gtp, tunnel_l2tp, tunnel_tzsp, tunnel_capwap, tunnel_lisp;
tunnel_opener tunnel_l2tpv3;     /* param: bytes of cookie and sublayer after the session number */
tunnel_opener tunnel_l2tpv3_udp; /* the same */
tunnel_opener tunnel_teredo;     /* param 1: any port: one address must be Teredo's */
tunnel_opener tunnel_gue, tunnel_amt;

/* An IP header whose length fits into *l? `version`: 4, 6, or 0 for either. Sets out->inner. */
bool tunnel_holds_ip(const struct layer *l, unsigned int version, struct tunnel *out);

/* Ethernet, VLAN tags perhaps, and IP (or MPLS, PPPoE and the like)? Sets out->inner. */
bool tunnel_holds_ethernet(const struct layer *l, struct tunnel *out);

/* The bytes after a header that names an EtherType; IP, Ethernet and MPLS are looked into. */
bool tunnel_holds_ethertype(const struct layer *l, uint16_t type, struct tunnel *out);

/* PPP with IP in it? */
bool tunnel_holds_ppp(const struct layer *l, struct tunnel *out);

#endif
