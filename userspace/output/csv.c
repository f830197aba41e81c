/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/output/csv.h"

#include <inttypes.h>

#include "parsers/text.h"

#define TEXT_MAX 4096       /* of one safe text; longer ones end in "..." */
#define HEX_MAX 64

static void begin_field(struct csv *csv)
{
	if (csv->need_comma)
		putc_unlocked(',', csv->out);
	csv->need_comma = true;
}

/* What a spreadsheet takes for the beginning of a formula, or skips in front of one. */
static bool begins_formula(const char *text)
{
	static const char *const full_width[] = {
		"\xef\xbc\x9d", "\xef\xbc\x8b", "\xef\xbc\x8d", "\xef\xbc\xa0",     /* = + - @ */
	};
	size_t i;

	if (text[0] != '\0' && strchr("=+-@\t\r\n", text[0]))
		return true;
	for (i = 0; i < ARRAY_SIZE(full_width); i++)
		if (strncmp(text, full_width[i], strlen(full_width[i])) == 0)
			return true;
	return false;
}

/* Also where a space is at the edge: some readers would take it off. */
static bool needs_quotes(const char *text)
{
	size_t len = strlen(text);

	return strpbrk(text, ",\"\r\n\t;") || (len > 0 && (text[0] == ' ' || text[len - 1] == ' '));
}

static void put_field(struct csv *csv, const char *prefix, const char *text)
{
	bool quoted = needs_quotes(text);

	begin_field(csv);
	if (quoted)
		putc_unlocked('"', csv->out);
	fputs(prefix, csv->out);
	for (; *text; text++) {
		if (*text == '"')
			putc_unlocked('"', csv->out);
		putc_unlocked(*text, csv->out);
	}
	if (quoted)
		putc_unlocked('"', csv->out);
}

void csv_string(struct csv *csv, const char *value)
{
	put_field(csv, begins_formula(value) ? "'" : "", value);
}

void csv_bytes(struct csv *csv, struct bytes value)
{
	char text[TEXT_MAX];

	text_safe(value, text, sizeof(text));
	csv_string(csv, text);
}

void csv_hex(struct csv *csv, const uint8_t *data, size_t len)
{
	char text[2 * HEX_MAX + 1];

	text_hex(data, len < HEX_MAX ? len : HEX_MAX, false, text);
	csv_string(csv, text);
}

void csv_unsigned(struct csv *csv, uint64_t value)
{
	begin_field(csv);
	fprintf(csv->out, "%" PRIu64, value);
}

void csv_signed(struct csv *csv, int64_t value)
{
	begin_field(csv);
	fprintf(csv->out, "%" PRId64, value);
}

void csv_time_ns(struct csv *csv, uint64_t unix_ns)
{
	char text[48];

	text_time(unix_ns, text, sizeof(text));
	csv_string(csv, text);
}

void csv_time_s(struct csv *csv, int64_t unix_s)
{
	char text[48];

	text_time_s(unix_s, text, sizeof(text));
	csv_string(csv, text);
}

static void put_item(struct text *text, struct bytes item)
{
	uint32_t c;

	while (item.len > 0) {
		if (item.data[0] == ' ' || !text_take_char(&item, &c)) {
			text_put_byte(text, item.data[0]);
			item = bytes_of(item.data + 1, item.len - 1);
		} else {
			text_put_char(text, c);
		}
	}
}

void csv_list(struct csv *csv, const struct bytes *items, size_t num)
{
	char field[TEXT_MAX];
	struct text text;
	size_t i;

	text_start(&text, field, sizeof(field));
	for (i = 0; i < num; i++) {
		if (i > 0)
			text_put(&text, " ");
		put_item(&text, items[i]);
	}
	csv_string(csv, field);
}

bool csv_line_end(struct csv *csv)
{
	fputs("\r\n", csv->out);
	csv->need_comma = false;
	return !ferror(csv->out);
}
