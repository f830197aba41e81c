/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/screen/screen_filter.h"

#include <ctype.h>
#include <stdlib.h>

#include "userspace/output/output_owner.h"
#include "userspace/output/output_text.h"
#include "userspace/screen/screen_line.h"

static bool same_letter(uint8_t a, char b)
{
	return tolower(a) == tolower((unsigned char)b);
}

static bool begins(struct bytes in, const char *text, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (!same_letter(in.data[i], text[i]))
			return false;
	return true;
}

static bool contains(struct bytes in, const char *text)
{
	size_t len = strlen(text);

	for (; in.len >= len; in.data++, in.len--)
		if (begins(in, text, len))
			return true;
	return false;
}

static bool text_contains(const char *in, const char *text)
{
	return contains(bytes_of(in, strlen(in)), text);
}

/* "9808" or ":9808" */
static bool is_port(const char *text, unsigned long *port)
{
	char *end;

	if (*text == ':')
		text++;
	if (!isdigit((unsigned char)*text))
		return false;
	*port = strtoul(text, &end, 10);
	return *end == '\0' && *port <= UINT16_MAX;
}

static bool certificate_matches(const char *text, const struct ledger_row *row)
{
	const struct x509 *x;
	unsigned int i;

	if (!row->chain)
		return false;
	x = row->chain->certificates[0]->x509;
	if (text_contains(x->subject, text) || text_contains(x->issuer, text))
		return true;
	for (i = 0; i < x->san_count; i++)
		if (x->san[i].kind != X509_SAN_IP && contains(x->san[i].value, text))
			return true;
	return false;
}

static bool name_matches(const char *text, const struct ledger_row *row)
{
	const struct server_name *name;

	for (name = row->names; name; name = name->next)
		if (contains(bytes_of(name->bytes, name->len), text))
			return true;
	return false;
}

static bool owner_matches(const char *text, const struct screen_row *s)
{
	char owner[256];

	if (!s->owner)
		return false;
	output_owner_text(s->owner, owner, sizeof(owner));
	return text_contains(owner, text) || text_contains(s->owner->name, text) ||
	       text_contains(s->owner->executable, text);
}

static bool word_matches(const char *text, const struct screen_row *s)
{
	const char *words[SCREEN_WORDS_MAX];
	unsigned int num = screen_words(s, words), i;

	for (i = 0; i < num; i++)
		if (text_contains(words[i], text))
			return true;
	return text_contains(screen_known(s), text);
}

bool screen_filter_matches(const char *text, const struct screen_row *s)
{
	const struct ledger_row *row = s->row;
	unsigned long port;
	char endpoint[64];

	if (is_port(text, &port))
		return row->server.port == port;
	output_text_endpoint(&row->server, row->transport, endpoint, sizeof(endpoint));
	return text_contains(endpoint, text) || certificate_matches(text, row) || name_matches(text, row) ||
	       owner_matches(text, s) || word_matches(text, s);
}
