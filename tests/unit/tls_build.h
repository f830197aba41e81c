/* SPDX-License-Identifier: Apache-2.0 */
/* TLS messages and records written by hand. */
#ifndef CERTTAP_TESTS_TLS_BUILD_H
#define CERTTAP_TESTS_TLS_BUILD_H

#include "parsers/tls_hello.h"
#include "parsers/tls_record.h"
#include "tests/unit/buffer.h"

#define TEXT(s) bytes_of((s), sizeof(s) - 1)
#define TEXT_INIT(s) { (const uint8_t *)(s), sizeof(s) - 1 }      /* the same in an initializer */

struct hello_build {
	uint16_t version;               /* legacy_version; 0: TLS 1.2 */
	uint16_t supported;             /* the supported_versions extension, where not 0 */
	uint16_t cipher;                /* 0: TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 */
	const char *name;               /* SNI */
	struct bytes session_id;
	struct bytes psk_offered;       /* a pre_shared_key extension's body, or none */
	uint16_t psk_number;            /* chosen of it */
	bool psk, ticket, retry, no_extensions;
	uint8_t certificate_type;       /* server_certificate_type, where not 0 */
	size_t padding;                 /* bytes of one more extension */
};

static const uint8_t build_retry_random[32] = {
	0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
	0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
};

static inline void build_extension16(struct buffer *b, uint16_t type, struct bytes body)
{
	buffer_number(b, 2, type);
	buffer_vec(b, 2, body);
}

static inline void build_name(struct buffer *b, const char *name)
{
	struct buffer list = { 0 };
	size_t len = strlen(name);

	buffer_number(&list, 2, (uint32_t)len + 3);
	buffer_number(&list, 1, 0);
	buffer_vec(&list, 2, bytes_of(name, len));
	build_extension16(b, TLS_EXT_SERVER_NAME, buffer_bytes(&list));
	buffer_free(&list);
}

static inline void build_random(struct buffer *b, uint8_t first)
{
	uint8_t i, octet;

	for (i = 0; i < 32; i++) {
		octet = (uint8_t)(first + i);
		buffer_add(b, &octet, 1);
	}
}

static inline void build_padding(struct buffer *b, size_t len)
{
	uint8_t *zeros = calloc(1, len);

	if (!zeros)
		abort();
	build_extension16(b, 21, bytes_of(zeros, len));
	free(zeros);
}

static inline void build_client_hello(struct buffer *b, const struct hello_build *h)
{
	uint8_t versions[3] = { 2, (uint8_t)(h->supported >> 8), (uint8_t)h->supported };
	struct buffer ext = { 0 };

	buffer_number(b, 2, h->version ? h->version : TLS_1_2);
	build_random(b, 0x10);
	buffer_vec(b, 1, h->session_id);
	buffer_vec(b, 2, TEXT("\xc0\x2f\x00\x2f"));
	buffer_vec(b, 1, TEXT("\0"));
	if (h->no_extensions)
		return;
	if (h->name)
		build_name(&ext, h->name);
	if (h->supported)
		build_extension16(&ext, TLS_EXT_SUPPORTED_VERSIONS, bytes_of(versions, 3));
	if (h->ticket)
		build_extension16(&ext, TLS_EXT_SESSION_TICKET, TEXT("ticket"));
	if (h->padding)
		build_padding(&ext, h->padding);
	if (h->psk)
		build_extension16(&ext, TLS_EXT_PRE_SHARED_KEY,
				  h->psk_offered.len ? h->psk_offered : TEXT("psk"));
	buffer_vec(b, 2, buffer_bytes(&ext));
	buffer_free(&ext);
}

static inline void build_server_hello(struct buffer *b, const struct hello_build *h)
{
	uint8_t version[2] = { (uint8_t)(h->supported >> 8), (uint8_t)h->supported };
	uint8_t psk_number[2] = { (uint8_t)(h->psk_number >> 8), (uint8_t)h->psk_number };
	struct buffer ext = { 0 };

	buffer_number(b, 2, h->version ? h->version : TLS_1_2);
	if (h->retry)
		buffer_add(b, build_retry_random, 32);
	else
		build_random(b, 0x60);
	buffer_vec(b, 1, h->session_id);
	buffer_number(b, 2, h->cipher ? h->cipher : 0xc02f);
	buffer_number(b, 1, 0);
	if (h->no_extensions)
		return;
	if (h->supported)
		build_extension16(&ext, TLS_EXT_SUPPORTED_VERSIONS, bytes_of(version, 2));
	if (h->certificate_type)
		build_extension16(&ext, TLS_EXT_SERVER_CERTIFICATE_TYPE,
				  bytes_of(&h->certificate_type, 1));
	if (h->psk)
		build_extension16(&ext, TLS_EXT_PRE_SHARED_KEY, bytes_of(psk_number, 2));
	if (h->ticket)
		build_extension16(&ext, TLS_EXT_SESSION_TICKET, TEXT(""));
	buffer_vec(b, 2, buffer_bytes(&ext));
	buffer_free(&ext);
}

/* A Certificate message's body (RFC 5246 section 7.4.2). */
static inline void build_certificate_list(struct buffer *b, const struct bytes *ders, size_t num)
{
	struct buffer list = { 0 };
	size_t i;

	for (i = 0; i < num; i++)
		buffer_vec(&list, 3, ders[i]);
	buffer_vec(b, 3, buffer_bytes(&list));
	buffer_free(&list);
}

static inline void build_message(struct buffer *b, uint8_t type, struct bytes body)
{
	buffer_number(b, 1, type);
	buffer_vec(b, 3, body);
}

/* In records of at most `most` bytes each. */
static inline void build_records(struct buffer *b, uint8_t type, uint16_t version, struct bytes in,
				 size_t most)
{
	struct bytes piece;

	do {
		if (!bytes_take(&in, in.len < most ? in.len : most, &piece))
			abort();
		buffer_number(b, 1, type);
		buffer_number(b, 2, version);
		buffer_vec(b, 2, piece);
	} while (in.len > 0);
}

static inline void build_record(struct buffer *b, uint8_t type, struct bytes in)
{
	build_records(b, type, TLS_1_2, in, 16384);
}

/* One message in records of its own. */
static inline void build_handshake(struct buffer *b, uint8_t type, struct bytes body)
{
	struct buffer message = { 0 };

	build_message(&message, type, body);
	build_record(b, TLS_HANDSHAKE, buffer_bytes(&message));
	buffer_free(&message);
}

static inline void build_alert(struct buffer *b, uint8_t level, uint8_t description)
{
	uint8_t body[2] = { level, description };

	build_record(b, TLS_ALERT, bytes_of(body, 2));
}

static inline void build_change_cipher_spec(struct buffer *b)
{
	build_record(b, TLS_CHANGE_CIPHER_SPEC, TEXT("\1"));
}

/* A Finished as it looks once it is encrypted. */
static inline void build_encrypted_finished(struct buffer *b)
{
	uint8_t body[40];

	memset(body, 0xe7, sizeof(body));
	build_record(b, TLS_HANDSHAKE, bytes_of(body, sizeof(body)));
}

static inline void build_application_data(struct buffer *b, size_t len)
{
	uint8_t *body = malloc(len);

	if (!body)
		abort();
	memset(body, 0x5c, len);
	build_record(b, TLS_APPLICATION_DATA, bytes_of(body, len));
	free(body);
}

#endif
