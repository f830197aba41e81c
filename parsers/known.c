/* SPDX-License-Identifier: Apache-2.0 */
#include "parsers/known.h"

#include <stdlib.h>

#define BUCKETS 4096u
#define SAME_PREFIX_MAX 8      /* entries looked at: strangers can make many that begin alike */

bool known_init(struct known *k, struct hash_key key, size_t max)
{
	*k = (struct known){ .key = key, .max = max };
	k->buckets = calloc(BUCKETS, sizeof(*k->buckets));
	return k->buckets != NULL;
}

void known_release(struct known_entry *entry)
{
	if (entry && --entry->refs == 0)
		free(entry);
}

static void forget_all(struct known *k)
{
	struct known_entry *entry;
	uint32_t i;

	for (i = 0; k->buckets && i < BUCKETS; i++) {
		while ((entry = k->buckets[i])) {
			k->buckets[i] = entry->next;
			known_release(entry);
		}
	}
	k->held = 0;
	k->entries = 0;
}

void known_fini(struct known *k)
{
	forget_all(k);
	free(k->buckets);
	k->buckets = NULL;
}

static uint64_t prefix_hash(const struct known *k, uint32_t total, const uint8_t *begin)
{
	uint8_t key[KNOWN_PREFIX + sizeof(total)] = { 0 };

	memcpy(key, begin, total < KNOWN_PREFIX ? total : KNOWN_PREFIX);
	memcpy(key + KNOWN_PREFIX, &total, sizeof(total));
	return siphash(&k->key, key, sizeof(key));
}

struct known_entry *known_find(struct known *k, uint32_t total, struct bytes begin)
{
	uint64_t hash = prefix_hash(k, total, begin.data);
	struct known_entry *entry = k->buckets[hash % BUCKETS];
	unsigned int same = 0;

	for (; entry && same < SAME_PREFIX_MAX; entry = entry->next) {
		if (entry->hash != hash || entry->len != total)
			continue;
		same++;
		if (memcmp(entry->body, begin.data, begin.len) == 0) {
			entry->refs++;
			return entry;
		}
	}
	return NULL;
}

void known_add(struct known *k, struct bytes body, const void *value)
{
	size_t cost = sizeof(struct known_entry) + body.len;
	struct known_entry *entry;

	if (body.len > k->max / 4 || body.len > UINT32_MAX)
		return;
	if (k->held + cost > k->max || k->entries > 4 * BUCKETS)
		forget_all(k);
	entry = malloc(cost);
	if (!entry)
		return;
	*entry = (struct known_entry){
		.hash = prefix_hash(k, (uint32_t)body.len, body.data), .value = value, .refs = 1,
		.len = (uint32_t)body.len,
	};
	if (body.len)
		memcpy(entry->body, body.data, body.len);
	entry->next = k->buckets[entry->hash % BUCKETS];
	k->buckets[entry->hash % BUCKETS] = entry;
	k->held += cost;
	k->entries++;
}
