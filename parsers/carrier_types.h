/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between carrier.c (the table, the common code) and the files that know a carrier's framing: the
 * row of the table, and two helpers. `gather` joins a frame that came in pieces; `order` puts
 * numbered messages in order, holding back what comes too early.
 */
#ifndef CERTTAP_CARRIER_TYPES_H
#define CERTTAP_CARRIER_TYPES_H

#include "parsers/carrier.h"

struct carrier_ops {
	const char *name;
	enum carrier_over over;
	size_t state_len;      /* of the carrier's own state: begins as zeros */
	enum parse (*recognise)(struct bytes head);
	/* As carrier_next(): takes from c->in; a datagram that was fed is there once. */
	enum parse (*next)(struct carrier *c, struct budget *memory, struct carrier_piece *out);
	bool (*lose)(struct carrier *c, struct budget *memory, unsigned int side, uint32_t len);
	void (*fini)(struct carrier *c, struct budget *memory);
};

struct carrier {
	const struct carrier_ops *ops;
	struct bytes in;       /* what was fed and is not used up */
	unsigned int side;     /* who sent it */
	bool fresh;            /* fed, and not looked at since */
	_Alignas(max_align_t) uint8_t state[];
};

extern const struct carrier_ops carrier_eapol, carrier_ftp, carrier_jxta, carrier_openvpn_tcp,
	carrier_openvpn_udp, carrier_radius, carrier_rdpudp, carrier_sctp, carrier_tds, carrier_turn;

/* Takes the datagram that was fed; false: there is none any more. */
static inline bool carrier_take_datagram(struct carrier *c, struct bytes *out)
{
	*out = c->in;
	c->in = bytes_of(NULL, 0);
	return out->len > 0;
}

/* ---- gather ---- */

struct gather {
	uint8_t *data;
	uint32_t len, capacity;
	bool given;            /* by the last call: to be forgotten */
};

/*
 * The next `want` bytes: in place, if `in` has them all, else joined with those gathered before;
 * borrowed until the next call. PARSE_MORE: `in` is used up, its bytes are kept. PARSE_BAD: no
 * memory. What is held grows with the bytes that came, never by what a length field claims.
 */
enum parse gather_take(struct gather *g, struct budget *memory, struct bytes *in, uint32_t want,
		       struct bytes *out);

/* Adds to what is gathered, however much there is; see it with gather_bytes(). False: no memory. */
MUST_CHECK bool gather_add(struct gather *g, struct budget *memory, struct bytes in);
struct bytes gather_bytes(const struct gather *g);

/* Forgets and frees what is held. */
void gather_fini(struct gather *g, struct budget *memory);

/* ---- order ---- */

#define ORDER_ITEMS_MAX 64
#define ORDER_HELD_MAX (128u * 1024)
#define ORDER_FAR 4096         /* numbers further ahead are of something else, or an attack */

struct order_item {
	struct order_item *next;
	uint32_t number, len;
	uint8_t data[];
};

struct order {
	struct order_item *items;  /* by number, all beyond `next` */
	struct order_item *given;  /* by the last order_pop(): to be freed */
	uint32_t next;             /* the number to hand on next */
	uint32_t held;             /* bytes in items */
	uint32_t missed;           /* numbers given up since order_missed() was asked */
	uint16_t num;
};

enum order_add {
	ORDER_NOW,     /* it is the next one: hand it on */
	ORDER_KEPT,    /* too early; one too many gives up a gap: see order_pop() */
	ORDER_IGNORED, /* came before, is too far ahead, or there is no memory */
};

/* Starts at `number`, holding nothing. */
void order_begin(struct order *o, struct budget *memory, uint32_t number);
enum order_add order_add(struct order *o, struct budget *memory, uint32_t number, struct bytes in);

/* What has become next in order, borrowed until the next call; false: nothing has. */
MUST_CHECK bool order_pop(struct order *o, struct budget *memory, struct bytes *out);

/* Those before `number` will not come. */
void order_skip(struct order *o, struct budget *memory, uint32_t number);

/* Takes the count of numbers that were given up. */
uint32_t order_missed(struct order *o);

void order_fini(struct order *o, struct budget *memory);

#endif
