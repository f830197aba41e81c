/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The NSS key log format (RFC 9850), as SSLKEYLOGFILE and pcapng's secrets blocks have it: one
 * secret a line, `LABEL client-random secret` in hex.
 *
 * Lenient where tools differ: line ends of either kind, several blanks, upper or lower case hex. A
 * line that is not understood never stops the reading; it is counted.
 */
#ifndef CERTTAP_KEYLOG_H
#define CERTTAP_KEYLOG_H

#include "parsers/bytes.h"

#define KEYLOG_RANDOM_LEN 32
#define KEYLOG_SECRET_MAX 64      /* bytes; an ECH_CONFIG may have KEYLOG_VALUE_MAX */
#define KEYLOG_VALUE_MAX 512
#define KEYLOG_LINE_MAX 1280      /* bytes of a line; longer ones are passed over */

enum keylog_label {
	KEYLOG_CLIENT_RANDOM,                   /* master secret up to TLS 1.2: 48 bytes */
	KEYLOG_CLIENT_HANDSHAKE_TRAFFIC_SECRET,
	KEYLOG_SERVER_HANDSHAKE_TRAFFIC_SECRET,
	KEYLOG_CLIENT_TRAFFIC_SECRET_0,
	KEYLOG_SERVER_TRAFFIC_SECRET_0,
	KEYLOG_CLIENT_EARLY_TRAFFIC_SECRET,
	KEYLOG_EXPORTER_SECRET,
	KEYLOG_EARLY_EXPORTER_SECRET,
	KEYLOG_ECH_SECRET,                      /* client random: that of the outer ClientHello */
	KEYLOG_ECH_CONFIG,                      /* not a secret: an ECHConfig */
	KEYLOG_NUM_LABELS,
};

/* The label as RFC 9850 writes it. */
const char *keylog_label_name(enum keylog_label label);

/* Whoever keeps one copies secret_len bytes of it, and wipes them. */
struct keylog_entry {
	enum keylog_label label;
	uint8_t client_random[KEYLOG_RANDOM_LEN];
	uint16_t secret_len;
	uint8_t secret[KEYLOG_VALUE_MAX];
};

enum keylog_line {
	KEYLOG_ENTRY,
	KEYLOG_NOTHING,       /* blank, or a comment */
	KEYLOG_RSA,           /* "RSA ...": no client random, nothing to join it by */
	KEYLOG_UNKNOWN,       /* a label that is not in the list */
	KEYLOG_MALFORMED,     /* a known label, but not its fields */
};

/* One line, with or without its end. `out` is set on KEYLOG_ENTRY only. */
enum keylog_line keylog_line_parse(struct bytes line, struct keylog_entry *out);

/* Reads a text that comes in pieces of any size, such as a file that grows. */
struct keylog {
	uint8_t line[KEYLOG_LINE_MAX];      /* a line that is not complete yet */
	size_t line_len;
	bool overlong;                      /* in the middle of a line that is passed over */
	uint64_t num_entries, num_rsa, num_unknown, num_malformed, num_overlong;
};

void keylog_init(struct keylog *k);

/* Wipes what it holds. */
void keylog_fini(struct keylog *k);

/*
 * Takes from `in` up to the end of the next line that is an entry. PARSE_OK: `out` is set, call
 * again. PARSE_MORE: `in` is used up; the last line may be unfinished, and waits for its end. Never
 * PARSE_BAD.
 */
enum parse keylog_feed(struct keylog *k, struct bytes *in, struct keylog_entry *out);

/* There will be no more text: PARSE_OK if the last line, which had no end, is an entry. */
enum parse keylog_finish(struct keylog *k, struct keylog_entry *out);

#endif
