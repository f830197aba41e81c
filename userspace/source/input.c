/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/source/input.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zlib.h>
#include <zstd.h>

#define RAW_SIZE (128u << 10)      /* read from the file at once */
#define STREAM_SIZE (1u << 20)     /* buffered for libpcap */
#define WINDOW_SIZE (256u << 10)   /* read ahead; small enough to stay in the cache of a core */
#define HEAD_SIZE 64
#define WAIT_MS 500
#define GZIP_WINDOW (15 + 32)      /* zlib: any window, find the header yourself */

enum packing { PACKING_NONE, PACKING_GZIP, PACKING_ZSTD };

struct input {
	int fd;
	bool own_fd;
	enum packing packing;
	uint8_t *raw;              /* packed bytes read and not yet used */
	size_t raw_at, raw_len;
	bool raw_ended;
	z_stream zlib;
	ZSTD_DStream *zstd;
	size_t zstd_first, zstd_want;   /* packed bytes: at a frame's beginning, and for the next step */
	bool zstd_full;            /* there was no room for all that is unpacked */
	bool frame_open;           /* in the middle of a packed frame */
	uint8_t head[HEAD_SIZE];   /* peeked at, still to be read */
	size_t head_at, head_len;
	uint8_t *window;           /* unpacked and not yet used: from window_at on */
	size_t window_at, window_len, window_capacity;
	FILE *stream;
	char *stream_buffer;
	const char *error;
	uint64_t position, size;
};

static volatile sig_atomic_t interrupted;

void input_interrupt(void)
{
	interrupted = 1;
}

/* False: interrupted, and nothing comes. The wait ends now and then: a signal may come just before it. */
static bool wait_for_bytes(const struct input *in)
{
	struct pollfd fd = { .fd = in->fd, .events = POLLIN };
	int result;

	do
		result = poll(&fd, 1, WAIT_MS);
	while ((result == 0 && !interrupted) || (result < 0 && errno == EINTR));
	return result != 0;
}

/* As read(), which a signal does not break off. */
static ssize_t read_some(const struct input *in, void *out, size_t len)
{
	ssize_t n;

	do
		n = wait_for_bytes(in) ? read(in->fd, out, len) : 0;
	while (n < 0 && errno == EINTR);
	return n;
}

static bool fill_raw(struct input *in)
{
	ssize_t n;

	if (in->raw_at < in->raw_len)
		return true;
	if (in->raw_ended)
		return false;
	n = read_some(in, in->raw, RAW_SIZE);
	if (n < 0)
		in->error = strerror(errno);
	in->raw_ended = n <= 0;
	in->raw_at = 0;
	in->raw_len = n > 0 ? (size_t)n : 0;
	in->position += in->raw_len;
	return n > 0;
}

static size_t read_plain(struct input *in, uint8_t *out, size_t len)
{
	size_t n;
	ssize_t got;

	if (in->raw_at < in->raw_len) {
		n = in->raw_len - in->raw_at < len ? in->raw_len - in->raw_at : len;
		memcpy(out, in->raw + in->raw_at, n);
		in->raw_at += n;
		return n;
	}
	/* Past what was looked at: straight into the reader's own buffer. */
	got = read_some(in, out, len);
	if (got < 0) {
		in->error = strerror(errno);
		return 0;
	}
	in->position += (uint64_t)got;
	return (size_t)got;
}

static size_t read_gzip(struct input *in, uint8_t *out, size_t len)
{
	int result;

	in->zlib.next_out = out;
	in->zlib.avail_out = (uInt)len;
	while (in->zlib.avail_out == len) {
		if (!fill_raw(in)) {
			if (in->frame_open && !in->error)
				in->error = "gzip data breaks off";
			return 0;
		}
		in->zlib.next_in = in->raw + in->raw_at;
		in->zlib.avail_in = (uInt)(in->raw_len - in->raw_at);
		in->frame_open = true;
		result = inflate(&in->zlib, Z_NO_FLUSH);
		in->raw_at = in->raw_len - in->zlib.avail_in;
		if (result == Z_STREAM_END) {
			/* Several members may follow each other (RFC 1952 section 2.2). */
			in->frame_open = false;
			inflateReset(&in->zlib);
		} else if (result != Z_OK && result != Z_BUF_ERROR) {
			in->error = "gzip data is damaged";
			break;
		}
	}
	return len - in->zlib.avail_out;
}

/*
 * A call that fails gives nothing, also of what it has unpacked before the fault. So each is given no more than it asks
 * for, a block or the checksum behind the last one, and what did not fit comes first and alone.
 */
static size_t read_zstd(struct input *in, uint8_t *out, size_t len)
{
	ZSTD_outBuffer to = { out, len, 0 };
	ZSTD_inBuffer from;
	size_t result, n;

	while (to.pos == 0) {
		if (!in->zstd_full && !fill_raw(in)) {
			if (in->frame_open && !in->error)
				in->error = "zstd data breaks off";
			return 0;
		}
		n = in->zstd_full ? 0 : in->raw_len - in->raw_at;
		from = (ZSTD_inBuffer){ in->raw + in->raw_at, n < in->zstd_want ? n : in->zstd_want, 0 };
		result = ZSTD_decompressStream(in->zstd, &to, &from);
		in->raw_at += from.pos;
		if (ZSTD_isError(result)) {
			in->error = "zstd data is damaged";
			break;
		}
		in->frame_open = result != 0;
		in->zstd_want = result ? result : in->zstd_first;
		in->zstd_full = result && to.pos == len;
	}
	return to.pos;
}

static size_t unpack(struct input *in, uint8_t *out, size_t len)
{
	if (in->error)
		return 0;
	switch (in->packing) {
	case PACKING_GZIP:
		return read_gzip(in, out, len);
	case PACKING_ZSTD:
		return read_zstd(in, out, len);
	case PACKING_NONE:
		break;
	}
	return read_plain(in, out, len);
}

/* What was peeked at comes first. */
static size_t take(struct input *in, uint8_t *out, size_t len)
{
	size_t n = in->head_len - in->head_at;

	if (n == 0)
		return unpack(in, out, len);
	n = n < len ? n : len;
	memcpy(out, in->head + in->head_at, n);
	in->head_at += n;
	return n;
}

static ssize_t cookie_read(void *cookie, char *out, size_t len)
{
	struct input *in = cookie;
	size_t n = take(in, (uint8_t *)out, len);

	if (n == 0 && in->error) {
		errno = EIO;
		return -1;
	}
	return (ssize_t)n;
}

static bool append_raw(struct input *in)
{
	ssize_t n;

	n = read_some(in, in->raw + in->raw_len, RAW_SIZE - in->raw_len);
	if (n < 0)
		in->error = strerror(errno);
	if (n <= 0)
		return false;
	in->raw_len += (size_t)n;
	in->position += (uint64_t)n;
	return true;
}

static int recognise_packing(struct input *in)
{
	static const uint8_t zstd[] = { 0x28, 0xb5, 0x2f, 0xfd };

	/* A pipe may give its first bytes one by one. */
	while (in->raw_len < sizeof(zstd) && append_raw(in))
		;
	if (in->raw_len >= 2 && in->raw[0] == 0x1f && in->raw[1] == 0x8b) {
		in->packing = PACKING_GZIP;
		return inflateInit2(&in->zlib, GZIP_WINDOW) == Z_OK ? 0 : -ENOMEM;
	}
	if (in->raw_len >= sizeof(zstd) && memcmp(in->raw, zstd, sizeof(zstd)) == 0) {
		in->packing = PACKING_ZSTD;
		in->zstd = ZSTD_createDStream();
		if (!in->zstd)
			return -ENOMEM;
		in->zstd_first = in->zstd_want = ZSTD_initDStream(in->zstd);
		return 0;
	}
	return 0;
}

int input_open(const char *path, struct input **out)
{
	struct input *in = calloc(1, sizeof(*in));
	struct stat st;
	int err = -ENOMEM;

	if (!in)
		return -ENOMEM;
	in->fd = STDIN_FILENO;
	in->raw = malloc(RAW_SIZE);
	if (!in->raw)
		goto fail;
	if (strcmp(path, "-") != 0) {
		in->fd = open(path, O_RDONLY | O_CLOEXEC);
		err = -errno;
		if (in->fd < 0)
			goto fail;
		in->own_fd = true;
	}
	err = fstat(in->fd, &st) != 0 ? -errno : S_ISDIR(st.st_mode) ? -EISDIR : 0;
	/* Standard input may be closed (main.c). */
	if (!err && (fcntl(in->fd, F_GETFL) & O_ACCMODE) == O_WRONLY)
		err = -EBADF;
	if (err)
		goto fail;
	if (S_ISREG(st.st_mode))
		in->size = (uint64_t)st.st_size;
	err = recognise_packing(in);
	if (err)
		goto fail;
	*out = in;
	return 0;
fail:
	input_close(in);
	return err;
}

void input_close(struct input *in)
{
	if (!in)
		return;
	if (in->stream)
		fclose(in->stream);
	free(in->stream_buffer);
	free(in->window);
	if (in->packing == PACKING_GZIP)
		inflateEnd(&in->zlib);
	ZSTD_freeDStream(in->zstd);
	if (in->own_fd)
		close(in->fd);
	free(in->raw);
	free(in);
}

size_t input_peek(struct input *in, void *head, size_t len)
{
	size_t n;

	while (in->head_len < len && in->head_len < HEAD_SIZE) {
		n = unpack(in, in->head + in->head_len, HEAD_SIZE - in->head_len);
		if (n == 0)
			break;
		in->head_len += n;
	}
	n = in->head_len < len ? in->head_len : len;
	memcpy(head, in->head, n);
	return n;
}

/* Makes room behind what is held: moves it to the front, and doubles the window when it is full. */
static bool window_room(struct input *in)
{
	size_t held = in->window_len - in->window_at, capacity = in->window_capacity;
	uint8_t *larger;

	if (in->window_at) {
		memmove(in->window, in->window + in->window_at, held);
		in->window_at = 0;
		in->window_len = held;
	}
	if (held < capacity)
		return true;
	capacity = capacity ? capacity * 2 : WINDOW_SIZE;
	larger = realloc(in->window, capacity);
	if (!larger) {
		in->error = "out of memory";
		return false;
	}
	in->window = larger;
	in->window_capacity = capacity;
	return true;
}

struct bytes input_window(struct input *in, size_t want)
{
	size_t n;

	while (in->window_len - in->window_at < want && window_room(in)) {
		n = take(in, in->window + in->window_len, in->window_capacity - in->window_len);
		if (n == 0)
			break;
		in->window_len += n;
	}
	return bytes_of(in->window + in->window_at, in->window_len - in->window_at);
}

void input_advance(struct input *in, size_t len)
{
	in->window_at += len;
}

FILE *input_stream(struct input *in)
{
	static const cookie_io_functions_t functions = { .read = cookie_read };

	if (in->stream)
		return in->stream;
	in->stream = fopencookie(in, "r", functions);
	if (!in->stream)
		return NULL;
	in->stream_buffer = malloc(STREAM_SIZE);
	if (in->stream_buffer)
		setvbuf(in->stream, in->stream_buffer, _IOFBF, STREAM_SIZE);
	return in->stream;
}

void input_stream_closed(struct input *in)
{
	in->stream = NULL;
}

const char *input_error(const struct input *in)
{
	return in->error;
}

uint64_t input_position(const struct input *in)
{
	return in->position;
}

uint64_t input_size(const struct input *in)
{
	return in->size;
}
