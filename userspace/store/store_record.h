/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What goes from the packet path to the store's writer: copies, since chains and sightings may be gone by then.
 */
#ifndef CERTTAP_STORE_RECORD_H
#define CERTTAP_STORE_RECORD_H

#include "userspace/ledger/sighting.h"

enum store_record_kind {
	STORE_SIGHTING,          /* a chain, or a reason */
	STORE_REFUSAL,           /* an alert of the certificate kind, after the sighting */
	STORE_TIME,              /* packet time has come to last_ns; nothing was seen */
};

struct store_der {
	uint8_t sha256[32];
	uint32_t der_len;
	bool truncated;
	const uint8_t *der;      /* in the same allocation; NULL: longer than X509_FIELDS_MAX */
};

/* A chain's certificates, when the store is told of it. One allocation. */
struct store_announcement {
	uint32_t num, total;
	bool partial;
	size_t bytes;            /* of memory */
	struct store_der certificates[];
};

/* Texts of the process at the server's end; "": not known. */
struct store_record_owner {
	char process[16], executable[256], unit[128], container[65];
};

struct store_record {
	enum store_record_kind kind;
	struct host_port server, client;
	enum transport transport;
	enum role role;                  /* of the chain; of the certificate that was refused */
	enum reason reason;              /* STORE_SIGHTING without a whole chain */
	enum witness witness;
	bool name_asked;
	uint8_t name_len;
	uint64_t first_ns, last_ns, count;
	uint32_t chain_id;               /* of the chain table; 0: none, or it comes with `announcement` */
	struct alert alert;
	const char *carrier;             /* static; NULL: not known */
	struct store_announcement *announcement;  /* owned; NULL: none, or chain_id was announced before */
	uint32_t pid;                    /* at the server's end; 0: not known */
	bool owner_unsure;               /* others than that process may have been it */
	uint64_t started_ns;
	struct store_record_owner *owner;         /* owned; NULL: pid is 0 */
	char name[SERVER_NAME_MAX];      /* asked for, in lower case */
};

/* A copy of the chain, to be given to free(), or NULL: no memory. */
struct store_announcement *store_announcement_new(const struct chain *chain);

/* A copy of its texts, to be given to free(), or NULL: no memory. */
struct process;
struct store_record_owner *store_record_owner_new(const struct process *process);

/* What the record holds. */
void store_record_fini(struct store_record *record);

/* In the place of a description that nobody could read: an encrypted alert. No alert has this number (RFC 8446). */
#define STORE_ALERT_HIDDEN 255

#endif
