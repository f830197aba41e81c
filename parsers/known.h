/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages that were seen before, by their bytes. A message that arrives in pieces is compared with them in
 * flight: it costs no buffer as long as it is one of them, and no hash when it is complete.
 *
 * Bounded: when `max` bytes are held, all are forgotten at once and learned anew. An entry that a reader is
 * in the middle of stays until known_release().
 */
#ifndef CERTTAP_KNOWN_H
#define CERTTAP_KNOWN_H

#include "parsers/bytes.h"
#include "parsers/siphash.h"

/* So many bytes of a message find it: lengths, and of a certificate all up to its serial number. */
#define KNOWN_PREFIX 48

struct known_entry {
	struct known_entry *next;
	uint64_t hash;
	const void *value;       /* what known_add() was given */
	uint32_t refs;           /* readers in the middle of it, and 1 for the table */
	uint32_t len;
	uint8_t body[];
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
 * An entry of `total` bytes that begins with `begin` (at least KNOWN_PREFIX bytes, or all of it), or NULL. The caller
 * compares what follows itself, and releases it.
 */
struct known_entry *known_find(struct known *k, uint32_t total, struct bytes begin);
void known_release(struct known_entry *entry);

/* Copies the message; a failure is harmless, it will only not be recognised. */
void known_add(struct known *k, struct bytes body, const void *value);

#endif
