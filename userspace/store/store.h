/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was seen, kept beyond the run: an SQLite file with certificates, chains, endpoints, sightings summed, reasons
 * and events.
 *
 * One process writes (store_queue.h does it from a thread of its own, store_put() is what it calls); any number read
 * meanwhile. Everything is decided from what is stored and the record itself, in packet time, so that the same traffic
 * gives the same rows live, from one file, or from its pieces in order.
 *
 * Times are nanoseconds since 1970. Text of strangers is bytes as sent where the field is a blob, and made safe
 * (text.h) where it is text.
 */
#ifndef CERTTAP_STORE_H
#define CERTTAP_STORE_H

#include "userspace/ledger/ledger.h"
#include "userspace/ledger/lineage.h"
#include "userspace/store/store_record.h"

#define STORE_DEFAULT_PATH "/var/lib/certtap/certtap.db"
/* No file: one store in the memory of this process, for as long as it is open for writing or reading. */
#define STORE_MEMORY_PATH ":memory:"

struct store_limits {
	uint64_t bytes;                  /* of the file; beyond, new rows are refused and sums go on; default 1 GiB */
	uint32_t names;                  /* asked for at one (address, port, transport); default 64 */
	uint32_t issuer_certificates;    /* of one issuer kept one by one; default 10,000 */
	uint32_t endpoint_chains;        /* of one endpoint and role kept one by one; default 256 */
	uint64_t keep_ns;                /* what was last seen before is removed; 0: nothing is */
	uint64_t silent_ns;              /* a steady endpoint not seen for so long has gone silent; default 24 h */
	uint64_t alternating_ns;         /* A B A within this is a pool, not a rollback; default 10 min */
};

#define STORE_LIMITS_DEFAULT { \
	.bytes = 1u << 30, .names = 64, .issuer_certificates = 10000, .endpoint_chains = 256, \
	.silent_ns = 24 * 3600 * 1000000000ull, .alternating_ns = 600 * 1000000000ull }

/* What the store refused since it was made. In the file: these sums go on from run to run. */
enum store_counter {
	STORE_NAMES_SUMMED,          /* sightings summed under `other names` */
	STORE_ISSUER_SUMMED,         /* sightings summed as `further certificates of this issuer` */
	STORE_CHAINS_SUMMED,         /* sightings summed as `further chains` of their endpoint */
	STORE_SIZE_REFUSED,          /* sightings whose rows the size cap refused */
	STORE_QUEUE_REFUSED,         /* records for which the queue was full, or that could not be written */
	STORE_REMOVED,               /* sightings' and reasons' rows removed by --keep */
	NUM_STORE_COUNTERS,
};

/* "names-summed" ... as in the file; what to say in a summary. */
const char *store_counter_name(enum store_counter counter);
const char *store_counter_text(enum store_counter counter);

struct store;

/* --- where it is (store_place.c) --- */

/* The folder, open, and the file's name in it: everything is opened relative to it, and no symbolic link is followed. */
struct store_place {
	int dir_fd;
	char name[192];
	char path[1024];             /* as the user wrote it, for messages */
};

/*
 * Finds the folder of `path`; with `make`, makes the last folder of the path if it is missing, mode 0700, for `uid` and
 * `gid` where this process may. As root no symbolic link in the path is followed and a folder that everybody may write
 * is refused. Returns 0 or a negative errno with a line in `why`. The caller closes with store_place_close(). Also has
 * SQLite made ready, which a sandbox could keep from it later.
 */
int store_place_open(const char *path, bool make, uint32_t uid, uint32_t gid, struct store_place *out, char *why,
		     size_t why_size);
void store_place_close(struct store_place *place);

/* --- writing (store_open.c, store_write.c) --- */

/*
 * Opens for writing, makes or migrates the tables. `place` is borrowed and must outlive the store. A corrupt file is
 * set aside as NAME.corrupt-TIME, and a new one begun: `note` then says so, else it is "".
 * -EBUSY: another process writes it; -EPROTO: made by a newer certtap; each with a line in `why`, as any other errno.
 * The caller frees with store_free().
 */
int store_open(const struct store_place *place, const struct store_limits *limits, struct store **out, char *note,
	       size_t note_size, char *why, size_t why_size);
void store_free(struct store *s);
/* The file was found to be corrupt: sets it aside and begins a new one, as store_open() does. Never deletes. */
int store_replace(struct store *s, char *note, size_t note_size);

/*
 * A batch: store_begin(), any number of store_put(), store_commit(). When store_commit() has returned 0, the batch is
 * acknowledged: it survives a SIGKILL. Negative errno: nothing of the batch was kept, store_error() says why:
 * -ENOSPC, -EROFS, -EIO ... may pass; -EBADMSG: the file is corrupt, see store_replace().
 * store_put(): -ESTALE when the record's chain was never announced to this store.
 */
int store_begin(struct store *s);
int store_put(struct store *s, const struct store_record *record);
int store_commit(struct store *s);
const char *store_error(const struct store *s);

/* Added to the file's counter with the running batch. */
void store_count(struct store *s, enum store_counter counter, uint64_t n);
/* Of them, what was committed since store_open(). */
uint64_t store_counted(const struct store *s, enum store_counter counter);

/* --- reading (store_read.c); works while another process writes --- */

/*
 * Opens for reading only: also where the file's folder may not be written. -ENOENT: there is none. -EPROTO, -EBADMSG
 * as above. After it, a process may give up its powers (sandbox.h) with sandbox_options.store_dir_fd = place.dir_fd.
 */
int store_open_reader(const struct store_place *place, struct store **out, char *why, size_t why_size);

/* One look at the file: everything read between the two is of one moment. Without them, each call is. */
int store_snapshot_begin(struct store *s);
void store_snapshot_end(struct store *s);

enum store_name_kind {
	STORE_NAME_NONE,             /* no name was asked for */
	STORE_NAME_ASKED,
	STORE_NAME_OTHERS,           /* names beyond limits.names, summed */
};

enum store_chain_kind {
	STORE_CHAIN_PRESENTED,
	STORE_CHAIN_OF_ISSUER,       /* further certificates of this issuer, summed */
	STORE_CHAIN_OTHERS,          /* further chains of this endpoint, summed */
};

/* Texts are never NULL, "" where nothing is known. */
struct store_owner {
	uint32_t pid;                /* 0: not known */
	uint64_t started_ns;
	const char *process, *executable, *unit, *container;
};

struct store_endpoint {
	int64_t id;
	struct host_port server;
	enum transport transport;
	enum store_name_kind name_kind;
	struct bytes server_name;    /* STORE_NAME_ASKED: in lower case, else as sent */
	const char *carrier;         /* last known; "" */
	struct store_owner owner;    /* last known */
	uint64_t first_ns, last_ns, sightings;
	int64_t chain_id;            /* what it presents now (role server); 0: not seen */
	bool silent;                 /* has gone silent */
};

struct store_certificate {
	int64_t id;
	uint8_t sha256[32], spki_sha256[32], lineage[32];
	bool lineage_sure;
	enum x509_parse parse;
	struct bytes der;            /* empty: not kept (too long), or not asked for */
	size_t der_len;              /* the real length */
	const char *subject, *subject_cn, *issuer, *issuer_cn;
	struct bytes serial;         /* at most X509_SERIAL_MAX */
	struct x509_time not_before, not_after;
	const char *key;             /* x509_key_name() */
	unsigned int key_bits;
	const char *signature_algorithm;
	bool is_ca;
	unsigned int num_names;      /* all of them; store_each_name() gives those kept */
	uint64_t first_ns, last_ns;  /* presented anywhere, at any place in a chain */
};

/* What (endpoint, role, chain, witness) sums up. */
struct store_sighting {
	int64_t id;
	const struct store_endpoint *endpoint;
	enum role role;
	enum witness witness;
	int64_t chain_id;
	enum store_chain_kind chain_kind;
	const struct store_certificate *leaf;   /* without DER; NULL when chain_kind is not PRESENTED */
	const char *issuer;          /* STORE_CHAIN_OF_ISSUER: whose */
	unsigned int chain_len;
	uint64_t first_ns, last_ns, sightings, refusals;
	struct host_port last_client;
	bool current;                /* role server: the endpoint presents this chain now */
	/* Role server: who presented this chain there last; several: others did too at that time, or may have. */
	struct store_owner owner;
	bool several_owners;
	uint64_t turns_ns;           /* last known to take turns with another chain there (role server); 0: never */
	unsigned int findings;       /* bits of enum finding (findings.h), judged at its times and `now_s` */
};

struct store_refusal {
	int64_t endpoint_id, chain_id;          /* chain 0: none was seen */
	enum role role;                         /* whose certificate was refused */
	struct alert alert;
	uint64_t first_ns, last_ns, count;
	struct host_port last_client;
	struct store_owner owner;               /* role server: who was refused last */
};

struct store_reason {
	const struct store_endpoint *endpoint;
	enum reason reason;                     /* REASON_NONE: showed a chain */
	uint64_t first_ns, last_ns, count;
	int64_t chain_id;                       /* of what was seen in part; 0: none */
};

enum store_event_kind {
	EVENT_FIRST_SEEN,            /* an endpoint; `after` its first chain, if one was seen */
	EVENT_RENEWED,               /* the next of its lineage */
	EVENT_ROLLED_BACK,           /* an earlier one of its lineage */
	EVENT_CHANGED,               /* another lineage, or other certificates behind the same leaf */
	EVENT_ALTERNATING,           /* two chains by turns; told once, until they have not changed for a day */
	EVENT_DIFFERS_BY_NAME,       /* the same address and port shows another leaf for another name */
	EVENT_DIFFERS_BY_CLIENT,     /* and for another client network (/24, /64) */
	EVENT_EXPIRED_IN_USE,        /* seen before and after it ran out; the time is when it did */
	EVENT_REFUSED,               /* an alert of the certificate kind */
	EVENT_GONE_SILENT,
	EVENT_NEW_PORT,              /* a certificate known from other ports appears on this one */
	NUM_EVENT_KINDS,
};

/* "first-seen", "renewed" ... */
const char *store_event_name(enum store_event_kind kind);

struct store_event {
	int64_t id;
	enum store_event_kind kind;
	uint64_t time_ns;
	const struct store_endpoint *endpoint;
	enum role role;
	int64_t before_chain_id, after_chain_id;                 /* 0: none */
	const struct store_certificate *before, *after;          /* their leaves, without DER; NULL: none */
	const char *detail;                                      /* "certificate_expired by the client 10.0.0.5" */
	struct store_owner owner;                                /* role server: who it was at that time */
};

/*
 * Every field that is set must hold; an all-zero filter holds for everything. process, unit and container are those of
 * one owner: of the sighting, of the event, where none is known of the endpoint; endpoints and reasons: of the endpoint
 * or of one of its sightings.
 */
struct store_filter {
	bool by_port, by_days, by_transport;
	uint16_t port;
	enum transport transport;
	const char *name;            /* asked for, or in the certificate (wildcards match) */
	const char *issuer;          /* a part of the leaf's issuer, any case */
	const char *process;         /* the owner's process name or executable's last part */
	const char *unit;            /* the whole, or without ".service" */
	const char *container;       /* its beginning */
	const struct ip_address *address;
	bool by_zone;
	uint32_t zone;               /* of the address */
	const uint8_t *sha256;       /* 32 bytes: the leaf */
	const uint8_t *sha256_first, *sha256_last;   /* both or none, 32 bytes: the leaf's lies between, ends included */
	const uint8_t *spki_sha256;  /* 32 bytes: the leaf's */
	const uint8_t *lineage;      /* 32 bytes: the leaf's */
	struct bytes serial;         /* the leaf's; data NULL: any */
	int64_t endpoint_id;         /* 0: any */
	int64_t chain_id;
	int64_t certificate_id;      /* sightings: it is in the chain, at any place; certificates: this one; 0: any */
	int days_left;               /* by_days: the leaf has at most so many, at `now_s` */
	unsigned int findings;       /* bits: at least one of them */
	uint64_t since_ns;           /* last seen then or later; events: happened then or later */
	bool current_only;           /* sightings: what is presented now; of an owner: what that one presented last */
	bool unseen_only;            /* reasons: not REASON_NONE */
	int64_t now_s;               /* for days and findings; 0: the clock */
};

/* Called for each row; pointers last for the call. False ends the iteration. */
typedef bool store_endpoint_fn(void *context, const struct store_endpoint *e);
typedef bool store_sighting_fn(void *context, const struct store_sighting *s);
typedef bool store_certificate_fn(void *context, const struct store_certificate *c);
typedef bool store_reason_fn(void *context, const struct store_reason *r);
typedef bool store_refusal_fn(void *context, const struct store_refusal *r);
typedef bool store_event_fn(void *context, const struct store_event *e);
typedef bool store_text_fn(void *context, enum x509_san_kind kind, const char *text);
typedef bool store_coverage_fn(void *context, const struct port_coverage *c);

/*
 * Each returns 0, also when the callback ended it, or a negative errno (store_error()). Order: endpoints, sightings,
 * reasons by address, zone, port, transport, name; a sighting's chains by first time; certificates by end of validity; events
 * by time.
 */
int store_each_endpoint(struct store *s, const struct store_filter *f, store_endpoint_fn *fn, void *context);
int store_each_sighting(struct store *s, const struct store_filter *f, store_sighting_fn *fn, void *context);
/*
 * Of a filter, here only name, issuer, sha256 (a range too), spki_sha256, lineage, serial, certificate_id, days_left, chain_id (any place in that
 * chain, in its order) and since count. With DER.
 */
int store_each_certificate(struct store *s, const struct store_filter *f, store_certificate_fn *fn, void *context);
/* Without a chain, and REASON_NONE for those with one: together each endpoint's coverage. */
int store_each_reason(struct store *s, const struct store_filter *f, store_reason_fn *fn, void *context);
int store_each_event(struct store *s, const struct store_filter *f, store_event_fn *fn, void *context);
int store_each_refusal(struct store *s, int64_t endpoint_id, store_refusal_fn *fn, void *context);
/* Names kept of a certificate: SAN, or the common name where there is none. */
int store_each_name(struct store *s, int64_t certificate_id, store_text_fn *fn, void *context);
/* Summed by port and transport, in order. */
int store_coverage(struct store *s, const struct store_filter *f, store_coverage_fn *fn, void *context);

/*
 * The chain as the pipeline had it, each certificate read again, so that everything that takes a struct chain works
 * on it. NULL: there is none, or no memory. The caller frees with store_chain_free().
 */
struct chain *store_chain(struct store *s, int64_t chain_id);
void store_chain_free(struct chain *chain);

/*
 * A row as the ledger has it, for the outputs; `chain` is what it stands for and is kept, not copied. The caller calls
 * ledger_row_fini() at the end.
 */
void store_ledger_row(const struct store_sighting *s, const struct chain *chain, struct ledger_row *out);
void store_ledger_reason(const struct store_reason *r, struct ledger_row *out);

uint64_t store_counter(struct store *s, enum store_counter counter);
/* The newest packet time in it; 0: empty. */
uint64_t store_latest_ns(struct store *s);

#endif
