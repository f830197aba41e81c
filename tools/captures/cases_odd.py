# SPDX-License-Identifier: Apache-2.0
"""Golden captures of what is old or seldom: SSL 2.0, TLCP, other types of certificates, suites
without one. Made up, but for those that cases_tls.py has from real peers."""
from . import tcp, tls, tls13
from .case import Case, capture, facts, not_seen, presented
from .pki import sha256

TLCP = 0x0101
CLIENT_TYPE, SERVER_TYPE = 19, 20      # extensions of RFC 7250
NULL_SHA, PSK_AES128, RSA_PSK_AES128, ADH_AES128 = 0x0002, 0x008c, 0x0094, 0x0034
ECC_SM4_CBC, ECC_SM4_GCM = 0xe013, 0xe053


def talk(server_messages, hello=None, version=tls.TLS12):
    return [("c", hello or tls.record(tls.HANDSHAKE, tls.client_hello(version), version)),
            ("s", tls.into_records(server_messages, 16384, version)),
            ("c", tls.client_finish(version)), ("s", tls.server_finish(version))]


def one(name, shows, said, rows, gaps=(), resegment="shuffle"):
    return Case(name, shows, capture(tcp.conversation(said)),
                facts(rows, gaps, resegment=resegment))


def sslv2(kept):
    """SSL 2.0 (draft-hickman-netscape-ssl-00): one certificate, in the SERVER-HELLO."""
    leaf = kept.chains["pool"][0]
    specs = bytes.fromhex("010080" "0700c0" "050080" "030080")

    def record(body):
        return (0x8000 | len(body)).to_bytes(2, "big") + body

    def server_hello(certificate, chosen=specs[:6]):
        return record(bytes((4, not certificate, bool(certificate))) + b"\0\2"
                      + len(certificate).to_bytes(2, "big") + len(chosen).to_bytes(2, "big")
                      + b"\0\x10" + certificate + chosen + tls.seeded(20, 16))

    session = tls.seeded(21, 16)
    hello = record(b"\1\0\2" + len(specs).to_bytes(2, "big") + b"\0\0" + b"\0\x10" + specs
                   + tls.seeded(22, 16))
    again = record(b"\1\0\2" + len(specs).to_bytes(2, "big") + b"\0\x10" + b"\0\x10" + specs
                   + session + tls.seeded(22, 16))
    key = record(b"\2\7\0\xc0" + b"\0\0" + b"\0\x80" + b"\0\x08" + tls.seeded(23, 136))
    yield one("sslv2", "SSL 2.0: the certificate in its SERVER-HELLO",
              [("c", hello), ("s", server_hello(leaf)), ("c", key),
               ("s", record(tls.seeded(24, 33)))],
              [presented([sha256(leaf)], version="2.0")])
    yield one("sslv2-resumed", "SSL 2.0 resumed",
              [("c", again), ("s", server_hello(b"", b"")), ("c", record(tls.seeded(25, 33)))],
              [], [not_seen("resumed")])
    yield one("sslv2-both", "a hello of SSL 2.0 that would take TLS 1.0, answered in SSL 2.0",
              [("c", tls.sslv2_client_hello(0x0301)), ("s", server_hello(leaf)), ("c", key)],
              [presented([sha256(leaf)], version="2.0")])


def tlcp(kept):
    """GB/T 38636: like TLS 1.1 under another number, a signing and an encryption certificate."""
    chain = kept.chains["pool"]
    flight = (tls.server_hello(TLCP, ECC_SM4_CBC) + tls.certificate(chain[:1] + chain)
              + tls.message(12, tls.vec(2, tls.seeded(26, 71))) + tls.server_hello_done())
    hello = tls.client_hello(TLCP, suites=(ECC_SM4_CBC, ECC_SM4_GCM))
    shas = [sha256(c) for c in chain[:1] + chain]
    yield one("tlcp", "TLCP, two certificates of the server and their issuer",
              talk(flight, tls.record(tls.HANDSHAKE, hello, TLCP), TLCP),
              [presented(shas, server_name="pool.example")])


def with_type(kind, certificate_type, body):
    hello = tls.client_hello(more=tls.extension(kind, tls.vec(1, bytes((certificate_type, 0)))))
    server = tls.message(tls.SERVER_HELLO, tls.TLS12.to_bytes(2, "big") + tls.seeded(3, 32)
                         + tls.vec(1, tls.seeded(4, 32)) + b"\xc0\x2f\0"
                         + tls.vec(2, tls.extension(kind, bytes((certificate_type,)))))
    return talk(server + tls.message(tls.CERTIFICATE, body) + tls.server_hello_done(),
                tls.record(tls.HANDSHAKE, hello))


def certificate_types(kept):
    key = tls.seeded(27, 294)
    yield one("raw-public-key-made", "a raw public key, made up (RFC 7250)",
              with_type(SERVER_TYPE, 2, tls.vec(3, key)), [], [not_seen("raw-public-key")])
    # RFC 6091 section 3.3: descriptor 1, then a key in OpenPGP's format.
    yield one("openpgp", "an OpenPGP key (RFC 6091): no certificate that we read",
              with_type(9, 1, b"\1" + tls.vec(3, tls.seeded(28, 400))), [],
              [not_seen("raw-public-key")])


def suites(kept):
    chain = kept.chains["pool"]
    shas = [sha256(c) for c in chain]
    exchange = tls.message(12, tls.vec(2, b"hint"))
    shown = tls.certificate(chain) + tls.server_hello_done()
    for name, shows, suite, rest, rows, gaps in (
            ("suite-null", "a suite that encrypts nothing, its chain like any other", NULL_SHA,
             shown, [presented(shas)], []),
            ("suite-psk", "a pre-shared key alone", PSK_AES128, exchange + tls.server_hello_done(),
             [], [not_seen("psk")]),
            ("suite-rsa-psk", "a pre-shared key beside a certificate (RFC 4279)", RSA_PSK_AES128,
             shown, [presented(shas)], []),
            ("suite-anonymous", "anonymous Diffie-Hellman", ADH_AES128,
             exchange + tls.server_hello_done(), [], [not_seen("anonymous")])):
        yield one(name, shows, talk(tls.server_hello(suite=suite) + rest), rows, gaps)


def pre_shared(kept):
    """TLS 1.3: an identity whose age is zero is a key that both were given, another one a ticket."""
    hello = tls13.client_hello(tls13.pre_shared_keys((b"ticket", 0x51a6c3f7), (b"Client_identity", 0)))
    done = tls13.encrypted_extensions() + tls.message(tls13.FINISHED, tls.seeded(32, 32))
    for name, shows, number, reason in (
            ("tls13-psk-external", "TLS 1.3 with a key that both sides were given", 1, "psk"),
            ("tls13-psk-ticket", "TLS 1.3 with the ticket that was offered beside it", 0, "resumed")):
        said = tls13.talk(done, hello, answer=tls13.server_hello(more=tls13.pre_shared_key(number)))
        yield one(name, shows, said, [], [not_seen(reason)])


def staple(kept):
    """Beside the chain: a stapled OCSP response and a request for the client's certificate."""
    chain = kept.chains["pool"]
    status = tls.message(22, b"\1" + tls.vec(3, tls.seeded(29, 471)))
    request = tls.message(13, tls.vec(1, b"\1") + tls.vec(2, b"\4\1") + tls.vec(2, tls.vec(
        2, bytes.fromhex("30143112301006035504030c09436c69656e7473"))))
    yield one("staple", "a stapled status and a certificate request around the chain",
              talk(tls.server_hello() + tls.certificate(chain) + status + request
                   + tls.server_hello_done()), [presented([sha256(c) for c in chain])])


CASES = (sslv2, tlcp, certificate_types, suites, pre_shared, staple)
