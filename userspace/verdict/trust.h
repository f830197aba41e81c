/* SPDX-License-Identifier: Apache-2.0 */
/* The trust store that chains are judged by (verdict.h). */
#ifndef CERTTAP_TRUST_H
#define CERTTAP_TRUST_H

#include <stddef.h>

struct trust;

/*
 * Reads the roots: of `ca_file` (PEM), or with NULL those of this host (SSL_CERT_FILE, SSL_CERT_DIR, OpenSSL's own
 * places, then where distributions keep a bundle). All at once, since a confined process opens nothing later.
 * Returns 0, the caller frees with trust_free(); -ENOENT, -EBADMSG (no certificate in it), -ENOMEM, with `why`.
 */
int trust_open(const char *ca_file, struct trust **out, char *why, size_t why_size);
void trust_free(struct trust *t);
/* How many roots, and where they came from. */
size_t trust_num(const struct trust *t);
const char *trust_origin(const struct trust *t);

#endif
