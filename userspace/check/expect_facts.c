/* SPDX-License-Identifier: Apache-2.0 */
/* From certificates as they were read to what rules are applied to. */
#include <arpa/inet.h>
#include <stdlib.h>

#include "parsers/text.h"
#include "userspace/check/expect.h"

/* Of one name; the text of an address needs a place to stand. */
struct name_text {
	char text[INET6_ADDRSTRLEN];
};

static size_t count_names(const struct x509 *const *certs, size_t num)
{
	size_t total = 0, i;

	for (i = 0; i < num; i++)
		total += certs[i]->san_count + 1;
	return total;
}

static struct bytes address_text(struct bytes value, struct name_text *room)
{
	uint8_t octets[16] = { [10] = 0xff, [11] = 0xff };

	memcpy(octets + 16 - value.len, value.data, value.len);
	text_address(octets, room->text, sizeof(room->text));
	return bytes_of(room->text, strlen(room->text));
}

/* DNS names and addresses; where there are none, the common name. Returns how many. */
static size_t fill_names(const struct x509 *x, struct bytes *names, struct name_text *room)
{
	size_t num = 0;
	unsigned int i;

	for (i = 0; i < x->san_count; i++) {
		struct bytes value = x->san[i].value;

		if (x->san[i].kind == X509_SAN_DNS)
			names[num++] = value;
		else if (x->san[i].kind == X509_SAN_IP && (value.len == 4 || value.len == 16))
			names[num++] = address_text(value, &room[i]);
	}
	if (num == 0 && x->subject_cn[0])
		names[num++] = bytes_of(x->subject_cn, strlen(x->subject_cn));
	return num;
}

static struct expect_certificate facts_of(const struct x509 *x)
{
	return (struct expect_certificate){
		.sha256 = x->sha256, .spki_sha256 = x->spki_der.len ? x->spki_sha256 : NULL,
		.issuer = x->issuer, .issuer_cn = x->issuer_cn,
		.not_after_known = x->not_after.known, .not_after_s = x->not_after.unix_s,
		.key = x->key, .key_bits = x->key_bits, .signature_algorithm = x->signature_algorithm,
		.signature_weak = x->signature_weak, .self_issued = x509_self_issued(x),
	};
}

struct expect_certificate *expect_chain(const struct x509 *const *certs, size_t num)
{
	size_t total = count_names(certs, num), at = 0, i;
	struct expect_certificate *chain;
	struct name_text *room;
	struct bytes *names;

	if (num == 0)
		return NULL;
	chain = calloc(1, num * sizeof(*chain) + total * (sizeof(*names) + sizeof(*room)));
	if (!chain)
		return NULL;
	names = (struct bytes *)(chain + num);
	room = (struct name_text *)(names + total);
	for (i = 0; i < num; i++) {
		chain[i] = facts_of(certs[i]);
		chain[i].names = names + at;
		chain[i].num_names = fill_names(certs[i], names + at, room + at);
		at += certs[i]->san_count + 1;
	}
	return chain;
}
