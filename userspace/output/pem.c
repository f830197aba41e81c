/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/output/pem.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "parsers/text.h"

#define LINE_LEN 64      /* of base64, RFC 7468 section 2 */

int pem_open(struct pem_writer *w, const char *dir)
{
	*w = (struct pem_writer){ .dir_fd = -1, .dir = dir };
	if (mkdir(dir, 0755) != 0 && errno != EEXIST)
		return -errno;
	w->dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return w->dir_fd < 0 ? -errno : 0;
}

void pem_close(struct pem_writer *w)
{
	if (w->dir_fd >= 0)
		close(w->dir_fd);
	w->dir_fd = -1;
}

bool pem_put(FILE *out, struct bytes der)
{
	size_t base64_len = (der.len + 2) / 3 * 4, at, n;
	char *base64 = malloc(base64_len + 1);

	if (!base64)
		return false;
	EVP_EncodeBlock((unsigned char *)base64, der.data, (int)der.len);
	fputs("-----BEGIN CERTIFICATE-----\n", out);
	for (at = 0; at < base64_len; at += n) {
		n = base64_len - at < LINE_LEN ? base64_len - at : LINE_LEN;
		fwrite(base64 + at, 1, n, out);
		fputc('\n', out);
	}
	fputs("-----END CERTIFICATE-----\n", out);
	free(base64);
	return !ferror(out);
}

/* The PEM text, malloc'ed; NULL: no memory. */
static char *encode(const struct certificate *c, size_t *len)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, len);
	bool put;

	if (!out)
		return NULL;
	put = pem_put(out, bytes_of(c->der, c->der_len));
	if (fclose(out) == 0 && put)
		return text;
	free(text);
	return NULL;
}

static int write_all(int fd, const char *text, size_t len)
{
	ssize_t n;

	while (len > 0) {
		n = write(fd, text, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		text += n;
		len -= (size_t)n;
	}
	return 0;
}

static int write_file(int dir_fd, const char *name, const char *text, size_t len)
{
	char temporary[96];
	int fd, err;

	snprintf(temporary, sizeof(temporary), ".%s.tmp", name);
	fd = openat(dir_fd, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0)
		return -errno;
	err = write_all(fd, text, len);
	if (close(fd) != 0 && !err)
		err = -errno;
	if (!err && renameat(dir_fd, temporary, dir_fd, name) != 0)
		err = -errno;
	if (err)
		unlinkat(dir_fd, temporary, 0);
	return err;
}

void pem_write(void *writer, const struct certificate *certificate)
{
	struct pem_writer *w = writer;
	char hex[65], name[72], shown[256], *text;
	size_t len;
	int err = -ENOMEM;

	/* Only what was presented whole and kept is a certificate to be written. */
	if (certificate->truncated || !certificate->der)
		return;
	text_hex(certificate->sha256, sizeof(certificate->sha256), false, hex);
	snprintf(name, sizeof(name), "%s.pem", hex);
	text = encode(certificate, &len);
	if (text)
		err = write_file(w->dir_fd, name, text, len);
	free(text);
	if (err) {
		w->last_errno = -err;
		if (w->failed++ == 0 && w->dir)
			fprintf(stderr, "certtap: %s: a certificate could not be written: %s\n",
				text_name(w->dir, shown, sizeof(shown)), strerror(-err));
	} else {
		w->written++;
	}
}

bool pem_report(const struct pem_writer *w, FILE *out)
{
	char shown[256];

	if (!w->failed)
		return true;
	fprintf(out, "certtap: %s: %" PRIu64 " certificates could not be written: %s\n",
		w->dir ? text_name(w->dir, shown, sizeof(shown)) : "--pem", w->failed, strerror(w->last_errno));
	return false;
}
