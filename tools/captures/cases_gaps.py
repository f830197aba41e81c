# SPDX-License-Identifier: Apache-2.0
"""Golden captures in which the chain cannot be known: each must say why, and no more."""
import dataclasses

from . import pcap, tcp, tls
from .case import Case, capture, facts, frames, known, not_seen, presented

MSS = 300


def lost(kept):
    handshake = kept.handshakes["tls12"]
    base = tcp.conversation(handshake.talk, MSS)
    flight = tcp.flight(base)
    for name, shows, gone in (
            ("lost-segment", "one segment of the Certificate is missing", flight[2:3]),
            ("lost-run", "three segments of the Certificate are missing", flight[2:5]),
            ("lost-first", "the segment with the ServerHello is missing", flight[:1])):
        start = (base[gone[0]].seq - base[flight[0]].seq) % 2**32
        size = sum(len(base[p].payload) for p in gone)
        yield Case(name, shows, capture(tcp.without(base, gone)),
                   facts([], [not_seen("lost", lost=[start, start + size])]))
    hidden = tcp.conversation(kept.handshakes["tls13"].talk, MSS)
    w = pcap.Pcapng()
    w.section()
    w.interface(1)
    for f in frames(tcp.without(hidden, tcp.flight(hidden)[2:3])):
        w.packet(0, f)
    yield Case("lost-encrypted", "one segment of an encrypted flight is missing, and keys might "
               "have come (pcapng)", w.bytes(),
               facts([], [not_seen("encrypted", server_name="pool.example")]), suffix="pcapng")
    yield Case("client-half", "only the client's packets were captured",
               capture(tcp.only(base, "c")), facts([], [not_seen("lost")]))


def begins_late(kept):
    talk = tls.with_data(kept.handshakes["tls12"].talk)
    base = tcp.conversation(talk, MSS)
    flight = tcp.flight(base)
    told = facts([], [not_seen("midstream")])
    yield Case("midstream-certificate", "the capture begins inside the Certificate",
               capture(base[flight[2]:]), told)
    data = next(i for i in tcp.payloads(base)
                if base[i].payload[0] == tls.APPLICATION_DATA and i > flight[-1])
    yield Case("midstream-data", "the capture begins with application data",
               capture(base[data:]), told)


def cut_short(kept):
    handshake = kept.handshakes["tls12"]
    base = tcp.conversation(handshake.talk)
    for snap in (96, 400):
        short = [pcap.Frame(f.time_ns, f.data[:snap], len(f.data)) for f in frames(base)]
        yield Case("snap-%d" % snap, "every packet cut to %d bytes" % snap,
                   pcap.pcap(1, short, snaplen=snap), facts([], [not_seen("truncated")]))


def breaks_off(kept):
    handshake = kept.handshakes["tls12"]
    base = tcp.conversation(handshake.talk, MSS)
    flight = tcp.flight(base)
    whole = capture(base)
    yield Case("file-breaks-after", "the file breaks off after the handshake: row, and exit 2",
               whole[:-30], dict(known(handshake, resegment="no"), exit=2))
    inside = len(capture(base[:flight[3]])) + 50
    yield Case("file-breaks-inside", "the file breaks off inside the Certificate",
               whole[:inside], facts([], [not_seen("unfinished")], exit_code=2))


def stops(kept):
    handshake = kept.handshakes["tls12"]
    hello, flight = handshake.talk[0], handshake.talk[1]

    def one(name, shows, talk, ending=None, resegment="shuffle"):
        segments = tcp.conversation(talk, closed=ending is None)
        if ending:
            last = segments[-1]
            segments.append(dataclasses.replace(last, flags=ending, payload=b""))
        return Case(name, shows, capture(segments),
                    facts([], [not_seen("unfinished")], resegment=resegment))

    yield one("stops-after-hello", "the server closes without an answer", [hello])
    yield one("stops-in-flight", "the server closes inside its Certificate",
              [hello, ("s", flight[1][:900])])
    yield one("stops-by-reset", "a RST inside the Certificate", [hello, ("s", flight[1][:900])],
              tcp.RST, resegment="no")
    alert = tls.record(tls.ALERT, bytes((2, 40)))
    yield one("alert-for-hello", "the server answers the ClientHello with handshake_failure",
              [hello, ("s", alert)])
    yield one("capture-ends", "the capture ends while the flight is under way",
              [hello, ("s", flight[1][:900])], tcp.ACK, resegment="no")


def nothing_of_ours(kept):
    """No TLS: no row at all."""
    http = [("c", b"GET / HTTP/1.1\r\nHost: pool.example\r\n\r\n"),
            ("s", b"HTTP/1.1 200 OK\r\nContent-Length: 400\r\n\r\n" + tls.seeded(11, 400))]
    yield Case("not-tls", "HTTP in clear", capture(tcp.conversation(http)),
               facts(resegment="shuffle"))
    like = [("c", b"\x16\x03\x01\x00" + tls.seeded(12, 300)),
            ("s", b"\x16\x03\x01\x7f" + tls.seeded(13, 900))]
    yield Case("not-tls-alike", "bytes that begin like a record and go on at random",
               capture(tcp.conversation(like)), facts())
    yield Case("no-packets", "a file with a header and nothing else", capture([]), facts())


def conflict(kept):
    """Two versions of the same bytes: we cannot know which one the client took."""
    handshake = kept.handshakes["tls12"]
    base = tcp.conversation(handshake.talk, MSS)
    place = tcp.flight(base)[2]
    other = bytes(b ^ 0x20 if 100 <= i < 110 else b
                  for i, b in enumerate(base[place].payload))
    forged = dataclasses.replace(base[place], payload=other)
    segments = base[:place + 1] + [forged] + base[place + 1:]
    yield Case("ambiguous", "a segment of the Certificate twice, with different bytes",
               capture(segments), facts([presented(handshake.chain)], [not_seen("ambiguous")],
                                        others_allowed=True))


def over_memory(kept):
    handshake = kept.handshakes["tls12"]
    yield Case("oversize", "no memory is left for the Certificate (--max-memory)",
               capture(tcp.conversation(handshake.talk, MSS)),
               facts([], [not_seen("oversize")], err="over the memory limit"),
               options="--max-memory 1k")


CASES = (over_memory, lost, begins_late, cut_short, breaks_off, stops, nothing_of_ours, conflict)
