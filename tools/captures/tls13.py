# SPDX-License-Identifier: Apache-2.0
"""TLS 1.3 (RFC 8446) and DTLS 1.3 (RFC 9147) handshakes made up: hellos in clear, a flight that is
sealed under secrets of our choice, and the key log that opens it. Nobody who only listens can tell
that the secrets do not follow from the key shares."""
import hashlib
import hmac

from . import dtls, tls
from .aes import Aes, Gcm
from .compressed import certificate_13

ENCRYPTED_EXTENSIONS, CERTIFICATE_VERIFY, FINISHED, KEY_UPDATE = 8, 15, 20, 24
TLS13, DTLS13 = 0x0304, 0xfefc
AES_128_GCM_SHA256 = 0x1301
PRE_SHARED_KEY = 41
ECH = 0xfe0d


def expand_label(secret, label, length, prefix="tls13 "):
    """HKDF-Expand-Label of an empty context, for at most 32 bytes (section 7.1)."""
    info = length.to_bytes(2, "big") + tls.vec(1, (prefix + label).encode()) + tls.vec(1)
    return hmac.new(secret, info + b"\1", hashlib.sha256).digest()[:length]


def nonce(iv, number):
    return (int.from_bytes(iv, "big") ^ number).to_bytes(12, "big")


class Sealer:
    """One side's records under one traffic secret."""

    def __init__(self, secret, prefix="tls13 "):
        self.aead = Gcm(expand_label(secret, "key", 16, prefix))
        self.iv = expand_label(secret, "iv", 12, prefix)
        self.number = 0

    def record(self, kind, body, padding=0):
        inner = body + bytes((kind,)) + bytes(padding)
        head = b"\x17\x03\x03" + (len(inner) + 16).to_bytes(2, "big")
        sealed = self.aead.seal(nonce(self.iv, self.number), head, inner)
        self.number += 1
        return head + sealed

    def handshake(self, messages, size=16000, padding=0):
        return b"".join(self.record(tls.HANDSHAKE, messages[i:i + size], padding)
                        for i in range(0, len(messages), size))


class DtlsSealer(Sealer):
    """The same in DTLS 1.3, a record a datagram, in epoch 2 (section 4)."""

    def __init__(self, secret):
        super().__init__(secret, "dtls13")
        self.number_key = Aes(expand_label(secret, "sn", 16, "dtls13"))

    def record(self, kind, body, padding=0):
        inner = body + bytes((kind,)) + bytes(padding)
        number = self.number.to_bytes(2, "big")
        length = (len(inner) + 16).to_bytes(2, "big")
        sealed = self.aead.seal(nonce(self.iv, self.number), b"\x2e" + number + length, inner)
        mask = self.number_key.encrypt(sealed[:16])
        self.number += 1
        return b"\x2e" + bytes(a ^ b for a, b in zip(number, mask)) + length + sealed


def versions(number, of_client):
    one = number.to_bytes(2, "big")
    return tls.extension(43, tls.vec(1, one) if of_client else one)


def key_share(seed, of_client):
    share = b"\0\x1d" + tls.vec(2, tls.seeded(seed, 32))
    return tls.extension(51, tls.vec(2, share) if of_client else share)


def encrypted_client_hello(seed=40):
    """The outer one's: HKDF-SHA256, AES-128-GCM, configuration 7 (RFC 9849 section 5)."""
    return tls.extension(ECH, b"\0" + b"\0\1\0\1" + b"\7" + tls.vec(2, tls.seeded(seed, 32))
                         + tls.vec(2, tls.seeded(seed + 1, 208)))


def client_hello(more=b"", alpn=(), seed=1, version=TLS13, name="pool.example"):
    extensions = versions(version, True) + key_share(seed + 20, True) + more
    if alpn:
        extensions += tls.alpn(alpn)
    legacy = dtls.DTLS12 if version == DTLS13 else tls.TLS12
    return tls.client_hello(legacy, name, (AES_128_GCM_SHA256,), extensions, seed,
                            cookie=version == DTLS13)


def server_hello(seed=3, version=TLS13, more=b""):
    legacy = dtls.DTLS12 if version == DTLS13 else tls.TLS12
    return tls.message(tls.SERVER_HELLO, legacy.to_bytes(2, "big") + tls.seeded(seed, 32)
                       + tls.vec(1) + AES_128_GCM_SHA256.to_bytes(2, "big") + b"\0"
                       + tls.vec(2, versions(version, False) + key_share(seed + 20, False)
                                 + more))


def pre_shared_keys(*offered):
    """(identity, age as it is sent) each; the binders mean nothing (RFC 8446 section 4.2.11)."""
    return tls.extension(PRE_SHARED_KEY, tls.vec(2, *(
        tls.vec(2, identity) + age.to_bytes(4, "big") for identity, age in offered))
        + tls.vec(2, *(tls.vec(1, tls.seeded(36, 32)) for _ in offered)))


def pre_shared_key(number):
    """The server's choice."""
    return tls.extension(PRE_SHARED_KEY, number.to_bytes(2, "big"))


def encrypted_extensions(alpn=()):
    return tls.message(ENCRYPTED_EXTENSIONS, tls.vec(2, tls.alpn(alpn) if alpn else b""))


def certificate(chain):
    return tls.message(tls.CERTIFICATE, certificate_13(chain))


def flight(certificate_message, alpn=()):
    """EncryptedExtensions to Finished; signature and MAC mean nothing."""
    verify = tls.message(CERTIFICATE_VERIFY, b"\x08\x04" + tls.vec(2, tls.seeded(31, 256)))
    return (encrypted_extensions(alpn) + certificate_message + verify
            + tls.message(FINISHED, tls.seeded(32, 32)))


def secrets(seed=50):
    """(client's, server's) handshake traffic secrets."""
    return tls.seeded(seed, 32), tls.seeded(seed + 1, 32)


def key_log(seed=1, of=50, random=None):
    """As a library would have written it for the ClientHello made from `seed`."""
    random = (random or tls.seeded(seed, 32)).hex()
    return "".join("%s_HANDSHAKE_TRAFFIC_SECRET %s %s\n" % (who, random, secret.hex())
                   for who, secret in zip(("CLIENT", "SERVER"), secrets(of)))


def talk(messages, hello=None, size=16000, padding=0, answer=None):
    """A whole TLS 1.3 conversation around the server's sealed messages."""
    client, server = (Sealer(s) for s in secrets())
    spec = tls.record(tls.CHANGE_CIPHER_SPEC, b"\1")
    finished = tls.message(FINISHED, tls.seeded(33, 32))
    return [("c", tls.record(tls.HANDSHAKE, hello or client_hello(), 0x0301)),
            ("s", tls.record(tls.HANDSHAKE, answer or server_hello()) + spec
             + server.handshake(messages, size, padding)),
            ("c", spec + client.handshake(finished)
             + tls.record(tls.APPLICATION_DATA, tls.seeded(34, 60))),
            ("s", tls.record(tls.APPLICATION_DATA, tls.seeded(35, 400)))]
