/* SPDX-License-Identifier: Apache-2.0 */
/* The parts that a verdict is made of. Only userspace/verdict*.c and their tests include this. */
#ifndef CERTTAP_VERDICT_PARTS_H
#define CERTTAP_VERDICT_PARTS_H

#include "userspace/verdict/verdict.h"

#define VERDICT_DEPTH_MAX 10             /* intermediates followed */
#define VERDICT_CANDIDATES_MAX 32        /* certificates of a chain that OpenSSL is given */
#define VERDICT_CANDIDATE_BYTES (512u << 10)
#define VERDICT_OBJECTIONS_MAX 32

/* verdict_vet.c: what OpenSSL may see. */

enum unfit {
	FIT,
	UNFIT_UNREAD,            /* not, or not without a doubt, a certificate; longer than X509_FULL_PARSE_MAX */
	UNFIT_KEY_KIND,
	UNFIT_KEY_SIZE,
	UNFIT_EXTENSIONS,        /* too many */
	UNFIT_EXTENSION_SIZE,    /* one of those that the verification takes apart */
	UNFIT_TOO_MANY,          /* more certificates or bytes than are looked at */
	NUM_UNFIT,
};

enum unfit verdict_vet(const struct x509 *cert);
const char *unfit_text(enum unfit unfit);

/* verdict_name.c */

#define VERDICT_HOST_SIZE 256

/*
 * The name asked for as x509_names() wants it: labels beyond ASCII as A-labels (RFC 3492; nothing is mapped or folded:
 * the letters are taken as they are). False: it can be no host's name.
 */
MUST_CHECK bool verdict_host(struct bytes name, char out[VERDICT_HOST_SIZE]);

/* trust.c */

struct trust_question {
	const struct trust *trust;
	struct bytes ders[VERDICT_CANDIDATES_MAX];   /* the leaf first */
	int places[VERDICT_CANDIDATES_MAX];          /* in the chain */
	size_t num;
	enum role role;
	int64_t at_s;
};

struct trust_objection {
	int error;                       /* X509_V_ERR_* */
	int place;                       /* in the chain; -1: of the trust store */
};

struct trust_answer {
	bool judged;                     /* false: no memory, or a certificate could not be read after all */
	size_t num;                      /* none: it is trusted */
	struct trust_objection objections[VERDICT_OBJECTIONS_MAX];
};

void trust_ask(const struct trust_question *q, struct trust_answer *a);
/* What such an error is called here. */
enum verdict_finding trust_finding(const struct trust_objection *objection);
const char *trust_error_text(int error);

/* verdict.c: `detail` of a note is FIT (nothing), an enum unfit, or this and an X509_V_ERR_*. */
#define VERDICT_DETAIL_OPENSSL 1000

#endif
