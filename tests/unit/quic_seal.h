/* SPDX-License-Identifier: Apache-2.0 */
/* QUIC packets made for tests: frames, then packet and header protection as a sender does it. */
#ifndef CERTTAP_TESTS_QUIC_SEAL_H
#define CERTTAP_TESTS_QUIC_SEAL_H

#include <openssl/evp.h>

#include "parsers/quic_parts.h"
#include "tests/unit/buffer.h"

struct seal {
	enum quic_type type;
	uint32_t version;
	struct bytes dcid, scid, token;
	uint64_t number;
	unsigned int number_len;     /* 1 to 4; 0: 2 */
	uint16_t suite;              /* 0: 0x1301 */
	size_t pad_to;               /* the payload's least length */
};

static inline void seal_check(bool ok)
{
	if (!ok)
		abort();
}

static inline void build_varint(struct buffer *b, unsigned int octets, uint64_t value)
{
	uint64_t prefix = octets == 8 ? 3 : octets == 4 ? 2 : octets == 2 ? 1 : 0;

	value |= prefix << (8 * octets - 2);
	if (octets == 8)
		buffer_number(b, 4, (uint32_t)(value >> 32));
	buffer_number(b, octets == 8 ? 4 : octets, (uint32_t)value);
}

static inline void build_crypto(struct buffer *b, uint64_t offset, struct bytes data)
{
	buffer_number(b, 1, 0x06);
	build_varint(b, 8, offset);
	build_varint(b, 4, data.len);
	buffer_add_bytes(b, data);
}

/* An ACK of packets 0 and 2. */
static inline void build_ack(struct buffer *b)
{
	buffer_add(b, "\x02\x02\x00\x01\x00\x00\x00", 7);
}

/* A handshake message of `len` bytes that count up from `first`. */
static inline void build_counting(struct buffer *b, uint8_t type, size_t len, uint8_t first)
{
	buffer_number(b, 1, type);
	buffer_number(b, 3, (uint32_t)len);
	for (size_t i = 0; i < len; i++)
		buffer_number(b, 1, (uint8_t)(first + i % 251));
}

static inline void seal_header(struct buffer *b, const struct seal *s, size_t payload_len)
{
	unsigned int number_len = s->number_len ? s->number_len : 2;
	bool shifted = s->version == QUIC_V2 || s->version == QUIC_V2_DRAFT;
	unsigned int type = ((unsigned int)s->type + shifted) & 3;

	buffer_number(b, 1, 0xc0 | type << 4 | (number_len - 1));
	buffer_number(b, 4, s->version);
	buffer_vec(b, 1, s->dcid);
	buffer_vec(b, 1, s->scid);
	if (s->type == QUIC_INITIAL) {
		build_varint(b, s->token.len < 64 ? 1 : 2, s->token.len);
		buffer_add_bytes(b, s->token);
	}
	build_varint(b, 2, number_len + payload_len + QUIC_TAG_LEN);
	buffer_number(b, number_len, (uint32_t)s->number);
}

/* RFC 9001 section 5.3; the ciphertext and tag go to `out`. */
static inline void seal_payload(const char *cipher_name, const struct quic_keys *keys,
				uint64_t number, struct bytes header, struct bytes payload,
				uint8_t *out)
{
	EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, cipher_name, NULL);
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	bool ccm = EVP_CIPHER_get_mode(cipher) == EVP_CIPH_CCM_MODE;
	uint8_t nonce[12];
	int len;

	memcpy(nonce, keys->iv, sizeof(nonce));
	for (unsigned int i = 0; i < 8; i++)
		nonce[11 - i] ^= (uint8_t)(number >> 8 * i);
	seal_check(EVP_EncryptInit_ex2(ctx, cipher, NULL, NULL, NULL) == 1);
	seal_check(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_IVLEN, 12, NULL) == 1);
	if (ccm)
		seal_check(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, 16, NULL) == 1);
	seal_check(EVP_EncryptInit_ex2(ctx, NULL, keys->key, nonce, NULL) == 1);
	if (ccm)
		seal_check(EVP_EncryptUpdate(ctx, NULL, &len, NULL, (int)payload.len) == 1);
	seal_check(EVP_EncryptUpdate(ctx, NULL, &len, header.data, (int)header.len) == 1);
	seal_check(EVP_EncryptUpdate(ctx, out, &len, payload.data, (int)payload.len) == 1);
	seal_check(ccm || EVP_EncryptFinal_ex(ctx, out + len, &len) == 1);
	seal_check(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, 16, out + payload.len) == 1);
	EVP_CIPHER_CTX_free(ctx);
	EVP_CIPHER_free(cipher);
}

/* RFC 9001 section 5.4 */
static inline void seal_mask(const char *cipher_name, const struct quic_keys *keys,
			     const uint8_t *sample, uint8_t mask[16])
{
	EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, cipher_name, NULL);
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	bool stream = EVP_CIPHER_get_mode(cipher) != EVP_CIPH_ECB_MODE;
	uint8_t zeros[16] = { 0 };
	int len;

	seal_check(EVP_EncryptInit_ex2(ctx, cipher, keys->hp, stream ? sample : NULL, NULL) == 1);
	EVP_CIPHER_CTX_set_padding(ctx, 0);
	seal_check(EVP_EncryptUpdate(ctx, mask, &len, stream ? zeros : sample, 16) == 1);
	EVP_CIPHER_CTX_free(ctx);
	EVP_CIPHER_free(cipher);
}

/* Appends a packet to a datagram. */
static inline void seal_packet(struct buffer *datagram, const struct quic_keys *keys,
			       const struct seal *s, struct bytes payload)
{
	static const char *const names[4][2] = {
		{ "AES-128-GCM", "AES-128-ECB" },
		{ "AES-256-GCM", "AES-256-ECB" },
		{ "ChaCha20-Poly1305", "ChaCha20" },
		{ "AES-128-CCM", "AES-128-ECB" },
	};
	unsigned int suite = s->suite ? s->suite - 0x1301u : 0;
	unsigned int number_len = s->number_len ? s->number_len : 2;
	struct buffer header = { 0 }, text = { 0 };
	uint8_t *sealed, mask[16];

	buffer_add_bytes(&text, payload);
	while (text.len < s->pad_to || text.len < 4)
		buffer_number(&text, 1, 0);
	seal_header(&header, s, text.len);
	sealed = malloc(text.len + QUIC_TAG_LEN);
	seal_check(sealed != NULL);
	seal_payload(names[suite][0], keys, s->number, buffer_bytes(&header), buffer_bytes(&text),
		     sealed);
	seal_mask(names[suite][1], keys, sealed + 4 - number_len, mask);
	header.data[0] ^= mask[0] & 0x0f;
	for (unsigned int i = 0; i < number_len; i++)
		header.data[header.len - number_len + i] ^= mask[1 + i];
	buffer_add_bytes(datagram, buffer_bytes(&header));
	buffer_add(datagram, sealed, text.len + QUIC_TAG_LEN);
	free(sealed);
	buffer_free(&header);
	buffer_free(&text);
}

#endif
