/* SPDX-License-Identifier: Apache-2.0 */
/* Input: a pcapng file. What its blocks give must lie within them. */
#include "parsers/pcapng.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_within(struct bytes inner, struct bytes block)
{
	if (inner.len && (inner.data < block.data ||
			  inner.data + inner.len > block.data + block.len))
		abort();
}

/* Gives one block; false where a reader would stop. */
static bool give(struct pcapng *p, struct bytes block)
{
	struct pcapng_secrets secrets;
	struct pcapng_frame frame;
	enum pcapng_item what;
	const char *why = NULL;

	if (!pcapng_block(p, block, &what, &frame, &secrets, &why)) {
		if (!why)
			abort();
		return false;
	}
	if (what == PCAPNG_PACKET) {
		check_within(frame.data, block);
		if (frame.wire_len < frame.data.len || frame.interface >= PCAPNG_INTERFACES_MAX)
			abort();
	}
	if (what == PCAPNG_SECRETS)
		check_within(secrets.data, block);
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes rest = bytes_of(data, size), block;
	struct pcapng *p = pcapng_new();
	uint32_t len;

	if (!p)
		return 0;
	while (pcapng_block_len(p, rest, &len) == PARSE_OK && bytes_take(&rest, len, &block) &&
	       give(p, block))
		;
	pcapng_free(p);
	return 0;
}
