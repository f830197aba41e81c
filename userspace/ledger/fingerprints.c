/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/ledger/fingerprints.h"

#include <stdlib.h>

#include "userspace/hash.h"

#define PLACES 4096u

struct fingerprints {
	struct hash_key key;
	struct fingerprinter *maker;
	struct fingerprint *places[PLACES];   /* the last one of each place; it may be newer than who asks */
};

struct fingerprints *fingerprints_new(void)
{
	struct fingerprints *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->key = hash_key_random();
	f->maker = fingerprinter_new();
	if (f->maker)
		return f;
	free(f);
	return NULL;
}

void fingerprint_release(struct fingerprint *fingerprint)
{
	if (fingerprint && --fingerprint->refs == 0)
		free(fingerprint);
}

void fingerprints_free(struct fingerprints *f)
{
	unsigned int i;

	if (!f)
		return;
	for (i = 0; i < PLACES; i++)
		fingerprint_release(f->places[i]);
	fingerprinter_free(f->maker);
	free(f);
}

/* Everything that the strings are made from; of the extensions the name asked for is no part. */
static uint64_t shape_hash(const struct fingerprints *f, const struct hello_shape *shape, int kind)
{
	struct bytes rest = shape->extensions, body;
	uint64_t parts[8] = { shape->version, shape->suite_len, (uint64_t)kind };
	uint8_t types[512];
	size_t n = 0;
	uint16_t type;

	while (n + 2 <= sizeof(types) && bytes_u16(&rest, &type) && bytes_vec16(&rest, &body)) {
		types[n++] = (uint8_t)(type >> 8);
		types[n++] = (uint8_t)type;
	}
	/* A hello with more extensions than that is hashed as it is. */
	parts[3] = rest.len ? hash_bytes(&f->key, shape->extensions.data, shape->extensions.len) :
			      hash_bytes(&f->key, types, n);
	parts[4] = hash_bytes(&f->key, shape->cipher_suites.data, shape->cipher_suites.len);
	parts[5] = hash_bytes(&f->key, shape->groups.data, shape->groups.len) ^
		   hash_bytes(&f->key, shape->point_formats.data, shape->point_formats.len) << 1;
	parts[6] = hash_bytes(&f->key, shape->signature_algorithms.data, shape->signature_algorithms.len);
	parts[7] = hash_bytes(&f->key, shape->versions.data, shape->versions.len) ^
		   hash_bytes(&f->key, shape->alpn.data, shape->alpn.len) << 1;
	return hash_bytes(&f->key, parts, sizeof(parts));
}

/* The one that is there, or a new one that takes its place; *made says that it is still empty. */
static struct fingerprint *get(struct fingerprints *f, uint64_t hash, bool *made)
{
	struct fingerprint **place = &f->places[hash % PLACES], *fresh;

	*made = !*place || (*place)->hash != hash;
	if (*made) {
		fresh = calloc(1, sizeof(*fresh));
		if (!fresh)
			return NULL;
		fresh->hash = hash;
		fresh->refs = 1;
		fingerprint_release(*place);
		*place = fresh;
	}
	(*place)->refs++;
	return *place;
}

struct fingerprint *fingerprints_client(struct fingerprints *f, const struct hello_shape *shape,
					enum ja4_transport transport)
{
	bool made;
	struct fingerprint *found = get(f, shape_hash(f, shape, transport), &made);

	if (found && made) {
		ja3_client(f->maker, shape, found->ja3);
		ja4_client(f->maker, shape, transport, found->ja4);
	}
	return found;
}

struct fingerprint *fingerprints_server(struct fingerprints *f, const struct hello_shape *shape)
{
	bool made;
	struct fingerprint *found = get(f, shape_hash(f, shape, 's'), &made);

	if (found && made)
		ja3_server(f->maker, shape, found->ja3);
	return found;
}
