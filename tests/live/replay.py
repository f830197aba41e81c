# SPDX-License-Identifier: Apache-2.0
"""
replay.py replay INTERFACE CAPTURE...      the frames of each into an interface, addresses of its own for each
replay.py compare ROWS CAPTURE...          whether live told what read tells, by capture; NAME.read lies beside ROWS

Golden captures of Ethernet, in the classic format. In the n-th capture an address that ends in x becomes 10.77.n.x,
so that one run of certtap keeps them apart; checksums are left as they are: nobody looks at them.
"""
import json
import os
import socket
import struct
import sys
import time


def frames(path):
    with open(path, "rb") as f:
        data = f.read()
    at = 24
    while at < len(data):
        length = struct.unpack("<I", data[at + 8:at + 12])[0]
        yield data[at + 16:at + 16 + length]
        at += 16 + length


def address(n, old):
    return bytes((10, 77, n, old[3]))


def renumbered(frame, n):
    """Captures of IPv4 only."""
    assert frame[12:14] == b"\x08\x00", frame[12:14]
    return frame[:26] + address(n, frame[26:30]) + address(n, frame[30:34]) + frame[34:]


def replay(interface, captures):
    # On one CPU, so that what is received keeps its order.
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    s.bind((interface, 0))
    for n, path in enumerate(captures):
        for frame in frames(path):
            s.send(renumbered(frame, n))
            time.sleep(0.0005)


def facts(row):
    """Of a row: what both ways to look must agree on."""
    c = row["certtap"]
    chain = [x["sha256"] for x in c.get("chain", ())]
    return (c["role"], c.get("carrier"), c.get("reason"), row["server"].get("port"), chain)


def rows(path):
    with open(path) as f:
        for line in f:
            row = json.loads(line)
            if "coverage" not in row["event"]["action"]:
                yield row


def compare(live, captures):
    """Prints a line for each capture: "same NAME", "carrier NAME OTHER" if it is called OTHER live, or what differs."""
    seen = {}
    for row in rows(live):
        ip = row["server"].get("ip") or row["client"].get("ip") or "?"
        seen.setdefault(int(ip.split(".")[2]), []).append(facts(row))
    for n, path in enumerate(captures):
        name = os.path.basename(path)[:-5]
        want = sorted(map(facts, rows(os.path.join(os.path.dirname(live), name + ".read"))), key=str)
        got = sorted(seen.get(n, []), key=str)
        if want == got:
            print("same", name)
        elif len(want) == len(got) == 1 and want[0][:1] + want[0][2:] == got[0][:1] + got[0][2:]:
            print("carrier", name, got[0][1])
        else:
            print("differs", name, "read:", want, "live:", got)


if __name__ == "__main__":
    if sys.argv[1] == "replay":
        replay(sys.argv[2], sys.argv[3:])
    else:
        compare(sys.argv[2], sys.argv[3:])
