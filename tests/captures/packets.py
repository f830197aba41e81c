# SPDX-License-Identifier: Apache-2.0
"""The packets of a golden capture, so that they can be cut and put in another order."""
import struct

from captures import pcap

ETHERNET, SECRETS = 1, 10
ENHANCED_PACKET, INTERFACE, SECTION = 6, 1, 0x0a0d0d0a
TCP, UDP = 6, 17


class Packet:
    """An Ethernet frame with IP and TCP or UDP, split where its payload begins."""

    def __init__(self, frame):
        self.time_ns = frame.time_ns
        data = frame.data
        self.six = data[12:14] == b"\x86\xdd"
        self.transport = 14 + (40 if self.six else (data[14] & 15) * 4)
        self.tcp = data[20 if self.six else 23] == TCP
        end = 14 + (40 + int.from_bytes(data[18:20], "big") if self.six
                    else int.from_bytes(data[16:18], "big"))
        start = self.transport + ((data[self.transport + 12] >> 4) * 4 if self.tcp else 8)
        self.head, self.payload = data[:start], data[start:end]
        self.from_port = int.from_bytes(data[self.transport:self.transport + 2], "big")
        self.seq = int.from_bytes(data[self.transport + 4:self.transport + 8], "big")

    def frame(self, at=0, size=None):
        """The frame with `size` bytes of the payload from `at` on; a datagram only whole. Checksums
        are left as they are: nothing that taps a sending host may trust them."""
        piece = self.payload[at:] if size is None else self.payload[at:at + size]
        head = bytearray(self.head)
        if self.tcp:
            head[self.transport + 4:self.transport + 8] = struct.pack("!I", (self.seq + at) % 2**32)
        length = len(head) - 14 + len(piece)
        if self.six:
            head[18:20] = struct.pack("!H", length - 40)
        else:
            head[16:18] = struct.pack("!H", length)
        if self.tcp and at + len(piece) < len(self.payload):
            head[self.transport + 13] &= ~0x09      # FIN and PSH belong to the last piece
        return pcap.Frame(self.time_ns + at * 1000, bytes(head) + piece)


def of_pcap(data):
    if data[20:24] != struct.pack("<I", ETHERNET):
        raise ValueError("not Ethernet")
    at = 24
    while at < len(data):
        seconds, micro, size, _ = struct.unpack("<IIII", data[at:at + 16])
        yield pcap.Frame(seconds * 10**9 + micro * 1000, data[at + 16:at + 16 + size])
        at += 16 + size


def of_pcapng(data, secrets):
    """Little-endian, Ethernet, microseconds; appends the secrets blocks' texts."""
    at = 0
    while at < len(data):
        kind, size = struct.unpack("<II", data[at:at + 8])
        body = data[at + 8:at + size - 4]
        if kind == ENHANCED_PACKET:
            _, high, low, captured, _ = struct.unpack("<IIIII", body[:20])
            yield pcap.Frame((high << 32 | low) * 1000, body[20:20 + captured])
        elif kind == SECRETS:
            secrets.append(body[8:8 + int.from_bytes(body[4:8], "little")])
        elif kind not in (SECTION, INTERFACE):
            raise ValueError("a block that the property does not keep")
        at += size


def read(golden):
    """(packets, text of the key logs in the file)"""
    data, secrets = golden.data(), []
    if data[:4] == struct.pack("<I", 0xa1b2c3d4):
        frames = of_pcap(data)
    elif data[:4] == struct.pack("<I", SECTION):
        frames = of_pcapng(data, secrets)
    else:
        raise ValueError("a form of file that the property does not know")
    return [Packet(f) for f in frames], b"".join(secrets)
