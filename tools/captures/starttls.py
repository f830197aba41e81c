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
    "connect": [(b"\r\n\r\n", b"HTTP/1.1 200 Connection established\r\n\r\n")],
}


class StarttlsServer:
    """Serves one connection from a thread; same use as record.Server."""

    def __init__(self, identity, protocol):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.minimum_version = self.context.maximum_version = ssl.TLSVersion.TLSv1_2
        self.context.load_cert_chain(identity.full_file, identity.key)
        self.steps = PREAMBLES[protocol] if protocol else []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(STEP_LIMIT_S)
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        connection, _ = self.listener.accept()
        connection.settimeout(STEP_LIMIT_S)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for awaited, answer in self.steps:
            heard = b""
            while len(heard) < awaited if isinstance(awaited, int) else awaited not in heard:
                data = connection.recv(awaited if isinstance(awaited, int) else 4096)
                if not data:
                    return
                heard += data
            connection.sendall(answer)
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
