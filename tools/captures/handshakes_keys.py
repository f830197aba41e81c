# SPDX-License-Identifier: Apache-2.0
"""Recorded handshakes whose keys were logged by one of the peers."""
import os
import socket
import ssl
import subprocess
import tempfile
import threading
import time

from .handshakes import TLS12, Handshake, simple
from .record import STEP_LIMIT_S, Recorder, openssl_client, openssl_server, through

TLS13 = "-tls1_3"
SUITES = {
    "aes-128-gcm": "TLS_AES_128_GCM_SHA256",
    "aes-256-gcm": "TLS_AES_256_GCM_SHA384",
    "chacha20": "TLS_CHACHA20_POLY1305_SHA256",
    "aes-128-ccm": "TLS_AES_128_CCM_SHA256",
    "aes-128-ccm-8": "TLS_AES_128_CCM_8_SHA256",
}


class KeyLog:
    """A file for a peer to write to; text: what it has written since the last time."""

    def __init__(self, folder):
        self.path = os.path.join(folder, "keys")
        self.at = 0

    def text(self):
        with open(self.path) as f:
            f.seek(self.at)
            said = [line for line in f if line[0] != "#" and "EXPORTER" not in line]
            self.at = f.tell()
        return "".join(said)


def logged(identity, log, server=(), client=(), **known):
    handshake = simple(identity, ("-keylogfile", log.path) + server, client, **known)
    handshake.keys = log.text()
    return handshake


def suites(ids):
    with tempfile.TemporaryDirectory() as folder:
        log = KeyLog(folder)
        for label, suite in SUITES.items():
            options = (TLS13, "-ciphersuites", suite)
            yield "keys-" + label, logged(ids["pool"], log, options, options, version="1.3")
        yield "keys-ec", logged(ids["ec"], log, (TLS13,), (TLS13,), version="1.3")
        yield "keys-retry", logged(ids["pool"], log, (TLS13, "-groups", "P-384"),
                                   (TLS13, "-groups", "X25519:P-384"), version="1.3")
        shown = ("-cert", ids["client"].cert_file, "-key", ids["client"].key,
                 "-cert_chain", ids["client"].chain_file)
        yield "keys-mutual", logged(ids["pool"], log, (TLS13, "-Verify", "3"), (TLS13,) + shown,
                                    version="1.3", client_chain=ids["client"].shas(),
                                    chain=ids["pool"].shas())
        yield "keys-refused", logged(ids["untrusted"], log, (TLS13,),
                                     (TLS13, "-verify_return_error"), version="1.3",
                                     alert="unknown_ca")


def resumption(ids):
    with tempfile.TemporaryDirectory() as folder:
        log, kept = KeyLog(folder), os.path.join(folder, "session")
        with openssl_server(ids["pool"], TLS13, "-keylogfile", log.path) as s:
            through(s, openssl_client(TLS13, "-sess_out", kept))
            log.text()
            again = through(s, openssl_client(TLS13, "-sess_in", kept))
        yield "keys-resumed", Handshake(again, "1.3", reason="resumed", keys=log.text())


def renegotiation(ids):
    """The server asks for a second handshake, and in it for a certificate, all encrypted."""
    with tempfile.TemporaryDirectory() as folder:
        log = KeyLog(folder)
        for label, suite in (("gcm", "ECDHE-RSA-AES128-GCM-SHA256"), ("cbc", "AES128-SHA256")):
            # Without a session to resume, the certificate must be shown again.
            with openssl_server(ids["pool"], TLS12, "-cipher", suite, "-no_ticket", "-no_cache",
                                "-keylogfile", log.path) as s:
                recorder = Recorder(s.port)
                client = subprocess.Popen(
                    openssl_client(TLS12, "-cipher", suite, "-cert", ids["client"].cert_file,
                                   "-key", ids["client"].key, "-cert_chain",
                                   ids["client"].chain_file)(recorder.port),
                    stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                time.sleep(0.5)
                s.child.stdin.write(b"R\n")
                s.child.stdin.flush()
                time.sleep(0.7)
                client.stdin.close()
                client.wait(STEP_LIMIT_S)
                talk = recorder.finish()
            yield "keys-renegotiation-" + label, Handshake(
                talk, "1.2", ids["pool"].shas(), ids["client"].shas(), keys=log.text())


class PostHandshake:
    """Python's ssl, which can ask for a client's certificate after a TLS 1.3 handshake."""

    def __init__(self, ids, log):
        self.server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.server.minimum_version = ssl.TLSVersion.TLSv1_3
        self.server.load_cert_chain(ids["pool"].full_file, ids["pool"].key)
        self.server.load_verify_locations(ids["root"].cert_file)
        self.server.verify_mode = ssl.CERT_REQUIRED
        self.server.post_handshake_auth = True
        self.server.keylog_filename = log.path
        self.client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.client.check_hostname = False
        self.client.verify_mode = ssl.CERT_NONE
        self.client.load_cert_chain(ids["client"].full_file, ids["client"].key)
        self.client.post_handshake_auth = True

    def _serve(self, listener):
        connection, _ = listener.accept()
        with self.server.wrap_socket(connection, server_side=True) as s:
            s.recv(100)
            s.verify_client_post_handshake()
            s.sendall(b"who are you?")
            s.recv(100)
            s.sendall(b"welcome")

    def talk(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            listener.settimeout(STEP_LIMIT_S)
            thread = threading.Thread(target=self._serve, args=(listener,), daemon=True)
            thread.start()
            recorder = Recorder(listener.getsockname()[1])
            with self.client.wrap_socket(socket.create_connection(("127.0.0.1", recorder.port)),
                                         server_hostname="pool.example") as s:
                for said in (b"hello", b"see for yourself"):
                    s.sendall(said)
                    s.recv(100)
            thread.join(STEP_LIMIT_S)
            return recorder.finish()


def post_handshake(ids):
    with tempfile.TemporaryDirectory() as folder:
        log = KeyLog(folder)
        talk = PostHandshake(ids, log).talk()
        yield "keys-post-handshake", Handshake(talk, "1.3", ids["pool"].shas(),
                                               ids["client"].shas(), keys=log.text())


GROUPS = (suites, resumption, renegotiation, post_handshake)
