# SPDX-License-Identifier: Apache-2.0
"""Certificate messages compressed as RFC 8879 has it, by the libraries that peers use. Kept with
the handshakes, since another version of a library gives other bytes."""
import zlib

from . import tls
from .pki import run

ZLIB, BROTLI, ZSTD = 1, 2, 3
BOMB = 3 << 20      # above any limit on a message
NODE_BROTLI = """
const chunks = []; process.stdin.on('data', c => chunks.push(c)).on('end', () =>
  process.stdout.write(require('zlib').brotliCompressSync(Buffer.concat(chunks))));
"""


def certificate_13(chain, context=b""):
    """The body of TLS 1.3's Certificate message (RFC 8446 section 4.4.2), without extensions."""
    return tls.vec(1, context) + tls.vec(3, *(tls.vec(3, c) + b"\0\0" for c in chain))


def make_all(chain):
    body = certificate_13(chain)
    yield "zlib", zlib.compress(body, 9)
    yield "brotli", run("node", "-e", NODE_BROTLI, data=body)
    yield "zstd", run("zstd", "-q", "-19", data=body)
    bomb = certificate_13([chain[0], bytes(BOMB)])
    yield "bomb-zlib", zlib.compress(bomb, 9)
    yield "bomb-zstd", run("zstd", "-q", "-19", data=bomb)
    yield "bomb-brotli", run("node", "-e", NODE_BROTLI, data=bomb)


def message(algorithm, uncompressed_length, data):
    """CompressedCertificate, type 25."""
    return tls.message(25, algorithm.to_bytes(2, "big") + uncompressed_length.to_bytes(3, "big")
                       + tls.vec(3, data))
