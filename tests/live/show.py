#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What show.test needs of Python.

    show.py json FILE [FIELD=VALUE]...   every line is an object with event.action; how many hold the conditions
    show.py csv FILE COLUMN              that column's values, a line each; every record has the header's length
    show.py spoil STORE                  gives a copy of a store hostile names
    show.py spread STORE                 sightings over 80 days, with a renewal, a gap, a straggler
    show.py within FILE COLUMNS          no line is longer
    show.py terminal COLUMNS COMMAND...  runs it on a terminal of that width and prints what it drew
"""
import csv
import fcntl
import json
import os
import pty
import sqlite3
import struct
import sys
import termios

DAY = 86400 * 10**9
BEGIN = 1785000000 * 10**9


def field(obj, path):
    for part in path.split("."):
        obj = obj[int(part)] if isinstance(obj, list) else obj.get(part)
        if obj is None:
            return None
    return obj


def count_json(path, conditions):
    wanted = [c.split("=", 1) for c in conditions]
    found = 0
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            if not row["event"]["action"]:
                raise ValueError("no event.action: " + line)
            found += all(str(field(row, name)) == value for name, value in wanted)
    print(found)


def column(path, name):
    with open(path, encoding="utf-8", newline="") as text:
        header, *records = list(csv.reader(text, strict=True))
    for record in records:
        if len(record) != len(header):
            raise ValueError(f"{len(record)} fields, {len(header)} titles: {record}")
    print("\n".join(record[header.index(name)] for record in records))


def spoil(path):
    db = sqlite3.connect(path)
    db.execute("UPDATE certificates SET subject_cn=?, subject=? WHERE id=1",
               ("=HYPERLINK(\"http://x\",\"y\")", "=cmd|' /C calc'!A1,O=\x1b[31mred\u202e\r\n"))
    db.execute("INSERT INTO owners VALUES(1, 0, 0, ?, '', ?, '')", ("+evil\x1b]0;t\x07", "@unit\n.service"))
    db.execute("UPDATE endpoints SET owner_id=1, name_kind=1, name=? WHERE id=1",
               (b"\x1b[2J\xff\xfe-name,\"quoted\"",))
    db.execute("UPDATE sightings SET owner_id=1 WHERE endpoint_id=1")
    db.execute("UPDATE events SET owner_id=1 WHERE endpoint_id=1")
    db.commit()


def spread(path):
    db = sqlite3.connect(path)
    chains = {leaf: chain for chain, leaf in
              db.execute("SELECT max(id), leaf_id FROM chains WHERE kind=0 AND num>0 GROUP BY leaf_id")}
    (leaf_a, a), (_, b) = sorted(chains.items())[:2]
    keep = [r[0] for r in db.execute("SELECT min(id) FROM endpoints GROUP BY address, port, transport"
                                     " ORDER BY 1 LIMIT 3")]
    for table in ("events", "sightings", "reasons"):
        db.execute("DELETE FROM " + table)
    db.execute(f"DELETE FROM endpoints WHERE id NOT IN ({','.join(map(str, keep))})")
    db.execute("UPDATE certificates SET not_after=? WHERE id=?", ((BEGIN + 40 * DAY) // 10**9, leaf_a))
    db.execute("UPDATE certificates SET not_after=? WHERE id<>?", ((BEGIN + 900 * DAY) // 10**9, leaf_a))

    def seen(endpoint, chain, first, last):
        db.execute("INSERT INTO sightings(endpoint_id, role, chain_id, witness, first_ns, last_ns, count, refusals,"
                   " client, client_port, findings) VALUES(?, 0, ?, 0, ?, ?, 5, 0, zeroblob(16), 1, 0)",
                   (endpoint, chain, BEGIN + first * DAY, BEGIN + last * DAY))
    seen(keep[0], a, 0, 30)
    seen(keep[0], b, 31, 80)
    seen(keep[1], a, 0, 80)
    seen(keep[2], a, 5, 15)
    seen(keep[2], b, 50, 60)
    db.execute("INSERT INTO events(kind, time_ns, endpoint_id, role, before_id, after_id) VALUES(1, ?, ?, 0, ?, ?)",
               (BEGIN + 31 * DAY, keep[0], a, b))
    db.commit()


def within(path, columns):
    with open(path, encoding="utf-8") as text:
        long = [line for line in text.read().split("\n") if len(line) > columns]
    print("\n".join(long))
    return len(long)


def terminal(columns, command):
    pid, fd = pty.fork()
    if pid == 0:
        fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
        os.execvp(command[0], command)
    out = b""
    while True:
        try:
            data = os.read(fd, 65536)
        except OSError:
            break
        if not data:
            break
        out += data
    os.waitpid(pid, 0)
    sys.stdout.buffer.write(out.replace(b"\r\n", b"\n"))


def main():
    what, args = sys.argv[1], sys.argv[2:]
    if what == "json":
        count_json(args[0], args[1:])
    elif what == "csv":
        column(*args)
    elif what == "spoil":
        spoil(args[0])
    elif what == "spread":
        spread(args[0])
    elif what == "within":
        sys.exit(bool(within(args[0], int(args[1]))))
    else:
        terminal(int(args[0]), args[1:])


if __name__ == "__main__":
    main()
