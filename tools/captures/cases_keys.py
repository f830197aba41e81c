# SPDX-License-Identifier: Apache-2.0
"""Golden captures that somebody's key log opens: recorded ones, and made-up flights for what no
peer at hand will send."""
from . import compressed, pcap, tcp, tls, tls13
from .case import START_NS, Case, capture, datagrams, facts, frames, known, not_seen, presented
from .cases_carriers import in_tds
from .cases_tcp import hello_late, paused
from .link import Endpoints
from .pki import sha256

LIMIT = 1 << 20     # of what a message inflates to
RECORDED = {
    "keys-aes-128-gcm": ("TLS_AES_128_GCM_SHA256", 9901),
    "keys-aes-256-gcm": ("TLS_AES_256_GCM_SHA384", 9902),
    "keys-chacha20": ("TLS_CHACHA20_POLY1305_SHA256", 9903),
    "keys-aes-128-ccm": ("TLS_AES_128_CCM_SHA256", 9904),
    "keys-aes-128-ccm-8": ("TLS_AES_128_CCM_8_SHA256", 9905),
    "keys-ec": ("an EC leaf", 9906),
    "keys-retry": ("a HelloRetryRequest", 9907),
    "keys-mutual": ("a client certificate in the handshake", 9908),
    "keys-refused": ("the client refuses, in an encrypted alert", 9909),
    "keys-resumed": ("resumed by a pre-shared key: nothing to show", 9910),
    "keys-renegotiation-gcm": ("a client certificate in a second handshake inside TLS 1.2 (GCM)",
                               9911),
    "keys-renegotiation-cbc": ("a client certificate in a second handshake inside TLS 1.2 (CBC)",
                               9912),
    "keys-post-handshake": ("a client certificate that is asked for after the handshake", 9913),
}


def recorded(kept):
    for name, (shows, port) in RECORDED.items():
        handshake, ends = kept.handshakes[name], Endpoints(port=port)
        told = known(handshake, ends, resegment="runs" if handshake.client_chain else "shuffle")
        for row in told["presented"]:
            late = row["role"] == "client" or handshake.version == "1.3"
            if "renegotiation" in name:
                row.pop("server_name", None)
                if row["role"] == "server":     # in clear first, then again behind the keys
                    row["sightings"], late = 2, None
            if late is not None:
                row["witness"] = "keylog" if late else "wire"
        yield Case(name, "with a key log: " + shows,
                   capture(tcp.conversation(handshake.talk), ends), told, keys=handshake.keys)


def other_keys(kept):
    handshake, other = kept.handshakes["keys-aes-128-gcm"], kept.handshakes["keys-chacha20"]
    packets = capture(tcp.conversation(handshake.talk))
    hidden = facts([], [not_seen("encrypted", server_name="pool.example")], resegment="shuffle")
    yield Case("keys-others", "a key log of other connections", packets, hidden, keys=other.keys)
    random = other.keys.split()[1]
    false = "".join(line.replace(line.split()[1], random) + "\n"
                    for line in other.keys.splitlines())
    mine = handshake.keys.split()[1]
    yield Case("keys-wrong", "secrets of another connection under this one's random", packets,
               hidden, keys=false.replace(random, mine))
    half = "".join(line + "\n" for line in kept.handshakes["keys-mutual"].keys.splitlines()
                   if not line.startswith("CLIENT_HANDSHAKE"))
    mutual = kept.handshakes["keys-mutual"]
    yield Case("keys-half", "without the client's secret the server's chain is still there",
               capture(tcp.conversation(mutual.talk)),
               facts([presented(mutual.chain, witness="keylog")], resegment="shuffle"), keys=half)
    untidy = "# a comment\r\n\r\nnonsense\r\nCLIENT_RANDOM 00 11\r\n" \
        + handshake.keys.replace("\n", "\r\n").rstrip("\r\n")
    yield Case("keys-untidy", "a key log with comments, nonsense, CR LF and no last line end",
               packets, facts([presented(handshake.chain, witness="keylog")], resegment="shuffle"),
               keys=untidy)


def goes_on(kept):
    """What waits for a secret in vain, and a connection that goes on long after."""
    handshake, mutual = kept.handshakes["keys-aes-128-gcm"], kept.handshakes["keys-mutual"]
    data = ("c", 2 * tls.record(tls.APPLICATION_DATA, tls.seeded(61, 40)))
    half = "".join(line + "\n" for line in mutual.keys.splitlines()
                   if not line.startswith("CLIENT_HANDSHAKE"))

    def later(talk):
        segments = tcp.conversation(talk + [data])
        return capture(paused(segments, tcp.payloads(segments)[-1] - 1, 15000))

    yield Case("keys-others-idle", "a key log of other connections; data after a long silence",
               later(handshake.talk),
               facts([], [not_seen("encrypted", server_name="pool.example")]),
               keys=kept.handshakes["keys-chacha20"].keys)
    yield Case("keys-half-idle", "without the client's secret; data after a long silence",
               later(mutual.talk), facts([presented(mutual.chain, witness="keylog")]), keys=half)


def secrets_blocks(kept):
    handshake = kept.handshakes["keys-aes-256-gcm"]
    told = facts([presented(handshake.chain, witness="keylog", version="1.3")],
                 resegment="shuffle")
    made = frames(tcp.conversation(handshake.talk))
    half = len(made) // 2
    for name, shows, at in (("before", "before the packets", 0),
                            ("between", "after the server's flight", half),
                            ("after", "behind all packets", len(made))):
        w = pcap.Pcapng()
        w.section()
        w.interface(1)
        for f in made[:at]:
            w.packet(0, f)
        w.secrets(handshake.keys.encode())
        for f in made[at:]:
            w.packet(0, f)
        yield Case("ng-secrets-" + name, "pcapng with its secrets block %s" % shows, w.bytes(),
                   told, suffix="pcapng")


def with_block_at_end(made, later, keys):
    """pcapng: something else long after what the secrets are for, and only then the block."""
    other = tcp.Connection()
    other.open()
    w = pcap.Pcapng()
    w.section()
    w.interface(1)
    for f in made + frames(other.segments, Endpoints(port=80), start_ns=START_NS + later * 10**9):
        w.packet(0, f)
    w.secrets(keys.encode())
    return w.bytes()


def blocks_at_end(kept):
    handshake, quic = kept.handshakes["keys-aes-256-gcm"], kept.handshakes["peers-quic"]
    https = Endpoints(port=443)
    for name, shows, made, logged, told in (
            ("", "", frames(tcp.conversation(handshake.talk)), handshake, {}),
            ("-tds", "; within TDS", frames(tcp.conversation(in_tds(handshake.talk))), handshake,
             dict(carrier="tds")),
            ("-quic", "; QUIC", datagrams(quic.talk, https), quic, dict(endpoints=https))):
        yield Case("ng-secrets-late" + name, "pcapng with its secrets block behind a packet of "
                   "90 seconds later" + shows, with_block_at_end(made, 90, logged.keys),
                   facts([presented(logged.chain, witness="keylog", version="1.3", **told)]),
                   suffix="pcapng")


def one(name, shows, messages, told, hello=None, keys=None, **options):
    talk = tls13.talk(messages, hello, **options)
    return Case(name, shows, capture(tcp.conversation(talk)), told, keys=keys or tls13.key_log())


def compression(kept):
    chain = kept.chains["pool"]
    body = compressed.certificate_13(chain)
    whole = facts([presented([sha256(c) for c in chain], witness="keylog", version="1.3")],
                  resegment="shuffle")
    for name, algorithm in (("zlib", 1), ("brotli", 2), ("zstd", 3)):
        data = kept.compressed[name]
        yield one("compressed-" + name, "a certificate compressed with %s (RFC 8879)" % name,
                  tls13.flight(compressed.message(algorithm, len(body), data)), whole)
        bomb = kept.compressed["bomb-" + name]
        inside = compressed.certificate_13([chain[0], bytes(compressed.BOMB)])
        rest = bytes(LIMIT - (len(inside) - compressed.BOMB - 2))
        yield one("compressed-bomb-" + name, "%d bytes of %s that inflate to 3 MiB: the first of "
                  "them, and a certificate cut off" % (len(bomb), name),
                  tls13.flight(compressed.message(algorithm, len(inside), bomb)),
                  facts([presented([sha256(chain[0]), sha256(rest)], parse=["ok", "truncated"])],
                        resegment="shuffle"))
    broken = facts([], [not_seen("malformed")], resegment="shuffle")
    for name, shows, message in (
            ("length", "inflates to another length than it claims",
             compressed.message(1, len(body) - 1, kept.compressed["zlib"])),
            ("garbage", "is not what it says",
             compressed.message(3, len(body), tls.seeded(60, 300))),
            ("unknown", "has an algorithm that is not in the registry",
             compressed.message(77, len(body), kept.compressed["zlib"]))):
        yield one("compressed-" + name, "a compressed certificate that " + shows,
                  tls13.flight(message), broken)


def records(kept):
    chain = kept.chains["pool"]
    told = facts([presented([sha256(c) for c in chain], witness="keylog", version="1.3")],
                 resegment="shuffle")
    flight = tls13.flight(tls13.certificate(chain))
    yield one("keys-records-of-100", "sealed records of 100 bytes", flight, told, size=100)
    yield one("keys-padded", "sealed records padded with 1000 bytes each", flight, told, size=700,
              padding=1000)
    yield one("keys-list-empty", "a server that sends an empty list, sealed",
              tls13.flight(tls13.certificate([])),
              facts([], [not_seen("malformed")], resegment="shuffle"))


def hidden_hello(kept):
    """Encrypted ClientHello: the outer one is what we see, the inner one is what the peers hash."""
    chain = kept.chains["pool"]
    hello = tls13.client_hello(tls13.encrypted_client_hello(), name="outer.example")
    flight = tls13.flight(tls13.certificate(chain))
    packets = capture(tcp.conversation(tls13.talk(flight, hello)))
    yield Case("ech", "an encrypted ClientHello (RFC 9849): told, and what was asked for in clear",
               packets, facts([], [not_seen("encrypted", ech=True, server_name="outer.example")],
                              resegment="shuffle"))
    yield Case("ech-keys",
               "the key log names the random of the inner ClientHello, which nobody saw",
               packets, facts([presented([sha256(c) for c in chain], ech=True, witness="keylog")],
                              resegment="shuffle"),
               keys=tls13.key_log(random=tls.seeded(70, 32)))


def late_hello(kept):
    """What is sealed waits for the ClientHello, which says whose secrets open it."""
    chain = kept.chains["pool"]
    segments = tcp.conversation(tls13.talk(tls13.flight(tls13.certificate(chain))))
    yield Case("keys-hello-late", "with a key log: the ClientHello is captured after the flight",
               capture(hello_late(segments)),
               facts([presented([sha256(c) for c in chain], witness="keylog", version="1.3",
                                server_name="pool.example")]), keys=tls13.key_log())


CASES = (recorded, other_keys, goes_on, secrets_blocks, blocks_at_end, compression, records, hidden_hello, late_hello)
