/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first byte chooses what the rest is: a ClientHello of TLS, QUIC or DTLS, one in SSL 2.0
 * format, or a ServerHello. Whatever it is, the fingerprints have their shape, and a cut hello
 * gives some, too.
 */
#include <stdlib.h>

#include "parsers/fingerprint.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(what)              \
	do {                     \
		if (!(what))     \
			abort(); \
	} while (0)

static bool is_hex(const char *text, size_t len)
{
	return strspn(text, "0123456789abcdef") >= len;
}

static bool is_alphanumeric(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static void check_ja3(const char *string, const char *hash)
{
	CHECK(strspn(string, "0123456789-,") == strlen(string));
	CHECK(strlen(hash) == 0 || (strlen(hash) == JA3_SIZE - 1 && is_hex(hash, JA3_SIZE - 1)));
}

static void check_ja4(const char *ja4, enum ja4_transport transport)
{
	CHECK(strlen(ja4) == JA4_SIZE - 1);
	CHECK(ja4[0] == (char)transport && (ja4[3] == 'd' || ja4[3] == 'i'));
	CHECK(strspn(ja4 + 4, "0123456789") >= 4 && is_alphanumeric(ja4[8]) &&
	      is_alphanumeric(ja4[9]));
	CHECK(ja4[10] == '_' && ja4[23] == '_' && is_hex(ja4 + 11, 12) && is_hex(ja4 + 24, 12));
}

static void check_client(struct fingerprinter *f, const struct hello_shape *shape,
			 enum ja4_transport transport)
{
	char ja3[JA3_SIZE], ja4[JA4_SIZE];

	ja3_client(f, shape, ja3);
	check_ja3(ja3_client_string(f, shape), ja3);
	ja4_client(f, shape, transport, ja4);
	check_ja4(ja4, transport);
}

static void check_body(struct fingerprinter *f, uint8_t kind, struct bytes body)
{
	static const enum ja4_transport transports[] = { JA4_TCP, JA4_QUIC, JA4_DTLS };
	struct tls_client_hello hello;
	struct hello_shape shape;
	char ja3[JA3_SIZE];

	if (kind < ARRAY_SIZE(transports)) {
		if (hello_shape_client(body, transports[kind], &shape))
			check_client(f, &shape, transports[kind]);
	} else if (kind == 3) {
		if (tls_sslv2_hello_parse(&body, &hello) == PARSE_OK) {
			hello_shape_sslv2(&hello, &shape);
			check_client(f, &shape, JA4_TCP);
		}
	} else if (hello_shape_server(body, &shape)) {
		ja3_server(f, &shape, ja3);
		check_ja3(ja3_server_string(f, &shape), ja3);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct fingerprinter *f;
	struct bytes body = bytes_of(data, size);
	uint8_t kind;

	if (!f)
		f = fingerprinter_new();
	CHECK(f);
	if (!bytes_u8(&body, &kind))
		return 0;
	check_body(f, kind % 5, body);
	check_body(f, kind % 5, bytes_of(body.data, body.len / 2));
	return 0;
}
