# SPDX-License-Identifier: Apache-2.0
"""Recorded handshakes of peers that speak UDP: DTLS, and OpenVPN, which speaks TCP as well."""
import os
import tempfile

from . import pki
from .handshakes import WEAK, Handshake
from .record import (DatagramRecorder, Recorder, Server, free_port, openssl_client, openssl_server,
                     through)

DTLS12 = "-dtls1_2"


def dtls(identity, server, client, version, **known):
    with openssl_server(identity, *server, udp=True) as s:
        talk = through(s, openssl_client(*client), DatagramRecorder)
    return Handshake(talk, version, identity.shas(), udp=True, **known)


def dtls_openssl(ids):
    old = ("-dtls1", "-cipher", "ALL" + WEAK)
    yield "dtls12", dtls(ids["pool"], (DTLS12,), (DTLS12,), "1.2")
    yield "dtls10", dtls(ids["pool"], old, old, "1.0")
    yield "dtls12-cookie", dtls(ids["pool"], (DTLS12, "-listen"), (DTLS12,), "1.2")
    shown = ("-cert", ids["client"].cert_file, "-key", ids["client"].key,
             "-cert_chain", ids["client"].chain_file)
    yield "dtls12-mutual", dtls(ids["pool"], (DTLS12, "-Verify", "3"), (DTLS12,) + shown, "1.2",
                                client_chain=ids["client"].shas())


def dtls_gnutls(ids):
    port = free_port()
    with Server(port, "gnutls-serv", "--udp", "-p", str(port), "-q", "--echo", "--x509certfile",
                ids["pool"].full_file, "--x509keyfile", ids["pool"].key, udp=True) as s:
        talk = through(s, lambda p: ["gnutls-cli", "--udp", "--no-ca-verification", "-p", str(p),
                                     "--sni-hostname", "pool.example", "127.0.0.1"],
                       DatagramRecorder)
    yield "dtls12-gnutls", Handshake(talk, "1.2", ids["pool"].shas(), udp=True)


def openvpn(ids):
    """No tun device is needed: --dev null. TLS 1.2, so that there is something to see."""
    def peer(identity, *options):
        return ["openvpn", "--dev", "null", "--ifconfig-noexec", "--verb", "0", "--tls-version-max",
                "1.2", "--ca", ids["root"].cert_file, "--cert", identity.full_file, "--key",
                identity.key, *options]

    with tempfile.TemporaryDirectory() as folder:
        shared = os.path.join(folder, "shared")
        pki.run("openvpn", "--genkey", "secret", shared)
        for label, udp, options in (("tcp", False, ()), ("udp", True, ()),
                                    ("tls-auth", True, ("--tls-auth", shared)),
                                    ("tls-crypt", True, ("--tls-crypt", shared))):
            port = free_port()
            server = peer(ids["pool"], "--local", "127.0.0.1", "--lport", str(port), "--tls-server",
                          "--dh", "none", "--proto", "udp" if udp else "tcp-server", *options)
            with Server(port, *server, udp=udp) as s:
                talk = through(s, lambda p: peer(
                    ids["client"], "--nobind", "--remote", "127.0.0.1", str(p), "--tls-client",
                    "--proto", "udp" if udp else "tcp-client", *options),
                    DatagramRecorder if udp else Recorder, stay_s=2.5)
            seen = label != "tls-crypt"
            yield "openvpn-" + label, Handshake(
                talk, "1.2", ids["pool"].shas() if seen else None,
                ids["client"].shas() if seen else None, sni=None, udp=udp)


GROUPS = (dtls_openssl, dtls_gnutls, openvpn)
