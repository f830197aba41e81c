#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Looks for bytes in the memory of a process.

    memory.py PID HEX...    prints one line for each mapping that holds one of them: HEX, the
                            mapping's name, how often. Exit 0, also where there is none; 1 where
                            the memory could not be read.
"""
import re
import sys

CHUNK = 4 << 20
# Pages of the kernel's that /proc/PID/mem does not show: clocks, and the records of new mappings.
UNREADABLE = ("[vvar]", "[vvar_vclock]", "[vsyscall]", "anon_inode:[perf_event]")
MAPPING = re.compile(r"([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ \S+ *(.*)")


def mappings(pid):
    with open("/proc/%s/maps" % pid, encoding="utf-8") as file:
        for line in file:
            start, end, access, name = MAPPING.match(line.rstrip("\n")).groups()
            if access.startswith("r") and name not in UNREADABLE:
                yield int(start, 16), int(end, 16), name or "(anonymous)"


def count(memory, start, end, wanted):
    """Occurrences that begin in the mapping; chunks overlap, so that none is cut."""
    found = 0
    for at in range(start, end, CHUNK):
        memory.seek(at)
        text = memory.read(min(CHUNK + len(wanted) - 1, end - at))
        found += text.count(wanted)
    return found


def main(pid, *wanted):
    with open("/proc/%s/mem" % pid, "rb", buffering=0) as memory:
        for start, end, name in mappings(pid):
            for each in wanted:
                try:
                    found = count(memory, start, end, bytes.fromhex(each))
                except OSError as e:
                    sys.exit("%s at %x: %s" % (name, start, e.strerror))
                if found:
                    print(each, name, found)


if __name__ == "__main__":
    main(*sys.argv[1:])
