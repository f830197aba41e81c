/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/store/store_queue.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "userspace/process/owner.h"
#include "userspace/store/store_queue_parts.h"

#define NS_PER_S 1000000000u
#define TIME_EVERY_NS (60ull * NS_PER_S)
#define CHAIN_IDS_MAX (1u << 20)     /* whose announcement is remembered; others are announced each time */

static void batch_fini(struct batch *b)
{
	uint32_t i;

	for (i = 0; i < b->num; i++)
		store_record_fini(&b->records[i]);
	free(b->records);
	free(b->slots);
}

static bool batch_init(struct batch *b, uint32_t records, uint32_t slots)
{
	b->records = malloc(records * sizeof(*b->records));
	b->slots = calloc(slots, sizeof(*b->slots));
	return b->records && b->slots;
}

struct store_queue *store_queue_new(const struct store_place *place, const struct store_queue_options *options)
{
	struct store_queue *q = calloc(1, sizeof(*q));
	pthread_condattr_t monotonic;
	uint32_t slots = 64;

	if (!q)
		return NULL;
	*q = (struct store_queue){ .place = place, .options = *options, .key = hash_key_random(), .batch_number = 1 };
	while (slots < 2 * options->records)
		slots *= 2;
	q->slot_mask = slots - 1;
	q->filling = &q->batches[0];
	q->writing = &q->batches[1];
	pthread_mutex_init(&q->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&q->work, &monotonic);
	pthread_cond_init(&q->room, NULL);
	pthread_condattr_destroy(&monotonic);
	if (!batch_init(q->filling, options->records, slots) || !batch_init(q->writing, options->records, slots)) {
		store_queue_free(q);
		return NULL;
	}
	return q;
}

void store_queue_free(struct store_queue *q)
{
	if (!q)
		return;
	store_queue_finish(q);
	batch_fini(&q->batches[0]);
	batch_fini(&q->batches[1]);
	pthread_cond_destroy(&q->work);
	pthread_cond_destroy(&q->room);
	pthread_mutex_destroy(&q->lock);
	free(q->announced);
	free(q);
}

/* --- the packet path --- */

static uint64_t hash_endpoint(const struct store_queue *q, const struct store_record *r)
{
	uint8_t key[sizeof(r->server.address) + 8 + SERVER_NAME_MAX];
	size_t len = sizeof(r->server.address);

	memcpy(key, r->server.address.octets, len);
	key[len++] = (uint8_t)(r->server.port >> 8);
	key[len++] = (uint8_t)r->server.port;
	key[len++] = (uint8_t)r->transport;
	key[len++] = r->name_asked;
	memcpy(key + len, &r->server.zone, sizeof(r->server.zone));
	len += sizeof(r->server.zone);
	memcpy(key + len, r->name, r->name_len);
	return hash_bytes(&q->key, key, len + r->name_len);
}

static bool same_endpoint(const struct store_record *a, const struct store_record *b)
{
	return a->server.port == b->server.port && a->server.zone == b->server.zone && a->transport == b->transport &&
	       a->name_asked == b->name_asked && a->name_len == b->name_len &&
	       memcmp(&a->server.address, &b->server.address, sizeof(a->server.address)) == 0 &&
	       memcmp(a->name, b->name, a->name_len) == 0;
}

/* The place that stands for the endpoint of `r`, or a free one. There are twice as many as records. */
static uint32_t *find_slot(const struct store_queue *q, const struct store_record *r)
{
	struct batch *b = q->filling;
	uint32_t at = (uint32_t)hash_endpoint(q, r) & q->slot_mask;

	while (b->slots[at] && !same_endpoint(&b->records[b->slots[at] - 1], r))
		at = (at + 1) & q->slot_mask;
	return &b->slots[at];
}

/* /24 and /64, as in store_events.c. */
static bool same_network(const struct ip_address *a, const struct ip_address *b)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	size_t len = memcmp(a->octets, mapped, sizeof(mapped)) == 0 ? 15 : 8;

	return memcmp(a->octets, b->octets, len) == 0;
}

static uint64_t second_of(uint64_t ns)
{
	return ns / NS_PER_S;
}

/* Would the store make the same rows of the two as of one? */
static bool tells_the_same(const struct store_record *last, const struct store_record *r, bool has_chain)
{
	uint64_t second = second_of(last->first_ns);

	return last->kind == r->kind && last->role == r->role && last->reason == r->reason &&
	       last->witness == r->witness && last->chain_id == r->chain_id && last->pid == r->pid &&
	       last->started_ns == r->started_ns && last->owner_unsure == r->owner_unsure &&
	       (r->chain_id || (!has_chain && !last->announcement)) && last->carrier == r->carrier &&
	       second_of(last->last_ns) == second && second_of(r->first_ns) == second &&
	       second_of(r->last_ns) == second && same_network(&last->client.address, &r->client.address) &&
	       last->alert.level == r->alert.level && last->alert.description == r->alert.description &&
	       last->alert.sender == r->alert.sender;
}

static void sum(struct store_record *last, const struct store_record *r)
{
	last->count += r->count;
	if (r->first_ns < last->first_ns)
		last->first_ns = r->first_ns;
	if (r->last_ns > last->last_ns)
		last->last_ns = r->last_ns;
	last->client = r->client;
}

/* Must the chain's certificates go with the record? A batch tells each chain once. */
static bool must_announce(struct store_queue *q, const struct chain *chain)
{
	uint32_t num = q->num_announced ? q->num_announced : 256, *larger;

	if (!chain)
		return false;
	if (chain->id == 0 || chain->id >= CHAIN_IDS_MAX)
		return true;
	while (num <= chain->id)
		num *= 2;
	if (num > q->num_announced) {
		larger = realloc(q->announced, num * sizeof(*larger));
		if (!larger)
			return true;
		memset(larger + q->num_announced, 0, (num - q->num_announced) * sizeof(*larger));
		q->announced = larger;
		q->num_announced = num;
	}
	return q->announced[chain->id] != q->batch_number;
}

static bool has_room(const struct store_queue *q)
{
	return q->filling->num < q->options.records && q->filling->bytes < q->options.bytes;
}

/* Under the lock. False: refused. */
static bool wait_for_room(struct store_queue *q)
{
	while (!has_room(q) && q->options.lossless && q->running && !q->open_result) {
		pthread_cond_signal(&q->work);
		pthread_cond_wait(&q->room, &q->lock);
	}
	return has_room(q);
}

/* Under the lock. */
static bool append(struct store_queue *q, struct store_record *r, const struct chain *chain,
		   const struct process *process)
{
	struct batch *b;
	uint32_t *slot;

	if (!wait_for_room(q))
		return false;
	b = q->filling;
	if (must_announce(q, chain)) {
		r->announcement = store_announcement_new(chain);
		if (!r->announcement)
			return false;
		if (chain->id && chain->id < q->num_announced)
			q->announced[chain->id] = q->batch_number;
		b->bytes += r->announcement->bytes;
	}
	if (process)
		r->owner = store_record_owner_new(process);
	/* After the wait it may be another batch. */
	slot = find_slot(q, r);
	b->records[b->num++] = *r;
	*slot = b->num;
	if (b->num == q->options.records / 2 || b->bytes > q->options.bytes / 2)
		pthread_cond_signal(&q->work);
	return true;
}

static void take(struct store_queue *q, struct store_record *r, const struct chain *chain,
		 const struct process *process)
{
	uint32_t *slot;

	if (q->off) {
		store_record_fini(r);
		return;
	}
	if (process) {
		r->pid = process->key.pid;
		r->started_ns = process->started_ns;
	}
	pthread_mutex_lock(&q->lock);
	q->counters.records += r->kind != STORE_TIME;
	slot = find_slot(q, r);
	if (*slot && tells_the_same(&q->filling->records[*slot - 1], r, chain != NULL)) {
		sum(&q->filling->records[*slot - 1], r);
		q->counters.summed++;
	} else if (!append(q, r, chain, process)) {
		q->counters.refused += r->kind != STORE_TIME;
		store_record_fini(r);
	}
	pthread_mutex_unlock(&q->lock);
}

/* Of several who hold the socket, none of which has been seen to send, it is the first. */
static bool is_unsure(const struct owner *owner)
{
	return owner && owner->num_others && !owner->sent;
}

static void describe(struct store_record *r, const struct sighting *s, enum role role)
{
	size_t i;

	r->server = s->server;
	r->client = s->client;
	r->transport = s->transport;
	r->role = role;
	r->reason = role == ROLE_SERVER ? s->reason : REASON_NONE;
	r->witness = s->witness[role];
	r->owner_unsure = is_unsure(s->owner[ROLE_SERVER]);
	r->first_ns = s->start_ns;
	r->last_ns = s->end_ns > s->start_ns ? s->end_ns : s->start_ns;
	r->count = 1;
	r->chain_id = s->chain[role] ? s->chain[role]->id : 0;
	r->carrier = s->carrier;
	r->name_asked = s->server_name != NULL;
	r->name_len = s->server_name ? (uint8_t)(s->server_name_len < SERVER_NAME_MAX ? s->server_name_len : SERVER_NAME_MAX) :
				       0;
	for (i = 0; i < r->name_len; i++)
		r->name[i] = s->server_name[i] >= 'A' && s->server_name[i] <= 'Z' ? s->server_name[i] | 0x20 :
										  s->server_name[i];
}

/* Zeroed but for the name, of which only name_len bytes are looked at. */
static void record_start(struct store_record *r)
{
	memset(r, 0, offsetof(struct store_record, name));
}

static const struct process *server_process(const struct sighting *s)
{
	return s->owner[ROLE_SERVER] ? s->owner[ROLE_SERVER]->process : NULL;
}

static void take_refusal(struct store_queue *q, const struct sighting *s)
{
	enum role refused = alert_refused_role(&s->alert);
	struct store_record r;

	record_start(&r);
	describe(&r, s, refused);
	r.kind = STORE_REFUSAL;
	r.first_ns = r.last_ns;
	r.alert = s->alert;
	if (r.alert.hidden)
		r.alert.description = STORE_ALERT_HIDDEN;
	take(q, &r, s->chain[refused], server_process(s));
}

static void on_recorded(void *context, const struct sighting *s, enum role role,
			const struct ledger_entry *entry)
{
	struct store_queue *q = context;
	struct store_record r;

	if (q->next.recorded)
		q->next.recorded(q->next.context, s, role, entry);
	record_start(&r);
	describe(&r, s, role);
	/* News is told a little later than what is known: the time must not depend on which of the two it was. */
	r.last_ns = entry->time_ns > r.first_ns ? entry->time_ns : r.first_ns;
	take(q, &r, s->chain[role], server_process(s));
	if (alert_is_refusal(&s->alert) && alert_refused_role(&s->alert) == role)
		take_refusal(q, s);
}

static void on_alerted(void *context, const struct sighting *s, const struct ledger_row *row)
{
	struct store_queue *q = context;

	if (q->next.alerted)
		q->next.alerted(q->next.context, s, row);
	if (alert_is_refusal(&s->alert))
		take_refusal(q, s);
}

static void on_broke_off(void *context, const struct sighting *s, const struct ledger_row *row)
{
	struct store_queue *q = context;

	if (q->next.broke_off)
		q->next.broke_off(q->next.context, s, row);
}

static void on_closed(void *context, const struct sighting *s)
{
	struct store_queue *q = context;

	if (q->next.closed)
		q->next.closed(q->next.context, s);
}

struct observer store_queue_observer(struct store_queue *q, const struct observer *next)
{
	q->next = *next;
	return (struct observer){
		.context = q, .recorded = on_recorded, .alerted = on_alerted,
		.broke_off = on_broke_off, .closed = on_closed,
	};
}

void store_queue_time(struct store_queue *q, uint64_t now_ns)
{
	struct store_record r;

	if (now_ns < q->time_told_ns + TIME_EVERY_NS)
		return;
	q->time_told_ns = now_ns;
	record_start(&r);
	r.kind = STORE_TIME;
	r.first_ns = r.last_ns = now_ns;
	take(q, &r, NULL, NULL);
}

/* --- the thread --- */

int store_queue_start(struct store_queue *q)
{
	sigset_t all, before;
	int err;

	/* Signals are the main thread's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(&q->thread, NULL, store_writer_run, q);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (err) {
		fprintf(stderr, "certtap: no thread for the store: %s\n", strerror(err));
		return -err;
	}
	q->running = true;
	pthread_mutex_lock(&q->lock);
	while (!q->up)
		pthread_cond_wait(&q->room, &q->lock);
	pthread_mutex_unlock(&q->lock);
	return 0;
}

int store_queue_open(struct store_queue *q)
{
	int err;

	pthread_mutex_lock(&q->lock);
	q->may_open = true;
	pthread_cond_signal(&q->work);
	while (!q->opened)
		pthread_cond_wait(&q->room, &q->lock);
	err = q->open_result;
	pthread_mutex_unlock(&q->lock);
	return q->options.lossless || err == -EBUSY || err == -EPROTO ? err : 0;
}

void store_queue_turn_off(struct store_queue *q)
{
	q->off = true;
}

int store_queue_finish(struct store_queue *q)
{
	if (q->running) {
		pthread_mutex_lock(&q->lock);
		q->finishing = true;
		pthread_cond_signal(&q->work);
		pthread_mutex_unlock(&q->lock);
		pthread_join(q->thread, NULL);
		q->running = false;
	}
	return q->counters.refused || q->counters.failed ? -EIO : 0;
}

void store_queue_counters(struct store_queue *q, struct store_queue_counters *out)
{
	pthread_mutex_lock(&q->lock);
	*out = q->counters;
	pthread_mutex_unlock(&q->lock);
}

void store_queue_print(struct store_queue *q, FILE *out)
{
	struct store_queue_counters c;
	unsigned int i;

	if (q->off)
		return;
	store_queue_counters(q, &c);
	fprintf(out, "certtap: store %s: %" PRIu64 " sightings and alerts, %" PRIu64 " not stored\n", q->place->path,
		c.records, c.refused + c.failed);
	for (i = 0; !q->running && i < NUM_STORE_COUNTERS; i++)
		if (q->counted[i] && i != STORE_QUEUE_REFUSED)
			fprintf(out, "certtap: store %s: %" PRIu64 " %s\n", q->place->path, q->counted[i],
				store_counter_text((enum store_counter)i));
}
