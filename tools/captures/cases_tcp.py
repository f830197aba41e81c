# SPDX-License-Identifier: Apache-2.0
"""Golden captures by what TCP did to a handshake that is whole all the same: the chain must come
out, once, however the bytes travelled."""
import dataclasses

from . import tcp, tls
from .case import Case, capture, facts, known, presented
from .tcp import ACK, FIN, PSH, RST, SYN, URG, Segment

MSS = 300       # so that the server's flight takes seven segments


def order(kept):
    handshake = kept.handshakes["tls12"]
    base = tcp.conversation(handshake.talk, MSS)
    changes = (
        ("reorder-swap", "the flight's first two segments change places", tcp.swapped(base)),
        ("reorder-reverse", "the flight arrives last segment first", tcp.reversed_flight(base)),
        ("reorder-shuffle", "the flight arrives in random order", tcp.shuffled_flight(base, 7)),
        ("duplicate", "every segment twice", tcp.duplicated(base)),
        ("overlap", "each segment begins 40 bytes early, with the same bytes",
         tcp.overlapping(base)),
        ("byte-a-segment", "one byte a segment, both ways", tcp.conversation(handshake.talk, 1)),
        ("resent-larger", "after a loss, the rest of the flight comes in larger segments",
         resent_larger(handshake)),
        ("hello-late", "the ClientHello is captured after the server's flight",
         hello_late(base)),
        ("ack-first", "the client's acknowledgement is captured before the data it is for",
         acks_first(base)),
    )
    for name, shows, segments in changes:
        yield Case(name, shows, capture(segments), known(handshake, resegment="no"))


    mutual = kept.handshakes["mutual"]
    yield Case("client-first", "the client's certificate is captured before the server's flight",
               capture(client_first(tcp.conversation(mutual.talk))),
               known(mutual, resegment="no"))


def client_first(segments):
    """The client's first two flights, then the server's, then the rest."""
    hello, flight = tcp.payloads(segments, "c")[0], tcp.flight(segments)
    after = tcp.payloads(segments, "s")[len(flight)]
    second = [p for p in tcp.payloads(segments, "c") if hello < p < after]
    moved = flight + second
    return (segments[:flight[0]] + [segments[p] for p in second] + [segments[p] for p in flight]
            + [s for p, s in enumerate(segments) if p > flight[0] and p not in moved])


def resent_larger(handshake):
    small = tcp.conversation(handshake.talk, MSS)
    flight = tcp.flight(small)
    joined = b"".join(small[p].payload for p in flight[2:])
    again = [dataclasses.replace(small[flight[2]], payload=piece,
                                 seq=small[flight[2]].seq + 1000 * i)
             for i, piece in enumerate(tcp.cut(joined, 1000))]
    return small[:flight[2]] + [small[flight[4]]] + again + small[flight[-1] + 1:]


def hello_late(segments):
    hello, flight = tcp.payloads(segments, "c")[0], tcp.flight(segments)
    return (segments[:hello] + [segments[p] for p in flight] + [segments[hello]]
            + segments[flight[-1] + 1:])


def acks_first(segments):
    flight = tcp.flight(segments)
    ack = segments[flight[-1] + 1]
    return segments[:flight[0]] + [ack] + [segments[p] for p in flight] \
        + segments[flight[-1] + 2:]


def numbers(kept):
    handshake = kept.handshakes["tls12"]
    first, end = tls.certificate_span(handshake.talk)
    wrap = 2**32 - (first + end) // 2
    yield Case("wrap-in-certificate", "the sequence number passes zero inside the Certificate",
               capture(tcp.conversation(handshake.talk, server_isn=wrap - 1)), known(handshake))
    isn = 0xfffffff0
    yield Case("wrap-at-start", "both sides start at 0xfffffff0",
               capture(tcp.conversation(handshake.talk, MSS, client_isn=isn, server_isn=isn)),
               known(handshake))
    # Written down wrong by many a reader: the first byte of data lies at sequence number zero.
    yield Case("first-byte-at-zero", "the first byte of data has sequence number zero",
               capture(tcp.conversation(handshake.talk, client_isn=2**32 - 1,
                                        server_isn=2**32 - 1)), known(handshake))


def opening(kept):
    handshake = kept.handshakes["tls12"]
    hello = handshake.talk[0][1]
    yield Case("no-syn", "the capture begins with the ClientHello",
               capture(tcp.conversation(handshake.talk, opened=False)),
               known(handshake, resegment="cut"))

    fast = tcp.Connection()
    fast.send("c", SYN, hello, options=bytes.fromhex("020405b4"))
    fast.send("s", SYN | ACK, options=bytes.fromhex("020405b4"))
    fast.send("c", ACK)
    fast.say(handshake.talk[1:])
    fast.close()
    yield Case("fast-open", "the ClientHello rides on the SYN (RFC 7413)",
               capture(fast.segments), known(handshake, resegment="no"))

    both = tcp.Connection()
    both.send("c", SYN)
    both.send("s", SYN)
    both.segments.append(Segment("c", tcp.CLIENT_ISN, tcp.SERVER_ISN + 1, SYN | ACK))
    both.segments.append(Segment("s", tcp.SERVER_ISN, tcp.CLIENT_ISN + 1, SYN | ACK))
    both.say(handshake.talk)
    both.close()
    yield Case("simultaneous-open", "both sides send a SYN first (RFC 9293 section 3.5)",
               capture(both.segments), known(handshake))

    split = tcp.Connection()
    split.send("c", SYN)
    split.segments.append(Segment("s", 0x7777, tcp.CLIENT_ISN + 1, ACK))
    split.send("s", SYN)
    split.segments.append(Segment("c", tcp.CLIENT_ISN, tcp.SERVER_ISN + 1, SYN | ACK))
    split.send("s", ACK)
    split.say(handshake.talk)
    split.close()
    yield Case("split-handshake", "the server acknowledges first and sends its own SYN later",
               capture(split.segments), known(handshake))


def paused(segments, place, pause_ms):
    """Nothing comes for that long after the segment at `place`."""
    return [dataclasses.replace(s, pause_ms=pause_ms) if i == place else s
            for i, s in enumerate(segments)]


def intruders(kept):
    """Segments that the receiver ignores; so must we."""
    handshake = kept.handshakes["tls12"]
    base = tcp.conversation(handshake.talk, MSS)
    flight = tcp.flight(base)
    middle = base[flight[3]]
    probe = dataclasses.replace(middle, seq=middle.seq - 1, payload=b"\xee", flags=ACK)
    reset = Segment("s", (middle.seq + 0x4000_0000) % 2**32, 0, RST)
    foreign = dataclasses.replace(middle, seq=(middle.seq + 0x5000_0000) % 2**32)
    for name, shows, intruder in (
            ("keepalive", "a keep-alive probe with a wrong byte one before the next", probe),
            ("reset-outside", "a RST far outside the window, after which all goes on", reset),
            ("data-outside", "data far outside the window", foreign)):
        yield Case(name, shows, capture(base[:flight[3]] + [intruder] + base[flight[3]:]),
                   known(handshake, resegment="no"))
    slow = paused(base, flight[0] - 1, 3000)
    stray = Segment("c", 12345, 0, RST)
    hello = tcp.payloads(base, "c")[0]
    yield Case("reset-stray", "a RST of another connection, and a server that takes three seconds",
               capture(slow[:hello + 1] + [stray] + slow[hello + 1:]),
               known(handshake, resegment="no"))
    yield Case("reset-before-syn", "TIME_WAIT: SYN, acknowledgement of what was before, RST, and "
               "the same SYN again", capture(
                   [base[0], Segment("s", 12345, 999, ACK), Segment("c", 999, 0, RST, pause_ms=1000)]
                   + slow), known(handshake, resegment="no"))
    urgent = [dataclasses.replace(s, flags=s.flags | URG, urgent=5) if i == flight[2] else s
              for i, s in enumerate(base)]
    yield Case("urgent", "the urgent flag and pointer are set inside the Certificate",
               capture(urgent), known(handshake, resegment="no"))


def halves(kept):
    handshake = kept.handshakes["tls12"]
    base = tcp.conversation(handshake.talk)
    told = facts([presented(handshake.chain, version="1.2")])
    yield Case("server-half", "only the server's packets were captured",
               capture(tcp.only(base, "s")), told)
    yield Case("server-half-no-syn", "only the server's packets, from the ServerHello on",
               capture(tcp.only(tcp.conversation(handshake.talk, opened=False), "s")), told)
    yield Case("from-server-hello", "the capture begins with the ServerHello",
               capture(base[tcp.flight(base)[0]:]), told)
    warned = [("s", tls.record(tls.ALERT, bytes((1, 112))) + handshake.talk[1][1])]
    yield Case("server-half-alert", "only the server's packets, from an alert and the ServerHello "
               "behind it on", capture(tcp.only(tcp.conversation(
                   warned + handshake.talk[2:], opened=False), "s")), told)
    begun = tcp.conversation(handshake.talk, MSS, opened=False)
    hello = tcp.payloads(begun, "c")[0]
    late = client_first(begun)
    yield Case("client-first-no-syn", "no SYN, the client's second flight before the server's, and "
               "then its hello", capture(late[1:len(late) // 2] + [begun[hello]]
                                         + late[len(late) // 2:]), told)


def several(kept):
    first, second = kept.handshakes["tls12"], kept.handshakes["cert-ec"]
    one = tcp.conversation(first.talk)
    two = tcp.conversation(second.talk, client_isn=0x6000_0000, server_isn=0x7000_0000)
    told = facts([presented(first.chain), presented(second.chain)])
    yield Case("same-tuple", "the same addresses and ports twice, another certificate each time",
               capture(one + two), told)
    reset = one[:-3] + [Segment("c", one[-3].seq, 0, RST)]
    yield Case("same-tuple-after-reset", "the first connection ends with a RST",
               capture(reset + two), told)
    yield Case("same-tuple-no-end", "the first connection ends unseen",
               capture(one[:-3] + two), told)
    again = tcp.conversation(first.talk, client_isn=0x6000_0000, server_isn=0x7000_0000)
    yield Case("summed", "two handshakes of the same chain are one row, counted twice",
               capture(one + again), facts([presented(first.chain, sightings=2)]))


def closing(kept):
    handshake = kept.handshakes["tls12"]
    talk = handshake.talk[:2]
    c = tcp.Connection()
    c.open()
    c.say(talk[:1])
    pieces = tcp.cut(talk[1][1], MSS)
    for piece in pieces[:-1]:
        c.send("s", ACK | PSH, piece)
    c.send("s", ACK | PSH | FIN, pieces[-1])
    c.send("c", ACK | FIN)
    told = facts([presented(handshake.chain, server_name="pool.example")])
    yield Case("fin-with-data", "the flight's last bytes come with the FIN", capture(c.segments),
               told)
    early = c.segments[:-2]
    early.insert(4, c.segments[-2])
    yield Case("fin-first", "the segment with the FIN arrives before the rest of the flight",
               capture(early + c.segments[-1:]), told)


CASES = (order, numbers, opening, intruders, halves, several, closing)
