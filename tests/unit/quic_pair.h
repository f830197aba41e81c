/* SPDX-License-Identifier: Apache-2.0 */
/* Two ends that talk QUIC, and what our side made of it. After cmocka.h. */
#ifndef CERTTAP_TESTS_QUIC_PAIR_H
#define CERTTAP_TESTS_QUIC_PAIR_H

#include <stdio.h>

#include "tests/unit/quic_seal.h"

#define CLIENT 0u
#define SERVER 1u
#define FIRST_CID bytes_of("\x83\x94\xc8\xf0\x3e\x51\x57\x08", 8)
#define OTHER_CID bytes_of("another cid", 11)
#define PAIR_SECRET_MAX 48

struct pair {
	struct quic_crypto *crypto;
	struct budget memory;
	struct quic *q;
	uint32_t version;
	uint16_t suite;
	struct bytes dcid;              /* that the client's packets bear */
	struct quic_keys initial[2], handshake[2];
	uint8_t secret[2][PAIR_SECRET_MAX];
	uint64_t number[2];             /* of the next packet */
	char log[1024];                 /* "side:type:length " of each message */
	size_t parts_len;               /* bytes of Certificate parts */
};

static inline void pair_keys(struct pair *p, struct bytes dcid, uint32_t version)
{
	p->dcid = dcid;
	p->version = version;
	for (unsigned int role = 0; role < 2; role++) {
		assert_true(quic_keys_initial(p->crypto, version, dcid, (enum quic_role)role,
					      &p->initial[role]));
		assert_true(quic_keys_derive(p->crypto, version, p->suite,
					     bytes_of(p->secret[role],
						      quic_secret_len(p->crypto, p->suite)),
					     &p->handshake[role]));
	}
}

static inline void pair_init(struct pair *p, uint32_t message_max, uint32_t held_max)
{
	*p = (struct pair){ .memory = { .max = 4u << 20 }, .suite = 0x1301 };
	p->crypto = quic_crypto_new();
	assert_non_null(p->crypto);
	memset(p->secret[CLIENT], 0xc1, PAIR_SECRET_MAX);
	memset(p->secret[SERVER], 0x5e, PAIR_SECRET_MAX);
	p->q = quic_new(p->crypto, &p->memory, message_max, held_max);
	assert_non_null(p->q);
	pair_keys(p, FIRST_CID, QUIC_V1);
}

static inline void pair_fini(struct pair *p)
{
	quic_free(p->q, &p->memory);
	assert_int_equal(p->memory.used, 0);
	quic_crypto_free(p->crypto);
}

/* Another suite or version, from the beginning on. */
static inline void pair_use(struct pair *p, uint32_t version, uint16_t suite)
{
	p->suite = suite;
	pair_keys(p, p->dcid, version);
}

static inline struct bytes pair_secret(struct pair *p, unsigned int side)
{
	return bytes_of(p->secret[side], quic_secret_len(p->crypto, p->suite));
}

/* Appends a packet of `side` to a datagram. */
static inline void pair_seal(struct pair *p, struct buffer *datagram, unsigned int side,
			     enum quic_type type, struct bytes frames)
{
	struct seal s = {
		.type = type,
		.version = p->version,
		.dcid = side == CLIENT ? p->dcid : bytes_of(NULL, 0),
		.scid = side == CLIENT ? bytes_of(NULL, 0) : bytes_of("server", 6),
		.number = p->number[side]++,
		.suite = type == QUIC_HANDSHAKE ? p->suite : 0,
	};

	seal_packet(datagram, type == QUIC_HANDSHAKE ? &p->handshake[side] : &p->initial[side], &s,
		    frames);
}

/* Hands the datagram over and notes the messages that come of it. */
static inline void pair_drain(struct pair *p)
{
	static const char *const marks[] = {
		[TLS_ITEM_MESSAGE] = "",
		[TLS_ITEM_PART] = "p",
		[TLS_ITEM_SKIPPED] = "s",
	};
	struct tls_item item;
	unsigned int side;

	while (quic_next(p->q, &p->memory, &side, &item)) {
		size_t at = strlen(p->log);
		uint32_t sum = 0;

		for (size_t i = 0; i < item.body.len; i++)
			sum += item.body.data[i];
		assert_true(sum > 0 || item.body.len < 2);
		assert_true(item.kind <= TLS_ITEM_SKIPPED);
		if (item.kind == TLS_ITEM_PART) {
			assert_int_equal(item.offset, p->parts_len);
			p->parts_len += item.body.len;
			if (p->parts_len < item.total)
				continue;
		}
		if (item.kind == TLS_ITEM_MESSAGE)
			assert_int_equal(item.total, item.body.len);
		snprintf(p->log + at, sizeof(p->log) - at, "%u:%s%u:%u ", side, marks[item.kind],
			 item.type, item.total);
	}
}

static inline void pair_datagram(struct pair *p, unsigned int side, struct buffer *datagram)
{
	uint8_t *copy = bytes_copy(buffer_bytes(datagram));

	quic_datagram(p->q, &p->memory, side, bytes_of(copy, datagram->len));
	free(copy);             /* nothing may be borrowed from it */
	buffer_free(datagram);
	pair_drain(p);
}

/* One packet in a datagram of its own. */
static inline void pair_send(struct pair *p, unsigned int side, enum quic_type type,
			     struct bytes frames)
{
	struct buffer datagram = { 0 };

	pair_seal(p, &datagram, side, type, frames);
	pair_datagram(p, side, &datagram);
}

/* Bytes [from, to) of a CRYPTO stream in a packet of their own. */
static inline void pair_crypto(struct pair *p, unsigned int side, enum quic_type type,
			       const struct buffer *stream, size_t from, size_t to)
{
	struct buffer frames = { 0 };

	build_crypto(&frames, from, bytes_of(stream->data + from, to - from));
	pair_send(p, side, type, buffer_bytes(&frames));
	buffer_free(&frames);
}

/* A stream of one message, at once. */
static inline void pair_hello(struct pair *p, unsigned int side, size_t len)
{
	struct buffer stream = { 0 };

	build_counting(&stream, side == CLIENT ? TLS_CLIENT_HELLO : TLS_SERVER_HELLO, len, 3);
	pair_crypto(p, side, QUIC_INITIAL, &stream, 0, stream.len);
	buffer_free(&stream);
}

/* EncryptedExtensions, a Certificate of `len` bytes, CertificateVerify, Finished. */
static inline void build_flight(struct buffer *stream, size_t len)
{
	build_counting(stream, TLS_ENCRYPTED_EXTENSIONS, 20, 1);
	build_counting(stream, TLS_CERTIFICATE, len, 5);
	build_counting(stream, TLS_CERTIFICATE_VERIFY, 100, 9);
	build_counting(stream, TLS_FINISHED, 32, 7);
}

#endif
