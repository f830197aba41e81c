/* SPDX-License-Identifier: Apache-2.0 */
/* Text made safe, and the few values that are written the same way everywhere. */
#include <arpa/inet.h>
#include <stdio.h>

#include "parsers/packet.h"
#include "parsers/text.h"

static const char hex_lower[] = "0123456789abcdef";
static const char hex_upper[] = "0123456789ABCDEF";

/* Code points that are never shown as they are; sorted, ends included. */
static const struct {
	uint32_t first, last;
} unsafe[] = {
	{ 0x0000, 0x001f },       /* C0 */
	{ 0x007f, 0x009f },       /* DEL, C1 */
	{ 0x061c, 0x061c },       /* Arabic letter mark */
	{ 0x200b, 0x200f },       /* zero width, left-to-right and right-to-left marks */
	{ 0x2028, 0x202e },       /* line separators, embeddings and overrides */
	{ 0x2060, 0x2069 },       /* word joiner, invisible operators, isolates */
	{ 0xfdd0, 0xfdef },       /* noncharacters */
	{ 0xfeff, 0xfeff },       /* byte order mark */
	{ 0xfff9, 0xfffb },       /* interlinear annotation */
	{ 0xe0000, 0xe007f },     /* tags */
};

static bool is_unsafe(uint32_t c)
{
	if ((c & 0xfffe) == 0xfffe)
		return true;    /* the last two of each plane are noncharacters */
	for (size_t i = 0; i < ARRAY_SIZE(unsafe) && c >= unsafe[i].first; i++)
		if (c <= unsafe[i].last)
			return true;
	return false;
}

void text_start(struct text *text, char *out, size_t size)
{
	*text = (struct text){ .out = out, .size = size };
	out[0] = '\0';
}

static void put_piece(struct text *text, const char *piece, size_t len)
{
	if (text->cut)
		return;
	if (len > text->size - 1 - text->len) {
		memcpy(text->out + text->keep, "...", 4);
		text->len = text->keep + 3;
		text->cut = true;
		return;
	}
	memcpy(text->out + text->len, piece, len);
	text->len += len;
	text->out[text->len] = '\0';
	if (text->len + 4 <= text->size)
		text->keep = text->len;
}

void text_put(struct text *text, const char *piece)
{
	put_piece(text, piece, strlen(piece));
}

void text_put_byte(struct text *text, uint8_t byte)
{
	char escape[4] = { '\\', 'x', hex_upper[byte >> 4], hex_upper[byte & 15] };

	put_piece(text, escape, sizeof(escape));
}

static size_t utf8_encode(uint32_t c, char out[4])
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (char)(0xc0 | c >> 6);
		out[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (char)(0xe0 | c >> 12);
		out[1] = (char)(0x80 | (c >> 6 & 0x3f));
		out[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | (c >> 18 & 7));
	out[1] = (char)(0x80 | (c >> 12 & 0x3f));
	out[2] = (char)(0x80 | (c >> 6 & 0x3f));
	out[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

void text_put_char(struct text *text, uint32_t code_point)
{
	char utf8[4];
	size_t len = utf8_encode(code_point, utf8);

	if (code_point == '\\') {
		put_piece(text, "\\\\", 2);
	} else if (is_unsafe(code_point)) {
		for (size_t i = 0; i < len; i++)
			text_put_byte(text, (uint8_t)utf8[i]);
	} else {
		put_piece(text, utf8, len);
	}
}

/*
 * RFC 3629 section 3: how many bytes follow this one, its bits, and the least value of that form.
 */
static bool utf8_lead(uint8_t lead, size_t *more, uint32_t *bits, uint32_t *least)
{
	if (lead < 0x80) {
		*more = 0, *bits = lead, *least = 0;
	} else if (lead >> 5 == 6) {
		*more = 1, *bits = lead & 0x1f, *least = 0x80;
	} else if (lead >> 4 == 14) {
		*more = 2, *bits = lead & 0x0f, *least = 0x800;
	} else if (lead >> 3 == 30) {
		*more = 3, *bits = lead & 0x07, *least = 0x10000;
	} else {
		return false;
	}
	return true;
}

bool text_take_char(struct bytes *in, uint32_t *code_point)
{
	struct bytes rest = *in;
	uint32_t c, least;
	uint8_t byte;
	size_t more;

	if (!bytes_u8(&rest, &byte) || !utf8_lead(byte, &more, &c, &least))
		return false;
	for (; more > 0; more--) {
		if (!bytes_u8(&rest, &byte) || byte >> 6 != 2)
			return false;
		c = c << 6 | (byte & 0x3f);
	}
	if (c < least || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return false;
	*in = rest;
	*code_point = c;
	return true;
}

size_t text_safe(struct bytes in, char *out, size_t size)
{
	struct text text;
	uint32_t c;
	uint8_t byte;

	text_start(&text, out, size);
	while (in.len > 0 && !text.cut) {
		if (text_take_char(&in, &c))
			text_put_char(&text, c);
		else if (bytes_u8(&in, &byte))
			text_put_byte(&text, byte);
	}
	return text.len;
}

static void put_mac(const uint8_t *mac, char *out, size_t size)
{
	snprintf(out, size, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4],
		 mac[5]);
}

const char *text_name(const char *name, char *out, size_t size)
{
	text_safe(bytes_of(name, strlen(name)), out, size);
	return out;
}

void text_address(const uint8_t octets[16], char *out, size_t size)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	bool v4 = memcmp(octets, mapped, sizeof(mapped)) == 0;
	struct ip_address address;

	memcpy(address.octets, octets, sizeof(address.octets));
	if (ip_address_is_mac(&address)) {
		put_mac(octets + MAC_AT, out, size);
		return;
	}
	if (!inet_ntop(v4 ? AF_INET : AF_INET6, octets + (v4 ? 12 : 0), out, (socklen_t)size))
		out[0] = '\0';    /* only where the caller broke the contract on size */
}

void text_hex(const uint8_t *data, size_t len, bool upper, char *out)
{
	const char *digits = upper ? hex_upper : hex_lower;

	for (size_t i = 0; i < len; i++) {
		*out++ = digits[data[i] >> 4];
		*out++ = digits[data[i] & 15];
	}
	*out = '\0';
}

struct date {
	unsigned int year, month, day;
};

/*
 * The Gregorian calendar, with years that begin in March so that the leap day comes last, counted
 * from March of the year -400 so that nothing is negative for the years we write.
 */
static struct date date_of_days(int64_t days_since_1970)
{
	const unsigned int days_per_400_years = 146097;
	uint64_t days = (uint64_t)(days_since_1970 + 719468 + days_per_400_years);
	uint64_t cycles = days / days_per_400_years;
	unsigned int day = (unsigned int)(days % days_per_400_years);
	unsigned int year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
	unsigned int month;
	struct date date;

	day -= 365 * year + year / 4 - year / 100;
	month = (5 * day + 2) / 153;            /* 0 is March */
	date.day = day - (153 * month + 2) / 5 + 1;
	date.month = month < 10 ? month + 3 : month - 9;
	date.year = (unsigned int)(cycles * 400) + year + (date.month <= 2) - 400;
	return date;
}

static char *put_digits(char *at, unsigned int value, int width, char after)
{
	for (int i = width; i-- > 0; value /= 10)
		at[i] = (char)('0' + value % 10);
	at[width] = after;
	return at + width + 1;
}

/* "2026-11-24T22:10:23" and one more character; returns where it ends. */
static char *put_time(char *at, int64_t unix_s, char after)
{
	int64_t days = unix_s / 86400 - (unix_s % 86400 < 0);
	unsigned int second = (unsigned int)(unix_s - days * 86400);
	struct date date = date_of_days(days);

	at = put_digits(at, date.year, 4, '-');
	at = put_digits(at, date.month, 2, '-');
	at = put_digits(at, date.day, 2, 'T');
	at = put_digits(at, second / 3600, 2, ':');
	at = put_digits(at, second / 60 % 60, 2, ':');
	return put_digits(at, second % 60, 2, after);
}

void text_time(uint64_t unix_ns, char *out, size_t size)
{
	char text[32];
	char *at = put_time(text, (int64_t)(unix_ns / 1000000000), '.');

	at = put_digits(at, (unsigned int)(unix_ns % 1000000000 / 1000), 6, 'Z');
	*at = '\0';
	snprintf(out, size, "%s", text);
}

void text_time_s(int64_t unix_s, char *out, size_t size)
{
	const int64_t year_0000 = -62167219200, year_9999_end = 253402300799;
	char text[32];

	if (unix_s < year_0000)
		unix_s = year_0000;
	if (unix_s > year_9999_end)
		unix_s = year_9999_end;
	*put_time(text, unix_s, 'Z') = '\0';
	snprintf(out, size, "%s", text);
}
