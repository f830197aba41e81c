#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Plays one handshake into an interface, again and again: each time inside another tunnel or behind other tags.

    tunnels.py send INTERFACE PORT    prints NAME ADDRESS PORT for each: the server that is inside; ports count up
    tunnels.py bury INTERFACE PORT    inside five tunnels
    tunnels.py leaf                   prints the SHA-256 of its certificate
"""
import json
import os
import socket
import struct
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../../tools"))
sys.dont_write_bytecode = True
from captures import link, tcp, tunnels          # noqa: E402
from captures.case import frames                 # noqa: E402
from captures.link import Endpoints              # noqa: E402

CAPTURE = os.path.join(HERE, "../captures/tls12")
SIX = {"server": "2001:db8::5", "client": "2001:db8::9"}
MSS = 1200                  # what is put around a packet has room within the MTU
KINDS = ("ipip", "6in4", "4in6", "6in6", "gre-fields", "gre-6", "nvgre", "erspan-1", "erspan-2", "erspan-3",
         "vxlan-gpe", "geneve", "gtp", "gtp-5g", "tzsp")
LAYERS = ("mpls", "mpls-stack", "mpls-pseudowire", "vlan-three", "vlan-pppoe")
TAGS = {"one tag": (0x8100,), "QinQ": (0x88a8, 0x8100), "the old QinQ": (0x9100, 0x8100),
        "four tags": (0x88a8, 0x9100, 0x8100, 0x8100)}


def talk():
    """Who says what, from a golden capture: Ethernet, IPv4 and TCP, in order and nothing lost."""
    with open(CAPTURE + ".pcap", "rb") as file:
        data = file.read()
    said, at = [], 24
    while at < len(data):
        size = struct.unpack_from("<8xI", data, at)[0]
        packet = data[at + 16 + 14:at + 16 + size]
        at += 16 + size
        ip_len = (packet[0] & 15) * 4
        payload = packet[ip_len + (packet[ip_len + 12] >> 4) * 4:struct.unpack_from("!H", packet, 2)[0]]
        if payload:
            said.append(("c" if packet[12:16] == socket.inet_aton("10.0.0.9") else "s", payload))
    return said


def nested(names):
    def wrap(packet, who):
        for name in names:
            packet = tunnels.TUNNELS[name][1](packet, who)
        return packet
    return wrap


def cases():
    """name, IP version inside, packet and sender to frame"""
    for name in KINDS:
        wrap, version = tunnels.TUNNELS[name][1:]
        yield name, version, lambda p, who, wrap=wrap: tunnels.frame(wrap(p, who), who)
    yield "vxlan", 4, link.vxlan
    for name in LAYERS:
        yield name, 4, tunnels.LAYERS[name][1]
    for name, types in TAGS.items():
        yield name, 4, tunnels.tagged(*types)
    four = nested(("gre-fields", "vxlan-gpe", "ipip", "nvgre"))
    yield "four tunnels", 4, lambda p, who: tunnels.frame(four(p, who), who)


def play(interface, port, version, encode):
    ends = Endpoints(port=port, **(SIX if version == 6 else {}))
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as out:
        out.bind((interface, 0))
        for frame in frames(tcp.conversation(talk(), MSS), ends, encode=encode):
            out.send(frame.data)
    return ends.server[0]


def main(what, interface=None, port=0):
    if what == "leaf":
        with open(CAPTURE + ".facts", encoding="utf-8") as file:
            print(json.load(file)["presented"][0]["chain"][0])
    elif what == "bury":
        five = nested(("gre-fields", "vxlan-gpe", "ipip", "nvgre", "gre-fields"))
        play(interface, int(port), 4, lambda p, who: tunnels.frame(five(p, who), who))
    else:
        for port, (name, version, encode) in enumerate(cases(), int(port)):
            print(name.replace(" ", "_"), play(interface, port, version, encode), port)


main(*sys.argv[1:])
