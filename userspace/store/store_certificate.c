/* SPDX-License-Identifier: Apache-2.0 */
/* Chains and certificates, each once, and the caps on them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <openssl/evp.h>

#include "parsers/text.h"
#include "userspace/ledger/findings.h"
#include "userspace/store/store_parts.h"

#define KNOWN_MAX (1u << 20)      /* chain ids that are remembered; others are looked up by their hash */
#define PAGES_BETWEEN_LOOKS 64    /* rows that may be added before the size is looked at again */

/* --- a chain in memory --- */

struct chain *store_chain_new(uint32_t num, uint32_t total, bool partial)
{
	struct chain *chain = calloc(1, sizeof(*chain) + num * sizeof(chain->certificates[0]));

	if (!chain)
		return NULL;
	chain->num = num;
	chain->total = total;
	chain->partial = partial;
	return chain;
}

static void certificate_free(struct certificate *c)
{
	if (!c)
		return;
	free(c->der);
	free((void *)c->x509);
	free(c);
}

void store_chain_free(struct chain *chain)
{
	uint32_t i;

	if (!chain)
		return;
	for (i = 0; i < chain->num; i++)
		certificate_free((struct certificate *)chain->certificates[i]);
	free(chain);
}

bool store_chain_put(struct chain *chain, uint32_t at, struct bytes der, const uint8_t sha256[32], uint32_t der_len,
		     bool truncated)
{
	struct certificate *c = calloc(1, sizeof(*c));
	struct x509 *x509 = malloc(sizeof(*x509));

	if (c && der.data)
		c->der = malloc(der.len ? der.len : 1);
	if (!c || !x509 || (der.data && !c->der)) {
		free(x509);
		certificate_free(c);
		return false;
	}
	memcpy(c->sha256, sha256, sizeof(c->sha256));
	c->der_len = der_len;
	c->truncated = truncated;
	c->x509 = x509;
	if (der.data) {
		memcpy(c->der, der.data, der.len);
		x509_read(bytes_of(c->der, der.len), truncated, x509);
	} else {
		x509_oversize(sha256, der_len, x509);
	}
	chain->certificates[at] = c;
	return true;
}

static struct chain *chain_of(const struct store_announcement *a)
{
	struct chain *chain = store_chain_new(a->num, a->total, a->partial);
	const struct store_der *d;
	uint32_t i;

	for (i = 0; chain && i < a->num; i++) {
		d = &a->certificates[i];
		if (!store_chain_put(chain, i, bytes_of(d->der, d->der ? d->der_len : 0), d->sha256, d->der_len,
				     d->truncated)) {
			store_chain_free(chain);
			chain = NULL;
		}
	}
	return chain;
}

bool store_read_certificate(struct store *s, int64_t certificate)
{
	if (!certificate || store_run(s, SQL_DER_FIND, "i", certificate) != 1)
		return false;
	x509_read(store_column_bytes(s, SQL_DER_FIND, 0), store_column(s, SQL_DER_FIND, 1) != 0, s->scratch);
	return true;
}

/* --- size --- */

bool store_full(struct store *s)
{
	int64_t pages = 0, spare = 0;

	if (s->pages_left > 0) {
		s->pages_left--;
		return false;
	}
	if (store_run(s, SQL_PAGES, "") == 1)
		pages = store_column(s, SQL_PAGES, 0);
	if (store_run(s, SQL_FREE_PAGES, "") == 1)
		spare = store_column(s, SQL_FREE_PAGES, 0);
	if (pages - spare >= s->pages_max)
		return true;
	s->pages_left = PAGES_BETWEEN_LOOKS;
	return false;
}

/* --- what the chain table's ids stand for --- */

void store_forget(struct store *s)
{
	uint32_t i;

	for (i = 0; i < s->num_known; i++)
		s->known[i].row = s->known[i].leaf = 0;
}

static struct store_known *known_of(struct store *s, uint32_t id)
{
	struct store_known *larger;
	uint32_t num = s->num_known ? s->num_known : 64;

	if (id == 0 || id >= KNOWN_MAX)
		return NULL;
	while (num <= id)
		num *= 2;
	if (num > s->num_known) {
		larger = realloc(s->known, num * sizeof(*larger));
		if (!larger)
			return NULL;
		memset(larger + s->num_known, 0, (num - s->num_known) * sizeof(*larger));
		s->known = larger;
		s->num_known = num;
	}
	return &s->known[id];
}

static const struct store_announcement *announced(struct store *s, const struct store_record *r,
						   struct store_known *known)
{
	if (r->announcement && known) {
		known->announcement = r->announcement;
		known->batch = s->batch;
	}
	if (r->announcement)
		return r->announcement;
	return known && known->batch == s->batch ? known->announcement : NULL;
}

static bool hash_chain(const struct store_announcement *a, uint8_t out[32])
{
	EVP_MD_CTX *digest = EVP_MD_CTX_new();
	uint8_t head[5] = { (uint8_t)(a->total >> 24), (uint8_t)(a->total >> 16), (uint8_t)(a->total >> 8),
			    (uint8_t)a->total, a->partial };
	bool good = digest && EVP_DigestInit_ex(digest, EVP_sha256(), NULL) &&
		    EVP_DigestUpdate(digest, head, sizeof(head));
	uint8_t truncated;
	uint32_t i;

	for (i = 0; good && i < a->num; i++) {
		truncated = a->certificates[i].truncated;
		good = EVP_DigestUpdate(digest, a->certificates[i].sha256, 32) &&
		       EVP_DigestUpdate(digest, &truncated, 1);
	}
	good = good && EVP_DigestFinal_ex(digest, out, NULL);
	EVP_MD_CTX_free(digest);
	return good;
}

static int find_by_hash(struct store *s, const void *hash, size_t len, struct store_chain_row *out)
{
	int found = store_run(s, SQL_CHAIN_FIND, "b", hash, len);

	*out = (struct store_chain_row){ 0 };
	if (found == 1)
		*out = (struct store_chain_row){
			.id = store_column(s, SQL_CHAIN_FIND, 0),
			.kind = (enum store_chain_kind)store_column(s, SQL_CHAIN_FIND, 1),
			.leaf = store_column(s, SQL_CHAIN_FIND, 2),
		};
	return found < 0 ? found : 0;
}

int store_chain_find(struct store *s, const struct store_record *r, struct store_chain_row *out)
{
	struct store_known *known = known_of(s, r->chain_id);
	const struct store_announcement *a = announced(s, r, known);
	uint8_t hash[32];
	int err;

	*out = (struct store_chain_row){ 0 };
	if (known && known->row) {
		*out = (struct store_chain_row){ .id = known->row, .leaf = known->leaf };
		return 0;
	}
	if (!a)
		return -ESTALE;
	if (!hash_chain(a, hash))
		return -ENOMEM;
	err = find_by_hash(s, hash, sizeof(hash), out);
	if (err == 0 && known) {
		known->row = out->id;
		known->leaf = out->leaf;
	}
	return err;
}

/* --- new rows --- */

struct issuer {
	int64_t id, certificates;
};

static bool readable(const struct x509 *x)
{
	return x->parse == X509_PARSE_OK || x->parse == X509_PARSE_LENIENT;
}

/* All that issued themselves are one: nobody answers for their names. So are those that cannot be read. */
static const char *issuer_name(const struct x509 *x, uint8_t hash[32])
{
	memset(hash, 0, 32);
	if (!readable(x) || x->issuer_der.len == 0) {
		hash[31] = 1;
		return "(not readable)";
	}
	if (x509_self_issued(x)) {
		hash[31] = 2;
		return "(self-issued)";
	}
	if (!EVP_Digest(x->issuer_der.data, x->issuer_der.len, hash, NULL, EVP_sha256(), NULL))
		hash[31] = 1;
	return x->issuer;
}

static int issuer_get(struct store *s, const struct x509 *x, struct issuer *out)
{
	uint8_t hash[32];
	const char *name = issuer_name(x, hash);
	int found = store_run(s, SQL_ISSUER_FIND, "b", hash, sizeof(hash));

	if (found < 0)
		return found;
	if (found == 1) {
		*out = (struct issuer){ store_column(s, SQL_ISSUER_FIND, 0), store_column(s, SQL_ISSUER_FIND, 1) };
		return 0;
	}
	found = store_run(s, SQL_ISSUER_ADD, "bt", hash, sizeof(hash), name);
	*out = (struct issuer){ sqlite3_last_insert_rowid(s->db), 0 };
	return found;
}

static int certificate_find(struct store *s, const struct certificate *c, int64_t *out)
{
	int found = store_run(s, SQL_CERTIFICATE_FIND, "bi", c->sha256, sizeof(c->sha256), (int64_t)c->truncated);

	*out = found == 1 ? store_column(s, SQL_CERTIFICATE_FIND, 0) : 0;
	return found < 0 ? found : 0;
}

/* A name as it is looked for: text that is safe to show, DNS names in lower case, addresses as text. "": not kept. */
static void name_text(const struct x509_san *san, char *out, size_t size)
{
	uint8_t octets[16] = { [10] = 0xff, [11] = 0xff };
	char *at;

	out[0] = '\0';
	if (san->kind == X509_SAN_OTHER)
		return;
	if (san->kind == X509_SAN_IP && (san->value.len == 4 || san->value.len == 16)) {
		memcpy(octets + 16 - san->value.len, san->value.data, san->value.len);
		text_address(octets, out, size);
		return;
	}
	text_safe(san->value, out, size);
	for (at = out; san->kind == X509_SAN_DNS && *at; at++)
		if (*at >= 'A' && *at <= 'Z')
			*at |= 0x20;
}

static int add_names(struct store *s, const struct x509 *x, int64_t certificate)
{
	struct x509_san common = { X509_SAN_DNS, bytes_of(x->subject_cn, strlen(x->subject_cn)) };
	char text[512];
	unsigned int i;
	int err = 0;

	for (i = 0; err == 0 && i < x->san_count; i++) {
		name_text(&x->san[i], text, sizeof(text));
		if (text[0])
			err = store_run(s, SQL_NAME_ADD, "tii", text, certificate, (int64_t)x->san[i].kind);
	}
	name_text(&common, text, sizeof(text));
	if (err == 0 && x->san_total == 0 && text[0])
		err = store_run(s, SQL_NAME_ADD, "tii", text, certificate, (int64_t)X509_SAN_DNS);
	return err;
}

static int insert_certificate(struct store *s, const struct certificate *c, const struct issuer *issuer)
{
	const struct x509 *x = c->x509;
	size_t serial_len = x->serial_len < X509_SERIAL_MAX ? x->serial_len : X509_SERIAL_MAX;
	struct lineage lineage;

	lineage_of(x, &lineage);
	return store_run(s, SQL_CERTIFICATE_ADD, "biiittttibxxiitbbiii", c->sha256, sizeof(c->sha256),
			 (int64_t)c->truncated, (int64_t)c->der_len, (int64_t)x->parse, x->subject, x->subject_cn,
			 x->issuer, x->issuer_cn, issuer->id, x->serial, serial_len,
			 &x->not_before, &x->not_after, (int64_t)x->key, (int64_t)x->key_bits, x->signature_algorithm, x->spki_sha256,
			 sizeof(x->spki_sha256), lineage.key, sizeof(lineage.key), (int64_t)lineage.sure,
			 (int64_t)x->is_ca, (int64_t)x->san_total);
}

static int certificate_add(struct store *s, const struct certificate *c, int64_t *out)
{
	struct issuer issuer;
	int err = issuer_get(s, c->x509, &issuer);

	if (err == 0)
		err = insert_certificate(s, c, &issuer);
	if (err)
		return err;
	*out = sqlite3_last_insert_rowid(s->db);
	if (c->der)
		err = store_run(s, SQL_DER_ADD, "ib", *out, c->der, (size_t)c->der_len);
	if (err == 0)
		err = add_names(s, c->x509, *out);
	if (err == 0)
		err = store_run(s, SQL_ISSUER_CERTIFICATES, "i", issuer.id);
	/* Large ones count for what they take. */
	s->pages_left -= c->der_len / s->page_size;
	return err;
}

/* A row that stands for many: by what it is hashed. */
static int summed_row(struct store *s, enum store_chain_kind kind, int64_t issuer, struct store_chain_row *out)
{
	struct {
		char mark[8];
		int64_t issuer;
	} hash = { "summed", issuer };
	int err = find_by_hash(s, &hash, sizeof(hash), out);

	if (err || out->id)
		return err;
	err = store_run(s, SQL_CHAIN_ADD, "biiiizzi", &hash, sizeof(hash), (int64_t)kind, (int64_t)0, (int64_t)0,
			(int64_t)0, (int64_t)0, issuer, (int64_t)0);
	*out = (struct store_chain_row){ .id = sqlite3_last_insert_rowid(s->db), .kind = kind };
	return err;
}

int store_chain_others(struct store *s, struct store_chain_row *out)
{
	return summed_row(s, STORE_CHAIN_OTHERS, 0, out);
}

/* The issuer of which there are too many; id 0: none. */
static int crowded(struct store *s, const struct chain *chain, struct issuer *out)
{
	int64_t id = 0;
	uint32_t i;
	int err = 0;

	for (i = 0; err == 0 && i < chain->num; i++) {
		err = certificate_find(s, chain->certificates[i], &id);
		if (err || id)
			continue;
		err = issuer_get(s, chain->certificates[i]->x509, out);
		if (err == 0 && out->certificates >= s->limits.issuer_certificates)
			return 0;
	}
	*out = (struct issuer){ 0 };
	return err;
}

static unsigned int findings_alone(const struct chain *chain)
{
	const struct ledger_row row = { .chain = chain };

	return findings_of(&row, INT64_MIN);
}

static int insert_chain(struct store *s, const struct store_announcement *a, const struct chain *chain,
			struct store_chain_row *out)
{
	int64_t certificate = 0, leaf = 0;
	uint8_t hash[32];
	uint32_t i;
	int err = hash_chain(a, hash) ? 0 : -ENOMEM;

	if (err == 0)
		err = store_run(s, SQL_CHAIN_ADD, "biiiizzi", hash, sizeof(hash), (int64_t)STORE_CHAIN_PRESENTED,
				(int64_t)chain->num, (int64_t)chain->total, (int64_t)chain->partial, (int64_t)0,
				(int64_t)0, (int64_t)findings_alone(chain));
	if (err)
		return err;
	out->id = sqlite3_last_insert_rowid(s->db);
	for (i = 0; err == 0 && i < chain->num; i++) {
		err = certificate_find(s, chain->certificates[i], &certificate);
		if (err == 0 && certificate == 0)
			err = certificate_add(s, chain->certificates[i], &certificate);
		if (err == 0)
			err = store_run(s, SQL_CHAIN_CERTIFICATE_ADD, "iii", out->id, (int64_t)i, certificate);
		if (i == 0)
			leaf = certificate;
	}
	out->leaf = leaf;
	return err ? err : store_run(s, SQL_CHAIN_SET_LEAF, "ii", out->id, leaf);
}

static int add_or_sum(struct store *s, const struct store_record *r, const struct store_announcement *a,
		      const struct chain *chain, struct store_chain_row *out)
{
	struct issuer issuer = { 0 };
	int err = crowded(s, chain, &issuer);

	if (err)
		return err;
	if (!issuer.id)
		return insert_chain(s, a, chain, out);
	store_count(s, STORE_ISSUER_SUMMED, r->count);
	err = store_run(s, SQL_ISSUER_SUMMED, "ii", issuer.id, store_time(r->count));
	return err ? err : summed_row(s, STORE_CHAIN_OF_ISSUER, issuer.id, out);
}

int store_chain_add(struct store *s, const struct store_record *r, struct store_chain_row *out)
{
	struct store_known *known = known_of(s, r->chain_id);
	const struct store_announcement *a = announced(s, r, known);
	struct chain *chain;
	int err;

	*out = (struct store_chain_row){ 0 };
	if (store_full(s))
		return 0;
	chain = a ? chain_of(a) : NULL;
	if (!chain)
		return a ? -ENOMEM : -ESTALE;
	err = add_or_sum(s, r, a, chain, out);
	store_chain_free(chain);
	if (err == 0 && known && out->kind == STORE_CHAIN_PRESENTED) {
		known->row = out->id;
		known->leaf = out->leaf;
	}
	return err;
}
