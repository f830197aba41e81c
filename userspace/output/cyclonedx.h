/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A CycloneDX 1.6 bill of materials (ECMA-424) of the certificates that were really presented: each one as a
 * cryptographic asset, with its public key and its algorithms as assets of their own, and as evidence the endpoints
 * and processes that presented it.
 *
 * Written as it is asked for: memory grows with the number of distinct keys and algorithms alone.
 */
#ifndef CERTTAP_CYCLONEDX_H
#define CERTTAP_CYCLONEDX_H

#include <stdio.h>

#include "parsers/x509.h"

/* Texts are safe text (text_safe()); NULL or "" where something is not known. */
struct cyclonedx_certificate {
	uint8_t sha256[32];
	bool spki_known;
	uint8_t spki_sha256[32];
	const char *subject, *subject_cn, *issuer;
	const uint8_t *serial;           /* as in struct x509 */
	size_t serial_len;
	struct x509_time not_before, not_after;
	enum x509_key key;
	unsigned int key_bits;
	const char *curve, *signature_algorithm;
};

/* Borrows from `x`. */
void cyclonedx_certificate_of(const struct x509 *x, struct cyclonedx_certificate *out);

struct cyclonedx_endpoint {
	const char *transport;           /* "tcp", "udp" */
	const char *address;             /* "192.0.2.21", "2001:db8::1" */
	uint16_t port;
	const char *role;                /* "server", "client": who presented it */
	const char *server_name, *carrier, *process, *unit, *container;
	uint64_t sightings;
	int64_t first_s, last_s;         /* unix time; both 0: not known */
};

/*
 * Where they come from: each certificate once, and after each its endpoints. Both return 1 with *out, which must stay
 * until the next call of either, 0 at the end, or a negative errno, which ends it all.
 */
struct cyclonedx_source {
	void *context;
	int (*next_certificate)(void *context, struct cyclonedx_certificate *out);
	int (*next_endpoint)(void *context, struct cyclonedx_endpoint *out);
};

struct cyclonedx_options {
	const char *version;             /* of certtap */
	const char *host;                /* that observed; NULL: not told */
	int64_t now_s;
	uint8_t uuid[16];                /* random; all zeros: the bill has no serial number */
};

/* Returns 0, -ENOMEM, -EIO when writing failed, or what the source returned; then what was written is of no use. */
int cyclonedx_write(const struct cyclonedx_source *source, const struct cyclonedx_options *options, FILE *out);

#endif
