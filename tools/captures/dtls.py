# SPDX-License-Identifier: Apache-2.0
"""DTLS 1.0 and 1.2 (RFC 6347): taking datagrams apart, and cutting their messages anew."""
from . import tls

DTLS10, DTLS12 = 0xfeff, 0xfefd
HELLO_VERIFY_REQUEST = 3


def record(kind, body, number, version=DTLS12, epoch=0):
    return (bytes((kind,)) + version.to_bytes(2, "big") + epoch.to_bytes(2, "big")
            + number.to_bytes(6, "big") + tls.vec(2, body))


def records(datagram):
    """(type, epoch, body) of each record."""
    found, at = [], 0
    while at + 13 <= len(datagram):
        size = int.from_bytes(datagram[at + 11:at + 13], "big")
        found.append((datagram[at], int.from_bytes(datagram[at + 3:at + 5], "big"),
                      datagram[at + 13:at + 13 + size]))
        at += 13 + size
    return found


def fragment(kind, number, body, offset=0, length=None):
    """A message's part, with its header; the whole message unless told otherwise."""
    part = body[offset:] if length is None else body[offset:offset + length]
    return (bytes((kind,)) + len(body).to_bytes(3, "big") + number.to_bytes(2, "big")
            + offset.to_bytes(3, "big") + len(part).to_bytes(3, "big") + part)


def messages(datagrams):
    """(type, number, body) of the messages in clear, put together from their fragments."""
    bodies = {}
    for datagram in datagrams:
        for kind, epoch, body in records(datagram):
            at = 0
            while kind == tls.HANDSHAKE and epoch == 0 and at < len(body):
                total, offset, size = (int.from_bytes(body[at + i:at + i + 3], "big")
                                       for i in (1, 6, 9))
                key = body[at], int.from_bytes(body[at + 4:at + 6], "big")
                whole = bodies.setdefault(key, bytearray(total))
                whole[offset:offset + size] = body[at + 12:at + 12 + size]
                at += 12 + size
    return [(kind, number, bytes(body)) for (kind, number), body in bodies.items()]


def cut(flight, size, step=None):
    """Fragments of at most `size` bytes, one each `step` bytes: smaller steps overlap."""
    return [fragment(kind, number, body, offset, size)
            for kind, number, body in flight
            for offset in range(0, max(len(body), 1), step or size)]


def datagrams(fragments, first=1):
    """Each in a record and a datagram of its own."""
    return [record(tls.HANDSHAKE, f, number) for number, f in enumerate(fragments, first)]
