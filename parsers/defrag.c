/* SPDX-License-Identifier: Apache-2.0 */
#include "parsers/defrag.h"

#include <search.h>
#include <stdlib.h>

/* A run of bytes that was received; those of one datagram are disjoint and in order. */
struct piece {
	struct piece *next;
	uint32_t offset, len;
	uint8_t data[];
};

struct datagram_key {
	struct ip_address src, dst;
	uint32_t id;
	uint8_t ip_version;
	uint8_t ip_protocol;         /* IPv4 only: RFC 8200 leaves it out */
	uint8_t unused[2];           /* keys are compared as bytes */
};
_Static_assert(sizeof(struct datagram_key) == 40, "no padding in the key");

struct datagram {
	struct datagram_key key;     /* first: the tree compares datagrams by it */
	struct datagram *older, *newer;
	struct piece *first, *last;
	uint64_t time_ns;            /* of the first fragment that arrived */
	uint32_t num_pieces, num_bytes;
	uint32_t end;                /* 0 until the last fragment arrived */
	uint8_t ip_protocol;
};

/*
 * Found through a balanced tree, not a hash: strangers choose the keys, and there is no secret
 * here to hash with.
 */
struct defrag {
	void *tree;
	struct datagram *oldest, *newest;
	unsigned int max_pieces;
	size_t max_bytes;
	size_t num_pieces, num_bytes;
	struct defrag_stats stats;
	uint8_t joined[DEFRAG_MAX_DATAGRAM];
};

/* One fragment's place and bytes. */
struct span {
	uint32_t offset, end;
	const uint8_t *data;
	bool last;
};

struct defrag *defrag_new(unsigned int max_fragments)
{
	struct defrag *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->max_pieces = max_fragments;
	d->max_bytes = (size_t)max_fragments * DEFRAG_PIECE_MEAN;
	if (d->max_bytes < DEFRAG_MAX_DATAGRAM)
		d->max_bytes = DEFRAG_MAX_DATAGRAM;
	return d;
}

static int compare_keys(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct datagram_key));
}

static void drop(struct defrag *d, struct datagram *g)
{
	struct piece *piece, *next;

	tdelete(g, &d->tree, compare_keys);
	*(g->older ? &g->older->newer : &d->oldest) = g->newer;
	*(g->newer ? &g->newer->older : &d->newest) = g->older;
	d->num_pieces -= g->num_pieces;
	d->num_bytes -= g->num_bytes;
	for (piece = g->first; piece; piece = next) {
		next = piece->next;
		free(piece);
	}
	free(g);
}

void defrag_free(struct defrag *d)
{
	if (!d)
		return;
	while (d->oldest)
		drop(d, d->oldest);
	free(d);
}

const struct defrag_stats *defrag_stats(const struct defrag *d)
{
	return &d->stats;
}

/* Captures may step back in time; that makes nothing old. */
static void expire(struct defrag *d, uint64_t time_ns)
{
	while (d->oldest && time_ns > d->oldest->time_ns &&
	       time_ns - d->oldest->time_ns > DEFRAG_TIMEOUT_NS) {
		d->stats.timed_out++;
		drop(d, d->oldest);
	}
}

static struct datagram_key key_of(const struct packet *packet)
{
	return (struct datagram_key){
		.src = packet->src,
		.dst = packet->dst,
		.id = packet->fragment.id,
		.ip_version = packet->ip_version,
		.ip_protocol = packet->ip_version == 4 ? packet->ip_protocol : 0,
	};
}

static struct datagram *find(struct defrag *d, const struct packet *packet)
{
	struct datagram_key key = key_of(packet);
	struct datagram **found = tfind(&key, &d->tree, compare_keys);

	return found ? *found : NULL;
}

static struct datagram *add(struct defrag *d, const struct packet *packet, uint64_t time_ns)
{
	struct datagram *g = calloc(1, sizeof(*g));

	if (!g)
		return NULL;
	g->key = key_of(packet);
	g->time_ns = time_ns;
	g->ip_protocol = packet->ip_protocol;
	if (!tsearch(g, &d->tree, compare_keys)) {
		free(g);
		return NULL;
	}
	g->older = d->newest;
	*(d->newest ? &d->newest->newer : &d->oldest) = g;
	d->newest = g;
	return g;
}

static bool is_oversize(const struct packet *packet)
{
	return packet->fragment.offset > DEFRAG_MAX_DATAGRAM ||
	       packet->payload.len > DEFRAG_MAX_DATAGRAM - packet->fragment.offset;
}

/*
 * The fragment's place, unless it is to be passed over: lengths other than the last one's are
 * multiples of eight, and IPv4 hosts ignore the remainder where RFC 8200 section 4.5 refuses.
 */
static bool span_of(struct defrag *d, const struct packet *packet, struct span *out)
{
	uint32_t len = (uint32_t)packet->payload.len;

	if (packet->payload_cut) {
		d->stats.cut++;
		return false;
	}
	if (packet->fragment.more && len % 8)
		len = packet->ip_version == 4 ? len - len % 8 : 0;
	if (len == 0) {
		d->stats.malformed++;
		return false;
	}
	*out = (struct span){
		.offset = packet->fragment.offset,
		.end = packet->fragment.offset + len,
		.data = packet->payload.data,
		.last = !packet->fragment.more,
	};
	return true;
}

/* Puts new bytes behind `*after`, or at the front where that is NULL. */
static bool insert(struct defrag *d, struct datagram *g, struct piece *after, uint32_t offset,
		   uint32_t len, const uint8_t *data)
{
	struct piece **link = after ? &after->next : &g->first;
	struct piece *piece;

	if (g->num_pieces == DEFRAG_MAX_PIECES)
		return false;
	piece = malloc(sizeof(*piece) + len);
	if (!piece)
		return false;
	piece->offset = offset;
	piece->len = len;
	memcpy(piece->data, data, len);
	piece->next = *link;
	*link = piece;
	if (!piece->next)
		g->last = piece;
	g->num_pieces++;
	g->num_bytes += len;
	d->num_pieces++;
	d->num_bytes += len;
	return true;
}

/* Do the bytes that the span and the piece share differ? */
static bool disagree(const struct piece *piece, const struct span *span)
{
	uint32_t from = span->offset > piece->offset ? span->offset : piece->offset;
	uint32_t piece_end = piece->offset + piece->len;
	uint32_t to = span->end < piece_end ? span->end : piece_end;

	return from < to && memcmp(piece->data + (from - piece->offset),
				   span->data + (from - span->offset), to - from) != 0;
}

/* Keeps those bytes of the span that are new. False: no memory, or too many pieces. */
static bool fill_gaps(struct defrag *d, struct datagram *g, const struct span *span)
{
	/* In order is the usual case: then the list need not be walked. */
	bool behind = g->last && span->offset >= g->last->offset + g->last->len;
	struct piece *after = behind ? g->last : NULL, *next = behind ? NULL : g->first;
	uint32_t at = span->offset, until;
	bool differs = false;

	while (at < span->end) {
		until = next && next->offset < span->end ? next->offset : span->end;
		if (at < until) {
			if (!insert(d, g, after, at, until - at, span->data + (at - span->offset)))
				return false;
			at = until;
		}
		if (!next)
			break;
		differs |= disagree(next, span);
		if (at < next->offset + next->len && at >= next->offset)
			at = next->offset + next->len;
		after = next;
		next = next->next;
	}
	d->stats.overlaps += differs;
	return true;
}

/* Does the span agree with what is known of the datagram's end? Remembers what it adds. */
static bool accept_end(struct datagram *g, const struct span *span)
{
	if (g->end && (span->end > g->end || (span->last && span->end != g->end)))
		return false;
	if (!span->last)
		return true;
	if (g->last && g->last->offset + g->last->len > span->end)
		return false;
	g->end = span->end;
	return true;
}

static struct bytes join(struct defrag *d, const struct datagram *g)
{
	for (const struct piece *piece = g->first; piece; piece = piece->next)
		memcpy(d->joined + piece->offset, piece->data, piece->len);
	return bytes_of(d->joined, g->num_bytes);
}

static void evict(struct defrag *d, struct datagram *g)
{
	d->stats.evicted++;
	drop(d, g);
}

/* Adds the span to its datagram, which is dropped when it cannot be kept. */
static bool keep(struct defrag *d, struct datagram *g, const struct packet *packet,
		 const struct span *span)
{
	if (!accept_end(g, span)) {
		d->stats.malformed++;
		return false;
	}
	if (span->offset == 0 && !(g->first && g->first->offset == 0))
		g->ip_protocol = packet->ip_protocol;
	if (fill_gaps(d, g, span))
		return true;
	evict(d, g);
	return false;
}

bool defrag_add(struct defrag *d, struct packet *packet, uint64_t time_ns,
		struct bytes *ip_payload)
{
	struct datagram *g;
	struct span span;

	d->stats.fragments++;
	expire(d, time_ns);
	g = find(d, packet);
	if (is_oversize(packet)) {
		d->stats.oversize++;
		if (g)
			drop(d, g);
		return false;
	}
	if (!span_of(d, packet, &span))
		return false;
	if (!g)
		g = add(d, packet, time_ns);
	if (!g) {
		d->stats.evicted++;
		return false;
	}
	if (!keep(d, g, packet, &span))
		return false;
	if (g->end && g->num_bytes == g->end) {
		*ip_payload = join(d, g);
		packet->ip_protocol = g->ip_protocol;
		d->stats.joined++;
		drop(d, g);
		return true;
	}
	while (d->num_pieces > d->max_pieces || d->num_bytes > d->max_bytes)
		evict(d, d->oldest);
	return false;
}
