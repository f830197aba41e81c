/* SPDX-License-Identifier: Apache-2.0 */
#include "parsers/dtls_message.h"

void dtls_reader_init(struct dtls_reader *r, uint32_t message_max)
{
	*r = (struct dtls_reader){ .message_max = message_max };
}

static void release(struct dtls_reader *r, struct budget *memory)
{
	dtls_message_free(r->release, memory);
	r->release = NULL;
}

/* Takes the message at *link out of the list. */
static struct dtls_message *take_out(struct dtls_reader *r, struct dtls_message **link)
{
	struct dtls_message *m = *link;

	*link = m->next;
	r->num_open--;
	return m;
}

static void drop(struct dtls_reader *r, struct budget *memory, struct dtls_message **link)
{
	dtls_message_free(take_out(r, link), memory);
	r->dropped++;
}

void dtls_reader_restart(struct dtls_reader *r, struct budget *memory)
{
	while (r->open)
		drop(r, memory, &r->open);
	r->num_given = r->given_at = r->randoms = 0;
}

void dtls_reader_fini(struct dtls_reader *r, struct budget *memory)
{
	dtls_reader_restart(r, memory);
	release(r, memory);
}

void dtls_reader_leave(struct dtls_reader *r)
{
	r->record_left = 0;
}

static enum parse bad(struct dtls_reader *r, const char *why)
{
	r->why = why;
	return PARSE_BAD;
}

static enum parse read_alert(struct dtls_record *record, struct tls_item *out)
{
	const uint8_t *alert = record->body.data;

	/* RFC 5246 section 7.2: two bytes; anything else is encrypted. */
	if (record->body.len != 2 || record->cut || (alert[0] != 1 && alert[0] != 2)) {
		out->kind = TLS_ITEM_ENCRYPTED;
		return PARSE_OK;
	}
	out->kind = TLS_ITEM_ALERT;
	out->alert_level = alert[0];
	out->alert_description = alert[1];
	return PARSE_OK;
}

static enum parse read_cipher_spec(struct dtls_reader *r, const struct dtls_record *record,
				   struct tls_item *out)
{
	/* OpenSSL before 0.9.8f put a message_seq behind the one byte. */
	if (record->body.len != 1 && (record->version != 0x0100 || record->body.len != 3))
		return bad(r, "ChangeCipherSpec of a wrong length");
	out->kind = TLS_ITEM_CIPHER_SPEC;
	return PARSE_OK;
}

/* PARSE_MORE: a record of handshake fragments has begun, or one of nothing was passed over. */
static enum parse record_begin(struct dtls_reader *r, struct bytes *datagram, struct tls_item *out)
{
	struct bytes rest = *datagram;
	struct dtls_record record;

	if (!dtls_record_next(&rest, &record)) {
		*datagram = bytes_of(datagram->data + datagram->len, 0);
		return bad(r, "not a DTLS record");
	}
	r->record_version = out->record_version = record.version;
	if (!record.encrypted && record.type == TLS_HANDSHAKE) {
		r->record_left = (uint16_t)record.body.len;
		r->record_cut = record.cut > 0;
		*datagram = bytes_of(record.body.data, record.body.len + rest.len);
		return PARSE_MORE;
	}
	*datagram = rest;
	out->type = record.type;
	if (!record.encrypted && record.type == TLS_ALERT)
		return read_alert(&record, out);
	if (!record.encrypted && record.type == TLS_CHANGE_CIPHER_SPEC)
		return read_cipher_spec(r, &record, out);
	/* In clear these may come between hellos, and say nothing of a certificate. */
	if (!record.encrypted && (record.type == TLS_HEARTBEAT || record.type == DTLS_ACK))
		return PARSE_MORE;
	out->kind = TLS_ITEM_ENCRYPTED;
	return PARSE_OK;
}

/*
 * A hello with another random under a message_seq that a hello had: the peers use their ports for
 * a new handshake. (A cookie is answered under message_seq 1 with the same random, RFC 6347
 * section 4.2.1; a HelloRetryRequest has message_seq 0 and the ServerHello 1.)
 */
static void notice_new_handshake(struct dtls_reader *r, struct budget *memory,
				 const struct dtls_fragment *f)
{
	uint8_t bit;

	if ((f->type != TLS_CLIENT_HELLO && f->type != TLS_SERVER_HELLO) || f->message_seq > 1 ||
	    f->offset > 0 || f->data.len < DTLS_RANDOM_LEN)
		return;
	bit = (uint8_t)(1u << f->message_seq);
	if (r->randoms & bit) {
		if (memcmp(r->random[f->message_seq], f->data.data, DTLS_RANDOM_LEN) == 0)
			return;
		dtls_reader_restart(r, memory);
		r->handshakes++;
	}
	memcpy(r->random[f->message_seq], f->data.data, DTLS_RANDOM_LEN);
	r->randoms |= bit;
}

static bool was_given(struct dtls_reader *r, const struct dtls_fragment *f)
{
	for (unsigned int i = 0; i < r->num_given; i++) {
		const struct dtls_given *g = &r->given[i];

		if (g->message_seq != f->message_seq || g->type != f->type)
			continue;
		if (g->total == f->total)
			return true;
		/* Some clients send the hello with the cookie under message_seq 0 again. */
		if (f->type != TLS_CLIENT_HELLO)
			r->conflict = true;
	}
	return false;
}

static enum parse give(struct dtls_reader *r, const struct dtls_fragment *f,
		       enum tls_item_kind kind, struct bytes body, struct tls_item *out)
{
	r->given[r->given_at] = (struct dtls_given){ f->total, f->message_seq, f->type };
	r->given_at = (uint8_t)((r->given_at + 1) % DTLS_GIVEN_MAX);
	if (r->num_given < DTLS_GIVEN_MAX)
		r->num_given++;
	r->message_seq = f->message_seq;
	out->kind = kind;
	out->type = f->type;
	out->body = body;
	out->total = f->total;
	return PARSE_OK;
}

/* The link to the message that `f` belongs to, or to NULL at the list's end. */
static struct dtls_message **find(struct dtls_reader *r, const struct dtls_fragment *f)
{
	struct dtls_message **link;

	for (link = &r->open; *link && !dtls_message_takes(*link, f); link = &(*link)->next)
		if ((*link)->message_seq == f->message_seq)
			r->conflict = true;
	return link;
}

/* Gathers; PARSE_MORE: the message is not whole yet. */
static enum parse add(struct dtls_reader *r, struct budget *memory, struct dtls_message **link,
		      const struct dtls_fragment *f, struct tls_item *out)
{
	if (!*link) {
		struct dtls_message *m = dtls_message_new(memory, f);

		if (!m)
			return bad(r, "over the memory limit");
		*link = m;
		r->num_open++;
	}
	if (!dtls_message_add(*link, memory, f, &r->conflict) ||
	    (dtls_message_whole(*link) && !dtls_message_sort(*link, memory))) {
		drop(r, memory, link);
		return bad(r, "over the memory limit");
	}
	if (dtls_message_whole(*link)) {
		r->release = take_out(r, link);
		return give(r, f, TLS_ITEM_MESSAGE, bytes_of(r->release->bytes, f->total), out);
	}
	/* The newest is at the end, and never the one that goes. */
	if (r->num_open > DTLS_OPEN_MAX)
		drop(r, memory, &r->open);
	return PARSE_MORE;
}

static enum parse read_fragment(struct dtls_reader *r, struct budget *memory,
				struct bytes *datagram, struct tls_item *out)
{
	struct bytes body = bytes_of(datagram->data, r->record_left);
	struct dtls_message **link;
	struct dtls_fragment f;

	if (!dtls_fragment_next(&body, r->record_cut, &f)) {
		bool cut = r->record_cut && body.len < DTLS_MESSAGE_HEADER_LEN;

		body = bytes_of(body.data + body.len, 0);
		*datagram = bytes_of(body.data, datagram->len - r->record_left);
		r->record_left = 0;
		return cut ? PARSE_MORE : bad(r, "handshake fragment of contradictory lengths");
	}
	*datagram = bytes_of(body.data, datagram->len - (r->record_left - body.len));
	r->record_left = (uint16_t)body.len;
	if (!tls_handshake_type_known(f.type))
		return bad(r, "unknown handshake message type");
	notice_new_handshake(r, memory, &f);
	if (was_given(r, &f))
		return PARSE_MORE;
	if (f.total > r->message_max)
		return give(r, &f, TLS_ITEM_SKIPPED, bytes_of(NULL, 0), out);
	link = find(r, &f);
	if (!*link && f.data.len == f.total)
		return give(r, &f, TLS_ITEM_MESSAGE, f.data, out);
	return f.data.len > 0 ? add(r, memory, link, &f, out) : PARSE_MORE;
}

enum parse dtls_reader_next(struct dtls_reader *r, struct budget *memory, struct bytes *datagram,
			    struct tls_item *out)
{
	enum parse result = PARSE_MORE;

	release(r, memory);
	*out = (struct tls_item){ .record_version = r->record_version };
	while (result == PARSE_MORE && (r->record_left > 0 || datagram->len > 0)) {
		if (r->record_left == 0)
			result = record_begin(r, datagram, out);
		else
			result = read_fragment(r, memory, datagram, out);
	}
	return result;
}

void dtls_message_header(const struct tls_item *item, uint16_t message_seq,
			 uint8_t out[DTLS_MESSAGE_HEADER_LEN])
{
	const uint8_t length[3] = { (uint8_t)(item->total >> 16), (uint8_t)(item->total >> 8),
				    (uint8_t)item->total };

	memset(out, 0, DTLS_MESSAGE_HEADER_LEN);
	out[0] = item->type;
	memcpy(out + 1, length, 3);
	out[4] = (uint8_t)(message_seq >> 8);
	out[5] = (uint8_t)message_seq;
	memcpy(out + 9, length, 3);
}

static struct dtls_message *unfinished(const struct dtls_reader *r)
{
	struct dtls_message *m;

	for (m = r->open; m; m = m->next)
		if (m->type == TLS_CERTIFICATE)
			return m;
	return r->open;
}

bool dtls_reader_unfinished(const struct dtls_reader *r, uint8_t *type, uint32_t *have,
			    uint32_t *total)
{
	const struct dtls_message *m = unfinished(r);

	if (!m)
		return false;
	*type = m->type;
	*have = m->bytes_len;
	*total = m->total;
	return true;
}

struct bytes dtls_reader_gathered(struct dtls_reader *r, struct budget *memory)
{
	struct dtls_message *m = unfinished(r);

	/* Unsorted, the first piece is still whole in itself. */
	if (m && !dtls_message_sort(m, memory))
		r->why = "over the memory limit";
	if (!m || m->num_pieces == 0 || m->pieces[0].offset > 0)
		return bytes_of(NULL, 0);
	return bytes_of(m->bytes + m->pieces[0].at, m->pieces[0].len);
}

bool dtls_reader_missing(const struct dtls_reader *r, unsigned int index, uint32_t *from,
			 uint32_t *to)
{
	const struct dtls_message *m = unfinished(r);
	uint32_t at = 0;

	for (uint32_t i = 0; m && i <= m->num_pieces; i++) {
		uint32_t next = i < m->num_pieces ? m->pieces[i].offset : m->total;

		if (next > at && index-- == 0) {
			*from = at;
			*to = next;
			return true;
		}
		if (i < m->num_pieces)
			at = next + m->pieces[i].len;
	}
	return false;
}

static bool seq_met(const struct dtls_reader *r, uint32_t seq)
{
	const struct dtls_message *m;
	unsigned int i;

	for (i = 0; i < r->num_given; i++)
		if (r->given[i].message_seq == seq)
			return true;
	for (m = r->open; m; m = m->next)
		if (m->message_seq == seq)
			return true;
	return false;
}

bool dtls_reader_gap(const struct dtls_reader *r)
{
	uint32_t first = UINT16_MAX, last = 0, seq;
	unsigned int i;

	/* What was given earliest may be forgotten. */
	if (r->num_given == 0 || r->num_given == DTLS_GIVEN_MAX)
		return false;
	for (i = 0; i < r->num_given; i++) {
		seq = r->given[i].message_seq;
		first = seq < first ? seq : first;
		last = seq > last ? seq : last;
	}
	for (seq = first + 1; seq < last && seq < first + DTLS_GIVEN_MAX; seq++)
		if (!seq_met(r, seq))
			return true;
	return false;
}
