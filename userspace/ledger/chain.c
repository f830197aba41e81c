/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/ledger/chain.h"

#include <errno.h>
#include <stdlib.h>

#include <openssl/evp.h>

#include "userspace/hash.h"

/* Every look-up gives its own keyed hash; a failed insertion leaves hh.tbl NULL. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

struct certificate_entry {
	UT_hash_handle hh;
	uint8_t key[33];          /* SHA-256 and the truncated mark */
	struct certificate certificate;
};

struct chain_entry {
	UT_hash_handle hh;
	struct chain chain;       /* certificates[] is the key */
};

struct chain_table {
	struct hash_key key;
	struct chain_limits limits;
	chain_new_certificate_fn *on_new;
	void *context;
	struct certificate_entry *certificates;
	struct chain_entry *chains;
	struct known known;       /* messages, with their chains as values */
	size_t bytes;             /* of certificates kept */
	struct chain_counters counters;
	struct x509 *scratch;
};

struct chain_table *chain_table_new(const struct chain_limits *limits,
				    chain_new_certificate_fn *on_new, void *context)
{
	struct chain_table *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	*t = (struct chain_table){
		.key = hash_key_random(), .limits = *limits, .on_new = on_new, .context = context,
	};
	if (t->limits.chain_len > TLS_CHAIN_MAX)
		t->limits.chain_len = TLS_CHAIN_MAX;
	t->scratch = malloc(sizeof(*t->scratch));
	if (!t->scratch || !x509_init() || !known_init(&t->known, t->key, limits->known_bytes)) {
		free(t->scratch);
		free(t);
		return NULL;
	}
	return t;
}

static void certificate_entry_free(struct certificate_entry *entry)
{
	if (!entry)
		return;
	free(entry->certificate.der);
	free((void *)entry->certificate.x509);
	free(entry);
}

void chain_table_free(struct chain_table *t)
{
	struct certificate_entry *certificate, *tmp;
	struct chain_entry *chain, *tmp2;

	if (!t)
		return;
	known_fini(&t->known);
	HASH_ITER(hh, t->certificates, certificate, tmp) {
		HASH_DEL(t->certificates, certificate);
		certificate_entry_free(certificate);
	}
	HASH_ITER(hh, t->chains, chain, tmp2) {
		HASH_DEL(t->chains, chain);
		free(chain);
	}
	free(t->scratch);
	free(t);
}

/* A copy of the fields that is no longer than its alternative names need. */
static struct x509 *x509_shrunk(const struct x509 *x509)
{
	size_t len = offsetof(struct x509, san) + x509->san_count * sizeof(x509->san[0]);
	struct x509 *copy;

	_Static_assert(offsetof(struct x509, san) + sizeof(x509->san) == sizeof(*x509), "san[] is last");
	copy = malloc(len);
	if (copy)
		memcpy(copy, x509, len);
	return copy;
}

/*
 * Reads a certificate that is new. `der.data` is NULL where it was too long to be kept: then t->scratch
 * holds its hash and length. NULL: no memory.
 */
static struct certificate_entry *certificate_new(struct chain_table *t, struct bytes der,
						 const uint8_t key[33])
{
	struct certificate_entry *entry = calloc(1, sizeof(*entry));
	struct certificate *c;

	if (!entry)
		return NULL;
	memcpy(entry->key, key, sizeof(entry->key));
	c = &entry->certificate;
	memcpy(c->sha256, key, 32);
	c->truncated = key[32];
	if (der.data) {
		c->der = malloc(der.len ? der.len : 1);
		if (!c->der)
			goto fail;
		memcpy(c->der, der.data, der.len);
		x509_read(bytes_of(c->der, der.len), c->truncated, t->scratch);
	}
	c->der_len = (uint32_t)t->scratch->der_len;
	c->x509 = x509_shrunk(t->scratch);
	if (c->x509)
		return entry;
fail:
	certificate_entry_free(entry);
	return NULL;
}

static size_t certificate_cost(const struct certificate *c)
{
	return sizeof(struct certificate_entry) + (c->der ? c->der_len : 0) +
	       offsetof(struct x509, san) + c->x509->san_count * sizeof(c->x509->san[0]);
}

static bool table_full(const struct chain_table *t)
{
	return t->counters.chains >= t->limits.chains || t->bytes >= t->limits.bytes;
}

/* Keeps it for good, where there is room; else it is loose. */
static void certificate_keep(struct chain_table *t, struct certificate_entry *entry,
			     unsigned int hash)
{
	struct certificate *c = &entry->certificate;

	c->loose = true;
	if (!table_full(t)) {
		HASH_ADD_BYHASHVALUE(hh, t->certificates, key, sizeof(entry->key), hash, entry);
		c->loose = !entry->hh.tbl;
	}
	if (c->loose)
		return;
	t->bytes += certificate_cost(c);
	t->counters.certificates++;
	if (t->on_new)
		t->on_new(t->context, c);
}

static const struct certificate *certificate_get(struct chain_table *t, struct bytes der,
						 const uint8_t sha256[32], bool truncated)
{
	struct certificate_entry *entry;
	uint8_t key[33];
	unsigned int hash;

	memcpy(key, sha256, 32);
	key[32] = truncated;
	hash = (unsigned int)hash_bytes(&t->key, key, sizeof(key));
	HASH_FIND_BYHASHVALUE(hh, t->certificates, key, sizeof(key), hash, entry);
	if (!entry) {
		entry = certificate_new(t, der, key);
		if (entry)
			certificate_keep(t, entry, hash);
	}
	return entry ? &entry->certificate : NULL;
}

static void release_certificates(const struct certificate *const *certificates, uint32_t num)
{
	uint32_t i;

	for (i = 0; i < num; i++)
		if (certificates[i]->loose)
			certificate_entry_free((struct certificate_entry *)
					       ((char *)certificates[i] -
						offsetof(struct certificate_entry, certificate)));
}

void chain_release(const struct chain *chain)
{
	if (!chain || chain->id)
		return;
	release_certificates(chain->certificates, chain->num);
	free((char *)chain - offsetof(struct chain_entry, chain));
}

/* A chain that is being read: as struct chain, which is made of it. */
struct chain_draft {
	uint32_t num, total;
	bool partial;
	const struct certificate *certificates[TLS_CHAIN_MAX];
};

static bool any_loose(const struct chain_draft *chain)
{
	uint32_t i;

	for (i = 0; i < chain->num; i++)
		if (chain->certificates[i]->loose)
			return true;
	return false;
}

/* `key` is `num` certificates, and what else makes the chain another one. */
static struct chain_entry *chain_entry_new(const struct chain_draft *draft, const void *const *key,
					   size_t key_len)
{
	struct chain_entry *entry = calloc(1, sizeof(*entry) + key_len);

	if (!entry)
		return NULL;
	entry->chain.num = draft->num;
	entry->chain.total = draft->total;
	entry->chain.partial = draft->partial;
	memcpy(entry->chain.certificates, key, key_len);
	return entry;
}

/* The one chain of these certificates, or a loose one. `draft` is not kept. */
static int chain_intern(struct chain_table *t, const struct chain_draft *draft,
			const struct chain **out)
{
	const void *key[TLS_CHAIN_MAX + 1];
	size_t key_len = (draft->num + 1) * sizeof(key[0]);
	bool loose = any_loose(draft);
	struct chain_entry *entry = NULL;
	unsigned int hash;

	if (draft->num == 0)
		return -ENODATA;
	memcpy(key, draft->certificates, draft->num * sizeof(key[0]));
	/* Certificates that were cut off a chain's end still make it another chain. */
	key[draft->num] = (const void *)((uintptr_t)draft->total << 1 | draft->partial);
	hash = (unsigned int)hash_bytes(&t->key, key, key_len);
	if (!loose)
		HASH_FIND_BYHASHVALUE(hh, t->chains, key, key_len, hash, entry);
	if (!entry) {
		entry = chain_entry_new(draft, key, key_len);
		if (!entry) {
			release_certificates(draft->certificates, draft->num);
			return -ENOMEM;
		}
		if (!loose && t->counters.chains < t->limits.chains)
			HASH_ADD_KEYPTR_BYHASHVALUE(hh, t->chains, entry->chain.certificates, key_len,
						    hash, entry);
		if (entry->hh.tbl)
			entry->chain.id = (uint32_t)++t->counters.chains;
		else
			t->counters.over_limit++;
	}
	*out = &entry->chain;
	return 0;
}

typedef bool next_entry_fn(struct bytes *list, struct tls_certificate_entry *entry);

static bool next_entry13(struct bytes *list, struct tls_certificate_entry *entry)
{
	struct tls13_certificate_entry entry13;

	if (!tls13_certificate_next(list, &entry13))
		return false;
	*entry = (struct tls_certificate_entry){ entry13.der, entry13.truncated };
	return true;
}

static int parse_list(struct chain_table *t, struct bytes list, next_entry_fn *next, bool partial,
		      const struct chain **out)
{
	struct chain_draft draft = { .partial = partial };
	struct tls_certificate_entry entry;
	const struct certificate *certificate;
	uint8_t sha256[32];

	while (next(&list, &entry)) {
		/* Of a message that was cut off, the last entry was not presented: we just do not know the rest. */
		if (partial && entry.truncated)
			break;
		draft.total++;
		if (draft.num == t->limits.chain_len) {
			t->counters.cut++;
			continue;
		}
		if (!EVP_Digest(entry.der.data, entry.der.len, sha256, NULL, EVP_sha256(), NULL) ||
		    !(certificate = certificate_get(t, entry.der, sha256, entry.truncated))) {
			release_certificates(draft.certificates, draft.num);
			return -ENOMEM;
		}
		draft.certificates[draft.num++] = certificate;
	}
	return chain_intern(t, &draft, out);
}

const struct chain *chain_known(struct chain_table *t, const void *known)
{
	t->counters.messages++;
	t->counters.known++;
	return known;
}

struct known *chain_table_known(struct chain_table *t)
{
	return &t->known;
}

int chain_from_message(struct chain_table *t, struct bytes body, bool partial,
		       const struct chain **out)
{
	struct known_entry *entry;
	struct bytes list;
	int err;

	*out = NULL;
	if (!partial && body.len && (entry = known_find(&t->known, (uint32_t)body.len, body))) {
		if (entry->value)
			*out = chain_known(t, entry->value);
		known_release(entry);
		if (*out)
			return 0;
	}
	t->counters.messages++;
	if (!tls_certificate_list(body, &list))
		return -EBADMSG;
	if (list.len == 0)
		return -ENODATA;
	err = parse_list(t, list, tls_certificate_next, partial, out);
	if (err == 0 && !partial && (*out)->id)
		known_add(&t->known, body, *out);
	return err;
}

static bool next_lone(struct bytes *list, struct tls_certificate_entry *entry)
{
	if (list->len == 0)
		return false;
	*entry = (struct tls_certificate_entry){ .der = *list };
	*list = bytes_of(list->data + list->len, 0);
	return true;
}

int chain_from_certificate(struct chain_table *t, struct bytes der, const struct chain **out)
{
	t->counters.messages++;
	return parse_list(t, der, next_lone, false, out);
}

int chain_from_message13(struct chain_table *t, struct bytes body, bool partial,
			 const struct chain **out)
{
	struct bytes context, list;

	t->counters.messages++;
	if (!tls13_certificate_list(body, &context, &list))
		return -EBADMSG;
	if (list.len == 0)
		return -ENODATA;
	return parse_list(t, list, next_entry13, partial, out);
}

const struct chain_counters *chain_table_counters(const struct chain_table *t)
{
	return &t->counters;
}

struct chain_builder {
	struct chain_table *table;
	struct budget *memory;
	struct tls_certificate_walk walk;
	EVP_MD_CTX *digest;
	uint8_t *der;             /* of the current certificate, while it may be kept */
	uint32_t der_len, der_capacity;
	int err;
	struct chain_draft draft;
};

struct chain_builder *chain_builder_new(struct chain_table *t, struct budget *memory)
{
	struct chain_builder *b = calloc(1, sizeof(*b));

	if (!b)
		return NULL;
	b->table = t;
	b->memory = memory;
	b->digest = EVP_MD_CTX_new();
	if (!b->digest) {
		free(b);
		return NULL;
	}
	return b;
}

void chain_builder_free(struct chain_builder *b)
{
	if (!b)
		return;
	release_certificates(b->draft.certificates, b->draft.num);
	EVP_MD_CTX_free(b->digest);
	budget_give(b->memory, b->der_capacity);
	free(b->der);
	free(b);
}

/* A certificate short enough to be read is gathered as its bytes arrive, never by what it claims. */
static void builder_gather(struct chain_builder *b, const struct tls_certificate_part *piece)
{
	uint32_t need = b->der_len + (uint32_t)piece->part.len, capacity = b->der_capacity;
	uint8_t *larger;

	if (piece->length > X509_FIELDS_MAX)
		return;
	if (need > capacity) {
		capacity = need > 2 * capacity ? need : 2 * capacity;
		if (!budget_take(b->memory, capacity - b->der_capacity)) {
			b->err = -ENOMEM;
			return;
		}
		larger = realloc(b->der, capacity);
		if (!larger) {
			budget_give(b->memory, capacity - b->der_capacity);
			b->err = -ENOMEM;
			return;
		}
		b->der = larger;
		b->der_capacity = capacity;
	}
	if (piece->part.len)
		memcpy(b->der + b->der_len, piece->part.data, piece->part.len);
	b->der_len = need;
}

static void builder_close_certificate(struct chain_builder *b, uint32_t length, bool truncated)
{
	/* A certificate that is kept is never NULL, also when it is empty. */
	struct bytes der = bytes_of(length <= X509_FIELDS_MAX ? (b->der ? b->der : (const uint8_t *)"") : NULL,
				    b->der_len);
	const struct certificate *certificate;
	uint8_t sha256[32];

	b->draft.total++;
	if (b->draft.num == b->table->limits.chain_len) {
		b->table->counters.cut++;
		return;
	}
	if (!EVP_DigestFinal_ex(b->digest, sha256, NULL)) {
		b->err = -ENOMEM;
		return;
	}
	if (!der.data)
		x509_oversize(sha256, length, b->table->scratch);
	certificate = certificate_get(b->table, der, sha256, truncated);
	if (!certificate)
		b->err = -ENOMEM;
	else
		b->draft.certificates[b->draft.num++] = certificate;
}

void chain_builder_feed(struct chain_builder *b, struct bytes part)
{
	struct tls_certificate_part piece;

	while (b->err == 0 && tls_certificate_walk(&b->walk, &part, &piece)) {
		if (piece.begins) {
			b->der_len = 0;
			if (!EVP_DigestInit_ex(b->digest, EVP_sha256(), NULL))
				b->err = -ENOMEM;
		}
		if (!EVP_DigestUpdate(b->digest, piece.part.data, piece.part.len))
			b->err = -ENOMEM;
		builder_gather(b, &piece);
		if (piece.ends && b->err == 0)
			builder_close_certificate(b, piece.length, piece.truncated);
	}
}

int chain_builder_finish(struct chain_builder *b, bool partial, const struct chain **out)
{
	int err;

	if (b->err)
		return b->err;
	b->draft.partial = partial;
	b->table->counters.messages++;
	err = chain_intern(b->table, &b->draft, out);
	/* Loose certificates belong to the chain now, or are gone. */
	b->draft.num = 0;
	return err;
}
