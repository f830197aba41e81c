/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages that were seen before, by their bytes, and those that are on their way: a server sends all its clients the
 * same. A message that arrives in pieces is compared with them in flight. It costs no buffer as long as it is
 * one of them, whoever brings the next bytes first, and no hash when it is complete.
 *
 * Bounded: what is on its way counts against the readers' budget, by the bytes that arrived; what is kept
 * against `max`: then all are forgotten at once and learned anew. An entry that a reader is in the
 * middle of stays until known_release().
 */
#ifndef CERTTAP_KNOWN_H
#define CERTTAP_KNOWN_H

#include "parsers/budget.h"
#include "parsers/bytes.h"
#include "parsers/siphash.h"

/* So many bytes of a message find it: lengths, and of a certificate all up to its serial number. */
#define KNOWN_PREFIX 48

struct known_entry {
	struct known_entry *next;
	struct known *table;
	struct budget *memory;   /* that it counts against while nobody gave it a value, or NULL */
	uint64_t hash;
	const void *value;       /* what known_add() was given; NULL: on its way, or of no use */
	uint32_t refs;           /* readers in the middle of it, and 1 for the table if it has a value */
	uint32_t len;            /* of the whole message */
	uint32_t have, capacity; /* bytes of it that are there */
	uint8_t *body;
};

struct known {
	struct hash_key key;
	struct known_entry **buckets;
	size_t held, max;        /* bytes */
	uint32_t entries;
};

/* False: out of memory. */
bool known_init(struct known *k, struct hash_key key, size_t max);
void known_fini(struct known *k);

/*
 * An entry of `total` bytes that begins with `begin` (at least KNOWN_PREFIX bytes, or all of it) as far as it is there,
 * or NULL. The caller feeds it `begin` and what follows, and releases it.
 */
struct known_entry *known_find(struct known *k, uint32_t total, struct bytes begin);
/* The same, and where there is none, a new one that others may join. NULL: over the budget. */
struct known_entry *known_join(struct known *k, struct budget *memory, uint32_t total,
			       struct bytes begin);
void known_release(struct known_entry *entry);

enum known_feed { KNOWN_SAME, KNOWN_DIFFERENT, KNOWN_NO_MEMORY };

/* The bytes at `offset`, which all before were fed: compared with those that are there, and the rest is kept. */
enum known_feed known_feed(struct known_entry *entry, uint32_t offset, struct bytes part);

/*
 * Gives a whole message its value: an entry that is there, else a copy. A failure is harmless, it will only not be
 * recognised.
 */
void known_add(struct known *k, struct bytes body, const void *value);

#endif
