# SPDX-License-Identifier: Apache-2.0
"""What stands between Ethernet and the packet that we want: labels and tags below IP, and tunnels.

A tunnel makes an IP packet of an IP packet; a layer makes a frame of one. Both take the sender too,
for the addresses of an Ethernet inside.
"""
import struct

from . import link
from .link import GRE, TUNNEL, ethernet, ethertype, ip, ppp_protocol

ETHERNET_BRIDGED = b"\x65\x58"


def frame(packet, who):
    return ethernet(ethertype(packet) + packet, who)


def labels(*values):
    """An MPLS label stack (RFC 3032): label, class, bottom of stack, TTL."""
    return b"".join(struct.pack("!I", v << 12 | (i == len(values) - 1) << 8 | 64)
                    for i, v in enumerate(values))


def mpls(*values):
    return lambda p, who: ethernet(b"\x88\x47" + labels(*values) + p, who)


def pseudowire(p, who):
    """Ethernet over MPLS with a control word (RFC 4448)."""
    return ethernet(b"\x88\x47" + labels(17, 18) + bytes(4) + frame(p, who), who)


def tagged(*types):
    def wrap(p, who):
        tags = b"".join(struct.pack("!HH", t, 100 + i) for i, t in enumerate(types))
        return ethernet(tags + ethertype(p) + p, who)
    return wrap


def pppoe_behind_tag(p, who):
    body = ppp_protocol(p) + p
    return ethernet(b"\x81\x00\x00\x07\x88\x64" + struct.pack("!BBHH", 0x11, 0, 7, len(body))
                    + body, who)


def nsh(kind):
    """RFC 8300: length in words, metadata type 1 (16 bytes) or 2 (none), IPv4 or Ethernet."""
    def wrap(p, who):
        metadata, words = (bytes(range(16)), 6) if kind == 1 else (b"", 2)
        inner, following = (p, 1) if kind == 1 else (frame(p, who), 3)
        head = struct.pack("!HBBI", 0x0fc0 | words, kind, following, 0x0000_2aff)
        return ethernet(b"\x89\x4f" + head + metadata + inner, who)
    return wrap


def wifi_qos(p, who):
    """A QoS data frame from the access point (IEEE 802.11 section 9.3.2)."""
    macs = (link.MAC_SERVER, link.MAC_CLIENT) if who == "c" else (link.MAC_CLIENT, link.MAC_SERVER)
    return (b"\x88\x02\0\0" + macs[0] + b"\x02\0\0\0\0\x01" + macs[1] + b"\0\0" + b"\0\0"
            + bytes.fromhex("aaaa03000000") + ethertype(p) + p)


def wifi_several(p, who):
    """An A-MSDU of two: the packet, then something else (IEEE 802.11 section 9.3.2.2)."""
    macs = link.MAC_SERVER + link.MAC_CLIENT
    inner = bytes.fromhex("aaaa03000000") + ethertype(p) + p
    other = bytes.fromhex("aaaa030000000806") + bytes(28)
    first = macs + struct.pack("!H", len(inner)) + inner
    return (wifi_qos(p, who)[:24] + b"\x80\0" + first + bytes(-len(first) % 4)
            + macs + struct.pack("!H", len(other)) + other)


# name: (what it shows, packet and sender to frame, LINKTYPE)
LAYERS = {
    "mpls": ("one MPLS label", mpls(16), 1),
    "mpls-stack": ("four MPLS labels", mpls(16, 17, 0xfffff, 18), 1),
    "mpls-pseudowire": ("an Ethernet pseudowire with control word under two MPLS labels",
                        pseudowire, 1),
    "vlan-three": ("three tags: 802.1ad, 802.1Q, 802.1Q", tagged(0x88a8, 0x8100, 0x8100), 1),
    "vlan-old": ("stacked tags of the type 0x9100", tagged(0x9100, 0x8100), 1),
    "vlan-pppoe": ("PPPoE behind a tag", pppoe_behind_tag, 1),
    "nsh-1": ("a service header (RFC 8300) of type 1 before IPv4", nsh(1), 1),
    "nsh-2": ("a service header of type 2 before Ethernet", nsh(2), 1),
    "wifi-qos": ("802.11 QoS data from the access point", wifi_qos, 105),
    "wifi-a-msdu": ("802.11 with two packets in one frame, ours the first", wifi_several, 105),
}


def inside_ip(protocol, head=b""):
    return lambda p, who: ip(*TUNNEL, protocol, head + p)


def inside_ipv6(protocol):
    six = tuple(link.ipaddress.ip_address("2001:db8:ffff::%d" % n) for n in (1, 2))
    return lambda p, who: ip(*six, protocol, p)


def gre(flags, *fields):
    def wrap(p, who):
        head = struct.pack("!H", flags) + ethertype(p) + b"".join(fields)
        if flags & 0x8000:      # the checksum is over header and payload, itself zero
            total = link.checksum(head + p)
            head = head[:4] + struct.pack("!H", total) + head[6:]
        return ip(*TUNNEL, GRE, head + p)
    return wrap


def gre_ethernet(flags, protocol, fields):
    return lambda p, who: ip(*TUNNEL, GRE, struct.pack("!HH", flags, protocol) + fields
                             + frame(p, who))


def over_udp(port, head, ethernet_inside=False):
    """`head`: bytes, or a function of the payload."""
    def wrap(p, who):
        inner = frame(p, who) if ethernet_inside else p
        made = head(inner) if callable(head) else head
        return link.udp(*TUNNEL, port, made + inner)
    return wrap


def gtp(extended):
    """3GPP TS 29.281; extended: sequence number and a PDU session container (5G)."""
    optional = bytes.fromhex("00010085" "01100900") if extended else b""
    return lambda inner: struct.pack("!BBHI", 0x34 if extended else 0x30, 0xff,
                                     len(optional) + len(inner), 0x1234) + optional


def l2tp(p, who):
    """RFC 2661 section 3.1, with length, sequence numbers and offset."""
    body = struct.pack("!HHHHH", 9, 7, 1, 1, 2) + b"\0\0" + b"\xff\x03" + ppp_protocol(p) + p
    return link.udp(*TUNNEL, 1701, struct.pack("!HH", 0x4a02, 4 + len(body)) + body)


# RFC 4380 section 5.1.1: an authentication without client or key, an origin.
TEREDO = bytes.fromhex("0001" "0000" "0000000000000000" "00" "0000" "1234" "f5fffffe")
ERSPAN2 = bytes.fromhex("1064000a" "00000003")
ERSPAN3 = bytes.fromhex("2064000a" "11223344" "00000001")      # the last bit: eight bytes more

# name: (what it shows, packet and sender to packet, IP version inside)
TUNNELS = {
    "ipip": ("IPv4 in IPv4", inside_ip(4), 4),
    "6in4": ("IPv6 in IPv4", inside_ip(41), 6),
    "4in6": ("IPv4 in IPv6", inside_ipv6(4), 4),
    "6in6": ("IPv6 in IPv6", inside_ipv6(41), 6),
    "gre-fields": ("GRE with checksum, key and sequence number",
                   gre(0xb000, bytes(4), b"\0\0\0\7", b"\0\0\0\1"), 4),
    "gre-6": ("GRE with a key around IPv6", gre(0x2000, b"\0\0\0\7"), 6),
    "nvgre": ("NVGRE (RFC 7637)", gre_ethernet(0x2000, 0x6558, b"\0\x10\1\7"), 4),
    "erspan-1": ("ERSPAN type I", gre_ethernet(0, 0x88be, b""), 4),
    "erspan-2": ("ERSPAN type II", gre_ethernet(0x1000, 0x88be, b"\0\0\0\5" + ERSPAN2), 4),
    "erspan-3": ("ERSPAN type III with a platform header",
                 gre_ethernet(0x1000, 0x22eb, b"\0\0\0\6" + ERSPAN3 + bytes(8)), 4),
    "vxlan-gpe": ("VXLAN-GPE that says IPv4 follows",
                  over_udp(4790, bytes.fromhex("0c00000100002a00")), 4),
    "geneve": ("GENEVE with two options",
               over_udp(6081, bytes.fromhex("0540655800002a00" "01020101deadbeef"
                                            "010203020011223344556677"), True), 4),
    "gtp": ("GTP-U", over_udp(2152, gtp(False)), 4),
    "gtp-5g": ("GTP-U with a PDU session container, IPv6 inside", over_udp(2152, gtp(True)), 6),
    "l2tp": ("L2TP with all of its optional fields", l2tp, 4),
    "teredo": ("Teredo", over_udp(3544, b""), 6),
    "teredo-origin": ("Teredo with authentication and origin", over_udp(3544, TEREDO), 6),
    "tzsp": ("TZSP with a tag", over_udp(37008, bytes.fromhex("01000001" "0a01c5" "01"), True), 4),
}


def nested(depth):
    """Tunnels inside each other, `depth` of them."""
    order = ("gre-fields", "vxlan-gpe", "ipip", "gtp", "nvgre")

    def wrap(p, who):
        for name in order[:depth]:
            p = TUNNELS[name][1](p, who)
        return p
    return wrap
