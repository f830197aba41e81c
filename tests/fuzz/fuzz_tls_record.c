/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Input: one byte for the chunk length, one for the limits, then a stream. Read whole and in chunks it must give the
 * same items, and in the end nothing is held.
 */
#include "parsers/tls_record.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was read, as one number; pieces of one message count as its bytes in a row. */
struct digest {
	uint64_t hash;
	size_t items;
};

static void digest_byte(struct digest *d, uint8_t byte)
{
	d->hash = (d->hash ^ byte) * 0x100000001b3;
}

static void digest_item(struct digest *d, const struct tls_item *item)
{
	size_t i;
	bool piece = item->kind == TLS_ITEM_PART || item->kind == TLS_ITEM_SKIPPED;

	if (piece && item->offset + item->body.len > item->total)
		abort();
	if (!piece || item->offset == 0) {
		digest_byte(d, (uint8_t)item->kind);
		digest_byte(d, item->type);
		digest_byte(d, (uint8_t)item->total);
		digest_byte(d, item->alert_description);
		d->items++;
	}
	/* Bytes of messages that nobody reads are given only where they happen to lie whole. */
	if (item->kind == TLS_ITEM_PART || (item->kind == TLS_ITEM_MESSAGE && item->type == TLS_CERTIFICATE))
		for (i = 0; i < item->body.len; i++)
			digest_byte(d, item->body.data[i]);
}

static enum parse feed(struct tls_reader *r, struct budget *memory, struct bytes in, struct digest *d)
{
	struct tls_item item;
	enum parse result;

	while ((result = tls_reader_next(r, memory, &in, &item)) == PARSE_OK) {
		digest_item(d, &item);
		if (item.kind == TLS_ITEM_ENCRYPTED)
			return PARSE_BAD;
	}
	if ((result == PARSE_MORE && in.len) || (result == PARSE_BAD && !r->why))
		abort();
	return result;
}

static struct digest read_stream(struct bytes in, size_t step, uint32_t message_max)
{
	struct budget memory = { .max = 16u << 20 };
	struct digest d = { 0 };
	struct tls_reader r;
	struct bytes chunk;
	enum parse result = PARSE_MORE;

	tls_reader_init(&r, message_max);
	while (in.len > 0 && result == PARSE_MORE) {
		if (!bytes_take(&in, in.len < step ? in.len : step, &chunk))
			abort();
		result = feed(&r, &memory, chunk, &d);
		if (tls_reader_gathered(&r).len > message_max)
			abort();
	}
	tls_reader_fini(&r, &memory);
	if (memory.used)
		abort();
	return d;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in = bytes_of(data, size);
	struct digest whole, chunked;
	uint32_t message_max;
	uint8_t step, limit;

	if (!bytes_u8(&in, &step) || !bytes_u8(&in, &limit) || in.len == 0)
		return 0;
	message_max = limit == 0xff ? 1u << 24 : limit * 64u;
	whole = read_stream(in, in.len, message_max);
	chunked = read_stream(in, step % 32 + 1, message_max);
	/* Over the limit, a message that came in one piece is given whole: only below it must both agree. */
	if (limit == 0xff && (whole.hash != chunked.hash || whole.items != chunked.items))
		abort();
	return 0;
}
