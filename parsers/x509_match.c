/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Does a certificate name a host? RFC 9525 section 6 (RFC 6125 before it). Names are compared as
 * bytes, ASCII letters without case: A-labels are ASCII, and a NUL or any other odd byte equals
 * nothing.
 */
#include <arpa/inet.h>

#include "parsers/x509_parts.h"

#define HOST_MAX 253    /* RFC 1035 section 2.3.4, as text without the dot at the end */

struct wanted {
	struct bytes name;      /* without a dot at its end; empty for an address */
	uint8_t address[16];
	size_t address_len;     /* 4 or 16; 0 for a name */
};

static bool wanted_read(const char *host, struct wanted *out)
{
	size_t len = strnlen(host, HOST_MAX + 2);

	*out = (struct wanted){ 0 };
	if (inet_pton(AF_INET, host, out->address) == 1) {
		out->address_len = 4;
		return true;
	}
	if (inet_pton(AF_INET6, host, out->address) == 1) {
		out->address_len = 16;
		return true;
	}
	if (len > 0 && host[len - 1] == '.')
		len--;
	out->name = bytes_of(host, len);
	return len > 0 && len <= HOST_MAX;
}

static uint8_t lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? c | 0x20 : c;
}

static bool equal_name(struct bytes a, struct bytes b)
{
	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++)
		if (lower(a.data[i]) != lower(b.data[i]))
			return false;
	return true;
}

/*
 * RFC 9525 section 6.3: the wildcard is the whole leftmost label and stands for exactly one label.
 */
static bool matches_name(struct bytes presented, struct bytes wanted)
{
	const uint8_t *dot;

	if (presented.len < 3 || memcmp(presented.data, "*.", 2) != 0)
		return presented.len > 0 && equal_name(presented, wanted);
	dot = memchr(wanted.data, '.', wanted.len);
	if (!dot || dot == wanted.data)
		return false;
	presented = bytes_of(presented.data + 1, presented.len - 1);
	return equal_name(presented, bytes_of(dot, wanted.len - (size_t)(dot - wanted.data)));
}

static bool matches_san(const struct x509_san *san, const struct wanted *wanted)
{
	if (wanted->address_len > 0)
		return san->kind == X509_SAN_IP &&
		       bytes_equal(san->value, bytes_of(wanted->address, wanted->address_len));
	return san->kind == X509_SAN_DNS && matches_name(san->value, wanted->name);
}

struct search {
	const struct wanted *wanted;
	bool has_identity;      /* a SAN of a DNS or IP kind */
	bool found;
};

static void look_at(struct search *search, const struct x509_san *san)
{
	search->has_identity |= san->kind == X509_SAN_DNS || san->kind == X509_SAN_IP;
	search->found |= matches_san(san, search->wanted);
}

/* All names, from the bytes, where there are more than were kept. */
static void look_at_all(struct search *search, struct bytes extensions)
{
	unsigned int budget = DER_ELEMENTS_MAX;
	struct der list = der_walk(extensions, &budget), names;
	struct x509_extension extension;
	struct x509_san san;

	while (!search->found && x509_extension_next(&list, &extension)) {
		if (!x509_extension_is_san(&extension) || !x509_san_open(&extension, &names))
			continue;
		while (!search->found && x509_san_next(&names, &san))
			look_at(search, &san);
	}
}

bool x509_names(const struct x509 *cert, const char *host)
{
	struct wanted wanted;
	struct search search = { .wanted = &wanted };

	if (!wanted_read(host, &wanted))
		return false;
	for (unsigned int i = 0; i < cert->san_count && !search.found; i++)
		look_at(&search, &cert->san[i]);
	if (!search.found && cert->san_total > cert->san_count)
		look_at_all(&search, cert->extensions);
	if (search.found || search.has_identity || wanted.address_len > 0)
		return search.found;
	return matches_name(bytes_of(cert->subject_cn, strlen(cert->subject_cn)), wanted.name);
}
