/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keyed hashing for every table whose keys strangers choose. The key is random for each run, so that nobody can aim
 * at one bucket.
 */
#ifndef CERTTAP_HASH_H
#define CERTTAP_HASH_H

#include "parsers/siphash.h"

/* A key from the kernel's random numbers. Call before the sandbox closes; aborts where there are none. */
struct hash_key hash_key_random(void);

static inline uint64_t hash_bytes(const struct hash_key *key, const void *data, size_t len)
{
	return siphash(key, data, len);
}

#endif
