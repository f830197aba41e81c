/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/ledger/lineage.h"

#include <stdlib.h>

#include <openssl/evp.h>

#include "parsers/x509_usage.h"

#define FORM "certtap lineage 1"   /* changes with what goes into the key */

struct names {
	struct x509_san *at;
	size_t num, capacity;
	bool sure;
};

static uint8_t lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? c | 0x20 : c;
}

/* A DNS name's dot at the end says nothing; other kinds are taken as they are. */
static struct bytes plain(const struct x509_san *san)
{
	struct bytes value = san->value;

	if (san->kind == X509_SAN_DNS && value.len > 1 && value.data[value.len - 1] == '.')
		value.len--;
	return value;
}

static uint8_t byte_of(const struct x509_san *san, size_t i)
{
	return san->kind == X509_SAN_DNS ? lower(san->value.data[i]) : san->value.data[i];
}

static int compare_names(const void *left, const void *right)
{
	const struct x509_san *a = left, *b = right;
	size_t a_len = plain(a).len, b_len = plain(b).len, i;

	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	if (a_len != b_len)
		return a_len < b_len ? -1 : 1;
	for (i = 0; i < a_len; i++)
		if (byte_of(a, i) != byte_of(b, i))
			return byte_of(a, i) < byte_of(b, i) ? -1 : 1;
	return 0;
}

static bool names_add(struct names *names, const struct x509_san *san)
{
	struct x509_san *larger;
	size_t capacity = names->capacity ? 2 * names->capacity : 64;

	if (names->num == names->capacity) {
		larger = realloc(names->at, capacity * sizeof(*larger));
		if (!larger)
			return false;
		names->at = larger;
		names->capacity = capacity;
	}
	names->at[names->num++] = *san;
	return true;
}

/* Every name, sorted. The caller frees names.at. */
static struct names names_of(const struct x509 *cert)
{
	struct names names = { .sure = true };
	struct x509_san_walk walk;
	struct x509_san san;

	x509_san_walk_start(&walk, cert);
	while (names.sure && x509_san_walk_next(&walk, &san))
		names.sure = names_add(&names, &san);
	names.sure &= !walk.broken;
	if (names.num)
		qsort(names.at, names.num, sizeof(*names.at), compare_names);
	return names;
}

static bool feed(EVP_MD_CTX *digest, const void *data, size_t len)
{
	return EVP_DigestUpdate(digest, data, len) == 1;
}

/* Kind, length, value: no two lists of names give the same bytes. */
static bool feed_name(EVP_MD_CTX *digest, const struct x509_san *san)
{
	struct bytes value = plain(san);
	uint8_t head[5] = { (uint8_t)san->kind, (uint8_t)(value.len >> 24), (uint8_t)(value.len >> 16),
			    (uint8_t)(value.len >> 8), (uint8_t)value.len };
	uint8_t part[256];
	size_t at, n, i;
	bool good = feed(digest, head, sizeof(head));

	for (at = 0; good && at < value.len; at += n) {
		n = value.len - at < sizeof(part) ? value.len - at : sizeof(part);
		for (i = 0; i < n; i++)
			part[i] = byte_of(san, at + i);
		good = feed(digest, part, n);
	}
	return good;
}

static bool feed_names(EVP_MD_CTX *digest, const struct names *names)
{
	bool good = true;
	size_t i;

	for (i = 0; good && i < names->num; i++)
		if (i == 0 || compare_names(&names->at[i - 1], &names->at[i]) != 0)
			good = feed_name(digest, &names->at[i]);
	return good;
}

/*
 * What it is for. Public issuers drop clientAuth from servers' certificates: beside serverAuth it makes no other
 * lineage.
 */
static bool feed_usage(EVP_MD_CTX *digest, const struct x509 *cert)
{
	struct x509_usage usage;
	uint8_t part[5];

	x509_usage_read(cert, &usage);
	if (usage.purposes & X509_PURPOSE_SERVER)
		usage.purposes &= ~(unsigned int)X509_PURPOSE_CLIENT;
	part[0] = cert->is_ca;
	part[1] = (uint8_t)(usage.has_key_usage | usage.has_purposes << 1);
	part[2] = (uint8_t)(usage.key_usage >> 8);
	part[3] = (uint8_t)usage.key_usage;
	part[4] = (uint8_t)usage.purposes;
	return feed(digest, part, sizeof(part));
}

static bool readable(const struct x509 *cert)
{
	return cert->parse == X509_PARSE_OK || cert->parse == X509_PARSE_LENIENT;
}

static bool digest_identity(EVP_MD_CTX *digest, const struct x509 *cert, const struct names *names)
{
	if (!feed(digest, FORM, sizeof(FORM)) || !feed_usage(digest, cert))
		return false;
	if (names->num)
		return feed(digest, "N", 1) && feed_names(digest, names);
	return cert->subject_der.len > 0 && feed(digest, "S", 1) &&
	       feed(digest, cert->subject_der.data, cert->subject_der.len);
}

/* An empty Name stands for nothing: two bytes, SEQUENCE and length 0. */
static bool nameless(const struct x509 *cert, const struct names *names)
{
	return !names->num && cert->subject_der.len <= 2;
}

void lineage_of(const struct x509 *cert, struct lineage *out)
{
	struct lineage lineage = { .sure = false };
	struct names names = { 0 };
	EVP_MD_CTX *digest = EVP_MD_CTX_new();

	if (digest && readable(cert) && EVP_DigestInit_ex(digest, EVP_sha256(), NULL)) {
		names = names_of(cert);
		lineage.sure = names.sure && !nameless(cert, &names) && digest_identity(digest, cert, &names) &&
			       EVP_DigestFinal_ex(digest, lineage.key, NULL);
	}
	if (!lineage.sure)
		memcpy(lineage.key, cert->sha256, sizeof(lineage.key));
	EVP_MD_CTX_free(digest);
	free(names.at);
	*out = lineage;
}

struct lineage_place lineage_place_of(const struct x509 *cert)
{
	size_t len = cert->serial_len < X509_SERIAL_MAX ? cert->serial_len : X509_SERIAL_MAX;

	return (struct lineage_place){ cert->not_before, cert->not_after, bytes_of(cert->serial, len) };
}

static enum lineage_order order_times(const struct x509_time *a, const struct x509_time *b)
{
	if (!a->known || !b->known || a->unix_s == b->unix_s)
		return LINEAGE_SAME;
	return a->unix_s < b->unix_s ? LINEAGE_OLDER : LINEAGE_NEWER;
}

static enum lineage_order order_serials(struct bytes a, struct bytes b)
{
	int difference;

	if (a.len != b.len)
		return a.len < b.len ? LINEAGE_OLDER : LINEAGE_NEWER;
	difference = a.len ? memcmp(a.data, b.data, a.len) : 0;
	if (difference == 0)
		return LINEAGE_SAME;
	return difference < 0 ? LINEAGE_OLDER : LINEAGE_NEWER;
}

enum lineage_order lineage_compare(const struct lineage_place *a, const struct lineage_place *b)
{
	enum lineage_order order = order_times(&a->not_before, &b->not_before);

	if (order == LINEAGE_SAME)
		order = order_times(&a->not_after, &b->not_after);
	if (order == LINEAGE_SAME)
		order = order_serials(a->serial, b->serial);
	return order;
}

/* Does the host name `name` fall under the presented name of a certificate, a wildcard or itself? */
static bool covers(const struct x509 *cert, const struct x509_san *name)
{
	char host[256];
	struct bytes value = plain(name);

	if (value.len == 0 || value.len >= sizeof(host) || memchr(value.data, 0, value.len))
		return false;
	memcpy(host, value.data, value.len);
	host[value.len] = '\0';
	return x509_names(cert, host);
}

static bool any_covered(const struct x509 *names, const struct x509 *by)
{
	unsigned int i;

	for (i = 0; i < names->san_count; i++)
		if (names->san[i].kind == X509_SAN_DNS && covers(by, &names->san[i]))
			return true;
	return names->san_total == 0 && names->subject_cn[0] && x509_names(by, names->subject_cn);
}

bool lineage_likely(const struct x509 *a, const struct x509 *b)
{
	struct lineage of_a, of_b;

	if (!readable(a) || !readable(b) || a->is_ca != b->is_ca || !a->issuer_der.len ||
	    !bytes_equal(a->issuer_der, b->issuer_der))
		return false;
	lineage_of(a, &of_a);
	lineage_of(b, &of_b);
	if (of_a.sure && of_b.sure && memcmp(of_a.key, of_b.key, sizeof(of_a.key)) == 0)
		return false;
	/* A wildcard is no host, but as a name it equals itself. */
	return any_covered(a, b) || any_covered(b, a);
}
