/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the packet path to the store: a bounded queue, and the thread that writes. The packet path copies what it saw
 * and goes on; it never waits for a disk, and what the queue has no room for is counted. Reading files there is no
 * traffic to lose, so there it waits.
 *
 * Records of one endpoint keep their order. One is summed into the last that was queued for its endpoint when they tell
 * the same of the same second and client network, so that the store's rows do not depend on where a batch ends.
 */
#ifndef CERTTAP_STORE_QUEUE_H
#define CERTTAP_STORE_QUEUE_H

#include <stdio.h>

#include "userspace/flow/tracker.h"
#include "userspace/store/store.h"

struct store_queue_options {
	struct store_limits limits;
	uint32_t records;        /* of one batch, and as many wait behind it; default 16,384 */
	size_t bytes;            /* of certificates in them, likewise; default 32 MiB */
	bool lossless;           /* wait for room rather than refuse; a store that cannot be opened is fatal */
};

#define STORE_QUEUE_OPTIONS_DEFAULT { .limits = STORE_LIMITS_DEFAULT, .records = 16384, .bytes = 32u << 20 }

struct store_queue_counters {
	uint64_t records;        /* given to the queue */
	uint64_t summed;         /* of them, into one that was waiting */
	uint64_t refused;        /* no room, or no memory; a mark of time that nothing was seen at is none */
	uint64_t stored;         /* of those queued: committed */
	uint64_t failed;         /* of those queued: their batch, or they, could not be written; without marks of time */
	uint64_t batches;        /* committed */
};

struct store_queue;

/* `place` is borrowed. NULL: no memory. */
struct store_queue *store_queue_new(const struct store_place *place, const struct store_queue_options *options);

/* Makes the thread, which waits. Returns 0, or a negative errno after a line on stderr. */
int store_queue_start(struct store_queue *q);
/*
 * Lets the thread open the store, and waits until it has tried. Returns 0; -EBUSY (another writer), -EPROTO (a newer or a foreign file),
 * or for a lossless queue any errno: a line was printed and nothing will be stored. Otherwise a store that cannot be
 * opened or written now is told once, what it misses is counted, and it is tried again each second.
 */
int store_queue_open(struct store_queue *q);

/* After store_queue_open() failed: goes on without a store, and misses nothing. */
void store_queue_turn_off(struct store_queue *q);

/* Writes what waits, ends the thread and closes the store. Returns 0, or -EIO when something could not be stored. */
int store_queue_finish(struct store_queue *q);
/* After store_queue_finish(), or instead of it: what waits is lost then. NULL is fine. */
void store_queue_free(struct store_queue *q);

/* What to give pipeline_new(): tells the queue, after `next`, which is copied. */
struct observer store_queue_observer(struct store_queue *q, const struct observer *next);

/* Live, now and then: packet time goes on although nothing is seen. */
void store_queue_time(struct store_queue *q, uint64_t now_ns);

/* After store_queue_finish(), or at any time for a rough look. */
void store_queue_counters(struct store_queue *q, struct store_queue_counters *out);
/* A line or two for people. */
void store_queue_print(struct store_queue *q, FILE *out);

#endif
