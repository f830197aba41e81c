/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file: bounds first, then libyaml's document, then one table for each kind of mapping. What is
 * not in a table is an error.
 */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "parsers/text.h"
#include "userspace/check/expect_parts.h"

#define RULES_MAX 10000
#define KEYS_MAX 16              /* of the largest table */

struct key {
	const char *name;
	expect_value_fn *read;
	size_t offset;               /* in the struct that is filled */
};

struct table {
	const char *what;
	const struct key *keys;
	size_t num;
	bool has_lines;              /* the struct is a struct present: lines[] by place in this table */
};

#define TABLE(what, keys, ...) { what, keys, ARRAY_SIZE(keys), __VA_ARGS__ }

/* --- keys */

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Levenshtein's distance; words longer than 31 are far from everything. */
static size_t distance(const char *a, const char *b)
{
	size_t row[32], len = strlen(b), before, diagonal, i, k;

	if (len >= ARRAY_SIZE(row) || strlen(a) >= ARRAY_SIZE(row))
		return SIZE_MAX;
	for (k = 0; k <= len; k++)
		row[k] = k;
	for (i = 1; a[i - 1]; i++) {
		diagonal = row[0];
		row[0] = i;
		for (k = 1; k <= len; k++) {
			before = row[k];
			row[k] = least(diagonal + (a[i - 1] != b[k - 1]), least(row[k], row[k - 1]) + 1);
			diagonal = before;
		}
	}
	return row[len];
}

static bool complain_unknown(struct expect_reading *r, const yaml_node_t *key, const struct table *t)
{
	const char *name = (const char *)key->data.scalar.value, *near = NULL;
	size_t best = 3, found, i;
	char shown[128];

	for (i = 0; i < t->num; i++) {
		found = distance(name, t->keys[i].name);
		if (found < best && found < strlen(t->keys[i].name)) {
			best = found;
			near = t->keys[i].name;
		}
	}
	text_safe(bytes_of(name, key->data.scalar.length), shown, sizeof(shown));
	if (near)
		return expect_complain(r, expect_line(key), "unknown key \"%s\" (did you mean \"%s\"?)", shown, near);
	return expect_complain(r, expect_line(key), "unknown key \"%s\" in %s", shown, t->what);
}

static bool find_key(struct expect_reading *r, const yaml_node_t *key, const struct table *t, size_t *out)
{
	size_t i;

	if (key->type != YAML_SCALAR_NODE)
		return expect_complain(r, expect_line(key), "a key of %s must be a word", t->what);
	for (i = 0; i < t->num; i++) {
		if (strlen(t->keys[i].name) != key->data.scalar.length ||
		    memcmp(key->data.scalar.value, t->keys[i].name, key->data.scalar.length) != 0)
			continue;
		*out = i;
		return true;
	}
	return complain_unknown(r, key, t);
}

static bool read_mapping(struct expect_reading *r, yaml_node_t *node, const struct table *t, void *into)
{
	unsigned int lines[KEYS_MAX] = { 0 };
	yaml_node_pair_t *pair;
	yaml_node_t *key;
	size_t i = 0;

	if (node->type != YAML_MAPPING_NODE)
		return expect_complain(r, expect_line(node), "%s must be a mapping, `key: value`", t->what);
	for (pair = node->data.mapping.pairs.start; pair < node->data.mapping.pairs.top; pair++) {
		key = yaml_document_get_node(r->document, pair->key);
		if (!find_key(r, key, t, &i))
			return false;
		if (lines[i])
			return expect_complain(r, expect_line(key), "duplicate key \"%s\", it is on line %u too",
					       t->keys[i].name, lines[i]);
		lines[i] = expect_line(key);
		if (!t->keys[i].read(r, yaml_document_get_node(r->document, pair->value),
				     (char *)into + t->keys[i].offset))
			return false;
	}
	if (t->has_lines)
		memcpy(((struct present *)into)->lines, lines, sizeof(((struct present *)into)->lines));
	return true;
}

/* --- the tables */

static const struct key where_keys[] = {
	{ "name", value_texts, offsetof(struct where, name) },
	{ "port", value_ports, offsetof(struct where, port) },
	{ "address", value_addresses, offsetof(struct where, address) },
	{ "transport", value_texts, offsetof(struct where, transport) },
	{ "unit", value_texts, offsetof(struct where, unit) },
	{ "process", value_texts, offsetof(struct where, process) },
	{ "container", value_texts, offsetof(struct where, container) },
	{ "carrier", value_texts, offsetof(struct where, carrier) },
};

/* By enum present_key, as far as `lines` counts. */
static const struct key present_keys[NUM_PRESENT_KEYS] = {
	[PRESENT_FINGERPRINT] = { "fingerprint", value_hashes, offsetof(struct present, fingerprint) },
	[PRESENT_SPKI] = { "spki", value_hashes, offsetof(struct present, spki) },
	[PRESENT_ISSUER] = { "issuer", value_texts, offsetof(struct present, issuer) },
	[PRESENT_NAMES] = { "names", value_texts, offsetof(struct present, names) },
	[PRESENT_MIN_DAYS] = { "min-days", value_days, offsetof(struct present, min_days) },
	[PRESENT_KEY] = { "key", value_keys, offsetof(struct present, key) },
	[PRESENT_SIGNED_WITH] = { "not-signed-with", value_digests, offsetof(struct present, signed_with) },
};

static bool value_not_here(struct expect_reading *r, yaml_node_t *value, void *into)
{
	(void)into;
	return expect_complain(r, expect_line(value), "min-days and key belong in `expect`, not in `deny`");
}

static const struct key denied_keys[NUM_PRESENT_KEYS] = {
	[PRESENT_FINGERPRINT] = { "fingerprint", value_hashes, offsetof(struct present, fingerprint) },
	[PRESENT_SPKI] = { "spki", value_hashes, offsetof(struct present, spki) },
	[PRESENT_ISSUER] = { "issuer", value_texts, offsetof(struct present, issuer) },
	[PRESENT_NAMES] = { "names", value_texts, offsetof(struct present, names) },
	[PRESENT_MIN_DAYS] = { "min-days", value_not_here, 0 },
	[PRESENT_KEY] = { "key", value_not_here, 0 },
	[PRESENT_SIGNED_WITH] = { "signed-with", value_digests, offsetof(struct present, signed_with) },
};

static bool value_where(struct expect_reading *r, yaml_node_t *value, void *into)
{
	static const struct table table = TABLE("`where`", where_keys, false);
	struct rule *rule = into;

	rule->has_where = value->type == YAML_MAPPING_NODE &&
			  value->data.mapping.pairs.top > value->data.mapping.pairs.start;
	return read_mapping(r, value, &table, &rule->where);
}

static bool value_present(struct expect_reading *r, yaml_node_t *value, void *into)
{
	static const struct table table = TABLE("`present`", present_keys, true);
	struct rule *rule = into;

	rule->has_present = true;
	return read_mapping(r, value, &table, &rule->present);
}

static bool value_denied(struct expect_reading *r, yaml_node_t *value, void *into)
{
	static const struct table table = TABLE("`present` of `deny`", denied_keys, true);
	struct rule *rule = into;

	rule->has_present = true;
	return read_mapping(r, value, &table, &rule->present);
}

static const struct key expect_keys[] = {
	{ "where", value_where, 0 },
	{ "present", value_present, 0 },
	{ "severity", value_severity, offsetof(struct rule, severity) },
	{ "reason", value_text, offsetof(struct rule, reason) },
};

static const struct key deny_keys[] = {
	{ "where", value_where, 0 },
	{ "present", value_denied, 0 },
	{ "severity", value_severity, offsetof(struct rule, severity) },
	{ "reason", value_text, offsetof(struct rule, reason) },
};

static bool read_rules(struct expect_reading *r, yaml_node_t *list, const struct table *table, struct rules *out)
{
	yaml_node_item_t *item;
	yaml_node_t *node;
	struct rule *rule;
	size_t num;

	if (list->type != YAML_SEQUENCE_NODE)
		return expect_complain(r, expect_line(list), "%s must be a list of rules, each behind a `-`", table->what);
	num = (size_t)(list->data.sequence.items.top - list->data.sequence.items.start);
	if (num > RULES_MAX)
		return expect_complain(r, expect_line(list), "more than %d rules", RULES_MAX);
	if (!expect_allocate(r, num, sizeof(*out->items), &out->items))
		return false;
	for (item = list->data.sequence.items.start; item < list->data.sequence.items.top; item++) {
		node = yaml_document_get_node(r->document, *item);
		rule = &out->items[out->num++];
		rule->line = expect_line(node);
		rule->severity = SEVERITY_CRITICAL;
		if (!read_mapping(r, node, table, rule))
			return false;
		if (!rule->has_where && !rule->has_present)
			return expect_complain(r, rule->line, "a rule needs `where` or `present`");
	}
	return true;
}

static bool value_expect(struct expect_reading *r, yaml_node_t *value, void *into)
{
	static const struct table table = TABLE("a rule of `expect`", expect_keys, false);

	return read_rules(r, value, &table, into);
}

static bool value_deny(struct expect_reading *r, yaml_node_t *value, void *into)
{
	static const struct table table = TABLE("a rule of `deny`", deny_keys, false);

	return read_rules(r, value, &table, into);
}

static bool value_policy(struct expect_reading *r, yaml_node_t *value, void *into)
{
	struct expect *e = into;

	e->undeclared_line = expect_line(value);
	return value_undeclared(r, value, &e->undeclared);
}

static const struct key file_keys[] = {
	{ "undeclared", value_policy, 0 },
	{ "expect", value_expect, offsetof(struct expect, expect) },
	{ "deny", value_deny, offsetof(struct expect, deny) },
};

static bool read_document(struct expect_reading *r, struct expect *e)
{
	static const struct table table = TABLE("the file", file_keys, false);
	yaml_node_t *root = yaml_document_get_root_node(r->document);

	if (!root)
		return expect_complain(r, 1, "the file is empty");
	if (!read_mapping(r, root, &table, e))
		return false;
	if (expect_num_rules(e) == 0)
		return expect_complain(r, expect_line(root), "neither `expect` nor `deny` has a rule");
	return true;
}

/* --- the document */

static bool check_end(struct expect_reading *r, yaml_parser_t *parser)
{
	yaml_document_t second;
	const yaml_node_t *root;
	bool fine = true;

	if (!yaml_parser_load(parser, &second))
		return expect_complain_yaml(r, parser);
	root = yaml_document_get_root_node(&second);
	if (root)
		fine = expect_complain(r, expect_line(root), "a second document begins (---)");
	yaml_document_delete(&second);
	return fine;
}

static bool load(struct expect_reading *r, struct bytes text, struct expect *e)
{
	yaml_document_t document;
	yaml_parser_t parser;
	bool fine = false;

	if (!yaml_parser_initialize(&parser))
		return expect_complain(r, 1, "out of memory");
	yaml_parser_set_input_string(&parser, text.data, text.len);
	if (!yaml_parser_load(&parser, &document)) {
		expect_complain_yaml(r, &parser);
	} else {
		r->document = &document;
		fine = read_document(r, e) && check_end(r, &parser);
		yaml_document_delete(&document);
	}
	yaml_parser_delete(&parser);
	return fine;
}

/* --- the whole */

int expect_parse(struct bytes text, const char *name, struct expect **out, char *why, size_t why_size)
{
	struct expect_reading r = { .name = name, .why = why, .why_size = why_size };
	struct expect *e = calloc(1, sizeof(*e));

	snprintf(why, why_size, "%s: out of memory", name);
	if (!e || !(e->name = strdup(name))) {
		expect_free(e);
		return -ENOMEM;
	}
	if (!expect_check_bounds(&r, text) || !load(&r, text, e)) {
		expect_free(e);
		return r.no_memory ? -ENOMEM : -EINVAL;
	}
	why[0] = '\0';
	*out = e;
	return 0;
}

/* Up to one byte more than may be, so that too long shows. */
static ssize_t read_all(int fd, uint8_t *data, size_t size)
{
	size_t len = 0;
	ssize_t n;

	while (len < size && (n = read(fd, data + len, size - len)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		len += (size_t)n;
	}
	return (ssize_t)len;
}

int expect_read(const char *path, struct expect **out, char *why, size_t why_size)
{
	uint8_t *data = malloc(EXPECT_FILE_MAX + 1);
	int fd = open(path, O_RDONLY | O_CLOEXEC), err;
	ssize_t len;

	len = fd < 0 ? -errno : !data ? -ENOMEM : read_all(fd, data, EXPECT_FILE_MAX + 1);
	if (len > (ssize_t)EXPECT_FILE_MAX)
		len = -EFBIG;
	if (len < 0) {
		snprintf(why, why_size, "%s: %s", path, strerror((int)-len));
		err = (int)len;
	} else {
		err = expect_parse(bytes_of(data, (size_t)len), path, out, why, why_size);
	}
	if (fd >= 0)
		close(fd);
	free(data);
	return err;
}

size_t expect_num_rules(const struct expect *e)
{
	return e->expect.num + e->deny.num;
}

static void free_texts(struct texts *t)
{
	size_t i;

	for (i = 0; i < t->num; i++)
		free(t->items[i]);
	free(t->items);
}

static void free_rules(struct rules *rules)
{
	size_t i, k;

	for (i = 0; i < rules->num; i++) {
		struct rule *r = &rules->items[i];
		struct texts *all[] = {
			&r->where.name, &r->where.transport, &r->where.unit, &r->where.process,
			&r->where.container, &r->where.carrier,
			&r->present.issuer, &r->present.names, &r->present.signed_with,
		};

		for (k = 0; k < ARRAY_SIZE(all); k++)
			free_texts(all[k]);
		free(r->where.port.items);
		free(r->where.address.items);
		free(r->present.fingerprint.items);
		free(r->present.spki.items);
		free(r->present.key.items);
		free(r->reason);
	}
	free(rules->items);
}

void expect_free(struct expect *e)
{
	if (!e)
		return;
	free_rules(&e->expect);
	free_rules(&e->deny);
	free(e->name);
	free(e);
}
