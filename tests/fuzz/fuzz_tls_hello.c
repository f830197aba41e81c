/* SPDX-License-Identifier: Apache-2.0 */
/* Input: one byte for the kind of hello, then its body. What is found must lie within it. */
#include "parsers/tls_hello.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_within(struct bytes inner, struct bytes outer)
{
	if (inner.len && (inner.data < outer.data || inner.data + inner.len > outer.data + outer.len))
		abort();
}

static void check_client(const struct tls_client_hello *h, struct bytes in)
{
	check_within(h->random, in);
	check_within(h->session_id, in);
	check_within(h->cipher_suites, in);
	check_within(h->server_name, in);
	check_within(h->alpn, in);
	check_within(h->session_ticket, in);
	if (h->session_id.len > 32)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in = bytes_of(data, size), rest;
	struct tls_client_hello client;
	struct tls_server_hello server;
	uint8_t kind;

	if (!bytes_u8(&in, &kind))
		return 0;
	rest = in;
	if (kind % 3 == 0 && tls_client_hello_parse(in, &client)) {
		check_client(&client, in);
	} else if (kind % 3 == 1 && tls_server_hello_parse(in, &server)) {
		check_within(server.random, in);
		check_within(server.session_id, in);
		check_within(server.alpn, in);
		if (server.session_id.len > 32)
			abort();
	} else if (kind % 3 == 2) {
		if (tls_sslv2_hello_parse(&rest, &client) == PARSE_OK)
			check_client(&client, in);
		else if (rest.data != in.data || rest.len != in.len)
			abort();
	}
	return 0;
}
