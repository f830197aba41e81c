/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "parsers/fingerprint_parts.h"
#include "parsers/text.h"

enum { EXT_SUPPORTED_GROUPS = 10, EXT_POINT_FORMATS = 11, EXT_SIGNATURE_ALGORITHMS = 13 };

bool fingerprint_next(struct bytes *list, unsigned int len, uint16_t *value)
{
	uint8_t kind = 0;

	/* RFC 6101 appendix E: of SSL 2.0's triples, those with a zero in front are TLS suites. */
	while (list->len >= len && (len == 2 || bytes_u8(list, &kind)) && bytes_u16(list, value))
		if (kind == 0 && !tls_is_grease(*value))
			return true;
	return false;
}

bool fingerprint_next_extension(struct bytes *extensions, uint16_t *type)
{
	struct bytes body;

	while (bytes_u16(extensions, type) && bytes_vec16(extensions, &body))
		if (!tls_is_grease(*type))
			return true;
	return false;
}

/* A list that claims more than the extension holds counts as far as it goes. */
static void keep_list(struct bytes body, unsigned int length_bytes, struct bytes *list)
{
	uint16_t len16;
	uint8_t len8;

	if (list->data)
		return;
	if (length_bytes == 1 ? !bytes_u8(&body, &len8) : !bytes_u16(&body, &len16))
		return;
	if (length_bytes == 1)
		len16 = len8;
	*list = bytes_of(body.data, len16 < body.len ? len16 : body.len);
}

static void keep_extension(uint16_t type, struct bytes body, struct hello_shape *out)
{
	switch (type) {
	case EXT_SUPPORTED_GROUPS:
		keep_list(body, 2, &out->groups);
		break;
	case EXT_POINT_FORMATS:
		keep_list(body, 1, &out->point_formats);
		break;
	case EXT_SIGNATURE_ALGORITHMS:
		keep_list(body, 2, &out->signature_algorithms);
		break;
	case TLS_EXT_SUPPORTED_VERSIONS:
		keep_list(body, 1, &out->versions);
		break;
	case TLS_EXT_ALPN:
		keep_list(body, 2, &out->alpn);
		break;
	}
}

/* What follows the compression methods: nothing, or the length of the extensions and they. */
static void take_extensions(struct bytes rest, struct hello_shape *out)
{
	uint16_t len;

	if (bytes_u16(&rest, &len))
		out->extensions = bytes_of(rest.data, len < rest.len ? len : rest.len);
}

bool hello_shape_client(struct bytes body, enum ja4_transport transport, struct hello_shape *out)
{
	struct hello_shape shape = { .suite_len = 2 };
	struct bytes ignored, extension, rest;
	uint16_t type;

	if (!bytes_u16(&body, &shape.version) || !bytes_skip(&body, 32) ||
	    !bytes_vec8(&body, &ignored))
		return false;
	/* RFC 6347 section 4.2.1: a cookie. */
	if (transport == JA4_DTLS && !bytes_vec8(&body, &ignored))
		return false;
	if (!bytes_vec16(&body, &shape.cipher_suites) || !bytes_vec8(&body, &ignored))
		return false;
	take_extensions(body, &shape);
	rest = shape.extensions;
	while (bytes_u16(&rest, &type) && bytes_vec16(&rest, &extension))
		keep_extension(type, extension, &shape);
	*out = shape;
	return true;
}

bool hello_shape_server(struct bytes body, struct hello_shape *out)
{
	struct hello_shape shape = { .suite_len = 2 };
	struct bytes ignored;
	bool draft;

	if (!bytes_u16(&body, &shape.version) || !bytes_skip(&body, 32))
		return false;
	/* TLS 1.3 until draft 21 has no session id and compression here; later ones say 1.2. */
	draft = shape.version >> 8 == 0x7f || shape.version == TLS_1_3;
	if ((!draft && !bytes_vec8(&body, &ignored)) ||
	    !bytes_take(&body, 2, &shape.cipher_suites) || (!draft && !bytes_skip(&body, 1)))
		return false;
	take_extensions(body, &shape);
	*out = shape;
	return true;
}

void hello_shape_sslv2(const struct tls_client_hello *hello, struct hello_shape *out)
{
	*out = (struct hello_shape){
		.version = hello->version,
		.suite_len = 3,
		.cipher_suites = hello->cipher_suites,
	};
}

struct fingerprinter *fingerprinter_new(void)
{
	struct fingerprinter *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->md5 = EVP_MD_fetch(NULL, "MD5", "-fips"); /* as an identifier, not for security */
	f->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	f->ctx = EVP_MD_CTX_new();
	if (f->sha256 && f->ctx)
		return f;
	fingerprinter_free(f);
	return NULL;
}

void fingerprinter_free(struct fingerprinter *f)
{
	if (!f)
		return;
	EVP_MD_free(f->md5);
	EVP_MD_free(f->sha256);
	EVP_MD_CTX_free(f->ctx);
	free(f);
}

bool fingerprint_digest(struct fingerprinter *f, const EVP_MD *md, unsigned int digits, char *out)
{
	uint8_t digest[EVP_MAX_MD_SIZE];

	out[0] = '\0';
	if (!md || !EVP_DigestInit_ex2(f->ctx, md, NULL) ||
	    !EVP_DigestUpdate(f->ctx, f->text, f->text_len) ||
	    !EVP_DigestFinal_ex(f->ctx, digest, NULL))
		return false;
	text_hex(digest, digits / 2, false, out);
	return true;
}
