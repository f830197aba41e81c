/* SPDX-License-Identifier: Apache-2.0 */
#include "parsers/known.h"

#include <stdlib.h>

#define BUCKETS 4096u
#define CAPACITY_MIN 2048u
#define SAME_PREFIX_MAX 8      /* entries looked at: strangers can make many that begin alike */

bool known_init(struct known *k, struct hash_key key, size_t max)
{
	*k = (struct known){ .key = key, .max = max };
	k->buckets = calloc(BUCKETS, sizeof(*k->buckets));
	return k->buckets != NULL;
}

static size_t entry_cost(const struct known_entry *entry)
{
	return sizeof(*entry) + entry->capacity;
}

static void entry_unlink(struct known_entry *entry)
{
	struct known_entry **at = &entry->table->buckets[entry->hash % BUCKETS];

	for (; *at; at = &(*at)->next) {
		if (*at == entry) {
			*at = entry->next;
			entry->table->entries--;
			return;
		}
	}
}

void known_release(struct known_entry *entry)
{
	if (!entry || --entry->refs)
		return;
	if (entry->memory) {
		entry_unlink(entry);
		budget_give(entry->memory, entry_cost(entry));
	}
	free(entry->body);
	free(entry);
}

/* Those on their way stay: readers are in the middle of them. */
static void forget_all(struct known *k)
{
	struct known_entry *entry, **at;
	uint32_t i;

	for (i = 0; k->buckets && i < BUCKETS; i++) {
		for (at = &k->buckets[i]; (entry = *at);) {
			if (entry->memory) {
				at = &entry->next;
				continue;
			}
			*at = entry->next;
			k->entries--;
			known_release(entry);
		}
	}
	k->held = 0;
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

/* As far as both are there. */
static bool agrees(const struct known_entry *entry, uint32_t offset, struct bytes part)
{
	size_t len = entry->have > offset ? entry->have - offset : 0;

	if (len > part.len)
		len = part.len;
	return len == 0 || memcmp(entry->body + offset, part.data, len) == 0;
}

/* NULL also when there are too many that begin alike: then *`same` is SAME_PREFIX_MAX. */
static struct known_entry *find(const struct known *k, uint64_t hash, uint32_t total,
				struct bytes begin, unsigned int *same)
{
	struct known_entry *entry = k->buckets[hash % BUCKETS];

	for (*same = 0; entry && *same < SAME_PREFIX_MAX; entry = entry->next) {
		if (entry->hash != hash || entry->len != total)
			continue;
		++*same;
		if (agrees(entry, 0, begin))
			return entry;
	}
	return NULL;
}

struct known_entry *known_find(struct known *k, uint32_t total, struct bytes begin)
{
	unsigned int same;
	struct known_entry *entry = find(k, prefix_hash(k, total, begin.data), total, begin, &same);

	if (entry)
		entry->refs++;
	return entry;
}

static struct known_entry *entry_new(struct known *k, uint64_t hash, uint32_t total)
{
	struct known_entry *entry = malloc(sizeof(*entry));

	if (!entry)
		return NULL;
	*entry = (struct known_entry){ .table = k, .hash = hash, .refs = 1, .len = total };
	return entry;
}

static void entry_link(struct known_entry *entry)
{
	struct known_entry **bucket = &entry->table->buckets[entry->hash % BUCKETS];

	entry->next = *bucket;
	*bucket = entry;
	entry->table->entries++;
}

struct known_entry *known_join(struct known *k, struct budget *memory, uint32_t total,
			       struct bytes begin)
{
	uint64_t hash = prefix_hash(k, total, begin.data);
	unsigned int same;
	struct known_entry *entry = find(k, hash, total, begin, &same);

	if (entry) {
		entry->refs++;
		return entry;
	}
	if (same == SAME_PREFIX_MAX || !budget_take(memory, sizeof(*entry)))
		return NULL;
	entry = entry_new(k, hash, total);
	if (!entry) {
		budget_give(memory, sizeof(*entry));
		return NULL;
	}
	entry->memory = memory;
	entry_link(entry);
	return entry;
}

/* Room for `need` bytes: grows with what has arrived, at most doubling. */
static bool entry_grow(struct known_entry *entry, uint32_t need)
{
	uint32_t capacity = entry->capacity ? entry->capacity * 2 : CAPACITY_MIN;
	uint8_t *larger;

	if (need <= entry->capacity)
		return true;
	if (capacity < need)
		capacity = need;
	if (capacity > entry->len)
		capacity = entry->len;
	if (!budget_take(entry->memory, capacity - entry->capacity))
		return false;
	larger = realloc(entry->body, capacity);
	if (!larger) {
		budget_give(entry->memory, capacity - entry->capacity);
		return false;
	}
	entry->body = larger;
	entry->capacity = capacity;
	return true;
}

enum known_feed known_feed(struct known_entry *entry, uint32_t offset, struct bytes part)
{
	uint32_t end = offset + (uint32_t)part.len, from;

	if (offset > entry->have || part.len > entry->len - offset || !agrees(entry, offset, part))
		return KNOWN_DIFFERENT;
	if (end <= entry->have)
		return KNOWN_SAME;
	if (!entry_grow(entry, end))
		return KNOWN_NO_MEMORY;
	from = entry->have - offset;
	memcpy(entry->body + entry->have, part.data + from, part.len - from);
	entry->have = end;
	return KNOWN_SAME;
}

/* From now on the table holds it. */
static void entry_keep(struct known_entry *entry, const void *value)
{
	if (entry->memory)
		budget_give(entry->memory, entry_cost(entry));
	entry->memory = NULL;
	entry->value = value;
	entry->refs++;
	entry->table->held += entry_cost(entry);
}

void known_add(struct known *k, struct bytes body, const void *value)
{
	size_t cost = sizeof(struct known_entry) + body.len;
	struct known_entry *entry;
	unsigned int same;
	uint64_t hash;

	if (body.len > k->max / 4 || body.len > UINT32_MAX)
		return;
	if (k->held + cost > k->max || k->entries > 4 * BUCKETS)
		forget_all(k);
	hash = prefix_hash(k, (uint32_t)body.len, body.data);
	entry = find(k, hash, (uint32_t)body.len, body, &same);
	if (entry) {
		/* Those who are in the middle of it have its end now, too. */
		if (!entry->value && known_feed(entry, 0, body) == KNOWN_SAME)
			entry_keep(entry, value);
		return;
	}
	entry = entry_new(k, hash, (uint32_t)body.len);
	if (!entry)
		return;
	entry->body = malloc(body.len ? body.len : 1);
	if (!entry->body) {
		free(entry);
		return;
	}
	if (body.len)
		memcpy(entry->body, body.data, body.len);
	entry->have = entry->capacity = entry->len;
	entry_link(entry);
	entry_keep(entry, value);
	known_release(entry);      /* what the table holds, no reader does */
}
