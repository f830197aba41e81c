#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""TLS 1.3 peers whose library never sees a socket: asyncio hands it bytes (memory BIO).

    tls13.py serve ADDRESS PORT BASE       BASE.pem, BASE.key; until it is ended
    tls13.py fork ADDRESS PORT BASE        the same with sockets, a process for each connection
    tls13.py connect ADDRESS PORT [NUM]    NUM handshakes at once, all open until the last is
                                           whole; prints how many were
    tls13.py alone BASE [NUM]              both ends in this process: nothing goes on a wire
"""
import asyncio
import os
import signal
import socket
import ssl
import sys


def server_context(base):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_cert_chain(base + ".pem", base + ".key")
    return context


def client_context():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


async def until_closed(reader, writer):
    try:
        await reader.read()
    except OSError:
        pass
    writer.close()


async def serve(address, port, base):
    server = await asyncio.start_server(until_closed, address, int(port), backlog=512,
                                        ssl=server_context(base), ssl_handshake_timeout=30)
    await server.serve_forever()


def fork(address, port, base):
    context = server_context(base)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.create_server((address, int(port)), backlog=512) as listener:
        while True:
            connection = listener.accept()[0]
            if os.fork():
                connection.close()
                continue
            with context.wrap_socket(connection, server_side=True) as peer:
                peer.recv(1)
            os._exit(0)


async def connect(address, port, num="1"):
    context = client_context()
    opened = await asyncio.gather(
        *(asyncio.open_connection(address, int(port), ssl=context, ssl_handshake_timeout=30)
          for _ in range(int(num))), return_exceptions=True)
    whole = [each for each in opened if not isinstance(each, BaseException)]
    for _, writer in whole:
        writer.close()
    print(len(whole))
    return 0 if len(whole) == int(num) else 1


def step(end):
    try:
        end.do_handshake()
    except ssl.SSLWantReadError:
        pass


def alone(base, num="1"):
    server, client = server_context(base), client_context()
    for _ in range(int(num)):
        to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
        ends = (client.wrap_bio(to_client, to_server),
                server.wrap_bio(to_server, to_client, server_side=True))
        for _ in range(4):
            step(ends[0])
            step(ends[1])
        print(ends[0].version(), ends[1].version())


if __name__ == "__main__":
    if sys.argv[1] in ("alone", "fork"):
        {"alone": alone, "fork": fork}[sys.argv[1]](*sys.argv[2:])
    else:
        sys.exit(asyncio.run({"serve": serve, "connect": connect}[sys.argv[1]](*sys.argv[2:])))
