/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/handshake/keys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "userspace/hash.h"

/* Every look-up gives its own keyed hash; a failed insertion leaves hh.tbl NULL. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#define FILES_MAX 32
#define READ_SIZE 65536
#define POLL_MAX (16u << 20)    /* bytes of a pipe that is followed, at once: packets wait */
#define UNCLAIMED_LOOK 4096     /* entries looked through from the newest back */

struct secret_key {
	uint8_t client_random[KEYLOG_RANDOM_LEN];
	uint32_t label;
};

struct secret_entry {
	UT_hash_handle hh;
	struct secret_key key;
	bool claimed;
	uint64_t generation;             /* of the keys when it came */
	uint8_t len;
	uint8_t secret[KEYLOG_SECRET_MAX];
};

struct key_file {
	int fd;
	bool regular;                    /* else it may have no end */
	bool follow, over;
	uint64_t offset;                 /* bytes read */
	struct keylog text;
};

struct keys {
	struct hash_key key;
	struct secret_entry *secrets;
	struct key_file files[FILES_MAX];
	unsigned int num_files;
	uint32_t max_secrets;
	uint64_t generation;
	struct keys_counters counters;
};

struct keys *keys_new(uint32_t max_secrets)
{
	struct keys *k = calloc(1, sizeof(*k));

	if (k) {
		k->key = hash_key_random();
		k->max_secrets = max_secrets;
	}
	return k;
}

void keys_free(struct keys *k)
{
	struct secret_entry *entry, *tmp;
	unsigned int i;

	if (!k)
		return;
	HASH_ITER(hh, k->secrets, entry, tmp) {
		HASH_DEL(k->secrets, entry);
		OPENSSL_cleanse(entry->secret, sizeof(entry->secret));
		free(entry);
	}
	for (i = 0; i < k->num_files; i++) {
		close(k->files[i].fd);
		keylog_fini(&k->files[i].text);
	}
	free(k);
}

static struct secret_entry *find(const struct keys *k, const struct secret_key *key, unsigned int *hash)
{
	struct secret_entry *entry;

	*hash = (unsigned int)hash_bytes(&k->key, key, sizeof(*key));
	HASH_FIND_BYHASHVALUE(hh, k->secrets, key, sizeof(*key), *hash, entry);
	return entry;
}

/* A later secret for the same connection and label replaces the earlier one. */
static void add(struct keys *k, const struct keylog_entry *line)
{
	struct secret_key key = { .label = (uint32_t)line->label };
	struct secret_entry *entry;
	unsigned int hash;

	if (line->secret_len > KEYLOG_SECRET_MAX)
		return;         /* an ECHConfig: nothing of ours */
	memcpy(key.client_random, line->client_random, sizeof(key.client_random));
	entry = find(k, &key, &hash);
	if (!entry) {
		entry = k->counters.secrets < k->max_secrets ? calloc(1, sizeof(*entry)) : NULL;
		if (!entry) {
			k->counters.refused++;
			return;
		}
		entry->key = key;
		HASH_ADD_BYHASHVALUE(hh, k->secrets, key, sizeof(key), hash, entry);
		if (!entry->hh.tbl) {
			free(entry);
			k->counters.refused++;
			return;
		}
		k->counters.secrets++;
	}
	memcpy(entry->secret, line->secret, line->secret_len);
	entry->len = (uint8_t)line->secret_len;
	entry->generation = ++k->generation;
}

static void feed(struct keys *k, struct keylog *text, struct bytes in)
{
	uint64_t before = text->num_unknown + text->num_malformed + text->num_overlong;
	struct keylog_entry line;

	while (keylog_feed(text, &in, &line) == PARSE_OK)
		add(k, &line);
	k->counters.not_understood += text->num_unknown + text->num_malformed + text->num_overlong - before;
	OPENSSL_cleanse(&line, sizeof(line));
}

int keys_add_file(struct keys *k, const char *path, bool follow)
{
	struct key_file *f = &k->files[k->num_files];
	struct stat st;
	int fd, err;

	if (k->num_files == FILES_MAX)
		return -EMFILE;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | (follow ? O_NONBLOCK : 0));
	if (fd < 0)
		return -errno;
	err = fstat(fd, &st) != 0 ? -errno : S_ISDIR(st.st_mode) ? -EISDIR : 0;
	if (err) {
		close(fd);
		return err;
	}
	*f = (struct key_file){ .fd = fd, .follow = follow, .regular = S_ISREG(st.st_mode) };
	keylog_init(&f->text);
	k->num_files++;
	return 0;
}

/*
 * A file's last line may have no end and never get one. If it does grow, the whole line replaces what is
 * taken of it now.
 */
static void take_last_line(struct keys *k, const struct keylog *text)
{
	struct keylog copy = *text;
	struct keylog_entry line;

	if (keylog_finish(&copy, &line) == PARSE_OK)
		add(k, &line);
	OPENSSL_cleanse(&line, sizeof(line));
	keylog_fini(&copy);
}

/* A file that was cut off, as tools do that rotate it in place, begins again. */
static void look_at_size(struct keys *k, struct key_file *f)
{
	struct stat st;

	if (!f->regular || fstat(f->fd, &st) != 0 || (uint64_t)st.st_size >= f->offset ||
	    lseek(f->fd, 0, SEEK_SET) != 0)
		return;
	keylog_fini(&f->text);
	keylog_init(&f->text);
	f->offset = 0;
	k->counters.cut_off++;
}

static void read_on(struct keys *k, struct key_file *f, uint8_t *buffer)
{
	uint64_t from = f->offset, most = (uint64_t)k->max_secrets * KEYS_BYTES_EACH;
	ssize_t n = 0;

	while (!f->over && (f->regular || !f->follow || f->offset - from < POLL_MAX) &&
	       (n = read(f->fd, buffer, READ_SIZE)) > 0) {
		feed(k, &f->text, bytes_of(buffer, (size_t)n));
		f->offset += (uint64_t)n;
		f->over = !f->regular && f->offset > most;
		k->counters.endless += f->over;
	}
	/* The end of a pipe that was waited for: another one who writes would be waited for again. */
	f->over |= n == 0 && !f->regular && !f->follow;
	if (f->offset > from)
		take_last_line(k, &f->text);
}

void keys_poll(struct keys *k)
{
	uint8_t buffer[READ_SIZE];
	unsigned int i;

	for (i = 0; i < k->num_files; i++) {
		look_at_size(k, &k->files[i]);
		read_on(k, &k->files[i], buffer);
	}
	OPENSSL_cleanse(buffer, sizeof(buffer));
}

void keys_add_text(struct keys *k, struct bytes text)
{
	struct keylog_entry line;
	struct keylog reader;

	keylog_init(&reader);
	feed(k, &reader, text);
	/* A block is whole: its last line needs no end. */
	if (keylog_finish(&reader, &line) == PARSE_OK)
		add(k, &line);
	OPENSSL_cleanse(&line, sizeof(line));
	keylog_fini(&reader);
}

uint64_t keys_generation(const struct keys *k)
{
	return k->generation;
}

bool keys_find(const struct keys *k, const uint8_t client_random[KEYLOG_RANDOM_LEN],
	       enum keylog_label label, struct bytes *secret)
{
	struct secret_key key = { .label = (uint32_t)label };
	const struct secret_entry *entry;
	unsigned int hash;

	memcpy(key.client_random, client_random, sizeof(key.client_random));
	entry = find(k, &key, &hash);
	if (!entry)
		return false;
	*secret = bytes_of(entry->secret, entry->len);
	return true;
}

void keys_claim(struct keys *k, const uint8_t client_random[KEYLOG_RANDOM_LEN], enum keylog_label label)
{
	struct secret_key key = { .label = (uint32_t)label };
	struct secret_entry *entry;
	unsigned int hash;

	memcpy(key.client_random, client_random, sizeof(key.client_random));
	entry = find(k, &key, &hash);
	if (entry)
		entry->claimed = true;
}

unsigned int keys_unclaimed(const struct keys *k, enum keylog_label label, uint64_t since,
			    const uint8_t *client_randoms[], unsigned int max)
{
	const struct secret_entry *entry = k->secrets;
	unsigned int num = 0, looked_at = 0;

	/* uthash keeps the order in which they came; from the last one back. */
	if (entry)
		entry = ELMT_FROM_HH(k->secrets->hh.tbl, k->secrets->hh.tbl->tail);
	for (; entry && num < max && looked_at < UNCLAIMED_LOOK; entry = entry->hh.prev, looked_at++)
		if (entry->key.label == (uint32_t)label && !entry->claimed && entry->generation > since)
			client_randoms[num++] = entry->key.client_random;
	return num;
}

const struct keys_counters *keys_counters(const struct keys *k)
{
	return &k->counters;
}
