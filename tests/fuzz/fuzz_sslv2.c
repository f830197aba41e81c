/* SPDX-License-Identifier: Apache-2.0 */
/* SSL 2.0 at the front of a stream: what is taken is whole, and a prefix never says otherwise. */
#include <stdlib.h>

#include "parsers/sslv2.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(what)        \
	do {               \
		if (!(what)) \
			abort(); \
	} while (0)

static void check_inside(struct bytes outer, struct bytes inner)
{
	CHECK(inner.len == 0 ||
	      (inner.data >= outer.data && inner.data + inner.len <= outer.data + outer.len));
}

static void check_server(struct bytes in)
{
	struct bytes rest = in, half = bytes_of(in.data, in.len / 2);
	struct sslv2_server_hello hello;
	enum parse result = sslv2_server_hello_parse(&rest, &hello);

	if (result == PARSE_OK) {
		check_inside(in, hello.certificate);
		check_inside(in, hello.cipher_specs);
		check_inside(in, hello.connection_id);
		CHECK(hello.session_id_hit == (hello.certificate.len == 0));
		CHECK(rest.len < in.len && sslv2_server_hello_begins(in) == PARSE_OK);
	} else {
		CHECK(rest.len == in.len);
	}
	/* Bad is bad for good. */
	if (sslv2_server_hello_parse(&half, &hello) == PARSE_BAD)
		CHECK(result == PARSE_BAD);
}

static void check_client(struct bytes in)
{
	struct bytes rest = in;
	struct tls_client_hello hello;

	if (sslv2_client_hello_parse(&rest, &hello) == PARSE_OK) {
		check_inside(in, hello.cipher_suites);
		check_inside(in, hello.session_id);
		check_inside(in, hello.random);
		CHECK(hello.version == SSL_2_0 && hello.random.len >= 16 && rest.len < in.len);
	} else {
		CHECK(rest.len == in.len);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in = bytes_of(data, size), record;
	uint16_t error;

	do {
		struct bytes rest = in;

		check_server(in);
		check_client(in);
		CHECK(sslv2_error_parse(&rest, &error) == PARSE_OK || rest.len == in.len);
	} while (sslv2_record_next(&in, &record) == PARSE_OK);
	return 0;
}
