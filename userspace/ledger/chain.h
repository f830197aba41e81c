/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every distinct certificate and chain, once. A Certificate message that was seen before is known by its
 * bytes: it costs a hash and a comparison, and is neither parsed nor hashed with SHA-256 again.
 */
#ifndef CERTTAP_CHAIN_H
#define CERTTAP_CHAIN_H

#include "parsers/budget.h"
#include "parsers/known.h"
#include "parsers/tls_certificate.h"
#include "parsers/x509.h"

struct certificate {
	uint8_t sha256[32];      /* of the entry as sent, or of what there is of it */
	uint32_t der_len;
	uint8_t *der;            /* NULL: longer than X509_FIELDS_MAX, not kept */
	const struct x509 *x509; /* fields; san[] is cut to san_count entries */
	bool truncated;
	bool loose;              /* of a loose chain alone: freed with it */
};

/*
 * The certificates of one Certificate message, leaf first, as presented. Never empty. The table keeps it for
 * good; when the table is full, a chain is loose: chain_release() frees it, and nothing may keep it longer.
 */
struct chain {
	uint32_t id;             /* counted from 1, in the order first seen; 0: loose */
	uint32_t num;            /* kept in certificates[] */
	uint32_t total;          /* in the message: more than `num` when over the cap */
	bool partial;            /* the message itself was not complete */
	struct chain *next_loose; /* of the same owner */
	const struct certificate *certificates[];
};

struct chain_table;

struct chain_limits {
	uint32_t chains;          /* distinct chains kept; default 65,536 */
	size_t bytes;             /* of distinct certificates kept; default 256 MiB */
	uint32_t chain_len;       /* certificates kept of one chain; default and most TLS_CHAIN_MAX */
	size_t known_bytes;       /* messages kept to recognise them by; default 32 MiB */
};

#define CHAIN_LIMITS_DEFAULT \
	{ .chains = 65536, .bytes = 256u << 20, .chain_len = TLS_CHAIN_MAX, .known_bytes = 32u << 20 }

struct chain_counters {
	uint64_t messages;        /* Certificate messages looked up */
	uint64_t known;           /* of those, recognised by their bytes */
	uint64_t certificates;    /* distinct */
	uint64_t chains;          /* distinct */
	uint64_t over_limit;      /* chains that were not kept: loose ones */
	uint64_t cut;             /* certificates beyond `chain_len` */
};

/* Called once for each distinct certificate that is kept, when it is first seen (--pem). */
typedef void chain_new_certificate_fn(void *context, const struct certificate *certificate);

struct chain_table *chain_table_new(const struct chain_limits *limits,
				    chain_new_certificate_fn *on_new, void *context);
void chain_table_free(struct chain_table *t);

/*
 * The chain of a Certificate message's body (up to TLS 1.2). `partial`: the message was cut off; only whole
 * entries count then. Returns 0 with *out, to be given to chain_release(); -ENODATA for an empty list; -EBADMSG
 * when there is no list; -ENOMEM.
 */
int chain_from_message(struct chain_table *t, struct bytes body, bool partial,
		       const struct chain **out);

/* The same for the body of TLS 1.3's Certificate message, whose entries have extensions. */
int chain_from_message13(struct chain_table *t, struct bytes body, bool partial,
			 const struct chain **out);

/* A chain of one certificate (SSL 2.0). -ENODATA when it is empty. */
int chain_from_certificate(struct chain_table *t, struct bytes der, const struct chain **out);

/* For tls_reader.known: messages are compared in flight with these; an item's `known` is for chain_known(). */
struct known *chain_table_known(struct chain_table *t);
const struct chain *chain_known(struct chain_table *t, const void *known);

/* The caller looks at this chain no more. NULL is fine. */
void chain_release(const struct chain *chain);

/* A chain from certificates that were too long to be kept: built up while they pass. */
struct chain_builder;
struct chain_builder *chain_builder_new(struct chain_table *t, struct budget *memory);
void chain_builder_free(struct chain_builder *b);
/* The next piece of the message body. */
void chain_builder_feed(struct chain_builder *b, struct bytes part);
int chain_builder_finish(struct chain_builder *b, bool partial, const struct chain **out);

const struct chain_counters *chain_table_counters(const struct chain_table *t);

#endif
