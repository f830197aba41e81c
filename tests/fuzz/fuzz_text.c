/* SPDX-License-Identifier: Apache-2.0 */
/* The first two bytes choose the size of the output; the rest is a stranger's text. */
#include <stdlib.h>

#include "parsers/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(what)        \
	do {               \
		if (!(what)) \
			abort(); \
	} while (0)

static void check_safe(const char *out, size_t len)
{
	struct bytes rest = bytes_of(out, len);
	uint32_t c;

	CHECK(strlen(out) == len);
	while (rest.len > 0) {
		CHECK(text_take_char(&rest, &c));
		CHECK(c >= 0x20 && (c < 0x7f || c > 0x9f));
		CHECK((c < 0x202a || c > 0x202e) && (c < 0x2066 || c > 0x2069));
		CHECK(c != 0x2028 && c != 0x2029 && c != 0xfeff && c != 0x200b);
	}
}

static void check_times(const uint8_t *data, size_t size)
{
	char out[32];
	uint64_t value = 0;

	memcpy(&value, data, size < sizeof(value) ? size : sizeof(value));
	text_time(value, out, sizeof(out));
	CHECK(strlen(out) == 27 && out[26] == 'Z');
	text_time_s((int64_t)value, out, sizeof(out));
	CHECK(strlen(out) == 20 && out[19] == 'Z');
	CHECK(strcmp(out, "0000-01-01T00:00:00Z") >= 0 && strcmp(out, "9999-12-31T23:59:59Z") <= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in = bytes_of(data, size);
	char *out, *whole;
	size_t len, whole_len;
	uint16_t room;

	if (!bytes_u16(&in, &room))
		return 0;
	room = 8 + room % 1024;
	out = malloc(room);
	whole = malloc(4 * in.len + 8);
	CHECK(out && whole);
	len = text_safe(in, out, room);
	CHECK(len < room);
	check_safe(out, len);
	whole_len = text_safe(in, whole, 4 * in.len + 8);
	check_safe(whole, whole_len);
	if (whole_len < room)
		CHECK(strcmp(out, whole) == 0);
	else
		CHECK(len >= 3 && strcmp(out + len - 3, "...") == 0 &&
		      memcmp(out, whole, len - 3) == 0);
	check_times(in.data, in.len);
	free(out);
	free(whole);
	return 0;
}
