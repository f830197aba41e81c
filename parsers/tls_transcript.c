/* SPDX-License-Identifier: Apache-2.0 */
#include "parsers/tls_transcript.h"

#include <stdlib.h>

#include <openssl/evp.h>

#include "parsers/tls_record.h"

#define CAPACITY_MIN 1024u
#define SUITE_AES_256_GCM_SHA384 0x1302

void tls_transcript_fini(struct tls_transcript *t, struct budget *memory)
{
	budget_give(memory, t->capacity);
	free(t->data);
	*t = (struct tls_transcript){ 0 };
}

static bool reserve(struct tls_transcript *t, struct budget *memory, size_t more)
{
	uint32_t capacity = t->capacity ? t->capacity : CAPACITY_MIN;
	uint8_t *larger;

	if (more > TLS_TRANSCRIPT_MAX - t->len)
		return false;
	while (capacity < t->len + more)
		capacity *= 2;
	if (capacity == t->capacity)
		return true;
	if (!budget_take(memory, capacity - t->capacity))
		return false;
	larger = realloc(t->data, capacity);
	if (!larger) {
		budget_give(memory, capacity - t->capacity);
		return false;
	}
	t->data = larger;
	t->capacity = capacity;
	return true;
}

void tls_transcript_add(struct tls_transcript *t, struct budget *memory, uint8_t type, struct bytes body)
{
	uint8_t header[TLS_MESSAGE_HEADER_LEN] = {
		type, (uint8_t)(body.len >> 16), (uint8_t)(body.len >> 8), (uint8_t)body.len,
	};

	if (t->broken || !reserve(t, memory, sizeof(header) + body.len)) {
		t->broken = true;
		return;
	}
	memcpy(t->data + t->len, header, sizeof(header));
	if (body.len)
		memcpy(t->data + t->len + sizeof(header), body.data, body.len);
	t->len += (uint32_t)(sizeof(header) + body.len);
}

void tls_transcript_retried(struct tls_transcript *t)
{
	uint32_t body_len;

	if (t->broken || t->first_len || t->len < TLS_MESSAGE_HEADER_LEN)
		return;
	body_len = (uint32_t)t->data[1] << 16 | (uint32_t)t->data[2] << 8 | t->data[3];
	t->first_len = TLS_MESSAGE_HEADER_LEN + body_len;
	if (t->first_len > t->len)
		t->broken = true;
}

/* RFC 8446 section 4.4.1: message_hash stands for the first ClientHello. */
static bool add_first(const struct tls_transcript *t, const EVP_MD *md, EVP_MD_CTX *ctx)
{
	uint8_t synthetic[TLS_MESSAGE_HEADER_LEN + TLS_TRANSCRIPT_HASH_MAX] = { TLS_MESSAGE_HASH };
	unsigned int len;

	if (!EVP_Digest(t->data, t->first_len, synthetic + TLS_MESSAGE_HEADER_LEN, &len, md, NULL))
		return false;
	synthetic[3] = (uint8_t)len;
	return EVP_DigestUpdate(ctx, synthetic, TLS_MESSAGE_HEADER_LEN + len);
}

size_t tls_transcript_hash(const struct tls_transcript *t, uint16_t suite,
			   uint8_t out[TLS_TRANSCRIPT_HASH_MAX])
{
	const EVP_MD *md = suite == SUITE_AES_256_GCM_SHA384 ? EVP_sha384() : EVP_sha256();
	EVP_MD_CTX *ctx = t->broken || !t->len ? NULL : EVP_MD_CTX_new();
	unsigned int len = 0;

	if (!ctx || !EVP_DigestInit_ex(ctx, md, NULL) || (t->first_len && !add_first(t, md, ctx)) ||
	    !EVP_DigestUpdate(ctx, t->data + t->first_len, t->len - t->first_len) ||
	    !EVP_DigestFinal_ex(ctx, out, &len))
		len = 0;
	EVP_MD_CTX_free(ctx);
	return len;
}
