# SPDX-License-Identifier: Apache-2.0
"""Writes capture files: pcap and pcapng (draft-ietf-opsawg-pcap, -pcapng)."""
import dataclasses
import struct

SNAP = 262144


@dataclasses.dataclass
class Frame:
    time_ns: int
    data: bytes
    wire_len: int = 0       # 0: nothing was cut

    def length(self):
        return self.wire_len or len(self.data)


def pcap(link, frames, order="<", nano=False, snaplen=SNAP):
    magic, unit = (0xa1b23c4d, 1) if nano else (0xa1b2c3d4, 1000)
    out = [struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, snaplen, link)]
    for f in frames:
        seconds, rest = divmod(f.time_ns, 10**9)
        out.append(struct.pack(order + "IIII", seconds, rest // unit, len(f.data), f.length()))
        out.append(f.data)
    return b"".join(out)


class Pcapng:
    """Blocks, one after the other; section() starts interfaces from none again."""

    def __init__(self, order="<"):
        self.order = order
        self.out = []

    def block(self, kind, body):
        body += bytes(-len(body) % 4)
        size = struct.pack(self.order + "I", len(body) + 12)
        self.out.append(struct.pack(self.order + "I", kind) + size + body + size)

    def section(self, order=None):
        self.order = order or self.order
        self.block(0x0a0d0d0a, struct.pack(self.order + "IHHq", 0x1a2b3c4d, 1, 0, -1))

    def interface(self, link, resolution=None, snaplen=SNAP):
        """resolution: the if_tsresol byte; None is microseconds."""
        options = b""
        if resolution is not None:
            options = struct.pack(self.order + "HHB3xHH", 9, 1, resolution, 0, 0)
        self.block(1, struct.pack(self.order + "HHI", link, 0, snaplen) + options)

    def packet(self, interface, frame, units=10**6):
        """units: how many of the interface's clock make a second."""
        ticks = frame.time_ns * units // 10**9
        self.block(6, struct.pack(self.order + "IIIII", interface, ticks >> 32,
                                  ticks & 0xffffffff, len(frame.data), frame.length())
                   + frame.data)

    def simple_packet(self, frame):
        self.block(3, struct.pack(self.order + "I", frame.length()) + frame.data)

    def secrets(self, key_log):
        """A Decryption Secrets Block with a TLS key log."""
        self.block(10, struct.pack(self.order + "II", 0x544c534b, len(key_log)) + key_log)

    def custom(self, data):
        self.block(0x0bad, struct.pack(self.order + "I", 32473) + data)

    def bytes(self):
        return b"".join(self.out)
