/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys and records from a stranger. Input: kind, suite (2), version (2), type, flags, then records,
 * each a length of two bytes and a body. With kind 3 the rest is a datagram of DTLS 1.3. The keys
 * are always the same, so that seeds can hold records that open.
 */
#include <stdlib.h>

#include "parsers/record_protection.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(what)        \
	do {               \
		if (!(what)) \
			abort(); \
	} while (0)

enum kind { KIND_TLS12, KIND_TLS13, KIND_DTLS12, KIND_DTLS13, NUM_KINDS };

static const uint8_t secret[48] = "forty-eight bytes that are a traffic secret here";
static uint8_t out[RECORD_OPEN_MAX];
static size_t out_len;
static uint8_t out_type;

static struct record_cipher *make(enum kind kind, uint16_t suite, uint16_t version, uint8_t flags)
{
	struct hkdf *h = hkdf_new();
	struct record_cipher *rc;
	const char *why = NULL;
	struct bytes traffic = bytes_of(secret, suite == 0x1302 ? 48 : 32);
	struct record_tls12_keys keys = {
		.suite = suite,
		.version = version,
		.master_secret = bytes_of(secret, 48),
		.client_random = bytes_of(secret, 32),
		.server_random = bytes_of(secret + 8, 32),
		.is_server = flags & 1,
		.encrypt_then_mac = flags & 2,
	};

	CHECK(h);
	if (kind == KIND_TLS13)
		rc = record_cipher_tls13(h, suite, flags >> 3, traffic, &why);
	else if (kind == KIND_DTLS13)
		rc = record_cipher_dtls13(h, suite, traffic, &why);
	else
		rc = record_cipher_tls12(&keys, &why);
	CHECK(rc || why);
	hkdf_free(h);
	return rc;
}

static void open_records(struct record_cipher *rc, enum kind kind, uint8_t type, uint16_t version,
			 uint8_t flags, struct bytes in)
{
	struct bytes body;
	uint64_t before;
	enum parse result;

	while (bytes_vec16(&in, &body)) {
		before = record_cipher_sequence(rc);
		if (kind == KIND_DTLS12)
			result = record_open_dtls12(rc, type, version, 1, before, body, out,
						    sizeof(out), &out_len);
		else
			result = record_open_ahead(rc, flags & 4 ? 3 : 0, type, version, body, out,
						   sizeof(out), &out_len, &out_type);
		CHECK(result != PARSE_MORE);
		if (result == PARSE_OK)
			CHECK(out_len <= body.len);
		if (kind != KIND_DTLS12)
			CHECK((result == PARSE_OK) == (record_cipher_sequence(rc) > before));
	}
}

static void open_datagram(struct record_cipher *rc, uint8_t flags, struct bytes in)
{
	struct dtls13_record record;
	uint64_t sequence;

	while (dtls13_record_next(&in, flags >> 3, &record)) {
		CHECK(record.header.data + record.header.len == record.body.data);
		if (record_open_dtls13(rc, &record, out, sizeof(out), &out_len, &out_type,
				       &sequence) == PARSE_OK)
			CHECK(out_len < record.body.len);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in = bytes_of(data, size);
	struct record_cipher *rc;
	uint8_t kind, type, flags;
	uint16_t suite, version;

	if (!bytes_u8(&in, &kind) || !bytes_u16(&in, &suite) || !bytes_u16(&in, &version) ||
	    !bytes_u8(&in, &type) || !bytes_u8(&in, &flags))
		return 0;
	kind %= NUM_KINDS;
	rc = make((enum kind)kind, suite, version, flags);
	if (!rc)
		return 0;
	if (kind == KIND_DTLS13)
		open_datagram(rc, flags, in);
	else
		open_records(rc, (enum kind)kind, type, version, flags, in);
	record_cipher_free(rc);
	return 0;
}
