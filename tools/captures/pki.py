# SPDX-License-Identifier: Apache-2.0
"""The certificates of the golden captures. Keys are new each time; names, serials and dates are
not. Nothing secret is kept: keys live in a folder that the caller removes."""
import hashlib
import os
import subprocess

from . import der

VALID = ("2026-01-01", "2046-01-01")


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def run(*command, data=None):
    return subprocess.run(command, input=data, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          check=True, timeout=60).stdout


def openssl(*args, data=None):
    return run("openssl", *args, data=data)


class Identity:
    """A certificate and its key, and the chain a server with it presents."""

    def __init__(self, folder, label, cert, key, chain=()):
        self.der = cert
        self.key = key
        self.chain = [cert] + list(chain)
        self.cert_file = self._pem(folder, label + ".crt", [cert])
        self.chain_file = self._pem(folder, label + ".chain", chain)
        self.full_file = self._pem(folder, label + ".full", self.chain)

    @staticmethod
    def _pem(folder, label, certs):
        path = os.path.join(folder, label)
        with open(path, "wb") as f:
            for cert in certs:
                f.write(openssl("x509", "-inform", "DER", data=cert))
        return path

    def shas(self):
        return [sha256(c) for c in self.chain]


class Maker:
    def __init__(self, folder):
        self.folder = folder
        self.serial = 0x1000
        self.root_key = self.key("root")
        self.inter_key = self.key("inter")
        self.leaf_key = self.key("leaf")
        self.root = self.sign("Capture Tests Root", "Capture Tests Root", self.root_key,
                              self.root_key, is_ca=True)
        self.inter = self.sign("Capture Tests Issuing", "Capture Tests Root", self.root_key,
                               self.inter_key, is_ca=True)

    def key(self, label, kind="rsa:2048"):
        path = os.path.join(self.folder, label + ".key")
        algorithm, size = kind.split(":")
        option = {"rsa": "rsa_keygen_bits:" + size, "ec": "ec_paramgen_curve:" + size}[algorithm]
        openssl("genpkey", "-algorithm", algorithm, "-pkeyopt", option, "-out", path)
        return path

    def sign(self, subject, issuer, issuer_key, key, names=(), valid=VALID, is_ca=False, pad=0,
             algorithm=der.RSA_SHA256, organization="Capture Tests"):
        self.serial += 1
        extensions = [der.basic_constraints(is_ca)]
        if names:
            extensions.append(der.subject_alt_names(names))
        if pad:
            extensions.append(der.filler(pad))
        spki = openssl("pkey", "-in", key, "-pubout", "-outform", "DER")
        tbs = der.to_be_signed(self.serial, algorithm, der.name(issuer), valid,
                               der.name(subject, organization), spki, extensions)
        return der.certificate(tbs, algorithm, openssl("dgst", "-sha256", "-sign", issuer_key,
                                                       data=tbs))

    def leaf(self, label, common_name="pool.example", key=None, chain=None, **options):
        """A leaf under the intermediate, which presents itself and the intermediate."""
        key = key or self.leaf_key
        cert = self.sign(common_name, "Capture Tests Issuing", self.inter_key, key,
                         names=options.pop("names", (common_name,)), **options)
        return Identity(self.folder, label, cert, key, [self.inter] if chain is None else chain)

    def self_signed(self, label, common_name):
        algorithm = der.RSA_SHA256
        cert = self.sign(common_name, common_name, self.leaf_key, self.leaf_key,
                         names=(common_name,), algorithm=algorithm)
        return Identity(self.folder, label, cert, self.leaf_key)


def long_chain(m, count):
    """Issuers up to the root, each signed by the next; all of them have the same key."""
    names = ["Capture Tests Issuing"]
    names += ["Capture Tests Issuing %d" % i for i in range(2, count + 1)]
    return [m.sign(name, issuer, m.root_key if issuer.endswith("Root") else m.inter_key,
                   m.inter_key, is_ca=True, pad=500)
            for name, issuer in zip(names, names[1:] + ["Capture Tests Root"])]


def make_all(folder):
    """Every identity by its name."""
    m = Maker(folder)
    ids = {
        "pool": m.leaf("pool"),
        "old": m.leaf("old", valid=("2020-01-01", "2021-01-01")),
        "future": m.leaf("future", valid=("2090-01-01", "2091-01-01")),
        "ec": m.leaf("ec", key=m.key("ec", "ec:P-256")),
        "weak": m.leaf("weak", key=m.key("weak", "rsa:1024")),
        "other": m.leaf("other", "elsewhere.example"),
        "client": m.leaf("client", "client-7.example"),
        "reversed": m.leaf("reversed", chain=[m.root, m.inter]),
        "selfsigned": m.self_signed("selfsigned", "self.example"),
        "untrusted": m.leaf("untrusted", chain=[]),
    }
    ids["huge"] = m.leaf("huge", chain=long_chain(m, 27))
    ids["root"] = Identity(folder, "root", m.root, m.root_key)
    return ids
