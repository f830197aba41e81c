/* SPDX-License-Identifier: Apache-2.0 */
#include "parsers/quic_parts.h"

#include <stdlib.h>

#define CAPACITY_MIN 256u

static struct quic_message *message_new(struct budget *memory, unsigned int side, uint32_t capacity)
{
	struct quic_message *m;

	if (!budget_take(memory, sizeof(*m) + capacity))
		return NULL;
	m = malloc(sizeof(*m) + capacity);
	if (!m) {
		budget_give(memory, sizeof(*m) + capacity);
		return NULL;
	}
	*m = (struct quic_message){ .side = (uint8_t)side, .capacity = capacity };
	return m;
}

static void message_free(struct quic_message *m, struct budget *memory)
{
	if (!m)
		return;
	budget_give(memory, sizeof(*m) + m->capacity);
	free(m);
}

/* Appends `data`: room grows with what has arrived, at most doubling. False: not kept. */
static bool message_append(struct quic_message **message, struct budget *memory, struct bytes data,
			   uint32_t total)
{
	struct quic_message *m = *message, *larger;
	uint32_t need = m->len + (uint32_t)data.len, capacity = m->capacity * 2;

	if (need > m->capacity) {
		if (capacity < need)
			capacity = need;
		if (capacity > total && total >= need)
			capacity = total;
		if (!budget_take(memory, capacity - m->capacity))
			return false;
		larger = realloc(m, sizeof(*m) + capacity);
		if (!larger) {
			budget_give(memory, capacity - m->capacity);
			return false;
		}
		larger->capacity = capacity;
		*message = m = larger;
	}
	memcpy(m->data + m->len, data.data, data.len);
	m->len = need;
	return true;
}

/* Takes `m` over. False: too much waits already, and `m` is freed. */
static bool queue_put(struct quic_queue *queue, struct budget *memory, struct quic_message *m)
{
	uint32_t len = (uint32_t)sizeof(*m) + m->capacity;

	if (len > queue->len_max - queue->len) {
		message_free(m, memory);
		return false;
	}
	if (queue->last)
		queue->last->next = m;
	else
		queue->first = m;
	queue->last = m;
	queue->len += len;
	return true;
}

bool quic_queue_next(struct quic_queue *queue, struct budget *memory, unsigned int *side,
		     struct tls_item *out)
{
	struct quic_message *m = queue->first;

	message_free(queue->given, memory);
	queue->given = m;
	if (!m)
		return false;
	queue->first = m->next;
	if (!queue->first)
		queue->last = NULL;
	queue->len -= (uint32_t)sizeof(*m) + m->capacity;
	*side = m->side;
	*out = m->item;
	out->body = bytes_of(m->data, m->len);
	return true;
}

/* Frees what waits. */
static void queue_clear(struct quic_queue *queue, struct budget *memory)
{
	struct quic_message *m;

	while ((m = queue->first)) {
		queue->first = m->next;
		message_free(m, memory);
	}
	queue->last = NULL;
	queue->len = 0;
}

void quic_queue_join(struct quic_queue *to, struct quic_queue *from, struct budget *memory)
{
	if (from->len > to->len_max - to->len)
		queue_clear(to, memory);
	if (to->last)
		to->last->next = from->first;
	else
		to->first = from->first;
	if (from->last)
		to->last = from->last;
	to->len += from->len;
	from->first = from->last = NULL;
	from->len = 0;
}

void quic_queue_fini(struct quic_queue *queue, struct budget *memory)
{
	message_free(queue->given, memory);
	queue->given = NULL;
	queue_clear(queue, memory);
}

void quic_reader_fini(struct quic_reader *r, struct budget *memory)
{
	message_free(r->partial, memory);
	*r = (struct quic_reader){ 0 };
}

/* RFC 8446 section 4: the type, then 24 bits of length. True when they are complete. */
static bool read_header(struct quic_reader *r, struct bytes *in)
{
	uint8_t byte;

	while (r->header_len < TLS_MESSAGE_HEADER_LEN) {
		if (!bytes_u8(in, &byte))
			return false;
		r->header[r->header_len++] = byte;
	}
	r->total = (uint32_t)r->header[1] << 16 | (uint32_t)r->header[2] << 8 | r->header[3];
	return true;
}

/* A message over the limit: a Certificate is given part by part, another one is passed over. */
static bool give_part(struct quic_reader *r, struct budget *memory, unsigned int side,
		      struct bytes part, struct quic_queue *queue)
{
	bool certificate = r->header[0] == TLS_CERTIFICATE;
	struct quic_message *m;

	if (!certificate && r->have > 0)
		return true;                 /* said once that it is passed over */
	m = message_new(memory, side, certificate ? (uint32_t)part.len : 0);
	if (!m)
		return false;
	m->item = (struct tls_item){
		.kind = certificate ? TLS_ITEM_PART : TLS_ITEM_SKIPPED,
		.type = r->header[0],
		.record_version = 0x0303,
		.offset = r->have,
		.total = r->total,
	};
	if (certificate) {
		memcpy(m->data, part.data, part.len);
		m->len = (uint32_t)part.len;
	}
	return queue_put(queue, memory, m);
}

/* A message within the limit: gathered, and given when it is whole. */
static bool gather(struct quic_reader *r, struct budget *memory, unsigned int side,
		   struct bytes part, struct quic_queue *queue)
{
	struct quic_message *m;
	uint32_t capacity = (uint32_t)part.len;

	if (!r->partial) {
		if (capacity < r->total && capacity < CAPACITY_MIN)
			capacity = r->total < CAPACITY_MIN ? r->total : CAPACITY_MIN;
		r->partial = message_new(memory, side, capacity);
		if (!r->partial)
			return false;
	}
	if (part.len > 0 && !message_append(&r->partial, memory, part, r->total))
		return false;
	if (r->partial->len < r->total)
		return true;
	m = r->partial;
	r->partial = NULL;
	m->item = (struct tls_item){
		.kind = TLS_ITEM_MESSAGE,
		.type = r->header[0],
		.record_version = 0x0303,
		.total = r->total,
	};
	return queue_put(queue, memory, m);
}

void quic_reader_feed(struct quic_reader *r, struct budget *memory, uint32_t message_max,
		      unsigned int side, struct bytes in, struct quic_queue *queue)
{
	while (!r->broken && read_header(r, &in)) {
		size_t len = r->total - r->have;
		struct bytes part;
		bool kept;

		if (len > in.len)
			len = in.len;
		if (!bytes_take(&in, len, &part) || (part.len == 0 && r->total > 0))
			return;
		if (r->total > message_max)
			kept = give_part(r, memory, side, part, queue);
		else
			kept = gather(r, memory, side, part, queue);
		if (!kept) {
			quic_reader_fini(r, memory);
			r->broken = true;
			return;
		}
		r->have += (uint32_t)part.len;
		if (r->have == r->total)
			r->have = r->header_len = 0;
	}
}
