# SPDX-License-Identifier: Apache-2.0
"""One golden capture: its bytes, what it shows, and the facts that certtap must tell of it.

Facts are known before certtap runs: the certificates given to the server, the endpoint, what was
done to the packets. Keys:
    exit        certtap's exit code
    presented   [{server, role, chain: [SHA-256 of each DER], and, where asked for, server_name,
                version, protocol, alpn, ech, carrier, witness, sightings, findings (these among
                others), no_findings (none of these)}]: these rows and no others
    not_seen    [{server, reason, and the same}]: these and no others; "a|b" where the design leaves
                a choice
    refused     [{server, alert}]
    err         a word that standard error must have
    resegment   what may be done to the packets without changing the facts, or "no": "shuffle"
                (within a window), "runs" (shuffle within what one side sends at a time), "twice"
                (each of them). What is in a stream may also be cut anywhere, unless it says "no".
"""
import dataclasses

from . import link, pcap

START_NS = 1772366400 * 10**9          # 2026-03-01 12:00:00 UTC
DEFAULT = link.Endpoints()


@dataclasses.dataclass
class Case:
    name: str
    shows: str
    data: bytes
    facts: dict
    suffix: str = "pcap"
    options: str = "-"
    keys: str = ""          # a key log that lies beside the capture, and is given to certtap


def facts(presented=(), not_seen=(), exit_code=0, resegment="no", **more):
    return dict(exit=exit_code, presented=list(presented), not_seen=list(not_seen),
                resegment=resegment, **more)


def presented(chain, endpoints=DEFAULT, role="server", **more):
    return dict(server=endpoints.server_text(), role=role, chain=list(chain), **more)


def not_seen(reason, endpoints=DEFAULT, **more):
    return dict(server=endpoints.server_text(), reason=reason, **more)


def known(handshake, endpoints=DEFAULT, resegment="shuffle", **more):
    """The facts of a whole handshake, captured without fault."""
    rows, gaps = [], []
    if handshake.chain:
        rows.append(presented(handshake.chain, endpoints, version=handshake.version,
                              server_name=handshake.sni, **more))
    if handshake.client_chain:
        more = {k: v for k, v in more.items() if k in ("witness", "carrier", "protocol")}
        rows.append(presented(handshake.client_chain, endpoints, role="client", **more))
    if handshake.reason:
        gaps.append(not_seen(handshake.reason, endpoints))
    refusal = {}
    if handshake.alert:
        refusal["refused"] = [dict(server=endpoints.server_text(), alert=handshake.alert)]
    return facts(rows, gaps, resegment=resegment, **refusal)


def timed(segments, start_ns=START_NS):
    """Yields (time in nanoseconds, segment)."""
    now = start_ns
    for s in segments:
        yield now, s
        now += round(s.pause_ms * 10**6)


def frames(segments, endpoints=DEFAULT, kind="ethernet", start_ns=START_NS, fragment=0,
           encode=None):
    """The segments as frames of a link type, or as `encode` makes them of packet and sender;
    `fragment`: IP payload bytes, 0 for whole packets."""
    encode = encode or link.LINKS[kind][1]
    made = []
    for ident, (now, segment) in enumerate(timed(segments, start_ns), 1):
        packet = link.ip_packet(segment, endpoints, ident)
        pieces = [packet]
        if fragment and len(segment.payload) > fragment:
            pieces = link.fragments(packet, fragment)
        for piece in pieces:
            made.append(pcap.Frame(now, encode(piece, segment.who)))
    return made


def datagrams(talk, endpoints=DEFAULT, encode=None, start_ns=START_NS):
    """Ethernet frames of what was said over UDP, a millisecond apart."""
    encode = encode or link.LINKS["ethernet"][1]
    return [pcap.Frame(start_ns + i * 10**6,
                       encode(link.udp_packet(data, who, endpoints, i + 1), who))
            for i, (who, data) in enumerate(talk)]


def datagram_capture(talk, endpoints=DEFAULT, encode=None):
    return pcap.pcap(1, datagrams(talk, endpoints, encode))


def capture(segments, endpoints=DEFAULT, kind="ethernet", **options):
    """A little-endian pcap file with microseconds of the segments."""
    return pcap.pcap(link.LINKS[kind][0], frames(segments, endpoints, kind), **options)
