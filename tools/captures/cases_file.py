# SPDX-License-Identifier: Apache-2.0
"""Golden captures by link type, IP version, tunnel and file format."""
import random

from . import link, pcap, tcp
from .case import START_NS, Case, capture, facts, frames, known, presented
from .link import Endpoints

SIX = dict(server="2001:db8::5", client="2001:db8::9")


def links(kept):
    handshake = kept.handshakes["tls12"]
    segments = tcp.conversation(handshake.talk)
    for kind in link.LINKS:
        if kind != "ethernet":
            yield Case("link-" + kind, "IPv4 over " + kind, capture(segments, kind=kind),
                       known(handshake, resegment="no"))
    six = Endpoints(**SIX)
    for kind in ("ethernet", "raw", "null-little", "loop", "ppp", "pppoe", "cooked-v1",
                 "cooked-v2", "qinq", "wifi"):
        yield Case("link6-" + kind, "IPv6 over " + kind, capture(segments, six, kind),
                   known(handshake, six, resegment="no"))


def ip_fragments(kept):
    handshake = kept.handshakes["tls12"]
    segments = tcp.conversation(handshake.talk)
    for version, ends in ((4, Endpoints()), (6, Endpoints(**SIX))):
        pieces = frames(segments, ends, fragment=576)
        yield Case("fragments-%d" % version, "IPv%d fragments of 576 bytes" % version,
                   pcap.pcap(1, pieces), known(handshake, ends, resegment="no"))
        tail = pieces[4:12]         # after the ClientHello: the flight, its ACK, the answer
        random.Random(3).shuffle(tail)
        mixed = pieces[:4] + [pcap.Frame(p.time_ns, m.data) for p, m in zip(pieces[4:], tail)] \
            + pieces[12:]
        yield Case("fragments-%d-mixed" % version,
                   "the same, the flight's fragments in random order",
                   pcap.pcap(1, mixed), known(handshake, ends, resegment="no"))


def patched(frame, at, data):
    return pcap.Frame(frame.time_ns, frame.data[:at] + data + frame.data[at + len(data):])


def with_ip_options(frame, six):
    """A hop-by-hop header of 8 bytes (RFC 8200 section 4.3), or an IPv4 option of 4 bytes."""
    data = frame.data
    length = int.from_bytes(data[18:20] if six else data[16:18], "big")
    if six:
        data = (data[:18] + (length + 8).to_bytes(2, "big") + b"\0" + data[21:54]
                + data[20:21] + b"\0\x01\x04\0\0\0\0" + data[54:])
    else:
        data = (data[:14] + b"\x46" + data[15:16] + (length + 4).to_bytes(2, "big")
                + data[18:34] + b"\x94\x04\0\0" + data[34:])
    return pcap.Frame(frame.time_ns, data)


def ip_forms(kept):
    """What hosts and taps do to headers: none of it is the reader's to refuse."""
    handshake, huge = kept.handshakes["tls12"], kept.handshakes["cert-huge"]
    six = Endpoints(**SIX)
    made = frames(tcp.conversation(handshake.talk))
    made6 = frames(tcp.conversation(handshake.talk), six)
    for name, shows, changed, ends in (
            ("checksums-unfilled", "TCP checksums of zero, as on a host that offloads them",
             [patched(f, 50, b"\0\0") for f in made], Endpoints()),
            ("padding", "short frames padded to 60 bytes with something else than zero",
             [pcap.Frame(f.time_ns, f.data.ljust(60, b"\x16")) for f in made], Endpoints()),
            ("total-length-zero", "IPv4 total length 0, as offloading leaves it in captures",
             [patched(f, 16, b"\0\0") if len(f.data) > 60 else f for f in made], Endpoints()),
            ("options-4", "an IPv4 router-alert option", [with_ip_options(f, False) for f in made],
             Endpoints()),
            ("options-6", "an IPv6 hop-by-hop header", [with_ip_options(f, True) for f in made6],
             six)):
        yield Case(name, shows, pcap.pcap(1, changed), known(handshake, ends, resegment="no"))
    yield Case("offload", "the flight of 35 KB in one packet, as offloading hands it to a tap",
               capture(tcp.conversation(huge.talk, 40000)), known(huge, resegment="no"))


def pcap_forms(kept):
    handshake = kept.handshakes["tls12"]
    segments = tcp.conversation(handshake.talk)
    for name, shows, options in (
            ("pcap-big", "pcap in big-endian order", dict(order=">")),
            ("pcap-nano", "pcap with nanoseconds", dict(nano=True)),
            ("pcap-big-nano", "pcap in big-endian order with nanoseconds",
             dict(order=">", nano=True))):
        yield Case(name, shows, capture(segments, **options), known(handshake, resegment="no"))


def ng(name, shows, writer, told):
    return Case(name, shows, writer.bytes(), told, suffix="pcapng")


def pcapng_forms(kept):
    handshake = kept.handshakes["tls12"]
    told = known(handshake, resegment="no")
    made = frames(tcp.conversation(handshake.talk))
    for name, shows, order, resolution, units in (
            ("ng-little", "pcapng in little-endian order", "<", None, 10**6),
            ("ng-big", "pcapng in big-endian order", ">", None, 10**6),
            ("ng-nano", "pcapng with nanoseconds", "<", 9, 10**9),
            ("ng-binary", "pcapng with a clock of 2^-20 seconds", "<", 0x80 | 20, 2**20)):
        w = pcap.Pcapng(order)
        w.section()
        w.interface(1, resolution)
        for f in made:
            w.packet(0, f, units)
        yield ng(name, shows, w, told)
    w = pcap.Pcapng()
    w.section()
    w.interface(1)
    for f in made:
        w.simple_packet(f)
        w.custom(b"not for us")
    # No time is known, so nothing may be said about validity at that time.
    timeless = known(handshake, resegment="no", no_findings=["expired", "not-yet-valid"])
    yield ng("ng-simple", "simple packet blocks, which have no time, between custom blocks", w,
             timeless)


def pcapng_interfaces(kept):
    """One connection on interfaces of different link types, and two byte orders in one file."""
    handshake, other = kept.handshakes["tls12"], kept.handshakes["cert-ec"]
    segments = tcp.conversation(handshake.talk)
    kinds = ("ethernet", "raw", "cooked-v2")
    views = [frames(segments, kind=k) for k in kinds]
    w = pcap.Pcapng()
    w.section()
    for kind in kinds:
        w.interface(link.LINKS[kind][0])
    for i in range(len(segments)):
        w.packet(i % 3, views[i % 3][i])
    yield ng("ng-link-types", "the packets of one connection on three interfaces of different "
             "link types", w, known(handshake, resegment="no"))

    ends = Endpoints(port=9809)
    w = pcap.Pcapng("<")
    w.section()
    w.interface(1)
    for f in frames(segments):
        w.packet(0, f)
    w.section(">")
    w.interface(101, 9)
    for f in frames(tcp.conversation(other.talk), ends, "raw", START_NS + 5 * 10**9):
        w.packet(0, f, 10**9)
    yield ng("ng-sections", "two sections of different byte order, link type and clock", w,
             facts([presented(handshake.chain), presented(other.chain, ends)]))


CASES = (links, ip_fragments, ip_forms, pcap_forms, pcapng_forms, pcapng_interfaces)
