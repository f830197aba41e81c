# SPDX-License-Identifier: Apache-2.0
"""QUIC (RFC 9000, 9001, 9369) made up: Initial, Handshake and Retry packets."""
import dataclasses
import hashlib
import hmac

from . import tls
from .aes import Aes, Gcm
from .tls13 import expand_label, nonce


@dataclasses.dataclass
class Version:
    number: int
    salt: bytes
    prefix: str             # of the labels
    types: dict             # packet types
    retry_key: bytes
    retry_nonce: bytes


TYPES = {"initial": 0, "handshake": 2, "retry": 3}
V1 = Version(1, bytes.fromhex("38762cf7f55934b34d179ae6a4c80cadccbb7f0a"), "quic", TYPES,
             bytes.fromhex("be0c690b9f66575a1d766b54e368c84e"),
             bytes.fromhex("461599d35d632bf2239825bb"))
V2 = Version(0x6b3343cf, bytes.fromhex("0dede3def700a6db819381be6e269dcbf9bd2ed9"), "quicv2",
             {"initial": 1, "handshake": 3, "retry": 0},
             bytes.fromhex("8fb4b01b56ac48e260fbcbcead7ccc92"),
             bytes.fromhex("d86969bc2d7c6d9990efb04a"))
DRAFT_29 = Version(0xff00001d, bytes.fromhex("afbfec289993d24c9e9786f19c6111e04390a899"), "quic",
                   TYPES, bytes.fromhex("ccce187ed09a09d05728155a6cb96be1"),
                   bytes.fromhex("e54930f97f2136f0530a8c1c"))


class Keys:
    def __init__(self, version, secret):
        self.aead = Gcm(expand_label(secret, version.prefix + " key", 16))
        self.iv = expand_label(secret, version.prefix + " iv", 12)
        self.header = Aes(expand_label(secret, version.prefix + " hp", 16))


def initial_keys(version, connection_id):
    """By sender; they follow from the first Destination Connection ID."""
    secret = hmac.new(version.salt, connection_id, hashlib.sha256).digest()
    return {"c": Keys(version, expand_label(secret, "client in", 32)),
            "s": Keys(version, expand_label(secret, "server in", 32))}


def varint(value):
    if value < 64:
        return bytes((value,))
    return (0x4000 | value).to_bytes(2, "big") if value < 16384 \
        else (0x8000_0000 | value).to_bytes(4, "big")


def crypto(data, offset=0):
    return b"\6" + varint(offset) + varint(len(data)) + data


ACK = bytes.fromhex("0200000000")       # of packet 0 alone


@dataclasses.dataclass
class Sender:
    """One end: how it addresses its packets, and how many it has sent under each key."""
    version: Version
    keys: dict              # by packet type
    destination: bytes
    source: bytes
    token: bytes = b""
    sent: dict = dataclasses.field(default_factory=dict)

    def packet(self, kind, frames, size=0):
        """`size`: of the whole packet, to which it is padded."""
        number = self.sent.get(kind, 0)
        self.sent[kind] = number + 1
        keys, version = self.keys[kind], self.version
        first = 0xc1 | version.types[kind] << 4        # a packet number of two bytes
        head = (bytes((first,)) + version.number.to_bytes(4, "big") + tls.vec(1, self.destination)
                + tls.vec(1, self.source))
        if kind == "initial":
            head += varint(len(self.token)) + self.token
        frames = frames.ljust(max(size - len(head) - 2 - 2 - 16, 4), b"\0")
        head += (0x4000 | len(frames) + 18).to_bytes(2, "big") + number.to_bytes(2, "big")
        sealed = keys.aead.seal(nonce(keys.iv, number), head, frames)
        mask = keys.header.encrypt(sealed[2:18])        # four bytes behind the number's first
        return (bytes((first ^ mask[0] & 0x0f,)) + head[1:-2]
                + bytes(a ^ b for a, b in zip(head[-2:], mask[1:])) + sealed)


def retry(version, original, destination, source, token):
    """RFC 9001 section 5.8: the tag covers the connection ID that the client chose."""
    packet = (bytes((0xcf | version.types["retry"] << 4,)) + version.number.to_bytes(4, "big")
              + tls.vec(1, destination) + tls.vec(1, source) + token)
    return packet + Gcm(version.retry_key).seal(version.retry_nonce,
                                                tls.vec(1, original) + packet, b"")


def short(connection_id, seed, length=60):
    """A packet of the time after the handshake; nobody can open it."""
    return b"\x45" + connection_id + tls.seeded(seed, length)
