/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Input: one byte for the length of pieces, then a Certificate message's body. Entries lie within it, one after the
 * other; the walk gives the same certificates whatever the pieces are.
 */
#include "parsers/tls_certificate.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t add(uint64_t hash, struct bytes in)
{
	size_t i;

	for (i = 0; i < in.len; i++)
		hash = (hash ^ in.data[i]) * 0x100000001b3;
	return hash;
}

static uint64_t walk(struct bytes in, size_t step)
{
	struct tls_certificate_walk w = { 0 };
	struct tls_certificate_part part;
	uint64_t hash = 0, in_certificate = 0;
	struct bytes piece;

	while (in.len > 0) {
		if (!bytes_take(&in, in.len < step ? in.len : step, &piece))
			abort();
		while (tls_certificate_walk(&w, &piece, &part)) {
			if (part.begins)
				in_certificate = 0;
			in_certificate += part.part.len;
			hash = add(hash, part.part);
			if (part.ends && in_certificate != part.length)
				abort();
			if (part.ends)
				hash = (hash ^ part.length) * 0x100000001b3;
		}
		/* Only what lies behind the list is left. */
		if (piece.len && w.list_left >= 3)
			abort();
	}
	return hash;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in = bytes_of(data, size), list;
	struct tls_certificate_entry entry;
	const uint8_t *end;
	uint8_t step;

	if (!bytes_u8(&in, &step))
		return 0;
	if (tls_certificate_list(in, &list)) {
		end = list.data;
		while (tls_certificate_next(&list, &entry)) {
			if (entry.der.data < end || entry.der.data + entry.der.len > data + size)
				abort();
			end = entry.der.data + entry.der.len;
			if (entry.truncated && list.len)
				abort();
		}
	}
	if (walk(in, in.len ? in.len : 1) != walk(in, step % 16 + 1))
		abort();
	return 0;
}
