#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""TLS 1.2 peers for what the usual tools do not do: words in front of TLS, many handshakes in a row.

    peer.py serve ADDRESS PORT BASE [PROTOCOL]    BASE.pem, BASE.key; until it is ended
    peer.py connect ADDRESS PORT NUM [PROTOCOL]   NUM handshakes in turn; prints how many were whole

PROTOCOL is one of tools/captures/starttls.py; `+` behind it: the client's last words go out with the ClientHello.
"""
import os
import socket
import ssl
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../tools"))
sys.dont_write_bytecode = True
from captures import starttls


def answer(context, conn, protocol):
    try:
        conn.settimeout(10)
        if protocol and not starttls.answer(conn, protocol):
            return
        with context.wrap_socket(conn, server_side=True) as tls:
            tls.recv(1000)
    except OSError:
        pass
    finally:
        conn.close()


def serve(address, port, base, protocol=None):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(base + ".pem", base + ".key")
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listener = socket.create_server((address, int(port)), family=family, backlog=128)
    while True:
        conn, _ = listener.accept()
        threading.Thread(target=answer, args=(context, conn, protocol), daemon=True).start()


def connect(address, port, num, protocol=None):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    whole = 0
    for _ in range(int(num)):
        with socket.create_connection((address, int(port)), timeout=10) as conn:
            if protocol:
                # A corked socket sends only whole segments, or what there is after 200 ms.
                conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, protocol.endswith("+"))
                starttls.ask(conn, protocol.rstrip("+"))
            with context.wrap_socket(conn):
                whole += 1
    print(whole)


if __name__ == "__main__":
    {"serve": serve, "connect": connect}[sys.argv[1]](*sys.argv[2:])
