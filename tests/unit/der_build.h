/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates written by hand, byte by byte, for the tests of what no library would write.
 * Everything lives in one arena, until build_reset().
 */
#ifndef CERTTAP_TESTS_DER_BUILD_H
#define CERTTAP_TESTS_DER_BUILD_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "parsers/bytes.h"
#include "parsers/der.h"

#define BUILD_ARENA (128u << 20)
#define LITERAL(s) bytes_of((s), sizeof(s) - 1)
#define NONE bytes_of(NULL, 0)

static uint8_t build_arena[BUILD_ARENA];
static size_t build_used;

static inline void build_reset(void)
{
	build_used = 0;
}

static inline uint8_t *build_take(size_t len)
{
	uint8_t *at = build_arena + build_used;

	if (len > BUILD_ARENA - build_used)
		abort();
	build_used += len;
	return at;
}

static inline struct bytes build_fill(uint8_t octet, size_t len)
{
	return bytes_of(memset(build_take(len), octet, len), len);
}

/* `count` pieces, one after the other. */
static inline struct bytes build_join(int count, ...)
{
	uint8_t *start = build_arena + build_used;
	size_t len = 0;
	va_list ap;

	va_start(ap, count);
	for (int i = 0; i < count; i++) {
		struct bytes piece = va_arg(ap, struct bytes);
		uint8_t *at = build_take(piece.len);

		if (piece.len > 0)
			memcpy(at, piece.data, piece.len);
		len += piece.len;
	}
	va_end(ap);
	return bytes_of(start, len);
}

static inline struct bytes build_repeat(struct bytes piece, size_t count)
{
	uint8_t *start = build_take(piece.len * count);

	for (size_t i = 0; i < count; i++)
		memcpy(start + i * piece.len, piece.data, piece.len);
	return bytes_of(start, piece.len * count);
}

/* An element with the shortest length. */
static inline struct bytes build_tlv(uint8_t tag, struct bytes value)
{
	uint8_t head[6] = { tag };
	size_t n = 2;

	if (value.len < 0x80) {
		head[1] = (uint8_t)value.len;
	} else {
		unsigned int octets = value.len > 0xffffff ? 4 : value.len > 0xffff ? 3 :
				      value.len > 0xff ? 2 : 1;

		head[1] = (uint8_t)(0x80 | octets);
		for (unsigned int i = octets; i-- > 0;)
			head[n++] = (uint8_t)(value.len >> 8 * i);
	}
	return build_join(2, bytes_of(head, n), value);
}

/* The same with an indefinite length. */
static inline struct bytes build_indefinite(uint8_t tag, struct bytes value)
{
	uint8_t head[2] = { tag, 0x80 };

	return build_join(3, bytes_of(head, 2), value, LITERAL("\0\0"));
}

/* The same with a length of four octets, whatever it takes. */
static inline struct bytes build_long(uint8_t tag, struct bytes value)
{
	uint8_t head[6] = { tag, 0x84, (uint8_t)(value.len >> 24), (uint8_t)(value.len >> 16),
			    (uint8_t)(value.len >> 8), (uint8_t)value.len };

	return build_join(2, bytes_of(head, 6), value);
}

/* A Name of one RDN with one attribute. */
static inline struct bytes build_rdn(struct bytes oid, uint8_t tag, struct bytes value)
{
	return build_tlv(DER_SET, build_tlv(DER_SEQUENCE, build_join(2, build_tlv(DER_OID, oid),
								     build_tlv(tag, value))));
}

static inline struct bytes build_cn(uint8_t tag, struct bytes value)
{
	return build_tlv(DER_SEQUENCE, build_rdn(LITERAL("\x55\x04\x03"), tag, value));
}

static inline struct bytes build_extension(struct bytes oid, struct bytes value)
{
	return build_tlv(DER_SEQUENCE, build_join(2, build_tlv(DER_OID, oid),
						  build_tlv(DER_OCTET_STRING, value)));
}

/* subjectAltName with these GeneralNames. */
static inline struct bytes build_san(struct bytes names)
{
	return build_extension(LITERAL("\x55\x1d\x11"), build_tlv(DER_SEQUENCE, names));
}

static inline struct bytes build_dns(struct bytes name)
{
	return build_tlv(0x82, name);
}

static inline struct bytes build_validity(uint8_t tag, struct bytes before, struct bytes after)
{
	return build_tlv(DER_SEQUENCE, build_join(2, build_tlv(tag, before),
						  build_tlv(tag, after)));
}

static inline struct bytes build_spki(struct bytes oid, struct bytes parameters, struct bytes key)
{
	struct bytes algorithm = build_tlv(DER_SEQUENCE,
					   build_join(2, build_tlv(DER_OID, oid), parameters));
	struct bytes bits = build_join(2, LITERAL("\0"), key);

	return build_tlv(DER_SEQUENCE, build_join(2, algorithm, build_tlv(DER_BIT_STRING, bits)));
}

/* The fields of a certificate; each is a whole element, or several, or nothing. */
struct build_cert {
	struct bytes version, serial, algorithm, issuer, validity, subject, spki;
	struct bytes extensions;        /* Extension elements */
	struct bytes optional;          /* in place of [3] { extensions } */
	struct bytes signature;
	struct bytes trailing;          /* after the certificate */
};

/* One that OpenSSL accepts: v3, Ed25519, CN=a.example, 2020 to 2030, no extension. */
static inline struct build_cert build_default(void)
{
	struct bytes ed25519 = LITERAL("\x2b\x65\x70");

	return (struct build_cert){
		.version = LITERAL("\xa0\x03\x02\x01\x02"),
		.serial = LITERAL("\x02\x01\x05"),
		.algorithm = build_tlv(DER_SEQUENCE, build_tlv(DER_OID, ed25519)),
		.issuer = build_cn(DER_UTF8_STRING, LITERAL("ca.example")),
		.validity = build_validity(DER_UTC_TIME, LITERAL("200101000000Z"),
					   LITERAL("300101000000Z")),
		.subject = build_cn(DER_UTF8_STRING, LITERAL("a.example")),
		.spki = build_spki(ed25519, NONE, build_fill(0x42, 32)),
		.signature = build_tlv(DER_BIT_STRING, build_fill(0, 65)),
	};
}

static inline struct bytes build_tbs(const struct build_cert *c)
{
	struct bytes optional = c->optional;

	if (c->extensions.len > 0)
		optional = build_tlv(0xa3, build_tlv(DER_SEQUENCE, c->extensions));
	return build_join(8, c->version, c->serial, c->algorithm, c->issuer, c->validity,
			  c->subject, c->spki, optional);
}

static inline struct bytes build_certificate(const struct build_cert *c)
{
	struct bytes tbs = build_tlv(DER_SEQUENCE, build_tbs(c));
	struct bytes parts = build_join(3, tbs, c->algorithm, c->signature);

	return build_join(2, build_tlv(DER_SEQUENCE, parts), c->trailing);
}

#endif
