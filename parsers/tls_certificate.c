/* SPDX-License-Identifier: Apache-2.0 */
#include "parsers/tls_certificate.h"

#define STATUS_TYPE_OCSP 1       /* RFC 6066 section 8 */
#define EXT_STATUS_REQUEST 5     /* RFC 8446 section 4.2 */
#define EXT_SCT 18

bool tls_certificate_list(struct bytes body, struct bytes *list)
{
	uint32_t len;

	if (!bytes_u24(&body, &len))
		return false;
	*list = bytes_of(body.data, len < body.len ? len : body.len);
	return true;
}

bool tls_certificate_next(struct bytes *list, struct tls_certificate_entry *entry)
{
	struct bytes rest = *list;
	uint32_t len;

	if (rest.len == 0)
		return false;
	/* One or two stray bytes: less than a length. They are an entry that is cut off. */
	if (!bytes_u24(&rest, &len)) {
		*entry = (struct tls_certificate_entry){ .der = rest, .truncated = true };
		*list = bytes_of(rest.data + rest.len, 0);
		return true;
	}
	entry->truncated = len > rest.len;
	entry->der = bytes_of(rest.data, entry->truncated ? rest.len : len);
	*list = bytes_of(rest.data + entry->der.len, rest.len - entry->der.len);
	return true;
}

bool tls13_certificate_list(struct bytes body, struct bytes *context, struct bytes *list)
{
	struct bytes request_context;

	if (!bytes_vec8(&body, &request_context) || !tls_certificate_list(body, list))
		return false;
	*context = request_context;
	return true;
}

/* CertificateStatus: its type, then the response (RFC 6066 section 8). */
static void read_status(struct bytes data, struct tls13_certificate_entry *entry)
{
	uint8_t type;

	entry->has_ocsp = bytes_u8(&data, &type) && type == STATUS_TYPE_OCSP &&
			  bytes_vec24(&data, &entry->ocsp);
	if (!entry->has_ocsp)
		entry->extensions_malformed = true;
}

static void read_extensions(struct tls13_certificate_entry *entry)
{
	struct bytes rest = entry->extensions, data;
	uint16_t type;

	while (rest.len > 0) {
		if (!bytes_u16(&rest, &type) || !bytes_vec16(&rest, &data)) {
			entry->extensions_malformed = true;
			return;
		}
		if (type == EXT_STATUS_REQUEST)
			read_status(data, entry);
		else if (type == EXT_SCT)
			entry->has_sct = true;
	}
}

bool tls13_certificate_next(struct bytes *list, struct tls13_certificate_entry *entry)
{
	struct tls_certificate_entry certificate;
	struct bytes rest;
	uint16_t len;

	if (!tls_certificate_next(list, &certificate))
		return false;
	*entry = (struct tls13_certificate_entry){ .der = certificate.der,
						   .truncated = certificate.truncated };
	entry->extensions = bytes_of(list->data, 0);
	if (certificate.truncated)
		return true;
	rest = *list;
	if (bytes_u16(&rest, &len) && len <= rest.len) {
		entry->extensions = bytes_of(rest.data, len);
	} else {
		/* Whatever follows cannot be told from extensions: it is taken as these. */
		entry->extensions_malformed = true;
		entry->extensions = rest;
	}
	*list = bytes_of(entry->extensions.data + entry->extensions.len,
			 rest.len - entry->extensions.len);
	read_extensions(entry);
	return true;
}

/* Fills the three bytes of a length across parts; true when they are there. */
static bool walk_length(struct tls_certificate_walk *w, struct bytes *in, uint32_t *len)
{
	while (w->header_len < sizeof(w->header)) {
		if (!bytes_u8(in, &w->header[w->header_len]))
			return false;
		w->header_len++;
	}
	w->header_len = 0;
	*len = (uint32_t)w->header[0] << 16 | (uint32_t)w->header[1] << 8 | w->header[2];
	return true;
}

/* The length before an entry; one that reaches beyond the list is cut there, as in tls_certificate_next(). */
static bool walk_entry(struct tls_certificate_walk *w, struct bytes *in, bool *truncated)
{
	uint32_t before = w->header_len;
	bool whole = walk_length(w, in, &w->length);

	w->list_left -= (whole ? 3 : w->header_len) - before;
	if (!whole)
		return false;
	*truncated = w->length > w->list_left;
	if (*truncated)
		w->length = w->list_left;
	w->left = w->length;
	w->in_certificate = true;
	return true;
}

bool tls_certificate_walk(struct tls_certificate_walk *w, struct bytes *in,
			  struct tls_certificate_part *out)
{
	*out = (struct tls_certificate_part){ 0 };
	if (!w->list_begun) {
		if (!walk_length(w, in, &w->list_left))
			return false;
		w->list_begun = true;
	}
	if (!w->in_certificate) {
		/* What follows the list, and one or two stray bytes at its end, are no certificates. */
		if (w->list_left < 3u - w->header_len || !walk_entry(w, in, &w->truncated))
			return false;
		out->begins = true;
	}
	if (in->len == 0 && w->left > 0 && !out->begins)
		return false;
	out->part = bytes_of(in->data, in->len < w->left ? in->len : w->left);
	if (!bytes_skip(in, out->part.len))
		return false;
	w->left -= (uint32_t)out->part.len;
	w->list_left -= (uint32_t)out->part.len;
	out->length = w->length;
	out->truncated = w->truncated;
	out->ends = w->left == 0;
	if (out->ends)
		w->in_certificate = false;
	return true;
}
