/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/crypto.h>
#include <openssl/err.h>

#include "parsers/record_parts.h"

#define PREFIX "dtls13"      /* RFC 9147 section 5.9, without a space */
#define SAMPLE_LEN 16        /* RFC 9147 section 4.2.3: bytes of the body that make the mask */
#define CONNECTION_ID_MAX 255
#define HEADER_MAX (1 + CONNECTION_ID_MAX + 2 + 2)

/* The unified header's first byte, 001CSLEE. */
enum {
	UNIFIED_MASK = 0xe0,
	UNIFIED_FIXED = 0x20,
	UNIFIED_CONNECTION_ID = 0x10,
	UNIFIED_SEQUENCE_16 = 0x08,
	UNIFIED_LENGTH = 0x04,
	UNIFIED_EPOCH = 0x03,
};

static bool mask_key(struct record_cipher *rc, const uint8_t *key)
{
	const char *name = rc->params->mode == SUITE_MODE_POLY1305 ? "ChaCha20" :
			   rc->params->key_len == 32		    ? "AES-256-ECB" :
								      "AES-128-ECB";
	EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, name, NULL);
	bool ok;

	rc->mask = EVP_CIPHER_CTX_new();
	ok = cipher && rc->mask && EVP_EncryptInit_ex(rc->mask, cipher, NULL, key, NULL) == 1 &&
	     EVP_CIPHER_CTX_set_padding(rc->mask, 0) == 1;
	EVP_CIPHER_free(cipher);
	return ok;
}

struct record_cipher *record_cipher_dtls13(struct hkdf *h, uint16_t suite, struct bytes secret,
					   const char **why)
{
	struct record_cipher *rc = record_cipher_from_secret(h, suite, PREFIX, secret, why);
	struct suite_params params;
	uint8_t key[SUITE_KEY_LEN_MAX];
	bool ok;

	if (!rc)
		return NULL;
	if (!cipher_suite_params(suite, &params) || params.prf == SUITE_SM3) {
		*why = "DTLS 1.3 defines no sequence number encryption for SM4";
		record_cipher_free(rc);
		return NULL;
	}
	ok = record_expand(h, params.prf, PREFIX, "sn", secret, key, rc->params->key_len) &&
	     mask_key(rc, key);
	OPENSSL_cleanse(key, sizeof(key));
	if (ok)
		return rc;
	*why = "OpenSSL could not derive the keys";
	ERR_clear_error();
	record_cipher_free(rc);
	return NULL;
}

bool dtls13_record_next(struct bytes *datagram, size_t connection_id_len, struct dtls13_record *out)
{
	struct bytes rest = *datagram, number;
	struct dtls13_record r = { 0 };
	uint16_t len;
	uint8_t first;

	if (!bytes_u8(&rest, &first) || (first & UNIFIED_MASK) != UNIFIED_FIXED)
		return false;
	r.epoch_bits = first & UNIFIED_EPOCH;
	r.sequence_len = first & UNIFIED_SEQUENCE_16 ? 2 : 1;
	if (!(first & UNIFIED_CONNECTION_ID))
		connection_id_len = 0;
	else if (connection_id_len == 0 || connection_id_len > CONNECTION_ID_MAX)
		return false;
	if (!bytes_take(&rest, connection_id_len, &r.connection_id) ||
	    !bytes_take(&rest, r.sequence_len, &number))
		return false;
	if (!(first & UNIFIED_LENGTH))
		len = rest.len > UINT16_MAX ? UINT16_MAX : (uint16_t)rest.len;
	else if (!bytes_u16(&rest, &len))
		return false;
	r.header = bytes_of(datagram->data, datagram->len - rest.len);
	if (!bytes_take(&rest, len, &r.body))
		return false;
	*datagram = rest;
	*out = r;
	return true;
}

/* RFC 9147 section 4.2.3. ChaCha20 takes the sample as block counter and nonce. */
static bool make_mask(struct record_cipher *rc, const uint8_t *sample, uint8_t mask[SAMPLE_LEN])
{
	static const uint8_t zeros[SAMPLE_LEN];
	int len = 0;

	if (rc->params->mode != SUITE_MODE_POLY1305)
		return EVP_EncryptUpdate(rc->mask, mask, &len, sample, SAMPLE_LEN) == 1;
	return EVP_EncryptInit_ex(rc->mask, NULL, NULL, NULL, sample) == 1 &&
	       EVP_EncryptUpdate(rc->mask, mask, &len, zeros, SAMPLE_LEN) == 1;
}

/* The number with these low bits that is nearest to `due` (RFC 9147 section 4.2.2). */
static uint64_t nearest(uint64_t due, uint64_t low, unsigned int bits)
{
	uint64_t span = 1ull << bits;
	uint64_t number = (due & ~(span - 1)) | low;

	if (number > due && number - due > span / 2 && number >= span)
		return number - span;
	if (number < due && due - number > span / 2)
		return number + span;
	return number;
}

enum parse record_open_dtls13(struct record_cipher *rc, const struct dtls13_record *record,
			      uint8_t *out, size_t out_size, size_t *out_len, uint8_t *inner_type,
			      uint64_t *sequence)
{
	struct record_text text = { .data = out, .size = out_size };
	uint8_t header[HEADER_MAX], mask[SAMPLE_LEN];
	size_t at = 1 + record->connection_id.len;
	uint64_t low = 0, number;

	if (!rc->mask || record->body.len < SAMPLE_LEN || record->body.len > RECORD_OPEN_MAX ||
	    record->body.len > out_size || record->header.len > sizeof(header) ||
	    !make_mask(rc, record->body.data, mask))
		return PARSE_BAD;
	memcpy(header, record->header.data, record->header.len);
	for (size_t i = 0; i < record->sequence_len; i++) {
		header[at + i] ^= mask[i];
		low = low << 8 | header[at + i];
	}
	number = nearest(rc->sequence, low, record->sequence_len * 8u);
	if (!record_tls13_open_with(rc, number, bytes_of(header, record->header.len), record->body,
				    &text)) {
		ERR_clear_error();
		return PARSE_BAD;
	}
	if (number >= rc->sequence)
		rc->sequence = number + 1;
	*out_len = text.len;
	*inner_type = text.type;
	*sequence = number;
	return PARSE_OK;
}
