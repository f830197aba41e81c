# SPDX-License-Identifier: Apache-2.0
"""Real TLS peers on loopback with a recorder between them.

A Talk is what was said: a list of (who, bytes), who "c" (client) or "s" (server), in the order in
which the recorder read it. Over UDP each entry is a datagram.
"""
import os
import select
import socket
import subprocess
import threading
import time

STEP_LIMIT_S = 10


class Recorder:
    """Listens, takes one connection, connects on to `port`, and copies both ways."""

    def __init__(self, port):
        self.server_port = port
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(STEP_LIMIT_S)
        self.port = self.listener.getsockname()[1]
        self.talk = []
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        try:
            client, _ = self.listener.accept()
        except OSError:
            return
        server = socket.create_connection(("127.0.0.1", self.server_port), STEP_LIMIT_S)
        for s in (client, server):
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._copy(client, server)
        client.close()
        server.close()

    def _copy(self, client, server):
        ends = {client: ("c", server), server: ("s", client)}
        deadline = time.monotonic() + STEP_LIMIT_S
        while ends and time.monotonic() < deadline:
            ready, _, _ = select.select(list(ends), [], [], 0.2)
            for s in ready:
                who, peer = ends[s]
                try:
                    data = s.recv(65536)
                    if data:
                        peer.sendall(data)
                except OSError:
                    data = b""
                if data:
                    self.talk.append((who, data))
                    continue
                del ends[s]
                try:
                    peer.shutdown(socket.SHUT_WR)
                except OSError:
                    pass

    def finish(self):
        self.thread.join(STEP_LIMIT_S + 2)
        self.listener.close()
        return self.talk


class DatagramRecorder:
    """The same over UDP, until nobody has said anything for half a second after the end."""

    def __init__(self, port):
        self.server_port = port
        self.near = self._socket()
        self.far = self._socket()
        self.far.connect(("127.0.0.1", port))
        self.port = self.near.getsockname()[1]
        self.talk = []
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    @staticmethod
    def _socket():
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.bind(("127.0.0.1", 0))
        return s

    def _run(self):
        client, deadline = None, time.monotonic() + STEP_LIMIT_S
        while time.monotonic() < deadline:
            ready, _, _ = select.select([self.near, self.far], [], [], 0.5)
            if not ready and self.over.is_set():
                return
            for s in ready:
                try:
                    data, address = s.recvfrom(65536)
                except OSError:         # the peer is gone
                    continue
                if s is self.near:
                    client = address
                    self._pass("c", data, self.far.send)
                else:
                    self._pass("s", data, lambda d: self.near.sendto(d, client))

    def _pass(self, who, data, send):
        self.talk.append((who, data))
        try:
            send(data)
        except OSError:
            pass

    def finish(self):
        self.over.set()
        self.thread.join(STEP_LIMIT_S + 2)
        self.near.close()
        self.far.close()
        return self.talk


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as s:
        return s.getsockname()[1]


def wait_listening(port, child, udp=False):
    """Looks into /proc rather than connecting: a connection would be the server's first."""
    suffix = ":%04X" % port
    tables, state = (("udp", "udp6"), "07") if udp else (("tcp", "tcp6"), "0A")
    deadline = time.monotonic() + STEP_LIMIT_S
    while time.monotonic() < deadline and child.poll() is None:
        for table in tables:
            with open("/proc/net/" + table) as f:
                for line in f.readlines()[1:]:
                    fields = line.split()
                    if fields[1].endswith(suffix) and fields[3] == state:
                        return
        time.sleep(0.02)
    raise RuntimeError("%s does not listen" % child.args[0])


class Server:
    """A process that serves on `port`, ended with the `with` block."""

    def __init__(self, port, *command, cwd=None, udp=False):
        self.port = port
        self.child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                                      stderr=subprocess.DEVNULL, cwd=cwd)
        try:
            wait_listening(port, self.child, udp)
        except RuntimeError:
            self.__exit__()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.child.kill()
        self.child.wait()


def run_client(*command, stay_s):
    """Runs a client until it ends by itself, or until `stay_s` after its input was closed."""
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL)
    try:
        child.wait(stay_s)
    except subprocess.TimeoutExpired:
        pass
    child.stdin.close()
    try:
        child.wait(1)
    except subprocess.TimeoutExpired:       # some go on until they are told
        child.terminate()
        child.wait(STEP_LIMIT_S)


def through(server, client_command, recorder=Recorder, stay_s=0.3):
    """Runs one client through a recorder; `client_command(port)` gives its command line."""
    recorder = recorder(server.port)
    run_client(*client_command(recorder.port), stay_s=stay_s)
    talk = recorder.finish()
    if not talk:
        raise RuntimeError("nothing was said")
    return talk


def openssl_server(identity, *options, psk=None, udp=False):
    port = free_port()
    command = ["openssl", "s_server", "-accept", "127.0.0.1:%d" % port]
    if identity:
        command += ["-cert", identity.cert_file, "-key", identity.key]
        if os.path.getsize(identity.chain_file):
            command += ["-cert_chain", identity.chain_file]
    else:
        command += ["-nocert"]
    if psk:
        command += ["-psk", psk]
    return Server(port, *command, *options, udp=udp)


def openssl_client(*options, name="pool.example"):
    sni = ["-servername", name] if name else ["-noservername"]
    return lambda port: ["openssl", "s_client", "-connect", "127.0.0.1:%d" % port, *sni, *options]
