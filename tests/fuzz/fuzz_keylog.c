/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A key log in pieces gives the same entries as in one. The first byte is the length of the pieces.
 */
#include <stdlib.h>

#include "parsers/keylog.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(what)        \
	do {               \
		if (!(what)) \
			abort(); \
	} while (0)

static void check_entry(const struct keylog_entry *e, uint64_t *sum)
{
	CHECK((unsigned int)e->label < KEYLOG_NUM_LABELS);
	CHECK(e->secret_len > 0 && e->secret_len <= KEYLOG_VALUE_MAX);
	CHECK(e->secret_len <= KEYLOG_SECRET_MAX || e->label == KEYLOG_ECH_CONFIG);
	*sum = *sum * 31 + (uint64_t)e->label + 1;
	for (size_t i = 0; i < KEYLOG_RANDOM_LEN; i++)
		*sum = *sum * 31 + e->client_random[i];
	for (size_t i = 0; i < e->secret_len; i++)
		*sum = *sum * 31 + e->secret[i];
}

static uint64_t read_in_pieces(struct keylog *k, struct bytes text, size_t piece_len)
{
	struct keylog_entry e;
	struct bytes piece;
	uint64_t sum = 0;

	keylog_init(k);
	while (text.len > 0) {
		CHECK(bytes_take(&text, piece_len < text.len ? piece_len : text.len, &piece));
		while (keylog_feed(k, &piece, &e) == PARSE_OK)
			check_entry(&e, &sum);
		CHECK(piece.len == 0);
	}
	if (keylog_finish(k, &e) == PARSE_OK)
		check_entry(&e, &sum);
	return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct keylog whole, pieces;
	struct bytes text = bytes_of(data, size);
	uint8_t piece_len;

	if (!bytes_u8(&text, &piece_len))
		return 0;
	CHECK(read_in_pieces(&whole, text, text.len) ==
	      read_in_pieces(&pieces, text, piece_len + 1u));
	CHECK(whole.num_entries == pieces.num_entries);
	CHECK(whole.num_malformed == pieces.num_malformed);
	CHECK(whole.num_overlong == pieces.num_overlong);
	return 0;
}
