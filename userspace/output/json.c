/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/output/json.h"

#include <inttypes.h>

#include "parsers/text.h"

#define TEXT_MAX 4096       /* of one safe text; longer ones end in "..." */

static void put_escaped(FILE *out, const char *text)
{
	const unsigned char *c;

	putc_unlocked('"', out);
	for (c = (const unsigned char *)text; *c; c++) {
		switch (*c) {
		case '"':
		case '\\':
			putc_unlocked('\\', out);
			putc_unlocked(*c, out);
			break;
		case '<':
		case '>':
		case '&':
			/* So that a line can stand inside a page. */
			fprintf(out, "\\u%04x", *c);
			break;
		default:
			if (*c < 0x20)
				fprintf(out, "\\u%04x", *c);
			else
				putc_unlocked(*c, out);
		}
	}
	putc_unlocked('"', out);
}

static void begin_value(struct json *j, const char *key)
{
	if (j->need_comma)
		putc_unlocked(',', j->out);
	j->need_comma = true;
	if (key) {
		put_escaped(j->out, key);
		putc_unlocked(':', j->out);
	}
}

void json_object(struct json *j, const char *key)
{
	begin_value(j, key);
	putc_unlocked('{', j->out);
	j->need_comma = false;
}

void json_object_end(struct json *j)
{
	putc_unlocked('}', j->out);
	j->need_comma = true;
}

void json_array(struct json *j, const char *key)
{
	begin_value(j, key);
	putc_unlocked('[', j->out);
	j->need_comma = false;
}

void json_array_end(struct json *j)
{
	putc_unlocked(']', j->out);
	j->need_comma = true;
}

void json_string(struct json *j, const char *key, const char *value)
{
	begin_value(j, key);
	put_escaped(j->out, value);
}

void json_bytes(struct json *j, const char *key, struct bytes value)
{
	char text[TEXT_MAX];

	text_safe(value, text, sizeof(text));
	json_string(j, key, text);
}

void json_hex(struct json *j, const char *key, const uint8_t *data, size_t len, bool upper)
{
	char text[2 * 64 + 1];

	text_hex(data, len < 64 ? len : 64, upper, text);
	json_string(j, key, text);
}

void json_unsigned(struct json *j, const char *key, uint64_t value)
{
	begin_value(j, key);
	fprintf(j->out, "%" PRIu64, value);
}

void json_signed(struct json *j, const char *key, int64_t value)
{
	begin_value(j, key);
	fprintf(j->out, "%" PRId64, value);
}

void json_bool(struct json *j, const char *key, bool value)
{
	begin_value(j, key);
	fputs(value ? "true" : "false", j->out);
}

void json_time_ns(struct json *j, const char *key, uint64_t unix_ns)
{
	char text[48];

	text_time(unix_ns, text, sizeof(text));
	json_string(j, key, text);
}

void json_time_s(struct json *j, const char *key, int64_t unix_s)
{
	char text[48];

	text_time_s(unix_s, text, sizeof(text));
	json_string(j, key, text);
}

bool json_line_end(struct json *j)
{
	putc_unlocked('\n', j->out);
	j->need_comma = false;
	return !ferror(j->out);
}
