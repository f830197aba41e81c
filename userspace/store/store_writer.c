/* SPDX-License-Identifier: Apache-2.0 */
/* The thread that writes: takes a batch from the queue, puts it into the store, tells once what does not work. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "userspace/store/store_queue_parts.h"

#define NS_PER_S 1000000000u

static void batch_clear(struct batch *b, uint32_t slots)
{
	uint32_t i;

	for (i = 0; i < b->num; i++)
		store_record_fini(&b->records[i]);
	if (b->num)
		memset(b->slots, 0, slots * sizeof(*b->slots));
	b->num = 0;
	b->bytes = 0;
}

static void alert(struct store_queue *q, const char *why)
{
	if (!q->alerted)
		fprintf(stderr, "certtap: %s; going on without the store, which is tried again\n", why);
	q->alerted = true;
}

static int open_store(struct store_queue *q)
{
	char note[512], why[512] = "";
	int err = store_open(q->place, &q->options.limits, &q->store, note, sizeof(note), why, sizeof(why));

	if (note[0])
		fprintf(stderr, "certtap: %s\n", note);
	if (err == 0)
		return 0;
	if (!q->opened && (q->options.lossless || err == -EBUSY || err == -EPROTO))
		fprintf(stderr, "certtap: %s\n", why);
	else
		alert(q, why);
	return err;
}

static void close_store(struct store_queue *q)
{
	unsigned int i;

	for (i = 0; q->store && i < NUM_STORE_COUNTERS; i++)
		q->counted[i] += store_counted(q->store, (enum store_counter)i);
	store_free(q->store);
	q->store = NULL;
}

static void worked(struct store_queue *q)
{
	if (q->alerted)
		fprintf(stderr, "certtap: %s: written again; %" PRIu64 " records were missed\n", q->place->path,
			q->missed);
	q->alerted = false;
	q->missed = 0;
}

/* The batch's records that did not get in one by one: their chain came with a batch that was lost. */
static int write_records(struct store_queue *q, const struct batch *b, uint64_t *stale)
{
	uint32_t i;
	int err = store_begin(q->store);

	for (i = 0; err == 0 && i < b->num; i++) {
		err = store_put(q->store, &b->records[i]);
		if (err == -ESTALE) {
			(*stale)++;
			err = 0;
		}
	}
	if (err == 0)
		store_count(q->store, STORE_QUEUE_REFUSED, q->untold + *stale);
	return err == 0 ? store_commit(q->store) : (store_commit(q->store), err);
}

/* A batch could not be written: what is to be done before the next. */
static void fail(struct store_queue *q, int err)
{
	char why[sizeof(q->place->path) + 300], note[512] = "";

	snprintf(why, sizeof(why), "%s: %s", q->place->path, store_error(q->store));
	if (err == -EBADMSG && store_replace(q->store, note, sizeof(note)) == 0) {
		fprintf(stderr, "certtap: %s\n", note);
		return;
	}
	alert(q, why);
	/* Opened again it begins with nothing of what went wrong. */
	if (err != -ENOSPC)
		close_store(q);
}

/* Of the batch: a mark of packet time is no loss. */
static uint64_t num_sightings(const struct batch *b)
{
	uint64_t num = 0;
	uint32_t i;

	for (i = 0; i < b->num; i++)
		num += b->records[i].kind != STORE_TIME;
	return num;
}

static void write_batch(struct store_queue *q, const struct batch *b)
{
	uint64_t stale = 0, num = num_sightings(b), failed = num;
	int err = 0;

	if (!q->store)
		err = open_store(q);
	if (err == 0)
		err = write_records(q, b, &stale);
	if (err == 0) {
		failed = stale;
		q->untold = 0;
		worked(q);
	} else if (q->store) {
		fail(q, err);
	}
	if (err)
		q->missed += failed;
	q->untold += err ? failed : 0;
	pthread_mutex_lock(&q->lock);
	q->counters.failed += failed;
	q->counters.stored += num - failed;
	q->counters.batches += err == 0;
	pthread_mutex_unlock(&q->lock);
}

static bool due(const struct store_queue *q)
{
	return q->finishing || q->filling->num >= q->options.records / 2 || q->filling->bytes > q->options.bytes / 2;
}

/* Waits for a second, or until there is much to do. Under the lock; it then holds what was the filling batch. */
static void wait_for_work(struct store_queue *q)
{
	struct batch *taken;
	struct timespec until;
	int result = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec++;
	while (!due(q) && result != ETIMEDOUT)
		result = pthread_cond_timedwait(&q->work, &q->lock, &until);
	taken = q->filling;
	q->filling = q->writing;
	q->writing = taken;
	q->batch_number++;
	pthread_cond_broadcast(&q->room);
}

void *store_writer_run(void *context)
{
	struct store_queue *q = context;
	uint64_t refused = 0;
	bool last;
	int err = -ECANCELED;

	pthread_mutex_lock(&q->lock);
	q->up = true;
	pthread_cond_broadcast(&q->room);
	while (!q->may_open && !q->finishing)
		pthread_cond_wait(&q->work, &q->lock);
	last = !q->may_open;
	pthread_mutex_unlock(&q->lock);
	if (!last)
		err = open_store(q);
	pthread_mutex_lock(&q->lock);
	q->opened = true;
	q->open_result = err;
	pthread_cond_broadcast(&q->room);
	if (err && (q->options.lossless || err == -EBUSY || err == -EPROTO))
		last = true;
	while (!last) {
		wait_for_work(q);
		last = q->finishing && q->filling->num == 0;
		q->untold += q->counters.refused - refused;
		refused = q->counters.refused;
		pthread_mutex_unlock(&q->lock);
		if (q->writing->num || q->untold)
			write_batch(q, q->writing);
		batch_clear(q->writing, q->slot_mask + 1);
		pthread_mutex_lock(&q->lock);
	}
	pthread_mutex_unlock(&q->lock);
	close_store(q);
	return NULL;
}
