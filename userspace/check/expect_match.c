/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of an expectations file, applied to one endpoint. */
#include <stdarg.h>
#include <stdio.h>
#include <strings.h>

#include "parsers/text.h"
#include "userspace/check/expect_parts.h"

#define DAY_S 86400
#define SHOWN_MAX 128            /* of a stranger's text within a sentence */

/* One endpoint being judged, and where to tell it. */
struct judging {
	const struct expect *e;
	const struct expect_endpoint *endpoint;
	expect_violation_fn *tell;
	void *context;
};

/* --- words */

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

/*
 * * and ?, ASCII letters without case. Goes back to the last star only, so it takes at most |pattern| x |text|
 * steps.
 */
static bool glob(const char *pattern, struct bytes text)
{
	const char *star = NULL;
	size_t at = 0, resume = 0;

	while (at < text.len) {
		if (*pattern == '*') {
			star = pattern++;
			resume = at;
		} else if (*pattern && (*pattern == '?' || lower(*pattern) == lower((char)text.data[at]))) {
			pattern++;
			at++;
		} else if (star) {
			pattern = star + 1;
			at = ++resume;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return *pattern == '\0';
}

static struct bytes text_bytes(const char *text)
{
	return bytes_of(text, strlen(text));
}

static bool any_glob(const struct texts *patterns, struct bytes text)
{
	size_t i;

	for (i = 0; i < patterns->num; i++)
		if (glob(patterns->items[i], text))
			return true;
	return false;
}

/* --- where */

static bool in_ports(const struct ports *ports, uint16_t port)
{
	size_t i;

	for (i = 0; i < ports->num; i++)
		if (port >= ports->items[i].from && port <= ports->items[i].to)
			return true;
	return false;
}

static bool in_range(const struct address_range *range, const uint8_t *address)
{
	unsigned int whole = range->prefix / 8, rest = range->prefix % 8;
	uint8_t mask = (uint8_t)(0xff00 >> rest);

	return memcmp(range->octets, address, whole) == 0 &&
	       (rest == 0 || ((range->octets[whole] ^ address[whole]) & mask) == 0);
}

static bool in_addresses(const struct addresses *addresses, const uint8_t *address)
{
	size_t i;

	for (i = 0; address && i < addresses->num; i++)
		if (in_range(&addresses->items[i], address))
			return true;
	return false;
}

/* Asked for; where no name was, those that the certificate has. */
static bool has_name(const struct texts *patterns, const struct expect_endpoint *p)
{
	size_t i;

	if (p->server_name && *p->server_name)
		return any_glob(patterns, text_bytes(p->server_name));
	for (i = 0; p->num > 0 && i < p->chain[0].num_names; i++)
		if (any_glob(patterns, p->chain[0].names[i]))
			return true;
	return false;
}

static bool fits(const struct texts *patterns, const char *text)
{
	return patterns->num == 0 || (text && any_glob(patterns, text_bytes(text)));
}

static bool is_for(const struct where *w, const struct expect_endpoint *p)
{
	return (w->port.num == 0 || in_ports(&w->port, p->port)) &&
	       (w->address.num == 0 || in_addresses(&w->address, p->address)) &&
	       (w->name.num == 0 || has_name(&w->name, p)) && fits(&w->transport, p->transport) &&
	       fits(&w->unit, p->unit) && fits(&w->process, p->process) && fits(&w->container, p->container) &&
	       fits(&w->carrier, p->carrier);
}

/* --- certificates */

static bool in_hashes(const struct hashes *hashes, const uint8_t *hash)
{
	size_t i;

	for (i = 0; hash && i < hashes->num; i++)
		if (memcmp(hashes->items[i], hash, 32) == 0)
			return true;
	return false;
}

static bool has_issuer(const struct texts *patterns, const struct expect_certificate *c)
{
	return any_glob(patterns, text_bytes(c->issuer)) || any_glob(patterns, text_bytes(c->issuer_cn));
}

/* The same name; or a wildcard in the certificate, for one label (RFC 9525 section 6.3). */
static bool covers(struct bytes presented, const char *wanted)
{
	const char *dot = strchr(wanted, '.');

	if (presented.len == strlen(wanted) && strncasecmp((const char *)presented.data, wanted, presented.len) == 0)
		return true;
	return presented.len > 2 && memcmp(presented.data, "*.", 2) == 0 && dot && dot != wanted &&
	       presented.len - 1 == strlen(dot) &&
	       strncasecmp((const char *)presented.data + 1, dot, presented.len - 1) == 0;
}

/* The first of the names that the certificate does not have. */
static const char *name_missing(const struct texts *wanted, const struct expect_certificate *c)
{
	size_t i, k;

	for (i = 0; i < wanted->num; i++) {
		for (k = 0; k < c->num_names && !covers(c->names[k], wanted->items[i]); k++)
			;
		if (k == c->num_names)
			return wanted->items[i];
	}
	return NULL;
}

/* "sha1" is in sha1WithRSAEncryption and in ecdsa-with-SHA1; PSS says by a flag alone that its hash is weak. */
static const char *signed_with(const struct texts *digests, const struct expect_certificate *c)
{
	bool pss = strcasestr(c->signature_algorithm, "pss") != NULL;
	size_t i;

	for (i = 0; i < digests->num; i++)
		if (strcasestr(c->signature_algorithm, digests->items[i]) ||
		    (pss && c->signature_weak && strcmp(digests->items[i], "sha1") == 0))
			return digests->items[i];
	return NULL;
}

/* A kind with several floors: any of them is enough. */
static bool key_allowed(const struct key_floors *floors, const struct expect_certificate *c)
{
	size_t i;

	for (i = 0; i < floors->num; i++)
		if (floors->items[i].kind == c->key && c->key_bits >= floors->items[i].bits)
			return true;
	return false;
}

/* --- telling */

static void __attribute__((format(printf, 6, 7)))
tell(const struct judging *j, enum severity severity, const char *rule, unsigned int line, const char *reason,
     const char *format, ...)
{
	char sentence[EXPECT_TEXT_MAX / 2], shown[EXPECT_TEXT_MAX / 2], whole[EXPECT_TEXT_MAX];
	struct expect_violation v = { severity, rule, j->e->name, line, whole };
	va_list arguments;
	struct text text;

	va_start(arguments, format);
	vsnprintf(sentence, sizeof(sentence), format, arguments);
	va_end(arguments);
	text_start(&text, whole, sizeof(whole));
	text_put(&text, sentence);
	if (reason) {
		text_safe(text_bytes(reason), shown, sizeof(shown));
		text_put(&text, " (");
		text_put(&text, shown);
		text_put(&text, ")");
	}
	j->tell(j->context, &v);
}

static const char *shorten(const char *text, char out[SHOWN_MAX])
{
	size_t len = strlen(text);

	if (len < SHOWN_MAX)
		return text;
	/* Never within a character. */
	for (len = SHOWN_MAX - 4; len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80; len--)
		;
	memcpy(out, text, len);
	strcpy(out + len, "...");
	return out;
}

/* --- expect */

static void judge_leaf(const struct judging *j, const struct rule *r)
{
	const struct expect_certificate *leaf = &j->endpoint->chain[0];
	const struct present *p = &r->present;
	char hex[65], shown[SHOWN_MAX];
	const char *missing;

	if (p->lines[PRESENT_FINGERPRINT] && !in_hashes(&p->fingerprint, leaf->sha256)) {
		text_hex(leaf->sha256, 32, false, hex);
		tell(j, r->severity, "fingerprint", p->lines[PRESENT_FINGERPRINT], r->reason,
		     "presents another certificate, sha256 %s", hex);
	}
	if (p->lines[PRESENT_SPKI] && !in_hashes(&p->spki, leaf->spki_sha256))
		tell(j, r->severity, "spki", p->lines[PRESENT_SPKI], r->reason, "presents a certificate with another key");
	if (p->lines[PRESENT_ISSUER] && !has_issuer(&p->issuer, leaf))
		tell(j, r->severity, "issuer", p->lines[PRESENT_ISSUER], r->reason,
		     "presents a certificate issued by %s", shorten(leaf->issuer, shown));
	missing = p->lines[PRESENT_NAMES] ? name_missing(&p->names, leaf) : NULL;
	if (missing)
		tell(j, r->severity, "names", p->lines[PRESENT_NAMES], r->reason,
		     "presents a certificate without the name %s", shorten(missing, shown));
}

/* Whole days; what has not a day left has none. */
static void judge_days(const struct judging *j, const struct rule *r)
{
	const struct expect_certificate *leaf = &j->endpoint->chain[0];
	unsigned int line = r->present.lines[PRESENT_MIN_DAYS];
	int64_t left_s = leaf->not_after_s - j->endpoint->now_s;

	if (!line)
		return;
	if (!leaf->not_after_known)
		tell(j, SEVERITY_UNKNOWN, "min-days", line, r->reason, "its end of validity cannot be read");
	else if (left_s < 0)
		tell(j, r->severity, "min-days", line, r->reason, "presents a certificate that has expired, %lld days ago",
		     (long long)(-left_s / DAY_S));
	else if (left_s / DAY_S < r->present.min_days)
		tell(j, r->severity, "min-days", line, r->reason, "%lld days left, at least %ld are wanted",
		     (long long)(left_s / DAY_S), r->present.min_days);
}

/* Floors are for the whole chain, but nobody relies on a root's signature of itself. */
static void judge_strength(const struct judging *j, const struct rule *r)
{
	const struct present *p = &r->present;
	const char *digest;
	size_t i;

	for (i = 0; i < j->endpoint->num; i++) {
		const struct expect_certificate *c = &j->endpoint->chain[i];

		if (p->lines[PRESENT_KEY] && !key_allowed(&p->key, c))
			tell(j, r->severity, "key", p->lines[PRESENT_KEY], r->reason,
			     "certificate %zu of the chain has a key of %s %u, which is not allowed", i + 1,
			     c->key == X509_KEY_UNKNOWN ? "an unknown kind," : x509_key_name(c->key), c->key_bits);
		digest = p->lines[PRESENT_SIGNED_WITH] && !c->self_issued ? signed_with(&p->signed_with, c) : NULL;
		if (digest)
			tell(j, r->severity, "not-signed-with", p->lines[PRESENT_SIGNED_WITH], r->reason,
			     "certificate %zu of the chain is signed with %s", i + 1, digest);
	}
}

static void judge_rule(const struct judging *j, const struct rule *r)
{
	if (!r->has_present)
		return;
	if (j->endpoint->num == 0) {
		tell(j, SEVERITY_UNKNOWN, "present", r->line, NULL, "its certificate was not seen: %s",
		     j->endpoint->reason ? j->endpoint->reason : "no reason is known");
		return;
	}
	judge_leaf(j, r);
	judge_days(j, r);
	judge_strength(j, r);
}

/* --- deny */

static bool any_certificate(const struct present *p, enum present_key key, const struct expect_endpoint *e)
{
	size_t i;

	for (i = 0; i < e->num; i++) {
		const struct expect_certificate *c = &e->chain[i];

		if ((key == PRESENT_FINGERPRINT && in_hashes(&p->fingerprint, c->sha256)) ||
		    (key == PRESENT_SPKI && in_hashes(&p->spki, c->spki_sha256)) ||
		    (key == PRESENT_ISSUER && has_issuer(&p->issuer, c)) ||
		    (key == PRESENT_SIGNED_WITH && !c->self_issued && signed_with(&p->signed_with, c)) ||
		    (key == PRESENT_NAMES && i == 0 && !name_missing(&p->names, c)))
			return true;
	}
	return false;
}

static void judge_denied(const struct judging *j, const struct rule *r)
{
	enum present_key key;

	if (j->endpoint->num == 0)
		return;
	for (key = 0; key < NUM_PRESENT_KEYS; key++)
		if (r->present.lines[key] && !any_certificate(&r->present, key, j->endpoint))
			return;
	tell(j, r->severity, "deny", r->line, r->reason, r->has_present ?
	     "presents what must not be presented" : "presents a certificate where none may be");
}

/* --- the whole */

void expect_judge(struct expect *e, const struct expect_endpoint *endpoint, expect_violation_fn *tell_fn, void *context)
{
	const struct judging j = { e, endpoint, tell_fn, context };
	bool declared = false;
	size_t i;

	for (i = 0; i < e->expect.num; i++) {
		struct rule *r = &e->expect.items[i];

		if (!is_for(&r->where, endpoint))
			continue;
		r->matched = true;
		declared |= r->has_where;
		judge_rule(&j, r);
	}
	for (i = 0; i < e->deny.num; i++)
		if (is_for(&e->deny.items[i].where, endpoint))
			judge_denied(&j, &e->deny.items[i]);
	if (!declared && e->undeclared != SEVERITY_OK)
		tell(&j, e->undeclared, "undeclared", e->undeclared_line, NULL, "nobody declared this endpoint");
}

void expect_unmatched(const struct expect *e, expect_violation_fn *tell_fn, void *context)
{
	const struct judging j = { e, NULL, tell_fn, context };
	size_t i;

	for (i = 0; i < e->expect.num; i++)
		if (!e->expect.items[i].matched)
			tell(&j, SEVERITY_UNKNOWN, "unmatched", e->expect.items[i].line, e->expect.items[i].reason,
			     "this rule was for no endpoint that was seen");
}
