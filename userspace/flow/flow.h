/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of connections: found by address pair, bounded, aged by the packets' own clock.
 *
 * What a flow means is conversation.h's business; this table finds, makes, ages and evicts. Flows keep
 * their place in memory until they are dropped.
 */
#ifndef CERTTAP_FLOW_H
#define CERTTAP_FLOW_H

#include "parsers/starttls.h"
#include "parsers/stream.h"
#include "userspace/hash.h"
#include "userspace/segment.h"

enum side_state {
	SIDE_NEW,        /* no data yet */
	SIDE_HOLDING,    /* data, but it is not known yet where the direction begins */
	SIDE_SEARCHING,  /* in order, looking for TLS */
	SIDE_READING,    /* TLS in clear */
	SIDE_DONE,       /* TLS, and nothing more in clear */
	SIDE_PASSED,     /* not TLS as far as was looked; only heads of segments are still looked at */
};

struct overlap;
struct preamble;

/* One direction. */
struct side {
	struct stream stream;
	struct preamble *preamble; /* a line said before TLS, see preamble.h; NULL: none */
	struct overlap *overlap; /* a copy of the handshake, see overlap.h; NULL: none */
	uint8_t *tail;           /* bytes at the end of what was searched that may begin TLS, or NULL */
	uint32_t first_seq;      /* where TLS, or else the data, began: offsets in messages count from here */
	uint32_t searched;       /* bytes looked through */
	uint32_t isn;            /* of the SYN it began with, with syn_seen */
	uint32_t pending_isn;    /* of a later SYN, with syn_pending */
	uint32_t fin_seq;        /* with fin_seen */
	uint8_t state;           /* enum side_state */
	uint8_t tail_len;
	bool syn_seen : 1;
	bool start_told : 1;     /* the source told where it begins: syn_seen, but nobody knows who opened */
	bool start_guessed : 1;  /* it is where the peer's data acknowledged, and none of its own has come */
	bool syn_pending : 1;    /* a later SYN with another number: data there begins a new connection */
	bool fin_seen : 1;
	bool rst_seen : 1;       /* one that counts, and nothing of this direction since */
	bool cut : 1;            /* the capture cut bytes of this direction off (snap length) */
	bool missed : 1;         /* bytes of this direction were given up */
	bool data_seen : 1;
	bool loss_due : 1;       /* the source lost bytes of it, and there is no handshake yet that could miss them */
	bool head_held : 1;      /* `tail` holds its first bytes, which may begin a carrier */
};

struct flow_key {
	struct host_port end[2];  /* the smaller one first, so that both directions agree */
	uint32_t transport;
};

struct handshake;
struct datagrams;
struct carriage;

struct flow {
	struct flow_key key;
	uint32_t last_s;         /* time of the last segment that counted, in seconds */
	uint32_t self;           /* index + 1 */
	struct starttls_hint hint;       /* what was said before TLS */
	struct side side[2];     /* side[i]: what end[i] sends */
	struct handshake *handshake;
	struct datagrams *datagrams;     /* UDP, see datagram.h; NULL: TCP */
	struct carriage *carriage;       /* TLS is inside another framing, see carriage.h; NULL: it is not */
	const char *carrier;             /* the carrier's name; NULL: as the hint has it */
	struct owner *owners;            /* live: of both ends, as in key.end; NULL: nobody can know */
};

struct flow_counters {
	uint64_t made, dropped, evicted;
	uint32_t live, peak;
};

/* The side that sent the SYN; -1 where that is not known. */
int flow_opener(const struct flow *flow);

/* What a segment tells of the owner at one end; what is known better already stays. */
void flow_own(struct flow *flow, unsigned int side, const struct owner *owner);
/* A handshake has ended: who sent in it says nothing of another connection with these addresses and ports. */
void flow_disown(struct flow *flow);

struct flow_table;

typedef void flow_drop_fn(void *context, struct flow *flow);
/* Is it time to drop the flow, after so many seconds without a segment that counted? */
typedef bool flow_idle_fn(void *context, struct flow *flow, uint32_t idle_s);

/* `drop` is called for each flow before its memory is used again; `context` is for it and `idle`. NULL: no memory. */
struct flow_table *flow_table_new(uint32_t max_flows, flow_drop_fn *drop, void *context);
/* Drops every flow that is left. */
void flow_table_free(struct flow_table *t);

/*
 * The flow of a segment, made if there is none; `*side` receives the index of the end that sent it.
 * At `max_flows` the one that was idle longest of a sample is evicted. NULL: no memory.
 */
struct flow *flow_table_get(struct flow_table *t, const struct segment *segment, unsigned int *side);

/* The same, but NULL when there is none. */
struct flow *flow_table_find(struct flow_table *t, const struct segment *segment, unsigned int *side);

/* Drops the flow at once. */
void flow_table_drop(struct flow_table *t, struct flow *flow);

/* Calls `visit` for each flow, which may not drop any. */
typedef void flow_visit_fn(void *context, struct flow *flow);
void flow_table_each(struct flow_table *t, flow_visit_fn *visit, void *context);

/* Drops every flow for which `idle` says so. Costs a look at each flow: call every few seconds. */
void flow_table_sweep(struct flow_table *t, uint32_t now_s, flow_idle_fn *idle);

const struct flow_counters *flow_table_counters(const struct flow_table *t);

#endif
