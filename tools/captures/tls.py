# SPDX-License-Identifier: Apache-2.0
"""Records and handshake messages (RFC 5246): taking a Talk apart, changing it, making one up."""
import random

CHANGE_CIPHER_SPEC, ALERT, HANDSHAKE, APPLICATION_DATA = 20, 21, 22, 23
CLIENT_HELLO, SERVER_HELLO, CERTIFICATE, SERVER_HELLO_DONE, CLIENT_KEY_EXCHANGE = 1, 2, 11, 14, 16
SSL3, TLS12 = 0x0300, 0x0303


def vec(width, *bodies):
    body = b"".join(bodies)
    return len(body).to_bytes(width, "big") + body


def record(kind, body, version=TLS12):
    return bytes((kind,)) + version.to_bytes(2, "big") + vec(2, body)


def records(stream):
    """(type, version, body) of each whole record; what follows the last is not looked at."""
    found, at = [], 0
    while at + 5 <= len(stream):
        size = int.from_bytes(stream[at + 3:at + 5], "big")
        if at + 5 + size > len(stream):
            break
        version = int.from_bytes(stream[at + 1:at + 3], "big")
        found.append((stream[at], version, stream[at + 5:at + 5 + size]))
        at += 5 + size
    return found


def message(kind, body):
    return bytes((kind,)) + vec(3, body)


def messages(stream):
    """(type, body) of each handshake message in a joined handshake stream."""
    found, at = [], 0
    while at + 4 <= len(stream):
        size = int.from_bytes(stream[at + 1:at + 4], "big")
        found.append((stream[at], stream[at + 4:at + 4 + size]))
        at += 4 + size
    return found


def certificate_list(entries):
    return vec(3, *(vec(3, e) for e in entries))


def certificate(entries):
    return message(CERTIFICATE, certificate_list(entries))


def seeded(seed, length):
    return random.Random(seed).randbytes(length)


def server_name(name):
    return (0).to_bytes(2, "big") + vec(2, vec(2, b"\0", vec(2, name.encode())))


def extension(kind, body):
    return kind.to_bytes(2, "big") + vec(2, body)


def alpn(protocols):
    return extension(16, vec(2, *(vec(1, p) for p in protocols)))


def client_hello(version=TLS12, name="pool.example", suites=(0xc02f, 0x002f), more=b"", seed=1,
                 cookie=False):
    """more: further extensions; cookie: DTLS has one before the suites, here empty."""
    extensions = (server_name(name) if name else b"") + more
    return message(CLIENT_HELLO, version.to_bytes(2, "big") + seeded(seed, 32) + vec(1)
                   + (vec(1) if cookie else b"") + vec(2, *(s.to_bytes(2, "big") for s in suites))
                   + vec(1, b"\0") + (vec(2, extensions) if extensions else b""))


def sslv2_client_hello(version=TLS12, suites=(0xc02f, 0xc013, 0x002f)):
    """RFC 5246 appendix E.2."""
    specs = b"".join(b"\0" + s.to_bytes(2, "big") for s in suites)
    body = (bytes((CLIENT_HELLO,)) + version.to_bytes(2, "big") + len(specs).to_bytes(2, "big")
            + b"\0\0" + (32).to_bytes(2, "big") + specs + seeded(2, 32))
    return (0x8000 | len(body)).to_bytes(2, "big") + body


def server_hello(version=TLS12, suite=0x002f):
    return message(SERVER_HELLO, version.to_bytes(2, "big") + seeded(3, 32) + vec(1, seeded(4, 32))
                   + suite.to_bytes(2, "big") + b"\0")


def server_hello_done():
    return message(SERVER_HELLO_DONE, b"")


def client_finish(version=TLS12):
    """The client's last flight under RSA key exchange; its bytes mean nothing."""
    return (record(HANDSHAKE, message(CLIENT_KEY_EXCHANGE, vec(2, seeded(5, 256))), version)
            + record(CHANGE_CIPHER_SPEC, b"\1", version)
            + record(HANDSHAKE, seeded(6, 40), version))


def server_finish(version=TLS12):
    return (record(CHANGE_CIPHER_SPEC, b"\1", version)
            + record(HANDSHAKE, seeded(7, 40), version))


def made_up(certificate_message, version=TLS12, record_size=16384, hello=None):
    """A whole RSA handshake around one Certificate message, of any shape."""
    flight = server_hello(version) + certificate_message + server_hello_done()
    return [("c", hello or record(HANDSHAKE, client_hello(version), version)),
            ("s", into_records(flight, record_size, version)),
            ("c", client_finish(version)), ("s", server_finish(version))]


def into_records(handshake, size, version=TLS12):
    return b"".join(record(HANDSHAKE, handshake[i:i + size], version)
                    for i in range(0, len(handshake), size))


def change_clear(stream, change):
    """Applies `change` to the joined handshake messages in clear at the head of a stream of
    records; `change` returns the bytes that stand in for them, records and all."""
    clear, version, at = b"", TLS12, 0
    for kind, version_seen, body in records(stream):
        if kind != HANDSHAKE:
            break
        clear, version, at = clear + body, version_seen, at + 5 + len(body)
    return change(clear, version) + stream[at:]


def with_records_of(talk, size):
    """The server's flight in records of `size` bytes of handshake each."""
    return on_server_flight(talk, lambda clear, version: into_records(clear, size, version))


def one_message_a_record(talk):
    return on_server_flight(talk, lambda clear, version: b"".join(
        record(HANDSHAKE, message(kind, body), version) for kind, body in messages(clear)))


def all_in_one_record(talk):
    return with_records_of(talk, 16384)


def on_server_flight(talk, change):
    """The first thing that the server says in TLS is its flight."""
    changed, done = [], False
    for who, data in talk:
        if who == "s" and not done and data[:1] == bytes((HANDSHAKE,)):
            data, done = change_clear(data, change), True
        changed.append((who, data))
    if not done:
        raise ValueError("no server flight")
    return changed


def with_certificate(talk, change):
    """Puts change(body of the Certificate message) in its place, in the server's flight."""
    def edit(clear, version):
        return into_records(b"".join(
            message(kind, change(body) if kind == CERTIFICATE else body)
            for kind, body in messages(clear)), 16384, version)
    return on_server_flight(talk, edit)


def certificate_span(talk):
    """Offsets (first, end) of the Certificate message in the server's stream of bytes."""
    stream = b"".join(data for who, data in talk if who == "s")
    at = 0
    for kind, _, body in records(stream):
        start = at + 5
        if kind == HANDSHAKE:
            for message_kind, message_body in messages(body):
                size = 4 + len(message_body)
                if message_kind == CERTIFICATE:
                    return start, start + size
                start += size
        at += 5 + len(body)
    raise ValueError("no Certificate message in whole records")


def with_data(talk, count=4, length=300):
    """Some application data after the handshake, from both sides."""
    extra = []
    for i in range(count):
        extra.append(("cs"[i % 2], record(APPLICATION_DATA, seeded(100 + i, length))))
    return talk[:-1] + extra + talk[-1:]
