# SPDX-License-Identifier: Apache-2.0
"""AES (FIPS 197) and its Galois/counter mode (SP 800-38D), only as far as sealing needs them: for a
Python that has no library for it. Slow, and no secret is safe with it."""


def _times(a, b):
    """In GF(2^8), modulo x^8 + x^4 + x^3 + x + 1."""
    product = 0
    while b:
        product ^= a if b & 1 else 0
        a = a << 1 ^ (0x11b if a & 0x80 else 0)
        b >>= 1
    return product


def _substitutions():
    box = [0x63] * 256
    for a in range(1, 256):
        inverse = next(b for b in range(1, 256) if _times(a, b) == 1)
        spread = inverse * 0x101
        box[a] ^= (spread ^ spread >> 4 ^ spread >> 5 ^ spread >> 6 ^ spread >> 7) & 0xff
    return box


SBOX = _substitutions()
TWO, THREE = [[_times(a, n) for a in range(256)] for n in (2, 3)]


class Aes:
    def __init__(self, key):
        words, size = [key[i:i + 4] for i in range(0, len(key), 4)], len(key) // 4
        self.rounds, constant = size + 6, 1
        while len(words) < 4 * (self.rounds + 1):
            word = words[-1]
            if len(words) % size == 0:
                word = bytes(SBOX[b] for b in word[1:] + word[:1])
                word = bytes((word[0] ^ constant,)) + word[1:]
                constant = _times(constant, 2)
            elif size == 8 and len(words) % size == 4:
                word = bytes(SBOX[b] for b in word)
            words.append(bytes(a ^ b for a, b in zip(words[-size], word)))
        self.keys = [b"".join(words[i:i + 4]) for i in range(0, len(words), 4)]

    def encrypt(self, block):
        state = bytes(a ^ b for a, b in zip(block, self.keys[0]))
        for number in range(1, self.rounds + 1):
            state = [SBOX[state[(i + 4 * (i % 4)) % 16]] for i in range(16)]
            if number < self.rounds:
                state = [TWO[state[i]] ^ THREE[state[i - i % 4 + (i + 1) % 4]]
                         ^ state[i - i % 4 + (i + 2) % 4] ^ state[i - i % 4 + (i + 3) % 4]
                         for i in range(16)]
            state = bytes(a ^ b for a, b in zip(state, self.keys[number]))
        return state


class Gcm:
    def __init__(self, key):
        self.aes = Aes(key)
        self.hash_key = int.from_bytes(self.aes.encrypt(bytes(16)), "big")

    def _multiply(self, x):
        product, v = 0, self.hash_key
        for bit in range(127, -1, -1):
            if x >> bit & 1:
                product ^= v
            v = v >> 1 ^ (0xe1 << 120 if v & 1 else 0)
        return product

    def _hash(self, additional, sealed):
        y = 0
        for data in (additional, sealed):
            for i in range(0, len(data), 16):
                y = self._multiply(y ^ int.from_bytes(data[i:i + 16].ljust(16, b"\0"), "big"))
        return self._multiply(y ^ (len(additional) * 8 << 64 | len(sealed) * 8))

    def seal(self, nonce, additional, plain):
        sealed = b""
        for i in range(0, len(plain), 16):
            stream = self.aes.encrypt(nonce + (i // 16 + 2).to_bytes(4, "big"))
            sealed += bytes(a ^ b for a, b in zip(plain[i:i + 16], stream))
        mask = int.from_bytes(self.aes.encrypt(nonce + (1).to_bytes(4, "big")), "big")
        return sealed + (self._hash(additional, sealed) ^ mask).to_bytes(16, "big")
