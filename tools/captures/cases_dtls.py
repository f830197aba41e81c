# SPDX-License-Identifier: Apache-2.0
"""Golden captures of DTLS: recorded handshakes, their messages cut and sent in other ways, and what
wraps them."""
import random

from . import dtls, tls, tls13
from .case import Case, datagram_capture, facts, known, not_seen, presented
from .link import Endpoints
from .pki import sha256

RECORDED = {
    "dtls12": ("DTLS 1.2 in small fragments, with HelloVerifyRequest", 9201),
    "dtls10": ("DTLS 1.0", 9202),
    "dtls12-cookie": ("DTLS 1.2, the server's flight in one datagram", 9203),
    "dtls12-mutual": ("DTLS 1.2, both sides present a chain", 9204),
    "dtls12-gnutls": ("DTLS 1.2, GnuTLS on both sides", 9205),
}
ENDS = Endpoints(port=9206)
MAGIC = bytes.fromhex("2112a442")


def recorded(kept):
    for name, (shows, port) in RECORDED.items():
        handshake, ends = kept.handshakes[name], Endpoints(port=port)
        yield Case(name, shows, datagram_capture(handshake.talk, ends),
                   known(handshake, ends, resegment="runs twice", protocol="dtls"))


class Recut:
    """The recorded handshake, with its server's flight as messages to be cut anew."""

    def __init__(self, kept):
        self.handshake = kept.handshakes["dtls12-cookie"]
        talk = self.handshake.talk
        first = next(i for i, (who, data) in enumerate(talk)
                     if who == "s" and data[13] == tls.SERVER_HELLO)
        self.before, self.after = talk[:first], talk[first + 1:]
        self.flight = [m for m in dtls.messages([talk[first][1]])]

    def talk(self, datagrams):
        return self.before + [("s", d) for d in datagrams] + self.after

    def case(self, name, shows, datagrams, resegment="runs twice", told=None):
        return Case(name, shows, datagram_capture(self.talk(datagrams), ENDS),
                    told or known(self.handshake, ENDS, resegment=resegment, protocol="dtls"))


def recut(kept):
    r = Recut(kept)
    small = dtls.datagrams(dtls.cut(r.flight, 200))
    mixed = list(small)
    random.Random(4).shuffle(mixed)
    yield r.case("dtls-fragments-mixed", "fragments of 200 bytes in random order", mixed)
    yield r.case("dtls-fragments-reversed", "fragments of 200 bytes, the last one first",
                 small[::-1])
    yield r.case("dtls-fragments-overlap", "fragments of 200 bytes that begin every 120",
                 dtls.datagrams(dtls.cut(r.flight, 200, 120)))
    yield r.case("dtls-fragments-tiny", "fragments of 9 bytes",
                 dtls.datagrams(dtls.cut(r.flight, 9)))
    yield r.case("dtls-several", "the whole flight in one datagram, a record a message",
                 [b"".join(dtls.datagrams(dtls.cut(r.flight, 2**24)))])
    yield r.case("dtls-one-record", "the whole flight in one record",
                 [dtls.record(tls.HANDSHAKE, b"".join(dtls.cut(r.flight, 2**24)), 1)])
    again = dtls.datagrams(dtls.cut(r.flight, 500), len(small) + 1)
    yield r.case("dtls-sent-again", "half of the flight, then all of it in other fragments",
                 small[:len(small) // 2] + again)
    yield Case("dtls-oversize", "a Certificate over --max-message",
               datagram_capture(r.talk(small), ENDS),
               facts([], [not_seen("oversize", ENDS, protocol="dtls")], resegment="no"),
               options="--max-message 1k")
    lost = facts([], [not_seen("lost", ENDS, protocol="dtls")], resegment="twice")
    yield r.case("dtls-lost", "one fragment of the Certificate is missing", small[:3] + small[4:],
                 told=lost)


def stun(kind, *attributes):
    """RFC 8489 section 5; kind: 1 request, 0x101 response, 0x16 Send, 0x17 Data."""
    body = b"".join(t.to_bytes(2, "big") + len(v).to_bytes(2, "big") + v + bytes(-len(v) % 4)
                    for t, v in attributes)
    head = kind.to_bytes(2, "big") + len(body).to_bytes(2, "big")
    return head + MAGIC + tls.seeded(95, 12) + body


def channel_data(datagram):
    return b"\x40\x01" + len(datagram).to_bytes(2, "big") + datagram


def indication(who, datagram):
    peer = b"\0\1" + bytes.fromhex("3112e3b2a443")      # XOR-PEER-ADDRESS
    return stun(0x16 if who == "c" else 0x17, (0x12, peer), (0x13, datagram))


def wrapped(kept):
    handshake = kept.handshakes["dtls12"]
    told = known(handshake, ENDS, resegment="runs twice", protocol="dtls")
    bindings = [("c", stun(1, (6, b"user:name"))), ("s", stun(0x101, (0x20, b"\0\1" + bytes(6))))]
    for name, shows, talk in (
            ("dtls-stun", "DTLS after STUN on the same ports, as WebRTC has it",
             bindings + handshake.talk),
            ("dtls-turn-channel", "DTLS in TURN ChannelData",
             [(who, channel_data(d)) for who, d in handshake.talk]),
            ("dtls-turn-indication", "DTLS in TURN Send and Data indications",
             [(who, indication(who, d)) for who, d in handshake.talk]),
            ("dtls-capwap", "DTLS in CAPWAP (RFC 5415)",
             [(who, b"\1\0\0\0" + d) for who, d in handshake.talk])):
        yield Case(name, shows, datagram_capture(talk, ENDS), told)


def version_13(kept):
    """DTLS 1.3 (RFC 9147): hellos in clear, the rest in records with a unified header."""
    chain = kept.chains["pool"]
    hello = tls13.client_hello(version=tls13.DTLS13)
    server = tls13.server_hello(version=tls13.DTLS13)
    flight = dtls.messages([dtls.record(tls.HANDSHAKE, b"".join(
        dtls.fragment(kind, i + 1, body) for i, (kind, body) in enumerate(
            tls.messages(tls13.flight(tls13.certificate(chain))))), 1)])
    sealer = tls13.DtlsSealer(tls13.secrets()[1])
    sealed = [("s", sealer.record(tls.HANDSHAKE, f)) for f in dtls.cut(flight, 700)]
    answer = tls13.DtlsSealer(tls13.secrets()[0]).record(
        tls.HANDSHAKE, dtls.fragment(tls13.FINISHED, 1, tls.seeded(33, 32)))
    hellos = [("c", dtls.record(tls.HANDSHAKE, dtls.fragment(1, 0, hello[4:]), 0)),
              ("s", dtls.record(tls.HANDSHAKE, dtls.fragment(2, 0, server[4:]), 0))]
    packets = datagram_capture(hellos + sealed + [("c", answer)], ENDS)
    yield Case("dtls13", "DTLS 1.3 without keys", packets,
               facts([], [not_seen("encrypted", ENDS, protocol="dtls", version="1.3",
                                   server_name="pool.example")], resegment="twice"))
    told = facts([presented([sha256(c) for c in chain], ENDS, protocol="dtls", version="1.3",
                            witness="keylog", server_name="pool.example")],
                 resegment="runs twice")
    yield Case("dtls13-keys", "DTLS 1.3 with a key log", packets, told, keys=tls13.key_log())
    for name, shows, talk in (
            ("late-hello", "the ServerHello was captured after three sealed records",
             hellos[:1] + sealed[:3] + hellos[1:] + sealed[3:]),
            ("last-hello", "the ServerHello was captured last of all",
             hellos[:1] + sealed + [("c", answer)] + hellos[1:]),
            ("hellos-swapped", "the server's flight was captured before the ClientHello",
             hellos[1:] + sealed + hellos[:1] + [("c", answer)]),
            ("one-datagram", "the ServerHello and a sealed record in one datagram",
             hellos[:1] + [("s", hellos[1][1] + sealed[0][1])] + sealed[1:] + [("c", answer)])):
        yield Case("dtls13-" + name, "DTLS 1.3 with a key log: " + shows,
                   datagram_capture(talk, ENDS),
                   dict(told, resegment="runs twice" if name == "one-datagram" else "twice"),
                   keys=tls13.key_log())


CASES = (recorded, recut, wrapped, version_13)
