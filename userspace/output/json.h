/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A streaming JSON writer (RFC 8259): one object after another, no tree in between. Misuse is not
 * possible to express much: commas are kept by the writer, keys are C literals, and all text is escaped here.
 */
#ifndef CERTTAP_JSON_H
#define CERTTAP_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "parsers/bytes.h"

struct json {
	FILE *out;
	bool need_comma;
};

/* `key` is NULL inside arrays and for the outermost object. */
void json_object(struct json *j, const char *key);
void json_object_end(struct json *j);
void json_array(struct json *j, const char *key);
void json_array_end(struct json *j);

/* Text that is UTF-8 and safe already (text_safe(), names of ours). */
void json_string(struct json *j, const char *key, const char *value);
/* Bytes of strangers: made safe by text_safe() first. */
void json_bytes(struct json *j, const char *key, struct bytes value);
void json_hex(struct json *j, const char *key, const uint8_t *data, size_t len, bool upper);
void json_unsigned(struct json *j, const char *key, uint64_t value);
void json_signed(struct json *j, const char *key, int64_t value);
void json_bool(struct json *j, const char *key, bool value);
/* RFC 3339, UTC. */
void json_time_ns(struct json *j, const char *key, uint64_t unix_ns);
void json_time_s(struct json *j, const char *key, int64_t unix_s);

/* The newline between objects; returns false when writing failed. */
bool json_line_end(struct json *j);

#endif
