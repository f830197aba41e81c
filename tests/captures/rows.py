# SPDX-License-Identifier: Apache-2.0
"""Runs `certtap read --json` and puts its rows into the terms of the facts."""
import json
import os
import subprocess
import tempfile
import threading

CERTTAP = os.path.abspath(os.environ.get("CERTTAP", "build/certtap"))
TIME_LIMIT_S = 10
# What depends on the day on which the test runs.
TODAY = ("expired-now",)
DAYS = ("days_left", "days_left_now")


class Run:
    """exit: the exit code, negative for a signal, None when the time ran out."""

    def __init__(self, code, out, err, peak_kb):
        self.exit = code
        self.out = out
        self.err = err
        self.peak_kb = peak_kb

    def rows(self):
        return [json.loads(line) for line in self.out.splitlines() if line.strip()]


def read(*args, stdin=None, time_limit_s=TIME_LIMIT_S):
    """Runs certtap read --json with `args`; a later --format has its way."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        child = subprocess.Popen((CERTTAP, "read", "--json") + args, stdout=out, stderr=err,
                                 stdin=stdin or subprocess.DEVNULL)
        code, peak_kb = wait(child, time_limit_s)
        texts = []
        for f in (out, err):
            f.seek(0)
            texts.append(f.read().decode("utf-8", "strict" if f is out else "replace"))
    return Run(code, *texts, peak_kb)


def wait(child, time_limit_s):
    """wait4 gives this child's own peak, or ours at the fork where that is more; Popen then only
    has to be told that it is over."""
    timer = threading.Timer(time_limit_s, child.kill)
    timer.start()
    _, status, usage = os.wait4(child.pid, 0)
    late = not timer.is_alive()
    timer.cancel()
    child.returncode = os.waitstatus_to_exitcode(status)
    return None if late and child.returncode == -9 else child.returncode, usage.ru_maxrss


def ending(run):
    """How it ended, for a person."""
    if run.exit is None:
        return "not ended in time"
    if run.exit < 0:
        return "killed by signal %d" % -run.exit
    return "exit code %d" % run.exit


def endpoint(side):
    if "mac" in side:       # below IP
        return side["mac"].replace("-", ":").lower()
    return ("[%s]:%d" if ":" in side["ip"] else "%s:%d") % (side["ip"], side["port"])


def chain(row):
    return tuple(c["sha256"] for c in row["certtap"]["chain"])


def is_presented(row):
    return row["event"]["action"] in ("certificate-presented", "certificate-changed")


def presented(rows):
    """{(server, role, chain): row}"""
    return {(endpoint(r["server"]), r["certtap"]["role"], chain(r)): r
            for r in rows if is_presented(r)}


def not_seen(rows):
    """{(server, reason): row}"""
    return {(endpoint(r["server"]), r["certtap"]["reason"]): r
            for r in rows if r["event"]["action"] == "certificate-not-seen"}


def refused(rows):
    """{(server, alert)}: with what clients broke off, having seen a chain."""
    return {(endpoint(r["server"]), alert["description"])
            for r in rows if is_presented(r) and r["certtap"]["role"] == "server"
            for alert in r["certtap"].get("alerts", ())
            if alert["sender"] == "client" and alert["level"] == "fatal"}


def without_today(value):
    """The row without what depends on now."""
    if isinstance(value, dict):
        return {k: without_today(v) for k, v in value.items() if k not in DAYS}
    if isinstance(value, list):
        return [without_today(v) for v in value if v not in TODAY]
    return value


def stable_lines(rows):
    return sorted(json.dumps(without_today(r), sort_keys=True) for r in rows)
