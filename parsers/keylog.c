/* SPDX-License-Identifier: Apache-2.0 */
#include "parsers/keylog.h"

#include <openssl/crypto.h>

#define MASTER_SECRET_LEN 48
#define TRAFFIC_SECRET_MIN 32    /* a SHA-256 */

static const char *const names[KEYLOG_NUM_LABELS] = {
	[KEYLOG_CLIENT_RANDOM] = "CLIENT_RANDOM",
	[KEYLOG_CLIENT_HANDSHAKE_TRAFFIC_SECRET] = "CLIENT_HANDSHAKE_TRAFFIC_SECRET",
	[KEYLOG_SERVER_HANDSHAKE_TRAFFIC_SECRET] = "SERVER_HANDSHAKE_TRAFFIC_SECRET",
	[KEYLOG_CLIENT_TRAFFIC_SECRET_0] = "CLIENT_TRAFFIC_SECRET_0",
	[KEYLOG_SERVER_TRAFFIC_SECRET_0] = "SERVER_TRAFFIC_SECRET_0",
	[KEYLOG_CLIENT_EARLY_TRAFFIC_SECRET] = "CLIENT_EARLY_TRAFFIC_SECRET",
	[KEYLOG_EXPORTER_SECRET] = "EXPORTER_SECRET",
	[KEYLOG_EARLY_EXPORTER_SECRET] = "EARLY_EXPORTER_SECRET",
	[KEYLOG_ECH_SECRET] = "ECH_SECRET",
	[KEYLOG_ECH_CONFIG] = "ECH_CONFIG",
};

/* Early QUIC stacks wrote the same secrets under names of their own: QUIC_ before the label. */
#define QUIC_PREFIX "QUIC_"

const char *keylog_label_name(enum keylog_label label)
{
	return names[label];
}

static bool is_text(struct bytes word, const char *text)
{
	return bytes_equal(word, bytes_of(text, strlen(text)));
}

static bool label_parse(struct bytes word, enum keylog_label *out)
{
	size_t prefix_len = strlen(QUIC_PREFIX);

	if (word.len > prefix_len && memcmp(word.data, QUIC_PREFIX, prefix_len) == 0)
		word = bytes_of(word.data + prefix_len, word.len - prefix_len);
	for (int i = 0; i < KEYLOG_NUM_LABELS; i++) {
		if (is_text(word, names[i])) {
			*out = (enum keylog_label)i;
			return true;
		}
	}
	return false;
}

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* The next word; empty at the end of the line. */
static struct bytes next_word(struct bytes *line)
{
	struct bytes word;
	size_t len = 0;

	while (line->len > 0 && is_blank(line->data[0]))
		*line = bytes_of(line->data + 1, line->len - 1);
	while (len < line->len && !is_blank(line->data[len]))
		len++;
	word = bytes_of(line->data, len);
	*line = bytes_of(line->data + len, line->len - len);
	return word;
}

static int hex_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool hex_parse(struct bytes word, uint8_t *out, size_t size, size_t *len)
{
	if (word.len == 0 || word.len % 2 != 0 || word.len / 2 > size)
		return false;
	for (size_t i = 0; i < word.len; i += 2) {
		int high = hex_digit(word.data[i]), low = hex_digit(word.data[i + 1]);

		if (high < 0 || low < 0)
			return false;
		out[i / 2] = (uint8_t)(high << 4 | low);
	}
	*len = word.len / 2;
	return true;
}

static struct bytes hex_prefix(struct bytes word)
{
	size_t len = 0;

	while (len < word.len && hex_digit(word.data[len]) >= 0)
		len++;
	return bytes_of(word.data, len);
}

static bool secret_len_right(enum keylog_label label, size_t len)
{
	if (label == KEYLOG_CLIENT_RANDOM)
		return len == MASTER_SECRET_LEN;
	if (label == KEYLOG_ECH_CONFIG)
		return true;
	return len >= TRAFFIC_SECRET_MIN && len <= KEYLOG_SECRET_MAX;
}

static bool fields_parse(struct bytes line, struct keylog_entry *e)
{
	struct bytes client_random = next_word(&line), secret = next_word(&line);
	size_t random_len, secret_len;

	/* Tools have left a backslash or a comment behind the last digit: not looked at. */
	secret = hex_prefix(secret);
	if (!hex_parse(client_random, e->client_random, sizeof(e->client_random), &random_len) ||
	    random_len != KEYLOG_RANDOM_LEN ||
	    !hex_parse(secret, e->secret, sizeof(e->secret), &secret_len) ||
	    !secret_len_right(e->label, secret_len))
		return false;
	e->secret_len = (uint16_t)secret_len;
	return true;
}

enum keylog_line keylog_line_parse(struct bytes line, struct keylog_entry *out)
{
	struct bytes word = next_word(&line);
	enum keylog_line result = KEYLOG_MALFORMED;
	struct keylog_entry e = { 0 };

	if (word.len == 0 || word.data[0] == '#')
		return KEYLOG_NOTHING;
	if (is_text(word, "RSA"))
		return KEYLOG_RSA;
	if (!label_parse(word, &e.label))
		return KEYLOG_UNKNOWN;
	if (fields_parse(line, &e)) {
		*out = e;
		result = KEYLOG_ENTRY;
	}
	OPENSSL_cleanse(&e, sizeof(e));
	return result;
}

void keylog_init(struct keylog *k)
{
	memset(k, 0, sizeof(*k));
}

void keylog_fini(struct keylog *k)
{
	OPENSSL_cleanse(k, sizeof(*k));
}

/* The line in `k` is complete. True: it is an entry. */
static bool line_end(struct keylog *k, struct keylog_entry *out)
{
	enum keylog_line what = KEYLOG_NOTHING;

	if (k->overlong)
		k->num_overlong++;
	else
		what = keylog_line_parse(bytes_of(k->line, k->line_len), out);
	OPENSSL_cleanse(k->line, k->line_len);
	k->line_len = 0;
	k->overlong = false;
	k->num_entries += what == KEYLOG_ENTRY;
	k->num_rsa += what == KEYLOG_RSA;
	k->num_unknown += what == KEYLOG_UNKNOWN;
	k->num_malformed += what == KEYLOG_MALFORMED;
	return what == KEYLOG_ENTRY;
}

static void line_append(struct keylog *k, struct bytes part)
{
	if (k->overlong || part.len == 0)
		return;
	if (part.len > sizeof(k->line) - k->line_len) {
		k->overlong = true;
		return;
	}
	memcpy(k->line + k->line_len, part.data, part.len);
	k->line_len += part.len;
}

enum parse keylog_feed(struct keylog *k, struct bytes *in, struct keylog_entry *out)
{
	while (in->len > 0) {
		const uint8_t *end = memchr(in->data, '\n', in->len);
		struct bytes part = bytes_of(in->data, end ? (size_t)(end - in->data) : in->len);
		size_t taken = part.len + (end ? 1 : 0);

		line_append(k, part);
		*in = bytes_of(in->data + taken, in->len - taken);
		if (end && line_end(k, out))
			return PARSE_OK;
	}
	return PARSE_MORE;
}

enum parse keylog_finish(struct keylog *k, struct keylog_entry *out)
{
	return line_end(k, out) ? PARSE_OK : PARSE_MORE;
}
