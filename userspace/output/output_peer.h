/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the outputs in the shapes of other sensors (Zeek, Suricata) share: one connection that
 * stands for a row, and facts taken from the row.
 *
 * Those sensors write a record for each connection, a row may stand for many: it is told as its
 * first sighting's time and its last client's address, with the newest version, suite and name.
 * With --every a row is one sighting, and nothing is summed.
 */
#ifndef CERTTAP_OUTPUT_PEER_H
#define CERTTAP_OUTPUT_PEER_H

#include "parsers/community_id.h"
#include "userspace/output/output.h"

#define PEER_UID_SIZE 19 /* "C", 17 letters and digits, and a zero */

/* Made from the Community ID and the start: each run of certtap gives the same ones. */
struct peer_flow {
	char community_id[COMMUNITY_ID_SIZE];
	char uid[PEER_UID_SIZE]; /* in the shape of Zeek's */
	uint64_t number;	 /* in that of Suricata's: below 2^51, exact in any JSON reader */
};

struct json;

/* The two outputs. */
extern const struct output_ops output_zeek, output_eve;

void peer_flow_of(const struct ledger_row *row, struct peer_flow *out);

/* The newest of the row: 0, NULL or "" where there is none. */
uint16_t peer_version(const struct ledger_row *row);
uint16_t peer_cipher(const struct ledger_row *row);
const struct server_name *peer_server_name(const struct ledger_row *row);
struct bytes peer_alpn(const struct ledger_row *row);
const struct alert *peer_alert(const struct output_event *e);

/* Hex; "" where the row carries none. */
const char *peer_ja3(const struct ledger_row *row);
const char *peer_ja3s(const struct ledger_row *row);
const char *peer_ja4(const struct ledger_row *row);

/* Are there fields beside the hash? */
bool peer_readable(const struct x509 *x);

/* A subjectAltName as an array's element: an address as text, other kinds as they are. */
void peer_put_san(struct json *j, const struct x509_san *san);

/* The object "certtap": what those sensors have no name for. */
void peer_put_certtap(struct json *j, const struct output_event *e);

#endif
