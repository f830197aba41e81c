# SPDX-License-Identifier: Apache-2.0
"""Segments as IP packets, and IP packets as frames of every link type that certtap reads."""
import ipaddress
import struct

MAC_CLIENT, MAC_SERVER = bytes.fromhex("020000000009"), bytes.fromhex("020000000005")
TCP, UDP, GRE = 6, 17, 47


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


class Endpoints:
    """Who the two sides are; addresses as text, both of one family."""

    def __init__(self, server="10.0.0.5", port=9808, client="10.0.0.9", client_port=51244):
        self.server = (ipaddress.ip_address(server), port)
        self.client = (ipaddress.ip_address(client), client_port)

    def pair(self, who):
        return (self.client, self.server) if who == "c" else (self.server, self.client)

    def server_text(self):
        address, port = self.server
        return "[%s]:%d" % (address, port) if address.version == 6 else "%s:%d" % (address, port)


def tcp_header(segment, source, destination):
    options = segment.options + b"\1" * (-len(segment.options) % 4)
    head = struct.pack("!HHIIBBHHH", source[1], destination[1], segment.seq, segment.ack,
                       (5 + len(options) // 4) << 4, segment.flags, 65000, 0, segment.urgent)
    body = head + options + segment.payload
    pseudo = (source[0].packed + destination[0].packed
              + struct.pack("!IHH", len(body), 0, TCP))
    return body[:16] + struct.pack("!H", checksum(pseudo + body)) + body[18:]


def ipv4(source, destination, protocol, payload, ident=1, flags_offset=0x4000):
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), ident, flags_offset, 64,
                       protocol, 0) + source.packed + destination.packed
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + payload


def ipv6(source, destination, protocol, payload):
    return (struct.pack("!IHBB", 0x60000000, len(payload), protocol, 64) + source.packed
            + destination.packed + payload)


def ip(source, destination, protocol, payload, ident=1):
    if source.version == 4:
        return ipv4(source, destination, protocol, payload, ident)
    return ipv6(source, destination, protocol, payload)


def ip_packet(segment, endpoints, ident=1):
    source, destination = endpoints.pair(segment.who)
    return ip(source[0], destination[0], TCP, tcp_header(segment, source, destination), ident)


def udp_packet(payload, who, endpoints, ident=1):
    """A datagram with its checksum (RFC 768)."""
    source, destination = endpoints.pair(who)
    head = struct.pack("!HHHH", source[1], destination[1], 8 + len(payload), 0)
    pseudo = (source[0].packed + destination[0].packed
              + struct.pack("!IHH", 8 + len(payload), 0, UDP))
    total = checksum(pseudo + head + payload) or 0xffff
    return ip(source[0], destination[0], UDP, head[:6] + struct.pack("!H", total) + payload, ident)


def fragments(packet, size=576):
    """The packet in IP fragments of at most `size` bytes of payload (a multiple of 8)."""
    size -= size % 8
    if packet[0] >> 4 == 4:
        payload, ident = packet[20:], int.from_bytes(packet[4:6], "big")
        source, destination = (ipaddress.ip_address(packet[i:i + 4]) for i in (12, 16))
        return [ipv4(source, destination, packet[9], payload[at:at + size], ident,
                     (0x2000 if at + size < len(payload) else 0) | at // 8)
                for at in range(0, len(payload), size)]
    payload = packet[40:]
    source, destination = (ipaddress.ip_address(packet[i:i + 16]) for i in (8, 24))
    ident = checksum(packet)
    return [ipv6(source, destination, 44,
                 struct.pack("!BBHI", packet[6], 0, at | (at + size < len(payload)), ident)
                 + payload[at:at + size]) for at in range(0, len(payload), size)]


def ethertype(packet):
    return b"\x08\x00" if packet[0] >> 4 == 4 else b"\x86\xdd"


def ethernet(tagged, who):
    macs = MAC_SERVER + MAC_CLIENT if who == "c" else MAC_CLIENT + MAC_SERVER
    return macs + tagged


def udp(source, destination, port, payload):
    head = struct.pack("!HHHH", 49152, port, 8 + len(payload), 0)
    return ip(source, destination, UDP, head + payload)


TUNNEL = (ipaddress.ip_address("192.0.2.1"), ipaddress.ip_address("192.0.2.2"))


def ppp_protocol(packet):
    return b"\x00\x21" if packet[0] >> 4 == 4 else b"\x00\x57"


def wifi(packet, who):
    """An 802.11 data frame to the access point, with LLC and SNAP (IEEE 802.11 section 9.3.2)."""
    macs = (MAC_SERVER, MAC_CLIENT) if who == "c" else (MAC_CLIENT, MAC_SERVER)
    return (b"\x08\x01\0\0" + b"\x02\0\0\0\0\x01" + macs[1] + macs[0] + b"\0\0"
            + bytes.fromhex("aaaa03000000") + ethertype(packet) + packet)


def pppoe(packet, who):
    body = ppp_protocol(packet) + packet
    head = struct.pack("!BBHH", 0x11, 0, 7, len(body))
    return ethernet(b"\x88\x64" + head + body, who)


def gre(packet, who):
    """Plain GRE over IPv4 (RFC 2784)."""
    outer = ip(*TUNNEL, GRE, b"\0\0" + ethertype(packet) + packet)
    return ethernet(b"\x08\x00" + outer, who)


def vxlan(packet, who):
    inner = ethernet(ethertype(packet) + packet, who)
    return ethernet(b"\x08\x00" + udp(*TUNNEL, 4789, bytes.fromhex("0800000000002a00") + inner),
                    who)


def address_family(packet, ipv6_family):
    return 2 if packet[0] >> 4 == 4 else ipv6_family


def cooked_v1(packet, who):
    mac = MAC_CLIENT if who == "c" else MAC_SERVER
    return struct.pack("!HHH", 0, 1, 6) + mac + b"\0\0" + ethertype(packet) + packet


def cooked_v2(packet, who):
    mac = MAC_CLIENT if who == "c" else MAC_SERVER
    return (ethertype(packet) + b"\0\0" + struct.pack("!IHBB", 2, 1, 0, 6) + mac + b"\0\0"
            + packet)


# name: (LINKTYPE number, packet and sender to frame)
LINKS = {
    "ethernet": (1, lambda p, who: ethernet(ethertype(p) + p, who)),
    "vlan": (1, lambda p, who: ethernet(b"\x81\x00\x00\x64" + ethertype(p) + p, who)),
    "qinq": (1, lambda p, who: ethernet(b"\x88\xa8\x00\x0a\x81\x00\x00\x64" + ethertype(p) + p,
                                        who)),
    "pppoe": (1, pppoe),
    "gre": (1, gre),
    "vxlan": (1, vxlan),
    "raw": (101, lambda p, who: p),
    "ipv4": (228, lambda p, who: p),
    "null-little": (0, lambda p, who: struct.pack("<I", address_family(p, 30)) + p),
    "null-big": (0, lambda p, who: struct.pack(">I", address_family(p, 24)) + p),
    "loop": (108, lambda p, who: struct.pack(">I", address_family(p, 24)) + p),
    "ppp": (9, lambda p, who: b"\xff\x03" + ppp_protocol(p) + p),
    "cooked-v1": (113, cooked_v1),
    "cooked-v2": (276, cooked_v2),
    "wifi": (105, wifi),
    "radiotap": (127, lambda p, who: struct.pack("<BBHI", 0, 0, 8, 0) + wifi(p, who)),
}
