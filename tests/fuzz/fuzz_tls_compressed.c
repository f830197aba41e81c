/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A CompressedCertificate's body, and what comes out of it read as TLS 1.3's Certificate. The first
 * two bytes choose the limit and the memory there is.
 */
#include <stdlib.h>

#include "parsers/tls_certificate.h"
#include "parsers/tls_compressed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(what)        \
	do {               \
		if (!(what)) \
			abort(); \
	} while (0)

static void check_inside(struct bytes outer, struct bytes inner)
{
	CHECK(inner.len <= outer.len);
	CHECK(inner.len == 0 ||
	      (inner.data >= outer.data && inner.data + inner.len <= outer.data + outer.len));
}

static void read_certificates(struct bytes body)
{
	struct tls13_certificate_entry e;
	struct bytes context, list;
	size_t total = 0;

	if (!tls13_certificate_list(body, &context, &list))
		return;
	check_inside(body, context);
	while (tls13_certificate_next(&list, &e)) {
		check_inside(body, e.der);
		check_inside(body, e.extensions);
		check_inside(e.extensions, e.ocsp);
		CHECK(!e.truncated || list.len == 0);
		total += e.der.len + e.extensions.len;
		CHECK(total <= body.len);
	}
	CHECK(list.len == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in = bytes_of(data, size);
	struct tls_uncompressed u;
	struct budget memory = { 0 };
	uint8_t limit_log, memory_log;
	enum tls_compressed result;
	uint32_t limit;

	if (!bytes_u8(&in, &limit_log) || !bytes_u8(&in, &memory_log))
		return 0;
	limit = 1u << limit_log % 21;
	memory.max = (size_t)1 << memory_log % 26;
	read_certificates(in);
	result = tls_compressed_read(in, limit, &memory, &u);
	CHECK(memory.used == u.capacity && memory.peak <= memory.max);
	CHECK(u.len <= limit && u.len <= u.capacity);
	if (result == TLS_COMPRESSED_OK)
		CHECK(u.len == u.claimed);
	if (result == TLS_COMPRESSED_OK || result == TLS_COMPRESSED_OVERSIZE)
		read_certificates(bytes_of(u.data, u.len));
	else
		CHECK(!u.data);
	tls_uncompressed_free(&u, &memory);
	CHECK(memory.used == 0);
	return 0;
}
