/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Strangers' text (names in certificates, SNI, ALPN, host names) on its way to people. Everything
 * that came from the network passes through here before any output sees it.
 *
 * "Safe" text is UTF-8 that can be shown on a terminal and in a log: C0 and C1 controls, DEL,
 * bidirectional and invisible characters (U+061C, U+200B-200F, U+202A-202E, U+2060-2069, U+FEFF,
 * U+FFF9-FFFB, tags U+E0000-E007F), line separators (U+2028/9), noncharacters and bytes that are
 * not UTF-8 become \xHH, byte by byte; a backslash becomes \\.
 */
#ifndef CERTTAP_TEXT_H
#define CERTTAP_TEXT_H

#include "parsers/bytes.h"

/*
 * Writes `in` as safe text. `out` is NUL-terminated and, when it had to be cut, ends in "...";
 * neither a character nor an escape is ever split. Returns the length written. size >= 8.
 */
size_t text_safe(struct bytes in, char *out, size_t size);

/* The name of a file, an interface or a program, for a message: `out`, with the name as safe text. size >= 8. */
const char *text_name(const char *name, char *out, size_t size);

/*
 * The same piece by piece, for text that is put together. A piece that does not fit cuts the text:
 * it then ends in "..." and takes nothing more. `out` is NUL-terminated all the time.
 */
struct text {
	char *out;
	size_t size;
	size_t len;
	size_t keep;    /* where the text can be cut and still take the "..." */
	bool cut;
};

void text_start(struct text *text, char *out, size_t size);       /* size >= 8 */
void text_put(struct text *text, const char *piece);              /* trusted text, as it is */
void text_put_char(struct text *text, uint32_t code_point);       /* made safe; <= U+10FFFF */
void text_put_byte(struct text *text, uint8_t byte);              /* \xHH */

/* Takes one well-formed UTF-8 character (RFC 3629: shortest form, no surrogates) from the front. */
MUST_CHECK bool text_take_char(struct bytes *in, uint32_t *code_point);

/*
 * "192.0.2.1", "2001:db8::1" or "02:00:5e:10:00:01" from 16 octets (struct ip_address in packet.h).
 * size >= 46.
 */
void text_address(const uint8_t octets[16], char *out, size_t size);

/* Lower- or upper-case hex; out holds 2 * len + 1. */
void text_hex(const uint8_t *data, size_t len, bool upper, char *out);

/* "2026-11-24T22:10:23.123456Z" (RFC 3339, UTC); size >= 32. Any 64-bit nanosecond value. */
void text_time(uint64_t unix_ns, char *out, size_t size);

/*
 * The same from whole seconds, may be before 1970: "1969-12-31T23:59:59Z". Years 0000-9999;
 * beyond, clamped.
 */
void text_time_s(int64_t unix_s, char *out, size_t size);

#endif
