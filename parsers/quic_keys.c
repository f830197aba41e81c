/* SPDX-License-Identifier: Apache-2.0 */
#include "parsers/hkdf.h"
#include "parsers/quic_parts.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdlib.h>

#define SAMPLE_LEN 16                /* RFC 9001 section 5.4 */
#define MASK_LEN 5
#define NUMBER_MAX 4
#define IV_LEN 12

/*
 * RFC 8446 appendix B.4; QUIC has no header protection for 0x1305. The first is that of Initial
 * packets.
 */
static const struct suite {
	uint16_t cipher_suite;
	enum hkdf_hash hash;
	uint8_t key_len;
	bool ccm, chacha;
	const char *packet, *header;
} suites[] = {
	{ 0x1301, HKDF_SHA256, 16, false, false, "AES-128-GCM", "AES-128-ECB" },
	{ 0x1302, HKDF_SHA384, 32, false, false, "AES-256-GCM", "AES-256-ECB" },
	{ 0x1303, HKDF_SHA256, 32, false, true, "ChaCha20-Poly1305", "ChaCha20" },
	{ 0x1304, HKDF_SHA256, 16, true, false, "AES-128-CCM", "AES-128-ECB" },
};

#define SUITE_INITIAL 0

/* A connection keeps bare keys only: a context of OpenSSL would cost it a kilobyte for each. */
struct quic_crypto {
	struct hkdf *hkdf;
	EVP_CIPHER *packet[ARRAY_SIZE(suites)], *header[ARRAY_SIZE(suites)];
	EVP_CIPHER_CTX *packet_ctx[ARRAY_SIZE(suites)], *header_ctx[ARRAY_SIZE(suites)];
	uint8_t datagram[QUIC_DATAGRAM_MAX + QUIC_TAG_LEN];   /* header, then payload */
};

static bool fetch_suite(struct quic_crypto *c, size_t i)
{
	c->packet[i] = EVP_CIPHER_fetch(NULL, suites[i].packet, NULL);
	c->header[i] = EVP_CIPHER_fetch(NULL, suites[i].header, NULL);
	c->packet_ctx[i] = EVP_CIPHER_CTX_new();
	c->header_ctx[i] = EVP_CIPHER_CTX_new();
	return c->packet[i] && c->header[i] && c->packet_ctx[i] && c->header_ctx[i];
}

static void free_suite(struct quic_crypto *c, size_t i)
{
	EVP_CIPHER_CTX_free(c->packet_ctx[i]);
	EVP_CIPHER_CTX_free(c->header_ctx[i]);
	EVP_CIPHER_free(c->packet[i]);
	EVP_CIPHER_free(c->header[i]);
	c->packet_ctx[i] = c->header_ctx[i] = NULL;
	c->packet[i] = c->header[i] = NULL;
}

struct quic_crypto *quic_crypto_new(void)
{
	struct quic_crypto *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->hkdf = hkdf_new();
	if (!c->hkdf || !fetch_suite(c, SUITE_INITIAL))
		goto fail;
	/* A FIPS provider lacks ChaCha20: the suite is then one that cannot be opened. */
	for (size_t i = SUITE_INITIAL + 1; i < ARRAY_SIZE(suites); i++) {
		if (!fetch_suite(c, i))
			free_suite(c, i);
	}
	ERR_clear_error();
	return c;
fail:
	quic_crypto_free(c);
	return NULL;
}

void quic_crypto_free(struct quic_crypto *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(suites); i++)
		free_suite(c, i);
	hkdf_free(c->hkdf);
	free(c);
}

static bool derive(struct quic_crypto *c, uint32_t version, size_t suite, struct bytes secret,
		   struct quic_keys *out)
{
	const struct quic_version *v = quic_version_find(version);
	const struct suite *s = &suites[suite];
	struct quic_keys keys = { .version = version, .suite = (uint8_t)suite };
	struct bytes none = bytes_of(NULL, 0);
	bool ok;

	ok = v && hkdf_expand_label(c->hkdf, s->hash, secret, v->key, none, keys.key, s->key_len) &&
	     hkdf_expand_label(c->hkdf, s->hash, secret, v->iv, none, keys.iv, IV_LEN) &&
	     hkdf_expand_label(c->hkdf, s->hash, secret, v->hp, none, keys.hp, s->key_len);
	if (ok)
		*out = keys;
	OPENSSL_cleanse(&keys, sizeof(keys));
	return ok;
}

/* RFC 9001 section 5.2 */
bool quic_keys_initial(struct quic_crypto *c, uint32_t version, struct bytes dcid,
		       enum quic_role role, struct quic_keys *out)
{
	const struct quic_version *v = quic_version_find(version);
	const char *label = role == QUIC_CLIENT ? "client in" : "server in";
	uint8_t initial[32], secret[32];
	struct bytes salt;

	if (!v)
		return false;
	salt = bytes_of(v->salt, sizeof(v->salt));
	return hkdf_extract(c->hkdf, HKDF_SHA256, salt, dcid, initial) &&
	       hkdf_expand_label(c->hkdf, HKDF_SHA256, bytes_of(initial, sizeof(initial)), label,
				 bytes_of(NULL, 0), secret, sizeof(secret)) &&
	       derive(c, version, SUITE_INITIAL, bytes_of(secret, sizeof(secret)), out);
}

/* ARRAY_SIZE(suites): QUIC has no such suite, or OpenSSL does not. */
static size_t find_suite(const struct quic_crypto *c, uint16_t cipher_suite)
{
	size_t i = 0;

	while (i < ARRAY_SIZE(suites) &&
	       (suites[i].cipher_suite != cipher_suite || !c->packet[i]))
		i++;
	return i;
}

size_t quic_secret_len(const struct quic_crypto *c, uint16_t cipher_suite)
{
	size_t i = find_suite(c, cipher_suite);

	return i < ARRAY_SIZE(suites) ? hkdf_hash_len(suites[i].hash) : 0;
}

bool quic_keys_derive(struct quic_crypto *c, uint32_t version, uint16_t cipher_suite,
		      struct bytes secret, struct quic_keys *out)
{
	size_t i = find_suite(c, cipher_suite);

	if (i == ARRAY_SIZE(suites) || secret.len != hkdf_hash_len(suites[i].hash) ||
	    !derive(c, version, i, secret, out))
		return false;
	out->secret = true;
	return true;
}

/* RFC 9001 sections 5.4.3 and 5.4.4 */
static bool header_mask(struct quic_crypto *c, const struct quic_keys *keys, const uint8_t *sample,
			uint8_t mask[SAMPLE_LEN])
{
	static const uint8_t zeros[MASK_LEN];
	EVP_CIPHER_CTX *ctx = c->header_ctx[keys->suite];
	bool chacha = suites[keys->suite].chacha;
	int len;

	return EVP_EncryptInit_ex2(ctx, c->header[keys->suite], keys->hp, chacha ? sample : NULL,
				   NULL) == 1 &&
	       EVP_CIPHER_CTX_set_padding(ctx, 0) == 1 &&
	       EVP_EncryptUpdate(ctx, mask, &len, chacha ? zeros : sample,
				 chacha ? MASK_LEN : SAMPLE_LEN) == 1;
}

/* RFC 9000 appendix A.3: the number nearest to the expected one that ends in these bits. */
static uint64_t whole_number(uint64_t expected, uint64_t truncated, unsigned int bits)
{
	uint64_t window = 1ull << bits, number = (expected & ~(window - 1)) | truncated;

	if (number + window / 2 <= expected && number < (1ull << 62) - window)
		return number + window;
	if (number > expected + window / 2 && number >= window)
		return number - window;
	return number;
}

/* CCM has to know the lengths and the tag before the first byte. */
static bool decrypt(EVP_CIPHER_CTX *ctx, EVP_CIPHER *cipher, bool ccm, const uint8_t *key,
		    const uint8_t *nonce, struct bytes header, struct bytes sealed, uint8_t *out)
{
	int text_len = (int)(sealed.len - QUIC_TAG_LEN), len;
	uint8_t *tag = (uint8_t *)(uintptr_t)(sealed.data + text_len);   /* OpenSSL only reads it */

	if (EVP_DecryptInit_ex2(ctx, cipher, NULL, NULL, NULL) != 1 ||
	    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_IVLEN, IV_LEN, NULL) != 1 ||
	    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, QUIC_TAG_LEN, tag) != 1 ||
	    EVP_DecryptInit_ex2(ctx, NULL, key, nonce, NULL) != 1)
		return false;
	if (ccm && EVP_DecryptUpdate(ctx, NULL, &len, NULL, text_len) != 1)
		return false;
	return EVP_DecryptUpdate(ctx, NULL, &len, header.data, (int)header.len) == 1 &&
	       EVP_DecryptUpdate(ctx, out, &len, sealed.data, text_len) == 1 &&
	       (ccm || EVP_DecryptFinal_ex(ctx, out + len, &len) == 1);
}

/* Takes the header protection off, into a copy at the front of c->datagram. */
static bool open_header(struct quic_crypto *c, const struct quic_keys *keys,
			const struct quic_packet *packet, uint64_t expected, size_t *header_len,
			uint64_t *number)
{
	const uint8_t *data = packet->whole.data;
	uint8_t mask[SAMPLE_LEN], *number_bytes = c->datagram + packet->number_at;
	uint64_t truncated = 0;
	size_t len;

	if (!header_mask(c, keys, data + packet->number_at + NUMBER_MAX, mask))
		return false;
	memcpy(c->datagram, data, packet->number_at + NUMBER_MAX);
	c->datagram[0] ^= mask[0] & 0x0f;            /* of a long header */
	len = (size_t)(c->datagram[0] & 3) + 1;
	for (size_t i = 0; i < len; i++) {
		number_bytes[i] ^= mask[1 + i];
		truncated = truncated << 8 | number_bytes[i];
	}
	*header_len = packet->number_at + len;
	*number = whole_number(expected, truncated, (unsigned int)len * 8);
	return true;
}

bool quic_keys_open(struct quic_crypto *c, const struct quic_keys *keys,
		    const struct quic_packet *packet, uint64_t expected, uint64_t *number,
		    struct bytes *payload)
{
	EVP_CIPHER_CTX *ctx = c->packet_ctx[keys->suite];
	struct bytes sealed = packet->whole;
	uint8_t nonce[IV_LEN];
	uint64_t full;
	size_t header_len;
	bool ok;

	if (packet->number_at == 0 || packet->whole.len > QUIC_DATAGRAM_MAX ||
	    packet->whole.len < packet->number_at + NUMBER_MAX + SAMPLE_LEN)
		return false;
	if (!open_header(c, keys, packet, expected, &header_len, &full))
		return false;
	memcpy(nonce, keys->iv, IV_LEN);
	for (unsigned int i = 0; i < 8; i++)
		nonce[IV_LEN - 1 - i] ^= (uint8_t)(full >> 8 * i);
	ok = bytes_skip(&sealed, header_len) &&
	     decrypt(ctx, c->packet[keys->suite], suites[keys->suite].ccm, keys->key, nonce,
		     bytes_of(c->datagram, header_len), sealed, c->datagram + header_len);
	if (keys->secret) {
		/* The contexts outlive the connection: no key of it may stay there. */
		EVP_CIPHER_CTX_reset(ctx);
		EVP_CIPHER_CTX_reset(c->header_ctx[keys->suite]);
	}
	if (!ok) {
		ERR_clear_error();
		return false;
	}
	*number = full;
	*payload = bytes_of(c->datagram + header_len, sealed.len - QUIC_TAG_LEN);
	return true;
}
