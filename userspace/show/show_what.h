/* SPDX-License-Identifier: Apache-2.0 */
/* What people type for `certtap show`: endpoints, times, findings, and what stands for a certificate. Pure. */
#ifndef CERTTAP_SHOW_WHAT_H
#define CERTTAP_SHOW_WHAT_H

#include "userspace/ledger/sighting.h"

#define SHOW_PREFIX_MIN 4        /* hex digits of a SHA-256 */

/* "192.0.2.1", "2001:db8::1", "02:00:5e:10:00:01" (a station's) */
MUST_CHECK bool show_parse_address(const char *text, struct ip_address *out);

/* "443", "443/tcp" */
struct show_port {
	uint16_t port;
	bool by_transport;
	enum transport transport;
	bool by_zone;                    /* show_parse_place() alone: the network namespace of a loopback address */
	uint32_t zone;
};

MUST_CHECK bool show_parse_port(const char *text, struct show_port *out);

/* "192.0.2.1:443", "[2001:db8::1]:443/udp", "127.0.0.1%7:443"; a station's MAC address, without a port */
MUST_CHECK bool show_parse_place(const char *text, struct ip_address *address, struct show_port *out);

/*
 * "90s", "2h", "3d", "1w": so long before now; or ISO 8601: "2026-11-24", "2026-11-24T22:10", "2026-11-24 22:10:23.5Z",
 * "2026-11-24T22:10:23+01:00"; UTC where no zone is named. Not before 1970.
 */
MUST_CHECK bool show_parse_time(const char *text, uint64_t now_ns, uint64_t *out_ns);

/* One name or several, with commas between: "expired,weak-key". Bits of enum finding. */
MUST_CHECK bool show_parse_findings(const char *text, unsigned int *out);

/*
 * Hex digits, with colons between or not, that may be a SHA-256, its beginning, or a serial number: which, only the
 * store can tell. Everything else is a name.
 */
struct show_hex {
	size_t num_digits;
	uint8_t first[32], last[32];     /* the lowest and the highest SHA-256 that begin so; from SHOW_PREFIX_MIN on */
	uint8_t serial[32];              /* without zeros in front, zero is one byte */
	size_t serial_len;
};

/* False: other characters, none, or more than 64 digits. */
MUST_CHECK bool show_parse_hex(const char *text, struct show_hex *out);

/*
 * The certificates in the text of a PEM file, or the one of a DER file. `der` is overwritten: it holds the decoded
 * bytes, one after the other. Returns how many were found, at most `max`.
 */
size_t show_parse_certificates(struct bytes file, uint8_t *der, struct bytes *out, size_t max);

#endif
