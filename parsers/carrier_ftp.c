/* SPDX-License-Identifier: Apache-2.0 */
/*
 * FTP with GSSAPI (RFC 2228 section 3, as grid computing uses it: GSI): the tokens are TLS records,
 * in base64, in "ADAT" commands and in "335 ADAT=" and "235 ADAT=" replies. Everything else on the
 * connection is passed over.
 */
#include "parsers/carrier_types.h"

#define PREFIX_MAX 9           /* "335 ADAT=" */
#define OUT_MAX 768

enum line_state { LINE_PREFIX, LINE_TOKEN, LINE_OTHER };

struct ftp_end {
	enum line_state state;
	char prefix[PREFIX_MAX];
	uint8_t prefix_len;
	uint8_t num_digits;            /* of base64, pending */
	uint32_t digits;
	bool padded;                   /* "=": the token is over */
	uint32_t missed;
};

struct ftp {
	struct ftp_end end[2];
	uint8_t out[OUT_MAX];
};

static char upper(char c)
{
	return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

/* Does `in` begin with the text? PARSE_MORE: as far as it goes. */
static enum parse begins(struct bytes in, const char *text)
{
	size_t len = strlen(text);

	for (size_t i = 0; i < len; i++) {
		if (i == in.len)
			return PARSE_MORE;
		if (upper((char)in.data[i]) != text[i])
			return PARSE_BAD;
	}
	return PARSE_OK;
}

static enum parse recognise(struct bytes head)
{
	static const char *const commands[] = { "AUTH GSSAPI\r\n", "AUTH GSI\r\n" };
	enum parse result = PARSE_BAD, one;

	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		one = begins(head, commands[i]);
		if (one == PARSE_OK)
			return one;
		if (one == PARSE_MORE)
			result = one;
	}
	return result;
}

static int digit_value(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* The line's first characters, until they say what it is. */
static void take_prefix(struct ftp_end *end, uint8_t c)
{
	static const char *const prefixes[] = { "ADAT ", "335 ADAT=", "235 ADAT=" };
	enum parse one;

	end->prefix[end->prefix_len++] = (char)c;
	end->state = LINE_OTHER;
	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++) {
		one = begins(bytes_of(end->prefix, end->prefix_len), prefixes[i]);
		if (one == PARSE_OK) {
			end->state = LINE_TOKEN;
			end->num_digits = 0;
			end->digits = 0;
			end->padded = false;
			return;
		}
		if (one == PARSE_MORE)
			end->state = LINE_PREFIX;
	}
}

/* Writes the bytes that a digit of base64 completes (RFC 4648 section 4). */
static size_t take_digit(struct ftp_end *end, uint8_t c, uint8_t *out)
{
	int value = digit_value(c);

	if (value < 0 || end->padded) {
		end->padded = true;
		return 0;
	}
	end->digits = end->digits << 6 | (uint32_t)value;
	if (end->num_digits++ == 0)
		return 0;
	/* The second digit completes the first byte, the third the second, the fourth the last. */
	out[0] = (uint8_t)(end->digits >> (2 * (4 - end->num_digits)));
	if (end->num_digits == 4) {
		end->num_digits = 0;
		end->digits = 0;
	}
	return 1;
}

static size_t take_char(struct ftp_end *end, uint8_t c, uint8_t *out)
{
	if (c == '\n') {
		end->state = LINE_PREFIX;
		end->prefix_len = 0;
		return 0;
	}
	if (end->state == LINE_PREFIX)
		take_prefix(end, c);
	else if (end->state == LINE_TOKEN)
		return take_digit(end, c, out);
	return 0;
}

/* Passes over the rest of a line quickly. */
static bool skip_line(struct bytes *in)
{
	const uint8_t *end = in->len ? memchr(in->data, '\n', in->len) : NULL;

	return bytes_skip(in, end ? (size_t)(end - in->data) : in->len);
}

static enum parse next(struct carrier *c, struct budget *memory, struct carrier_piece *out)
{
	struct ftp *s = (struct ftp *)c->state;
	struct ftp_end *end = &s->end[c->side];
	size_t len = 0;
	uint8_t byte;

	(void)memory;
	while (len < OUT_MAX) {
		if (end->state == LINE_OTHER && !skip_line(&c->in))
			break;
		if (!bytes_u8(&c->in, &byte))
			break;
		len += take_char(end, byte, s->out + len);
	}
	if (len == 0)
		return PARSE_MORE;
	out->bytes = bytes_of(s->out, len);
	out->missed = end->missed;
	end->missed = 0;
	return PARSE_OK;
}

/* Goes on at the next line. */
static bool lose(struct carrier *c, struct budget *memory, unsigned int side, uint32_t len)
{
	struct ftp_end *end = &((struct ftp *)c->state)->end[side];

	(void)memory;
	end->state = LINE_OTHER;
	end->missed += len;
	return true;
}

const struct carrier_ops carrier_ftp = {
	.name = "ftp-gssapi",
	.over = CARRIER_OVER_TCP,
	.state_len = sizeof(struct ftp),
	.recognise = recognise,
	.next = next,
	.lose = lose,
};
