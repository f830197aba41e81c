/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What `check` judges: from a store, one look at endpoints, at the certificates they presented as servers, and at the
 * sightings that showed none. Captures and live traffic come through a store in memory, so that there is one way to
 * judge.
 */
#ifndef CERTTAP_CHECK_FACTS_H
#define CERTTAP_CHECK_FACTS_H

#include "userspace/ledger/lineage.h"
#include "userspace/pieces.h"
#include "userspace/store/store.h"

/*
 * When has an endpoint gone over from an old chain to a new one? At once, where the old one was not seen again after the
 * new one was first seen. Else both were mixed, from the new one's first time to the old one's last, and the new one must
 * have been alone since then, from there to its last time, for longer than
 *
 *   - CHECK_HANDOVER_NS: processes that end take some connections to their end;
 *   - CHECK_STEADY times as long as both were mixed, but a day is enough: a pool that is renewed in part shows the old
 *     one again within about as long as it did so far;
 *   - CHECK_STEADY times the usual pause between two showings of the old one, and of the new one: with little traffic
 *     that nothing else was seen says nothing;
 *
 * and while the store knows that the old one takes turns with another (until CHECK_TURNS_NS after it last did, by the
 * latest time in the store) it has not gone over to what it was mixed with.
 *
 * Keys of different algorithms (RSA and ECDSA) that were mixed are chosen by what the client offers: then no certificate
 * of the one algorithm takes the place of one of the other, however long it is alone.
 */
#define CHECK_HANDOVER_NS 300000000000ull
#define CHECK_STEADY 3u
#define CHECK_TURNS_NS (24 * 3600 * 1000000000ull)

/* To what is held against the endpoints (check_standards.h). */
enum check_relation {
	RELATION_NONE,
	RELATION_CURRENT,        /* a named one, or the newest of a lineage, or a newer one still */
	RELATION_PREDECESSOR,
	RELATION_LIKELY,         /* may be meant as a predecessor: offered, not asserted */
};

struct check_standard;

/* A leaf. Texts are safe. */
struct check_certificate {
	int64_t id;
	uint8_t sha256[32], lineage[32];
	bool lineage_sure, is_ca;
	enum x509_key key;
	struct lineage_place place;
	const char *subject;             /* its common name, or the whole */
	const char *issuer;
	uint64_t first_ns, last_ns;      /* as a server's leaf, anywhere in the store */
	enum check_relation relation;
	const struct check_standard *standard;   /* RELATION_NONE: NULL */
};

/* That an endpoint presented it; each chain once. */
struct check_showing {
	struct check_showing *next;
	const struct check_certificate *certificate;     /* NULL: summed with others by a limit of the store */
	int64_t chain_id;
	uint64_t first_ns, last_ns, sightings, refusals;
	struct host_port last_client;
	bool current, name_mismatch;
	struct store_owner owner;        /* who presented it last */
	bool several_owners;             /* others did too */
	bool takes_turns;                /* with another chain of the endpoint, as the store knows it now */
};

struct check_unseen {
	uint64_t last_ns, count;
};

struct check_endpoint {
	int64_t id;
	struct host_port server;
	enum transport transport;
	enum store_name_kind name_kind;
	const char *name;                /* asked for; "" */
	const char *carrier;
	struct store_owner owner;
	uint64_t first_ns, last_ns;
	struct check_showing *showings;  /* in no order */
	struct check_unseen unseen[NUM_REASONS];   /* sightings without a certificate, by reason */
};

struct check_facts {
	struct pieces pieces;
	struct check_endpoint *endpoints;        /* by address, zone, port, transport, name */
	size_t num_endpoints;
	struct check_certificate **certificates; /* also of endpoints that the filter leaves out */
	size_t num_certificates;
};

/*
 * Reads the endpoints that the filter holds for, within one snapshot. Returns 0, the caller frees with
 * check_facts_free(); or a negative errno, store_error() says why.
 */
int check_facts_read(struct store *s, const struct store_filter *f, struct check_facts **out);
void check_facts_free(struct check_facts *facts);

/* Address, zone, port and transport are the same; the name asked for may be another. */
bool check_same_site(const struct check_endpoint *a, const struct check_endpoint *b);
/* Was each of them seen again after the other was first seen? */
bool check_mixed(const struct check_showing *a, const struct check_showing *b);
/* Are their keys of different algorithms, so that a client's offers can choose? False where one is not known. */
bool check_other_key(const struct check_showing *a, const struct check_showing *b);
/*
 * Has the endpoint gone over from `old` to something that it presented later, as is said above? *to is that, if it is not
 * NULL.
 */
bool check_replaced(const struct check_endpoint *e, const struct check_showing *old,
		    const struct check_showing **to);
/* Sightings without a certificate that are later than `since_ns`; *most is the reason of most of them. */
uint64_t check_unseen_since(const struct check_endpoint *e, uint64_t since_ns, enum reason *most);
/* "192.0.2.21:9808/tcp", "127.0.0.1%7:9810/tcp"; size >= 80. */
void check_endpoint_text(const struct check_endpoint *e, char *out, size_t size);

#endif
