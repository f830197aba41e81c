#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""TLS 1.2 peers for what the usual tools do not do: STARTTLS as a server, many handshakes in a row.

    peer.py serve ADDRESS PORT BASE [smtp]   BASE.pem, BASE.key; until it is ended
    peer.py connect ADDRESS PORT NUM         NUM handshakes in turn; prints how many were whole
"""
import socket
import ssl
import sys
import threading


def greet_smtp(conn):
    """The dialogue of RFC 3207 up to the TLS handshake; False where it went another way."""
    conn.sendall(b"220 mail.test ESMTP\r\n")
    lines = conn.makefile("rb")
    if not lines.readline(1000).upper().startswith(b"EHLO"):
        return False
    conn.sendall(b"250-mail.test\r\n250 STARTTLS\r\n")
    if not lines.readline(1000).upper().startswith(b"STARTTLS"):
        return False
    conn.sendall(b"220 go ahead\r\n")
    return True


def answer(context, conn, smtp):
    try:
        conn.settimeout(10)
        if smtp and not greet_smtp(conn):
            return
        with context.wrap_socket(conn, server_side=True) as tls:
            tls.recv(1000)
    except OSError:
        pass
    finally:
        conn.close()


def serve(address, port, base, smtp):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(base + ".pem", base + ".key")
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listener = socket.create_server((address, int(port)), family=family, backlog=128)
    while True:
        conn, _ = listener.accept()
        threading.Thread(target=answer, args=(context, conn, smtp), daemon=True).start()


def connect(address, port, num):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    whole = 0
    for _ in range(num):
        with socket.create_connection((address, int(port)), timeout=10) as conn:
            with context.wrap_socket(conn):
                whole += 1
    print(whole)


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(*sys.argv[2:5], smtp=sys.argv[5:] == ["smtp"])
    else:
        connect(sys.argv[2], sys.argv[3], int(sys.argv[4]))
