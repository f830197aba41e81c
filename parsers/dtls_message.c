/* SPDX-License-Identifier: Apache-2.0 */
#include "parsers/dtls_message.h"

#include <stdlib.h>

struct dtls_message *dtls_message_new(struct budget *memory, const struct dtls_fragment *f)
{
	struct dtls_message *m;

	if (!budget_take(memory, sizeof(*m)))
		return NULL;
	m = calloc(1, sizeof(*m));
	if (!m) {
		budget_give(memory, sizeof(*m));
		return NULL;
	}
	m->type = f->type;
	m->message_seq = f->message_seq;
	m->total = f->total;
	return m;
}

void dtls_message_free(struct dtls_message *m, struct budget *memory)
{
	if (!m)
		return;
	budget_give(memory, sizeof(*m) + m->bytes_capacity +
				    m->pieces_capacity * sizeof(*m->pieces));
	free(m->bytes);
	free(m->pieces);
	free(m);
}

bool dtls_message_takes(const struct dtls_message *m, const struct dtls_fragment *f)
{
	return m->message_seq == f->message_seq && m->type == f->type && m->total == f->total;
}

/* Doubles what has become too small; `limit` is the most that can ever be needed. */
static bool grow(void **array, uint32_t *capacity, size_t size, uint32_t need, uint32_t limit,
		 struct budget *memory)
{
	uint32_t wanted = *capacity * 2 > need ? *capacity * 2 : need;
	void *larger;

	if (need <= *capacity)
		return true;
	if (wanted > limit && need <= limit)
		wanted = limit;
	if (!budget_take(memory, (wanted - *capacity) * size))
		return false;
	larger = realloc(*array, wanted * size);
	if (!larger) {
		budget_give(memory, (wanted - *capacity) * size);
		return false;
	}
	*array = larger;
	*capacity = wanted;
	return true;
}

static bool keep_bytes(struct dtls_message *m, struct budget *memory, struct bytes data)
{
	void *bytes = m->bytes;
	bool grown = grow(&bytes, &m->bytes_capacity, 1, m->bytes_len + (uint32_t)data.len,
			  m->total, memory);

	m->bytes = bytes;
	if (!grown)
		return false;
	memcpy(m->bytes + m->bytes_len, data.data, data.len);
	m->bytes_len += (uint32_t)data.len;
	return true;
}

/* A new piece before pieces[index], or more of the one before it. */
static bool insert(struct dtls_message *m, struct budget *memory, uint32_t index, uint32_t offset,
		   struct bytes data)
{
	struct dtls_piece *before = index > 0 ? &m->pieces[index - 1] : NULL;
	uint32_t at = m->bytes_len;
	void *pieces = m->pieces;
	bool grown;

	if (before && before->offset + before->len == offset && before->at + before->len == at) {
		if (!keep_bytes(m, memory, data))
			return false;
		before->len += (uint32_t)data.len;
		return true;
	}
	if (m->num_pieces == DTLS_PIECES_MAX)
		return false;
	grown = grow(&pieces, &m->pieces_capacity, sizeof(*m->pieces), m->num_pieces + 1,
		     DTLS_PIECES_MAX, memory);
	m->pieces = pieces;
	if (!grown || !keep_bytes(m, memory, data))
		return false;
	memmove(&m->pieces[index + 1], &m->pieces[index],
		(m->num_pieces - index) * sizeof(*m->pieces));
	m->pieces[index] = (struct dtls_piece){ offset, (uint32_t)data.len, at };
	m->num_pieces++;
	return true;
}

/* The first piece that ends behind `offset`. */
static uint32_t find(const struct dtls_message *m, uint32_t offset)
{
	uint32_t low = 0, high = m->num_pieces, middle;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (m->pieces[middle].offset + m->pieces[middle].len > offset)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

/* The first `max` bytes, or all. */
static struct bytes take_most(struct bytes *in, size_t max)
{
	struct bytes taken = bytes_of(in->data, in->len < max ? in->len : max);

	in->data += taken.len;
	in->len -= taken.len;
	return taken;
}

bool dtls_message_add(struct dtls_message *m, struct budget *memory, const struct dtls_fragment *f,
		      bool *conflict)
{
	struct bytes rest = f->data, part;
	uint32_t offset = f->offset, index = find(m, offset), num;

	while (rest.len > 0) {
		const struct dtls_piece *p = index < m->num_pieces ? &m->pieces[index] : NULL;

		if (p && p->offset <= offset) {
			const uint8_t *first = m->bytes + p->at + (offset - p->offset);

			part = take_most(&rest, p->offset + p->len - offset);
			if (memcmp(first, part.data, part.len) != 0)
				*conflict = true;
			index++;
		} else {
			part = take_most(&rest, p ? p->offset - offset : rest.len);
			num = m->num_pieces;
			if (!insert(m, memory, index, offset, part))
				return false;
			index += m->num_pieces - num;
		}
		offset += (uint32_t)part.len;
	}
	return true;
}

bool dtls_message_sort(struct dtls_message *m, struct budget *memory)
{
	uint8_t *sorted;
	uint32_t at = 0, num = 0;

	for (uint32_t i = 0; i < m->num_pieces && m->pieces[i].at == at; i++)
		at += m->pieces[i].len;
	if (at == m->bytes_len)
		return true;
	if (!budget_take(memory, m->bytes_len))
		return false;
	sorted = malloc(m->bytes_len);
	if (!sorted) {
		budget_give(memory, m->bytes_len);
		return false;
	}
	at = 0;
	for (uint32_t i = 0; i < m->num_pieces; i++) {
		struct dtls_piece piece = m->pieces[i];
		struct dtls_piece *last = num > 0 ? &m->pieces[num - 1] : NULL;

		memcpy(sorted + at, m->bytes + piece.at, piece.len);
		if (last && last->offset + last->len == piece.offset)
			last->len += piece.len;
		else
			m->pieces[num++] = (struct dtls_piece){ piece.offset, piece.len, at };
		at += piece.len;
	}
	m->num_pieces = num;
	budget_give(memory, m->bytes_capacity);
	free(m->bytes);
	m->bytes = sorted;
	m->bytes_capacity = m->bytes_len;
	return true;
}
