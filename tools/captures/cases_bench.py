# SPDX-License-Identifier: Apache-2.0
"""The bench on which four other tools were measured: one connection a capture, a server on port
9808 with an expired leaf and its issuer, on loopback. Each gives its certificates or the reason."""
from . import link, pcap, tcp, tls
from .case import Case, capture, datagrams, facts, frames, known, not_seen, presented
from .link import Endpoints
from .pki import sha256
from .tunnels import LAYERS, TUNNELS, frame

LOOPBACK = Endpoints(server="127.0.0.1", client="127.0.0.1")


def unfilled(made):
    """TCP checksums as loopback leaves them: over the pseudo header alone."""
    changed = []
    for f in made:
        total = link.checksum(f.data[26:34] + b"\0\6" + (len(f.data) - 34).to_bytes(2, "big"))
        partial = (~total & 0xffff).to_bytes(2, "big")
        changed.append(pcap.Frame(f.time_ns, f.data[:50] + partial + f.data[52:]))
    return changed


def one(name, shows, segments, told, **options):
    return Case("bench-" + name, shows,
                pcap.pcap(1, unfilled(frames(segments, LOOPBACK, **options))), told)


def whole(handshake, resegment="shuffle", **more):
    return known(handshake, LOOPBACK, resegment=resegment, **more)


def versions(kept):
    h = kept.handshakes
    base = tcp.conversation(h["cert-old"].talk)
    yield one("accepted", "TLS 1.2, accepted", base, whole(h["cert-old"], findings=["expired"]))
    yield one("refused", "TLS 1.2, refused with an alert",
              tcp.conversation(h["refused-expired"].talk),
              whole(h["refused-expired"], findings=["expired"]))
    yield one("tls13", "TLS 1.3", tcp.conversation(h["tls13"].talk), whole(h["tls13"]))
    handshake = h["keys-aes-256-gcm"]
    w = pcap.Pcapng()
    w.section()
    w.interface(1)
    w.secrets(handshake.keys.encode())
    for f in unfilled(frames(tcp.conversation(handshake.talk), LOOPBACK)):
        w.packet(0, f)
    yield Case("bench-tls13-secrets", "TLS 1.3, pcapng with a secrets block", w.bytes(),
               whole(handshake, "no", witness="keylog"), suffix="pcapng")
    yield one("resumed", "TLS 1.2 resumed", tcp.conversation(h["ticket-resumed"].talk),
              whole(h["ticket-resumed"]))
    yield one("mutual", "both sides present a chain", tcp.conversation(h["mutual"].talk),
              whole(h["mutual"]))
    made = datagrams(h["dtls12"].talk, LOOPBACK)
    yield Case("bench-dtls", "DTLS 1.2", pcap.pcap(1, made),
               known(h["dtls12"], LOOPBACK, resegment="runs twice", protocol="dtls"))


def transport(kept):
    old = kept.handshakes["cert-old"]
    small = tcp.conversation(old.talk, 500)
    place = tcp.flight(small)[1]
    yield one("lost-segment", "one segment of the Certificate lost", tcp.without(small, [place]),
              facts([], [not_seen("lost", LOOPBACK)]))
    yield one("swapped", "two segments of the server swapped", tcp.swapped(small),
              whole(old, "no"))
    yield one("records-of-512", "records of 512 bytes",
              tcp.conversation(tls.with_records_of(old.talk, 512)), whole(old))
    chain = kept.chains["huge"][:13]
    talk = tls.made_up(tls.certificate(chain))
    yield one("big-chain", "13 certificates", tcp.conversation(talk),
              facts([presented([sha256(c) for c in chain], LOOPBACK)], resegment="shuffle"))
    base = tcp.conversation(old.talk)
    yield one("midstream", "from the ServerHello on", base[tcp.flight(base)[0]:],
              facts([presented(old.chain, LOOPBACK)]))
    yield one("server-half", "the server's packets alone", tcp.only(base, "s"),
              facts([presented(old.chain, LOOPBACK)]))


def carriers(kept):
    h = kept.handshakes
    ends = Endpoints(server="127.0.0.1", client="127.0.0.1", port=2525)
    yield Case("bench-smtp", "STARTTLS in SMTP on port 2525",
               pcap.pcap(1, unfilled(frames(tcp.conversation(h["starttls-smtp"].talk), ends))),
               known(h["starttls-smtp"], ends, carrier="smtp"))
    front = Endpoints(server="127.0.0.1", client="127.0.0.1", port=3128)
    old = h["cert-old"]
    before = [t for t in h["starttls-connect"].talk if t[1][0] != 0x16][:2]
    near = frames(tcp.conversation(before + old.talk), front)
    far = frames(tcp.conversation(old.talk, client_isn=7, server_isn=9), LOOPBACK)
    yield Case("bench-connect", "HTTP CONNECT: to the proxy, and from it",
               pcap.pcap(1, unfilled(near + far)),
               facts([presented(old.chain, front, carrier="http-connect"),
                      presented(old.chain, LOOPBACK, carrier="plain")]))


def outside(kept):
    old, ends = kept.handshakes["cert-old"], Endpoints()
    base = tcp.conversation(old.talk)
    six = Endpoints(server="::1", client="::1")
    yield Case("bench-ipv6", "IPv6", capture(base, six), known(old, six, resegment="no"))
    pieces = frames(base, ends, fragment=576)
    told = known(old, ends, resegment="no")
    yield Case("bench-ip-fragments", "IPv4 fragments", pcap.pcap(1, pieces), told)
    for name, kind in (("vlan", "vlan"), ("qinq", "qinq"), ("pppoe", "pppoe"), ("gre", "gre"),
                       ("vxlan", "vxlan")):
        yield Case("bench-" + name, name, capture(base, ends, kind), told)
    yield Case("bench-mpls", "MPLS",
               pcap.pcap(1, frames(base, ends, encode=LAYERS["mpls"][1])), told)
    for name in ("geneve", "erspan-2", "ipip", "gtp"):
        wrap = TUNNELS[name][1]
        yield Case("bench-" + name, TUNNELS[name][0], pcap.pcap(1, frames(
            base, ends, encode=lambda p, who, wrap=wrap: frame(wrap(p, who), who))), told)


CASES = (versions, transport, carriers, outside)
