/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A direction of DTLS: each datagram behind two bytes of length. Checks that reading ends, that what is
 * given lies inside what was fed or gathered, and that memory goes by the bytes received.
 */
#include <stdlib.h>

#include "parsers/dtls.h"
#include "parsers/tls_certificate.h"
#include "parsers/tls_hello.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MESSAGE_MAX 65536
#define CHECK(what)        \
	do {               \
		if (!(what)) \
			abort(); \
	} while (0)

static volatile uint8_t sink;

static void read_message(const struct tls_item *item)
{
	struct tls_certificate_entry entry;
	struct tls_client_hello client;
	struct tls_server_hello server;
	struct bytes list;

	if (item->type == TLS_CLIENT_HELLO && dtls_client_hello_parse(item->body, &client))
		CHECK(client.random.len == 32 && client.cookie.len < 256);
	if (item->type == TLS_SERVER_HELLO && tls_server_hello_parse(item->body, &server))
		CHECK(server.random.len == 32);
	if (item->type == TLS_CERTIFICATE && tls_certificate_list(item->body, &list))
		while (tls_certificate_next(&list, &entry))
			CHECK(entry.der.len <= item->total);
}

static void check_item(const struct dtls_reader *r, const struct tls_item *item)
{
	/* Every byte can be read. */
	for (size_t i = 0; i < item->body.len; i++)
		sink ^= item->body.data[i];
	if (item->kind == TLS_ITEM_MESSAGE) {
		CHECK(item->body.len == item->total && item->total <= r->message_max);
		read_message(item);
	}
	CHECK(item->kind != TLS_ITEM_SKIPPED || item->total > r->message_max);
	CHECK(item->kind != TLS_ITEM_PART);
}

/* In memory of its own, so that nothing borrowed outlives it unseen. */
static void feed(struct dtls_reader *r, struct budget *memory, struct bytes datagram)
{
	uint8_t *copy = malloc(datagram.len ? datagram.len : 1);
	struct bytes in = bytes_of(copy, datagram.len);
	struct tls_item item;
	enum parse result;
	size_t before;

	CHECK(copy);
	if (datagram.len)
		memcpy(copy, datagram.data, datagram.len);
	CHECK(!dtls_begins(in) || dtls_continues(in));
	for (;;) {
		before = in.len;
		result = dtls_reader_next(r, memory, &in, &item);
		if (result == PARSE_MORE)
			break;
		CHECK(in.len < before && in.data + in.len == copy + datagram.len);
		if (result == PARSE_OK)
			check_item(r, &item);
		else
			CHECK(r->why);
	}
	CHECK(in.len == 0);
	free(copy);
}

static void check_unfinished(struct dtls_reader *r, struct budget *memory)
{
	uint32_t have, total, from, to, at = 0, missing = 0;
	uint8_t type;

	if (!dtls_reader_unfinished(r, &type, &have, &total))
		return;
	CHECK(have < total && dtls_reader_gathered(r, memory).len <= have);
	for (unsigned int i = 0; dtls_reader_missing(r, i, &from, &to); i++) {
		CHECK(from >= at && from < to && to <= total);
		at = to;
		missing += to - from;
	}
	CHECK(missing == total - have);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in = bytes_of(data, size), datagram;
	struct budget memory = { .max = 1u << 20 };
	struct dtls_reader reader;

	dtls_reader_init(&reader, MESSAGE_MAX);
	while (bytes_vec16(&in, &datagram)) {
		feed(&reader, &memory, datagram);
		CHECK(reader.num_open <= DTLS_OPEN_MAX);
		/* A message costs its own state, at most two pieces a byte, and twice the bytes. */
		CHECK(memory.peak <= (DTLS_OPEN_MAX + 1) * 128 + 12 * size);
	}
	check_unfinished(&reader, &memory);
	dtls_reader_fini(&reader, &memory);
	CHECK(memory.used == 0);
	return 0;
}
