/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Input: any number of steps, each a control byte (bit 0: the side, bits 1 to 2: what comes, bit 3:
 * the reader fetches no messages yet, bits 4 to 7: suite) and a body with 16 bits of length: a
 * datagram, the frames of an opened Initial or Handshake packet, or a secret. Fuzzing cannot guess
 * tags, so frames go in behind the decryption. Lengths must agree and the memory come back.
 */
#include "parsers/quic_parts.h"

#include <stdlib.h>

#define MESSAGE_MAX 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum step { STEP_DATAGRAM, STEP_INITIAL, STEP_HANDSHAKE, STEP_SECRET };

static struct quic_crypto *crypto;

static void check(bool ok)
{
	if (!ok)
		abort();
}

static uint8_t fetch(struct quic *q, struct budget *memory)
{
	struct tls_item item;
	unsigned int side;
	uint8_t sum = 0;

	while (quic_next(q, memory, &side, &item)) {
		check(side < 2);
		check(item.kind == TLS_ITEM_SKIPPED || item.body.len <= item.total);
		if (item.kind == TLS_ITEM_MESSAGE)
			check(item.body.len == item.total && item.total <= MESSAGE_MAX);
		else
			check(item.total > MESSAGE_MAX &&
			      item.offset + item.body.len <= item.total);
		for (size_t i = 0; i < item.body.len; i++)
			sum ^= item.body.data[i];
	}
	return sum;
}

static void run_step(struct quic *q, struct budget *memory, uint8_t control, struct bytes body)
{
	unsigned int side = control & 1;

	switch ((enum step)(control >> 1 & 3)) {
	case STEP_DATAGRAM:
		(void)quic_begins(body);
		quic_datagram(q, memory, side, body);
		break;
	case STEP_INITIAL:
		quic_read_frames(q, memory, side, QUIC_EPOCH_INITIAL, body);
		break;
	case STEP_HANDSHAKE:
		quic_read_frames(q, memory, side, QUIC_EPOCH_HANDSHAKE, body);
		break;
	case STEP_SECRET:
		(void)quic_secret(q, memory, side, 0x1301 + (control >> 4), body);
		break;
	}
	(void)quic_missing(q, side);
	check(q->held_len <= q->held_max);
	check(q->ends[side].wrong_guesses <= 4);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct budget memory = { .max = 256u << 10 };
	struct bytes rest = bytes_of(data, size), body;
	uint8_t control, sum = 0;
	struct quic *q;

	if (!crypto)
		crypto = quic_crypto_new();
	check(crypto != NULL);
	q = quic_new(crypto, &memory, MESSAGE_MAX, 8192);
	check(q != NULL);
	while (bytes_u8(&rest, &control) && bytes_vec16(&rest, &body)) {
		run_step(q, &memory, control, body);
		if (!(control & 8))
			sum ^= fetch(q, &memory);
	}
	quic_free(q, &memory);
	check(memory.used == 0);
	return sum == 0 && size == SIZE_MAX;    /* the sum keeps the reads above from vanishing */
}
