# SPDX-License-Identifier: Apache-2.0
"""Compares rows with the facts of a capture (their keys: tools/captures/case.py)."""
import rows as r


def differences(told, run):
    """Texts, none when the run tells exactly the facts."""
    if run.exit != told["exit"]:
        return ["%s, not %d: %s" % (r.ending(run), told["exit"], run.err.strip()[-300:])]
    rows = run.rows()
    wrong = presented(told, rows) + not_seen(told, rows) + refused(told, rows)
    if told.get("err", "") not in run.err:
        wrong.append("standard error has no word of %s: %s" % (told["err"], run.err.strip()[-300:]))
    return wrong


def presented(told, rows):
    found, wrong = r.presented(rows), []
    want = {(f["server"], f["role"], tuple(f["chain"])): f for f in told["presented"]}
    for key in want.keys() - found.keys():
        wrong.append("missing: %s %s %s" % short(key))
    for key in found.keys() - want.keys():
        if not told.get("others_allowed"):
            wrong.append("not presented: %s %s %s" % short(key))
    for key in want.keys() & found.keys():
        wrong += fields(want[key], found[key])
    return wrong


def short(key):
    return key[0], key[1], "+".join(sha[:8] for sha in key[2])


def fields(fact, row):
    """The facts of a row that go beyond its key."""
    said = said_of(row)
    found = row["certtap"].get("findings", ())
    return ["%s is %r, not %r" % (key, said[key], fact[key])
            for key in said if key in fact and fact[key] != said[key]] \
        + ["no finding %s" % f for f in fact.get("findings", ()) if f not in found] \
        + ["needless finding %s" % f for f in fact.get("no_findings", ()) if f in found]


def said_of(row):
    tls, own = row["tls"], row["certtap"]
    return {
        "version": tls.get("version"),
        "server_name": tls.get("client", {}).get("server_name"),
        "alpn": tls.get("next_protocol"),
        "protocol": row["network"]["protocol"],
        "carrier": own.get("carrier"),
        "witness": own.get("witness"),
        "ech": own.get("encrypted_client_hello", False),
        "sightings": own.get("sightings"),
        "parse": [c.get("parse") for c in own.get("chain", ())],
        "partial": own.get("chain_partial", False),
        "lost": lost_range(row),
    }


def not_seen(told, rows):
    found, wrong = dict(r.not_seen(rows)), []
    for fact in told["not_seen"]:
        key = next(((fact["server"], reason) for reason in fact["reason"].split("|")
                    if (fact["server"], reason) in found), None)
        if key is None:
            wrong.append("no reason %s at %s" % (fact["reason"], fact["server"]))
            continue
        wrong += fields(fact, found.pop(key))
    return wrong + ["needless reason %s at %s" % (reason, server) for server, reason in found]


def lost_range(row):
    missing = row["certtap"].get("missing", {})
    return [missing.get("from"), missing.get("to")]


def refused(told, rows):
    want = {(f["server"], f["alert"]) for f in told.get("refused", ())}
    found = r.refused(rows)
    return ["refusal missing: %s %s" % k for k in want - found] \
        + ["needless refusal: %s %s" % k for k in found - want]
