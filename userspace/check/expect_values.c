/* SPDX-License-Identifier: Apache-2.0 */
/* The values of an expectations file. A value is one scalar, or a list of them. */
#include <arpa/inet.h>
#include <openssl/evp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "parsers/text.h"
#include "userspace/check/expect_parts.h"

#define SCALAR_MAX 1024
#define DAYS_MAX 36500
#define KEY_BITS_MAX 65536

unsigned int expect_line(const yaml_node_t *node)
{
	return (unsigned int)node->start_mark.line + 1;
}

bool expect_complain(struct expect_reading *r, unsigned int line, const char *format, ...)
{
	va_list arguments;
	int n;

	n = snprintf(r->why, r->why_size, "%s:%u: ", r->name, line);
	if (n < 0 || (size_t)n >= r->why_size)
		return false;
	va_start(arguments, format);
	vsnprintf(r->why + n, r->why_size - (size_t)n, format, arguments);
	va_end(arguments);
	return false;
}

bool expect_allocate(struct expect_reading *r, size_t num, size_t size, void *items)
{
	void *memory = calloc(num ? num : 1, size);

	if (!memory) {
		r->no_memory = true;
		return expect_complain(r, 1, "out of memory");
	}
	memcpy(items, &memory, sizeof(memory));
	return true;
}

/* --- scalars */

/* A text without control characters, and not empty. */
static const char *scalar(struct expect_reading *r, const yaml_node_t *node)
{
	size_t i;

	if (node->type != YAML_SCALAR_NODE) {
		expect_complain(r, expect_line(node), "a text or a number is wanted here");
		return NULL;
	}
	if (node->data.scalar.length == 0) {
		expect_complain(r, expect_line(node), "a value is missing");
		return NULL;
	}
	if (node->data.scalar.length > SCALAR_MAX) {
		expect_complain(r, expect_line(node), "a text of more than %d bytes", SCALAR_MAX);
		return NULL;
	}
	for (i = 0; i < node->data.scalar.length; i++) {
		if (node->data.scalar.value[i] >= 0x20 && node->data.scalar.value[i] != 0x7f)
			continue;
		expect_complain(r, expect_line(node), "a control character in a text");
		return NULL;
	}
	return (const char *)node->data.scalar.value;
}

static bool complain_value(struct expect_reading *r, const yaml_node_t *node, const char *wanted)
{
	char shown[96];

	text_safe(bytes_of(node->data.scalar.value, node->data.scalar.length), shown, sizeof(shown));
	return expect_complain(r, expect_line(node), "\"%s\" is not %s", shown, wanted);
}

/* Decimal digits alone, up to `most`, to the end of the text or to `stop`. */
static bool number(const char *text, char stop, unsigned long most, unsigned long *out, const char **end)
{
	unsigned long value = 0;
	const char *at = text;

	for (; *at >= '0' && *at <= '9'; at++) {
		value = value * 10 + (unsigned long)(*at - '0');
		if (value > most)
			return false;
	}
	if (at == text || (*at != '\0' && *at != stop))
		return false;
	*out = value;
	*end = at;
	return true;
}

/* --- one or several */

/* Reads one item into room for it. */
typedef bool item_fn(struct expect_reading *r, const yaml_node_t *node, const char *text, void *item);

/*
 * `items` is the address of the list's pointer, `num` its count: what was read before an error is freed with the
 * whole.
 */
static bool read_items(struct expect_reading *r, yaml_node_t *value, item_fn *read, size_t size, void *items,
		       size_t *num)
{
	bool is_list = value->type == YAML_SEQUENCE_NODE;
	size_t total = is_list ? (size_t)(value->data.sequence.items.top - value->data.sequence.items.start) : 1;
	const yaml_node_t *node;
	const char *text;
	char *at;

	if (total == 0)
		return expect_complain(r, expect_line(value), "the list is empty");
	if (!expect_allocate(r, total, size, items))
		return false;
	memcpy(&at, items, sizeof(at));
	for (; *num < total; ++*num, at += size) {
		node = is_list ? yaml_document_get_node(r->document, value->data.sequence.items.start[*num]) : value;
		text = scalar(r, node);
		if (!text || !read(r, node, text, at))
			return false;
	}
	return true;
}

static bool item_text(struct expect_reading *r, const yaml_node_t *node, const char *text, void *item)
{
	char *copy = strdup(text);

	(void)node;
	r->no_memory = !copy;
	*(char **)item = copy;
	return copy != NULL;
}

bool value_texts(struct expect_reading *r, yaml_node_t *value, void *into)
{
	struct texts *list = into;

	return read_items(r, value, item_text, sizeof(*list->items), &list->items, &list->num);
}

bool value_text(struct expect_reading *r, yaml_node_t *value, void *into)
{
	const char *text = scalar(r, value);

	return text && item_text(r, value, text, into);
}

static bool item_port(struct expect_reading *r, const yaml_node_t *node, const char *text, void *item)
{
	unsigned long from, to;
	const char *end;

	if (!number(text, '-', UINT16_MAX, &from, &end))
		return complain_value(r, node, "a port (443) or a range (8000-8099)");
	to = from;
	if (*end == '-' && !number(end + 1, '\0', UINT16_MAX, &to, &end))
		return complain_value(r, node, "a port (443) or a range (8000-8099)");
	if (to < from)
		return complain_value(r, node, "a range: its end is below its beginning");
	*(struct port_range *)item = (struct port_range){ (uint16_t)from, (uint16_t)to };
	return true;
}

bool value_ports(struct expect_reading *r, yaml_node_t *value, void *into)
{
	struct ports *list = into;

	return read_items(r, value, item_port, sizeof(*list->items), &list->items, &list->num);
}

static bool item_address(struct expect_reading *r, const yaml_node_t *node, const char *text, void *item)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	struct address_range *range = item;
	const char *slash = strchr(text, '/'), *end;
	char address[INET6_ADDRSTRLEN];
	size_t len = slash ? (size_t)(slash - text) : strlen(text);
	unsigned long most = 128, prefix;

	if (len >= sizeof(address))
		return complain_value(r, node, "an address (10.0.0.5) or a network (10.0.0.0/8)");
	memcpy(address, text, len);
	address[len] = '\0';
	if (inet_pton(AF_INET, address, range->octets + 12) == 1) {
		memcpy(range->octets, mapped, sizeof(mapped));
		most = 32;
	} else if (inet_pton(AF_INET6, address, range->octets) != 1) {
		return complain_value(r, node, "an address (10.0.0.5) or a network (10.0.0.0/8)");
	}
	prefix = most;
	if (slash && !number(slash + 1, '\0', most, &prefix, &end))
		return complain_value(r, node, "an address (10.0.0.5) or a network (10.0.0.0/8)");
	range->prefix = (unsigned int)(128 - most + prefix);
	return true;
}

bool value_addresses(struct expect_reading *r, yaml_node_t *value, void *into)
{
	struct addresses *list = into;

	return read_items(r, value, item_address, sizeof(*list->items), &list->items, &list->num);
}

static int hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 :
	       c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* 64 digits, with or without colons between the bytes. */
static bool from_hex(const char *text, uint8_t out[32])
{
	size_t i;

	for (i = 0; i < 32; i++) {
		if (i > 0 && *text == ':')
			text++;
		if (hex_digit(text[0]) < 0 || hex_digit(text[1]) < 0)
			return false;
		out[i] = (uint8_t)(hex_digit(text[0]) << 4 | hex_digit(text[1]));
		text += 2;
	}
	return *text == '\0';
}

/* 32 bytes are 44 characters, the last a =. */
static bool from_base64(const char *text, uint8_t out[32])
{
	uint8_t bytes[33];

	if (strlen(text) != 44 || text[43] != '=' || strchr(text, '=') != text + 43 ||
	    EVP_DecodeBlock(bytes, (const unsigned char *)text, 44) != 33)
		return false;
	memcpy(out, bytes, 32);
	return true;
}

static bool item_hash(struct expect_reading *r, const yaml_node_t *node, const char *text, void *item)
{
	static const char *const prefixes[] = { "sha256:", "sha256/", "sha256//", "pin-sha256=" };
	const char *rest = text;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(prefixes); i++)
		if (strncasecmp(text, prefixes[i], strlen(prefixes[i])) == 0)
			rest = text + strlen(prefixes[i]);
	return from_hex(rest, item) || from_base64(rest, item) ||
	       complain_value(r, node, "a SHA-256: 64 hex digits, or 44 characters of base64");
}

bool value_hashes(struct expect_reading *r, yaml_node_t *value, void *into)
{
	struct hashes *list = into;

	return read_items(r, value, item_hash, sizeof(*list->items), &list->items, &list->num);
}

bool value_days(struct expect_reading *r, yaml_node_t *value, void *into)
{
	const char *text = scalar(r, value), *end;
	unsigned long days;

	if (!text)
		return false;
	if (!number(text, '\0', DAYS_MAX, &days, &end))
		return complain_value(r, value, "a number of days");
	*(long *)into = (long)days;
	return true;
}

/* --- keys and digests */

static bool find_kind(const char *name, size_t len, enum x509_key *out)
{
	int kind;

	for (kind = X509_KEY_RSA; kind <= X509_KEY_SM2; kind++) {
		const char *known = x509_key_name((enum x509_key)kind);

		if (strlen(known) != len || strncasecmp(known, name, len) != 0)
			continue;
		*out = (enum x509_key)kind;
		return true;
	}
	return false;
}

/* "rsa 2048", "ed25519" */
static bool item_key(struct expect_reading *r, const yaml_node_t *node, const char *text, void *item)
{
	size_t len = strcspn(text, " ");
	struct key_floor *floor = item;
	unsigned long bits = 0;
	const char *end;

	if (!find_kind(text, len, &floor->kind))
		return complain_value(r, node, "a key: rsa 2048, ec 256, ed25519, ed448, ml-dsa, dsa, sm2, gost");
	if (text[len] == ' ' && !number(text + len + 1, '\0', KEY_BITS_MAX, &bits, &end))
		return complain_value(r, node, "a kind of key and its least number of bits: rsa 2048");
	floor->bits = (unsigned int)bits;
	return true;
}

bool value_keys(struct expect_reading *r, yaml_node_t *value, void *into)
{
	struct key_floors *list = into;

	return read_items(r, value, item_key, sizeof(*list->items), &list->items, &list->num);
}

static bool item_digest(struct expect_reading *r, const yaml_node_t *node, const char *text, void *item)
{
	static const char *const known[] = {
		"md2", "md4", "md5", "sha1", "sha224", "sha256", "sha384", "sha512",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(known); i++)
		if (strcmp(text, known[i]) == 0)
			return item_text(r, node, text, item);
	return complain_value(r, node, "a hash: md2, md4, md5, sha1, sha224, sha256, sha384, sha512");
}

bool value_digests(struct expect_reading *r, yaml_node_t *value, void *into)
{
	struct texts *list = into;

	return read_items(r, value, item_digest, sizeof(*list->items), &list->items, &list->num);
}

bool value_severity(struct expect_reading *r, yaml_node_t *value, void *into)
{
	const char *text = scalar(r, value);
	enum severity found;

	if (!text)
		return false;
	if (!severity_find(text, &found) || (found != SEVERITY_CRITICAL && found != SEVERITY_WARNING))
		return complain_value(r, value, "critical or warning");
	*(enum severity *)into = found;
	return true;
}

bool value_undeclared(struct expect_reading *r, yaml_node_t *value, void *into)
{
	const char *text = scalar(r, value);
	enum severity found;

	if (!text)
		return false;
	if (!severity_find(text, &found) || found == SEVERITY_UNKNOWN)
		return complain_value(r, value, "critical, warning or ok");
	*(enum severity *)into = found;
	return true;
}
