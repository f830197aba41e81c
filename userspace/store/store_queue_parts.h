/* SPDX-License-Identifier: Apache-2.0 */
/* What store_queue.c (the packet path) and store_writer.c (the thread that writes) share. */
#ifndef CERTTAP_STORE_QUEUE_PARTS_H
#define CERTTAP_STORE_QUEUE_PARTS_H

#include <pthread.h>

#include "userspace/hash.h"
#include "userspace/store/store_queue.h"

/* Records in the order in which they came, and for each endpoint where its last one is. */
struct batch {
	struct store_record *records;
	uint32_t num;
	size_t bytes;
	uint32_t *slots;             /* index + 1; 0: free */
};

struct store_queue {
	bool off;                        /* nothing is stored: no store is wanted after all */
	const struct store_place *place;
	struct store_queue_options options;
	struct observer next;
	struct hash_key key;
	uint32_t slot_mask;

	/* Shared, under `lock`, which the writer holds only to take a batch. */
	pthread_mutex_t lock;
	pthread_cond_t work, room;
	struct batch *filling, *writing, batches[2];
	uint32_t batch_number;       /* of the filling one */
	bool up, may_open, opened, finishing;
	int open_result;
	struct store_queue_counters counters;

	/* The packet path's. */
	uint32_t *announced;         /* by chain id: the batch that it was announced in */
	uint32_t num_announced;
	uint64_t time_told_ns;

	/* The writer's. */
	pthread_t thread;
	bool running, alerted;
	struct store *store;         /* NULL: not open now */
	uint64_t untold;             /* refused, and not yet counted in the file */
	uint64_t missed;             /* since the alert */
	uint64_t counted[NUM_STORE_COUNTERS];
};

/* The thread's main function; `queue` is a struct store_queue. */
void *store_writer_run(void *queue);

#endif
