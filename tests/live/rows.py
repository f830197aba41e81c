#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Looks at the JSON lines that certtap writes.

    rows.py wait FILE SECONDS CONDITION...   prints the first row that meets all; 1 when none came
    rows.py count FILE CONDITION...          prints how many do
    rows.py sum FILE FIELD CONDITION...      prints the sum of one field over them
    rows.py keys FILE CONDITION...           one line for each: endpoint, role, chain or reason

A condition is PATH=VALUE, PATH!=VALUE, or PATH alone (the field is there); a path is a.b.0.c.
"""
import json
import sys
import time


def rows(path):
    """The whole lines that are there now; the last one may still be being written."""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    for line in text[: text.rfind("\n") + 1].splitlines():
        row = json.loads(line)
        if row["event"]["action"] != "coverage":
            yield row


def field(row, path):
    for step in path.split("."):
        if isinstance(row, list) and step.isdigit() and int(step) < len(row):
            row = row[int(step)]
        elif isinstance(row, dict) and step in row:
            row = row[step]
        else:
            return None
    return row


def text(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def meets(row, condition):
    path, equals, value = condition.partition("=")
    if not equals:
        return field(row, path) is not None
    if path.endswith("!"):
        return text(field(row, path[:-1])) != value
    return field(row, path) is not None and text(field(row, path)) == value


def matching(path, conditions):
    return [r for r in rows(path) if all(meets(r, c) for c in conditions)]


def wait(path, seconds, conditions):
    end = time.monotonic() + float(seconds)
    while True:
        found = matching(path, conditions)
        if found:
            print(json.dumps(found[0]))
            return 0
        if time.monotonic() > end:
            break
        time.sleep(0.05)
    print("no row with", *conditions)
    near = [c for c in conditions if c.startswith("server.")]
    for row in matching(path, near)[:5] or list(rows(path))[-3:]:
        print("there is:", json.dumps(row)[:700])
    return 1


def key(row):
    chain = ",".join(c["sha256"] for c in field(row, "certtap.chain") or [])
    what = chain or field(row, "certtap.reason")
    return "{}:{} {} {}".format(field(row, "server.ip"), field(row, "server.port"),
                                field(row, "certtap.role") or "-", what)


def main(args):
    what, path, rest = args[0], args[1], args[2:]
    if what == "wait":
        return wait(path, rest[0], rest[1:])
    if what == "count":
        print(len(matching(path, rest)))
    elif what == "sum":
        print(sum(field(r, rest[0]) or 0 for r in matching(path, rest[1:])))
    elif what == "keys":
        print("\n".join(sorted({key(r) for r in matching(path, rest)})))
    else:
        raise SystemExit(__doc__)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
