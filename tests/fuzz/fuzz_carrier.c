/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Input: one byte that says over what (modulo four), then any number of steps, each a byte (bit 0:
 * the side; bit 1: bytes were lost, as many as follow say) and a body with 16 bits of length. The
 * first body is the head by which a carrier is recognised. Pieces must be in order, within bounds,
 * and the memory come back.
 */
#include "parsers/carrier.h"
#include "parsers/eap.h"

#include <stdlib.h>

#define MEMORY_MAX (1u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
	if (!ok)
		abort();
}

/* On the heap, of exact length: a sanitizer sees every step beyond. */
static enum parse feed(struct carrier *c, struct budget *memory, unsigned int side, struct bytes in)
{
	uint8_t *copy = malloc(in.len + 1), sum = 0;
	struct carrier_piece p;
	enum parse result;

	check(copy != NULL);
	if (in.len)
		memcpy(copy + 1, in.data, in.len);
	carrier_feed(c, side, bytes_of(copy + 1, in.len));
	while ((result = carrier_next(c, memory, &p)) == PARSE_OK) {
		check(p.side == side && p.content <= CARRIER_ENDED);
		check((p.content == CARRIER_ENDED) == (p.bytes.len == 0));
		for (size_t i = 0; i < p.bytes.len; i++)
			sum ^= p.bytes.data[i];
		check(memory->used <= MEMORY_MAX);
	}
	copy[0] = sum;
	free(copy);
	return result;
}

static bool next_step(struct bytes *in, unsigned int *side, bool *lost, struct bytes *body)
{
	uint8_t control;
	uint16_t len;

	if (!bytes_u8(in, &control) || !bytes_u16(in, &len))
		return false;
	*side = control & 1;
	*lost = control & 2;
	return bytes_take(in, len < in->len ? len : in->len, body);
}

/* The same bytes as EAP in EAPOL. */
static void try_eap(struct eap_tls *eap, struct bytes in)
{
	struct eap_tls_piece piece;
	struct eap_packet packet;
	struct bytes inside;

	if (!eap_eapol(in, &inside) || !eap_parse(inside, &packet) ||
	    eap_tls_feed(eap, &packet, &piece) != EAP_TLS_BYTES)
		return;
	check(piece.tls.len > 0 && piece.tls.data >= in.data &&
	      piece.tls.data + piece.tls.len <= in.data + in.len && piece.end < 2);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct budget memory = { .max = MEMORY_MAX };
	struct bytes in = bytes_of(data, size), body;
	const struct carrier_ops *ops;
	struct eap_tls eap = { 0 };
	struct carrier *c = NULL;
	unsigned int side;
	uint8_t over;
	bool lost;

	if (!bytes_u8(&in, &over))
		return 0;
	while (next_step(&in, &side, &lost, &body)) {
		try_eap(&eap, body);
		if (!c) {
			if (carrier_recognise(over % 4, body, &ops) != PARSE_OK)
				continue;
			c = carrier_new(ops, &memory);
			check(c && carrier_name(ops));
		}
		if (lost ? !carrier_lose(c, &memory, side, (uint32_t)body.len) :
			   feed(c, &memory, side, body) == PARSE_BAD)
			break;
	}
	carrier_free(c, &memory);
	check(memory.used == 0);
	return 0;
}
