/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/crypto.h>

#include "parsers/record_parts.h"

#define TAG_LEN_MAX 16

void record_nonce(const struct record_cipher *rc, uint64_t sequence, uint8_t nonce[NONCE_LEN])
{
	uint8_t number[8];

	record_put_u64(number, sequence);
	memcpy(nonce, rc->iv, NONCE_LEN);
	for (size_t i = 0; i < sizeof(number); i++)
		nonce[NONCE_LEN - sizeof(number) + i] ^= number[i];
}

static bool set_tag(struct record_cipher *rc, uint8_t *tag)
{
	return EVP_CIPHER_CTX_ctrl(rc->cipher, EVP_CTRL_AEAD_SET_TAG,
				   rc->params->tag_len, tag) == 1;
}

/* CCM wants tag and length first and judges with the last byte; the others judge at the end. */
static bool ccm_open(struct record_cipher *rc, const uint8_t *nonce, struct bytes aad,
		     struct bytes text, uint8_t *tag, uint8_t *out)
{
	int len = 0;

	return set_tag(rc, tag) &&
	       EVP_DecryptInit_ex(rc->cipher, NULL, NULL, NULL, nonce) == 1 &&
	       EVP_DecryptUpdate(rc->cipher, NULL, &len, NULL, (int)text.len) == 1 &&
	       (aad.len == 0 ||
		EVP_DecryptUpdate(rc->cipher, NULL, &len, aad.data, (int)aad.len) == 1) &&
	       EVP_DecryptUpdate(rc->cipher, out, &len, text.data, (int)text.len) == 1 &&
	       (size_t)len == text.len;
}

static bool stream_open(struct record_cipher *rc, const uint8_t *nonce, struct bytes aad,
			struct bytes text, uint8_t *tag, uint8_t *out)
{
	uint8_t nothing[1];
	int len = 0;

	return EVP_DecryptInit_ex(rc->cipher, NULL, NULL, NULL, nonce) == 1 &&
	       (aad.len == 0 ||
		EVP_DecryptUpdate(rc->cipher, NULL, &len, aad.data, (int)aad.len) == 1) &&
	       (text.len == 0 ||
		EVP_DecryptUpdate(rc->cipher, out, &len, text.data, (int)text.len) == 1) &&
	       set_tag(rc, tag) &&
	       EVP_DecryptFinal_ex(rc->cipher, nothing, &len) == 1;
}

bool record_aead_open(struct record_cipher *rc, const uint8_t nonce[NONCE_LEN], struct bytes aad,
		      struct bytes sealed, uint8_t *out)
{
	size_t tag_len = rc->params->tag_len;
	struct bytes text = bytes_of(sealed.data, sealed.len - tag_len);
	uint8_t tag[TAG_LEN_MAX];
	bool ok;

	memcpy(tag, sealed.data + text.len, tag_len);
	if (rc->params->mode == SUITE_MODE_CCM)
		ok = ccm_open(rc, nonce, aad, text, tag, out);
	else
		ok = stream_open(rc, nonce, aad, text, tag, out);
	if (!ok && text.len > 0)
		OPENSSL_cleanse(out, text.len);
	return ok;
}
