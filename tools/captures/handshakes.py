# SPDX-License-Identifier: Apache-2.0
"""The handshakes that the golden captures are made from: who talks to whom, and what is known of
it beforehand. A Handshake is recorded once and kept in a file; what is known comes from the
certificates that the server was given, never from reading what it sent. (More of them, with key
logs, are in handshakes_keys.py; over UDP, in handshakes_udp.py.)
"""
import base64
import json
import os
import tempfile

from . import compressed, pki
from .record import Server, free_port, openssl_client, openssl_server, through
from .starttls import PREAMBLES, StarttlsServer

TLS12 = "-tls1_2"
WEAK = "@SECLEVEL=0"
APART = "peers-"        # names of what is recorded apart, see handshakes_peers.py
GNUTLS12 = "NORMAL:-VERS-ALL:+VERS-TLS1.2"
NODE_SERVER = """
const [port, key, cert] = process.argv.slice(1); const fs = require('fs');
require('tls').createServer({key: fs.readFileSync(key), cert: fs.readFileSync(cert),
  maxVersion: 'TLSv1.2'}, s => s.on('error', () => {}).end()).listen(+port, '127.0.0.1');
"""
NODE_CLIENT = """
const s = require('tls').connect({port: +process.argv[1], host: '127.0.0.1',
  servername: 'pool.example', rejectUnauthorized: false}, () => s.end());
s.on('error', () => {});
"""
PYTHON_CLIENT = """
import socket, ssl, sys
c = ssl.create_default_context(); c.check_hostname = False; c.verify_mode = ssl.CERT_NONE
s = c.wrap_socket(socket.create_connection(("127.0.0.1", int(sys.argv[1]))),
                  server_hostname="pool.example")
s.unwrap()
"""


class Handshake:
    """chain, client_chain: what server and client present, in clear or to whoever has `keys` (the
    text of a key log), as SHA-256 of the DER; None: nothing. version as certtap writes it; reason
    where there is no chain; alert the refusal; udp: each entry of the talk is a datagram."""

    def __init__(self, talk, version, chain=None, client_chain=None, reason=None, alert=None,
                 sni="pool.example", keys="", udp=False):
        self.talk = talk
        self.version = version
        self.chain = chain
        self.client_chain = client_chain
        self.reason = reason
        self.alert = alert
        self.sni = sni
        self.keys = keys
        self.udp = udp

    def to_json(self):
        said = [[who, base64.b64encode(data).decode()] for who, data in self.talk]
        return dict(vars(self), talk=said)

    @classmethod
    def from_json(cls, kept):
        said = [(who, base64.b64decode(data)) for who, data in kept.pop("talk")]
        return cls(said, **kept)


def simple(identity, server=(), client=(), version="1.2", name="pool.example", **known):
    """One openssl server, one openssl client; the server presents `identity`."""
    if "chain" not in known and "reason" not in known:
        known["chain"] = identity.shas()
    with openssl_server(identity, *server) as s:
        talk = through(s, openssl_client(*client, name=name))
    return Handshake(talk, version, sni=name, **known)


def versions(ids):
    old = ("-cipher", "ALL" + WEAK)
    yield "tls12", simple(ids["pool"], (TLS12,), (TLS12,))
    yield "tls11", simple(ids["pool"], ("-tls1_1",) + old, ("-tls1_1",) + old, version="1.1")
    yield "tls10", simple(ids["pool"], ("-tls1",) + old, ("-tls1",) + old, version="1.0")
    yield "tls13", simple(ids["pool"], ("-tls1_3",), ("-tls1_3",), version="1.3",
                          reason="encrypted")
    yield "tls13-retry", simple(ids["pool"], ("-tls1_3", "-groups", "P-384"),
                                ("-tls1_3", "-groups", "X25519:P-384"), version="1.3",
                                reason="encrypted")
    yield "rsa-exchange", simple(ids["pool"], (TLS12, "-cipher", "AES128-SHA" + WEAK),
                                 (TLS12, "-cipher", "AES128-SHA" + WEAK))
    yield "dhe", simple(ids["pool"], (TLS12,), (TLS12, "-cipher", "DHE-RSA-AES128-GCM-SHA256"))
    yield "no-sni", simple(ids["pool"], (TLS12,), (TLS12,), name=None)


def certificates(ids):
    for label in ("old", "future", "ec", "other", "reversed", "selfsigned", "huge"):
        yield "cert-" + label, simple(ids[label], (TLS12,), (TLS12,))
    weak = (TLS12, "-cipher", "ALL" + WEAK)
    yield "cert-weak", simple(ids["weak"], weak, weak)
    yield "refused", simple(ids["untrusted"], (TLS12,), (TLS12, "-verify_return_error"),
                            alert="unknown_ca")
    yield "refused-expired", simple(ids["old"], (TLS12,), (
        TLS12, "-verify_return_error", "-CAfile", ids["root"].cert_file),
        alert="certificate_expired")


def client_certificates(ids):
    ask = (TLS12, "-Verify", "3")
    shown = ("-cert", ids["client"].cert_file, "-key", ids["client"].key,
             "-cert_chain", ids["client"].chain_file)
    yield "mutual", simple(ids["pool"], ask, (TLS12,) + shown, chain=ids["pool"].shas(),
                           client_chain=ids["client"].shas())
    yield "mutual-declined", simple(ids["pool"], (TLS12, "-verify", "3"), (TLS12,))


def resumption(ids):
    with tempfile.TemporaryDirectory() as folder:
        for label, version, options in (("ticket", "1.2", (TLS12,)),
                                        ("session-id", "1.2", (TLS12, "-no_ticket")),
                                        ("tls13-psk", "1.3", ("-tls1_3",))):
            kept = os.path.join(folder, label)
            with openssl_server(ids["pool"], *options) as s:
                first = through(s, openssl_client(*options, "-sess_out", kept))
                again = through(s, openssl_client(*options, "-sess_in", kept))
            chain = ids["pool"].shas() if version == "1.2" else None
            reason = None if chain else "encrypted"
            yield label + "-first", Handshake(first, version, chain, reason=reason)
            yield label + "-resumed", Handshake(again, version, reason="resumed")


def without_certificate(ids):
    psk = "00112233445566778899aabbccddeeff"
    with openssl_server(None, TLS12, "-cipher", "PSK", psk=psk) as s:
        talk = through(s, openssl_client(TLS12, "-psk", psk, "-cipher", "PSK"))
    yield "psk", Handshake(talk, "1.2", reason="psk")
    anonymous = (TLS12, "-cipher", "aNULL" + WEAK)
    with openssl_server(None, *anonymous) as s:
        talk = through(s, openssl_client(*anonymous))
    yield "anonymous", Handshake(talk, "1.2", reason="anonymous")


def gnutls(ids):
    def server(*options):
        port = free_port()
        return Server(port, "gnutls-serv", "-p", str(port), "-q", "--echo", *options)

    def client(*options):
        return lambda port: ["gnutls-cli", "--no-ca-verification", "-p", str(port),
                             "--sni-hostname", "pool.example", *options, "127.0.0.1"]

    x509 = ("--x509certfile", ids["pool"].full_file, "--x509keyfile", ids["pool"].key)
    with server(*x509, "--priority", GNUTLS12) as s:
        yield "gnutls", Handshake(through(s, client()), "1.2", ids["pool"].shas())
    raw = GNUTLS12 + ":+CTYPE-SRV-RAWPK:-CTYPE-SRV-X509"
    public = ids["pool"].key + ".public"
    pki.openssl("pkey", "-in", ids["pool"].key, "-pubout", "-out", public)
    with server("--rawpkkeyfile", ids["pool"].key, "--rawpkfile", public, "--priority", raw) as s:
        yield "raw-public-key", Handshake(through(s, client("--priority", raw)), "1.2",
                                          reason="raw-public-key")


def other_libraries(ids):
    with StarttlsServer(ids["pool"], None) as s:
        talk = through(s, lambda port: ["python3", "-c", PYTHON_CLIENT, str(port)])
    yield "python", Handshake(talk, "1.2", ids["pool"].shas())
    port = free_port()
    with Server(port, "node", "-e", NODE_SERVER, str(port), ids["pool"].key,
                ids["pool"].full_file) as s:
        talk = through(s, lambda p: ["node", "-e", NODE_CLIENT, str(p)])
    yield "node", Handshake(talk, "1.2", ids["pool"].shas())


def starttls(ids):
    for protocol in PREAMBLES:
        if protocol == "connect":
            def client(port):
                return ["openssl", "s_client", "-proxy", "127.0.0.1:%d" % port, "-connect",
                        "pool.example:443", "-servername", "pool.example"]
        else:
            client = openssl_client("-starttls", protocol)
        with StarttlsServer(ids["pool"], protocol) as s:
            talk = through(s, client)
        yield "starttls-" + protocol, Handshake(talk, "1.2", ids["pool"].shas())


GROUPS = (versions, certificates, client_certificates, resumption, without_certificate, gnutls,
          other_libraries, starttls)


def record_all(path, groups):
    """Records every handshake and writes them, with the certificates, to `path`."""
    with tempfile.TemporaryDirectory() as folder:
        ids = pki.make_all(folder)
        lines = []
        for group in groups:
            for name, handshake in group(ids):
                lines.append((name, handshake.to_json()))
        kept = {"identities": {label: [base64.b64encode(c).decode() for c in identity.chain]
                               for label, identity in ids.items()},
                "compressed": {label: base64.b64encode(data).decode()
                               for label, data in compressed.make_all(ids["pool"].chain)}}
    write_lines(path, [("certificates", kept)] + lines
                + [line for line in read_lines(path) if line[0].startswith(APART)])


def record_apart(path, groups):
    """Records these beside what `path` has, each in the place of what it had under the name."""
    with tempfile.TemporaryDirectory() as folder:
        ids = pki.make_all(folder)
        lines = {name: handshake.to_json() for group in groups for name, handshake in group(ids)}
    if not all(name.startswith(APART) for name in lines):
        raise ValueError("a name without " + APART)
    write_lines(path, [line for line in read_lines(path) if line[0] not in lines]
                + list(lines.items()))


def read_lines(path):
    if not os.path.exists(path):
        return []
    with open(path) as f:
        return [json.loads(line) for line in f]


def write_lines(path, lines):
    with open(path + ".new", "w") as f:
        for line in lines:
            f.write(json.dumps(line, sort_keys=True) + "\n")
    os.rename(path + ".new", path)


class Kept:
    """What record_all() wrote: handshakes by name, and chains of DER by label."""

    def __init__(self, path):
        self.handshakes = {}
        self.chains = {}
        self.compressed = {}
        for name, value in read_lines(path):
            if name == "certificates":
                self.chains = {label: [base64.b64decode(c) for c in chain]
                               for label, chain in value["identities"].items()}
                self.compressed = {label: base64.b64decode(data)
                                   for label, data in value["compressed"].items()}
            else:
                self.handshakes[name] = Handshake.from_json(value)
