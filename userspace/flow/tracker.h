/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From segments to the ledger: what one pipeline keeps between packets, and who is told.
 *
 * conversation.c finds and reads TLS in a connection's two directions; handshake.c turns the messages
 * into a sighting and writes it to the ledger. Both work on this.
 */
#ifndef CERTTAP_TRACKER_H
#define CERTTAP_TRACKER_H

#include "parsers/budget.h"
#include "parsers/stream.h"
#include "parsers/tls_record.h"
#include "userspace/flow/flow.h"
#include "userspace/ledger/ledger.h"

struct tracker_limits {
	uint32_t flows;                  /* default 1,048,576 */
	struct stream_limits stream;     /* default 1 MiB and 256 ranges a direction */
	size_t memory;                   /* bytes held in all; default 64 MiB */
	uint32_t message;                /* default TLS_MESSAGE_MAX */
	struct chain_limits chain;
	struct ledger_limits ledger;
};

#define TRACKER_LIMITS_DEFAULT { \
	.flows = 1u << 20, .stream = { .held = 1u << 20, .ranges = 256 }, .memory = 64u << 20, \
	.message = TLS_MESSAGE_MAX, .chain = CHAIN_LIMITS_DEFAULT, .ledger = LEDGER_LIMITS_DEFAULT }

/* Who is told what happens, at once. Every pointer is borrowed for the call; each function may be NULL. */
struct observer {
	void *context;
	/*
	 * A chain or a reason was written to the ledger; entry->row is NULL when that is full. What is new is told a
	 * little later, with what stands beside it (handshake_news.h).
	 */
	void (*recorded)(void *context, const struct sighting *s, enum role role,
			 const struct ledger_entry *entry);
	/*
	 * A side sent an alert after the server's row was recorded. `row` is the other side's, whose certificate it may
	 * refuse; NULL: that showed none, or the ledger is full.
	 */
	void (*alerted)(void *context, const struct sighting *s, const struct ledger_row *row);
	/* The client broke off behind the server's flight, and said nothing; `row` is the server's, as above. */
	void (*broke_off)(void *context, const struct sighting *s, const struct ledger_row *row);
	/* Nothing more will be learned about this sighting. */
	void (*closed)(void *context, const struct sighting *s);
};

struct tracker_counters {
	uint64_t segments;               /* with payload, given to a connection */
	uint64_t handshakes;             /* begun */
	uint64_t stream_full;            /* segments that did not fit a direction's or the whole limit */
	uint64_t outside;                /* segments far outside their connection's window */
	uint64_t conflicts;              /* directions whose overlapping segments disagreed */
	uint64_t not_compared;           /* segments that overlaps were not looked for in: over the limits */
	uint64_t dtls_given_up;          /* DTLS messages of which not every fragment came, or there was no room */
	uint64_t chains_passed;          /* Certificate messages of one handshake beyond HANDSHAKE_CHAINS_MAX */
	uint64_t not_held;               /* directions that waited for a secret with more than KEYS_HELD_MAX bytes */
	uint64_t lost_whole;             /* connections of which the source lost all it had wanted to give */
	uint64_t no_memory;              /* allocations that failed */
};

struct handshake_untold;
struct keys;
struct caught;
struct capture_writer;
struct hkdf;
struct quic_crypto;
struct fingerprints;

struct tracker {
	struct tracker_limits limits;
	struct flow_table *flows;
	struct chain_table *chains;
	struct ledger *ledger;
	struct keys *keys;               /* NULL: none were given and none may come */
	struct caught *caught;           /* NULL: no probes */
	bool secrets_at_end;             /* of a file: what waits for one does so until then, while memory lasts */
	bool client_secrets;             /* they catch the clients' secrets too */
	struct capture_writer *writer;   /* NULL: no packets are written */
	struct hkdf *hkdf;
	struct quic_crypto *quic;
	struct fingerprints *fingerprints;
	struct budget memory;
	struct observer observer;
	struct handshake_untold *untold, *untold_last;  /* news that wait for the flight's end */
	uint64_t turn_ns;                /* the monotonic clock at the last turn */
	struct tracker_counters counters;
	bool datagram_carriers;          /* some flow of datagrams has a carrier: all must be looked up */
	uint8_t *spare[32];              /* buffers to be used again, see overlap.c */
	unsigned int num_spare;
};

#endif
