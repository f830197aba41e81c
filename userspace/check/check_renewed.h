/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --renewed PATH: the certificates that should be presented by now. PEM or DER, a file's first certificate; where that is
 * a CA's and one other is in the file that is not, that one. What names a host (in its alternative names) is no CA's in
 * this sense, as self-signed certificates of servers often say that they are one.
 *
 * Of other blocks of PEM than certificates only the first line is looked at: keys are not decoded.
 */
#ifndef CERTTAP_CHECK_RENEWED_H
#define CERTTAP_CHECK_RENEWED_H

#include <stdio.h>

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
	FILE *notes;                     /* where a line for each file of a folder that is skipped goes; NULL: nowhere */
};

/*
 * Adds those of `path`: a file, or a folder, of which the files count whose names end in .pem, .crt, .cer or .der and
 * that hold a certificate; those that begin with a CA's certificate (chain.pem) or with a private key are skipped. A
 * certificate that is there already counts once. Returns 0, or a negative errno with a line in `why`: also where a file
 * holds no certificate, or a folder not one. `renewed` starts all zero but for `notes`; the caller ends with
 * renewed_fini() in any case.
 */
int renewed_add(struct renewed *renewed, const char *path, char *why, size_t why_size);
/* The same of a file's bytes. -EBADMSG: there is no certificate in them. */
int renewed_add_bytes(struct renewed *renewed, const char *file, struct bytes content);
void renewed_fini(struct renewed *renewed);

#endif
