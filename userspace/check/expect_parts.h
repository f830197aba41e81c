/* SPDX-License-Identifier: Apache-2.0 */
/* What expect.c reads and expect_match.c applies. Only userspace/expect*.c include this. */
#ifndef CERTTAP_EXPECT_PARTS_H
#define CERTTAP_EXPECT_PARTS_H

#include <yaml.h>

#include "userspace/check/expect.h"

struct texts {
	char **items;
	size_t num;
};

struct port_range {
	uint16_t from, to;
};

struct ports {
	struct port_range *items;
	size_t num;
};

struct address_range {
	uint8_t octets[16];
	unsigned int prefix;             /* bits of these 128 */
};

struct addresses {
	struct address_range *items;
	size_t num;
};

struct hashes {
	uint8_t (*items)[32];
	size_t num;
};

struct key_floor {
	enum x509_key kind;
	unsigned int bits;
};

struct key_floors {
	struct key_floor *items;
	size_t num;
};

struct where {
	struct texts name, transport, unit, process, container, carrier;
	struct ports port;
	struct addresses address;
};

/* Keys of `present`, for the lines of the file where they stand. */
enum present_key {
	PRESENT_FINGERPRINT,
	PRESENT_SPKI,
	PRESENT_ISSUER,
	PRESENT_NAMES,
	PRESENT_MIN_DAYS,
	PRESENT_KEY,
	PRESENT_SIGNED_WITH,             /* not-signed-with in `expect` */
	NUM_PRESENT_KEYS,
};

struct present {
	struct hashes fingerprint, spki;
	struct texts issuer, names, signed_with;
	struct key_floors key;
	long min_days;
	unsigned int lines[NUM_PRESENT_KEYS];    /* 0: it is not there */
};

struct rule {
	struct where where;
	struct present present;
	enum severity severity;
	char *reason;                    /* NULL: none */
	unsigned int line;
	bool has_where, has_present;
	bool matched;
};

struct rules {
	struct rule *items;
	size_t num;
};

struct expect {
	char *name;                      /* of the file */
	struct rules expect, deny;
	enum severity undeclared;
	unsigned int undeclared_line;
};

/* expect_values.c: one value of the file, each by a function of this kind. */

struct expect_reading {
	yaml_document_t *document;
	const char *name;
	char *why;
	size_t why_size;
	bool no_memory;
};

/* False: the error is in r->why. */
typedef bool expect_value_fn(struct expect_reading *r, yaml_node_t *value, void *into);

expect_value_fn value_texts, value_text, value_ports, value_addresses, value_hashes, value_days, value_keys,
	value_digests, value_severity, value_undeclared;

/* expect_bounds.c: depth, length, no aliases. The errors of both are in r->why; the second is always false. */
bool expect_check_bounds(struct expect_reading *r, struct bytes text);
bool expect_complain_yaml(struct expect_reading *r, const yaml_parser_t *parser);

unsigned int expect_line(const yaml_node_t *node);
/* Writes "name:line: " and the text; always false. */
bool expect_complain(struct expect_reading *r, unsigned int line, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* Room for `num` items of that size, or false with the error. */
bool expect_allocate(struct expect_reading *r, size_t num, size_t size, void *items);

#endif
