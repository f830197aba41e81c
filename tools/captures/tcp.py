# SPDX-License-Identifier: Apache-2.0
"""A Talk as TCP segments (RFC 9293), and what networks and taps do to segments."""
import dataclasses
import random

FIN, SYN, RST, PSH, ACK, URG = 0x01, 0x02, 0x04, 0x08, 0x10, 0x20
CLIENT_ISN, SERVER_ISN = 0x1000_0000, 0x2000_0000


@dataclasses.dataclass
class Segment:
    who: str                # "c": from the client, "s": from the server
    seq: int
    ack: int
    flags: int
    payload: bytes = b""
    urgent: int = 0
    options: bytes = b""
    pause_ms: float = 1     # after the segment before it


def cut(data, size):
    return [data[i:i + size] for i in range(0, len(data), size)]


class Connection:
    """Both ends' sequence numbers while a conversation is written down."""

    def __init__(self, client_isn=CLIENT_ISN, server_isn=SERVER_ISN):
        self.next = {"c": client_isn, "s": server_isn}
        self.segments = []

    def send(self, who, flags, payload=b"", **more):
        peer = "s" if who == "c" else "c"
        ack = self.next[peer] if flags & ACK else 0
        seq = self.next[who]
        self.segments.append(Segment(who, seq % 2**32, ack % 2**32, flags, payload, **more))
        self.next[who] = seq + len(payload) + bool(flags & SYN) + bool(flags & FIN)

    def open(self):
        mss = bytes.fromhex("020405b4")
        self.send("c", SYN, options=mss)
        self.send("s", SYN | ACK, options=mss)
        self.send("c", ACK)

    def say(self, talk, mss=1460):
        for who, data in talk:
            for piece in cut(data, mss):
                self.send(who, ACK | PSH, piece)
            self.send("s" if who == "c" else "c", ACK)

    def close(self):
        self.send("c", FIN | ACK)
        self.send("s", FIN | ACK)
        self.send("c", ACK)


def conversation(talk, mss=1460, opened=True, closed=True, **isn):
    c = Connection(**isn)
    if opened:
        c.open()
    else:
        c.next = {who: n + 1 for who, n in c.next.items()}
    c.say(talk, mss)
    if closed:
        c.close()
    return c.segments


def payloads(segments, who=None):
    """Places in the list of the segments that carry bytes, of one side or of both."""
    return [i for i, s in enumerate(segments) if s.payload and who in (None, s.who)]


def flight(segments):
    """The places of the server's first run of payload segments."""
    places = payloads(segments, "s")
    return [p for p in places if all(segments[q].who == "s" or not segments[q].payload
                                     for q in range(places[0], p))]


def reorder(segments, places, order):
    """Puts the segments at `places` in another order; times stay with the places."""
    changed = list(segments)
    for place, source in zip(places, order):
        changed[place] = dataclasses.replace(segments[source],
                                             pause_ms=segments[place].pause_ms)
    return changed


def swapped(segments):
    places = flight(segments)
    return reorder(segments, places, [places[1], places[0]] + places[2:])


def reversed_flight(segments):
    places = flight(segments)
    return reorder(segments, places, places[::-1])


def shuffled_flight(segments, seed):
    places = flight(segments)
    order = list(places)
    random.Random(seed).shuffle(order)
    return reorder(segments, places, order)


def duplicated(segments):
    """Each segment twice, as a tap on both sides of a router sees it."""
    return [s for s in segments for _ in range(2)]


def overlapping(segments, by=40):
    """Each payload segment of the server begins `by` bytes early, with the same bytes."""
    changed, last = [], b""
    for s in segments:
        if s.who == "s" and s.payload:
            back = last[-by:]
            last = s.payload
            s = dataclasses.replace(s, seq=(s.seq - len(back)) % 2**32, payload=back + s.payload)
        changed.append(s)
    return changed


def without(segments, places):
    gone = set(places)
    return [s for i, s in enumerate(segments) if i not in gone]


def only(segments, who):
    return [s for s in segments if s.who == who]


def holding(segments, who, offset, first_seq):
    """The place of the segment that carries byte `offset` of that side's stream."""
    for i in payloads(segments, who):
        start = (segments[i].seq - first_seq) % 2**32
        if start <= offset < start + len(segments[i].payload):
            return i
    raise ValueError("no segment holds byte %d" % offset)
