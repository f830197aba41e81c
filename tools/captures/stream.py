# SPDX-License-Identifier: Apache-2.0
"""Captures too large to be kept: written to a pipe while they are read."""
import itertools
import struct

from . import link, tcp, tls
from .link import Endpoints

CERTIFICATE_LEN = 64 << 10
MISSING_LEN = 100       # of each, at its end


def record_head(seconds, size):
    return struct.pack("<IIII", seconds, 0, size, size)


def connection():
    """The server begins a Certificate message of 64 KiB, in packets as offloading hands them to a
    tap, and stops before its end. Returns [(sender, frame)], the place of the frame that begins it,
    and where in that frame the certificate's own bytes begin."""
    ends, c = Endpoints(), tcp.Connection()
    body = bytes(8) + tls.seeded(9, CERTIFICATE_LEN - 8)
    flight = tls.into_records(tls.server_hello() + tls.certificate([body]), 16384)[:-MISSING_LEN]
    c.open()
    c.say([("c", tls.record(tls.HANDSHAKE, tls.client_hello())), ("s", flight)], 32000)
    frames = [(s.who, link.ethernet(b"\x08\x00" + link.ip_packet(s, ends), s.who))
              for s in c.segments]
    first = tcp.payloads(c.segments, "s")[0]
    return frames, first, frames[first][1].index(body[:16])


def unfinished(count):
    """Such connections from as many addresses, no two certificates alike. Yields pieces of a pcap
    file; the checksums are those of the first connection."""
    yield struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 262144, 1)
    frames, first, place = connection()
    for number in range(count):
        address = (0x0b000000 + number).to_bytes(4, "big")
        for i, (who, frame) in enumerate(frames):
            at = 26 if who == "c" else 30       # the client's address
            yield record_head(1772366400 + number // 5000, len(frame)) + frame[:at] + address
            if i == first:
                yield frame[at + 4:place] + number.to_bytes(8, "big")
                yield frame[place + 8:]
            else:
                yield frame[at + 4:]


STREAMS = {"unfinished": unfinished}


def write(name, count, out):
    pieces = STREAMS[name](count)
    while chunk := b"".join(itertools.islice(pieces, 100)):
        out.write(chunk)
