/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ledger: one row for each (endpoint, role, chain) and each (endpoint, reason), with its sightings summed.
 */
#ifndef CERTTAP_LEDGER_H
#define CERTTAP_LEDGER_H

#include "userspace/ledger/sighting.h"

#define LEDGER_NAMES_MAX 16      /* server names kept of a row; further ones are counted */
#define LEDGER_VALUES_MAX 8      /* versions, cipher suites, protocols, clients, alerts kept of a row */

/* Numbers seen, each once; `more` counts sightings whose number found no room. */
struct number_set {
	uint16_t values[LEDGER_VALUES_MAX];
	uint8_t num;
	uint32_t more;
};

struct server_name {
	struct server_name *next;
	uint16_t len;
	bool cut;
	char bytes[];            /* as sent, not text */
};

/* One alert by one program at one address. */
struct alert_count {
	struct alert alert;
	struct host_port client; /* of the last one */
	const struct process *sender; /* who sent the last one; NULL: not known */
	uint64_t count;
};

/* Who is at the ends of a row's sightings. */
struct row_owners {
	struct owner end[2];             /* by role, of the last sighting that knew */
	const struct process *presenters[LEDGER_VALUES_MAX]; /* distinct, that presented, or kept silent */
	uint8_t num_presenters;
	uint32_t presenters_more;        /* sightings by others beyond those */
};

struct ledger_row {
	/* The key. */
	struct host_port server;
	enum transport transport;
	enum role role;
	enum reason reason;              /* REASON_NONE: a row for `chain` */
	const struct chain *chain;       /* also set on a reason's row when part of a chain was seen; NULL: none */

	uint64_t sightings;
	uint64_t established;            /* of them, that went on to encryption */
	uint64_t perhaps_established;    /* of them, for which that does not show: TLS 1.3, and what began before us */
	uint64_t broke_off;              /* of them, that the client broke off behind the server's flight, without a word */
	uint64_t first_ns, last_ns;
	uint64_t first_frame;            /* captures: the packet of the first sighting */
	struct host_port clients[LEDGER_VALUES_MAX];  /* addresses; the last client's port */
	uint8_t num_clients;
	uint32_t clients_more;           /* sightings by clients beyond those */
	struct host_port last_client;
	struct server_name *names;       /* asked for; newest last */
	uint8_t num_names;
	uint32_t names_more;
	uint32_t without_name;           /* sightings whose ClientHello asked for no name */
	struct number_set versions, ciphers;
	char alpn[LEDGER_VALUES_MAX][PROTOCOL_NAME_MAX];
	uint8_t num_alpn;
	struct alert_count alerts[LEDGER_VALUES_MAX];
	uint8_t num_alerts;
	uint32_t alerts_more;
	uint64_t lost_from, lost_to;     /* of the last sighting */
	const char *detail;
	const char *carrier;             /* of the last sighting */
	enum witness witness;            /* likewise */
	enum tls_protocol protocol;      /* likewise */
	char ja3[33], ja3s[33], ja4[37]; /* likewise; "": none */
	bool roles_guessed, has_ech;
	bool stapled, has_sct, client_asked;  /* of any sighting */
	struct authorities *authorities; /* of the last sighting that named some; NULL: none */
	struct row_owners *owners;       /* live; NULL: none is known */
	const struct straggler_place *place; /* among others of its lineage (stragglers.h); NULL: none */
	bool straggler;                  /* as of the last sighting */
};

struct ledger_limits {
	uint32_t rows;                   /* default 262,144 */
};

#define LEDGER_LIMITS_DEFAULT { .rows = 262144 }

struct ledger_counters {
	uint64_t sightings;              /* handshakes */
	uint64_t chains;                 /* sightings of a chain, server's and client's */
	uint64_t reasons[NUM_REASONS];
	uint64_t rows;
	uint64_t unsummed;               /* recorded while the ledger was full */
};

/* What became of the sightings at one server port: silence must not look like health. */
struct port_coverage {
	enum transport transport;
	uint16_t port;
	uint64_t sightings;
	uint64_t reasons[NUM_REASONS];   /* [REASON_NONE]: showed a chain */
};

struct ledger;

struct ledger *ledger_new(const struct ledger_limits *limits);
void ledger_free(struct ledger *l);

struct ledger_entry {
	struct ledger_row *row;          /* NULL: the ledger is full, the sighting is not summed */
	const struct ledger_row *previous; /* the chain this endpoint and name presented before, if another */
	uint64_t time_ns;                /* of the packet it was recorded with */
	bool is_new;                     /* the first sighting of the row */
	bool fell_behind;                /* it is a straggler, and was none before */
};

/* Adds the sighting's chain of `role`, or for ROLE_SERVER without a chain its reason. */
struct ledger_entry ledger_record(struct ledger *l, const struct sighting *s, enum role role);

/* Facts that come after the row was made. */
void ledger_row_alert(struct ledger_row *row, const struct sighting *s);
/* The sighting's alert as it is counted; NULL: it is not. */
const struct alert_count *ledger_row_find_alert(const struct ledger_row *row, const struct sighting *s);
/* Is it a refusal of this row's certificate, seen or encrypted: an alert by the other end that is one? */
bool ledger_row_refused(const struct ledger_row *row, const struct alert *alert);
void ledger_row_established(struct ledger_row *row);
/* Did any of its handshakes go on to encryption? 1: yes, 0: no, -1: that cannot be known. */
int ledger_row_is_established(const struct ledger_row *row);
/* Counts only where there was a certificate to break off for, seen or encrypted. */
void ledger_row_broke_off(struct ledger_row *row);
/* The ClientHello, or the ServerHello, was read behind what the row was made for. */
void ledger_row_asked(struct ledger_row *row, const struct sighting *s);
void ledger_row_answered(struct ledger_row *row, const struct sighting *s);
/* What stands beside the certificate: a staple, timestamps, a request for the client's. */
void ledger_row_beside(struct ledger_row *row, const struct sighting *s);

/* A row of one sighting that belongs to no ledger; ledger_row_fini() frees what it holds. */
void ledger_row_single(struct ledger_row *row, const struct sighting *s, enum role role);
void ledger_row_fini(struct ledger_row *row);

/* Every row, ordered by first sighting and then by endpoint; the caller frees the array. NULL: no memory, or none. */
const struct ledger_row **ledger_rows(const struct ledger *l, size_t *num);
/* The row that was made after this one, or with NULL the first; NULL: none yet. Rows stay where they are. */
const struct ledger_row *ledger_next_row(const struct ledger *l, const struct ledger_row *row);

/* The ports with sightings, in order; call with *at = 0 first. NULL at the end. */
const struct port_coverage *ledger_next_coverage(const struct ledger *l, uint32_t *at);

const struct ledger_counters *ledger_counters(const struct ledger *l);

#endif
