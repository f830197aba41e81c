/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Secrets that somebody gave: key log files, which may grow while we read, and secrets blocks of pcapng.
 * Looked up by client random and label; wiped when they are freed.
 */
#ifndef CERTTAP_KEYS_H
#define CERTTAP_KEYS_H

#include "parsers/keylog.h"

struct keys_counters {
	uint64_t secrets;        /* kept */
	uint64_t not_understood; /* lines that are no key log lines */
	uint64_t refused;        /* over the limit */
	uint64_t endless;        /* pipes and devices given up, which went on beyond the limit */
	uint64_t cut_off;        /* files that became shorter, and were read again from their beginning */
};

struct keys;

/* Of a pipe or device KEYS_BYTES_EACH are read for each of `max_secrets`. */
#define KEYS_BYTES_EACH 512
struct keys *keys_new(uint32_t max_secrets);
void keys_free(struct keys *k);

/*
 * Opens a key log file, to be read whenever keys_poll() is called. Where it is a pipe, `follow` takes what is there each
 * time; without it, opening waits for who writes, and the first keys_poll() for the end. Returns 0 or a negative errno.
 */
int keys_add_file(struct keys *k, const char *path, bool follow);
/* Reads what the files have got since. Cheap when there is nothing. */
void keys_poll(struct keys *k);
/* A key log's text, whole (a secrets block). */
void keys_add_text(struct keys *k, struct bytes text);

/* Grows with every secret: whoever waits for one need not look before it has changed. */
uint64_t keys_generation(const struct keys *k);

/* Borrowed until the next addition. False: not there. */
bool keys_find(const struct keys *k, const uint8_t client_random[KEYLOG_RANDOM_LEN],
	       enum keylog_label label, struct bytes *secret);

/* This secret's connection was found. */
void keys_claim(struct keys *k, const uint8_t client_random[KEYLOG_RANDOM_LEN], enum keylog_label label);
/*
 * Up to `max` client randoms, the newest first, that have a secret of this label, were never claimed, and came after the
 * generation `since`: of an encrypted ClientHello (RFC 9849) the log names the inner random, which nobody sees. Borrowed
 * until the next addition.
 */
unsigned int keys_unclaimed(const struct keys *k, enum keylog_label label, uint64_t since,
			    const uint8_t *client_randoms[], unsigned int max);

const struct keys_counters *keys_counters(const struct keys *k);

#endif
