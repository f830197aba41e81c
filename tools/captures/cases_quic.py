# SPDX-License-Identifier: Apache-2.0
"""Golden captures of QUIC, all made up: what is in clear to anybody who knows the first connection
ID, and what a key log opens."""
import random

from . import quic, tls, tls13
from .case import Case, datagram_capture, facts, not_seen, presented
from .link import Endpoints
from .pki import sha256
from .quic import ACK, crypto

ENDS = Endpoints(port=9443)
ALPN = (b"h3",)
FIRST, CLIENT, SERVER = (tls.seeded(80 + i, 8) for i in range(3))


class Connection:
    """Both ends of one connection; the server chooses another connection ID, as servers do."""

    def __init__(self, version, hello=None, key_id=FIRST, token=b"", seed=50):
        initial = quic.initial_keys(version, key_id)
        client, server = (quic.Keys(version, s) for s in tls13.secrets(seed))
        self.client = quic.Sender(version, {"initial": initial["c"], "handshake": client}, key_id,
                                  CLIENT, token)
        self.server = quic.Sender(version, {"initial": initial["s"], "handshake": server}, CLIENT,
                                  SERVER)
        self.hello = hello or tls13.client_hello(alpn=ALPN)

    def opening(self):
        return [("c", self.client.packet("initial", crypto(self.hello), 1200))]

    def opening_cut(self, places, datagrams=2):
        """The ClientHello in pieces, their order mixed in each packet, as browsers do."""
        marks = [0] + list(places) + [len(self.hello)]
        pieces = [crypto(self.hello[a:b], a) for a, b in zip(marks, marks[1:])]
        random.Random(5).shuffle(pieces)
        each = -(-len(pieces) // datagrams)
        return [("c", self.client.packet("initial", b"".join(pieces[i:i + each]), 1200))
                for i in range(0, len(pieces), each)]

    def answer(self, messages, room=1000):
        """ServerHello and the beginning of the flight share a datagram; the rest follows."""
        self.client.destination = SERVER
        pieces = [crypto(messages[i:i + room], i) for i in range(0, len(messages), room)]
        first = self.server.packet("initial", ACK + crypto(tls13.server_hello()))
        said = [("s", first + self.server.packet("handshake", pieces[0]))]
        return said + [("s", self.server.packet("handshake", p)) for p in pieces[1:]]

    def ending(self):
        finished = tls.message(tls13.FINISHED, tls.seeded(33, 32))
        return [("c", self.client.packet("initial", ACK, 1100)
                 + self.client.packet("handshake", ACK + crypto(finished))),
                ("s", quic.short(CLIENT, 90)), ("c", quic.short(SERVER, 91))]

    def whole(self, flight):
        return self.opening() + self.answer(flight) + self.ending()


def flight_of(chain):
    return tls13.flight(tls13.certificate(chain), ALPN)


def shown(chain, resegment="twice", ends=ENDS, **more):
    return facts([presented([sha256(c) for c in chain], ends, protocol="quic", witness="keylog",
                            version="1.3", server_name="pool.example", **more)],
                 resegment=resegment)


def hidden(resegment="twice", **more):
    """Without keys the protocol chosen is not known either."""
    return facts([], [not_seen("encrypted", ENDS, protocol="quic", version="1.3",
                               **{"server_name": "pool.example", **more})], resegment=resegment)


def versions(kept):
    chain = kept.chains["pool"]
    for name, version in (("v1", quic.V1), ("v2", quic.V2), ("draft-29", quic.DRAFT_29)):
        packets = datagram_capture(Connection(version).whole(flight_of(chain)), ENDS)
        yield Case("quic-" + name, "QUIC %s without keys" % name, packets, hidden("runs twice"))
        yield Case("quic-%s-keys" % name, "QUIC %s with a key log" % name, packets,
                   shown(chain, "runs twice"), keys=tls13.key_log())


def protocol(kept):
    """The protocol chosen is in EncryptedExtensions."""
    told = shown(kept.chains["pool"], alpn="h3")
    yield Case("quic-alpn", "what was chosen of the protocols offered, with a key log",
               datagram_capture(Connection(quic.V1).whole(flight_of(kept.chains["pool"])), ENDS),
               told, keys=tls13.key_log())


def order(kept):
    chain = kept.chains["pool"]
    hello = tls13.client_hello(tls.extension(0x1234, tls.seeded(92, 1500)), ALPN)
    c = Connection(quic.V1, hello)
    cut = c.opening_cut((300, 700, 900, 1300, 1500))
    rest = c.answer(flight_of(chain), 300) + c.ending()
    told, keys = shown(chain), tls13.key_log()
    yield Case("quic-hello-cut", "a ClientHello in two datagrams, its pieces in mixed order",
               datagram_capture(cut + rest, ENDS), told, keys=keys)
    yield Case("quic-hello-swapped", "the same, the second datagram first",
               datagram_capture(cut[::-1] + rest, ENDS), told, keys=keys)
    flight, mixed = rest[:-3], rest[1:-3]
    random.Random(8).shuffle(mixed)
    yield Case("quic-flight-mixed", "the server's Handshake packets in random order",
               datagram_capture(cut + flight[:1] + mixed + rest[-3:], ENDS), told, keys=keys)
    yield Case("quic-server-first", "the server's first datagram was captured before the client's",
               datagram_capture(flight[:1] + cut + flight[1:] + rest[-3:], ENDS), told, keys=keys)
    yield Case("quic-lost", "one Handshake packet of the Certificate is missing",
               datagram_capture(cut + flight[:2] + flight[3:] + rest[-3:], ENDS),
               facts([], [not_seen("lost", ENDS, protocol="quic")], resegment="twice"), keys=keys)


def retries(kept):
    """After a Retry the client's keys follow from the connection ID that the server gave it."""
    chain, given, token = kept.chains["pool"], tls.seeded(93, 12), tls.seeded(94, 50)
    for name, version in (("v1", quic.V1), ("v2", quic.V2)):
        first = Connection(version).opening()
        asked = [("s", quic.retry(version, FIRST, CLIENT, given, token))]
        again = Connection(version, key_id=given, token=token)
        yield Case("quic-retry-" + name, "a Retry in QUIC %s" % name,
                   datagram_capture(first + asked + again.whole(flight_of(chain)), ENDS),
                   shown(chain), keys=tls13.key_log())


def begun_twice(kept):
    """Initials that are not the beginning of another connection, whatever they look like: the server
    answers none of them. And one that is."""
    chain, keys, given = kept.chains["pool"], tls13.key_log(), tls.seeded(93, 12)
    first = Connection(quic.V1).opening()
    asked = [("s", quic.retry(quic.V1, FIRST, CLIENT, given, tls.seeded(94, 50)))]
    again = Connection(quic.V1, key_id=given, token=tls.seeded(94, 50)).whole(flight_of(chain))
    yield Case("quic-retry-late", "the first Initial once more, behind the answer to the second",
               datagram_capture(first + asked + again[:1] + first + again[1:2] + first + again[2:],
                                ENDS), shown(chain), keys=keys)
    foreign = Connection(quic.V1, tls13.client_hello(name="foreign.example"),
                         key_id=tls.seeded(95, 9)).opening()
    ours = Connection(quic.V1).whole(flight_of(chain))
    yield Case("quic-foreign", "an Initial of another connection before, amid and behind the answer",
               datagram_capture(ours[:1] + foreign + ours[1:2] + foreign + ours[2:] + foreign,
                                ENDS), shown(chain), keys=keys)


def other(kept):
    chain = kept.chains["pool"]
    ech = tls13.client_hello(tls13.encrypted_client_hello(), ALPN, name="outer.example")
    packets = datagram_capture(Connection(quic.V1, ech).whole(flight_of(chain)), ENDS)
    yield Case("quic-ech", "an encrypted ClientHello in QUIC", packets,
               hidden(server_name="outer.example", ech=True))
    others = "".join(tls13.key_log(random=tls.seeded(60 + i, 32), of=70 + 2 * i)
                     for i in range(5))
    yield Case("quic-ech-keys",
               "the same with a key log, which names the random of the inner ClientHello", packets,
               facts([presented([sha256(c) for c in chain], ENDS, protocol="quic", version="1.3",
                                witness="keylog", server_name="outer.example", ech=True)],
                     resegment="twice"),
               keys=others + tls13.key_log(random=tls.seeded(70, 32)) + others.replace("a", "b"))
    yield Case("quic-unanswered", "a ClientHello that nobody answers",
               datagram_capture(Connection(quic.V1).opening() * 3, ENDS),
               facts([], [not_seen("unfinished", ENDS, protocol="quic",
                                   server_name="pool.example")], resegment="twice"))
    six = Endpoints(server="2001:db8::5", client="2001:db8::9", port=443)
    yield Case("quic-6", "QUIC over IPv6",
               datagram_capture(Connection(quic.V1).whole(flight_of(chain)), six),
               shown(chain, ends=six), keys=tls13.key_log())
    yield Case("quic-data-only", "the capture begins after the handshake: nothing to say",
               datagram_capture(Connection(quic.V1).ending()[1:] * 3, ENDS), facts())


CASES = (versions, protocol, order, retries, begun_twice, other)
