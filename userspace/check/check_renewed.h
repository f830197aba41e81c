/* SPDX-License-Identifier: Apache-2.0 */
/* --renewed PATH: the certificates that should be presented by now. PEM or DER, a file's first certificate. */
#ifndef CERTTAP_CHECK_RENEWED_H
#define CERTTAP_CHECK_RENEWED_H

#include "parsers/x509.h"
#include "userspace/pieces.h"

#define RENEWED_MAX 4096         /* files */

struct renewed_certificate {
	const char *file;
	struct x509 *x509;       /* its DER stays too */
};

struct renewed {
	struct pieces pieces;
	struct renewed_certificate *certificates;
	size_t num, capacity;
};

/*
 * Adds those of `path`: a file, or a folder, of which the files count whose names end in .pem, .crt, .cer or .der and
 * that hold a certificate; a certificate that is there already counts once. Returns 0, or a negative errno with a line in
 * `why`: also where a file holds no certificate, or a folder not one. `renewed` starts all zero; the caller ends with
 * renewed_fini() in any case.
 */
int renewed_add(struct renewed *renewed, const char *path, char *why, size_t why_size);
/* The same of a file's bytes. -EBADMSG: there is no certificate in them. */
int renewed_add_bytes(struct renewed *renewed, const char *file, struct bytes content);
void renewed_fini(struct renewed *renewed);

#endif
