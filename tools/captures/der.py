# SPDX-License-Identifier: Apache-2.0
"""Writes certificates (RFC 5280) in DER, so that each byte of them is ours to choose."""
import datetime

RSA_SHA256 = "1.2.840.113549.1.1.11"
ECDSA_SHA256 = "1.2.840.10045.4.3.2"


def tlv(tag, *bodies):
    body = b"".join(bodies)
    if len(body) < 0x80:
        return bytes((tag, len(body))) + body
    size = len(body).to_bytes((len(body).bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(size))) + size + body


def sequence(*items):
    return tlv(0x30, *items)


def integer(value):
    return tlv(0x02, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def oid(dotted):
    first, second, *rest = (int(n) for n in dotted.split("."))
    body = b""
    for arc in [first * 40 + second] + rest:
        septets = [arc & 0x7f]
        while arc > 0x7f:
            arc >>= 7
            septets.append(0x80 | arc & 0x7f)
        body += bytes(reversed(septets))
    return tlv(0x06, body)


def bits(data):
    return tlv(0x03, b"\0", data)


def name(common_name, organization="Capture Tests"):
    """organization None leaves it out."""
    parts = [("2.5.4.10", organization)] if organization else []
    parts.append(("2.5.4.3", common_name))
    return sequence(*(tlv(0x31, sequence(oid(kind), tlv(0x0c, text.encode())))
                      for kind, text in parts))


def time(text):
    """"2026-01-01": UTCTime to 2049, GeneralizedTime after (RFC 5280 section 4.1.2.5)."""
    day = datetime.date.fromisoformat(text)
    if day.year < 2050:
        return tlv(0x17, day.strftime("%y%m%d000000Z").encode())
    return tlv(0x18, day.strftime("%Y%m%d000000Z").encode())


def algorithm(dotted):
    null = tlv(0x05) if dotted == RSA_SHA256 else b""
    return sequence(oid(dotted), null)


def extension(dotted, value, critical=False):
    return sequence(oid(dotted), tlv(0x01, b"\xff") if critical else b"", tlv(0x04, value))


def subject_alt_names(names):
    return extension("2.5.29.17", sequence(*(tlv(0x82, n.encode()) for n in names)))


def basic_constraints(is_ca):
    return extension("2.5.29.19", sequence(tlv(0x01, b"\xff") if is_ca else b""), critical=True)


def filler(length):
    """An extension nobody knows, of `length` bytes: certificates of any size."""
    return extension("1.3.6.1.4.1.55555.1", tlv(0x04, bytes(length)))


def to_be_signed(serial, signature, issuer, validity, subject, spki, extensions):
    return sequence(tlv(0xa0, integer(2)), integer(serial), algorithm(signature), issuer,
                    sequence(time(validity[0]), time(validity[1])), subject, spki,
                    tlv(0xa3, sequence(*extensions)))


def certificate(tbs, signature, signed):
    return sequence(tbs, algorithm(signature), bits(signed))
