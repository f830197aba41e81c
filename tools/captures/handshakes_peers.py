# SPDX-License-Identifier: Apache-2.0
"""Recorded handshakes inside other protocols, between servers and clients that speak them. Their
packages are needed for this alone, so they are recorded apart: make-captures --record-peers."""
import contextlib
import os
import subprocess
import tempfile
import time

from . import pki
from .handshakes import Handshake
from .handshakes_keys import KeyLog
from .record import STEP_LIMIT_S, DatagramRecorder, Server, free_port, through

PEERS = ("dovecot", "inspircd", "freeradius", "eapol_test", "hostapd", "wpa_supplicant",
         "gtlsserver", "gtlsclient", "tcpdump", "ip")


def write(folder, name, text):
    path = os.path.join(folder, name)
    with open(path, "w") as f:
        f.write(text)
    return path


@contextlib.contextmanager
def open_folder():
    """A folder that servers may read when they have given up root."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        yield folder


def starttls(server, protocol):
    return through(server, lambda port: [
        "openssl", "s_client", "-connect", "127.0.0.1:%d" % port, "-starttls", protocol,
        "-servername", "pool.example", "-tls1_2"], stay_s=1)


DOVECOT = """
base_dir = {0}/run
state_dir = {0}/state
log_path = {0}/log
default_internal_user = nobody
default_internal_group = nogroup
default_login_user = nobody
protocols = lmtp sieve
hostname = mx.example
login_greeting = ready
listen = 127.0.0.1
ssl = yes
ssl_cert = <{1.full_file}
ssl_key = <{1.key}
ssl_min_protocol = TLSv1.2
mail_location = mbox:{0}/mail
passdb {{
  driver = static
  args = nopassword=y
}}
userdb {{
  driver = static
  args = uid=nobody gid=nogroup home={0}
}}
service stats {{
  unix_listener stats-writer {{
    mode = 0666
  }}
}}
service managesieve-login {{
  chroot =
  inet_listener sieve {{
    port = {2}
  }}
}}
service lmtp {{
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {3}
  }}
}}
"""


def dovecot(ids):
    ports = [free_port() for _ in range(2)]
    with open_folder() as folder:
        config = write(folder, "dovecot.conf", DOVECOT.format(folder, ids["pool"], *ports))
        for protocol, port in zip(("sieve", "lmtp"), ports):
            with Server(port, "dovecot", "-F", "-c", config) as s:
                talk = starttls(s, protocol)
                s.child.terminate()
                s.child.wait(STEP_LIMIT_S)
            yield "peers-" + protocol, Handshake(talk, "1.2", ids["pool"].shas())


INSPIRCD = """
<server name="irc.example" id="1AA" description="x" network="x">
<admin name="x" nick="x" email="x@irc.example">
<files motd="">
<bind address="127.0.0.1" port="{1}" type="clients">
<module name="ssl_gnutls">
<module name="starttls">
<sslprofile name="pool" provider="gnutls" certfile="{0.full_file}" keyfile="{0.key}">
<starttls provider="pool">
<connect allow="*" resolvehostnames="no" useident="no">
<performance>
<pid file="{2}/pid">
<log method="file" type="*" level="default" target="{2}/log">
"""


def inspircd(ids):
    port = free_port()
    with open_folder() as folder:
        config = write(folder, "inspircd.conf", INSPIRCD.format(ids["pool"], port, folder))
        with Server(port, "inspircd", "--nofork", "--runasroot", "--config", config) as s:
            talk = starttls(s, "irc")
    yield "peers-irc", Handshake(talk, "1.2", ids["pool"].shas())


RADIUSD = """
prefix = /usr
libdir = /usr/lib/freeradius
logdir = {0}
run_dir = {0}
correct_escapes = true
log {{
  destination = files
  file = {0}/log
}}
security {{
  allow_core_dumps = no
}}
modules {{
  eap {{
    default_eap_type = {1}
    tls-config common {{
      private_key_file = {2.key}
      certificate_file = {2.full_file}
      ca_file = {0}/ca
      tls_min_version = "1.2"
      tls_max_version = "1.2"
      fragment_size = 1024
    }}
    tls {{
      tls = common
    }}
    ttls {{
      tls = common
      virtual_server = here
    }}
    peap {{
      tls = common
      virtual_server = here
    }}
  }}
}}
client here {{
  ipaddr = 127.0.0.1
  secret = testing123
}}
server here {{
  listen {{
    type = auth
    ipaddr = 127.0.0.1
    port = {3}
  }}
  authorize {{
    eap
  }}
  authenticate {{
    eap
  }}
}}
"""
SUPPLICANT = """
ap_scan=0
network={{
  key_mgmt={3}
  eap={4}
  identity="anna"
  password="secret"
  ca_cert="{0}/ca"
  client_cert="{1.full_file}"
  private_key="{1.key}"
  phase2="auth={2}"
  eapol_flags=0
}}
"""


def authorities(ids, folder):
    with open(ids["root"].cert_file) as root, open(ids["pool"].chain_file) as issuing:
        write(folder, "ca", root.read() + issuing.read())


def radius(ids):
    for method, inner in (("tls", "MD5"), ("ttls", "PAP"), ("peap", "MD5")):
        port = free_port()
        with open_folder() as folder:
            authorities(ids, folder)
            write(folder, "radiusd.conf", RADIUSD.format(folder, method, ids["pool"], port))
            device = write(folder, "device.conf", SUPPLICANT.format(
                folder, ids["client"], inner, "WPA-EAP", method.upper()))
            with Server(port, "freeradius", "-f", "-d", folder, udp=True) as s:
                talk = through(s, lambda p: ["eapol_test", "-c", device, "-a", "127.0.0.1", "-p",
                                             str(p), "-s", "testing123", "-t", "5"],
                               DatagramRecorder, stay_s=5)
        shown = ids["client"].shas() if method == "tls" else None
        yield "peers-radius-" + method, Handshake(talk, "1.2", ids["pool"].shas(), shown, sni=None,
                                                  udp=True)


HOSTAPD = """
interface=certtap-s
driver=wired
ieee8021x=1
eap_server=1
eap_user_file={0}/users
ca_cert={0}/ca
server_cert={1.full_file}
private_key={1.key}
fragment_size=1000
"""
DEVICE_MAC, SWITCH_MAC = "02:00:00:00:00:0c", "02:00:00:00:00:05"


@contextlib.contextmanager
def two_spaces():
    """Two network namespaces and an Ethernet between them; gives the commands to enter them."""
    spaces = ["certtap-%s-%d" % (who, os.getpid()) for who in "sc"]
    try:
        for space in spaces:
            pki.run("ip", "netns", "add", space)
        pki.run("ip", "-n", spaces[0], "link", "add", "certtap-s", "address", SWITCH_MAC, "type",
                "veth", "peer", "name", "certtap-c", "address", DEVICE_MAC, "netns", spaces[1])
        for space, link in zip(spaces, ("certtap-s", "certtap-c")):
            pki.run("ip", "-n", space, "link", "set", link, "up")
        yield [("ip", "netns", "exec", space) for space in spaces]
    finally:
        for space in spaces:
            subprocess.run(("ip", "netns", "del", space), stderr=subprocess.DEVNULL, check=False)


def eapol_talk(path):
    """What a capture has of EAPOL: [(who, the frame behind its Ethernet header)]."""
    with open(path, "rb") as f:
        data = f.read()
    talk, at = [], 24
    while at < len(data):
        size = int.from_bytes(data[at + 8:at + 12], "little")
        frame = data[at + 16:at + 16 + size]
        who = "c" if frame[6:12].hex(":") == DEVICE_MAC else "s"
        if frame[12:14] == b"\x88\x8e":
            talk.append((who, frame[14:]))
        at += 16 + size
    return talk


def eapol(ids):
    """A switch's port and a device at it, on a wire of their own; this needs root."""
    with open_folder() as folder, two_spaces() as (switch, device):
        authorities(ids, folder)
        write(folder, "users", '"anna" TLS\n')
        port = write(folder, "hostapd.conf", HOSTAPD.format(folder, ids["pool"]))
        config = write(folder, "device.conf", SUPPLICANT.format(
            folder, ids["client"], "MD5", "IEEE8021X", "TLS"))
        seen = os.path.join(folder, "seen.pcap")
        commands = (switch + ("tcpdump", "-U", "-s", "0", "-i", "certtap-s", "-w", seen),
                    switch + ("hostapd", port),
                    device + ("wpa_supplicant", "-D", "wired", "-i", "certtap-c", "-c", config))
        with contextlib.ExitStack() as stack:
            for command in commands:
                stack.callback(stop, subprocess.Popen(command, stdout=subprocess.DEVNULL,
                                                      stderr=subprocess.DEVNULL))
                time.sleep(1)
            time.sleep(2)
        talk = eapol_talk(seen)
    yield "peers-eapol", Handshake(talk, "1.2", ids["pool"].shas(), ids["client"].shas(), sni=None)


def stop(child):
    child.terminate()
    child.wait(STEP_LIMIT_S)


def quic(ids):
    port = free_port()
    with open_folder() as folder:
        log = KeyLog(folder)
        with Server(port, "gtlsserver", "-q", "-d", folder, "127.0.0.1", str(port),
                    ids["pool"].key, ids["pool"].full_file, udp=True) as s:
            talk = through(s, lambda p: [
                "env", "SSLKEYLOGFILE=" + log.path, "gtlsclient", "-q",
                "--exit-on-all-streams-close", "127.0.0.1", str(p), "https://localhost/"],
                DatagramRecorder, stay_s=2)
        yield "peers-quic", Handshake(talk, "1.3", ids["pool"].shas(), sni="localhost",
                                      keys=log.text(), udp=True)


GROUPS = (dovecot, inspircd, radius, eapol, quic)
