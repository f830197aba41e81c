# SPDX-License-Identifier: Apache-2.0
"""Golden captures by what lies around the connection: labels, tags, tunnels, tunnels in tunnels."""
from . import link, pcap, tcp
from .case import Case, facts, frames, known
from .cases_file import SIX
from .link import Endpoints
from .tunnels import LAYERS, TUNNELS, frame, nested


def around(handshake, ends, encode, link_type=1):
    return pcap.pcap(link_type, frames(tcp.conversation(handshake.talk), ends, encode=encode))


def layers(kept):
    handshake, ends = kept.handshakes["tls12"], Endpoints()
    for name, (shows, encode, link_type) in LAYERS.items():
        yield Case("layer-" + name, shows, around(handshake, ends, encode, link_type),
                   known(handshake, ends, resegment="no"))


def tunnels(kept):
    handshake = kept.handshakes["tls12"]
    for name, (shows, wrap, version) in TUNNELS.items():
        ends = Endpoints(**SIX) if version == 6 else Endpoints()
        yield Case("tunnel-" + name, shows,
                   around(handshake, ends, lambda p, who, wrap=wrap: frame(wrap(p, who), who)),
                   known(handshake, ends, resegment="no"))


def depths(kept):
    """Four tunnels are opened (--max-tunnels); what lies deeper is counted and said."""
    handshake, ends = kept.handshakes["tls12"], Endpoints()
    for depth, told in ((4, known(handshake, ends, resegment="no")),
                        (5, facts(err="tunnel"))):
        yield Case("tunnels-%d-deep" % depth, "%d tunnels inside each other" % depth,
                   around(handshake, ends,
                          lambda p, who, depth=depth: frame(nested(depth)(p, who), who)), told)
    yield Case("tunnels-5-allowed", "five tunnels, where the limit was raised",
               around(handshake, ends, lambda p, who: frame(nested(5)(p, who), who)),
               known(handshake, ends, resegment="no"), options="--max-tunnels 5")


def fragments_outside(kept):
    """The tunnel's own packets are cut up, as its lower MTU makes routers do."""
    handshake, ends, made = kept.handshakes["tls12"], Endpoints(), []
    wrap = TUNNELS["geneve"][1]
    for number, f in enumerate(frames(tcp.conversation(handshake.talk), ends,
                                      encode=lambda p, who: wrap(p, who))):
        outer = f.data[:4] + number.to_bytes(2, "big") + f.data[6:]
        made += [pcap.Frame(f.time_ns, piece) for piece in link.fragments(outer, 400)]
    yield Case("tunnel-fragments", "GENEVE in IPv4 fragments of 400 bytes", pcap.pcap(101, made),
               known(handshake, ends, resegment="no"))


CASES = (layers, tunnels, depths, fragments_outside)
