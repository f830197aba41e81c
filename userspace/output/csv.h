/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Comma-separated values (RFC 4180): lines end in CR LF, and a field with a comma, a quote or a line break stands in
 * quotes, with each quote doubled.
 *
 * Safe to open in a spreadsheet. A text that a spreadsheet would run as a formula gets an apostrophe in front: one
 * that begins with = + - @, their full-width forms, TAB, CR or LF (OWASP ASVS 5.0, 1.2.10). The apostrophe is data:
 * who reads the file by program takes it off in front of these characters. Numbers are ours and have none.
 */
#ifndef CERTTAP_CSV_H
#define CERTTAP_CSV_H

#include <stdio.h>

#include "parsers/bytes.h"

struct csv {
	FILE *out;
	bool need_comma;
};

/* Text that is UTF-8 and safe already (text_safe(), names of ours). */
void csv_string(struct csv *csv, const char *value);
/* Bytes of strangers: made safe by text_safe() first. */
void csv_bytes(struct csv *csv, struct bytes value);
/* Lower-case hex; at most 64 bytes of it. */
void csv_hex(struct csv *csv, const uint8_t *data, size_t len);
void csv_unsigned(struct csv *csv, uint64_t value);
void csv_signed(struct csv *csv, int64_t value);
/* RFC 3339, UTC. */
void csv_time_ns(struct csv *csv, uint64_t unix_ns);
void csv_time_s(struct csv *csv, int64_t unix_s);
/* One field of several texts, bytes of strangers, with a space between them; a space inside one is \x20. */
void csv_list(struct csv *csv, const struct bytes *items, size_t num);

/* The end of a record; false when writing failed. */
bool csv_line_end(struct csv *csv);

#endif
