/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/check/check_renewed.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#define FILE_MAX (4u << 20)
#define BLOCKS_MAX 1024u         /* of PEM in a file that are looked at */

/* --- PEM */

/* Through the blocks of a file. */
struct walk {
	struct bytes rest;
	unsigned int blocks;
	bool key_seen;           /* a private key came by */
};

static bool ends_with(struct bytes text, const char *end)
{
	size_t len = strlen(end);

	return text.len >= len && memcmp(text.data + text.len - len, end, len) == 0;
}

static bool equals(struct bytes text, const char *other)
{
	return text.len == strlen(other) && memcmp(text.data, other, text.len) == 0;
}

/* The next line that begins a block: *label is what it names, *block reaches from there to the end of the file. */
static bool next_block(struct walk *w, struct bytes *label, struct bytes *block)
{
	static const char begin[] = "-----BEGIN ";
	const uint8_t *at, *end;

	if (w->blocks == BLOCKS_MAX || !w->rest.len)
		return false;
	at = memmem(w->rest.data, w->rest.len, begin, sizeof(begin) - 1);
	if (!at)
		return false;
	*block = bytes_of(at, (size_t)(w->rest.data + w->rest.len - at));
	at += sizeof(begin) - 1;
	w->rest = bytes_of(at, (size_t)(w->rest.data + w->rest.len - at));
	end = w->rest.len ? memchr(at, '-', w->rest.len) : NULL;
	*label = bytes_of(at, end ? (size_t)(end - at) : 0);
	w->blocks++;
	return true;
}

/* The caller frees its data with OPENSSL_free(); data NULL: it is broken. */
static struct bytes decode(struct bytes block)
{
	BIO *in = BIO_new_mem_buf(block.data, (int)block.len);
	char *name = NULL, *header = NULL;
	uint8_t *data = NULL;
	long len = 0;

	if (in && PEM_read_bio(in, &name, &header, &data, &len) == 1) {
		OPENSSL_free(name);
		OPENSSL_free(header);
	}
	BIO_free(in);
	ERR_clear_error();
	return bytes_of(data, data ? (size_t)len : 0);
}

/* The next certificate; the caller frees as above. */
static bool next_certificate(struct walk *w, struct bytes *der)
{
	struct bytes label, block;

	while (next_block(w, &label, &block)) {
		w->key_seen |= ends_with(label, "PRIVATE KEY");
		if (!equals(label, PEM_STRING_X509) && !equals(label, PEM_STRING_X509_TRUSTED) &&
		    !equals(label, PEM_STRING_X509_OLD))
			continue;
		*der = decode(block);
		if (der->data)
			return true;
	}
	return false;
}

/* --- what is in a file */

static bool readable(const struct x509 *x)
{
	return x->parse == X509_PARSE_OK || x->parse == X509_PARSE_LENIENT;
}

static bool has(const struct renewed *r, const uint8_t sha256[32])
{
	size_t i;

	for (i = 0; i < r->num; i++)
		if (memcmp(r->certificates[i].x509->sha256, sha256, 32) == 0)
			return true;
	return false;
}

static int append(struct renewed *r, const char *file, struct x509 *x)
{
	size_t larger = r->capacity ? 2 * r->capacity : 16;
	struct renewed_certificate *grown;

	if (r->num == RENEWED_MAX)
		return -E2BIG;
	if (r->num == r->capacity) {
		grown = realloc(r->certificates, larger * sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		r->certificates = grown;
		r->capacity = larger;
	}
	r->certificates[r->num++] = (struct renewed_certificate){ pieces_text(&r->pieces, file), x };
	return 0;
}

static int add_der(struct renewed *r, const char *file, struct bytes der)
{
	uint8_t *copy = pieces_take(&r->pieces, der.len ? der.len : 1);
	struct x509 *x = pieces_take(&r->pieces, sizeof(*x));

	if (!copy || !x)
		return -ENOMEM;
	if (der.len)
		memcpy(copy, der.data, der.len);
	x509_read(bytes_of(copy, der.len), false, x);
	if (!readable(x))
		return -EBADMSG;
	return has(r, x->sha256) ? 0 : append(r, file, x);
}

/* A CA's, and for no host. */
static bool is_issuer(struct bytes der)
{
	struct x509 *x = malloc(sizeof(*x));
	bool result = false;

	if (x) {
		x509_read(der, false, x);
		result = readable(x) && x->is_ca && x->san_total == 0;
	}
	free(x);
	return result;
}

/* The one in the rest that is no CA's; data NULL: there is none, or more than one. The caller frees as above. */
static struct bytes only_leaf(struct walk *w)
{
	struct bytes der, leaf = bytes_of(NULL, 0);
	unsigned int num = 0;

	while (next_certificate(w, &der)) {
		if (is_issuer(der) || num++) {
			OPENSSL_free((void *)der.data);
			continue;
		}
		leaf = der;
	}
	if (num <= 1)
		return leaf;
	OPENSSL_free((void *)leaf.data);
	return bytes_of(NULL, 0);
}

int renewed_add_bytes(struct renewed *r, const char *file, struct bytes content)
{
	struct walk w = { .rest = content };
	struct bytes first, leaf = bytes_of(NULL, 0);
	int err;

	if (!next_certificate(&w, &first))
		return add_der(r, file, content);
	if (is_issuer(first))
		leaf = only_leaf(&w);
	err = add_der(r, file, leaf.data ? leaf : first);
	OPENSSL_free((void *)leaf.data);
	OPENSSL_free((void *)first.data);
	return err;
}

/* Why a file of a folder is not what should be presented; NULL: it may be. */
static const char *why_skip(struct bytes content)
{
	struct walk w = { .rest = content };
	struct bytes first;
	bool issuer;

	if (!next_certificate(&w, &first))
		return w.key_seen ? "it holds a private key" : is_issuer(content) ? "it is a CA's certificate" : NULL;
	issuer = is_issuer(first);
	OPENSSL_free((void *)first.data);
	return w.key_seen ? "a private key comes first in it" : issuer ? "its first certificate is a CA's" : NULL;
}

static int add_bytes_of_folder(struct renewed *r, const char *file, struct bytes content)
{
	const char *why = why_skip(content);

	if (!why)
		return renewed_add_bytes(r, file, content);
	if (r->notes)
		fprintf(r->notes, "certtap: %s: skipped: %s\n", file, why);
	return 0;
}

/* --- files and folders */

/* Returns its length, or a negative errno; the caller frees *out. */
static ssize_t read_file(const char *path, uint8_t **out)
{
	uint8_t *data = malloc(FILE_MAX + 1);
	FILE *in = fopen(path, "re");
	ssize_t len = -errno;

	if (in && data) {
		errno = 0;
		len = (ssize_t)fread(data, 1, FILE_MAX + 1, in);
		if (ferror(in))
			len = errno ? -errno : -EIO;
		else if (len > (ssize_t)FILE_MAX)
			len = -EFBIG;
	} else if (in) {
		len = -ENOMEM;
	}
	if (in)
		fclose(in);
	*out = data;
	return len;
}

typedef int add_bytes_fn(struct renewed *r, const char *file, struct bytes content);

static int add_file(struct renewed *r, const char *path, add_bytes_fn *add_bytes, char *why, size_t why_size)
{
	uint8_t *data = NULL;
	ssize_t len = read_file(path, &data);
	int err = len < 0 ? (int)len : add_bytes(r, path, bytes_of(data, (size_t)len));

	/* A private key may stand beside it. */
	if (data && len > 0)
		OPENSSL_cleanse(data, (size_t)len);
	free(data);
	if (err == -EBADMSG)
		snprintf(why, why_size, "%s: there is no certificate in it", path);
	else if (err == -E2BIG)
		snprintf(why, why_size, "%s: more than %u renewed certificates", path, RENEWED_MAX);
	else if (err)
		snprintf(why, why_size, "%s: %s", path, strerror(-err));
	return err;
}

static int is_certificate_name(const struct dirent *entry)
{
	static const char *const ends[] = { ".pem", ".crt", ".cer", ".der" };
	const char *end = strrchr(entry->d_name, '.');
	size_t i;

	for (i = 0; end && i < ARRAY_SIZE(ends); i++)
		if (strcmp(end, ends[i]) == 0)
			return 1;
	return 0;
}

static int add_folder(struct renewed *r, const char *path, char *why, size_t why_size)
{
	struct dirent **entries;
	int num = scandir(path, &entries, is_certificate_name, alphasort), err = num < 0 ? -errno : 0, i;
	size_t before = r->num;
	char name[4096];

	if (err)
		snprintf(why, why_size, "%s: %s", path, strerror(-err));
	for (i = 0; i < num; i++) {
		snprintf(name, sizeof(name), "%s/%s", path, entries[i]->d_name);
		if (err == 0)
			err = add_file(r, name, add_bytes_of_folder, why, why_size);
		/* Keys and requests have such names too. */
		if (err == -EBADMSG || err == -EISDIR)
			err = 0;
		free(entries[i]);
	}
	if (num >= 0)
		free(entries);
	if (err == 0 && r->num == before) {
		snprintf(why, why_size, "%s: no .pem, .crt, .cer or .der there begins with a certificate that is not a CA's",
			 path);
		err = -EBADMSG;
	}
	return err;
}

int renewed_add(struct renewed *r, const char *path, char *why, size_t why_size)
{
	struct stat st;

	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return add_folder(r, path, why, why_size);
	return add_file(r, path, renewed_add_bytes, why, why_size);
}

void renewed_fini(struct renewed *r)
{
	free(r->certificates);
	pieces_fini(&r->pieces);
}
