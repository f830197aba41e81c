#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Servers whose listening socket and whose worker differ, and clients; each tells who it was.

    owners.py serve KIND ADDRESS PORT CERT KEY LOG     until it is ended
    owners.py connect HOW ADDRESS PORT TIMES LOG       HOW: one (a process for all), each (one for each)
    owners.py check LOG-OF-SERVER LOG-OF-CLIENT ROWS PORT TIMES [listener] [brief]

A log has a line for each connection: client's port, pid, and for servers the pid of who listens. `check` compares them
with the JSON lines of `certtap live --every`: each sighting names both ends, every time. Of `brief` processes, which live
for one connection, a few may be gone before their executable can be read: their name and start are known all the same.
"""
import array
import collections
import ctypes
import json
import os
import signal
import socket
import ssl
import sys
import threading


def listening(address, port, reuse=False):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    s = socket.socket(family)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if reuse:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    s.bind((address, port))
    s.listen(128)
    return s


def fork():
    """A child that ends when its parent does."""
    child = os.fork()
    if child == 0:
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
    return child


class Server:
    def __init__(self, address, port, cert, key, log):
        self.place = (address, port)
        self.log = open(log, "a", buffering=1, encoding="utf-8")
        self.listener = os.getpid()
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.maximum_version = ssl.TLSVersion.TLSv1_2
        self.context.load_cert_chain(cert, key)

    def answer(self, connection, peer):
        self.log.write(f"{peer[1]} {os.getpid()} {self.listener}\n")
        try:
            with self.context.wrap_socket(connection, server_side=True) as tls:
                tls.recv(16)
        except OSError:
            pass

    def accept(self, s):
        while True:
            connection, peer = s.accept()
            self.answer(connection, peer)

    # --- the kinds

    def single(self):
        self.accept(listening(*self.place))

    def threads(self):
        s = listening(*self.place)
        while True:
            connection, peer = s.accept()
            threading.Thread(target=self.answer, args=(connection, peer), daemon=True).start()

    def prefork(self):
        s = listening(*self.place)
        for _ in range(3):
            if fork() == 0:
                self.accept(s)
        signal.pause()

    def forking(self):
        s = listening(*self.place)
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        while True:
            connection, peer = s.accept()
            if fork() == 0:
                self.answer(connection, peer)
                os._exit(0)
            connection.close()

    def activated(self):
        """As by systemd: one process listens, another one, after exec(), serves."""
        s = listening(*self.place)
        if fork() == 0:
            os.dup2(s.fileno(), 3, inheritable=True)
            os.environ["LISTENER"] = str(self.listener)
            os.execv(sys.executable, [sys.executable, sys.argv[0], "serve", "inherited", *sys.argv[3:]])
        signal.pause()

    def inherited(self):
        self.listener = int(os.environ["LISTENER"])
        self.accept(socket.socket(fileno=3))

    def reuseport(self):
        """Two processes that have nothing to do with each other, at one port."""
        fork()
        self.listener = os.getpid()
        self.accept(listening(*self.place, reuse=True))

    def handed(self):
        """The socket goes from one process to the next, again and again, while clients connect."""
        s = listening(*self.place)
        while True:
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
            if fork() == 0:
                s.close()
                ours.close()
                _, data, _, _ = theirs.recvmsg(1, socket.CMSG_SPACE(4))
                s = socket.socket(fileno=array.array("i", data[0][2])[0])
                for _ in range(20):
                    self.answer(*s.accept())
                os._exit(0)
            ours.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [s.fileno()]))])
            os.wait()


    def contained(self):
        """As in a container: with other process ids inside. The host's are in /proc/self/status of the outer /proc."""
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.unshare(0x20000000 | 0x00020000 | 0x02000000):  # CLONE_NEWPID, NEWNS, NEWCGROUP
            raise OSError(ctypes.get_errno(), "unshare")
        if fork() == 0:
            self.listener = int(os.readlink("/proc/self"))      # not of this namespace
            os.getpid = lambda: self.listener
            self.accept(listening(*self.place))
        signal.pause()


def connect_once(address, port, log):
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    s = socket.create_connection((address, port), timeout=10)
    log.write(f"{s.getsockname()[1]} {os.getpid()}\n")
    with context.wrap_socket(s) as tls:
        tls.send(b"x")


def connect(how, address, port, times, log_path):
    with open(log_path, "a", buffering=1, encoding="utf-8") as log:
        for _ in range(int(times)):
            if how == "each":
                if os.fork() == 0:
                    connect_once(address, int(port), log)
                    os._exit(0)
                os.wait()
            else:
                connect_once(address, int(port), log)


def pids(path):
    """By client's port; one that is used again has several, in their order."""
    found = collections.defaultdict(list)
    with open(path, encoding="utf-8") as log:
        for line in log:
            port, *who = map(int, line.split())
            found[port].append(who)
    return found


def at(row, *path):
    for step in path:
        row = row.get(step, {})
    return row or None


def check(server_log, client_log, rows_path, port, times, *extra):
    servers, clients = pids(server_log), pids(client_log)
    wrong, seen, gone = [], 0, 0
    with open(rows_path, encoding="utf-8") as rows:
        for row in map(json.loads, rows):
            if at(row, "server", "port") != int(port) or not at(row, "certtap", "chain"):
                continue
            seen += 1
            client = row["client"]["port"]
            worker, listener = servers[client].pop(0)
            connector, = clients[client].pop(0)
            named = at(row, "process", "pid")
            told = at(row, "certtap", "listener", "process", "pid") or named
            peer = at(row, "certtap", "peer", "process", "pid")
            if named != worker or peer != connector or ("listener" in extra and told != listener):
                wrong.append(f"{client}: {named} by {told} from {peer}, "
                             f"not {worker} by {listener} from {connector}")
            for process in (at(row, "process"), at(row, "certtap", "peer", "process")):
                if not process or not (process.get("name") and process.get("start")):
                    wrong.append(f"{client}: nothing is known of {process}")
                elif not process.get("executable"):
                    gone += 1
    print(f"{seen} sightings, {len(wrong)} wrong, {gone} gone", *wrong[:5], sep="\n")
    return seen != int(times) or bool(wrong) or gone > ("brief" in extra and 0.05 * seen)


def main():
    command, *arguments = sys.argv[1:]
    if command == "serve":
        kind, address, port, *rest = arguments
        getattr(Server(address, int(port), *rest), kind)()
    elif command == "connect":
        connect(*arguments)
    else:
        sys.exit(check(*arguments))


if __name__ == "__main__":
    main()
