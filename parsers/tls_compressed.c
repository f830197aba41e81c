/* SPDX-License-Identifier: Apache-2.0 */
#include "parsers/tls_compressed.h"

#include <brotli/decode.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

#define CAPACITY_MIN 4096u
#define ZLIB_STATE_LEN (64u << 10)      /* window of 32 KiB and its tables (zlib.h, inflateInit2) */
#define ZSTD_WINDOW_LOG 23 /* RFC 8878 section 3.1.1.1.2: 8 MiB is what all should support */
#define ZSTD_STATE_LEN ((1u << ZSTD_WINDOW_LOG) + (512u << 10))

struct sink {
	struct tls_uncompressed *out;
	struct budget *memory;
	size_t max;                     /* bytes of output that are kept */
	bool no_memory;
};

/*
 * Room for further output, never none unless `max` is reached or memory is short. One byte beyond
 * `max` shows that there is more than there should be.
 */
static size_t sink_room(struct sink *s, uint8_t **at)
{
	struct tls_uncompressed *out = s->out;
	size_t most = s->max + 1, capacity = out->capacity ? 2 * out->capacity : CAPACITY_MIN;
	uint8_t *data;

	if (out->len == out->capacity && out->len < most) {
		if (capacity > most)
			capacity = most;
		s->no_memory = !budget_take(s->memory, capacity - out->capacity);
		if (s->no_memory)
			return 0;
		data = realloc(out->data, capacity);
		if (!data) {
			budget_give(s->memory, capacity - out->capacity);
			s->no_memory = true;
			return 0;
		}
		out->data = data;
		out->capacity = capacity;
	}
	*at = out->data + out->len;
	return out->capacity - out->len;
}

static bool sink_full(const struct sink *s)
{
	return s->out->len > s->max;
}

/* Each decompressor returns false where its format is broken or ends too early. */

static bool inflate_all(struct bytes in, struct sink *s)
{
	z_stream z = { .next_in = (uint8_t *)(uintptr_t)in.data, .avail_in = (unsigned int)in.len };
	int result = Z_OK;
	uint8_t *at;
	size_t room;

	s->no_memory = !budget_take(s->memory, ZLIB_STATE_LEN);
	if (s->no_memory)
		return false;
	if (inflateInit(&z) != Z_OK)
		s->no_memory = true;
	while (!s->no_memory && result == Z_OK && !sink_full(s) && (room = sink_room(s, &at)) > 0) {
		z.next_out = at;
		z.avail_out = (unsigned int)room;
		result = inflate(&z, Z_NO_FLUSH);
		s->out->len += room - z.avail_out;
	}
	inflateEnd(&z);
	budget_give(s->memory, ZLIB_STATE_LEN);
	return sink_full(s) || (result == Z_STREAM_END && z.avail_in == 0);
}

static bool zstd_loop(ZSTD_DCtx *context, struct bytes in, struct sink *s)
{
	ZSTD_inBuffer input = { in.data, in.len, 0 };
	uint8_t *at;
	size_t room, left = 1;

	while (!sink_full(s) && (room = sink_room(s, &at)) > 0) {
		ZSTD_outBuffer output = { at, room, 0 };

		left = ZSTD_decompressStream(context, &output, &input);
		if (ZSTD_isError(left))
			return false;
		s->out->len += output.pos;
		if (left == 0 || (output.pos < room && input.pos == input.size))
			break;
	}
	return sink_full(s) || (left == 0 && input.pos == input.size);
}

static bool zstd_all(struct bytes in, struct sink *s)
{
	ZSTD_DCtx *context;
	bool ok;

	s->no_memory = !budget_take(s->memory, ZSTD_STATE_LEN);
	if (s->no_memory)
		return false;
	context = ZSTD_createDCtx();
	ok = context && !ZSTD_isError(ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax,
							     ZSTD_WINDOW_LOG));
	s->no_memory = !ok;
	ok = ok && zstd_loop(context, in, s);
	ZSTD_freeDCtx(context);
	budget_give(s->memory, ZSTD_STATE_LEN);
	return ok;
}

/* Brotli's own memory depends on the window that the stream asks for: each piece is charged. */
struct brotli_piece {
	size_t len;
	max_align_t data[];
};

static void *brotli_alloc(void *opaque, size_t size)
{
	struct sink *s = opaque;
	struct brotli_piece *piece = NULL;
	size_t len = sizeof(*piece) + size;

	if (len >= size && budget_take(s->memory, len)) {
		piece = malloc(len);
		if (!piece)
			budget_give(s->memory, len);
	}
	if (!piece) {
		s->no_memory = true;
		return NULL;
	}
	piece->len = len;
	return piece->data;
}

static void brotli_free(void *opaque, void *data)
{
	struct sink *s = opaque;
	struct brotli_piece *piece;

	if (!data)
		return;
	piece = (struct brotli_piece *)((uint8_t *)data - offsetof(struct brotli_piece, data));
	budget_give(s->memory, piece->len);
	free(piece);
}

static bool brotli_all(struct bytes in, struct sink *s)
{
	BrotliDecoderState *state = BrotliDecoderCreateInstance(brotli_alloc, brotli_free, s);
	BrotliDecoderResult result = BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT;
	const uint8_t *next = in.data;
	size_t left = in.len, room, before;
	uint8_t *at;

	if (!state)
		return false;
	while (result == BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT && !sink_full(s) &&
	       (before = room = sink_room(s, &at)) > 0) {
		result = BrotliDecoderDecompressStream(state, &left, &next, &room, &at, NULL);
		s->out->len += before - room;
	}
	BrotliDecoderDestroyInstance(state);
	return sink_full(s) || (result == BROTLI_DECODER_RESULT_SUCCESS && left == 0);
}

static enum tls_compressed decompress(struct bytes in, struct sink *s)
{
	switch (s->out->algorithm) {
	case TLS_COMPRESSION_ZLIB:
		return inflate_all(in, s) ? TLS_COMPRESSED_OK : TLS_COMPRESSED_MALFORMED;
	case TLS_COMPRESSION_BROTLI:
		return brotli_all(in, s) ? TLS_COMPRESSED_OK : TLS_COMPRESSED_MALFORMED;
	case TLS_COMPRESSION_ZSTD:
		return zstd_all(in, s) ? TLS_COMPRESSED_OK : TLS_COMPRESSED_MALFORMED;
	default:
		return TLS_COMPRESSED_UNKNOWN;
	}
}

static enum tls_compressed judge(enum tls_compressed result, const struct sink *s, uint32_t limit)
{
	if (s->no_memory)
		return TLS_COMPRESSED_NO_MEMORY;
	if (result != TLS_COMPRESSED_OK)
		return result;
	if (sink_full(s))
		return s->out->claimed > limit ? TLS_COMPRESSED_OVERSIZE : TLS_COMPRESSED_LENGTH;
	return s->out->len == s->out->claimed ? TLS_COMPRESSED_OK : TLS_COMPRESSED_LENGTH;
}

enum tls_compressed tls_compressed_read(struct bytes body, uint32_t limit, struct budget *memory,
					struct tls_uncompressed *out)
{
	struct sink s = { .out = out, .memory = memory };
	enum tls_compressed result;
	struct bytes in;
	uint16_t algorithm;
	uint32_t claimed;

	*out = (struct tls_uncompressed){ 0 };
	if (!bytes_u16(&body, &algorithm) || !bytes_u24(&body, &claimed) ||
	    !bytes_vec24(&body, &in) || body.len > 0)
		return TLS_COMPRESSED_MALFORMED;
	out->algorithm = algorithm;
	out->claimed = claimed;
	s.max = claimed < limit ? claimed : limit;
	result = judge(decompress(in, &s), &s, limit);
	if (result == TLS_COMPRESSED_OVERSIZE)
		out->len = limit;
	else if (result != TLS_COMPRESSED_OK)
		tls_uncompressed_free(out, memory);
	return result;
}

void tls_uncompressed_free(struct tls_uncompressed *out, struct budget *memory)
{
	budget_give(memory, out->capacity);
	free(out->data);
	out->data = NULL;
	out->len = out->capacity = 0;
}

const char *tls_compressed_name(enum tls_compressed result)
{
	static const char *const names[] = {
		[TLS_COMPRESSED_OK] = "ok",
		[TLS_COMPRESSED_OVERSIZE] = "oversize",
		[TLS_COMPRESSED_MALFORMED] = "malformed",
		[TLS_COMPRESSED_LENGTH] = "not of the length it claims",
		[TLS_COMPRESSED_UNKNOWN] = "an unknown compression algorithm",
		[TLS_COMPRESSED_NO_MEMORY] = "over the memory limit",
	};

	return names[result];
}
