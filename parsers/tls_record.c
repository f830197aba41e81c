/* SPDX-License-Identifier: Apache-2.0 */
#include "parsers/tls_record.h"

#include <stdlib.h>

#include "parsers/record_protection.h"

#define OPENER_COST (sizeof(struct tls_opener) + RECORD_OPEN_MAX + TLS_BODY_MAX)

#define MESSAGE_CAPACITY_MIN 2048u

/* Of a ServerKeyExchange only the curve at its front is of interest; of some others, nothing. */
static bool message_is_read(uint8_t type)
{
	switch (type) {
	case TLS_CLIENT_HELLO:
	case TLS_SERVER_HELLO:
	case TLS_ENCRYPTED_EXTENSIONS:
	case TLS_CERTIFICATE:
	case TLS_SERVER_KEY_EXCHANGE:
	case TLS_CERTIFICATE_REQUEST:
	case TLS_CERTIFICATE_STATUS:
	case TLS_COMPRESSED_CERTIFICATE:
		return true;
	default:
		return false;
	}
}

bool tls_handshake_type_known(uint8_t type)
{
	switch (type) {
	case TLS_HELLO_REQUEST ... TLS_NEW_SESSION_TICKET:
	case TLS_ENCRYPTED_EXTENSIONS:
	case TLS_CERTIFICATE ... TLS_CLIENT_KEY_EXCHANGE:
	case TLS_FINISHED ... TLS_COMPRESSED_CERTIFICATE:
	case 67: /* NextProtocol, of SPDY's time */
	case TLS_MESSAGE_HASH:
		return true;
	default:
		return false;
	}
}

void tls_reader_init(struct tls_reader *r, uint32_t message_max)
{
	*r = (struct tls_reader){ .message_max = message_max };
}

static void message_release(struct tls_reader *r, struct budget *memory)
{
	known_release(r->candidate);
	r->candidate = NULL;
	budget_give(memory, r->message_capacity);
	free(r->message);
	r->message = NULL;
	r->message_capacity = 0;
	r->release = false;
}

void tls_reader_fini(struct tls_reader *r, struct budget *memory)
{
	message_release(r, memory);
	tls_reader_unprotect(r, memory);
}

bool tls_reader_protect(struct tls_reader *r, struct budget *memory, struct record_cipher *cipher,
			bool every_type)
{
	struct tls_opener *o = r->opener;

	if (!o) {
		o = budget_take(memory, OPENER_COST) ? calloc(1, sizeof(*o)) : NULL;
		if (!o) {
			record_cipher_free(cipher);
			return false;
		}
		r->opener = o;
		o->sealed = malloc(TLS_BODY_MAX);
		o->opened = malloc(RECORD_OPEN_MAX);
	}
	record_cipher_free(o->cipher);
	o->cipher = cipher;
	o->every_type = every_type;
	if (o->sealed && o->opened)
		return true;
	tls_reader_unprotect(r, memory);
	return false;
}

void tls_reader_unprotect(struct tls_reader *r, struct budget *memory)
{
	if (!r->opener)
		return;
	record_cipher_free(r->opener->cipher);
	free(r->opener->sealed);
	free(r->opener->opened);
	free(r->opener);
	budget_give(memory, OPENER_COST);
	r->opener = NULL;
}

/* Room for `more` bytes: grows with what has arrived, at most doubling. */
static bool message_grow(struct tls_reader *r, struct budget *memory, uint32_t more)
{
	uint32_t need = r->message_len + more, capacity = r->message_capacity;
	uint8_t *larger;

	if (need <= capacity)
		return true;
	capacity = capacity ? capacity * 2 : MESSAGE_CAPACITY_MIN;
	if (capacity < need)
		capacity = need;
	if (capacity > r->message_total && r->message_total >= need)
		capacity = r->message_total;
	if (!budget_take(memory, capacity - r->message_capacity))
		return false;
	larger = realloc(r->message, capacity);
	if (!larger) {
		budget_give(memory, capacity - r->message_capacity);
		return false;
	}
	r->message = larger;
	r->message_capacity = capacity;
	return true;
}

/* Fills a small array across chunks; true when it is full. */
static bool gather(uint8_t *array, uint8_t *have, uint8_t want, struct bytes *in, size_t limit)
{
	size_t len = (size_t)(want - *have);
	struct bytes taken;

	if (len > limit)
		len = limit;
	if (len > in->len)
		len = in->len;
	if (!bytes_take(in, len, &taken))
		return false;
	memcpy(array + *have, taken.data, taken.len);
	*have += (uint8_t)taken.len;
	return *have == want;
}

static enum parse bad(struct tls_reader *r, const char *why)
{
	r->why = why;
	return PARSE_BAD;
}

static enum parse record_begin(struct tls_reader *r, struct bytes *in)
{
	const uint8_t *h = r->record_header;

	if (!gather(r->record_header, &r->record_header_len, TLS_RECORD_HEADER_LEN, in, in->len))
		return PARSE_MORE;
	r->record_header_len = 0;
	r->record_type = h[0];
	r->record_version = (uint16_t)(h[1] << 8 | h[2]);
	r->record_len = r->record_left = (uint16_t)(h[3] << 8 | h[4]);
	if (r->record_type < TLS_CHANGE_CIPHER_SPEC || r->record_type > TLS_HEARTBEAT)
		return bad(r, "unknown record type");
	if (!tls_version_plausible(r->record_version))
		return bad(r, "unknown record version");
	/* Known from the header: do not wait for the body. */
	if (r->record_len > TLS_BODY_MAX)
		return bad(r, "record longer than the protocol allows");
	return PARSE_OK;
}

static enum parse item_encrypted(struct tls_reader *r, struct tls_item *out)
{
	out->kind = TLS_ITEM_ENCRYPTED;
	out->type = r->record_type;
	out->total = r->record_len;
	return PARSE_OK;
}

static enum parse read_alert(struct tls_reader *r, struct bytes *in, struct tls_item *out)
{
	uint8_t before = r->alert_len;
	bool whole;

	/* RFC 5246 section 7.2: two bytes; anything else is encrypted. */
	if (r->record_len != 2)
		return item_encrypted(r, out);
	whole = gather(r->alert, &r->alert_len, 2, in, r->record_left);
	r->record_left = (uint16_t)(r->record_left - (r->alert_len - before));
	if (!whole)
		return PARSE_MORE;
	r->alert_len = 0;
	if (r->alert[0] != 1 && r->alert[0] != 2)
		return item_encrypted(r, out);
	out->kind = TLS_ITEM_ALERT;
	out->alert_level = r->alert[0];
	out->alert_description = r->alert[1];
	return PARSE_OK;
}

static enum parse read_cipher_spec(struct tls_reader *r, struct bytes *in, struct tls_item *out)
{
	size_t len = r->record_left < in->len ? r->record_left : in->len;

	if (r->record_len != 1)
		return bad(r, "ChangeCipherSpec of a wrong length");
	if (!bytes_skip(in, len))
		return PARSE_MORE;
	r->record_left = (uint16_t)(r->record_left - len);
	if (r->record_left)
		return PARSE_MORE;
	r->cipher_spec_seen = true;
	out->kind = TLS_ITEM_CIPHER_SPEC;
	return PARSE_OK;
}

/*
 * After ChangeCipherSpec a handshake record is encrypted, unless it is one of TLS 1.3's dummies for
 * middleboxes (RFC 8446 appendix D.4) between two hellos.
 */
static bool message_in_clear(const struct tls_reader *r)
{
	const uint8_t *h = r->message_header;

	if (!r->cipher_spec_seen || r->opener)
		return true;
	return (h[0] == TLS_CLIENT_HELLO || h[0] == TLS_SERVER_HELLO) &&
	       r->message_total + TLS_MESSAGE_HEADER_LEN <= r->record_len;
}

static enum parse message_begin(struct tls_reader *r, struct bytes *in, struct tls_item *out)
{
	const uint8_t *h = r->message_header;
	uint8_t before = r->message_header_len;
	bool whole = gather(r->message_header, &r->message_header_len, TLS_MESSAGE_HEADER_LEN, in,
			    r->record_left);

	r->record_left = (uint16_t)(r->record_left - (r->message_header_len - before));
	if (!whole)
		return PARSE_MORE;
	r->message_header_len = 0;
	r->message_total = (uint32_t)h[1] << 16 | (uint32_t)h[2] << 8 | h[3];
	r->message_len = 0;
	if (!message_in_clear(r))
		return item_encrypted(r, out);
	if (!tls_handshake_type_known(h[0]))
		return bad(r, "unknown handshake message type");
	r->in_message = true;
	return PARSE_OK;
}

static enum parse message_give(struct tls_reader *r, struct bytes body, struct tls_item *out)
{
	r->in_message = false;
	out->kind = TLS_ITEM_MESSAGE;
	out->type = r->message_header[0];
	out->body = body;
	out->total = r->message_total;
	return PARSE_OK;
}

/* A message over the limit: a Certificate is given part by part, another one is passed over. */
static enum parse message_over(struct tls_reader *r, struct bytes part, struct tls_item *out)
{
	out->type = r->message_header[0];
	out->total = r->message_total;
	out->offset = r->message_len;
	out->body = part;
	out->kind = out->type == TLS_CERTIFICATE ? TLS_ITEM_PART : TLS_ITEM_SKIPPED;
	r->message_len += (uint32_t)part.len;
	if (r->message_len == r->message_total)
		r->in_message = false;
	return PARSE_OK;
}

static bool message_keep(struct tls_reader *r, struct budget *memory, struct bytes part)
{
	if (!message_grow(r, memory, (uint32_t)part.len))
		return false;
	memcpy(r->message + r->message_len, part.data, part.len);
	return true;
}

/* The candidate is another message after all: what was equal so far has to be gathered now. */
static bool candidate_leave(struct tls_reader *r, struct budget *memory)
{
	struct bytes equal = bytes_of(r->candidate->body, r->message_len);
	bool kept;

	r->message_len = 0;
	kept = message_keep(r, memory, equal);
	r->message_len = (uint32_t)equal.len;
	known_release(r->candidate);
	r->candidate = NULL;
	return kept;
}

/* The next piece: the candidate's as long as there is one, which others may be reading too, else kept here. */
static bool message_add(struct tls_reader *r, struct budget *memory, struct bytes part)
{
	if (r->known && r->message_len == 0 && r->message_header[0] == TLS_CERTIFICATE &&
	    part.len >= KNOWN_PREFIX)
		r->candidate = known_join(r->known, memory, r->message_total, part);
	if (!r->candidate)
		return message_keep(r, memory, part);
	switch (known_feed(r->candidate, r->message_len, part)) {
	case KNOWN_SAME:
		return true;
	case KNOWN_NO_MEMORY:
		return false;
	case KNOWN_DIFFERENT:
		break;
	}
	return candidate_leave(r, memory) && message_keep(r, memory, part);
}

static enum parse message_continue(struct tls_reader *r, struct budget *memory, struct bytes *in,
				   struct tls_item *out)
{
	size_t len = r->message_total - r->message_len;
	struct bytes part;

	if (len > r->record_left)
		len = r->record_left;
	if (len > in->len)
		len = in->len;
	if (!bytes_take(in, len, &part))
		return PARSE_MORE;
	r->record_left = (uint16_t)(r->record_left - len);
	if (r->message_len == 0 && part.len == r->message_total)
		return message_give(r, part, out);
	if (part.len == 0)
		return PARSE_MORE;
	if (r->message_total > r->message_max)
		return message_over(r, part, out);
	if (message_is_read(r->message_header[0]) && !message_add(r, memory, part))
		return bad(r, "over the memory limit");
	r->message_len += (uint32_t)part.len;
	if (r->message_len < r->message_total)
		return PARSE_MORE;
	r->release = true;
	if (r->candidate) {
		out->known = r->candidate->value;
		return message_give(r, bytes_of(r->candidate->body, r->candidate->len), out);
	}
	return message_give(r, bytes_of(r->message, r->message ? r->message_total : 0), out);
}

/* PARSE_MORE here means: go on, there may be more in this chunk. */
static enum parse read_handshake(struct tls_reader *r, struct budget *memory, struct bytes *in,
				 struct tls_item *out)
{
	enum parse result;

	if (!r->in_message) {
		result = message_begin(r, in, out);
		if (result != PARSE_OK || !r->in_message)
			return result;
	}
	return message_continue(r, memory, in, out);
}

static bool opened_waits(const struct tls_reader *r)
{
	return r->opener && r->opener->opened_at < r->opener->opened_len;
}

/* Is the current record one that the opener has the key for? */
static bool record_is_sealed(const struct tls_reader *r)
{
	return r->opener && (r->opener->every_type || r->record_type == TLS_APPLICATION_DATA);
}

/* The record's body, gathered; then opened. What does not open ends the reading of this side. */
static enum parse open_record(struct tls_reader *r, struct bytes *in, struct tls_item *out)
{
	struct tls_opener *o = r->opener;
	struct bytes part, body;
	size_t len = r->record_left < in->len ? r->record_left : in->len, opened_len;

	if (!bytes_take(in, len, &part))
		return PARSE_MORE;
	if (part.len)
		memcpy(o->sealed + o->sealed_len, part.data, part.len);
	o->sealed_len += (uint32_t)part.len;
	r->record_left = (uint16_t)(r->record_left - part.len);
	if (r->record_left)
		return PARSE_MORE;
	body = bytes_of(o->sealed, o->sealed_len);
	o->sealed_len = 0;
	if (record_open(o->cipher, r->record_type, r->record_version, body, o->opened, RECORD_OPEN_MAX,
			&opened_len, &o->type) != PARSE_OK)
		return item_encrypted(r, out);
	o->opened_len = (uint32_t)opened_len;
	o->opened_at = 0;
	return PARSE_MORE;
}

static enum parse read_body(struct tls_reader *r, struct budget *memory, struct bytes *in,
			    struct tls_item *out)
{
	switch (r->record_type) {
	case TLS_HANDSHAKE:
		return read_handshake(r, memory, in, out);
	case TLS_ALERT:
		return read_alert(r, in, out);
	case TLS_CHANGE_CIPHER_SPEC:
		return read_cipher_spec(r, in, out);
	default:
		return item_encrypted(r, out);
	}
}

/* Application data is only passed over here, in search of a handshake message behind it. */
static enum parse pass_application(struct tls_reader *r, struct tls_item *out)
{
	struct tls_opener *o = r->opener;

	o->application += o->opened_len;
	o->opened_at = o->opened_len;
	return o->application > TLS_APPLICATION_MAX ? item_encrypted(r, out) : PARSE_MORE;
}

/* What lies in the opener is read as a record of its own. */
static enum parse read_opened(struct tls_reader *r, struct budget *memory, struct tls_item *out)
{
	struct tls_opener *o = r->opener;
	struct bytes plain = bytes_of(o->opened + o->opened_at, o->opened_len - o->opened_at);
	enum parse result;

	if (o->type == TLS_APPLICATION_DATA)
		return pass_application(r, out);
	r->record_type = o->type;
	r->record_left = (uint16_t)plain.len;
	if (o->opened_at == 0)
		r->record_len = r->record_left;
	result = read_body(r, memory, &plain, out);
	out->opened = true;
	/* The caller may exchange the keys for this item: what is left stays in the opener. */
	o->opened_at = o->opened_len - (uint32_t)plain.len;
	r->record_left = 0;
	return result;
}

enum parse tls_reader_next(struct tls_reader *r, struct budget *memory, struct bytes *in,
			   struct tls_item *out)
{
	enum parse result;

	if (r->release)
		message_release(r, memory);
	*out = (struct tls_item){ 0 };
	for (;;) {
		if (opened_waits(r)) {
			result = read_opened(r, memory, out);
			if (result != PARSE_MORE)
				return result;
			continue;
		}
		if (r->record_left == 0) {
			result = record_begin(r, in);
			if (result != PARSE_OK)
				return result;
		}
		out->record_version = r->record_version;
		/* A record may be empty, and a message may be: its body is then complete already. */
		if (r->record_type == TLS_HANDSHAKE && r->record_left == 0)
			continue;
		result = record_is_sealed(r) ? open_record(r, in, out) : read_body(r, memory, in, out);
		if (result != PARSE_MORE || (in->len == 0 && !opened_waits(r)))
			return result;
	}
}

bool tls_reader_unfinished(const struct tls_reader *r, uint8_t *type, uint32_t *have,
			   uint32_t *total)
{
	if (!r->in_message)
		return false;
	*type = r->message_header[0];
	*have = r->message_len;
	*total = r->message_total;
	return true;
}

struct bytes tls_reader_gathered(const struct tls_reader *r)
{
	if (r->in_message && r->candidate)
		return bytes_of(r->candidate->body, r->message_len);
	if (!r->in_message || !r->message)
		return bytes_of(NULL, 0);
	return bytes_of(r->message, r->message_len);
}

bool tls_reader_lose(struct tls_reader *r, struct budget *memory, uint32_t len)
{
	bool passed_over = r->in_message && r->message_len > 0 && !r->message && !r->candidate &&
			   !message_is_read(r->message_header[0]);

	message_release(r, memory);
	if (!passed_over || len > r->record_left || len > r->message_total - r->message_len)
		return false;
	r->record_left = (uint16_t)(r->record_left - len);
	r->message_len += len;
	if (r->message_len == r->message_total)
		r->in_message = false;
	return true;
}
