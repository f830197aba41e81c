# SPDX-License-Identifier: Apache-2.0
"""Golden captures by what the peers say: every recorded handshake, and some that were changed or
made up because no peer would say them any more."""
import gzip

from . import case, pcap, tcp, tls
from .case import Case, capture, facts, known, not_seen, presented
from .link import Endpoints
from .pki import sha256

# What each recorded handshake shows, the odd port that it is put on, the findings it must give.
RECORDED = {
    "tls12": ("TLS 1.2, ECDHE, leaf and issuer", 9808, ()),
    "tls11": ("TLS 1.1", 9811, ()),
    "tls10": ("TLS 1.0", 9810, ()),
    "tls13": ("TLS 1.3 with no key: encrypted", 9813, ()),
    "tls13-retry": ("TLS 1.3 with a HelloRetryRequest: encrypted", 9814, ()),
    "rsa-exchange": ("TLS 1.2 with RSA key exchange: no ServerKeyExchange", 9815, ()),
    "dhe": ("TLS 1.2 with finite-field Diffie-Hellman", 9816, ()),
    "no-sni": ("a client that asks for no name", 9817, ()),
    "cert-old": ("a leaf that expired in 2021", 9820, ("expired",)),
    "cert-future": ("a leaf that is valid from 2090", 9821, ("not-yet-valid",)),
    "cert-ec": ("an EC leaf under an RSA issuer", 9822, ()),
    "cert-other": ("a leaf that does not name what the client asked for", 9823, ("name-mismatch",)),
    "cert-reversed": ("leaf, root, issuer: the chain in the wrong order", 9824, ("chain-order",)),
    "cert-selfsigned": ("a self-signed leaf alone", 9825, ("self-signed",)),
    "cert-weak": ("a leaf with an RSA key of 1024 bits", 9826, ("weak-key",)),
    "cert-huge": ("a chain of 28 certificates, 35 KB", 9827, ()),
    "refused": ("the client refuses with the alert unknown_ca", 9828, ()),
    "refused-expired": ("the client refuses an expired leaf with certificate_expired", 9829,
                        ("expired",)),
    "mutual": ("both sides present a chain", 9830, ()),
    "mutual-declined": ("the client answers the request with an empty list", 9831, ()),
    "ticket-first": ("the handshake that hands out a ticket", 9832, ()),
    "ticket-resumed": ("TLS 1.2 resumed by ticket", 9832, ()),
    "session-id-first": ("the handshake that hands out a session id", 9833, ()),
    "session-id-resumed": ("TLS 1.2 resumed by session id", 9833, ()),
    "tls13-psk-first": ("TLS 1.3 that hands out tickets", 9834, ()),
    "tls13-psk-resumed": ("TLS 1.3 resumed by a pre-shared key", 9834, ()),
    "psk": ("a suite with a pre-shared key and no certificate", 9835, ()),
    "anonymous": ("an anonymous suite", 9836, ()),
    "gnutls": ("GnuTLS on both sides", 9837, ()),
    "raw-public-key": ("a raw public key (RFC 7250) in place of a certificate", 9838, ()),
    "python": ("Python on both sides", 9839, ()),
    "node": ("Node.js on both sides", 9840, ()),
    "starttls-smtp": ("STARTTLS in SMTP on an odd port", 9841, ()),
    "starttls-imap": ("STARTTLS in IMAP on an odd port", 9842, ()),
    "starttls-pop3": ("STLS in POP3 on an odd port", 9843, ()),
    "starttls-ftp": ("AUTH TLS in FTP on an odd port", 9844, ()),
    "starttls-ldap": ("StartTLS in LDAP on an odd port", 9845, ()),
    "starttls-postgres": ("SSLRequest of PostgreSQL on an odd port", 9846, ()),
    "starttls-mysql": ("SSLRequest of MySQL, glued to the ClientHello", 9847, ()),
    "starttls-xmpp": ("starttls in XMPP on an odd port", 9848, ()),
    "starttls-connect": ("TLS through an HTTP CONNECT proxy", 9849, ()),
}
CARRIERS = {"postgres": "postgresql", "connect": "http-connect"}


def recorded(kept):
    for name, (shows, port, findings) in RECORDED.items():
        handshake = kept.handshakes[name]
        ends = Endpoints(port=port, client_port=51000 + port % 1000)
        more = {"findings": list(findings)} if findings else {}
        if name.startswith("starttls-"):
            protocol = name.split("-", 1)[1]
            more["carrier"] = CARRIERS.get(protocol, protocol)
        elif handshake.chain:
            more["carrier"] = "plain"
        yield Case(name, shows, capture(tcp.conversation(handshake.talk), ends),
                   known(handshake, ends, **more))


def glue(talk):
    """Joins each side's last words before TLS to its first record: nobody waits for anybody."""
    hello = next(i for i, (who, data) in enumerate(talk) if who == "c" and data[0] == 0x16)
    flight = next(i for i, (who, data) in enumerate(talk) if who == "s" and data[0] == 0x16)
    last = {who: max(i for i in range(hello) if talk[i][0] == who) for who in "cs"}
    joined = list(talk)
    joined[hello] = ("c", talk[last["c"]][1] + talk[hello][1])
    joined[flight] = ("s", talk[last["s"]][1] + talk[flight][1])
    return [turn for i, turn in enumerate(joined) if i not in last.values()]


def glued(kept):
    for protocol in ("smtp", "imap", "postgres", "xmpp", "connect"):
        handshake = kept.handshakes["starttls-" + protocol]
        ends = Endpoints(port=9850)
        yield Case("glued-" + protocol, "the last words in clear and the first record share a "
                   "segment, both ways (%s)" % protocol,
                   capture(tcp.conversation(glue(handshake.talk)), ends),
                   known(handshake, ends, carrier=CARRIERS.get(protocol, protocol)))


def recut(kept):
    """The same messages in other records."""
    handshake = kept.handshakes["tls12"]
    for size in (1, 3, 17, 128, 512):
        yield Case("records-of-%d" % size, "the server's flight in records of %d byte%s"
                   % (size, "s" * (size > 1)),
                   capture(tcp.conversation(tls.with_records_of(handshake.talk, size))),
                   known(handshake))
    yield Case("one-record", "the server's whole flight in one record",
               capture(tcp.conversation(tls.all_in_one_record(handshake.talk))), known(handshake))
    yield Case("record-a-message", "each message in its own record",
               capture(tcp.conversation(tls.one_message_a_record(handshake.talk))),
               known(handshake))


def old_protocols(kept):
    chain = kept.chains["pool"]
    shas = [sha256(c) for c in chain]
    yield Case("ssl3", "SSL 3.0 (made up)",
               capture(tcp.conversation(tls.made_up(tls.certificate(chain), tls.SSL3))),
               facts([presented(shas, version="3.0", server_name="pool.example")],
                     resegment="shuffle"))
    hello = tls.sslv2_client_hello()
    yield Case("sslv2-hello", "a ClientHello in the format of SSL 2.0, answered in TLS 1.2",
               capture(tcp.conversation(tls.made_up(tls.certificate(chain), hello=hello))),
               facts([presented(shas, version="1.2")], resegment="shuffle"))


def odd_certificates(kept):
    """Certificate messages that no library would send: each blob still has its hash."""
    leaf, issuer = kept.chains["pool"]

    def one(name, shows, message, rows, gaps=(), **options):
        return Case(name, shows, capture(tcp.conversation(tls.made_up(message))),
                    facts(rows, gaps, resegment="shuffle"), **options)

    garbage = tls.seeded(9, 300)
    yield one("blob-garbage", "an entry that is no certificate is reported by its hash",
              tls.certificate([garbage]), [presented([sha256(garbage)])])
    yield one("blob-empty", "an entry of no bytes between two certificates",
              tls.certificate([leaf, b"", issuer]),
              [presented([sha256(leaf), sha256(b""), sha256(issuer)])])
    trailing = leaf + b"\0\0trailing"
    yield one("blob-trailing", "bytes after the certificate, inside its entry: hashed as sent",
              tls.certificate([trailing, issuer]), [presented([sha256(trailing), sha256(issuer)])])
    cut = leaf[:400]
    yield one("blob-cut", "an entry whose certificate stops in its middle",
              tls.certificate([cut, issuer]), [presented([sha256(cut), sha256(issuer)])])
    yield one("list-empty", "a server that sends an empty list",
              tls.certificate([]), [], [not_seen("malformed")])
    body = tls.vec(3, tls.vec(3, leaf) + (5000).to_bytes(3, "big") + issuer[:200])
    yield one("entry-overrun", "the second entry claims more bytes than the list has: what is "
              "there is kept", tls.message(tls.CERTIFICATE, body),
              [presented([sha256(leaf), sha256(issuer[:200])])])
    yield one("list-overrun", "the list claims more bytes than its message has",
              tls.message(tls.CERTIFICATE, b"\0\xff\xff" + tls.vec(3, leaf)),
              [presented([sha256(leaf)])])
    yield one("same-100", "the same certificate 100 times",
              tls.certificate([issuer[:60]] * 100), [presented([sha256(issuer[:60])] * 100)])


def big_certificates(kept):
    """Kept compressed: nearly all of their bytes are zero."""
    leaf = kept.chains["pool"][0]
    for name, shows, size, parse in (
            ("cert-100k", "a blob of 100 KB: above the full parse, below every limit",
             100_000, "refused"),
            ("cert-900k", "a blob of 900 KB: near the limit of a message", 900_000, "refused"),
            ("cert-oversize", "a blob over 1 MiB between two certificates: hash and length only",
             1_100_000, "oversize")):
        chain = [leaf, bytes(size), leaf]
        packed = capture(tcp.conversation(tls.made_up(tls.certificate(chain))))
        yield Case(name, shows, gzip.compress(packed, 9, mtime=0),
                   facts([presented([sha256(c) for c in chain], parse=["ok", parse, "ok"])]),
                   suffix="pcap.gz")


def malformed(kept):
    leaf = kept.chains["pool"][0]

    def one(name, shows, flight, reason="malformed"):
        talk = [("c", tls.record(tls.HANDSHAKE, tls.client_hello())), ("s", flight)]
        return Case(name, shows, capture(tcp.conversation(talk)),
                    facts([], [not_seen(reason)], resegment="shuffle"))

    hello, cert = tls.server_hello(), tls.certificate([leaf])
    yield one("malformed-list", "a Certificate message too short to hold a list",
              tls.into_records(hello + tls.message(tls.CERTIFICATE, b"\0\1")
                               + tls.server_hello_done(), 16384))
    short = tls.message(tls.SERVER_HELLO, b"\3\3\0\0")
    yield one("malformed-hello", "a ServerHello of four bytes, and nothing after it",
              tls.into_records(short, 16384))
    talk = [("c", tls.record(tls.HANDSHAKE, tls.client_hello())),
            ("s", tls.into_records(short + cert, 16384))]
    yield Case("malformed-hello-chain", "a ServerHello of four bytes, then a whole Certificate",
               capture(tcp.conversation(talk)),
               facts([presented([sha256(leaf)])], resegment="no"))
    yield one("malformed-record", "garbage where the second record's header should be",
              tls.record(tls.HANDSHAKE, hello + cert[:500]) + tls.seeded(10, 900))
    yield one("malformed-record-long", "a record that claims 65,535 bytes",
              tls.record(tls.HANDSHAKE, hello + cert[:500]) + b"\x16\3\3\xff\xff" + cert[500:])


def straggler(kept):
    """The founding case: 443 has the new certificate, 9808 presents the old one and is refused."""
    new, old = kept.handshakes["tls12"], kept.handshakes["refused-expired"]
    front, back = Endpoints(port=443), Endpoints(port=9808, client="10.0.0.5")
    segments = [case.frames(tcp.conversation(new.talk), front),
                case.frames(tcp.conversation(old.talk), back, start_ns=case.START_NS + 10**10)]
    told = facts([presented(new.chain, front),
                  presented(old.chain, back, findings=["expired"])],
                 refused=[dict(server=back.server_text(), alert=old.alert)])
    yield Case("straggler", "after 443 presented the new certificate, 9808 presents the old one",
               pcap.pcap(1, segments[0] + segments[1]), told)


CASES = (recorded, straggler, glued, recut, old_protocols, odd_certificates, big_certificates,
         malformed)
