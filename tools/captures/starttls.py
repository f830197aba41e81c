# SPDX-License-Identifier: Apache-2.0
"""A server that says what a protocol says before TLS, then does TLS 1.2 for real."""
import socket
import ssl
import threading

from .record import STEP_LIMIT_S

XMPP_TLS = b"urn:ietf:params:xml:ns:xmpp-tls"
# After the fixed head: capabilities with CLIENT_SSL (0x0800), character set, status, more.
MYSQL_GREETING = (b"\x0a8.0.36\0" + b"\x07\0\0\0" + b"abcdefgh\0" + b"\xff\xff\x21\x02\0\xff\xc7"
                  + b"\x15" + bytes(10) + b"ijklmnopqrst\0" + b"caching_sha2_password\0")

# Steps: (what the client must have sent, what we answer); b"" waits for nothing, a number for
# exactly so many bytes: what follows them is TLS already.
PREAMBLES = {
    "smtp": [(b"", b"220 mx.example ESMTP\r\n"),
             (b"EHLO", b"250-mx.example\r\n250-STARTTLS\r\n250 8BITMIME\r\n"),
             (b"STARTTLS\r\n", b"220 2.0.0 ready\r\n")],
    "imap": [(b"", b"* OK IMAP4rev1 ready\r\n"),
             (b"CAPABILITY\r\n", b"* CAPABILITY IMAP4rev1 STARTTLS\r\n. OK done\r\n"),
             (b"STARTTLS\r\n", b". OK begin\r\n")],
    "pop3": [(b"", b"+OK ready\r\n"), (b"STLS\r\n", b"+OK begin\r\n")],
    "ftp": [(b"", b"220 ready\r\n"),
            (b"AUTH TLS\r\n", b"234 begin\r\n")],
    # ExtendedRequest 1.3.6.1.4.1.1466.20037, ExtendedResponse success (RFC 4511 section 4.14)
    "ldap": [(b"1.3.6.1.4.1.1466.20037", bytes.fromhex("300c02010178070a010004000400"))],
    "postgres": [(bytes.fromhex("0000000804d2162f"), b"S")],
    "mysql": [(b"", len(MYSQL_GREETING).to_bytes(3, "little") + b"\0" + MYSQL_GREETING),
              (36, b"")],
    "xmpp": [(b"version='1.0'>", b"<?xml version='1.0'?><stream:stream xmlns='jabber:client' "
              b"xmlns:stream='http://etherx.jabber.org/streams' id='1' from='pool.example' "
              b"version='1.0'><stream:features><starttls xmlns='" + XMPP_TLS
              + b"'><required/></starttls></stream:features>"),
             (b"<starttls", b"<proceed xmlns='" + XMPP_TLS + b"'/>")],
    "irc": [(b"STARTTLS\r\n", b":irc.example 670 * :STARTTLS successful\r\n")],
    "nntp": [(b"", b"201 news.example ready\r\n"),
             (b"CAPABILITIES\r\n", b"101 list\r\nVERSION 2\r\nSTARTTLS\r\n.\r\n"),
             (b"STARTTLS\r\n", b"382 begin\r\n")],
    "sieve": [(b"", b'"IMPLEMENTATION" "x"\r\n"STARTTLS"\r\nOK "ready"\r\n'),
              (b"STARTTLS\r\n", b'OK "begin"\r\n')],
    "connect": [(b"\r\n\r\n", b"HTTP/1.1 200 Connection established\r\n\r\n")],
    # X.224 connection request with RDP_NEG_REQ for TLS, and its confirmation (MS-RDPBCGR 2.2.1)
    "rdp": [(19, bytes.fromhex("030000130ed000001234000200080001000000"))],
    # PROXY protocol, versions 1 and 2: a header that is not answered
    "proxy": [(len(b"PROXY TCP4 192.0.2.1 192.0.2.2 4000 443\r\n"), b"")],
    "proxy2": [(28, b"")],
    "socks5": [(3, b"\5\0"), (10, bytes.fromhex("05000001000000000000"))],
    "socks4": [(9, bytes.fromhex("005a000000000000"))],
    # No protocol at all.
    "strange": [(b"shall we?", b"why not\n")],
}

# What a client says, where openssl's cannot; after each part it waits for so many bytes.
ASKED = {
    "rdp": [(bytes.fromhex("030000130ee000000000000100080001000000"), 19)],
    "proxy": [(b"PROXY TCP4 192.0.2.1 192.0.2.2 4000 443\r\n", 0)],
    "proxy2": [(b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c" + bytes(12), 0)],
    "socks5": [(b"\5\1\0", 2), (bytes.fromhex("050100017f00000101bb"), 10)],
    "socks4": [(bytes.fromhex("040101bb7f00000100"), 8)],
    "strange": [(b"shall we?", 8)],
}


def answer(connection, protocol):
    """A server's part, up to where TLS begins; False where the client left."""
    for awaited, said in PREAMBLES[protocol]:
        heard = b""
        while len(heard) < awaited if isinstance(awaited, int) else awaited not in heard:
            data = connection.recv(awaited - len(heard) if isinstance(awaited, int) else 4096)
            if not data:
                return False
            heard += data
        connection.sendall(said)
    return True


def ask(connection, protocol):
    """A client's part, likewise."""
    for said, awaited in ASKED[protocol]:
        connection.sendall(said)
        if awaited and len(connection.recv(awaited, socket.MSG_WAITALL)) < awaited:
            raise OSError("the server left")


class StarttlsServer:
    """Serves one connection from a thread; same use as record.Server."""

    def __init__(self, identity, protocol):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.minimum_version = self.context.maximum_version = ssl.TLSVersion.TLSv1_2
        self.context.load_cert_chain(identity.full_file, identity.key)
        self.protocol = protocol
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(STEP_LIMIT_S)
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        connection, _ = self.listener.accept()
        connection.settimeout(STEP_LIMIT_S)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.protocol and not answer(connection, self.protocol):
            return
        try:
            with self.context.wrap_socket(connection, server_side=True) as tls:
                while tls.recv(4096):
                    pass
        except OSError:     # the client left without saying goodbye, or refused us
            pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.thread.join(STEP_LIMIT_S)
        self.listener.close()
