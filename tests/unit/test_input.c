/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include <zlib.h>
#include <zstd.h>

#include "tests/unit/buffer.h"
#include "userspace/source/input.h"

#define PLAIN_LEN 300000u

static uint8_t plain[PLAIN_LEN];
static struct buffer gzip, zstd;

/* A path to a file with these bytes; close `*fd` when done. */
static const char *file_of(struct bytes in, int *fd)
{
	static char path[64];

	*fd = memfd_create("input", 0);
	assert_true(*fd >= 0);
	assert_int_equal(write(*fd, in.data, in.len), in.len);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", *fd);
	return path;
}

static void pack_gzip(struct buffer *out, struct bytes in)
{
	z_stream z = { 0 };
	uint8_t *packed = malloc(in.len + 1000);

	assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
	z.next_in = (uint8_t *)in.data;
	z.avail_in = (uInt)in.len;
	z.next_out = packed;
	z.avail_out = (uInt)in.len + 1000;
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	buffer_add(out, packed, z.total_out);
	deflateEnd(&z);
	free(packed);
}

static void pack_zstd(struct buffer *out, struct bytes in)
{
	size_t room = ZSTD_compressBound(in.len), len;
	uint8_t *packed = malloc(room);

	len = ZSTD_compress(packed, room, in.data, in.len, 3);
	assert_false(ZSTD_isError(len));
	buffer_add(out, packed, len);
	free(packed);
}

/* With a checksum, as the zstd command writes it. */
static void pack_zstd_checked(struct buffer *out, struct bytes in)
{
	size_t room = ZSTD_compressBound(in.len) + 4, len;
	ZSTD_CCtx *c = ZSTD_createCCtx();
	uint8_t *packed = malloc(room);

	assert_non_null(c);
	assert_false(ZSTD_isError(ZSTD_CCtx_setParameter(c, ZSTD_c_checksumFlag, 1)));
	len = ZSTD_compress2(c, packed, room, in.data, in.len);
	assert_false(ZSTD_isError(len));
	buffer_add(out, packed, len);
	ZSTD_freeCCtx(c);
	free(packed);
}

/* Reads all that is left, in odd pieces; returns the length, and what went wrong. */
static size_t read_all(struct input *in, const char **error)
{
	FILE *stream = input_stream(in);
	uint8_t piece[777];
	size_t total = 0, n;

	assert_non_null(stream);
	while ((n = fread(piece, 1, sizeof(piece), stream)) > 0) {
		assert_true(total + n <= 2 * PLAIN_LEN);
		assert_memory_equal(piece, plain + total % PLAIN_LEN,
				    n < PLAIN_LEN - total % PLAIN_LEN ? n : PLAIN_LEN - total % PLAIN_LEN);
		total += n;
	}
	*error = input_error(in);
	assert_true(!*error || ferror(stream));
	return total;
}

static void check(struct bytes file, size_t want, const char *want_error)
{
	const char *error;
	struct input *in;
	uint8_t head[16];
	int fd;

	assert_int_equal(input_open(file_of(file, &fd), &in), 0);
	assert_int_equal(input_peek(in, head, sizeof(head)), want < sizeof(head) ? want : sizeof(head));
	if (want >= sizeof(head))
		assert_memory_equal(head, plain, sizeof(head));
	assert_int_equal(read_all(in, &error), want);
	if (want_error)
		assert_string_equal(error, want_error);
	else
		assert_null(error);
	assert_int_equal(input_size(in), file.len);
	input_close(in);
	close(fd);
}

static void test_packings(void **state)
{
	struct buffer twice = { 0 };

	(void)state;
	check(bytes_of(NULL, 0), 0, NULL);
	check(bytes_of(plain, 1), 1, NULL);
	check(bytes_of(plain, PLAIN_LEN), PLAIN_LEN, NULL);
	check(buffer_bytes(&gzip), PLAIN_LEN, NULL);
	check(buffer_bytes(&zstd), PLAIN_LEN, NULL);
	/* Members and frames that follow each other. */
	buffer_add_bytes(&twice, buffer_bytes(&gzip));
	buffer_add_bytes(&twice, buffer_bytes(&gzip));
	check(buffer_bytes(&twice), 2 * PLAIN_LEN, NULL);
	buffer_clear(&twice);
	buffer_add_bytes(&twice, buffer_bytes(&zstd));
	buffer_add_bytes(&twice, buffer_bytes(&zstd));
	check(buffer_bytes(&twice), 2 * PLAIN_LEN, NULL);
	buffer_free(&twice);
}

/* A whole capture in one block, of each length up to some thousands: all of it comes, looked at first or not. */
static void test_small(void **state)
{
	struct buffer packed = { 0 };
	size_t len;

	(void)state;
	for (len = 0; len < 3000; len += 37) {
		buffer_clear(&packed);
		pack_zstd(&packed, bytes_of(plain, len));
		check(buffer_bytes(&packed), len, NULL);
		buffer_clear(&packed);
		pack_gzip(&packed, bytes_of(plain, len));
		check(buffer_bytes(&packed), len, NULL);
	}
	buffer_free(&packed);
}

/* Broken off anywhere: what there is, and then the reason; never an end without one. */
static void check_broken(const struct buffer *packed, const char *want)
{
	const char *error;
	struct input *in;
	size_t len;
	int fd;

	for (len = 4; len < packed->len; len += packed->len / 50 + 1) {
		assert_int_equal(input_open(file_of(bytes_of(packed->data, len), &fd), &in), 0);
		assert_true(read_all(in, &error) <= PLAIN_LEN);
		assert_non_null(error);
		assert_string_equal(error, want);
		input_close(in);
		close(fd);
	}
}

static void test_broken_off(void **state)
{
	(void)state;
	check_broken(&gzip, "gzip data breaks off");
	check_broken(&zstd, "zstd data breaks off");
}

static void test_damaged(void **state)
{
	static const uint8_t no_gzip[] = { 0x1f, 0x8b, 0xff, 0xff, 0xff }, no_zstd[] = { 0x28, 0xb5, 0x2f, 0xfd, 0xff,
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
	struct buffer copy = { 0 };
	const char *error;
	struct input *in;
	int fd;

	(void)state;
	check(bytes_of(no_gzip, sizeof(no_gzip)), 0, "gzip data is damaged");
	check(bytes_of(no_zstd, sizeof(no_zstd)), 0, "zstd data is damaged");
	/* The checksum at the end. */
	buffer_add_bytes(&copy, buffer_bytes(&gzip));
	copy.data[copy.len - 6] ^= 1;
	assert_int_equal(input_open(file_of(buffer_bytes(&copy), &fd), &in), 0);
	assert_true(read_all(in, &error) <= PLAIN_LEN);
	assert_string_equal(error, "gzip data is damaged");
	input_close(in);
	close(fd);
	buffer_free(&copy);
}

/* A wrong checksum behind the last byte: all that it is about is handed on, then it is told. */
static void test_wrong_checksum(void **state)
{
	static const size_t lens[] = { 0, 1, 63, 64, 65, 3000, 128u << 10, (128u << 10) + 1, PLAIN_LEN };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lens); i++) {
		struct buffer packed = { 0 };

		pack_gzip(&packed, bytes_of(plain, lens[i]));
		packed.data[packed.len - 6] ^= 1;
		check(buffer_bytes(&packed), lens[i], "gzip data is damaged");
		buffer_clear(&packed);
		pack_zstd_checked(&packed, bytes_of(plain, lens[i]));
		check(buffer_bytes(&packed), lens[i], NULL);
		packed.data[packed.len - 1] ^= 1;
		check(buffer_bytes(&packed), lens[i], "zstd data is damaged");
		buffer_free(&packed);
	}
}

static void test_open_errors(void **state)
{
	struct input *in = NULL;

	(void)state;
	assert_int_equal(input_open("/no/such/file", &in), -ENOENT);
	assert_int_equal(input_open("/", &in), -EISDIR);
	assert_null(in);
	input_close(NULL);
}

/* A pipe that gives one byte at a time: packed data is recognised all the same. */
static void test_slow_pipe(void **state)
{
	const char *error;
	struct input *in;
	size_t i;
	int ends[2];
	char path[64];
	pid_t child;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		close(ends[0]);
		for (i = 0; i < 8; i++) {
			if (write(ends[1], zstd.data + i, 1) != 1)
				_exit(1);
			usleep(3000);
		}
		_exit(write(ends[1], zstd.data + 8, zstd.len - 8) != (ssize_t)(zstd.len - 8));
	}
	close(ends[1]);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", ends[0]);
	assert_int_equal(input_open(path, &in), 0);
	close(ends[0]);
	assert_int_equal(read_all(in, &error), PLAIN_LEN);
	assert_null(error);
	assert_int_equal(input_size(in), 0);
	assert_int_equal(input_position(in), zstd.len);
	input_close(in);
	assert_int_equal(waitpid(child, NULL, 0), child);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_packings),
		cmocka_unit_test(test_small),
		cmocka_unit_test(test_broken_off),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_wrong_checksum),
		cmocka_unit_test(test_open_errors),
		cmocka_unit_test(test_slow_pipe),
	};
	uint64_t seed = 7;
	int failed;
	size_t i;

	/* Half of it compresses well. */
	random_fill(&seed, plain, PLAIN_LEN);
	for (i = 0; i < PLAIN_LEN; i++)
		plain[i] = i & 0x400 ? 0x20 : plain[i];
	pack_gzip(&gzip, bytes_of(plain, PLAIN_LEN));
	pack_zstd(&zstd, bytes_of(plain, PLAIN_LEN));
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	buffer_free(&gzip);
	buffer_free(&zstd);
	return failed;
}
