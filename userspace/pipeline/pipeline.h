/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The whole path of the data, and the one file that knows all of it:
 *
 *     frame -> packet -> (tunnel, fragments) -> segment -> flow -> stream -> record -> message ->
 *     chain -> sighting -> ledger -> observer
 */
#ifndef CERTTAP_PIPELINE_H
#define CERTTAP_PIPELINE_H

#include "userspace/flow/tracker.h"

struct pipeline_limits {
	struct tracker_limits tracker;
	unsigned int tunnels;            /* deep; default 4 */
	unsigned int fragments;          /* held; default 4,096 */
	uint32_t secrets;                /* of key logs; default 1,048,576 */
};

#define PIPELINE_LIMITS_DEFAULT { \
	.tracker = TRACKER_LIMITS_DEFAULT, .tunnels = 4, .fragments = 4096, \
	.secrets = 1u << 20 }

struct pipeline_counters {
	uint64_t frames, bytes;          /* given to us, bytes on the wire */
	uint64_t tcp, udp;               /* packets */
	uint64_t other;                  /* neither */
	uint64_t fragments;
	uint64_t tunnelled;              /* layers taken off */
	uint64_t too_deep;               /* more tunnels than the limit */
	uint64_t cut;                    /* cut off inside a header by the snap length */
	uint64_t malformed;              /* headers that contradict themselves */
	uint64_t unknown_link;
};

struct pipeline;

/* NULL: out of memory. `observer` and `on_certificate` are copied. */
struct pipeline *pipeline_new(const struct pipeline_limits *limits, const struct observer *observer,
			      chain_new_certificate_fn *on_certificate, void *certificate_context);
void pipeline_free(struct pipeline *p);

/*
 * Secrets that open handshakes; `keys` is borrowed, and must outlive the pipeline. Without it nothing is held for
 * secrets; a capture that has secrets blocks makes its own.
 */
void pipeline_use_keys(struct pipeline *p, struct keys *keys);
/*
 * From now on the packets of handshakes go to `w`, and the secrets that opened them where it wants them. It is borrowed,
 * written at each tick, and must outlive the pipeline.
 */
struct capture_writer;
void pipeline_write(struct pipeline *p, struct capture_writer *w);
/*
 * Probes catch handshake secrets, with `client_secrets` the clients' too: handshakes of TLS 1.3 wait for theirs. Call
 * before any packet. False: no memory.
 */
bool pipeline_expect_secrets(struct pipeline *p, bool client_secrets);
/* A secret that a probe caught; it is copied, and the copy wiped after some seconds. */
struct caught_secret;
void pipeline_secret(struct pipeline *p, const struct caught_secret *secret);
/*
 * A file is read whose secrets may stand anywhere, its end included: what waits for one is held until then, unless it
 * takes half of the memory. Without this call it waits for some seconds.
 */
void pipeline_secrets_at_end(struct pipeline *p);
/* The text of a secrets block. */
void pipeline_secrets(struct pipeline *p, struct bytes text);

/* A captured frame, to be taken apart. */
void pipeline_frame(struct pipeline *p, const struct frame *frame);

/* A segment that a source has taken apart itself. */
void pipeline_segment(struct pipeline *p, const struct segment *segment);

/* Time passes (live), by the wall clock and by the monotonic one: closes what has gone quiet, wipes old secrets. */
void pipeline_tick(struct pipeline *p, uint64_t now_ns, uint64_t monotonic_ns);

/* No more packets: records everything that is still open. Only pipeline_free() may follow, and the getters. */
void pipeline_finish(struct pipeline *p);

const struct ledger *pipeline_ledger(const struct pipeline *p);
const struct pipeline_counters *pipeline_counters(const struct pipeline *p);
/* Connections, and datagrams out of fragments. */
struct flow_counters;
struct defrag_stats;
const struct flow_counters *pipeline_flow_counters(const struct pipeline *p);
const struct defrag_stats *pipeline_fragment_counters(const struct pipeline *p);
const struct tracker *pipeline_tracker(const struct pipeline *p);

#endif
