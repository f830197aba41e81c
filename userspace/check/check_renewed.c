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

/* The first block of PEM that is a certificate; the caller frees with OPENSSL_free(). */
static struct bytes first_of_pem(struct bytes content)
{
	BIO *in = BIO_new_mem_buf(content.data, (int)content.len);
	char *name = NULL, *header = NULL;
	uint8_t *data = NULL;
	long len = 0;
	bool found = false;

	while (in && !found && PEM_read_bio(in, &name, &header, &data, &len) == 1) {
		found = strcmp(name, PEM_STRING_X509) == 0 || strcmp(name, PEM_STRING_X509_TRUSTED) == 0 ||
			strcmp(name, PEM_STRING_X509_OLD) == 0;
		OPENSSL_free(name);
		OPENSSL_free(header);
		if (!found)
			OPENSSL_clear_free(data, (size_t)len);
	}
	BIO_free(in);
	ERR_clear_error();
	return found ? bytes_of(data, (size_t)len) : bytes_of(NULL, 0);
}

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

int renewed_add_bytes(struct renewed *r, const char *file, struct bytes content)
{
	struct bytes pem = first_of_pem(content);
	int err = add_der(r, file, pem.data ? pem : content);

	OPENSSL_free((void *)pem.data);
	return err;
}

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

static int add_file(struct renewed *r, const char *path, char *why, size_t why_size)
{
	uint8_t *data = NULL;
	ssize_t len = read_file(path, &data);
	int err = len < 0 ? (int)len : renewed_add_bytes(r, path, bytes_of(data, (size_t)len));

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
			err = add_file(r, name, why, why_size);
		/* Keys and requests have such names too. */
		if (err == -EBADMSG || err == -EISDIR)
			err = 0;
		free(entries[i]);
	}
	if (num >= 0)
		free(entries);
	if (err == 0 && r->num == before) {
		snprintf(why, why_size, "%s: there is no certificate in any .pem, .crt, .cer or .der there", path);
		err = -EBADMSG;
	}
	return err;
}

int renewed_add(struct renewed *r, const char *path, char *why, size_t why_size)
{
	struct stat st;

	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return add_folder(r, path, why, why_size);
	return add_file(r, path, why, why_size);
}

void renewed_fini(struct renewed *r)
{
	free(r->certificates);
	pieces_fini(&r->pieces);
}
