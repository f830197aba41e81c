/* SPDX-License-Identifier: Apache-2.0 */
#include "parsers/tls_hello.h"

uint16_t tls_version_final(uint16_t version)
{
	/* Drafts of TLS 1.3 used 0x7fNN (RFC 8446 drafts), Facebook's and Google's trials 0xfbNN, 0x7eNN. */
	if (version >> 8 == 0x7f || version >> 8 == 0x7e || version >> 8 == 0xfb)
		return TLS_1_3;
	return version;
}

uint16_t dtls_version_as_tls(uint16_t version)
{
	switch (version) {
	case DTLS_1_0:
	case DTLS_OPENSSL_OLD:
		return 0x0302;
	case DTLS_1_2:
		return TLS_1_2;
	case DTLS_1_3:
		return TLS_1_3;
	default:
		return version;
	}
}

/* `legacy` is the version in the hello's fixed field: it tells DTLS from TLS. */
static bool version_counts(uint16_t version, uint16_t legacy)
{
	if (legacy >> 8 == 0xfe)
		return version == DTLS_1_0 || version == DTLS_1_2 || version == DTLS_1_3;
	return version >> 8 == 3 || version >> 8 == 0x7f || version >> 8 == 0xfb || version >> 8 == 0x7e;
}

/* RFC 6066 section 3; the first host_name counts. */
static bool parse_server_name(struct bytes body, struct bytes *name)
{
	struct bytes list, host;
	uint8_t type;

	if (body.len == 0)
		return true;    /* a server's acknowledgement */
	if (!bytes_vec16(&body, &list))
		return false;
	while (bytes_u8(&list, &type) && bytes_vec16(&list, &host)) {
		if (type == 0) {
			*name = host;
			return true;
		}
	}
	return list.len == 0;
}

static bool parse_supported_versions(struct bytes body, uint16_t *max)
{
	struct bytes list;
	uint16_t version;

	if (!bytes_vec8(&body, &list))
		return false;
	while (bytes_u16(&list, &version)) {
		if (tls_is_grease(version) || !version_counts(version, *max))
			continue;
		version = tls_version_final(version);
		if (dtls_version_as_tls(version) > dtls_version_as_tls(*max))
			*max = version;
	}
	return true;
}

/*
 * RFC 8446 section 4.2.11: the age of a ticket is hidden by adding a random number that came with it, that of an
 * identity which was established otherwise is zero (one ticket in 2^32 looks the same). Only the first 32 are told.
 */
static uint32_t external_psks(struct bytes body)
{
	struct bytes list, identity;
	uint32_t age, external = 0;
	unsigned int i;

	if (!bytes_vec16(&body, &list))
		return 0;
	for (i = 0; i < 32 && bytes_vec16(&list, &identity) && bytes_u32(&list, &age); i++)
		external |= (uint32_t)(age == 0) << i;
	return external;
}

static bool client_extension(uint16_t type, struct bytes body, struct tls_client_hello *out)
{
	switch (type) {
	case TLS_EXT_SERVER_NAME:
		return parse_server_name(body, &out->server_name);
	case TLS_EXT_ALPN:
		return bytes_vec16(&body, &out->alpn);
	case TLS_EXT_SESSION_TICKET:
		out->session_ticket = body;
		return true;
	case TLS_EXT_SUPPORTED_VERSIONS:
		return parse_supported_versions(body, &out->version_max);
	case TLS_EXT_PRE_SHARED_KEY:
		out->offers_psk = true;
		out->external_psks = external_psks(body);
		return true;
	case TLS_EXT_ENCRYPTED_CLIENT_HELLO:
	case TLS_EXT_ENCRYPTED_SERVER_NAME:
		out->has_ech = true;
		return true;
	default:
		return true;
	}
}

static bool parse_client_hello(struct bytes body, bool dtls, struct tls_client_hello *out)
{
	struct tls_client_hello hello = { 0 };
	struct bytes compression, extensions, extension;
	uint16_t type;

	if (!bytes_u16(&body, &hello.version) || !bytes_take(&body, 32, &hello.random) ||
	    !bytes_vec8(&body, &hello.session_id) || (dtls && !bytes_vec8(&body, &hello.cookie)) ||
	    !bytes_vec16(&body, &hello.cipher_suites) || !bytes_vec8(&body, &compression) ||
	    hello.session_id.len > 32)
		return false;
	hello.version_max = tls_version_final(hello.version);
	/* No extensions at all: RFC 5246 section 7.4.1.2 allows it. */
	if (body.len > 0) {
		if (!bytes_vec16(&body, &extensions)) {
			hello.extensions_malformed = true;
			extensions = bytes_of(NULL, 0);
		}
		while (bytes_u16(&extensions, &type) && bytes_vec16(&extensions, &extension))
			if (!client_extension(type, extension, &hello))
				hello.extensions_malformed = true;
		if (extensions.len > 0)
			hello.extensions_malformed = true;
	}
	*out = hello;
	return true;
}

bool tls_client_hello_parse(struct bytes body, struct tls_client_hello *out)
{
	return parse_client_hello(body, false, out);
}

bool dtls_client_hello_parse(struct bytes body, struct tls_client_hello *out)
{
	return parse_client_hello(body, true, out);
}

static bool server_extension(uint16_t type, struct bytes body, struct tls_server_hello *out)
{
	struct bytes list;
	uint16_t version;

	switch (type) {
	case TLS_EXT_ALPN:
		return bytes_vec16(&body, &list) && bytes_vec8(&list, &out->alpn);
	case TLS_EXT_SUPPORTED_VERSIONS:
		if (!bytes_u16(&body, &version))
			return false;
		if (version_counts(version, out->version)) {
			out->draft = version >> 8 == 0x7f ? version & 0xff : 0;
			out->version = tls_version_final(version);
		}
		return true;
	case TLS_EXT_PRE_SHARED_KEY:
		out->psk_chosen = true;
		return bytes_u16(&body, &out->psk_number);
	case TLS_EXT_SESSION_TICKET:
		out->ticket_promised = true;
		return true;
	case TLS_EXT_SCT:
		out->has_sct = true;
		return true;
	case TLS_EXT_ENCRYPT_THEN_MAC:
		out->encrypt_then_mac = true;
		return true;
	case TLS_EXT_CERTIFICATE_TYPE:
	case TLS_EXT_SERVER_CERTIFICATE_TYPE:
		return bytes_u8(&body, &out->certificate_type);
	default:
		return true;
	}
}

/* RFC 8446 section 4.1.3: SHA-256 of "HelloRetryRequest". */
static const uint8_t hello_retry_random[32] = {
	0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
	0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
};

bool tls_server_hello_parse(struct bytes body, struct tls_server_hello *out)
{
	struct tls_server_hello hello = { 0 };
	struct bytes extensions, extension;
	uint16_t type;
	uint8_t compression;
	bool draft;

	if (!bytes_u16(&body, &hello.version) || !bytes_take(&body, 32, &hello.random))
		return false;
	/* Drafts 18 to 21 of TLS 1.3 have neither session id nor compression here. */
	draft = hello.version >> 8 == 0x7f;
	hello.draft = draft ? hello.version & 0xff : 0;
	if ((!draft && !bytes_vec8(&body, &hello.session_id)) || hello.session_id.len > 32 ||
	    !bytes_u16(&body, &hello.cipher_suite) || (!draft && !bytes_u8(&body, &compression)))
		return false;
	hello.version = tls_version_final(hello.version);
	hello.is_hello_retry = memcmp(hello.random.data, hello_retry_random, 32) == 0;
	if (body.len > 0) {
		if (!bytes_vec16(&body, &extensions)) {
			hello.extensions_malformed = true;
			extensions = bytes_of(NULL, 0);
		}
		while (bytes_u16(&extensions, &type) && bytes_vec16(&extensions, &extension))
			if (!server_extension(type, extension, &hello))
				hello.extensions_malformed = true;
		if (extensions.len > 0)
			hello.extensions_malformed = true;
	}
	*out = hello;
	return true;
}

bool tls_encrypted_extensions_parse(struct bytes body, struct tls_encrypted_extensions *out)
{
	struct tls_server_hello hello = { .version = TLS_1_3 };
	struct bytes extensions, extension;
	uint16_t type;

	if (!bytes_vec16(&body, &extensions))
		return false;
	while (bytes_u16(&extensions, &type) && bytes_vec16(&extensions, &extension))
		if (!server_extension(type, extension, &hello))
			return false;
	if (extensions.len > 0)
		return false;
	out->alpn = hello.alpn;
	out->certificate_type = hello.certificate_type;
	return true;
}

enum parse tls_sslv2_hello_parse(struct bytes *in, struct tls_client_hello *out)
{
	struct tls_client_hello hello = { .sslv2_format = true };
	struct bytes rest = *in, body;
	uint16_t length, specs, session_id, challenge;
	uint8_t type;

	if (!bytes_u16(&rest, &length))
		return PARSE_MORE;
	if (!(length & 0x8000))
		return PARSE_BAD;
	if (!bytes_take(&rest, length & 0x7fff, &body))
		return PARSE_MORE;
	if (!bytes_u8(&body, &type) || type != 1 || !bytes_u16(&body, &hello.version) ||
	    !bytes_u16(&body, &specs) || !bytes_u16(&body, &session_id) || !bytes_u16(&body, &challenge) ||
	    !bytes_take(&body, specs, &hello.cipher_suites) ||
	    !bytes_take(&body, session_id, &hello.session_id) || hello.session_id.len > 32 ||
	    !bytes_take(&body, challenge, &hello.random))
		return PARSE_BAD;
	hello.version_max = hello.version;
	*in = rest;
	*out = hello;
	return PARSE_OK;
}
