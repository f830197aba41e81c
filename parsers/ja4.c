/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "parsers/fingerprint_parts.h"
#include "parsers/text.h"

#define HASH_DIGITS 12
#define COUNT_MAX 99	 /* two digits; more are told as 99 */
#define INSERTION_MAX 64 /* above, a radix sort: no list makes the work grow with its square */

static const char *version_name(uint16_t version)
{
	switch (version) {
	case SSL_2_0:
		return "s2";
	case 0x0300:
		return "s3";
	case 0x0301:
		return "10";
	case 0x0302:
		return "11";
	case TLS_1_2:
		return "12";
	case TLS_1_3:
		return "13";
	case 0xfeff:
		return "d1";
	case 0xfefd:
		return "d2";
	case 0xfefc:
		return "d3";
	default:
		return "00";
	}
}

/* The highest version offered. DTLS counts downwards: its newest has the smallest number. */
static uint16_t highest_version(const struct hello_shape *shape, enum ja4_transport transport)
{
	struct bytes list = shape->versions;
	uint16_t version, best;

	if (!fingerprint_next(&list, 2, &best))
		return shape->version;
	while (fingerprint_next(&list, 2, &version))
		if (transport == JA4_DTLS ? version < best : version > best)
			best = version;
	return best;
}

static bool is_alphanumeric(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* The first protocol offered that is not GREASE; empty: none. */
static struct bytes first_protocol(struct bytes list)
{
	struct bytes name;

	while (bytes_vec8(&list, &name))
		if (name.len != 2 || !tls_is_grease((uint16_t)(name.data[0] << 8 | name.data[1])))
			return name;
	return bytes_of(NULL, 0);
}

/* The first and last character of a protocol's name, or of its hex where those are not plain. */
static void name_ends(struct bytes name, char out[3])
{
	char first[3], last[3];

	memcpy(out, "00", 3);
	if (name.len == 0)
		return;
	out[0] = (char)name.data[0];
	out[1] = (char)name.data[name.len - 1];
	if (is_alphanumeric(name.data[0]) && is_alphanumeric(name.data[name.len - 1]))
		return;
	text_hex(name.data, 1, false, first);
	text_hex(name.data + name.len - 1, 1, false, last);
	out[0] = first[0];
	out[1] = last[1];
}

static void sort_insertion(uint16_t *values, size_t num)
{
	size_t i, j;
	uint16_t value;

	for (i = 1; i < num; i++) {
		value = values[i];
		for (j = i; j > 0 && values[j - 1] > value; j--)
			values[j] = values[j - 1];
		values[j] = value;
	}
}

/* One pass by the byte at `shift`, stable. */
static void sort_pass(const uint16_t *from, uint16_t *to, size_t num, unsigned int shift)
{
	size_t place[257] = { 0 }, i;

	for (i = 0; i < num; i++)
		place[(from[i] >> shift & 0xff) + 1]++;
	for (i = 1; i < 256; i++)
		place[i] += place[i - 1];
	for (i = 0; i < num; i++)
		to[place[from[i] >> shift & 0xff]++] = from[i];
}

static void sort_values(struct fingerprinter *f, size_t num)
{
	if (num <= INSERTION_MAX) {
		sort_insertion(f->values, num);
		return;
	}
	sort_pass(f->values, f->sorted, num, 0);
	sort_pass(f->sorted, f->values, num, 8);
}

/* Four hex digits for each value, with commas between. */
static void put_hex(struct fingerprinter *f, uint16_t value, bool first)
{
	uint8_t octets[2] = { (uint8_t)(value >> 8), (uint8_t)value };

	if (!first)
		f->text[f->text_len++] = ',';
	text_hex(octets, 2, false, f->text + f->text_len);
	f->text_len += 4;
}

static void put_sorted(struct fingerprinter *f, size_t num)
{
	size_t i;

	sort_values(f, num);
	f->text_len = 0;
	for (i = 0; i < num; i++)
		put_hex(f, f->values[i], i == 0);
}

/* Gathers them into f->values. */
static size_t gather_suites(struct fingerprinter *f, const struct hello_shape *shape)
{
	struct bytes list = shape->cipher_suites;
	size_t num = 0;

	while (num < ARRAY_SIZE(f->values) &&
	       fingerprint_next(&list, shape->suite_len, &f->values[num]))
		num++;
	return num;
}

/* Without server_name and ALPN, which are told in the first part; *total counts them. */
static size_t gather_extensions(struct fingerprinter *f, struct bytes extensions, size_t *total,
				bool *has_name)
{
	size_t num = 0;
	uint16_t type;

	for (*total = 0; fingerprint_next_extension(&extensions, &type); ++*total) {
		if (type == TLS_EXT_SERVER_NAME)
			*has_name = true;
		else if (type != TLS_EXT_ALPN && num < ARRAY_SIZE(f->values))
			f->values[num++] = type;
	}
	return num;
}

static void hash_suites(struct fingerprinter *f, size_t num, char out[HASH_DIGITS + 1])
{
	put_sorted(f, num);
	if (num == 0 || !fingerprint_digest(f, f->sha256, HASH_DIGITS, out))
		memcpy(out, "000000000000", HASH_DIGITS + 1);
}

static void hash_extensions(struct fingerprinter *f, size_t num, struct bytes algorithms,
			    char out[HASH_DIGITS + 1])
{
	uint16_t algorithm;
	bool first = true;

	put_sorted(f, num);
	for (; fingerprint_next(&algorithms, 2, &algorithm); first = false) {
		if (first)
			f->text[f->text_len++] = '_';
		put_hex(f, algorithm, first);
	}
	if (num == 0 || !fingerprint_digest(f, f->sha256, HASH_DIGITS, out))
		memcpy(out, "000000000000", HASH_DIGITS + 1);
}

void ja4_client(struct fingerprinter *f, const struct hello_shape *shape,
		enum ja4_transport transport, char out[JA4_SIZE])
{
	char suites_hash[HASH_DIGITS + 1], extensions_hash[HASH_DIGITS + 1], alpn[3];
	size_t num_suites, num_extensions, num;
	bool has_name = false;

	num_suites = gather_suites(f, shape);
	hash_suites(f, num_suites, suites_hash);
	num = gather_extensions(f, shape->extensions, &num_extensions, &has_name);
	hash_extensions(f, num, shape->signature_algorithms, extensions_hash);
	name_ends(first_protocol(shape->alpn), alpn);
	snprintf(out, JA4_SIZE, "%c%s%c%02u%02u%s_%s_%s", (char)transport,
		 version_name(highest_version(shape, transport)), has_name ? 'd' : 'i',
		 (unsigned int)(num_suites < COUNT_MAX ? num_suites : COUNT_MAX),
		 (unsigned int)(num_extensions < COUNT_MAX ? num_extensions : COUNT_MAX), alpn,
		 suites_hash, extensions_hash);
}
