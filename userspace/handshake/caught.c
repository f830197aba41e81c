/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/handshake/caught.h"

#include <stdlib.h>
#include <sys/mman.h>

#include <openssl/crypto.h>

#include "userspace/hash.h"

/* Every look-up gives its own keyed hash; a failed insertion leaves hh.tbl NULL. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

struct place {
	struct caught_secret secret;   /* id_len 0: free */
	uint64_t until_ns;
	uint64_t number;               /* the first has 1 */
	bool used;
};

struct waiting {
	UT_hash_handle hh;
	uint8_t id[CAUGHT_ID_MAX];
	struct flow *flow;
};

struct caught_trial {
	struct caught_trial *next, **link;   /* link: what leads here */
	struct flow *flow;
};

struct caught {
	struct hash_key key;
	struct place *places;          /* CAUGHT_MAX, one mapping of its own: a ring */
	uint32_t next;                 /* where the next one is put */
	struct waiting *waiting;
	struct caught_trial *trials;
	struct caught_counters counters;
};

#define PLACES_SIZE (CAUGHT_MAX * sizeof(struct place))

struct caught *caught_new(void)
{
	struct caught *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->key = hash_key_random();
	c->places = mmap(NULL, PLACES_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (c->places == MAP_FAILED) {
		free(c);
		return NULL;
	}
	/* Not to the disk: by swapping (where the limit on locked memory allows it), nor by a dump. */
	c->counters.locked = mlock(c->places, PLACES_SIZE) == 0;
	if (madvise(c->places, PLACES_SIZE, MADV_DONTDUMP) == 0)
		return c;
	caught_free(c);
	return NULL;
}

void caught_free(struct caught *c)
{
	struct waiting *waiting, *tmp;

	if (!c)
		return;
	HASH_ITER(hh, c->waiting, waiting, tmp) {
		HASH_DEL(c->waiting, waiting);
		free(waiting);
	}
	while (c->trials)
		caught_trial_end(c->trials);
	OPENSSL_cleanse(c->places, PLACES_SIZE);
	munmap(c->places, PLACES_SIZE);
	free(c);
}

static void place_wipe(struct place *p)
{
	OPENSSL_cleanse(p, sizeof(*p));
}

void caught_add(struct caught *c, const struct caught_secret *secret, uint64_t now_ns)
{
	struct place *p = &c->places[c->next];

	if (secret->id_len > CAUGHT_ID_MAX || secret->secret_len > CAUGHT_SECRET_MAX || !secret->id_len)
		return;
	if (p->secret.id_len && !p->used)
		c->counters.evicted++;
	*p = (struct place){ .secret = *secret, .until_ns = now_ns + CAUGHT_KEPT_NS,
			     .number = ++c->counters.caught };
	c->next = (c->next + 1) % CAUGHT_MAX;
}

void caught_expire(struct caught *c, uint64_t now_ns)
{
	uint32_t i;

	for (i = 0; i < CAUGHT_MAX; i++) {
		if (!c->places[i].secret.id_len || c->places[i].until_ns > now_ns)
			continue;
		c->counters.expired += !c->places[i].used;
		place_wipe(&c->places[i]);
	}
}

bool caught_find(struct caught *c, enum caught_label label, struct bytes id, struct caught_secret *out)
{
	struct place *p;
	uint32_t i;

	/* The newest first: it is nearly always the one. */
	for (i = 0; i < CAUGHT_MAX; i++) {
		p = &c->places[(c->next + CAUGHT_MAX - 1 - i) % CAUGHT_MAX];
		/* They expire in the order in which they came: behind a free place there are only older, free ones. */
		if (!p->secret.id_len)
			return false;
		if (p->secret.id_len == id.len && p->secret.label == label &&
		    memcmp(p->secret.id, id.data, id.len) == 0) {
			*out = p->secret;
			p->used = true;
			return true;
		}
	}
	return false;
}

void caught_used(struct caught *c)
{
	c->counters.used++;
}

bool caught_next(const struct caught *c, enum caught_label label, uint64_t since, uint32_t *at,
		 struct caught_secret *out)
{
	while (*at < CAUGHT_MAX) {
		const struct place *p = &c->places[(c->next + CAUGHT_MAX - 1 - *at) % CAUGHT_MAX];

		if (!p->secret.id_len || p->number <= since)
			return false;
		++*at;
		if (p->used || p->secret.label != label)
			continue;
		*out = p->secret;
		return true;
	}
	return false;
}

struct caught_trial *caught_trial_begin(struct caught *c, struct flow *flow)
{
	struct caught_trial *trial = malloc(sizeof(*trial));

	if (!trial)
		return NULL;
	*trial = (struct caught_trial){ .next = c->trials, .link = &c->trials, .flow = flow };
	if (c->trials)
		c->trials->link = &trial->next;
	c->trials = trial;
	return trial;
}

void caught_trial_end(struct caught_trial *trial)
{
	if (!trial)
		return;
	*trial->link = trial->next;
	if (trial->next)
		trial->next->link = trial->link;
	free(trial);
}

void caught_trial_each(const struct caught *c, caught_trial_fn *fn, void *context)
{
	struct caught_trial *trial, *next;

	for (trial = c->trials; trial; trial = next) {
		next = trial->next;
		fn(context, trial->flow);
	}
}

static unsigned int id_key(const struct caught *c, struct bytes id, uint8_t key[CAUGHT_ID_MAX])
{
	memset(key, 0, CAUGHT_ID_MAX);
	memcpy(key, id.data, id.len < CAUGHT_ID_MAX ? id.len : CAUGHT_ID_MAX);
	return (unsigned int)hash_bytes(&c->key, key, CAUGHT_ID_MAX);
}

static struct waiting *waiting_find(const struct caught *c, struct bytes id, unsigned int *hash,
				    uint8_t key[CAUGHT_ID_MAX])
{
	struct waiting *waiting;

	*hash = id_key(c, id, key);
	HASH_FIND_BYHASHVALUE(hh, c->waiting, key, CAUGHT_ID_MAX, *hash, waiting);
	return waiting;
}

void caught_wait(struct caught *c, struct bytes id, struct flow *flow)
{
	uint8_t key[CAUGHT_ID_MAX];
	unsigned int hash;
	struct waiting *waiting = waiting_find(c, id, &hash, key);

	if (waiting) {
		waiting->flow = flow;
		return;
	}
	waiting = calloc(1, sizeof(*waiting));
	if (!waiting)
		return;
	memcpy(waiting->id, key, sizeof(key));
	waiting->flow = flow;
	HASH_ADD_BYHASHVALUE(hh, c->waiting, id, CAUGHT_ID_MAX, hash, waiting);
	if (!waiting->hh.tbl)
		free(waiting);
}

void caught_wait_no_more(struct caught *c, struct bytes id, const struct flow *flow)
{
	uint8_t key[CAUGHT_ID_MAX];
	unsigned int hash;
	struct waiting *waiting = waiting_find(c, id, &hash, key);

	if (!waiting || waiting->flow != flow)
		return;
	HASH_DEL(c->waiting, waiting);
	free(waiting);
}

struct flow *caught_waiting(struct caught *c, struct bytes id)
{
	uint8_t key[CAUGHT_ID_MAX];
	unsigned int hash;
	struct waiting *waiting = waiting_find(c, id, &hash, key);

	return waiting ? waiting->flow : NULL;
}

const struct caught_counters *caught_counters(const struct caught *c)
{
	return &c->counters;
}
