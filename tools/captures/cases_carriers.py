# SPDX-License-Identifier: Apache-2.0
"""Golden captures of what carries TLS beside plain TCP: protocols that talk before it, and some
that wrap it. (STARTTLS of recorded peers: cases_tls.py.)"""
import base64
import struct

from . import tcp, tls
from .case import START_NS, Case, capture, datagram_capture, facts, known
from .link import MAC_SERVER, Endpoints, ethernet, ip
from .pcap import Frame, pcap

ENDS = Endpoints(port=9700)

# What is said before TLS: [(who, bytes)].
PREAMBLES = {
    "rdp": ("RDP: X.224 request and confirm with negotiation of TLS (MS-RDPBCGR 2.2.1)", [
        ("c", bytes.fromhex("0300002a" "25e00000000000") + b"Cookie: mstshash=pool\r\n"
         + bytes.fromhex("0100080003000000")),
        ("s", bytes.fromhex("03000013" "0ed00000123400" "0200080001000000"))]),
    "nntp": ("STARTTLS in NNTP (RFC 4642)", [
        ("s", b"200 news.example ready\r\n"), ("c", b"CAPABILITIES\r\n"),
        ("s", b"101 list\r\nVERSION 2\r\nSTARTTLS\r\n.\r\n"), ("c", b"STARTTLS\r\n"),
        ("s", b"382 continue\r\n")]),
    "sieve": ("STARTTLS in ManageSieve (RFC 5804)", [
        ("s", b'"IMPLEMENTATION" "Example"\r\n"SIEVE" "fileinto"\r\n"STARTTLS"\r\nOK "ready"\r\n'),
        ("c", b"STARTTLS\r\n"), ("s", b'OK "begin"\r\n')]),
    "irc": ("STARTTLS in IRC", [
        ("c", b"CAP LS 302\r\n"), ("s", b":irc.example CAP * LS :tls\r\n"), ("c", b"STARTTLS\r\n"),
        ("s", b":irc.example 670 * :STARTTLS successful\r\n")]),
    "socks4": ("SOCKS 4", [
        ("c", b"\4\1\1\xbb\x0a\0\0\7user\0"), ("s", b"\0\x5a\1\xbb\x0a\0\0\7")]),
    "socks5": ("SOCKS 5 by name (RFC 1928)", [
        ("c", b"\5\1\0"), ("s", b"\5\0"),
        ("c", b"\5\1\0\3" + tls.vec(1, b"pool.example") + b"\1\xbb"),
        ("s", b"\5\0\0\1" + bytes(6))]),
    "http-upgrade": ("HTTP Upgrade to TLS (RFC 2817)", [
        ("c", b"OPTIONS * HTTP/1.1\r\nHost: pool.example\r\nUpgrade: TLS/1.0\r\n"
              b"Connection: Upgrade\r\n\r\n"),
        ("s", b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: TLS/1.0, HTTP/1.1\r\n"
              b"Connection: Upgrade\r\n\r\n")]),
    "lmtp": ("STARTTLS in LMTP", [
        ("s", b"220 mx.example LMTP ready\r\n"), ("c", b"LHLO client.example\r\n"),
        ("s", b"250-mx.example\r\n250 STARTTLS\r\n"), ("c", b"STARTTLS\r\n"),
        ("s", b"220 2.0.0 ready\r\n")]),
}


def preambles(kept):
    handshake = kept.handshakes["tls12"]
    for name, (shows, before) in PREAMBLES.items():
        yield Case("carrier-" + name, shows,
                   capture(tcp.conversation(before + handshake.talk), ENDS),
                   known(handshake, ENDS, resegment="shuffle", carrier=name))
    unknown = [("s", b"\x00\x07welcome"), ("c", b"\x00\x09start-tls")]
    yield Case("carrier-unknown", "a protocol that nobody knows, then TLS",
               capture(tcp.conversation(unknown + handshake.talk), ENDS),
               known(handshake, ENDS, resegment="shuffle", carrier="unknown"))


def in_tds(talk, size=2000):
    """MS-TDS 2.2.6.5: PRELOGIN each way, then the handshake in PRELOGIN packets."""
    def packet(kind, body, status=1):
        return struct.pack("!BBHHBB", kind, status, 8 + len(body), 0, 1, 0) + body
    options = bytes.fromhex("00000b0006" "0100110001" "ff")
    prelogin = options + bytes.fromhex("100000000000") + b"\1"

    def wrapped(data):
        pieces = tcp.cut(data, size)
        return b"".join(packet(0x12, p, i == len(pieces) - 1) for i, p in enumerate(pieces))
    return [("c", packet(0x12, prelogin)), ("s", packet(0x04, prelogin))] \
        + [(who, wrapped(data)) for who, data in talk[:4]] + talk[4:]


def tds(kept):
    handshake = kept.handshakes["tls12"]
    yield Case("carrier-tds", "TLS in the pre-login packets of SQL Server",
               capture(tcp.conversation(in_tds(handshake.talk)), ENDS),
               known(handshake, ENDS, carrier="tds"))
    yield Case("carrier-tds-cut", "the same in packets of 300 bytes",
               capture(tcp.conversation(in_tds(handshake.talk, 300), 177), ENDS), known(handshake, ENDS, carrier="tds"))


def eap_packets(talk, method, size=700):
    """EAP-TLS (RFC 5216): [(who, packet)], "c" the device; a fragment is acknowledged by an empty
    packet."""
    said, number = [], 1

    def add(who, data):
        code = 1 if who == "s" else 2
        said.append((who, struct.pack("!BBHB", code, number, 5 + len(data), method) + data))
    add("s", b"\x20")
    for who, data in talk[:4]:
        pieces = tcp.cut(data, size)
        for i, piece in enumerate(pieces):
            if who == "s":
                number += 1
            more = i < len(pieces) - 1
            flags = (0x80 if i == 0 and more else 0) | (0x40 if more else 0)
            add(who, bytes((flags,)) + (len(data).to_bytes(4, "big") if flags & 0x80 else b"")
                + piece)
            if more:
                if who == "c":
                    number += 1
                add("c" if who == "s" else "s", b"\0")
    return said


def eapol(kept):
    """EAP in Ethernet frames (IEEE 802.1X): the ends are known by their addresses there alone."""
    handshake = kept.handshakes["mutual"]
    server = ":".join("%02x" % b for b in MAC_SERVER)
    talk = [("c", b"\2\0\0\x09\1anna")] + eap_packets(handshake.talk, 13)
    made = [Frame(START_NS + i * 10**6,
                  ethernet(b"\x88\x8e\2\0" + len(eap).to_bytes(2, "big") + eap, who))
            for i, (who, eap) in enumerate(talk)]
    told = known(handshake, ENDS, resegment="no")
    for row in told["presented"]:
        row["server"] = server
    yield Case("carrier-eapol", "EAP-TLS in Ethernet frames", pcap(1, made), told)


def radius(kept):
    """RADIUS (RFC 2865, 3579): EAP in attributes of at most 253 bytes."""
    handshake, ends = kept.handshakes["mutual"], Endpoints(port=1812)

    def packet(code, number, eap, state):
        body = b"".join(b"\x4f" + bytes((2 + len(p),)) + p for p in tcp.cut(eap, 253))
        if state:
            body += b"\x18" + bytes((2 + len(state),)) + state
        body += b"\x50\x12" + tls.seeded(number, 16)
        if code == 1:
            body = b"\1\6anna" + body
        head = struct.pack("!BBH", code, number, 20 + len(body))
        return head + tls.seeded(100 + number, 16) + body
    for name, method in (("eap-tls", 13), ("peap", 25), ("eap-ttls", 21)):
        identity = b"\2\0\0\x09\1anna"
        talk, number, state = [("c", packet(1, 0, identity, b""))], 0, b""
        for who, eap in eap_packets(handshake.talk, method):
            if who == "s":
                state = b"state%03d" % number
                talk.append(("s", packet(11, number, eap, state)))
            else:
                number += 1
                talk.append(("c", packet(1, number, eap, state)))
        talk.append(("s", packet(2 if talk[-1][0] == "c" else 11, number, b"\3\1\0\4", b"")))
        yield Case("carrier-radius-" + name, "%s in RADIUS, in fragments of 700 bytes" % name,
                   datagram_capture(talk, ends),
                   known(handshake, ends, resegment="twice"))


def openvpn(kept):
    for name, shows in (("tcp", "OpenVPN over TCP"), ("udp", "OpenVPN over UDP"),
                        ("tls-auth", "OpenVPN over UDP with --tls-auth")):
        handshake, ends = kept.handshakes["openvpn-" + name], Endpoints(port=9194)
        told = known(handshake, ends, resegment="runs twice", carrier="openvpn")
        for row in told["presented"]:
            row.pop("server_name", None)
        if not handshake.udp:
            told["resegment"] = "shuffle"
        make = datagram_capture if handshake.udp else \
            lambda talk, ends: capture(tcp.conversation(talk), ends)
        yield Case("carrier-openvpn-" + name, shows, make(handshake.talk, ends), told)
    yield Case("carrier-openvpn-tls-crypt",
               "OpenVPN with --tls-crypt: all is encrypted, nothing to say",
               datagram_capture(kept.handshakes["openvpn-tls-crypt"].talk, Endpoints(port=9194)),
               facts(resegment="twice"))


def sctp_packet(who, ends, chunks):
    source, destination = ends.pair(who)
    head = struct.pack("!HHII", source[1], destination[1], 0x1234_5678, 0)
    return ip(source[0], destination[0], 132, head + b"".join(chunks))


def sctp(kept):
    """TLS over SCTP (RFC 3436): a stream of user messages, in DATA chunks (RFC 9260)."""
    handshake, ends = kept.handshakes["tls12"], Endpoints(port=9132)
    number, packets = {"c": 1000, "s": 2**32 - 2}, []

    def chunk(kind, flags, body):
        return struct.pack("!BBH", kind, flags, 4 + len(body)) + body + bytes(-len(body) % 4)

    def init(kind, who):
        return chunk(kind, 0, struct.pack("!IIHHI", 1, 65536, 10, 10, number[who]))
    packets = [("c", [init(1, "c")]), ("s", [init(2, "s")])]
    for order, (who, data) in enumerate(handshake.talk):
        pieces = tcp.cut(data, 500)
        for i, piece in enumerate(pieces):
            flags = (2 if i == 0 else 0) | (1 if i == len(pieces) - 1 else 0)
            body = struct.pack("!IHHI", number[who] % 2**32, 3, order, 0) + piece
            packets.append((who, [chunk(0, flags, body)]))
            number[who] += 1

    def made(said):
        return pcap(101, [Frame(START_NS + i * 10**6, sctp_packet(who, ends, chunks))
                          for i, (who, chunks) in enumerate(said)])
    told = known(handshake, ends, resegment="no")
    yield Case("carrier-sctp", "TLS in a stream of SCTP", made(packets), told)
    mixed = packets[:3] + packets[3:6][::-1] + packets[6:]
    yield Case("carrier-sctp-mixed", "the same, chunks of the flight in another order", made(mixed),
               told)


def ftp(kept):
    """RFC 2228: tokens in base64, in ADAT commands and replies."""
    handshake = kept.handshakes["mutual"]
    talk = [("s", b"220 grid.example ready\r\n"), ("c", b"AUTH GSSAPI\r\n"),
            ("s", b"334 Using authentication type; ADAT must follow\r\n")]
    for i, (who, data) in enumerate(handshake.talk[:4]):
        text = base64.b64encode(data)
        last = i == 3
        talk.append((who, b"ADAT " + text + b"\r\n" if who == "c"
                     else (b"235 " if last else b"335 ") + b"ADAT=" + text + b"\r\n"))
    yield Case("carrier-ftp-adat", "TLS in base64 of FTP's security tokens",
               capture(tcp.conversation(talk), ENDS), known(handshake, ENDS, resegment="cut"))


PEERS = {
    "sieve": "STARTTLS in ManageSieve: Dovecot",
    "lmtp": "STARTTLS in LMTP: Dovecot",
    "irc": "STARTTLS in IRC: InspIRCd, which asks for a certificate and gets none",
}


def peers(kept):
    """The same between real servers and clients (handshakes_peers.py)."""
    for name, shows in PEERS.items():
        handshake = kept.handshakes["peers-" + name]
        yield Case("peers-" + name, shows, capture(tcp.conversation(handshake.talk), ENDS),
                   known(handshake, ENDS, resegment="shuffle", carrier=name))
    ends = Endpoints(port=1812)
    for method in ("tls", "ttls", "peap"):
        handshake = kept.handshakes["peers-radius-" + method]
        yield Case("peers-radius-" + method,
                   "EAP-%s in RADIUS: FreeRADIUS and wpa_supplicant" % method.upper(),
                   datagram_capture(handshake.talk, ends),
                   known(handshake, ends, resegment="twice"))
    handshake = kept.handshakes["peers-eapol"]
    made = [Frame(START_NS + i * 10**6, ethernet(b"\x88\x8e" + data, who))
            for i, (who, data) in enumerate(handshake.talk)]
    told = known(handshake, ENDS, resegment="no")
    for row in told["presented"]:
        row["server"] = ":".join("%02x" % b for b in MAC_SERVER)
    yield Case("peers-eapol", "EAP-TLS on a wire: hostapd and wpa_supplicant", pcap(1, made), told)
    handshake, ends = kept.handshakes["peers-quic"], Endpoints(port=443)
    yield Case("peers-quic", "QUIC with a key log: ngtcp2 on both sides",
               datagram_capture(handshake.talk, ends),
               known(handshake, ends, resegment="twice", protocol="quic", witness="keylog"),
               keys=handshake.keys)


CASES = (preambles, tds, eapol, radius, openvpn, sctp, ftp, peers)
