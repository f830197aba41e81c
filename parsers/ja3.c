/* SPDX-License-Identifier: Apache-2.0 */
#include "parsers/fingerprint_parts.h"

static void put(struct fingerprinter *f, char c)
{
	f->text[f->text_len++] = c;
}

static void put_decimal(struct fingerprinter *f, unsigned int value)
{
	char digits[5];
	size_t i = sizeof(digits);

	do {
		digits[--i] = (char)('0' + value % 10);
		value /= 10;
	} while (value > 0);
	memcpy(f->text + f->text_len, digits + i, sizeof(digits) - i);
	f->text_len += sizeof(digits) - i;
}

static void put_values(struct fingerprinter *f, struct bytes list, unsigned int len)
{
	uint16_t value;
	bool first = true;

	for (; fingerprint_next(&list, len, &value); first = false) {
		if (!first)
			put(f, '-');
		put_decimal(f, value);
	}
}

static void put_extensions(struct fingerprinter *f, struct bytes extensions)
{
	uint16_t type;
	bool first = true;

	for (; fingerprint_next_extension(&extensions, &type); first = false) {
		if (!first)
			put(f, '-');
		put_decimal(f, type);
	}
}

/* "769,47-53,0-10-11": what a client's and a server's string begin with. */
static void put_beginning(struct fingerprinter *f, const struct hello_shape *shape)
{
	f->text_len = 0;
	put_decimal(f, shape->version);
	put(f, ',');
	put_values(f, shape->cipher_suites, shape->suite_len);
	put(f, ',');
	put_extensions(f, shape->extensions);
}

const char *ja3_client_string(struct fingerprinter *f, const struct hello_shape *shape)
{
	size_t i;

	put_beginning(f, shape);
	put(f, ',');
	put_values(f, shape->groups, 2);
	put(f, ',');
	for (i = 0; i < shape->point_formats.len; i++) {
		if (i > 0)
			put(f, '-');
		put_decimal(f, shape->point_formats.data[i]);
	}
	f->text[f->text_len] = '\0';
	return f->text;
}

const char *ja3_server_string(struct fingerprinter *f, const struct hello_shape *shape)
{
	put_beginning(f, shape);
	f->text[f->text_len] = '\0';
	return f->text;
}

void ja3_client(struct fingerprinter *f, const struct hello_shape *shape, char out[JA3_SIZE])
{
	out[0] = '\0';
	if (!f->md5)
		return;
	ja3_client_string(f, shape);
	if (!fingerprint_digest(f, f->md5, JA3_SIZE - 1, out))
		out[0] = '\0';
}

void ja3_server(struct fingerprinter *f, const struct hello_shape *shape, char out[JA3_SIZE])
{
	out[0] = '\0';
	if (!f->md5)
		return;
	ja3_server_string(f, shape);
	if (!fingerprint_digest(f, f->md5, JA3_SIZE - 1, out))
		out[0] = '\0';
}
