/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --pem DIR: each distinct certificate once, as <sha256>.pem (RFC 7468). A file appears whole, by rename;
 * one that is there already is replaced by the same bytes.
 */
#ifndef CERTTAP_PEM_H
#define CERTTAP_PEM_H

#include <stdio.h>

#include "userspace/ledger/chain.h"

struct pem_writer {
	int dir_fd;
	const char *dir;         /* borrowed */
	uint64_t written, failed;
	int last_errno;          /* of the last failure */
};

/* Makes the directory if it is missing. Returns 0 or a negative errno; call before the sandbox closes. */
int pem_open(struct pem_writer *w, const char *dir);
void pem_close(struct pem_writer *w);

/* A chain_new_certificate_fn. The first one that cannot be written is told on stderr at once. */
void pem_write(void *writer, const struct certificate *certificate);

/* A line where certificates could not be written; false then. */
bool pem_report(const struct pem_writer *w, FILE *out);

/* One certificate as text, into any stream. False: writing failed, or no memory. */
bool pem_put(FILE *out, struct bytes der);

#endif
